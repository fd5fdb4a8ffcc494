"""The compatible, unprotected path: stock ``nbgrader autograde`` records the same points."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.demo import make_class
from autograder.grading import grade_class
from tests.grading.test_class import scores

HONEST = {
    "01_correlation": ("ada", "carla", "dmitri", "grace", "mateo"),
    "02_shapes": ("ben", "elena", "hugo", "mateo"),
    "06_normalisation": ("carla", "elena"),
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Course:
    course = make_class(tmp_path_factory.mktemp("stock") / "course")
    for assignment, students in HONEST.items():
        grade_class(course, assignment, students)
    return course


@pytest.mark.parametrize("assignment", HONEST)
def test_stock_nbgrader_gives_honest_submissions_the_same_points(ours, assignment, tmp_path):
    """Partial credit, prints, warnings and untouched exercises included."""
    shutil.copytree(ours.path, tmp_path / "course")
    course = Course(tmp_path / "course")
    expected = {row[:4] for row in scores(ours.database) if row[1] == assignment and row[3] is not None}
    assert expected
    shutil.rmtree(course.path / "autograded")
    students = "|".join(HONEST[assignment])
    stock = [sys.executable, "-m", "nbgrader", "autograde", assignment, "--force"]
    stock += [f"--CourseDirectory.student_id_exclude={_others(course, assignment)}"]
    done = subprocess.run(
        stock, cwd=course.path, env=_environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    graded = {row[:4] for row in scores(course.database) if row[1] == assignment and row[0] in students}
    assert {row for row in graded if row[3] is not None} >= expected


def _others(course: Course, assignment: str) -> str:
    submitted = (path.name for path in (course.path / "submitted").iterdir())
    return ",".join(sorted(name for name in submitted if name not in HONEST[assignment]))


def _environment() -> dict[str, str]:
    """nbgrader calls ``alembic`` and finds its kernel beside this Python."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
