"""Figures of notebook 02: windows, dilation, borders, receptive fields, networks and what they cost.

Every figure has a sentence under it. Nothing here computes an answer of an exercise: windows are placed one
after the other until one would stick out, and shapes and counts are handed in.
"""

from __future__ import annotations

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
    RED,
    SKY,
    blank,
    boxes,
    figure,
    in_notebook,
    show,
)

Shape = tuple[int, ...]
Layer = tuple[str, Mapping[str, Any]]


def caption(fig: Figure, sentence: str) -> None:
    """The sentence under a figure."""
    fig.supxlabel(sentence, fontsize=9.5, color=INK)


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
    columns = range(-padding, size + padding)
    windows = list(_windows(columns, kernel_size, stride, dilation))
    unread = sorted(set(range(size)).difference(*windows))
    fig = figure(min(9.0, 2.2 + 0.42 * len(columns)), 1.25 + 0.3 * max(1, len(windows)))
    ax = fig.subplots()
    for column in columns:
        _column(ax, column, inside=0 <= column < size, unread=column in unread)
    for row, window in enumerate(windows):
        _window(ax, row + 1.4, window)
    blank(ax, len(windows) + 1.5, size + padding + 2.6, left=-padding - 0.1)
    sentence = _windows_sentence(windows, unread)
    caption(fig, sentence)
    return fig, sentence


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
    text = str(column) if inside else "0"
    ax.text(
        column + 0.5, 0.5, text, ha="center", va="center", fontsize=9, color=INK if inside else GREY, bbox=box
    )


def _window(ax: Axes, row: float, window: Sequence[int]) -> None:
    ax.plot([window[0] + 0.5, window[-1] + 0.5], [row, row], color=ORANGE, linewidth=1.5, zorder=1)
    for column in window:
        ax.add_patch(
            Rectangle((column + 0.1, row - 0.3), 0.8, 0.6, facecolor=KERNEL_FILL, edgecolor=INK, zorder=2)
        )


def _windows_sentence(windows: Sequence[Sequence[int]], unread: Sequence[int]) -> str:
    if not windows:
        return "The kernel does not fit: no window, no output."
    places = "1 window" if len(windows) == 1 else f"{len(windows)} windows"
    if not unread:
        return f"{places}, so {len(windows)} output numbers; every column is read."
    which = ", ".join(map(str, unread))
    noun = "column" if len(unread) == 1 else "columns"
    return f"{places}, so {len(windows)} output numbers; {noun} {which} (hatched) never read."


EXAMPLES = (
    {"size": 10, "kernel_size": 3, "stride": 1, "padding": 0, "dilation": 1},
    {"size": 10, "kernel_size": 3, "stride": 3, "padding": 1, "dilation": 1},
    {"size": 10, "kernel_size": 3, "stride": 2, "padding": 0, "dilation": 2},
    {"size": 10, "kernel_size": 4, "stride": 4, "padding": 0, "dilation": 1},
)


def explore_windows() -> None:
    """Sliders for size, kernel, stride, padding and dilation; four examples where widgets do not run."""
    sliders = _sliders() if in_notebook() else None
    if sliders is None:
        for example in EXAMPLES:
            print(", ".join(f"{name}={value}" for name, value in example.items()))
            show_windows(**example)
        return
    from IPython.display import display

    controls, output = sliders
    display(controls, output)


def _sliders() -> Any:
    """The sliders and the figure that follows them, or None without ipywidgets."""
    try:
        import ipywidgets as widgets
    except ImportError:
        return None
    ranges = {"size": (1, 24), "kernel_size": (1, 9), "stride": (1, 6), "padding": (0, 4), "dilation": (1, 4)}
    sliders = {
        name: widgets.IntSlider(EXAMPLES[1][name], low, high, description=name, continuous_update=False)
        for name, (low, high) in ranges.items()
    }
    return widgets.VBox(list(sliders.values())), widgets.interactive_output(show_windows, sliders)


# --- dilation ---------------------------------------------------------------------------------------------


def show_dilations(kernel_size: int, dilations: Sequence[int]) -> None:
    """A square kernel with several dilations, side by side: taps filled, holes empty."""
    fig = figure(2.6 * len(dilations), 3.0)
    for ax, dilation in zip(np.atleast_1d(fig.subplots(1, len(dilations))), dilations, strict=True):
        taps = {dilation * tap for tap in range(kernel_size)}
        width = max(taps) + 1
        for row, column in np.ndindex(width, width):
            tap = row in taps and column in taps
            fill = KERNEL_FILL if tap else "white"
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor=INK if tap else GREY))
            if tap:
                ax.text(column + 0.5, row + 0.5, "w", ha="center", va="center", fontsize=10, style="italic")
        blank(ax, width, width)
        ax.set_title(f"dilation {dilation}", fontsize=11)
    sentence = f"Always {kernel_size}×{kernel_size} weights w; the empty boxes are holes, not weights."
    caption(fig, sentence)
    show(fig, sentence)


