"""Nothing of a run outlives it, whoever dies first; and a long evening of grading leaks nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.sandbox import Level, Limits, Sandbox
from tests.sandbox.conftest import QUICK, call, cells, descendants, is_running


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_closing_a_run_leaves_no_process(level):
    with Sandbox(level, QUICK) as sandbox:
        before = descendants(os.getpid())
        source = "import threading\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()"
        run = sandbox.start(cells(source))
        inside = descendants(os.getpid()) - before
        assert len(inside) >= 2
        run.close()
        assert until(lambda: not any(map(is_running, inside - {_server(sandbox)})))


def _server(sandbox: Sandbox) -> int:
    assert sandbox._server is not None
    return sandbox._server.pid


def test_a_timeout_leaves_no_process(sandbox):
    run = sandbox.start(cells("def f():\n    while True:\n        pass"))
    call(run, "f", seconds=0.3)
    assert until(lambda: not descendants(_server(sandbox)))
    run.close()


def test_closing_the_sandbox_ends_open_runs(level):
    before = descendants(os.getpid())
    sandbox = Sandbox(level, QUICK)
    run = sandbox.start(cells("x = 1"))
    everything = descendants(os.getpid()) - before
    server = _server(sandbox)
    assert len(everything) >= 3
    sandbox.close()
    assert until(lambda: not is_running(server) and not any(map(is_running, everything)))
    assert run.value("x").failure.kind == "crashed"
    run.close()


GRADER = """
    import sys, threading
    from autograder.results import Cell
    from autograder.sandbox import Level, Limits, Sandbox
    sandbox = Sandbox(Level(sys.argv[1]), Limits(cell_seconds=100))
    idle = sandbox.start([Cell("x = 1", "answer", 1, "f")])
    source = "while True:\\n    pass"
    threading.Thread(target=sandbox.start, args=([Cell(source, "answer", 1, "f")],), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("victim", ["grader", "fork server", "keeper"])
def test_kill_9_leaves_no_process_and_no_file(victim, level, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(_open_folder(tmp_path)))
    command = [sys.executable, "-c", textwrap.dedent(GRADER), level.value]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as grader:
        try:
            assert grader.stdout is not None
            assert grader.stdout.readline() == "ready\n"
            assert until(lambda: len(descendants(grader.pid)) == 5)  # server, two keepers, two workers
            (server,) = _children(grader.pid)
            keepers = _children(server)
            below = {"grader": descendants(grader.pid), "fork server": descendants(server)}
            below["keeper"] = set().union(*map(descendants, keepers))
            pids = {"grader": [grader.pid], "fork server": [server], "keeper": sorted(keepers)}
            for pid in pids[victim]:
                os.kill(pid, signal.SIGKILL)
            assert until(lambda: not any(map(is_running, below[victim])))
            if victim == "keeper":  # what a killed keeper leaves is removed with its sandbox
                grader.communicate("")
            assert until(lambda: not list(tmp_path.rglob("run-*")))
        finally:
            grader.kill()


def _open_folder(folder: Path) -> Path:
    """Runs of root's have users of their own, so they must be able to get there."""
    for one in [folder, *folder.parents[:2]]:
        one.chmod(0o755)
    return folder


DEEP = "import os\nos.umask(0o300)\nfor n in range(1500):\n    os.mkdir('x')\n    os.chdir('x')"


@pytest.mark.parametrize("level", [Level.LANDLOCK, Level.NONE])
@pytest.mark.parametrize(
    "source", [DEEP, "import os\nos.umask(0o777)\nos.mkdir('x')\nopen('y', 'w').close()"]
)
def test_whatever_was_written_is_gone_afterwards(level, source, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(_open_folder(tmp_path)))
    with Sandbox(level, QUICK, allow_unprotected=True) as sandbox:
        run = sandbox.start(cells("x = 1", source))
        assert list(tmp_path.glob("convnet-runs-*"))
        run.close()
        assert not list(tmp_path.rglob("run-*"))
    assert not list(tmp_path.glob("convnet-runs-*"))


def test_what_a_killed_grader_left_goes_away_and_a_living_ones_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(_open_folder(tmp_path)))
    with Sandbox(Level.LANDLOCK, QUICK) as living, living.start([]):
        (mine,) = tmp_path.iterdir()
        left = tmp_path / "convnet-runs-left"
        (left / "run-x" / "deep").mkdir(parents=True)
        for folder in (mine, left):
            os.utime(folder, (0, 0))
        with Sandbox(Level.LANDLOCK, QUICK) as other, other.start([]):
            assert not left.exists() and mine.exists()


def _children(pid: int) -> set[int]:
    below = descendants(pid)
    return below - set().union(*map(descendants, below))


def test_a_dead_fork_server_is_started_again(sandbox):
    with sandbox.start(cells("x = 1")) as run:
        os.kill(_server(sandbox), signal.SIGKILL)
        assert until(lambda: run.value("x").failure is not None)
        assert run.value("x").failure.kind == "crashed"
    with sandbox.start(cells("x = 2")) as run:
        assert run.value("x").value == 2


def test_two_hundred_runs_leak_no_descriptor_and_no_process(sandbox):
    with sandbox.start([]):
        pass

    def count() -> tuple[int, int]:
        server = Path(f"/proc/{_server(sandbox)}/fd")
        return len(os.listdir("/proc/self/fd")), len(list(server.iterdir()))

    before = count()
    for index in range(200):
        with sandbox.start(cells(f"x = {index}")) as run:
            assert run.value("x").value == index
    assert count() == before
    assert until(lambda: not descendants(_server(sandbox)))


def test_many_threads_can_use_one_sandbox(sandbox):
    def grade(index: int) -> int:
        with sandbox.start(cells(f"def f():\n    return {index}")) as run:
            return call(run, "f").value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(grade, range(40))) == list(range(40))


def test_the_fork_server_does_not_depend_on_the_thread_that_started_it(level):
    sandbox = Sandbox(level, Limits())
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(sandbox.start, cells("x = 5")).result()
    assert run.value("x").value == 5
    run.close()
    sandbox.close()
