"""Figures of notebook 07: scores and their gradient, signals through depth, dropout, clouds, loss curves.

Nothing here computes an answer of an exercise: scores, activations, masked numbers and losses are handed in,
and drawn and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator

from cs_utils.plots.shapes import caption
from cs_utils.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    INPUT_FILL,
    ORANGE,
    OUTPUT_FILL,
    PURPLE,
    RED,
    blank,
    boxes,
    figure,
    show,
)

UNIT = 0.5  # inches: side of a box
LINES = (
    (BLUE, "-"),
    (ORANGE, "--"),
    (GREEN, "-."),
    (RED, ":"),
    (PURPLE, (0, (5, 1, 1, 1, 1, 1))),
    (INK, "-"),
)
MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)


def _plain(ax: Axes) -> None:
    """Without the frame's upper and right side."""
    ax.spines[["top", "right"]].set_visible(False)


# --- scores -----------------------------------------------------------------------------------------------


def show_scores(scores: Any, probabilities: Any, gradient: Any, *, label: int) -> None:
    """Three bar charts of one example: its scores, its probabilities, and the gradient for the scores.

    scores, probabilities, gradient: (C,), one number for each class. label: the right class.
    """
    fig = figure(8.4, 2.8)
    panels = {"scores": scores, "probabilities": probabilities, "gradient for the scores": gradient}
    for ax, (title, values) in zip(fig.subplots(1, 3), panels.items(), strict=True):
        _bars(ax, _numbers(values), label)
        ax.set_title(title, fontsize=11)
    total = round(float(_numbers(gradient).sum()), 4) + 0.0  # no -0
    caption(
        fig,
        f"One example with label {label}, hatched. The gradient is negative there and positive elsewhere; "
        f"its numbers add up to {total:g}.",
    )
    show(fig, _scores_sentence(_numbers(scores), _numbers(probabilities), _numbers(gradient), label))


def _bars(ax: Axes, values: np.ndarray, label: int) -> None:
    bars = ax.bar(range(len(values)), values, color=BLUE, edgecolor=INK, linewidth=0.8)
    bars[label].set(facecolor=ORANGE, hatch="//")
    ax.bar_label(bars, [f"{value:.2f}" for value in values], fontsize=8.5, padding=2)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set_xticks(range(len(values)))
    ax.set_xlabel("class", fontsize=9)
    ax.margins(y=0.18)
    _plain(ax)


def _scores_sentence(scores: np.ndarray, probabilities: np.ndarray, gradient: np.ndarray, label: int) -> str:
    said = (
        f"{name} {', '.join(f'{value:.2f}' for value in values)}"
        for name, values in (("scores", scores), ("probabilities", probabilities), ("gradient", gradient))
    )
    return f"Bars for {len(scores)} classes, label {label}: {'; '.join(said)}."


# --- signals through depth --------------------------------------------------------------------------------


def show_activations(runs: Mapping[str, Sequence[Any]], layers: Sequence[int] = (1, 4, 8, 16)) -> None:
    """Histograms of what comes out of some layers, one row for each way to draw the weights.

    runs: what it is called -> the activations behind layer 1, 2, ... layers: which ones to draw, from 1.
    All panels have the same horizontal axis; what lies beyond it is counted in its last bar.
    """
    fig = figure(9.0, 1.75 * len(runs) + 0.5)
    panels = fig.subplots(len(runs), len(layers), sharex=True, sharey=True, squeeze=False)
    for row, (name, activations) in zip(panels, runs.items(), strict=True):
        for ax, layer in zip(row, layers, strict=True):
            _histogram(ax, _numbers(activations[layer - 1]).ravel())
            ax.set_title(f"{name}, layer {layer}", fontsize=9.5)
    for ax in panels[-1]:
        ax.set_xlabel("activation", fontsize=9)
    for row in panels:
        row[0].set_ylabel("share", fontsize=9)
    caption(
        fig,
        f"Share of the activations in each interval of {WIDTH:g}; the last bar has all that are larger than "
        f"{LARGEST:g}. Size: the root of the mean square.",
    )
    show(fig, _activations_sentence(runs, layers))


WIDTH, LARGEST = 0.25, 4.0


def _histogram(ax: Axes, values: np.ndarray) -> None:
    edges = np.arange(0, LARGEST + WIDTH + 1e-9, WIDTH)
    with np.errstate(invalid="ignore"):
        inside = np.nan_to_num(np.clip(values, 0, LARGEST + WIDTH / 2), nan=LARGEST + WIDTH / 2)
    shares = np.histogram(inside, edges)[0] / max(1, values.size)
    bars = ax.bar(edges[:-1], shares, WIDTH, align="edge", color=BLUE, edgecolor="white", linewidth=0.5)
    bars[-1].set(facecolor=RED, hatch="//")
    ax.set_ylim(0, 1)
    ax.text(0.97, 0.93, f"size {_size(values)}", transform=ax.transAxes, ha="right", va="top", fontsize=9)
    _plain(ax)


