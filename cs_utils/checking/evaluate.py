"""Run an exercise's cases through a `call` and decide: `Verdict`.

This is the one place where points are made. It never runs student code itself: `call` does, in the
notebook's process for `check`, in a sandboxed process for the judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cs_utils.checking.compare import Difference, compare
from cs_utils.checking.exercise import Case, Exercise, Group, predict, size_of
from cs_utils.checking.outcome import Failure, Outcome

Call = Callable[[Exercise, Case], Outcome]
UNWRITTEN = "NotImplementedError"  # what the stub in a released notebook raises


@dataclass(frozen=True)
class CaseResult:
    """One call: what was asked, what was expected, what came back, and how they differ (None: they agree).

    expected is None for exercises decided by a judge of their own.
    """

    case: Case
    expected: Outcome | None
    actual: Outcome
    difference: Difference | None

    @property
    def passed(self) -> bool:
        return self.difference is None


@dataclass(frozen=True)
class Finding:
    """What is said about a failing group. `kind` is ``misconception`` or the kind of an observation.

    title: what happened, one line. hint: what to look at next ("" when nothing truthful can be added).
    """

    kind: str
    title: str
    hint: str = ""


@dataclass(frozen=True)
class GroupResult:
    """One group: `earned` is all of its points or none. `skipped` says why it was not run."""

    group: Group
    results: tuple[CaseResult, ...]
    findings: tuple[Finding, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        return not self.skipped and all(result.passed for result in self.results)

    @property
    def earned(self) -> float:
        return self.group.points if self.passed else 0.0

    @property
    def smallest_failure(self) -> CaseResult | None:
        failed = [result for result in self.results if not result.passed]
        return min(failed, key=lambda result: size_of(result.case)) if failed else None


@dataclass(frozen=True)
class Verdict:
    """The judgement on one exercise.

    lost: set when a crash or a hang cost the whole exercise. untouched: the stub is still there.
    remarks: facts that cost nothing (changed its input, printed a lot).
    """

    exercise: Exercise
    groups: tuple[GroupResult, ...]
    lost: Failure | None = None
    untouched: bool = False
    remarks: tuple[str, ...] = field(default=())

    @property
    def points(self) -> float:
        return 0.0 if self.lost else float(sum(group.earned for group in self.groups))

    @property
    def max_points(self) -> float:
        return float(self.exercise.points)

    @property
    def passed(self) -> bool:
        return self.lost is None and all(group.passed for group in self.groups)

    @property
    def smallest_failure(self) -> tuple[GroupResult, CaseResult] | None:
        """The failing case with the fewest numbers in it, over all groups."""
        failures = [
            (group, group.smallest_failure) for group in self.groups if group.smallest_failure is not None
        ]
        return min(failures, key=lambda pair: size_of(pair[1].case)) if failures else None  # type: ignore[return-value,union-attr]


def evaluate(exercise: Exercise, seed: int, call: Call) -> Verdict:
    """Ask `call` for every case of every group and decide.

    A fatal outcome (crash, hang, unreadable answer) ends the exercise: it is lost as a whole, and the
    caller's process is gone. Deterministic: same exercise, seed and outcomes give the same verdict.
    """
    from cs_utils.checking.diagnose import diagnose, remarks

    groups: list[GroupResult] = []
    lost: Failure | None = None
    for group in exercise.groups:
        if lost is not None:
            groups.append(GroupResult(group, (), skipped="not run: the process was gone"))
            continue
        results: list[CaseResult] = []
        for given in exercise.cases(group, seed):
            results.append(_run(exercise, given, call))
            failure = results[-1].actual.failure
            if failure is not None and failure.fatal:
                lost = failure
                break
            if failure is not None and (failure.kind == "missing" or failure.type == UNWRITTEN):
                break
        groups.append(GroupResult(group, tuple(results)))
    findings = diagnose(exercise, groups)
    groups = [replace(group, findings=found) for group, found in zip(groups, findings, strict=True)]
    return Verdict(
        exercise,
        tuple(groups),
        lost,
        untouched=lost is None and all(_is_stub(exercise, group) for group in groups),
        remarks=tuple(remarks(exercise, groups)),
    )


def _run(exercise: Exercise, given: Case, call: Call) -> CaseResult:
    actual = call(exercise, given)
    if exercise.judge is not None:
        if actual.failure is not None:
            return CaseResult(given, None, actual, compare(actual, Outcome(), exercise.tolerance))
        complaint = exercise.judge(given, actual)
        difference = None if complaint is None else Difference("judged", complaint)
        return CaseResult(given, None, actual, difference)
    assert exercise.reference is not None
    expected = predict(exercise.reference, given)
    difference = compare(actual, expected, exercise.tolerance)
    if difference is not None:
        for accepted in exercise.also_accepted:
            if compare(actual, predict(accepted, given), exercise.tolerance) is None:
                return CaseResult(given, expected, actual, None)
    return CaseResult(given, expected, actual, difference)


def _is_stub(exercise: Exercise, group: GroupResult) -> bool:
    """Is it the exercise's own stub that raised, and not that of a function it calls?"""
    failures = [result.actual.failure for result in group.results]
    return bool(failures) and all(
        failure is not None and failure.type == UNWRITTEN and failure.function in ("", exercise.name)
        for failure in failures
    )
