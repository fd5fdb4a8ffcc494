"""One exercise, described once: reference, groups of cases with points, tolerance, misconceptions.

The same description serves the check in the notebook, the judge, the diagnosis and the proofs in the test
suite. References and predictions are written in PyTorch, so that no NumPy solution can be read off here.
"""

from __future__ import annotations

import functools
import inspect
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cs_utils.checking.outcome import ANYTHING, Failure, Outcome, describe_exception, plain

Judge = Callable[["Case", Outcome], "str | None"]


@dataclass(frozen=True, eq=False)
class Case:
    """One call: positional arguments and keyword options (NumPy arrays, numbers, strings, tuples, `Seed`).

    probe: how the function is exercised, a name of `cs_utils.checking.probes`; "" for a plain call.
    names: of the positional arguments, for reports; those of the exercise by default.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    probe: str = ""
    names: tuple[str, ...] = ()


def case(*args: Any, **kwargs: Any) -> Case:
    """The call ``f(*args, **kwargs)`` as a `Case`."""
    return Case(args, kwargs)


@dataclass(frozen=True, eq=False)
class Group:
    """Cases that test one idea, ordered from the smallest to the largest; all must pass for the points.

    name: the idea in the words of the notebook ("stride that leaves a remainder").
    make: draws the cases from a generator. The same seed gives the same cases.
    probe: how the function is exercised here ("" : as the exercise says; "call": by a plain call).
    lift: for a probe whose cases are not those of one call: turns the reference (or a prediction) into the
    function for such a case, as the probe does with the student's function.
    judge: decides this group instead of the reference.
    """

    name: str
    points: float
    make: Callable[[np.random.Generator], Iterable[Case]]
    probe: str = ""
    lift: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
    judge: Judge | None = None

    def expected(self, function: Callable[..., Any], given: Case) -> Outcome:
        """What `function`, a reference or a prediction, says about a case of this group."""
        return _expected(self, function, given)


@dataclass(frozen=True, eq=False)
class Misconception:
    """A known mistake and what it makes of a case.

    name: what the student did, as a sentence fragment ("the kernel is flipped").
    hint: one or two sentences that lead to the line to change without giving the solution.
    predict: same arguments as the reference; returns (or raises) what a student with that mistake gets.
    fails: names of the groups that the mistake fails; it passes all others. Proven in the test suite.
    recognise: instead of `predict`, where an outcome cannot be predicted (random functions): true when this
    outcome of this case shows just this mistake.
    """

    name: str
    hint: str
    predict: Callable[..., Any] | None = None
    fails: tuple[str, ...] = ()
    recognise: Callable[[Case, Outcome], bool] | None = None


@dataclass(frozen=True)
class Tolerance:
    """``|yours - expected| <= atol * max(1, max|expected|) + rtol * |expected|``, element by element.

    The defaults accept honest float32 arithmetic.
    """

    rtol: float = 1e-5
    atol: float = 2e-6


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function that the student writes.

    name: of the function. notebook: such as ``"01_correlation"``. asked: what it must return, as a phrase
    that completes "asked for ..." in reports. parts: names of the returned values where there are several,
    such as ``("dx", "dw")``. reference: PyTorch; gets tensors for arrays; may raise.
    also_accepted: further references whose results count as right. judge: instead of a reference, for
    exercises with many right answers: returns None when the outcome is right, else a sentence that says
    what is wrong with it (no case inputs in it). advice: group name -> sentence shown when that group is
    the first one to fail and nothing better is known; so it may build on the groups before it.
    probe: how the function is exercised, a name of `cs_utils.checking.probes`; "" for a plain call.
    documented: for a backward with the probe ``own_cache``: forward's arguments as tensors -> the cache that
    the text prescribes, a tuple. A case that is not right with the student's own cache is asked with it.
    arguments: names of the positional arguments, where no reference or prediction tells them.
    """

    name: str
    notebook: str
    asked: str
    groups: tuple[Group, ...]
    reference: Callable[..., Any] | None = None
    also_accepted: tuple[Callable[..., Any], ...] = ()
    judge: Judge | None = None
    misconceptions: tuple[Misconception, ...] = ()
    tolerance: Tolerance = Tolerance()
    advice: Mapping[str, str] = field(default_factory=dict)
    seconds_per_call: float = 10.0
    parts: tuple[str, ...] = ()
    probe: str = ""
    documented: Callable[..., tuple[Any, ...]] | None = None
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.reference is not None and self.judge is not None:
            raise ValueError(f"{self.name}: give either a reference or a judge")
        if self.reference is None and any(self.judge_of(group) is None for group in self.groups):
            raise ValueError(f"{self.name}: without a reference every group needs a judge")
        known = {group.name for group in self.groups}
        for misconception in self.misconceptions:
            if unknown := set(misconception.fails) - known:
                raise ValueError(f"{self.name}: {misconception.name!r} names unknown groups {unknown}")
            if not misconception.fails:
                raise ValueError(f"{self.name}: {misconception.name!r} must fail at least one group")
            if (misconception.predict is None) == (misconception.recognise is None):
                raise ValueError(f"{self.name}: {misconception.name!r} needs either predict or recognise")

    @property
    def points(self) -> float:
        return sum(group.points for group in self.groups)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional parameters, for reports."""
        predictions = (known.predict for known in self.misconceptions if known.predict)
        shown = None if self.arguments else self.reference or next(predictions, None)
        return tuple(inspect.signature(shown).parameters) if shown else self.arguments

    @property
    def forward(self) -> str:
        """Name of the forward whose cache a backward gets."""
        return self.name.split("_backward")[0] + "_forward"

    def judge_of(self, group: Group) -> Judge | None:
        """What decides a group instead of a reference, if anything does."""
        return group.judge or self.judge

    def cases(self, group: Group, seed: int) -> list[Case]:
        """The cases of `group` for `seed`; independent of the other groups and of Python's hash seed."""
        return list(_cases(self, group, seed))

    def with_documented_cache(self, given: Case) -> Case | None:
        """The plain call ``backward(dout, documented cache)`` for a case that is asked with the own cache."""
        if self.documented is None or not given.probe.startswith("own_cache"):
            return None
        return _with_documented_cache(self, given)


