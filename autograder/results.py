"""The records that pass between intake, judge, gradebook and feedback. Plain data, no behaviour.

``dataclasses.asdict`` turns a `GradedSubmission` into what JSON can hold; `from_plain` reads that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

CellOrigin = Literal["needed", "answer", "added"]
NoteKind = Literal["repaired", "missing", "duplicate", "ignored", "flag", "release"]
Status = Literal["graded", "missing", "unreadable", "failed"]


@dataclass(frozen=True)
class Cell:
    """A code cell to run in the sandbox.

    source: plain Python, IPython syntax already translated. origin: ``needed`` (the instructor's, tagged as
    needed), ``answer`` (the student's answer to `exercise`) or ``added`` (any other code of the student's).
    number: position in the student's notebook, counted from 1 over all cells; 0 for the instructor's.
    """

    source: str
    origin: CellOrigin
    number: int = 0
    exercise: str | None = None


@dataclass(frozen=True)
class Note:
    """One line of a receipt: what was repaired, missing, duplicated, ignored, or flagged."""

    kind: NoteKind
    message: str


@dataclass(frozen=True)
class Intake:
    """What was taken from one submission.

    answers: grade id of an exercise -> the student's source as written, for display. added: the student's
    other code cells as (number, source). written: grade id of a written question -> Markdown as the student
    wrote it (not sanitised). problem: set when nothing could be read; then everything else is empty.
    sha256: of the submitted bytes ("" when there are none).
    """

    cells: tuple[Cell, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    added: tuple[tuple[int, str], ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    problem: str | None = None
    sha256: str = ""


@dataclass(frozen=True)
class ExerciseGrade:
    """The result of one graded cell.

    grade_id: of the check cell (``check_corr2d``). html and text: the report a student may see, made from
    public cases only, with everything of the student's escaped. findings: named mistakes, one line each.
    lost: how the answer ended its process and so lost all points of the exercise, or "". by_hand: nothing
    could be decided, so a person gives the points. trouble: what the instructor should put right, and then
    grade again, or "".
    """

    grade_id: str
    name: str
    points: float
    max_points: float
    html: str
    text: str
    findings: tuple[str, ...] = ()
    lost: str = ""
    by_hand: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class GradedSubmission:
    """Everything the gradebook, the feedback page and the class report need about one submission.

    summary: one line for the class report when something needs the instructor's eye, else "".
    level: isolation level that the code ran under, such as ``namespaces``. memory: how its limit on memory
    was kept, ``cgroup`` or ``watched`` (`autograder.sandbox.Sandbox`). held_back: a time limit was hit while
    the code did not have a processor to itself, and it was not tried again yet. basis: what the result rests
    on (`autograder.basis`); a submission whose basis is still the same need not be judged again.
    """

    student: str
    assignment: str
    status: Status
    grades: tuple[ExerciseGrade, ...] = ()
    intake: Intake = Intake()
    summary: str = ""
    level: str = ""
    seconds: float = 0.0
    basis: dict[str, str] = field(default_factory=dict)
    memory: str = ""
    held_back: bool = False

    @property
    def points(self) -> float:
        return sum(grade.points for grade in self.grades)

    @property
    def max_points(self) -> float:
        return sum(grade.max_points for grade in self.grades)


def from_plain(found: dict[str, Any]) -> GradedSubmission:
    """The submission that ``dataclasses.asdict`` and JSON made `found` of."""
    grades, intake = found["grades"], found["intake"]
    return GradedSubmission(
        **found
        | {
            "grades": tuple(
                ExerciseGrade(**grade | {"findings": tuple(grade["findings"])}) for grade in grades
            ),
            "intake": Intake(
                **intake
                | {
                    "cells": tuple(Cell(**cell) for cell in intake["cells"]),
                    "added": tuple((number, source) for number, source in intake["added"]),
                    "notes": tuple(Note(**note) for note in intake["notes"]),
                }
            ),
        }
    )
