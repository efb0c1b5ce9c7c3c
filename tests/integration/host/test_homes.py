"""User disks with real machines: what a person saves on one desktop is there on the next, one desktop at a time, and a disk that
cannot be used is said, not waited for."""

import pathlib
import shutil
import struct
import subprocess
import time

import pytest
from stack import wait_until
from test_first_light import BOOT_SECONDS, Display, connected

SHIFT, RETURN = 0xFFE1, 0xFF0D
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
GIB = 1 << 30


class Screen(Display):
    """A display that somebody types on."""

    def key(self, symbol, down):
        self.send(struct.pack(">BBxxI", 4, down, symbol))

    def type(self, text):
        for letter in text:
            shifted = letter in SHIFTED or letter.isupper()
            symbol = RETURN if letter == "\n" else ord(letter)
            for code, down in [(SHIFT, 1)] * shifted + [(symbol, 1), (symbol, 0)] + [(SHIFT, 0)] * shifted:
                self.key(code, down)
            time.sleep(0.02)  # the guest's keyboard controller holds 16 bytes


@pytest.fixture(scope="module")
def homes(images):
    """Two floating pools that share the home "work", and anna."""
    import stack
    one = stack.Orield(images=images)
    try:
        one.start().start_gateway()
        for name in ("north", "south"):
            one.local.do("POST", "pools", {"name": name, "image": "debian-minimal", "size": 2, "spares": 0, "home": "work",
                                           "home_bytes": GIB})
        one.make_user("anna")
        for name in ("north", "south"):
            one.local.do("PUT", f"pools/{name}/entitlements/users/anna", status=204)
            wait_until(lambda name=name: one.local.get(f"pools/{name}")["template"]["state"] == "ready", BOOT_SECONDS,
                       "the template")
        yield one
    finally:
        one.destroy()


@pytest.fixture
def anna(homes):
    """Afterwards nobody works anywhere, and the disk is free."""
    client = homes.login("anna")
    yield client
    for session in homes.local.items("sessions"):
        homes.local.do("POST", f"sessions/{session['id']}/log-off")
    wait_free(homes)


def wait_free(orield):
    def free():
        return all(not home["desktop"] for home in orield.local.items("homes"))
    wait_until(free, BOOT_SECONDS, "the disk that is free")


def file_of(orield):
    found = list((pathlib.Path(orield.state) / "users").glob("*/work.qcow2"))
    assert len(found) == 1
    return found[0]


def log_on(orield, given):
    """Looks at the desktop (else the session would not last) until its guest knows who it is for."""
    given["screen"] = Screen(orield, given["path"])
    given["screen"].handshake()
    session = given["session"]["id"]
    return wait_until(lambda: orield.local.get(f"sessions/{session}")["log_on"], BOOT_SECONDS, "the log on")


def work(given, command):
    """Types it into the console until it is done: the screen is red then."""
    def done():  # a shell that is starting may lose what is typed
        given["screen"].type(f"\n{command} && printf '\\033[41m\\033[2J'\n")
        time.sleep(3)
        return given["screen"].colour(0.9) == (0xAA, 0, 0)
    wait_until(done, BOOT_SECONDS, "what was typed")


def log_off(orield, given):
    given["screen"].close()
    orield.local.do("POST", f"sessions/{given['session']['id']}/log-off")
    wait_free(orield)


def saved(orield, name, tmp_path):
    """What the person's file holds, read from the disk while nobody has it."""
    raw = tmp_path / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(file_of(orield)), str(raw)], check=True)
    done = subprocess.run(["/sbin/debugfs", "-R", f"cat {name}", str(raw)], capture_output=True, text=True, check=True)
    return done.stdout


def test_follows(homes, anna, tmp_path):
    place = {"language": "de-AT,de", "keyboard": "de", "time_zone": "Europe/Vienna"}
    given = wait_until(lambda: (answer := anna.call("POST", "pools/north/connect", place)).status == 200 and answer.json,
                       BOOT_SECONDS, "a connection")
    done = log_on(homes, given)
    assert (done["account"], done["home"], done["warnings"]) == ("anna", True, [])
    assert (done["locale"], done["keyboard"], done["time_zone"]) == ("de_AT.UTF-8", "de", "Europe/Vienna")
    row = homes.local.get("homes/anna/work")
    assert row["state"] == "kept" and row["desktop"]["id"] == given["desktop"]["id"] and row["size_bytes"] == GIB
    assert file_of(homes).stat().st_mode & 0o777 == 0o600
    refused = homes.local.call("DELETE", "homes/anna/work")
    assert refused.status == 409 and refused.json["detail"].startswith('home "work" of "anna" is in use on desktop "north-')
    homes.local.do("PATCH", "homes/anna/work", {"size_bytes": 2 * GIB})
    work(given, "id -un >who; id -u >>who; date +%Z >>who; df --output=size . | tail -1 >>who; sync")
    log_off(homes, given)
    name, uid, zone, blocks = saved(homes, "who", tmp_path).split()
    assert (name, uid, zone) == ("anna", "20000", "CET") and int(blocks) > GIB // 1024 * 1.8

    given = connected(anna, "south")  # another pool, another machine
    done = log_on(homes, given)
    assert (done["account"], done["home"], done["warnings"]) == ("anna", True, [])
    work(given, "cp who again")
    log_off(homes, given)
    assert saved(homes, "again", tmp_path).split()[:2] == ["anna", "20000"]


