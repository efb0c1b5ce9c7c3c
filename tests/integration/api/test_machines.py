"""Manual pools: machines that were there before, seen through a real VNC server on loopback."""

import array
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

from stack import Client, free_port, wait_until
from test_display import UPGRADE, receive_all

MAC = "52:54:00:12:34:56"
needs_vnc = pytest.mark.skipif(not shutil.which("Xtigervnc"), reason="needs tigervnc-standalone-server")


class Vnc:
    """Xtigervnc with a password."""

    def __init__(self, folder, number):
        self.port, self.number, self.process = free_port(), number, None
        self.password = pathlib.Path(folder) / "passwd"
        self.password.write_bytes(subprocess.run(["tigervncpasswd", "-f"], input=b"geheim!1\n", capture_output=True, check=True).stdout)

    def start(self):
        self.process = subprocess.Popen(
            ["Xtigervnc", f":{self.number}", "-rfbport", str(self.port), "-localhost", "-SecurityTypes", "VncAuth",
             "-PasswordFile", str(self.password), "-geometry", "320x200", "-nolisten", "unix", "-ac"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.listens, 60, "a VNC server")
        return self

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None


@pytest.fixture
def vnc(tmp_path):
    one = Vnc(tmp_path, 900 + free_port() % 5000)
    yield one
    one.stop()


@pytest.fixture
def pool(house):
    house.local.do("POST", "pools", {"name": "rooms", "type": "manual"})
    house.local.do("PUT", "pools/rooms/entitlements/groups/everyone", status=204)
    yield "rooms"
    house.local.do("DELETE", "pools/rooms", query={"force": "true"}, status=204)
    wait_until(lambda: house.local.call("GET", "pools/rooms").status == 404, 30, "gone")


def add(house, name, port, **fields):
    return house.local.do("POST", "desktops", {"pool": "rooms", "name": name, "address": "127.0.0.1", "port": port, **fields}, status=201)


def state(house, name):
    return house.local.get(f"desktops/{name}")["state"]


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def owner(house, name, machine):
    """A new person who has this machine."""
    client = person(house, name)
    house.local.do("POST", f"desktops/{machine}/assign", {"user": name})
    return client


def open_display(house, connection):
    client = Client(house, gateway=True, address="192.0.2.80").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=connection["path"]).encode())
    data, descriptors, _ = receive_all(client.sock)
    return (socket.socket(fileno=descriptors[0]) if descriptors else None), data


