"""A jupyter server on the loopback address with nbgrader's formgrader in it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = "a-token-for-this-test"
Fetch = Callable[..., str]


@dataclass(frozen=True)
class Server:
    """address: of the server, without the last slash. fetch: gets a page, or puts `data` there."""

    address: str
    fetch: Fetch


@contextlib.contextmanager
def serving(course: Path, folder: Path) -> Iterator[Server]:
    """Serve the course in the folder `course`; what the server needs and says is kept in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "home"
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--port-retries=0", f"--IdentityProvider.token={TOKEN}"]
    extensions = {"ServerApp": {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": True}}}
    (home / ".jupyter").mkdir(parents=True)
    (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps(extensions))
    environment = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / ".jupyter")}
    log = folder / "server.log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, cwd=course, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Server(f"http://127.0.0.1:{port}", _fetcher(port, process, log))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _fetcher(port: int, process: subprocess.Popen[bytes], log: Path) -> Fetch:
    def fetch(path: str, data: object = None) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/{path.lstrip('/')}",
            data=None if data is None else json.dumps(data).encode(),
            method="GET" if data is None else "PUT",
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            fetch("formgrader/api/status")
            return fetch
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())
