"""The opening of a display, seen from where the gateway sits: 101, one packet, one descriptor, end."""

import array
import socket

import pytest

from stack import Client, wait_until

UPGRADE = ("GET /{path} HTTP/1.1\r\nHost: desk.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Protocol: binary\r\nOrigin: https://desk.example\r\n\r\n")


@pytest.fixture(scope="module")
def connection(house):
    house.local.do("POST", "pools", {"name": "show", "image": "mini", "size": 1, "spares": 1})
    house.make_user("yoko")
    house.local.do("PUT", "pools/show/entitlements/users/yoko", status=204)
    yoko = house.login("yoko", address="192.0.2.80")

    def connect():
        answer = yoko.call("POST", "pools/show/connect")
        return answer.status == 200 and answer.json
    wait_until(connect, 60, "a connection")
    return lambda: wait_until(connect, 60, "a connection")


def receive_all(sock):
    """(bytes, descriptors, bytes of the read that brought the descriptor)."""
    data, descriptors, last = b"", [], b""
    while True:
        part, ancillary, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(4 * 8))
        for level, kind, payload in ancillary:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            numbers = array.array("i")
            numbers.frombytes(payload)
            descriptors += numbers
            last = part
        if not part:
            return data, descriptors, last
        data += part


def test_the_descriptor_comes_with_the_last_packet(house, connection):
    given = connection()
    client = Client(house, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    data, descriptors, last = receive_all(client.sock)
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith("HTTP/1.1 101 ")
    headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert headers["sec-websocket-protocol"] == "binary"
    assert headers["upgrade"].lower() == "websocket" and headers["connection"].lower() == "upgrade"
    assert len(rest) == 160 and rest[:1] == b"\0" and len(descriptors) == 1 and last.endswith(rest)
    display = socket.socket(fileno=descriptors[0])
    assert display.recv(4) == b"RFB "
    display.close()
    again = Client(house, gateway=True).connection()
    again.connect()
    again.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    assert b" 404 " in again.sock.recv(65536).split(b"\r\n")[0]


def test_bytes_that_come_too_early_get_no_display(house, connection):
    given = connection()
    client = Client(house, gateway=True).connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode() + b"\x82\x80early")
    data, descriptors, _ = receive_all(client.sock)
    assert not descriptors and b"\r\n\r\n\0" not in data


def test_a_ticket_survives_a_wrong_try(house, connection):
    """Over the local socket, and without an upgrade, the ticket is not used up."""
    given = connection()
    assert house.local.call("GET", "display/" + given["ticket"]).status == 501
    gateway = Client(house, gateway=True)
    assert gateway.call("GET", "display/" + given["ticket"]).status == 426
    client = gateway.connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    data, descriptors, _ = receive_all(client.sock)
    assert b" 101 " in data and len(descriptors) == 1
    socket.socket(fileno=descriptors[0]).close()


def test_a_ticket_of_a_disabled_user_is_worth_nothing(house, connection):
    given = connection()
    house.local.do("PATCH", "users/yoko", {"enabled": False})
    client = Client(house, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    assert client.sock.recv(65536).startswith(b"HTTP/1.1 404 ")
