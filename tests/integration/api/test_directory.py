"""Logging in by a directory: a real OpenLDAP server over StartTLS and LDAPS, with Active Directory's attributes where they matter."""

import contextlib
import socket
import time
import uuid

import pytest

import slapd
from slapd import SERVICE, SERVICE_PASSWORD, SUFFIX, groups, people
from stack import PASSWORD, Client, free_port, wait_until

ANN, BOB, EVE = "ann's own secret", "bob's own secret", "eve's own secret"
GUIDS = {name: uuid.uuid5(uuid.NAMESPACE_DNS, name) for name in ("gina", "hans", "Sales")}
MANY = 700


def ad_user(name, control, **more):
    return slapd.entry(f"cn={name} of AD,ou=ad,{SUFFIX}", objectClass="user", cn=f"{name} of AD", sn=name,
                       displayName=f"{name} Displayed", sAMAccountName=name, userPrincipalName=f"{name}@corp.example",
                       objectGUID=GUIDS[name.lower()].bytes_le, userAccountControl=control, userPassword=ANN, **more)


def data():
    crowd = [people("bob")]
    text = slapd.base()
    text += slapd.person("ann", ANN, cn="Ann Ascot") + slapd.person("bob", BOB) + slapd.person("eve", EVE)
    text += slapd.person("admin", EVE) + slapd.person("odd name", EVE) + slapd.person("star*", EVE)
    text += slapd.group("staff", people("ann"), people("bob"))
    text += slapd.group("inner", people("ann")) + slapd.group("middle", groups("inner")) + slapd.group("outer", groups("middle"))
    text += slapd.group("circle-a", groups("circle-b"), people("eve")) + slapd.group("circle-b", groups("circle-a"))
    text += slapd.group("other", people("eve"))
    text += slapd.entry(groups("posix"), objectClass="posixGroup", cn="posix", gidNumber="77", memberUid="ann")
    text += "".join(slapd.group(f"many-{number:04}", *crowd) for number in range(MANY))
    text += ad_user("Gina", "512") + ad_user("Hans", "514")
    text += slapd.entry(f"cn=Sales,ou=ad,{SUFFIX}", objectClass="group", cn="Sales", sAMAccountName="Sales",
                        objectGUID=GUIDS["Sales"].bytes_le, member=f"cn=Gina of AD,ou=ad,{SUFFIX}")
    return text


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return slapd.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    one = slapd.Slapd(authority, *authority.issue("server", "DNS:directory.example,IP:127.0.0.1"), data())
    try:
        yield one
    finally:
        one.destroy()


def settings(server, authority, **more):
    found = {"servers": [server.url], "certificates": authority.pem, "base": SUFFIX, "users_base": f"ou=people,{SUFFIX}",
             "groups_base": f"ou=groups,{SUFFIX}", "bind_name": SERVICE, "timeout_seconds": 10, **more}
    return {key: value for key, value in found.items() if value is not None}


@contextlib.contextmanager
def directory(house, name, of, secret=SERVICE_PASSWORD):
    made = house.local.do("POST", "directories", {"name": name, "kind": "ldap", "settings": of,
                                                   **({"secret": secret} if secret else {})})
    try:
        yield made
    finally:
        house.local.do("DELETE", f"directories/{name}")


@pytest.fixture
def corp(house, server, authority):
    with directory(house, "corp", settings(server, authority)) as made:
        yield made


addresses = (f"198.51.{high}.{low}" for high in range(100) for low in range(1, 250))


def login_once(house, name, password):
    """Each from an address of its own: the bound of an address is not what is tried here."""
    return Client(house, gateway=True, address=next(addresses)).call("POST", "login", {"name": name, "password": password})


def try_login(house, name, password):
    """Tests before this one may have failed with the same name."""
    answer = login_once(house, name, password)
    while answer.status == 429:
        time.sleep(int(answer.headers["Retry-After"]))
        answer = login_once(house, name, password)
    return answer


def steps(house, name, **body):
    answer = house.local.do("POST", f"directories/{name}/test", body)
    assert answer["ok"] == all(step["ok"] for step in answer["steps"])
    return answer["steps"]


def names(steps):
    return [step["step"] for step in steps]


