"""Whatever a function returns: a sentence that says what it was and what was asked for, no false point."""

from __future__ import annotations

import pytest

from autograder import source
from cs_utils.checking import Case, Exercise, Outcome, probes, report
from cs_utils.checking.evaluate import evaluate
from tests.checking.bad_returns import BAD, EXERCISES, NEEDED


@pytest.mark.parametrize("bad", BAD, ids=[bad.title for bad in BAD])
def test_a_bad_return_is_told(bad):
    names: dict[str, object] = {}
    source.run_cell(NEEDED, "needed", names)
    source.run_cell(bad.code, bad.title, names)
    student = probes.find_in(names)

    def call(asked: Exercise, given: Case) -> Outcome:
        shown = given.names or asked.parameters
        return probes.run(given.probe, asked.name, student, given.args, given.kwargs, shown)

    verdict = evaluate(EXERCISES[bad.exercise], 0, call)
    assert verdict.points == bad.points
    assert_said(report.to_text(verdict, width=400), bad.said)


def assert_said(text: str, said: tuple[str, ...]) -> None:
    for each in said:
        assert each in text, text
