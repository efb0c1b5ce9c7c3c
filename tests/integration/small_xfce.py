"""The image for tests that need a screen with X: debian-xfce without XFCE, made and booted in a fraction of the time."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from stack import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("ORIEL_CACHE", ROOT / "cache"))
NAME = "small-xfce"
# In XFCE's place: what is typed there is on the guest's console, with the name of who typed it; "lock-me" locks, and ends what covers
# the screen then.
SHELL = """exec xterm -bg '#d02060' -fg white -geometry 200x60+0+0 -e sh -c '
        sudo chmod a+w /dev/ttyS0
        name=$(id -un)
        while read -r line; do
            echo "TYPED:$line:$name" >/dev/ttyS0
            [ "$line" = lock-me ] || continue
            loginctl lock-session
            until kill $(grep -l oriel-locker /proc/[0-9]*/comm | cut -d/ -f3); do sleep 1; done
            echo KILLED >/dev/ttyS0
        done'"""


def recipe():
    """Its session, services, files and packages of RDP are those of debian-xfce as they are."""
    text = (ROOT / "images" / "debian-xfce.recipe").read_text()
    packages = re.search(r"\[packages\]\n(.*?)\n\[users\]", text, re.S).group(1)
    kept = [line for line in packages.splitlines() if re.match(r"(systemd-sysv|iproute2|xserver-xorg-core|xrdp) ", line)]
    assert len(kept) == 4
    text = text.replace(packages, "\n".join([*kept, "openbox xterm sudo", ""]))
    text = re.sub(r"    # All that starts now asks xfconfd.*?uint32:0 >/dev/null\n", "", text, flags=re.S)
    text = text.replace("    exec xfce4-session\n", f"    {SHELL}\n").replace("        xfsettingsd &\n", "")
    text = re.sub(r"    dbus-update-activation-environment.*\n", "", text)
    script = text.index("[script]")
    allowed = "[file /etc/sudoers.d/test 0440]\n    ALL ALL=(ALL) NOPASSWD: ALL\n\n"
    keys = re.search(r"    rm -f /etc/ssl/private/.*\n", text[script:]).group(0)
    return text[:script] + allowed + "[script]\n" + keys


def build():
    """A folder with small-xfce/VERSION/..., built anew where recipe, agent or builder changed since."""
    folder, text = CACHE / NAME, recipe()
    guest = BUILD / "src" / "guest"
    parts = [text.encode(), *[path.read_bytes() for path in (guest / "oriel-agent", guest / "oriel-init", guest / "oriel-locker")],
             *[path.read_bytes() for path in sorted((ROOT / "src" / "image" / "build").iterdir())]]
    key, stamp, images = hashlib.sha256(b"\0".join(parts)).hexdigest(), folder / "key", folder / "images"
    if stamp.exists() and stamp.read_text() == key:
        return images
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{NAME}.recipe"
    source.write_text(text)
    shutil.rmtree(images, ignore_errors=True)
    subprocess.run([str(BUILD / "tests" / "image-build"), str(source), str(images), str(folder / "packages")],
                   env={**os.environ, "ORIEL_GUEST": str(guest)}, check=True, timeout=1800)
    stamp.write_text(key)
    return images
