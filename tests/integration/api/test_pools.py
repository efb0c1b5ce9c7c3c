"""Pools, entitlements, desktops, sessions and the click, with simulated machines."""

import os

import pytest

from stack import Client, wait_until


@pytest.fixture(scope="module")
def pool(house):
    house.local.do("POST", "pools", {"name": "lab", "image": "mini", "size": 4, "spares": 2})
    wait_until(lambda: house.local.get("pools/lab")["counts"]["running"] >= 2, 60, "two spares")
    return "lab"


@pytest.fixture(scope="module")
def dedicated(house):
    house.local.do("POST", "pools", {"name": "own", "image": "mini", "type": "dedicated", "size": 3, "spares": 1})
    return "own"


def test_images_on_disk_are_known(house):
    image = house.local.get("images/mini")
    assert image["newest"] == 1 and image["building"] is None
    version = image["versions"][0]
    assert (version["state"], version["vcpus"], version["memory_bytes"]) == ("ready", 1, 256 * 1024 * 1024)


def test_pool_takes_the_image_s_sizes(house, pool):
    answer = house.local.call("GET", f"pools/{pool}")
    made = answer.json
    assert answer.headers["ETag"]
    assert (made["vcpus"], made["memory_bytes"], made["version"], made["follows_newest"]) == (1, 256 << 20, 1, True)
    assert made["refresh_on_log_off"] and made["type"] == "floating"


@pytest.mark.parametrize("body, status", [
    ({"name": "p"}, 422),
    ({"name": "p", "image": "nothing"}, 404),
    ({"name": "p", "image": "mini", "size": 0}, 422),
    ({"name": "p", "image": "mini", "size": 2001}, 422),
    ({"name": "p", "image": "mini", "size": 2, "spares": 3}, 422),
    ({"name": "p", "image": "mini", "size": "4"}, 422),
    ({"name": "p", "image": "mini", "size": 4.5}, 422),
    ({"name": "p", "image": "mini", "size": -1}, 422),
    ({"name": "p", "image": "mini", "type": "square"}, 422),
    ({"name": "p", "image": "mini", "version": 9}, 404),
    ({"name": "p", "image": "mini", "memory_bytes": 1}, 422),
    ({"name": "p", "image": "mini", "memory_bytes": 1 << 49}, 422),  # more than any host
    ({"name": "p", "image": "mini", "vcpus": (os.cpu_count() or 64) + 1}, 422),
    ({"name": "p", "image": "mini", "enabled": "yes"}, 422),
    ({"name": "p", "image": "mini", "colour": "red"}, 422),
    ({"name": "P!", "image": "mini"}, 422),
])
def test_bad_pools(house, body, status):
    assert house.local.call("POST", "pools", body).status == status
    assert house.local.refused("GET", "pools/p") == (404, "not-found")


def test_pool_changes(house):
    local = house.local
    local.do("POST", "pools", {"name": "change", "image": "mini", "size": 2, "spares": 0, "version": 1})
    assert local.get("pools/change")["follows_newest"] is False
    changed = local.do("PATCH", "pools/change", {"version": None, "size": 5, "display_name": "Changed",
                                                 "maintenance": True})
    assert changed["follows_newest"] and changed["size"] == 5 and changed["maintenance"]
    assert local.refused("PATCH", "pools/change", {"name": "other"}) == (422, "invalid")
    assert local.refused("PATCH", "pools/change", {"spares": 6}) == (422, "invalid")
    assert local.refused("DELETE", "images/mini") == (409, "conflict")
    local.do("DELETE", "pools/change", status=204)
    wait_until(lambda: local.call("GET", "pools/change").status == 404, 30, "the pool's end")


def test_entitlement_and_tiles(house, pool):
    local = house.local
    house.make_user("tina")
    tina = house.token_client("tina")
    assert tina.get("portal") == {"tiles": []}
    assert tina.refused("POST", f"pools/{pool}/connect") == (403, "forbidden")
    local.do("POST", "groups", {"name": "class"})
    local.do("PUT", "groups/class/members/tina", status=204)
    for _ in range(2):
        local.do("PUT", f"pools/{pool}/entitlements/groups/class", status=204)
    local.do("PUT", f"pools/{pool}/entitlements/users/tina", status=204)
    assert {(item["kind"], item["name"]) for item in local.items(f"pools/{pool}/entitlements")} == {
        ("group", "class"), ("user", "tina")}
    tile = tina.get("portal")["tiles"][0]
    assert (tile["pool"]["name"], tile["desktop"], tile["session"]) == (pool, None, None)
    local.do("DELETE", f"pools/{pool}/entitlements/users/tina", status=204)
    assert len(tina.get("portal")["tiles"]) == 1
    local.do("DELETE", f"pools/{pool}/entitlements/groups/class", status=204)
    assert tina.get("portal")["tiles"] == []


