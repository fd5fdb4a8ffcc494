"""Figures of notebook 06: which numbers share a mean, batch norm as a graph, and what the two modes do.

Nothing here normalises: arrays come in, pictures come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from cs_utils.plots import style
from cs_utils.plots.shapes import caption

# --- which numbers share a mean -----------------------------------------------------------------------------

UNIT = 0.3  # inches: side of one channel of one image
PIXELS = 3  # rows and columns that are drawn of it


def show_averaging(images: int = 3, channels: int = 6, *, groups: int = 2) -> None:
    """Batch, layer, instance and group norm side by side: the numbers that share a mean and a variance."""
    fig, sentence = averaging_figure(images, channels, groups)
    style.show(fig, sentence)


def averaging_figure(images: int, channels: int, groups: int) -> tuple[Figure, str]:
    """The figure of `show_averaging` and the sentence under it."""
    sets = {  # name -> images and channels that share a mean
        "batch norm": (images, 1),
        "layer norm": (1, channels),
        "instance norm": (1, 1),
        f"group norm, G = {groups}": (1, channels // groups),
    }
    down = images + 2.5  # units of a row of panels: boxes, title, labels
    fig = style.figure(2 * (channels + 3) * UNIT * 1.35, 2 * down * UNIT * 1.35)
    for ax, (name, shape) in zip(fig.subplots(2, 2).flatten(), sets.items(), strict=True):
        _draw_sets(ax, name, images, channels, shape)
    sentence = (
        "Rows are images, columns are channels, and the small boxes are pixels. All the blue pixels are "
        "normalised by one mean and one variance; every thick frame has a mean and a variance of its own."
    )
    caption(fig, sentence)
    return fig, sentence


def _draw_sets(ax: Axes, name: str, images: int, channels: int, shape: tuple[int, int]) -> None:
    height, width = shape
    for row in range(images):
        for column in range(channels):
            _draw_pixels(ax, row, column, blue=row < height and column < width)
    for top in range(0, images, height):
        for left in range(0, channels, width):
            first = top == left == 0
            colour = style.BLUE if first else style.INK
            frame = Rectangle(
                (left + 0.04, top + 0.04),
                width - 0.08,
                height - 0.08,
                fill=False,
                edgecolor=colour,
                linewidth=2.6 if first else 1.4,
                zorder=4 if first else 3,
            )
            ax.add_patch(frame)
    count = (images // height) * (channels // width)
    ax.set_title(f"{name}: {count} means", fontsize=10.5)
    ax.text(channels / 2, images + 0.3, "channels →", ha="center", va="top", fontsize=8.5)
    ax.text(-0.3, images / 2, "images", ha="right", va="center", fontsize=8.5, rotation=90)
    style.blank(ax, images + 0.8, channels, left=-0.9)


def _draw_pixels(ax: Axes, row: int, column: int, *, blue: bool) -> None:
    side = 0.76 / PIXELS
    for down, across in np.ndindex(PIXELS, PIXELS):
        corner = (column + 0.12 + across * side, row + 0.12 + down * side)
        fill = style.SKY if blue else style.PADDING_FILL
        edge = style.BLUE if blue else style.GREY
        ax.add_patch(Rectangle(corner, side, side, facecolor=fill, edgecolor=edge, linewidth=0.5))


# --- batch norm as a graph ----------------------------------------------------------------------------------

# name -> (column, row, symbol, how it is made, shape)
NODES: dict[str, tuple[float, float, str, str, str]] = {
    "x": (0, 0, r"$x$", "input", "(N, D)"),
    "mean": (1.5, 1, r"$\mu$", r"mean of $x$", "(D,)"),
    "centred": (3.0, 0, r"$c$", r"$x - \mu$", "(N, D)"),
    "var": (4.3, 1, r"$v$", r"mean of $c^2$", "(D,)"),
    "std": (6.35, 1, r"$s$", r"$\sqrt{v + \epsilon}$", "(D,)"),
    "x_hat": (7.65, 0, r"$\hat{x}$", r"$c \, / \, s$", "(N, D)"),
    "out": (9.6, 0, r"out", r"$\gamma\,\hat{x} + \beta$", "(N, D)"),
}
HALF_WIDTH, HALF_HEIGHT = 0.82, 0.31  # of a node, in the units of NODES
STRAIGHT, THROUGH_MEAN, THROUGH_VAR = style.BLUE, style.ORANGE, style.GREEN
EDGES = (
    ("x", "centred", STRAIGHT, "-"),
    ("centred", "x_hat", STRAIGHT, "-"),
    ("x_hat", "out", STRAIGHT, "-"),
    ("x", "mean", THROUGH_MEAN, "--"),
    ("mean", "centred", THROUGH_MEAN, "--"),
    ("centred", "var", THROUGH_VAR, ":"),
    ("var", "std", THROUGH_VAR, ":"),
    ("std", "x_hat", THROUGH_VAR, ":"),
)


def show_batchnorm_graph(
    values: Mapping[str, Any] | None = None, gradients: Mapping[str, Any] | None = None
) -> None:
    """Batch norm in training as a graph of small steps.

    values, gradients: what stands in a node, and what comes back to it, for one feature; keys are ``x``,
    ``mean``, ``centred``, ``var``, ``std``, ``x_hat`` and ``out``. Without them the steps are shown.
    """
    fig, sentence = graph_figure(values or {}, gradients or {})
    style.show(fig, sentence)


def graph_figure(values: Mapping[str, Any], gradients: Mapping[str, Any]) -> tuple[Figure, str]:
    """The figure of `show_batchnorm_graph` and the sentence under it."""
    fig = style.figure(8.6, 3.6)
    ax = fig.subplots()
    for start, end, colour, line in EDGES:
        _draw_edge(ax, NODES[start][:2], NODES[end][:2], colour, line)
    for name, (column, row, symbol, made, shape) in NODES.items():
        value = _column(values[name]) if name in values else made
        gradient = _column(gradients[name]) if name in gradients else ""
        _draw_node(ax, column, row, symbol, value, gradient, shape if not values else "")
    ax.set_xlim(-0.87, 10.47)
    ax.set_ylim(1.4, -0.4)
    ax.axis("off")
    sentence = (
        "Three ways lead from x to the output: straight (solid, blue), through the mean (dashed, orange) and "
        "through the variance (dotted, green)."
    )
    if gradients:
        sentence += (
            " In each box the value stands above, and the gradient that comes back to it below, in bold."
        )
    caption(fig, sentence)
    return fig, sentence


def _column(values: Any) -> str:
    """One number, or those of a column one beside the other."""
    return ", ".join(style.number(value) for value in np.ravel(np.asarray(values, dtype=float)))


def _draw_edge(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, line: str
) -> None:
    """An arrow from the border of one node to the border of another."""
    across, down = end[0] - start[0], end[1] - start[1]
    inside = min(HALF_WIDTH / abs(across), HALF_HEIGHT / abs(down) if down else 1.0)
    step = across * inside, down * inside
    arrow = FancyArrowPatch(
        (start[0] + step[0], start[1] + step[1]),
        (end[0] - step[0], end[1] - step[1]),
        arrowstyle="-|>",
        mutation_scale=15,
        shrinkA=0,
        shrinkB=0,
        color=colour,
        linestyle=line,
        linewidth=2.2,
    )
    ax.add_patch(arrow)


def _draw_node(
    ax: Axes, column: float, row: float, symbol: str, value: str, gradient: str, shape: str
) -> None:
    corner = column - HALF_WIDTH, row - HALF_HEIGHT
    ax.add_patch(
        Rectangle(
            corner, 2 * HALF_WIDTH, 2 * HALF_HEIGHT, facecolor="white", edgecolor=style.INK, linewidth=1
        )
    )
    crowded = any(len(text) > 15 for text in (value, gradient) if "$" not in text)
    size = 7.8 if crowded else 9.5
    looks = [
        (symbol, 12.5, "normal"),
        (value, size, "normal"),
        (shape, 8, "normal"),
        (gradient, size, "bold"),
    ]
    rows = [look for look in looks if look[0]]
    for number, (text, points, weight) in enumerate(rows):
        at = row + (number - (len(rows) - 1) / 2) * 0.19
        ax.text(column, at, text, ha="center", va="center", fontsize=points, weight=weight)


# --- what stands in a batch ---------------------------------------------------------------------------------


def show_features(stages: Mapping[str, Any]) -> None:
    """Arrays (N, D) side by side: every number of every feature as a dot, and each feature's mean."""
    fig, sentence = features_figure({name: np.asarray(x, dtype=float) for name, x in stages.items()})
    style.show(fig, sentence)


