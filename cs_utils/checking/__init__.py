"""The checking engine: exercises described as data, and what can truthfully be said about an answer.

An `Exercise` is evaluated by `evaluate`, which makes the cases, asks `call` for each outcome, compares
with the PyTorch reference, and returns a `Verdict`. `call` runs in the notebook or, when a class is
graded, asks a sandboxed process; the engine itself never runs student code.
"""

from cs_utils.checking.exercise import (
    Case,
    Exercise,
    Group,
    Misconception,
    Question,
    Tolerance,
    case,
)
from cs_utils.checking.outcome import ANYTHING, Failure, Odd, Outcome, Seed, observe

__all__ = [
    "ANYTHING",
    "Case",
    "Exercise",
    "Failure",
    "Group",
    "Misconception",
    "Odd",
    "Outcome",
    "Question",
    "Seed",
    "Tolerance",
    "case",
    "observe",
]
