"""Pictures of one's own: a folder or a zip with one folder per class -> images of one size and labels.

A zip is read in place: nothing of it is unpacked to disk, and one that could do harm is refused. Pictures
that cannot be read are left out, by name and aloud.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cs_utils.data import store
from cs_utils.data.images import Images
from cs_utils.data.lock import locked
from cs_utils.data.problems import DataError, megabytes
from cs_utils.data.progress import Progress

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
USUAL_SIZE = 64  # when the pictures are of different sizes and none was asked for
ONE_IN = 5  # where nothing says which pictures are for testing

# What a picture, or a zip of pictures, cannot honestly exceed.
_LARGEST_FILE = 100_000_000  # bytes
_MOST_PIXELS = 50_000_000
_MOST_SHRUNK = 200  # times that a zip may unpack to its own size ...
_LARGE = 1_000_000_000  # ... once that is more than this many bytes
_BROKEN_AT_MOST = 0.05


@dataclass(frozen=True)
class _Entry:
    """A file. name: with / between folders, below the folder or in the zip. stamp: changes when it does."""

    name: str
    stamp: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _Plan:
    """Which picture is for what. train, test: pictures and their labels."""

    train: list[tuple[_Entry, int]]
    test: list[tuple[_Entry, int]]
    classes: tuple[str, ...]


def load_folder(
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Images:
    """Your own pictures: a folder or a zip with a folder for each class.

    Either `train/CLASS/...` and `test/CLASS/...` (or `val`), or `CLASS/...`, of which every fifth picture is
    then for testing, or pictures anywhere with lists `train.txt` and `val.txt` of lines "path label" (as in
    miniPlaces).
    size: height and width of the result; larger pictures are shrunk to it, and what is over at two sides is
    cut off. Without it pictures of one size keep theirs, and others get 64. All become RGB.
    folder: where the result is kept, as in `load`.

    Raises:
        DataError: it is no such folder or zip, or too many pictures cannot be read; says what to do.
    """
    source = Path(path).expanduser().absolute()
    if size is not None and not 1 <= size <= 1024:
        raise DataError(f"size={size!r}: name a number of pixels from 1 to 1024, such as 64")
    if source.is_dir():
        return _load(source, _in_folder(source), size, folder)
    if not source.is_file():
        raise DataError(_not_there(source))
    if re.search(r"\.(tar|tgz|tar\.\w+)$", source.name):
        raise DataError(
            f"{source.name} is a tar archive: unpack it (tar xf {source.name}) and name the folder"
        )
    try:
        with zipfile.ZipFile(source) as archive:
            return _load(source, _in_zip(archive, source), size, folder)
    except zipfile.BadZipFile:
        raise DataError(
            f"{source} is no whole zip file. If it was downloaded or uploaded, that may have ended early: "
            f"get it again ({megabytes(source.stat().st_size)} are here)"
        ) from None


def _not_there(source: Path) -> str:
    parent = source.parent
    while not parent.is_dir():
        parent = parent.parent
    there = sorted(each.name for each in parent.iterdir())[:6]
    return (
        f"{source} is not there. {parent} holds {', '.join(there) or 'nothing'}. In Colab a picture folder "
        "has to be uploaded first (as a zip), or lie in a mounted Drive"
    )


def _load(
    source: Path, entries: Sequence[_Entry], size: int | None, folder: str | os.PathLike[str] | None
) -> Images:
    stamps = "".join(sorted(f"{entry.name}\0{entry.stamp}\n" for entry in entries))
    fingerprint = f"size {size}, {store.short(stamps)}"
    candidates, key = store.homes(folder), f"folder-{store.short(f'{source} {size}')}"
    for home in candidates:
        if kept := store.read(home / key, fingerprint, source.name):
            return kept
    plan = _plan(entries, source)
    target = store.writable(candidates, key)
    if target is None:
        raise DataError(
            f"nothing can be written to {' or '.join(map(str, candidates))}, where the decoded pictures "
            "would be kept. Set CS_DATA to a folder that can be written, or load_folder(..., folder=...)"
        )
    with locked(
        target / ".lock", f"{source.name}: another process is decoding it; waiting for that ..."
    ) as alone:
        if kept := store.read(target, fingerprint, source.name):
            return kept
        pictures = _readable(plan, source)
        height, width = _common_size(pictures, size, source)
        needed = (len(plan.train) + len(plan.test)) * (height * width * 3 + 8)

        def make(part: Path) -> tuple[str, ...]:
            _decode_all(plan, pictures, (height, width), part, source)
            return plan.classes

        return store.keep(target, fingerprint, source.name, make, needed=needed, alone=alone)


# --- what is there ----------------------------------------------------------------------------------------


def _in_folder(source: Path) -> list[_Entry]:
    """All files below a folder, links followed, but no folder twice."""
    entries, seen = [], set()
    for here, folders, files in os.walk(source, followlinks=True):
        if os.path.realpath(here) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(here))
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        for name in sorted(files):
            path = Path(here, name)
            if _is_wanted(name) and path.is_file():  # no pipe, no dangling link
                status = path.stat()
                entries.append(
                    _Entry(
                        path.relative_to(source).as_posix(),
                        f"{status.st_size} {status.st_mtime_ns}",
                        lambda path=path: _read_file(path),  # type: ignore[misc]
                    )
                )
    return entries


def _read_file(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LARGEST_FILE + 1)


def _in_zip(archive: zipfile.ZipFile, source: Path) -> list[_Entry]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    _must_be_harmless(members, source)
    wanted = [info for info in members if _is_wanted(info.filename)]
    return [
        _Entry(info.filename, f"{info.file_size} {info.CRC}", lambda info=info: archive.read(info))  # type: ignore[misc]
        for info in wanted
    ]


def _must_be_harmless(members: Sequence[zipfile.ZipInfo], source: Path) -> None:
    def refuse(what: str) -> None:
        raise DataError(
            f"{source.name} is refused: {what}. Nothing of it was read. "
            "Make the zip anew, from a folder of pictures"
        )

    names = set()
    for info in members:
        parts = PurePosixPath(info.filename).parts
        if info.filename.startswith("/") or ".." in parts or re.search(r"\0|^[A-Za-z]:", info.filename):
            refuse(f"the name {info.filename!r} leads out of the zip")
        if "\\" in info.filename:
            refuse(f"the name {info.filename!r} has a \\ in it, and / is what belongs between folders")
        if stat.S_ISLNK(info.external_attr >> 16):
            refuse(f"{info.filename!r} is a link")
        if info.flag_bits & 1:
            refuse(f"{info.filename!r} is encrypted")
        if info.filename in names:
            refuse(f"it holds {info.filename!r} twice")
        if info.file_size > _LARGEST_FILE:
            refuse(f"{info.filename!r} unpacks to {megabytes(info.file_size)}")
        names.add(info.filename)
    total = sum(info.file_size for info in members)
    if total > max(_LARGE, _MOST_SHRUNK * source.stat().st_size):
        refuse(f"it unpacks to {megabytes(total)}, {total // max(source.stat().st_size, 1):,} times its size")


def _is_wanted(name: str) -> bool:
    """A picture or a list; not what macOS and Windows leave in folders."""
    parts = PurePosixPath(name).parts
    picture = parts[-1].lower().endswith(ENDINGS) or parts[-1] in ("train.txt", "val.txt", "test.txt")
    return picture and not any(_is_junk(part) for part in parts)


def _is_junk(part: str) -> bool:
    return part.startswith((".", "__MACOSX"))


# --- what is for training, what for testing ---------------------------------------------------------------


def _plan(entries: Sequence[_Entry], source: Path) -> _Plan:
    pictures = [entry for entry in entries if entry.name.lower().endswith(ENDINGS)]
    if not pictures:
        raise DataError(f"{source} holds no pictures ({', '.join(ENDINGS)})\n{_WANTED}")
    lists = {PurePosixPath(entry.name).stem: entry for entry in entries if entry.name.endswith(".txt")}
    if "train" in lists and ("val" in lists or "test" in lists):
        return _by_lists(pictures, lists, source)
    named = {entry: _without_common_folder(pictures, entry.name) for entry in pictures}
    tops = {name.split("/")[0] for name in named.values()}
    train = next((top for top in sorted(tops) if top.lower() in TRAIN), None)
    if train is None:
        return _by_class({entry: _class_of(name, source) for entry, name in named.items()}, source)
    # The first of these that has class folders: a test half without labels is of no use here.
    for test in sorted((top for top in tops if top.lower() in TEST), key=lambda top: TEST.index(top.lower())):
        halves = [
            {entry: name.partition("/")[2] for entry, name in named.items() if name.split("/")[0] == half}
            for half in (train, test)
        ]
        if any("/" in name for name in halves[1].values()):
            of_train, of_test = ({e: _class_of(n, source) for e, n in half.items()} for half in halves)
            return _by_halves(of_train, of_test, source)
    raise DataError(
        f"{source} has a folder {train}, but no folder test or val with a folder per class\n{_WANTED}"
    )


_WANTED = (
    "What is needed is a folder for each class with its pictures in it:\n"
    "    cats/1.jpg, cats/2.jpg, dogs/1.jpg, ...\n"
    "or the same in train/ and in test/:\n"
    "    train/cats/1.jpg, ..., test/cats/7.jpg, ..."
)


def _without_common_folder(pictures: Sequence[_Entry], name: str) -> str:
    """The name without the folders that all names begin with, as long as a folder remains above the
    picture."""
    first = pictures[0].name.split("/")
    last = min(len(entry.name.split("/")) for entry in pictures)
    common = 0
    while common < last - 2 and all(e.name.split("/")[common] == first[common] for e in pictures):
        common += 1
    return "/".join(name.split("/")[common:])


def _class_of(name: str, source: Path) -> str:
    if "/" not in name:
        raise DataError(f"in {source}, {name} lies in no class's folder\n{_WANTED}")
    return name.rpartition("/")[0]


def _by_class(class_of: Mapping[_Entry, str], source: Path) -> _Plan:
    """Every fifth picture of each class for testing, in an order that depends on the names only."""
    by_class: dict[str, list[_Entry]] = {}
    for entry in sorted(class_of, key=_shuffled):
        by_class.setdefault(class_of[entry], []).append(entry)
    few = [name for name, pictures in by_class.items() if len(pictures) < 2]
    if few:
        raise DataError(
            f"in {source}, the class {few[0]!r} has one picture; one to train and one to test are needed"
        )
    test = {entry: class_of[entry] for pictures in by_class.values() for entry in pictures[::ONE_IN]}
    return _by_halves({e: c for e, c in class_of.items() if e not in test}, test, source)


def _by_halves(train: Mapping[_Entry, str], test: Mapping[_Entry, str], source: Path) -> _Plan:
    classes = tuple(sorted(set(train.values())))
    if len(classes) < 2:
        raise DataError(f"{source} holds one class only ({classes[0]!r}); two are the least\n{_WANTED}")
    if unknown := sorted(set(test.values()) - set(classes)):
        raise DataError(
            f"in {source}, the class {unknown[0]!r} has pictures for testing, and none for training"
        )
    labels = {name: label for label, name in enumerate(classes)}
    train_pairs, test_pairs = (
        [(entry, labels[half[entry]]) for entry in sorted(half, key=_shuffled)] for half in (train, test)
    )
    return _Plan(train_pairs, test_pairs, classes)


def _shuffled(entry: _Entry) -> bytes:
    """An order without order, the same everywhere: so that train[:1000] holds every class."""
    return hashlib.sha256(entry.name.encode("utf-8", "surrogateescape")).digest()


def _by_lists(pictures: Sequence[_Entry], lists: Mapping[str, _Entry], source: Path) -> _Plan:
    """miniPlaces: train.txt and val.txt say which picture has which label, counted from 0."""
    train = _listed(pictures, lists["train"], source)
    rest = [_listed(pictures, lists[name], source) for name in ("val", "test") if name in lists]
    test = next((half for half in rest if half), [])
    labels = sorted({label for _, label in train})
    if (
        labels != list(range(len(labels)))
        or len(labels) < 2
        or not {label for _, label in test} <= set(labels)
    ):
        raise DataError(
            f"in {source}, the labels of {lists['train'].name} are not 0, 1, 2, ..., or differ elsewhere"
        )
    if not test:
        raise DataError(
            f"in {source}, neither val.txt nor test.txt has labels; lines are needed such as: val/1.jpg 3"
        )
    folders: dict[int, set[str]] = {label: set() for label in labels}
    for entry, label in train:
        folders[label].add(str(PurePosixPath(entry.name).parent.name))
    one_folder_each = (
        all(len(names) == 1 for names in folders.values()) and len(set.union(*folders.values())) > 1
    )
    classes = (next(iter(folders[label])) if one_folder_each else str(label) for label in labels)
    train, test = (sorted(half, key=lambda pair: _shuffled(pair[0])) for half in (train, test))
    return _Plan(train, test, tuple(classes))


def _listed(pictures: Sequence[_Entry], file: _Entry, source: Path) -> list[tuple[_Entry, int]]:
    """The pictures of a list with their labels; empty when it has no labels."""
    lines = [line.split() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines or any(len(line) != 2 or not line[1].isdigit() for line in lines):
        return []
    first = lines[0][0]
    above = [e.name.removesuffix(first) for e in pictures if e.name == first or e.name.endswith("/" + first)]
    by_name = {entry.name: entry for entry in pictures}
    if missing := next((name for name, _ in lines if not above or above[0] + name not in by_name), None):
        raise DataError(
            f"{file.name} in {source} names {missing}, which is not there: was everything unpacked?"
        )
    return [(by_name[above[0] + name], int(label)) for name, label in lines]


# --- decoding ---------------------------------------------------------------------------------------------


def _open(data: bytes) -> Any:
    """The picture of a file's bytes, not decoded yet.

    Raises:
        ValueError, OSError, SyntaxError: it is no picture, or none that this loader takes.
    """
    from PIL import Image

    if len(data) > _LARGEST_FILE:
        raise ValueError(f"larger than {megabytes(_LARGEST_FILE)}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a picture that PIL warns of is none that we take
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    if picture.width * picture.height > _MOST_PIXELS:
        raise ValueError(f"{picture.width}x{picture.height} pixels are too many")
    return picture


def _readable(plan: _Plan, source: Path) -> dict[str, tuple[int, int]]:
    """Name -> (height, width) of every picture that can be opened."""

    def look(entry: _Entry) -> tuple[int, int] | str:
        try:
            picture = _open(entry.read())
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # the camera lay on its side
            return (picture.width, picture.height) if turned else (picture.height, picture.width)
        except Exception as error:
            return f"{entry.name} ({_why(error)})"

    found = _in_parallel(
        look, [entry for entry, _ in (*plan.train, *plan.test)], f"{source.name}, looking through"
    )
    broken = [each for each in found.values() if isinstance(each, str)]
    _tell_broken(broken, len(found), source)
    return {name: each for name, each in found.items() if not isinstance(each, str)}


def _why(error: Exception) -> str:
    text = str(error).split("<_io")[0].rstrip()
    return text if text and "identify image" not in text else "no picture"


def _tell_broken(broken: Sequence[str], total: int, source: Path) -> None:
    if not broken:
        return
    some = ", ".join(broken[:3]) + (", ..." if len(broken) > 3 else "")
    if len(broken) > max(1, _BROKEN_AT_MOST * total):
        raise DataError(
            f"{len(broken)} of {total} pictures in {source} cannot be read: {some}. Are they whole? "
            "Copy or download them again, or take them away"
        )
    print(f"{source.name}: left out, since they cannot be read: {some}", flush=True)


def _common_size(pictures: Mapping[str, tuple[int, int]], size: int | None, source: Path) -> tuple[int, int]:
    if size is not None:
        return size, size
    sizes = set(pictures.values())
    if len(sizes) == 1 and max(next(iter(sizes))) <= 512:
        return next(iter(sizes))
    print(
        f"{source.name}: all become {USUAL_SIZE}x{USUAL_SIZE}; for another size, load_folder(..., size=...)"
    )
    return USUAL_SIZE, USUAL_SIZE


def _decode_all(
    plan: _Plan, readable: Mapping[str, Any], shape: tuple[int, int], part: Path, source: Path
) -> None:
    """Write the four arrays into the folder `part`; pictures that turn out to be cut off are left out."""
    broken: list[str] = []
    chosen = {
        half: [pair for pair in pairs if pair[0].name in readable]
        for half, pairs in (("train", plan.train), ("test", plan.test))
    }
    total = sum(map(len, chosen.values()))
    for half, pairs in chosen.items():
        images = np.lib.format.open_memmap(
            part / f"{half}-images.npy", mode="w+", dtype=np.uint8, shape=(len(pairs), *shape, 3)
        )
        row = {entry.name: at for at, (entry, _) in enumerate(pairs)}

        def decode(entry: _Entry, images: np.ndarray = images, row: Mapping[str, int] = row) -> str:
            try:
                images[row[entry.name]] = _fitted(_open(entry.read()), shape)
            except Exception as error:
                return f"{entry.name} ({_why(error)})"
            return ""

        done = _in_parallel(decode, [entry for entry, _ in pairs], f"{source.name}, decoding {half} pictures")
        images.flush()
        bad = [why for why in done.values() if why]
        broken += bad
        if bad:
            pairs = [pair for pair in pairs if not done[pair[0].name]]
            kept = [row[entry.name] for entry, _ in pairs]
            np.save(part / f"{half}-images.npy", images[kept])
        np.save(part / f"{half}-labels.npy", np.array([label for _, label in pairs], dtype=np.int64))
    _tell_broken(broken, total, source)


def _fitted(picture: Any, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (height, width, 3): upright, on white, shrunk until it just covers `shape`, the middle of
    that."""
    from PIL import Image, ImageOps

    height, width = shape
    picture.draft("RGB", (2 * width, 2 * height))  # a large JPEG is decoded at a fraction of its size
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # 16 bits
        values = np.asarray(picture).astype(np.float64)
        picture = Image.fromarray((values / (256 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    if (picture.height, picture.width) != shape:
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def _in_parallel(work: Callable[[_Entry], Any], entries: Iterable[_Entry], title: str) -> dict[str, Any]:
    """Name -> result, for every entry. Decoding leaves Python to others, so threads help."""
    listed = list(entries)
    progress = Progress(title, len(listed), "pictures")
    results = {}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for entry, result in zip(listed, pool.map(work, listed), strict=True):
            results[entry.name] = result
            progress.advance(1)
    progress.close()
    return results
