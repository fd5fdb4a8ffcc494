"""cs_utils.network: ready-made layers and networks, whose functions are taken, how much is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cs_utils import earlier, layers, network
from cs_utils.network import Layer, ReadyNetwork, layers_of, zero_velocities

rng = np.random.default_rng(0)
PARAMETERS = [rng.normal(size=shape) for shape in ((2, 1, 3, 3), (2,), (3, 8), (3,))]
KINDS = "conv relu pool flatten linear"


def pytorch_net() -> nn.Sequential:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    for weights, array in zip(net.parameters(), PARAMETERS, strict=True):
        weights.data = torch.tensor(array)
    return net


def test_layers_have_names_parameters_and_functions_of_their_own():
    made = layers_of(KINDS, *PARAMETERS)
    assert [layer.name for layer in made] == ["conv1", "relu1", "pool1", "flatten1", "linear1"]
    assert [len(layer.parameters) for layer in made] == [2, 0, 0, 0, 2]
    assert [layer.name for layer in layers_of("relu relu")] == ["relu1", "relu2"]


@pytest.mark.parametrize(("kinds", "count"), [("linear", 1), ("relu", 1), ("conv linear", 2)])
def test_a_wrong_number_of_parameters_is_refused(kinds, count):
    with pytest.raises(ValueError, match="arrays of parameters"):
        layers_of(kinds, *PARAMETERS[:count])


def test_an_unknown_kind_of_layer_is_refused():
    with pytest.raises(ValueError, match="there are: conv"):
        layers_of("softmax")


def test_a_ready_network_is_pytorch_and_reads_its_parameters_anew():
    net, theirs = ReadyNetwork(KINDS, *PARAMETERS), pytorch_net()
    x = rng.normal(size=(4, 1, 4, 4))
    np.testing.assert_allclose(net.forward(x), theirs(torch.tensor(x)).detach().numpy())
    net.layers[4].parameters[1] = PARAMETERS[3] + 1
    np.testing.assert_allclose(net.forward(x), theirs(torch.tensor(x)).detach().numpy() + 1)


def test_the_gradients_of_a_ready_network_are_those_of_autograd_times_its_factors():
    x, dout = rng.normal(size=(4, 1, 4, 4)), rng.normal(size=(4, 3))
    net, theirs = ReadyNetwork(KINDS, *PARAMETERS, factors=(1, 2, 1, 0.5)), pytorch_net()
    net.forward(x)
    dx, gradients = net.backward(dout)
    leaf = torch.tensor(x, requires_grad=True)
    theirs(leaf).backward(torch.tensor(dout))
    np.testing.assert_allclose(dx, leaf.grad)
    right = [weights.grad.numpy() for weights in theirs.parameters()]
    found = [*gradients["conv1"], *gradients["linear1"]]
    for mine, other, factor in zip(found, right, (1, 2, 1, 0.5), strict=True):
        np.testing.assert_allclose(mine, factor * other)
    assert gradients["relu1"] == []


def test_velocities_begin_at_zero_and_have_the_shapes_of_the_parameters():
    velocities = zero_velocities(ReadyNetwork(KINDS, *PARAMETERS))
    assert [each.shape for each in velocities["conv1"]] == [(2, 1, 3, 3), (2,)]
    assert velocities["relu1"] == [] and not velocities["linear1"][0].any()


# --- whose functions ----------------------------------------------------------------------------------------


def own_functions(monkeypatch, **own):
    """The student's notebooks have these functions and no others."""

    def find(name, notebook):
        if name not in own:
            raise earlier.NotThere("it is not there")
        return own[name]

    monkeypatch.setattr(earlier, "find", find)


def test_functions_that_are_right_and_fast_are_the_students_own(monkeypatch, capsys):
    def forward(x):
        return np.maximum(x, 0), (x,)

    def backward(dout, cache):
        return dout * (cache[0] > 0)

    own_functions(monkeypatch, relu_forward=forward, relu_backward=backward)
    chosen = network.operations()
    assert chosen.relu == (forward, backward)
    assert chosen.conv2d == (layers.conv2d_forward, layers.conv2d_backward)
    told = capsys.readouterr().out
    assert "relu        your own" in told and "conv2d      of cs_utils.layers (it is not there)" in told


