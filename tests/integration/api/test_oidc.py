"""Log-ins by OpenID Connect, with a real provider."""

import shutil
import sqlite3
import urllib.parse

import pytest

import fake_images
import stack
from openid import SECRET, OpenIdProvider, Person
from test_totp import code_of, enrol

CALLBACK = "https://localhost/api/v1/login/provider/test/callback"
HOME = "../../../../../"


@pytest.fixture(scope="module")
def shown():
    """An Oriel whose public address is https://localhost, and a provider that it knows as "test"."""
    assert shutil.which("node"), "node is needed: scripts/build says how"
    one = stack.Orield(program="orield-simulated", environment={"ORIEL_PUBLIC_URL": "https://localhost"})
    fake_images.make(one.state / "images", "mini", 1)
    provider = OpenIdProvider(CALLBACK)
    try:
        provider.start()
        one.start()
        one.provider = provider
        one.local.do("POST", "directories", {
            "name": "test", "display_name": "Our company", "kind": "oidc", "secret": SECRET,
            "settings": {"issuer": provider.issuer, "client_id": "oriel", "groups_claim": "groups", "scopes": ["profile", "email", "groups"]}})
        yield one
    finally:
        if provider.process:
            provider.stop()
        one.destroy()


def settings(house, **changed):
    """What the directory's settings are for a while."""
    before = house.local.get("directories/test")["settings"]
    house.local.do("PATCH", "directories/test", {"settings": {**before, **changed}, "secret": SECRET})
    return lambda: house.local.do("PATCH", "directories/test", {"settings": before, "secret": SECRET})


def last_login(house):
    return next(event for event in house.local.items("events") if event["action"] == "login")


def test_who_is_offered(shown):
    stranger = stack.Client(shown, gateway=True)
    assert stranger.get("login/providers") == {"items": [{"name": "test", "display_name": "Our company"}], "kiosk": False}
    shown.local.do("PATCH", "directories/test", {"enabled": False})
    assert stranger.get("login/providers") == {"items": [], "kiosk": False}
    assert Person(shown, shown.provider).begin() == "../../../../#/login/not-found/test"
    shown.local.do("PATCH", "directories/test", {"enabled": True})


