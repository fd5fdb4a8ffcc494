"""The figures of notebook 12 say what is true of what they are given, whatever teams call themselves."""

from __future__ import annotations

import numpy as np
import pytest

from cs_utils import plots
from cs_utils.plots import leaderboard, style

HOSTILE = "$\\frac{$ <b>"


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(leaderboard.style, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def row(rank, name, score, **more):
    return {"rank": rank, "name": name, "score": score, "low": score - 0.02, "high": score + 0.02} | more


def test_each_class_has_its_row_and_a_class_without_pictures_is_no_error(shown):
    images = np.zeros((5, 8, 8, 3), np.uint8)
    plots.show_classes(images, np.array([0, 0, 1, 1, 1]), ("disc", "ring", HOSTILE), each=2)
    ((fig, sentence),) = shown
    assert sum(len(ax.images) for ax in fig.axes) == 4 and "disc, ring" in sentence
    assert style.png(fig)


def test_the_rarest_and_the_most_frequent_class_are_told(shown):
    plots.show_balance({"training": [30, 12], "validation": [8, 3]}, ("disc", "ring"))
    ((fig, sentence),) = shown
    assert "training: 12 to 30; validation: 3 to 8" in sentence
    assert sorted(bar.get_height() for bar in fig.axes[0].patches) == [3, 8, 12, 30]
    assert style.png(fig)


@pytest.mark.parametrize("wrong", [0, 3])
def test_the_surest_mistakes_come_first(shown, wrong):
    labels = np.zeros(6, int)
    probabilities = np.tile([0.9, 0.1], (6, 1))
    probabilities[:wrong] = np.array([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])[:wrong]
    plots.show_hardest(np.zeros((6, 4, 4, 3), np.uint8), labels, probabilities, ("disc", "ring"))
    ((fig, sentence),) = shown
    titles = [ax.get_title().split("\n")[1] for ax in fig.axes if ax.get_title()]
    assert titles == (["90 % sure", "70 % sure", "60 % sure"] if wrong else [])
    assert f"of {wrong} wrong ones among 6" in sentence
    assert style.png(fig)


def test_scores_are_told_with_their_intervals(shown):
    plots.show_scores_with_intervals({"one": (0.8, 0.77, 0.83), "all": (0.85, 0.82, 0.87)})
    ((fig, sentence),) = shown
    assert "one 80.0 % (77.0 to 83.0); all 85.0 % (82.0 to 87.0)" in sentence
    assert style.png(fig)


def test_intervals_that_miss_are_counted(shown):
    plots.show_coverage([0.7, 0.81, 0.6], [0.85, 0.9, 0.79], 0.8)
    ((fig, sentence),) = shown
    assert "3 intervals" in sentence and "2 miss it" in sentence
    assert style.png(fig)


def test_the_attack_ends_with_what_the_boards_show(shown):
    plots.show_attack({"exact board": [0.5, 0.6, 0.68], "ladder": [0.5, 0.52, 0.52]})
    ((fig, sentence),) = shown
    assert "exact board shows 68.0 %; ladder shows 52.0 %" in sentence and "worth 50.0 %" in sentence
    assert style.png(fig)


def test_public_and_private_stand_side_by_side(shown):
    scores = {"public": (0.8, 0.78, 0.82), "private": (0.79, 0.77, 0.81)}
    plots.show_public_private(
        [{"name": HOSTILE, "own": True, **scores}, {"name": "heron", "own": False, **scores}]
    )
    ((fig, sentence),) = shown
    assert "heron public 80.0 % (78.0 to 82.0), private 79.0 % (77.0 to 81.0)" in sentence
    assert [label.get_fontweight() for label in fig.axes[0].get_yticklabels()] == ["bold", "normal"]
    assert style.png(fig)


@pytest.mark.parametrize("uploads", [0, 1, 7])
def test_the_own_row_is_marked_and_every_upload_drawn(shown, uploads):
    own = row(4, HOSTILE, 0.74)
    history = [{"shown": 0.5 + 0.04 * number} for number in range(uploads)]
    plots.show_standing([row(1, "otter" * 20, 0.8), own], own, history)
    ((fig, sentence),) = shown
    assert sentence.count("(you)") == 1 and "74.0 % (72.0 to 76.0)" in sentence
    assert len(fig.axes) == (2 if uploads else 1)
    assert not uploads or len(fig.axes[1].lines[0].get_xdata()) == uploads
    assert style.png(fig)
