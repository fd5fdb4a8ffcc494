"""From a hostile .ipynb to the student's code, their written answers, and a receipt. Runs nothing of it.

`reading` turns bytes into cells, whatever state the file is in; `code` reads Python and IPython without
running them; `matching` decides which cell is whose. Nothing here raises because of a submission: what could
not be read is `Intake.problem`, what was put right is a `Note`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nbformat

from autograder.intake.matching import match, read_release
from autograder.intake.reading import Unreadable, parse, read_file
from autograder.results import Intake, Note

__all__ = ["take_in", "take_in_bytes"]


def take_in(path: Path, instructor: nbformat.NotebookNode) -> Intake:
    """Read the submission at `path` against the released notebook. Never raises for what is in the file."""
    try:
        data, notes = read_file(path)
    except Unreadable as problem:
        return Intake(problem=str(problem))
    return take_in_bytes(data, instructor, notes)


def take_in_bytes(data: bytes, instructor: nbformat.NotebookNode, notes: tuple[Note, ...] = ()) -> Intake:
    """The same for bytes that were read already; `notes` begin the receipt."""
    sha256 = hashlib.sha256(data).hexdigest()
    released = read_release(instructor)  # before anything hostile is read
    try:
        notebook = parse(data)
        return match(notebook, released, sha256=sha256, notes=notes)
    except Unreadable as problem:
        return Intake(problem=str(problem), sha256=sha256)
    except Exception as error:  # a hole in intake must cost one submission, not the class
        found = f"reading the notebook failed with {type(error).__name__}"
        return Intake(problem=f"{found}; please report it, and grade this one by hand", sha256=sha256)