# --- borders ----------------------------------------------------------------------------------------------


def show_paddings(x: np.ndarray, padded: Mapping[str, np.ndarray]) -> None:
    """Padded versions of a picture side by side, the numbers in boxes and the border hatched.

    x: (H, W), the picture. padded: what it is called -> the padded picture.
    """
    height, width = np.atleast_2d(x).shape
    shapes = [np.atleast_2d(values).shape for values in padded.values()]
    across = sum(columns for _, columns in shapes) + len(padded)
    fig = figure(min(10.0, 0.42 * across + 0.6), 0.42 * max(rows for rows, _ in shapes) + 1.1)
    for ax, (name, values) in zip(np.atleast_1d(fig.subplots(1, len(padded))), padded.items(), strict=True):
        values = np.atleast_2d(values)
        rows, columns = values.shape
        boxes(ax, values, padding=((rows - height) // 2, (columns - width) // 2), size=9)
        blank(ax, rows, columns)
        ax.set_title(name, fontsize=11)
    sentence = "The picture in the middle is the same each time; the hatched border is made up."
    caption(fig, sentence)
    show(fig, sentence)


# --- receptive field --------------------------------------------------------------------------------------


def show_receptive_field(layers: Sequence[tuple[int, int, int]]) -> None:
    """From the topmost output down to the input: which numbers of each layer it depends on.

    layers: triples (kernel_size, stride, dilation), first the layer next to the input.
    """
    seen = _seen(layers)
    left, right = min(seen[0]) - 2, max(seen[0]) + 3
    fig = figure(min(9.5, 3.2 + 0.4 * (right - left)), 1.0 + 0.95 * len(seen))
    ax = fig.subplots()
    jumps = np.cumprod([1, *(stride for _, stride, _ in layers)])
    offsets = _centres(layers)
    for level, (numbers, jump, offset) in enumerate(zip(seen, jumps, offsets, strict=True)):
        height = 1.9 * (len(layers) - level)
        _level(ax, height, numbers, (jump, offset), (left, right))
        name = "input" if level == 0 else f"layer {level}"
        setting = "" if level == 0 else "\nK={} S={} d={}".format(*layers[level - 1])
        ax.text(left - 0.4, height + 0.4, name + setting, ha="right", va="center", fontsize=9)
        count = f"{len(numbers)} here" if level else f"{len(numbers)} inputs"
        ax.text(right + 0.4, height + 0.4, count, ha="left", va="center", fontsize=9)
        if level < len(layers):
            above = seen[level + 1], jumps[level + 1], offsets[level + 1]
            _cone(ax, height, numbers, jump, offset, above)
    blank(ax, 1.9 * len(layers) + 1, right + 2.8, left=left - 3.2)
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


def _centres(layers: Sequence[tuple[int, int, int]]) -> list[float]:
    """Where index 0 of the input and of every layer is drawn, in columns of the input."""
    centres, jump = [0.0], 1
    for kernel_size, stride, dilation in layers:
        centres.append(centres[-1] + jump * dilation * (kernel_size - 1) / 2)
        jump *= stride
    return centres


def _level(
    ax: Axes, height: float, numbers: Sequence[int], place: tuple[int, float], reach: tuple[int, int]
) -> None:
    """One row of boxes: filled those in `numbers`, empty their neighbours within `reach`.

    place: (jump, offset), so that box i stands in column i * jump + offset of the input.
    """
    for index in range(reach[0], reach[1]):
        x = index * place[0] + place[1]
        if not reach[0] <= x <= reach[1] - 1:
            continue
        fill, edge = (SKY, INK) if index in numbers else ("white", GREY)
        ax.add_patch(Rectangle((x + 0.06, height), 0.88, 0.8, facecolor=fill, edgecolor=edge, zorder=2))


def _cone(ax: Axes, height: float, numbers: Sequence[int], jump: int, offset: float, above: Any) -> None:
    """The shaded band from a row up to the row above it."""
    upper, upper_jump, upper_offset = above
    corners = [
        (min(numbers) * jump + offset, height),
        (max(numbers) * jump + offset + 1, height),
        (max(upper) * upper_jump + upper_offset + 1, height - 1.1),
        (min(upper) * upper_jump + upper_offset, height - 1.1),
    ]
    ax.add_patch(Polygon(corners, facecolor=INPUT_FILL, edgecolor=BLUE, linewidth=0.6, zorder=0))


# --- networks ---------------------------------------------------------------------------------------------

FILLS = {"Conv2d": KERNEL_FILL, "Linear": OUTPUT_FILL}


def show_network(in_shape: Shape, layers: Sequence[Layer], shapes: Sequence[Shape]) -> None:
    """A network as blocks: each as high as its picture and as thick as its channels (root scale).

    shapes: behind every layer, as `trace_shapes` gives them. ReLU changes no shape and gets no block.
    """
    blocks = [("input", tuple(in_shape))]
    blocks += [
        (kind, tuple(shape)) for (kind, _), shape in zip(layers, shapes, strict=True) if kind != "ReLU"
    ]
    fig = figure(10, 3.4)
    ax = fig.subplots()
    x = 0.0
    for kind, shape in blocks:
        x = _block(ax, x, kind, shape) + 0.8
    blank(ax, 2.9, x, top=-3.1)
    sentence = (
        "Blocks behind each layer: side = height and width, thickness = channels (both on a root scale); "
        "a flat bar is a vector."
    )
    caption(fig, sentence)
    show(fig, sentence)


def _block(ax: Axes, x: float, kind: str, shape: Shape) -> float:
    """Draw one feature map as a box in perspective, or a vector as a bar; returns its right end."""
    fill = FILLS.get(kind, INPUT_FILL)
    channels, side = (shape[1], shape[2]) if len(shape) == 4 else (1, 0)
    high = 0.42 * np.sqrt(side) if side else 0.1 * np.sqrt(shape[1])
    depth, thick = (0.22 * high, 0.14 * np.sqrt(channels)) if side else (0.0, 0.25)
    top, bottom = -high / 2, high / 2
    faces = [[(x, top), (x + thick, top), (x + thick, bottom), (x, bottom)]]
    if side:
        slant = (depth, -depth)
        faces.append([(x, top), (x + depth, top - depth), (x + thick + depth, top - depth), (x + thick, top)])
        right = np.array([(x + thick, top), (x + thick, bottom)])
        faces.append([*right, *(right + slant)[::-1]])
    for face in faces:
        ax.add_patch(Polygon(face, facecolor=fill, edgecolor=INK, linewidth=0.9))
    middle = x + (thick + depth) / 2
    ax.text(middle, -2.5, kind, ha="center", va="bottom", fontsize=8.5, rotation=30)
    ax.text(middle, 1.9, "×".join(map(str, shape[1:])), ha="center", va="center", fontsize=8.5)
    return max(x + thick + depth, x + 0.25)


# --- what it costs ----------------------------------------------------------------------------------------


def show_shares(counts: Mapping[str, int], what: str = "parameters") -> None:
    """Bars: how many parameters, or multiply-adds, each layer has, with its share of the whole."""
    total = sum(counts.values())
    fig = figure(8, 0.9 + 0.42 * len(counts))
    ax = fig.subplots()
    ax.barh(list(counts), list(counts.values()), color=BLUE, edgecolor=INK)
    for row, count in enumerate(counts.values()):
        ax.text(count + 0.01 * total, row, f"{count:,}  ({count / total:.1%})", va="center", fontsize=9)
    ax.set_xlim(0, 1.3 * max(counts.values()))
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    ax.spines[["top", "right"]].set_visible(False)
    sentence = f"Number of {what} of each layer; {total:,} in all."
    caption(fig, sentence)
    show(fig, sentence)


def show_memory(sizes: Mapping[str, float]) -> None:
    """Bars on a logarithmic scale: how many bytes the weights of each layer take."""
    fig = figure(8, 1.2 + 0.42 * len(sizes))
    ax = fig.subplots()
    ax.barh(list(sizes), list(sizes.values()), color=[RED, BLUE, GREY][: len(sizes)], edgecolor=INK)
    for row, size in enumerate(sizes.values()):
        ax.text(size * 1.6, row, _bytes(size), va="center", fontsize=9)
    ax.set_xscale("log")
    ax.set_xlim(1, 1e3 * max(sizes.values()))
    ax.set_xticks([1e0, 1e3, 1e6, 1e9, 1e12], ["1 B", "1 kB", "1 MB", "1 GB", "1 TB"])
    ax.grid(axis="x", color=GREY, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    sentence = "Memory for the parameters in float32. Every grid line is a factor of a thousand."
    caption(fig, sentence)
    show(fig, sentence)


def _bytes(size: float) -> str:
    """A number of bytes with its unit: ``912 B``, ``57.6 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
