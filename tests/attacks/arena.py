"""A class in which honest students sit beside every attack, graded once by the real command.

`fight` makes the course, hands everything in, runs `autograder collect`, `grade` and `feedback` in processes
of their own, and keeps what is needed to say afterwards what has been touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import pty
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import source
from autograder.course import Course, init
from autograder.sandbox import runtime as runtimes
from tests.attacks.attack import NOTEBOOK, Attack, World, honest
from tests.sandbox.conftest import descendants

SETTINGS = """\
name = "Attacked"
[grading]
seconds = 45
cell_seconds = 4
call_seconds = 2
{level}
"""
EARLIER = ("ada", "zoe")  # honest, graded before the attacks are there
BESIDE = ("ben", "mia", "yan")  # honest, graded among them
HOME_FILES = (".bashrc", ".ssh/id_ed25519", ".ipython/profile_default/startup/00.py", ".jupyter/config.py")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Command:
    """How a command ended. `terminal` is what it wrote to a terminal, raw."""

    code: int
    out: str = ""
    err: str = ""
    terminal: str = ""


@dataclass
class Arena:
    """What was there before, and what is there now."""

    course: Course
    world: World
    attacks: Mapping[str, Attack]
    before: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    survivors: set[int] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def report(self) -> dict[str, Any]:
        """What `autograder grade --json` printed."""
        return json.loads(self.commands["grade"].out)

    def row(self, student: str) -> dict[str, Any]:
        return next(one for one in self.report["submissions"] if one["student"] == student)

    def problem(self, student: str) -> str:
        """What the row of the class report says about a submission; "" when nothing is to be said."""
        found = [one for one in self.report["problems"] if one["student"] == student]
        assert len(found) <= 1, found
        return f"{found[0]['what']}; {found[0]['todo']}" if found else ""

    def marked(self) -> list[str]:
        """Files with the mark in their names that are not in the folders where they were handed in."""
        home = self.world.home
        tops = {home, self.world.runtime, Path(tempfile.gettempdir()), Path("/dev/shm"), Path("/var/tmp")}
        found = []
        for top in tops | {self.course.path}:
            for folder, folders, files in os.walk(top):
                if Path(folder) == self.course.path:
                    folders.remove("submitted")
                found += [
                    os.path.join(folder, name) for name in (*folders, *files) if self.world.mark in name
                ]
        return found

    def told(self) -> dict[str, str]:
        """Everything that people read: what it is -> the text."""
        shown = {
            f"{name} {part}": text
            for name, one in self.commands.items()
            for part, text in (("out", one.out), ("err", one.err), ("terminal", one.terminal))
        }
        for folder in ("feedback", "autograded", "logs", "results"):
            for path in sorted((self.course.path / folder).rglob("*")):
                if path.is_file():
                    shown[str(path.relative_to(self.course.path))] = path.read_text(
                        "utf-8", "surrogateescape"
                    )
        return shown


def fight(folder: Path, attacks: Mapping[str, Attack], level: str = "") -> Arena:
    """Let `attacks` be graded in a new course below `folder`, at `level` or the best that there is."""
    arena = _prepare(folder, attacks, level)
    start = time.monotonic()
    with _orphans_come_here() as survivors:
        _run(arena, "first", "grade", NOTEBOOK, *(f"-s{name}" for name in EARLIER))
        arena.before["rows"] = rows_of(arena.course, EARLIER)
        arena.before["records"] = records_of(arena.course, EARLIER)
        _hand_in(arena)
        arena.before["files"] = fingerprints(arena)
        _run(arena, "grade", "grade", NOTEBOOK, "--json", "--jobs", "2")
        _run(arena, "feedback", "feedback", NOTEBOOK)
        _run(arena, "again", "grade", NOTEBOOK, terminal=True)
    arena.survivors = survivors
    arena.seconds = time.monotonic() - start
    return arena


def _prepare(folder: Path, attacks: Mapping[str, Attack], level: str) -> Arena:
    course = init(folder / "course", sources=[source.SOLUTIONS / f"{NOTEBOOK}.py"])
    (course.path / "course.toml").write_text(SETTINGS.format(level=f'level = "{level}"' if level else ""))
    students = [EARLIER[0], *_mixed(list(attacks), BESIDE), EARLIER[1]]
    rows = "".join(f"{name},{name.title()},Student,{name}@example.org\n" for name in students)
    (course.path / "roster.csv").write_text(f"id,first_name,last_name,email\n{rows}")
    home = folder / "home"
    for name in HOME_FILES:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("# mine\n")
    world = World(
        course.path, home, runtimes.prepare().folders[-1], EARLIER[0], f"mark{secrets.token_hex(6)}"
    )
    arena = Arena(Course(course.path), world, attacks)
    for name in EARLIER:
        _put(arena, name, json.dumps(honest()).encode())
    return arena


def _mixed(attacks: list[str], honest: Sequence[str]) -> list[str]:
    """The honest spread evenly among the attacks."""
    step = len(attacks) // len(honest) + 1
    for index, name in enumerate(honest):
        attacks.insert(index * step + step // 2, name)
    return attacks


def _put(arena: Arena, student: str, data: bytes) -> None:
    path = arena.course.submitted(student, NOTEBOOK) / f"{NOTEBOOK}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def _hand_in(arena: Arena) -> None:
    for name in BESIDE:
        _put(arena, name, json.dumps(honest()).encode())
    archive = arena.course.path.parent / "submissions.zip"
    with zipfile.ZipFile(archive, "w") as entries:
        for attack in arena.attacks.values():
            if attack.zipped is not None:
                attack.zipped(entries, attack.handed_in(arena.world))
    _run(arena, "collect", "collect", str(archive), NOTEBOOK, "--json")
    for name, attack in arena.attacks.items():
        if attack.zipped is None:
            attack.hand_in(arena.course.submitted(name, NOTEBOOK) / f"{NOTEBOOK}.ipynb", arena.world)


def _run(arena: Arena, name: str, *arguments: str, terminal: bool = False) -> None:
    """Run `autograder` in the course folder; its home is the world's."""
    environment = os.environ | {"HOME": str(arena.world.home), "COLUMNS": "120", "TERM": "xterm"}
    if "XDG_CACHE_HOME" not in environment:  # not a new runtime for this home
        environment["XDG_CACHE_HOME"] = str(runtimes.cache_folder().parent)
    command = [sys.executable, "-P", "-m", "autograder", *arguments]
    cwd = arena.course.path
    if terminal:
        arena.commands[name] = _in_a_terminal(command, environment, cwd)
        return
    ended = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=900)
    arena.commands[name] = Command(ended.returncode, ended.stdout, ended.stderr)


