"""Where one is logged in, and the end of that."""

from test_viewers import REVOKED, shown, view  # noqa: F401



def test_the_list(house):
    house.make_user("lena")
    first = house.login("lena", address="192.0.2.11")
    second = house.login("lena", address="2001:db8::7")
    mine = first.items("logins")
    assert [(one["address"], one["current"], one["means"]) for one in mine] == [
        ("192.0.2.11", True, "password"), ("2001:db8::7", False, "password")]
    assert all(one["user"]["name"] == "lena" and one["since_ms"] <= one["seen_ms"] < one["expires_ms"] for one in mine)
    assert [one["current"] for one in second.items("logins")] == [False, True]
    assert house.local.items("logins") == []  # the local administrator has no browser
    assert {one["id"] for one in mine} == {one["id"] for one in house.local.items("logins", user="lena")}
    everybody = house.people["admin"].items("logins", all="true", limit=1)
    assert {one["id"] for one in mine} <= {one["id"] for one in everybody}


def test_others_are_not_shown(house):
    house.make_user("lars")
    lars, lena = house.login("lars"), house.login("lena")
    there = lena.items("logins")[-1]["id"]
    assert lars.refused("GET", "logins", query={"user": "lena"}) == (403, "forbidden")
    assert lars.refused("GET", "logins", query={"all": "true"}) == (403, "forbidden")
    assert lars.refused("DELETE", "logins", query={"user": "lena"}) == (403, "forbidden")
    assert lars.refused("DELETE", f"logins/{there}") == (404, "not-found")
    assert lars.refused("GET", "logins", query={"all": "perhaps"}) == (422, "invalid")
    assert lena.call("GET", "me").status == 200
    assert lars.items("logins", user="lars")


def test_revoke_one_and_all_others(house):
    house.make_user("lotte")
    here, there, third = (house.login("lotte") for _ in range(3))
    stream = there.stream()
    stream.next()
    ids = [one["id"] for one in here.items("logins")]
    here.do("DELETE", f"logins/{ids[1]}", status=204)
    assert there.refused("GET", "me") == (401, "unauthenticated")
    while stream.next():
        pass  # the stream of a login that ended ends as well
    assert here.refused("DELETE", f"logins/{ids[1]}") == (404, "not-found")
    assert here.do("DELETE", "logins") == {"ended": 1}
    assert third.refused("GET", "me") == (401, "unauthenticated")
    assert here.call("GET", "me").status == 200
    assert house.people["admin"].do("DELETE", "logins", query={"user": "lotte"}) == {"ended": 1}
    assert here.refused("GET", "me") == (401, "unauthenticated")
    assert house.people["admin"].refused("DELETE", "logins", query={"all": "true"}) == (422, "invalid")
    events = [event for event in house.local.items("events") if event["action"] == "login.revoke"]
    assert len(events) >= 3 and events[0]["actor"] == "admin1" and events[-1]["object"]["name"] == "lotte"


def test_a_revoked_login_closes_its_view_at_once(shown):  # noqa: F811
    client, viewer = view(shown, "wanda")
    login = next(one["id"] for one in client.items("logins") if one["current"])
    shown.people["admin"].do("DELETE", f"logins/{login}", status=204)
    assert viewer.browser.hear_close_text()[0] == REVOKED


def test_a_login_is_told_to_its_own_pages(house):
    house.make_user("lisa")
    lisa = house.login("lisa")
    stream = lisa.stream()
    stream.next()
    house.login("lisa")
    change = stream.until(lambda event, data: event == "change" and data["kind"] == "login")[1]
    assert change["op"] == "create" and change["id"] in [one["id"] for one in lisa.items("logins")]
    stream.close()
