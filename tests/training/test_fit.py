"""The loop: it learns, it never waits for the device, it stops when the loss is no number."""

from __future__ import annotations

import ast
import inspect
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from cs_utils.training import Augment, TrainingDiverged, augment, evaluate, fit, hardware, loop, one_cycle
from tests.training.small import CLASSES, assert_same_state, network, spots, state

QUICK = {"epochs": 2, "batch_size": 16, "max_lr": 0.05, "show": False}


def test_a_small_network_learns():
    model = network()
    train, test = spots(600), spots(300, seed=1)
    history = fit(model, train, test, epochs=4, batch_size=32, max_lr=0.1, show=False)
    assert history.test_accuracy[-1] > 0.95
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert not model.training
    assert evaluate(model, test, like=train)[1] == history.test_accuracy[-1]
    assert len(history.losses) == len(history.rates) == history.steps == 4 * (600 // 32)


def test_the_first_steps_are_those_of_the_formula():
    """Plain full-batch descent with the one-cycle rate, written out again."""
    images, labels = torch.randn(12, 5), torch.randint(3, (12,))
    model, again = nn.Linear(5, 3), nn.Linear(5, 3)
    again.load_state_dict(model.state_dict())
    fit(model, (images, labels), epochs=5, batch_size=12, max_lr=0.3, weight_decay=0.01, show=False)
    velocity = [torch.zeros_like(p) for p in again.parameters()]
    for step in range(5):
        again.zero_grad()
        nn.functional.cross_entropy(again(images), labels).backward()
        with torch.no_grad():
            for v, p in zip(velocity, again.parameters(), strict=True):
                gradient = p.grad + (0.01 * p if p.ndim > 1 else 0)
                v.mul_(0.9).add_(gradient)
                p -= 0.3 * one_cycle(step, 5) * (gradient + 0.9 * v)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_every_epoch_sees_every_image_once_in_another_order():
    seen = []

    def watch(x):
        seen.extend(x[:, 0, 0, 0].tolist())
        return x

    images = torch.arange(32.0).view(32, 1, 1, 1)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1), nn.Linear(1, 2))
    fit(model, (images, torch.zeros(32, dtype=torch.long)), **QUICK, augment=watch)
    first, second = seen[:32], seen[32:]
    assert sorted(first) == sorted(second) == list(range(32))
    assert first != second


