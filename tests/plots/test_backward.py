"""The figures of notebook 04 show what PyTorch says, in words too, and the steps of the derivation."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from cs_utils import plots
from cs_utils.plots import backward, style

RNG = np.random.default_rng(0)


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(style, "show", lambda fig, alt: seen.append((fig, alt)))
    return seen


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def numbers(ax):
    """The numbers that stand in boxes, row by row."""
    inside = [text for text in ax.texts if text.get_ha() == "center" and text.get_text()]
    inside.sort(key=lambda text: (text.get_position()[1], text.get_position()[0]))
    return [float(text.get_text().replace("−", "-")) for text in inside]


def dotted(ax):
    """(row, column) of the boxes that are marked as covered more than once."""
    return {
        (int(patch.get_y()), int(patch.get_x())) for patch in ax.patches if "." in (patch.get_hatch() or "")
    }


# --- what one input pixel reaches -------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0, 0), (2, 3), (4, 5), (1, 5), (4, 0)])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 3), (1, 1), (4, 2)])
def test_the_weights_of_a_pixel_are_its_derivatives(place, kernel):
    x = torch.from_numpy(RNG.normal(size=(1, 1, 5, 6))).requires_grad_()
    w = RNG.normal(size=kernel)
    pixel = backward.Pixel((5, 6), w, place)
    y = F.conv2d(x, torch.from_numpy(w)[None, None])[0, 0]
    assert pixel.outputs == tuple(y.shape)
    weights = np.nan_to_num(pixel.so_far(w.size))
    for at in np.ndindex(*y.shape):
        (dx,) = torch.autograd.grad(y[at], x, retain_graph=True)
        assert weights[at] == pytest.approx(dx[0, 0][place].item())


def test_in_the_middle_the_weights_are_the_kernel_turned_around():
    pixel = backward.Pixel((5, 5), backward.KERNEL, (2, 2))
    np.testing.assert_array_equal(pixel.so_far(9), np.rot90(backward.KERNEL, 2))
    assert np.isnan(pixel.so_far(1)).sum() == 8


def test_an_output_that_does_not_exist_is_said_to_be_missing_and_left_out_of_the_sum():
    pixel = backward.Pixel((5, 5), backward.KERNEL, (0, 3))
    assert not pixel.exists((0, 0)) and pixel.exists((0, 1))
    assert pixel.step_text(1).endswith("y(0,3) does not exist")
    assert pixel.step_text(2) == "k(0,1) = 2 lies on x(0,3) in output y(0,2)"
    assert pixel.terms(9) == "dx(0,3) = 2·dy(0,2) + 3·dy(0,1)"
    assert pixel.terms(1) == "dx(0,3) = 0 + …"


def test_every_step_and_pixel_of_the_slider_can_be_drawn():
    for place in np.ndindex(3, 4):
        for step in (1, 2, 4):
            figure = backward.pixel_figure(backward.Pixel((3, 4), [[1, 2], [3, 4]], place), step)
            assert any(text.startswith(f"step {step}:") for text in texts(figure.axes[0]))


def test_without_sliders_two_pixels_are_shown_step_by_step(shown):
    plots.explore_input_pixel()
    ((figure, sentence),) = shown
    assert len(figure.axes) == 6
    assert "turned by 180 degrees" in sentence
    assert any("does not exist" in text for ax in figure.axes for text in texts(ax))


# --- three times the same, stamps, steps ------------------------------------------------------------------


def test_the_three_results_of_the_duality_are_those_of_autograd(shown):
    x, w = RNG.integers(0, 5, size=(4, 5)), RNG.integers(1, 5, size=(2, 3))
    dout = RNG.integers(0, 4, size=(3, 3))
    tensors = [torch.tensor(a, dtype=torch.float64)[None, None].requires_grad_() for a in (x, w)]
    y = F.conv2d(*tensors)
    dx, dw = torch.autograd.grad(y, tensors, torch.tensor(dout, dtype=torch.float64)[None, None])
    plots.show_duality(x, w, dout)
    figure, sentence = shown[0]
    for ax, wanted in zip(figure.axes, (y, dw, dx), strict=True):
        drawn = numbers(ax)
        for value in wanted.detach().flatten().tolist():
            assert value in drawn
    assert "only the way to x flips the kernel" in sentence


@pytest.mark.parametrize(("size", "kernel", "stride"), [((2, 2), (3, 3), 2), ((2, 3), (2, 1), 1)])
def test_the_sum_of_the_stamps_is_the_transposed_convolution(shown, size, kernel, stride):
    x = RNG.integers(1, 5, size=size).astype(float)
    w = RNG.integers(1, 5, size=kernel).astype(float)
    plots.show_stamps(x, w, stride=stride)
    *stamps, total = shown[0][0].axes[: x.size + 1]
    x4, w4 = (torch.from_numpy(a)[None, None] for a in (x, w))
    wanted = F.conv_transpose2d(x4, w4, stride=stride)[0, 0]
    assert numbers(total) == wanted.flatten().tolist()
    for ax, value in zip(stamps, x.flat, strict=True):
        assert numbers(ax) == (value * w).flatten().tolist()
        assert texts(ax)[-1] == f"{value:g} × kernel"


def test_places_under_several_stamps_are_dotted_and_told(shown):
    plots.show_stamps(np.ones((2, 2)), np.ones((3, 3)), stride=2)
    figure, sentence = shown[0]
    assert dotted(figure.axes[4]) == {at for at in np.ndindex(5, 5) if 2 in at}
    assert "overlap, at most 4" in sentence


def test_stamps_that_do_not_overlap_are_said_not_to(shown):
    plots.show_stamps(np.ones((2, 2)), np.ones((2, 2)), stride=2)
    figure, sentence = shown[0]
    assert not dotted(figure.axes[4])
    assert sentence.endswith("no two of them overlap.")


def test_columns_are_laid_where_fold_puts_them(shown):
    cols = np.arange(1.0, 17).reshape(4, 4)
    plots.show_columns_home(cols, (3, 3), (2, 2))
    axes = shown[0][0].axes
    assert numbers(axes[4]) == [1, 7, 6, 12, 34, 22, 11, 27, 16]
    assert [numbers(ax) for ax in axes[:4]] == cols.T.tolist()


def test_the_best_step_of_each_method_is_told(shown):
    plots.show_step_errors([0.1, 0.01, 0.001], {"one-sided": [3, 2, 1], "central": [3, 1e-20, 0.0]})
    assert shown[0][1].startswith("one-sided: smallest at h = 1e-3; central: smallest at h = 1e-3.")


def test_all_figures_can_be_drawn_as_wide_as_a_notebook(shown):
    plots.show_step_errors([0.1, 0.01], {"central": [1e-3, 1e-5]})
    plots.explore_input_pixel()
    plots.show_duality(np.ones((4, 4)), np.ones((2, 2)), np.ones((3, 3)))
    plots.show_stamps(np.full((2, 2), 28.0467), np.full((3, 3), 1.016), stride=2)
    plots.show_columns_home(np.ones((9, 25)), (7, 7), (3, 3))
    assert len(shown) == 5
    for figure, sentence in shown:
        FigureCanvasAgg(figure).draw()
        assert imread(io.BytesIO(style.png(figure))).shape[1] <= 12 * style.DPI
        assert len(sentence) > 40
