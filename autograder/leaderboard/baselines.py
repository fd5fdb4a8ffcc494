"""Baselines: networks that enter a competition as rows, by what they say of its test pictures.

For drawn shapes there are three with weights (`tools/train_baselines.py` made them, from 20,000 pictures of a
seed that no competition has, so a competition's pictures are as new to them as to everybody). Of an
instructor's own pictures no weights know anything: there, two are trained on the competition's training
pictures, in the time that a baseline is worth.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.leaderboard.competition import Competition, LeaderboardError, Task
from autograder.leaderboard.rules_text import SHAPES
from cs_utils.data.progress import Progress
from cs_utils.pretrained import SmallResNet, prepare, unpacked
from cs_utils.shapes import CLASSES
from cs_utils.training import TrainingDiverged, fit, set_seed

SIZE = 32  # side of the pictures that the networks take
WEIGHTS = Path(__file__).with_name("weights")
_AT_ONCE = 200
# Own pictures: how many of them to train with, and how long (20 s of one core).
_MOST, _STEPS, _EPOCHS = 20_000, 2000, (3, 300)


@dataclass(frozen=True)
class Baseline:
    """A row to be. predictions: labels, int64 (n,), in the order of test.npz."""

    name: str
    predictions: np.ndarray


def linear(classes: int = len(CLASSES)) -> nn.Module:
    """One weight for each class and number of the picture; 30,730 parameters for ten classes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, classes))


def lenet(classes: int = len(CLASSES)) -> nn.Module:
    """LeNet-5's sizes, with ReLU and max-pooling as in most courses today; 62,006 parameters."""
    first = nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    head = nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)
    return nn.Sequential(*first, *second, nn.Flatten(), *head)


def small_resnet(classes: int = len(CLASSES)) -> nn.Module:
    """Notebook 11's residual network, with a stem for small pictures; 340,258 parameters."""
    net = SmallResNet(classes)
    net.stem = nn.Conv2d(3, net.stem.out_channels, 3, padding=1, bias=False)
    return net


@dataclass(frozen=True)
class Network:
    """name: of the row. file, checksum: its weights in `WEIGHTS`, and their SHA-256. recipe: keyword
    arguments of `fit` with which it learns from any pictures; None where that would take too long."""

    name: str
    make: Callable[[int], nn.Module]
    file: str
    checksum: str
    recipe: dict[str, Any] | None


LINEAR = Network(
    "Linear classifier",
    linear,
    "linear.npz",
    "ae6bd4453e05bfe92a9709dd34dffa4f619b63be3f93861ac29cd61617cd546c",
    {"batch_size": 100, "max_lr": 0.001, "weight_decay": 0.1},
)
LENET = Network(
    "LeNet",
    lenet,
    "lenet.npz",
    "9de556eb6cbb176b869e0b3ca6c8658a7b7c3a890899c5849c14ab80f44e1a60",
    {"batch_size": 64, "max_lr": 0.05},
)
SMALL_RESNET = Network(
    "Small ResNet",
    small_resnet,
    "small-resnet.npz",
    "4fbd629d33ae44e785d6ca0c6fa0155d9fa01298dfdfb923f224e94cea8975cb",
    None,
)
# The best first: within a rank the board puts earlier rows above later ones.
NETWORKS = (SMALL_RESNET, LENET, LINEAR)
TO_BEAT = (LINEAR.name, LENET.name)  # the better of these is what notebook 12 asks to beat


def measure(competition: Competition) -> list[Baseline]:
    """What the networks say of the test pictures; for 10,000 drawn ones some ten seconds of one core.

    Raises:
        LeaderboardError: pictures or weights are missing or damaged.
    """
    images = _load(competition, "test")["images"]
    if competition.description.get("pictures") == SHAPES:
        return [Baseline(one.name, predict(shipped(one), images, one.name)) for one in NETWORKS]
    known = _load(competition, "train")
    pairs = known["images"][:_MOST], known["labels"][:_MOST]
    found = []
    for one in NETWORKS:
        net = trained(one, *pairs, len(competition.classes)) if one.recipe else None
        if net is not None:
            found.append(Baseline(one.name, predict(net, images, one.name)))
    print(f"{SMALL_RESNET.name}: no row, since its weights are for drawn shapes and training it takes long.")
    return found


def to_beat(found: Sequence[Baseline], task: Task) -> float | None:
    """The public score that notebook 12 asks to beat; for ``"baseline"`` of competition.json."""
    public = task.public
    scores = [
        float((one.predictions[public] == task.labels[public]).mean()) for one in found if one.name in TO_BEAT
    ]
    return max(scores, default=None)


def _load(competition: Competition, half: str) -> dict[str, np.ndarray]:
    path = competition.public_dir / f"{half}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise LeaderboardError(f"{path} cannot be read ({error}). Put it back from a backup.") from error


def shipped(network: Network) -> nn.Module:
    """The network with the weights that came with the course.

    Raises:
        LeaderboardError: their file is missing, or not the one that was made.
    """
    net = network.make(len(CLASSES))
    try:
        weights = unpacked(WEIGHTS / network.file, network.checksum)
    except ValueError as error:
        raise LeaderboardError(str(error)) from None
    net.load_state_dict(weights, strict=False)  # counters of batches are not in the file, nor needed
    return net.eval()


def trained(network: Network, images: np.ndarray, labels: np.ndarray, classes: int) -> nn.Module | None:
    """The network after some training on these pictures; None, with a line that says so, if that failed."""
    x = torch.cat(
        [prepare(images[start : start + _AT_ONCE], SIZE) for start in range(0, len(images), _AT_ONCE)]
    )
    recipe = network.recipe or {}
    epochs = int(np.clip(_STEPS // max(len(x) // recipe["batch_size"], 1), *_EPOCHS))
    set_seed(0)
    net = network.make(classes)
    print(f"{network.name}: {epochs} epochs with {len(x):,} training pictures of this competition")
    try:
        fit(net, (x, labels), epochs=epochs, device="cpu", show=False, **recipe)
    except TrainingDiverged:
        print(f"{network.name}: no row, since its training went wrong on these pictures.")
        return None
    return net


@torch.no_grad()
def predict(net: nn.Module, images: np.ndarray, name: str) -> np.ndarray:
    """The class with the largest score of each of the pictures, uint8 (n, h, w, 3); int64 (n,)."""
    progress = Progress(f"{name}, looking at the test pictures", len(images), "pictures")
    labels = np.empty(len(images), np.int64)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        labels[part] = net(prepare(images[part], SIZE)).argmax(1).numpy()
        progress.advance(len(labels[part]))
    progress.close()
    return labels
