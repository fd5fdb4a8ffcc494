"""A real PostgreSQL server in a folder of its own, which listens on a socket there and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

USER = "grader"
PASSWORD = "p4ss%word with spaces"


class Server:
    """A server whose only user, `USER`, has a password. A context manager; it ends what it started.

    As root everything is run as an ordinary user, since PostgreSQL refuses to be root. durable: whether it
    waits for the disk, as one does that is to be measured.
    """

    def __init__(self, durable: bool = False) -> None:
        self._durable = durable
        self.folder = Path(
            tempfile.mkdtemp(prefix="postgres-")
        )  # short: the name of a socket may not be long
        self._as_user: dict[str, Any] = {"cwd": self.folder, "umask": 0o077}
        if os.geteuid() == 0:
            ordinary = pwd.getpwnam("nobody")
            os.chown(self.folder, ordinary.pw_uid, ordinary.pw_gid)
            self._as_user |= {"user": ordinary.pw_uid, "group": ordinary.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o644)
        options = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={self.folder}/password"]
        options += ["--encoding=UTF8", "--locale=C", "--no-sync", f"--pgdata={self.folder}/data"]
        subprocess.run(["initdb", *options], check=True, capture_output=True, **self._as_user)

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        options = ["-D", f"{self.folder}/data", "-k", str(self.folder), "-c", "listen_addresses="]
        if not self._durable:
            options += ["-c", "fsync=off"]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(["postgres", *options], stdout=log, stderr=log, **self._as_user)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT cuts every connection in peace, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def create(self, database: str, template: str = "template1") -> str:
        """The address of a new database, which may be a copy of another."""
        with self.connect("template1" if template != "template1" else "postgres") as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def connect(self, database: str) -> Any:
        import psycopg

        return psycopg.connect(self.url(database), password=PASSWORD, autocommit=True)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _answers(self) -> bool:
        import psycopg

        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
