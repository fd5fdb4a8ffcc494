"""One exercise, described once: reference, groups of cases with points, tolerance, misconceptions.

The same description serves the check in the notebook, the judge, the diagnosis and the proofs in the test
suite. References and predictions are written in PyTorch, so that no NumPy solution can be read off here.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cs_utils.checking.outcome import Failure, Outcome, describe_exception, plain


@dataclass(frozen=True)
class Case:
    """One call: positional arguments and keyword options (NumPy arrays, numbers, strings, tuples)."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def case(*args: Any, **kwargs: Any) -> Case:
    """The call ``f(*args, **kwargs)`` as a `Case`."""
    return Case(args, kwargs)


@dataclass(frozen=True)
class Group:
    """Cases that test one idea, ordered from the smallest to the largest; all must pass for the points.

    name: the idea in the words of the notebook ("stride that leaves a remainder").
    make: draws the cases from a generator. The same seed gives the same cases.
    """

    name: str
    points: float
    make: Callable[[np.random.Generator], Iterable[Case]]


@dataclass(frozen=True)
class Misconception:
    """A known mistake and what it makes of a case.

    name: what the student did, as a sentence fragment ("the kernel is flipped").
    hint: one or two sentences that lead to the line to change without giving the solution.
    predict: same arguments as the reference; returns (or raises) what a student with that mistake gets.
    fails: names of the groups that the mistake fails; it passes all others. Proven in the test suite.
    """

    name: str
    hint: str
    predict: Callable[..., Any]
    fails: tuple[str, ...]


@dataclass(frozen=True)
class Tolerance:
    """``|yours - expected| <= atol * max(1, max|expected|) + rtol * |expected|``, element by element.

    The defaults accept honest float32 arithmetic.
    """

    rtol: float = 1e-5
    atol: float = 2e-6


Judge = Callable[[Case, Outcome], str | None]


@dataclass(frozen=True)
class Exercise:
    """A function that the student writes.

    name: of the function. notebook: such as ``"01_correlation"``. asked: what it must return, as a phrase
    that completes "asked for ..." in reports. parts: names of the returned values where there are several,
    such as ``("dx", "dw")``. reference: PyTorch; gets tensors for arrays; may raise.
    also_accepted: further references whose results count as right. judge: instead of a reference, for
    exercises with many right answers: returns None when the outcome is right, else a sentence that says
    what is wrong with it (no case inputs in it). advice: group name -> sentence shown when that group
    fails and nothing better is known.
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

    def __post_init__(self) -> None:
        if (self.reference is None) == (self.judge is None):
            raise ValueError(f"{self.name}: give either a reference or a judge")
        known = {group.name for group in self.groups}
        for misconception in self.misconceptions:
            if unknown := set(misconception.fails) - known:
                raise ValueError(f"{self.name}: {misconception.name!r} names unknown groups {unknown}")
            if not misconception.fails:
                raise ValueError(f"{self.name}: {misconception.name!r} must fail at least one group")

    @property
    def points(self) -> float:
        return sum(group.points for group in self.groups)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional parameters, for reports."""
        shown = self.reference or (self.misconceptions[0].predict if self.misconceptions else None)
        return tuple(inspect.signature(shown).parameters) if shown else ()

    def cases(self, group: Group, seed: int) -> list[Case]:
        """The cases of `group` for `seed`; independent of the other groups and of Python's hash seed."""
        key = zlib.crc32(f"{self.name}/{group.name}".encode())
        return list(group.make(np.random.default_rng([seed, key])))


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
    return value


def _to_numpy(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().numpy().copy()
    if isinstance(value, tuple | list):
        return type(value)(_to_numpy(item) for item in value)
    return plain(value)


def size_of(given: Case) -> int:
    """Number of array elements in a case; the smallest failing case is the one with the fewest."""
    values: Sequence[Any] = [*given.args, *given.kwargs.values()]
    return sum(value.size for value in values if isinstance(value, np.ndarray))
