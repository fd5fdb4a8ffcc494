"""The board in its order, as JSON and as a CSV file that is safe to open."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from autograder.leaderboard.board import COLUMNS, Board, Private, Row, ordered, ranks_of

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
ROW = Row(7, 1, "Quiet Owl", "team", 0.83, 0.82, 0.84, 7, NOON, {3: 0.95})


def test_a_row_as_json_is_what_the_page_and_the_notebook_read():
    assert json.loads(json.dumps(ROW.to_json())) == {
        "rank": 1,
        "name": "Quiet Owl",
        "kind": "team",
        "score": 0.83,
        "low": 0.82,
        "high": 0.84,
        "uploads": 7,
        "last_improved": "2026-11-21T12:00:00+00:00",
        "top": {"3": 0.95},
        "private": None,
        "shake_up": None,
    }
    closed = replace(ROW, private=Private(0.8, 0.79, 0.81, 3, {}), shake_up=-2).to_json()
    assert closed["private"] == {"score": 0.8, "low": 0.79, "high": 0.81, "rank": 3, "top": {}}
    assert closed["shake_up"] == -2


def test_a_board_as_json_has_a_version_and_the_servers_time_when_asked():
    board = Board(12, False, (ROW,))
    assert board.to_json() == {"version": 12, "closed": False, "rows": [ROW.to_json()]}
    berlin = NOON.astimezone(dt.timezone(dt.timedelta(hours=1)))
    assert board.to_json(berlin)["server_time"] == "2026-11-21T12:00:00+00:00"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("x")', '-x,"y"\n=2'])
def test_no_cell_of_the_csv_is_a_formula(name):
    found = list(
        csv.DictReader(io.StringIO(Board(1, False, (replace(ROW, name=name),)).to_csv(), newline=""))
    )
    assert found[0]["name"] == "'" + name


def test_the_csv_has_a_column_for_everything_on_the_board():
    closed = replace(ROW, private=Private(0.8, 0.79, 0.81, 3, {}), shake_up=-2)
    found = list(csv.reader(io.StringIO(Board(1, True, (closed, ROW)).to_csv(), newline="")))
    assert tuple(found[0]) == COLUMNS
    assert found[1] == [
        "1", "Quiet Owl", "team", "0.83", "0.82", "0.84", "7", "2026-11-21T12:00:00+00:00",
        "3", "0.8", "0.79", "0.81", "-2",
    ]  # fmt: skip
    assert found[2][8:] == [""] * 5


def test_within_a_rank_the_earlier_upload_goes_first_and_after_the_close_private_ranks_count():
    def row(team: int, rank: int, hour: int, private: int | None = None) -> Row:
        known = None if private is None else Private(0.5, 0.4, 0.6, private, {})
        return replace(
            ROW, team_id=team, rank=rank, last_improved=NOON + hour * dt.timedelta(hours=1), private=known
        )

    opened = ordered([row(1, 2, 0), row(2, 1, 9), row(3, 1, 5), row(4, 1, 5)])
    assert [one.team_id for one in opened] == [3, 4, 2, 1]
    closed = ordered([row(1, 1, 0), row(2, 1, 1, 2), row(3, 5, 2, 1), row(4, 2, 0, 2)])
    assert [one.team_id for one in closed] == [3, 4, 2, 1]  # 1 has no private score


def test_only_teams_push_others_down():
    ranks, low, high = ranks_of([(90, 100), (50, 100), (10, 100)], np.array([False, True, True]))
    assert ranks.tolist() == [1, 1, 2]
    assert (low < high).all()
    assert ranks_of([], np.zeros(0, dtype=bool))[0].tolist() == []


def test_the_rows_just_ahead_of_a_team():
    rows = tuple(replace(ROW, team_id=n) for n in range(6))
    board = Board(1, False, rows)
    assert [row.team_id for row in board.ahead_of(5)] == [2, 3, 4]
    assert [row.team_id for row in board.ahead_of(1)] == [0]
    assert board.ahead_of(0) == board.ahead_of(99) == [] and board.row_of(99) is None
    assert board.row_of(4) is rows[4]
