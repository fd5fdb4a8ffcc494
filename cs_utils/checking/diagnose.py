"""What can truthfully be said about a failing group: a known mistake by name, else what is seen.

A misconception is named for a group only when its prediction equals the outcome of *every* case in the group
and more than one scalar was compared; an observation is made only when it holds for every failing case. No
match, no name.

An error is weaker evidence than a number: every other slip in the same line raises a ValueError, too. A
mistake that matches the failing cases of a group by errors alone is named there only if it is seen in the
numbers of another group, or if it matches all groups that fail, should fail no others, and the messages are
of one kind. A `raise` that the student wrote is no slip, unless refusing is what the mistake is about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cs_utils.checking.compare import (
    Difference,
    agree,
    compare,
    in_general,
    part_name,
    wanted_in_general,
    wrong_mask,
)
from cs_utils.checking.exercise import Case, Exercise, Misconception, Tolerance, predict
from cs_utils.checking.outcome import ANYTHING, Failure, Odd, Outcome
from cs_utils.checking.report_values import listed

if TYPE_CHECKING:
    from cs_utils.checking.evaluate import CaseResult, Finding, GroupResult


def diagnose(exercise: Exercise, groups: Sequence[GroupResult]) -> list[tuple[Finding, ...]]:
    """The findings of each group, in order; empty for groups that passed or were not run."""
    failing = [group.group.name for group in groups if not group.passed]
    refusals = _errors_asked_for(groups)
    matches = _trusted([_matching(exercise, group, refusals) for group in groups], set(failing))
    reach = Counter(id(match.known) for found in matches for match in found)
    return [
        _group_findings(
            exercise, group, _best(found, reach, set(failing)), first=group.group.name == failing[0]
        )
        if not group.passed and group.results
        else ()
        for group, found in zip(groups, matches, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Match:
    """A mistake that explains a group.

    parts: the parts of the result that it explains (none: the whole of it). by_numbers: it is seen in the
    numbers of a failing case. alike: where errors alone are seen, they may be those of the mistake.
    """

    known: Misconception
    parts: frozenset[int] = frozenset()
    by_numbers: bool = True
    alike: bool = True


def _trusted(matches: list[list[Match]], failing: set[str]) -> list[list[Match]]:
    """Without the mistakes for which errors alone speak, where these are not enough."""
    everywhere = [match for found in matches for match in found]
    reach = Counter(id(match.known) for match in everywhere)
    seen = {id(match.known) for match in everywhere if match.by_numbers}

    def enough(match: Match) -> bool:
        just_these = failing == set(match.known.fails) and reach[id(match.known)] == len(failing)
        return id(match.known) in seen or (match.alike and just_these)

    return [[match for match in found if enough(match)] for found in matches]


def _errors_asked_for(groups: Sequence[GroupResult]) -> set[str]:
    """Types of the errors that the exercise itself asks for in some case."""
    results = [result for group in groups for result in group.results]
    wanted = [result.expected.failure for result in results if result.expected is not None]
    return {failure.type for failure in wanted if failure is not None}


def _best(found: list[Match], reach: Mapping[int, int], failing: set[str]) -> list[Misconception]:
    """Of several mistakes that explain the same of a group, those that explain the most groups.

    Where it can be told, not one that would have failed a group that passed. Nor one that explains only
    some of the parts that another explains: one mistake is likelier than two.
    """
    found = [match for match in found if failing.issuperset(match.known.fails)] or found
    found = [match for match in found if not any(match.parts < other.parts for other in found)]
    most: dict[frozenset[int], int] = {}
    for match in found:
        most[match.parts] = max(most.get(match.parts, 0), reach[id(match.known)])
    return [match.known for match in found if reach[id(match.known)] == most[match.parts]]


# What is wrong with the kind of value, not with the values: no group's advice is about that.
_NO_ADVICE = {"raised", "missing", "unwritten", "untouched", "timeout", "crashed", "unreadable"} | {
    *("type", "length", "none", "odd", "dtype")
}


def _group_findings(
    exercise: Exercise, group: GroupResult, known: list[Misconception], *, first: bool
) -> tuple[Finding, ...]:
    """first: no group before this one fails, so that advice may build on them."""
    from cs_utils.checking.evaluate import Finding

    if known:
        return tuple(Finding("misconception", mistake.name, mistake.hint) for mistake in known)
    seen = observation(exercise, [result for result in group.results if not result.passed])
    fits = first and seen.kind not in _NO_ADVICE
    hint = seen.hint or (exercise.advice.get(group.group.name, "") if fits else "")
    return (Finding(seen.kind, seen.title, hint),)


def _matching(exercise: Exercise, group: GroupResult, refusals: set[str]) -> list[Match]:
    if group.passed or not group.results:
        return []
    whole = [_explains(known, group, exercise.tolerance, refusals) for known in exercise.misconceptions]
    return [match for match in whole if match is not None] or _explain_parts(exercise, group)


def _explains(
    known: Misconception, group: GroupResult, tolerance: Tolerance, refusals: set[str]
) -> Match | None:
    """A match where the mistake gives just what came back, for every case of the group."""
    if known.recognise is not None:
        seen = all(_recognised(known.recognise, result) for result in group.results)
        return Match(known) if seen else None
    assert known.predict is not None
    told = [(result, group.group.expected(known.predict, result.case)) for result in group.results]
    if any(compare(result.actual, expected, tolerance) is not None for result, expected in told):
        return None
    failures = [
        (result.actual.failure, expected.failure)
        for result, expected in told
        if not result.passed and result.actual.failure is not None and expected.failure is not None
    ]
    if any(
        _written_by_hand(yours) and yours.type not in refusals | {"AssertionError"} for yours, _ in failures
    ):
        return None
    if sum(_scalars(expected) for _, expected in told) < 2:
        return None
    by_numbers = len(failures) < sum(not result.passed for result in group.results)
    return Match(known, frozenset(), by_numbers, all(_alike(*pair) for pair in failures))


def _written_by_hand(failure: Failure) -> bool:
    """Was it raised by a `raise` of the student's own?"""
    return re.search(r"(^|:\s*)raise\b", failure.line) is not None


