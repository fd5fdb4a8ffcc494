"""One page for each student: the points, the report on every exercise, the instructor's comments.

Points and comments come from the gradebook, everything else from the record that grading left. The page is
one file without scripts; nothing of a student's is put in it without being escaped, and nothing of a secret
case is known here. `ExerciseGrade.html` is our own report on public cases and goes in as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.utils import is_grade, is_solution
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.course import Course, write_atomically
from autograder.gradebook import is_answered, is_nbgrader, open_gradebook, read_record, read_release
from autograder.results import GradedSubmission
from autograder.sanitise import shortened, shown_code, visible
from autograder.text import printable

TEMPLATES = Path(__file__).with_name("templates") / "feedback"
FOR_STUDENTS = ("repaired", "missing", "duplicate", "ignored", "release")  # flags are for the instructor
NOTHING = Markup()
LIGHT, DARK = "friendly", "github-dark"  # Pygments styles


@dataclass(frozen=True)
class Part:
    """One graded cell on the page.

    points: as they stand, None while nobody has given any. waiting: a person has yet to look (again).
    report and code are HTML of our own making; answer and comment are plain text.
    """

    name: str
    kind: str
    points: float | None
    max_points: float
    extra: float = 0
    by_hand: bool = False
    waiting: bool = False
    report: Markup = NOTHING
    findings: tuple[str, ...] = ()
    code: Markup = NOTHING
    answer: str = ""
    comment: str = ""

    @property
    def state(self) -> str:
        """For the colour of its mark: ``full``, ``part``, ``none`` or ``waiting``."""
        if self.points is None or self.waiting:
            return "waiting"
        return "full" if self.points >= self.max_points else "part" if self.points > 0 else "none"


@dataclass(frozen=True)
class Page:
    """What the template shows."""

    course: str
    title: str
    assignment: str
    student: str
    submitted: str
    problem: str
    notes: tuple[str, ...]
    parts: tuple[Part, ...] = field(default=())

    @property
    def points(self) -> float:
        return sum((part.points or 0) + part.extra for part in self.parts)

    @property
    def max_points(self) -> float:
        return sum(part.max_points for part in self.parts)

    @property
    def automatic(self) -> float:
        return sum(part.points or 0 for part in self.parts if not part.by_hand)

    @property
    def by_hand(self) -> float:
        return sum((part.points or 0) * part.by_hand + part.extra for part in self.parts)

    @property
    def waiting(self) -> float:
        """Points that a person has yet to decide on."""
        return sum(part.max_points for part in self.parts if part.state == "waiting")


def write_feedback(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    progress: Callable[[str, int, int], None] = lambda student, done, total: None,
) -> list[Path]:
    """Write ``feedback/STUDENT/A/A.html`` for `students` (default: everybody who was graded).

    Returns the pages' paths. A page is replaced as a whole or left as it was.

    Raises:
        CourseError: there is no such assignment, or a record is damaged.
        GradebookError: the gradebook cannot be read.
    """
    course.assignment(assignment)
    release = read_release(course, assignment)
    names = {
        student.id: f"{student.first_name} {student.last_name}".strip()
        for student in course.roster().values()
    }
    written = []
    with open_gradebook(course) as book:
        graded = {one.student_id: one for one in book.assignment_submissions(assignment)}
        chosen = [student for student in graded if students is None or student in students]
        for done, student in enumerate(sorted(chosen), 1):
            record = read_record(course, student, assignment)
            if record is not None:
                page = make_page(course.name, release, record, graded[student], names.get(student, student))
                path = course.feedback(student, assignment)
                write_atomically(path, render(page))
                written.append(path)
            progress(student, done, len(chosen))
    return written


def make_page(
    course: str, release: NotebookNode, record: GradedSubmission, row: api.SubmittedAssignment, name: str
) -> Page:
    """Put together gradebook and record, in the order of the notebook."""
    notebook = next(one for one in row.notebooks if one.name == record.assignment)
    grades = {grade.name: grade for grade in notebook.grades}
    comments = {comment.name: comment.manual_comment or "" for comment in notebook.comments}
    parts = []
    for cell in release.cells:
        if is_nbgrader(cell) and is_grade(cell) and cell.metadata.nbgrader.grade_id in grades:
            parts.append(_part(cell, record, grades[cell.metadata.nbgrader.grade_id], comments))
    return Page(
        course=course,
        title=_title(release) or record.assignment,
        assignment=record.assignment,
        student=name,
        submitted=f"{row.timestamp:%-d %B %Y, %H:%M} UTC" if row.timestamp else "",
        problem=_problem(record),
        notes=tuple(note.message for note in record.intake.notes if note.kind in FOR_STUDENTS),
        parts=tuple(parts),
    )


def _part(cell: NotebookNode, record: GradedSubmission, grade: api.Grade, comments: dict[str, str]) -> Part:
    by_hand = grade.manual_score is not None
    common = {
        "points": grade.manual_score if by_hand else grade.auto_score,
        "max_points": float(cell.metadata.nbgrader.points),
        "extra": grade.extra_credit or 0,
        "by_hand": by_hand,
        "waiting": grade.needs_manual_grade,
    }
    if is_solution(cell):
        answered = is_answered(cell, record.intake.written)
        answer = visible(shortened(record.intake.written[grade.name])).strip() if answered else ""
        return Part(grade.name, "written", answer=answer, comment=comments.get(grade.name, ""), **common)
    name = grade.name.removeprefix("check_")
    found = next((one for one in record.grades if one.grade_id == grade.name), None)
    return Part(
        name,
        "code",
        report=Markup(found.html) if found else NOTHING,
        findings=tuple(printable(one, 200) for one in found.findings) if found else (),
        code=_highlighted(record.intake.answers.get(name, "")),
        comment=comments.get(name, ""),
        **common,
    )


def _problem(record: GradedSubmission) -> str:
    """Why there is nothing to report on, in words for the student."""
    return {
        "graded": "",
        "missing": "No notebook was found under your name, so there are no points for it yet. "
        "If you did hand one in, write to your instructor.",
        "unreadable": f"Your notebook could not be read: {record.intake.problem}. "
        "Open it in Jupyter, save it again, and hand it in once more.",
        "failed": "The grader could not finish with your notebook. That is not your fault; "
        "it will be graded again.",
    }[record.status]


def _title(release: NotebookNode) -> str:
    """The first heading of the notebook."""
    lines = release.cells[0].source.splitlines() if release.cells else []
    return lines[0].lstrip("# ").strip() if lines and lines[0].startswith("# ") else ""


def _highlighted(code: str) -> Markup:
    if not code.strip():
        return NOTHING
    return Markup(highlight(shown_code(code).strip("\n"), PythonLexer(), HtmlFormatter(cssclass="code")))


def render(page: Page) -> str:
    """The page as HTML."""
    return _environment().get_template("page.html").render(page=page, **_code_styles())


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:.2f}".rstrip("0").rstrip(".")
    return environment


@functools.cache
def _code_styles() -> dict[str, Markup]:
    """Colours of the code for a light and for a dark page."""
    return {
        name: Markup(HtmlFormatter(style=style, cssclass="code", nobackground=True).get_style_defs(".code"))
        for name, style in (("light_code", LIGHT), ("dark_code", DARK))
    }
