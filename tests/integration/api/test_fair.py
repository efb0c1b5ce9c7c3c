"""One person's calls never take what others need."""

import threading

import pytest

from stack import Client, wait_until


@pytest.fixture
def silent(house):
    """A pool of two people, whose guests do not answer."""
    house.local.do("POST", "pools", {"name": "fair", "image": "mini", "size": 2, "spares": 2})
    for name in ("greta", "hugo"):
        house.make_user(name)
        house.local.do("PUT", f"pools/fair/entitlements/users/{name}", status=204)
    mark = house.state / "agent-silent"
    mark.touch()
    yield house
    mark.unlink(missing_ok=True)


def connect(client):
    def ready():
        answer = client.call("POST", "pools/fair/connect")
        return answer.status == 200 and answer.json
    return wait_until(ready, 60, "a connection")


def test_slow_calls_of_one_user_stop_nobody(silent):
    greta, hugo = silent.login("greta"), silent.login("hugo", address="192.0.2.2")
    session = connect(greta)["session"]["id"]
    connect(hugo)
    answers, lock = [], threading.Lock()

    def log_off():
        answer = greta.call("POST", f"sessions/{session}/log-off")
        with lock:
            answers.append(answer)
    threads = [threading.Thread(target=log_off) for _ in range(40)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) >= 32, 15, "the refusal of 32 calls")
    assert all(answer.status == 429 and int(answer.headers["Retry-After"]) > 0 for answer in answers), answers
    assert hugo.call("POST", "pools/fair/connect").status == 200
    assert Client(silent, gateway=True).raw("GET", "/api/v1/display/none").status in (404, 426)
    assert len(answers) == 32, "the eight others still wait for the guest"
    (silent.state / "agent-silent").unlink()
    for thread in threads:
        thread.join()
    assert sorted({answer.status for answer in answers}) == [200, 429]
