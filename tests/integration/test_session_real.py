"""What a real guest tells of its person: input that no gateway saw, a locked screen; and a message on its console."""

import socket
import sqlite3
import struct

from stack import wait_until
from test_first_light import BOOT_SECONDS, Display, connected

ENTER, SHIFT = 0xFF0D, 0xFFE1
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))


class Keyboard:
    """Keys at the machine's own display: past the gateway."""

    def __init__(self, state, desktop):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(state / "desktops" / desktop / "display.sock"))
        self.take(12)
        self.socket.sendall(b"RFB 003.008\n")
        self.take(self.take(1)[0])
        self.socket.sendall(b"\x01")
        self.take(4)
        self.socket.sendall(b"\x01")
        self.take(struct.unpack(">20xI", self.take(24))[0])

    def take(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            assert part, "the display closed"
            got += part
        return got

    def key(self, keysym, down):
        self.socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

    def type(self, text):
        for letter in text:
            shifted = letter.isupper() or letter in SHIFTED
            keysym = ENTER if letter == "\n" else ord(SHIFTED.get(letter, letter))
            if shifted:
                self.key(SHIFT, 1)
            self.key(keysym, 1)
            self.key(keysym, 0)
            if shifted:
                self.key(SHIFT, 0)

    def close(self):
        self.socket.close()


HINT = "busctl call org.freedesktop.login1 /org/freedesktop/login1/session/auto org.freedesktop.login1.Session SetLockedHint b "


def test_a_real_guest(orield_with_machines):
    house = orield_with_machines
    house.local.do("POST", "pools", {"name": "real", "image": "debian-minimal", "size": 1, "spares": 1})
    house.make_user("rita")
    house.local.do("PUT", "pools/real/entitlements/users/rita", status=204)
    wait_until(lambda: any(one["agent"] == "ready" for one in house.local.items("desktops")), BOOT_SECONDS, "a spare")
    rita = house.login("rita")
    connection = connected(rita, "real")
    display = Display(house, connection["path"])
    display.handshake()
    session, desktop = connection["session"]["id"], connection["desktop"]["id"]
    now = lambda: house.local.get(f"sessions/{session}")  # noqa: E731
    wait_until(lambda: now()["state"] == "connected", 60, "the session is connected")

    with sqlite3.connect(house.state / "oriel.db", timeout=20) as db:  # nobody has done anything for ten minutes
        db.execute("UPDATE sessions SET started_ms = started_ms - 600000, changed_ms = changed_ms - 600000 WHERE id = ?", (session,))
    wait_until(lambda: now()["activity"] == "idle", 60, "it is idle")
    keyboard = Keyboard(house.state, desktop)
    keyboard.type("\n")
    wait_until(lambda: now()["activity"] == "active", 60, "the guest saw the key")

    keyboard.type(HINT + "true\n")
    wait_until(lambda: now()["activity"] == "locked", 120, "the guest says that it is locked")
    keyboard.type(HINT + "false\n")
    wait_until(lambda: now()["activity"] == "active", 120, "and that it is not")

    before = house.local.call("GET", f"desktops/{desktop}/thumbnail", query={"width": "640"}).body
    house.local.do("POST", f"sessions/{session}/message", {"text": "Lunch is ready; $(reboot)\n<b>now</b>"}, status=200)
    wait_until(lambda: house.local.call("GET", f"desktops/{desktop}/thumbnail", query={"width": "640"}).body != before, 60, "it is on the screen")

    steps = {one["name"] for one in now()["steps"]}
    assert {"choice", "claim", "machine", "client", "picture"} <= steps
    keyboard.close()