@pytest.mark.parametrize("way", ["url", "tls_url"])
def test_a_person_is_made_at_the_first_log_on(house, server, authority, way):
    with directory(house, "corp", settings(server, authority, servers=[getattr(server, way)])):
        answer = try_login(house, "Ann", ANN)
        assert answer.status == 200, answer
        user = house.local.get("users/ann")
        assert (user["display_name"], user["email"], user["roles"]) == ("Ann Ascot", "ann@example.org", ["user"])
        assert user["directory"]["name"] == "corp" and not user["password_set"]
        assert house.local.get("directories/corp")["users"] == 1
        again = try_login(house, "ann", ANN)
        assert again.json["user"]["id"] == user["id"]
    assert house.local.refused("GET", "users/ann") == (404, "not-found")


def test_who_is_refused(house, corp):
    known = try_login(house, "ann", "not ann's secret")
    unknown = try_login(house, "nobody", "some secret or other")
    empty = try_login(house, "ann", "")
    assert {answer.status for answer in (known, unknown, empty)} == {401}
    assert known.json["detail"] == unknown.json["detail"] == empty.json["detail"]
    assert house.local.refused("GET", "users/ann") == (404, "not-found")
    assert ANN not in house.log_text() and "not ann's secret" not in house.log_text()


@pytest.mark.parametrize("name", ["*", "a*", "ann)(uid=*", "*)(objectClass=*", "ann\\2a", "ann)", "\\", "ann,ou=people", "()", "(&"])
def test_injection_finds_nobody(house, corp, name):
    assert try_login(house, name, ANN).status == 401
    assert names(steps(house, "corp", user=name))[-1] == "find"


def test_a_star_in_a_name_is_a_star(house, corp):
    found = steps(house, "corp", user="star*", password=EVE)
    assert [step["step"] for step in found if not step["ok"]] == []


def test_only_the_name_as_it_is_written_is_the_persons(house, corp):
    """The directory compares loosely: each of these would have attempts of its own."""
    for name in ("\uff41nn", "a\uff4en", "\uff41\uff4e\uff4e"):
        assert try_login(house, name, ANN).status == 401, name
        assert names(steps(house, "corp", user=name))[-1] == "find"
    assert try_login(house, "ANN", ANN).status == 200


def test_names_that_oriel_cannot_have(house, corp):
    answer = try_login(house, "odd name", EVE)
    assert answer.status == 422 and "odd name" in answer.json["detail"]
    answer = try_login(house, "admin", EVE)  # Oriel's own, whose password it is not
    assert answer.status == 401


def test_a_local_user_of_the_same_name_is_never_taken_over(house, corp):
    house.make_user("bob")
    try:
        assert try_login(house, "bob", PASSWORD).status == 200
        assert try_login(house, "bob", BOB).status == 401
        assert house.local.get("users/bob")["directory"] is None
    finally:
        house.local.do("DELETE", "users/bob")


def test_guessing_is_slowed_down(house, corp):
    for _ in range(8):
        if login_once(house, "eve", "not eve's secret").status == 429:
            break
    answer = login_once(house, "eve", EVE)
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
    assert try_login(house, "eve", EVE).status == 200


def test_nobody_new_unless_allowed(house, server, authority):
    with directory(house, "corp", settings(server, authority, allow_create=False)):
        answer = try_login(house, "ann", ANN)
        assert answer.status == 403 and "ann" in answer.json["detail"]
        house.local.do("PATCH", "directories/corp", {"settings": settings(server, authority, role="helpdesk")})
        assert try_login(house, "ann", ANN).json["user"]["roles"] == ["helpdesk"]
        house.local.do("PATCH", "directories/corp", {"settings": settings(server, authority, allow_create=False)})
        assert try_login(house, "ann", ANN).status == 200


def test_no_password_of_their_own(house, corp):
    assert try_login(house, "ann", ANN).status == 200
    answer = house.local.call("PUT", "users/ann/password", {"password": "a long local one"})
    assert answer.status == 409 and "corp" in answer.json["detail"]
    assert house.local.refused("POST", "users/ann/link") == (409, "conflict")
    ann = house.login("ann", ANN)
    assert ann.refused("PUT", "users/ann/password", {"password": "a long local one", "current": ANN}) == (409, "conflict")


