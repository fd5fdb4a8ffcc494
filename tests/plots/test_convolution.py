"""The figures of notebook 03 say what is true of what they are given, and draw whatever a student passes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba

from cs_utils import plots
from cs_utils.plots import convolution, measured, style

X = np.array(
    [
        [[1.0, -2, 2, 2], [2, 1, 3, -2], [-2, 3, -3, 1], [-1, 2, -4, 2]],
        [[3, 0, 0, 0], [-2, -2, 1, -1], [2, -1, 3, 1], [5, -2, 0, 1]],
    ]
)
W = np.array([[[[1.0, -2], [-2, 1]], [[1, 0], [0, 1]]], [[[3, 1], [2, 2]], [[0, 0], [0, 4]]]])
B = np.array([0.1, 0.2])
KERNEL = np.array([[11, 12, 13], [21, 22, 23], [31, 32, 33]])


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown; every figure is drawn."""
    seen = []

    def show(fig, sentence):
        assert style.png(fig).startswith(b"\x89PNG")
        seen.append((fig, sentence))

    monkeypatch.setattr(style, "show", show)
    return seen


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def under(fig):
    return fig._supxlabel.get_text().replace("\n", " ")


# --- windows become columns -------------------------------------------------------------------------------


def test_the_numbers_of_the_columns_and_of_the_output_are_those_of_the_lecture():
    layer = convolution.Layer(X[None], W, B, 1, 0)
    assert layer.columns[:, 0].tolist() == [1, -2, 2, 1, 3, 0, -2, -2]
    np.testing.assert_allclose(layer.out[0], [3.1, -3.9, -10.9, 4.1, -12.9, 16.1, -3.9, 0.1, 9.1])
    assert layer.sum_text(0).endswith("1·3 + 0·0 + 0·(−2) + 1·(−2) + 0.1 = 3.1")


@pytest.mark.parametrize("place", [0, 4, 8])
def test_the_window_lies_where_its_column_comes_from(place):
    layer = convolution.Layer(X, W, None, 1, 0)
    row, column = layer.start(place)
    window = layer.x[:, row : row + 2, column : column + 2]
    assert window.reshape(-1).tolist() == layer.columns[:, place].tolist()


def test_columns_that_the_window_has_not_reached_are_empty():
    layer = convolution.Layer(X, W, B, 1, 0)
    filled = [len(texts(convolution.im2col_figure(layer, place))) for place in (0, 1, 8)]
    assert filled[1] - filled[0] == 8 + 2  # a column of 8, and 2 numbers of the output
    assert len(texts(convolution.im2col_figure(layer, 4, filled=9))) == filled[2]


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"stride": 2, "padding": (0, 1)}])
def test_the_figure_is_drawn_for_other_settings_and_more_channels(options):
    x, w = np.arange(36.0).reshape(3, 3, 4), np.ones((1, 3, 2, 2))
    layer = convolution.Layer(x, w, None, options.get("stride", 1), options.get("padding", 0))
    wanted = F.unfold(torch.from_numpy(x)[None], (2, 2), **options)[0].numpy()
    np.testing.assert_array_equal(layer.columns, wanted)
    assert under(convolution.im2col_figure(layer, 0)).startswith(f"Place 1 of {wanted.shape[1]}.")


def test_many_products_are_counted_instead_of_written_out():
    layer = convolution.Layer(np.ones((3, 3, 3)), np.ones((1, 3, 3, 3)), None, 1, 0)
    assert layer.sum_text(0) == "27 products and the bias 0 add up to 27"


def test_the_explorers_fall_back_to_a_picture_with_everything_in_it(capsys):
    plots.explore_im2col(X[None], W, B)
    plots.explore_toeplitz(KERNEL, 4, 4)
    told = capsys.readouterr().out
    assert "its 8 numbers are one column of a matrix with 9 columns" in told
    assert "A matrix of 4 rows and 16 columns" in told


# --- the layer as one matrix ------------------------------------------------------------------------------


def test_each_weight_stands_where_pytorch_uses_it():
    which = convolution._weights_at(KERNEL, 4, 4)
    x = np.random.default_rng(0).normal(size=16)
    matrix = np.where(which > 0, KERNEL.flat[which - 1], 0)
    signal, kernel = torch.from_numpy(x).reshape(1, 1, 4, 4), torch.from_numpy(KERNEL)[None, None].double()
    np.testing.assert_allclose(matrix @ x, F.conv2d(signal, kernel).flatten().numpy())


