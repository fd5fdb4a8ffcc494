"""A course with one tiny notebook, and submissions to it, for the tests of gradebook, feedback and commands.

The notebook is made by hand, so that these tests need neither the real exercises nor the sandbox.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.course import Course, init
from autograder.results import ExerciseGrade, GradedSubmission, Intake, Note
from autograder.source import alembic_on_path

A = "01_tiny"
ROSTER = """id,first_name,last_name,email
ada,Ada,Lovelace,ada@example.org
bob,Bob,Baker,bob@example.org
cleo,Cleo,,
"""
ANSWER = "# exercise: double\ndef double(x):\n    return 2 * x\n"
WRITTEN = "Because **both** are $2x$."


def _cell(make: object, source: str, cell_id: str, points: float = 0, **flags: bool) -> NotebookNode:
    cell = make(source, id=cell_id)  # type: ignore[operator]
    cell.metadata["nbgrader"] = {
        "grade": False,
        "grade_id": cell_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
        **flags,
    }
    if points:
        cell.metadata["nbgrader"]["points"] = points
    return cell


def instructor_notebook() -> NotebookNode:
    code, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    answer = "# exercise: {0}\ndef {0}(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    written = (
        "<!-- answer: why -->\n\nYOUR ANSWER HERE\n\n=== BEGIN MARK SCHEME ===\nTwo.\n=== END MARK SCHEME ==="
    )
    return nbformat.v4.new_notebook(
        cells=[
            markdown("# Tiny\n\nA notebook for tests.", id="title"),
            _cell(code, answer.format("double"), "double", solution=True),
            _cell(code, "check(double)", "check_double", points=4, grade=True, locked=True),
            _cell(code, answer.format("twice"), "twice", solution=True),
            _cell(code, "check(twice)", "check_twice", points=2, grade=True, locked=True),
            _cell(markdown, written, "why", points=3, grade=True, solution=True),
        ],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )


def make_course(folder: Path, settings: str = "") -> Course:
    """A course folder with the tiny assignment, released and registered by nbgrader itself.

    settings: what course.toml says, if it is to say anything of its own.
    """
    if settings:
        folder.mkdir(parents=True)
        (folder / "course.toml").write_text(settings)
    course = init(folder, sources=())
    (folder / "roster.csv").write_text(ROSTER)
    path = folder / "source" / A / f"{A}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(instructor_notebook(), path)
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.assignment_id = A
    config.CourseDirectory.course_id = course.course_id
    config.CourseDirectory.db_url = course.db_url
    with alembic_on_path():
        GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
    return course


def hand_in(course: Course, student: str, when: str = "2026-10-01 12:00:00 UTC") -> None:
    path = course.submitted(student, A) / f"{A}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    path.with_name("timestamp.txt").write_text(when + "\n")


def graded(
    student: str = "ada",
    points: tuple[float, float] = (4, 1),
    answer: str = ANSWER,
    written: str | None = WRITTEN,
    **more: object,
) -> GradedSubmission:
    """A graded submission: points for the two exercises, the first answer, and the written one."""
    intake = Intake(
        answers={"double": answer, "twice": "# exercise: twice\ndef twice(x):\n    return x + x"},
        added=((3, "helper = 1"),),
        written={} if written is None else {"why": written},
        notes=(Note("repaired", "Cell 2 was found by its marker."),),
        sha256="ab" * 32,
    )
    grades = (
        ExerciseGrade("check_double", "double", points[0], 4, "<p>report of double</p>", "report of double"),
        ExerciseGrade(
            "check_twice",
            "twice",
            points[1],
            2,
            "<p>report of twice</p>",
            "report of twice",
            ("the factor is forgotten: look at the first line",),
        ),
    )
    return GradedSubmission(
        student,
        A,
        "graded",
        grades,
        intake,
        level="namespaces",
        seconds=0.1,
        **more,  # type: ignore[arg-type]
    )


def missing(student: str) -> GradedSubmission:
    return GradedSubmission(student, A, "missing", summary="nothing was handed in")
