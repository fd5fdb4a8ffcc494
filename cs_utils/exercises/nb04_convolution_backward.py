"""Exercises of notebook 04, the convolution layer backward: references, cases, known mistakes.

What is right comes from PyTorch's autograd, or from its transposed convolution and `fold`. Misconceptions
give (or raise) what a student with that mistake gets in NumPy, error types included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, Tolerance, case
from cs_utils.checking.compare import compare, part_name
from cs_utils.checking.exercise import predict

NOTEBOOK = "04_convolution_backward"
Pair = int | tuple[int, int]


# --- numbers for cases ------------------------------------------------------------------------------------


def digits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers from 1 to 9 (or further, when 9 are not enough) as floats, no two alike."""
    count = int(np.prod(shape))
    return rng.permutation(np.arange(1.0, max(9, count) + 1))[:count].reshape(shape)


def fractions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Float64 of both signs with two decimals, none of them a whole number."""
    whole = rng.integers(-3, 4, size=shape)
    return np.round(whole + rng.uniform(0.2, 0.8, size=shape), 2)


def halves(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """1.5, 2.5, ...: as easy to follow as `digits`, and never taken for whole numbers."""
    return digits(rng, *shape) + 0.5


def _is_whole(x: Tensor) -> bool:
    return bool((x == x.round()).all())


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


# --- numeric_gradient -------------------------------------------------------------------------------------

Function = Callable[[Tensor], Tensor]


def _function(text: str, x: Tensor) -> Function:
    """The function that a case writes down. PyTorch stands in for NumPy in it."""
    function: Function = eval(text, {"np": torch, "x": x.detach().clone()})
    return function


def _slopes(f: Function, x: Tensor, order: int) -> list[Tensor]:
    """The first `order` derivatives of f along each number of x by itself, each of the shape of x."""
    x = x.detach().clone().requires_grad_()
    directions = torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)

    def along(value: Function, direction: Tensor) -> Function:
        return lambda z: torch.autograd.functional.jvp(value, z, direction, create_graph=True)[1]

    slopes = [f] * x.numel()
    found = []
    for _ in range(order):
        slopes = [along(slope, direction) for slope, direction in zip(slopes, directions, strict=True)]
        found.append(torch.stack([slope(x) for slope in slopes]).detach().reshape(x.shape))
    return found


def _central_at(f: Function, x: Tensor, h: float) -> Tensor:
    """What a central difference gives: the derivative and a share of the third one, by Taylor's theorem."""
    first, _, third = _slopes(f, x, 3)
    return first + h**2 / 6 * third


