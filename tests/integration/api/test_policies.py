"""Policies: who decides, who is refused, nobody shuts himself out, and what changes holds for what is open."""

import datetime
import json
import os
import socket
import sqlite3
import struct
import subprocess

import pytest

from stack import BUILD, Client, wait_until
from test_display import UPGRADE, receive_all
from test_viewers import PACKET, REVOKED, Channel, connect

SHARED, NO_CLIPBOARD_IN, NO_CLIPBOARD_OUT, VIEW_ONLY = 16, 2, 4, 1
HERE, ELSEWHERE = "192.0.2.80", "198.51.100.9"


@pytest.fixture
def office(fresh_house):
    house = fresh_house
    for name in ("office", "lab"):
        house.local.do("POST", "pools", {"name": name, "image": "mini", "size": 2})
    house.make_user("ann")
    house.make_user("root", ["admin"])
    house.local.do("POST", "groups", {"name": "sales"})
    house.local.do("PUT", "groups/sales/members/ann", status=204)
    for pool in ("office", "lab"):
        house.local.do("PUT", f"pools/{pool}/entitlements/groups/everyone", status=204)
    return house


def policy(client, name, when=None, then=None, **more):
    return client.do("POST", "policies", {"name": name, "when": when or {}, "then": then or {}, **more})


def explain(house, **question):
    return house.local.do("POST", "policies/explain", {"user": "ann", "pool": "office", **question})


def reasons(answer):
    return {rule["policy"]["name"]: rule["reason"] for rule in answer["rules"]}


def test_the_first_that_matches_decides_and_explain_says_why(office):
    local = office.local
    local.do("POST", "plans", {"name": "strict", "kind": "display", "settings": {"clipboard": "none"}})
    local.do("POST", "plans", {"name": "loose", "kind": "display", "settings": {}})
    local.do("PATCH", "pools/office", {"display_plan": "loose"})
    assert explain(office)["decided"] is None
    assert explain(office)["plans"]["display"]["name"] == "loose"
    policy(local, "mobile", {"devices": ["mobile", "tablet"]}, {"display_plan": "strict"})
    policy(local, "outside", {"groups": ["sales"], "addresses": ["198.51.100.0/24", "2001:db8::/32"]}, {"deny": "Only from the office."})
    policy(local, "nights", {"times": {"time_zone": "Europe/Berlin", "windows": [{"from": "20:00", "to": "06:00"}]}},
           {"only_pools": ["office"]})
    policy(local, "off", enabled=False)
    answer = explain(office, address=HERE, device="tablet")
    assert answer["decided"]["name"] == "mobile" and answer["denied"] is None
    assert answer["plans"]["display"] == {"id": answer["plans"]["display"]["id"], "name": "strict", "from": "policy"}
    assert reasons(answer) == {"mobile": "matches", "outside": "not-reached", "nights": "not-reached", "off": "not-reached"}
    answer = explain(office, address="2001:db8::7", device="desktop")
    assert answer["denied"] == "Only from the office." and answer["plans"]["display"] is None
    assert reasons(answer)["mobile"] == "device"
    noon, midnight = 1795777200000, 1795820400000  # 2026-11-27, 12:00 and 24:00 in Berlin
    answer = explain(office, address=HERE, time_ms=noon)
    assert reasons(answer) == {"mobile": "device", "outside": "address", "nights": "time", "off": "off"}
    assert explain(office, address=HERE, time_ms=midnight)["decided"]["name"] == "nights"
    assert explain(office, address=HERE, time_ms=midnight, pool="lab")["hidden"] is True
    assert reasons(explain(office, address=HERE, user="root", time_ms=noon))["outside"] == "person"
    for wrong in ({"user": "nobody"}, {"pool": "nothing"}):
        assert local.refused("POST", "policies/explain", {"user": "ann", **wrong})[0] == 404
    for wrong in ({"address": "10.0.0.0/8"}, {"device": "fridge"}, {"time_ms": -1}):
        assert local.refused("POST", "policies/explain", {"user": "ann", **wrong})[0] == 422


def test_order(office):
    local = office.local
    for name in ("one", "two", "three"):
        policy(local, name)
    assert explain(office)["decided"]["name"] == "one"
    local.do("PUT", "policies/order", {"policies": ["three", "two", "one"]}, status=204)
    assert [item["name"] for item in local.get("policies")["items"]] == ["three", "two", "one"]
    assert explain(office)["decided"]["name"] == "three"
    assert local.refused("PUT", "policies/order", {"policies": ["three", "two"]})[0] == 409
    assert local.refused("PUT", "policies/order", {"policies": ["three", "two", "four"]})[0] == 404
    local.do("DELETE", "policies/three", status=204)
    assert explain(office)["decided"]["name"] == "two"


