"""Users and groups: lists, changes, ETags, Idempotency-Key."""

import hashlib
import sqlite3
import uuid

import pytest

from stack import PASSWORD


def test_user_life(house):
    local = house.local
    made = local.call("POST", "users", {"name": "greta", "display_name": "Greta G.", "email": "g@example.org",
                                        "roles": ["helpdesk", "user"]})
    assert made.status == 201 and made.headers["Location"] == f"/api/v1/users/{made.json['id']}"
    assert local.get("users/greta") == local.get(f"users/{made.json['id']}") == made.json
    assert made.json["roles"] == ["helpdesk", "user"] and made.json["enabled"]
    changed = local.do("PATCH", "users/greta", {"display_name": ""})
    assert changed["display_name"] == "" and changed["email"] == "g@example.org"
    local.do("DELETE", "users/greta", status=204)
    assert local.refused("GET", "users/greta") == (404, "not-found")


@pytest.mark.parametrize("body, words", [
    ({}, "name"),
    ({"name": ""}, "name"),
    ({"name": "Upper"}, "name"),
    ({"name": "a/b"}, "name"),
    ({"name": "x" * 64}, "name"),
    ({"name": 7}, "name"),
    ({"name": "nul\x00nul"}, "NUL"),
    ({"name": "ok", "roles": []}, "roles"),
    ({"name": "ok", "roles": ["king"]}, "king"),
    ({"name": "ok", "roles": "admin"}, "roles"),
    ({"name": "ok", "password": "short"}, "password"),
    ({"name": "ok", "password": 5}, "password"),
    ({"name": "ok", "display_name": "x" * 201}, "display_name"),
    ({"name": "ok", "surprise": 1}, "surprise"),
])
def test_bad_users(house, body, words):
    answer = house.local.call("POST", "users", body)
    assert (answer.status, answer.json["type"].rsplit("/", 1)[1]) == (422, "invalid")
    assert words in answer.json["detail"]
    assert house.local.refused("GET", "users/ok") == (404, "not-found")


def test_a_password_is_there_with_the_user(house):
    made = house.local.call("POST", "users", {"name": "ilse", "password": PASSWORD})
    assert made.status == 201 and made.json["password_set"] is True
    assert made.json["created_ms"] == made.json["updated_ms"]
    events = house.local.do("GET", "events", query={"object": made.json["id"]})["items"]
    assert [event["action"] for event in events] == ["user.create"], "it was made in more than one step"
    house.login("ilse")
    assert house.local.refused("POST", "users", {"name": "ilse", "password": "another good one"}) == (409, "conflict")
    house.login("ilse")


def test_name_is_taken(house):
    house.local.do("POST", "users", {"name": "hans"})
    assert house.local.refused("POST", "users", {"name": "hans"}) == (409, "conflict")


def test_if_match(house):
    local = house.local
    etag = local.call("POST", "groups", {"name": "match"}).headers["ETag"]
    changed = local.call("PATCH", "groups/match", {"display_name": "one"}, headers={"If-Match": etag})
    assert changed.status == 200 and changed.headers["ETag"] != etag
    for stale in (etag, '"999"', "nonsense", 'W/"1"'):
        assert local.refused("PATCH", "groups/match", {"display_name": "two"}, headers={"If-Match": stale}) == (412, "stale")
        assert local.refused("DELETE", "groups/match", headers={"If-Match": stale}) == (412, "stale")
    local.do("DELETE", "groups/match", headers={"If-Match": changed.headers["ETag"]}, status=204)


def test_idempotency_key(house):
    local, key = house.local, {"Idempotency-Key": uuid.uuid4().hex}
    first = local.call("POST", "groups", {"name": "once"}, headers=key)
    again = local.call("POST", "groups", {"name": "once"}, headers=key)
    assert first.status == again.status == 201 and first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true" and again.headers["Location"] == first.headers["Location"]
    assert local.refused("POST", "groups", {"name": "other"}, headers=key)[0] == 422
    assert house.people["admin"].refused("POST", "groups", {"name": "once"}, headers=key) == (409, "conflict")
    assert local.refused("POST", "groups", {"name": "x"}, headers={"Idempotency-Key": "has space"}) == (422, "invalid")
    assert local.refused("POST", "groups", {"name": "x"}, headers={"Idempotency-Key": "x" * 65}) == (422, "invalid")


def test_idempotency_key_keeps_refusals_too(house):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused = [house.local.call("POST", "groups", {"name": "BAD"}, headers=key) for _ in range(2)]
    assert [answer.status for answer in refused] == [422, 422] and refused[0].body == refused[1].body


def test_groups_and_members(house):
    local = house.local
    local.do("POST", "users", {"name": "ida"})
    group = local.do("POST", "groups", {"name": "staff", "display_name": "All staff"})
    for _ in range(2):
        local.do("PUT", "groups/staff/members/ida", status=204)
    assert [member["name"] for member in local.get("groups/staff")["members"]] == ["ida"]
    assert local.get("users/ida")["groups"] == [{"id": group["id"], "name": "staff"}]
    assert local.refused("PUT", "groups/staff/members/nobody") == (404, "not-found")
    assert local.refused("PUT", "groups/none/members/ida") == (404, "not-found")
    for _ in range(2):
        local.do("DELETE", "groups/staff/members/ida", status=204)
    assert local.get("groups/staff")["members"] == []


def test_pages(house):
    names = [f"page{number:02}" for number in range(7)]
    for name in names:
        house.local.do("POST", "groups", {"name": name})
    listed = [group["name"] for group in house.local.items("groups", limit=3)]
    assert listed == sorted(listed) and set(names) <= set(listed)
    for limit in ("0", "501", "x", "-1", ""):
        assert house.local.refused("GET", "groups", query={"limit": limit}) == (422, "invalid")


def test_the_last_administrator_stays(fresh_house):
    local = fresh_house.local
    assert [user["name"] for user in local.items("users")] == ["admin"]
    assert local.refused("PATCH", "users/admin", {"enabled": False}) == (409, "conflict")
    assert local.refused("PATCH", "users/admin", {"roles": ["user"]}) == (409, "conflict")
    assert local.refused("DELETE", "users/admin") == (409, "conflict")


def test_events_tell_who_did_what(house):
    house.people["admin"].do("POST", "groups", {"name": "told"})
    group = house.local.get("groups/told")
    event = house.people["auditor"].get("events", object=group["id"])["items"][0]
    assert (event["actor"], event["object"]["name"], event["result"]) == ("admin1", "told", "ok")
    assert event["action"].startswith("group.")


def test_no_digest_of_a_password_is_kept(house):
    """From a copy of the database a password could be guessed by an unsalted digest of the body that brought it."""
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    body = b'{"name":"quentin","password":"tulip under glass"}'
    assert house.local.raw("POST", "/api/v1/users", body, headers).status == 201
    digests = {hashlib.sha256(b"POST\n/api/v1/users\n" + text).hexdigest()
               for text in (body, b'{"name": "quentin", "password": "tulip under glass"}')}
    with sqlite3.connect(house.state / "oriel.db") as store:
        kept = {row[0] for row in store.execute("SELECT request FROM idempotency_keys")}
    assert kept and not kept & digests
    other = b'{"name":"quentin","password":"another one of them"}'
    assert house.local.raw("POST", "/api/v1/users", other, headers).headers["Idempotency-Replayed"] == "true"
    assert house.local.raw("POST", "/api/v1/users", b'{"name":"quentin2"}', headers).status == 422
