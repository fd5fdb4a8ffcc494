"""Exercises of notebook 05, pooling: references, cases, known mistakes.

Everything is told in PyTorch: windows by `Tensor.unfold`, gradients by autograd. Except in the group for
ties no two numbers of a picture are equal, so that there is one right gradient; where there are ties, the
gradient may go to the first, to the last, to all, or in equal parts to all of the largest numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, case

NOTEBOOK = "05_pooling"

Pair = int | tuple[int, int]
Pool = Callable[[Tensor, Pair, Pair | None, Pair], Tensor]  # x, kernel_size, stride, padding -> out
Gradient = Callable[[Tensor, Tensor, Pair, Pair | None, Pair], Tensor]  # dout, then the same -> dx


# --- numbers for cases ------------------------------------------------------------------------------------


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """The whole numbers from 1 on in any order, as floats: no two alike."""
    return 1.0 + rng.permutation(math.prod(shape)).reshape(shape)


def negative(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """The whole numbers from -1 down in any order, as floats."""
    return -positive(rng, *shape)


def mixed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Fractions of both signs, no two alike and none 0."""
    count = math.prod(shape)
    return (rng.permutation(count).reshape(shape) - count // 2 + 0.5) / 4


def fractions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Upstream gradients: both signs, two decimals, none 0."""
    return rng.choice([-1, 1], size=shape) * rng.integers(10, 400, size=shape) / 100


# --- pooling in PyTorch -----------------------------------------------------------------------------------


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _settings(kernel_size: Pair, stride: Pair | None, padding: Pair) -> tuple[tuple[int, int], ...]:
    return _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)


def _bordered(x: Tensor, padding: Pair, value: float) -> Tensor:
    above, left = _pair(padding)
    return F.pad(x, (left, left, above, above), value=value)


def _windows(x: Tensor, kernel_size: Pair, stride: Pair) -> Tensor:
    """(N, C, oh, ow, kh * kw): the numbers of every window, row by row."""
    (high, wide), (down, across) = _pair(kernel_size), _pair(stride)
    return x.unfold(2, high, down).unfold(3, wide, across).flatten(4)


def _max(x: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    return F.max_pool2d(_bordered(x, padding, -torch.inf), kernel_size, stride)


def _avg(x: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    return F.avg_pool2d(_bordered(x, padding, 0.0), kernel_size, stride)


def _forward(pool: Pool, kept: Any = ANYTHING) -> Callable[..., Any]:
    """A forward that pools like this, whatever it keeps in its cache."""

    def forward(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Any:
        out = pool(x, kernel_size, stride, padding)
        return out if kept is None else (out, kept)

    return forward


def _documented(x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Any:
    return (x, *_settings(kernel_size, stride, padding))


# --- mistakes that both kinds of pooling know -------------------------------------------------------------


def _steps_of_one(pool: Pool) -> Pool:
    """The output has the right size, but the windows move by one."""

    def wrong(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        rows, columns = pool(x, kernel_size, stride, padding).shape[2:]
        return pool(x, kernel_size, 1, padding)[:, :, :rows, :columns]

    return wrong


def _every_pair(pool: Pool, change: Callable[[tuple[int, int]], Pair]) -> Pool:
    return lambda x, *options: pool(x, *map(change, _settings(*options)))


def _pairs_refused(pool: Pool) -> Pool:
    def wrong(x: Tensor, *options: Any) -> Tensor:
        if any(isinstance(option, tuple) for option in options):
            raise TypeError("unsupported operand type(s)")
        return pool(x, *options)

    return wrong


def _square_picture(pool: Pool) -> Pool:
    """The number of columns is counted from the picture's height: some are missing, or windows are empty."""

    def wrong(x: Tensor, *options: Any) -> Tensor:
        out = pool(x, *options)
        (_, wide), (_, across), (_, left) = _settings(*options)
        counted = (x.shape[2] + 2 * left - wide) // across + 1
        if counted > out.shape[3]:
            raise ValueError("zero-size array to reduction operation")
        return out[..., :counted]

    return wrong


def _in_blocks(pool: Pool) -> Pool:
    """The picture is cut into blocks by `reshape`, which refuses blocks that do not make up the picture."""

    def wrong(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        out = pool(x, kernel_size, stride, padding)
        if out.numel() * math.prod(_pair(kernel_size)) != _bordered(x, padding, 0.0).numel():
            raise ValueError("cannot reshape array")
        return out

    return wrong


def _rounded_up(pool: Pool) -> Pool:
    of_torch, border = (F.max_pool2d, -torch.inf) if pool is _max else (F.avg_pool2d, 0.0)
    return lambda x, kernel_size, stride, padding: of_torch(
        _bordered(x, padding, border), kernel_size, stride, ceil_mode=True
    )


# --- cases of the forwards --------------------------------------------------------------------------------

BESIDE, OVERLAP, PADDED = "windows side by side", "windows that overlap", "padding"
REMAINDER = "rows and columns that no window reads"
OBLONG = "pictures that are not square"
PAIRS = "another window, stride and padding for rows than for columns"
VIEWS, TIES = "arrays that are views into larger ones", "equal numbers in one window"


# Where a mistake is predicted to raise an error, a case with a single window shows that it does not always:
# code that raises the same error everywhere has another mistake.


def _forward_beside(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), 2)
    yield case(negative(rng, 1, 2, 2, 2), 2)
    yield case(negative(rng, 1, 3, 4, 4), 2)
    yield case(mixed(rng, 3, 2, 6, 6), 3)


def _forward_overlap(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 3, 3), 2, stride=1)
    yield case(negative(rng, 2, 1, 5, 5), 3, stride=2)
    yield case(mixed(rng, 2, 3, 7, 7), 3, stride=2)
    yield case(positive(rng, 1, 1, 3, 3), 3, stride=1)


def _forward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 3, 3), 2)
    yield case(negative(rng, 1, 2, 7, 7), 2, stride=3)
    yield case(mixed(rng, 2, 2, 8, 8), 3, stride=2)
    yield case(positive(rng, 1, 1, 3, 3), 3, stride=4)


