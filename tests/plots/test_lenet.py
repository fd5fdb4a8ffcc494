"""Figures of notebook 08: they can be drawn, and say what is on them."""

from __future__ import annotations

import numpy as np
import pytest

from cs_utils import plots
from cs_utils.plots.curves import CURVES

CLASSES = ("shirt", "shoe", "bag")


def said(capsys) -> str:
    return capsys.readouterr().out


def test_paths_are_told_by_the_loss_at_their_ends(capsys):
    plots.show_paths({"plain": [[2.0, 1.0], [1.0, 0.0]]}, [1.0, 30.0])
    assert "plain: 0.5" in said(capsys)


def test_the_six_curves_have_as_many_epochs_each_and_begin_at_guessing(capsys):
    plots.show_curves()
    text = said(capsys)
    for name, (train, validation) in CURVES.items():
        assert f"{name}: training" in text
        assert len(train) == len(validation) == 41
        assert train[0] == pytest.approx(np.log(10), abs=0.05)


def test_the_curves_show_what_the_questions_ask_for():
    """What a reader sees: no letter's peculiarity may be another one's, too."""
    ends = {name: (train[-1], validation[-1]) for name, (train, validation) in CURVES.items()}
    lowest = {name: min(validation) for name, (_, validation) in CURVES.items()}
    slow = max(CURVES, key=lambda name: lowest[name] if ends[name][1] == lowest[name] else 0)
    assert slow == "B"
    rough = {name: np.abs(np.diff(train[25:])).mean() for name, (train, _) in CURVES.items()}
    assert sorted(rough, key=rough.get)[-1] in "AD" and ends["D"][0] > 1.5
    assert ends["A"][1] > 2 * np.log(10) and lowest["A"] > 0.99 * CURVES["A"][1][0]
    assert ends["E"][0] < 0.05 and ends["E"][1] > 1.2 * lowest["E"] and lowest["E"] < 1
    before, after = (np.abs(np.diff(CURVES["F"][0][part])) for part in (slice(10, 22), slice(23, 41)))
    assert before.mean() > 5 * after.mean()


@pytest.mark.parametrize("count", [5, 300])
def test_steps_are_told_by_their_first_and_last_loss(capsys, count):
    plots.show_steps(np.linspace(2.3, 0.5, count), level=("ln 10", 2.303), title="An epoch")
    assert f"Loss over {count} steps, from 2.30 to 0.5" in said(capsys)


def test_a_loss_that_is_no_number_can_be_drawn(capsys):
    plots.show_rates([0.1, 0.01, 10.0, 1.0], [1.5, 2.0, np.nan, np.inf], 0.1)
    text = said(capsys)
    assert "Best: 0.1." in text and "10: nan" in text
    plots.show_steps([2.3, np.nan, np.inf])


def test_the_confusion_matrix_names_the_pair_that_is_confused_most(capsys):
    plots.show_confusion([[5, 0, 2], [1, 6, 0], [0, 0, 7]], CLASSES)
    text = said(capsys)
    assert "21 images, 85.7% right" in text and "shirt is taken for bag: 2 times" in text


@pytest.mark.parametrize("count", [0, 3, 8])
def test_mistaken_images_are_told_with_both_classes(capsys, count):
    images = np.random.default_rng(0).random((count, 4, 4))
    plots.show_mistaken(images, [0] * count, [2] * count, [0.9] * count, CLASSES)
    assert said(capsys).count("shirt told as bag") == count


def test_filters_say_how_much_they_changed(capsys):
    before = np.ones((3, 1, 5, 5))
    plots.show_kernels_before_and_after(before, 1.5 * before)
    assert "changed by 50%" in said(capsys)


def test_step_times_are_told_in_milliseconds(capsys):
    plots.show_step_times({"your network": 0.2, "PyTorch": 0.1})
    assert "your network: 200 ms; PyTorch: 100 ms" in said(capsys)
