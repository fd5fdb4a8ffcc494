"""Text from a submission, made safe to print in a terminal, a log or a receipt."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MOST_LISTED = 10


def printable(text: str, limit: int = 80) -> str:
    """`text` on one line, with everything invisible or harmful spelled out, cut to `limit` characters.

    Control characters, ANSI escapes, line ends, marks that turn the writing direction and half surrogates
    are shown as Python would write them (``\\x1b``, ``\\u202e``).
    """
    shown = "".join(_visible(character) for character in text[:limit])
    return shown + "…" if len(text) > limit else shown


def _visible(character: str) -> str:
    """Categories C (control, format, surrogate, private) and Z (separators) but the space are spelled out."""
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed(items: Sequence[str] | Sequence[int]) -> str:
    """``1``, ``1 and 2``, or ``1, 2 and 3``; after ten, how many more there are."""
    words = [str(item) for item in items[:MOST_LISTED]]
    if len(items) > MOST_LISTED:
        words.append(f"{len(items) - MOST_LISTED} more")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
