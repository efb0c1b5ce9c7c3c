"""Server-sent events."""

from stack import Client


def test_changes_reach_those_who_may_see_them(house):
    admin, auditor = house.people["admin"].stream(), house.people["auditor"].stream()
    assert admin.next() == ("resync", {}) and auditor.next() == ("resync", {})
    made = house.local.do("POST", "groups", {"name": "streamed"})
    assert admin.until(lambda event, data: event == "change" and data["kind"] == "group")[1] == {
        "kind": "group", "id": made["id"], "op": "create"}
    event, data = auditor.until(lambda event, data: data.get("kind") != "portal")
    assert (event, data["kind"]) == ("change", "event")
    admin.close()
    auditor.close()


def test_a_user_hears_only_of_their_own(house):
    house.make_user("listener")
    person, other = house.login("listener"), house.login("admin1")
    user = person.stream()
    assert user.next() == ("resync", {})
    house.local.do("POST", "users", {"name": "noise"})
    other.do("POST", "tokens", {"name": "not yours"})
    house.local.do("POST", "groups", {"name": "moves-tiles"})
    assert user.next() == ("change", {"kind": "portal", "id": "", "op": "update"})
    mine = person.do("POST", "tokens", {"name": "mine"})
    assert user.next() == ("change", {"kind": "token", "id": mine["id"], "op": "create"})
    user.close()


def test_a_heartbeat_comes(house):
    stream = house.people["user"].stream()
    stream.next()
    line = stream.response.readline()
    assert line == b":\n"
    stream.close()


def test_streams_do_not_keep_workers(house):
    streams = [house.local.stream() for _ in range(100)]
    assert all(stream.next() == ("resync", {}) for stream in streams)
    assert house.local.call("GET", "me").status == 200
    for stream in streams:
        stream.close()


def test_one_user_cannot_take_all_streams(house):
    house.make_user("stella")
    stella = house.token_client("stella")
    streams = [stella.stream() for _ in range(65)]
    try:
        assert [stream.status for stream in streams] == [200] * 64 + [429]
        assert house.people["user"].stream().status == 200
    finally:
        for stream in streams:
            stream.close()


def test_a_slow_reader_reads_all_again(house):
    """It takes nothing while more happens than is kept for it: then it is told to begin anew, and the rest is bounded."""
    slow = house.local.stream()
    for number in range(400):
        house.local.do("PATCH", "users/admin", {"display_name": f"number {number}"})
    first = [slow.next() for _ in range(2)]
    assert first[0] == ("resync", {})
    house.local.do("POST", "groups", {"name": "after-the-flood"})
    group = house.local.get("groups/after-the-flood")
    slow.until(lambda event, data: data.get("id") == group["id"])
    slow.close()


def test_streams_end_with_orield(fresh_house):
    stream = fresh_house.local.stream()
    assert stream.next() == ("resync", {})
    assert fresh_house.stop(machines=False) == 0
    assert stream.next() is None


def test_a_stranger_has_no_stream(house):
    assert Client(house, gateway=True).stream().status == 401
