#!/usr/bin/python3
"""What a display costs at the door: oriel-gateway beside HAProxy and websockify, in turn, on the same machine.

    bench/gateway.py [--json FILE] [--build FOLDER] [--seconds N] [--rounds N] [--displays N]

Counted is work for each second of processor time that the program under test uses (its whole process tree), so that
the other programs on the machine, painters and browsers, do not matter. Over TLS 1.3; HAProxy passes raw bytes, without
WebSocket frames; it and the gateway use TLS_AES_128_GCM_SHA256, websockify what Python's ssl chooses (AES-256).
Bytes: displays paint 64 KiB at a time, as fast as they are taken. Encryption and copies decide: no program can be far
ahead. Updates: as RFB does it, a browser asks (10 bytes), the display answers (4 KiB), and so on. Handling decides.
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

STREAMS = 4  # browsers' processes, each with one display that floods
UPDATERS = 8  # or with so many that answer
BLOCK = 65536
VERSION = b"RFB 003.008\n"
GREETING = VERSION + b"\1\1"  # and no security, shared (RFC 6143 7.1 to 7.3): the gateway reads along
ASK = b"\3\1" + b"\0" * 8  # FramebufferUpdateRequest (RFC 6143 7.5.3)
UPDATE = 4096


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


def flood(sock):
    block = os.urandom(BLOCK)
    while True:
        sock.sendall(block)


def answer(sock):
    block = os.urandom(UPDATE)
    held = -len(GREETING)
    sock.sendall(VERSION)  # the display speaks first
    while got := sock.recv(4096):
        held += len(got)
        while held >= len(ASK):
            sock.sendall(block)
            held -= len(ASK)


def sleep(sock):
    sock.recv(1)


def paint(painting, sock):
    def run():
        with contextlib.suppress(OSError), sock:
            painting(sock)

    threading.Thread(target=run, daemon=True).start()


def painter_passed(runtime, ready, painting):
    """An orield that passes displays."""
    fake = FakeOrield(runtime).start()
    ready.set()
    while True:
        paint(painting, fake.displays.get())


def painter_listening(path, ready, painting):
    """A display that is connected to, as HAProxy and websockify do."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4096)
    ready.set()
    while True:
        paint(painting, listener.accept()[0])


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
    idle_displays = 1 << 20  # as many as are asked for

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
    idle_displays = 40  # each is a process of several MiB

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


def read_flood(door, counter):
    """Counts payload without looking into frames, whose headers are under a thousandth of it."""
    browser = door.open(tls_context(), None)
    space = bytearray(1 << 20)
    while got := browser.socket.recv_into(space):
        counter.value += got


def hear(door, browser, length):
    return browser.hear_bytes(length) if door.upgrade else browser.take(length)


def read_updates(door, counter):
    browsers = [door.open(tls_context(), None) for _ in range(UPDATERS)]
    for browser in browsers:
        hear(door, browser, len(VERSION))
        browser.send(browser.frame(GREETING) if door.upgrade else GREETING)
    ask = browsers[0].frame(ASK) if door.upgrade else ASK
    while True:
        for browser in browsers:
            browser.send(ask)
        for browser in browsers:
            hear(door, browser, UPDATE)
            counter.value += 1


def work(door, painting, reading, seconds):
    """What `reading` counts, for each second of the program's processor time, and for each of the clock."""
    counters = [multiprocessing.Value("Q", 0, lock=False) for _ in range(STREAMS)]
    with door.painter(painting), door.running() as pid:
        readers = [multiprocessing.Process(target=reading, args=(door, counter), daemon=True) for counter in counters]
        for reader in readers:
            reader.start()
        while not all(counter.value for counter in counters):
            time.sleep(0.05)
        time.sleep(0.5)
        used, clock, count = processor_seconds(pid), time.monotonic(), sum(counter.value for counter in counters)
        time.sleep(seconds)
        used, clock = processor_seconds(pid) - used, time.monotonic() - clock
        count = sum(counter.value for counter in counters) - count
        alive = all(reader.is_alive() for reader in readers)
        for reader in readers:
            reader.kill()
            reader.join()
    if not alive:
        sys.exit(f"{door.name}: a display ended")
    return count / used, count / clock


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
    with door.painter(sleep), door.running() as pid:
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


def median(rows, index, unit):
    return {name: statistics.median(row[index] for row in values) / unit for name, values in rows.items()}


def measure(options):
    with tempfile.TemporaryDirectory(prefix="oriel-bench-") as folder:
        kinds = (OrielGateway, HAProxy, Websockify)
        rates, updates = {kind.name: [] for kind in kinds}, {kind.name: [] for kind in kinds}
        for _ in range(options.rounds):
            for kind in kinds:
                rates[kind.name].append(work(kind(folder, options), flood, read_flood, options.seconds))
            for kind in kinds:
                updates[kind.name].append(work(kind(folder, options), answer, read_updates, options.seconds))
        kib = {kind.name: idle(kind(folder, options), min(options.displays, kind.idle_displays)) for kind in kinds}
    core, asked = median(rates, 0, 1e6), median(updates, 0, 1)
    clock = median(rates, 1, 1e6)
    print(f"{'':16}{'MB/s a core':>14}{'MB/s seen':>12}{'updates/s a core':>19}{'KiB an idle display':>22}")
    for name in core:
        print(f"{name:16}{core[name]:14.0f}{clock[name]:12.0f}{asked[name]:19.0f}{kib[name]:22.1f}")
    rows = []
    for name, values, unit in (("gateway_bytes_per_core_{}", core, "MB/s"),
                               ("gateway_updates_per_core_{}", asked, "updates/s"),
                               ("idle_display_kib_{}", kib, "KiB")):
        for baseline in (HAProxy.name, Websockify.name):
            rows.append(result(name.format(baseline), values[OrielGateway.name], unit, baseline, values[baseline]))
    rows.append(dict(rows[-2], name="idle_display_kib"))
    return rows


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
