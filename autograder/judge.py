"""Judge one submission. No student code runs in this process: it asks the sandbox, compares, and decides.

Points come from cases of the course's secret seed. What a student will read is made from the public cases,
asked of another fresh process, so that no secret input can travel through a student's own values or messages.
"""

from __future__ import annotations

import functools
import pickle
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import nbformat

from autograder.results import Cell, ExerciseGrade, Intake
from autograder.sandbox import CellTrouble, Run, Sandbox
from autograder.source import SOLUTIONS, answers, read
from cs_utils.checking import report
from cs_utils.checking.answers import canonical
from cs_utils.checking.diagnose import calls_failing
from cs_utils.checking.evaluate import Finding, GroupResult, Verdict, evaluate
from cs_utils.checking.exercise import Case, Exercise, Group, Question
from cs_utils.checking.handed_in import HandedIn
from cs_utils.checking.notebook import PUBLIC_SEED
from cs_utils.checking.outcome import Failure, Outcome
from cs_utils.exercises import exercises, files, questions

HIDDEN = Finding(
    "hidden",
    "passes the notebook's own cases, but not other cases of the same kind",
    "Does the function use its arguments everywhere, or does it fit only the numbers shown in the notebook?",
)


@dataclass(frozen=True)
class GradedCell:
    """A check cell of the released notebook: its grade id, the exercise or question, and its points."""

    grade_id: str
    name: str
    points: float


def graded_cells(notebook: nbformat.NotebookNode) -> tuple[GradedCell, ...]:
    """The check cells of a released notebook, in order (hand-graded cells are not among them)."""
    found = []
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader", {})
        if known.get("grade") and not known.get("solution"):
            grade_id = known["grade_id"]
            found.append(GradedCell(grade_id, grade_id.removeprefix("check_"), float(known["points"])))
    return tuple(found)


def right_answers(notebook: str) -> dict[str, tuple[str, ...]]:
    """Question -> the canonical texts of its right answers, from solutions/answers/."""
    entries = answers(read(SOLUTIONS / f"{notebook}.py"))
    return {
        name: tuple(str(canonical(answer)) for answer in (entry["answer"], *entry.get("also", [])))
        for name, entry in entries.items()
    }


@dataclass(frozen=True)
class Task:
    """What a submission is judged on: the graded cells, the answers of the questions, the secret seed."""

    graded: tuple[GradedCell, ...]
    answers: Mapping[str, tuple[str, ...]]
    seed: int

    def exercise(self, cell: GradedCell) -> Exercise | Question | HandedIn:
        known = exercises().get(cell.name) or questions().get(cell.name) or files().get(cell.name)
        if known is None:
            raise ValueError(f"{cell.grade_id}: there is no exercise or question called {cell.name!r}")
        return known


@dataclass
class Candidate:
    """One submission's code, kept answering: when its process is gone, a fresh one is started.

    A cell that hangs or ends the process is left out of the next process, and its exercise is lost. After
    `deadline` (monotonic seconds) nothing is started any more.
    """

    sandbox: Sandbox
    cells: Sequence[Cell]
    deadline: float
    lost: dict[str, Failure] = field(default_factory=dict)
    lost_probes: dict[tuple[str, str], Failure] = field(default_factory=dict)
    troubles: dict[str, Failure] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    held_back: bool = False  # a time limit was hit that might not have been, alone on the machine
    _run: Run | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._run is not None:
            self._run.close()

    def call(self, exercise: Exercise, given: Case) -> Outcome:
        """The outcome of one case; fatal when the exercise is lost."""
        if exercise.name in self.lost:
            return Outcome(failure=self.lost[exercise.name])
        asked = exercise.name, given.probe
        if asked in self.lost_probes:
            return Outcome(failure=self.lost_probes[asked])
        run = self._alive()
        if run is None:
            return Outcome(failure=self._out_of_time())
        allowed = min(exercise.seconds_per_call, self.sandbox.limits.call_seconds)
        seconds = min(allowed, max(0.1, self.deadline - time.monotonic()))
        names = given.names or exercise.parameters
        outcome = run.call(exercise.name, given.args, given.kwargs, names, seconds, given.probe)
        if outcome.failure is not None and outcome.failure.fatal:
            self.lost_probes[asked] = outcome.failure
            self.held_back |= run.held_back
            run.close()
            self._run = None
        return self._explained(exercise.name, outcome)

    def value(self, name: str) -> Outcome:
        """The value of a variable, for short questions."""
        if name in self.lost:
            return Outcome(failure=self.lost[name])
        run = self._alive()
        return self._explained(name, run.value(name)) if run else Outcome(failure=self._out_of_time())

    def _explained(self, name: str, outcome: Outcome) -> Outcome:
        """A function that is missing because its cell raised is reported by what the cell raised."""
        failure = outcome.failure
        if failure is not None and failure.kind == "missing" and name in self.troubles:
            return replace(outcome, failure=self.troubles[name])
        return outcome

    def _alive(self) -> Run | None:
        while self._run is None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                return None
            run = self.sandbox.start(self.cells, left)
            for trouble in run.troubles:
                if trouble.exercise is not None:
                    self.troubles.setdefault(trouble.exercise, trouble.failure)
            if run.dead is None:
                self._run = run
                return run
            run.close()
            self.held_back |= run.held_back
            self._leave_out(run.dead)
        return self._run

    def _leave_out(self, dead: CellTrouble) -> None:
        happened = "did not finish in time" if dead.failure.kind == "timeout" else "ended the process"
        self.remarks.append(f"cell {dead.number} {happened} ({dead.failure.message}) and was left out")
        if dead.exercise is not None:
            self.lost[dead.exercise] = dead.failure
        self.cells = [cell for index, cell in enumerate(self.cells) if index != dead.index]

    def _out_of_time(self) -> Failure:
        self.held_back = True
        return Failure("timeout", message="the time for the whole notebook was used up")


