"""Submissions after undeserved points, secret cases or a stopped grader, beside an honest classmate."""

from __future__ import annotations

import csv

import nbformat
import pytest

from autograder import source
from autograder.course import init
from autograder.grading import grade_class
from autograder.sandbox import Limits

ASSIGNMENT = "01_correlation"

# Each remembers what the judge asked for and tries to bring it into the feedback.
BY_VARIABLE = """
_right = corr1d
def corr1d(x, w, **options):
    global upstream_found
    upstream_found = "SECRET" + repr(x)
    return _right(x, w, **options)
"""
BY_CHANGED_NAMES = """
_right = corr1d
def corr1d(x, w, **options):
    import cs_utils.checking.outcome as engine
    engine._changed = lambda *_: iter(["SECRET" + repr(x)])
    return _right(x, w, **options)
"""
BY_EXIT_STATUS = """
def corr1d(x, w, **options):
    import os
    os._exit(177)
"""
BY_FRAME_SIZE = """
def corr1d(x, w, **options):
    import os, struct
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, struct.pack("<4sBxxxIQ", b"cnvg", 1, 2**32 - 1, 177177))
        except OSError:
            pass
    return x
"""
LONG_DOUBLES = """
import numpy as np
def edge_kernel(direction):
    return np.array([["1e4000", "-1e4000"]], dtype=np.longdouble)
"""


def with_code(code: str, name: str = "corr1d") -> bytes:
    """Everything right, with `code` after the answer to `name`."""
    answers = source.solutions(ASSIGNMENT)
    notebook = source.solve(source.released(ASSIGNMENT), {**answers, name: answers[name] + "\n" + code})
    return nbformat.writes(notebook).encode()


def with_added_cell(code: str) -> bytes:
    notebook = source.solved(ASSIGNMENT)
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    return nbformat.writes(notebook).encode()


HANDED_IN = {
    "variable": with_code(BY_VARIABLE),
    "changed": with_code(BY_CHANGED_NAMES),
    "status": with_code(BY_EXIT_STATUS),
    "size": with_code(BY_FRAME_SIZE),
    "doubles": with_code(LONG_DOUBLES, "edge_kernel"),
    "digits": with_added_cell("x = 0x" + "f" * 6000),
    "honest": nbformat.writes(source.solved(ASSIGNMENT)).encode(),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Student -> result, of one class."""
    course = init(tmp_path_factory.mktemp("attacks") / "course")
    with open(course.path / "roster.csv", "w", newline="", encoding="utf-8") as roster:
        csv.writer(roster).writerows(
            [["id", "first_name", "last_name", "email"], *([student, "", "", ""] for student in HANDED_IN)]
        )
    for student, content in HANDED_IN.items():
        path = course.submitted(student, ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return {one.student: one for one in grade_class(course, ASSIGNMENT).submissions}


def test_an_honest_classmate_loses_nothing(graded):
    assert graded["honest"].points == graded["honest"].max_points > 0


@pytest.mark.parametrize("student", ["variable", "changed", "status", "size"])
def test_no_secret_input_reaches_what_a_student_reads(graded, student):
    told = [grade.text + grade.html + " ".join(grade.findings) for grade in graded[student].grades]
    assert not [text for text in told if "SECRET" in text or "177" in text]


def test_a_variable_counts_as_the_cells_left_it(graded):
    assert graded["variable"].points == graded["variable"].max_points


def test_infinity_in_long_doubles_is_no_edge_kernel(graded):
    (kernel,) = [grade for grade in graded["doubles"].grades if grade.name == "edge_kernel"]
    assert kernel.points == 0


def test_an_integer_too_long_to_print_costs_nothing(graded):
    assert graded["digits"].points == graded["digits"].max_points


def test_the_answers_that_a_judge_holds_at_once_fit_into_memory():
    assert 1000 * Limits().answer_bytes <= 1 << 30
