"""Run an exercise's cases through a `call` and decide: `Verdict`.

This is the one place where points are made. It never runs student code itself: `call` does, in the
notebook's process for `check`, in a sandboxed process for the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from cs_utils.checking.compare import Difference, compare, describe
from cs_utils.checking.exercise import Case, Exercise, Group, Judge, size_of, written_out
from cs_utils.checking.outcome import Failure, Outcome

Call = Callable[[Exercise, Case], Outcome]
UNWRITTEN = "NotImplementedError"  # what the stub in a released notebook raises
COUNTING = "work_counted"  # the probe of groups that are about speed and say nothing of the values
VALUELESS = (COUNTING, "net_unreached")  # probes that are content with whatever comes out
NOTHING_RIGHT = "counts as soon as another group is right"


@dataclass(frozen=True)
class CaseResult:
    """One call: what was asked, what was expected, what came back, and how they differ (None: they agree).

    expected is None where a judge decides. rescued: right with the documented cache only, not with the one
    that the student's own forward makes. documented: the call with that cache, where `actual` came from it.
    """

    case: Case
    expected: Outcome | None
    actual: Outcome
    difference: Difference | None
    rescued: bool = False
    documented: Case | None = None

    @property
    def passed(self) -> bool:
        return self.difference is None

    @property
    def shown_after(self) -> tuple[bool, bool, int]:
        """Of failing cases the least is shown: one with numbers that differ, written out, and small."""
        told = self.difference is not None and self.difference.kind == "judged"
        counted = self.case.probe == COUNTING
        return told or counted, not written_out(self.case), size_of(self.case)


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
    """One group: `earned` is all of its points or none. `skipped` says why it was not run or not counted."""

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
        return min(failed, key=lambda result: result.shown_after) if failed else None


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
        """The failing case to look at, over all groups: the smallest that can be shown in full."""
        failures = [(group, found) for group in self.groups if (found := group.smallest_failure) is not None]
        return min(failures, key=lambda pair: pair[1].shown_after) if failures else None


def evaluate(exercise: Exercise, seed: int, call: Call, *, ready_made: Collection[str] = ()) -> Verdict:
    """Ask `call` for every case of every group and decide.

    ready_made: names of functions that are there but were not written by the student.

    A fatal outcome (crash, hang, unreadable answer) ends the exercise: it is lost as a whole, and the
    caller's process is gone. Deterministic: same exercise, seed and outcomes give the same verdict.
    """
    from cs_utils.checking.diagnose import about_forward, diagnose, remarks

    groups: list[GroupResult] = []
    asker = _Asker(exercise, call)
    for group in exercise.groups:
        if asker.lost is not None:
            groups.append(GroupResult(group, (), skipped="not run: the process was gone"))
            continue
        results: list[CaseResult] = []
        for given in exercise.cases(group, seed):
            results.append(asker.ask(group, given))
            failure = results[-1].actual.failure
            if asker.lost is not None:
                break
            if failure is not None and (failure.kind == "missing" or failure.type == UNWRITTEN):
                break
        groups.append(GroupResult(group, tuple(results)))
    findings = diagnose(exercise, groups)
    groups = [replace(group, findings=found) for group, found in zip(groups, findings, strict=True)]
    groups = _for_right_values(groups)
    verdict = Verdict(
        exercise,
        tuple(groups),
        asker.lost,
        untouched=asker.lost is None and all(_is_stub(exercise, group) for group in groups),
        remarks=tuple(remarks(exercise, groups)),
    )
    if not (rescued := asker.rescued) or not verdict.passed:
        return verdict
    forward = _exercise_called(exercise.forward)
    made = asker.of_forward(forward, rescued)
    said = about_forward(exercise, forward, rescued, made, own=exercise.forward not in ready_made)
    return replace(verdict, remarks=(said, *verdict.remarks))


def _for_right_values(groups: list[GroupResult]) -> list[GroupResult]:
    """Running no loop is worth something where some value is right: ``return None`` runs none either.

    So are gradients that arrive everywhere, as they do in every network.
    """
    others = [group for group in groups if group.group.probe not in VALUELESS]
    if not others or any(group.passed for group in others):
        return groups
    return [
        replace(group, skipped=NOTHING_RIGHT) if group.passed and group not in others else group
        for group in groups
    ]


@dataclass
class _Asker:
    """Asks one case after another. `lost` is set when the process that answers is gone for good."""

    exercise: Exercise
    call: Call
    lost: Failure | None = None
    rescued: CaseResult | None = None  # the first one
    _own_cache_is_fatal: Failure | None = None

    def ask(self, group: Group, given: Case) -> CaseResult:
        """The result of one case, with the documented cache where the student's own does not do."""
        documented = self.exercise.with_documented_cache(given)
        if documented is None:
            return self._with_loss(_result(self.exercise, group, given, self.call(self.exercise, given)))
        own = self._with_own_cache(group, given)
        if own.passed:
            return own
        outcome = self.call(self.exercise, documented)
        other = self._with_loss(_result(self.exercise, group, given, outcome))
        if other.passed:
            other = replace(other, rescued=not _nothing_to_blame(own.actual), documented=documented)
            self.rescued = self.rescued or (other if other.rescued else None)
            return other
        if _tells_more(own.actual, other.actual, self.exercise.name):
            return own
        return other if self._same(own.actual, other.actual) else replace(other, documented=documented)

    def of_forward(self, forward: Exercise | None, result: CaseResult) -> Outcome:
        """What the student's own forward returns in a case of this backward."""
        if self._own_cache_is_fatal is not None:
            return Outcome(failure=self._own_cache_is_fatal)
        asked = forward or replace(self.exercise, name=self.exercise.forward)
        return self.call(asked, Case(result.case.args[1:], result.case.kwargs))

    def _same(self, one: Outcome, other: Outcome) -> bool:
        """Would a student see the same with either cache?"""
        if one.failure is not None:
            return one.failure == other.failure
        return other.failure is None and compare(one, other, self.exercise.tolerance) is None

    def _with_own_cache(self, group: Group, given: Case) -> CaseResult:
        """A forward that hangs or ends the process does so once; after that it is not called again."""
        if self._own_cache_is_fatal is not None:
            actual = Outcome(failure=self._own_cache_is_fatal)
        else:
            actual = self.call(self.exercise, given)
            if actual.failure is not None and actual.failure.fatal:
                self._own_cache_is_fatal = actual.failure
        return _result(self.exercise, group, given, actual)

    def _with_loss(self, result: CaseResult) -> CaseResult:
        failure = result.actual.failure
        if failure is not None and failure.fatal:
            self.lost = failure
        return result


