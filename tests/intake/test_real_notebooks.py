"""The notebooks of the course themselves, as they come back from Jupyter, Colab and careless hands."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from autograder import source
from autograder.intake import take_in_bytes
from autograder.results import Intake

NOTEBOOKS = sorted(path.name for path in source.NOTEBOOKS.iterdir() if path.is_dir())


def as_json(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(source.solved(name)))


def take(name: str, notebook: dict[str, Any]) -> Intake:
    return take_in_bytes(json.dumps(notebook).encode(), source.released(name))


def as_colab_saves_it(notebook: dict[str, Any]) -> dict[str, Any]:
    """No nbformat ids, cells with Colab's own metadata only, outputs, and a cell that was pasted in."""
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell["metadata"] = {"id": f"aB{number}", "colab": {"base_uri": "https://localhost:8080/"}}
        cell["source"] = cell["source"].splitlines(keepends=True)
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    return notebook


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_solved_notebook_gives_every_answer_and_an_empty_receipt(name):
    intake = take(name, as_json(name))
    assert intake.problem is None and intake.notes == () and intake.added == ()
    assert set(intake.answers) == set(source.solutions(name))
    assert intake.cells[0].origin == "needed"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_as_saved_by_colab_the_same_cells_run(name):
    plain, colab = take(name, as_json(name)), take(name, as_colab_saves_it(as_json(name)))
    assert colab.cells == plain.cells
    assert colab.answers == plain.answers
    assert colab.notes == ()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_untouched_notebook_gives_its_stubs_and_no_written_answer(name):
    intake = take_in_bytes(nbformat.writes(source.released(name)).encode(), source.released(name))
    assert intake.notes == () and intake.written == {} and intake.added == ()
    assert len(intake.answers) == len(source.solutions(name))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_whole_notebook_pasted_in_twice_gives_the_solved_half(name):
    notebook, untouched = as_json(name), json.loads(json.dumps(source.released(name)))
    for cells in (notebook["cells"] + untouched["cells"], untouched["cells"] + notebook["cells"]):
        intake = take(name, {**notebook, "cells": cells})
        assert intake.answers == take(name, as_json(name)).answers


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_written_answer_arrives(name):
    notebook = as_json(name)
    graded = [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]
    written = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in graded if cell["cell_type"] == "markdown"
    }
    assert written
    for key, cell in written.items():
        cell["source"] += f"\n\nMy own words on {key}."
    for saved in (notebook, as_colab_saves_it(notebook)):
        arrived = take(name, saved).written
        assert arrived.keys() == written.keys()
        assert all(f"My own words on {key}." in arrived[key] for key in written)
