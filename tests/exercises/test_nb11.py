"""Notebook 11: what is particular to it: worked numbers, frozen means frozen, maps that point."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cs_utils import pretrained
from cs_utils.checking.report import to_text
from cs_utils.exercises import of_notebook
from cs_utils.shapes import make_images
from cs_utils.training import fit
from tests.exercises import proof

NOTEBOOK = "11_transfer"


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def judged(name, function):
    return proof.judged(proof.exercise(NOTEBOOK, name), function, proof.PUBLIC)


@pytest.fixture(scope="module")
def shapes():
    return make_images(40, size=64, seed=8, masks=True)


# --- the numbers in the text ------------------------------------------------------------------------------


def test_the_answers_to_the_questions_follow_from_the_functions():
    head = nn.Linear(512, 37)
    assert sum(one.numel() for one in head.parameters()) == solved("head_parameters")
    parts = [nn.Linear(1, 1) for _ in range(5)]
    groups = solved("fine_tuning_groups")(parts, "layerwise", lr=0.08, factor=0.5)
    (rate,) = (group["lr"] for group in groups if group["params"][0] is parts[0].weight)
    assert rate == pytest.approx(solved("rate_of_the_stem"))
    assert np.mean([2, -1, 6, 1]) + 0.5 == solved("score_from_map")
    features = torch.tensor([[[[5.0, 0], [0, 0]], [[3, 0], [0, 0]]]])
    gradient = torch.tensor([[[[1.0, 3], [0, 0]], [[-2, 0], [0, -2]]]])
    label = torch.tensor([0])
    found = solved("grad_cam")(
        lambda x: x, lambda f: (f * gradient).sum((1, 2, 3))[:, None], features, label, size=2
    )
    assert found[0, 0, 0] == solved("alpha_by_hand")


# --- on a real network ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "resting"), [("probe", 4), ("frozen", 2), ("layerwise", 0), ("full", 0)])
def test_what_is_frozen_stays_frozen_to_the_last_bit_and_the_rest_moves(mode, resting, shapes):
    images, labels, _ = shapes
    tuned = solved("FineTuned")(
        solved("new_head")(copy.deepcopy(pretrained.small_resnet(weights="shapes")), 10)
    )
    parts = tuned.inner.parts
    before = [copy.deepcopy(part.state_dict()) for part in parts]
    groups = solved("fine_tuning_groups")(parts, mode, lr=0.05)
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9, weight_decay=0.01)
    data = pretrained.prepare(images[:16], 32), labels[:16]
    fit(tuned, data, epochs=2, batch_size=8, max_lr=0.05, optimiser=optimizer, device="cpu", show=False)
    for place, (part, old) in enumerate(zip(parts, before, strict=True)):
        same = all(torch.equal(old[name], new) for name, new in part.state_dict().items())
        assert same == (place < resting), place


def test_cam_and_grad_cam_are_the_same_where_both_exist_and_the_map_adds_up_to_the_score(shapes):
    net, x, labels = (
        pretrained.small_resnet(weights="shapes"),
        pretrained.prepare(shapes[0][:3]),
        torch.tensor([3, 0, 7]),
    )
    features = net.features(x).detach()
    cam = solved("class_activation_map")(features, net.head.weight, net.head.bias, labels, size=8).detach()
    torch.testing.assert_close(
        cam.mean((1, 2)) + net.head.bias.detach()[labels], net(x).detach()[torch.arange(3), labels]
    )
    by_gradient = solved("grad_cam")(net.features, lambda f: net.head(f.mean((2, 3))), x, labels, size=8)
    torch.testing.assert_close(64 * by_gradient, cam.relu(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("by_gradient", [False, True])
def test_the_peak_lies_on_the_shape_in_four_of_five_pictures(by_gradient, shapes):
    images, labels, masks = shapes
    net, x, y = (
        pretrained.small_resnet(weights="shapes-pointed"),
        pretrained.prepare(images),
        torch.tensor(labels),
    )
    if by_gradient:
        maps = solved("grad_cam")(net.features, lambda f: net.head(f.mean((2, 3))), x, y, size=64)
    else:
        with torch.no_grad():
            features = net.features(x)
            maps = solved("class_activation_map")(features, net.head.weight, net.head.bias, y, size=64)
    assert solved("pointing_game")(maps, torch.tensor(masks)) >= 0.8


# --- fairness ---------------------------------------------------------------------------------------------


def test_groups_without_a_rate_of_their_own_take_that_of_the_optimizer():
    def fine_tuning_groups(parts, mode, *, lr, **options):
        groups = solved("fine_tuning_groups")(parts, mode, lr=lr, **options)
        return [{key: group[key] for key in group if key != "lr" or mode == "layerwise"} for group in groups]

    assert judged("fine_tuning_groups", fine_tuning_groups).passed


def test_float32_maps_and_maps_with_a_graph_are_right():
    def class_activation_map(features, weight, bias, labels, *, size):
        weight = weight.float().requires_grad_()
        return solved("class_activation_map")(features.float(), weight, bias, labels, size=size)

    assert judged("class_activation_map", class_activation_map).passed


# --- what must earn nothing, and what is said -------------------------------------------------------------


def test_maps_of_the_right_shape_earn_nothing():
    def zeros(features, *rest, size):
        return torch.zeros(len(features), size, size)

    assert judged("class_activation_map", zeros).points == 0
    assert judged("grad_cam", lambda body, tail, x, labels, *, size: zeros(x, size=size)).points == 0
    assert judged("pointing_game", lambda maps, masks: 1.0).points == 0


def test_a_network_that_is_not_returned_is_told_in_words():
    def new_head(net, classes):
        net.head = nn.Linear(net.head.in_features, classes)

    assert "returned None where the network was asked for" in to_text(judged("new_head", new_head))


def test_a_parameter_in_two_groups_is_an_error_of_the_optimizer():
    def fine_tuning_groups(parts, mode, **options):
        return 2 * solved("fine_tuning_groups")(parts, mode, **options)

    assert judged("fine_tuning_groups", fine_tuning_groups).points == 0


def test_groups_that_are_no_dicts_are_told_in_words():
    def fine_tuning_groups(parts, mode, **options):
        return [one for part in parts for one in part.parameters()]

    text = to_text(judged("fine_tuning_groups", fine_tuning_groups))
    assert 'a dict with "params" and "lr" was asked for' in " ".join(text.split())


def test_a_map_that_pytorch_cannot_enlarge_is_not_called_unwritten():
    def class_activation_map(features, weight, bias, labels, *, size):
        return F.interpolate(torch.einsum("nk,nkhw->nhw", weight[labels], features), size, mode="bilinear")

    verdict = judged("class_activation_map", class_activation_map)
    assert not verdict.untouched and "Got 3D input" in to_text(verdict)


@pytest.mark.parametrize("name", [found.name for found in of_notebook(NOTEBOOK)])
def test_a_report_shows_a_call_that_can_be_typed(name):
    snippet = next(one for one in proof.mistakes(NOTEBOOK) if one.exercise == name)
    text = to_text(judged(name, proof.written(NOTEBOOK, snippet)))
    shown = re.split("You returned|Your function", text.split("Smallest failing case")[1])[0]
    code = "\n".join(line.removeprefix("  ") for line in shown.splitlines()[1:])
    exec(code, {"np": np, "torch": torch, name: solved(name)})
