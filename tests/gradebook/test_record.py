"""What the gradebook promises: automatic points are those of the last run, hand-given ones are a person's."""

import json
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace

import nbformat
import pytest
from sqlalchemy import event

from autograder import gradebook
from autograder.gradebook import GradebookError, open_gradebook, read_record, record
from autograder.results import GradedSubmission, Intake
from tests.gradebook.sample import A, graded, hand_in, missing


def grades(course, student="ada"):
    with open_gradebook(course) as book:
        found = book.find_submission_notebook(A, A, student)
        return {
            grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for grade in found.grades
        }


def comments(course, student="ada"):
    with open_gradebook(course) as book:
        found = book.find_submission_notebook(A, A, student)
        return {comment.name: (comment.auto_comment, comment.manual_comment) for comment in found.comments}


def grade_by_hand(course, cell, points, comment=None, extra=None, student="ada"):
    """As formgrader does it."""
    with open_gradebook(course) as book:
        grade = book.find_grade(cell, A, A, student)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = points, extra, False
        if comment:
            book.find_comment(cell.removeprefix("check_"), A, A, student).manual_comment = comment
        book.db.commit()


def dump(course):
    """Every row of every table, without ids made at random, and the bytes of every file written."""
    with sqlite3.connect(course.database) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in tables}
    files = {
        path: path.read_bytes()
        for folder in ("autograded", "results")
        for path in (course.path / folder).rglob("*")
        if path.is_file()
    }
    return rows, files


def test_points_names_and_time_reach_nbgraders_own_tables(course):
    hand_in(course, "ada", "2026-10-01T12:00:00+02:00")
    assert record(course, graded()) == ()
    with open_gradebook(course) as book:
        (row,) = book.submission_dicts(A)
        student = book.find_student("ada")
        assert (student.first_name, student.last_name, student.email) == (
            "Ada",
            "Lovelace",
            "ada@example.org",
        )
        failed = {
            grade.name for grade in book.find_submission_notebook(A, A, "ada").grades if grade.failed_tests
        }
    assert (row["score"], row["max_score"], row["timestamp"].hour) == (5, 9, 10)
    assert failed == {"check_twice"}
    assert grades(course)["check_twice"] == (1, None, False)


def test_an_answered_written_question_waits_and_an_unanswered_one_gets_nothing(course):
    for written, expected in [
        ("Because.", (None, None, True)),
        (None, (0, None, False)),
        ("  \n", (0, None, False)),
        ("<!-- answer: why -->\n\nYOUR ANSWER HERE", (0, None, False)),
        ("YOUR ANSWER HERE\n\nBecause.", (None, None, True)),
    ]:
        record(course, graded(written=written))
        assert grades(course)["why"] == expected, written
        assert comments(course)["why"][0] == (None if expected[0] is None else "No response.")


def test_recording_twice_changes_nothing(course):
    hand_in(course, "ada")
    record(course, graded())
    record(course, missing("bob"))
    grade_by_hand(course, "why", 2, "Nearly.", extra=0.5)
    grade_by_hand(course, "check_twice", 2)
    before = dump(course)
    assert record(course, graded()) == ()
    assert record(course, missing("bob")) == ()
    assert dump(course) == before


def test_a_worse_submission_leaves_no_old_points_behind(course):
    record(course, graded(points=(4, 2)))
    record(course, graded(points=(1, 0), answer="pass", written=None))
    assert {name: row[0] for name, row in grades(course).items()} == {
        "check_double": 1,
        "check_twice": 0,
        "why": 0,
    }
    record(course, graded(points=(4, 2)))
    record(course, replace(graded(points=(4, 2)), grades=graded().grades[:1]))
    assert grades(course)["check_twice"][0] == 0


def test_points_and_comments_given_by_hand_survive_everything(course):
    record(course, graded())
    grade_by_hand(course, "why", 2.5, "Say *why*.", extra=1)
    grade_by_hand(course, "check_double", 3, "Generous.")
    for later in (graded(points=(0, 0), answer="pass", written="Other."), missing("ada"), graded()):
        record(course, later)
        assert grades(course)["why"][1] == 2.5 and grades(course)["check_double"][1] == 3
        assert comments(course)["why"][1] == "Say *why*." and comments(course)["double"][1] == "Generous."
        with open_gradebook(course) as book:
            assert book.find_grade("why", A, A, "ada").extra_credit == 1


@pytest.mark.parametrize(
    ("cell", "later"),
    [
        ("why", graded(written="Something else.")),
        ("why", graded(written=None)),
        ("why", missing("ada")),
        ("check_double", graded(answer="def double(x): return x")),
        ("check_double", graded(points=(2, 1))),
    ],
)
def test_a_changed_answer_under_points_given_by_hand_is_flagged_until_resolved(course, cell, later):
    record(course, graded())
    grade_by_hand(course, cell, 2)
    (remark,) = record(course, later)
    assert cell in remark and grades(course)[cell][2]
    assert record(course, later) == (remark,)  # still, until a person has looked
    grade_by_hand(course, cell, 1)
    assert record(course, later) == () and not grades(course)[cell][2]


