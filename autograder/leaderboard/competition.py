"""A competition's folder: its settings, what students get, and the labels that never leave the server.

    leaderboard.toml    what people edit
    public/             what students get: train.npz, test.npz, competition.json,
                        sample_submission.csv, RULES.md
    private/            labels.npz, seed.key; readable by the owner only

`create` writes a folder that is there as a whole or not at all; `Competition` reads one.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import secrets
import shutil
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from autograder.course import CourseError, write_atomically
from autograder.leaderboard.ladder import STRATEGIES, Ladder

SETTINGS = "leaderboard.toml"
DATABASE = "CS_LEADERBOARD_DATABASE"  # in the environment; may hold a password, which the file may not
PUBLIC = ("train.npz", "test.npz", "competition.json", "sample_submission.csv", "RULES.md")


class LeaderboardError(CourseError):
    """Something a person can put right; the message says what was found, expected, and what to do."""


@dataclass(frozen=True)
class Task:
    """The test set, in the order of test.npz. ids, labels: int64 (n,). public: bool (n,), which examples the
    public score is made from; the others are private. classes: their names; label i is classes[i]."""

    ids: np.ndarray
    labels: np.ndarray
    public: np.ndarray
    classes: tuple[str, ...]

    @cached_property
    def public_at(self) -> np.ndarray:
        """Where the public examples stand, int64."""
        return np.flatnonzero(self.public)

    @cached_property
    def private_at(self) -> np.ndarray:
        """Where the private examples stand, int64."""
        return np.flatnonzero(~self.public)

    @cached_property
    def public_labels(self) -> np.ndarray:
        return self.labels[self.public_at]

    @property
    def n_public(self) -> int:
        return len(self.public_at)

    @property
    def n_private(self) -> int:
        return len(self.private_at)


@dataclass(frozen=True)
class Rules:
    """What an upload must keep to, and what it may change. daily_limit: uploads a day that are scored, or
    None for no limit; a day is one of the calendar in `timezone`. top_k: the k of the accuracies shown."""

    deadline: dt.datetime | None = None
    timezone: dt.tzinfo = dt.UTC
    daily_limit: int | None = 5
    ladder: Ladder = field(default_factory=Ladder)
    top_k: tuple[int, ...] = (1, 3)

    def day(self, moment: dt.datetime) -> str:
        """The day of a moment (which has a zone) by the competition's calendar, such as 2026-11-21."""
        return moment.astimezone(self.timezone).date().isoformat()

    def next_day_at(self, moment: dt.datetime) -> dt.datetime:
        """When the next day begins, with the competition's zone."""
        tomorrow = moment.astimezone(self.timezone).date() + dt.timedelta(days=1)
        return dt.datetime.combine(tomorrow, dt.time(), tzinfo=self.timezone)

    def over(self, moment: dt.datetime) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and moment > self.deadline


