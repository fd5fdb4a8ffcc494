"""Pictures to train on: `load("fashion-mnist")` finds, downloads, checks and keeps them.

    images = load("fashion-mnist")
    x, y = images.train.tensors(device)     # for PyTorch, standardised
    x, y = images.train[:1000].arrays()     # for NumPy
    images.classes[y[0]]

The sets are listed in data/registry.toml; data/README.md says where each comes from and under which licence.
"""

from __future__ import annotations

import os

from cs_utils.data import made
from cs_utils.data.images import Images, Split
from cs_utils.data.pictures import load_folder
from cs_utils.data.problems import DataError
from cs_utils.data.registry import find, known
from cs_utils.data.sources import load_set
from cs_utils.data.store import homes

__all__ = ["DataError", "Images", "Split", "load", "load_folder", "names"]


def load(name: str, *, folder: str | os.PathLike[str] | None = None, download: bool = True) -> Images:
    """The pictures of a data set.

    name: "fashion-mnist", "mnist", "cifar10" or "cifar100", downloaded the first time; "fashion-mnist-small",
    5,000 and 1,000 pictures of Fashion-MNIST that come with the course; "shapes", made by `cs_utils.shapes`;
    or "folder:PATH", your own pictures in a folder or a zip (see `load_folder`, which has more options).
    folder: where data is looked for and kept; else the folder named by the environment variable CS_DATA, and
    then `~/.cache/cs_utils`. download: False to only look on this machine.

    Raises:
        DataError: the pictures cannot be had, or are not what they should be; the message says what to do.
    """
    if name == made.SHAPES:
        return made.load_shapes(homes(folder))
    if name.startswith("folder:"):
        return load_folder(name.removeprefix("folder:"), folder=folder)
    return load_set(find(name, also=[made.SHAPES]), homes(folder), download=download)


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return (*known(), made.SHAPES)