@pytest.mark.parametrize("body, word", [
    ({"when": {"addresses": ["10.0.0.1/8"]}}, "bits beyond"),
    ({"when": {"roles": ["root"]}}, "role"),
    ({"when": {"user": ["ann"]}}, "unknown"),
    ({"when": {"times": {"time_zone": "Mars"}}}, "time zone"),
    ({"then": {"deny": " "}}, "sentence"),
    ({"then": {"deny": "No.", "only_pools": ["office"]}}, "neither plans nor pools"),
    ({"then": {"power_plan": "strict"}}, "display plan"),
    ({"when": {"users": "ann"}}, "list"),
    ({"when": {"addresses": ["192.0.2.0/24"] * 201}}, "at most 200"),
])
def test_what_makes_no_sense_is_refused(office, body, word):
    office.local.do("POST", "plans", {"name": "strict", "kind": "display", "settings": {}})
    answer = office.local.call("POST", "policies", {"name": "wrong", **body})
    assert answer.status == 422 and word in answer.json["detail"], answer.json


def test_denied_at_the_click_and_on_the_tile(office):
    policy(office.local, "outside", {"users": ["ann"], "pools": ["office"], "addresses": [ELSEWHERE]}, {"deny": "Only from the office."})
    policy(office.local, "one-pool", {"users": ["ann"], "addresses": [ELSEWHERE]}, {"only_pools": ["office"]})
    outside, inside = office.login("ann", address=ELSEWHERE), office.login("ann", address=HERE)
    answer = outside.call("POST", "pools/office/connect")
    assert answer.status == 403 and answer.json["detail"] == "Only from the office."
    tiles = {tile["pool"]["name"]: tile["denied"] for tile in outside.get("portal")["tiles"]}
    assert tiles == {"office": "Only from the office."}  # the lab is hidden
    assert outside.call("POST", "pools/lab/connect").status == 403
    assert {tile["pool"]["name"]: tile["denied"] for tile in inside.get("portal")["tiles"]} == {"office": None, "lab": None}
    connect(inside, "pools/office/connect")
    refused = [event for event in office.local.get("events")["items"] if event["action"] == "desktop.connect" and event["result"] != "ok"]
    assert refused and refused[0]["address"] == ELSEWHERE


def test_whoever_is_not_let_in_does_nothing_to_the_desktop_either(office):
    office.local.do("PATCH", "pools/office", {"self_service": ["restart", "reset", "refresh"]})
    desktop = connect(office.login("ann", address=HERE), "pools/office/connect")["desktop"]["name"]
    generation = office.local.do("GET", f"desktops/{desktop}")["generation"]
    policy(office.local, "outside", {"users": ["ann"], "addresses": [ELSEWHERE]}, {"deny": "Only from the office."})
    outside, inside = office.login("ann", address=ELSEWHERE), office.login("ann", address=HERE)
    for act in ("restart", "reset", "refresh"):
        answer = outside.call("POST", f"portal/pools/office/{act}")
        assert answer.status == 403 and answer.json["detail"] == "Only from the office."
    assert office.local.do("GET", f"desktops/{desktop}")["generation"] == generation
    inside.do("POST", "portal/pools/office/reset")


def test_nobody_shuts_himself_out(office):
    root = office.login("root", address=HERE)
    answer = root.call("POST", "policies", {"name": "all", "then": {"deny": "Closed."}})
    assert answer.status == 409 and "shut you out" in answer.json["detail"]
    policy(root, "elsewhere", {"addresses": [ELSEWHERE]}, {"deny": "Closed."})
    answer = root.call("PATCH", "policies/elsewhere", {"when": {"addresses": ["192.0.2.0/24"]}})
    assert answer.status == 409
    policy(root, "admins", {"roles": ["admin"]})
    root.do("PUT", "policies/order", {"policies": ["admins", "elsewhere"]}, status=204)
    root.do("PATCH", "policies/elsewhere", {"when": {"addresses": []}})  # an admin passes before it
    assert root.call("PUT", "policies/order", {"policies": ["elsewhere", "admins"]}).status == 409
    assert root.call("PATCH", "policies/admins", {"enabled": False}).status == 409
    assert root.call("DELETE", "policies/admins").status == 409
    office.local.do("DELETE", "policies/admins", status=204)  # the machine's own administrator always has a way in
    assert root.call("POST", "pools/office/connect").status == 403


