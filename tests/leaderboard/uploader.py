"""A process that uploads until it is killed, and how to find out whether a database is whole afterwards."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from autograder.leaderboard.competition import Rules, Task
from autograder.leaderboard.database import metadata
from autograder.leaderboard.ladder import Standing
from autograder.leaderboard.predictions import Predictions
from autograder.leaderboard.store import NotCounted, Receipt, Store, unpack
from tests.leaderboard.fixtures import record, small_task

context = multiprocessing.get_context("forkserver")  # a process each, without importing everything each time
context.set_forkserver_preload([__name__])
RULES = Rules(daily_limit=None)


def made(task: Task, key: str) -> Predictions:
    """The predictions that belong to a key, so that both sides know them."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    labels = (task.labels + rng.integers(1, len(task.classes), len(task.labels))) % len(task.classes)
    return Predictions(np.where(rng.random(len(labels)) < rng.random(), task.labels, labels))


def send(store: Store, task: Task, team: int, key: str, rules: Rules = RULES) -> Receipt:
    return record(store, team, made(task, key), task, rules, key=key)


def _upload(
    url: str, password: str, jobs: list[tuple[int, str]], threads: int, rules: Rules, pipe: Connection
) -> None:
    os.environ["PGPASSWORD"] = password
    store, task, lock = Store(url), small_task(), threading.Lock()
    store.version()  # connected

    def one(job: tuple[int, str]) -> None:
        team, key = job
        try:
            receipt = send(store, task, team, key, rules)
        except NotCounted as error:
            answer: Any = type(error).__name__
        else:
            answer = receipt
        with lock:  # from here on a client has its receipt
            pipe.send((team, key, answer))

    pipe.send("ready")
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, jobs))
    pipe.close()


def start(
    url: str, jobs: Iterable[tuple[int, str]], *, threads: int = 3, rules: Rules = RULES
) -> tuple[BaseProcess, Connection]:
    """A process that does the jobs (team, key), and the pipe on which it tells every receipt at once."""
    ours, theirs = context.Pipe(duplex=False)
    password = os.environ.get("PGPASSWORD", "")  # which the process that forks may not have had yet
    process = context.Process(target=_upload, args=(url, password, list(jobs), threads, rules, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    return process, ours


def told(pipe: Connection) -> list[tuple[int, str, Any]]:
    """Whatever was told before the process ended, (team, key, receipt or the name of a refusal)."""
    found = []
    while True:
        try:
            found.append(pipe.recv())
        except (EOFError, OSError):
            return found


def expect_whole(store: Store, task: Task, rules: Rules = RULES) -> dict[tuple[int, str], int]:
    """Every team's row is what its uploads come to, in their order; the uploads' numbers by (team, key)."""
    with store.engine.connect() as connection, connection.begin():
        uploads = connection.execute(
            metadata.tables["upload"].select().order_by(metadata.tables["upload"].c.id)
        ).all()
        teams = connection.execute(metadata.tables["team"].select()).all()
    standings: dict[int, Standing | None] = {}
    counts: dict[int, int] = {}
    best: dict[int, int] = {}
    for row in uploads:
        labels = unpack(row.predictions, len(task.labels), len(task.classes)).labels
        assert labels.tolist() == made(task, row.key).labels.tolist()
        before = standings.get(row.team_id)
        after = rules.ladder.after(labels[task.public] == task.labels[task.public], before)
        assert (row.improved, row.shown_after) == (after is not before, after.score)
        standings[row.team_id] = after
        counts[row.team_id] = counts.get(row.team_id, 0) + 1
        best[row.team_id] = row.id if row.improved else best[row.team_id]
    for row in teams:
        standing = standings.get(row.id)
        assert row.uploads == counts.get(row.id, 0)
        assert row.score == (standing.score if standing else None)
        assert row.best_upload_id == best.get(row.id)
        assert standing is None or row.correct == np.packbits(standing.correct).tobytes()
    found = {(row.team_id, row.key): row.id for row in uploads}
    assert len(found) == len(uploads)
    return found
