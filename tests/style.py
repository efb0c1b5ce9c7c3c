#!/usr/bin/python3
"""Holds the source against the house rules (docs/architecture.md, "Rooms"): who may include whom, sizes, banned
functions, SQL only in store/. Prints each breach as `file:line: sentence`; exit status 1 if there is one."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

MAY_INCLUDE = {
    "base": [],
    "guest": ["base"],
    "store": ["base"],
    "identity": ["store"],
    "forward": ["store"],
    "job": ["store"],
    "machine": ["base"],
    "image": ["machine", "store"],
    "broker": ["base"],
    "host": ["broker", "image", "machine", "identity", "job", "store"],
    "protect": ["broker", "image", "machine", "job", "store"],
    "api": ["broker", "image", "host", "protect", "identity", "forward", "job", "store"],
    "gateway": ["base"],
    "cli": ["base"],
}
FILE_LINES = 800
FUNCTION_LINES = 60
FLAT_FUNCTION_LINES = 100
PARAMETERS = 5
BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|strtol|strtoul|strtoll|atoi|atol|atof|system|popen|sleep|usleep)\s*\("
)
SQL = re.compile(r'"\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b')
PRIVATE_TOOLS = re.compile(r"farm-(bench|studio)|/work/(main|shared|\.library)")


def reachable(room):
    rooms, todo = {room}, [room]
    while todo:
        for below in MAY_INCLUDE[todo.pop()]:
            if below not in rooms:
                rooms.add(below)
                todo.append(below)
    return rooms


def code_lines(text):
    """The text without comments and, for the banned words, without strings; line numbers stay."""
    keep_newlines = lambda match: "\n" * match.group(0).count("\n")
    text = re.sub(r"/\*.*?\*/", keep_newlines, text, flags=re.S)
    return [re.sub(r"//.*", "", line) for line in text.split("\n")]


def check_file(path):
    breaches = []
    room = path.relative_to(SRC).parts[0]
    text = path.read_text()
    lines = text.split("\n")
    name = path.relative_to(ROOT)
    if len(lines) - 1 > FILE_LINES:
        breaches.append(f"{name}:1: {len(lines) - 1} lines; a file has at most {FILE_LINES}")
    allowed = reachable(room)
    for number, line in enumerate(code_lines(text), 1):
        include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if include:
            target = include.group(1).split("/")[0]
            if "/" not in include.group(1):
                breaches.append(f'{name}:{number}: include "{include.group(1)}" must name its room')
            elif target in MAY_INCLUDE and target not in allowed:
                breaches.append(f"{name}:{number}: {room}/ must not include {target}/")
        if SQL.search(line) and room != "store":
            breaches.append(f"{name}:{number}: SQL lives only in store/")
        banned = BANNED.search(re.sub(r'"(\\.|[^"\\])*"', '""', line))
        if banned and not line.lstrip().startswith("#"):
            breaches.append(f"{name}:{number}: {banned.group(1)}() is banned")
    return breaches


def check_functions(paths):
    out = subprocess.run(["pmccabe", *map(str, paths)], capture_output=True, text=True, check=False).stdout
    breaches = []
    for row in out.splitlines():
        fields = row.split("\t")
        if len(fields) < 6:
            continue
        modified, traditional, _, first, length = (int(field) for field in fields[:5])
        if fields[5].split(": ")[-1].strip() == "G_GNUC_PRINTF":
            continue  # pmccabe takes the attribute of a definition for its name
        file_name, _, function = fields[5].partition(": ")
        path = pathlib.Path(file_name.split("(")[0])
        name = path.relative_to(ROOT)
        flat = modified <= 3 or traditional - modified >= 5
        if length > (FLAT_FUNCTION_LINES if flat else FUNCTION_LINES):
            breaches.append(f"{name}:{first}: {function.strip()} has {length} lines; split it")
        breaches += check_parameters(path, name, first, function.strip())
    return breaches


def check_parameters(path, name, first, function):
    signature = "\n".join(path.read_text().split("\n")[max(0, first - 2) : first + 8])
    match = re.search(re.escape(function) + r"\s*\(([^{;]*)\)\s*\n?\s*\{", signature)
    if not match:
        return []
    depth, count = 0, 1 if match.group(1).strip() not in ("", "void") else 0
    for character in match.group(1):
        depth += character in "([" and 1 or character in ")]" and -1 or 0
        count += character == "," and depth == 0
    # GError **error and a va_list come on top: they say nothing about what the function needs.
    # Neither does the closure of a callback, whose signature its library prescribes.
    count -= "GError **error" in match.group(1)
    count -= bool(re.search(r"void \*(data|closure)\s*$", match.group(1)))
    # So do libmicrohttpd's own callbacks.
    if count > PARAMETERS and "struct MHD_Connection *" not in match.group(1):
        return [f"{name}:{first}: {function} takes {count} parameters; use a struct"]
    return []


def check_repository():
    breaches = []
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in tracked.splitlines():
        path = ROOT / line
        if path == pathlib.Path(__file__).resolve() or not path.is_file() or path.suffix in (".png", ".ico", ".woff2"):
            continue
        for number, text in enumerate(path.read_text(errors="replace").split("\n"), 1):
            if PRIVATE_TOOLS.search(text):
                breaches.append(f"{line}:{number}: names a path or tool of one machine")
    for room in MAY_INCLUDE:
        if (SRC / room).is_dir() and not (SRC / room / "README.md").is_file():
            breaches.append(f"src/{room}: has no README.md")
    return breaches


def main():
    paths = sorted([*SRC.rglob("*.c"), *SRC.rglob("*.h")])
    breaches = [breach for path in paths for breach in check_file(path)]
    breaches += check_functions([path for path in paths if path.suffix == ".c"])
    breaches += check_repository()
    for breach in breaches:
        print(breach)
    print(f"{len(paths)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
