"""Exercises of notebook 02: output sizes, padding, parameters, cost, receptive fields, whole nets.

The references never use the formulas the student is asked for: PyTorch runs the layer, and the answer is
read off the tensors. Predictions of known mistakes may use a formula, because it is a wrong one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cs_utils.checking import Case, Exercise, Group, Misconception, case

NOTEBOOK = "02_shapes"
IntOrPair = int | tuple[int, int]
Shape = tuple[int, ...]
LayerTriple = tuple[int, int, int]
Layer = tuple[str, Mapping[str, Any]]


def _pair(value: IntOrPair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _swapped(value: IntOrPair) -> tuple[int, int]:
    return _pair(value)[::-1]


TAKE_APART = (
    "Where a number is asked for there may be a pair (h, w). Before you calculate, make a pair of whatever "
    "comes; one small helper does it for all."
)


def _pair_refused(reference: Callable[..., Any]) -> Callable[..., Any]:
    """What a function that calculates with a pair as if it were a number does: it raises TypeError."""

    def predict(*args: Any, **options: Any) -> Any:
        if any(isinstance(value, tuple) for value in (*args[1:], *options.values())):
            raise TypeError("unsupported operand type(s)")
        return reference(*args, **options)

    return predict


# --- output_size ------------------------------------------------------------------------------------------


def _output_size(size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Run a 1-D convolution and measure its output."""
    x, w = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel_size)
    try:
        return F.conv1d(x, w, stride=stride, padding=padding, dilation=dilation).shape[-1]
    except RuntimeError as error:
        raise ValueError("the kernel is larger than the padded input") from error


