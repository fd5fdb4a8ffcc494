"""A crash, a hang or greed costs what it happened in, is told by name, and harms nothing else."""

from __future__ import annotations

import select
import time
from dataclasses import replace

import numpy as np
import pytest

from autograder.sandbox import Level, Limits, Sandbox
from autograder.sandbox import run as running
from tests.sandbox.conftest import PATIENT, QUICK, call, cells


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


def test_all_cells_together_have_a_limit(level):
    limits = Limits(cell_seconds=1, total_seconds=2)
    with (
        Sandbox(level, limits) as sandbox,
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


def test_a_memory_bomb_raises_inside_and_the_rest_is_graded(patient):
    result = patient(
        "import numpy as np\nx = np.ones(10**10)",
        "y = []\nwhile True:\n    y.append(np.empty(10**8, np.uint8))",
        "n = len(y)\ndel y",
    )
    assert [trouble.failure.type for trouble in result.troubles] == ["MemoryError", "MemoryError"]
    assert result.value("n").value < 21


def test_processor_time_has_a_limit(level):
    limits = Limits(cpu_seconds=1)
    with (
        Sandbox(level, limits) as sandbox,
        sandbox.start(cells("while True:\n    pass")) as result,
    ):
        assert "CPU limit" in result.dead.failure.message


MEMORY = {
    "an array": "import numpy as np\nx = np.ones(10**8)",
    "shared pages": "import mmap\nx = mmap.mmap(-1, 10**9)\nfor n in range(0, 10**9, 4096):\n    x[n] = 1",
}


@pytest.mark.parametrize("how", MEMORY)
def test_memory_has_a_limit_of_its_own(level, how):
    limits = replace(PATIENT, memory_bytes=300 << 20)
    with Sandbox(level, limits) as sandbox, sandbox.start(cells("n = 1", MEMORY[how])) as result:
        assert result.dead is not None and result.dead.number == 2
        assert "memory limit: held more than 300 MiB" in result.dead.failure.message
        assert sandbox.memory == "cgroup" or sandbox.memory.startswith("watched: ")


def test_the_keeper_ends_a_run_that_its_grader_forgot(level, monkeypatch):
    monkeypatch.setattr(running, "_KEEP_SECONDS", 1 - QUICK.total_seconds)
    with Sandbox(level, QUICK) as sandbox, sandbox.start(cells("n = 1")) as result:
        assert result.alive
        assert select.select([result._control], [], [], 10)[0], "nobody asked, and the keeper speaks"
        assert "long after its time" in result.value("n").failure.message


FILL = """
import os
kept = []
def write(name, flags=os.O_CREAT | os.O_RDWR):
    descriptor = os.open(name, flags, 0o600)
    for _ in range(10):
        os.write(descriptor, bytes(1_000_000))
    kept.append(descriptor)
n = 0
try:
    while n < 100:
        {how}
        n += 1
except OSError as error:
    told = str(error)
"""
FILLING = {
    "files": "write(str(n))",
    "removed files": "write(str(n)); os.remove(str(n))",
    "files without a name": "write('.', os.O_TMPFILE | os.O_RDWR)",
    "replaced files": "write(str(n)); os.replace(str(n), 'same')",
    "folders": "os.mkdir(str(n)); write(f'{n}/x')",
    "a hidden folder": "os.mkdir(str(n), 0); os.umask(0o777); write(str(n) + 'x')",
}


@pytest.mark.parametrize("how", FILLING)
def test_the_disk_cannot_be_filled(patient, level, how):
    """With a file system of its own a run sees a full disk; else it is ended when it has written too much."""
    result = patient(FILL.format(how=FILLING[how]), "import time\ntime.sleep(0.2)")
    if result.dead is not None:
        assert level is Level.LANDLOCK and "disk limit" in result.dead.failure.message
    else:
        assert result.value("n").value <= 6
        assert len(result.value("told").value) > 0


@pytest.mark.parametrize(
    "make", ["open(str(n), 'w').close()", "os.mkdir(str(n))", "os.mkdir('x'); os.chdir('x')"]
)
def test_files_without_content_are_limited_too(patient, level, make):
    result = patient(
        f"import os\nn = 0\ntry:\n    while n < 10**5:\n        {make}\n        n += 1\n"
        "except OSError:\n    pass",
        "import time\ntime.sleep(0.2)",
    )
    if level is Level.LANDLOCK:
        assert result.dead is not None and "disk limit" in result.dead.failure.message
    else:
        assert 1000 < result.value("n").value < 10_000


def test_one_file_has_a_largest_size(level):
    source = (
        "try:\n    with open('x', 'wb') as file:\n        file.truncate(2_000_000)\n"
        "except OSError as e:\n    told = str(e)"
    )
    with Sandbox(level, replace(QUICK, file_bytes=10**6)) as sandbox, sandbox.start(cells(source)) as result:
        assert "too large" in result.value("told").value


def test_open_files_are_limited(patient):
    source = (
        "n, kept = 0, []\ntry:\n    while n < 5000:\n        kept.append(open('/dev/null'))\n        n += 1\n"
        "except OSError as error:\n    told = str(error)\ndel kept"
    )
    result = patient(source)
    assert result.value("n").value < 256
    assert "Too many open files" in result.value("told").value


def test_threads_are_limited(patient, level):
    source = (
        "import threading, time\nthreading.stack_size(32768)\nstop = threading.Event()\nn = 0\n"
        "try:\n    while n < 2000:\n"
        "        threading.Thread(target=stop.wait, daemon=True).start()\n        n += 1\n"
        "except RuntimeError:\n    pass\ntime.sleep(0.1)\nstop.set()"
    )
    result = patient(source)
    if result.dead is not None:  # where a user's threads cannot be limited for one run, the keeper counts
        assert level is Level.LANDLOCK and "thread limit" in result.dead.failure.message
    else:
        assert 8 <= result.value("n").value < 100


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
