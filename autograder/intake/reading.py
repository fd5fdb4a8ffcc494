"""Bytes of a submission -> cells, tolerant of every way in which notebooks are broken.

nbformat's validation is no gate here: it refuses notebooks that Colab and copy-and-paste produce every day.
Outputs are never looked at.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.results import Note

MAX_BYTES = 20 * 2**20  # of a notebook
MAX_CELLS = 5_000
MAX_SOURCE = 2 * 2**20  # characters of all code cells together
MAX_DEPTH = 60  # brackets in brackets; a notebook's own parts need nine

CLEAR_OUTPUTS = "ask the student to clear all outputs, save, and hand it in again"
HAND_IN_AGAIN = "ask the student to hand it in again"


class Unreadable(ValueError):
    """Nothing can be taken from the file; the message says what was found and what to do."""


class TooLarge(Unreadable):
    """It has more bytes than are read."""


@dataclass(frozen=True)
class PageCell:
    """One cell as found. number: position counted from 1. kind: ``code``, ``markdown`` or ``raw``."""

    number: int
    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def grade_id(self) -> str:
        """nbgrader's name for the cell, or ""."""
        nbgrader = self.metadata.get("nbgrader")
        return _text(nbgrader.get("grade_id")) if isinstance(nbgrader, dict) else ""

    @property
    def tags(self) -> frozenset[str]:
        tags = self.metadata.get("tags")
        return (
            frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()
        )


@dataclass(frozen=True)
class Page:
    """A notebook as found. notebook, release: what its metadata says it is, or ""."""

    cells: tuple[PageCell, ...]
    notebook: str = ""
    release: str = ""
    notes: tuple[Note, ...] = ()


def read_file(path: Path, most: int = MAX_BYTES) -> tuple[bytes, tuple[Note, ...]]:
    """The bytes of a regular file of at most `most`. The file is opened once and judged by its descriptor.

    Raises:
        Unreadable: no such file, a link, a folder, a pipe, a device, too large, or not to be read.
    """
    for folder in (path.parent, path.parent.parent):  # submitted/STUDENT/ASSIGNMENT: a link would lead away
        if os.path.islink(folder):  # false where it cannot be seen; opening it says why
            raise Unreadable(f"the folder {folder.name} is a symbolic link; replace it by a real folder")
    try:
        descriptor = _open_without_links(path)
    except FileNotFoundError:
        raise Unreadable(f"there is no file {path.name}; nothing was handed in") from None
    except OSError as error:
        if os.path.islink(path):
            raise Unreadable(
                f"{path.name} is a symbolic link and was not followed; {HAND_IN_AGAIN}"
            ) from None
        raise Unreadable(f"{path.name} cannot be opened ({error.strerror}); check its permissions") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Unreadable(f"{path.name} is {_kind_of_file(found.st_mode)}, not a file; {HAND_IN_AGAIN}")
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise Unreadable(f"{path.name} cannot be read ({error.strerror}); check the disk") from None
    if len(data) > most:
        raise TooLarge(f"the notebook is larger than {most // 2**20} MiB; {CLEAR_OUTPUTS}")
    if found.st_nlink > 1:
        message = f"{path.name} is a hard link: the same file has {found.st_nlink} names on this disk"
        return data, (Note("flag", message),)
    return data, ()


def _open_without_links(path: Path) -> int:
    """A descriptor of `path`, of which neither the file nor the two folders above it is a link.

    Each is opened inside the one before, so it does no good to exchange one for a link in between.
    """
    folder = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.ExitStack() as opened:
        student = os.open(path.parent.parent, folder)
        opened.callback(os.close, student)
        assignment = os.open(path.parent.name or ".", folder, dir_fd=student)
        opened.callback(os.close, assignment)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(path.name, flags, dir_fd=assignment)


