"""What a report may say of a wrong answer: no name because of just any error, no advice that is not true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

import cs_utils.exercises
from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, Tolerance, case
from cs_utils.checking.compare import compare
from cs_utils.checking.evaluate import Verdict
from cs_utils.checking.report import to_text
from tests.checking.sample import judged

# --- errors as evidence -------------------------------------------------------------------------------------


def _row_sums(x: torch.Tensor) -> torch.Tensor:
    return x.sum(1)


def _taken_to_be_square(x: torch.Tensor) -> torch.Tensor:
    if x.shape[0] != x.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return x.sum(1)


def _column_sums(x: torch.Tensor) -> torch.Tensor:
    if x.shape[0] > x.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return x.sum(0)[: x.shape[0]]


def _shapes(*shapes: tuple[int, int]) -> object:
    return lambda rng: [case(rng.standard_normal(shape)) for shape in shapes]


SQUARE, OBLONG = "square", "not square"
ROW_SUMS = Exercise(
    name="row_sums",
    notebook="00_test",
    asked="an array",
    reference=_row_sums,
    groups=(
        Group(SQUARE, 1, _shapes((2, 2), (3, 3))),
        Group(OBLONG, 1, _shapes((3, 2), (4, 3))),
    ),
    misconceptions=(
        Misconception("taken to be square", "It is not.", _taken_to_be_square, (OBLONG,)),
        Misconception("columns", "Rows.", _column_sums, (SQUARE, OBLONG)),
    ),
    advice={SQUARE: "Add along a row.", OBLONG: "Square ones are right: which size is used for which axis?"},
)


def named(verdict: Verdict) -> list[set[str]]:
    """The mistakes named in each group."""
    return [{f.title for f in group.findings if f.kind == "misconception"} for group in verdict.groups]


def row_sums(line: str, exercise: Exercise = ROW_SUMS) -> Verdict:
    return judged(exercise, f"def row_sums(x):\n    high, wide = x.shape\n    {line}\n")


def test_an_error_of_the_known_kind_in_just_the_known_groups_is_named():
    assert named(row_sums("return (x + np.zeros((high, high))).sum(1)")) == [set(), {"taken to be square"}]


@pytest.mark.parametrize(
    "line",
    [
        "if high != wide: raise ValueError('my own trouble')\n    return x.sum(1)",
        "if high != wide:\n        raise ValueError('could not be broadcast')\n    return x.sum(1)",
        "return x.reshape(high, high).sum(1)",
        "return x.sum(1) + np.zeros(high + (high != wide) + (high == 2))",
    ],
    ids=[
        "a raise of one's own",
        "one with the same words",
        "another kind of error",
        "other groups fail, too",
    ],
)
def test_an_error_alone_names_no_mistake_on_a_guess(line):
    verdict = row_sums(line)
    assert not verdict.passed and not any(named(verdict))


def test_an_error_that_no_line_of_the_students_raised_names_no_mistake():
    signature = replace(
        ROW_SUMS,
        misconceptions=(
            Misconception(
                "every call ends in a TypeError",
                "?",
                lambda x: torch.Tensor.sum(x, no_such=1),
                (SQUARE, OBLONG),
            ),
        ),
    )
    assert named(judged(signature, "def row_sums(x):\n    return len(x, 1)\n"))[0]
    assert not any(named(judged(signature, "def row_sums():\n    return 1\n")))


def test_a_mistake_that_numbers_show_in_one_group_is_named_where_it_raises():
    """Although a third group fails for another reason."""
    exercise = replace(ROW_SUMS, groups=(*ROW_SUMS.groups, Group("one row", 1, _shapes((1, 3), (1, 4)))))
    line = "return x.sum(0)[:high] + np.zeros(high) if high > 1 else -x.sum(1)"
    assert named(row_sums(line, exercise)) == [{"columns"}, {"columns"}, set()]


def test_an_error_names_no_mistake_that_would_have_failed_a_group_that_passes():
    columns = replace(ROW_SUMS, misconceptions=ROW_SUMS.misconceptions[1:])
    verdict = row_sums("return (x + np.zeros((high, high))).sum(1)", columns)
    assert verdict.groups[0].passed and not any(named(verdict))


def test_a_mistake_of_refusing_is_named_by_a_raise_of_the_students_own():
    def refused(limit):
        def reference(x):
            if len(x) < limit:
                raise ValueError("too few")
            return x.sum(1)

        return reference

    exercise = replace(
        ROW_SUMS,
        reference=refused(2),
        groups=(Group("sizes", 1, _shapes((1, 2), (2, 2), (3, 3))),),
        misconceptions=(Misconception("two rows are refused", "Not two.", refused(3), ("sizes",)),),
        advice={},
    )
    verdict = row_sums("if high < 3: raise ValueError('too few')\n    return x.sum(1)", exercise)
    assert named(verdict) == [{"two rows are refused"}]


# --- advice -------------------------------------------------------------------------------------------------


def hints(verdict: Verdict) -> list[list[str]]:
    return [[finding.hint for finding in group.findings] for group in verdict.groups]


def test_advice_is_given_for_the_first_failing_group_only():
    """Advice for a later group may say that the ones before it are right."""
    assert hints(row_sums("return x.sum(1) + 0.01 * x[:, 0]")) == [["Add along a row."], [""]]
    only_later = row_sums("return x.sum(1) + 0.01 * x[:, 0] * (high != wide)")
    assert hints(only_later)[1] == [ROW_SUMS.advice[OBLONG]]


@pytest.mark.parametrize(
    "returned",
    ["x.sum(1), 1", "None", "'text'", "x.sum(1).astype(object)", "x.sum(1) + 0j", "row_sums.missing"],
)
def test_what_is_no_array_at_all_draws_no_advice_on_numbers(returned):
    report = to_text(row_sums(f"return {returned}"))
    assert not any(advice in report for advice in ROW_SUMS.advice.values())


def test_an_error_that_cannot_be_read_draws_no_advice():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    import tests.checking.sample as sample

    def breaks(x, k, stride=1):
        if stride > 1:
            raise Broken
        return sample.correct(x, k)

    assert hints(sample.run(breaks))[1] == [""]


# --- said once, and in words of the notebook ----------------------------------------------------------------


def _pairs(rng: np.random.Generator, *sizes: int) -> Iterator[Case]:
    for size in sizes:
        yield case(rng.standard_normal((size, 3)), rng.standard_normal(3))


SCALE = Exercise(
    name="scale_forward",
    notebook="00_test",
    asked="out and cache",
    parts=("out", "cache"),
    reference=lambda x, w: (x * w, ANYTHING),
    groups=(
        Group("small", 1, lambda rng: _pairs(rng, 2)),
        Group("large", 1, lambda rng: _pairs(rng, 4)),
        Group("views", 1, lambda rng: _pairs(rng, 5), probe="not_contiguous"),
    ),
)


def scale(line: str, exercise: Exercise = SCALE) -> Verdict:
    return judged(exercise, f"def scale_forward(x, w):\n    {line}\n")


@pytest.mark.parametrize(
    "line", ["return x * w", "return (x * w).sum(), 0", "return x + np.zeros(len(x) + 9), 0"]
)
def test_one_thing_to_look_at_is_said_once_whatever_the_shapes(line):
    report = to_text(scale(line), width=300)
    assert "in all 3 failing groups" in report
    assert report.count("in “") == 0


def test_nobody_is_asked_for_anything():
    report = to_text(scale("raise IndexError('here')"), width=300)
    assert "Expected: out: shape (2, 3); cache: not looked at here" in report and "anything" not in report


def test_a_case_with_views_is_written_as_one():
    verdict = scale("assert x.flags.c_contiguous\n    return x * w, 0")
    call = "x, w = (  # views\n      np.repeat(array, 2, axis=-1)[..., ::2] for array in [x, w]\n  )"
    assert call in to_text(verdict)


def test_a_single_number_is_not_one_of_one_numbers():
    single = replace(SCALE, groups=(Group("single", 1, lambda rng: [case(np.ones((1, 1)), np.ones(1))]),))
    report = to_text(scale("return 2 * x * w + 1e-3, 0", single))
    assert "the number of out differs" in report


@pytest.mark.parametrize("given", [np.array([0.5, 2.0]), [0.5, 2.0], np.array([0.5, 2.0], dtype=np.float32)])
def test_an_array_or_a_list_counts_as_the_numbers_that_it_holds(given):
    for expected in ((0.5, 2.0), (np.array(0.5), np.array(2.0))):
        assert compare(Outcome(given), Outcome(expected), Tolerance()) is None
    for wrong in (np.array([0.5, 2.1]), np.array([0.5]), np.array([[0.5, 2.0]])):
        assert compare(Outcome(wrong), Outcome((0.5, 2.0)), Tolerance()) is not None


# --- which case is shown ------------------------------------------------------------------------------------


def test_a_case_with_numbers_is_shown_rather_than_a_smaller_one_without():
    judged_group = Group("shapes", 1, lambda rng: _pairs(rng, 1), judge=lambda given, outcome: "dx: no")
    exercise = replace(SCALE, groups=(judged_group, *SCALE.groups))
    report = to_text(scale("return x + w, 0", exercise))
    assert "from the group “small”" in report and "Where they differ" in report


def test_a_case_that_can_be_written_out_is_shown_rather_than_a_smaller_one_that_cannot():
    def large(rng: np.random.Generator) -> list[Case]:
        return [case(rng.standard_normal((22, 3)), rng.standard_normal(3))]

    def many(rng: np.random.Generator) -> list[Case]:
        return [case(rng.standard_normal((20, 3)), rng.standard_normal((20, 3)))]

    exercise = replace(SCALE, groups=(Group("large", 1, large), Group("many", 1, many)))
    assert "from the group “many”" in to_text(scale("return x + w, 0", exercise))


# --- a forward and its backward -----------------------------------------------------------------------------

FORWARD = "def scale_forward(x, w):\n    return x * w, (x, w)\n"
BACKWARD = "def scale_backward(dout, cache):\n    x, w = cache\n    return dout * w, (dout * x).sum(axis=0)\n"
SCALE_BACKWARD = Exercise(
    name="scale_backward",
    notebook="00_test",
    asked="dx and dw",
    parts=("dx", "dw"),
    probe="own_cache",
    documented=lambda x, w: (x, w),
    reference=lambda dout, x, w: (dout * w, (dout * x).sum(0)),
    groups=tuple(
        Group(name, 1, lambda rng, n=n: [case(*(rng.standard_normal(s) for s in ((n, 3), (n, 3), (3,))))])
        for name, n in (("two", 2), ("four", 4))
    ),
)


@pytest.fixture
def forward_is_an_exercise(monkeypatch):
    monkeypatch.setattr(cs_utils.exercises, "exercises", lambda: {"scale_forward": SCALE})


def backward(old: str, new: str, **options: object) -> Verdict:
    code = FORWARD + BACKWARD
    assert old in code
    return judged(SCALE_BACKWARD, code.replace(old, new), **options)


@pytest.mark.usefixtures("forward_is_an_exercise")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return x * w, (x, w)", "x = x + 1\n    return x * w, (x, w)"),
        ("return x * w, (x, w)", "return x * w"),
        ("return x * w, (x, w)", "return x.no_such, (x, w)"),
    ],
)
def test_where_the_forward_is_wrong_its_cache_is_not_accused(old, new):
    verdict = backward(old, new)
    assert verdict.passed
    assert verdict.remarks[0].startswith(
        "scale_forward does not pass its own check yet, so the cache that it"
    )


@pytest.mark.usefixtures("forward_is_an_exercise")
@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("(w, x)", "your scale_forward makes: compare"),
        ("(x,)", "(a tuple of fewer values)"),
        ("None", "(None where a tuple was asked for)"),
        ("x", "(an array where a tuple was asked for)"),
        ("str(x)", "(a text where a tuple was asked for)"),
        ("print", "(something else where a tuple was asked for)"),
    ],
)
def test_a_wrong_cache_of_a_right_forward_is_described_in_words(cache, said):
    verdict = backward("* w, (x, w)", f"* w, {cache}")
    assert verdict.passed and len(verdict.remarks) == 1
    assert said in verdict.remarks[0] and verdict.remarks[0].endswith("No points are lost for that.")


@pytest.mark.parametrize("wrong", ["dout * w * (1 + (len(x) > 2))", "dout + w"])
def test_where_points_are_lost_nothing_is_said_of_points_that_are_not(wrong):
    verdict = judged(
        SCALE_BACKWARD, FORWARD.replace("(x, w)\n", "(w, x)\n") + BACKWARD.replace("dout * w", wrong)
    )
    assert not verdict.passed and verdict.remarks == ()


def test_a_forward_that_came_with_the_course_is_not_yours():
    verdict = backward("* w, (x, w)", "* w, (w, x)", ready_made={"scale_forward"})
    assert "your" not in verdict.remarks[0] and "scale_forward of cs_utils.layers" in verdict.remarks[0]


def test_a_case_that_was_asked_with_the_prescribed_cache_is_shown_with_it():
    wrong = BACKWARD.replace("dout * w,", "dout * w + 1,")
    with_own = judged(SCALE_BACKWARD, FORWARD + wrong)
    assert "cache = scale_forward(x, w)[1]" in to_text(with_own)
    with_prescribed = judged(SCALE_BACKWARD, FORWARD.replace("(x, w)\n", "(w, x)\n") + wrong)
    assert "cache = (x, w)  # as the text prescribes it" in to_text(with_prescribed)


def test_only_what_a_function_got_itself_is_said_to_be_changed_by_it():
    def changes(line: str) -> tuple[str, ...]:
        return judged(
            SCALE_BACKWARD, FORWARD + BACKWARD.replace("cache\n    return", f"cache\n    {line}\n    return")
        ).remarks

    assert "It changes dout in place" in changes("dout *= 1.0000001")[0]
    assert "It, or scale_forward before it, changes w in place" in changes("w *= 1.0000001")[0]
