"""The figures of notebook 10 say what is true of what they are given."""

from __future__ import annotations

import numpy as np
import pytest

from cs_utils import plots
from cs_utils.plots import residual


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(residual, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def test_the_skip_has_layers_only_where_the_shape_changes(shown):
    plots.show_block(3, 9, 7, out_channels=3)
    plots.show_block(3, 9, 7, out_channels=5, stride=2)
    plots.show_block(3, 9, 7, out_channels=5)
    same, down, wider = (texts(fig) for fig, _ in shown)
    assert not any("1x1" in text for text in same) and "out   3x9x7" in same
    assert "1x1 convolution, stride 2" in down and "out   5x5x4" in down
    assert "1x1 convolution" in wider and "3x3 convolution" in wider
    assert "untouched" in shown[0][1] and "1x1" in shown[1][1]


def test_depths_and_the_schedule_are_told_in_a_sentence(shown):
    plots.show_depths([2, 8], {"plain": [1.0, 1e-4], "residual": [2.0, 3.0]}, what="gradient")
    plots.show_schedule([0.1, 0.4, 0.2, 0.05], steps_each=2)
    assert "plain from 1 at 2 to 0.0001 at 8 layers" in shown[0][1]
    assert "largest, 0.4, in epoch 0.5" in shown[1][1]


def test_every_picture_is_drawn_above_what_became_of_it(shown):
    rng = np.random.default_rng(0)
    before = rng.normal(size=(4, 3, 8, 8))
    plots.show_augmented(before, [before[..., ::-1], 0 * before])
    fig, sentence = shown[0]
    assert len(fig.axes) == 12 and "4 pictures, and 2 times" in sentence
    first, mirrored = (np.asarray(fig.axes[place].images[0].get_array()) for place in (0, 4))
    np.testing.assert_allclose(first, mirrored[:, ::-1])
