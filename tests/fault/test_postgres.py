"""PostgreSQL as the store, which goes away and comes back under people who work."""

import pytest
from house import LONG, person, problem
from postgres import Postgres
from stack import wait_until
from test_kill_gateway import Flow
from test_kill_machine import looking


@pytest.fixture
def server():
    one = Postgres()
    try:
        yield one.start()
    finally:
        one.destroy()


def test_store_goes_and_comes(cold_house, server):
    house = cold_house
    server.sql("postgres", "CREATE DATABASE oriel")
    house.environment["ORIEL_DATABASE"] = server.uri("oriel")
    house.start()
    house.stop()  # it has made its tables
    server.take_rows("oriel", house.state / "oriel.db")
    (house.state / "oriel.db").unlink()
    house.start().start_gateway()

    given, display = looking(house, person(0))
    house.wait_agent(given["desktop"]["id"])
    session = given["session"]["id"]
    flow = Flow(display, (640, 400))
    flow.goes_on()

    server.stop()
    for _ in range(5):
        assert house.local.call("GET", "health").status == 200
        for answer in (house.local.call("GET", "desktops"), house.click(person(1)), house.click(person(0)),
                       house.local.call("POST", f"sessions/{session}/log-off")):
            kind, sentence = problem(answer)
            assert kind == "unavailable" and answer.status == 503 and sentence, answer
    flow.goes_on()
    assert house.process.poll() is None, house.log_text()

    server.start()
    wait_until(lambda: house.local.call("GET", "desktops").status == 200, LONG, "the store")
    assert house.local.get(f"sessions/{session}")["state"] == "connected"
    assert house.connected(person(0))["session"]["id"] == session
    other = house.connected(person(1))
    house.wait_agent(other["desktop"]["id"])
    flow.goes_on()
    flow.enough = True
    flow.join(LONG)
    assert flow.error is None, flow.error
    house.check()

    # Again, in the middle of clicks.
    for number in range(2, 8):
        server.stop()
        answer = house.click(person(number))
        assert problem(answer)[0] == "unavailable", answer
        server.start()
        house.connected(person(number))
    house.check()
    assert len(house.local.items("sessions")) == 8
