"""Hand-ins as an LMS gives them (a folder or a zip) -> submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb.

Where a notebook asks for another file, as notebook 12 for predictions.npz, that is taken in the same way and
put beside the notebook; each of the two is the student's newest, and has its own timestamp.

Files are matched to the roster by id, e-mail or name, and never by a guess: what fits nobody, or more than
one, is listed. No file of a student's is opened but as bytes, no link is followed, and no file is ever left
half-written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import lzma
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from autograder.course import CourseError
from autograder.intake.reading import MAX_BYTES, Unreadable, read_file
from autograder.roster import Student, is_safe_name
from autograder.text import listed, printable

MAX_TOTAL = 4 * 2**30  # bytes of all notebooks of one archive
MAX_ENTRIES = 100_000
STAMP = "timestamp.txt"  # nbgrader's name for the time of a notebook
# Graded cell -> the file beside the notebook that it is about.
BESIDE = {"check_predictions": "predictions.npz"}

RowStatus = Literal["collected", "replaced", "unchanged", "missing", "problem"]


class CollectError(CourseError):
    """The source as a whole cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Row:
    """What happened for one student. source: the file it came from, as named in the folder or archive."""

    student: str
    status: RowStatus
    message: str = ""
    source: str = ""


@dataclass(frozen=True)
class CollectReport:
    """rows: one per student, in the order of the roster. left_out: files that were not taken, and why."""

    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def count(self, status: RowStatus) -> int:
        return sum(row.status == status for row in self.rows)


@dataclass(frozen=True)
class Handed:
    """One file of the source. name: its path inside, with ``/``. modified: in UTC, None if unknown.

    read: gives at most `MAX_BYTES` + 1 bytes, so that a larger notebook is still seen to be too large.
    problem: why it cannot be read, or "". astray: the path leads out of the archive, so it says nothing about
    whose file it is.
    """

    name: str
    modified: dt.datetime | None
    read: Callable[[], bytes]
    problem: str = ""
    astray: bool = False


def files_beside(release: Path) -> tuple[str, ...]:
    """The files that are handed in beside the notebook which is released at `release`."""
    try:
        cells = json.loads(release.read_bytes())["cells"]
        asked = {cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # grading says that it is damaged
        return ()
    return tuple(file for grade_id, file in BESIDE.items() if grade_id in asked)


def stamp_of(file: str) -> str:
    """The file that holds the time of `file`, which lies beside a notebook: predictions.timestamp.txt."""
    return f"{PurePosixPath(file).stem}.{STAMP}"


def collect(
    source: Path,
    course_dir: Path,
    assignment: str,
    roster: Mapping[str, Student],
    *,
    zone: dt.tzinfo = dt.UTC,
    beside: Sequence[str] = (),
) -> CollectReport:
    """Copy the newest notebook of every student on the roster into the course folder.

    Collecting the same source twice changes nothing. An attempt that is older than the one already there does
    not replace it. `zone` is the time zone of a zip's entries where they do not say it themselves. `beside`
    names the files that are taken beside the notebook (`files_beside`).

    Raises:
        CollectError: `source` is no folder and no zip archive, or is damaged.
        ValueError: the assignment or an id on the roster cannot be the name of a folder.
    """
    for name in (assignment, *roster):
        if not is_safe_name(name):
            raise ValueError(f"{printable(name)!r} cannot be the name of a folder; correct it first")
    with _opened(source, zone) as files:
        others = _other_assignments(course_dir, assignment)
        chosen, left_out = _sort(files, assignment, others, roster, beside)
        rows = [
            _collect_student(student, chosen.get(student, []), course_dir, assignment, source, beside)
            for student in roster
        ]
    return CollectReport(tuple(rows), tuple(left_out))


def _other_assignments(course_dir: Path, assignment: str) -> set[str]:
    names = {folder.name for part in ("source", "release") for folder in (course_dir / part).glob("*")}
    return names - {assignment}


# The source: a folder or an archive


@contextlib.contextmanager
def _opened(source: Path, zone: dt.tzinfo) -> Iterator[list[Handed]]:
    if source.is_dir():
        yield sorted(_files_of_folder(source), key=lambda handed: handed.name)
        return
    if not source.exists():
        raise CollectError(f"{source} does not exist; name the folder or the zip that your LMS gave you")
    if not source.is_file():
        raise CollectError(f"{source} is neither a folder nor a zip archive")
    try:
        with zipfile.ZipFile(source) as archive:
            yield list(_files_of_archive(archive, zone))
    except (zipfile.BadZipFile, EOFError, struct.error, NotImplementedError, UnicodeDecodeError) as error:
        raise CollectError(
            f"{source} is no zip archive or is damaged ({printable(str(error))}); download it again"
        ) from None


def _files_of_folder(source: Path) -> Iterator[Handed]:
    """Every file below `source`; links are named and not followed."""
    for folder, subfolders, files in os.walk(source):
        for name in [*files, *(sub for sub in subfolders if os.path.islink(os.path.join(folder, sub)))]:
            path = Path(folder, name)
            shown = path.relative_to(source).as_posix()
            try:
                found = path.lstat()
            except OSError as error:
                yield Handed(shown, None, bytes, f"cannot be read ({error.strerror}); check its permissions")
                continue
            problem = ""
            if stat.S_ISLNK(found.st_mode):
                problem = "is a symbolic link and was not followed; replace it by the file itself"
            elif not stat.S_ISREG(found.st_mode):
                problem = "is no ordinary file (a pipe, a socket or a device) and was not opened"
            modified = dt.datetime.fromtimestamp(int(found.st_mtime), dt.UTC)
            yield Handed(shown, modified, lambda path=path: _read_plain(path), problem)  # type: ignore[misc]


def _read_plain(path: Path) -> bytes:
    """At most `MAX_BYTES` + 1 bytes of a regular file that is no link, even if it was one a moment ago."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, "is no ordinary file")
        return file.read(MAX_BYTES + 1)


def _files_of_archive(archive: zipfile.ZipFile, zone: dt.tzinfo) -> Iterator[Handed]:
    """Every file of a zip; nothing is unpacked but the bytes of the notebooks that are taken."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise CollectError(
            f"the archive holds {len(entries)} entries, more than {MAX_ENTRIES}; unpack it yourself"
        )
    budget = [MAX_TOTAL]
    for entry in entries:
        if entry.is_dir():
            continue
        yield Handed(
            _entry_name(entry),
            _entry_time(entry, zone),
            lambda entry=entry: _read_entry(archive, entry, budget),  # type: ignore[misc]
            _entry_problem(entry),
            _is_astray(entry.orig_filename),
        )


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's path. Old archivers write UTF-8 without saying so, and zipfile then reads it as cp437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    with contextlib.suppress(UnicodeError):
        return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _entry_problem(entry: zipfile.ZipInfo) -> str:
    if _is_astray(entry.orig_filename):
        return "has a path that leads out of the archive; it was not taken"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link or another special file in the archive; ask the student for the file itself"
    if entry.flag_bits & 0x1:
        return "is encrypted; unpack the archive with its password and collect the folder"
    return ""


