"""kill -9 of the real server at any moment: what was answered is there once, and a repeated upload is one.

`make prove` does this far more often than `make test`.
"""

from __future__ import annotations

import http.client
import itertools
import random
import signal
import socket
import threading
import time
from collections import Counter

import pytest
import sqlalchemy as sa

from autograder.leaderboard.database import upload
from autograder.leaderboard.serving import is_served, only_server
from tests.leaderboard.served import Client, Process, competition, store, team, upload_file

TEAMS, AT_ONCE = 60, 4  # so many teams that none meets its rate limit


class Load:
    """Clients that upload one file after another, each under its own key, until told to stop.

    answered: key -> the answer that arrived whole; sent: key -> team and file, answered or not.
    """

    def __init__(self, of, tokens: list[str]) -> None:
        self._files = [upload_file(of, 0.5, seed) for seed in range(20)]
        self._tokens = tokens
        self._numbers = itertools.count()
        self.answered: dict[str, dict] = {}
        self.sent: dict[str, tuple[str, bytes]] = {}
        self.refused: Counter[int] = Counter()

    def run(self, address: str, stop: threading.Event) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._upload, args=(address, stop)) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        return threads

    def _upload(self, address: str, stop: threading.Event) -> None:
        while not stop.is_set():
            number = next(self._numbers)
            key = f"upload {number}"
            self.sent[key] = token, file = self._tokens[number % TEAMS], self._files[number % 20]
            try:
                answer = Client(address, token).upload(file, Idempotency_Key=key)
            except (OSError, http.client.HTTPException):  # the server was killed meanwhile
                continue
            if answer.status == 201:
                self.answered[key] = answer.json
            else:
                self.refused[answer.status] += 1

    def send_again(self, address: str) -> dict[str, dict]:
        """Every upload once more, as a client does that has heard nothing."""
        found = {}
        for key, (token, file) in self.sent.items():
            while (answer := Client(address, token).upload(file, Idempotency_Key=key)).status == 429:
                time.sleep(int(answer.headers["Retry-After"]))  # as a patient client does
            assert answer.status == 201, answer.body
            found[key] = answer.json
        return found


def stored(of) -> Counter[str]:
    known = store(of)
    with known.engine.connect() as connection:
        found = Counter(connection.scalars(sa.select(upload.c.key)).all())
    known.close_connections()
    return found


def survives(of, trials: int, seed: int) -> int:
    """How many uploads were answered over all trials; each of them is there once after every kill."""
    rng = random.Random(seed)
    tokens = [team(of, f"team {number}") for number in range(TEAMS)]
    load = Load(of, tokens)
    for _ in range(trials):
        with Process(of) as server:
            stop = threading.Event()
            threads = load.run(server.client.address, stop)
            before = len(load.answered)
            deadline = time.monotonic() + 60
            while len(load.answered) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.4))
            server.end(signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join(60)
        there = stored(of)
        assert set(load.answered) <= set(there), "an upload that was answered is lost"
        assert set(there.values()) <= {1}
    with Process(of, "--trusted-proxy", "127.0.0.1") as server:
        again = load.send_again(server.client.address)
        for key, answer in load.answered.items():
            assert again[key] == answer | {"replayed": True}, "a repeated upload got another answer"
        code, _ = server.end()
    assert code == 0
    assert stored(of) == Counter(dict.fromkeys(load.sent, 1)), "something was stored twice, or not at all"
    assert sum(one.uploads for one in store(of).teams()) == len(load.sent)
    return len(load.answered)


def test_after_kill_9_every_answered_upload_is_there_once(tmp_path):
    of = competition(tmp_path / "killed", daily_limit=100_000)
    assert survives(of, trials=2, seed=0) > 0


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(1, 9))
def test_after_kill_9_at_forty_moments_every_answered_upload_is_there_once(tmp_path, seed):
    of = competition(tmp_path / "killed", daily_limit=100_000)
    assert survives(of, trials=5, seed=seed) > 5


def test_sigterm_and_ctrl_c_let_an_upload_finish_and_end_well(tmp_path):
    """With a page listening, which would never end by itself, and an upload half way."""
    of = competition(tmp_path / "ended")
    token = team(of)
    for how in (signal.SIGTERM, signal.SIGINT):
        with Process(of) as server, socket.create_connection(server.client.place, 30) as listener:
            listener.sendall(b"GET /api/events HTTP/1.1\r\nHost: here\r\n\r\n")
            assert b"200 OK" in listener.recv(1000)
            file = upload_file(of, seed=int(how))
            with socket.create_connection(server.client.place, 30) as connection:
                head = (
                    f"POST /api/uploads?filename=p.npz HTTP/1.1\r\nHost: here\r\nContent-Length: {len(file)}"
                )
                connection.sendall(f"{head}\r\nAuthorization: Bearer {token}\r\n\r\n".encode() + file[:100])
                time.sleep(0.3)
                server.process.send_signal(how)
                time.sleep(0.3)
                connection.sendall(file[100:])
                assert connection.recv(1000).startswith(b"HTTP/1.1 201")
            assert server.process.wait(30) == 0
            assert "Traceback" not in server.end()[1]
    assert len(stored(of)) == 2


def test_one_competition_is_served_once_and_can_be_served_again_after_a_kill(tmp_path, capsys):
    from autograder.cli import main

    of = competition(tmp_path / "once")
    with Process(of) as server:
        assert main(["leaderboard", "serve", str(of.path), "--port", "0"]) == 1
        assert str(server.process.pid) in capsys.readouterr().err
        server.end(signal.SIGKILL)
    assert not is_served(of.path)
    with only_server(of):
        assert is_served(of.path)
