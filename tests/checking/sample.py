"""A small exercise with its mistakes, for testing the engine itself."""

from __future__ import annotations

import linecache
from collections.abc import Collection

import numpy as np
import torch
import torch.nn.functional as F

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, case, observe, probes
from cs_utils.checking.evaluate import Verdict, evaluate


def reference(x: torch.Tensor, k: torch.Tensor, *, stride: int = 1) -> torch.Tensor:
    return F.conv2d(x[None, None], k[None, None], stride=stride)[0, 0]


def flipped(x: torch.Tensor, k: torch.Tensor, *, stride: int = 1) -> torch.Tensor:
    return reference(x, k.flip(0, 1), stride=stride)


def stride_ignored(x: torch.Tensor, k: torch.Tensor, *, stride: int = 1) -> torch.Tensor:
    return reference(x, k)


def small(rng: np.random.Generator) -> list[Case]:
    return [
        case(rng.integers(-4, 5, (3, 4)).astype(float), rng.integers(1, 5, (2, 2)).astype(float)),
        case(rng.normal(size=(6, 7)), rng.normal(size=(2, 3))),
    ]


def strided(rng: np.random.Generator) -> list[Case]:
    return [case(rng.normal(size=(9, 8)), rng.normal(size=(2, 2)), stride=2)]


CORR = Exercise(
    name="corr2d",
    notebook="99_sample",
    asked="an array of shape (oh, ow)",
    reference=reference,
    groups=(Group("stride 1", 2, small), Group("stride 2", 1, strided)),
    misconceptions=(
        Misconception("the kernel is flipped", "No flip here.", flipped, ("stride 1", "stride 2")),
        Misconception("the stride is ignored", "Step by stride.", stride_ignored, ("stride 2",)),
    ),
    advice={"stride 2": "Windows start at multiples of the stride."},
)


def correct(x: np.ndarray, k: np.ndarray, *, stride: int = 1) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)[::stride, ::stride]
    return np.einsum("ijab,ab->ij", windows, k)


def run(function: object, exercise: Exercise = CORR, seed: int = 0) -> Verdict:
    def call(known: Exercise, given: Case) -> Outcome:
        return observe(function, given.args, given.kwargs, known.parameters)  # type: ignore[arg-type]

    return evaluate(exercise, seed, call)


def judged(exercise: Exercise, code: str, seed: int = 0, ready_made: Collection[str] = ()) -> Verdict:
    """The verdict on the functions of a cell."""
    name = f"<cell {abs(hash(code))}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    names: dict[str, object] = {"np": np}
    exec(compile(code, name, "exec"), names)
    student = probes.find_in(names)

    def call(asked: Exercise, given: Case) -> Outcome:
        shown = given.names or asked.parameters
        return probes.run(given.probe, asked.name, student, given.args, given.kwargs, shown)

    return evaluate(exercise, seed, call, ready_made=ready_made)
