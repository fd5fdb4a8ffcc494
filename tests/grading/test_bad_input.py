"""Whatever is handed in: a sentence that names the trouble, and the rest of the class graded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from autograder import source
from autograder.course import Course, CourseError, init
from autograder.demo import right
from autograder.grading import ClassReport, grade_class

ASSIGNMENT = "02_shapes"


def written(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def version_3() -> bytes:
    notebook = source.solved(ASSIGNMENT)
    cells = [
        {"cell_type": "code", "input": cell.source, "outputs": [], "language": "python", "metadata": {}}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    return json.dumps(old).encode()


def symlink(path: Path) -> None:
    secret = path.parents[3] / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    os.symlink(secret, path)


def wrong_name(path: Path) -> None:
    path.with_name("homework2 final (3).ipynb").write_bytes(right(ASSIGNMENT) or b"")


# student -> (what is put in place of the notebook, all points due?, a word of the message)
SUBMISSIONS: dict[str, tuple[Callable[[Path], None], bool, str]] = {
    "empty": (written(b""), False, "empty"),
    "garbage": (written(os.urandom(5000)), False, "JSON"),
    "cut-off": (written((right(ASSIGNMENT) or b"")[:9000]), False, "cut-off"),
    "a-list": (written(b"[1, 2, 3]"), False, "notebook"),
    "deep": (written(b"[" * 200_000), False, "deep"),
    "oversized": (written(b'{"cells": [' + b" " * (21 << 20) + b"]}"), False, "20 MiB"),
    "symlink": (symlink, False, "link"),
    "pipe": (os.mkfifo, False, "pipe"),
    "folder": (lambda path: path.mkdir(), False, "folder"),
    "wrong-name": (wrong_name, False, "homework2 final (3).ipynb"),
    "nothing": (lambda path: None, False, "empty"),
    "latin-1": (written((right(ASSIGNMENT) or b"").replace(b"# exercise", b"# \xe9xercise", 1)), True, ""),
    "utf-16": (written((right(ASSIGNMENT) or b"").decode().encode("utf-16")), True, ""),
    "version-3": (written(version_3()), True, ""),
    "honest": (written(right(ASSIGNMENT) or b""), True, ""),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    course = init(tmp_path_factory.mktemp("bad") / "course", sources=[source.SOLUTIONS / f"{ASSIGNMENT}.py"])
    rows = "".join(f"{name},{name.title()},Student,\n" for name in SUBMISSIONS)
    (course.path / "roster.csv").write_text(f"id,first_name,last_name,email\n{rows}")
    for name, (put, _, _) in SUBMISSIONS.items():
        folder = course.submitted(name, ASSIGNMENT)
        folder.mkdir(parents=True)
        put(folder / f"{ASSIGNMENT}.ipynb")
    return course


@pytest.fixture(scope="module")
def report(course) -> ClassReport:
    return grade_class(course, ASSIGNMENT)


@pytest.mark.parametrize("student", SUBMISSIONS)
def test_one_bad_notebook_does_not_stop_the_class_and_says_what_is_wrong(report, student):
    one = next(one for one in report.submissions if one.student == student)
    _, all_due, word = SUBMISSIONS[student]
    assert one.max_points > 0
    assert one.points == (one.max_points if all_due else 0.0)
    if all_due:
        assert one.status == "graded"
    else:
        assert one.status in ("missing", "unreadable") and word and word in one.summary


def test_every_student_stands_in_the_gradebook_afterwards(course, report):
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as book:
        found = {submission.student.id for submission in book.assignment_submissions(ASSIGNMENT)}
    assert found == set(SUBMISSIONS)


def test_an_unknown_assignment_is_answered_with_the_known_ones(course):
    with pytest.raises(CourseError, match="02_shapes"):
        grade_class(course, "99_unknown")


def test_an_unknown_student_is_named(course):
    with pytest.raises(CourseError, match="mallory"):
        grade_class(course, ASSIGNMENT, ["mallory"])


def test_a_damaged_release_is_named_with_what_to_do(course, tmp_path):
    import shutil

    shutil.copytree(course.path, tmp_path / "course", symlinks=True, ignore=shutil.ignore_patterns("*.ipynb"))
    copy = Course(tmp_path / "course")
    copy.release(ASSIGNMENT).write_text("{")
    with pytest.raises(CourseError, match="init"):
        grade_class(copy, ASSIGNMENT, ["honest"])


def test_a_second_roster_entry_is_named_with_both_lines(course):
    roster = course.path / "roster.csv"
    before = roster.read_text()
    try:
        roster.write_text(before + "honest,Another,Person,\n")
        with pytest.raises(CourseError, match="lines 16 and 17"):
            grade_class(course, ASSIGNMENT, ["honest"])
    finally:
        roster.write_text(before)


def test_notebooks_of_the_sample_are_valid_to_begin_with():
    nbformat.validate(nbformat.reads((right(ASSIGNMENT) or b"").decode(), as_version=4))