def test_other_answers_under_hand_given_points_are_not_flagged(course):
    record(course, graded())
    grade_by_hand(course, "check_twice", 2)
    assert record(course, graded(answer="def double(x): return x", points=(0, 1))) == ()


@pytest.mark.parametrize("status", ["missing", "unreadable", "failed"])
def test_a_submission_without_grades_shows_with_no_points_and_the_reason(course, status):
    record(course, GradedSubmission("bob", A, status, intake=Intake(problem="it is a PDF")))
    assert {row[0] for row in grades(course, "bob").values()} == {0}
    assert comments(course, "bob")["double"][0] == gradebook.STATUS_WORDS[status]
    assert any(row[2] for row in grades(course, "bob").values()) == (status == "failed")
    shown = nbformat.read(course.autograded("bob", A), as_version=4)
    assert "PDF" in shown.cells[0].source and gradebook.STATUS_WORDS[status][:3] in shown.cells[0].source


def test_the_notebook_for_formgrader_has_the_answers_and_only_our_output(course):
    record(course, graded())
    notebook = nbformat.read(course.autograded("ada", A), as_version=4)
    nbformat.validate(notebook)
    cells = {cell.id: cell for cell in notebook.cells}
    assert "return 2 * x" in cells["double"].source and cells["double"].outputs == []
    shown, value = cells["check_twice"].outputs
    assert shown.data["text/html"] == "<p>report of twice</p>" and value.data["text/plain"] == "1.0"
    assert "**both**" in cells["why"].source
    assert "helper = 1" in cells["autograder-added"].source and "cell 3" in cells["autograder-added"].source


def test_characters_that_turn_or_hide_code_are_spelled_out(course):
    record(course, graded(answer="def double(x):  # \u202e\x1b[8m\n    return 2 * x"))
    shown = course.autograded("ada", A).read_text(encoding="utf-8")
    assert "\u202e" not in shown and r"\\u202e\\x1b[8m" in shown


def test_what_grading_found_is_kept_whole(course):
    record(course, graded())
    assert read_record(course, "ada", A) == graded()
    assert read_record(course, "bob", A) is None


def test_a_damaged_record_is_replaced_by_the_next_run(course):
    record(course, graded())
    course.record("ada", A).write_text("{")
    assert record(course, graded()) == ()
    assert json.loads(course.record("ada", A).read_text())["student"] == "ada"


def test_a_full_disk_leaves_everything_as_it_was(course, monkeypatch):
    record(course, graded())
    before = dump(course)

    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(gradebook, "prepare", full)
    with pytest.raises(GradebookError, match="No space left on device") as error:
        record(course, graded(points=(0, 0), answer="pass"))
    assert str(course.path) in str(error.value) and dump(course) == before


def test_a_full_database_leaves_everything_as_it_was(course, monkeypatch):
    record(course, graded())
    create_engine = gradebook.api.create_engine

    def small(url, **options):
        engine = create_engine(url, **options)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
        return engine

    monkeypatch.setattr(gradebook.api, "create_engine", small)
    with pytest.raises(GradebookError, match=r"gradebook\.db.*full"):
        for number in range(500):
            before = dump(course)
            record(course, missing(f"student{number:03d}"))
    assert dump(course) == before


def test_a_locked_database_is_waited_for(course):
    record(course, graded())
    other = sqlite3.connect(course.database, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.5, other.rollback)
    release.start()
    record(course, graded(points=(0, 0)))
    release.join()
    assert grades(course)["check_double"][0] == 0


def test_a_database_that_stays_locked_is_named(course, monkeypatch):
    monkeypatch.setattr(
        type(course), "db_url", property(lambda self: f"sqlite:///{self.database}?timeout=0.1")
    )
    other = sqlite3.connect(course.database)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(GradebookError, match=r"gradebook\.db.*locked.*Close formgrader"):
        record(course, graded())
    other.rollback()
    assert not course.autograded("ada", A).exists()


def test_a_damaged_database_is_named(course):
    course.database.write_bytes(b"this is no database" * 100)
    with pytest.raises(GradebookError, match=r"gradebook\.db.*damaged"):
        record(course, graded())


def test_plain_nbgrader_makes_its_own_feedback_from_our_notebooks(course):
    record(course, graded())
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_feedback", A],
        cwd=course.path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = course.feedback("ada", A).read_text()
    assert "report of twice" in page and "Score: 5.0 / 9.0" in page
