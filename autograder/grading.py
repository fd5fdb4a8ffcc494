"""Grade a class: every submission through intake, sandbox and judge, into the gradebook.

Submissions are judged in parallel threads that each drive a sandboxed process; the gradebook is written by
the calling thread alone. One bad submission never stops the others, and an interrupt leaves every finished
submission recorded and nothing half-written.
"""

from __future__ import annotations

import fcntl
import html
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder import gradebook
from autograder.course import Course, CourseError
from autograder.intake.apart import Readers
from autograder.judge import Task, graded_cells, judge, right_answers
from autograder.results import ExerciseGrade, GradedSubmission, Intake
from autograder.sandbox import Limits, Sandbox, best_level
from autograder.text import listed, printable

Progress = Callable[[str, int, int], None]
MOST_FLAGS = 2  # in the one line of the class report; the log has them all


class GradingInProgress(RuntimeError):
    """Another grader is at work on the same course."""


@dataclass(frozen=True)
class ClassReport:
    """What happened to a class: one `GradedSubmission` per student, in roster order, and strangers' folders.

    strangers: folders in submitted/ that belong to nobody on the roster. seconds: wall time.
    """

    assignment: str
    level: str
    submissions: tuple[GradedSubmission, ...]
    strangers: tuple[str, ...] = ()
    seconds: float = 0.0
    log: Path | None = None

    @property
    def attention(self) -> tuple[GradedSubmission, ...]:
        """Submissions that an instructor should look at."""
        return tuple(one for one in self.submissions if one.summary)


def grade_class(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    allow_unprotected: bool = False,
    progress: Progress | None = None,
) -> ClassReport:
    """Grade `students` (default: the whole roster) on `assignment` and record every result.

    progress: called as ``progress(student, done, total)`` after each submission is recorded.

    Raises:
        autograder.sandbox.SandboxUnavailable: no isolation is available and `allow_unprotected` is False.
        GradingInProgress: another grader holds the course.
        CourseError: the course has no such assignment, or no such student.
    """
    start = time.perf_counter()
    level = best_level(allow_unprotected=allow_unprotected)
    instructor = gradebook.read_release(course, assignment)
    task = Task(graded_cells(instructor), right_answers(assignment), course.seed(assignment))
    roster = course.roster()
    chosen = list(roster) if students is None else list(students)
    if unknown := [student for student in chosen if student not in roster]:
        raise CourseError(
            f"Not on the roster: {', '.join(unknown)}. Add them to roster.csv or correct the name."
        )
    with _only_grader(course), _log(course, assignment) as (log, log_path):
        _clear_parts(course)
        log.info("grading %s: %d students, isolation: %s", assignment, len(chosen), level.value)
        done: dict[str, GradedSubmission] = {}
        limits = Limits(total_seconds=_seconds(course), cpu_seconds=int(_seconds(course)))
        runtime = runtime_of(instructor)
        sandbox_for_all = Sandbox(level, limits, runtime, allow_unprotected=allow_unprotected)
        pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
        with gradebook.open_gradebook(course) as book, sandbox_for_all as sandbox, Readers() as readers, pool:
            work = {
                pool.submit(
                    grade_one, course, student, assignment, instructor, task, sandbox, readers
                ): student
                for student in chosen
            }
            try:
                for future in as_completed(work):
                    student = work[future]
                    done[student] = _recorded(course, student, assignment, task, future, book)
                    _log_one(log, done[student])
                    if progress is not None:
                        progress(student, len(done), len(chosen))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                readers.close()
                sandbox.close()  # what is still being judged fails at once, and is not recorded
                raise
    return ClassReport(
        assignment,
        level.value,
        tuple(done[student] for student in chosen),
        tuple(_strangers(course, roster)),
        time.perf_counter() - start,
        log_path,
    )


def runtime_of(instructor: nbformat.NotebookNode) -> str:
    """What submissions may import: PyTorch where the notebook's own needed cells do, else NumPy alone."""
    needed = [cell.source for cell in instructor.cells if "needed" in cell.metadata.get("tags", [])]
    imports = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    return "torch" if any(imports.search(text) for text in needed) else "numpy"


