"""A file beside the notebook: the check says what can be known, and calls nothing that may take an hour."""

from __future__ import annotations

import pytest

from autograder.judge import GradedCell, file_grade, not_scored
from cs_utils.checking.handed_in import LATER, HandedIn
from cs_utils.checking.report import to_text

GROUPS = (("a valid file", 3.0), ("beats the baseline", 7.0))
REMARK = "Hand the file in beside it."


def handed_in(*complaints):
    return HandedIn(
        "predictions", "12_leaderboard", "predictions.npz", GROUPS, lambda: (complaints, (REMARK,))
    )


def predictions(competition):
    raise AssertionError("the check must not call it")


def stub(competition):
    raise NotImplementedError("write predictions")


def test_a_file_without_complaints_has_all_points():
    verdict = handed_in(None, None).seen_in_the_notebook(predictions)
    assert (verdict.points, verdict.max_points, verdict.passed) == (10, 10, True)


def test_what_is_decided_later_gives_no_points_and_is_no_failure():
    verdict = handed_in(None, LATER).seen_in_the_notebook(predictions)
    said = to_text(verdict)
    assert (verdict.points, verdict.passed) == (3, False)
    assert LATER in said and REMARK in said and "fails" not in said


def test_what_is_wrong_and_what_to_do_stand_in_the_report():
    verdict = handed_in(("it holds 3 labels", "There are 10 pictures."), ("unread", "")).seen_in_the_notebook(
        predictions
    )
    assert verdict.points == 0 and not verdict.passed
    said = to_text(verdict)
    assert "it holds 3 labels" in said and "There are 10 pictures." in said


def test_an_untouched_answer_is_not_paid_for_a_file_from_elsewhere():
    verdict = handed_in(None, None).seen_in_the_notebook(stub)
    assert verdict.points == 0 and verdict.untouched and "Not started yet" in to_text(verdict)


@pytest.mark.parametrize("complaints", [(None, ("too low", "Try again.")), (("no zip", ""), ("no zip", ""))])
def test_the_trusted_side_gives_the_points_group_by_group(complaints):
    grade = file_grade(GradedCell("check_predictions", "predictions", 10.0), handed_in().verdict(complaints))
    assert grade.points == sum(points for (_, points), why in zip(GROUPS, complaints, strict=True) if not why)
    assert grade.findings == tuple(dict.fromkeys(why[0] for why in complaints if why))


def test_a_file_that_nobody_scored_has_no_points_and_says_so():
    verdict = not_scored(handed_in())
    assert verdict.points == 0 and "predictions.npz was not scored" in to_text(verdict)
