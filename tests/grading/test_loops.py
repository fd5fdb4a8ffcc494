"""A whole NumPy notebook of plain loops is graded in 20 seconds of its own computing."""

from __future__ import annotations

import nbformat
import pytest

from autograder import source
from autograder.demo import in_loops
from autograder.intake import take_in_bytes
from autograder.judge import Task, graded_cells, judge, right_answers
from autograder.sandbox import Limits, Sandbox, best_level
from autograder.work import runtime_of

SECONDS = 20  # of processor time; whatever else this machine does at the moment does not count


NUMPY = [path.stem for path in source.sources() if runtime_of(source.released(path.stem)) == "numpy"]


def test_the_notebooks_on_layers_are_among_them():
    assert {name[:2] for name in NUMPY} >= {"01", "02", "03", "04", "05", "06", "07"}


@pytest.mark.parametrize("notebook", NUMPY)
def test_a_notebook_of_loops_gets_all_points_in_time(notebook):
    instructor = source.to_notebook(source.read(source.SOLUTIONS / f"{notebook}.py"))
    submission = in_loops(notebook)
    assert submission is not None and submission != nbformat.writes(source.solved(notebook)).encode()
    intake = take_in_bytes(submission, instructor)
    task = Task(graded_cells(instructor), right_answers(notebook), seed=20261121)
    with Sandbox(best_level(), Limits(cpu_seconds=SECONDS)) as sandbox:
        judgement = judge(intake, task, sandbox)
    short = [(grade.name, grade.text) for grade in judgement.grades if grade.points < grade.max_points]
    assert not short and not judgement.remarks
