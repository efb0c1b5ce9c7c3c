"""Logging in and out, one-time links, passwords, tokens."""

import re
import sqlite3

import pytest

from stack import PASSWORD, Client


@pytest.fixture(scope="module")
def anna(house):
    return house.make_user("anna")


def test_login_sets_a_strict_cookie(house, anna):
    answer = Client(house, gateway=True).call("POST", "login", {"name": "anna", "password": PASSWORD})
    assert answer.status == 200
    attributes = answer.headers["Set-Cookie"]
    assert attributes.startswith("__Host-oriel=")
    for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
        assert word in attributes.split("; ")
    assert answer.json["user"]["name"] == "anna" and answer.json["user"]["id"] == anna["id"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_wrong_password_and_unknown_user_are_told_alike(house, anna):
    wrong = Client(house, gateway=True, address="192.0.2.10").call("POST", "login", {"name": "anna", "password": "no"})
    nobody = Client(house, gateway=True, address="192.0.2.11").call("POST", "login", {"name": "nil", "password": "no"})
    assert (wrong.status, nobody.status) == (401, 401)
    assert wrong.body == nobody.body
    assert "Set-Cookie" not in wrong.headers


def test_repeated_failures_are_slowed_down(house):
    house.make_user("bert")
    stranger = Client(house, gateway=True, address="192.0.2.12")
    answers = [stranger.call("POST", "login", {"name": "bert", "password": "no"}) for _ in range(12)]
    assert answers[0].status == 401 and answers[-1].status == 429
    assert "Retry-After" not in answers[0].headers
    wait = int(answers[-1].headers["Retry-After"])  # RFC 9110 10.2.3: seconds, as the sentence says them
    assert 1 <= wait <= 30 and answers[-1].json["detail"].endswith(f" {wait} s")
    assert Client(house).get("me")["user"]["id"] is None  # others go on


def test_all_addresses_of_one_network_are_slowed_down_together(house):
    """Whoever has one IPv6 address has the 2^64 beside it."""
    answers = [Client(house, gateway=True, address=f"2001:db8:0:7::{number:x}").call(
        "POST", "login", {"name": f"nobody{number}", "password": "no"}).status for number in range(1, 25)]
    assert answers[0] == 401 and answers[-1] == 429
    other = Client(house, gateway=True, address="2001:db8:0:8::1")
    assert other.call("POST", "login", {"name": "nobody", "password": "no"}).status == 401


def test_changes_need_the_csrf_value(house, anna):
    client = house.login("anna", address="192.0.2.20")
    assert client.get("me")["csrf"] == client.csrf
    for csrf in (None, "", "wrong"):
        forged = Client(house, cookie=client.cookie, csrf=csrf, gateway=True)
        assert forged.refused("POST", "tokens", {"name": "x"}) == (403, "forbidden")
    assert client.do("POST", "tokens", {"name": "with csrf"})["name"] == "with csrf"


def test_logout(house, anna):
    client = house.login("anna", address="192.0.2.21")
    client.do("POST", "logout", status=204)
    assert client.refused("GET", "me") == (401, "unauthenticated")


def test_me_of_the_local_administrator(house):
    me = house.local.get("me")
    assert me["user"]["id"] is None and "admin" in me["user"]["roles"] and me["csrf"] is None


def test_link_is_good_once(house):
    house.local.do("POST", "users", {"name": "clara"})
    assert house.local.get("users/clara")["password_set"] is False
    link = house.local.do("POST", "users/clara/link")
    token = re.search(r"/#/setup/(.+)$", link["url"]).group(1)
    stranger = Client(house, gateway=True, address="192.0.2.30")
    assert stranger.refused("POST", "setup", {"token": token, "password": "short"}) == (422, "invalid")
    answer = stranger.call("POST", "setup", {"token": token, "password": PASSWORD})
    assert answer.status == 200 and answer.json["user"]["name"] == "clara"
    assert stranger.refused("POST", "setup", {"token": token, "password": PASSWORD}) == (404, "not-found")
    assert house.login("clara", address="192.0.2.31").get("me")["user"]["name"] == "clara"


def test_a_new_link_ends_the_old_one(house):
    house.local.do("POST", "users", {"name": "carl"})
    first = house.local.do("POST", "users/carl/link")["url"].rsplit("/", 1)[1]
    house.local.do("POST", "users/carl/link")
    stranger = Client(house, gateway=True, address="192.0.2.32")
    assert stranger.refused("POST", "setup", {"token": first, "password": PASSWORD}) == (404, "not-found")


def test_own_password_needs_the_current_one(house):
    house.make_user("dora")
    client, other = house.login("dora", address="192.0.2.40"), house.login("dora", address="192.0.2.41")
    new = "another good secret"
    assert client.refused("PUT", "users/dora/password", {"password": new}) == (422, "invalid")
    assert client.refused("PUT", "users/dora/password", {"password": new, "current": "no"})[0] in (401, 403)
    client.do("PUT", "users/dora/password", {"password": new, "current": PASSWORD}, status=204)
    assert client.get("me")["user"]["name"] == "dora"
    assert other.refused("GET", "me") == (401, "unauthenticated")
    assert house.login("dora", new, address="192.0.2.42")


def test_an_administrator_sets_passwords_and_disables(house):
    house.make_user("emil")
    client = house.login("emil", address="192.0.2.50")
    house.people["admin"].do("PUT", "users/emil/password", {"password": "set by the admin"}, status=204)
    assert client.refused("GET", "me")[0] == 401
    client = house.login("emil", "set by the admin", address="192.0.2.51")
    house.local.do("PATCH", "users/emil", {"enabled": False})
    assert client.refused("GET", "me")[0] == 401
    stranger = Client(house, gateway=True, address="192.0.2.52")
    assert stranger.refused("POST", "login", {"name": "emil", "password": "set by the admin"})[0] == 401


def test_tokens(house):
    house.make_user("fritz")
    client = house.login("fritz", address="192.0.2.60")
    made = client.do("POST", "tokens", {"name": "backup script", "days": 1})
    assert made["expires_ms"] - made["created_ms"] == pytest.approx(86400000, abs=60000)
    assert client.do("POST", "tokens", {"name": "for ever", "days": None})["expires_ms"] is None
    script = Client(house, token=made["token"], gateway=True)
    assert script.get("me")["user"]["name"] == "fritz"
    listed = client.items("tokens")
    assert {"backup script", "for ever"} == {token["name"] for token in listed}
    assert all("token" not in token for token in listed)
    assert house.people["user"].refused("DELETE", f"tokens/{made['id']}") == (404, "not-found")
    client.do("DELETE", f"tokens/{made['id']}", status=204)
    assert script.refused("GET", "me") == (401, "unauthenticated")
    assert client.refused("POST", "tokens", {"name": "x", "days": 0}) == (422, "invalid")


def test_the_local_administrator_makes_tokens_for_others(house):
    house.make_user("greta")
    assert house.local.refused("POST", "tokens", {"name": "nobody's"}) == (409, "conflict")
    assert house.local.refused("POST", "tokens", {"name": "x", "user": "no-such"}) == (404, "not-found")
    made = house.local.do("POST", "tokens", {"name": "backup", "user": "greta", "scopes": ["read"]}, status=201)
    script = Client(house, token=made["token"], gateway=True)
    assert script.get("me")["user"]["name"] == "greta"
    assert [token["id"] for token in house.local.get("tokens", user="greta")["items"]] == [made["id"]]
    greta = house.login("greta", address="192.0.2.62")
    for other in (greta, house.people["admin"], house.login("greta", address="192.0.2.63")):
        assert other.refused("POST", "tokens", {"name": "x", "user": "greta"}) == (403, "forbidden")
        assert other.refused("GET", "tokens?user=greta") == (403, "forbidden")
    house.local.do("DELETE", f"tokens/{made['id']}", status=204)
    assert script.refused("GET", "me") == (401, "unauthenticated")


def test_tokens_of_one_user_have_a_bound(house):
    house.make_user("hugo")
    hugo = house.login("hugo", address="192.0.2.61")
    for number in range(100):
        hugo.do("POST", "tokens", {"name": f"script {number}"}, status=201)
    assert hugo.refused("POST", "tokens", {"name": "one more"}) == (409, "conflict")
    hugo.do("DELETE", f"tokens/{hugo.items('tokens')[0]['id']}", status=204)
    hugo.do("POST", "tokens", {"name": "one more"}, status=201)


def test_a_token_is_not_kept_for_repeats(house):
    made = house.local.do("POST", "users", {"name": "gerda", "password": PASSWORD}) and house.login("gerda").do(
        "POST", "tokens", {"name": "script"}, headers={"Idempotency-Key": "gerda-1"})
    with sqlite3.connect(f"file:{house.state}/oriel.db?mode=ro", uri=True) as store:
        assert store.execute("SELECT count(*) FROM tokens WHERE id = ?", (made["id"],)).fetchone() == (1,)
        assert not [row for row in store.execute("SELECT body FROM idempotency_keys") if made["token"] in (row[0] or "")]


def test_a_token_at_the_local_socket_is_its_user(house):
    assert house.people["user"].get("me")["user"]["name"] == "user1"
    assert house.people["user"].refused("GET", "users") == (403, "forbidden")


def test_no_secret_in_the_log(house):
    log = house.log_text()
    assert PASSWORD not in log
    assert all(client.token not in log for client in house.people.values())
