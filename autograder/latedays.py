"""Late days: a bank of free ones over the term, then a share of the points for every further day.

The course's policy (deck 001): three late days to use as one likes, then 25 % off per day. A day that has
begun counts as a whole one: one second late is one day. The bank is used up in the order of due dates, as far
as it goes, and only by assignments that were handed in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

BANK_DAYS = 3
PER_DAY = 0.25
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Handin:
    """One student's work on one assignment.

    due: the last moment that is on time, or None for no due date. submitted: None when nothing was handed in
    or the time is not known (then nothing is taken off). score: points before anything is taken off.
    """

    assignment: str
    due: dt.datetime | None
    submitted: dt.datetime | None
    score: float


@dataclass(frozen=True)
class LateScore:
    """What lateness does to one assignment.

    days_late: days begun after the due date. from_bank: how many of them the bank pays for. factor: what the
    score is multiplied by, from 0 to 1. score: the final points.
    """

    assignment: str
    days_late: int
    from_bank: int
    factor: float
    score: float


def days_late(due: dt.datetime, submitted: dt.datetime) -> int:
    """Days begun after `due`; 0 when on time.

    Raises:
        ValueError: a time without a time zone.
    """
    for name, moment in (("due date", due), ("time of submission", submitted)):
        if moment.utcoffset() is None:
            raise ValueError(f"the {name} {moment} has no time zone; write it like 2026-10-05T23:59:00+02:00")
    # In UTC: two times of one zone are otherwise subtracted by the clock on the wall, and a change to or from
    # summer time between them would go unseen.
    return max(0, -((due.astimezone(dt.UTC) - submitted.astimezone(dt.UTC)) // DAY))


def settle(
    handins: Iterable[Handin], *, bank_days: int = BANK_DAYS, per_day: float = PER_DAY
) -> list[LateScore]:
    """Final scores of one student, in order of due date (no due date: last; equal ones: as given).

    Raises:
        ValueError: a time without a time zone, `bank_days` below 0, or `per_day` not from 0 to 1.
    """
    if bank_days < 0 or not 0 <= per_day <= 1:
        raise ValueError(f"bank_days is {bank_days} and per_day {per_day}; expected 0 or more, and 0 to 1")
    bank = bank_days
    settled = []
    for handin in in_order(handins):
        late = days_late(handin.due, handin.submitted) if handin.due and handin.submitted else 0
        paid = min(late, bank)
        bank -= paid
        factor = max(0.0, 1.0 - per_day * (late - paid))
        settled.append(LateScore(handin.assignment, late, paid, factor, handin.score * factor))
    return settled


def in_order(handins: Iterable[Handin]) -> list[Handin]:
    """By due date; those without one come last."""
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    given = list(handins)
    for handin in given:
        if handin.due and handin.due.utcoffset() is None:
            raise ValueError(f"the due date {handin.due} of {handin.assignment} has no time zone; add one")
    return sorted(given, key=lambda handin: handin.due or last)
