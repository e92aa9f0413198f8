"""A PostgreSQL of the tests' own: a private cluster on a socket, of the version that is installed."""

import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]


class Cluster:
    """As root it runs as the user `postgres`, because the server refuses root."""

    def __init__(self):
        # Not under pytest's folder: that one is closed to other users, and sockets have short names.
        self.folder = tempfile.mkdtemp(prefix="keyturn-pg-")
        self.user = []
        if os.getuid() == 0:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
            self.user = ["runuser", "-u", "postgres", "--"]
        self.server(f"{BIN}/initdb", "-D", f"{self.folder}/data", "-U", "keyturn", "-A", "trust", "-E", "UTF8",
                    "--no-locale", "--no-sync")
        self.server(f"{BIN}/pg_ctl", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o",
                    f"-k {self.folder} -c listen_addresses=''", "start")

    def server(self, *command):
        subprocess.run([*self.user, *command], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    def dsn(self, user="keyturn"):
        return f"host={self.folder} user={user} dbname=postgres"

    def ask(self, sql, user="keyturn"):
        """The finished psql; its output is rows of fields with `|` between them."""
        return subprocess.run([f"{BIN}/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(user),
                               "-c", sql], capture_output=True, text=True, timeout=60, check=False)

    def sql(self, sql, user="keyturn"):
        done = self.ask(sql, user)
        assert done.returncode == 0, f"{sql}: {done.stderr}"
        return done.stdout.strip()

    def close(self):
        self.server(f"{BIN}/pg_ctl", "-m", "immediate", "-D", f"{self.folder}/data", "stop")
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def running():
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.close()
