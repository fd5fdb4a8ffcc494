"""Exercises of notebook 01, cross-correlation and convolution: references, cases, known mistakes.

Everything is told in PyTorch, whose "convolution" is the cross-correlation of the notebook. Misconceptions
give (or raise) what a student with that mistake gets in NumPy, error types included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, Tolerance, case

NOTEBOOK = "01_correlation"


# --- numbers for cases ------------------------------------------------------------------------------------


def digits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers from 1 to 9 (or further, when 9 are not enough), no two alike: easy to follow by eye."""
    count = int(np.prod(shape))
    return rng.permutation(np.arange(1, max(9, count) + 1))[:count].reshape(shape)


def fractions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Float64 of both signs with two decimals."""
    return np.round(rng.normal(scale=2, size=shape), 2)


# --- corr1d -----------------------------------------------------------------------------------------------


def _corr1d(x: Tensor, w: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    return F.conv1d(x[None, None], w[None, None], stride=stride, padding=padding)[0, 0]


def _pad_left_only(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    return _corr1d(F.pad(x, (padding, 0)), w, stride)


def _pad_right_only(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    return _corr1d(F.pad(x, (0, padding)), w, stride)


def _corr1d_or_empty(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """As NumPy does it: a kernel that is longer than the input has no place, and the result is empty."""
    return _corr1d(x, w, stride) if len(w) <= len(x) else x[:0]


def _sized_for_unpadded(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    return _corr1d(x, w, stride, padding)[: len(_corr1d_or_empty(x, w, stride))]


def _moves_by_one(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    return _corr1d(x, w, 1, padding)[: len(_corr1d(x, w, stride, padding))]


def _counts_the_cut_off_window(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    if (len(x) + 2 * padding - len(w)) % stride:
        raise ValueError("operands could not be broadcast together")
    return _corr1d(x, w, stride, padding)


def _sum_forgotten(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    np.zeros(1)[0] = np.zeros(len(w))  # NumPy raises its own error; older ones not for a single number
    return _corr1d(x, w, stride, padding)


def _brackets_forgotten(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    if stride > 1:
        raise ValueError("operands could not be broadcast together")
    return _corr1d(x, w, stride, padding)


def _returns_too_early(x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    out = _corr1d(x, w, stride, padding)
    out[1:] = 0
    return out


def _float_size(*args: Any, **options: Any) -> Tensor:
    raise TypeError("'float' object cannot be interpreted as an integer")


def _whole(x: Tensor) -> bool:
    return bool((x == x.round()).all())


PLAIN, PADDED, STRIDED = "no padding, stride 1", "padding", "stride"
REMAINDER, MIXED = "stride that leaves a remainder", "whole-number input, fractional kernel"
FRACTIONAL = "whole-number input and kernel, fractional upstream gradient"


def _corr1d_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), digits(rng, 3))
    yield case(digits(rng, 3), -digits(rng, 2))  # the fewest numbers of all: what reports show first
    yield case(digits(rng, 3), digits(rng, 3))
    yield case(digits(rng, 4), digits(rng, 1))
    yield case(fractions(rng, 9), fractions(rng, 4))
    yield case(fractions(rng, 12).astype(np.float32), fractions(rng, 5).astype(np.float32))


def _corr1d_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), digits(rng, 3), padding=1)
    yield case(digits(rng, 4), digits(rng, 2), padding=2)
    yield case(fractions(rng, 8), fractions(rng, 5), padding=1)
    yield case(fractions(rng, 5), fractions(rng, 6), padding=3)


def _corr1d_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 5), digits(rng, 3), stride=2)
    yield case(digits(rng, 8), digits(rng, 2), stride=3)
    yield case(fractions(rng, 13), fractions(rng, 4), stride=3)


def _corr1d_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 6), digits(rng, 3), stride=2)
    yield case(digits(rng, 4), digits(rng, 3), stride=2, padding=1)
    yield case(fractions(rng, 11), fractions(rng, 5), stride=4)


def _corr1d_mixed(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), fractions(rng, 2))
    yield case(digits(rng, 7), fractions(rng, 3))


CORR1D = Exercise(
    name="corr1d",
    notebook=NOTEBOOK,
    asked="a 1-D array with one number for each place of the kernel",
    reference=lambda x, w, *, stride=1, padding=0: _corr1d(x, w, stride, padding),
    groups=(
        Group(PLAIN, 1, _corr1d_plain),
        Group(PADDED, 1, _corr1d_padded),
        Group(STRIDED, 1, _corr1d_strided),
        Group(REMAINDER, 1, _corr1d_remainder),
        Group(MIXED, 1, _corr1d_mixed),
    ),
    misconceptions=(
        Misconception(
            "the kernel is flipped",
            "That is a true convolution. Here the first weight meets the first number of each window.",
            lambda x, w, *, stride=1, padding=0: _corr1d(x, w.flip(0), stride, padding),
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "one output too few",
            "Count the places of a kernel of 3 on an input of 4: there are 4 - 3 + 1 of them.",
            lambda x, w, *, stride=1, padding=0: _corr1d(x, w, stride, padding)[:-1],
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "the padding is forgotten",
            "`padding` zeros belong on each side of `x` before the kernel starts to slide.",
            lambda x, w, *, stride=1, padding=0: _corr1d_or_empty(x, w, stride),
            (PADDED, REMAINDER),
        ),
        Misconception(
            "the zeros are put on the left only",
            "`padding=1` means one zero on the left and one on the right.",
            _pad_left_only,
            (PADDED,),
        ),
        Misconception(
            "the zeros are put on the right only",
            "`padding=1` means one zero on the left and one on the right.",
            _pad_right_only,
            (PADDED, REMAINDER),
        ),
        Misconception(
            "the output has the size for an input without padding",
            "The kernel slides over the padded input: count its places there.",
            lambda x, w, *, stride=1, padding=0: _sized_for_unpadded(x, w, stride, padding),
            (PADDED, REMAINDER),
        ),
        Misconception(
            "the padding is always half the kernel",
            "Use the `padding` that is given; with the default 0 the output is shorter than the input.",
            lambda x, w, *, stride=1, padding=0: _corr1d(x, w, stride, len(w) // 2),
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "the stride is ignored",
            "With `stride=2` the kernel visits every second place only.",
            lambda x, w, *, stride=1, padding=0: _corr1d(x, w, 1, padding),
            (STRIDED, REMAINDER),
        ),
        Misconception(
            "the output is shorter, but the kernel still moves by one",
            "The size knows the stride, the window does not: where does window number i start?",
            _moves_by_one,
            (STRIDED, REMAINDER),
        ),
        Misconception(
            "the last window sticks out of the input",
            "A window that no longer fits does not count: round the size down, not up.",
            _counts_the_cut_off_window,
            (REMAINDER,),
        ),
        Misconception(
            "the size lacks the brackets around its numerator",
            "`a - b // c` divides only b. Put brackets around everything that stands over the fraction bar.",
            _brackets_forgotten,
            (STRIDED, REMAINDER),
        ),
        Misconception(
            "the products are not added up",
            "`window * w` is an array of products; one output is their sum, a single number.",
            _sum_forgotten,
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "only the first output is filled: the `return` stands inside the loop",
            "The function ends at the first `return`: it belongs behind the loop, not into it.",
            _returns_too_early,
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "the size is a float: `/` instead of `//`",
            "`/` gives a float even where nothing is left over; a size needs `//`, which rounds down.",
            _float_size,
            (PLAIN, PADDED, STRIDED, REMAINDER, MIXED),
        ),
        Misconception(
            "the output array holds whole numbers, so fractions are cut off",
            "`np.zeros_like(x)` and `dtype=x.dtype` hold integers when `x` does; `np.zeros(n)` holds floats.",
            lambda x, w, *, stride=1, padding=0: (
                _corr1d(x, w, stride, padding).trunc() if _whole(x) else _corr1d(x, w, stride, padding)
            ),
            (MIXED,),
        ),
    ),
)


# --- conv1d -----------------------------------------------------------------------------------------------

ODD, EVEN = "kernels of odd length", "kernels of even length"


def _conv1d_odd(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), digits(rng, 3))
    yield case(fractions(rng, 7), fractions(rng, 3))
    yield case(fractions(rng, 12), fractions(rng, 5))


def _conv1d_even(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), digits(rng, 2))
    yield case(digits(rng, 6), fractions(rng, 4))
    yield case(fractions(rng, 15).astype(np.float32), fractions(rng, 6).astype(np.float32))


def _full1d(x: Tensor, w: Tensor) -> Tensor:
    return _corr1d(x, w.flip(0), padding=len(w) - 1)


def _same1d(x: Tensor, w: Tensor) -> Tensor:
    return _full1d(x, w).narrow(0, (len(w) - 1) // 2, len(x))


def _index_beyond_the_end(x: Tensor, w: Tensor) -> Tensor:
    raise IndexError("index is out of bounds")


CONV1D = Exercise(
    name="conv1d",
    notebook=NOTEBOOK,
    asked="a 1-D array with one number for each place where the kernel fits",
    reference=lambda x, w: _corr1d(x, w.flip(0)),
    groups=(Group(ODD, 1, _conv1d_odd), Group(EVEN, 1, _conv1d_even)),
    misconceptions=(
        Misconception(
            "the kernel is not flipped",
            "This is the cross-correlation. A true convolution reads the kernel from its end.",
            lambda x, w: _corr1d(x, w),
            (ODD, EVEN),
        ),
        Misconception(
            "the input is flipped instead of the kernel",
            "Then the output comes out in reverse order. Flip `w`, and leave `x` as it is.",
            lambda x, w: _corr1d(x.flip(0), w),
            (ODD, EVEN),
        ),
        Misconception(
            "the cross-correlation, in reverse order",
            "Reading the output backwards, or both `x` and `w`, only changes the order. Flip `w` alone.",
            lambda x, w: _corr1d(x.flip(0), w.flip(0)),
            (ODD, EVEN),
        ),
        Misconception(
            "places where the kernel sticks out are counted too",
            "That is the 'full' convolution. Here the kernel must lie inside the input: N - K + 1 places.",
            _full1d,
            (ODD, EVEN),
        ),
        Misconception(
            "the output is as long as the input",
            "That is the 'same' convolution. Without padding the output has N - K + 1 numbers.",
            _same1d,
            (ODD, EVEN),
        ),
        Misconception(
            "`w[K - j]` instead of `w[K - 1 - j]`",
            "The last number of `w` is `w[K - 1]`, because Python counts from 0.",
            _index_beyond_the_end,
            (ODD, EVEN),
        ),
    ),
)


# --- corr1d_backward --------------------------------------------------------------------------------------


def _backward(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    dx, dw = torch.autograd.grad(_corr1d(x, w, stride, padding), (x, w), dout)
    return dx, dw


def _dx_of_other(
    change: Callable[[Tensor], Tensor], of: str
) -> Callable[[Tensor, Tensor, Tensor, int, int], tuple[Tensor, Tensor]]:
    """dx computed from a changed dout or w; dw is right."""

    def wrong(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
        _, dw = _backward(dout, x, w, stride, padding)
        if of == "dout":
            dx, _ = _backward(change(dout), x, w, stride, padding)
        else:
            dx, _ = _backward(dout, x, change(w), stride, padding)
        return dx, dw

    return wrong


def _stride_forgotten_backward(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    padded = F.pad(x, (padding, padding))
    used = padded[: len(dout) + len(w) - 1]
    dx, dw = _backward(dout, used, w, 1, 0)
    dx = F.pad(dx, (0, len(padded) - len(used)))
    return dx.narrow(0, padding, len(x)), dw


def _cropped_at_zero(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    dx, dw = _backward(dout, x, w, stride, padding)
    return (dx[:0] if padding == 0 else dx), dw


def _not_cropped(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    return _backward(dout, F.pad(x, (padding, padding)), w, stride, 0)


def _assigned(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    """dx where each window overwrites what the one before it left: only the last window's share survives."""
    _, dw = _backward(dout, x, w, stride, padding)
    place = torch.arange(len(x)) + padding
    last = (place // stride).clamp(max=len(dout) - 1)
    offset = place - last * stride
    covered = offset < len(w)
    dx = torch.where(covered, dout[last] * w[offset.clamp(max=len(w) - 1)], torch.zeros(()).double())
    return dx, dw


def _without_leftovers(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    _, dw = _backward(dout, x, w, stride, padding)
    full = F.conv_transpose1d(dout[None, None], w[None, None], stride=stride)[0, 0]
    return full[padding : len(full) - padding], dw


def _formulas(dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    """The two formulas of the text as they stand there: for stride 1 and no padding."""
    return _full1d(dout, w), _corr1d_or_empty(x, dout, 1)


def _kernel_padded_by_padding(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    """dx as in the text, but with `padding` zeros at the kernel's ends instead of len(dout) - 1."""
    size = len(w) + 2 * padding - len(dout) + 1
    if size < 0:
        raise ValueError("negative dimensions are not allowed")
    padded_x, padded_w = (F.pad(array, (padding, padding)) for array in (x, w))
    return _corr1d_or_empty(padded_w, dout.flip(0), 1), _corr1d(padded_x, dout)


def _outputs_of_unpadded(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    counted = (len(x) - len(w)) // stride + 1
    return _backward(torch.where(torch.arange(len(dout)) < counted, dout, 0.0), x, w, stride, padding)


def _added_as_whole_numbers(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    """Every share is added to an array of x's (or w's) type, place by place: fractions are cut off."""

    def added(like: Tensor, shares: Tensor) -> Tensor:
        total = torch.zeros_like(like)
        for share in dout[:, None] * shares:
            total = _stored(total + share, like)
        return total

    def forward(x: Tensor, w: Tensor) -> Tensor:
        return _corr1d(x, w, stride, padding)

    of_x, of_w = torch.autograd.functional.jacobian(forward, (x, w))
    return added(x, of_x), added(w, of_w)


def _stored(value: Tensor, like: Tensor) -> Tensor:
    return value.trunc() if _whole(like) else value


def _refuses_fractions(
    dout: Tensor, x: Tensor, w: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    """`+=` of an array of fractions to one of whole numbers: NumPy raises its own error for it."""
    if (_whole(x) or _whole(w)) and not _whole(dout):
        _add_fraction_to_integers()
    return _backward(dout, x, w, stride, padding)


def _add_fraction_to_integers() -> None:
    whole = np.zeros(1, dtype=int)
    whole += np.array([0.5])


def _keyword_only(
    function: Callable[[Tensor, Tensor, Tensor, int, int], Any],
) -> Callable[..., Any]:
    def with_options(dout: Tensor, x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0) -> Any:
        return function(dout, x, w, stride, padding)

    return with_options


def _upstream(rng: np.random.Generator, size: int, kernel: int, **options: int) -> Case:
    """A case with fractions; the upstream gradient has the size of the forward's output."""
    places = (size + 2 * options.get("padding", 0) - kernel) // options.get("stride", 1) + 1
    return case(fractions(rng, places), fractions(rng, size), fractions(rng, kernel), **options)


def _backward_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2), digits(rng, 4), digits(rng, 3))
    yield case(digits(rng, 4), digits(rng, 5), -digits(rng, 2))
    yield _upstream(rng, 9, 4)


def _backward_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4), digits(rng, 4), digits(rng, 3), padding=1)
    yield _upstream(rng, 6, 4, padding=2)


def _backward_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2), digits(rng, 5), digits(rng, 3), stride=2)
    yield _upstream(rng, 13, 4, stride=3)


def _backward_mixed(rng: np.random.Generator) -> Iterator[Case]:
    yield case(fractions(rng, 2), digits(rng, 4), digits(rng, 3))
    yield case(fractions(rng, 3), digits(rng, 4), -digits(rng, 2))


def _backward_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2), digits(rng, 6), digits(rng, 3), stride=2)
    yield _upstream(rng, 12, 4, stride=3)


