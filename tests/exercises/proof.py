"""What is proven about the exercises of every notebook; the tests of a notebook call these.

A proof takes the code that a student would write (a snippet of solutions/styles or solutions/mistakes), puts
it beside the solutions of the notebook's other exercises, and asks the real engine for a verdict.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, MappingProxyType
from typing import Any

import pytest

from autograder import source
from autograder.source import Snippet
from cs_utils.checking import Case, Exercise, Group, Outcome, probes
from cs_utils.checking.compare import compare
from cs_utils.checking.evaluate import NOTHING_RIGHT, Verdict, evaluate
from cs_utils.checking.exercise import Misconception
from cs_utils.checking.outcome import is_cell
from cs_utils.exercises import exercises, of_notebook

PUBLIC, *SECRET = SEEDS = (0, 1, 20261121, 2**40 + 3)


# --- what is there ----------------------------------------------------------------------------------------


def exercise(notebook: str, name: str) -> Exercise:
    return next(found for found in of_notebook(notebook) if found.name == name)


def styles(notebook: str) -> list[Snippet]:
    """Correct variants of the notebook's exercises."""
    return _snippets("styles", notebook)


def mistakes(notebook: str) -> list[Snippet]:
    """Known mistakes; the title of each is the name of a `Misconception`, or two joined by ``&&``."""
    return _snippets("mistakes", notebook)


def _snippets(folder: str, notebook: str) -> list[Snippet]:
    path = source.SOLUTIONS / folder / f"{notebook}.py"
    return source.snippets(path) if path.exists() else []


def parts_of(snippet: Snippet) -> tuple[str, ...]:
    """The names of the mistakes that a snippet makes, one or two."""
    return tuple(snippet.title.split(" && "))


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
    source.run_cell(snippet.source, f"{notebook} {snippet.exercise}: {snippet.title}", names)
    return names[snippet.exercise]


