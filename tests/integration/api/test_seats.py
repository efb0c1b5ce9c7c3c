"""Pools whose machines several people share, with simulated guests."""

import threading

from stack import wait_until
from test_machines import open_display, size_seen
from test_native import Rdp


def make(house, name, **fields):
    pool = house.local.do("POST", "pools", {"name": name, "image": "mini", "type": "shared", "size": 2, "seats": 2, "spares": 0, **fields})
    house.local.do("PUT", f"pools/{name}/entitlements/groups/everyone")
    return pool


def person(house, name):
    house.make_user(name)
    return house.token_client(name)


def rows(house, pool):
    return house.local.do("GET", "desktops", query={"pool": pool})["items"]


def machines(house, pool):
    return [row for row in rows(house, pool) if row["seats"]]


def click(client, pool):
    found = {}

    def through():
        found["answer"] = client.call("POST", f"pools/{pool}/connect")
        return found["answer"].status != 202

    wait_until(through, 60, "the click")
    return found["answer"]


def seat_of(house, answer):
    assert answer.status == 200, answer.json
    return house.local.get("desktops/" + answer.json["desktop"]["id"])


def test_a_pool_says_its_seats(house):
    pool = make(house, "rules", seats=3, spares=4)
    assert (pool["type"], pool["seats"], pool["self_service"], pool["refresh_on_log_off"]) == ("shared", 3, [], True)
    assert house.local.do("PATCH", "pools/rules", {"seats": 4})["seats"] == 4
    for field in ({"spares": 9}, {"seats": 27}, {"seats": 0}, {"home": "office"}, {"self_service": ["restart"]}, {"assignment": "manual"},
                  {"application": "xterm"}):
        assert house.local.call("PATCH", "pools/rules", field).status == 422, field
    assert house.local.call("POST", "pools", {"name": "odd", "image": "mini", "seats": 3}).status == 422, "floating"
    assert make(house, "usual", seats=8)["seats"] == 8
    for name in ("rules", "usual"):
        house.local.do("DELETE", f"pools/{name}")


def test_two_work_side_by_side(house):
    make(house, "farm", size=1)
    ann, bob, eve = (person(house, name) for name in ("ann", "bob", "eve"))
    first, second = click(ann, "farm"), click(bob, "farm")
    hers, his = seat_of(house, first), seat_of(house, second)
    machine = hers["seat_of"]
    assert his["seat_of"] == machine and hers["id"] != his["id"]
    assert {hers["name"], his["name"]} == {f"{machine['name']}.1", f"{machine['name']}.2"}
    counts = house.local.get("pools/farm")["counts"]
    assert (counts["desktops"], counts["assigned"], counts["free"], counts["sessions"]) == (1, 2, 0, 2)
    assert house.local.get(f"desktops/{machine['name']}")["seats_taken"] == 2
    refused = click(eve, "farm")
    assert refused.status == 503 and "seats" in refused.json["detail"], refused.json
    assert seat_of(house, click(ann, "farm"))["id"] == hers["id"], "the same seat again"

    displays = [open_display(house, answer.json)[0] for answer in (click(ann, "farm"), click(bob, "farm"))]
    assert [size_seen(display) for display in displays] == [(16, 16), (16, 16)]
    wait_until(lambda: all(house.local.get("sessions/" + answer.json["session"]["id"])["state"] == "connected" for answer in (first, second)),
               30, "both are connected")
    files = ann.call("GET", f"sessions/{first.json['session']['id']}/files")
    assert files.status == 501 and "seat" in files.json["detail"], files.json
    assert ann.get(f"sessions/{first.json['session']['id']}")["display"]["files"] == {"to_desktop": False, "from_desktop": False}
    ann.do("POST", f"sessions/{first.json['session']['id']}/log-off")
    while displays[0].recv(64):
        pass  # the rest of what was said before; then her picture is gone
    assert house.local.get("sessions/" + second.json["session"]["id"])["state"] == "connected"
    assert house.local.get(f"desktops/{machine['name']}")["generation"] == 1
    assert seat_of(house, click(eve, "farm"))["seat_of"] == machine
    displays[1].close()
    house.local.do("DELETE", "pools/farm", query={"force": "true"})


