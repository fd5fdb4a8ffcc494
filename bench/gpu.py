"""Trains notebook 10's fast ResNet with five seeds, by the very cells of the notebook, and measures it.

Each training begins with fresh weights, after one warm-up step of another network; the time is that of the
training, with the device waited for, without loading and testing. Pictures are those of CIFAR-10, from where
`cs_utils.data` finds it, or of --npz FILE with uint8 train_images and test_images (N, 32, 32, 3) and
train_labels, test_labels. On a CPU a small training shows that all works; its figures are not those of the
notebook's text. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from autograder import source
from cs_utils import experiments, training

SEEDS = 5
NOTEBOOK = source.SOLUTIONS / "10_resnet.py"


@dataclass(frozen=True)
class Trained:
    accuracy: float
    seconds: float
    images: int


def main(arguments: list[str]) -> None:
    options = parser().parse_args(arguments)
    place = torch.device(options.device) if options.device else training.device()
    sizes = experiments.at_hand(place)
    full = sizes is experiments.FULL
    if not full:
        print("This is not the real measurement: a small network sees few pictures. It needs a GPU.")
    cells = source.load(NOTEBOOK)
    train, test = pictures(options.npz, sizes, place)
    settings = {**sizes.fast, **({"epochs": options.epochs} if options.epochs else {})}
    print(f"{name_of(place)}; {len(train[1]):,} pictures; {settings}; {experiments.precision(place)}")
    warm_up(cells, train, sizes, settings)
    runs = [measured(cells, train, test, sizes, settings, seed) for seed in range(options.seeds)]
    print(json.dumps(summary(runs, name_of(place), settings["epochs"], real=full)))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument(
        "--npz", type=Path, help="pictures and labels to take instead of cs_utils.data's CIFAR-10"
    )
    found.add_argument("--seeds", type=int, default=SEEDS, help="how many trainings")
    found.add_argument("--epochs", type=int, help="instead of the notebook's")
    found.add_argument("--device", help="instead of the fastest: cpu, cuda, cuda:1")
    return found


def pictures(
    file: Path | None, sizes: experiments.Experiments, place: torch.device
) -> tuple[experiments.Pictures, experiments.Pictures]:
    if file is None:
        return experiments.colour_pictures(sizes, place)
    with np.load(file) as held:
        halves = [
            (held[f"{half}_images"][:count], held[f"{half}_labels"][:count])
            for half, count in (("train", sizes.train), ("test", sizes.test))
        ]
    print(f"Pictures of {file}: figures taken on a copy are those of the copy.")
    return experiments.standardised(halves[0], halves[1], place)


def warm_up(
    cells: ModuleType,
    train: experiments.Pictures,
    sizes: experiments.Experiments,
    settings: Mapping[str, Any],
) -> None:
    """One step with a network that is then forgotten: kernels are chosen and loaded, memory is reserved."""
    x, y = train
    batch = settings["batch_size"]
    net = cells.FastResNet(width=sizes.fast_width)
    cells.train_fast(net, x[:batch], y[:batch], **{**settings, "epochs": 1})
    cells.accuracy_of(net, x[:batch], y[:batch])


def measured(
    cells: ModuleType,
    train: experiments.Pictures,
    test: experiments.Pictures,
    sizes: experiments.Experiments,
    settings: Mapping[str, Any],
    seed: int,
) -> Trained:
    """One training from fresh weights."""
    training.set_seed(seed)
    net = cells.FastResNet(width=sizes.fast_width)
    seconds, losses = timed(lambda: cells.train_fast(net, *train, **settings), train[0].device)
    found = Trained(cells.accuracy_of(net, *test), seconds, len(losses) * settings["batch_size"])
    print(f"seed {seed}: {found.accuracy:.2%} in {found.seconds:.1f} s, loss at the end {losses[-1]:.3f}")
    return found


def timed(call: Callable[[], Any], place: torch.device) -> tuple[float, Any]:
    wait(place)
    begin = time.perf_counter()
    result = call()
    wait(place)
    return time.perf_counter() - begin, result


def wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)


def name_of(place: torch.device) -> str:
    return torch.cuda.get_device_name(place) if place.type == "cuda" else place.type


def summary(runs: list[Trained], device: str, epochs: int, *, real: bool) -> dict[str, Any]:
    """The last line; train_seconds is the mean of the trainings."""
    seconds = statistics.mean(run.seconds for run in runs)
    return {
        "device": device if real else f"{device} (small settings, not the real figure)",
        "accuracy_mean": round(statistics.mean(run.accuracy for run in runs), 5),
        "accuracy_seeds": [round(run.accuracy, 5) for run in runs],
        "train_seconds": round(seconds, 3),
        "epochs": epochs,
        "images_per_second": round(sum(run.images for run in runs) / sum(run.seconds for run in runs)),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
