"""The oriel command against a stand-in for orield: requests, output, exit codes, waiting, and what goes wrong."""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fake_api import Fake, FakeRemote, TIME, desktop, image, job, page, pool, ulid  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
ORIEL = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build")) / "src" / "cli" / "oriel"
PATIENCE = 300  # only bounds a hang


@pytest.fixture
def fake(tmp_path):
    server = Fake(str(tmp_path / "run" / "orield.sock"))
    yield server
    server.close()


def environment(folder):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}
    return {**kept, "ORIEL_STATE": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def run(folder, *arguments, given=""):
    return subprocess.run([ORIEL, *arguments], env=environment(folder), input=given, capture_output=True, text=True, timeout=PATIENCE)


def start(folder, *arguments):
    return subprocess.Popen([ORIEL, *arguments], env=environment(folder), stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.01)


def test_no_daemon(tmp_path):
    answer = run(tmp_path, "status")
    assert answer.returncode == 69
    assert answer.stdout == ""
    assert answer.stderr == (f"oriel: orield does not answer at \"{tmp_path}/run/orield.sock\": start it, or set ORIEL_STATE "
                             "to its state folder.\n")


def test_long_state_path(tmp_path):
    folder = tmp_path / ("x" * 90) / ("y" * 90)
    folder.mkdir(parents=True)
    short = tmp_path / "s"
    short.symlink_to(folder)
    server = Fake(str(short / "run" / "orield.sock"))
    try:
        server.answer("GET pools", page(pool()))
        assert run(folder, "pool", "list").returncode == 0
    finally:
        server.close()


@pytest.mark.parametrize("kind,status,code", [
    ("internal", 500, 70), ("invalid", 422, 65), ("unauthenticated", 401, 77), ("forbidden", 403, 77), ("not-found", 404, 66),
    ("conflict", 409, 73), ("stale", 412, 75), ("too-large", 413, 65), ("too-many", 429, 75), ("full", 503, 75),
    ("no-space", 507, 74), ("timeout", 504, 75), ("unavailable", 503, 69), ("unsupported", 501, 71), ("corrupt", 500, 65),
    ("cancelled", 409, 75)])
def test_problems(fake, tmp_path, kind, status, code):
    fake.problem("GET pools/demo", kind, status, "pool \"demo\": no luck today")
    answer = run(tmp_path, "pool", "show", "demo")
    assert (answer.returncode, answer.stdout, answer.stderr) == (code, "", "oriel: pool \"demo\": no luck today.\n")


def test_answer_that_is_no_json(fake, tmp_path):
    fake.answer("GET status", b"<html>nginx</html>")
    answer = run(tmp_path, "status")
    assert answer.returncode == 65 and "answer of orield" in answer.stderr
    fake.answer("GET status", b"<html>bad gateway</html>", 502)
    answer = run(tmp_path, "status")
    assert answer.returncode == 69 and "HTTP status 502" in answer.stderr


def test_table_and_json(fake, tmp_path):
    fake.answer("GET pools", page(pool()))
    table = run(tmp_path, "pool", "list").stdout.splitlines()
    assert table[0].split() == ["NAME", "TYPE", "IMAGE", "VERSION", "SIZE", "DESKTOPS", "RUNNING", "ASSIGNED",
                                "SESSIONS", "TEMPLATE", "ENABLED"]
    assert table[1].split() == ["demo", "floating", "debian-xfce", "1", "10", "1", "1", "0", "0", "ready", "yes"]
    assert json.loads(run(tmp_path, "pool", "list", "--json").stdout) == page(pool())
    fake.answer("GET pools/demo", pool())
    assert json.loads(run(tmp_path, "--json", "pool", "show", "demo").stdout) == pool()


def test_pages_are_followed(fake, tmp_path):
    fake.answer("GET users?limit=500", page({"name": "ada"}, following="01"))
    fake.answer("GET users?limit=500&after=01", page({"name": "bob"}))
    listed = json.loads(run(tmp_path, "user", "list", "--json").stdout)
    assert [user["name"] for user in listed["items"]] == ["ada", "bob"] and listed["next"] is None


def test_hostile_text_stays_text(fake, tmp_path):
    fake.answer("GET pools/demo", {**pool(), "description": "\x1b]0;pwned\x07\x1b[2J"})
    fake.answer("GET pools", page({**pool(), "name": "\x1b[31mred"}))
    for words in (("show", "demo"), ("list",)):
        assert "\x1b" not in run(tmp_path, "pool", *words).stdout
    fake.problem("GET pools/demo", "conflict", 409, "\x1b[2Jgone")
    assert "\x1b" not in run(tmp_path, "pool", "show", "demo").stderr


def test_names_are_encoded(fake, tmp_path):
    fake.answer("GET users/a%2Fb", {"name": "a/b"})
    assert run(tmp_path, "user", "show", "a/b").returncode == 0
    run(tmp_path, "pool", "show", "..")
    assert fake.requests[-1][1] == "pools/%2E%2E"


@pytest.mark.parametrize("words,request_line,body", [
    (["pool", "create", "p", "--image", "i", "--size", "5", "--version", "2"], "POST pools",
     {"image": "i", "size": 5, "name": "p", "version": 2}),
    (["pool", "edit", "demo", "--version", "newest"], "PATCH pools/demo", {"version": None}),
    (["entitle", "add", "demo", "--user", "ada"], "PUT pools/demo/entitlements/users/ada", None),
    (["entitle", "remove", "demo", "--group", "all"], "DELETE pools/demo/entitlements/groups/all", None),
    (["user", "create", "ada", "--title", "Ada L.", "--roles", "user, admin"], "POST users",
     {"display_name": "Ada L.", "name": "ada", "roles": ["user", "admin"]}),
    (["user", "edit", "ada", "--enabled", "no"], "PATCH users/ada", {"enabled": False}),
    (["group", "create", "g", "--title", "d"], "POST groups", {"display_name": "d", "name": "g"}),
    (["group", "add-member", "g", "ada"], "PUT groups/g/members/ada", None),
    (["group", "remove-member", "g", "ada"], "DELETE groups/g/members/ada", None),
    (["desktop", "assign", "demo-1", "ada"], "POST desktops/demo-1/assign", {"user": "ada"}),
    (["desktop", "release", "demo-1", "--yes"], "POST desktops/demo-1/release", {}),
    (["desktop", "delete", "demo-1", "--force", "--yes"], "DELETE desktops/demo-1?force=true", None),
    (["session", "disconnect", ulid(1)], f"POST sessions/{ulid(1)}/disconnect", {}),
    (["session", "log-off", ulid(1), "--yes"], f"POST sessions/{ulid(1)}/log-off", {}),
    (["image", "delete", "i", "--yes"], "DELETE images/i", None),
    (["pool", "delete", "demo", "--yes"], "DELETE pools/demo", None),
    (["job", "cancel", ulid(1)], f"POST jobs/{ulid(1)}/cancel", {}),
    (["token", "create", "ci", "--days", "30", "--user", "ada"], "POST tokens", {"days": 30, "name": "ci", "user": "ada"}),
    (["token", "create", "ci", "--forever"], "POST tokens", {"days": None, "name": "ci"}),
    (["token", "delete", ulid(1)], f"DELETE tokens/{ulid(1)}", None),
    (["host", "stop", "--machines", "--no-wait", "--yes"], "POST host/stop", {"machines": True}),
])
def test_requests(fake, tmp_path, words, request_line, body):
    fake.answer("GET pools/demo", pool())
    fake.answer("GET groups/g", {"name": "g", "built_in": False, "members": [{"id": ulid(2), "name": "ada"}]})
    fake.answer(request_line, {})
    answer = run(tmp_path, *words)
    assert answer.returncode == 0, answer.stderr
    assert fake.requests[-1] == (*request_line.split(" "), body)


def test_queries(fake, tmp_path):
    fake.answer("GET desktops", page(desktop()))
    run(tmp_path, "desktop", "list", "--pool", "demo", "--state", "running", "--user", "a b")
    assert fake.requests[-1][1] == "desktops?pool=demo&state=running&user=a%20b&limit=500"


def test_password_from_file_and_input(fake, tmp_path):
    fake.answer("PUT users/ada/password", None, 204)
    secret = tmp_path / "secret"
    secret.write_text("correct horse\nsecond line\n")
    assert run(tmp_path, "user", "password", "ada", "--password-file", str(secret)).returncode == 0
    assert run(tmp_path, "user", "password", "ada", "--password-file", "-", given="from input\n").returncode == 0
    assert fake.asked("PUT", "users/ada/password") == [{"password": "correct horse"}, {"password": "from input"}]
    answer = run(tmp_path, "user", "password", "ada")
    assert answer.returncode == 64 and "no terminal" in answer.stderr and "--password-file FILE" in answer.stderr


def test_link_only_where_needed(fake, tmp_path):
    fake.answer("GET users/admin", {"name": "admin", "password_set": True})
    fake.answer("POST users/admin/link", {"url": "https://h/#/setup/T", "expires_ms": TIME})
    assert run(tmp_path, "user", "link", "admin", "--if-no-password").stdout == ""
    assert not fake.asked("POST", "users/admin/link")
    fake.answer("GET users/admin", {"name": "admin", "password_set": False})
    assert "https://h/#/setup/T" in run(tmp_path, "user", "link", "admin", "--if-no-password").stdout


def test_create_if_missing(fake, tmp_path):
    fake.answer("POST groups", {"name": "everyone", "members": []}, 201)
    assert run(tmp_path, "group", "create", "everyone", "--if-missing").returncode == 0
    assert len(fake.asked("POST", "groups")) == 1
    fake.answer("GET groups/everyone", {"name": "everyone", "members": []})
    assert run(tmp_path, "group", "create", "everyone", "--if-missing").returncode == 0
    assert len(fake.asked("POST", "groups")) == 1


def test_build_waits_with_progress(fake, tmp_path):
    fake.answer("POST images", {"job": job(1)}, 202)
    fake.answer(f"GET jobs/{ulid(1)}", job(1))
    fake.answer("GET images/debian-xfce", image(newest=4))
    child = start(tmp_path, "image", "build", "debian-xfce")
    until(lambda: fake.asked("GET", f"jobs/{ulid(1)}"))
    fake.event("job", job(2, progress=99, step="another one's"))
    fake.event("job", job(1, progress=1, step=None))
    fake.event("job", job(1, progress=30, step="packages"))
    fake.event("job", job(1, progress=60, step="disk"))
    fake.event("job", job(1, state="done", progress=100, step="disk"))
    out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, err
    assert out == "Image debian-xfce has version 4 now.\n"
    assert "Build image debian-xfce: 30 % packages\n" in err and "60 % disk" in err and "another" not in err
    assert not any(line.endswith(" ") for line in err.splitlines()), err
    assert fake.asked("POST", "images") == [{"name": "debian-xfce", "recipe": "debian-xfce"}]


def test_build_no_wait_and_json(fake, tmp_path):
    fake.answer("POST images", {"job": job(1)}, 202)
    answer = run(tmp_path, "image", "build", "debian-xfce", "--no-wait")
    assert answer.returncode == 0 and ulid(1) in answer.stdout
    assert json.loads(run(tmp_path, "image", "build", "debian-xfce", "--no-wait", "--json").stdout)["job"]["id"] == ulid(1)


def test_build_from_file(fake, tmp_path):
    recipe = tmp_path / "office.recipe"
    recipe.write_text("base = debian\n")
    fake.answer("POST images", {"job": job(1)}, 202)
    run(tmp_path, "image", "build", str(recipe), "--no-wait")
    run(tmp_path, "image", "build", "-", "--name", "piped", "--no-wait", given="x = y\n")
    assert fake.asked("POST", "images") == [{"name": "office", "recipe_text": "base = debian\n", "recipe_file": str(recipe)},
                                            {"name": "piped", "recipe_text": "x = y\n", "recipe_file": "standard input"}]
    deep = tmp_path / ("d" * 200)
    deep.mkdir()
    for name in ("kiosk.recipe", "k" * 220 + ".recipe"):
        (deep / name).write_text("x = y\n")
        run(tmp_path, "image", "build", str(deep / name), "--name", "kiosk", "--no-wait")
    assert [body.get("recipe_file") for body in fake.asked("POST", "images")[2:]] == ["kiosk.recipe", None]
    assert run(tmp_path, "image", "build", "-").returncode == 64
    assert run(tmp_path, "image", "build", "./missing.recipe").returncode == 66


def test_build_if_missing_joins_a_running_build(fake, tmp_path):
    fake.answer("GET images/debian-xfce", image(newest=None, building=ulid(1)))
    fake.answer(f"GET jobs/{ulid(1)}", job(1, state="done", progress=100))
    assert run(tmp_path, "image", "build", "debian-xfce", "--if-missing").returncode == 0
    assert not fake.asked("POST", "images")
    fake.answer("GET images/debian-xfce", image(newest=2))
    assert run(tmp_path, "image", "build", "debian-xfce", "--if-missing").stdout == "Image debian-xfce has version 2 now.\n"


def test_failed_and_cancelled_jobs(fake, tmp_path):
    fake.answer(f"GET jobs/{ulid(1)}", job(1, state="failed", error="image \"x\": the disk is full"))
    answer = run(tmp_path, "job", "watch", ulid(1))
    assert answer.returncode == 70 and "the disk is full" in answer.stderr and f"oriel job log {ulid(1)}" in answer.stderr
    fake.answer(f"GET jobs/{ulid(1)}", job(1, state="cancelled"))
    assert run(tmp_path, "job", "watch", ulid(1)).returncode == 75
    assert run(tmp_path, "job", "watch", ulid(2)).returncode == 66


def test_watch_survives_a_restart(fake, tmp_path):
    fake.answer(f"GET jobs/{ulid(1)}", job(1))
    child = start(tmp_path, "job", "watch", ulid(1))
    until(lambda: fake.streams)
    until(lambda: fake.asked("GET", f"jobs/{ulid(1)}"))
    fake.break_streams()
    until(lambda: len(fake.asked("GET", "stream")) > 1)
    fake.answer(f"GET jobs/{ulid(1)}", job(1, state="done", progress=100))
    until(lambda: fake.streams)
    fake.event("resync", {})
    assert child.wait(30) == 0, child.stderr.read()


def test_interrupt_leaves_the_job(fake, tmp_path):
    fake.answer(f"GET jobs/{ulid(1)}", job(1))
    child = start(tmp_path, "job", "watch", ulid(1))
    until(lambda: fake.asked("GET", f"jobs/{ulid(1)}"))
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 75 and f"job {ulid(1)} goes on" in err
    assert not fake.asked("POST", f"jobs/{ulid(1)}/cancel")


def read_until(terminal, pattern):
    seen = ""
    while not re.search(pattern, seen):
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_interrupt_on_a_terminal_can_cancel(fake, tmp_path):
    fake.answer(f"GET jobs/{ulid(1)}", job(1, progress=40, step="packages"))
    fake.answer(f"POST jobs/{ulid(1)}/cancel", {"job": job(1)}, 202)
    process, terminal = pty.fork()
    if process == 0:
        os.execve(ORIEL, [str(ORIEL), "job", "watch", ulid(1)], environment(tmp_path))
    read_until(terminal, r"\[#########-+\]  40 %.*packages")
    os.write(terminal, b"\x03")
    read_until(terminal, r"Cancel the job \(c\)")
    os.write(terminal, b"c\n")
    until(lambda: fake.asked("POST", f"jobs/{ulid(1)}/cancel"))
    fake.event("job", job(1, state="cancelled"))
    read_until(terminal, "was cancelled")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 75


def test_confirmation_on_a_terminal(fake, tmp_path):
    fake.answer("DELETE pools/demo", None, 204)
    for typed, code in ((b"n\n", 75), (b"y\n", 0)):
        process, terminal = pty.fork()
        if process == 0:
            os.execve(ORIEL, [str(ORIEL), "pool", "delete", "demo"], environment(tmp_path))
        read_until(terminal, r"\[y/N\]")
        os.write(terminal, typed)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == code
    assert len(fake.asked("DELETE", "pools/demo")) == 1


@pytest.mark.parametrize("words", [
    ("pool", "delete", "demo"), ("image", "delete", "i"), ("user", "delete", "ada"), ("group", "delete", "g"),
    ("desktop", "delete", "demo-1"), ("desktop", "refresh", "demo-1"), ("desktop", "release", "demo-1"),
    ("session", "log-off", "x"), ("host", "stop")])
def test_nothing_is_destroyed_without_being_asked(fake, tmp_path, words):
    answer = run(tmp_path, *words)
    assert answer.returncode == 64 and answer.stderr.endswith("there is no terminal to ask on; give --yes.\n")
    assert not [request for request in fake.requests if request[0] != "GET"]


def test_host_stop_says_what_it_cuts_off(fake, tmp_path):
    fake.answer("GET jobs", page(job(1, state="running", progress=12)))
    fake.answer("POST host/stop", {"machines": 1}, 202)
    answer = run(tmp_path, "host", "stop", "--machines", "--no-wait", "--yes")
    assert answer.returncode == 0
    assert answer.stdout.startswith('"Build image debian-xfce" is under way (12 %): it is cancelled; after the next start "oriel')


def test_a_refreshed_desktop_that_its_pool_does_not_need(fake, tmp_path):
    fake.answer("POST desktops/demo-1/refresh", desktop(generation=2))
    answer = run(tmp_path, "desktop", "refresh", "demo-1", "--yes")  # GET desktops/ID: there is none
    assert answer.returncode == 0 and "gone: its pool has enough" in answer.stdout
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="deleting", generation=2))
    assert run(tmp_path, "desktop", "refresh", "demo-1", "--yes").stdout == "Desktop demo-1 is deleting.\n"


