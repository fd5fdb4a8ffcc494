"""Notebook 02: what is particular to it: worked numbers, answers, wrong code that must earn nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autograder import source
from cs_utils.checking.exercise import predict
from tests.exercises import proof

NOTEBOOK = "02_shapes"


@proof.each_exercise(NOTEBOOK)
def test_only_a_kernel_that_does_not_fit_is_an_error(name):
    """A reference that broke would make an error the right answer."""
    exercise = proof.exercise(NOTEBOOK, name)
    for group in exercise.groups:
        for asked in exercise.cases(group, proof.PUBLIC):
            failure = predict(exercise.reference, asked).failure
            if failure is not None:
                assert (name, group.name) == ("output_size", "kernels that just fit, or do not")
                assert failure.type == "ValueError"


@proof.each_exercise(NOTEBOOK)
def test_one_lucky_number_is_not_enough_for_a_group(name):
    """Every group asks for at least three outcomes, and they are not all the same."""
    exercise = proof.exercise(NOTEBOOK, name)
    for seed in proof.SEEDS:
        for group in exercise.groups:
            outcomes = [predict(exercise.reference, asked) for asked in exercise.cases(group, seed)]
            assert len(outcomes) >= 3
            assert len({repr((found.value, found.failure)) for found in outcomes}) > 1, (seed, group.name)


def test_cutting_off_the_fractions_of_a_picture_is_seen_in_every_group():
    def whole(x, padding, *, mode="zeros"):
        return solved("pad2d")(x, padding, mode=mode).astype(int)

    verdict = proof.judged(proof.exercise(NOTEBOOK, "pad2d"), whole, proof.PUBLIC)
    assert verdict.points == 0
    assert {found.kind for group in verdict.groups for found in group.findings} == {"truncated"}


def test_taking_options_out_of_the_layers_costs_nothing_but_is_remarked_on():
    def emptying(in_shape, layers):
        shapes = solved("trace_shapes")(in_shape, layers)
        for _, options in layers:
            options.pop("out_channels", None)
        return shapes

    verdict = proof.judged(proof.exercise(NOTEBOOK, "trace_shapes"), emptying, proof.PUBLIC)
    assert verdict.passed
    assert any("layers" in remark for remark in verdict.remarks)


# --- the worked numbers of the lectures -------------------------------------------------------------------


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


@pytest.mark.parametrize(
    ("size", "kernel", "options", "expected"),
    [
        (7, 3, {}, 5),
        (7, 3, {"padding": 1}, 7),
        (7, 3, {"stride": 2}, 3),
        (8, 3, {"stride": 2}, 3),
        (8, 3, {"padding": 1}, 8),
        (32, 5, {"padding": 2}, 32),
        (224, 2, {"stride": 2}, 112),
        (16, 5, {}, 12),
        (20, 5, {}, 16),
        (28, 2, {}, 27),
        (28, 3, {}, 26),
        (33, 3, {"padding": 1, "stride": 2}, 17),
        (54, 3, {"stride": 2}, 26),
    ],
)
def test_output_size_gives_the_numbers_in_the_text(size, kernel, options, expected):
    assert solved("output_size")(size, kernel, **options) == expected


def test_the_other_worked_numbers_are_those_in_the_text():
    assert solved("conv2d_parameters")(3, 4, 3) == 112
    assert solved("conv2d_parameters")(3, 10, 5) == 760
    assert solved("conv2d_macs")((3, 32, 32), 10, 5, padding=2) == 768_000
    assert solved("receptive_field")([(3, 1, 1)] * 2) == 5
    assert solved("receptive_field")([(3, 2, 1), (3, 1, 1), (3, 1, 1)]) == 11
    assert solved("receptive_field")([(3, 1, 1), (3, 1, 2), (3, 1, 4)]) == 15
    assert solved("receptive_field")([(3, 1, 1)] * 3) == solved("receptive_field")([(7, 1, 1)])


def test_the_lenet_of_the_slides_has_the_printed_shapes_parameters_and_volumes():
    shapes = solved("trace_shapes")((1, 1, 28, 28), solved("LENET"))
    maps = [shapes[index][1:] for index in (0, 2, 3, 5)]
    assert maps == [(20, 28, 28), (20, 14, 14), (50, 14, 14), (50, 7, 7)]
    assert [int(np.prod(shape)) for shape in maps] == [15_680, 3_920, 9_800, 2_450]
    assert [shape[1:] for shape in shapes[6:]] == [(2450,), (500,), (500,), (10,)]
    conv, linear = solved("conv2d_parameters"), solved("linear_parameters")
    counts = [conv(1, 20, 5), conv(20, 50, 5), linear(2450, 500), linear(500, 10)]
    assert counts == [520, 25_050, 1_225_500, 5_010]
    assert sum(counts) == 1_256_080


def test_the_diets_of_the_rubric_are_counted_right():
    conv, linear = solved("conv2d_parameters"), solved("linear_parameters")
    fewer_units = conv(1, 20, 5) + conv(20, 50, 5) + linear(2450, 100) + linear(100, 10)
    third_pool = conv(1, 20, 5) + conv(20, 50, 5) + linear(50 * 3 * 3, 500) + linear(500, 10)
    fewer_maps = conv(1, 20, 5) + conv(20, 12, 5) + linear(12 * 7 * 7, 500) + linear(500, 10)
    assert (fewer_units, third_pool, fewer_maps) == (271_680, 256_080, 306_042)
    assert max(fewer_units, third_pool, fewer_maps) <= 1_256_080 / 4 == 314_020
    net = [(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)]
    assert [solved("receptive_field")(stack) for stack in (net, [*net, (2, 2, 1)])] == [16, 20]


def test_the_answers_to_the_questions_are_what_pytorch_says():
    names = proof.solutions(NOTEBOOK)
    x = torch.zeros(1, 1, 7, 7)
    assert names["padded_output"] == tuple(nn.Conv2d(1, 1, 3, padding=1)(x).shape[2:])
    assert names["floor_output"] == nn.Conv2d(1, 1, 3, stride=2)(torch.zeros(1, 1, 8, 8)).shape[2]
    assert names["filter_shape"] == tuple(nn.Conv2d(4, 6, (5, 3)).weight.shape)
    assert names["weight_shape"] == tuple(nn.Conv2d(1, 8, 5).weight.shape)
    assert F.conv2d(torch.zeros(1, 1, 16, 16), torch.zeros(names["weight_shape"])).shape == (1, 8, 12, 12)
    assert names["billions"] == nn.Linear(200 * 200, 40_000, device="meta").weight.numel()
    fields = [solved("receptive_field")([(3, 1, 1)] * depth) for depth in range(40)]
    assert names["layers_to_see"] == next(depth for depth, field in enumerate(fields) if field >= 64)
    assert names["volume_factor"] == 64 / F.max_pool2d(torch.zeros(1, 8, 8), 2).numel()
    assert names["pooled_shape"] == tuple(F.max_pool2d(torch.zeros(96, 54, 54), 3, stride=2).shape)
    lenet = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)),
    )
    assert lenet(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    assert names["lenet_1998"] == sum(parameter.numel() for parameter in lenet.parameters())


def test_every_question_has_the_decks_own_answer_or_another_among_the_wrong_ones():
    for name, entry in source.answers(source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")).items():
        assert len(entry["wrong"]) >= 3, name
        assert all(known["hint"] and known["name"] for known in entry["wrong"]), name


def test_the_points_add_up_to_what_the_text_says():
    text = source.read(source.SOLUTIONS / f"{NOTEBOOK}.py")
    total = sum(text.points().values()) + sum(text.points("written").values())
    assert f"{total:g} points in all" in text.cells[0].source.replace("\n", " ")


def test_no_answer_to_a_question_stands_in_the_notebook():
    released = json.dumps(source.released(NOTEBOOK))
    for answer in ("1600000000", "1_600_000_000", "61706", "61,706", "(8, 1, 5, 5)", "(96, 26, 26)"):
        assert answer not in released, answer


# --- any setting, not only those of the cases -------------------------------------------------------------

sizes = st.integers(1, 30)
few = st.integers(1, 4)


@settings(max_examples=100, deadline=None)
@given(sizes, st.integers(1, 9), few, st.integers(0, 4), few)
def test_output_size_agrees_with_pytorch_for_any_setting(size, kernel, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    try:
        wanted = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), **options).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match="does not fit"):
            solved("output_size")(size, kernel, **options)
    else:
        assert solved("output_size")(size, kernel, **options) == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)), max_size=4))
def test_the_oracle_and_the_rule_agree_on_any_receptive_field(layers):
    reference = proof.exercise(NOTEBOOK, "receptive_field").reference
    assert solved("receptive_field")(layers) == reference(layers)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(4, 7), st.integers(4, 7)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from(["zeros", "replicate", "reflect"]),
)
def test_pad2d_agrees_with_pytorch_for_any_border(shape, padding, mode):
    x = np.random.default_rng(0).normal(size=(2, *shape))
    (h, w), torch_mode = padding, "constant" if mode == "zeros" else mode
    wanted = F.pad(torch.from_numpy(x), (w, w, h, h), mode=torch_mode).numpy()
    np.testing.assert_array_equal(solved("pad2d")(x, padding, mode=mode), wanted)