def test_wrong_slow_and_broken_functions_are_not_taken(monkeypatch, capsys):
    def slow(x, kernel_size):
        for _ in range(100):
            layers.max_pool2d_forward(x, kernel_size)
        return layers.max_pool2d_forward(x, kernel_size)

    own_functions(
        monkeypatch,
        relu_forward=lambda x: (np.maximum(x, 0), (x,)),
        relu_backward=lambda dout, cache: dout,
        linear_forward=lambda x, w, b: None,
        linear_backward=lambda dout, cache: None,
        max_pool2d_forward=slow,
        max_pool2d_backward=layers.max_pool2d_backward,
    )
    chosen = network.operations()
    told = capsys.readouterr().out
    assert "relu        of cs_utils.layers (yours give other numbers than PyTorch)" in told
    assert "linear      of cs_utils.layers (yours end in TypeError)" in told
    assert "times as long" in told and chosen.max_pool2d[0] is layers.max_pool2d_forward


def test_every_pair_of_a_lenet_can_be_run(monkeypatch, capsys):
    monkeypatch.setattr(network, "SLOWEST", 1e6)  # the machine may be busy
    own_functions(
        monkeypatch, **{name: getattr(layers, name) for names in network.PAIRS.values() for name in names}
    )
    network.operations()
    assert capsys.readouterr().out.count("your own") == len(network.PAIRS)


# --- how much ---------------------------------------------------------------------------------------------


@pytest.fixture
def time_to_train(monkeypatch):
    for name in ("CS_UTILS_QUICK", "CS_UTILS_GRADING"):
        monkeypatch.delenv(name, raising=False)


def test_as_many_images_as_fit_into_the_time(time_to_train, monkeypatch, capsys):
    monkeypatch.setattr(network, "_median_seconds", lambda call, rounds: 1.0)
    assert network.affordable(lambda: None, 64, 60_000, minutes=2) == 120 * 64
    assert "only 7,680 of 60,000 images" in capsys.readouterr().out
    assert network.affordable(lambda: None, 64, 640, minutes=2) == 640
    assert "all 640 images" in capsys.readouterr().out


def test_without_time_little_is_trained_and_that_is_said(monkeypatch, capsys):
    monkeypatch.setenv("CS_UTILS_QUICK", "1")
    assert network.affordable(lambda: None, 64, 60_000) == 512
    assert network.fashion().name.startswith("Fashion-MNIST")
    assert capsys.readouterr().out.count("There is no time") == 2


def test_where_the_whole_set_cannot_be_had_the_small_one_is_taken(time_to_train, monkeypatch, capsys):
    from cs_utils import data

    real = data.load

    def load(name, **options):
        if name == "fashion-mnist":
            raise data.DataError("no internet")
        return real(name, **options)

    monkeypatch.setattr(data, "load", load)
    assert len(network.fashion().train) == 5000
    assert "(no internet)" in capsys.readouterr().out


def test_calls_side_by_side_take_turns():
    order = []
    seconds = network.side_by_side({name: lambda name=name: order.append(name) for name in "ab"}, rounds=3)
    assert set(seconds) == {"a", "b"} and order[2:4] == ["a", "b"]


def test_pytorchs_step_learns():
    from cs_utils.layers import kaiming_init

    generator = np.random.default_rng(1)
    shapes = [(20, 1, 5, 5), (50, 20, 5, 5), (500, 2450), (10, 500)]
    parts = [
        Layer(str(shape), layers.relu_forward, layers.relu_backward, [w, np.zeros(len(w), np.float32)])
        for shape in shapes
        for w in [kaiming_init(shape, rng=generator).astype(np.float32)]
    ]
    x = generator.normal(size=(4, 1, 28, 28)).astype(np.float32)
    step = network.pytorch_step(parts, x, np.arange(4), lr=0.0001)
    assert step() > step() > 0
