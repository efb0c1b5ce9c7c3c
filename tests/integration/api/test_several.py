"""Floating pools that allow a person several desktops at a time."""

import threading

import pytest

from stack import wait_until


def make(house, name, **fields):
    house.local.do("POST", "pools", {"name": name, "image": "mini", "size": 6, "spares": 2, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")
    wait_until(lambda: house.local.get(f"pools/{name}")["counts"]["free"] >= 1, 60, "a spare")


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def connect(client, pool, **body):
    """The desktop; where it has to boot, as a page does it."""
    for _ in range(20):
        answer = client.call("POST", f"pools/{pool}/connect", body)
        if answer.status == 200:
            return answer.json
        assert answer.status == 202, answer
        job = answer.json["job"]
        if job["object"]["kind"] == "desktop" and body.pop("another", None):
            body["desktop"] = job["object"]["id"]
        wait_until(lambda: client.call("POST", f"pools/{pool}/connect", body).status == 200, 60, "the desktop")
    raise AssertionError("never")


def tile(client, pool):
    found, = [one for one in client.get("portal")["tiles"] if one["pool"]["name"] == pool]
    return found


@pytest.mark.parametrize("fields, status", [
    ({"sessions_a_user": 0}, 422), ({"sessions_a_user": 17}, 422), ({"sessions_a_user": "2"}, 422),
    ({"sessions_a_user": 2, "type": "dedicated"}, 422), ({"sessions_a_user": 1, "type": "dedicated"}, 201), ({"sessions_a_user": 16}, 201),
])
def test_what_a_pool_may_say(house, fields, status):
    answer = house.local.call("POST", "pools", {"name": "says", "image": "mini", "spares": 0, **fields})
    assert answer.status == status, answer
    if status == 201:
        assert answer.json["sessions_a_user"] == fields["sessions_a_user"]
        house.local.do("DELETE", "pools/says")


def test_one_is_the_rule(house):
    make(house, "usual")
    ann = person(house, "ann-usual")
    first = connect(ann, "usual")
    assert tile(ann, "usual")["another"] is False
    answer = ann.call("POST", "pools/usual/connect", {"another": True})
    assert answer.status == 503 and answer.json["detail"] == (
        'pool "usual": you have 1 of its desktops, as many as it allows one person; log off from one of them first')
    assert connect(ann, "usual")["desktop"]["id"] == first["desktop"]["id"]
    house.local.do("DELETE", "pools/usual", query={"force": "true"})


def test_several(house):
    make(house, "lab", sessions_a_user=2)
    ann = person(house, "ann-lab")
    assert tile(ann, "lab")["desktops"] == [] and tile(ann, "lab")["another"] is False, "a click gives the first"
    first = connect(ann, "lab")
    assert tile(ann, "lab")["another"] is True
    second = connect(ann, "lab", another=True)
    ids = [first["desktop"]["id"], second["desktop"]["id"]]
    assert ids[0] != ids[1] and first["session"]["id"] != second["session"]["id"]
    assert connect(ann, "lab")["desktop"]["id"] == ids[1], "the one used last"
    assert connect(ann, "lab", desktop=first["desktop"]["name"])["desktop"]["id"] == ids[0], "that very one"
    now = tile(ann, "lab")
    assert [one["desktop"]["id"] for one in now["desktops"]] == ids[::-1] and now["desktop"]["id"] == ids[1] and now["another"] is False
    assert [one["session"]["id"] for one in now["desktops"]] == [second["session"]["id"], first["session"]["id"]]
    assert now["session"]["id"] == second["session"]["id"]
    answer = ann.call("POST", "pools/lab/connect", {"another": True})
    assert answer.status == 503 and "you have 2 of its desktops" in answer.json["detail"]

    # What is somebody else's is as if it were not there.
    bob = person(house, "bob-lab")
    for name in (ids[0], first["desktop"]["name"], "nothing"):
        answer = bob.call("POST", "pools/lab/connect", {"desktop": name})
        assert answer.status == 404 and answer.json["detail"] == 'pool "lab": this desktop is not yours; open the pool to get one that is'
    assert bob.call("POST", "pools/lab/connect", {"desktop": ids[0], "another": True}).status == 422

    # Self service says which; so does a log off.
    assert ann.refused("POST", "portal/pools/lab/reset") == (409, "conflict")
    assert ann.refused("POST", "portal/pools/lab/reset", {"desktop": "nothing"}) == (404, "not-found")
    ann.do("POST", "portal/pools/lab/reset", {"desktop": second["desktop"]["name"]})
    resets = [one["object"]["id"] for one in house.local.items("events") if one["action"] == "desktop.reset"]
    assert ids[1] in resets and ids[0] not in resets
    ann.do("POST", f"sessions/{second['session']['id']}/log-off")
    wait_until(lambda: [one["desktop"]["id"] for one in tile(ann, "lab")["desktops"]] == [ids[0]], 60, "one that is left")
    assert tile(ann, "lab")["another"] is True
    house.local.do("DELETE", "pools/lab", query={"force": "true"})


def test_quotas_count_all(house):
    make(house, "counted", sessions_a_user=4)
    ann = person(house, "ann-counted")
    house.local.do("PUT", "quotas/users/ann-counted", {"desktops": 2})
    connect(ann, "counted")
    connect(ann, "counted", another=True)
    answer = ann.call("POST", "pools/counted/connect", {"another": True})
    assert answer.status == 503 and "quota" in answer.json["detail"].lower(), answer
    house.local.do("DELETE", "pools/counted", query={"force": "true"})


def test_many_clicks_at_once(house):
    make(house, "rush", sessions_a_user=3, size=8, spares=8)
    ann = person(house, "ann-rush")
    got = []

    def click():
        got.append(ann.call("POST", "pools/rush/connect", {"another": True}))
    clicks = [threading.Thread(target=click) for _ in range(12)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert {one.status for one in got} <= {200, 202, 429, 503}, got
    theirs = [one for one in house.local.items("desktops", pool="rush") if one["user"] and one["user"]["name"] == "ann-rush"]
    assert len(theirs) == 3, theirs
    assert len(tile(ann, "rush")["desktops"]) == 3
    house.local.do("DELETE", "pools/rush", query={"force": "true"})
