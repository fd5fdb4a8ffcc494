"""What the trusted process does with a submission after judging ends soon and stops nobody else."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from autograder import gradebook, grading, sanitise
from autograder.collect import collect
from autograder.feedback import write_feedback
from autograder.gradebook import autograded_notebook, read_release, record
from autograder.intake.matching import MAX_WRITTEN
from tests.gradebook.fixtures import course, course_template
from tests.gradebook.sample import A, graded, hand_in
from tests.intake.notebooks import WHY, cell, messages, solved, take

__all__ = ["course", "course_template"]

# Each keeps a parser, a normaliser or a lexer busy for hours when it comes in one piece.
ENDLESS = {
    "marks": "a" + "\u0301\u0316" * 1_000_000,
    "tables": "|a|b|\n|-|-|\n_" * 50_000,
    "brackets": "\\[" * 500_000,
    "match": "match " + " " * 2_000_000,
    "dots": "a." * 500_000,
    "indents": "x =" + "\n    " * 400_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_text_that_keeps_a_renderer_busy_is_shown_in_part(course, name):
    text = ENDLESS[name]
    one = graded(answer=text, written=text)
    one = replace(one, intake=replace(one.intake, added=((3, text), (4, text))))
    record(course, one)
    (page,) = write_feedback(course, A)
    shown = autograded_notebook(read_release(course, A), one)
    assert page.stat().st_size < 2**20
    assert all(len(found.source) < 20 * sanitise.MAX_LENGTH for found in shown.cells)


def test_what_an_ordinary_student_writes_is_shown_whole():
    code = "def f(x):\n" + "    y = x\n" * 1000
    assert sanitise.shown_code(code) == code
    assert sanitise.sanitise("Because **so**. " * 300).startswith("Because **so**")


def test_a_long_answer_is_shown_as_plain_text_and_a_very_long_one_says_that_it_is_cut():
    assert sanitise.sanitise("*a* " * 2000).startswith("<pre>")
    assert "characters were handed in" in sanitise.shown_code("x = 1\n" * 10_000)


def test_a_pasted_picture_takes_no_room_from_the_answer():
    notebook = solved()
    cell(notebook, "why_flip")["source"] = f"![x](data:image/png;base64,{'Ab+/' * 300_000})\n\n{WHY}"
    intake = take(notebook)
    assert intake.written == {"why_flip": f"![x](a-picture)\n\n{WHY}"}
    assert any("pasted pictures" in message for message in messages(intake, "ignored"))


def test_an_endless_written_answer_is_cut_and_said():
    notebook = solved()
    cell(notebook, "why_flip")["source"] = "y" * 5_000_000
    intake = take(notebook)
    assert len(intake.written["why_flip"]) == MAX_WRITTEN
    assert any("only the first" in message for message in messages(intake, "ignored"))


@pytest.mark.parametrize("what", ["pipe", "link"])
def test_a_time_stamp_that_is_no_file_of_its_own_is_not_read(course, what, tmp_path):
    hand_in(course, "ada")
    stamp = course.submitted("ada", A) / "timestamp.txt"
    stamp.unlink()
    if what == "pipe":
        os.mkfifo(stamp)
    else:
        (tmp_path / "other.txt").write_text("2020-01-01 00:00:00 UTC\n")
        stamp.symlink_to(tmp_path / "other.txt")
    record(course, graded())
    with gradebook.open_gradebook(course) as book:
        assert book.find_submission(A, "ada").timestamp is None
    again = tmp_path / "again" / "ada" / f"{A}.ipynb"
    again.parent.mkdir(parents=True)
    again.write_text('{"cells": []}')
    assert collect(again.parent.parent, course.path, A, course.roster())


def test_an_error_message_cannot_turn_the_writing_direction(course):
    one = graded()
    turned = replace(one.grades[1], findings=("raised ValueError: \u202e\x1b[31m",))
    record(course, replace(one, grades=(one.grades[0], turned)))
    (page,) = write_feedback(course, A)
    text = page.read_text(encoding="utf-8")
    assert "\u202e" not in text and "\x1b" not in text and "\\u202e" in text


def test_what_a_killed_run_left_half_written_goes_away(course):
    record(course, graded())
    left = [course.record("ada", A).with_name(".ada.json.x.part"), course.autograded("ada", A)]
    left[1] = left[1].with_name(f".{A}.ipynb.x.part")
    for part in left:
        part.write_text("{")
    grading._clear_parts(course)
    assert not any(part.exists() for part in left) and course.autograded("ada", A).exists()