CORR1D_BACKWARD = Exercise(
    name="corr1d_backward",
    notebook=NOTEBOOK,
    asked="the tuple (dx, dw)",
    parts=("dx", "dw"),
    reference=_keyword_only(_backward),
    groups=(
        Group(PLAIN, 1, _backward_plain),
        Group(PADDED, 1, _backward_padded),
        Group(STRIDED, 1, _backward_strided),
        Group(REMAINDER, 1, _backward_remainder),
        Group(FRACTIONAL, 1, _backward_mixed),
    ),
    misconceptions=(
        Misconception(
            "dx and dw are swapped",
            "The order is that of the forward's inputs: first the gradient for `x`, then the one for `w`.",
            _keyword_only(lambda *args: _backward(*args)[::-1]),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "the upstream gradient is taken for ones",
            "`dout` says how much each output matters: it multiplies the share of its window.",
            _keyword_only(lambda dout, *args: _backward(torch.ones_like(dout), *args)),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "the gradients are averaged over the outputs",
            "The shares of the outputs are summed. (Dividing, if the loss is a mean, was done in `dout`.)",
            _keyword_only(lambda dout, *args: _backward(dout / len(dout), *args)),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "dx: the upstream gradient is not flipped",
            "When the padded kernel is correlated with the upstream gradient, one of them is read backwards.",
            _keyword_only(_dx_of_other(lambda dout: dout.flip(0), "dout")),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "dx: the kernel is flipped",
            "Output i saw x[i] through w[0]; so w[0] is what x[i] gets back from it.",
            _keyword_only(_dx_of_other(lambda w: w.flip(0), "w")),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "dx: overlapping windows are assigned, not added",
            "An input that lies in several windows gets a share from each: use `+=`.",
            _keyword_only(_assigned),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "dx is cropped with [padding:-padding], which is empty at padding 0",
            "`a[0:-0]` is `a[0:0]`. Give the end of the slice as a length instead.",
            _keyword_only(_cropped_at_zero),
            (PLAIN, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "dx still has the padding on it",
            "The zeros around `x` were never the caller's: cut their gradient off.",
            _keyword_only(_not_cropped),
            (PADDED,),
        ),
        Misconception(
            "the stride is forgotten on the way back",
            "Window number i starts at i * stride, in the backward pass too.",
            _keyword_only(_stride_forgotten_backward),
            (STRIDED, REMAINDER),
        ),
        Misconception(
            "dx is too short: inputs that no window reached are missing",
            "They did not matter, so their gradient is 0; but dx has the shape of x.",
            _keyword_only(_without_leftovers),
            (REMAINDER,),
        ),
        Misconception(
            "the text's formulas are used, which hold for stride 1 and no padding",
            "With a stride output i looked from i * stride on, with padding at padded numbers: extend them.",
            _keyword_only(_formulas),
            (PADDED, STRIDED, REMAINDER),
        ),
        Misconception(
            "dx: the kernel is padded with `padding` zeros",
            "How many zeros the kernel needs follows from the number n of outputs: n - 1 on each end.",
            _keyword_only(_kernel_padded_by_padding),
            (PLAIN, PADDED, STRIDED, REMAINDER, FRACTIONAL),
        ),
        Misconception(
            "the outputs are counted on the input without padding",
            "Padding makes more outputs than that; there are as many as `dout` has numbers.",
            _keyword_only(_outputs_of_unpadded),
            (PADDED,),
        ),
        Misconception(
            "the gradients are stored as whole numbers, so fractions are cut off",
            "`np.zeros_like(x)` and `dtype=x.dtype` hold integers when `x` does, `np.zeros(len(x))` floats.",
            _keyword_only(_added_as_whole_numbers),
            (FRACTIONAL,),
        ),
        Misconception(
            "fractions are added to an array of whole numbers",
            "`np.zeros_like(x)` and `dtype=x.dtype` hold integers when `x` does, `np.zeros(len(x))` floats.",
            _keyword_only(_refuses_fractions),
            (FRACTIONAL,),
        ),
    ),
)


# --- corr1d_matrix ----------------------------------------------------------------------------------------


def _matrix(w: Tensor, length: int, stride: int = 1) -> Tensor:
    rows = torch.eye(length, dtype=torch.float64)
    return F.conv1d(rows[:, None], w[None, None], stride=stride)[:, 0].T.contiguous()


def _wrapped(w: Tensor, length: int, *, stride: int = 1) -> Tensor:
    first = F.pad(w, (0, length - len(w)))
    return torch.stack([first.roll(start) for start in range(0, length, stride)])


def _not_shifted(w: Tensor, length: int, *, stride: int = 1) -> Tensor:
    matrix = _matrix(w, length, stride)
    return matrix[:1].expand(matrix.shape).contiguous()


DENSE, SPARSE = "stride 1", "stride 2 and more"


def _matrix_dense(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3), 4)
    yield case(digits(rng, 2), 4)
    yield case(fractions(rng, 4), 7)


