"""Make the weights of the leaderboard's baselines: train each on 20,000 pictures of shapes, and measure it.

    python tools/train_baselines.py [linear lenet small-resnet] [--checkpoints DIR] [--out DIR]

About fifteen minutes on one processor core. Prints accuracies on 10,000 other pictures, and the checksums for
`autograder/leaderboard/baselines.py`, which is not changed. The seeds are public: no competition has them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autograder.leaderboard import baselines, sets
from cs_utils.data import Split
from cs_utils.pretrained import packed, unpacked
from cs_utils.shapes import CLASSES, make_images
from cs_utils.training import evaluate, fit, set_seed

TRAIN_SEED, TEST_SEED = 12_000, 12_001


def turned(x: torch.Tensor) -> torch.Tensor:
    """Each picture in one of the eight ways in which a square can lie: every shape stays what it is."""
    ways, lying = torch.randint(8, (len(x),)), torch.empty_like(x)
    for way in range(8):
        chosen = torch.rot90(x[ways == way], way % 4, (2, 3))
        lying[ways == way] = chosen.flip(3) if way > 3 else chosen
    return lying


EPOCHS = {"linear": 8, "lenet": 10, "small-resnet": 9}
RESNET: dict[str, Any] = {
    "batch_size": 64,
    "max_lr": 0.15,
    "label_smoothing": 0.05,
    "augment": turned,
    "precision": torch.bfloat16,  # half the time on processors that compute in it
}


def train(network: baselines.Network, checkpoints: Path, out: Path) -> None:
    name = Path(network.file).stem
    learned, unseen = (
        pictures(count, seed) for count, seed in ((sets.TRAIN, TRAIN_SEED), (sets.TEST, TEST_SEED))
    )
    set_seed(12)
    net, started = network.make(len(CLASSES)), time.process_time()
    recipe = network.recipe or RESNET
    fit(net, learned, epochs=EPOCHS[name], seed=12, checkpoint=checkpoints / f"{name}.pt", **recipe)
    blob, checksum = packed(net)
    out.mkdir(parents=True, exist_ok=True)
    (out / network.file).write_bytes(blob)
    net.load_state_dict(unpacked(out / network.file), strict=False)  # what half precision left of it
    right, seconds = evaluate(net, unseen, precision=torch.float32)[1], time.process_time() - started
    print(f"{network.name}: {100 * right:.1f} % of {len(unseen):,} right after {seconds:.0f} s")
    print(f"{len(blob):,} bytes, SHA-256 {checksum}", flush=True)


def pictures(count: int, seed: int) -> Split:
    """New pictures of a competition's difficulty, with the mean and spread that `prepare` supposes."""
    images, labels = make_images(count, difficulty=sets.DIFFICULTY, seed=seed)
    return Split(images, labels, np.full(3, 0.5), np.full(3, 0.25))


def main() -> None:
    known = {Path(network.file).stem: network for network in baselines.NETWORKS}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="of " + ", ".join(known) + "; all unless told")
    parser.add_argument("--checkpoints", type=Path, default=Path("build/baselines"))
    parser.add_argument("--out", type=Path, default=baselines.WEIGHTS)
    options = parser.parse_args()
    for name in options.names or list(known):
        train(known[name], options.checkpoints, options.out)


if __name__ == "__main__":
    main()
