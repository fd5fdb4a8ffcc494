"""Where submissions are judged: in threads of this machine, or on a cluster behind the same interface.

An executor takes one submission after another and gives each back as a `GradedSubmission`, in any order. It
writes nothing: the gradebook is written by the one thread of the grader that asks.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from autograder.course import Course, WrongUsage
from autograder.results import GradedSubmission
from autograder.sandbox import Level, best_level
from autograder.work import Work, grade_one, handed_in

NAMES = ("local", "dask")


class ExecutorLost(RuntimeError):
    """Nothing more can be judged; the message says why and what to do. What was graded is kept."""


class Executor(ABC):
    """A context manager; leaving it ends whatever is still being judged, at once.

    ahead: how many submissions to hand over before results are waited for; more only take up memory.
    """

    ahead: int

    @abstractmethod
    def level(self, asked: Level | None, allow_unprotected: bool) -> Level:
        """The level of isolation that submissions will be judged at: the one asked for, or the best.

        Raises:
            autograder.sandbox.SandboxUnavailable: it does not work here.
            ExecutorLost: nobody is there to judge.
        """

    @abstractmethod
    def start(self, work: Work) -> None:
        """Say what all submissions are judged with; once, before the first of them."""

    @abstractmethod
    def submit(self, student: str, path: Path) -> Future[GradedSubmission]:
        """Judge what `student` handed in at `path`. A future that raises `ExecutorLost` ends the class."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Local(Executor):
    """Threads of this process, each of which drives a sandboxed process and mostly waits for it."""

    def __init__(self, jobs: int | None = None):
        self._jobs = jobs or os.cpu_count() or 1
        self.ahead = 4 * self._jobs  # so that no thread waits while a result is recorded
        self._started = contextlib.ExitStack()

    def level(self, asked: Level | None, allow_unprotected: bool) -> Level:
        return best_level(allow_unprotected=allow_unprotected, asked=asked)

    def start(self, work: Work) -> None:
        from autograder.intake.apart import Readers

        self._work = work
        pool = self._started.enter_context(ThreadPoolExecutor(self._jobs))
        self._readers = self._started.enter_context(Readers())
        self._sandbox = self._started.enter_context(work.sandbox())
        # called first: what has not begun never does, and what has begun fails when its sandbox is closed
        self._started.callback(pool.shutdown, wait=False, cancel_futures=True)
        self._pool = pool

    def submit(self, student: str, path: Path) -> Future[GradedSubmission]:
        return self._pool.submit(self._judge, student, path)

    def _judge(self, student: str, path: Path) -> GradedSubmission:
        return grade_one(self._work, handed_in(student, path), self._sandbox, self._readers)

    def close(self) -> None:
        self._started.close()


def chosen(
    course: Course, name: str | None = None, scheduler: str | None = None, jobs: int | None = None
) -> Executor:
    """The executor that the command asks for, or else course.toml, under ``[grading]``; else `Local`.

    Raises:
        WrongUsage: there is none of that name, or a cluster without the address of its scheduler.
    """
    name = name or course.grading.get("executor", "local")
    if name not in NAMES:
        raise WrongUsage(f"There is no executor called {name!r}; known are: {', '.join(NAMES)}.")
    if name == "local":
        if scheduler:
            raise WrongUsage("--scheduler is for a cluster: add --executor dask.")
        return Local(jobs)
    scheduler = scheduler or course.grading.get("scheduler")
    if not isinstance(scheduler, str):
        raise WrongUsage(
            "The address of the Dask scheduler is needed: --scheduler tcp://HOST:8786, or scheduler in "
            "course.toml under [grading]."
        )
    try:
        from autograder.cluster import Cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "distributed":
            raise
        raise WrongUsage(
            "A cluster needs the package distributed: pip install 'convnet-course[cluster]'."
        ) from error
    return Cluster(scheduler, jobs)
