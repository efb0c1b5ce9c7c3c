"""Start and end of orield."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time

import stack
from stack import PASSWORD, Client, Orield


def run_once(house, *arguments, environment=None):
    """orield that is expected to end by itself."""
    return subprocess.run([str(stack.BUILD / "src" / "api" / "orield"), *arguments], capture_output=True, text=True,
                          timeout=60, env={**house.environment, **(environment or {})})


def test_the_first_start_leaves_a_link(stopped_house):
    house = stopped_house.start()
    link = house.state / "setup-link"
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    token = link.read_text().strip().rsplit("/", 1)[1]
    assert token not in house.log_text()
    answer = Client(house, gateway=True).call("POST", "setup", {"token": token, "password": PASSWORD})
    assert answer.json["user"]["name"] == "admin" and answer.json["user"]["roles"][0] == "admin"
    assert not link.exists()
    assert house.stop(machines=False) == 0
    house.start()
    assert not link.exists()
    assert house.login("admin").get("me")["user"]["name"] == "admin"


def test_a_newer_link_takes_the_place_of_the_first(fresh_house):
    assert (fresh_house.state / "setup-link").exists()
    fresh_house.local.do("POST", "users/admin/link")
    assert not (fresh_house.state / "setup-link").exists()


def test_a_store_that_is_away_ends_nothing(fresh_house):
    """Somebody holds the database: what needs it waits or is told so, what does not need it works, and then all is well."""
    holder = sqlite3.connect(fresh_house.state / "oriel.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    answer = fresh_house.local.call("POST", "groups", {"name": "late"})
    assert answer.status in (503, 504), answer
    assert fresh_house.local.call("GET", "health").status == 200
    while time.monotonic() - begun < 30:
        assert fresh_house.local.call("GET", "health").status == 200
        time.sleep(1)
    holder.execute("ROLLBACK")
    holder.close()
    assert fresh_house.local.call("POST", "groups", {"name": "late"}).status == 201
    assert fresh_house.process.poll() is None


def test_sockets_and_state_are_private(fresh_house):
    modes = {name: stat.S_IMODE((fresh_house.runtime / name).stat().st_mode) for name in ("orield.sock", "gateway.sock")}
    assert modes == {"orield.sock": 0o600, "gateway.sock": 0o660}
    assert stat.S_IMODE((fresh_house.state / "oriel.db").stat().st_mode) == 0o600


def test_a_second_orield_is_refused(fresh_house):
    second = run_once(fresh_house)
    assert second.returncode == 73 and "another orield" in second.stderr
    assert fresh_house.local.call("GET", "health").status == 200


def test_signals_end_it_in_order(stopped_house):
    for number in (signal.SIGTERM, signal.SIGINT):
        stopped_house.start()
        stopped_house.process.send_signal(number)
        assert stopped_house.process.wait(30) == 0
        assert not (stopped_house.runtime / "orield.sock").exists()
        stopped_house.process = None


def test_host_stop_answers_and_ends(fresh_house):
    assert fresh_house.local.refused("POST", "host/stop", {}) == (422, "invalid")
    assert fresh_house.local.refused("POST", "host/stop", {"machines": 1}) == (422, "invalid")
    for machines in (False, True):
        answer = fresh_house.local.call("POST", "host/stop", {"machines": machines})
        assert answer.status == 202
        assert fresh_house.process.wait(60) == 0
        fresh_house.process = None
        fresh_house.start()


def test_kill_and_start_again(fresh_house):
    fresh_house.make_user("kate")
    fresh_house.kill()
    fresh_house.start()
    assert fresh_house.login("kate").get("me")["user"]["name"] == "kate"


def test_requests_under_way_are_answered_at_the_end(fresh_house):
    connections = []
    for _ in range(20):
        connection = fresh_house.local.connection()
        connection.request("GET", "/api/v1/status")
        connections.append(connection)
    answers = [connection.getresponse() for connection in connections]
    fresh_house.process.send_signal(signal.SIGTERM)
    assert all(answer.status == 200 and json.loads(answer.read()) for answer in answers)
    assert fresh_house.process.wait(30) == 0
    fresh_house.process = None


def test_a_newer_state_is_refused(stopped_house):
    stopped_house.start()
    stopped_house.stop()
    database = sqlite3.connect(stopped_house.state / "oriel.db")
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "schema_version" in tables or "migrations" in tables, tables
    table = "schema_version" if "schema_version" in tables else "migrations"
    column = [row[1] for row in database.execute(f"PRAGMA table_info({table})")][0]
    database.execute(f"UPDATE {table} SET {column} = 9999 WHERE {column} = (SELECT max({column}) FROM {table})")
    database.commit()
    database.close()
    refused = run_once(stopped_house)
    assert refused.returncode == 71 and "newer" in refused.stderr


def test_a_damaged_store_is_refused(stopped_house):
    (stopped_house.state / "oriel.db").write_bytes(b"this is no database" * 100)
    refused = run_once(stopped_house)
    assert refused.returncode == 65 and "oriel.db" in refused.stderr


def test_words_of_the_command_line(stopped_house):
    assert run_once(stopped_house, "--version").stdout.startswith("orield ")
    assert "--config" in run_once(stopped_house, "--help").stdout
    for words in (["--nonsense"], ["word"]):
        refused = run_once(stopped_house, *words)
        assert refused.returncode == 65 and words[0].lstrip("-") in refused.stderr
    missing = run_once(stopped_house, "--config", "/nonexistent.conf")
    assert missing.returncode != 0 and "/nonexistent.conf" in missing.stderr
    bad = run_once(stopped_house, environment={"ORIEL_PORT": "x"})
    assert bad.returncode == 65 and "port" in bad.stderr.lower()


def test_check_says_what_this_host_can_do(stopped_house):
    plain = run_once(stopped_house, "--check")
    assert "accelerator" in plain.stdout and plain.returncode in (0, 1)
    checks = json.loads(run_once(stopped_house, "--check", "--json").stdout)["checks"]
    assert {check["state"] for check in checks} <= {"ok", "warning", "failed"}


def test_the_service_manager_is_told(stopped_house):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(path)
        manager.settimeout(60)
        stopped_house.environment["NOTIFY_SOCKET"] = path
        stopped_house.start()
        assert manager.recv(100) == b"READY=1"
        stopped_house.stop(machines=False)
        assert manager.recv(100) == b"STOPPING=1"


def test_a_socket_left_by_a_crash_is_no_hindrance(fresh_house):
    fresh_house.kill()
    assert (fresh_house.runtime / "orield.sock").exists()
    fresh_house.start()


def test_images_come_and_go_on_disk(stopped_house):
    import fake_images
    import shutil
    house = stopped_house
    fake_images.make(house.state / "images", "late", 3)
    (house.state / "images" / "late" / "2").mkdir()
    house.start()
    assert [(v["version"], v["state"]) for v in house.local.get("images/late")["versions"]] == [(3, "ready")]
    house.stop()
    shutil.rmtree(house.state / "images" / "late" / "3")
    (house.state / "images" / "mini" / "1" / "kernel").write_bytes(b"shorter")
    house.start()
    late, mini = house.local.get("images/late"), house.local.get("images/mini")
    assert late["versions"][0]["state"] == "failed" and late["newest"] is None
    assert mini["versions"][0]["state"] == "failed" and "kernel" in mini["versions"][0]["error"]
    house.stop()
    shutil.rmtree(house.state / "images" / "mini")
    fake_images.make(house.state / "images", "mini", 1)
    house.start()
    assert house.local.get("images/mini")["versions"][0]["state"] == "ready"


def test_a_new_orield_without_machines_answers(make_orield):
    """The real program, with the real probe of this host."""
    one = make_orield().start()
    assert isinstance(one, Orield)
    assert one.local.get("status")["accelerator"]["reason"]
    assert one.stop() == 0


def test_status_warns_of_a_pool_whose_template_failed(fresh_house):
    import shutil
    house, local = fresh_house, fresh_house.local
    assert local.get("status")["warnings"] == []
    shutil.rmtree(house.state / "templates")
    (house.state / "templates").write_text("in the way")
    local.do("POST", "pools", {"name": "lame", "image": "mini"})
    stack.wait_until(lambda: local.get("pools/lame")["template"]["state"] == "failed", 60, "the template's failure")
    warnings = [warning for warning in local.get("status")["warnings"] if "lame" in warning]
    assert warnings == [f'pool "lame": no template, so no new desktops: {local.get("pools/lame")["template"]["error"]}']
    job = local.get("pools/lame")["template"]["job"]
    log = local.call("GET", f"jobs/{job}/log")
    assert "-- failed: " in log.body.decode().splitlines()[-1]
