"""What a report says, before it is written as HTML or text: every sentence and every cell is made here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cs_utils.checking.compare import Difference, part_name, wrong_mask
from cs_utils.checking.evaluate import COUNTING, NOTHING_RIGHT, CaseResult, Finding, GroupResult, Verdict
from cs_utils.checking.exercise import Question, Tolerance
from cs_utils.checking.outcome import Failure, Odd, Outcome
from cs_utils.checking.report_values import (
    MAX_ITEMS,
    Window,
    describe_parts,
    describe_value,
    listed,
    number_format,
    plural,
    safe,
    window,
    write_call,
)

MAX_HINT = 1000
LEVELS = 4  # shades of a wrong cell in the heat map; 0 means that the cell is right


@dataclass(frozen=True)
class Row:
    """A line of the table of groups. mark: ✓, ✗ or –; word says the same."""

    name: str
    mark: str
    word: str
    points: str
    finding: str


@dataclass(frozen=True)
class Cell:
    """One number of a shown array. level: 0 for a right cell, up to `LEVELS` for the largest difference."""

    text: str
    level: int = 0


@dataclass(frozen=True)
class Grid:
    """A 2-D crop of an array with its row and column numbers; `more` says what was left out."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: tuple[tuple[Cell, ...], ...]
    more: str = ""


@dataclass(frozen=True)
class Side:
    """One of the two results. code: the student's source line, where one is to blame. good: the right one."""

    title: str
    text: str
    code: str = ""
    grid: Grid | None = None
    good: bool = False


@dataclass(frozen=True)
class Heat:
    """|yours - expected| as a grid, and how many numbers differ."""

    title: str
    text: str
    grid: Grid
    summary: str


@dataclass(frozen=True)
class CaseFacts:
    """The smallest failing case. call: code to paste. difference: one sentence."""

    title: str
    call: str
    difference: str
    sides: tuple[Side, ...] = ()
    heat: Heat | None = None


@dataclass(frozen=True)
class Note:
    """A finding said once; `groups` names what it explains ("" when there is only one thing to explain)."""

    title: str
    hint: str
    groups: str = ""


@dataclass(frozen=True)
class Report:
    """Everything a report says, in its order. mark: ✓, ✗, or – when nothing has been answered yet."""

    name: str
    mark: str
    score: str
    state: str
    rows: tuple[Row, ...] = ()
    case: CaseFacts | None = None
    notes: tuple[Note, ...] = ()
    remarks: tuple[str, ...] = ()


def verdict_facts(verdict: Verdict, show_inputs: bool) -> Report:
    """The report on an exercise. Without `show_inputs` nothing of the case's numbers is told."""
    case = None if verdict.untouched else _smallest(verdict)
    return Report(
        name=safe(verdict.exercise.name),
        mark="✓" if verdict.passed else "–" if verdict.untouched else "✗",
        score=_score(verdict.points, verdict.max_points),
        state=_state(verdict),
        rows=tuple(_row(verdict, group, show_inputs) for group in verdict.groups),
        case=case and _case_facts(verdict, *case, show_inputs),
        notes=() if verdict.untouched else _notes(verdict, show_inputs),
        remarks=tuple(safe(remark, MAX_HINT) for remark in verdict.remarks),
    )


def question_facts(
    question: Question, value: Any, right: bool, known: tuple[str, str] | None, reveal: Any
) -> Report:
    """The report on a short question. `reveal`: the right answer, where it may be told, else None."""
    if right:
        state = f"Right: {describe_value(value)}."
    elif value is None:
        state = f"Not answered yet: set {question.name} in the cell above."
    elif isinstance(value, Odd):
        state = f"{describe_value(value)} cannot be an answer; set {question.name} to plain numbers or text."
    else:
        state = f"Not right yet: you answered {_answer(value)}."
        if isinstance(value, str) and re.fullmatch(r"[-+\d.,;()\[\]\s]*\d[-+\d.,;()\[\]\s]*", value):
            state += " That is a text; numbers are written without quotes."
    return Report(
        name=question.name,
        mark="✓" if right else "–" if value is None else "✗",
        score=_score(question.points if right else 0.0, question.points),
        state=state,
        notes=(Note(safe(known[0]), safe(known[1], MAX_HINT)),) if known and not right else (),
        remarks=() if reveal is None else (f"The right answer is {describe_value(reveal)}.",),
    )


