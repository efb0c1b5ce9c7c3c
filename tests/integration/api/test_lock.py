"""A locked session: who locks it, and that only its person's next log-in to the portal opens it again. orield with simulated machines, whose
guests hold a lock as a real one with oriel-locker does, and a real gateway."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from stack import Client, wait_until  # noqa: E402
from test_viewers import connect, Viewer  # noqa: E402


@pytest.fixture(scope="module")
def locked(house):
    house.start_gateway()
    house.local.do("POST", "pools", {"name": "locked", "image": "mini", "size": 6, "spares": 1})
    for name in ("mia", "noah", "olga"):
        house.make_user(name)
        house.local.do("PUT", f"pools/locked/entitlements/users/{name}", status=204)
    house.make_user("helper", roles=["helpdesk"])
    house.make_user("operator", roles=["operator"])
    return house


def view(house, client):
    viewer = Viewer(house, connect(client, "pools/locked/connect"))
    session = viewer.connection["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "connected", 30, "the session is connected")
    return viewer, session


def actions(house, session):
    return [(event["action"], event["actor"]) for event in house.local.items("events", object=session)
            if event["action"] in ("session.lock", "session.unlock")]


def test_only_the_next_log_in_opens_it(locked):
    mia = locked.login("mia")
    viewer, session = view(locked, mia)
    assert mia.get(f"sessions/{session}")["locked_ms"] is None
    assert mia.do("POST", f"sessions/{session}/unlock")["locked"] is False  # it is not locked: nothing to do
    now = mia.do("POST", f"sessions/{session}/lock")
    assert now["locked"] is True and now["activity"] == "locked" and now["locked_ms"] > 0
    assert mia.do("POST", f"sessions/{session}/lock")["locked_ms"] == now["locked_ms"]

    refused = mia.do("POST", f"sessions/{session}/unlock", status=403)
    assert "is locked; log in to the portal again to go on" in refused["detail"]
    for client in ("browser", "vv"):
        assert "is locked" in mia.do("POST", "pools/locked/connect", {"client": client}, status=403)["detail"]
    assert "is locked" in mia.do("GET", f"sessions/{session}/files", status=403)["detail"]
    token = mia.do("POST", "tokens", {"name": "script"}, status=201)["token"]
    Client(locked, token=token).do("POST", f"sessions/{session}/unlock", status=403)
    for other in (locked.local, locked.login("helper"), locked.login("operator")):
        other.do("POST", f"sessions/{session}/unlock", status=403)
    locked.login("operator").do("POST", "pools/locked/connect", {"user": "mia"}, status=403)
    assert locked.local.get(f"sessions/{session}")["locked_ms"] == now["locked_ms"]

    again = locked.login("mia")
    assert again.do("POST", f"sessions/{session}/unlock")["locked_ms"] is None
    assert locked.local.get(f"sessions/{session}")["activity"] == "active"
    mia.do("POST", "logout", status=204)  # what she sees belongs to her new log-in
    viewer.type()
    assert actions(locked, session) == [("session.unlock", "mia"), ("session.lock", "mia")]
    viewer.leave()


def test_opening_it_with_a_new_log_in_is_enough(locked):
    viewer, session = view(locked, locked.login("noah"))
    viewer.leave()
    wait_until(lambda: locked.local.get(f"sessions/{session}")["state"] == "disconnected", 30, "nobody looks")
    locked.login("helper").do("POST", f"sessions/{session}/lock")
    assert locked.local.get(f"sessions/{session}")["locked"] is True
    viewer, same = view(locked, locked.login("noah"))
    assert same == session and locked.local.get(f"sessions/{session}")["locked_ms"] is None
    assert actions(locked, session) == [("session.unlock", "noah"), ("session.lock", "helper")]
    viewer.leave()


def test_logging_off_needs_no_proof(locked):
    olga = locked.login("olga")
    viewer, session = view(locked, olga)
    olga.do("POST", f"sessions/{session}/lock")
    olga.do("POST", f"sessions/{session}/log-off")
    wait_until(lambda: locked.local.get(f"sessions/{session}")["state"] == "ended", 30, "it has ended")
    locked.login("helper").do("POST", f"sessions/{session}/lock", status=409)  # of what has ended nothing is left to lock
    viewer, new = view(locked, olga)
    assert new != session and locked.local.get(f"sessions/{new}")["locked_ms"] is None
    viewer.leave()
