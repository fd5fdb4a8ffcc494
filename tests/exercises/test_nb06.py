"""Notebook 06: what is particular to it: worked numbers, caches, modes, what must cost or earn nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_utils.checking.report import to_text
from cs_utils.exercises import of_notebook
from tests.exercises import proof

NOTEBOOK = "06_normalisation"
BACKWARDS = [
    *("batchnorm_backward", "batchnorm_backward_closed_form", "batchnorm2d_backward"),
    *("layernorm_backward", "groupnorm_backward"),
]


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def judged(name, function, **beside):
    return proof.judged(proof.exercise(NOTEBOOK, name), function, proof.PUBLIC, beside)


def close(found, wanted, atol=1e-9):
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-8, atol=atol)


# --- the numbers in the text ------------------------------------------------------------------------------


def column(*numbers):
    return np.array(numbers, dtype=float)[:, None]


def test_the_answers_to_the_questions_follow_from_the_functions():
    names = proof.solutions(NOTEBOOK)
    forward, one, zero = names["batchnorm_forward"], np.ones(1), np.zeros(1)
    x = column(2, 4, 10, 12)
    out, *_ = forward(x, 10 * one, one, zero, one, training=True, eps=8)
    np.testing.assert_allclose(out.ravel(), names["normalised_by_hand"])
    _, _, _, var = forward(column(4, 6, 8, 10, 12), one, zero, zero, 20 * one, training=True)
    assert var == pytest.approx(names["running_var_after"])
    assert np.std([0, 6, 0, 6]) == names["channel_std"]
    a, c = names["frozen_line"]
    for number in (0.0, 10.0, -3.5):
        out, *_ = forward(column(number), 6 * one, one, 10 * one, 8 * one, training=False, eps=1)
        assert out.item() == pytest.approx(a * number + c)
    gamma, beta = names["identity"]
    x = column(-3 - 21**0.5, -3 + 21**0.5)
    out, *_ = forward(x, gamma * one, beta * one, zero, one, training=True, eps=4)
    np.testing.assert_allclose(out, x)
    _, cache, *_ = forward(column(1, 5, 2, 7), one, zero, zero, one, training=True)
    assert names["batchnorm_backward"](column(3, -1, 2, 0), cache)[0].sum() == pytest.approx(
        names["dx_total"]
    )


def test_each_normalisation_has_as_many_means_as_the_question_says():
    x, gamma, beta = np.random.default_rng(0).normal(size=(8, 6, 5, 4)), np.ones(6), np.zeros(6)
    batch, layer, instance, group = solved("means_counted")
    assert solved("batchnorm2d_forward")(x, gamma, beta, beta, gamma, training=True)[1][2].size == batch
    assert solved("groupnorm_forward")(x, gamma, beta, groups=1)[1][2].size == layer
    assert solved("instancenorm_forward")(x, gamma, beta)[1][2].size == instance
    assert solved("groupnorm_forward")(x, gamma, beta, groups=3)[1][2].size == group


def test_gamma_and_beta_can_give_back_the_identity_exactly():
    x = np.random.default_rng(1).normal(5, 3, size=(7, 4))
    gamma, beta = np.sqrt(x.var(axis=0) + 0.3), x.mean(axis=0)
    out, *_ = solved("batchnorm_forward")(x, gamma, beta, beta, gamma, training=True, eps=0.3)
    np.testing.assert_allclose(out, x, rtol=1e-14)


# --- any shape, not only those of the cases ---------------------------------------------------------------

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
EPS = st.sampled_from([1e-5, 1e-3, 0.3, 2.0])


def tensors(*arrays):
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


@settings(max_examples=60, deadline=None)
@given(SIZES, EPS, st.floats(0, 1), st.booleans(), st.integers(0, 2**32))
def test_batch_norm_agrees_with_pytorch_for_any_shape(shape, eps, momentum, flat, seed):
    rng = np.random.default_rng(seed)
    shape = shape[:2] if flat else shape
    name = "batchnorm" if flat else "batchnorm2d"
    x, dout = rng.normal(1, 3, size=(2, *shape))
    gamma, beta, mean = rng.normal(size=(3, shape[1]))
    var = rng.uniform(0.5, 2, size=shape[1])
    for training in (True, False):
        forward = solved(f"{name}_forward")
        options = {"training": training, "momentum": momentum, "eps": eps}
        if training and x[:, 0].size == 1:
            with pytest.raises(ValueError, match="one"):
                forward(x, gamma, beta, mean, var, **options)
            continue
        out, cache, *running = forward(x, gamma, beta, mean, var, **options)
        leaves, (m, v) = tensors(x, gamma, beta), (torch.tensor(mean), torch.tensor(var))
        wanted = F.batch_norm(leaves[0], m, v, *leaves[1:], training, momentum, eps)
        close((out, *running), (wanted, m, v))
        if training:
            gradients = torch.autograd.grad(wanted, leaves, torch.from_numpy(dout))
            for suffix in ("backward", "backward_closed_form") if flat else ("backward",):
                close(solved(f"{name}_{suffix}")(dout, cache), gradients, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(1, 4), EPS, st.integers(0, 2**32))
def test_group_norm_agrees_with_pytorch_for_any_shape(shape, groups, eps, seed):
    n, size, h, w = shape
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(1, 3, size=(2, n, size * groups, h, w))
    if n * size * h * w == 1:
        return  # PyTorch refuses
    gamma, beta = rng.normal(size=(2, size * groups))
    leaves = tensors(x, gamma, beta)
    wanted = F.group_norm(leaves[0], groups, *leaves[1:], eps)
    out, cache = solved("groupnorm_forward")(x, gamma, beta, groups=groups, eps=eps)
    close([out], [wanted])
    gradients = torch.autograd.grad(wanted, leaves, torch.from_numpy(dout))
    close(solved("groupnorm_backward")(dout, cache), gradients, atol=1e-7)
    if size == 1:
        close([solved("instancenorm_forward")(x, gamma, beta, eps=eps)[0]], [wanted])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), EPS, st.integers(0, 2**32))
def test_layer_norm_agrees_with_pytorch_for_any_shape(n, d, eps, seed):
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(1, 3, size=(2, n, d))
    gamma, beta = rng.normal(size=(2, d))
    leaves = tensors(x, gamma, beta)
    wanted = F.layer_norm(leaves[0], (d,), *leaves[1:], eps)
    out, cache = solved("layernorm_forward")(x, gamma, beta, eps=eps)
    close([out], [wanted])
    gradients = torch.autograd.grad(wanted, leaves, torch.from_numpy(dout))
    close(solved("layernorm_backward")(dout, cache), gradients, atol=1e-7)


def test_a_folded_convolution_does_the_work_of_both_layers():
    rng = np.random.default_rng(3)
    w, b = rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    gamma, beta, mean = rng.normal(size=(3, 4))
    var, x = rng.uniform(0.5, 2, size=4), torch.from_numpy(rng.normal(size=(2, 3, 6, 5)))
    both = F.conv2d(x, torch.from_numpy(w), torch.from_numpy(b)).numpy()
    both, *_ = solved("batchnorm2d_forward")(both, gamma, beta, mean, var, training=False, eps=0.3)
    one = F.conv2d(x, *map(torch.from_numpy, solved("fold_batchnorm")(w, b, gamma, beta, mean, var, eps=0.3)))
    np.testing.assert_allclose(one.numpy(), both, atol=1e-12)


# --- what must cost nothing, or little --------------------------------------------------------------------


def forward_with(change):
    """batchnorm_forward with something changed in what it returns."""

    def batchnorm_forward(*args, **options):
        return change(*solved("batchnorm_forward")(*args, **options))

    return batchnorm_forward


@pytest.mark.parametrize("name", ["batchnorm_backward", "batchnorm_backward_closed_form"])
@pytest.mark.parametrize(
    "cache",
    [
        lambda x_hat, gamma, var, eps: (x_hat, gamma, np.sqrt(var), eps),
        lambda x_hat, gamma, var, eps: (x_hat / 2, gamma, var, eps),
        lambda x_hat, gamma, var, eps: (var, eps),
        lambda x_hat, gamma, var, eps: None,
        lambda x_hat, gamma, var, eps: "cache",
    ],
)
def test_a_wrong_cache_is_not_paid_for_in_backward(name, cache):
    forward = forward_with(lambda out, fields, mean, var: (out, cache(*fields), mean, var))
    verdict = judged(name, solved(name), batchnorm_forward=forward)
    assert verdict.passed
    assert any("batchnorm_forward" in remark for remark in verdict.remarks)


def test_a_forward_that_forgets_eps_does_not_spoil_its_backward():
    def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
        return solved("batchnorm_forward")(
            x, gamma, beta, running_mean, running_var, training=training, momentum=momentum, eps=0.0
        )

    verdict = judged("batchnorm_backward", solved("batchnorm_backward"), batchnorm_forward=batchnorm_forward)
    assert verdict.passed


def test_running_statistics_with_an_axis_too_many_lose_one_point_and_are_called_right():
    def batchnorm_forward(*args, training, **options):
        out, cache, mean, var = solved("batchnorm_forward")(*args, training=training, **options)
        return (out, cache, mean.reshape(1, -1), var.reshape(1, -1)) if training else (out, cache, mean, var)

    verdict = judged("batchnorm_forward", batchnorm_forward)
    assert verdict.points == verdict.max_points - 1
    assert "The values are right" in to_text(verdict)


@pytest.mark.parametrize("name", BACKWARDS)
@pytest.mark.parametrize("both", [True, False])
def test_parameter_gradients_with_an_axis_too_many_lose_one_point_and_are_called_right(name, both):
    def backward(dout, cache):
        dx, dgamma, dbeta = solved(name)(dout, cache)
        return dx, dgamma.reshape(1, -1), dbeta.reshape(1, -1) if both else dbeta

    verdict = judged(name, backward)
    assert verdict.points == verdict.max_points - 1
    assert "values are right" in to_text(verdict).lower()


def test_running_statistics_changed_in_place_are_remarked_on_only():
    def batchnorm_forward(x, gamma, beta, running_mean, running_var, **options):
        out, cache, mean, var = solved("batchnorm_forward")(
            x, gamma, beta, running_mean, running_var, **options
        )
        running_mean[:], running_var[:] = mean, var
        return out, cache, running_mean, running_var

    verdict = judged("batchnorm_forward", batchnorm_forward)
    assert verdict.passed
    assert any("running_mean" in remark for remark in verdict.remarks)


def test_a_warning_and_a_print_cost_nothing():
    def layernorm_forward(x, gamma, beta, *, eps=1e-5):
        print("rows:", len(x), np.zeros(1) / np.zeros(1))
        return solved("layernorm_forward")(x, gamma, beta, eps=eps)

    assert judged("layernorm_forward", layernorm_forward).passed


def test_float32_input_is_normalised_as_well():
    x = np.random.default_rng(4).normal(3, 2, size=(6, 3)).astype(np.float32)
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    out, *_ = solved("batchnorm_forward")(x, ones, zeros, zeros, ones, training=True)
    np.testing.assert_allclose(out, F.batch_norm(torch.tensor(x), None, None, training=True), atol=1e-5)


# --- what must earn nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BACKWARDS)
def test_gradients_of_the_right_shape_earn_nothing(name):
    for fill in (0.0, 1.0):

        def backward(dout, cache, fill=fill):
            return np.full(dout.shape, fill), np.full(cache[1].shape, fill), np.full(cache[1].shape, fill)

        assert judged(name, backward).points == 0


@pytest.mark.parametrize(
    "name",
    [found.name for found in of_notebook(NOTEBOOK) if found.name.endswith("_forward")] + ["fold_batchnorm"],
)
def test_a_layer_that_gives_nan_or_always_refuses_is_no_known_mistake(name):
    def nan(x, *args, **options):
        out, *others = solved(name)(x, *args, **options)
        return out * np.nan, *others

    def refuse(*args, **options):
        raise ValueError("operands could not be broadcast together")

    for function in (nan, refuse):
        assert not set().union(*proof.named(judged(name, function)).values())


@pytest.mark.parametrize("name", ["layernorm_forward", "instancenorm_forward", "groupnorm_forward"])
def test_a_forward_of_the_right_shape_earns_nothing(name):
    for made in (np.zeros_like, np.ones_like, lambda x: x, lambda x: (x - x.mean()) / x.std()):

        def forward(x, gamma, beta, made=made, **options):
            return made(x), None

        assert judged(name, forward).points == 0


def test_a_layer_that_always_refuses_or_hands_its_input_on_earns_nothing():
    def refuse(*args, **options):
        raise ValueError("no")

    def hand_on(x, gamma, beta, running_mean, running_var, **options):
        return x, None, running_mean, running_var

    for name in ("batchnorm_forward", "batchnorm2d_forward"):
        for function in (refuse, hand_on):
            assert judged(name, function).points == 0
    assert judged("fold_batchnorm", lambda w, b, *rest, **options: (w, b)).points == 0


def test_a_layer_that_remembers_its_last_call_is_shown_a_case_that_can_be_pasted():
    last = []

    def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, **options):
        if not training and last and np.array_equal(last[-1][0], running_mean):
            running_mean, running_var = last.pop()[1:]
        returned = solved("batchnorm_forward")(
            x, gamma, beta, running_mean, running_var, training=training, **options
        )
        last[:] = [(returned[2], running_mean, running_var)] if training else []
        return returned

    text = to_text(judged("batchnorm_forward", batchnorm_forward))
    shown = [line[2:] for line in text.splitlines() if line.startswith("  ")]
    first, last_line = (
        next(index for index, line in enumerate(shown) if line.startswith(start))
        for start in ("x = np.array", "You returned")
    )
    names = {"np": np, "batchnorm_forward": solved("batchnorm_forward")}
    code = "\n".join(shown[first:last_line]).replace("\nbatchnorm_forward(", "\nanswer = batchnorm_forward(")
    exec(code, names)
    assert names["answer"][0].shape == names["x"].shape[1:]


@pytest.mark.parametrize("returned", [2, 3, 5])
def test_a_wrong_number_of_values_is_said_in_words(returned):
    def batchnorm_forward(*args, **options):
        return (*solved("batchnorm_forward")(*args, **options), 0)[:returned]

    verdict = judged("batchnorm_forward", batchnorm_forward)
    assert verdict.points < verdict.max_points
    assert f"returned {returned} values where 4 were asked for" in to_text(verdict)
