"""Make the weights of `cs_utils.pretrained`: train its network on pictures of ten shapes, and measure it.

    python tools/pretrain_shapes.py [--minutes 15] [--out cs_utils/weights]

"shapes" learns from labels alone. "shapes-pointed" goes on from there for a third of the time, and is told as
well where the shape lies: where the map of its class is high should be the shape ("right for the right
reasons", after Ross, Hughes and Doshi-Velez 2017, arXiv:1703.03717).

One processor core is enough. Training ends when the time is over, whatever the machine: the learning rate
follows the clock. Prints accuracies and the checksums for `cs_utils/pretrained.py`, which is not changed.
With `--from FILE` only the second part is made, from weights that are there.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cs_utils.pretrained import SIZE, SmallResNet, packed, prepare, unpacked
from cs_utils.shapes import make_images
from cs_utils.training import nesterov_sgd, one_cycle, set_seed

TRAIN, BATCH = 16_000, 64
TRAIN_SEED, TEST_SEED, WARMUP = 11_000, 11_001, 0.2
POINTING, SHARPNESS = 0.5, 3.0  # what pointing weighs beside the labels; how much a peak counts


def train(
    net: SmallResNet, minutes: float, max_lr: float, made: tuple[np.ndarray, ...], *, pointing: float = 0.0
) -> SmallResNet:
    images, labels, masks = made
    set_seed(11)
    net = net.to(memory_format=torch.channels_last).train()
    optimiser = nesterov_sgd(net, max_lr=max_lr)
    start, step, spent, heard = time.perf_counter(), 0, 0.0, 0.0
    while spent < 1:
        for batch in torch.randperm(len(images)).split(BATCH):
            chosen = batch.numpy()
            mask = torch.from_numpy(masks[chosen])[:, None].float()
            x, mask = turned(prepare(images[chosen]), mask)
            for group in optimiser.param_groups:
                group["lr"] = max_lr * one_cycle(int(1000 * spent), 1000, warmup=WARMUP)
            loss = loss_of(net, x.to(memory_format=torch.channels_last), labels[chosen], mask, pointing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step, spent = step + 1, (time.perf_counter() - start) / (60 * minutes)
            if spent - heard > 0.02:
                heard = spent
                print(f"{100 * spent:3.0f} %  step {step:,}  loss {loss.item():.3f}", flush=True)
            if spent >= 1:
                break
    print(f"{step:,} steps, {step * BATCH:,} pictures, {step * BATCH / len(images):.1f} epochs")
    return net.eval()


def loss_of(
    net: SmallResNet, x: torch.Tensor, labels: np.ndarray, mask: torch.Tensor, pointing: float
) -> torch.Tensor:
    features, y = net.features(x), torch.from_numpy(labels)
    scores = net.head(features.mean((2, 3)))
    loss = F.cross_entropy(scores, y, label_smoothing=0.05)
    if not pointing:
        return loss
    # One picture is one group of channels: a 1x1 convolution with the row of its class.
    rows = net.head.weight[y][:, :, None, None]
    maps = F.conv2d(features.flatten(0, 1)[None], rows, groups=len(y))[0]
    maps = F.interpolate(maps[:, None], mask.shape[2:], mode="bilinear").flatten(1)
    maps = SHARPNESS * (maps - maps.mean(1, keepdim=True)) / (maps.std(1, keepdim=True) + 1e-3)
    inside = (maps.softmax(1) * mask.flatten(1)).sum(1)
    return loss - pointing * (inside + 1e-4).log().mean()


def turned(*together: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The batch in one of the eight ways in which a square can lie: every shape stays what it is."""
    turns, mirrored = int(torch.randint(4, ())), bool(torch.rand(()) < 0.5)
    lying = (torch.rot90(x, turns, (2, 3)) for x in together)
    return tuple(x.flip(3) if mirrored else x for x in lying)


@torch.no_grad()
def accuracy(net: SmallResNet, difficulty: float, count: int = 2000) -> float:
    images, labels = make_images(count, size=SIZE, difficulty=difficulty, seed=TEST_SEED)
    right = [
        (net(prepare(part)).argmax(1).numpy() == wanted).sum()
        for part, wanted in zip(np.split(images, 10), np.split(labels, 10), strict=True)
    ]
    return float(sum(right)) / count


@torch.no_grad()
def pointed(net: SmallResNet, count: int = 2000) -> float:
    """How often the highest place of the map of the right class lies on the shape."""
    images, labels, masks = make_images(count, size=SIZE, seed=TEST_SEED, masks=True)
    hits = 0
    for part, y, mask in zip(*(np.split(each, 10) for each in (images, labels, masks)), strict=True):
        maps = torch.einsum("nk,nkhw->nhw", net.head.weight[torch.from_numpy(y)], net.features(prepare(part)))
        places = F.interpolate(maps[:, None], (SIZE, SIZE), mode="bilinear").flatten(1).argmax(1)
        hits += int(np.take_along_axis(mask.reshape(len(y), -1), places.numpy()[:, None], 1).sum())
    return hits / count


def finish(net: SmallResNet, name: str, folder: Path) -> None:
    for difficulty in (0.0, 0.5, 1.0, 1.5):
        print(f"difficulty {difficulty}: {100 * accuracy(net, difficulty):.1f} % of 2,000 right", flush=True)
    print(f"the peak lies on the shape in {100 * pointed(net):.1f} % of 2,000 pictures")
    blob, checksum = packed(net)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.npz").write_bytes(blob)
    print(f"{name}: {len(blob):,} bytes, SHA-256 {checksum}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--out", type=Path, default=Path("cs_utils/weights"))
    parser.add_argument("--from", dest="start", type=Path)
    options = parser.parse_args()
    made = make_images(TRAIN, size=SIZE, seed=TRAIN_SEED, masks=True)
    set_seed(11)
    net = SmallResNet()
    if options.start:
        net.load_state_dict(unpacked(options.start), strict=False)
    else:
        train(net, options.minutes, 0.15, made)
        finish(net, "shapes", options.out)
    train(net, options.minutes / 3, 0.05, made, pointing=POINTING)
    finish(net, "shapes-pointed", options.out)


if __name__ == "__main__":
    main()
