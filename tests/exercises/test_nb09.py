"""Notebook 09: what is particular to it: numbers in the text, devices, what must cost or earn nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cs_utils import layers
from cs_utils.checking.report import to_text
from cs_utils.exercises import of_notebook
from tests.exercises import proof

NOTEBOOK = "09_lenet_pytorch"


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def judged(name, function, **beside):
    return proof.judged(proof.exercise(NOTEBOOK, name), function, proof.PUBLIC, beside)


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


# --- the numbers in the text ------------------------------------------------------------------------------


def test_the_networks_have_as_many_parameters_as_the_text_says():
    assert count(solved("LeNet")()) == 1_256_080 == 520 + 25_050 + 1_225_500 + 5_010
    assert count(solved("LeNet5")()) == 61_706


def test_the_answers_to_the_questions_follow_from_the_networks():
    net = solved("Net")()
    with torch.no_grad():
        wide = net.conv2(net.norm1(net.conv1(torch.zeros(1, 1, 32, 32))))
        assert F.max_pool2d(wide, 2).numel() == solved("net_flatten")
    norms = [part for part in solved("Net")(width=10).modules() if hasattr(part, "running_mean")]
    assert sum(norm.running_mean.numel() + norm.running_var.numel() for norm in norms) == solved(
        "numbers_kept"
    )
    perfect = torch.tensor([[1.0, 0, 0]])
    assert F.cross_entropy(perfect, torch.tensor([0])).item() == pytest.approx(
        solved("softmax_floor"), abs=0.005
    )
    assert pytest.approx(solved("mean_loss")) == (64 * 0.5 + 16 * 1) / 80


def test_a_network_that_knows_nothing_has_the_loss_of_a_guess():
    torch.manual_seed(0)
    scores = solved("LeNet")()(torch.randn(64, 1, 28, 28))
    assert F.cross_entropy(scores, torch.arange(64) % 10).item() == pytest.approx(math.log(10), abs=0.05)


def test_the_same_weights_give_the_same_scores_in_numpy_and_in_pytorch():
    rng = np.random.default_rng(0)
    net = solved("LeNet")().double()
    arrays = [0.1 * rng.normal(size=tuple(parameter.shape)) for parameter in net.parameters()]
    solved("copy_weights")(net, arrays)
    x = rng.normal(size=(3, 1, 28, 28))
    by_numpy = solved("numpy_scores")(x, arrays)
    by_torch = net(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(by_numpy, by_torch, atol=1e-6 * np.abs(by_torch).max())


def test_twenty_pictures_of_noise_are_learned_by_heart():
    torch.manual_seed(0)
    noise, nonsense = torch.randn(20, 1, 28, 28), torch.randint(0, 10, (20,))
    small = solved("LeNet")(filters=(4, 8), hidden=32)
    net, optimizer = solved("prepare")(small, "cpu", lr=0.05)
    for _ in range(40):
        loss, right = solved("train_batch")(net, optimizer, noise, nonsense)
    assert right == 20 and loss < 0.05


def test_a_softmax_in_front_of_the_loss_keeps_it_up_and_a_log_softmax_changes_nothing():
    scores, labels = 4 * torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    assert torch.allclose(F.cross_entropy(scores, labels), F.cross_entropy(scores.log_softmax(1), labels))
    assert F.cross_entropy(scores.softmax(1), labels) > 0.55


# --- what must cost nothing --------------------------------------------------------------------------------


def test_a_bias_in_front_of_a_batch_norm_may_be_there_or_not():
    def with_biases(*which):
        class Net(solved("Net")):
            def __init__(self, classes=10, width=32):
                super().__init__(classes, width)
                self.conv1 = nn.Conv2d(1, width, 3, bias="conv1" in which)
                self.conv2 = nn.Conv2d(width, 2 * width, 3, bias="conv2" in which)
                self.fc1 = nn.Linear(288 * width, 4 * width, bias="fc1" in which)

        return Net

    for which in [(), ("conv1",), ("conv2", "fc1"), ("conv1", "conv2", "fc1")]:
        assert judged("Net", with_biases(*which)).passed, which


def test_a_missing_bias_elsewhere_is_told_by_its_shape():
    class LeNet(solved("LeNet")):
        def __init__(self, classes=10, filters=(20, 50), hidden=500):
            super().__init__(classes, filters, hidden)
            self.fc2 = nn.Linear(hidden, classes, bias=False)

    text = to_text(judged("LeNet", LeNet))
    assert "it learns 1,256,070 numbers where 1,256,080 were asked for; missing: 10" in " ".join(text.split())


def test_a_function_that_makes_the_network_does_as_well():
    assert judged("LeNet", lambda **options: solved("LeNet")(**options)).passed


def test_a_wrong_train_batch_costs_the_epoch_that_calls_it_but_an_epoch_of_its_own_stands_alone():
    exercise = proof.exercise(NOTEBOOK, "train_epoch")
    own = next(s for s in proof.styles(NOTEBOOK) if s.title == "without train_batch")
    broken = {"train_batch": lambda net, optimizer, x, y: (0.0, 0)}
    verdict = proof.judged(exercise, proof.written(NOTEBOOK, own), proof.PUBLIC, broken)
    assert verdict.passed


# --- what must not pass -------------------------------------------------------------------------------------


def test_a_network_that_gives_the_right_scores_without_learning_anything_earns_little():
    class LeNet(solved("LeNet")):
        def __init__(self, **options):
            super().__init__(**options)
            for parameter in self.parameters():
                parameter.requires_grad_(False)

    verdict = judged("LeNet", LeNet)
    assert {"what it learns", "every weight gets a gradient"} <= proof.failed(verdict)


@pytest.mark.parametrize("name", ["train_batch", "evaluate"])
def test_a_global_device_is_not_the_networks(name):
    snippet = next(
        s for s in proof.mistakes(NOTEBOOK) if s.exercise == name and "moved to the batch" not in s.title
    )
    code = {
        "train_batch": "def train_batch(net, optimizer, x, y):\n    net.train()\n    optimizer.zero_grad()\n"
        "    out = net(x.to(device))\n    loss = F.cross_entropy(out, y.to(device))\n    loss.backward()\n"
        "    optimizer.step()\n    return loss.item(), (out.argmax(1) == y.to(device)).sum().item()\n",
        "evaluate": "@torch.no_grad()\ndef evaluate(net, batches):\n    net.eval()\n    a = b = n = 0\n"
        "    for x, y in batches:\n        out = net(x.to(device))\n        n += len(y)\n"
        "        a += F.cross_entropy(out, y.to(device)).item() * len(y)\n"
        "        b += (out.argmax(1) == y.to(device)).sum().item()\n    return a / n, b / n\n",
    }[name]
    code = "device = torch.device('cpu')\n" + code
    function = proof.written(NOTEBOOK, type(snippet)(name, "a global device", code))
    verdict = judged(name, function)
    assert proof.named(verdict) == {"wherever the network is": {"pictures or labels stay on the CPU"}}


def test_an_untouched_class_is_told_as_untouched_not_as_wrong():
    class LeNet(nn.Module):
        def __init__(self, classes=10, filters=(20, 50), hidden=500):
            super().__init__()
            raise NotImplementedError("write LeNet")

    assert judged("LeNet", LeNet).untouched


def test_another_error_on_the_way_is_not_taken_for_a_misfit():
    right = next(
        s for s in proof.mistakes(NOTEBOOK) if s.title == "the ReLU between the linear layers is missing"
    )
    code = right.source.replace("self.conv_b(x)", "self.conv_b(x[:, :1])")
    verdict = judged("LeNet", proof.written(NOTEBOOK, type(right)("LeNet", "one channel only", code)))
    assert not set().union(*proof.named(verdict).values())
    assert "channels" in to_text(verdict)


def test_every_function_knows_its_misconceptions():
    known = {found.name: len(found.misconceptions) for found in of_notebook(NOTEBOOK)}
    assert sum(known.values()) >= 100 and min(known.values()) >= 6


def test_the_ready_layers_are_those_of_the_notebooks():
    assert all(hasattr(layers, f"{name}_forward") for name in ("conv2d", "relu", "max_pool2d", "linear"))
