"""Figures of notebook 04: how good a measured slope is, which outputs an input pixel reaches, stamps.

Products and sums in these figures come from PyTorch or from the student.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cs_utils.plots import style
from cs_utils.plots.kernels import Sliding
from cs_utils.plots.shapes import caption

UNIT = 0.34  # inches: side of a box
Place = tuple[int, int]


# --- measured slopes --------------------------------------------------------------------------------------


def show_step_errors(steps: Sequence[float], errors: Mapping[str, Sequence[float]]) -> None:
    """The error of measured slopes against the step h, on logarithmic axes. Keys of `errors`: the methods."""
    fig, sentence = step_errors_figure(steps, errors)
    style.show(fig, sentence)


def step_errors_figure(steps: Sequence[float], errors: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """The figure of `show_step_errors` and the sentence under it."""
    fig = style.figure(6.8, 3.9)
    ax = fig.subplots()
    looks = zip(errors.items(), (style.RED, style.BLUE, style.GREEN), "sov", strict=False)
    best = []
    for (method, values), colour, marker in looks:
        ax.loglog(steps, np.maximum(values, 1e-17), color=colour, marker=marker, markersize=4, label=method)
        lowest = int(np.argmin(values))
        best.append(f"{method}: smallest at h = {_power(steps[lowest])}")
    ax.set_xlabel("step h")
    ax.set_ylabel("error of the slope")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    sentence = "; ".join(best) + ". To the left rounding spoils the slope, to the right the curve does."
    caption(fig, sentence)
    return fig, sentence


def _power(step: float) -> str:
    exponent = round(math.log10(step))
    return f"1e{exponent}" if math.isclose(step, 10.0**exponent) else f"{step:g}"


# --- what one input pixel reaches -------------------------------------------------------------------------

KERNEL = ((1, 2, 3), (4, 5, 6), (7, 8, 9))


class Pixel:
    """One input pixel, and for every number of the kernel the output in which the two met.

    size: (rows, columns) of the input. w: 2-D kernel. place: (row, column) of the pixel.
    """

    def __init__(self, size: Place, w: Any, place: Place) -> None:
        self.size, self.place, self.w = size, place, np.asarray(w, dtype=float)
        self.outputs = tuple(n - k + 1 for n, k in zip(size, self.w.shape, strict=True))
        self.taps = [tuple(tap) for tap in np.ndindex(*self.w.shape)]

    def output(self, tap: Place) -> Place:
        """Row and column of the output for which the tap lies on the pixel; it may not exist."""
        return self.place[0] - tap[0], self.place[1] - tap[1]

    def exists(self, tap: Place) -> bool:
        """Is there such an output?"""
        return all(0 <= at < count for at, count in zip(self.output(tap), self.outputs, strict=True))

    def so_far(self, steps: int) -> np.ndarray:
        """The weight that each output has for the pixel, after so many taps; NaN where there is none yet."""
        weights = np.full(self.outputs, np.nan)
        for tap in self.taps[:steps]:
            if self.exists(tap):
                weights[self.output(tap)] = self.w[tap]
        return weights

    def step_text(self, step: int) -> str:
        """What happens at a step, counted from 1."""
        tap = self.taps[step - 1]
        met = f"k{_at(tap)} = {style.number(self.w[tap])} lies on x{_at(self.place)}"
        if self.exists(tap):
            return f"{met} in output y{_at(self.output(tap))}"
        return f"{met}: y{_at(self.output(tap))} does not exist"

    def terms(self, steps: int) -> str:
        """The sum that is the pixel's gradient, as far as it goes: a line for every row of the kernel."""
        lines = []
        for row in range(self.w.shape[0]):
            taps = [tap for tap in self.taps[:steps] if tap[0] == row and self.exists(tap)]
            if taps:
                lines.append(
                    " + ".join(f"{style.number(self.w[tap])}·dy{_at(self.output(tap))}" for tap in taps)
                )
        unfinished = " + …" if steps < len(self.taps) else ""
        return f"dx{_at(self.place)} = " + "\n        + ".join(lines or ["0"]) + unfinished


