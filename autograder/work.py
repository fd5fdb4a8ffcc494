"""Judge one submission, wherever that happens: here, or on another machine.

`Work` is what all submissions of an assignment share, `Handed` is one of them; both are plain data and travel
as JSON and bytes. What comes back is a `GradedSubmission`. Nothing here touches gradebook or course folder.
"""

from __future__ import annotations

import dataclasses
import html
import json
import math
import os
import re
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.collect import STAMP
from autograder.intake.apart import Readers
from autograder.intake.reading import HAND_IN_AGAIN, Unreadable, read_file
from autograder.judge import GradedCell, Task, judge
from autograder.results import ExerciseGrade, GradedSubmission, Intake, Note, Status
from autograder.sandbox import Level, Limits, Sandbox
from autograder.text import listed, printable

MOST_FLAGS = 2  # in the one line of the class report; the log has them all


@dataclass(frozen=True)
class Work:
    """What the submissions of an assignment are judged with.

    release: the instructor's notebook as students got it. seconds: wall time of one submission in all.
    cell_seconds, call_seconds: of one cell, of one call, where that is less than exercises allow. basis: what
    the results rest on, but for the submission itself (`autograder.basis`).
    """

    assignment: str
    release: NotebookNode
    task: Task
    level: Level
    seconds: float
    basis: dict[str, str]
    allow_unprotected: bool = False
    cell_seconds: float = Limits.cell_seconds
    call_seconds: float = Limits.call_seconds

    def sandbox(self) -> Sandbox:
        """A sandbox with the level, the limits and the packages that this work asks for."""
        limits = Limits(
            cell_seconds=self.cell_seconds,
            call_seconds=self.call_seconds,
            total_seconds=self.seconds,
            cpu_seconds=math.ceil(self.seconds),
        )
        runtime = runtime_of(self.release)
        return Sandbox(self.level, limits, runtime, allow_unprotected=self.allow_unprotected)

    def packed(self) -> bytes:
        """As compressed JSON, to be sent; `unpacked` reads it."""
        plain = dataclasses.asdict(dataclasses.replace(self, release=NotebookNode())) | {
            "level": self.level.value,
            "release": self.release,
        }
        return zlib.compress(json.dumps(plain).encode())


def unpacked(data: bytes) -> Work:
    """The work that `Work.packed` wrote."""
    plain = json.loads(zlib.decompress(data))
    task = plain["task"]
    return Work(
        **plain
        | {
            "release": nbformat.from_dict(plain["release"]),
            "level": Level(plain["level"]),
            "task": Task(
                tuple(GradedCell(**cell) for cell in task["graded"]),
                {name: tuple(answers) for name, answers in task["answers"].items()},
                task["seed"],
            ),
        }
    )


def runtime_of(release: NotebookNode) -> str:
    """What submissions may import: PyTorch where the notebook's own needed cells do, else NumPy alone."""
    needed = [cell.source for cell in release.cells if "needed" in cell.metadata.get("tags", [])]
    imports = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    return "torch" if any(imports.search(text) for text in needed) else "numpy"


@dataclass(frozen=True)
class Handed:
    """What one student handed in: the bytes of the notebook, or the reason why there is nothing to judge.

    notes: what is to be said about the file itself. status and why: where `data` is None.
    """

    student: str
    data: bytes | None
    notes: tuple[Note, ...] = ()
    status: Status = "missing"
    why: str = ""


def handed_in(student: str, path: Path) -> Handed:
    """What `student` handed in at `path`. Nothing of it is read but its bytes."""
    try:
        if not os.path.lexists(path):
            return Handed(student, None, why=_missing(path))
        data, notes = read_file(path)
        return Handed(student, data, (*notes, *whose_file(path)) if notes else notes)
    except Unreadable as problem:
        return Handed(student, None, status="unreadable", why=str(problem))
    except OSError as error:  # a folder that is closed to us, or that is being moved about
        why = f"the submission folder cannot be read ({error.strerror}); check its permissions"
        return Handed(student, None, status="unreadable", why=why)


def whose_file(path: Path) -> tuple[Note, ...]:
    """What is to be said when a hard link makes this file one of ours or a classmate's, too.

    Raises:
        Unreadable: it is the instructor's. Of two students it cannot be told who linked to whose file.
    """
    course, own = path.parents[3], path.lstat()
    ours = [*course.glob(f"source/*/{path.name}"), *course.glob(f"release/*/{path.name}")]
    others = [other for other in course.glob(f"submitted/*/*/{path.name}") if other != path]
    same = [other for other in (*ours, *others) if os.path.samestat(other.lstat(), own)]
    if not same:
        return ()
    other = printable(str(same[0].relative_to(course)))
    if same[0] in ours:
        raise Unreadable(f"{path.name} is a hard link to {other}; {HAND_IN_AGAIN} as a file of its own")
    return (Note("flag", f"{path.name} and {other} are one file by a hard link; find out whose it is"),)


def grade_one(work: Work, handed: Handed, sandbox: Sandbox, readers: Readers) -> GradedSubmission:
    """Take in and judge one submission."""
    start = time.perf_counter()
    if handed.data is None:
        return not_judged(work, handed)
    intake = readers.take_in(handed.data, work.release, handed.notes)
    if intake.problem is not None:
        return without_grades(work, handed.student, "unreadable", intake, intake.problem)
    judgement = judge(intake, work.task, sandbox, work.seconds)
    flags = [note.message for note in intake.notes if note.kind in ("flag", "release")]
    if len(flags) > MOST_FLAGS:
        flags[MOST_FLAGS:] = [f"{len(flags) - MOST_FLAGS} more such notes in the log"]
    return GradedSubmission(
        handed.student,
        work.assignment,
        "graded",
        judgement.grades,
        intake,
        "; ".join([*judgement.remarks, *flags]),
        sandbox.level.value,
        time.perf_counter() - start,
        work.basis | {"submission": intake.sha256},
        sandbox.memory.partition(":")[0],
        judgement.held_back,
    )


def not_judged(work: Work, handed: Handed) -> GradedSubmission:
    """The result where there is nothing to judge."""
    problem = handed.why if handed.status == "unreadable" else None
    return without_grades(work, handed.student, handed.status, Intake(problem=problem), handed.why)


def without_grades(work: Work, student: str, status: Status, intake: Intake, reason: str) -> GradedSubmission:
    """The result of a submission that could not be judged: no points, and the reason in every report."""
    shown = f"<p>{html.escape(printable(reason))}</p>"
    grades = tuple(
        ExerciseGrade(cell.grade_id, cell.name, 0.0, cell.points, shown, reason) for cell in work.task.graded
    )
    rests_on = work.basis | {"submission": intake.sha256}
    return GradedSubmission(student, work.assignment, status, grades, intake, reason, basis=rests_on)


def _missing(path: Path) -> str:
    """Why there is nothing to grade: no folder, or a folder without the notebook."""
    if not path.parent.is_dir():
        return "nothing was handed in"
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        return "the submission folder is a symbolic link; replace it by a real folder"
    others = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.endswith(STAMP))
    if not others:
        return "the submission folder is empty"
    return f"no {path.name} in the submission, only: {listed([printable(name) for name in others])}"
