"""What reads a handed-in file in a process of its own, and so imports nothing that it does not need."""

from __future__ import annotations

import numpy as np

from autograder.leaderboard.predictions import Predictions, Refused, read


def read_apart(data: bytes, filename: str, ids: np.ndarray, n_classes: int, top_k: int) -> Predictions | str:
    """The predictions in a file, or why it is refused; for `autograder.intake.apart.Readers.ask`."""
    try:
        return read(data, filename, ids=ids, n_classes=n_classes, top_k=top_k)
    except Refused as why:
        return str(why).rstrip(".")
    except MemoryError:
        return f"{filename} takes too much memory to read"