def _kind_of_file(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def parse(data: bytes) -> Page:
    """The cells of a notebook of any format version.

    Raises:
        Unreadable: empty, not JSON, not a notebook, or beyond the limits.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"the notebook is larger than {MAX_BYTES // 2**20} MiB; {CLEAR_OUTPUTS}")
    text, notes = _decode(data)
    content = _load(text)
    if not isinstance(content, dict):
        raise Unreadable(f"the file holds a JSON {_json_kind(content)}, not a notebook; {HAND_IN_AGAIN}")
    cells, odd = _cells(content)
    if odd:
        notes.append(Note("ignored", f"{odd} entries in the list of cells are no cells"))
    metadata = content.get("metadata")
    course = metadata.get("convnet_course") if isinstance(metadata, dict) else None
    course = course if isinstance(course, dict) else {}
    return Page(cells, _text(course.get("notebook")), _text(course.get("release")), tuple(notes))


def _decode(data: bytes) -> tuple[str, list[Note]]:
    """Text of the file and what had to be put right to get it."""
    if not data:
        raise Unreadable(f"the file is empty (0 bytes); {HAND_IN_AGAIN}")
    if not data.strip(b"\0"):
        raise Unreadable(f"the file holds nothing but zero bytes, a broken upload; {HAND_IN_AGAIN}")
    for signature, kind in _NOT_NOTEBOOKS.items():
        if data.lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower().startswith(signature):
            raise Unreadable(f"the file is {kind}, not a notebook; {HAND_IN_AGAIN} as .ipynb")
    encoding: str = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding, text = "latin-1", data.decode("latin-1")
    notes = []
    if encoding != "utf-8":
        notes.append(Note("repaired", f"the file is written in {encoding}, not in UTF-8"))
    if "\0" in text:
        text = text.replace("\0", "")
        notes.append(Note("repaired", "zero bytes in the file were taken out"))
    if not text.strip():
        raise Unreadable(f"the file holds nothing but blanks; {HAND_IN_AGAIN}")
    return text, notes


_NOT_NOTEBOOKS = {
    b"%pdf": "a PDF",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"pk\x03\x04": "a zip archive or an office document",
    b"\x89png": "a picture",
    b"version https://git-lfs": "a pointer of Git LFS",
    b"# %%": "a Python script",
    b"import ": "a Python script",
    b"from ": "a Python script",
}


def _load(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except RecursionError:
        pass  # nested too deeply, perhaps only in an output: cut what is deep and read again
    except json.JSONDecodeError as error:
        raise Unreadable(_what_is_broken(text, error)) from None
    try:
        return _decoder.decode(_without_deep_parts(text))
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"the file is not valid JSON and has brackets nested more than {MAX_DEPTH} deep "
            f"({error.msg}); {HAND_IN_AGAIN}"
        ) from None


def _small_int(digits: str) -> int:
    return int(digits) if len(digits) < 20 else 0  # nothing that is read here is a large number


_decoder = json.JSONDecoder(parse_int=_small_int, strict=False)


_JSON_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")


def _what_is_broken(text: str, error: json.JSONDecodeError) -> str:
    if marker := re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE):
        line = text.count("\n", 0, marker.start()) + 1
        return (
            f"unresolved Git merge conflict in line {line}; ask the student to resolve it and hand in again"
        )
    place = f"line {error.lineno}, column {error.colno}"
    rest = text[error.pos :].strip()[:10]  # nothing, or the beginning of a word that JSON knows
    if error.msg.startswith("Unterminated string") or any(word.startswith(rest) for word in _JSON_WORDS):
        return f"the file ends in the middle ({place}), a cut-off upload; {HAND_IN_AGAIN}"
    return f"the file is not valid JSON ({error.msg}, {place}); {HAND_IN_AGAIN}"


_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def _without_deep_parts(text: str) -> str:
    """JSON text with everything nested deeper than `MAX_DEPTH` replaced by ``null``; one linear pass."""
    kept: list[str] = []
    depth = start = 0
    for token in _BRACKETS.finditer(text):
        bracket = token[0]
        if bracket in "[{":
            depth += 1
            if depth == MAX_DEPTH:
                kept.append(text[start : token.start()])
        elif bracket in "]}":
            if depth == MAX_DEPTH:
                kept.append("null")
                start = token.end()
            depth -= 1
    if depth < MAX_DEPTH:
        kept.append(text[start:])
    return "".join(kept)


def _cells(content: dict[str, Any]) -> tuple[tuple[PageCell, ...], int]:
    """The cells, and how many entries of the list were none."""
    entries = content.get("cells")
    if not isinstance(entries, list):
        entries = list(_worksheet_cells(content.get("worksheets")))
        if not entries:
            raise Unreadable(f"the file is JSON but has no list of cells, so no notebook; {HAND_IN_AGAIN}")
    if len(entries) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(entries)} cells, more than {MAX_CELLS}; {HAND_IN_AGAIN}")
    cells = tuple(_cell(number, entry) for number, entry in enumerate(entries, 1) if isinstance(entry, dict))
    size = sum(len(cell.source) for cell in cells if cell.kind == "code")
    if size > MAX_SOURCE:
        raise Unreadable(
            f"the code cells hold {size} characters, more than {MAX_SOURCE}; "
            "ask the student to take pasted data out and hand it in again"
        )
    return cells, len(entries) - len(cells)


def _worksheet_cells(worksheets: Any) -> Iterator[Any]:
    """The cells of nbformat 2 and 3, which had sheets."""
    for sheet in worksheets if isinstance(worksheets, list) else ():
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from cells if isinstance(cells, list) else ()


def _cell(number: int, entry: dict[str, Any]) -> PageCell:
    source = entry.get("source", entry.get("input"))  # nbformat 3 calls the source of code `input`
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = entry.get("metadata")
    return PageCell(
        number,
        _cell_kind(entry),
        _clean(_text(source)),
        metadata if isinstance(metadata, dict) else {},
        _text(entry.get("id")),
    )


def _cell_kind(entry: dict[str, Any]) -> str:
    kind = entry.get("cell_type")
    if kind in ("code", "markdown", "raw"):
        return str(kind)
    return "code" if {"outputs", "execution_count", "input", "prompt_number"} & entry.keys() else "markdown"


def _clean(source: str) -> str:
    """Line ends as Python has them; no half surrogates (they cannot be encoded) and no zero characters."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return source.encode("utf-8", "replace").decode("utf-8")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json_kind(value: Any) -> str:
    kinds = {list: "list", str: "string", bool: "truth value", type(None): "null"}
    return kinds.get(type(value), "number")
