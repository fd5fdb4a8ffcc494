"""Notebook 07: what is particular to it: luck, worked numbers, answers, wrong code that must earn nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import source
from cs_utils.checking import Case, Seed
from cs_utils.checking.report import to_text
from cs_utils.checking.report_values import write_call
from tests.exercises import proof

NOTEBOOK = "07_dropout_init_loss"
RANDOM = ("naive_dropout_forward", "dropout_forward", "dropout_backward", "xavier_init", "kaiming_init")
DROPOUTS = ("naive_dropout_forward", "dropout_forward")


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def exercise(name):
    return proof.exercise(NOTEBOOK, name)


# --- luck -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_no_right_answer_fails_by_bad_luck(name):
    """Each of these seeds is another course; the limits are wide enough for all of them."""
    proof.proves_full_points(exercise(name), solved(name), range(1000, 1120))


@pytest.mark.parametrize("name", DROPOUTS)
def test_a_share_that_is_off_by_a_little_is_seen(name):
    def generous(x, *, p, training, rng):
        return solved(name)(x, p=max(0.0, p - 0.05) if p > 0.05 else p, training=training, rng=rng)

    failed = proof.failed(proof.judged(exercise(name), generous, proof.PUBLIC))
    assert "a share p is dropped" in failed


@pytest.mark.parametrize("factor", [0.96, 1.04])
@pytest.mark.parametrize("name", ["xavier_init", "kaiming_init"])
def test_weights_that_are_off_by_a_little_are_seen(name, factor):
    def scaled(shape, *, rng):
        return factor * solved(name)(shape, rng=rng)

    failed = proof.failed(proof.judged(exercise(name), scaled, proof.PUBLIC))
    assert failed == {"how large", "weights of a convolution"}


@pytest.mark.parametrize("name", DROPOUTS)
def test_a_mask_that_repeats_itself_is_seen(name):
    """The lower half of the batch has the mask of the upper half."""

    def repeated(x, *, p, training, rng):
        if not training or len(x) % 2:
            return solved(name)(x, p=p, training=training, rng=rng)
        half, cache = solved(name)(np.ones((len(x) // 2, *x.shape[1:])), p=p, training=True, rng=rng)
        return x * np.concatenate([half, half]), cache

    failed = proof.failed(proof.judged(exercise(name), repeated, proof.PUBLIC))
    assert "every number for itself" in failed


def test_a_mask_with_the_same_count_in_every_row_is_seen():
    def regular(x, *, p, training, rng):
        if not training or x.ndim != 2:
            return solved("dropout_forward")(x, p=p, training=training, rng=rng)
        order = rng.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)
        keep = order >= round(p * x.shape[1])
        return x * keep / (1 - p), (keep, p)

    failed = proof.failed(proof.judged(exercise("dropout_forward"), regular, proof.PUBLIC))
    assert "every number for itself" in failed


# --- wrong code that must earn nothing, or little ---------------------------------------------------------


@pytest.mark.parametrize("name", DROPOUTS)
def test_a_forward_that_returns_only_out_is_told_what_is_missing(name):
    verdict = proof.judged(exercise(name), lambda x, **options: solved(name)(x, **options)[0], proof.PUBLIC)
    told = {found.title for group in verdict.groups for found in group.findings}
    assert told == {"returned one array where (out, cache) was asked for"}
    assert verdict.points == 1  # for where the random numbers come from; that group looks at no cache


@pytest.mark.parametrize("value", [None, 0.0, np.nan, "x", (1, 2), np.zeros(3), np.full((3, 3), np.nan)])
@pytest.mark.parametrize("name", RANDOM)
def test_values_of_every_kind_earn_nothing_from_the_judges(name, value):
    assert proof.judged(exercise(name), lambda *_, **__: value, proof.PUBLIC).points == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (np.ma.masked_array, "returned a masked array where an array of numbers was asked for"),
        (lambda array: array.astype(object), "returned an array of dtype object where"),
        (lambda array: array + 0j, "returned complex numbers where ordinary numbers were asked for"),
        (lambda array: array * np.nan, "contains NaN or infinity where ordinary numbers were asked for"),
        (lambda array: array.sum(), "where an array of numbers was asked for"),
        (lambda array: (row for row in array), "returned a generator where an array of numbers"),
        (lambda array: array[None], "returned an array of shape (1, "),
    ],
)
@pytest.mark.parametrize("name", RANDOM)
def test_what_is_no_array_of_numbers_is_told_in_every_group_and_no_mistake_is_named(name, change, said):
    def changed(*args, **options):
        returned = solved(name)(*args, **options)
        return (change(returned[0]), returned[1]) if isinstance(returned, tuple) else change(returned)

    verdict = proof.judged(exercise(name), changed, proof.PUBLIC)
    assert verdict.points == 0
    for group in verdict.groups:
        (found,) = group.findings
        assert said in found.title and found.kind == "judged"


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "standardize"])
def test_what_is_nan_everywhere_has_no_name(name):
    def lost(*args, **options):
        first, second = solved(name)(*args, **options)
        return first * np.nan, second

    verdict = proof.judged(exercise(name), lost, proof.PUBLIC)
    assert not any(found.kind == "misconception" for group in verdict.groups for found in group.findings)


def test_a_mask_for_whole_columns_is_told_as_such():
    """The notebook's help promises these words."""

    def shared(x, *, p, training, rng):
        keep = rng.random(x.shape[1:]) >= p
        return (x * keep / (1 - p) if training else x), (keep, p)

    verdict = proof.judged(exercise("dropout_forward"), shared, proof.PUBLIC)
    wrong = next(group for group in verdict.groups if group.group.name == "every number for itself")
    assert "the numbers of one column are dropped" in wrong.smallest_failure.difference.message


