"""What `check` promises in a notebook."""

from __future__ import annotations

import contextlib
import linecache
import math
from dataclasses import replace

import pytest

import cs_utils.exercises
from cs_utils.checking import notebook
from cs_utils.checking.notebook import check, plain_points, when_done
from tests.checking.sample import CORR, correct


@pytest.fixture(autouse=True)
def sample_exercises(monkeypatch):
    known = {"corr2d": CORR, "twice": replace(CORR, name="twice")}
    monkeypatch.setattr(cs_utils.exercises, "exercises", lambda: known)
    monkeypatch.setattr(notebook, "_failing", {})
    monkeypatch.setattr(notebook, "_passed", set())


def corr2d(x, k, *, stride=1):
    return correct(x, k, stride=stride)


def test_the_value_of_a_check_is_its_points_as_a_plain_float(capsys):
    points = check(corr2d)
    assert type(points) is float and repr(points) == "3.0"
    assert "All 2 groups pass" in capsys.readouterr().out


@pytest.mark.parametrize(
    "definition", ["twice = corr2d", "twice = lambda x, k, stride=1: corr2d(x, k, stride=stride)"]
)
def test_a_check_means_the_name_that_is_written(definition, capsys):
    """`twice = corr2d` and lambdas have another ``__name__``."""
    cell = f"{definition}\npoints = check(twice)"
    linecache.cache["<cell 1>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 1>")
    names = {"check": check, "corr2d": corr2d}
    exec(compile(cell, "<cell 1>", "exec"), names)
    assert names["points"] == 3.0 and capsys.readouterr().out.startswith("twice")


def test_a_function_that_calls_a_failing_one_is_told_so(capsys):
    names = {"check": check, "correct": correct}
    exec("def corr2d(x, k, stride=1): return -correct(x, k, stride=stride)", names)
    exec("def twice(x, k, stride=1): return corr2d(x, k, stride=stride)", names)
    check(corr2d=names["corr2d"])
    check(twice=names["twice"])
    assert "It calls corr2d, which does not pass its own check yet" in capsys.readouterr().out


def test_a_repaired_function_is_blamed_no_more(capsys):
    names = {"check": check, "correct": correct}
    exec("def corr2d(x, k, stride=1): return -correct(x, k, stride=stride)", names)
    check(corr2d=names["corr2d"])
    exec("def corr2d(x, k, stride=1): return correct(x, k, stride=stride)", names)
    exec("def twice(x, k, stride=1): return 2 * corr2d(x, k, stride=stride)", names)
    check(twice=names["twice"])
    assert "It calls corr2d" not in capsys.readouterr().out


def test_a_function_whose_helper_is_unwritten_is_not_called_unwritten(capsys):
    cell = "def corr2d(x, k, stride=1): raise NotImplementedError\n"
    cell += "def twice(x, k, stride=1): return corr2d(x, k)"
    linecache.cache["<cell 2>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 2>")
    exec(compile(cell, "<cell 2>", "exec"), names := {})
    check(twice=names["twice"])
    told = capsys.readouterr().out
    assert "calls corr2d, which is not written yet" in told and "Not started" not in told


def test_an_endless_loop_ends_with_a_sentence(capsys, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(
        cs_utils.exercises, "exercises", lambda: {"corr2d": replace(CORR, seconds_per_call=0.2)}
    )

    def endless(x, k, stride=1):
        while True:
            with contextlib.suppress(Exception):
                stride += 1

    assert check(corr2d=endless) == 0.0
    assert "did not finish in time" in capsys.readouterr().out


def test_prints_are_swallowed_and_the_student_is_told_so(capsys):
    def talks(x, k, stride=1):
        print("shape", x.shape)
        return correct(x, k, stride=stride)

    assert check(corr2d=talks) == 3.0
    told = capsys.readouterr().out
    assert "shape (3, 4)" not in told and "What it prints is not shown here" in told


def test_nothing_that_a_function_does_makes_check_raise(capsys):
    class Rude:
        __code__ = property(lambda self: 1 / 0)

        def __call__(self, *args, **kwargs):
            raise SystemExit

    for rude in (Rude(), len, type, iter):
        assert check(corr2d=rude) == 0.0


@pytest.mark.parametrize("arguments", [((), {}), ((corr2d, corr2d), {}), ((corr2d,), {"corr2d": corr2d})])
def test_checking_several_things_or_none_says_what_to_write(arguments):
    with pytest.raises(TypeError, match="one thing at a time"):
        check(*arguments[0], **arguments[1])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="corr2d, twice"):
        check(len)


