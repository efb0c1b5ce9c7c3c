"""Events on their way out, to real receivers: syslog over unix, UDP and TCP sockets, and a webhook that fails at first."""

import hashlib
import hmac
import http.server
import json
import re
import socket
import threading

import pytest

from stack import wait_until

LINE = re.compile(r'^<(\d+)>1 (\S+) (\S+) oriel (\d+) (\S+) \[oriel@32473((?: \w+="(?:[^"\\\]]|\\["\\\]])*")*)\] \ufeff(.*)$', re.S)
FIELD = re.compile(r'(\w+)="((?:[^"\\\]]|\\["\\\]])*)"')


def parse(line):
    """RFC 5424, strictly; returns the structured data."""
    match = LINE.match(line.decode())
    assert match, line
    priority, when, _, _, action, data, _ = match.groups()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", when)
    fields = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in FIELD.findall(data)}
    assert action == fields["action"][:32]
    assert int(priority) == 13 * 8 + (6 if fields["result"] == "ok" else 4)
    fields["sequence"] = int(fields["sequence"])
    return fields


def start(house, **settings):
    house.environment.update({f"ORIEL_{key.upper()}": str(value) for key, value in settings.items()})
    return house.start()


def everything(house):
    """What the store has, oldest first."""
    return list(reversed(house.local.get("events?limit=500")["items"]))


class Datagrams:
    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(30)

    def take(self, count):
        return [parse(self.socket.recv(65536)) for _ in range(count)]


@pytest.mark.parametrize("kind", ["unix", "udp"])
def test_datagrams(stopped_house, kind, tmp_path):
    if kind == "unix":
        receiver = Datagrams(socket.AF_UNIX, str(tmp_path / "log"))
        where = f"unix:{tmp_path / 'log'}"
    else:
        receiver = Datagrams(socket.AF_INET, ("127.0.0.1", 0))
        where = "udp:127.0.0.1:%d" % receiver.socket.getsockname()[1]
    house = start(stopped_house, event_syslog=where)
    house.local.do("POST", "groups", {"name": "team", "display_name": 'The "A\\B]" team'})
    house.local.do("PATCH", "groups/team", {"display_name": "Équipe"}, status=200)
    events = everything(house)
    got = receiver.take(len(events))
    assert [one["sequence"] for one in got] == [event["sequence"] for event in events]
    assert [one["hash"] for one in got] == [event["hash"] for event in events]
    assert got[-2]["action"] == "group.create" and got[-2]["objectName"] == "team"


class Stream:
    """Octet-counted lines (RFC 6587 3.4.1), from any number of connections one after the other."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self.listener.getsockname()[1]
        self.got, self.connections = [], []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        with connection, connection.makefile("rb") as stream:
            while True:
                count = b""
                while (byte := stream.read(1)) not in (b" ", b""):
                    count += byte
                if not byte:
                    return
                self.got.append(parse(stream.read(int(count))))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other end was first

    def sequences(self):
        return [one["sequence"] for one in self.got]


def test_tcp_that_goes_away(stopped_house):
    """Down, up, orield restarted meanwhile: everything comes, in order, repeats aside."""
    first = Stream()
    house = start(stopped_house, event_syslog=f"tcp:127.0.0.1:{first.port}")
    house.local.do("POST", "groups", {"name": "one"})
    last = everything(house)[-1]["sequence"]
    wait_until(lambda: last in first.sequences(), 30, "the first events")
    assert first.sequences() == list(range(1, last + 1))
    first.close()
    house.local.do("POST", "groups", {"name": "two"})
    house.stop()
    house.start()
    house.local.do("POST", "groups", {"name": "three"})
    newest = everything(house)[-1]["sequence"]
    second = Stream(first.port)
    wait_until(lambda: newest in second.sequences(), 60, "what happened meanwhile")
    missing = set(range(1, newest + 1)) - set(first.sequences()) - set(second.sequences())
    assert not missing
    assert second.sequences() == sorted(second.sequences())
    second.close()


class Webhook(http.server.ThreadingHTTPServer):
    def __init__(self, failures):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures, self.taken, self.refused = failures, [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        bad = self.server.failures > 0
        if bad:
            self.server.failures -= 1
            self.server.refused += 1
        else:
            self.server.taken.append((dict(self.headers), body))
        self.send_response(503 if bad else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_webhook_that_fails_at_first(stopped_house, tmp_path):
    server = Webhook(failures=2)
    (tmp_path / "secret").write_text("a shared secret\n")
    house = start(stopped_house, event_webhook=f"http://127.0.0.1:{server.server_port}/hook",
                  event_webhook_secret_file=tmp_path / "secret")
    house.local.do("POST", "groups", {"name": "team"})
    events = everything(house)
    wait_until(lambda: sum(len(json.loads(body)["events"]) for _, body in server.taken) >= len(events), 60, "the events")
    assert server.refused == 2
    got = []
    for headers, body in server.taken:
        signature = hmac.new(b"a shared secret", body, hashlib.sha256).hexdigest()
        assert headers["X-Oriel-Signature"] == f"sha256={signature}"
        assert headers["Content-Type"] == "application/json"
        got += json.loads(body)["events"]
    assert got == events
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("setting, value, reason", [
    ("event_syslog", "514", "must be unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT"),
    ("event_webhook", "http://siem.example/", "must be https://"),
    ("event_webhook", "ftp://127.0.0.1/", "must be https://"),
])
def test_what_cannot_be_is_refused_at_start(stopped_house, setting, value, reason):
    with pytest.raises(AssertionError):
        start(stopped_house, **{setting: value})
    assert reason in (stopped_house.state / "log" / "orield.log").read_text()
