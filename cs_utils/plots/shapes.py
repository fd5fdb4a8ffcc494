"""Figures of notebook 02: windows, dilation, borders, receptive fields, networks and what they cost.

Every figure has a sentence under it. Nothing here computes an answer of an exercise: windows are placed one
after the other until one would stick out, and shapes and counts are handed in.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from cs_utils.plots.style import (
    BLUE,
    GREY,
    INK,
    INPUT_FILL,
    KERNEL_FILL,
    ORANGE,
    OUTPUT_FILL,
    PADDING_FILL,
    SKY,
    blank,
    boxes,
    explore,
    figure,
    show,
)

Shape = tuple[int, ...]
Layer = tuple[str, Mapping[str, Any]]


UNIT = 0.42  # inches: side of a box


def caption(fig: Figure, sentence: str, *, drawn: float | None = None) -> None:
    """The sentence under a figure, broken into lines that fit.

    drawn: height in inches of what is drawn; the figure becomes just high enough for it and the sentence.
    """
    lines = textwrap.wrap(sentence, int(13.5 * fig.get_figwidth()))
    fig.supxlabel("\n".join(lines), fontsize=9.5, color=INK)
    if drawn is not None:
        fig.set_figheight(drawn + 0.3 + 0.17 * len(lines))


# --- windows over a row -----------------------------------------------------------------------------------


def show_windows(
    size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> None:
    """Every window of a kernel over a row of `size` columns; columns that none of them reads are hatched."""
    fig, sentence = windows_figure(size, kernel_size, stride, padding, dilation)
    show(fig, sentence)


def windows_figure(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Figure, str]:
    """The figure of `show_windows` and the sentence under it."""
    rows = len(list(_windows(range(-padding, size + padding), kernel_size, stride, dilation)))
    columns = size + 2 * padding
    width = min(9.0, max(5.6, 0.3 + UNIT * columns))
    fig = figure(width, width)
    sentence = _draw_windows(fig.subplots(), size, kernel_size, stride, padding, dilation)
    caption(fig, sentence, drawn=min(UNIT, 9.0 / columns) * (rows + 1.2))
    return fig, sentence


def _draw_windows(
    ax: Axes, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> str:
    """Draw the row and its windows; returns a sentence about them."""
    columns = range(-padding, size + padding)
    windows = list(_windows(columns, kernel_size, stride, dilation))
    unread = sorted(set(range(size)).difference(*windows))
    for column in columns:
        _column(ax, column, inside=0 <= column < size, unread=column in unread)
    for row, window in enumerate(windows):
        _window(ax, row + 1.4, window)
    blank(ax, len(windows) + 1.0, size + padding, left=-padding)
    grey = " Grey: padded zeros." if padding else ""
    return _windows_sentence(windows, unread) + grey


def _windows(columns: range, kernel_size: int, stride: int, dilation: int) -> Iterator[list[int]]:
    """The columns that each window reads, one window after the other until one would stick out."""
    window = [columns.start + tap * dilation for tap in range(kernel_size)]
    while window[-1] in columns:
        yield window
        window = [column + stride for column in window]


def _column(ax: Axes, column: int, *, inside: bool, unread: bool) -> None:
    fill, hatch = (INPUT_FILL if inside else PADDING_FILL), ("xxxx" if unread else None)
    ax.add_patch(Rectangle((column, 0), 1, 1, facecolor=fill, edgecolor=INK if inside else GREY, hatch=hatch))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if unread else None
    if inside:
        ax.text(column + 0.5, 0.5, str(column), ha="center", va="center", fontsize=9, color=INK, bbox=box)


def _window(ax: Axes, row: float, window: Sequence[int]) -> None:
    ax.plot([window[0] + 0.5, window[-1] + 0.5], [row, row], color=ORANGE, linewidth=1.5, zorder=1)
    for column in window:
        ax.add_patch(
            Rectangle((column + 0.1, row - 0.3), 0.8, 0.6, facecolor=KERNEL_FILL, edgecolor=INK, zorder=2)
        )


def _windows_sentence(windows: Sequence[Sequence[int]], unread: Sequence[int]) -> str:
    if not windows:
        return "The kernel does not fit: no window, no output."
    made = "1 window, so 1 output number"
    if len(windows) > 1:
        made = f"{len(windows)} windows, so {len(windows)} output numbers"
    if not unread:
        return f"{made}; every column is read."
    which = ", ".join(map(str, unread))
    noun, verb = ("column", "is") if len(unread) == 1 else ("columns", "are")
    return f"{made}; {noun} {which} (hatched) {verb} never read."


EXAMPLES = (
    {"size": 10, "kernel_size": 3, "stride": 3, "padding": 1},
    {"size": 10, "kernel_size": 3, "stride": 2, "dilation": 2},
    {"size": 10, "kernel_size": 4, "stride": 4},
    {"size": 10, "kernel_size": 3, "stride": 1, "dilation": 4},
)


def explore_windows() -> None:
    """Sliders for size, kernel, stride, padding and dilation; four examples where widgets do not run."""
    explore(
        lambda **settings: windows_figure(**settings)[0],
        {
            "size": (1, 24, 10),
            "kernel_size": (1, 9, 3),
            "stride": (1, 6, 3),
            "padding": (0, 4, 1),
            "dilation": (1, 4, 1),
        },
        fallback=_examples,
        alt="The windows of four kernels over a row of ten columns.",
    )


def _examples() -> Figure:
    fig = figure(8.5, 5.6)
    for ax, settings in zip(fig.subplots(2, 2).flatten(), EXAMPLES, strict=True):
        sentence = _draw_windows(ax, **settings)
        title = ", ".join(f"{name}={value}" for name, value in settings.items())
        ax.set_title(f"{title}\n{textwrap.fill(sentence, 60)}", fontsize=8.5)
    return fig


# --- dilation ---------------------------------------------------------------------------------------------


def show_dilations(kernel_size: int, dilations: Sequence[int]) -> None:
    """A square kernel with several dilations, side by side: taps filled, holes empty."""
    all_taps = [[dilation * tap for tap in range(kernel_size)] for dilation in dilations]
    widths = [taps[-1] + 1 for taps in all_taps]
    across = UNIT * (sum(widths) + len(widths))
    fig = figure(max(4.6, across), across)
    axes = np.atleast_1d(fig.subplots(1, len(dilations), width_ratios=widths))
    for ax, dilation, taps, width in zip(axes, dilations, all_taps, widths, strict=True):
        for row, column in np.ndindex(width, width):
            tap = row in taps and column in taps
            fill = KERNEL_FILL if tap else "white"
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor=INK if tap else GREY))
            if tap:
                ax.text(column + 0.5, row + 0.5, "w", ha="center", va="center", fontsize=10, style="italic")
        blank(ax, width, width)
        ax.set_title(f"dilation {dilation}", fontsize=11)
    sentence = f"Always {kernel_size}×{kernel_size} weights w; the empty boxes are holes, not weights."
    caption(fig, sentence, drawn=0.3 + UNIT * max(widths))
    show(fig, sentence)


# --- borders ----------------------------------------------------------------------------------------------


BORDER_FILL = "#DEDEDE"


def show_paddings(x: np.ndarray, padded: Mapping[str, np.ndarray]) -> None:
    """Padded versions of a picture side by side, the numbers in boxes and the border grey.

    x: (H, W), the picture. padded: what it is called -> the padded picture.
    """
    height, inner_width = np.atleast_2d(x).shape
    shapes = [np.atleast_2d(values).shape for values in padded.values()]
    across = sum(columns for _, columns in shapes) + len(padded)
    width = min(10.0, UNIT * across + 0.6)
    fig = figure(width, width)
    for ax, (name, values) in zip(np.atleast_1d(fig.subplots(1, len(padded))), padded.items(), strict=True):
        values = np.atleast_2d(values)
        rows, columns = values.shape
        top, left = (rows - height) // 2, (columns - inner_width) // 2
        border = values.astype(float)
        border[top : top + height, left : left + inner_width] = np.nan
        boxes(ax, border, fill=BORDER_FILL, edge=GREY, size=9)
        boxes(ax, x, row=top, column=left, size=9)
        blank(ax, rows, columns)
        ax.set_title(name, fontsize=11)
    sentence = "The picture in the middle is the same each time; the grey border is made up."
    caption(fig, sentence, drawn=0.35 + UNIT * max(rows for rows, _ in shapes))
    show(fig, sentence)


# --- receptive field --------------------------------------------------------------------------------------

ROW = 1.8  # from one row of boxes to the next


def show_receptive_field(layers: Sequence[tuple[int, int, int]]) -> None:
    """From the topmost output down to the input: which numbers of each layer it depends on.

    layers: triples (kernel_size, stride, dilation), first the layer next to the input.
    """
    seen = _seen(layers)
    left, right = min(seen[0]) - 2, max(seen[0]) + 3
    fig = figure(min(9.5, 2.6 + 0.36 * (right - left)), 0.6 + 0.72 * len(seen))
    ax = fig.subplots()
    places = _places(layers)
    for level, (numbers, place) in enumerate(zip(seen, places, strict=True)):
        height = ROW * (len(layers) - level)
        _level(ax, height, numbers, place, (left, right))
        name = "input" if level == 0 else "layer {}\nK={} S={} d={}".format(level, *layers[level - 1])
        ax.text(left - 0.4, height + 0.4, name, ha="right", va="center", fontsize=9)
        count = f"{len(numbers)} here" if level else f"{len(numbers)} inputs"
        ax.text(right + 0.4, height + 0.4, count, ha="left", va="center", fontsize=9)
        if level < len(layers):
            _cone(ax, height, _ends(numbers, place), _ends(seen[level + 1], places[level + 1]))
    blank(ax, ROW * len(layers) + 0.8, right + 2.8, left=left - 3.4)
    sentence = (
        "Filled: what the one number on top depends on. Each row is one layer, the input at the bottom."
    )
    caption(fig, sentence)
    show(fig, sentence)


def _seen(layers: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    """For the input and every layer: the indices that output 0 of the last layer depends on."""
    seen = [[0]]
    for kernel_size, stride, dilation in reversed(layers):
        taps = range(0, kernel_size * dilation, dilation)
        seen.append(sorted({index * stride + tap for index in seen[-1] for tap in taps}))
    return seen[::-1]


def _places(layers: Sequence[tuple[int, int, int]]) -> list[tuple[int, float]]:
    """(jump, offset) of the input and of every layer: number i is drawn in column i * jump + offset."""
    places = [(1, 0.0)]
    for kernel_size, stride, dilation in layers:
        jump, offset = places[-1]
        places.append((jump * stride, offset + jump * dilation * (kernel_size - 1) / 2))
    return places


def _ends(numbers: Sequence[int], place: tuple[int, float]) -> tuple[float, float]:
    """Left edge of the first and right edge of the last of the drawn `numbers`."""
    jump, offset = place
    return min(numbers) * jump + offset, max(numbers) * jump + offset + 1


def _level(
    ax: Axes, height: float, numbers: Sequence[int], place: tuple[int, float], reach: tuple[int, int]
) -> None:
    """One row of boxes: filled those in `numbers`, empty their neighbours within `reach`."""
    for index in range(min(numbers) - 9, max(numbers) + 10):
        left, right = _ends([index], place)
        if reach[0] <= left and right <= reach[1]:
            fill, edge = (SKY, INK) if index in numbers else ("white", GREY)
            ax.add_patch(
                Rectangle((left + 0.06, height), 0.88, 0.8, facecolor=fill, edgecolor=edge, zorder=2)
            )


def _cone(ax: Axes, height: float, lower: tuple[float, float], upper: tuple[float, float]) -> None:
    """The shaded band from a row up to the row above it."""
    above = height - ROW + 0.8
    corners = [(lower[0], height), (lower[1], height), (upper[1], above), (upper[0], above)]
    ax.add_patch(Polygon(corners, facecolor=INPUT_FILL, edgecolor=BLUE, linewidth=0.6, zorder=0))


# --- networks ---------------------------------------------------------------------------------------------

FILLS = {"Conv2d": KERNEL_FILL, "Linear": OUTPUT_FILL}


def show_network(
    in_shape: Shape,
    layers: Sequence[Layer],
    shapes: Sequence[Shape],
    parameters: Mapping[int, int] | None = None,
) -> None:
    """A network as blocks: each as high as its picture and as thick as its channels, on a root scale.

    shapes: behind every layer, as `trace_shapes` gives them. parameters: position of a layer in `layers` ->
    how many it has. ReLU changes no shape and gets no block.
    """
    fig = figure(9, 9)
    ax = fig.subplots()
    reach = max(_height(shape) * (0.72 if len(shape) == 4 else 0.5) for shape in [in_shape, *shapes])
    end = _block(ax, 0, "input", in_shape, reach)
    for index, ((kind, _), shape) in enumerate(zip(layers, shapes, strict=True)):
        if kind != "ReLU":
            count = f"\n{parameters[index]:,}" if parameters and index in parameters else ""
            end = _block(ax, end + 1.5, kind, shape, reach, count)
    below = 1.2 if parameters else 0.8
    blank(ax, reach + below, end + 0.7, top=-reach - 0.7, left=-0.7)
    sentence = (
        "What comes out of each layer. Boxes: side = height and width, thickness = channels. Bars: height "
        "= length of the vector. All on a square-root scale."
    )
    if any(kind == "ReLU" for kind, _ in layers):
        sentence += " ReLU changes no shape and is not drawn."
    if parameters:
        sentence += " Second line: parameters of the layer."
    caption(fig, sentence, drawn=8.8 / (end + 1.4) * (2 * reach + below + 0.7))
    show(fig, sentence)


def _height(shape: Shape) -> float:
    """How high the front of a block, or a bar, is drawn."""
    return float(0.42 * np.sqrt(shape[2]) if len(shape) == 4 else 0.06 * np.sqrt(shape[1]))


def _block(ax: Axes, x: float, kind: str, shape: Shape, reach: float, count: str = "") -> float:
    """Draw one feature map as a box in perspective, or a vector as a bar; returns its right end.

    reach: how far the largest block reaches up and down; the words stand beyond.
    """
    fill = FILLS.get(kind, INPUT_FILL)
    picture = len(shape) == 4
    high = _height(shape)
    slant = 0.22 * high if picture else 0.0
    thick = 0.14 * np.sqrt(shape[1]) if picture else 0.25
    front = np.array([(x, -high / 2), (x + thick, -high / 2), (x + thick, high / 2), (x, high / 2)])
    back = front + np.array([slant, -slant])
    faces = [front]
    if picture:
        faces += [np.array([front[0], front[1], back[1], back[0]])]  # top
        faces += [np.array([front[1], front[2], back[2], back[1]])]  # right side
    for face in faces:
        ax.add_patch(Polygon(face, facecolor=fill, edgecolor=INK, linewidth=0.9))
    middle = x + (thick + slant) / 2
    ax.text(middle, -reach - 0.2, kind, ha="center", va="bottom", fontsize=10)
    sizes = "×".join(map(str, shape[1:]))
    ax.text(middle, reach + 0.2, sizes + count, ha="center", va="top", fontsize=10, linespacing=1.4)
    return x + thick + slant


# --- what it costs ----------------------------------------------------------------------------------------


def show_shares(counts: Mapping[str, int], what: str = "parameters") -> None:
    """Bars: how many parameters, or multiply-adds, each layer has, with its share of the whole."""
    total = sum(counts.values())
    fig = figure(8, 0.9 + 0.42 * len(counts))
    ax = fig.subplots()
    ax.barh(list(counts), list(counts.values()), color=BLUE, edgecolor=INK)
    for row, count in enumerate(counts.values()):
        ax.text(count + 0.01 * total, row, f"{count:,}  ({count / total:.2%})", va="center", fontsize=9)
    ax.set_xlim(0, 1.3 * max(counts.values()))
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    ax.spines[["top", "right"]].set_visible(False)
    sentence = f"Number of {what} of each layer; {total:,} in all."
    caption(fig, sentence)
    show(fig, sentence)


def show_memory(sizes: Mapping[str, float]) -> None:
    """How many bytes the weights of each layer take: points, since bars mislead on a logarithmic scale."""
    fig = figure(8, 1.2 + 0.42 * len(sizes))
    ax = fig.subplots()
    for row, size in enumerate(sizes.values()):
        ax.plot(size, row, "o", markersize=12, color=BLUE, markeredgecolor=INK)
        ax.text(size * 2, row, _bytes(size), va="center", fontsize=10)
    ax.set_yticks(range(len(sizes)), list(sizes))
    ax.set_ylim(-0.6, len(sizes) - 0.4)
    ax.set_xscale("log")
    ax.set_xlim(1, 1e3 * max(sizes.values()))
    ax.set_xticks([1e0, 1e3, 1e6, 1e9, 1e12], ["1 B", "1 kB", "1 MB", "1 GB", "1 TB"])
    ax.grid(axis="x", color=GREY, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    sentence = "Memory for the parameters in float32, from grid line to grid line a factor of a thousand."
    caption(fig, sentence)
    show(fig, sentence)


def _bytes(size: float) -> str:
    """A number of bytes with its unit: ``912 B``, ``57.6 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
