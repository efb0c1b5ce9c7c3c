"""Displays: the handover, frames both ways, ends, and clients that do not behave."""

import os
import signal
import socket
import struct
import threading
import time

import pytest
from gateway_fake import BINARY, CLOSE, CONTINUATION, PATIENCE, PING, PONG, TEXT, Browser, request


def read_all(machine, length):
    got = bytearray()
    while len(got) < length:
        part = machine.recv(1 << 20)
        assert part, f"display ended after {len(got)} of {length} bytes"
        got += part
    return bytes(got)


def at_end(machine):
    try:
        while machine.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_bytes_go_both_ways(display):
    browser, machine = display
    machine.sendall(b"RFB 003.008\n")
    assert browser.hear() == (BINARY, b"RFB 003.008\n")
    browser.say(b"RFB 003.008\n")
    assert read_all(machine, 12) == b"RFB 003.008\n"


@pytest.mark.parametrize("length", [1, 125, 126, 127, 65535, 65536, 65537, 1_000_000])
def test_every_form_of_length(display, length):
    browser, machine = display
    data = os.urandom(length)
    browser.say(data)
    assert read_all(machine, length) == data
    threading.Thread(target=machine.sendall, args=(data,), daemon=True).start()
    assert browser.hear_bytes(length) == data


def test_bytes_that_follow_the_handover_at_once_are_not_lost(gateway, orield):
    """QEMU speaks first: its greeting may be in the socket before the gateway has the descriptor."""
    for _ in range(20):
        browser = gateway.browser().upgrade()
        orield.displays.get(timeout=PATIENCE).sendall(b"RFB 003.008\n")
        assert browser.hear() == (BINARY, b"RFB 003.008\n")
        browser.close()


def test_fragments_with_a_ping_between_them(display):
    browser, machine = display
    browser.say(b"one ", final=False)
    browser.say(b"two ", opcode=CONTINUATION, final=False)
    browser.say(b"are you there?", opcode=PING)
    browser.say(b"", opcode=CONTINUATION, final=False)
    browser.say(b"three", opcode=CONTINUATION)
    assert read_all(machine, 13) == b"one two three"
    assert browser.hear() == (PONG, b"are you there?")


def test_a_frame_in_single_bytes(display):
    browser, machine = display
    for byte in browser.frame(b"slowly") + browser.frame(b"x" * 200):
        browser.send(bytes([byte]))
    assert read_all(machine, 206) == b"slowly" + b"x" * 200


def test_many_small_frames_in_one_record(display):
    browser, machine = display
    browser.send(b"".join(browser.frame(b"%04d" % i) for i in range(1000)))
    assert read_all(machine, 4000) == b"".join(b"%04d" % i for i in range(1000))


def test_a_zero_mask_is_a_mask(display):
    browser, machine = display
    browser.say(b"plain", mask=b"\0\0\0\0")
    assert read_all(machine, 5) == b"plain"


def test_the_last_of_many_pings_is_answered(display):
    browser, machine = display
    browser.send(b"".join(browser.frame(b"%d" % i, opcode=PING) for i in range(3000)))
    opcode, payload = browser.hear()
    while payload != b"2999":
        assert opcode == PONG
        opcode, payload = browser.hear()
    assert opcode == PONG


def test_end_of_the_display_is_1000(display):
    browser, machine = display
    machine.sendall(b"last words")
    machine.close()
    assert browser.hear_bytes(10) == b"last words"
    assert browser.hear_close() == 1000
    browser.say(struct.pack("!H", 1000), opcode=CLOSE)
    assert browser.at_end()


@pytest.mark.parametrize("payload, echoed", [(b"", None), (struct.pack("!H", 1000) + b"bye", 1000), (struct.pack("!H", 4001), 4001)])
def test_the_clients_close_is_answered_and_ends_the_display(display, payload, echoed):
    browser, machine = display
    browser.send(browser.frame(b"last words") + browser.frame(payload, opcode=CLOSE))
    assert browser.hear_close() == echoed
    assert browser.at_end()
    assert read_all(machine, 10) == b"last words"
    assert machine.recv(1) == b""


def test_a_client_that_just_goes_ends_the_display(display):
    browser, machine = display
    browser.close()
    assert at_end(machine)


def test_a_copy_of_the_display_at_orield_changes_nothing(gateway, orield):
    """The end reaches QEMU, and nothing that happens to the copy later reaches the gateway."""
    for _ in range(20):
        browser = gateway.browser().upgrade("/display-held")
        machine = orield.displays.get(timeout=PATIENCE)
        browser.close()
        assert at_end(machine)
        machine.close()
    for copy in orield.held:
        copy.close()
    assert gateway.browser().get("/hello")[0] == 200


