"""The table of grades: who has what, what lateness costs, and nothing a spreadsheet would run."""

import csv
import datetime as dt
import io
from dataclasses import replace

import pytest

from autograder.course import Course
from autograder.export import rows, to_csv
from autograder.gradebook import open_gradebook, record
from tests.gradebook.sample import A, graded, hand_in
from tests.gradebook.test_record import grade_by_hand


def table(course):
    return {row.student: row for row in rows(Course(course.path))}


def due(course, moment, late=""):
    (course.path / "course.toml").write_text(f"{late}\n[assignments.{A}]\ndue = {moment}\n")


def test_hand_given_points_count_beside_automatic_ones(course):
    record(course, graded())
    grade_by_hand(course, "why", 2, extra=0.5)
    grade_by_hand(course, "check_double", 3)
    row = table(course)["ada"]
    assert (row.automatic, row.by_hand, row.points, row.final) == (1, 5.5, 6.5, 6.5)
    assert (row.status, row.waiting, row.max_points) == ("graded", 0, 9)


def test_what_waits_for_hand_grading_is_said(course):
    record(course, graded())
    assert (table(course)["ada"].status, table(course)["ada"].waiting) == ("incomplete", 3)
    assert (table(course)["bob"].status, table(course)["bob"].points) == ("not graded", 0)


@pytest.mark.parametrize(
    ("handed_in", "late", "final"),
    [
        ("2026-10-01 11:59:59 UTC", 0, 5),
        ("2026-10-01 12:00:01 UTC", 1, 3.75),
        ("2026-10-03 13:00:00 UTC", 3, 1.25),
        ("2026-10-20 12:00:00 UTC", 19, 0),
    ],
)
def test_late_days_cost_what_the_settings_say(course, handed_in, late, final):
    due(course, "2026-10-01T14:00:00+02:00", "[late]\nbank_days = 0\nper_day = 0.25")
    hand_in(course, "ada", handed_in)
    record(Course(course.path), graded(written=None))
    row = table(course)["ada"]
    assert (row.days_late, row.final, row.penalty) == (late, final, 5 - final)


def test_the_bank_and_an_extension_given_in_nbgrader_cost_nothing(course):
    due(course, "2026-10-01T12:00:00Z")
    hand_in(course, "ada", "2026-10-05 12:00:00 UTC")
    record(Course(course.path), graded(written=None))
    assert (table(course)["ada"].days_late, table(course)["ada"].days_from_bank) == (4, 3)
    with open_gradebook(course) as book:
        book.grant_extension(A, "ada", days=2)
    assert (table(course)["ada"].days_late, table(course)["ada"].final) == (2, 5)


def test_the_due_date_of_the_settings_reaches_nbgrader(course):
    due(course, "2026-10-01T14:00:00+02:00")
    record(Course(course.path), graded())
    with open_gradebook(course) as book:
        assert book.find_assignment(A).duedate == dt.datetime(2026, 10, 1, 12)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=1"])
def test_a_spreadsheet_runs_nothing(course, name):
    record(course, graded())
    row = replace(rows(course)[0], first_name=name, email='=HYPERLINK("x")')
    (_, found) = csv.reader(io.StringIO(to_csv([row]), newline=""))
    assert found[1] == f"'{name.strip()}" and found[3].startswith("'=") and found[0] == "ada"
