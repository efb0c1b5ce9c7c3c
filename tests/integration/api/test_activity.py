"""What people do in their sessions, and how long their log-ons took: orield with simulated machines, a real gateway."""

import os
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from stack import wait_until  # noqa: E402
from test_viewers import connect, Viewer  # noqa: E402

IDLE = 4005


@pytest.fixture(scope="module")
def worked(house):
    house.start_gateway()
    house.local.do("POST", "pools", {"name": "worked", "image": "mini", "size": 6, "spares": 1})
    for name in ("ines", "jan", "kurt", "lena"):
        house.make_user(name)
        house.local.do("PUT", f"pools/worked/entitlements/users/{name}", status=204)
    return house


def view(house, name):
    client = house.login(name)
    viewer = Viewer(house, connect(client, "pools/worked/connect"))
    session = viewer.connection["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "connected", 30, "the session is connected")
    return viewer, session


def long_ago(house, session, minutes):
    """As if the session had been connected, and its person silent, for so long."""
    with sqlite3.connect(house.state / "oriel.db", timeout=20) as db:
        db.execute("UPDATE sessions SET started_ms = started_ms - ?1, changed_ms = changed_ms - ?1, input_ms = 0 WHERE id = ?2",
                   (minutes * 60_000, session))


def test_active_then_idle_then_active(worked):
    viewer, session = view(worked, "ines")
    assert worked.local.get(f"sessions/{session}")["activity"] == "active"
    long_ago(worked, session, 10)
    now = worked.local.get(f"sessions/{session}")
    assert now["activity"] == "idle" and now["idle_ms"] >= 600_000 and now["locked"] is False and now["agent"] == "ready"
    viewer.type()
    wait_until(lambda: worked.local.get(f"sessions/{session}")["activity"] == "active", 30, "the key is seen")
    assert worked.local.get(f"sessions/{session}")["idle_ms"] < 600_000
    viewer.leave()
    wait_until(lambda: worked.local.get(f"sessions/{session}")["activity"] == "disconnected", 30, "nobody looks")
    gone = worked.local.get(f"sessions/{session}")
    assert gone["idle_ms"] is None and gone["idle_since_ms"] is None


def test_the_steps_of_a_log_on(worked):
    viewer, session = view(worked, "jan")

    def steps():
        found = {step["name"]: step for step in worked.local.get(f"sessions/{session}")["steps"]}
        return found if "picture" in found else None
    found = wait_until(steps, 30, "the steps are kept")
    assert {"choice", "claim", "machine", "client", "picture"} <= set(found)
    assert found["picture"]["at_us"] >= found["machine"]["at_us"] + found["machine"]["took_us"]
    assert "steps" not in worked.local.items("sessions", search="jan")[0]
    viewer.leave()


def plan(house, kind, settings):
    name = f"{kind}-{len(house.local.items('plans'))}"
    house.local.do("POST", "plans", {"name": name, "kind": kind, "settings": settings})
    house.local.do("PATCH", "pools/worked", {f"{kind}_plan": name})


def test_idle_people_are_locked_out_and_logged_off(worked):
    plan(worked, "release", {"lock_after_idle_minutes": 5})
    viewer, session = view(worked, "kurt")
    long_ago(worked, session, 6)
    wait_until(lambda: worked.local.get(f"sessions/{session}")["activity"] == "locked", 30, "its screen is locked")
    plan(worked, "release", {"disconnect_after_idle_minutes": 5})
    assert viewer.browser.hear_close_text()[0] == IDLE
    wait_until(lambda: worked.local.get(f"sessions/{session}")["state"] == "disconnected", 30, "it is disconnected")
    plan(worked, "release", {"log_off_after_idle_minutes": 5})
    assert worked.local.get(f"sessions/{session}")["state"] == "disconnected"  # the limit is for who is connected
    viewer, again = view(worked, "kurt")
    assert again == session
    long_ago(worked, session, 6)
    assert viewer.browser.hear_close_text()[0] == IDLE
    wait_until(lambda: worked.local.get(f"sessions/{session}")["state"] == "ended", 30, "it has ended")
    assert worked.local.get(f"sessions/{session}")["end_reason"] == "idle for too long"
    worked.local.do("PATCH", "pools/worked", {"release_plan": None})


def test_an_idle_desktop_rests(worked):
    plan(worked, "power", {"on_idle": {"action": "suspend", "after_minutes": 5}})
    viewer, session = view(worked, "lena")
    desktop = viewer.connection["desktop"]["id"]
    assert worked.local.get(f"desktops/{desktop}")["desired"] == "running"
    long_ago(worked, session, 6)
    assert viewer.browser.hear_close_text()[0] == IDLE
    wait_until(lambda: worked.local.get(f"desktops/{desktop}")["desired"] == "suspended", 30, "its desktop sleeps")
    assert worked.local.get(f"sessions/{session}")["state"] == "disconnected"
    worked.local.do("PATCH", "pools/worked", {"power_plan": None})


def test_the_history(worked):
    begun = int(time.time() * 1000)
    viewer, session = view(worked, "jan")
    viewer.leave()
    worked.local.do("POST", f"sessions/{session}/log-off")
    ids = lambda **query: [one["id"] for one in worked.local.items("sessions", ended="true", **query)]  # noqa: E731
    assert session in ids() and session in ids(search="JA") and session in ids(search="worked-") and session not in ids(search="nobody")
    assert session in ids(**{"from": str(begun)}) and session not in ids(until=str(begun - 3_600_000))
    assert session not in ids(**{"from": str(begun + 3_600_000)})
    worked.local.do("DELETE", "users/jan", status=204)
    kept = worked.local.get(f"sessions/{session}")  # the history outlives the person
    assert kept["user"] is None or kept["user"]["name"] == "jan"
    assert session in ids(search="jan")
    helpdesk = worked.people["helpdesk"]
    assert helpdesk.refused("GET", "sessions", query={"from": "yesterday"})[0] == 422
    assert helpdesk.refused("GET", "sessions", query={"search": "x" * 201})[0] == 422
