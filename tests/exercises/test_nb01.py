"""Notebook 01: what is particular to it: worked numbers, judges, wrong code that must earn nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_utils.checking.outcome import observe
from tests.exercises import proof

NOTEBOOK = "01_correlation"


# --- the worked numbers of the lectures -------------------------------------------------------------------


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


@pytest.mark.parametrize(
    ("x", "w", "options", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 3], {}, [14, 20]),
        ([1, 2, 3, 4], [1, 2, 3], {"padding": 1}, [8, 14, 20, 11]),
        ([1, 2, 3, 4], [1, 2, 3], {"padding": 1, "stride": 2}, [8, 20]),
        ([0, 0, 0, 1, 2, 3, 4, 4, 4, 4], [-1, 1], {}, [0, 0, 1, 1, 1, 1, 0, 0, 0]),
        ([0, 0, 1, 1, 0, 0.1, 0.2, 1, 1, 1, 0], [1, 1], {}, [0, 1, 2, 1, 0.1, 0.3, 1.2, 2, 2, 1]),
    ],
)
def test_corr1d_gives_the_numbers_in_the_text(x, w, options, expected):
    np.testing.assert_allclose(solved("corr1d")(np.array(x), np.array(w), **options), expected)


def test_the_other_worked_numbers_are_those_in_the_text():
    x, w = np.array([1, 2, 3, 4]), np.array([1, 2, 3])
    assert solved("conv1d")(x, w).tolist() == [10, 16]
    dx, dw = solved("corr1d_backward")(np.array([1, 2]), x, w)
    assert (dx.tolist(), dw.tolist()) == ([1, 4, 7, 6], [5, 8, 11])
    corr2d = solved("corr2d")
    assert corr2d(np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2)).tolist() == [[19, 25], [37, 43]]
    patch = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]])
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    assert corr2d(patch, sobel).tolist() == [[65]]
    assert solved("conv2d_true")(patch, sobel).tolist() == [[-65]]


def test_the_torch7_upstream_gradient_gives_back_the_printed_kernel_gradient():
    n = np.array([0.3347, 0.5901, 0.7132, 0.3187])
    _, dw = solved("corr1d_backward")(np.array([0.3317, 0.9073]), n, np.zeros(3))
    np.testing.assert_allclose(dw, [0.6464, 0.8428, 0.5257], atol=1e-4)


def test_the_answers_to_the_questions_follow_from_the_functions():
    names = proof.solutions(NOTEBOOK)
    corr1d, array = names["corr1d"], np.array
    x, w, g = array([2, 0, 1, 3]), array([1, -1, 2]), array([3, 1])
    picture = array([[1, 0, 2], [3, 1, 0], [0, 2, 1]])
    edge = array([[10, 20, 60], [10, 30, 80], [20, 20, 90]])
    sobel = array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    worked_out = {
        "ramp_response": corr1d(array([0, 0, 2, 4, 6, 6, 5, 5]), array([-1, 1])),
        "half_padded": corr1d(array([2, 1, 0, 3]), array([1, 2, 3]), padding=1),
        "strided_sums": corr1d(array([3, 1, 4, 1, 5, 9]), array([1, 0, 2]), padding=1, stride=2),
        "true_difference": names["conv1d"](array([5, 5, 3, 1, 1, 4]), array([-1, 1])),
        "dw_by_hand": names["corr1d_backward"](g, x, w)[1],
        "dx_by_hand": names["corr1d_backward"](g, x, w)[0],
        "corr2d_by_hand": names["corr2d"](picture, array([[1, 2], [3, 0]])),
        "sobel_response": names["corr2d"](edge, sobel)[0, 0],
    }
    for question, value in worked_out.items():
        assert np.array_equal(names[question], value), question
    _, dw = names["corr1d_backward"](array(names["upstream_found"]), array([1, 2, 4, 3]), np.zeros(3))
    assert dw.tolist() == [4, 8, 11]


# --- any shape, not only those of the cases ---------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32))
def test_corr1d_and_its_backward_agree_with_pytorch_for_any_shape(length, kernel, stride, padding, seed):
    if length + 2 * padding < kernel:
        return
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=length), rng.normal(size=kernel)
    tensor_x, tensor_w = (torch.from_numpy(a).requires_grad_() for a in (x, w))
    out = F.conv1d(tensor_x[None, None], tensor_w[None, None], stride=stride, padding=padding)[0, 0]
    np.testing.assert_allclose(
        solved("corr1d")(x, w, stride=stride, padding=padding), out.detach().numpy(), atol=1e-12
    )
    dout = rng.normal(size=out.shape)
    wanted = torch.autograd.grad(out, (tensor_x, tensor_w), torch.from_numpy(dout))
    found = solved("corr1d_backward")(dout, x, w, stride=stride, padding=padding)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    *[
        st.tuples(st.integers(low, high), st.integers(low, high))
        for low, high in ((1, 8), (1, 4), (1, 3), (0, 2))
    ],
    st.integers(0, 2**32),
)
def test_corr2d_agrees_with_pytorch_for_any_shape(size, kernel, stride, padding, seed):
    if any(n + 2 * p < k for n, k, p in zip(size, kernel, padding, strict=True)):
        return
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=size), rng.normal(size=kernel)
    wanted = F.conv2d(
        torch.from_numpy(x)[None, None], torch.from_numpy(w)[None, None], stride=stride, padding=padding
    )
    found = solved("corr2d")(x, w, stride=stride, padding=padding)
    np.testing.assert_allclose(found, wanted[0, 0].numpy(), atol=1e-12)


# --- exercises with many right answers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "complaint"),
    [
        ([[1, 1, 1]] * 3, "add up"),
        ([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1.5]], "add up"),
        ([[0, 0, 0]] * 3, "does not answer"),
        ([[1, 0, -1]] * 3, "negative"),
        ([[-1, 2, -1]], "both signs"),
        ([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]], "other way"),
        ([-1, 0, 1], "2-D"),
        (np.zeros((9, 9)), "at most 7 x 7"),
        ([[np.nan, 1]], "ordinary"),
        (None, "2-D"),
        (((-1, 1),), "np.array"),
    ],
)
def test_a_bad_edge_kernel_is_told_what_is_wrong_with_it(kernel, complaint):
    exercise = proof.exercise(NOTEBOOK, "edge_kernel")
    value = kernel if kernel is None or isinstance(kernel, tuple) else np.array(kernel)
    outcome = observe(lambda direction: value, ("left_right",), {})
    assert complaint in exercise.judge(exercise.cases(exercise.groups[0], 0)[0], outcome)


def test_learning_in_one_leap_is_not_gradient_descent():
    def least_squares(x, y, size, *, lr, steps):
        windows = np.lib.stride_tricks.sliding_window_view(x, size)
        return np.linalg.lstsq(windows, y, rcond=None)[0]

    verdict = proof.judged(proof.exercise(NOTEBOOK, "learn_kernel"), least_squares, 0)
    assert verdict.points == 0


# --- wrong answers that have earned points before ---------------------------------------------------------


def test_a_flat_part_is_not_blamed_for_an_answer_that_is_always_the_same():
    verdict = proof.judged(proof.exercise(NOTEBOOK, "match_template"), lambda image, template: (0, 0), 0)
    assert verdict.points == 0
    assert not any(proof.named(verdict).values())


def test_a_gradient_that_is_missing_is_called_by_its_name():
    def forgets_dx(dout, x, w, *, stride=1, padding=0):
        return None, solved("corr1d_backward")(dout, x, w, stride=stride, padding=padding)[1]

    verdict = proof.judged(proof.exercise(NOTEBOOK, "corr1d_backward"), forgets_dx, 0)
    assert {finding.title for group in verdict.groups for finding in group.findings} == {"dx is None"}


def test_the_kernel_is_compared_where_no_padding_hides_its_ends():
    def flipped(x, w, *, stride=1, padding=0):
        return solved("corr1d")(x, w[::-1], stride=stride, padding=padding)

    _, shown = proof.judged(proof.exercise(NOTEBOOK, "corr1d"), flipped, 0).smallest_failure
    assert "padding" not in shown.case.kwargs
