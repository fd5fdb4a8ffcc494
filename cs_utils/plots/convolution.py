"""Figures of notebook 03: windows that become columns, the layer as one matrix, how long it takes.

The columns, sums and matrices in these figures come from PyTorch or from the student; nothing here convolves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs_utils.plots import measured, style
from cs_utils.plots.shapes import caption

Pair = int | tuple[int, int]
Shape = tuple[int, ...]
UNIT = 0.4  # inches of a box with a number in it
FILLS = (style.INPUT_FILL, "#F3DDEA", "#E6E3C4")  # of channels, and of the rows of a kernel


# --- what a layer does ------------------------------------------------------------------------------------


def show_layer(x: Shape, w: Shape) -> None:
    """One image, the filters of a layer, and the maps that they make.

    x: (C, H, W). w: (D, C, kh, kw); stride 1, no padding.
    """
    channels, height, width = x
    filters, _, kh, kw = w
    maps = (filters, height - kh + 1, width - kw + 1)
    scale = 4.4 / max(height, width)
    fig = style.figure(8.6, 8.6)
    ax = fig.subplots()
    front = _sheets(ax, (0.0, 0.0), (height * scale, width * scale), channels, style.INPUT_FILL)
    window = (front[0] + height * scale / 4, front[1] + width * scale / 4)
    style.outline(ax, *window, kh * scale, kw * scale)
    middle, right = width * scale + channels * STEP + 1.6, width * scale + channels * STEP + 5.0
    touched, apart = _filters(ax, middle, scale, w)
    shown = _sheets(ax, (0.0, right), (maps[1] * scale, maps[2] * scale), filters, style.OUTPUT_FILL)
    place = (shown[0] + height * scale / 4, shown[1] + width * scale / 4)
    style.outline(ax, *place, scale, scale)
    _arrow(ax, (window[0] + kh * scale / 2, window[1] + kw * scale), (touched, middle - 0.1))
    beside = middle + kw * scale + channels * STEP / 2 + 0.1
    _arrow(ax, (touched, beside), (place[0] + scale / 2, place[1]))
    labels = ((f"image {_by(x)}", 0.0), (f"weights {_by(w)}", middle - 0.5), (f"output {_by(maps)}", right))
    for text, column in labels:
        ax.text(column, -0.25, text, fontsize=10, va="bottom")
    below = max(height * scale + channels * STEP, maps[1] * scale + filters * STEP, filters * apart)
    end = right + maps[2] * scale + filters * STEP
    style.blank(ax, below, end, top=-0.9, left=-0.2)
    told = (
        f"A filter reaches through all {channels} channels of its window: {channels}·{kh}·{kw} = "
        f"{channels * kh * kw} products make one number. Each of the {filters} filters makes one map."
    )
    caption(fig, told, drawn=8.4 / (end + 0.4) * (below + 1.0))
    style.show(fig, told)


STEP = 0.24  # from one sheet of a stack to the next


def _sheets(
    ax: Axes, corner: tuple[float, float], size: tuple[float, float], count: int, fill: str
) -> tuple[float, float]:
    """A stack of sheets, the first in front; returns the row and column of its corner."""
    for sheet in reversed(range(count)):
        row, column = corner[0] + (count - 1 - sheet) * STEP, corner[1] + sheet * STEP
        ax.add_patch(Rectangle((column, row), size[1], size[0], facecolor=fill, edgecolor=style.INK, lw=0.9))
    return corner[0] + (count - 1) * STEP, corner[1]


def _filters(ax: Axes, left: float, scale: float, w: Shape) -> tuple[float, float]:
    """The filters under one another; returns the middle row of the first, and how far they are apart."""
    filters, channels, kh, kw = w
    apart = kh * scale + channels * STEP / 2 + 0.25
    for number in range(filters):
        fill = style.KERNEL_FILL if number == 0 else "white"
        for sheet in reversed(range(channels)):
            row, column = number * apart + (channels - sheet) * STEP / 2, left + sheet * STEP / 2
            sides = (kw * scale, kh * scale)
            ax.add_patch(Rectangle((column, row), *sides, facecolor=fill, edgecolor=style.INK, lw=0.9))
    return channels * STEP / 2 + kh * scale / 2, apart


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one (row, column) to another."""
    ax.annotate(
        "", xy=end[::-1], xytext=start[::-1], arrowprops={"arrowstyle": "->", "color": style.RED, "lw": 1.4}
    )


