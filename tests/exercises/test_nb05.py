"""Notebook 05: what is particular to it: worked numbers, ties, caches, code that must not be misnamed."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder import source
from cs_utils import layers
from tests.exercises import proof

NOTEBOOK = "05_pooling"
CS163 = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
TORCH7 = np.array(
    [
        [0.2692, 0.4190, 0.2095, 0.9163],
        [0.2778, 0.9199, 0.5555, 0.1638],
        [0.6936, 0.2328, 0.0553, 0.1798],
        [0.3611, 0.3225, 0.9032, 0.5106],
    ]
)[None, None]


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


# --- the worked numbers of the lectures -------------------------------------------------------------------


def test_the_worked_numbers_are_those_in_the_text():
    assert solved("max_pool2d_forward")(CS163, 2)[0][0, 0].tolist() == [[6, 8], [3, 4]]
    assert solved("avg_pool2d_forward")(CS163, 2)[0][0, 0].tolist() == [[3.25, 5.25], [2, 2]]
    patch = np.array([[200.0, 150, 150], [100, 50, 100], [25, 25, 10]])[None, None]
    assert solved("max_pool2d_forward")(patch, 3)[0].item() == 200
    sizes = [
        solved("max_pool2d_forward")(np.zeros((1, 1, n, n)), 3, stride=2)[0].shape[2] for n in (55, 27, 13)
    ]
    assert sizes == [27, 13, 6]


def test_the_torch7_example_sends_its_ones_where_the_deck_prints_them():
    out, cache = solved("max_pool2d_forward")(TORCH7, 2)
    assert out[0, 0].tolist() == [[0.9199, 0.9163], [0.6936, 0.9032]]
    dx = solved("max_pool2d_backward")(np.ones((1, 1, 2, 2)), cache)
    assert [tuple(place) for place in np.argwhere(dx[0, 0])] == [(0, 3), (1, 1), (2, 0), (3, 2)]


def test_the_answers_to_the_questions_follow_from_the_functions():
    names = proof.solutions(NOTEBOOK)
    maximum, mean = names["max_pool2d_forward"], names["avg_pool2d_forward"]

    def picture(*rows):
        return np.array(rows, dtype=float)[None, None]

    by_hand, _ = maximum(picture([4, 1, 0, 7], [2, 9, 3, 3], [5, 6, 8, 1], [0, 6, 2, 2]), 2)
    assert names["max_by_hand"] == by_hand[0, 0].tolist()
    a, b = names["slice_ends"]
    assert np.zeros((20, 20))[4:a, 6:b].shape == (3, 5)
    x = np.zeros((1, 1, 64, 64))
    for _ in range(3):
        x, _ = maximum(x, 3, stride=2)
    assert names["three_pools"] == x.shape[2]
    padded, _ = maximum(picture([-7, -9, -2], [-4, -8, -6], [-3, -5, -1]), 3, stride=2, padding=1)
    assert names["padded_max"] == padded[0, 0].tolist()
    _, cache = maximum(picture([1, 5, 2], [0, 3, 4], [6, 2, 1]), 2, stride=1)
    assert names["routed"] == names["max_pool2d_backward"](picture([2, 5], [3, 4]), cache)[0, 0].tolist()
    _, cache = mean(np.zeros((1, 1, 8, 8)), 3, stride=2)
    assert names["never_reached"] == (names["avg_pool2d_backward"](np.ones((1, 1, 3, 3)), cache) == 0).sum()
    average, _ = mean(picture([9, 0, 18], [9, 9, 9], [27, 0, 9]), 3, stride=2, padding=1)
    assert names["padded_average"] == average[0, 0].tolist()
    pooled = maximum(np.eye(12)[:, None, None, :], (1, 3))[0][:, 0, 0]
    assert names["unmoved_spots"] == sum(np.array_equal(*pair) for pair in itertools.pairwise(pooled))
    assert names["conv_instead"] == sum(p.numel() for p in torch.nn.Conv2d(96, 96, 3).parameters())


def test_a_response_moves_with_the_picture_as_the_answer_says():
    x = torch.zeros(1, 1, 20, 20)
    x[0, 0, 6, 8] = 1.0
    w = torch.tensor([[[[0.0, 1, 0], [1, 3, 1], [0, 1, 0]]]])
    before, after = (F.conv2d(p, w)[0, 0].argmax() for p in (x, x.roll((2, 3), (2, 3))))
    assert divmod(int(before), 18) == (5, 7)
    assert divmod(int(after), 18) == solved("moved_response")


def test_every_question_has_at_least_four_known_wrong_answers():
    for name, entry in source.answers(source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")).items():
        assert len(entry["wrong"]) >= 4, name
        assert all(known["hint"] and known["name"] for known in entry["wrong"]), name


def test_the_points_add_up_to_what_the_text_says():
    text = source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")
    total = sum(text.points().values()) + sum(text.points("written").values())
    assert f"{total:g} points in all" in text.cells[0].source.replace("\n", " ")


def test_no_answer_to_a_question_stands_in_the_notebook():
    released = json.dumps(source.released(NOTEBOOK))
    for answer in ("[[9, 7], [6, 8]]", "83040", "83,040", "[[0, 7, 0]", "[[3, 4], [5, 3]]", "(7, 11)"):
        assert answer not in released, answer


# --- any shape, not only those of the cases ---------------------------------------------------------------

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    pairs,
    st.none() | pairs,
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.sampled_from(["max", "avg"]),
    st.integers(0, 2**32),
)
def test_pooling_agrees_with_pytorch_for_any_shape(shape, kernel, stride, padding, kind, seed):
    assume(all(2 * p <= k for k, p in zip(kernel, padding, strict=True)))
    assume(all(n + 2 * p >= k for n, k, p in zip(shape[2:], kernel, padding, strict=True)))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) - 3
    of_torch = {"max": F.max_pool2d, "avg": F.avg_pool2d}[kind]
    tensor = torch.from_numpy(x).requires_grad_()
    wanted = of_torch(tensor, kernel, stride, padding)
    found, cache = solved(f"{kind}_pool2d_forward")(x, kernel, stride=stride, padding=padding)
    np.testing.assert_allclose(found, wanted.detach().numpy(), atol=1e-12)
    dout = rng.normal(size=wanted.shape)
    (dx,) = torch.autograd.grad(wanted, tensor, torch.from_numpy(dout))
    np.testing.assert_allclose(solved(f"{kind}_pool2d_backward")(dout, cache), dx.numpy(), atol=1e-12)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_the_backward_agrees_with_the_numeric_gradient(kind):
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(2, 2, 6, 5)), rng.normal(size=(2, 2, 3, 3))
    forward, backward = solved(f"{kind}_pool2d_forward"), solved(f"{kind}_pool2d_backward")
    options = {"stride": 2, "padding": 1}
    measured = layers.numeric_gradient(lambda x: (forward(x, 3, **options)[0] * dout).sum(), x)
    np.testing.assert_allclose(backward(dout, forward(x, 3, **options)[1]), measured, atol=1e-8)


def test_at_a_tie_the_numeric_gradient_is_what_the_written_question_says():
    tie = np.full((1, 1, 1, 3), 8.0)
    measured = layers.numeric_gradient(lambda x: solved("max_pool2d_forward")(x, (1, 3))[0].sum(), tie)
    np.testing.assert_allclose(measured, 0.5, atol=1e-6)


def test_a_weight_that_averages_makes_a_convolution_an_average_pooling():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    weight = torch.from_numpy(solved("average_kernel")(3, (2, 4)))
    convolved = F.conv2d(torch.from_numpy(x), weight, stride=(2, 4)).numpy()
    np.testing.assert_allclose(convolved, solved("avg_pool2d_forward")(x, (2, 4))[0], atol=1e-12)


# --- ties and caches --------------------------------------------------------------------------------------


def handing(share):
    """A backward that hands out `share(which numbers of a window are the largest)`."""

    def max_pool2d_backward(dout, cache):
        x, (kh, kw), (sh, sw), (ph, pw) = cache
        padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
        dx = np.zeros(padded.shape)
        for n, c, i, j in np.ndindex(dout.shape):
            window = padded[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
            part = share((window == window.max()).ravel().astype(float)).reshape(kh, kw)
            dx[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw] += part * dout[n, c, i, j]
        return dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]

    return max_pool2d_backward


@pytest.mark.parametrize(
    ("share", "right"),
    [
        (lambda ties: ties * (ties.cumsum() == 1), True),  # the first
        (lambda ties: ties, True),  # each
        (lambda ties: ties / ties.sum(), True),  # split
        (lambda ties: ties * (ties[::-1].cumsum()[::-1] == 1), True),  # the last
        (lambda ties: ties / ties.sum() ** 0.5, False),
        (lambda ties: ties * (ties.sum() == 1), False),  # nobody
        (lambda ties: ties / 2 if ties.sum() > 1 else ties, False),  # what numeric_gradient says
    ],
)
def test_ties_are_right_by_a_convention_and_cost_one_group_otherwise(share, right):
    for seed in proof.SEEDS:
        verdict = proof.judged(proof.exercise(NOTEBOOK, "max_pool2d_backward"), handing(share), seed)
        assert proof.failed(verdict) == (set() if right else {"equal numbers in one window"})
        assert not any(proof.named(verdict).values())


def zero_padded(x, kernel_size, *, stride=None, padding=0):
    """A forward with two mistakes: a border of zeros, and a cache of the wrong things."""
    out, (_, *options) = solved("max_pool2d_forward")(np.abs(x), kernel_size, stride=stride, padding=padding)
    return out, (np.abs(x), *options)


def no_cache(x, kernel_size, *, stride=None, padding=0):
    return solved("max_pool2d_forward")(x, kernel_size, stride=stride, padding=padding)[0]


@pytest.mark.parametrize("broken", [zero_padded, no_cache])
def test_a_broken_forward_does_not_cost_the_backward_its_points(broken):
    exercise = proof.exercise(NOTEBOOK, "max_pool2d_backward")
    verdict = proof.judged(exercise, solved("max_pool2d_backward"), 0, beside={"max_pool2d_forward": broken})
    assert verdict.passed
    assert any("cache" in remark for remark in verdict.remarks)


def test_a_forward_and_backward_that_agree_on_more_cache_fields_are_right():
    def forward(x, kernel_size, *, stride=None, padding=0):
        out, cache = solved("max_pool2d_forward")(x, kernel_size, stride=stride, padding=padding)
        return out, (*cache, out, "and more")

    def backward(dout, cache):
        return solved("max_pool2d_backward")(dout, cache[:4])

    exercise = proof.exercise(NOTEBOOK, "max_pool2d_backward")
    verdict = proof.judged(exercise, backward, 0, beside={"max_pool2d_forward": forward})
    assert verdict.passed and not verdict.remarks


# --- wrong code that must not be given a wrong name -------------------------------------------------------


@proof.each_exercise(NOTEBOOK)
@pytest.mark.parametrize("error", [ValueError, TypeError, IndexError])
def test_an_error_that_always_comes_has_no_name(name, error):
    def raising(*args, **kwargs):
        raise error("something else")

    verdict = proof.judged(proof.exercise(NOTEBOOK, name), raising, 0)
    assert not any(proof.named(verdict).values())


def test_axes_that_are_kept_are_called_right_values_in_a_wrong_shape():
    def kept(x):
        return x.mean(axis=(2, 3), keepdims=True)

    verdict = proof.judged(proof.exercise(NOTEBOOK, "global_avg_pool"), kept, 0)
    titles = {finding.title for group in verdict.groups for finding in group.findings}
    assert all(title.startswith("the values are right, but not the number of axes") for title in titles)


def test_the_mistake_of_33_students_passes_where_windows_stand_side_by_side():
    exercise = proof.exercise(NOTEBOOK, "max_pool2d_backward")
    for name in (
        "each window overwrites what the windows before it left",
        "a number that wins several windows keeps the gradient of the last one",
    ):
        known = proof.misconception(exercise, name)
        assert "windows side by side" not in known.fails
        assert "windows that overlap" in known.fails
