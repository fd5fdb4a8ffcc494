"""Figures of a training: loss, accuracy and learning rate; several trainings; the search for a rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cs_utils.plots.shapes import caption
from cs_utils.plots.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, figure, show

LOOKS = (
    (BLUE, "-", "o"),
    (ORANGE, "--", "s"),
    (GREEN, "-.", "^"),
    (RED, ":", "D"),
    (PURPLE, "-", "v"),
    (INK, "--", "P"),
)
SMOOTH = 50  # the line through the losses of steps is a running mean over a part of all: 1 / SMOOTH


class Record(Protocol):
    """What is drawn of a training; `cs_utils.training.History` is one."""

    per_epoch: int

    @property
    def losses(self) -> list[float]: ...
    @property
    def rates(self) -> list[float]: ...
    @property
    def train_accuracy(self) -> list[float]: ...
    @property
    def test_loss(self) -> list[float]: ...
    @property
    def test_accuracy(self) -> list[float]: ...


def show_history(record: Record) -> None:
    """Three panels over epochs: loss, accuracy, learning rate."""
    fig = figure(10.2, 3.5)
    losses, accuracies, rates = fig.subplots(1, 3)
    _losses(losses, record)
    _accuracies(accuracies, record)
    rates.plot(_epochs(record), record.rates, color=INK, linewidth=1.6)
    _axes(rates, "learning rate")
    rates.set_ylim(bottom=0)
    caption(
        fig,
        "Loss: dots are steps, the line is their running mean. Training figures are taken while the network "
        "changes and on augmented images, so the test's can be better.",
    )
    show(
        fig, f"Loss, accuracy and learning rate over {len(record.test_accuracy)} epochs. {_sentence(record)}"
    )


def show_histories(records: Mapping[str, Record]) -> None:
    """Several trainings, name -> record, in two panels: loss of the steps, accuracy on the test set."""
    fig = figure(9.6, 3.6)
    losses, accuracies = fig.subplots(1, 2)
    for (name, record), (colour, dashes, mark) in zip(records.items(), LOOKS, strict=False):
        losses.plot(_epochs(record), _running(record.losses), color=colour, linestyle=dashes, label=name)
        epochs, values = _known(record.test_accuracy)
        accuracies.plot(epochs, values, color=colour, linestyle=dashes, marker=mark, markersize=4, label=name)
    _axes(losses, "training loss")
    losses.set_ylim(bottom=0)
    _axes(accuracies, "accuracy on the test set")
    accuracies.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    accuracies.legend(fontsize=9, frameon=False)
    caption(fig, "The loss is a running mean over steps; accuracy is measured after an epoch.")
    said = (f"{name}: {_sentence(record)}" for name, record in records.items())
    show(fig, f"Training loss and test accuracy of {len(records)} trainings. {' '.join(said)}")


def show_rate_search(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float
) -> None:
    """The loss while the learning rate grows; a line at the suggested rate."""
    fig = figure(7.6, 3.6)
    ax = fig.subplots()
    finite = np.isfinite(losses)
    ax.plot(
        np.asarray(rates)[finite], np.asarray(losses)[finite], ".", color=SKY, markersize=5, label="one batch"
    )
    ax.plot(rates, smoothed, color=BLUE, linewidth=1.8, label="running mean")
    ax.axvline(suggestion, color=RED, linestyle="--", linewidth=1.5, label=f"suggested: {suggestion:.2g}")
    ax.set_xscale("log")
    ax.set_ylim(0, 1.6 * max(loss for loss in smoothed[: max(1, len(smoothed) // 2)] if np.isfinite(loss)))
    ax.set_xlabel("learning rate (logarithmic)", fontsize=9)
    ax.set_ylabel("loss", fontsize=9)
    ax.legend(fontsize=9, frameon=False, loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    caption(
        fig,
        "The loss of one batch after the other while the learning rate grows: on the left too small to "
        "matter, on the right too large. Suggested: half the rate that brings the running mean near its "
        "lowest.",
    )
    show(
        fig,
        f"The running mean of the loss is {smoothed[0]:.2f} at a learning rate of {rates[0]:.1g}, "
        f"{np.nanmin(smoothed):.2f} where it is smallest, and {smoothed[-1]:.2f} at {rates[-1]:.2g}. "
        f"Suggested rate: {suggestion:.2g}.",
    )


# --- parts ------------------------------------------------------------------------------------------------


def _losses(ax: Axes, record: Record) -> None:
    losses = np.asarray(record.losses)
    epochs = _epochs(record)
    ax.plot(epochs, losses, ".", color=SKY, markersize=3 if len(losses) < 500 else 1.5)
    ax.plot(epochs, _running(losses), color=BLUE, linewidth=1.6, label="training")
    known, values = _known(record.test_loss)
    ax.plot(known, values, "s--", color=RED, markersize=4, label="test")
    _axes(ax, "loss")
    finite = losses[np.isfinite(losses)]
    ax.set_ylim(0, 1.15 * np.quantile(finite, 0.99) if len(finite) else 1)
    ax.legend(fontsize=9, frameon=False)


def _accuracies(ax: Axes, record: Record) -> None:
    for name, values, look, colour in (
        ("training", record.train_accuracy, "o-", BLUE),
        ("test", record.test_accuracy, "s--", RED),
    ):
        ax.plot(*_known(values), look, color=colour, markersize=4, label=name)
    _axes(ax, "accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(fontsize=9, frameon=False, loc="lower right")


def _axes(ax: Axes, name: str) -> None:
    ax.set_xlabel("epoch", fontsize=9)
    ax.set_title(name, fontsize=11)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.spines[["top", "right"]].set_visible(False)


def _epochs(record: Record) -> np.ndarray:
    """When each step was, in epochs."""
    return np.arange(len(record.losses)) / record.per_epoch


def _known(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Epochs, counted from 1, and their values where there is one."""
    array = np.asarray(values, dtype=float)
    known = np.flatnonzero(np.isfinite(array))
    return known + 1, array[known]


def _running(losses: Sequence[float] | np.ndarray) -> np.ndarray:
    """Mean of each value and those shortly before it."""
    losses = np.asarray(losses, dtype=float)
    window = max(1, len(losses) // SMOOTH)
    sums = np.cumsum(np.concatenate([[0.0], losses]))
    last = np.arange(1, len(losses) + 1)
    first = np.maximum(0, last - window)
    return (sums[last] - sums[first]) / (last - first)


def _sentence(record: Record) -> str:
    losses = record.losses
    tested = _known(record.test_accuracy)[1]
    test = f", {tested[-1]:.1%} on the test set" if len(tested) else ""
    return (
        f"The loss goes from {losses[0]:.2f} to {_running(losses)[-1]:.2f}; the accuracy of the last epoch "
        f"is {record.train_accuracy[-1]:.1%}{test}."
    )
