"""What was taken from a person ends: tickets and API tokens."""

import socket

import pytest

from stack import PASSWORD, Client, wait_until
from test_display import UPGRADE, receive_all


@pytest.fixture(scope="module")
def shown(house):
    house.local.do("POST", "pools", {"name": "taken", "image": "mini", "size": 3, "spares": 1})
    house.make_user("vera")
    house.local.do("PUT", "pools/taken/entitlements/users/vera", status=204)
    return house


def ticket_of(client):
    def connect():
        answer = client.call("POST", "pools/taken/connect")
        return answer.status == 200 and answer.json
    return wait_until(connect, 60, "a connection")


def opened(house, given):
    """(status, the display or None)"""
    client = Client(house, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    if b" 404 " in client.sock.recv(20, socket.MSG_PEEK):
        return 404, None
    data, descriptors, _ = receive_all(client.sock)
    return int(data.split(b" ")[1]), socket.socket(fileno=descriptors[0]) if descriptors else None


def test_a_ticket_ends_with_the_entitlement(shown):
    given = ticket_of(shown.login("vera"))
    shown.local.do("DELETE", "pools/taken/entitlements/users/vera", status=204)
    assert opened(shown, given)[0] == 404
    shown.local.do("PUT", "pools/taken/entitlements/users/vera", status=204)


def test_a_ticket_ends_with_its_login_and_no_other(shown):
    here, there = shown.login("vera"), shown.login("vera")
    gone, good = ticket_of(here), ticket_of(there)
    here.do("POST", "logout", status=204)
    assert opened(shown, gone)[0] == 404
    assert opened(shown, good)[0] == 101


def test_a_reset_password_ends_tokens_and_an_own_one_does_not(shown):
    token = shown.token_client("vera")
    token.do("PUT", "users/vera/password", {"password": "walnut on a shelf", "current": PASSWORD}, status=204)
    assert token.call("GET", "me").status == 200
    shown.local.do("PUT", "users/vera/password", {"password": PASSWORD}, status=204)
    assert token.refused("GET", "me") == (401, "unauthenticated")


def test_a_link_ends_tokens(shown):
    token = shown.token_client("vera")
    link = shown.local.do("POST", "users/vera/link")["url"].rsplit("/", 1)[1]
    Client(shown, gateway=True).do("POST", "setup", {"token": link, "password": PASSWORD})
    assert token.refused("GET", "me") == (401, "unauthenticated")


def test_a_token_makes_no_tokens(shown):
    token = shown.token_client("vera")
    assert token.refused("POST", "tokens", {"name": "child"}) == (403, "forbidden")
    assert shown.login("vera").call("POST", "tokens", {"name": "sister"}).status == 201
