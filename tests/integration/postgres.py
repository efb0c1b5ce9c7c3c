"""A PostgreSQL of a test's own: private folder, unix socket only, ended by pid."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from stack import wait_until


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "these tests need PostgreSQL: apt-get install postgresql"
    return found[-1]


def account():
    """Who runs it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-pg-"))
        self.process, self.user = None, account()
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        # orield may be another user than the server: the way to the socket is open, the data folder is not.
        self.folder.chmod(0o711)
        self.run("initdb", "-D", str(self.folder / "data"), "-U", "oriel", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.uri = f"postgresql:///oriel?host={self.folder}&user=oriel"
        self.start()
        self.run("createdb", "-h", str(self.folder), "-U", "oriel", "oriel")

    def identity(self):
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def run(self, program, *arguments):
        subprocess.run([programs() / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.folder,
                       **self.identity())

    def start(self):
        self.process = subprocess.Popen(
            [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", "", "-F"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **self.identity())
        wait_until(lambda: subprocess.run([programs() / "pg_isready", "-h", self.folder, "-q"]).returncode == 0, 60,
                   "PostgreSQL")

    def kill(self):
        """At once, as a crash: SIGQUIT is its immediate shutdown, which also ends its children."""
        self.process.send_signal(3)
        self.process.wait(60)

    def destroy(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