@pytest.mark.parametrize("words,sentence", [
    (("entitle", "add", "demo"), "give either --user or --group"),
    (("completion",), "which shell"),
    (("completion", "tcsh"), "there is none for"),
    (("user", "edit", "ada"), "nothing to change"),
    (("group", "edit", "g"), "nothing to change"),
    (("pool", "edit", "demo"), "nothing to change"),
    (("pool", "edit", "demo", "--version", "old"), "neither a version's number"),
    (("desktop", "connect", "demo"), "--user is missing")])
def test_an_incomplete_command_line(fake, tmp_path, words, sentence):
    answer = run(tmp_path, *words)
    assert answer.returncode == 64 and sentence in answer.stderr
    assert fake.requests == []


def test_pool_edit_shows_what_changed(fake, tmp_path):
    fake.answer("GET pools/demo", pool())
    fake.answer("PATCH pools/demo", {**pool(running=3), "size": 12, "spares": 2})
    assert run(tmp_path, "pool", "edit", "demo", "--size", "12").stdout == "Desktops at most: 12\nSpares:           2\n"
    fake.answer("PATCH pools/demo", pool())
    assert run(tmp_path, "pool", "edit", "demo", "--size", "10").stdout == "Nothing was to be changed.\n"


def test_membership_says_what_it_did(fake, tmp_path):
    fake.answer("GET groups/g", {"name": "g", "built_in": False, "members": [{"id": ulid(2), "name": "ada"}]})
    fake.answer("DELETE groups/g/members/ada", None, 204)
    fake.answer("DELETE groups/g/members/bob", None, 204)
    fake.answer("PUT groups/everyone/members/ada", None, 204)
    assert run(tmp_path, "group", "remove-member", "g", "ada").stdout == "ada is no longer a member of g.\n"
    assert run(tmp_path, "group", "remove-member", "g", "bob").stdout == "bob was no member of g; nothing was changed.\n"
    assert run(tmp_path, "group", "add-member", "everyone", "ada").stdout.startswith("Every enabled user is in everyone")


