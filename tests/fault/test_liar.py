"""A guest whose agent lies: it floods the host with long lines, noise, claims and nonsense."""

import time

from house import LONG, person
from stack import wait_until


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_liar(house):
    house.make_pool("liar", size=3)
    house.wait_template("liar")
    honest = house.connected(person(0))
    liar = house.connected(person(1), "liar")
    desktop = liar["desktop"]["id"]
    assert house.report(desktop)[1].startswith("liar"), "the guest does not lie: the test tests nothing"
    pid, machine = house.process.pid, house.machine_of(desktop)
    begun = processor_seconds(machine)
    wait_until(lambda: processor_seconds(machine) > begun + 4, LONG, "the flood")  # an idle guest needs minutes for that
    memory, ours, its = resident(pid), processor_seconds(pid), processor_seconds(machine)
    for number in range(2, 8):
        assert house.local.call("GET", "health").status == 200
        given = house.connected(person(number))
        house.wait_agent(given["desktop"]["id"])
        time.sleep(1)
    wait_until(lambda: processor_seconds(machine) > its + 10, LONG, "more of the flood")
    assert processor_seconds(pid) - ours < processor_seconds(machine) - its, "orield works more for it than it does itself"
    assert resident(pid) < memory + (128 << 20), "what the guest says is kept"
    assert house.local.get(f"sessions/{honest['session']['id']}")["state"] in ("connected", "disconnected")

    # No claim of its about a session ended it or began one of somebody else's.
    sessions = house.local.items("sessions", pool="liar")
    assert [session["user"]["name"] for session in sessions] == [person(1)]
    assert house.process.poll() is None

    # It cannot prevent what is asked about it, nor orield's restart.
    house.restart()
    assert house.connected(person(1), "liar")["desktop"]["id"] == desktop
    house.local.do("POST", f"sessions/{liar['session']['id']}/log-off")
    wait_until(lambda: house.local.get(f"sessions/{liar['session']['id']}")["state"] == "ended", LONG, "the end of the session")
    house.check()
    assert f"desktops/{desktop}" not in house.machine_folders() or house.local.get(f"desktops/{desktop}")["user"] is None
