"""The oriel command against the real orield (its machines simulated): a person's administration from beginning to end, and
from elsewhere through the gateway with a token."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import stack

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import fake_images  # noqa: E402

ORIEL = stack.BUILD / "src" / "cli" / "oriel"


@pytest.fixture(scope="module")
def house():
    one = stack.Orield(program="orield-simulated")
    fake_images.make(one.state / "images", "mini", 1)
    try:
        yield one.start()
    finally:
        one.destroy()


def run(house, *words, given="", **more):
    environment = {**house.environment, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}
    return subprocess.run([ORIEL, *words], env=environment, input=given, capture_output=True, text=True, timeout=120)


def good(house, *words, **more):
    done = run(house, *words, **more)
    assert done.returncode == 0, f"oriel {' '.join(words)}: {done.stderr}"
    return done.stdout


def data(house, *words):
    return json.loads(good(house, *words, "--json"))


def test_a_day(house):
    """The order of the man page's examples."""
    good(house, "pool", "create", "office", "--image", "mini", "--size", "5", "--spares", "1", "--title", "Office")
    good(house, "user", "create", "ada", "--title", "Ada Lovelace", "--mail", "ada@example.org")
    good(house, "entitle", "add", "office", "--user", "ada")
    assert "/#/setup/" in good(house, "user", "link", "ada")
    good(house, "pool", "wait", "office")
    connection = data(house, "desktop", "connect", "office", "--user", "ada")
    assert connection["url"].endswith("?ticket=" + connection["ticket"])
    name = connection["desktop"]["name"]
    assert name in good(house, "session", "list", "--user", "ada")
    assert data(house, "desktop", "list", "--user", "ada")["items"][0]["name"] == name
    good(house, "session", "disconnect", connection["session"]["id"])
    good(house, "desktop", "refresh", name, "--yes")
    assert data(house, "session", "list")["items"] == []
    assert data(house, "session", "list", "--ended")["items"][0]["id"] == connection["session"]["id"]
    good(house, "desktop", "stop", name)
    good(house, "desktop", "start", name)
    good(house, "desktop", "release", name, "--yes")
    good(house, "entitle", "remove", "office", "--user", "ada")
    refused = run(house, "desktop", "connect", "office", "--user", "ada")
    assert refused.returncode == 77
    assert refused.stderr == "oriel: ada may not use office: oriel entitle add office --user ada.\n"
    assert "pool.create" in good(house, "event", "list", "--object", "office")
    assert good(house, "event", "list", "--object", "nothing-of-that-name") == "None.\n"
    assert 'user "Ada": a name begins with a small letter' in run(house, "user", "create", "Ada").stderr
    actions = [event["action"] for event in data(house, "event", "list")["items"]]
    assert {"pool.create", "user.create", "entitlement.add", "user.link", "session.open"} <= set(actions)
    good(house, "pool", "delete", "office", "--yes")
    assert "The chain is whole" in good(house, "event", "verify")
    assert data(house, "event", "verify")["last_sequence"] >= len(actions)


def test_people(house):
    good(house, "user", "create", "grace", "--roles", "user,helpdesk", "--password-file", "-", given="a long password\n")
    assert house.login("grace", "a long password")
    good(house, "user", "edit", "grace", "--title", "Grace", "--roles", "operator")
    grace = data(house, "user", "show", "grace")
    assert (grace["display_name"], grace["roles"]) == ("Grace", ["operator"])
    good(house, "group", "create", "staff", "--title", "Staff")
    good(house, "group", "create", "staff", "--if-missing")
    good(house, "group", "add-member", "staff", "grace")
    assert "grace" in good(house, "group", "show", "staff")
    good(house, "group", "edit", "staff", "--title", "All staff")
    good(house, "group", "remove-member", "staff", "grace")
    good(house, "group", "delete", "staff", "--yes")
    good(house, "user", "password", "grace", "--password-file", "-", given="another password\n")
    assert house.login("grace", "another password")
    good(house, "user", "delete", "grace", "--yes")
    assert run(house, "user", "show", "grace").returncode == 66


