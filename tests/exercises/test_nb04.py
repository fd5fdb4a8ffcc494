"""Notebook 04: what is particular to it: worked numbers, slips, any shape, caches, calls in reports."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import source
from cs_utils import layers
from cs_utils.checking.exercise import predict
from cs_utils.checking.report_values import write_call
from tests.exercises import proof

NOTEBOOK = "04_convolution_backward"
array = np.array


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


# --- the worked numbers of the lectures -------------------------------------------------------------------

SMALL = array([[28.0467, 21.1382], [23.1202, 30.5335]])
KERNEL = array([[1.0160, 0.4442, 0.8234], [1.7105, 1.9389, 1.8970], [0.4721, 1.4563, 0.4023]])
PRINTED = array(
    [
        [28.4956, 12.4596, 44.5710, 9.3905, 17.4058],
        [47.9750, 54.3784, 89.3627, 40.9838, 40.0994],
        [36.7311, 51.1151, 71.3240, 44.3476, 33.6471],
        [39.5481, 44.8267, 96.0881, 59.1999, 57.9224],
        [10.9150, 33.6697, 23.7172, 44.4655, 12.2851],
    ]
)


def test_the_transposed_convolution_gives_the_table_of_the_slide():
    found = solved("conv_transpose2d")(SMALL[None, None], KERNEL[None, None], np.zeros(1), stride=2)
    np.testing.assert_allclose(found[0, 0], PRINTED, atol=3e-3)


def test_the_transposed_convolution_is_the_backward_pass_of_the_convolution():
    cache = np.zeros((1, 1, 5, 5)), KERNEL[None, None], 2, 0, 1
    dx, _, _ = solved("conv2d_backward")(SMALL[None, None], cache)
    np.testing.assert_allclose(dx[0, 0], PRINTED, atol=3e-3)


def test_the_table_of_the_slide_tells_which_weight_was_misprinted():
    assert round(PRINTED[4, 1] / SMALL[1, 0], 4) == 1.4563
    assert round(PRINTED[4, 4] / SMALL[1, 1], 4) == 0.4023


def test_the_answers_to_the_questions_follow_from_the_functions():
    names = proof.solutions(NOTEBOOK)
    corr = names["kernel_gradient"]  # the same sum as the forward pass
    assert names["slopes_by_hand"] == ((3**3 - 2**3) / 1, (3**3 - 1**3) / 2)
    assert names["last_output"] == (9 - 3 + 1 - 1, 6 - 3 + 1 - 1)
    x, dout = array([[1, 0, 2], [3, 1, 0], [0, 2, 1]]), array([[1, 2], [0, 1]])
    assert corr(x, dout).tolist() == array(names["dk_by_hand"]).tolist()
    terms = names["input_gradient"](np.ones((3, 2)), np.ones((3, 5)))
    assert names["terms_left"] == terms[1, 5]
    y = corr(array([[1, 4, 0], [2, 0, 1], [3, 1, 5]]), array([[2, 1], [0, 3]]))
    assert names["shifted_output"] == y[0, 1]
    assert len(set(y.ravel().tolist())) == 4, "each wrong place is told by its number"
    ones = np.ones((8, 6, 14, 14))
    _, _, db = names["conv2d_backward"](ones, (np.zeros((8, 1, 14, 14)), np.zeros((6, 1, 1, 1)), 1, 0, 1))
    assert db.tolist() == [names["bias_of_ones"]] * 6
    stamped = names["conv_transpose2d"](
        np.ones((1, 1, 7, 9)), np.ones((1, 1, 4, 3)), np.zeros(1), stride=3, padding=1
    )
    assert stamped.shape[2:] == names["transposed_size"]
    kernel = array([[7, 7, 7], [7, 7, 7], [1.2, *names["lost_weights"]]])[None, None]
    last = names["conv_transpose2d"](array([[[[2, 5], [4, 10]]]]), kernel, np.zeros(1), stride=2)[0, 0, -1]
    np.testing.assert_allclose(last, [4.8, 6, 13.2, 15, 3])


@proof.each_exercise(NOTEBOOK)
def test_the_examples_in_the_docstrings_are_true(name):
    given = {**proof.solutions(NOTEBOOK), "np": np}
    text = next(
        cell.source
        for cell in source.read(source.SOLUTIONS / f"{NOTEBOOK}.py").cells
        if cell.kind == "answer" and cell.name == name
    )
    examples = doctest.DocTestParser().get_doctest(text.split('"""')[1], given, name, None, 0)
    assert doctest.DocTestRunner().run(examples).failed == 0
    assert examples.examples or name == "conv2d_backward"


