"""The promises of the late-day policy."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.latedays import Handin, days_late, settle

START = dt.datetime(2026, 10, 1, 23, 59, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def handin(hours_late: float | None, number: int = 1, score: float = 100.0) -> Handin:
    due = START + dt.timedelta(days=7 * number)
    submitted = None if hours_late is None else due + dt.timedelta(hours=hours_late)
    return Handin(f"a{number}", due, submitted, score)


lateness = st.one_of(st.none(), st.floats(-200, 400))
terms = st.lists(lateness, min_size=1, max_size=6)


def term(hours: list[float | None]) -> list[Handin]:
    return [handin(late, number) for number, late in enumerate(hours)]


def test_three_late_days_are_free_and_each_further_one_costs_a_quarter():
    results = settle([handin(30, 1), handin(47, 2), handin(25, 3)])  # 2 days each
    assert [(r.days_late, r.from_bank, r.factor, r.score) for r in results] == [
        (2, 2, 1.0, 100.0),
        (2, 1, 0.75, 75.0),
        (2, 0, 0.5, 50.0),
    ]


def test_a_day_that_has_begun_counts_as_a_whole_one():
    due = START
    second = dt.timedelta(seconds=1)
    assert days_late(due, due) == 0
    assert days_late(due, due + second) == 1
    assert days_late(due, due + 24 * HOUR) == 1
    assert days_late(due, due + 24 * HOUR + second) == 2


def test_the_bank_is_used_in_order_of_due_dates_whatever_the_order_given():
    results = settle([handin(24 * 3, 2), handin(24 * 2, 1)])
    assert [(r.assignment, r.from_bank) for r in results] == [("a1", 2), ("a2", 1)]


def test_a_score_is_never_below_zero():
    assert settle([handin(24 * 30)])[0].score == 0.0


def test_what_was_not_handed_in_takes_nothing_from_the_bank():
    assert [r.from_bank for r in settle([handin(None, 1), handin(72, 2)])] == [0, 3]


def test_without_a_due_date_nothing_is_late():
    (result,) = settle([Handin("a", None, START, 10.0)])
    assert (result.days_late, result.score) == (0, 10.0)


def test_times_without_a_zone_are_refused():
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="no time zone"):
        settle([Handin("a", naive, START, 1.0)])
    with pytest.raises(ValueError, match="no time zone"):
        settle([Handin("a", START, naive, 1.0)])


def test_zones_and_summer_time_do_not_move_the_deadline():
    berlin = ZoneInfo("Europe/Berlin")
    due = dt.datetime(2026, 10, 24, 23, 59, tzinfo=berlin)  # clocks go back in the night after it
    assert days_late(due, dt.datetime(2026, 10, 25, 23, 59, tzinfo=berlin)) == 2  # 25 hours
    assert days_late(due, due.astimezone(dt.UTC)) == 0


@pytest.mark.parametrize(("bank", "share"), [(-1, 0.25), (3, 1.5), (3, -0.1)])
def test_an_impossible_policy_is_refused(bank, share):
    with pytest.raises(ValueError, match="expected"):
        settle([], bank_days=bank, per_day=share)


@given(terms)
def test_the_bank_pays_for_three_days_at_most(hours):
    results = settle(term(hours))
    assert sum(result.from_bank for result in results) <= 3
    assert all(0 <= result.from_bank <= result.days_late for result in results)


@given(terms)
def test_on_time_costs_nothing(hours):
    for item, result in zip(term(hours), settle(term(hours)), strict=True):
        if item.submitted is None or item.submitted <= item.due:
            assert (result.days_late, result.from_bank, result.factor) == (0, 0, 1.0)


@given(terms, st.integers(0, 5), st.floats(0, 100))
def test_handing_in_later_never_gives_more_points(hours, which, delay):
    which %= len(hours)
    if hours[which] is None:
        return
    later = [*hours]
    later[which] += delay
    before, after = settle(term(hours)), settle(term(later))
    assert after[which].score <= before[which].score
    assert sum(result.score for result in after) <= sum(result.score for result in before)
