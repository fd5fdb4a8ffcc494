"""The figures of notebook 02 say what is true of what they are given, and draw whatever a student passes."""

from __future__ import annotations

import io

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from cs_utils import plots
from cs_utils.plots import shapes, style


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(shapes, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def texts(fig):
    """Everything that is written in a figure."""
    return [text.get_text() for ax in fig.axes for text in (*ax.texts, ax.title) if text.get_text()]


def ink(fig):
    """Share of the pixels that are not white."""
    return float((imread(io.BytesIO(style.png(fig)))[..., :3] < 1).any(axis=-1).mean())


@pytest.mark.parametrize("size", [1, 5, 8, 13])
@pytest.mark.parametrize(
    "options", [{}, {"stride": 2}, {"stride": 3, "padding": 2}, {"dilation": 2}, {"stride": 5, "dilation": 3}]
)
def test_the_windows_are_those_of_pytorch(size, options):
    padding = options.get("padding", 0)
    try:
        wanted = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, 3), **options).shape[-1]
    except RuntimeError:
        wanted = 0
    columns = range(-padding, size + padding)
    found = list(shapes._windows(columns, 3, options.get("stride", 1), options.get("dilation", 1)))
    assert len(found) == wanted
    assert all(column in columns for window in found for column in window)


def test_the_windows_figure_counts_the_windows_and_names_what_is_never_read(shown):
    plots.show_windows(8, 3, stride=2)
    plots.show_windows(7, 3, padding=1)
    plots.show_windows(2, 5)
    (_, remainder), (_, padded), (_, nothing) = shown
    assert "3 windows" in remainder and "column 7 (hatched) is never read" in remainder
    assert "7 windows" in padded and "every column is read" in padded
    assert "does not fit" in nothing


def test_the_explorer_falls_back_to_examples_without_widgets(capsys):
    plots.explore_windows()
    assert "Figure: The windows of four kernels" in capsys.readouterr().out
    assert len(shapes._examples().axes) == 4


def test_moving_a_slider_draws_the_windows_anew(monkeypatch):
    made = []
    monkeypatch.setattr(shapes, "explore", lambda draw, sliders, **rest: made.append((draw, sliders)))
    plots.explore_windows()
    box = style._widget(*made[0])
    *sliders, picture = box.children
    assert [slider.description for slider in sliders] == [
        *("size", "kernel_size", "stride", "padding", "dilation")
    ]
    before = picture.value
    sliders[0].value += 3
    assert picture.value != before
    assert picture.value == style.png(shapes.windows_figure(13, 3, 3, 1, 1)[0])


def test_every_setting_of_the_explorer_can_be_drawn():
    for settings in ((1, 9, 6, 0, 4), (24, 1, 1, 4, 1), (1, 1, 1, 0, 1), (24, 9, 6, 4, 4)):
        fig, sentence = shapes.windows_figure(*settings)
        assert ink(fig) > 0.005
        assert sentence.endswith(".")


def test_dilation_adds_holes_and_no_weights(shown):
    plots.show_dilations(3, (1, 2, 3))
    fig, _ = shown[0]
    for ax, width in zip(fig.axes, (3, 5, 7), strict=True):
        assert len(ax.patches) == width**2
        assert [text.get_text() for text in ax.texts] == ["w"] * 9


def test_the_numbers_of_the_border_are_in_the_boxes(shown):
    x = np.arange(1.0, 5).reshape(2, 2)
    plots.show_paddings(x, {"zeros": np.pad(x, 1), "a pair": np.pad(x, ((0, 0), (2, 2)))})
    fig, _ = shown[0]
    zeros, pair = fig.axes
    assert sorted(text.get_text() for text in zeros.texts) == sorted(["0"] * 12 + list("1234"))
    assert sorted(text.get_text() for text in pair.texts) == sorted(["0"] * 8 + list("1234"))
    inside = [patch.get_xy() for patch in pair.patches if patch.get_facecolor() == to_rgba(style.INPUT_FILL)]
    assert sorted(inside) == [(2, 0), (2, 1), (3, 0), (3, 1)]
    assert not any(patch.get_hatch() for ax in fig.axes for patch in ax.patches)


