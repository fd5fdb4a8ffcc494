"""How a function is exercised where one plain call does not do: a few lines run beside the student's code.

A probe is ``probe(student, name, *arguments, **options)``: ``student(other)`` gives the student's function
of that name. What a probe returns is only a claim; whatever earns points is recomputed and compared by the
judge. This file runs in the sandbox too, so it needs nothing but NumPy, and it holds no solution. The probes
for networks of layers are in `network_probes`, those for networks in PyTorch in `torch_probes`.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from cs_utils.checking import (
    leaderboard_probes,
    network_probes,
    residual_probes,
    torch_probes,
    transfer_probes,
)
from cs_utils.checking.outcome import Outcome, is_cell, observe

Student = Callable[[str], Callable[..., Any]]


class NoSuchFunction(LookupError):
    """The student has no function of that name."""


def find_in(names: Mapping[str, Any]) -> Student:
    """Look functions up in the student's namespace; what is not there raises `NoSuchFunction`."""

    def student(name: str) -> Callable[..., Any]:
        found = names.get(name)
        if not callable(found):
            raise NoSuchFunction(f"there is no function called {name}")
        return found

    return student


def run(
    probe: str,
    name: str,
    student: Student,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Sequence[str] = (),
) -> Outcome:
    """The outcome of one case: a plain call of the function `name`, or what the probe makes of it."""
    function = student(name) if probe == "" else partial(PROBES[probe], student, name)
    return observe(function, args, kwargs, names)


# --- layers that go forward and backward --------------------------------------------------------------------


def own_cache(student: Student, name: str, dout: np.ndarray, *args: Any, **options: Any) -> Any:
    """``backward(dout, cache)``, the cache being that of the student's own forward for these arguments."""
    forward_name = name.split("_backward")[0] + "_forward"
    returned = student(forward_name)(*args, **options)
    if not isinstance(returned, tuple | list) or len(returned) < 2:
        found = f"{len(returned)} values" if isinstance(returned, tuple | list) else type(returned).__name__
        raise TypeError(f"{forward_name} returned {found} where out and cache were asked for")
    return student(name)(dout, returned[1])


def not_contiguous(student: Student, name: str, *args: Any, **options: Any) -> Any:
    """A plain call, with every array a view that steps through a larger one."""
    return student(name)(*map(_stepping, args), **{key: _stepping(value) for key, value in options.items()})


def own_cache_not_contiguous(student: Student, name: str, *args: Any, **options: Any) -> Any:
    """`own_cache`, with every array a view that steps through a larger one."""
    return own_cache(student, name, *map(_stepping, args), **options)


def _stepping(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    return np.repeat(value, 2, axis=-1)[..., ::2]


# --- functions as arguments ---------------------------------------------------------------------------------


def function_from_text(student: Student, name: str, text: str, x: np.ndarray, **options: Any) -> Any:
    """A plain call whose first argument is the function that `text`, one of ours, writes down.

    In it `np` is NumPy and `x` the very array that is handed over: whoever nudges that one, nudges both.
    """
    return student(name)(eval(text, {"np": np, "x": x}), x, **options)


def own_cache_and_out(student: Student, name: str, dout: np.ndarray, *args: Any, **options: Any) -> Any:
    """`own_cache` with the forward's `out` in front: where a mask is random, `out` shows what was dropped."""
    outs = []

    def watched(other: str) -> Callable[..., Any]:
        function = student(other)

        def forward(*inputs: Any, **settings: Any) -> Any:
            returned = function(*inputs, **settings)
            outs.extend(returned[:1])
            return returned

        return function if other == name else forward

    gradient = own_cache(watched, name, dout, *args, **options)
    return outs[-1], gradient


def drawn_again(
    student: Student, name: str, *args: Any, rng: np.random.Generator, **options: Any
) -> dict[str, list[Any]]:
    """Two calls with generators in the same state, then more with the generator of the first call.

    Of a function that returns several values, the first one of each call.
    """
    generators = [rng, copy.deepcopy(rng), rng, rng, rng, rng]
    results = [
        student(name)(*copy.deepcopy(args), rng=generator, **options)  # a function may change its argument
        for generator in generators
    ]
    return {"calls": [result[0] if isinstance(result, tuple | list) else result for result in results]}


def training_then_evaluation(
    student: Student,
    name: str,
    batches: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    **options: Any,
) -> Any:
    """A batch norm: one training step for every batch but the last, which is evaluated.

    Each step gets the running statistics that the step before returned.
    """
    *training, last = batches
    running = [running_mean, running_var]
    for batch in training:
        returned = student(name)(batch, gamma, beta, *running, training=True, **options)
        if not isinstance(returned, tuple | list) or len(returned) != 4:
            raise TypeError(f"{name} did not return four values: out, cache, running_mean, running_var")
        running = list(returned[2:])
    return student(name)(last, gamma, beta, *running, training=False, **options)


# --- is it vectorised? ------------------------------------------------------------------------------------

DISGUISED = frozenset({"vectorize", "apply_along_axis", "apply_over_axes", "frompyfunc"})
_CONVERTERS = frozenset({"int", "float", "tuple", "list", "len"})  # `kh, kw = map(int, size)` is no loop


def work_counted(
    student: Student, name: str, calls: Sequence[Sequence[Any]], *, axes: Sequence[str], **options: Any
) -> dict[str, Any]:
    """How many lines of the student's cells each call runs, and which loops in disguise stand in the code.

    calls: the first is the base; each other is larger along the axis that stands in `axes`.
    """
    function = student(name)
    lines = [_lines_run(partial(function, *arguments, **options)) for arguments in calls]
    return {"lines": lines, "read": sorted(_disguised_loops(function))}


def _lines_run(call: Callable[[], Any]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not is_cell(frame.f_code.co_filename):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def _disguised_loops(function: Any) -> Iterator[str]:
    """What hides a Python loop from counting, in the function and in the functions of cells that it names."""
    for code in _sources(function):
        for node in ast.walk(code):
            if isinstance(node, ast.Attribute | ast.Name):
                word = node.attr if isinstance(node, ast.Attribute) else node.id
                if word in DISGUISED:
                    yield word
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "map":
                mapped = node.args[0] if node.args else None
                if not (isinstance(mapped, ast.Name) and mapped.id in _CONVERTERS):
                    yield "map"


def _sources(function: Any, seen: frozenset[str] = frozenset()) -> Iterator[ast.AST]:
    if not isinstance(function, FunctionType) or not is_cell(function.__code__.co_filename):
        return
    try:
        yield ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # made by exec, or a lambda in the middle of a line
        return
    for name in set(function.__code__.co_names) - seen - {function.__name__}:
        yield from _sources(function.__globals__.get(name), seen | {name, function.__name__})


PROBES: dict[str, Callable[..., Any]] = {
    "own_cache": own_cache,
    "not_contiguous": not_contiguous,
    "own_cache_not_contiguous": own_cache_not_contiguous,
    "own_cache_and_out": own_cache_and_out,
    "drawn_again": drawn_again,
    "function_from_text": function_from_text,
    "training_then_evaluation": training_then_evaluation,
    "work_counted": work_counted,
    **leaderboard_probes.PROBES,
    **network_probes.PROBES,
    **residual_probes.PROBES,
    **torch_probes.PROBES,
    **transfer_probes.PROBES,
}