class Competition:
    """The competition in the folder `path`.

    Raises:
        LeaderboardError: there is none, or a setting cannot be understood.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).resolve()
        file = self.path / SETTINGS
        if not file.is_file():
            raise LeaderboardError(
                f"There is no competition in {self.path} (no {SETTINGS} was found). Make one with "
                "`autograder leaderboard new NAME`, or name the folder of one."
            )
        settings = _Settings(file)
        self.title = settings.text("title", self.path.name)
        self.address = settings.text("address", "")
        self.pseudonyms = settings.flag("pseudonyms", True)
        self.own_training_data = settings.flag("own_training_data", False)
        self.daily_limit = settings.whole("daily_limit", 5)
        self.timezone = settings.zone("timezone")
        self.deadline = settings.moment("deadline", self.timezone)
        self.top_k = settings.ranks("top_k", (1, 3))
        self.ladder = settings.choice("ladder", STRATEGIES)
        self.step = settings.share("step", 0.01)
        self.database_url = _database(settings, self.path)

    @property
    def public_dir(self) -> Path:
        return self.path / "public"

    @property
    def private_dir(self) -> Path:
        return self.path / "private"

    @property
    def rules(self) -> Rules:
        """What `Store.record_upload` asks of an upload."""
        return Rules(
            self.deadline, self.timezone, self.daily_limit, Ladder(self.ladder, self.step), self.top_k
        )

    @cached_property
    def description(self) -> dict[str, Any]:
        """competition.json as it was written; what students are told."""
        path = self.public_dir / "competition.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise LeaderboardError(f"{path} cannot be read ({error}). Put it back from a backup.") from error
        if not isinstance(found, dict):
            raise LeaderboardError(f"{path} should hold a JSON object. Put it back from a backup.")
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.description["classes"])

    def task(self) -> Task:
        """The labels, for the process that scores.

        Raises:
            LeaderboardError: they cannot be read, or anybody else on this machine could read them, too.
        """
        folder = self.private_dir
        try:
            if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                raise LeaderboardError(
                    f"Others on this machine can look into {folder}, where the labels are. Run: chmod 700 "
                    f"{folder}"
                )
            with np.load(folder / "labels.npz", allow_pickle=False) as file:
                ids, labels, public = (file[name] for name in ("ids", "labels", "public"))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            if isinstance(error, LeaderboardError):
                raise
            raise LeaderboardError(
                f"{folder / 'labels.npz'} cannot be read ({error}). Put it back from a backup: without the "
                "labels "
                "nothing can be scored."
            ) from error
        return Task(ids.astype(np.int64), labels.astype(np.int64), public.astype(bool), self.classes)


def create(
    path: str | Path,
    *,
    title: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
    public: np.ndarray | None = None,
    seed_hex: str | None = None,
    rules_text: str = "",
    description: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Competition:
    """Write a competition's folder, whole or not at all.

    path: a new or empty folder. train, test: images uint8 (n, h, w, 3) and labels (n,), from 0. The test
    examples are shuffled here, and their ids say nothing. public: bool (n,), which test examples the public
    score is made from, in the order given; by default half of them, chosen at random. seed_hex: 32
    hexadecimal digits that the set was made from, kept in private/seed.key. rules_text: RULES.md.
    description: more entries for competition.json. settings: values for leaderboard.toml other than defaults.

    Raises:
        LeaderboardError: the folder holds other things, or an argument does not fit.
    """
    path = Path(path).resolve()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise LeaderboardError(f"{path} is there already and not empty. Give the name of a new folder.")
    _check_sets(train, test, classes, seed_hex)
    order = np.array(secrets.SystemRandom().sample(range(len(test[1])), len(test[1])), dtype=np.int64)
    chosen = _half(len(order)) if public is None else np.asarray(public, dtype=bool)[order]
    images, labels = test[0][order], test[1][order].astype(np.int64)
    ids = _ids(len(order))

    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        (building / "public").mkdir()
        (building / "private").mkdir(mode=0o700)
        _save(building / "public" / "train.npz", images=train[0], labels=train[1].astype(np.int64))
        _save(building / "public" / "test.npz", images=images, ids=ids)
        _write(building / "public" / "sample_submission.csv", sample_submission(ids))
        _write(building / "public" / "RULES.md", rules_text or f"# {title}\n")
        _save(building / "private" / "labels.npz", ids=ids, labels=labels, public=chosen)
        _write(building / "private" / "seed.key", (seed_hex or secrets.token_hex(16)) + "\n")
        for file in (building / "private").iterdir():
            file.chmod(0o600)
        _write(building / SETTINGS, settings_text({"title": title} | dict(settings or {})))
        known = Competition(building)
        _write(
            building / "public" / "competition.json",
            describe(known, classes, images, len(train[1]), description),
        )
        building.chmod(0o755)
        if path.exists():
            path.rmdir()
        os.replace(building, path)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return Competition(path)


def describe(
    competition: Competition,
    classes: Sequence[str],
    images: np.ndarray,
    n_train: int,
    more: Mapping[str, Any] | None = None,
) -> str:
    """competition.json: what a notebook needs to know, as text."""
    deadline = competition.deadline
    found: dict[str, Any] = {
        "title": competition.title,
        "classes": list(classes),
        "train_size": n_train,
        "test_size": len(images),
        "image_size": [int(length) for length in images.shape[1:3]],
        "deadline": deadline.isoformat() if deadline else None,
        "timezone": str(competition.timezone),
        "daily_limit": competition.daily_limit,
        "top_k": list(competition.top_k),
        "own_training_data": competition.own_training_data,
        "address": competition.address,
        "baseline": None,  # the score to beat, once the baselines are measured
    }
    return json.dumps(found | dict(more or {}), indent=2, ensure_ascii=False) + "\n"


def update_description(competition: Competition, **entries: Any) -> None:
    """Set entries of competition.json, such as ``baseline=0.34``."""
    found = competition.description | entries
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    write_atomically(competition.public_dir / "competition.json", text)
    competition.__dict__.pop("description", None)


def sample_submission(ids: np.ndarray) -> str:
    """A csv file that is valid and guesses class 0 everywhere."""
    return "id,label\n" + "".join(f"{one},0\n" for one in ids.tolist())


SETTINGS_TEXT = """\
# Settings of this competition. Edit freely; `autograder leaderboard` never overwrites this file.
# The server reads them when it starts.

