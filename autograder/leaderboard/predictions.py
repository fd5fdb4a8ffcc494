"""Hostile bytes -> predicted labels in the order of the test set, or one sentence why not.

Nothing here unpickles, calls `numpy.load`, or allocates what a header asks for before the header has been
compared with what was expected: the test set's size is known, so every size is known beforehand.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NoReturn

import numpy as np

from autograder.text import listed, printable

HEADER = 4096  # bytes that a header may take
CSV_HEADER = b"id,label"
HOW_NPZ = "save it with np.savez('predictions.npz', ids=ids, labels=labels)"
HOW_CSV = "a first line `id,label`, then one line `id,label` per test image"


class Refused(ValueError):
    """The file cannot be scored; the message is one sentence for the person who uploaded it."""


@dataclass(frozen=True)
class Predictions:
    """labels: int64 (n,), in the order of the test set's ids. ranked: int64 (n, k), best guess first, when
    the file gave at least k guesses per image (scores, or several labels), else None."""

    labels: np.ndarray
    ranked: np.ndarray | None = None


def most_bytes(n: int, n_classes: int) -> int:
    """The size of the largest file that is looked at: scores as float64, or every label as text, and ids."""
    return 65536 + n * (64 + 8 * n_classes)


def read(data: bytes, filename: str, *, ids: np.ndarray, n_classes: int, top_k: int = 1) -> Predictions:
    """The predictions in an uploaded file.

    data: the file's bytes, of which nothing is believed. filename: as the sender named it; only its ending
    is looked at. ids: int64 (n,), the test set's, in its order. top_k: how many guesses are kept.

    Raises:
        Refused: with one sentence that says what was found, what was expected and what to do.
    """
    if not data:
        raise Refused("The file is empty; upload predictions.npz or a csv file.")
    most = most_bytes(len(ids), n_classes)
    if len(data) > most:
        raise Refused(
            f"The file has {len(data):,} bytes; predictions for {len(ids):,} images take at most {most:,}, "
            "so upload only `ids` and `labels`."
        )
    if _kind(data, filename) == "npz":
        return _from_npz(data, ids, n_classes, top_k)
    return _from_csv(data, ids, n_classes, top_k)


def _kind(data: bytes, filename: str) -> str:
    """``npz`` or ``csv``: what the name says and the bytes confirm."""
    ending = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    is_zip = data.startswith(b"PK\x03\x04")
    if data.startswith(b"\x93NUMPY"):
        raise Refused(f"This is a single array (.npy), which has no names in it; {HOW_NPZ}.")
    if ending not in (".npz", ".csv"):
        shown = f"ends in {printable(ending, 20)!r}" if ending else "has no ending"
        raise Refused(f"The file's name {shown}; expected .npz or .csv, so {HOW_NPZ}.")
    if ending == ".npz" and not is_zip:
        if data.startswith(b"PK"):
            raise Refused(f"The .npz file is an empty or damaged zip archive; {HOW_NPZ} and upload it again.")
        raise Refused(f"The file is named .npz but is not a zip archive; {HOW_NPZ}, or name a csv file .csv.")
    if ending == ".csv" and is_zip:
        raise Refused("The file is named .csv but is a zip archive (.npz or .xlsx); name an .npz file .npz.")
    return ending[1:]


# --- npz ------------------------------------------------------------------------------------------------

NPY = re.compile(
    rb"\{\s*['\"]descr['\"]\s*:\s*(?P<descr>['\"][^'\"]{1,20}['\"]|\[.{1,1000}\])\s*,"
    rb"\s*['\"]fortran_order['\"]\s*:\s*(?P<fortran>True|False)\s*,"
    rb"\s*['\"]shape['\"]\s*:\s*\((?P<shape>[\d,\s]{0,80})\)\s*,?\s*\}\s*",
    re.DOTALL,
)
NUMBERS = re.compile(r"[<>|=]?([iuf])([1248])")
WORDS = {
    "O": "Python objects (pickled), which are never read",
    "U": "text",
    "S": "bytes",
    "b": "true or false",
    "c": "complex numbers",
    "V": "raw bytes",
    "M": "dates",
    "m": "times",
}


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int  # where the numbers begin

    @property
    def nbytes(self) -> int:
        size = self.dtype.itemsize
        for length in self.shape:  # Python's integers, which do not overflow
            size *= length
        return size


def _from_npz(data: bytes, ids: np.ndarray, n_classes: int, top_k: int) -> Predictions:
    n = len(ids)
    with _archive(data) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        wanted = [name for name in ("labels", "scores") if name in members]
        if not wanted:
            found = listed([printable(name, 20) for name in members]) or "nothing"
            raise Refused(f"The .npz file holds {found}; expected `labels` (and `ids`), so {HOW_NPZ}.")
        if len(wanted) == 2:
            raise Refused("The .npz file holds both `labels` and `scores`; save only one of them.")
        name = wanted[0]
        values = _array(archive, members[name], name, n, n_classes)
        order = None
        if "ids" in members:
            order = _order(_array(archive, members["ids"], "ids", n, n_classes), ids)
    ranked = _ranked_labels(values, n_classes) if name == "labels" else _ranked_scores(values, top_k)
    return _predictions(ranked, order, top_k)


def _archive(data: bytes) -> zipfile.ZipFile:
    """The archive, with a directory known to be small before any of it is read."""
    end = data[-22:]  # np.savez writes no comment, so an archive's end is just this
    if len(end) < 22 or not end.startswith(b"PK\x05\x06") or end[20:] != b"\0\0":
        raise Refused(f"The .npz file is cut short or damaged; {HOW_NPZ} and upload the whole file again.")
    entries, directory = struct.unpack("<10xHI", end[:16])[0:2]
    if entries > 16 or directory > 16384 or data[-42:-38] == b"PK\x06\x07":
        raise Refused(
            f"The .npz file holds too many arrays; only `ids` and `labels` are expected, so {HOW_NPZ}."
        )
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError) as error:
        raise Refused(f"The .npz file is damaged; {HOW_NPZ} and upload the whole file again.") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, n: int, n_classes: int) -> np.ndarray:
    most = HEADER + 8 * n * (1 if name == "ids" else n_classes)
    if info.file_size > most:
        raise Refused(
            f"`{name}` takes {info.file_size:,} bytes; for {n:,} test images at most {most:,} are "
            "expected, so "
            f"save only their {name}."
        )
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"The .npz file is encrypted or packed in a way NumPy does not use; {HOW_NPZ}.")
    try:
        with archive.open(info) as file:
            raw = file.read(most + 1)
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
        struct.error, OverflowError,
    ) as error:  # fmt: skip
        raise Refused(
            f"`{name}` in the .npz file is damaged or cut short; {HOW_NPZ} and upload the whole file again."
        ) from error
    header = _header(raw, name)
    _expect_shape(header, name, n, n_classes)
    if header.nbytes != len(raw) - header.start:
        raise Refused(
            f"`{name}` says that it holds {header.nbytes:,} bytes of numbers and holds "
            f"{len(raw) - header.start:,}; {HOW_NPZ} and upload the whole file again."
        )
    values = np.frombuffer(raw, dtype=header.dtype, offset=header.start)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def _header(raw: bytes, name: str) -> _Header:
    """What the header says, if it is one that NumPy writes for plain numbers."""
    if not raw.startswith(b"\x93NUMPY") or len(raw) < 12 or raw[6] not in (1, 2, 3):
        raise Refused(f"`{name}` in the .npz file is not a NumPy array; {HOW_NPZ}.")
    start = 10 if raw[6] == 1 else 12
    length = int.from_bytes(raw[8:start], "little")
    found = NPY.fullmatch(raw[start : start + length]) if length <= HEADER - 12 else None
    if found is None or len(raw) < start + length:
        raise Refused(f"The header of `{name}` in the .npz file cannot be read; {HOW_NPZ}.")
    described = found["descr"].decode("latin-1").strip("'\"")
    plain = NUMBERS.fullmatch(described)
    if plain is None or plain.groups() == ("f", "1"):
        word = WORDS.get(described.lstrip("<>|=")[:1], f"data of type {printable(described, 20)}")
        word = "a table with named columns" if described.startswith("[") else word
        raise Refused(f"`{name}` holds {word}; plain numbers are expected, such as {name}.astype(int).")
    shape = tuple(int(part) for part in found["shape"].decode("ascii").replace(",", " ").split())
    return _Header(np.dtype(described), shape, found["fortran"] == b"True", start + length)


def _expect_shape(header: _Header, name: str, n: int, n_classes: int) -> None:
    shape, shown = header.shape, _shape(header.shape)
    if name == "scores":
        if shape != (n, n_classes):
            raise Refused(
                f"`scores` has shape {shown}; expected {_shape((n, n_classes))}, one row per test image "
                "and one "
                "column per class."
            )
        return
    if header.dtype.kind == "f":
        raise Refused(
            f"`{name}` holds numbers of type {header.dtype.name}; expected whole numbers, so save "
            f"{name}.astype(int)"
            + (" (or save class scores under the name `scores`)." if name == "labels" else ".")
        )
    fits = shape == (n,) or (
        name == "labels" and len(shape) == 2 and shape[0] == n and 0 < shape[1] <= n_classes
    )
    if not fits:
        raise Refused(
            f"`{name}` has shape {shown}; expected {_shape((n,))}, one number for each of the {n:,} test "
            "images "
            "in test.npz."
        )


def _shape(shape: tuple[int, ...]) -> str:
    text = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    return printable(text, 60)


# --- csv ------------------------------------------------------------------------------------------------

# What nearly every csv file looks like below its first line; the quantifiers give nothing back, so a match
# takes one pass whatever the file is.
SIMPLE = re.compile(rb"(?:\d{1,18},\d{1,9}\r?\n)*+(?:\d{1,18},\d{1,9})?+\s*+")


def _from_csv(data: bytes, ids: np.ndarray, n_classes: int, top_k: int) -> Predictions:
    body = data.removeprefix(b"\xef\xbb\xbf")
    first, _, rest = body.partition(b"\n")
    if first.strip() == CSV_HEADER and rest.strip() and SIMPLE.fullmatch(rest):
        numbers = rest.rstrip().replace(b"\n", b",").decode("ascii")
        pairs = np.fromstring(numbers, dtype=np.int64, sep=",").reshape(-1, 2)
        given, values = pairs[:, 0], pairs[:, 1:]
    else:
        given, values = _careful_csv(body, len(ids), n_classes)
    if len(given) != len(ids):
        raise Refused(
            f"The csv file has {len(given):,} lines with predictions; expected {len(ids):,}, one for each "
            "test image."
        )
    return _predictions(_ranked_labels(values, n_classes), _order(given, ids), top_k)


def _careful_csv(data: bytes, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids (m,) and labels (m, k) of a csv file that is not as plain as it could be."""
    if b"\0" in data[:4096] or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("The csv file is not UTF-8 text (UTF-16, or no text at all); save it as CSV UTF-8.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            f"The csv file is not UTF-8 text (at byte {error.start}); save it as CSV UTF-8."
        ) from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    given: list[int] = []
    guesses: list[list[int]] = []
    try:
        _expect_header(next(lines, []))
        for fields in lines:
            if any(field.strip() for field in fields):
                one, several = _fields(fields, lines.line_num, n_classes)
                given.append(one)
                guesses.append(several)
            if len(given) > n or lines.line_num > 2 * n + 100:
                raise Refused(f"The csv file has more than {n:,} lines; expected {n:,} with predictions.")
    except csv.Error as error:
        raise Refused(
            f"Line {lines.line_num} of the csv file cannot be read ({error}); expected {HOW_CSV}."
        ) from error
    if not given:
        raise Refused(f"The csv file has no predictions below its first line; expected {HOW_CSV}.")
    widths = {len(several) for several in guesses}
    if len(widths) > 1:
        raise Refused(
            f"Some lines of the csv file give {min(widths)} label{'s' * (min(widths) > 1)} and others "
            f"{max(widths)}; "
            "give the same number for every image."
        )
    return np.array(given, dtype=np.int64), np.array(guesses, dtype=np.int64)


