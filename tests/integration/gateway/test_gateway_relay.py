"""Requests: bytes to orield and back, whose address it sees, and what happens when it is away."""

import os
import socket
import ssl
import time

import pytest
from gateway_fake import PATIENCE, request, tls_context


def test_orield_sees_the_clients_address(gateway, orield):
    browser = gateway.browser(source="127.0.0.9")
    status, body = browser.get("/hello")
    assert status == 200
    assert body == b"\0oriel/127.0.0.9:%d" % browser.name[1]
    assert orield.peers.get(timeout=PATIENCE) == body


def test_orield_sees_an_ipv6_address(gateway, orield):
    browser = gateway.browser(address="::1")
    assert browser.get("/hello")[1] == b"\0oriel/[::1]:%d" % browser.name[1]


def test_one_connection_carries_many_requests(gateway, orield):
    browser = gateway.browser()
    names = {browser.get("/hello")[1] for _ in range(20)}
    assert len(names) == 1
    browser.send(request("/hello") * 3)
    assert [browser.answer()[0] for _ in range(3)] == [200, 200, 200]


def test_a_large_body_comes_back_unchanged(gateway, orield):
    body = os.urandom(5_000_000)
    browser = gateway.browser()
    browser.send(b"POST /echo HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert browser.answer() == (200, body)


def test_orield_away_is_a_sentence_and_not_a_reset(gateway):
    browser = gateway.browser()
    status, body = browser.get("/hello")
    assert status == 503
    assert b"This page tries again by itself" in body
    assert browser.at_end()


def test_orield_may_come_later_and_go_and_come_again(gateway, orield):
    assert gateway.browser().get("/hello")[0] == 200
    orield.stop()
    browser = gateway.browser()
    browser.send(request("/hello"))
    head = browser.head()
    assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: " in head
    orield.start()
    assert gateway.browser().get("/hello")[0] == 200
    gateway.wait_log("orield is back")


def test_orield_that_dies_with_the_request_in_its_hands_is_a_503(gateway, orield):
    browser = gateway.browser()
    assert browser.get("/hang-up")[0] == 503
    assert browser.at_end()


def test_orield_that_dies_after_an_answer_ends_the_connection(gateway, orield):
    browser = gateway.browser()
    assert browser.get("/hello")[0] == 200
    browser.send(request("/hang-up"))
    assert browser.at_end()


def test_a_client_that_has_said_all_still_gets_the_answer(gateway, orield):
    browser = gateway.browser()
    browser.send(request("/hello"))
    with socket.socket(fileno=os.dup(browser.socket.fileno())) as same:
        same.shutdown(socket.SHUT_WR)
    assert browser.answer()[0] == 200
    assert browser.at_end()


def test_a_closed_tab_ends_its_event_stream(gateway, orield):
    browser = gateway.browser()
    browser.send(request("/stream"))
    browser.head()
    assert browser.take(9) == b"data: 1\n\n"
    browser.close()
    assert orield.bodies.get(timeout=PATIENCE) == b""


def test_plain_http_on_the_port_gets_a_sentence(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as plain:
        plain.sendall(request("/"))
        text = b""
        while got := plain.recv(4096):
            text += got
    assert text.startswith(b"HTTP/1.1 400 ") and b"https://" in text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(gateway):
    old = tls_context(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gateway.browser(context=old)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions_ciphers_and_protocol(gateway, orield, version):
    browser = gateway.browser(context=tls_context(maximum_version=version, minimum_version=version))
    assert browser.socket.selected_alpn_protocol() == "http/1.1"
    assert "GCM" in browser.socket.cipher()[0] or "CHACHA20" in browser.socket.cipher()[0]
    assert browser.get("/hello")[0] == 200


def test_weak_ciphers_are_refused(gateway):
    for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"):
        context = tls_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(weak)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            gateway.browser(context=context)


def test_http2_alone_is_refused(gateway):
    context = tls_context()
    context.set_alpn_protocols(["h2"])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gateway.browser(context=context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_by_ticket(gateway, orield, version):
    context = tls_context(maximum_version=version)
    first = gateway.browser(context=context)
    first.get("/hello")
    session = first.socket.session
    raw = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
    again = context.wrap_socket(raw, session=session)
    again.sendall(request("/hello"))
    assert again.recv(100).startswith(b"HTTP/1.1 200 ")
    assert again.session_reused


def test_rubbish_instead_of_tls_harms_nobody(gateway, orield):
    standing = gateway.browser()
    for rubbish in (b"\0" * 5000, b"\x16\x03\x01\xff\xff" + os.urandom(9000), os.urandom(40000), b"\x80\x2e\x01\x03\x01"):
        with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as plain:
            try:
                plain.sendall(rubbish)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert standing.get("/hello")[0] == 200


def test_a_damaged_record_ends_only_its_connection(gateway, orield):
    standing = gateway.browser()
    broken = gateway.browser()
    broken.get("/hello")
    os.write(broken.socket.fileno(), b"\x17\x03\x03\x00\x20" + os.urandom(32))
    assert broken.at_end()
    assert standing.get("/hello")[0] == 200


def test_nothing_is_left_of_closed_connections(gateway, orield):
    gateway.browser().get("/hello")
    standing = gateway.browser()
    standing.get("/hello")
    before = gateway.descriptors()
    for _ in range(50):
        browser = gateway.browser()
        browser.get("/hello")
        browser.close()
    for _ in range(100):
        if gateway.descriptors() <= before:
            break
        standing.get("/hello")  # each round trip gives the gateway a turn
        time.sleep(0.1)
    assert gateway.descriptors() <= before
