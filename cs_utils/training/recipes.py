"""Settings of notebook 10's fast ResNet for the machine at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from cs_utils.training import hardware
from cs_utils.training.augment import Augment


@dataclass(frozen=True)
class Recipe:
    """What to train: the network's width, how many images; and how: keyword arguments of `fit`.

    width: filters of the first convolution. images: (training, test), None for all.
    """

    name: str
    width: int
    images: tuple[int | None, int | None]
    options: dict[str, Any]


# After Page 2018, "How to Train Your ResNet" (myrtle.ai), where a nine-layer ResNet needs 24 epochs for 94 %.
# Rates are those of a loss that is a mean over the batch.
FULL: dict[str, Any] = {
    "epochs": 24,
    "batch_size": 512,
    "max_lr": 0.4,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "label_smoothing": 0.1,
    "warmup": 0.2,
    "augment": Augment(crop=4, flip=True, cutout=8),
    "flip_test": True,
    "test_every": 24,  # once, after the last: testing takes time, too
}
SMALL: dict[str, Any] = {**FULL, "epochs": 4, "batch_size": 64, "max_lr": 0.1, "test_every": 1}


def fast_resnet(device: str | torch.device | None = None) -> Recipe:
    """Full settings on a GPU, those of a few minutes on a CPU.

    The same settings do for every card; one older than Ampere (a T4) is slower and computes in float16.
    """
    place = hardware.device(device)
    if place.type == "cpu":
        return Recipe("small, for a CPU: it shows that everything works, not 94 %", 16, (4000, 1000), SMALL)
    return Recipe("full", 64, (None, None), FULL)