def test_disabled_in_oriel_or_directory(house, corp, server):
    assert try_login(house, "ann", ANN).status == 200
    house.local.do("PATCH", "users/ann", {"enabled": False})
    assert try_login(house, "ann", ANN).status == 401
    house.local.do("PATCH", "directories/corp", {"enabled": False})
    assert try_login(house, "eve", EVE).status == 401


def test_disabling_a_directory_ends_what_its_people_have_open(house, server, authority):
    with directory(house, "corp", settings(server, authority)):
        cookie = house.login("ann", ANN, next(addresses))
        token = Client(house, token=cookie.do("POST", "tokens", {"name": "of ann"})["token"])
        assert cookie.call("GET", "me").status == token.call("GET", "me").status == 200
        house.local.do("PATCH", "directories/corp", {"enabled": False})
        assert cookie.refused("GET", "me") == token.refused("GET", "me") == (401, "unauthenticated")
        house.local.do("PATCH", "directories/corp", {"enabled": True})
        assert cookie.call("GET", "me").status == 401 and token.call("GET", "me").status == 200
    assert token.refused("GET", "me") == (401, "unauthenticated")


def test_who_has_left_the_directory_is_logged_out(house, server, authority):
    """Looked up at use: of a person whom this process has not looked up yet, at once; else after ten minutes."""
    server.change(slapd.person("leaver", ANN))
    with directory(house, "corp", settings(server, authority, timeout_seconds=1)):
        people_in = {name: house.login(name, ANN, next(addresses)) for name in ("leaver", "ann")}
        token = Client(house, token=people_in["leaver"].do("POST", "tokens", {"name": "of leaver"})["token"])
        house.stop()
        house.start()
        server.stop()  # a directory that is down ends nothing
        assert people_in["leaver"].get("me")["directory"]["name"] == "corp" and token.call("GET", "me").status == 200
        time.sleep(2)
        assert people_in["leaver"].call("GET", "me").status == 200
        server.start()
        server.change(f"dn: {people('leaver')}\nchangetype: delete\n\n")
        house.stop()
        house.start()
        wait_until(lambda: people_in["leaver"].call("GET", "me").status == 401, 30, "the leaver is logged out")
        assert token.call("GET", "me").status == 401 and people_in["ann"].call("GET", "me").status == 200
        event = [one for one in house.local.items("events") if one["action"] == "user.left-directory"][0]
        assert (event["actor"], event["object"]["name"]) == ("directory corp", "leaver")
        assert event["detail"] == {"why": "gone", "logins": 1, "tokens": 1}
        assert people_in["ann"].call("GET", "me").status == 200


def rename(server, old, new):
    server.change(f"dn: {people(old)}\nchangetype: modrdn\nnewrdn: uid={new}\ndeleteoldrdn: 1\n\n")


def again(house):
    """A process that has looked up nobody yet."""
    house.stop()
    house.start()


def test_who_was_renamed_while_logged_in_is_the_same_person(house, server, authority):
    server.change(slapd.person("miss", ANN))
    with directory(house, "corp", settings(server, authority)):
        cookie = house.login("miss", ANN, next(addresses))
        before = cookie.get("me")["user"]
        rename(server, "miss", "mrs")
        try:
            again(house)
            wait_until(lambda: cookie.get("me")["user"]["name"] == "mrs", 30, "the new name")
            assert cookie.get("me")["user"]["id"] == before["id"]
            changed = next(one for one in house.local.items("events") if one["action"] == "user.update")
            assert changed["actor"] == "directory corp" and changed["detail"]["name"] == ["miss", "mrs"]
            # the next name is taken: the old one stays, nobody is logged out, and it is said once
            house.make_user("madam")
            rename(server, "mrs", "madam")
            def refusals():
                return [one for one in house.local.items("events") if one["action"] == "user.rename-refused"]
            again(house)
            wait_until(lambda: cookie.get("me") and refusals(), 30, "the refusal")
            assert refusals()[0]["object"]["name"] == "mrs" and refusals()[0]["result"] == "conflict"
            assert refusals()[0]["detail"]["name"] == "madam" and "of its own" in refusals()[0]["detail"]["why"]
            assert cookie.get("me")["user"]["name"] == "mrs"
        finally:
            server.change(f"dn: {people('madam')}\nchangetype: delete\n\n")
            house.local.call("DELETE", "users/madam")


