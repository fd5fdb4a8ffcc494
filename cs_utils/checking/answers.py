"""Answers of short questions: one canonical text per answer, and a salted slow hash of it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from cs_utils.checking.exercise import Question
from cs_utils.checking.outcome import Odd, plain

HASH_COST = 2**14  # scrypt's n: about 40 ms and 16 MiB a guess


def canonical(value: Any) -> str | None:
    """The text that stands for an answer, or None when the value can be no answer.

    4, 4.0 and a NumPy 4 are the same; floats count to six significant digits; tuples, lists and arrays of
    the same numbers are the same; texts are compared without case and outer blanks.
    """
    value = plain(value)
    if isinstance(value, Odd) or value is None:
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, tuple | list):
        parts = [canonical(item) for item in value]
        return None if None in parts else "(" + ",".join(part for part in parts if part is not None) + ")"
    return None


def slow_hash(text: str, salt: str) -> str:
    """Hex digest of scrypt over `text`; slow on purpose, so that answers are worked out, not searched."""
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=HASH_COST, r=8, p=1, dklen=16).hex()


def check_answer(question: Question, value: Any) -> tuple[bool, tuple[str, str] | None]:
    """Is `value` right, and if not, which known mistake (name, hint) is it?"""
    text = canonical(value)
    if text is None:
        return False, None
    digest = slow_hash(text, question.salt)
    return digest in question.right, question.wrong.get(digest)