def _size_mistake(
    formula: Callable[[int, int], Any],
    *,
    room: Callable[[int, int, int, int], int] = lambda size, k, p, d: size + 2 * p - (d * (k - 1) + 1),
    smallest_room: int = 0,
) -> Callable[..., Any]:
    """A wrong `output_size`: `formula(room, stride)`, where `room` is how far the kernel can move."""

    def predict(size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
        moves = room(size, kernel_size, padding, dilation)
        if moves < smallest_room:
            raise ValueError("does not fit")
        return formula(moves, stride)

    return predict


def _right_formula(moves: int, stride: int) -> int:
    return moves // stride + 1


def _cut_towards_zero(size: int, kernel_size: int, *, stride: int = 1, **options: int) -> int:
    """Raises when the computed size is below 1, but -1/2 became 0 on the way there."""
    moves = size + 2 * options.get("padding", 0) - options.get("dilation", 1) * (kernel_size - 1) - 1
    if (out := int(moves / stride) + 1) < 1:
        raise ValueError("does not fit")
    return out


def _compared(fits: Callable[[int, int, int, int], bool]) -> Callable[..., int]:
    """Right formula, but whether an error is raised is decided by fits(size, kernel_size, padding, span)."""

    def predict(size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
        span = 1 + (kernel_size - 1) * dilation
        if not fits(size, kernel_size, padding, span):
            raise ValueError("does not fit")
        return _right_formula(size + 2 * padding - span, stride)

    return predict


def _sizes_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case(4, 3)
    yield case(7, 4)
    yield case(int(rng.integers(20, 40)), int(rng.integers(2, 8)))


def _sizes_padding(rng: np.random.Generator) -> Iterator[Case]:
    yield case(4, 3, padding=1)
    yield case(9, 5, padding=1)
    yield case(int(rng.integers(12, 40)), int(rng.integers(3, 8)), padding=int(rng.integers(2, 4)))


def _sizes_stride(rng: np.random.Generator) -> Iterator[Case]:
    yield case(5, 3, stride=2)
    yield case(11, 2, stride=3)
    kernel, stride, steps = (int(rng.integers(2, high)) for high in (6, 5, 12))
    yield case(kernel + stride * steps, kernel, stride=stride)


def _sizes_remainder(rng: np.random.Generator) -> Iterator[Case]:
    yield case(6, 3, stride=2)
    yield case(9, 2, stride=3)  # remainder 1 of 3: adding 1 before dividing is seen
    kernel, stride, steps = int(rng.integers(2, 6)), int(rng.integers(3, 6)), int(rng.integers(3, 12))
    yield case(kernel + stride * steps + 1, kernel, stride=stride)


def _sizes_dilation(rng: np.random.Generator) -> Iterator[Case]:
    yield case(7, 3, dilation=2)
    yield case(20, 4, dilation=3, padding=1, stride=2)
    kernel, dilation, stride = (int(rng.integers(low, high)) for low, high in ((3, 6), (2, 5), (2, 4)))
    room = stride * int(rng.integers(3, 9)) + 1
    yield case(dilation * (kernel - 1) + 1 + room - 2, kernel, stride=stride, padding=1, dilation=dilation)


def _sizes_fit(rng: np.random.Generator) -> Iterator[Case]:
    yield case(1, 1)
    yield case(2, 3)
    yield case(3, 3, stride=2)
    yield case(4, 3, dilation=2)
    yield case(4, 7, padding=1)
    yield case(5, 3, dilation=2, stride=3)
    yield case(4, 5, stride=2)  # too short by less than one stride: int() rounds towards 0
    yield case(5, 9, stride=4, padding=1)
    size = int(rng.integers(6, 12))
    yield case(size, size + 2 * 2, padding=2, stride=2)


OUTPUT_SIZE = Exercise(
    name="output_size",
    notebook=NOTEBOOK,
    asked="the number of outputs along one axis, an int",
    reference=_output_size,
    groups=(
        Group("no padding, stride 1", 1, _sizes_plain),
        Group("padding", 1, _sizes_padding),
        Group("stride", 1, _sizes_stride),
        Group("stride that leaves a remainder", 1, _sizes_remainder),
        Group("dilation", 1, _sizes_dilation),
        Group("kernels that just fit, or do not", 1, _sizes_fit),
    ),
    advice={
        "no padding, stride 1": "Slide a 3-wide kernel over 4 boxes on paper and count its places.",
        "padding": "For the kernel the zeros are ordinary columns. How many columns are there, then?",
        "stride": (
            "How far can the window move, and how many steps of the stride is that? Plus the first place."
        ),
        "stride that leaves a remainder": (
            "A window that would hang over the edge is dropped, however little it hangs over."
        ),
        "dilation": (
            "For the output size a dilated kernel is an ordinary kernel, as wide as from its first "
            "tap to its last."
        ),
        "kernels that just fit, or do not": (
            "As wide as the padded input: one place. Wider, by however little: a ValueError."
        ),
    },
    misconceptions=(
        Misconception(
            "the + 1 is missing",
            "Count the windows of a 7-wide input under a 3-wide kernel on your fingers: the first window is "
            "there before anything has moved.",
            _size_mistake(lambda room, stride: room // stride),
            (
                "no padding, stride 1",
                "padding",
                "stride",
                "stride that leaves a remainder",
                "dilation",
                "kernels that just fit, or do not",
            ),
        ),
        Misconception(
            "/ where // belongs: the result is a float",
            "A number of outputs is a whole number, and shapes must be ints. Which division of Python drops "
            "the remainder?",
            _size_mistake(lambda room, stride: room / stride + 1),
            (
                "no padding, stride 1",
                "padding",
                "stride",
                "stride that leaves a remainder",
                "dilation",
                "kernels that just fit, or do not",
            ),
        ),
        Misconception(
            "the padding is counted once",
            "`padding=1` adds one zero on the left and one on the right: by how much does the input grow?",
            _size_mistake(_right_formula, room=lambda size, k, p, d: size + p - (d * (k - 1) + 1)),
            ("padding", "dilation", "kernels that just fit, or do not"),
        ),
        Misconception(
            "the padding is left out",
            "The kernel slides over the padded input. How wide is that?",
            _size_mistake(_right_formula, room=lambda size, k, p, d: size - (d * (k - 1) + 1)),
            ("padding", "dilation", "kernels that just fit, or do not"),
        ),
        Misconception(
            "rounded up",
            "When the last step would push the kernel over the edge, is that window computed or dropped?",
            _size_mistake(lambda room, stride: -(-room // stride) + 1),
            ("stride that leaves a remainder", "dilation"),
        ),
        Misconception(
            "the 1 is added before dividing by the stride",
            "The first window costs no step. Should the stride divide it?",
            _size_mistake(lambda room, stride: (room + 1) // stride),
            ("stride", "stride that leaves a remainder", "dilation", "kernels that just fit, or do not"),
        ),
        Misconception(
            "the stride is ignored",
            "With stride 2 every second window is left out. Where does your formula know that?",
            _size_mistake(lambda room, stride: room + 1),
            ("stride", "stride that leaves a remainder", "dilation"),
        ),
        Misconception(
            "the dilation is ignored",
            "Dilation 2 puts a hole between neighbouring taps. How many inputs does a 3-tap kernel span?",
            _size_mistake(_right_formula, room=lambda size, k, p, d: size + 2 * p - k),
            ("dilation", "kernels that just fit, or do not"),
        ),
        Misconception(
            "a dilated kernel is taken to span d * k",
            "There are holes only *between* taps. Draw a 3-tap kernel with dilation 2 and count: 5, not 6.",
            _size_mistake(_right_formula, room=lambda size, k, p, d: size + 2 * p - d * k),
            ("dilation", "kernels that just fit, or do not"),
        ),
        Misconception(
            "no error when the kernel does not fit",
            "No window fits, so there is no output, and a size of 0 or -1 would only break something later. "
            "Raise a ValueError that names the two sizes.",
            _size_mistake(_right_formula, smallest_room=-10_000),
            ("kernels that just fit, or do not",),
        ),
        Misconception(
            "a kernel that just fits is refused",
            "A kernel exactly as wide as the padded input has one place to stand. Look at your comparison: "
            "is it < or <=?",
            _size_mistake(_right_formula, smallest_room=1),
            ("kernels that just fit, or do not",),
        ),
        Misconception(
            "with a stride, a kernel that nearly fits is let through",
            "int() cuts towards 0: int(-0.5) is 0, and the + 1 then makes one window of it. Compare the two "
            "sizes before you divide.",
            _cut_towards_zero,
            ("kernels that just fit, or do not",),
        ),
        Misconception(
            "the comparison leaves out the padding",
            "Your sizes are right; look at the line that decides about the error. What does the kernel have "
            "to fit into: the input, or the padded input?",
            _compared(lambda size, k, padding, span: span <= size),
            ("kernels that just fit, or do not",),
        ),
        Misconception(
            "the comparison leaves out the dilation",
            "Your sizes are right; look at the line that decides about the error. How wide is the kernel "
            "that has to fit?",
            _compared(lambda size, k, padding, span: k <= size + 2 * padding),
            ("kernels that just fit, or do not",),
        ),
        Misconception(
            "the comparison leaves out padding and dilation",
            "Your sizes are right; look at the line that decides about the error. How wide is the kernel, "
            "and what does it have to fit into?",
            _compared(lambda size, k, padding, span: k <= size),
            ("kernels that just fit, or do not",),
        ),
    ),
)


# --- same_padding -----------------------------------------------------------------------------------------


def _same_padding(kernel_size: int, *, dilation: int = 1) -> tuple[int, int]:
    """Find PyTorch's padding="same": the outer taps of the kernel see only padding at the ends."""
    x = torch.ones(1, 1, 4 * dilation * kernel_size)
    first, last = torch.zeros(2, 1, 1, kernel_size)
    first[..., 0] = 1
    last[..., -1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch remarks that an even kernel needs a copy
        before, after = (
            int((F.conv1d(x, tap, padding="same", dilation=dilation) == 0).sum()) for tap in (first, last)
        )
    return before, after


def _kernels(rng: np.random.Generator, parity: int) -> Iterator[Case]:
    yield case(2 + parity)
    yield case(4 + parity)
    yield case(2 * int(rng.integers(3, 8)) + parity)


def _kernels_odd(rng: np.random.Generator) -> Iterator[Case]:
    yield case(1)
    yield from _kernels(rng, 1)


def _kernels_even(rng: np.random.Generator) -> Iterator[Case]:
    yield from _kernels(rng, 0)


def _kernels_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield case(3, dilation=2)
    yield case(4, dilation=3)
    yield case(2 * int(rng.integers(2, 6)), dilation=3)


SAME_PADDING = Exercise(
    name="same_padding",
    notebook=NOTEBOOK,
    asked="the padding before and after, a pair of ints",
    reference=_same_padding,
    groups=(
        Group("odd kernel", 1, _kernels_odd),
        Group("even kernel", 1, _kernels_even),
        Group("dilation", 1, _kernels_dilated),
    ),
    advice={
        "odd kernel": "Put your pair into W - K + 1 + before + after: W must come out.",
        "even kernel": (
            "Put your pair into W - K + 1 + before + after: W must come out. The larger half comes after."
        ),
        "dilation": (
            "The dilated kernel spans more inputs than it has taps; that span is what must be made up for."
        ),
    },
    misconceptions=(
        Misconception(
            "one number where a pair was asked for",
            "Return both sides, (before, after): for an even kernel they differ.",
            lambda kernel_size, *, dilation=1: dilation * (kernel_size - 1) // 2,
            ("odd kernel", "even kernel", "dilation"),
        ),
        Misconception(
            "the extra column comes before",
            "An even kernel cannot be centred. The text says on which side PyTorch puts the odd one.",
            lambda kernel_size, *, dilation=1: _same_padding(kernel_size, dilation=dilation)[::-1],
            ("even kernel", "dilation"),
        ),
        Misconception(
            "both sides get the rounded-down half",
            "Put your pair into W - K + 1 + before + after. Is W what comes out when K is even?",
            lambda kernel_size, *, dilation=1: (dilation * (kernel_size - 1) // 2,) * 2,
            ("even kernel", "dilation"),
        ),
        Misconception(
            "both sides get half the kernel",
            "Put your pair into W - K + 1 + before + after. Is W what comes out when K is even?",
            lambda kernel_size, *, dilation=1: (dilation * kernel_size // 2,) * 2,
            ("even kernel", "dilation"),
        ),
        Misconception(
            "the dilation is ignored",
            "How many inputs does the dilated kernel span? That is the number that must be made up for.",
            lambda kernel_size, *, dilation=1: _same_padding(kernel_size),
            ("dilation",),
        ),
        Misconception(
            "halved first, dilated afterwards",
            "Together your two numbers are right, but they differ by more than 1. Find out how much is "
            "missing in all, with the dilation, and share it out last.",
            lambda kernel_size, *, dilation=1: tuple(dilation * half for half in _same_padding(kernel_size)),
            ("dilation",),
        ),
        Misconception(
            "a dilated kernel is taken to span d * k",
            "There are holes only *between* taps. Draw a 3-tap kernel with dilation 2 and count: 5, not 6.",
            lambda kernel_size, *, dilation=1: _same_padding(dilation * kernel_size),
            ("dilation",),
        ),
    ),
)


# --- pad2d ------------------------------------------------------------------------------------------------


def _pad2d(x: Tensor, padding: IntOrPair, *, mode: str = "zeros") -> Tensor:
    return _padded(x, padding, "constant" if mode == "zeros" else mode)


def _padded(x: Tensor, padding: IntOrPair, torch_mode: str) -> Tensor:
    ph, pw = _pair(padding)
    images = x.reshape(1, -1, *x.shape[-2:])
    padded = F.pad(images, (pw, pw, ph, ph), mode=torch_mode)
    return padded.reshape(*x.shape[:-2], *padded.shape[-2:])


def _pad_symmetric(*, before: bool, after: bool) -> Callable[..., Tensor]:
    """A wrong `pad2d`: reflect repeats the edge pixel before the picture, after it, or at both ends."""

    def predict(x: Tensor, padding: IntOrPair, *, mode: str = "zeros") -> Tensor:
        if mode != "reflect":
            return _pad2d(x, padding, mode=mode)
        for axis, p in zip((-2, -1), _pair(padding), strict=True):
            first = x.narrow(axis, 0 if before else 1, p).flip(axis)
            last = x.narrow(axis, x.shape[axis] - p - (0 if after else 1), p).flip(axis)
            x = torch.cat([first, x, last], dim=axis)
        return x

    return predict


def _pad_with(other: Mapping[str, str]) -> Callable[..., Tensor]:
    """A wrong `pad2d` that does something else for some modes (PyTorch's names)."""

    def predict(x: Tensor, padding: IntOrPair, *, mode: str = "zeros") -> Tensor:
        return _padded(x, padding, other[mode]) if mode in other else _pad2d(x, padding, mode=mode)

    return predict


def _pad_every_axis(x: Tensor, padding: IntOrPair, *, mode: str = "zeros") -> Tensor:
    """What ``np.pad(x, padding)`` does: the batch and the channels grow too; a pair means (before, after)."""
    before, after = _pair(padding)
    for axis in range(x.ndim):
        moved = x.movedim(axis, -1)
        flat = moved.reshape(1, -1, moved.shape[-1])
        grown = F.pad(flat, (before, after), mode="constant" if mode == "zeros" else mode)
        x = grown.reshape(*moved.shape[:-1], -1).movedim(-1, axis)
    return x


def _pad_crop(x: Tensor, padding: IntOrPair, *, mode: str = "zeros") -> Tensor:
    if mode == "zeros" and 0 in _pair(padding):
        raise ValueError("could not broadcast input array into an empty slice")
    return _pad2d(x, padding, mode=mode)


def _picture(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Halves, and always some that are no whole numbers: cutting them off must be seen."""
    return rng.integers(1, 10, shape) + 0.5 * (np.arange(np.prod(shape)).reshape(shape) % 2)


def _pads_zeros(rng: np.random.Generator) -> Iterator[Case]:
    yield case(np.arange(1.0, 5.0).reshape(2, 2), 1)
    yield case(_picture(rng, 3, 4), 2, mode="zeros")
    yield case(_picture(rng, 4, 3), 0)


def _pads_mode(mode: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        yield case(np.arange(1.0, 10.0).reshape(3, 3), 1, mode=mode)
        yield case(_picture(rng, 4, 5), 2, mode=mode)
        yield case(_picture(rng, 6, 5), 3, mode=mode)

    return make


def _pads_pair(rng: np.random.Generator) -> Iterator[Case]:
    yield case(_picture(rng, 3, 4), (0, 2))
    yield case(_picture(rng, 2, 3), (2, 1))
    yield case(_picture(rng, 4, 4), (2, 1), mode="replicate")
    yield case(_picture(rng, 5, 4), (1, 3), mode="reflect")


def _pads_batch(rng: np.random.Generator) -> Iterator[Case]:
    yield case(_picture(rng, 2, 3, 3), 1)
    yield case(_picture(rng, 2, 3, 4, 5), 1, mode="replicate")
    yield case(_picture(rng, 3, 2, 4, 4), 1, mode="reflect")


PAD2D = Exercise(
    name="pad2d",
    notebook=NOTEBOOK,
    asked="x with a border around its last two axes",
    reference=_pad2d,
    groups=(
        Group("zeros", 1, _pads_zeros),
        Group("replicate", 1, _pads_mode("replicate")),
        Group("reflect", 1, _pads_mode("reflect")),
        Group("a pair (h, w)", 1, _pads_pair),
        Group("a batch (N, C, H, W)", 1, _pads_batch),
    ),
    advice={
        "replicate": "Which row of x stands in a row above the picture? Row 0, however far above.",
        "reflect": "The mirror stands on the last number at either end: 3 2 | 1 2 3 | 2 1.",
        "a pair (h, w)": (
            "The first number is for top and bottom, the second for left and right; either may be 0."
        ),
        "a batch (N, C, H, W)": (
            "Only the last two axes get a border. `x.shape[-2:]` and `out[..., rows, columns]` count "
            "from the end."
        ),
    },
    misconceptions=(
        Misconception(
            "a pair (h, w) is not taken apart",
            TAKE_APART,
            _pair_refused(_pad2d),
            ("a pair (h, w)",),
        ),
        Misconception(
            "reflect repeats the edge",
            "The mirror stands *on* the last pixel, not behind it: 3 2 | 1 2 3, not 2 1 | 1 2 3.",
            _pad_symmetric(before=True, after=True),
            ("reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "reflect repeats the edge at the bottom and at the right",
            "At the top and at the left your mirror is right. At the other end, too, it stands *on* the last "
            "pixel: 1 2 3 | 2 1, not 1 2 3 | 3 2.",
            _pad_symmetric(before=False, after=True),
            ("reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "reflect repeats the edge at the top and at the left",
            "At the bottom and at the right your mirror is right. At the other end, too, it stands *on* the "
            "first pixel: 3 2 | 1 2 3, not 2 1 | 1 2 3.",
            _pad_symmetric(before=True, after=False),
            ("reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "the picture wraps around",
            "What you put at the left comes from the right edge. Where should it come from?",
            _pad_with({"replicate": "circular", "reflect": "circular"}),
            ("replicate", "reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "the mode is ignored: always zeros",
            "Your border is zero in every mode. Where does `mode` enter?",
            _pad_with({"replicate": "constant", "reflect": "constant"}),
            ("replicate", "reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "every axis is padded",
            "Only the last two axes, height and width, get a border: no empty images, no empty channels. "
            "`np.pad` wants one (before, after) pair per axis.",
            _pad_every_axis,
            ("a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "height and width are swapped",
            "The first number of the pair is for the rows (height), the second for the columns (width).",
            lambda x, padding, *, mode="zeros": _pad2d(x, _swapped(padding), mode=mode),
            ("a pair (h, w)",),
        ),
        Misconception(
            "only the bottom and the right are padded",
            "`padding=1` means one row at the top *and* one at the bottom, one column left *and* one right.",
            lambda x, padding, *, mode="zeros": _pad2d(x, padding, mode=mode)[
                ..., _pair(padding)[0] :, _pair(padding)[1] :
            ],
            ("zeros", "replicate", "reflect", "a pair (h, w)", "a batch (N, C, H, W)"),
        ),
        Misconception(
            "padding 0 breaks the slice [p:-p]",
            "At p = 0, `[p:-p]` is `[0:0]`, which is empty. Say where the picture ends by counting from the "
            "start: `[p:p + H]`.",
            _pad_crop,
            ("zeros", "a pair (h, w)"),
        ),
    ),
)


# --- parameters -------------------------------------------------------------------------------------------


def _count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())


def _conv2d_parameters(
    in_channels: int, out_channels: int, kernel_size: IntOrPair, *, bias: bool = True
) -> int:
    return _count(nn.Conv2d(in_channels, out_channels, _pair(kernel_size), bias=bias))


def _parameter_mistake(biases: Callable[[int, int, int], int]) -> Callable[..., int]:
    """A wrong `conv2d_parameters`: right weights, but `biases(in_channels, out_channels, taps)` biases."""

    def predict(in_channels: int, out_channels: int, kernel_size: IntOrPair, *, bias: bool = True) -> int:
        weights = _conv2d_parameters(in_channels, out_channels, kernel_size, bias=False)
        kh, kw = _pair(kernel_size)
        return weights + (biases(in_channels, out_channels, kh * kw) if bias else 0)

    return predict


def _parameters_square(rng: np.random.Generator) -> Iterator[Case]:
    yield case(2, 3, 2)
    yield case(3, 8, 5)
    yield case(int(rng.integers(4, 16)), int(rng.integers(17, 40)), int(rng.integers(2, 7)))


def _parameters_pair(rng: np.random.Generator) -> Iterator[Case]:
    yield case(2, 4, (1, 3))
    yield case(3, 5, (2, 4), bias=False)
    yield case(int(rng.integers(4, 16)), int(rng.integers(17, 40)), (5, 3), bias=False)


CONV2D_PARAMETERS = Exercise(
    name="conv2d_parameters",
    notebook=NOTEBOOK,
    asked="the number of weights and biases, an int",
    reference=_conv2d_parameters,
    groups=(
        Group("square kernel", 1, _parameters_square),
        Group("(h, w) kernel, with and without bias", 1, _parameters_pair),
    ),
    advice={
        "square kernel": (
            "Draw one filter: how many slices, how many weights a slice, how many biases? Then all filters."
        ),
        "(h, w) kernel, with and without bias": (
            "kernel_size may be a pair, and bias=False leaves out the biases."
        ),
    },
    misconceptions=(
        Misconception(
            "a pair (h, w) is not taken apart",
            TAKE_APART,
            _pair_refused(_conv2d_parameters),
            ("(h, w) kernel, with and without bias",),
        ),
        Misconception(
            "the biases are forgotten",
            "Every filter has one more number than its weights: the bias that is added to its whole map.",
            _parameter_mistake(lambda in_channels, out_channels, taps: 0),
            ("square kernel", "(h, w) kernel, with and without bias"),
        ),
        Misconception(
            "one bias for the whole layer",
            "Each output channel has a bias of its own.",
            _parameter_mistake(lambda in_channels, out_channels, taps: 1),
            ("square kernel", "(h, w) kernel, with and without bias"),
        ),
        Misconception(
            "one bias for every kernel slice",
            "A filter sums over all its input channels first, and then adds a single bias.",
            _parameter_mistake(lambda in_channels, out_channels, taps: in_channels * out_channels),
            ("square kernel", "(h, w) kernel, with and without bias"),
        ),
        Misconception(
            "the input channels are forgotten",
            "A filter reaches through the full depth of its input: it has in_channels slices of kh x kw.",
            lambda in_channels, out_channels, kernel_size, *, bias=True: _conv2d_parameters(
                1, out_channels, kernel_size, bias=bias
            ),
            ("square kernel", "(h, w) kernel, with and without bias"),
        ),
        Misconception(
            "biases are counted although bias=False",
            "With bias=False there are only weights.",
            lambda in_channels, out_channels, kernel_size, *, bias=True: _conv2d_parameters(
                in_channels, out_channels, kernel_size
            ),
            ("(h, w) kernel, with and without bias",),
        ),
        Misconception(
            "the height is used for the width too",
            "A pair (kh, kw) makes kh * kw taps, not kh * kh.",
            lambda in_channels, out_channels, kernel_size, *, bias=True: _conv2d_parameters(
                in_channels, out_channels, _pair(kernel_size)[0], bias=bias
            ),
            ("(h, w) kernel, with and without bias",),
        ),
    ),
)


def _linear_parameters(in_features: int, out_features: int, *, bias: bool = True) -> int:
    return _count(nn.Linear(in_features, out_features, bias=bias))


def _linear_with(biases: Callable[[int, int], int]) -> Callable[..., int]:
    def predict(in_features: int, out_features: int, *, bias: bool = True) -> int:
        weights = _linear_parameters(in_features, out_features, bias=False)
        return weights + (biases(in_features, out_features) if bias else 0)

    return predict


def _linears(bias: bool) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        options = {} if bias else {"bias": False}
        yield case(3, 2, **options)
        yield case(10, 7, **options)
        yield case(int(rng.integers(100, 200)), int(rng.integers(20, 90)), **options)

    return make


LINEAR_PARAMETERS = Exercise(
    name="linear_parameters",
    notebook=NOTEBOOK,
    asked="the number of weights and biases, an int",
    reference=_linear_parameters,
    groups=(
        Group("weights and biases", 0.5, _linears(bias=True)),
        Group("bias=False", 0.5, _linears(bias=False)),
    ),
    misconceptions=(
        Misconception(
            "the biases are forgotten",
            "y = Wx + b: count b too.",
            _linear_with(lambda in_features, out_features: 0),
            ("weights and biases",),
        ),
        Misconception(
            "one bias per input instead of per output",
            "b is added to y = Wx. How long is y?",
            _linear_with(lambda in_features, out_features: in_features),
            ("weights and biases",),
        ),
        Misconception(
            "one bias for the whole layer",
            "b is a vector, as long as the output.",
            _linear_with(lambda in_features, out_features: 1),
            ("weights and biases",),
        ),
        Misconception(
            "biases are counted although bias=False",
            "With bias=False there are only weights.",
            lambda in_features, out_features, *, bias=True: _linear_parameters(in_features, out_features),
            ("bias=False",),
        ),
    ),
)


# --- conv2d_macs ------------------------------------------------------------------------------------------


def _patches(in_shape: Shape, kernel_size: IntOrPair, **options: Any) -> Tensor:
    """All patches the kernel sees, (C * kh * kw, outputs per channel)."""
    x = torch.zeros(1, *in_shape)
    return F.unfold(x, _pair(kernel_size), **{name: _pair(value) for name, value in options.items()})[0]


def _conv2d_macs(
    in_shape: Shape,
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
) -> int:
    """Every filter is multiplied with every number of every patch."""
    patches = _patches(in_shape, kernel_size, stride=stride, padding=padding, dilation=dilation)
    return out_channels * patches.numel()


def _macs_over_input(in_shape: Shape, out_channels: int, kernel_size: IntOrPair, **options: Any) -> int:
    """Pretends that every input pixel is a place of the kernel."""
    return _conv2d_macs(in_shape, out_channels, 1) * int(np.prod(_pair(kernel_size)))


def _macs_with_bias(in_shape: Shape, out_channels: int, kernel_size: IntOrPair, **options: Any) -> int:
    length, outputs = _patches(in_shape, kernel_size, **options).shape
    return out_channels * (length + 1) * outputs


def _macs_in_holes(in_shape: Shape, out_channels: int, kernel_size: IntOrPair, **options: Any) -> int:
    """Multiplies with every box that a dilated kernel spans, holes too."""
    _, outputs = _patches(in_shape, kernel_size, **options).shape
    pairs = zip(_pair(kernel_size), _pair(options.get("dilation", 1)), strict=True)
    spans = [d * (k - 1) + 1 for k, d in pairs]
    return out_channels * in_shape[0] * spans[0] * spans[1] * outputs


def _type_error(*args: Any, **options: Any) -> Any:
    """What a function does that calls another one in a way it does not allow."""
    raise TypeError


def _macs_swapped(in_shape: Shape, out_channels: int, kernel_size: IntOrPair, **options: Any) -> int:
    turned = {name: _swapped(value) for name, value in options.items()}
    return _conv2d_macs(in_shape, out_channels, _swapped(kernel_size), **turned)


def _macs_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case((2, 4, 4), 3, 3)
    yield case((3, 8, 8), 4, 5)
    yield case((int(rng.integers(2, 5)), 10, 12), int(rng.integers(3, 9)), int(rng.integers(2, 5)))


def _macs_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case((2, 5, 5), 3, 3, stride=2, padding=1)
    yield case((3, 9, 8), 4, 3, stride=2)
    yield case((2, 12, 15), int(rng.integers(3, 9)), 5, stride=3, padding=2)


def _macs_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case((2, 5, 8), 3, (2, 3))
    yield case((3, 9, 7), 2, (3, 2), stride=(1, 2), padding=(0, 1))
    yield case((2, 12, 17), int(rng.integers(3, 9)), (3, 4), stride=(2, 1), dilation=(1, 2))


CONV2D_MACS = Exercise(
    name="conv2d_macs",
    notebook=NOTEBOOK,
    asked="the number of multiply-adds for one image, an int",
    reference=_conv2d_macs,
    groups=(
        Group("stride 1, no padding", 1, _macs_plain),
        Group("stride and padding", 1, _macs_strided),
        Group("(h, w) pairs and dilation", 1, _macs_pairs),
    ),
    advice={
        "stride 1, no padding": (
            "Numbers in the output, times the length of the dot product behind each of them."
        ),
        "stride and padding": (
            "The number of outputs comes from output_size, with the options, once for each axis."
        ),
        "(h, w) pairs and dilation": (
            "Height and width each have their own kernel size, stride, padding and dilation."
        ),
    },
    misconceptions=(
        Misconception(
            "a pair (h, w) is not taken apart",
            TAKE_APART,
            _pair_refused(_conv2d_macs),
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "counts the pixels of the input",
            "A dot product is computed once for every number of the *output*. How many are there?",
            _macs_over_input,
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "multiplications and additions are counted separately",
            "One multiply-add is one step: a multiplication together with the addition to the running sum.",
            lambda *args, **options: 2 * _conv2d_macs(*args, **options),
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "the input channels are forgotten",
            "A dot product runs through the full depth: C * kh * kw numbers, not kh * kw.",
            lambda in_shape, *args, **options: _conv2d_macs((1, *in_shape[1:]), *args, **options),
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "only one filter is counted",
            "The layer does all this for every one of its out_channels filters.",
            lambda in_shape, out_channels, *args, **options: _conv2d_macs(in_shape, 1, *args, **options),
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "the biases are counted as multiply-adds",
            "Adding a bias multiplies nothing. By the usual convention it is not counted.",
            _macs_with_bias,
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "height and width are swapped",
            "The first number of every pair belongs to the height, and in_shape is (C, H, W).",
            _macs_swapped,
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "the options are ignored",
            "Stride, padding and dilation change the number of outputs. Are they handed on to output_size?",
            lambda in_shape, out_channels, kernel_size, **options: _conv2d_macs(
                in_shape, out_channels, kernel_size
            ),
            ("stride and padding", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "the dilation is not handed on",
            "A dilated kernel spans more and has fewer places. Which options does output_size get from you?",
            lambda *args, **options: _conv2d_macs(*args, **{**options, "dilation": 1}),
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "the holes of a dilated kernel are multiplied too",
            "A hole has no weight, so nothing is multiplied there. How many weights does a 3-tap kernel with "
            "dilation 2 have?",
            _macs_in_holes,
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "every call ends in a TypeError",
            "Read its message. If it counts 'positional arguments': behind the `*` in the signature of "
            "output_size every option must be given with its name, such as stride=2.",
            _type_error,
            ("stride 1, no padding", "stride and padding", "(h, w) pairs and dilation"),
        ),
    ),
)


# --- receptive_field --------------------------------------------------------------------------------------


def _receptive_field(layers: Sequence[LayerTriple]) -> int:
    """Run the stack and ask autograd which inputs reach the first output."""
    length = 16
    while (x := _reached_inputs(layers, length)) is None:
        length *= 2
    reached = torch.nonzero(x)
    return int(reached.max() - reached.min()) + 1


def _reached_inputs(layers: Sequence[LayerTriple], length: int) -> Tensor | None:
    """The gradient of the first output with respect to an input of `length`; None when that is too short."""
    x = torch.ones(1, 1, length, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel_size, stride, dilation in layers:
        if y.shape[-1] <= dilation * kernel_size:
            return None
        y = F.conv1d(y, torch.full((1, 1, kernel_size), 0.5).double(), stride=stride, dilation=dilation)
    y[..., 0].sum().backward()
    return x.grad[0, 0] if x.grad is not None else None


def _field_mistake(
    grow: Callable[[int, int], int] = lambda k, d: d * (k - 1),
    *,
    start: int = 1,
    jump: Callable[[list[int], int], int] = lambda strides, index: int(np.prod(strides[:index])),
) -> Callable[[Sequence[LayerTriple]], int]:
    """A wrong `receptive_field`: start + sum over layers of grow(kernel, dilation) * jump(strides, index)."""

    def predict(layers: Sequence[LayerTriple]) -> int:
        strides = [stride for _, stride, _ in layers]
        return start + sum(grow(k, d) * jump(strides, index) for index, (k, _, d) in enumerate(layers))

    return predict


def _dilation_in_jump(layers: Sequence[LayerTriple]) -> int:
    return _field_mistake(jump=lambda spreads, index: int(np.prod(spreads[:index])))(
        [(d * (k - 1) + 1, s * d, 1) for k, s, d in layers]
    )


def _stacks_one(rng: np.random.Generator) -> Iterator[Case]:
    yield case([(3, 1, 1)])
    yield case([(5, 2, 1)])
    yield case([(int(rng.integers(4, 9)), 3, 1)])


def _stacks_plain(rng: np.random.Generator) -> Iterator[Case]:
    yield case([(3, 1, 1), (3, 1, 1)])
    yield case([(3, 1, 1), (5, 1, 1), (2, 1, 1)])
    yield case([(int(kernel), 1, 1) for kernel in rng.integers(2, 7, 6)])


def _stacks_strided(rng: np.random.Generator) -> Iterator[Case]:
    yield case([(3, 2, 1), (3, 1, 1)])
    yield case([(3, 2, 1), (2, 2, 1), (5, 1, 1)])
    yield case([(7, 2, 1), (3, 2, 1), (int(rng.integers(4, 6)), 3, 1), (3, 1, 1)])


def _stacks_dilated(rng: np.random.Generator) -> Iterator[Case]:
    yield case([(3, 1, 2), (3, 1, 1)])
    yield case([(3, 1, 1), (3, 1, 2), (3, 1, 4)])
    yield case([(int(kernel), 1, 3) for kernel in rng.integers(2, 6, 3)])


def _stacks_mixed(rng: np.random.Generator) -> Iterator[Case]:
    yield case([(3, 2, 2), (5, 3, 1)])
    yield case([(5, 1, 1), (2, 2, 1), (5, 1, 2), (2, 2, 1), (3, 1, 1)])
    kernels = rng.integers(3, 6, 5)
    yield case([(int(k), s, d) for k, s, d in zip(kernels, (2, 1, 2, 3, 1), (1, 2, 1, 3, 2), strict=True)])


RECEPTIVE_FIELD = Exercise(
    name="receptive_field",
    notebook=NOTEBOOK,
    asked="how many inputs wide the view of one output is, an int",
    reference=_receptive_field,
    groups=(
        Group("one layer", 1, _stacks_one),
        Group("a stack with stride 1", 1, _stacks_plain),
        Group("strides", 1, _stacks_strided),
        Group("dilation", 1, _stacks_dilated),
        Group("strides and dilation together", 1, _stacks_mixed),
    ),
    advice={
        "one layer": "One output of a K-wide layer sees K inputs, whatever its stride.",
        "a stack with stride 1": "How many new inputs come into view with one more layer?",
        "strides": "How far apart in the input are two neighbours in front of this layer?",
        "dilation": "A dilated kernel spans more than it has taps.",
        "strides and dilation together": (
            "Get the two groups above right one at a time; then this one follows."
        ),
    },
    misconceptions=(
        Misconception(
            "each layer adds K instead of K - 1",
            "Two 3-wide layers see 5 inputs, not 7: the windows of neighbouring outputs overlap.",
            _field_mistake(lambda k, d: d * (k - 1) + 1),
            (
                "one layer",
                "a stack with stride 1",
                "strides",
                "dilation",
                "strides and dilation together",
            ),
        ),
        Misconception(
            "starts from 0 instead of 1",
            "Before any layer, an output *is* an input: it sees 1 number.",
            _field_mistake(start=0),
            (
                "one layer",
                "a stack with stride 1",
                "strides",
                "dilation",
                "strides and dilation together",
            ),
        ),
        Misconception(
            "only the last layer counts",
            "That is the field in the *previous layer*. Asked for is the field in the input.",
            lambda layers: _receptive_field(layers[-1:]),
            ("a stack with stride 1", "strides", "dilation", "strides and dilation together"),
        ),
        Misconception(
            "the strides are ignored",
            "Behind a stride-2 layer, neighbours are 2 inputs apart: one step there is worth two here.",
            _field_mistake(jump=lambda strides, index: 1),
            ("strides", "strides and dilation together"),
        ),
        Misconception(
            "a layer's own stride counts before its kernel",
            "A layer's stride spreads *its outputs*: only the layers after it feel that. Which of your two "
            "lines comes first?",
            _field_mistake(jump=lambda strides, index: int(np.prod(strides[: index + 1]))),
            ("one layer", "strides", "strides and dilation together"),
        ),
        Misconception(
            "only the stride of the layer before counts",
            "Two stride-2 layers in a row put neighbours 4 inputs apart. Strides multiply.",
            _field_mistake(jump=lambda strides, index: strides[index - 1] if index else 1),
            ("strides", "strides and dilation together"),
        ),
        Misconception(
            "the strides are added up",
            "Two stride-3 layers in a row put neighbours 9 inputs apart, not 6. Strides multiply.",
            _field_mistake(jump=lambda strides, index: sum(strides[:index]) if index else 1),
            ("a stack with stride 1", "strides", "dilation", "strides and dilation together"),
        ),
        Misconception(
            "the strides are added to the jump",
            "Behind a layer with stride 1 neighbours are as far apart as before it, and two stride-3 layers "
            "in a row put them 9 inputs apart. What does your line make of the jump there?",
            _field_mistake(jump=lambda strides, index: 1 + sum(strides[:index])),
            ("a stack with stride 1", "strides", "dilation", "strides and dilation together"),
        ),
        Misconception(
            "the dilation enters the jump",
            "Dilation spreads the taps of its own kernel. Its outputs are as close together as ever: only a "
            "stride makes them sparser.",
            _dilation_in_jump,
            ("dilation", "strides and dilation together"),
        ),
        Misconception(
            "only the first layer counts",
            "Is the `return` inside the loop? Then the loop ends after its first round.",
            lambda layers: _receptive_field(layers[:1]),
            ("a stack with stride 1", "strides", "dilation", "strides and dilation together"),
        ),
        Misconception(
            "kernel size and stride are exchanged",
            "Each triple is (kernel_size, stride, dilation), in this order. In which order do you unpack it?",
            lambda layers: _receptive_field([(stride, kernel, d) for kernel, stride, d in layers]),
            (
                "one layer",
                "a stack with stride 1",
                "strides",
                "dilation",
                "strides and dilation together",
            ),
        ),
        Misconception(
            "the stack is walked from the wrong end",
            "The first triple is the layer next to the input. Does your loop fit that?",
            lambda layers: _receptive_field(layers[::-1]),
            ("strides", "strides and dilation together"),
        ),
        Misconception(
            "the dilation is ignored",
            "A dilated kernel has holes and spans more inputs than it has taps.",
            _field_mistake(lambda k, d: k - 1),
            ("dilation", "strides and dilation together"),
        ),
        Misconception(
            "a dilated kernel is taken to span d * k",
            "There are holes only *between* taps: 3 taps with dilation 2 span 5 inputs, not 6.",
            _field_mistake(lambda k, d: d * k - 1),
            ("dilation", "strides and dilation together"),
        ),
    ),
)


# --- trace_shapes -----------------------------------------------------------------------------------------


def _apply(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    """One layer on real (zero) tensors."""
    options = dict(options)
    if kind == "Conv2d":
        weight = torch.zeros(options.pop("out_channels"), x.shape[1], *_pair(options.pop("kernel_size")))
        return F.conv2d(x, weight, **options)
    if kind == "MaxPool2d":
        return F.max_pool2d(x, **options)
    if kind == "AvgPool2d":
        return F.avg_pool2d(x, **options)
    if kind == "Flatten":
        return x.flatten(1)
    if kind == "Linear":
        return F.linear(x, torch.zeros(options["out_features"], x.shape[1]))
    return F.relu(x)


def _trace_shapes(
    in_shape: Shape, layers: Sequence[Layer], *, apply: Callable[..., Tensor] = _apply
) -> list[Shape]:
    shapes = []
    x = torch.zeros(*in_shape)
    for kind, options in layers:
        try:
            x = apply(x, kind, options)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        shapes.append(tuple(x.shape))
    return shapes


def _trace_mistake(apply: Callable[[Tensor, str, Mapping[str, Any]], Tensor]) -> Callable[..., list[Shape]]:
    """A wrong `trace_shapes`: some layer is applied wrongly."""
    return lambda in_shape, layers: _trace_shapes(in_shape, layers, apply=apply)


def _is_pool(kind: str) -> bool:
    return kind.endswith("Pool2d")


def _pool_stride_one(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return _apply(x, kind, {"stride": 1, **options} if _is_pool(kind) else options)


def _pool_ceil(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return _apply(x, kind, {**options, "ceil_mode": True} if _is_pool(kind) else options)


def _conv_keeps_channels(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return _apply(x, kind, {**options, "out_channels": x.shape[1]} if kind == "Conv2d" else options)


def _flatten_all(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return x.reshape(1, -1) if kind == "Flatten" else _apply(x, kind, options)


def _height_for_width(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    out = _apply(x, kind, options)
    return out[..., :1].expand(*out.shape[:-1], out.shape[-2]) if out.ndim == 4 and kind != "ReLU" else out


def _pairs_swapped(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return _apply(x, kind, {k: v[::-1] if isinstance(v, tuple) else v for k, v in options.items()})


def _never_moves_on(in_shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
    """Every layer is given the shape of the input."""
    return [
        (in_shape[0], options["out_features"])
        if kind == "Linear"
        else _trace_shapes(in_shape, [(kind, options)])[0]
        for kind, options in layers
    ]


def _one_list(kinds_with_a_new_one: tuple[str, ...]) -> Callable[..., list[Shape]]:
    """One list is changed and appended again and again: all its lines show what it was last."""

    def predict(in_shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
        lines: list[Shape] = []
        last: Shape = ()
        for (kind, _), shape in reversed(list(zip(layers, _trace_shapes(in_shape, layers), strict=True))):
            last = last or shape
            lines.append(last)
            last = () if kind in kinds_with_a_new_one else last
        return lines[::-1]

    return predict


def _average_pool_ignored(x: Tensor, kind: str, options: Mapping[str, Any]) -> Tensor:
    return x if kind == "AvgPool2d" else _apply(x, kind, options)


def _unnamed_options(in_shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
    """Every layer that slides ends in a TypeError."""
    if any(kind == "Conv2d" or _is_pool(kind) for kind, _ in layers):
        raise TypeError
    return _trace_shapes(in_shape, layers)


def _pair_options_refused(in_shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
    if any(isinstance(value, tuple) for _, options in layers for value in options.values()):
        raise TypeError("unsupported operand type(s)")
    return _trace_shapes(in_shape, layers)


def _nets_one(rng: np.random.Generator) -> Iterator[Case]:
    yield case((1, 1, 5, 5), [("Conv2d", {"out_channels": 2, "kernel_size": 3})])
    yield case((2, 3, 8, 8), [("Conv2d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1})])
    channels = int(rng.integers(4, 9))
    yield case(
        (2, 3, 9, 9),
        [("Conv2d", {"out_channels": channels, "kernel_size": 5, "padding": 2}), ("ReLU", {})],
    )


def _nets_pool(rng: np.random.Generator) -> Iterator[Case]:
    yield case((1, 2, 4, 4), [("MaxPool2d", {"kernel_size": 2})])
    yield case((2, 3, 9, 9), [("AvgPool2d", {"kernel_size": 2}), ("MaxPool2d", {"kernel_size": 3})])
    side = 2 * int(rng.integers(5, 9))
    yield case((2, 4, side, side), [("MaxPool2d", {"kernel_size": 3, "stride": 2})])


def _nets_dense(rng: np.random.Generator) -> Iterator[Case]:
    yield case((2, 3, 2, 4), [("Flatten", {})])
    yield case((3, 2, 4, 4), [("Flatten", {}), ("Linear", {"out_features": 10})])
    hidden = int(rng.integers(20, 40))
    yield case(
        (4, 2, 3, 3),
        [
            ("Flatten", {}),
            ("Linear", {"out_features": hidden}),
            ("ReLU", {}),
            ("Linear", {"out_features": 5}),
        ],
    )


def _net(batch: int, side: int, first: int, second: int, hidden: int) -> Case:
    layers: list[Layer] = [
        ("Conv2d", {"out_channels": first, "kernel_size": 5, "padding": 1}),
        ("ReLU", {}),
        ("MaxPool2d", {"kernel_size": 2}),
        ("Conv2d", {"out_channels": second, "kernel_size": 3}),
        ("AvgPool2d", {"kernel_size": 3, "stride": 2}),
        ("Flatten", {}),
        ("Linear", {"out_features": hidden}),
        ("Linear", {"out_features": 10}),
    ]
    return case((batch, 1, side, side), layers)


def _nets_whole(rng: np.random.Generator) -> Iterator[Case]:
    yield _net(2, 17, 3, 4, 6)
    yield _net(3, 20, 4, 8, 12)
    yield _net(2, int(rng.integers(6, 9)) * 4 + 1, 5, 7, int(rng.integers(20, 40)))


def _nets_pairs(rng: np.random.Generator) -> Iterator[Case]:
    yield case((1, 1, 5, 7), [("Conv2d", {"out_channels": 2, "kernel_size": (3, 2)})])
    yield case(
        (2, 3, 12, 17),
        [
            ("Conv2d", {"out_channels": 4, "kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1)}),
            ("ReLU", {}),
            ("MaxPool2d", {"kernel_size": (2, 3)}),
        ],
    )
    yield case(
        (2, 2, 15, int(rng.integers(20, 26))),
        [
            ("Conv2d", {"out_channels": 3, "kernel_size": 3, "dilation": (1, 2)}),
            ("AvgPool2d", {"kernel_size": 2, "stride": (2, 1)}),
        ],
    )


TRACE_SHAPES = Exercise(
    name="trace_shapes",
    notebook=NOTEBOOK,
    asked="one shape for every layer, a list of tuples",
    reference=_trace_shapes,
    groups=(
        Group("one convolution", 1, _nets_one),
        Group("pooling", 1, _nets_pool),
        Group("flatten and linear", 1, _nets_dense),
        Group("a whole net", 1, _nets_whole),
        Group("(h, w) pairs and dilation", 1, _nets_pairs),
    ),
    advice={
        "one convolution": (
            "A convolution sets the channels to out_channels, and height and width by output_size."
        ),
        "pooling": (
            "Both kinds of pooling slide like a convolution and keep the channels; the stride is the "
            "kernel_size unless it is given."
        ),
        "flatten and linear": "(N, C, H, W) becomes (N, C * H * W); Linear replaces the second number.",
        "a whole net": (
            "Find the first line that differs: the mistake is in that kind of layer, or in what the layers "
            "before it left behind."
        ),
        "(h, w) pairs and dilation": (
            "Every option may be an int or a pair (h, w): make pairs of all of them first."
        ),
    },
    misconceptions=(
        Misconception(
            "a pair (h, w) is not taken apart",
            TAKE_APART,
            _pair_options_refused,
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "a pooling without a stride is given stride 1",
            "Pooling windows stand side by side unless told otherwise: the stride of a pooling layer is its "
            "kernel_size by default.",
            _trace_mistake(_pool_stride_one),
            ("pooling", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "pooling rounds up",
            "A window that hangs over the edge is dropped in a pooling layer too.",
            _trace_mistake(_pool_ceil),
            ("pooling", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "a convolution keeps the number of channels",
            "A convolution has out_channels filters, and each makes one channel.",
            _trace_mistake(_conv_keeps_channels),
            ("one convolution", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "flatten takes in the batch",
            "Flatten joins C, H and W. The images of a batch stay apart: the first axis stays N.",
            _trace_mistake(_flatten_all),
            ("flatten and linear", "a whole net"),
        ),
        Misconception(
            "flatten and linear lose the batch",
            "The first number of every shape is N, also behind Flatten and Linear.",
            lambda in_shape, layers: [
                shape[1:] if len(shape) == 2 else shape for shape in _trace_shapes(in_shape, layers)
            ],
            ("flatten and linear", "a whole net"),
        ),
        Misconception(
            "the height is used for the width too",
            "Height and width each have their own size and their own option: do the sum twice.",
            _trace_mistake(_height_for_width),
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "height and width are swapped in the options",
            "The first number of a pair belongs to the height, the third number of the shape.",
            _trace_mistake(_pairs_swapped),
            ("(h, w) pairs and dilation",),
        ),
        Misconception(
            "every layer is given the shape of the input",
            "A layer works on what the layer before it made. Does your loop carry the shape on?",
            _never_moves_on,
            (
                "one convolution",
                "pooling",
                "flatten and linear",
                "a whole net",
                "(h, w) pairs and dilation",
            ),
        ),
        Misconception(
            "one list stands in the result again and again",
            "Lines that should differ are alike: `append` does not copy. Change nothing in place; make a new "
            "tuple for each layer.",
            _one_list(("Flatten",)),
            ("pooling", "flatten and linear", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "one list stands in the result for all pictures",
            "Lines that should differ are alike: `append` does not copy. Change nothing in place; make a new "
            "tuple for each layer.",
            _one_list(("Flatten", "Linear")),
            ("pooling", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "AvgPool2d is left out",
            "There are two kinds of pooling, and both slide. Which kinds does your `if` ask for?",
            _trace_mistake(_average_pool_ignored),
            ("pooling", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "every layer that slides ends in a TypeError",
            "Read its message. If it counts 'positional arguments': behind the `*` in the signature of "
            "output_size every option must be given with its name, such as stride=2.",
            _unnamed_options,
            ("one convolution", "pooling", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "the input's shape stands first in the list",
            "One shape for each layer: the list is as long as the list of layers.",
            lambda in_shape, layers: [tuple(in_shape), *_trace_shapes(in_shape, layers)],
            (
                "one convolution",
                "pooling",
                "flatten and linear",
                "a whole net",
                "(h, w) pairs and dilation",
            ),
        ),
        Misconception(
            "ReLU is left out of the list",
            "ReLU changes no shape, but it is a layer, and every layer has its line.",
            lambda in_shape, layers: [
                shape
                for shape, (kind, _) in zip(_trace_shapes(in_shape, layers), layers, strict=True)
                if kind != "ReLU"
            ],
            ("one convolution", "flatten and linear", "a whole net", "(h, w) pairs and dilation"),
        ),
        Misconception(
            "only the last shape is returned",
            "Asked for is the whole list, one shape per layer.",
            lambda in_shape, layers: _trace_shapes(in_shape, layers)[-1],
            (
                "one convolution",
                "pooling",
                "flatten and linear",
                "a whole net",
                "(h, w) pairs and dilation",
            ),
        ),
    ),
)


EXERCISES = (
    OUTPUT_SIZE,
    SAME_PADDING,
    PAD2D,
    CONV2D_PARAMETERS,
    LINEAR_PARAMETERS,
    CONV2D_MACS,
    RECEPTIVE_FIELD,
    TRACE_SHAPES,
)
