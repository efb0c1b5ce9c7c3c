"""Requests that are too large, too slow, too many, or nonsense: each has a bound and a clear answer."""

import json
import socket
import time

import pytest

from stack import Client, UnixConnection, wait_until

MIB = 1024 * 1024


def raw_socket(house):
    connection = UnixConnection(house.runtime / "orield.sock", timeout=60)
    connection.connect()
    return connection.sock


def read_all(sock):
    data = b""
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def test_unknown_addresses(house):
    for method, path in (("GET", "nothing"), ("POST", "pools/x/nothing"), ("GET", "pools/x/y/z")):
        assert house.local.refused(method, path) == (404, "not-found")


def test_wrong_method_names_the_right_ones(house):
    answer = house.local.call("DELETE", "pools")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, POST"
    assert house.local.raw("POST", "/index.html").status == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"name":"a","name":"b"}', b"\xff\xfe", b"{}x",
                                  b'{"name":"a"}\n{"name":"b"}', b"[" * 100000], ids=range(10))
def test_bodies_that_are_no_json_object(house, body):
    answer = house.local.raw("POST", "/api/v1/groups", body, {"Content-Type": "application/json"})
    assert answer.status == 422 and answer.json["type"].endswith("/invalid")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json"])
def test_bodies_of_another_type(house, kind):
    answer = house.local.raw("POST", "/api/v1/groups", b'{"name":"typed"}', {"Content-Type": kind} if kind else {})
    assert answer.status == 415
    assert house.local.refused("GET", "groups/typed") == (404, "not-found")


def test_a_body_that_is_too_large(house):
    sock = raw_socket(house)
    sock.sendall(b"POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n" % (MIB + 1))
    answer = sock.recv(65536)
    assert b" 413 " in answer.split(b"\r\n")[0] and b"problems/too-large" in answer