def _forward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(negative(rng, 1, 3, 2, 2), 2, padding=1)
    yield case(negative(rng, 1, 2, 5, 5), 3, stride=2, padding=1)
    yield case(mixed(rng, 2, 3, 6, 6), 6, stride=2, padding=3)


def _forward_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 2, 4), 2)
    yield case(negative(rng, 1, 2, 8, 2), 2)
    yield case(mixed(rng, 2, 1, 5, 9), 3, stride=2)


def _forward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), (1, 2))
    yield case(negative(rng, 1, 2, 6, 6), (2, 3), stride=(3, 1), padding=(1, 0))
    yield case(mixed(rng, 2, 3, 7, 6), (3, 2), stride=(1, 2), padding=(0, 1))
    yield case(positive(rng, 1, 1, 3, 3), 3)


def _forward_views(rng: np.random.Generator) -> Iterator[Case]:
    yield case(positive(rng, 1, 1, 4, 4), 2)
    yield case(negative(rng, 1, 2, 5, 7), 3, stride=2)


# --- what may be said of both forwards --------------------------------------------------------------------

BOTH_NUMBERS = "`pair(...)` gives two numbers: the first is for the rows, the second for the columns."
MAKE_PAIRS = "`kernel_size`, `stride` and `padding` may be pairs: `pair(...)` makes one of whatever comes."
OWN_WINDOW = "Each image and each channel is pooled by itself: over which axes do you reduce?"
OUT_AND_CACHE = "A forward returns two things: `out`, and the tuple that its backward will need."


def _both(pool: Pool, **fails: tuple[str, ...]) -> tuple[Misconception, ...]:
    """The mistakes that can be made with either kind of pooling. fails: key of the mistake -> its groups."""
    known: dict[str, tuple[str, str, Pool]] = {
        "stride_one": (
            "the stride is 1 when none is given",
            "When no stride is given, `stride` is None, and the windows stand side by side.",
            lambda x, kernel, stride, padding: pool(x, kernel, 1 if stride is None else stride, padding),
        ),
        "stride_kernel": (
            "the stride is ignored: the windows always stand side by side",
            "Only when no stride is given is it the size of the window.",
            lambda x, kernel, stride, padding: pool(x, kernel, None, padding),
        ),
        "steps": (
            "the output is smaller, but the windows still move by one",
            "The size knows the stride, the windows do not: in which row does window i start?",
            _steps_of_one(pool),
        ),
        "unpadded": (
            "the padding is forgotten",
            "A border of `padding` rows and columns belongs around `x` before the first window is read.",
            lambda x, kernel, stride, padding: pool(x, kernel, stride, 0),
        ),
        "ceil": (
            "windows that hang over the edge are counted",
            "Only whole windows count, so their number is rounded down.",
            _rounded_up(pool),
        ),
        "square": (
            "the picture is taken to be square",
            "The number of columns follows from the picture's width, `x.shape[3]`.",
            _square_picture(pool),
        ),
        "swapped": (
            "rows and columns of the pairs are exchanged",
            BOTH_NUMBERS,
            _every_pair(pool, lambda pair: pair[::-1]),
        ),
        "rows": (
            "the numbers for the rows are used for the columns too",
            BOTH_NUMBERS,
            _every_pair(pool, lambda pair: pair[0]),
        ),
        "refused": ("a pair is used as if it were a number", MAKE_PAIRS, _pairs_refused(pool)),
        "few": (
            "one row and one column too few",
            "The first window is there before any step is made: where is it in your count?",
            lambda *args: pool(*args)[:, :, :-1, :-1],
        ),
        "blocks": (
            "the picture is cut into blocks with reshape",
            "Blocks cannot overlap and must fill the picture; windows can do more. Read each from its place.",
            _in_blocks(pool),
        ),
    }
    found = [
        Misconception(name, hint, _forward(wrong), fails[key])
        for key, (name, hint, wrong) in known.items()
        if key in fails
    ]
    alone = _forward(pool, kept=None)
    return (
        *found,
        Misconception("only out is returned, without a cache", OUT_AND_CACHE, alone, fails["alone"]),
    )


# --- max_pool2d_forward -----------------------------------------------------------------------------------

ALL_MAX = (BESIDE, OVERLAP, REMAINDER, PADDED, OBLONG, PAIRS, VIEWS)


