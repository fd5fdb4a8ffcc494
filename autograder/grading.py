"""Grade a class: every submission through intake, sandbox and judge, into the gradebook.

Submissions are judged in parallel by an executor, here or on a cluster; the gradebook is written by the
calling thread alone. One bad submission never stops the others, and an interrupt leaves every finished
submission recorded and nothing half-written.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook

from autograder import basis, gradebook
from autograder.course import Course, CourseError
from autograder.executors import Executor, ExecutorLost, Local
from autograder.judge import Task, graded_cells, right_answers
from autograder.leaderboard.handed_in import PARTS as PREDICTIONS
from autograder.leaderboard.handed_in import Scorer
from autograder.problems import Problem, problems
from autograder.results import GradedSubmission, Intake
from autograder.sandbox import Level, Limits
from autograder.work import Work, without_grades

_LOCK_TRIES = 20  # one second in all

Progress = Callable[[str, int, int], None]


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
    def problems(self) -> tuple[Problem, ...]:
        """What an instructor should look at, one row for each submission or stranger's folder."""
        return problems(self.submissions, self.strangers)


def grade_class(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    allow_unprotected: bool = False,
    again: bool = False,
    progress: Progress | None = None,
) -> ClassReport:
    """Grade `students` (default: the whole roster) on `assignment` and record every result.

    A submission that was judged before, with the same exercises, seed and grader, is not judged again unless
    `again` is set: so a run that was interrupted goes on where it stopped.
    executor: where to judge, and closed at the end; without one, `jobs` at a time on this machine.
    progress: called as ``progress(student, done, total)`` after each submission is recorded.

    Raises:
        autograder.sandbox.SandboxUnavailable: no isolation is available and `allow_unprotected` is False.
        GradingInProgress: another grader holds the course.
        ExecutorLost: nobody is left to judge.
        autograder.gradebook.GradebookLost: the gradebook's server cannot be reached any more.
        CourseError: the course has no such assignment, or no such student.
    """
    start = time.perf_counter()
    chosen = _chosen(course, students)
    done: dict[str, GradedSubmission] = {}
    with (
        executor or Local(jobs) as place,
        _only_grader(course),
        _log(course, assignment) as (log, log_path),
        Scorer.make(course, assignment) or contextlib.nullcontext() as predictions,
    ):
        setup = Setup.make(course, assignment, place, allow_unprotected, predictions)
        _clear_parts(course)
        log.info("grading %s: %d students, isolation: %s", assignment, len(chosen), setup.work.level.value)
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
        setup.work.level.value,
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
    executor: Executor | None = None,
    allow_unprotected: bool = False,
    progress: Progress | None = None,
) -> list[Change]:
    """Judge submissions again, record nothing, and say what would change, by student and cell."""
    chosen = _chosen(course, students)
    found: list[Change] = []
    with (
        executor or Local(jobs) as place,
        _only_grader(course),
        Scorer.make(course, assignment) or contextlib.nullcontext() as predictions,
    ):
        setup = Setup.make(course, assignment, place, allow_unprotected, predictions)
        for number, (student, result) in enumerate(setup.judged(chosen), 1):
            now = setup.with_predictions(_result_or_failure(setup, student, result), enter=False)
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
    """What a class is graded with: the course, the work that all its submissions share, and who does it.

    predictions: scores what is handed in beside the notebook, where it asks for that.
    """

    course: Course
    work: Work
    executor: Executor
    predictions: Scorer | None = None

    @classmethod
    def make(
        cls,
        course: Course,
        assignment: str,
        executor: Executor,
        allow_unprotected: bool = False,
        predictions: Scorer | None = None,
    ) -> Setup:
        """Read the assignment and ask the executor for its level of isolation."""
        release = gradebook.read_release(course, assignment)
        task = Task(graded_cells(release), right_answers(assignment), course.seed(assignment))
        level = executor.level(_asked_level(course), allow_unprotected)
        rests_on = basis.of_class(course, assignment, level.value)
        times = {"seconds": 300.0, "cell_seconds": Limits.cell_seconds, "call_seconds": Limits.call_seconds}
        times |= {name: float(value) for name, value in course.grading.items() if name in times}
        work = Work(
            assignment,
            release,
            task,
            level,
            basis=rests_on,
            allow_unprotected=allow_unprotected,
            **times,
        )
        return cls(course, work, executor, predictions)

    def path(self, student: str) -> Path:
        """The notebook that a student handed in, if any."""
        assignment = self.work.assignment
        return self.course.submitted(student, assignment) / f"{assignment}.ipynb"

    def still_valid(self, students: Sequence[str]) -> dict[str, Result]:
        """The recorded results of students that judging again would give again.

        Predictions are scored every time: it takes no time, and the board may not have them yet.
        """
        found: dict[str, Result] = {}
        for student in students:
            try:
                before = gradebook.read_record(self.course, student, self.work.assignment)
            except CourseError:  # a damaged record is made anew
                continue
            if before is None or before.status not in ("graded", "unreadable"):
                continue
            rests_on = {part: what for part, what in before.basis.items() if part not in PREDICTIONS}
            if rests_on == self.work.basis | {"submission": basis.of_submission(self.path(student))}:
                found[student] = lambda before=before: before  # type: ignore[misc]
        return found

    def with_predictions(self, submission: GradedSubmission, *, enter: bool) -> GradedSubmission:
        """`submission` with the points of the predictions beside it. enter: put them on the board, too."""
        return submission if self.predictions is None else self.predictions.complete(submission, enter=enter)

    def judged(self, students: Sequence[str]) -> Generator[tuple[str, Result]]:
        """Judge in parallel; results come as they are finished.

        Raises:
            ExecutorLost: the executor cannot go on.
        """
        if not students:
            return
        self.executor.start(self.work)
        held_back: dict[str, GradedSubmission] = {}
        for student, future in self._finished(students):
            if future.exception() is None and future.result().held_back:
                held_back[student] = future.result()
            else:
                yield student, future.result
        for student, first in held_back.items():
            ((_, alone),) = self._finished([student])
            yield student, partial(_second, first, alone)

    def _finished(self, students: Sequence[str]) -> Iterator[tuple[str, Future[GradedSubmission]]]:
        """Every student with the result, a few handed over ahead of what the executor is at."""
        waiting = deque(students)
        running: dict[Future[GradedSubmission], str] = {}
        while waiting or running:
            while waiting and len(running) < self.executor.ahead:
                student = waiting.popleft()
                running[self.executor.submit(student, self.path(student))] = student
            done = wait(running, return_when=FIRST_COMPLETED).done
            for future in [future for future in running if future in done]:  # in order: a set has none
                if isinstance(lost := future.exception(), ExecutorLost):
                    raise lost
                yield running.pop(future), future


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