def test_only_the_columns_of_the_input_carry_numbers(shown):
    plots.show_windows(5, 3, padding=1)
    fig, sentence = shown[0]
    assert texts(fig) == list("01234")
    assert "Grey: padded zeros" in sentence


def test_a_picture_in_a_page_made_with_nbconvert_has_its_description(tmp_path):
    code = "from cs_utils import plots\nplots.show_windows(8, 3, stride=2)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert 'alt="3 windows, so 3 output numbers; column 7 (hatched) is never read."' in page
    assert "No description has been provided" not in page
    assert "image/png" in notebook.cells[0].outputs[0].data, "a PDF is made from this one"


@pytest.mark.parametrize(
    ("layers", "counts"),
    [
        ([(3, 1, 1)], [3, 1]),
        ([(3, 1, 1)] * 2, [5, 3, 1]),
        ([(3, 2, 1), (3, 1, 1), (3, 1, 1)], [11, 5, 3, 1]),
        ([(3, 1, 2), (2, 2, 1)], [6, 2, 1]),
        ([(2, 1, 3)], [2, 1]),
    ],
)
def test_the_receptive_field_figure_fills_what_autograd_reaches(shown, layers, counts):
    assert [len(numbers) for numbers in shapes._seen(layers)] == counts
    x = torch.ones(1, 1, 40, requires_grad=True)
    y = x
    for kernel, stride, dilation in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel), stride=stride, dilation=dilation)
    y[0, 0, 0].backward()
    assert torch.nonzero(x.grad[0, 0]).flatten().tolist() == shapes._seen(layers)[0]
    plots.show_receptive_field(layers)
    assert f"{counts[0]} inputs" in texts(shown[0][0])


NET = [("Conv2d", {}), ("ReLU", {}), ("Flatten", {}), ("Linear", {})]
SHAPES = [(1, 4, 6, 6), (1, 4, 6, 6), (1, 144), (1, 10)]


def test_the_network_figure_shows_every_shape_once_and_the_parameters(shown):
    plots.show_network((1, 1, 8, 8), NET, SHAPES, {0: 40, 3: 1450})
    assert "ReLU changes no shape and is not drawn" in shown[0][1]
    written = texts(shown[0][0])
    assert written[::2] == ["input", "Conv2d", "Flatten", "Linear"]
    assert written[1::2] == ["1×8×8", "4×6×6\n40", "144", "10\n1,450"]


def test_the_network_figure_also_takes_shapes_as_lists_and_numpy_numbers(shown):
    plots.show_network((1, 1, 8, 8), NET, [[np.int64(n) for n in shape] for shape in SHAPES])
    assert "4×6×6" in texts(shown[0][0])


def test_the_bars_say_the_number_the_share_and_the_whole(shown):
    plots.show_shares({"small": 25, "large": 975}, what="multiply-adds")
    fig, sentence = shown[0]
    assert texts(fig) == ["25  (2.50%)", "975  (97.50%)"]
    assert sentence == "Number of multiply-adds of each layer; 1,000 in all."


@pytest.mark.parametrize(
    ("size", "text"), [(912, "912 B"), (5.76e10, "57.6 GB"), (1000, "1 kB"), (3e12, "3 TB"), (1, "1 B")]
)
def test_bytes_are_told_in_the_unit_that_fits(size, text):
    assert shapes._bytes(size) == text


def test_every_figure_has_a_sentence_that_fits_under_it(shown):
    plots.show_memory({"a": 912, "b": 5.76e10})
    plots.show_receptive_field([(3, 1, 1)])
    plots.show_dilations(2, (1,))
    plots.show_paddings(np.ones((1, 2)), {"zeros": np.zeros((3, 4))})
    plots.show_network((1, 1, 8, 8), NET, SHAPES)
    for fig, sentence in shown:
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        under = fig._supxlabel.get_window_extent(canvas.get_renderer())
        assert sentence.split()[0] in fig._supxlabel.get_text()
        assert under.x0 >= 0, sentence
        assert under.x1 <= fig.bbox.x1, sentence