def _bordered_with_zeros(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    return F.max_pool2d(_bordered(x, padding, 0.0), kernel_size, stride)


def _never_below_zero(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    return _max(x, kernel_size, stride, padding).clamp(min=0)


def _largest_of_all(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    together = x.amax((0, 1), keepdim=True).expand(x.shape)
    return _max(together, kernel_size, stride, padding)


def _place_of_the_largest(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    kernel, steps, _ = _settings(kernel_size, stride, padding)
    return _windows(_bordered(x, padding, -torch.inf), kernel, steps).argmax(-1)


MAX_POOL2D_FORWARD = Exercise(
    name="max_pool2d_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache)",
    parts=("out", "cache"),
    reference=_forward(_max),
    groups=(
        Group(BESIDE, 1, _forward_beside),
        Group(OVERLAP, 1, _forward_overlap),
        Group(REMAINDER, 1, _forward_remainder),
        Group(PADDED, 2, _forward_padded),
        Group(OBLONG, 1, _forward_oblong),
        Group(PAIRS, 1, _forward_pairs),
        Group(VIEWS, 1, _forward_views, probe="not_contiguous"),
    ),
    advice={
        OVERLAP: "Window (i, j) starts in row i * stride, and is kernel_size rows high.",
        REMAINDER: "Only whole windows count. What is left over is not read.",
        PADDED: "What must stand in the border so that it never wins?",
        VIEWS: "Use indices and slices; do not count on how the numbers lie in memory.",
    },
    misconceptions=(
        Misconception(
            "the border is filled with zeros",
            "A zero beats every negative number. The border must lose against any number.",
            _forward(_bordered_with_zeros),
            (PADDED, PAIRS),
        ),
        Misconception(
            "no output is below zero",
            "The search for the largest number starts from 0, which beats every negative number.",
            _forward(_never_below_zero),
            ALL_MAX,
        ),
        Misconception(
            "all images and channels get the same maximum", OWN_WINDOW, _forward(_largest_of_all), ALL_MAX
        ),
        Misconception(
            "the place of the largest number is returned instead of the number",
            "`argmax` says where the largest number stands; asked for is the number itself.",
            _forward(_place_of_the_largest),
            ALL_MAX,
        ),
        *_both(
            _max,
            stride_one=(BESIDE, REMAINDER, PADDED, OBLONG, PAIRS, VIEWS),
            stride_kernel=(OVERLAP, REMAINDER, PADDED, OBLONG, PAIRS, VIEWS),
            steps=ALL_MAX,
            unpadded=(PADDED, PAIRS),
            ceil=(REMAINDER,),
            square=(OBLONG, VIEWS),
            swapped=(PAIRS,),
            rows=(PAIRS,),
            refused=(PAIRS,),
            few=ALL_MAX,
            blocks=(OVERLAP, REMAINDER, PADDED, OBLONG, PAIRS, VIEWS),
            alone=ALL_MAX,
        ),
    ),
)


# --- gradients in PyTorch ---------------------------------------------------------------------------------

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


def _evenly(windows: Tensor) -> Tensor:
    return torch.full_like(windows, 1 / windows.shape[-1])


def _handed_back(share: Share, *, border: float = -torch.inf, strided: bool = True) -> Gradient:
    """dx, when each window hands `dout` times `share(its numbers)` to its numbers."""

    def gradient(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        kernel, steps, _ = _settings(kernel_size, stride, padding)
        x = x.clone().requires_grad_()
        windows = _windows(_bordered(x, padding, border), kernel, steps if strided else 1)
        windows = windows[:, :, : dout.shape[2], : dout.shape[3]]
        (found,) = torch.autograd.grad(windows, x, share(windows.detach()) * dout[..., None])
        return found

    return gradient


def _backward(gradient: Gradient) -> Callable[..., Tensor]:
    """A backward with this gradient; its options are given by name."""

    def backward(
        dout: Tensor, x: Tensor, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0
    ) -> Tensor:
        return gradient(dout, x, kernel_size, stride, padding)

    return backward


def _upstream_of_ones(share: Share) -> Gradient:
    return lambda dout, *args: _handed_back(share)(torch.ones_like(dout), *args)


def _not_cropped(share: Share) -> Gradient:
    return lambda dout, x, kernel_size, stride, padding: _handed_back(share)(
        dout, _bordered(x, padding, -torch.inf), kernel_size, stride, 0
    )


def _cropped_to_nothing(share: Share) -> Gradient:
    """`[padding:-padding]`, which leaves nothing where the padding is 0."""

    def wrong(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        dx = _handed_back(share)(dout, x, kernel_size, stride, padding)
        above, left = _pair(padding)
        return dx[:, :, : x.shape[2] if above else 0, : x.shape[3] if left else 0]

    return wrong


def _as_far_as_windows_reach(share: Share) -> Gradient:
    """dx ends where the last window ends."""

    def wrong(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        dx = _handed_back(share)(dout, x, kernel_size, stride, padding)
        settings = zip(dout.shape[2:], *_settings(kernel_size, stride, padding), strict=True)
        rows, columns = ((count - 1) * step + size - border for count, size, step, border in settings)
        return dx[:, :, :rows, :columns]

    return wrong


def _last_window_only(share: Callable[[Tensor, Tensor], Tensor]) -> Gradient:
    """Each number gets its share from the last of its windows: share(numbers, maxima of these windows)."""

    def wrong(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        kernel, steps, _ = _settings(kernel_size, stride, padding)
        padded = _bordered(x, padding, -torch.inf)
        maxima = _max(padded, kernel, stride=steps)
        for axis in (2, 3):
            size, step = kernel[axis - 2], steps[axis - 2]
            place = torch.arange(padded.shape[axis])
            last = (place // step).clamp(max=dout.shape[axis] - 1)
            within = (place - last * step < size).double()
            within = within[:, None] if axis == 2 else within
            dout, maxima = dout.index_select(axis, last) * within, maxima.index_select(axis, last)
        above, left = _pair(padding)
        dx = dout * share(padded, maxima)
        return dx.narrow(2, above, x.shape[2]).narrow(3, left, x.shape[3])

    return wrong


def _blown_up(share: Share) -> Gradient:
    """The upstream gradient is repeated into blocks, which must fill the picture."""

    def wrong(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        padded = _bordered(x, padding, -torch.inf)
        blocks = [count * size for count, size in zip(dout.shape[2:], _pair(kernel_size), strict=True)]
        if blocks != list(padded.shape[2:]):
            raise ValueError("operands could not be broadcast together")
        return _handed_back(share)(dout, x, kernel_size, stride, padding)

    return wrong


# --- cases of the backwards -------------------------------------------------------------------------------


def _upstream(
    rng: np.random.Generator, x: np.ndarray, kernel_size: Pair, *, whole: bool = False, **options: Any
) -> Case:
    """A case of a backward; the upstream gradient has the shape of the forward's output."""
    shape = _avg(torch.from_numpy(x), kernel_size, **options).shape
    return case((positive if whole else fractions)(rng, *shape), x, kernel_size, **options)


def _backward_beside(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 4, 4), 2, whole=True)
    yield _upstream(rng, positive(rng, 1, 1, 2, 4), 2, whole=True)
    yield _upstream(rng, negative(rng, 1, 3, 4, 4), 2)
    yield _upstream(rng, mixed(rng, 3, 2, 6, 6), 3)


def _backward_overlap(rng: np.random.Generator) -> Iterator[Case]:
    centre = positive(rng, 1, 1, 3, 3)
    centre[..., 1, 1] = 10.0  # the largest number of all four windows
    yield _upstream(rng, centre, 2, whole=True, stride=1)
    yield _upstream(rng, negative(rng, 2, 1, 5, 5), 3, stride=2)
    yield _upstream(rng, mixed(rng, 2, 3, 7, 7), 3, stride=2)
    yield _upstream(rng, positive(rng, 1, 1, 3, 3), 3, stride=1)


def _backward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 3, 3), 2, whole=True)
    yield _upstream(rng, negative(rng, 1, 2, 7, 7), 2, stride=3)
    shared = mixed(rng, 2, 2, 8, 8)
    shared[..., 2, 2] += 100.0  # the largest number of four windows
    yield _upstream(rng, shared, 3, stride=2)
    yield _upstream(rng, positive(rng, 1, 1, 3, 3), 3, stride=4)


def _backward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, negative(rng, 1, 2, 2, 2), 2, whole=True, padding=1)
    shared = negative(rng, 1, 2, 5, 5)
    shared[..., 1, 1] = -0.5  # the largest number of four windows
    yield _upstream(rng, shared, 3, stride=2, padding=1)
    yield _upstream(rng, mixed(rng, 2, 3, 6, 6), 6, stride=2, padding=3)


def _backward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 2, 4), (1, 2), whole=True)
    shared = negative(rng, 1, 2, 6, 7)
    shared[..., 0, 2] = -0.5  # the largest number of three windows, and not in their first column only
    yield _upstream(rng, shared, (2, 3), stride=(3, 1), padding=(1, 0))
    yield _upstream(rng, mixed(rng, 2, 3, 7, 6), (3, 2), stride=(1, 2), padding=(0, 1))


def _backward_ties(rng: np.random.Generator) -> Iterator[Case]:
    pair = rng.integers(0, 5, size=(1, 1, 2, 4)).astype(float)
    pair[..., 0, :2] = pair[..., 1, 3] = 5.0  # a tie on the left; on the right the same number once
    yield _upstream(rng, pair, 2)
    blocks = rng.integers(0, 2, size=(1, 2, 4, 4)).astype(float)
    blocks[..., 0, :2], blocks[..., 1, 0] = 1.0, 0.0  # top left: the first two are equal, not all
    blocks[..., 2:, :2], blocks[..., 2:, 2] = 0.0, 1.0  # bottom left: four zeros, as after a ReLU
    blocks[0, 0, :2, 2:], blocks[0, 1, 0, 3] = 0.0, 1.0  # top right: zeros in one channel, not in the other
    yield _upstream(rng, blocks, 2)
    overlapping = rng.integers(0, 2, size=(2, 1, 5, 5)).astype(float)
    overlapping[..., 0, :2], overlapping[..., 0, 2] = 0.0, 1.0  # the first tie of two windows
    yield _upstream(rng, overlapping, 3, stride=2)
    bordered = -rng.integers(0, 2, size=(1, 1, 3, 3)).astype(float)
    bordered[..., 0, 0] = 0.0  # may not be taken for the border
    yield _upstream(rng, bordered, 3, stride=2, padding=1)


def _backward_views(rng: np.random.Generator) -> Iterator[Case]:
    yield _upstream(rng, positive(rng, 1, 1, 4, 4), 2, whole=True)
    shared = negative(rng, 1, 2, 5, 7)
    shared[..., 2, 2] = -0.5
    yield _upstream(rng, shared, 3, stride=2)


# --- what may be said of both backwards -------------------------------------------------------------------

ADD_SHARES = "An input that lies in several windows gets a share from each of them: use `+=`."
WINDOW_START = "Window (i, j) starts in row i * stride and column j * stride, on the way back too."
END_AS_LENGTH = "`a[0:-0]` is `a[0:0]`, an empty slice. Give its end as start + length instead."
CUT_BORDER = "The border was never the caller's: its gradient is cut off, and dx has the shape of x."
SHAPE_OF_X = "dx has the shape of x. Where no window reads, the gradient is 0."
USE_DOUT = "`dout` says how much each output matters: each window hands on its own number of it."
NO_BLOCKS = "Blocks cannot overlap and must fill the picture. Go to each window's place instead."


# --- max_pool2d_backward ----------------------------------------------------------------------------------

ALL_MAX_BACK = (BESIDE, OVERLAP, REMAINDER, PADDED, PAIRS, TIES, VIEWS)


def _wins(numbers: Tensor, maxima: Tensor) -> Tensor:
    return (numbers == maxima).double()


def _winner_times_value(windows: Tensor) -> Tensor:
    return torch.where(_all_ties(windows) > 0, windows, 0.0)


def _largest_of_the_array(dout: Tensor, x: Tensor, *options: Any) -> Tensor:
    return _handed_back(lambda windows: (windows == x.max()).double())(dout, x, *options)


def _largest_of_all_channels(windows: Tensor) -> Tensor:
    return (windows == windows.amax((1, -1), keepdim=True)).double()


def _winner_overwritten(
    dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair
) -> Tensor:
    """An input that wins several windows keeps what the last of them gave it."""
    padded = _bordered(x, padding, -torch.inf)
    _, winner = F.max_pool2d(padded, kernel_size, stride, return_indices=True)
    number = torch.arange(1, winner[0, 0].numel() + 1).expand(*x.shape[:2], -1)
    latest = torch.zeros(*x.shape[:2], padded[0, 0].numel(), dtype=torch.long)
    latest = latest.scatter_reduce(2, winner.flatten(2), number, "amax")
    dx = F.pad(dout.flatten(2), (1, 0)).gather(2, latest).reshape(padded.shape)
    above, left = _pair(padding)
    return dx.narrow(2, above, x.shape[2]).narrow(3, left, x.shape[3])


def _mask_over_the_picture(
    dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair
) -> Tensor:
    """Every number of the picture that equals a window's maximum gets its share, inside the window or not."""
    maxima = _max(x, kernel_size, stride, padding).flatten(2)
    alike = (x.flatten(2)[..., None] == maxima[..., None, :]).double()
    return (alike @ dout.flatten(2)[..., None]).reshape(x.shape)


def _unravelled_by_height(
    dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair
) -> Tensor:
    """The place inside the window is taken apart with its height where its width belongs."""
    kernel, steps, (above, left) = _settings(kernel_size, stride, padding)
    padded = _bordered(x, padding, -torch.inf)
    place = _windows(padded, kernel, steps).argmax(-1)
    start_row = steps[0] * torch.arange(dout.shape[2])[:, None]
    row = start_row + place.div(kernel[0], rounding_mode="floor")
    column = steps[1] * torch.arange(dout.shape[3]) + place.remainder(kernel[0])
    if bool((row >= padded.shape[2]).any() or (column >= padded.shape[3]).any()):
        raise IndexError("index is out of bounds")
    flat = (row * padded.shape[3] + column).flatten(2)
    dx = torch.zeros_like(padded).flatten(2).scatter_add(2, flat, dout.flatten(2)).reshape(padded.shape)
    return dx.narrow(2, above, x.shape[2]).narrow(3, left, x.shape[3])


MAX_POOL2D_BACKWARD = Exercise(
    name="max_pool2d_backward",
    notebook=NOTEBOOK,
    asked="the array dx",
    probe="own_cache",
    documented=_documented,
    reference=_backward(_handed_back(_first_tie)),
    also_accepted=tuple(_backward(_handed_back(share)) for share in (_all_ties, _split_ties, _last_tie)),
    groups=(
        Group(BESIDE, 1, _backward_beside),
        Group(OVERLAP, 2, _backward_overlap),
        Group(REMAINDER, 1, _backward_remainder),
        Group(PADDED, 1, _backward_padded),
        Group(PAIRS, 1, _backward_pairs),
        Group(TIES, 1, _backward_ties),
        Group(VIEWS, 1, _backward_views, probe="own_cache_not_contiguous"),
    ),
    advice={
        BESIDE: "In each window one number gets all of the window's dout; every other number gets 0.",
        OVERLAP: "Which windows does the wrong number lie in, and which of them does it win?",
        REMAINDER: SHAPE_OF_X,
        PADDED: "Find the winners in the same padded array as the forward did, then cut the border off.",
        PAIRS: BOTH_NUMBERS,
        TIES: "Among equal largest numbers: all of dout to the first, to each, or the same part to each.",
    },
    misconceptions=(
        Misconception(
            "each window overwrites what the windows before it left",
            ADD_SHARES,
            _backward(_last_window_only(_wins)),
            (OVERLAP, REMAINDER, PADDED, PAIRS, TIES, VIEWS),
        ),
        Misconception(
            "a number that wins several windows keeps the gradient of the last one",
            ADD_SHARES,
            _backward(_winner_overwritten),
            (OVERLAP, REMAINDER, PADDED, PAIRS, TIES, VIEWS),
        ),
        Misconception(
            "only the largest number of the whole array gets a gradient",
            "Every window has a winner of its own: compare with the maximum of that window.",
            _backward(_largest_of_the_array),
            ALL_MAX_BACK,
        ),
        Misconception(
            "numbers outside the window that equal its maximum get a gradient too",
            "Compare inside the window only: the same number may stand elsewhere in the picture.",
            _backward(_mask_over_the_picture),
            (TIES,),
        ),
        Misconception(
            "the channels share one winner",
            "Each channel is pooled by itself, and has a winner of its own in each window.",
            _backward(_handed_back(_largest_of_all_channels)),
            ALL_MAX_BACK,
        ),
        Misconception(
            "the gradient is multiplied by the number that won",
            "The derivative of the maximum with respect to the winner is 1, whatever the winner's value is.",
            _backward(_handed_back(_winner_times_value)),
            ALL_MAX_BACK,
        ),
        Misconception(
            "every number of a window gets an equal share",
            "That is average pooling. Here only the largest number made a difference to the output.",
            _backward(_handed_back(_evenly)),
            ALL_MAX_BACK,
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            USE_DOUT,
            _backward(_upstream_of_ones(_all_ties)),
            ALL_MAX_BACK,
        ),
        Misconception(
            "the stride is forgotten on the way back",
            WINDOW_START,
            _backward(_handed_back(_all_ties, strided=False)),
            ALL_MAX_BACK,
        ),
        Misconception(
            "the border is filled with zeros on the way back",
            "A zero in the border beats negative numbers and takes their gradient. Pad as the forward did.",
            _backward(_handed_back(_all_ties, border=0.0)),
            (PADDED, PAIRS),
        ),
        Misconception(
            "dx still has the border on it",
            CUT_BORDER,
            _backward(_not_cropped(_all_ties)),
            (PADDED, PAIRS, TIES),
        ),
        Misconception(
            "dx is cropped with [padding:-padding], which is empty at padding 0",
            END_AS_LENGTH,
            _backward(_cropped_to_nothing(_all_ties)),
            (BESIDE, OVERLAP, REMAINDER, PAIRS, TIES, VIEWS),
        ),
        Misconception(
            "dx ends where the last window ends",
            SHAPE_OF_X,
            _backward(_as_far_as_windows_reach(_all_ties)),
            (REMAINDER,),
        ),
        Misconception(
            "the upstream gradient is repeated into blocks",
            NO_BLOCKS,
            _backward(_blown_up(_all_ties)),
            (OVERLAP, REMAINDER, PADDED, PAIRS, TIES, VIEWS),
        ),
        Misconception(
            "the winner's place is taken apart by the height of the window",
            "`argmax` counts row by row: the row is place // width, the column place % width.",
            _backward(_unravelled_by_height),
            (PAIRS,),
        ),
    ),
)


# --- avg_pool2d_forward -----------------------------------------------------------------------------------

ALL_AVG = (BESIDE, OVERLAP, REMAINDER, PADDED, PAIRS)
EVERY_NUMBER = "The mean is the sum divided by how many numbers a window has: kh * kw."
ZEROS_COUNT = "Padded zeros count as numbers here: every window has kh * kw of them, at the border too."


def _divided_by(count: Callable[..., float | Tensor]) -> Pool:
    """The sum of each window, divided by count(kernel, steps)."""

    def wrong(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        kernel, steps, _ = _settings(kernel_size, stride, padding)
        total = _windows(_bordered(x, padding, 0.0), kernel, steps).sum(-1)
        return total / count(kernel, steps)

    return wrong


def _valid_only(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    return F.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=False)


def _bordered_with_infinity(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    return F.avg_pool2d(_bordered(x, padding, -torch.inf), kernel_size, stride)


def _mean_of_all(x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
    together = x.mean((0, 1), keepdim=True).expand(x.shape)
    return _avg(together, kernel_size, stride, padding)


AVG_POOL2D_FORWARD = Exercise(
    name="avg_pool2d_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache)",
    parts=("out", "cache"),
    reference=_forward(_avg),
    groups=(
        Group(BESIDE, 1, _forward_beside),
        Group(OVERLAP, 1, _forward_overlap),
        Group(REMAINDER, 1, _forward_remainder),
        Group(PADDED, 1, _forward_padded),
        Group(PAIRS, 1, _forward_pairs),
    ),
    advice={PADDED: ZEROS_COUNT, PAIRS: BOTH_NUMBERS},
    misconceptions=(
        Misconception(
            "the windows are summed, not averaged",
            EVERY_NUMBER,
            _forward(_divided_by(lambda kernel, steps: 1.0)),
            ALL_AVG,
        ),
        Misconception(
            "only the numbers inside the picture are counted",
            ZEROS_COUNT,
            _forward(_valid_only),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the border is filled with -inf",
            "That is for the maximum. In a mean, one -inf spoils all; here the border is zeros.",
            _forward(_bordered_with_infinity),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the sum is divided by the height of the window squared",
            EVERY_NUMBER,
            _forward(_divided_by(lambda kernel, steps: kernel[0] ** 2)),
            (PAIRS,),
        ),
        Misconception(
            "the sum is divided by the stride squared",
            EVERY_NUMBER,
            _forward(_divided_by(lambda kernel, steps: math.prod(steps))),
            (OVERLAP, REMAINDER, PADDED, PAIRS),
        ),
        Misconception(
            "all images and channels get the same mean", OWN_WINDOW, _forward(_mean_of_all), ALL_AVG
        ),
        *_both(
            _avg,
            stride_one=(BESIDE, REMAINDER, PADDED, PAIRS),
            steps=ALL_AVG,
            unpadded=(PADDED, PAIRS),
            ceil=(REMAINDER,),
            refused=(PAIRS,),
            blocks=(OVERLAP, REMAINDER, PADDED, PAIRS),
            alone=ALL_AVG,
        ),
    ),
)


# --- avg_pool2d_backward ----------------------------------------------------------------------------------


def _each_gets(part: Callable[..., float]) -> Gradient:
    """Every number of a window gets dout * part(kernel, steps)."""

    def wrong(dout: Tensor, x: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair) -> Tensor:
        kernel, steps, _ = _settings(kernel_size, stride, padding)
        share = _handed_back(lambda windows: torch.full_like(windows, part(kernel, steps)))
        return share(dout, x, kernel_size, stride, padding)

    return wrong


def _shared_inside(windows: Tensor) -> Tensor:
    """Equal parts for the numbers of a window that are not border."""
    inside = windows.isfinite().double()
    return inside / inside.sum(-1, keepdim=True)


def _last_mean_only(dout: Tensor, x: Tensor, kernel_size: Pair, *options: Any) -> Tensor:
    part = 1 / math.prod(_pair(kernel_size))
    last = _last_window_only(lambda numbers, maxima: torch.full_like(maxima, part))
    return last(dout, x, kernel_size, *options)


AVG_POOL2D_BACKWARD = Exercise(
    name="avg_pool2d_backward",
    notebook=NOTEBOOK,
    asked="the array dx",
    probe="own_cache",
    documented=_documented,
    reference=_backward(_handed_back(_evenly)),
    groups=(
        Group(BESIDE, 1, _backward_beside),
        Group(OVERLAP, 1, _backward_overlap),
        Group(REMAINDER, 1, _backward_remainder),
        Group(PADDED, 1, _backward_padded),
        Group(PAIRS, 1, _backward_pairs),
    ),
    advice={
        BESIDE: "Every number of a window gets the same part of the window's dout.",
        OVERLAP: "How many windows does the wrong number lie in? It gets a part from each.",
        REMAINDER: SHAPE_OF_X,
        PADDED: CUT_BORDER,
        PAIRS: BOTH_NUMBERS,
    },
    misconceptions=(
        Misconception(
            "every number gets all of dout",
            "The forward divided by kh * kw; by how much does the output move when one input moves by 1?",
            _backward(_each_gets(lambda kernel, steps: 1.0)),
            ALL_AVG,
        ),
        Misconception(
            "each window overwrites what the windows before it left",
            ADD_SHARES,
            _backward(_last_mean_only),
            (OVERLAP, REMAINDER, PADDED, PAIRS),
        ),
        Misconception(
            "all of the gradient goes to the largest number",
            "That is max pooling. In a mean every number of the window has the same say.",
            _backward(_handed_back(_first_tie)),
            ALL_AVG,
        ),
        Misconception(
            "the gradient is shared by the numbers inside the picture only",
            "The forward divided by kh * kw at the border too, so each number's part is 1 / (kh * kw).",
            _backward(_handed_back(_shared_inside)),
            (PADDED, PAIRS),
        ),
        Misconception(
            "dout is divided by the height of the window squared",
            "Each window has kh * kw numbers: height times width.",
            _backward(_each_gets(lambda kernel, steps: 1 / kernel[0] ** 2)),
            (PAIRS,),
        ),
        Misconception(
            "dout is divided by the stride squared",
            "The forward divided by the number of numbers in a window; the stride does not change it.",
            _backward(_each_gets(lambda kernel, steps: 1 / math.prod(steps))),
            (OVERLAP, REMAINDER, PADDED, PAIRS),
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            USE_DOUT,
            _backward(_upstream_of_ones(_evenly)),
            ALL_AVG,
        ),
        Misconception(
            "the stride is forgotten on the way back",
            WINDOW_START,
            _backward(_handed_back(_evenly, strided=False)),
            ALL_AVG,
        ),
        Misconception(
            "dx still has the border on it", CUT_BORDER, _backward(_not_cropped(_evenly)), (PADDED, PAIRS)
        ),
        Misconception(
            "dx is cropped with [padding:-padding], which is empty at padding 0",
            END_AS_LENGTH,
            _backward(_cropped_to_nothing(_evenly)),
            (BESIDE, OVERLAP, REMAINDER, PAIRS),
        ),
        Misconception(
            "dx ends where the last window ends",
            SHAPE_OF_X,
            _backward(_as_far_as_windows_reach(_evenly)),
            (REMAINDER,),
        ),
        Misconception(
            "the upstream gradient is repeated into blocks",
            NO_BLOCKS,
            _backward(_blown_up(_evenly)),
            (OVERLAP, REMAINDER, PADDED, PAIRS),
        ),
    ),
)


# --- global_avg_pool --------------------------------------------------------------------------------------

SQUARE, ANY_SIZE = "square pictures", "any height, width and batch"
BOTH_SIZES = (SQUARE, ANY_SIZE)
ONE_EACH = "One number is left of each channel of each image: only height and width disappear."


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
    advice=dict.fromkeys(BOTH_SIZES, ONE_EACH),
    misconceptions=(
        Misconception(
            "the mean is taken over the channels too", ONE_EACH, lambda x: x.flatten(1).mean(1), BOTH_SIZES
        ),
        Misconception(
            "the mean is taken over the images too", ONE_EACH, lambda x: x.mean((0, 2, 3)), BOTH_SIZES
        ),
        Misconception(
            "the mean is taken over images and channels instead of height and width",
            ONE_EACH,
            lambda x: x.mean((0, 1)),
            BOTH_SIZES,
        ),
        Misconception("the mean is taken along the rows only", ONE_EACH, lambda x: x.mean(3), BOTH_SIZES),
        Misconception(
            "the sum instead of the mean",
            "Divide by how many numbers a channel has.",
            lambda x: x.sum((2, 3)),
            BOTH_SIZES,
        ),
        Misconception(
            "the maximum instead of the mean",
            "That would be global *max* pooling.",
            lambda x: x.amax((2, 3)),
            BOTH_SIZES,
        ),
        Misconception(
            "the sum is divided by the height squared",
            "A channel has H * W numbers.",
            lambda x: x.sum((2, 3)) / x.shape[2] ** 2,
            (ANY_SIZE,),
        ),
    ),
)


# --- shift_errors -----------------------------------------------------------------------------------------

MOVED, STILL = "moved by a column or more", "not moved at all"
BOTH_SHIFTS = (MOVED, STILL)


def _mean_gap(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())


def _overlap(before: Tensor, after: Tensor, shift: int, axis: int = 3) -> tuple[Tensor, Tensor]:
    """What both show, `after` having moved by `shift` along the axis."""
    common = before.shape[axis] - shift
    return before.narrow(axis, 0, common), after.narrow(axis, shift, common)


def _shift_errors(
    before: Tensor, after: Tensor, shift: int, gap: Callable[[Tensor, Tensor], float] = _mean_gap
) -> tuple[float, float]:
    return gap(*_overlap(before, after, shift)), gap(before, after)


def _shift_mistake(gap: Callable[[Tensor, Tensor], float]) -> Callable[..., tuple[float, float]]:
    return lambda before, after, *, shift: _shift_errors(before, after, shift, gap)


def _other_way(before: Tensor, after: Tensor, *, shift: int) -> tuple[float, float]:
    return _mean_gap(*_overlap(after, before, shift)), _mean_gap(before, after)


def _rolled(before: Tensor, after: Tensor, *, shift: int) -> tuple[float, float]:
    return _mean_gap(before.roll(shift, 3), after), _mean_gap(before, after)


def _along_rows(before: Tensor, after: Tensor, *, shift: int) -> tuple[float, float]:
    return _mean_gap(*_overlap(before, after, shift, axis=2)), _mean_gap(before, after)


def _nothing_at_zero(before: Tensor, after: Tensor, *, shift: int) -> tuple[float, float]:
    moved, stayed = _shift_errors(before, after, shift)
    if shift == 0 and before.shape[3] > 1:
        raise ValueError("operands could not be broadcast together")
    return moved if shift else math.nan, stayed


def _shifts(rng: np.random.Generator, shift: int, *shape: int) -> Case:
    before = mixed(rng, *shape)
    noise = fractions(rng, *shape)
    return case(before, np.roll(before, shift, axis=3) + noise, shift=shift)


def _shifts_moved(rng: np.random.Generator) -> Iterator[Case]:
    yield _shifts(rng, 1, 1, 1, 2, 4)
    yield _shifts(rng, 3, 2, 1, 4, 7)
    yield _shifts(rng, 2, 1, 3, 5, 3)


def _shifts_still(rng: np.random.Generator) -> Iterator[Case]:
    yield _shifts(rng, 0, 1, 1, 2, 3)
    yield _shifts(rng, 0, 2, 3, 4, 4)
    yield _shifts(rng, 0, 1, 2, 3, 1)


SHIFT_ERRORS = Exercise(
    name="shift_errors",
    notebook=NOTEBOOK,
    asked="two numbers: the error if the answer moves along, and the error if it stays",
    parts=("the first error (moves along)", "the second error (stays)"),
    reference=lambda before, after, *, shift: _shift_errors(before, after, shift),
    groups=(Group(MOVED, 1, _shifts_moved), Group(STILL, 1, _shifts_still)),
    advice={
        MOVED: "Column c of the first answer must be found in column c + shift of the second one.",
        STILL: "With shift 0 all columns are compared, and both errors are the same.",
    },
    misconceptions=(
        Misconception(
            "the answer is moved to the left",
            "What stood in column c before stands in column c + shift after: which of the two loses its"
            " first columns?",
            _other_way,
            (MOVED,),
        ),
        Misconception(
            "columns that leave on the right come back on the left",
            "`np.roll` carries the last columns to the front. Leave out what only one answer knows.",
            _rolled,
            (MOVED,),
        ),
        Misconception(
            "the rows are moved instead of the columns",
            "Columns are the last axis, number 3.",
            _along_rows,
            (MOVED,),
        ),
        Misconception(
            "[:-shift] is empty when the shift is 0",
            "`a[:-0]` is `a[:0]`, an empty slice. Give its end as W - shift instead.",
            _nothing_at_zero,
            (STILL,),
        ),
        Misconception(
            "the two errors are swapped",
            "First the error if the answer moves along, then the error if it stays.",
            lambda before, after, *, shift: _shift_errors(before, after, shift)[::-1],
            (MOVED,),
        ),
        Misconception(
            "differences of both signs cancel",
            "Take the absolute value of every difference before you take the mean.",
            _shift_mistake(lambda one, other: abs(float((one - other).mean()))),
            BOTH_SHIFTS,
        ),
        Misconception(
            "the differences are squared",
            "Asked for is the mean *absolute* difference.",
            _shift_mistake(lambda one, other: float((one - other).square().mean())),
            BOTH_SHIFTS,
        ),
        Misconception(
            "the differences are summed, not averaged",
            "Take the mean: only so can answers of different sizes be compared.",
            _shift_mistake(lambda one, other: float((one - other).abs().sum())),
            BOTH_SHIFTS,
        ),
    ),
)


# --- average_kernel ---------------------------------------------------------------------------------------

SINGLE, SEVERAL, UNEQUAL = "one channel", "several channels", "windows that are not square"
OWN_CHANNEL = "Output channel d averages channel d alone: all its other weights are 0."


def _average_kernel(channels: int, kernel_size: Pair) -> Tensor:
    """The weight that averages, read off from what it does to a picture of one 1: autograd finds it."""
    high, wide = _pair(kernel_size)
    w = torch.zeros(channels, channels, high, wide, dtype=torch.float64, requires_grad=True)
    picture = torch.eye(channels, dtype=torch.float64).reshape(channels, channels, 1, 1)
    out = F.conv2d(picture.expand(-1, -1, high, wide), w).flatten(1)
    (found,) = torch.autograd.grad(out.diagonal().sum(), w)
    return found / (high * wide)


def _average_kernel_of_a_number(channels: int, kernel_size: Pair) -> Tensor:
    if isinstance(kernel_size, tuple):
        raise TypeError("unsupported operand type(s)")
    return _average_kernel(channels, kernel_size)


def _kernels_single(rng: np.random.Generator) -> Iterator[Case]:
    yield case(1, 2)
    yield case(1, int(rng.integers(3, 6)))


def _kernels_several(rng: np.random.Generator) -> Iterator[Case]:
    yield case(2, 2)
    yield case(int(rng.integers(3, 6)), 3)


def _kernels_unequal(rng: np.random.Generator) -> Iterator[Case]:
    yield case(1, (1, 2))
    yield case(2, (3, int(rng.integers(4, 7))))
    yield case(1, 1)


AVERAGE_KERNEL = Exercise(
    name="average_kernel",
    notebook=NOTEBOOK,
    asked="the weight of a convolution, an array (channels, channels, kh, kw)",
    reference=_average_kernel,
    groups=(
        Group(SINGLE, 1, _kernels_single),
        Group(SEVERAL, 1, _kernels_several),
        Group(UNEQUAL, 1, _kernels_unequal),
    ),
    advice={
        SINGLE: "A mean of n numbers is a sum in which every number has the weight 1 / n.",
        SEVERAL: OWN_CHANNEL,
        UNEQUAL: BOTH_NUMBERS,
    },
    misconceptions=(
        Misconception(
            "every output channel mixes all channels",
            OWN_CHANNEL,
            lambda channels, kernel_size: (
                _average_kernel(channels, kernel_size).sum(1, keepdim=True).expand(-1, channels, -1, -1)
            ),
            (SEVERAL, UNEQUAL),
        ),
        Misconception(
            "every output channel averages all channels",
            OWN_CHANNEL,
            lambda channels, kernel_size: (
                _average_kernel(channels, kernel_size).mean(1, keepdim=True).expand(-1, channels, -1, -1)
            ),
            (SEVERAL, UNEQUAL),
        ),
        Misconception(
            "there is one filter for each channel, without an axis for the input channels",
            "A convolution's weight is (D, C, kh, kw): each filter reaches through all the input channels.",
            lambda channels, kernel_size: _average_kernel(channels, kernel_size).sum(1, keepdim=True),
            (SEVERAL, UNEQUAL),
        ),
        Misconception(
            "the weights are ones",
            "With ones the convolution sums. What is the weight of one number in a mean?",
            lambda channels, kernel_size: _average_kernel(channels, kernel_size).sign(),
            (SINGLE, SEVERAL, UNEQUAL),
        ),
        Misconception(
            "height and width of the window are exchanged",
            "The shape ends in (kh, kw): height first.",
            lambda channels, kernel_size: _average_kernel(channels, _pair(kernel_size)[::-1]),
            (UNEQUAL,),
        ),
        Misconception(
            "the sum is divided by the height of the window squared",
            EVERY_NUMBER,
            lambda channels, kernel_size: (
                _average_kernel(channels, kernel_size).sign() / _pair(kernel_size)[0] ** 2
            ),
            (UNEQUAL,),
        ),
        Misconception(
            "a pair is used as if it were a number",
            "`kernel_size` may be a pair: `pair(...)` makes one of whatever comes.",
            _average_kernel_of_a_number,
            (UNEQUAL,),
        ),
    ),
)


EXERCISES = (
    MAX_POOL2D_FORWARD,
    MAX_POOL2D_BACKWARD,
    AVG_POOL2D_FORWARD,
    AVG_POOL2D_BACKWARD,
    GLOBAL_AVG_POOL,
    SHIFT_ERRORS,
    AVERAGE_KERNEL,
)