def test_somebody_new_may_have_the_name_of_who_was_renamed(house, corp, server):
    server.change(slapd.person("junior", ANN))
    before = try_login(house, "junior", ANN).json["user"]
    rename(server, "junior", "senior")
    server.change(slapd.person("junior", EVE))
    try:
        new = try_login(house, "junior", EVE)
        assert new.status == 200 and new.json["user"]["id"] != before["id"]
        assert house.local.get("users/senior")["id"] == before["id"]
    finally:
        for name in ("junior", "senior"):
            server.change(f"dn: {people(name)}\nchangetype: delete\n\n")


def test_who_has_left_is_logged_out_without_a_request_of_theirs(house, server, authority):
    """At a native display nobody asks the API for anything."""
    server.change(slapd.person("idler", ANN))
    with directory(house, "corp", settings(server, authority)):
        house.login("idler", ANN, next(addresses))
        house.login("ann", ANN, next(addresses))

        def logged_in():
            return {one["user"]["name"] for one in house.local.items("logins?all=true")}
        assert {"idler", "ann"} <= logged_in()
        server.change(f"dn: {people('idler')}\nchangetype: delete\n\n")
        again(house)
        wait_until(lambda: "idler" not in logged_in(), 300, "the idler is logged out")
        assert "ann" in logged_in()


# ---- groups ----

def enter(house, name, of, **more):
    return house.local.do("POST", "groups", {"name": name, "directory": "corp", "directory_group": of, **more})


def member_of(house, name):
    return [group["name"] for group in house.local.get(f"users/{name}")["groups"]]


@pytest.fixture
def entered(house, corp):
    """Groups go with their directory."""
    for name, of in (("staff", "staff"), ("outer", groups("outer")), ("circle", "circle-b"), ("other", "other"), ("posix", "posix")):
        enter(house, name, of)


def test_groups_are_those_of_the_directory_nested_too(house, entered):
    assert try_login(house, "ann", ANN).status == 200
    assert member_of(house, "ann") == ["outer", "posix", "staff"]
    assert try_login(house, "eve", EVE).status == 200
    assert member_of(house, "eve") == ["circle", "other"]
    group = house.local.get("groups/outer")
    assert (group["directory"]["name"], group["directory_group"]) == ("corp", groups("outer"))


def test_nesting_can_be_off(house, entered, server, authority):
    house.local.do("PATCH", "directories/corp", {"settings": settings(server, authority, nested_groups="none")})
    assert try_login(house, "ann", ANN).status == 200
    assert member_of(house, "ann") == ["posix", "staff"]


def test_a_group_is_checked_when_it_is_entered(house, corp):
    enter(house, "staff", "STAFF")
    for wrong, status in (("stuff", 404), (groups("stuff"), 404), (people("ann"), 404), ("*", 404), ("staff)(cn=*", 404), ("", 422)):
        answer = house.local.call("POST", "groups", {"name": "other", "directory": "corp", "directory_group": wrong})
        assert answer.status == status, (wrong, answer)
    again = house.local.call("POST", "groups", {"name": "again", "directory": "corp", "directory_group": groups("staff")})
    assert again.status == 409 and "staff" in again.json["detail"]
    assert house.local.refused("POST", "groups", {"name": "x", "directory": "none", "directory_group": "staff"}) == (404, "not-found")
    assert house.local.refused("POST", "groups", {"name": "x", "directory": "corp"}) == (422, "invalid")


def test_whom_an_administrator_put_there_stays(house, entered):
    assert try_login(house, "ann", ANN).status == 200
    house.local.do("PUT", "groups/other/members/ann")
    assert try_login(house, "ann", ANN).status == 200
    assert member_of(house, "ann") == ["other", "outer", "posix", "staff"]


def test_more_groups_than_a_server_gives_at_once(house, corp):
    enter(house, "last", f"many-{MANY - 1:04}")
    enter(house, "first", "many-0000")
    assert try_login(house, "bob", BOB).status == 200
    assert member_of(house, "bob") == ["first", "last"]
    assert f"member of {MANY + 1} groups" in steps(house, "corp", user="bob")[-2]["detail"]


