"""Make data/fashion-mnist-small: the first pictures of every class of Fashion-MNIST, in the files' own
format.

    python tools/make_small_fashion.py

Prints the entries for data/registry.toml. The same pictures always give the same unpacked checksums.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np

from cs_utils.data import Split, load

FOLDER = Path(__file__).parents[1] / "data" / "fashion-mnist-small"
# Prefix of the files -> pictures of each class.
PER_CLASS = {"train": 500, "t10k": 100}


def main() -> None:
    fashion = load("fashion-mnist")
    for prefix, split in (("train", fashion.train), ("t10k", fashion.test)):
        role = "train" if prefix == "train" else "test"
        small = first_of_every_class(split, PER_CLASS[prefix])
        write(f"{role}-images", f"{prefix}-images-idx3-ubyte.gz", small.images[..., 0])
        write(f"{role}-labels", f"{prefix}-labels-idx1-ubyte.gz", small.labels.astype(np.uint8))


def first_of_every_class(split: Split, count: int) -> Split:
    """The first `count` pictures of each class, in the order of the whole set."""
    chosen = [np.flatnonzero(split.labels == label)[:count] for label in np.unique(split.labels)]
    return split[np.sort(np.concatenate(chosen))]


def write(role: str, name: str, values: np.ndarray) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    unpacked = header + values.tobytes()
    packed = gzip.compress(unpacked, 9, mtime=0)
    (FOLDER / name).write_bytes(packed)
    print(f'\n[[fashion-mnist-small.files]]\nrole = "{role}"\nname = "{name}"')
    print(f'size = {len(packed)}\nsha256 = "{hashlib.sha256(packed).hexdigest()}"')
    print(f'unpacked_size = {len(unpacked)}\nunpacked_sha256 = "{hashlib.sha256(unpacked).hexdigest()}"')


if __name__ == "__main__":
    main()
