"""The figures of notebook 05 show what PyTorch says, in words too, and draw whatever a student passes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.image import imread

from cs_utils import plots
from cs_utils.plots import pooling, style

CENTRE = np.array([[1.0, 4, 2], [3, 8, 5], [6, 0, 7]])


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(style, "show", lambda fig, alt: seen.append((fig, alt)))
    return seen


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in (*ax.texts, ax.title) if text.get_text()]


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"),
    [
        ((4, 4), 2, None, 0),
        ((5, 5), 3, 2, 0),
        ((3, 6), (1, 2), (2, 1), (0, 1)),
        ((6, 5), (3, 2), (1, 3), (1, 0)),
    ],
)
def test_winners_and_shares_are_those_of_autograd(shape, kernel, stride, padding):
    x = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape).astype(float)
    pooled = pooling.Pooled(x, kernel, stride, padding)
    tensor = torch.from_numpy(x)[None, None].requires_grad_()
    out = F.max_pool2d(tensor, kernel, stride, padding)
    dout = torch.arange(1.0, 1 + out.numel(), dtype=torch.float64).reshape(out.shape)
    (dx,) = torch.autograd.grad(out, tensor, dout)
    found = np.zeros(shape)
    for place, shares in pooled.shares(dout[0, 0].numpy()).items():
        found[place] = sum(share for _, share in shares)
    np.testing.assert_array_equal(found, dx[0, 0].numpy())
    np.testing.assert_array_equal(pooled.out, out[0, 0].detach().numpy())


def test_the_forward_figure_shows_all_numbers_and_frames_the_winners(shown):
    plots.show_max_pooling(CENTRE, 2, stride=1)
    fig, sentence = shown[0]
    assert sorted(texts(fig)) == sorted(["x", "out", *"142385607", *"8888"])
    framed = [patch.get_xy() for patch in fig.axes[0].patches if patch.get_linewidth() > 2]
    assert framed == [(1, 1)]
    assert sentence.startswith("2 × 2 windows of 2 × 2") and "several windows" in sentence


def test_the_border_of_a_max_pooling_is_drawn_as_minus_infinity(shown):
    plots.show_max_pooling(-CENTRE, 3, stride=2, padding=1)
    written = texts(shown[0][0])
    assert written.count("−∞") == 16
    assert written[-2:] == ["x", "out"]


def test_windows_side_by_side_have_tints_of_their_own(shown):
    plots.show_max_pooling(np.arange(16.0).reshape(4, 4), 2)
    fig, sentence = shown[0]
    fills = [patch.get_facecolor() for patch in fig.axes[0].patches[:16]]
    assert len(set(fills)) == 4 and to_rgba("white") not in fills
    assert sentence.endswith("Each window has its own tint.")


def test_the_routing_figure_adds_up_what_one_winner_gets(shown):
    plots.show_routing(CENTRE, [[1, 2], [3, 4]], 2, stride=1)
    fig, sentence = shown[0]
    assert "Σ=10" in texts(fig)
    assert "8 of 9 inputs get 0. Row 1, column 1 won 4 windows: 1 + 2 + 3 + 4 = 10." in sentence
    arrows = [text for text in fig.axes[0].texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4


def test_two_shares_are_written_out(shown):
    plots.show_routing(np.array([[1.0, 5, 2], [0, 3, 4]]), [[2, 7]], 2, stride=1)
    assert "2+7\n=9" in texts(shown[0][0])


def test_a_wrong_shape_is_refused_in_words():
    with pytest.raises(ValueError, match=r"dout has shape \(3, 3\)"):
        plots.show_routing(CENTRE, np.ones((3, 3)), 2, stride=1)
    with pytest.raises(ValueError, match=r"one picture \(H, W\)"):
        plots.show_max_pooling(CENTRE[None], 2)


def test_tables_say_their_numbers_in_words(shown):
    plots.show_tables({"dout": [[4, 4]], "dx": np.array([[1.0, 0.25]])})
    fig, sentence = shown[0]
    assert sentence == "Tables side by side: dout: 4 4; dx: 1 0.25"
    assert texts(fig) == ["4", "4", "dout", "1", "0.25", "dx"]


def test_the_wandering_spot_is_counted(shown):
    pictures = np.eye(6)
    plots.show_spots(pictures, pictures.reshape(6, 3, 2).max(axis=2), kernel_size=2)
    fig, sentence = shown[0]
    assert [text for text in texts(fig) if text in ("the same", "moved on")] == [
        *("the same", "moved on", "the same", "moved on", "the same")
    ]
    assert "3 of 5 steps leave the pooled row as it was" in sentence


def test_the_curves_are_labelled_and_told(shown):
    plots.show_shift_errors({"convolution": [0, 0.5], "pooled": np.array([0, 0.25])}, range(2))
    fig, sentence = shown[0]
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["convolution", "pooled"]
    assert sentence.endswith("convolution: 0, 0.5; pooled: 0, 0.25.")


def test_the_kernels_of_a_weight_stand_in_rows_of_outputs(shown):
    w = np.zeros((2, 3, 1, 2))
    w[0, 0] = 0.5
    plots.show_kernels(w)
    fig, sentence = shown[0]
    assert {"input 0", "input 2", "output 0", "output 1"} <= set(texts(fig))
    assert (
        sentence == "2 filters, each with one kernel for each of 3 input channels. 2 of 12 weights are not 0."
    )


def test_every_figure_is_drawn_and_its_sentence_fits_under_it(shown):
    plots.show_max_pooling(CENTRE, 3)
    plots.show_routing(np.eye(2), [[1]], 2)
    plots.show_spots(np.eye(4), np.eye(4), kernel_size=1)
    plots.show_kernels(np.ones((1, 1, 1, 1)))
    for fig, sentence in shown:
        assert (imread(io.BytesIO(style.png(fig)))[..., :3] < 1).any()
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        under = fig._supxlabel.get_window_extent(canvas.get_renderer())
        assert under.x0 >= 0 and under.x1 <= fig.bbox.x1, sentence
