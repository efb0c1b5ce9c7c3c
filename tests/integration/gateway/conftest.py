"""A gateway of its own for every test: own state folder, own port, own orield; no process stays behind."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from gateway_fake import PATIENCE, Browser, FakeOrield  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build")) / "src" / "gateway" / "oriel-gateway"


def free_port():
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::", 0))
        return probe.getsockname()[1]


class Gateway:
    program = PROGRAM

    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.runtime = self.state / "run"
        self.runtime.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = []
        self.process = None
        self.user = None  # of the process; None: ours
        self.news = threading.Condition()

    def environment(self, **more):
        values = {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}
        values.pop("JOURNAL_STREAM", None)
        return values | {"ORIEL_STATE": str(self.state), "ORIEL_PORT": str(self.port), "ORIEL_DEBUG": "1"} | more

    def start(self, **environment):
        self.log = []
        self.process = subprocess.Popen([self.program], env=self.environment(**environment), stderr=subprocess.PIPE,
                                        text=True, user=self.user)
        threading.Thread(target=self._read, args=(self.process.stderr, self.log), daemon=True).start()
        self.wait_log("listening on")
        return self

    def _read(self, pipe, log):
        """`log` is this start's: the one before may be read to its end after this one has begun."""
        for line in pipe:
            with self.news:
                log.append(line)
                self.news.notify_all()
        with self.news:
            log.append("END\n")
            self.news.notify_all()

    def wait_log(self, words, times=1):
        def there():
            return sum(words in line for line in self.log) >= times or "END\n" in self.log

        with self.news:
            assert self.news.wait_for(there, PATIENCE), f"never logged: {words}\n{''.join(self.log)}"
            assert sum(words in line for line in self.log) >= times, "".join(self.log)

    def browser(self, **how):
        return Browser(self.port, **how)

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return [int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:")][0]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            finally:
                self.process.kill()
                self.process.wait()
        return self.process.returncode if self.process else None


@pytest.fixture
def idle_gateway(tmp_path):
    """Not started."""
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(idle_gateway):
    yield idle_gateway.start()
    assert idle_gateway.process.poll() is None, "".join(idle_gateway.log)
    assert idle_gateway.stop() == 0, "".join(idle_gateway.log)


@pytest.fixture
def orield(idle_gateway):
    fake = FakeOrield(str(idle_gateway.runtime)).start()
    yield fake
    fake.stop()
    while not fake.displays.empty():
        fake.displays.get().close()


@pytest.fixture
def display(gateway, orield):
    """A browser with an open display, and QEMU's end of it."""
    browser = gateway.browser().upgrade()
    machine = orield.displays.get(timeout=PATIENCE)
    machine.settimeout(PATIENCE)
    yield browser, machine
    browser.close()
    machine.close()