def test_left_a_group_and_a_group_that_vanished(house, corp, server):
    server.change(slapd.group("club", people("ann"), people("eve")) + slapd.group("doomed", people("ann")))
    try:
        enter(house, "club", "club")
        enter(house, "doomed", "doomed")
        assert try_login(house, "ann", ANN).status == 200
        assert member_of(house, "ann") == ["club", "doomed"]
        server.change(f"dn: {groups('club')}\nchangetype: modify\ndelete: member\nmember: {people('ann')}\n\n")
        server.change(f"dn: {groups('doomed')}\nchangetype: delete\n\n")
        assert member_of(house, "ann") == ["club", "doomed"]
        assert try_login(house, "ann", ANN).status == 200
        assert member_of(house, "ann") == []
        assert house.local.get("groups/club")["missing_since_ms"] is None
        assert house.local.get("groups/doomed")["missing_since_ms"] > 0
        assert not steps(house, "corp")[-1]["ok"] and "doomed" in steps(house, "corp")[-1]["detail"]
    finally:
        server.change(f"dn: {groups('club')}\nchangetype: delete\n\n")


def test_a_renamed_user_stays_who_they_are(house, corp, server):
    server.change(slapd.person("maid", ANN))
    enter(house, "staff", "staff")
    before = try_login(house, "maid", ANN).json["user"]
    server.change(f"dn: {people('maid')}\nchangetype: modrdn\nnewrdn: uid=wife\ndeleteoldrdn: 1\n\n")
    try:
        assert try_login(house, "maid", ANN).status == 401
        after = try_login(house, "wife", ANN).json["user"]
        assert (after["id"], after["name"]) == (before["id"], "wife")
        server.change(slapd.person("maid", EVE))  # somebody else
        new = try_login(house, "maid", EVE).json["user"]
        assert new["id"] != before["id"]
        server.change(f"dn: {people('maid')}\nchangetype: delete\n\n" + f"dn: {people('wife')}\nchangetype: modrdn\nnewrdn: uid=maid\n"
                      "deleteoldrdn: 1\n\n")
        taken = try_login(house, "maid", ANN)
        assert taken.status == 409 and "maid" in taken.json["detail"]
        house.local.do("DELETE", "users/maid")
        assert try_login(house, "maid", ANN).json["user"]["id"] == before["id"]
    finally:
        server.change(f"dn: {people('maid')}\nchangetype: delete\n\n")


# ---- Active Directory's attributes ----

def ad(server, authority, **more):
    return settings(server, authority, type="active-directory", users_base=f"ou=ad,{SUFFIX}", groups_base=f"ou=ad,{SUFFIX}",
                    nested_groups="search", **more)


def test_active_directory(house, server, authority):
    with directory(house, "corp", ad(server, authority)):
        enter(house, "sales", "Sales")
        assert try_login(house, "GINA", ANN).json["user"]["display_name"] == "Gina Displayed"
        assert member_of(house, "gina") == ["sales"]
        assert try_login(house, "hans", ANN).status == 401  # ACCOUNTDISABLE
        found = steps(house, "corp", user="Gina", password=ANN)
        assert str(GUIDS["gina"]) in next(step for step in found if step["step"] == "find")["detail"]
        assert "disabled" in steps(house, "corp", user="hans")[-1]["detail"]


def test_principal_names(house, server, authority):
    with directory(house, "corp", ad(server, authority, login_attribute="userPrincipalName")):
        assert try_login(house, "Gina@corp.example", ANN).json["user"]["name"] == "gina@corp.example"


def test_people_bind_as_themselves(house, server, authority):
    of = settings(server, authority, bind_name=None, bind_template="uid={user},ou=people," + SUFFIX)
    with directory(house, "corp", of, secret=None):
        assert try_login(house, "ann", ANN).status == 200
        assert try_login(house, "ann", BOB).status == 401
        assert try_login(house, "ann,ou=people", ANN).status == 401
        assert house.local.refused("POST", "groups", {"name": "g", "directory": "corp", "directory_group": "staff"}) == (409, "conflict")
        assert names(steps(house, "corp", user="eve", password=EVE)) == ["resolve", "connect", "tls", "bind-user", "find", "groups"]


# ---- TLS and servers ----

