"""A stand-in for orield on a unix socket, for what the real one cannot be made to do on command: answers of every kind,
streams that break, jobs that last exactly as long as a test wants. Not a description of the API: that is docs/api.yaml."""

import http.server
import json
import os
import queue
import socketserver
import ssl
import threading

PROBLEM = "https://oriel.invalid/problems/"
TIME = 1795000000000


def ulid(number):
    return f"01KB{number:022d}"


class Answers:
    """What both servers below share."""

    daemon_threads = True
    request_queue_size = 64

    def begin(self):
        self.requests = []  # (method, path, body)
        self.answers = {}  # "METHOD path" → (status, body) or a function of the body
        self.headers = {}  # path → more headers of its answer
        self.streams = []
        self.stream_refusal = None
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, request, body, status=200):
        self.answers[request] = (status, body)

    def problem(self, request, kind, status, detail):
        self.answers[request] = (status, {"type": PROBLEM + kind, "title": kind, "status": status, "detail": detail})

    def event(self, name, data):
        with self.lock:
            for stream in self.streams:
                stream.put((name, data))

    def break_streams(self):
        with self.lock:
            for stream in self.streams:
                stream.put(None)

    def asked(self, method, path):
        return [body for m, p, body in self.requests if m == method and p == path]

    def close(self):
        self.break_streams()
        self.shutdown()
        self.server_close()


class Fake(Answers, socketserver.ThreadingUnixStreamServer):
    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        super().__init__(path, Handler)
        self.begin()


class FakeRemote(Answers, socketserver.ThreadingTCPServer):
    """The same behind TLS on a free port of 127.0.0.1."""

    def __init__(self, certificate, key):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.begin()

    def handle_error(self, request, client_address):
        pass  # a client that refuses our certificate is what a test wants


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "local"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        raw = isinstance(body, bytes)
        data = body if raw else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        problem = not raw and isinstance(body, dict) and str(body.get("type", "")).startswith(PROBLEM)
        self.send_header("Content-Type", "image/png" if raw else "application/problem+json" if problem else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in self.server.headers.get(self.path.removeprefix("/api/v1/"), {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self):
        if self.server.stream_refusal:
            return self.reply(*self.server.stream_refusal)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        events = queue.Queue()
        with self.server.lock:
            self.server.streams.append(events)
        self.wfile.write(b"event: resync\ndata: {}\n\n")
        while (item := events.get()) is not None:
            name, data = item
            self.wfile.write(f": note\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()
        with self.server.lock:
            self.server.streams.remove(events)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        body = json.loads(text) if text else None
        path = self.path.removeprefix("/api/v1/")
        self.server.requests.append((self.command, path, body))
        self.server.authorization = self.headers.get("Authorization")
        if self.command == "GET" and path == "stream":
            return self.stream()
        found = self.server.answers.get(f"{self.command} {path}") or self.server.answers.get(
            f"{self.command} {path.split('?')[0]}")
        if callable(found):
            found = found(body)
        if found is None:
            detail = f"there is no {path}"
            found = (404, {"type": PROBLEM + "not-found", "title": "Not found", "status": 404, "detail": detail})
        return self.reply(*found)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


def job(number, state="running", progress=0, step="", error=None, title="Build image debian-xfce"):
    return {"id": ulid(number), "kind": "image.build", "title": title,
            "object": {"kind": "image", "id": ulid(7), "name": "debian-xfce"}, "state": state, "progress": progress,
            "step": step, "error": error, "cancel_requested": False, "actor": None, "created_ms": TIME, "started_ms": TIME,
            "ended_ms": None}


def image(name="debian-xfce", newest=1, building=None):
    versions = [] if newest is None else [
        {"version": newest, "state": "ready", "disk_bytes": 8589934592, "file_bytes": 1610612736,
         "memory_bytes": 1073741824, "vcpus": 2, "checksum": "", "job": None, "error": None, "created_ms": TIME}]
    return {"id": ulid(7), "name": name, "display_name": "", "description": "XFCE", "recipe": name, "newest": newest,
            "versions": versions, "pools": [], "building": building, "created_ms": TIME, "updated_ms": TIME}


def pool(name="demo", running=1, spares=1, template="ready", template_job=None, template_error=None, waits_for=None):
    return {"id": ulid(3), "name": name, "display_name": "Debian", "description": "", "type": "floating",
            "image": {"id": ulid(7), "name": "debian-xfce"}, "version": 1, "follows_newest": True, "size": 10,
            "spares": spares, "vcpus": 2, "memory_bytes": 1073741824, "refresh_on_log_off": True,
            "enabled": True, "maintenance": False, "deleting": False,
            "counts": {"desktops": running, "running": running, "assigned": 0, "free": running, "sessions": 0},
            "template": {"state": template, "job": template_job, "error": template_error, "waits_for": waits_for},
            "created_ms": TIME, "updated_ms": TIME}


def desktop(name="demo-1", state="running", generation=1, observed=1, error=None, desired="running"):
    return {"id": ulid(11), "name": name, "pool": {"id": ulid(3), "name": "demo"}, "state": state, "desired": desired,
            "observed": "running", "agent": "ready", "user": None, "session": None,
            "image": {"id": ulid(7), "name": "debian-xfce"}, "version": 1, "generation": generation,
            "observed_generation": observed, "error": error, "created_ms": TIME, "updated_ms": TIME}


def page(*items, following=None):
    return {"items": list(items), "next": following}
