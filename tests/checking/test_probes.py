"""Functions that a plain call does not exercise: own caches, generators, judged groups, counted work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from cs_utils.checking import (
    ANYTHING,
    Case,
    Exercise,
    Failure,
    Group,
    Misconception,
    Outcome,
    Seed,
    case,
    probes,
    report,
)
from cs_utils.checking.evaluate import GroupResult, Verdict, evaluate
from cs_utils.checking.properties import no_loop_over
from tests.checking.sample import judged


def grads(dout, x, w, b):
    return dout * w, (dout * x).sum(0), dout.sum(0)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield case(*(rng.standard_normal(shape) for shape in ((3, 2), (3, 2), (2,), (2,))))


SCALE_BACKWARD = Exercise(
    name="scale_backward",
    notebook="00_test",
    asked="dx, dw, db",
    reference=grads,
    probe="own_cache",
    documented=lambda x, w, b: (x, w),
    parts=("dx", "dw", "db"),
    groups=(Group("small", 2, _cases),),
    misconceptions=tuple(
        Misconception(name, "Look again.", predict, ("small",))
        for name, predict in {
            "dx is not multiplied by w": lambda d, x, w, b: (d, *grads(d, x, w, b)[1:]),
            "db is a mean": lambda d, x, w, b: (*grads(d, x, w, b)[:2], d.mean(0)),
            "db and dw are means": lambda d, x, w, b: (d * w, (d * x).mean(0), d.mean(0)),
        }.items()
    ),
)

FORWARD = "def scale_forward(x, w, b):\n    return x * w + b, (x, w)\n"
BACKWARD = (
    "def scale_backward(dout, cache):\n    x, w = cache\n"
    "    return dout * w, (dout * x).sum(axis=0), dout.sum(axis=0)\n"
)


def titles(verdict: Verdict) -> set[str]:
    return {finding.title for group in verdict.groups for finding in group.findings}


def test_backward_is_called_with_the_cache_of_the_students_own_forward():
    own = "def scale_forward(x, w, b):\n    return x * w + b, {'mine': (x, w)}\n"
    verdict = judged(SCALE_BACKWARD, own + BACKWARD.replace("= cache", "= cache['mine']"))
    assert verdict.passed and not verdict.remarks


@pytest.mark.parametrize(
    "forward",
    [
        "def scale_forward(x, w, b):\n    return x * w + b, (x + 1, w)\n",
        "def scale_forward(x, w, b):\n    return x * w + b, None\n",
        "def scale_forward(x, w, b):\n    return x * w + b\n",
        "def scale_forward(x, w, b):\n    raise ValueError('no')\n",
    ],
)
def test_a_wrong_forward_is_told_and_not_paid_for_in_the_backward(forward):
    verdict = judged(SCALE_BACKWARD, forward + BACKWARD)
    assert verdict.points == SCALE_BACKWARD.points
    assert "scale_forward" in verdict.remarks[0] and "No points are lost for that" in verdict.remarks[0]


@pytest.mark.parametrize(
    "forward", ["", "def scale_forward(x, w, b):\n    raise NotImplementedError('write scale_forward')\n"]
)
def test_without_a_forward_the_documented_cache_is_used_and_nobody_is_blamed(forward):
    verdict = judged(SCALE_BACKWARD, forward + BACKWARD)
    assert verdict.passed and not verdict.remarks


def test_a_forward_that_hangs_is_called_once_and_the_backward_is_still_graded():
    calls = []
    good = probes.find_in({"scale_backward": lambda d, cache: grads(d, *map(np.asarray, (*cache, 0)))})

    def call(asked: Exercise, given: Case) -> Outcome:
        calls.append(given.probe)
        if given.probe:
            return Outcome(failure=Failure("timeout", message="still running"))
        return probes.run("", asked.name, good, given.args, given.kwargs)

    twice = Exercise(
        **{
            **vars(SCALE_BACKWARD),
            "groups": (Group("a", 1, _cases), Group("b", 1, _cases)),
            "misconceptions": (),
        }
    )
    verdict = evaluate(twice, 0, call)
    assert verdict.points == 2
    assert calls == ["own_cache", "", ""]


def test_a_backward_that_hangs_loses_its_exercise():
    def call(asked: Exercise, given: Case) -> Outcome:
        return Outcome(failure=Failure("timeout"))

    verdict = evaluate(SCALE_BACKWARD, 0, call)
    assert verdict.lost is not None and verdict.points == 0


def test_an_untouched_backward_is_called_untouched_whatever_the_forward_does():
    stub = "def scale_backward(dout, cache):\n    raise NotImplementedError('write scale_backward')\n"
    assert judged(SCALE_BACKWARD, FORWARD + stub).untouched
    assert judged(SCALE_BACKWARD, stub).untouched


def test_two_mistakes_in_two_returned_values_are_both_named():
    code = BACKWARD.replace("dout * w,", "dout,").replace("dout.sum(axis=0)\n", "dout.mean(axis=0)\n")
    verdict = judged(SCALE_BACKWARD, FORWARD + code)
    assert titles(verdict) == {"dx is not multiplied by w", "db is a mean"}


def test_a_mistake_in_one_returned_value_is_named_alone():
    code = BACKWARD.replace("dout.sum(axis=0)\n", "dout.mean(axis=0)\n")
    assert titles(judged(SCALE_BACKWARD, FORWARD + code)) == {"db is a mean"}


# --- generators, judges, anything -----------------------------------------------------------------------


def _thrown(rng: np.random.Generator) -> Iterator[Case]:
    yield case(5, rng=Seed(int(rng.integers(1000))))


def _is_uniform(given: Case, outcome: Outcome) -> str | None:
    values = np.asarray(outcome.value)
    return None if values.max() < 1 and values.shape == (5,) else "not between 0 and 1"


THROW = Exercise(
    name="throw",
    notebook="00_test",
    asked="numbers",
    judge=_is_uniform,
    arguments=("count",),
    groups=(Group("range", 1, _thrown),),
    misconceptions=(
        Misconception(
            "ten times too large", "?", None, ("range",), recognise=lambda _, o: o.value.max() > 1.5
        ),
    ),
)


def test_a_function_gets_a_fresh_generator_for_a_seed():
    seen = []
    student = probes.find_in({"throw": lambda count, *, rng: seen.append(rng.random(count)) or seen[-1]})
    for _ in range(2):
        outcome = probes.run("", "throw", student, (5,), {"rng": Seed(3)}, ("count",))
        assert outcome.changed == ()
    assert np.array_equal(seen[0], seen[1])


def test_a_judged_answer_is_recognised_by_its_mistake():
    verdict = judged(THROW, "def throw(count, *, rng):\n    return 10 * rng.random(count)\n")
    assert titles(verdict) == {"ten times too large"}
    assert judged(THROW, "def throw(count, *, rng):\n    return rng.random(count)\n").passed


def test_a_judge_that_stumbles_over_an_answer_gives_no_points():
    verdict = judged(THROW, "def throw(count, *, rng):\n    return {'a': 'b'}\n")
    assert verdict.points == 0
    assert titles(verdict) == {"returned a dict with the keys 'a', which is not what was asked for"}


def test_the_cache_of_a_forward_is_the_students_own_business():
    forward = Exercise(
        name="twice_forward",
        notebook="00_test",
        asked="out, cache",
        reference=lambda x: (2 * x, ANYTHING),
        parts=("out", "cache"),
        groups=(Group("small", 1, lambda rng: [case(rng.standard_normal(3))]),),
    )
    for cache in ("None", "{1, 2}", "(x, 'x')", "open"):
        assert judged(forward, f"def twice_forward(x):\n    return 2 * x, {cache}\n").passed
    assert not judged(forward, "def twice_forward(x):\n    return 2 * x\n").passed
    assert not judged(forward, "def twice_forward(x):\n    return x, 2 * x\n").passed


def test_a_lifted_group_expects_of_the_reference_what_the_probe_does_with_the_student(monkeypatch):
    def calls_in_a_row(student, name, xs):
        return [student(name)(x) for x in xs]

    monkeypatch.setitem(probes.PROBES, "in_a_row", calls_in_a_row)
    lift = lambda function: lambda xs: [function(x) for x in xs]  # noqa: E731
    group = Group(
        "in a row", 1, lambda rng: [case([rng.standard_normal(2) for _ in range(3)])], "in_a_row", lift
    )
    exercise = Exercise(
        name="root",
        notebook="00_test",
        asked="roots",
        reference=lambda x: torch.exp(x),
        groups=(group,),
        misconceptions=(Misconception("sines", "Not a sine.", lambda x: torch.sin(x), ("in a row",)),),
    )
    assert judged(exercise, "def root(x):\n    return np.exp(x)\n").passed
    assert titles(judged(exercise, "def root(x):\n    return np.sin(x)\n")) == {"sines"}


# --- counted work -------------------------------------------------------------------------------------------


def _grown(rng: np.random.Generator) -> Iterator[Case]:
    calls = [(rng.standard_normal(shape),) for shape in ((2, 3), (4, 3), (2, 6))]
    yield case(calls, axes=("rows", "columns"))


TOTAL = Exercise(
    name="total",
    notebook="00_test",
    asked="the sum",
    reference=lambda x: x.sum(),
    groups=(
        Group("no rows", 2, lambda rng: [case(np.zeros((0, 3)))]),
        Group("values", 2, lambda rng: [case(rng.standard_normal((2, 3)))]),
        Group("no loop", 1, _grown, probe="work_counted", judge=no_loop_over),
    ),
)


def no_loop(body: str) -> GroupResult:
    return judged(TOTAL, f"def total(x):\n    {body}\n").groups[-1]


@pytest.mark.parametrize(
    "body",
    [
        "return x.sum()",
        "return x.sum() + sum([0 for _ in range(3)])",
        "kh, kw = map(int, x.shape)\n    return x.sum()",
        "for _ in range(3):\n        x = x + 0\n    return x.sum()",
    ],
)
def test_work_that_does_not_grow_is_no_loop(body):
    assert no_loop(body).passed


def test_running_no_loop_is_worth_nothing_where_nothing_is_right():
    group = no_loop("return None")
    assert group.earned == 0 and "another group" in group.skipped
    assert "not yet" in report.to_text(judged(TOTAL, "def total(x):\n    return None\n"))
    assert no_loop("return 0.0").earned == 1  # right for no rows


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return sum([row.sum() for row in x])", "more rows"),
        ("s = 0\n    for j in range(x.shape[1]): s += x[:, j].sum()\n    return s", "more columns"),
        ("return helper(x)\ndef helper(x):\n    for row in x:\n        row.sum()\n    return 1", "more rows"),
        ("return sum(map(np.sum, x))", "`map`"),
        ("return np.vectorize(abs)(x).sum()", "np.vectorize"),
        ("return np.apply_along_axis(np.sum, 0, x)", "apply_along_axis"),
        ("return helper(x)\ndef helper(x):\n    return np.frompyfunc(abs, 1, 1)(x)", "frompyfunc"),
    ],
)
def test_a_loop_is_seen_and_told(body, said):
    group = no_loop(body)
    assert group.earned == 0
    (title,) = [finding.title for finding in group.findings]
    assert title.startswith("a Python loop") and said in title


@pytest.mark.parametrize("body", ["return sum([row.sum() for row in x])", "return sum(map(np.sum, x))"])
def test_of_counted_work_a_report_says_in_words_what_was_counted(body):
    told = report.to_text(judged(TOTAL, f"def total(x):\n    {body}\n"), width=200)
    assert "What was counted, for the group “no loop”" in told
    assert "total([" not in told and "lines'" not in told and "axes" not in told
    page = report.to_html(judged(TOTAL, f"def total(x):\n    {body}\n"))
    assert "axes" not in page and "&#x27;lines" not in page


def test_a_call_that_ends_in_an_error_before_it_is_counted_is_told_without_the_probe():
    told = report.to_text(judged(TOTAL, "def total(x):\n    return x.sum() / (len(x) < 4 or 1 / 0)\n"))
    assert (
        "an error came first" in told
        and "raised ZeroDivisionError in line 2" in told
        and "total([" not in told
    )


def test_a_case_of_the_students_own_is_shown_rather_than_a_count():
    values = Group("values", 2, lambda rng: [case(rng.standard_normal((6, 6)))])
    both = replace(TOTAL, groups=(values, TOTAL.groups[-1]))
    told = report.to_text(judged(both, "def total(x):\n    return x.no_such\n"))
    assert "Smallest failing case, from the group “values”" in told and "What was counted" not in told


def test_a_probe_that_counts_says_nothing_of_what_was_changed_in_place():
    verdict = judged(TOTAL, "def total(x):\n    s = x.sum()\n    if len(x) == 4: x += 1\n    return s\n")
    assert verdict.remarks == ()


@pytest.mark.parametrize("claim", [None, {"lines": "x"}, {"lines": [1], "read": []}, {"lines": [1, 2, 3]}])
def test_a_claim_that_is_no_count_gives_no_points(claim):
    given = next(_grown(np.random.default_rng(0)))
    assert no_loop_over(given, Outcome(claim)) is not None
