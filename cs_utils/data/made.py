"""The data set that nobody has to download: shapes, made by `cs_utils.shapes` and kept like the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cs_utils.data import store
from cs_utils.data.images import Images
from cs_utils.data.lock import locked
from cs_utils.shapes import CLASSES, VERSION, make_images

SHAPES = "shapes"
_COUNTS = {"train": 20_000, "test": 4_000}
_SEEDS = {"train": 1, "test": 2}
_NEEDED = sum(_COUNTS.values()) * (32 * 32 * 3 + 8)


def load_shapes(homes: Sequence[Path]) -> Images:
    """20,000 and 4,000 pictures of ten shapes, 32x32 in colour, at difficulty 1; made once."""
    source = f"version {VERSION}"
    for home in homes:
        if kept := store.read(home / SHAPES, source, "Shapes"):
            return kept
    target = store.writable(homes, SHAPES)
    if target is None:
        return store.images("Shapes", _made(), CLASSES)
    with locked(target / ".lock", "Shapes: another process is making them; waiting for that ...") as alone:
        if kept := store.read(target, source, "Shapes"):
            return kept
        print(f"Shapes: making the pictures, once, in {target}; some seconds.", flush=True)

        def make(folder: Path) -> tuple[str, ...]:
            store.save(folder, _made())
            return CLASSES

        return store.keep(target, source, "Shapes", make, needed=_NEEDED, alone=alone)


def _made() -> dict[str, np.ndarray]:
    found = {}
    for half, count in _COUNTS.items():
        found[f"{half}-images"], found[f"{half}-labels"] = make_images(count, seed=_SEEDS[half])
    return found
