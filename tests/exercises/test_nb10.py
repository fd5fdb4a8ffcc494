"""Notebook 10: counts that the text names, the fast ResNet's cells, and the command that measures it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys

import numpy as np
import pytest
import torch
from torch import nn

from autograder import source
from cs_utils import experiments
from cs_utils.checking import report
from cs_utils.exercises import of_notebook
from tests.exercises import proof

NOTEBOOK = "10_resnet"
FAST = (
    "conv_norm",
    "Around",
    "FastResNet",
    "augmented",
    "one_cycle_rate",
    "fast_step",
    "train_fast",
    "accuracy_of",
)


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def learned(net):
    return sum(one.numel() for one in net.parameters())


# --- the numbers in the text ------------------------------------------------------------------------------


def test_resnet18_has_the_parameters_of_the_assignment():
    assert learned(solved("ResNet18")()) == 11_227_812


def test_the_answers_to_the_questions_follow_from_the_networks():
    names = proof.solutions(NOTEBOOK)
    assert learned(names["ResidualBlock"](32, 64, stride=2)) == names["block_parameters"]
    net, shapes = names["ResNet18"](width=2), []
    net.stages.register_forward_hook(lambda module, inputs, out: shapes.append(tuple(out.shape[1:])))
    net(torch.zeros(2, 3, 160, 96))
    channels, height, width = names["before_the_head"]
    assert shapes == [(2 * channels // 64, height, width)]
    blocks = [
        one for one in names["CifarResNet"](44, width=1).modules() if isinstance(one, names["ResidualBlock"])
    ]
    assert len(blocks) == names["blocks_of_44"]
    full = experiments.FULL.fast
    assert 50_000 // full["batch_size"] * full["epochs"] == names["training_steps"]
    assert names["three_layers"] == pytest.approx((0.2**3, 1.2**3))


def test_a_plain_network_has_the_same_layers_without_those_on_the_skips():
    residual, plain = (solved("CifarResNet")(20, skip=skip) for skip in (True, False))
    assert learned(residual) - learned(plain) == 16 * 32 + 32 * 64 + 2 * 32 + 2 * 64


# --- the fast ResNet --------------------------------------------------------------------------------------


def test_the_fast_resnet_has_at_most_120_lines_of_code():
    cells = [
        source.with_solution(cell.source) for cell in source.read(source.SOLUTIONS / f"{NOTEBOOK}.py").cells
    ]
    names = (*FAST, "decay_groups", "flipped_scores")
    chosen = {
        cell for cell in cells for name in names if re.search(rf"^(def|class) {name}\b", cell, re.MULTILINE)
    }
    code = re.sub(r'""".*?"""', "", "\n".join(chosen), flags=re.DOTALL)
    assert (
        60 < sum(bool(line.strip()) and not line.strip().startswith("#") for line in code.splitlines()) <= 120
    )


def test_augmented_pictures_are_moved_mirrored_and_covered():
    torch.manual_seed(0)
    x = 1 + torch.arange(2 * 3 * 12 * 10, dtype=torch.float32).reshape(2, 3, 12, 10).repeat(50, 1, 1, 1)
    kept = x.clone()
    out = solved("augmented")(x, border=2, hole=3)
    assert out.shape == x.shape and torch.equal(x, kept)
    assert ((out == 0).sum((1, 2, 3)) == 3 * 9).all()
    assert not torch.equal(out[0], out[2])
    steps = [(row[row != 0].diff() > 0).float().mean() for row in out[:, 0, 5]]
    assert 0.3 < np.mean([step > 0.5 for step in steps]) < 0.7
    alone = solved("augmented")(x, border=0, hole=0)
    assert all(
        torch.equal(one, two) or torch.equal(one, two.flip(2)) for one, two in zip(alone, x, strict=True)
    )


def test_the_rate_goes_up_and_down():
    rates = [solved("one_cycle_rate")(step, 100, 0.4) for step in range(100)]
    assert max(rates) == pytest.approx(0.4) and np.argmax(rates) in (19, 20)
    assert 0 < rates[0] < 0.03 and 0 < rates[-1] < 0.01
    assert (np.diff(rates[:20]) > 0).all() and (np.diff(rates[20:]) < 0).all()


def test_the_fast_resnet_learns_a_few_pictures():
    names = proof.solutions(NOTEBOOK)
    torch.manual_seed(0)
    y = torch.arange(32) % 4
    x = torch.randn(4, 3, 1, 1)[y] + 0.3 * torch.randn(32, 3, 32, 32)
    net = names["FastResNet"](classes=4, width=4)
    losses = names["train_fast"](net, x, y, epochs=12, batch_size=16, max_lr=0.2)
    assert len(losses) == 24 and losses[-1] < losses[0]
    assert names["accuracy_of"](net, x, y, batch_size=20) > 0.9


def test_small_settings_are_chosen_and_said(monkeypatch, capsys):
    monkeypatch.delenv("CS_UTILS_QUICK", raising=False)
    assert experiments.at_hand(torch.device("cpu")) is experiments.SMALL
    assert experiments.at_hand(torch.device("cuda")) is experiments.FULL
    monkeypatch.setenv("CS_UTILS_QUICK", "1")
    assert experiments.at_hand(torch.device("cpu")) is experiments.QUICK
    assert "small settings for a CPU" in capsys.readouterr().out


def test_without_cifar_there_are_shapes(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CS_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    (x, y), (test_x, _) = experiments.colour_pictures(experiments.QUICK, torch.device("cpu"))
    assert x.shape == (256, 3, 32, 32) and test_x.shape == (100, 3, 32, 32) and y.dtype == torch.int64
    assert x.mean().abs() < 0.1 and abs(x.std() - 1) < 0.1
    assert "ten shapes" in capsys.readouterr().out


def test_the_benchmark_runs_small_and_says_so(capsys, tmp_path):
    spec = importlib.util.spec_from_file_location("bench_gpu", source.ROOT / "bench" / "gpu.py")
    bench = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    rng = np.random.default_rng(0)
    arrays = {
        f"{half}_{what}": rng.integers(0, high, shape, dtype=np.uint8)
        for half, count in (("train", 130), ("test", 20))
        for what, high, shape in (("images", 256, (count, 32, 32, 3)), ("labels", 10, (count,)))
    }
    np.savez(tmp_path / "p.npz", **arrays)
    bench.main(["--npz", str(tmp_path / "p.npz"), "--seeds", "2", "--device", "cpu"])
    *_, last = capsys.readouterr().out.strip().splitlines()
    told = json.loads(last)
    assert "not the real figure" in told["device"] and told["epochs"] == 1
    assert len(told["accuracy_seeds"]) == 2 and told["train_seconds"] > 0 and told["images_per_second"] > 0
    assert told["accuracy_mean"] == pytest.approx(np.mean(told["accuracy_seeds"]), abs=1e-5)


# --- reports ----------------------------------------------------------------------------------------------


def test_a_network_of_the_wrong_size_is_told_which_shapes_are_wrong():
    exercise = proof.exercise(NOTEBOOK, "ResNet18")
    block = solved("ResidualBlock")

    def start(classes=100, width=64):
        return nn.Sequential(nn.Conv2d(3, width, 7, 2, 3), block(width, width), nn.Flatten())

    text = report.to_text(proof.judged(exercise, start, proof.PUBLIC))
    assert "3 layers with weights, 21 were asked for" in text
    assert "where 11,227,812 were asked for; missing: 100, 100x512, " in " ".join(text.split())


def test_gradients_that_arrive_everywhere_earn_nothing_in_a_network_that_is_right_nowhere():
    class ResNet18(nn.Module):
        def __init__(self, classes=100, width=64):
            super().__init__()
            self.only = nn.Linear(3, classes)

        def forward(self, x):
            return self.only(x.mean((2, 3)))

    verdict = proof.judged(proof.exercise(NOTEBOOK, "ResNet18"), ResNet18, proof.PUBLIC)
    assert verdict.points == 0 and "counts as soon as another group is right" in report.to_text(verdict)


def test_the_channels_may_have_other_names():
    class ResidualBlock(solved("ResidualBlock")):
        def __init__(self, before, after, *, stride=1, skip=True):
            super().__init__(before, after, stride=stride, skip=skip)

    assert proof.judged(proof.exercise(NOTEBOOK, "ResidualBlock"), ResidualBlock, proof.PUBLIC).passed


def test_no_exercise_needs_the_notebook_before_it():
    assert [found.name for found in of_notebook(NOTEBOOK)] == [
        *("ResidualBlock", "ResNet18", "CifarResNet", "decay_groups", "flipped_scores")
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("decay_groups", "for group in"),
        ("flipped_scores", ".train()"),
        ("ResidualBlock", "= known.filled(ResidualBlock(2, 3, stride=2)"),
    ],
)
def test_a_report_shows_a_call_that_can_be_typed(name, told):
    snippet = next(one for one in proof.mistakes(NOTEBOOK) if one.exercise == name)
    exercise = proof.exercise(NOTEBOOK, name)
    text = report.to_text(proof.judged(exercise, proof.written(NOTEBOOK, snippet), proof.PUBLIC))
    lines = re.split("You returned|Your function", text.split("Smallest failing case")[1])[0].splitlines()[1:]
    assert told in text
    code = "\n".join(line.removeprefix("  ") for line in lines)
    exec(code, {name: solved(name)})