def judged(
    exercise: Exercise,
    function: Callable[..., Any],
    seed: int,
    beside: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Verdict:
    """The engine's verdict on a function, called in this process.

    A probe finds the solutions of the notebook under the names of the other exercises, unless the cell of the
    function defines these itself or they are given in `beside`.
    """
    is_snippet = isinstance(function, FunctionType) and is_cell(function.__code__.co_filename)
    own = function.__globals__ if is_snippet else {}
    names = {**solutions(exercise.notebook), **own, **beside, exercise.name: function}
    student = probes.find_in(names)

    def call(asked: Exercise, given: Case) -> Outcome:
        return call_one(asked, given, student)

    return evaluate(exercise, seed, call)


def call_one(asked: Exercise, given: Case, student: probes.Student) -> Outcome:
    return probes.run(
        given.probe, asked.name, student, given.args, given.kwargs, given.names or asked.parameters
    )


def failed(verdict: Verdict) -> set[str]:
    """Names of the groups that did not pass; not those that only wait for another one to pass."""
    return {
        group.group.name for group in verdict.groups if not group.passed and group.skipped != NOTHING_RIGHT
    }


def named(verdict: Verdict) -> dict[str, set[str]]:
    """For each failing group: the mistakes that the diagnosis names."""
    return {
        group.group.name: {found.title for found in group.findings if found.kind == "misconception"}
        for group in verdict.groups
        if group.group.name in failed(verdict)
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
    """A known mistake fails exactly the groups that it says it fails, and is named, alone, in each.

    Of two mistakes at once both are named in some group, and nothing else is named anywhere.
    """
    asked = exercise(notebook, snippet.exercise)
    known = [misconception(asked, name) for name in parts_of(snippet)]
    function = written(notebook, snippet)
    for seed in seeds:
        verdict = judged(asked, function, seed)
        if len(known) == 1:
            assert failed(verdict) == set(known[0].fails), f"seed {seed}"
            assert named(verdict) == {group: {known[0].name} for group in known[0].fails}, f"seed {seed}"
        else:
            assert set().union(*named(verdict).values()) == set(parts_of(snippet)), f"seed {seed}"


def proves_all_mistakes_written(notebook: str) -> None:
    """Every misconception has a snippet that makes the mistake, and no other."""
    snippets = mistakes(notebook)
    alone = {(snippet.exercise, snippet.title) for snippet in snippets if len(parts_of(snippet)) == 1}
    known = {(found.name, m.name) for found in of_notebook(notebook) for m in found.misconceptions}
    assert known - alone == set()
    assert {(snippet.exercise, part) for snippet in snippets for part in parts_of(snippet)} - known == set()


def proves_predictions_differ(exercise: Exercise, seeds: Iterable[int] = SEEDS) -> None:
    """No two misconceptions of an exercise look alike on all cases: the diagnosis can tell them apart.

    Where one is recognised instead of predicted, `proves_mistake` tells: in the run of its code it is named
    alone.
    """
    predicted = [(known, known.predict) for known in exercise.misconceptions if known.predict is not None]
    for seed in seeds:
        cases = [(group, given) for group in exercise.groups for given in exercise.cases(group, seed)]
        seen = [
            (known.name, [group.expected(predict, given) for group, given in cases])
            for known, predict in predicted
        ]
        for (one, ones), (other, others) in itertools.combinations(seen, 2):
            alike = all(
                compare(mine, theirs, exercise.tolerance) is None
                for mine, theirs in zip(ones, others, strict=True)
            )
            assert not alike, f"seed {seed}: {one!r} and {other!r} predict the same"


# --- a backward is not paid for its forward ---------------------------------------------------------------


def forward_of(exercise: Exercise) -> str:
    """The forward whose cache a backward gets; "" for an exercise that is called without a documented one."""
    return exercise.name.split("_backward")[0] + "_forward" if exercise.documented else ""


def home_of(name: str) -> str:
    """The notebook of an exercise: a backward's forward may be written in an earlier one."""
    return exercises()[name].notebook


def solved_forward(backward: Exercise) -> Callable[..., Any]:
    """The solution's forward for a backward."""
    name = forward_of(backward)
    return solutions(home_of(name))[name]


def proves_no_cascade(notebook: str, name: str, forward: Callable[..., Any], seed: int = PUBLIC) -> bool:
    """Beside a wrong forward the solution's backward gets all points, and a wrong cache is told.

    Returns whether the cache of this forward is wrong.
    """
    asked = exercise(notebook, name)
    backward = solutions(notebook)[name]
    beside = {forward_of(asked): forward}
    student = probes.find_in({**solutions(notebook), **beside})
    wrong = any(
        given.probe.startswith("own_cache") and not _accepted(asked, group, given, student)
        for group in asked.groups
        for given in asked.cases(group, seed)
    )
    verdict = judged(asked, backward, seed, beside)
    assert verdict.points == asked.points
    assert any(forward_of(asked) in remark for remark in verdict.remarks) or not wrong
    return wrong


def _accepted(asked: Exercise, group: Group, given: Case, student: probes.Student) -> bool:
    """Is what comes out of this one call right?"""
    outcome = call_one(asked, given, student)
    if (judge := asked.judge_of(group)) is not None:
        return outcome.failure is None and judge(given, outcome) is None
    assert asked.reference is not None
    return compare(outcome, group.expected(asked.reference, given), asked.tolerance) is None


def without_a_cache(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward like this one, whose cache is None."""

    def returns_none(*args: Any, **options: Any) -> Any:
        out, _, *others = forward(*args, **options)
        return (out, None, *others)

    return returns_none


def no_forward(*args: Any, **options: Any) -> Any:
    """A forward that always raises."""
    raise ValueError("this forward is broken")


# --- what earns nothing -----------------------------------------------------------------------------------


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
    known = {found.name: found for found in exercise.misconceptions}
    assert name in known, f"{exercise.name} has no misconception called {name!r}; it has: {sorted(known)}"
    return known[name]
