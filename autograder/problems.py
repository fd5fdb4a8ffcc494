"""What an instructor should see after grading a class: one row for each submission that needs it.

A row names the file, what happened, the points that could still be given, and what can be done about it. The
class report prints them, and `autograder grade --json` gives the same to scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results import GradedSubmission

MOST_WORDS = 600  # characters of what happened; the log has all

ASK = "ask the student to hand it in, then collect and grade again"
LOOK = "look at the notebook; points can be given by hand in formgrader"
MEND = "ask the student to mend it and to hand it in again, or give points by hand in formgrader"
SETTLE = "put that right, then grade again; or give the points by hand in formgrader"
ROSTER = "if it is a student's, correct the folder's name or add the student to roster.csv, then grade again"


@dataclass(frozen=True)
class Problem:
    """One row.

    file: below the course folder. points: that the student did not get because of this and could still be
    given; None where nobody knows.
    """

    student: str
    file: str
    what: str
    points: float | None
    todo: str


def problems(submissions: Sequence[GradedSubmission], strangers: Sequence[str]) -> tuple[Problem, ...]:
    """The rows of a class, in the order of `submissions`; then the folders of `strangers`."""
    found = [problem for one in submissions if (problem := _problem(one)) is not None]
    return (*found, *(_stranger(name) for name in strangers))


def _stranger(name: str) -> Problem:
    return Problem(name, f"submitted/{name}", "belongs to nobody on the roster", None, ROSTER)


def _problem(one: GradedSubmission) -> Problem | None:
    lost = [grade for grade in one.grades if grade.lost]
    troubled = [grade for grade in one.grades if grade.trouble]
    said = [
        *(f"{grade.name}: {grade.lost}" for grade in lost),
        *(f"{grade.name}: {grade.trouble}" for grade in troubled),
    ]
    if one.status != "graded":
        what, todo = _split(one)
        what = _cut("; ".join([what, *said]))
        return Problem(one.student, file_of(one), what, one.max_points - one.points, todo)
    words = [*filter(None, [one.summary]), *said]
    if not words:
        return None
    undecided = [*lost, *(grade for grade in troubled if grade.by_hand)]
    points = sum(grade.max_points - grade.points for grade in undecided)
    todo = SETTLE if troubled else MEND if lost else LOOK
    return Problem(one.student, file_of(one), _cut("; ".join(words)), points, todo)


def file_of(one: GradedSubmission) -> str:
    """Where the notebook of a submission belongs, below the course folder."""
    return f"submitted/{one.student}/{one.assignment}/{one.assignment}.ipynb"


def _split(one: GradedSubmission) -> tuple[str, str]:
    """What happened and what to do: most reasons for having no grades end with advice."""
    what, _, advice = one.summary.rpartition("; ")
    if one.status == "missing" or not what:
        return _cut(one.summary or one.status), ASK
    return _cut(what), advice


def _cut(text: str) -> str:
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]} ..."
