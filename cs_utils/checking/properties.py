"""Judges for properties, where there is no single right answer. What they are given may be any plain data."""

from __future__ import annotations

from typing import Any

from cs_utils.checking.exercise import Case
from cs_utils.checking.outcome import Outcome

_READ = {
    "map": "`map` calls its function once per element",
    "vectorize": "`np.vectorize` is a Python loop in disguise",
    "apply_along_axis": "`np.apply_along_axis` is a Python loop in disguise",
    "apply_over_axes": "`np.apply_over_axes` is a Python loop in disguise",
    "frompyfunc": "`np.frompyfunc` is a Python loop in disguise",
}


def no_loop_over(case: Case, outcome: Outcome) -> str | None:
    """Judge for the probe ``work_counted``: the lines run must not grow with any of the axes."""
    counted: Any = outcome.value
    axes = case.kwargs["axes"]
    try:
        base, *larger = (int(number) for number in counted["lines"])
        read = [str(word) for word in counted["read"]]
        grown = [(axis, lines) for axis, lines in zip(axes, larger, strict=True) if lines > base]
    except (TypeError, ValueError, KeyError):
        return "the lines that it runs could not be counted"
    if grown:
        seen = ", ".join(f"{lines} with more {axis}" for axis, lines in grown)
        return f"a Python loop: it runs {base} of your lines on a small input, but {seen}"
    told = [_READ[word] for word in read if word in _READ]
    return f"a Python loop: {told[0]}" if told else None
