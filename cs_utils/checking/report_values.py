"""Values as text for reports: safe strings, numbers with equal decimals, crops of arrays, calls to paste.

Everything a student's code produced passes through `safe` here; what comes out is printable, on one line
and short. The renderers still escape it for HTML.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_utils.checking import (
    report_leaderboard,
    report_networks,
    report_residual,
    report_torch,
    report_transfer,
)
from cs_utils.checking.compare import describe
from cs_utils.checking.exercise import MAX_PASTED, Case, Exercise
from cs_utils.checking.outcome import ANYTHING, Odd, Seed

MAX_SIDE = 8  # rows and columns of an array that a report shows
MAX_TEXT = 200
MAX_CALL = 600  # characters of one argument
MAX_ITEMS = 16  # of a tuple or list
CALL_WIDTH = 88
WRITTEN = {  # calls of probes
    **report_networks.WRITTEN,
    **report_torch.WRITTEN,
    **report_residual.WRITTEN,
    **report_transfer.WRITTEN,
    **report_leaderboard.WRITTEN,
}


def safe(text: Any, limit: int = MAX_TEXT) -> str:
    """`text` on one line: control characters, bidi overrides and lone surrogates shown as escapes."""
    text = str(text)
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:limit]
    )
    return shown[:limit] + ("…" if len(text) > limit or len(shown) > limit else "")


def describe_value(value: Any) -> str:
    """One line that says what `value` is: its shape and dtype, or the value itself when it is small."""
    if isinstance(value, Odd):
        return safe(describe(value))
    if isinstance(value, np.ndarray) and value.ndim:
        dtype = "" if value.dtype in (np.float64, np.int64) else f", {value.dtype}"
        return f"shape {value.shape}{dtype}" + ("" if value.size else ", no numbers in it")
    return safe(_inline(value))


def describe_parts(value: Any, parts: Sequence[str]) -> str:
    """The same for several values that have names: ``dx: shape (2, 3); dw: None``."""
    if not parts or not isinstance(value, tuple | list) or len(value) != len(parts):
        return describe_value(value)
    return "; ".join(f"{name}: {describe_value(item)}" for name, item in zip(parts, value, strict=True))


def _inline(value: Any) -> str:
    if value is ANYTHING:
        return "not looked at here"
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}" if value.ndim else number_format(value)(value[()])
    if isinstance(value, Odd):
        return f"<{value.type_name}>"
    if isinstance(value, Seed):
        return f"np.random.default_rng({value.value})"
    if isinstance(value, tuple | list):
        inside = ", ".join(_inline(item) for item in value[:MAX_ITEMS])
        inside += ", …" if len(value) > MAX_ITEMS else "," if len(value) == 1 and type(value) is tuple else ""
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        pairs = [f"{key!r}: {_inline(item)}" for key, item in list(value.items())[:MAX_ITEMS]]
        return "{" + ", ".join([*pairs, "…"] if len(value) > MAX_ITEMS else pairs) + "}"
    return value.__name__ if callable(value) else repr(value)


# Numbers


def number_format(*arrays: np.ndarray, apart: float = math.inf) -> Callable[[Any], str]:
    """A function that writes any number of `arrays`, all with the same decimals.

    apart: a difference that must stay visible between two of the numbers.
    """
    values = np.concatenate([np.asarray(array).ravel() for array in arrays])
    if values.dtype.kind not in "iuf":
        return lambda number: safe(f"{number:.4g}" if isinstance(number, complex) else number)
    if values.dtype.kind in "iu":
        return lambda number: str(int(number)) if abs(int(number)) < 10**12 else f"{int(number):.3e}"
    finite = values[np.isfinite(values)].astype(np.float64)
    spec = _spec(finite, apart)

    def write(number: Any) -> str:
        text = format(float(number), spec)
        return text.lstrip("-") if float(number) == 0 or set(text) <= set("-0.") else text

    return write


def _spec(finite: np.ndarray, apart: float) -> str:
    largest = float(np.abs(finite).max(initial=0.0))
    if largest >= 1e7 or 0 < largest < 1e-3:
        return ".3e"
    slack = 1e-9 * max(1.0, largest)
    exact = (d for d in range(3) if (np.abs(finite - finite.round(d)) <= slack).all())
    decimals = next(exact, 3)
    if 0 < apart < 1:
        decimals = max(decimals, min(8, math.ceil(-math.log10(apart))))
    return f".{decimals}f"


# Crops


@dataclass(frozen=True)
class Window:
    """The part of an array that is shown: of the 2-D slice ``array[lead]``, these rows and columns."""

    lead: tuple[int, ...]
    rows: range
    columns: range
    more: str

    def cut(self, array: np.ndarray) -> np.ndarray:
        """2-D array of the cells in the window; a 1-D array is one row."""
        plane = array[self.lead] if array.ndim > 1 else array[None]
        return plane[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]


def window(shape: tuple[int, ...], wrong: np.ndarray | None = None) -> Window:
    """The window of a non-empty array of `shape` (at least 1-D) that shows its first `wrong` cell."""
    first = 0 if wrong is None else int(np.argmax(wrong))
    shape = shape if len(shape) > 1 else (1, *shape)
    *lead, row, column = (int(index) for index in np.unravel_index(first, shape))
    rows, columns = _crop(shape[-2], row), _crop(shape[-1], column)
    hidden = [
        f"{count} more {word}{'s' if count > 1 else ''}"
        for count, word in (
            (math.prod(shape[:-2]) - 1, "slice"),
            (shape[-2] - len(rows), "row"),
            (shape[-1] - len(columns), "column"),
        )
        if count
    ]
    return Window(tuple(lead), rows, columns, f"… {', '.join(hidden)}" if hidden else "")


def _crop(length: int, at: int) -> range:
    start = 0 if at < MAX_SIDE else min(at - 1, length - MAX_SIDE)
    return range(start, min(start + MAX_SIDE, length))


# Calls


def write_call(exercise: Exercise, given: Case, documented: Case | None = None) -> str:
    """The call as a student would type it, after lines that make its small arrays; ready to be pasted.

    With a probe it is what the probe does: a backward gets the cache of the forward that is called before,
    or the one of `documented`, where that was handed over.
    """
    names = given.names or exercise.parameters
    lines: list[str] = []

    def argument(name: str, value: Any) -> str:
        if isinstance(value, np.ndarray) and value.ndim:
            lines.append(write_array(name, value))
            return name
        if given.probe == "function_from_text" and isinstance(value, str):
            return safe(value, MAX_CALL)  # the text is the function, so no quotes
        return safe(_inline(value), MAX_CALL)

    parts = [
        argument(names[index] if index < len(names) else f"argument{index + 1}", value)
        for index, value in enumerate(given.args)
    ]
    options = [f"{key}={argument(key, value)}" for key, value in given.kwargs.items()]
    if given.probe in WRITTEN:
        return "\n".join([*lines, *WRITTEN[given.probe](exercise.name, options, *parts)])
    parts += options
    if given.probe.endswith("not_contiguous") and documented is None:
        lines += _views([line.partition(" = ")[0] for line in lines if not line.startswith("#")])
    if given.probe.startswith("own_cache"):
        dout, *forward = parts
        if documented is None:
            lines.append(f"cache = {_written(exercise.forward, forward)}[1]")
        else:
            fields = [_field(*each, given, names, lines) for each in enumerate(documented.args[1])]
            cache = ", ".join(fields) if len(fields) > 1 else f"{fields[0]},"
            lines.append(f"cache = ({cache})  # as the text prescribes it")
        parts = [dout, "cache"]
    if given.probe == "training_then_evaluation":
        batches, *parts = parts
        step = _written(f"returned = {exercise.name}", ["batch", *parts, "training=True"])
        loop = f"{step}\nrunning_mean, running_var = returned[2:]"
        lines += [f"for batch in {batches}[:-1]:", textwrap.indent(loop, "    ")]
        parts = [f"{batches}[-1]", *parts, "training=False"]
    return "\n".join([*lines, _written(exercise.name, parts)])


def _field(index: int, value: Any, given: Case, names: Sequence[str], lines: list[str]) -> str:
    """A field of a prescribed cache: an argument by its name, or an array that a line more makes."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return safe(_inline(value), MAX_CALL)
    for name, argument in zip(names[1:], given.args[1:], strict=False):
        if isinstance(argument, np.ndarray) and np.array_equal(argument, value):
            return name
    lines.append(write_array(f"field_{index}", value))
    return f"field_{index}"