# Ways in which Python and NumPy say the same; a message that is none of these tells nothing.
_SAYINGS = {
    "shapes": r"broadcast|core dimension|not aligned|must match|shape mismatch",
    "reshape": r"cannot reshape",
    "index": r"out of bounds|out of range|too many indices",
    "unpack": r"unpack",
    "operand": r"unsupported operand|can only concatenate|(as an|of|be) integers?",
    "cast": r"Cannot cast",
    "sequence": r"setting an array element",
    "truth": r"truth value",
    "product": r"cannot be multiplied",
    "channels": r"to have \d+ channels",
}


def _alike(yours: Failure, predicted: Failure) -> bool:
    """May the two errors be one? Not if they speak of different things, or yours is of no line of a cell."""
    said = [
        {name for name, words in _SAYINGS.items() if re.search(words, failure.message)}
        for failure in (yours, predicted)
    ]
    return yours.line_number is not None and (not all(said) or bool(said[0] & said[1]))


def _recognised(recognise: Callable[[Case, Outcome], bool], result: CaseResult) -> bool:
    try:
        return result.actual.failure is None and bool(recognise(result.case, result.actual))
    except Exception:  # what came back may be any plain data
        return False


def _explain_parts(exercise: Exercise, group: GroupResult) -> list[Match]:
    """Where no single mistake explains the group: mistakes that explain one wrong part each.

    So a wrong dx and a wrong db, two mistakes in one function, are both named. A mistake that would also have
    spoilt a part that is right is not among them.
    """
    count = len(exercise.parts)
    if count < 2 or any(not _has_parts(result, count) for result in group.results):
        return []
    wrong = _wrong_parts(group, count, exercise.tolerance)
    found = []
    for known in exercise.misconceptions:
        if known.predict is None:
            continue
        if parts := _parts_explained(known, group, wrong, count, exercise.tolerance):
            found.append(Match(known, parts))
    return found


