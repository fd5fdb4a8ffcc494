"""nbgrader's formgrader opens our gradebook: written answers wait there, and the submission shows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from autograder.course import Course
from autograder.gradebook import open_gradebook, record
from tests.formgrader.server import Fetch, serving
from tests.gradebook.sample import A, graded, hand_in, make_course, missing


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[Course, Fetch]]:
    """A course with three students, and a jupyter server with formgrader in it."""
    folder = tmp_path_factory.mktemp("formgrader")
    course = make_course(folder / "course")
    hand_in(course, "ada")
    record(course, graded())
    hand_in(course, "bob")
    record(course, graded("bob", written=None))
    record(course, missing("cleo"))
    with serving(course.path, folder) as server:
        yield course, server.fetch


def submissions(fetch: Fetch) -> dict[str, dict]:
    return {one["student"]: one for one in json.loads(fetch(f"formgrader/api/submitted_notebooks/{A}/{A}"))}


@pytest.mark.parametrize(
    "page",
    [
        "manage_assignments",
        "gradebook",
        f"gradebook/{A}",
        f"gradebook/{A}/{A}",
        "manage_students",
        f"manage_submissions/{A}",
    ],
)
def test_every_page_of_formgrader_opens(server, page):
    assert "nbgrader" in server[1](f"formgrader/{page}").lower()


def test_written_answers_wait_for_a_person_and_blank_ones_do_not(server):
    found = submissions(server[1])
    assert {name: one["needs_manual_grade"] for name, one in found.items()} == {
        "ada": True,
        "bob": False,
        "cleo": False,
    }
    assert (found["ada"]["score"], found["ada"]["max_score"], found["ada"]["failed_tests"]) == (5, 9, True)
    (assignment,) = json.loads(server[1]("formgrader/api/assignments"))
    assert assignment["num_submissions"] == 2 and assignment["max_score"] == 9


def test_the_submission_page_shows_answers_reports_and_places_for_points(server):
    _, fetch = server
    page = fetch(f"formgrader/submissions/{submissions(fetch)['ada']['id']}/")
    assert "report of twice" in page and "<strong>both</strong>" in page and 'id="why"' in page


def test_a_student_who_handed_in_nothing_shows_with_the_reason(server):
    _, fetch = server
    page = fetch(f"formgrader/submissions/{submissions(fetch)['cleo']['id']}/")
    assert "No notebook was handed in" in page


def test_points_given_in_formgrader_survive_the_next_grading(server):
    course, fetch = server
    grades = json.loads(fetch(f"formgrader/api/grades?submission_id={submissions(fetch)['ada']['id']}"))
    why = next(grade for grade in grades if grade["name"] == "why")
    fetch(f"formgrader/api/grade/{why['id']}", {"manual_score": 2.5, "extra_credit": None})
    record(course, graded())
    with open_gradebook(course) as book:
        grade = book.find_grade("why", A, A, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, False)
    assert submissions(fetch)["ada"]["score"] == 7.5
