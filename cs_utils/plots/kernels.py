"""Figures of notebook 01: kernels that slide, edges, template matching, filters, the Jacobian as a picture.

The numbers in these figures come from PyTorch or from the student; nothing here correlates by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs_utils.plots import style

Pair = int | tuple[int, int]
UNIT = 0.38  # inches of a box with a number in it
TITLE = 1.3  # boxes above the input, for the sum
WIDEST = 10.6  # inches


# --- the kernel slides ------------------------------------------------------------------------------------


class Sliding:
    """A kernel on its way over an input: the padded input, the places, and the outputs.

    x, w: both 1-D or both 2-D. A 1-D input is kept as one row.
    """

    def __init__(self, x: Any, w: Any, stride: Pair, padding: Pair) -> None:
        import torch
        import torch.nn.functional as F

        x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
        if x.ndim != w.ndim or x.ndim not in (1, 2):
            raise ValueError(f"input and kernel must both be 1-D or both 2-D; got {x.ndim}-D and {w.ndim}-D")
        self.flat = x.ndim == 1
        self.stride = (1, int(np.max(stride))) if self.flat else _pair(stride)
        self.padding = (0, int(np.max(padding))) if self.flat else _pair(padding)
        self.w = np.atleast_2d(w)
        self.x = np.pad(np.atleast_2d(x), [(p, p) for p in self.padding])
        if any(kernel > size for kernel, size in zip(self.w.shape, self.x.shape, strict=True)):
            raise ValueError(f"a kernel of shape {w.shape} does not fit an input of shape {x.shape}")
        signal, kernel = (torch.from_numpy(array)[None, None] for array in (self.x, self.w))
        self.out = F.conv2d(signal, kernel, stride=self.stride)[0, 0].numpy()
        self.places = [tuple(place) for place in np.ndindex(*self.out.shape)]

    def start(self, place: int) -> tuple[int, int]:
        """Row and column, in the padded input, of the window's upper left corner."""
        r, c = self.places[place]
        return r * self.stride[0], c * self.stride[1]

    def window(self, place: int) -> np.ndarray:
        row, column = self.start(place)
        return self.x[row : row + self.w.shape[0], column : column + self.w.shape[1]]

    def so_far(self, place: int) -> np.ndarray:
        """The outputs, those after `place` still NaN."""
        done = np.full(self.out.shape, np.nan)
        done.flat[: place + 1] = self.out.flat[: place + 1]
        return done

    def sum_text(self, place: int) -> str:
        """``1·2 + 3·4 = 14``, or only the result when there are many terms."""
        result = style.number(self.out[self.places[place]])
        if self.w.size > 5:
            return f"sum of {self.w.size} products = {result}"
        terms = zip(self.window(place).flat, self.w.flat, strict=True)
        return " + ".join(f"{style.number(a)}·{_signed(b)}" for a, b in terms) + f" = {result}"

    @property
    def alt(self) -> str:
        outputs = np.array2string(self.out.squeeze() if self.flat else self.out, separator=", ")
        return (
            f"A kernel of {_size(self.w, self.flat)} numbers slides over an input of"
            f" {_size(self.x, self.flat)} (padding included), stride {self.stride[1]};"
            f" the sums are {outputs}."
        ).replace("\n", "")


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _signed(value: float) -> str:
    text = style.number(value)
    return f"({text})" if value < 0 else text


def _size(values: np.ndarray, flat: bool) -> str:
    return str(values.size) if flat else " x ".join(map(str, values.shape))


def show_sliding(
    x: Any,
    w: Any,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    names: tuple[str, str, str] = ("input", "kernel", "output"),
) -> None:
    """A filmstrip: the kernel at its places (at most six of them), with the numbers and the sum.

    x, w: 1-D or 2-D. stride, padding: as in `corr1d` and `corr2d`. names: what the three arrays are called.
    """
    sliding = Sliding(x, w, stride, padding)
    style.show(filmstrip(sliding, names), sliding.alt)


def filmstrip(sliding: Sliding, names: tuple[str, str, str], at_most: int = 6) -> Figure:
    """The figure of `show_sliding`; the first and the last place are always in it."""
    count = len(sliding.places)
    shown = np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(int)).tolist()
    rows, columns = _extent(sliding)
    unit = min(UNIT, WIDEST / (2 * columns))
    down = math.ceil(len(shown) / int(WIDEST / (columns * unit)))
    across = math.ceil(len(shown) / down)
    fig = style.figure(across * columns * unit, down * rows * unit)
    axes = fig.subplots(down, across, squeeze=False).flatten()
    for ax in axes[len(shown) :]:
        ax.axis("off")
    for ax, place in zip(axes, shown, strict=False):
        _draw_place(ax, sliding, place, names, unit)
    return fig


