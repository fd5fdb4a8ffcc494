"""Everything that a leaderboard remembers, and the only code that writes it.

Teams, hashed tokens, uploads, and, once it is closed, the final scores. An upload is one transaction: it is
scored, shown and stored as a whole or not at all, and its key makes it count once however often it is sent.
Before `close` no private score is computed, so none can leak. SQLite by default; PostgreSQL by its address.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import re
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError

from autograder.leaderboard import scoring
from autograder.leaderboard.batches import Batches
from autograder.leaderboard.board import Board, Kind, Private, Row, ordered, ranks_of
from autograder.leaderboard.competition import LeaderboardError, Rules, Task
from autograder.leaderboard.database import final, member, meta, open_engine, team, token, upload
from autograder.leaderboard.ladder import Standing
from autograder.leaderboard.predictions import Predictions
from autograder.leaderboard.pseudonyms import ADJECTIVES, ANIMALS
from autograder.text import printable

SqlRow = Any  # a row as SQLAlchemy gives it: its columns are attributes
CLOSE_LOCK = 7_126_001  # a number of our own among PostgreSQL's advisory locks
LONGEST_NAME = 60
LONGEST_PSEUDONYM = 30
LONGEST_FILE_NAME = LONGEST_KEY = 200  # as the columns are
MOST_MARKS = 2  # accents on one letter; a pile of them covers the rows above and below
# What no font draws, although Unicode counts it among letters, marks and signs: two names that differ in it
# alone look the same, and one of nothing else is an empty row.
NEVER_DRAWN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


class NotCounted(LeaderboardError):
    """An upload that was not scored and costs nothing."""


class OverLimit(NotCounted):
    """The team has no upload left today."""


class Closed(NotCounted):
    """The deadline has passed, or the board is closed."""


class Conflict(NotCounted):
    """The same key came with other bytes before."""


class Unknown(LeaderboardError):
    """There is no such team or upload."""


class Busy(NotCounted):
    """The database could not be used; nothing of the upload was stored, and it may be sent again.

    details: the database's own words, which may name addresses and users, so they are for instructors only.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Team:
    """A team or baseline, as it is known by its token."""

    id: int
    name: str
    pseudonym: str
    kind: Kind
    uploads: int


@dataclass(frozen=True)
class Receipt:
    """What became of an upload. score: what the board shows for the team after it, from 0 to 1, with its
    95 % interval low, high. improved: whether this upload changed it. rank: the team's, just after it.
    left_today: uploads left that day, None without a limit. replayed: it had been stored before."""

    upload: int
    score: float
    improved: bool
    low: float
    high: float
    rank: int
    left_today: int | None
    replayed: bool = False

    @property
    def message(self) -> str:
        """What it means, in a sentence or two."""
        shown = f"{100 * self.score:.2f} %"
        if self.improved:
            return f"Your public score is now {shown}."
        return (
            f"Scored and kept; your public score stays at {shown}. It changes only when an upload is better "
            "than your best by more than chance explains."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "upload": self.upload,
            "score": self.score,
            "improved": self.improved,
            "low": self.low,
            "high": self.high,
            "rank": self.rank,
            "left_today": self.left_today,
            "message": self.message,
            "replayed": self.replayed,
        }


@dataclass(frozen=True)
class PastUpload:
    """One upload of a team. shown: the score that the board showed after it. selected: whether it counts at
    the close."""

    upload: int
    at: dt.datetime
    file_name: str
    improved: bool
    shown: float
    selected: bool
    source: str

    def to_json(self) -> dict[str, Any]:
        shown = dict(self.__dict__)
        return shown | {"at": self.at.isoformat(timespec="seconds")}


