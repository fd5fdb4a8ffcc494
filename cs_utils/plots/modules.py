"""Figures of notebook 09: pictures a second on each device, accuracy in the two modes, answers to pictures.

Nothing here measures or computes an answer: numbers and pictures are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from cs_utils.plots.shapes import caption
from cs_utils.plots.style import BLUE, GREEN, INK, INPUT_FILL, KERNEL_FILL, ORANGE, RED, figure, show

LOOKS = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (RED, ":", "D"))


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)


def _curves(ax: Axes, curves: Mapping[str, Mapping[int, float]]) -> None:
    """One line for each curve over batch sizes, on a logarithmic axis."""
    for (name, points), (colour, line, mark) in zip(curves.items(), LOOKS, strict=False):
        sizes = sorted(points)
        heights = [points[size] for size in sizes]
        ax.plot(sizes, heights, color=colour, linestyle=line, marker=mark, linewidth=1.8, label=name)
    ticks = sorted({size for points in curves.values() for size in points})
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [str(size) for size in ticks])
    ax.set_xlabel("batch size", fontsize=9.5)
    ax.grid(axis="y", linewidth=0.4)
    ax.legend(fontsize=9, frameon=False)
    _plain(ax)


def show_throughput(rates: Mapping[str, Mapping[int, float]]) -> None:
    """Pictures a second over batch sizes: device -> {batch size: pictures a second}, on two log scales."""
    fig = figure(7.6, 3.8)
    ax = fig.subplots()
    _curves(ax, rates)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}"))
    ax.set_ylabel("pictures a second", fontsize=9.5)
    alone = "" if len(rates) > 1 else " There is no GPU here, so this is the CPU's curve alone."
    caption(fig, f"Training steps with LeNet, forward and backward. Both axes are logarithmic.{alone}")
    told = (
        f"{name}: {points[min(points)]:,.0f} with batches of {min(points)}, {points[max(points)]:,.0f} with "
        f"batches of {max(points)}"
        for name, points in rates.items()
    )
    show(fig, f"Pictures a second over batch sizes. {'; '.join(told)}.{alone}")


def show_modes(accuracies: Mapping[str, Mapping[int, float]]) -> None:
    """Accuracy of one network over the batch size of the evaluation: mode -> {batch size: accuracy}."""
    fig = figure(7.6, 3.6)
    ax = fig.subplots()
    _curves(ax, accuracies)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_ylim(0, 1)
    ax.set_ylabel("accuracy", fontsize=9.5)
    caption(fig, "The same network and the same test pictures, in batches of different sizes.")
    told = (
        f"{name}: {', '.join(f'{accuracy:.1%} with {size}' for size, accuracy in sorted(points.items()))}"
        for name, points in accuracies.items()
    )
    show(fig, f"Accuracy over the batch size of the evaluation. {'; '.join(told)}.")


def show_guesses(pictures: Any, probabilities: Any, labels: Sequence[int], classes: Sequence[str]) -> None:
    """Pictures (N, H, W), and for each of them the three likeliest classes; the right one has a thick edge.

    probabilities: (N, C).
    """
    pictures, probabilities = np.asarray(pictures, dtype=float), np.asarray(probabilities, dtype=float)
    labels = [int(label) for label in labels]
    fig = figure(1.75 * len(pictures), 3.1)
    panels = fig.subplots(2, len(pictures), squeeze=False, height_ratios=(3, 2))
    right = 0
    for (above, below), picture, chances, label in zip(
        panels.T, pictures, probabilities, labels, strict=True
    ):
        above.imshow(picture, cmap="gray_r")
        above.set_title(classes[label], fontsize=9.5)
        above.axis("off")
        best = np.argsort(chances)[::-1][:3]
        right += best[0] == label
        bars = below.barh(range(3), chances[best], color=INPUT_FILL, edgecolor=INK, linewidth=0.7)
        for bar, place in zip(bars, best, strict=True):
            if place == label:
                bar.set(facecolor=KERNEL_FILL, linewidth=2.2)
        for row, place in enumerate(best):
            below.text(0.03, row, f"{classes[place]} {chances[place]:.0%}", va="center", fontsize=7.5)
        below.invert_yaxis()
        below.set(xlim=(0, 1), xticks=(), yticks=())
        _plain(below)
    caption(
        fig,
        "Above: the picture and its label. Below: the three likeliest classes; the label has a thick edge.",
    )
    show(
        fig,
        f"{len(labels)} test pictures with the three likeliest classes of each; the likeliest one is "
        f"the label for {right} of them.",
    )
