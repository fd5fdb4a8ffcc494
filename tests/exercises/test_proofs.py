"""Every exercise of every notebook: correct styles get full points, known mistakes are caught and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from autograder import source
from cs_utils.exercises import of_notebook
from tests.exercises import proof

NOTEBOOKS = [path.stem for path in source.sources()]
WITH_NETWORKS = {"08_lenet_numpy", "09_lenet_pytorch", "10_resnet", "11_transfer"}


def some(notebook):
    """Seeds for mistakes: where networks are run to predict them two every day, all in `make prove`."""
    return proof.SEEDS[:2] if notebook in WITH_NETWORKS else proof.SEEDS


def readable(of: Callable[[str], Any], notebook: str) -> Any:
    """A notebook that cannot be read fails in its own tests, not in the collection of everybody's."""
    try:
        return of(notebook)
    except Exception:
        return ()


EXERCISES = [(notebook, found) for notebook in NOTEBOOKS for found in readable(of_notebook, notebook)]

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS)
each_exercise = pytest.mark.parametrize(
    ("notebook", "name"), [(notebook, found.name) for notebook, found in EXERCISES]
)
each_backward = pytest.mark.parametrize(
    ("notebook", "name"), [(notebook, found.name) for notebook, found in EXERCISES if found.documented]
)


def each_snippet(of):
    found = [(notebook, snippet) for notebook in NOTEBOOKS for snippet in readable(of, notebook)]
    ids = [f"{notebook}-{snippet.exercise}: {snippet.title}" for notebook, snippet in found]
    return pytest.mark.parametrize(("notebook", "snippet"), found, ids=ids)


@each_notebook
def test_a_notebook_can_be_read(notebook):
    assert of_notebook(notebook) and proof.styles(notebook) and proof.mistakes(notebook)
    assert proof.solutions(notebook)


@each_exercise
def test_the_solution_gets_full_points(notebook, name):
    function = proof.solutions(notebook)[name]
    many = 8 if notebook in WITH_NETWORKS else 20  # networks take longer, and depend less on what is drawn
    proof.proves_full_points(proof.exercise(notebook, name), function, range(many))


@each_snippet(proof.styles)
def test_a_correct_style_gets_full_points(notebook, snippet):
    exercise = proof.exercise(notebook, snippet.exercise)
    proof.proves_full_points(exercise, proof.written(notebook, snippet))


@each_snippet(proof.mistakes)
def test_a_known_mistake_fails_its_groups_and_is_named(notebook, snippet):
    proof.proves_mistake(notebook, snippet, some(notebook))


@pytest.mark.prove
@pytest.mark.parametrize("notebook", sorted(WITH_NETWORKS))
def test_with_networks_too_everything_holds_for_more_seeds(notebook):
    for found in of_notebook(notebook):
        proof.proves_full_points(found, proof.solutions(notebook)[found.name], range(8, 20))
        proof.proves_predictions_differ(found)
    for snippet in proof.mistakes(notebook):
        proof.proves_mistake(notebook, snippet)


@each_notebook
def test_every_function_is_proven_in_at_least_three_styles(notebook):
    count = Counter(snippet.exercise for snippet in proof.styles(notebook))
    names = {found.name for found in of_notebook(notebook)}
    assert {name: count[name] for name in names if count[name] < 3} == {}


@each_notebook
def test_every_function_knows_at_least_three_mistakes(notebook):
    known = {found.name: len(found.misconceptions) for found in of_notebook(notebook)}
    assert {name: count for name, count in known.items() if count < 3} == {}


@each_notebook
def test_every_misconception_is_written_down_as_code(notebook):
    proof.proves_all_mistakes_written(notebook)


@each_exercise
def test_known_mistakes_can_be_told_apart(notebook, name):
    seeds = some(notebook)  # those whose predictions are made
    proof.proves_predictions_differ(proof.exercise(notebook, name), seeds)


@each_exercise
def test_an_untouched_answer_gets_nothing(notebook, name):
    proof.proves_stub_earns_nothing(proof.exercise(notebook, name))
    proof.proves_nothing_earns_nothing(proof.exercise(notebook, name))


@each_exercise
def test_the_first_case_is_readable_at_a_glance(notebook, name):
    proof.proves_small_first(proof.exercise(notebook, name))


@each_backward
def test_a_backward_beside_a_broken_forward_keeps_its_points_and_the_forward_is_told(notebook, name):
    forward = proof.solved_forward(proof.exercise(notebook, name))
    assert not proof.proves_no_cascade(notebook, name, forward)
    assert proof.proves_no_cascade(notebook, name, proof.without_a_cache(forward))
    assert proof.proves_no_cascade(notebook, name, proof.no_forward)


@each_backward
def test_a_backward_beside_a_forward_with_a_known_mistake_keeps_its_points(notebook, name):
    forward = proof.forward_of(proof.exercise(notebook, name))
    home = proof.home_of(forward)
    for snippet in proof.mistakes(home):
        if snippet.exercise == forward:
            proof.proves_no_cascade(notebook, name, proof.written(home, snippet))
