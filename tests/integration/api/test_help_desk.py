"""The help desk: for chosen people only, messages, and looking on with a person's leave. orield with simulated machines, a real gateway."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from stack import wait_until  # noqa: E402
from test_viewers import REVOKED, Viewer, connect, still_seen  # noqa: E402


@pytest.fixture(scope="module")
def desk(house):
    """ada and bert work in `office`; ada is in `sales`; hanna helps `sales`, and helpdesk1 everybody."""
    house.start_gateway()
    house.local.do("POST", "pools", {"name": "office", "image": "mini", "size": 6, "spares": 2})
    house.local.do("POST", "groups", {"name": "sales"})
    for name in ("ada", "bert"):
        house.make_user(name)
        house.local.do("PUT", f"pools/office/entitlements/users/{name}", status=204)
    house.local.do("PUT", "groups/sales/members/ada", status=204)
    house.make_user("hanna", ["helpdesk"])
    house.local.do("PUT", "users/hanna/helps", {"groups": ["sales"]})
    house.views = {name: view(house, name) for name in ("ada", "bert")}
    return house


def view(house, name):
    """(client, viewer, session id, desktop id), connected."""
    client = house.login(name)
    viewer = Viewer(house, connect(client, "pools/office/connect"))
    session = viewer.connection["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "connected", 30, "the session is connected")
    return client, viewer, session, viewer.connection["desktop"]["id"]


def test_a_limited_help_desk_sees_its_people_only(desk):
    hanna = desk.login("hanna")
    _, _, mine, desktop = desk.views["ada"]
    _, _, theirs, other = desk.views["bert"]
    assert [one["id"] for one in hanna.items("sessions")] == [mine]
    assert [one["id"] for one in hanna.items("desktops")] == [desktop]
    assert hanna.get(f"sessions/{mine}")["user"]["name"] == "ada" and hanna.get(f"desktops/{desktop}")["id"] == desktop
    assert [one["name"] for one in hanna.get("people", search="A")["items"]] == ["ada"]
    assert hanna.get("people", search="bert")["items"] == []
    unlimited = desk.people["helpdesk"]
    assert {mine, theirs} <= {one["id"] for one in unlimited.items("sessions")}
    assert [one["name"] for one in unlimited.get("people", search="bert")["items"]] == ["bert"]


SESSION_CALLS = [("GET", "", None), ("POST", "/disconnect", None), ("POST", "/log-off", None), ("POST", "/message", {"text": "x"}),
                 ("POST", "/shadow", {"mode": "view"}), ("GET", "/shadows", None)]
DESKTOP_CALLS = [("GET", "", None), ("GET", "/thumbnail", None), ("POST", "/start", None), ("POST", "/stop", None), ("POST", "/reset", None),
                 ("POST", "/restart", None), ("POST", "/refresh", None)]


def test_everybody_else_does_not_exist_for_it(desk):
    hanna = desk.login("hanna")
    _, viewer, session, desktop = desk.views["bert"]
    wrong = [(method, path) for method, path, body in SESSION_CALLS if hanna.refused(method, f"sessions/{session}{path}", body)[0] != 404]
    wrong += [(method, path) for method, path, body in DESKTOP_CALLS if hanna.refused(method, f"desktops/{desktop}{path}", body)[0] != 404]
    spare = [one["id"] for one in desk.local.items("desktops") if one["user"] is None][0]
    wrong += [(method, path) for method, path, body in DESKTOP_CALLS if hanna.refused(method, f"desktops/{spare}{path}", body)[0] != 404]
    shadow = desk.people["helpdesk"].do("POST", f"sessions/{session}/shadow", {"mode": "view"})["id"]
    for method, path, body in (("GET", "", None), ("POST", "/answer", {"allow": True}), ("POST", "/end", None), ("POST", "/connect", None)):
        if hanna.refused(method, f"shadows/{shadow}{path}", body)[0] not in (403, 404):
            wrong.append((method, f"shadow{path}"))
    desk.people["helpdesk"].do("POST", f"shadows/{shadow}/end")
    assert not wrong
    assert still_seen(viewer)  # nothing of all that has happened


def test_a_picture_to_read_along_needs_leave(desk):
    hanna, (ada, _, _, desktop) = desk.login("hanna"), desk.views["ada"]
    status = {(who, width): client.call("GET", f"desktops/{desktop}/thumbnail", query={"width": width}).status
              for who, client in (("hanna", hanna), ("ada", ada), ("operator", desk.people["operator"])) for width in (320, 321, 1920)}
    assert status == {**dict.fromkeys(status, 200), ("hanna", 321): 403, ("hanna", 1920): 403}


def test_limits_by_group_and_without_groups(desk):
    desk.make_user("hugo", ["helpdesk"])
    desk.local.do("POST", "groups", {"name": "desk"})
    desk.local.do("PUT", "groups/desk/members/hugo", status=204)
    hugo = desk.login("hugo")
    assert len(hugo.items("sessions")) >= 2
    assert desk.local.get("groups/desk/helps") == {"groups": None}
    desk.local.do("POST", "groups", {"name": "gone"})
    desk.local.do("PUT", "groups/desk/helps", {"groups": ["sales", "gone"]})
    assert {one["user"]["name"] for one in hugo.items("sessions")} == {"ada"}
    desk.local.do("PUT", "groups/desk/helps", {"groups": ["gone"]})
    desk.local.do("DELETE", "groups/gone", status=204)
    assert hugo.items("sessions") == []  # the limit stays, to nobody: it never widens by itself
    desk.local.do("PUT", "groups/desk/helps", {"groups": None})
    assert len(hugo.items("sessions")) >= 2
    assert desk.local.refused("PUT", "groups/desk/helps", {"groups": ["absent"]})[0] == 404
    assert desk.local.refused("PUT", "groups/desk/helps", {"groups": [1]})[0] == 422


def test_a_message_is_shown(desk):
    hanna = desk.login("hanna")
    _, _, session, desktop = desk.views["ada"]
    text = "-x; $(reboot) <b>&\nsecond line"
    sent = hanna.do("POST", f"sessions/{session}/message", {"text": text}, status=200)
    assert sent["in_guest"] and sent["problem"] is None
    shown = desk.state / "desktops" / desktop / "shown"
    assert shown.read_text() == "hanna\n" + text
    for bad in ("", "x" * 2001, "\x1b[2J", "a\u009bb", 5, None):
        assert hanna.refused("POST", f"sessions/{session}/message", {"text": bad})[0] == 422
    events = [one for one in desk.people["admin"].items("events", object=session) if one["action"] == "session.message"]
    assert len(events) == 1 and events[0]["detail"]["text"] == text


def test_a_message_waits_in_the_browser_until_it_is_closed(desk):
    hanna, (ada, _, session, _), bert = desk.login("hanna"), desk.views["ada"], desk.views["bert"][0]
    before = [one["id"] for one in ada.get("messages")["items"]]
    sent = hanna.do("POST", f"sessions/{session}/message", {"text": "at noon"}, status=200)["id"]
    waiting = ada.get("messages")["items"]
    assert [one["id"] for one in waiting] == before + [sent] and waiting[-1]["by"] == "hanna" and waiting[-1]["session"]["id"] == session
    assert bert.get("messages")["items"] == [] and hanna.get("messages")["items"] == [] and desk.local.get("messages")["items"] == []
    for other in (bert, hanna, desk.local):
        assert other.refused("DELETE", f"messages/{sent}") == (404, "not-found")
    ada.do("DELETE", f"messages/{sent}", status=204)
    assert [one["id"] for one in ada.get("messages")["items"]] == before
    closed = [one for one in desk.people["admin"].items("events", object=session) if one["action"] == "session.message-close"]
    assert closed[0]["actor"] == "ada" and closed[0]["detail"]["by"] == "hanna"


def ask(desk, name="ada", mode="view"):
    hanna = desk.login("hanna")
    person, viewer, session, _ = desk.views[name]
    if desk.local.get(f"sessions/{session}")["state"] != "connected":  # these viewers answer no pings: a slow machine loses them
        desk.views[name] = person, viewer, session, _ = view(desk, name)
    shadow = hanna.do("POST", f"sessions/{session}/shadow", {"mode": mode}, status=201)
    return hanna, person, viewer, session, shadow["id"]


def test_looking_on_with_leave(desk):
    hanna, person, viewer, session, shadow = ask(desk)
    assert hanna.refused("POST", f"shadows/{shadow}/connect") == (409, "conflict")  # not allowed yet
    assert hanna.refused("POST", f"shadows/{shadow}/answer", {"allow": True}) == (403, "forbidden")
    assert hanna.refused("POST", f"sessions/{session}/shadow", {"mode": "view"}) == (409, "conflict")  # one at a time
    assert desk.views["bert"][0].refused("GET", f"shadows/{shadow}")[0] == 404
    seen = person.get(f"sessions/{session}/shadows")["items"]
    assert [(one["id"], one["state"], one["by"]["name"]) for one in seen] == [(shadow, "asked", "hanna")]
    assert person.do("POST", f"shadows/{shadow}/answer", {"allow": True})["state"] == "allowed"
    assert desk.people["helpdesk"].refused("POST", f"shadows/{shadow}/connect") == (403, "forbidden")  # somebody else's
    beside = Viewer(desk, hanna.do("POST", f"shadows/{shadow}/connect"))
    beside.type()  # goes nowhere: the gateway drops it
    assert still_seen(viewer)  # both, side by side
    shown = desk.state / "desktops" / desk.views["ada"][3] / "shown"
    wait_until(lambda: shown.exists() and shown.read_text() == "Oriel\nhanna of the help desk sees this screen.", 30, "the guest says so too")
    assert person.get(f"shadows/{shadow}")["state"] == "open"
    assert desk.local.get(f"sessions/{session}")["state"] == "connected"
    person.do("POST", f"shadows/{shadow}/end")
    assert beside.browser.hear_close_text()[0] == REVOKED
    assert still_seen(viewer)
    words = [one["action"] for one in desk.people["admin"].items("events", object=session) if "shadow" in one["action"]]
    assert {"session.shadow-ask", "session.shadow-allow", "session.shadow-begin", "session.shadow-end"} <= set(words)


def guest_says(desk, answer, name="ada"):
    """Whoever sits in that guest answers all questions so; None: nobody does."""
    path = desk.state / "desktops" / desk.views[name][3] / "answers"
    path.unlink(missing_ok=True) if answer is None else path.write_text(answer)


def test_the_guest_asks_too(desk):
    guest_says(desk, "allow")
    hanna, person, viewer, session, shadow = ask(desk)
    wait_until(lambda: hanna.get(f"shadows/{shadow}")["state"] == "allowed", 30, "the guest has answered")
    asked = (desk.state / "desktops" / desk.views["ada"][3] / "asked").read_text()
    assert asked == f"{shadow}\nhanna of the help desk asks to look at your screen."
    event = [one for one in desk.people["admin"].items("events", object=session) if one["action"] == "session.shadow-allow"][0]
    assert (event["actor"], event["address"]) == ("ada", "guest")
    hanna.do("POST", f"shadows/{shadow}/end")
    guest_says(desk, "refuse")
    shadow = ask(desk, mode="control")[4]
    wait_until(lambda: hanna.get(f"shadows/{shadow}")["state"] == "refused", 30, "the guest has refused")
    guest_says(desk, None)
    assert still_seen(viewer)


def test_a_guest_answers_for_itself_alone(desk):
    hanna, person, _, _, shadow = ask(desk)  # ada's guest says nothing
    guest_says(desk, f"allow {shadow}", "bert")
    other = desk.people["helpdesk"].do("POST", f"sessions/{desk.views['bert'][2]}/shadow", {"mode": "view"}, status=201)["id"]
    asked = desk.state / "desktops" / desk.views["bert"][3] / "asked"
    wait_until(lambda: asked.exists() and asked.read_text().startswith(other), 30, "bert's guest was asked")
    assert hanna.get(f"shadows/{shadow}")["state"] == "asked" and desk.local.get(f"shadows/{other}")["state"] == "asked"
    guest_says(desk, None, "bert")
    assert person.do("POST", f"shadows/{shadow}/answer", {"allow": False})["state"] == "refused"
    mine = desk.state / "desktops" / desk.views["ada"][3] / "asked"
    wait_until(lambda: mine.read_text() == "", 30, "the question is taken back in the guest")
    desk.people["helpdesk"].do("POST", f"shadows/{other}/end")


def test_a_refusal(desk):
    hanna, person, _, session, shadow = ask(desk, mode="control")
    assert person.do("POST", f"shadows/{shadow}/answer", {"allow": False})["state"] == "refused"
    assert person.refused("POST", f"shadows/{shadow}/answer", {"allow": True}) == (409, "conflict")
    assert hanna.refused("POST", f"shadows/{shadow}/connect") == (409, "conflict")
    assert person.get(f"sessions/{session}/shadows")["items"] == []


def test_no_answer_is_a_no(desk):
    hanna, person, _, _, shadow = ask(desk)
    wait_until(lambda: hanna.get(f"shadows/{shadow}")["state"] == "expired", 90, "the question is over")
    assert person.refused("POST", f"shadows/{shadow}/answer", {"allow": True}) == (409, "conflict")


def test_the_house_may_only_tell(desk):
    assert desk.local.get("settings/help") == {"shadow_consent": "ask"}
    assert desk.local.refused("PATCH", "settings/help", {"shadow_consent": "never"})[0] == 422
    desk.local.do("PATCH", "settings/help", {"shadow_consent": "notify"})
    hanna, person, viewer, session, shadow = ask(desk, mode="control")
    assert person.get(f"shadows/{shadow}")["state"] == "allowed"
    beside = Viewer(desk, hanna.do("POST", f"shadows/{shadow}/connect"))
    assert still_seen(beside)  # works there
    assert person.get(f"sessions/{session}/shadows")["items"][0]["state"] == "open"  # always to be seen
    beside.leave()
    wait_until(lambda: person.get(f"shadows/{shadow}")["state"] == "ended", 60, "the end is known")
    desk.local.do("PATCH", "settings/help", {"shadow_consent": "ask"})
    assert still_seen(viewer)


def test_it_ends_with_the_session(desk):
    hanna, person, viewer, session, shadow = ask(desk)
    person.do("POST", f"shadows/{shadow}/answer", {"allow": True})
    beside = Viewer(desk, hanna.do("POST", f"shadows/{shadow}/connect"))
    desk.people["helpdesk"].do("POST", f"sessions/{session}/log-off")
    beside.browser.hear_close_text()
    wait_until(lambda: hanna.get(f"shadows/{shadow}")["state"] == "ended", 60, "the end is known")
    assert hanna.refused("POST", f"sessions/{session}/shadow", {"mode": "view"}) == (409, "conflict")  # nobody is there
