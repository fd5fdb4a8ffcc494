"""The exercises of the course, one module per notebook, and the short questions.

Every module defines ``EXERCISES``, a tuple of `Exercise`. The questions' points, hashes and hints are in
``questions.json``, which ``make notebooks`` generates.
"""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
from pathlib import Path

from cs_utils.checking.exercise import Exercise, Question

QUESTIONS_FILE = Path(__file__).with_name("questions.json")


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by the name of its function.

    Raises:
        ValueError: two exercises share a name.
    """
    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(__path__):
        for exercise in importlib.import_module(f"{__name__}.{module.name}").EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises are called {exercise.name!r}")
            found[exercise.name] = exercise
    return found


@functools.cache
def questions() -> dict[str, Question]:
    """Every short question by the name of its variable."""
    if not QUESTIONS_FILE.exists():
        return {}
    found = {}
    for name, entry in json.loads(QUESTIONS_FILE.read_text(encoding="utf-8")).items():
        wrong = {digest: (known["name"], known["hint"]) for digest, known in entry["wrong"].items()}
        found[name] = Question(
            name, entry["notebook"], entry["points"], entry["salt"], tuple(entry["right"]), wrong
        )
    return found


def of_notebook(notebook: str) -> tuple[Exercise, ...]:
    """The exercises of one notebook, in the order of their module."""
    return tuple(exercise for exercise in exercises().values() if exercise.notebook == notebook)
