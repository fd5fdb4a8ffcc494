"""Broken notebooks: what comes out of uploads, converters, merges and mail."""

from __future__ import annotations

import json
from collections.abc import Callable

from nbformat import NotebookNode

from tests.attacks.attack import TARGET, Attack, World, answer_cell, points

ROW = "nothing can be read; the row says what it is and what to do"
# The functions of the solution that use no other name, not even NumPy.
NAMELESS = {
    "output_size",
    "same_padding",
    "conv2d_parameters",
    "linear_parameters",
    "receptive_field",
    "trace_shapes",
}
READ = "it is read all the same; all answers count"


def unreadable(name: str, tries: str, raw: Callable[[bytes], bytes], says: str, happens: str = ROW) -> Attack:
    return Attack(name, tries, happens, raw=raw, status="unreadable", says=says)


def readable(
    name: str, tries: str, raw: Callable[[bytes], bytes], happens: str = READ, **more: object
) -> Attack:
    return Attack(name, tries, happens, raw=raw, **more)  # type: ignore[arg-type]


def edited(
    name: str, tries: str, edit: Callable[[NotebookNode, World], object], happens: str = READ, **more: object
) -> Attack:
    return Attack(name, tries, happens, edit=edit, **more)  # type: ignore[arg-type]


def _version_3(data: bytes) -> bytes:
    cells = [
        {
            "cell_type": "code",
            "input": "".join(cell["source"]),
            "outputs": [],
            "language": "python",
            "metadata": {},
        }
        for cell in json.loads(data)["cells"]
        if cell["cell_type"] == "code"
    ]
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": {}}).encode()


def _carriage_returns(notebook: NotebookNode, world: World) -> None:
    for number, cell in enumerate(notebook.cells):
        cell.source = cell.source.replace("\n", ("\r\n", "\r")[number % 2])


def _zeros_inside(notebook: NotebookNode, world: World) -> None:
    cell = answer_cell(notebook, TARGET)
    cell.source = cell.source.replace("\n", "\0\n")


def _half_letters(notebook: NotebookNode, world: World) -> None:
    answer_cell(notebook, TARGET).source += "\n# \ud83d"


def _nothing_fits(notebook: NotebookNode, world: World) -> None:
    notebook.cells += [
        None,
        7,
        "x",
        [],
        {"cell_type": 7, "source": {"a": 1}},
        {"source": ["x", 7, None]},
        {"metadata": []},
    ]
    notebook.metadata = 7
    notebook.nbformat, notebook.nbformat_minor = "x", -1


def _tabs(notebook: NotebookNode, world: World) -> None:
    cell = answer_cell(notebook, TARGET)
    cell.source = cell.source.replace("    ", "\t")


def _deep_code(notebook: NotebookNode, world: World) -> None:
    answer_cell(notebook, TARGET).source = "pad2d = " + "(" * 90_000 + ")" * 90_000


def _deep_minus(notebook: NotebookNode, world: World) -> None:
    answer_cell(notebook, TARGET).source = "pad2d = " + "-" * 190_000 + "1"


def _large_code(notebook: NotebookNode, world: World) -> None:
    answer_cell(notebook, TARGET).source += "\ndata = '" + "x" * (3 << 20) + "'"


def _slow_tokens(notebook: NotebookNode, world: World) -> None:
    answer_cell(notebook, TARGET).source = "!x\n" * 50_000 + "%time " * 20_000 + "f'{" * 20_000


