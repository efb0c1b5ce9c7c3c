"""What one more desktop costs in memory: the pages of its QEMU that are its alone (those it copied out of the template,
its heap, its translated code) a minute after the fork, idle, and after a person has used it. Held against a machine of
the same image that booted by itself."""

import statistics
import time

from report import row
from rfb import Viewer, WebSocket
from service import Service

DESKTOPS = 5


def private_mib(process):
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as text:
        fields = dict(line.split(":")[0:2] for line in text.readlines()[1:])
    # Not Private_*: a page of the template that only this one has looked at so far counts there, and belongs to all.
    return int(fields["Anonymous"].split()[0]) / 1024


def resident_mib(process):
    with open(f"/proc/{process}/status", encoding="ascii") as text:
        return int(next(line for line in text if line.startswith("VmRSS")).split()[1]) / 1024


def use(service, connection):
    """What a person does first: moves about, opens the menu, types."""
    viewer = Viewer(WebSocket("127.0.0.1", service.port, connection["path"]))
    viewer.picture()
    for step in range(200):
        viewer.pointer(20 + 5 * step, 20 + 3 * step)
        if step % 20 == 0:
            viewer.key(0x61 + step // 20)
        time.sleep(0.02)
    viewer.pointer(20, 10, 1)
    viewer.pointer(20, 10, 0)
    time.sleep(3)
    viewer.picture()
    viewer.stream.close()


def measure(images, image):
    with Service(images, ORIEL_WAITING=0) as service:
        service.pool("bench", image, wait=False, size=DESKTOPS, spares=0)
        booted = booted_mib(service)
        service.wait_ready("bench", 0)
        connections = []
        for number in range(DESKTOPS):
            service.local("POST", "users", {"name": f"person-{number}"})
            connections.append(service.local("POST", "pools/bench/connect", {"user": f"person-{number}"}))
        time.sleep(60)
        machines = {folder.rsplit("/", 1)[-1]: process for process, folder in service.machines().items()}
        idle = statistics.median(private_mib(machines[c["desktop"]["id"]]) for c in connections)
        fresh = service.local("POST", "pools/bench/connect", {"user": "person-0"})
        use(service, fresh)
        used = private_mib(machines[fresh["desktop"]["id"]])
    return [row("idle_desktop_mib", idle, "MiB", "resident memory of the booted machine", booted),
            row("used_desktop_mib", used, "MiB", "resident memory of the booted machine", booted)]


def booted_mib(service):
    """The most that the machine that boots to become the template held before it was frozen."""
    most = 0
    while service.local("GET", "pools/bench")["template"]["state"] not in ("ready", "failed"):
        for process in service.machines():
            try:
                most = max(most, resident_mib(process))
            except (OSError, StopIteration):
                continue
        time.sleep(0.5)
    return most