def test_the_steps_of_a_test(house, corp):
    found = steps(house, "corp", user="ann", password=ANN)
    assert names(found) == ["resolve", "connect", "tls", "bind", "base", "find", "bind-user", "groups"]
    assert "CN=server" in found[2]["detail"] and "Test authority" in found[2]["detail"] and "20" in found[2]["detail"]
    wrong = steps(house, "corp", user="ann", password="wrong")
    assert [step["step"] for step in wrong if not step["ok"]] == ["bind-user"]
    assert names(steps(house, "corp", user="ann")) == ["resolve", "connect", "tls", "bind", "base", "find", "groups"]
    assert ANN not in str(found) and SERVICE_PASSWORD not in str(found)


def test_steps_that_fail(house, server, authority):
    for change, secret, step in (
            ({"servers": ["ldaps://no-such-host.invalid"]}, SERVICE_PASSWORD, "resolve"),
            ({"servers": [f"ldap://localhost:{free_port()}"]}, SERVICE_PASSWORD, "connect"),
            ({}, "wrong", "bind"), ({"users_base": f"ou=none,{SUFFIX}"}, SERVICE_PASSWORD, "base")):
        with directory(house, "corp", settings(server, authority, **change), secret):
            found = steps(house, "corp")
            assert names(found)[-1] == step and not found[-1]["ok"] and found[-1]["detail"], (step, found)


@pytest.mark.parametrize("fault, word", [("host", "another host"), ("authority", "no authority"), ("expired", "expired")])
@pytest.mark.parametrize("way", ["url", "tls_url"])
def test_a_bad_certificate(house, authority, tmp_path, fault, word, way):
    issuer = slapd.Authority(tmp_path, "Somebody else") if fault == "authority" else authority
    names = "DNS:other.example" if fault == "host" else "IP:127.0.0.1"
    bad = slapd.Slapd(authority, *issuer.issue(f"bad-{fault}", names, -1 if fault == "expired" else 30), slapd.base())
    try:
        with directory(house, "corp", settings(bad, authority, servers=[getattr(bad, way)])):
            assert try_login(house, "ann", ANN).status == 503
            found = steps(house, "corp")
            assert found[-1]["step"] == "tls" and word in found[-1]["detail"], found
    finally:
        bad.destroy()


def test_no_tls_is_for_loopback_only_and_only_if_allowed(house, server, authority):
    plain = settings(server, authority, allow_plain=True, certificates=None)
    with directory(house, "corp", plain):
        assert try_login(house, "ann", ANN).status == 200
        assert "none" in next(step for step in steps(house, "corp") if step["step"] == "tls")["detail"]
    with directory(house, "corp", settings(server, authority, certificates=None)):
        assert try_login(house, "ann", ANN).status == 503  # the system does not know the authority


