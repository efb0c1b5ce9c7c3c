"""Kiosks: devices that log in by themselves, by address or by the certificate that they show to the gateway."""

import hashlib
import http.client
import json
import sqlite3
import ssl
import subprocess

import pytest

import fake_images
import stack
from stack import Client, wait_until

HALL = "198.51.100.0/24"


@pytest.fixture(scope="module")
def shown():
    one = stack.Orield(program="orield-simulated", environment={"ORIEL_CLIENT_CERTIFICATES": "yes"})
    fake_images.make(one.state / "images", "mini", 1)
    try:
        one.start()
        for pool in ("hall", "other"):
            one.local.do("POST", "pools", {"name": pool, "image": "mini", "size": 2, "spares": 1})
        one.make_user("door")
        for pool in ("hall", "other"):
            one.local.do("PUT", f"pools/{pool}/entitlements/users/door", status=204)
        one.local.do("POST", "kiosks", {"name": "door", "user": "door", "pool": "hall", "networks": [HALL]})
        yield one
    finally:
        one.destroy()


def device(house, address="198.51.100.9"):
    """A kiosk's browser, logged in; None: refused."""
    client = Client(house, gateway=True, address=address)
    answer = client.call("POST", "login/kiosk")
    if answer.status != 200:
        return None
    client.cookie = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    client.csrf = answer.json["csrf"]
    client.me = answer.json
    return client


def test_by_address(shown):
    stranger = Client(shown, gateway=True, address="198.51.101.9")
    assert stranger.refused("POST", "login/kiosk") == (403, "forbidden")
    assert stranger.get("login/providers")["kiosk"] is False
    assert Client(shown, gateway=True, address="198.51.100.9").get("login/providers")["kiosk"] is True
    door = device(shown)
    assert door.me["user"]["name"] == "door" and door.me["scopes"] == ["kiosk"] and door.me["kiosk_pool"]["name"] == "hall"
    assert door.get("me") == door.me
    login = shown.local.items("logins", user="door")[-1]
    assert (login["means"], login["means_name"], login["address"]) == ("kiosk", "door", "198.51.100.9")
    assert shown.local.get("kiosks/door")["logins"] >= 1


def test_a_page_of_another_site_logs_nobody_in(shown):
    client = Client(shown, gateway=True, address="198.51.100.9")
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        answer = client.call("POST", "login/kiosk", headers={"Sec-Fetch-Site": site})
        assert answer.status == status and ("Set-Cookie" in answer.headers) == (status == 200), site


def test_it_can_do_nothing_but_use_its_pool(shown):
    door = device(shown)
    assert [tile["pool"]["name"] for tile in door.get("portal")["tiles"]] == ["hall"]
    assert door.refused("POST", "pools/other/connect") == (403, "forbidden")
    assert door.refused("POST", "portal/pools/other/restart") == (403, "forbidden")
    connection = wait_until(lambda: door.call("POST", "pools/hall/connect").status == 200 and door.do("POST", "pools/hall/connect"), 60, "a desktop")
    # a session of the same user in the other pool is not the kiosk's
    person = shown.login("door")
    other = wait_until(lambda: person.call("POST", "pools/other/connect").status == 200 and person.do("POST", "pools/other/connect"), 60, "another")
    assert [one["id"] for one in door.items("sessions")] == [connection["session"]["id"]]
    assert door.refused("POST", f"sessions/{other['session']['id']}/log-off") == (403, "forbidden")
    for method, path, body in (
            ("GET", "tokens", None), ("POST", "tokens", {"name": "x"}), ("GET", "logins", None), ("DELETE", "logins", None), ("POST", "totp", None),
            ("PUT", "users/door/password", {"password": "walnut on a shelf"}), ("GET", "users", None), ("GET", "kiosks", None), ("GET", "desktops", None)):
        assert door.refused(method, path, body) == (403, "forbidden"), path
    assert door.do("POST", f"sessions/{connection['session']['id']}/log-off")["state"] == "ended"
    person.do("POST", f"sessions/{other['session']['id']}/log-off")


def test_policies_know_it_as_a_kiosk_whatever_its_browser_says(shown):
    local = shown.local
    local.do("POST", "policies", {"name": "no-kiosks", "when": {"devices": ["kiosk"], "pools": ["hall"]}, "then": {"deny": "Not from a kiosk."}})
    door, person = device(shown), shown.login("door")
    denied = {who: {tile["pool"]["name"]: tile["denied"] for tile in client.get("portal")["tiles"]} for who, client in (("kiosk", door), ("person", person))}
    assert denied == {"kiosk": {"hall": "Not from a kiosk."}, "person": {"hall": None, "other": None}}
    assert door.refused("POST", "pools/hall/connect") == (403, "forbidden")
    local.do("DELETE", "policies/no-kiosks", status=204)


