"""A small class and its grades from this machine with SQLite: what every other way must come to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.grading import grade_class
from tests.grading.small import NOTEBOOK, outcome, small_class


def copy(course: Course, folder: Path) -> Course:
    shutil.copytree(course.path, folder)
    return Course(folder)


@pytest.fixture(scope="session")
def ungraded(tmp_path_factory) -> Course:
    return small_class(tmp_path_factory.mktemp("scale") / "course")


@pytest.fixture(scope="session")
def here(ungraded, tmp_path_factory) -> Course:
    """The class graded on this machine, into SQLite."""
    course = copy(ungraded, tmp_path_factory.mktemp("here") / "course")
    grade_class(course, NOTEBOOK, jobs=2)
    return course


@pytest.fixture(scope="session")
def grades_here(here) -> dict[str, Any]:
    return outcome(here)


@pytest.fixture
def course(ungraded, tmp_path) -> Course:
    """A copy of the ungraded class for each test."""
    return copy(ungraded, tmp_path / "course")