def _central(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    return _central_at(_function(f, x), x, h)


def _one_sided(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    first, second, third = _slopes(_function(f, x), x, 3)
    return first + h / 2 * second + h**2 / 6 * third


def _all_at_once(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    function = _function(f, x)
    return (function(x + h) - function(x - h)) / (2 * h)


def _row_at_once(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    slopes = _central(f, x, h=h)
    return slopes.sum(dim=tuple(range(1, x.dim())), keepdim=True).expand(x.shape) if x.dim() > 1 else slopes


def _nudge_lost(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    """x + h and x - h are cut down to whole numbers when they are written into an array of these."""
    if not _is_whole(x):
        return _central(f, x, h=h)
    function = _function(f, x)
    up, down = torch.stack([x] * len(x)), torch.stack([x] * len(x))
    up.diagonal().copy_((x + h).trunc())
    down.diagonal().copy_((x - h).trunc())
    return torch.stack([function(a) - function(b) for a, b in zip(up, down, strict=True)]) / (2 * h)


def _gradient_stored_whole(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    slopes = _central(f, x, h=h)
    return slopes.trunc() if _is_whole(x) else slopes


def _nudge_and_gradient_whole(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    found = _nudge_lost(f, x, h=h)
    return found.trunc() if _is_whole(x) else found


def _left_nudged(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    """Each number is left at x - h before the next one gets its turn."""
    function = _function(f, x)
    flat = x.flatten()
    slopes = []
    for number in range(len(flat)):
        moved = torch.cat([flat[:number] - h, flat[number:]]).reshape(x.shape)
        slopes.append(_central_at(function, moved, h).flatten()[number])
    return torch.stack(slopes).reshape(x.shape)


LINEAR, CURVED, AXES = "a linear function", "a curved function", "x with two or more axes"
STEP, WHOLE_X, ITSELF = "another step h", "x of whole numbers", "a function that looks at x itself"


def _gradient_linear(rng: np.random.Generator) -> Iterator[Case]:
    first, second, third = digits(rng, 3)
    yield case(f"lambda x: {first:g} * x[0] - {second:g} * x[1]", halves(rng, 2))
    yield case(f"lambda x: {first:g} * x[0] - {third:g} * x[2]", fractions(rng, 3), h=0.5)


def _gradient_curved(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (x[0] * x[1]) ** 2", halves(rng, 2), h=0.5)
    yield case("lambda x: np.sin(20 * x).sum()", fractions(rng, 6))
    yield case("lambda x: (x[:-1] * x[1:] ** 2).sum()", fractions(rng, 5), h=0.1)


def _gradient_axes(rng: np.random.Generator) -> Iterator[Case]:
    first, second, third = digits(rng, 3)
    text = f"lambda x: {first:g} * x[0, 0] - {second:g} * x[1, 0] + {third:g} * x[1, 2]"
    yield case(text, halves(rng, 2, 3), h=0.5)
    yield case("lambda x: (2 * x[0, 0] - x[1, 0]).sum() + x[0, 0, 1, 1]", fractions(rng, 2, 1, 3, 2))


def _gradient_step(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (x ** 3).sum()", halves(rng, 2), h=0.5)
    yield case("lambda x: (x ** 3).sum() + x[0] * x[1]", fractions(rng, 4), h=0.25)


def _gradient_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (0.37 * x ** 2).sum()", digits(rng, 2).astype(int), h=0.5)
    yield case("lambda x: (0.37 * x ** 2).sum()", -digits(rng, 4).astype(int))


def _gradient_itself(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda z: (z * x).sum()", halves(rng, 2), h=0.5)
    yield case("lambda z: (z * x).sum()", fractions(rng, 5))


NUMERIC_GRADIENT = Exercise(
    name="numeric_gradient",
    notebook=NOTEBOOK,
    asked="an array of the shape of x, with the measured derivative for each of its numbers",
    probe="function_from_text",
    reference=_central,
    groups=(
        Group(LINEAR, 1, _gradient_linear),
        Group(CURVED, 1, _gradient_curved),
        Group(AXES, 1, _gradient_axes),
        Group(STEP, 1, _gradient_step),
        Group(WHOLE_X, 1, _gradient_whole),
        Group(ITSELF, 1, _gradient_itself),
    ),
    misconceptions=(
        Misconception(
            "a one-sided difference",
            "`f(x + h) - f(x)` looks to one side only, and its error shrinks with h instead of h squared."
            " Look as far to the left as to the right.",
            _one_sided,
            (CURVED, STEP, WHOLE_X),
        ),
        Misconception(
            "the difference is divided by h, not by 2 h",
            "From x - h to x + h: how far apart are the two places at which f was asked?",
            lambda f, x, *, h=1e-5: 2 * _central(f, x, h=h),
            (LINEAR, CURVED, AXES, STEP, WHOLE_X, ITSELF),
        ),
        Misconception(
            "`/ 2 * h` divides by 2 and then multiplies by h",
            "Python works from left to right. Put brackets around everything that stands under the bar.",
            lambda f, x, *, h=1e-5: h**2 * _central(f, x, h=h),
            (LINEAR, CURVED, AXES, STEP, WHOLE_X, ITSELF),
        ),
        Misconception(
            "the step is always 1e-5: the argument h is not used",
            "Whoever calls the function chooses `h`; 1e-5 is only the default.",
            lambda f, x, *, h=1e-5: _central(f, x),
            (STEP,),
        ),
        Misconception(
            "all numbers of x are nudged at once",
            "`x + h` adds h to every number. Nudge one number, ask f, and go on to the next.",
            _all_at_once,
            (LINEAR, CURVED, AXES, STEP, WHOLE_X, ITSELF),
        ),
        Misconception(
            "a whole row of x is nudged at once",
            "`x[i]` is a row when x has two axes. `np.ndindex(x.shape)` visits every single number.",
            _row_at_once,
            (AXES,),
        ),
        Misconception(
            "the nudge is lost, because x holds whole numbers",
            "Written into an array of integers, 3.00001 becomes 3 and 2.99999 becomes 2. Work on a copy that"
            " holds floats.",
            _nudge_lost,
            (WHOLE_X,),
        ),
        Misconception(
            "the gradient is stored as whole numbers, so fractions are cut off",
            "`np.zeros_like(x)` holds integers when `x` does; `np.zeros(x.shape)` holds floats.",
            _gradient_stored_whole,
            (WHOLE_X,),
        ),
        Misconception(
            "x and the gradient hold whole numbers: the nudge is cut down, and so is the result",
            "Both arrays have to hold floats: the copy that is nudged, and the one that the slopes go to."
            " `x.copy()` and `np.zeros_like(x)` hold whole numbers when `x` does.",
            _nudge_and_gradient_whole,
            (WHOLE_X,),
        ),
        Misconception(
            "x itself is nudged, and f was looking at it",
            "f may read that array while it is nudged, so putting it back afterwards does not help."
            " Nudge a copy.",
            lambda f, x, *, h=1e-5: _central(f.replace("z", "x"), x, h=h),
            (ITSELF,),
        ),
        Misconception(
            "a number is not put back before the next one is nudged",
            "After its turn every number must stand where it stood. Where does yours stand after the"
            " second call of f?",
            _left_nudged,
            (CURVED, STEP),
        ),
        Misconception(
            "the gradient is 0 everywhere",
            "Print the two arrays that you hand to f: do they differ? `above = x` makes no copy, only a"
            " second name.",
            lambda f, x, *, h=1e-5: torch.zeros_like(x),
            (LINEAR, CURVED, AXES, STEP, WHOLE_X, ITSELF),
        ),
    ),
)


# --- kernel_gradient and input_gradient -------------------------------------------------------------------


def _corr(x: Tensor, w: Tensor, padding: Pair = 0) -> Tensor:
    return F.conv2d(x[None, None], w[None, None], padding=padding)[0, 0]


def _plane_gradients(dout: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """dx and dw of the correlation of one picture with one kernel."""
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    dx, dw = torch.autograd.grad(_corr(x, w), (x, w), dout)
    return dx, dw


def _beside(one: Tensor, other: Tensor) -> Tensor:
    """Zeros of the shape that `one` has when the other of the three shapes of a correlation are known."""
    return torch.zeros([n - m + 1 for n, m in zip(one.shape, other.shape, strict=True)], dtype=one.dtype)


def _kernel_gradient(x: Tensor, dout: Tensor) -> Tensor:
    return _plane_gradients(dout, x, _beside(x, dout))[1]


def _input_gradient(w: Tensor, dout: Tensor) -> Tensor:
    shape = [n + m - 1 for n, m in zip(w.shape, dout.shape, strict=True)]
    return _plane_gradients(dout, torch.zeros(shape, dtype=dout.dtype), w)[0]


def _upstream_wrapped(x: Tensor, dout: Tensor) -> Tensor:
    """x is read at (r - a, c - b); NumPy takes negative places from the other end."""
    kh, kw = _beside(x, dout).shape
    high, wide = dout.shape
    rolled = [[x.roll((a, b), (0, 1))[:high, :wide] for b in range(kw)] for a in range(kh)]
    return torch.stack([torch.stack([(dout * part).sum() for part in row]) for row in rolled])


def _square_kernel(x: Tensor, dout: Tensor) -> Tensor:
    found = _kernel_gradient(x, dout)
    if found.shape[0] > found.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return found[:, : found.shape[0]]


def _as_large_as_dout(x: Tensor, dout: Tensor) -> Tensor:
    found = _kernel_gradient(x, dout)
    if any(n < m for n, m in zip(found.shape, dout.shape, strict=True)):
        raise ValueError("operands could not be broadcast together")
    return found[: dout.shape[0], : dout.shape[1]]


def _whole_sums(shares: Iterable[Tensor]) -> Tensor:
    """The sum in an array of whole numbers: fractions are cut off after every addition."""
    return functools.reduce(lambda total, share: (total + share).trunc(), shares, torch.zeros(()))


def _kernel_sums_whole(x: Tensor, dout: Tensor) -> Tensor:
    found = _kernel_gradient(x, dout)
    if not _is_whole(x):
        return found
    windows = F.unfold(x[None, None], tuple(found.shape))[0] * dout.flatten()
    return _whole_sums(windows.unbind(1)).reshape(found.shape)


def _stored(value: Tensor, *like: Tensor, dout: Tensor) -> Tensor:
    """Fractions are cut off in an array of whole numbers."""
    return value.trunc() if all(map(_is_whole, like)) and not _is_whole(dout) else value


SQUARE, OBLONG = "square kernels and pictures", "height and width differ"
LARGE, WHOLE = (
    "a kernel as large as the upstream gradient, or larger",
    "whole numbers, fractional upstream gradient",
)


def _kernel_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2))
    yield case(digits(rng, 4, 4), digits(rng, 2, 2))
    yield case(fractions(rng, 6, 6), fractions(rng, 4, 4))


def _kernel_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 5), digits(rng, 2, 3))
    yield case(fractions(rng, 5, 7), fractions(rng, 3, 2))


def _kernel_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3).astype(int), fractions(rng, 2, 2))
    yield case(digits(rng, 4, 4).astype(int), fractions(rng, 2, 2))


KERNEL_GRADIENT = Exercise(
    name="kernel_gradient",
    notebook=NOTEBOOK,
    asked="a 2-D array with the gradient for each number of the kernel",
    reference=_kernel_gradient,
    groups=(
        Group(SQUARE, 1, _kernel_square),
        Group(OBLONG, 1, _kernel_oblong),
        Group(WHOLE, 1, _kernel_whole),
    ),
    misconceptions=(
        Misconception(
            "the upstream gradient is flipped",
            "That is a true convolution. k(0, 0) met x(r, c) when y(r, c) was made: nothing is turned here.",
            lambda x, dout: _kernel_gradient(x, dout.flip(0, 1)),
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            "`dout` says how much each output matters: it multiplies the number of x that the output saw.",
            lambda x, dout: _kernel_gradient(x, torch.ones_like(dout)),
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "the gradient is averaged over the outputs",
            "The chain rule sums over all outputs. (If the loss is a mean, `dout` is divided already.)",
            lambda x, dout: _kernel_gradient(x, dout) / dout.numel(),
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "x is read at r - a instead of r + a",
            "The kernel's number (a, b) lies a rows below and b columns right of the window's corner (r, c)."
            " And a negative index in NumPy counts from the end, without a complaint.",
            _upstream_wrapped,
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "the kernel is taken to be square",
            "Height and width of the kernel follow from the heights and the widths: two sizes, two formulas.",
            _square_kernel,
            (OBLONG,),
        ),
        Misconception(
            "the kernel is taken to be as large as the upstream gradient",
            "They may be, by chance. But a small kernel has many places on x, and each place has an output.",
            _as_large_as_dout,
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "one row and one column are missing",
            "Count the places of a 2x2 upstream gradient on a 3x3 input: 3 - 2 + 1 in each direction.",
            lambda x, dout: _kernel_gradient(x, dout)[:-1, :-1],
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "places are counted where the upstream gradient hangs over the edge",
            "That is the 'full' correlation. There is one number for each number of the kernel, no more.",
            lambda x, dout: _corr(x, dout, (dout.shape[0] - 1, dout.shape[1] - 1)),
            (SQUARE, OBLONG, WHOLE),
        ),
        Misconception(
            "the gradient is stored as whole numbers, so fractions are cut off",
            "`dtype=x.dtype` and `zeros_like(x)` hold integers when `x` does, `np.zeros(shape)` floats.",
            lambda x, dout: _stored(_kernel_gradient(x, dout), x, dout=dout),
            (WHOLE,),
        ),
        Misconception(
            "the gradient is added up in whole numbers, so fractions are cut off every time",
            "`dtype=x.dtype` and `zeros_like(x)` hold integers when `x` does, `np.zeros(shape)` floats.",
            _kernel_sums_whole,
            (WHOLE,),
        ),
    ),
)


def _full(w: Tensor, dout: Tensor) -> Tensor:
    """The full correlation of the upstream gradient with a kernel, which is not flipped here."""
    return _corr(dout, w, (w.shape[0] - 1, w.shape[1] - 1))


def _valid_only(w: Tensor, dout: Tensor) -> Tensor:
    size = [n - k + 1 for n, k in zip(dout.shape, w.shape, strict=True)]
    if min(size) < 0:
        raise ValueError("negative dimensions are not allowed")
    return _corr(dout, w.flip(0, 1)) if min(size) else torch.zeros(size)


def _input_sums_whole(w: Tensor, dout: Tensor) -> Tensor:
    if not _is_whole(w):
        return _input_gradient(w, dout)
    taps = torch.diag(w.flatten()).reshape(-1, *w.shape)  # each number of the kernel by itself
    return _whole_sums(_input_gradient(tap, dout) for tap in taps)


def _negative_places(w: Tensor, dout: Tensor) -> Tensor:
    """dout(r - a, c - b) is read where r - a or c - b is negative: from the other end, as NumPy does."""
    if any(k - 1 > n for k, n in zip(w.shape, dout.shape, strict=True)):
        raise IndexError("index is out of bounds")
    kh, kw = w.shape
    before = F.pad(dout[None, None], (kw - 1, 0, kh - 1, 0), mode="circular")[0, 0]
    return _corr(F.pad(before, (0, kw - 1, 0, kh - 1)), w.flip(0, 1))


def _places_beyond(w: Tensor, dout: Tensor) -> Tensor:
    if w.numel() > 1:
        raise IndexError("index is out of bounds")
    return _input_gradient(w, dout)


def _height_for_both(w: Tensor, dout: Tensor) -> Tensor:
    return _corr(dout, w.flip(0, 1), w.shape[0] - 1)


def _last_window_only(w: Tensor, dout: Tensor) -> Tensor:
    kh, kw = w.shape
    shares = torch.outer(w.flatten(), dout.flatten())
    shape = (dout.shape[0] + kh - 1, dout.shape[1] + kw - 1)
    return F.fold(_survivors(shares[None], shape, (kh, kw), by="window"), shape, (kh, kw))[0, 0]


def _survivors(
    cols: Tensor, size: tuple[int, int], kernel: Pair, stride: Pair = 1, dilation: Pair = 1, *, by: str
) -> Tensor:
    """Columns of patches of a picture of `size`, with 0 for all that is overwritten later.

    by: "window" when one window after the other is written, "tap" when one row of the columns is.
    """
    numbers = torch.arange(size[0] * size[1]).reshape(1, 1, *size)
    places = F.unfold(numbers.double(), kernel, dilation, 0, stride)[0].long()
    taps, windows = places.shape
    order = torch.arange(windows).expand(taps, -1) if by == "window" else torch.arange(taps)[:, None]
    order = order.expand(taps, windows)
    last = torch.zeros(numbers.numel(), dtype=torch.long)
    last = last.scatter_reduce(0, places.flatten(), order.flatten(), "amax")
    kept = cols.reshape(len(cols), -1, taps, windows) * (order == last[places])
    return kept.reshape(cols.shape)


# A mistake that raises an IndexError does not do so for a kernel with one number; code that raises one there,
# too, has another mistake.


def _input_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), digits(rng, 2, 2))
    yield case(fractions(rng, 3, 3), fractions(rng, 4, 4))
    yield case(digits(rng, 1, 1), digits(rng, 2, 2))


def _input_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 3), digits(rng, 3, 3))
    yield case(fractions(rng, 3, 1), fractions(rng, 4, 6))
    yield case(digits(rng, 1, 1), digits(rng, 1, 3))


def _input_large(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2))
    yield case(fractions(rng, 5, 4), fractions(rng, 2, 1))
    yield case(digits(rng, 1, 1), digits(rng, 1, 1))


def _input_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2).astype(int), fractions(rng, 2, 2))
    yield case(digits(rng, 3, 2).astype(int), fractions(rng, 3, 4))
    yield case(digits(rng, 1, 1).astype(int), fractions(rng, 2, 2))


