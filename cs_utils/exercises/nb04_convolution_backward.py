"""Exercises of notebook 04, the convolution layer backward: references, cases, known mistakes.

What is right comes from PyTorch's autograd, or from its transposed convolution and `fold`. Misconceptions
give (or raise) what a student with that mistake gets in NumPy, error types included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, case

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


def _central(f: str, x: Tensor, *, h: float = 1e-5) -> Tensor:
    """What a central difference gives: the derivative and a share of the third one, by Taylor's theorem."""
    first, _, third = _slopes(_function(f, x), x, 3)
    return first + h**2 / 6 * third


LINEAR, CURVED, AXES = "a linear function", "a curved function", "x with two or more axes"
STEP, WHOLE_X, ITSELF = "another step h", "x of whole numbers", "a function that looks at x itself"


def _gradient_linear(rng: np.random.Generator) -> Iterator[Case]:
    first, second, third = digits(rng, 3)
    yield case(f"lambda x: {first:g} * x[0] - {second:g} * x[1]", digits(rng, 2))
    yield case(f"lambda x: {first:g} * x[0] - {third:g} * x[2]", fractions(rng, 3), h=0.5)


def _gradient_curved(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (x[0] * x[1]) ** 2", digits(rng, 2), h=0.5)
    yield case("lambda x: np.sin(20 * x).sum()", fractions(rng, 6))
    yield case("lambda x: (x[:-1] * x[1:] ** 2).sum()", fractions(rng, 5), h=0.1)


def _gradient_axes(rng: np.random.Generator) -> Iterator[Case]:
    first, second, third = digits(rng, 3)
    text = f"lambda x: {first:g} * x[0, 0] - {second:g} * x[1, 0] + {third:g} * x[1, 2]"
    yield case(text, digits(rng, 2, 3), h=0.5)
    yield case("lambda x: (2 * x[0, 0] - x[1, 0]).sum() + x[0, 0, 1, 1]", fractions(rng, 2, 1, 3, 2))


def _gradient_step(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (x ** 3).sum()", digits(rng, 2), h=0.5)
    yield case("lambda x: (x ** 3).sum() + x[0] * x[1]", fractions(rng, 4), h=0.25)


def _gradient_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda x: (0.37 * x ** 2).sum()", digits(rng, 2).astype(int), h=0.5)
    yield case("lambda x: (0.37 * x ** 2).sum()", -digits(rng, 4).astype(int))


def _gradient_itself(rng: np.random.Generator) -> Iterator[Case]:
    yield case("lambda z: (z * x).sum()", digits(rng, 2), h=0.5)
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


SQUARE, OBLONG = "square kernels and pictures", "height and width differ"
LARGE, WHOLE = "a kernel larger than the upstream gradient", "whole numbers, fractional upstream gradient"


def _kernel_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2))
    yield case(fractions(rng, 6, 6), fractions(rng, 4, 4))


def _kernel_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 5), digits(rng, 2, 3))
    yield case(fractions(rng, 6, 5), fractions(rng, 3, 4))


def _kernel_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3).astype(int), fractions(rng, 2, 2))
    yield case(digits(rng, 4, 5).astype(int), fractions(rng, 3, 3))


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
)


def _input_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), digits(rng, 2, 2))
    yield case(fractions(rng, 3, 3), fractions(rng, 4, 4))


def _input_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 3), digits(rng, 3, 3))
    yield case(fractions(rng, 3, 1), fractions(rng, 4, 6))


def _input_large(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 1))
    yield case(fractions(rng, 5, 4), fractions(rng, 2, 2))


def _input_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2).astype(int), fractions(rng, 2, 2))
    yield case(digits(rng, 3, 2).astype(int), fractions(rng, 3, 4))


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


def _outputs(x_shape: tuple[int, ...], kernel_size: Pair, **options: Pair) -> tuple[int, int]:
    """Height and width of the output of a convolution."""
    weight = torch.zeros(1, 1, *_pair(kernel_size))
    out = F.conv2d(torch.zeros(1, 1, *x_shape[2:]), weight, **options)
    return out.shape[2], out.shape[3]


Numbers = Callable[..., np.ndarray]