def test_nobody_shuts_himself_out_of_tonight(office):
    root = office.login("root", address=HERE)
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
    night = {"windows": [{"from": begin.strftime("%H:%M"), "to": (begin + datetime.timedelta(hours=1)).strftime("%H:%M")}]}
    answer = root.call("POST", "policies", {"name": "night", "when": {"times": night}, "then": {"deny": "At night nobody."}})
    assert answer.status == 409 and "shut you out" in answer.json["detail"] and begin.strftime("at %H:%M (UTC)") in answer.json["detail"]
    policy(root, "far", {"times": night, "addresses": [ELSEWHERE]}, {"deny": "Not from there."})
    policy(root, "admins", {"roles": ["admin"]})
    root.do("PUT", "policies/order", {"policies": ["admins", "far"]}, status=204)
    policy(root, "night", {"times": night}, {"deny": "At night nobody."})  # an admin passes before it
    # one that lets the author in by day alone is none that lets in at night
    day = {"windows": [{"from": night["windows"][0]["to"], "to": night["windows"][0]["from"]}]}
    answer = root.call("PATCH", "policies/admins", {"when": {"times": day}})
    assert answer.status == 409 and begin.strftime("%H:%M (UTC)") in answer.json["detail"]


def test_what_cannot_be_read_is_said_and_matches_nobody(office):
    local = office.local
    policy(local, "closed", {"groups": ["sales"]}, {"deny": "Closed."})
    local.do("POST", "plans", {"name": "odd", "kind": "display", "settings": {}})
    assert explain(office)["denied"] == "Closed." and local.get("status")["warnings"] == []
    with sqlite3.connect(office.state / "oriel.db", timeout=60) as database:
        database.execute("UPDATE policies SET settings = '{\"times\": {\"time_zone\": \"Mars/Olympus\"}}'")
        database.execute("UPDATE plans SET settings = '{\"clipboard\": \"sideways\"}'")
    policy(local, "another", {"users": ["root"]})  # now they are read anew
    answer = wait_until(lambda: (now := explain(office))["denied"] is None and now, 60, "the change")
    assert reasons(answer) == {"closed": "unreadable", "another": "person"}
    assert "cannot be read" in local.get("policies/closed")["warnings"][0] and "Mars/Olympus" in local.get("policies/closed")["warnings"][0]
    warnings = local.get("status")["warnings"]
    assert any('policy "closed": cannot be read' in line for line in warnings) and any('plan "odd": cannot be read' in line for line in warnings)
    doctor = subprocess.run([BUILD / "src" / "cli" / "oriel", "doctor", "--json"], env={**office.environment, "LC_ALL": "C.UTF-8"},
                            capture_output=True, text=True, timeout=300)
    said = [check["sentence"] for check in json.loads(doctor.stdout)["checks"] if check["name"] == "status"]
    assert any('policy "closed"' in line for line in said) and any('plan "odd"' in line for line in said)
    local.do("PATCH", "policies/closed", {"when": {"times": None}})
    wait_until(lambda: explain(office)["denied"] == "Closed.", 60, "the policy, set anew")
    local.do("PATCH", "plans/odd", {"settings": {}})
    wait_until(lambda: local.get("status")["warnings"] == [], 60, "nothing to warn of")


def test_what_is_gone_is_said_and_meant_no_more(office):
    local = office.local
    policy(local, "sales", {"groups": ["sales"]}, {"deny": "Not you."})
    assert explain(office)["denied"]
    local.do("DELETE", "groups/sales", status=204)
    item = local.get("policies/sales")
    assert item["when"]["groups"][0]["gone"] and item["when"]["groups"][0]["name"] == "sales"
    assert 'group "sales" is gone' in item["warnings"][0]
    assert explain(office)["decided"] is None  # nobody, not everybody
    local.do("PATCH", "policies/sales", {"when": {"groups": [item["when"]["groups"][0]["id"]]}, "description": "kept"})
    assert explain(office)["decided"] is None
    local.do("PATCH", "policies/sales", {"when": {"groups": []}})
    assert local.get("policies/sales")["warnings"] == []


