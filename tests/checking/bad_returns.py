"""What a layer may wrongly return, and what the report says of it. Used beside the sandbox and inside it.

A forward returns ``(out, cache)``, a backward ``(dx, dw)``; `BAD` has the code of a whole notebook, the
function that is checked, the points it deserves, and what the report must say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cs_utils.checking import ANYTHING, Case, Exercise, Group, case

NEEDED = """\
import numpy as np


class Always(np.ndarray):
    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def __eq__(self, other):
        return True
"""
FORWARD = "def scale_forward(x, w):\n    return x * w, (x, w)\n"
BACKWARD = "def scale_backward(dout, cache):\n    x, w = cache\n    return dout * w, (dout * x).sum(axis=0)\n"


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for rows in (2, 4):
        yield case(rng.standard_normal((rows, 3)), rng.standard_normal(3))


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for rows in (2, 4):
        yield case(*(rng.standard_normal(shape) for shape in ((rows, 3), (rows, 3), (3,))))


EXERCISES = {
    exercise.name: exercise
    for exercise in (
        Exercise(
            name="scale_forward",
            notebook="00_test",
            asked="out and cache",
            parts=("out", "cache"),
            reference=lambda x, w: (x * w, ANYTHING),
            groups=(Group("values", 2, _forward_cases),),
        ),
        Exercise(
            name="scale_backward",
            notebook="00_test",
            asked="dx and dw",
            parts=("dx", "dw"),
            probe="own_cache",
            documented=lambda x, w: (x, w),
            reference=lambda dout, x, w: (dout * w, (dout * x).sum(0)),
            groups=(Group("values", 2, _backward_cases),),
        ),
        Exercise(
            name="scaled_sum",
            notebook="00_test",
            asked="a number",
            reference=lambda x, w: (x * w).sum(),
            groups=(Group("values", 2, _forward_cases),),
        ),
    )
}


@dataclass(frozen=True)
class Bad:
    """One wrong notebook. said: texts that the report has, one after the other."""

    title: str
    exercise: str
    code: str
    said: tuple[str, ...]
    points: float = 0


def _forward(title: str, returned: str, *said: str) -> Bad:
    return Bad(title, "scale_forward", FORWARD.replace("x * w, (x, w)", returned), said)


def _backward(title: str, returned: str, *said: str) -> Bad:
    wrong = BACKWARD.replace("dout * w, (dout * x).sum(axis=0)", returned)
    return Bad(title, "scale_backward", FORWARD + wrong, said)


def _cache(title: str, cache: str) -> Bad:
    """The backward is right for the cache that the text prescribes; the forward makes another one."""
    code = FORWARD.replace("(x, w)\n", f"{cache}\n") + BACKWARD
    return Bad(title, "scale_backward", code, ("not with the one that your scale_forward makes",), 2)


def _error(title: str, text: str, *said: str) -> Bad:
    error = f"class Mine(Exception):\n    def __str__(self):\n        {text}\n"
    code = f"{error}def scale_forward(x, w):\n    raise Mine()\n"
    return Bad(title, "scale_forward", code, ("raised Mine in line 5", *said))


WHERE_ARRAY = "where an array of shape (2, 3) was asked for"
WHERE_PAIR = "where (out, cache) was asked for"

BAD = (
    _forward("one array for two values", "x * w", f"returned an array of shape (2, 3) {WHERE_PAIR}"),
    _forward("a tuple of one", "(x * w,)", "returned 1 value where 2 were asked for: (out, cache)"),
    _forward(
        "a tuple of three", "x * w, (x, w), 0", "returned 3 values where 2 were asked for: (out, cache)"
    ),
    _forward("a generator", "(part for part in (x * w, None))", f"returned a generator {WHERE_PAIR}"),
    _forward("a map", "map(abs, (x * w, x))", f"returned an object of type map {WHERE_PAIR}"),
    _forward("a dict", "{'out': x * w}", f"returned a dict with the keys 'out' {WHERE_PAIR}"),
    _forward("nothing", "None", f"returned None {WHERE_PAIR}"),
    _forward("None for the output", "None, (x, w)", "out is None", "Expected as out: shape (2, 3)"),
    _forward(
        "an array of dtype object",
        "(x * w).astype(object), 0",
        "out: returned an array of dtype object",
        WHERE_ARRAY,
    ),
    _forward("a masked array", "np.ma.masked_array(x * w), 0", "out: returned a masked array", WHERE_ARRAY),
    _forward(
        "a matrix", "np.matrix(x * w), 0", "out: returned an object of type numpy", "matrix", WHERE_ARRAY
    ),
    _forward("a list of lists", "(x * w).tolist(), 0", "out: returned a list where an array was asked for"),
    _forward(
        "a generator for the output", "(row for row in x * w), 0", "out: returned a generator", WHERE_ARRAY
    ),
    _forward("a function for the output", "(x * w).sum, 0", "out: returned an object of type", WHERE_ARRAY),
    _forward(
        "a scalar for an array",
        "(x * w).sum(), 0",
        "out: returned a float where an array was asked for",
        "Your function returned the float",
        WHERE_ARRAY,
        "Without `axis=`",
    ),
    _forward("words", "np.array(['a', 'b']), 0", "out: returned an array of dtype <U1", WHERE_ARRAY),
    _forward("NaN", "x * w * np.nan, 0", "out: contains NaN where ordinary numbers were asked for"),
    _forward(
        "infinity", "x * w + np.inf, 0", "contains NaN or infinity where ordinary numbers were expected"
    ),
    _forward("complex numbers", "x * w + 0j, 0", "out: returned complex numbers where float64 was asked for"),
    _forward(
        "truth values", "x * w > 0, 0", "out: returned numbers of type bool where float64 was asked for"
    ),
    _forward("the input itself", "x, 0", "out: returned x as it came: itself, a view or a copy of it"),
    _forward("a view of the input", "x[:], 0", "out: returned x as it came: itself, a view or a copy of it"),
    _forward(
        "another axis",
        "(x * w)[None], 0",
        "out: the values are right, but not the number of axes",
        "its shape is (1, 2, 3) where (2, 3) was asked for",
    ),
    _forward(
        "a flat array",
        "(x * w).ravel(), 0",
        "out: the values are right, but not the shape",
        "(6,) where (2, 3)",
    ),
    _forward(
        "an array that says it equals everything",
        "Always(x * w), 0",
        "out: returned an object of type",
        "Always",
        WHERE_ARRAY,
    ),
    _backward(
        "dw of shape (1, 3)",
        "dout * w, (dout * x).sum(axis=0, keepdims=True)",
        "dw: the values are right",
        "its shape is (1, 3) where (3,) was asked for",
    ),
    _backward(
        "a scalar for dw",
        "dout * w, (dout * x).sum()",
        "dw: returned a float where an array was asked for",
        "where an array of shape (3,) was asked for",
    ),
    _backward(
        "dx alone",
        "dout * w",
        "returned an array of shape (2, 3) where (dx, dw) was asked for",
        "`return dx, dw`",
    ),
    _backward("no dw", "dout * w, None", "dw is None"),
    _backward(
        "exchanged", "(dout * x).sum(axis=0), dout * w", "the returned values are right but in reverse order"
    ),
    _backward("the upstream gradient itself", "dout, (dout * x).sum(axis=0)", "dx: returned dout as it came"),
    _cache("no cache", "None"),
    _cache("a generator as cache", "(part for part in ())"),
    _cache("a function as cache", "print"),
    _cache("an array as cache", "x"),
    _cache("a cache that is too short", "(x,)"),
    _cache("a cache in another order", "(w, x)"),
    _cache("a cache that is used up", "iter(())"),
    _cache("text as cache", "'xw'"),
    _error("an exception whose text raises", "raise RuntimeError", "its message cannot be read"),
    _error("an exception whose text is a number", "return 5", "its message cannot be read"),
    _error("an exception whose text ends the process", "raise SystemExit", "its message cannot be read"),
    _error("an exception with an endless text", "return 'long' * 10**6", "longlong"),
    Bad(
        "a number with an axis",
        "scaled_sum",
        "def scaled_sum(x, w):\n    return (x * w).sum(keepdims=True)\n",
        ("the values are right", "its shape is (1, 1) where () was asked for"),
    ),
    Bad(
        "a complex number",
        "scaled_sum",
        "def scaled_sum(x, w):\n    return (x * w).sum() + 0j\n",
        ("returned a complex number where a number was asked for",),
    ),
    Bad(
        "a number too long to write",
        "scaled_sum",
        "def scaled_sum(x, w):\n    return 10**5000\n",
        ("int with 16610 bits where a number was asked for",),
    ),
)
