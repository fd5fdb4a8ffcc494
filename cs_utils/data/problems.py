"""The one error of this package: its message says what was found, what was expected, and what to do."""

from __future__ import annotations


class DataError(RuntimeError):
    """Pictures that cannot be had, or that are not what they should be. Nothing of them was loaded."""


def megabytes(count: int) -> str:
    """26421880 -> "26.4 MB"; small numbers as they are."""
    return f"{count:,} bytes" if count < 100_000 else f"{count / 1e6:.1f} MB"