def _columns(rng: np.random.Generator, numbers: Numbers, shape: tuple, kernel: Pair, **options: Pair) -> Case:
    high, wide = _pair(kernel)
    places = int(np.prod(_outputs(shape, kernel, **options)))
    return case(numbers(rng, shape[0], shape[1] * high * wide, places), shape, kernel, **options)


PLAIN, PADDED, STRIDED = "stride 1, no padding", "padding", "stride, no padding"
REMAINDER, DILATED, PAIRS = "stride that leaves rows over", "dilation", "height and width differ"


def _col2im_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 3, 3), 2)
    yield _columns(rng, fractions, (2, 3, 5, 5), 3)


def _col2im_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 2, 2), 2, padding=1)
    yield _columns(rng, fractions, (2, 2, 5, 5), 3, padding=2)


def _col2im_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 2, stride=2)
    yield _columns(rng, fractions, (2, 2, 7, 7), 3, stride=2)


def _col2im_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 3, stride=2)
    yield _columns(rng, fractions, (2, 2, 8, 8), 3, stride=3)


def _col2im_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 4, 4), 2, dilation=2)
    yield _columns(rng, fractions, (2, 2, 6, 6), 3, dilation=2)


def _col2im_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _columns(rng, digits, (1, 1, 2, 5), (1, 2))
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
)


# --- conv2d_backward --------------------------------------------------------------------------------------

Gradients = tuple[Tensor, Tensor, Tensor]


def _gradients(
    dout: Tensor,
    x: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> Gradients:
    x, w, b = (tensor.clone().requires_grad_() for tensor in (x, w, b))
    out = F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation)
    dx, dw, db = torch.autograd.grad(out, (x, w, b), dout)
    return dx, dw, db


def _documented(
    x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> tuple[Any, ...]:
    return x, w, stride, padding, dilation


BATCH, SHAPES = "several images, channels and filters", "shapes of dx, dw and db"


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
    yield _layer(rng, fractions, (1, 1, 8, 8), 1, 3, stride=3)


def _backward_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 4, 4), 1, 2, dilation=2)
    yield _layer(rng, fractions, (1, 1, 7, 7), 1, 3, dilation=2)


def _backward_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _layer(rng, digits, (1, 1, 2, 4), 1, (1, 2))
    yield _layer(rng, fractions, (2, 2, 5, 8), 3, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1))


def _backward_whole(rng: np.random.Generator) -> Iterator[Case]:
    for shape, kernel in (((1, 1, 3, 3), 2), ((1, 1, 4, 4), 3)):
        made = _layer(rng, digits, shape, 1, kernel)
        dout, *whole = made.args
        yield case(fractions(rng, *dout.shape), *(array.astype(int) for array in whole))


CONV2D_BACKWARD = Exercise(
    name="conv2d_backward",
    notebook=NOTEBOOK,
    asked="the tuple (dx, dw, db)",
    parts=("dx", "dw", "db"),
    probe="own_cache",
    documented=_documented,
    reference=_gradients,
    groups=(
        Group(PLAIN, 1, _backward_plain),
        Group(BATCH, 1, _backward_batch),
        Group(PADDED, 1, _backward_padded),
        Group(STRIDED, 1, _backward_strided),
        Group(REMAINDER, 1, _backward_remainder),
        Group(DILATED, 1, _backward_dilated),
        Group(PAIRS, 1, _backward_pairs),
        Group(WHOLE, 1, _backward_whole),
        Group(SHAPES, 1, _backward_batch),
    ),
)


# --- conv_transpose2d -------------------------------------------------------------------------------------


def _transposed(x: Tensor, w: Tensor, b: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return F.conv_transpose2d(x, w, b, stride=stride, padding=padding)


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
    yield _stamped(rng, digits, (2, 2, 2, 2), 2, 2)
    yield _stamped(rng, fractions, (3, 2, 3, 3), 4, 2)


def _transposed_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield _stamped(rng, digits, (1, 1, 2, 3), 1, (1, 2))
    yield _stamped(rng, fractions, (2, 2, 3, 5), 2, (4, 3), stride=(3, 2), padding=(2, 1))


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
)


EXERCISES = (
    NUMERIC_GRADIENT,
    KERNEL_GRADIENT,
    INPUT_GRADIENT,
    COL2IM,
    CONV2D_BACKWARD,
    CONV_TRANSPOSE2D,
)
