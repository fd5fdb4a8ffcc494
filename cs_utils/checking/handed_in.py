"""A file that is handed in beside a notebook, such as the predictions of notebook 12.

Nobody but the server knows the labels, so the notebook's `check` says what can be known there: whether the
file can be read and fits. The points are given when it is graded, by whoever has the labels: on the trusted
side `verdict` is called again with what was found out about every group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from cs_utils.checking.evaluate import UNWRITTEN, Finding, GroupResult, Verdict
from cs_utils.checking.exercise import Exercise, Group

LATER = "decided when the notebook is graded"
Complaint = tuple[str, str] | str | None


@dataclass(frozen=True)
class HandedIn:
    """A file and its points.

    name: of the answer, so that the graded cell is ``check_<name>``. file: its name, beside the notebook.
    groups: (what is asked, points), in the order in which they are found out. look: what can be said in the
    notebook: for each group None, where it passes, (what is wrong, what to do), or `LATER`; and remarks.
    """

    name: str
    notebook: str
    file: str
    groups: tuple[tuple[str, float], ...]
    look: Callable[[], tuple[Sequence[Complaint], Sequence[str]]]

    @property
    def points(self) -> float:
        return sum(points for _, points in self.groups)

    def verdict(
        self,
        complaints: Sequence[Complaint],
        remarks: Sequence[str] = (),
        *,
        untouched: bool = False,
    ) -> Verdict:
        """The points and what is said of each group: None where it passes, (what is wrong, what to do), or
        a text alone where that is not known: no points, and no reproach."""
        exercise = Exercise(
            self.name,
            self.notebook,
            f"the file {self.file}",
            tuple(Group(name, points, lambda rng: (), judge=lambda *_: None) for name, points in self.groups),
        )
        groups = [
            GroupResult(group, ())
            if found is None
            else GroupResult(group, (), skipped=found)
            if isinstance(found, str)
            else GroupResult(group, (), (Finding("handed in", *found),), skipped=found[0])
            for group, found in zip(exercise.groups, complaints, strict=True)
        ]
        return Verdict(exercise, tuple(groups), untouched=untouched, remarks=tuple(remarks))

    def seen_in_the_notebook(self, function: Any) -> Verdict:
        """What `check` says. function: the student's, which is not called: it may take an hour."""
        if is_stub(function):
            nothing = (f"{self.name} is not written yet", "")
            return self.verdict([nothing] * len(self.groups), untouched=True)
        return self.verdict(*self.look())


def is_stub(function: Any) -> bool:
    """Does it only say that it is not written yet, as in the released notebook?"""
    return isinstance(function, FunctionType) and function.__code__.co_names == (UNWRITTEN,)