def test_a_plan_in_use_stays(office):
    local = office.local
    local.do("POST", "plans", {"name": "strict", "kind": "display", "settings": {}})
    policy(local, "one", then={"display_plan": "strict"})
    answer = local.call("DELETE", "plans/strict")
    assert answer.status == 409 and 'policy "one"' in answer.json["detail"]


class Shown(Channel):
    """A channel that stands for the gateway, and ann's display that was handed over to it."""

    def __init__(self, house, address=HERE, opened_at=None):
        super().__init__(house)
        self.given = connect(house.login("ann", address=address), "pools/office/connect")
        client = Client(house, gateway=True, address=opened_at or address).connection()
        client.connect()
        client.sock.sendall(UPGRADE.format(path=self.given["path"]).encode())
        data, descriptors, _ = receive_all(client.sock)
        os.close(descriptors[0])
        self.flags = data[-PACKET:][1]
        self.display = data[-PACKET:][8:34].decode()
        self.say("A", self.display)

    def told(self):
        """(kind, flags, code, reason)"""
        heard = b""
        while len(heard) < PACKET:
            heard += self.socket.recv(PACKET - len(heard))
        assert heard[8:34].decode() == self.display
        return chr(heard[0]), heard[1], struct.unpack("!H", heard[6:8])[0], heard[36:].rstrip(b"\0").decode()


def test_its_plans_hold_for_the_session_and_follow_what_changes(office):
    local = office.local
    for name, settings in (("strict", {"clipboard": "none"}), ("watch", {"view_only": True})):
        local.do("POST", "plans", {"name": name, "kind": "display", "settings": settings})
    local.do("PATCH", "pools/office", {"display_plan": "watch"})
    policy(local, "sales", {"groups": ["sales"]}, {"display_plan": "strict"})
    shown = Shown(office)
    assert shown.flags == SHARED | NO_CLIPBOARD_IN | NO_CLIPBOARD_OUT
    sessions = {who: client.items("sessions") for who, client in (("local", local), ("ann", office.login("ann")))}
    assert {one["policy"]["name"] for one in sessions["local"]} == {"sales"}
    assert [one["policy"] for one in sessions["ann"]] == [None]  # why is for those who look after sessions
    local.do("PATCH", "policies/sales", {"then": {"display_plan": None}})
    assert shown.told()[:2] == ("R", SHARED | VIEW_ONLY)  # the pool's
    local.do("PATCH", "policies/sales", {"then": {"display_plan": "strict"}})
    assert shown.told()[:2] == ("R", SHARED | NO_CLIPBOARD_IN | NO_CLIPBOARD_OUT)
    local.do("DELETE", "groups/sales/members/ann", status=204)
    assert shown.told()[:2] == ("R", SHARED | VIEW_ONLY)
    decided = [event["detail"]["policy"] for event in local.get("events")["items"] if event["action"] == "session.policy"]
    assert decided.count("sales") >= 2 and "" in decided


def test_what_holds_is_decided_by_where_the_display_is_opened(office):
    local = office.local
    for name, settings in (("strict", {"clipboard": "none"}), ("watch", {"view_only": True})):
        local.do("POST", "plans", {"name": name, "kind": "display", "settings": settings})
    policy(local, "outside", {"addresses": [f"{ELSEWHERE}/32"]}, {"display_plan": "strict"})
    shown = Shown(office, address=HERE, opened_at=ELSEWHERE)
    assert shown.flags == SHARED | NO_CLIPBOARD_IN | NO_CLIPBOARD_OUT
    session = local.get(f"sessions/{shown.given['session']['id']}")
    assert session["client"] == ELSEWHERE and session["policy"]["name"] == "outside"
    local.do("PATCH", "policies/outside", {"then": {"display_plan": "watch"}})
    assert shown.told()[:2] == ("R", SHARED | VIEW_ONLY)  # decided anew for the same place

    # Who may not come in from where they open it changes nothing for the display that is open.
    policy(local, "closed", {"addresses": ["203.0.113.0/24"]}, {"deny": "Not from there."})
    given = connect(office.login("ann", address=ELSEWHERE), "pools/office/connect")
    client = Client(office, gateway=True, address="203.0.113.5").connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    client.sock.settimeout(60)
    assert client.sock.recv(65536, socket.MSG_PEEK).startswith(b"HTTP/1.1 403")
    assert local.get(f"sessions/{shown.given['session']['id']}")["client"] == ELSEWHERE