title = {title}
# deadline = 2026-12-18T18:00:00  # no upload is taken later; without a zone, by the clock of `timezone`
timezone = {timezone}    # a day of the daily limit is one of this zone's calendar
daily_limit = {daily_limit}             # uploads a team and day; only uploads that were scored count
pseudonyms = {pseudonyms}           # false: the board shows the teams' names
address = {address}                # where students reach the server, such as "https://board.example.org"

# What an upload may change on the board. "parameter-free": the shown score changes when an upload is better
# by more than chance explains. "step": when it is better by `step`, and it is rounded to `step`.
ladder = {ladder}
step = {step}
top_k = {top_k}              # accuracies among the first k guesses, for uploads that give several

own_training_data = {own_training_data}   # whether the rules allow training pictures from elsewhere

# The database: a file here, or a PostgreSQL server. No password here: put it into ~/.pgpass, PGPASSWORD,
# or the whole address into the environment variable CS_LEADERBOARD_DATABASE.
database = {database}  # or "postgresql://USER@HOST/DATABASE"
"""
DEFAULTS: dict[str, Any] = {
    "title": "Leaderboard",
    "timezone": "UTC",
    "daily_limit": 5,
    "pseudonyms": True,
    "address": "",
    "ladder": "parameter-free",
    "step": 0.01,
    "top_k": [1, 3],
    "own_training_data": False,
    "database": "sqlite:///leaderboard.db",
}


def settings_text(settings: Mapping[str, Any]) -> str:
    """leaderboard.toml with these values, and defaults elsewhere."""
    unknown = set(settings) - set(DEFAULTS) - {"deadline"}
    if unknown:
        raise LeaderboardError(f"{SETTINGS} has no setting {', '.join(sorted(unknown))}.")
    text = SETTINGS_TEXT.format(**{key: _toml(settings.get(key, value)) for key, value in DEFAULTS.items()})
    if settings.get("deadline") is not None:
        text = text.replace("# deadline = 2026-12-18T18:00:00", f"deadline = {_toml(settings['deadline'])}")
    return text


def _toml(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return json.dumps(value if not isinstance(value, tuple) else list(value), ensure_ascii=False)


class _Settings:
    """The values of leaderboard.toml, each checked when it is asked for."""

    def __init__(self, file: Path) -> None:
        try:
            self._values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LeaderboardError(f"{file} cannot be read: {error}.") from error

    def text(self, key: str, default: str) -> str:
        value = self._values.get(key, default)
        return value if isinstance(value, str) else self._wrong(key, "text in quotes")

    def flag(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        return value if isinstance(value, bool) else self._wrong(key, "true or false")

    def whole(self, key: str, default: int) -> int:
        value = self._values.get(key, default)
        good = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return value if good else self._wrong(key, "a whole number of at least 1")

    def share(self, key: str, default: float) -> float:
        value = self._values.get(key, default)
        good = isinstance(value, float) and math.isfinite(value) and 0 < value < 1
        return value if good else self._wrong(key, "a number between 0 and 1, such as 0.01")

    def choice(self, key: str, choices: Sequence[str]) -> Any:
        value = self._values.get(key, choices[0])
        return value if value in choices else self._wrong(key, "one of " + ", ".join(choices))

    def ranks(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        value = self._values.get(key, list(default))
        good = isinstance(value, list) and all(type(k) is int and 0 < k <= 100 for k in value)
        return tuple(sorted({1, *value})) if good else self._wrong(key, "a list such as [1, 3]")

    def zone(self, key: str) -> dt.tzinfo:
        name = self.text(key, "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._wrong(key, "the name of a time zone, such as Europe/Berlin")

    def moment(self, key: str, zone: dt.tzinfo) -> dt.datetime | None:
        value = self._values.get(key)
        if isinstance(value, str):
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                return self._wrong(key, "a moment such as 2026-12-18T18:00:00")
        if value is None or isinstance(value, dt.datetime):
            return value.replace(tzinfo=zone) if value and value.tzinfo is None else value
        if isinstance(value, dt.date):
            return dt.datetime.combine(value, dt.time(23, 59, 59), tzinfo=zone)
        return self._wrong(key, "a moment such as 2026-12-18T18:00:00")

    def _wrong(self, key: str, expected: str) -> Any:
        raise LeaderboardError(f"{SETTINGS}: {key} must be {expected}, not {self._values.get(key)!r}.")


def _database(settings: _Settings, folder: Path) -> str:
    """The address for SQLAlchemy: a file's is relative to the folder, a server's has no password in it
    unless it comes from the environment."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    given = os.environ.get(DATABASE)
    where = f"The environment variable {DATABASE}" if given else f"{SETTINGS}: database"
    try:
        url = make_url(given or settings.text("database", DEFAULTS["database"]))
    except (ArgumentError, ValueError):
        raise LeaderboardError(
            f"{where} must be written like sqlite:///leaderboard.db or postgresql://USER@HOST/DATABASE."
        ) from None
    if url.get_backend_name() == "sqlite":
        return url.set(database=str(folder / (url.database or "leaderboard.db"))).render_as_string()
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise LeaderboardError(
            f"{where} must begin with sqlite:/// or postgresql://, not {url.drivername}://."
        )
    if not given and (url.password is not None or "password" in url.query):
        raise LeaderboardError(
            f"{where}: leave the password out of this file. Put it into ~/.pgpass (readable by you only), "
            "into "
            f"the environment variable PGPASSWORD, or the whole address into {DATABASE}."
        )
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _check_sets(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
    seed_hex: str | None,
) -> None:
    for name, (images, labels) in (("train", train), ("test", test)):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise LeaderboardError(
                f"The {name} images must be uint8 (n, h, w, 3), not {images.dtype} {images.shape}."
            )
        if (
            labels.shape != (len(images),)
            or labels.min(initial=0) < 0
            or labels.max(initial=0) >= len(classes)
        ):
            raise LeaderboardError(
                f"The {name} labels must be {len(images)} whole numbers from 0 to {len(classes) - 1}."
            )
    if len(test[1]) < 4:
        raise LeaderboardError(f"{len(test[1])} test images are too few; give at least 4.")
    if seed_hex is not None and (len(seed_hex) != 32 or not set(seed_hex) <= set("0123456789abcdef")):
        raise LeaderboardError("seed_hex must be 32 hexadecimal digits, as of secrets.token_hex(16).")


def _half(n: int) -> np.ndarray:
    """Half of n examples, chosen at random."""
    chosen = np.zeros(n, dtype=bool)
    chosen[secrets.SystemRandom().sample(range(n), n // 2)] = True
    return chosen


def _ids(n: int) -> np.ndarray:
    """n different ids at random, which say nothing about order, class or part."""
    return np.array(secrets.SystemRandom().sample(range(10 * n, 100 * n), n), dtype=np.int64)


def _save(path: Path, **arrays: np.ndarray) -> None:
    """An .npz file that is on disk for sure."""
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
