"""A course folder: where things are, its settings, and the secret seed that grading is made with.

The folder is an nbgrader course directory (plain ``nbgrader`` commands work in it) with two files more:
``course.toml``, which people edit, and ``secret.key``, which nobody needs to look at. Nothing here runs a
student's code or overwrites a file that a person may have edited.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import importlib.util
import os
import secrets
import stat
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.roster import Student

SETTINGS = "course.toml"
KEY = "secret.key"
SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"
TEMPLATES = Path(__file__).with_name("templates") / "course"


class CourseError(ValueError):
    """Something an instructor can put right; the message says what was found and what to do."""


class WrongUsage(CourseError):
    """A command was given something that is not there; the message lists what is."""


@dataclass(frozen=True)
class LatePolicy:
    """bank_days: late days a student may use over the term at no cost. per_day: share of an assignment's
    points that each further late day costs, from 0 to 1."""

    bank_days: int = 3
    per_day: float = 0.25


@dataclass(frozen=True)
class Assignment:
    """One assignment. due: the last moment at which it is on time (with a time zone), or None."""

    name: str
    due: dt.datetime | None = None


class Course:
    """The course that `path` lies in.

    Raises:
        WrongUsage: there is no course at `path` or above it.
        CourseError: ``course.toml`` cannot be understood.
    """

    def __init__(self, path: str | Path = ".") -> None:
        self.path = find(Path(path))
        self._settings = _read_settings(self.path / SETTINGS)

    @property
    def name(self) -> str:
        return str(self._settings.get("name", self.path.name))

    @property
    def course_id(self) -> str:
        """The name of the course in nbgrader's database; set by ``nbgrader_config.py`` too."""
        return str(self._settings.get("course_id", "convnets"))

    @property
    def database(self) -> Path:
        """The gradebook, unless it is on a server."""
        return self.path / "gradebook.db"

    @property
    def server(self) -> str | None:
        """The address of the PostgreSQL server that the gradebook is on, without a password, if it is.

        Raises:
            CourseError: ``url`` of ``[gradebook]`` cannot be used; the message says why.
        """
        url = self._table("gradebook").get("url")
        return None if url is None else _server(str(url))

    @property
    def db_url(self) -> str:
        """The gradebook's address. A writer waits for another one (formgrader, say) up to 30 seconds."""
        return self.server or f"sqlite:///{self.database}?timeout=30"

    @property
    def gradebook(self) -> str:
        """Where the gradebook is, for people to read."""
        return str(self._table("gradebook")["url"] if self.server else self.database)

    @property
    def late(self) -> LatePolicy:
        found = self._table("late")
        return LatePolicy(
            bank_days=int(_number(found, "bank_days", 3, "late")),
            per_day=_number(found, "per_day", 0.25, "late"),
        )

    @property
    def grading(self) -> dict[str, Any]:
        """The ``[grading]`` table: limits of a grading run, such as ``seconds``."""
        return dict(self._table("grading"))

    @property
    def competition(self) -> Path | None:
        """The folder of the competition that predictions are handed in for: ``[leaderboard] competition``.

        Raises:
            CourseError: it is no text.
        """
        found = self._table("leaderboard").get("competition")
        if found is not None and not isinstance(found, str):
            raise CourseError(f"{SETTINGS}: competition in [leaderboard] must be a folder, in quotes.")
        return None if found is None else (self.path / Path(found).expanduser()).resolve()

    @property
    def assignments(self) -> dict[str, Assignment]:
        """Every assignment that has been released into this folder, by name, in order."""
        released = sorted(
            folder.name for folder in (self.path / "release").glob("*") if self.release(folder.name).is_file()
        )
        settings = self.assignment_settings
        return {name: Assignment(name, _due(name, settings.get(name, {}))) for name in released}

    @property
    def assignment_settings(self) -> dict[str, Any]:
        """The ``[assignments.*]`` tables as they stand in ``course.toml``."""
        return self._table("assignments")

    def assignment(self, name: str) -> Assignment:
        """The assignment called `name`.

        Raises:
            WrongUsage: there is none; the message lists those that exist.
        """
        known = self.assignments
        if name not in known:
            listed = ", ".join(known) or "none yet; run `autograder init` again to build them"
            raise WrongUsage(f"There is no assignment called {name!r}. The assignments are: {listed}.")
        return known[name]

    def roster(self) -> dict[str, Student]:
        """The students of ``roster.csv`` by id, in its order.

        Raises:
            CourseError: the file is missing, or a line of it cannot be understood.
        """
        from autograder.roster import read_roster

        try:
            return read_roster(self.path / "roster.csv")
        except ValueError as error:
            raise CourseError(str(error)) from error

    def release(self, assignment: str) -> Path:
        """The notebook that students get."""
        return self.path / "release" / assignment / f"{assignment}.ipynb"

    def submitted(self, student: str, assignment: str) -> Path:
        """The folder of what a student handed in: ``A.ipynb`` and ``timestamp.txt``."""
        return self.path / "submitted" / student / assignment

    def autograded(self, student: str, assignment: str) -> Path:
        """The notebook that formgrader shows."""
        return self.path / "autograded" / student / assignment / f"{assignment}.ipynb"

    def feedback(self, student: str, assignment: str) -> Path:
        """The page that the student gets back."""
        return self.path / "feedback" / student / assignment / f"{assignment}.html"

    def record(self, student: str, assignment: str) -> Path:
        """What grading found out about a submission, as JSON."""
        return self.path / "results" / assignment / f"{student}.json"

    def seed(self, assignment: str) -> int:
        """The secret seed of an assignment's cases, below 2**63: HMAC-SHA256 of its name under the key.

        Raises:
            CourseError: ``secret.key`` is missing or damaged.
        """
        digest = hmac.new(_read_key(self.path / KEY), assignment.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def _table(self, name: str) -> dict[str, Any]:
        found = self._settings.get(name, {})
        if not isinstance(found, dict):
            raise CourseError(f"{self.path / SETTINGS}: [{name}] must be a table.")
        return found


def find(start: Path) -> Path:
    """The course folder that `start` is or lies in.

    Raises:
        WrongUsage: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS).is_file():
            return folder
    raise WrongUsage(
        f"There is no course in {start} or in a folder above it (no {SETTINGS} was found). "
        "Make one with `autograder init DIR`, or say where it is with `--course DIR`."
    )


def init(
    directory: str | Path,
    *,
    sources: Sequence[Path] | None = None,
    update: bool = False,
    progress: Callable[[str], None] = lambda name: None,
) -> Course:
    """Make `directory` a course folder, or finish or repeat an earlier `init` of it.

    Files that exist are left as they are, so it may be run again at any time; notebooks are built where
    they are missing, and with `update` all of them are built anew from their sources. `progress` is called
    with the name of each notebook before it is built.

    Raises:
        WrongUsage: the directory holds other things.
        CourseError: the notebooks' sources are not there.
    """
    path = Path(directory).resolve()
    if path.exists() and not path.is_dir():
        raise WrongUsage(f"{path} is a file; give the name of a folder.")
    if path.is_dir() and any(path.iterdir()) and not (path / SETTINGS).is_file():
        raise WrongUsage(f"{path} is not empty and is no course. Give the name of a new or empty folder.")
    path.mkdir(parents=True, exist_ok=True)
    # course.toml goes first: it marks the folder as ours, so that a run that was cut short can be repeated
    for template in sorted(TEMPLATES.iterdir(), key=lambda file: (file.name != SETTINGS, file.name)):
        write_new(path / template.name, template.read_text(encoding="utf-8"))
    _make_key(path / KEY)
    for name in ("source", "release", "submitted", "autograded", "feedback", "results", "logs"):
        (path / name).mkdir(exist_ok=True)
    course = Course(path)
    _build_notebooks(course, notebook_sources() if sources is None else sources, update, progress)
    return course


def notebook_sources() -> list[Path]:
    """The hand-written form of every notebook.

    Raises:
        CourseError: the package was installed without them.
    """
    found = sorted(SOLUTIONS.glob("[0-9][0-9]_*.py"))
    if not found:
        raise CourseError(
            f"No notebook sources in {SOLUTIONS}. A course is made from a copy of the course's repository: "
            "clone it and install it with `pip install -e .[instructor]`."
        )
    return found


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader, or a crash, sees the old file or the new one, never a part."""
    temporary = prepare(path, text)
    os.replace(temporary, path)


def prepare(path: Path, text: str) -> Path:
    """Write `text` to a temporary file beside `path`, on disk for sure; ``os.replace`` finishes it.

    Raises:
        OSError: such as a full disk; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    os.chmod(name, 0o644)
    return Path(name)


def write_new(path: Path, text: str) -> None:
    """Write a file unless there is one already."""
    if not path.exists():
        write_atomically(path, text)


def _build_notebooks(
    course: Course, sources: Sequence[Path], update: bool, progress: Callable[[str], None]
) -> None:
    from autograder import source

    for path in sources:
        if update or not course.release(path.stem).is_file():
            progress(path.stem)
            source.build(source.read(path), course.path, course=course)


def _make_key(path: Path) -> None:
    """Write 32 random bytes as hex, readable by the owner only. A key that exists is never replaced."""
    if path.exists():
        return
    temporary = path.with_name(f".{KEY}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise CourseError(
            f"The course's secret key cannot be read: {error}. Put {path} back from a backup: with another "
            "key the secret cases, and so some grades, would differ. If nothing is graded yet, run "
            "`autograder init`."
        ) from error
    except ValueError:
        key = b""
    if len(key) != 32:
        raise CourseError(
            f"{path} is damaged: it should hold 64 hexadecimal digits. Put it back from a backup."
        )
    return key


def key_is_private(path: Path) -> bool:
    """True when only its owner can read the key."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.") from error


