"""Figures of notebook 05: who wins a window, where the gradient goes, and what a shift does to a response.

Maxima, winners and gradients in these figures come from PyTorch; nothing here pools by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from cs_utils.plots import style
from cs_utils.plots.shapes import caption

Pair = int | tuple[int, int]
Place = tuple[int, int]
UNIT = 0.44  # inches: side of a box
# One for each window, in turn; their lightness differs too.
SEVERAL = "#BFBFBF"  # for the winner of several windows
TINTS = ("#FBE3B0", "#9CCDEB", "#E9C3DA", "#B9E3CF", "#F6C7A0", "#DDDDDD")


class Pooled:
    """Max pooling of one picture (H, W): its windows, the winner of each, and where a gradient goes.

    winners: the place in the picture that won each window, in the order of the windows. Among equal numbers
    it is the first one, as in PyTorch.
    """

    def __init__(self, x: Any, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        import torch
        import torch.nn.functional as F

        self.x = np.asarray(x, dtype=float)
        if self.x.ndim != 2:
            raise ValueError(f"one picture (H, W) can be drawn; got an array of shape {self.x.shape}")
        self.kernel = _pair(kernel_size)
        self.stride = self.kernel if stride is None else _pair(stride)
        self.padding = _pair(padding)
        picture = torch.from_numpy(self.x)[None, None]
        out, winners = F.max_pool2d(
            picture, self.kernel, self.stride, padding=self.padding, return_indices=True
        )
        self.out: np.ndarray = out[0, 0].numpy()
        flat = winners.flatten().tolist()
        self.winners: list[Place] = [divmod(number, self.x.shape[1]) for number in flat]

    def window(self, number: int) -> tuple[int, int]:
        """Row and column of a window's upper left corner; negative where it stands in the border."""
        row, column = divmod(number, self.out.shape[1])
        return row * self.stride[0] - self.padding[0], column * self.stride[1] - self.padding[1]

    def shares(self, dout: Any) -> dict[Place, list[tuple[int, float]]]:
        """Place -> the windows that it won, each with its number of the upstream gradient."""
        upstream = np.asarray(dout, dtype=float)
        if upstream.shape != self.out.shape:
            raise ValueError(f"dout has shape {upstream.shape}, but there are {self.out.shape} windows")
        found = defaultdict(list)
        for number, (place, share) in enumerate(zip(self.winners, upstream.flat, strict=True)):
            found[place].append((number, float(share)))
        return dict(found)

    @property
    def overlapping(self) -> bool:
        return any(step < size for step, size in zip(self.stride, self.kernel, strict=True))


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _tint(number: int) -> str:
    return TINTS[number % len(TINTS)]


def _box(
    ax: Axes, row: float, column: float, text: str, fill: str, *, bold: bool = False, size: float = 11
) -> None:
    edge, width = (style.INK, 2.2) if bold else (style.GREY, 0.8)
    box = Rectangle(
        (column, row), 1, 1, facecolor=fill, edgecolor=edge, linewidth=width, zorder=3 if bold else 2
    )
    ax.add_patch(box)
    number = ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, zorder=4)
    number.set_fontweight("bold" if bold else "normal")
    number.set_path_effects([withStroke(linewidth=3, foreground=fill)])  # arrows do not cross it out


def _title(ax: Axes, text: str, column: float, width: float, row: float = 0) -> None:
    """A title above what is drawn from `row` down, `width` boxes wide."""
    ax.text(column + width / 2, row - 0.2, text, ha="center", va="bottom", fontsize=10.5)


# --- the forward ------------------------------------------------------------------------------------------


def show_max_pooling(x: Any, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> None:
    """A picture (H, W), its windows in different tints, the winner of each, and the pooled picture."""
    pooled = Pooled(x, kernel_size, stride, padding)
    fig, sentence = max_pooling_figure(pooled)
    style.show(fig, sentence)


def max_pooling_figure(pooled: Pooled) -> tuple[Figure, str]:
    """The figure of `show_max_pooling` and the sentence under it."""
    height, width = pooled.x.shape
    above, left = pooled.padding
    rows, columns = pooled.out.shape
    start = width + left + 1.6  # column of the output
    fig, ax = _sheet(max(height + 2 * above, rows) + 0.9, start + columns + left)
    _draw_border(ax, pooled)
    _draw_input(ax, pooled)
    top = (height - rows) / 2
    for number, value in enumerate(pooled.out.flat):
        row, column = divmod(number, columns)
        _box(ax, top + row, start + column, style.number(value), _tint(number))
    _arrow(ax, (height / 2, width + left + 0.2), (height / 2, start - 0.3))
    _title(ax, "x", 0, width, -above)
    _title(ax, "out", start, columns, top)
    style.blank(ax, max(height + above, top + rows), start + columns, top=min(-above, top) - 0.8, left=-left)
    sentence = _forward_sentence(pooled)
    caption(fig, sentence, drawn=UNIT * (max(height + 2 * above, rows) + 0.9))
    return fig, sentence


def _sheet(rows: float, columns: float) -> tuple[Figure, Axes]:
    width = min(10.0, max(5.0, UNIT * columns + 0.4))
    fig = style.figure(width, UNIT * rows + 0.8)
    return fig, fig.subplots()


def _draw_border(ax: Axes, pooled: Pooled) -> None:
    height, width = pooled.x.shape
    above, left = pooled.padding
    for row in range(-above, height + above):
        for column in range(-left, width + left):
            if not (0 <= row < height and 0 <= column < width):
                _box(ax, row, column, "−∞", style.PADDING_FILL, size=9)


def _draw_input(ax: Axes, pooled: Pooled) -> None:
    """The picture; a box has the tint of its window where it lies in one only. Winners have a thick frame."""
    of_box: dict[Place, list[int]] = defaultdict(list)
    for number in range(len(pooled.winners)):
        row, column = pooled.window(number)
        for a, b in np.ndindex(pooled.kernel):
            of_box[row + a, column + b].append(number)
    for (row, column), value in np.ndenumerate(pooled.x):
        inside = of_box[row, column]
        fill = _tint(inside[0]) if len(inside) == 1 else "white"
        bold = (row, column) in pooled.winners
        _box(ax, row, column, style.number(value), fill, bold=bold)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **options: Any) -> None:
    """An arrow between two (row, column) places."""
    look = {"arrowstyle": "-|>", "color": style.INK, "linewidth": 1.2} | options
    ax.annotate("", xy=end[::-1], xytext=start[::-1], arrowprops=look, zorder=3.5)  # under the numbers


