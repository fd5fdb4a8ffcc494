"""The fixture `course`: a fresh copy of the tiny course for every test."""

import shutil
from pathlib import Path

import pytest

from autograder.course import Course
from tests.gradebook.sample import make_course


@pytest.fixture(scope="session")
def course_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("template") / "course").path


@pytest.fixture
def course(course_template: Path, tmp_path: Path) -> Course:
    return Course(shutil.copytree(course_template, tmp_path / "course"))
