"""Exercises of notebook 05, pooling: references, cases, known mistakes.

Everything is told in PyTorch: windows by `Tensor.unfold`, gradients by autograd. Except in the group for
ties no two numbers of a picture are equal, so that there is one right gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, case

NOTEBOOK = "05_pooling"

Pair = int | tuple[int, int]


# --- numbers for cases ------------------------------------------------------------------------------------


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """The whole numbers from 1 on in any order, as floats: no two alike."""
    return 1.0 + rng.permutation(int(np.prod(shape))).reshape(shape)


def negative(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """The whole numbers from -1 down in any order, as floats."""
    return -positive(rng, *shape)


def mixed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Fractions of both signs, no two alike and none 0."""
    count = int(np.prod(shape))
    return (rng.permutation(count).reshape(shape) - count // 2 + 0.5) / 4


def fractions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Upstream gradients: both signs, two decimals, none 0."""
    return rng.choice([-1, 1], size=shape) * rng.integers(10, 400, size=shape) / 100


# --- pooling in PyTorch -----------------------------------------------------------------------------------


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _settings(kernel_size: Pair, stride: Pair | None, padding: Pair) -> list[tuple[int, int]]:
    return [_pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)]


def _bordered(x: Tensor, padding: Pair, value: float) -> Tensor:
    ph, pw = _pair(padding)
    return F.pad(x, (pw, pw, ph, ph), value=value)


def _windows(x: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """(N, C, oh, ow, kh * kw): the numbers of every window, row by row."""
    return x.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]).flatten(4)


def _max(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    return F.max_pool2d(_bordered(x, padding, -torch.inf), _pair(kernel_size), stride)


def _avg(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    return F.avg_pool2d(_bordered(x, padding, 0.0), _pair(kernel_size), stride)


def _out(pool: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Any]]:
    """What a forward returns when it pools like this; whatever it keeps in its cache."""

    def forward(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Any:
        return pool(x, kernel_size, stride=stride, padding=padding), ANYTHING

    return forward


def _documented(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Any:
    return (x, *_settings(kernel_size, stride, padding))


def _upstream(
    rng: np.random.Generator, x: np.ndarray, kernel_size: Pair, *, whole: bool = False, **options: Any
) -> Case:
    """A case of a backward; the upstream gradient has the shape of the forward's output."""
    shape = _avg(torch.from_numpy(x), kernel_size, **options).shape
    return case((positive if whole else fractions)(rng, *shape), x, kernel_size, **options)


# --- max_pool2d_forward -----------------------------------------------------------------------------------

BESIDE, OVERLAP, PADDED = "windows side by side", "windows that overlap", "padding"
REMAINDER = "rows and columns that no window reads"
OBLONG = "pictures that are not square"
PAIRS = "another window, stride and padding for rows than for columns"
VIEWS, TIES = "arrays that are views into larger ones", "equal numbers in one window"


def _forward_beside(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), 2)
    yield case(negative(rng, 1, 3, 4, 4), 2)
    yield case(mixed(rng, 3, 2, 6, 6), 3)


def _forward_overlap(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 3, 3), 2, stride=1)
    yield case(negative(rng, 2, 1, 5, 5), 3, stride=2)
    yield case(mixed(rng, 2, 3, 7, 7), 3, stride=2)


def _forward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 3, 3), 2)
    yield case(negative(rng, 1, 2, 7, 7), 2, stride=3)
    yield case(mixed(rng, 2, 2, 8, 8), 3, stride=2)


def _forward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(negative(rng, 1, 1, 2, 2), 2, padding=1)
    yield case(negative(rng, 1, 2, 5, 5), 3, stride=2, padding=1)
    yield case(mixed(rng, 2, 3, 6, 6), 4, stride=2, padding=2)


def _forward_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 2, 4), 2)
    yield case(negative(rng, 1, 2, 8, 2), 2)
    yield case(mixed(rng, 2, 1, 5, 9), 3, stride=2, padding=1)


def _forward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), (1, 2))
    yield case(negative(rng, 1, 2, 5, 5), (2, 3), stride=(3, 1), padding=(1, 0))
    yield case(mixed(rng, 2, 3, 7, 6), (3, 2), stride=(1, 2), padding=(0, 1))


def _forward_views(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), 2)
    yield case(negative(rng, 1, 2, 5, 7), 3, stride=2)


MAX_POOL2D_FORWARD = Exercise(
    name="max_pool2d_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache)",
    parts=("out", "cache"),
    reference=_out(_max),
    groups=(
        Group(BESIDE, 1, _forward_beside),
        Group(OVERLAP, 1, _forward_overlap),
        Group(REMAINDER, 1, _forward_remainder),
        Group(PADDED, 2, _forward_padded),
        Group(OBLONG, 1, _forward_oblong),
        Group(PAIRS, 1, _forward_pairs),
        Group(VIEWS, 1, _forward_views, probe="not_contiguous"),
    ),
)


# --- max_pool2d_backward ----------------------------------------------------------------------------------

Share = Callable[[Tensor], Tensor]


def _all_ties(windows: Tensor) -> Tensor:
    return (windows == windows.amax(-1, keepdim=True)).double()


def _first_tie(windows: Tensor) -> Tensor:
    ties = _all_ties(windows)
    return ties * (ties.cumsum(-1) == 1)


def _last_tie(windows: Tensor) -> Tensor:
    return _first_tie(windows.flip(-1)).flip(-1)


def _split_ties(windows: Tensor) -> Tensor:
    ties = _all_ties(windows)
    return ties / ties.sum(-1, keepdim=True)


