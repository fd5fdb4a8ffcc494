"""The report a student reads after ``check(corr2d)``, as HTML for notebooks and feedback pages, or as text.

The HTML is one self-contained fragment: no script, no ids, nothing loaded from elsewhere, and everything that
came from a student's code escaped.
"""

from __future__ import annotations

from typing import Any

from cs_utils.checking.evaluate import Verdict
from cs_utils.checking.exercise import Question
from cs_utils.checking.report_facts import question_facts, verdict_facts
from cs_utils.checking.report_html import render_html
from cs_utils.checking.report_text import render_text

WIDTH = 100  # columns of a terminal


def to_html(verdict: Verdict, *, show_inputs: bool = True) -> str:
    """HTML fragment on one exercise. Without `show_inputs` no number of a failing case is shown."""
    return render_html(verdict_facts(verdict, show_inputs))


def to_text(verdict: Verdict, *, show_inputs: bool = True, width: int = WIDTH) -> str:
    """The same report for a terminal of `width` columns."""
    return render_text(verdict_facts(verdict, show_inputs), width)


def question_to_html(
    question: Question, value: Any, right: bool, known: tuple[str, str] | None, reveal: Any = None
) -> str:
    """HTML fragment on a short question.

    value: the student's answer as plain data. known: name and hint of a known mistake. reveal: the right
    answer, for feedback pages that may tell it.
    """
    return render_html(question_facts(question, value, right, known, reveal))


def question_to_text(
    question: Question,
    value: Any,
    right: bool,
    known: tuple[str, str] | None,
    reveal: Any = None,
    width: int = WIDTH,
) -> str:
    """The same report for a terminal of `width` columns."""
    return render_text(question_facts(question, value, right, known, reveal), width)
