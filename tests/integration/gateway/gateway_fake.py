"""What stands around the gateway in its tests: an orield that answers by path, and a browser that speaks TLS and
WebSocket byte by byte. Nothing but Python's own library, so that every byte on the wire is a choice of the test."""

import base64
import hashlib
import os
import queue
import secrets
import socket
import ssl
import struct
import threading

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE = 60  # seconds until a test gives up; no test asserts how long something took
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PACKET = 160
VIEW_ONLY, NO_CLIPBOARD_IN, NO_CLIPBOARD_OUT, NO_SOUND, SHARED, OPAQUE = 1, 2, 4, 8, 16, 32


def packet(kind, display, flags=0, size=(0, 0), code=0, reason="", kbit_s=0):
    """As base/display_wire.h has it."""
    return struct.pack("!BBHHH26sH124s", kind, flags, *size, code, display.encode(), kbit_s, reason.encode())


def display_id():
    return "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(25)).rjust(26, "0")


class FakeOrield:
    """Listens on RUNTIME/gateway.sock. The path of a request chooses the behaviour, see `routes`. Displays that it
    handed over stay open when it stops, as QEMU's sockets do: their other ends come out of `displays`."""

    def __init__(self, runtime):
        self.path = os.path.join(runtime, "gateway.sock")
        self.displays = queue.Queue()
        self.peers = queue.Queue()
        self.bodies = queue.Queue()
        self.held = []
        self.connections = set()
        self.listener = None
        self.rules = {"flags": 0, "size": (0, 0)}  # of displays handed over from now on
        self.ids = queue.Queue()  # of those displays
        self.channel = None
        self.channel_path = os.path.join(runtime, "displays.sock")
        self.routes = {
            "/display": self.display, "/display-late": self.display_late, "/hello": self.hello, "/big": self.big,
            "/echo": self.echo, "/silent": self.silent, "/hang-up": self.hang_up, "/no-mark": self.no_mark,
            "/stream": self.stream, "/display-held": self.display_held,
            "/api/v1/native/GOOD-ticket_1": self.native, "/api/v1/native/USED": self.native_refused,
            "/api/v1/native/SILENT": self.silent,
        }

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4096)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        if os.path.exists(self.channel_path):
            os.unlink(self.channel_path)
        self.channel_listener = socket.socket(socket.AF_UNIX)
        self.channel_listener.bind(self.channel_path)
        self.channel_listener.listen(1)
        return self

    def hear(self):
        """The next thing the gateway says of a display: (kind, id). Waits for its channel first."""
        if not self.channel:
            self.channel_listener.settimeout(PATIENCE)
            self.channel, _ = self.channel_listener.accept()
            self.channel.settimeout(PATIENCE)
        heard = b""
        while len(heard) < PACKET:
            got = self.channel.recv(PACKET - len(heard))
            assert got, "the gateway closed its channel"
            heard += got
        return chr(heard[0]), heard[8:34].decode()

    def order(self, *what, **more):
        self.channel.sendall(packet(*what, **more))

    def handover(self, connection, descriptor):
        name = display_id()
        socket.send_fds(connection, [packet(0, name, **self.rules)], [descriptor])
        self.ids.put(name)

    def stop(self):
        """As if killed: all its sockets close, the socket's file stays."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.channel_listener.close()
        if self.channel:
            self.channel.close()
            self.channel = None
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                connection, name = listener.accept()
            except OSError:
                return
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, name), daemon=True).start()

    def _serve(self, connection, name):
        try:
            with connection:
                rest = b""
                while rest is not None:
                    head, rest = self._head(connection, rest)
                    if head is None:
                        return
                    self.peers.put(name)
                    path = head.split(b" ")[1].decode()
                    rest = self.routes[path](connection, head, rest, name)
        except OSError:
            pass
        finally:
            self.connections.discard(connection)

    @staticmethod
    def _head(connection, held):
        while b"\r\n\r\n" not in held:
            got = connection.recv(65536)
            if not got:
                return None, b""
            held += got
        head, rest = held.split(b"\r\n\r\n", 1)
        return head, rest

    # Each route answers; it returns the bytes after its request, or None when the connection is over.

    def hello(self, connection, _head, rest, name):
        body = name
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return rest

    def big(self, connection, _head, _rest, _name):
        """Endless, as long as somebody takes it."""
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        block = b"x" * 65536
        while True:
            connection.sendall(block)

    def echo(self, connection, head, rest, _name):
        length = int([line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")][0].split(b":")[1])
        while len(rest) < length:
            got = connection.recv(1 << 20)
            if not got:
                return None
            rest += got
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + rest[:length])
        return rest[length:]

    def stream(self, connection, _head, _rest, _name):
        """Server-sent events: one now, then silence until the other end is gone."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        self.bodies.put(connection.recv(1))
        return None

    def silent(self, connection, _head, _rest, _name):
        connection.recv(1)
        return None

    def hang_up(self, _connection, _head, _rest, _name):
        return None

    def _upgrade(self, head):
        key = [line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")][0].split(b":")[1].strip()
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: binary\r\n\r\n")

    def display(self, connection, head, rest, _name):
        if rest:
            return None  # orield's own check of early bytes
        ours, theirs = socket.socketpair()
        connection.sendall(self._upgrade(head))
        self.handover(connection, theirs.fileno())
        theirs.close()
        self.displays.put(ours)
        return None

    def display_held(self, connection, head, rest, name):
        """Keeps its own copy of the display's socket."""
        ours, theirs = socket.socketpair()
        connection.sendall(self._upgrade(head))
        self.handover(connection, theirs.fileno())
        self.held.append(theirs)
        self.displays.put(ours)
        return None

    def display_late(self, connection, head, _rest, _name):
        """Lets time pass between the request and the 101, without reading what comes meanwhile."""
        threading.Event().wait(1)
        return self.display(connection, head, b"", _name)

    def native(self, connection, _head, _rest, _name):
        ours, theirs = socket.socketpair()
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: rdp\r\nConnection: Upgrade\r\n\r\n")
        self.handover(connection, theirs.fileno())
        theirs.close()
        self.displays.put(ours)
        return None

    def native_refused(self, connection, _head, rest, _name):
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return rest

    def no_mark(self, connection, head, _rest, _name):
        ours, theirs = socket.socketpair()
        connection.sendall(self._upgrade(head))
        socket.send_fds(connection, [b"\0" * PACKET], [theirs.fileno()])
        theirs.close()
        self.displays.put(ours)
        return None


def tls_context(**settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def request(path, *headers):
    return ("\r\n".join([f"GET {path} HTTP/1.1", "Host: test", *headers]) + "\r\n\r\n").encode()


class Browser:
    """One TLS connection to the gateway."""

    def __init__(self, port, context=None, source=None, address="127.0.0.1", receive_buffer=None):
        raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        raw.settimeout(PATIENCE)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            raw.bind((source, 0))
        raw.connect((address, port))
        self.name = raw.getsockname()
        self.socket = (context or tls_context()).wrap_socket(raw, suppress_ragged_eofs=False)
        self.held = b""

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        got = self.socket.recv(1 << 20)
        if not got:
            raise EOFError
        self.held += got

    def take(self, length):
        while len(self.held) < length:
            self.more()
        taken, self.held = self.held[:length], self.held[length:]
        return taken

    def head(self):
        while b"\r\n\r\n" not in self.held:
            self.more()
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        return head

    def answer(self):
        """A whole answer with a Content-Length: (status, body)."""
        head = self.head()
        length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return int(head.split(b" ")[1]), self.take(int(length[0].split(b":")[1]))

    def get(self, path):
        self.send(request(path))
        return self.answer()

    def at_end(self):
        """True when the gateway ends the connection, in an orderly way or not."""
        try:
            return not self.held and self.socket.recv(1) == b""
        except (ssl.SSLError, ConnectionError, EOFError):
            return True

    # WebSocket

    def upgrade(self, path="/display"):
        key = base64.b64encode(secrets.token_bytes(16))
        self.send(request(path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                          "Sec-WebSocket-Key: " + key.decode(), "Sec-WebSocket-Protocol: binary"))
        head = self.head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert base64.b64encode(hashlib.sha1(key + MAGIC).digest()) in head
        return self

    @staticmethod
    def frame(payload, opcode=BINARY, final=True, mask=None, claim=None):
        mask = secrets.token_bytes(4) if mask is None else mask
        length = len(payload) if claim is None else claim
        head = bytes([(0x80 if final else 0) | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", length)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", length)
        repeated = (mask * (len(payload) // 4 + 1))[:len(payload)]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
        return head + mask + masked

    def say(self, payload, **how):
        self.send(self.frame(payload, **how))

    def hear(self):
        """The next frame: (opcode, payload). The gateway's frames are whole and unmasked."""
        first, second = self.take(2)
        assert first & 0x70 == 0 and second & 0x80 == 0
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack("!H", self.take(2))
            assert length >= 126
        elif length == 127:
            length, = struct.unpack("!Q", self.take(8))
            assert length >= 65536
        assert first & 0x80
        return first & 0x0F, self.take(length)

    def hear_close_text(self):
        """(code, text) of the close frame that comes next, pings and pictures left aside."""
        opcode, payload = self.hear()
        while opcode in (PING, BINARY):
            opcode, payload = self.hear()
        assert opcode == CLOSE, (opcode, payload[:40])
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def hear_close(self):
        """The code of the close frame that comes next, pings left aside."""
        opcode, payload = self.hear()
        while opcode == PING:
            opcode, payload = self.hear()
        assert opcode == CLOSE, (opcode, payload[:40])
        return struct.unpack("!H", payload[:2])[0] if payload else None

    def hear_bytes(self, length):
        """`length` bytes out of binary messages."""
        heard = bytearray()
        while len(heard) < length:
            opcode, payload = self.hear()
            if opcode == PING:
                continue
            assert opcode == BINARY, (opcode, payload[:40])
            heard += payload
        return bytes(heard)
