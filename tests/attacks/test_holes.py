"""Holes that attacks found in this grader, each closed where it was and tried here by itself."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder import judge, work
from autograder.collect import collect
from autograder.intake import reading
from autograder.intake.code import Code
from autograder.problems import ASK, LOOK, MEND, ROSTER, problems
from autograder.results import ExerciseGrade, GradedSubmission
from autograder.roster import Student
from cs_utils.checking.notebook import PUBLIC_SEED
from tests.attacks.attack import NOTEBOOK, exercises

# --- a table of the answers to the visible cases ---


def only_visible(name: str, seed: int) -> list[str]:
    """The groups whose cases the notebook shows, all of them."""
    exercise = exercises()[name]
    return [
        group.name
        for group in exercise.groups
        if judge._asked(exercise, group, seed) <= judge._asked(exercise, group, PUBLIC_SEED)
    ]


def test_no_group_is_judged_on_the_visible_cases_alone():
    dice = random.Random(0)
    seeds = [dice.getrandbits(63) for _ in range(30)]
    assert any(only_visible(name, seed) for name in exercises() for seed in seeds)  # there was a hole
    for name, seed in itertools.product(exercises(), seeds):
        assert not only_visible(name, judge.unseen_seed(name, seed)), (name, seed)


def test_the_seed_is_kept_where_it_shows_nothing_and_is_always_the_same():
    for name in exercises():
        seed = next(seed for seed in itertools.count(1) if not only_visible(name, seed))
        assert judge.unseen_seed(name, seed) == seed
        judge.unseen_seed.cache_clear()
        assert judge.unseen_seed(name, 7) == judge.unseen_seed(name, 7)


# --- links ---


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where ben's notebook belongs; ada's lies beside it."""
    for student in ("ada", "ben"):
        folder = tmp_path / "submitted" / student / NOTEBOOK
        folder.mkdir(parents=True)
        (folder / f"{NOTEBOOK}.ipynb").write_text(student)
    return tmp_path / "submitted" / "ben" / NOTEBOOK / f"{NOTEBOOK}.ipynb"


@contextlib.contextmanager
def meanwhile(do: Callable[[], object]) -> Iterator[None]:
    """`do` again and again in another thread."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            do()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("what", ["file", "folder", "student"])
def test_no_link_is_followed_however_it_changes_places_with_the_real_thing(place, what):
    real = {"file": place, "folder": place.parent, "student": place.parents[1]}[what]
    link, aside = real.with_name("link"), real.with_name("aside")
    link.symlink_to(Path(str(real).replace("ben", "ada")))

    def swap() -> None:
        os.rename(real, aside), os.rename(link, real)
        os.rename(real, link), os.rename(aside, real)

    seen = set()
    with meanwhile(swap):
        for _ in range(3000):
            seen.add(work.handed_in("ben", place).data)
    assert seen <= {b"ben", None}, seen


def test_a_folder_that_cannot_be_listed_is_a_row(place, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    place.unlink()
    monkeypatch.setattr(Path, "iterdir", closed)
    found = work.handed_in("ben", place)
    assert (found.data, found.status) == (None, "unreadable") and "permissions" in found.why


def test_a_folder_that_became_a_link_after_it_was_looked_at_is_not_entered(place):
    aside = place.parent.rename(place.parent.with_name("aside"))
    place.parent.symlink_to(aside)
    with pytest.raises(OSError):
        os.close(reading._open_without_links(place))


def test_a_hard_link_to_ours_is_refused_and_one_between_students_is_named(place):
    source = place.parents[3] / "source" / NOTEBOOK / place.name
    source.parent.mkdir(parents=True)
    source.write_text("solution")
    place.unlink()
    os.link(source, place)
    found = work.handed_in("ben", place)
    assert found.data is None and f"hard link to source/{NOTEBOOK}" in found.why
    place.unlink()
    os.link(str(place).replace("ben", "ada"), place)
    for student in ("ada", "ben"):
        found = work.handed_in(student, Path(str(place).replace("ben", student)))
        assert found.data == b"ada" and any("are one file" in note.message for note in found.notes)


def test_a_copy_of_the_course_made_of_hard_links_can_be_graded(place, tmp_path):
    """As backups are made with `cp -al`."""
    other = tmp_path / "backup.ipynb"
    os.link(place, other)
    found = work.handed_in("ben", place)
    assert found.data == b"ben" and [note.kind for note in found.notes] == ["flag"]


# --- archives ---


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 97])
@pytest.mark.parametrize("data", [b"x", b"\x09\x14\x05\x00\xff\xff\xff\xff\xff" + b"x" * 99, b"\0" * 50])
def test_a_damaged_entry_costs_one_row(tmp_path, kind, data):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr(f"ada/{NOTEBOOK}.ipynb", "{}")
        bad = zipfile.ZipInfo(f"ben/{NOTEBOOK}.ipynb")
        bad.external_attr = (stat.S_IFREG | 0o644) << 16
        entries.writestr(bad, data)
        bad.compress_type = kind
    course = tmp_path / "course"
    rows = collect(archive, course, NOTEBOOK, {name: Student(name) for name in ("ada", "ben")}).rows
    assert rows[0].status == "collected"
    assert rows[1].status == "problem" and "damaged" in rows[1].message


# --- what is counted in the student's own process ---


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.settrace(None)",
        "from cs_utils.checking import probes\nprobes._lines_run = lambda call: 1",
        "import cs_utils.checking.probes as p",
        "from cs_utils import checking",
        "from inside import worker",
        "import ctypes",
        "import sys\nsys._getframe(1).f_trace = None",
    ],
)
def test_code_that_could_change_what_is_counted_beside_it_is_flagged(code):
    assert Code(code).flags()


@pytest.mark.parametrize(
    "code", ["import gc\ngc.collect()", "from cs_utils import check, plots", "import sys"]
)
def test_ordinary_code_is_not(code):
    assert Code(code).flags() == []


# --- rows ---


def submission(student: str, status: str = "graded", summary: str = "", lost: str = "") -> GradedSubmission:
    points = 2.0 if status == "graded" and not lost else 0.0
    grade = ExerciseGrade("check_f", "f", points, 5.0, "", "", (), lost)
    return GradedSubmission(student, NOTEBOOK, status, (grade,), summary=summary)  # type: ignore[arg-type]


def test_each_failure_is_one_row_and_nothing_else_is():
    rows = problems(
        [
            submission("well"),
            submission("gone", "missing", "nothing was handed in"),
            submission(
                "torn", "unreadable", "the file is empty (0 bytes); ask the student to hand it in again"
            ),
            submission("ours", "failed", "the grader itself failed (E: x); see the log, then grade again"),
            submission("loop", lost="did not finish in time"),
            submission("odd", summary="the check under f was edited"),
        ],
        ["nobody"],
    )
    found = {row.student: (row.what, row.points, row.todo) for row in rows}
    assert found == {
        "gone": ("nothing was handed in", 5.0, ASK),
        "torn": ("the file is empty (0 bytes)", 5.0, "ask the student to hand it in again"),
        "ours": ("the grader itself failed (E: x)", 5.0, "see the log, then grade again"),
        "loop": ("f: did not finish in time", 5.0, MEND),
        "odd": ("the check under f was edited", 0, LOOK),
        "nobody": ("belongs to nobody on the roster", None, ROSTER),
    }
    assert {row.file for row in rows if row.student == "torn"} == {
        f"submitted/torn/{NOTEBOOK}/{NOTEBOOK}.ipynb"
    }
