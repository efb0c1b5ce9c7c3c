"""Every role on every call. What a role may do is written here a second time, on purpose: two tables that must agree."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from stack import DESCRIPTION, Client

OWN = {"me", "totp", "self", "session_own", "desktop_own"}
ALLOWED = {
    "user": OWN | {"portal"},
    "auditor": OWN | {"event_read"},
    "helpdesk": OWN | {"portal", "session_read", "session_write", "desktop_read", "desktop_power"},
    "operator": OWN | {"portal", "connect_for_others", "session_read", "session_write", "desktop_read",
                 "desktop_power", "desktop_assign", "pool_read", "image_read", "job_read", "job_cancel",
                 "status_read"},
}
CALLS = sorted((method, path, operation["x-permission"]) for method, path, operation in DESCRIPTION.operations())
# These end the caller's own login or orield; their own tests do them.
APART = {("POST", "/logout"), ("DELETE", "/logins"), ("POST", "/host/stop")}


def expected(role, permission):
    if permission == "anyone":
        return True
    if permission == "local" or role == "stranger":
        return False
    return role == "admin" or permission in ALLOWED[role]


def real(path):
    """A path to things that do not exist: an allowed caller gets as far as 404 or 422 and changes nothing."""
    for name in ("pool", "desktop", "image", "user", "group", "ticket", "plan", "directory", "provider", "policy", "kiosk", "transfer"):
        path = path.replace("{" + name + "}", "absent")
    return path.replace("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV").lstrip("/")


@pytest.mark.parametrize("role", ["stranger", "user", "auditor", "helpdesk", "operator", "admin"])
def test_every_call(house, role):
    client = Client(house, gateway=True) if role == "stranger" else house.people[role]
    wrong = []
    for method, path, permission in CALLS:
        if (method, path) in APART:
            continue
        if path == "/stream" and expected(role, permission):
            stream = client.stream()
            if stream.status != 200:
                wrong.append(f"{role}: {method} {path}: {stream.status}")
            stream.close()
            continue
        body = {"nothing": True} if method in ("POST", "PUT", "PATCH") else None
        answer = client.call(method, real(path), body)
        refused = answer.status in (401, 403)
        if path == "/users/{user}/password" and role not in ("admin", "stranger"):
            refused = not refused  # somebody else's: needs user_write
        if path == "/desktops/{desktop}/thumbnail" and role in ("user", "auditor"):
            refused = not refused  # not theirs
        if (method, path) == ("POST", "/tokens") and role != "stranger":
            refused = not refused  # they come with a token, and a token makes no tokens
        if (method, path) in (("POST", "/login"), ("POST", "/login/code")):
            refused = False  # 422: the body has the wrong fields
        if (method, path) == ("POST", "/login/kiosk"):
            refused = not expected(role, permission)  # no device of these tests is a kiosk: 403 to all
        if refused == expected(role, permission):
            wrong.append(f"{role}: {method} {path} ({permission}): {answer}")
        if role == "stranger" and refused and answer.status != 401 and path != "/login/kiosk":
            wrong.append(f"{role}: {method} {path}: {answer.status} instead of 401")
    assert not wrong, "\n".join(wrong)


SCOPES = {
    "me": "read portal account desktops sessions pools images users jobs audit hosts",
    "totp": "account", "self": "account", "session_own": "portal sessions", "desktop_own": "portal desktops",
    "portal": "portal", "connect_for_others": "desktops", "session_read": "sessions", "session_write": "sessions",
    "desktop_read": "desktops", "desktop_power": "desktops", "desktop_assign": "desktops", "desktop_delete": "desktops",
    "pool_read": "pools", "pool_write": "pools", "image_read": "images", "image_write": "images",
    "user_read": "users", "user_write": "users", "job_read": "jobs", "job_cancel": "jobs",
    "event_read": "audit", "status_read": "hosts", "host_write": "hosts",
}


@pytest.mark.parametrize("scope", SCOPES["me"].split())
def test_every_call_with_a_token_of_one_scope(house, scope):
    """The administrator's token: the roles allow everything, so that only the scope refuses."""
    admin = house.login("admin1")
    made = admin.do("POST", "tokens", {"name": f"only {scope}", "scopes": [scope]})
    assert made["scopes"] == [scope]
    client = Client(house, token=made["token"])
    wrong = []
    for method, path, permission in CALLS:
        if (method, path) in APART or permission in ("anyone", "local") or path == "/stream":
            continue
        body = {"nothing": True} if method in ("POST", "PUT", "PATCH") else None
        answer = client.call(method, real(path), body)
        by_scope = answer.status == 403 and "scopes" in answer.json["detail"]
        allowed = scope in SCOPES[permission].split() or (scope == "read" and method == "GET")
        if path == "/desktops/{desktop}/thumbnail":
            allowed = scope in ("desktops", "read")  # nobody's own: needs desktop_read
        if path == "/users/{user}/password":
            allowed = False  # somebody else's: needs user_write as well
        if by_scope == allowed or (by_scope and scope not in answer.json["detail"]):
            wrong.append(f"{scope}: {method} {path} ({permission}): {answer}")
    assert not wrong, "\n".join(wrong)


