"""Judge submissions on a Dask cluster: `Cluster` is the grader's side, the rest runs in the workers.

Dask sends Python objects by pickle, so whoever reaches the scheduler can run code on all of it: grader,
scheduler and workers have to trust one another. Students are not among them. What is theirs travels as
bytes and comes back as JSON; their code runs in the sandbox of a worker's machine and nowhere else. A
worker decides in its own, trusted process, as the grader does on one machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata as metadata
import json
import logging
import platform
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distributed import Client
from distributed import Future as DaskFuture

from autograder import basis
from autograder.executors import Executor, ExecutorLost
from autograder.intake.apart import Readers
from autograder.results import GradedSubmission, Note, from_plain
from autograder.sandbox import Level, SandboxUnavailable, best_level
from autograder.sandbox.levels import PROTECTED, why_not
from autograder.text import MOST_LISTED
from autograder.work import Handed, Work, grade_one, handed_in, not_judged, unpacked

CONNECT_SECONDS = 10
CLOSE_SECONDS = 10
IDLE_SECONDS = 60  # how long a worker keeps a sandbox that nobody asks for any more
RETRIES = 2  # after a failure of ours on some machine; a worker that dies does not count
KEPT = "What was graded is kept; run the command again for the rest."


class Cluster(Executor):
    """All workers of the Dask scheduler at `scheduler`; at most `jobs` submissions at a time, if given."""

    ahead = 1

    def __init__(self, scheduler: str, jobs: int | None = None):
        self._scheduler = scheduler
        self._jobs = jobs
        self._client: Client | None = None
        self._running: dict[Future[GradedSubmission], DaskFuture] = {}

    def level(self, asked: Level | None, allow_unprotected: bool) -> Level:
        """The strongest level that every worker has. Every worker is examined, its versions first."""
        self._client = client = self._connect()
        threads = client.nthreads()
        if not threads:
            raise ExecutorLost(
                f"The Dask scheduler at {self._scheduler} has no workers. Start some: "
                f"dask worker {self._scheduler}"
            )
        self.ahead = self._jobs or 4 * sum(threads.values())
        return _level_of_all(client, asked, allow_unprotected)

    def start(self, work: Work) -> None:
        self._work = work
        self._packed = work.packed()

    def submit(self, student: str, path: Path) -> Future[GradedSubmission]:
        here: Future[GradedSubmission] = Future()
        handed = handed_in(student, path)
        if handed.data is None:
            here.set_result(not_judged(self._work, handed))
            return here
        assert self._client is not None
        notes = [asdict(note) for note in handed.notes]
        there = self._client.submit(
            judged_there, self._packed, versions(), student, handed.data, notes, pure=False, retries=RETRIES
        )
        self._running[here] = there
        there.add_done_callback(functools.partial(self._arrived, here))
        return here

    def close(self) -> None:
        """Let go of everything, and have the workers end what they are still judging for us."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(Exception):  # the scheduler may be gone
            if client.status == "running":
                client.cancel(list(self._running.values()), force=True)
                if hasattr(self, "_packed"):
                    client.run(end_station, self._packed, on_error="ignore")
        with contextlib.suppress(Exception):
            client.close(CLOSE_SECONDS)

    def _connect(self) -> Client:
        for name in list(logging.root.manager.loggerDict):  # we say ourselves what went wrong
            if name.startswith("distributed"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            return Client(self._scheduler, timeout=CONNECT_SECONDS, set_as_default=False, name="autograder")
        except Exception as error:
            raise ExecutorLost(
                f"The Dask scheduler at {self._scheduler} does not answer ({error}). Is it running "
                "(dask scheduler), and is the address right? Nothing was changed."
            ) from error

    def _arrived(self, here: Future[GradedSubmission], there: DaskFuture) -> None:
        """Hand a result, or what went wrong, to whoever waits for it. Runs in a thread of Dask's."""
        self._running.pop(here, None)
        try:
            here.set_result(from_plain(json.loads(there.result())))
        except CancelledError:
            here.set_exception(self._lost())
        except Exception as error:
            connected = self._client is not None and self._client.status == "running"
            here.set_exception(error if connected else self._lost())

    def _lost(self) -> ExecutorLost:
        return ExecutorLost(f"The Dask scheduler at {self._scheduler} is gone. {KEPT}")


def _differences(worker: str, found: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[str]:
    for name, version in expected.items():
        if found.get(name) != version:
            yield f"worker {worker}: {name} {found.get(name, 'not there')}, expected {version}"


def _level_of_all(client: Client, asked: Level | None, allow_unprotected: bool) -> Level:
    if asked is Level.NONE:
        best_level(allow_unprotected, asked)
    wanted = PROTECTED if asked is None else (asked,)
    lacking: list[str] = []
    for level in wanted:
        answers = client.run(examined, level.value, on_error="return")
        _refuse_unfit(answers)
        missing = {worker: answer["lacks"] for worker, answer in sorted(answers.items()) if answer["lacks"]}
        if not missing:
            return level
        lacking += [f"worker {worker}: {level.value} does not work: {why}" for worker, why in missing.items()]
    if allow_unprotected and asked is None:
        return Level.NONE
    raise SandboxUnavailable(
        "\n  - ".join(["There is no level of isolation that all workers have:", *_few(lacking)])
        + "\n`autograder doctor` says on each machine what can be done."
    )


def _refuse_unfit(answers: Mapping[str, dict[str, Any] | Exception]) -> None:
    """Raise for workers with other versions, a line for each thing that differs."""
    unfit: list[str] = []
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, Exception):
            unfit.append(f"worker {worker}: has no such grader ({type(answer).__name__}: {answer})")
        else:
            unfit += _differences(worker, answer["versions"], versions())
    if unfit:
        raise ExecutorLost(
            "\n  - ".join(["These workers cannot grade for this machine:", *_few(unfit)])
            + "\nGive them the versions that are installed here, start them again, then run this again."
        )


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]


