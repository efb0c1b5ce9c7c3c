"""Pools whose desktops boot instead of being forked, with simulated machines; kill -9 in the middle of a copy."""

import pytest

from stack import wait_until


def make(house, name, **fields):
    pool = house.local.do("POST", "pools", {"name": name, "image": "mini", "size": 3, "spares": 0, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")
    return pool


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def desktops(house, pool):
    return house.local.do("GET", "desktops", query={"pool": pool})["items"]


def connect(house, client, pool):
    """Clicks, follows the job, clicks again. The connection, and the kinds of the jobs."""
    kinds = []
    for _ in range(10):
        answer = client.call("POST", f"pools/{pool}/connect")
        if answer.status == 200:
            return answer.json, kinds
        assert answer.status == 202, answer.json
        job = answer.json["job"]
        kinds.append(job["kind"])
        wait_until(lambda: house.local.get(f"jobs/{job['id']}")["state"] not in ("queued", "running"), 60, "the end of the job")
    raise AssertionError(kinds)


def test_a_pool_says_how(house):
    assert make(house, "usual")["provisioning"] == "instant"
    assert house.local.do("PATCH", "pools/usual", {"provisioning": "linked"})["provisioning"] == "linked"
    assert house.local.call("PATCH", "pools/usual", {"provisioning": "cloned"}).status == 422
    assert house.local.call("POST", "pools", {"name": "pcs", "type": "manual", "provisioning": "full"}).status == 422
    house.local.do("DELETE", "pools/usual")


@pytest.mark.parametrize("kind", ["floating", "dedicated"])
@pytest.mark.parametrize("provisioning", ["linked", "full"])
def test_click_spare_refresh(house, kind, provisioning):
    pool = f"{provisioning}-{kind}"
    make(house, pool, type=kind, provisioning=provisioning, size=1, spares=1)  # and no other while the first is used
    wait_until(lambda: house.local.get(f"pools/{pool}")["counts"]["free"] == 1, 60, "a spare that has booted")
    assert house.local.get(f"pools/{pool}")["template"]["state"] == "ready"
    first, kinds = connect(house, person(house, f"ann-{pool}"), pool)
    assert kinds == [], "a spare is there at once"
    house.local.do("PATCH", f"pools/{pool}", {"size": 3, "spares": 0})
    assert len(desktops(house, pool)) == 1
    bob = person(house, f"bob-{pool}")
    second, kinds = connect(house, bob, pool)
    assert set(kinds) <= {"desktop.make", "desktop.start"} and (kinds or provisioning == "linked")
    assert second["desktop"]["id"] != first["desktop"]["id"]
    name = first["desktop"]["name"]
    generation = house.local.get(f"desktops/{name}")["generation"]
    folder = house.state / "desktops" / first["desktop"]["id"]
    (folder / "written-by-the-guest").write_text("x")
    house.local.do("POST", f"desktops/{name}/refresh")
    if kind == "dedicated":
        wait_until(lambda: (one := house.local.get(f"desktops/{name}"))["state"] == "running"
                   and one["observed_generation"] == generation + 1, 60, "made anew")
        assert folder.exists()
    wait_until(lambda: not (folder / "written-by-the-guest").exists(), 60, "its old disk is gone")


def test_a_version_with_desktops_stays(house):
    assert house.local.call("DELETE", "images/mini").status == 409


def test_provisioning_changes(house):
    make(house, "turn", spares=1)
    wait_until(lambda: house.local.get("pools/turn")["counts"]["free"] == 1, 60, "forked")
    before = desktops(house, "turn")[0]["name"]
    house.local.do("PATCH", "pools/turn", {"provisioning": "linked"})
    wait_until(lambda: [one["name"] for one in desktops(house, "turn") if one["state"] == "running"] not in ([], [before]), 60, "booted in its place")
    house.local.do("PATCH", "pools/turn", {"provisioning": "instant"})
    wait_until(lambda: house.local.get("pools/turn")["template"]["state"] == "ready", 60, "frozen again")


def slow(house, on):
    path = house.state / "copy-slow"
    path.touch() if on else path.unlink()


def copying(house, pool):
    items = house.local.do("GET", "jobs")["items"]
    return next((one for one in items if one["kind"] == "desktop.make" and one["state"] == "running"
                 and one["object"]["name"].startswith(pool) and one["step"].startswith("copying")), None)


def test_a_copy_is_cancelled(house):
    slow(house, True)
    make(house, "cancelled", provisioning="full", spares=1)
    job = wait_until(lambda: copying(house, "cancelled"), 60, "a copy")
    desktop = job["object"]["id"]
    assert (house.state / "desktops" / desktop / "disk.qcow2").exists()
    house.local.do("POST", f"jobs/{job['id']}/cancel")
    wait_until(lambda: house.local.get(f"jobs/{job['id']}")["state"] == "cancelled", 60, "its end")
    house.local.do("DELETE", "pools/cancelled")
    wait_until(lambda: not (house.state / "desktops" / desktop).exists(), 60, "nothing is left")
    slow(house, False)


def test_deleted_while_it_is_copied(house):
    slow(house, True)
    make(house, "deleted", provisioning="full", spares=1)
    job = wait_until(lambda: copying(house, "deleted"), 60, "a copy")
    house.local.do("DELETE", "pools/deleted")
    wait_until(lambda: not (house.state / "desktops" / job["object"]["id"]).exists(), 60, "nothing is left")
    slow(house, False)


def test_killed_in_the_middle_of_a_copy(fresh_house):
    house = fresh_house
    slow(house, True)
    make(house, "killed", provisioning="full", type="dedicated")
    eve = person(house, "eve")
    answer = eve.call("POST", "pools/killed/connect")
    assert answer.status == 202
    job = wait_until(lambda: copying(house, "killed"), 60, "a copy")
    disk = house.state / "desktops" / job["object"]["id"] / "disk.qcow2"
    assert disk.read_text() == "half"
    house.kill()
    slow(house, False)
    house.start()
    connection, _ = connect(house, eve, "killed")
    assert connection["desktop"]["id"] == job["object"]["id"], "hers stays hers"
    assert disk.read_text() != "half"
    assert len(list((house.state / "desktops").iterdir())) == len(desktops(house, "killed"))