def _at(place: Place) -> str:
    return f"({style.number(place[0])},{style.number(place[1])})"


def explore_input_pixel(size: Place = (5, 5), w: Any = KERNEL) -> None:
    """Sliders: walk through the kernel and see which outputs an input pixel reaches, and by which weight.

    size: of the input. w: 2-D kernel. Where sliders do not run: a pixel in the middle and one at the edge.
    """
    rows, columns = size
    middle = (rows // 2, columns // 2)
    style.explore(
        lambda step, row, column: pixel_figure(Pixel(size, w, (row, column)), step),
        {
            "step": (1, np.asarray(w).size, 1),
            "row": (0, rows - 1, middle[0]),
            "column": (0, columns - 1, middle[1]),
        },
        fallback=lambda: pixels_figure([Pixel(size, w, middle), Pixel(size, w, (0, columns - 2))]),
        alt="Which outputs saw an input pixel, and through which weight. The weights, written where the"
        " outputs are, are the kernel turned by 180 degrees; at the edge some outputs are missing.",
    )


def pixel_figure(pixel: Pixel, step: int) -> Figure:
    """One step, large."""
    rows, columns = _extent(pixel)
    unit = 1.3 * UNIT
    fig = style.figure(columns * unit, rows * unit)
    _draw_step(fig.subplots(), pixel, step, unit)
    return fig


def pixels_figure(pixels: Sequence[Pixel]) -> Figure:
    """Three steps of each pixel, a column for every pixel."""
    rows, columns = _extent(pixels[0])
    fig = style.figure(len(pixels) * columns * UNIT, 3 * rows * UNIT)
    axes = fig.subplots(3, len(pixels), squeeze=False)
    for pixel, beneath in zip(pixels, axes.T, strict=True):
        last = len(pixel.taps)
        for ax, step in zip(beneath, (1, last // 2, last), strict=True):
            _draw_step(ax, pixel, step, UNIT)
    return fig


def _extent(pixel: Pixel) -> tuple[float, float]:
    """Rows and columns, in boxes, of one step."""
    _, width = pixel.size
    return max(pixel.size[0], pixel.w.shape[0]) + 2.8 + 0.6 * pixel.w.shape[0], width + pixel.w.shape[
        1
    ] + pixel.outputs[1] + 3.6


def _draw_step(ax: Axes, pixel: Pixel, step: int, unit: float) -> None:
    """The input with the window, the kernel with the tap, the outputs with the weights so far."""
    tap, size = pixel.taps[step - 1], 27 * unit
    there = pixel.exists(tap)
    height, width = pixel.size
    kernel_at, output_at = width + 1.5, width + pixel.w.shape[1] + 3.0
    style.boxes(ax, np.full(pixel.size, np.nan))
    style.boxes(ax, [np.nan], row=pixel.place[0], column=pixel.place[1], fill=style.ORANGE)
    _draw_window(ax, pixel, tap)
    style.boxes(ax, pixel.w, column=kernel_at, fill=style.KERNEL_FILL, size=size)
    style.outline(ax, tap[0], kernel_at + tap[1], 1, 1)
    style.boxes(ax, np.full(pixel.outputs, np.nan), column=output_at, fill="white")
    for place, weight in np.ndenumerate(pixel.so_far(step)):
        if not np.isnan(weight):
            style.boxes(
                ax, [weight], row=place[0], column=output_at + place[1], fill=style.OUTPUT_FILL, size=size
            )
    if there:
        row, column = pixel.output(tap)
        style.outline(ax, row, output_at + column, 1, 1)
    for text, left in (("x", 0), ("k", kernel_at), ("weights in y", output_at)):
        ax.text(left, -0.15, text, fontsize=0.9 * size, va="bottom")
    ax.text(0, -1.2, f"step {step}: {pixel.step_text(step)}", fontsize=0.9 * size, va="bottom")
    ax.text(0, height + 0.4, pixel.terms(step), fontsize=0.9 * size, va="top", linespacing=1.35)
    rows, columns = _extent(pixel)
    style.blank(ax, rows - 2.2, columns - 0.4, top=-2.0)


def _draw_window(ax: Axes, pixel: Pixel, tap: Place) -> None:
    """The window whose tap lies on the pixel; dashed, and cut off at the edge, where it does not fit."""
    top, left = pixel.output(tap)
    if pixel.exists(tap):
        style.outline(ax, top, left, *pixel.w.shape)
        return
    bottom = min(top + pixel.w.shape[0], pixel.size[0])
    right = min(left + pixel.w.shape[1], pixel.size[1])
    top, left = max(top, 0), max(left, 0)
    style.outline(ax, top, left, bottom - top, right - left, colour=style.INK)
    ax.patches[-1].set_linestyle("--")
    ax.patches[-1].set_linewidth(1.6)


# --- one kernel that slides three times -------------------------------------------------------------------


def show_duality(x: Any, w: Any, dout: Any) -> None:
    """Forward and backward as three correlations of the same kind, each with its window at one place.

    x, w, dout: 2-D input, kernel and upstream gradient, of sizes that fit each other.
    """
    fig, sentence = duality_figure(np.asarray(x), np.asarray(w), np.asarray(dout))
    style.show(fig, sentence)


def duality_figure(x: np.ndarray, w: np.ndarray, dout: np.ndarray) -> tuple[Figure, str]:
    """The figure of `show_duality` and the sentence under it."""
    kh, kw = w.shape
    slides = {
        "forward: x under k gives y": Sliding(x, w, 1, 0),
        "backward to k: x under dy gives dk": Sliding(x, dout, 1, 0),
        "backward to x: padded dy under flipped k gives dx": Sliding(
            dout, w[::-1, ::-1].copy(), 1, (kh - 1, kw - 1)
        ),
    }
    columns = [sliding.x.shape[1] + sliding.out.shape[1] + 2.6 for sliding in slides.values()]
    rows = max(max(sliding.x.shape[0], sliding.out.shape[0]) for sliding in slides.values()) + 1.4
    unit = min(UNIT, 10.4 / sum(columns))
    fig = style.figure(sum(columns) * unit, rows * unit)
    axes = fig.subplots(1, 3, width_ratios=columns)
    for ax, (title, sliding), wide in zip(axes, slides.items(), columns, strict=True):
        _draw_slide(ax, sliding, 27 * unit)
        style.blank(ax, rows - 1.4, wide - 0.6, top=-1.2)
        ax.text(0, -0.2, title, fontsize=29 * unit, va="bottom")
    sentence = (
        "Three times a window slides over an array; only the way to x flips the kernel and pads with zeros."
    )
    caption(fig, sentence, drawn=rows * unit)
    return fig, sentence


def _draw_slide(ax: Axes, sliding: Sliding, size: float) -> None:
    """The array with the last window that is filled to the brim, the result with that place marked."""
    place = len(sliding.places) // 2
    row, column = sliding.start(place)
    style.boxes(ax, sliding.x, padding=sliding.padding, size=size)
    for (a, b), weight in np.ndenumerate(sliding.w):
        text = f"×{style.number(weight)}"
        ax.text(column + b + 0.95, row + a + 0.95, text, ha="right", va="bottom", fontsize=0.55 * size)
    style.outline(ax, row, column, *sliding.w.shape)
    left = sliding.x.shape[1] + 1.5
    ax.annotate(
        "",
        xy=(left - 0.15, sliding.x.shape[0] / 2),
        xytext=(sliding.x.shape[1] + 0.15, sliding.x.shape[0] / 2),
        arrowprops={"arrowstyle": "->", "color": style.INK},
    )
    top = (sliding.x.shape[0] - sliding.out.shape[0]) / 2
    style.boxes(ax, sliding.out, row=top, column=left, fill=style.OUTPUT_FILL, size=size)
    r, c = sliding.places[place]
    style.outline(ax, top + r, left + c, 1, 1)


# --- stamps -----------------------------------------------------------------------------------------------


def show_stamps(x: Any, w: Any, *, stride: int = 1) -> None:
    """Transposed convolution: every number of x stamps the kernel, times itself; at the end all are summed.

    x, w: 2-D.
    """
    import torch

    x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
    cols = torch.outer(torch.from_numpy(w).flatten(), torch.from_numpy(x).flatten())
    size = tuple((n - 1) * stride + k for n, k in zip(x.shape, w.shape, strict=True))
    titles = [f"{style.number(value)} × kernel" for value in x.flat]
    fig, sentence = stamps_figure(cols.numpy(), size, w.shape, stride, titles)
    style.show(fig, sentence)


def show_columns_home(cols: Any, size: Place, kernel_size: Place, *, stride: int = 1) -> None:
    """col2im: every column is laid down where its patch came from; at the end all are summed.

    cols: (taps, windows), of one picture with one channel and without padding. size: (rows, columns) of it.
    """
    cols = np.asarray(cols, dtype=float)
    titles = [f"column {number}" for number in range(cols.shape[1])]
    fig, sentence = stamps_figure(cols, size, kernel_size, stride, titles)
    style.show(fig, sentence)


def stamps_figure(
    cols: np.ndarray, size: Place, kernel_size: Place, stride: int, titles: Sequence[str]
) -> tuple[Figure, str]:
    """A panel for every column, with its patch on an empty picture, and one with the sum."""
    total, count = (_fold(values, size, kernel_size, stride) for values in (cols, np.ones_like(cols)))
    height, width = size
    across = min(len(titles) + 1, max(1, int(10.6 / (UNIT * (width + 0.8)))))
    down = math.ceil((len(titles) + 1) / across)
    fig = style.figure(across * (width + 0.8) * UNIT, down * (height + 1.3) * UNIT)
    axes = fig.subplots(down, across, squeeze=False).flatten()
    for ax in axes:
        style.blank(ax, height, width, top=-1.0)
    widest = max(len(_short(value)) for value in total.flat)
    letters = 27 * UNIT * min(1.0, 3.0 / widest)
    for number, (ax, title) in enumerate(zip(axes, titles, strict=False)):
        one = np.zeros_like(cols)
        one[:, number] = 1
        here = _fold(one, size, kernel_size, stride) > 0
        laid = _fold(one * cols, size, kernel_size, stride)
        _draw_stamp(ax, np.where(here, laid, np.nan), here, title, letters, style.KERNEL_FILL)
    _draw_stamp(axes[len(titles)], total, count > 1, "sum", letters, style.OUTPUT_FILL)
    most = int(count.max())
    sentence = f"{len(titles)} patches and their sum. Dotted in the sum: places where two or more patches"
    sentence += f" overlap, at most {most}; there their numbers are added up."
    if most == 1:
        sentence = f"{len(titles)} patches and their sum; no two of them overlap."
    caption(fig, sentence, drawn=down * (height + 1.3) * UNIT)
    return fig, sentence


def _fold(cols: np.ndarray, size: Place, kernel_size: Place, stride: int) -> np.ndarray:
    import torch
    import torch.nn.functional as F

    folded: np.ndarray = F.fold(torch.from_numpy(cols)[None], size, kernel_size, stride=stride)[0, 0].numpy()
    return folded


def _draw_stamp(ax: Axes, values: np.ndarray, marked: np.ndarray, title: str, size: float, fill: str) -> None:
    """A picture of boxes: filled where there is a number, dotted where marked in the sum."""
    for (row, column), value in np.ndenumerate(values):
        empty = np.isnan(value)
        style.boxes(ax, [np.nan], row=row, column=column, fill="white" if empty else fill)
        if fill == style.OUTPUT_FILL and marked[row, column]:
            ax.patches[-1].set_hatch("....")
            ax.patches[-1].set_edgecolor(style.GREY)
        if not empty:
            written = ax.text(column + 0.5, row + 0.5, _short(value), fontsize=size, ha="center", va="center")
            written.set_bbox({"facecolor": fill, "edgecolor": "none", "pad": 0.4})
    ax.text(0, -0.15, title, fontsize=27 * UNIT, va="bottom")


def _short(value: float) -> str:
    """Three digits at most behind which a box is still wide enough."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("-", "−")
