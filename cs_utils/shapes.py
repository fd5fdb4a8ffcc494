"""Pictures of ten shapes, made by a formula: as many as one likes, with known outlines, and no two alike.

    images, labels = make_images(1000, seed=1)
    images, labels, masks = make_images(1000, size=64, difficulty=0.5, seed=1, masks=True)

Each shape is an implicit function: negative inside, positive outside, and near the outline about the distance
from it. Everything is computed for 250 pictures at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

CLASSES = ("disc", "ring", "square", "cross", "triangle", "star", "crescent", "heart", "hexagon", "arrow")
VERSION = 1  # another number when other pictures come of the same seed
_BLOCK = 250  # pictures that are made together; picture number i is the same however many are made

Array = np.ndarray


@overload
def make_images(
    n: int, *, size: int = ..., difficulty: float = ..., seed: int, masks: Literal[False] = ...
) -> tuple[Array, Array]: ...
@overload
def make_images(
    n: int, *, size: int = ..., difficulty: float = ..., seed: int, masks: Literal[True]
) -> tuple[Array, Array, Array]: ...


def make_images(
    n: int, *, size: int = 32, difficulty: float = 1.0, seed: int, masks: bool = False
) -> tuple[Array, Array] | tuple[Array, Array, Array]:
    """Pictures of shapes and their classes.

    difficulty: 0 for upright shapes in one colour on another; at 1 they are turned, stretched and shifted,
    small or large, textured, close to the background in colour, among other small things, behind a bar,
    unevenly lit and noisy. Anything from 0 to 1.5. seed: the same number gives the same pictures, and the
    first pictures do not depend on n.

    Returns images, uint8 of shape (n, size, size, 3); labels, int64 of shape (n,), positions in `CLASSES`;
    and with `masks=True` bool of shape (n, size, size), true on the whole shape, also where something lies
    over it.
    """
    if n < 0 or size < 8 or not 0 <= difficulty <= 1.5 or seed < 0:
        raise ValueError(
            f"n={n}, size={size}, difficulty={difficulty}, seed={seed}: n and seed cannot be negative, "
            "size is at least 8, and difficulty from 0 to 1.5"
        )
    images = np.empty((n, size, size, 3), np.uint8)
    labels = np.empty(n, np.int64)
    outlines = np.empty((n, size, size), bool)
    for start in range(0, n, _BLOCK):
        part = slice(start, min(start + _BLOCK, n))
        made = _block(np.random.default_rng([seed, start // _BLOCK]), size, difficulty)
        images[part], labels[part], outlines[part] = (each[: part.stop - start] for each in made)
    return (images, labels, outlines) if masks else (images, labels)


def _block(rng: np.random.Generator, size: int, difficulty: float) -> tuple[Array, Array, Array]:
    labels = rng.integers(len(CLASSES), size=_BLOCK)
    pose = _pose(rng, difficulty)
    x, y = _grid(size)
    distance = np.empty((_BLOCK, size, size), np.float32)
    for label, name in enumerate(CLASSES):
        chosen = labels == label
        u, v = pose.to_shape(x, y, chosen)
        distance[chosen] = _SHAPES[name](u, v) * pose.radius[chosen, None, None]
    behind, colour = _colours(rng, difficulty)
    image = _textured(rng, behind, size, difficulty)
    _paint(image, _coverage(distance, size), _textured(rng, colour, size, difficulty))
    _clutter(rng, image, difficulty)
    _bar(rng, image, pose, difficulty)
    _light_and_noise(rng, image, difficulty)
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return pixels, labels, distance < 0


# --- the shapes, of radius 1 around (0, 0), v pointing up ---------------------------------------------------


def _disc(u: Array, v: Array) -> Array:
    return np.hypot(u, v) - 0.88


def _ring(u: Array, v: Array) -> Array:
    return abs(np.hypot(u, v) - 0.7) - 0.22


def _square(u: Array, v: Array) -> Array:
    return np.maximum(abs(u), abs(v)) - 0.74


def _cross(u: Array, v: Array) -> Array:
    u, v = abs(u), abs(v)
    return np.maximum(np.minimum(u, v) - 0.27, np.maximum(u, v) - 0.92)


def _polygon(u: Array, v: Array, corners: int, inner: float) -> Array:
    """Distance from the lines through the sides; inner: from the middle to a side. One side lies below."""
    turns = 2 * np.pi * np.arange(corners) / corners - np.pi / 2
    sides = [np.float32(np.cos(turn)) * u + np.float32(np.sin(turn)) * v for turn in turns]
    return np.maximum.reduce(sides) - inner


def _triangle(u: Array, v: Array) -> Array:
    return _polygon(u, v, 3, 0.5)


def _hexagon(u: Array, v: Array) -> Array:
    return _polygon(u, v, 6, 0.8)


def _star(u: Array, v: Array) -> Array:
    """Five points: all ten half points lie on one another when folded, and a half point is a half plane."""
    fold = np.float32(2 * np.pi / 5)
    radius = np.hypot(u, v)
    turn = abs((np.arctan2(u, v) + fold / 2) % fold - fold / 2)
    tip, notch = np.array([1.0, 0.0]), 0.42 * np.array([np.cos(np.pi / 5), np.sin(np.pi / 5)])
    along = (notch - tip) / np.linalg.norm(notch - tip)
    return (
        radius * np.cos(turn) * np.float32(along[1]) - radius * np.sin(turn) * np.float32(along[0]) - along[1]
    )


def _crescent(u: Array, v: Array) -> Array:
    return np.maximum(np.hypot(u, v) - 0.92, 0.76 - np.hypot(u - 0.48, v))


def _heart(u: Array, v: Array) -> Array:
    """A square that stands on a corner, and a disc on each of its upper sides."""
    half, lowered = np.float32(0.46), np.float32(0.14)
    s, t = (v + u) / np.float32(np.sqrt(2)) + lowered, (v - u) / np.float32(np.sqrt(2)) + lowered
    discs = np.minimum(np.hypot(s - half, t), np.hypot(s, t - half)) - half
    return np.minimum(np.maximum(abs(s), abs(t)) - half, discs)


def _arrow(u: Array, v: Array) -> Array:
    shaft = np.maximum(abs(u + 0.4) - 0.52, abs(v) - 0.2)
    head = np.maximum(0.05 - u, (0.93 * abs(v) + 0.66 * (u - 0.95)) / np.float32(1.14))
    return np.minimum(shaft, head)


_SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "disc": _disc,
    "ring": _ring,
    "square": _square,
    "cross": _cross,
    "triangle": _triangle,
    "star": _star,
    "crescent": _crescent,
    "heart": _heart,
    "hexagon": _hexagon,
    "arrow": _arrow,
}


# --- where and how they stand -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pose:
    """Of each picture: middle and radius of the shape, in widths of the picture, and picture -> shape (2,
    2)."""

    middle: Array
    radius: Array
    inverse: Array

    def to_shape(self, x: Array, y: Array, chosen: Array) -> tuple[Array, Array]:
        """The coordinates (x, y) of a picture as coordinates (u, v) of the chosen pictures' shapes."""
        middle, inverse = self.middle[chosen, :, None, None], self.inverse[chosen, ..., None, None]
        x, y = x - middle[:, 0], y - middle[:, 1]
        return inverse[:, 0, 0] * x + inverse[:, 0, 1] * y, inverse[:, 1, 0] * x + inverse[:, 1, 1] * y


