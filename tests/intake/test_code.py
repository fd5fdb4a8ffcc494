"""IPython syntax becomes Python that a plain interpreter runs; what an instructor should see is flagged."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from autograder.intake.code import Code
from tests.intake.notebooks import CORR2D, added, cell, keeps_all_answers, messages, solved, take


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("%matplotlib inline\nx = 1", "get_ipython().run_line_magic('matplotlib', 'inline')\nx = 1"),
        ("!pip install scipy", "get_ipython().system('pip install scipy')"),
        ("?print", "get_ipython().run_line_magic('pinfo', 'print')"),
        ("files = !ls", "files = get_ipython().getoutput('ls')"),
        ("%%bash\nls", "get_ipython().run_cell_magic('bash', '', 'ls\\n')"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        (">>> x = 1", "x = 1"),
    ],
)
def test_ipython_syntax_becomes_python(source, part):
    assert part in Code(source).python
    ast.parse(Code(source).python)


@pytest.mark.parametrize("magic", ["%%time", "%%capture out --no-stderr", "%%prun -s cumtime", "\n%%time "])
def test_a_function_under_a_timing_magic_is_not_lost(magic):
    code = Code(f"{magic}\n{CORR2D}")
    assert "corr2d" in code.names
    assert code.python.count("\n") == code.source.count("\n")  # line numbers stay


def test_a_timed_line_still_runs():
    assert Code("%time x = f(3)\ny = 1").python == "x = f(3)\ny = 1"


def test_python_is_left_exactly_as_it_is():
    source = "\n\n\ndef f(x):\n    return x % 2  # %time\n"
    assert Code(source).python == source


def test_line_numbers_stay_after_leading_blank_lines():
    assert Code("\n\n!ls\nx = 1").python.splitlines()[3] == "x = 1"


HOSTILE = [
    "(" * 50_000,
    "-" * 150_000 + "1",
    "+".join(["a"] * 90_000),
    "a" + ".b" * 70_000,
    "9" * 100_000,
    "f'{" * 100,
    "\\\n" * 50_000,
    "!ls\n" * 3_000,
    "x = !ls\n" * 5_000,
    "!ls\n" * 400 + "x = 1\n" * 20_000,
    "%" * 1000,
    '"""',
    "\x00",
    "\x0c\x0b!x",
    "x" * 300_000,
    "??",
    "%%",
    "!",
    "\ufeff!ls",
]


def test_hostile_text_costs_little_work_and_never_raises():
    """In a process of its own, where a crash of the parser or 300 seconds of work end that and not pytest."""
    program = (
        "import json, resource, sys; resource.setrlimit(resource.RLIMIT_CPU, (300, 300))\n"
        "from autograder.intake.code import Code\n"
        "for source in json.load(sys.stdin):\n"
        "    code = Code(source)\n"
        "    code.python, code.names, code.reads, code.fingerprint, code.flags()\n"
        "    code.empty, code.only_checks\n"
        "print('done')"
    )
    given = json.dumps(HOSTILE)
    done = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, text=True)
    assert done.stdout == "done\n", (done.returncode, done.stderr)


def test_translating_a_notebook_of_nothing_but_magics_is_given_up():
    notebook = solved()
    notebook["cells"] += [added("!ls\n" * 400)] * 500
    intake = take(notebook)
    assert keeps_all_answers(intake)
    translated = [item for item in intake.cells if item.source.startswith("get_ipython()")]
    assert 0 < len(translated) < 10  # all of them would take half an hour


def test_names_bound_in_blocks_count_and_those_inside_functions_do_not():
    source = (
        "if True:\n    def a(): b = 1\nfor c, d in []: pass\nimport e.f, g as h\nwith x as i: pass\nj: int"
    )
    assert Code(source).names == set("acdehij")


def test_layout_and_comments_do_not_make_a_difference():
    assert Code("x=[1,\n2] # a").fingerprint == Code("x = [1, 2]").fingerprint
    assert Code("x = 1").fingerprint != Code("x = 2").fingerprint


# Flags


@pytest.mark.parametrize(
    ("source", "flag"),
    [
        ("import torch", "imports torch"),
        ("import torch.nn.functional as F", "imports torch"),
        ("def f():\n    from scipy import signal", "imports scipy"),
        ("import cv2 as c, os", "imports cv2"),
        ("from skimage.filters import sobel", "imports skimage"),
        ("y = np.correlate(x, k)", "uses np.correlate"),
        ("import numpy as N\nN.convolve(x, k)", "uses np.convolve"),
        ("from numpy import convolve as c", "uses np.convolve"),
        ("!rm -rf /", "runs the shell command 'rm -rf /'"),
        ("x = !ls", "runs the shell command 'ls'"),
        ("%%bash\nls", "uses the magic %bash"),
        ("%run other.py", "uses the magic %run"),
        ("%load other.py", "uses the magic %load"),
    ],
)
def test_what_an_instructor_should_see_is_flagged_with_its_place(source, flag):
    notebook = solved()
    notebook["cells"].append(added(source))
    intake = take(notebook)
    assert f"{flag} in cell 13" in messages(intake, "flag")
    assert keeps_all_answers(intake)


def test_a_flag_names_the_exercise():
    notebook = solved()
    cell(notebook, "corr1d")["source"] = (
        "# exercise: corr1d\ndef corr1d(x, k):\n    return np.correlate(x, k)"
    )
    assert messages(take(notebook), "flag") == ["uses np.correlate in cell 6 (exercise corr1d)"]


@pytest.mark.parametrize(
    "source", ["torch = 1", "correlate(x)", "# import torch", "x.convolve(y)", "%matplotlib inline"]
)
def test_honest_code_is_not_flagged(source):
    assert Code(source).flags() == []


def test_a_flag_cannot_write_to_the_terminal():
    notebook = solved()
    notebook["cells"].append(added("!echo \x1b[2J\u202e"))
    assert all("\x1b" not in message and "\u202e" not in message for message in messages(take(notebook)))