def test_a_mask_that_all_channels_share_is_seen():
    def shared(x, *, p, training, rng):
        if not training or x.ndim < 3:
            return solved("dropout_forward")(x, p=p, training=training, rng=rng)
        keep = rng.random((x.shape[0], 1, *x.shape[2:])) >= p
        return x * keep / (1 - p), (keep, p)

    verdict = proof.judged(exercise("dropout_forward"), shared, proof.PUBLIC)
    assert proof.failed(verdict) == {"any number of axes"}
    (wrong,) = [group for group in verdict.groups if not group.passed]
    assert "along axis 1 of x" in wrong.findings[0].title and wrong.findings[0].kind == "judged"


def test_noise_that_multiplies_is_no_known_mistake():
    def noisy(x, *, p, training, rng):
        noise = 1 + rng.standard_normal(x.shape) * math.sqrt(p / (1 - p)) if training else 1.0
        return x * noise, None

    verdict = proof.judged(exercise("dropout_forward"), noisy, proof.PUBLIC)
    assert not any(found.kind == "misconception" for group in verdict.groups for found in group.findings)


def test_reports_show_out_and_no_notes_of_a_probe():
    """A judge looks at out; what the probe collected from several calls would tell a student nothing."""

    def unscaled(x, *, p, training, rng):
        keep = rng.random(x.shape) >= p if training else np.ones(x.shape)
        return x * keep, (keep, p)

    def own_generator(x, *, p, training, rng):
        return solved("dropout_forward")(x, p=p, training=training, rng=np.random.default_rng(1))

    shown = to_text(proof.judged(exercise("dropout_forward"), unscaled, proof.PUBLIC))
    assert "You returned as out: shape (5, 5)" in shown
    shown = to_text(proof.judged(exercise("dropout_forward"), own_generator, proof.PUBLIC))
    assert "gave the same numbers" in shown and "calls'" not in shown


def test_returning_zeros_earns_nothing():
    for name in DROPOUTS:
        verdict = proof.judged(exercise(name), lambda x, **_: (0 * x, None), proof.PUBLIC)
        assert verdict.points == 0
    for name in ("xavier_init", "kaiming_init"):
        assert proof.judged(exercise(name), lambda shape, **_: np.zeros(shape), proof.PUBLIC).points == 0
    verdict = proof.judged(
        exercise("linear_backward"),
        lambda dout, cache: tuple(
            np.zeros(shape) for shape in (cache[0].shape, cache[1].shape, dout.shape[1])
        ),
        proof.PUBLIC,
    )
    assert verdict.points == 0


