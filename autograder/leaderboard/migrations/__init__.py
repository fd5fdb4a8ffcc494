"""How the leaderboard's tables came to be, step by step; `upgrade` brings a database to the newest form.

A new revision is a file in versions/ that names the one before it as `down_revision`. Only columns and
tables are added, which SQLite can do in place, so that yesterday's backup can always be restored. A test
compares what the revisions make with the tables of `database`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from autograder.leaderboard.competition import LeaderboardError


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to `revision`, within the connection's transaction: wholly or not at all.

    Raises:
        LeaderboardError: the database was written by a newer version of this program.
    """
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise LeaderboardError(
            f"The leaderboard's database is of revision {current(connection)}, which this version does not "
            "know; it was written by a newer one. Update this program, or restore a backup that is older."
        ) from error


def current(connection: Connection) -> str | None:
    """The revision that a database is of, or None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that this version makes."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
