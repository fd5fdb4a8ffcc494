"""What an attack is, and how it is handed in. The attacks stand in `submissions/`, one file for each theme.

Every attack begins as an honest student's notebook with all answers right. The code of an attack knows more
than a student could: in it COURSE is the path of the course folder, MATE the id of a classmate, HOME the
home of whoever grades, RUNTIME the folder that its own imports come from, and MARK a word that is part of
the name of every file that it makes, so that what is left behind can be found.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import demo, source
from autograder.judge import graded_cells
from autograder.results import Status
from cs_utils.checking import Exercise
from cs_utils.exercises import of_notebook

NOTEBOOK = "02_shapes"
TARGET = "pad2d"  # what most attackers want points for without writing it; no other answer calls it


@dataclass(frozen=True)
class World:
    """Where an attack takes place; see above."""

    course: Path
    home: Path
    runtime: Path
    mate: str
    mark: str

    def told(self, code: str) -> str:
        """`code` with the words in capitals replaced by what they stand for."""
        words = {
            "COURSE": str(self.course),
            "HOME": str(self.home),
            "RUNTIME": str(self.runtime),
            "MATE": self.mate,
            "MARK": self.mark,
        }
        return re.sub(rf"\b({'|'.join(words)})\b", lambda word: repr(words[word[0]]), code)


@dataclass(frozen=True)
class Attack:
    """One hostile or broken submission.

    name: of the attack, and the id of its student. tries, happens: for readers of docs/attacks.md.
    answers: exercise -> code instead of the honest answer. cells: code cells added at the end. first: code
    cells added before all answers. edit: changes the notebook. raw: changes its bytes. put: hands the bytes
    in, in its own way, given the path that the notebook should have. zipped: it comes by `collect`, as the
    entries that this function writes into the archive (see `submissions.zips`).
    loses: exercises that earn nothing; part: exercises that earn these points; all others earn all.
    status: of the submission. says: words that the row of the class report has.
    worst: it is tried at the second level of isolation too.
    """

    name: str
    tries: str
    happens: str
    answers: Mapping[str, str] = field(default_factory=dict)
    cells: Sequence[str] = ()
    first: Sequence[str] = ()
    edit: Callable[[NotebookNode, World], object] | None = None
    raw: Callable[[bytes], bytes] | None = None
    put: Callable[[Path, bytes, World], object] | None = None
    zipped: Callable[[object, bytes], object] | None = None
    loses: Sequence[str] = ()
    part: Mapping[str, float] = field(default_factory=dict)
    status: Status = "graded"
    says: str = ""
    worst: bool = False

    def notebook(self, world: World) -> NotebookNode:
        """The notebook before `edit`."""
        answers = {name: _code(text, world) for name, text in self.answers.items()}
        notebook = source.solve(honest(), answers)
        new = [nbformat.v4.new_code_cell(_code(text, world)) for text in self.first]
        start = next(
            index for index, cell in enumerate(notebook.cells) if "needed" in cell.metadata.get("tags", [])
        )
        notebook.cells[start + 1 : start + 1] = new
        notebook.cells += [nbformat.v4.new_code_cell(_code(text, world)) for text in self.cells]
        return notebook

    def handed_in(self, world: World) -> bytes:
        """The bytes of the notebook."""
        notebook = self.notebook(world)
        if self.edit is not None:
            self.edit(notebook, world)
        data = json.dumps(notebook).encode()
        return data if self.raw is None else self.raw(data)

    def hand_in(self, path: Path, world: World) -> None:
        """Put the submission where it belongs; `path` is that of its notebook."""
        path.parent.mkdir(parents=True)
        if self.put is None:
            path.write_bytes(self.handed_in(world))
        else:
            self.put(path, self.handed_in(world), world)

    def earned(self, points: Mapping[str, float]) -> dict[str, float]:
        """Exercise -> the points that it is worth, of `points`."""
        if self.status != "graded":
            return dict.fromkeys(points, 0.0)
        assert {*self.loses, *self.part} <= points.keys(), self.name
        return {**points, **self.part, **dict.fromkeys(self.loses, 0.0)}


def _code(text: str, world: World) -> str:
    return world.told(textwrap.dedent(text).strip("\n"))


@functools.cache
def _honest() -> NotebookNode:
    return nbformat.reads((demo.right(NOTEBOOK) or b"").decode(), as_version=4)


def honest() -> NotebookNode:
    """An honest student's notebook: everything right, the written question answered."""
    return copy.deepcopy(_honest())


@functools.cache
def points() -> Mapping[str, float]:
    """Exercise -> its points in the notebook."""
    return {cell.name: cell.points for cell in graded_cells(source.released(NOTEBOOK))}


@functools.cache
def exercises() -> Mapping[str, Exercise]:
    """The functions that the notebook asks for, by name."""
    return {one.name: one for one in of_notebook(NOTEBOOK)}


def answer_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell of a notebook with this grade id."""
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)
