#!/usr/bin/python3
"""What a display costs at the door: oriel-gateway beside HAProxy and websockify, in turn, on the same machine.

    bench/gateway.py [--json FILE] [--build FOLDER] [--seconds N] [--rounds N] [--displays N]

Throughput: displays paint as fast as they are taken, browsers read over TLS 1.3; counted are the bytes of pixels that
arrive for each second of processor time that the program under test used (its whole process tree). HAProxy passes raw
bytes, without WebSocket frames; it and the gateway use TLS_AES_128_GCM_SHA256, websockify what Python's ssl chooses.
Memory: proportional set size (PSS) of the process tree with so many idle displays, less that without, divided.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration" / "gateway"))

from gateway_fake import Browser, FakeOrield, tls_context  # noqa: E402

STREAMS = 4  # displays that paint at once
BLOCK = 65536


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def need(program, package):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
    if not found:
        sys.exit(f"bench/gateway.py: {program} is missing: apt-get install {package}")
    return found


# ---- the displays' side: one process, so that it takes no time of the others ----


def paint(sock):
    block = os.urandom(BLOCK)
    try:
        while True:
            sock.sendall(block)
    except OSError:
        sock.close()


def painter_passed(runtime, ready, painting):
    """An orield whose displays paint, or sleep."""
    fake = FakeOrield(runtime).start()
    ready.set()
    held = []
    while True:
        display = fake.displays.get()
        if painting:
            threading.Thread(target=paint, args=(display,), daemon=True).start()
        held.append(display)


def painter_listening(path, ready, painting):
    """A display that is connected to, as HAProxy and websockify do."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4096)
    ready.set()
    held = []
    while True:
        display = listener.accept()[0]
        if painting:
            threading.Thread(target=paint, args=(display,), daemon=True).start()
        held.append(display)


@contextlib.contextmanager
def child(target, *arguments):
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=target, args=(arguments[0], ready, *arguments[1:]), daemon=True)
    process.start()
    ready.wait()
    try:
        yield process
    finally:
        process.kill()
        process.join()


# ---- the programs under test ----


class Door:
    upgrade = True
    handshake = {}

    def __init__(self, folder, options):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.options = options
        self.port = free_port()
        self.certificate, self.key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=localhost", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)

    def painter(self, painting):
        return child(painter_listening, str(self.folder / "display.sock"), painting)

    @contextlib.contextmanager
    def running(self):
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment())
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                sys.exit(f"{self.name} does not listen: {(self.folder / 'log').read_text()}")
            if process.poll() is not None:
                sys.exit(f"{self.name} ended: {(self.folder / 'log').read_text()}")
            time.sleep(0.3)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def environment(self):
        return {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}

    def open(self, context, source):
        browser = Browser(self.port, context=context, source=source)
        return browser.upgrade("/display") if self.upgrade else browser


class OrielGateway(Door):
    name = "oriel-gateway"

    def painter(self, painting):
        (self.folder / "run").mkdir(exist_ok=True)
        return child(painter_passed, str(self.folder / "run"), painting)

    def environment(self):
        return super().environment() | {
            "ORIEL_STATE": str(self.folder), "ORIEL_PORT": str(self.port), "ORIEL_LISTEN": "127.0.0.1",
            "ORIEL_CERTIFICATE": str(self.certificate), "ORIEL_CERTIFICATE_KEY": str(self.key)}

    def command(self):
        return [str(self.options.build / "src" / "gateway" / "oriel-gateway")]


class HAProxy(Door):
    name = "haproxy"
    upgrade = False

    def command(self):
        both = self.folder / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())
        configuration = self.folder / "haproxy.cfg"
        configuration.write_text(f"""
global
    nbthread 1
    maxconn 9000
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend door
    bind 127.0.0.1:{self.port} ssl crt {both} alpn http/1.1
    default_backend displays
backend displays
    server display unix@{self.folder}/display.sock
""")
        return [need("haproxy", "haproxy"), "-db", "-f", str(configuration)]


class Websockify(Door):
    name = "websockify"

    def command(self):
        return [need("websockify", "websockify"), "--ssl-only", f"--cert={self.certificate}", f"--key={self.key}",
                f"--unix-target={self.folder}/display.sock", f"127.0.0.1:{self.port}"]


