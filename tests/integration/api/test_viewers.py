"""Who looks at a desktop: orield with simulated machines, a real gateway, browsers that speak WebSocket and RFB."""

import os
import socket
import struct
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "gateway"))

from gateway_fake import CLOSE, PACKET, SHARED, Browser, packet  # noqa: E402
from stack import Client, wait_until  # noqa: E402
from test_display import UPGRADE, receive_all  # noqa: E402

ELSEWHERE, REVOKED, BY = 4001, 4002, 4003
NOBODYS = "0" * 26


@pytest.fixture(scope="module")
def shown(house):
    house.start_gateway()
    house.local.do("POST", "pools", {"name": "seen", "image": "mini", "size": 4, "spares": 1})
    for name in ("wanda", "xaver"):
        house.make_user(name)
        house.local.do("PUT", f"pools/seen/entitlements/users/{name}", status=204)
    return house


class Viewer:
    """A display past its handshake, or refused (status)."""

    def __init__(self, house, connection, shared=1):
        self.connection = connection
        self.browser = Browser(house.port)
        self.browser.upgrade("/" + connection["path"])
        self.browser.hear_bytes(12)
        self.browser.say(b"RFB 003.008\n")
        self.browser.hear_bytes(2)
        self.browser.say(b"\x01")
        self.browser.hear_bytes(4)
        self.browser.say(bytes([shared]))
        self.browser.hear_bytes(24)

    def type(self):
        self.browser.say(struct.pack("!BBxxI", 4, 1, 0x61))

    def leave(self):
        self.browser.say(struct.pack("!H", 1000), opcode=CLOSE)
        self.browser.close()


def connect(client, path="pools/seen/connect", body=None):
    def connected():
        answer = client.call("POST", path, body)
        return answer.status == 200 and answer.json
    return wait_until(connected, 60, "a connection")


def state_of(house, session):
    return house.local.get(f"sessions/{session}")["state"]


def view(house, name, address="192.0.2.80", shared=0):
    """(client, viewer), the session connected."""
    client = house.login(name, address=address)
    viewer = Viewer(house, connect(client), shared)
    session = viewer.connection["session"]["id"]
    wait_until(lambda: state_of(house, session) == "connected", 30, "the session is connected")
    return client, viewer


def still_seen(viewer):
    viewer.type()
    viewer.browser.hear_bytes(24)  # the simulated display answers everything with a picture of its own
    return True


def test_the_first_is_told_where_the_second_opened_it(shown):
    _, first = view(shown, "wanda")
    _, second = view(shown, "wanda", address="192.0.2.99", shared=1)
    assert first.browser.hear_close_text()[0] == ELSEWHERE
    assert still_seen(second)
    second.leave()


@pytest.mark.parametrize("take, give", [
    (("DELETE", "pools/seen/entitlements/users/wanda", None), ("PUT", "pools/seen/entitlements/users/wanda", None)),
    (("PATCH", "users/wanda", {"enabled": False}), ("PATCH", "users/wanda", {"enabled": True})),
], ids=["entitlement", "user"])
def test_what_is_taken_closes_the_view_of_this_person_alone(shown, take, give):
    _, lost = view(shown, "wanda")
    _, kept = view(shown, "xaver")
    assert shown.local.call(*take).status in (200, 204)
    code, why = lost.browser.hear_close_text()
    assert code in (REVOKED, BY) and why
    assert still_seen(kept)
    assert shown.local.call(*give).status in (200, 204)
    kept.leave()


def test_a_log_out_closes_the_view(shown):
    client, viewer = view(shown, "wanda")
    client.do("POST", "logout", status=204)
    assert viewer.browser.hear_close_text()[0] == REVOKED


def test_a_disconnect_says_who_did_it(shown):
    _, viewer = view(shown, "wanda")
    shown.people["helpdesk"].do("POST", f"sessions/{viewer.connection['session']['id']}/disconnect")
    assert viewer.browser.hear_close_text() == (BY, "helpdesk1")


def test_an_operator_who_is_none_any_more_loses_the_console(shown):
    shown.make_user("opal", ["operator"])
    desktop = connect(shown.login("xaver"))["desktop"]["id"]
    console = Viewer(shown, connect(shown.login("opal"), f"desktops/{desktop}/connect"))
    assert still_seen(console)
    shown.local.do("PATCH", "users/opal", {"roles": ["user"]})
    assert console.browser.hear_close_text() == (REVOKED, "You are no operator any more.")


def test_a_console_beside_a_person_only_by_taking_over(shown):
    _, viewer = view(shown, "wanda")
    desktop = viewer.connection["desktop"]["id"]
    operator = shown.people["operator"]
    assert operator.refused("POST", f"desktops/{desktop}/connect") == (409, "conflict")
    console = Viewer(shown, connect(operator, f"desktops/{desktop}/connect", {"take_over": True}))
    assert viewer.browser.hear_close_text()[0] == BY
    session = viewer.connection["session"]["id"]
    wait_until(lambda: state_of(shown, session) == "disconnected", 30, "the person is out")
    assert still_seen(console)
    _, again = view(shown, "wanda")  # its user comes back: the console goes
    assert console.browser.hear_close_text()[0] == ELSEWHERE
    again.leave()
    wait_until(lambda: state_of(shown, session) == "disconnected", 30, "nobody is there")


class Channel:
    """What a gateway has to orield: says and hears packets."""

    def __init__(self, house):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(house.state / "run" / "displays.sock"))

    def say(self, kind, display):
        self.socket.sendall(packet(ord(kind), display))

    def hear(self):
        """(kind, id, flags, code)"""
        heard = b""
        while len(heard) < PACKET:
            got = self.socket.recv(PACKET - len(heard))
            assert got
            heard += got
        return chr(heard[0]), heard[8:34].decode(), heard[1], struct.unpack("!H", heard[6:8])[0]


def test_an_orield_that_was_killed_knows_again_who_looks(fresh_house):
    house = fresh_house
    house.local.do("POST", "pools", {"name": "seen", "image": "mini", "size": 1})
    house.make_user("wanda")
    house.local.do("PUT", "pools/seen/entitlements/users/wanda", status=204)
    channel = Channel(house)
    channel.say("A", NOBODYS)
    assert channel.hear() == ("X", NOBODYS, 0, REVOKED)
    given = connect(house.login("wanda", address="192.0.2.80"))
    client = Client(house, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    data, descriptors, _ = receive_all(client.sock)
    os.close(descriptors[0])
    display = data[-PACKET:][8:34].decode()
    assert data[-PACKET:][1] == SHARED  # for a gateway is there that can put out others
    house.kill()
    house.start()
    channel = Channel(house)
    channel.say("A", display)
    assert channel.hear() == ("R", display, SHARED, 0)
    house.local.do("DELETE", "pools/seen/entitlements/users/wanda", status=204)
    assert channel.hear() == ("X", display, 0, REVOKED)
    channel.say("E", display)
    channel.say("A", display)  # it is gone for good
    assert channel.hear() == ("X", display, 0, REVOKED)
