"""Exercises of notebook 03, the convolution layer: references, cases, known mistakes.

Everything is told in PyTorch: `F.conv2d` for layers, `F.unfold` for windows as columns. A prediction gives
(or raises) what a student with that mistake gets in NumPy; most are a right convolution of a wrong input,
with wrong weights, or cut to a wrong size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, case
from cs_utils.checking.compare import agree, describe
from cs_utils.checking.exercise import Tolerance
from cs_utils.checking.properties import no_loop_over

NOTEBOOK = "03_convolution"

Pair = int | tuple[int, int]
Size = tuple[int, ...]  # of a picture or a kernel: (rows, columns)
Sizes = tuple[int, int]
Predict = Callable[..., Any]


# --- numbers for cases ------------------------------------------------------------------------------------


def digits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers from 1 on as floats, in any order and no two alike: easy to follow by eye."""
    count = int(np.prod(shape))
    return rng.permutation(np.arange(1.0, max(9, count) + 1))[:count].reshape(shape)


def fractions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs with two decimals, none 0."""
    return rng.choice([-1, 1], size=shape) * rng.integers(10, 400, size=shape) / 100


def layer(
    rng: np.random.Generator, x: tuple[int, int, int, int], w: tuple[int, int, int], **options: Pair
) -> Case:
    """A case for a convolution layer. x: (N, C, H, W). w: (D, kh, kw). Few numbers are whole numbers."""
    filters, height, width = w
    shape = (filters, x[1], height, width)
    draw = digits if np.prod(x) + np.prod(shape) <= 40 else fractions
    return case(draw(rng, *x), draw(rng, *shape), fractions(rng, filters), **options)


# --- the layer in PyTorch ---------------------------------------------------------------------------------


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _layer(
    x: Tensor, w: Tensor, b: Tensor | None, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> Tensor:
    return F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation)


def _size(x: Tensor, w: Tensor, options: Mapping[str, Pair]) -> Sizes:
    """Rows and columns of the right output."""
    height, width = _layer(x, w, None, **options).shape[2:]
    return height, width


def _room(x: Tensor, w: Tensor, options: Mapping[str, Pair]) -> list[tuple[int, int]]:
    """For rows and columns: how far the kernel can move, and its stride."""
    padding, dilation, stride = (
        _pair(options.get(name, usual)) for name, usual in (("padding", 0), ("dilation", 1), ("stride", 1))
    )
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    sizes = zip(x.shape[2:], padding, spans, stride, strict=True)
    return [(size + 2 * p - span, s) for size, p, span, s in sizes]


def _not_broadcast() -> ValueError:
    return ValueError("operands could not be broadcast together")


def _cut(x: Tensor, w: Tensor, b: Tensor, options: Mapping[str, Pair], size: Sizes) -> Tensor:
    """The right numbers in an output of `size`; a window that sticks out has the wrong shape."""
    out = _layer(x, w, b, **options)
    if size[0] > out.shape[2] or size[1] > out.shape[3]:
        raise _not_broadcast()
    return out[:, :, : size[0], : size[1]]


# --- mistakes that a layer can make, however it is written --------------------------------------------------


def _with_weights(change: Callable[[Tensor], Tensor]) -> Predict:
    """The layer with wrong weights."""
    return lambda x, w, b, **options: _layer(x, change(w), b, **options)


def _with_options(**fixed: Any) -> Predict:
    """The layer with some options fixed."""
    return lambda x, w, b, **options: _layer(x, w, b, **{**options, **fixed})


def _pairs_swapped(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    return _layer(x, w, b, **{name: _pair(value)[::-1] for name, value in options.items()})


def _pairs_refused(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    if any(isinstance(value, tuple) for value in options.values()):
        raise TypeError("unsupported operand type(s)")
    return _layer(x, w, b, **options)


def _square_kernel(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    if w.shape[2] != w.shape[3]:
        raise _not_broadcast()
    return _layer(x, w, b, **options)


def _remainder_refused(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    if any(room % stride for room, stride in _room(x, w, options)):
        raise AssertionError
    return _layer(x, w, b, **options)


def _bias_along_the_width(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """``out + b``: NumPy lines the bias up with the last axis."""
    try:
        return _layer(x, w, None, **options) + b
    except RuntimeError as error:
        raise _not_broadcast() from error


def _first_sides_only(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    height, width = _pair(options.get("padding", 0))
    return _layer(F.pad(x, (width, 0, height, 0)), w, b, **{**options, "padding": 0})


FLIPPED = (
    "That is a true convolution. In this layer the first weight of a filter meets the first number of the "
    "window, as in corr2d of notebook 01."
)
NO_BIAS = "Every output number of filter d gets `b[d]` added, once."
BIAS_AXIS = (
    "NumPy lines `b` up with the last axis, the columns. Which axis of the output counts filters, and how "
    "does "
    "`b` come to stand there?"
)
NO_PADDING = "`padding` rows and columns of zeros belong on every side of each image before anything slides."
ALWAYS_ONE = "The width of the border is written in your code as a number; it is what `padding` says."
NO_STRIDE = "With stride 2 the kernel visits every second row and every second column only."
REFUSED = (
    "A stride that leaves a remainder is nothing forbidden: the last window, which would hang over the edge, "
    "is left out. Remove the test and let the division round down."
)
NO_DILATION = "With `dilation=2` neighbouring weights meet numbers that are two rows or columns apart."
PAIRS_SWAPPED = "The first number of a pair belongs to the rows, the second to the columns."
PAIRS_REFUSED = (
    "`stride`, `padding` and `dilation` may be pairs: `pair(...)` gives a number for each direction."
)
SQUARE_KERNEL = "A kernel has a height, `w.shape[2]`, and a width, `w.shape[3]`. Is each used in its place?"


# --- groups and cases of conv2d_naive and conv2d_forward ----------------------------------------------------

PLAIN = "one image, one channel, one filter"
STACK = "several images, channels and filters"
OBLONG = "pictures and kernels that are not square"
PADDED = "padding"
STRIDED = "stride"
REMAINDER = "stride that leaves a remainder"
DILATED = "dilation"
PAIRS = "other numbers for the rows than for the columns"
VIEWS = "an input that is not contiguous"
CACHE = "the first five fields of the cache"
NO_LOOP = "no Python loop over N, D, oh, ow"


def _plain(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 3, 3), (1, 2, 2))
    yield layer(rng, (1, 1, 4, 4), (1, 3, 3))
    yield layer(rng, (1, 1, 6, 6), (1, 2, 2))


def _stack(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 2, 2, 2), (1, 2, 2))
    yield layer(rng, (1, 2, 2, 2), (3, 2, 2))
    yield layer(rng, (3, 1, 3, 3), (2, 2, 2))
    yield layer(rng, (2, 3, 5, 5), (4, 3, 3))
    yield layer(rng, (2, 40, 3, 3), (3, 2, 2))


def _oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 3, 4), (2, 2, 3))
    yield layer(rng, (1, 2, 6, 4), (3, 2, 3))
    yield layer(rng, (2, 3, 4, 7), (2, 3, 2))


def _padded(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 2, 2, 2), (2, 2, 2), padding=1)
    yield layer(rng, (1, 2, 3, 3), (3, 3, 3), padding=2)
    yield layer(rng, (2, 3, 4, 4), (2, 3, 3), padding=1)


def _strided(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 4, 4), (2, 2, 2), stride=2)
    yield layer(rng, (1, 2, 8, 8), (3, 2, 2), stride=3)
    yield layer(rng, (2, 3, 5, 5), (2, 3, 3), stride=2)


def _remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 4, 4), (2, 3, 3), stride=2)
    yield layer(rng, (2, 2, 6, 6), (3, 3, 3), stride=2)
    yield layer(rng, (1, 3, 9, 9), (2, 4, 4), stride=3)


def _dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 4, 4), (2, 2, 2), dilation=2)
    yield layer(rng, (2, 2, 7, 7), (3, 3, 3), dilation=2)
    yield layer(rng, (1, 3, 8, 8), (3, 2, 2), dilation=3)


def _pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 2, 3, 4), (2, 2, 2), padding=(0, 1), stride=(1, 2))
    yield layer(rng, (2, 2, 6, 7), (3, 3, 2), dilation=(1, 3), padding=(2, 1))
    yield layer(rng, (1, 3, 7, 8), (2, 2, 3), stride=(3, 2), dilation=(2, 1), padding=(1, 2))


SLIDING = (
    Group(PLAIN, 1, _plain),
    Group(STACK, 1, _stack),
    Group(OBLONG, 1, _oblong),
    Group(PADDED, 1, _padded),
    Group(STRIDED, 1, _strided),
    Group(REMAINDER, 1, _remainder),
    Group(DILATED, 1, _dilated),
    Group(PAIRS, 1, _pairs),
)
EVERYWHERE = tuple(group.name for group in SLIDING)
ADVICE = {
    PLAIN: "Take the smallest case and work out its first number on paper: products, their sum, the bias.",
    STACK: "Each output number belongs to one image and one filter, and adds up over all channels.",
    OBLONG: "Follow `H`, `kh` and `oh`, then `W`, `kw` and `ow` through your code: they must never meet.",
    PADDED: "Print the padded images of the smallest case: which axes have grown, and by how much?",
    STRIDED: "Where does the window for row r and column c of the output start?",
    REMAINDER: "The last window that would hang over the edge is dropped.",
    DILATED: "Take the smallest case: which four numbers of x does the first window hold with dilation 2?",
    PAIRS: "Set stride, padding and dilation to pairs one at a time, and see which one goes wrong.",
}


# --- conv2d_naive -----------------------------------------------------------------------------------------


def _square_picture(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """The number of columns worked out from the picture's height."""
    (_, _), (across, stride) = _room(x, w, options)
    rows, _ = _size(x, w, options)
    return _cut(x, w, b, options, (rows, (across + x.shape[2] - x.shape[3]) // stride + 1))


def _size_from_filters(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """The output's size worked out with the number of filters in place of the kernel's size."""
    wrong = torch.zeros(1, 1, len(w), len(w))
    rows, columns = (room // stride + 1 for room, stride in _room(x, wrong, options))
    if tuple(w.shape[2:]) == (2, 2) and w.shape[0] == 1 and not options:  # one row, repeated by broadcasting
        x = F.pad(x, (0, 1, 0, 1), mode="replicate")
    return _cut(x, w, b, options, (rows, columns))


def _border_of_one(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """The border is always 1 wide; the output's size follows from `padding`."""
    return _cut(x, w, b, {**options, "padding": 1}, _size(x, w, options))


def _every_axis_padded(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """``np.pad(x, padding)`` adds channels of zeros, more than the filters have."""
    if any(_pair(options.get("padding", 0))):
        raise _not_broadcast()
    return _layer(x, w, b, **options)


def _moves_by_one(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    return _cut(x, w, b, {**options, "stride": 1}, _size(x, w, options))


def _rounded_up(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    if any(room % stride for room, stride in _room(x, w, options)):
        raise _not_broadcast()
    return _layer(x, w, b, **options)


def _dilated_size_only(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    return _cut(x, w, b, {**options, "dilation": 1}, _size(x, w, options))


def _span_of_d_times_k(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """Holes are counted behind the last weight, too: room for one place less."""
    dilation = _pair(options.get("dilation", 1))
    moves = zip(_room(x, w, options), dilation, strict=True)
    rows, columns = ((room - (d - 1)) // stride + 1 for (room, stride), d in moves)
    return _cut(x, w, b, options, (rows, columns))


def _one_too_few(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    return _layer(x, w, b, **options)[:, :, :-1, :-1]


def _returns_after_the_first_image(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    out = _layer(x, w, b, **options)
    out[1:] = 0
    return out


def _matrix_product(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """``(window @ w[d]).sum()``: each column of a window meets the sum of a row of the kernel."""
    if w.shape[2] != w.shape[3]:
        raise ValueError("matmul: Input operand 1 has a mismatch in its core dimension 0")
    return _layer(x, w.sum(3)[:, :, None].expand(w.shape), b, **options)


CONV2D_NAIVE = Exercise(
    name="conv2d_naive",
    notebook=NOTEBOOK,
    asked="an array (N, D, oh, ow)",
    reference=lambda x, w, b, *, stride=1, padding=0, dilation=1: _layer(
        x, w, b, stride=stride, padding=padding, dilation=dilation
    ),
    groups=SLIDING,
    advice=ADVICE,
    misconceptions=(
        Misconception("the kernel is flipped", FLIPPED, _with_weights(lambda w: w.flip(2, 3)), EVERYWHERE),
        Misconception(
            "the bias is forgotten",
            NO_BIAS,
            lambda x, w, b, **options: _layer(x, w, None, **options),
            EVERYWHERE,
        ),
        Misconception(
            "the bias is added once per channel",
            "The bias belongs to the output number as a whole, not to each channel's part of it: does your "
            "line with `b` stand inside the loop over the channels?",
            lambda x, w, b, **options: _layer(x, w, x.shape[1] * b, **options),
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "the bias is added along the width of the output",
            BIAS_AXIS,
            _bias_along_the_width,
            tuple(name for name in EVERYWHERE if name != PLAIN),
        ),
        Misconception(
            "only the first channel is read",
            "A filter reaches through all the channels: multiply `C * kh * kw` pairs of numbers, not `kh * "
            "kw`.",
            lambda x, w, b, **options: _layer(x[:, :1], w[:, :1], b, **options),
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "only the last channel counts",
            "In a loop over the channels `=` overwrites what the channel before it gave: which operator "
            "adds?",
            lambda x, w, b, **options: _layer(x[:, -1:], w[:, -1:], b, **options),
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "matrix product instead of element by element",
            "`window @ w[d]` is a stack of matrix products; multiply number by number with `*`, then sum.",
            _matrix_product,
            EVERYWHERE,
        ),
        Misconception(
            "the return stands inside the loop over the images",
            "All images but the first are still zeros. How far is your `return` indented?",
            _returns_after_the_first_image,
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "filters come before images in the output",
            "The output is (N, D, oh, ow): the first index counts images, the second filters.",
            lambda x, w, b, **options: _layer(x, w, b, **options).transpose(0, 1),
            tuple(name for name in EVERYWHERE if name != PLAIN),
        ),
        Misconception("the kernel is taken to be square", SQUARE_KERNEL, _square_kernel, (OBLONG, PAIRS)),
        Misconception(
            "the picture is taken to be square",
            "The number of output columns follows from the width of the picture, `x.shape[3]`.",
            _square_picture,
            (OBLONG, PAIRS),
        ),
        Misconception(
            "the number of filters is used for the size of the kernel",
            "How large the output is does not depend on how many filters there are. Which of the four "
            "numbers of "
            "`w.shape` are the kernel's height and width?",
            _size_from_filters,
            EVERYWHERE,
        ),
        Misconception(
            "one row and one column too few",
            "Count the places of a 2 x 2 kernel on a 3 x 3 picture: (3 - 2 + 1) in each direction.",
            _one_too_few,
            EVERYWHERE,
        ),
        Misconception("the padding is forgotten", NO_PADDING, _with_options(padding=0), (PADDED, PAIRS)),
        Misconception(
            "the border is 1 wide, whatever the padding",
            ALWAYS_ONE,
            _border_of_one,
            (PLAIN, STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "the zeros are put on the top and on the left only",
            "`padding=1` means one row above and one below, one column left and one right.",
            _first_sides_only,
            (PADDED, PAIRS),
        ),
        Misconception(
            "with padding, windows and filters do not fit together",
            "Print the shape of the padded images: only the last two axes may have grown. (`np.pad` takes a "
            "pair (before, after) for each of the four axes.) Are the windows cut out of the padded images?",
            _every_axis_padded,
            (PADDED, PAIRS),
        ),
        Misconception(
            "the stride is ignored", NO_STRIDE, _with_options(stride=1), (STRIDED, REMAINDER, PAIRS)
        ),
        Misconception(
            "the output is smaller, but the kernel still moves by one",
            "The size knows the stride, the window does not: where does the window for out[n, d, r, c] "
            "start?",
            _moves_by_one,
            (STRIDED, REMAINDER, PAIRS),
        ),
        Misconception(
            "a stride that leaves a remainder is refused", REFUSED, _remainder_refused, (REMAINDER, PAIRS)
        ),
        Misconception(
            "a remainder of the stride ends in a ValueError",
            "A window that would hang over the edge is left out. If NumPy says that shapes do not fit, the "
            "size is "
            "rounded up: use `//`. If your own code refuses the remainder, let it pass.",
            _rounded_up,
            (REMAINDER, PAIRS),
        ),
        Misconception("the dilation is ignored", NO_DILATION, _with_options(dilation=1), (DILATED, PAIRS)),
        Misconception(
            "the size knows the dilation, the window does not",
            "Your output has the right size. Now look at the slice that cuts the window out: what is its "
            "step?",
            _dilated_size_only,
            (DILATED, PAIRS),
        ),
        Misconception(
            "a dilated kernel is taken to span d * k",
            "There are holes only *between* the weights: 3 weights with dilation 2 span 5 numbers, not 6.",
            _span_of_d_times_k,
            (DILATED, PAIRS),
        ),
        Misconception("rows and columns of the pairs are exchanged", PAIRS_SWAPPED, _pairs_swapped, (PAIRS,)),
        Misconception("a pair is used as if it were a number", PAIRS_REFUSED, _pairs_refused, (PAIRS,)),
    ),
)


# --- dilate_kernel ----------------------------------------------------------------------------------------

SQUARE_HOLES, PAIR_HOLES = (
    "the same dilation in both directions",
    "another dilation for rows than for columns",
)


def _dilate_kernel(w: Tensor, dilation: Pair) -> Tensor:
    """Where each weight stands in a large kernel: what a transposed convolution makes of a single 1."""
    count, channels = w.shape[:2]
    one = torch.ones(count * channels, 1, 1, 1, dtype=w.dtype)
    pixel = w.reshape(count * channels, 1, *w.shape[2:])
    spread = [
        F.conv_transpose2d(one[:1], kernel[None], dilation=dilation)[0] for kernel in pixel
    ]  # the holes stay zero
    return torch.stack(spread).reshape(count, channels, *spread[0].shape[1:])


def _blown_up(w: Tensor, dilation: Pair) -> Tensor:
    dh, dw = _pair(dilation)
    return w.repeat_interleave(dh, 2).repeat_interleave(dw, 3)


def _holes_behind(w: Tensor, dilation: Pair) -> Tensor:
    dh, dw = _pair(dilation)
    return F.pad(_dilate_kernel(w, dilation), (0, dw - 1, 0, dh - 1))


def _every_axis_spread(w: Tensor, dilation: Pair) -> Tensor:
    dh, dw = _pair(dilation)
    out = _dilate_kernel(w, dilation)
    spread = _dilate_kernel(out.permute(2, 3, 0, 1), (dh, dw))
    return spread.permute(2, 3, 0, 1)


def _one_hole_too_many(w: Tensor, dilation: Pair) -> Tensor:
    dh, dw = _pair(dilation)
    return _dilate_kernel(w, (dh + 1, dw + 1))


def _dilation_refused(w: Tensor, dilation: Pair) -> Tensor:
    if isinstance(dilation, tuple):
        raise TypeError("unsupported operand type(s)")
    return _dilate_kernel(w, dilation)


def _holes_even(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 2, 2), 2)
    yield case(digits(rng, 1, 2, 2, 2), 1)
    yield case(digits(rng, 2, 2, 1, 2), 2)
    yield case(fractions(rng, 3, 2, 3, 3), 3)


def _holes_uneven(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 2, 3), (1, 2))
    yield case(fractions(rng, 2, 3, 3, 2), (3, 1))
    yield case(fractions(rng, 3, 2, 2, 4), (2, 3))


DILATE_KERNEL = Exercise(
    name="dilate_kernel",
    notebook=NOTEBOOK,
    asked="an array (D, C, dh * (kh - 1) + 1, dw * (kw - 1) + 1)",
    reference=_dilate_kernel,
    groups=(Group(SQUARE_HOLES, 1, _holes_even), Group(PAIR_HOLES, 1, _holes_uneven)),
    misconceptions=(
        Misconception(
            "the weights are repeated where holes belong",
            "A hole is a 0. Every weight stands in the large kernel once.",
            _blown_up,
            (SQUARE_HOLES, PAIR_HOLES),
        ),
        Misconception(
            "there are holes behind the last weight, too",
            "Holes lie *between* the weights: the last row and the last column of the large kernel hold "
            "weights.",
            _holes_behind,
            (SQUARE_HOLES, PAIR_HOLES),
        ),
        Misconception(
            "one hole too many between neighbours",
            "`dilation` is the distance from one weight to the next. With 1 they touch, and nothing changes.",
            _one_hole_too_many,
            (SQUARE_HOLES, PAIR_HOLES),
        ),
        Misconception(
            "filters and channels are spread out, too",
            "Only the rows and the columns, the last two axes, get holes. How many filters come out?",
            _every_axis_spread,
            (SQUARE_HOLES, PAIR_HOLES),
        ),
        Misconception(
            "rows and columns of the pair are exchanged",
            PAIRS_SWAPPED,
            lambda w, dilation: _dilate_kernel(w, _pair(dilation)[::-1]),
            (PAIR_HOLES,),
        ),
        Misconception(
            "a pair is used as if it were a number", PAIRS_REFUSED, _dilation_refused, (PAIR_HOLES,)
        ),
    ),
)


# --- im2col -----------------------------------------------------------------------------------------------


def _im2col(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    return F.unfold(x, kernel_size, **options)


def _grid(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    """The columns with an axis of their own for everything: (N, C, kh, kw, oh, ow)."""
    kernel = torch.zeros(1, x.shape[1], *_pair(kernel_size), dtype=x.dtype)
    columns = _im2col(x, kernel_size, **options)
    return columns.reshape(len(x), *kernel.shape[1:], *_size(x, kernel, options))


def _reordered(*axes: int) -> Predict:
    """Columns whose numbers, or places, stand in another order. axes: of (N, C, kh, kw, oh, ow)."""

    def predict(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
        grid = _grid(x, kernel_size, **options)
        rows = grid.shape[1:4].numel()
        return grid.permute(*axes).reshape(len(x), rows, -1)

    return predict


def _columns_with_options(**fixed: Any) -> Predict:
    return lambda x, kernel_size, **options: _im2col(x, kernel_size, **{**options, **fixed})


def _columns_flipped(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    return _grid(x, kernel_size, **options).flip(2, 3).reshape(_im2col(x, kernel_size, **options).shape)


def _columns_rounded_up(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    kernel = torch.zeros(1, 1, *_pair(kernel_size))
    if any(room % stride for room, stride in _room(x, kernel, options)):
        raise IndexError("index is out of bounds")
    return _im2col(x, kernel_size, **options)


def _columns_pairs_swapped(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    return _im2col(x, kernel_size, **{name: _pair(value)[::-1] for name, value in options.items()})


def _columns_pairs_refused(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    if any(isinstance(value, tuple) for value in (kernel_size, *options.values())):
        raise TypeError("unsupported operand type(s)")
    return _im2col(x, kernel_size, **options)


def _columns_first_sides_only(x: Tensor, kernel_size: Pair, **options: Pair) -> Tensor:
    height, width = _pair(options.get("padding", 0))
    return _im2col(F.pad(x, (width, 0, height, 0)), kernel_size, **{**options, "padding": 0})


def _windows_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 3, 3), 2)
    yield case(digits(rng, 1, 1, 4, 4), 3)


def _windows_stack(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 2, 3, 3), 2)
    yield case(digits(rng, 2, 1, 3, 3), 2)
    yield case(fractions(rng, 2, 3, 4, 4), 2)


def _windows_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 2, 4), (1, 2))
    yield case(fractions(rng, 1, 2, 5, 4), (3, 2))
    yield case(fractions(rng, 2, 3, 3, 6), (2, 3))


def _windows_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 3, 3), 2, padding=1)
    yield case(fractions(rng, 2, 2, 3, 3), 3, padding=2)


def _windows_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 3, 3), 2, stride=2)
    yield case(digits(rng, 1, 2, 4, 4), 2, stride=2)
    yield case(digits(rng, 1, 1, 5, 5), 2, stride=2)
    yield case(fractions(rng, 2, 2, 8, 8), 3, stride=3)


def _windows_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 4, 4), 2, dilation=2)
    yield case(fractions(rng, 2, 2, 7, 7), 3, dilation=2)


def _windows_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 3, 4), 2, stride=(1, 2), padding=(1, 0))
    yield case(fractions(rng, 2, 2, 6, 7), (3, 2), dilation=(1, 3), padding=(0, 2))
    yield case(fractions(rng, 1, 3, 7, 6), (2, 3), stride=(3, 1), dilation=(2, 1))


COLUMN_GROUPS = (
    Group("one image, one channel", 1, _windows_plain),
    Group("several images and channels", 1, _windows_stack),
    Group(OBLONG, 1, _windows_oblong),
    Group(PADDED, 1, _windows_padded),
    Group(STRIDED, 1, _windows_strided),
    Group(DILATED, 1, _windows_dilated),
    Group(PAIRS, 1, _windows_pairs),
)
ALL_COLUMNS = tuple(group.name for group in COLUMN_GROUPS)
ONE_IMAGE, IMAGES, *_ = ALL_COLUMNS

IM2COL = Exercise(
    name="im2col",
    notebook=NOTEBOOK,
    asked="an array (N, C * kh * kw, oh * ow)",
    reference=lambda x, kernel_size, *, stride=1, padding=0, dilation=1: _im2col(
        x, kernel_size, stride=stride, padding=padding, dilation=dilation
    ),
    groups=COLUMN_GROUPS,
    advice={
        ONE_IMAGE: "The first column holds the first window, read like a page: row by row.",
        IMAGES: "In a column all of channel 0 comes first, then all of channel 1; images never mix.",
        **{name: ADVICE[name] for name in (OBLONG, PADDED, DILATED, PAIRS)},
        STRIDED: "Which window is the second column? And which is the last: does it end inside?",
    },
    misconceptions=(
        Misconception(
            "the windows are rows instead of columns",
            "Every window is a *column*: C * kh * kw numbers from top to bottom. Which axis comes last?",
            lambda x, kernel_size, **options: _im2col(x, kernel_size, **options).transpose(1, 2),
            ALL_COLUMNS,
        ),
        Misconception(
            "one wide matrix for all images",
            "Every image has a matrix of its own: the first axis of the result counts images.",
            lambda x, kernel_size, **options: _im2col(x, kernel_size, **options).transpose(0, 1).flatten(1),
            ALL_COLUMNS,
        ),
        Misconception(
            "reshaped without moving the axes",
            "`reshape` never reorders: it only puts the brackets elsewhere. First bring the axes into the "
            "order "
            "N, C, kh, kw, oh, ow with `transpose`, then reshape.",
            _reordered(0, 1, 4, 5, 2, 3),
            ALL_COLUMNS,
        ),
        Misconception(
            "a window is read column by column",
            "Inside a channel a window is read row by row, as `w.reshape(D, -1)` reads a filter: the index "
            "of "
            "the kernel's column runs fastest.",
            _reordered(0, 1, 3, 2, 4, 5),
            ALL_COLUMNS,
        ),
        Misconception(
            "the channels stand side by side in a column",
            "First all numbers of channel 0, then all of channel 1: the index of the channel runs slowest.",
            _reordered(0, 2, 3, 1, 4, 5),
            (IMAGES, OBLONG, PADDED, STRIDED, DILATED, PAIRS),
        ),
        Misconception(
            "the places are visited column by column",
            "The window moves like reading: to the right first, then down. So ow runs fastest.",
            _reordered(0, 1, 2, 3, 5, 4),
            ALL_COLUMNS,
        ),
        Misconception(
            "the windows are flipped",
            "The first number of a column is the upper left one of its window.",
            _columns_flipped,
            ALL_COLUMNS,
        ),
        Misconception(
            "only the first channel is read",
            "A column reaches through all channels: C * kh * kw numbers.",
            lambda x, kernel_size, **options: _im2col(x[:, :1], kernel_size, **options),
            (IMAGES, OBLONG, PADDED, STRIDED, DILATED, PAIRS),
        ),
        Misconception(
            "the padding is forgotten", NO_PADDING, _columns_with_options(padding=0), (PADDED, PAIRS)
        ),
        Misconception(
            "the zeros are put on the top and on the left only",
            "`padding=1` means one row above and one below, one column left and one right.",
            _columns_first_sides_only,
            (PADDED, PAIRS),
        ),
        Misconception("the stride is ignored", NO_STRIDE, _columns_with_options(stride=1), (STRIDED, PAIRS)),
        Misconception(
            "the number of places is rounded up",
            "The last window hangs over the edge. Is the division for the number of places `//`?",
            _columns_rounded_up,
            (STRIDED, PAIRS),
        ),
        Misconception(
            "the dilation is ignored", NO_DILATION, _columns_with_options(dilation=1), (DILATED, PAIRS)
        ),
        Misconception(
            "rows and columns of the pairs are exchanged", PAIRS_SWAPPED, _columns_pairs_swapped, (PAIRS,)
        ),
        Misconception(
            "a pair is used as if it were a number",
            "`kernel_size` and the options may be pairs: `pair(...)` gives a number for each direction.",
            _columns_pairs_refused,
            (OBLONG, PAIRS),
        ),
    ),
)


# --- conv2d_forward ---------------------------------------------------------------------------------------


def _with_cache(predict: Predict) -> Predict:
    """A prediction for the layer that hands on whatever it remembers."""
    return lambda x, w, b, **options: (predict(x, w, b, **options), ANYTHING)


def _by_hand_strides(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """Steps worked out for contiguous memory read every number of a stepping view twice."""
    if any(_pair(options.get("padding", 0))):  # np.pad makes a contiguous copy
        return _layer(x, w, b, **options)
    return _layer(x.flatten().repeat_interleave(2)[: x.numel()].reshape(x.shape), w, b, **options)


def _rows_as_pictures(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """One row per place, one column per filter, reshaped to (N, D, oh, ow) as it stands."""
    out = _layer(x, w, b, **options)
    return out.permute(0, 2, 3, 1).reshape(out.shape)


def _images_and_filters_mixed(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """(D, N * oh * ow) reshaped to (N, D, oh, ow) as it stands."""
    out = _layer(x, w, b, **options)
    return out.transpose(0, 1).reshape(out.shape)


def _output_on_its_side(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    out = _layer(x, w, b, **options)
    return out.reshape(*out.shape[:2], out.shape[3], out.shape[2])


def _square_reshape(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """ow worked out from the picture's height: the columns do not fit into the output."""
    (_, _), (across, stride) = _room(x, w, options)
    _, columns = _size(x, w, options)
    if (across + x.shape[2] - x.shape[3]) // stride + 1 != columns:
        raise ValueError("cannot reshape array")
    return _layer(x, w, b, **options)


def _reshaped_by_the_filters(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """oh and ow worked out with the number of filters: the numbers do not fit into the output."""
    wrong = torch.zeros(1, 1, len(w), len(w))
    rows, columns = (room // stride + 1 for room, stride in _room(x, wrong, options))
    right = _size(x, w, options)
    if rows * columns != right[0] * right[1] or min(rows, columns) < 1:
        raise ValueError("cannot reshape array")
    return _layer(x, w, b, **options).reshape(len(x), len(w), rows, columns)


def _as_given(yours: Any, given: Any) -> bool:
    """Is an option in the cache what was given? A pair may stand for the number it was made from."""
    return yours == given or (isinstance(yours, tuple) and yours == _pair(given))


def _cache_judge(given: Case, outcome: Outcome) -> str | None:
    """The cache must begin with x, w, stride, padding, dilation, whatever follows."""
    returned: Any = outcome.value
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        return "asked for was a pair: the output and the cache"
    cache = returned[1]
    if not isinstance(cache, tuple | list):
        return (
            f"the cache is a tuple that starts with x, w, stride, padding, dilation; it is {describe(cache)}"
        )
    if len(cache) < 5:
        return f"the cache starts with x, w, stride, padding, dilation; there are {len(cache)} fields in it"
    for index, name in enumerate(("x", "w")):
        if not agree(cache[index], given.args[index], Tolerance()):
            return f"field {index + 1} of the cache is not the {name} that the function was given"
    for index, name in enumerate(("stride", "padding", "dilation"), start=2):
        if not _as_given(cache[index], given.kwargs.get(name, 0 if name == "padding" else 1)):
            return f"field {index + 1} of the cache is not the {name} that the function was given"
    return None


def _documented(function: Predict) -> Predict:
    """`function` with the documented cache, so that no mistake in the output explains a wrong cache."""

    def predict(x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Any:
        told = function(x, w, b, **options)
        if not isinstance(told, tuple) or told[1] is not ANYTHING:
            return told
        usual = {"stride": 1, "padding": 0, "dilation": 1}
        return told[0], (x, w, *{**usual, **options}.values())

    return predict


def _padded_x_kept(given: Case, outcome: Outcome) -> bool:
    kept = outcome.value[1][0]  # type: ignore[index]
    x, padding = given.args[0], _pair(given.kwargs["padding"])
    grown = tuple(size + 2 * p for size, p in zip(x.shape[2:], padding, strict=True))
    return bool(kept.shape == (*x.shape[:2], *grown) and np.isclose(kept.sum(), x.sum()))


def _views(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 3, 3), (1, 2, 2))
    yield layer(rng, (2, 3, 5, 6), (2, 3, 2), stride=2)


def _remembered(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 1, 2, 2), (1, 2, 2), padding=1, stride=2)
    yield layer(rng, (2, 3, 4, 4), (1, 2, 2), padding=1, stride=3, dilation=2)


def _larger(rng: np.random.Generator) -> Iterator[Case]:
    """The same layer with more images, more filters, more rows and more columns of places."""
    for side in (4, 5):
        shapes = [(2, side, side, 2), (5, side, side, 2), (2, side, side, 6), (2, side + 4, side, 2)]
        calls = []
        for images, height, width, filters in (*shapes, (2, side, side + 4, 2)):
            x, w = fractions(rng, images, 2, height, width), fractions(rng, filters, 2, 3, 3)
            calls.append((x, w, fractions(rng, filters)))
        yield case(calls, axes=("N", "D", "oh", "ow"))


def _for_each_call(function: Predict) -> Predict:
    """`function` for the cases of the probe that counts lines."""
    return lambda calls, *, axes, **options: [function(*arguments, **options) for arguments in calls]


def _grows_with(*axes: str) -> Callable[[Case, Outcome], bool]:
    """Do the executed lines grow with just these axes?"""

    def recognise(given: Case, outcome: Outcome) -> bool:
        counted: Any = outcome.value
        base, *larger = counted["lines"]
        grown = {axis for axis, lines in zip(given.kwargs["axes"], larger, strict=True) if lines > base}
        return grown == set(axes)

    return recognise


NOT_PLAIN = tuple(name for name in EVERYWHERE if name != PLAIN)

CONV2D_FORWARD = Exercise(
    name="conv2d_forward",
    notebook=NOTEBOOK,
    asked="a pair: the output, an array (N, D, oh, ow), and the cache",
    parts=("out", "cache"),
    reference=lambda x, w, b, *, stride=1, padding=0, dilation=1: (
        _layer(x, w, b, stride=stride, padding=padding, dilation=dilation),
        ANYTHING,
    ),
    groups=(
        *SLIDING,
        Group(VIEWS, 1, _views, probe="not_contiguous"),
        Group(CACHE, 1, _remembered, lift=_documented, judge=_cache_judge),
        Group(NO_LOOP, 1, _larger, probe="work_counted", lift=_for_each_call, judge=no_loop_over),
    ),
    advice={**ADVICE, VIEWS: "The numbers of an array need not lie side by side in memory."},
    misconceptions=(
        Misconception(
            "the kernel is flipped",
            FLIPPED,
            _with_cache(_with_weights(lambda w: w.flip(2, 3))),
            (*EVERYWHERE, VIEWS),
        ),
        Misconception(
            "the bias is forgotten",
            NO_BIAS,
            _with_cache(lambda x, w, b, **options: _layer(x, w, None, **options)),
            (*EVERYWHERE, VIEWS),
        ),
        Misconception(
            "the bias is added along the width of the output",
            BIAS_AXIS,
            _with_cache(_bias_along_the_width),
            (*NOT_PLAIN, VIEWS, NO_LOOP),
        ),
        Misconception(
            "the weights are reshaped to columns instead of turned",
            "`w.reshape(-1, D)` cuts the filters into pieces. Every filter is one *row* of a matrix (D, C * "
            "kh * "
            "kw); a matrix is turned with `.T`, which is something else than a reshape.",
            _with_cache(_with_weights(lambda w: w.reshape(-1, w.shape[0]).T.reshape(w.shape))),
            (*NOT_PLAIN, VIEWS),
        ),
        Misconception(
            "the axis of the filters is not moved before the last reshape",
            "Your matrix has one row for each place and one column for each filter. Reshape it to (N, oh, "
            "ow, D) "
            "first, then move D to where it belongs.",
            _with_cache(_rows_as_pictures),
            (*NOT_PLAIN, VIEWS),
        ),
        Misconception(
            "images and filters are mixed up in the last reshape",
            "Your matrix is (D, N * oh * ow): D comes first. Reshape to (D, N, oh, ow), then exchange two "
            "axes.",
            _with_cache(_images_and_filters_mixed),
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS, VIEWS),
        ),
        Misconception(
            "rows and columns are exchanged in the last reshape",
            "The output is (N, D, oh, ow): which number comes out of the heights, and which one comes last?",
            _with_cache(_output_on_its_side),
            (OBLONG, PAIRS, VIEWS),
        ),
        Misconception(
            "the width of the output is worked out from the height",
            "The last reshape fails for pictures that are not square. Follow `ow` back: does it use "
            "`x.shape[3]`, "
            "`kw` and the second number of each pair?",
            _with_cache(_square_reshape),
            (OBLONG, PAIRS, VIEWS, NO_LOOP),
        ),
        Misconception(
            "the number of filters is used for the size of the kernel",
            "The last reshape fails: how large the output is does not depend on the number of filters. "
            "Which of the four numbers of `w.shape` are the kernel's height and width?",
            _with_cache(_reshaped_by_the_filters),
            (*EVERYWHERE, VIEWS, NO_LOOP),
        ),
        Misconception(
            "a window is read column by column",
            "A row of `w.reshape(D, -1)` runs through a filter row by row. Your columns run through the "
            "window "
            "column by column, so the wrong numbers meet.",
            _with_cache(
                _with_weights(lambda w: w.reshape(*w.shape[:2], w.shape[3], w.shape[2]).transpose(2, 3))
            ),
            (*EVERYWHERE, VIEWS),
        ),
        Misconception(
            "the channels stand side by side in a column",
            "A row of `w.reshape(D, -1)` begins with all weights of channel 0. In your columns the channel "
            "runs "
            "fastest, so the wrong numbers meet.",
            _with_cache(
                _with_weights(lambda w: w.reshape(w.shape[0], *w.shape[2:], w.shape[1]).permute(0, 3, 1, 2))
            ),
            (STACK, OBLONG, PADDED, STRIDED, REMAINDER, DILATED, PAIRS, VIEWS),
        ),
        Misconception(
            "the kernel is taken to be square",
            SQUARE_KERNEL,
            _with_cache(_square_kernel),
            (OBLONG, PAIRS, VIEWS),
        ),
        Misconception(
            "the padding is forgotten", NO_PADDING, _with_cache(_with_options(padding=0)), (PADDED, PAIRS)
        ),
        Misconception(
            "the border is 1 wide, whatever the padding",
            ALWAYS_ONE,
            _with_cache(_with_options(padding=1)),
            (*EVERYWHERE, VIEWS),
        ),
        Misconception(
            "the zeros are put on the top and on the left only",
            "`padding=1` means one row above and one below, one column left and one right.",
            _with_cache(_first_sides_only),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the stride is ignored",
            NO_STRIDE,
            _with_cache(_with_options(stride=1)),
            (STRIDED, REMAINDER, PAIRS, VIEWS),
        ),
        Misconception(
            "a stride that leaves a remainder is refused",
            REFUSED,
            _with_cache(_remainder_refused),
            (REMAINDER, PAIRS),
        ),
        Misconception(
            "the dilation is ignored", NO_DILATION, _with_cache(_with_options(dilation=1)), (DILATED, PAIRS)
        ),
        Misconception(
            "rows and columns of the pairs are exchanged",
            PAIRS_SWAPPED,
            _with_cache(_pairs_swapped),
            (PAIRS,),
        ),
        Misconception(
            "a pair is used as if it were a number", PAIRS_REFUSED, _with_cache(_pairs_refused), (PAIRS,)
        ),
        Misconception(
            "steps in memory are worked out by hand",
            "`as_strided` believes whatever steps it is told. Take `x.strides` as they are, or better "
            "`sliding_window_view`, which knows them.",
            _with_cache(_by_hand_strides),
            (VIEWS,),
        ),
        Misconception(
            "the cache is not returned",
            "Return two values, `out, cache`. What the cache must begin with stands in the docstring.",
            lambda x, w, b, **options: _layer(x, w, b, **options),
            (*EVERYWHERE, VIEWS, CACHE),
        ),
        Misconception(
            "the cache comes before the output",
            "The order is `return out, cache`.",
            lambda x, w, b, **options: (ANYTHING, _layer(x, w, b, **options)),
            (*EVERYWHERE, VIEWS, CACHE),
        ),
        Misconception(
            "the padded images are kept in the cache",
            "The cache begins with `x` as it came in. Is `x` overwritten by the padded images somewhere? "
            "Give "
            "those a name of their own; they may stand in the cache as a sixth field.",
            fails=(CACHE,),
            recognise=_padded_x_kept,
        ),
        Misconception(
            "a Python loop over the images",
            "`@` takes a stack of matrices on one side and a single matrix on the other. What are the "
            "shapes of "
            "yours, and which axis is left over to be carried along?",
            fails=(NO_LOOP,),
            recognise=_grows_with("N"),
        ),
        Misconception(
            "a Python loop over the filters",
            "One filter as a row times the columns gives one row. What do D rows give, in one product?",
            fails=(NO_LOOP,),
            recognise=_grows_with("D"),
        ),
        Misconception(
            "a Python loop over the places of the kernel",
            "A loop over the kh * kw weights would be short. Or let `sliding_window_view` hand you all "
            "windows at "
            "once, and pick those that the stride visits with a slice.",
            fails=(NO_LOOP,),
            recognise=_grows_with("oh", "ow"),
        ),
    ),
)


# --- conv_matrix ------------------------------------------------------------------------------------------

ONE_KERNEL = "square picture, stride 1"


def _conv_matrix(w: Tensor, height: int, width: int, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """What the kernel answers to every picture that has a single 1: the columns of the matrix."""
    ones = torch.eye(height * width, dtype=w.dtype).reshape(-1, 1, height, width)
    return F.conv2d(ones, w[None, None], stride=stride, padding=padding).flatten(1).T


def _placed(w: Tensor, grid: Tensor, numbers: int, *, stride: Pair = 1) -> Tensor:
    """The kernel's weights at the columns that `grid`, numbers of a picture's pixels, gives them."""
    places = F.unfold(grid[None, None].double(), tuple(w.shape), stride=stride)[0].long()
    if int(places.max()) >= numbers:
        raise IndexError("index is out of bounds")
    rows = torch.zeros(places.shape[1], numbers, dtype=w.dtype)
    return rows.scatter(1, places.T, w.flatten().expand(places.shape[1], -1))


def _rows_without_gaps(w: Tensor, height: int, width: int, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """All weights side by side, from where each window starts. With padding the picture is the padded one."""
    ph, pw = _pair(padding)
    whole = _conv_matrix(w, height + 2 * ph, width + 2 * pw, stride=stride)
    first = F.unfold(
        torch.arange(whole.shape[1]).reshape(1, 1, height + 2 * ph, width + 2 * pw).double(),
        tuple(w.shape),
        stride=stride,
    )[0, 0].long()
    rows = [F.pad(w.flatten(), (int(start), whole.shape[1] - w.numel() - int(start))) for start in first]
    inside = F.pad(torch.ones(height, width), (pw, pw, ph, ph)).flatten().bool()
    return torch.stack(rows)[:, inside]


def _one_further_each_row(
    w: Tensor, height: int, width: int, *, stride: Pair = 1, padding: Pair = 0
) -> Tensor:
    """Row r starts at column r, as if a window never jumped to the next line of the picture."""
    ph, pw = _pair(padding)
    whole = _conv_matrix(w, height + 2 * ph, width + 2 * pw)
    count = len(_conv_matrix(w, height, width, stride=stride, padding=padding))
    rows = torch.stack([whole[0].roll(row) for row in range(count)])
    inside = F.pad(torch.ones(height, width), (pw, pw, ph, ph)).flatten().bool()
    return rows[:, inside]


def _numbered_by_height(w: Tensor, height: int, width: int, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """Pixel (r, c) is taken for number r * height + c."""
    ph, pw = _pair(padding)
    framed = F.pad(torch.ones(height, width), (pw, pw, ph, ph))
    lines = torch.arange(len(framed))[:, None] * len(framed)
    grid = lines + torch.arange(framed.shape[1])
    return _placed(w, grid, framed.numel(), stride=stride)[:, framed.flatten().bool()]


def _columns_of_zeros_kept(
    w: Tensor, height: int, width: int, *, stride: Pair = 1, padding: Pair = 0
) -> Tensor:
    ph, pw = _pair(padding)
    return _conv_matrix(w, height + 2 * ph, width + 2 * pw, stride=stride)


def _matrix_pairs_swapped(w: Tensor, height: int, width: int, **options: Pair) -> Tensor:
    swapped = {name: _pair(value)[::-1] for name, value in options.items()}
    return _conv_matrix(w, height, width, **swapped)


def _matrix_pairs_refused(w: Tensor, height: int, width: int, **options: Pair) -> Tensor:
    if any(isinstance(value, tuple) for value in options.values()):
        raise TypeError("unsupported operand type(s)")
    return _conv_matrix(w, height, width, **options)


def _matrix_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), 3, 3)
    yield case(digits(rng, 3, 3), 4, 4)
    yield case(fractions(rng, 2, 2), 5, 5)


def _matrix_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), 3, 4)
    yield case(fractions(rng, 2, 3), 4, 6)
    yield case(fractions(rng, 3, 2), 5, 3)


def _matrix_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), 4, 4, stride=2)
    yield case(digits(rng, 2, 2), 5, 5, stride=2)
    yield case(digits(rng, 2, 2), 3, 3, stride=(1, 2))
    yield case(fractions(rng, 3, 3), 7, 7, stride=(2, 3))


def _matrix_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), 2, 2, padding=1)
    yield case(fractions(rng, 3, 3), 3, 3, padding=1)
    yield case(fractions(rng, 3, 3), 4, 4, padding=(3, 1))
    yield case(fractions(rng, 3, 3), 4, 4, padding=(1, 3))


MATRIX_GROUPS = (
    Group(ONE_KERNEL, 1, _matrix_square),
    Group(OBLONG, 1, _matrix_oblong),
    Group(STRIDED, 1, _matrix_strided),
    Group(PADDED, 1, _matrix_padded),
)
ALL_MATRICES = tuple(group.name for group in MATRIX_GROUPS)

CONV_MATRIX = Exercise(
    name="conv_matrix",
    notebook=NOTEBOOK,
    asked="an array (oh * ow, height * width)",
    reference=_conv_matrix,
    groups=MATRIX_GROUPS,
    advice={
        ONE_KERNEL: "Fill in the first row on paper, and the row for the first window of the next line.",
        OBLONG: "Pixel (r, c) of the picture has the number r * width + c.",
        STRIDED: "There is one row for each output, and row by row the window moves by the stride.",
        PADDED: "A weight that meets a padded zero meets no number of x: it has no column, and is left out.",
    },
    misconceptions=(
        Misconception(
            "the matrix is transposed",
            "`matrix @ x.reshape(-1)` must give the outputs: one *row* for each output number.",
            lambda *args, **options: _conv_matrix(*args, **options).T,
            ALL_MATRICES,
        ),
        Misconception(
            "the kernel is flipped",
            "In the first row the first weight of the kernel comes first.",
            lambda w, *args, **options: _conv_matrix(w.flip(0, 1), *args, **options),
            ALL_MATRICES,
        ),
        Misconception(
            "the rows of the kernel stand without gaps",
            "Under a window, the next row of the kernel lies one picture row further: `width` numbers later.",
            _rows_without_gaps,
            ALL_MATRICES,
        ),
        Misconception(
            "every row starts one column further, even at the end of a line",
            "At the end of a line of places the window jumps to the next line. Work out the picture's row "
            "and "
            "column where it stands, and from these the number of the pixel.",
            _one_further_each_row,
            ALL_MATRICES,
        ),
        Misconception(
            "pixels are numbered with the height",
            "Reading a picture line by line, how many numbers are there in a line?",
            _numbered_by_height,
            (OBLONG, PADDED),
        ),
        Misconception(
            "the stride is ignored",
            NO_STRIDE,
            lambda w, height, width, *, stride=1, padding=0: _conv_matrix(w, height, width, padding=padding),
            (STRIDED,),
        ),
        Misconception(
            "the padding is forgotten",
            "With padding there are more places, so more rows. The columns stay: one for each number of x.",
            lambda w, height, width, *, stride=1, padding=0: _conv_matrix(w, height, width, stride=stride),
            (PADDED,),
        ),
        Misconception(
            "the padded zeros have columns",
            "`matrix @ x.reshape(-1)` takes the picture *without* its border. Drop the columns of the "
            "border.",
            _columns_of_zeros_kept,
            (PADDED,),
        ),
        Misconception(
            "rows and columns of the pairs are exchanged",
            PAIRS_SWAPPED,
            _matrix_pairs_swapped,
            (STRIDED, PADDED),
        ),
        Misconception(
            "a pair is used as if it were a number",
            "`stride` and `padding` may be pairs: `pair(...)` gives a number for each direction.",
            _matrix_pairs_refused,
            (STRIDED, PADDED),
        ),
    ),
)


# --- linear_as_conv ---------------------------------------------------------------------------------------

ONE_CHANNEL, CHANNELS = "one channel", "several channels"


def _linear_as_conv(weight: Tensor, input_shape: Size) -> Tensor:
    """What the layer answers to inputs with a single 1, laid out as these inputs are."""
    ones = torch.eye(int(np.prod(input_shape)), dtype=weight.dtype)
    return F.linear(ones, weight).T.reshape(-1, *input_shape)


def _laid_out(order: str) -> Predict:
    """The weights read as if a flattened input had its axes in another order, such as "HWC"."""

    def predict(weight: Tensor, input_shape: Size) -> Tensor:
        sizes = dict(zip("CHW", input_shape, strict=True))
        read = weight.reshape(-1, *(sizes[axis] for axis in order))
        return read.permute(0, *(1 + order.index(axis) for axis in "CHW"))

    return predict


def _neurons_last(weight: Tensor, input_shape: Size) -> Tensor:
    return weight.reshape(*input_shape, -1).permute(3, 0, 1, 2)


def _dense_one(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 6), (1, 2, 3))
    yield case(fractions(rng, 3, 20), (1, 5, 4))


def _dense_channels(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 8), (2, 2, 2))
    yield case(fractions(rng, 4, 30), (3, 2, 5))


LINEAR_AS_CONV = Exercise(
    name="linear_as_conv",
    notebook=NOTEBOOK,
    asked="an array (D, C, H, W)",
    reference=_linear_as_conv,
    groups=(Group(ONE_CHANNEL, 1, _dense_one), Group(CHANNELS, 1, _dense_channels)),
    misconceptions=(
        Misconception(
            "rows and columns of the kernel are exchanged",
            "input_shape is (C, H, W), and the kernel is as high and as wide as the input.",
            lambda weight, input_shape: weight.reshape(-1, input_shape[0], *input_shape[:0:-1]),
            (ONE_CHANNEL, CHANNELS),
        ),
        Misconception(
            "the kernel is flipped",
            "The layer slides without flipping: weight number 0 must meet pixel number 0.",
            lambda weight, input_shape: _linear_as_conv(weight, input_shape).flip(2, 3),
            (ONE_CHANNEL, CHANNELS),
        ),
        Misconception(
            "the neurons are taken for the last axis",
            "Each *row* of `weight` belongs to one neuron, and becomes one filter: D stays the first axis.",
            _neurons_last,
            (ONE_CHANNEL, CHANNELS),
        ),
        Misconception(
            "the channels are taken to come last",
            "Flattening (C, H, W) runs through all of channel 0 first. The kernel's axes come in the same "
            "order.",
            _laid_out("HWC"),
            (CHANNELS,),
        ),
        Misconception(
            "a kernel of 1 x 1 over all the numbers",
            "The recipe says *do not flatten*: the kernel is as high and as wide as the input.",
            lambda weight, input_shape: weight[:, :, None, None],
            (ONE_CHANNEL, CHANNELS),
        ),
    ),
)


# --- compose_kernels --------------------------------------------------------------------------------------

UNEQUAL, THROUGH = "kernels of different sizes", "several channels in, between and out"


def _compose(w1: Tensor, w2: Tensor) -> Tensor:
    """What two layers make of a single 1 far from the border: their common kernel, flipped."""
    rows, columns = (a + b - 1 for a, b in zip(w1.shape[2:], w2.shape[2:], strict=True))
    ones = torch.zeros(w1.shape[1], w1.shape[1], 2 * rows - 1, 2 * columns - 1, dtype=w1.dtype)
    for channel in range(w1.shape[1]):
        ones[channel, channel, rows - 1, columns - 1] = 1
    return F.conv2d(F.conv2d(ones, w1), w2).flip(2, 3).transpose(0, 1)


def _inside_only(w1: Tensor, w2: Tensor) -> Tensor:
    """A true convolution where one kernel lies inside the other."""
    if any(a < b for a, b in zip(w1.shape[2:], w2.shape[2:], strict=True)):
        raise ValueError("window shape cannot be larger than input array shape")
    whole = _compose(w1, w2)
    kh, kw = w2.shape[2:]
    return whole[:, :, kh - 1 : whole.shape[2] - kh + 1, kw - 1 : whole.shape[3] - kw + 1]


def _layers_exchanged(w1: Tensor, w2: Tensor) -> Tensor:
    if w1.shape[0] != w2.shape[1] or w2.shape[0] != w1.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return _compose(w2, w1)


def _one_kernel(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 2, 2), digits(rng, 1, 1, 2, 2))
    yield case(fractions(rng, 1, 1, 3, 3), fractions(rng, 1, 1, 3, 3))


def _unequal_kernels(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 1, 1, 1, 2), digits(rng, 1, 1, 3, 1))
    yield case(fractions(rng, 1, 1, 3, 2), fractions(rng, 1, 1, 2, 4))


def _kernels_through(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 2, 1, 2), digits(rng, 2, 3, 2, 1))
    yield case(fractions(rng, 4, 3, 2, 3), fractions(rng, 2, 4, 3, 2))


TWO_KERNELS = "one channel, kernels of one size"

COMPOSE_KERNELS = Exercise(
    name="compose_kernels",
    notebook=NOTEBOOK,
    asked="an array (D, C, k1h + k2h - 1, k1w + k2w - 1)",
    reference=_compose,
    groups=(
        Group(TWO_KERNELS, 1, _one_kernel),
        Group(UNEQUAL, 1, _unequal_kernels),
        Group(THROUGH, 1, _kernels_through),
    ),
    advice={
        TWO_KERNELS: "Which products of a weight of w1 and a weight of w2 meet the pixel of x at (1, 0)?",
        UNEQUAL: "Weight (a, b) of one and weight (c, d) of the other meet in place (a + c, b + d).",
        THROUGH: "From channel c to filter d a number may go through any channel in between: add up all "
        "ways.",
    },
    misconceptions=(
        Misconception(
            "one kernel slides over the other without being flipped",
            "Weight a of the first and weight b of the second meet in pixel a + b: when one index goes up, "
            "the "
            "other goes down. Which kind of sliding is that?",
            lambda w1, w2: _compose(w1, w2.flip(2, 3)),
            (TWO_KERNELS, UNEQUAL, THROUGH),
        ),
        Misconception(
            "only places where one kernel lies inside the other",
            "Two 3 x 3 layers see 5 x 5 pixels together, so the common kernel is 5 x 5.",
            _inside_only,
            (TWO_KERNELS, UNEQUAL, THROUGH),
        ),
        Misconception(
            "one row and one column of zeros too many",
            "The farthest weights meet in pixel (k1 - 1) + (k2 - 1). Counting from 0, how many places is "
            "that?",
            lambda w1, w2: F.pad(_compose(w1, w2), (0, 1, 0, 1)),
            (TWO_KERNELS, UNEQUAL, THROUGH),
        ),
        Misconception(
            "only the first channel between the layers is used",
            "A number may reach filter d through every channel between the two layers: add up all the ways.",
            lambda w1, w2: _compose(w1[:1], w2[:, :1]),
            (THROUGH,),
        ),
        Misconception(
            "channels come before filters in the result",
            "The result is the weight of a layer: filters first, (D, C, ...).",
            lambda w1, w2: _compose(w1, w2).transpose(0, 1),
            (THROUGH,),
        ),
        Misconception(
            "the layers are exchanged",
            "With one channel the order does not matter. With several, the channels between the layers are "
            "axis 0 "
            "of `w1` and axis 1 of `w2`: these two belong together.",
            _layers_exchanged,
            (THROUGH,),
        ),
    ),
)


# --- pointwise_conv ---------------------------------------------------------------------------------------

ONE_PICTURE, MORE_PICTURES = "one image", "several images"


def _pointwise_turned(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    if w.shape[0] != w.shape[1]:
        raise ValueError("matmul: Input operand 1 has a mismatch in its core dimension 0")
    return F.conv2d(x, w.transpose(0, 1), b)


def _pointwise_reshaped(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """``x.reshape(-1, C)`` cuts the pictures into pieces of C neighbours."""
    pixels = x.permute(0, 2, 3, 1)[..., 0].shape  # (N, H, W)
    mixed = F.linear(x.reshape(-1, x.shape[1]), w.flatten(1), b)
    return mixed.unflatten(0, pixels).permute(0, 3, 1, 2)


def _pointwise_one(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (1, 2, 2, 3), (3, 1, 1))
    yield layer(rng, (1, 4, 3, 5), (2, 1, 1))


def _pointwise_more(rng: np.random.Generator) -> Iterator[Case]:
    yield layer(rng, (2, 3, 2, 3), (2, 1, 1))
    yield layer(rng, (3, 2, 5, 4), (4, 1, 1))


POINTWISE_CONV = Exercise(
    name="pointwise_conv",
    notebook=NOTEBOOK,
    asked="an array (N, D, H, W)",
    reference=lambda x, w, b: F.conv2d(x, w, b),
    groups=(Group(ONE_PICTURE, 1, _pointwise_one), Group(MORE_PICTURES, 1, _pointwise_more)),
    misconceptions=(
        Misconception(
            "the bias is forgotten", NO_BIAS, lambda x, w, b: F.conv2d(x, w), (ONE_PICTURE, MORE_PICTURES)
        ),
        Misconception(
            "the bias is added along the width of the output",
            BIAS_AXIS,
            _bias_along_the_width,
            (ONE_PICTURE, MORE_PICTURES),
        ),
        Misconception(
            "filters and channels of the weight are exchanged",
            "`w` is (D, C, 1, 1). At each pixel C numbers go in and D come out: which axis of `w` is summed "
            "over?",
            _pointwise_turned,
            (ONE_PICTURE, MORE_PICTURES),
        ),
        Misconception(
            "the pictures are cut into pieces of C neighbours",
            "In memory the numbers of one *channel* lie side by side, not those of one pixel, so "
            "`x.reshape(-1, C)` "
            "mixes pixels. Move the channels to the end first.",
            _pointwise_reshaped,
            (ONE_PICTURE, MORE_PICTURES),
        ),
        Misconception(
            "filters come before images in the output",
            "The output is (N, D, H, W): which axis does your product put first?",
            lambda x, w, b: F.conv2d(x, w, b).transpose(0, 1),
            (ONE_PICTURE, MORE_PICTURES),
        ),
    ),
)


# --- for the curious: groups, and three dimensions ----------------------------------------------------------

TWO_GROUPS, DEPTHWISE = "two groups", "more groups, stride and padding"


def _grouped(x: Tensor, w: Tensor, b: Tensor, *, groups: int, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return F.conv2d(x, w, b, groups=groups, stride=stride, padding=padding)


def _dealt_out(tensor: Tensor, groups: int, axis: int) -> Tensor:
    """The numbers along an axis in the order in which cards are dealt to `groups` players."""
    order = torch.arange(tensor.shape[axis]).reshape(-1, groups).T.flatten()
    return tensor.index_select(axis, order)


def _first_channels_for_all(x: Tensor, w: Tensor, b: Tensor, *, groups: int, **options: Pair) -> Tensor:
    return _layer(x[:, : w.shape[1]], w, b, **options)


def _channels_dealt(x: Tensor, w: Tensor, b: Tensor, *, groups: int, **options: Pair) -> Tensor:
    return _grouped(_dealt_out(x, groups, 1), w, b, groups=groups, **options)


def _bias_of_the_first_group(x: Tensor, w: Tensor, b: Tensor, *, groups: int, **options: Pair) -> Tensor:
    return _grouped(x, w, b[: len(b) // groups].repeat(groups), groups=groups, **options)


def _groups_added_up(x: Tensor, w: Tensor, b: Tensor, *, groups: int, **options: Pair) -> Tensor:
    out = _grouped(x, w, b, groups=groups, **options)
    return out.reshape(len(x), groups, -1, *out.shape[2:]).sum(1)


def _grouped_case(
    rng: np.random.Generator, x: tuple[int, int, int, int], w: tuple[int, int, int], **options: Any
) -> Case:
    filters, height, width = w
    shape = (filters, x[1] // options["groups"], height, width)
    draw = digits if np.prod(x) + np.prod(shape) <= 40 else fractions
    return case(draw(rng, *x), draw(rng, *shape), fractions(rng, filters), **options)


def _two_groups(rng: np.random.Generator) -> Iterator[Case]:
    yield _grouped_case(rng, (1, 4, 2, 2), (4, 1, 1), groups=2)
    yield _grouped_case(rng, (2, 4, 4, 5), (6, 2, 3), groups=2)


def _more_groups(rng: np.random.Generator) -> Iterator[Case]:
    yield _grouped_case(rng, (1, 3, 2, 2), (3, 2, 2), groups=3, padding=1, stride=2)
    yield _grouped_case(rng, (1, 6, 4, 4), (6, 2, 2), groups=3, padding=1, stride=2)
    yield _grouped_case(rng, (2, 6, 5, 6), (6, 3, 2), groups=3, stride=(1, 2))


GROUPED_CONV2D = Exercise(
    name="grouped_conv2d",
    notebook=NOTEBOOK,
    asked="an array (N, D, oh, ow)",
    reference=_grouped,
    groups=(Group(TWO_GROUPS, 1, _two_groups), Group(DEPTHWISE, 1, _more_groups)),
    misconceptions=(
        Misconception(
            "every group reads the first channels",
            "Group g reads its own C / groups channels. Where does their slice begin?",
            _first_channels_for_all,
            (TWO_GROUPS, DEPTHWISE),
        ),
        Misconception(
            "the channels are dealt out in turn",
            "A group's channels lie side by side: with 4 channels and 2 groups, 0 and 1, then 2 and 3.",
            _channels_dealt,
            (TWO_GROUPS, DEPTHWISE),
        ),
        Misconception(
            "all groups get the bias of the first",
            "`b` has one number for each of the D filters; a group takes those of its own filters.",
            _bias_of_the_first_group,
            (TWO_GROUPS, DEPTHWISE),
        ),
        Misconception(
            "the groups' outputs are added up",
            "The groups never meet: their outputs stand one after the other along the axis of the filters.",
            _groups_added_up,
            (TWO_GROUPS, DEPTHWISE),
        ),
    ),
)

ONE_FILM, FILMS = "one channel, stride 1", "channels, stride and padding"
Triple = int | tuple[int, int, int]


def _triple(value: Triple) -> tuple[int, int, int]:
    return value if isinstance(value, tuple) else (value, value, value)


def _conv3d(x: Tensor, w: Tensor, b: Tensor, *, stride: Triple = 1, padding: Triple = 0) -> Tensor:
    return F.conv3d(x, w, b, stride=stride, padding=padding)


def _still_in_time(option: str, usual: int) -> Predict:
    """The option holds for rows and columns only."""

    def predict(x: Tensor, w: Tensor, b: Tensor, **options: Triple) -> Tensor:
        _, rows, columns = _triple(options.get(option, usual))
        return _conv3d(x, w, b, **{**options, option: (usual, rows, columns)})

    return predict


def _film(
    rng: np.random.Generator, x: tuple[int, ...], w: tuple[int, int, int, int], **options: Triple
) -> Case:
    filters, *kernel = w
    shape = (filters, x[1], *kernel)
    draw = digits if np.prod(x) + np.prod(shape) <= 40 else fractions
    return case(draw(rng, *x), draw(rng, *shape), fractions(rng, filters), **options)


def _one_film(rng: np.random.Generator) -> Iterator[Case]:
    yield _film(rng, (1, 1, 2, 2, 3), (1, 2, 1, 2))
    yield _film(rng, (1, 1, 4, 3, 5), (1, 3, 2, 2))


def _films(rng: np.random.Generator) -> Iterator[Case]:
    yield _film(rng, (1, 2, 2, 2, 2), (1, 2, 2, 2), padding=1, stride=2)
    yield _film(rng, (1, 2, 4, 4, 4), (2, 2, 2, 2), padding=1, stride=2)
    yield _film(rng, (2, 2, 5, 4, 6), (3, 2, 3, 2), padding=(1, 0, 2), stride=(2, 1, 3))


CONV3D = Exercise(
    name="conv3d",
    notebook=NOTEBOOK,
    asked="an array (N, D, ot, oh, ow)",
    reference=_conv3d,
    groups=(Group(ONE_FILM, 1, _one_film), Group(FILMS, 1, _films)),
    misconceptions=(
        Misconception(
            "the kernel is flipped",
            FLIPPED,
            lambda x, w, b, **options: _conv3d(x, w.flip(2, 3, 4), b, **options),
            (ONE_FILM, FILMS),
        ),
        Misconception(
            "the bias is forgotten",
            NO_BIAS,
            lambda x, w, b, **options: _conv3d(x, w, torch.zeros_like(b), **options),
            (ONE_FILM, FILMS),
        ),
        Misconception(
            "the kernel does not slide along the time",
            "Time is a direction like the other two: there are T - kt + 1 places along it (stride 1, no "
            "padding).",
            lambda x, w, b, **options: _conv3d(x, w, b, **options)[:, :, :1],
            (ONE_FILM, FILMS),
        ),
        Misconception(
            "the time is not padded",
            "The padding goes around the film in all three directions, frames of zeros before and after it.",
            _still_in_time("padding", 0),
            (FILMS,),
        ),
        Misconception(
            "the stride does not hold for the time",
            "A stride of 2 skips every second place in all three directions.",
            _still_in_time("stride", 1),
            (FILMS,),
        ),
    ),
)


EXERCISES = (
    CONV2D_NAIVE,
    DILATE_KERNEL,
    IM2COL,
    CONV2D_FORWARD,
    CONV_MATRIX,
    LINEAR_AS_CONV,
    COMPOSE_KERNELS,
    POINTWISE_CONV,
    GROUPED_CONV2D,
    CONV3D,
)
