"""Whatever a submission does to the process that reads it costs that submission and no other."""

from __future__ import annotations

import json
import os
import signal

import pytest

from autograder.intake import apart
from tests.intake.notebooks import released, solved


@pytest.fixture
def notebook():
    return json.dumps(solved()).encode()


def test_reading_apart_gives_what_reading_gives(notebook):
    with apart.Readers() as readers:
        assert readers.take_in(notebook, released()) == apart.take_in_bytes(notebook, released())


@pytest.mark.parametrize("ending", [signal.SIGSEGV, signal.SIGXCPU])
def test_a_reader_that_dies_costs_one_submission(notebook, ending):
    with apart.Readers() as readers:
        readers.take_in(notebook, released())
        os.kill(readers._idle[0].pid, ending)
        assert "grade it by hand" in (readers.take_in(notebook, released()).problem or "")
        assert readers.take_in(notebook, released()).problem is None


def test_no_reader_outlives_the_class(notebook):
    with apart.Readers() as readers:
        readers.take_in(notebook, released())
    assert all(reader.poll() is not None for reader in readers._all)
