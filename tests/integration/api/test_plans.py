"""Plans: what they want is done, at once, and a click brings back what sleeps."""

import pytest

from stack import wait_until


@pytest.fixture
def desk(fresh_house):
    """A dedicated pool, ann's desktop in it, and her session disconnected by nobody having looked."""
    house = fresh_house
    house.make_user("ann")
    house.local.do("POST", "pools", {"name": "own", "image": "mini", "type": "dedicated", "size": 3, "spares": 1})
    house.local.do("PUT", "pools/own/entitlements/users/ann")
    house.ann = house.token_client("ann")
    wait_until(lambda: house.local.get("pools/own")["counts"]["free"], 60, "a spare")
    house.connection = house.ann.do("POST", "pools/own/connect")
    house.desk = f"desktops/{house.connection['desktop']['id']}"
    return house


def plan(house, name, kind, settings):
    return house.local.do("POST", "plans", {"name": name, "kind": kind, "settings": settings})


def state(house, word):
    return wait_until(lambda: house.local.get(house.desk)["observed"] == word, 30, word)


@pytest.mark.parametrize("action, desired", [("suspend", "suspended"), ("shut-down", "stopped"), ("power-off", "off")])
def test_it_rests_when_logged_off_and_a_click_brings_it_back(desk, action, desired):
    local = desk.local
    plan(desk, "thrifty", "power", {"on_log_off": {"action": action}})
    local.do("PATCH", "pools/own", {"power_plan": "thrifty"})
    assert local.get("pools/own")["power_plan"]["name"] == "thrifty"
    desk.ann.do("POST", f"sessions/{desk.connection['session']['id']}/log-off")
    state(desk, "stopped")
    assert local.get(desk.desk)["desired"] == desired
    again = desk.ann.call("POST", "pools/own/connect")
    assert again.status in ((200,) if action == "suspend" else (200, 202))  # what was not asleep has to boot: here at once, or soon
    state(desk, "running")
    assert local.get(desk.desk)["user"]["name"] == "ann"


def test_a_changed_plan_holds_for_what_is_there(desk):
    local = desk.local
    local.do("PATCH", "pools/own", {"power_plan": plan(desk, "p", "power", {})["id"]})
    desk.ann.do("POST", f"sessions/{desk.connection['session']['id']}/log-off")
    assert local.get(desk.desk)["desired"] == "running"
    local.do("PATCH", "plans/p", {"settings": {"on_log_off": {"action": "suspend", "after_minutes": 0}}})
    state(desk, "stopped")


def test_spares_follow_the_plan(desk):
    local = desk.local
    always = {"windows": [{}]}
    local.do("PATCH", "pools/own", {"power_plan": plan(desk, "p", "power", {"peak": always, "peak_spares": 2})["name"]})
    wait_until(lambda: local.get("pools/own")["counts"]["free"] == 2, 30, "two spares")
    local.do("PATCH", "plans/p", {"settings": {"peak": {"windows": []}, "peak_spares": 2, "off_peak_spares": 0}})
    wait_until(lambda: local.get("pools/own")["counts"]["desktops"] == 1, 60, "no spares")


def test_delete_at_log_off(desk):
    local = desk.local
    local.do("PATCH", "pools/own", {"release_plan": plan(desk, "r", "release", {"at_log_off": "delete"})["name"]})
    desk.ann.do("POST", f"sessions/{desk.connection['session']['id']}/log-off")
    wait_until(lambda: local.call("GET", desk.desk).status == 404, 30, "its end")


def test_refusals_and_use(fresh_house):
    local = fresh_house.local
    for body, word in [({"name": "x", "kind": "odd"}, "power, release or display"),
                       ({"name": "x", "kind": "power", "settings": {"a": 1}}, "unknown"),
                       ({"name": "x", "kind": "power", "settings": 5}, "object"),
                       ({"name": "", "kind": "power"}, "plan"),
                       ({"name": "x", "kind": "power", "settings": {"peak": {"time_zone": "Nowhere/Here"}}}, "time zone")]:
        answer = local.call("POST", "plans", body)
        assert answer.status == 422 and word in answer.json["detail"], answer
    local.do("POST", "plans", {"name": "x", "kind": "power"})
    assert local.refused("POST", "plans", {"name": "x", "kind": "power"}) == (409, "conflict")
    local.do("POST", "pools", {"name": "lab", "image": "mini", "power_plan": "x", "spares": 0})
    wrong = local.call("PATCH", "pools/lab", {"release_plan": "x"})
    assert wrong.status == 422 and "is a power plan" in wrong.json["detail"]
    assert [one["pools"] for one in local.items("plans")] == [1]
    held = local.call("DELETE", "plans/x")
    assert held.status == 409 and '"lab"' in held.json["detail"]
    local.do("PATCH", "pools/lab", {"power_plan": None})
    local.do("DELETE", "plans/x")
    actions = [event["action"] for event in local.items("events") if event["object"] and event["object"]["kind"] == "plan"]
    assert actions == ["plan.delete", "plan.create"]
