"""How many desktops a second until 100 run, asked for by people who all click at once? Held against how many times a
second this host can only start `qemu-system-x86_64 --version`."""

import concurrent.futures
import subprocess

from report import QEMU, row, timed_ms
from service import Service

DESKTOPS = 100
THREADS = 8


def starts_per_second():
    def all_of_them():
        with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda _: subprocess.run([QEMU, "--version"], capture_output=True, check=True),
                             range(DESKTOPS)))
    return DESKTOPS * 1000 / timed_ms(all_of_them)[0]


def measure(images, image):
    with Service(images, ORIEL_WAITING=2) as service:
        service.pool("forks", image, size=DESKTOPS, spares=0)
        for number in range(DESKTOPS):
            service.local("POST", "users", {"name": f"forks-{number}"})
        def all_of_them():
            with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
                list(threads.map(lambda number: service.local("POST", "pools/forks/connect",
                                                              {"user": f"forks-{number}"}), range(DESKTOPS)))
        took, _ = timed_ms(all_of_them)
    limit = starts_per_second()
    return [row("forks_per_second", DESKTOPS * 1000 / took, "1/s", "qemu-system-x86_64 --version, 8 at a time", limit)]
