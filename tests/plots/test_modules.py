"""The figures of notebook 09 show the numbers that they are given, and say in words what is to be seen."""

from __future__ import annotations

import numpy as np
import pytest

from cs_utils import plots
from cs_utils.plots import modules


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(modules, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def test_without_a_gpu_the_cpus_curve_stands_alone_and_it_is_said(shown):
    plots.show_throughput({"CPU": {64: 2000.0, 1: 100.0}})
    fig, sentence = shown[0]
    (line,) = fig.axes[0].get_lines()
    assert line.get_xdata().tolist() == [1, 64] and line.get_ydata().tolist() == [100, 2000]
    assert "CPU: 100 with batches of 1, 2,000 with batches of 64" in sentence
    assert "no GPU here" in sentence and "no GPU here" in fig._supxlabel.get_text().replace("\n", " ")


def test_two_devices_have_lines_that_differ_in_more_than_colour(shown):
    plots.show_throughput({"CPU": {1: 100.0, 8: 300.0}, "GPU": {1: 90.0, 8: 900.0}})
    fig, sentence = shown[0]
    lines = fig.axes[0].get_lines()
    assert len({line.get_linestyle() for line in lines}) == len({line.get_marker() for line in lines}) == 2
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["CPU", "GPU"]
    assert "no GPU" not in sentence


def test_the_two_modes_are_drawn_over_the_batch_size(shown):
    plots.show_modes({"train": {2: 0.5, 8: 0.8}, "eval": {2: 0.9, 8: 0.9}})
    fig, sentence = shown[0]
    assert [line.get_ydata().tolist() for line in fig.axes[0].get_lines()] == [[0.5, 0.8], [0.9, 0.9]]
    assert fig.axes[0].get_ylim() == (0, 1)
    assert "train: 50.0% with 2, 80.0% with 8; eval: 90.0% with 2" in sentence


def test_the_three_likeliest_classes_stand_under_each_picture(shown):
    chances = [[0.1, 0.2, 0.65, 0.05], [0.5, 0.1, 0.1, 0.3]]
    plots.show_guesses(np.zeros((2, 4, 4)), chances, [2, 3], ["bag", "coat", "shoe", "hat"])
    fig, sentence = shown[0]
    first, second = fig.axes[2], fig.axes[3]
    assert [bar.get_width() for bar in first.patches] == [0.65, 0.2, 0.1]
    assert [bar.get_linewidth() > 1 for bar in first.patches] == [True, False, False]
    assert [bar.get_linewidth() > 1 for bar in second.patches] == [False, True, False]
    assert second.texts[0].get_text() == "bag 50%"
    assert "the label for 1 of them" in sentence
