"""The figures of notebook 06 say what is true of what they are given, and draw whatever a student passes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from matplotlib.patches import FancyArrowPatch, Rectangle

from cs_utils import plots
from cs_utils.plots import normalisation, style


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(normalisation.style, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def texts(ax):
    return [text.get_text() for text in ax.texts]


def ink(fig):
    """Share of the pixels that are not white."""
    return float((imread(io.BytesIO(style.png(fig)))[..., :3] < 1).any(axis=-1).mean())


@pytest.mark.parametrize(("images", "channels", "groups"), [(3, 6, 2), (2, 4, 4), (1, 3, 1)])
def test_blue_are_the_numbers_that_share_the_first_mean(shown, images, channels, groups):
    plots.show_averaging(images, channels, groups=groups)
    (fig, _) = shown[0]
    pixels = normalisation.PIXELS**2
    x = np.arange(images * channels).reshape(images, channels)
    wanted = {  # name -> numbers of one set, number of sets
        "batch norm": (x[:, :1].size, channels),
        "layer norm": (x[:1].size, images),
        "instance norm": (1, x.size),
        "group norm": (channels // groups, images * groups),
    }
    for ax, (name, (together, sets)) in zip(fig.axes, wanted.items(), strict=True):
        boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        blue = [box for box in boxes if box.get_facecolor() == to_rgba(style.SKY)]
        assert len(blue) == together * pixels, name
        assert len([box for box in boxes if not box.get_fill()]) == sets, name
        assert ax.get_title().startswith(name) and ax.get_title().endswith(f"{sets} means")


def test_the_graph_shows_how_each_node_is_made_or_what_stands_in_it(shown):
    plots.show_batchnorm_graph()
    plots.show_batchnorm_graph({"x": [1.0, 5], "mean": 3.0}, {"x": [0.25, -0.25]})
    (bare, plain_sentence), (filled, sentence) = shown
    assert "mean of $x$" in texts(bare.axes[0]) and "(D,)" in texts(bare.axes[0])
    assert {"1, 5", "3", "0.25, −0.25"} <= set(texts(filled.axes[0]))
    assert "gradient" in sentence and "gradient" not in plain_sentence


def test_every_step_of_batch_norm_is_an_arrow(shown):
    plots.show_batchnorm_graph()
    arrows = [patch for patch in shown[0][0].axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(normalisation.EDGES) == 8
    assert {arrow.get_linestyle() for arrow in arrows} == {"-", "--", ":"}


def test_every_number_of_every_feature_is_a_dot(shown):
    x = np.array([[1.0, 2, 3], [4, 5, 6]])
    plots.show_features({"before": x, "after": x[:, :2]})
    before, after = shown[0][0].axes
    assert [line.get_xdata().tolist() for line in before.lines[:-1:2]] == [[1, 4], [2, 5], [3, 6]]
    assert [label.get_text() for label in after.get_yticklabels()] == ["feature 0", "feature 1"]


def test_only_arrays_with_two_axes_have_features():
    with pytest.raises(ValueError, match=r"after: .* shape \(2,\)"):
        plots.show_features({"after": np.ones(2)})


def test_the_running_means_are_labelled_by_momentum(shown):
    plots.show_running({0.1: [1.0, 2], 0.9: [2.0, 1]}, [3.0, 1], 2.0)
    labels = [text.get_text() for text in shown[0][0].axes[0].get_legend().get_texts()]
    assert labels[1:3] == ["running mean, momentum 0.1", "running mean, momentum 0.9"]


def test_every_figure_has_a_sentence_that_fits_under_it(shown):
    rng = np.random.default_rng(0)
    plots.show_averaging()
    plots.show_batchnorm_graph({}, {"x": [1.0]})
    plots.show_features({"x": rng.normal(size=(20, 3))})
    plots.show_running({0.1: [1.0, 2]}, [3.0, 1], 2.0)
    plots.show_company([1.0, 2, 3], [2.0, 2, 2])
    assert len(shown) == 5
    for fig, sentence in shown:
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        under = fig._supxlabel.get_window_extent(canvas.get_renderer())
        assert sentence.endswith(".")
        assert under.x0 >= 0 and under.x1 <= fig.bbox.x1, sentence
        assert ink(fig) > 0.005
