"""The published table of known mistakes is what the checks do today."""

from __future__ import annotations

from autograder import source
from tests.exercises.table import TABLE, UNNAMED, known_mistakes, table


def test_the_published_table_is_up_to_date():
    assert TABLE.read_text(encoding="utf-8") == table(), "run `make misconceptions` and commit the result"


def test_every_mistake_in_the_table_is_named_in_every_group_that_it_fails():
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row for row in rows if UNNAMED in row] == []


def test_the_course_knows_at_least_120_mistakes():
    assert sum(known_mistakes(path.stem) for path in source.sources()) >= 120