def test_an_empty_token_file(fake, tmp_path):
    token = tmp_path / "token"
    for text in ("", "\n"):
        token.write_text(text)
        answer = run(tmp_path, "status", "--url", "https://localhost:1", "--token-file", str(token))
        assert answer.returncode == 65 and "empty" in answer.stderr and str(token) in answer.stderr


CONNECTION = {"desktop": {"id": ulid(11), "name": "demo-1", "state": "running"},
              "session": {"id": ulid(12), "state": "connecting", "since_ms": TIME}, "ticket": "T", "path": "api/v1/display/T",
              "expires_ms": TIME, "url": "https://h:8443/#/desktop/demo-1?ticket=T"}


def test_connect(fake, tmp_path):
    fake.answer("POST pools/demo/connect", CONNECTION)
    assert json.loads(run(tmp_path, "desktop", "connect", "demo", "--user", "ada", "--json").stdout) == CONNECTION
    assert "https://h:8443/#/desktop/demo-1?ticket=T" in run(tmp_path, "desktop", "connect", "demo", "--user", "ada").stdout
    assert fake.asked("POST", "pools/demo/connect")[0] == {"user": "ada"}


def test_connect_waits_for_a_boot(fake, tmp_path):
    answers = [(202, {"job": job(1, title="Boot pool demo")}), (200, CONNECTION)]
    fake.answers["POST pools/demo/connect"] = lambda body: answers.pop(0)
    fake.answer(f"GET jobs/{ulid(1)}", job(1, state="done", progress=100))
    assert json.loads(run(tmp_path, "desktop", "connect", "demo", "--user", "ada", "--json").stdout) == CONNECTION


