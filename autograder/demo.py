"""A sample class for `autograder demo` and the tests: real notebooks as real students hand them in.

Every sample is made from the released notebook and the code in solutions/, so it changes with the course.
"""

from __future__ import annotations

import ast
import copy
import csv
import functools
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import source
from autograder.course import Course, init

WRITTEN = """\
The kernel is *learned*: if the layer flipped it, training would find the flipped kernel instead, and
$y_i = \\sum_j x_{i+j} w_j$ would come out the same. Padding costs nothing to learn, only multiplications.
"""


@dataclass(frozen=True)
class Sample:
    """One student of the sample class.

    about: what this submission is like. make: assignment -> the bytes of the notebook handed in, or None when
    there is none.
    """

    student: str
    first_name: str
    last_name: str
    about: str
    make: Callable[[str], bytes | None]


def _bytes(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


@functools.cache
def _snippets(folder: str, assignment: str) -> tuple[source.Snippet, ...]:
    return tuple(source.snippets(source.SOLUTIONS / folder / f"{assignment}.py"))


def right(assignment: str) -> bytes | None:
    """Everything solved, the written questions answered."""
    written = source.read(source.SOLUTIONS / f"{assignment}.py").points("written")
    return _bytes(source.solve(source.solved(assignment), dict.fromkeys(written, WRITTEN)))


def in_style(number: int) -> Callable[[str], bytes | None]:
    """Every exercise in its style of this number (in the reference style where there are fewer)."""

    def make(assignment: str) -> bytes | None:
        answers = source.solutions(assignment)
        styles: dict[str, list[str]] = {}
        for snippet in _snippets("styles", assignment):
            styles.setdefault(snippet.exercise, []).append(snippet.source)
        answers.update({name: known[number] for name, known in styles.items() if number < len(known)})
        return _bytes(source.solve(source.released(assignment), answers))

    return make


def in_loops(assignment: str) -> bytes | None:
    return _bytes(source.solve(source.released(assignment), plain_loops(assignment)))


def plain_loops(assignment: str) -> dict[str, str]:
    """Every exercise in its plainest form: of the solution and the styles the one with the most loops."""
    answers = source.solutions(assignment)
    for snippet in _snippets("styles", assignment):
        if _loops(snippet.source) > _loops(answers[snippet.exercise]):
            answers[snippet.exercise] = snippet.source
    return answers


def _loops(code: str) -> int:
    return sum(
        isinstance(node, ast.For | ast.While | ast.comprehension) for node in ast.walk(ast.parse(code))
    )


def with_mistake(number: int) -> Callable[[str], bytes | None]:
    """Everything right but one exercise, which has a known mistake."""

    def make(assignment: str) -> bytes | None:
        alone = _lone_functions(assignment)
        mistakes = [known for known in _snippets("mistakes", assignment) if known.exercise in alone]
        mistake = mistakes[number * 7 % len(mistakes)]
        answers = source.solutions(assignment) | {mistake.exercise: mistake.source}
        return _bytes(source.solve(source.released(assignment), answers))

    return make


def _lone_functions(assignment: str) -> list[str]:
    """Names of the exercises that are functions no other answer calls: a mistake stays in its place."""
    answers = source.solutions(assignment)
    return [
        name
        for name, text in answers.items()
        if f"def {name}(" in text and sum(f"{name}(" in other for other in answers.values()) == 1
    ]


def half_done(assignment: str) -> bytes | None:
    answers = source.solutions(assignment)
    done = dict(itertools.islice(answers.items(), len(answers) // 2))
    return _bytes(source.solve(source.released(assignment), done))


def untouched(assignment: str) -> bytes | None:
    return _bytes(source.released(assignment))


def pasted(assignment: str) -> bytes | None:
    """Answers pasted into duplicated cells, the untouched originals left below them."""
    stubs = {_grade_id(cell): cell for cell in source.released(assignment).cells if _is_answer(cell)}
    notebook = source.solved(assignment)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if _is_answer(cell):
            cells.append(copy.deepcopy(stubs[_grade_id(cell)]))
    notebook.cells = cells
    for number, cell in enumerate(notebook.cells):
        cell.id = f"pasted-{number}"
    return _bytes(notebook)


def _is_answer(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.nbgrader.grade_id)


def stripped(assignment: str) -> bytes | None:
    """No metadata and no cell ids at all, as after some converters."""
    notebook = source.solved(assignment)
    notebook.metadata, notebook.nbformat_minor = {}, 4
    for cell in notebook.cells:
        cell.metadata = {}
        del cell["id"]
    return _bytes(notebook)


def from_colab(assignment: str) -> bytes | None:
    """As Colab saves it: its own metadata, no cell ids, new cells that nbgrader knows nothing of."""
    notebook = source.solved(assignment)
    notebook.nbformat_minor = 0
    notebook.metadata["colab"] = {"provenance": [], "toc_visible": True}
    for number, cell in enumerate(notebook.cells):
        del cell["id"]
        cell.metadata["id"] = f"Zx{number:010d}"
        cell.metadata["colab"] = {"base_uri": "https://localhost:8080/"}
    scratch = nbformat.v4.new_code_cell("print('just trying')", metadata={"id": "aaaabbbbcccc"})
    del scratch["id"]
    notebook.cells.insert(5, scratch)
    return _bytes(notebook)


def helpers_in_own_cells(assignment: str) -> bytes | None:
    """Every answer calls a helper that stands in a cell the student added above it."""
    notebook = source.solved(assignment)
    cells = []
    for cell in notebook.cells:
        name = _grade_id(cell) if _is_answer(cell) else ""
        if name and f"def {name}(" in cell.source:
            cells.append(nbformat.v4.new_code_cell(cell.source.replace(f"def {name}(", f"def my_{name}(")))
            cell.source = f"# exercise: {name}\n{name} = my_{name}"
        cells.append(cell)
    notebook.cells = cells
    return _bytes(notebook)


NOISE = "print('working'); warnings.warn('careful'); print('note', file=sys.stderr)"


def chatty(assignment: str) -> bytes | None:
    """Right, with prints and warnings in every cell and in every function."""
    answers = {}
    for name, text in source.solutions(assignment).items():
        wrapped = _wrapped(name, text, NOISE) if f"def {name}(" in text else text
        answers[name] = f"import sys, warnings\n{NOISE}\n{wrapped}"
    return _bytes(source.solve(source.released(assignment), answers))


def _wrapped(name: str, text: str, statement: str) -> str:
    """The function `name` of `text`, beginning with one more statement."""
    return (
        f"{text}\n\n_right_{name} = {name}\ndef {name}(*args, **kwargs):\n    {statement}\n"
        f"    return _right_{name}(*args, **kwargs)"
    )


def byte_order_mark(assignment: str) -> bytes | None:
    return b"\xef\xbb\xbf" + _bytes(source.solved(assignment))


def nothing(assignment: str) -> bytes | None:
    return None


def broken_json(assignment: str) -> bytes | None:
    whole = _bytes(source.solved(assignment))
    return whole[: len(whole) // 2]


def _sabotaged(assignment: str, statement: str) -> bytes | None:
    """Everything right, but one function begins with `statement`."""
    name = _lone_functions(assignment)[0]
    answer = _wrapped(name, source.solutions(assignment)[name], statement)
    return _bytes(source.solve(source.solved(assignment), {name: answer}))


def endless(assignment: str) -> bytes | None:
    return _sabotaged(assignment, "while True: pass")


def crash(assignment: str) -> bytes | None:
    return _sabotaged(assignment, "import os; os._exit(3)")


TAMPERING = """\
import builtins, sys
import numpy as np
import cs_utils
np.allclose = np.array_equal = lambda *args, **kwargs: True
np.testing.assert_allclose = lambda *args, **kwargs: None
cs_utils.check = check = lambda *args, **kwargs: 100.0
builtins.abs = lambda value: 0
sys.modules["torch"] = np
class Yes(np.ndarray):
    def __eq__(self, other):
        return np.ones(1, dtype=bool).all()
"""


def tampering(assignment: str) -> bytes | None:
    """No work done: patched helpers, answers that equal everything, check cells that return full points."""
    notebook = source.released(assignment)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(TAMPERING))
    for cell in notebook.cells:
        if _is_answer(cell):
            name = _grade_id(cell)
            cell.source = (
                f"# exercise: {name}\ndef {name}(*args, **kwargs):\n    return np.zeros(1).view(Yes)"
            )
        elif cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            cell.source = f"{cell.metadata.nbgrader.points}"
            cell.metadata["tags"] = ["skip-execution"]
    return _bytes(notebook)


CLASS: tuple[Sample, ...] = (
    Sample("ada", "Ada", "Byron", "all right", right),
    Sample("ben", "Ben", "Okafor", "all right, another style", in_style(0)),
    Sample("carla", "Carla", "Rossi", "all right, in plain loops", in_loops),
    Sample("dmitri", "Dmitri", "Volkov", "one known mistake", with_mistake(0)),
    Sample("elena", "Elena", "Petrova", "another known mistake", with_mistake(1)),
    Sample("farid", "Farid", "Haddad", "a third known mistake", with_mistake(2)),
    Sample("grace", "Grace", "Kim", "half done", half_done),
    Sample("hugo", "Hugo", "Martin", "untouched", untouched),
    Sample("ines", "Inês", "Costa", "pasted and duplicated cells", pasted),
    Sample("jun", "Jun", "Sato", "metadata stripped", stripped),
    Sample("kofi", "Kofi", "Mensah", "saved by Colab", from_colab),
    Sample("lena", "Lena", "Novak", "helpers in cells of her own", helpers_in_own_cells),
    Sample("mateo", "Mateo", "Garcia", "prints and warnings", chatty),
    Sample("nora", "Nora", "Hansen", "byte order mark", byte_order_mark),
    Sample("omar", "Omar", "Aziz", "no notebook", nothing),
    Sample("priya", "Priya", "Nair", "broken JSON", broken_json),
    Sample("quentin", "Quentin", "Dubois", "endless loop", endless),
    Sample("rosa", "Rosa", "Lopez", "crash", crash),
    Sample("sven", "Sven", "Berg", "tampers with the checks", tampering),
)

A_FEW = ("ada", "ben", "carla", "dmitri", "elena")
# Who hands in what: all of the class the notebooks on ideas, a few of them two on layers.
HANDED_IN: dict[str, tuple[str, ...]] = {
    "01_correlation": tuple(one.student for one in CLASS),
    "02_shapes": tuple(one.student for one in CLASS),
    "04_convolution_backward": A_FEW,
    "06_normalisation": A_FEW,
}


def make_class(folder: Path) -> Course:
    """A fresh course with the sample class on its roster and its submissions in place.

    Whatever `folder` holds is removed first; the command makes sure that it is an earlier demo's.
    """
    shutil.rmtree(folder, ignore_errors=True)
    course = init(folder)
    with open(folder / "roster.csv", "w", newline="", encoding="utf-8") as roster:
        rows = csv.writer(roster)
        rows.writerow(["id", "first_name", "last_name", "email"])
        rows.writerows([one.student, one.first_name, one.last_name, ""] for one in CLASS)
    for assignment, students in HANDED_IN.items():
        for one in CLASS:
            if one.student in students:
                hand_in(course, one, assignment)
    return course


def hand_in(course: Course, sample: Sample, assignment: str) -> None:
    """Put one sample's submission where a collected one would be."""
    path = course.submitted(sample.student, assignment) / f"{assignment}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = sample.make(assignment)
    if content is None:
        path.with_name("answers.pdf").write_bytes(b"%PDF-1.4\n")
    else:
        path.write_bytes(content)
