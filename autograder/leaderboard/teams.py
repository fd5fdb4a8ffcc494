"""The class list of a competition: which students upload together, and the tokens they get."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.leaderboard.board import no_formula
from autograder.leaderboard.competition import LeaderboardError
from autograder.leaderboard.store import Store, team_name
from autograder.roster import lines
from autograder.text import printable

STUDENT_COLUMNS = ("student_id", "id")
EXPECTED = "student_id,team (the team may be left out: then every student is a team)"


@dataclass(frozen=True)
class Made:
    """One line of the file of tokens."""

    student: str
    team: str
    token: str


def read_teams(path: Path) -> dict[str, list[str]]:
    """Teams and their students, in the order of the file.

    Columns student_id (or id, as in a course's roster.csv) and team; commas, semicolons or tabs. A student
    without a team is one.

    Raises:
        LeaderboardError: a column is missing, or a student is in two teams; the line is named.
    """
    try:
        found = lines(path)
    except ValueError as error:
        raise LeaderboardError(str(error)) from None
    if not found:
        raise LeaderboardError(f"{path} is empty; its first line must be {EXPECTED}.")
    header = [field.strip().lower().replace(" ", "_") for field in found[0][1]]
    column = next((header.index(name) for name in STUDENT_COLUMNS if name in header), None)
    if column is None:
        shown = printable(",".join(found[0][1]), 60)
        raise LeaderboardError(f"{path} begins with {shown!r}; its first line must be {EXPECTED}.")
    team_column = header.index("team") if "team" in header else None
    teams: dict[str, list[str]] = {}
    seen: dict[str, tuple[int, str]] = {}
    for number, fields in found[1:]:
        student = _field(fields, column)
        if not student:
            raise LeaderboardError(f"{path}, line {number}: no student_id.")
        team = (_field(fields, team_column) if team_column is not None else "") or student
        if student in seen and seen[student][1] != team:
            raise LeaderboardError(
                f"{path}: {printable(student)} is in two teams, in lines {seen[student][0]} and {number}; "
                "keep one of them."
            )
        if student not in seen:
            seen[student] = number, team
            teams.setdefault(team, []).append(student)
    if not teams:
        raise LeaderboardError(f"{path} has no students below its first line.")
    return teams


def _field(fields: Sequence[str], column: int) -> str:
    return fields[column].strip() if column < len(fields) else ""


def enter(store: Store, teams: dict[str, list[str]], *, pseudonyms: bool) -> Iterator[Made]:
    """Make the teams that are not there yet; their tokens, one line for each student, as soon as they are
    made: nobody can read them a second time.

    Raises:
        LeaderboardError: a name cannot be used, and no team was made; or one is taken, and those before it
            were made.
    """
    wanted: dict[str, list[str]] = {}
    for given, students in teams.items():
        wanted.setdefault(team_name(given), []).extend(students)
    known = {team.name: team.id for team in store.teams()}
    members = {student: name for name, id_ in known.items() for student in store.members(id_)}
    for name, students in wanted.items():
        if name in known:
            if strangers := [student for student in students if members.get(student) != name]:
                store.add_members(known[name], strangers)
            continue
        token = store.add_team(name, students, pseudonym=None if pseudonyms else name)
        yield from [Made(student, name, token) for student in students]


def write_tokens(path: Path, made: Iterable[Made]) -> list[Made]:
    """A file that nobody else on this machine can read; an earlier one is never replaced. What was written.

    It is there before the first token is made, and has every token even where making the next one fails;
    without a single one there is no file.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    written: list[Made] = []
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["student_id", "team", "token"])
            for one in made:
                rows.writerow([no_formula(one.student), no_formula(one.team), one.token])
                file.flush()
                written.append(one)
            os.fsync(file.fileno())
    finally:
        if not written:
            path.unlink()
    return written


def free_name(folder: Path) -> Path:
    """tokens.csv, or tokens-2.csv where that is there already."""
    number, path = 1, folder / "tokens.csv"
    while path.exists():
        number += 1
        path = folder / f"tokens-{number}.csv"
    return path
