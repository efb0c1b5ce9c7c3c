"""What a policy's explanation costs with as many policies as there may be, beside SQLite's own two reads (bench/policy.c)."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def measure(_images, _image):
    build = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build"))
    with tempfile.TemporaryDirectory(prefix="oriel-bench-", dir=build) as folder:
        answer = subprocess.run([build / "bench" / "bench-policy", folder], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)