def test_a_pool_for_everyone_is_for_those_who_come_later(house, pool):
    local = house.local
    local.do("PUT", f"pools/{pool}/entitlements/groups/everyone", status=204)
    house.make_user("newcomer")
    newcomer = house.token_client("newcomer")
    assert [tile["pool"]["name"] for tile in newcomer.get("portal")["tiles"]] == [pool]
    everyone = local.get("groups/everyone")
    assert everyone["built_in"] and "newcomer" in [member["name"] for member in everyone["members"]]
    local.do("PUT", "groups/everyone/members/newcomer", status=204)
    assert local.refused("DELETE", "groups/everyone/members/newcomer") == (409, "conflict")
    assert local.refused("DELETE", "groups/everyone") == (409, "conflict")
    assert local.refused("POST", "groups", {"name": "everyone"}) == (409, "conflict")
    local.do("DELETE", f"pools/{pool}/entitlements/groups/everyone", status=204)
    assert newcomer.get("portal")["tiles"] == []


def connect(client, pool, body=None):
    def ready():
        answer = client.call("POST", f"pools/{pool}/connect", body)
        assert answer.status in (200, 202), answer
        return answer.status == 200 and answer.json
    return wait_until(ready, 60, "a connection")


def test_the_click(house, pool):
    house.make_user("uma")
    house.local.do("PUT", f"pools/{pool}/entitlements/users/uma", status=204)
    uma = house.login("uma", address="192.0.2.70")
    first = connect(uma, pool)
    assert first["path"] == "api/v1/display/" + first["ticket"]
    assert first["url"].endswith(f"/#/desktop/{first['desktop']['id']}?ticket={first['ticket']}")
    again = connect(uma, pool)
    assert again["desktop"]["id"] == first["desktop"]["id"] and again["session"]["id"] == first["session"]["id"]
    assert again["ticket"] != first["ticket"]
    tile = uma.get("portal")["tiles"][0]
    assert tile["desktop"]["id"] == first["desktop"]["id"] and tile["session"]["id"] == first["session"]["id"]

    session = uma.get(f"sessions/{first['session']['id']}")
    assert session["user"]["name"] == "uma" and session["client"] == "192.0.2.70"
    assert [item["id"] for item in uma.items("sessions")] == [session["id"]]
    assert house.people["user"].items("sessions") == []
    assert house.people["user"].refused("GET", f"sessions/{session['id']}") == (404, "not-found")
    assert house.people["user"].refused("POST", f"sessions/{session['id']}/log-off") == (404, "not-found")
    assert session["id"] in [item["id"] for item in house.people["helpdesk"].items("sessions", user="uma", pool=pool)]

    desktop = house.people["helpdesk"].get(f"desktops/{first['desktop']['name']}")
    assert desktop["user"]["name"] == "uma" and desktop["session"]["id"] == session["id"]
    assert house.local.refused("DELETE", f"desktops/{desktop['id']}") == (409, "conflict")
    assert house.local.refused("POST", f"desktops/{desktop['id']}/stop") == (409, "conflict")
    assert house.local.refused("DELETE", f"pools/{pool}") == (409, "conflict")

    assert uma.do("POST", f"sessions/{session['id']}/disconnect")["state"] in ("connecting", "disconnected")
    assert uma.do("POST", f"sessions/{session['id']}/log-off")["state"] == "ended"
    assert uma.do("POST", f"sessions/{session['id']}/log-off")["state"] == "ended"
    assert uma.items("sessions") == []
    assert len(uma.items("sessions", ended="true")) == 1