def _forward_sentence(pooled: Pooled) -> str:
    rows, columns = pooled.out.shape
    sentence = (
        f"{rows} × {columns} windows of {pooled.kernel[0]} × {pooled.kernel[1]}; thick frames: the winners."
    )
    if pooled.overlapping:
        return sentence + " White: numbers that lie in several windows, or in none."
    return sentence + " Each window has its own tint."


# --- the backward -----------------------------------------------------------------------------------------


def show_routing(
    x: Any, dout: Any, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0
) -> None:
    """Where the upstream gradient of max pooling goes: each number of it to the winner of its window.

    x: picture (H, W). dout: one number for each window. Numbers that meet in one place are added.
    """
    fig, sentence = routing_figure(Pooled(x, kernel_size, stride, padding), dout)
    style.show(fig, sentence)


def routing_figure(pooled: Pooled, dout: Any) -> tuple[Figure, str]:
    """The figure of `show_routing` and the sentence under it."""
    shares = pooled.shares(dout)
    upstream = np.asarray(dout, dtype=float)
    height, width = pooled.x.shape
    rows, columns = upstream.shape
    middle, right = width + 1.3, width + columns + 3.2  # columns where dout and dx begin
    fig, ax = _sheet(max(height, rows) + 0.9, right + width)
    top = (height - rows) / 2
    for (row, column), value in np.ndenumerate(pooled.x):
        found = shares.get((row, column), [])
        text, fill, size = _sum(found)
        _box(ax, row, column, style.number(value), fill, bold=bool(found))
        _box(ax, row, right + column, text, fill, bold=bool(found), size=size)
    for number, value in enumerate(upstream.flat):
        row, column = divmod(number, columns)
        _box(ax, top + row, middle + column, style.number(value), _tint(number))
        to_row, to_column = pooled.winners[number]
        start = (top + row + 0.5, middle + column + 0.8)
        bend = f"arc3,rad={-0.18 if to_row < height / 2 else 0.18}"
        _arrow(ax, start, (to_row + 0.5, right + to_column + 0.02), connectionstyle=bend, color=style.BLUE)
    for title in (("x", 0, width), ("dout", middle, columns, top), ("dx", right, width)):
        _title(ax, *title)
    style.blank(ax, max(height, top + rows), right + width, top=min(0.0, top) - 0.8)
    sentence = _routing_sentence(shares, pooled.x.size)
    caption(fig, sentence, drawn=UNIT * (max(height, rows) + 0.9))
    return fig, sentence


def _sum(shares: Sequence[tuple[int, float]]) -> tuple[str, str, float]:
    """What stands in a box of dx, its fill, and the size of the type."""
    total = style.number(sum(share for _, share in shares))
    if len(shares) == 2:
        return "+".join(style.number(share) for _, share in shares) + f"\n={total}", SEVERAL, 8.5
    if len(shares) > 2:
        return f"Σ={total}", SEVERAL, 8.5
    return total, _tint(shares[0][0]) if shares else "white", 11


def _routing_sentence(shares: Mapping[Place, Sequence[tuple[int, float]]], size: int) -> str:
    sentence = (
        f"Each number of dout goes to the winner of its window; {size - len(shares)} of {size} inputs get 0."
    )
    for (row, column), found in shares.items():
        if len(found) > 1:
            terms = " + ".join(style.number(share) for _, share in found)
            total = style.number(sum(share for _, share in found))
            sentence += f" Row {row}, column {column} won {len(found)} windows: {terms} = {total}."
    return sentence


