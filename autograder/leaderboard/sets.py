"""The pictures of a competition: drawn by a formula from a secret seed, or an instructor's own.

Nothing of a picture's file reaches students: not its name, its place among the others, the camera's notes, or
the bytes it was compressed to. They get arrays of one size, in an order that was drawn.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.leaderboard.competition import Competition, LeaderboardError, create
from autograder.leaderboard.copies import copies
from autograder.leaderboard.rules_text import OWN, SHAPES, rules
from autograder.text import listed, printable
from cs_utils import shapes
from cs_utils.data import DataError, Images, load_folder
from cs_utils.data.progress import Progress

TRAIN, TEST = 20_000, 10_000  # pictures
SIZE = 32
DIFFICULTY = 0.95  # measured: see docs/leaderboard.md

FEW = 2000  # test pictures; with fewer, intervals are wider than two points either way
_AT_ONCE = 2000

Array = np.ndarray
Half = tuple[Array, Array]  # images and labels


def procedural(
    path: str | Path,
    *,
    title: str,
    train: int = TRAIN,
    test: int = TEST,
    size: int = SIZE,
    difficulty: float = DIFFICULTY,
    seed_hex: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Competition:
    """A competition on pictures of ten shapes; for the default numbers some seconds of one core.

    train, test: how many pictures. size: their side in pixels. difficulty: see `cs_utils.shapes`.
    seed_hex: 32 hexadecimal digits that all pictures follow from; by default new ones, which only
    private/seed.key has. settings: values for leaderboard.toml other than the defaults.

    Raises:
        LeaderboardError: a value cannot be used, or the folder is not empty.
    """
    seed_hex = seed_hex or secrets.token_hex(16)
    halves = {}
    for half, count in (("training", train), ("test", test)):
        if count < 1:
            raise LeaderboardError(f"{count} {half} pictures: give a whole number of at least 1.")
        try:
            halves[half] = _drawn(seed_hex, half, count, size, difficulty)
        except ValueError as error:
            raise LeaderboardError(str(error)) from None
    return create(
        path,
        title=title,
        train=halves["training"],
        test=halves["test"],
        classes=shapes.CLASSES,
        seed_hex=seed_hex,
        rules_text=rules(title, SHAPES, bool((settings or {}).get("own_training_data"))),
        description={"pictures": SHAPES, "difficulty": difficulty, "generator": shapes.VERSION},
        settings=settings,
    )


def _drawn(seed_hex: str, half: str, count: int, size: int, difficulty: float) -> tuple[Array, Array]:
    """Pictures and labels of one half. Those of one half tell nothing of the seeds of the other."""
    images = np.empty((count, size, size, 3), np.uint8)
    labels = np.empty(count, np.int64)
    progress = Progress(f"Drawing the {half} pictures", count, "pictures")
    for start in range(0, count, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, count))
        seed = stream(seed_hex, f"{half} pictures from {start}")
        images[part], labels[part] = shapes.make_images(
            part.stop - start, size=size, difficulty=difficulty, seed=seed
        )
        progress.advance(part.stop - start)
    progress.close()
    return images, labels


def stream(seed_hex: str, purpose: str) -> int:
    """A seed of 128 bits for one purpose: whoever found out one of them would know neither the others nor
    the secret that they come from."""
    made = hmac.new(bytes.fromhex(seed_hex), purpose.encode(), hashlib.sha256)
    return int.from_bytes(made.digest()[:16], "big")


# --- an instructor's own pictures ---------------------------------------------------------------------------


def from_images(
    path: str | Path,
    folder: str | Path,
    *,
    title: str,
    train: int | None = None,
    test: int | None = None,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Competition:
    """A competition on your own pictures: a folder or zip with a folder for each class, as of
    `cs_utils.data.load_folder`.

    train: at most so many training pictures. test: so many test pictures, drawn from all; without it, those
    in `test/` are for testing, or every fifth where there is no such folder. size: side of the pictures in
    pixels. settings: values for leaderboard.toml other than the defaults.

    A picture that is there twice, in whatever format or size it was saved, is left out and told: of the
    training pictures where it is a test picture, else of the test pictures.

    Raises:
        LeaderboardError: the pictures cannot be used; the message says what to do.
    """
    rng = np.random.default_rng(secrets.randbits(128))
    with tempfile.TemporaryDirectory() as scratch:  # of decoded pictures and labels nothing stays behind
        try:
            found = load_folder(folder, size=size, folder=scratch)
        except DataError as error:
            raise LeaderboardError(str(error)) from None
        learned, asked = _halves(found, test, rng)
        learned, asked = _without_copies(learned, asked)
        learned = learned[0][:train], learned[1][:train]
        _must_suffice(learned, asked, found.classes)
    classes = [printable(name, 60) for name in found.classes]
    return create(
        path,
        title=title,
        train=learned,
        test=asked,
        classes=classes,
        rules_text=rules(title, OWN, bool((settings or {}).get("own_training_data"))),
        description={"pictures": OWN},
        settings=settings,
    )


def _halves(found: Images, test: int | None, rng: np.random.Generator) -> tuple[Half, Half]:
    """Training and test pictures, each in an order that was drawn."""
    train_part, test_part = found.train, found.test
    if test is None:
        return _at(train_part, rng.permutation(len(train_part))), _at(test_part, np.arange(len(test_part)))
    images = np.concatenate([train_part.images, test_part.images])
    labels = np.concatenate([train_part.labels, test_part.labels])
    most = len(labels) - len(found.classes)
    if test > most:
        raise LeaderboardError(
            f"There are {len(labels):,} pictures of {len(found.classes)} classes: at most {most:,} of them "
            f"can be test pictures, not {test:,}, since something must be left to train with."
        )
    order = rng.permutation(len(labels))
    return tuple((images[part], labels[part]) for part in (order[test:], order[:test]))  # type: ignore[return-value]


def _at(part: Any, order: Array) -> Half:
    return np.asarray(part.images[order]), np.asarray(part.labels[order])


def _without_copies(learned: Half, asked: Half) -> tuple[Half, Half]:
    """Without what is there twice: a picture that students have with its label is no test picture."""
    earlier = copies(asked[0], asked[0], earlier=True)
    twice = earlier >= 0
    torn = asked[1] != asked[1][earlier]  # the same picture in two classes: no answer would be right
    out = twice.copy()
    out[earlier[twice & torn]] = True
    if twice.any():
        print(
            f"{_count(twice.sum(), 'test picture')} there twice (perhaps in another size or format): "
            f"{out.sum():,} left out" + (", of those with two labels both." if (twice & torn).any() else ".")
        )
    asked = asked[0][~out], asked[1][~out]
    known = copies(learned[0], asked[0]) >= 0
    if known.any():
        print(
            f"{_count(known.sum(), 'training picture')} among the test pictures, too (perhaps in another "
            "size or format): left out of the training pictures."
        )
    return (learned[0][~known], learned[1][~known]), asked


def _count(number: int, what: str) -> str:
    return f"1 {what} is" if number == 1 else f"{number:,} {what}s are"


def _must_suffice(learned: Half, asked: Half, classes: tuple[str, ...]) -> None:
    without = [classes[label] for label in range(len(classes)) if not (learned[1] == label).any()]
    if without:
        raise LeaderboardError(
            f"No training picture is left of {listed([printable(name, 40) for name in without])}. Add "
            "pictures, or ask for fewer test pictures."
        )
    if len(asked[1]) < FEW:
        # Half of them are public; 1.96 standard errors of a share of 0.8.
        points = 100 * 1.96 * (0.8 * 0.2 / max(len(asked[1]) // 2, 1)) ** 0.5
        print(
            f"{len(asked[1]):,} test pictures are few: half of them make the public score, so that a score "
            f"of 80 % has an interval of ±{points:.0f} points."
        )