def test_power_waits_for_the_state(fake, tmp_path):
    fake.answer("POST desktops/demo-1/stop", desktop(state="stopping", desired="stopped"))
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="stopping", desired="stopped"))
    child = start(tmp_path, "desktop", "stop", "demo-1")
    until(lambda: fake.asked("GET", f"desktops/{ulid(11)}"))
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="stopped", desired="stopped"))
    until(lambda: fake.streams)
    fake.event("change", {"kind": "desktop", "id": ulid(11), "op": "update"})
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out) == (0, "Desktop demo-1 is stopped.\n"), err


# Of a spare nothing is kept, so it is absent then; and its pool may want it back before anybody has looked.
def test_stop_of_a_spare(fake, tmp_path):
    fake.answer("POST desktops/demo-1/stop", desktop(desired="stopped"))
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="absent", desired="stopped"))
    answer = run(tmp_path, "desktop", "stop", "demo-1")
    assert (answer.returncode, answer.stdout) == (0, "Desktop demo-1 is absent.\n"), answer.stderr
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="starting"))
    answer = run(tmp_path, "desktop", "stop", "demo-1")
    assert (answer.returncode, answer.stdout) == (0, "Desktop demo-1 is wanted again, by its pool or by somebody: it is starting.\n")


def test_power_reports_failure(fake, tmp_path):
    fake.answer("POST desktops/demo-1/start", desktop(state="starting"))
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="failed", error="desktop \"demo-1\": no memory left"))
    answer = run(tmp_path, "desktop", "start", "demo-1")
    assert answer.returncode == 70 and "no memory left" in answer.stderr
    assert run(tmp_path, "desktop", "start", "demo-1", "--no-wait").stdout == "Desktop demo-1 is starting.\n"