def features_figure(stages: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """The figure of `show_features` and the sentence under it."""
    for name, x in stages.items():
        if x.ndim != 2:
            raise ValueError(f"{name}: an array (N, D) can be drawn; got one of shape {x.shape}")
    features = max(x.shape[1] for x in stages.values())
    fig = style.figure(max(5.2, 3.6 * len(stages)), 1.5 + 0.45 * features)
    panels = fig.subplots(1, len(stages), squeeze=False, sharex=True).flatten()
    for ax, (name, x) in zip(panels, stages.items(), strict=True):
        _draw_features(ax, x)
        ax.set_title(name, fontsize=10.5)
    sentence = "Every dot is one number of the batch, every line a feature; the bar is its mean."
    caption(fig, sentence)
    return fig, sentence


def _draw_features(ax: Axes, x: np.ndarray) -> None:
    colours = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.ORANGE)
    for feature, column in enumerate(x.T):
        colour = colours[feature % len(colours)]
        ax.plot(column, np.full(len(column), feature), "o", color=colour, alpha=0.35, markersize=4.5)
        ax.plot(column.mean(), feature, "|", color=style.INK, markersize=17, markeredgewidth=2)
    ax.set_yticks(range(x.shape[1]), [f"feature {number}" for number in range(x.shape[1])], fontsize=9)
    ax.set_ylim(x.shape[1] - 0.4, -0.6)
    ax.axvline(0, color=style.GREY, linewidth=0.8, zorder=0)
    ax.spines[["top", "right"]].set_visible(False)


