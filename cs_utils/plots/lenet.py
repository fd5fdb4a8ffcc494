"""Figures of a first training: paths of descent, loss curves, rates, confusions, mistaken images, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, MultipleLocator

from cs_utils.plots.curves import CURVES
from cs_utils.plots.shapes import caption
from cs_utils.plots.style import BLUE, GREEN, GREY, INK, ORANGE, RED, SIGNED, SKY, figure, show

LINES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (RED, ":", "D"))


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)


# --- descent ------------------------------------------------------------------------------------------------


def show_paths(paths: Mapping[str, Any], steepness: Sequence[float]) -> None:
    """Paths of two parameters through a valley, name -> (steps + 1, 2), over lines of equal loss.

    steepness: of the valley; the loss is half the sum of steepness times parameter squared.
    """
    drawn = {name: np.asarray(path, dtype=float) for name, path in paths.items()}
    points = np.concatenate(list(drawn.values()))
    reach = 1.15 * np.abs(points).max(axis=0) + 0.05
    first, second = np.meshgrid(*(np.linspace(-size, size, 121) for size in reach))
    fig = figure(4.4 * len(drawn), 3.0)
    for ax, (name, path), (colour, _, mark) in zip(
        np.atleast_1d(fig.subplots(1, len(drawn))), drawn.items(), LINES, strict=False
    ):
        loss = 0.5 * (steepness[0] * first**2 + steepness[1] * second**2)
        levels = loss.max() * np.linspace(0.05, 1, 9) ** 2
        ax.contour(first, second, loss, levels=levels, colors=GREY, linewidths=0.6)
        ax.plot(*path.T, color=colour, marker=mark, markersize=3.5, linewidth=1.2)
        ax.plot(0, 0, "*", color=INK, markersize=11)
        ax.set_title(
            f"{name}: {_loss_at(path[-1], steepness):.2g} after {len(path) - 1} steps", fontsize=10.5
        )
        ax.set_xlabel("first parameter", fontsize=9)
        ax.set_ylabel("second parameter", fontsize=9)
        _plain(ax)
    caption(fig, "Thin lines: equal loss. Star: the smallest loss. Both begin at the same point.")
    told = (f"{name}: {_loss_at(path[-1], steepness):.2g}" for name, path in drawn.items())
    show(fig, f"Paths of gradient descent through a narrow valley. Loss at their ends: {'; '.join(told)}.")


def _loss_at(point: np.ndarray, steepness: Sequence[float]) -> float:
    return float(0.5 * (np.asarray(steepness) * point**2).sum())


# --- curves -------------------------------------------------------------------------------------------------


def show_curves() -> None:
    """The six pairs of loss curves that notebook 08 asks about, each with its letter."""
    fig = figure(10.0, 5.4)
    for number, (ax, (name, (train, validation))) in enumerate(
        zip(fig.subplots(2, 3).flat, CURVES.items(), strict=True)
    ):
        epochs = np.arange(len(train))
        ax.plot(epochs, train, color=BLUE, linewidth=1.8, label="training")
        ax.plot(epochs, validation, color=RED, linestyle="--", linewidth=1.8, label="validation")
        ax.axhline(np.log(10), color=GREY, linewidth=0.8)
        ax.set_title(name, fontsize=12, fontweight="bold")
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.xaxis.set_minor_locator(MultipleLocator(2))
        ax.grid(axis="x", which="both", linewidth=0.4, alpha=0.5)  # one question asks for an epoch
        ax.set_xlabel("epoch", fontsize=9)
        ax.set_ylabel("loss", fontsize=9)
        _plain(ax)
        if number == 0:
            ax.legend(fontsize=9, frameon=False, loc="upper left")
    caption(fig, "Loss on the training set and on the validation set after each epoch. Grey: ln 10.")
    told = (
        f"{name}: training {_ends(train)}, validation {_ends(validation)}, smallest {min(validation):.2f} "
        f"after epoch {validation.index(min(validation))}"
        for name, (train, validation) in CURVES.items()
    )
    show(fig, f"Six pairs of loss curves over 40 epochs. {'; '.join(told)}.")


def _ends(losses: Sequence[float]) -> str:
    return f"{losses[0]:.2f} to {losses[-1]:.2f}"


def show_steps(losses: Sequence[float], *, level: tuple[str, float] | None = None, title: str = "") -> None:
    """The loss of every step, and its running mean. level: name and height of a line to compare with."""
    values = np.asarray(losses, dtype=float)
    fig = figure(8.4, 3.2)
    ax = fig.subplots()
    ax.plot(values, ".", color=SKY, markersize=4 if len(values) < 400 else 2, label="one batch")
    width = max(1, len(values) // 40)
    if width > 1 and np.isfinite(values).all():
        smooth = np.convolve(values, np.full(width, 1 / width), mode="valid")
        ax.plot(np.arange(len(smooth)) + width - 1, smooth, color=BLUE, label=f"mean of {width} steps")
    else:
        ax.plot(values, color=BLUE, linewidth=1)
    if level is not None:
        ax.axhline(level[1], color=GREY, linewidth=1)
        ax.text(1, level[1], level[0], transform=ax.get_yaxis_transform(), va="bottom", ha="right", size=9)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("step", fontsize=9)
    ax.set_ylabel("loss", fontsize=9)
    ax.set_title(title, fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _plain(ax)
    ax.legend(fontsize=9, frameon=False)
    last = float(np.mean(values[-width:]))
    caption(fig, f"The loss of {len(values):,} steps; at the end it is {last:.2f}.")
    show(fig, f"Loss over {len(values):,} steps, from {values[0]:.2f} to {last:.2f}.")


def show_rates(rates: Sequence[float], losses: Sequence[float], best: float) -> None:
    """The loss after a few steps with each learning rate; what is no number stands on top as a cross."""
    order = np.argsort(rates)
    tried, values = np.asarray(rates, dtype=float)[order], np.asarray(losses, dtype=float)[order]
    usual = np.isfinite(values)
    top = 1.15 * min(values[usual].max(), 3 * values[usual].min() + 2) if usual.any() else 1.0
    fine = usual & (values <= top)
    fig = figure(7.2, 3.3)
    ax = fig.subplots()
    ax.plot(tried[fine], values[fine], color=BLUE, marker="o", linewidth=1.6)
    if not fine.all():
        edge = np.full((~fine).sum(), 0.97 * top)
        ax.plot(tried[~fine], edge, "x", color=RED, markersize=9, label="far above")
    ax.axvline(best, color=ORANGE, linestyle="--", label=f"best: {best:g}")
    ax.set(xscale="log", ylim=(0, top))
    ax.set_xlabel("learning rate (logarithmic)", fontsize=9)
    ax.set_ylabel("loss of the last step", fontsize=9)
    ax.legend(fontsize=9, frameon=False, loc="lower left")
    _plain(ax)
    caption(fig, "Each point is a training of its own, from the same first weights.")
    told = ", ".join(f"{rate:g}: {loss:.2f}" for rate, loss in zip(tried, values, strict=True))
    show(fig, f"Loss of the last step for each learning rate. {told}. Best: {best:g}.")


# --- what a trained network does --------------------------------------------------------------------------


def show_confusion(matrix: Any, classes: Sequence[str]) -> None:
    """How many images of each class (a row) were told to be of which class (a column)."""
    counts = np.asarray(matrix, dtype=int)
    wrong = counts - np.diag(np.diag(counts))
    fig = figure(7.4, 6.2)
    ax = fig.subplots()
    ax.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, wrong.max()))
    for row, column in np.ndindex(counts.shape):
        right = row == column
        if counts[row, column]:
            dark = wrong[row, column] > 0.6 * max(1, wrong.max())
            ax.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                fontsize=8.5,
                fontweight="bold" if right else "normal",
                color="white" if dark else GREEN if right else INK,
            )
    ax.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=8.5)
    ax.set_yticks(range(len(classes)), classes, fontsize=8.5)
    ax.set_xlabel("what the network says", fontsize=9)
    ax.set_ylabel("what it is", fontsize=9)
    row, column = divmod(int(wrong.argmax()), len(classes))
    caption(fig, "Images of the test set. On the diagonal, bold: right. The darker, the more often confused.")
    show(
        fig,
        f"Confusion matrix of {counts.sum():,} images, {np.trace(counts) / max(1, counts.sum()):.1%} right. "
        f"Most often {classes[row]} is taken for {classes[column]}: {wrong[row, column]} times.",
    )


def show_mistaken(
    images: Any, labels: Sequence[int], told: Sequence[int], sure: Sequence[float], classes: Sequence[str]
) -> None:
    """Images (N, H, W) that were told wrong, with the right class, the wrong one, and how sure it was."""
    images = np.asarray(images, dtype=float)
    across = min(6, max(1, len(images)))
    down = -(-len(images) // across)
    fig = figure(1.65 * across, 1.95 * max(1, down))
    axes = fig.subplots(max(1, down), across, squeeze=False).flatten()
    for ax in axes:
        ax.axis("off")
    names = [(classes[label], classes[wrong]) for label, wrong in zip(labels, told, strict=True)]
    for ax, image, (right, wrong), share in zip(axes, images, names, sure, strict=False):
        ax.imshow(image, cmap="gray_r")
        ax.set_title(f"{right}\nnot {wrong} ({share:.0%})", fontsize=8)
    caption(fig, "Above: what it is; what the network said, and with which probability.")
    said = "; ".join(f"{right} told as {wrong}" for right, wrong in names)
    show(fig, f"{len(images)} images that were told wrong: {said}.")


def show_kernels_before_and_after(before: Any, after: Any) -> None:
    """Filters (D, 1, h, w) before and after training, one above the other; white is 0."""
    rows = {"before": np.asarray(before, dtype=float)[:, 0], "after": np.asarray(after, dtype=float)[:, 0]}
    shown = min(12, len(rows["before"]))
    fig = figure(10.2, 2.3)
    for axes, (name, filters) in zip(fig.subplots(2, shown, squeeze=False), rows.items(), strict=True):
        for ax, weights in zip(axes, filters, strict=False):
            limit = float(np.abs(weights).max()) or 1.0
            ax.imshow(weights, cmap=SIGNED, vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, fontsize=9)
    caption(fig, "Orange: positive; purple: negative. Each filter has its own scale.")
    moved = np.linalg.norm(rows["after"] - rows["before"]) / np.linalg.norm(rows["before"])
    show(
        fig,
        f"The first {shown} filters of the first layer before and after training; on the whole they changed "
        f"by {moved:.0%} of their size.",
    )


def show_step_times(seconds: Mapping[str, float]) -> None:
    """Seconds of one training step, name -> seconds, as bars in milliseconds."""
    fig = figure(7.6, 0.9 + 0.45 * len(seconds))
    ax = fig.subplots()
    times = [1000 * each for each in seconds.values()]
    bars = ax.barh(range(len(times)), times, color=BLUE, edgecolor=INK, linewidth=0.8, height=0.6)
    ax.bar_label(bars, [f"{time:.0f} ms" for time in times], fontsize=9, padding=3)
    ax.set_yticks(range(len(times)), list(seconds), fontsize=9.5)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * max(times))
    ax.set_xlabel("milliseconds", fontsize=9)
    _plain(ax)
    caption(fig, "One training step with the same batch: the median of some that were taken in turns.")
    told = "; ".join(f"{name}: {time:.0f} ms" for name, time in zip(seconds, times, strict=True))
    show(fig, f"Time of one training step. {told}.")
