"""What the gateway sees of a display, and the rules that orield has it hold."""

import struct

import pytest
from gateway_fake import (BINARY, CLOSE, NO_CLIPBOARD_IN, NO_CLIPBOARD_OUT, NO_SOUND, OPAQUE, PATIENCE, SHARED, VIEW_ONLY)
from test_gateway_display import at_end, read_all

HELLO = b"RFB 003.008\n" + b"\x01"
KEY = struct.pack("!BBxxI", 4, 1, 0x61)
POINTER = struct.pack("!BBHH", 5, 0, 10, 20)
QEMU_KEY = struct.pack("!BBHII", 255, 0, 1, 0x61, 30)
UPDATE = struct.pack("!BBHHHH", 3, 1, 0, 0, 800, 600)
PLAIN_TEXT = struct.pack("!BxxxI", 6, 5) + b"hello"
SOUND_ON, SOUND_OFF = struct.pack("!BBH", 255, 1, 0), struct.pack("!BBH", 255, 1, 1)


def extended(action, body=b""):
    return struct.pack("!BxxxiI", 6, -(4 + len(body)), action << 24 | 1) + body


REQUEST, NOTIFY, PROVIDE = extended(2), extended(8), extended(16, b"zipped text")


def size(width, height, screens=1):
    return struct.pack("!BxHHBx", 251, width, height, screens) + struct.pack("!IHHHHI", 0, 0, 0, width, height, 0) * screens


def opened(gateway, orield, flags=0, largest=(0, 0), shared=1):
    """A display past its handshake: (browser, machine, id)."""
    orield.rules = {"flags": flags, "size": largest}
    browser = gateway.browser().upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    machine.settimeout(PATIENCE)
    browser.say(HELLO + bytes([shared]))
    read_all(machine, len(HELLO) + 1)
    return browser, machine, orield.ids.get(timeout=PATIENCE)


@pytest.mark.parametrize("flags, largest, said, heard", [
    (0, (0, 0), KEY + PLAIN_TEXT + size(9000, 9000), KEY + PLAIN_TEXT + size(9000, 9000)),
    (VIEW_ONLY, (0, 0), KEY + POINTER + QEMU_KEY + PLAIN_TEXT + NOTIFY + PROVIDE + size(800, 600) + REQUEST, REQUEST),
    (NO_CLIPBOARD_IN, (0, 0), PLAIN_TEXT + NOTIFY + PROVIDE + KEY + REQUEST, KEY + REQUEST),
    (NO_CLIPBOARD_OUT, (0, 0), REQUEST + PLAIN_TEXT + NOTIFY + PROVIDE, PLAIN_TEXT + NOTIFY + PROVIDE),
    (NO_SOUND, (0, 0), SOUND_ON + KEY, KEY),
    (0, (1920, 1080), size(3840, 1000), size(1920, 1000)),
    (0, (1920, 1080), size(3840, 1000, 2) + KEY, KEY),
], ids=["none", "view only", "no clipboard in", "no clipboard out", "no sound", "largest size", "two screens"])
@pytest.mark.parametrize("piece", [1, 7, 10000])
def test_rules_hold(gateway, orield, flags, largest, said, heard, piece):
    browser, machine, _ = opened(gateway, orield, flags, largest)
    said, heard = said + UPDATE, heard + UPDATE
    for at in range(0, len(said), piece):
        browser.say(said[at:at + piece])
    assert read_all(machine, len(heard)) == heard
    browser.close()
    assert machine.recv(1) == b""


def test_a_shared_display_puts_nobody_out(gateway, orield):
    orield.rules = {"flags": SHARED, "size": (0, 0)}
    browser = gateway.browser().upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    browser.say(HELLO + b"\0" + KEY)
    assert read_all(machine, len(HELLO) + 1 + len(KEY)) == HELLO + b"\x01" + KEY


@pytest.mark.parametrize("said", [b"\x01 no such message", b"\xff\x09 no such of QEMU's"])
def test_what_is_not_understood_passes_without_rules_and_ends_with_them(gateway, orield, said):
    browser, machine, _ = opened(gateway, orield)
    browser.say(said)
    assert read_all(machine, len(said)) == said
    browser, machine, _ = opened(gateway, orield, VIEW_ONLY)
    browser.say(said)
    code, text = browser.hear_close_text()
    assert code == 4004 and "rules" in text
    assert at_end(machine)


def test_an_opaque_display_is_relayed_as_it_is(gateway, orield):
    orield.rules = {"flags": OPAQUE | VIEW_ONLY, "size": (0, 0)}
    browser = gateway.browser().upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    browser.say(b"\x03\x00 any protocol")
    assert read_all(machine, 15) == b"\x03\x00 any protocol"


