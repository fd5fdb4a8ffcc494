"""Images of which two pixels tell the class, and a network that is trained on them in no time."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from cs_utils.training import set_seed

CLASSES = 4


def spots(count: int, *, seed: int = 0, side: int = 8, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, side, side, channels) with noise and a bright square in the quarter that is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    images = rng.integers(0, 120, (count, side, side, channels), dtype=np.uint8)
    half = side // 2
    for image, label in zip(images, labels, strict=True):
        row, column = rng.integers(0, half - 1, 2) + half * np.array(divmod(label, 2))
        image[row : row + 2, column : column + 2] += 90
    return images, labels


def network(*, seed: int = 0, width: int = 8, channels: int = 1, dropout: float = 0.2) -> nn.Module:
    """Convolution, batch norm, dropout, linear: one of everything that has a state or draws numbers."""
    set_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(width * 16, CLASSES),
    )


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: values.clone() for name, values in model.state_dict().items()}


def assert_same_state(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Equal to the last bit."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert torch.equal(values, other[name]), name