def _size(values: np.ndarray) -> str:
    """The root of the mean square, in few digits."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.sqrt(np.mean(np.square(values))))
    return f"{size:.2f}" if 0.005 <= size < 1000 else f"{size:.0e}"


def _activations_sentence(runs: Mapping[str, Sequence[Any]], layers: Sequence[int]) -> str:
    rows = (
        f"{name}: " + ", ".join(_size(_numbers(activations[layer - 1])) for layer in layers)
        for name, activations in runs.items()
    )
    where = ", ".join(map(str, layers))
    return (
        f"Histograms of the activations behind layers {where}. Size of the signal there, {'; '.join(rows)}."
    )


# --- dropout ----------------------------------------------------------------------------------------------


def show_thinned(sizes: Sequence[int], masks: Sequence[Sequence[Any]]) -> None:
    """Networks side by side: the whole one, then one for each entry of `masks`.

    sizes: units of each layer, from the input to the output. masks: for each network one boolean array for
    each hidden layer, True for a unit that is kept.
    """
    whole = [np.ones(size, dtype=bool) for size in sizes]
    networks = [whole, *([whole[0], *map(np.asarray, hidden), whole[-1]] for hidden in masks)]
    fig = figure(2.35 * len(networks), 2.9)
    for number, (ax, kept) in enumerate(zip(fig.subplots(1, len(networks)), networks, strict=True)):
        _network(ax, kept)
        ax.set_title("all units" if number == 0 else f"mask {number}", fontsize=11)
    caption(
        fig, "Inputs below, output on top. Crossed out: dropped in this step, with all of its connections."
    )
    dropped = [sum(int((~mask).sum()) for mask in network) for network in networks[1:]]
    show(
        fig,
        f"A network with layers of {', '.join(map(str, sizes))} units, and the same with "
        f"{', '.join(map(str, dropped))} of its hidden units dropped.",
    )


def _network(ax: Axes, kept: Sequence[np.ndarray]) -> None:
    widest = max(map(len, kept))
    places = [np.arange(len(layer)) + (widest - len(layer)) / 2 for layer in kept]
    for level in range(len(kept) - 1):
        for left in np.flatnonzero(kept[level]):
            for right in np.flatnonzero(kept[level + 1]):
                ends = [places[level][left], places[level + 1][right]]
                ax.plot(ends, [level, level + 1], color=GREY, linewidth=0.6, zorder=1)
    for level, (layer, across) in enumerate(zip(kept, places, strict=True)):
        fill = INPUT_FILL if level == 0 else OUTPUT_FILL
        height = np.full(len(layer), level)
        ax.scatter(across[layer], height[layer], 190, fill, edgecolors=INK, linewidths=0.9, zorder=2)
        ax.scatter(across[~layer], height[~layer], 190, "white", edgecolors=GREY, linewidths=0.9, zorder=2)
        ax.scatter(across[~layer], height[~layer], 90, RED, marker="x", linewidths=1.8, zorder=3)
    ax.set_xlim(-0.6, widest - 0.4)
    ax.set_ylim(-0.4, len(kept) - 0.6)
    ax.axis("off")


def show_masks(x: Any, outs: Sequence[Any], *, average_of: int = 4) -> None:
    """A row of numbers, what dropout made of it in some calls, and the average of all of these calls.

    x: (n,). outs: arrays of the same shape. average_of: how many calls are drawn in full.
    """
    x, outs = _numbers(x), [_numbers(out) for out in outs]
    drawn, mean = outs[:average_of], np.mean(outs, axis=0)
    rows = [("x", x, INPUT_FILL), *((f"call {n}", out, OUTPUT_FILL) for n, out in enumerate(drawn, 1))]
    rows.append((f"average of {len(outs):,}", mean, OUTPUT_FILL))
    fig = figure(max(6.2, UNIT * 1.35 * (len(x) + 4)), 4.0)
    ax = fig.subplots()
    for row, (name, values, fill) in enumerate(rows):
        top = 1.25 * row
        boxes(ax, np.where(values == 0, np.nan, values), row=top, column=0, fill=fill, size=9.5)
        for column in np.flatnonzero(values == 0):
            boxes(ax, [[np.nan]], row=top, column=float(column), padding=(1, 1))
        ax.text(-0.25, top + 0.5, name, ha="right", va="center", fontsize=10)
    blank(ax, 1.25 * len(rows) - 0.25, len(x), left=-3.6)
    caption(
        fig,
        "Hatched: dropped, so 0. What is kept is larger than in x, by so much that the average is x again.",
        drawn=UNIT * 1.25 * len(rows),
    )
    fell = ", ".join(str(int((out == 0).sum())) for out in drawn)
    off = float(np.abs(mean - x).max())
    show(
        fig,
        f"{len(drawn)} calls dropped {fell} of {len(x)} numbers; the average of {len(outs):,} differs from "
        f"x by at most {off:.2g}.",
    )


def show_average(opinions: Sequence[float], at_test: float) -> None:
    """What thinned networks answer to one input: a histogram, and their average as more of them are asked.

    opinions: one number for each mask. at_test: the answer with all units on.
    """
    values = _numbers(opinions)
    running = np.cumsum(values) / np.arange(1, len(values) + 1)
    fig = figure(8.4, 3.0)
    left, right = fig.subplots(1, 2)
    left.hist(values, bins=40, color=BLUE, edgecolor="white", linewidth=0.4)
    left.axvline(at_test, color=ORANGE, linewidth=2.2)
    left.set(xlabel="answer of a thinned network", ylabel="networks")
    right.plot(np.arange(1, len(values) + 1), running, color=BLUE, linewidth=1.4)
    right.axhline(at_test, color=ORANGE, linewidth=2.2, linestyle="--")
    right.set(xlabel="networks asked", ylabel="average of their answers", xscale="log")
    for ax in (left, right):
        ax.xaxis.label.set_size(9)
        ax.yaxis.label.set_size(9)
        _plain(ax)
    caption(
        fig, "Orange: the answer with all units on. Right: the average of the first 1, 2, 3, ... answers."
    )
    show(
        fig,
        f"{len(values):,} thinned networks answer between {values.min():.2f} and {values.max():.2f}, on "
        f"average {values.mean():.3f}; with all units on the answer is {at_test:.3f}.",
    )


# --- data and training ------------------------------------------------------------------------------------


def show_clouds(clouds: Mapping[str, Any], labels: Any, *, axes: tuple[str, str]) -> None:
    """Points of two features, one panel for each set; colour and shape of a point say its class.

    clouds: title -> (N, 2). labels: (N,), or a list with one such array for each set. axes: the features.
    """
    several = isinstance(labels, list | tuple)
    fig = figure(4.3 * len(clouds), 3.6)
    panels = np.atleast_1d(fig.subplots(1, len(clouds)))
    for number, (ax, (title, points)) in enumerate(zip(panels, clouds.items(), strict=True)):
        points, classes = _numbers(points), np.asarray(labels[number] if several else labels)
        for label in np.unique(classes):
            colour, mark = MARKS[int(label) % len(MARKS)]
            ax.scatter(*points[classes == label].T, s=15, c=colour, marker=mark, linewidths=0, alpha=0.75)
        ax.set_title(title, fontsize=11)
        ax.set_xlabel(axes[0], fontsize=9)
        ax.set_ylabel(axes[1], fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        _plain(ax)
    sentence = "; ".join(_cloud_sentence(title, _numbers(points), axes) for title, points in clouds.items())
    caption(fig, "Each point is an example; colour and shape say its class.")
    show(fig, f"Clouds of points. {sentence}.")


def _cloud_sentence(title: str, points: np.ndarray, axes: tuple[str, str]) -> str:
    ranges = (
        f"{name} from {low:.3g} to {high:.3g}"
        for name, low, high in zip(axes, points.min(axis=0), points.max(axis=0), strict=True)
    )
    return f"{title}: {len(points)} points, {', '.join(ranges)}"


def show_losses(curves: Mapping[str, Sequence[float]], *, level: tuple[str, float] | None = None) -> None:
    """Loss curves on a logarithmic axis, which ends at four times the largest first loss.

    level: name and height of a thin line to compare with.
    """
    drawn = {name: _numbers(losses) for name, losses in curves.items()}
    top = 4 * max((losses[0] for losses in drawn.values() if np.isfinite(losses[0])), default=1.0)
    fig = figure(8.8, 3.6)
    ax = fig.subplots()
    for (name, losses), (colour, dashes) in zip(drawn.items(), LINES, strict=False):
        ax.plot(losses, color=colour, linestyle=dashes, linewidth=1.7, label=name)
    if level is not None:
        ax.axhline(level[1], color=GREY, linewidth=1)
        ax.text(1.0, level[1], level[0], transform=ax.get_yaxis_transform(), va="bottom", ha="right", size=9)
    ax.set_yscale("log")
    if any((losses > top).any() for losses in drawn.values()):
        ax.set_ylim(top=top)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.set_xlabel("step", fontsize=9)
    ax.set_ylabel("loss (logarithmic)", fontsize=9)
    ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _plain(ax)
    caption(fig, f"The loss before each step of gradient descent. No more than {top:.2g} is shown.")
    ends = (f"{name}: {losses[0]:.2g} to {losses[-1]:.2g}" for name, losses in drawn.items())
    show(fig, f"Loss curves over {max(map(len, drawn.values()))} steps, first to last. {'; '.join(ends)}.")
