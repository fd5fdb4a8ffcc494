"""Exercises of notebook 03, the convolution layer: references, cases, known mistakes.

Everything is told in PyTorch: `F.conv2d` for layers, `F.unfold` for windows as columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch.nn.functional as F

from cs_utils.checking import ANYTHING, Case, Exercise, Group, case

NOTEBOOK = "03_convolution"


def _small(rng: np.random.Generator) -> Iterator[Case]:
    yield case(rng.normal(size=(1, 1, 3, 3)), (2, 2))


def _small_layer(rng: np.random.Generator) -> Iterator[Case]:
    yield case(rng.normal(size=(1, 1, 3, 3)), rng.normal(size=(1, 1, 2, 2)), rng.normal(size=1))


IM2COL = Exercise(
    name="im2col",
    notebook=NOTEBOOK,
    asked="an array (N, C * kh * kw, oh * ow)",
    reference=lambda x, kernel_size, **options: F.unfold(x, kernel_size, **options),
    groups=(Group("one channel", 1, _small),),
)

CONV2D_FORWARD = Exercise(
    name="conv2d_forward",
    notebook=NOTEBOOK,
    asked="the output, an array (N, D, oh, ow), and the cache",
    parts=("out", "cache"),
    reference=lambda x, w, b, **options: (F.conv2d(x, w, b, **options), ANYTHING),
    groups=(Group("one channel, one filter", 1, _small_layer),),
)

EXERCISES = (IM2COL, CONV2D_FORWARD)
