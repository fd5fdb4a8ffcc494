"""Change the solutions in small ways and see whether the checks notice. Run by ``make prove``.

Every mutant changes one operator, comparison, constant, index or call of one solution. A mutant that gets
full points is a survivor: either the change makes no difference to any right input, or a case is missing.
"""

from __future__ import annotations

import ast
import copy
import json
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from autograder import source
from cs_utils.checking import Case, Exercise, Outcome, observe
from cs_utils.checking.evaluate import evaluate
from cs_utils.exercises import of_notebook

OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.USub: (ast.UAdd,),
}
SECONDS = 5
CAUGHT_SHARE = 0.9


def mutants(code: str) -> Iterator[tuple[str, str]]:
    """(what was changed, changed code) for every small change of `code`."""
    tree = ast.parse(code)
    for index, node in enumerate(ast.walk(tree)):
        for changed, text in _changes(node):
            copied = copy.deepcopy(tree)
            target = next(found for at, found in enumerate(ast.walk(copied)) if at == index)
            target.__dict__.update(changed)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {text}", ast.unparse(ast.fix_missing_locations(copied))


def _changes(node: ast.AST) -> Iterator[tuple[dict[str, object], str]]:
    """Attributes to set on a copy of `node`, and the change in words."""
    for field in ("op",):
        operator = getattr(node, field, None)
        for other in OPERATORS.get(type(operator), ()):
            yield {field: other()}, f"{type(operator).__name__} -> {other.__name__}"
    if isinstance(node, ast.Compare):
        for other in OPERATORS.get(type(node.ops[0]), ()):
            yield {"ops": [other(), *node.ops[1:]]}, f"{type(node.ops[0]).__name__} -> {other.__name__}"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for delta in (-1, 1):
            yield {"value": node.value + delta}, f"{node.value} -> {node.value + delta}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        swapped = ast.Tuple(elts=node.slice.elts[::-1], ctx=ast.Load())
        yield {"slice": swapped}, "two indices exchanged"
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        yield {"args": [node.args[1], node.args[0], *node.args[2:]]}, "two arguments exchanged"


def caught(exercise: Exercise, code: str) -> bool:
    """Does this code lose a point?"""
    names: dict[str, object] = {"np": np}
    try:
        exec(code, names)
    except Exception:
        return True

    def call(known: Exercise, given: Case) -> Outcome:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            return observe(names[known.name], given.args, given.kwargs)  # type: ignore[arg-type]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def too_slow(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_slow)
    try:
        return not evaluate(exercise, 0, call).passed
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.prove
@pytest.mark.parametrize("notebook", [path.stem for path in source.sources()])
def test_the_checks_catch_small_changes_of_the_solutions(notebook):
    solutions = source.solutions(notebook)
    prelude = "\n".join(text for text in solutions.values() if "def " in text)
    total, survivors = 0, []
    for exercise in of_notebook(notebook):
        for change, code in mutants(solutions[exercise.name]):
            total += 1
            if not caught(exercise, f"{prelude}\n{code}"):
                survivors.append(f"{exercise.name}, {change}")
    print(json.dumps({"notebook": notebook, "mutants": total, "survivors": survivors}, indent=1))
    assert total > 50
    assert 1 - len(survivors) / total >= CAUGHT_SHARE
