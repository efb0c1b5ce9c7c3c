"""orield on PostgreSQL, and PostgreSQL gone for half a minute."""

import time

import pytest

import fake_images
import stack
from postgres import Postgres
from stack import PASSWORD, wait_until


@pytest.fixture
def postgres():
    server = Postgres()
    try:
        yield server
    finally:
        server.destroy()


@pytest.fixture
def house_on_postgres(postgres):
    one = stack.Orield(program="orield-simulated", environment={"ORIEL_DATABASE": postgres.uri})
    fake_images.make(one.state / "images", "mini", 1)
    try:
        yield one.start()
    finally:
        one.destroy()


def click(client):
    answer = client.call("POST", "pools/lab/connect")
    assert answer.status in (200, 202), answer
    return answer.status == 200 and answer.json


def test_the_store_comes_and_goes(house_on_postgres, postgres):
    house, local = house_on_postgres, house_on_postgres.local
    assert local.get("status")["store"].startswith("PostgreSQL")
    local.do("POST", "pools", {"name": "lab", "image": "mini", "size": 3, "spares": 1})
    house.make_user("anna")
    local.do("PUT", "pools/lab/entitlements/users/anna", status=204)
    anna = house.login("anna")
    given = wait_until(lambda: click(anna), 60, "a connection")
    stream = local.stream()
    assert stream.next() == ("resync", {})

    postgres.kill()
    gone = time.monotonic()
    while time.monotonic() - gone < 30:
        assert local.call("GET", "health").status == 200
        answer = local.call("GET", "pools")
        assert answer.status == 503 and answer.json["type"].endswith("/unavailable"), answer
        assert anna.call("GET", "portal").status == 503
        time.sleep(3)
    assert house.process.poll() is None

    postgres.start()
    wait_until(lambda: local.call("GET", "pools").status == 200, 60, "the store")
    again = wait_until(lambda: click(anna), 60, "a connection after the store came back")
    assert (again["desktop"]["id"], again["session"]["id"]) == (given["desktop"]["id"], given["session"]["id"])
    assert house.login("anna", PASSWORD)
    made = local.do("POST", "groups", {"name": "after"})
    stream.until(lambda event, data: data.get("id") == made["id"])
    stream.close()
    assert house.stop(machines=False) == 0