def _expect_header(fields: list[str]) -> None:
    names = [field.strip() for field in fields]
    if names == ["id", "label"]:
        return
    line = printable(",".join(fields), 40)
    if len(names) == 1 and ";" in names[0]:
        raise Refused(f"The csv file's columns are separated by semicolons; expected commas: {HOW_CSV}.")
    if len(names) == 1 and "\t" in names[0]:
        raise Refused(f"The csv file's columns are separated by tabs; expected commas: {HOW_CSV}.")
    if names and names[0] == "" and "label" in names:
        raise Refused(
            f"The csv file has a column without a name; expected {HOW_CSV} (in pandas, index=False)."
        )
    raise Refused(f"The csv file begins with {line!r}; expected {HOW_CSV}.")


def _fields(fields: list[str], line: int, n_classes: int) -> tuple[int, list[int]]:
    if len(fields) != 2:
        columns = f"{len(fields)} column{'s' * (len(fields) > 1)}"
        raise Refused(f"Line {line} of the csv file has {columns}; expected 2: {HOW_CSV}.")
    words = fields[1].split()
    if not words:
        raise Refused(
            f"Line {line} of the csv file has no label; expected a whole number, 0 to {n_classes - 1}."
        )
    if len(words) > n_classes:
        raise Refused(f"Line {line} of the csv file has {len(words)} labels; there are {n_classes} classes.")
    return (
        _whole(fields[0].strip(), line, "id", "as in test.npz"),
        [_whole(word, line, "label", f"from 0 to {n_classes - 1}") for word in words],
    )