def test_the_first_server_is_dead(house, server, authority):
    dead = f"ldap://localhost:{free_port()}"
    with directory(house, "corp", settings(server, authority, servers=[dead, server.tls_url])):
        assert try_login(house, "ann", ANN).status == 200
        found = house.local.do("POST", "directories/corp/test", {"user": "ann"})
        failed = [step["step"] for step in found["steps"] if not step["ok"]]
        assert failed == ["connect"] and names(found["steps"])[-1] == "groups"


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_server_that_says_nothing(house, server, authority, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://localhost:{silent.getsockname()[1]}"
        with directory(house, "corp", settings(server, authority, servers=[url], timeout_seconds=1)):
            assert try_login(house, "ann", ANN).status == 503
            assert names(steps(house, "corp"))[-1] == "tls"


# ---- when it does not answer ----

def test_down_and_refused(house, server, authority):
    with directory(house, "corp", settings(server, authority, timeout_seconds=1)):
        assert try_login(house, "ann", ANN).status == 200
        server.stop()
        try:
            known, unknown = try_login(house, "ann", ANN), try_login(house, "nobody", "whatever it is")
            assert known.status == unknown.status == 503 and known.json["detail"] == unknown.json["detail"]
            assert "corp" in known.json["detail"]
            house.make_user("lou")
            assert try_login(house, "lou", PASSWORD).status == 200
            assert try_login(house, "lou", "a wrong password").json["detail"] == known.json["detail"]
            house.local.do("DELETE", "users/lou")
            assert house.local.refused("POST", "groups", {"name": "g", "directory": "corp", "directory_group": "staff"}) \
                == (503, "unavailable")
        finally:
            server.start()
        assert try_login(house, "ann", ANN).status == 200


def test_down_and_remembered(house, server, authority):
    with directory(house, "corp", settings(server, authority, timeout_seconds=1, when_down="cached", cached_hours=1)):
        enter(house, "staff", "staff")
        assert try_login(house, "ann", ANN).status == 200
        server.stop()
        try:
            assert try_login(house, "ann", ANN).status == 200
            assert member_of(house, "ann") == ["staff"]
            assert try_login(house, "ann", "not ann's secret").status == 503
            assert try_login(house, "eve", EVE).status == 503  # has never been here
            house.local.do("PATCH", "users/ann", {"enabled": False})
            assert try_login(house, "ann", ANN).status == 503
            house.local.do("PATCH", "users/ann", {"enabled": True})
            house.local.do("PATCH", "directories/corp", {"settings": settings(server, authority, timeout_seconds=1)})
            assert try_login(house, "ann", ANN).status == 503
        finally:
            server.start()


def stays_in_while_down(house, server, password):
    server.stop()
    try:
        return try_login(house, "ann", password).status == 200
    finally:
        server.start()


def test_a_password_that_was_changed_is_not_remembered(house, server, authority):
    def change(password):
        server.change(f"dn: {people('ann')}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n")
    with directory(house, "corp", settings(server, authority, timeout_seconds=1, when_down="cached", cached_hours=1)):
        assert try_login(house, "ann", ANN).status == 200
        assert try_login(house, "ann", "a guess of somebody").status == 401
        assert stays_in_while_down(house, server, ANN)
        change("ann's new secret")
        try:
            assert try_login(house, "ann", ANN).status == 401
            assert not stays_in_while_down(house, server, ANN)
        finally:
            change(ANN)
        assert try_login(house, "ann", ANN).status == 200


def test_whom_the_directory_does_not_have_any_more_is_not_remembered(house, server, authority):
    with directory(house, "corp", settings(server, authority, timeout_seconds=1, when_down="cached", cached_hours=1)) as corp:
        assert try_login(house, "ann", ANN).status == 200
        elsewhere = settings(server, authority, timeout_seconds=1, when_down="cached", cached_hours=1, users_base=f"ou=groups,{SUFFIX}")
        house.local.do("PATCH", f"directories/{corp['id']}", {"settings": elsewhere})
        assert try_login(house, "ann", ANN).status == 401
        assert not stays_in_while_down(house, server, ANN)


def test_a_second_factor_is_asked_for_too(house, corp):
    assert try_login(house, "ann", ANN).status == 200
    house.local.do("PATCH", "settings/login", {"totp_roles": ["user"]})
    try:
        assert try_login(house, "ann", ANN).json["must_enrol"] is True
    finally:
        house.local.do("PATCH", "settings/login", {"totp_roles": []})


def test_two_directories_in_order(house, server, authority):
    with directory(house, "corp", settings(server, authority)), directory(house, "second", ad(server, authority)):
        assert try_login(house, "gina", ANN).status == 200
        assert house.local.get("users/gina")["directory"]["name"] == "second"
        assert try_login(house, "ann", ANN).status == 200
        assert house.local.get("users/ann")["directory"]["name"] == "corp"


def test_whom_one_directory_is_known_to_have_no_other_is_asked_for(house, server, authority):
    with directory(house, "second", settings(server, authority)):
        assert try_login(house, "ann", ANN).status == 200
        with directory(house, "first", settings(server, authority, users_base=f"ou=ad,{SUFFIX}", login_attribute="uid")):
            house.local.do("PATCH", "directories/first", {"position": 0})
            yet = slapd.entry(f"cn=false,ou=ad,{SUFFIX}", objectClass="inetOrgPerson", cn="false", sn="false", uid="ann",
                              userPassword="of somebody else")
            server.change(yet)
            try:
                assert try_login(house, "ann", "of somebody else").status == 401
                assert try_login(house, "ann", ANN).status == 200
            finally:
                server.change(f"dn: cn=false,ou=ad,{SUFFIX}\nchangetype: delete\n")
