"""What a display plan's limit lets through to the client, whichever it is; and that nothing else waits for it."""

import socket
import threading
import time

import pytest

import test_gateway_rdp
import test_gateway_vnc
from gateway_fake import PATIENCE
from test_gateway_display import read_all
from test_gateway_rules import HELLO, KEY
from test_gateway_vnc import expected  # noqa: F401 (a fixture)

LEAST = 64  # kbit/s: 8000 bytes a second, and a bucket of 4096
MUCH = 2 * 1024 * 1024  # what would take more than four minutes
SOME = 20 * 1000


class Browser:
    begin = HELLO + b"\x01"

    def __init__(self, gateway, orield, kbit_s):
        orield.rules = {"flags": 0, "size": (0, 0), "kbit_s": kbit_s}
        self.client = gateway.browser().upgrade()
        self.desktop = orield.displays.get(timeout=PATIENCE)
        self.desktop.settimeout(PATIENCE)
        self.say(self.begin)
        read_all(self.desktop, len(self.begin))

    def say(self, data):
        self.client.say(data)

    def hear(self, length):
        heard = self.client.hear_bytes(length)
        return len(heard)

    def close(self):
        self.client.close()


class Viewer(Browser):
    def __init__(self, gateway, orield, kbit_s):
        self.client, self.desktop = test_gateway_vnc.let_in(gateway, orield, kbit_s=kbit_s)
        self.say(b"\1")
        read_all(self.desktop, 1)

    def say(self, data):
        self.client.sendall(data)

    def hear(self, length):
        return len(read_all(self.client, length))


class Rdp(Viewer):
    def __init__(self, gateway, orield, kbit_s):
        orield.rules = {"flags": 32, "size": (0, 0), "kbit_s": kbit_s}
        self.client, self.desktop = test_gateway_rdp.let_in(gateway, orield)
        read_all(self.desktop, len(test_gateway_rdp.request(b"")))


def pour(desktop, much=MUCH):
    """A desktop that has much to say: each byte of it as soon as somebody takes it."""
    def main():
        try:
            desktop.sendall(bytes(much))
        except OSError:
            pass  # the test is over
    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    return thread


def heard_order(orield):
    """An order before this one has been followed."""
    orield.order(ord("R"), "0" * 26)
    while orield.hear() != ("E", "0" * 26):
        pass


@pytest.mark.parametrize("kind", [Browser, Viewer, Rdp])
def test_no_more_comes_than_the_plan_allows_and_input_waits_for_nothing(expected, orield, kind):  # noqa: F811
    began = time.monotonic()
    seen = kind(expected, orield, LEAST)
    pour(seen.desktop)
    heard = seen.hear(SOME)
    seen.say(KEY)
    assert read_all(seen.desktop, len(KEY)) == KEY
    assert heard <= 4096 + 8000 * (time.monotonic() - began)
    seen.say(KEY * 1000)
    assert read_all(seen.desktop, 1000 * len(KEY)) == KEY * 1000
    orield.order(ord("R"), orield.ids.queue[-1], flags=32 if kind is Rdp else 0)  # no limit any more: what waits comes at once
    assert seen.hear(MUCH - heard) >= MUCH - heard
    seen.close()


def test_a_limit_comes_to_a_display_that_had_none(expected, orield):  # noqa: F811
    seen = Browser(expected, orield, 0)
    pour(seen.desktop, MUCH // 4)
    seen.hear(MUCH // 4)
    orield.order(ord("R"), orield.ids.queue[-1], kbit_s=LEAST)
    heard_order(orield)
    began = time.monotonic()
    pour(seen.desktop)
    assert seen.hear(SOME) <= 4096 + 8000 * (time.monotonic() - began)
    other = Browser(expected, orield, 0)  # and others do not wait for it
    pour(other.desktop, MUCH // 4)
    assert other.hear(MUCH // 4) >= MUCH // 4
    for one in (seen, other):
        one.close()


def test_a_display_that_is_held_back_ends_as_any_other(expected, orield):  # noqa: F811
    seen = Browser(expected, orield, LEAST)
    pour(seen.desktop)
    seen.hear(4096)
    orield.order(ord("X"), orield.ids.queue[-1], code=4001, reason="elsewhere")
    assert seen.client.hear_close_text() == (4001, "elsewhere")
    again = Browser(expected, orield, LEAST)
    again.desktop.sendall(b"picture")
    again.desktop.shutdown(socket.SHUT_WR)  # its last words still come
    assert again.hear(7) == 7
    assert again.client.hear_close() == 1000
