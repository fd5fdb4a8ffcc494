"""The bytes of downloaded files -> arrays. Nothing is decoded before its checksum is right.

CIFAR's files are pickles, which could run anything while they are read. They are read by an unpickler that
knows three names, and puts plain stand-ins of its own in their place.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cs_utils.data.problems import DataError
from cs_utils.data.registry import DataSet, File

# Names of the decoded arrays: the roles of files, and of files on disk with .npy behind.
ROLES = ("train-images", "train-labels", "test-images", "test-labels")

_UNDECODABLE = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    tarfile.TarError,
    EOFError,
    zlib.error,
)


class Refused(DataError):
    """A file is not what it should be. The message says why, as the end of a sentence that begins with
    "it"."""


def contents(path: Path, file: File) -> bytes:
    """What a file holds, unpacked if its unpacked checksum is known, after its checksum was found right.

    The bytes that were checked are the bytes that are returned, whatever happens to the file meanwhile.

    Raises:
        Refused: it is cut off, damaged, or another file.
        OSError: it cannot be read.
    """
    largest = 2 * max(file.size, file.unpacked_size) + 1000
    with open(path, "rb") as opened:
        stored = opened.read(largest)
    if not file.unpacked_sha256:
        _must_match(stored, file.size, file.sha256)
        return stored
    unpacked = _unpacked(stored, file) if stored[:2] == b"\x1f\x8b" else stored
    _must_match(unpacked, file.unpacked_size, file.unpacked_sha256)
    return unpacked


def _unpacked(stored: bytes, file: File) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as packed:
            return packed.read(file.unpacked_size + 1)  # a file that unpacks to more is refused, not unpacked
    except EOFError:
        raise Refused("it is cut off: it was not copied or downloaded to its end") from None
    except (OSError, zlib.error):
        raise Refused("it is damaged: it cannot be unpacked") from None


def _must_match(found: bytes, size: int, sha256: str) -> None:
    if hashlib.sha256(found).hexdigest() == sha256:
        return
    if found.lstrip()[:1] == b"<":
        raise Refused("it is a web page, saved in place of the file")
    if len(found) < size:
        raise Refused(f"it is cut off, or another file: {len(found):,} bytes of {size:,}")
    if len(found) > size:
        raise Refused(f"it is another file: more than the {size:,} bytes expected")
    actual = hashlib.sha256(found).hexdigest()
    raise Refused(
        f"it is damaged, changed, or another file: its sha256 begins with {actual[:10]}, not {sha256[:10]}"
    )


def arrays(data_set: DataSet, files: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    """Role -> array: images uint8 (N, H, W, C), labels int64 (N,).

    files: role of a file -> what it holds, as `contents` gives it.

    Raises:
        DataError: the contents are not those of this data set, although the checksums are right.
    """
    try:
        found = _from_archive(data_set, files["archive"]) if data_set.format == "cifar" else _from_idx(files)
        _must_fit(data_set, found)
    except _UNDECODABLE as error:
        raise DataError(f"{data_set.title}: its files cannot be decoded ({error})") from error
    return found


def _must_fit(data_set: DataSet, found: Mapping[str, np.ndarray]) -> None:
    for split, count in zip(("train", "test"), data_set.images, strict=True):
        images, labels = found[f"{split}-images"], found[f"{split}-labels"]
        if images.shape != (count, *data_set.shape) or labels.shape != (count,):
            raise ValueError(f"{split} images of shape {images.shape} with {labels.shape} labels")
        if count and not 0 <= labels.min() <= labels.max() < len(data_set.classes):
            raise ValueError(f"labels from {labels.min()} to {labels.max()}")


# --- idx: MNIST and Fashion-MNIST -------------------------------------------------------------------------


def _from_idx(files: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    found = {role: idx(files[role]) for role in ROLES}
    for role, array in found.items():
        found[role] = array[..., None] if role.endswith("images") else array.astype(np.int64)
    return found


def idx(data: bytes) -> np.ndarray:
    """The array of an idx file with bytes in it, as at http://yann.lecun.com/exdb/mnist/.

    Raises:
        ValueError: it is no such file, or has more or fewer values than it says.
    """
    zeros, kind, dimensions = struct.unpack_from(">HBB", data)
    if zeros or kind != 8:
        raise ValueError("no idx file of bytes")
    shape = struct.unpack_from(f">{dimensions}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


# --- CIFAR ------------------------------------------------------------------------------------------------


def _from_archive(data_set: DataSet, archive: bytes) -> dict[str, np.ndarray]:
    wanted = {f"{data_set.folder}/{name}": name for name in (*data_set.train, *data_set.test)}
    batches = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:  # in the order of the file, since going back would unpack it all again
            if member.name in wanted and member.isreg():
                batches[wanted[member.name]] = _batch(tar.extractfile(member).read(), data_set)  # type: ignore[union-attr]
    found = {}
    for split, names in (("train", data_set.train), ("test", data_set.test)):
        found[f"{split}-images"] = np.concatenate([batches[name][0] for name in names])
        found[f"{split}-labels"] = np.concatenate([batches[name][1] for name in names])
    return found


def _batch(data: bytes, data_set: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one of CIFAR's pickles, whose rows hold all red values, then all green, then all
    blue."""
    batch = unpickle(data)
    pixels = batch[b"data"]
    if not isinstance(pixels, _Array):
        raise ValueError("its pixels are no array")
    height, width, channels = data_set.shape
    images = pixels.numpy().reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return images, np.array(batch[data_set.labels.encode()], dtype=np.int64)


class _Dtype:
    """Stands for numpy.dtype in a pickle."""

    def __init__(self, code: object, *_: object) -> None:
        if code not in (b"u1", "u1"):
            raise ValueError(f"pixels of type {code!r}")

    def __setstate__(self, state: object) -> None:
        """Byte order and such, which single bytes do not have."""


class _Array:
    """Stands for numpy.ndarray in a pickle: holds what the array is made from."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def numpy(self) -> np.ndarray:
        _, shape, dtype, fortran, data = self.state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise ValueError("no array of bytes")
        return np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran else "C")


_STANDINS = {
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STANDINS:
            raise ValueError(f"its pickle asks for {module}.{name}, which CIFAR's never do")
        return _STANDINS[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise ValueError("its pickle refers to something outside, which CIFAR's never do")


def unpickle(data: bytes) -> dict[bytes, Any]:
    """The dictionary in one of CIFAR's pickles, written by Python 2, so that its keys are bytes.

    Raises:
        ValueError: it is something else, or asks for any function or class but the three that CIFAR's need.
    """
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"no pickle of CIFAR's: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ValueError("its pickle holds no dictionary")
    return found