def _answer(value: Any) -> str:
    """An answer in one line; an array by its numbers where these are few."""
    few = isinstance(value, np.ndarray) and value.size <= MAX_ITEMS
    return describe_value(value.tolist() if few else value)


def _score(points: float, maximum: float) -> str:
    return f"{points:g} of {maximum:g} point{'' if maximum == 1 else 's'}"


def _state(verdict: Verdict) -> str:
    name, total = safe(verdict.exercise.name), len(verdict.groups)
    passed = sum(group.passed for group in verdict.groups)
    if verdict.lost is not None:
        happened, advice = _LOST[verdict.lost.kind]
        message = f" ({safe(verdict.lost.message)})" if verdict.lost.message else ""
        return f"No points: {name} {happened}{message}. {advice}"
    if verdict.untouched:
        return f"Not started yet: write {name} in the cell above."
    if total == 1:
        return "The only group passes." if passed else "The only group fails."
    if passed == total:
        return f"All {total} groups pass."
    return f"{passed} of {total} groups {'passes' if passed == 1 else 'pass'}."


_LOST = {
    "timeout": (
        "did not finish in time",
        "Look for a loop that never ends or that does far more work than needed; try a tiny input first.",
    ),
    "crashed": (
        "ended the whole Python process",
        "Look for exit(), a recursion without an end, or an array too large for the memory.",
    ),
    "unreadable": (
        "gave back something that could not be read",
        "Return plain NumPy arrays and numbers.",
    ),
}


def _row(verdict: Verdict, group: GroupResult, show_inputs: bool) -> Row:
    findings = _findings(group, show_inputs)
    mark, word = "✗", "fails"
    if group.passed:
        mark, word = "✓", "passes"
    elif verdict.untouched or group.skipped == NOTHING_RIGHT:
        mark, word = "–", "not yet"
    elif group.skipped and not findings:
        mark, word = "–", "not run"
    return Row(
        name=safe(group.group.name),
        mark=mark,
        word=word,
        points=f"{0.0 if verdict.lost else group.earned:g} of {group.group.points:g}",
        finding=""
        if verdict.untouched
        else safe(findings[0].title if findings else group.skipped.removeprefix("not run: ")),
    )


def _findings(group: GroupResult, show_inputs: bool) -> list[Finding]:
    """Misconceptions first; only these where nothing may be told that the student's code chose."""
    known = [finding for finding in group.findings if not _is_observation(finding)]
    return known + [finding for finding in group.findings if show_inputs and _is_observation(finding)]


def _is_observation(finding: Finding) -> bool:
    return finding.kind != "misconception"


def _notes(verdict: Verdict, show_inputs: bool) -> tuple[Note, ...]:
    """Each distinct finding that has a hint, once, misconceptions first, with the groups it explains.

    One without a hint is said by the table already.
    """
    explained: dict[Finding, list[str]] = {}
    for group in verdict.groups:
        for finding in (found for found in _findings(group, show_inputs) if found.hint):
            explained.setdefault(finding, []).append(f"“{safe(group.group.name)}”")
    explained = _one_for_a_line(explained)
    failing = sum(not group.passed for group in verdict.groups)
    return tuple(
        Note(safe(finding.title), safe(finding.hint, MAX_HINT), _explained(groups, failing))
        for finding, groups in sorted(explained.items(), key=lambda item: _is_observation(item[0]))
    )


def _one_for_a_line(explained: dict[Finding, list[str]]) -> dict[Finding, list[str]]:
    """Errors that one line raised are one thing to look at, whatever shapes their messages speak of."""
    lines = [finding.hint for finding in explained if finding.kind == "raised"]
    merged: dict[Finding, list[str]] = {}
    for finding, groups in explained.items():
        if finding.kind == "raised" and lines.count(finding.hint) > 1:
            known = re.match(r"raised \w+( in line \d+)?", finding.title)
            finding = replace(finding, title=known[0] if known else finding.title)
        merged.setdefault(finding, []).extend(groups)
    return merged


def _explained(groups: list[str], failing: int) -> str:
    """The groups that a finding explains, in words; nothing when there is only one failing group."""
    if failing == 1:
        return ""
    if len(groups) == failing:
        return "in both failing groups" if failing == 2 else f"in all {failing} failing groups"
    return f"in {listed(groups)}"