def _extent(sliding: Sliding) -> tuple[float, float]:
    """Rows and columns, in boxes, of one panel: the boxes, and the sum above them."""
    height, width = sliding.x.shape
    if sliding.flat:
        return 4.2 + TITLE, max(width, 4.5) + 0.8
    return max(height, sliding.out.shape[0]) + TITLE + 0.6, width + sliding.out.shape[1] + 2.4


def _draw_place(ax: Axes, sliding: Sliding, place: int, names: tuple[str, str, str], unit: float) -> None:
    """One panel. unit: inches of a box, to which the type is fitted."""
    size = 29 * unit
    rows, columns = _extent(sliding)
    if sliding.flat:
        _draw_flat(ax, sliding, place, names, size)
    else:
        _draw_square(ax, sliding, place, names, size)
    ax.text(0, 0.15 - TITLE, sliding.sum_text(place), fontsize=0.9 * size, va="top")
    style.blank(ax, rows - TITLE, columns - 0.6, top=-TITLE)


def _label(ax: Axes, text: str, row: float, column: float, size: float) -> None:
    ax.text(column, row - 0.1, text, fontsize=0.75 * size, color=style.INK, ha="left", va="bottom")


def _draw_flat(ax: Axes, sliding: Sliding, place: int, names: tuple[str, str, str], size: float) -> None:
    """Three rows: the input, the kernel under its window, each output under the middle of its window."""
    _, column = sliding.start(place)
    width = sliding.w.shape[1]
    style.boxes(ax, sliding.x, padding=sliding.padding, size=size)
    style.outline(ax, 0, column, 1, width)
    style.boxes(ax, sliding.w, row=1.6, column=column, fill=style.KERNEL_FILL, size=size)
    middle = (width - 1) / 2
    for number, value in enumerate(sliding.so_far(place).flat):
        fill = style.OUTPUT_FILL if number <= place else "white"
        style.boxes(ax, [value], row=3.2, column=sliding.start(number)[1] + middle, fill=fill, size=size)
    style.outline(ax, 3.2, column + middle, 1, 1)
    for text, row, at in zip(names, (0, 1.6, 3.2), (0, column, middle), strict=True):
        _label(ax, text, row, at, size)


def _draw_square(ax: Axes, sliding: Sliding, place: int, names: tuple[str, str, str], size: float) -> None:
    """Side by side: the input with the kernel's weights in the corners of its window, and the output."""
    row, column = sliding.start(place)
    height, width = sliding.x.shape
    outside = sliding.x.copy()
    outside[row : row + sliding.w.shape[0], column : column + sliding.w.shape[1]] = np.nan
    style.boxes(ax, outside, padding=sliding.padding, size=size)
    for (a, b), weight in np.ndenumerate(sliding.w):
        _draw_covered(ax, row + a, column + b, sliding.x[row + a, column + b], weight, size)
    style.outline(ax, row, column, *sliding.w.shape)
    rows, _ = sliding.out.shape
    left, top = width + 1.6, (height - rows) / 2
    arrow = {"arrowstyle": "->", "color": style.INK}
    ax.annotate("", xy=(left - 0.2, height / 2), xytext=(width + 0.2, height / 2), arrowprops=arrow)
    style.boxes(ax, sliding.so_far(place), row=top, column=left, fill=style.OUTPUT_FILL, size=0.9 * size)
    r, c = sliding.places[place]
    style.outline(ax, top + r, left + c, 1, 1)
    _label(ax, f"{names[0]} (× {names[1]})" if names[1] else names[0], 0, 0, size)
    _label(ax, names[2], top, left, size)


def _draw_covered(ax: Axes, row: int, column: int, value: float, weight: float, size: float) -> None:
    """A box under the kernel: the input's number, and the weight small in the corner."""
    ax.add_patch(Rectangle((column, row), 1, 1, facecolor=style.KERNEL_FILL, edgecolor=style.INK, lw=0.8))
    ax.text(column + 0.38, row + 0.4, style.number(value), ha="center", va="center", fontsize=size)
    weight_text = f"×{style.number(weight)}"
    ax.text(column + 0.94, row + 0.92, weight_text, ha="right", va="bottom", fontsize=0.62 * size)


