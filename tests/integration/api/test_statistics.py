"""Figures over time."""

import pytest

from stack import wait_until

MINUTE = 60_000


def test_a_pool_s_desktops_become_points(house):
    local = house.local
    local.do("POST", "pools", {"name": "counted", "image": "mini", "size": 2, "spares": 1})
    answer = wait_until(
        lambda: (lambda got: got["points"] and got["points"][-1]["value"] and got)(
            local.get("statistics?name=desktops&pool=counted")), 150, "the next minute")
    assert (answer["name"], answer["unit"], answer["step_ms"] % MINUTE) == ("desktops", "count", 0)
    assert answer["to_ms"] - answer["from_ms"] == 24 * 60 * MINUTE
    assert all(point["time_ms"] % MINUTE == 0 for point in answer["points"])
    everywhere = local.get("statistics?name=desktops")
    assert everywhere["points"][-1]["value"] >= 1
    memory = local.get(f"statistics?name=memory_bytes&from={answer['to_ms'] - 10 * MINUTE}&step=1")
    assert memory["step_ms"] == MINUTE and memory["unit"] == "bytes" and memory["points"]


@pytest.mark.parametrize("query, status", [
    ("", 422),
    ("?name=weather", 422),
    ("?name=sessions&pool=none", 404),
    ("?name=sessions&from=5&to=5", 422),
    ("?name=sessions&from=-1", 422),
    ("?name=sessions&from=x", 422),
    ("?name=sessions&from=0&to=9000000000000&step=60000", 422),
    ("?name=sessions&step=99999999999999999999", 422),
])
def test_bad_questions(house, query, status):
    assert house.local.call("GET", f"statistics{query}").status == status


def test_a_figure_of_the_host_has_no_pool(house):
    house.local.do("POST", "pools", {"name": "hostless", "image": "mini", "size": 1, "spares": 0})
    assert house.local.refused("GET", "statistics?name=memory_bytes&pool=hostless") == (422, "invalid")


def test_who_may_read_it(house):
    assert house.people["user"].refused("GET", "statistics?name=sessions") == (403, "forbidden")
    assert house.people["admin"].get("statistics?name=sessions")["unit"] == "count"