def test_one_at_a_time(homes, anna):
    first = connected(anna, "north")
    assert log_on(homes, first)["home"]
    second = connected(anna, "south")
    done = log_on(homes, second)
    assert done["account"] == "anna" and not done["home"]
    assert done["warnings"] == ['Your own files are not here, and what you save now will be lost: home "work" of "anna" is in '
                                f'use on desktop "{first["desktop"]["name"]}"; log off there first']
    assert homes.local.get("homes/anna/work")["desktop"]["id"] == first["desktop"]["id"]


def test_orield_dies(homes, anna, tmp_path):
    """kill -9 on the way from the click to the mounted disk, at several moments."""
    for delay in (0.05, 0.3, 0.7, 1.5):
        given = connected(anna, "north")
        time.sleep(delay)
        homes.kill()
        homes.start()
        again = connected(anna, "north")
        assert again["desktop"]["id"] == given["desktop"]["id"]
        done = log_on(homes, again)
        assert (done["account"], done["home"], done["warnings"]) == ("anna", True, [])
        log_off(homes, again)


def test_sleeps(homes, anna, tmp_path):
    """A desktop that is suspended keeps its person's disk, locked and as it was."""
    local = homes.local
    if not [plan for plan in local.items("plans") if plan["name"] == "thrifty"]:
        local.do("POST", "plans", {"name": "thrifty", "kind": "power",
                                   "settings": {"on_disconnect": {"action": "suspend", "after_minutes": 0}}})
    local.do("PATCH", "pools/north", {"power_plan": "thrifty"})
    try:
        given = connected(anna, "north")
        assert log_on(homes, given)["home"]
        given["screen"].close()
        desktop = f"desktops/{given['desktop']['id']}"
        wait_until(lambda: local.get(desktop)["observed"] == "stopped", BOOT_SECONDS, "the desktop that sleeps")
        assert local.get("homes/anna/work")["desktop"]["id"] == given["desktop"]["id"]
        given = connected(anna, "north")
        assert local.get(desktop)["observed"] == "running"
        assert log_on(homes, given)["home"]
        work(given, "echo woken >sleep")
        log_off(homes, given)
        assert saved(homes, "sleep", tmp_path) == "woken\n"
    finally:
        local.do("PATCH", "pools/north", {"power_plan": None})


def test_machine_dies(homes, anna):
    """The lock goes with the machine, not before; the file system repairs itself."""
    given = connected(anna, "north")
    assert log_on(homes, given)["home"]
    pid = [pid for pid in homes.machines() if pathlib.Path(f"/proc/{pid}/cwd").resolve().name == given["desktop"]["id"]]
    assert len(pid) == 1
    subprocess.run(["kill", "-KILL", str(pid[0])], check=True)
    wait_free(homes)
    given = connected(anna, "south")
    assert log_on(homes, given)["home"]


def test_damaged(homes, anna):
    path = file_of(homes)
    kept = path.with_suffix(".kept")
    shutil.copy2(path, kept)
    try:
        path.write_bytes(b"this was a disk" * 1000)
        given = connected(anna, "north")
        done = log_on(homes, given)
        assert done["account"] == "anna" and not done["home"] and len(done["warnings"]) == 1
        assert done["warnings"][0].startswith("Your own files are not here, and what you save now will be lost: ")
        assert homes.local.get("homes/anna/work")["desktop"] is None
        log_off(homes, given)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), str(GIB)], check=True)
        given = connected(anna, "north")
        done = log_on(homes, given)
        assert not done["home"] and done["warnings"][0].endswith("there is no file system on it any more")
        log_off(homes, given)
    finally:
        kept.rename(path)
    given = connected(anna, "north")
    assert log_on(homes, given)["home"]


def test_deleted(homes, anna):
    wait_free(homes)
    path = file_of(homes)
    homes.local.do("DELETE", "homes/anna/work", status=204)
    wait_until(lambda: not path.exists() and not homes.local.items("homes"), 60, "the end of the disk")
    given = connected(anna, "north")
    assert log_on(homes, given)["home"]
    assert path.exists()
