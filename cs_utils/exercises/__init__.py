"""The exercises of the course, one module per notebook, and the short questions.

The exercises of notebook ``NN_topic`` are in ``nbNN_topic.py``, which defines ``EXERCISES``, a tuple of
`Exercise`, and ``FILES``, a tuple of `HandedIn`, where a file is handed in beside the notebook. The
questions' points, hashes and hints are in ``questions.json``, which ``make notebooks`` generates.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import pkgutil
import sys
from pathlib import Path

from cs_utils.checking.exercise import Exercise, Question
from cs_utils.checking.handed_in import HandedIn

QUESTIONS_FILE = Path(__file__).with_name("questions.json")


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by the name of its function.

    Raises:
        ValueError: two exercises share a name.
    """
    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(__path__):
        for exercise in of_notebook(module.name.removeprefix("nb")):
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


@functools.cache
def files() -> dict[str, HandedIn]:
    """Every file that is handed in beside a notebook, by the name of its answer."""
    modules = (module.name.removeprefix("nb") for module in pkgutil.iter_modules(__path__))
    return {one.name: one for notebook in modules for one in files_of_notebook(notebook)}


def files_of_notebook(notebook: str) -> tuple[HandedIn, ...]:
    """The files that are handed in beside one notebook."""
    of_notebook(notebook)
    module = sys.modules.get(f"{__name__}.nb{notebook}")
    found: tuple[HandedIn, ...] = getattr(module, "FILES", ())
    return found


def of_notebook(notebook: str) -> tuple[Exercise, ...]:
    """The exercises of one notebook, in the order of their module. No other notebook's module is imported.

    Raises:
        ValueError: an exercise says that it belongs to another notebook.
    """
    module = f"{__name__}.nb{notebook}"
    if importlib.util.find_spec(module) is None:
        return ()
    found: tuple[Exercise, ...] = importlib.import_module(module).EXERCISES
    for exercise in found:
        if exercise.notebook != notebook:
            raise ValueError(f"{module}: {exercise.name!r} says it is of notebook {exercise.notebook!r}")
    return found