def _smallest(verdict: Verdict) -> tuple[GroupResult, CaseResult] | None:
    """The failing case to show: the one that ended the process, else the smallest."""
    if verdict.lost is not None:
        for group in verdict.groups:
            for result in group.results:
                if result.actual.failure is not None and result.actual.failure.fatal:
                    return group, result
    return verdict.smallest_failure


def _case_facts(verdict: Verdict, group: GroupResult, result: CaseResult, show_inputs: bool) -> CaseFacts:
    difference, name = result.difference, verdict.exercise.name
    title = f"Smallest failing case, from the group “{safe(group.group.name)}”"
    if verdict.lost is not None:
        title = f"The call it happened in, from the group “{safe(group.group.name)}”"
    if not show_inputs:
        return CaseFacts(title, "", _without_numbers(result, name))
    if result.case.probe == COUNTING:
        return _counted(group, result, name)
    call = write_call(verdict.exercise, result.case, result.documented)
    if difference is None:
        return CaseFacts(
            title, call, "", (_failure_side(result.actual.failure, name),) if result.actual.failure else ()
        )
    yours, expected = difference.yours, difference.expected
    if yours is None and expected is None:  # errors and judged outcomes: the whole outcomes are shown
        yours, expected = result.actual.value, result.expected.value if result.expected else None
    if difference.kind == "judged" and isinstance(yours, dict) and result.case.probe:
        return CaseFacts(title, call, _sentence(difference))  # notes of the probe, not what was returned
    if difference.kind == "judged" and verdict.exercise.parts == FORWARD_PARTS and _is_pair(yours):
        difference, yours = replace(difference, where=(0,)), yours[0]
    wrong = _wrong(yours, expected, verdict.exercise.tolerance)
    view = None if wrong is None else window(wrong.shape, wrong)
    part = f" as {part_name(difference.where, verdict.exercise.parts)}" if difference.where else ""
    around = name, () if difference.where else verdict.exercise.parts
    sides = [_side("You returned", part, result.actual, yours, expected, wrong, view, *around)]
    if result.expected is not None:
        sides.append(_side("Expected", part, result.expected, expected, yours, wrong, view, *around))
    heat = None if wrong is None or view is None else _heat(yours, expected, wrong, view)
    return CaseFacts(title, call, _sentence(difference), tuple(sides), heat)


def _counted(group: GroupResult, result: CaseResult, name: str) -> CaseFacts:
    """Of counted work the sentence is all there is to tell: the calls and notes are those of the probe."""
    title = f"What was counted, for the group “{safe(group.group.name)}”"
    if (failure := result.actual.failure) is not None:
        return CaseFacts(title, "", "Nothing: an error came first.", (_failure_side(failure, name),))
    return CaseFacts(title, "", _sentence(result.difference) if result.difference else "")


FORWARD_PARTS = ("out", "cache")  # of these a judge looks at the first


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _without_numbers(result: CaseResult, name: str) -> str:
    """What may be told of a case whose inputs are not to be known: nothing that the student's code chose."""
    failure = result.actual.failure
    if failure is not None:
        return (
            "An error was raised." if failure.kind == "raised" else f"Your function {_failed(failure, name)}."
        )
    kind = result.difference.kind if result.difference else ""
    return _KINDS.get(kind, "The result is not the expected one.")


_KINDS = {
    "values": "The numbers differ from the expected ones.",
    "shape": "The shape differs from the expected one.",
    "nan": "The result contains NaN or infinity where ordinary numbers were expected.",
    "none": "Your function returned None.",
    "no_error": "An error was asked for, and none was raised.",
}


def _sentence(difference: Difference) -> str:
    """The difference in one sentence, unless the sides and the heat map say it already."""
    if difference.kind in ("failure", "other_error", "no_error", "none", "values"):
        return ""
    text = safe(difference.message, 400).rstrip(".")
    return f"Your function {text}." if text.startswith("returned ") else f"{text}."


def _side(
    title: str,
    part: str,
    outcome: Outcome,
    value: Any,
    other: Any,
    wrong: np.ndarray | None,
    view: Window | None,
    name: str,
    parts: Sequence[str],
) -> Side:
    if outcome.failure is not None:
        if title == "Expected":
            return Side(title, f"{safe(outcome.failure.type)} is raised", good=True)
        return _failure_side(outcome.failure, name)
    good = title == "Expected"
    title += part
    if not isinstance(value, np.ndarray) or value.ndim == 0 or value.size == 0:
        return Side(title, describe_parts(value, parts), good=good)
    view = view or window(value.shape)
    shown = [view.cut(value)]
    if wrong is not None:
        shown.append(view.cut(other))
    marks = np.zeros(value.shape, bool) if wrong is None else wrong
    write = number_format(*shown, apart=_apart(shown, view.cut(marks)))
    lead = f", slice {list(view.lead)}" if view.lead else ""
    grid = _grid(view, shown[0], view.cut(marks).astype(int), write)
    return Side(title, describe_value(value) + lead, grid=grid, good=good)


