"""Unprotected grading happens on request only, and what is missing is said with its remedy."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder import source
from autograder.course import Course, CourseError, init
from autograder.grading import grade_class
from autograder.sandbox import Level, Limits, Sandbox, SandboxUnavailable, best_level, levels, probe
from autograder.sandbox.inside import kernel, landlock, seccomp
from tests.sandbox.conftest import call, cells


def test_level_none_needs_the_flag():
    with pytest.raises(SandboxUnavailable, match="--unprotected"):
        Sandbox(Level.NONE)


def test_level_none_runs_with_the_flag_and_the_limits_hold():
    limits = Limits(cell_seconds=1)
    with Sandbox(Level.NONE, limits, allow_unprotected=True) as sandbox:
        with sandbox.start(cells("def f():\n    return 1")) as run:
            assert call(run, "f").value == 1
        with sandbox.start(cells("while True:\n    pass")) as run:
            assert run.dead is not None
            assert run.dead.failure.kind == "timeout"
        with sandbox.start(cells("x = bytearray(10**11)")) as run:
            assert run.troubles[0].failure.type == "MemoryError"
        with sandbox.start(cells("import torch")) as run:
            assert run.troubles[0].failure.type == "ModuleNotFoundError"


def test_level_none_leaves_no_file_behind():
    with Sandbox(Level.NONE, allow_unprotected=True) as sandbox:
        with sandbox.start(cells("import os\nopen('x', 'w').close()\nhere = os.getcwd()")) as run:
            here = run.value("here").value
            assert os.path.exists(here)
        assert not os.path.exists(here)


def test_probe_really_tries_every_level():
    found = {level: (available, why) for level, available, why in probe()}
    assert found == dict.fromkeys(Level, (True, ""))
    assert best_level() is Level.NAMESPACES


def test_a_level_that_is_asked_for_is_the_one_that_is_used():
    assert best_level(asked=Level.LANDLOCK) is Level.LANDLOCK
    with pytest.raises(SandboxUnavailable, match="delete whatever you can"):
        best_level(asked=Level.NONE)
    assert best_level(asked=Level.NONE, allow_unprotected=True) is Level.NONE


def test_a_level_that_is_asked_for_and_does_not_work_is_not_replaced(monkeypatch):
    monkeypatch.setattr(levels, "why_not", lambda level: "unshare: Operation not permitted")
    with pytest.raises(SandboxUnavailable, match=r"landlock does not work.*unshare"):
        best_level(allow_unprotected=True, asked=Level.LANDLOCK)


# The numbers of unshare and landlock_create_ruleset on this machine.
UNSHARE = seccomp._REFUSED["unshare"][seccomp._MACHINES[platform.machine()][0]]
LANDLOCK = 444
LOOK = """
from autograder import doctor
from autograder.sandbox import *
check = doctor._sandbox()
print(check[0], "|", check[1], "|", check[2])
try:
    with Sandbox(best_level()) as sandbox, sandbox.start([]) as run:
        print(sandbox.level.value, run.alive)
except SandboxUnavailable as error:
    print("refused", "--unprotected" in str(error))
"""


@pytest.mark.parametrize(
    ("refused", "told", "level"),
    [
        ([UNSHARE], ["ok | landlock", "namespaces is not available", "unshare: Operation"], "landlock True"),
        (
            [UNSHARE, LANDLOCK],
            ["problem | none works", "namespaces: ", "landlock: Landlock's system calls are refused here"],
            "refused True",
        ),
    ],
)
def test_where_calls_are_refused_the_next_level_is_taken_and_doctor_says_why(refused, told, level):
    numbers = ",".join(map(str, refused))
    command = [sys.executable, str(Path(__file__).with_name("as_in_a_container.py")), numbers, LOOK]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(part in done.stdout for part in told), done.stdout
    assert done.stdout.splitlines()[-1] == level


def test_the_level_and_how_memory_is_limited_stand_in_every_result(tmp_path):
    course = init(tmp_path / "course", sources=[source.SOLUTIONS / "01_correlation.py"])
    (course.path / "roster.csv").write_text("id,first_name,last_name,email\nada,A,B,\n")
    (course.path / "course.toml").write_text('[grading]\nlevel = "landlock"\n')
    path = course.submitted("ada", "01_correlation") / "01_correlation.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(source.solved("01_correlation")))
    report = grade_class(Course(course.path), "01_correlation")
    (one,) = report.submissions
    assert (report.level, one.level, one.points) == ("landlock", "landlock", one.max_points)
    assert one.memory in ("cgroup", "watched")
    stored = json.loads(course.record("ada", "01_correlation").read_text())
    assert (stored["level"], stored["memory"]) == ("landlock", one.memory)
    (course.path / "course.toml").write_text('[grading]\nlevel = "castle"\n')
    with pytest.raises(CourseError, match="none of: namespaces, landlock, none"):
        grade_class(Course(course.path), "01_correlation")


@pytest.mark.parametrize("runtime", ["numpy", "torch"])
def test_honest_code_works_with_what_the_runtime_offers(level, runtime):
    made = "import torch\nx = torch.nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 5, 5)).detach().numpy()"
    if runtime == "numpy":
        made = "import numpy as np\nx = np.ones((1, 2, 3, 3))"
    with Sandbox(level, runtime=runtime) as sandbox, sandbox.start(cells(made)) as run:
        assert run.troubles == () and run.value("x").value.shape == (1, 2, 3, 3)


def test_without_protection_the_message_says_what_failed_and_what_to_do(monkeypatch):
    monkeypatch.setattr(levels, "why_not", lambda level: "unshare: Operation not permitted")
    with pytest.raises(SandboxUnavailable) as caught:
        best_level()
    for part in ("unshare: Operation not permitted", "user.max_user_namespaces", "apparmor", "--unprotected"):
        assert part in str(caught.value)
    assert best_level(allow_unprotected=True) is Level.NONE


def test_a_machine_without_landlock_is_told_what_it_lacks(monkeypatch):
    for number, told in ((errno.ENOSYS, "5.13"), (errno.EOPNOTSUPP, "lsm=")):
        error = OSError(number, os.strerror(number))
        monkeypatch.setattr(kernel, "landlock_version", lambda error=error: (_ for _ in ()).throw(error))
        assert told in landlock.why_not()


def test_a_closed_sandbox_starts_no_more_runs():
    sandbox = Sandbox(Level.NAMESPACES)
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        sandbox.start([])
