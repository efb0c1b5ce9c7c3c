"""Files between a person's browser and their desktop. orield with simulated machines; what serves the files is the guest's own program, in
STATE/guest-home."""

import concurrent.futures
import shutil

import pytest

from stack import wait_until

OCTETS = {"Content-Type": "application/octet-stream"}
PIECE = 1024 * 1024


class Person:
    """Somebody at work on a desktop."""

    def __init__(self, house, name):
        self.client = house.login(name)
        self.session = self.client.do("POST", "pools/office/connect")["session"]["id"]
        self.path = f"sessions/{self.session}/files"

    def put(self, transfer, offset, bytes_, headers=None):
        target = f"/api/v1/{self.path}/{transfer}/bytes?offset={offset}"
        return self.client.raw("PUT", target, bytes_, {**OCTETS, **(headers or {})})

    def begin(self, name, size):
        return self.client.do("POST", self.path, {"direction": "to_desktop", "name": name, "size_bytes": size}, status=201)

    def send(self, name, bytes_):
        transfer, done = self.begin(name, len(bytes_))["id"], 0
        while done < len(bytes_):
            answer = self.put(transfer, done, bytes_[done:done + PIECE])
            assert answer.status == 200, answer
            done = answer.json["done_bytes"]
        return self.client.do("POST", f"{self.path}/{transfer}/finish")["name"]

    def fetch(self, name):
        transfer = self.client.do("POST", self.path, {"direction": "from_desktop", "name": name}, status=201)
        bytes_ = b""
        while len(bytes_) < transfer["size_bytes"]:
            answer = self.client.call("GET", f"{self.path}/{transfer['id']}/bytes", query={"offset": len(bytes_)})
            assert answer.status == 200 and answer.headers["Content-Type"] == "application/octet-stream", answer
            bytes_ += answer.body
        self.client.do("POST", f"{self.path}/{transfer['id']}/finish")
        return bytes_

    def try_to(self, direction, name="a.txt"):
        return self.client.refused("POST", self.path, {"direction": direction, "name": name, "size_bytes": 1})


@pytest.fixture(scope="module")
def office(house):
    house.local.do("POST", "pools", {"name": "office", "image": "mini", "size": 4, "spares": 1})
    for name in ("ada", "bert"):
        house.make_user(name)
        house.local.do("PUT", f"pools/office/entitlements/users/{name}", status=204)
    house.home = house.state / "guest-home"
    house.home.mkdir()
    house.downloads = house.home / "Downloads"
    wait_until(lambda: [one for one in house.local.items("desktops") if one["state"] == "running"], 60, "a desktop")
    house.ada, house.bert = Person(house, "ada"), Person(house, "bert")
    wait_until(lambda: house.ada.client.call("GET", house.ada.path).status == 200, 30, "ada's desktop is prepared")
    wait_until(lambda: house.bert.client.call("GET", house.bert.path).status == 200, 30, "bert's desktop is prepared")
    return house


def events(house, session, *actions):
    found = [one for one in house.local.items("events", object=session) if one["action"] in actions]
    return [(one["action"], one["result"], one["actor"], one["detail"]) for one in reversed(found)]


def test_there_and_back(office):
    content = bytes(range(256)) * 10000  # three pieces
    assert office.ada.send("big Übung.bin", content) == "big Übung.bin"
    assert (office.downloads / "big Übung.bin").read_bytes() == content
    listed = office.ada.client.get(office.ada.path)
    assert listed["folder"] == "Downloads" and [(one["name"], one["size_bytes"]) for one in listed["items"]] == [("big Übung.bin", len(content))]
    assert office.ada.fetch("big Übung.bin") == content
    assert office.ada.send("big Übung.bin", b"") == "big Übung (2).bin"
    assert office.ada.fetch("big Übung (2).bin") == b""
    told = events(office, office.ada.session, "session.upload", "session.upload-end", "session.download", "session.download-end")
    assert [(action, result, who) for action, result, who, _ in told[:4]] == [
        ("session.upload", "ok", "ada"), ("session.upload-end", "ok", "ada"), ("session.download", "ok", "ada"),
        ("session.download-end", "ok", "ada")]
    assert told[1][3] == {"file": "big Übung.bin", "size_bytes": len(content), "done_bytes": len(content)}


