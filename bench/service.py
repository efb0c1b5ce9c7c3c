"""Starts an Oriel of its own for a measurement, and speaks to it: as the local administrator over the unix socket, and
as a browser does, through the gateway. All measurements of one run share a state folder, so that the image boots once."""

import atexit
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build"))


PREPARED = set()  # state folders of this run


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def free_port():
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::", 0))
        return probe.getsockname()[1]


class Service:
    """`images`: folder with NAME/VERSION/ to use. Ends with its desktops at the end of the `with`; templates stay."""

    def __init__(self, images, **settings):
        self.state = pathlib.Path(os.environ.get("ORIEL_BENCH_STATE", ROOT / "state-bench"))
        self.images, self.settings = pathlib.Path(images), settings
        self.port = free_port()
        self.processes = []

    def __enter__(self):
        if self.state not in PREPARED:
            self._prepare()
        share = os.environ.get("ORIEL_SHARE", str(BUILD / "share"))
        environment = {**os.environ, "ORIEL_STATE": str(self.state), "ORIEL_PORT": str(self.port),
                       "ORIEL_SHARE": share, **{key: str(value) for key, value in self.settings.items()}}
        for name, room in (("orield", "api"), ("oriel-gateway", "gateway")):
            log = open(self.state / "log" / f"{name}.log", "wb")
            program = [str(BUILD / "src" / room / name)]
            self.processes.append(subprocess.Popen(program, env=environment, stdout=log, stderr=log))
            log.close()
            self._wait(name)
        return self

    def _prepare(self):
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(parents=True, mode=0o700)
        (self.state / "log").mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.images), str(self.state / "images")], check=True)
        PREPARED.add(self.state)
        atexit.register(shutil.rmtree, self.state, ignore_errors=True)

    def _wait(self, name):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.processes[-1].poll() is not None:
                break
            try:
                if name == "orield":
                    self.local("GET", "health")
                else:
                    socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{name} did not start:\n" + (self.state / "log" / f"{name}.log").read_text())

    def __exit__(self, *_):
        try:
            self.clear()
            self.local("POST", "host/stop", {"machines": True})
        except (OSError, RuntimeError):
            pass
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        for machine in self.machines():
            os.kill(machine, signal.SIGKILL)

    def machines(self):
        """Process ids of this service's QEMUs, by desktop id (the last folder) for running ones."""
        found = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    command = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                    folder = os.readlink(f"/proc/{name}/cwd")
                except OSError:
                    continue
                if command[0].endswith(b"qemu-system-x86_64") and str(self.state) in (folder + str(command)):
                    found[int(name)] = folder
        return found

    def local(self, method, path, body=None):
        connection = LocalConnection(self.state / "run" / "orield.sock")
        try:
            return call(connection, method, path, body)
        finally:
            connection.close()

    def clear(self):
        """Throws all desktops away and waits until they are gone."""
        deadline = time.monotonic() + 120
        while (desktops := self.local("GET", "desktops?limit=200")["items"]) and time.monotonic() < deadline:
            for desktop in desktops:
                if not desktop.get("deleting"):
                    try:
                        self.local("DELETE", f"desktops/{desktop['id']}?force=true")
                    except RuntimeError:
                        continue  # it went in the meantime
            time.sleep(0.2)

    def user(self, name, password="correct horse battery"):
        self.local("POST", "users", {"name": name, "password": password})

    def pool(self, name, image, wait=True, **fields):
        """Whoever has an account may use it."""
        self.local("POST", "pools", {"name": name, "image": image, "type": "floating", **fields})
        self.local("PUT", f"pools/{name}/entitlements/groups/everyone")
        if wait:
            self.wait_ready(name, fields.get("spares", 0))

    def wait_ready(self, name, spares):
        """Until the template of the pool is frozen and its spares run."""
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            pool = self.local("GET", f"pools/{name}")
            if pool["template"]["state"] == "failed":
                raise RuntimeError(f"pool {name}: {pool['template']}")
            if pool["template"]["state"] == "ready" and pool["counts"]["running"] >= spares:
                return
            time.sleep(0.2)
        raise RuntimeError(f"pool {name} is not ready: {pool}")

    def browser(self, name, password="correct horse battery"):
        return Browser(self.port, name, password)


def call(connection, method, path, body=None, headers=None):
    payload = json.dumps(body) if body is not None else None
    headers = {**(headers or {}), **({"Content-Type": "application/json"} if payload else {})}
    connection.request(method, f"/api/v1/{path}", payload, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
    connection.cookie = answer.getheader("Set-Cookie") or getattr(connection, "cookie", None)
    return json.loads(text) if text else None


class Browser:
    """One person's connection through the gateway, logged in and kept alive."""

    def __init__(self, port, name, password):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.port = port
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        me = call(self.connection, "POST", "login", {"name": name, "password": password})
        cookie = re.match(r"[^;]+", self.connection.cookie).group(0)
        self.headers = {"Cookie": cookie, "X-Oriel-CSRF": me["csrf"]}

    def call(self, method, path, body=None):
        return call(self.connection, method, path, body, self.headers)

    def cookie_header(self):
        return f"Cookie: {self.headers['Cookie']}"