def test_the_row_of_the_matrix_and_the_window_are_drawn_side_by_side():
    fig = convolution.toeplitz_row_figure(KERNEL.astype(float), 4, 4, 2)
    assert "Row 2 of the matrix makes the output number in row 1, column 0." in under(fig)
    written = texts(fig)
    assert [text for text in written if text.startswith("x row")] == [f"x row {row}" for row in range(4)]
    assert written.count("11") == 1 + 4  # in the picture, and once in every row of the matrix


def test_a_small_matrix_is_shown_with_its_numbers_and_a_large_one_as_points(shown):
    plots.show_toeplitz(np.eye(3, 6), width=3)
    plots.show_toeplitz(np.eye(50, 60), width=10)
    (small, told), (large, also) = shown
    assert "3 rows, one for each output; 6 columns, one for each pixel; 3 are not zero." in told
    assert texts(small).count("0") == 15 + 1 and "x row 1" in texts(small)
    filled = [patch for patch in small.axes[0].patches if patch.get_facecolor() == to_rgba(style.KERNEL_FILL)]
    assert len(filled) == 3
    assert large.axes[0].images and "50 are not zero" in also


# --- layers and times -------------------------------------------------------------------------------------


def test_the_layer_figure_has_a_sheet_for_every_channel_filter_and_map(shown):
    plots.show_layer((3, 32, 32), (6, 3, 5, 5))
    fig, told = shown[0]
    frames = 2  # the window, and the number that it makes
    assert len(fig.axes[0].patches) == 3 + 6 * 3 + 6 + frames
    assert {"image 3×32×32", "weights 6×3×5×5", "output 6×28×28"} <= set(texts(fig))
    assert "3·5·5 = 75 products" in told


def test_the_bars_say_times_and_the_multiple_of_the_last(shown):
    plots.show_times({"loops": 2500.0, "im2col": 12.3, "PyTorch": 0.5})
    plots.show_times({"im2col": 12.3, "PyTorch": 10})
    (fig, told), _ = shown
    assert texts(fig) == ["2.5 s   × 5,000", "12 ms   × 25", "0.5 ms   × 1"]
    assert told.endswith("loops 2.5 s; im2col 12 ms; PyTorch 0.5 ms.")


def test_the_benchmark_is_drawn_as_it_was_measured(shown):
    plots.show_layer_benchmark()
    fig, told = shown[0]
    assert list(convolution.MEASURED_ROWS) == list(measured.RATIOS)
    for column, ax in enumerate(fig.axes):
        ratios = [each[column] for each in measured.RATIOS.values()]
        ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
        np.testing.assert_allclose(ends, ratios)
        labels = [f"× {ratio:.2f}" if ratio < 10 else f"× {ratio:,.0f}" for ratio in ratios]
        assert [text.get_text() for text in ax.texts] == labels
    assert fig.axes[0].get_title() == "64 images, 3 → 32 channels\n32×32, K=5, P=2"
    assert "convolution, im2col " + ", ".join(map(str, measured.RATIOS["conv_forward"])) in told


def test_the_text_beside_the_benchmark_holds(shown):
    plots.show_layer_benchmark()
    days = [float(number) for number in re.findall(r"\d+", under(shown[0][0]))]
    assert len(days) == 3 and min(days) >= 4 and max(days) > 14, "the loops take days and weeks"
    assert max(measured.RATIOS["conv_forward"]) < 2.5, "the fast layer two hours or so"
    assert max(measured.RATIOS["max_pool_forward"]) < 1, "max pooling beats PyTorch"


def test_every_figure_has_a_sentence_that_fits_under_it(shown):
    plots.show_toeplitz(np.eye(3, 6), width=3)
    plots.show_toeplitz(np.eye(50, 60), width=10)
    plots.show_layer((3, 32, 32), (6, 3, 5, 5))
    plots.show_layer_benchmark()
    figures = [fig for fig, _ in shown]
    figures += [convolution.toeplitz_row_figure(KERNEL.astype(float), 4, 4, row) for row in (0, 3)]
    figures += [convolution.im2col_figure(convolution.Layer(X, W, B, 1, 0), place) for place in (0, 8)]
    for fig in figures:
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        box = fig._supxlabel.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0 and box.x1 <= fig.bbox.x1, fig._supxlabel.get_text()