def test_refresh_waits_for_the_generation(fake, tmp_path):
    fake.answer("POST desktops/demo-1/refresh", desktop(state="refreshing", generation=2))
    fake.answer(f"GET desktops/{ulid(11)}", desktop(state="running", generation=2, observed=2))
    assert run(tmp_path, "desktop", "refresh", "demo-1", "--yes").stdout == "Desktop demo-1 is running.\n"


def test_pool_wait(fake, tmp_path):
    fake.answer("GET pools/demo", pool(running=0, template="booting", template_job=ulid(5)))
    fake.answer(f"GET jobs/{ulid(5)}", job(5, progress=20, step="boots", title="Template of pool demo"))
    child = start(tmp_path, "pool", "wait", "demo")
    until(lambda: fake.asked("GET", f"jobs/{ulid(5)}"))
    fake.answer("GET pools/demo", pool(running=1))
    until(lambda: fake.streams)
    fake.event("change", {"kind": "desktop", "id": ulid(11), "op": "update"})
    out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0 and "Template of pool demo: 20 % boots" in err


def test_pool_waits_for_its_image(fake, tmp_path):
    fake.answer("GET pools/demo", pool(running=0, template="waiting for the image", waits_for="image \"x\": version 1 is being built"))
    shown = run(tmp_path, "pool", "show", "demo").stdout
    assert "version 1 is being built" in shown and "error" not in shown
    child = start(tmp_path, "pool", "wait", "demo")
    until(lambda: fake.streams)
    fake.answer("GET pools/demo", pool(running=1))
    fake.event("change", {"kind": "desktop", "id": ulid(11), "op": "update"})
    assert child.communicate(timeout=PATIENCE) and child.returncode == 0


