"""The broker alone with 10,000 desktops and as many people who log on at once (bench/scale.c)."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def measure(_images, _image):
    build = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build"))
    with tempfile.TemporaryDirectory(prefix="oriel-bench-", dir=build) as folder:
        answer = subprocess.run([build / "bench" / "bench-scale"], check=True, stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "TMPDIR": folder})
    return json.loads(answer.stdout)