def _in_a_terminal(command: list[str], environment: Mapping[str, str], cwd: Path) -> Command:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=dict(environment), cwd=cwd, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    os.close(ours)
    return Command(process.wait(), terminal=b"".join(parts).decode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def _orphans_come_here() -> Iterator[set[int]]:
    """Whatever outlives its parents becomes a child of this process; those that do are added to the set."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = descendants(os.getpid())
    survivors: set[int] = set()
    try:
        yield survivors
        survivors |= descendants(os.getpid()) - before
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def rows_of(course: Course, students: Sequence[str]) -> list[tuple[Any, ...]]:
    """Everything that the gradebook holds about some students, with the numbers of the rows."""
    query = """
        select student.*, submitted_assignment.*, submitted_notebook.*, grade.*, comment.*
        from student join submitted_assignment on submitted_assignment.student_id = student.id
        join submitted_notebook on submitted_notebook.assignment_id = submitted_assignment.id
        left join grade on grade.notebook_id = submitted_notebook.id
        left join comment on comment.notebook_id = submitted_notebook.id
        where student.id in ({}) order by student.id, grade.id, comment.id"""
    with contextlib.closing(sqlite3.connect(course.database)) as book:
        return book.execute(query.format(", ".join("?" * len(students))), students).fetchall()


def records_of(course: Course, students: Sequence[str]) -> list[dict[str, Any]]:
    """What grading keeps of some students beside the gradebook, without what tells of time and place."""
    kept = [json.loads(course.record(name, NOTEBOOK).read_text()) for name in students]
    return [{key: value for key, value in one.items() if key not in ("seconds", "basis")} for one in kept]


def schema(course: Course) -> list[tuple[Any, ...]]:
    """Tables, indices and triggers of the gradebook."""
    with contextlib.closing(sqlite3.connect(course.database)) as book:
        return book.execute("select type, name, tbl_name, sql from sqlite_master order by name").fetchall()


def fingerprints(arena: Arena) -> dict[str, object]:
    """What nobody may change: name -> digest."""
    course = arena.course.path
    files = ("course.toml", "roster.csv", "secret.key", "nbgrader_config.py")
    kept = {name: (course / name).read_bytes() for name in files}
    return {
        **{name: hashlib.sha256(data).hexdigest() for name, data in kept.items()},
        **{name: _tree(course / name) for name in ("source", "release", "submitted")},
        "home": _tree(arena.world.home),
        "runtime": _tree(arena.world.runtime),
        "schema of the gradebook": schema(arena.course),
    }


def _tree(top: Path) -> str:
    """Every name below `top` with size, mode, owner and times; that of the last change cannot be faked."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in (*sorted(files), *folders):
            path = os.path.join(folder, name)
            found = os.lstat(path)
            stable = (found.st_mode, found.st_uid, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink)
            digest.update(repr((os.fsencode(path), found.st_size, *stable)).encode())
    return digest.hexdigest()
