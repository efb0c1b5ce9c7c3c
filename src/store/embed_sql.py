#!/usr/bin/python3
"""embed_sql.py OUTPUT FILE...: the migrations as C strings, in the order of their numbers, which must be 1, 2, 3 ..."""

import json
import pathlib
import sys


def main():
    output, *names = sys.argv[1:]
    rows = []
    for number, name in enumerate(sorted(names, key=lambda name: pathlib.Path(name).name), 1):
        path = pathlib.Path(name)
        if int(path.name[:4]) != number:
            sys.exit(f"{path}: expected number {number:04}")
        # A JSON string of ASCII is a C string; one literal a line keeps the compiler's limits away.
        lines = "\n".join("     " + json.dumps(line + "\n") for line in path.read_text().splitlines())
        rows.append(f'    {{{number}, "{path.stem}",\n{lines}}},\n')
    text = '#include "store/migrate.h"\n\nconst Migration migrations[] = {\n' + "".join(rows) + "};\n"
    text += f"const size_t migrations_count = {len(rows)};\n"
    pathlib.Path(output).write_text(text)


main()