def _is_astray(name: str) -> bool:
    return name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/") or name[1:2] == ":"


def _entry_time(entry: zipfile.ZipInfo, zone: dt.tzinfo) -> dt.datetime | None:
    """When the entry was last changed, in UTC: the archiver's Unix time if it is there, else the DOS time."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 0x5455 and len(field) >= 5 and field[0] & 1:
            return dt.datetime.fromtimestamp(struct.unpack("<i", field[1:5])[0], dt.UTC)
    try:
        moment = dt.datetime(*entry.date_time, tzinfo=zone)
    except ValueError:
        return None
    return None if moment.year <= 1980 else moment.astimezone(dt.UTC)  # 1980: the archiver knew no time


# What zipfile raises for damaged or invented entries, depending on how they are compressed.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    MemoryError,
    RuntimeError,  # NotImplementedError is one
    struct.error,
)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: list[int]) -> bytes:
    """At most `MAX_BYTES` + 1 bytes, whatever size the entry claims; all entries share `budget`."""
    if budget[0] <= 0:
        raise OSError(None, f"the archive unpacks to more than {MAX_TOTAL // 2**30} GiB")
    try:
        with archive.open(entry) as file:
            data = file.read(MAX_BYTES + 1)
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise OSError(None, f"is damaged in the archive ({printable(reason)})") from None
    budget[0] -= len(data)
    return data


# Whose file is it?

_JUNK = re.compile(
    r"(^|/)(__MACOSX|\.ipynb_checkpoints|\.git)/|(^|/)(\.[^/]*|Thumbs\.db|desktop\.ini|([^/]*\.)?timestamp\.txt)$"
)
_NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # browsers add .txt or .json
_BESIDE = re.compile("|".join(rf"{re.escape(PurePosixPath(file).suffix)}$" for file in BESIDE.values()), re.I)
_MOODLE = re.compile(r"^(?P<who>.+)_\d+_assignsubmission_[a-z]+_?$")
_CANVAS = re.compile(r"^(?P<who>[^_]+)_(?:LATE_)?(?P<user>\d+)_(?:LATE_)?\d+_(?P<file>.+)$")
_ATTEMPT = re.compile(r"(?:-(\d{1,4})| ?\((\d{1,4})\))$")


def _sort(
    files: Sequence[Handed],
    assignment: str,
    others: set[str],
    roster: Mapping[str, Student],
    beside: Sequence[str],
) -> tuple[dict[str, list[Handed]], list[tuple[str, str]]]:
    """Files by student; and those that were left out, with the reason."""
    index = _Index(roster)
    files = [handed for handed in files if handed.astray or not _JUNK.search(handed.name)]
    depth = _wrappers([handed.name for handed in files if not handed.astray], index)
    found: dict[str, list[Handed]] = {}
    left_out = []
    for handed in files:
        if handed.astray:
            left_out.append((printable(handed.name, 200), handed.problem))
            continue
        if _of_another(handed.name, others):
            continue
        people = _owners(PurePosixPath(handed.name).parts[depth:], assignment, index, beside)
        wanted = _NOTEBOOK.search(handed.name) or _meant(handed, beside)
        if len(people) == 1 and (wanted or handed.problem):
            found.setdefault(people[0], []).append(handed)
        else:
            left_out.append((printable(handed.name, 200), _why_left_out(handed.name, people, bool(wanted))))
    return found, left_out


def _meant(handed: Handed, beside: Sequence[str]) -> str:
    """Which of the files beside a notebook this one is, by its ending; or ""."""
    ending = PurePosixPath(handed.name).suffix.casefold()
    return next((file for file in beside if PurePosixPath(file).suffix == ending), "")


def _why_left_out(name: str, people: Sequence[str], wanted: bool) -> str:
    if len(people) > 1:
        return f"fits {listed(sorted(people))}; put it into a folder named by the student's id"
    if name.lower().endswith((".zip", ".7z", ".rar", ".gz")):
        return "is an archive inside the source and was not opened; unpack it and collect again"
    if not wanted:
        return f"is no notebook{f', from {people[0]}' if people else ''}; ask for the .ipynb file"
    return "fits nobody on the roster; put it into a folder named by the student's id, or correct the roster"


def _of_another(name: str, others: set[str]) -> bool:
    """True when a folder or the file is named as another assignment."""
    *folders, file = name.split("/")
    canvas = _CANVAS.match(file)
    stem = _NOTEBOOK.sub("", canvas["file"] if canvas else file)
    return bool(others & {*folders, stem, _ATTEMPT.sub("", stem)})


def _stem(file: str) -> str:
    """The file's name without the ending of a notebook, or of a file that is taken beside one."""
    return _NOTEBOOK.sub("", _BESIDE.sub("", file))