def test_pools(house):
    good(house, "pool", "create", "lab", "--image", "mini", "--type", "dedicated", "--spares", "0", "--cpus", "2",
         "--memory", "512MiB", "--refresh", "no", "--maintenance", "yes")
    lab = data(house, "pool", "edit", "lab", "--size", "3", "--maintenance", "no", "--version", "1")
    assert (lab["size"], lab["vcpus"], lab["memory_bytes"], lab["follows_newest"]) == (3, 2, 512 << 20, False)
    assert "lab" in good(house, "pool", "list")
    assert run(house, "pool", "create", "lab", "--image", "mini").returncode == 73
    assert run(house, "pool", "create", "other", "--image", "none").returncode in (65, 66)
    good(house, "pool", "delete", "lab", "--yes")


@pytest.mark.parametrize("words", [
    ("status",), ("image", "list"), ("image", "show", "mini"), ("image", "recipes"), ("pool", "list"), ("desktop", "list"),
    ("session", "list"), ("user", "list"), ("group", "list"), ("job", "list"), ("event", "list")])
def test_everything_is_shown(house, words):
    assert good(house, *words).strip()
    json.loads(good(house, *words, "--json"))


def test_doctor(house):
    done = run(house, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["orield"]["state"] == "ok"
    assert {"qemu", "memory", "disk", "port", "images", "landlock"} <= set(checks)
    assert done.returncode == (71 if any(check["state"] == "failed" for check in checks.values()) else 0)


def far_from(house, folder, name):
    """The environment of somebody elsewhere, with a token of theirs in folder/token."""
    if not house.gateway:
        house.start_gateway()
    token = folder / "token"
    token.write_text(house.login(name).do("POST", "tokens", {"name": "cli"})["token"] + "\n")
    gateway = stack.BUILD / "src" / "gateway" / "oriel-gateway"
    fingerprint = subprocess.run([gateway, "--fingerprint"], env=house.environment, check=True, capture_output=True,
                                 text=True).stdout.strip()
    return {"ORIEL_URL": f"https://127.0.0.1:{house.port}", "ORIEL_TOKEN_FILE": str(token), "ORIEL_FINGERPRINT": fingerprint,
            "ORIEL_STATE": os.devnull}


def test_from_elsewhere(house, tmp_path):
    house.make_user("root1", ["admin"])
    far, token = far_from(house, tmp_path, "root1"), tmp_path / "token"
    assert "mini" in good(house, "image", "list", **far)
    made = house.login("root1").do("POST", "tokens", {"name": "second"})
    assert made["id"] in good(house, "token", "list", **far)
    assert run(house, "token", "create", "third", "--days", "2", **far).returncode == 77  # a token makes no tokens
    good(house, "token", "delete", made["id"], **far)
    assert run(house, "image", "list", **{**far, "ORIEL_FINGERPRINT": "00" * 32}).returncode == 77
    token.write_text("nonsense\n")
    assert run(house, "image", "list", **far).returncode == 77
    assert run(house, "host", "stop", "--yes", **far).returncode == 77


def test_host_stop():
    one = stack.Orield(program="orield-simulated")
    try:
        one.start()
        assert "has ended" in good(one, "host", "stop", "--yes")
        assert one.process.wait(10) == 0
        assert run(one, "status").returncode == 69
    finally:
        one.destroy()


DECLARED = """
plans:
  - name: thrifty
    kind: power
    settings:
      on_disconnect: {action: suspend, after_minutes: 10}
pools:
  - name: lab
    image: mini
    size: 4
    spares: 0
    memory_bytes: 1GiB
    power_plan: thrifty
    entitlements: {users: [lin], groups: [everyone]}
"""


def test_apply(house, tmp_path):
    file = tmp_path / "house.yaml"
    file.write_text(DECLARED)
    good(house, "user", "create", "lin")
    answer = run(house, "apply", file)
    assert (answer.returncode, "there is no terminal to ask on; give --yes" in answer.stderr) == (64, True)
    shown = good(house, "apply", file, "--dry-run").splitlines()
    assert shown[:2] == ["+ plan thrifty", "    kind: power"] and "+ pool lab" in shown and "+ entitlement to lab: user lin" in shown
    assert run(house, "pool", "show", "lab").returncode == 66, "nothing was done yet"
    assert "All 4 changes were made." in good(house, "apply", file, "--yes")
    pool = data(house, "pool", "show", "lab")
    assert (pool["size"], pool["memory_bytes"], pool["power_plan"]["name"]) == (4, 1 << 30, "thrifty")
    assert {(one["kind"], one["name"]) for one in data(house, "entitle", "list", "lab")["items"]} == {("user", "lin"), ("group", "everyone")}
    assert "Everything is as declared" in good(house, "apply", file, "--yes"), "a second time changes nothing"

    file.write_text(DECLARED.replace("size: 4", "size: 5").replace("[lin]", "[]"))
    answer = data(house, "apply", file, "--yes")
    assert answer["applied"] is True
    assert [(one["action"], one["name"], one["before"], one["fields"]) for one in answer["changes"]] == [
        ("update", "lab", {"size": 4}, {"size": 5}), ("disentitle", "lab", None, {"kind": "user", "name": "lin"})]
    assert "Everything is as declared" in good(house, "apply", "-", given=file.read_text())


POLICIES = """
plans:
  - {name: no-clipboard, kind: display, settings: {clipboard: none}}
pools:
  - {name: wing, image: mini, spares: 0}
policies:
  - name: outside
    when: {groups: [ward], addresses: [198.51.100.0/24], devices: [tablet], pools: [wing]}
    then: {display_plan: no-clipboard}
  - name: nights
    description: Nobody at night
    when: {users: [nurse], times: {time_zone: Europe/Berlin, windows: [{from: "22:00", to: "05:00"}]}}
    then: {deny: Come back in the morning.}
"""


def test_apply_policies_in_their_order(house, tmp_path):
    """After one that somebody made by hand, which the file does not have."""
    file = tmp_path / "policies.yaml"
    file.write_text(POLICIES)
    good(house, "user", "create", "nurse")
    good(house, "group", "create", "ward")
    house.local.do("POST", "policies", {"name": "by-hand", "when": {}, "then": {}})

    def order():
        return [one["name"] for one in house.local.items("policies")]
    shown = good(house, "apply", file, "--dry-run")
    assert "+ policy outside" in shown and "+ policy nights" in shown and order() == ["by-hand"]
    good(house, "apply", file, "--yes")
    assert order() == ["outside", "nights", "by-hand"]
    nights = house.local.get("policies/nights")
    assert nights["then"]["deny"] == "Come back in the morning." and nights["description"] == "Nobody at night"
    assert "Everything is as declared" in good(house, "apply", file, "--yes"), "a second time changes nothing"

    house.local.do("PUT", "policies/order", {"policies": ["by-hand", "nights", "outside"]}, status=204)
    assert [one["action"] for one in data(house, "apply", file, "--yes")["changes"]] == ["order"]
    assert order() == ["outside", "nights", "by-hand"]
    file.write_text(POLICIES.replace("devices: [tablet], ", ""))
    assert [(one["action"], one["name"]) for one in data(house, "apply", file, "--yes")["changes"]] == [("update", "outside")]
    assert "Everything is as declared" in good(house, "apply", file, "--yes")
    file.write_text("policies: []\n")
    good(house, "apply", file, "--prune", "--yes")
    assert order() == []


def test_apply_that_ends_half_way(house, tmp_path):
    file = tmp_path / "half.yaml"
    file.write_text("pools:\n  - {name: fine, image: mini, spares: 0}\n  - {name: odd, image: none}\n")
    answer = run(house, "apply", file, "--yes")
    assert answer.returncode == 66
    assert 'image "none"' in answer.stderr and "1 of 2 changes were made before it" in answer.stderr
    file.write_text("pools:\n  - {name: fine, size: 0}\n")
    assert run(house, "apply", file, "--yes").returncode == 65
    file.write_text("pools:\n  - name: fine\n    size: [\n")
    answer = run(house, "apply", file, "--yes")
    assert answer.returncode == 65 and f"{file}, line 4: " in answer.stderr
    file.write_text("plans: []\n")
    assert "- plan" not in good(house, "apply", file, "--dry-run"), "without --prune nothing goes"


def test_csv(house):
    good(house, "group", "create", "finance", "--title", "=HYPERLINK(1), \"x\"")
    lines = good(house, "group", "list", "--csv").splitlines()
    assert lines[0] == "NAME,MEMBERS,DIRECTORY,SHOWN AS"
    assert 'finance,0,,"\'=HYPERLINK(1), ""x"""' in lines
    assert good(house, "job", "list", "--csv").splitlines()[0].startswith("ID,")


def test_several_desktops_a_person(house):
    good(house, "pool", "create", "bench", "--image", "mini", "--spares", "2", "--size", "4", "--sessions", "2")
    good(house, "user", "create", "bea")
    good(house, "entitle", "add", "bench", "--user", "bea")
    good(house, "pool", "wait", "bench", "--free", "2")
    assert "Desktops a person" in good(house, "pool", "show", "bench")
    first = data(house, "desktop", "connect", "bench", "--user", "bea")["desktop"]
    second = data(house, "desktop", "connect", "bench", "--user", "bea", "--another")["desktop"]
    assert first["id"] != second["id"]
    assert data(house, "desktop", "connect", "bench", "--user", "bea", "--desktop", first["name"])["desktop"]["id"] == first["id"]
    refused = run(house, "desktop", "connect", "bench", "--user", "bea", "--another")
    assert refused.returncode == 75 and "as many as it allows one person" in refused.stderr
    file = "pools:\n  - {name: bench, image: mini, size: 4, spares: 2, sessions_a_user: 3}\n"
    changes = json.loads(good(house, "apply", "-", "--yes", "--json", given=file))["changes"]
    assert ("bench", {"sessions_a_user": 2}, {"sessions_a_user": 3}) in [(one["name"], one["before"], one["fields"]) for one in changes]
    good(house, "pool", "delete", "bench", "--yes", "--force")


def test_an_application_needs_a_screen(house):
    refused = run(house, "pool", "create", "app", "--image", "mini", "--application", "xterm")
    assert refused.returncode == 65 and 'image "mini": has no graphical session' in refused.stderr


def test_files_to_and_from_the_desktop(house, tmp_path):
    """With the person's own token; the guest's half of it is the real one."""
    house.local.do("POST", "pools", {"name": "files", "image": "mini", "size": 1, "spares": 1})
    house.make_user("fay")
    house.local.do("PUT", "pools/files/entitlements/users/fay", status=204)
    stack.wait_until(lambda: [one for one in house.local.items("desktops", pool="files") if one["state"] == "running"], 60, "a desktop")
    (house.state / "guest-home").mkdir()
    fay = house.login("fay")
    session = fay.do("POST", "pools/files/connect")["session"]["id"]
    stack.wait_until(lambda: fay.call("GET", f"sessions/{session}/files").status == 200, 30, "the desktop is prepared")
    far = far_from(house, tmp_path, "fay")
    content = bytes(range(256)) * 8200  # more than two pieces
    (tmp_path / "big.bin").write_bytes(content)
    assert good(house, "session", "put", session, str(tmp_path / "big.bin"), **far) == "It is on the desktop: Downloads/big.bin\n"
    assert json.loads(good(house, "session", "put", session, str(tmp_path / "big.bin"), "--json", **far)) == {"name": "big (2).bin"}
    assert (house.state / "guest-home" / "Downloads" / "big.bin").read_bytes() == content
    listed = good(house, "session", "files", session, **far)
    assert "big.bin" in listed and "big (2).bin" in listed and "2.0 MiB" in listed
    back = tmp_path / "back.bin"
    good(house, "session", "get", session, "big.bin", "--output", str(back), **far)
    assert back.read_bytes() == content and sorted(one.name for one in tmp_path.glob("back*")) == ["back.bin"]
    assert run(house, "session", "get", session, "none", "--output", str(tmp_path / "none"), **far).returncode == 66
    assert list(tmp_path.glob("none*")) == []
    assert run(house, "session", "put", session, str(tmp_path), **far).returncode == 65  # a folder
    assert run(house, "session", "files", session).returncode == 77  # the administrator's are not fay's
