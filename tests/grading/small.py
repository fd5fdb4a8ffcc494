"""A small class on one notebook, and what of its grades must always come out the same."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograder import demo, source
from autograder.course import Course, init
from tests.grading.test_class import scores

NOTEBOOK = "02_shapes"
MAKERS: tuple[Callable[[str], bytes | None], ...] = (
    demo.right,
    demo.with_mistake(0),
    demo.half_done,
    demo.in_style(1),
    demo.with_mistake(2),
    demo.untouched,
)


def small_class(folder: Path, makers: Sequence[Callable[[str], bytes | None]] = MAKERS) -> Course:
    """A course with notebook 02 alone and one student for each maker: s0, s1, ..."""
    course = init(folder, sources=[source.SOLUTIONS / f"{NOTEBOOK}.py"])
    with open(folder / "roster.csv", "w", newline="", encoding="utf-8") as roster:
        rows = csv.writer(roster)
        rows.writerow(["id", "first_name", "last_name", "email"])
        rows.writerows([f"s{number}", "Student", str(number), ""] for number in range(len(makers)))
    for number, make in enumerate(makers):
        hand_in(course, f"s{number}", make(NOTEBOOK) or b"")
    return course


def hand_in(course: Course, student: str, content: bytes) -> None:
    path = course.submitted(student, NOTEBOOK) / f"{NOTEBOOK}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def outcome(course: Course) -> dict[str, Any]:
    """Every point, finding and comment, and every file that grading wrote; timings and basis left out."""
    return {
        "scores": scores(course.database),
        "results": {path.name: _found(path) for path in sorted((course.path / "results").rglob("*.json"))},
        "shown": {
            str(path.relative_to(course.path)): path.read_bytes()
            for path in sorted((course.path / "autograded").rglob("*.ipynb"))
        },
    }


def _found(path: Path) -> dict[str, Any]:
    return {
        key: value for key, value in json.loads(path.read_text()).items() if key not in ("seconds", "basis")
    }
