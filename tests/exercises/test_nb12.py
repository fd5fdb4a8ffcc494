"""Notebook 12: what is particular to it: worked numbers, real sets, the attack, and predictions handed in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from autograder.leaderboard import scoring
from autograder.leaderboard.ladder import Ladder
from cs_utils import leaderboard
from cs_utils.checking.notebook import _check_function
from cs_utils.checking.report import to_text
from cs_utils.checking.report_values import write_call
from tests.exercises import proof

NOTEBOOK = "12_leaderboard"


def solved(name):
    return proof.solutions(NOTEBOOK)[name]


def judged(name, function):
    return proof.judged(proof.exercise(NOTEBOOK, name), function, proof.PUBLIC)


# --- the numbers in the text ------------------------------------------------------------------------------


def test_the_answers_to_the_questions_follow():
    assert np.sqrt(0.8 * 0.2 / solved("pictures_needed")) == pytest.approx(0.005)
    assert pytest.approx(solved("three_votes")) == 0.7**3 + 3 * 0.7**2 * 0.3
    best, correct = np.arange(100) < 70, np.arange(100) < 70
    correct[:8], correct[70:82] = False, True
    assert correct.sum() == 74
    assert solved("ladder_step")(best, correct)[0] == solved("ladder_by_hand")
    low, high = np.array([[78, 84], [76, 82], [74, 80], [70, 76], [69, 75]]).T
    assert solved("tied_ranks")(low, high)[3] == solved("rank_of_d")


# --- the same as the board's ------------------------------------------------------------------------------


def test_interval_ranks_and_ladder_are_those_of_the_board():
    rng = np.random.default_rng(0)
    for n in (7, 5000):
        correct = int(rng.integers(n))
        assert solved("wilson_interval")(correct, n) == pytest.approx(scoring.wilson(correct, n), abs=1e-5)
    low = rng.random(50)
    high = low + rng.random(50) / 5
    assert solved("tied_ranks")(low, high).tolist() == scoring.tied_ranks(low, high).tolist()
    best, standing = None, None
    for _ in range(60):
        correct = rng.random(400) < rng.uniform(0.5, 0.7)
        shown, best = solved("ladder_step")(best, correct)
        standing = Ladder().after(correct, standing)
        assert shown == standing.score


# --- fairness ---------------------------------------------------------------------------------------------


def test_hits_as_zeros_and_ones_are_hits():
    def ladder_step(best, correct):
        return solved("ladder_step")(None if best is None else best.astype(int), correct.astype(int))

    assert judged("ladder_step", ladder_step).passed


def test_a_split_may_come_in_any_order_and_as_lists():
    def stratified_split(labels, fraction, *, rng):
        train, validation = solved("stratified_split")(labels, fraction, rng=rng)
        return train[::-1].tolist(), sorted(validation.tolist())

    assert judged("stratified_split", stratified_split).passed


def test_probabilities_in_single_precision_are_right():
    def predict_with_flips(model, x):
        return solved("predict_with_flips")(model, x).float()

    assert judged("predict_with_flips", predict_with_flips).passed


# --- what must earn nothing, and what is said -------------------------------------------------------------


def test_answers_of_the_right_shape_earn_nothing():
    def uniform(model, x):
        classes = model[-1].out_features
        return torch.full((len(x), classes), 1 / classes)

    assert judged("predict_with_flips", uniform).points == 0
    assert judged("ensemble", lambda p, weights=None: p[0]).points == 0
    assert judged("wilson_interval", lambda correct, n, z=1.96: (0.0, 1.0)).points <= 0
    assert judged("tied_ranks", lambda low, high: np.ones(len(low), int)).points <= 1


def test_a_part_that_is_missing_is_told_in_words():
    said = to_text(judged("stratified_split", lambda labels, fraction, rng: np.arange(len(labels))))
    assert "where train, validation were asked for" in said


def test_a_model_comes_back_as_good_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 36, 4)).train()
    before = model[1].running_mean.clone()
    solved("predict_with_flips")(model, torch.randn(5, 3, 8, 8))
    assert torch.equal(model[1].running_mean, before)


# --- the predictions --------------------------------------------------------------------------------------


@pytest.fixture
def practice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(leaderboard._Session, "competition", None)
    yield leaderboard.data(show=False)
    leaderboard._Session.competition = None


def predictions(competition):
    raise AssertionError("the check does not call it: it may take an hour")


def points(function=predictions):
    return _check_function("predictions", function, {})


def told(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_file_that_fits_has_its_points_and_the_check_claims_nothing_that_nobody_here_knows(
    practice, monkeypatch, capsys
):
    leaderboard.save(np.arange(len(practice.test)) % 10)
    monkeypatch.setattr(leaderboard._Session, "competition", replace(practice, practice=None))
    assert points() == 3
    assert "3 points are sure" in (said := told(capsys)) and "passes 7" not in said


def test_what_is_for_practice_is_scored(practice, monkeypatch, capsys):
    labels, _ = practice.practice
    leaderboard.save(labels)
    assert points() == 10 and "for the PRACTICE pictures" in told(capsys)
    monkeypatch.setattr(leaderboard._Session, "competition", replace(practice, baseline=0.55))
    leaderboard.save(np.where(np.arange(len(labels)) % 2, labels, (labels + 1) % 10))
    assert points() == 3 and "to beat: 55.0%" in told(capsys)


def test_an_older_file_does_not_stand_for_predictions_that_do_not_fit(practice, capsys):
    leaderboard.save(practice.practice[0])
    with pytest.raises(leaderboard.NotPredictions, match="`return` is missing"):
        leaderboard.save(None)
    assert points() == 0 and "is an older one" in told(capsys)
    with pytest.raises(leaderboard.NotPredictions):
        leaderboard.submit()
    leaderboard.save(practice.practice[0])
    assert points() == 10


def test_without_a_file_there_is_nothing_to_score(practice, capsys):
    assert points() == 0
    assert "there is no predictions.npz beside the notebook" in capsys.readouterr().out


def test_one_class_for_everything_is_a_valid_file_and_beats_nothing(practice, capsys):
    leaderboard.save(np.full(len(practice.test), 3))
    assert points() == 3
    assert "of class 3" in capsys.readouterr().out


def test_a_file_from_yesterday_does_not_pay_for_a_function_that_is_not_written(practice):
    leaderboard.save(np.arange(len(practice.test)) % 10)

    def stub(competition):
        raise NotImplementedError("write predictions")

    assert points(stub) == 0


# --- reports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stratified_split", "predict_with_flips", "ensemble"])
def test_the_call_in_a_report_can_be_pasted(name):
    asked, known = proof.exercise(NOTEBOOK, name), {"np": np, "torch": torch, name: solved(name)}
    for group in asked.groups:
        for given in cases_of(asked, group):
            text = write_call(asked, given)
            if not any(line.startswith("#") for line in text.splitlines()):  # which describes a large array
                exec(text, dict(known))


def cases_of(asked, group):
    smallest = next(iter(group.make(np.random.default_rng(0))))
    return [replace(smallest, probe=group.probe or asked.probe)]


def fixed_size(labels, fraction, rng):
    """As many of every class."""
    parts = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    count = min(map(len, parts))
    return np.concatenate([part[count:] for part in parts]), np.concatenate([part[:count] for part in parts])


def test_no_report_names_a_mistake_that_is_not_there():
    assert "replacement" not in to_text(judged("stratified_split", fixed_size))

    def in_place(labels, fraction, rng):
        rng.shuffle(labels)
        return solved("stratified_split")(labels, fraction, rng=rng)

    said = to_text(judged("stratified_split", in_place))
    assert "all pictures together" not in said and "works in place" in said

    def by_all_that_differ(best, correct):
        if (
            best is None
            or correct.mean() - best.mean() > (correct != best).std() / (best != correct).sum() ** 0.5
        ):
            best = correct
        return best.mean(), best

    assert "not divided by the root" not in to_text(judged("ladder_step", by_all_that_differ))


def test_a_class_that_is_left_out_is_told():
    def of_ten_classes(labels, fraction, rng):
        train, validation = solved("stratified_split")(labels, fraction, rng=rng)
        return train[labels[train] < 10], validation[labels[validation] < 10]

    verdict = judged("stratified_split", of_ten_classes)
    assert not verdict.passed and "of class 10 are in neither part" in to_text(verdict)