def test_pool_wait_says_why_not(fake, tmp_path):
    fake.answer("GET pools/demo", pool(running=0, template="failed", template_error="the kernel does not boot"))
    answer = run(tmp_path, "pool", "wait", "demo")
    assert answer.returncode == 70 and "the kernel does not boot" in answer.stderr


def test_long_log(fake, tmp_path):
    path = f"jobs/{ulid(1)}/log"
    for begin, text, following in ((0, b"first\n", 6), (6, b"second\n", 13), (13, b"", 13)):
        fake.answer(f"GET {path}?from={begin}", text)
        fake.headers[f"{path}?from={begin}"] = {"X-Oriel-Next": str(following)}
    assert run(tmp_path, "job", "log", ulid(1)).stdout == "first\nsecond\n"


def test_thumbnail(fake, tmp_path):
    fake.answer("GET desktops/demo-1/thumbnail?width=200", b"\x89PNG\r\n\x1a\n")
    target = tmp_path / "x.png"
    assert run(tmp_path, "desktop", "thumbnail", "demo-1", "--width", "200", "--output", str(target)).returncode == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert not [name for name in os.listdir(tmp_path) if name.startswith("x.png.")]


def event(number, action):
    return {"sequence": number, "id": ulid(number), "time_ms": TIME, "actor": "ada", "action": action,
            "address": None, "result": "ok", "hash": "0" * 64,
            "object": {"kind": "pool", "id": ulid(3), "name": "demo"}, "detail": {"size": 4}}


