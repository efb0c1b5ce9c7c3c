"""Folders that look like golden images to everything but a machine."""

import hashlib
import json
import struct

DISK_BYTES = 64 * 1024 * 1024


def qcow2_header(size):
    """An empty qcow2 image, version 3 (QEMU's docs/interop/qcow2.txt): header, L1 table and refcounts."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, 16, size, 0, 1, 3 * cluster, cluster, 1, 0, 0, 0, 0, 0,
                         4, 104)
    refcount_table = struct.pack(">Q", 2 * cluster)
    refcount_block = b"".join(struct.pack(">H", 1) for _ in range(4))
    image = bytearray(4 * cluster)
    image[0:len(header)] = header
    image[cluster:cluster + 8] = refcount_table
    image[2 * cluster:2 * cluster + len(refcount_block)] = refcount_block
    return bytes(image)


def make(folder, name, version, session="console", recipe=""):
    """Writes FOLDER/NAME/VERSION and returns it."""
    place = folder / name / str(version)
    place.mkdir(parents=True)
    files = {
        "disk.qcow2": qcow2_header(DISK_BYTES),
        "kernel": b"kernel of %s\n" % name.encode(),
        "initrd": b"initrd\n",
        "packages.txt": b"base-files 12\n",
    }
    for file, data in files.items():
        (place / file).write_bytes(data)
    manifest = {
        "format": 1, "name": name, "version": version, "title": name.title(), "description": "not bootable",
        "base": "debian", "suite": "bookworm", "built_ms": 1700000000000, "packages": 1, "disk_bytes": DISK_BYTES,
        "defaults": {"memory": 256 * 1024 * 1024, "vcpus": 1, "append": "root=/dev/vda", "session": session,
                     "user": None if session == "console" else "user"},
        "files": {file: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                  for file, data in files.items()},
        "recipe": recipe or "[image]\nsuite = bookworm\n",
    }
    (place / "manifest.json").write_text(json.dumps(manifest, indent=2))
    (place / "build.log").write_text("")
    return place