# --- any shape, not only those of the cases ---------------------------------------------------------------

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 3),
    picture=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=pairs,
    seed=seeds,
)
def test_conv2d_backward_agrees_with_pytorch_for_any_shape(
    sizes, picture, kernel, stride, padding, dilation, seed
):
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if any(n + 2 * p < span for n, p, span in zip(picture, padding, spans, strict=True)):
        return
    rng = np.random.default_rng(seed)
    (images, channels, filters), options = sizes, (stride, padding, dilation)
    x, w = rng.normal(size=(images, channels, *picture)), rng.normal(size=(filters, channels, *kernel))
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, np.zeros(filters))]
    out = F.conv2d(*tensors, *options)
    dout = rng.normal(size=out.shape)
    wanted = torch.autograd.grad(out, tensors, torch.from_numpy(dout))
    for mine, theirs in zip(solved("conv2d_backward")(dout, (x, w, *options)), wanted, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(picture=st.tuples(st.integers(1, 6), st.integers(1, 6)), kernel=pairs, seed=seeds)
def test_both_plane_gradients_agree_with_pytorch_for_any_shape(picture, kernel, seed):
    if any(n < k for n, k in zip(picture, kernel, strict=True)):
        return
    rng = np.random.default_rng(seed)
    x, w = (torch.from_numpy(rng.normal(size=(1, 1, *size))).requires_grad_() for size in (picture, kernel))
    y = F.conv2d(x, w)
    dout = rng.normal(size=y.shape[2:])
    dx, dw = torch.autograd.grad(y, (x, w), torch.from_numpy(dout)[None, None])
    np.testing.assert_allclose(solved("input_gradient")(w[0, 0].detach().numpy(), dout), dx[0, 0], atol=1e-12)
    np.testing.assert_allclose(
        solved("kernel_gradient")(x[0, 0].detach().numpy(), dout), dw[0, 0], atol=1e-12
    )


def test_the_measured_gradient_agrees_with_the_computed_one_and_leaves_x_alone():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 2, 4, 3)), rng.normal(size=(3, 2, 2, 2)), rng.normal(size=3)
    out, cache = layers.conv2d_forward(x, w, b, stride=(2, 1), padding=(0, 1))
    dout = rng.normal(size=out.shape)

    def loss(z):
        return (layers.conv2d_forward(z, w, b, stride=(2, 1), padding=(0, 1))[0] * dout).sum()

    before = x.copy()
    measured = solved("numeric_gradient")(loss, x)
    assert np.array_equal(x, before)
    np.testing.assert_allclose(measured, solved("conv2d_backward")(dout, cache)[0], atol=1e-8)


# --- the exercises themselves -----------------------------------------------------------------------------


@proof.each_exercise(NOTEBOOK)
def test_no_reference_raises(name):
    """A reference that broke would make an error the right answer."""
    exercise = proof.exercise(NOTEBOOK, name)
    for group in exercise.groups:
        for asked in exercise.cases(group, proof.PUBLIC):
            assert predict(exercise.reference, asked).failure is None


