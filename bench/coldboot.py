"""A cold boot of an image, as one without forks would have it: until its agent says that the desktop is usable."""

import functools
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

from report import QEMU, private_mib


@functools.cache
def cold_boot(images, image):
    """Milliseconds until it is usable, and the memory (MiB) that it has for itself then."""
    folder = max((pathlib.Path(images) / image).iterdir(), key=lambda version: int(version.name))
    manifest = json.loads((folder / "manifest.json").read_text())
    with tempfile.TemporaryDirectory(prefix="oriel-bench-") as scratch:
        disk, agent = os.path.join(scratch, "disk.qcow2"), os.path.join(scratch, "agent.sock")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", folder / "disk.qcow2", disk],
                       check=True)
        started = time.perf_counter()
        machine = subprocess.Popen(command(folder, manifest["defaults"], disk, agent), stdin=subprocess.DEVNULL)
        try:
            wait_settled(agent, machine)
            return (time.perf_counter() - started) * 1000, private_mib(machine.pid)
        finally:
            machine.kill()
            machine.wait()


def command(folder, defaults, disk, agent):
    return [QEMU, "-nodefaults", "-display", "none", "-accel", accelerator(), "-machine", "q35",
            "-m", str(defaults["memory"] >> 20), "-smp", str(defaults["vcpus"]),
            "-kernel", str(folder / "kernel"), "-initrd", str(folder / "initrd"), "-append", defaults["append"],
            "-drive", f"file={disk},if=virtio,format=qcow2", "-device", "virtio-vga", "-device", "virtio-serial",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.oriel.agent.0"]


def accelerator():
    return os.environ.get("ORIEL_BENCH_ACCELERATOR", "tcg,thread=multi")


def wait_settled(path, machine):
    deadline = time.monotonic() + 900
    while not os.path.exists(path) and machine.poll() is None:
        time.sleep(0.05)
    with socket.socket(socket.AF_UNIX) as agent:
        agent.connect(path)
        agent.settimeout(deadline - time.monotonic())
        for line in agent.makefile("r", errors="replace"):
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("type") == "ready" and message.get("settled"):
                return
    raise RuntimeError("the image did not become usable")