def take(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        assert part, data
        data += part
    return data


def size_seen(display):
    """As a viewer without any password: width and height of the machine's screen."""
    assert take(display, 12) == b"RFB 003.008\n"
    display.sendall(b"RFB 003.008\n")
    assert take(display, 2) == b"\1\1"
    display.sendall(b"\1")
    assert take(display, 4) == bytes(4)
    display.sendall(b"\1")
    return tuple(int.from_bytes(take(display, 2), "big") for _ in range(2))


def ended(house, job):
    return wait_until(lambda: (lambda now: now if now["state"] not in ("queued", "running") else None)(
        house.local.get(f"jobs/{job['id']}")), 60, "the job's end")


@needs_vnc
def test_a_person_sees_their_machine(house, pool, vnc):
    vnc.start()
    made = add(house, "pc-1", vnc.port, password="geheim!1", mac=MAC.upper())
    assert made["image"] is None and made["machine"] == {
        "protocol": "vnc", "address": "127.0.0.1", "port": vnc.port, "mac": MAC, "password_set": True}
    wait_until(lambda: state(house, "pc-1") == "reachable", 40, "reachable")
    rita = person(house, "rita")
    assert rita.refused("POST", "pools/rooms/connect") == (503, "full")  # assigned by hand alone
    house.local.do("POST", "desktops/pc-1/assign", {"user": "rita"})
    connection = rita.do("POST", "pools/rooms/connect")
    display, _ = open_display(house, connection)
    assert size_seen(display) == (320, 200)
    session = f"sessions/{connection['session']['id']}"
    wait_until(lambda: rita.get(session)["state"] == "connected", 30, "connected")
    assert rita.refused("GET", f"{session}/files") == (501, "unsupported")
    assert rita.get(session)["display"]["files"] == {"to_desktop": False, "from_desktop": False}
    display.close()
    wait_until(lambda: rita.get(session)["state"] == "disconnected", 30, "disconnected")
    again, _ = open_display(house, rita.do("POST", "pools/rooms/connect"))
    assert size_seen(again) == (320, 200)
    rita.do("POST", f"{session}/log-off")
    assert again.recv(1 << 20) is not None
    wait_until(lambda: not again.recv(1 << 16), 30, "put out")
    assert rita.get(session)["state"] == "ended"
    assert house.local.get("desktops/pc-1")["user"]["name"] == "rita"  # stays theirs, untouched


@needs_vnc
def test_another_password(house, pool, vnc):
    vnc.start()
    add(house, "pc-2", vnc.port, password="falsch")
    wait_until(lambda: state(house, "pc-2") == "unreachable", 40, "refused")
    assert "does not accept the VNC password" in house.local.get("desktops/pc-2")["error"]
    job = ended(house, owner(house, "olaf", "pc-2").do("POST", "pools/rooms/connect", status=202)["job"])
    assert job["state"] == "failed" and "does not accept the VNC password" in job["error"]


@needs_vnc
def test_it_is_waited_for(house, pool, vnc):
    """Silent, it is sent the packet that wakes it; it comes up while the person waits."""
    add(house, "pc-3", vnc.port, password="geheim!1", mac=MAC)
    wait_until(lambda: state(house, "pc-3") == "unreachable", 40, "seen silent")
    wanda = owner(house, "wanda", "pc-3")
    job = wanda.do("POST", "pools/rooms/connect", status=202)["job"]
    wait_until(lambda: house.local.get(f"jobs/{job['id']}")["step"] == "waking", 30, "waking")
    vnc.start()
    assert ended(house, job)["state"] == "done"
    assert state(house, "pc-3") == "reachable"
    display, _ = open_display(house, wanda.do("POST", "pools/rooms/connect"))
    assert size_seen(display) == (320, 200)


def test_one_that_never_answers(house, pool):
    add(house, "pc-4", free_port())
    wait_until(lambda: state(house, "pc-4") == "unreachable", 40, "seen silent")
    job = ended(house, owner(house, "nils", "pc-4").do("POST", "pools/rooms/connect", status=202)["job"])
    assert job["state"] == "failed"
    assert 'machine "pc-4" does not answer' in job["error"] and "switched on" in job["error"]


def test_a_packet_that_wakes(house, pool):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind(("127.0.0.1", 9))
    except OSError:
        pytest.skip("needs UDP port 9 for itself")
    add(house, "pc-5", free_port(), mac=MAC)
    heard = []
    hearer = threading.Thread(target=lambda: heard.append(listener.recv(2048)))
    hearer.start()
    house.local.do("POST", "desktops/pc-5/start")
    hearer.join(60)
    assert heard == [b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16]
    for job in house.local.do("GET", "jobs")["items"]:
        if job["kind"] == "desktop.wake" and job["state"] in ("queued", "running"):
            house.local.do("POST", f"jobs/{job['id']}/cancel")
            assert ended(house, job)["state"] == "cancelled"


def test_what_is_not_done_to_it(house, pool):
    add(house, "pc-6", free_port())
    for verb in ("stop", "reset", "refresh"):
        assert house.local.refused("POST", f"desktops/pc-6/{verb}") == (501, "unsupported")
    owner(house, "rolf", "pc-6")
    assert house.local.do("POST", "desktops/pc-6/release")["user"] is None
    assert house.local.get("desktops/pc-6")["generation"] == 1
    assert house.people["operator"].refused("POST", "desktops", {"pool": "rooms", "name": "x", "address": "h"}) == (403, "forbidden")


@pytest.mark.parametrize("fields", [
    {"address": ""}, {"address": "a b"}, {"address": "-x"}, {"port": 0}, {"port": 65536}, {"mac": "52:54"},
    {"mac": "01:00:5e:00:00:01"}, {"protocol": "spice"}, {"password": ""}, {"name": "PC 7"}, {"colour": "red"},
])
def test_what_a_machine_cannot_be(house, pool, fields):
    body = {"pool": "rooms", "name": "odd", "address": "127.0.0.1", **fields}
    assert house.local.call("POST", "desktops", body).status == 422


def test_pools_of_the_other_kind(house, pool):
    assert house.local.refused("POST", "pools", {"name": "bad", "type": "manual", "image": "mini"}) == (422, "invalid")
    assert house.local.refused("PATCH", "pools/rooms", {"spares": 1}) == (422, "invalid")
    house.local.do("POST", "pools", {"name": "made", "image": "mini", "spares": 0})
    assert house.local.refused("POST", "desktops", {"pool": "made", "name": "m", "address": "h"}) == (409, "conflict")
    listed = house.local.get("pools/rooms")
    assert (listed["image"], listed["template"]["state"], listed["size"]) == (None, "none", 2000)