INPUT_GRADIENT = Exercise(
    name="input_gradient",
    notebook=NOTEBOOK,
    asked="a 2-D array with the gradient for each number of the input",
    reference=_input_gradient,
    groups=(
        Group(SQUARE, 1, _input_square),
        Group(OBLONG, 1, _input_oblong),
        Group(LARGE, 1, _input_large),
        Group(WHOLE, 1, _input_whole),
    ),
    misconceptions=(
        Misconception(
            "the kernel is not flipped",
            "x(r, c) met k(a, b) when y(r - a, c - b) was made: as a grows, the row of the upstream gradient"
            " falls. Sliding a window, both grow, unless one of the two is turned around.",
            _full,
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the kernel is flipped along one axis only",
            "`w[::-1]` turns the rows around. The columns want to be turned, too.",
            lambda w, dout: _full(w.flip(0), dout),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "only places where the kernel lies inside the upstream gradient are counted",
            "Pixels near the edge are seen by few outputs, not by none. Put zeros around the upstream"
            " gradient: how many on each side make the result as large as the input?",
            _valid_only,
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the gradient has the size of the upstream gradient",
            "The input is larger than the output, by kh - 1 rows and kw - 1 columns, and so is its gradient.",
            lambda w, dout: _input_gradient(w, dout)[: dout.shape[0], : dout.shape[1]],
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "negative places of the upstream gradient are read from its other end",
            "`dout[-1]` is its last row. An output at row -1 does not exist: its term must be left out.",
            _negative_places,
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "a place beyond the last row or column of an array is asked for",
            "If it is `dout` at (r - a, c - b): there is such an output only while both lie inside. Leave out"
            " the others. If it is the result: that has kh - 1 rows and kw - 1 columns more than `dout`.",
            _places_beyond,
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "overlapping windows are assigned, not added",
            "A pixel that several outputs saw gets a share from each of them: use `+=`.",
            _last_window_only,
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the kernel starts one row and one column too early: everything is shifted by one",
            "At the first place the kernel touches the upstream gradient with one number. Of k numbers, how"
            " many hang over the edge then? That many zeros belong there.",
            lambda w, dout: F.pad(_input_gradient(w, dout), (1, -1, 1, -1)),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "always one zero on each side, whatever the size of the kernel",
            "At the first place all numbers of the kernel but one hang over the edge: how many are these?",
            lambda w, dout: _valid_only(w, F.pad(dout, (1, 1, 1, 1))),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the gradient is stored as whole numbers, so fractions are cut off",
            "`dtype=w.dtype` and `zeros_like(w)` hold integers when `w` does, `np.zeros(shape)` floats.",
            lambda w, dout: _stored(_input_gradient(w, dout), w, dout=dout),
            (WHOLE,),
        ),
        Misconception(
            "the gradient is added up in whole numbers, so fractions are cut off every time",
            "`dtype=w.dtype` and `zeros_like(w)` hold integers when `w` does, `np.zeros(shape)` floats.",
            _input_sums_whole,
            (WHOLE,),
        ),
        Misconception(
            "one zero too many on each side",
            "At the first place the kernel touches the upstream gradient with one number. Of k numbers, how"
            " many hang over the edge then?",
            lambda w, dout: F.pad(_input_gradient(w, dout), (1, 1, 1, 1)),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the kernel's height is used for its width, too",
            "Rows of zeros follow from the kernel's height, columns of zeros from its width.",
            _height_for_both,
            (OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the padded kernel is correlated with the upstream gradient, and neither is flipped",
            "Whichever of the two slides over the other, one of them must be turned around.",
            lambda w, dout: _full(w, dout).flip(0, 1),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            "`dout` says how much each output matters: it multiplies the number of the kernel.",
            lambda w, dout: _input_gradient(w, torch.ones_like(dout)),
            (SQUARE, OBLONG, LARGE, WHOLE),
        ),
    ),
)


# --- col2im -----------------------------------------------------------------------------------------------


def _fold(
    cols: Tensor,
    x_shape: tuple[int, ...],
    kernel_size: Pair,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> Tensor:
    return F.fold(cols, x_shape[2:], kernel_size, dilation, padding, stride)


def _convolution(
    x: Tensor, w: Tensor, b: Tensor | None, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> Tensor:
    return F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation)


def _outputs(x_shape: tuple[int, ...], kernel_size: Pair, **options: Pair) -> tuple[int, int]:
    """Height and width of the output of a convolution."""
    x, w = torch.zeros(1, 1, *x_shape[2:]), torch.zeros(1, 1, *_pair(kernel_size))
    _, _, height, width = _convolution(x, w, None, **options).shape
    return height, width


Folding = Callable[..., Tensor]


def _cropped(padded: Tensor, size: Any, padding: Pair) -> Tensor:
    ph, pw = _pair(padding)
    return padded[..., ph : ph + size[0], pw : pw + size[1]]


def _span(windows: Any, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[int, int]:
    """Rows and columns from the first number of the first window to the last number of the last one."""
    steps = zip(windows, _pair(stride), _pair(kernel), _pair(dilation), strict=True)
    height, width = ((n - 1) * s + d * (k - 1) + 1 for n, s, k, d in steps)
    return height, width


def _folded(
    cols: Tensor, size: tuple[int, int], kernel: Pair, windows: Any, stride: Pair, dilation: Pair
) -> Tensor:
    """The columns laid down in an array of `size`; windows: how many rows and columns of them there are."""
    span = _span(windows, kernel, stride, dilation)
    if windows[0] * windows[1] != cols.shape[2]:
        raise ValueError("cannot reshape array")
    if any(used > there for used, there in zip(span, size, strict=True)):
        raise ValueError("operands could not be broadcast together")
    laid = F.fold(cols, span, kernel, dilation, 0, stride)
    return F.pad(laid, (0, size[1] - span[1], 0, size[0] - span[0]))


def _col2im_like(change: Callable[..., Tensor]) -> Folding:
    """A prediction from a function of columns, size of the input, kernel, stride, padding and dilation."""

    def predicted(
        cols: Tensor,
        x_shape: tuple[int, ...],
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
    ) -> Tensor:
        return change(cols, x_shape[2:], kernel_size, stride, padding, dilation)

    return predicted


def _around(size: Any, padding: Pair) -> tuple[int, int]:
    """Height and width with the padding."""
    ph, pw = _pair(padding)
    return size[0] + 2 * ph, size[1] + 2 * pw


def _windows(size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> tuple[int, int]:
    return _outputs((1, 1, *size), kernel, stride=stride, padding=padding, dilation=dilation)


def _padded_fold(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    return F.fold(cols, _around(size, padding), kernel, dilation, 0, stride)


def _corner(cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
    """Of the padded array the upper left corner is kept, padding and all."""
    return _cropped(_padded_fold(cols, size, kernel, stride, padding, dilation), size, 0)


def _overwritten(by: str) -> Callable[..., Tensor]:
    def fold(cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
        kept = _survivors(cols, _around(size, padding), kernel, stride, dilation, by=by)
        return F.fold(kept, size, kernel, dilation, padding, stride)

    return fold


def _cropped_from_the_end(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    ph, pw = _pair(padding)
    return _padded_fold(cols, size, kernel, stride, padding, dilation)[..., ph:-ph, pw:-pw]


def _stride_ignored(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    windows = _windows(size, kernel, stride, padding, dilation)
    return _cropped(_folded(cols, _around(size, padding), kernel, windows, 1, dilation), size, padding)


def _dilation_ignored(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    """The number of windows is right, but the taps stand side by side."""
    windows = _windows(size, kernel, stride, padding, dilation)
    return _cropped(_folded(cols, _around(size, padding), kernel, windows, stride, 1), size, padding)


def _averaged(cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
    count = F.fold(torch.ones_like(cols), size, kernel, dilation, padding, stride)
    return F.fold(cols, size, kernel, dilation, padding, stride) / count.clamp(min=1)


def _channels_last(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    kh, kw = _pair(kernel)
    mixed = cols.unflatten(1, (kh * kw, -1)).transpose(1, 2).flatten(1, 2)
    return F.fold(mixed, size, kernel, dilation, padding, stride)


def _taps_by_column(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    kh, kw = _pair(kernel)
    turned = cols.unflatten(1, (-1, kw, kh)).transpose(2, 3).flatten(1, 3)
    return F.fold(turned, size, kernel, dilation, padding, stride)


def _without_leftovers(
    cols: Tensor, size: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    """The array in the middle reaches only as far as the last window."""
    windows = _windows(size, kernel, stride, padding, dilation)
    span = _span(windows, kernel, stride, dilation)
    return _cropped(F.fold(cols, span, kernel, dilation, 0, stride), size, padding)


def _options_changed(change: Callable[[tuple[int, int]], tuple[int, int]]) -> Callable[..., Tensor]:
    """Every pair of the options is read in another way; the kernel's is not."""

    def fold(cols: Tensor, size: Any, kernel: Pair, *options: Pair) -> Tensor:
        stride, padding, dilation = (change(_pair(option)) for option in options)
        windows = _windows(size, kernel, stride, padding, dilation)
        around = _around(size, padding)
        return _cropped(_folded(cols, around, kernel, windows, stride, dilation), size, padding)

    return fold


Numbers = Callable[..., np.ndarray]


def _columns(rng: np.random.Generator, numbers: Numbers, shape: tuple, kernel: Pair, **options: Pair) -> Case:
    high, wide = _pair(kernel)
    places = int(np.prod(_outputs(shape, kernel, **options)))
    return case(numbers(rng, shape[0], shape[1] * high * wide, places), shape, kernel, **options)


PLAIN, PADDED, STRIDED = "stride 1, no padding", "padding", "stride, no padding"
REMAINDER, DILATED, PAIRS = "stride that leaves rows over", "dilation", "height and width differ"


def _col2im_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 3, 3), 2)
    yield _columns(rng, digits, (1, 2, 2, 2), 2)
    yield _columns(rng, fractions, (2, 3, 5, 5), 3)


def _col2im_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 2, 2), 2, padding=1)
    yield _columns(rng, fractions, (2, 2, 3, 3), 4, padding=3)


def _col2im_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 2, stride=2)
    yield _columns(rng, fractions, (2, 2, 7, 7), 3, stride=2)


def _col2im_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 3, stride=2)
    yield _columns(rng, fractions, (2, 2, 9, 9), 4, stride=3)


def _col2im_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 2, dilation=2)
    yield _columns(rng, fractions, (2, 2, 7, 7), 3, dilation=2)


def _col2im_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 2, 5), (1, 2))
    yield _columns(rng, digits, (1, 1, 4, 3), 3, padding=(0, 1), dilation=(1, 2))
    yield _columns(rng, digits, (1, 1, 4, 4), 2, stride=(1, 2))
    yield _columns(rng, fractions, (1, 2, 5, 3), (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2))
    yield _columns(rng, fractions, (2, 2, 5, 8), (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1))


COL2IM = Exercise(
    name="col2im",
    notebook=NOTEBOOK,
    asked="an array of the shape x_shape, each number the sum of what lands on it",
    reference=_fold,
    groups=(
        Group(PLAIN, 1, _col2im_plain),
        Group(PADDED, 1, _col2im_padded),
        Group(STRIDED, 1, _col2im_strided),
        Group(REMAINDER, 1, _col2im_remainder),
        Group(DILATED, 1, _col2im_dilated),
        Group(PAIRS, 1, _col2im_pairs),
    ),
    misconceptions=(
        Misconception(
            "each tap overwrites what landed before",
            "What lands on one place is summed: `+=`. (With index arrays even `a[i] += v` keeps only the last"
            " number for a place that is named twice; `np.add.at(a, i, v)` adds them all.)",
            _col2im_like(_overwritten("tap")),
            (PLAIN, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "each window overwrites what landed before",
            "What lands on one place is summed. Where you write a window into the picture, use `+=`.",
            _col2im_like(_overwritten("window")),
            (PLAIN, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "cropped with [p:-p], which is empty at padding 0",
            "`a[0:-0]` is `a[0:0]`. Say where the slice ends by a length: from p to p + H.",
            _col2im_like(_cropped_from_the_end),
            (PLAIN, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "the padding is still on it",
            "What landed on the zeros around the picture is nobody's gradient: cut it off.",
            _col2im_like(_padded_fold),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the padding is cut off at one end only",
            "There are p rows of padding above the picture, too: it begins in row p of the padded one.",
            _col2im_like(_corner),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the windows are laid side by side at stride 1",
            "Window number i began at row i * stride; lay it down where it came from.",
            _col2im_like(_stride_ignored),
            (STRIDED, REMAINDER, PAIRS),
        ),
        Misconception(
            "the taps are laid side by side, without dilation",
            "Tap number a of a window lies a * dilation rows below its first row.",
            _col2im_like(_dilation_ignored),
            (DILATED, PAIRS),
        ),
        Misconception(
            "divided by the number of windows that cover a place",
            "That would undo im2col. A gradient is the *sum* of all shares, however many there are.",
            _col2im_like(_averaged),
            (PLAIN, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "the rows of cols are read taps first, channels last",
            "The rows are those of im2col: all taps of channel 0, then all taps of channel 1.",
            _col2im_like(_channels_last),
            (PLAIN, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "of the taps the kernel's columns are read first",
            "Within a channel the rows of cols are the taps (0, 0), (0, 1), ...: the kernel's first row, then"
            " its second.",
            _col2im_like(_taps_by_column),
            (PLAIN, PADDED, STRIDED, REMAINDER, DILATED, PAIRS),
        ),
        Misconception(
            "rows and columns that no window reached are missing",
            "They get the gradient 0, but they are there. The padded picture is as large as x_shape says,"
            " however far the last window reaches.",
            _col2im_like(_without_leftovers),
            (REMAINDER,),
        ),
        Misconception(
            "of each pair of options the first number is used for both directions",
            "`stride=(1, 2)`: 1 for the rows, 2 for the columns. The same for padding and dilation.",
            _col2im_like(_options_changed(lambda option: (option[0], option[0]))),
            (PAIRS,),
        ),
        Misconception(
            "pairs of options are read as (width, height)",
            "Height comes first, in `stride`, `padding` and `dilation` as everywhere in the course.",
            _col2im_like(_options_changed(lambda option: option[::-1])),
            (PAIRS,),
        ),
    ),
)


# --- conv2d_backward --------------------------------------------------------------------------------------

Gradients = tuple[Tensor, Tensor, Tensor]


def _gradients(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
    x, w, b = (tensor.clone().requires_grad_() for tensor in (x, w, b))
    dx, dw, db = torch.autograd.grad(_convolution(x, w, b, **options), (x, w, b), dout)
    return dx, dw, db


def _documented(
    x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> tuple[Any, ...]:
    return x, w, stride, padding, dilation


Backward = Callable[..., Gradients]


def _of_padded(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
    """The gradients; dx still has the padding around it."""
    ph, pw = _pair(options.pop("padding", 0))
    return _gradients(dout, F.pad(x, (pw, pw, ph, ph)), w, b, **options)


def _with_dx(change: Callable[..., Tensor]) -> Backward:
    """dx is `change` of the call's arguments; dw and db are right."""

    def predicted(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
        _, dw, db = _gradients(dout, x, w, b, **options)
        return change(dout, x, w, b, **options), dw, db

    return predicted


def _with_db(change: Callable[[Tensor], Tensor]) -> Backward:
    """db is `change` of the upstream gradient; dx and dw are right."""

    def predicted(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
        dx, dw, _ = _gradients(dout, x, w, b, **options)
        return dx, dw, change(dout)

    return predicted


def _db_shaped(*shape: int) -> Backward:
    return _with_db(lambda dout: dout.sum(dim=(0, 2, 3)).reshape(shape))


def _with_dw(change: Callable[..., Tensor]) -> Backward:
    """dw is `change` of the call's arguments; dx and db are right."""

    def predicted(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
        dx, _, db = _gradients(dout, x, w, b, **options)
        return dx, change(dout, x, w, b, **options), db

    return predicted


def _dx_cropped_from_the_end(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    ph, pw = _pair(options.get("padding", 0))
    return _of_padded(dout, x, w, b, **options)[0][:, :, ph:-ph, pw:-pw]


def _dx_by_columns(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """dx by a prediction for col2im: the right columns, laid down in the wrong way."""

    def dx(
        dout: Tensor,
        x: Tensor,
        w: Tensor,
        b: Tensor,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
    ) -> Tensor:
        cols = w.flatten(1).T @ dout.flatten(2)
        return change(cols, x.shape[2:], tuple(w.shape[2:]), stride, padding, dilation)

    return dx


def _last_filter_only(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
    """Filter after filter, window after window is written; what stood there is lost."""
    return _dx_by_columns(_overwritten("window"))(dout[:, -1:], x, w[-1:], b, **options)


def _where_it_ought_not(**read: Callable[[tuple[int, int]], tuple[int, int]]) -> Backward:
    """Windows or taps stand where another stride, padding or dilation would put them; dout says how many."""

    def predicted(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
        options = {name: read.get(name, _pair)(_pair(option)) for name, option in options.items()}
        ph, pw = _pair(options.pop("padding", 0))
        padded = F.pad(x, (pw, pw, ph, ph))
        stride, dilation = options.get("stride", 1), options.get("dilation", 1)
        span = _span(dout.shape[2:], (w.shape[2], w.shape[3]), stride, dilation)
        if any(used > there for used, there in zip(span, padded.shape[2:], strict=True)):
            raise ValueError("operands could not be broadcast together")
        dx, dw, db = _gradients(dout, padded[:, :, : span[0], : span[1]], w, b, **options)
        dx = F.pad(dx, (0, padded.shape[3] - span[1], 0, padded.shape[2] - span[0]))
        return _cropped(dx, x.shape[2:], (ph, pw)), dw, db

    return predicted


def _dx_of(change: Backward) -> Backward:
    """dx as in another prediction; dw and db are right."""
    return _with_dx(lambda *args, **options: change(*args, **options)[0])


def _dw_of(change: Backward) -> Backward:
    """dw as in another prediction; dx and db are right."""
    return _with_dw(lambda *args, **options: change(*args, **options)[1])


def _dw_of_part(places: Any) -> Backward:
    """dw of a part of the upstream gradient only."""

    def dw(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Tensor:
        kept = torch.zeros_like(dout)
        kept[places] = dout[places]
        return _gradients(kept, x, w, b, **options)[1]

    return _with_dw(dw)


def _averaged_over_images(dout: Tensor, x: Tensor, w: Tensor, b: Tensor, **options: Pair) -> Gradients:
    dx, dw, db = _gradients(dout, x, w, b, **options)
    return dx, dw / len(x), db / len(x)


STRIDE_FORGOTTEN = _where_it_ought_not(stride=lambda option: (1, 1))
DILATION_FORGOTTEN = _where_it_ought_not(dilation=lambda option: (1, 1))
BATCH, SHAPES = "several images, channels and filters", "shapes of dx, dw and db"
VIEWS = "arrays that are views into larger ones"


def _layer(
    rng: np.random.Generator, numbers: Numbers, shape: tuple, filters: int, kernel: Pair, **options: Pair
) -> Case:
    """A case of conv2d_backward with an upstream gradient of the shape of the forward's output."""
    dout = numbers(rng, shape[0], filters, *_outputs(shape, kernel, **options))
    w = numbers(rng, filters, shape[1], *_pair(kernel))
    return case(dout, numbers(rng, *shape), w, numbers(rng, filters), **options)


def _backward_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 3, 3), 1, 2)
    yield _layer(rng, fractions, (1, 1, 5, 5), 1, 3)


def _backward_batch(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (2, 2, 2, 2), 3, 2)
    yield _layer(rng, fractions, (3, 2, 4, 4), 4, 2)


def _backward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 3, 3), 1, 3, padding=1)
    yield _layer(rng, fractions, (1, 1, 5, 5), 1, 4, padding=2)


def _backward_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 5, 5), 1, 3, stride=2)
    yield _layer(rng, fractions, (1, 1, 7, 7), 1, 4, stride=3)


def _backward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 4, 4), 1, 3, stride=2)
    yield _layer(rng, fractions, (1, 1, 9, 9), 1, 4, stride=3)


def _backward_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 4, 4), 1, 2, dilation=2)
    yield _layer(rng, fractions, (1, 1, 7, 7), 1, 3, dilation=2)


def _backward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 2, 4), 1, (1, 2))
    yield _layer(rng, digits, (1, 1, 4, 2), 1, 2, stride=(2, 1))
    yield _layer(rng, fractions, (1, 2, 5, 3), 2, (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2))
    yield _layer(rng, fractions, (2, 2, 5, 8), 3, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1))


def _backward_views(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 3, 3), 1, 2)
    yield _layer(rng, fractions, (1, 2, 4, 5), 3, (3, 2))


def _backward_shapes(rng: np.random.Generator) -> Iterator[Case]:
    # Larger than the first cases of the other groups: reports show the smallest, and there the numbers, too.
    yield _layer(rng, digits, (1, 1, 4, 4), 3, 2)
    yield _layer(rng, fractions, (1, 2, 4, 3), 4, 2)


def _judge_shapes(given: Case, outcome: Outcome) -> str | None:
    """In the group for shapes (1, D) is not (D,); in all others it is let pass."""
    difference = compare(outcome, predict(_gradients, given), Tolerance())
    if difference is None:
        return None
    part = f"{part_name(difference.where, PARTS)}: " if difference.where else ""
    return part + difference.message


PARTS = ("dx", "dw", "db")
OPTIONS = ("stride", "padding", "dilation")
FIRST_IMAGE, LAST_IMAGE = slice(0, 1), slice(-1, None)
LAST_WINDOW = slice(None), slice(None), -1, -1
LAST_WINDOW_OF_LAST_IMAGE = -1, slice(None), -1, -1
ALL = (PLAIN, BATCH, PADDED, STRIDED, REMAINDER, DILATED, PAIRS, VIEWS, SHAPES)

CONV2D_BACKWARD = Exercise(
    name="conv2d_backward",
    notebook=NOTEBOOK,
    asked="the tuple (dx, dw, db)",
    parts=PARTS,
    probe="own_cache",
    documented=_documented,
    reference=_gradients,
    also_accepted=(_db_shaped(1, -1), _db_shaped(-1, 1), _db_shaped(1, -1, 1, 1)),
    groups=(
        Group(PLAIN, 1, _backward_plain),
        Group(BATCH, 1, _backward_batch),
        Group(PADDED, 1, _backward_padded),
        Group(STRIDED, 1, _backward_strided),
        Group(REMAINDER, 1, _backward_remainder),
        Group(DILATED, 1, _backward_dilated),
        Group(PAIRS, 1, _backward_pairs),
        Group(VIEWS, 1, _backward_views, probe="own_cache_not_contiguous"),
        Group(SHAPES, 1, _backward_shapes, judge=_judge_shapes),
    ),
    misconceptions=(
        Misconception(
            "dx is cropped with [p:-p], which is empty at padding 0",
            "`a[0:-0]` is `a[0:0]`. Say where the slice ends by a length: from p to p + H.",
            _with_dx(_dx_cropped_from_the_end),
            (PLAIN, BATCH, STRIDED, REMAINDER, DILATED, PAIRS, VIEWS, SHAPES),
        ),
        Misconception(
            "dx still has the padding around it",
            "The zeros around `x` were never the caller's: cut their gradient off.",
            _with_dx(lambda *args, **options: _of_padded(*args, **options)[0]),
            (PADDED, PAIRS),
        ),
        Misconception(
            "dx: the padding is cut off at one end only",
            "There are p rows of padding above the picture, too: it begins in row p of the padded one.",
            _with_dx(_dx_by_columns(_corner)),
            (PADDED, PAIRS),
        ),
        Misconception(
            "dx: each window overwrites the one before it",
            "An input that lies in several windows gets a share from each: use `+=`.",
            _with_dx(_dx_by_columns(_overwritten("window"))),
            ALL,
        ),
        Misconception(
            "dx: each window overwrites the one before it, filter after filter",
            "An input gets a share from every window of every filter that saw it: use `+=`.",
            _with_dx(_last_filter_only),
            ALL,
        ),
        Misconception(
            "dx: each tap's share overwrites the one before it",
            "Shares that land on one place are summed: `+=`. (With index arrays even `a[i] += v` keeps only"
            " the last share for a place that is named twice; `np.add.at(a, i, v)` adds them all.)",
            _with_dx(_dx_by_columns(_overwritten("tap"))),
            ALL,
        ),
        Misconception(
            "dx: the kernel is turned the wrong way round",
            "Output (i, j) saw its window's first number through w[0, 0]; so w[0, 0] times dout is what that"
            " number gets back. (Only if you slide a window over dout, the kernel is flipped.)",
            _with_dx(lambda dout, x, w, b, **options: _gradients(dout, x, w.flip(2, 3), b, **options)[0]),
            ALL,
        ),
        Misconception(
            "dx and dw are swapped",
            "The order is that of the forward's inputs: the gradients for x, for w, for b.",
            lambda *args, **options: [_gradients(*args, **options)[index] for index in (1, 0, 2)],
            ALL,
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            "`dout` says how much each output matters: it multiplies every share.",
            lambda dout, *args, **options: _gradients(torch.ones_like(dout), *args, **options),
            ALL,
        ),
        Misconception(
            "dw and db are averaged over the images",
            "The chain rule sums over all images. (If the loss is a mean, `dout` is divided already.)",
            _averaged_over_images,
            (BATCH, PAIRS),
        ),
        Misconception(
            "dw is averaged over the images",
            "The chain rule sums over all images. (If the loss is a mean, `dout` is divided already.)",
            _dw_of(_averaged_over_images),
            (BATCH, PAIRS),
        ),
        Misconception(
            "db is averaged over the images",
            "The chain rule sums over all images. (If the loss is a mean, `dout` is divided already.)",
            _with_db(lambda dout: dout.sum(dim=(0, 2, 3)) / len(dout)),
            (BATCH, PAIRS),
        ),
        Misconception(
            "db is the mean instead of the sum",
            "b[d] has an effect on every output of filter d, and the chain rule adds all of them up.",
            _with_db(lambda dout: dout.mean(dim=(0, 2, 3))),
            ALL,
        ),
        Misconception(
            "dw: only the last image counts",
            "Every image has a share in dw. Is it added with `+=`, and does dw start at 0 before the loop?",
            _dw_of_part(LAST_IMAGE),
            (BATCH, PAIRS),
        ),
        Misconception(
            "dw: only the first image counts",
            "Every image has a share in dw: does the sum go over all of them?",
            _dw_of_part(FIRST_IMAGE),
            (BATCH, PAIRS),
        ),
        Misconception(
            "dw is turned by 180 degrees",
            "Nothing is flipped on the way to the kernel: w[0, 0] met the first number of every window.",
            _with_dw(lambda *args, **options: _gradients(*args, **options)[1].flip(2, 3)),
            ALL,
        ),
        Misconception(
            "dw: each window overwrites the one before it",
            "A filter looked through every window, and each has a share in its gradient: use `+=`.",
            _dw_of_part(LAST_WINDOW),
            ALL,
        ),
        Misconception(
            "dw: each window overwrites the one before it, image after image",
            "A filter looked through every window of every image, and each has a share: use `+=`.",
            _dw_of_part(LAST_WINDOW_OF_LAST_IMAGE),
            ALL,
        ),
        Misconception(
            "db is not summed over the images",
            "b[d] is added to every output of filter d, in every image. Sum over all axes but that of d.",
            _with_db(lambda dout: dout.sum(dim=(2, 3))),
            (BATCH, PAIRS, SHAPES),
        ),
        Misconception(
            "db is not summed over rows and columns",
            "b[d] is added to every output of filter d, wherever it stands. Sum over all axes but that of d.",
            _with_db(lambda dout: dout.sum(dim=0)),
            ALL,
        ),
        Misconception(
            "db is a single number, the sum over all filters",
            "Each filter has a bias of its own. Tell `sum` over which axes to add up; all but that of d.",
            _with_db(lambda dout: dout.sum()),
            ALL,
        ),
        Misconception(
            "db has the shape (1, D) instead of (D,)",
            "The values are right. A gradient has the shape of what it belongs to, and `b` has one axis.",
            _db_shaped(1, -1),
            (SHAPES,),
        ),
        Misconception(
            "db has the shape (D, 1) instead of (D,)",
            "The values are right. A gradient has the shape of what it belongs to, and `b` has one axis.",
            _db_shaped(-1, 1),
            (SHAPES,),
        ),
        Misconception(
            "db has the shape (1, D, 1, 1) instead of (D,)",
            "The values are right. A gradient has the shape of what it belongs to, and `b` has one axis:"
            " leave out `keepdims`.",
            _db_shaped(1, -1, 1, 1),
            (SHAPES,),
        ),
        Misconception(
            "the stride is forgotten on the way back",
            "Window number i starts at row i * stride, in the backward pass too.",
            STRIDE_FORGOTTEN,
            (STRIDED, REMAINDER, PAIRS),
        ),
        Misconception(
            "dx: the stride is forgotten",
            "Window number i starts at row i * stride: that is where its share of dx goes.",
            _dx_of(STRIDE_FORGOTTEN),
            (STRIDED, REMAINDER, PAIRS),
        ),
        Misconception(
            "dw: the stride is forgotten",
            "Window number i starts at row i * stride: that is what its output saw of x.",
            _dw_of(STRIDE_FORGOTTEN),
            (STRIDED, REMAINDER, PAIRS),
        ),
        Misconception(
            "the dilation is forgotten on the way back",
            "Tap number a lies a * dilation rows below the first row of its window, on the way back too.",
            DILATION_FORGOTTEN,
            (DILATED, PAIRS),
        ),
        Misconception(
            "dx: the dilation is forgotten",
            "Tap number a lies a * dilation rows below the first row of its window: there its share goes.",
            _dx_of(DILATION_FORGOTTEN),
            (DILATED, PAIRS),
        ),
        Misconception(
            "dw: the dilation is forgotten",
            "Tap number a met the row of x that lies a * dilation below the first row of its window.",
            _dw_of(DILATION_FORGOTTEN),
            (DILATED, PAIRS),
        ),
        Misconception(
            "of each pair of options the first number is used for both directions",
            "`stride=(1, 2)`: 1 for the rows, 2 for the columns. The same for padding and dilation.",
            _where_it_ought_not(**{name: lambda pair: (pair[0], pair[0]) for name in OPTIONS}),
            (PAIRS,),
        ),
        Misconception(
            "pairs of options are read as (width, height)",
            "Height comes first, in `stride`, `padding` and `dilation` as everywhere in the course.",
            _where_it_ought_not(**{name: lambda pair: pair[::-1] for name in OPTIONS}),
            (PAIRS,),
        ),
        Misconception(
            "dx lacks rows and columns that no window reached",
            "They did not matter, so their gradient is 0; but dx has the shape of x.",
            _with_dx(_dx_by_columns(_without_leftovers)),
            (REMAINDER,),
        ),
    ),
)


# --- conv_transpose2d -------------------------------------------------------------------------------------


def _transposed(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return F.conv_transpose2d(x, w, b, stride=stride, padding=padding)


def _like_transposed(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A prediction from a function that lays columns down as `col2im` does; the bias is right."""

    def predicted(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
        size = _transposed(x, w, b, stride=stride, padding=padding).shape[2:]
        cols = w.flatten(1).T @ x.flatten(2)
        return change(cols, size, tuple(w.shape[2:]), stride, padding, 1) + b[:, None, None]

    return predicted


def _bias_with_every_stamp(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    ones, stamp = torch.ones_like(x[:1, :1]), torch.ones_like(w[:1, :1])
    count = F.conv_transpose2d(ones, stamp, stride=stride, padding=padding)
    return F.conv_transpose2d(x, w, stride=stride, padding=padding) + b[:, None, None] * count


def _padding_outside(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    ph, pw = _pair(padding)
    return F.pad(F.conv_transpose2d(x, w, stride=stride), (pw, pw, ph, ph)) + b[:, None, None]


def _first_of_each_pair(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return _transposed(x, w, b, stride=_pair(stride)[0], padding=_pair(padding)[0])


def _bias_along_columns(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    out = F.conv_transpose2d(x, w, stride=stride, padding=padding)
    if len(b) not in (1, out.shape[3]):
        raise ValueError("operands could not be broadcast together")
    return out + b


def _pairs_reversed(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return _transposed(x, w, b, stride=_pair(stride)[::-1], padding=_pair(padding)[::-1])


def _axes_of_a_convolution(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    if w.shape[0] != w.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return _transposed(x, w.transpose(0, 1), b, stride=stride, padding=padding)


def _stamped(
    rng: np.random.Generator, numbers: Numbers, shape: tuple, filters: int, kernel: Pair, **options: Pair
) -> Case:
    w = numbers(rng, shape[1], filters, *_pair(kernel))
    return case(numbers(rng, *shape), w, numbers(rng, filters), **options)


def _transposed_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (1, 1, 2, 2), 1, 2)
    yield _stamped(rng, fractions, (1, 1, 4, 4), 1, 3)


def _transposed_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (1, 1, 2, 2), 1, 3, stride=2)
    yield _stamped(rng, fractions, (1, 1, 3, 3), 1, 2, stride=3)


def _transposed_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (1, 1, 2, 2), 1, 3, padding=1)
    yield _stamped(rng, fractions, (1, 1, 4, 4), 1, 3, stride=2, padding=1)


def _transposed_batch(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (2, 2, 1, 1), 2, 2)
    yield _stamped(rng, digits, (2, 2, 2, 2), 2, 2)
    yield _stamped(rng, digits, (1, 2, 1, 2), 3, 2)
    yield _stamped(rng, fractions, (2, 3, 3, 3), 3, 2)


def _transposed_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (1, 1, 2, 3), 1, (1, 2))
    yield _stamped(rng, digits, (1, 1, 2, 2), 1, 2, stride=(1, 2))
    yield _stamped(rng, digits, (1, 2, 2, 1), 2, (1, 2), stride=(2, 1))
    yield _stamped(rng, fractions, (2, 2, 3, 5), 3, (4, 3), stride=(3, 2), padding=(2, 1))


CONV_TRANSPOSE2D = Exercise(
    name="conv_transpose2d",
    notebook=NOTEBOOK,
    asked="an array (N, D, height, width)",
    reference=_transposed,
    groups=(
        Group(PLAIN, 1, _transposed_plain),
        Group(STRIDED, 1, _transposed_strided),
        Group(PADDED, 1, _transposed_padded),
        Group(BATCH, 1, _transposed_batch),
        Group(PAIRS, 1, _transposed_pairs),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned the wrong way round",
            "A stamp is the kernel as it is: w[0, 0] lands on the stamp's upper left corner. (Only if you put"
            " zeros between the numbers of x and slide a window over them, the kernel is flipped.)",
            lambda x, w, b, **options: _transposed(x, w.flip(2, 3), b, **options),
            (PLAIN, STRIDED, PADDED, BATCH, PAIRS),
        ),
        Misconception(
            "each stamp overwrites what was there",
            "Where stamps overlap their numbers are summed: use `+=`.",
            _like_transposed(_overwritten("window")),
            (PLAIN, STRIDED, PADDED, BATCH, PAIRS),
        ),
        Misconception(
            "each tap's share overwrites what was there",
            "Where stamps overlap their numbers are summed: use `+=`.",
            _like_transposed(_overwritten("tap")),
            (PLAIN, STRIDED, PADDED, BATCH, PAIRS),
        ),
        Misconception(
            "cropped with [p:-p], which is empty at padding 0",
            "`a[0:-0]` is `a[0:0]`. Say where the slice ends by a length: from p to p + height.",
            _like_transposed(_cropped_from_the_end),
            (PLAIN, STRIDED, BATCH, PAIRS),
        ),
        Misconception(
            "the padding is not cut off",
            "A convolution with padding p made its picture larger first; its transpose cuts p rows and"
            " columns off each side of what was stamped.",
            _like_transposed(_padded_fold),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the padding is cut off at one end only",
            "p rows go at the top as well: the result begins in row p of what was stamped.",
            _like_transposed(_corner),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the padding is put around instead of cut off",
            "The transpose goes the other way: a convolution adds a border first, it cuts one off last.",
            _padding_outside,
            (PADDED, PAIRS),
        ),
        Misconception(
            "the stamps stand side by side at stride 1",
            "Number (i, j) of x is stamped at row i * stride and column j * stride.",
            _like_transposed(_stride_ignored),
            (STRIDED, PADDED, PAIRS),
        ),
        Misconception(
            "the first axis of w is taken for the output channels",
            "Here w is (C, D, kh, kw): its first axis goes with the channels of x, its second with those"
            " of the output.",
            _axes_of_a_convolution,
            (BATCH, PAIRS),
        ),
        Misconception(
            "the bias is forgotten",
            "Every number of output channel d gets b[d] added.",
            lambda x, w, b, **options: _transposed(x, w, torch.zeros_like(b), **options),
            (PLAIN, STRIDED, PADDED, BATCH, PAIRS),
        ),
        Misconception(
            "the bias goes with the columns instead of the channels",
            "NumPy lines up the last axes: `out + b` gives every column a bias. It belongs to axis 1.",
            _bias_along_columns,
            (BATCH, PAIRS),
        ),
        Misconception(
            "the bias is added with every stamp",
            "A place under several stamps gets the bias several times then, one between them never. Add it"
            " once, to the finished picture.",
            _bias_with_every_stamp,
            (PLAIN, STRIDED, PADDED, BATCH, PAIRS),
        ),
        Misconception(
            "of each pair of options the first number is used for both directions",
            "`stride=(1, 2)`: 1 for the rows, 2 for the columns. The same for padding.",
            _first_of_each_pair,
            (PAIRS,),
        ),
        Misconception(
            "pairs of options are read as (width, height)",
            "Height comes first, in `stride` and `padding` as everywhere in the course.",
            _pairs_reversed,
            (PAIRS,),
        ),
    ),
)


EXERCISES = (
    NUMERIC_GRADIENT,
    KERNEL_GRADIENT,
    INPUT_GRADIENT,
    COL2IM,
    CONV2D_BACKWARD,
    CONV_TRANSPOSE2D,
)