def test_the_help_desk_at_a_seat(house):
    """Each picture is of the seat that was asked for (its guest paints as grey as its number); the person is asked in theirs."""
    make(house, "help", size=1)
    ada, bert = person(house, "ada"), person(house, "bert")
    house.make_user("hanna", roles=("helpdesk",))
    hanna = house.token_client("hanna")
    answers = [click(ada, "help"), click(bert, "help")]
    displays = [open_display(house, answer.json)[0] for answer in answers]
    assert [size_seen(display) for display in displays] == [(16, 16), (16, 16)]
    session = answers[0].json["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "connected", 30, "she is connected")
    pictures = [hanna.call("GET", f"desktops/{answer.json['desktop']['id']}/thumbnail") for answer in answers]
    assert [one.status for one in pictures] == [200, 200] and pictures[0].body != pictures[1].body
    assert all(one.body.startswith(b"\x89PNG") for one in pictures)

    folder = house.state / "desktops" / seat_of(house, answers[0])["seat_of"]["id"]
    (folder / "answers").write_text("allow")  # whoever sits there, in the guest itself
    shadow = hanna.do("POST", f"sessions/{session}/shadow", {"mode": "view"})["id"]
    wait_until(lambda: hanna.get(f"shadows/{shadow}")["state"] == "allowed", 30, "the guest has answered")
    assert (folder / "asked").read_text() == f"{shadow}\nhanna of the help desk asks to look at your screen."
    ada.do("POST", f"shadows/{shadow}/end")
    assert house.local.get(f"sessions/{session}")["state"] == "connected", "she works on"
    for display in displays:
        display.close()
    house.local.do("DELETE", "pools/help", query={"force": "true"})


def test_what_is_for_the_machine(house):
    make(house, "ward", size=1)
    answer = click(person(house, "amy"), "ward")
    seat = seat_of(house, answer)
    machine = seat["seat_of"]["name"]
    for verb in ("start", "stop", "reset", "restart", "refresh"):
        refused = house.local.call("POST", f"desktops/{seat['name']}/{verb}")
        assert refused.status == 501 and machine in refused.json["detail"], (verb, refused.json)
    assert house.local.call("POST", f"desktops/{machine}/stop").status == 409
    assert house.local.call("DELETE", f"desktops/{machine}", headers={"If-Match": "*"}).status == 409
    assert house.local.call("POST", f"desktops/{machine}/assign", {"user": "amy"}).status == 501
    house.local.do("POST", f"desktops/{seat['name']}/release")
    session = house.local.get("sessions/" + answer.json["session"]["id"])
    assert session["state"] == "ended" and session["desktop"]["name"] == seat["name"]
    house.local.do("POST", f"desktops/{machine}/refresh")
    wait_until(lambda: house.local.get(f"desktops/{seat['name']}")["generation"] > 1, 30, "its seats follow")
    house.local.do("DELETE", "pools/ward", query={"force": "true"})
    wait_until(lambda: house.local.call("GET", f"desktops/{seat['id']}").status == 404, 60, "machine and seats are gone")


def test_the_last_seat(house):
    make(house, "rush", size=1, seats=1, spares=1)
    wait_until(lambda: house.local.get("pools/rush")["counts"]["free"] == 1, 60, "a machine")
    people = [person(house, f"runner{number}") for number in range(3)]
    answers = [None] * len(people)

    def run(at):
        answers[at] = click(people[at], "rush")

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 503, 503], [answer.json for answer in answers]
    house.local.do("DELETE", "pools/rush", query={"force": "true"})


def test_session_hosts_that_are_there_already(house):
    """Of two people each has a seat on a machine that speaks RDP; whoever is logged off gives it back."""
    server = Rdp()
    house.local.do("POST", "pools", {"name": "hosts", "type": "manual"})
    house.local.do("PUT", "pools/hosts/entitlements/groups/everyone")
    asked = {"pool": "hosts", "name": "rdsh-1", "address": "127.0.0.1", "port": server.port}
    assert house.local.call("POST", "desktops", {**asked, "seats": 2}).status == 422, "VNC shows everybody the same"
    house.local.do("POST", "desktops", {**asked, "protocol": "rdp", "seats": 2}, status=201)
    ida, jon, kim = (person(house, name) for name in ("ida", "jon", "kim"))
    assert [tile["clients"] for tile in ida.get("portal")["tiles"] if tile["pool"]["name"] == "hosts"] == [["rdp"]]
    wait_until(lambda: house.local.get("desktops/rdsh-1.2")["state"] == "reachable", 60, "seats follow their machine")

    def ask(client):
        return client.call("POST", "pools/hosts/connect", {"client": "rdp"})

    first, second = ask(ida), ask(jon)
    assert {seat_of(house, answer)["seat_of"]["name"] for answer in (first, second)} == {"rdsh-1"}
    refused = ask(kim)
    assert refused.status == 503 and "seats" in refused.json["detail"], refused.json
    assert seat_of(house, ask(ida))["id"] == first.json["desktop"]["id"]
    ida.do("POST", f"sessions/{first.json['session']['id']}/log-off")
    assert seat_of(house, ask(kim))["id"] == first.json["desktop"]["id"]
    house.local.do("DELETE", "pools/hosts", query={"force": "true"})
    server.listener.close()


def test_killed(fresh_house):
    """Simulated machines die with orield: all who sat there have ended sessions with the reason, and get seats again."""
    house = fresh_house
    make(house, "crash", seats=3, size=1)
    people = [person(house, f"mate{number}") for number in range(3)]
    answers = [click(client, "crash") for client in people]
    machine = seat_of(house, answers[0])["seat_of"]["id"]
    house.kill()
    house.start()
    for answer in answers:
        wait_until(lambda: house.local.get("sessions/" + answer.json["session"]["id"])["state"] == "ended", 60, "an ended session")
        assert house.local.get("sessions/" + answer.json["session"]["id"])["end_reason"] == "machine died"
    again = []
    for client in people:
        wait_until(lambda: (answer := click(client, "crash")).status == 200 and not again.append(answer), 60, "a seat again")
    assert len({seat_of(house, answer)["id"] for answer in again}) == 3
    assert [row["id"] for row in machines(house, "crash")] == [machine]