# --- in the workers -----------------------------------------------------------------------------------------


@functools.cache  # as they were when this process first looked: later changes on disk are not what it runs
def versions() -> dict[str, str]:
    """What must be the same in the grader and in every worker."""
    packages = {name: metadata.version(name) for name in ("numpy", "torch", "distributed")}
    return {"Python": platform.python_version(), **packages, "code of the course": basis.of_code()}


async def examined(level: str) -> dict[str, Any]:
    """The versions of this worker, and why it lacks a level of isolation, or "".

    Not in its event loop, which must not wait.
    """
    return await asyncio.to_thread(lambda: {"versions": versions(), "lacks": why_not(Level(level))})


def judged_there(
    packed: bytes, expected: dict[str, str], student: str, data: bytes, notes: list[dict[str, Any]]
) -> str:
    """A `GradedSubmission` as JSON. expected: versions, since this worker may have come after the others."""
    if versions() != expected:
        from distributed import get_worker

        unfit = "; ".join(_differences(get_worker().address, versions(), expected))
        raise ExecutorLost(f"A worker came that cannot grade for this machine: {unfit}. {KEPT}")
    handed = Handed(student, data, tuple(Note(**note) for note in notes))
    with _station(packed) as station:
        graded = grade_one(station.work, handed, station.sandbox, station.readers)
    return json.dumps(asdict(graded))


class _Station:
    """What a worker needs to judge for one grading run; kept between submissions."""

    def __init__(self, packed: bytes):
        self.work = unpacked(packed)
        self.sandbox = self.work.sandbox()
        self.readers = Readers()
        self.users = 0
        self.idle: threading.Timer | None = None

    def close(self) -> None:
        self.sandbox.close()
        self.readers.close()


_lock = threading.Lock()
_stations: dict[bytes, _Station] = {}


@contextlib.contextmanager
def _station(packed: bytes) -> Iterator[_Station]:
    with _lock:
        station = _stations.get(packed) or _stations.setdefault(packed, _Station(packed))
        station.users += 1
        if station.idle is not None:
            station.idle.cancel()
    try:
        yield station
    finally:
        with _lock:
            station.users -= 1
            if not station.users:  # the grader may have been killed, and then nobody says that it is over
                station.idle = threading.Timer(IDLE_SECONDS, _end_if_idle, (packed, station))
                station.idle.daemon = True
                station.idle.start()


def _end_if_idle(packed: bytes, station: _Station) -> None:
    with _lock:
        if station.users or _stations.get(packed) is not station:
            return
        del _stations[packed]
    station.close()


async def end_station(packed: bytes) -> None:
    """End what is judged for the grading run that `packed` belongs to, at once."""
    with _lock:
        station = _stations.pop(packed, None)
    if station is not None:
        await asyncio.to_thread(station.close)