def _handed_back(share: Share, *, border: float = -torch.inf, moves: bool = True) -> Callable[..., Tensor]:
    """dx, when each window hands `dout` times `share(its numbers)` to its numbers."""

    def dx(
        dout: Tensor, x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0
    ) -> Tensor:
        kernel, steps, _ = _settings(kernel_size, stride, padding)
        x = x.clone().requires_grad_()
        windows = _windows(_bordered(x, padding, border), kernel, steps if moves else (1, 1))
        windows = windows[:, :, : dout.shape[2], : dout.shape[3]]
        (gradient,) = torch.autograd.grad(windows, x, share(windows.detach()) * dout[..., None])
        return gradient

    return dx


def _backward_beside(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 4, 4), 2, whole=True)
    yield _upstream(rng, negative(rng, 1, 3, 4, 4), 2)
    yield _upstream(rng, mixed(rng, 3, 2, 6, 6), 3)


def _backward_overlap(rng: np.random.Generator) -> Iterator[Case]:
    centre = positive(rng, 1, 1, 3, 3)
    centre[0, 0, 1, 1] = 10.0  # the largest number of all four windows
    yield _upstream(rng, centre, 2, whole=True, stride=1)
    yield _upstream(rng, negative(rng, 2, 1, 5, 5), 3, stride=2)
    yield _upstream(rng, mixed(rng, 2, 3, 7, 7), 3, stride=2)


def _backward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 3, 3), 2, whole=True)
    yield _upstream(rng, negative(rng, 1, 2, 7, 7), 2, stride=3)
    yield _upstream(rng, mixed(rng, 2, 2, 8, 8), 3, stride=2)


def _backward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, negative(rng, 1, 1, 2, 2), 2, whole=True, padding=1)
    yield _upstream(rng, negative(rng, 1, 2, 5, 5), 3, stride=2, padding=1)
    yield _upstream(rng, mixed(rng, 2, 3, 6, 6), 4, stride=2, padding=2)


def _backward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 2, 4), (1, 2), whole=True)
    yield _upstream(rng, negative(rng, 1, 2, 5, 7), (2, 3), stride=(3, 1), padding=(1, 0))
    yield _upstream(rng, mixed(rng, 2, 3, 7, 6), (3, 2), stride=(1, 2), padding=(0, 1))


def _backward_ties(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, np.full((1, 1, 2, 2), 5.0), 2)
    few = rng.integers(0, 2, size=(1, 2, 4, 4)).astype(float)
    few[..., 0, :2] = few[..., 2:, 2] = 1.0
    yield _upstream(rng, few, 2)
    yield _upstream(rng, rng.integers(0, 2, size=(2, 1, 5, 5)).astype(float), 3, stride=2)


def _backward_views(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 4, 4), 2, whole=True)
    yield _upstream(rng, negative(rng, 1, 2, 5, 7), 3, stride=2)


MAX_POOL2D_BACKWARD = Exercise(
    name="max_pool2d_backward",
    notebook=NOTEBOOK,
    asked="the array dx",
    probe="own_cache",
    documented=_documented,
    reference=_handed_back(_first_tie),
    also_accepted=tuple(_handed_back(share) for share in (_all_ties, _split_ties, _last_tie)),
    groups=(
        Group(BESIDE, 1, _backward_beside),
        Group(OVERLAP, 2, _backward_overlap),
        Group(REMAINDER, 1, _backward_remainder),
        Group(PADDED, 1, _backward_padded),
        Group(PAIRS, 1, _backward_pairs),
        Group(TIES, 1, _backward_ties),
        Group(VIEWS, 1, _backward_views, probe="own_cache_not_contiguous"),
    ),
)


# --- avg_pool2d_forward and its backward ------------------------------------------------------------------

AVG_POOL2D_FORWARD = Exercise(
    name="avg_pool2d_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache)",
    parts=("out", "cache"),
    reference=_out(_avg),
    groups=(
        Group(BESIDE, 1, _forward_beside),
        Group(OVERLAP, 1, _forward_overlap),
        Group(REMAINDER, 1, _forward_remainder),
        Group(PADDED, 1, _forward_padded),
        Group(PAIRS, 1, _forward_pairs),
    ),
)


def _evenly(windows: Tensor) -> Tensor:
    return torch.full_like(windows, 1 / windows.shape[-1])


AVG_POOL2D_BACKWARD = Exercise(
    name="avg_pool2d_backward",
    notebook=NOTEBOOK,
    asked="the array dx",
    probe="own_cache",
    documented=_documented,
    reference=_handed_back(_evenly),
    groups=(
        Group(BESIDE, 1, _backward_beside),
        Group(OVERLAP, 1, _backward_overlap),
        Group(REMAINDER, 1, _backward_remainder),
        Group(PADDED, 1, _backward_padded),
        Group(PAIRS, 1, _backward_pairs),
    ),
)


# --- global_avg_pool --------------------------------------------------------------------------------------

SQUARE, ANY_SIZE = "square pictures", "any height, width and batch"


def _global_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 2, 2, 2))
    yield case(mixed(rng, 2, 3, 4, 4))


def _global_any(rng: np.random.Generator) -> Iterator[Case]:
    yield case(mixed(rng, 2, 1, 2, 3))
    yield case(mixed(rng, 1, 4, 5, 2))
    yield case(mixed(rng, 3, 2, 1, 6))


GLOBAL_AVG_POOL = Exercise(
    name="global_avg_pool",
    notebook=NOTEBOOK,
    asked="an array (N, C)",
    reference=lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    groups=(Group(SQUARE, 1, _global_square), Group(ANY_SIZE, 1, _global_any)),
)


EXERCISES = (
    MAX_POOL2D_FORWARD,
    MAX_POOL2D_BACKWARD,
    AVG_POOL2D_FORWARD,
    AVG_POOL2D_BACKWARD,
    GLOBAL_AVG_POOL,
)
