"""What a result rests on. Equal parts give an equal result, so a submission need not be judged twice.

    score = f(submission bytes, exercise version, seed)

and, to be exact, of the code that judges, the packages it judges with, the level of isolation and the limits.
Each part has a name in `PARTS`, by which `autograder regrade --diff` says why a result would change.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata as metadata
from collections.abc import Iterable, Mapping
from pathlib import Path

import cs_utils
from autograder.course import SOLUTIONS, Course
from autograder.intake.reading import Unreadable, read_file

PARTS = {
    "submission": "another file was handed in",
    "predictions": "another predictions.npz was handed in",
    "competition": "the competition's labels or its baseline changed",
    "release": "the released notebook changed",
    "exercises": "the exercises or the checking engine changed",
    "grader": "the grader changed",
    "packages": "other versions of NumPy or PyTorch",
    "seed": "the secret seed changed",
    "level": "another level of isolation",
    "limits": "other limits in course.toml",
}

ELSEWHERE = ("executor", "scheduler")  # where it is judged makes no difference


def of_class(course: Course, assignment: str, level: str) -> dict[str, str]:
    """The parts that all submissions of an assignment share, each as a short text or a digest."""
    answers = SOLUTIONS / "answers" / f"{assignment}.toml"
    return {
        "release": _digest(course.release(assignment).read_bytes()),
        "exercises": _of_exercises(assignment) + _digest(answers.read_bytes() if answers.exists() else b""),
        "grader": _of_grader(),
        "packages": ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "torch")),
        "seed": _digest(str(course.seed(assignment)).encode()),  # a digest of 128 secret bits tells nothing
        "level": level,
        "limits": repr(sorted(item for item in course.grading.items() if item[0] not in ELSEWHERE)),
    }


def of_code() -> str:
    """The digest of all code that judges, on this machine: grader, checking engine and exercises."""
    parts = []
    for package in (Path(__file__).parent, Path(cs_utils.__file__).parent):
        for file in sorted(package.rglob("*")):
            if file.suffix in (".py", ".json"):
                parts.append(f"{file.relative_to(package.parent)}\0".encode() + file.read_bytes())
    return _digest(b"\0".join(parts))


def of_submission(path: Path) -> str:
    """The digest of a submitted file, as intake makes it; "" when there is nothing to read."""
    try:
        data, _ = read_file(path)
    except Unreadable:
        return ""
    return hashlib.sha256(data).hexdigest()


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Which parts differ, in words."""
    return [words for part, words in PARTS.items() if before.get(part) != now.get(part)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


# Code as it was when this process first looked: later changes on disk are not what it runs.


@functools.cache
def _of_grader() -> str:
    return _digest_of(sorted(Path(__file__).parent.rglob("*.py")))


@functools.cache
def _of_exercises(assignment: str) -> str:
    library = Path(cs_utils.__file__).parent
    exercises = library / "exercises" / f"nb{assignment}.py"
    return _digest_of([*sorted((library / "checking").glob("*.py")), exercises])


def _digest_of(files: Iterable[Path]) -> str:
    return _digest(
        b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in files if path.exists())
    )
