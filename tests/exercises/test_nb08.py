"""Notebook 08: what is particular to it: a class, networks as arguments, worked numbers, real grading."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autograder import source
from cs_utils import layers
from cs_utils.checking.report import to_text
from cs_utils.network import Layer, ReadyNetwork, layers_of, zero_velocities
from cs_utils.plots.curves import CURVES
from tests.exercises import proof

NOTEBOOK = "08_lenet_numpy"


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def judged(name, function, **beside):
    return proof.judged(proof.exercise(NOTEBOOK, name), function, proof.PUBLIC, beside)


def written(code, name):
    names = dict(proof.solutions(NOTEBOOK))
    source.run_cell(code, "test", names)
    return names[name]


def small(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(4, 3), (4,), (2, 4), (2,)]
    return rng, [rng.normal(size=shape) for shape in shapes]


# --- the numbers in the text ------------------------------------------------------------------------------


def lenet_parameters(channels, size):
    flat = 50 * (size // 4) ** 2
    sizes = [20 * (25 * channels + 1), 50 * (25 * 20 + 1), 500 * (flat + 1), 10 * 501]
    return flat, sum(sizes)


def test_the_answers_to_the_questions_follow_from_the_text():
    names = proof.solutions(NOTEBOOK)
    assert names["colour_net"] == lenet_parameters(3, 32)
    assert lenet_parameters(1, 28) == (2450, 1_256_080)
    batches = names["minibatches"](50_000, 96, rng=np.random.default_rng(0))
    assert names["last_batch"] == (len(batches), len(batches[-1]))
    w, velocity = np.zeros(1), np.zeros(1)
    for _ in range(1000):
        w, velocity = names["sgd_momentum"](w, np.ones(1), velocity, lr=1.0, momentum=0.95)
    assert velocity[0] == pytest.approx(names["long_run"])
    assert np.spacing(np.float32(2.3)) / 2e-5 == pytest.approx(names["float32_noise"], rel=0.01)


def test_the_letters_of_the_curves_are_what_the_curves_show():
    names = proof.solutions(NOTEBOOK)
    ends = {
        name: (train[-1], validation[-1], min(validation)) for name, (train, validation) in CURVES.items()
    }
    letters = [names[each] for each in ("too_slow", "too_fast", "by_heart", "wrong_labels")]
    letters.append(names["lowered"][0])
    assert len(set(letters)) == 5
    slow, fast, heart, wrong, lowered = letters
    assert ends[slow][1] == ends[slow][2] > 1.5 and CURVES[slow][0] == sorted(CURVES[slow][0], reverse=True)
    assert ends[fast][0] > 1.5 and max(np.diff(CURVES[fast][0])) > 0.2
    assert ends[heart][0] < 0.05 and ends[heart][2] < 1
    assert ends[wrong][0] < 1 and ends[wrong][2] > 2.2
    jumps = np.abs(np.diff(CURVES[lowered][0]))
    assert jumps[10 : names["lowered"][1]].mean() > 5 * jumps[names["lowered"][1] + 1 :].mean()


def test_the_suspects_are_the_layers_that_can_spoil_conv1_alone():
    """Break the dx, or everything, of each layer in turn; count those that spoil conv1 and nothing else."""
    rng = np.random.default_rng(2)
    kinds = "conv relu pool conv relu pool flatten linear relu linear"
    shapes = [(1, 1, 3, 3), (1,), (1, 1, 3, 3), (1,), (2, 4), (2,), (2, 2), (2,)]
    parameters = [abs(rng.normal(size=shape)) for shape in shapes]  # so that no ReLU is dead
    x, labels = rng.normal(size=(3, 1, 8, 8)), np.array([0, 1, 1])
    fits = 0
    for at in range(10):
        errors = broken_at(at, kinds, parameters, x, labels)
        fits += errors["conv1"] > 1e-3 and all(
            errors[name] < 1e-6 for name in ("conv2", "linear1", "linear2")
        )
    assert fits == solved("suspects")


def broken_at(at, kinds, parameters, x, labels):
    parts = layers_of(kinds, *parameters)
    right = parts[at].backward

    def wrong(dout, cache):
        returned = right(dout, cache)
        if not isinstance(returned, tuple):
            return 2 * returned
        dx, *others = returned
        return (dx, *(2 * each for each in others)) if at == 0 else (2 * dx, *others)

    parts[at].backward = wrong
    return solved("gradient_errors")(solved("Sequential")(parts), x, labels)


def test_a_whole_lenet_agrees_with_pytorch():
    names = proof.solutions(NOTEBOOK)
    rng, kinds = np.random.default_rng(1), "conv relu pool conv relu pool flatten linear relu linear"
    shapes = [(3, 1, 5, 5), (3,), (4, 3, 5, 5), (4,), (16, 36), (16,), (5, 16), (5,)]
    parameters = [rng.normal(size=shape) * (2 / max(1, np.prod(shape[1:]))) ** 0.5 for shape in shapes]
    x = rng.normal(size=(50, 1, 12, 12))
    net, theirs = names["Sequential"](layers_of(kinds, *parameters)), ReadyNetwork(kinds, *parameters)
    np.testing.assert_allclose(net.forward(x), theirs.forward(x))
    dout = rng.normal(size=(50, 5))
    (dx, mine), (other_dx, others) = net.backward(dout), theirs.backward(dout)
    np.testing.assert_allclose(dx, other_dx)
    for name in others:
        for one, other in zip(mine[name], others[name], strict=True):
            np.testing.assert_allclose(one, other)


# --- what must cost nothing ---------------------------------------------------------------------------------


def test_a_network_may_leave_out_layers_without_parameters_in_its_gradients():
    Right = solved("Sequential")

    class Fewer(Right):
        def backward(self, dout):
            dx, gradients = super().backward(dout)
            return dx, {name: tuple(each) for name, each in gradients.items() if each}

    assert judged("Sequential", Fewer).passed


def test_a_training_step_in_float32_arithmetic_passes():
    def step(net, x, labels, velocities, *, lr, momentum=0.9):
        loss, dscores = layers.softmax_cross_entropy(net.forward(x), labels)
        _, gradients = net.backward(dscores)
        for layer in net.layers:
            for i, dw in enumerate(gradients[layer.name]):
                speed = np.float32(momentum) * velocities[layer.name][i] + dw
                velocities[layer.name][i] = speed
                layer.parameters[i] = layer.parameters[i] - np.float32(lr) * speed
        return np.float32(loss)

    assert judged("train_step", step).passed


def test_batches_of_python_numbers_are_batches():
    def plain(count, batch_size, *, rng):
        order = rng.permutation(count).tolist()
        return [order[at : at + batch_size] for at in range(0, count, batch_size)]

    verdict = judged("minibatches", plain)
    assert {group.group.name for group in verdict.groups if group.passed} >= {"every example once"}


# --- what must earn nothing, or be told -------------------------------------------------------------------


def test_a_class_with_one_method_written_is_no_untouched_answer():
    code = """
