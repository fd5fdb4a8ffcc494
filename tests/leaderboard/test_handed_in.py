"""Predictions beside a notebook: points as they deserve, whatever was handed in, and one entry on the board.

Of notebook 12 only the cells on predictions are released here, so that no code runs and no sandbox starts.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook

from autograder import executors, source
from autograder.course import Course, init
from autograder.feedback import write_feedback
from autograder.grading import ClassReport, changes, grade_class
from autograder.intake.apart import Readers
from autograder.leaderboard import handed_in
from autograder.leaderboard.competition import Competition, create, update_description
from autograder.leaderboard.handed_in import FILE, Scorer
from autograder.leaderboard.predictions import Predictions
from autograder.leaderboard.scoring import wilson
from autograder.leaderboard.store import Store
from autograder.results import ExerciseGrade, GradedSubmission
from autograder.sandbox import Level
from cs_utils.exercises import files

ASSIGNMENT = "12_leaderboard"
CELL = "check_predictions"
N, CLASSES = 400, ("disc", "ring", "square", "cross")
BASELINE = 0.5
VALID, ALL = 3.0, 10.0


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def guess(competition: Competition, right: float, private: float = 0.0) -> bytes:
    """A file with just this share of the public examples right, and of the private ones."""
    task = competition.task()
    labels = (task.labels + 1) % len(CLASSES)
    for at, share in ((task.public_at, right), (task.private_at, private)):
        some = at[: round(share * len(at))]
        labels[some] = task.labels[some]
    return npz(ids=task.ids, labels=labels)


Put = Callable[[Path, Competition], object]


def guessing(right: float, private: float = 0.0) -> Put:
    return lambda path, competition: path.write_bytes(guess(competition, right, private))


def written(make: Callable[[Competition], bytes]) -> Put:
    return lambda path, competition: path.write_bytes(make(competition))


def one_gigabyte(path: Path, _: Competition) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def labels_of(competition: Competition) -> Path:
    return competition.private_dir / "labels.npz"


def pickled(competition: Competition) -> bytes:
    return npz(labels=np.array([{}] * N, dtype=object))


# student -> (what lies beside the notebook, the points, a word of what is said)
STUDENTS: dict[str, tuple[Put, float, str]] = {
    "good": (guessing(0.8), ALL, "Public score: 160 of 200 right, 80.00 %"),
    "just-above": (guessing(0.505), ALL, "50.50 %"),
    "just-as-good": (guessing(0.5, private=1.0), VALID, "50.00 % of the public part is not above"),
    "poor": (guessing(0.2), VALID, "not above the baseline"),
    "nothing": (lambda path, _: None, 0, "no predictions.npz was handed in"),
    "empty": (written(lambda _: b""), 0, "empty"),
    "cut-off": (written(lambda one: guess(one, 0.9)[:900]), 0, "cut short"),
    "pickled": (written(pickled), 0, "never read"),
    "short": (written(lambda one: npz(labels=np.zeros(9, int))), 0, "shape (9,)"),
    "garbage": (written(lambda _: os.urandom(2000)), 0, "not a zip"),
    "gigabyte": (one_gigabyte, 0, "1,073,741,824 bytes"),
    "folder": (lambda path, _: path.mkdir(), 0, "a folder"),
    "pipe": (lambda path, _: os.mkfifo(path), 0, "a pipe"),
    "symlink": (lambda path, one: path.symlink_to(labels_of(one)), 0, "symbolic link"),
    "hard-link": (lambda path, one: os.link(labels_of(one), path), 0, "own file of labels"),
    "copied": (written(lambda one: labels_of(one).read_bytes()), 0, "own file of labels"),
}


def small_competition(path: Path, **settings: object) -> Competition:
    rng = np.random.default_rng(3)

    def half(count: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8), rng.integers(0, len(CLASSES), count)

    made = create(path, title="Shapes", train=half(20), test=half(N), classes=CLASSES, settings=settings)
    update_description(made, baseline=BASELINE)
    return made


def hand_in(course: Course, student: str, content: bytes | None = None, notebook: bool = False) -> Path:
    """`content`, and beside it the notebook as it was released if asked for; the place of the former."""
    folder = course.submitted(student, ASSIGNMENT)
    folder.mkdir(parents=True, exist_ok=True)
    if notebook:
        shutil.copy(course.release(ASSIGNMENT), folder)
    if content is not None:
        (folder / FILE).write_bytes(content)
    return folder / FILE


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Course:
    """A course with notebook 12 and a class; its competition is the folder beside it."""
    course = init(tmp_path_factory.mktemp("term") / "course", sources=[source.SOLUTIONS / f"{ASSIGNMENT}.py"])
    rows = "".join(f"{name},{name},Student,\n" for name in STUDENTS)
    notebook = nbformat.read(course.release(ASSIGNMENT), as_version=4)
    kept = (handed_in.NAME, CELL, "method_note")
    notebook.cells = [
        cell
        for number, cell in enumerate(notebook.cells)
        if not number or cell.metadata.get("nbgrader", {}).get("grade_id") in kept
    ]
    nbformat.write(notebook, course.release(ASSIGNMENT))
    (course.path / "roster.csv").write_text(f"id,first_name,last_name,email\n{rows}")
    (course.path / "course.toml").write_text('[leaderboard]\ncompetition = "../shapes"\n')
    small_competition(course.path.parent / "shapes")
    return course


class OneForAll(Readers):
    """A real reader, but started once for all tests, which takes most of their time."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """No search for a level of isolation, and one reader."""
    with pytest.MonkeyPatch.context() as patch, OneForAll() as readers:
        patch.setattr(executors, "best_level", lambda **_: Level.NAMESPACES)
        patch.setattr(handed_in, "Readers", lambda: readers)
        yield
        Readers.close(readers)


@pytest.fixture(scope="module")
def graded(bare: Course, tmp_path_factory) -> tuple[Course, ClassReport]:
    course = copied(bare, tmp_path_factory.mktemp("graded"))
    for name, (put, _, _) in STUDENTS.items():
        put(hand_in(course, name, notebook=True), competition_of(course))
    return course, grade_class(course, ASSIGNMENT)


def copied(course: Course, folder: Path) -> Course:
    """Course and competition, which a test may change."""
    for name in ("course", "shapes"):
        shutil.copytree(course.path.parent / name, folder / name, symlinks=True)
    return Course(folder / "course")


@pytest.fixture
def course(bare: Course, tmp_path: Path) -> Course:
    return copied(bare, tmp_path)


def competition_of(course: Course) -> Competition:
    assert course.competition is not None
    return Competition(course.competition)


def store_of(course: Course) -> Store:
    return Store(competition_of(course).database_url)


def grade_of(report: ClassReport, student: str):
    one = next(one for one in report.submissions if one.student == student)
    return next(grade for grade in one.grades if grade.grade_id == CELL)


def recorded(course: Course, student: str) -> tuple[float | None, bool]:
    with Gradebook(course.db_url) as book:
        notebook = book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
        grade = next(grade for grade in notebook.grades if grade.name == CELL)
        return grade.auto_score, grade.needs_manual_grade


def uploads(course: Course, student: str) -> int:
    store = store_of(course)
    store.upgrade()
    team = store.team_of_student(student)
    return 0 if team is None else team.uploads


def only(course: Course, student: str = "good") -> ClassReport:
    return grade_class(course, ASSIGNMENT, [student])


def scored(course: Course, *students: str) -> list[ExerciseGrade]:
    """The grades of predictions alone, entered on the board; the notebook has nothing to do with it."""
    blank = ExerciseGrade(CELL, handed_in.NAME, 0.0, ALL, "", "")
    found = []
    scorer = Scorer.make(course, ASSIGNMENT)
    assert scorer is not None
    with scorer:
        for student in students:
            submission = GradedSubmission(student, ASSIGNMENT, "graded", (blank,))
            found += scorer.complete(submission, enter=True).grades
    return found


# --- points -------------------------------------------------------------------------------------------------


def test_notebook_and_grader_mean_the_same_file_and_the_same_points():
    known = files()[handed_in.NAME]
    assert (known.file, known.points, known.groups[0][1]) == (FILE, ALL, VALID)


@pytest.mark.parametrize("student", STUDENTS)
def test_whatever_lies_beside_the_notebook_gets_its_points_and_a_sentence(graded, student):
    course, report = graded
    grade, (_, points, word) = grade_of(report, student), STUDENTS[student]
    assert grade.points == points, grade.findings
    assert any(word in said for said in grade.findings), grade.findings
    assert recorded(course, student) == (points, False)
    assert "Traceback" not in grade.text and "Error" not in grade.text


def test_a_refused_file_is_a_row_for_the_instructor_and_the_others_are_none(graded):
    rows = {row.student: row for row in graded[1].problems}
    refused = {name for name, (_, points, _) in STUDENTS.items() if not points} - {"nothing"}
    assert rows.keys() == refused
    assert rows["cut-off"].points == ALL and "hand it in again" in rows["cut-off"].todo


def test_the_private_part_changes_no_points_and_stands_nowhere(course):
    """A student can work out nothing about it from the points, nor from what is said."""
    shown = []
    for private in (0.0, 1.0):
        hand_in(course, "good", guess(competition_of(course), 0.7, private))
        shown += scored(course, "good")
    assert shown[0] == shown[1]


def test_without_a_notebook_the_predictions_still_count(course):
    hand_in(course, "good", guess(competition_of(course), 0.8))
    report = only(course)
    assert report.submissions[0].status == "missing"
    assert report.submissions[0].points == grade_of(report, "good").points == ALL
    assert recorded(course, "good") == (ALL, False)


def test_what_ends_the_reader_costs_that_file_alone(course, monkeypatch):
    hand_in(course, "good", guess(competition_of(course), 0.8))
    scorer = Scorer.make(course, ASSIGNMENT)
    with scorer:
        first = scorer._found("good")
        (reader,) = scorer._readers._all
        assert reader.pid != os.getpid() and first.hits == 160
        os.kill(reader.pid, signal.SIGSEGV)
        assert "ended the process" in scorer._found("good").complaint[0]
        assert scorer._found("good").hits == 160


def test_a_reader_ends_with_its_scorer(course, monkeypatch):
    monkeypatch.setattr(handed_in, "Readers", Readers)
    hand_in(course, "good", guess(competition_of(course), 0.8))
    with Scorer.make(course, ASSIGNMENT) as scorer:
        assert scorer._found("good").hits == 160
        (reader,) = scorer._readers._all
    assert reader.poll() is not None


# --- again --------------------------------------------------------------------------------------------------


def test_grading_again_gives_the_same_points_and_adds_nothing_to_the_board(graded):
    course, first = graded
    before = store_of(course).board()
    for again in (False, True):
        report = grade_class(course, ASSIGNMENT, ["good", "poor", "cut-off"], again=again)
        for student in ("good", "poor", "cut-off"):
            assert grade_of(report, student) == grade_of(first, student)
    assert store_of(course).board() == before
    assert changes(course, ASSIGNMENT, ["good", "poor", "cut-off", "nothing"]) == []


def test_other_predictions_are_scored_without_judging_the_notebook_again(course):
    hand_in(course, "good", guess(competition_of(course), 0.2), notebook=True)
    assert grade_of(only(course), "good").points == VALID
    hand_in(course, "good", guess(competition_of(course), 0.9))
    (change,) = changes(course, ASSIGNMENT, ["good"])
    assert (change.cell, change.before, change.now) == (CELL, VALID, ALL)
    assert change.why == ("another predictions.npz was handed in",)
    assert uploads(course, "good") == 1, "telling what would change enters nothing"
    report = only(course)
    assert report.kept == 1 and grade_of(report, "good").points == ALL
    assert uploads(course, "good") == 2


def test_another_baseline_is_told_as_the_reason(course):
    hand_in(course, "good", guess(competition_of(course), 0.6))
    only(course)
    update_description(competition_of(course), baseline=0.7)
    (change,) = changes(course, ASSIGNMENT, ["good"])
    assert (change.before, change.now) == (ALL, VALID)
    assert change.why == ("the competition's labels or its baseline changed",)


# --- the board ----------------------------------------------------------------------------------------------


def test_valid_predictions_stand_on_the_board_and_refused_ones_leave_no_team(graded):
    course, _ = graded
    valid = {name for name, (_, points, _) in STUDENTS.items() if points}
    teams = {name: store_of(course).team_of_student(name) for name in STUDENTS}
    assert {name for name, team in teams.items() if team is not None} == valid
    assert all(teams[name].uploads == 1 for name in valid)
    row = store_of(course).board().row_of(teams["good"].id)
    assert row is not None and row.score == 0.8
    assert {row.name for row in store_of(course).board().rows}.isdisjoint(STUDENTS), "pseudonyms"


def by_api(store: Store, team: int, competition: Competition, key: str) -> None:
    """An upload of today, sent to the server."""
    store.record_upload(
        team,
        Predictions(np.zeros(N, np.int64)),
        key=key,
        received_at=dt.datetime.now(dt.UTC),
        source="api",
        file_name="labels.npz",
        sha256="",
        task=competition.task(),
        rules=competition.rules,
    )


def test_it_counts_for_the_students_team_and_neither_costs_nor_needs_an_upload_of_the_day(course):
    competition, now = competition_of(course), dt.datetime.now(dt.UTC)
    store = store_of(course)
    store.upgrade()
    store.add_team("Rockets", ["good", "poor"])
    rockets = store.team_of_student("good").id
    for number in range(competition.daily_limit - 1):
        by_api(store, rockets, competition, str(number))
    hand_in(course, "good", guess(competition, 0.8))
    hand_in(course, "poor", guess(competition, 0.3))
    scored(course, "good", "poor")
    team = store.team_of_student("poor")
    assert team.name == "Rockets"
    sources = [one.source for one in store.history(team.id)]
    assert sources == ["api"] * (competition.daily_limit - 1) + ["handed in"] * 2
    assert store.left_today(team.id, now, competition.rules) == 1
    by_api(store, rockets, competition, "last")
    hand_in(course, "good", guess(competition, 0.9))
    assert not scored(course, "good")[0].trouble
    assert uploads(course, "good") == len(sources) + 2


def test_a_team_that_was_taken_off_the_board_does_not_come_back_by_handing_in(course):
    store = store_of(course)
    store.upgrade()
    store.add_team("good", ["good"])
    store.revoke(store.team_of_student("good").id, hide=True)
    hand_in(course, "good", guess(competition_of(course), 0.8))
    (grade,) = scored(course, "good")
    assert grade.points == ALL and "taken off the board" in grade.trouble
    assert store.board().rows == () and store.team_of_student("good") is None


@pytest.mark.needs("postgresql")
def test_the_board_may_be_on_a_server(course, stores, monkeypatch):
    store = stores("postgresql")
    monkeypatch.setenv("CS_LEADERBOARD_DATABASE", store.url)
    for student, right in (("good", 0.8), ("poor", 0.3)):
        hand_in(course, student, guess(competition_of(course), right))
    first = scored(course, "good", "poor", "poor")
    assert [grade.points for grade in first] == [ALL, VALID, VALID]
    assert sorted(row.score for row in store.board().rows) == [0.3, 0.8]
    store.revoke(store.team_of_student("poor").id, hide=True)
    hand_in(course, "poor", guess(competition_of(course), 0.9))
    (grade,) = scored(course, "poor")
    assert grade.points == ALL and "taken off the board" in grade.trouble


def test_after_the_close_it_is_scored_and_the_board_stays(course):
    store, competition = store_of(course), competition_of(course)
    store.upgrade()
    store.close(dt.datetime.now(dt.UTC), competition.task())
    hand_in(course, "good", guess(competition, 0.8))
    (grade,) = scored(course, "good")
    assert grade.points == ALL and "closed" in grade.text and not grade.trouble
    assert store.board().rows == ()


@pytest.mark.parametrize(
    ("when", "entered"), [("2026-12-01 17:59:00", 1), ("2026-12-01 18:01:00", 0), ("", 1)]
)
def test_the_deadline_of_the_assignment_decides_what_comes_on_the_board(course, when, entered, monkeypatch):
    settings = course.path / "course.toml"
    due = f"[assignments.{ASSIGNMENT}]\ndue = 2026-12-01T18:00:00+00:00\n"
    settings.write_text(settings.read_text() + due)
    course = Course(course.path)
    path = hand_in(course, "good", guess(competition_of(course), 0.8))
    if when:  # without a time it is not late
        path.with_name("timestamp.txt").write_text("2026-11-30 12:00:00+00:00\n")
        path.with_name("predictions.timestamp.txt").write_text(f"{when}+00:00\n")
    monkeypatch.setattr(handed_in, "_now", lambda: dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    report = only(course)
    assert grade_of(report, "good").points == ALL, "late days are taken off elsewhere"
    assert uploads(course, "good") == entered
    assert ("after the deadline" in grade_of(report, "good").text) == (not entered)
    with Gradebook(course.db_url) as book:
        handed = book.find_submission(ASSIGNMENT, "good").timestamp
    assert str(handed or "") == when, "the time of a submission is that of its last file"


def test_a_board_that_cannot_be_written_costs_no_points_and_is_told_once_per_student(course):
    database = Path(competition_of(course).database_url.removeprefix("sqlite:///"))
    database.mkdir()
    for student in ("good", "poor"):
        hand_in(course, student, guess(competition_of(course), 0.8), notebook=True)
    report = grade_class(course, ASSIGNMENT, ["good", "poor"])
    assert [grade_of(report, student).points for student in ("good", "poor")] == [ALL, ALL]
    assert [row.student for row in report.problems] == ["good", "poor"]
    assert all("not put on the board" in row.what for row in report.problems)
    assert all("grade again" in row.todo for row in report.problems)
    database.rmdir()
    again = grade_class(course, ASSIGNMENT, ["good", "poor"])
    assert again.kept == 2 and not again.problems and uploads(course, "good") == 1


# --- a course that is not set up ----------------------------------------------------------------------------


def no_setting(course: Course) -> None:
    (course.path / "course.toml").write_text("")


def no_folder(course: Course) -> None:
    shutil.rmtree(competition_of(course).path)


def no_labels(course: Course) -> None:
    labels_of(competition_of(course)).write_bytes(b"PK")


def no_baseline(course: Course) -> None:
    update_description(competition_of(course), baseline=None)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (no_setting, 'course.toml, under [leaderboard], as competition = "../'),
        (no_folder, "There is no competition in"),
        (no_labels, "labels.npz"),
        (no_baseline, "no baseline to beat"),
    ],
)
def test_what_cannot_be_scored_waits_for_a_person_and_says_what_to_put_right(course, damage, told):
    hand_in(course, "good", guess(competition_of(course), 0.8))
    damage(course)
    good, nothing = scored(Course(course.path), "good", "nothing")
    assert good.by_hand and told in good.trouble and "waits for your instructor" in good.text
    assert not nothing.by_hand and nothing.points == 0


def test_it_stands_in_the_gradebook_as_undecided_and_in_one_row(course):
    hand_in(course, "good", guess(competition_of(course), 0.8), notebook=True)
    hand_in(course, "nothing", notebook=True)
    no_setting(course)
    report = grade_class(Course(course.path), ASSIGNMENT, ["good", "nothing"])
    (row,) = report.problems
    assert row.student == "good" and row.points == ALL
    assert "course.toml" in row.what and "by hand" in row.todo
    assert recorded(course, "good") == (None, True)
    assert recorded(course, "nothing") == (0.0, False)


def test_once_it_is_set_grading_again_gives_the_points(course):
    hand_in(course, "good", guess(competition_of(course), 0.8))
    settings = (course.path / "course.toml").read_text()
    no_setting(course)
    only(Course(course.path))
    (course.path / "course.toml").write_text(settings)
    course = Course(course.path)
    assert grade_of(only(course), "good").points == ALL
    assert recorded(course, "good") == (ALL, False)


# --- what a student reads -----------------------------------------------------------------------------------


def test_the_feedback_page_shows_the_public_score_with_its_interval_and_what_was_decided(graded):
    course, _ = graded
    pages = {path.parts[-3]: path.read_text() for path in write_feedback(course, ASSIGNMENT)}
    low, high = wilson(160, 200)
    for part in ("160 of 200", "80.00 %", f"{100 * low:.2f} % to {100 * high:.2f} %", "leaderboard"):
        assert part in pages["good"]
    assert "not above the baseline" in pages["poor"]
    assert "cut short" in pages["cut-off"]
    assert "No notebook" not in pages["nothing"] and "no predictions.npz was handed in" in pages["nothing"]


def test_names_in_a_file_are_text_on_the_page_and_in_the_terminal(course):
    name = "<script>alert(1)</script>\x1b[2J"
    hand_in(course, "good", npz(**{name: np.zeros(3)}))
    (grade,) = scored(course, "good")
    assert grade.points == 0 and "alert(1)" in grade.text and "<script" not in grade.html
    shown = json.dumps([*grade.findings, grade.text, grade.lost])
    assert "\\u001b" not in shown


# --- the whole way ------------------------------------------------------------------------------------------


@pytest.mark.prove
def test_from_the_zip_of_an_lms_to_the_board_and_the_feedback_by_the_real_command(tmp_path):
    """With the whole of notebook 12, whose code runs in the sandbox."""
    course = init(tmp_path / "course", sources=[source.SOLUTIONS / f"{ASSIGNMENT}.py"])
    (course.path / "roster.csv").write_text("id,first_name,last_name,email\nada,Ada,Byron,\n")
    (course.path / "course.toml").write_text('[leaderboard]\ncompetition = "../shapes"\n')
    course = Course(course.path)
    competition = small_competition(tmp_path / "shapes")
    with zipfile.ZipFile(tmp_path / "hand-ins.zip", "w") as archive:
        archive.write(course.release(ASSIGNMENT), f"byronada_1_21_{ASSIGNMENT}-1.ipynb")
        archive.writestr("byronada_1_22_predictions-1.npz", guess(competition, 0.8))

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "autograder", *arguments]
        return subprocess.run(command, cwd=course.path, capture_output=True, text=True, check=True).stdout

    assert "predictions.npz: collected" in run("collect", "../hand-ins.zip", ASSIGNMENT, "--json")
    (one,) = json.loads(run("grade", ASSIGNMENT, "--json"))["submissions"]
    assert (one["status"], one["exercises"]["predictions"], one["points"]) == ("graded", ALL, ALL)
    assert "160 of 200 right" in one["findings"]["predictions"][0]
    run("feedback", ASSIGNMENT)
    assert "73.91 % to 84.95 %" in course.feedback("ada", ASSIGNMENT).read_text()
    assert json.loads(run("regrade", ASSIGNMENT, "--diff", "--json")) == []
    assert uploads(course, "ada") == 1