TRIED_SEEDS = 50


@functools.lru_cache(maxsize=256)
def unseen_seed(name: str, seed: int) -> int:
    """The first of `seed`, `seed` + 1, ... with which no group consists of the notebook's own cases alone.

    Where only few cases are possible, the secret ones may be just those that the notebook shows, and then a
    table of the visible answers would earn points. Some exercises know one case only: for these it is `seed`.
    """
    exercise = exercises()[name]
    visible = [_asked(exercise, group, PUBLIC_SEED) for group in exercise.groups]
    best, least = seed, len(visible) + 1
    for candidate in range(seed, seed + TRIED_SEEDS):
        groups = zip(exercise.groups, visible, strict=True)
        shown = sum(_asked(exercise, group, candidate) <= known for group, known in groups)
        if shown < least:
            best, least = candidate, shown
        if shown == 0:
            break
    return best


def _asked(exercise: Exercise, group: Group, seed: int) -> frozenset[bytes]:
    """The arguments of all cases of a group, as bytes that are equal for equal ones."""
    return frozenset(pickle.dumps((given.args, given.kwargs)) for given in exercise.cases(group, seed))


@dataclass(frozen=True)
class Judgement:
    """The grades of one submission and what the instructor should know about how its code behaved.

    held_back: a time limit was hit while the code did not have a processor to itself.
    """

    grades: tuple[ExerciseGrade, ...]
    remarks: tuple[str, ...] = ()
    held_back: bool = False


def judge(intake: Intake, task: Task, sandbox: Sandbox, seconds: float = 300.0) -> Judgement:
    """Grade every check cell of `task` on the code of `intake`.

    seconds: wall time for the whole submission; what is not answered by then gets no points.
    """
    deadline = time.monotonic() + seconds
    verdicts: dict[str, Verdict] = {}
    values: dict[str, Outcome] = {}
    tasks = [(cell.name, task.exercise(cell)) for cell in task.graded]
    with Candidate(sandbox, intake.cells, deadline) as candidate:
        # Variables first: feedback shows their values, and a function could put a secret input into one.
        for name, known in tasks:
            if isinstance(known, Question):
                values[name] = candidate.value(name)
        for name, known in tasks:
            if isinstance(known, Exercise):
                verdicts[name] = evaluate(known, unseen_seed(name, task.seed), candidate.call)
    shown, held_back = _public(intake, verdicts, sandbox, deadline)
    shown = {name: _with_suspects(verdict, intake, verdicts) for name, verdict in shown.items()}
    grades = []
    for cell in task.graded:
        known = task.exercise(cell)
        if isinstance(known, Question):
            grades.append(_question_grade(cell, known, values[cell.name], task.answers))
        elif isinstance(known, HandedIn):
            grades.append(file_grade(cell, not_scored(known)))
        else:
            grades.append(_exercise_grade(cell, verdicts[cell.name], shown.get(cell.name)))
    remarks = tuple(dict.fromkeys(candidate.remarks))
    return Judgement(tuple(grades), remarks, candidate.held_back or held_back)


