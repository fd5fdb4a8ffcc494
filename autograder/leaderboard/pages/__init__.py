"""The board as a page: made by the server, so that it can be read without JavaScript; a script keeps it live.

For the service:

    from autograder.leaderboard import pages
    pages.board_page(board, competition)    # -> str, the whole HTML of GET /
    pages.STATIC                            # folder to serve at static/ (board.css, board.js, icon.svg)
    pages.CONTENT_SECURITY_POLICY           # header that the page works under

`board` and `competition` are what ``GET /api/board`` and ``GET /api/competition`` answer, as Python values.
All addresses in the page are relative, so the service may live under a path of its own behind a proxy.

Names come from teams: the templates escape everything, and the script uses ``textContent`` only.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SCALE_STEP = 0.05  # the drawing begins and ends at a multiple of this
LEFT_OF_SCALE = 0.05  # share of the rows that may lie left of it, so that one failed upload squeezes nobody

# What the script makes new rows from.
NOBODY = {
    **{"name": "", "kind": "team", "rank": None, "score": None, "low": None, "high": None},
    **{"uploads": 0, "last_improved": None, "private": None, "shake_up": None},
}


def board_page(board: Mapping[str, Any], competition: Mapping[str, Any]) -> str:
    """The page of ``GET /``."""
    return render("board.html", board, competition, address=_lasting)


def render(template: str, board: Mapping[str, Any], competition: Mapping[str, Any], **more: Any) -> str:
    """`template` filled with the board; `more` goes to the template as it is."""
    rows, closed = board["rows"], board["closed"]
    return (
        _environment()
        .get_template(template)
        .render(
            board=board,
            competition=competition,
            rows=rows,
            closed=closed,
            counts=counts(rows),
            tied=tied(rows, closed),
            scale=Scale.of([shown(row, closed) for row in rows]),
            zone=zone(competition),
            nobody=NOBODY,
            **more,
        )
    )


def shown(row: Mapping[str, Any], closed: bool) -> Mapping[str, Any] | None:
    """The score that a row is drawn with: the private one once it is there, else the public one."""
    if closed:
        private: Mapping[str, Any] | None = row["private"]
        return private
    return row if row["score"] is not None else None


def place(row: Mapping[str, Any], closed: bool) -> int | None:
    """The rank that the board orders by."""
    if closed:
        return row["private"]["rank"] if row["private"] else None
    rank: int | None = row["rank"]
    return rank


def tied(rows: Sequence[Mapping[str, Any]], closed: bool) -> set[int]:
    """The ranks that more than one team has."""
    ranks = Counter(place(row, closed) for row in rows if row["kind"] == "team")
    return {rank for rank, teams in ranks.items() if rank is not None and teams > 1}


def counts(rows: Sequence[Mapping[str, Any]]) -> str:
    """``212 teams and 3 baselines.``"""
    teams = sum(row["kind"] == "team" for row in rows)
    return f"{_many(teams, 'team')} and {_many(len(rows) - teams, 'baseline')}."


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Scale:
    """Where the drawing of scores begins and ends, within 0..1. The script computes the same (`scaleOf`)."""

    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[Mapping[str, Any] | None]) -> Scale:
        lows = sorted(one["low"] for one in scores if one is not None)
        if not lows:
            return cls(0.0, 1.0)
        low = lows[math.floor(LEFT_OF_SCALE * len(lows))]
        high = max(one["high"] for one in scores if one is not None)
        steps_low = math.floor(low / SCALE_STEP + 1e-9)
        steps_high = max(math.ceil(high / SCALE_STEP - 1e-9), steps_low + 2)
        steps_high = min(steps_high, round(1 / SCALE_STEP))
        steps_low = min(steps_low, steps_high - 2)
        while _every(steps_high - steps_low) is None:
            steps_low, steps_high = (steps_low - 1, steps_high) if steps_low else (0, steps_high + 1)
        return cls(round(steps_low * SCALE_STEP, 6), round(steps_high * SCALE_STEP, 6))

    def at(self, score: float) -> str:
        """The place of `score` as a percentage of the width, cut to the drawing."""
        place = 100 * (score - self.low) / (self.high - self.low)
        return f"{min(100.0, max(0.0, place)):.2f}%"

    def width(self, low: float, high: float) -> str:
        return f"{max(0.0, float(self.at(high)[:-1]) - float(self.at(low)[:-1])):.2f}%"

    def ticks(self) -> list[float]:
        """Three to six round scores, the ends among them."""
        steps = round((self.high - self.low) / SCALE_STEP)
        return [round(self.low + n * SCALE_STEP, 6) for n in range(0, steps + 1, _every(steps) or steps)]


def _every(steps: int) -> int | None:
    """How many steps lie between two ticks, so that five such spaces at most fill the scale, or None."""
    return next((n for n in (1, 2, 3, 4) if steps % n == 0 and steps // n <= 5), None)


def zone(competition: Mapping[str, Any]) -> ZoneInfo:
    """Times are shown in one zone for the whole class, so that nobody misreads a deadline."""
    return ZoneInfo(competition["timezone"])


def percent(score: float | None, digits: int = 1) -> str:
    return "–" if score is None else f"{100 * score:.{digits}f}%"


def moment(iso: str | None, where: ZoneInfo) -> str:
    """``21 Nov 14:03``"""
    if not iso:
        return "–"
    time = instant(iso).astimezone(where)
    return f"{time.day} {time:%b %H:%M}"


def instant(iso: str) -> datetime:
    time = datetime.fromisoformat(iso)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def top_of(score: Mapping[str, Any] | None) -> str:
    """``top-3 97.1%``, where uploads gave several guesses an example."""
    known = score.get("top") or {} if score else {}
    return ", ".join(f"top-{k} {percent(known[k])}" for k in sorted(known, key=int) if int(k) > 1)


def day(iso: str, where: ZoneInfo) -> str:
    """``Saturday 21 November 2026, 23:59 (Europe/Berlin)``"""
    time = instant(iso).astimezone(where)
    return f"{time:%A} {time.day} {time:%B %Y, %H:%M} ({where.key})"


@functools.cache
def _lasting(name: str) -> str:
    """The address of a file in `STATIC`, with a mark that changes with its bytes, so that none is stale."""
    return f"static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["web"] = lambda address: address.startswith(("http://", "https://"))
    environment.filters.update(percent=percent, moment=moment, day=day)
    environment.globals.update(shown=shown, place=place, top_of=top_of)
    return environment