def _has_parts(result: CaseResult, count: int) -> bool:
    sides = (result.actual.value, result.expected.value if result.expected else None)
    return all(isinstance(side, tuple | list) and len(side) == count for side in sides)


def _wrong_parts(group: GroupResult, count: int, tolerance: Tolerance) -> set[int]:
    def right(index: int, result: CaseResult) -> bool:
        assert result.expected is not None
        return agree(result.actual.value[index], result.expected.value[index], tolerance)

    return {index for index in range(count) if not all(right(index, result) for result in group.results)}


def _parts_explained(
    known: Misconception, group: GroupResult, wrong: set[int], count: int, tolerance: Tolerance
) -> frozenset[int]:
    """The wrong parts that are just as predicted in every case, on more than one scalar.

    Yes and no do not count: too many mistakes say the same. Empty when the mistake would also have spoilt
    a part that is right.
    """
    assert known.predict is not None
    told = [(result, group.group.expected(known.predict, result.case)) for result in group.results]
    if any(not isinstance(said.value, tuple) or len(said.value) != count for _, said in told):
        return frozenset()
    agrees = {
        index
        for index in range(count)
        if all(agree(result.actual.value[index], said.value[index], tolerance) for result, said in told)
    }
    if agrees | wrong != set(range(count)):
        return frozenset()

    def telling(index: int) -> int:
        values = [said.value[index] for _, said in told]
        return sum(_scalars(Outcome(value)) for value in values if not isinstance(value, bool))

    return frozenset(index for index in agrees & wrong if telling(index) > 1)


def _scalars(outcome: Outcome) -> int:
    def count(value: Any) -> int:
        if value is ANYTHING:
            return 0
        if isinstance(value, np.ndarray):
            return max(1, value.size)
        if isinstance(value, tuple | list):
            return sum(count(item) for item in value)
        return 1

    return 1 if outcome.failure is not None else count(outcome.value)


# --- observations -----------------------------------------------------------------------------------------


def observation(exercise: Exercise, failed: Sequence[CaseResult]) -> Finding:
    """The most telling thing that is true of every failing case."""
    from cs_utils.checking.evaluate import Finding

    first = failed[0]
    assert first.difference is not None
    failure = first.actual.failure
    if failure is not None:
        return _about_failure(exercise, first)
    kinds = {result.difference.kind for result in failed if result.difference}
    if kinds == {"judged"}:
        return Finding("judged", first.difference.message)
    if kinds == {"none"} and first.difference.where:
        part = part_name(first.difference.where, exercise.parts)
        return Finding("none", f"{part} is None", "Is it computed, and returned?")
    if kinds == {"none"}:
        wanted = f" where ({', '.join(exercise.parts)}) was asked for" if exercise.parts else ""
        return Finding("none", f"returned None{wanted}", "Is there a `return` at the end, on every path?")
    if kinds == {"no_error"}:
        assert first.expected is not None and first.expected.failure is not None
        wanted = first.expected.failure.type
        if isinstance(first.actual.value, Odd) and first.actual.value.type_name.endswith("Error"):
            hint = "Errors are raised, not returned: `raise ValueError(...)`."
            return Finding("no_error", f"returned a {first.actual.value.type_name}", hint)
        return Finding("no_error", f"returned a result where a {wanted} was asked for")
    part = _common_part(exercise, failed)
    for kind, title, hint, holds in OBSERVATIONS:
        told = [_holds(holds, result, exercise.tolerance) for result in failed]
        if False not in told and True in told:
            about = "" if holds is _swapped else part
            return Finding(kind, f"{about}{title}{_shapes(kind, first)}", hint)
    if (factor := _common_factor(failed, exercise.tolerance)) is not None:
        return Finding(
            "factor",
            f"{part}every number is {_factor_text(factor)} the right one",
            "Look for a factor too many or too few.",
        )
    if (name := _argument_returned(exercise, failed)) is not None:
        title = f"{part}returned {name} as it came: itself, a view or a copy of it"
        return Finding("argument", title, f"`out = {name}` only gives {name} a second name.")
    return Finding(first.difference.kind, _general(exercise, first), _about_type(exercise, first.difference))


