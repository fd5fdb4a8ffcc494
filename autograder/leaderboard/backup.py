"""A leaderboard's database as one file, and back: consistent while uploads come in, from any database to any.

The file is an SQLite database of the same tables, whichever database it was made from, so a backup of one
can also be restored into the other.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from autograder.leaderboard import migrations
from autograder.leaderboard.competition import LeaderboardError
from autograder.leaderboard.database import meta, metadata, open_engine, team

ROWS = 500  # that are in memory at a time
BEGINS = b"SQLite format 3\0"


def save(engine: Engine, path: Path) -> None:
    """Write everything in the database, as it is at one moment, to `path`, which may exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path.parent, f".{path.name}.") as building:
        if engine.dialect.name == "sqlite":
            _save_sqlite(engine, building)
        else:
            _save_rows(engine, building)
        with open(building, "rb") as file:
            os.fsync(file.fileno())
        os.replace(building, path)


def load(connection: Connection, path: Path) -> None:
    """Replace everything in the database by what is in `path`, within the connection's transaction.

    Raises:
        LeaderboardError: the file is no backup, or it is damaged.
    """
    with _checked_copy(path) as copy:
        before = _version(connection)
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        with copy.connect() as source:
            for table in metadata.sorted_tables:
                _copy_rows(source, connection, table)
        if connection.dialect.name == "postgresql":
            _continue_numbers(connection)
        # Whoever has seen a board, before or in the backup's time, must find that this is another one.
        connection.execute(
            meta.update().values(version=meta.c.version + max(0, before - _version(connection)) + 1)
        )


def _version(connection: Connection) -> int:
    uploads = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(team.c.uploads), 0))).scalar_one()
    return int(uploads + (connection.execute(sa.select(meta.c.version)).scalar() or 0))


def _save_sqlite(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        source = connection.connection.driver_connection
        connection.rollback()  # SQLite copies from outside of a transaction, and makes one of its own
        assert isinstance(source, sqlite3.Connection)
        with contextlib.closing(sqlite3.connect(path)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # all in one file


def _save_rows(engine: Engine, path: Path) -> None:
    target = open_engine(f"sqlite:///{path}")
    try:
        with (
            engine.connect().execution_options(isolation_level="REPEATABLE READ") as source,
            target.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            migrations.upgrade(connection)
            connection.execute(meta.delete())
            for table in metadata.sorted_tables:
                _copy_rows(source, connection, table)
    finally:
        target.dispose()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _copy_rows(source: Connection, target: Connection, table: sa.Table) -> None:
    with source.execution_options(yield_per=ROWS).execute(sa.select(table)) as rows:
        for part in rows.mappings().partitions():
            target.execute(table.insert(), [dict(row) for row in part])


def _continue_numbers(connection: Connection) -> None:
    """New rows are numbered after the restored ones."""
    for table in metadata.sorted_tables:
        if "id" in table.c and table is not meta:
            # Names of our own tables, nothing from outside
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                f"coalesce((SELECT max(id) FROM {table.name}), 0) + 1, false)"
            )


@contextlib.contextmanager
def _checked_copy(path: Path) -> Iterator[Engine]:
    """A copy of the backup, found whole and brought to the newest form; the backup itself is only read."""
    try:
        with open(path, "rb") as file:
            begins = file.read(len(BEGINS))
    except OSError as error:
        raise LeaderboardError(f"The backup cannot be read: {error}.") from error
    if begins != BEGINS:
        raise LeaderboardError(f"{path} is no backup of a leaderboard; give a file that `backup` wrote.")
    with _temporary(Path(tempfile.gettempdir()), "leaderboard-") as name:
        try:
            with (
                contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
                contextlib.closing(sqlite3.connect(name)) as copied,
            ):
                source.backup(copied)
                whole = copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError as error:
            raise LeaderboardError(f"{path} is damaged ({error}); take an earlier backup.") from error
        if not whole:
            raise LeaderboardError(f"{path} is damaged; take an earlier backup.")
        engine = open_engine(f"sqlite:///{name}")
        try:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                if migrations.current(connection) is None:
                    raise LeaderboardError(f"{path} is another program's database, and no leaderboard's.")
                migrations.upgrade(connection)
            yield engine
        finally:
            engine.dispose()


@contextlib.contextmanager
def _temporary(folder: Path, prefix: str) -> Iterator[Path]:
    """An empty file for the owner only, which is gone afterwards unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(name + ending).unlink(missing_ok=True)