def explore_sliding(x: Any, w: Any, *, stride: Pair = 1, padding: Pair = 0) -> None:
    """The kernel at the place that a slider chooses; the filmstrip where sliders do not run.

    Arguments as for `show_sliding`.
    """
    sliding = Sliding(x, w, stride, padding)
    names = ("input", "kernel", "output")
    style.explore(
        lambda place: place_figure(sliding, place - 1, names),
        {"place": (1, len(sliding.places), 1)},
        fallback=lambda: filmstrip(sliding, names),
        alt=sliding.alt,
    )


def place_figure(sliding: Sliding, place: int, names: tuple[str, str, str]) -> Figure:
    """One panel of the filmstrip, larger."""
    rows, columns = _extent(sliding)
    unit = 1.25 * UNIT
    fig = style.figure(columns * unit, rows * unit)
    _draw_place(fig.subplots(), sliding, place, names, unit)
    return fig


# --- sequences and matrices -------------------------------------------------------------------------------


def show_sequences(sequences: Mapping[str, Any]) -> None:
    """1-D arrays under one another, as bars with their numbers. Keys are the titles."""
    longest = max(len(values) for values in sequences.values())
    fig = style.figure(min(10, 1.5 + 0.6 * longest), 1.7 * len(sequences))
    axes = fig.subplots(len(sequences), 1, sharex=True, squeeze=False).flatten()
    colours = (style.BLUE, style.GREEN, style.ORANGE)
    for number, (ax, (title, values)) in enumerate(zip(axes, sequences.items(), strict=True)):
        values = np.asarray(values, dtype=float)
        ax.bar(range(len(values)), values, color=colours[number % 3], width=0.6)
        ax.axhline(0, color=style.INK, linewidth=0.8)
        for place, value in enumerate(values):
            below = value < 0
            ax.annotate(
                style.number(value),
                (place, value),
                xytext=(0, -3 if below else 3),
                textcoords="offset points",
                ha="center",
                va="top" if below else "bottom",
                fontsize=9,
            )
        ax.margins(y=0.3)
        ax.set_title(title, fontsize=10, loc="left")
        ax.set_xticks(range(longest))
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("place")
    shown = "; ".join(
        f"{title}: {', '.join(map(style.number, values))}" for title, values in sequences.items()
    )
    style.show(fig, f"Bars. {shown}.")


def show_matrix(matrix: Any) -> None:
    """A matrix as a picture: numbers coloured by value, zeros white. Meant for up to 12 x 16."""
    matrix = np.asarray(matrix, dtype=float)
    rows, columns = matrix.shape
    fig = style.figure(columns * 0.36 + 0.9, rows * 0.36 + 0.9)
    ax = fig.subplots()
    limit = float(np.abs(matrix).max(initial=0)) or 1.0
    ax.imshow(matrix, cmap=style.SIGNED, vmin=-1.4 * limit, vmax=1.4 * limit)
    for (r, c), value in np.ndenumerate(matrix):
        colour = style.INK if value else "#BBBBBB"
        ax.text(c, r, style.number(value), ha="center", va="center", fontsize=9, color=colour)
    ax.set_xticks(range(columns))
    ax.set_yticks(range(rows))
    ax.set_xlabel("input number")
    ax.set_ylabel("output number")
    ax.tick_params(labelsize=8, length=0)
    filled = int(np.count_nonzero(matrix))
    style.show(fig, f"A matrix of {rows} x {columns} numbers, {filled} of them not zero, as coloured boxes.")


# --- pictures ---------------------------------------------------------------------------------------------


def photo(*, colour: bool = False) -> np.ndarray:
    """Matplotlib's portrait of Grace Hopper, as float64 from 0 (black) to 1 (white).

    Returns an array of shape (150, 128), or (3, 150, 128) with ``colour=True``: red, green, blue.
    """
    from matplotlib.cbook import get_sample_data
    from matplotlib.image import imread

    path = str(get_sample_data("grace_hopper.jpg", asfileobj=False))
    pixels: np.ndarray = imread(path) / 255.0
    pixels = pixels[:600, :512].reshape(150, 4, 128, 4, 3).mean(axis=(1, 3))
    return pixels.transpose(2, 0, 1).copy() if colour else pixels @ np.array([0.299, 0.587, 0.114])