def grade_one(
    course: Course,
    student: str,
    assignment: str,
    instructor: nbformat.NotebookNode,
    task: Task,
    sandbox: Sandbox,
    readers: Readers,
) -> GradedSubmission:
    """Take in and judge one submission; touches neither gradebook nor course folder."""
    start = time.perf_counter()
    path = course.submitted(student, assignment) / f"{assignment}.ipynb"
    if not os.path.lexists(path):
        return _without_grades(student, assignment, task, "missing", Intake(), _missing(path))
    intake = readers.take_in(path, instructor)
    if intake.problem is not None:
        return _without_grades(student, assignment, task, "unreadable", intake, intake.problem)
    judgement = judge(intake, task, sandbox, _seconds(course))
    flags = [note.message for note in intake.notes if note.kind in ("flag", "release")]
    if len(flags) > MOST_FLAGS:
        flags[MOST_FLAGS:] = [f"{len(flags) - MOST_FLAGS} more such notes in the log"]
    return GradedSubmission(
        student,
        assignment,
        "graded",
        judgement.grades,
        intake,
        "; ".join([*judgement.remarks, *flags]),
        sandbox.level.value,
        time.perf_counter() - start,
    )


def _seconds(course: Course) -> float:
    """Wall time that one submission may take in all, from course.toml."""
    return float(course.grading.get("seconds", 300))


def _missing(path: Path) -> str:
    """Why there is nothing to grade: no folder, or a folder without the notebook."""
    if not path.parent.is_dir():
        return "nothing was handed in"
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        return "the submission folder is a symbolic link; replace it by a real folder"
    others = sorted(entry.name for entry in path.parent.iterdir() if entry.name != "timestamp.txt")
    if not others:
        return "the submission folder is empty"
    return f"no {path.name} in the submission, only: {listed([printable(name) for name in others])}"


def _without_grades(
    student: str, assignment: str, task: Task, status: str, intake: Intake, reason: str
) -> GradedSubmission:
    grades = tuple(
        ExerciseGrade(
            cell.grade_id, cell.name, 0.0, cell.points, f"<p>{html.escape(printable(reason))}</p>", reason
        )
        for cell in task.graded
    )
    return GradedSubmission(student, assignment, status, grades, intake, reason)  # type: ignore[arg-type]


def _recorded(
    course: Course,
    student: str,
    assignment: str,
    task: Task,
    future: Future[GradedSubmission],
    book: Gradebook,
) -> GradedSubmission:
    """The result of one student, written to the gradebook; a failure of ours becomes a row, not a stop."""
    log = logging.getLogger(__name__)
    try:
        submission = future.result()
    except Exception as error:
        log.exception("grading %s failed", student)
        reason = f"the grader itself failed ({type(error).__name__}: {error}); see the log, then grade again"
        submission = _without_grades(student, assignment, task, "failed", Intake(), reason)
    try:
        remarks = gradebook.record(course, submission, book)
    except CourseError:
        raise
    except Exception as error:
        log.exception("recording %s failed", student)
        return replace(submission, status="failed", summary=f"not recorded: {error}")
    return replace(submission, summary="; ".join(filter(None, (submission.summary, *remarks))))


def _strangers(course: Course, roster: object) -> Iterator[str]:
    submitted = course.path / "submitted"
    if submitted.is_dir():
        known = set(roster)  # type: ignore[call-overload]
        yield from sorted(entry.name for entry in submitted.iterdir() if entry.name not in known)


def _clear_parts(course: Course) -> None:
    """Remove half-written files of a run that was killed; the lock is ours, so nobody is writing them."""
    for folder in ("autograded", "results"):
        for part in (course.path / folder).rglob(".*.part"):
            part.unlink(missing_ok=True)


@contextmanager
def _only_grader(course: Course) -> Iterator[None]:
    """Hold the course's lock; the operating system frees it however this process ends."""
    with open(course.path / ".grading.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GradingInProgress(
                f"another grader is at work on {course.path}; wait for it to end, then run this again"
            ) from None
        yield


@contextmanager
def _log(course: Course, assignment: str) -> Iterator[tuple[logging.Logger, Path]]:
    path = course.path / "logs" / f"grade-{assignment}.log"
    path.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger(__name__)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield log, path
    finally:
        log.removeHandler(handler)
        handler.close()


def _log_one(log: logging.Logger, one: GradedSubmission) -> None:
    log.info(
        "%s: %s, %g of %g points in %.2f s", one.student, one.status, one.points, one.max_points, one.seconds
    )
    for note in one.intake.notes:
        log.info("%s: %s: %s", one.student, note.kind, note.message)
    if one.summary:
        log.warning("%s: %s", one.student, one.summary)