def test_connecting_for_others(house, pool):
    house.make_user("vera")
    operator = house.people["operator"]
    assert operator.refused("POST", f"pools/{pool}/connect", {"user": "vera"}) == (403, "forbidden")
    house.local.do("PUT", f"pools/{pool}/entitlements/users/vera", status=204)
    given = connect(operator, pool, {"user": "vera"})
    assert house.local.get(f"sessions/{given['session']['id']}")["user"]["name"] == "vera"
    assert house.people["user"].refused("POST", f"pools/{pool}/connect", {"user": "vera"}) == (403, "forbidden")
    assert house.local.refused("POST", f"pools/{pool}/connect") == (422, "invalid")
    assert house.local.refused("POST", f"pools/{pool}/connect", {"user": "nobody"}) == (404, "not-found")
    assert house.local.refused("POST", "pools/none/connect", {"user": "vera"}) == (404, "not-found")
    house.local.do("POST", f"sessions/{given['session']['id']}/log-off")


def test_a_full_pool(house):
    local = house.local
    local.do("POST", "pools", {"name": "tiny", "image": "mini", "size": 1, "spares": 0})
    for name in ("wanda", "xenia"):
        house.make_user(name)
        local.do("PUT", f"pools/tiny/entitlements/users/{name}", status=204)
    connect(house.token_client("wanda"), "tiny")
    answer = house.token_client("xenia").call("POST", "pools/tiny/connect")
    assert answer.status == 503 and answer.json["type"].endswith("/full") and "Retry-After" in answer.headers


def test_console_and_buttons(house, dedicated):
    local, operator = house.local, house.people["operator"]
    desktop = wait_until(lambda: [d for d in local.items("desktops", pool=dedicated, state="running")], 60, "a spare")[0]
    path = f"desktops/{desktop['id']}"
    console = operator.do("POST", f"{path}/connect")
    assert console["session"] is None and console["ticket"]
    assert operator.do("POST", f"{path}/assign", {"user": "admin"})["user"]["name"] == "admin"
    assert operator.refused("POST", f"{path}/assign", {"user": "user1"}) == (409, "conflict")
    assert [d["id"] for d in local.items("desktops", user="admin")] == [desktop["id"]]
    assert operator.do("POST", f"{path}/release")["user"] is None
    assert operator.do("POST", f"{path}/refresh")["generation"] > desktop["generation"]
    wait_until(lambda: local.get(path)["state"] == "running", 60, "the refreshed desktop")
    helpdesk = house.people["helpdesk"]
    assert helpdesk.do("POST", f"{path}/stop")["desired"] == "stopped"
    wait_until(lambda: local.get(path)["observed"] == "stopped", 60, "the stopped desktop")
    assert helpdesk.refused("POST", f"{path}/reset") == (409, "conflict")
    assert helpdesk.do("POST", f"{path}/start")["desired"] == "running"
    assert helpdesk.refused("DELETE", path) == (403, "forbidden")
    etag = local.call("GET", path).headers["ETag"]
    assert local.refused("DELETE", path, headers={"If-Match": '"1000000"'}) == (412, "stale")
    assert etag and local.call("DELETE", path).status == 204
    wait_until(lambda: local.call("GET", path).status == 404, 60, "the desktop's end")


def test_lists_of_desktops(house, pool):
    local = house.local
    assert local.refused("GET", "desktops", query={"state": "purple"}) == (422, "invalid")
    assert local.refused("GET", "desktops", query={"pool": "none"}) == (404, "not-found")
    assert all(d["pool"]["name"] == pool for d in local.items("desktops", pool=pool, limit=1))


def test_status(house, pool):
    status = house.people["operator"].get("status")
    assert status["counts"]["pools"] >= 1 and status["counts"]["images"] == 1
    assert status["store"].startswith("SQLite")


def test_recipes_and_bad_builds(house):
    local = house.local
    assert "debian-minimal" in [recipe["name"] for recipe in local.items("recipes")]
    assert local.refused("POST", "images", {"name": "x", "recipe": "nothing"}) == (404, "not-found")
    assert local.refused("POST", "images", {"name": "x", "recipe": "../x"}) == (404, "not-found")
    assert local.refused("POST", "images", {"name": "x"}) == (422, "invalid")
    assert local.refused("POST", "images", {"name": "x", "recipe": "debian-minimal", "recipe_text": "y"}) == (422, "invalid")
    answer = local.call("POST", "images", {"name": "x", "recipe_text": "[image]\nsiez = 3\n"})
    assert answer.status == 422 and "line 2" in answer.json["detail"] and "siez" in answer.json["detail"]
    assert answer.json["detail"].startswith('recipe "x" line 2: ')  # nothing better is known of where it came from
    body = {"name": "x", "recipe_text": "[image]\nsiez = 3\n", "recipe_file": "desks/kiosk.recipe"}
    assert local.call("POST", "images", body).json["detail"].startswith('recipe "desks/kiosk.recipe" line 2: ')
    assert local.refused("POST", "images", {**body, "recipe_file": "x" * 201}) == (422, "invalid")
    assert local.refused("GET", "images/x") == (404, "not-found")