def _failure_side(failure: Failure, name: str) -> Side:
    return Side(f"Your function {_failed(failure, name)}", safe(failure.message), code=safe(failure.line))


def _failed(failure: Failure, name: str) -> str:
    """``raised IndexError in line 7 of your cell``. Another function than `name` may be in another one."""
    if failure.kind == "missing":
        return "is not defined: run the cell that defines it"
    if failure.kind != "raised":
        return _LOST[failure.kind][0]
    inside = "your cell" if failure.function in (name, "", "<module>") else safe(failure.function)
    at = f" in line {failure.line_number} of {inside}" if failure.line_number else ""
    return f"raised {safe(failure.type)}{at}"


def _wrong(yours: Any, expected: Any, tolerance: Tolerance) -> np.ndarray | None:
    """Mask of wrong cells, where two numeric arrays of the same shape can be compared cell by cell."""
    if not (isinstance(yours, np.ndarray) and isinstance(expected, np.ndarray)):
        return None
    numeric = yours.dtype.kind in "biuf" and expected.dtype.kind in "biuf"
    if not numeric or yours.shape != expected.shape or yours.ndim == 0 or yours.size == 0:
        return None
    mask = wrong_mask(yours, expected, tolerance)
    return mask if mask.any() else None


def _distance(yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        distance: np.ndarray = np.abs(yours.astype(np.float64) - expected.astype(np.float64))
    return distance


def _apart(shown: list[np.ndarray], wrong: np.ndarray) -> float:
    """The smallest wrong difference among the shown cells, which must not vanish by rounding."""
    if len(shown) < 2 or not wrong.any():
        return np.inf
    distance = _distance(*shown)[wrong]
    return float(distance[np.isfinite(distance)].min(initial=np.inf))


def _heat(yours: np.ndarray, expected: np.ndarray, wrong: np.ndarray, view: Window) -> Heat:
    distance = np.where(wrong, _distance(yours, expected), 0.0)
    finite = np.isfinite(distance)
    largest = float(distance[finite].max(initial=0.0))
    with np.errstate(all="ignore"):
        shade = np.ceil(distance / largest * LEVELS) if largest else distance
    levels = np.where(finite & wrong, np.clip(np.nan_to_num(shade), 1, LEVELS), LEVELS * wrong).astype(int)
    shown = view.cut(distance)
    write = number_format(shown, apart=_apart([view.cut(yours), view.cut(expected)], view.cut(wrong)))
    lead = f", slice {list(view.lead)}" if view.lead else ""
    grid = _grid(view, shown, view.cut(levels), write)
    return Heat(
        "Where they differ", f"|yours - expected|{lead}", grid, _count(distance, wrong, finite, write)
    )


def _count(distance: np.ndarray, wrong: np.ndarray, finite: np.ndarray, write: Any) -> str:
    """``4 of 9 numbers differ; the largest difference is 12, at row 0, column 2``."""
    count = int(wrong.sum())
    text = f"{count} of {plural(wrong.size, 'number')} {'differs' if count == 1 else 'differ'}"
    if not finite.all():
        text += f"; {int((~finite).sum())} by NaN or infinity"
    at = np.unravel_index(int(np.argmax(np.where(finite, distance, -1.0))), distance.shape)
    if distance[at] > 0 and finite[at]:
        text += f"; the largest difference is {write(distance[at])}, at {_place(tuple(int(i) for i in at))}"
    return text + "."


def _place(at: tuple[int, ...]) -> str:
    if len(at) == 2:
        return f"row {at[0]}, column {at[1]}"
    return f"index {at[0]}" if len(at) == 1 else str(list(at))


def _grid(view: Window, shown: np.ndarray, levels: np.ndarray, write: Any) -> Grid:
    cells = tuple(
        tuple(Cell(write(number), int(level)) for number, level in zip(numbers, marks, strict=True))
        for numbers, marks in zip(shown, levels, strict=True)
    )
    return Grid(tuple(view.rows), tuple(view.columns), cells, view.more)