# ---- measuring ----


def tree(pid):
    pids = [pid]
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for one in children.read_text().split():
                pids += tree(int(one))
    return pids


def processor_seconds(pid):
    total = 0
    for one in tree(pid):
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


def memory_kib(pid):
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def read_stream(door, counter, stop):
    """One browser: counts payload without looking into frames, whose headers are under a thousandth of it."""
    browser = door.open(tls_context(), None)
    space = bytearray(1 << 20)
    while not stop.is_set():
        got = browser.socket.recv_into(space)
        if not got:
            sys.exit(f"{door.name} ended the stream")
        with counter.get_lock():
            counter.value += got


def throughput(door, seconds):
    """Bytes for each second of the program's processor time, and bytes a second of the clock."""
    counter, stop = multiprocessing.Value("Q", 0), multiprocessing.Event()
    with door.painter(True), door.running() as pid:
        readers = [multiprocessing.Process(target=read_stream, args=(door, counter, stop), daemon=True)
                   for _ in range(STREAMS)]
        for reader in readers:
            reader.start()
        while counter.value < 64 << 20:
            time.sleep(0.05)
            if not all(reader.is_alive() for reader in readers):
                sys.exit(f"{door.name}: a stream ended")
        before, clock, bytes_before = processor_seconds(pid), time.monotonic(), counter.value
        time.sleep(seconds)
        bytes_after, used, clock = counter.value, processor_seconds(pid) - before, time.monotonic() - clock
        stop.set()
        for reader in readers:
            reader.kill()
            reader.join()
    return (bytes_after - bytes_before) / used, (bytes_after - bytes_before) / clock


def settled(pid):
    previous = -1
    for _ in range(20):
        now = memory_kib(pid)
        if now == previous:
            return now
        previous = now
        time.sleep(1)
    return previous


def idle(door, displays):
    """KiB for each idle display."""
    context = tls_context()
    with door.painter(False), door.running() as pid:
        door.open(context, None).close()  # whatever is loaded at the first use
        time.sleep(1)
        before = memory_kib(pid)
        browsers = [door.open(context, f"127.0.1.{1 + i % 200}") for i in range(displays)]
        after = settled(pid)
        for browser in browsers:
            browser.close()
    return (after - before) / displays


def result(name, value, unit, baseline, baseline_value):
    return {"name": name, "value": round(value, 2), "unit": unit, "baseline": baseline,
            "baseline_value": round(baseline_value, 2), "ratio": round(value / baseline_value, 3)}


def measure(options):
    with tempfile.TemporaryDirectory(prefix="oriel-bench-") as folder:
        doors = [kind(folder, options) for kind in (OrielGateway, HAProxy, Websockify)]
        rates = {door.name: [] for door in doors}
        for _ in range(options.rounds):
            for door in doors:
                fresh = type(door)(folder, options)
                rates[door.name].append(throughput(fresh, options.seconds))
        kib = {}
        for door in doors:
            count = options.displays if door.name != "websockify" else min(options.displays, 40)
            kib[door.name] = idle(type(door)(folder, options), count)
    core = {name: statistics.median(rate[0] for rate in rows) / 1e6 for name, rows in rates.items()}
    clock = {name: statistics.median(rate[1] for rate in rows) / 1e6 for name, rows in rates.items()}
    print(f"{'':16}{'MB/s a core':>14}{'MB/s seen':>12}{'KiB an idle display':>22}")
    for name in core:
        print(f"{name:16}{core[name]:14.0f}{clock[name]:12.0f}{kib[name]:22.1f}")
    ours = "oriel-gateway"
    return [
        result("gateway_bytes_per_core_haproxy", core[ours], "MB/s", "haproxy", core["haproxy"]),
        result("gateway_bytes_per_core_websockify", core[ours], "MB/s", "websockify", core["websockify"]),
        result("idle_display_kib", kib[ours], "KiB", "haproxy", kib["haproxy"]),
        result("idle_display_kib_websockify", kib[ours], "KiB", "websockify", kib["websockify"]),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build")))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--displays", type=int, default=2000)
    options = parser.parse_args()
    results = measure(options)
    for row in results:
        print(f"{row['name']}: {row['value']} {row['unit']}, {row['ratio']} x {row['baseline']}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