def test_one_address_does_not_shut_out_the_others(shown):
    crowd = [device(shown, "198.51.100.66") for _ in range(101)]  # a site behind one address
    assert None not in crowd
    # as many more as make the kiosk half full, and all of them show something or were used just now
    with sqlite3.connect(shown.state / "oriel.db", timeout=60) as database:
        columns = "user_id, csrf, address, agent, created_ms, seen_ms, expires_ms, scopes, means, means_id"
        for number in range(400):
            database.execute(f"INSERT INTO web_sessions (id, token_hash, {columns}) SELECT id || ?, token_hash || ?, {columns}"
                             " FROM web_sessions WHERE means = 'kiosk' AND address = '198.51.100.66' LIMIT 1", (f"-{number}", f"-{number}"))
    refusal = Client(shown, gateway=True, address="198.51.100.66").call("POST", "login/kiosk")
    assert refusal.status == 429 and "from this address" in refusal.json["detail"]
    assert device(shown, "198.51.100.67") is not None
    # what nobody has used for long, and shows nothing, makes room
    with sqlite3.connect(shown.state / "oriel.db", timeout=60) as database:
        database.execute("UPDATE web_sessions SET seen_ms = seen_ms - 3600000 WHERE id LIKE '%-7'")
    assert device(shown, "198.51.100.66") is not None
    with sqlite3.connect(shown.state / "oriel.db", timeout=60) as database:
        database.execute("DELETE FROM web_sessions WHERE id LIKE '%-%'")


def test_a_change_ends_its_logins(shown):
    door = device(shown)
    shown.local.do("PATCH", "kiosks/door", {"enabled": False})
    assert door.refused("GET", "me") == (401, "unauthenticated")
    assert device(shown) is None
    shown.local.do("PATCH", "kiosks/door", {"enabled": True, "pool": "other"})
    assert device(shown).me["kiosk_pool"]["name"] == "other"
    shown.local.do("PATCH", "kiosks/door", {"pool": "hall"})
    shown.local.do("PATCH", "users/door", {"enabled": False})
    assert device(shown) is None
    shown.local.do("PATCH", "users/door", {"enabled": True})


def test_crud(shown):
    shown.make_user("boss", ["admin"])
    shown.make_user("till")
    good = {"name": "till", "user": "till", "pool": "hall", "networks": ["192.0.2.7"]}
    for wrong, word in (({"user": "boss"}, "roles"), ({"networks": []}, "by what"), ({"networks": ["192.0.2.7/24"]}, "192.0.2.7/24"),
                        ({"certificates": ["ab"]}, "SHA-256"), ({"name": "Till"}, "Till"), ({"networks": "all"}, "networks"), ({"odd": 1}, "odd")):
        answer = shown.local.call("POST", "kiosks", {**good, **wrong})
        assert answer.status == 422 and word in answer.json["detail"], answer
    assert shown.local.refused("POST", "kiosks", {**good, "pool": "none"}) == (404, "not-found")
    made = shown.local.do("POST", "kiosks", {**good, "certificates": ["AB:" * 31 + "CD"]}, status=201)
    assert made["certificates"] == ["ab" * 31 + "cd"]
    assert shown.local.refused("POST", "kiosks", good) == (409, "conflict")
    assert [one["name"] for one in shown.local.items("kiosks", limit=1)] == ["door", "till"]
    assert device(shown, "192.0.2.7") is None  # both must fit
    shown.local.do("PATCH", "kiosks/till", {"certificates": []})
    assert device(shown, "192.0.2.7").me["user"]["name"] == "till"
    assert shown.login("till").refused("GET", "kiosks") == (403, "forbidden")
    shown.local.do("DELETE", "kiosks/till", status=204)
    assert shown.local.refused("GET", "kiosks/till") == (404, "not-found")
    actions = [event["action"] for event in shown.local.items("events")]
    assert {"kiosk.create", "kiosk.update", "kiosk.delete"} <= set(actions)


def certificate(folder, name):
    """(path of certificate with key, SHA-256)"""
    path = folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", "30",
                    "-keyout", folder / f"{name}.key", "-out", path], check=True, capture_output=True)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()
    path.write_text(path.read_text() + (folder / f"{name}.key").read_text())
    return path, digest


def through_gateway(house, certificate_path=None, version=None):
    """Status and JSON of POST login/kiosk over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.maximum_version = version
    if certificate_path:
        context.load_cert_chain(certificate_path)
    connection = http.client.HTTPSConnection("127.0.0.1", house.port, context=context, timeout=60)
    connection.request("POST", "/api/v1/login/kiosk")
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_by_certificate(shown, tmp_path):
    shown.start_gateway()
    mine, digest = certificate(tmp_path, "panel")
    others, _ = certificate(tmp_path, "other")
    shown.make_user("panel")
    shown.local.do("PUT", "pools/hall/entitlements/users/panel", status=204)
    shown.local.do("POST", "kiosks", {"name": "panel", "user": "panel", "pool": "hall", "certificates": [digest]})
    for version in (None, ssl.TLSVersion.TLSv1_2):
        status, me = through_gateway(shown, mine, version)
        assert (status, me["user"]["name"]) == (200, "panel")
        assert through_gateway(shown, others, version)[0] == 403
        assert through_gateway(shown, None, version)[0] == 403
    assert shown.local.items("logins", user="panel")[0]["address"] == "127.0.0.1"
    # with a network as well, both must fit
    shown.local.do("PATCH", "kiosks/panel", {"networks": ["192.0.2.0/24"]})
    assert through_gateway(shown, mine)[0] == 403
    shown.local.do("PATCH", "kiosks/panel", {"networks": ["127.0.0.1"]})
    assert through_gateway(shown, mine)[0] == 200
    assert through_gateway(shown)[0] == 403
