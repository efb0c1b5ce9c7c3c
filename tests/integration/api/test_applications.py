"""Application pools with simulated machines, in which a program called `missing` is not there."""

import pytest

import fake_images
import stack
from stack import wait_until


@pytest.fixture(scope="module")
def studio():
    """Besides `mini`, which has a text console, the image `screen`."""
    one = stack.Orield(program="orield-simulated")
    fake_images.make(one.state / "images", "mini", 1)
    fake_images.make(one.state / "images", "screen", 1, session="x11")
    try:
        yield one.start()
    finally:
        one.destroy()


def template(house, pool):
    return house.local.get(f"pools/{pool}")["template"]


@pytest.mark.parametrize("command", ["x" * 501, "   ", "'open", "'' x", "a\nb", 5])
def test_refused(studio, command):
    answer = studio.local.call("POST", "pools", {"name": "bad", "image": "screen", "application": command})
    assert answer.status == 422, answer


def test_an_image_without_a_screen(studio):
    answer = studio.local.call("POST", "pools", {"name": "bad", "image": "mini", "application": "xterm"})
    assert answer.status == 422 and answer.json["detail"] == 'image "mini": has no graphical session, so it cannot show an application'
    studio.local.do("POST", "pools", {"name": "moves", "image": "screen", "application": "xterm", "spares": 0})
    answer = studio.local.call("PATCH", "pools/moves", {"image": "mini"})
    assert answer.status == 422 and "no graphical session" in answer.json["detail"]
    assert studio.local.call("POST", "pools", {"name": "pcs", "type": "manual", "application": "xterm"}).status == 422
    studio.local.do("DELETE", "pools/moves")


def test_click_and_tile(studio):
    studio.local.do("POST", "pools", {"name": "browser", "image": "screen", "application": "firefox --kiosk 'a b'", "size": 2, "spares": 1})
    studio.local.do("PUT", "pools/browser/entitlements/groups/everyone")
    wait_until(lambda: studio.local.get("pools/browser")["counts"]["free"] == 1, 60, "a spare")
    studio.make_user("ann")
    ann = studio.token_client("ann")
    connection = ann.do("POST", "pools/browser/connect")
    tile, = [one for one in ann.get("portal")["tiles"] if one["pool"]["name"] == "browser"]
    assert tile["pool"]["application"] is True and tile["desktop"]["id"] == connection["desktop"]["id"]
    assert "firefox" not in str(tile), "the command line is the administrator's"
    event = next(one for one in studio.local.items("events") if one["action"] == "pool.create" and one["object"]["name"] == "browser")
    assert event
    studio.local.do("PATCH", "pools/browser", {"application": ""})
    assert studio.local.get("pools/browser")["application"] == ""
    changed = next(one for one in studio.local.items("events") if one["action"] == "pool.update" and one["object"]["name"] == "browser")
    assert "application" in str(changed["detail"])
    studio.local.do("DELETE", "pools/browser", query={"force": "true"})


def test_two_pools_of_one_image_have_two_templates(studio):
    for name, command in (("one", "xterm"), ("two", "xterm -e top")):
        studio.local.do("POST", "pools", {"name": name, "image": "screen", "application": command, "spares": 1})
    for name in ("one", "two"):
        wait_until(lambda: template(studio, name)["state"] == "ready", 60, "its template")
    builds = [one for one in studio.local.items("jobs") if one["kind"] == "template.build" and one["object"]["name"] in ("one", "two")]
    assert len(builds) == 2, "neither is a copy of the other"
    for name in ("one", "two"):
        studio.local.do("DELETE", f"pools/{name}")


def test_a_program_that_is_not_there(studio):
    studio.local.do("POST", "pools", {"name": "typo", "image": "screen", "application": "missing --window", "spares": 1})
    wait_until(lambda: template(studio, "typo")["state"] == "failed", 60, "its failure")
    error = template(studio, "typo")["error"]
    assert error == ('application "missing --window": does not stay in image "simulated" version 1: "missing" ended with status 127\n'
                     "missing: No such file or directory")
    builds = [one for one in studio.local.items("jobs") if one["kind"] == "template.build" and one["object"]["name"] == "typo"]
    assert len(builds) == 1, "it is not tried again and again"
    studio.local.do("PATCH", "pools/typo", {"application": "xterm"})
    wait_until(lambda: studio.local.get("pools/typo")["counts"]["free"] == 1, 60, "a spare, once it is corrected")
    studio.local.do("DELETE", "pools/typo")


@pytest.mark.parametrize("provisioning", ["linked", "full"])
def test_one_that_boots(studio, provisioning):
    studio.local.do("POST", "pools", {"name": provisioning, "image": "screen", "application": "missing", "spares": 1, "size": 1,
                                      "provisioning": provisioning})

    def errors():
        return [one["error"] for one in studio.local.items("desktops", pool=provisioning) if one["error"]]
    wait_until(errors, 60, "its desktop's failure")
    assert errors()[0].startswith('application "missing": does not stay: "missing" ended with status 127\n'), errors()
    studio.local.do("PATCH", f"pools/{provisioning}", {"application": "xterm"})
    wait_until(lambda: studio.local.get(f"pools/{provisioning}")["counts"]["free"] == 1, 60, "a spare, once it is corrected")
    studio.local.do("DELETE", f"pools/{provisioning}")