ATTACKS = (
    unreadable("empty", "an empty file", lambda data: b"", "empty"),
    unreadable("zero-bytes", "ten thousand zero bytes", lambda data: b"\0" * 10_000, "zero bytes"),
    unreadable("blanks", "nothing but blanks", lambda data: b" \n\t" * 999, "blanks"),
    unreadable("cut-off", "the first half of a notebook", lambda data: data[: len(data) // 2], "cut-off"),
    unreadable(
        "web-page", "a web page", lambda data: b"<!DOCTYPE html><script>window.pwned=1</script>", "web page"
    ),
    unreadable("pdf", "a PDF", lambda data: b"%PDF-1.7\n" + data, "PDF"),
    unreadable("archive", "a zip archive", lambda data: b"PK\x03\x04" + data, "zip archive"),
    unreadable("script", "a Python script", lambda data: b"import numpy as np\n", "Python script"),
    unreadable(
        "git-lfs",
        "a pointer of Git LFS",
        lambda data: b"version https://git-lfs.github.com/spec/v1\n",
        "Git LFS",
    ),
    unreadable(
        "conflict",
        "an unresolved merge",
        lambda data: data.replace(b"{", b"{\n<<<<<<< HEAD\n", 1),
        "merge conflict",
    ),
    unreadable("not-a-dict", "a list", lambda data: b"[1, 2, 3]", "list"),
    unreadable("no-cells", "a dict without cells", lambda data: b'{"nbformat": 4}', "no list of cells"),
    unreadable("deep-brackets", "two hundred thousand brackets", lambda data: b"[" * 200_000, "nested"),
    unreadable(
        "deep-keys",
        "brackets and keys without bottom in the list of cells",
        lambda data: b'{"cells":' + b'[{"a":' * 100_000,
        "nested",
    ),
    unreadable("large-file", "21 MB of blanks", lambda data: data + b" " * (21 << 20), "20 MiB"),
    unreadable(
        "five-thousand-cells",
        "more cells than anybody reads",
        lambda data: b'{"cells": [' + b"{}," * 6000 + b"{}]}",
        "cells",
    ),
    edited(
        "large-code",
        "3 MB of pasted data in a cell",
        _large_code,
        ROW,
        status="unreadable",
        says="pasted data",
    ),
    edited(
        "deep-code",
        "brackets in a cell, ninety thousand deep",
        _deep_code,
        "only its exercise is lost",
        loses=(TARGET,),
    ),
    edited(
        "deep-minus",
        "an expression that is nested two hundred thousand deep",
        _deep_minus,
        "only its exercise is lost",
        loses=(TARGET,),
    ),
    edited(
        "slow-tokens",
        "text that takes parsers long",
        _slow_tokens,
        "only its exercise is lost",
        loses=(TARGET,),
    ),
    readable("byte-order-mark", "a byte order mark at the beginning", lambda data: b"\xef\xbb\xbf" + data),
    readable("utf-16", "UTF-16", lambda data: data.decode().encode("utf-16")),
    readable("utf-32", "UTF-32", lambda data: data.decode().encode("utf-32")),
    readable(
        "latin-1",
        "Latin-1",
        lambda data: data.replace(b"# exercise: pad2d", b"# exercise: pad2d\\n# \xe9", 1),
    ),
    readable(
        "huge-numbers",
        "numbers of a million digits",
        lambda data: data.replace(b'"nbformat": 4', b'"x": ' + b"9" * 1_000_000 + b', "nbformat": 4', 1),
    ),
    readable(
        "no-numbers",
        "NaN and Infinity",
        lambda data: data.replace(b'"nbformat": 4', b'"x": [NaN, -Infinity, 1e999], "nbformat": 4', 1),
    ),
    readable(
        "keys-twice",
        "the list of cells twice, the first one empty",
        lambda data: b'{"cells": [], ' + data[1:],
    ),
    readable("version-3", "a notebook of version 3", _version_3),
    readable(
        "version-99",
        "a notebook of version 99",
        lambda data: data.replace(b'"nbformat": 4', b'"nbformat": 99', 1),
    ),
    edited("carriage-returns", "line ends of all kinds", _carriage_returns),
    edited("zeros-inside", "zero bytes in its code", _zeros_inside),
    edited("half-letters-inside", "half a letter in its code", _half_letters),
    edited("nothing-fits", "cells and metadata of every wrong type", _nothing_fits),
    edited("tabs", "tabs for blanks", _tabs),
    Attack(
        "syntax-error",
        "an answer that is no Python",
        "only its exercise is lost",
        {TARGET: "def pad2d(x, padding:\n    return"},
        loses=(TARGET,),
    ),
    Attack(
        "stub",
        "an exercise that was not touched",
        "only its exercise is lost",
        {TARGET: 'def pad2d(x, padding, *, mode="zeros"):\n    raise NotImplementedError'},
        loses=(TARGET,),
    ),
    Attack(
        "nothing-works",
        "a cell that deletes all names",
        "a function counts as it was after its cell, when it needs no other name",
        cells=["for name in list(globals()): del globals()[name]"],
        loses=tuple(points().keys() - NAMELESS),
        part={"trace_shapes": 1},
    ),
)
