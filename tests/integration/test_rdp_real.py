"""Oriel's own desktops in real native clients: a fork of the XFCE recipe's guest (with an xterm in XFCE's place: it is made and booted
in a fraction of the time), opened with FreeRDP and remote-viewer themselves under Xvfb; what is typed there is on the guest's console."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from stack import BUILD, Orield, wait_until
from test_first_light import BOOT_SECONDS

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("ORIEL_CACHE", ROOT / "cache"))
sys.path.insert(0, str(pathlib.Path(__file__).parent / "api"))
from test_native import clients, new_display, processes, red_spot, seat, viewer_argv  # noqa: E402, F401

needed = [name for name in clients if name not in ("Xtigervnc", "freerdp-shadow-cli", "xterm")]
missing = [name for name in needed if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
SHELL = """exec xterm -bg '#d02060' -fg white -geometry 200x60+0+0 -e sh -c 'while read -r line; do echo "TYPED:$line:" | sudo tee /dev/ttyS0; done'"""


def small_recipe():
    """debian-xfce without XFCE: its services, files and packages of RDP as they are."""
    text = (ROOT / "images" / "debian-xfce.recipe").read_text()
    packages = re.search(r"\[packages\]\n(.*?)\n\[users\]", text, re.S).group(1)
    kept = [line for line in packages.splitlines() if re.match(r"(systemd-sysv|iproute2|xserver-xorg-core|xrdp) ", line)]
    assert len(kept) == 4
    text = text.replace(packages, "\n".join([*kept, "xterm sudo", ""]))
    text = re.sub(r"\n    # All that starts now asks xfconfd.*?exec xfce4-session\n", lambda _: f"\n    {SHELL}\n", text, flags=re.S)
    text = re.sub(r"    dbus-update-activation-environment.*\n", "", text)
    script = text.index("[script]")
    allowed = "[file /etc/sudoers.d/test 0440]\n    ALL ALL=(ALL) NOPASSWD: ALL\n\n"
    keys = re.search(r"    rm -f /etc/ssl/private/.*\n", text[script:]).group(0)
    return text[:script] + allowed + "[script]\n" + keys


@pytest.fixture(scope="module")
def image():
    """A folder with rdp-guest/VERSION/..., built anew where recipe, agent or builder changed since."""
    folder, text = CACHE / "rdp", small_recipe()
    guest = BUILD / "src" / "guest"
    parts = [text.encode(), *[path.read_bytes() for path in (guest / "oriel-agent", guest / "oriel-init", guest / "oriel-locker")],
             *[path.read_bytes() for path in sorted((ROOT / "src" / "image" / "build").iterdir())]]
    key, stamp, images = hashlib.sha256(b"\0".join(parts)).hexdigest(), folder / "key", folder / "images"
    if stamp.exists() and stamp.read_text() == key:
        return images
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "rdp-guest.recipe"
    recipe.write_text(text)
    shutil.rmtree(images, ignore_errors=True)
    subprocess.run([str(BUILD / "tests" / "image-build"), str(recipe), str(images), str(folder / "packages")],
                   env={**os.environ, "ORIEL_GUEST": str(guest)}, check=True, timeout=1800)
    stamp.write_text(key)
    return images


@pytest.fixture
def house(image):
    one = Orield(images=image)
    one.environment["ORIEL_PUBLIC_URL"] = f"https://localhost:{one.port}"
    try:
        one.start().start_gateway()
        yield one
    finally:
        one.destroy()


def take_file(client, kind, folder):
    def connection():
        answer = client.call("POST", "pools/rdp/connect", {"client": kind})
        return answer.status == 200 and answer.json
    got = wait_until(connection, BOOT_SECONDS, "a file")
    path = folder / got["file"]["name"]
    path.write_bytes(got["file"]["text"].encode())
    return path, got


def types(display, house, desktop, words):
    spot = wait_until(lambda: red_spot(display), 240, "the desktop's picture")
    console = house.state / "desktops" / desktop / "serial.log"

    def told():
        environment = {**os.environ, "DISPLAY": display}
        subprocess.run(["xdotool", "mousemove", str(spot[0]), str(spot[1]), "click", "1", "type", "--delay", "100", words],
                       env=environment, check=True)
        subprocess.run(["xdotool", "key", "Return"], env=environment, check=True)
        return f"TYPED:{words}:" in console.read_text(errors="replace")
    wait_until(told, 120, "what was typed, on the guest's console")


def types_in_vain(display, words):
    subprocess.run(["xdotool", "type", "--delay", "100", words], env={**os.environ, "DISPLAY": display}, check=True)
    subprocess.run(["xdotool", "key", "Return"], env={**os.environ, "DISPLAY": display}, check=True)


def unlocked(house, display, session, desktop, words):
    """The person's next log-in opens it; what was typed meanwhile has reached nobody."""
    assert house.local.get(session)["locked_ms"] > 0
    types_in_vain(display, f"before-{words}")
    again = house.login("rosa")
    assert again.do("POST", f"{session}/unlock")["locked"] is False
    types(display, house, desktop, words)
    assert f"before-{words}" not in (house.state / "desktops" / desktop / "serial.log").read_text(errors="replace")
    return again


def test_an_own_desktop_in_native_clients(house, processes, seat, tmp_path):  # noqa: F811
    house.local.do("POST", "pools", {"name": "rdp", "image": "rdp-guest", "size": 1, "spares": 1})
    house.make_user("rosa")
    house.local.do("PUT", "pools/rdp/entitlements/users/rosa", status=204)
    wait_until(lambda: any(one["agent"] == "ready" for one in house.local.items("desktops")), BOOT_SECONDS, "a spare")
    rosa = house.login("rosa")
    assert rosa.get("portal")["tiles"][0]["clients"] == ["browser", "vv", "rdp"]
    path, connection = take_file(rosa, "rdp", tmp_path)
    session, desktop = f"sessions/{connection['session']['id']}", connection["desktop"]["id"]
    client = processes.start("xfreerdp", str(path), "/cert:ignore", display=seat)
    try:
        types(seat, house, desktop, "over-rdp")
    except AssertionError:
        print(processes.logs())
        print((house.state / "desktops" / desktop / "serial.log").read_text(errors="replace")[-3000:])
        raise
    wait_until(lambda: rosa.get(session)["state"] == "connected", 60, "connected")
    rosa.do("POST", f"{session}/disconnect")
    wait_until(lambda: client.poll() is not None, 60, "the client was put out")
    wait_until(lambda: rosa.get(session)["state"] == "disconnected", 60, "disconnected")
    path, connection = take_file(rosa, "vv", tmp_path)
    assert connection["desktop"]["id"] == desktop
    processes.start(*viewer_argv(house, path), display=seat)
    types(seat, house, desktop, "over-vnc")

    assert rosa.do("POST", f"{session}/lock")["activity"] == "locked"
    wait_until(lambda: not red_spot(seat), 60, "the screen is covered")
    rosa.do("POST", f"{session}/unlock", status=403)
    unlocked(house, seat, session, desktop, "free-again")
