"""Figures of notebook 10: the residual block, gradients over depth, augmented pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from cs_utils.plots.shapes import caption
from cs_utils.plots.style import (
    BLUE,
    GREEN,
    INK,
    INPUT_FILL,
    KERNEL_FILL,
    ORANGE,
    OUTPUT_FILL,
    figure,
    show,
)

WAY = ("3x3 convolution{stride}", "batch norm", "ReLU", "3x3 convolution", "batch norm")


def show_block(channels: int, height: int, width: int, *, out_channels: int, stride: int = 1) -> None:
    """A residual block with the shape behind every step; from top to bottom."""
    fig = figure(7.6, 6.4)
    ax = fig.subplots()
    ax.set(xlim=(0, 10), ylim=(9.4, -0.6))
    ax.axis("off")
    before = f"{channels}x{height}x{width}"
    after = f"{out_channels}x{-(-height // stride)}x{-(-width // stride)}"
    moves = f", stride {stride}" if stride != 1 else ""
    _box(ax, 4.5, 0, f"x   {before}", INPUT_FILL)
    for row, words in enumerate(WAY, 1):
        _box(ax, 3, row + 0.3, words.format(stride=moves), KERNEL_FILL if "conv" in words else "white")
        ax.text(1.15, row + 0.3, after, ha="right", va="center", fontsize=9, color=BLUE)
    for row in range(1, len(WAY)):
        _arrow(ax, (3, row + 0.6), (3, row + 1.0))
    _arrow(ax, (4, 0.3), (3, 1.0))
    if stride != 1 or channels != out_channels:
        _box(ax, 7.4, 2.8, f"1x1 convolution{moves}", KERNEL_FILL)
        _box(ax, 7.4, 3.8, "batch norm", "white")
        ax.text(7.4, 4.5, after, ha="center", va="center", fontsize=9, color=BLUE)
        _arrow(ax, (5, 0.3), (7.4, 2.5), ORANGE)
        _arrow(ax, (7.4, 3.1), (7.4, 3.5), ORANGE)
        _arrow(ax, (7.4, 4.8), (4.8, 6.7), ORANGE)
        road = f"x goes through a 1x1 convolution and a batch norm, so that it is {after} as well"
    else:
        _arrow(ax, (5.4, 0.3), (4.85, 6.7), ORANGE, bend=-0.55)
        ax.text(7.6, 3.3, "the skip:\nx itself", ha="left", va="center", fontsize=10, color=INK)
        road = "x goes round it untouched"
    _arrow(ax, (3, 5.6), (4.2, 6.7))
    _box(ax, 4.5, 7, "+", OUTPUT_FILL, wide=0.8)
    _arrow(ax, (4.5, 7.3), (4.5, 7.7))
    _box(ax, 4.5, 8, "ReLU", "white")
    _arrow(ax, (4.5, 8.3), (4.5, 8.7))
    _box(ax, 4.5, 9, f"out   {after}", OUTPUT_FILL)
    steps = ", ".join(words.format(stride=moves) for words in WAY)
    show(
        fig,
        f"A residual block from {before} to {after}. One way: {steps}. On the skip {road}. Both are added, "
        f"then ReLU.",
    )


def _box(ax: Axes, x: float, y: float, words: str, fill: str, *, wide: float = 3.2) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - 0.25),
            wide,
            0.5,
            boxstyle="round,pad=0.05",
            facecolor=fill,
            edgecolor=INK,
            linewidth=1,
        )
    )
    ax.text(x, y, words, ha="center", va="center", fontsize=10)


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, *, bend: float = 0.0
) -> None:
    style = f"arc3,rad={bend}"
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=12,
            connectionstyle=style,
            color=colour,
            linewidth=1.8 if colour != INK else 1.1,
        )
    )


def show_depths(depths: Sequence[int], values: Mapping[str, Sequence[float]], *, what: str) -> None:
    """One number for each depth, of several kinds of networks; name -> numbers."""
    fig = figure(7.0, 3.4)
    ax = fig.subplots()
    for (name, numbers), colour, mark in zip(values.items(), (ORANGE, BLUE, GREEN), "sov", strict=False):
        ax.plot(depths, numbers, color=colour, marker=mark, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("layers", fontsize=9)
    ax.set_ylabel(what, fontsize=9)
    ax.legend(fontsize=9, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    ends = (
        f"{name} from {numbers[0]:.2g} at {depths[0]} to {numbers[-1]:.2g} at {depths[-1]} layers"
        for name, numbers in values.items()
    )
    show(fig, f"{what}: {'; '.join(ends)}.")


def show_schedule(rates: Sequence[float], *, steps_each: int) -> None:
    """The learning rate over a training, in epochs."""
    fig = figure(7.0, 2.8)
    ax = fig.subplots()
    ax.plot(np.arange(len(rates)) / steps_each, rates, color=BLUE, linewidth=1.8)
    ax.set_xlabel("epoch", fontsize=9)
    ax.set_ylabel("learning rate", fontsize=9)
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
    top = int(np.argmax(rates))
    show(
        fig,
        f"The learning rate begins at {rates[0]:.2g}, is largest, {rates[top]:.2g}, in epoch "
        f"{top / steps_each:.1f}, "
        f"and ends at {rates[-1]:.2g}.",
    )


def show_augmented(before: Any, after: Sequence[Any]) -> None:
    """Pictures in the first row; below them what was made of each, a row for every time.

    before: (N, 3, H, W), any range; after: several of these.
    """
    rows = [np.asarray(each, dtype=float) for each in (before, *after)]
    low, high = rows[0].min(), rows[0].max()
    count = len(rows[0])
    fig = figure(1.15 * count, 1.15 * len(rows) + 0.5)
    for ax, picture in zip(
        fig.subplots(len(rows), count, squeeze=False).flat, (p for row in rows for p in row), strict=True
    ):
        ax.imshow(np.clip((picture.transpose(1, 2, 0) - low) / max(high - low, 1e-9), 0, 1))
        ax.axis("off")
    caption(fig, "First row: as they are. Below: what the network sees instead, another time, and another.")
    show(
        fig,
        f"{count} pictures, and {len(after)} times what became of them when they were moved, mirrored and "
        f"covered.",
    )
