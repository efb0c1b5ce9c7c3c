"""What disks do to a state folder: full, of a newer Oriel, damaged. A clear error or a rebuild, never a crash."""

import json
import os
import sqlite3
import subprocess
import time

import pytest
from house import IMAGE, LONG, POOL, person, problem, read_json
from stack import OK_START_SECONDS, wait_until
from test_kill_machine import looking

GIB = 1 << 30


def refuses_to_start(house):
    """What it says, on the way out."""
    before = len(house.log_text()) if (house.log / "orield.log").exists() else 0
    house.start(wait=False)
    status = house.process.wait(OK_START_SECONDS * 4)
    house.process = None
    assert status > 0, f"ended with {status}"
    return house.log_text()[before:]


# ---- full ----

def fill(path, leave):
    """Takes all but so many bytes of the file system."""
    info = os.statvfs(path.parent)
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(info.f_bavail * info.f_frsize - leave, 4096))


def fill_to_the_brim(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * (1 << 20)):
                pass
        except OSError:
            pass
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            pass


def test_disk_full(cold_house):
    house = cold_house
    used = int(subprocess.run(["du", "-s", "--block-size=1", str(house.saved)], check=True, capture_output=True,
                              text=True).stdout.split()[0])
    if not house.on_small_disk(used + GIB + 700 * (1 << 20)):
        pytest.skip("mounting is not permitted here")
    house.start().start_gateway()
    given, display = looking(house, person(0))
    filler = house.state / "filler"

    # Below the floor nothing new is begun, and orield says why; what runs, runs on.
    fill(filler, GIB - (100 << 20))
    kind, sentence = problem(house.click(person(1)))
    assert kind in ("no-space", "full") and "disk" in sentence and "free" in sentence, (kind, sentence)
    assert display.ask_picture(64, 64) == 0
    again = house.connected(person(0))
    assert again["session"]["id"] == given["session"]["id"]

    # Not one byte left: the store cannot write. Reads and displays go on, clicks are refused, and orield lives.
    filler.unlink()
    fill_to_the_brim(filler)
    pid = house.process.pid
    for number in (2, 3):
        kind, sentence = problem(house.click(person(number)))
        assert kind in ("no-space", "full", "unavailable"), (kind, sentence)
    assert house.local.get(f"desktops/{given['desktop']['id']}")["state"] == "running"
    assert display.ask_picture(64, 64) == 0
    assert house.process.poll() is None and house.process.pid == pid

    # A crash then; and there is place again.
    house.kill()
    filler.unlink()
    house.start()
    assert display.ask_picture(64, 64) == 0
    assert house.connected(person(0))["session"]["id"] == given["session"]["id"]
    new = house.connected(person(1))
    assert new["desktop"]["id"] != given["desktop"]["id"]
    house.check()
    display.close()


# ---- another version, damaged files ----

def test_newer_state(cold_house):
    house = cold_house
    with sqlite3.connect(house.state / "oriel.db") as store:
        store.execute("INSERT INTO migrations (number, name, applied_ms) VALUES (1001, 'of tomorrow', 0)")
    store.close()
    said = refuses_to_start(house)
    assert "newer" in said, said


def test_damaged_store(cold_house):
    house = cold_house
    path = house.state / "oriel.db"
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.write(os.urandom(min(size, 65536)))
    said = refuses_to_start(house)
    assert "oriel.db" in said, said


def image_folder(house):
    return next((house.state / "images" / IMAGE).iterdir())


def own_copy(path):
    """The file is a hard link to the cache's: what is done to it must not be done there."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    return data


def lives_with_a_broken_image(house, why):
    """The template is gone and cannot be made anew: an error that says why, and orield serves."""
    subprocess.run(["rm", "-rf", str(house.state / "templates")], check=True)
    house.start()

    def told():
        return house.local.get(f"pools/{POOL}")["template"]["error"]
    sentence = wait_until(told, LONG, "the error of the template")
    version, = house.local.get(f"images/{IMAGE}")["versions"]
    assert version["state"] == "failed" and why in version["error"] and "build" in version["error"], version
    kind, click = problem(house.click(person(0)))
    assert kind == "unavailable" and sentence in click and IMAGE in click, (kind, click)
    assert house.local.call("GET", "health").status == 200
    assert house.process.poll() is None
    house.check()


def test_corrupt_manifest(cold_house):
    manifest = image_folder(cold_house) / "manifest.json"
    data = own_copy(manifest)
    manifest.write_bytes(data[:len(data) // 2] + b"\0\xff{{")
    lives_with_a_broken_image(cold_house, "manifest")


def test_truncated_disk(cold_house):
    disk = image_folder(cold_house) / "disk.qcow2"
    own_copy(disk)
    os.truncate(disk, 1 << 20)
    lives_with_a_broken_image(cold_house, "disk")


def is_made_anew(house):
    """The damaged template is not used: another one boots."""
    house.start()

    def booting():
        template = house.local.get(f"pools/{POOL}")["template"]
        assert template["state"] != "ready", "a damaged template is ready"
        return template["state"] == "booting" and template["job"]
    job = wait_until(booting, LONG, "a new template")
    assert house.local.get(f"jobs/{job}")["state"] in ("queued", "running")
    assert house.click(person(0)).status == 202
    assert house.process.poll() is None


def template_folder(house):
    folder, = (house.state / "templates").iterdir()
    return folder


@pytest.mark.parametrize("file", ["ram", "state", "template.json", "disk.qcow2"])
def test_damaged_template(cold_house, file):
    path = template_folder(cold_house) / file
    size = path.stat().st_size
    if file == "ram":
        os.truncate(path, size // 2 // 4096 * 4096)
    elif file == "state":
        with open(path, "r+b") as state:
            state.seek(size // 2)
            byte = state.read(1)
            state.seek(size // 2)
            state.write(bytes([byte[0] ^ 1]))
    elif file == "template.json":
        record = read_json(path)
        path.write_text(json.dumps({**record, "memory": "much"}))
    else:
        os.truncate(path, size // 2)
    is_made_anew(cold_house)


def test_flipped_ram(cold_house):
    """One bit of the saved RAM: nobody gets a desktop made of it."""
    path = template_folder(cold_house) / "ram"
    with open(path, "r+b") as ram:
        for chunk in iter(lambda: ram.read(4096), b""):
            if chunk.strip(b"\0"):
                break
        position = ram.tell() - len(chunk)
        ram.seek(position)
        ram.write(bytes([chunk[0] ^ 1]) + chunk[1:])
    house = cold_house.start()

    def noticed():
        return house.local.get(f"pools/{POOL}")["template"]["state"] == "booting"
    wait_until(noticed, LONG, "somebody to notice")
    assert house.local.items("desktops") == [] or house.check_now()
    assert house.process.poll() is None
