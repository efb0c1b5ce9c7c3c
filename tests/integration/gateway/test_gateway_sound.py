"""What a real guest plays, heard over the gateway's WebSocket; and what a plan that forbids it leaves of that."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import time

import pytest

from gateway_fake import BINARY, NO_SOUND, PATIENCE
from test_gateway_rules import heard_order

KERNEL, INITRD = (os.environ.get(name) for name in ("ORIEL_TEST_KERNEL", "ORIEL_TEST_INITRD"))
BOOT = 300  # seconds until a test gives up
pytestmark = pytest.mark.skipif(not INITRD, reason="ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD are not set: run tests/fixtures/machine/make-guest")
ENCODINGS = struct.pack("!BxHii", 2, 2, 0, -259)
FORMAT = struct.pack("!BBHBBI", 255, 1, 2, 3, 2, 44100)  # S16, stereo
ON = struct.pack("!BBH", 255, 1, 0)
ACK = struct.pack("!i", -259)
PICTURE = "a picture"


class Guest:
    """The tiny guest in a QEMU of its own, with the sound card that Oriel's machines have."""

    def __init__(self, folder):
        self.folder = folder
        disk = folder / "disk.raw"
        disk.write_bytes(bytes(1 << 20))
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35,vmport=off", "-accel", "tcg", "-cpu", "max", "-m", "192M",
            "-device", "virtio-vga", "-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path=agent.sock,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.oriel.agent.0",
            "-blockdev", "driver=raw,node-name=disk,file.driver=file,file.filename=disk.raw", "-device", "virtio-blk-pci,drive=disk",
            "-audiodev", "none,id=sound", "-device", "intel-hda,id=card", "-device", "hda-output,bus=card.0,audiodev=sound,mixer=off",
            "-vnc", "unix:display.sock,lossy=on,audiodev=sound", "-display", "none", "-serial", "file:serial.log",
            "-kernel", KERNEL, "-initrd", INITRD, "-append", "console=ttyS0 quiet"], cwd=folder)

    def connect(self, name):
        deadline = time.monotonic() + BOOT
        while True:
            assert self.process.poll() is None, "QEMU ended"
            one = socket.socket(socket.AF_UNIX)
            try:
                one.connect(str(self.folder / name))
                return one
            except OSError:
                one.close()
                assert time.monotonic() < deadline, f"no {name}"
                time.sleep(0.1)

    def await_ready(self):
        """Its agent's port, past `ready`."""
        port = self.connect("agent.sock")
        port.settimeout(BOOT)
        lines = port.makefile("r")
        while json.loads(lines.readline())["type"] != "ready":
            pass
        return port

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def guest(tmp_path):
    one = Guest(tmp_path)
    yield one
    one.close()


class Ears:
    """A page that asks for sound; what it hears, message by message."""

    def __init__(self, gateway, orield, guest):
        def hand_over(connection, head, _rest, _name):
            display = guest.connect("display.sock")
            connection.sendall(orield._upgrade(head))
            orield.handover(connection, display.fileno())
            display.close()

        orield.routes["/display"] = hand_over
        self.browser = gateway.browser().upgrade()
        self.heard = bytearray()
        for say, length in ((b"", 12), (b"RFB 003.008\n", 2), (b"\1", 4), (b"\1", 24)):
            if say:
                self.browser.say(say)
            start = self.take(length)
        self.take(struct.unpack("!I", start[20:])[0])
        self.browser.say(ENCODINGS)
        assert self.take(16)[12:] == ACK  # it is offered
        self.browser.say(FORMAT + ON)

    def take(self, length):
        while len(self.heard) < length:
            opcode, payload = self.browser.hear()
            if opcode == BINARY:
                self.heard += payload
        taken, self.heard = bytes(self.heard[:length]), self.heard[length:]
        return taken

    def look(self):
        self.browser.say(struct.pack("!BBHHHH", 3, 0, 0, 0, 1, 1))

    def next(self):
        """The samples of the next message, or PICTURE."""
        kind, _, what = struct.unpack("!BBH", self.take(4))
        if kind == 0:
            for _ in range(what):
                width, height = struct.unpack("!4xHH4x", self.take(12))
                self.take(4 * width * height)
            return PICTURE
        assert kind == 255
        return self.take(struct.unpack("!I", self.take(4))[0]) if what == 2 else b""


def play(port):
    port.sendall(b'{"type":"x-tone","id":1}\n')


def test_a_tone_in_the_guest_is_heard_in_the_page(gateway, orield, guest):
    port = guest.await_ready()
    ears = Ears(gateway, orield, guest)
    play(port)
    while not any(ears.next()):
        pass  # silence before it
    display = orield.ids.get(timeout=PATIENCE)
    assert orield.hear() == ("A", display)
    heard_order(orield, ord("R"), display, flags=NO_SOUND)  # in the middle of the tone
    ears.look()
    while ears.next() != PICTURE:
        pass
    ears.browser.say(FORMAT + ON)
    play(port)
    time.sleep(4)  # all the tone
    ears.look()
    assert ears.next() == PICTURE
