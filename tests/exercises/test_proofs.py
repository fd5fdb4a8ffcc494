"""Every exercise of every notebook: correct styles get full points, known mistakes are caught and named."""

from __future__ import annotations

from collections import Counter

import pytest

from autograder import source
from cs_utils.exercises import of_notebook
from tests.exercises import proof

NOTEBOOKS = [path.stem for path in source.sources()]

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS)
EXERCISES = [(notebook, found.name) for notebook in NOTEBOOKS for found in of_notebook(notebook)]
each_exercise = pytest.mark.parametrize(("notebook", "name"), EXERCISES)


def each_snippet(of):
    found = [(notebook, snippet) for notebook in NOTEBOOKS for snippet in of(notebook)]
    ids = [f"{notebook}-{snippet.exercise}: {snippet.title}" for notebook, snippet in found]
    return pytest.mark.parametrize(("notebook", "snippet"), found, ids=ids)


@each_exercise
def test_the_solution_gets_full_points(notebook, name):
    function = proof.solutions(notebook)[name]
    proof.proves_full_points(proof.exercise(notebook, name), function, range(20))


@each_snippet(proof.styles)
def test_a_correct_style_gets_full_points(notebook, snippet):
    exercise = proof.exercise(notebook, snippet.exercise)
    proof.proves_full_points(exercise, proof.written(notebook, snippet))


@each_snippet(proof.mistakes)
def test_a_known_mistake_fails_its_groups_and_is_named(notebook, snippet):
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
    proof.proves_predictions_differ(proof.exercise(notebook, name), range(8))


@each_exercise
def test_an_untouched_answer_gets_nothing(notebook, name):
    proof.proves_stub_earns_nothing(proof.exercise(notebook, name))
    proof.proves_nothing_earns_nothing(proof.exercise(notebook, name))


@each_exercise
def test_the_first_case_is_readable_at_a_glance(notebook, name):
    proof.proves_small_first(proof.exercise(notebook, name))
