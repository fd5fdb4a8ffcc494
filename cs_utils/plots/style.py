"""What the figures of the course share: colours, boxes with numbers, and how a figure is shown.

Figures are made without pyplot, so that importing this package opens no window and leaves no state behind.
Colours are those of Okabe and Ito, which colour-blind readers can tell apart; what matters also differs in
lightness or hatching, so that it survives a grey print.
"""

from __future__ import annotations

import base64
import html
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY, INK = "#56B4E9", "#CC79A7", "#999999", "#222222"
# Fills of boxes with numbers in them: light enough to read black on them.
INPUT_FILL, KERNEL_FILL, OUTPUT_FILL, PADDING_FILL = "#D6E9F5", "#FBE3B0", "#BFE6D8", "#F2F2F2"
SIGNED = "PuOr_r"  # orange for positive, white for 0, purple for negative
DPI = 110


def figure(width: float, height: float) -> Figure:
    """An empty figure, `width` x `height` inches."""
    roomy = ConstrainedLayoutEngine(h_pad=0.1)  # less, and a title at the upper edge is cut
    return Figure(figsize=(width, height), dpi=DPI, layout=roomy)


def png(fig: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", facecolor="white")
    return buffer.getvalue()


def show(fig: Figure, alt: str) -> None:
    """Show a figure under the cell, with a sentence for readers who cannot see it.

    Outside of a notebook the sentence is printed. Pages made with nbconvert's default template take no
    description from a PNG's metadata, so the picture comes as an HTML tag as well, which viewers prefer.
    """
    if in_notebook():
        from IPython.display import display

        picture = png(fig)
        display(
            {"text/html": _tag(picture, alt), "image/png": picture, "text/plain": f"Figure: {alt}"},
            raw=True,
            metadata={"image/png": {"alt": alt}},
        )
    else:
        print(f"Figure: {alt}")


def _tag(picture: bytes, alt: str) -> str:
    """A PNG file as an HTML tag that carries the picture and its description."""
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'


def in_notebook() -> bool:
    """True where IPython can display pictures."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def number(value: float) -> str:
    """A number as short as it can be said: ``3``, ``-0.25``, ``1.2``."""
    return f"{round(float(value), 2):g}".replace("-", "−")


def boxes(
    ax: Axes,
    values: Any,
    *,
    row: float = 0,
    column: float = 0,
    fill: str = INPUT_FILL,
    edge: str = INK,
    size: float = 11,
    padding: tuple[int, int] = (0, 0),
) -> None:
    """Draw a 1-D or 2-D array as boxes with numbers, its upper left corner at (row, column).

    One box is one unit of the axes; `padding` outer rows and columns are hatched. NaN gives an empty box.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    height, width = values.shape
    for (r, c), value in np.ndenumerate(values):
        inner = padding[0] <= r < height - padding[0] and padding[1] <= c < width - padding[1]
        ax.add_patch(
            Rectangle(
                (column + c, row + r),
                1,
                1,
                facecolor=fill if inner else PADDING_FILL,
                edgecolor=edge if inner else GREY,
                hatch=None if inner else "////",
                linewidth=0.8,
            )
        )
        if not np.isnan(value):
            ax.text(column + c + 0.5, row + r + 0.5, number(value), ha="center", va="center", fontsize=size)


def outline(ax: Axes, row: float, column: float, height: float, width: float, colour: str = RED) -> None:
    """A thick frame around boxes."""
    frame = Rectangle((column, row), width, height, fill=False, edgecolor=colour, linewidth=2.5, zorder=3)
    ax.add_patch(frame)


def blank(ax: Axes, rows: float, columns: float, top: float = 0, left: float = 0) -> None:
    """Axes without ticks in units of boxes, the first row on top."""
    ax.set_xlim(left - 0.1, columns + 0.1)
    ax.set_ylim(rows + 0.1, top - 0.1)
    ax.set_aspect("equal")
    ax.axis("off")


def explore(
    draw: Callable[..., Figure],
    sliders: Mapping[str, tuple[int, int, int]],
    *,
    fallback: Callable[[], Figure],
    alt: str,
) -> None:
    """Sliders over the figure ``draw(name=value, ...)``.

    sliders: name -> (lowest, highest, first value). The figure of `fallback` is shown where ipywidgets is not
    installed, and is folded under the sliders for viewers in which they stay blank: a saved page, GitHub.
    """
    widget = _widget(draw, sliders) if in_notebook() else None
    if widget is None:
        show(fallback(), alt)
        return
    from IPython.display import display

    display(widget)
    summary = "<summary>No sliders here? The same as a picture</summary>"
    folded = f"<details>{summary}{_tag(png(fallback()), alt)}</details>"
    display({"text/html": folded, "text/plain": f"Figure: {alt}"}, raw=True)


def _widget(draw: Callable[..., Figure], ranges: Mapping[str, tuple[int, int, int]]) -> Any:
    """The sliders above the picture, or None without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return None
    sliders = {
        name: ipywidgets.IntSlider(first, low, high, description=name, continuous_update=False)
        for name, (low, high, first) in ranges.items()
    }

    def drawn() -> bytes:
        return png(draw(**{name: slider.value for name, slider in sliders.items()}))

    picture = ipywidgets.Image(value=drawn(), format="png")

    def redraw(change: Any) -> None:
        picture.value = drawn()

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    return ipywidgets.VBox([*sliders.values(), picture])
