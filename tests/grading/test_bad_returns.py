"""What a function in the sandbox wrongly returns is told in the same words, and its process lives on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from autograder.judge import Candidate
from autograder.results import Cell
from autograder.sandbox import Sandbox, best_level
from cs_utils.checking import report
from cs_utils.checking.evaluate import evaluate
from tests.checking.bad_returns import BAD, EXERCISES, NEEDED
from tests.checking.test_bad_returns import assert_said


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(best_level()) as started:
        yield started


@pytest.mark.parametrize("bad", BAD, ids=[bad.title for bad in BAD])
def test_a_bad_return_is_told(sandbox: Sandbox, bad):
    cells = [Cell(NEEDED, "needed"), Cell(bad.code, "answer", 2, bad.exercise)]
    with Candidate(sandbox, cells, time.monotonic() + 60) as candidate:
        verdict = evaluate(EXERCISES[bad.exercise], 0, candidate.call)
    assert not candidate.lost and not candidate.remarks
    assert verdict.points == bad.points
    assert_said(report.to_text(verdict, width=400), bad.said)
