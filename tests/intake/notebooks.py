"""A small released notebook as the build makes it, and submissions made from it."""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.intake import take_in_bytes
from autograder.results import Intake

CORR2D = "def corr2d(x, k):\n    return x * k"
CORR1D = "def corr1d(x, k):\n    return x + k"
CORR2D_STUB = (
    '# exercise: corr2d\ndef corr2d(x, k):\n    """Docs."""\n    raise NotImplementedError("write corr2d")'
)
CORR1D_STUB = (
    '# exercise: corr1d\ndef corr1d(x, k):\n    """Docs."""\n    raise NotImplementedError("write corr1d")'
)
WRITTEN = "<!-- answer: why_flip -->\nYOUR ANSWER HERE"
WHY = "Because convolution turns the kernel around."


def _nbgrader(grade_id: str, *, grade: bool, solution: bool, points: float | None = None) -> dict[str, Any]:
    meta = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution}
    meta |= {"locked": not solution, "task": False}
    return meta | ({"points": points} if points is not None else {})


def _answer(name: str, source: str) -> Any:
    return new_code_cell(source, id=name, metadata={"nbgrader": _nbgrader(name, grade=False, solution=True)})


def _check(name: str, source: str) -> Any:
    meta = _nbgrader(f"check_{name}", grade=True, solution=False, points=4)
    return new_code_cell(source, id=f"check_{name}", metadata={"nbgrader": meta})


def released() -> nbformat.NotebookNode:
    """Cells: 1 title, 2 imports (needed), 3 demo, 4 corr2d, 5 its check, 6 corr1d, 7 its check, 8 question,
    9 size_out (short question), 10 its check, 11 question, 12 why_flip (written)."""
    why = _nbgrader("why_flip", grade=True, solution=True, points=3)
    return new_notebook(
        cells=[
            new_markdown_cell("# Correlation", id="title"),
            new_code_cell("import numpy as np", id="imports", metadata={"tags": ["needed"]}),
            new_code_cell("%matplotlib inline\nphoto = np.ones((3, 3))", id="demo"),
            _answer("corr2d", CORR2D_STUB),
            _check("corr2d", "check(corr2d)"),
            _answer("corr1d", CORR1D_STUB),
            _check("corr1d", "check(corr1d)"),
            new_markdown_cell("How many outputs?", id="how_many"),
            _answer("size_out", "# exercise: size_out\nsize_out = None  # your answer"),
            _check("size_out", "check(size_out=size_out)"),
            new_markdown_cell("Why is the kernel flipped?", id="why"),
            new_markdown_cell(WRITTEN, id="why_flip", metadata={"nbgrader": why}),
        ],
        metadata={"convnet_course": {"notebook": "01_correlation", "release": "r1"}},
    )


def solved() -> dict[str, Any]:
    """The same with every answer given, as plain JSON data."""
    notebook = json.loads(json.dumps(released()))
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["corr2d"]["source"] = "# exercise: corr2d\n" + CORR2D
    cells["corr1d"]["source"] = "# exercise: corr1d\n" + CORR1D
    cells["size_out"]["source"] = "# exercise: size_out\nsize_out = 7"
    cells["why_flip"]["source"] = f"<!-- answer: why_flip -->\n{WHY}"
    return notebook


def cell(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """The cell of that id."""
    return next(cell for cell in notebook["cells"] if cell.get("id") == name)


def added(source: Any, kind: str = "code") -> dict[str, Any]:
    """A cell as Colab adds one: no id, no nbgrader metadata."""
    return {"cell_type": kind, "metadata": {}, "source": source}


def take(notebook: Any) -> Intake:
    """Intake of JSON data, text or bytes."""
    if not isinstance(notebook, bytes | str):
        notebook = json.dumps(notebook)
    return take_in_bytes(
        notebook.encode() if isinstance(notebook, str) else notebook, copy.deepcopy(released())
    )


def messages(intake: Intake, kind: str | None = None) -> list[str]:
    return [note.message for note in intake.notes if kind in (None, note.kind)]


def namespace(intake: Intake) -> dict[str, str]:
    """Exercise -> the source that defines it last among the cells to run."""
    found = {}
    for item in intake.cells:
        for name in ("corr2d", "corr1d", "size_out"):
            if f"def {name}(" in item.source or f"{name} = " in item.source:
                found[name] = item.source
    return found


def keeps_all_answers(intake: Intake) -> bool:
    """True when every answer of `solved` arrived and nothing else would win over it."""
    last = namespace(intake)
    return (
        intake.problem is None
        and CORR2D in last.get("corr2d", "")
        and CORR1D in last.get("corr1d", "")
        and "size_out = 7" in last.get("size_out", "")
        and intake.written == {"why_flip": WHY}
        and {"corr2d", "corr1d", "size_out"} == set(intake.answers)
    )
