"""The leaderboard's tables, and how SQLite and PostgreSQL are opened. `store` is what uses them.

A table that changes here needs a revision in migrations/versions.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

PATIENCE = 20  # seconds that a writer waits for another one
# Connections that are kept, and that there may be; PostgreSQL's own limit is 100 for all processes together.
POOL: dict[str, int] = {"pool_size": 32, "max_overflow": 8, "pool_timeout": PATIENCE}

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Moment(sa.TypeDecorator[dt.datetime]):
    """A moment with a time zone, kept as UTC: SQLite has no zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        return None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


# A team, or a baseline. The second half is what the board shows of its uploads, so that the board reads
# one row per team however many uploads there are.
team = sa.Table(
    "team",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("pseudonym", sa.String(100), nullable=False),
    sa.Column(
        "folded", sa.String(200), nullable=False, unique=True
    ),  # of the pseudonym: equal if they look it
    sa.Column("kind", sa.String(8), nullable=False),  # team or baseline
    sa.Column("created", Moment, nullable=False),
    sa.Column("revoked", Moment),  # since when it is not on the board
    sa.Column("uploads", sa.Integer, nullable=False, server_default="0"),
    sa.Column("score", sa.Float),  # as shown
    sa.Column("hits", sa.Integer),  # public examples right, as shown
    sa.Column("n_public", sa.Integer),
    sa.Column("top", sa.JSON),  # {"3": 0.93}: public top-k accuracies of the shown upload
    sa.Column("best_at", Moment),
    sa.Column("best_upload_id", sa.Integer),
    sa.Column("selected_upload_id", sa.Integer),  # counts at the close instead of the best one
    sa.Column("correct", sa.LargeBinary),  # bits: which public examples the shown upload got right
)

member = sa.Table(
    "member",
    metadata,
    sa.Column("team_id", sa.ForeignKey("team.id"), primary_key=True),
    sa.Column("student_id", sa.String(100), primary_key=True, index=True),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("team_id", sa.ForeignKey("team.id"), nullable=False, index=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("last_four", sa.String(4), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
)

# Every upload that was scored. What its receipt said is kept, so that it can be given again.
upload = sa.Table(
    "upload",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("team_id", sa.ForeignKey("team.id"), nullable=False),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("day", sa.String(10), nullable=False),  # by the competition's calendar
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("file_name", sa.String(200), nullable=False),
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("shown_before", sa.Float),
    sa.Column("shown_after", sa.Float, nullable=False),
    sa.Column("improved", sa.Boolean, nullable=False),
    sa.Column("n_public", sa.Integer, nullable=False),
    sa.Column("rank_after", sa.Integer, nullable=False),
    sa.Column("left_after", sa.Integer),
    sa.Column("predictions", sa.LargeBinary, nullable=False),  # store.pack
    sa.UniqueConstraint("team_id", "key", name="uq_upload_team_key"),
    sa.Index("ix_upload_team_day", "team_id", "day"),
)

# How the upload that counted did on the private examples; empty until the board is closed.
final = sa.Table(
    "final",
    metadata,
    sa.Column("team_id", sa.ForeignKey("team.id"), primary_key=True),
    sa.Column("upload_id", sa.ForeignKey("upload.id"), nullable=False),
    sa.Column("hits", sa.Integer, nullable=False),
    sa.Column("n_private", sa.Integer, nullable=False),
    sa.Column("top", sa.JSON, nullable=False),
)

# One row. The board's version is `version` plus all teams' uploads: uploads of different teams share no row.
meta = sa.Table(
    "meta",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("closed_at", Moment),
)


def open_engine(url: str) -> Engine:
    """An engine whose transactions are as durable as the database can make them.

    A transaction that writes is announced by ``execution_options(writes=True)``: SQLite then takes its one
    lock at the beginning, so that no two writers can find each other in the way half done.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        patience = {"connect_timeout": "10", "options": f"-c lock_timeout={PATIENCE}s"}
        address = address.set(drivername="postgresql+psycopg", query=patience | dict(address.query))
        return sa.create_engine(address, pool_pre_ping=True, **POOL)
    _make_private(address.database)
    options = {"timeout": PATIENCE, "check_same_thread": False}
    engine = sa.create_engine(address, connect_args=options, **POOL)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: str | None) -> None:
    """A new database is for its owner only: what is known of right and wrong predictions tells labels."""
    if path and path != ":memory:" and Path(path).parent.is_dir():
        with contextlib.suppress(OSError):  # it exists, or SQLite will say why it cannot
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
