"""Whatever ends a grading run, and whenever: run again, and the grades are those of a run nothing ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.grading import GradingInProgress, changes, grade_class
from tests.grading.small import NOTEBOOK, hand_in, outcome, small_class

FORK = multiprocessing.get_context("fork")  # PyTorch is imported already, so that a trial takes a second
WHO = ("grader", "worker", "fork server")
TRIALS = 24


@pytest.fixture(scope="module")
def ungraded(tmp_path_factory) -> Course:
    return small_class(tmp_path_factory.mktemp("interrupted") / "course")


@pytest.fixture(scope="module")
def uninterrupted(ungraded, tmp_path_factory) -> dict[str, Any]:
    course = copy(ungraded, tmp_path_factory.mktemp("whole") / "course")
    grade_class(course, NOTEBOOK, jobs=2)
    return outcome(course)


@pytest.fixture(scope="module")
def seconds(ungraded, uninterrupted, tmp_path_factory) -> float:
    """How long a run takes when nothing ends it."""
    course = copy(ungraded, tmp_path_factory.mktemp("timed") / "course")
    start = time.monotonic()
    grading = started(course)
    grading.join()
    return time.monotonic() - start


def copy(course: Course, folder: Path) -> Course:
    shutil.copytree(course.path, folder)
    return Course(folder)


def started(course: Course) -> Any:
    """A process of its own that grades the class."""
    grading = FORK.Process(target=_grade, args=(course.path,))
    grading.start()
    return grading


def _grade(path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)  # the traceback of a KeyboardInterrupt is no news
    grade_class(Course(path), NOTEBOOK, jobs=2)


def descendants(root: int) -> list[tuple[int, str]]:
    """(process, name of its parent's kind) below `root`: children are fork servers, the others workers."""
    parents = dict(_parents())
    found = [(child, "fork server") for child, parent in parents.items() if parent == root]
    depth = [child for child, _ in found]
    for process in depth:
        below = [child for child, parent in parents.items() if parent == process]
        found += [(child, "worker") for child in below]
        depth += below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            yield int(entry), int(stat.rpartition(")")[2].split()[1])


def one_trial(ungraded: Course, folder: Path, dice: random.Random, seconds: float) -> Course:
    """Start a run, send a signal to somebody at some moment, and grade again to the end."""
    course = copy(ungraded, folder)
    grading = started(course)
    time.sleep(dice.uniform(0, seconds))
    who = dice.choice(WHO)
    if who == "grader":
        os.kill(grading.pid, dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL)))
    elif victims := [process for process, kind in descendants(grading.pid) if kind == who]:
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(dice.choice(victims), signal.SIGKILL)
    grading.join(200)
    assert grading.exitcode is not None
    grade_class(course, NOTEBOOK, jobs=2)
    return course


@pytest.mark.parametrize("number", range(TRIALS))
def test_a_run_that_is_killed_goes_on_where_it_stopped(ungraded, uninterrupted, seconds, number, tmp_path):
    course = one_trial(ungraded, tmp_path / "course", random.Random(number), seconds)
    assert outcome(course) == uninterrupted
    assert not list(course.path.rglob(".*.part"))


@pytest.mark.prove
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_runs_that_are_killed_go_on_where_they_stopped(
    ungraded, uninterrupted, seconds, hundred, tmp_path
):
    for number in range(100 * hundred, 100 * (hundred + 1)):
        course = one_trial(ungraded, tmp_path / "course", random.Random(f"prove {number}"), seconds)
        assert outcome(course) == uninterrupted, f"trial {number}"
        shutil.rmtree(course.path)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_number_of_workers_and_the_order_make_no_difference(ungraded, uninterrupted, jobs, tmp_path):
    course = copy(ungraded, tmp_path / "course")
    students = [f"s{number}" for number in range(6)]
    random.Random(jobs).shuffle(students)
    grade_class(course, NOTEBOOK, students, jobs=jobs)
    assert outcome(course) == uninterrupted


# --- again ------------------------------------------------------------------------------------------------


@pytest.fixture
def graded(ungraded, uninterrupted, tmp_path) -> Course:
    course = copy(ungraded, tmp_path / "course")
    grade_class(course, NOTEBOOK)
    return course


def test_what_has_not_changed_is_not_judged_again(graded, uninterrupted):
    report = grade_class(graded, NOTEBOOK)
    assert report.kept == len(report.submissions)
    assert outcome(graded) == uninterrupted


def test_judging_all_of_it_again_gives_the_same(graded, uninterrupted):
    report = grade_class(graded, NOTEBOOK, again=True)
    assert report.kept == 0
    assert outcome(graded) == uninterrupted


def test_a_new_submission_alone_is_judged(graded):
    hand_in(graded, "s5", (graded.submitted("s0", NOTEBOOK) / f"{NOTEBOOK}.ipynb").read_bytes())
    report = grade_class(graded, NOTEBOOK)
    assert report.kept == 5
    points = {one.student: one.points for one in report.submissions}
    assert points["s5"] == points["s0"] > 0


