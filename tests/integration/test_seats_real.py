"""A real machine that people share at once: each has a screen, an account and a home of their own, which no neighbour reaches (the
session of the image "seats" tries, and would paint its screen white)."""

import concurrent.futures
import os
import signal
import struct
import zlib

import pytest
from stack import wait_until
from test_first_light import BOOT_SECONDS, Display, connected


@pytest.fixture
def house(make_orield, images):
    if not any(images.glob("seats/*/manifest.json")):
        pytest.skip("no image with seats: scripts/test-images builds it")
    return make_orield(images=images).start().start_gateway()


def colour_of(display):
    """Of the middle of the screen, once it is what a session paints."""
    def painted():
        colour = display.colour()
        assert colour != (255, 255, 255), "the session reaches a neighbour's screen, socket or home"
        return colour if colour[2] == 128 else None
    return wait_until(painted, 120, "the person's colour")


def opened(client):
    """A click and its display; as a person does, again where the guest was not ready in time."""
    def display():
        given.append(connected(client, "farm"))
        one = Display(client.orield, given[-1]["path"])
        if b" 101 " not in one.head.split(b"\r\n")[0]:
            return None
        one.handshake() # at once: whoever says nothing for a while is not let in
        return one
    given = []
    return wait_until(display, BOOT_SECONDS, "a display"), given[-1]


def look_on(house, person, session, colour):
    """With his leave, beside him: the same picture."""
    shadow = house.local.do("POST", f"sessions/{session}/shadow", {"mode": "view"})["id"]
    person.do("POST", f"shadows/{shadow}/answer", {"allow": True})
    beside = Display(house, house.local.do("POST", f"shadows/{shadow}/connect")["path"])
    beside.handshake()
    assert colour_of(beside) == colour
    assert person.get(f"shadows/{shadow}")["state"] == "open"
    person.do("POST", f"shadows/{shadow}/end")


def corner_of(picture):
    """Of a PNG of 8 bits a colour: its first pixel, whatever the row's filter (it has no neighbours)."""
    at, data, colours = 8, b"", 0
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at:at + 8])
        if kind == b"IHDR":
            depth, colours = picture[at + 16], picture[at + 17]
            assert (depth, colours) == (8, 2)
        if kind == b"IDAT":
            data += picture[at + 8:at + 8 + length]
        at += length + 12
    return tuple(zlib.decompress(data)[1:4])


def test_two_people_at_once(house):
    local = house.local
    local.do("POST", "pools", {"name": "farm", "type": "shared", "image": "seats", "size": 1, "seats": 3, "spares": 1})

    def person(name):
        house.make_user(name)
        local.do("PUT", f"pools/farm/entitlements/users/{name}", status=204)
        return house.login(name)

    def ended(session):
        return local.get(f"sessions/{session}")["state"] == "ended"
    people = {name: person(name) for name in ("ann", "bob", "eve", "brief")}
    wait_until(lambda: local.get("pools/farm")["counts"]["free"] == 3, BOOT_SECONDS, "three free seats")

    with concurrent.futures.ThreadPoolExecutor() as clicks: # both at the same time
        displays, given = {}, {}
        for name, click in {name: clicks.submit(opened, people[name]) for name in ("ann", "bob")}.items():
            displays[name], given[name] = click.result()
    colours = {name: colour_of(display) for name, display in displays.items()}
    assert colours["ann"] != colours["bob"], colours
    seats = {name: local.get("desktops/" + one["desktop"]["id"]) for name, one in given.items()}
    assert seats["ann"]["seat_of"] == seats["bob"]["seat_of"] and seats["ann"]["id"] != seats["bob"]["id"]
    sessions = {name: one["session"]["id"] for name, one in given.items()}
    assert {name: local.get(f"sessions/{one}")["log_on"]["account"] for name, one in sessions.items()} == {"ann": "ann", "bob": "bob"}
    look_on(house, people["bob"], sessions["bob"], colours["bob"])
    displays["bob"].send(struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1))
    assert displays["bob"].bytes(1) in (b"\0", b"\2"), "he was not disturbed"
    assert {name: corner_of(local.call("GET", f"desktops/{seat['id']}/thumbnail").body) for name, seat in seats.items()} == colours

    people["ann"].do("POST", f"sessions/{sessions['ann']}/log-off")
    assert ended(sessions["ann"]) and local.get(f"sessions/{sessions['bob']}")["state"] == "connected"
    assert local.get("desktops/" + seats["bob"]["id"])["generation"] == seats["bob"]["generation"]
    displays["bob"].send(struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1))
    assert displays["bob"].bytes(1) in (b"\0", b"\2"), "his picture goes on"
    again, other = opened(people["ann"])
    assert colour_of(again) == colours["ann"] and other["session"]["id"] != sessions["ann"], "she is back, as herself"
    again, same = opened(people["bob"])
    assert colour_of(again) == colours["bob"] and same["session"]["id"] == sessions["bob"], "his programs run on"

    _, short = opened(people["brief"])
    wait_until(lambda: ended(short["session"]["id"]), 120, "the end of a session that ends by itself")
    eve, hers = opened(people["eve"])
    assert local.get("desktops/" + hers["desktop"]["id"])["seat_of"] == seats["bob"]["seat_of"]
    assert colour_of(eve) not in colours.values()

    for pid in house.machines():
        if f"/{seats['bob']['seat_of']['id']}" in os.readlink(f"/proc/{pid}/cwd"):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(ended(one) for one in (other["session"]["id"], sessions["bob"], hers["session"]["id"])), 60, "all three sessions' end")
    assert local.get(f"sessions/{sessions['bob']}")["end_reason"] == local.get(f"sessions/{hers['session']['id']}")["end_reason"] != "logged off"
    back, _ = opened(people["bob"])
    assert colour_of(back) == colours["bob"], "on the machine that comes in its place"
