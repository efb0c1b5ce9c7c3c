"""Directories as objects: what may be in their settings, secrets that never come back. Logging in by one: test_directory.py."""

import uuid

import pytest

LDAP = {"servers": ["ldaps://dc1.example"], "base": "dc=example", "bind_name": "cn=oriel,dc=example"}
OIDC = {"issuer": "https://login.example/realms/desk", "client_id": "oriel"}


@pytest.fixture
def corp(house):
    made = house.local.do("POST", "directories", {"name": "corp", "kind": "ldap", "settings": LDAP, "secret": "s3cret bind"})
    yield made
    house.local.call("DELETE", "directories/corp")


def test_a_life(house, corp):
    local = house.local
    assert (corp["secret_set"], corp["enabled"], corp["settings"]) == (True, True, LDAP)
    assert "s3cret" not in local.call("GET", "directories").body.decode()
    other = local.do("POST", "directories", {"name": "web", "kind": "oidc", "settings": OIDC, "display_name": "The web's"})
    assert other["position"] > corp["position"]
    assert [one["name"] for one in local.items("directories")] == ["corp", "web"]
    local.do("PATCH", "directories/web", {"position": 0})
    assert [one["name"] for one in local.items("directories")] == ["web", "corp"]
    assert local.refused("PATCH", "directories/web", {"kind": "ldap"}) == (422, "invalid")
    assert local.refused("PATCH", "directories/web", {"settings": LDAP}) == (422, "invalid")
    assert local.refused("POST", "directories", {"name": "web", "kind": "oidc", "settings": OIDC}) == (409, "conflict")
    local.do("DELETE", "directories/web", status=204)
    assert local.refused("GET", "directories/web") == (404, "not-found")


def test_the_audit_trail_knows_of_a_secret_only_that_it_changed(house, corp):
    house.local.do("PATCH", "directories/corp", {"secret": "other s3cret"})
    events = [event for event in house.local.items("events") if event["object"] and event["object"]["kind"] == "directory"]
    assert events[0]["detail"] == {"new_secret": [False, True]}
    assert "s3cret" not in str(events) and "s3cret" not in house.log_text()


def test_no_digest_of_a_secret_is_kept(house):
    """Of a refused request a digest stays, by which a repeat is known: the secret must not be in it."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, again = (house.local.call("POST", "directories", {"name": "BAD", "kind": "ldap", "settings": LDAP, "secret": secret}, headers=key)
                    for secret in ("s3cret bind", "another one"))
    assert first.status == 422 and again.headers["Idempotency-Replayed"] == "true" and again.body == first.body


def test_a_secret_does_not_go_to_other_servers(house, corp):
    local = house.local
    elsewhere = {**LDAP, "servers": ["ldaps://mallory.example"]}
    assert local.refused("PATCH", "directories/corp", {"settings": elsewhere}) == (422, "invalid")
    local.do("PATCH", "directories/corp", {"settings": {**LDAP, "nested_groups": "none"}})
    local.do("PATCH", "directories/corp", {"settings": elsewhere, "secret": "for the new ones"})
    assert local.do("PATCH", "directories/corp", {"secret": None})["secret_set"] is False


@pytest.mark.parametrize("change, word", [
    ({"servers": []}, "servers"), ({"servers": ["http://x"]}, "http://x"), ({"servers": ["ldap://"]}, "ldap://"),
    ({"servers": ["ldaps://a b"]}, "ldaps://a b"), ({"servers": ["ldaps://a/?x"]}, "ldaps://a/?x"), ({"base": ""}, "base"),
    ({"base": None}, "base"), ({"bind_name": None}, "bind_name"), ({"bind_template": "uid={user},dc=x"}, "bind_name"),
    ({"bind_name": None, "bind_template": "uid=x"}, "{user}"), ({"certificates": "rubbish"}, "certificates"),
    ({"user_filter": "uid=x"}, "user_filter"), ({"user_filter": "(uid=x)(y=z)"}, "user_filter"), ({"user_filter": "(uid=x"}, "user_filter"),
    ({"login_attribute": "uid)(x"}, "login_attribute"), ({"role": "king"}, "role"), ({"role": ""}, "role"),
    ({"when_down": "pray"}, "when_down"), ({"cached_hours": 0}, "cached_hours"), ({"timeout_seconds": 31}, "timeout_seconds"),
    ({"allow_plain": "yes"}, "allow_plain"), ({"password": "x"}, "password"), ({"base": "dc=x\ny"}, "base"),
])
def test_settings_that_are_none(house, change, word):
    body = {"name": "bad", "kind": "ldap", "settings": {**LDAP, **change}}
    answer = house.local.call("POST", "directories", body)
    assert answer.status == 422 and word in answer.json["detail"], answer


@pytest.mark.parametrize("change", [{"issuer": "http://x"}, {"client_id": None}, {"scopes": "openid"}, {"role": "king"}, {"base": "x"}])
def test_settings_of_a_provider_that_are_none(house, change):
    body = {"name": "bad", "kind": "oidc", "settings": {**OIDC, **change}}
    assert house.local.refused("POST", "directories", body) == (422, "invalid")


@pytest.mark.parametrize("secret", ["", "x" * 4097, 3, ["x"]])
def test_secrets_that_are_none(house, secret):
    body = {"name": "bad", "kind": "ldap", "settings": LDAP, "secret": secret}
    assert house.local.refused("POST", "directories", body) == (422, "invalid")
