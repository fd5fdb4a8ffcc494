"""Which pictures are there twice: of a test picture that is a training picture, too, all know the label."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

# Two pictures are the same when thumbnails of this side, and then the pictures, differ by less, in root mean
# square and in mean, in steps of grey.
THUMBNAIL, THUMBNAILS_DIFFER, PICTURES_DIFFER = 8, 4.0, 6.0
_AT_ONCE = 500

Array = np.ndarray


def copies(images: Array, among: Array, *, earlier: bool = False) -> Array:
    """Of each of `images`, which of `among` is the same picture, int64 (n,); -1 for none.

    images, among: uint8, (n, h, w, 3) and (m, h, w, 3). The same: also when it was compressed again or saved
    in another size before it was shrunk to this one. Mirrored or cropped, it is another. earlier: look only
    at those that stand before it, where both are the same array.
    """
    found = np.full(len(images), -1)
    if not len(images) or not len(among):
        return found
    small, small_among = _thumbnails(images), _thumbnails(among)
    squares = (small_among**2).sum(axis=1)
    for start in range(0, len(images), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(images)))
        distance = squares - 2 * small[rows] @ small_among.T
        if earlier:
            distance[np.arange(len(among)) >= rows[:, None]] = np.inf
        nearest = distance.argmin(axis=1)
        apart = distance[np.arange(len(rows)), nearest] + (small[rows] ** 2).sum(axis=1)
        near = apart < small.shape[1] * THUMBNAILS_DIFFER**2
        for row, other in zip(rows[near], nearest[near], strict=True):
            differ = np.abs(images[row].astype(np.int16) - among[other]).mean()
            found[row] = other if differ < PICTURES_DIFFER else -1
    return found


def _thumbnails(images: Array) -> Array:
    """float32 (n, 8 * 8 * 3), means of parts of the pictures."""
    small = np.empty((len(images), 3 * THUMBNAIL**2), np.float32)
    for start in range(0, len(images), _AT_ONCE):
        part = torch.from_numpy(images[start : start + _AT_ONCE]).permute(0, 3, 1, 2).float()
        small[start : start + _AT_ONCE] = F.adaptive_avg_pool2d(part, THUMBNAIL).flatten(1).numpy()
    return small