def _common_part(exercise: Exercise, failed: Sequence[CaseResult]) -> str:
    """``"dx: "`` when it is dx that differs in every failing case."""
    places = {result.difference.where for result in failed if result.difference}
    return f"{part_name(places.pop(), exercise.parts)}: " if len(places) == 1 and () not in places else ""


def _shapes(kind: str, result: CaseResult) -> str:
    if kind not in ("extra_axis", "reshaped") or result.difference is None:
        return ""
    yours, expected = result.difference.yours, result.difference.expected
    return f": its shape is {yours.shape} where {expected.shape} was asked for"


def _argument_returned(exercise: Exercise, failed: Sequence[CaseResult]) -> str | None:
    """The one argument that came back as it was in every failing case, if there is one."""
    common: list[str] | None = None
    for result in failed:
        yours: Any = result.difference.yours if result.difference else None
        if not isinstance(yours, np.ndarray) or yours.size < 2:
            return None
        names = result.case.names or exercise.parameters
        given = [*zip(names, result.case.args, strict=False), *result.case.kwargs.items()]
        same = [
            name for name, value in given if isinstance(value, np.ndarray) and np.array_equal(value, yours)
        ]
        common = same if common is None else [name for name in common if name in same]
    return common[0] if common else None


def _about_type(exercise: Exercise, difference: Difference) -> str:
    """A hint about a value that is of another type than asked for."""
    yours, expected = difference.yours, difference.expected
    if not difference.where and exercise.parts and isinstance(expected, tuple):
        return f"Several values are returned with commas: `return {', '.join(exercise.parts)}`."
    if isinstance(yours, Odd):
        return next((hint for name, hint in _TYPE_HINTS.items() if yours.type_name.endswith(name)), "")
    if difference.kind == "dtype" and yours.dtype.kind == "c":
        return _TYPE_HINTS["complex128"]
    if isinstance(yours, int | float) and isinstance(expected, np.ndarray) and expected.ndim:
        return "Without `axis=`, `sum` and `mean` make one number of a whole array."
    return ""


_TYPE_HINTS = {
    "generator": "`(... for ...)` has computed nothing yet; make an array: `np.array([... for ...])`.",
    "MaskedArray": "A masked array hides some of its numbers; `np.where` gives an ordinary one.",
    "dtype object": "NumPy makes such an array of rows of different lengths, or of what is no number.",
    "complex128": "Nothing here needs an imaginary part: which step brings it in?",
    "function": "Are the brackets of a call missing?",
}


def _about_failure(exercise: Exercise, result: CaseResult) -> Finding:
    from cs_utils.checking.evaluate import Finding

    failure = result.actual.failure
    assert failure is not None and result.difference is not None
    if failure.kind == "missing":
        return Finding(
            "missing",
            f"there is no function called {exercise.name}",
            "Was its cell run, and is the name spelled so?",
        )
    if failure.type == "NotImplementedError" and re.match("$|write ", failure.message):
        if failure.function in ("", exercise.name):
            return Finding("untouched", "not written yet")
        return Finding("unwritten", f"calls {failure.function}, which is not written yet")
    if failure.kind == "timeout":
        return Finding(
            "timeout",
            "did not finish in time",
            "Does every loop end, and does it do no more work than needed?",
        )
    if failure.fatal:
        return Finding(failure.kind, f"ended the Python process {failure.message}".rstrip())
    where = f" in line {failure.line_number}" if failure.line_number is not None else ""
    wanted = ""
    if result.expected is not None and result.expected.failure is not None:
        wanted = f" where a {result.expected.failure.type} was asked for"
    message = f": {failure.message}" if failure.message else ""
    return Finding(
        "raised",
        f"raised {failure.type}{where}{wanted}{message}",
        f"The line reads: {failure.line}" if failure.line else "",
    )