def test_a_gradient_of_zeros_earns_nothing_anywhere():
    def nothing(dout, cache):
        return np.zeros_like(cache[0]), np.zeros_like(cache[1]), np.zeros(len(cache[1]))

    assert proof.judged(proof.exercise(NOTEBOOK, "conv2d_backward"), nothing, proof.PUBLIC).points == 0


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1), (1, -1, 1, 1)])
def test_another_shape_of_db_costs_its_group_only_and_the_report_says_that_the_values_are_right(shape):
    def reshaped(dout, cache):
        dx, dw, db = solved("conv2d_backward")(dout, cache)
        return dx, dw, db.reshape(shape)

    for seed in proof.SEEDS:
        verdict = proof.judged(proof.exercise(NOTEBOOK, "conv2d_backward"), reshaped, seed)
        assert proof.failed(verdict) == {"shapes of dx, dw and db"}
        (finding,) = (found for group in verdict.groups for found in group.findings)
        assert "The values are right" in finding.hint


def _sides_differ(x, w, b, *, stride=1, padding=0):
    return isinstance(stride, tuple) and stride[0] != stride[1]


@pytest.mark.parametrize(
    ("name", "raises_when", "error"),
    [
        ("kernel_gradient", lambda x, dout: x.shape[0] > 4, ValueError),
        ("input_gradient", lambda w, dout: True, IndexError),
        ("col2im", lambda *_, stride=1, **__: _sides_differ(0, 0, 0, stride=stride), ValueError),
        ("col2im", lambda *_, dilation=1, **__: dilation != 1, ValueError),
        ("conv2d_backward", lambda dout, cache: isinstance(cache[2], tuple), ValueError),
        ("conv2d_backward", lambda dout, cache: len(cache[1]) > 1, ValueError),
        ("conv_transpose2d", lambda x, w, b, **_: w.shape[0] != w.shape[1], ValueError),
        ("conv_transpose2d", _sides_differ, ValueError),
    ],
)
def test_an_error_of_ones_own_is_not_taken_for_a_known_mistake(name, raises_when, error):
    def own(*args, **options):
        if raises_when(*args, **options):
            raise error("something else")
        return solved(name)(*args, **options)

    for seed in proof.SEEDS:
        verdict = proof.judged(proof.exercise(NOTEBOOK, name), own, seed)
        assert proof.failed(verdict)
        assert set().union(*proof.named(verdict).values()) == set()


def test_of_a_mistake_that_spoils_two_parts_only_one_name_is_given():
    def halved(dout, cache):
        dx, dw, db = solved("conv2d_backward")(dout, cache)
        return dx, dw / len(dx), db / len(dx)

    verdict = proof.judged(proof.exercise(NOTEBOOK, "conv2d_backward"), halved, proof.PUBLIC)
    assert set().union(*proof.named(verdict).values()) == {"dw and db are averaged over the images"}


def test_more_fields_in_the_cache_and_forwards_of_all_kinds_cost_nothing():
    def with_more(*args, **options):
        out, cache = layers.conv2d_forward(*args, **options)
        return out, (*cache, "the columns", np.ones(3))

    def with_a_list(*args, **options):
        out, cache = layers.conv2d_forward(*args, **options)
        return [out, list(cache)]

    asked, backward = proof.exercise(NOTEBOOK, "conv2d_backward"), solved("conv2d_backward")
    for forward in (layers.conv2d_forward, with_more, with_a_list):
        verdict = proof.judged(asked, backward, proof.PUBLIC, {"conv2d_forward": forward})
        assert verdict.passed
        assert not verdict.remarks


@pytest.mark.parametrize("name", ["numeric_gradient", "conv2d_backward", "conv_transpose2d"])
def test_the_call_in_a_report_can_be_pasted_into_the_notebook(name):
    exercise = proof.exercise(NOTEBOOK, name)
    names = {**proof.solutions(NOTEBOOK), "np": np, "conv2d_forward": layers.conv2d_forward}
    for group in exercise.groups:
        first = exercise.cases(group, proof.PUBLIC)[0]
        *before, call = write_call(exercise, first).rpartition("\n")
        exec("".join(before), names)
        result, expected = eval(call, names), predict(exercise.reference, first).value
        for mine, theirs in zip(result, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_no_needed_cell_asks_for_pytorch():
    cells = source.read(source.SOLUTIONS / f"{NOTEBOOK}.py").cells
    assert not any("torch" in cell.source for cell in cells if cell.kind in ("needed", "answer"))