def test_a_submission_that_was_taken_away_loses_its_points(graded):
    shutil.rmtree(graded.submitted("s0", NOTEBOOK))
    report = grade_class(graded, NOTEBOOK)
    assert report.submissions[0].status == "missing"
    assert report.submissions[0].points == 0


@pytest.mark.parametrize("part", ["release", "exercises", "grader", "packages", "seed", "level", "limits"])
def test_a_result_that_rests_on_anything_else_is_made_anew(graded, part, monkeypatch):
    from autograder import basis

    real = basis.of_class
    monkeypatch.setattr(basis, "of_class", lambda *args: real(*args) | {part: "something else"})
    assert grade_class(graded, NOTEBOOK).kept == 0


def test_points_written_into_the_gradebook_by_others_do_not_survive(graded, uninterrupted):
    with sqlite3.connect(graded.database) as database:
        database.execute("UPDATE grade SET auto_score = 999")
    grade_class(graded, NOTEBOOK)
    assert outcome(graded) == uninterrupted


def test_a_damaged_record_is_made_anew(graded, uninterrupted):
    graded.record("s1", NOTEBOOK).write_text("{")
    assert grade_class(graded, NOTEBOOK).kept == 5
    assert outcome(graded) == uninterrupted


# --- what would change ------------------------------------------------------------------------------------


def test_nothing_would_change_when_nothing_has(graded):
    before = outcome(graded)
    assert changes(graded, NOTEBOOK) == []
    assert outcome(graded) == before


def test_what_would_change_is_told_with_its_reason_and_not_done(graded):
    hand_in(graded, "s5", (graded.submitted("s0", NOTEBOOK) / f"{NOTEBOOK}.ipynb").read_bytes())
    before = outcome(graded)
    found = changes(graded, NOTEBOOK)
    assert found
    assert {change.student for change in found} == {"s5"}
    assert {change.why for change in found} == {("another file was handed in",)}
    assert all(change.before == 0 < change.now for change in found)
    assert outcome(graded) == before


# --- what is full, what is locked, who else is there ------------------------------------------------------


def test_two_graders_at_once_do_not_mix(ungraded, uninterrupted, tmp_path):
    course = copy(ungraded, tmp_path / "course")
    has_begun, may_go_on = FORK.Event(), FORK.Event()
    first = FORK.Process(target=_grade_with_a_pause, args=(course.path, has_begun, may_go_on))
    first.start()
    assert has_begun.wait(120)
    with pytest.raises(GradingInProgress):
        grade_class(course, NOTEBOOK)
    may_go_on.set()
    first.join(120)
    assert first.exitcode == 0
    grade_class(course, NOTEBOOK)
    assert outcome(course) == uninterrupted


def _grade_with_a_pause(path: Path, has_begun: Any, may_go_on: Any) -> None:
    def progress(student: str, done: int, total: int) -> None:
        has_begun.set()
        may_go_on.wait(120)

    grade_class(Course(path), NOTEBOOK, jobs=2, progress=progress)


def test_a_database_that_somebody_holds_costs_a_row_and_not_the_class(
    ungraded, uninterrupted, tmp_path, monkeypatch
):
    course = copy(ungraded, tmp_path / "course")
    monkeypatch.setattr(Course, "db_url", property(lambda self: f"sqlite:///{self.database}?timeout=0.2"))
    holder = sqlite3.connect(course.database, isolation_level=None, check_same_thread=False)
    told: list[str] = []

    def progress(student: str, done: int, total: int) -> None:
        told.append(student)
        if done == 1:
            holder.execute("BEGIN EXCLUSIVE")
        if done == 4:
            holder.execute("ROLLBACK")

    report = grade_class(course, NOTEBOOK, jobs=1, progress=progress)
    locked = [one for one in report.submissions if "locked" in one.summary]
    assert len(locked) == 3 and len(told) == 6
    grade_class(course, NOTEBOOK)
    assert outcome(course) == uninterrupted


def test_a_disk_that_is_full_is_told_and_nothing_is_lost(ungraded, uninterrupted, tmp_path):
    """On a real file system with little room, in a mount namespace of its own."""
    grading = FORK.Process(target=_grade_on_a_small_disk, args=(ungraded.path, tmp_path))
    grading.start()
    grading.join(120)
    assert grading.exitcode == 0
    course = Course(tmp_path / "rescued")
    grade_class(course, NOTEBOOK)
    assert outcome(course) == uninterrupted


def _grade_on_a_small_disk(ungraded: Path, folder: Path) -> None:
    from autograder.sandbox.inside import kernel

    small = folder / "small"
    small.mkdir()
    if os.geteuid() == 0:
        kernel.unshare(kernel.CLONE_NEWNS)
    else:
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    used = sum(path.stat().st_size for path in ungraded.rglob("*") if path.is_file())
    kernel.mount("tmpfs", str(small), "tmpfs", 0, f"size={used + (1 << 20)}")
    shutil.copytree(ungraded, small / "course")
    report = grade_class(Course(small / "course"), NOTEBOOK, jobs=1)
    failed = [one.summary for one in report.submissions if "not recorded" in one.summary]
    assert failed and all("full" in why or "space" in why for why in failed), failed
    shutil.copytree(small / "course", folder / "rescued")
