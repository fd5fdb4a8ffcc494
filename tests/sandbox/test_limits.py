"""A crash, a hang or greed costs what it happened in, is told by name, and harms nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest

from autograder.sandbox import Level, Limits, Sandbox
from tests.sandbox.conftest import QUICK, call, cells


def test_an_endless_loop_in_a_cell_is_named(run):
    result = run("x = 1", "while True:\n    pass", "y = 2")
    assert (result.dead.number, result.dead.exercise) == (2, "exercise_2")
    assert result.dead.failure.kind == "timeout"
    assert "3 s" in result.dead.failure.message


def test_an_endless_loop_in_a_call_costs_that_call(run):
    result = run("def f():\n    while True:\n        pass")
    start = time.monotonic()
    assert call(result, "f", seconds=0.5).failure.kind == "timeout"
    assert time.monotonic() - start < 3
    assert result.dead is None
    assert not result.alive
    assert call(result, "f").failure.kind == "timeout"


def test_all_cells_together_have_a_limit():
    limits = Limits(cell_seconds=1, total_seconds=2)
    with (
        Sandbox(Level.NAMESPACES, limits) as sandbox,
        sandbox.start(cells(*["import time\ntime.sleep(0.7)"] * 6)) as result,
    ):
        assert result.dead.failure.kind == "timeout"
        assert "together" in result.dead.failure.message


@pytest.mark.parametrize(
    ("crash", "told"),
    [
        ("import os\nos._exit(3)", "exited on its own"),
        ("import ctypes\nctypes.string_at(0)", "killed by SIGSEGV"),
        (
            "import sys\nsys.setrecursionlimit(10**9)\n"
            "class A:\n    def __repr__(self):\n        return repr([self])\nrepr(A())",
            "killed by SIGSEGV",
        ),
        ("import os\nos.closerange(3, 100)\nwhile True:\n    pass", "closed its connection"),
    ],
)
def test_a_crash_is_named_with_what_is_known(run, crash, told):
    result = run("x = 1", crash, "y = 2")
    assert (result.dead.number, result.dead.exercise) == (2, "exercise_2")
    assert result.dead.failure.kind == "crashed"
    assert told in result.dead.failure.message


def test_a_crash_in_a_call_is_told_to_every_later_call(run):
    result = run("import os\ndef f():\n    os._exit(7)\ndef g():\n    return 1")
    assert "exited" in call(result, "f").failure.message
    assert call(result, "g").failure.fatal
    assert result.dead is None


def test_killing_itself_does_no_harm_to_others(run):
    result = run(
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nos.kill(0, signal.SIGKILL)", "n = 1"
    )
    assert result.dead is not None or result.value("n").value == 1
    assert call(run("def f():\n    return 1"), "f").value == 1


def test_a_memory_bomb_raises_inside_and_the_rest_is_graded(run):
    result = run(
        "import numpy as np\nx = np.ones(10**10)",
        "y = []\nwhile True:\n    y.append(np.empty(10**8, np.uint8))",
        "n = len(y)\ndel y",
    )
    assert [trouble.failure.type for trouble in result.troubles] == ["MemoryError", "MemoryError"]
    assert result.value("n").value < 21


def test_processor_time_has_a_limit():
    limits = Limits(cpu_seconds=1)
    with (
        Sandbox(Level.NAMESPACES, limits) as sandbox,
        sandbox.start(cells("while True:\n    pass")) as result,
    ):
        assert "CPU limit" in result.dead.failure.message


def test_the_disk_cannot_be_filled(run):
    fill = (
        "n = 0\ntry:\n    while True:\n        with open(f'/tmp/{n}', 'wb') as file:\n"
        "            file.write(bytes(10_000_000))\n        n += 1\n"
        "except OSError as error:\n    told = str(error)"
    )
    result = run(fill)
    assert result.value("n").value <= 6
    assert "No space" in result.value("told").value


def test_files_without_content_are_limited_too(run):
    result = run(
        "n = 0\ntry:\n    while n < 10**5:\n        open(f'/tmp/{n}', 'w').close()\n        n += 1\n"
        "except OSError:\n    pass"
    )
    assert 1000 < result.value("n").value < 10_000


def test_threads_are_limited(run):
    source = (
        "import threading\nstop = threading.Event()\nn = 0\ntry:\n    while n < 1000:\n"
        "        threading.Thread(target=stop.wait, daemon=True).start()\n        n += 1\n"
        "except RuntimeError:\n    pass\nstop.set()"
    )
    assert 8 <= run(source).value("n").value < 100


def test_an_answer_that_is_too_large_is_refused_and_the_run_goes_on(run):
    result = run("import numpy as np\ndef f(n):\n    return np.zeros(n)\ndef g():\n    return 'x' * 10**7")
    failure = call(result, "f", 10**7).failure
    assert failure.type == "TooLarge"
    assert "80,000,000 bytes" in failure.message
    assert call(result, "g").failure.type == "TooLarge"
    assert call(result, "f", 3).value.shape == (3,)


# What a student may write to talk to the judge in the worker's stead.
WIRE = """
import os, stat, time
from cs_utils.checking.outcome import Outcome
from inside import wire