def test_the_way_there(shown):
    person = Person(shown, shown.provider)
    first, second = urllib.parse.urlsplit(person.begin()), urllib.parse.urlsplit(person.begin())
    assert f"{first.scheme}://{first.netloc}" == shown.provider.issuer
    asked, again = (dict(urllib.parse.parse_qsl(one.query)) for one in (first, second))
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == CALLBACK and asked["scope"] == "openid profile email groups"
    assert all(len(asked[name]) == 43 and asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    assert "__Host-oriel-provider=" in person.set_cookie[0]
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(person.set_cookie[0].split("; "))
    assert asked["state"] not in person.set_cookie[0]


def test_a_person_logs_in_and_comes_back(shown):
    shown.provider.person("olga", name="Olga Ostrow", email="olga@example.org")
    person = Person(shown, shown.provider)
    assert person.log_in("olga") == HOME
    olga = person.enter(shown)
    me = olga.get("me")["user"]
    assert (me["name"], me["display_name"], me["roles"]) == ("olga", "Olga Ostrow", ["user"])
    assert any("SameSite=Strict" in line and line.startswith("__Host-oriel=") for line in person.set_cookie)
    assert "__Host-oriel-provider" not in person.mine
    login = olga.items("logins")[0]
    assert (login["means"], login["means_name"], login["current"]) == ("provider", "Our company", True)
    user = shown.local.get("users/olga")
    assert user["email"] == "olga@example.org" and not user["password_set"]
    # a second time: the same user, with what the provider says now; the provider's own session asks nothing
    shown.provider.person("olga", name="Olga Petrow")
    assert person.log_in("olga") == HOME
    assert shown.local.get("users/olga")["id"] == user["id"]
    assert shown.local.get("users/olga")["display_name"] == "Olga Petrow"
    # no password fits a user of a provider
    stranger = stack.Client(shown, gateway=True)
    assert stranger.refused("POST", "login", {"name": "olga", "password": "anything at all"}) == (401, "unauthenticated")


def test_who_is_renamed_at_the_provider_stays_who_they_are(shown):
    shown.provider.person("nina", preferred_username="nina")
    person = Person(shown, shown.provider)
    assert person.log_in("nina") == HOME
    nina = person.enter(shown)
    user = shown.local.get("users/nina")
    shown.provider.person("nina", preferred_username="nina.new")
    assert person.log_in("nina") == HOME
    assert shown.local.get("users/nina.new")["id"] == user["id"]
    assert nina.get("me")["user"]["name"] == "nina.new"  # what is open goes on
    # a name that somebody else has is refused with a sentence, and the old one stays
    shown.make_user("held")
    shown.provider.person("nina", preferred_username="held")
    assert person.log_in("nina") != HOME
    assert shown.local.get("users/nina.new")["id"] == user["id"]


def test_log_out_goes_on_to_the_provider(shown):
    person = Person(shown, shown.provider)
    person.log_in("otto")
    url = person.enter(shown).do("POST", "logout", status=200)["provider_url"]
    asked = urllib.parse.urlsplit(url)
    assert url.startswith(shown.provider.issuer + "/session/end?")
    assert dict(urllib.parse.parse_qsl(asked.query)) == {"client_id": "oriel", "post_logout_redirect_uri": "https://localhost/"}


def test_groups_follow_the_claim(shown):
    directory = shown.local.get("directories/test")["id"]
    for name in ("staff", "vip"):
        group = shown.local.do("POST", "groups", {"name": f"oidc-{name}"})["id"]
        with sqlite3.connect(shown.state / "oriel.db", timeout=30) as store:
            store.execute("UPDATE groups SET directory_id = ?, external_id = ?, external_name = ? WHERE id = ?", (directory, name, name, group))
    shown.provider.person("gero", groups=["staff", "vip", "unheard-of"])
    Person(shown, shown.provider).log_in("gero")
    names = lambda: sorted(one["name"] for one in shown.local.get("users/gero")["groups"])  # noqa: E731
    assert names() == ["oidc-staff", "oidc-vip"]
    shown.provider.person("gero", groups=["staff"])
    Person(shown, shown.provider).log_in("gero")
    assert names() == ["oidc-staff"]
    shown.provider.person("gero")
    Person(shown, shown.provider).log_in("gero")
    assert names() == []


def test_an_answer_counts_once_and_in_one_browser(shown):
    person = Person(shown, shown.provider)
    callback = person.at_provider(person.begin(), {"name": "uwe"})
    stale = HOME + "#/login/unauthenticated/test"
    assert Person(shown, shown.provider).oriel(callback) == (302, stale)  # another browser
    cookie = dict(person.mine)
    assert person.oriel(callback) == (302, HOME)
    person.mine = cookie
    assert person.oriel(callback) == (302, stale)  # the same again
    person = Person(shown, shown.provider)
    callback = person.at_provider(person.begin(), {"name": "uwe"})
    changed = callback.replace("state=", "state=x")
    assert person.oriel(changed) == (302, stale)
    assert "__Host-oriel" not in person.mine and "code=" not in changed.split("#")[0].split("?")[0]


def test_who_refuses_and_who_may_not(shown):
    person = Person(shown, shown.provider)
    assert person.log_in("refuse") == HOME + "#/login/forbidden/test"
    event = last_login(shown)
    assert (event["result"], event["detail"]["provider"]) == ("forbidden", "test") and "access_denied" in event["detail"]["why"]
    Person(shown, shown.provider).log_in("dora")
    shown.local.do("PATCH", "users/dora", {"enabled": False})
    person = Person(shown, shown.provider)
    assert person.log_in("dora") == HOME + "#/login/forbidden/test"
    assert "__Host-oriel" not in person.mine
    undo = settings(shown, allow_create=False)
    assert Person(shown, shown.provider).log_in("nobody-yet") == HOME + "#/login/forbidden/test"
    undo()
    shown.make_user("taken")
    assert Person(shown, shown.provider).log_in("taken") == HOME + "#/login/conflict/test"
    assert Person(shown, shown.provider).log_in("not a name") == HOME + "#/login/invalid/test"


def test_another_client_and_a_wrong_secret(shown):
    undo = settings(shown, client_id="another")
    person = Person(shown, shown.provider)
    assert "client_id=another" in person.begin()
    undo()
    shown.local.do("PATCH", "directories/test", {"secret": "wrong"})
    assert Person(shown, shown.provider).log_in("wanda") == HOME + "#/login/unauthenticated/test"
    assert "client_id and secret" in last_login(shown)["detail"]["why"] and "wrong" not in str(last_login(shown))
    shown.local.do("PATCH", "directories/test", {"secret": SECRET})


def test_keys_change(shown):
    assert Person(shown, shown.provider).log_in("rita") == HOME
    shown.provider.rotate()
    assert Person(shown, shown.provider).log_in("rita") == HOME
    # tokens of unknown keys make them be fetched anew at most once a minute
    shown.provider.rotate()
    assert Person(shown, shown.provider).log_in("rita") == HOME + "#/login/unauthenticated/test"
    assert "does not publish" in last_login(shown)["detail"]["why"]
    shown.stop()
    shown.start()
    assert Person(shown, shown.provider).log_in("rita") == HOME


def test_the_second_factor_where_it_is_wanted(shown):
    person = Person(shown, shown.provider)
    person.log_in("zoe")
    secret, _ = enrol(person.enter(shown))
    undo = settings(shown, totp=False)
    assert Person(shown, shown.provider).log_in("zoe") == HOME  # the provider is believed
    undo()
    assert Person(shown, shown.provider).log_in("zoe") == HOME + "#/login/code"  # nothing says that it asked for one
    shown.provider.person("zoe", amr=["pwd", "otp"])
    assert Person(shown, shown.provider).log_in("zoe") == HOME  # it does say so
    undo = settings(shown, totp=True)
    person = Person(shown, shown.provider)
    assert person.log_in("zoe") == HOME + "#/login/code"
    assert "__Host-oriel" not in person.mine
    half = person.mine["__Host-oriel-half"]
    answer = person.client.call("POST", "login/code", {"code": code_of(secret)}, headers={"Cookie": f"__Host-oriel-half={half}"})
    assert answer.status == 200 and answer.json["user"]["name"] == "zoe"
    login = next(one for one in shown.local.items("logins", user="zoe") if one["since_ms"] == max(
        each["since_ms"] for each in shown.local.items("logins", user="zoe")))
    assert login["means"] == "provider"
    assert person.client.refused("POST", "login/code", {"code": "000000"}) == (422, "invalid")
    undo()


def test_a_role_that_must_have_a_second_factor_must_have_it_by_a_provider_too(shown):
    def scopes(sub):
        person = Person(shown, shown.provider)
        assert person.log_in(sub) == HOME
        return person.enter(shown).get("me")["scopes"]
    whole = scopes("mia")
    shown.local.do("PATCH", "settings/login", {"totp_roles": ["user"]})
    undo = settings(shown, second_factor_acr=["gold"])
    try:
        assert scopes("mia") == ["enrol"]  # she sets it up before anything else
        shown.provider.person("mia", acr="silver")
        assert scopes("mia") == ["enrol"]
        shown.provider.person("mia", acr="gold")
        assert scopes("mia") == whole
        asked = urllib.parse.urlsplit(Person(shown, shown.provider).begin())
        assert dict(urllib.parse.parse_qsl(asked.query))["acr_values"] == "gold"
        both = {**shown.local.get("directories/test")["settings"], "totp": True}
        assert shown.local.refused("PATCH", "directories/test", {"settings": both, "secret": SECRET}) == (422, "invalid")
    finally:
        undo()
        shown.local.do("PATCH", "settings/login", {"totp_roles": []})


def test_from_another_address_than_the_public_one(shown):
    client = stack.Client(shown, gateway=True)
    answer = client.call("GET", "login/provider/test", headers={"Host": "10.0.0.1:8443"})
    assert answer.status == 302 and answer.headers["Location"] == "https://localhost/api/v1/login/provider/test?here=true"
    answer = client.call("GET", "login/provider/test", query={"here": "true"}, headers={"Host": "inner"})
    assert answer.headers["Location"].startswith(shown.provider.issuer)


def test_a_provider_that_does_not_answer(shown):
    shown.provider.stop()
    shown.stop()
    shown.start()
    person = Person(shown, shown.provider)
    assert person.begin() == "../../../../#/login/unavailable/test"
    shown.provider.start()
    stack.wait_until(lambda: person.begin().startswith(shown.provider.issuer), 30, "the provider is asked again")


def test_another_issuer_than_it_says(shown):
    undo = settings(shown, issuer=f"http://localhost:{shown.provider.port}")
    assert Person(shown, shown.provider).begin() == "../../../../#/login/corrupt/test"
    undo()
    assert Person(shown, shown.provider).begin().startswith(shown.provider.issuer)


@pytest.mark.parametrize("wrong", [
    {"issuer": "http://login.example"}, {"issuer": "https://login.example/?x"}, {"issuer": "ftp://127.0.0.1"}, {"issuer": 3},
    {"client_id": ""}, {"scopes": ["open id"]}, {"certificates": "no PEM"}, {"totp": "yes"}, {"nonsense": 1},
])
def test_settings_are_strict(shown, wrong):
    good = {"issuer": "https://login.example", "client_id": "oriel"}
    answer = shown.local.call("POST", "directories", {"name": "strict", "kind": "oidc", "settings": {**good, **wrong}})
    assert answer.status == 422 and next(iter(wrong)) in answer.json["detail"], answer
