"""Backup and restore: a whole competition in one file.

A tar with fixed names: leaderboard.toml, public/..., private/..., database.sqlite. The database is copied at
one moment while the server may write to it, from PostgreSQL too, and goes back to either.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from autograder.leaderboard.competition import PUBLIC, SETTINGS, Competition, LeaderboardError
from autograder.leaderboard.serving import is_served
from autograder.leaderboard.store import Store
from autograder.text import printable

DATABASE = "database.sqlite"
PRIVATE = ("labels.npz", "seed.key")
NAMES = (SETTINGS, *(f"public/{name}" for name in PUBLIC), *(f"private/{name}" for name in PRIVATE), DATABASE)
NEEDED = (SETTINGS, "public/test.npz", "public/competition.json", "private/labels.npz", DATABASE)


def write(competition: Competition, file: Path) -> int:
    """Back `competition` up into the new file `file`; its size in bytes.

    Raises:
        LeaderboardError: there is such a file already, or it cannot be written.
    """
    file = file.resolve()
    if file.exists():
        raise LeaderboardError(f"{file} is there already; a backup never replaces another. Give a new name.")
    if not file.parent.is_dir():
        raise LeaderboardError(f"There is no folder {file.parent} to write {file.name} into.")
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as name:
        copy, part = Path(name, DATABASE), Path(name, "backup.tar")
        store = Store(competition.database_url)
        store.upgrade()
        store.backup(copy)
        with open(part, "xb", opener=_for_the_owner) as raw, tarfile.open(fileobj=raw, mode="w") as tar:
            for member in NAMES[:-1]:
                if (competition.path / member).is_file():
                    tar.add(competition.path / member, arcname=member)
            tar.add(copy, arcname=DATABASE)
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.link(part, file)  # unlike a rename it replaces nothing
    return file.stat().st_size


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read(file: Path, folder: Path, *, replace: bool) -> Path | None:
    """Make a competition in `folder` from the backup `file`; the new name of one put aside, if any.

    Raises:
        LeaderboardError: it is no backup, or not a whole one; or there is something in `folder`.
    """
    folder = folder.resolve()
    there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if there and not replace:
        raise LeaderboardError(f"{folder} is there already. Give a new name, or --replace to put it aside.")
    if there and is_served(folder):
        raise LeaderboardError(f"{folder} is being served; end the server first.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _unpack(file, building)
        store = Store(Competition(building).database_url)
        if not replace:
            _expect_empty(store)
        store.restore(building / DATABASE)
        (building / DATABASE).unlink()
        return _put(building, folder, there)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _expect_empty(store: Store) -> None:
    """A backup's leaderboard.toml may name a database outside of its folder, which may be in use."""
    store.upgrade()
    if store.teams():
        where = store.engine.url.render_as_string(hide_password=True)
        raise LeaderboardError(
            f"The database of this backup, {printable(where, 200)}, has teams in it already. Give "
            "--replace to put the backup in their place, or restore where that database is not reached."
        )


def _put(building: Path, folder: Path, there: bool) -> Path | None:
    if not there:
        os.replace(building, folder)
        return None
    aside = folder.with_name(f"{folder.name}.before-restore-{dt.datetime.now():%Y%m%d-%H%M%S}")
    folder.rename(aside)
    try:
        os.replace(building, folder)
    except OSError:
        aside.rename(folder)
        raise
    return aside


def _unpack(file: Path, folder: Path) -> None:
    """Only files with the names of a competition are written; whatever else the tar holds is left out."""
    folder.chmod(0o755)
    (folder / "public").mkdir()
    (folder / "private").mkdir(mode=0o700)
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                if member.name in NAMES and member.isreg() and (source := tar.extractfile(member)):
                    mode = 0o600 if member.name.startswith(("private/", DATABASE)) else 0o644
                    target = os.open(folder / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                    with open(target, "wb") as written:
                        shutil.copyfileobj(source, written)
                        os.fchmod(written.fileno(), mode)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise LeaderboardError(
            f"{file} cannot be read as a backup ({error}). Give a file of `backup`."
        ) from None
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise LeaderboardError(f"{file} is no whole backup; it lacks {', '.join(missing)}.")
