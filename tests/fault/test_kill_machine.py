"""QEMU killed and QEMU stopped under a person who is connected."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from house import LONG, POOL, person, problem
from stack import wait_until
from test_first_light import Display


def looking(house, name):
    """A person with a picture: (connection, display)."""
    given = house.answered(name)
    display = Display(house, given["path"])
    display.handshake()
    session = given["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "connected", LONG, "the connected session")
    return given, display


def is_closed(display):
    """The gateway says so and closes."""
    display.sock.settimeout(LONG)
    try:
        while True:
            kind, _ = display.message()
            if kind == 8:
                return True
    except (AssertionError, OSError):
        return True


def test_qemu_killed(house):
    given, display = looking(house, person(0))
    other, other_display = looking(house, person(1))
    desktop, session = given["desktop"]["id"], given["session"]["id"]
    before = house.local.get(f"desktops/{desktop}")
    os.kill(house.machine_of(desktop), signal.SIGKILL)
    assert is_closed(display)

    def ended():
        now = house.local.get(f"sessions/{session}")
        return now["state"] == "ended" and now
    assert wait_until(ended, LONG, "the end of the session")["end_reason"]
    again = house.connected(person(0))
    assert again["session"]["id"] != session
    house.wait_agent(again["desktop"]["id"])
    house.check()
    after = [row for row in house.local.items("desktops") if row["id"] == desktop]
    assert not after or after[0]["generation"] > before["generation"], "the broken disk was kept"
    assert other_display.ask_picture(64, 64) == 0
    assert house.local.get(f"sessions/{other['session']['id']}")["state"] == "connected"


def test_qemu_killed_while_orield_is_away(house):
    given, display = looking(house, person(0))
    house.kill()
    os.kill(house.machine_of(given["desktop"]["id"]), signal.SIGKILL)
    assert is_closed(display)
    house.start()

    def ended():
        return house.local.get(f"sessions/{given['session']['id']}")["state"] == "ended"
    wait_until(ended, LONG, "the end of the session")
    house.connected(person(0))
    house.check()


def test_qemu_killed_in_the_click(house):
    """The machine dies at moments around its start; a click that was answered is followed by one that works."""
    for number in range(8):
        name = person(number)
        with ThreadPoolExecutor(1) as clicks:
            click = clicks.submit(house.click, name)
            time.sleep(number * 0.02)
            for pid in [pid for folder, pid in house.machine_folders().items()
                        if folder.startswith(("desktops/", "waiting/"))][:2]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            answer = click.result()
        assert answer.status == 200 or answer.json["detail"], answer
        house.connected(name)
        house.check()
        session = house.local.items("sessions", user=name)
        assert len(session) == 1
        house.local.do("POST", f"sessions/{session[0]['id']}/log-off")
    house.check()


def test_qemu_stopped(house):
    """A QEMU that answers nothing any more costs its own desktop, in bounded time, and nobody else's."""
    given, display = looking(house, person(0))
    other = house.connected(person(1))
    desktop, session = given["desktop"]["id"], given["session"]["id"]
    pid = house.machine_of(desktop)
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as callers:
            pictures = [callers.submit(house.local.call, "GET", f"desktops/{desktop}/thumbnail") for _ in range(3)]
            for _ in range(10):
                assert house.local.call("GET", "health").status == 200
                assert house.local.get(f"desktops/{desktop}")["id"] == desktop
                assert house.local.call("GET", f"desktops/{other['desktop']['id']}/thumbnail").status == 200
            assert house.connected(person(2))["desktop"]["state"] == "running"
            still = [picture for picture in pictures if not picture.done()]
            print(f"{len(still)} of 3 pictures of the stopped machine were still awaited")
            for picture in pictures:
                assert problem(picture.result())[0] in ("timeout", "unavailable", "conflict"), picture.result()
        # orield comes back although one of its machines says nothing.
        house.restart()
        assert house.connected(person(1))["desktop"]["id"] == other["desktop"]["id"]
        now = house.local.get(f"sessions/{session}")
        if now["state"] != "ended":
            house.local.call("POST", f"sessions/{session}/log-off")
        wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "ended", LONG, "the end of the session")
        wait_until(lambda: pid not in house.machines(), LONG, "the end of the stopped machine")
    finally:
        if pid in house.machines():
            os.kill(pid, signal.SIGCONT)
    assert is_closed(display)
    house.connected(person(0))
    house.check()


def test_stopped_qemu_is_deleted(house):
    given = house.connected(person(0))
    desktop = given["desktop"]["id"]
    pid = house.machine_of(desktop)
    os.kill(pid, signal.SIGSTOP)
    try:
        house.local.do("DELETE", f"desktops/{desktop}", query={"force": "true"})
        wait_until(lambda: house.local.call("GET", f"desktops/{desktop}").status == 404, LONG, "the end of the desktop")
    finally:
        if pid in house.machines():
            os.kill(pid, signal.SIGCONT)
    assert pid not in house.machines() and desktop not in house.desktop_folders()
    assert house.local.items("sessions", pool=POOL) == []
    house.check()