def _result_or_failure(setup: Setup, student: str, result: Result) -> GradedSubmission:
    """The result of one student; a failure of ours becomes a row, not a stop."""
    try:
        return result()
    except Exception as error:
        logging.getLogger(__name__).exception("grading %s failed", student)
        reason = f"the grader itself failed ({type(error).__name__}: {error}); see the log, then grade again"
        return without_grades(setup.work, student, "failed", Intake(), reason)


def _recorded(setup: Setup, student: str, result: Result, book: Gradebook) -> GradedSubmission:
    """The result of one student, written to the gradebook."""
    submission = setup.with_predictions(_result_or_failure(setup, student, result), enter=True)
    try:
        remarks = gradebook.record(setup.course, submission, book)
    except (CourseError, gradebook.GradebookLost):
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
        if not _locked(lock.fileno()):
            raise GradingInProgress(
                f"another grader is at work on {course.path}; wait for it to end, then run this again"
            )
        with gradebook.locked_for_grading(course) as ours:
            if not ours:
                raise GradingInProgress(
                    f"another grader is writing to {course.gradebook}; wait for it to end, then run this "
                    "again"
                )
            yield


def _locked(descriptor: int) -> bool:
    """Take the lock, if need be after a moment: a killed grader's may still be open in a process it had just
    started, until that runs a program of its own."""
    for _ in range(_LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


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