def test_a_chunked_body_that_is_too_large(house):
    sock = raw_socket(house)
    sock.sendall(b"POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(17):
        sock.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    sock.sendall(b"0\r\n\r\n")
    assert b" 413 " in sock.recv(65536).split(b"\r\n")[0]


def beginning(client, path, length, credentials=""):
    """A POST whose body is still to come."""
    connection = client.connection(timeout=60)
    connection.connect()
    connection.sock.sendall(f"POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{credentials}"
                            f"{length}\r\n\r\n".encode())
    return connection.sock


KNOWN = "Authorization: Bearer nobody\r\n"


@pytest.mark.parametrize("path, credentials", [("groups", ""), ("groups", "Cookie: other=1\r\n"), ("login", KNOWN),
                                               ("setup", ""), ("nothing", KNOWN), ("logout", KNOWN)])
def test_a_body_is_small_where_nobody_is_known_or_little_needed(house, path, credentials):
    stranger = Client(house, gateway=True, address="192.0.2.90")
    sock = beginning(stranger, path, "Content-Length: 16385", credentials)
    answer = sock.recv(65536)
    assert b" 413 " in answer.split(b"\r\n")[0] and b"16 KiB" in answer
    sock = beginning(stranger, path, "Transfer-Encoding: chunked", credentials)
    sock.sendall(b"4001\r\n" + b"x" * 0x4001 + b"\r\n0\r\n\r\n")
    assert b" 413 " in sock.recv(65536).split(b"\r\n")[0]


def test_a_small_body_of_a_stranger_is_read(house):
    sock = beginning(Client(house, gateway=True, address="192.0.2.90"), "login", "Content-Length: 16384")
    sock.sendall(b" " * 16384)
    assert b" 422 " in sock.recv(65536).split(b"\r\n")[0]


def large(house, whole=False):
    """The answer to a body of 1 MiB, which lacks its last byte unless whole; and its connection."""
    sock = beginning(Client(house, gateway=True, address="192.0.2.91"), "groups", f"Content-Length: {MIB}", KNOWN)
    try:
        sock.sendall(b" " * (MIB - 1))
        if whole:
            sock.sendall(b" ")
        sock.settimeout(60 if whole else 0.01)
        return sock.recv(65536), sock
    except (BrokenPipeError, ConnectionResetError):
        return sock.recv(65536), sock
    except socket.timeout:
        return None, sock


def test_large_bodies_share_their_room(house):
    held = []
    try:
        for _ in range(100):
            answer, sock = large(house)
            held.append(sock)
            if answer:
                break
        assert answer and b" 503 " in answer.split(b"\r\n")[0] and b"Retry-After: " in answer, "100 MiB were taken"
        assert len(held) > 60
        sock = beginning(Client(house, gateway=True, address="192.0.2.91"), "groups", "Transfer-Encoding: chunked", KNOWN)
        sock.sendall((b"10000\r\n" + b" " * 65536 + b"\r\n") * 15 + b"0\r\n\r\n")
        assert b" 503 " in sock.recv(65536).split(b"\r\n")[0]
        held.append(sock)
        house.login("admin1").do("POST", "groups", {"name": "amid", "display_name": "x" * 100})
        test_the_largest_body_is_taken(house, "of-the-local-administrator")
    finally:
        for sock in held:
            sock.close()

    def room():
        answer, sock = large(house, whole=True)
        sock.close()
        return b" 401 " in answer.split(b"\r\n")[0]
    wait_until(room, 20, "room for a large body")


def test_the_largest_body_is_taken(house, name="large"):
    body = json.dumps({"name": name, "display_name": "x"}).encode()
    body += b" " * (MIB - len(body))
    answer = house.local.raw("POST", "/api/v1/groups", body, {"Content-Type": "application/json"})
    assert answer.status == 201


@pytest.mark.parametrize("size", [17000, 100000])
def test_headers_that_are_too_large(house, size):
    sock = raw_socket(house)
    sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Large: ")
    try:
        sock.sendall(b"x" * size + b"\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert read_answer_status(sock) in (400, 413, 414, 431)


def read_answer_status(sock):
    return int(sock.recv(65536).split(b" ")[1])


@pytest.mark.parametrize("line", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 50,
                                  b"GET / HTTP/9.9\r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n", b"\x00\r\n" * 300],
                         ids=["tls", "short", "empty", "version", "spaces", "zeros"])
def test_bytes_that_are_no_http(house, line):
    sock = raw_socket(house)
    sock.sendall(line)
    sock.shutdown(socket.SHUT_WR)
    read_all(sock)
    assert house.local.call("GET", "health").status == 200


@pytest.mark.parametrize("target", ["/../etc/passwd", "/%2e%2e/etc/passwd", "/api/v1/../v1/users", "/a%00b", "/%ff",
                                    "/api/v1/users/%00"])
def test_targets_that_are_no_plain_path(house, target):
    assert house.local.raw("GET", target).status == 400


@pytest.mark.parametrize("lengths", [b"Content-Length: 2\r\nContent-Length: 30\r\n",
                                     b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"], ids=["two", "both"])
def test_a_body_of_two_lengths(house, lengths):
    """RFC 9112, 6.3: a proxy may have believed the other one, so nothing after it is trusted."""
    sock = raw_socket(house)
    sock.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + lengths + b"\r\n")
    assert read_all(sock).startswith(b"HTTP/1.1 400 ")


def test_many_requests_on_one_connection(house):
    connection = house.local.connection()
    for _ in range(50):
        connection.request("GET", "/api/v1/me")
        response = connection.getresponse()
        assert response.status == 200 and response.read()
    connection.close()


def test_requests_sent_ahead_are_answered_in_order(house):
    sock = raw_socket(house)
    sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
                 b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n"
                 b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answers = read_all(sock)
    assert answers.count(b"HTTP/1.1 ") == 3
    assert answers.index(b'"status":"ok"') < answers.index(b'"csrf"') < answers.index(b"not-found")


@pytest.mark.parametrize("addresses, other", [(["192.0.2.99", "::ffff:192.0.2.99"], "192.0.2.98"),
                                              ([f"2001:db8:0:1::{n:x}" for n in range(1, 65)], "2001:db8:0:2::1")],
                         ids=["four", "six"])
def test_one_client_cannot_take_all_connections(house, addresses, other):
    held = []
    try:
        for number in range(256):
            connection = Client(house, gateway=True, address=addresses[number % len(addresses)]).connection()
            connection.connect()
            held.append(connection)
        one_more = Client(house, gateway=True, address=addresses[0]).raw("GET", "/api/v1/health")
        assert one_more.status == 503 and one_more.json["type"].endswith("/too-many")
        assert Client(house, gateway=True, address=other).raw("GET", "/api/v1/health").status == 200
        assert house.local.raw("GET", "/api/v1/health").status == 200
    finally:
        for connection in held:
            connection.close()


def test_slow_senders_are_cut_off(house):
    """LIMIT_REQUEST_SECONDS is 30: a byte now and then keeps nobody in for ever. They are told why, through the gateway's socket as well."""
    beginnings = [b"", b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
                  b"POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"]
    left = []
    for beginning in beginnings:
        sock = raw_socket(house)
        sock.settimeout(0.3)
        sock.sendall(beginning)
        left.append((sock, b"x" if beginning else b""))
    connection = Client(house, gateway=True, address="192.0.2.77").connection(timeout=60)
    connection.connect()
    connection.sock.settimeout(0.3)
    connection.sock.sendall(beginnings[1])
    left.append((connection.sock, b"x"))
    idle = raw_socket(house)  # nothing is asked there any more
    idle.settimeout(0.3)
    idle.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    left.append((idle, b""))
    said = {sock: b"" for sock, _ in left}
    begun = time.monotonic()
    while left:
        assert time.monotonic() - begun < 120, "a connection is still open"
        for sock, drop in list(left):
            try:
                sock.sendall(drop)
                part = sock.recv(1000)
                said[sock] += part
                ended = part == b""
            except socket.timeout:
                ended = False
            except (BrokenPipeError, ConnectionResetError):
                said[sock] += read_all(sock)
                ended = True
            if ended:
                left.remove((sock, drop))
    statuses = [int(answer.split()[1]) for answer in said.values()]
    assert statuses == [408] * 4 + [200] and b"problems/timeout" in said[connection.sock]
    assert said[idle].count(b"HTTP/1.1") == 1


def test_head(house):
    answer = house.local.raw("HEAD", "/api/v1/me")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["Content-Length"]) > 0


def test_security_headers_are_on_everything(house):
    for method, target in (("GET", "/"), ("GET", "/api/v1/me"), ("GET", "/nothing"), ("DELETE", "/api/v1/pools")):
        headers = house.local.raw(method, target).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in headers