def _by(shape: Shape) -> str:
    return "×".join(map(str, shape))


# --- windows become columns -------------------------------------------------------------------------------


class Layer:
    """One image and the filters of a layer, and what im2col and the matrix product make of them."""

    def __init__(self, x: Any, w: Any, b: Any, stride: Pair, padding: Pair) -> None:
        import torch
        import torch.nn.functional as F

        image, self.w = (np.asarray(array, dtype=float) for array in (x, w))
        image = image[0] if image.ndim == 4 else image
        self.b = np.zeros(len(self.w)) if b is None else np.asarray(b, dtype=float)
        self.padding, self.stride = _pair(padding), _pair(stride)
        self.x = np.pad(image, [(0, 0), *((p, p) for p in self.padding)])
        signal, kernel = torch.from_numpy(self.x)[None], torch.from_numpy(self.w)
        self.columns = F.unfold(signal, self.w.shape[2:], stride=self.stride)[0].numpy()
        out = F.conv2d(signal, kernel, torch.from_numpy(self.b), stride=self.stride)[0]
        self.out_shape = tuple(out.shape)
        self.out = out.flatten(1).numpy()
        self.rows = kernel.flatten(1).numpy()

    def start(self, place: int) -> tuple[int, int]:
        """Row and column, in the padded image, of the window's upper left corner."""
        r, c = divmod(place, self.out_shape[2])
        return r * self.stride[0], c * self.stride[1]

    def sum_text(self, place: int) -> str:
        """The first number that this column gives, as a sum."""
        result, bias = style.number(self.out[0, place]), style.number(self.b[0])
        if len(self.columns) > 12:
            return f"{len(self.columns)} products and the bias {bias} add up to {result}"
        pairs = zip(self.rows[0], self.columns[:, place], strict=True)
        products = " + ".join(f"{_factor(weight)}·{_factor(value)}" for weight, value in pairs)
        return f"{products} + {bias} = {result}"


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _factor(value: float) -> str:
    return f"({style.number(value)})" if value < 0 else style.number(value)