def test_weights_that_only_look_random_are_not_enough():
    def spread(shape, *, rng):
        bound = math.sqrt(6 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
        return np.linspace(-bound, bound, math.prod(shape)).reshape(shape)

    failed = proof.failed(proof.judged(exercise("xavier_init"), spread, proof.PUBLIC))
    assert failed == {"drawn from rng, anew in every call"}


@pytest.mark.parametrize("name", ["linear_forward", "relu_forward", "softmax_cross_entropy", "standardize"])
def test_cutting_off_the_fractions_is_seen(name):
    def whole(*args, **options):
        returned = solved(name)(*args, **options)
        return tuple(np.trunc(value) if isinstance(value, np.ndarray) else value for value in returned)

    assert not proof.judged(exercise(name), whole, proof.PUBLIC).passed


# --- fairness ---------------------------------------------------------------------------------------------


def test_dropout_in_place_keeps_all_points_and_is_remarked():
    def in_place(x, *, p, training, rng):
        keep = rng.random(x.shape) >= p if training else np.ones(x.shape, bool)
        x *= keep / (1 - p) if training else 1.0
        return x, (keep, p)

    verdict = proof.judged(exercise("dropout_forward"), in_place, proof.PUBLIC)
    assert verdict.passed and any("x" in remark for remark in verdict.remarks)


def test_a_forward_and_a_backward_with_a_cache_of_their_own_keep_all_points():
    def forward(x, *, p, training, rng):
        factor = (rng.random(x.shape) >= p) / (1 - p) if training else np.ones(x.shape)
        return x * factor, factor

    def backward(dout, cache):
        return dout * cache

    verdict = proof.judged(exercise("dropout_backward"), backward, proof.PUBLIC, {"dropout_forward": forward})
    assert verdict.passed and not verdict.remarks


def test_a_forward_that_caches_another_mask_is_told_and_the_backward_keeps_its_points():
    def forgetful(x, *, p, training, rng):
        out, _ = solved("dropout_forward")(x, p=p, training=training, rng=rng)
        return out, (rng.random(x.shape) >= p, p)

    verdict = proof.judged(
        exercise("dropout_backward"), solved("dropout_backward"), proof.PUBLIC, {"dropout_forward": forgetful}
    )
    assert verdict.passed
    assert any("dropout_forward" in remark for remark in verdict.remarks)


def test_db_of_shape_1_d_costs_one_point_and_is_told_to_have_the_right_values():
    def kept(dout, cache):
        dx, dw, db = solved("linear_backward")(dout, cache)
        return dx, dw, db[None]

    verdict = proof.judged(exercise("linear_backward"), kept, proof.PUBLIC)
    assert verdict.points == verdict.max_points - 1
    (wrong,) = [group for group in verdict.groups if not group.passed]
    assert "its values are right" in wrong.smallest_failure.difference.message


def test_a_call_with_a_generator_can_be_pasted():
    written = write_call(exercise("kaiming_init"), Case(((2, 3),), {"rng": Seed(5)}))
    assert written == "kaiming_init((2, 3), rng=np.random.default_rng(5))"


# --- the worked numbers of the lecture --------------------------------------------------------------------

FIVE = np.array([0.6549, 0.2767, 0.2258, 0.5753, 0.6580])


def test_dropout_makes_the_numbers_of_the_slide():
    """The slide has them rounded down; its first two outputs are masks of the same input."""
    shown = [np.array([1.3097, 0.5534, 0.4515, 0, 0]), np.array([0, 0, 0.4515, 0, 0])]
    for seed in range(300):
        out, (keep, p) = solved("dropout_forward")(
            FIVE, p=0.5, training=True, rng=np.random.default_rng(seed)
        )
        np.testing.assert_allclose(out, np.where(keep, 2 * FIVE, 0))
        shown = [wanted for wanted in shown if not np.allclose(out, wanted, atol=2e-4)]
    assert shown == []
    assert p == 0.5
    out, (keep, p) = solved("dropout_forward")(FIVE, p=0.5, training=False, rng=None)
    assert np.array_equal(out, FIVE) and keep.all() and p == 0


def test_the_gradient_of_the_slide_belongs_to_its_second_output():
    second = np.array([0, 0, 1, 0, 0], dtype=bool)
    dx = solved("dropout_backward")(np.ones(5), (second, 0.5))
    assert dx.tolist() == [0, 0, 2, 0, 0]


def test_the_answers_to_the_questions_are_what_pytorch_and_plain_counting_say():
    names = proof.solutions(NOTEBOOK)
    assert round(float(F.cross_entropy(torch.zeros(1, 200), torch.tensor([7]))), 2) == names["start_loss"]
    fans = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(64, 32, 3, 3))
    assert names["fans"] == fans
    assert names["thinned"] == len({tuple(mask) for mask in np.ndindex(*[2] * 12)})
    rng = np.random.default_rng(0)
    h = np.full(400_000, 6.0)
    assert (h * (rng.random(h.size) > 0.25) / 0.25).mean() == pytest.approx(names["slip_average"], rel=0.01)
    kept = np.array([True, False, True, True])
    assert (np.array([4, 2, 6, 1]) * kept / 0.8) @ [1, 1, 0.5, 2] == pytest.approx(names["slip_out"])
    dx = solved("dropout_backward")(np.ones(5), (np.array([1, 0, 0, 1, 1], bool), 0.6))
    np.testing.assert_allclose(dx, names["own_gradient"])
    out = np.array([0.8, 0.3, 0.5, 0.9, 0.1]) * dx
    np.testing.assert_allclose(out, [2.0, 0, 0, 2.25, 0.25])