def _server(url: str) -> str:
    """The address for SQLAlchemy. The password is in PGPASSWORD or ~/.pgpass, which libpq reads itself."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    where = f"{SETTINGS}, url in [gradebook]"
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise CourseError(f"{where}: write it like postgresql://USER@HOST/DATABASE.") from None
    if found.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise CourseError(f"{where}: it must begin with postgresql://, not {found.drivername}://.")
    if found.password is not None or "password" in found.query:
        raise CourseError(
            f"{where}: leave the password out of this file. Put it into ~/.pgpass (readable by you only) or "
            "into the environment variable PGPASSWORD."
        )
    if importlib.util.find_spec("psycopg") is None:
        raise CourseError(
            f"{where}: PostgreSQL needs a package more: pip install 'convnet-course[postgres]'."
        )
    patience = {"connect_timeout": "10", "options": "-c lock_timeout=30s"}  # the latter as for SQLite
    query = patience | dict(found.query)
    return found.set(drivername="postgresql+psycopg", query=query).render_as_string()


def _number(table: dict[str, Any], key: str, default: float, name: str) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise CourseError(f"{SETTINGS}: {key} in [{name}] must be a number of at least 0, not {value!r}.")
    return value


def _due(name: str, settings: Any) -> dt.datetime | None:
    """A due date with a time zone: a plain date means the end of that day, where no zone is given ours."""
    value = settings.get("due") if isinstance(settings, dict) else settings
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.astimezone()
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(23, 59, 59)).astimezone()
    raise CourseError(
        f"{SETTINGS}: due of [assignments.{name}] must be a date without quotes, such as "
        f"2026-10-02 or 2026-10-02T23:59:00, not {value!r}."
    )
