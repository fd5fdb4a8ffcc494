"""Compare what came back with what was expected, and say in what way they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_utils.checking.exercise import Tolerance
from cs_utils.checking.outcome import ANYTHING, Odd, Outcome

SHOWN_KEYS = 5
# Types that no exercise asks for, as people call them.
_ODD = {
    "complex": "a complex number",
    "function": "a function",
    "generator": "a generator",
    "numpy.ma.MaskedArray": "a masked array",
    "numpy.ma.core.MaskedArray": "a masked array",
    "numpy.complex128": "a complex number",
}


@dataclass(frozen=True)
class Difference:
    """How an outcome differs from the expected one.

    kind: ``failure`` (it raised, crashed, ...), ``no_error`` (an error was asked for), ``other_error``,
    ``none``, ``odd`` (a type no one asked for), ``type``, ``length``, ``shape``, ``dtype``, ``nan``,
    ``values``, or ``judged``.
    message: one sentence with what was found and what was expected.
    where: position inside a returned tuple (empty at the top). yours, expected: the two values that differ.
    """

    kind: str
    message: str
    where: tuple[int, ...] = ()
    yours: Any = None
    expected: Any = None


def compare(
    actual: Outcome, expected: Outcome, tolerance: Tolerance, parts: Sequence[str] = ()
) -> Difference | None:
    """None when `actual` counts as `expected`; otherwise the first difference.

    parts: names of the values of an expected tuple, for the message.
    """
    if expected.failure is not None:
        return _compare_errors(actual, expected)
    if actual.failure is not None:
        failure = actual.failure
        shown = f"{failure.type}: {failure.message}" if failure.type else failure.message
        return Difference("failure", f"{_FAILED[failure.kind]}{shown}".rstrip(": "))
    return _compare_values(actual.value, expected.value, tolerance, (), parts)


_FAILED = {
    "raised": "raised ",
    "missing": "is not defined",
    "timeout": "did not finish in time",
    "crashed": "ended the Python process",
    "unreadable": "gave back something that is no value",
}


def _compare_errors(actual: Outcome, expected: Outcome) -> Difference | None:
    wanted = expected.failure
    assert wanted is not None
    found = actual.failure
    if found is None:
        return Difference(
            "no_error",
            f"returned {describe(actual.value)} where a {wanted.type} was asked for",
            yours=actual.value,
        )
    if found.kind != "raised" or found.type != wanted.type:
        return Difference(
            "other_error" if found.kind == "raised" else "failure",
            f"{_FAILED[found.kind]}{found.type} where a {wanted.type} was asked for",
        )
    return None


def _compare_values(
    yours: Any, expected: Any, tolerance: Tolerance, where: tuple[int, ...], parts: Sequence[str] = ()
) -> Difference | None:
    wanted = f"({', '.join(parts)})" if parts and isinstance(expected, tuple) else _wanted(expected)

    def differs(kind: str, message: str) -> Difference:
        return Difference(kind, message, where, yours, expected)

    if expected is ANYTHING:
        return None
    if yours is None and expected is not None:
        return differs("none", f"returned None where {wanted} was asked for")
    if isinstance(yours, Odd):
        return differs("odd", f"returned {describe(yours)} where {wanted} was asked for")
    if isinstance(expected, np.ndarray):
        return _compare_arrays(yours, expected, tolerance, where)
    if isinstance(expected, tuple | list):
        return _compare_sequences(yours, expected, tolerance, where, parts)
    if isinstance(yours, np.ndarray) and yours.ndim == 0:
        yours = yours.item()
    if isinstance(expected, bool | str) or expected is None:
        if type(yours) is not type(expected):
            return differs("type", f"returned {describe(yours)} where {wanted} was asked for")
        return None if yours == expected else differs("values", f"returned {yours!r}, expected {expected!r}")
    if type(yours) is not int and not (isinstance(expected, float) and type(yours) is float):
        return differs("type", f"returned {describe(yours)} where {wanted} was asked for")
    if isinstance(expected, int):
        return None if yours == expected else differs("values", f"returned {yours}, expected {expected}")
    return _compare_arrays(np.asarray(yours), np.asarray(expected), tolerance, where)


def _compare_sequences(
    yours: Any, expected: Any, tolerance: Tolerance, where: tuple[int, ...], parts: Sequence[str]
) -> Difference | None:
    wanted = f"({', '.join(parts)})" if parts else _wanted(expected)

    def differs(kind: str, message: str) -> Difference:
        return Difference(kind, message, where, yours, expected)

    if isinstance(yours, np.ndarray) and yours.ndim == 1 and all(map(_is_number, expected)):
        yours = tuple(yours.tolist())  # a few numbers may come as a small array
    if not isinstance(yours, tuple | list):
        return differs("type", f"returned {describe(yours)} where {wanted} was asked for")
    if len(yours) != len(expected):
        found = "1 value" if len(yours) == 1 else f"{len(yours)} values"
        named = f": {wanted}" if parts else ""
        return differs("length", f"returned {found} where {len(expected)} were asked for{named}")
    if all(type(item) is int for item in (*yours, *expected)):  # a pair is seen best as a whole
        same = tuple(yours) == tuple(expected)
        return None if same else differs("values", f"returned {yours}, expected {expected}")
    for index, (mine, wanted) in enumerate(zip(yours, expected, strict=True)):
        if difference := _compare_values(mine, wanted, tolerance, (*where, index)):
            return difference
    return None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _compare_arrays(
    yours: Any, expected: np.ndarray, tolerance: Tolerance, where: tuple[int, ...]
) -> Difference | None:
    def differs(kind: str, message: str) -> Difference:
        return Difference(kind, message, where, yours, expected)

    if expected.ndim == 0 and type(yours) in (int, float):
        yours = np.asarray(yours)
    if not isinstance(yours, np.ndarray):
        return differs("type", f"returned {describe(yours)} where {_wanted(expected)} was asked for")
    if yours.shape != expected.shape:
        return differs("shape", f"returned shape {yours.shape}, expected {expected.shape}")
    if yours.dtype.kind not in "iuf" and yours.dtype.kind != expected.dtype.kind:
        found = "complex numbers" if yours.dtype.kind == "c" else f"numbers of type {yours.dtype}"
        return differs("dtype", f"returned {found} where {expected.dtype} was asked for")
    finite = np.isfinite(expected)
    if not np.isfinite(yours[finite]).all():
        return differs("nan", "contains NaN or infinity where ordinary numbers were expected")
    if wrong_mask(yours, expected, tolerance).any():
        return differs("values", "the numbers differ")
    return None


def wrong_mask(yours: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """Boolean array: True where `yours` is outside the tolerance. Both arrays have the same shape."""
    if expected.size == 0:
        return np.zeros(expected.shape, dtype=bool)
    mine, wanted = yours.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(wanted)
    scale = max(1.0, float(np.abs(wanted[finite]).max())) if finite.any() else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(mine - wanted) <= tolerance.atol * scale + tolerance.rtol * np.abs(wanted)
        same = (mine == wanted) | (np.isnan(mine) & np.isnan(wanted))
    return ~np.where(finite, near, same)


def part_name(where: tuple[int, ...], parts: Sequence[str]) -> str:
    """A place inside a returned value in words: ``dx`` where `parts` names it, else ``value 2``."""
    first, *inner = where
    name = parts[first] if first < len(parts) else f"value {first + 1}"
    return name + "".join(f", number {index + 1}" for index in inner)


def agree(one: Any, other: Any, tolerance: Tolerance) -> bool:
    """True when two plain values count as equal."""
    return _compare_values(one, other, tolerance, ()) is None


def describe(value: Any) -> str:
    """A short description of a plain value, such as ``an array of shape (2, 2)``."""
    if isinstance(value, Odd):
        if value.type_name.startswith("array of dtype "):
            return f"an {value.type_name}"
        return _ODD.get(value.type_name, f"an object of type {value.type_name}")
    if isinstance(value, np.ndarray):
        return "a 0-d array" if value.ndim == 0 else f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        keys = ", ".join(f"{key[:40]!r}" for key in list(value)[:SHOWN_KEYS])
        return (
            f"a dict with the keys {keys}{', ...' if len(value) > SHOWN_KEYS else ''}"
            if value
            else "an empty dict"
        )
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, float) and len(repr(value)) > len("-0.123456"):
        return f"the float {value:.6g}"
    return f"the {type(value).__name__} {value!r}"


def in_general(value: Any) -> str:
    """What kind of value it is, without what differs from case to case: ``an array``, ``a float``."""
    if isinstance(value, np.ndarray):
        return "a 0-d array" if value.ndim == 0 else "an array"
    if isinstance(value, Odd | tuple | list | dict) or value is None:
        return describe(value)
    return (
        "a text"
        if isinstance(value, str)
        else f"{'an' if type(value) is int else 'a'} {type(value).__name__}"
    )


def wanted_in_general(expected: Any) -> str:
    """The same for what was asked for."""
    return "a number" if isinstance(expected, np.ndarray) and expected.ndim == 0 else in_general(expected)


def _wanted(expected: Any) -> str:
    """What was asked for: `describe`, but a reference's 0-d array is a number to whoever reads it."""
    return "a number" if isinstance(expected, np.ndarray) and expected.ndim == 0 else describe(expected)