# True, False, or None where a case is too small to tell.
Predicate = Callable[[Any, Any, Tolerance], "bool | None"]


def _holds(predicate: Predicate, result: CaseResult, tolerance: Tolerance) -> bool | None:
    if result.difference is None or result.expected is None or result.actual.failure is not None:
        return False
    if result.expected.failure is not None:
        return False
    if predicate is _swapped:  # the one that is about all returned values
        return predicate(result.actual.value, result.expected.value, tolerance)
    return predicate(result.difference.yours, result.difference.expected, tolerance)


def _arrays(yours: Any, expected: Any) -> bool:
    return isinstance(yours, np.ndarray) and isinstance(expected, np.ndarray)


def _equal(one: np.ndarray, other: np.ndarray, tolerance: Tolerance) -> bool:
    return (
        one.shape == other.shape and one.dtype.kind in "iufb" and not wrong_mask(one, other, tolerance).any()
    )


def _transposed(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return (
        _arrays(yours, expected)
        and expected.ndim >= 2
        and _equal(yours, np.swapaxes(expected, -1, -2), tolerance)
    )


def _extra_axis(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    if not _arrays(yours, expected) or yours.shape == expected.shape or yours.ndim == expected.ndim:
        return False
    return yours.size == expected.size and _equal(yours.squeeze(), expected.squeeze(), tolerance)


def _other_shape(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    if not _arrays(yours, expected) or yours.shape == expected.shape or yours.size != expected.size:
        return False
    return _equal(yours.reshape(-1), expected.reshape(-1), tolerance)


def _sign(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return _arrays(yours, expected) and yours.dtype.kind in "if" and _equal(-yours, expected, tolerance)


def _rotated(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return _arrays(yours, expected) and yours.ndim >= 1 and _equal(np.flip(yours), expected, tolerance)


def _truncated(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    if not _arrays(yours, expected) or yours.shape != expected.shape:
        return False
    return bool(yours.size > 1 and np.isfinite(expected).all() and np.array_equal(yours, np.trunc(expected)))


def _border_only(yours: Any, expected: Any, tolerance: Tolerance) -> bool | None:
    if not _arrays(yours, expected) or yours.shape != expected.shape or yours.dtype.kind not in "iuf":
        return False
    inside = tuple(
        slice(1, -1) if axis >= expected.ndim - 2 else slice(None) for axis in range(expected.ndim)
    )
    if not expected.ndim or not expected[inside].any():  # zeros inside are easily right
        return None
    return not wrong_mask(yours, expected, tolerance)[inside].any()


def _larger(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    """The right numbers stand somewhere inside a larger array."""
    if (
        not _arrays(yours, expected)
        or yours.ndim != expected.ndim
        or not expected.size
        or yours.shape == expected.shape
    ):
        return False
    if (
        any(mine < wanted for mine, wanted in zip(yours.shape, expected.shape, strict=True))
        or yours.size > 10_000
    ):
        return False
    starts = np.ndindex(
        *(mine - wanted + 1 for mine, wanted in zip(yours.shape, expected.shape, strict=True))
    )
    windows = (tuple(slice(s, s + n) for s, n in zip(start, expected.shape, strict=True)) for start in starts)
    return any(_equal(yours[window], expected, tolerance) for window in windows)


def _smaller(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return _arrays(yours, expected) and bool(yours.size) and _larger(expected, yours, tolerance)


def _empty(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return _arrays(yours, expected) and yours.size == 0 < expected.size


def _swapped(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    both = isinstance(yours, tuple | list) and isinstance(expected, tuple | list)
    return (
        both and len(yours) == len(expected) > 1 and agree(list(reversed(yours)), list(expected), tolerance)
    )


def _needless_float(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return type(yours) is float and type(expected) is int


def _nested_list(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return isinstance(yours, list) and isinstance(expected, np.ndarray)


def _torch_tensor(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return getattr(yours, "type_name", "").startswith("torch.")


def _not_finite(yours: Any, expected: Any, tolerance: Tolerance) -> bool:
    return _arrays(yours, expected) and yours.dtype.kind == "f" and bool(np.isnan(yours).any())


# In this order: the first that holds for every failing case is told. (kind, title, hint, predicate)
OBSERVATIONS: tuple[tuple[str, str, str, Predicate], ...] = (
    ("odd", "returned a PyTorch tensor", "The exercise asks for NumPy: do it without torch.", _torch_tensor),
    (
        "type",
        "returned a float where a whole number (int) was asked for",
        "`/` and `float(...)` give floats; `//` gives an int.",
        _needless_float,
    ),
    (
        "type",
        "returned a list where an array was asked for",
        "Make a NumPy array of it: `np.array(...)`.",
        _nested_list,
    ),
    ("empty", "returned an empty array", "A slice such as `a[p:-p]` is empty when p is 0.", _empty),
    (
        "swapped",
        "the returned values are right but in reverse order",
        "Check the order that the text asks for.",
        _swapped,
    ),
    (
        "transposed",
        "the result is right but transposed (rows and columns exchanged)",
        "Which index is the row?",
        _transposed,
    ),
    (
        "extra_axis",
        "the values are right, but not the number of axes",
        "Compare the two shapes; `.reshape` or an index removes an axis.",
        _extra_axis,
    ),
    ("reshaped", "the values are right, but not the shape", "Compare the two shapes.", _other_shape),
    (
        "larger",
        "the right numbers stand inside an array that is too large",
        "Check the output size.",
        _larger,
    ),
    (
        "smaller",
        "the numbers are right, but some rows or columns are missing",
        "Check the output size and where the loops end.",
        _smaller,
    ),
    ("sign", "every number has the wrong sign", "Look for a minus too many or too few.", _sign),
    (
        "rotated",
        "the result is right but in reverse order along every axis",
        "Something is flipped that should not be, or not flipped that should.",
        _rotated,
    ),
    (
        "truncated",
        "the fractions are cut off",
        "The output array holds integers; ask for floats, such as `np.zeros(shape)`.",
        _truncated,
    ),
    (
        "nan",
        "contains NaN where ordinary numbers were asked for",
        "Look for a division by zero, or for an array from `np.empty` that is not filled.",
        _not_finite,
    ),
    (
        "border",
        "right inside, wrong at the border",
        "Look at how the edges are padded or where the windows stop.",
        _border_only,
    ),
)


def _common_factor(failed: Sequence[CaseResult], tolerance: Tolerance) -> float | None:
    """The one factor by which every failing result is off, if there is one."""
    factors: list[float] = []
    for result in failed:
        difference = result.difference
        yours: Any = difference.yours if difference else None
        expected: Any = difference.expected if difference else None
        if not _arrays(yours, expected) or yours.shape != expected.shape or yours.dtype.kind not in "iuf":
            return None
        solid = np.abs(expected) > 1e-9 * max(1.0, float(np.abs(expected).max(initial=0.0)))
        if not solid.any() or expected.size < 2:
            return None
        factor = float(np.median(yours[solid] / expected[solid]))
        if not np.isfinite(factor) or factor == 0 or not _equal(yours / factor, expected, tolerance):
            return None
        factors.append(factor)
    return factors[0] if np.allclose(factors, factors[0], rtol=1e-4) else None


def _factor_text(factor: float) -> str:
    inverse = 1 / factor
    if abs(inverse) > 1 and abs(inverse - round(inverse)) < 1e-4:
        return f"1/{round(inverse)} of" if inverse > 0 else f"-1/{-round(inverse)} of"
    return f"{factor:.4g} times"


def _general(exercise: Exercise, result: CaseResult) -> str:
    difference = result.difference
    assert difference is not None
    yours, expected = difference.yours, difference.expected
    part = part_name(difference.where, exercise.parts) if difference.where else ""
    if difference.kind == "values" and _arrays(yours, expected) and expected.ndim:
        wrong = int(wrong_mask(yours, expected, exercise.tolerance).sum())
        of = f" of {part}" if part else ""
        if expected.size == 1:
            return f"the number{of} differs"
        return f"{wrong} of {expected.size} numbers{of} {'differs' if wrong == 1 else 'differ'}"
    message = difference.message
    if difference.kind in ("type", "odd"):
        named = not part and exercise.parts and isinstance(expected, tuple)
        wanted = f"({', '.join(exercise.parts)})" if named else wanted_in_general(expected)
        message = f"returned {in_general(yours)} where {wanted} was asked for"
    return f"{part}: {message}" if part else message


def calls_failing(names: Iterable[str]) -> str:
    """The remark for a failing function that calls others which do not pass their own checks."""
    listed = " and ".join(sorted(names))
    return f"It calls {listed}, which does not pass its own check yet: look there first."


def remarks(exercise: Exercise, groups: Sequence[GroupResult]) -> list[str]:
    """Facts that cost no points but that a student should know."""
    from cs_utils.checking.evaluate import COUNTING

    results = [result for group in groups for result in group.results if result.case.probe != COUNTING]
    told = []
    changed: dict[str, set[str]] = {}
    for result in results:
        for name in result.actual.changed:
            changed.setdefault(_who_changed(exercise, result, name), set()).add(name)
    for who, names in changed.items():
        told.append(
            f"{who} {listed(sorted(names))} in place; work on a copy, since the caller still needs it."
        )
    if any(result.actual.printed for result in results):
        told.append("What it prints is not shown here; to see it, call the function in a cell of its own.")
    return told


def _who_changed(exercise: Exercise, result: CaseResult, name: str) -> str:
    """With the own cache the forward is called as well, and either may have changed what the forward got."""
    both = result.case.probe.startswith("own_cache") and result.documented is None
    own = not both or name == exercise.parameters[0]
    return "It changes" if own else f"It, or {exercise.forward} before it, changes"


def about_forward(
    exercise: Exercise, forward: Exercise | None, rescued: CaseResult, made: Outcome, *, own: bool
) -> str:
    """The remark for a backward that is right, but not with the cache of the forward beside it.

    forward: its exercise, where it is one. rescued: a case in which that was seen. made: what the forward
    returned in it. own: the student wrote that forward.
    """
    name = f"your {exercise.forward}" if own else f"{exercise.forward} of cs_utils.layers"
    if own and not _is_right(forward, rescued, made):
        return (
            f"{exercise.forward} does not pass its own check yet, so the cache that it makes cannot be "
            "judged; the one that the text prescribes was used. No points are lost for that here."
        )
    return (
        f"It is right with the cache that the text prescribes, but not with the one that {name} makes"
        f"{_cache_in_words(rescued, made)}: compare what goes into that one with what is taken out here. "
        "No points are lost for that."
    )


def _is_right(forward: Exercise | None, rescued: CaseResult, made: Outcome) -> bool:
    """Does the forward return what it should in this case, as far as can be told?"""
    if made.failure is not None or not isinstance(made.value, tuple | list) or len(made.value) < 2:
        return False
    if forward is None or forward.reference is None:
        return True
    expected = predict(forward.reference, Case(rescued.case.args[1:], rescued.case.kwargs))
    return compare(made, expected, forward.tolerance) is None


def _cache_in_words(rescued: CaseResult, made: Outcome) -> str:
    """What kind of cache it is, in words of ours only: a cache may hold numbers of a secret case."""
    if made.failure is not None or rescued.documented is None:
        return ""
    cache, wanted = made.value[1], rescued.documented.args[1]
    if not isinstance(cache, tuple | list):
        return f" ({_PLAIN_WORDS.get(type(cache), 'something else')} where a tuple was asked for)"
    return (
        f" ({'a tuple' if type(cache) is tuple else 'a list'} of fewer values)"
        if len(cache) < len(wanted)
        else ""
    )


_PLAIN_WORDS = {
    type(None): "None",
    np.ndarray: "an array",
    dict: "a dict",
    str: "a text",
    **dict.fromkeys((bool, int, float), "a number"),
}
