"""The committed notebooks: up to date, reproducible, valid, and free of outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3
from nbgrader.preprocessors import CheckCellMetadata
from nbgrader.utils import compute_checksum

from autograder import source
from cs_utils.checking.answers import check_answer
from cs_utils.exercises import questions

SOURCES = source.sources()
each_source = pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
each_name = pytest.mark.parametrize("name", [path.stem for path in SOURCES])


def test_the_committed_notebooks_and_hashes_are_up_to_date() -> None:
    assert source.stale_files() == [], "run `make notebooks` and commit the result"


def test_another_folder_and_hash_seed_give_the_same_bytes(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "quite" / "another"
    there.mkdir(parents=True)
    source.build_all(here / "out", here / "course", register=False)
    build = "from autograder.source import *; build_all(Path('out'), Path('course'), register=False)"
    environment = os.environ | {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC-5"}
    subprocess.run([sys.executable, "-c", build], cwd=there, env=environment, check=True, timeout=300)
    made = [path.relative_to(here / "out") for path in (here / "out").rglob("*.*")]
    assert len(made) == len(SOURCES) + 1  # and questions.json
    for path in made:
        assert (here / "out" / path).read_bytes() == (there / "out" / path).read_bytes(), path


@each_name
def test_a_notebook_is_valid_for_jupyter_and_nbgrader(name: str) -> None:
    path = source.NOTEBOOKS / name / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook, relax_add_props=False)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    MetadataValidatorV3().validate_nb(notebook)
    CheckCellMetadata().preprocess(notebook, {})
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            assert cell.metadata.nbgrader.schema_version == 3
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


@each_name
def test_a_notebook_has_no_outputs_and_names_its_release(name: str) -> None:
    notebook = source.released(name)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    assert notebook.metadata.convnet_course.notebook == name
    assert len(notebook.metadata.convnet_course.release) == 12
    assert notebook.metadata.kernelspec.name == "python3"


@each_source
def test_no_cell_scrolls(path: Path) -> None:
    long = source.long_cells(source.read(path))
    assert [(cell.number, source.code_lines(cell)) for cell in long] == []


@each_source
def test_the_gradebook_knows_every_graded_cell(path: Path, course: Path) -> None:
    parsed = source.read(path)
    source.build(parsed, course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        cells = gradebook.find_notebook(parsed.name, parsed.name).grade_cells
        registered = {cell.name: cell.max_score for cell in cells}
    checks = {f"check_{name}": points for name, points in parsed.points().items()}
    assert registered == checks | parsed.points("written")


@each_source
def test_the_solutions_of_short_questions_are_the_answers(path: Path) -> None:
    parsed = source.read(path)
    module = source.load(path)
    for name in source.answers(parsed):
        right, _ = check_answer(questions()[name], getattr(module, name))
        assert right, f"{name} = {getattr(module, name)!r} in {path.name}, but its answers say otherwise"