def _whole(word: str, line: int, what: str, expected: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,18}", word):
        return int(word)
    raise Refused(
        f"Line {line} of the csv file has the {what} {printable(word, 20)!r}; expected a whole number "
        f"{expected}."
    )


# --- both -----------------------------------------------------------------------------------------------


def _ranked_labels(values: np.ndarray, n_classes: int) -> np.ndarray:
    """Labels (n,) or (n, k) as int64 (n, k), each one a class and none twice in a row."""
    labels = values.reshape(len(values), -1)
    outside = (labels < 0) | (labels >= n_classes)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise Refused(
            f"Label {labels[row, column]} (prediction {row + 1}) is no class; there are {n_classes} "
            "classes, so "
            f"labels are from 0 to {n_classes - 1}."
        )
    labels = labels.astype(np.int64)
    if labels.shape[1] > 1:
        ordered = np.sort(labels, axis=1)
        repeated = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        if repeated.any():
            raise Refused(
                f"Prediction {np.argmax(repeated) + 1} names a class twice; give different labels, best "
                "first, "
                "or save class scores under the name `scores`."
            )
    return labels


def _ranked_scores(scores: np.ndarray, top_k: int) -> np.ndarray:
    """The `top_k` best classes of each row, best first; of equal scores the class with the lower number."""
    if scores.dtype.kind == "f":
        finite = np.isfinite(scores)
        if not finite.all():
            row = int(np.argmin(finite.all(axis=1)))
            word = "nan" if np.isnan(scores[row]).any() else "infinity"
            raise Refused(
                f"`scores` holds {word} (first in row {row}); every score must be a finite number, so look "
                "at "
                "where the model's output is not."
            )
    if top_k == 1:
        return np.argmax(scores, axis=1).reshape(-1, 1)
    # Sorting the reversed columns and reversing what comes out puts the lower number first among equals.
    last = scores.shape[1] - 1
    ascending = np.argsort(scores[:, ::-1], axis=1, kind="stable")
    return last - ascending[:, ::-1][:, :top_k]


