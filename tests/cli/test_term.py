"""A term in ten lines, as the README has it, on the real notebooks and in the real sandbox."""

from __future__ import annotations

import csv
import io
import json

import nbformat
import pytest

from autograder import source
from autograder.cli import ATTENTION, OK, main
from autograder.course import Course
from autograder.gradebook import open_gradebook

NAME = "02_shapes"
ROSTER = "id,first_name,last_name,email\nada,Ada,Byron,\nhugo,Hugo,Martin,\nomar,Omar,Aziz,\n"


@pytest.fixture(scope="module")
def term(tmp_path_factory) -> Course:
    folder = tmp_path_factory.mktemp("term")
    assert main(["init", str(folder / "course")]) == OK
    course = Course(folder / "course")
    (course.path / "roster.csv").write_text(ROSTER)
    (course.path / "course.toml").write_text(
        f"[late]\nbank_days = 0\n[assignments.{NAME}]\ndue = 2020-01-01\n"
    )
    handed = folder / "handed_in"
    answers = source.solutions(NAME)
    written = next(iter(source.read(source.SOLUTIONS / f"{NAME}.py").points("written")))
    notebooks = {
        "ada": source.solve(source.released(NAME), {**answers, written: "Because of **this**."}),
        "hugo": source.released(NAME),
    }
    for student, notebook in notebooks.items():
        (handed / student).mkdir(parents=True)
        nbformat.write(notebook, handed / student / f"{NAME}.ipynb")
    at = ["--course", str(course.path)]
    assert main(["collect", str(handed), NAME, *at]) == ATTENTION  # omar handed in nothing
    assert main(["grade", NAME, *at]) == ATTENTION
    assert main(["feedback", NAME, *at]) == OK
    return Course(course.path)


def test_the_points_are_where_an_instructor_looks_for_them(term):
    with open_gradebook(term) as book:
        rows = {row["student"]: row for row in book.submission_dicts(NAME)}
    ada, hugo, omar = rows["ada"], rows["hugo"], rows["omar"]
    assert ada["code_score"] == ada["max_code_score"] > 0 and hugo["score"] == omar["score"] == 0
    assert (ada["needs_manual_grade"], hugo["needs_manual_grade"]) == (True, False)


def test_everybody_gets_a_page(term):
    assert "complete" in term.feedback("ada", NAME).read_text()
    assert "No notebook was found" in term.feedback("omar", NAME).read_text()


def test_the_export_counts_late_days(term, capsys):
    assert main(["export", "--course", str(term.path)]) == ATTENTION
    table = {
        row["student"]: row
        for row in csv.DictReader(io.StringIO(capsys.readouterr().out))
        if row["assignment"] == NAME
    }
    assert int(table["ada"]["days_late"]) > 1000 and float(table["ada"]["final"]) == 0
    assert float(table["ada"]["penalty"]) == float(table["ada"]["points"]) > 0
    assert table["omar"]["days_late"] == "0"


def test_collecting_and_grading_again_changes_nothing(term, capsys):
    before = term.record("ada", NAME).read_text()
    assert main(["grade", NAME, "-s", "ada", "--json", "--course", str(term.path)]) == OK
    assert json.loads(capsys.readouterr().out)["submissions"][0]["student"] == "ada"
    again, first = json.loads(term.record("ada", NAME).read_text()), json.loads(before)
    assert {**again, "seconds": 0} == {**first, "seconds": 0}


def test_init_again_with_update_keeps_the_grades(term):
    with open_gradebook(term) as book:
        before = book.submission_dicts(NAME)
    assert main(["init", str(term.path), "--update"]) == OK
    with open_gradebook(term) as book:
        assert book.submission_dicts(NAME) == before
