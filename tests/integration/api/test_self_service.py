"""What people may do with their own desktop from the portal, with simulated machines."""

import sqlite3

import pytest

from stack import Client, wait_until
from test_display import UPGRADE


def make(house, name, **fields):
    house.local.do("POST", "pools", {"name": name, "image": "mini", "size": 3, "spares": 0, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def tile(client, pool):
    return next(one for one in client.get("portal")["tiles"] if one["pool"]["name"] == pool)


def row(house, desktop):
    return house.local.do("GET", f"desktops/{desktop}")


def ended(house, job):
    return wait_until(lambda: (one := house.local.do("GET", f"jobs/{job}"))["state"] not in ("queued", "running") and one, 60, "its end")


def test_what_a_pool_allows(house):
    make(house, "usual")
    assert house.local.get("pools/usual")["self_service"] == ["restart", "reset"]
    changed = house.local.do("PATCH", "pools/usual", {"self_service": ["refresh", "restart"]})
    assert changed["self_service"] == ["restart", "refresh"]
    assert house.local.do("PATCH", "pools/usual", {"self_service": []})["self_service"] == []
    for odd in (["stop"], [""], [1], "reset", ["reset"] * 9):
        assert house.local.call("PATCH", "pools/usual", {"self_service": odd}).status == 422
    assert house.local.call("POST", "pools", {"name": "pcs", "type": "manual", "self_service": ["reset"]}).status == 422
    assert house.local.do("POST", "pools", {"name": "pcs", "type": "manual"})["self_service"] == []
    details = [one for one in house.local.get("events")["items"] if one["action"] == "pool.update"]
    assert any("refresh restart" in str(one) or "restart refresh" in str(one) for one in details)


def test_restart_and_reset(house):
    make(house, "own", type="dedicated")
    rosa = person(house, "rosa")
    assert rosa.refused("POST", "portal/pools/own/restart") == (404, "not-found")
    connection = rosa.do("POST", "pools/own/connect")
    desktop = connection["desktop"]["name"]
    before = row(house, desktop)
    assert tile(rosa, "own")["pool"]["self_service"] == ["restart", "reset"]
    job = rosa.do("POST", "portal/pools/own/restart")["job"]
    assert job["kind"] == "desktop.restart"
    assert ended(house, job["id"])["state"] == "done"
    after = row(house, desktop)
    assert (after["state"], after["generation"], after["user"]["name"]) == ("running", before["generation"], "rosa")
    assert rosa.do("POST", "portal/pools/own/reset")["desktop"]["name"] == desktop
    assert rosa.refused("POST", "portal/pools/own/refresh") == (403, "forbidden")
    assert row(house, desktop)["generation"] == before["generation"]
    done = [(one["action"], one["actor"]) for one in house.local.get("events")["items"] if (one["object"] or {}).get("name") == desktop]
    assert ("desktop.restart", "rosa") in done and ("desktop.reset", "rosa") in done


@pytest.mark.parametrize("kind, stays", [("dedicated", True), ("floating", False)])
def test_refresh(house, kind, stays):
    pool = f"fresh-{kind}"
    make(house, pool, type=kind, self_service=["refresh"])
    who = person(house, f"ruth-{kind}")
    desktop = who.do("POST", f"pools/{pool}/connect")["desktop"]["name"]
    generation = row(house, desktop)["generation"]
    assert who.refused("POST", f"portal/pools/{pool}/restart") == (403, "forbidden")
    now = who.do("POST", f"portal/pools/{pool}/refresh")
    assert now["session"] is None and (now["desktop"] is not None) == stays
    if stays:
        wait_until(lambda: row(house, desktop)["generation"] == generation + 1, 60, "a new generation")


def test_each_who_has_a_desktop_with_others_sees_it(house):
    make(house, "desk-share", type="dedicated", assignment="manual", users_a_desktop=2, minimum=1, size=1)
    wait_until(lambda: house.local.get("pools/desk-share")["counts"]["free"] == 1, 60, "its desktop")
    desktop = house.local.do("GET", "desktops", query={"pool": "desk-share"})["items"][0]["name"]
    clients = {name: person(house, name) for name in ("uma", "ute")}
    for name in clients:
        house.local.do("POST", f"desktops/{desktop}/assign", {"user": name})
    for name, client in clients.items():
        given = client.do("POST", "pools/desk-share/connect")
        display = Client(house, gateway=True).connection()
        display.connect()
        display.sock.sendall(UPGRADE.format(path=given["path"]).encode())
        assert display.sock.recv(4096).startswith(b"HTTP/1.1 101 "), name
        display.close()
        seen = {who: one.call("GET", f"desktops/{desktop}/thumbnail", query={"width": 640}).status for who, one in clients.items()}
        assert seen == {who: 200 if who == name else 403 for who in clients}, "each their own, and no other's"
        client.do("POST", f"sessions/{given['session']['id']}/log-off")


def test_only_ones_own(house):
    make(house, "shared-pc", type="dedicated", assignment="manual", users_a_desktop=2, minimum=1, size=1)
    wait_until(lambda: house.local.get("pools/shared-pc")["counts"]["free"] == 1, 60, "its desktop")
    desktop = house.local.do("GET", "desktops", query={"pool": "shared-pc"})["items"][0]["name"]
    sue, sid, max_ = (person(house, name) for name in ("sue", "sid", "maximilian"))
    for name in ("sue", "sid"):
        house.local.do("POST", f"desktops/{desktop}/assign", {"user": name})
    connection = sue.do("POST", "pools/shared-pc/connect")
    assert sid.refused("POST", "portal/pools/shared-pc/reset") == (409, "conflict")
    assert max_.refused("POST", "portal/pools/shared-pc/reset") == (404, "not-found")
    for old, new in (("sessions", "sessions_away"), ("sessions_away", "sessions")):
        with sqlite3.connect(house.state / "oriel.db", timeout=60) as database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")
        assert sid.call("POST", "portal/pools/shared-pc/reset").status == (500 if new == "sessions_away" else 409)
    assert not [one for one in house.local.items("events") if (one["action"], one["actor"]) == ("desktop.reset", "sid")]
    sue.do("POST", f"sessions/{connection['session']['id']}/log-off")
    sid.do("POST", "portal/pools/shared-pc/reset")
    house.local.do("PATCH", "pools/shared-pc", {"maintenance": True})
    assert sid.refused("POST", "portal/pools/shared-pc/reset") == (409, "conflict")
    house.local.do("DELETE", "pools/shared-pc/entitlements/groups/everyone")
    assert sid.refused("POST", "portal/pools/shared-pc/reset") == (403, "forbidden")
    assert house.local.refused("POST", "portal/pools/shared-pc/reset") == (422, "invalid")
