"""Many desktops at once, and what two forks of one template must not have in common."""

from concurrent.futures import ThreadPoolExecutor

from house import PEOPLE, person, problem
from stack import wait_until

COUNT = 50


def test_fifty(house):
    """50 people click at once; the guests themselves say that they are 50 different machines."""
    house.make_pool("fifty", size=COUNT)
    house.wait_template("fifty")
    with ThreadPoolExecutor(COUNT) as clicks:
        given = list(clicks.map(lambda number: house.connected(person(number), "fifty"), range(COUNT)))
    desktops = [connection["desktop"]["id"] for connection in given]
    assert len(set(desktops)) == COUNT
    assert len({connection["session"]["id"] for connection in given}) == COUNT
    house.check()

    kind, sentence = problem(house.click(person(PEOPLE - 1), "fifty"))
    assert kind == "full" and "fifty" in sentence, sentence
    again = house.connected(person(7), "fifty")  # who has one is not turned away
    assert again["desktop"]["id"] == desktops[7]

    for desktop in desktops:
        house.wait_agent(desktop)
    reports = [house.report(desktop) for desktop in desktops]
    names = {row["id"]: row["name"] for row in house.local.items("desktops", pool="fifty")}
    for what, values in zip(("machine-id", "host name", "MAC", "uuid", "random bytes"), zip(*reports)):
        assert len(set(values)) == COUNT, f"{what}: {sorted(values)}"
    assert [report[1] for report in reports] == [names[desktop] for desktop in desktops]
    house.check()

    refused = house.local.call("DELETE", "pools/fifty")
    assert problem(refused)[0] == "conflict"
    house.local.do("DELETE", "pools/fifty?force=true", status=204)
    wait_until(lambda: house.local.call("GET", "pools/fifty").status == 404, 600, "the end of the pool")
    house.check()
    assert not house.desktop_folders()
    assert not [folder for folder in house.machine_folders() if folder.startswith("desktops/")]
    assert not [row for row in house.local.items("sessions") if row["pool"]["name"] == "fifty"]


def test_two_forks(house):
    """The same desktop, refreshed: the next fork is another machine, though it has the same name."""
    first = house.connected(person(0))
    one = house.report(first["desktop"]["id"])
    second = house.connected(person(1))
    two = house.report(second["desktop"]["id"])
    assert all(a != b for a, b in zip(one, two)), (one, two)
    house.local.do("POST", f"sessions/{first['session']['id']}/log-off")
    third = house.connected(person(0))
    three = house.report(third["desktop"]["id"])
    assert one[3] != three[3] != two[3] and one[4] != three[4] != two[4], (one, two, three)
    row = house.local.get(f"desktops/{third['desktop']['id']}")
    assert three[1] == row["name"]
