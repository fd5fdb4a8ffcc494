"""What the engine promises: right is right in every style, wrong is never right, no blame on a guess."""

from __future__ import annotations

import linecache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cs_utils.checking import Failure, Odd, Outcome, Tolerance, observe
from cs_utils.checking.compare import compare, part_name
from cs_utils.checking.outcome import plain
from cs_utils.checking.report import to_text
from tests.checking.sample import CORR, correct, run


def finding(verdict, group=0):
    (found,) = verdict.groups[group].findings
    return found


def titles(function):
    return [tuple(found.title for found in group.findings) for group in run(function).groups]


@pytest.mark.parametrize(
    "style",
    [
        correct,
        lambda x, k, **options: correct(x, k, **options).astype(np.float32),
        lambda x, k, **options: np.asfortranarray(correct(x, k, **options)),
        lambda x, k, stride=1: correct(x, k, stride=stride)[:, ::-1][:, ::-1],
    ],
    ids=["float64", "float32", "F order", "a view"],
)
def test_every_correct_style_gets_all_points(style):
    verdict = run(style)
    assert verdict.passed and verdict.points == verdict.max_points == 3


def test_an_unwritten_function_gets_nothing_and_is_called_unwritten():
    def stub(x, k, *, stride=1):
        raise NotImplementedError("write corr2d")

    verdict = run(stub)
    assert verdict.points == 0 and verdict.untouched and titles(stub) == [("not written yet",)] * 2


def test_a_known_mistake_is_named_in_every_group_it_fails():
    assert (
        titles(lambda x, k, stride=1: correct(x, k[::-1, ::-1], stride=stride))
        == [("the kernel is flipped",)] * 2
    )


def test_points_are_given_group_by_group():
    verdict = run(lambda x, k, stride=1: correct(x, k))
    assert verdict.points == 2 and verdict.groups[0].passed
    assert finding(verdict, 1).title == "the stride is ignored"


def test_two_mistakes_at_once_are_named_group_by_group():
    def both(x, k, stride=1):
        return correct(x, k) if stride > 1 else correct(x, k[::-1, ::-1])

    assert titles(both) == [("the kernel is flipped",), ("the stride is ignored",)]


def test_nobody_is_blamed_on_a_guess():
    def nearly_flipped(x, k, stride=1):
        out = correct(x, k[::-1, ::-1], stride=stride)
        out[0, 0] += 0.01
        return out

    assert all(group.findings[0].kind != "misconception" for group in run(nearly_flipped).groups)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda x, k, stride=1: None, "none"),
        (lambda x, k, stride=1: correct(x, k, stride=stride).T, "transposed"),
        (lambda x, k, stride=1: -correct(x, k, stride=stride), "sign"),
        (lambda x, k, stride=1: 3 * correct(x, k, stride=stride), "factor"),
        (lambda x, k, stride=1: correct(x, k, stride=stride)[None], "extra_axis"),
        (lambda x, k, stride=1: correct(x, k, stride=stride).tolist(), "type"),
        (lambda x, k, stride=1: np.pad(correct(x, k, stride=stride), 1), "larger"),
        (lambda x, k, stride=1: correct(x, k, stride=stride)[:-1], "smaller"),
        (lambda x, k, stride=1: correct(x, k, stride=stride)[:0], "empty"),
        (lambda x, k, stride=1: correct(x, k, stride=stride) * np.nan, "nan"),
        (lambda x, k, stride=1: torch.from_numpy(correct(x, k, stride=stride)), "odd"),
        (lambda x, k, stride=1: np.ma.masked_all_like(correct(x, k, stride=stride)), "odd"),
        (lambda x, k, stride=1: correct(x, k, stride=stride).astype(object), "odd"),
        (lambda x, k, stride=1: correct(x, k, stride=stride).astype(complex), "dtype"),
        (lambda x, k, stride=1: (correct(x, k, stride=stride), 1), "type"),
        (lambda x, k, stride=1: (row for row in correct(x, k, stride=stride)), "odd"),
        (lambda x, k, stride=1: 1 / 0, "raised"),
    ],
)
def test_what_is_seen_is_said(wrong, kind):
    verdict = run(wrong)
    assert verdict.points == 0
    assert {found.kind for group in verdict.groups for found in group.findings} == {kind}


