"""What tests of the leaderboard share: a small competition, and stores in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.leaderboard.competition import Competition, Rules, Task, create
from autograder.leaderboard.predictions import Predictions
from autograder.leaderboard.store import Receipt, Store
from tests.scale.postgres import PASSWORD, Server

CLASSES = ("disc", "ring", "square", "cross")
N = 400
NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
numbers = itertools.count()


def small_sets(seed: int = 0, n: int = N) -> dict[str, Any]:
    """Pictures of noise: what is uploaded are labels, and nobody here looks at pictures."""
    rng = np.random.default_rng(seed)

    def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
        images = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        return images, rng.integers(0, len(CLASSES), count)

    return {"train": pictures(20), "test": pictures(n), "classes": CLASSES}


def small_competition(path: Path, n: int = N, **settings: Any) -> Competition:
    return create(path, title="Ten shapes", settings=settings, **small_sets(n=n))


def small_task(n: int = N, seed: int = 0) -> Task:
    """Labels without a folder around them; every other example is public."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES), n)
    return Task(np.arange(n) + 1000, labels, np.arange(n) % 2 == 0, CLASSES)


def guess(task: Task, right: float, seed: int | None = None) -> Predictions:
    """Predictions of which about this share is right, in both parts alike."""
    rng = np.random.default_rng(next(numbers) if seed is None else seed)
    wrong = (task.labels + rng.integers(1, len(task.classes), len(task.labels))) % len(task.classes)
    return Predictions(np.where(rng.random(len(task.labels)) < right, task.labels, wrong))


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def record(
    store: Store, team: int, predictions: Predictions, task: Task, rules: Rules, **other: Any
) -> Receipt:
    """One upload, with a key from its labels."""
    digest = hashlib.sha256(predictions.labels.tobytes()).hexdigest()
    upload = {
        "key": digest,
        "received_at": NOON,
        "source": "api",
        "file_name": "predictions.npz",
        "sha256": digest,
    }
    return store.record_upload(team, predictions, task=task, rules=rules, **(upload | other))


def new_team(store: Store, name: str = "") -> int:
    """The id of a new team."""
    team = store.team_of_token(store.add_team(name or f"Team {next(numbers)}"))
    assert team is not None
    return team.id


@pytest.fixture
def competition(tmp_path: Path) -> Competition:
    return small_competition(tmp_path / "competition")


@pytest.fixture
def task() -> Task:
    return small_task()


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server; the password is where libpq looks for it. Its tests are marked needs("postgresql")."""
    with pytest.MonkeyPatch.context() as patch, Server() as server:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield server


@pytest.fixture
def stores(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Store]]:
    """Makes stores in new databases, of ``sqlite`` or ``postgresql``."""
    made: list[Store] = []

    def make(kind: str) -> Store:
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path}/{next(numbers)}.db"
        else:
            url = request.getfixturevalue("postgres").create(f"board{next(numbers)}")
        made.append(Store(url))
        made[-1].upgrade()
        return made[-1]

    yield make
    for store in made:
        store.close_connections()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def store(request: pytest.FixtureRequest, stores: Callable[[str], Store]) -> Store:
    """An empty store; every test that asks for one runs with SQLite and with PostgreSQL."""
    return stores(request.param)
