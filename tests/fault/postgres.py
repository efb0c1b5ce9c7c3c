"""A PostgreSQL server of the test's own: unix socket only, in a temp folder; as root it runs as user postgres."""

import csv
import io
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from stack import wait_until


class Postgres:
    def __init__(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        assert found, "this test needs PostgreSQL: apt-get install postgresql"
        self.programs = found[-1]
        self.folder = tempfile.mkdtemp(prefix="oriel-fault-postgres-")
        self.process = None
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "oriel", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")

    def run(self, program, *words, text=None):
        done = subprocess.run([str(self.programs / program), *words], cwd=self.folder, input=text, capture_output=True, text=True,
                              check=False, **self.become)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def uri(self, database):
        return f"postgresql:///{database}?host={self.folder}&user=oriel"

    def sql(self, database, text):
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.uri(database), text=text)

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses=",
                 "-c", "fsync=off", "-c", "shared_buffers=16MB"], cwd=self.folder, stdout=log, stderr=log, **self.become)
        wait_until(lambda: subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", self.folder], check=False).returncode == 0,
                   60, "the database server")
        return self

    def stop(self):
        """At once: no farewell to its clients, recovery at the next start."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
            self.process = None

    def destroy(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take_rows(self, database, sqlite_path):
        """All rows of an SQLite store into this one, which has the same tables (the migrations are one text)."""
        store = sqlite3.connect(sqlite_path)
        tables = [row[0] for row in store.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'")]
        script = io.StringIO()
        script.write("BEGIN;\nSET session_replication_role = replica;\n")
        script.write("TRUNCATE " + ",".join(f'"{table}"' for table in tables) + ";\n")
        for table in tables:
            rows = store.execute(f"SELECT * FROM {table}")
            columns = ",".join(f'"{column[0]}"' for column in rows.description)
            script.write(f'COPY "{table}" ({columns}) FROM STDIN (FORMAT csv, NULL \'\\N\');\n')
            writer = csv.writer(script, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
            for row in rows:
                writer.writerow(["\\N" if value is None else value for value in row])
            script.write("\\.\n")
        script.write("COMMIT;\n")
        store.close()
        self.sql(database, script.getvalue())
