"""A Debian 12 with systemd as a virtual machine (QEMU, emulated), driven by a root shell on its serial line.

The disk holds what the oriel package depends on, not the package itself: it is made once by mmdebstrap and kept in
$ORIEL_CACHE/systemd; each Machine works on a throw-away overlay. A second disk carries files in: a tar archive."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("ORIEL_CACHE", ROOT / "cache")) / "systemd"
SOURCES = ("deb http://deb.debian.org/debian bookworm main", "deb http://deb.debian.org/debian-security bookworm-security main")
GUEST = "systemd-sysv udev dbus curl iproute2 procps kmod linux-image-amd64 ca-certificates"
BOOT_SECONDS = 400  # only bounds a hang: emulated, on a busy machine

SHELL = """[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 %I vt100
"""
UNWANTED = ("apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer "
            "systemd-pstore.service systemd-networkd-wait-online.service getty@tty1.service")


def dependencies(package):
    """Names of the packages that must be there before the .deb can be installed; of alternatives the first."""
    fields = subprocess.run(["dpkg-deb", "--field", str(package), "Depends"], capture_output=True, text=True, check=True)
    return [re.split(r"[ (|:]", one.strip())[0] for one in fields.stdout.split(",") if one.strip()]


def make_disk(names):
    """Kernel, initrd and disk with these packages; made anew when the list changes. In a user namespace if we are not root."""
    wanted = " ".join(sorted({*names, *GUEST.split()}))
    key = CACHE / "key"
    if key.exists() and key.read_text() == wanted:
        return
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    as_root = ["unshare", "--user", "--map-root-user", "--map-auto", "--mount", "--pid", "--fork"] if os.geteuid() else []
    subprocess.run([*as_root, "/usr/bin/python3", __file__, *wanted.split()], check=True)
    key.write_text(wanted)


def build_disk(names):
    with tempfile.TemporaryDirectory(prefix="oriel-systemd-") as scratch:
        root = pathlib.Path(scratch) / "root"
        subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--include=" + ",".join(names),
                        "bookworm", str(root), *SOURCES], check=True)
        furnish(root)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(next((root / "boot").glob(name + "-*")), CACHE / name)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(root), str(CACHE / "disk"), "16G"], check=True)


def furnish(root):
    """A root shell on the serial line, and nothing that runs by itself."""
    shell = root / "etc/systemd/system/serial-getty@ttyS0.service.d"
    shell.mkdir(parents=True, exist_ok=True)
    (shell / "shell.conf").write_text(SHELL)
    (root / "etc/hostname").write_text("desk\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    (root / "root/.bash_profile").write_text("PS1=; PS2=; stty -echo; bind 'set enable-bracketed-paste off'; echo shell-is-here\n")
    for name in UNWANTED.split():
        (root / "etc/systemd/system" / name).symlink_to("/dev/null")
    (root / "etc/systemd/network").mkdir(parents=True, exist_ok=True)
    (root / "etc/systemd/network/wired.network").write_text("[Match]\nType=ether\n[Network]\nDHCP=yes\n")


class Machine:
    def __init__(self, files, memory=3072, network=False):
        """`files`: {name: path}, found in /root of the machine."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-systemd-"))
        self.process, self.serial, self.said = None, None, b""
        load = self.folder / "load"
        load.mkdir()
        for name, path in files.items():
            os.symlink(pathlib.Path(path).resolve(), load / name)
        subprocess.run(["tar", "--create", "--dereference", "--file", self.folder / "load.tar", "-C", load, "."], check=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(CACHE / "disk"),
                        str(self.folder / "disk")], check=True)
        try:
            self.start(memory, network)
        except BaseException:
            self.close()
            raise

    def start(self, memory, network):
        socket_path = self.folder / "serial"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none", "-accel", "tcg,thread=multi,tb-size=256",
             "-cpu", "max", "-smp", "2", "-m", str(memory), "-kernel", str(CACHE / "vmlinuz"), "-initrd", str(CACHE / "initrd.img"),
             "-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no audit=0 modprobe.blacklist=kvm_amd,kvm",
             "-drive", f"file={self.folder}/disk,format=qcow2,if=virtio,cache=unsafe",
             "-drive", f"file={self.folder}/load.tar,format=raw,if=virtio,read-only=on",
             *(["-nic", "user,model=virtio-net-pci"] if network else ["-nic", "none"]),
             "-chardev", f"socket,id=serial,path={socket_path},server=on,wait=off,logfile={self.folder}/serial.log",
             "-serial", "chardev:serial", "-device", "virtio-rng-pci"],
            stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not socket_path.exists():
            assert self.process.poll() is None and time.monotonic() < end, "QEMU did not start"
            time.sleep(0.05)
        self.serial = socket.socket(socket.AF_UNIX)
        self.serial.connect(str(socket_path))
        self.until(b"shell-is-here", BOOT_SECONDS)
        self.run("tar -C /root -xf /dev/vdb")

    def until(self, mark, seconds):
        """Reads up to the mark; returns what came before it."""
        end = time.monotonic() + seconds
        while mark not in self.said:
            left = end - time.monotonic()
            assert left > 0, f"{mark} did not come; the serial line said last: {self.said[-2000:].decode(errors='replace')}"
            self.serial.settimeout(left)
            try:
                part = self.serial.recv(65536)
            except TimeoutError:
                continue
            assert part, "the machine ended: " + self.said[-2000:].decode(errors="replace")
            self.said += part
        before, self.said = self.said.split(mark, 1)
        return before.decode(errors="replace").replace("\r\n", "\n")

    def shell(self, command, seconds=300):
        """(exit status, what it said) of a command of bash."""
        mark = secrets.token_hex(8)
        self.serial.sendall(f"( {command} ) </dev/null 2>&1; echo '{mark[:8]}''{mark[8:]}' $?.\n".encode())
        said = self.until(mark.encode(), seconds)
        status = int(self.until(b".", 30).strip())
        return status, said.strip()

    def run(self, command, seconds=300):
        """What a command said that must succeed."""
        status, said = self.shell(command, seconds)
        assert status == 0, f"{command}: {status}: {said}"
        return said

    def close(self):
        if self.serial:
            self.serial.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    build_disk(sys.argv[1:])