def explore_im2col(x: Any, w: Any, b: Any = None, *, stride: Pair = 1, padding: Pair = 0) -> None:
    """The window at the place that a slider chooses, its column, and the product of filters and columns.

    x: (C, H, W), or a batch of which the first image is shown. w: (D, C, kh, kw). b: (D,); zeros by default.
    """
    layer = Layer(x, w, b, stride, padding)
    count = layer.columns.shape[1]
    style.explore(
        lambda place: im2col_figure(layer, place - 1),
        {"place": (1, count, 1)},
        fallback=lambda: im2col_figure(layer, count // 2, filled=count),
        alt=(
            f"{len(layer.x)} channels with a window; its {len(layer.columns)} numbers are one column of a "
            f"matrix with {count} columns, one for each place; {len(layer.rows)} filters, written as rows, "
            "times the columns are the output."
        ),
    )


def im2col_figure(layer: Layer, place: int, *, filled: int | None = None) -> Figure:
    """The figure of `explore_im2col`. filled: how many columns are filled in; by default up to `place`."""
    done = place + 1 if filled is None else filled
    channels, high, wide = layer.x.shape
    long, count = layer.columns.shape
    left = max(channels * (wide + 1) - 1, long) + 1.6  # where the columns and the output begin
    below = max(long, high + 1) + 1.5  # where the filters and the output begin
    rows, columns = below + len(layer.rows) + 0.2, left + count
    unit = min(UNIT, 9.6 / columns)
    fig = style.figure(columns * unit + 0.2, rows * unit)
    ax = fig.subplots()
    size = 26 * unit
    _draw_channels(ax, layer, place, size)
    _draw_columns(ax, layer, place, done, left, size)
    style.boxes(ax, layer.rows, row=below, column=left - 1.6 - long, fill=style.KERNEL_FILL, size=size)
    _draw_output(ax, layer, place, done, (below, left), size)
    each = layer.w.shape[2] * layer.w.shape[3]
    for channel in range(1, channels):
        at = left - 1.6 - long + channel * each
        _line(ax, (below, at), (below + len(layer.rows), at))
    labels = (
        *(("filters as rows", below, left - 1.6 - long), ("columns", 0, left)),
        ("rows times columns, plus bias: the output", below, left),
    )
    for text, row, column in labels:
        ax.text(column, row - 0.15, text, fontsize=0.85 * size, va="bottom")
    style.blank(ax, rows, columns, top=-0.9)
    told = f"Place {place + 1} of {count}. First number of its column in the output: {layer.sum_text(place)}."
    caption(fig, told, drawn=(rows + 1.2) * unit)
    return fig


def _draw_channels(ax: Axes, layer: Layer, place: int, size: float) -> None:
    _, _, wide = layer.x.shape
    row, column = layer.start(place)
    for channel, values in enumerate(layer.x):
        left = channel * (wide + 1)
        fill = FILLS[channel % len(FILLS)]
        style.boxes(ax, values, column=left, fill=fill, padding=layer.padding, size=size)
        style.outline(ax, row, left + column, *layer.w.shape[2:])
        ax.text(left, -0.15, f"channel {channel}", fontsize=0.85 * size, va="bottom")


def _draw_columns(ax: Axes, layer: Layer, place: int, done: int, left: float, size: float) -> None:
    """The matrix of columns, each channel's numbers in its colour; those not yet reached are empty."""
    each = layer.w.shape[2] * layer.w.shape[3]
    shown = layer.columns.copy()
    shown[:, done:] = np.nan
    for channel in range(len(layer.x)):
        if channel:  # seen in grey, too
            _line(ax, (channel * each, left), (channel * each, left + layer.columns.shape[1]))
        part = slice(channel * each, (channel + 1) * each)
        fill = FILLS[channel % len(FILLS)]
        style.boxes(ax, shown[part, :done], row=part.start, column=left, fill=fill, size=size)
        if done < shown.shape[1]:
            empty = shown[part, done:]
            style.boxes(ax, empty, row=part.start, column=left + done, fill="white", edge=style.GREY)
    style.outline(ax, 0, left + place, len(layer.columns), 1)


def _line(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A thick line from one (row, column) to another."""
    ax.plot([start[1], end[1]], [start[0], end[0]], color=style.INK, linewidth=2, zorder=3)


def _draw_output(
    ax: Axes, layer: Layer, place: int, done: int, corner: tuple[float, float], size: float
) -> None:
    below, left = corner
    shown = layer.out[:, :done]
    fill = style.OUTPUT_FILL
    smaller = size * min(1.0, 4.0 / max(len(style.number(value)) for value in layer.out.flat))
    style.boxes(ax, shown, row=below, column=left, fill=fill, size=smaller)
    if done < layer.out.shape[1]:
        empty = np.full((len(layer.out), layer.out.shape[1] - done), np.nan)
        style.boxes(ax, empty, row=below, column=left + done, fill="white", edge=style.GREY)
    style.outline(ax, below, left + place, len(layer.out), 1)


# --- the layer as one matrix ------------------------------------------------------------------------------


def explore_toeplitz(w: Any, height: int, width: int) -> None:
    """The matrix of a convolution (stride 1, no padding); a slider chooses a row and shows its window.

    w: (kh, kw), the kernel. height, width: of the picture.
    """
    w = np.asarray(w, dtype=float)
    count = (height - w.shape[0] + 1) * (width - w.shape[1] + 1)
    style.explore(
        lambda row: toeplitz_row_figure(w, height, width, row),
        {"row": (0, count - 1, 0)},
        fallback=lambda: toeplitz_row_figure(w, height, width, count // 2),
        alt=(
            f"A matrix of {count} rows and {height * width} columns; each row holds the weights of the "
            "kernel where the window stands, and zeros elsewhere."
        ),
    )


def _weights_at(w: np.ndarray, height: int, width: int) -> np.ndarray:
    """For every output and every pixel: which weight (counted from 1) meets it, 0 for none. From PyTorch."""
    import torch
    import torch.nn.functional as F

    pixels = torch.eye(height * width).reshape(-1, 1, height, width)
    names = torch.arange(1.0, w.size + 1).reshape(1, 1, *w.shape)
    return F.conv2d(pixels, names).flatten(1).T.round().int().numpy()


def toeplitz_row_figure(w: np.ndarray, height: int, width: int, row: int) -> Figure:
    """The picture with the window of output `row`, the kernel in it, and beside it the matrix."""
    which = _weights_at(w, height, width)
    count, numbers = which.shape
    left = width + 2.6
    unit = min(UNIT, 9.8 / (left + numbers))
    rows = max(height, count)
    fig = style.figure((left + numbers) * unit + 0.2, rows * unit)
    ax = fig.subplots()
    size = 25 * unit
    _draw_weights(ax, which[row].reshape(height, width), w, (0, 0), size)
    places = width - w.shape[1] + 1
    r, c = divmod(row, places)
    style.outline(ax, r, c, *w.shape)
    ax.text(0, -0.2, "the picture", fontsize=0.9 * size, va="bottom")
    _draw_weights(ax, which, w, (0, left), size)
    _draw_lines(ax, count, width, height, left, size)
    style.outline(ax, row, left, 1, numbers)
    style.blank(ax, rows, left + numbers, top=-1)
    told = (
        f"Row {row} of the matrix makes the output number in row {r}, column {c}. Thick lines: a new row of "
        "the picture begins."
    )
    caption(fig, told, drawn=(rows + 1.2) * unit)
    return fig


def _draw_weights(
    ax: Axes, which: np.ndarray, w: np.ndarray, corner: tuple[float, float], size: float
) -> None:
    """Boxes with the weights' numbers, in a colour for each row of the kernel; zeros are pale."""
    for (r, c), index in np.ndenumerate(which):
        value = w.flat[index - 1] if index else 0.0
        fill = FILLS[(index - 1) // w.shape[1] % len(FILLS)] if index else "white"
        _box(ax, corner[0] + r, corner[1] + c, value, fill, size)


def _box(ax: Axes, row: float, column: float, value: float, fill: str, size: float) -> None:
    empty = fill == "white"
    edge = "#CCCCCC" if empty else style.INK
    ax.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor=edge, linewidth=0.6))
    colour = "#AAAAAA" if empty else style.INK
    ax.text(
        column + 0.5, row + 0.5, style.number(value), ha="center", va="center", fontsize=size, color=colour
    )


def _draw_lines(ax: Axes, count: int, width: int, lines: int, left: float, size: float) -> None:
    """A thick line and a word where a new row of the picture begins; the number of each matrix row."""
    for line in range(lines + 1):
        at = left + line * width
        ax.plot([at, at], [0, count], color=style.INK, linewidth=1.6, zorder=3)
        if line < lines:
            text = f"x row {line}"
            ax.text(at + width / 2, -0.2, text, fontsize=0.9 * size, ha="center", va="bottom")
    for row in range(count):
        ax.text(left - 0.25, row + 0.5, str(row), fontsize=0.9 * size, ha="right", va="center")


LARGEST = (20, 40)  # rows and columns up to which a matrix is drawn with its numbers


def show_toeplitz(matrix: Any, width: int) -> None:
    """A matrix that takes flattened pictures, with a thick line wherever a new row of the picture begins.

    matrix: (oh * ow, height * width). width: of the picture. Large ones are drawn as points.
    """
    matrix = np.asarray(matrix, dtype=float)
    count, numbers = matrix.shape
    filled = int(np.count_nonzero(matrix))
    told = f"{count} rows, one for each output; {numbers} columns, one for each pixel; {filled} are not zero."
    if count > LARGEST[0] or numbers > LARGEST[1]:
        style.show(_points(matrix, told), told)
        return
    unit = min(UNIT, 9.8 / (numbers + 1))
    fig = style.figure((numbers + 1) * unit + 0.2, count * unit)
    ax = fig.subplots()
    size = 25 * unit
    for (r, c), value in np.ndenumerate(matrix):
        _box(ax, r, c, value, style.KERNEL_FILL if value else "white", size)
    _draw_lines(ax, count, width, numbers // width, 0, size)
    style.blank(ax, count, numbers, top=-1, left=-1)
    caption(fig, f"{told} Thick lines: a new row of the picture begins.", drawn=(count + 1.2) * unit)
    style.show(fig, told)


def _points(matrix: np.ndarray, told: str) -> Figure:
    """Where a large matrix is not zero."""
    count, numbers = matrix.shape
    fig = style.figure(5.2, 5.2 * count / numbers + 0.8)
    ax = fig.subplots()
    ax.imshow(matrix != 0, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    ax.set_xlabel("pixel")
    ax.set_ylabel("output")
    caption(fig, f"Black: not zero. {told}")
    return fig


# --- how long it takes ------------------------------------------------------------------------------------


def show_times(milliseconds: Mapping[str, float]) -> None:
    """How long each way takes, as bars on a logarithmic scale, with the ratio to the last one."""
    names, times = list(milliseconds), list(milliseconds.values())
    fig = style.figure(7.6, 0.75 + 0.42 * len(names))
    ax = fig.subplots()
    labels = [f"{_time(time)}   {_ratio(time / times[-1])}" for time in times]
    _bars(ax, names, times, labels)
    ax.set_xlabel("milliseconds; each line is ten times the one before")
    sentence = "; ".join(f"{name} {_time(time)}" for name, time in milliseconds.items())
    style.show(fig, f"Bars on a logarithmic scale: {sentence}.")


def _bars(ax: Axes, names: list[str], values: list[float], labels: list[str]) -> None:
    colours = [style.RED, style.BLUE, style.GREEN][-len(names) :] if len(names) <= 3 else style.BLUE
    low = 10 ** np.floor(np.log10(min(values)) - 0.3)
    bars = ax.barh(names, np.array(values) - low, left=low, color=colours, height=0.62)
    ax.bar_label(bars, labels, padding=4, fontsize=9)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.set_xlim(low, max(values) * (max(values) / low) ** 0.45)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", linewidth=0.4)
    ax.set_axisbelow(True)


def _time(milliseconds: float) -> str:
    """``0.04 ms``, ``12 ms``, ``3.4 s``."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2g} s"
    return f"{milliseconds:.2g} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"


def _ratio(factor: float) -> str:
    return f"× {factor:.2g}" if factor < 10 else f"× {factor:,.0f}"


# The layers of the benchmark as rows of the figure: name in RATIOS -> label, colour.
MEASURED_ROWS = {
    "conv_loops": ("convolution, loops", style.RED),
    "conv_forward": ("convolution, im2col", style.BLUE),
    "conv_backward": ("   its backward (04)", style.SKY),
    "max_pool_forward": ("max pooling (05)", style.SKY),
    "max_pool_backward": ("   its backward", style.SKY),
    "batchnorm_forward": ("batch norm (06)", style.SKY),
    "batchnorm_backward": ("   its backward", style.SKY),
}
DAY = 24  # hours


def show_layer_benchmark() -> None:
    """The course's own loops and its NumPy layers beside PyTorch, in the settings of the benchmark."""
    fig = style.figure(8.8, 3.6)
    axes = fig.subplots(1, len(measured.SETTINGS), sharey=True)
    names = [setting_name(*setting) for setting in measured.SETTINGS]
    for column, (ax, name) in enumerate(zip(axes, names, strict=True)):
        _multiples(ax, [ratios[column] for ratios in measured.RATIOS.values()])
        ax.set_title(name, fontsize=9)
    axes[0].set_yticks(range(len(MEASURED_ROWS)), [label for label, _ in MEASURED_ROWS.values()])
    axes[0].tick_params(axis="y", labelsize=9)
    axes[0].invert_yaxis()
    axes[1].set_xlabel("NumPy's time as a multiple of PyTorch's", fontsize=9)
    loops = [f"{hours / DAY:.0f}" for hours in measured.RATIOS["conv_loops"]]
    days = f"{', '.join(loops[:-1])} or {loops[-1]} days"
    caption(fig, f"The line is PyTorch. What takes it an hour takes the loops {days}.", drawn=3.6)
    table = "; ".join(
        f"{label.strip()} {', '.join(f'{ratio:g}' for ratio in measured.RATIOS[name])}"
        for name, (label, _) in MEASURED_ROWS.items()
    )
    style.show(fig, f"NumPy's time as a multiple of PyTorch's for {len(names)} sizes of a layer: {table}.")


def setting_name(n: int, channels: int, size: int, filters: int, kernel: int, padding: int) -> str:
    """One setting of the benchmark in words."""
    return f"{n} images, {channels} → {filters} channels\n{size}×{size}, K={kernel}, P={padding}"


def _multiples(ax: Axes, ratios: list[float]) -> None:
    """A bar from 1 to each ratio on a logarithmic scale: slower to the right, faster to the left."""
    for row, (ratio, (_, colour)) in enumerate(zip(ratios, MEASURED_ROWS.values(), strict=True)):
        ax.barh(row, ratio - 1, left=1, color=colour, height=0.62)
        label = f"× {ratio:.2f}" if ratio < 10 else _ratio(ratio)
        ax.text(1.2 * max(ratio, 1), row, label, va="center", fontsize=9)
    ax.axvline(1, color=style.INK, linewidth=1.4)
    ax.set_xscale("log")
    ax.set_xlim(0.1, 50_000)
    ax.set_xticks([0.1, 1, 10, 100, 1000, 10_000], ["0.1", "1", "10", "100", "1,000", ""], fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="x", which="minor", length=0)
    ax.grid(axis="x", linewidth=0.4)
    ax.set_axisbelow(True)