def test_what_cannot_be_read_loosens_nothing(office):
    local = office.local
    for name, settings in (("strict", {"clipboard": "none"}), ("watch", {"view_only": True}), ("loose", {})):
        local.do("POST", "plans", {"name": name, "kind": "display", "settings": settings})
    local.do("PATCH", "pools/office", {"display_plan": "loose"})
    policy(local, "sales", {"groups": ["sales"]}, {"display_plan": "strict"})
    shown = Shown(office)

    def rename(old, new):
        with sqlite3.connect(office.state / "oriel.db", timeout=60) as database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")
    rename("choices", "choices_away")
    local.do("PATCH", "plans/loose", {"description": "everybody is told anew"})
    wait_until(lambda: "cannot be read now" in office.log_text(), 60, "that it was tried")
    rename("choices_away", "choices")
    local.do("PATCH", "policies/sales", {"then": {"display_plan": "watch"}})
    assert shown.told()[:2] == ("R", SHARED | VIEW_ONLY)  # and nothing between


def test_while_it_cannot_be_read_no_log_off_follows_the_pool_instead(office):
    local = office.local
    for name, settings in (("away", {"at_log_off": "delete"}), ("kept", {"at_log_off": "keep"})):
        local.do("POST", "plans", {"name": name, "kind": "release", "settings": settings})
    local.do("POST", "pools", {"name": "own", "image": "mini", "type": "dedicated", "size": 2, "spares": 1, "release_plan": "away"})
    local.do("PUT", "pools/own/entitlements/users/ann")
    policy(local, "sales", {"groups": ["sales"]}, {"release_plan": "kept"})
    ann = office.token_client("ann")
    wait_until(lambda: local.get("pools/own")["counts"]["free"], 60, "a spare")
    connection = ann.do("POST", "pools/own/connect")
    session, desk = f"sessions/{connection['session']['id']}", f"desktops/{connection['desktop']['id']}"
    with sqlite3.connect(office.state / "oriel.db", timeout=60) as database:
        database.execute("ALTER TABLE choices RENAME TO choices_away")
    assert ann.call("POST", f"{session}/log-off").status >= 500
    with sqlite3.connect(office.state / "oriel.db", timeout=60) as database:
        database.execute("ALTER TABLE choices_away RENAME TO choices")
    assert local.get(session)["state"] != "ended"
    ann.do("POST", f"{session}/log-off")
    assert local.get(session)["state"] == "ended"
    assert local.get(desk)["user"]["name"] == "ann" and local.get(desk)["desired"] == "running"


def test_a_policy_that_denies_ends_the_display_that_is_open(office):
    shown = Shown(office)
    policy(office.local, "closed", {"users": ["ann"], "addresses": ["192.0.2.0/24"]}, {"deny": "The office closes now."})
    kind, _, code, reason = shown.told()
    assert (kind, code, reason) == ("X", REVOKED, "The office closes now.")
    assert shown.given["ticket"] and office.login("ann", address=HERE).call("POST", "pools/office/connect").status == 403


def test_a_ticket_from_before_opens_nothing(office):
    given = connect(office.login("ann", address=HERE), "pools/office/connect")
    policy(office.local, "closed", {"users": ["ann"]}, {"deny": "Closed."})
    client = Client(office, gateway=True, address=HERE).connection()
    client.connect()
    client.sock.sendall(UPGRADE.format(path=given["path"]).encode())
    client.sock.settimeout(60)
    assert client.sock.recv(65536, socket.MSG_PEEK).startswith(b"HTTP/1.1 403")


def test_what_was_decided_survives_a_restart(office):
    local = office.local
    local.do("POST", "plans", {"name": "sleep", "kind": "power", "settings": {"on_log_off": {"action": "suspend"}}})
    local.do("POST", "pools", {"name": "own", "image": "mini", "type": "dedicated", "size": 1})
    local.do("PUT", "pools/own/entitlements/groups/everyone", status=204)
    policy(local, "sales", {"groups": ["sales"]}, {"power_plan": "sleep"})
    ann = office.token_client("ann")
    given = connect(ann, "pools/own/connect")
    office.kill()
    office.start()
    ann.do("POST", f"sessions/{given['session']['id']}/log-off")
    desktop = f"desktops/{given['desktop']['id']}"
    wait_until(lambda: office.local.get(desktop)["desired"] == "suspended", 60, "the policy's power plan is followed")