def test_a_build_that_fails_says_why(house):
    """The recipe asks for a mirror that nobody serves."""
    local = house.local
    text = ("[image]\ntitle = Broken\nsize = 1GiB\nmemory = 256MiB\nsuite = bookworm\nmirror = http://127.0.0.1:9/debian\n"
            "[packages]\nsystemd\n")
    job = local.do("POST", "images", {"name": "broken", "recipe_text": text}, status=202)["job"]
    assert job["kind"] == "image.build" and job["object"]["name"] == "broken"
    ended = local.wait_job(job["id"], 120)
    assert ended["state"] == "failed" and ended["error"]
    log = local.call("GET", f"jobs/{job['id']}/log")
    assert log.status == 200 and int(log.headers["X-Oriel-Next"]) > 0
    more = local.call("GET", f"jobs/{job['id']}/log", query={"from": log.headers["X-Oriel-Next"]})
    assert more.body == b""
    image = local.get("images/broken")
    assert image["newest"] is None and image["versions"][0]["state"] == "failed" and image["versions"][0]["error"]
    assert local.refused("POST", f"jobs/{job['id']}/cancel") == (409, "conflict")
    answer = local.call("POST", "pools", {"name": "no", "image": "broken"})
    assert answer.status == 409 and image["versions"][0]["error"] in answer.json["detail"]
    local.do("DELETE", "images/broken", status=204)
    assert local.refused("GET", "images/broken") == (404, "not-found")


def test_thumbnail_of_another_is_refused_without_telling(house, pool):
    desktop = house.local.items("desktops", pool=pool)[0]
    known = house.people["user"].call("GET", f"desktops/{desktop['id']}/thumbnail")
    unknown = house.people["user"].call("GET", "desktops/nothing/thumbnail")
    assert (known.status, known.body) == (unknown.status, unknown.body) == (403, known.body)
    assert house.local.refused("GET", f"desktops/{desktop['id']}/thumbnail", query={"width": 5}) == (422, "invalid")


def test_display_refusals(house):
    gateway = Client(house, gateway=True)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert gateway.refused("GET", "display/none", headers=upgrade) == (404, "not-found")
    plain = gateway.call("GET", "display/none")
    assert plain.status == 426 and plain.headers["Upgrade"] == "websocket"
    assert gateway.refused("GET", "display/none", headers={**upgrade, "Sec-WebSocket-Version": "8"})[0] == 426
    assert gateway.refused("GET", "display/none", headers={**upgrade, "Sec-WebSocket-Key": "x"})[0] == 400
    assert gateway.refused("GET", "display/none", headers={**upgrade, "Origin": "https://evil.example"}) == (403, "forbidden")
    assert house.local.refused("GET", "display/none", headers=upgrade) == (501, "unsupported")


def test_search(house):
    local = house.local
    local.do("POST", "pools", {"name": "sought", "image": "mini", "size": 3, "spares": 0, "minimum": 3, "naming": "Quiet-{n}"})
    local.do("POST", "users", {"name": "grace-h", "display_name": "Grace HOPPER", "email": "g@navy.example"})
    local.do("PUT", "pools/sought/entitlements/users/grace-h")
    found = wait_until(lambda: (lambda got: len(got) == 3 and got)(local.items("desktops", search="quiet-")), 60, "three desktops")
    local.do("POST", f"desktops/{found[1]['id']}/assign", {"user": "grace-h"})
    assert [one["name"] for one in local.items("desktops", search="QUIET-1")] == ["Quiet-1"]
    assert [one["id"] for one in local.items("desktops", search="hopper")] == [found[1]["id"]]
    assert local.items("desktops", search="quiet%") == [], "nothing is a wildcard"
    assert [one["name"] for one in local.items("users", search="NAVY")] == ["grace-h"]
    assert [one["name"] for one in local.items("users", search="hop")] == ["grace-h"]
    assert local.items("users", search="nobody of that name") == []
    assert len(local.items("desktops", search="")) >= 3
    assert local.refused("GET", "desktops", query={"search": "x" * 201}) == (422, "invalid")
