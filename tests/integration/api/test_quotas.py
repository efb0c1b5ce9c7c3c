"""How much people may have, with simulated machines."""

import concurrent.futures

import pytest

GIB = 1024 ** 3


def make(house, name, **fields):
    house.local.do("POST", "pools", {"name": name, "image": "mini", "size": 4, "spares": 0, "memory_bytes": GIB // 4, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


@pytest.fixture(scope="module")
def pools(house):
    names = [f"q{n}" for n in range(5)]
    for name in names:
        make(house, name, type="dedicated")
    return names


@pytest.mark.parametrize("body", [{"desktops": -1}, {"desktops": "many"}, {"running": 1.5}, {"memory_bytes": True}, {"cpus": 1}])
def test_what_a_quota_cannot_be(house, body):
    assert house.local.call("PUT", "quotas/groups/everyone", body).status == 422


def test_kept_and_shown(house):
    person(house, "kim")
    made = house.local.do("PUT", "quotas/users/kim", {"desktops": 3, "memory_bytes": "unlimited"})
    assert (made["desktops"], made["memory_bytes"], made["running"]) == (3, "unlimited", None)
    assert any(one["name"] == "kim" and one["kind"] == "user" for one in house.local.get("quotas")["items"])
    use = house.local.get("users/kim/quota")
    assert use["desktops"] == {"used": 0, "most": 3, "from": {"kind": "user", "name": "kim"}}
    assert use["memory_bytes"]["most"] is None and use["running"]["from"] is None
    house.local.do("DELETE", "quotas/users/kim")
    house.local.do("DELETE", "quotas/users/kim")
    assert house.local.get("users/kim/quota")["desktops"]["most"] is None
    assert {"quota.set", "quota.remove"} <= {one["action"] for one in house.local.get("events")["items"]}


def test_own_use_only(house):
    lea = person(house, "lea")
    assert lea.get("portal/quota")["user"]["name"] == "lea"
    assert lea.refused("GET", "users/kim/quota")[0] == 403
    assert lea.refused("GET", "users/nobody-at-all/quota")[0] == 403
    assert house.local.refused("GET", "portal/quota") == (422, "invalid")


def test_refused_at_the_click(house, pools):
    pat = person(house, "pat")
    house.local.do("POST", "groups", {"name": "small"})
    house.local.do("POST", "groups", {"name": "large"})
    for group, desktops in (("small", 1), ("large", 2)):
        house.local.do("PUT", f"groups/{group}/members/pat")
        house.local.do("PUT", f"quotas/groups/{group}", {"desktops": desktops})
    for pool in pools[:2]:
        assert pat.do("POST", f"pools/{pool}/connect")["ticket"]
    answer = pat.call("POST", f"pools/{pools[2]}/connect")
    assert answer.status == 503 and 'desktops of "pat": 2 of 2 are used (quota of the group "large")' in answer.json["detail"]
    assert house.local.get(f"pools/{pools[2]}")["counts"]["desktops"] == 0, "nothing was made for nothing"
    assert pat.do("POST", f"pools/{pools[0]}/connect")["ticket"], "what one has is open as ever"
    house.local.do("PUT", "quotas/users/pat", {"desktops": 3})
    assert pat.do("POST", f"pools/{pools[2]}/connect")["ticket"]


def test_running_and_memory(house, pools):
    rae = person(house, "rae")
    house.local.do("PUT", "quotas/users/rae", {"running": 1})
    first = rae.do("POST", f"pools/{pools[0]}/connect")
    assert rae.refused("POST", f"pools/{pools[1]}/connect") == (503, "full")
    rae.do("POST", f"sessions/{first['session']['id']}/log-off")
    house.local.do("POST", f"desktops/{first['desktop']['name']}/stop")
    second = rae.do("POST", f"pools/{pools[1]}/connect")
    assert house.local.refused("POST", f"desktops/{first['desktop']['name']}/start") == (503, "full")
    house.local.do("PUT", "quotas/users/rae", {"memory_bytes": GIB // 4})
    assert rae.refused("POST", f"pools/{pools[0]}/connect") == (503, "full")
    assert house.local.get("users/rae/quota")["memory_bytes"]["used"] == GIB // 4
    house.local.do("PUT", "quotas/users/rae", {"desktops": 0})
    assert rae.do("POST", f"pools/{pools[1]}/connect")["desktop"]["name"] == second["desktop"]["name"], "what one has stays"


def test_two_clicks_at_once(house, pools):
    uli = person(house, "uli")
    house.local.do("PUT", "quotas/users/uli", {"desktops": 2})
    with concurrent.futures.ThreadPoolExecutor(5) as at_once:
        answers = list(at_once.map(lambda pool: uli.call("POST", f"pools/{pool}/connect").status, pools))
    assert sorted(answers)[:2] == [200, 200] and set(answers) <= {200, 503}
    assert house.local.get("users/uli/quota")["desktops"]["used"] == 2
