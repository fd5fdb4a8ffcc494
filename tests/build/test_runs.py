"""Every notebook runs top to bottom in a real kernel: solved for full points, untouched for none."""

from __future__ import annotations

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from autograder import source

each_name = pytest.mark.parametrize("name", [path.stem for path in source.sources()])


def run(notebook: NotebookNode, name: str) -> NotebookNode:
    """Run all cells in a fresh kernel, in the notebook's folder; an error in a cell stops with it."""
    folder = str(source.NOTEBOOKS / name)
    return NotebookClient(notebook, timeout=120, resources={"metadata": {"path": folder}}).execute()


def stock_points(notebook: NotebookNode) -> dict[str, tuple[float, float]]:
    """(points, maximum) of every check cell by the rules of stock ``nbgrader autograde``."""
    checks = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    return {cell.metadata.nbgrader.grade_id: determine_grade(cell) for cell in checks}


def assert_nothing_on_stderr(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"{cell.source}\nwrote to stderr: {output.text}"


@each_name
def test_a_solved_notebook_runs_through_for_full_points(name: str) -> None:
    notebook = run(source.solved(name), name)
    assert {
        grade_id: points for grade_id, (points, most) in stock_points(notebook).items() if points != most
    } == {}
    assert_nothing_on_stderr(notebook)


@each_name
def test_an_untouched_notebook_runs_through_for_no_points(name: str) -> None:
    notebook = run(source.released(name), name)
    points = stock_points(notebook)
    assert points and {grade_id: given for grade_id, given in points.items() if given[0] != 0} == {}
    assert_nothing_on_stderr(notebook)
