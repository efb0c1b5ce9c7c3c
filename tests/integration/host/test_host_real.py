"""src/host/ with real QEMU machines: host_real.c does it, this starts it and reads its TAP."""

import os
import pathlib
import re
import subprocess

STORY = ["boot-and-click", "restart-of-orield", "qemu-is-killed", "log-off", "sleep-and-wake", "dedicated-boots", "linked",
         "full", "delete-pool"]


def test_story(images, tmp_path):
    build = pathlib.Path(os.environ.get("ORIEL_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
    newest = max(images.glob("debian-minimal/*/manifest.json"), key=lambda path: int(path.parent.name)).parent
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([build / "tests/integration/host/host-real", newest], env=environment, capture_output=True,
                          text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^ok \d+ /host/real/(\S+)", done.stdout, re.M) == STORY