def test_a_scope_adds_nothing_to_the_roles(house):
    token = house.login("user1").do("POST", "tokens", {"name": "greedy", "scopes": ["pools", "users"]})["token"]
    client = Client(house, token=token)
    assert client.refused("GET", "pools") == (403, "forbidden")
    assert client.refused("DELETE", "users/admin") == (403, "forbidden")
    assert client.refused("GET", "portal") == (403, "forbidden")  # theirs by role, but not of this token


def test_scopes_that_are_none(house):
    admin = house.login("admin1")
    for scopes in ([], ["enrol"], ["kiosk"], ["everything"], [""], ["read desktops"], [3]):
        assert admin.refused("POST", "tokens", {"name": "odd", "scopes": scopes}) == (422, "invalid"), scopes
    assert admin.do("POST", "tokens", {"name": "plain"})["scopes"] == ["all"]


def test_only_the_local_administrator_ends_orield(house):
    assert house.people["admin"].refused("POST", "host/stop", {"machines": False}) == (403, "forbidden")
    stranger = Client(house, gateway=True)
    assert stranger.refused("POST", "host/stop", {"machines": False}) == (401, "unauthenticated")


def test_the_gateway_has_no_local_rights(house):
    assert Client(house).call("GET", "users").status == 200
    assert Client(house, gateway=True, address="127.0.0.1").refused("GET", "users") == (401, "unauthenticated")


def test_a_machine_has_no_local_rights(house, tmp_path):
    """QEMU has orield's own user, and no sandbox keeps it from connecting: whoever breaks out of a guest gets this far."""
    qemu = tmp_path / "qemu-system-x86_64"
    shutil.copy(os.path.realpath(sys.executable), qemu)
    script = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
              "s.sendall(b'GET /api/v1/me HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); print(s.recv(65536).decode())")
    for program, status in ((sys.executable, "200"), (qemu, "401")):
        told = subprocess.run([program, "-c", script, house.runtime / "orield.sock"], capture_output=True, text=True, check=True)
        assert told.stdout.split()[1] == status


def test_a_refused_change_is_in_the_audit_trail(house):
    house.make_user("rolf")
    rolf = house.token_client("rolf")
    assert rolf.refused("POST", "users", {"name": "mallory"}) == (403, "forbidden")
    event = house.local.get("events", limit=1)["items"][0]
    assert (event["actor"], event["result"], event["detail"]["path"]) == ("rolf", "forbidden", "/api/v1/users")


def test_refusals_do_not_fill_the_audit_trail(house):
    def refuse(times):
        for number in range(times):
            assert house.people["user"].refused("DELETE", f"pools/none{number}") == (403, "forbidden")
    refuse(50)
    time.sleep(1.1)
    refuse(1)
    lines = [event["detail"] for event in house.local.do("GET", "events", query={"limit": 500})["items"]
             if event["action"] == "call.denied" and event["detail"]["path"].startswith("/api/v1/pools/none")]
    assert sum(1 + line.get("left_out", 0) for line in lines) == 51
    assert len(lines) < 51
