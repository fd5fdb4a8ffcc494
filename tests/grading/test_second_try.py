"""A submission that hits a time limit on a busy machine is tried once more, alone; that try counts."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace

import nbformat
import pytest

from autograder import executors, grading, source
from autograder.course import Course, init
from autograder.sandbox import Limits, Run, Sandbox, best_level
from tests.sandbox.conftest import call, cells, descendants

ASSIGNMENT = "01_correlation"


@pytest.fixture(scope="module")
def ungraded(tmp_path_factory):
    made = init(tmp_path_factory.mktemp("second") / "course", sources=[source.SOLUTIONS / f"{ASSIGNMENT}.py"])
    rows = "".join(f"{name},{name},Student,\n" for name in ("ada", "ben", "cleo"))
    (made.path / "roster.csv").write_text(f"id,first_name,last_name,email\n{rows}")
    for student in ("ada", "ben", "cleo"):
        path = made.submitted(student, ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(source.solved(ASSIGNMENT)))
    return made


@pytest.fixture
def course(ungraded, tmp_path):
    shutil.copytree(ungraded.path, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def stopped(monkeypatch):
    """The first run is stopped before its first cell, as if the machine had no time for it."""
    level = best_level()  # it starts runs of its own
    monkeypatch.setattr(executors, "best_level", lambda **_: level)
    real, found = Run._run_cells, []

    def run_cells(run: Run) -> None:
        if not found:
            (server,) = [pid for pid in descendants(os.getpid()) if len(descendants(pid)) == 2]
            (worker,) = [pid for pid in descendants(server) if not descendants(pid)]
            found.append(worker)
            os.kill(worker, signal.SIGSTOP)
            run._limits = replace(run._limits, cell_seconds=1.0)  # the others have time, however busy it is
        real(run)

    monkeypatch.setattr(Run, "_run_cells", run_cells)
    return found


def test_the_second_try_counts_and_both_are_in_the_log(course, stopped):
    order = []
    report = grading.grade_class(
        course, ASSIGNMENT, jobs=1, progress=lambda student, done, total: order.append(student)
    )
    assert stopped
    assert [one.points for one in report.submissions] == [one.max_points for one in report.submissions]
    assert order == ["ben", "cleo", "ada"]
    assert not any(one.held_back for one in report.submissions)
    assert report.log is not None
    (line,) = [line for line in report.log.read_text().splitlines() if "once more alone" in line]
    assert "ada: hit a time limit" in line and "(40 points)" not in line and "alone: 40 points" in line


@pytest.fixture
def killed(monkeypatch, request):
    """Somebody kills the first run's worker, its keeper, or the fork server while it runs its cells."""
    level = best_level()
    monkeypatch.setattr(executors, "best_level", lambda **_: level)
    real, found = Run._run_cells, []

    def run_cells(run: Run) -> None:
        if not found:
            (server,) = [pid for pid in descendants(os.getpid()) if len(descendants(pid)) == 2]
            (worker,) = [pid for pid in descendants(server) if not descendants(pid)]
            (keeper,) = [pid for pid in descendants(server) if descendants(pid)]
            found.append({"worker": worker, "keeper": keeper, "fork server": server}[request.param])
            os.kill(found[0], signal.SIGKILL)
        real(run)

    monkeypatch.setattr(Run, "_run_cells", run_cells)
    return found


@pytest.mark.parametrize("killed", ["worker", "keeper", "fork server"], indirect=True)
def test_a_kill_from_outside_costs_a_student_nothing(course, killed):
    report = grading.grade_class(course, ASSIGNMENT, jobs=1)
    assert killed
    assert [one.points for one in report.submissions] == [one.max_points for one in report.submissions]


def test_only_a_run_that_did_not_have_a_processor_is_held_back():
    slow = "import time\ndef f():\n    time.sleep(60)\ndef g():\n    raise SystemExit"
    with Sandbox(best_level(), Limits()) as sandbox:
        with sandbox.start(cells(slow)) as run:
            assert call(run, "f", seconds=0.3).failure.kind == "timeout"
            assert run.held_back
        with sandbox.start(cells(slow, "import os\nos._exit(1)")) as run:
            assert run.dead is not None and not run.held_back
