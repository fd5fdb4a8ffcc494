"""Verdicts to look at: one small exercise, answered in the ways students answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from cs_utils.checking.compare import Difference, compare
from cs_utils.checking.evaluate import CaseResult, Finding, GroupResult, Verdict
from cs_utils.checking.exercise import Case, Exercise, Group, case, predict
from cs_utils.checking.outcome import Failure, Outcome, observe


def reference(x: torch.Tensor, k: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
    """Cross-correlation of ``x`` (H, W) with ``k`` (kh, kw)."""
    if k.shape[0] > x.shape[0] + 2 * padding:
        raise ValueError("the kernel does not fit into the input")
    return F.conv2d(x[None, None], k[None, None], stride=stride, padding=padding)[0, 0]


def _arrays(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [rng.integers(-3, 10, shape).astype(float) for shape in shapes]


def _plain(rng: np.random.Generator) -> Iterable[Case]:
    yield case(np.arange(9.0).reshape(3, 3), np.arange(4.0).reshape(2, 2))
    yield case(*_arrays(rng, (5, 4), (2, 3)))


def _padded(rng: np.random.Generator) -> Iterable[Case]:
    yield case(*_arrays(rng, (4, 4), (3, 3)), padding=1)


def _strided(rng: np.random.Generator) -> Iterable[Case]:
    yield case(*_arrays(rng, (6, 6), (3, 3)), stride=2)


def _long(rng: np.random.Generator) -> Iterable[Case]:
    yield case(rng.normal(size=(12, 20)), rng.normal(size=(3, 2)))


def _too_large(rng: np.random.Generator) -> Iterable[Case]:
    yield case(np.ones((2, 2)), np.ones((3, 3)))


CORR2D = Exercise(
    "corr2d",
    "01_correlation",
    "a 2-D array",
    (
        Group("no padding", 2, _plain),
        Group("padding on both sides", 2, _padded),
        Group("stride that leaves a remainder", 1, _strided),
        Group("larger inputs, not square", 1, _long),
        Group("a kernel that does not fit is refused", 1, _too_large),
    ),
    reference,
)


def windows(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """A right answer, from which the wrong ones below differ in one thing."""
    if k.shape[0] > x.shape[0] + 2 * padding:
        raise ValueError("too large")
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, padding), k.shape)[::stride, ::stride]
    return np.einsum("ijkl,kl->ij", view, k)


def flipped(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    return windows(x, k[::-1, ::-1], stride, padding)


def wrong_border(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    if padding == 0:
        return windows(x, k, stride)
    return windows(np.pad(x, padding, mode="edge"), k, stride)


def one_side(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    return windows(np.pad(x, ((padding, 0), (padding, 0))), k, stride)


def returns_none(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> None:
    windows(x, k, stride, padding)


def evaluate_by_hand(
    exercise: Exercise, call: Callable[[Case], Outcome], find: Callable[[GroupResult], tuple[Finding, ...]]
) -> Verdict:
    """The verdict of `exercise`, with the findings that `find` gives for each failing group."""
    groups = []
    for group in exercise.groups:
        results = []
        for given in exercise.cases(group, 0):
            expected, actual = predict(exercise.reference, given), call(given)  # type: ignore[arg-type]
            results.append(CaseResult(given, expected, actual, compare(actual, expected, exercise.tolerance)))
        result = GroupResult(group, tuple(results))
        groups.append(result if result.passed else replace(result, findings=find(result)))
    untouched = all(
        result.actual.failure is not None and result.actual.failure.type == "NotImplementedError"
        for group in groups
        for result in group.results
    )
    return Verdict(exercise, tuple(groups), untouched=untouched)


def answered(function: Callable[..., Any], *findings: Finding) -> Verdict:
    """The verdict on `function` as an answer to corr2d."""
    return evaluate_by_hand(
        CORR2D,
        lambda given: observe(function, given.args, given.kwargs, CORR2D.parameters),
        lambda group: findings,
    )


def failing(failure: Failure, *findings: Finding) -> Verdict:
    """The verdict when every call ends in `failure`."""
    return evaluate_by_hand(CORR2D, lambda given: Outcome(failure=failure), lambda group: findings)


def gradients() -> Verdict:
    """An exercise that returns a tuple (dx, dw), of which the second part is transposed in one slice."""

    def both(x: Any, w: Any) -> tuple[Any, Any]:
        return x * 2, w + 1

    def mine(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wrong = w + 1
        wrong[0, 1] = wrong[0, 1].T
        return x * 2, wrong

    def cases(rng: np.random.Generator) -> Iterable[Case]:
        yield case(rng.normal(size=(2, 3)), rng.normal(size=(2, 2, 3, 3)).round(2))

    exercise = Exercise(
        "corr_backward", "01_correlation", "(dx, dw)", (Group("both gradients", 3, cases),), both
    )
    return evaluate_by_hand(
        exercise,
        lambda given: observe(mine, given.args, given.kwargs, exercise.parameters),
        lambda group: (Finding("values", "dw is transposed in one slice", ""),),
    )


FLIPPED = Finding(
    "misconception",
    "the kernel is flipped",
    "Cross-correlation lays the kernel on the input as it is. Compare the order of the indices of k with the "
    "formula above: which of them runs backwards in your code?",
)


def _crash() -> Verdict:
    verdict = answered(windows)
    failure = Failure("crashed")
    first, second, *rest = verdict.groups
    result = second.results[0]
    lost = CaseResult(result.case, result.expected, Outcome(failure=failure), Difference("failure", "ended"))
    skipped = [GroupResult(group.group, (), skipped="not run: the process was gone") for group in rest]
    return replace(verdict, groups=(first, replace(second, results=(lost,)), *skipped), lost=failure)


def samples() -> dict[str, Verdict]:
    """Verdicts by a short name."""
    index_error = Failure(
        "raised",
        "IndexError",
        "index 3 is out of bounds for axis 0 with size 3",
        7,
        "out[i, j] = (x[i:i+kh, j:j+kw] * k).sum()",
    )
    stub = Failure(
        "raised", "NotImplementedError", "write corr2d", 4, 'raise NotImplementedError("write corr2d")'
    )
    border = Finding(
        "border", "right inside, wrong at the border", "What does the padding hold: zeros, or the edge?"
    )
    return {
        "passes": answered(windows),
        "flipped": replace(
            answered(flipped, FLIPPED), remarks=("It printed 1,204 characters while it ran.",)
        ),
        "border": answered(wrong_border, border),
        "one_side": answered(one_side, Finding("shape", "the result is one row and one column too small")),
        "transposed": answered(
            lambda *a, **k: windows(*a, **k).T, Finding("transposed", "the shape is transposed")
        ),
        "raises": failing(index_error, Finding("raised", "raised IndexError in line 7")),
        "none": answered(returns_none, Finding("none", "returned None", "Is there a return at the end?")),
        "untouched": failing(stub),
        "crash": _crash(),
        "gradients": gradients(),
    }
