"""A copy of the board for a course site: a folder of plain files that needs no server, token or network."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.course import write_atomically
from autograder.leaderboard.competition import Competition
from autograder.leaderboard.pages import STATIC, render
from autograder.leaderboard.store import Store

FILES = ("board.css", "board.js", "icon.svg")


def write(competition: Competition, store: Store, directory: Path | str) -> Path:
    """Export the board as `store` has it now."""
    return export(
        store.board().to_json(dt.datetime.now(dt.UTC)),
        {team.pseudonym: [one.to_json() for one in store.history(team.id)] for team in store.teams()},
        {
            "title": competition.title,
            "address": competition.address,
            "deadline": competition.deadline.isoformat() if competition.deadline else None,
            "timezone": str(competition.timezone),
            "daily_limit": competition.daily_limit,
            "ladder": competition.ladder,
            "step": competition.step,
        },
        directory,
    )


def export(
    board: Mapping[str, Any],
    history: Mapping[str, Sequence[Mapping[str, Any]]],
    competition: Mapping[str, Any],
    directory: Path | str,
) -> Path:
    """Write ``index.html`` and what it needs into `directory`, made if need be; gives the page's path.

    board, competition: as ``GET /api/board`` and ``GET /api/competition`` answer. history: by the name that
    the board shows, a team's uploads, oldest first, as ``GET /api/me`` lists them; of each only ``at``,
    ``shown`` and ``improved`` get into the copy, since file names are the team's own affair. Empty, and the
    copy has no drawing of scores over time.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    shown = {row["name"] for row in board["rows"] if row["kind"] == "team"}
    histories = {
        name: [{key: one[key] for key in ("at", "shown", "improved")} for one in uploads]
        for name, uploads in history.items()
        if name in shown and uploads
    }
    for name in FILES:
        shutil.copyfile(STATIC / name, folder / name)
    page = folder / "index.html"
    write_atomically(page, render("site.html", board, competition, address=str, histories=histories))
    return page