def show_tables(tables: Mapping[str, Any]) -> None:
    """Small pictures (H, W) as boxes with numbers, side by side; keys as titles. Zeros are grey."""
    arrays = [np.atleast_2d(np.asarray(table, dtype=float)) for table in tables.values()]
    widths = [array.shape[1] for array in arrays]
    high = max(array.shape[0] for array in arrays)
    fig = style.figure(min(10.0, max(5.0, UNIT * (sum(widths) + 1.2 * len(widths)) + 0.4)), UNIT * high + 1)
    axes = fig.subplots(1, len(arrays), squeeze=False, width_ratios=widths).flatten()
    for ax, title, array in zip(axes, tables, arrays, strict=True):
        for (row, column), value in np.ndenumerate(array):
            fill = style.PADDING_FILL if value == 0 else style.INPUT_FILL
            _box(ax, row, column, style.number(value), fill, size=10)
        ax.set_title(title, fontsize=10.5)
        style.blank(ax, high, array.shape[1])
    style.show(
        fig, "Tables side by side: " + "; ".join(_spoken(*item) for item in zip(tables, arrays, strict=True))
    )


def _spoken(title: str, array: np.ndarray) -> str:
    return f"{title}: " + " / ".join(" ".join(map(style.number, row)) for row in array)


# --- what a shift does ------------------------------------------------------------------------------------


def show_spots(pictures: Any, responses: Any, *, kernel_size: int) -> None:
    """One bright spot that wanders to the right, a row for each step, and the pooled row beside it.

    pictures: (steps, W). responses: (steps, windows). Steps after which the response is the same are marked.
    """
    pictures, responses = np.asarray(pictures, dtype=float), np.asarray(responses, dtype=float)
    steps, width = pictures.shape
    start = width + 1.5
    fig, ax = _sheet(1.25 * steps + 0.9, start + responses.shape[1] + 3.2)
    same = [bool(step and np.array_equal(responses[step], responses[step - 1])) for step in range(steps)]
    for step, (picture, response) in enumerate(zip(pictures, responses, strict=True)):
        row = 1.25 * step
        for column, value in enumerate(picture):
            fill = style.ORANGE if value else _tint(1 if column // kernel_size % 2 else 3)
            _box(ax, row, column, "", fill)
        for column, value in enumerate(response):
            _box(ax, row, start + column, "", style.ORANGE if value else "white")
        if step:
            text = "the same" if same[step] else "moved on"
            ax.text(start + responses.shape[1] + 0.3, row + 0.5, text, va="center", fontsize=10)
    _title(ax, "picture", 0, width)
    _title(ax, "pooled", start, responses.shape[1])
    style.blank(ax, 1.25 * steps, start + responses.shape[1] + 3.0, top=-0.8)
    sentence = (
        f"The spot moves one column to the right from row to row. {sum(same)} of {steps - 1} steps leave the "
        "pooled row as it was. Tints: the windows."
    )
    caption(fig, sentence, drawn=UNIT * (1.25 * steps + 0.8))
    style.show(fig, sentence)


def show_shift_errors(errors: Mapping[str, Sequence[float]], shifts: Sequence[int]) -> None:
    """Lines: how much each response changes when the picture moves by so many columns."""
    fig = style.figure(8, 4)
    ax = fig.subplots()
    colours = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.INK)
    for (name, values), colour, marker in zip(errors.items(), colours, "os^Dv", strict=False):
        ax.plot(shifts, values, marker=marker, color=colour, label=name)
    ax.set_xticks(list(shifts))
    ax.set_xlabel("the picture moves by ... columns")
    ax.set_ylabel("mean change of the answer,\nas a share of the answer")
    ax.set_ylim(bottom=-0.03)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=style.GREY, linewidth=0.4)
    ax.legend(frameon=False, fontsize=9.5)
    told = "; ".join(f"{name}: {', '.join(map(style.number, values))}" for name, values in errors.items())
    style.show(fig, f"Change of the answer for shifts of {', '.join(map(str, shifts))} columns. {told}.")


def show_kernels(w: Any) -> None:
    """The weight of a convolution (D, C, kh, kw) as a table of kernels; zeros are grey."""
    w = np.asarray(w, dtype=float)
    filters, channels, high, wide = w.shape
    down, across = high + 0.5, wide + 0.5
    fig, ax = _sheet(filters * down + 0.6, channels * across + 2.4)
    for d, c, a, b in np.ndindex(w.shape):
        value = w[d, c, a, b]
        fill = style.KERNEL_FILL if value else style.PADDING_FILL
        _box(ax, d * down + a, c * across + b, style.number(value), fill, size=8.5)
    for c in range(channels):
        _title(ax, f"input {c}", c * across, wide)
    for d in range(filters):
        ax.text(-0.3, d * down + high / 2, f"output {d}", ha="right", va="center", fontsize=10.5)
    style.blank(ax, filters * down, channels * across, top=-0.8, left=-2.6)
    filled = int((w != 0).sum())
    sentence = (
        f"{filters} filters, each with one kernel for each of {channels} input channels. "
        f"{filled} of {w.size} weights are not 0."
    )
    caption(fig, sentence, drawn=UNIT * (filters * down + 0.5))
    style.show(fig, sentence)