def _views(names: Sequence[str]) -> list[str]:
    """Lines that make the arrays of these names views which step through larger ones, as the probe does."""
    if len(names) < 2:
        return [f"{name} = np.repeat({name}, 2, axis=-1)[..., ::2]  # a view" for name in names]
    every = ", ".join(names)
    made = f"np.repeat(array, 2, axis=-1)[..., ::2] for array in [{every}]"
    return [f"{every} = (  # views\n    {made}\n)"]


def _written(name: str, parts: Sequence[str]) -> str:
    """A call on one line, or with a line for every argument."""
    line = f"{name}({', '.join(parts)})"
    if len(line) <= CALL_WIDTH:
        return line
    between = ",\n" + " " * (len(name) + 1)
    return f"{name}({between.join(parts)})"


def write_array(name: str, array: np.ndarray) -> str:
    """``name = np.array(...)`` with exact numbers, or a comment that describes a large array."""
    if array.size > MAX_PASTED:
        return f"# {name} is an array of {describe_value(array)}, too large to write out"
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool_) else f", dtype=np.{array.dtype.name}"
    if array.size == 0:
        return f"{name} = np.zeros({array.shape}{dtype})"
    start = f"{name} = np.array("
    with np.printoptions(nanstr="np.nan", infstr="np.inf", legacy=False):
        text = np.array2string(
            array,
            separator=", ",
            prefix=start,
            floatmode="unique",
            threshold=MAX_PASTED,
            max_line_width=CALL_WIDTH,
        )
    return start + re.sub(r"\n\s*\n", "\n", text) + f"{dtype})"


def plural(count: int, word: str) -> str:
    """``1 number``, ``3 numbers``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
