"""Notebook 03: what is particular to it: worked numbers, answers, any shape, what a cache must be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import source
from cs_utils.checking import Outcome, case
from cs_utils.exercises import nb03_convolution
from tests.exercises import proof

NOTEBOOK = "03_convolution"
EXAMPLE = np.array(
    [
        [[1.0, -2, 2, 2], [2, 1, 3, -2], [-2, 3, -3, 1], [-1, 2, -4, 2]],
        [[3, 0, 0, 0], [-2, -2, 1, -1], [2, -1, 3, 1], [5, -2, 0, 1]],
    ]
)[None]
FILTERS = np.array([[[[1.0, -2], [-2, 1]], [[1, 0], [0, 1]]], [[[3, 1], [2, 2]], [[0, 0], [0, 4]]]])
BIAS = np.array([0.1, 0.2])
MAPS = [
    [[3.1, -3.9, -10.9], [4.1, -12.9, 16.1], [-3.9, 0.1, 9.1]],
    [[-0.8, 8.2, 6.2], [5.2, 18.2, 7.2], [-8.8, 2.2, -7.8]],
]


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


# --- the worked numbers of the lectures -------------------------------------------------------------------


def test_the_decks_example_gives_the_decks_maps_with_the_right_sign():
    np.testing.assert_allclose(solved("conv2d_naive")(EXAMPLE, FILTERS, BIAS)[0], MAPS)
    np.testing.assert_allclose(solved("conv2d_forward")(EXAMPLE, FILTERS, BIAS)[0][0], MAPS)


def test_the_weights_rows_are_those_that_torch7_keeps():
    rows = [[1, -2, -2, 1, 1, 0, 0, 1], [3, 1, 2, 2, 0, 0, 0, 4]]
    assert FILTERS.reshape(2, -1).tolist() == rows
    maps = np.array(rows) @ solved("im2col")(EXAMPLE, 2)[0] + BIAS[:, None]
    np.testing.assert_allclose(maps.reshape(2, 3, 3), MAPS)


def test_the_matrix_of_the_deck_has_rows_of_16():
    w = np.array([[11, 12, 13], [21, 22, 23], [31, 32, 33]])
    first = [11, 12, 13, 0, 21, 22, 23, 0, 31, 32, 33, 0, 0, 0, 0, 0]
    starts = (0, 1, 4, 5)
    matrix = solved("conv_matrix")(w, 4, 4)
    assert matrix.tolist() == [np.roll(first, start).tolist() for start in starts]


def test_the_answers_to_the_questions_are_what_pytorch_and_the_functions_say():
    names = proof.solutions(NOTEBOOK)
    assert names["products_per_number"] == torch.nn.Conv2d(6, 16, 5).weight[0].numel()
    third = np.array([[[[2.0, 1], [0, -1]], [[1, 0], [1, 2]]]])
    corner = names["conv2d_naive"](EXAMPLE, third, np.array([0.3]))[0, 0, 0, 0]
    assert names["third_map_corner"] == pytest.approx(corner)
    assert names["bias_count"] == torch.nn.Conv2d(6, 16, (5, 3)).bias.numel()
    marked = np.zeros((10, 3, 4, 5))
    marked[:, 2, 1, 3] = 1
    assert marked.reshape(10, -1)[0].argmax() == names["place_in_row"]
    matrix = names["conv_matrix"](np.arange(1, 10).reshape(3, 3), 5, 6)
    assert matrix.shape == names["matrix_shape"]
    assert matrix[7].tolist().index(1) == names["first_weight_column"]
    common = names["compose_kernels"](np.ones((1, 1, 3, 3)), np.ones((1, 1, 5, 2)))
    assert common.shape[2:] == names["common_size"]


def test_the_numbers_in_the_text_are_right():
    assert round(16 * 26 * 26 * 8 * 3 * 3, -5) == 800_000
    matrix = solved("conv_matrix")(np.ones((3, 3)), 16, 16)
    assert (matrix.size, np.count_nonzero(matrix)) == (50_176, 1_764)
    assert solved("dilate_kernel")(np.ones((1, 1, 3, 3)), 3).size == 49
    pictures = 4 * 16 * 128 * 56 * 56
    assert round(pictures / 1e6, 1) == 25.7 and round(9 * pictures / 1e6) == 231


# --- the notebook -----------------------------------------------------------------------------------------


def test_every_question_has_at_least_three_known_wrong_answers():
    for name, entry in source.answers(source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")).items():
        assert len(entry["wrong"]) >= 3, name
        assert all(known["hint"] and known["name"] for known in entry["wrong"]), name


def test_the_points_add_up_to_what_the_text_says():
    text = source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")
    total = sum(text.points().values()) + sum(text.points("written").values())
    curious = sum(text.points()[name] for name in ("grouped_conv2d", "conv3d"))
    words = text.cells[0].source.replace("\n", " ")
    assert f"{total:g} points in all" in words
    assert f"can still have {total - curious:g}" in words


def test_no_answer_to_a_question_stands_in_the_notebook():
    released = json.dumps(source.released(NOTEBOOK))
    for answer in ("-3.7", "(12, 30)", "(7, 4)", "= 48", "= 150"):
        assert answer not in released, answer


# --- any shape, not only those of the cases ---------------------------------------------------------------


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


layers = {
    "counts": st.tuples(*(st.integers(1, 3) for _ in range(3))),
    "size": pairs(1, 8),
    "kernel": pairs(1, 3),
    "stride": pairs(1, 3),
    "padding": pairs(0, 2),
    "dilation": pairs(1, 2),
}


@settings(max_examples=80, deadline=None)
@given(**layers)
def test_the_layers_agree_with_pytorch_for_any_setting(counts, size, kernel, stride, padding, dilation):
    room = [n + 2 * p - d * (k - 1) for n, k, p, d in zip(size, kernel, padding, dilation, strict=True)]
    if min(room) < 1:
        return
    images, channels, filters = counts
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(images, channels, *size)), rng.normal(size=(filters, channels, *kernel))
    b, options = rng.normal(size=filters), {"stride": stride, "padding": padding, "dilation": dilation}
    wanted = F.conv2d(*map(torch.from_numpy, (x, w, b)), **options).numpy()
    columns = F.unfold(torch.from_numpy(x), kernel, **options).numpy()
    np.testing.assert_allclose(solved("conv2d_naive")(x, w, b, **options), wanted, atol=1e-12)
    out, cache = solved("conv2d_forward")(x, w, b, **options)
    np.testing.assert_allclose(out, wanted, atol=1e-12)
    assert cache[0] is x and cache[1] is w and cache[2:5] == (stride, padding, dilation)
    np.testing.assert_allclose(solved("im2col")(x, kernel, **options), columns, atol=1e-12)
    spread = solved("dilate_kernel")(w, dilation)
    np.testing.assert_allclose(
        solved("conv2d_naive")(x, spread, b, stride=stride, padding=padding), wanted, atol=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(pairs(1, 6), pairs(1, 3), pairs(1, 3), pairs(0, 2))
def test_the_matrix_convolves_any_picture(size, kernel, stride, padding):
    if any(n + 2 * p < k for n, k, p in zip(size, kernel, padding, strict=True)):
        return
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=size), rng.normal(size=kernel)
    signal, weight = (torch.from_numpy(array)[None, None] for array in (x, w))
    wanted = F.conv2d(signal, weight, stride=stride, padding=padding)
    matrix = solved("conv_matrix")(w, *size, stride=stride, padding=padding)
    np.testing.assert_allclose(matrix @ x.reshape(-1), wanted.numpy().reshape(-1), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(pairs(1, 3), pairs(1, 3), st.tuples(*(st.integers(1, 3) for _ in range(3))))
def test_two_layers_are_one(first, second, channels):
    rng = np.random.default_rng(0)
    w1 = torch.from_numpy(rng.normal(size=(channels[1], channels[0], *first)))
    w2 = torch.from_numpy(rng.normal(size=(channels[2], channels[1], *second)))
    x = torch.from_numpy(rng.normal(size=(1, channels[0], 7, 8)))
    common = torch.from_numpy(solved("compose_kernels")(w1.numpy(), w2.numpy()).copy())
    np.testing.assert_allclose(F.conv2d(x, common), F.conv2d(F.conv2d(x, w1), w2), atol=1e-10)


# --- fair, and not to be fooled ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_fast_layer_keeps_the_type_of_its_input(dtype):
    out, _ = solved("conv2d_forward")(EXAMPLE.astype(dtype), FILTERS.astype(dtype), BIAS.astype(dtype))
    assert out.dtype == dtype


@pytest.mark.parametrize(
    ("cache", "complaint"),
    [
        (lambda x, w: (x, w, 2, 1, 1), None),
        (lambda x, w: [x, w, (2, 2), (1, 1), (1, 1), "more"], None),
        (lambda x, w: (x, w, 2, 1), "there are 4 fields"),
        (lambda x, w: "x", "it is the text"),
        (lambda x, w: (w, x, 2, 1, 1), "field 1 of the cache is not the x"),
        (lambda x, w: (x, w.reshape(1, -1), 2, 1, 1), "field 2 of the cache is not the w"),
        (lambda x, w: (x, w, 1, 2, 1), "field 3 of the cache is not the stride"),
        (lambda x, w: (x, w, 2, 1, 2), "field 5 of the cache is not the dilation"),
        (lambda x, w: None, "it is None"),
    ],
)
def test_a_cache_that_backward_could_not_use_is_told_what_is_wrong_with_it(cache, complaint):
    x, w = np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2, 2))
    given_case = case(x, w, np.ones(1), stride=2, padding=1)
    told = nb03_convolution._cache_judge(given_case, Outcome(value=(x, cache(x, w))))
    assert told is complaint is None or complaint in told


def test_a_layer_of_zeros_earns_nothing_but_what_is_right_about_it():
    def zeros(x, w, b, **options):
        out, cache = solved("conv2d_forward")(x, w, b, **options)
        return 0 * out, cache

    verdict = proof.judged(proof.exercise(NOTEBOOK, "conv2d_forward"), zeros, 0)
    passed = {group.group.name for group in verdict.groups if group.passed}
    assert passed == {nb03_convolution.CACHE, nb03_convolution.NO_LOOP}


@pytest.mark.parametrize("name", ["conv2d_naive", "conv2d_forward"])
def test_the_bias_belongs_to_every_case(name):
    exercise = proof.exercise(NOTEBOOK, name)
    for group in exercise.groups:
        for one in exercise.cases(group, 0):
            calls = one.args[0] if isinstance(one.args[0], list) else [one.args]
            assert all(np.abs(bias).min() > 0 for _, _, bias in calls)
