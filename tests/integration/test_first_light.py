"""The whole way with real machines, but for the browser: golden image, pool, click, display through the gateway."""

import base64
import os
import socket
import ssl
import struct

from stack import wait_until

BOOT_SECONDS = 400  # TCG, on a busy machine


class Display:
    """A WebSocket through the gateway, as far as RFB's greeting."""

    def __init__(self, orield, path):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", orield.port), 60))
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{orield.port}\r\nUpgrade: websocket\r\n"
                           f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                           f"Sec-WebSocket-Protocol: binary\r\nOrigin: https://127.0.0.1:{orield.port}\r\n\r\n").encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.sock.recv(4096)
        self.head, self.data = self.data.split(b"\r\n\r\n", 1)
        self.rfb = b""

    def take(self, count):
        while len(self.data) < count:
            part = self.sock.recv(65536)
            assert part, "the display closed"
            self.data += part
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def message(self):
        head = self.take(2)
        size = head[1] & 127
        if size == 126:
            size = struct.unpack(">H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.take(8))[0]
        return head[0] & 15, self.take(size)

    def send(self, data, kind=2):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.sock.sendall(bytes([0x80 | kind, 0x80 | len(data)]) + mask + masked)

    def bytes(self, count):
        """Of RFB, whatever the messages are."""
        while len(self.rfb) < count:
            kind, data = self.message()
            assert kind in (2, 9), f"a WebSocket message of kind {kind}"
            if kind == 9:  # a ping
                self.send(data, 10)
            else:
                self.rfb += data
        taken, self.rfb = self.rfb[:count], self.rfb[count:]
        return taken

    def handshake(self):
        """RFC 6143, 7.1 to 7.3; returns (width, height)."""
        assert self.bytes(12) == b"RFB 003.008\n"
        self.send(b"RFB 003.008\n")
        assert 1 in self.bytes(self.bytes(1)[0])
        self.send(b"\x01")
        assert self.bytes(4) == b"\0\0\0\0"
        self.send(b"\x01")
        init = self.bytes(24)
        self.bytes(struct.unpack(">I", init[20:])[0])
        self.size, self.shifts = struct.unpack(">HH", init[:4]), init[14:17]
        assert init[4] == 32 and not init[6]
        return self.size

    def ask_picture(self, width, height):
        """Asks for the whole picture and waits for the first answer."""
        self.send(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        return self.bytes(4)[0]

    def colour(self, right=0.5, down=0.5):
        """(red, green, blue) of the pixel at these shares of the width and the height; nobody else may read meanwhile."""
        x, y = (int(size * share) for size, share in zip(self.size, (right, down)))
        self.send(struct.pack(">BxHi", 2, 1, 0) + struct.pack(">BBHHHH", 3, 0, x, y, 1, 1))
        found = None
        while not found:
            kind = self.bytes(1)[0]
            assert kind in (0, 2), f"a message of kind {kind}"
            for _ in range(struct.unpack(">xH", self.bytes(3))[0] if kind == 0 else 0):
                left, top, width, height, encoding = struct.unpack(">HHHHi", self.bytes(12))
                assert encoding == 0
                seen = self.bytes(width * height * 4)
                if left <= x < left + width and top <= y < top + height:
                    pixel = int.from_bytes(seen[4 * ((y - top) * width + x - left):][:4], "little")
                    found = tuple(pixel >> shift & 255 for shift in self.shifts)
        return found

    def close(self):
        self.sock.close()


def connected(client, pool):
    def ready():
        answer = client.call("POST", f"pools/{pool}/connect")
        assert answer.status in (200, 202), answer
        return answer.status == 200 and answer.json
    return wait_until(ready, BOOT_SECONDS, "a connection")


def test_first_light(orield_with_machines):
    orield = orield_with_machines
    local = orield.local
    pool = local.do("POST", "pools", {"name": "demo", "image": "debian-minimal", "size": 3, "spares": 1})
    assert pool["vcpus"] >= 1 and pool["memory_bytes"] >= 64 << 20
    orield.make_user("anna")
    local.do("PUT", "pools/demo/entitlements/users/anna", status=204)
    anna = orield.login("anna")

    def frozen():
        template = local.get("pools/demo")["template"]
        assert template["state"] != "failed", template
        return template["state"] == "ready"
    wait_until(frozen, BOOT_SECONDS, "the template")

    given = connected(anna, "demo")
    assert given["desktop"]["state"] == "running"
    display = Display(orield, given["path"])
    assert b" 101 " in display.head.split(b"\r\n")[0]
    width, height = display.handshake()
    assert width > 0 and height > 0
    session = given["session"]["id"]
    wait_until(lambda: local.get(f"sessions/{session}")["state"] == "connected", 30, "the connected session")

    # orield goes and comes back; the picture does not notice, and the session is the same.
    orield.kill()
    assert display.ask_picture(width, height) == 0
    orield.start()
    assert orield.machines()
    wait_until(lambda: local.get(f"sessions/{session}")["state"] == "connected", 30, "the adopted session")
    again = connected(anna, "demo")
    assert (again["session"]["id"], again["desktop"]["id"]) == (session, given["desktop"]["id"])

    thumbnail = anna.call("GET", f"desktops/{given['desktop']['id']}/thumbnail", query={"width": 200})
    assert thumbnail.status == 200 and thumbnail.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">I", thumbnail.body[16:20])[0] <= 200
    wait_until(lambda: local.get(f"desktops/{given['desktop']['id']}")["agent"] == "ready", 60, "the agent")

    display.close()
    wait_until(lambda: local.get(f"sessions/{session}")["state"] == "disconnected", 30, "the disconnected session")
    assert anna.do("POST", f"sessions/{session}/log-off")["state"] == "ended"
    status = local.get("status")
    assert status["accelerator"]["name"] in ("kvm", "tcg") and status["counts"]["templates"] == 1
    assert orield.stop() == 0
    assert orield.machines() == []
