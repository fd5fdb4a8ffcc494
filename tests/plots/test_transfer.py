"""The figures of notebook 11 say what is true of what they are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cs_utils import plots
from cs_utils.plots import style, transfer


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(transfer.style, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def test_every_filter_is_drawn_and_smooth_ones_are_told_from_random_ones(shown):
    random = np.random.default_rng(0).normal(size=(14, 3, 5, 5))
    smooth = np.broadcast_to(np.linspace(-1, 1, 5), (13, 3, 5, 5))
    plots.show_filter_sets({"random": torch.tensor(random).requires_grad_(), "smooth": smooth})
    ((fig, sentence),) = shown
    assert sum(len(ax.images) for ax in fig.axes) == 27
    numbers = [float(part.split("roughness ")[1][:4]) for part in sentence.split(";")[:2]]
    assert numbers[0] > 0.8 and numbers[1] < 0.3
    assert style.png(fig)


def test_bars_say_accuracy_and_time(shown):
    plots.show_fine_tuning({"linear probe": (0.714, 3.2), "everything": (0.8, 17.0)})
    ((fig, sentence),) = shown
    assert "linear probe 71 % in 3 s" in sentence and "everything 80 % in 17 s" in sentence
    assert [bar.get_width() for bar in fig.axes[0].patches] == pytest.approx([71.4, 80])
    assert style.png(fig)


@pytest.mark.parametrize("grey", [True, False])
def test_a_peak_is_marked_and_those_inside_are_counted(shown, grey):
    maps, masks = torch.zeros(2, 8, 8), np.zeros((2, 8, 8), bool)
    maps[0, 2, 5] = maps[1, 3, 3] = 1
    masks[0, 1:4, 4:7] = masks[1, :2, :2] = True
    pictures = np.zeros((2, 8, 8) if grey else (2, 8, 8, 3), np.uint8)
    plots.show_class_maps(pictures, maps, ["disc", "ring"], masks=masks)
    ((fig, sentence),) = shown
    crosses = [line.get_xydata()[0].tolist() for ax in fig.axes for line in ax.lines]
    assert crosses == [[5, 2], [3, 3]]
    assert "disc, ring" in sentence and "inside the outline in 1 of 2" in sentence
    assert style.png(fig)


def test_maps_without_outlines_claim_no_hits(shown):
    plots.show_class_maps(np.zeros((1, 8, 8)), np.ones((1, 8, 8)), ["boot"], hot="Grad-CAM")
    assert "outline" not in shown[0][1] and "Grad-CAM over each" in shown[0][1]