@dataclass(frozen=True)
class Question:
    """A variable that the student sets; checked against salted slow hashes, or by the judge's answers.

    wrong: known wrong answers, hash -> (name of the mistake, hint).
    """

    name: str
    notebook: str
    points: float
    salt: str
    right: tuple[str, ...]
    wrong: Mapping[str, tuple[str, str]] = field(default_factory=dict)


# A class is graded on the same cases, so cases and what PyTorch says of them are made once. Whoever calls a
# student's function hands out copies (`observe`), so these stay as they are.
@functools.lru_cache(maxsize=4096)
def _cases(exercise: Exercise, group: Group, seed: int) -> tuple[Case, ...]:
    key = zlib.crc32(f"{exercise.name}/{group.name}".encode())
    probe = group.probe or exercise.probe
    made = group.make(np.random.default_rng([seed, key]))
    return tuple(replace(given, probe="" if probe == "call" else probe) for given in made)


@functools.lru_cache(maxsize=1 << 15)
def _expected(group: Group, function: Callable[..., Any], given: Case) -> Outcome:
    return predict(group.lift(function) if group.lift else function, given)


@functools.lru_cache(maxsize=4096)
def _with_documented_cache(exercise: Exercise, given: Case) -> Case:
    assert exercise.documented is not None
    dout, *forward = given.args
    cache = predict(exercise.documented, Case(tuple(forward), given.kwargs))
    if cache.failure is not None:
        raise ValueError(f"{exercise.name}: the documented cache cannot be made: {cache.failure.message}")
    return Case((dout, cache.value), names=("dout", "cache"))


def predict(function: Callable[..., Any], given: Case) -> Outcome:
    """What a reference or a misconception says about a case, as an `Outcome` in NumPy."""
    try:
        value = function(*map(_to_torch, given.args), **{k: _to_torch(v) for k, v in given.kwargs.items()})
    except Exception as error:  # a predicted error is an outcome too
        return Outcome(failure=Failure("raised", type(error).__name__, describe_exception(error).message))
    return Outcome(value=_to_numpy(value))


def _to_torch(value: Any) -> Any:
    import torch

    if isinstance(value, np.ndarray):
        tensor = torch.from_numpy(np.array(value, order="C", copy=True))
        return tensor.double() if value.dtype.kind in "iuf" else tensor
    if isinstance(value, tuple | list):
        return type(value)(_to_torch(item) for item in value)
    return value


def _to_numpy(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().numpy().copy()
    if isinstance(value, tuple | list):
        return type(value)(_to_numpy(item) for item in value)
    return value if value is ANYTHING else plain(value)


MAX_PASTED = 64  # numbers of an array that a report writes out as code


def size_of(given: Case) -> int:
    """Number of array elements in a case; the smallest failing case is the one with the fewest."""
    return sum(array.size for array in _arrays((*given.args, *given.kwargs.values())))


def written_out(given: Case) -> bool:
    """Are all arrays of a case small enough for a report to write them out?"""
    return all(array.size <= MAX_PASTED for array in _arrays((*given.args, *given.kwargs.values())))


def _arrays(values: Sequence[Any]) -> Iterator[np.ndarray]:
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple | list):
            yield from _arrays(value)
