"""Intervals hold what they say, and ranks are tied where scores cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.leaderboard.scoring import (
    accuracy,
    bootstrap,
    bootstrap_difference,
    hits_wholly_above,
    tied_ranks,
    top_k_hits,
    wilson,
)


def test_accuracy_is_the_share_that_is_right():
    assert accuracy(np.array([1, 2, 3, 0]), np.array([1, 2, 0, 0])) == 0.75


def test_top_k_counts_the_truth_among_the_first_guesses():
    ranked = np.array([[0, 1, 2], [1, 0, 2], [2, 1, 0]])
    assert [top_k_hits(ranked, np.zeros(3, int), k) for k in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="at least 4"):
        top_k_hits(ranked, np.zeros(3, int), 4)


@pytest.mark.parametrize(
    "hits, n, low, high",
    [
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (1, 1, 0.2065493, 1.0),
    ],
)
def test_wilson_intervals_are_those_of_the_textbook(hits, n, low, high):
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-6)


@settings(deadline=None)
@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(n, share):
    hits = round(share * n)
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1 and low < high


def test_what_is_no_share_is_refused():
    for hits, n in ((-1, 10), (11, 10), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            wilson(hits, n)


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.9])
def test_95_of_100_intervals_hold_the_true_accuracy(truth):
    hits = np.random.default_rng(0).binomial(5000, truth, 2000)
    held = [low <= truth <= high for low, high in (wilson(int(one), 5000) for one in hits)]
    assert 0.935 < np.mean(held) < 0.965


def test_the_bootstrap_agrees_with_wilson_where_both_are_right():
    correct = np.arange(5000) < 4100
    assert bootstrap(correct) == pytest.approx(wilson(4100, 5000), abs=0.003)
    assert bootstrap(correct) == bootstrap(correct)


def test_two_models_with_the_same_mistakes_are_told_apart_by_their_difference():
    """60 of 5,000 more: the two intervals overlap, the interval of the difference leaves 0 out."""
    first = np.arange(5000) < 4100
    second = first.copy()
    second[:20], second[4100:4180] = False, True
    assert wilson(4100, 5000)[1] > wilson(4160, 5000)[0]
    low, high = bootstrap_difference(second, first)
    assert 0 < low < 60 / 5000 < high
    assert bootstrap_difference(first, first) == (0, 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3), st.booleans()), max_size=40))
def test_a_rank_is_one_plus_the_teams_whose_interval_lies_wholly_above(found):
    low = np.array([one[0] for one in found])
    high = np.array([one[0] + one[1] for one in found])
    counts = np.array([one[2] for one in found], dtype=bool)
    expected = [
        1 + sum(counted and other > top for other, counted in zip(low, counts, strict=True)) for top in high
    ]
    assert tied_ranks(low, high, counts).tolist() == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.data())
def test_the_hits_that_lie_wholly_above_are_those_of_the_ranks(n, data):
    hits = data.draw(st.integers(0, n))
    above = [other for other in range(n + 1) if wilson(other, n)[0] > wilson(hits, n)[1]]
    assert hits_wholly_above(hits, n) == (min(above) if above else n + 1)
