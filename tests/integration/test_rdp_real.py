"""Oriel's own desktops in real native clients: a fork of the XFCE recipe's guest (with an xterm in XFCE's place), a person's own home
on its screen, opened with FreeRDP and remote-viewer themselves under Xvfb; what is typed there is on the guest's console."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from small_xfce import NAME
from stack import Orield, wait_until
from test_first_light import BOOT_SECONDS

sys.path.insert(0, str(pathlib.Path(__file__).parent / "api"))
from test_native import clients, new_display, processes, red_spot, seat, viewer_argv  # noqa: E402, F401

needed = [name for name in clients if name not in ("Xtigervnc", "freerdp-shadow-cli", "xterm")]
missing = [name for name in needed if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


@pytest.fixture
def house(small_xfce):
    one = Orield(images=small_xfce)
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

    def said():
        return f"TYPED:{words}:rosa" in console.read_text(errors="replace")

    def told():
        type_line(display, words, "mousemove", str(spot[0]), str(spot[1]), "click", "1")
        end = time.monotonic() + 10  # what is typed too early reaches nobody; what is typed again too soon stands in a queue
        while not said() and time.monotonic() < end:
            time.sleep(0.1)
        return said()
    wait_until(told, 120, "what was typed, on the guest's console")


def type_line(display, words, *before):
    for command in ([*before, "type", "--delay", "100", words], ["key", "Return"]):
        subprocess.run(["xdotool", *command], env={**os.environ, "DISPLAY": display}, check=True)


def unlocked(house, display, session, desktop, words):
    """The person's next log-in opens it; what was typed meanwhile has reached nobody."""
    assert house.local.get(session)["locked_ms"] > 0
    type_line(display, f"before-{words}")
    again = house.login("rosa")
    assert again.do("POST", f"{session}/unlock")["locked"] is False
    types(display, house, desktop, words)
    assert f"before-{words}" not in (house.state / "desktops" / desktop / "serial.log").read_text(errors="replace")
    return again


def test_an_own_desktop_in_native_clients(house, processes, seat, tmp_path):  # noqa: F811
    house.local.do("POST", "pools", {"name": "rdp", "image": NAME, "size": 1, "spares": 1, "home": "rdp"})
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
    done = wait_until(lambda: house.local.get(session)["log_on"], 60, "the log on")
    assert (done["account"], done["home"], done["warnings"]) == ("rosa", True, [])
    assert rosa.do("POST", f"{session}/lock")["activity"] == "locked"
    wait_until(lambda: not red_spot(seat), 60, "the screen is covered")
    rosa.do("POST", f"{session}/unlock", status=403)
    rosa = unlocked(house, seat, session, desktop, "rdp-again")
    rosa.do("POST", f"{session}/disconnect")
    wait_until(lambda: client.poll() is not None, 60, "the client was put out")
    wait_until(lambda: rosa.get(session)["state"] == "disconnected", 60, "disconnected")
    path, connection = take_file(rosa, "vv", tmp_path)
    assert connection["desktop"]["id"] == desktop
    processes.start(*viewer_argv(house, path), display=seat)
    types(seat, house, desktop, "over-vnc")

    console = house.state / "desktops" / desktop / "serial.log"
    types(seat, house, desktop, "lock-me")  # by itself; and a program of the session ends what covers the screen
    wait_until(lambda: "KILLED" in console.read_text(errors="replace"), 60, "the locker was killed")
    wait_until(lambda: house.local.get(session)["locked_ms"], 60, "it is locked")
    wait_until(lambda: not red_spot(seat), 60, "the screen is covered again")
    unlocked(house, seat, session, desktop, "free-again")