class Store:
    """The database at `url` (SQLAlchemy's way of writing it). `upgrade` makes or updates its tables.

    One store may be used by many threads; several processes may each have one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)
        self._cached: Board | None = None
        self._lock = threading.Lock()
        self._uploads = Batches(self._write, refusals=(LeaderboardError,))

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def upgrade(self) -> None:
        """Bring the tables to the newest form; safe to call at every start, by several processes at once."""
        from autograder.leaderboard import migrations  # Alembic takes a moment

        try:
            with self._write() as connection:
                self._exclude(connection)
                migrations.upgrade(connection)
        except Busy as busy:
            raise Busy(
                f"The leaderboard's database cannot be opened: {busy.details}.", busy.details
            ) from busy

    def close_connections(self) -> None:
        self.engine.dispose()

    # --- teams ------------------------------------------------------------------------------------------

    def add_team(
        self,
        name: str,
        students: Sequence[str] = (),
        *,
        pseudonym: str | None = None,
        now: dt.datetime | None = None,
    ) -> str:
        """Enter a team; its token, which is stored nowhere, only its hash.

        students: ids of its members. pseudonym: what the board shows; one is made up by default.

        Raises:
            LeaderboardError: the name or pseudonym is taken or cannot be used.
        """
        name = team_name(name)
        now = now or dt.datetime.now(dt.UTC)
        with self._write() as connection:
            _expect_free(connection, name, pseudonym)
            shown = _clean(pseudonym, "A pseudonym", LONGEST_NAME) if pseudonym else _pseudonym(connection)
            values = {
                "name": name,
                "pseudonym": shown,
                "folded": _folded(shown),
                "kind": "team",
                "created": now,
            }
            team_id = _inserted(connection, team, values)
            if students:
                rows = [{"team_id": team_id, "student_id": student} for student in dict.fromkeys(students)]
                connection.execute(member.insert(), rows)
            _changed(connection)
            return _new_token(connection, team_id, now)

    def teams(self) -> list[Team]:
        """All teams and baselines that have not been revoked, by name."""
        with self._read() as connection:
            found = connection.execute(
                sa.select(*TEAM_COLUMNS).where(team.c.revoked.is_(None)).order_by(team.c.name)
            )
            return [Team(*row) for row in found]

    def members(self, team_id: int) -> list[str]:
        """The ids of a team's students."""
        with self._read() as connection:
            query = sa.select(member.c.student_id).where(member.c.team_id == team_id)
            return list(connection.scalars(query.order_by(member.c.student_id)))

    def add_members(self, team_id: int, students: Sequence[str]) -> None:
        """Put more students into a team; those who are in it stay."""
        with self._write() as connection:
            self._team(connection, team_id)
            query = sa.select(member.c.student_id).where(member.c.team_id == team_id)
            there = set(connection.scalars(query))
            rows = [{"team_id": team_id, "student_id": one} for one in dict.fromkeys(students)]
            if rows := [row for row in rows if row["student_id"] not in there]:
                connection.execute(member.insert(), rows)

    def team_of_student(self, student: str) -> Team | None:
        """The team that a student is in."""
        with self._read() as connection:
            found = connection.execute(
                sa.select(*TEAM_COLUMNS)
                .join_from(team, member)
                .where(member.c.student_id == student, team.c.revoked.is_(None))
            ).first()
            return Team(*found) if found else None

    def team_of_token(self, given: str) -> Team | None:
        """The team that a token belongs to, or None when it is unknown or revoked.

        The token's hash is looked up, so how long it takes says nothing about how much of it is right.
        """
        with self._read() as connection:
            found = connection.execute(OF_TOKEN, {"hash": _hash(given)}).first()
            return Team(*found) if found else None

    def rotate_token(self, team_id: int, *, now: dt.datetime | None = None) -> str:
        """A new token for a team; all its earlier ones are revoked."""
        now = now or dt.datetime.now(dt.UTC)
        with self._write() as connection:
            self._team(connection, team_id)
            _revoke_tokens(connection, team_id, now)
            return _new_token(connection, team_id, now)

    def revoke(self, team_id: int, *, hide: bool = False, now: dt.datetime | None = None) -> None:
        """Revoke a team's tokens; with `hide` the team also leaves the board. Its uploads are kept."""
        now = now or dt.datetime.now(dt.UTC)
        with self._write() as connection:
            self._team(connection, team_id)
            _revoke_tokens(connection, team_id, now)
            if hide:
                connection.execute(team.update().where(team.c.id == team_id).values(revoked=now))
                _changed(connection)

    def set_pseudonym(self, team_id: int, pseudonym: str) -> str:
        """What the board calls a team from now on; the name as it is stored.

        Raises:
            LeaderboardError: it is taken (however written), too long, or holds characters that do not show.
        """
        shown = _clean(pseudonym, "A pseudonym", LONGEST_PSEUDONYM)
        with self._write() as connection:
            self._team(connection, team_id)
            taken = sa.select(team.c.id).where(team.c.folded == _folded(shown), team.c.id != team_id)
            if connection.execute(taken).first():
                raise LeaderboardError(f"The pseudonym {printable(shown)!r} is taken; choose another.")
            values = {"pseudonym": shown, "folded": _folded(shown)}
            connection.execute(team.update().where(team.c.id == team_id).values(values))
            _changed(connection)
        return shown

    # --- uploads ----------------------------------------------------------------------------------------

    def record_upload(
        self,
        team_id: int,
        predictions: Predictions,
        *,
        key: str,
        received_at: dt.datetime,
        source: str,
        file_name: str,
        sha256: str,
        task: Task,
        rules: Rules,
    ) -> Receipt:
        """Score an upload, change the board if the ladder lets it, and store it, in one transaction.

        key: the sender's idempotency key; the same key with the same bytes gives the same receipt again and
        changes nothing. received_at: by the server's clock. source: ``api``, ``page`` or ``handed in``.

        Raises:
            Closed, OverLimit, Conflict, Busy: nothing was stored.
            Unknown: there is no such team.
        """
        key = _usable(key)
        correct = predictions.labels[task.public_at] == task.public_labels
        top = _public_top(predictions, task, rules)
        packed = pack(predictions, len(task.classes))

        def store(connection: Connection) -> Receipt:
            self._share(connection)
            found = connection.execute(FOR_UPLOAD, {"team": team_id}).first()
            if found is None or found.kind != "team" or found.revoked is not None:
                raise Unknown(f"There is no team number {team_id} that may upload.")
            if (earlier := connection.execute(BY_KEY, {"team": team_id, "key": key}).first()) is not None:
                return _replayed(earlier, sha256)
            left = _expect_open(connection, team_id, received_at, rules)
            before = _standing(found, task)
            after = rules.ladder.after(correct, before)
            improved = after is not before
            hits = round(after.score * task.n_public)
            above = {"hits": scoring.hits_wholly_above(hits, task.n_public), "team": team_id}
            values: dict[str, Any] = {
                "team_id": team_id,
                "key": key,
                "received_at": received_at,
                "sha256": sha256,
                "file_name": printable(file_name, 100)[:LONGEST_FILE_NAME],
                "source": source,
                "shown_before": before.score if before else None,
                "shown_after": after.score,
                "improved": improved,
                "rank_after": 1 + connection.execute(HITS_AT_LEAST, above).scalar_one(),
                "left_after": None if left is None else left - 1,
                "n_public": task.n_public,
                "day": rules.day(received_at),
                "predictions": packed,
            }
            values["id"] = _inserted(connection, upload, values)
            changed: dict[str, Any] = {"uploads": found.uploads + 1}
            if improved:
                changed |= {
                    "score": after.score,
                    "hits": hits,
                    "n_public": task.n_public,
                    "correct": np.packbits(after.correct).tobytes(),
                    "top": top,
                    "best_at": received_at,
                    "best_upload_id": values["id"],
                }
            connection.execute(team.update().where(team.c.id == team_id), changed)
            return _receipt(values)

        return self._uploads.run(store, order=team_id)

    def record_baseline(
        self,
        name: str,
        predictions: Predictions | np.ndarray,
        task: Task,
        *,
        now: dt.datetime | None = None,
        rules: Rules | None = None,
    ) -> float:
        """Enter (or measure again) a baseline's row, with its exact public score; the score."""
        if not isinstance(predictions, Predictions):
            predictions = Predictions(np.asarray(predictions, dtype=np.int64))
        now = now or dt.datetime.now(dt.UTC)
        name = _clean(name, "A baseline's name", LONGEST_NAME)
        correct = predictions.labels[task.public_at] == task.public_labels
        hits = int(np.count_nonzero(correct))
        with self._write() as connection:
            known = connection.execute(sa.select(team.c.id, team.c.kind).where(team.c.name == name)).first()
            if known and known.kind != "baseline":
                raise LeaderboardError(
                    f"There is a team called {printable(name)!r}; name the baseline otherwise."
                )
            if known:
                team_id = known.id
                connection.execute(upload.delete().where(upload.c.team_id == team_id))
            else:
                row = {
                    "name": name,
                    "pseudonym": name,
                    "folded": _folded(name),
                    "kind": "baseline",
                    "created": now,
                }
                team_id = _inserted(connection, team, row)
            packed = pack(predictions, len(task.classes))
            score = hits / task.n_public
            upload_id = _inserted(
                connection,
                upload,
                {
                    "team_id": team_id,
                    "key": "baseline",
                    "received_at": now,
                    "sha256": hashlib.sha256(packed).hexdigest(),
                    "file_name": "",
                    "source": "baseline",
                    "shown_after": score,
                    "improved": True,
                    "rank_after": 0,
                    "n_public": task.n_public,
                    "day": "",
                    "predictions": packed,
                },
            )
            shown = {
                "score": score,
                "hits": hits,
                "n_public": task.n_public,
                "correct": np.packbits(correct).tobytes(),
                "top": _public_top(predictions, task, rules or Rules()),
                "uploads": 1,
                "best_at": now,
                "best_upload_id": upload_id,
            }
            connection.execute(team.update().where(team.c.id == team_id).values(shown))
            _changed(connection)
        return score

    def left_today(self, team_id: int, now: dt.datetime, rules: Rules) -> int | None:
        """How many uploads a team has left on the day of `now`, or None without a limit."""
        if rules.daily_limit is None:
            return None
        with self._read() as connection:
            used = connection.execute(USED, {"team": team_id, "day": rules.day(now)}).scalar_one()
            return max(0, rules.daily_limit - used)

    def history(self, team_id: int) -> list[PastUpload]:
        """A team's uploads, oldest first."""
        with self._read() as connection:
            found = self._team(connection, team_id)
            counts = found.selected_upload_id or found.best_upload_id
            rows = connection.execute(HISTORY, {"team": team_id}).all()
        return [
            PastUpload(
                row.id,
                row.received_at,
                row.file_name,
                row.improved,
                row.shown_after,
                row.id == counts,
                row.source,
            )
            for row in rows
        ]

    def select(self, team_id: int, upload_id: int | None) -> None:
        """Which upload counts at the close; None: the best public one, as by default.

        Raises:
            Unknown: the team has no such upload.
            Closed: the board is closed.
        """
        with self._write() as connection:
            self._share(connection)
            self._team(connection, team_id)
            if connection.execute(CLOSED_AT).scalar_one() is not None:
                raise Closed("The board is closed, so which upload counts can no longer be changed.")
            owned = sa.select(upload.c.id).where(upload.c.id == upload_id, upload.c.team_id == team_id)
            if upload_id is not None and connection.execute(owned).first() is None:
                raise Unknown(
                    f"Your team has no upload number {upload_id}; your uploads are listed in its history."
                )
            connection.execute(team.update().where(team.c.id == team_id).values(selected_upload_id=upload_id))

    # --- the board --------------------------------------------------------------------------------------

    def version(self) -> int:
        """A number that grows whenever the board changes; cheap to ask for."""
        with self._read() as connection:
            return connection.execute(VERSION).scalar_one()

    def board(self) -> Board:
        """The board, made anew only when something on it has changed."""
        with self._read() as connection:
            version = connection.execute(VERSION).scalar_one()
            known = self._cached
            if known is not None and known.version == version:
                return known
            rows = connection.execute(BOARD).all()  # with the version, so of one moment in any database
        if rows:
            made = _board(rows[0].version, rows[0].closed_at is not None, rows)
        else:
            made = Board(version, self.closed_at() is not None, ())
        with self._lock:
            if self._cached is None or self._cached.version < made.version:
                self._cached = made
        return made

    def closed_at(self) -> dt.datetime | None:
        """When the board was closed, or None while it is open."""
        with self._read() as connection:
            return connection.execute(CLOSED_AT).scalar_one()

    def close(self, now: dt.datetime, task: Task, rules: Rules | None = None) -> Board:
        """Compute and store the private scores of the uploads that count, for good; the final board.

        Raises:
            Closed: it was closed before.
        """
        rules = rules or Rules()
        with self._write() as connection:
            self._exclude(connection)
            closed = connection.execute(CLOSED_AT).scalar_one()
            if closed is not None:
                raise Closed(f"The board was closed on {closed:%Y-%m-%d at %H:%M} UTC.")
            entries = [_final(row, task, rules) for row in connection.execute(COUNTING)]
            if entries:
                connection.execute(final.insert(), entries)
            connection.execute(meta.update().values(closed_at=now, version=meta.c.version + 1))
        return self.board()

    # --- copies -----------------------------------------------------------------------------------------

    def backup(self, path: str | Path) -> None:
        """Write everything, as it is at one moment, to a file; uploads go on meanwhile."""
        from autograder.leaderboard import backup

        with _explained():
            backup.save(self.engine, Path(path))

    def restore(self, path: str | Path) -> None:
        """Replace everything by what a file of `backup` holds, in one transaction; of whichever database.

        Raises:
            LeaderboardError: the file is no backup, or it is damaged; nothing has changed then.
        """
        from autograder.leaderboard import backup

        self.upgrade()
        with self._write() as connection:
            self._exclude(connection)
            backup.load(connection, Path(path))
        with self._lock:
            self._cached = None

    # --- connections ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        """One snapshot: everything read within is of the same moment."""
        with _explained(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def _write(self) -> Iterator[Connection]:
        """One transaction: all of it is stored when this ends, or nothing."""
        with _explained(), self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def _share(self, connection: Connection) -> None:
        """Keep `close` waiting until this transaction ends; SQLite has one writer at a time anyway."""
        if not self.is_sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock_shared({CLOSE_LOCK})"))

    def _exclude(self, connection: Connection) -> None:
        """Wait for uploads under way, and keep others waiting until this transaction ends."""
        if not self.is_sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({CLOSE_LOCK})"))

    def _team(self, connection: Connection, team_id: int) -> SqlRow:
        found = connection.execute(sa.select(team).where(team.c.id == team_id)).first()
        if found is None:
            raise Unknown(f"There is no team number {team_id}.")
        return found


# --- statements, built once ------------------------------------------------------------------------------

TEAM_COLUMNS = (team.c.id, team.c.name, team.c.pseudonym, team.c.kind, team.c.uploads)
OF_TOKEN = (
    sa.select(*TEAM_COLUMNS)
    .join_from(team, token)
    .where(token.c.sha256 == sa.bindparam("hash"), token.c.revoked_at.is_(None), team.c.revoked.is_(None))
)
FOR_UPLOAD = (
    sa.select(team.c.kind, team.c.revoked, team.c.uploads, team.c.score, team.c.n_public, team.c.correct)
    .where(team.c.id == sa.bindparam("team"))
    .with_for_update()
)
# Everything but the predictions.
RECEIPT_COLUMNS = [column for column in upload.c if column.name != "predictions"]
BY_KEY = sa.select(*RECEIPT_COLUMNS).where(
    upload.c.team_id == sa.bindparam("team"), upload.c.key == sa.bindparam("key")
)
HISTORY = sa.select(*RECEIPT_COLUMNS).where(upload.c.team_id == sa.bindparam("team")).order_by(upload.c.id)
USED = sa.select(sa.func.count()).where(
    upload.c.team_id == sa.bindparam("team"),
    upload.c.day == sa.bindparam("day"),
    upload.c.source != "handed in",  # beside a notebook: no upload of anybody's day
)
CLOSED_AT = sa.select(meta.c.closed_at)
HITS_AT_LEAST = sa.select(sa.func.count()).where(
    team.c.kind == "team",
    team.c.revoked.is_(None),
    team.c.hits >= sa.bindparam("hits"),
    team.c.id != sa.bindparam("team"),
)
VERSION = sa.select(
    meta.c.version + sa.select(sa.func.coalesce(sa.func.sum(team.c.uploads), 0)).scalar_subquery()
)
BOARD = (
    sa.select(
        team.c.id,
        team.c.pseudonym,
        team.c.kind,
        team.c.uploads,
        team.c.score,
        team.c.hits,
        team.c.n_public,
        team.c.top,
        team.c.best_at,
        final.c.hits.label("private_hits"),
        final.c.n_private,
        final.c.top.label("private_top"),
        VERSION.scalar_subquery().label("version"),
        CLOSED_AT.scalar_subquery().label("closed_at"),
    )
    .join_from(team, final, isouter=True)
    .where(team.c.revoked.is_(None), team.c.score.is_not(None))
)
# The upload of each team that counts: the one selected, or else the best.
COUNTING = (
    sa.select(upload.c.id, upload.c.team_id, upload.c.predictions)
    .join_from(
        team, upload, upload.c.id == sa.func.coalesce(team.c.selected_upload_id, team.c.best_upload_id)
    )
    .where(team.c.revoked.is_(None))
)


# --- inside a transaction --------------------------------------------------------------------------------


def _inserted(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    key = connection.execute(table.insert(), dict(values)).inserted_primary_key
    return int(key[0]) if key else 0


def _changed(connection: Connection) -> None:
    """The board is another one from now on, for a reason other than an upload."""
    connection.execute(meta.update().values(version=meta.c.version + 1))


def _expect_free(connection: Connection, name: str, pseudonym: str | None) -> None:
    if connection.execute(sa.select(team.c.id).where(team.c.name == name)).first():
        raise LeaderboardError(f"There is a team called {printable(name)!r} already.")
    if (
        pseudonym
        and connection.execute(sa.select(team.c.id).where(team.c.folded == _folded(pseudonym))).first()
    ):
        raise LeaderboardError(f"The pseudonym {printable(pseudonym)!r} is taken; choose another.")


def _new_token(connection: Connection, team_id: int, now: dt.datetime) -> str:
    made = "cnn-" + secrets.token_urlsafe(24)
    values = {"team_id": team_id, "sha256": _hash(made), "last_four": made[-4:], "created": now}
    connection.execute(token.insert(), values)
    return made


def _revoke_tokens(connection: Connection, team_id: int, now: dt.datetime) -> None:
    valid = (token.c.team_id == team_id) & token.c.revoked_at.is_(None)
    connection.execute(token.update().where(valid).values(revoked_at=now))


def _pseudonym(connection: Connection) -> str:
    """Two words that no other team has, and a number when the words run out."""
    for digits in (0,) * 20 + (2,) * 20 + (6,) * 20:
        number = f" {secrets.randbelow(10**digits)}" if digits else ""
        made = f"{secrets.choice(ADJECTIVES)} {secrets.choice(ANIMALS)}{number}"
        if not connection.execute(sa.select(team.c.id).where(team.c.folded == _folded(made))).first():
            return made
    raise LeaderboardError("No pseudonym was found that is free; give one for each team.")


def _expect_open(connection: Connection, team_id: int, now: dt.datetime, rules: Rules) -> int | None:
    """How many uploads the team has left today, this one included."""
    closed = connection.execute(CLOSED_AT).scalar_one()
    if closed is not None:
        raise Closed("The board is closed: the final scores are out, and no upload is taken any more.")
    if rules.over(now):
        deadline = rules.deadline.astimezone(rules.timezone) if rules.deadline else now
        raise Closed(f"The deadline has passed ({deadline:%Y-%m-%d %H:%M %Z}); no upload is taken any more.")
    if rules.daily_limit is None:
        return None
    used = connection.execute(USED, {"team": team_id, "day": rules.day(now)}).scalar_one()
    if used >= rules.daily_limit:
        again = rules.next_day_at(now)
        raise OverLimit(
            f"Your team's {rules.daily_limit} uploads of today are used; the next one is possible from "
            f"{again:%Y-%m-%d %H:%M} ({again.tzname()}) on, so check on validation data of your own till "
            "then."
        )
    return int(rules.daily_limit - used)


def _standing(row: SqlRow, task: Task) -> Standing | None:
    if row.correct is None:
        return None
    if row.n_public != task.n_public:
        raise LeaderboardError(
            f"The database belongs to a test set with {row.n_public} public examples and this competition "
            "has "
            f"{task.n_public}. Give every competition a database of its own."
        )
    bits = np.unpackbits(np.frombuffer(row.correct, dtype=np.uint8), count=task.n_public)
    return Standing(row.score, bits.astype(bool))


def _replayed(row: SqlRow, sha256: str) -> Receipt:
    if row.sha256 != sha256:
        raise Conflict(
            "Another file came with the same idempotency key before; take a new key for a new file (by "
            "default "
            "it is made from the file itself)."
        )
    return _receipt(row._asdict(), replayed=True)


def _receipt(row: Mapping[str, Any], replayed: bool = False) -> Receipt:
    low, high = scoring.wilson(round(row["shown_after"] * row["n_public"]), row["n_public"])
    return Receipt(
        upload=row["id"],
        score=row["shown_after"],
        improved=row["improved"],
        low=low,
        high=high,
        rank=row["rank_after"],
        left_today=row["left_after"],
        replayed=replayed,
    )


# --- scores ----------------------------------------------------------------------------------------------


def _public_top(predictions: Predictions, task: Task, rules: Rules) -> dict[str, float]:
    """Top-k accuracies on the public examples, for the k that the upload has guesses for."""
    return _top(predictions, task.labels, task.public_at, rules.top_k)


def _top(predictions: Predictions, truth: np.ndarray, at: np.ndarray, ks: Sequence[int]) -> dict[str, float]:
    if predictions.ranked is None:
        return {}
    ranked, truth = predictions.ranked[at], truth[at]
    return {str(k): scoring.top_k_hits(ranked, truth, k) / len(at) for k in ks if 1 < k <= ranked.shape[1]}


def _final(row: SqlRow, task: Task, rules: Rules) -> dict[str, Any]:
    predictions = unpack(row.predictions, len(task.labels), len(task.classes))
    at = task.private_at
    return {
        "team_id": row.team_id,
        "upload_id": row.id,
        "hits": int(np.count_nonzero(predictions.labels[at] == task.labels[at])),
        "n_private": len(at),
        "top": _top(predictions, task.labels, at, rules.top_k),
    }


def _board(version: int, closed: bool, found: Sequence[SqlRow]) -> Board:
    is_team = np.array([row.kind == "team" for row in found], dtype=bool)
    ranks, low, high = ranks_of([(row.hits, row.n_public) for row in found], is_team)
    private = _private(found, is_team) if closed else [None] * len(found)
    rows = [
        Row(
            team_id=row.id,
            rank=int(ranks[place]),
            name=row.pseudonym,
            kind=row.kind,
            score=row.score,
            low=float(low[place]),
            high=float(high[place]),
            uploads=row.uploads,
            last_improved=row.best_at,
            top={int(k): score for k, score in (row.top or {}).items()},
            private=(behind := private[place]),
            shake_up=None if behind is None else int(ranks[place]) - behind.rank,
        )
        for place, row in enumerate(found)
    ]
    return Board(version, closed, ordered(rows))


def _private(found: Sequence[SqlRow], is_team: np.ndarray) -> list[Private | None]:
    there = [place for place, row in enumerate(found) if row.private_hits is not None]
    pairs = [(found[place].private_hits, found[place].n_private) for place in there]
    ranks, low, high = ranks_of(pairs, is_team[there])
    scores: list[Private | None] = [None] * len(found)
    for number, place in enumerate(there):
        top = {int(k): score for k, score in found[place].private_top.items()}
        hits, n = pairs[number]
        scores[place] = Private(hits / n, float(low[number]), float(high[number]), int(ranks[number]), top)
    return scores


# --- predictions as bytes --------------------------------------------------------------------------------


def pack(predictions: Predictions, n_classes: int) -> bytes:
    """Predictions as bytes, with as many bits per label as there are classes to tell apart: one byte with
    the number k of guesses, then n rows of k labels. 10,000 labels of ten classes take 5 kB."""
    ranked = predictions.labels[:, None] if predictions.ranked is None else predictions.ranked
    bits = _bits(n_classes)
    values = ranked.astype(np.uint16).ravel()
    planes = np.empty((len(values), bits), dtype=np.uint8)
    for bit in range(bits):
        planes[:, bit] = (values >> bit) & 1
    return bytes([ranked.shape[1]]) + np.packbits(planes).tobytes()


def unpack(packed: bytes, n: int, n_classes: int) -> Predictions:
    """What `pack` packed."""
    bits, k = _bits(n_classes), packed[0]
    planes = np.unpackbits(np.frombuffer(packed, dtype=np.uint8, offset=1), count=n * k * bits)
    values = planes.reshape(-1, bits).astype(np.int64) @ (1 << np.arange(bits))
    ranked = values.reshape(n, k)
    return Predictions(ranked[:, 0].copy(), ranked if k > 1 else None)


def _bits(n_classes: int) -> int:
    return max(1, (n_classes - 1).bit_length())


# --- names and tokens ------------------------------------------------------------------------------------


def _clean(text: str, what: str, longest: int) -> str:
    """A name as it is stored: composed, without outer blanks and what is never drawn.

    Raises:
        LeaderboardError: it is empty, too long, or holds characters that do not show.
    """
    drawn = unicodedata.normalize("NFC", NEVER_DRAWN.sub("", text))
    shown = " ".join(word for word in drawn.split(" ") if word)
    if not shown or len(shown) > longest:
        raise LeaderboardError(f"{what} must have 1 to {longest} characters; {len(shown)} were given.")
    if printable(shown, longest) != shown:
        raise LeaderboardError(
            f"{what} must be visible characters and spaces only, not {printable(shown)!r}."
        )
    marks = (len(list(run)) for is_mark, run in itertools.groupby(shown, _is_mark) if is_mark)
    if max(marks, default=0) > MOST_MARKS or _is_mark(shown[0]):
        raise LeaderboardError(f"{what} must have at most {MOST_MARKS} accents on a letter.")
    return shown


def team_name(text: str) -> str:
    """A team's name as `Store.add_team` stores it.

    Raises:
        LeaderboardError: it cannot be used.
    """
    return _clean(text, "A team's name", LONGEST_NAME)


def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) > 0 or unicodedata.category(character) == "Me"


def _usable(key: str) -> str:
    """A key as any database takes it: one that is long or does not show is stood for by its hash."""
    return key if len(key) <= LONGEST_KEY and key.isprintable() else f"sha256:{_hash(key)}"


def _folded(name: str) -> str:
    """Equal for names that differ only in case, width, accents' encoding or blanks."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())[:200]


def _hash(given: str) -> str:
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """A database's error in words that say what to do."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, TimeoutError) as error:
        raise Busy(
            f"The leaderboard's database cannot be used just now ({_reason(error)}). Nothing was stored; try "
            "again in a moment.",
            _details(error),
        ) from error


def _details(error: DBAPIError | TimeoutError) -> str:
    """The database's own words, without the statement and its values."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())[:300]


def _reason(error: DBAPIError | TimeoutError) -> str:
    """Why, for people who need not know where the database is and who may write to it."""
    if isinstance(error, TimeoutError):
        return "too many are asking at once"
    if isinstance(error.orig, sqlite3.Error):
        return _details(error)
    return str(getattr(getattr(error.orig, "diag", None), "message_primary", None) or "its server is away")
