"""kill -9 of orield at every moment of connect, refresh and pool creation: nothing is lost, nothing is given twice, nothing
is left over, and the same request works again."""

import http.client
import os
import random
import threading
import time

from house import LONG, POOL, person, problem
from stack import wait_until

SEED = int(os.environ.get("ORIEL_FAULT_SEED", time.time_ns() % 1_000_000))


def moments(count, longest_ms, what):
    """Spread evenly with a random part, so that each run tries others; ORIEL_FAULT_SEED repeats one."""
    chance = random.Random(f"{SEED} {what}")
    print(f"ORIEL_FAULT_SEED={SEED}")
    return [(i + chance.random()) * longest_ms / count / 1000 for i in range(count)]


class Request(threading.Thread):
    """A request that may lose its server."""

    def __init__(self, client, method, path, body=None):
        super().__init__()
        self.call = lambda: client.call(method, path, body)
        self.answer = None
        self.start()

    def run(self):
        try:
            self.answer = self.call()
        except (OSError, http.client.HTTPException):
            pass  # the server is dead: what the test is about


def kill_during(house, delay, *request):
    """Returns the answer, if there was one before the end."""
    asked = Request(house.local, *request)
    time.sleep(delay)
    house.kill()
    asked.join(120)
    assert not asked.is_alive()
    house.start()
    return asked.answer


class People:
    """Who has which desktop, as far as orield has ever answered. It must stay so."""

    def __init__(self, house):
        self.house, self.given = house, {}

    def note(self, name, connection):
        seat = (connection["desktop"]["id"], connection["session"]["id"])
        if name in self.given:
            assert self.given[name][:2] == seat, f"{name} had {self.given[name]}, now has {seat}"
        else:
            self.given[name] = (*seat, self.house.machine_of(seat[0]))

    def check(self):
        desktops = self.house.check_now()
        machines = self.house.machine_folders()
        for name, (desktop, session, pid) in self.given.items():
            row = desktops.get(desktop)
            assert row and row["user"] and row["user"]["name"] == name, f"{name} lost {desktop}: {row}"
            assert row["session"] and row["session"]["id"] == session, f"{name} lost session {session}: {row}"
            assert machines.get(f"desktops/{desktop}") == pid, f"the machine of {name} is another, or gone"

    def log_off(self, name):
        desktop, session, _ = self.given.pop(name)
        self.house.local.do("POST", f"sessions/{session}/log-off")
        return desktop


def test_connect(house):
    people = People(house)
    answered = 0
    for number, delay in enumerate(moments(24, 90, "connect")):
        name = person(number)
        answer = kill_during(house, delay, "POST", f"pools/{POOL}/connect", {"user": name})
        if answer is not None and answer.status == 200:
            answered += 1
            people.note(name, answer.json)
        people.check()
        people.note(name, house.connected(name))
        people.check()
        if len(people.given) > 4:
            people.log_off(min(people.given))
        house.check()
    print(f"{answered} of 24 clicks were answered before the end")
    for name, (desktop, *_) in people.given.items():
        house.wait_agent(desktop)
        assert house.report(desktop)[1].startswith("seed-"), name
    people.check()


def test_refresh(house):
    people = People(house)
    for delay in moments(10, 400, "refresh"):
        name = person(0)
        first = house.connected(name)
        pid = house.machine_of(first["desktop"]["id"])
        other = house.connected(person(1))
        people.note(person(1), other)
        answer = kill_during(house, delay, "POST", f"sessions/{first['session']['id']}/log-off")
        house.check()
        people.check()
        # The guest may have been asked before the end: then it logs its user off, and says so to the next orield.
        second = house.connected(name)
        session = house.local.get(f"sessions/{first['session']['id']}")
        if answer is not None and answer.status == 200:
            assert session["state"] == "ended", session
        if second["session"]["id"] != session["id"]:
            assert session["state"] == "ended" and session["end_reason"] == "logged off", session
            wait_until(lambda: pid not in house.machine_folders().values(), LONG, "the end of the machine")
        else:
            assert second["desktop"]["id"] == first["desktop"]["id"]
        house.local.call("POST", f"sessions/{second['session']['id']}/log-off")
        house.check()
        assert pid not in house.machine_folders().values(), "a machine that was to be thrown away lives on"
        people.check()


def test_spares(house):
    """Desktops that reconcile makes by itself, killed again and again while it does."""
    house.local.do("PATCH", f"pools/{POOL}", {"spares": 3})
    for delay in moments(6, 600, "spares"):
        time.sleep(delay)
        house.restart()
        house.check_now()

    def full():
        rows = house.local.items("desktops", pool=POOL)
        return [row["state"] for row in rows] == ["running"] * 3
    wait_until(full, 600, "three spares")
    house.check()
    given = house.connected(person(0))
    assert given["desktop"]["state"] == "running"


def test_pool_creation(house):
    for number, delay in enumerate(moments(5, 500, "pool")):
        name = f"new{number}"
        body = {"name": name, "image": "fault-guest", "size": 2, "spares": 1}
        answer = kill_during(house, delay, "POST", "pools", body)
        again = house.local.call("POST", "pools", body)
        if answer is not None:
            assert answer.status == 201, answer
            assert again.status == 409 and problem(again)[0] == "conflict", again
        assert again.status in (201, 409), again
        house.local.do("PUT", f"pools/{name}/entitlements/groups/people", status=204)
        house.wait_template(name)
        given = house.connected(person(0), name)
        assert given["desktop"]["name"].startswith(name)
        house.local.do("DELETE", f"pools/{name}?force=true", status=204)
        house.check()
        wait_until(lambda: house.local.call("GET", f"pools/{name}").status == 404, 600, "the end of the pool")
        assert not [row for row in house.local.items("desktops") if row["pool"]["name"] == name]


def test_template_boot(house):
    """The machine that boots to become a template is nobody's after a crash: it makes way for a new one."""
    house.make_pool("other", memory_bytes=200 << 20)

    def booting():
        return [pid for folder, pid in house.machine_folders().items() if folder.startswith("templates/")]
    first = wait_until(booting, 120, "the machine of the template")
    house.restart()
    second = wait_until(lambda: [pid for pid in booting() if pid not in first], 120, "another machine for the template")
    assert len(second) == 1 and not set(first) & set(house.machines())
    template = house.local.get("pools/other")["template"]
    assert template["state"] == "booting" and template["job"], template
    given = house.connected(person(0))  # the other pool does not mind
    assert given["desktop"]["state"] == "running"
    house.local.do("DELETE", "pools/other", status=204)
    wait_until(lambda: not booting(), 120, "the end of the boot")
    house.check()
