"""Homes as pools name them, and where a click says its person is. What disks do is in tests/integration/host/test_homes.py."""

import pytest

GIB = 1 << 30


@pytest.fixture(scope="module")
def local(house):
    house.local.do("POST", "pools", {"name": "plain", "image": "mini", "size": 4, "spares": 0})
    house.local.do("PUT", "pools/plain/entitlements/users/user1")
    return house.local


def test_pools_name_a_home(local):
    pool = local.do("POST", "pools", {"name": "with", "image": "mini", "home": "work"})
    assert (pool["home"], pool["home_bytes"]) == ("work", 10 * GIB)
    pool = local.do("PATCH", "pools/with", {"home_bytes": 2 * GIB})
    assert (pool["home"], pool["home_bytes"]) == ("work", 2 * GIB)
    assert local.do("PATCH", "pools/with", {"home": ""})["home"] == ""
    assert local.get("pools/plain")["home"] == ""
    for wrong in ({"home": "../x"}, {"home": "Work"}, {"home": "-a"}, {"home": "a" * 64}, {"home_bytes": 1}, {"home": 7}):
        assert local.refused("PATCH", "pools/with", wrong) == (422, "invalid"), wrong
    assert local.refused("POST", "pools", {"name": "hand", "type": "manual", "home": "work"})[1] == "invalid"


def test_no_homes_yet(local):
    assert local.items("homes") == []
    assert local.items("homes", user="user1", name="work") == []
    for method, body in (("GET", None), ("PATCH", {"size_bytes": GIB}), ("DELETE", None)):
        assert local.refused(method, "homes/user1/work", body) == (404, "not-found")


def test_a_click_says_where_its_person_is(house, local):
    person = house.people["user"]
    given = person.call("POST", "pools/plain/connect", {"language": "fr-CA,fr", "time_zone": "America/Toronto"})
    while given.status == 202:
        local.wait_job(given.json["job"])
        given = person.call("POST", "pools/plain/connect", {"language": "fr-CA,fr", "time_zone": "America/Toronto"})
    assert given.status == 200, given
    session = local.get(f"sessions/{given.json['session']['id']}")
    assert session["log_on"] is None  # a simulated guest is told nothing
    assert "log_on" not in local.items("sessions")[0]
    for wrong in ({"time_zone": "../../etc/passwd"}, {"keyboard": "de;x"}, {"language": 1}, {"planet": "earth"}):
        assert person.refused("POST", "pools/plain/connect", wrong) == (422, "invalid"), wrong
    assert person.do("POST", "pools/plain/connect", {"language": "\u2603" * 60, "keyboard": "us,ru"})["session"]
    assert person.get("portal")["tiles"][0]["pool"]["home"] is False
