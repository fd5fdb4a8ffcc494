"""The checks before a training say what they found, what was expected, and what to look at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from cs_utils.training import find_learning_rate, fit, initial_loss, overfit_one_batch
from tests.training.small import CLASSES, assert_same_state, network, spots, state


def scaled(factor: float) -> nn.Module:
    model = network()
    with torch.no_grad():
        model[-1].weight.mul_(factor)
    return model


def test_a_fresh_network_guesses():
    finding = initial_loss(scaled(0.1), spots(200))
    assert finding and finding.value == pytest.approx(math.log(4), rel=0.15)
    assert str(finding).splitlines() == [
        f"Found:    a loss of {finding.value:.4f} on 200 images before training",
        "Expected: 1.3863 = ln 4, as from guessing among 4 classes, within 15%",
        "As expected.",
    ]


def trained() -> nn.Module:
    model = network()
    fit(model, spots(300), epochs=3, batch_size=16, max_lr=0.1, show=False)
    return model


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        (scaled(100), "sure of wrong answers"),
        (nn.Sequential(scaled(20), nn.Softmax(1)), "ends in a softmax"),
        (trained(), "has it been trained"),
        (scaled(math.inf), "first that returns NaN"),
    ],
)
def test_an_initial_loss_that_is_not_that_of_guessing_is_explained(model, advice):
    finding = initial_loss(model, spots(200))
    assert not finding
    assert advice in str(finding) and "Not as expected" in str(finding)


def test_a_softmax_is_noticed_though_its_loss_is_near_that_of_guessing():
    finding = initial_loss(nn.Sequential(scaled(0.1), nn.Softmax(1)), spots(200))
    assert finding.value == pytest.approx(math.log(4), rel=0.15) and not finding
    assert "ends in a softmax" in str(finding)


def test_a_sound_network_learns_a_batch_by_heart():
    finding = overfit_one_batch(network(dropout=0), spots(200), max_lr=0.05)
    assert finding and finding.value == 1 and 0 < finding.steps < 200
    assert "100% of 50 images right after" in str(finding)


class Cut(nn.Module):
    """A network whose first layer gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 2), nn.Linear(2, CLASSES)

    def forward(self, x):
        return self.second(self.first(x.flatten(1)).detach())


@pytest.mark.parametrize(
    ("model", "options", "advice"),
    [
        (Cut(), {}, "No gradient reaches first.weight, first.bias"),
        (network(), {"max_lr": 1e12}, "max_lr ten times smaller"),
        (network(), {"max_lr": 1e-9}, "does the model end in a softmax"),
        (network(dropout=0.7), {"steps": 12, "max_lr": 0.05}, "more steps"),
    ],
)
def test_a_network_that_does_not_learn_a_batch_by_heart_is_explained(model, options, advice):
    finding = overfit_one_batch(model, spots(200), **{"steps": 30, **options})
    assert not finding
    assert advice in str(finding) and "within" in finding.expected


def test_a_rate_is_found_with_which_the_network_learns_well():
    search = find_learning_rate(network(), spots(400), batch_size=32)
    assert 0.01 < search.suggestion < 3
    assert len(search.rates) == len(search.losses) == len(search.smoothed) <= 100
    np.testing.assert_allclose(np.diff(np.log(search.rates)), np.log(1e5) / 99)
    model = network()
    history = fit(
        model, spots(400), spots(200, seed=1), epochs=3, batch_size=32, max_lr=search.suggestion, show=False
    )
    assert history.test_accuracy[-1] > 0.9
    assert f"max_lr={search.suggestion:.2g}" in repr(search)


def test_a_search_ends_when_the_loss_runs_away():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
    search = find_learning_rate(model, spots(100), lowest=1e-3, highest=1e20, steps=60)
    assert len(search.rates) < 60
    assert search.suggestion < 10


@pytest.mark.parametrize("check", [initial_loss, overfit_one_batch, find_learning_rate])
def test_checks_leave_the_model_as_it_is(check):
    model = network().eval()
    before = state(model)
    check(model, spots(60))
    assert_same_state(state(model), before)
    assert not model.training and all(p.grad is None for p in model.parameters())