def test_under_grading_a_check_does_nothing(monkeypatch, capsys):
    monkeypatch.setenv("CS_UTILS_GRADING", "1")
    assert check(corr2d) == 0.0 and capsys.readouterr().out == ""


@pytest.mark.parametrize(("points", "expected"), [(math.nan, 0.0), (-1, 0.0), (9, 3.0), (2, 2.0)])
def test_points_are_always_a_number_between_nothing_and_the_maximum(points, expected):
    assert plain_points(points, 3) == expected


def test_an_experiment_waits_for_its_function_without_stopping_the_notebook(capsys):
    with when_done("corr2d"):
        raise NotImplementedError
    with when_done("corr2d"):
        raise ZeroDivisionError("by zero")
    with pytest.raises(KeyboardInterrupt), when_done("corr2d"):
        raise KeyboardInterrupt
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "This needs corr2d: come back when it passes its check."
    assert told[1].startswith("corr2d is not right yet: ZeroDivisionError: by zero")


def waits_for(*names):
    with when_done(*names):
        raise NotImplementedError


def test_an_experiment_names_only_what_has_not_passed_yet(capsys):
    check(corr2d)
    capsys.readouterr()
    waits_for("corr2d", "twice")
    waits_for("corr2d")
    waits_for("conv1d", "twice")
    assert capsys.readouterr().out.splitlines() == [
        "This needs twice: come back when it passes its check.",
        "This needs corr2d: come back when it passes its check.",
        "This needs conv1d and twice: come back when they pass their checks.",
    ]


def test_what_passed_once_and_fails_now_is_missing_again(capsys):
    check(corr2d)
    check(corr2d=lambda x, k, stride=1: -correct(x, k, stride=stride))
    capsys.readouterr()
    waits_for("corr2d", "twice")
    assert capsys.readouterr().out == "This needs corr2d and twice: come back when they pass their checks.\n"


def test_an_experiment_with_a_function_that_fails_its_check_says_so(capsys):
    def runs():
        with when_done("corr2d", "twice"):
            print("seen")
        return capsys.readouterr().out.splitlines()

    check(twice=lambda x, k, stride=1: -correct(x, k, stride=stride))
    capsys.readouterr()
    assert runs() == [
        "seen",
        "twice did not pass its check yet: this may differ from what the text says.",
    ]
    check(twice=corr2d)
    capsys.readouterr()
    assert runs() == ["seen"]


def test_an_error_in_an_experiment_is_not_blamed_on_what_has_passed(capsys):
    check(corr2d)
    capsys.readouterr()
    with when_done("corr2d", "twice"):
        raise ZeroDivisionError
    assert capsys.readouterr().out.startswith("twice is not right yet")


def test_a_cell_that_needs_an_earlier_one_says_so_and_blames_no_function(capsys):
    check(corr2d)
    capsys.readouterr()
    names = {"when_done": when_done}
    for text in (
        "with when_done('corr2d'):\n    photo",
        "with when_done('twice'):\n    [photo for _ in 'a']",
    ):
        exec(text, names)
    exec("def twice():\n    return phto\nwith when_done('twice'):\n    twice()", names)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "This needs photo, which the cells above make: run them first."
    assert told[1].endswith("run them first; one of them may wait for twice.")
    assert told[2].startswith("twice is not right yet: NameError")


def test_a_function_that_came_with_the_course_is_known():
    from cs_utils import layers

    assert notebook._is_ready_made(layers.conv2d_forward)
    assert not notebook._is_ready_made(corr2d) and not notebook._is_ready_made(None)


def test_the_forward_beside_a_backward_is_asked_by_its_own_name(capsys, monkeypatch):
    from tests.checking.test_diagnosis import BACKWARD, FORWARD, SCALE, SCALE_BACKWARD

    known = {"scale_forward": SCALE, "scale_backward": SCALE_BACKWARD}
    monkeypatch.setattr(cs_utils.exercises, "exercises", lambda: known)
    names = {"check": check}
    exec(FORWARD.replace("x * w, (x, w)", "x * w, (w, x)") + BACKWARD + "check(scale_backward)", names)
    assert "not with the one that your scale_forward makes" in " ".join(capsys.readouterr().out.split())
    exec(FORWARD.replace("x * w, (x, w)", "x + w, (w, x)") + "check(scale_backward=scale_backward)", names)
    assert "scale_forward does not pass its own check yet" in " ".join(capsys.readouterr().out.split())
