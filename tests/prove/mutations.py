"""Change the solutions in small ways, ask the checks, and publish what they catch in docs/mutations.md.

`make mutations` writes the page. A change is *caught* when it costs a point, and *told* when it costs none
but the report has a remark: an argument is changed in place, or a forward's cache is not what its backward
needs. What is neither is a survivor: it must be explained in survivors/NN_topic.toml, or a case is missing.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import source
from cs_utils.checking import Case, Exercise, Failure, Outcome, probes
from cs_utils.checking.evaluate import Verdict, evaluate
from cs_utils.exercises import of_notebook
from tests.exercises import proof
from tests.prove.changes import Change, changes

PAGE = source.ROOT / "docs" / "mutations.md"
SURVIVORS = Path(__file__).with_name("survivors")
SECONDS = 3

HEAD = """\
# Small changes of the solutions, and what the checks make of them

Written by `make mutations`; `make prove` fails when it is out of date. Every solution is changed in small
ways, one at a time: an operator, a number, an axis, a slice, two arguments or two sides exchanged, a sum for
a mean, a call or a statement left out. Each changed solution is checked as a student's would be, with the
public cases. It is *caught* when it loses points, and *told* when the report only remarks on it: an argument
is changed in place, or a forward's cache is not the one its backward needs. What is neither is listed with
the reason; most of these changes make no difference to any result.
"""


@dataclass(frozen=True)
class Survivor:
    """A change that no check notices. why: "" as long as nobody has explained it."""

    notebook: str
    exercise: str
    change: str
    why: str = ""


@dataclass(frozen=True)
class Run:
    """What became of the changes of one notebook's solutions."""

    notebook: str
    made: int
    told: int
    survivors: tuple[Survivor, ...]

    @property
    def share(self) -> float:
        """The share that is caught or told, of the changes that were made."""
        return 1 - len(self.survivors) / self.made


# --- one change -------------------------------------------------------------------------------------------


@functools.cache
def undiagnosed(exercise: Exercise) -> Exercise:
    """The same exercise without its known mistakes: points take less time than names."""
    return replace(exercise, misconceptions=())


def fate(notebook: str, exercise: Exercise, change: Change) -> str:
    """``caught``, ``told`` or ``survives``."""
    names = dict(proof.solutions(notebook))
    try:
        source.run_cell(change.code, f"changed {exercise.name}", names)
    except Exception:
        return "caught"
    verdict = _judged(exercise, names)
    if not verdict.passed:
        return "caught"
    if verdict.remarks:
        return "told"
    for other, backward in _backwards(exercise.name):
        verdict = _judged(backward, proof.solutions(other) | {exercise.name: names[exercise.name]})
        if not verdict.passed or verdict.remarks:
            return "told"
    return "survives"


def _backwards(forward: str) -> Iterator[tuple[str, Exercise]]:
    """The exercises of all notebooks that get the cache of this forward."""
    for notebook in notebooks():
        for exercise in of_notebook(notebook):
            if proof.forward_of(exercise) == forward:
                yield notebook, exercise


def _judged(exercise: Exercise, names: dict[str, Any]) -> Verdict:
    student = probes.find_in(names)

    def call(asked: Exercise, given: Case) -> Outcome:
        return _in_time(lambda: proof.call_one(asked, given, student))

    return evaluate(undiagnosed(exercise), proof.PUBLIC, call)


class _TooSlow(BaseException):
    """Not an `Exception`, so that no code swallows it."""


def _in_time(ask: Callable[[], Outcome]) -> Outcome:
    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        outcome = ask()
    except _TooSlow:
        return Outcome(failure=Failure("timeout"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if outcome.failure is not None and outcome.failure.type == _TooSlow.__name__:
        return Outcome(failure=Failure("timeout"))
    return outcome


# --- a notebook, and all of them --------------------------------------------------------------------------


def notebooks() -> list[str]:
    return [path.stem for path in source.sources()]


def run(notebook: str) -> Run:
    """Make every change of every solution of a notebook."""
    explained = {(known.exercise, known.change): known for known in survivors(notebook)}
    made = told = 0
    left: list[Survivor] = []
    code = source.solutions(notebook)
    for exercise in of_notebook(notebook):
        for change in changes(code[exercise.name]):
            made += 1
            found = fate(notebook, exercise, change)
            told += found == "told"
            if found == "survives":
                new = Survivor(notebook, exercise.name, change.text)
                left.append(explained.get((exercise.name, change.text), new))
    return Run(notebook, made, told, tuple(left))


def survivors(notebook: str) -> list[Survivor]:
    """The explained survivors of a notebook."""
    path = SURVIVORS / f"{notebook}.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        Survivor(notebook, exercise, change, known["why"])
        for exercise, found in entries.items()
        for known in found
        for change in known["changes"]
    ]


def page(runs: list[Run]) -> str:
    """docs/mutations.md."""
    lines = [
        HEAD,
        "| notebook | changes | caught | told | survive | share noticed |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    total = Run(
        "all",
        sum(one.made for one in runs),
        sum(one.told for one in runs),
        tuple(survivor for one in runs for survivor in one.survivors),
    )
    for one in (*runs, total):
        left = len(one.survivors)
        caught = one.made - one.told - left
        lines.append(f"| {one.notebook} | {one.made} | {caught} | {one.told} | {left} | {one.share:.1%} |")
    for one in runs:
        lines += ["", f"## {one.notebook}", ""]
        lines += [*_reasons(one.survivors)] or ["Nothing survives."]
    return "\n".join(lines) + "\n"


def _reasons(left: tuple[Survivor, ...]) -> Iterator[str]:
    """The survivors, those with the same reason together."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for survivor in left:
        reasons.setdefault((survivor.exercise, survivor.why), []).append(survivor.change)
    for (exercise, why), found in reasons.items():
        yield f"- `{exercise}`: {why or 'NOT EXPLAINED YET'}"
        yield from (f"    - `{change}`" for change in found)


def main(names: list[str]) -> int:
    """Write the page, or with names of notebooks show theirs; 1 when a survivor is not explained."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(run, names or notebooks()))
    if names:
        print(page(runs))
    else:
        PAGE.write_text(page(runs), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(source.ROOT)}")
    return int(any(not survivor.why for one in runs for survivor in one.survivors))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
