"""Write the six pairs of loss curves that notebook 08 asks about into cs_utils/plots/curves.py.

    .venv/bin/python tools/make_loss_curves.py

Six trainings of one small network on a thousand pictures each, on the CPU in less than a minute. Which letter
stands for which training is an answer, so the file that students get holds numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cs_utils.data import load

TARGET = Path(__file__).resolve().parent.parent / "cs_utils" / "plots" / "curves.py"
EPOCHS = 40

HEAD = '''\
"""Loss on the training set and on the validation set after each epoch, of six trainings.

Written by `tools/make_loss_curves.py`; edits here are lost.
"""

# name -> (training, validation)
CURVES = {
'''


@dataclass(frozen=True)
class Training:
    """What is special about one of the six. rate: of each epoch, or one number."""

    rate: float
    images: int = 1000
    lowered_at: int | None = None
    wrong_labels: bool = False
    hidden: int = 64


TRAININGS = {
    "A": Training(0.1, wrong_labels=True),
    "B": Training(0.0005),
    "C": Training(0.01, images=4000, hidden=24),
    "D": Training(0.6),
    "E": Training(0.12, images=300, hidden=256),
    "F": Training(0.35, images=2500, lowered_at=22, hidden=32),
}


def curves(training: Training) -> tuple[list[float], list[float]]:
    torch.manual_seed(8)
    images = load("fashion-mnist-small")
    x, y = (part[: training.images] for part in images.train.tensors())
    x_val, y_val = (part[:1000] for part in images.test.tensors())
    x, x_val = x.flatten(1), x_val.flatten(1)
    if training.wrong_labels:
        y = y[torch.randperm(len(y))]
    net = nn.Sequential(nn.Linear(784, training.hidden), nn.ReLU(), nn.Linear(training.hidden, 10))
    nn.init.normal_(net[2].weight, std=0.01)
    losses: tuple[list[float], list[float]] = ([], [])

    def note() -> None:
        for kept, (inputs, labels) in zip(losses, ((x, y), (x_val, y_val)), strict=True):
            with torch.no_grad():
                kept.append(round(F.cross_entropy(net(inputs), labels).item(), 3))

    note()
    optimiser = torch.optim.SGD(net.parameters(), lr=training.rate, momentum=0.5)
    for epoch in range(EPOCHS):
        if epoch == training.lowered_at:
            optimiser.param_groups[0]["lr"] /= 20
        for batch in torch.randperm(len(x)).split(50):
            step(net, optimiser, x[batch], y[batch])
        note()
    return losses


def step(net: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    optimiser.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimiser.step()


def main() -> None:
    torch.set_num_threads(1)
    lines = []
    for name, training in TRAININGS.items():
        train, validation = curves(training)
        lines.append(f'    "{name}": (\n        {train},\n        {validation},\n    ),\n')
    TARGET.write_text(f"{HEAD}{''.join(lines)}}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
