"""One sandbox for all tests of a level, and short ways to run a student's code in it.

A test that takes `sandbox`, `run`, `ask` or `level` is run at both protected levels.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.results import Cell
from autograder.sandbox import Level, Limits, Run, Sandbox
from autograder.sandbox.levels import PROTECTED
from cs_utils.checking.outcome import Outcome

QUICK = Limits(cell_seconds=3, total_seconds=30, cpu_seconds=20)
PATIENT = Limits(cell_seconds=60, total_seconds=120, cpu_seconds=120)


@pytest.fixture(scope="session", params=PROTECTED, ids=lambda level: level.value)
def level(request: pytest.FixtureRequest) -> Level:
    return request.param


@pytest.fixture(scope="session")
def sandbox(level: Level) -> Iterator[Sandbox]:
    with Sandbox(level, QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox) -> Iterator[Callable[..., Run]]:
    """`run(source, ...)` runs the sources as answer cells 1, 2, ..."""
    runs = []

    def start(*sources: str) -> Run:
        runs.append(sandbox.start(cells(*sources)))
        return runs[-1]

    yield start
    for each in runs:
        each.close()


@pytest.fixture(scope="session")
def patient_sandbox(level: Level) -> Iterator[Sandbox]:
    with Sandbox(level, PATIENT) as sandbox:
        yield sandbox


@pytest.fixture
def patient(patient_sandbox: Sandbox) -> Iterator[Callable[..., Run]]:
    """As `run`, for what takes its time: that is not what ends these runs, however busy the machine is."""
    with contextlib.ExitStack() as runs:
        yield lambda *sources: runs.enter_context(patient_sandbox.start(cells(*sources)))


@pytest.fixture
def ask(run: Callable[..., Run]) -> Callable[..., Any]:
    """`ask(source)` runs the source, which defines `answer()`, and gives what it returns."""

    def value(source: str) -> Any:
        outcome = call(run(source), "answer")
        assert outcome.failure is None, outcome.failure
        return outcome.value

    return value


def cells(*sources: str) -> list[Cell]:
    return [Cell(source, "answer", number, f"exercise_{number}") for number, source in enumerate(sources, 1)]


def call(run: Run, name: str, *args: Any, seconds: float = 5, **kwargs: Any) -> Outcome:
    return run.call(name, args, kwargs, (), seconds)


def descendants(pid: int) -> set[int]:
    """The processes below `pid`, in whatever namespace, that are not zombies."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(folder.name))
    found, waiting = set(), [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def is_root() -> bool:
    return os.geteuid() == 0
