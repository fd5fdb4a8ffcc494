"""Cell tags, magics, metadata, and nbgrader's own marks."""

from __future__ import annotations

import copy

import nbformat
from nbformat import NotebookNode

from tests.attacks.attack import TARGET, Attack, World, answer_cell, points
from tests.attacks.submissions.worker import WRONG, beside

HARMLESS = "it has no effect; all answers count"


def _each(change: object) -> object:
    def edit(notebook: NotebookNode, world: World) -> None:
        for cell in notebook.cells:
            change(cell)  # type: ignore[operator]

    return edit


def _tagged(*tags: str) -> object:
    return _each(lambda cell: cell.metadata.setdefault("tags", []).extend(tags))


def _full_marks(cell: NotebookNode) -> None:
    if "nbgrader" in cell.metadata:
        cell.metadata.nbgrader |= {"points": 1000, "locked": False, "max_score": 1000}


def _checks_print_points(notebook: NotebookNode, world: World) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            cell.source = "100.0"
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "100.0"})]


def _no_checks(notebook: NotebookNode, world: World) -> None:
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]


def _twice(notebook: NotebookNode, world: World) -> None:
    notebook.cells += copy.deepcopy(notebook.cells)


def _same_ids(cell: NotebookNode) -> None:
    cell["id"] = "same"
    if "nbgrader" in cell.metadata:
        cell.metadata.nbgrader.grade_id = "pad2d"


def _shuffled_ids(notebook: NotebookNode, world: World) -> None:
    """The answer cells of two exercises carry each other's marks."""
    one, other = (answer_cell(notebook, name) for name in (TARGET, "output_size"))
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = "output_size", TARGET


def _claims_check(notebook: NotebookNode, world: World) -> None:
    cell = nbformat.v4.new_code_cell("pad2d = lambda *_, **__: Yes()\n5.0")
    cell.metadata.nbgrader = answer_cell(notebook, "check_pad2d").metadata.nbgrader
    notebook.cells.insert(0, cell)


def _needed(notebook: NotebookNode, world: World) -> None:
    """Its own cell passes for the instructor's."""
    cell = nbformat.v4.new_code_cell("raise SystemExit")
    cell.metadata["tags"] = ["needed"]
    cell.metadata["nbgrader"] = {"grade": False, "solution": False, "locked": True, "grade_id": "needed"}
    notebook.cells.insert(0, cell)


def _no_metadata(notebook: NotebookNode, world: World) -> None:
    notebook.metadata = {}
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id", None)


def _as_text(notebook: NotebookNode, world: World) -> None:
    cell = answer_cell(notebook, TARGET)
    cell.cell_type = "markdown"
    cell.pop("outputs"), cell.pop("execution_count")


def _kernel(notebook: NotebookNode, world: World) -> None:
    notebook.metadata.kernelspec = {"name": "../../evil", "language": "bash", "display_name": "$(touch x)"}
    notebook.metadata.widgets = {"application/x": "y"}


def _other_notebook(notebook: NotebookNode, world: World) -> None:
    notebook.metadata.convnet_course = {"notebook": "../../secret", "release": "\x1b[31mred"}


SHELL = """
!touch {MARK} $HOME/{MARK}
!!rm -rf COURSE
found = !ls /
%cd /
%env PATH=/nowhere
%run evil.py
%load_ext evil
%pip install evil
%config Application.log_level = 0
%alias evil rm
%store
%sx touch MARK
"""

ATTACKS = (
    Attack(
        "skip-execution",
        "tags all cells so that nbconvert skips them",
        HARMLESS,
        edit=_tagged("skip-execution"),
        says="",
        worst=True,
    ),
    Attack(
        "skip-and-wrong",
        "leaves the work undone and tags the checks so that they are skipped",
        "no points without the right padding",
        {TARGET: WRONG},
        edit=_tagged("skip-execution", "raises-exception", "remove-cell"),
        loses=(TARGET,),
    ),
    Attack(
        "raises-exception",
        "tags all cells so that errors do not count, and raises some",
        "an error is an error",
        {TARGET: "1 / 0"},
        edit=_tagged("raises-exception"),
        loses=(TARGET,),
    ),
    Attack(
        "full-marks",
        "writes 1000 points into the metadata of every cell",
        "points come from the instructor's notebook",
        {TARGET: WRONG},
        edit=_each(_full_marks),
        loses=(TARGET,),
        worst=True,
    ),
    Attack(
        "checks-print-points",
        "writes 100.0 into every check",
        "what a check says is not read; the row says that checks were edited",
        {TARGET: WRONG},
        edit=_checks_print_points,
        loses=(TARGET,),
        says="edited",
    ),
    Attack("no-checks", "deletes all checks", HARMLESS, edit=_no_checks),
    Attack("everything-twice", "hands in every cell twice", HARMLESS, edit=_twice),
    Attack(
        "same-ids",
        "gives all cells one id and one mark",
        "answers are known by the functions they define, too",
        edit=_each(_same_ids),
    ),
    Attack(
        "shuffled-ids",
        "swaps the marks of two answers",
        "answers are known by the functions they define, too",
        edit=_shuffled_ids,
    ),
    Attack(
        "claims-check",
        "a cell of its own with the mark of a check",
        "a check does not run, whoever wrote it",
        edit=_claims_check,
    ),
    Attack(
        "claims-needed",
        "a cell of its own that passes for one of the instructor's",
        "the instructor's cells come from the instructor's notebook",
        edit=_needed,
    ),
    Attack(
        "no-metadata", "removes all metadata", "answers are known by their marker lines", edit=_no_metadata
    ),
    Attack("answer-as-text", "turns the cell of an answer into text", "it is taken as code", edit=_as_text),
    Attack(
        "strange-kernel", "asks for a kernel with a path and a command in its name", HARMLESS, edit=_kernel
    ),
    Attack(
        "other-notebook",
        "says that it is another notebook, with an escape sequence",
        "the row says so, in harmless letters",
        edit=_other_notebook,
        says="handed in as",
    ),
    beside(
        "shell",
        "runs shell commands and magics",
        SHELL,
        "nothing of it runs; the row says that there were shell commands",
        says="shell command",
        worst=True,
    ),
    beside(
        "bash-cell",
        "a whole cell for the shell",
        "%%bash\ntouch MARK ~/MARK; kill -9 -1",
        "it does not run; the row says so",
        says="%bash",
    ),
    beside("writefile", "writes a file by a magic", "%%writefile MARK\nimport os", HARMLESS),
    beside(
        "nested-magics",
        "magics in magics, ten thousand times",
        "%%time\n" + "%time " * 10_000 + "x = 1",
        HARMLESS,
    ),
    beside(
        "by-hand",
        "calls the shell by IPython's own functions",
        """
get_ipython().system("touch " + MARK)
get_ipython().getoutput("touch " + MARK)
get_ipython().run_cell_magic("bash", "", "touch " + MARK)
get_ipython().run_line_magic("timeit", "hole('')") if False else None
""",
        "nothing of it runs; the row says that there were shell commands",
        says="shell command",
    ),
    beside(
        "transformers",
        "changes how IPython reads the cells that follow",
        """
try:
    from IPython.core.inputtransformer2 import TransformerManager
    TransformerManager.transform_cell = lambda self, cell: "pad2d = None"
    get_ipython().input_transformers_cleanup = [lambda lines: ["pad2d = None"]]
except Exception: pass
""",
        "cells are read elsewhere",
    ),
    Attack(
        "future-annotations",
        "tries to change how the cells that follow are compiled",
        HARMLESS,
        first=["from __future__ import annotations, barry_as_FLUFL"],
    ),
)
assert points()