def test_wrong_only_at_the_border_is_seen():
    def border(x, k, stride=1):
        out = correct(x, k, stride=stride)
        out[0] += 1
        return out

    assert finding(run(border)).kind == "border"


def test_an_object_that_equals_everything_is_never_right():
    class Yes(np.ndarray):
        def __eq__(self, other):
            return True

    assert run(lambda x, k, stride=1: correct(x, k, stride=stride).view(Yes)).points == 0


def test_an_exception_with_a_broken_str_is_reported():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    def function(x, k, stride=1):
        raise Broken

    assert "Broken" in finding(run(function)).title


def test_sys_exit_and_keyboard_interrupt_lookalikes_do_not_end_the_check():
    def function(x, k, stride=1):
        raise SystemExit(0)

    assert run(function).points == 0


def test_changing_an_input_costs_nothing_but_is_mentioned():
    def changes(x, k, stride=1):
        out = correct(x, k, stride=stride)
        x[:] = 0
        return out

    verdict = run(changes)
    assert verdict.passed and "changes x in place" in verdict.remarks[0]


def test_changing_a_list_or_a_dictionary_is_mentioned_too():
    def pops(layers, options):
        options.pop("stride")
        layers[0].append(1)

    outcome = observe(pops, ([[1], [2]], {"stride": 1}), {}, ("layers", "options"))
    assert outcome.changed == ("layers", "options")


def test_a_pair_is_compared_and_shown_as_a_whole_and_parts_have_names():
    difference = compare(Outcome((0, 1)), Outcome((2, 1)), Tolerance())
    assert difference is not None and difference.message == "returned (0, 1), expected (2, 1)"
    assert part_name((1,), ("dx", "dw")) == "dw" and part_name((0, 2), ()) == "value 1, number 3"


def test_the_line_of_an_error_names_the_function_it_stands_in():
    cell = "def helper(x):\n    return x[9]\ndef corr2d(x, k, stride=1):\n    return helper(x)"
    linecache.cache["<cell 9>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 9>")
    exec(compile(cell, "<cell 9>", "exec"), names := {})
    verdict = run(names["corr2d"])
    failure = verdict.groups[0].results[0].actual.failure
    assert (failure.line_number, failure.line, failure.function) == (2, "return x[9]", "helper")
    assert "line 2 of helper" in to_text(verdict)


def test_warnings_and_prints_cost_nothing(capfd):
    import sys
    import warnings

    def chatty(x, k, stride=1):
        print("hello")
        print("hello", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return correct(x, k, stride=stride)

    assert run(chatty).passed
    assert capfd.readouterr() == ("", "")


def test_the_same_seed_gives_the_same_cases_and_another_seed_others():
    group = CORR.groups[0]
    one, same, other = (CORR.cases(group, seed) for seed in (1, 1, 2))
    assert np.array_equal(one[0].args[0], same[0].args[0])
    assert not np.array_equal(one[1].args[0], other[1].args[0])


def test_a_crash_costs_the_exercise_and_says_so():
    from cs_utils.checking.evaluate import evaluate

    answers = iter(
        [Outcome(value=np.zeros((2, 3))), Outcome(failure=Failure("crashed", message="(SIGSEGV)"))]
    )
    verdict = evaluate(CORR, 0, lambda exercise, given: next(answers))
    assert verdict.points == 0 and verdict.lost is not None and verdict.groups[1].skipped


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e3, 1e3)))
def test_an_array_equals_itself_and_no_visibly_changed_copy(array):
    assert compare(Outcome(array), Outcome(array), Tolerance()) is None
    changed = array.copy()
    changed.flat[-1] += 0.1 * max(1, np.abs(array).max())
    assert compare(Outcome(changed), Outcome(array), Tolerance()) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_gives_plain_data_or_odd_for_anything(value):
    def only_plain(item):
        if isinstance(item, tuple | list):
            return all(map(only_plain, item))
        if isinstance(item, dict):
            return all(map(only_plain, item.values()))
        return item is None or type(item) in (bool, int, float, str, Odd, np.ndarray)

    assert only_plain(plain(value))
