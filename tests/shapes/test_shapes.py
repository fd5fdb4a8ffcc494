"""Procedural pictures: the same for the same seed, with masks that fit, of shapes that can be told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_utils.shapes import CLASSES, make_images


def test_what_comes_back() -> None:
    images, labels, masks = make_images(300, size=24, seed=5, masks=True)
    assert images.shape == (300, 24, 24, 3) and images.dtype == np.uint8
    assert labels.dtype == np.int64 and set(labels) == set(range(10)) and len(CLASSES) == 10
    assert masks.shape == (300, 24, 24) and masks.dtype == bool
    assert len(make_images(3, seed=5)) == 2 and make_images(0, seed=5)[0].shape == (0, 32, 32, 3)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**128), st.integers(0, 260), st.sampled_from([8, 17, 32]), st.floats(0, 1.5))
def test_the_seed_decides_and_the_first_pictures_do_not_depend_on_how_many(
    seed: int, n: int, size: int, difficulty: float
) -> None:
    few = make_images(n, size=size, difficulty=difficulty, seed=seed, masks=True)
    more = make_images(n + 3, size=size, difficulty=difficulty, seed=seed, masks=True)
    assert all((one == other[:n]).all() for one, other in zip(few, more, strict=True))


def test_other_seeds_give_other_pictures_and_none_comes_twice() -> None:
    first, second = (make_images(600, seed=seed)[0] for seed in (2**127, 2**127 + 1))
    both = np.concatenate([first, second]).reshape(1200, -1)
    assert len(np.unique(both, axis=0)) == 1200


def test_labels_are_drawn_evenly_and_independently() -> None:
    labels = make_images(5000, size=8, difficulty=0, seed=0)[1]
    assert np.abs(np.bincount(labels) - 500).max() < 6 * np.sqrt(500 * 0.9)
    assert abs((labels[1:] == labels[:-1]).mean() - 0.1) < 6 * np.sqrt(0.09 / 5000)


@pytest.mark.parametrize(
    "wrong", [{"n": -1}, {"size": 7}, {"difficulty": 1.6}, {"difficulty": -0.1}, {"seed": -1}]
)
def test_what_cannot_be_is_said(wrong: dict) -> None:
    with pytest.raises(ValueError, match="n and seed cannot be negative, size is at least 8"):
        make_images(**({"n": 1, "seed": 1} | wrong))


def test_on_plain_pictures_the_mask_is_where_the_colour_is() -> None:
    """Nothing but two colours: every pixel but those on the outline is the one or the other."""
    images, _, masks = make_images(250, size=48, difficulty=0, seed=1, masks=True)
    for image, mask in zip(images.astype(int), masks, strict=True):
        inside, outside = image[mask], image[~mask]
        shape, behind = np.median(inside, axis=0), np.median(outside, axis=0)
        nearer = np.abs(image - shape).sum(axis=-1) < np.abs(image - behind).sum(axis=-1)
        assert (nearer != mask).mean() < 0.01
        assert (np.abs(inside - shape).max(axis=1) < 2).mean() > 0.7


def test_on_difficult_pictures_the_mask_is_still_where_the_colour_differs() -> None:
    images, _, masks = make_images(500, size=32, seed=2, masks=True)
    differ = [
        np.abs(i[m].mean(axis=0) - i[~m].mean(axis=0)).max() for i, m in zip(images, masks, strict=True)
    ]
    assert np.quantile(differ, 0.05) > 25 and np.median(differ) > 50  # of 255


@pytest.mark.parametrize("difficulty", [0, 0.5, 1, 1.5])
def test_shapes_are_of_reasonable_size_and_mostly_in_the_picture(difficulty: float) -> None:
    masks = make_images(1000, size=32, difficulty=difficulty, seed=3, masks=True)[2]
    area = masks.mean(axis=(1, 2))
    assert area.min() > 0.015 and area.max() < 0.5
    border = np.concatenate([masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]], axis=1)
    assert border.mean() < 0.03


def test_difficulty_makes_shapes_harder_to_see() -> None:
    def contrast(difficulty: float) -> float:
        images, _, masks = make_images(500, difficulty=difficulty, seed=4, masks=True)
        pairs = zip(images / 255, masks, strict=True)
        ratios = [
            np.abs(i[m].mean(axis=0) - i[~m].mean(axis=0)).max() / i[~m].std(axis=0).mean() for i, m in pairs
        ]
        return float(np.median(ratios))

    plain, half, full = (contrast(difficulty) for difficulty in (0.1, 0.5, 1))
    assert plain > 2 * half > 2 * full > 2


def outline(mask: np.ndarray) -> np.ndarray:
    """What a shape is when turning, shifting, stretching and shear do not count.

    Its pixels are moved to their mean and brought to the same spread in all directions, which leaves a turn;
    of how many lie at each distance in each direction, the strength of every frequency around the middle
    leaves not even that.
    """
    points = np.argwhere(mask).astype(float)
    points -= points.mean(axis=0)
    points = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T) + 1e-9 * np.eye(2))).T
    radius, turn = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
    counts = np.histogram2d(radius, turn, bins=[np.linspace(0, 2.6, 9), np.linspace(-np.pi, np.pi, 25)])[0]
    return abs(np.fft.rfft(counts / len(points), axis=1)).ravel()


def test_every_class_can_be_told_by_its_outline_however_it_is_turned_and_stretched() -> None:
    _, labels, masks = make_images(1000, size=48, seed=6, masks=True)
    features = np.stack([outline(mask) for mask in masks])
    known, asked = slice(0, 750), slice(750, 1000)
    distance = (features[known] ** 2).sum(axis=1) - 2 * features[asked] @ features[known].T
    told = labels[known][distance.argmin(axis=1)]
    for label, name in enumerate(CLASSES):
        right = (told == label)[labels[asked] == label].mean()
        assert right > 0.75, f"{name}: {right:.0%} of its outlines are nearest to another {name}"
    assert (told == labels[asked]).mean() > 0.9


def test_every_class_can_be_told_on_plain_pictures() -> None:
    """The class whose mean mask overlaps most."""
    _, labels, masks = make_images(500, size=32, difficulty=0, seed=7, masks=True)
    means = np.stack([masks[:250][labels[:250] == label].mean(axis=0) > 0.5 for label in range(10)])
    overlap = (masks[250:, None] & means).sum(axis=(2, 3)) / (masks[250:, None] | means).sum(axis=(2, 3))
    assert (overlap.argmax(axis=1) == labels[250:]).mean() > 0.97