def _pose(rng: np.random.Generator, difficulty: float) -> _Pose:
    mild = min(difficulty, 1.0)
    radius = rng.uniform(0.36 - 0.14 * mild, 0.4 + 0.02 * mild, _BLOCK)
    turn = rng.uniform(-np.pi, np.pi, _BLOCK) * mild
    stretch = np.exp(rng.uniform(-0.22, 0.22, _BLOCK) * difficulty)
    shear = rng.uniform(-0.35, 0.35, _BLOCK) * difficulty
    # Room to the edge, so that the shape stays in the picture but for a corner of those that are stretched.
    middle = rng.uniform(-1, 1, (_BLOCK, 2)) * (0.5 - radius[:, None]) * mild
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    stretched = np.array([[stretch, shear], [np.zeros(_BLOCK), 1 / stretch]])
    forward = np.einsum("ijn,jkn,n->nik", turned, stretched, radius)
    return _Pose(*(each.astype(np.float32) for each in (middle, radius, np.linalg.inv(forward))))


def _grid(size: int) -> tuple[Array, Array]:
    """x to the right and y up, from -0.5 to 0.5, at the middles of pixels: (1, size) and (size, 1)."""
    steps = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    return steps[None, :], -steps[:, None]


def _coverage(distance: Array, size: int) -> Array:
    """How much of a pixel lies inside: soft edges. distance: in widths of the picture."""
    return np.clip(0.5 - distance * size, 0, 1)


# --- what they look like, and what is around them -----------------------------------------------------------


