"""Where data is kept, and decoded arrays there: as files that are mapped into memory, so that loading is
quick.

A set's folder holds the files that were downloaded, and `arrays/` with one .npy file per array and
manifest.json. `arrays/` is filled under another name and then renamed, so it is there whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from cs_utils.data.decode import ROLES
from cs_utils.data.download import digest
from cs_utils.data.images import Images, Split, statistics
from cs_utils.data.problems import DataError, megabytes

FORMAT = 1  # of `arrays/`; another number, and it is made anew
_CHECKED_UP_TO = 400_000_000  # bytes: hashing them takes 0.2 s, or 0.8 s on an old processor


def homes(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Folders where data is looked for, and kept in the first that can be written.

    `folder` if it is given; else the folder named by CS_DATA, if any, and one in the user's cache.
    """
    if folder is not None:
        return [Path(folder).expanduser().absolute()]
    named = os.environ.get("CS_DATA", "").strip()
    return [*([Path(named).expanduser().absolute()] if named else []), _cache()]


def _cache() -> Path:
    if os.name == "nt":  # pragma: no cover
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "cs_utils"
    home = os.environ.get("HOME") or tempfile.gettempdir()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home) / ".cache") / "cs_utils"


def writable(candidates: Iterable[Path], name: str) -> Path | None:
    """The folder `name` in the first of the homes that can be written, made if need be; None if none can."""
    for home in candidates:
        try:
            (home / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=home / name):
                return home / name
        except OSError:
            continue
    return None


def must_have_room(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise DataError(no_room(folder, needed))


def disk_is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def no_room(folder: Path, needed: int) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"there is no room in {folder}: {megabytes(needed)} are needed, and {megabytes(free)} are free. "
        "Remove something, or name another place: set CS_DATA to a folder, or load(..., folder=...)"
    )


def read(folder: Path, source: str, name: str) -> Images | None:
    """The arrays that are kept in `folder`, if they were made from `source` and are whole; else None."""
    arrays = folder / "arrays"
    try:
        manifest = json.loads((arrays / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT or manifest["source"] != source:
            return None
        found = {role: _mapped(arrays / f"{role}.npy", manifest["arrays"][role]) for role in ROLES}
        return images(name, found, manifest["classes"], (manifest["mean"], manifest["std"]))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        print(f"{name}: what was prepared in {arrays} is damaged, and is made anew.", flush=True)
        return None


def _mapped(path: Path, expected: dict[str, object]) -> np.ndarray:
    """The array of a file, read as it is needed; ValueError when it is not the one that was written."""
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise ValueError("cut off")
    if size <= _CHECKED_UP_TO and digest(path) != expected["sha256"]:
        raise ValueError("changed")
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def keep(
    folder: Path,
    source: str,
    name: str,
    make: Callable[[Path], tuple[str, ...]],
    *,
    needed: int,
    alone: bool = True,
) -> Images:
    """Let `make` write the four arrays into a folder and return the classes; keep them, and read them back.

    needed: bytes on disk. alone: no other process is here, so what a killed one left is removed.
    """
    if alone:
        for left in [*folder.glob("arrays.part-*"), *folder.glob("arrays.old-*")]:
            shutil.rmtree(left, ignore_errors=True)
    must_have_room(folder, needed)
    part = Path(tempfile.mkdtemp(prefix="arrays.part-", dir=folder))
    try:
        classes = make(part)
        _write_manifest(part, source, classes)
        part.chmod(0o755)
        _swap(part, folder / "arrays")
    except OSError as error:
        if disk_is_full(error):
            raise DataError(no_room(folder, needed)) from None
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    found = read(folder, source, name)
    if found is None:
        raise DataError(
            f"{name}: what was written to {folder / 'arrays'} cannot be read back; is the disk in order?"
        )
    return found


def _write_manifest(part: Path, source: str, classes: tuple[str, ...]) -> None:
    mean, std = statistics(np.load(part / "train-images.npy", mmap_mode="r"))
    entries = {}
    for role in ROLES:
        path = part / f"{role}.npy"
        size = path.stat().st_size
        entries[role] = {"bytes": size, "sha256": digest(path) if size <= _CHECKED_UP_TO else ""}
    manifest = {
        "format": FORMAT,
        "source": source,
        "classes": classes,
        "mean": mean.tolist(),
        "std": std.tolist(),
        "arrays": entries,
    }
    (part / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _swap(part: Path, final: Path) -> None:
    """`part` becomes `final`. Processes that have mapped the old files keep them."""
    old = final.with_name(f"arrays.old-{os.getpid()}")
    if final.exists():
        os.replace(final, old)
    try:
        os.replace(part, final)
    except OSError:
        if not final.exists():  # otherwise another process was faster, without a lock between us
            raise
    shutil.rmtree(old, ignore_errors=True)


def save(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    for role in ROLES:
        np.save(folder / f"{role}.npy", np.ascontiguousarray(arrays[role]), allow_pickle=False)


def images(
    name: str,
    arrays: dict[str, np.ndarray],
    classes: Iterable[str],
    known: tuple[list[float], list[float]] | None = None,
) -> Images:
    """Images of four arrays; known: mean and standard deviation, else computed."""
    mean, std = known or statistics(arrays["train-images"])
    train, test = (
        Split(arrays[f"{half}-images"], arrays[f"{half}-labels"], np.asarray(mean), np.asarray(std))
        for half in ("train", "test")
    )
    return Images(name, train, test, tuple(classes))


def short(text: str) -> str:
    """A name for a file or folder, from any text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
