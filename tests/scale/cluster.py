"""A real Dask cluster on loopback: a scheduler and workers, each a process that a test may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"


class LocalCluster:
    """Processes of `python -m dask`. A context manager that ends all of them."""

    def __init__(self, folder: Path):
        self._folder = folder
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://{LOOPBACK}:{port}"
        self.scheduler = self._started("scheduler", ["--port", str(port), "--no-dashboard"])
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    def add_worker(self, name: str, path: str = "") -> subprocess.Popen[bytes]:
        """A worker with one thread; `path`: where its Python looks first."""
        options = [self.address, "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        options += ["--local-directory", str(self._folder)]
        self.workers[name] = self._started("worker", options, path)
        return self.workers[name]

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def kill(self, name: str) -> None:
        self.workers[name].send_signal(signal.SIGKILL)

    def _started(self, kind: str, options: Sequence[str], path: str = "") -> subprocess.Popen[bytes]:
        before = os.environ.get("PYTHONPATH")
        number = len(list(self._folder.glob("*.log")))
        with open(self._folder / f"{number}-{kind}.log", "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, "--host", LOOPBACK, *options],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, before)))},
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(self, *_: object) -> None:
        everybody = [*self.workers.values(), self.scheduler]
        for process in everybody:
            process.terminate()
        deadline = time.monotonic() + 10
        for process in everybody:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