def _rank(handed: Handed, name: str) -> tuple[bool, bool, int, float, str]:
    """Later is better: readable, named as `name`, by the attempt's number, by time, by name."""
    attempt = _ATTEMPT.search(_stem(PurePosixPath(handed.name).name))
    number = int(attempt[1] or attempt[2]) if attempt else 0
    when = handed.modified.timestamp() if handed.modified else 0.0
    return not handed.problem, name in handed.name, number, when, handed.name


class _Index:
    """Who on the roster is meant by a text: an id, else an e-mail address, else a name."""

    def __init__(self, roster: Mapping[str, Student]) -> None:
        self.ids: dict[str, set[str]] = {}
        self.emails: dict[str, set[str]] = {}
        self.names: dict[str, set[str]] = {}
        for student in roster.values():
            self.ids.setdefault(student.id.casefold(), set()).add(student.id)
            if student.email:
                self.emails.setdefault(student.email.casefold(), set()).add(student.id)
            if student.first_name or student.last_name:
                for name in (student.first_name + student.last_name, student.last_name + student.first_name):
                    self.names.setdefault(_folded(name), set()).add(student.id)

    def find(self, text: str) -> list[str]:
        """The ids of all students who may be meant; empty for nobody."""
        key = text.strip().casefold()
        return sorted(self.ids.get(key) or self.emails.get(key) or self.names.get(_folded(text)) or ())


def _folded(name: str) -> str:
    """Letters and digits only, without accents and case: ``Müller, Ana`` -> ``mullerana``."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def _wrappers(names: Sequence[str], index: _Index) -> int:
    """How many outer folders all files share without their being a student's."""
    depth = 0
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    while folders and all(len(parts) > depth for parts in folders):
        shared = {parts[depth] for parts in folders}
        name = shared.pop()
        if shared or index.find(name) or _MOODLE.match(name):
            break
        depth += 1
    return depth


def _owners(parts: Sequence[str], assignment: str, index: _Index, beside: Sequence[str]) -> list[str]:
    """The students who may have handed in the file. The outer part decides: students name the inner ones."""
    *folders, file = parts
    for folder in folders:
        if folder == assignment:
            continue
        moodle = _MOODLE.match(folder)
        return index.find(moodle["who"] if moodle else folder)
    stem = _stem(file)
    if people := index.find(stem):
        return people
    if canvas := _CANVAS.match(stem):
        return index.find(canvas["who"]) or index.find(canvas["user"])
    bare = _ATTEMPT.sub("", stem)
    words = (assignment, *map(_stem, beside))
    return index.find(bare) or next(
        (people for word in words if (people := index.find(bare.replace(word, "").strip("_- ")))), []
    )