def test_events_follow(fake, tmp_path):
    fake.answer("GET events", page(event(2, "pool.update"), event(1, "pool.create")))
    child = start(tmp_path, "event", "list", "--follow", "--json")
    assert [json.loads(child.stdout.readline())["action"] for _ in range(2)] == ["pool.create", "pool.update"]
    until(lambda: fake.streams)
    fake.answer("GET events", page(event(3, "pool.delete"), event(2, "pool.update"), event(1, "pool.create")))
    fake.event("change", {"kind": "pool", "id": ulid(3), "op": "delete"})
    assert json.loads(child.stdout.readline())["action"] == "pool.delete"
    fake.break_streams()
    assert child.wait(30) == 69


def test_full_output_is_an_error(fake, tmp_path):
    fake.answer("GET pools", page(pool()))
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([ORIEL, "pool", "list"], env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 74


def test_url_needs_a_token_and_https(tmp_path):
    answer = run(tmp_path, "status", "--url", "https://localhost:1")
    assert answer.returncode == 77 and "--token-file" in answer.stderr
    token = tmp_path / "token"
    token.write_text("T\n")
    assert run(tmp_path, "status", "--url", "http://localhost:1", "--token-file", str(token)).returncode == 65
    assert run(tmp_path, "status", "--url", "https://localhost:1", "--token-file", str(token)).returncode == 69


@pytest.fixture
def remote(tmp_path):
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=elsewhere", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = FakeRemote(certificate, key)
    server.url = f"https://127.0.0.1:{server.server_address[1]}"
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"], check=True, text=True,
                           capture_output=True).stdout
    server.fingerprint = shown.strip().split("=")[1]
    server.token = tmp_path / "token"
    server.token.write_text("secret-token\n")
    server.answer("GET pools", page(pool()))
    yield server
    server.close()


def test_remote_needs_trust(remote, tmp_path):
    words = ("pool", "list", "--url", remote.url, "--token-file", str(remote.token))
    answer = run(tmp_path, *words)
    assert answer.returncode == 77 and "--fingerprint" in answer.stderr
    answer = run(tmp_path, *words, "--fingerprint", "00" * 32)
    assert answer.returncode == 77 and "may be another server" in answer.stderr
    assert not remote.requests
    answer = run(tmp_path, *words, "--fingerprint", remote.fingerprint)
    assert answer.returncode == 0 and "demo" in answer.stdout
    assert remote.authorization == "Bearer secret-token"


def complete(folder, line):
    """What bash offers at the end of the line."""
    script = subprocess.run([ORIEL, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    words = line.split(" ")
    driver = (script + "\nCOMP_WORDS=(" + " ".join(f"'{word}'" for word in words) + f")\nCOMP_CWORD={len(words) - 1}\n"
              "_oriel\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n")
    path = f"{ORIEL.parent}:{os.environ['PATH']}"
    return subprocess.run(["bash", "-c", driver], env={**environment(folder), "PATH": path}, capture_output=True, text=True,
                          check=True).stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_completion(fake, tmp_path):
    fake.answer("GET pools", page(pool("demo"), pool("office"), pool("$(reboot)")))
    assert "desktop" in complete(tmp_path, "oriel ")
    assert complete(tmp_path, "oriel ent") == ["entitle"]
    assert complete(tmp_path, "oriel pool cr") == ["create"]
    assert complete(tmp_path, "oriel pool show ") == ["demo", "office"]
    assert complete(tmp_path, "oriel --json pool show o") == ["office"]
    assert complete(tmp_path, "oriel pool create x --type ") == ["floating", "dedicated", "shared", "manual"]
    assert complete(tmp_path, "oriel pool create x --ima") == ["--image"]
    assert complete(tmp_path, "oriel desktop list --pool d") == ["demo"]
    assert complete(tmp_path, "oriel completion z") == ["zsh"]
