"""Collecting: every hand-in finds its student or is listed, nothing is guessed, nothing half-written."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

import autograder.collect as collecting
from autograder.collect import CollectError, collect, files_beside
from autograder.intake.reading import MAX_BYTES, Unreadable, parse, read_file
from autograder.roster import Student

A = "01_correlation"
ROSTER = {
    student.id: student
    for student in (
        Student("alove", "Ada", "Lovelace", "ada@uni.edu"),
        Student("jmuel", "Jörg", "Müller", "jm@uni.edu"),
        Student("li1", "Wei", "Li", "li1@uni.edu"),
        Student("li2", "Wei", "Li", "li2@uni.edu"),
    )
}
NOON = dt.datetime(2026, 10, 5, 12, 0, 0, tzinfo=dt.UTC)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for name in (A, "02_shapes"):
        (tmp_path / "course/release" / name).mkdir(parents=True)
    return tmp_path / "course"


def put(folder: Path, name: str, content: bytes = b"{}", when: dt.datetime = NOON) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path


def zipped(tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            if isinstance(name, str):
                name = zipfile.ZipInfo(name, (2026, 10, 5, 12, 0, 0))
                name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, content)
    return path


def run(source: Path, course: Path, roster=ROSTER):
    report = collect(source, course, A, roster)
    return {row.student: row for row in report.rows}, dict(report.left_out)


def got(course: Path, student: str) -> bytes | None:
    path = course / "submitted" / student / A / f"{A}.ipynb"
    return path.read_bytes() if path.exists() else None


def tree(course: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in (course / "submitted").rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


NAMES = [
    "lovelaceada_12345_678901_01_correlation.ipynb",  # Canvas
    "lovelaceada_LATE_12345_678901_01_correlation-1.ipynb",
    "lovelaceada_12345_LATE_678901_Untitled.ipynb",
    "Ada Lovelace_123_assignsubmission_file_/file.ipynb",  # Moodle
    "Ada Lovelace_123_assignsubmission_file/sub folder/bob.ipynb",
    "alove/01_correlation.ipynb",
    "alove/01_correlation/01_correlation.ipynb",  # nbgrader
    "01_correlation/alove.ipynb",
    "alove.ipynb",
    "ALOVE.ipynb",
    "alove_01_correlation.ipynb",
    "alove (2).ipynb",
    "ada@uni.edu/work.ipynb",
    "LOVELACE, Ada/01_correlation.ipynb.txt",
    "submissions/week 1/alove/01_correlation.ipynb",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_names_as_learning_platforms_give_them_find_their_student(tmp_path, course, name, form):
    if form == "zip":
        source = zipped(tmp_path, [(name, b"work")])
    else:
        source = tmp_path / "in"
        put(source, name, b"work")
    rows, left_out = run(source, course)
    assert rows["alove"].status == "collected"
    assert got(course, "alove") == b"work"
    assert (course / "submitted/alove" / A / "timestamp.txt").read_text() == "2026-10-05 12:00:00+00:00\n"
    assert [row.status for row in rows.values()].count("missing") == 3
    assert left_out == {}


def test_nbgrader_reads_the_timestamp(tmp_path, course):
    from nbgrader.utils import parse_utc

    put(tmp_path / "in", "alove.ipynb")
    run(tmp_path / "in", course)
    stamp = (course / "submitted/alove" / A / "timestamp.txt").read_text().strip()
    assert parse_utc(stamp) == NOON.replace(tzinfo=None)


def test_accents_and_case_do_not_hide_a_student(tmp_path, course):
    put(tmp_path / "in", "mullerjorg_1_2_x.ipynb", b"work")
    run(tmp_path / "in", course)
    assert got(course, "jmuel") == b"work"


def test_names_that_an_old_archiver_wrote_are_read(tmp_path, course):
    source = tmp_path / "download.zip"
    plain, wanted = b"J_rg M_ller/x.ipynb", "Jörg Müller/x.ipynb".encode()
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("J__rg M__ller/x.ipynb", b"work")
    source.write_bytes(source.read_bytes().replace(b"J__rg M__ller/x.ipynb", wanted))
    assert len(plain) + 2 == len(wanted)
    run(source, course)
    assert got(course, "jmuel") == b"work"


def test_a_name_that_fits_two_students_is_listed_and_not_guessed(tmp_path, course):
    put(tmp_path / "in", "liwei_1_2_01_correlation.ipynb")
    rows, left_out = run(tmp_path / "in", course)
    assert "fits li1 and li2" in left_out["liwei_1_2_01_correlation.ipynb"]
    assert rows["li1"].status == rows["li2"].status == "missing"
    assert not (course / "submitted").exists()


def test_a_file_of_nobody_on_the_roster_is_listed(tmp_path, course):
    put(tmp_path / "in", "alove.ipynb")
    put(tmp_path / "in", "mallory/01_correlation.ipynb")
    put(tmp_path / "in", "mallory/alove.ipynb")  # students choose the inner names
    _, left_out = run(tmp_path / "in", course)
    assert sorted(left_out) == ["mallory/01_correlation.ipynb", "mallory/alove.ipynb"]
    assert all("fits nobody on the roster" in why for why in left_out.values())


def test_a_platforms_folder_decides_and_not_the_name_inside(tmp_path, course):
    put(tmp_path / "in", "Mallory X_1_assignsubmission_file_/alove.ipynb")
    rows, left_out = run(tmp_path / "in", course)
    assert rows["alove"].status == "missing" and len(left_out) == 1


def test_of_several_files_the_newest_attempt_wins_and_it_is_said(tmp_path, course):
    later = NOON + dt.timedelta(hours=3)
    put(tmp_path / "in", "lovelaceada_1_2_01_correlation.ipynb", b"first", later)
    put(tmp_path / "in", "lovelaceada_1_3_01_correlation-10.ipynb", b"tenth")
    put(tmp_path / "in", "lovelaceada_1_4_01_correlation-9.ipynb", b"ninth", later)
    rows, _ = run(tmp_path / "in", course)
    assert got(course, "alove") == b"tenth"
    assert "3 files, took lovelaceada_1_3_01_correlation-10.ipynb" in rows["alove"].message


def test_without_attempt_numbers_the_latest_time_wins(tmp_path, course):
    put(tmp_path / "in", "alove/b.ipynb", b"old")
    put(tmp_path / "in", "alove/a.ipynb", b"new", NOON + dt.timedelta(minutes=1))
    run(tmp_path / "in", course)
    assert got(course, "alove") == b"new"


def test_notebooks_of_another_assignment_stay_where_they_are(tmp_path, course):
    put(tmp_path / "in", "alove/02_shapes/02_shapes.ipynb", b"other", NOON + dt.timedelta(days=1))
    put(tmp_path / "in", "alove/01_correlation/01_correlation.ipynb", b"this")
    put(tmp_path / "in", "lovelaceada_1_2_02_shapes-1.ipynb", b"other", NOON + dt.timedelta(days=1))
    run(tmp_path / "in", course)
    assert got(course, "alove") == b"this"


def test_what_is_no_notebook_is_listed_with_its_student(tmp_path, course):
    put(tmp_path / "in", "alove/report.pdf")
    put(tmp_path / "in", "alove/.DS_Store")
    put(tmp_path / "in", "__MACOSX/alove/._x.ipynb")
    rows, left_out = run(tmp_path / "in", course)
    assert rows["alove"].status == "missing"
    assert left_out == {"alove/report.pdf": "is no notebook, from alove; ask for the .ipynb file"}


def test_collecting_twice_changes_nothing(tmp_path, course):
    source = zipped(tmp_path, [("alove.ipynb", b"work"), ("jmuel.ipynb", b"other")])
    run(source, course)
    before = tree(course)
    rows, _ = run(source, course)
    assert rows["alove"].status == rows["jmuel"].status == "unchanged"
    assert tree(course) == before


def test_a_newer_attempt_replaces_and_an_older_one_does_not(tmp_path, course):
    put(tmp_path / "in", "alove.ipynb", b"first")
    run(tmp_path / "in", course)
    put(tmp_path / "in", "alove.ipynb", b"second", NOON + dt.timedelta(hours=1))
    rows, _ = run(tmp_path / "in", course)
    assert (rows["alove"].status, got(course, "alove")) == ("replaced", b"second")
    put(tmp_path / "in", "alove.ipynb", b"first")
    rows, _ = run(tmp_path / "in", course)
    assert (rows["alove"].status, got(course, "alove")) == ("unchanged", b"second")
    assert "older" in rows["alove"].message


def test_copying_a_folder_does_not_make_a_submission_late(tmp_path, course):
    put(tmp_path / "in", "alove.ipynb", b"work")
    run(tmp_path / "in", course)
    put(tmp_path / "in", "alove.ipynb", b"work", NOON + dt.timedelta(days=9))
    run(tmp_path / "in", course)
    assert "2026-10-05 12:00" in (course / "submitted/alove" / A / "timestamp.txt").read_text()


def test_a_student_who_is_not_in_this_source_keeps_what_was_collected(tmp_path, course):
    put(tmp_path / "in", "alove.ipynb", b"work")
    run(tmp_path / "in", course)
    put(tmp_path / "later", "jmuel.ipynb", b"work")
    rows, _ = run(tmp_path / "later", course)
    assert rows["alove"].status == "unchanged" and got(course, "alove") == b"work"


# Hostile and broken sources


@pytest.mark.parametrize(
    "name",
    ["../alove.ipynb", "alove/../../../alove.ipynb", "/alove.ipynb", "..\\alove.ipynb", "C:\\alove.ipynb"],
)
def test_paths_that_lead_out_of_a_zip_are_refused(tmp_path, course, name):
    source = zipped(tmp_path, [(name, b"evil"), ("jmuel.ipynb", b"work")])
    before = {path for path in tmp_path.rglob("*") if "course" not in path.parts}
    rows, left_out = run(source, course)
    assert list(left_out) and "leads out of the archive" in next(iter(left_out.values()))
    assert rows["alove"].status == "missing"
    assert got(course, "jmuel") == b"work"
    assert {path for path in tmp_path.rglob("*") if "course" not in path.parts} == before


def test_a_link_in_a_zip_is_not_followed(tmp_path, course):
    link = zipfile.ZipInfo("alove.ipynb", (2026, 10, 5, 12, 0, 0))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    rows, _ = run(zipped(tmp_path, [(link, b"/etc/passwd"), ("jmuel.ipynb", b"work")]), course)
    assert rows["alove"].status == "problem" and "special file" in rows["alove"].message
    assert got(course, "alove") is None and got(course, "jmuel") == b"work"


def test_an_encrypted_entry_is_a_problem_of_one_student(tmp_path, course):
    source = zipped(tmp_path, [("alove.ipynb", b"secret"), ("jmuel.ipynb", b"work")])
    data = bytearray(source.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    source.write_bytes(data)
    rows, _ = run(source, course)
    assert rows["alove"].status == "problem" and "encrypted" in rows["alove"].message
    assert got(course, "jmuel") == b"work"


def test_a_damaged_entry_is_a_problem_of_one_student(tmp_path, course):
    source = zipped(tmp_path, [("alove.ipynb", os.urandom(5000)), ("jmuel.ipynb", b"work")])
    data = bytearray(source.read_bytes())
    data[2000] ^= 255
    source.write_bytes(data)
    rows, _ = run(source, course)
    assert rows["alove"].status == "problem" and "damaged" in rows["alove"].message
    assert got(course, "jmuel") == b"work"


def test_an_oversized_notebook_is_recorded_so_that_grading_says_why(tmp_path, course):
    source = zipped(tmp_path, [("alove.ipynb", b" " * (MAX_BYTES + 10**7)), ("jmuel.ipynb", b"work")])
    rows, _ = run(source, course)
    assert rows["alove"].status == "collected" and "larger than 20 MiB" in rows["alove"].message
    target = course / "submitted/alove" / A / f"{A}.ipynb"
    assert target.stat().st_size == MAX_BYTES + 1
    with pytest.raises(Unreadable, match="larger than 20 MiB"):
        read_file(target)
    assert run(source, course)[0]["alove"].status == "unchanged"


def test_a_zip_bomb_stops_at_the_cap(tmp_path, course, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_TOTAL", 1000)
    source = zipped(tmp_path, [("alove.ipynb", b"x" * 2000), ("jmuel.ipynb", b"y" * 2000)])
    rows, _ = run(source, course)
    assert rows["alove"].status == "collected"
    assert rows["jmuel"].status == "problem" and "unpacks to more than" in rows["jmuel"].message


def test_a_zip_in_the_zip_is_listed_and_not_opened(tmp_path, course):
    _, left_out = run(zipped(tmp_path, [("alove/work.zip", b"PK"), ("jmuel.ipynb", b"work")]), course)
    assert "archive inside the source" in left_out["alove/work.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_stands_twice_is_said(tmp_path, course):
    rows, _ = run(zipped(tmp_path, [("alove.ipynb", b"one"), ("alove.ipynb", b"two")]), course)
    assert rows["alove"].status == "collected" and "2 files" in rows["alove"].message


def test_the_unix_time_of_an_entry_is_used_where_it_is_given(tmp_path, course):
    entry = zipfile.ZipInfo("alove.ipynb", (2026, 10, 5, 23, 0, 0))
    entry.extra = struct.pack("<HHBi", 0x5455, 5, 1, int(NOON.timestamp()))
    run(zipped(tmp_path, [(entry, b"work")]), course)
    assert "2026-10-05 12:00:00+00:00" in (course / "submitted/alove" / A / "timestamp.txt").read_text()


@pytest.mark.parametrize("cut", [0, 10, -10])
def test_what_is_no_whole_zip_is_refused_with_a_reason(tmp_path, course, cut):
    source = zipped(tmp_path, [("alove.ipynb", b"work")])
    source.write_bytes(source.read_bytes()[:cut])
    with pytest.raises(CollectError, match=r"download\.zip is no zip archive or is damaged"):
        run(source, course)


def test_a_source_that_is_not_there_is_refused(tmp_path, course):
    with pytest.raises(CollectError, match="does not exist"):
        run(tmp_path / "nothing", course)


def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path, course):
    secret = put(tmp_path, "secret.ipynb", b"secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/alove.ipynb").symlink_to(secret)
    (tmp_path / "elsewhere").mkdir()
    put(tmp_path / "elsewhere", "x.ipynb", b"secret")
    (tmp_path / "in/li1").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "in/jmuel.ipynb")
    put(tmp_path / "in", "li2.ipynb", b"work")
    rows, _ = run(tmp_path / "in", course)
    assert "symbolic link" in rows["alove"].message
    assert "symbolic link" in rows["li1"].message
    assert "pipe" in rows["jmuel"].message
    assert got(course, "li2") == b"work"
    assert [got(course, name) for name in ("alove", "jmuel", "li1")] == [None] * 3


def test_a_link_in_the_course_folder_is_not_written_through(tmp_path, course):
    (tmp_path / "elsewhere").mkdir()
    (course / "submitted").mkdir()
    (course / "submitted/alove").symlink_to(tmp_path / "elsewhere")
    put(tmp_path / "in", "alove.ipynb")
    rows, _ = run(tmp_path / "in", course)
    assert rows["alove"].status == "problem" and "symbolic link" in rows["alove"].message
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["../x", ".x", "a/b", "a+b", "a\nb"])
def test_names_that_are_no_folder_names_are_refused(tmp_path, course, name):
    put(tmp_path / "in", "x.ipynb")
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        run(tmp_path / "in", course, {name: Student(name)})
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        collect(tmp_path / "in", course, name, ROSTER)


def test_nothing_of_a_file_name_reaches_a_message_raw(tmp_path, course):
    put(tmp_path / "in", "mallory\x1b[31m\u202e\n.ipynb")
    _, left_out = run(tmp_path / "in", course)
    assert list(left_out) == ["mallory\\x1b[31m\\u202e\\n.ipynb"]


# Interruptions and full disks


def test_an_interrupted_run_leaves_whole_files_and_the_next_one_finishes(tmp_path, course, monkeypatch):
    """Interrupted before every single system call that makes something lasting, once each."""
    for name in ROSTER:
        put(tmp_path / "in", f"{name}.ipynb", b"new" * 1000, NOON + dt.timedelta(hours=1))
        put(course / "submitted", f"{name}/{A}/{A}.ipynb", b"old")
        put(course / "submitted", f"{name}/{A}/timestamp.txt", b"2026-10-05 12:00:00+00:00\n")
    real_replace, real_sync, calls = os.replace, os.fsync, [0]

    def interrupted(real, at):
        def call(*args):
            calls[0] += 1
            if calls[0] == at:
                raise KeyboardInterrupt
            return real(*args)

        return call

    for at in range(1, 12):
        calls[0] = 0
        monkeypatch.setattr(os, "replace", interrupted(real_replace, at))
        monkeypatch.setattr(os, "fsync", interrupted(real_sync, at))
        with pytest.raises(KeyboardInterrupt):
            for name in ROSTER:
                put(course / "submitted", f"{name}/{A}/{A}.ipynb", b"old")
                put(course / "submitted", f"{name}/{A}/timestamp.txt", b"2026-10-05 12:00:00+00:00\n")
            run(tmp_path / "in", course)
        for name in ROSTER:
            assert got(course, name) in (b"old", b"new" * 1000)
            files = {path.name for path in (course / "submitted" / name / A).iterdir()}
            assert files == {f"{A}.ipynb", "timestamp.txt"}
    monkeypatch.undo()
    run(tmp_path / "in", course)
    for name in ROSTER:
        assert got(course, name) == b"new" * 1000
        stamp = (course / "submitted" / name / A / "timestamp.txt").read_text()
        assert stamp == "2026-10-05 13:00:00+00:00\n"


def test_a_full_disk_costs_one_row_and_keeps_the_old_file(tmp_path, course, monkeypatch):
    for name in ("alove", "jmuel"):
        put(tmp_path / "in", f"{name}.ipynb", b"new", NOON + dt.timedelta(hours=1))
        put(course / "submitted", f"{name}/{A}/{A}.ipynb", b"old")
    real = os.fsync
    full = [True]

    def fsync(descriptor):
        if full:
            full.clear()
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    rows, _ = run(tmp_path / "in", course)
    assert rows["alove"].status == "problem" and "No space left on device" in rows["alove"].message
    assert got(course, "alove") == b"old"
    assert got(course, "jmuel") == b"new"
    assert run(tmp_path / "in", course)[0]["alove"].status == "replaced"


def test_a_collected_notebook_is_the_bytes_that_were_handed_in(tmp_path, course):
    data = b'\xef\xbb\xbf{"cells": [], "metadata": {}}'
    put(tmp_path / "in", "alove.ipynb", data)
    run(tmp_path / "in", course)
    assert got(course, "alove") == data
    assert parse(data).cells == ()


def test_a_file_is_replaced_whole_under_whoever_reads_it(tmp_path, course):
    old = put(course / "submitted", f"alove/{A}/{A}.ipynb", b"old" * 1000)
    put(tmp_path / "in", "alove.ipynb", b"new")
    with old.open("rb") as reader:
        run(tmp_path / "in", course)
        assert reader.read() == b"old" * 1000
    assert got(course, "alove") == b"new"


def test_the_same_notebook_found_with_an_earlier_time_was_handed_in_then(tmp_path, course):
    put(tmp_path / "in", "alove.ipynb", b"work", NOON + dt.timedelta(days=9))
    run(tmp_path / "in", course)
    put(tmp_path / "in", "alove.ipynb", b"work")
    rows, _ = run(tmp_path / "in", course)
    assert rows["alove"].status == "unchanged"
    assert "2026-10-05 12:00" in (course / "submitted/alove" / A / "timestamp.txt").read_text()


# --- a file beside the notebook ---

PREDICTIONS = "predictions.npz"


def run_with_predictions(source: Path, course: Path):
    report = collect(source, course, A, ROSTER, beside=[PREDICTIONS])
    return {row.student: row for row in report.rows}, dict(report.left_out)


def beside(course: Path, student: str) -> bytes | None:
    path = course / "submitted" / student / A / PREDICTIONS
    return path.read_bytes() if path.is_file() else None


BESIDE_NAMES = [
    "alove/predictions.npz",
    "alove/01_correlation/predictions.npz",
    "alove/best run.npz",
    "lovelaceada_12345_678902_predictions.npz",
    "lovelaceada_LATE_12345_678902_predictions-2.npz",
    "Ada Lovelace_123_assignsubmission_file_/predictions.NPZ",
    "alove_predictions.npz",
    "alove (1).npz",
]


@pytest.mark.parametrize("name", BESIDE_NAMES)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_predictions_find_their_student_and_lie_beside_the_notebook(tmp_path, course, name, form):
    notebook = "alove/01_correlation.ipynb" if name.startswith("alove/") else "alove_01_correlation.ipynb"
    if "/" in name and not name.startswith("alove/"):
        notebook = f"{name.split('/')[0]}/01_correlation.ipynb"
    if form == "zip":
        source = zipped(tmp_path, [(notebook, b"work"), (name, b"labels")])
    else:
        source = tmp_path / "in"
        put(source, notebook, b"work")
        put(source, name, b"labels")
    rows, left_out = run_with_predictions(source, course)
    assert (got(course, "alove"), beside(course, "alove")) == (b"work", b"labels")
    assert rows["alove"].status == "collected" and "predictions.npz: collected" in rows["alove"].message
    assert left_out == {} and not list(course.rglob("*.part"))


def test_predictions_are_taken_only_where_the_notebook_asks_for_them(tmp_path, course):
    put(tmp_path / "in", "alove/01_correlation.ipynb")
    put(tmp_path / "in", "alove/predictions.npz")
    _, left_out = run(tmp_path / "in", course)
    assert "is no notebook" in left_out["alove/predictions.npz"] and beside(course, "alove") is None
    release = tmp_path / "release.ipynb"
    assert files_beside(release) == ()
    for grade_id, expected in (("check_ensemble", ()), ("check_predictions", (PREDICTIONS,))):
        cells = [{"metadata": {}}, {"metadata": {"nbgrader": {"grade_id": grade_id}}}]
        release.write_text(json.dumps({"cells": cells}))
        assert files_beside(release) == expected


def test_the_newest_of_each_file_stays_with_a_time_of_its_own(tmp_path, course):
    later = NOON + dt.timedelta(days=2)
    put(tmp_path / "first", "alove/01_correlation.ipynb", b"work")
    put(tmp_path / "first", "alove/predictions.npz", b"old")
    run_with_predictions(tmp_path / "first", course)
    put(tmp_path / "second", "alove/predictions.npz", b"new", later)
    rows, _ = run_with_predictions(tmp_path / "second", course)
    assert rows["alove"].status == "replaced" and "notebook collected before stays" in rows["alove"].message
    assert (got(course, "alove"), beside(course, "alove")) == (b"work", b"new")
    folder = course / "submitted/alove" / A
    assert (folder / "timestamp.txt").read_text() == "2026-10-05 12:00:00+00:00\n"
    assert (folder / "predictions.timestamp.txt").read_text() == "2026-10-07 12:00:00+00:00\n"
    run_with_predictions(tmp_path / "first", course)
    assert beside(course, "alove") == b"new"
    before = tree(course)
    run_with_predictions(tmp_path / "second", course)
    assert tree(course) == before


def test_predictions_alone_are_taken_and_the_notebook_is_missing(tmp_path, course):
    put(tmp_path / "in", "alove/predictions.npz", b"labels")
    rows, _ = run_with_predictions(tmp_path / "in", course)
    assert rows["alove"].status == "missing" and beside(course, "alove") == b"labels"


def test_links_and_pipes_named_as_predictions_are_not_followed(tmp_path, course):
    secret = tmp_path / "labels.npz"
    secret.write_bytes(b"secret")
    put(tmp_path / "in", "alove/01_correlation.ipynb", b"work")
    (tmp_path / "in/alove/predictions.npz").symlink_to(secret)
    put(tmp_path / "in", "jmuel/01_correlation.ipynb", b"work")
    os.mkfifo(tmp_path / "in/jmuel/predictions.npz")
    rows, _ = run_with_predictions(tmp_path / "in", course)
    for student, word in (("alove", "symbolic link"), ("jmuel", "no ordinary file")):
        assert rows[student].status == "problem" and word in rows[student].message
        assert got(course, student) == b"work" and beside(course, student) is None


def test_a_link_in_the_place_of_the_predictions_is_not_written_through(tmp_path, course):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    folder = course / "submitted/alove" / A
    folder.mkdir(parents=True)
    (folder / PREDICTIONS).symlink_to(victim)
    put(tmp_path / "in", "alove/01_correlation.ipynb", b"work")
    put(tmp_path / "in", "alove/predictions.npz", b"labels")
    rows, _ = run_with_predictions(tmp_path / "in", course)
    assert victim.read_bytes() == b"mine" and rows["alove"].status == "problem"
    assert got(course, "alove") == b"work"


def test_predictions_that_are_too_large_are_told(tmp_path, course):
    put(tmp_path / "in", "alove/predictions.npz", bytes(MAX_BYTES + 1))
    rows, _ = run_with_predictions(tmp_path / "in", course)
    assert "larger than 20 MiB" in rows["alove"].message