def test_a_piece_that_came_twice_or_was_lost(office):
    transfer = office.ada.begin("pieces", 6)["id"]
    assert office.ada.put(transfer, 0, b"abc").json == {"done_bytes": 3}
    assert office.ada.put(transfer, 0, b"abc").json == {"done_bytes": 3}
    assert office.ada.put(transfer, 5, b"f").json == {"done_bytes": 3}
    assert office.ada.client.get(f"{office.ada.path}/{transfer}")["done_bytes"] == 3
    assert office.ada.client.refused("POST", f"{office.ada.path}/{transfer}/finish") == (409, "conflict")
    assert not (office.downloads / "pieces").exists()
    assert office.ada.put(transfer, 3, b"def").json == {"done_bytes": 6}
    assert office.ada.client.do("POST", f"{office.ada.path}/{transfer}/finish") == {"name": "pieces"}
    assert (office.downloads / "pieces").read_bytes() == b"abcdef"
    assert office.ada.client.refused("POST", f"{office.ada.path}/{transfer}/finish") == (404, "not-found")


def test_cancelled(office):
    before = sorted(office.downloads.iterdir())
    transfer = office.ada.begin("cancelled", 6)["id"]
    office.ada.put(transfer, 0, b"abc")
    assert office.ada.client.call("DELETE", f"{office.ada.path}/{transfer}").status == 204
    assert office.ada.put(transfer, 3, b"def").status == 404
    assert sorted(office.downloads.iterdir()) == before
    assert events(office, office.ada.session, "session.upload-end")[-1][1:] == (
        "cancelled", "ada", {"file": "cancelled", "size_bytes": 6, "done_bytes": 3})


def test_more_than_the_disk_holds(office):
    assert office.ada.client.refused("POST", office.ada.path, {"direction": "to_desktop", "name": "huge", "size_bytes": 1 << 60}) == (507, "no-space")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\nb", "\u009b2J", "x" * 256])
def test_names_that_are_none(office, name):
    assert office.ada.try_to("to_desktop", name) == (422, "invalid")
    assert office.ada.try_to("from_desktop", name) == (422, "invalid")


def test_what_is_no_file(office):
    (office.home / "secret").write_text("secret")
    (office.downloads / "link").symlink_to(office.home / "secret")
    (office.downloads / "folder").mkdir()
    assert office.ada.try_to("from_desktop", "link") == (422, "invalid")
    assert office.ada.try_to("from_desktop", "folder") == (422, "invalid")
    assert office.ada.try_to("from_desktop", "none") == (404, "not-found")
    assert not {"link", "folder", "secret"} & {one["name"] for one in office.ada.client.get(office.ada.path)["items"]}


def test_no_more_than_so_many_at_a_time(office):
    begun = [office.ada.begin("many", 1)["id"] for _ in range(8)]
    assert office.ada.client.refused("POST", office.ada.path, {"direction": "to_desktop", "name": "more", "size_bytes": 1}) == (503, "full")
    for transfer in begun:
        office.ada.client.do("DELETE", f"{office.ada.path}/{transfer}")


def test_bodies_that_are_none(office):
    transfer = office.ada.begin("body", 3)["id"]
    assert office.ada.put(transfer, 0, b"abc", {"Content-Type": "application/json"}).status == 415
    assert office.ada.put(transfer, 0, b"abc", {"X-Oriel-CSRF": "forged"}).status == 403
    assert office.ada.put(transfer, "-1", b"abc").status == 422
    assert office.ada.put(transfer, 0, b"x" * (PIECE + 1)).status == 413
    assert office.ada.put(transfer, 0, b"abcd").status == 409  # more than was announced: it is over
    assert office.ada.put(transfer, 0, b"abc").status == 404
    for body in ({"direction": "up", "name": "a"}, {"direction": "to_desktop", "name": "a"}, {"direction": "to_desktop", "name": "a", "size_bytes": -1}):
        assert office.ada.client.refused("POST", office.ada.path, body) == (422, "invalid")


def test_another_persons(office):
    transfer = office.ada.begin("mine", 3)["id"]
    for other in (office.bert.client, office.login("user1"), office.login("auditor1")):
        assert other.refused("GET", office.ada.path) == (404, "not-found")
        assert other.refused("GET", f"{office.ada.path}/{transfer}") == (404, "not-found")
    for role in ("helpdesk", "operator", "admin"):  # nor whoever looks after sessions
        assert office.people[role].refused("GET", office.ada.path) == (403, "forbidden")
        assert office.people[role].refused("POST", office.ada.path, {"direction": "from_desktop", "name": "mine"}) == (403, "forbidden")
    assert office.local.refused("GET", office.ada.path) == (403, "forbidden")
    assert office.bert.client.refused("GET", f"{office.bert.path}/{transfer}") == (404, "not-found")  # and not by their own session
    office.ada.client.do("DELETE", f"{office.ada.path}/{transfer}")