def test_orield_learns_of_displays_and_their_input(gateway, orield):
    browser, machine, display = opened(gateway, orield)
    assert orield.hear() == ("A", display)
    browser.say(UPDATE + KEY + POINTER)
    assert orield.hear() == ("I", display)
    browser.say(KEY * 100)
    browser.close()
    assert orield.hear() == ("E", display)  # a hundred keys more were not worth a word: 15 s have not passed
    assert read_all(machine, len(UPDATE + KEY + POINTER) + 100 * len(KEY))


def test_looking_is_no_input(gateway, orield):
    browser, machine, display = opened(gateway, orield, VIEW_ONLY)
    browser.say(UPDATE + KEY + UPDATE)
    read_all(machine, 2 * len(UPDATE))
    browser.close()
    assert [orield.hear() for _ in range(2)] == [("A", display), ("E", display)]


def test_orield_closes_a_display_and_says_why(gateway, orield):
    browser, machine, display = opened(gateway, orield)
    other, other_machine, _ = opened(gateway, orield)
    assert orield.hear() == ("A", display)
    orield.order(ord("X"), display, code=4001, reason="opened at 192.0.2.7 \u2026")
    assert browser.hear_close_text() == (4001, "opened at 192.0.2.7 \u2026")
    browser.say(struct.pack("!H", 4001), opcode=CLOSE)
    assert browser.at_end()
    assert at_end(machine)
    other.say(KEY)
    assert read_all(other_machine, len(KEY)) == KEY


def test_rules_change_under_a_display(gateway, orield):
    browser, machine, display = opened(gateway, orield)
    assert orield.hear() == ("A", display)
    browser.say(KEY[:3])  # half a message under way goes whole
    assert read_all(machine, 3) == KEY[:3]
    orield.order(ord("R"), display, flags=VIEW_ONLY)
    orield.order(ord("R"), "0" * 26, flags=VIEW_ONLY)  # of none: it is told, and shows that the first has been read
    while orield.hear() != ("E", "0" * 26):
        pass
    browser.say(KEY[3:] + KEY + UPDATE)
    assert read_all(machine, len(KEY) - 3 + len(UPDATE)) == KEY[3:] + UPDATE
    orield.order(ord("R"), display)
    orield.order(ord("R"), "0" * 26)
    while orield.hear() != ("E", "0" * 26):
        pass
    browser.say(KEY)
    assert read_all(machine, len(KEY)) == KEY


def heard_order(orield, *what, **more):
    orield.order(*what, **more)
    orield.order(ord("R"), "0" * 26)
    while orield.hear() != ("E", "0" * 26):
        pass


@pytest.mark.parametrize("before", [b"", KEY[:3]], ids=["between messages", "within one"])
def test_sound_that_is_forbidden_later_is_switched_off(gateway, orield, before):
    browser, machine, display = opened(gateway, orield)
    assert orield.hear() == ("A", display)
    browser.say(SOUND_ON + before)
    assert read_all(machine, len(SOUND_ON + before)) == SOUND_ON + before
    heard_order(orield, ord("R"), display, flags=NO_SOUND)
    browser.say(KEY[len(before):] + SOUND_ON + UPDATE)
    wanted = KEY + SOUND_OFF + UPDATE if before else SOUND_OFF + KEY + UPDATE
    assert read_all(machine, len(wanted) - len(before)) == wanted[len(before):]
    heard_order(orield, ord("R"), display)
    browser.say(SOUND_ON + KEY)
    assert read_all(machine, len(SOUND_ON + KEY)) == SOUND_ON + KEY


def test_an_orield_that_comes_back_is_told_of_all(gateway, orield):
    browser, machine, display = opened(gateway, orield, VIEW_ONLY)
    assert orield.hear() == ("A", display)
    orield.stop()
    browser.say(KEY + UPDATE)  # the last rules hold on
    assert read_all(machine, len(UPDATE)) == UPDATE
    orield.start()
    assert orield.hear() == ("A", display)
    machine.sendall(b"picture")
    assert browser.hear() == (BINARY, b"picture")


def test_nonsense_on_the_channel_ends_only_the_channel(gateway, orield):
    browser, machine, display = opened(gateway, orield)
    assert orield.hear() == ("A", display)
    orield.channel.sendall(b"\xee" * 400)
    gateway.wait_log("of one version")
    orield.channel = None
    assert orield.hear() == ("A", display)
    browser.say(KEY)
    assert read_all(machine, len(KEY)) == KEY
