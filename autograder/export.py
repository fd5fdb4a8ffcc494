"""Grades for the registrar: one row for every student and assignment, late days and penalty worked out.

Points come from nbgrader's gradebook, due dates from course.toml (else the gradebook), extensions from
nbgrader (``grant_extension``), lateness from `autograder.latedays`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from nbgrader import api

from autograder.course import Course
from autograder.gradebook import open_gradebook
from autograder.latedays import Handin, settle


@dataclass(frozen=True)
class Row:
    """One student's result on one assignment.

    points: `automatic` + `by_hand` (extra credit counts as by hand). waiting: points that nobody has decided
    on yet. penalty: points lost for lateness. final: what is left of `points`. status: ``graded``,
    ``incomplete`` while something waits for hand grading, or ``not graded``.
    """

    student: str
    first_name: str
    last_name: str
    email: str
    assignment: str
    status: str
    automatic: float
    by_hand: float
    points: float
    max_points: float
    waiting: float
    submitted: str
    days_late: int
    days_from_bank: int
    penalty: float
    final: float


def rows(course: Course) -> list[Row]:
    """Every student of the roster, in its order, with every released assignment in order of due date.

    Raises:
        CourseError: roster or settings cannot be understood.
        GradebookError: the gradebook cannot be read.
    """
    found = []
    with open_gradebook(course) as book:
        known = {one.name: one for one in book.assignments}
        for student in course.roster().values():
            graded = {
                (one.assignment.name, one.student_id): one for one in book.student_submissions(student.id)
            }
            points: dict[str, _Points] = {}
            handins = []
            for name, assignment in course.assignments.items():
                row = graded.get((name, student.id))
                points[name] = _points(row, known.get(name))
                due = assignment.due or _utc(known[name].duedate if name in known else None)
                if due and row is not None and row.extension:
                    due += row.extension
                submitted = _utc(row.timestamp) if row is not None else None
                handins.append(Handin(name, due, submitted, points[name].total))
            when = {handin.assignment: handin.submitted for handin in handins}
            for late in settle(handins, bank_days=course.late.bank_days, per_day=course.late.per_day):
                one, moment = points[late.assignment], when[late.assignment]
                found.append(
                    Row(
                        student=student.id,
                        first_name=student.first_name,
                        last_name=student.last_name,
                        email=student.email,
                        assignment=late.assignment,
                        status=one.status,
                        automatic=one.automatic,
                        by_hand=one.by_hand,
                        points=one.total,
                        max_points=one.maximum,
                        waiting=one.waiting,
                        submitted=moment.isoformat(timespec="seconds") if moment else "",
                        days_late=late.days_late,
                        days_from_bank=late.from_bank,
                        penalty=round(one.total - late.score, 4),
                        final=round(late.score, 4),
                    )
                )
    return found


@dataclass(frozen=True)
class _Points:
    status: str
    automatic: float
    by_hand: float
    waiting: float
    maximum: float

    @property
    def total(self) -> float:
        return self.automatic + self.by_hand


def _points(row: api.SubmittedAssignment | None, assignment: api.Assignment | None) -> _Points:
    if row is None:
        return _Points("not graded", 0, 0, 0, assignment.max_score if assignment else 0)
    automatic = by_hand = waiting = 0.0
    for grade in (grade for notebook in row.notebooks for grade in notebook.grades):
        if grade.manual_score is not None:
            by_hand += grade.manual_score
        else:
            automatic += grade.auto_score or 0
        by_hand += grade.extra_credit or 0
        waiting += grade.max_score if grade.needs_manual_grade else 0
    return _Points("incomplete" if waiting else "graded", automatic, by_hand, waiting, row.max_score)


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    """nbgrader keeps times in UTC and without a zone."""
    return moment.replace(tzinfo=dt.UTC) if moment else None


def to_csv(found: Sequence[Row]) -> str:
    """A table that a spreadsheet opens without running anything in it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in fields(Row))
    for row in found:
        table.writerow(_cell(value) for value in asdict(row).values())
    return text.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers."""
    if isinstance(value, str):
        text = " ".join(value.split())  # line ends inside a cell confuse many programs
        return f"'{text}" if text.startswith(tuple("=+-@")) else text
    return f"{value:g}" if isinstance(value, float) else value
