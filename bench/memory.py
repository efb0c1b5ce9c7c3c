"""What one more desktop costs in memory: the pages of its QEMU that are its alone (those it copied out of the template,
its heap, its translated code) a minute after the fork, idle, and after a person has used it. Held against a machine of
the same image that booted by itself."""

import statistics
import time

from coldboot import cold_boot
from report import private_mib, row
from rfb import Viewer, WebSocket
from service import Service

DESKTOPS = 5


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
    _, booted = cold_boot(images, image)
    with Service(images, ORIEL_WAITING=0) as service:
        service.pool("memory", image, size=DESKTOPS, spares=0)
        connections = []
        for number in range(DESKTOPS):
            service.local("POST", "users", {"name": f"memory-{number}"})
            connections.append(service.local("POST", "pools/memory/connect", {"user": f"memory-{number}"}))
        time.sleep(60)
        machines = {folder.rsplit("/", 1)[-1]: process for process, folder in service.machines().items()}
        idle = statistics.median(private_mib(machines[c["desktop"]["id"]]) for c in connections)
        fresh = service.local("POST", "pools/memory/connect", {"user": "memory-0"})
        use(service, fresh)
        used = private_mib(machines[fresh["desktop"]["id"]])
    return [row("idle_desktop_mib", idle, "MiB", "the same of a machine that booted (QEMU's own choice of translation cache)", booted),
            row("used_desktop_mib", used, "MiB", "the same of a machine that booted (QEMU's own choice of translation cache)", booted)]
