"""Writes of many threads that share transactions, since what a transaction costs is waiting for the disk.

A disk that needs 20 ms to have something for sure takes 50 transactions a second; an hour before the
deadline that is too few. So whoever comes while a transaction is under way goes with the next one, together
with everybody else who came meanwhile, and nobody is answered before it is on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

T = TypeVar("T")
MOST = 64  # jobs that share a transaction


@dataclass
class _Job(Generic[T]):
    order: int
    do: Callable[[Connection], T]
    result: T | None = None
    error: BaseException | None = None
    done: bool = False
    turn: threading.Event = field(default_factory=threading.Event)  # it is done, or its thread shall lead


class Batches:
    """Runs jobs in transactions that `begin` gives.

    refusals: what a job may raise before it has written anything; it concerns that job alone. Whatever else
    is raised undoes the transaction, and then every job of it is done again in one of its own, so that
    nobody suffers for another's failure.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        refusals: tuple[type[Exception], ...],
        most: int = MOST,
    ) -> None:
        self._begin = begin
        self._refusals = refusals
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Job[Any]] = []
        self._led = False  # whether a thread is in a transaction, or has been told to begin one

    def run(self, do: Callable[[Connection], T], *, order: int = 0) -> T:
        """What `do` returns, once it is stored. Jobs of a transaction run by `order`, so that two processes
        which lock the same rows do so in the same order.

        Raises:
            Exception: what `do`, or the end of its transaction, raised.
        """
        job = _Job(order, do)
        with self._lock:
            self._waiting.append(job)
            leads, self._led = not self._led, True
        if not leads:
            job.turn.wait()
        if not job.done:
            self._lead()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]

    def _lead(self) -> None:
        """One transaction for those who wait, the caller among them; then the next of them leads."""
        with self._lock:
            jobs, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            self._run(sorted(jobs, key=lambda job: job.order))
        finally:
            with self._lock:
                follower = self._waiting[0] if self._waiting else None
                self._led = follower is not None
            for job in jobs:
                job.turn.set()
            if follower is not None:
                follower.turn.set()

    def _run(self, jobs: list[_Job[Any]]) -> None:
        try:
            with self._begin() as connection:
                for job in jobs:
                    self._do(job, connection)
        except BaseException as error:
            if len(jobs) > 1 and isinstance(error, Exception):
                for job in jobs:
                    self._run([job])
                return
            for job in jobs:
                job.result, job.error = None, job.error or error
        for job in jobs:
            job.done = True

    def _do(self, job: _Job[Any], connection: Connection) -> None:
        job.result, job.error = None, None
        try:
            job.result = job.do(connection)
        except self._refusals as error:
            job.error = error