def test_label_smoothing_is_that_of_the_loss():
    model, data = nn.Linear(4, 3), (torch.randn(8, 4), torch.randint(3, (8,)))
    expected = nn.functional.cross_entropy(model(data[0]), data[1], label_smoothing=0.3).item()
    history = fit(model, data, epochs=1, batch_size=8, max_lr=0.1, label_smoothing=0.3, show=False)
    assert history.losses[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_precision_learns_with_weights_in_float32(dtype):
    model = network(dropout=0)
    history = fit(model, spots(300), spots(200, seed=1), **{**QUICK, "epochs": 4}, precision=dtype)
    assert history.test_accuracy[-1] > 0.8
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_testing_can_be_rare_and_average_mirror_images():
    model = network()
    options = {**QUICK, "epochs": 5, "test_every": 2, "flip_test": True}
    history = fit(model, spots(64), spots(50, seed=1), **options)
    assert [math.isnan(value) for value in history.test_accuracy] == [True, False, True, False, False]
    images = torch.from_numpy(spots(50, seed=1)[0]).permute(0, 3, 1, 2).float()
    labels = torch.zeros(50, dtype=torch.long)
    once = evaluate(model, (images, labels), flip=True, batch_size=7)
    mirrored = evaluate(model, (images.flip(3), labels), flip=True)
    np.testing.assert_allclose(once, mirrored, rtol=1e-4)


# --- speed ------------------------------------------------------------------------------------------------


class Reading(TorchDispatchMode):
    """Counts how often a number is read from the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        names = ("_local_scalar_dense", "nonzero", "equal.default", "is_nonzero", "masked_select")
        self.count += any(name in str(function) for name in names)
        return function(*args, **(kwargs or {}))


def readings(images, monkeypatch, **options) -> int:
    lists = []
    original = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: lists.append(1) or original(tensor))
    with Reading() as reading:
        fit(network(), spots(images), **{**QUICK, "batch_size": 8}, augment=Augment(2, True, 2), **options)
    return reading.count + len(lists)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_step_reads_anything_from_the_device(monkeypatch, dtype):
    """As many readings for 2 x 4 steps as for 2 x 40; on a GPU each would let it run dry."""
    monkeypatch.setattr("cs_utils.training.progress.EVERY", 1e9)
    few = readings(32, monkeypatch, precision=dtype)
    assert few == readings(320, monkeypatch, precision=dtype) < 20


def test_a_look_at_the_losses_is_rare(monkeypatch):
    looks = []
    monkeypatch.setattr("cs_utils.training.loop.stop_if_diverged", lambda *args: looks.append(1))
    history = fit(network(), spots(320), **QUICK)
    assert len(looks) <= 2 + history.train_seconds / 0.25


def lines_of_code(module) -> int:
    """Lines that are neither blank nor a comment nor a docstring."""
    source = inspect.getsource(module)
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    told = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node):
            told |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and number not in told for number, line in lines)


def test_the_loop_can_be_read_whole():
    assert len(inspect.getsource(loop).splitlines()) <= 220
    body = ast.parse(inspect.getsource(loop.fit).strip()).body[0].body[1:]
    assert sum(node.end_lineno - node.lineno + 1 for node in body) <= 75
    assert lines_of_code(augment) <= 45


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no NVIDIA GPU: training was tested on the CPU only"
)
def test_on_a_gpu_nothing_waits_and_it_learns(monkeypatch):
    monkeypatch.setattr("cs_utils.training.progress.EVERY", 1e9)
    looks = []

    def strict(x):
        torch.cuda.set_sync_debug_mode("error" if len(looks) < 10 else "default")
        looks.append(1)
        return Augment(1, False, 2)(x)

    try:
        model = network()
        history = fit(model, spots(600), spots(300, seed=1), **{**QUICK, "epochs": 4}, augment=strict)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert history.test_accuracy[-1] > 0.9
    assert next(model.parameters()).is_cuda


# --- what is on this machine ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_fastest_device_is_taken(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert hardware.device().type == expected
    assert hardware.device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cuda", (9, 0), torch.bfloat16),
        ("cuda", (8, 0), torch.bfloat16),
        ("cuda", (7, 5), torch.float16),  # a T4
        ("mps", None, torch.float32),
        ("cpu", None, torch.float32),
    ],
)
def test_half_precision_is_used_where_it_pays(monkeypatch, device, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda place: capability)
    assert hardware.precision(torch.device(device)) == expected


def test_seeds_of_any_number_differ():
    def drawn(*numbers):
        hardware.set_seed(*numbers)
        return torch.rand(2).sum().item()

    seeds = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 1, 0), (2**40,)]
    assert len({drawn(*seed) for seed in seeds}) == len(seeds)
    assert drawn(3, 4) == drawn(3, 4)


# --- what cannot work -------------------------------------------------------------------------------------


def test_a_rate_that_is_too_large_is_explained():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
    with pytest.raises(TrainingDiverged) as error:
        fit(model, spots(64), epochs=20, batch_size=16, max_lr=1e12, show=False)
    said = str(error.value)
    assert "Before it: 1." in said and "max_lr) ten times smaller, 1e+11" in said
    assert "find_learning_rate" in said and "make the model anew" in said


def test_a_loss_that_is_nan_from_the_start_is_not_blamed_on_the_rate():
    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(64, CLASSES)

        def forward(self, x):
            return self.linear(x.flatten(1).sqrt())  # of negative numbers

    with pytest.raises(TrainingDiverged, match="learning rate is not at fault") as error:
        fit(Root(), spots(64), **QUICK)
    assert "nan at step 0" in str(error.value)


def test_half_precision_is_named_among_the_reasons():
    class Overflow(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(64, CLASSES)

        def forward(self, x):
            return self.linear(x.flatten(1)) * 1e38 * 1e38

    with pytest.raises(TrainingDiverged, match="float16 ends at 65,504"):
        fit(Overflow(), spots(64), **QUICK, precision=torch.float16)


def test_spoiled_weights_never_reach_a_checkpoint(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
    with pytest.raises(TrainingDiverged):
        fit(model, spots(64), epochs=1, batch_size=8, max_lr=1e12, show=False, checkpoint=tmp_path / "net.pt")
    assert not (tmp_path / "net.pt").exists()


class Flat(nn.Module):
    """Forgets to flatten."""

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "data", "sentence"),
    [
        (network(), (spots(20)[0], spots(20)[1] + 1), r"labels go from 1 to 4, but the model has 4 outputs"),
        (network(), (spots(20)[0], -spots(20)[1]), "labels must lie between 0 and 3"),
        (Flat(), spots(20), r"returns \(2, 1, 8, 8\); expected \(2, classes\). Is there a Flatten"),
        (nn.Linear(4, 2), (torch.full((9, 4), math.nan), torch.zeros(9, dtype=torch.long)), "36 numbers"),
    ],
)
def test_what_cannot_work_is_said_before_the_first_step(model, data, sentence):
    before = state(model)
    with pytest.raises(ValueError, match=sentence):
        fit(model, data, **QUICK)
    assert_same_state(state(model), before)


def test_looking_at_the_model_beforehand_changes_nothing_in_it():
    from cs_utils.training.pictures import pictures
    from cs_utils.training.trouble import check_before

    model = network().train()
    before, random = state(model), torch.get_rng_state()
    check_before(model, pictures(spots(20), torch.device("cpu")))
    assert_same_state(state(model), before)
    assert model.training and torch.equal(torch.get_rng_state(), random)