# Writing


def _collect_student(
    student: str,
    attempts: Sequence[Handed],
    course_dir: Path,
    assignment: str,
    source: Path,
    beside: Sequence[str],
) -> Row:
    """Put the best of each file in place. A failure costs this student's row, not the others'."""
    folder = course_dir / "submitted" / student / assignment
    notebooks = [handed for handed in attempts if not _meant(handed, beside)]
    row = _collect_one(student, notebooks, folder / f"{assignment}.ipynb", STAMP, source)
    for file in beside:
        meant = [handed for handed in attempts if _meant(handed, beside) == file]
        row = _together(row, file, _collect_one(student, meant, folder / file, stamp_of(file), source))
    return row


def _together(row: Row, file: str, other: Row) -> Row:
    """The row of a notebook with what happened to a file beside it."""
    status = row.status
    if other.status == "problem" or (status == "unchanged" and other.status != "missing"):
        status = other.status
    if other.status == "unchanged" and not other.message:
        return row
    said = f"{file}: {other.status}" + (f", {other.message}" if other.message else "")
    return Row(row.student, status, "; ".join(filter(None, [row.message, said])), row.source or other.source)


def _collect_one(student: str, attempts: Sequence[Handed], target: Path, stamp: str, source: Path) -> Row:
    """Put the best attempt at one file in place."""
    what = "notebook" if stamp == STAMP else target.name
    if not attempts:
        if target.exists():
            return Row(student, "unchanged", f"nothing in {source.name}; the {what} collected before stays")
        return Row(student, "missing", f"nothing in {source.name}")
    *others, best = sorted(attempts, key=lambda handed: _rank(handed, target.stem))
    name = printable(best.name, 200)
    if best.problem:
        return Row(student, "problem", f"{name} {best.problem}", name)
    notes = []
    if others:
        rest = [printable(handed.name, 200) for handed in others]
        notes.append(f"{len(attempts)} files, took {name}, not {listed(rest)}")
    try:
        data = best.read()
    except OSError as error:
        return Row(student, "problem", f"{name}: {error.strerror}; ask the student to hand it in again", name)
    if len(data) > MAX_BYTES:
        remedy = "; ask for it without outputs" if stamp == STAMP else ""
        notes.append(f"larger than {MAX_BYTES // 2**20} MiB, so it cannot be graded{remedy}")
    try:
        status, note = _put(target, target.with_name(stamp), data, best.modified)
    except OSError as error:
        message = f"{target} cannot be written ({error.strerror}); put that right and collect again"
        return Row(student, "problem", message, name)
    return Row(student, status, "; ".join([*notes, note] if note else notes), name)


def _put(target: Path, stamp: Path, data: bytes, modified: dt.datetime | None) -> tuple[RowStatus, str]:
    """Write a file and its timestamp, unless the same or a later attempt is there already.

    The timestamp goes first: when the run is interrupted between the two, the next one sees an old file and
    writes the new one.
    """
    folder = target.parent
    for part in (folder.parent.parent, folder.parent, folder, target):
        if part.is_symlink():
            raise OSError(None, f"{part.name} is a symbolic link")
    folder.mkdir(parents=True, exist_ok=True)
    before = _read_stamp(stamp)
    existed = target.exists()
    same = existed and target.stat().st_size == len(data) and target.read_bytes() == data
    if same:
        if modified and (before is None or modified < before):  # handed in as early as we know of
            _write_stamp(stamp, modified)
        return "unchanged", ""
    if existed and modified and before and before > modified:
        return "unchanged", f"an attempt of {before.isoformat(' ')} is there already, and this one is older"
    if modified:
        _write_stamp(stamp, modified)
    else:
        stamp.unlink(missing_ok=True)
    _write(target, data)
    return ("replaced" if existed else "collected"), ""


def _read_stamp(path: Path) -> dt.datetime | None:
    """The time in an nbgrader timestamp file, or None. Times without a zone are UTC, as nbgrader has it."""
    try:
        data, _ = read_file(path)  # a pipe in its place would never end
        moment = dt.datetime.fromisoformat(data.decode("utf-8").strip())
    except (Unreadable, ValueError):
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _write_stamp(path: Path, moment: dt.datetime) -> None:
    _write(path, f"{moment.isoformat(' ', 'seconds')}\n".encode())


def _write(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds the old content or the new one, never a part, whatever happens."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
