"""How large notebook 10's experiments are on the machine at hand, and on which pictures they run."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

SETS = ("CS_UTILS_QUICK", "CS_UTILS_GRADING")  # where one of these is set there is no time to train


@dataclass(frozen=True)
class Experiments:
    """Sizes of notebook 10's experiments.

    said: in a sentence. train, test: how many pictures; None for all. depths: of the plain and the residual
    networks, with their width; shrink: by how much the sides of their pictures are made smaller; depth:
    arguments of their training. fast: those of the notebook's fast training. fast_width: filters of its
    first layer.
    """

    said: str
    train: int | None
    test: int | None
    depths: tuple[int, ...]
    depth_width: int
    shrink: int
    fast_width: int
    depth: dict[str, Any] = field(default_factory=dict)
    fast: dict[str, Any] = field(default_factory=dict)


QUICK = Experiments(
    "no time to train here: a few steps only, and no figure means anything",
    train=256,
    test=100,
    depths=(8, 14),
    depth_width=4,
    shrink=2,
    fast_width=4,
    depth={"epochs": 1, "batch_size": 64, "max_lr": 0.1},
    fast={"epochs": 1, "batch_size": 64, "max_lr": 0.1},
)
SMALL = Experiments(
    "small settings for a CPU: everything works, but the accuracies are not those of the text",
    train=4000,
    test=1000,
    depths=(20, 56),
    depth_width=8,
    shrink=2,
    fast_width=16,
    depth={"epochs": 6, "batch_size": 64, "max_lr": 0.1},
    fast={"epochs": 5, "batch_size": 64, "max_lr": 0.1},
)
FULL = Experiments(
    "full settings",
    train=None,
    test=None,
    depths=(20, 56),
    depth_width=16,
    shrink=1,
    fast_width=64,
    depth={"epochs": 15, "batch_size": 128, "max_lr": 0.1},
    fast={"epochs": 24, "batch_size": 512, "max_lr": 0.4},
)


def at_hand(place: torch.device) -> Experiments:
    """The sizes for this device, said aloud."""
    quick = any(os.environ.get(name, "") not in ("", "0") for name in SETS)
    sizes = QUICK if quick else SMALL if place.type == "cpu" else FULL
    print(f"{place}: {sizes.said}.")
    return sizes


def precision(place: torch.device) -> torch.dtype:
    """Of the fast training: bfloat16 on cards that have it, float16 on older ones (a T4), else float32."""
    if place.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(place)[0] >= 8 else torch.float16


Pictures = tuple[torch.Tensor, torch.Tensor]  # floats (N, 3, 32, 32), standardised, and int64 (N,)


def colour_pictures(sizes: Experiments, place: torch.device) -> tuple[Pictures, Pictures]:
    """Training and test pictures on the device: CIFAR-10, or shapes where it cannot be had; says which."""
    from cs_utils.data import DataError, load

    try:
        cifar = load("cifar10", download=sizes is not QUICK)
    except DataError as problem:
        print(f"CIFAR-10 cannot be had, so these are pictures of ten shapes. ({problem})")
        train, test = _shapes(sizes)
        return standardised(train, test, place)
    halves = (cifar.train, sizes.train), (cifar.test, sizes.test)
    train, test = [(half.images[:count], half.labels[:count]) for half, count in halves]
    print(f"CIFAR-10: {len(train[1]):,} training and {len(test[1]):,} test pictures.")
    return standardised(train, test, place)


def standardised(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], place: torch.device
) -> tuple[Pictures, Pictures]:
    """uint8 (N, H, W, 3) and labels on the device, all with the mean and spread of the training pictures."""
    raw = torch.tensor(np.asarray(train[0])).to(place)
    std, mean = torch.std_mean(raw[:10_000].float(), (0, 1, 2))

    def ready(images: torch.Tensor, labels: np.ndarray) -> Pictures:
        x = ((images - mean) / std).permute(0, 3, 1, 2)  # in memory the channels stay last
        return x, torch.tensor(np.asarray(labels), dtype=torch.int64, device=place)

    return ready(raw, train[1]), ready(torch.tensor(np.asarray(test[0])).to(place), test[1])


def _shapes(sizes: Experiments) -> list[tuple[np.ndarray, np.ndarray]]:
    from cs_utils.shapes import make_images

    counts = sizes.train or 20_000, sizes.test or 2_000
    return [make_images(count, difficulty=0.5, seed=seed) for seed, count in enumerate(counts, 1)]
