"""Sizes, names, assignment, maintenance and drain of pools, desktops and the host, with simulated machines."""

import pytest

from stack import wait_until


def make(house, name, **fields):
    house.local.do("POST", "pools", {"name": name, "image": "mini", "spares": 0, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")
    return lambda: house.local.get(f"pools/{name}")


def desktops(house, pool):
    return house.local.do("GET", "desktops", query={"pool": pool})["items"]


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def click(client, pool):
    return client.do("POST", f"pools/{pool}/connect")


@pytest.mark.parametrize("fields, status", [
    ({"minimum": 3, "size": 2}, 422),
    ({"naming": "pc"}, 422),
    ({"naming": "{n}{n}"}, 422),
    ({"naming": "pc_{n}"}, 422),
    ({"naming": "a" * 62 + "{n}"}, 422),
    ({"assignment": "sometimes", "type": "dedicated"}, 422),
    ({"assignment": "manual"}, 422),
    ({"users_a_desktop": 2}, 422),
    ({"users_a_desktop": 0, "type": "dedicated"}, 422),
])
def test_what_a_pool_cannot_be(house, fields, status):
    assert house.local.call("POST", "pools", {"name": "odd", "image": "mini", **fields}).status == status


def test_minimum_and_names(house):
    pool = make(house, "front", size=3, minimum=3, naming="pc-{n:3}")
    wait_until(lambda: pool()["counts"]["free"] == 3, 60, "all up front")
    assert sorted(one["name"] for one in desktops(house, "front")) == ["pc-001", "pc-002", "pc-003"]
    changed = house.local.do("PATCH", "pools/front", {"minimum": 1, "naming": "{pool}-{n}"})
    assert (changed["minimum"], changed["naming"]) == (1, "{pool}-{n}")
    wait_until(lambda: pool()["counts"]["desktops"] == 1, 60, "only the minimum")


def test_drain_a_pool(house):
    pool = make(house, "drained", size=4, spares=1)
    first, second = person(house, "dora"), person(house, "drew")
    connection = click(first, "drained")
    assert house.local.do("PATCH", "pools/drained", {"draining": True})["drained"] is False
    assert second.refused("POST", "pools/drained/connect") == (409, "conflict")
    assert click(first, "drained")["session"]["id"] == connection["session"]["id"]
    wait_until(lambda: pool()["counts"]["desktops"] == 1, 60, "free ones gone")
    first.do("POST", f"sessions/{connection['session']['id']}/log-off")
    wait_until(lambda: pool()["drained"], 60, "drained")
    assert first.refused("POST", "pools/drained/connect") == (409, "conflict")
    house.local.do("PATCH", "pools/drained", {"draining": False})
    wait_until(lambda: pool()["counts"]["free"] == 1, 60, "a spare again")
    assert click(second, "drained")["desktop"]


def test_maintenance_of_a_desktop(house):
    pool = make(house, "mended", size=1, spares=1)
    wait_until(lambda: pool()["counts"]["free"] == 1, 60, "a spare")
    mia, max_ = person(house, "mia"), person(house, "max")
    connection = click(mia, "mended")
    name = connection["desktop"]["name"]
    held = house.local.do("PATCH", f"desktops/{name}", {"maintenance": True})
    assert held["maintenance"]
    assert click(mia, "mended")["desktop"]["name"] == name  # a session goes on
    mia.do("POST", f"sessions/{connection['session']['id']}/log-off")
    left = wait_until(lambda: next((one for one in desktops(house, "mended") if not one["user"]), None), 60, "left")
    assert (left["name"], left["state"], left["generation"]) == (name, "running", held["generation"])
    assert max_.refused("POST", "pools/mended/connect") == (503, "full")
    assert house.local.do("POST", f"desktops/{name}/connect")["ticket"]  # the administrator looks at it
    after = house.local.do("PATCH", f"desktops/{name}", {"maintenance": False})
    assert after["generation"] == held["generation"] + 1
    wait_until(lambda: pool()["counts"]["free"] == 1, 60, "refreshed")
    assert click(max_, "mended")["desktop"]["name"] == name


def test_own_desktop_in_maintenance(house):
    make(house, "mended-own", size=2, type="dedicated")
    olga = person(house, "olga")
    connection = click(olga, "mended-own")
    olga.do("POST", f"sessions/{connection['session']['id']}/log-off")
    house.local.do("PATCH", f"desktops/{connection['desktop']['name']}", {"maintenance": True})
    answer = olga.call("POST", "pools/mended-own/connect")
    assert answer.status == 503 and "your desktop is in maintenance" in answer.json["detail"]
    assert len(desktops(house, "mended-own")) == 1


def test_by_hand_and_several(house):
    pool = make(house, "shared", size=2, minimum=2, type="dedicated", assignment="manual", users_a_desktop=2)
    wait_until(lambda: pool()["counts"]["free"] == 2, 60, "two desktops")
    sue, sam, sid = person(house, "sue"), person(house, "sam"), person(house, "sid")
    answer = sue.call("POST", "pools/shared/connect")
    assert answer.status == 503 and "no desktop of it was assigned to you" in answer.json["detail"]
    one, other = (desktop["name"] for desktop in desktops(house, "shared"))
    house.local.do("POST", f"desktops/{one}/assign", {"user": "sue"})
    both = house.local.do("POST", f"desktops/{one}/assign", {"user": "sam"})
    assert [user["name"] for user in both["users"]] == ["sue", "sam"] and both["user"]["name"] == "sue"
    assert house.local.refused("POST", f"desktops/{one}/assign", {"user": "sid"}) == (409, "conflict")
    assert house.local.refused("POST", f"desktops/{other}/assign", {"user": "sam"}) == (409, "conflict")
    connection = click(sam, "shared")
    assert connection["desktop"]["name"] == one
    assert house.local.get(f"sessions/{connection['session']['id']}")["user"]["name"] == "sam"
    answer = sue.call("POST", "pools/shared/connect")
    assert answer.status == 503 and "sam uses it now" in answer.json["detail"]
    assert sam.get("portal")["tiles"][-1] is not None
    sam.do("POST", f"sessions/{connection['session']['id']}/log-off")
    assert click(sue, "shared")["desktop"]["name"] == one
    assert sid.call("POST", "pools/shared/connect").status == 503
    left = house.local.do("POST", f"desktops/{one}/unassign", {"user": "sue"})
    assert [user["name"] for user in left["users"]] == ["sam"] and left["user"]["name"] == "sam"
    assert left["session"] is None
    assert house.local.refused("POST", f"desktops/{one}/unassign", {"user": "sue"}) == (404, "not-found")
    assert {item["name"] for item in house.local.do("GET", "desktops", query={"user": "sam"})["items"]} == {one}


def test_a_floating_desktop_is_released_not_unassigned(house):
    make(house, "loose", size=1)
    lea = person(house, "lea")
    name = click(lea, "loose")["desktop"]["name"]
    assert house.local.refused("POST", f"desktops/{name}/unassign", {"user": "lea"}) == (501, "unsupported")


def test_drain_the_host(fresh_house):
    house = fresh_house
    pool = make(house, "lab", size=4, spares=1)
    ann, bob = person(house, "ann"), person(house, "bob")
    wait_until(lambda: pool()["counts"]["free"] == 1, 60, "a spare")
    connection = click(ann, "lab")
    answer = house.local.do("POST", "host/drain")
    assert (answer["service"], answer["sessions"]) == ("draining", 1)
    assert bob.refused("POST", "pools/lab/connect") == (503, "unavailable")
    assert click(ann, "lab")["session"]["id"] == connection["session"]["id"]
    wait_until(lambda: pool()["counts"]["desktops"] == 1, 60, "the spare gone")
    status = house.local.get("status")
    assert status["service"] == "draining" and any("is being emptied: 1 desktops" in one for one in status["warnings"])
    assert house.local.do("POST", "host/maintenance")["service"] == "maintenance"
    assert ann.refused("POST", "pools/lab/connect") == (503, "unavailable")
    house.stop()
    house.start()
    assert house.local.get("status")["service"] == "maintenance"  # it is remembered
    assert house.local.do("POST", "host/resume")["service"] == "open"
    wait_until(lambda: pool()["counts"]["free"] >= 1, 60, "a spare again")
    assert click(bob, "lab")["desktop"]