def _order(given: np.ndarray, ids: np.ndarray) -> np.ndarray | None:
    """Where the prediction for each test image stands, or None when they already are in order."""
    if np.array_equal(given, ids):
        return None
    sorter = np.argsort(given, kind="stable")
    ordered = given[sorter]
    twice = ordered[1:] == ordered[:-1]
    if twice.any():
        raise Refused(f"Id {ordered[:-1][twice][0]} is there twice; give each test image's id once.")
    expected = np.sort(ids)
    if not np.array_equal(ordered, expected):
        _refuse_ids(given, ids)
    return sorter[np.searchsorted(ordered, ids)]


def _refuse_ids(given: np.ndarray, ids: np.ndarray) -> NoReturn:
    unknown = given[~np.isin(given, ids)]
    raise Refused(
        f"Id {unknown[0]} is not in the test set ({len(unknown):,} such id{'s' * (len(unknown) > 1)}); "
        "take the "
        "ids from test.npz, in its order."
    )


def _predictions(ranked: np.ndarray, order: np.ndarray | None, top_k: int) -> Predictions:
    if order is not None:
        ranked = ranked[order]
    labels = np.ascontiguousarray(ranked[:, 0])
    several = 1 < top_k <= ranked.shape[1]
    return Predictions(labels, np.ascontiguousarray(ranked[:, :top_k]) if several else None)
