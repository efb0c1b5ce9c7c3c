"""What a real guest tells of its person: input that no gateway saw, a locked screen; and a message on its console."""

import hashlib
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
            if not part:
                raise ConnectionError("the display closed")
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


PIECE = 1024 * 1024


def files_move(rita, session, keyboard):
    """There, as the person and under a name of its own; and what the guest makes of it back."""
    path = f"sessions/{session}/files"
    content = bytes(range(256)) * (PIECE // 256) + b"and a piece that is not whole\n"
    for name in ("sent.bin", "sent (2).bin"):
        transfer = rita.do("POST", path, {"direction": "to_desktop", "name": "sent.bin", "size_bytes": len(content)}, status=201)
        for at in range(0, len(content), PIECE):
            answer = rita.raw("PUT", f"/api/v1/{path}/{transfer['id']}/bytes?offset={at}", content[at:at + PIECE], {"Content-Type": "application/octet-stream"})
            assert answer.status == 200, answer
        assert rita.do("POST", f"{path}/{transfer['id']}/finish") == {"name": name}
    transfer = rita.do("POST", path, {"direction": "to_desktop", "name": "cut off", "size_bytes": 3}, status=201)
    assert rita.refused("POST", path, {"direction": "to_desktop", "name": "huge", "size_bytes": 1 << 34}) == (507, "no-space")
    keyboard.type("cd ~/Downloads && (stat -c '%U %s %n' *; md5sum s*; id -u) > told.txt && ln -s /etc/shadow link && mv told.txt done.txt\n")
    wait_until(lambda: "done.txt" in [one["name"] for one in rita.get(path)["items"]], 120, "what the guest says")
    assert rita.refused("POST", path, {"direction": "from_desktop", "name": "link"}) == (422, "invalid")
    back = {}
    for name in ("done.txt", "sent.bin"):
        got = rita.do("POST", path, {"direction": "from_desktop", "name": name}, status=201)
        back[name] = b"".join(rita.call("GET", f"{path}/{got['id']}/bytes", query={"offset": at}).body for at in range(0, got["size_bytes"], PIECE))
        rita.do("POST", f"{path}/{got['id']}/finish")
    assert back["sent.bin"] == content
    owner = f"rita {len(content)}"
    assert f"{owner} sent (2).bin\n{owner} sent.bin\n".encode() in back["done.txt"] and b"cut off" not in back["done.txt"]
    assert back["done.txt"].count(hashlib.md5(content).hexdigest().encode()) == 2
    rita.do("DELETE", f"{path}/{transfer['id']}")


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

    files_move(rita, session, keyboard)

    steps = {one["name"] for one in now()["steps"]}
    assert {"choice", "claim", "machine", "client", "picture"} <= steps
    keyboard.close()