def _exercise_called(name: str) -> Exercise | None:
    from cs_utils.exercises import exercises

    return exercises().get(name)


def _nothing_to_blame(own: Outcome) -> bool:
    """There is no forward to make a cache, so nothing is wrong with its cache."""
    return own.failure is not None and own.failure.type in (UNWRITTEN, "NoSuchFunction")


def _tells_more(own: Outcome, documented: Outcome, name: str) -> bool:
    """Which of two wrong answers is about the backward itself: that with the own cache?"""
    if documented.failure is None or documented.failure.fatal:
        return False
    return own.failure is None or (own.failure.function == name and not own.failure.fatal)


def _result(exercise: Exercise, group: Group, given: Case, actual: Outcome) -> CaseResult:
    if (judge := exercise.judge_of(group)) is not None:
        if actual.failure is not None:
            return CaseResult(given, None, actual, compare(actual, Outcome(), exercise.tolerance))
        complaint = _complaint(judge, given, actual)
        difference = None if complaint is None else Difference("judged", complaint)
        return CaseResult(given, None, actual, difference)
    assert exercise.reference is not None
    expected = group.expected(exercise.reference, given)
    difference = compare(actual, expected, exercise.tolerance, exercise.parts)
    if difference is not None:
        for accepted in exercise.also_accepted:
            if compare(actual, group.expected(accepted, given), exercise.tolerance) is None:
                return CaseResult(given, expected, actual, None)
    return CaseResult(given, expected, actual, difference)


def _complaint(judge: Judge, given: Case, actual: Outcome) -> str | None:
    """What the judge has to say. A value that it stumbles over is no right answer."""
    try:
        return judge(given, actual)
    except Exception:
        return f"returned {describe(actual.value)}, which is not what was asked for"


def _is_stub(exercise: Exercise, group: GroupResult) -> bool:
    """Is it the exercise's own stub that raised, and not that of a function it calls?"""
    failures = [result.actual.failure for result in group.results]
    return bool(failures) and all(
        failure is not None
        and failure.type == UNWRITTEN
        and failure.function in ("", exercise.name)
        and failure.message in ("", f"write {exercise.name}")  # PyTorch raises this error as well
        for failure in failures
    )
