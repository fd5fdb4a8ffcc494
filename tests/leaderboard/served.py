"""A small competition, and servers for it: one in this process to set limits on, one to be killed."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograder.leaderboard.competition import Competition, create
from autograder.leaderboard.server import Server, listening
from autograder.leaderboard.service import Settings, create_app
from autograder.leaderboard.store import Store

CLASSES = 10


def competition(path: Path, n_test: int = 200, **settings: Any) -> Competition:
    """Noise to be told apart; what is tested is never the pictures."""
    rng = np.random.default_rng(0)

    def some(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8), rng.integers(0, CLASSES, n)

    names = [f"class {number}" for number in range(CLASSES)]
    made = create(path, title="Noise", train=some(20), test=some(n_test), classes=names, settings=settings)
    store(made)
    return made


def store(of: Competition) -> Store:
    before = os.umask(0o077)
    made = Store(of.database_url)
    made.upgrade()
    os.umask(before)
    return made


def team(of: Competition, name: str = "Team A", students: tuple[str, ...] = ()) -> str:
    """The token of a new team."""
    return store(of).add_team(name, list(students))


def upload_file(of: Competition, right: float = 0.5, seed: int = 0) -> bytes:
    """An .npz file with a share of right labels; every seed gives another file."""
    task = of.task()
    rng = np.random.default_rng(seed)
    wrong = (task.labels + rng.integers(1, CLASSES, len(task.labels))) % CLASSES
    labels = np.where(rng.random(len(task.labels)) < right, task.labels, wrong)
    return npz(ids=task.ids, labels=labels)


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@dataclass
class Answer:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Asks one server, a connection for each request."""

    address: str
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int]:
        host, port = self.address.removeprefix("http://").rsplit(":", 1)
        return host, int(port)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """headers: with _ for -. A dict as body is sent as JSON."""
        sent = dict(self.headers)
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, dict):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(*self.place, timeout=60)
        try:
            connection.request(method, path, body, sent)
            found = connection.getresponse()
            return Answer(found.status, found.read(), found.headers)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def upload(self, data: bytes, name: str = "predictions.npz", **headers: str) -> Answer:
        return self.ask("POST", f"/api/uploads?filename={name}", data, **headers)


@contextlib.contextmanager
def serving(of: Competition, settings: Settings | None = None) -> Iterator[Client]:
    """The service on a port of loopback, run by a thread of this process."""
    started = threading.Event()
    app = create_app(of, settings)
    with listening("127.0.0.1", 0) as socket:
        server = Server(app, started.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            assert started.wait(60)
            yield Client(f"http://127.0.0.1:{socket.getsockname()[1]}")
        finally:
            server.stop()
            thread.join(60)
            assert not thread.is_alive()


class Process:
    """`autograder leaderboard serve` as an instructor starts it."""

    def __init__(self, of: Competition, *options: str) -> None:
        command = [sys.executable, "-m", "autograder", "leaderboard", "serve", str(of.path), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, f"{line!r}\n{self.end(signal.SIGKILL)[1]}"
        self.client = Client(found[0])

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and stderr."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
