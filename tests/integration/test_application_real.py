"""An application pool with a real guest: X, a window manager and xterm; judged by what is on the screen."""

import struct

import pytest
from small_xfce import NAME
from stack import wait_until
from test_first_light import BOOT_SECONDS, connected
from test_session_real import Keyboard

# In the image user's home it is red, in a person's own blue; Enter ends it.
PROGRAM = """sh -c 'c=#c00000; [ "$HOME" = /home/rita ] && c=#0000c0; exec xterm -b 0 -bw 0 +sb -bg $c -fg $c -cr $c -e sh -c "read line"'"""
RED, BLUE = (0xC0, 0, 0), (0, 0, 0xC0)


class Screen(Keyboard):
    """What a machine shows, at its own display (RFC 6143; QEMU's own pixel format: 32 bits, blue first)."""

    def take_picture(self):
        self.socket.sendall(struct.pack(">BxHi", 2, 1, 0) + struct.pack(">BBHHHH", 3, 0, 0, 0, 4096, 4096))
        kind, count = struct.unpack(">BxH", self.take(4))
        assert kind == 0
        return b"".join(self.take(w * h * 4) for w, h in (self.rectangle() for _ in range(count)))

    def rectangle(self):
        _, _, width, height, encoding = struct.unpack(">HHHHi", self.take(12))
        assert encoding == 0
        return width, height


def share(state, desktop, colour):
    """How much of the screen has this colour; nothing of one that goes away meanwhile, as that before a refresh does."""
    try:
        screen = Screen(state, desktop)
        picture = screen.take_picture()
        screen.close()
    except OSError:
        return 0
    wanted = bytes(reversed(colour))
    return sum(picture[at:at + 3] == wanted for at in range(0, len(picture), 4)) / (len(picture) / 4)


@pytest.fixture
def house(make_orield, small_xfce):
    return make_orield(images=small_xfce).start().start_gateway()


def test_a_real_application(house):
    local = house.local

    # A program that is not there: an error with its last words.
    local.do("POST", "pools", {"name": "app", "image": NAME, "size": 1, "spares": 1, "home": "app", "application": "xtrem -e top"})
    template = lambda: local.get("pools/app")["template"]  # noqa: E731
    wait_until(lambda: template()["state"] == "failed", BOOT_SECONDS, "the failure")
    assert template()["error"] == ('application "xtrem -e top": does not stay in image "' + NAME + '" version 1: '
                                   '"xtrem" ended with status 127\nxtrem: No such file or directory')

    # Corrected: the spare shows it already, all over the screen, before anybody clicks.
    local.do("PATCH", "pools/app", {"application": PROGRAM})
    wait_until(lambda: any(one["agent"] == "ready" for one in local.items("desktops")), BOOT_SECONDS, "a spare")
    desktop = local.items("desktops")[0]
    wait_until(lambda: share(house.state, desktop["id"], RED) > 0.98, BOOT_SECONDS, "the program")

    # Who has a home gets it there.
    house.make_user("rita")
    local.do("PUT", "pools/app/entitlements/users/rita", status=204)
    rita = house.login("rita")
    connection = connected(rita, "app")
    assert connection["desktop"]["id"] == desktop["id"]
    session = connection["session"]["id"]
    wait_until(lambda: share(house.state, desktop["id"], BLUE) > 0.98, BOOT_SECONDS, "the program in her home")
    wait_until(lambda: local.get(f"sessions/{session}")["log_on"] is not None, 60, "the end of her log-on")

    # Its end is the end of the session; the desktop is made fresh, and shows the program to the next.
    screen = Screen(house.state, desktop["id"])
    screen.type("\n")
    wait_until(lambda: local.get(f"sessions/{session}")["state"] == "ended", 120, "the end of the session")
    screen.close()
    assert local.get(f"sessions/{session}")["end_reason"] == "logged off"

    def fresh():
        found = local.items("desktops")
        return len(found) == 1 and not found[0]["user"] and found[0]["agent"] == "ready" and found[0]["generation"] > desktop["generation"] and found[0]
    again = wait_until(fresh, BOOT_SECONDS, "a fresh desktop")
    wait_until(lambda: share(house.state, again["id"], RED) > 0.98, BOOT_SECONDS, "the program again")
