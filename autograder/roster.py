"""The class list: ``roster.csv`` with the columns id, first_name, last_name, email."""

from __future__ import annotations

import csv
import functools
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from autograder.text import printable

COLUMNS = ("id", "first_name", "last_name", "email")
MAX_NAME = 100
# A name becomes a folder, and nbgrader splits its own names at "+".
ALLOWED = "letters, digits and . _ - @, beginning with a letter or a digit"


@dataclass(frozen=True)
class Student:
    """One line of the roster."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""

    @property
    def name(self) -> str:
        """First and last name, or the id where there is neither."""
        return f"{self.first_name} {self.last_name}".strip() or self.id


def is_safe_name(name: str) -> bool:
    """True when `name` can be the name of a folder and cannot lead out of it."""
    return (
        0 < len(name) <= MAX_NAME
        and name[0].isalnum()
        and all(character.isalnum() or character in "._-@" for character in name)
        and ".." not in name
    )


def read_roster(path: Path) -> dict[str, Student]:
    """The students by id, in the order of the file. Commas, semicolons or tabs; with or without a BOM.

    A line that stands twice is kept once, with a warning.

    Raises:
        ValueError: a missing file or column, an id that cannot be a folder's name, or two different lines for
            one id; the message names the file and the line.
    """
    try:
        found = path.stat()
    except OSError:  # `lines` says why
        return _read(path, 0, 0)
    return dict(_read(path, found.st_mtime_ns, found.st_size))


@functools.lru_cache(maxsize=8)
def _read(path: Path, _modified: int, _size: int) -> dict[str, Student]:
    """The roster as it stands now: a class is graded without reading it a thousand times."""
    written = lines(path)
    students: dict[str, Student] = {}
    seen: dict[str, int] = {}
    header: list[str] | None = None
    for number, fields in written:
        if header is None:
            header = _header(path, number, fields)
            continue
        student = _student(path, number, header, fields)
        key = student.id.casefold()  # some file systems take Ada and ada for one folder
        if key not in seen:
            seen[key], students[student.id] = number, student
        elif students.get(student.id) == student:
            warnings.warn(f"{path}, line {number}: {student.id} stands in line {seen[key]} too", stacklevel=2)
        else:
            raise ValueError(
                f"{path}: lines {seen[key]} and {number} are both about {student.id} and differ; "
                "keep one of them"
            )
    if header is None:
        raise ValueError(f"{path} is empty; its first line must be {','.join(COLUMNS)}")
    return students


def lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line numbers and fields of the lines that are not blank."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); it must hold the class list") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what spreadsheets of some countries write
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    try:
        return [(reader.line_num, fields) for fields in reader if any(field.strip() for field in fields)]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def _header(path: Path, number: int, fields: list[str]) -> list[str]:
    header = [field.strip().lower().replace(" ", "_") for field in fields]
    if missing := [column for column in COLUMNS if column not in header]:
        raise ValueError(
            f"{path}, line {number}: no column {', '.join(missing)}; "
            f"the first line must be {','.join(COLUMNS)}"
        )
    return header


def _student(path: Path, number: int, header: list[str], fields: list[str]) -> Student:
    if len(fields) < len(header):
        raise ValueError(f"{path}, line {number}: {len(fields)} fields where {len(header)} were expected")
    found = dict(zip(header, (field.strip() for field in fields), strict=False))
    student = Student(**{column: found[column] for column in COLUMNS})
    if not is_safe_name(student.id):
        raise ValueError(f"{path}, line {number}: the id {printable(student.id)!r} must consist of {ALLOWED}")
    return student
