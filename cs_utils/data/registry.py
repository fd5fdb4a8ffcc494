"""What is known of the data sets: reads registry.toml, and finds the pictures that come with the course.

In the course's repository the registry lies beside `cs_utils`, in `data/`; in what students install it is
`cs_utils/registry/`.
"""

from __future__ import annotations

import ast
import difflib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs_utils.data.problems import DataError

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class File:
    """A file of a data set.

    role: "train-images", "train-labels", "test-images", "test-labels", or "archive" for all in one.
    size, sha256: of the file as it is downloaded. unpacked_size, unpacked_sha256: of what a .gz file holds;
    a .gz file with other bytes that holds the same is right, too.
    """

    role: str
    name: str
    size: int
    sha256: str
    unpacked_size: int = 0
    unpacked_sha256: str = ""
    md5: str = ""

    @property
    def fingerprint(self) -> str:
        """What decides whether decoded arrays were made from this file's contents."""
        return self.unpacked_sha256 or self.sha256


@dataclass(frozen=True)
class DataSet:
    """An entry of the registry; see data/README.md for the fields.

    shape: (height, width, channels) of a picture. images: how many for training, how many for testing.
    shipped: 1 for a set whose files come with the course.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    images: tuple[int, ...]
    licence: str
    source: str
    format: str
    classes: tuple[str, ...]
    files: tuple[File, ...]
    addresses: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    debian: str = ""
    shipped: int = 0
    folder: str = ""
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    labels: str = ""

    def file(self, role: str) -> File:
        return next(file for file in self.files if file.role == role)


def registry_folder() -> Path:
    """Where registry.toml lies, and the pictures that come with the course."""
    for folder in (_PACKAGE / "registry", _PACKAGE.parent / "data"):
        if (folder / "registry.toml").is_file():
            return folder
    raise DataError(
        f"registry.toml, the list of the data sets, is missing from {_PACKAGE / 'registry'}; "
        "cs_utils was not installed whole, so install it again: the first cell of a notebook does"
    )


@functools.cache
def known() -> Mapping[str, DataSet]:
    """Every data set of the registry by its name."""
    path = registry_folder() / "registry.toml"
    return {name: _data_set(name, entry) for name, entry in parse(path.read_text(encoding="utf-8")).items()}


def find(name: str, also: Sequence[str] = ()) -> DataSet:
    """The data set of this name. also: further names that could have been meant.

    Raises:
        DataError: there is none; says which there are, and which may have been meant.
    """
    sets = known()
    if name in sets:
        return sets[name]
    others = [*sets, *also]
    plain = {each.replace("-", ""): each for each in others}
    close = difflib.get_close_matches(name.lower().replace("-", "").replace("_", ""), plain, n=1)
    meant = f" Did you mean {plain[close[0]]!r}?" if close else ""
    raise DataError(
        f"there is no data set called {name!r}.{meant} There are {', '.join(map(repr, others))}; "
        'your own pictures are "folder:PATH", where PATH is a folder or a zip'
    )


def _data_set(name: str, entry: Mapping[str, Any]) -> DataSet:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    fields["files"] = tuple(File(**file) for file in fields["files"])
    return DataSet(name=name, **fields)


def parse(text: str) -> dict[str, Any]:
    """Read the part of TOML that the registry is written in, since Python 3.10 has no reader of its own.

    That part: comments, [table], [[table.array]], and `key = value` with strings, whole numbers and arrays,
    whose values Python writes alike.

    Raises:
        ValueError: a line is something else.
    """
    tables: dict[str, Any] = {}
    current = tables
    pending = ""
    for line in text.splitlines():
        bare = line.partition("#")[0].strip()
        if not pending and bare.startswith("["):
            current = _opened(tables, bare)
        elif pending or bare:
            pending += line + "\n"
            key, equals, value = pending.partition("=")
            try:
                current[key.strip()] = ast.literal_eval(value.strip())
                pending = ""
            except SyntaxError:
                if not equals or "[" not in value:
                    raise ValueError(f"cannot read {line!r}") from None
    if pending:
        raise ValueError(f"an array does not end: {pending.splitlines()[0]!r}")
    return tables


def _opened(tables: dict[str, Any], header: str) -> dict[str, Any]:
    """The table that `[name]` or `[[name.array]]` begins."""
    if header.startswith("[["):
        name, _, array = header.strip("[]").partition(".")
        tables[name].setdefault(array, []).append({})
        return tables[name][array][-1]  # type: ignore[no-any-return]
    return tables.setdefault(header.strip("[]"), {})  # type: ignore[no-any-return]
