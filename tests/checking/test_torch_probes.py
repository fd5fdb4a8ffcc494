"""Networks in PyTorch are asked the same however they are written, and what they say is plain data."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.checking import probes, report_torch
from cs_utils.checking import torch_probes as known
from cs_utils.checking.outcome import Odd


class Forward(nn.Module):
    """A convolution, a batch norm, and two linear layers that are registered first."""

    def __init__(self, classes=4):
        super().__init__()
        self.last, self.hidden = nn.Linear(5, classes), nn.Linear(2 * 36, 5)
        self.norm = nn.BatchNorm2d(2)
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu().flatten(1)
        return self.last(F.relu(self.hidden(x)))


class Chain(nn.Sequential):
    """The same, in a row and without the bias in front of the norm."""

    def __init__(self, classes=4):
        super().__init__(
            *(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(72, 5), nn.ReLU(), nn.Linear(5, classes)),
        )


def asked(probe, network, *args, **options):
    return probes.run(probe, "Net", probes.find_in({"Net": network}), args, options)


SIZE = {"size": (1, 8, 8)}


def test_two_ways_to_write_a_network_give_the_same_answers():
    for probe, options in {
        "net_scores": {"seed": 3},
        "net_statistics": {"seed": 3, "norms": 1},
    }.items():
        one, other = (asked(probe, network, 2, **options, **SIZE).value for network in (Forward, Chain))
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    stages = ["conv 1 -> 2x6x6", "linear 72 -> 5", "linear 5 -> 4"]
    assert asked("net_stages", Forward, **SIZE).value == asked("net_stages", Chain, **SIZE).value == stages


def test_the_seed_decides_the_numbers_and_nothing_else_does():
    torch.manual_seed(1)
    first = asked("net_scores", Forward, 2, seed=3, **SIZE).value[0]
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    again, other = (asked("net_scores", Forward, 2, seed=seed, **SIZE).value[0] for seed in (3, 4))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert torch.equal(before, torch.random.get_rng_state()), "the notebook's random numbers are its own"


def test_what_is_learned_is_counted_without_a_forward_pass():
    class Broken(Forward):
        def forward(self, x):
            raise ValueError("not yet")

    count, *shapes = asked("net_parameters", Broken, classes=3).value
    assert count == 2 * 9 + 2 + 4 + 72 * 5 + 5 + 15 + 3
    assert shapes == ["2", "2", "2", "2x1x3x3", "3", "3x5", "5", "5x72"]
    failure = asked("net_scores", Broken, 2, seed=0, **SIZE).failure
    assert (failure.type, failure.message) == ("ValueError", "not yet")


def test_a_weight_without_a_gradient_shows_as_zero():
    class Cut(Forward):
        def forward(self, x):
            x = self.norm(self.conv(x)).relu().flatten(1).detach()
            return self.last(F.relu(self.hidden(x)))

    right, cut = (asked("net_gradients", network, 2, seed=1, **SIZE).value for network in (Forward, Cut))
    assert all(right) and sum(length == 0 for length in cut) == 4


@pytest.mark.parametrize(
    ("network", "error", "words"),
    [
        (lambda: None, "TypeError", "gave None"),
        (lambda: 3, "TypeError", "gave an object of type int"),
        (type("Silent", (Chain,), {"forward": lambda self, x: None}), "TypeError", "forward returned None"),
        (
            type("Unfinished", (nn.Linear,), {"forward": nn.Module.forward}),
            "AttributeError",
            "no method forward",
        ),
    ],
)
def test_what_is_no_network_is_told_in_words(network, error, words):
    made = (
        (lambda: network(1, 1)) if isinstance(network, type) and issubclass(network, nn.Linear) else network
    )
    failure = asked("net_scores", made, 2, seed=0, **SIZE).failure
    assert failure.type == error and words in failure.message


def test_a_stub_is_told_as_one():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            raise NotImplementedError("write Net")

    failure = asked("net_scores", Net, 2, seed=0).failure
    assert (failure.type, failure.function) == ("NotImplementedError", "")


def test_a_network_that_hides_its_layers_is_told_as_one_without_weights():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(64, 3)]

        def forward(self, x):
            return self.layers[0](x.flatten(1))

    for probe in ("net_parameters", "net_stages"):
        assert asked(probe, Hidden).value == known.NO_WEIGHTS
    assert asked("net_scores", Hidden, 2, seed=0, **SIZE).value == known.NO_WEIGHTS


@pytest.mark.parametrize("p", [0.0, 0.25, 0.6])
def test_the_share_that_is_dropped_is_seen_even_where_everything_would_be_zero(p):
    class Dropping(Forward):
        def forward(self, x):
            x = F.dropout(self.norm(self.conv(x)).relu().flatten(1), p, self.training)
            return self.last(F.relu(self.hidden(x)))

    seen = asked("net_dropped", Dropping, 20, seed=2, **SIZE).value
    assert seen["share"] == pytest.approx(p, abs=0.04)
    assert seen["kept"] == pytest.approx(1 / (1 - p), rel=1e-4)
    assert seen["whole"] == 0


def step(net, optimizer, x, y):
    place = next(net.parameters()).device
    x, y = x.to(place), y.to(place)
    scores = net(x)
    loss = F.cross_entropy(scores, y)
    loss.backward()
    optimizer.step()
    return loss, (scores.argmax(1) == y).sum()


def test_a_loss_that_holds_its_graph_is_told_from_a_number():
    x, y = np.zeros((3, 1, 2, 2)), np.array([0, 1, 2])
    losses, rights, weights, memory = asked("torch_steps", step, x, y, seed=0).value
    assert losses == [known.GRAPH_KEPT] and type(rights[0]) is int
    assert weights.shape == (4 * 6 + 6 + 6 * 3 + 3,) and memory.size == 0


def test_a_device_without_numbers_tells_where_tensors_are():
    def forgets_labels(net, optimizer, x, y):
        scores = net(x.to(next(net.parameters()).device))
        return F.cross_entropy(scores, y).item(), 0

    def reads_on_the_cpu(net, optimizer, x, y):
        loss, right = step(net, optimizer, x, y)
        return float(loss.detach().cpu().numpy()), int(right.to("cpu"))

    def moves(net, optimizer, x, y):
        net.to(x.device)
        return step(net, optimizer, x, y)

    def told(function):
        outcome = asked("torch_elsewhere", function, 3, seed=0)
        return outcome.value or f"{outcome.failure.type}: {outcome.failure.message}"

    assert told(step) == told(reads_on_the_cpu) == "computed where the network is"
    assert told(moves) == "the network was moved"
    assert told(forgets_labels).startswith("RuntimeError: pictures or labels are on the CPU")


def test_what_comes_back_is_plain_data_and_pictures_are_not_changed():
    class InPlace(Chain):
        def forward(self, x):
            x.zero_()
            return super().forward(x)

    outcome = asked("net_scores", InPlace, 2, seed=0, **SIZE)
    assert all(type(array) is np.ndarray for array in outcome.value)
    assert not any(isinstance(value, Odd) for value in outcome.value)


def test_every_probe_can_be_typed_by_a_student():
    assert set(report_torch.WRITTEN) == set(known.PROBES)


def test_looking_up_the_probes_does_not_import_pytorch():
    code = (
        "import sys; from cs_utils.checking import probes; print(len(probes.PROBES), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(probes.PROBES)), "False"]
