"""A training in a process of its own, slow enough to be stopped in the middle of an epoch or of a writing."""

from __future__ import annotations

import time
from typing import Any

import torch

from cs_utils.training import Augment, History, fit, progress
from tests.training.small import network, spots

EPOCHS, STEPS, BATCH = 3, 16, 8
torch.optim.SGD([torch.zeros(1)])  # the first optimiser imports much: once, not in every process


class Slow:
    """Augmentation that takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        return Augment(crop=1, flip=True, cutout=2)(x)

    def __repr__(self) -> str:
        return "slow"


def train(
    checkpoint: Any, seconds: float = 0.0, model: torch.nn.Module | None = None, **options: Any
) -> tuple[torch.nn.Module, History]:
    """The same training every time; a checkpoint after every step."""
    torch.set_num_threads(1)
    model = model or network()
    data = options.pop("data", spots(STEPS * BATCH + 3))
    settings: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "max_lr": 0.1, "label_smoothing": 0.1}
    settings |= {"augment": Slow(seconds), "checkpoint": checkpoint, "save_every": 0.0, "show": False}
    history = fit(model, data, spots(40, seed=1), **{**settings, **options})
    return model, history


def run(checkpoint: str, seconds: float) -> None:
    """What the process does."""
    progress.EVERY = 0.0
    train(checkpoint, seconds)