def _matrix_sparse(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2), 6, stride=2)
    yield case(fractions(rng, 3), 8, stride=2)
    yield case(fractions(rng, 2), 9, stride=3)


CORR1D_MATRIX = Exercise(
    name="corr1d_matrix",
    notebook=NOTEBOOK,
    asked="a matrix with a row for each output and a column for each input",
    reference=lambda w, length, *, stride=1: _matrix(w, length, stride),
    groups=(Group(DENSE, 1, _matrix_dense), Group(SPARSE, 1, _matrix_sparse)),
    misconceptions=(
        Misconception(
            "rows and columns are exchanged",
            "Output = matrix @ input: one row for each output, one column for each input.",
            lambda w, length, *, stride=1: _matrix(w, length, stride).T.contiguous(),
            (DENSE, SPARSE),
        ),
        Misconception(
            "the kernel is flipped in every row",
            "Row i holds the weights in the order in which they meet the input.",
            lambda w, length, *, stride=1: _matrix(w.flip(0), length, stride),
            (DENSE, SPARSE),
        ),
        Misconception(
            "the kernel wraps around the end",
            "A kernel that does not fit any more has no row: there are fewer rows than columns.",
            _wrapped,
            (DENSE, SPARSE),
        ),
        Misconception(
            "every row is the same",
            "Row i is the kernel's i-th place: it starts further right.",
            _not_shifted,
            (DENSE, SPARSE),
        ),
        Misconception(
            "the stride is ignored",
            "With `stride=2` the kernel starts two columns further right in each row.",
            lambda w, length, *, stride=1: _matrix(w, length),
            (SPARSE,),
        ),
        Misconception(
            "there are fewer rows, but the kernel still moves by one",
            "The number of rows knows the stride, the columns do not: where does the kernel start in row i?",
            lambda w, length, *, stride=1: _matrix(w, length)[: len(_matrix(w, length, stride))],
            (SPARSE,),
        ),
    ),
)