def show_pictures(pictures: Mapping[str, Any]) -> None:
    """Pictures side by side, keys as titles.

    Arrays (H, W) without negative numbers are shown in grey, those with some in purple (negative), white (0)
    and orange (positive); arrays (3, H, W) in colour. Pictures of about one size are drawn to one scale, each
    in the middle of its panel, so that a place in one can be looked up in the others.
    """
    arrays = [np.asarray(picture, dtype=float) for picture in pictures.values()]
    heights, widths = np.transpose([array.shape[-2:] for array in arrays])
    alike = 2 * min(widths) > max(widths)
    across = min(10.5, 3.4 * len(arrays))
    needed = 1 + across / len(arrays) * max(heights) / max(widths)  # many pictures in a row are small
    fig = style.figure(across, min(4.0, needed) if len(arrays) > 3 else 4.0)
    ratios = None if alike else [max(0.25, width / max(widths)) for width in widths]
    axes = fig.subplots(1, len(arrays), squeeze=False, width_ratios=ratios).flatten()
    for ax, title, array in zip(axes, pictures, arrays, strict=True):
        drawn = _draw_picture(ax, array)
        ax.set_title(title, fontsize=10)
        if alike:
            _centre(ax, array.shape[-2:], (max(heights), max(widths)))
        if drawn is not None:
            below = ax.inset_axes((0.05, -0.08, 0.9, 0.04))  # takes no room from the picture
            fig.colorbar(
                drawn, cax=below, orientation="horizontal", extend="both", label="answer of the kernel"
            )
    style.show(fig, "Pictures side by side: " + ", ".join(pictures) + ".")


def _centre(ax: Axes, size: tuple[int, ...], room: tuple[int, int]) -> None:
    """Give a picture of `size` (rows, columns) axes of `room`, itself in the middle."""
    down, across = ((large - small) / 2 + 0.5 for large, small in zip(room, size, strict=True))
    ax.set_xlim(-across, size[1] + across - 1)
    ax.set_ylim(size[0] + down - 1, -down)
    ax.spines[:].set_visible(False)


def _draw_picture(ax: Axes, array: np.ndarray) -> Any:
    """Draw one picture without ticks; returns the image when it has signs and so needs a colour bar."""
    ax.set_xticks([])
    ax.set_yticks([])
    if array.ndim == 3:
        ax.imshow(array.transpose(1, 2, 0).clip(0, 1))
        return None
    if array.min() >= 0:
        ax.imshow(array, cmap="gray", vmin=0, vmax=max(1.0, float(array.max())))
        return None
    limit = float(np.percentile(np.abs(array), 98)) or float(
        np.abs(array).max()
    )  # a few extremes hide the rest
    return ax.imshow(array, cmap=style.SIGNED, vmin=-limit, vmax=limit)


# --- template matching ------------------------------------------------------------------------------------

FIGURE_HEIGHT, FIGURE_WIDTH = 18, 12


