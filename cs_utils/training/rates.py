"""Finding a learning rate: one short training, in which the rate grows until the loss runs away."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.training import hardware
from cs_utils.training.hardware import set_seed
from cs_utils.training.optimiser import nesterov_sgd
from cs_utils.training.pictures import pictures
from cs_utils.training.trouble import check_before

SMOOTHING = 0.8  # weight of the past in the running mean of the losses
AWAY = 3.0  # times the smallest smoothed loss: from there on nothing is to be learned
NEARLY = 0.9  # of the whole fall of the smoothed loss: reached where the rate is large enough


@dataclass(frozen=True)
class RateSearch:
    """One loss for each rate, as they came and smoothed, and a rate to begin with."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float

    def __repr__(self) -> str:
        return f"RateSearch: try max_lr={self.suggestion:.2g}, and half and twice as much"

    def plot(self) -> None:
        """Draw the loss over the rate."""
        from cs_utils.plots import show_rate_search

        show_rate_search(self.rates, self.losses, self.smoothed, self.suggestion)


def find_learning_rate(
    model: nn.Module,
    train: Any,
    *,
    batch_size: int = 128,
    lowest: float = 1e-4,
    highest: float = 10.0,
    steps: int = 100,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> RateSearch:
    """Train a copy of the model while the rate grows from `lowest` to `highest` by equal factors.

    The learning-rate range test of Smith 2017, "Cyclical Learning Rates", arXiv:1506.01186, section 3.3. The
    suggestion is half the rate at which the smoothed loss has nearly reached its smallest value: a little
    further on, it is about to run away.

    Raises:
        ValueError: data and model do not fit together.
    """
    place = hardware.device(device)
    data = pictures(train, place)
    model = copy.deepcopy(model).to(place)
    check_before(model, data)
    optimiser = nesterov_sgd(model.train(), max_lr=lowest, weight_decay=0)
    set_seed(seed)
    rates = [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    for step, rate in enumerate(rates):
        x, y = data.batch(torch.randint(len(data), (min(batch_size, len(data)),), device=place))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.item())
        mean = SMOOTHING * mean + (1 - SMOOTHING) * losses[-1]
        smoothed.append(mean / (1 - SMOOTHING ** (step + 1)))  # as if it had not begun at 0
        if not math.isfinite(losses[-1]) or smoothed[-1] > AWAY * min(smoothed):
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return RateSearch(rates[: len(losses)], losses, smoothed, rates[_nearly_lowest(smoothed)] / 2)


def _nearly_lowest(smoothed: list[float]) -> int:
    """Where the values first come near to their smallest one; 0 where they never fall."""
    lowest = min((value for value in smoothed if math.isfinite(value)), default=math.inf)
    enough = smoothed[0] - NEARLY * (smoothed[0] - lowest)
    return next((index for index, value in enumerate(smoothed) if value <= enough), 0)
