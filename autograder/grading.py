"""Grade a class: every submission through intake, sandbox and judge, into the gradebook.

Submissions are judged in parallel threads that each drive a sandboxed process; the gradebook is written by
the calling thread alone. One bad submission never stops the others, and an interrupt leaves every finished
submission recorded and nothing half-written.
"""

from __future__ import annotations

import contextlib
import fcntl
import html
import itertools
import logging
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder import basis, gradebook
from autograder.course import Course, CourseError
from autograder.intake.apart import Readers
from autograder.judge import Task, graded_cells, judge, right_answers
from autograder.results import ExerciseGrade, GradedSubmission, Intake, Status
from autograder.sandbox import Level, Limits, Sandbox, best_level
from autograder.text import listed, printable

Progress = Callable[[str, int, int], None]
MOST_FLAGS = 2  # in the one line of the class report; the log has them all


class GradingInProgress(RuntimeError):
    """Another grader is at work on the same course."""


@dataclass(frozen=True)
class ClassReport:
    """What happened to a class: one `GradedSubmission` per student, in roster order, and strangers' folders.

    strangers: folders in submitted/ that belong to nobody on the roster. seconds: wall time. kept: how many
    had been judged before and did not need it again.
    """

    assignment: str
    level: str
    submissions: tuple[GradedSubmission, ...]
    strangers: tuple[str, ...] = ()
    seconds: float = 0.0
    log: Path | None = None
    kept: int = 0

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
    again: bool = False,
    progress: Progress | None = None,
) -> ClassReport:
    """Grade `students` (default: the whole roster) on `assignment` and record every result.

    A submission that was judged before, with the same exercises, seed and grader, is not judged again unless
    `again` is set: so a run that was interrupted goes on where it stopped.
    progress: called as ``progress(student, done, total)`` after each submission is recorded.

    Raises:
        autograder.sandbox.SandboxUnavailable: no isolation is available and `allow_unprotected` is False.
        GradingInProgress: another grader holds the course.
        CourseError: the course has no such assignment, or no such student.
    """
    start = time.perf_counter()
    setup = Setup.make(course, assignment, jobs, allow_unprotected)
    chosen = _chosen(course, students)
    done: dict[str, GradedSubmission] = {}
    with _only_grader(course), _log(course, assignment) as (log, log_path):
        _clear_parts(course)
        log.info("grading %s: %d students, isolation: %s", assignment, len(chosen), setup.level.value)
        kept = {} if again else setup.still_valid(chosen)
        judged = setup.judged([student for student in chosen if student not in kept])
        with gradebook.open_gradebook(course) as book, contextlib.closing(judged):
            for student, result in itertools.chain(kept.items(), judged):
                done[student] = _recorded(setup, student, result, book)
                _log_one(log, done[student])
                if progress is not None:
                    progress(student, len(done), len(chosen))
    return ClassReport(
        assignment,
        setup.level.value,
        tuple(done[student] for student in chosen),
        tuple(_strangers(course, course.roster())),
        time.perf_counter() - start,
        log_path,
        len(kept),
    )


@dataclass(frozen=True)
class Change:
    """How judging a submission again differs from what is recorded.

    cell: grade id. before, now: points, None where there were none. why: which parts of the basis changed;
    empty when none did, which should not happen. findings: what is said now.
    """

    student: str
    cell: str
    before: float | None
    now: float
    why: tuple[str, ...]
    findings: tuple[str, ...]


def changes(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    allow_unprotected: bool = False,
    progress: Progress | None = None,
) -> list[Change]:
    """Judge submissions again, record nothing, and say what would change, by student and cell."""
    setup = Setup.make(course, assignment, jobs, allow_unprotected)
    chosen = _chosen(course, students)
    found: list[Change] = []
    with _only_grader(course), contextlib.closing(setup.judged(chosen)) as judged:
        for number, (student, result) in enumerate(judged, 1):
            now = _result_or_failure(setup, student, result)
            found.extend(_differences(gradebook.read_record(course, student, assignment), now))
            if progress is not None:
                progress(student, number, len(chosen))
    return sorted(found, key=lambda change: (chosen.index(change.student), change.cell))


def _differences(before: GradedSubmission | None, now: GradedSubmission) -> Iterator[Change]:
    old = {grade.grade_id: grade for grade in before.grades} if before else {}
    why = tuple(basis.changes(before.basis, now.basis)) if before else ("it was not graded before",)
    for grade in now.grades:
        known = old.get(grade.grade_id)
        if known is None or known.points != grade.points:
            points = None if known is None else known.points
            yield Change(now.student, grade.grade_id, points, grade.points, why, grade.findings)


def _chosen(course: Course, students: Sequence[str] | None) -> list[str]:
    roster = course.roster()
    chosen = list(roster) if students is None else list(students)
    if unknown := [student for student in chosen if student not in roster]:
        raise CourseError(
            f"Not on the roster: {', '.join(unknown)}. Add them to roster.csv or correct the name."
        )
    return chosen


Result = Callable[[], GradedSubmission]  # gives the result, or raises what went wrong


