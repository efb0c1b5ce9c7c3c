"""A real orield (and gateway) for a test: own state folder, own port, stopped by pid. Every answer that comes through its
client is held against docs/api.yaml."""

import http.client
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build"))
OK_START_SECONDS = 60
PATIENCE = 300  # seconds that any wait has at least: a wait ends when its condition holds, and machines may be busy
PASSWORD = "correct horse battery"


def wait_until(condition, seconds=30, what="it"):
    """Returns the first true value of condition(); events are better where there are any."""
    end = time.monotonic() + max(seconds, PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about in {max(seconds, PATIENCE)} s")
        time.sleep(0.05)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ApiDescription:
    """docs/api.yaml: which answers a call may give."""

    def __init__(self):
        self.document = yaml.safe_load((ROOT / "docs" / "api.yaml").read_text())
        self.resolver = jsonschema.RefResolver("", self.document)

    def resolve(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        """(method, path template, operation) of every call."""
        for path, item in self.document["paths"].items():
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    yield method.upper(), path, item[method]

    def find(self, method, path):
        """The operation of a real path below /api/v1, or None. A template without parameters wins."""
        segments = path.split("/")
        best = None
        for known_method, template, operation in self.operations():
            parts = template.split("/")
            fits = len(parts) == len(segments) and all(
                part == segment or (part.startswith("{") and segment) for part, segment in zip(parts, segments))
            if fits and known_method == method and (best is None or template.count("{") < best[0]):
                best = (template.count("{"), operation)
        return best and best[1]

    def check(self, method, path, answer):
        operation = self.find("GET" if method == "HEAD" else method, path)
        if operation is None:
            assert answer.status in (404, 405), f"{method} {path} is not described but answers {answer.status}"
            self.check_body(self.document["components"]["responses"]["Problem"], method, path, answer)
            return
        responses = operation["responses"]
        documented = responses.get(str(answer.status))
        if documented is None:
            assert answer.status >= 400, f"{method} {path}: {answer.status} is not described"
            documented = responses.get("default", {"$ref": "#/components/responses/Problem"})
        self.check_body(self.resolve(documented), method, path, answer)

    def check_body(self, response, method, path, answer):
        content = response.get("content")
        if method == "HEAD" or answer.body is None:
            return
        if not content:
            assert answer.body == b"", f"{method} {path}: a body where none is described: {answer.body!r}"
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in content, f"{method} {path}: {kind} is not described for {answer.status}: {answer.body!r}"
        schema = content[kind].get("schema")
        if schema:
            jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(json.loads(answer.body))


DESCRIPTION = ApiDescription()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket; `name` is the abstract name the client's end is bound to, as oriel-gateway does."""

    def __init__(self, path, name=None, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self.path, self.name = str(path), name

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        if self.name:
            self.sock.bind("\0" + self.name)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400] if self.body else self.body!r}"


class Client:
    """Calls of one caller. Without credentials and over orield.sock: the local administrator."""

    # abstract names are the whole machine's: another run at the same time has other numbers, above the ports that exist
    ports = itertools.count(os.getpid() << 20)

    def __init__(self, orield, token=None, cookie=None, csrf=None, gateway=False, address="192.0.2.1"):
        self.orield, self.token, self.cookie, self.csrf = orield, token, cookie, csrf
        self.gateway, self.address = gateway, address

    def connection(self, timeout=PATIENCE):
        if not self.gateway:
            return UnixConnection(self.orield.runtime / "orield.sock", timeout=timeout)
        host = f"[{self.address}]" if ":" in self.address else self.address
        return UnixConnection(self.orield.runtime / "gateway.sock", timeout=timeout,
                              name=f"oriel/{host}:{next(self.ports)}")

    def credentials(self):
        headers = {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = f"__Host-oriel={self.cookie}"
        if self.csrf:
            headers["X-Oriel-CSRF"] = self.csrf
        return headers

    def raw(self, method, target, body=None, headers=None):
        """Any path, nothing checked."""
        connection = self.connection()
        try:
            try:
                connection.request(method, target, body=body, headers={**self.credentials(), **(headers or {})})
            except BrokenPipeError:
                pass  # refused, with an answer, before the request had been read
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None, query=None):
        """A path below /api/v1/, JSON in; the answer is held against docs/api.yaml."""
        target = "/api/v1/" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        answer = self.raw(method, target, data, sent)
        DESCRIPTION.check(method, "/" + path.split("?")[0], answer)
        return answer

    def get(self, path, **query):
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, answer
        return answer.json

    def do(self, method, path, body=None, status=None, **more):
        """The JSON of a successful (or exactly `status`) answer; None without a body."""
        answer = self.call(method, path, body, **more)
        assert (answer.status == status) if status else answer.status < 300, answer
        return answer.json if answer.body else None

    def refused(self, method, path, body=None, **more):
        """(status, kind) of a problem."""
        answer = self.call(method, path, body, **more)
        assert answer.status >= 400, answer
        return answer.status, answer.json["type"].rsplit("/", 1)[1]

    def items(self, path, **query):
        """All pages of a list."""
        found, after = [], None
        while True:
            page = self.get(path, **query, **({"after": after} if after else {}))
            found += page["items"]
            after = page["next"]
            if after is None:
                return found

    def wait_job(self, job, seconds=600):
        def ended():
            now = self.get(f"jobs/{job}")
            return now if now["state"] in ("done", "failed", "cancelled") else None
        return wait_until(ended, seconds, f"the end of job {job}")

    def stream(self):
        return Stream(self)


class Stream:
    """Server-sent events, one at a time."""

    def __init__(self, client):
        self.connection = client.connection()
        self.connection.request("GET", "/api/v1/stream", headers=client.credentials())
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def next(self):
        """(event, data) of the next event; comments are passed over. None: the stream has ended."""
        event, data = None, None
        while True:
            line = self.response.readline()
            if not line:
                return None
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                event = text[7:]
            elif text.startswith("data: "):
                data = json.loads(text[6:])
            elif not text and event:
                return event, data

    def until(self, wanted):
        """The first event for which wanted(event, data) is true."""
        while True:
            found = self.next()
            assert found, "the stream ended"
            if wanted(*found):
                return found

    def close(self):
        self.connection.close()


class Orield:
    """One orield on a state folder of its own. `images`: a folder whose images it shall have."""

    def __init__(self, environment=None, images=None, share=None, build=BUILD, program="orield"):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="oriel-"))
        self.runtime = self.state / "run"
        self.build, self.process, self.gateway = build, None, None
        self.program = build / "src" / "api" / program
        self.port = free_port()
        self.share = pathlib.Path(share) if share else self.make_share()
        outside = {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}
        self.environment = {
            **outside, "ORIEL_STATE": str(self.state), "ORIEL_PORT": str(self.port),
            "ORIEL_SHARE": str(self.share), "ORIEL_LISTEN": "127.0.0.1", **(environment or {}),
        }
        self.log = self.state / "log"
        self.log.mkdir()
        try:
            if images:
                self.take_images(pathlib.Path(images))
        except BaseException:
            shutil.rmtree(self.state, ignore_errors=True)
            raise

    def make_share(self):
        share = self.state / "share"
        (share / "web").mkdir(parents=True)
        (share / "web" / "index.html").write_text("<!doctype html><title>Oriel</title>\n")
        (share / "recipes").symlink_to(ROOT / "images")
        (share / "guest").symlink_to(self.build / "src" / "guest")
        return share

    def take_images(self, source):
        """Hard links where the file system allows it: images are only read."""
        (self.state / "images").mkdir()
        for name in source.iterdir():
            if name.is_dir():
                for version in name.iterdir():
                    if version.name.isdigit() and (version / "manifest.json").is_file():
                        shutil.copytree(version, self.state / "images" / name.name / version.name, copy_function=link)

    def start(self, wait=True):
        assert self.process is None
        with open(self.log / "orield.log", "ab") as log:
            self.process = subprocess.Popen([str(self.program)], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_until(self.answers, OK_START_SECONDS, "an answer of orield")
        return self

    def answers(self):
        assert self.process.poll() is None, "orield ended: " + self.log_text()
        try:
            return Client(self).raw("GET", "/api/v1/health").status == 200
        except OSError:
            return False

    def log_text(self):
        return (self.log / "orield.log").read_text(errors="replace")

    def start_gateway(self):
        assert self.gateway is None
        with open(self.log / "gateway.log", "ab") as log:
            self.gateway = subprocess.Popen([str(self.build / "src" / "gateway" / "oriel-gateway")],
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def listens():
            assert self.gateway.poll() is None, (self.log / "gateway.log").read_text(errors="replace")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        wait_until(listens, 30, "the gateway")
        return self

    @property
    def local(self):
        return Client(self)

    def make_user(self, name, roles=("user",), password=PASSWORD):
        return self.local.do("POST", "users", {"name": name, "roles": list(roles), "password": password})

    def login(self, name, password=PASSWORD, address="192.0.2.1"):
        """A client with a cookie, through the gateway's socket."""
        stranger = Client(self, gateway=True, address=address)
        answer = stranger.call("POST", "login", {"name": name, "password": password})
        assert answer.status == 200, answer
        cookie = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
        return Client(self, cookie=cookie, csrf=answer.json["csrf"], gateway=True, address=address)

    def token_client(self, name, password=PASSWORD):
        """A client with an API token, over the local socket."""
        token = self.login(name, password).do("POST", "tokens", {"name": "test"})["token"]
        return Client(self, token=token)

    def kill(self):
        """As a crash does."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self, machines=True):
        if self.process and self.process.poll() is None:
            try:
                if machines:
                    self.local.raw("POST", "/api/v1/host/stop", b'{"machines": true}',
                                   {"Content-Type": "application/json"})
                else:
                    self.process.send_signal(signal.SIGTERM)
                status = self.process.wait(120)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                status = self.process.wait()
            self.process = None
            return status
        self.process = None
        return None

    def machines(self):
        """Pids of QEMU processes that work in this state folder."""
        found = []
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                folder = os.readlink(process / "cwd")
            except OSError:
                continue
            here = str(self.state) + "/"
            if b"qemu-system" in os.path.basename(command[0]) and (
                    any(here.encode() in word for word in command) or (folder + "/").startswith(here)):
                found.append(int(process.name))
        return found

    def destroy(self):
        self.stop(machines=bool(self.machines()))
        if self.gateway:
            self.gateway.terminate()
            try:
                self.gateway.wait(20)
            except subprocess.TimeoutExpired:
                self.gateway.kill()
                self.gateway.wait()
            self.gateway = None
        for pid in self.machines():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.state, ignore_errors=True)


def link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
