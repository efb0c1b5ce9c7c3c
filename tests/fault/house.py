"""An Oriel that tests may kill, starve and lie to: one state folder with a frozen template, made once, put back before each
test; and what must be true of it whatever has happened."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import stack
from stack import BUILD, ROOT, wait_until
from test_first_light import Display

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("ORIEL_CACHE", ROOT / "cache"))
IMAGE = "fault-guest"
POOL = "seed"
PEOPLE = 52
LONG = 600  # seconds: a bound against hanging, on emulated processors of a busy machine
REPORT = re.compile(r"REPORT machine_id=(\S+) hostname=(\S+) mac=(\S+) uuid=(\S+) random=(\S+) END")


def person(number):
    return f"user{number:02}"


# ---- the image: debian-minimal, and a guest that says who it is ----

def image_key(recipe):
    parts = [recipe.encode()]
    guest = BUILD / "src" / "guest"
    for path in [guest / "oriel-agent", guest / "oriel-init", guest / "oriel-locker", *sorted((ROOT / "src" / "image" / "build").iterdir())]:
        parts.append(path.read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make_image():
    """A folder with fault-guest/VERSION/..., built anew where recipe, agent or builder changed since."""
    folder = CACHE / "fault"
    folder.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "images" / "debian-minimal.recipe").read_text() + (HERE / "guest.recipe").read_text()
    recipe, stamp, images = folder / f"{IMAGE}.recipe", folder / "key", folder / "images"
    key = image_key(text)
    if stamp.exists() and stamp.read_text() == key:
        return images
    recipe.write_text(text)
    shutil.rmtree(images, ignore_errors=True)
    subprocess.run([str(BUILD / "tests" / "image-build"), str(recipe), str(images), str(folder / "packages")],
                   env={**os.environ, "ORIEL_GUEST": str(BUILD / "src" / "guest")}, check=True, timeout=1800)
    stamp.write_text(key)
    return images


# ---- the house ----

class House(stack.Orield):
    """stack.Orield with a state that can be put away and put back at the same path (disks name their backing files)."""

    def __init__(self, images, **options):
        super().__init__(images=images, **options)
        self.saved = pathlib.Path(tempfile.mkdtemp(prefix="oriel-saved-"))
        self.mounted = False

    def furnish(self):
        """People who may use the pool `seed`, and its template."""
        local = self.local
        local.do("POST", "groups", {"name": "people"})
        for number in range(PEOPLE):
            name = person(number)
            local.do("POST", "users", {"name": name, "roles": ["user"]})
            local.do("PUT", f"groups/people/members/{name}", status=204)
        self.make_pool(POOL)
        self.wait_template(POOL)

    def make_pool(self, name, **fields):
        self.local.do("POST", "pools", {"name": name, "image": IMAGE, "size": 20, "spares": 0, **fields})
        self.local.do("PUT", f"pools/{name}/entitlements/groups/people", status=204)

    def wait_template(self, pool):
        def ready():
            template = self.local.get(f"pools/{pool}")["template"]
            assert template["state"] != "failed", (template, self.log_text()[-4000:])
            return template["state"] == "ready"
        wait_until(ready, LONG, f"the template of {pool}")

    def put_away(self):
        self.stop()
        copy_tree(self.state, self.saved)

    def put_back(self):
        self.stop_all()
        for entry in self.state.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        copy_tree(self.saved, self.state)
        self.environment = {key: value for key, value in self.environment.items() if key != "ORIEL_DATABASE"}

    def on_small_disk(self, size):
        """The state on a file system of its own, of so many bytes. Returns whether mounting is permitted."""
        self.stop_all()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "oriel-test", str(self.state)], check=False,
                              capture_output=True)
        self.mounted = done.returncode == 0
        if self.mounted:
            copy_tree(self.saved, self.state)
        return self.mounted

    def stop_all(self):
        """Without asking: everything of this house ends at once, and is waited for."""
        if self.process:
            self.kill()
        if self.gateway:
            self.gateway.kill()
            self.gateway.wait()
            self.gateway = None
        for pid in self.machines():
            kill_quietly(pid, signal.SIGKILL)
        wait_until(lambda: not self.machines(), 60, "the end of all machines")
        if self.mounted:
            wait_until(lambda: subprocess.run(["umount", str(self.state)], check=False).returncode == 0, 60,
                       "the end of all that used the small disk")
            self.mounted = False

    def restart(self):
        """As after a crash."""
        if self.process:
            self.kill()
        return self.start()

    def destroy(self):
        self.stop_all()
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.saved, ignore_errors=True)

    # ---- looks ----

    def machine_folders(self):
        """{folder below the state folder: pid} of every QEMU; two in one folder are an error."""
        found = {}
        for pid in self.machines():
            try:
                folder = os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue
            name = folder.removesuffix(" (deleted)")
            assert name.startswith(str(self.state) + "/"), f"QEMU {pid} works in {folder}"
            name = name[len(str(self.state)) + 1:]
            assert name not in found, f"two QEMUs in {name}"
            found[name] = pid
        return found

    def machine_of(self, desktop):
        return self.machine_folders()[f"desktops/{desktop}"]

    def desktop_folders(self):
        folder = self.state / "desktops"
        return {entry.name for entry in folder.iterdir()} if folder.exists() else set()

    # ---- the way of a person ----

    def click(self, user, pool=POOL):
        return self.local.call("POST", f"pools/{pool}/connect", {"user": user})

    def connected(self, user, pool=POOL):
        """Clicks until it is there, and looks once, for a session that nobody has ever seen ends by itself."""
        for _ in range(5):  # its machine may die between the answer and the picture
            given = self.answered(user, pool)
            if given["session"]["state"] != "connecting" or self.look(given):
                return given
            time.sleep(1)  # a person's pace: on a busy host a machine's death is noticed a moment later
        raise AssertionError(f"{user} clicked five times and saw nothing: {self.log_text()[-4000:]}")

    def look(self, given):
        try:
            display = Display(self, given["path"])
            display.handshake()
        except (AssertionError, OSError):
            return False
        seen = self.wait_session(given, "connected")
        display.close()
        return seen and self.wait_session(given, "disconnected")

    def wait_session(self, given, state):
        """Whether it came to that; not if it ended."""
        def now():
            found = self.local.get(f"sessions/{given['session']['id']}")["state"]
            return found in (state, "ended") and found
        return wait_until(now, LONG, f"the session that is {state}") == state

    def answered(self, user, pool=POOL):
        """Clicks until it is there; refusals that say `in a moment` are waited out."""
        def there():
            answer = self.click(user, pool)
            if answer.status == 200:
                return answer.json
            kind = answer.json.get("type", "job").rsplit("/", 1)[-1]
            assert answer.status == 202 or kind in ("unavailable", "conflict", "too-many", "timeout"), answer
            return None
        return wait_until(there, LONG, f"a connection of {user}")

    def wait_agent(self, desktop):
        return wait_until(lambda: self.local.get(f"desktops/{desktop}")["agent"] == "ready", LONG, f"the agent of {desktop}")

    def report(self, desktop):
        """What the guest itself says: (machine_id, hostname, mac, uuid, random)."""
        path = self.state / "desktops" / desktop / "serial.log"

        def said():
            return path.exists() and REPORT.search(path.read_text(errors="replace"))
        return wait_until(said, LONG, f"the report of the guest of {desktop}").groups()

    # ---- what must be true ----

    def check_now(self):
        """What holds at every moment."""
        desktops = {row["id"]: row for row in self.local.items("desktops")}
        sessions = self.local.items("sessions")
        owners, seats = {}, {}
        for row in desktops.values():
            if row["user"] and row["state"] != "deleting":
                key = (row["pool"]["name"], row["user"]["name"])
                assert key not in owners, f"{key} has two desktops: {owners[key]['name']} and {row['name']}"
                owners[key] = row
        for session in sessions:
            assert session["state"] != "ended"
            desktop = desktops.get(session["desktop"]["id"])
            assert desktop, f"session {session} on a desktop that is not there"
            assert desktop["id"] not in seats, f"two sessions on {desktop['name']}"
            seats[desktop["id"]] = session
            assert desktop["user"] == session["user"], (desktop, session)
            assert desktop["session"]["id"] == session["id"], (desktop, session)
        self.machine_folders()
        return desktops

    def strays(self):
        """What rows, folders and processes do not agree on; empty once reconcile is through."""
        desktops = self.check_now()
        machines = self.machine_folders()
        found = []
        for folder in machines:
            kind, _, name = folder.partition("/")
            if kind == "desktops" and name not in desktops:
                found.append(f"a QEMU that no row names: {folder}")
            elif kind not in ("desktops", "waiting", "templates"):
                found.append(f"a QEMU in {folder}")
        found += [f"a folder without a row: {name}" for name in self.desktop_folders() - set(desktops)]
        for row in desktops.values():
            is_there = f"desktops/{row['id']}" in machines
            if row["state"] == "running" and not is_there:
                found.append(f"{row['name']} runs without a machine")
            elif row["state"] in ("absent", "stopped") and is_there:
                found.append(f"{row['name']} is {row['state']}, but its machine runs")
            elif row["state"] not in ("running", "absent", "stopped"):
                found.append(f"{row['name']} is {row['state']}: {row['error']}")
        waiting = self.state / "waiting"
        names = {entry.name for entry in waiting.iterdir()} if waiting.exists() else set()
        found += [f"a waiting folder without a QEMU: {name}" for name in names if f"waiting/{name}" not in machines]
        return found

    def check(self, seconds=LONG):
        """What holds once everything has settled."""
        last = []

        def settled():
            last[:] = self.strays()
            return not last
        try:
            wait_until(settled, seconds, "an orderly house")
        except AssertionError:
            raise AssertionError("; ".join(last) + "\n" + self.log_text()[-6000:]) from None


def copy_tree(source, target):
    """Images are only read: hard links where possible. Sockets, logs and what belongs to the moment stay behind."""
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.name in ("run", "waiting", "saved"):
            continue
        if entry.name == "images":
            link = shutil.copytree if source.stat().st_dev != target.stat().st_dev else None
            shutil.copytree(entry, target / entry.name, copy_function=shutil.copy2 if link else stack.link)
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=always", str(entry), str(target)], check=True)
    (target / "log").mkdir(exist_ok=True)


def kill_quietly(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def problem(answer):
    """(kind, sentence) of a refusal."""
    assert answer.status >= 400, answer
    return answer.json["type"].rsplit("/", 1)[1], answer.json["detail"]


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())