def test_clients_that_take_nothing_are_bounded(office):
    """orield would hold each piece for them."""
    office.ada.send("large", bytes(PIECE))
    transfer = office.ada.client.do("POST", office.ada.path, {"direction": "from_desktop", "name": "large"}, status=201)["id"]
    target, held, told = f"/api/v1/{office.ada.path}/{transfer}/bytes", [], []
    while len(told) < 100 and 503 not in told:
        held.append(office.ada.client.connection())
        held[-1].request("GET", target, headers=office.ada.client.credentials())
        told.append(held[-1].getresponse().status)
    assert told == [200] * 64 + [503]
    assert office.ada.client.get(office.ada.path)["items"]  # what is small goes on
    for connection in held:
        connection.close()
    wait_until(lambda: office.ada.client.call("GET", f"{office.ada.path}/{transfer}/bytes").status == 200, 30, "there is room again")
    office.ada.client.do("DELETE", f"{office.ada.path}/{transfer}")


def set_plan(office, files):
    office.local.do("PATCH", "plans/strict", {"settings": {"files": files}})


def test_the_plan_decides_each_way_and_at_once(office):
    """On sessions that run, and in the middle of a file."""
    office.ada.send("there.txt", b"there")
    transfer = office.ada.begin("half", 6)["id"]
    assert office.ada.put(transfer, 0, b"abc").status == 200
    office.local.do("POST", "plans", {"name": "strict", "kind": "display", "settings": {"files": "from_desktop"}})
    office.local.do("PATCH", "pools/office", {"display_plan": "strict"})
    shown = office.ada.client.get(f"sessions/{office.ada.session}")["display"]["files"]
    assert shown == {"to_desktop": False, "from_desktop": True}
    refused = office.ada.put(transfer, 3, b"def")
    assert refused.status == 403 and "lets no files in" in refused.json["detail"]
    assert office.ada.put(transfer, 3, b"def").status == 404  # it is over
    assert events(office, office.ada.session, "session.upload-end")[-1][1] == "forbidden"
    assert office.ada.try_to("to_desktop") == (403, "forbidden")
    assert events(office, office.ada.session, "session.upload")[-1][1:3] == ("forbidden", "ada")
    assert office.ada.fetch("there.txt") == b"there"
    set_plan(office, "to_desktop")
    assert office.ada.try_to("from_desktop", "there.txt") == (403, "forbidden")
    assert office.ada.client.refused("GET", office.ada.path) == (403, "forbidden")
    assert office.ada.send("in.txt", b"in") == "in.txt"
    set_plan(office, "none")
    assert office.ada.try_to("to_desktop") == office.ada.try_to("from_desktop") == (403, "forbidden")
    set_plan(office, "both")
    assert office.ada.fetch("in.txt") == b"in"
    office.local.do("PATCH", "pools/office", {"display_plan": None})
    refused = office.local.call("POST", "plans", {"name": "odd", "kind": "display", "settings": {"files": "up"}})
    assert refused.status == 422 and "both, none, to_desktop, from_desktop" in refused.json["detail"]


def test_an_older_agent(fresh_house):
    house = fresh_house
    house.local.do("POST", "pools", {"name": "office", "image": "mini", "size": 1, "spares": 1})
    house.make_user("ada")
    house.local.do("PUT", "pools/office/entitlements/users/ada", status=204)
    wait_until(lambda: [one for one in house.local.items("desktops") if one["state"] == "running"], 60, "a desktop")
    (house.state / "guest-home").mkdir()
    (house.state / "guest-older").touch()
    ada = Person(house, "ada")
    wait_until(lambda: "older Oriel" in ada.client.call("GET", ada.path).json["detail"], 30, "the desktop says why")
    assert ada.client.refused("GET", ada.path) == (503, "unavailable")
    (house.state / "guest-older").unlink()
    assert ada.client.get(ada.path)["items"] == []
    transfer = ada.begin("cut off", 6)["id"]
    assert ada.put(transfer, 0, b"abc").status == 200
    ada.client.do("POST", f"sessions/{ada.session}/log-off")  # whoever leaves ends what was under way
    assert ada.client.refused("GET", ada.path)[0] == 409
    wait_until(lambda: events(house, ada.session, "session.upload-end"), 30, "the end is in the trail")
    assert events(house, ada.session, "session.upload-end")[-1][1] == "cancelled"
    assert list((house.state / "guest-home" / "Downloads").iterdir()) == []
    a_request_that_waited(house)
    shutil.rmtree(house.state / "guest-home")


def a_request_that_waited(house):
    """Its session ends before the guest comes to it: by then somebody else may work there."""
    (house.state / "guest-slow").touch()
    ada = Person(house, "ada")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(wait_until, lambda: [one for one in [ada.client.call("GET", ada.path)] if one.status != 503], 60, "an answer")
        wait_until(lambda: (house.state / "guest-waits").exists(), 60, "the guest has been asked")
        house.login("ada").do("POST", f"sessions/{ada.session}/log-off")
        (house.state / "guest-slow").unlink()
        assert asked.result()[0].status == 409
