"""What happened in a training: every step's loss, every epoch's figures, and how to draw them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch


class History:
    """The record of one training. Losses of steps stay on the device until somebody looks at them.

    After training: ``losses`` and ``rates``, a number for each step; ``train_loss``, ``train_accuracy``,
    ``test_loss``, ``test_accuracy`` (from 0 to 1), a number for each epoch; ``train_seconds``; ``plot()``.
    """

    def __init__(
        self,
        epochs: int,
        per_epoch: int,
        batch_size: int,
        place: torch.device,
        rates: list[float],
    ) -> None:
        """rates: the learning rate of every step to come."""
        self.step = 0  # how many are done
        self.all_epochs, self.per_epoch, self.batch_size = epochs, per_epoch, batch_size
        self.steps = epochs * per_epoch
        self.epochs: list[dict[str, float]] = []
        self._rates = rates
        self._losses = torch.zeros(self.steps, device=place)
        self._hits = torch.zeros(self.steps, device=place)
        self._began, self._before = 0.0, 0.0  # seconds of this epoch that an earlier process spent

    # --- while training -----------------------------------------------------------------------------------

    def start_epoch(self) -> None:
        self._began = time.perf_counter()

    def record(self, loss: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> None:
        """Note a step, without waiting for the device: nothing is read back."""
        self._losses[self.step] = loss.detach()
        self._hits[self.step] = (scores.detach().argmax(1) == labels).sum()
        self.step += 1

    def end_epoch(self) -> None:
        """Add up the epoch; waits for the device."""
        self.epochs.append(self.so_far())
        self._before = 0.0

    def add_test(self, loss: float, accuracy: float) -> None:
        """The figures of the test set after the last epoch."""
        self.epochs[-1].update(test_loss=loss, test_accuracy=accuracy)

    def so_far(self) -> dict[str, float]:
        """Loss, accuracy, seconds and images/s of the epoch that runs; waits for the device."""
        first = len(self.epochs) * self.per_epoch
        steps = slice(first, self.step)
        loss, hits = torch.stack([self._losses[steps].mean(), self._hits[steps].mean()]).tolist()
        seconds = self._seconds()
        speed = (self.step - first) * self.batch_size / max(seconds, 1e-9)
        return {
            "train_loss": loss,
            "train_accuracy": hits / self.batch_size,
            "seconds": seconds,
            "images_per_second": speed,
        }

    def all_finite(self) -> bool:
        """Is every loss so far a number? Waits for the device."""
        return bool(self._losses[: self.step].isfinite().all())

    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._began

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "step": self.step,
            "epochs": self.epochs,
            "losses": self._losses[: self.step].cpu(),
            "hits": self._hits[: self.step].cpu(),
            "seconds": self._seconds() if self.step > len(self.epochs) * self.per_epoch else 0.0,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.step, self.epochs, self._before = state["step"], list(state["epochs"]), state["seconds"]
        self._losses[: self.step] = state["losses"].to(self._losses.device)
        self._hits[: self.step] = state["hits"].to(self._hits.device)

    # --- afterwards ---------------------------------------------------------------------------------------

    @property
    def losses(self) -> list[float]:
        """The loss of every step, before its update."""
        return self._losses[: self.step].tolist()

    @property
    def rates(self) -> list[float]:
        """The learning rate of every step."""
        return self._rates[: self.step]

    @property
    def largest_rate(self) -> float:
        """The largest learning rate of the whole schedule."""
        return max(self._rates)

    @property
    def train_seconds(self) -> float:
        """How long the steps took, without evaluating."""
        return sum(row["seconds"] for row in self.epochs)

    @property
    def images_per_second(self) -> float:
        """Training images a second, over all epochs."""
        return len(self.epochs) * self.per_epoch * self.batch_size / max(self.train_seconds, 1e-9)

    @property
    def train_loss(self) -> list[float]:
        """Mean loss of each epoch's steps, with augmentation and while the weights change."""
        return self._column("train_loss")

    @property
    def train_accuracy(self) -> list[float]:
        """Share of right answers during each epoch's steps."""
        return self._column("train_accuracy")

    @property
    def test_loss(self) -> list[float]:
        """After each epoch; NaN where the test set was not looked at."""
        return self._column("test_loss")

    @property
    def test_accuracy(self) -> list[float]:
        """After each epoch; NaN where the test set was not looked at."""
        return self._column("test_accuracy")

    def _column(self, name: str) -> list[float]:
        return [row.get(name, float("nan")) for row in self.epochs]

    def __repr__(self) -> str:
        if not self.epochs:
            return f"History of {self.step} steps"
        last = self.epochs[-1]
        test = f", on the test set {last['test_accuracy']:.1%}" if "test_accuracy" in last else ""
        return (
            f"History of {len(self.epochs)} epochs: accuracy {last['train_accuracy']:.1%}{test}; "
            f"{self.train_seconds:.1f} s, {self.images_per_second:,.0f} images/s"
        )

    def plot(self) -> None:
        """Draw loss, accuracy and learning rate."""
        from cs_utils.plots import show_history

        show_history(self)
