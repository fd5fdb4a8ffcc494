"""What a student's code finds around it, and what one bad cell costs."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.results import Cell
from cs_utils.checking.outcome import Odd
from tests.sandbox.conftest import call


def test_arrays_go_in_and_come_out_exactly(run):
    double = run("def double(x, *, by=2):\n    return x * by")
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    outcome = call(double, "double", x, by=3)
    assert outcome.failure is None
    assert outcome.value.dtype == np.float32
    assert np.array_equal(outcome.value, x * 3)


def test_helpers_and_imports_of_other_cells_count(run):
    both = run(
        "import numpy as np\ndef helper(x):\n    return np.sum(x)", "def total(x):\n    return helper(x)"
    )
    assert call(both, "total", np.ones(4)).value == 4.0


def test_a_cell_that_raises_is_named_and_the_others_still_run(run):
    result = run("x = 1\ny = x / 0", "def f():\n    return x", "raise SystemExit(3)", "def g(:\n  pass")
    assert [(t.index, t.number, t.exercise, t.failure.type) for t in result.troubles] == [
        (0, 1, "exercise_1", "ZeroDivisionError"),
        (2, 3, "exercise_3", "SystemExit"),
        (3, 4, "exercise_4", "SyntaxError"),
    ]
    assert (result.troubles[0].failure.line_number, result.troubles[0].failure.line) == (2, "y = x / 0")
    assert call(result, "f").value == 1


@pytest.mark.parametrize("what", ["KeyboardInterrupt", "SystemExit", "GeneratorExit", "BaseException"])
def test_no_exception_ends_the_run(run, what):
    result = run(f"raise {what}", f"def f():\n    raise {what}", "def g():\n    return 1")
    assert [trouble.failure.type for trouble in result.troubles] == [what]
    assert call(result, "f").failure.type == what
    assert call(result, "g").value == 1


def test_an_error_in_a_call_names_the_line_of_the_cell(run):
    failure = call(run("def f(x):\n    y = x + 1\n    return y[7]"), "f", np.zeros(3)).failure
    assert (failure.kind, failure.type, failure.line_number, failure.line) == (
        "raised",
        "IndexError",
        3,
        "return y[7]",
    )


def test_a_missing_function_and_a_missing_variable_are_told(run):
    result = run("n = 5")
    assert call(result, "nothing").failure.kind == "missing"
    assert "type int" in call(result, "n").failure.message
    assert result.value("nothing").failure.kind == "missing"
    assert result.value("n").value == 5


def test_a_function_overwritten_by_its_result_is_still_called(run):
    result = run("def corr(x):\n    return x + 1", "corr = corr(1)")
    assert call(result, "corr", 1).value == 2
    assert result.value("corr").value == 2


def test_the_last_function_of_a_name_is_the_one_called(run):
    result = run("def f():\n    return 1", "def f():\n    return 2")
    assert call(result, "f").value == 2


def test_a_function_of_the_instructors_cells_is_not_mistaken_for_an_answer(sandbox):
    cells = [Cell("def f():\n    return 1", "needed"), Cell("f = None", "answer", 2, "f")]
    with sandbox.start(cells) as result:
        assert call(result, "f").failure.kind == "missing"


def test_in_place_changes_and_prints_are_reported_not_punished(run):
    outcome = run("def f(x):\n    print('hello')\n    x += 1\n    return x").call(
        "f", (np.zeros(2),), {}, ("x",), 5
    )
    assert outcome.failure is None
    assert (outcome.changed, outcome.printed) == (("x",), 6)


def test_500_mb_of_output_cost_nothing(patient):
    lots = "line = 'x' * 1_000_000\nfor _ in range(500):\n    print(line)\n"
    result = patient(lots + "import os, sys\nsys.stdout.buffer.write(b'x')\nos.write(1, b'x' * 1000)\nn = 1")
    assert (result.troubles, result.dead) == ((), None)
    assert result.value("n").value == 1


def test_input_raises_at_once(run):
    assert run("input('your name?')").troubles[0].failure.type == "EOFError"


def test_what_ipython_syntax_becomes_does_no_harm(run):
    result = run(
        "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip install torch')",
        "get_ipython().run_cell_magic('time', '', 'def f():\\n    return 7')",
        "display(3)\nfrom IPython.display import display as show\nshow(3)",
        "async def g():\n    return 8\nn = await g()",
    )
    assert result.troubles == ()
    assert call(result, "f").value == 7
    assert result.value("n").value == 8


def test_plots_can_be_made(patient):
    result = patient(
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_title('edges')\n"
        "ax.imshow([[1, 2]])\n"
        "plt.savefig('figure.png')\nplt.show()\nimport os\nsize = os.path.getsize('figure.png')"
    )
    assert result.troubles == ()
    assert result.value("size").value > 1000


def test_dataclasses_and_recursion_work(patient):
    result = patient(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass P:\n    x: int = 3",
        "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)",
    )
    assert result.troubles == ()
    assert call(result, "f", 500).value == 500
    assert call(result, "f", 5000).failure.type == "RecursionError"


def test_random_numbers_are_the_same_in_every_run(run):
    source = "import random\nimport numpy as np\na = [random.random(), float(np.random.rand()), hash('x')]"
    assert run(source).value("a").value == run(source).value("a").value


def test_strange_values_come_back_as_odd(run):
    result = run(
        "def f():\n    return {1, 2}\ndef g():\n    return 10 ** 5000\ndef h():\n    return '\\ud800'"
    )
    assert call(result, "f").value == Odd("set")
    assert type(call(result, "g").value) is Odd
    assert call(result, "h").value == "?"
    assert result.alive


def test_broken_builtins_hurt_only_the_student(run, sandbox):
    result = run("import builtins\nfor name in list(vars(builtins)):\n    delattr(builtins, name)")
    assert call(result, "f").failure is not None
    assert call(run("def f():\n    return 1"), "f").value == 1
