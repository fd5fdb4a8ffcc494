"""How long a training step of notebook 08's LeNet takes in NumPy: its time divided by that of PyTorch's step.

The layers are those of the solutions of notebooks 03 to 08; 64 images, float32, one thread. A step is the
forward pass, the loss, the backward pass and momentum for all 1,256,080 parameters. NumPy and PyTorch take
turns in one run, so that whatever else the machine does slows both, and processor time is counted; the ratio
is that of the medians. With --write docs/lenet-benchmark.md is written. The last line is JSON.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from autograder import source
from cs_utils import network

PAGE = source.ROOT / "docs" / "lenet-benchmark.md"
TARGET = 1.5
BATCH = 64
RATE = 0.02

Step = Callable[[], float]


def solved(name: str) -> Any:
    """The solutions of the notebook whose name begins so."""
    (path,) = (path for path in source.sources() if path.name.startswith(name))
    return source.load(path)


def operations() -> SimpleNamespace:
    """The functions of the solutions."""
    taken = {
        "03": ("conv2d_forward",),
        "04": ("conv2d_backward",),
        "05": ("max_pool2d_forward", "max_pool2d_backward"),
        "07": ("linear_forward", "linear_backward", "relu_forward", "relu_backward"),
    }
    ops = SimpleNamespace(flatten_forward=network.flatten_forward, flatten_backward=network.flatten_backward)
    for number, names in taken.items():
        solutions = solved(number)
        for name in names:
            setattr(ops, name, getattr(solutions, name))
    return ops


def layers(rng: np.random.Generator) -> list[network.Layer]:
    """A LeNet with the functions of the solutions."""
    ops, made = operations(), []
    shapes = iter([(20, 1, 5, 5), (50, 20, 5, 5), (500, 2450), (10, 500)])
    for number, kind in enumerate(network.LENET.split()):
        if kind in network.WITH_PARAMETERS:
            shape = next(shapes)
            scale = np.sqrt(2 / np.prod(shape[1:])) * (0.1 if len(shape) == 2 and shape[0] == 10 else 1)
            parameters = [
                (scale * rng.standard_normal(shape)).astype(np.float32),
                np.zeros(shape[0], dtype=np.float32),
            ]
        else:
            parameters = []
        made.append(network.Layer(f"{kind}{number}", *_pair(ops, kind), parameters))
    return made


def _pair(ops: SimpleNamespace, kind: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    if kind == "conv":
        return lambda x, w, b: ops.conv2d_forward(x, w, b, padding=2), ops.conv2d_backward
    if kind == "pool":
        return lambda x: ops.max_pool2d_forward(x, 2), ops.max_pool2d_backward
    return getattr(ops, f"{kind}_forward"), getattr(ops, f"{kind}_backward")


def numpy_step(x: np.ndarray, labels: np.ndarray, made: list[network.Layer]) -> Step:
    """A step with the solutions of notebooks 07 and 08."""
    lenet = solved("08")
    lenet.softmax_cross_entropy = solved("07").softmax_cross_entropy  # else it is that of cs_utils.layers
    net = lenet.Sequential(made)
    velocities = network.zero_velocities(net)
    return lambda: float(lenet.train_step(net, x, labels, velocities, lr=RATE))


def steps(batch: int = BATCH) -> tuple[Step, Step]:
    """NumPy's step and PyTorch's, from the same weights, with the same images."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, 1, 28, 28), dtype=np.float32)
    labels = rng.integers(0, 10, batch)
    made = layers(rng)
    theirs = network.pytorch_step(made, x, labels, lr=RATE)
    return numpy_step(x, labels, made), theirs


def measured(rounds: int, batch: int = BATCH) -> dict[str, list[float]]:
    """Processor seconds of every step. The losses of both must agree: a wrong step is not measured."""
    ours, theirs = steps(batch)
    for number in range(3):
        one, other = ours(), theirs()
        if abs(one - other) > 1e-3 * max(1.0, abs(other)):
            raise AssertionError(f"step {number + 1}: the loss is {one} in NumPy and {other} in PyTorch")
    taken: dict[str, list[float]] = {"numpy": [], "pytorch": []}
    gc.collect()
    for number in range(rounds):
        pair = [("numpy", ours), ("pytorch", theirs)]
        for name, step in pair if number % 2 else reversed(pair):
            start = time.process_time()
            step()
            taken[name].append(time.process_time() - start)
    return taken


def page(taken: dict[str, list[float]]) -> str:
    """The text of docs/lenet-benchmark.md."""
    (low, high), rounds = middle_half(taken), len(taken["numpy"])
    return f"""\
# A training step of the LeNet, in NumPy and in PyTorch

Written by `bench/lenet.py --write`; edits here are lost.

The LeNet of notebook 08 with 1,256,080 parameters, {BATCH} images, float32, one thread,
NumPy {np.__version__}, PyTorch {torch.__version__.partition("+")[0]}.
NumPy's step is made of the solutions of notebooks 03 to 08. The two take turns in one run; the ratio is that
of the medians of processor time over {rounds} rounds.

| NumPy's time / PyTorch's | middle half of the rounds | target |
|---|---|---|
| {ratio(taken):.2f} | {low:.2f} to {high:.2f} | at most {TARGET:.1f} |
"""


def ratio(taken: dict[str, list[float]]) -> float:
    return statistics.median(taken["numpy"]) / statistics.median(taken["pytorch"])


def middle_half(taken: dict[str, list[float]]) -> tuple[float, float]:
    """Half of the rounds gave a ratio between these two."""
    rounds = [one / other for one, other in zip(taken["numpy"], taken["pytorch"], strict=True)]
    low, _, high = statistics.quantiles(rounds, n=4)
    return low, high


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/lenet.py", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(source.ROOT)} too")
    parser.add_argument("--rounds", type=int, default=31, help="steps of each (%(default)d)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    taken = measured(options.rounds)
    low, high = middle_half(taken)
    for name, seconds in taken.items():
        print(f"{name:8s} {1000 * statistics.median(seconds):7.1f} ms of processor time a step")
    print(f"NumPy / PyTorch: {ratio(taken):.2f} (middle half of the rounds {low:.2f} to {high:.2f})")
    if options.write:
        PAGE.write_text(page(taken), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(source.ROOT)}")
    milliseconds = {name: round(1000 * statistics.median(each), 2) for name, each in taken.items()}
    summary = {"ratio": round(ratio(taken), 3), "target": TARGET, "milliseconds": milliseconds}
    print(json.dumps(summary | {"rounds": options.rounds, "batch": BATCH}))


if __name__ == "__main__":
    main()