def test_the_mean_square_shrinks_as_the_question_says():
    rng, width = np.random.default_rng(0), 300
    x = rng.standard_normal((200, width))
    before = (x**2).mean()
    for _ in range(12):
        x = np.maximum(x @ (rng.standard_normal((width, width)) / math.sqrt(width)).T, 0)
    assert math.log2((x**2).mean() / before) == pytest.approx(-12, abs=0.7)
    assert proof.solutions(NOTEBOOK)["shrink"] == 2.0**-12


def test_the_numbers_of_the_rubric_are_computed_right():
    per_layer = 0.5 * 256 * 0.05**2
    assert per_layer == pytest.approx(0.32)
    assert per_layer**30 == pytest.approx(1.4e-15, rel=0.05)
    assert math.sqrt(per_layer**30) == pytest.approx(4e-8, rel=0.1)
    assert math.sqrt(2 / 256) == pytest.approx(0.088, abs=5e-4)


# --- the text ---------------------------------------------------------------------------------------------


def test_every_question_knows_several_wrong_answers():
    for name, entry in source.answers(source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")).items():
        assert len(entry["wrong"]) >= 5, name
        assert all(known["hint"] and known["name"] for known in entry["wrong"]), name


def test_the_points_add_up_to_what_the_text_says():
    text = source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")
    total = sum(text.points().values()) + sum(text.points("written").values())
    assert f"{total:g} points in all" in text.cells[0].source.replace("\n", " ")


def test_no_answer_to_a_question_stands_in_the_notebook():
    cells = source.released(NOTEBOOK).cells
    shown = json.dumps([cell.source for cell in cells if cell.cell_type == "markdown"])
    for answer in ("5.298", "0.000244", "2^{-12}", "288, 576", "4096", "11.25", "(2.5, 0"):
        assert answer not in shown, answer


# --- any setting, not only those of the cases -------------------------------------------------------------

sizes = st.integers(1, 6)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, st.floats(-1e4, 1e4), st.integers(0, 2**31))
def test_the_loss_agrees_with_pytorch_for_scores_of_any_size(count, classes, size, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(count, classes)) * size, rng.integers(0, classes, size=count)
    loss, dscores = solved("softmax_cross_entropy")(scores, labels)
    tensor = torch.from_numpy(scores).requires_grad_()
    wanted = F.cross_entropy(tensor, torch.from_numpy(labels))
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(dscores, tensor.grad.numpy(), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(sizes, min_size=1, max_size=4), st.floats(0, 0.95), st.booleans(), st.integers(0, 2**31))
def test_dropout_and_its_gradient_agree_with_the_mask_for_any_shape(shape, p, training, seed):
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(size=(2, *shape))
    out, cache = solved("dropout_forward")(x, p=p, training=training, rng=rng)
    np.testing.assert_allclose(out * dout, x * solved("dropout_backward")(dout, cache), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, sizes, st.integers(0, 2**31))
def test_standardised_training_data_have_mean_0_and_variance_1(count, channels, side, seed):
    train = np.random.default_rng(seed).normal(3, 20, size=(count + 1, channels, side, 2))
    ready, other = solved("standardize")(train, train[:1], eps=0.0)
    np.testing.assert_allclose(ready.mean(axis=(0, 2, 3)), 0, atol=1e-9)
    np.testing.assert_allclose(ready.var(axis=(0, 2, 3)), 1, atol=1e-9)
    np.testing.assert_allclose(other, ready[:1])


def test_the_cases_are_not_answered_by_the_cases_before():
    """Every case of a forward has its own generator and its own numbers."""
    for name in DROPOUTS:
        asked = exercise(name)
        seen = [given for group in asked.groups for given in asked.cases(group, proof.PUBLIC)]
        assert len({given.kwargs["rng"] for given in seen}) == len(seen)
        assert all((given.args[0] != 0).all() for given in seen)