def _public(
    intake: Intake, verdicts: Mapping[str, Verdict], sandbox: Sandbox, deadline: float
) -> tuple[dict[str, Verdict], bool]:
    """The public verdicts of the exercises that failed, asked of a process that saw no secret case.

    And whether that process was held back (see `Judgement`).
    """
    failed = [v.exercise for v in verdicts.values() if not v.passed and not v.lost and not v.untouched]
    if not failed:
        return {}, False
    with Candidate(sandbox, intake.cells, deadline) as candidate:
        shown = {exercise.name: evaluate(exercise, PUBLIC_SEED, candidate.call) for exercise in failed}
    return shown, candidate.held_back


def _with_suspects(public: Verdict, intake: Intake, verdicts: Mapping[str, Verdict]) -> Verdict:
    """`public` with a remark when the answer calls another exercise's function that failed."""
    words = set(re.findall(r"\w+", intake.answers.get(public.exercise.name, "")))
    suspects = {name for name, verdict in verdicts.items() if name in words and not verdict.passed}
    suspects.discard(public.exercise.name)
    if not suspects:
        return public
    return replace(public, remarks=(calls_failing(suspects), *public.remarks))


def merged(secret: Verdict, public: Verdict | None) -> Verdict:
    """A verdict with the secret one's points that shows nothing but public cases."""
    shown = {group.group.name: group for group in public.groups} if public else {}

    def showable(group: GroupResult) -> GroupResult:
        if group.passed:
            return replace(group, results=())
        known = shown.get(group.group.name)
        if known is not None and not known.passed:
            return known
        if secret.lost is not None or secret.untouched:
            return GroupResult(group.group, (), skipped=group.skipped or "not judged")
        return GroupResult(group.group, (), (HIDDEN,), skipped=HIDDEN.title)

    remarks = public.remarks if public else secret.remarks
    return replace(secret, groups=tuple(showable(group) for group in secret.groups), remarks=remarks)


def _exercise_grade(cell: GradedCell, secret: Verdict, public: Verdict | None) -> ExerciseGrade:
    verdict = merged(secret, public)
    findings = [finding.title for group in verdict.groups for finding in group.findings]
    lost = "" if verdict.lost is None else _lost_text(verdict.lost)
    if lost:
        findings.insert(0, lost)
    return ExerciseGrade(
        cell.grade_id,
        cell.name,
        min(secret.points, cell.points),
        cell.points,
        report.to_html(verdict),
        report.to_text(verdict),
        tuple(dict.fromkeys(findings)),
        lost,
    )


def _lost_text(failure: Failure) -> str:
    if failure.kind == "timeout":
        return "did not finish in time"
    if failure.kind == "unreadable":
        return f"gave back something that is no value: {failure.message}"
    return f"ended the Python process: {failure.message}".rstrip(": ")


def not_scored(known: HandedIn) -> Verdict:
    """Of a file that is handed in beside the notebook, as long as nobody with the labels has looked at it."""
    why = (f"{known.file} was not scored", "It is scored where the labels are.")
    return known.verdict([why] * len(known.groups))


def file_grade(cell: GradedCell, verdict: Verdict) -> ExerciseGrade:
    """The grade of a file that is handed in beside the notebook."""
    findings = [finding.title for group in verdict.groups for finding in group.findings]
    return ExerciseGrade(
        cell.grade_id,
        cell.name,
        min(verdict.points, cell.points),
        cell.points,
        report.to_html(verdict),
        report.to_text(verdict),
        tuple(dict.fromkeys(findings)),
    )


def _question_grade(
    cell: GradedCell, question: Question, outcome: Outcome, answers: Mapping[str, tuple[str, ...]]
) -> ExerciseGrade:
    from cs_utils.checking.answers import check_answer

    value: Any = outcome.value
    text = canonical(value)
    right = text is not None and text in answers[question.name]
    known = None if right else check_answer(question, value)[1]
    return ExerciseGrade(
        cell.grade_id,
        cell.name,
        cell.points if right else 0.0,
        cell.points,
        report.question_to_html(question, value, right, known),
        report.question_to_text(question, value, right, known),
        (known[0],) if known else (),
    )