class Sequential:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x, _ = layer.forward(x, *layer.parameters)
        return x

    def backward(self, dout):
        raise NotImplementedError("write Sequential")
"""
    verdict = judged("Sequential", written(code, "Sequential"))
    assert not verdict.untouched and verdict.points == 2


def test_an_untouched_class_is_called_untouched():
    (code,) = (cell.source for cell in source.released(NOTEBOOK).cells if "class Sequential" in cell.source)
    assert judged("Sequential", written(code, "Sequential")).untouched


def test_a_backward_that_returns_gradients_alone_is_told_what_was_asked_for():
    Right = solved("Sequential")

    class Alone(Right):
        def backward(self, dout):
            return super().backward(dout)[1]

    assert "dx and a dict" in to_text(judged("Sequential", Alone))


def test_a_constant_loss_and_unmoved_parameters_earn_nothing():
    assert judged("train_step", lambda net, x, labels, velocities, **options: 1.0).points == 0


def test_gradients_that_are_copied_from_the_numeric_ones_do_not_find_mistakes():
    def blind(net, x, labels):
        return {layer.name: 0.0 for layer in net.layers if layer.parameters}

    verdict = judged("gradient_errors", blind)
    assert "finds the layer with a mistake" in proof.failed(verdict)


def test_a_rate_search_that_ignores_the_network_earns_no_point():
    assert (
        judged(
            "search_learning_rate", lambda make_net, x, labels, rates, *, steps: (rates[0], [0.0] * 3)
        ).points
        == 0
    )


# --- calls in reports can be pasted -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [exercise.name for exercise in proof.of_notebook(NOTEBOOK)])
def test_every_case_that_a_report_writes_out_runs_as_it_stands(name):
    """What a student pastes into a cell of the solved notebook runs."""
    from cs_utils import network
    from cs_utils.checking.exercise import written_out
    from cs_utils.checking.report_values import write_call

    exercise = proof.exercise(NOTEBOOK, name)
    names = {**proof.solutions(NOTEBOOK), "np": np, "network": network, "zero_velocities": zero_velocities}
    for group in exercise.groups:
        for given in exercise.cases(group, proof.PUBLIC):
            if written_out(given) and given.probe not in ("drawn_again",):
                with np.errstate(all="ignore"):
                    exec(write_call(exercise, given), dict(names))


def test_a_layer_keeps_what_it_is_given():
    w = np.ones(2)
    layer = Layer("fc", layers.linear_forward, layers.linear_backward, [w])
    assert (
        layer.parameters[0] is w and Layer("relu", layers.relu_forward, layers.relu_backward).parameters == []
    )


def test_the_reference_of_momentum_is_what_pytorch_does():
    rng = np.random.default_rng(0)
    weight = torch.tensor(rng.normal(size=5), requires_grad=True)
    optimiser = torch.optim.SGD([weight], lr=0.1, momentum=0.8)
    w, velocity = weight.detach().numpy().copy(), np.zeros(5)
    for dw in rng.normal(size=(4, 5)):
        weight.grad = torch.tensor(dw)
        optimiser.step()
        w, velocity = solved("sgd_momentum")(w, dw, velocity, lr=0.1, momentum=0.8)
        np.testing.assert_allclose(w, weight.detach().numpy())


# --- what labels may be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.eye(3), r"one for each row of scores \(not one-hot\); found \(3, 3\)"),
        (np.array([0, 1]), r"found \(2,\) for scores \(3, 3\)"),
        (np.array([0, 3, 1]), "labels go from 0 to 3, but there are 3 classes: 0 to 2"),
        (np.array([0, -1, 1]), "labels go from -1 to 1"),
    ],
)
def test_labels_that_are_none_are_refused_in_words(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        layers.softmax_cross_entropy(np.zeros((3, 3)), labels)


def test_a_dict_with_strange_keys_or_too_many_gradients_is_told():
    known = proof.solutions(NOTEBOOK)["Sequential"]

    def changed(change):
        class Sequential(known):
            def backward(self, dout):
                dx, gradients = super().backward(dout)
                return dx, change(dx, gradients)

        return to_text(judged("Sequential", Sequential))

    numbered = changed(lambda dx, gradients: dict(enumerate(gradients.values())))
    assert "backward's dict has the key 0, which is not the name of a layer" in numbered
    longer = changed(lambda dx, gradients: {name: [dx, *own] for name, own in gradients.items() if own})
    assert "a list of 3 for a layer with 2 parameters" in longer
