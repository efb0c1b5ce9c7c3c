"""VNC clients (remote-viewer) at the gateway's one port: greeted only while one is expected, let in by the ticket inside TLS."""

import socket
import struct

import pytest

from gateway_fake import PATIENCE, VIEW_ONLY, display_id, tls_context
from test_gateway_rdp import at_end, read_all

EXPECT = ord("V")
GREETING = b"RFB 003.008\n"
KEY = bytes([4, 1, 0, 0, 0, 0, 0, 0x61])
UPDATE = bytes([3, 0, 0, 0, 0, 0, 0, 9, 0, 9])


@pytest.fixture
def expected(gateway, orield):
    """A gateway that has been told of a .vv file, and seen to have heard it."""
    browser = gateway.browser().upgrade()
    orield.hear()
    orield.order(EXPECT, display_id(), code=120)
    browser.close()
    orield.displays.get(timeout=PATIENCE).close()
    return gateway


def silent(gateway):
    client = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
    client.settimeout(PATIENCE)
    return client


def greeted(gateway):
    """A client that said nothing; a gateway that has not yet heard that one is expected lets it go after its time."""
    client = silent(gateway)
    assert read_all(client, 12) == GREETING
    return client


def to_tls(client):
    for say, answer in ((GREETING, b"\x01\x13"), (b"\x13", b"\0\2"), (b"\0\2", b"\0\1\0\0\1\6"), (b"\0\0\1\6", b"\1")):
        client.sendall(say)
        assert read_all(client, len(answer)) == answer
    return tls_context().wrap_socket(client)


def credentials(ticket, name=b"oriel"):
    return struct.pack("!II", len(name), len(ticket)) + name + ticket


def let_in(gateway, orield, **rules):
    orield.rules = {"flags": 0, "size": (0, 0), **rules}
    viewer = to_tls(greeted(gateway))
    viewer.sendall(credentials(b"GOOD-ticket_1"))
    assert read_all(viewer, 4) == bytes(4)
    desktop = orield.displays.get(timeout=PATIENCE)
    desktop.settimeout(PATIENCE)
    return viewer, desktop


def test_the_ticket_opens_and_bytes_go_both_ways(expected, orield):
    viewer, desktop = let_in(expected, orield)
    viewer.sendall(b"\1" + KEY)
    assert read_all(desktop, 1 + len(KEY)) == b"\1" + KEY
    block = bytes(range(256)) * 400
    desktop.sendall(block)
    assert read_all(viewer, len(block)) == block
    desktop.close()
    assert at_end(viewer)


def test_rules_hold_and_orield_can_end_it(expected, orield):
    viewer, desktop = let_in(expected, orield, flags=VIEW_ONLY)
    viewer.sendall(b"\1" + KEY + UPDATE)
    assert read_all(desktop, 1 + len(UPDATE)) == b"\1" + UPDATE  # the key is not among them
    orield.order(ord("X"), orield.ids.queue[-1], code=4001, reason="elsewhere")
    assert at_end(viewer)
    assert at_end(desktop)


@pytest.mark.parametrize("ticket", [b"USED", b"a/b", b"x" * 129])
def test_a_ticket_that_opens_nothing_is_told_in_rfb(expected, orield, ticket):
    viewer = to_tls(greeted(expected))
    viewer.sendall(credentials(ticket))
    result, length = struct.unpack("!II", read_all(viewer, 8))
    assert result == 1 and b"works once" in read_all(viewer, length)
    assert at_end(viewer)
    expected.wait_log("VNC client")


@pytest.mark.parametrize("said", [b"RFB 003.003\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", GREETING + b"\x13"])
def test_what_is_no_such_client_is_ended(expected, said):
    client = greeted(expected)
    client.sendall(said)
    assert at_end(client)
    expected.wait_log("VNC client")


def test_browsers_work_beside(expected, orield):
    waits = greeted(expected)
    assert expected.browser().get("/hello")[0] == 200
    waits.close()


def test_nobody_is_greeted_when_none_is_expected(gateway, orield):
    """A silent client hears nothing until its time for TLS is over."""
    assert at_end(silent(gateway))


def test_orield_away(expected, orield):
    viewer = to_tls(greeted(expected))
    orield.stop()
    viewer.sendall(credentials(b"GOOD-ticket_1"))
    assert struct.unpack("!I", read_all(viewer, 4))[0] == 1
    orield.start()
