"""Native clients through the gateway's one port: remote-viewer and FreeRDP themselves, under Xvfb, and tickets that open nothing."""

import contextlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading

import pytest

import fake_images
from stack import Client, Orield, free_port, wait_until
from test_machines import person, state

RED = (0xD0, 0x20, 0x60)
NEGOTIATION = bytes([1, 0, 8, 0, 3, 0, 0, 0])
clients = ["Xtigervnc", "Xvfb", "remote-viewer", "xfreerdp", "freerdp-shadow-cli", "xterm", "xdotool", "xwd", "unshare", "openssl"]
missing = [program for program in clients if not shutil.which(program)]
needs_clients = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


class Processes:
    """What a test has started, ended in reverse."""

    def __init__(self, folder):
        self.folder, self.all = folder, []

    def start(self, *argv, display=None, words=None):
        environment = {**os.environ, **({"DISPLAY": display} if display else {}), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        log = open(self.folder / f"{len(self.all)}.log", "wb")
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.all.append(process)
        return process

    def logs(self):
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    def stop(self):
        for process in reversed(self.all):
            process.terminate()
        for process in reversed(self.all):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def processes(tmp_path):
    one = Processes(tmp_path)
    yield one
    one.stop()


def listens(port):
    def there():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    return there


def new_display(processes, *argv):
    """An X server that chooses its number: ":7"."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    log = open(processes.folder / f"x{write}.log", "wb")
    process = subprocess.Popen([*argv, "-displayfd", str(write)], pass_fds=[write], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    processes.all.append(process)
    os.close(write)
    with os.fdopen(read) as pipe:
        return ":" + pipe.readline().strip()


@pytest.fixture
def seat(processes):
    """The person's own screen."""
    return new_display(processes, "Xvfb", "-screen", "0", "1024x768x24+32", "-nolisten", "tcp", "-noreset")


class Machine:
    """A machine that was there before: all red, and it writes down the line that is typed there."""

    def __init__(self, processes):
        self.vnc, self.rdp, self.typed = free_port(), free_port(), processes.folder / "typed"
        self.display = new_display(processes, "Xtigervnc", "-rfbport", str(self.vnc), "-localhost", "-SecurityTypes", "None",
                                   "-geometry", "640x480", "-nolisten", "tcp", "-ac")
        processes.start("xterm", "-bg", "#d02060", "-geometry", "120x50+0+0", "-e", "sh", "-c",
                        f'read line; echo "$line" > {self.typed}', display=self.display)
        self.processes = processes

    def serve_rdp(self):
        self.processes.start("freerdp-shadow-cli", f"/port:{self.rdp}", "/bind-address:127.0.0.1", "-auth", "/sec:tls",
                             display=self.display)
        wait_until(listens(self.rdp), 60, "an RDP server")


@pytest.fixture
def machine(processes):
    return Machine(processes)


def picture(display):
    """(width, height, pixel(x, y)) of an X server's root window: xwd's format 7, 24 or 32 bits a pixel."""
    shot = subprocess.run(["xwd", "-root", "-silent", "-display", display], capture_output=True, check=False)
    if shot.returncode:
        return 0, 0, None  # a window went away meanwhile
    data = shot.stdout
    words = struct.unpack(">25I", data[:100])
    assert words[1] == 7 and words[11] in (24, 32)
    begin, width, height, line, little, step = words[0] + 12 * words[19], words[4], words[5], words[12], words[7] == 0, words[11] // 8

    def pixel(x, y):
        at = begin + y * line + step * x
        value = data[at:at + step]
        return tuple(reversed(value[:3])) if little else tuple(value[-3:])
    return width, height, pixel


def is_red(color):
    return all(abs(a - b) < 12 for a, b in zip(color, RED))  # RDP's picture is compressed with loss


def red_spot(display):
    """Somewhere in the desktop's picture, well away from text; None: it is not shown."""
    width, height, pixel = picture(display)
    spots = [(x, y) for x in range(60, width, 60) for y in range(60, height, 60) if is_red(pixel(x, y))]
    return len(spots) > 20 and spots[len(spots) // 2]


def work(seat, machine, processes):
    """Sees the machine and types a line there."""
    spot = wait_until(lambda: seen_or_said(seat, processes), 120, "the machine's picture")

    def typed():
        subprocess.run(["xdotool", "mousemove", str(spot[0]), str(spot[1]), "click", "1", "type", "abc"],
                       env={**os.environ, "DISPLAY": seat}, check=True)
        subprocess.run(["xdotool", "key", "Return"], env={**os.environ, "DISPLAY": seat}, check=True)
        return machine.typed.exists() and machine.typed.read_text()
    assert "abc" in wait_until(typed, 60, "the typed line")


def seen_or_said(seat, processes):
    spot = red_spot(seat)
    if not spot and processes.all[-1].poll() is not None:
        raise AssertionError(processes.logs())
    return spot


@pytest.fixture(scope="module")
def open_house():
    """An orield with its gateway, whose certificate is for localhost."""
    one = Orield(program="orield-simulated")
    fake_images.make(one.state / "images", "mini", 1)
    fake_images.make(one.state / "images", "mini-rdp", 1, recipe="[image]\ntitle = RDP\nsuite = bookworm\nsize = 1 GiB\nmemory = 256 MiB\nrdp = yes\n")
    one.environment["ORIEL_PUBLIC_URL"] = f"https://localhost:{one.port}"
    try:
        one.start().start_gateway()
        yield one
    finally:
        one.destroy()


@pytest.fixture
def rooms(open_house):
    local = open_house.local
    local.do("POST", "pools", {"name": "rooms", "type": "manual"})
    local.do("PUT", "pools/rooms/entitlements/groups/everyone", status=204)
    yield open_house
    local.do("DELETE", "pools/rooms", query={"force": "true"}, status=204)
    wait_until(lambda: local.call("GET", "pools/rooms").status == 404, 30, "gone")


def own(house, name, machine, port, **fields):
    """A new person who has this machine, reachable; over the gateway's socket, as a browser at localhost."""
    house.local.do("POST", "desktops", {"pool": "rooms", "name": machine, "address": "127.0.0.1", "port": port, **fields}, status=201)
    client = person(house, name)
    house.local.do("POST", f"desktops/{machine}/assign", {"user": name})
    wait_until(lambda: state(house, machine) == "reachable", 60, "reachable")
    return client


def take_file(client, kind, house, folder):
    """The file as written by the CLI or a browser, and its connection."""
    connection = client.do("POST", "pools/rooms/connect", {"client": kind})
    assert "path" not in connection and "url" not in connection
    path = pathlib.Path(folder) / connection["file"]["name"]
    path.write_text(connection["file"]["text"], newline="")
    return path, connection


def viewer_argv(house, path):
    """remote-viewer in a system that trusts the gateway's certificate (GnuTLS reads Debian's list of authorities)."""
    trust = "mount --bind \"$1\" /etc/ssl/certs/ca-certificates.crt && exec remote-viewer --debug \"$2\""
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", trust, "sh", str(house.state / "tls" / "certificate.pem"), str(path)]


@needs_clients
def test_remote_viewer(rooms, machine, processes, seat, tmp_path):
    anna = own(rooms, "anna", "pc-vnc", machine.vnc)
    [tile] = [tile for tile in anna.get("portal")["tiles"] if tile["pool"]["name"] == "rooms"]
    assert tile["clients"] == ["browser", "vv"]
    path, connection = take_file(anna, "vv", rooms, tmp_path)
    assert path.name == "pc-vnc.vv" and f"port={rooms.port}\n" in path.read_text()
    viewer = processes.start(*viewer_argv(rooms, path), display=seat)
    work(seat, machine, processes)
    assert not path.exists()  # used up, and removed by the viewer
    session = f"sessions/{connection['session']['id']}"
    wait_until(lambda: anna.get(session)["state"] == "connected", 30, "connected")
    anna.do("POST", f"{session}/disconnect")
    wait_until(lambda: not red_spot(seat), 60, "no picture any more")
    viewer.terminate()


@needs_clients
def test_rdp_client(rooms, machine, processes, seat, tmp_path):
    machine.serve_rdp()
    rosa = own(rooms, "rosa", "pc-rdp", machine.rdp, protocol="rdp")
    [tile] = [tile for tile in rosa.get("portal")["tiles"] if tile["pool"]["name"] == "rooms"]
    assert tile["clients"] == ["rdp"]
    assert rosa.refused("POST", "pools/rooms/connect") == (501, "unsupported")
    assert rosa.refused("POST", "pools/rooms/connect", {"client": "vv"}) == (501, "unsupported")
    path, connection = take_file(rosa, "rdp", rooms, tmp_path)
    assert path.name == "pc-rdp.rdp" and f"full address:s:localhost:{rooms.port}\r\n".encode() in path.read_bytes()
    client = processes.start("xfreerdp", str(path), "/cert:ignore", "/sec:tls", "/u:rosa", "/p:none", display=seat)
    work(seat, machine, processes)
    session = f"sessions/{connection['session']['id']}"
    wait_until(lambda: rosa.get(session)["state"] == "connected", 30, "connected")
    client.terminate()
    wait_until(lambda: rosa.get(session)["state"] == "disconnected", 60, "disconnected")


# ---- tickets, spoken by hand ----

def knock(house, ticket):
    """What an RDP client gets for this ticket: the first bytes, b"" for a plain end."""
    line = b"oriel-" + ticket.encode() + b"\r\n"
    length = 11 + len(line) + len(NEGOTIATION)
    with socket.create_connection(("127.0.0.1", house.port), 60) as client:
        client.settimeout(60)
        client.sendall(bytes([3, 0, 0, length, length - 5, 0xE0, 0, 0, 0, 0, 0]) + line + NEGOTIATION)
        return client.recv(64)


class Rdp:
    """As much of an RDP server as a look and a knock need: confirms every connection request."""

    CONFIRM = bytes([3, 0, 0, 19, 14, 0xD0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0])

    def __init__(self, answer=CONFIRM):
        self.answer, self.listener = answer, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.recv(512)
                client.sendall(self.answer)
                client.recv(1)


@pytest.fixture
def rdp():
    one = Rdp()
    yield one
    one.listener.close()


def test_a_ticket_works_once_and_for_its_own_kind(rooms, rdp):
    rosa = own(rooms, "rosa2", "pc-1", rdp.port, protocol="rdp")
    ticket = rosa.do("POST", "pools/rooms/connect", {"client": "rdp"})["ticket"]
    outsider = Client(rooms, gateway=True, address="192.0.2.9")
    upgrade = {"Connection": "Upgrade", "Upgrade": "rfb"}
    answers = {outsider.raw("GET", f"/api/v1/native/{ticket}", headers=upgrade).body,
               outsider.raw("GET", "/api/v1/native/never-given", headers=upgrade).body}
    assert len(answers) == 1  # of another kind, or none at all: no difference
    assert knock(rooms, ticket) == Rdp.CONFIRM
    refusals = {knock(rooms, ticket), knock(rooms, "never-given")}
    assert len(refusals) == 1 and refusals != {Rdp.CONFIRM}


def test_an_rdp_file_leaves_out_what_the_plan_does_not_want(rooms, rdp):
    rosa = own(rooms, "rosa4", "pc-4", rdp.port, protocol="rdp")
    plain = rosa.do("POST", "pools/rooms/connect", {"client": "rdp"})["file"]["text"]
    assert not any(word in plain for word in ("audiomode", "drives", "usb", "printers"))
    rooms.local.do("POST", "plans", {"name": "bare", "kind": "display", "settings": {
        "sound": False, "drives": False, "usb": False, "printers": False, "bandwidth_kbit_s": 2000}})
    rooms.local.do("PATCH", "pools/rooms", {"display_plan": "bare"})
    try:
        connection = rosa.do("POST", "pools/rooms/connect", {"client": "rdp"})
        lines = connection["file"]["text"].split("\r\n")
        assert {"audiomode:i:2", "redirectdrives:i:0", "drivestoredirect:s:", "usbdevicestoredirect:s:", "redirectprinters:i:0"} <= set(lines)
        assert knock(rooms, connection["ticket"]) == Rdp.CONFIRM  # it is let in: these are the client's own word
    finally:
        rooms.local.do("PATCH", "pools/rooms", {"display_plan": None})


def test_a_ticket_goes_with_the_log_in_that_got_it(rooms, rdp):
    own(rooms, "rosa3", "pc-2", rdp.port, protocol="rdp")
    browser = rooms.login("rosa3")
    ticket = browser.do("POST", "pools/rooms/connect", {"client": "rdp"})["ticket"]
    browser.do("POST", "logout", status=204)
    assert knock(rooms, ticket) != Rdp.CONFIRM


def test_only_the_gateway_may_bring_a_ticket(rooms):
    assert rooms.local.refused("GET", "native/anything") == (501, "unsupported")


@pytest.mark.parametrize("named, line", [
    ("desk.example", "host=desk.example\nport=443\n"), ("desk.example:8443", "host=desk.example\nport=8443\n"),
    ("[2001:db8::1]:8443", "host=2001:db8::1\nport=8443\n")])
def test_the_file_leads_where_its_person_came_by(fresh_house, named, line):
    fresh_house.local.do("POST", "pools", {"name": "forks", "image": "mini", "size": 1, "spares": 1})
    fresh_house.make_user("rosa")
    fresh_house.local.do("PUT", "pools/forks/entitlements/users/rosa", status=204)
    rosa = fresh_house.login("rosa")

    def connected():
        answer = rosa.call("POST", "pools/forks/connect", {"client": "vv"}, headers={"Host": named})
        return answer.status == 200 and answer.json["file"]["text"]
    assert line in wait_until(connected, 60, "a file")


def test_words_that_are_none(rooms):
    assert person(rooms, "wordy").refused("POST", "pools/rooms/connect", {"client": "spice"}) == (422, "invalid")
    asked = {"pool": "rooms", "name": "pc-3", "address": "127.0.0.1"}
    assert rooms.local.refused("POST", "desktops", {**asked, "protocol": "rdp", "password": "geheim"}) == (422, "invalid")
    assert rooms.local.refused("POST", "desktops", {**asked, "protocol": "spice"}) == (422, "invalid")


def test_a_machine_that_speaks_something_else(rooms):
    other = Rdp(answer=b"SSH-2.0-OpenSSH_9.2\r\n")
    rooms.local.do("POST", "desktops", {"pool": "rooms", "name": "pc-4", "address": "127.0.0.1", "port": other.port,
                                        "protocol": "rdp"}, status=201)
    wait_until(lambda: state(rooms, "pc-4") == "unreachable", 40, "looked at")
    assert "something else than RDP" in rooms.local.get("desktops/pc-4")["error"]
    other.listener.close()


class Knocker:
    """An RDP client of an own desktop, as far as its connection request; simulated guests say back what they hear."""

    REQUEST = bytes([3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0]) + NEGOTIATION

    def __init__(self, house, ticket, address="127.0.0.1"):
        line = b"oriel-" + ticket.encode() + b"\r\n"
        length = len(self.REQUEST) + len(line)
        self.socket = socket.create_connection(("127.0.0.1", house.port), 60, source_address=(address, 0))
        self.socket.sendall(bytes([3, 0, 0, length, length - 5]) + self.REQUEST[5:11] + line + NEGOTIATION)

    def take(self, count):
        got = b""
        while len(got) < count and (part := self.socket.recv(count - len(got))):
            got += part
        return got


def test_our_own_machines_whose_image_serves_rdp(rooms):
    rooms.local.do("POST", "pools", {"name": "rdp", "image": "mini-rdp", "size": 1, "spares": 1})
    rosa = person(rooms, "rosa6")
    rooms.local.do("PUT", "pools/rdp/entitlements/users/rosa6", status=204)
    assert [tile["clients"] for tile in rosa.get("portal")["tiles"] if tile["pool"]["name"] == "rdp"] == [["browser", "vv", "rdp"]]

    def connection():
        answer = rosa.call("POST", "pools/rdp/connect", {"client": "rdp"})
        return answer.status == 200 and answer.json
    got = wait_until(connection, 60, "a file")
    assert "username:s:oriel\x1f" in got["file"]["text"] and "enablecredsspsupport:i:0\r\n" in got["file"]["text"]
    session = f"sessions/{got['session']['id']}"
    one = Knocker(rooms, got["ticket"])
    assert one.take(19) == Knocker.REQUEST  # the ticket stays here
    one.socket.sendall(b"anything")
    assert one.take(8) == b"anything"
    wait_until(lambda: rosa.get(session)["state"] == "connected", 60, "connected")
    # from where a policy's plan forbids what RDP cannot hold, or a policy refuses, nobody gets in, and the earlier one stays
    rooms.local.do("POST", "plans", {"name": "no-copy", "kind": "display", "settings": {"clipboard": "none"}})
    for name, then in (("careful", {"display_plan": "no-copy"}), ("closed", {"deny": "Not from there."})):
        rooms.local.do("POST", "policies", {"name": name, "when": {"addresses": ["127.0.0.2"]}, "then": then})
        assert Knocker(rooms, connection()["ticket"], "127.0.0.2").take(19) != Knocker.REQUEST
        one.socket.sendall(b"still")
        assert one.take(5) == b"still"
        rooms.local.do("DELETE", f"policies/{name}", status=204)
    rooms.local.do("DELETE", "plans/no-copy", status=204)
    other = Knocker(rooms, connection()["ticket"])
    assert other.take(19) == Knocker.REQUEST and one.take(1) == b""  # the later one takes over
    rosa.do("POST", f"{session}/disconnect")
    assert other.take(1) == b""
    wait_until(lambda: rosa.get(session)["state"] == "disconnected", 60, "disconnected")
    last = Knocker(rooms, connection()["ticket"])
    assert last.take(19) == Knocker.REQUEST
    wait_until(lambda: rosa.get(session)["state"] == "connected", 60, "connected")
    last.socket.close()
    wait_until(lambda: rosa.get(session)["state"] == "disconnected", 60, "nobody looks")
    rooms.local.do("DELETE", "pools/rdp", query={"force": "true"}, status=204)


def test_our_own_machines_without_rdp(rooms):
    rooms.local.do("POST", "pools", {"name": "forks", "image": "mini", "size": 1, "spares": 1})
    rosa = person(rooms, "rosa5")
    rooms.local.do("PUT", "pools/forks/entitlements/users/rosa5", status=204)

    def refusal():
        answer = rosa.call("POST", "pools/forks/connect", {"client": "rdp"})
        return answer.status not in (202, 503) and (answer.status, rosa.get("sessions")["items"])
    assert wait_until(refusal, 60, "a spare") == (501, [])  # and nothing was claimed for it
    rooms.local.do("POST", "plans", {"name": "pages", "kind": "display", "settings": {"clients": ["browser"]}}, status=201)
    rooms.local.do("PATCH", "pools/forks", {"display_plan": "pages"})
    assert [tile["clients"] for tile in rosa.get("portal")["tiles"] if tile["pool"]["name"] == "forks"] == [["browser"]]
    assert rosa.refused("POST", "pools/forks/connect", {"client": "vv"}) == (403, "forbidden")
    rooms.local.do("DELETE", "pools/forks", query={"force": "true"}, status=204)