def crowd(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A crowd of little people under a lamp, and a cut-out of one of them in weaker light.

    Returns the picture, (124, 170), and the cut-out, (18, 12); grey from 0 to 1. The person is there once.
    """
    rng = np.random.default_rng(seed)
    picture = 0.28 + 0.05 * rng.random((124, 170))
    cut_out = np.zeros((FIGURE_HEIGHT, FIGURE_WIDTH))
    for number, (row, column) in enumerate(np.ndindex(6, 12)):
        top, left = 2 + 20 * row + rng.integers(3), 1 + 14 * column + rng.integers(3)
        place = picture[top : top + FIGURE_HEIGHT, left : left + FIGURE_WIDTH]
        person, mask = _person(rng, wanted=number == 56)
        place[mask] = person[mask]
        if number == 56:
            cut_out = 0.1 + 0.6 * place
    return _under_lamp(picture), cut_out


def _person(rng: np.random.Generator, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """A person of 18 x 12 pixels and where it covers the background. Only one has narrow stripes across."""
    y, x = np.mgrid[:FIGURE_HEIGHT, :FIGURE_WIDTH]
    head = (y - 5) ** 2 + (x - 5.5) ** 2 < 10
    body = (y >= 9) & (np.abs(x - 5.5) < 4.5 - 0.1 * (y - 9))
    hat = (y <= 3) & (np.abs(x - 5.5) < 1 + y)
    stripes = [np.zeros_like(x), x % 4 < 2, y % 6 < 3, (x + y) % 4 < 2][
        rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])
    ]
    person = np.zeros((FIGURE_HEIGHT, FIGURE_WIDTH))
    person[body] = rng.uniform(0.05, 0.5) + 0.25 * stripes[body]
    person[head] = rng.uniform(0.45, 0.75)
    person[hat] = rng.uniform(0.05, 0.7)
    if wanted:
        person[body] = np.where(y % 4 < 2, 0.75, 0.1)[body]
        person[hat], person[head & ~hat] = 0.75, 0.55
    person[5, 4] = person[5, 7] = 0.1
    return person, head | body | hat


def _under_lamp(picture: np.ndarray) -> np.ndarray:
    """More light in the upper right corner."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    lamp = np.exp(-((y - 18) ** 2 + (x - 140) ** 2) / (2 * 20**2))
    return np.clip(picture + 0.6 * lamp, 0, 1)


def show_match(image: Any, template: Any, place: Sequence[int], scores: Any = None) -> None:
    """The picture with a box at `place`, and to the same scale the map of scores with a ring there.

    place: (row, column) of the box's upper left corner. scores: the map to show; the normalised
    cross-correlation when None.
    """
    image, template = np.asarray(image, dtype=float), np.asarray(template, dtype=float)
    name = "correlation" if scores is not None else "normalised correlation"
    scores = _normalised(image, template) if scores is None else np.asarray(scores, dtype=float)
    row, column = (int(number) for number in place)
    fig = style.figure(10.5, 4.0)
    picture, scored = fig.subplots(1, 2, sharex=True, sharey=True)
    picture.imshow(image, cmap="gray", vmin=0, vmax=1)
    style.outline(picture, row - 0.5, column - 0.5, *template.shape)
    picture.set_title(f"best place: row {row}, column {column}", fontsize=10)
    picture.set_xlabel("column")
    picture.set_ylabel("row")
    drawn = scored.imshow(scores, cmap="viridis")
    for colour, width in (("white", 5), (style.INK, 2)):  # to be seen on dark and on bright
        scored.plot(column, row, "o", mfc="none", mec=colour, markersize=15, markeredgewidth=width)
    scored.set_title("map of scores, each at its window's upper left corner", fontsize=10)
    scored.set_xlabel("column of the window")
    scored.set_xlim(-0.5, image.shape[1] - 0.5)
    scored.set_ylim(image.shape[0] - 0.5, -0.5)
    fig.colorbar(drawn, ax=[picture, scored], shrink=0.8, label=name)
    inside = style.number(scores[row, column]) if row < len(scores) and column < scores.shape[1] else "none"
    style.show(
        fig, f"A picture, a box at row {row}, column {column}, and the map of scores; there: {inside}."
    )


def _normalised(image: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The map that a correct `match_template` looks at, from the exercise's own PyTorch reference."""
    import torch

    from cs_utils.exercises.nb01_correlation import similarity

    return torch.nan_to_num(similarity(torch.from_numpy(image), torch.from_numpy(template))).numpy()


# --- what first layers learn ------------------------------------------------------------------------------


def first_layer_filters() -> np.ndarray:
    """24 filters like those that first layers learn, made by formula: array (24, 3, 11, 11), rows RGB.

    0 to 15: grey edges and stripes (Gabor functions) at eight angles, coarse and fine. 16 to 23: opposing
    colours, blobs and edges. Each sums to 0 over all its numbers, and its largest magnitude is 1.
    """
    y, x = np.mgrid[-5:6, -5:6]
    bell = np.exp(-(x**2 + y**2) / (2 * 2.6**2))
    filters = []
    for number in range(16):
        angle = (number % 8) * np.pi / 8
        across = x * np.cos(angle) + y * np.sin(angle)
        stripes = bell * np.sin(across * (0.55 if number < 8 else 1.2))
        filters.append(np.stack([stripes] * 3))
    orange, green = np.array([1.0, 0.0, -1.0]), np.array([-0.5, 1.0, -0.5])
    for number in range(8):
        colour = (orange, -orange, green, -green)[number % 4]
        shape = bell if number >= 4 else bell * np.sin(0.55 * (x if number < 2 else y))
        filters.append(colour[:, None, None] * shape)
    stack = np.stack(filters)
    stack -= stack.mean(axis=(1, 2, 3), keepdims=True)
    return stack / np.abs(stack).max(axis=(1, 2, 3), keepdims=True)


def show_filters(filters: Any) -> None:
    """Filters (D, 3, h, w) as small colour pictures with their numbers; grey is zero."""
    filters = np.asarray(filters, dtype=float)
    down = math.ceil(len(filters) / 8)
    fig = style.figure(8.5, 1.2 * down)
    axes = fig.subplots(down, 8, squeeze=False).flatten()
    for ax in axes:
        ax.axis("off")
    for number, (ax, weights) in enumerate(zip(axes, filters, strict=False)):
        limit = float(np.abs(weights).max()) or 1.0
        ax.imshow((0.5 + weights / (2 * limit)).transpose(1, 2, 0))
        ax.set_title(str(number), fontsize=8)
    style.show(
        fig, f"{len(filters)} small filters: edges and stripes in all directions, and opposing colours."
    )
