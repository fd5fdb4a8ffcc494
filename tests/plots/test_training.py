"""The figures of notebook 07 show the numbers that they are given, and say in words what is to be seen."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba

from cs_utils import plots
from cs_utils.plots import style, training


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(training, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_the_bars_are_the_numbers_and_the_label_is_hatched(shown):
    plots.show_scores([1.0, 2.0, -1.0], [0.25, 0.7, 0.05], [0.25, -0.3, 0.05], label=1)
    fig, sentence = shown[0]
    scores, probabilities, gradient = fig.axes
    assert [bar.get_height() for bar in probabilities.patches] == [0.25, 0.7, 0.05]
    assert [bool(bar.get_hatch()) for bar in gradient.patches] == [False, True, False]
    assert texts(scores) == ["1.00", "2.00", "-1.00"]
    assert "gradient 0.25, -0.30, 0.05" in sentence
    assert "add up to 0." in fig._supxlabel.get_text().replace("\n", " ")


def test_every_activation_is_counted_once_and_large_ones_in_the_last_bar(shown):
    small, large = np.full((3, 4), 0.1), np.array([[0.1, 2.0], [100.0, np.inf]])
    plots.show_activations({"small": [small, small], "large": [small, large]}, layers=(1, 2))
    fig, sentence = shown[0]
    for ax in fig.axes:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1)
    last = fig.axes[-1].patches[-1]
    assert last.get_height() == 0.5 and last.get_hatch()
    assert [ax.get_title() for ax in fig.axes] == [
        *("small, layer 1", "small, layer 2", "large, layer 1", "large, layer 2")
    ]
    assert "small: 0.10, 0.10; large: 0.10, inf" in sentence


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.50"), (2.0, "2.00"), (3e-9, "3e-09"), (7e4, "7e+04")])
def test_the_size_of_a_signal_is_its_root_mean_square(value, text):
    assert training._size(np.array([value, -value])) == text
    assert training._size(np.array([3.0, 4.0])) == f"{np.sqrt(12.5):.2f}"


def test_a_dropped_unit_is_crossed_out_and_has_no_connections(shown):
    plots.show_thinned((2, 3, 1), [[np.array([True, False, True])], [np.array([False] * 3)]])
    fig, sentence = shown[0]
    whole, one, none = fig.axes
    assert [len(ax.lines) for ax in (whole, one, none)] == [2 * 3 + 3, 2 * 2 + 2, 0]
    crosses = [sum(len(dots.get_offsets()) for dots in ax.collections[2::3]) for ax in fig.axes]
    assert crosses == [0, 1, 3]
    assert "1, 3 of its hidden units dropped" in sentence


def test_masks_show_the_numbers_that_are_left_and_the_average_of_all_calls(shown):
    outs = [np.array([2.0, 0, 6]), np.array([0, 4.0, 6]), np.array([4.0, 0, 0])]
    plots.show_masks([1, 2, 3], outs, average_of=2)
    fig, sentence = shown[0]
    (ax,) = fig.axes
    numbers = [text for text in texts(ax) if text.replace(".", "").isdigit()]
    assert numbers == ["1", "2", "3", "2", "6", "4", "6", "2", "1.33", "4"]
    assert {"x", "call 1", "call 2", "average of 3"} <= set(texts(ax))
    assert sum(bool(patch.get_hatch()) for patch in ax.patches) == 2
    assert "2 calls dropped 1, 1 of 3 numbers" in sentence


def test_the_average_is_that_of_the_answers_so_far(shown):
    plots.show_average([1.0, 3.0, 5.0, -1.0], 2.0)
    fig, sentence = shown[0]
    histogram, running = fig.axes
    assert sum(bar.get_height() for bar in histogram.patches) == 4
    np.testing.assert_allclose(running.lines[0].get_ydata(), [1, 2, 3, 2])
    assert "4 thinned networks answer between -1.00 and 5.00, on average 2.000" in sentence


def test_clouds_draw_every_point_once_with_its_class(shown):
    points, labels = np.arange(10.0).reshape(5, 2), np.array([0, 1, 1, 2, 0])
    plots.show_clouds({"a": points, "b": points[:2]}, [labels, labels[:2]], axes=("x", "y"))
    plots.show_clouds({"a": points}, labels, axes=("x", "y"))
    for (fig, sentence), counts in zip(shown, ([5, 2], [5]), strict=True):
        drawn = [sum(len(dots.get_offsets()) for dots in ax.collections) for ax in fig.axes]
        assert drawn == counts
        assert "a: 5 points, x from 0 to 8, y from 1 to 9" in sentence
    colours = {tuple(dots.get_facecolor()[0][:3]) for dots in shown[1][0].axes[0].collections}
    assert colours == {to_rgba(colour)[:3] for colour, _ in training.MARKS}


def test_loss_curves_are_cut_off_where_they_run_away(shown):
    plots.show_losses({"good": [2.0, 1.0, 0.5], "bad": [2.0, 80.0, np.inf]}, level=("ln 3", 1.1))
    plots.show_losses({"good": [2.0, 1.0, 0.5]})
    (fig, sentence), (calm, _) = shown
    (ax,) = fig.axes
    assert ax.get_ylim()[1] == 8
    assert calm.axes[0].get_ylim()[1] < 8
    assert texts(ax) == ["ln 3"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["good", "bad"]
    assert "good: 2 to 0.5; bad: 2 to inf" in sentence


def test_losses_that_are_nan_from_the_start_are_no_error(shown):
    plots.show_losses({"lost": [np.nan, np.nan]})
    fig, sentence = shown[0]
    FigureCanvasAgg(fig).draw()
    assert "lost: nan to nan" in sentence


def test_every_figure_has_a_sentence_that_fits_under_it(shown):
    rng = np.random.default_rng(0)
    plots.show_scores(rng.normal(size=4), rng.random(4), rng.normal(size=4), label=2)
    plots.show_activations({"one way": [rng.random((4, 5))] * 16})
    plots.show_thinned((5, 5, 5, 5, 1), [[rng.random(5) < 0.5] * 3] * 3)
    plots.show_masks(np.arange(1.0, 9), [rng.integers(2, size=8) * np.arange(2.0, 18, 2) for _ in range(9)])
    plots.show_average(rng.normal(size=50), 0.0)
    plots.show_clouds({"a": rng.normal(size=(9, 2))}, rng.integers(3, size=9), axes=("x", "y"))
    plots.show_losses({f"lr {lr}": rng.random(9) + 0.1 for lr in range(6)})
    assert len(shown) == 7
    for fig, sentence in shown:
        FigureCanvasAgg(fig).draw()
        under = fig._supxlabel.get_window_extent()
        assert sentence.endswith(".")
        assert under.x0 >= 0 and under.x1 <= fig.bbox.x1, sentence
        assert len(style.png(fig)) > 5000