@dataclass(frozen=True)
class Setup:
    """What a class is graded with: the assignment, the level and limits, and how many at a time."""

    course: Course
    assignment: str
    instructor: nbformat.NotebookNode
    task: Task
    level: Level
    basis: dict[str, str]
    jobs: int
    allow_unprotected: bool

    @classmethod
    def make(cls, course: Course, assignment: str, jobs: int | None, allow_unprotected: bool) -> Setup:
        level = best_level(allow_unprotected=allow_unprotected, asked=_asked_level(course))
        instructor = gradebook.read_release(course, assignment)
        task = Task(graded_cells(instructor), right_answers(assignment), course.seed(assignment))
        shared = basis.of_class(course, assignment, level.value)
        jobs = jobs or os.cpu_count() or 1
        return cls(course, assignment, instructor, task, level, shared, jobs, allow_unprotected)

    @property
    def seconds(self) -> float:
        """Wall time that one submission may take in all, from course.toml."""
        return float(self.course.grading.get("seconds", 300))

    def path(self, student: str) -> Path:
        """The notebook that a student handed in, if any."""
        return self.course.submitted(student, self.assignment) / f"{self.assignment}.ipynb"

    def still_valid(self, students: Sequence[str]) -> dict[str, Result]:
        """The recorded results of students that judging again would give again."""
        found: dict[str, Result] = {}
        for student in students:
            try:
                before = gradebook.read_record(self.course, student, self.assignment)
            except CourseError:  # a damaged record is made anew
                continue
            if before is None or before.status not in ("graded", "unreadable"):
                continue
            if before.basis == self.basis | {"submission": basis.of_submission(self.path(student))}:
                found[student] = lambda before=before: before  # type: ignore[misc]
        return found

    def judged(self, students: Sequence[str]) -> Generator[tuple[str, Result]]:
        """Judge in parallel; results come as they are finished. Closing the iterator stops all of it."""
        if not students:
            return
        limits = Limits(total_seconds=self.seconds, cpu_seconds=int(self.seconds))
        runtime = runtime_of(self.instructor)
        sandbox_for_all = Sandbox(self.level, limits, runtime, allow_unprotected=self.allow_unprotected)
        pool = ThreadPoolExecutor(self.jobs)
        with sandbox_for_all as sandbox, Readers() as readers, pool:
            work = {pool.submit(grade_one, self, student, sandbox, readers): student for student in students}
            try:
                held_back: dict[str, GradedSubmission] = {}
                for future in as_completed(work):
                    if future.exception() is None and future.result().held_back:
                        held_back[work[future]] = future.result()
                    else:
                        yield work[future], future.result
                for student, first in held_back.items():
                    alone = pool.submit(grade_one, self, student, sandbox, readers)
                    wait([alone])
                    yield student, partial(_second, first, alone)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                readers.close()
                sandbox.close()  # what is still being judged fails at once, and is not recorded
                raise


def _asked_level(course: Course) -> Level | None:
    """The level of isolation that course.toml asks for, if it does."""
    asked = course.grading.get("level")
    if asked is None:
        return None
    try:
        return Level(asked)
    except ValueError:
        known = ", ".join(level.value for level in Level)
        raise CourseError(f"course.toml: level = {asked!r} is none of: {known}") from None


def runtime_of(instructor: nbformat.NotebookNode) -> str:
    """What submissions may import: PyTorch where the notebook's own needed cells do, else NumPy alone."""
    needed = [cell.source for cell in instructor.cells if "needed" in cell.metadata.get("tags", [])]
    imports = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    return "torch" if any(imports.search(text) for text in needed) else "numpy"


def grade_one(setup: Setup, student: str, sandbox: Sandbox, readers: Readers) -> GradedSubmission:
    """Take in and judge one submission; touches neither gradebook nor course folder."""
    start = time.perf_counter()
    path = setup.path(student)
    if not os.path.lexists(path):
        return _without_grades(setup, student, "missing", Intake(), _missing(path))
    intake = readers.take_in(path, setup.instructor)
    if intake.problem is not None:
        return _without_grades(setup, student, "unreadable", intake, intake.problem)
    judgement = judge(intake, setup.task, sandbox, setup.seconds)
    flags = [note.message for note in intake.notes if note.kind in ("flag", "release")]
    if len(flags) > MOST_FLAGS:
        flags[MOST_FLAGS:] = [f"{len(flags) - MOST_FLAGS} more such notes in the log"]
    return GradedSubmission(
        student,
        setup.assignment,
        "graded",
        judgement.grades,
        intake,
        "; ".join([*judgement.remarks, *flags]),
        sandbox.level.value,
        time.perf_counter() - start,
        setup.basis | {"submission": intake.sha256},
        sandbox.memory.partition(":")[0],
        judgement.held_back,
    )


def _second(first: GradedSubmission, again: Future[GradedSubmission]) -> GradedSubmission:
    """The result of the second try of a submission that hit a time limit beside others, which counts."""
    alone = again.result()
    logging.getLogger(__name__).info(
        "%s: hit a time limit while other work was going on (%g points); tried once more alone: %g points",
        first.student,
        first.points,
        alone.points,
    )
    return replace(alone, held_back=False)


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
    setup: Setup, student: str, status: Status, intake: Intake, reason: str
) -> GradedSubmission:
    shown = f"<p>{html.escape(printable(reason))}</p>"
    grades = tuple(
        ExerciseGrade(cell.grade_id, cell.name, 0.0, cell.points, shown, reason) for cell in setup.task.graded
    )
    rests_on = setup.basis | {"submission": intake.sha256}
    return GradedSubmission(student, setup.assignment, status, grades, intake, reason, basis=rests_on)


def _result_or_failure(setup: Setup, student: str, result: Result) -> GradedSubmission:
    """The result of one student; a failure of ours becomes a row, not a stop."""
    try:
        return result()
    except Exception as error:
        logging.getLogger(__name__).exception("grading %s failed", student)
        reason = f"the grader itself failed ({type(error).__name__}: {error}); see the log, then grade again"
        return _without_grades(setup, student, "failed", Intake(), reason)


def _recorded(setup: Setup, student: str, result: Result, book: Gradebook) -> GradedSubmission:
    """The result of one student, written to the gradebook."""
    submission = _result_or_failure(setup, student, result)
    try:
        remarks = gradebook.record(setup.course, submission, book)
    except CourseError:
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("recording %s failed", student)
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


@contextlib.contextmanager
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


@contextlib.contextmanager
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
