"""What an image's session does for an application pool, on a real X server: the recipes' own window manager settings, the real
`oriel-agent application`, a real program; judged by the pixels and by what the agent is told."""

import base64
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import stack

AGENT = stack.BUILD / "src" / "guest" / "oriel-agent"
PROGRAM = ["xterm", "-b", "0", "-bw", "0", "+sb", "-bg", "#c00000", "-fg", "#c00000", "-cr", "#c00000", "-e", "sh", "-c", "read line <go"]
SIZE = "640x480"


def settings(recipe):
    """The recipe's /etc/oriel/application.xml."""
    body = re.search(r"^\[file /etc/oriel/application\.xml\]\n((?:    .*\n|\n)*)", recipe.read_text(), re.M).group(1)
    return "".join(line[4:] if line.strip() else line for line in body.splitlines(True))


def inside(folder):
    """Runs in name spaces of its own: another kernel command line, and nobody else's agent."""
    subprocess.run(["mount", "--bind", folder / "cmdline", "/proc/cmdline"], check=True)
    import socket
    news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    news.bind("\0oriel/application")
    assert subprocess.run([AGENT, "application", "wanted"]).returncode == 0
    reading, writing = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE + "x24", "-nolisten", "tcp"], pass_fds=[writing],
                              stderr=subprocess.DEVNULL)
    os.close(writing)
    os.environ["DISPLAY"] = ":" + os.read(reading, 16).decode().strip()
    os.mkfifo(folder / "ready")
    os.mkfifo(folder / "go")
    manager = subprocess.Popen(["openbox", "--config-file", folder / "application.xml", "--startup", f"sh -c 'echo >{folder}/ready'"])
    (folder / "ready").read_text()
    program = subprocess.Popen([AGENT, "application", "run"], cwd=folder)
    try:
        news.settimeout(stack.PATIENCE)
        assert news.recv(4096) == b"R"

        def red():
            dump = subprocess.run(["xwd", "-root", "-silent"], capture_output=True, check=True).stdout
            width, height = (int(part) for part in SIZE.split("x"))
            pixels = dump[-width * height * 4:]
            colours = collections.Counter(pixels[at:at + 3] for at in range(0, len(pixels), 4))
            return colours[b"\x00\x00\xc0"] / (width * height) > 0.99
        stack.wait_until(red, what="a screen that the program fills")
        (folder / "go").write_text("on\n")
        assert news.recv(4096).startswith(b'E"xterm" ended with status 0\n')
        assert program.wait(stack.PATIENCE) == 0
    finally:
        for one in (program, manager, screen):
            if one.poll() is None:
                one.kill()
                one.wait()


@pytest.mark.parametrize("recipe", ["debian-xfce"])
def test_a_program_fills_the_screen(recipe, tmp_path):
    for needed in ("openbox", "xterm", "xwd", "Xvfb"):
        assert shutil.which(needed), f"{needed} is missing: packaging/debian-packages.txt"
    words = base64.b64encode(b"".join(word.encode() + b"\0" for word in PROGRAM)).decode()
    (tmp_path / "cmdline").write_text(f"root=/dev/vda quiet oriel.application={words}\n")
    (tmp_path / "application.xml").write_text(settings(stack.ROOT / "images" / f"{recipe}.recipe"))
    done = subprocess.run(["unshare", "--mount", "--net", sys.executable, __file__, tmp_path], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(stack.ROOT / "tests" / "integration")})
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    inside(pathlib.Path(sys.argv[1]))