BROKEN = [
    ("unmasked", b"\x82\x03abc", 1002),
    ("reserved bit", b"\xc2\x80abcd", 1002),
    ("reserved opcode", b"\x83\x80abcd", 1002),
    ("reserved control opcode", b"\x8b\x80abcd", 1002),
    ("text", Browser.frame(b"hello", opcode=TEXT), 1003),
    ("continuation of nothing", Browser.frame(b"x", opcode=CONTINUATION), 1002),
    ("message inside a message", Browser.frame(b"x", final=False) + Browser.frame(b"y"), 1002),
    ("ping in fragments", Browser.frame(b"x", opcode=PING, final=False), 1002),
    ("long ping", Browser.frame(b"x" * 126, opcode=PING), 1002),
    ("length not the shortest", b"\x82\xfe\x00\x05abcd", 1002),
    ("negative length", b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffabcd", 1002),
    ("close with one byte", Browser.frame(b"x", opcode=CLOSE), 1002),
    ("close with a code that is never sent", Browser.frame(struct.pack("!H", 1006), opcode=CLOSE), 1002),
    ("close with a broken text", Browser.frame(struct.pack("!H", 1000) + b"\xff\xfe", opcode=CLOSE), 1002),
    ("oversized frame", Browser.frame(b"", claim=4 * 1024 * 1024 + 1), 1009),
    ("absurd frame", Browser.frame(b"", claim=1 << 62), 1009),
    ("oversized in fragments", Browser.frame(b"x" * 10, final=False) +
     Browser.frame(b"", opcode=CONTINUATION, claim=4 * 1024 * 1024 - 9), 1009),
]


@pytest.mark.parametrize("data, code", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_frames_close_with_their_code(display, data, code):
    browser, machine = display
    browser.send(data)
    assert browser.hear_close() == code
    assert browser.at_end()
    assert at_end(machine)


@pytest.mark.parametrize("path", ["/display", "/display-late"])
def test_bytes_before_the_101_close_the_connection(gateway, orield, path):
    """Behind the request in one record orield sees them; while it thinks, the gateway does."""
    browser = gateway.browser()
    head = request(path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x")
    if path == "/display":
        browser.send(head + browser.frame(b"too early"))
    else:
        browser.send(head)
        assert orield.peers.get(timeout=PATIENCE)  # it has read the request and nothing else
        browser.send(browser.frame(b"too early"))
    heard = b""
    try:
        while got := browser.socket.recv(65536):
            heard += got
    except OSError:
        pass
    assert heard == b"" or heard.startswith(b"HTTP/1.1 503 ") or heard.endswith(b"\r\n\r\n\x88\x02\x03\xea")
    if path == "/display-late":
        assert at_end(orield.displays.get(timeout=PATIENCE))


def test_a_descriptor_without_its_packet_is_refused(gateway, orield):
    browser = gateway.browser()
    browser.send(request("/no-mark", "Sec-WebSocket-Key: x"))
    assert at_end(orield.displays.get(timeout=PATIENCE))
    try:
        while browser.socket.recv(4096):
            pass
    except OSError:
        pass
    gateway.wait_log("without its packet")


def test_displays_outlive_orield(display, orield, gateway):
    browser, machine = display
    stop = threading.Event()
    sent = shown = 0

    def paint():
        nonlocal sent
        try:
            while not stop.is_set():
                machine.sendall(struct.pack("!I", sent) * 1024)
                sent += 1
        except OSError:
            pass  # the test's end closed it

    painter = threading.Thread(target=paint, daemon=True)
    painter.start()

    def see(blocks):
        nonlocal shown
        for _ in range(blocks):
            assert seen(4096) == struct.pack("!I", shown) * 1024
            shown += 1

    held = bytearray()

    def seen(length):
        nonlocal held
        while len(held) < length:
            held += browser.hear_bytes(1)
        taken, held = bytes(held[:length]), held[length:]
        return taken

    see(500)
    orield.stop()
    see(500)
    browser.say(b"key")
    assert read_all(machine, 3) == b"key"
    assert gateway.browser().get("/hello")[0] == 503
    orield.start()
    assert gateway.browser().get("/hello")[0] == 200
    see(500)
    browser.say(b"key")
    assert read_all(machine, 3) == b"key"
    stop.set()


def test_a_client_that_never_reads_grows_nothing(gateway, orield):
    """The display is full: QEMU is not read any more, and nothing grows; then every byte still comes."""
    browser = gateway.browser(receive_buffer=4096).upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    machine.setblocking(False)
    before = gateway.memory()
    sent = 0
    block = os.urandom(65536)
    stuck = 0
    while stuck < 20:  # two seconds in which not one byte was taken
        try:
            sent += machine.send(block[sent % 65536:])
            stuck = 0
        except BlockingIOError:
            stuck += 1
            time.sleep(0.1)
        assert sent < 64 << 20, "the gateway takes without end"
    assert gateway.memory() - before < 1 << 20
    for _ in range(100):  # pings must not fill it either
        browser.send(browser.frame(b"p" * 125, opcode=PING) * 100)
    assert gateway.memory() - before < 1 << 20
    browser.say(b"still heard")
    machine.setblocking(True)
    machine.settimeout(PATIENCE)
    assert read_all(machine, 11) == b"still heard"
    whole = block * (sent // 65536 + 1)
    heard = bytearray()
    while len(heard) < sent:
        opcode, payload = browser.hear()
        if opcode == BINARY:
            heard += payload
    assert heard == whole[:sent]
    machine.close()


def test_a_client_that_never_reads_an_answer_grows_nothing(gateway, orield):
    gateway.browser().get("/hello")
    before = gateway.memory()
    clients = [gateway.browser(receive_buffer=4096) for _ in range(20)]
    for client in clients:
        client.send(request("/big"))
    previous = -1
    while previous != gateway.memory():
        previous = gateway.memory()
        time.sleep(1)
    assert gateway.memory() - before < 20 * 300 * 1024


def test_a_display_that_never_reads_grows_nothing(display, gateway):
    browser, machine = display
    before = gateway.memory()
    browser.socket.settimeout(2)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 1 << 28:
            browser.say(b"k" * 65536)
            sent += 65536
    assert gateway.memory() - before < 1 << 20


def test_sigterm_says_1001(gateway, orield):
    browsers = [gateway.browser().upgrade() for _ in range(5)]
    machines = [orield.displays.get(timeout=PATIENCE) for _ in browsers]
    plain = gateway.browser()
    plain.get("/hello")
    gateway.process.send_signal(signal.SIGTERM)
    for browser in browsers:
        assert browser.hear_close() == 1001
        browser.say(struct.pack("!H", 1001), opcode=CLOSE)
        assert browser.at_end()
    assert plain.at_end()
    assert all(at_end(machine) for machine in machines)
    assert gateway.process.wait(PATIENCE) == 0
    gateway.start()  # the fixture's end wants a living one; and the port is free at once


def test_sigterm_does_not_wait_for_the_deaf(gateway, orield):
    deaf = gateway.browser(receive_buffer=4096).upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    machine.setblocking(False)
    try:
        while True:
            machine.send(b"x" * 65536)
    except BlockingIOError:
        pass
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(PATIENCE) == 0
    deaf.close()
    gateway.start()


def test_idle_displays_are_pinged(gateway, orield):
    browser = gateway.browser().upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    assert browser.hear() == (PING, b"")
    browser.say(b"", opcode=PONG)
    machine.sendall(b"x")
    assert browser.hear() == (BINARY, b"x")
    machine.close()


def test_slow_loris_is_shown_out(gateway, orield):
    """Neither the one who says nothing nor the one who trickles a handshake keeps its place."""
    silent = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
    trickle = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
    trickle.settimeout(0.5)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(400)
    ended = False
    for byte in hello[:100]:
        try:
            trickle.send(bytes([byte]))
            ended = trickle.recv(1) == b""
        except TimeoutError:
            continue
        except ConnectionError:
            ended = True
        if ended:
            break
    assert ended
    with pytest.raises(ConnectionError):
        if silent.recv(1) == b"":
            raise ConnectionError
    assert gateway.browser().get("/hello")[0] == 200


def test_one_address_cannot_take_all_places(gateway, orield):
    crowd = []
    refused = False
    for _ in range(1100):
        client = socket.create_connection(("127.0.0.2", gateway.port), PATIENCE, source_address=("127.0.0.7", 0))
        crowd.append(client)
    crowd[-1].settimeout(PATIENCE)
    try:
        refused = crowd[-1].recv(1) == b""
    except ConnectionError:
        refused = True
    assert refused
    gateway.wait_log("its address has all the connections it may have")
    assert gateway.browser(source="127.0.0.8").get("/hello")[0] == 200
    for client in crowd:
        client.close()
