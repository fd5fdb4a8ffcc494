"""What a board is: rows in their order, and the same as JSON and CSV. No database, no web page."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from autograder.leaderboard import scoring

Kind = Literal["team", "baseline"]
# A spreadsheet takes a cell that begins so for a formula. Where people write 0,5 it divides cells at
# semicolons, whatever stands between quotation marks.
FORMULA = re.compile(r"(^|;)(?=[\s\"']*[=+\-@＝＋－＠\t\r])")
COLUMNS = (
    "rank",
    "name",
    "kind",
    "score",
    "low",
    "high",
    "uploads",
    "last_improved",
    "private_rank",
    "private_score",
    "private_low",
    "private_high",
    "shake_up",
)


@dataclass(frozen=True)
class Private:
    """How the upload that counts did on the private examples; there is none before the close."""

    score: float
    low: float
    high: float
    rank: int
    top: dict[int, float]

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "rank": self.rank,
            "top": {str(k): score for k, score in self.top.items()},
        }


@dataclass(frozen=True)
class Row:
    """One line of the board. score: as the ladder shows it, from 0 to 1; low, high: its 95 % interval.

    rank: by the public score; of a baseline, the rank that it would have. uploads: all that were scored.
    top: top-k accuracies of the shown upload by k, where it gave several guesses an example.
    shake_up: how many ranks the team climbed (fell, below 0) from public to private, after the close.
    team_id is for the server's own use and leaves it in no format.
    """

    team_id: int
    rank: int
    name: str
    kind: Kind
    score: float
    low: float
    high: float
    uploads: int
    last_improved: dt.datetime
    top: dict[int, float]
    private: Private | None = None
    shake_up: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "name": self.name,
            "kind": self.kind,
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "uploads": self.uploads,
            "last_improved": iso(self.last_improved),
            "top": {str(k): score for k, score in self.top.items()},
            "private": self.private.to_json() if self.private else None,
            "shake_up": self.shake_up,
        }


@dataclass(frozen=True)
class Board:
    """All rows, best first: by private rank after the close, before it by rank; within a rank the row whose
    upload came earlier goes first. version: grows with every change, so equal versions are equal boards."""

    version: int
    closed: bool
    rows: tuple[Row, ...]

    def to_json(self, server_time: dt.datetime | None = None) -> dict[str, Any]:
        shown: dict[str, Any] = {"version": self.version, "closed": self.closed}
        if server_time is not None:
            shown["server_time"] = iso(server_time)
        return shown | {"rows": [row.to_json() for row in self.rows]}

    def to_csv(self) -> str:
        """One line per row, safe to open in a spreadsheet: no cell of it is a formula."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in self.rows:
            shown = row.to_json()
            private = shown.pop("private") or {}
            shown |= {f"private_{key}": value for key, value in private.items()}
            writer.writerow([no_formula(shown.get(column)) for column in COLUMNS])
        return text.getvalue()

    def row_of(self, team_id: int) -> Row | None:
        """The row of a team, or None when it has uploaded nothing yet."""
        return next((row for row in self.rows if row.team_id == team_id), None)

    def ahead_of(self, team_id: int, most: int = 3) -> list[Row]:
        """Up to `most` rows just ahead of a team's, nearest last."""
        for place, row in enumerate(self.rows):
            if row.team_id == team_id:
                return list(self.rows[max(0, place - most) : place])
        return []


def ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows as a board shows them."""

    def place(row: Row) -> tuple[int, dt.datetime, int]:
        return (row.private.rank if row.private else row.rank, row.last_improved, row.team_id)

    # Without a private score (nothing was uploaded in time) a row stands behind those that have one.
    known = list(rows)
    closed = any(row.private for row in known)
    return tuple(sorted(known, key=lambda row: (closed and row.private is None, place(row))))


def ranks_of(
    scored: Sequence[tuple[int, int]], is_team: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tied ranks (m,), and the low and high ends of the intervals, of m pairs (hits, n). is_team: bool (m,),
    since only teams push others down."""
    bounds = np.array([scoring.wilson(hits, n) for hits, n in scored]).reshape(-1, 2)
    low, high = bounds[:, 0], bounds[:, 1]
    return scoring.tied_ranks(low, high, is_team), low, high


def iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def no_formula(value: Any) -> Any:
    """The value, or, where a spreadsheet would compute with it, the same text behind an apostrophe."""
    return FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