def show_running(running: Mapping[float, Sequence[float]], batches: Sequence[float], truth: float) -> None:
    """A running mean over the training steps, for several momenta.

    running: momentum -> the running mean after each step. batches: the mean of each step's batch.
    truth: the mean of all the data.
    """
    fig, sentence = running_figure(running, batches, truth)
    style.show(fig, sentence)


def running_figure(
    running: Mapping[float, Sequence[float]], batches: Sequence[float], truth: float
) -> tuple[Figure, str]:
    """The figure of `show_running` and the sentence under it."""
    fig = style.figure(7.4, 3.7)
    ax = fig.subplots()
    steps = range(1, len(batches) + 1)
    ax.plot(steps, batches, "o", color=style.GREY, markersize=4, label="mean of the batch")
    looks = ((style.BLUE, "-"), (style.RED, "--"), (style.GREEN, ":"), (style.PURPLE, "-."))
    for (momentum, values), (colour, line) in zip(running.items(), looks, strict=False):
        label = f"running mean, momentum {momentum:g}"
        ax.plot(steps, values, line, color=colour, linewidth=2, label=label)
    ax.axhline(truth, color=style.INK, linewidth=0.9, label="mean of all data")
    ax.set_xlabel("training step")
    ax.legend(fontsize=8.5, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    sentence = "Each step moves the running mean by momentum times the way towards the mean of its batch."
    caption(fig, sentence)
    return fig, sentence


def show_company(training: Sequence[float], evaluation: Sequence[float]) -> None:
    """One picture's output, seen in the company of other pictures each time: in training, in evaluation."""
    fig, sentence = company_figure(training, evaluation)
    style.show(fig, sentence)


def company_figure(training: Sequence[float], evaluation: Sequence[float]) -> tuple[Figure, str]:
    """The figure of `show_company` and the sentence under it."""
    fig = style.figure(7.4, 3.1)
    ax = fig.subplots()
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    batches = range(1, len(training) + 1)
    ax.plot(batches, training, "o", color=style.RED, label="training mode", markersize=5)
    ax.plot(
        batches, evaluation, "s", color=style.BLUE, label="evaluation mode", markersize=4, fillstyle="none"
    )
    ax.set_xlabel("number of the batch")
    ax.set_ylabel("output")
    ax.margins(y=0.25)
    ax.legend(fontsize=8.5, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    sentence = "The output for one and the same picture, each time in a batch with other pictures."
    caption(fig, sentence)
    return fig, sentence
