"""What is proven about the exercises of every notebook; the tests of a notebook call these.

A proof takes the code that a student would write (a snippet of solutions/styles or solutions/mistakes), puts
it beside the solutions of the notebook's other exercises, and asks the real engine for a verdict.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from autograder import source
from autograder.source import Snippet
from cs_utils.checking import Case, Exercise, Outcome, probes
from cs_utils.checking.compare import compare
from cs_utils.checking.evaluate import Verdict, evaluate
from cs_utils.checking.exercise import Misconception, predict
from cs_utils.exercises import of_notebook

PUBLIC, *SECRET = SEEDS = (0, 1, 20261121, 2**40 + 3)


# --- what is there ----------------------------------------------------------------------------------------


def exercise(notebook: str, name: str) -> Exercise:
    return next(found for found in of_notebook(notebook) if found.name == name)


def styles(notebook: str) -> list[Snippet]:
    """Correct variants of the notebook's exercises."""
    return source.snippets(source.SOLUTIONS / "styles" / f"{notebook}.py")


def mistakes(notebook: str) -> list[Snippet]:
    """Known mistakes; the title of each is the name of a `Misconception`."""
    return source.snippets(source.SOLUTIONS / "mistakes" / f"{notebook}.py")


def each_exercise(notebook: str) -> Any:
    """Parametrise a test by ``name``, the name of an exercise."""
    return pytest.mark.parametrize("name", [found.name for found in of_notebook(notebook)])


# --- running ----------------------------------------------------------------------------------------------


@functools.cache
def solutions(notebook: str) -> dict[str, Any]:
    """The names that the solved notebook defines, experiments left out."""
    return vars(source.load(source.SOLUTIONS / f"{notebook}.py"))


def written(notebook: str, snippet: Snippet) -> Callable[..., Any]:
    """The function that a snippet defines, beside the solutions of the notebook's other exercises."""
    names = dict(solutions(notebook))
    exec(compile(snippet.source, f"<cell {snippet.exercise}: {snippet.title}>", "exec"), names)
    return names[snippet.exercise]


def judged(exercise: Exercise, function: Callable[..., Any], seed: int) -> Verdict:
    """The engine's verdict on a function, called in this process."""

    student = probes.find_in({**solutions(exercise.notebook), exercise.name: function})

    def call(asked: Exercise, given: Case) -> Outcome:
        names = given.names or asked.parameters
        return probes.run(given.probe, asked.name, student, given.args, given.kwargs, names)

    return evaluate(exercise, seed, call)


def failed(verdict: Verdict) -> set[str]:
    """Names of the groups that did not pass."""
    return {group.group.name for group in verdict.groups if not group.passed}


def named(verdict: Verdict) -> dict[str, set[str]]:
    """For each failing group: the mistakes that the diagnosis names."""
    return {
        group.group.name: {found.title for found in group.findings if found.kind == "misconception"}
        for group in verdict.groups
        if not group.passed
    }


# --- the proofs -------------------------------------------------------------------------------------------


def proves_full_points(
    exercise: Exercise, function: Callable[..., Any], seeds: Iterable[int] = SEEDS
) -> None:
    """A correct answer gets every point, with public and secret cases, and changes none of its inputs."""
    for seed in seeds:
        verdict = judged(exercise, function, seed)
        complaints = {group.group.name: group.findings for group in verdict.groups if not group.passed}
        assert not complaints, f"seed {seed}"
        assert verdict.points == exercise.points
        assert not verdict.remarks


def proves_mistake(notebook: str, snippet: Snippet, seeds: Iterable[int] = SEEDS) -> None:
    """A known mistake fails exactly the groups that it says it fails, and is named, alone, in each."""
    asked = exercise(notebook, snippet.exercise)
    known = next((m for m in asked.misconceptions if m.name == snippet.title), None)
    assert known is not None, f"{snippet.exercise} has no misconception called {snippet.title!r}"
    function = written(notebook, snippet)
    for seed in seeds:
        verdict = judged(asked, function, seed)
        assert failed(verdict) == set(known.fails), f"seed {seed}"
        assert named(verdict) == {group: {known.name} for group in known.fails}, f"seed {seed}"


def proves_all_mistakes_written(notebook: str) -> None:
    """Every misconception has a snippet that makes the mistake."""
    there = {(snippet.exercise, snippet.title) for snippet in mistakes(notebook)}
    known = {(found.name, m.name) for found in of_notebook(notebook) for m in found.misconceptions}
    assert known - there == set()
    assert there - known == set()


def proves_predictions_differ(exercise: Exercise, seeds: Iterable[int] = SEEDS) -> None:
    """No two misconceptions of an exercise look alike on all cases: the diagnosis can tell them apart."""
    for seed in seeds:
        cases = [given for group in exercise.groups for given in exercise.cases(group, seed)]
        seen = [
            (known, [predict(known.predict, given) for given in cases]) for known in exercise.misconceptions
        ]
        for (one, ones), (other, others) in itertools.combinations(seen, 2):
            alike = all(
                compare(mine, theirs, exercise.tolerance) is None
                for mine, theirs in zip(ones, others, strict=True)
            )
            assert not alike, f"seed {seed}: {one.name!r} and {other.name!r} predict the same"


def proves_stub_earns_nothing(exercise: Exercise) -> None:
    """An untouched answer gets no points and is called untouched, not wrong."""

    def stub(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"write {exercise.name}")

    verdict = judged(exercise, stub, PUBLIC)
    assert verdict.points == 0
    assert verdict.untouched


def proves_nothing_earns_nothing(exercise: Exercise) -> None:
    """A function that returns None gets no points for any group."""
    assert judged(exercise, lambda *args, **kwargs: None, PUBLIC).points == 0


def proves_small_first(exercise: Exercise) -> None:
    """The first case of the first group can be read at a glance."""
    from cs_utils.checking.exercise import size_of

    first = exercise.cases(exercise.groups[0], PUBLIC)[0]
    assert size_of(first) <= 30


def misconception(exercise: Exercise, name: str) -> Misconception:
    return next(known for known in exercise.misconceptions if known.name == name)
