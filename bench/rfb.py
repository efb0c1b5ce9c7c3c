"""A viewer for measuring: WebSocket over TLS, RFB 3.8 as noVNC speaks it (Tight with JPEG). It decodes no pixel, only
the length of every rectangle, and tells when the whole screen has been sent once."""

import base64
import os
import socket
import ssl
import struct

ENCODINGS = (7, -26, -254, 0, -223, -224)  # Tight, JPEG quality 6, compression 2, Raw, DesktopSize, LastRect


class Closed(Exception):
    """The other side ended the display."""


class WebSocket:
    """Client end of RFC 6455, binary messages only; what the server sends is one stream of bytes."""

    def __init__(self, host, port, path, headers=()):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection((host, port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw, server_hostname=host)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET /{path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: binary", *headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.raw = b""
        while b"\r\n\r\n" not in self.raw:
            self._more()
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"no upgrade: {head.decode(errors='replace')} {self.raw.decode(errors='replace')}")
        self.data = bytearray()

    def _more(self):
        got = self.socket.recv(262144)
        if not got:
            raise Closed
        self.raw += got

    def _frame(self):
        while len(self.raw) < 2:
            self._more()
        length, at = self.raw[1] & 127, 2
        if length >= 126:
            size = 2 if length == 126 else 8
            while len(self.raw) < 2 + size:
                self._more()
            length, at = int.from_bytes(self.raw[2 : 2 + size], "big"), 2 + size
        while len(self.raw) < at + length:
            self._more()
        opcode, payload = self.raw[0] & 15, self.raw[at : at + length]
        self.raw = self.raw[at + length :]
        if opcode == 9:
            self._send(10, payload)
        elif opcode == 8:
            raise Closed
        elif opcode < 3:
            self.data += payload

    def read(self, length):
        while len(self.data) < length:
            self._frame()
        taken = bytes(self.data[:length])
        del self.data[:length]
        return taken

    def _send(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack(">H", size)
        self.socket.sendall(head + mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload)))

    def write(self, payload):
        self._send(2, payload)

    def close(self):
        self.socket.close()


class Viewer:
    def __init__(self, websocket):
        self.stream = websocket
        self.stream.read(12)
        self.stream.write(b"RFB 003.008\n")
        self.stream.read(self.stream.read(1)[0])
        self.stream.write(b"\x01")
        self.stream.read(4)
        self.stream.write(b"\x00")  # not shared: the newest viewer takes over
        self.width, self.height = struct.unpack(">HH", self.stream.read(4))
        self.stream.read(16)
        self.stream.read(struct.unpack(">I", self.stream.read(4))[0])
        pixel_format = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)
        self.stream.write(b"\x00\x00\x00\x00" + pixel_format)
        self.stream.write(struct.pack(">BxH", 2, len(ENCODINGS)) + struct.pack(f">{len(ENCODINGS)}i", *ENCODINGS))

    def request(self, incremental):
        self.stream.write(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def key(self, keysym):
        for down in (1, 0):
            self.stream.write(struct.pack(">BBxxI", 4, down, keysym))

    def pointer(self, x, y, buttons=0):
        self.stream.write(struct.pack(">BBHH", 5, buttons, x, y))

    def picture(self):
        """Asks for everything and returns when all of it has come; how many bytes that was."""
        self.request(0)
        covered, sent = 0, 0
        while covered < self.width * self.height:
            area, size = self.update()
            covered, sent = covered + area, sent + size
        return sent

    def update(self):
        kind = self.stream.read(1)[0]
        if kind == 1:
            self.stream.read(1)
            _, colours = struct.unpack(">HH", self.stream.read(4))
            self.stream.read(6 * colours)
            return 0, 0
        if kind == 2:
            return 0, 0
        if kind == 3:
            self.stream.read(3)
            self.stream.read(abs(struct.unpack(">i", self.stream.read(4))[0]))
            return 0, 0
        if kind != 0:
            raise RuntimeError(f"RFB message of kind {kind}")
        count = struct.unpack(">xH", self.stream.read(3))[0]
        area, size = 0, 4
        for _ in range(count):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.stream.read(12))
            if encoding == -224:
                break
            if encoding == -223:
                self.width, self.height = width, height
                continue
            length = self._tight(width, height) if encoding == 7 else len(self.stream.read(width * height * 4))
            area, size = area + width * height, size + 12 + length
        return area, size

    def _compact(self):
        length, shift = 0, 0
        while shift < 21:
            byte = self.stream.read(1)[0]
            length |= (byte & (0x7F if shift < 14 else 0xFF)) << shift
            if not byte & 0x80:
                break
            shift += 7
        return length

    def _tight(self, width, height):
        control = self.stream.read(1)[0] >> 4
        if control == 8:
            return 1 + len(self.stream.read(3))
        if control in (9, 10):
            return 1 + len(self.stream.read(self._compact()))
        pixel = 3
        rows = width * pixel
        if control & 4:
            kind = self.stream.read(1)[0]
            if kind == 1:
                colours = self.stream.read(1)[0] + 1
                self.stream.read(colours * pixel)
                rows = (width + 7) // 8 if colours == 2 else width
        length = rows * height
        return 1 + len(self.stream.read(length if length < 12 else self._compact()))
