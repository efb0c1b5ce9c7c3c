"""What a display plan says reaches the gateway with the display, and again whenever it changes."""

import os
import struct

import pytest

from stack import Client, wait_until
from test_display import UPGRADE, receive_all
from test_viewers import PACKET, Channel, connect

VIEW_ONLY, NO_CLIPBOARD_IN, NO_CLIPBOARD_OUT, NO_SOUND, SHARED, NO_SIZE = 1, 2, 4, 8, 16, 64


class Shown(Channel):
    """A channel that stands for the gateway, and a display that was handed over to it."""

    def __init__(self, house, speaks=True):
        super().__init__(house)
        self.house = house
        self.open()
        if speaks:
            self.say("A", self.display)

    def open(self):
        given = connect(self.house.login("wanda", address="192.0.2.80"))
        client = Client(self.house, gateway=True, address="192.0.2.80").connection()
        client.connect()
        client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
        data, descriptors, _ = receive_all(client.sock)
        os.close(descriptors[0])
        self.handover = data[-PACKET:]
        self.display = self.handover[8:34].decode()

    def rules(self):
        """Of the next packet: (kind, flags, (width, height))."""
        heard = b""
        while len(heard) < PACKET:
            heard += self.socket.recv(PACKET - len(heard))
        assert heard[8:34].decode() == self.display
        self.kbit_s, = struct.unpack("!H", heard[34:36])
        return chr(heard[0]), heard[1], struct.unpack("!HH", heard[2:6])


@pytest.fixture
def seen(fresh_house):
    house = fresh_house
    house.local.do("POST", "plans", {"name": "strict", "kind": "display", "settings": {
        "clipboard": "to_desktop", "largest": {"width": 1920, "height": 1080}}})
    house.local.do("POST", "pools", {"name": "seen", "image": "mini", "size": 1, "display_plan": "strict"})
    house.make_user("wanda")
    house.local.do("PUT", "pools/seen/entitlements/users/wanda", status=204)
    return house


def change(house, settings):
    house.local.do("PATCH", "plans/strict", {"settings": settings})


def test_the_rules_come_with_the_display_and_follow_the_plan(seen):
    shown = Shown(seen)
    assert shown.handover[1] == SHARED | NO_CLIPBOARD_OUT
    assert struct.unpack("!HH", shown.handover[2:6]) == (1920, 1080)
    change(seen, {"view_only": True, "clipboard": "none", "follow_window": False})
    assert shown.rules() == ("R", SHARED | VIEW_ONLY | NO_CLIPBOARD_IN | NO_CLIPBOARD_OUT | NO_SIZE, (0, 0))
    change(seen, {"clients": ["browser"], "view_only": True, "clipboard": "none", "follow_window": False})
    change(seen, {"clipboard": "from_desktop"})  # and nothing was said of the change before, which changed no rule
    assert shown.rules() == ("R", SHARED | NO_CLIPBOARD_IN, (0, 0))
    seen.local.do("PATCH", "pools/seen", {"display_plan": None})
    assert shown.rules() == ("R", SHARED, (0, 0))


def test_the_most_a_viewer_gets_follows_the_plan_and_is_told(seen):
    shown = Shown(seen)
    session = f"sessions/{seen.local.get('sessions')['items'][0]['id']}"
    assert struct.unpack("!H", shown.handover[34:36]) == (0,)
    assert seen.login("wanda").get(session)["display"] == {"sound": True, "bandwidth_kbit_s": None, "files": {"to_desktop": True, "from_desktop": True}}
    page = seen.login("wanda").stream()
    page.next()
    change(seen, {"bandwidth_kbit_s": 500, "sound": False})
    assert shown.rules() == ("R", SHARED | NO_SOUND, (0, 0))
    assert shown.kbit_s == 500
    assert page.until(lambda event, data: event == "change" and data["kind"] == "session")[1]["op"] == "update"
    assert seen.login("wanda").get(session)["display"] == {"sound": False, "bandwidth_kbit_s": 500, "files": {"to_desktop": True, "from_desktop": True}}
    seen.local.do("POST", f"{session}/log-off")
    assert seen.local.get(session)["display"] is None


def test_a_plan_that_changed_before_the_gateway_spoke_of_the_display_holds(seen):
    shown = Shown(seen, speaks=False)
    page = seen.login("wanda").stream()
    page.next()
    change(seen, {"bandwidth_kbit_s": 500})
    page.until(lambda event, data: event == "change" and data["kind"] == "session")  # it has been seen that the rules differ
    shown.say("A", shown.display)
    assert shown.rules()[0] == "R" and shown.kbit_s == 500


def test_a_plan_that_changed_while_orield_was_away_holds_when_it_is_back(seen):
    shown = Shown(seen)
    display = shown.display
    change(seen, {"view_only": True})
    assert shown.rules() == ("R", SHARED | VIEW_ONLY, (0, 0))
    seen.kill()
    seen.start()
    again = Channel(seen)
    again.say("A", display)
    assert again.hear() == ("R", display, SHARED | VIEW_ONLY, 0)


def test_an_operators_console_is_bound_by_no_plan(seen):
    change(seen, {"view_only": True})
    shown = Shown(seen)
    desktop = seen.local.get("desktops")["items"][0]["id"]
    given = seen.local.do("POST", f"desktops/{desktop}/connect", {"take_over": True})
    wait_until(lambda: shown.rules()[0] == "X", 30, "its user is put out")
    client = Client(seen, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    data, descriptors, _ = receive_all(client.sock)
    os.close(descriptors[0])
    assert data[-PACKET:][1] == SHARED