def find():
    for number in range(3, 99):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass

def shout(noise):
    os.write(find(), noise)

def answer(number):
    outcome = wire.from_outcome(Outcome(42))
    return wire.encode({"kind": "answer", "number": number, "outcome": outcome}, wire.Caps())
"""


@pytest.mark.parametrize(
    "noise",
    [
        "b'hello, judge'",
        "bytes(100)",
        "wire.HEAD.pack(wire.MAGIC, wire.VERSION, 2**32 - 1, 2**64 - 1)",
        "answer(1)",
        "wire.encode({'kind': 'ready'}, wire.Caps())",
        "wire.encode({'kind': 'cell', 'index': 0}, wire.Caps())",
        "wire.encode([1, 2], wire.Caps())",
    ],
)
def test_noise_on_the_wire_makes_the_run_unreadable(run, noise):
    in_a_cell = run(f"{WIRE}\nshout({noise})", "x = 1")
    assert in_a_cell.dead.failure.kind == "unreadable"
    in_a_call = run(f"{WIRE}\ndef f():\n    shout({noise})\n    return 1")
    assert call(in_a_call, "f").failure.kind == "unreadable"
    assert not in_a_call.alive


def test_an_answer_given_before_the_question_does_not_count(run):
    result = run(f"{WIRE}\ndef f():\n    for n in range(3):\n        shout(answer(n))\n    return 1")
    outcome = call(result, "f")
    assert (outcome.failure.kind, outcome.value) == ("unreadable", None)


def test_a_slow_drip_gains_no_time(run):
    drip = "def f():\n    for byte in answer(1):\n        shout(bytes([byte]))\n        time.sleep(0.05)"
    start = time.monotonic()
    assert call(run(f"{WIRE}\n{drip}"), "f", seconds=0.5).failure.kind == "timeout"
    assert time.monotonic() - start < 5


def test_a_worker_that_does_not_listen_is_a_timeout(run):
    result = run("import os, time\ndef f(x):\n    return 1\nos.read = lambda *_: time.sleep(60)")
    assert call(result, "f", np.zeros(10**6), seconds=0.5).failure.kind == "timeout"


def test_one_greedy_run_leaves_the_next_as_it_was(sandbox):
    with sandbox.start(cells("import os\nos._exit(1)")) as first:
        assert not first.alive
    with sandbox.start(cells("def f():\n    return 1")) as second:
        assert call(second, "f").value == 1
    assert sandbox.limits == QUICK


def test_a_run_that_is_started_late_gets_only_the_time_that_is_left(sandbox):
    with sandbox.start(cells("while True: pass"), seconds=0.5) as run:
        assert run.dead is not None and "took over" in run.dead.failure.message