# --- corr2d -----------------------------------------------------------------------------------------------

Pair = int | tuple[int, int]


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _corr2d(x: Tensor, w: Tensor, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return F.conv2d(x[None, None], w[None, None], stride=stride, padding=padding)[0, 0]


def _square_kernel(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    if w.shape[0] != w.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return _corr2d(x, w, stride, padding)


def _square_picture(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """The output's width counted from the picture's height: columns are missing, or windows stick out."""
    out = _corr2d(x, w, stride, padding)
    width = (x.shape[0] + 2 * _pair(padding)[1] - w.shape[1]) // _pair(stride)[1] + 1
    if width > out.shape[1]:
        raise ValueError("operands could not be broadcast together")
    return out[:, :width]


def _moves_by_one_2d(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    height, width = _corr2d(x, w, stride, padding).shape
    return _corr2d(x, w, 1, padding)[:height, :width]


def _columns_by_one(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    width = _corr2d(x, w, stride, padding).shape[1]
    return _corr2d(x, w, (_pair(stride)[0], 1), padding)[:, :width]


def _pairs_as_numbers(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    if isinstance(stride, tuple) or isinstance(padding, tuple):
        raise TypeError("unsupported operand type(s)")
    return _corr2d(x, w, stride, padding)


def _pairs_swapped(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    return _corr2d(x, w, _pair(stride)[::-1], _pair(padding)[::-1])


def _pad_before_and_after(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    before, after = _pair(padding)
    return _corr2d(F.pad(x, (before, after, before, after)), w, stride)


def _pad_first_sides_only(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    height, width = _pair(padding)
    return _corr2d(F.pad(x, (width, 0, height, 0)), w, stride)


def _matrix_product(x: Tensor, w: Tensor, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """``(window @ w).sum()``: each column of the window meets the sum of a row of the kernel."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("matmul: Input operand 1 has a mismatch in its core dimension 0")
    row_sums = w.sum(1).expand(w.shape)
    return _corr2d(x, row_sums, stride, padding)


SQUARE, OBLONG = "square picture and kernel", "picture and kernel that are not square"
PAIRS, PHOTO = "another stride and padding for rows than for columns", MIXED


def _corr2d_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2))
    yield case(digits(rng, 3, 3), digits(rng, 3, 3))
    yield case(fractions(rng, 6, 6), fractions(rng, 3, 3))


def _corr2d_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 4), digits(rng, 2, 3))
    yield case(fractions(rng, 7, 5), fractions(rng, 2, 3))
    yield case(fractions(rng, 5, 8).astype(np.float32), fractions(rng, 4, 2).astype(np.float32))


def _corr2d_padded(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 2, 2), digits(rng, 2, 2), padding=1)
    yield case(fractions(rng, 4, 6), fractions(rng, 3, 3), padding=1)
    yield case(fractions(rng, 5, 5), fractions(rng, 3, 3), padding=2)


def _corr2d_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 4, 4), digits(rng, 2, 2), stride=2)
    yield case(fractions(rng, 6, 6), fractions(rng, 3, 3), stride=2)
    yield case(fractions(rng, 8, 11), fractions(rng, 3, 3), stride=3)


def _corr2d_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2), padding=(0, 1))
    yield case(digits(rng, 4, 4), digits(rng, 2, 2), stride=(2, 1))
    yield case(fractions(rng, 7, 9), fractions(rng, 3, 2), stride=(1, 3), padding=(2, 1))


def _corr2d_photo(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), fractions(rng, 2, 2))
    yield case(rng.integers(0, 256, size=(5, 6)), fractions(rng, 3, 3))


CORR2D = Exercise(
    name="corr2d",
    notebook=NOTEBOOK,
    asked="a 2-D array with one number for each place of the kernel",
    reference=lambda x, w, *, stride=1, padding=0: _corr2d(x, w, stride, padding),
    groups=(
        Group(SQUARE, 1, _corr2d_square),
        Group(OBLONG, 1, _corr2d_oblong),
        Group(PADDED, 1, _corr2d_padded),
        Group(STRIDED, 1, _corr2d_strided),
        Group(PAIRS, 1, _corr2d_pairs),
        Group(PHOTO, 1, _corr2d_photo),
    ),
    misconceptions=(
        Misconception(
            "the kernel is flipped",
            "That is a true convolution. Here the top left weight meets the top left pixel of each window.",
            lambda x, w, *, stride=1, padding=0: _corr2d(x, w.flip((0, 1)), stride, padding),
            (SQUARE, OBLONG, PADDED, STRIDED, PAIRS, PHOTO),
        ),
        Misconception(
            "the kernel is transposed",
            "`w[a, b]` meets `x[r + a, c + b]`: the first index counts rows in both.",
            lambda x, w, *, stride=1, padding=0: _corr2d(x, w.T, stride, padding),
            (SQUARE, OBLONG, PADDED, STRIDED, PAIRS, PHOTO),
        ),
        Misconception(
            "matrix product instead of element by element",
            "`window @ w` is a matrix product; multiply number by number with `*`, then sum.",
            _matrix_product,
            (SQUARE, OBLONG, PADDED, STRIDED, PAIRS, PHOTO),
        ),
        Misconception(
            "the kernel is taken to be square",
            "A kernel has a height and a width: `kh, kw = w.shape`.",
            _square_kernel,
            (OBLONG, PAIRS),
        ),
        Misconception(
            "the picture is taken to be square",
            "The number of columns follows from the picture's width, `x.shape[1]`.",
            _square_picture,
            (OBLONG, PADDED, STRIDED, PAIRS, PHOTO),
        ),
        Misconception(
            "one row and one column too few",
            "Count the places of a 2 x 2 kernel on a 3 x 3 picture: (3 - 2 + 1) in each direction.",
            lambda x, w, *, stride=1, padding=0: _corr2d(x, w, stride, padding)[:-1, :-1],
            (SQUARE, OBLONG, PADDED, STRIDED, PAIRS, PHOTO),
        ),
        Misconception(
            "the padding is forgotten",
            "`padding` rows and columns of zeros belong on every side of `x` before the kernel slides.",
            lambda x, w, *, stride=1, padding=0: _corr2d(x, w, stride),
            (PADDED, PAIRS),
        ),
        Misconception(
            "the zeros are put on the top and on the left only",
            "`padding=1` means one row above and one below, one column left and one right.",
            _pad_first_sides_only,
            (PADDED, PAIRS),
        ),
        Misconception(
            "the stride is ignored",
            "With `stride=2` the kernel visits every second row and every second column only.",
            lambda x, w, *, stride=1, padding=0: _corr2d(x, w, 1, padding),
            (STRIDED, PAIRS),
        ),
        Misconception(
            "the output is smaller, but the kernel still moves by one",
            "The size knows the stride, the window does not: where does the window for out[i, j] start?",
            _moves_by_one_2d,
            (STRIDED, PAIRS),
        ),
        Misconception(
            "rows and columns of the pairs are exchanged",
            "The first number of `stride` and of `padding` is for the rows, the second for the columns.",
            _pairs_swapped,
            (PAIRS,),
        ),
        Misconception(
            "the column moves by one in spite of the stride",
            "Both directions have a stride: where does the window for out[i, j] start, from left to right?",
            _columns_by_one,
            (STRIDED, PAIRS),
        ),
        Misconception(
            "a pair is used as if it were a number",
            "`stride` and `padding` may be pairs: `pair(...)` gives you the number for each direction.",
            _pairs_as_numbers,
            (PAIRS,),
        ),
        Misconception(
            "the padding pair is handed to np.pad as it is",
            "`np.pad(x, (1, 2))` puts 1 before and 2 after, on both axes. Give one (before, after) for each.",
            _pad_before_and_after,
            (PAIRS,),
        ),
        Misconception(
            "the output array holds whole numbers, so fractions are cut off",
            "`np.zeros_like(x)` and `dtype=x.dtype` hold integers when `x` does, `np.zeros(shape)` floats.",
            lambda x, w, *, stride=1, padding=0: (
                _corr2d(x, w, stride, padding).trunc() if _whole(x) else _corr2d(x, w, stride, padding)
            ),
            (PHOTO,),
        ),
    ),
)


# --- conv2d_true ------------------------------------------------------------------------------------------

SQUARE_KERNEL, OBLONG_KERNEL = "square kernel", "kernel that is not square"


def _conv2d_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 2))
    yield case(fractions(rng, 5, 6), fractions(rng, 3, 3))


def _conv2d_oblong(rng: np.random.Generator) -> Iterator[Case]:
    yield case(digits(rng, 3, 3), digits(rng, 2, 3))
    yield case(fractions(rng, 7, 5), fractions(rng, 3, 2))


CONV2D_TRUE = Exercise(
    name="conv2d_true",
    notebook=NOTEBOOK,
    asked="a 2-D array with one number for each place where the kernel fits",
    reference=lambda x, w: _corr2d(x, w.flip((0, 1))),
    groups=(Group(SQUARE_KERNEL, 1, _conv2d_square), Group(OBLONG_KERNEL, 1, _conv2d_oblong)),
    misconceptions=(
        Misconception(
            "the kernel is not flipped",
            "This is the cross-correlation. A true convolution turns the kernel by half a turn first.",
            lambda x, w: _corr2d(x, w),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
        Misconception(
            "the kernel is flipped upside down only",
            "Both axes are flipped: rows and columns. `w[::-1]` alone leaves the columns as they are.",
            lambda x, w: _corr2d(x, w.flip(0)),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
        Misconception(
            "the kernel is flipped left to right only",
            "Both axes are flipped: rows and columns.",
            lambda x, w: _corr2d(x, w.flip(1)),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
        Misconception(
            "the kernel is transposed instead of turned",
            "`w.T` mirrors at the diagonal. Half a turn reverses the order of the rows and of the columns.",
            lambda x, w: _corr2d(x, w.T),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
        Misconception(
            "the kernel is turned by a quarter only",
            "`np.rot90(w)` is a quarter turn; half a turn is two of them.",
            lambda x, w: _corr2d(x, torch.rot90(w, 1, (0, 1))),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
        Misconception(
            "places where the kernel sticks out are counted too",
            "That is the 'full' convolution. Here the kernel must lie inside the picture.",
            lambda x, w: _corr2d(x, w.flip((0, 1)), padding=(w.shape[0] - 1, w.shape[1] - 1)),
            (SQUARE_KERNEL, OBLONG_KERNEL),
        ),
    ),
)


# --- edge_kernel ------------------------------------------------------------------------------------------

LARGEST_KERNEL = 7
SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], dtype=torch.float64)


def _judge_edge_kernel(given: Case, outcome: Outcome) -> str | None:
    """Any small kernel with a sum of 0, a positive answer to its own edge and none to the other one."""
    kernel = outcome.value
    if isinstance(kernel, list | tuple):
        return f"returned a {type(kernel).__name__}: make a 2-D NumPy array of it, `np.array(...)`"
    if not isinstance(kernel, np.ndarray) or kernel.ndim != 2 or kernel.dtype.kind not in "iuf":
        return "returned something other than a 2-D array of numbers, the kernel"
    if kernel.size == 0 or max(kernel.shape) > LARGEST_KERNEL or not np.isfinite(kernel).all():
        return f"the kernel must be at most {LARGEST_KERNEL} x {LARGEST_KERNEL}, of ordinary numbers"
    w = torch.from_numpy(kernel.astype(np.float64))
    small = 1e-6 * max(float(w.abs().sum()), 1e-300)
    if abs(float(w.sum())) > small:
        return f"it answers where nothing changes: its numbers add up to {float(w.sum()):.4g}, not to 0"
    rising = torch.zeros(20, 20, dtype=torch.float64)
    rising[:, 10:] = 1.0
    rows = given.args[0] == "top_bottom"
    own, other = (rising.T, rising) if rows else (rising, rising.T)
    answer = _corr2d(own.contiguous(), w)
    if float(answer.max()) <= small:
        return (
            "its answer is negative where the picture turns from dark to bright"
            if float(answer.min()) < -small
            else "it does not answer to the edge that it was asked for"
        )
    if float(answer.min()) < -small:
        return "it answers to a single edge with both signs; one edge should give one sign"
    if float(_corr2d(other.contiguous(), w).abs().max()) > small:
        return "it also answers to an edge that runs the other way"
    return None


def _one_of(left_right: Tensor, top_bottom: Tensor) -> Callable[[str], Tensor]:
    def kernel(direction: str) -> Tensor:
        return left_right if direction == "left_right" else top_bottom

    return kernel


COLUMNS_EDGE, ROWS_EDGE = "dark on the left, bright on the right", "dark above, bright below"

EDGE_KERNEL = Exercise(
    name="edge_kernel",
    notebook=NOTEBOOK,
    asked="a small 2-D array, the kernel",
    judge=_judge_edge_kernel,
    groups=(
        Group(COLUMNS_EDGE, 1, lambda rng: [case("left_right")]),
        Group(ROWS_EDGE, 1, lambda rng: [case("top_bottom")]),
    ),
    misconceptions=(
        Misconception(
            "the Sobel kernels of the two directions are exchanged",
            "From left to right the *columns* of the kernel must differ: negative left, positive right.",
            _one_of(SOBEL.T, SOBEL),
            (COLUMNS_EDGE, ROWS_EDGE),
        ),
        Misconception(
            "the Sobel kernel has the wrong sign",
            "A correlation multiplies in place: the bright side needs the positive numbers.",
            _one_of(-SOBEL, -SOBEL.T),
            (COLUMNS_EDGE, ROWS_EDGE),
        ),
        Misconception(
            "the same Sobel kernel for both directions",
            "Use `direction`: for 'top_bottom' the rows of the kernel must differ.",
            _one_of(SOBEL, SOBEL),
            (ROWS_EDGE,),
        ),
    ),
)


# --- match_template ---------------------------------------------------------------------------------------


def _windows(image: Tensor, template: Tensor) -> Tensor:
    """All windows of the template's size, as (rows, columns, pixels)."""
    height, width = template.shape
    return image.unfold(0, height, 1).unfold(1, width, 1).flatten(2)


def _best(score: Tensor) -> tuple[int, int]:
    index = int(score.flatten().argmax())
    return index // score.shape[1], index % score.shape[1]


def similarity(image: Tensor, template: Tensor) -> Tensor:
    """Cosine between window and template, both without their mean; NaN for a window of one brightness."""
    windows, pixels = _windows(image, template), template.flatten()
    windows, pixels = windows - windows.mean(2, keepdim=True), pixels - pixels.mean()
    return (windows @ pixels) / (windows.square().sum(2) * pixels.square().sum()).sqrt()


def _match(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _best(torch.nan_to_num(similarity(image, template), nan=-1.0))


def _match_raw(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _best(_corr2d(image, template))


def _match_with_mean(image: Tensor, template: Tensor) -> tuple[int, int]:
    norms = _windows(image, template).square().sum(2).sqrt() * template.square().sum().sqrt()
    return _best(torch.nan_to_num(_corr2d(image, template) / norms, nan=-1.0))


def _match_squares(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _best(-(_windows(image, template) - template.flatten()).square().sum(2))


def _match_nan_wins(image: Tensor, template: Tensor) -> tuple[int, int]:
    flat = torch.isnan(similarity(image, template))
    return _best(flat.double()) if flat.any() else _match(image, template)


def _match_abs(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _best(torch.nan_to_num(similarity(image, template), nan=0.0).abs())


def _match_means_only(image: Tensor, template: Tensor) -> tuple[int, int]:
    windows = _windows(image, template)
    return _best((windows - windows.mean(2, keepdim=True)) @ (template - template.mean()).flatten())


def _match_global_mean(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _match_with_mean(image - image.mean(), template - template.mean())


def _match_without_last(image: Tensor, template: Tensor) -> tuple[int, int]:
    return _best(torch.nan_to_num(similarity(image, template))[:-1, :-1])


def _flat_index(image: Tensor, template: Tensor) -> int:
    row, column = _match(image, template)
    return row * (image.shape[1] - template.shape[1] + 1) + column


def _index_in_picture(image: Tensor, template: Tensor) -> tuple[int, int]:
    index = _flat_index(image, template)
    return index // image.shape[1], index % image.shape[1]


def _match_centre(image: Tensor, template: Tensor) -> tuple[int, int]:
    row, column = _match(image, template)
    return row + template.shape[0] // 2, column + template.shape[1] // 2


AS_IS, BRIGHT = "the cut-out is in the picture as it is", "something brighter, or a negative, is there too"
RELIT, FLAT = "the picture was lit differently from the cut-out", "part of the picture is of one brightness"


Finder = Callable[[Tensor, Tensor], tuple[int, int]]
Scene = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, tuple[int, int]]]


def _search(
    rng: np.random.Generator, scene: Scene, right: tuple[Finder, ...], wrong: tuple[Finder, ...]
) -> Case:
    """Draw scenes until one has a clear answer that the finders `right` see, and `wrong` each miss."""
    while True:
        image, template, place = scene(rng)
        given = [torch.from_numpy(array.astype(np.float64)) for array in (image, template)]
        best, second = similarity(*given).nan_to_num(nan=-1.0).flatten().topk(2).values.tolist()
        if place[0] == place[1] or best - second <= 0.02:
            continue
        missed = {finder(*given) for finder in wrong} - {place}
        if len(missed) == len(wrong) and all(finder(*given) == place for finder in right):
            return case(image, template)


def _cut(
    rng: np.random.Generator, image: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """A cut-out and its place; never in the first row or column."""
    row = int(rng.integers(1, image.shape[0] - height + 1))
    column = int(rng.integers(1, image.shape[1] - width + 1))
    return image[row : row + height, column : column + width].copy(), (row, column)


def _black_and_white(height: int, width: int, *cut: int) -> Scene:
    """Pixels of 1 and -1: here even the plain correlation is largest at the right place."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.choice([-1, 1], size=(height, width))
        return image, *_cut(rng, image, *cut)

    return scene


def _around_zero(height: int, width: int, *cut: int) -> Scene:
    """Numbers of both signs in place of pixels: no two windows are equally like the template."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(-9, 10, size=(height, width))
        return image, *_cut(rng, image, *cut)

    return scene


def _with_lamp(height: int, width: int, *cut: int) -> Scene:
    """Grey pixels, and a bright spot of the template's size in the upper right corner."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(0, 10, size=(height, width))
        rows, columns = cut
        image[:rows, -columns:] = rng.integers(20, 30, size=cut)
        return image, *_cut(rng, image, *cut)

    return scene


def _relit(height: int, width: int, *cut: int) -> Scene:
    """The cut-out has more contrast and more light than the picture."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(0, 10, size=(height, width))
        template, place = _cut(rng, image, *cut)
        return image, 2 * template + 30, place

    return scene


def _faint(height: int, width: int, *cut: int) -> Scene:
    """Brightness between 0.4 and 0.5, and a cut-out with even less contrast: every length is far below 1."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(40, 51, size=(height, width)) / 100
        template, place = _cut(rng, image, *cut)
        return image, (template / 2).round(3), place

    return scene


def _with_negative(height: int, width: int, *cut: int) -> Scene:
    """The person, slightly changed, and an exact negative of the cut-out, which has the score -1."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(0, 10, size=(height, width))
        template, place = _cut(rng, image, *cut)
        rows, columns = cut
        image[:rows, :columns] = 9 - template
        image[place] += 1
        return image, template, place

    return scene


def _with_flat_part(height: int, width: int, *cut: int) -> Scene:
    """A black part, larger than the template, not in a corner."""

    def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        image = rng.integers(1, 10, size=(height, width))
        image[1 : cut[0] + 2, 1 : cut[1] + 2] = 0
        return image, *_cut(rng, image, *cut)

    return scene


def _match_as_is(rng: np.random.Generator) -> Iterator[Case]:
    right = (
        *(_match, _match_raw, _match_with_mean, _match_squares, _match_nan_wins),
        *(_match_abs, _match_means_only, _match_global_mean),
    )
    for shape in ((4, 6, 2, 3), (7, 9, 3, 3)):
        yield _search(rng, _black_and_white(*shape), (*right, _match_without_last), wrong=())
    yield _search(rng, _around_zero(12, 8, 3, 4), right, wrong=(_match_without_last,))


def _match_bright(rng: np.random.Generator) -> Iterator[Case]:
    right = (_match, _match_with_mean, _match_squares, _match_nan_wins, _match_without_last)
    for shape in ((5, 6, 2, 2), (9, 8, 3, 2), (10, 14, 4, 5)):
        yield _search(
            rng, _with_lamp(*shape), (*right, _match_abs, _match_global_mean), (_match_raw, _match_means_only)
        )
    yield _search(rng, _with_negative(6, 8, 2, 3), (*right, _match_global_mean), (_match_abs,))


def _match_relit(rng: np.random.Generator) -> Iterator[Case]:
    right = (_match, _match_nan_wins, _match_abs, _match_means_only, _match_without_last)
    for shape in ((5, 6, 2, 3), (7, 9, 2, 4)):
        for missed in ((_match_raw, _match_with_mean), (_match_squares,), (_match_global_mean,)):
            yield _search(rng, _relit(*shape), right, missed)
    yield _search(rng, _faint(6, 7, 2, 4), right, wrong=())


def _match_flat(rng: np.random.Generator) -> Iterator[Case]:
    right = (
        *(_match, _match_with_mean, _match_squares, _match_abs),
        *(_match_means_only, _match_global_mean, _match_without_last),
    )
    for shape in ((6, 7, 2, 2), (7, 9, 2, 4)):
        yield _search(rng, _with_flat_part(*shape), right, wrong=(_match_raw, _match_nan_wins))


MATCH_TEMPLATE = Exercise(
    name="match_template",
    notebook=NOTEBOOK,
    asked="the tuple (row, column) of whole numbers",
    reference=_match,
    groups=(
        Group(AS_IS, 1, _match_as_is),
        Group(BRIGHT, 1, _match_bright),
        Group(RELIT, 1, _match_relit),
        Group(FLAT, 1, _match_flat),
    ),
    misconceptions=(
        Misconception(
            "the plain correlation is used: the brightest place wins",
            "Subtract the mean of each window and divide by its length before you compare.",
            _match_raw,
            (BRIGHT, RELIT, FLAT),
        ),
        Misconception(
            "the mean is not subtracted",
            "Any two bright windows look alike while their brightness is in them: subtract both means.",
            _match_with_mean,
            (RELIT,),
        ),
        Misconception(
            "pixel differences are compared instead of patterns",
            "Squared differences grow when only the light differs; the normalised correlation does not.",
            _match_squares,
            (RELIT,),
        ),
        Misconception(
            "0/0 of a flat window wins the argmax",
            "`np.argmax` takes NaN for the largest number: give windows without contrast a score of 0.",
            _match_nan_wins,
            (FLAT,),
        ),
        Misconception(
            "the means are subtracted, but the scores are not divided",
            "Without the second step strong contrast beats the right pattern: divide by both lengths.",
            _match_means_only,
            (BRIGHT,),
        ),
        Misconception(
            "the mean of the whole picture is subtracted from every window",
            "Each window has a mean of its own: subtract the mean of the pixels under the cut-out.",
            _match_global_mean,
            (RELIT,),
        ),
        Misconception(
            "the size of the score counts, not its sign",
            "A score of -1 is the cut-out's negative, its opposite: take the largest score, without `abs`.",
            _match_abs,
            (BRIGHT,),
        ),
        Misconception(
            "the last row and the last column of places are not searched",
            "There are H - h + 1 places from top to bottom, and W - w + 1 across: where do your loops end?",
            _match_without_last,
            (AS_IS,),
        ),
        Misconception(
            "row and column are exchanged",
            "The row comes first: `image[row, column]` is the cut-out's upper left pixel.",
            lambda image, template: _match(image, template)[::-1],
            (AS_IS, BRIGHT, RELIT, FLAT),
        ),
        Misconception(
            "the place of the cut-out's centre",
            "Asked for is its upper left corner, which is where its window starts.",
            _match_centre,
            (AS_IS, BRIGHT, RELIT, FLAT),
        ),
        Misconception(
            "the index that argmax gives is returned as it is",
            "`np.argmax` counts all places, row by row; `np.unravel_index` makes (row, column) of it.",
            _flat_index,
            (AS_IS, BRIGHT, RELIT, FLAT),
        ),
        Misconception(
            "the index is unravelled in the picture instead of the map of scores",
            "The map is smaller than the picture: hand `scores.shape` to `np.unravel_index`.",
            _index_in_picture,
            (AS_IS, BRIGHT, RELIT, FLAT),
        ),
    ),
)


# --- learn_kernel -----------------------------------------------------------------------------------------


def _descend(
    x: Tensor,
    y: Tensor,
    size: int,
    lr: float,
    steps: int,
    *,
    start: float = 0.0,
    loss: Callable[[Tensor], Tensor] = lambda error: error.square().mean(),
) -> Tensor:
    w = torch.full((size,), start, dtype=torch.float64)
    for _ in range(steps):
        w.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(_corr1d(x, w) - y), w)
        w = w.detach() - lr * gradient
    return w


ONE_STEP, SEVERAL, NOISY = "a single step", "several steps, clean data", "several steps, noisy data"


def _signals(rng: np.random.Generator, length: int, size: int, noise: float = 0.0, **options: Any) -> Case:
    """Input of spread 1 and the answer of a hidden kernel to it, so that the same steps suit every case."""
    x = rng.permutation(np.linspace(-1.7, 1.7, length)).round(2)
    kernel = rng.choice([-1, 1], size=size) * rng.uniform(0.5, 2, size=size).round(1)
    y = _corr1d(torch.from_numpy(x), torch.from_numpy(kernel)).numpy()
    return case(x, (y + noise * rng.normal(size=y.shape)).round(3), size, **options)


def _learn_one_step(rng: np.random.Generator) -> Iterator[Case]:
    yield _signals(rng, 5, 2, lr=0.1, steps=1)
    yield _signals(rng, 8, 3, lr=0.05, steps=1)


def _learn_several(rng: np.random.Generator) -> Iterator[Case]:
    yield _signals(rng, 6, 2, lr=0.1, steps=3)
    yield _signals(rng, 16, 3, lr=0.1, steps=6)


def _learn_noisy(rng: np.random.Generator) -> Iterator[Case]:
    yield _signals(rng, 16, 2, noise=0.3, lr=0.1, steps=5)
    yield _signals(rng, 24, 3, noise=0.3, lr=0.1, steps=10)


def _wrong_gradient(x: Tensor, y: Tensor, size: int, *, lr: float, steps: int) -> Tensor:
    raise ValueError("operands could not be broadcast together")


def _whole_kernel(x: Tensor, y: Tensor, size: int, *, lr: float, steps: int) -> None:
    _add_fraction_to_integers()


LEARN_KERNEL = Exercise(
    name="learn_kernel",
    notebook=NOTEBOOK,
    asked="a 1-D array of `size` weights",
    reference=lambda x, y, size, *, lr, steps: _descend(x, y, size, lr, steps),
    groups=(
        Group(ONE_STEP, 1, _learn_one_step),
        Group(SEVERAL, 1, _learn_several),
        Group(NOISY, 1, _learn_noisy),
    ),
    misconceptions=(
        Misconception(
            "the step goes uphill",
            "The gradient points to where the loss grows: subtract it.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, -lr, steps),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "only one step is made",
            "Is the `return` inside the loop?",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr, 1),
            (SEVERAL, NOISY),
        ),
        Misconception(
            "the factor 2 of the square is missing",
            "The derivative of (out - y) ** 2 is 2 * (out - y). Without the 2 the pace is halved.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr / 2, steps),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "the loss is the sum instead of the mean",
            "The loss is the *mean* squared error: divide by the number of outputs.",
            lambda x, y, size, *, lr, steps: _descend(
                x, y, size, lr, steps, loss=lambda error: error.square().sum()
            ),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "the kernel starts at one instead of zero",
            "Start from `np.zeros(size)`.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr, steps, start=1.0),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "the step is made with the gradient for the input",
            "`corr1d_backward` returns (dx, dw), in this order; the kernel needs dw.",
            _wrong_gradient,
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "one step too few is made",
            "`range(1, steps)` has steps - 1 numbers in it; `range(steps)` has as many as are asked for.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr, steps - 1),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "the mean is taken over the inputs",
            "n is the number of *outputs*, `len(y)`; `x` has more numbers than that.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr * len(y) / len(x), steps),
            (ONE_STEP, SEVERAL, NOISY),
        ),
        Misconception(
            "every step is made with the error of the first kernel",
            "After a step the kernel is another one, and so is its error: correlate again inside the loop.",
            lambda x, y, size, *, lr, steps: _descend(x, y, size, lr * steps, 1),
            (SEVERAL, NOISY),
        ),
        Misconception(
            "the kernel starts as whole numbers",
            "`np.zeros(size, int)` cannot hold a step's fractions; `np.zeros(size)` holds floats.",
            _whole_kernel,
            (ONE_STEP, SEVERAL, NOISY),
        ),
    ),
    tolerance=Tolerance(rtol=1e-4, atol=1e-5),
    advice=dict.fromkeys(
        (ONE_STEP, SEVERAL, NOISY),
        "The place that exactly `steps` steps from zeros lead to is asked for. Make one step on paper first.",
    ),
)


EXERCISES = (
    CORR1D,
    CONV1D,
    CORR1D_BACKWARD,
    CORR1D_MATRIX,
    CORR2D,
    CONV2D_TRUE,
    EDGE_KERNEL,
    MATCH_TEMPLATE,
    LEARN_KERNEL,
)
