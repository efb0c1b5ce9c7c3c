"""RDP clients at the gateway's one port: the ticket in their first message, their bytes afterwards, and those without one."""

import os
import socket

import pytest

from gateway_fake import PATIENCE, VIEW_ONLY

NEGOTIATION = bytes([1, 0, 8, 0, 3, 0, 0, 0])
REFUSAL = bytes([3, 0, 0, 19, 14, 0xD0, 0, 0, 0, 0, 0, 3, 0, 8, 0, 2, 0, 0, 0])


def request(line, after=NEGOTIATION):
    length = 11 + len(line) + len(after)
    return bytes([3, 0, length >> 8, length & 255, length - 5, 0xE0, 0, 0, 0, 0, 0]) + line + after


def knock(gateway, message):
    client = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
    client.settimeout(PATIENCE)
    client.sendall(message)
    return client


def read_all(end, length):
    got = b""
    while len(got) < length:
        more = end.recv(length - len(got))
        assert more, f"ended after {len(got)} of {length} bytes"
        got += more
    return got


def at_end(end):
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def let_in(gateway, orield, pieces=1):
    message = request(b"oriel-GOOD-ticket_1\r\n")
    client = knock(gateway, message[:pieces] if pieces > 1 else message)
    for byte in message[pieces:] if pieces > 1 else b"":
        client.sendall(bytes([byte]))
    desktop = orield.displays.get(timeout=PATIENCE)
    desktop.settimeout(PATIENCE)
    return client, desktop


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_ticket_opens_and_is_not_passed_on(gateway, orield, pieces):
    client, desktop = let_in(gateway, orield, pieces)
    plain = request(b"")
    assert read_all(desktop, len(plain)) == plain
    desktop.sendall(b"confirm")
    assert read_all(client, 7) == b"confirm"
    client.sendall(b"more")
    assert read_all(desktop, 4) == b"more"
    client.close()
    assert at_end(desktop)


def test_much_goes_both_ways_and_the_end_of_the_desktop_ends_the_client(gateway, orield):
    client, desktop = let_in(gateway, orield)
    read_all(desktop, 19)
    block = os.urandom(100_000)
    client.sendall(block)
    assert read_all(desktop, len(block)) == block
    desktop.sendall(block)
    assert read_all(client, len(block)) == block
    desktop.close()
    assert at_end(client)


@pytest.mark.parametrize("message", [request(b"oriel-USED\r\n"), request(b"Cookie: mstshash=anna\r\n"), request(b""),
                                     b"\x03\x00\xff\xff", b"\x03rubbish"])
def test_without_a_good_ticket_it_is_refused_in_its_own_protocol(gateway, orield, message):
    client = knock(gateway, message)
    assert read_all(client, len(REFUSAL)) == REFUSAL
    assert at_end(client)
    gateway.wait_log("RDP client")
    assert orield.displays.empty()


def test_orield_away(gateway):
    client = knock(gateway, request(b"oriel-GOOD-ticket_1\r\n"))
    assert read_all(client, len(REFUSAL)) == REFUSAL
    gateway.wait_log("orield cannot be reached")


def test_one_who_speaks_before_the_answer_is_ended(gateway, orield):
    client = knock(gateway, request(b"oriel-SILENT\r\n"))
    orield.peers.get(timeout=PATIENCE)
    client.sendall(b"too early")
    assert read_all(client, len(REFUSAL)) == REFUSAL
    assert at_end(client)


def test_rules_that_rdp_cannot_hold_end_it(gateway, orield):
    client, desktop = let_in(gateway, orield)
    read_all(desktop, 19)
    assert orield.hear()[0] == "A"
    client.sendall(b"keys, perhaps")
    assert orield.hear()[0] == "I" and read_all(desktop, 13) == b"keys, perhaps"
    display = orield.ids.queue[-1]
    orield.order(ord("R"), display, flags=0)
    desktop.sendall(b"goes on")
    assert read_all(client, 7) == b"goes on"
    orield.order(ord("R"), display, flags=VIEW_ONLY)
    assert at_end(client)
    assert at_end(desktop)
