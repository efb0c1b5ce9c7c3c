"""What a benchmark says: rows of {name, value, unit, baseline, baseline_value, ratio}."""

import statistics
import subprocess
import time

QEMU = "qemu-system-x86_64"


def row(name, value, unit, baseline=None, baseline_value=None):
    """`baseline`: what it is held against, measured in the same run; ratio is value / baseline_value."""
    ratio = value / baseline_value if baseline_value else None
    return {"name": name, "value": round(value, 3), "unit": unit, "baseline": baseline,
            "baseline_value": None if baseline_value is None else round(baseline_value, 3),
            "ratio": None if ratio is None else round(ratio, 3)}


def timed_ms(function):
    started = time.perf_counter()
    result = function()
    return (time.perf_counter() - started) * 1000, result


def qemu_version_ms(times=10):
    """The physical limit of starting a machine anew: exec and dynamic link of QEMU. Median."""
    command = [QEMU, "--version"]
    return statistics.median(timed_ms(lambda: subprocess.run(command, capture_output=True, check=True))[0]
                             for _ in range(times))


def table(rows):
    lines = [("name", "value", "unit", "baseline", "baseline value", "ratio")]
    lines += [tuple("" if cell is None else str(cell) for cell in
                    (r["name"], r["value"], r["unit"], r["baseline"], r["baseline_value"], r["ratio"])) for r in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def private_mib(process):
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as text:
        fields = dict(line.split(":")[0:2] for line in text.readlines()[1:])
    # Not Private_*: a page of the template that only this one has looked at so far counts there, and belongs to all.
    return int(fields["Anonymous"].split()[0]) / 1024
