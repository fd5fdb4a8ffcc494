"""The ladder: what is shown changes when an upload is better by more than chance, and tells little else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder.leaderboard.ladder import STRATEGIES, Ladder, Standing, exceeds_chance
from tests.leaderboard.boosting import boosted, climbed

bits = st.integers(0, 2**32).map(np.random.default_rng)


def correct(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    return rng.random(n) < share


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_first_upload_always_counts(strategy):
    for right in (0, 1, 7, 40):
        after = Ladder(strategy, 0.05).after(np.arange(40) < right, None)
        assert after.score == pytest.approx(
            round(right / 40 / 0.05) * 0.05 if strategy == "step" else right / 40
        )


@settings(max_examples=200, deadline=None)
@given(bits, st.integers(2, 3000), st.floats(0, 1), st.floats(0, 0.5))
def test_the_parameter_free_rule_is_that_of_the_paper_with_a_least_deviation(rng, n, share, change):
    best = correct(rng, n, share)
    upload = np.where(correct(rng, n, change), correct(rng, n, 0.7), best)
    fall = (1.0 - best) - (1.0 - upload)  # of the loss, at each example
    threshold = max(fall.std(ddof=1), 0.2) / math.sqrt(n)
    assume(abs(fall.mean() - threshold) > 1e-12)
    assert exceeds_chance(upload, best) == (fall.mean() > threshold)


def test_the_step_form_is_that_of_the_paper():
    ladder = Ladder("step", 0.01)
    standing = ladder.after(np.arange(1000) < 502, None)
    assert standing.score == 0.5  # rounded
    assert ladder.after(np.arange(1000) < 510, standing) is standing  # better by the step, not by more
    assert ladder.after(np.arange(1000) < 511, standing).score == 0.51


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(STRATEGIES),
    st.sampled_from([0.01, 0.02, 0.03, 1 / 7]),
    bits,
    st.integers(1, 400),
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
)
def test_what_is_shown_never_falls_and_changes_only_with_an_accuracy_that_is_true(
    strategy, step, rng, n, shares
):
    ladder, standing = Ladder(strategy, step), None
    for share in shares:
        upload = correct(rng, n, share)
        after = ladder.after(upload, standing)
        if after is not standing:
            assert standing is None or after.score > standing.score
            assert after.correct is upload
            assert abs(after.score - upload.mean()) <= (step / 2 if strategy == "step" else 0) + 1e-9
        assert 0 <= after.score <= 1
        standing = after


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["parameter-free", "step"]), bits, st.integers(100, 3000), st.floats(0, 1))
def test_the_same_upload_again_or_a_worse_one_changes_nothing(strategy, rng, n, share):
    ladder = Ladder(strategy)
    standing = ladder.after(correct(rng, n, share), None)
    assert ladder.after(standing.correct.copy(), standing) is standing
    assert ladder.after(standing.correct & correct(rng, n, 0.9), standing) is standing


@pytest.mark.parametrize("strategy", ["parameter-free", "step"])
def test_changing_a_few_examples_at_a_time_tells_nothing(strategy):
    """Otherwise whoever changes one or two predictions at a time would be told the labels one by one."""
    n = 1000
    standing = Ladder(strategy).after(np.arange(n) < 500, None)
    for few in (1, 2, 3, 4, 5, 6):
        better = standing.correct.copy()
        better[600 : 600 + few] = True
        assert Ladder(strategy).after(better, standing) is standing


def test_a_model_that_is_really_better_is_shown_to_be():
    """From 80 % to 82 % on 5,000 examples, with the mistakes of two models mostly in common."""
    rng = np.random.default_rng(0)
    hard = rng.random(5000)
    seen = 0
    for _ in range(50):
        first, second = (hard + rng.normal(0, 0.05, 5000) < share for share in (0.80, 0.82))
        ladder = Ladder()
        before = ladder.after(first, None)
        seen += ladder.after(second, before) is not before
    assert seen >= 48


def test_settings_and_arrays_that_cannot_be_used_are_refused():
    with pytest.raises(ValueError, match="parameter-free, step, exact"):
        Ladder("leaky")  # type: ignore[arg-type]
    for step in (0, 1, -0.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Ladder("step", step)
    for upload in (np.zeros(0, bool), np.zeros((2, 2), bool), np.zeros(4)):
        with pytest.raises(ValueError, match="bool"):
            Ladder().after(upload, Standing(0.0, np.zeros(4, bool)))


# --- attacks ----------------------------------------------------------------------------------------------


def test_a_boosting_attack_of_1000_uploads_moves_the_public_score_less_than_5_points_from_the_private_one():
    """n = 1000, mean of 20 seeds; beside it what the same attack wins from a board that shows every score."""
    laddered = np.mean([boosted(Ladder(), seed) for seed in range(20)])
    exact = np.mean([boosted(Ladder("exact"), seed) for seed in range(20)])
    assert laddered < 0.05, laddered
    assert exact > 0.15, exact


def test_climbing_by_pairs_wins_nothing():
    """Two predictions changed at a time: by the paper's rule alone this wins a quarter of all examples."""
    assert climbed(Ladder(), 0, few=2) == 0
    assert climbed(Ladder("step", 0.01), 0, few=2) == 0
    assert climbed(Ladder("exact"), 0, few=2) > 0.2
