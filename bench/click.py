"""How long from a click to a running machine, and to the first complete picture in the browser's WebSocket?

Held against `qemu-system-x86_64 --version` (what any new QEMU costs) and a cold boot of the same image."""

import statistics
import time

from coldboot import cold_boot
from report import qemu_version_ms, row, timed_ms
from rfb import Viewer, WebSocket
from service import Service

CLICKS = 15


def click(service, browser, pool):
    """Returns ms until the answer of the click (processors run) and until the first complete picture."""
    def until_picture():
        running, connection = timed_ms(lambda: browser.call("POST", f"pools/{pool}/connect", {}))
        viewer = Viewer(WebSocket("127.0.0.1", service.port, connection["path"], [browser.cookie_header()]))
        viewer.picture()
        return running, connection, viewer
    picture, (running, connection, viewer) = timed_ms(until_picture)
    viewer.stream.close()
    service.local("DELETE", f"desktops/{connection['desktop']['id']}?force=true")
    return running, picture


def clicks(images, image, waiting):
    """Medians over CLICKS people, one after the other, each with a desktop that nobody had before."""
    with Service(images, ORIEL_WAITING=waiting) as service:
        name = f"click-{waiting}"
        service.pool(name, image, size=50, spares=0)
        service.user(name)
        browser = service.browser(name)
        results = []
        for _ in range(CLICKS + 1):
            while service.local("GET", "status")["counts"]["waiting"] < waiting or service.local("GET", "desktops")["items"]:
                time.sleep(0.2)
            results.append(click(service, browser, name))
        running, picture = zip(*results[1:])
        return statistics.median(running), statistics.median(picture)


def measure(images, image):
    limit = qemu_version_ms()
    running, picture = clicks(images, image, 2)
    cold, cold_picture = clicks(images, image, 0)
    limit_after = qemu_version_ms()
    limit = (limit + limit_after) / 2
    boot, _ = cold_boot(images, image)
    start = "qemu-system-x86_64 --version"
    return [
        row("click_to_vcpu_waiting_ms", running, "ms", start, limit),
        row("click_to_vcpu_cold_ms", cold, "ms", start, limit),
        row("click_to_picture_ms", picture, "ms", start, limit),
        row("click_to_picture_cold_ms", cold_picture, "ms", start, limit),
        row("click_to_picture_against_boot_ms", picture, "ms", f"cold boot of {image}", boot),
    ]
