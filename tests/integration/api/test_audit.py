"""The audit trail: its chain, what it holds, and how it leaves the house."""

import sqlite3

from stack import wait_until


def tamper(house, sql):
    """As somebody who can write the database's file: first the triggers go."""
    with sqlite3.connect(house.state / "oriel.db", timeout=20) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(sql)
    db.close()


def test_verify_finds_tampering(fresh_house):
    house, local = fresh_house, fresh_house.local
    house.make_user("anna")
    good = local.get("events/verify")
    assert good["whole"] and good["problem"] is None and good["count"] == good["last_sequence"] > 2
    newest = local.get("events?limit=1")["items"][0]
    assert (newest["sequence"], newest["hash"]) == (good["last_sequence"], good["hash"])
    tamper(house, "UPDATE events SET actor_name = 'nobody' WHERE sequence = 2")
    bad = local.get("events/verify")
    assert not bad["whole"] and bad["problem"]["sequence"] == 2 and bad["problem"]["reason"].startswith("changed"), bad
    assert bad["count"] == 1


def test_events_are_paged_by_sequence(house):
    first = house.local.get("events?limit=2")
    second = house.local.get(f"events?limit=2&after={first['next']}")
    numbers = [event["sequence"] for event in first["items"] + second["items"]]
    assert numbers == list(range(numbers[0], numbers[0] - 4, -1))
    assert house.local.call("GET", "events?after=x").status == 422


def test_retention(stopped_house):
    """What is older than the configured days goes at the next start; the chain then begins at its anchor."""
    house = stopped_house.start()
    house.make_user("anna")
    count = house.local.get("events/verify")["last_sequence"]
    house.stop()
    house.environment["ORIEL_EVENT_RETENTION_DAYS"] = "1"
    tamper(house, "UPDATE events SET time_ms = time_ms - 172800000 WHERE sequence <= 2")
    house.start()
    found = wait_until(lambda: (lambda v: v["anchor"] and v)(house.local.get("events/verify")), 30, "an anchor")
    assert found["anchor"]["sequence"] == 2 and found["first_sequence"] == 3 and found["last_sequence"] > count
    last = house.local.get("events?limit=50")["items"]
    assert any(event["action"] == "event.expire" and event["detail"]["through"] == 2 for event in last)
