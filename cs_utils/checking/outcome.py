"""What one call of a student's function gave: plain values or a failure, never the student's own objects.

`observe` is the only function of the engine that calls student code. It is used in the notebook and inside
the sandbox, so this file needs nothing but NumPy.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

FailureKind = Literal["raised", "missing", "timeout", "crashed", "unreadable"]
MAX_TEXT = 300
MAX_DEPTH = 4
MAX_ITEMS = 1000
_SHORT = {"g": np.float64, "G": np.complex128}  # what long doubles are turned into
MAX_BITS = 4096  # Python refuses to write out integers of more than 4300 digits


@dataclass(frozen=True)
class Failure:
    """Why there is no value.

    kind: ``raised`` (the function raised), ``missing`` (no such function), ``timeout``, ``crashed`` (the
    process died), or ``unreadable`` (what came back was no value at all).
    type, message: of the exception. line_number counts from 1 inside the cell; line is its source, and
    function the name of the function that it stands in.
    """

    kind: FailureKind
    type: str = ""
    message: str = ""
    line_number: int | None = None
    line: str = ""
    function: str = ""

    @property
    def fatal(self) -> bool:
        """True when the process that ran the student's code is gone."""
        return self.kind in ("timeout", "crashed", "unreadable")


@dataclass(frozen=True)
class Odd:
    """A value of a type that no exercise asks for; only its type's name is kept."""

    type_name: str


@dataclass(frozen=True)
class Seed:
    """Stands for a generator in a case: the student's function gets ``np.random.default_rng(value)``."""

    value: int


class _Anything:
    """The type of `ANYTHING`."""

    def __repr__(self) -> str:
        return "anything"


ANYTHING = _Anything()  # an expected value that whatever came back counts as equal to


@dataclass(frozen=True)
class Outcome:
    """The result of one call.

    value: plain data (exact ``numpy.ndarray``, ``int``, ``float``, ``bool``, ``str``, ``None``, or tuples,
    lists and string-keyed dicts of these), or `Odd`. failure: set when there is no value. changed: names of
    the arguments that the function changed in place. printed: characters written to stdout and stderr.
    seconds: wall time. Equality between outcomes is the business of `cs_utils.checking.compare`.
    """

    value: Any = None
    failure: Failure | None = None
    changed: tuple[str, ...] = ()
    printed: int = 0
    seconds: float = field(default=0.0, compare=False)


def plain(value: Any, depth: int = 0) -> Any:
    """Copy `value` into plain data; whatever is not plain becomes `Odd`. Never calls the value's methods.

    Only exact types count: a masked array or a subclass whose ``__eq__`` is always true is `Odd`.
    Long doubles become doubles here: their numbers beyond that must not look finite to a judge.
    """
    kind = type(value)
    if kind is int and value.bit_length() > MAX_BITS:
        return Odd(f"int with {value.bit_length()} bits")
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is np.ndarray:
        if value.dtype.names is None and value.dtype.kind in "biufc":
            with np.errstate(over="ignore"):
                return np.array(value, dtype=_SHORT.get(value.dtype.char), order="C", copy=True)
        return Odd(f"array of dtype {value.dtype}")
    if isinstance(value, np.generic) and kind.__module__ == "numpy":
        if value.dtype.kind == "f":
            return float(value)  # a long double's item() is another long double
        return value.item() if value.dtype.kind in "biu" else Odd(f"numpy.{kind.__name__}")
    if kind in (tuple, list) and depth < MAX_DEPTH and len(value) <= MAX_ITEMS:
        return kind(plain(item, depth + 1) for item in value)
    if kind is dict and depth < MAX_DEPTH and len(value) <= MAX_ITEMS and all(type(k) is str for k in value):
        return {key: plain(item, depth + 1) for key, item in value.items()}
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return Odd(f"{module}{kind.__qualname__}"[:MAX_TEXT])


def observe(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Sequence[str] = (),
) -> Outcome:
    """Call `function` on fresh copies of the arguments and say what happened.

    `names` are the names of the positional arguments, for reports. Output and warnings of the function are
    swallowed and counted. ``KeyboardInterrupt`` is passed on; every other exception becomes a `Failure`.
    """
    given = [_handed(argument) for argument in args]
    options = {key: _handed(argument) for key, argument in kwargs.items()}
    sink = _CountingSink()
    start = time.perf_counter()
    value: Any = None
    failure = None
    with _quiet(sink):
        try:
            value = plain(function(*given, **options))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a student's function may raise SystemExit or worse
            failure = describe_exception(error)
    seconds = time.perf_counter() - start
    return Outcome(
        value=value,
        failure=failure,
        changed=tuple(_changed(args, given, names))
        + tuple(_changed(kwargs.values(), options.values(), kwargs)),
        printed=sink.count,
        seconds=seconds,
    )


def _handed(argument: Any) -> Any:
    """What the function gets for an argument of a case: a copy, or a fresh generator for a `Seed`."""
    return np.random.default_rng(argument.value) if type(argument) is Seed else plain(argument)


def describe_exception(error: BaseException) -> Failure:
    """Type, message and the innermost line of the student's own code where `error` was raised."""
    message = "its message cannot be read"
    with contextlib.suppress(BaseException):  # an exception may have a broken __str__
        message = str(error)[:MAX_TEXT]
    return Failure("raised", type(error).__name__[:MAX_TEXT], message, *_student_line(error))


def _student_line(error: BaseException) -> tuple[int | None, str, str]:
    """The innermost traceback line in a notebook cell rather than in a library: number, source, function."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno, (error.text or "").strip()[:MAX_TEXT], ""
    found: tuple[int | None, str, str] = (None, "", "")
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_cell(code.co_filename):
            line = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            found = trace.tb_lineno, line[:MAX_TEXT], code.co_name[:MAX_TEXT]
        trace = trace.tb_next
    return found


def is_cell(filename: str) -> bool:
    """True for the file names that IPython, Colab and the sandbox give to notebook cells."""
    return "ipykernel_" in filename or "ipython-input" in filename or filename.startswith("<cell")


def _changed(before: Any, after: Any, names: Any) -> Iterator[str]:
    names = list(names)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if not _same(old, new):
            yield names[index] if index < len(names) else f"argument {index + 1}"


def _same(old: Any, new: Any) -> bool:
    """Is an argument, seen again after the call, what it was before?"""
    if isinstance(old, np.ndarray):
        return old.shape == new.shape and np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")
    if isinstance(old, Seed):
        return True  # a generator is there to be used
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return list(old) == list(new) and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return True


class _CountingSink(io.TextIOBase):
    """A stream that counts what is written and keeps nothing."""

    count = 0

    def write(self, text: str) -> int:
        self.count += len(text)
        return len(text)

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _quiet(sink: _CountingSink) -> Iterator[None]:
    stdout, stderr = sys.stdout, sys.stderr
    with warnings.catch_warnings(), np.errstate():
        warnings.simplefilter("ignore")
        sys.stdout = sys.stderr = sink
        try:
            yield
        finally:
            sys.stdout, sys.stderr = stdout, stderr
