"""What `make install` puts where, and that it is usable: units, man pages, completion."""

import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pytest
from stack import BUILD, ROOT

PREFIX = "usr/local"  # of the build folder that tests use


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    install(root)
    return root


def install(root):
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)


def test_everything_is_there_and_nothing_elsewhere(installed):
    top = installed / PREFIX
    for name in ("bin/oriel", "sbin/orield", "sbin/oriel-gateway", "libexec/oriel/oriel-agent", "libexec/oriel/oriel-init", "libexec/oriel/oriel-locker"):
        assert os.access(top / name, os.X_OK), name
    for name in ("share/oriel/guest/oriel-agent", "share/oriel/recipes/debian-xfce.recipe", "share/man/man1/oriel.1",
                 "share/man/man8/orield.8", "share/man/man8/oriel-gateway.8", "lib/systemd/system/oriel.service",
                 "lib/systemd/system/oriel-gateway.service", "lib/systemd/system/oriel-machines.service",
                 "lib/sysusers.d/oriel.conf", "lib/tmpfiles.d/oriel.conf", "share/bash-completion/completions/oriel",
                 "share/zsh/site-functions/_oriel", "share/fish/vendor_completions.d/oriel.fish"):
        assert (top / name).stat().st_size, name
    stray = [one for one in installed.rglob("*") if one.is_file() and not one.is_relative_to(top)
             and one != installed / "etc/oriel/oriel.conf"]
    assert stray == []


def test_settings_of_the_host_are_kept(installed):
    settings = installed / "etc/oriel/oriel.conf"
    settings.write_text("[oriel]\nport = 443\n")
    install(installed)
    assert settings.read_text() == "[oriel]\nport = 443\n"


def test_units(installed):
    units = sorted(one.name for one in (installed / PREFIX / "lib/systemd/system").iterdir())
    checked = subprocess.run(["systemd-analyze", "verify", f"--root={installed}", *units], capture_output=True, text=True)
    # the root has no manual pages' reader and none of systemd's own units
    strange = [line for line in checked.stderr.splitlines()
               if not re.search(r"Command 'man |sysinit.target not found|Command /bin/(true|kill) is not executable", line)]
    assert strange == []


def test_manual_pages(installed):
    for page in sorted((installed / PREFIX / "share/man").rglob("*.[18]")):
        shown = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, check=True,
                               env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat"})
        assert shown.stderr == "" and "SYNOPSIS" in shown.stdout, page


def test_every_setting_is_explained():
    page = (ROOT / "docs/orield.8").read_text()
    keys = re.findall(r'\{"(\w+)", "(ORIEL_\w+)", ', (ROOT / "src/base/config.c").read_text())
    assert len(keys) > 8
    for key, variable in keys:
        assert re.search(rf"\b{key}\b", page) and re.search(rf"\b{variable}\b", page), key


class Terminal:
    """An interactive shell on a terminal, as a person has it."""

    def __init__(self, argv, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, environment)
        self.said = b""

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(wanted, self.said):
            assert time.monotonic() < end, f"{wanted}: the shell said {self.said!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                self.said += os.read(self.fd, 65536)

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(installed, tmp_path):
    made = []

    def make(*argv):
        top = installed / PREFIX
        made.append(Terminal(argv, {"PATH": f"{top}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb",
                                    "XDG_DATA_DIRS": f"{top}/share:/usr/share", "ORIEL_STATE": str(tmp_path)}))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_bash_completes(terminal, installed):
    bash = terminal("bash", "--norc", "--noprofile", "-i")
    bash.type(f"PS1='ready>'; . {installed / PREFIX}/share/bash-completion/completions/oriel\n")
    bash.until(rb"\nready>|\rready>")
    bash.type("oriel ses\tli\t")
    bash.until(rb"oriel session list ")


def test_zsh_completes_at_the_first_tab(terminal, installed):
    zsh = terminal("zsh", "-f")
    zsh.type(f"PS1='ready>'; unsetopt zle_bracketed_paste; fpath=({installed / PREFIX}/share/zsh/site-functions $fpath); "
             "autoload -U compinit; compinit -u -D; echo loa''ded\n")
    zsh.until(rb"loaded")
    zsh.said = b""
    zsh.type("oriel ses\t")
    zsh.until(rb"ses\S*sion")


def test_fish_completes(installed, tmp_path):
    top = installed / PREFIX
    said = subprocess.run(["fish", "--no-config", "-c", f"source {top}/share/fish/vendor_completions.d/oriel.fish; "
                           "complete -C 'oriel desktop st'"], capture_output=True, text=True, check=True,
                          env={"PATH": f"{top}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}).stdout
    assert [line.split("\t")[0] for line in said.splitlines()] == ["start", "stop"]