def _colours(rng: np.random.Generator, difficulty: float) -> tuple[Array, Array]:
    """Background and shape, (n, 3) each: never closer than can be seen, and closer where it is difficult."""
    behind = rng.uniform(0.15, 0.85, (_BLOCK, 3))
    # Lighter or darker, where there is more room for it, and some other hue.
    towards = np.where(behind.mean(axis=1, keepdims=True) < 0.5, 1, -1) * rng.uniform(0.5, 1, (_BLOCK, 3))
    contrast = rng.uniform(0.75 - 0.4 * difficulty, 0.85 - 0.25 * difficulty, (_BLOCK, 1))
    return behind.astype(np.float32), np.clip(behind + towards * contrast, 0, 1).astype(np.float32)


def _textured(rng: np.random.Generator, colour: Array, size: int, difficulty: float) -> Array:
    """Stripes of two kinds and clouds over a colour: (n, 3, size, size)."""
    image = np.repeat(colour[:, :, None, None], size * size, axis=2).reshape(_BLOCK, 3, size, size)
    if not difficulty:
        return image
    x, y = _grid(size)
    turn, waves, phase = rng.uniform(0, 2 * np.pi, (3, _BLOCK, 1, 1)).astype(np.float32)
    along = (np.cos(turn) * x + np.sin(turn) * y) * (2 + 1.5 * waves) * np.float32(2 * np.pi)
    stripes = np.sin(along + phase)
    clouds = _smooth(rng.uniform(-1, 1, (_BLOCK, 5, 5)), size)
    tint = rng.uniform(-1, 1, (2, _BLOCK, 3, 1, 1)).astype(np.float32)
    for pattern, hue, strength in ((stripes, tint[0], 0.11), (clouds, tint[1], 0.2)):
        image += pattern[:, None] * (hue * np.float32(strength * difficulty))
    return image


def _smooth(coarse: Array, size: int) -> Array:
    """Values on a small grid, linearly between them on a large one: (n, k, k) -> (n, size, size)."""
    steps = np.linspace(0, coarse.shape[1] - 1, size)
    weights = np.maximum(0, 1 - abs(steps[:, None] - np.arange(coarse.shape[1]))).astype(np.float32)
    return weights @ coarse.astype(np.float32) @ weights.T


def _paint(image: Array, coverage: Array, colour: Array) -> None:
    """Lay `colour`, (n, 3, size, size) or (n, 3, 1, 1), over the image where `coverage` is 1."""
    image += (colour - image) * coverage[:, None]


def _clutter(rng: np.random.Generator, image: Array, difficulty: float) -> None:
    """Small discs and squares anywhere."""
    size = image.shape[-1]
    x, y = _grid(size)
    for _ in range(round(4 * difficulty)):
        middle = rng.uniform(-0.5, 0.5, (2, _BLOCK, 1, 1)).astype(np.float32)
        radius = rng.uniform(0.025, 0.06, (_BLOCK, 1, 1)).astype(np.float32)
        across, up = abs(x - middle[0]), abs(y - middle[1])
        round_ = rng.random((_BLOCK, 1, 1)) < 0.5
        distance = np.where(round_, np.hypot(across, up), np.maximum(across, up)) - radius
        _paint(image, _coverage(distance, size), _any_colour(rng))


def _bar(rng: np.random.Generator, image: Array, pose: _Pose, difficulty: float) -> None:
    """A bar across the shape, in most pictures."""
    size = image.shape[-1]
    x, y = _grid(size)
    turn = rng.uniform(0, np.pi, (_BLOCK, 1, 1)).astype(np.float32)
    off = (rng.uniform(-0.8, 0.8, _BLOCK) * pose.radius).astype(np.float32)[:, None, None]
    width = rng.uniform(0.02, 0.06, (_BLOCK, 1, 1)).astype(np.float32) * np.float32(difficulty)
    middle = pose.middle[..., None, None]
    across = np.cos(turn) * (x - middle[:, 0]) + np.sin(turn) * (y - middle[:, 1]) - off
    there = rng.random((_BLOCK, 1, 1)) < 0.7 * difficulty
    _paint(image, _coverage(abs(across) - width, size) * there, _any_colour(rng))


def _any_colour(rng: np.random.Generator) -> Array:
    return rng.uniform(0, 1, (_BLOCK, 3, 1, 1)).astype(np.float32)


def _light_and_noise(rng: np.random.Generator, image: Array, difficulty: float) -> None:
    """Brighter to one side, and a grain."""
    if not difficulty:
        return
    x, y = _grid(image.shape[-1])
    turn, strength = rng.uniform(0, 2 * np.pi, (_BLOCK, 1, 1)), rng.uniform(0, 0.7, (_BLOCK, 1, 1))
    light = 1 + difficulty * strength * (np.cos(turn) * x + np.sin(turn) * y)
    image *= light.astype(np.float32)[:, None]
    image += rng.standard_normal(image.shape, np.float32) * np.float32(0.05 * difficulty)
