"""Exercises of notebook 07: linear and ReLU layers, the loss, first weights, preprocessing, dropout.

What is random cannot be compared with a reference. It is judged by what must be true of it: the values, how
often they come, that they come independently, and that they come from the generator that was handed in.
The limits are six standard deviations wide or wider, so that no right answer fails by bad luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, Seed, case
from cs_utils.checking.compare import describe

NOTEBOOK = "07_dropout_init_loss"
SIGMAS = 6.0
Shape = tuple[int, ...]
Judge = Callable[[Case, Outcome], str | None]


# --- numbers for cases ------------------------------------------------------------------------------------


def digits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers from 1 to 9, as floats: easy to follow by eye."""
    return rng.integers(1, 10, size=shape).astype(float)


def signed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Float64 of both signs with two decimals, none of them 0."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.integers(10, 300, size=shape) / 100


def _seed(rng: np.random.Generator) -> Seed:
    return Seed(int(rng.integers(10**6)))


def gradients(out: Tensor, upstream: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """What PyTorch's autograd says."""
    return torch.autograd.grad(out, inputs, upstream)


def _mistake(name: str, hint: str, recognise: Callable[[Case, Outcome], bool], *fails: str) -> Misconception:
    return Misconception(name, hint, fails=fails, recognise=recognise)


# --- values that a judge cannot look at -------------------------------------------------------------------


def _no_numbers(value: Any, shape: Shape) -> str | None:
    """What a value is that should be an array of ordinary numbers of this shape; None when it is one."""
    if not isinstance(value, np.ndarray):
        return f"returned {describe(value)} where an array of numbers was asked for"
    if value.dtype.kind not in "iuf":
        kind = "complex numbers" if value.dtype.kind == "c" else f"values of type {value.dtype}"
        return f"returned {kind} where ordinary numbers were asked for"
    if value.shape != shape:
        return f"returned an array of shape {value.shape} where {shape} was asked for"
    return (
        None if np.isfinite(value).all() else "contains NaN or infinity where ordinary numbers were asked for"
    )


def _no_pair(value: Any) -> str | None:
    """The same for `out` and `cache`."""
    if not isinstance(value, tuple | list):
        found = "one array" if isinstance(value, np.ndarray) else describe(value)
        return f"returned {found} where (out, cache) was asked for"
    if len(value) != 2:
        found = "1 value" if len(value) == 1 else f"{len(value)} values"
        return f"returned {found} where 2 were asked for: (out, cache)"
    return None


# --- linear_forward ---------------------------------------------------------------------------------------

PLAIN = "three different sizes"
SQUARE = "as many outputs as inputs and examples"
ONE = "a batch of one"
SHAPES = "shapes of the gradients"


def _linear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return F.linear(x, w, b)


def _out(function: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Any]]:
    """A forward's answer: `out`, and a cache that is the student's own business."""
    return lambda *args: (function(*args), ANYTHING)


def _weight_as_it_is(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    if x.shape[1] != w.shape[0]:
        raise ValueError("matmul: Input operand 1 has a mismatch in its core dimension 0")
    return F.linear(x, w.T, b)


def _bias_as_column(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    if len(x) not in (1, len(b)):
        raise ValueError("operands could not be broadcast together")
    return F.linear(x, w) + b.view(-1, 1)


def _linear_sizes(*sizes: tuple[int, int, int]) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Cases with these numbers of examples, inputs and outputs."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for index, (count, inputs, outputs) in enumerate(sizes):
            draw = signed if index else digits
            yield case(draw(rng, count, inputs), draw(rng, outputs, inputs), draw(rng, outputs))

    return make


LINEAR_FORWARD = Exercise(
    name="linear_forward",
    notebook=NOTEBOOK,
    asked="out of shape (N, outputs), and a cache",
    arguments=("x", "w", "b"),
    parts=("out", "cache"),
    reference=_out(_linear),
    groups=(
        Group(PLAIN, 1, _linear_sizes((2, 3, 4), (5, 7, 3))),
        Group(SQUARE, 1, _linear_sizes((3, 3, 3), (5, 5, 5))),
        Group(ONE, 1, _linear_sizes((1, 4, 2), (1, 3, 6))),
    ),
    advice=dict.fromkeys(
        (PLAIN, SQUARE, ONE),
        "Work out one number of `out` by hand: one row of x with one row of w, and one number of b.",
    ),
    misconceptions=(
        Misconception(
            "the weight is not transposed",
            "Each *row* of w belongs to one output. `@` pairs the last axis of x with the first of what "
            "follows it: which axis of w has the inputs?",
            _out(_weight_as_it_is),
            (PLAIN, SQUARE, ONE),
        ),
        Misconception(
            "the bias is not added",
            "Every output has a number in b that is added for every example.",
            _out(lambda x, w, b: F.linear(x, w)),
            (PLAIN, SQUARE, ONE),
        ),
        Misconception(
            "the bias is added as a column",
            "b has one number for each output, and the outputs are the last axis of `out`. NumPy lines up "
            "the last axes by itself; does b need another shape at all?",
            _out(_bias_as_column),
            (PLAIN, SQUARE, ONE),
        ),
        Misconception(
            "the result is transposed: (outputs, N)",
            "An example is a row of x and stays a row of `out`. Which of the two factors has to come first?",
            _out(lambda x, w, b: F.linear(x, w, b).T),
            (PLAIN, SQUARE, ONE),
        ),
    ),
)


# --- linear_backward --------------------------------------------------------------------------------------


def _linear_gradients(dout: Tensor, x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    for tensor in (x, w, b):
        tensor.requires_grad_()
    return gradients(F.linear(x, w, b), dout, x, w, b)


def _linear_mistake(change: Callable[..., Any]) -> Callable[..., Any]:
    """`change(dx, dw, db, dout)` says what is made of the right gradients."""
    return lambda dout, x, w, b: change(*_linear_gradients(dout, x, w, b), dout)


def _weight_transposed_in_backward(dout: Tensor, x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    if w.shape[0] != w.shape[1]:
        raise ValueError("matmul: Input operand 1 has a mismatch in its core dimension 0")
    _, dw, db = _linear_gradients(dout, x, w, b)
    return F.linear(dout, w), dw, db


def _upstream(make: Callable[[np.random.Generator], Iterator[Case]]) -> Any:
    """The same cases with an upstream gradient in front."""

    def with_upstream(rng: np.random.Generator) -> Iterator[Case]:
        for index, given in enumerate(make(rng)):
            x, w, b = given.args
            draw = signed if index else digits
            yield case(draw(rng, len(x), len(b)), x, w, b)

    return with_upstream


def _judge_shapes(given: Case, outcome: Outcome) -> str | None:
    """Do the gradients have the shapes of what they belong to? Of wrong numbers alone no shape counts."""
    right = _linear_gradients(*map(torch.tensor, given.args))
    for name, yours, wanted in zip(("dx", "dw", "db"), outcome.value, right, strict=True):
        if not isinstance(yours, np.ndarray):
            return f"{name}: returned {describe(yours)} where an array was asked for"
        if yours.shape == tuple(wanted.shape):
            continue
        same = yours.size == wanted.numel() and _close(yours.reshape(wanted.shape), wanted)
        owner, rest = name.removeprefix("d"), "; its values are right" if same else ""
        return f"{name} has shape {yours.shape}, but {owner} has {tuple(wanted.shape)}{rest}"
    if not any(_close(yours, wanted) for yours, wanted in zip(outcome.value, right, strict=True)):
        return "the shapes are right, but the numbers in none of them"
    return None


def _close(yours: Any, wanted: Any) -> bool:
    """Are all numbers near enough, and NaN and complex ones nowhere?"""
    if isinstance(yours, np.ndarray) and yours.dtype.kind not in "iuf":
        return False
    yours, wanted = torch.as_tensor(yours).double(), torch.as_tensor(wanted).double()
    return yours.shape == wanted.shape and bool(torch.isclose(yours, wanted, rtol=1e-4, atol=1e-6).all())


LINEAR_BACKWARD = Exercise(
    name="linear_backward",
    notebook=NOTEBOOK,
    asked="dx, dw and db",
    parts=("dx", "dw", "db"),
    probe="own_cache",
    documented=lambda x, w, b: (x, w),
    reference=_linear_gradients,
    also_accepted=(_linear_mistake(lambda dx, dw, db, dout: (dx, dw, db[None])),),  # SHAPES looks at that
    groups=(
        Group(PLAIN, 1, _upstream(_linear_sizes((2, 3, 2), (5, 7, 3)))),
        Group(SQUARE, 1, _upstream(_linear_sizes((3, 3, 3), (5, 5, 5)))),
        Group(ONE, 1, _upstream(_linear_sizes((1, 4, 2), (1, 3, 6)))),
        Group(SHAPES, 1, _upstream(_linear_sizes((2, 2, 3), (4, 2, 6))), judge=_judge_shapes),
    ),
    advice={
        PLAIN: "Which examples does one weight take part in? Its gradient has something from each of them.",
        SQUARE: "With all sizes equal no shape complains: work one number of dw out by hand.",
        ONE: "With one example there is nothing to sum over, and every gradient still has its full shape.",
        SHAPES: "A gradient has the shape of what it belongs to.",
    },
    misconceptions=(
        Misconception(
            "dw is transposed",
            "dw has the shape of w, (outputs, inputs). Which of the two factors gives the rows of a product?",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw.T, db)),
            (PLAIN, SQUARE, ONE, SHAPES),
        ),
        Misconception(
            "dx is computed with the transposed weight",
            "Forward needed w transposed, because its rows belong to outputs. dout has one column for each "
            "output: what must stand behind it so that inputs come out?",
            _weight_transposed_in_backward,
            (PLAIN, SQUARE, ONE, SHAPES),
        ),
        Misconception(
            "db is a mean over the batch",
            "Every example adds its share to a bias: the gradients add up. A mean over the batch is the "
            "business of the loss, which has put its 1/N into dout already.",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw, db / len(dout))),
            (PLAIN, SQUARE),
        ),
        Misconception(
            "dw and db are divided by the number of examples",
            "The mean over the batch is taken by the loss, and its 1/N is in dout already. Divide it in once "
            "more, and the gradients get smaller with every larger batch.",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw / len(dout), db / len(dout))),
            (PLAIN, SQUARE),
        ),
        Misconception(
            "db is summed over the outputs instead of the examples",
            "db has one number for each output. Which axis of dout has to go?",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw, dout.sum(dim=1))),
            (PLAIN, SQUARE, ONE, SHAPES),
        ),
        Misconception(
            "db is dout itself, not summed",
            "A bias is added to every example, so the gradients of all examples come back to it.",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw, dout)),
            (PLAIN, SQUARE, SHAPES),
        ),
        Misconception(
            "db keeps an axis of length 1",
            "b has shape (outputs,), and so has its gradient: sum without `keepdims`.",
            _linear_mistake(lambda dx, dw, db, dout: (dx, dw, db[None])),
            (SHAPES,),
        ),
        Misconception(
            "dx and dw are exchanged",
            "The gradients come in the order of the forward's inputs: x, w, b.",
            _linear_mistake(lambda dx, dw, db, dout: (dw, dx, db)),
            (PLAIN, SQUARE, ONE, SHAPES),
        ),
    ),
)


# --- relu_forward -----------------------------------------------------------------------------------------

SIGNS, AXES = "numbers of both signs", "any number of axes"
AT_ZERO = "x = 0"


def _relu_shapes(*shapes: Shape) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape in shapes:
            x = signed(rng, *shape)
            x.flat[:2] = -1.5, 0.25  # both signs, whatever was drawn
            yield case(x)

    return make


def _ambiguous(x: Tensor) -> Tensor:
    raise ValueError("The truth value of an array with more than one element is ambiguous.")


RELU_FORWARD = Exercise(
    name="relu_forward",
    notebook=NOTEBOOK,
    asked="out of the shape of x, and a cache",
    arguments=("x",),
    parts=("out", "cache"),
    reference=_out(F.relu),
    groups=(
        Group(SIGNS, 1, _relu_shapes((2, 3), (5, 6))),
        Group(AXES, 1, _relu_shapes((7,), (2, 3, 4), (2, 3, 4, 5))),
    ),
    advice=dict.fromkeys((SIGNS, AXES), "A number above 0 stays as it is, all others become 0."),
    misconceptions=(
        Misconception(
            "Python's max is used on a whole array",
            "`max(0, x)` asks whether the *array* is larger than 0, which has no answer. NumPy has a "
            "function that takes the larger of two numbers, place by place.",
            _out(_ambiguous),
            (SIGNS, AXES),
        ),
        Misconception(
            "the maximum is taken along an axis",
            "`np.max(x, 0)` is the largest number of each column: its second argument is an axis. There is "
            "another function that compares two things place by place.",
            _out(lambda x: x.amax(dim=0)),
            (SIGNS, AXES),
        ),
        Misconception(
            "1 where x is positive, instead of x itself",
            "That is the slope, which backward will need. A number above 0 passes through unchanged.",
            _out(lambda x: torch.heaviside(x, torch.zeros_like(x))),
            (SIGNS, AXES),
        ),
        Misconception(
            "negative numbers lose their sign instead of becoming 0",
            "What is below 0 becomes 0, not its absolute value.",
            _out(torch.abs),
            (SIGNS, AXES),
        ),
        Misconception(
            "the negative numbers pass, the positive ones are cut",
            "Look at the direction of the comparison, or at `minimum`.",
            _out(lambda x: x.clamp(max=0)),
            (SIGNS, AXES),
        ),
        Misconception(
            "the negative numbers are left out of the result",
            "`x[x > 0]` is a shorter list of numbers. The shape must stay, with zeros in it.",
            _out(lambda x: torch.masked_select(x, x > 0)),
            (SIGNS, AXES),
        ),
    ),
)


# --- relu_backward ----------------------------------------------------------------------------------------


def _relu_gradient(dout: Tensor, x: Tensor) -> Tensor:
    return gradients(F.relu(x.requires_grad_()), dout, x)[0]


def _relu_upstream(*shapes: Shape, zeros: int = 0) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Cases with upstream gradients of both signs on either side of 0; `zeros` numbers of x are 0."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape in shapes:
            dout, x = signed(rng, *shape), signed(rng, *shape)
            x.flat[:4], dout.flat[:4] = (-1.5, 0.25, 0.5, -2.0), (1.0, -0.5, 0.75, -0.25)
            x.flat[4 : 4 + zeros] = 0.0
            yield case(dout, x)

    return make


def _half_at_zero(dout: Tensor, x: Tensor) -> Tensor:
    return dout * torch.heaviside(x, torch.tensor(0.5, dtype=x.dtype))


RELU_BACKWARD = Exercise(
    name="relu_backward",
    notebook=NOTEBOOK,
    asked="dx, an array of the shape of x",
    probe="own_cache",
    documented=lambda x: (x,),
    reference=_relu_gradient,
    groups=(
        Group(SIGNS, 1, _relu_upstream((2, 3), (6, 5))),
        Group(AT_ZERO, 1, _relu_upstream((2, 4), (5, 5), zeros=3)),
        Group(AXES, 1, _relu_upstream((8,), (2, 3, 4, 5)), probe="own_cache_not_contiguous"),
    ),
    advice={
        SIGNS: "dout passes where x was above 0 and is stopped everywhere else.",
        AT_ZERO: "At x = 0 PyTorch takes the slope 0, and so do we.",
        AXES: "A comparison works place by place, for any number of axes; so does a product.",
    },
    misconceptions=(
        Misconception(
            "the gradient passes at x = 0",
            "At 0 the slope is taken to be 0. Look at your comparison: does it let 0 through?",
            lambda dout, x: torch.where(x < 0, 0.0, dout),
            (AT_ZERO,),
        ),
        Misconception(
            "half of the gradient passes at x = 0",
            "1/2 lies between the two slopes, and some books take it. PyTorch takes 0, and so do we.",
            _half_at_zero,
            (AT_ZERO,),
        ),
        Misconception(
            "the sign of dout decides, not the sign of x",
            "Whether a number was cut off was decided in the forward pass. Which array knows that?",
            lambda dout, x: F.relu(dout),
            (SIGNS, AT_ZERO, AXES),
        ),
        Misconception(
            "the slope is returned without dout",
            "The chain rule multiplies the slope, 0 or 1, by what comes from above.",
            lambda dout, x: torch.heaviside(x, torch.zeros_like(x)),
            (SIGNS, AT_ZERO, AXES),
        ),
        Misconception(
            "dout passes everywhere",
            "Where x was below 0, a small change of x changes nothing: the gradient there is 0.",
            lambda dout, x: dout,
            (SIGNS, AT_ZERO, AXES),
        ),
        Misconception(
            "the gradient passes where x was negative",
            "It is the other way round: what was cut off gets no gradient.",
            lambda dout, x: torch.where(x < 0, dout, 0.0),
            (SIGNS, AT_ZERO, AXES),
        ),
        Misconception(
            "dout is multiplied by relu(x) instead of the slope",
            "The slope of relu is 1 where x is positive, however large x is there.",
            lambda dout, x: dout * F.relu(x),
            (SIGNS, AT_ZERO, AXES),
        ),
    ),
)


# --- softmax_cross_entropy --------------------------------------------------------------------------------

SINGLE, BATCH = "one example", "a batch"
HUGE, FAR, CERTAIN = "huge scores", "rows far apart", "certain, and wrong"


def _cross_entropy(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    loss = F.cross_entropy(scores.requires_grad_(), labels.long())
    return loss, torch.autograd.grad(loss, scores)[0]


def _entropy_mistake(change: Callable[..., Any]) -> Callable[..., Any]:
    """`change(loss, dscores, scores, labels)` says what is made of the right answer."""

    def predict(scores: Tensor, labels: Tensor) -> Any:
        loss, dscores = _cross_entropy(scores, labels)
        return change(loss, dscores, scores.detach(), labels.long())

    return predict


def _chosen(values: Tensor, labels: Tensor) -> Tensor:
    """One number of each row: that of the label."""
    return values.gather(1, labels[:, None])[:, 0]


def _columns_of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    """1 in every column that is the label of any example."""
    hit = torch.zeros_like(scores)
    hit[:, labels.unique()] = 1.0
    return hit


def _stops_at_probabilities(loss: Tensor, _: Tensor, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    share = -1.0 / _chosen(scores.softmax(1), labels) / len(labels)
    return loss, torch.zeros_like(scores).scatter(1, labels[:, None], share[:, None])


def _over_the_batch(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax along the wrong axis; the rest is right."""
    labels = labels.long()
    loss = -_chosen(scores.log_softmax(0), labels).mean()
    return loss, (scores.softmax(0) - F.one_hot(labels, scores.shape[1])) / len(labels)


def _capped(given: Case, outcome: Outcome) -> bool:
    """Is the gradient right, and the loss that of a probability of 10⁻⁷, 10⁻¹² or the like?"""
    loss, dscores = outcome.value
    _, right = _cross_entropy(torch.from_numpy(given.args[0]), torch.from_numpy(given.args[1]))
    power = loss / math.log(10)
    return 3 < power < 50 and abs(power - round(power)) < 1e-5 and _close(dscores, right)


def _log_of_zero(loss: Tensor, dscores: Tensor, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return -_chosen(scores.softmax(1), labels).log().mean(), dscores


def _as_if(softmax: Callable[[Tensor], Tensor], *, lost: bool = False) -> Callable[[Case, Outcome], bool]:
    """Recognise loss and gradient made of these probabilities.

    Where a probability is NaN, the loss may be any lost number: it depends on how the logarithm is written.
    lost: only recognise where one is NaN.
    """

    def recognise(given: Case, outcome: Outcome) -> bool:
        loss, dscores = outcome.value
        scores, labels = torch.from_numpy(given.args[0]), torch.from_numpy(given.args[1]).long()
        probabilities = softmax(scores)
        any_lost = bool(probabilities.isnan().any())
        if lost and not any_lost:
            return False
        wanted = -float(_chosen(probabilities, labels).log().mean())
        gradient = (probabilities - F.one_hot(labels, scores.shape[1])) / len(labels)
        same_loss = math.isclose(loss, wanted, rel_tol=1e-4, abs_tol=1e-6)
        both_lost = any_lost and not math.isfinite(loss) and not math.isfinite(wanted)
        yours = torch.from_numpy(dscores).double()
        close = torch.isclose(yours, gradient, rtol=1e-4, atol=1e-6, equal_nan=True)
        return (same_loss or both_lost) and bool(close.all())

    return recognise


def _unshifted(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(1, keepdim=True)


def _one_shift(scores: Tensor) -> Tensor:
    return _unshifted(scores - scores.max())


def _shift_of_columns(scores: Tensor) -> Tensor:
    return _unshifted(scores - scores.amax(dim=0))


def _labels(rng: np.random.Generator, count: int, classes: int) -> np.ndarray:
    """Not all the same, and some of them twice where there are fewer classes than examples."""
    return rng.permutation(np.arange(count) % classes)


def _scores(*sizes: tuple[int, int]) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Ordinary scores of these numbers of examples and classes."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count, classes in sizes:
            yield case(signed(rng, count, classes).round(1), _labels(rng, count, classes))

    return make


def _huge_scores(rng: np.random.Generator) -> Iterator[Case]:
    yield case(np.array([[2.0, 1000.0, 1.0]]), np.array([1]))
    yield case(np.array([[5000.0, 5001.5, 4999.0, -3000.0]]), np.array([0]))
    largest = float(rng.integers(800, 900))
    yield case(np.array([[largest - 2.5, largest - 40.0, largest]]), np.array([0]))


def _far_apart(rng: np.random.Generator) -> Iterator[Case]:
    """Ordinary rows beside rows that are shifted by thousands, which changes no probability."""
    for count, classes in ((2, 3), (6, 4)):
        shift = np.where(np.arange(count) % 2, -1000.0, 1000.0)
        scores = signed(rng, count, classes).round(1) + shift[:, None]
        yield case(scores, _labels(rng, count, classes))


def _certain(rng: np.random.Generator) -> Iterator[Case]:
    """The label's probability is too small for a float64; the loss is not too large for one."""
    yield case(np.array([[0.0, 700.0, -200.0]]), np.array([2]))
    yield case(np.array([[-450.0, float(rng.integers(400, 600)), 3.0, -1.0]]), np.array([0]))


SOFTMAX_CROSS_ENTROPY = Exercise(
    name="softmax_cross_entropy",
    notebook=NOTEBOOK,
    asked="the loss, a number, and dscores of the shape of scores",
    parts=("loss", "dscores"),
    reference=_cross_entropy,
    groups=(
        Group(SINGLE, 1, _scores((1, 3), (1, 5))),
        Group(BATCH, 2, _scores((2, 3), (8, 5), (5, 2))),
        Group(HUGE, 1, _huge_scores),
        Group(FAR, 1, _far_apart),
        Group(CERTAIN, 1, _certain),
    ),
    advice={
        SINGLE: "Three exponentials, their sum, three probabilities: do the first example on paper.",
        BATCH: "The loss is the mean over the examples, and every number of dscores carries the same 1/N.",
        HUGE: "A row of scores may be lowered by any number without changing a probability.",
        FAR: "Every row has a largest score of its own.",
        CERTAIN: "A probability may be too small for a float; its logarithm is not. Do you need the one to "
        "get the other?",
    },
    misconceptions=(
        Misconception(
            "exp overflows: the scores are not lowered first",
            "exp(710) is infinite. Subtract something from every row before the exponential: no probability "
            "changes, and the largest exponent becomes 0.",
            fails=(HUGE, FAR, CERTAIN),
            recognise=_as_if(_unshifted),
        ),
        Misconception(
            "one maximum for the whole batch is subtracted",
            "In a row far below the largest score of all every exponential is then 0, and 0/0 is NaN. Each "
            "row needs its own maximum, kept as a column so that it lines up.",
            fails=(FAR,),
            recognise=_as_if(_one_shift, lost=True),
        ),
        Misconception(
            "the largest score of each class is subtracted, not that of each example",
            "Only what is the same for all scores of an *example* cancels. Along which axis is your maximum "
            "taken, and does it stand beside the scores as a column?",
            fails=(SINGLE, BATCH, HUGE, FAR, CERTAIN),
            recognise=_as_if(_shift_of_columns),
        ),
        Misconception(
            "the logarithm of a probability that was rounded to 0",
            "The shift keeps exp from overflowing, but a probability of e⁻⁹⁰⁰ is still 0, and its logarithm "
            "infinite. The logarithm of a quotient is a difference: what becomes of log(exp(s))?",
            _entropy_mistake(_log_of_zero),
            (CERTAIN,),
        ),
        Misconception(
            "a small number in the logarithm hides the infinity",
            "With 1e-12 in the logarithm the loss of a bad mistake is never above 27.6; other small numbers "
            "have limits of their own. Without the detour over the probability there is no log(0) to hide.",
            fails=(CERTAIN,),
            recognise=_capped,
        ),
        Misconception(
            "the loss is the sum over the batch, not the mean",
            "Divide by the number of examples, or the loss grows with the batch.",
            _entropy_mistake(lambda loss, dscores, scores, labels: (loss * len(labels), dscores)),
            (BATCH, FAR),
        ),
        Misconception(
            "the loss is also divided by the number of classes",
            "One number for each *example* is averaged: the one that belongs to its label.",
            _entropy_mistake(lambda loss, dscores, scores, labels: (loss / scores.shape[1], dscores)),
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
        Misconception(
            "the gradient is not divided by the number of examples",
            "The loss is a mean over N examples, so a score of one example moves it only by a share of 1/N.",
            _entropy_mistake(lambda loss, dscores, scores, labels: (loss, dscores * len(labels))),
            (BATCH, FAR),
        ),
        Misconception(
            "the gradient is the probabilities: nothing is subtracted at the labels",
            "For the label's own score the derivative has one more term: raising it makes the loss smaller.",
            _entropy_mistake(
                lambda loss, dscores, scores, labels: (loss, scores.softmax(1) / len(labels)),
            ),
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
        Misconception(
            "1 is subtracted in the labels' columns of every row",
            "With a colon for the rows, every label's column is changed in all rows. Each example has one "
            "label: pair the row numbers with the labels.",
            _entropy_mistake(
                lambda loss, dscores, scores, labels: (
                    loss,
                    (scores.softmax(1) - _columns_of_labels(scores, labels)) / len(labels),
                )
            ),
            (BATCH, FAR),
        ),
        Misconception(
            "the gradient has the wrong sign",
            "Raising the label's score must make the loss smaller: its gradient is negative, all others "
            "positive.",
            _entropy_mistake(lambda loss, dscores, scores, labels: (loss, -dscores)),
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
        Misconception(
            "the loss is negative: the minus is missing",
            "The logarithm of a probability is negative; the loss is its opposite.",
            _entropy_mistake(lambda loss, dscores, scores, labels: (-loss, dscores)),
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
        Misconception(
            "the softmax runs over the examples instead of the classes",
            "The probabilities of *one example* add up to 1: sum along the axis of the classes.",
            _over_the_batch,
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
        Misconception(
            "the gradient stops at the probabilities",
            "-1/p is the derivative by the label's probability. But asked for is that by the scores, and a "
            "score moves the probabilities of all classes.",
            _entropy_mistake(_stops_at_probabilities),
            (SINGLE, BATCH, HUGE, FAR, CERTAIN),
        ),
    ),
)


# --- what comes out of a generator -------------------------------------------------------------------------


def _beyond(found: float, wanted: float, deviation: float) -> bool:
    """Further off than chance explains?"""
    return abs(found - wanted) > SIGMAS * deviation


def _normal_cdf(z: float) -> float:
    return float(torch.special.ndtr(torch.tensor(z, dtype=torch.float64)))


def _answers(given: Case, outcome: Outcome) -> list[np.ndarray]:
    """`out` of a plain call of a forward, or what the probe ``drawn_again`` collected."""
    if isinstance(outcome.value, dict):
        return outcome.value["calls"]
    if not isinstance(outcome.value, tuple | list):
        raise TypeError("out and cache were asked for")
    return [outcome.value[0]]


def _judge_generator(given: Case, outcome: Outcome) -> str | None:
    """Judge for the probe ``drawn_again``: equal generators, equal numbers; one generator, new ones."""
    first, equal, *later = outcome.value["calls"]
    wanted = given.args[0]
    shape = wanted.shape if isinstance(wanted, np.ndarray) else tuple(wanted)
    for drawn in (first, equal, *later):
        if complaint := _no_numbers(drawn, shape):
            return complaint
    if not np.array_equal(first, equal):
        return (
            "two generators in the same state gave different numbers: something random is not drawn from rng"
        )
    if all(np.array_equal(first, drawn) for drawn in later):
        return (
            "every call with the same generator gave the same numbers: rng is not used, or made anew inside"
        )
    return None


def _not_from_rng(given: Case, outcome: Outcome) -> bool:
    first, equal, *later = outcome.value["calls"]
    if not np.isfinite([first, equal, *later]).all():
        return False
    return not np.array_equal(first, equal) and not np.array_equal(later[0], later[1])


def _always_the_same(given: Case, outcome: Outcome) -> bool:
    first, *others = outcome.value["calls"]
    if given.args and isinstance(given.args[0], np.ndarray) and (first != 0).all():
        return False  # nothing is dropped, which is another mistake
    return len(np.unique(first)) > 1 and all(np.array_equal(first, drawn) for drawn in others)


FROM_RNG = "drawn from rng, anew in every call"
RNG_ADVICE = "Whatever is random comes from a method of `rng`, the generator that was handed in."


def _rng_mistakes(fails: str = FROM_RNG) -> tuple[Misconception, ...]:
    return (
        Misconception(
            "the numbers come from np.random, not from rng",
            "Two generators in the same state must give the same result. Look for `np.random.` in your "
            "function: the argument `rng` has methods of the same names.",
            fails=(fails,),
            recognise=_not_from_rng,
        ),
        Misconception(
            "a generator is made inside the function",
            "Every call then draws the same numbers. Who makes the generator decides about its seed; your "
            "function uses the one it is given.",
            fails=(fails,),
            recognise=_always_the_same,
        ),
    )


# --- xavier_init, kaiming_init ----------------------------------------------------------------------------

BOUND, FLAT, SPREAD, BELL = "how large", "uniform, mean 0", "how large", "normal, mean 0"
CONVOLUTION = "weights of a convolution"
LINEAR_WEIGHTS: tuple[Shape, ...] = ((120, 200), (400, 60))
CONVOLUTION_WEIGHTS: tuple[Shape, ...] = ((32, 20, 7, 7), (30, 55, 3, 5))


@dataclass(frozen=True)
class Weights:
    """What an initialiser returned, and what can be said of the numbers in it."""

    w: Tensor

    @property
    def shape(self) -> Shape:
        return tuple(self.w.shape)

    @property
    def fan_in(self) -> int:
        return self.w[0].numel()

    @property
    def fan_out(self) -> int:
        return self.w[:, 0].numel()

    @property
    def largest(self) -> float:
        return float(self.w.abs().max())

    @property
    def std(self) -> float:
        return float(self.w.std())

    def below(self, limit: float) -> float:
        """Share of the numbers that are nearer to 0 than this."""
        return float((self.w.abs() < limit).double().mean())

    def share_is(self, found: float, wanted: float) -> bool:
        return not _beyond(found, wanted, math.sqrt(wanted * (1 - wanted) / self.w.numel()))

    @property
    def centred(self) -> bool:
        return self.share_is(float((self.w > 0).double().mean()), 0.5)

    @property
    def uniform(self) -> bool:
        """Half of the numbers are nearer to 0 than half of the largest one, and so on."""
        return all(self.share_is(self.below(part * self.largest), part) for part in (0.25, 0.5, 0.75))

    @property
    def normal(self) -> bool:
        within = {z: 2 * _normal_cdf(z) - 1 for z in (0.5, 1.0, 2.0)}
        return all(self.share_is(self.below(z * self.std), share) for z, share in within.items())

    def fills(self, bound: float) -> bool:
        """Do the numbers reach as far as this bound, and no further?"""
        return bound * (1 - 40 / self.w.numel()) <= self.largest <= bound * (1 + 1e-6)

    def spreads(self, std: float) -> bool:
        """Could this be the standard deviation of the normal numbers?"""
        return not _beyond(self.std, std, std / math.sqrt(2 * self.w.numel()))


def _weights(given: Case, outcome: Outcome) -> Weights:
    return Weights(torch.from_numpy(outcome.value).double())


def _judge_weights(*looks: Callable[[Weights], str | None]) -> Judge:
    def judge(given: Case, outcome: Outcome) -> str | None:
        if complaint := _no_numbers(outcome.value, tuple(given.args[0])):
            return complaint
        found = _weights(given, outcome)
        if found.largest == 0:
            return "every weight is 0"
        return next((complaint for look in looks if (complaint := look(found))), None)

    return judge


def _both_fans(found: Weights) -> int:
    return found.fan_in + found.fan_out


def _xavier_bound(found: Weights) -> float:
    return math.sqrt(6 / _both_fans(found))


def _within_bound(found: Weights) -> str | None:
    if found.fills(_xavier_bound(found)):
        return None
    side = "beyond the bound" if found.largest > _xavier_bound(found) else "far inside the bound"
    return f"the largest weight is {found.largest:.4g}, {side}"


def _flat(found: Weights) -> str | None:
    if not found.centred:
        return f"{float((found.w > 0).double().mean()):.0%} of the weights are positive"
    if not found.uniform:
        half = found.below(found.largest / 2)
        return f"not uniform: {half:.0%} of the weights are in the inner half of their range"
    return None


def _kaiming_spread(found: Weights) -> str | None:
    wanted = math.sqrt(2 / found.fan_in)
    if found.spreads(wanted):
        return None
    return f"the standard deviation is {found.std:.4g}, {found.std / wanted:.2f} times what it should be"


def _bell(found: Weights) -> str | None:
    if not found.centred:
        return f"{float((found.w > 0).double().mean()):.0%} of the weights are positive"
    if not found.normal:
        within = found.below(found.std)
        return f"not normal: {within:.1%} of the weights are within one standard deviation, not 68.3%"
    return None


def _of_shapes(shapes: Sequence[Shape]) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape in shapes:
            yield case(shape, rng=_seed(rng))

    return make


def _seen_in(holds: Callable[[Weights], bool]) -> Callable[[Case, Outcome], bool]:
    def recognise(given: Case, outcome: Outcome) -> bool:
        return _no_numbers(outcome.value, tuple(given.args[0])) is None and holds(_weights(given, outcome))

    return recognise


def _fills(*bounds: Callable[[Weights], float]) -> Callable[[Case, Outcome], bool]:
    """Recognise uniform weights within one of these bounds."""
    return _seen_in(lambda found: found.uniform and any(found.fills(bound(found)) for bound in bounds))


def _spreads(*stds: Callable[[Weights], float]) -> Callable[[Case, Outcome], bool]:
    """Recognise normal weights with one of these standard deviations."""
    return _seen_in(lambda found: found.normal and any(found.spreads(std(found)) for std in stds))


FANS_ADVICE = (
    "How many numbers does one output add up, and in how many outputs does one input take part? With a "
    "kernel, its height and width count in both."
)

XAVIER_INIT = Exercise(
    name="xavier_init",
    notebook=NOTEBOOK,
    asked="an array of weights of the given shape",
    arguments=("shape",),
    groups=(
        Group(BOUND, 1, _of_shapes(LINEAR_WEIGHTS), judge=_judge_weights(_within_bound)),
        Group(FLAT, 1, _of_shapes(LINEAR_WEIGHTS), judge=_judge_weights(_flat)),
        Group(CONVOLUTION, 1, _of_shapes(CONVOLUTION_WEIGHTS), judge=_judge_weights(_within_bound)),
        Group(FROM_RNG, 1, _of_shapes(((4, 5), (3, 2, 3, 3))), probe="drawn_again", judge=_judge_generator),
    ),
    advice={
        BOUND: "Compute the bound for a (2, 4) weight by hand: 6/6 = 1, so all numbers lie between -1 and 1.",
        FLAT: "Every number between minus the bound and the bound is as likely as any other.",
        CONVOLUTION: FANS_ADVICE,
        FROM_RNG: RNG_ADVICE,
    },
    misconceptions=(
        _mistake(
            "normal instead of uniform",
            "The spread may be right, but asked for are uniform numbers between minus the bound and the "
            "bound.",
            _seen_in(lambda found: found.normal and found.largest > _xavier_bound(found)),
            *(BOUND, FLAT, CONVOLUTION),
        ),
        _mistake(
            "the standard deviation is used as the bound",
            "The root of 2 / (fan_in + fan_out) is the standard deviation. A uniform number between -a and a "
            "has the standard deviation a / √3: how large is a, then?",
            _fills(lambda found: math.sqrt(2 / _both_fans(found))),
            *(BOUND, CONVOLUTION),
        ),
        _mistake(
            "only one of the two fans is counted",
            "Xavier's bound has both fans in it, so that signals keep their size forwards and gradients "
            "backwards.",
            _fills(
                *(lambda found, top=top: math.sqrt(top / found.fan_in) for top in (6, 3, 1)),
                *(lambda found, top=top: math.sqrt(top / found.fan_out) for top in (6, 3, 1)),
            ),
            *(BOUND, CONVOLUTION),
        ),
        _mistake(
            "the root is not taken of the whole fraction",
            "6 / (fan_in + fan_out) belongs to the *square* of the weights. The bound is its root: that of "
            "the 6 and that of the fans.",
            _fills(
                lambda found: 6 / _both_fans(found),
                lambda found: math.sqrt(6) / _both_fans(found),
            ),
            *(BOUND, CONVOLUTION),
        ),
        _mistake(
            "all weights are positive",
            "Between minus the bound and the bound: a generator's `random` gives numbers between 0 and 1 "
            "only.",
            _seen_in(lambda found: bool((found.w >= 0).all())),
            FLAT,
        ),
        _mistake(
            "the kernel's height and width are not counted",
            "One output of a convolution adds up C·kh·kw numbers, not C. The same goes for the other fan.",
            _fills(lambda found: math.sqrt(6 / sum(found.shape[:2]))),
            CONVOLUTION,
        ),
        _mistake(
            "the kernel's height and width are counted in one fan only",
            "An input takes part in D·kh·kw outputs: in each filter once for every place of the kernel. Both "
            "fans carry the kernel's area.",
            _fills(
                lambda found: math.sqrt(6 / (found.fan_in + found.shape[0])),
                lambda found: math.sqrt(6 / (found.fan_out + found.shape[1])),
            ),
            CONVOLUTION,
        ),
        *_rng_mistakes(),
    ),
)

KAIMING_INIT = Exercise(
    name="kaiming_init",
    notebook=NOTEBOOK,
    asked="an array of weights of the given shape",
    arguments=("shape",),
    groups=(
        Group(SPREAD, 1, _of_shapes(LINEAR_WEIGHTS), judge=_judge_weights(_kaiming_spread)),
        Group(BELL, 1, _of_shapes(LINEAR_WEIGHTS), judge=_judge_weights(_bell)),
        Group(CONVOLUTION, 1, _of_shapes(CONVOLUTION_WEIGHTS), judge=_judge_weights(_kaiming_spread)),
        Group(FROM_RNG, 1, _of_shapes(((4, 5), (3, 2, 3, 3))), probe="drawn_again", judge=_judge_generator),
    ),
    advice={
        SPREAD: "For a (5, 8) weight the fan in is 8, and the standard deviation 0.5.",
        BELL: "Normal numbers with mean 0: two of three lie within one standard deviation.",
        CONVOLUTION: FANS_ADVICE,
        FROM_RNG: RNG_ADVICE,
    },
    misconceptions=(
        _mistake(
            "the fan out is used",
            "The shape of a weight is (outputs, inputs, ...). One output adds up as many numbers as there "
            "are behind its own index.",
            _spreads(lambda found: math.sqrt(2 / found.fan_out), lambda found: math.sqrt(2 / found.shape[0])),
            *(SPREAD, CONVOLUTION),
        ),
        _mistake(
            "the variance is used as the standard deviation",
            "2 / fan_in is the variance. What a generator multiplies by, or takes as its scale, is the "
            "standard deviation, the root of it.",
            _spreads(lambda found: 2 / found.fan_in),
            *(SPREAD, CONVOLUTION),
        ),
        _mistake(
            "the factor 2 for ReLU is missing",
            "ReLU throws away half of the signal's square in every layer. The 2 makes up for it.",
            _spreads(lambda found: math.sqrt(1 / found.fan_in)),
            *(SPREAD, CONVOLUTION),
        ),
        _mistake(
            "Xavier's variance is used",
            "Here only the fan in counts: the variance is 2 / fan_in.",
            _spreads(lambda found: math.sqrt(2 / _both_fans(found))),
            *(SPREAD, CONVOLUTION),
        ),
        _mistake(
            "0.01 for every shape",
            "The spread has to depend on how many numbers an output adds up. That is the whole point.",
            _spreads(lambda found: 0.01),
            *(SPREAD, CONVOLUTION),
        ),
        _mistake(
            "all weights are positive",
            "A generator's `random` gives uniform numbers between 0 and 1. Asked for are normal numbers with "
            "mean 0: half of them negative.",
            _seen_in(lambda found: bool((found.w >= 0).all())),
            *(SPREAD, BELL, CONVOLUTION),
        ),
        _mistake(
            "uniform instead of normal",
            "The spread may be right, but asked for are normal numbers.",
            _seen_in(lambda found: found.uniform and found.fills(math.sqrt(6 / found.fan_in))),
            BELL,
        ),
        _mistake(
            "the kernel's height and width are not counted",
            "One output of a convolution adds up C·kh·kw numbers, not C.",
            _spreads(lambda found: math.sqrt(2 / found.shape[1])),
            CONVOLUTION,
        ),
        *_rng_mistakes(),
    ),
)


# --- standardize ------------------------------------------------------------------------------------------

FEATURES, OTHER = "features (N, D)", "another set, other statistics"
PICTURES, CONSTANT, OFFSET = (
    "pictures (N, C, H, W)",
    "a feature that never changes, and a large eps",
    "large mean, small spread",
)


def _axes(x: Tensor) -> tuple[int, ...]:
    """All but the axis of features or channels."""
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _moments(x: Tensor, axes: tuple[int, ...], correction: int = 0) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, dim=axes, correction=correction, keepdim=True)
    return mean, variance


def _standardized(
    train: Tensor,
    other: Tensor,
    eps: float,
    *,
    axes: Callable[[Tensor], tuple[int, ...]] = _axes,
    correction: int = 0,
) -> tuple[Tensor, Tensor]:
    mean, variance = _moments(train, axes(train), correction)
    return tuple((x - mean) * (variance + eps).rsqrt() for x in (train, other))  # type: ignore[return-value]


def _standardize(train: Tensor, other: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    return _standardized(train, other, eps)


def _with_moments(scale: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Callable[..., Any]:
    """`scale(x, mean, variance, eps)` says what is made of both sets."""

    def predict(train: Tensor, other: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
        mean, variance = _moments(train, _axes(train))
        return scale(train, mean, variance, eps), scale(other, mean, variance, eps)

    return predict


def _each_by_its_own(train: Tensor, other: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    return _standardized(train, train, eps)[0], _standardized(other, other, eps)[0]


def _by_both_together(train: Tensor, other: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    together = torch.cat([train, other])
    return _standardized(together, train, eps)[1], _standardized(together, other, eps)[1]


def _along(axes: Callable[[Tensor], tuple[int, ...]]) -> Callable[..., Any]:
    return lambda train, other, *, eps=1e-5: _standardized(train, other, eps, axes=axes)


def _each_example(train: Tensor, other: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, ...]:
    found = []
    for x in (train, other):
        mean, variance = _moments(x, tuple(range(1, x.ndim)))
        found.append((x - mean) * (variance + eps).rsqrt())
    return tuple(found)


def _cancelled(given: Case, outcome: Outcome) -> bool:
    """Every column is off by a factor of its own, or lost, but not all are: mean right, spread wrong."""
    right = _standardize(*map(torch.from_numpy, given.args), **given.kwargs)[0]
    yours = torch.from_numpy(outcome.value[0])
    factor = (yours / right).nanmedian(dim=0).values
    lost = yours.isnan().all(dim=0)
    if lost.all():
        return False
    same = torch.isclose(yours, right * factor, rtol=1e-4, atol=1e-6 * float(factor.nan_to_num().abs().max()))
    return bool((same.all(dim=0) | lost).all()) and bool(((factor - 1).abs() > 1e-3).any() or lost.any())


def _sets(draw: Callable[..., np.ndarray], *shapes: Shape) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Sets whose other half holds the same examples in another order, and so has the same statistics."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape in shapes:
            train = draw(rng, shape)
            yield case(train, np.roll(train, 1, axis=0))

    return make


def _two_features(rng: np.random.Generator) -> Iterator[Case]:
    train = np.array([[3.0, 40.0], [9.0, 10.0], [6.0, 70.0]]) + rng.permutation([0.0, 3.0, 9.0])[:, None]
    yield case(train, train[::-1].copy())
    train = signed(rng, 7, 4) * np.array([5.0, 30.0, 8.0, 100.0])
    yield case(train, np.roll(train, 2, axis=0))


def _other_statistics(rng: np.random.Generator) -> Iterator[Case]:
    for count, features in ((4, 2), (6, 5)):
        train = rng.permutation(np.arange(-30.0, 30))[: count * features].reshape(count, features)
        yield case(train, rng.integers(-20, 90, size=(count - 1, features)).astype(float))


def _pictures(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Every channel, and every place, has statistics of its own."""
    channels = np.array([20.0, 60.0, 120.0])[: shape[1], None, None]
    return rng.integers(0, 40, size=shape) + channels + np.array([0.0, 25.0, 70.0])[: shape[3]]


def _never_changes(rng: np.random.Generator) -> Iterator[Case]:
    train = np.array([[2.0, 7.0], [4.0, 7.0], [9.0, 7.0], [1.0, 7.0]])
    yield case(train, np.roll(train, 1, axis=0))
    yield case(train, np.roll(train, 1, axis=0), eps=0.3)
    train = signed(rng, 5, 3)
    yield case(train, np.roll(train, 1, axis=0), eps=0.3)
    train = signed(rng, 6, 2) / 500  # a variance about as small as eps
    yield case(train, np.roll(train, 1, axis=0))


def _far_from_zero(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.permutation(math.prod(shape)).reshape(shape) + 1e9


def _columns(x: Tensor) -> tuple[int, ...]:
    return (0,)


def _all_axes(x: Tensor) -> tuple[int, ...]:
    return tuple(range(x.ndim))


STANDARDIZE = Exercise(
    name="standardize",
    notebook=NOTEBOOK,
    asked="train and other, both standardised",
    parts=("train", "other"),
    reference=_standardize,
    groups=(
        Group(FEATURES, 1, _two_features),
        Group(OTHER, 1, _other_statistics),
        Group(PICTURES, 1, _sets(_pictures, (2, 2, 2, 3), (4, 3, 2, 3)), probe="not_contiguous"),
        Group(CONSTANT, 1, _never_changes),
        Group(OFFSET, 1, _sets(_far_from_zero, (4, 2), (6, 4))),
    ),
    advice={
        FEATURES: "Afterwards every column of train has mean 0 and standard deviation 1. Has it?",
        OTHER: "Pretend that `other` is one single example: which mean do you subtract from it?",
        PICTURES: "One mean and one standard deviation for each channel: over which three axes?",
        CONSTANT: "The variance of a constant feature is 0. Where does eps keep you from dividing by it?",
        OFFSET: "Subtract the mean before you square anything.",
    },
    misconceptions=(
        Misconception(
            "other is standardised by its own statistics",
            "The network is trained on numbers scaled by train's statistics. A picture from outside must be "
            "scaled in just the same way, or the same picture would mean something else.",
            _each_by_its_own,
            (OTHER,),
        ),
        Misconception(
            "the statistics are those of both sets together",
            "Then the test set has taken part in making the model. Mean and spread come from train alone.",
            _by_both_together,
            (OTHER,),
        ),
        Misconception(
            "other is returned as it is",
            "Both sets are scaled, with the same numbers.",
            lambda train, other, *, eps=1e-5: (_standardized(train, other, eps)[0], other),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "one mean and one spread for all features together",
            "Millimetres and tons do not mix: every feature or channel has a mean and a spread of its own. "
            "Along which axes may you average?",
            _along(_all_axes),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "every example is standardised by itself",
            "That compares the features of one example with each other. Average over the examples instead.",
            _each_example,
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "every pixel has its own mean and spread",
            "For pictures there is one mean for each *channel*: height and width are averaged over, too.",
            _along(_columns),
            (PICTURES,),
        ),
        Misconception(
            "divided by the variance",
            "The variance has the unit of x². What is divided by must have that of x.",
            _with_moments(lambda x, mean, variance, eps: (x - mean) / (variance + eps)),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "divided by n - 1 in the variance",
            "That is the estimate from a sample (ddof=1). Here, as in batch norm, the mean of the squares is "
            "taken: divided by n.",
            lambda train, other, *, eps=1e-5: _standardized(train, other, eps, correction=1),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "the mean is not subtracted",
            "First shift, then scale: the mean of every feature is to become 0.",
            _with_moments(lambda x, mean, variance, eps: x * (variance + eps).rsqrt()),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "the spread is not divided out",
            "The mean is gone, but a feature in millimetres still drowns one in metres.",
            _with_moments(lambda x, mean, variance, eps: x - mean),
            (FEATURES, OTHER, PICTURES, CONSTANT, OFFSET),
        ),
        Misconception(
            "eps is missing",
            "A feature that never changes has variance 0, and 0/0 is NaN. eps goes under the root.",
            _with_moments(lambda x, mean, variance, eps: (x - mean) / variance.sqrt()),
            (CONSTANT,),
        ),
        Misconception(
            "1e-5 is added, whatever eps is given",
            "1e-5 is only what eps is when nobody says otherwise. Your function has an argument for it.",
            lambda train, other, *, eps=1e-5: _standardized(train, other, 1e-5),
            (CONSTANT,),
        ),
        Misconception(
            "eps is added to the standard deviation, outside the root",
            "√variance + eps is not √(variance + eps): with eps = 0.3 the two differ clearly.",
            _with_moments(lambda x, mean, variance, eps: (x - mean) / (variance.sqrt() + eps)),
            (CONSTANT,),
        ),
        _mistake(
            "the variance is a difference of two large numbers",
            "The mean of x² minus the square of the mean: at x = 10⁹ both have 19 digits, and a float64 "
            "keeps 16. Average the squares of what is left after the mean is subtracted.",
            _cancelled,
            OFFSET,
        ),
    ),
)


# --- dropout, forward -------------------------------------------------------------------------------------

KEPT_IN_TRAINING = "training: 0 or x"
VALUES = "training: 0 or x / (1 - p)"
SHARE = "a share p is dropped"
EACH = "every number for itself"
NAIVE_TEST, TEST = "test: x times (1 - p)", "test: x itself"
EDGES = "p = 0, and p close to 1"
MANY = 20_000  # numbers in the cases that count
NEAR_ONE = 0.9


@dataclass(frozen=True)
class Draw:
    """One answer of a dropout function: what became of each number of x.

    ratio: out / x, of the shape of x.
    """

    ratio: Tensor
    p: float

    @property
    def kept(self) -> Tensor:
        return self.ratio != 0

    def only(self, *factors: float) -> bool:
        """Is every number 0 or x times one of these factors?"""
        hit = self.ratio == 0
        for factor in factors:
            hit |= torch.isclose(self.ratio, torch.tensor(factor, dtype=torch.float64), rtol=1e-5, atol=0)
        return bool(hit.all())

    def everywhere(self, factor: float) -> bool:
        """Is every number x times this factor, none of them 0?"""
        return bool(self.kept.all()) and self.only(factor)

    @property
    def counts(self) -> bool:
        """Is it large enough for counting? Then its group looks at the mask; else it looks at the factor."""
        return self.ratio.numel() >= 1000

    @property
    def mixed(self) -> bool:
        """Some numbers are dropped, and some are kept."""
        return bool(self.kept.any()) and not bool(self.kept.all())

    @property
    def one_factor(self) -> bool:
        """Do all kept numbers carry the same positive factor?"""
        kept = self.ratio[self.kept]
        return not len(kept) or (bool(kept[0] > 0) and self.only(float(kept[0])))

    def keeps(self, *rates: float) -> bool:
        """Is the share of kept numbers one of these, as far as can be told?"""
        count, kept = self.ratio.numel(), int(self.kept.sum())
        return any(
            not _beyond(kept, count * rate, math.sqrt(count * rate * (1 - rate)) + 1e-9) for rate in rates
        )


def _draws(given: Case, outcome: Outcome) -> list[Draw]:
    x, answers = torch.from_numpy(given.args[0]), _answers(given, outcome)
    if any(out.dtype.kind not in "iuf" for out in answers):
        raise TypeError("no ordinary numbers")
    return [Draw(torch.from_numpy(out).double() / x, given.kwargs["p"]) for out in answers]


Look = Callable[[Draw], "str | None"]


def _judge_dropout(*looks: Look) -> Judge:
    """The first complaint of the looks at a single call's `out`."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        if complaint := _no_pair(outcome.value):
            return complaint
        if complaint := _no_numbers(outcome.value[0], given.args[0].shape):
            return f"out: {complaint}"
        (draw,) = _draws(given, outcome)
        return next((complaint for look in looks if (complaint := look(draw))), None)

    return judge


def _looks_like_dropout(draw: Draw) -> str | None:
    if not draw.one_factor:
        return "a kept number is x times a factor, the same for all of them; here it is not"
    if bool(draw.kept.all()):
        return "nothing is dropped"
    return None if bool(draw.kept.any()) else "everything is dropped"


def _is_zero_or(factor: Callable[[float], float], what: str) -> Look:
    def look(draw: Draw) -> str | None:
        if len(draw.kept) > 20 and not draw.mixed:  # with fewer rows it may be chance
            return _looks_like_dropout(draw)
        if draw.only(factor(draw.p)):
            return None
        wrong = ~(
            draw.kept.logical_not() | torch.isclose(draw.ratio, torch.full_like(draw.ratio, factor(draw.p)))
        )
        return f"{int(wrong.sum())} of {draw.ratio.numel()} numbers are neither 0 nor {what}"

    return look


def _is_all(factor: Callable[[float], float], what: str) -> Look:
    def look(draw: Draw) -> str | None:
        if draw.everywhere(factor(draw.p)):
            return None
        return "there are zeros: numbers are dropped" if not draw.kept.all() else f"out is not {what}"

    return look


def _share_is_p(draw: Draw) -> str | None:
    if not draw.one_factor:
        return _looks_like_dropout(draw)
    if draw.keeps(1 - draw.p):
        return None
    dropped = 1 - float(draw.kept.double().mean())
    return f"{dropped:.1%} of {draw.ratio.numel():,} numbers are dropped, which is too far from p"


def _each_for_itself(draw: Draw) -> str | None:
    """Are the counts in rows, and in columns, as spread as those of independent numbers?"""
    if complaint := _looks_like_dropout(draw):
        return complaint
    spreads = {"row": _spread_of_counts(draw.kept, 1), "column": _spread_of_counts(draw.kept, 0)}
    for line, spread in spreads.items():  # whole columns make all rows alike, so these are looked for first
        if spread > 8:
            return f"the numbers of one {line} are dropped or kept together, not each for itself"
    for line, spread in spreads.items():
        if spread < -SIGMAS:
            return f"every {line} keeps nearly the same count of numbers: they do not fall by chance"
    return None


def _spread_of_counts(kept: Tensor, axis: int) -> float:
    """How far the counts of kept numbers along `axis` differ from chance, in deviations of a chi-square."""
    counts, rate = kept.double().sum(axis).flatten(), float(kept.double().mean())
    chance = kept.shape[axis] * rate * (1 - rate)
    squares = float(((counts - kept.shape[axis] * rate) ** 2).sum()) / chance
    return (squares - len(counts)) / math.sqrt(2 * len(counts))


def _not_in_channels(draw: Draw) -> str | None:
    """Looks at the numbers of one channel of one example, for arrays of more than two axes."""
    if complaint := _looks_like_dropout(draw):
        return complaint
    if _same_within(draw.kept, 2) > 0.5:
        return "all numbers of a channel are dropped or kept together, not each for itself"
    for axis in range(draw.kept.ndim):
        if _spread_of_counts(draw.kept, axis) > 8:
            return f"along axis {axis} of x numbers are dropped or kept together, not each for itself"
    return None


def _same_within(kept: Tensor, axes: int) -> float:
    """Share of the parts, one for each index of the first `axes` axes, that are kept or dropped whole."""
    parts = kept.reshape(math.prod(kept.shape[:axes]), -1)
    counts = parts.sum(1)
    return float(((counts == 0) | (counts == parts.shape[1])).double().mean())


def _edge(draw: Draw) -> str | None:
    if draw.p == 0:
        return None if draw.everywhere(1.0) else "with p = 0 nothing is to be dropped or changed"
    return _share_is_p(draw)


def _judge_masks(given: Case, outcome: Outcome) -> str | None:
    """As `_judge_generator`; and how many are dropped is up to chance, too."""
    if complaint := _judge_generator(given, outcome):
        return complaint
    dropped = {int((out == 0).sum()) for out in _answers(given, outcome)}
    if dropped == {0}:
        return "nothing is dropped"
    return "every call drops exactly the same count of numbers" if len(dropped) == 1 else None


# Cases


def _training(*settings: tuple[Shape, float]) -> Callable[[np.random.Generator], Iterator[Case]]:
    return _dropout_cases(True, settings)


def _testing(*settings: tuple[Shape, float]) -> Callable[[np.random.Generator], Iterator[Case]]:
    return _dropout_cases(False, settings)


def _dropout_cases(
    training: bool, settings: Sequence[tuple[Shape, float]]
) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Calls with inputs of these shapes, without a 0 in them, and these p."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape, p in settings:
            yield case(signed(rng, *shape), p=p, training=training, rng=_seed(rng))

    return make


def _dropout_groups(in_training: Group, in_test: Group) -> tuple[Group, ...]:
    """The groups that both versions have."""
    return (
        in_training,
        Group(SHARE, 1, _training(((1, MANY), 0.3), ((1, MANY), 0.7)), judge=_judge_dropout(_share_is_p)),
        Group(EACH, 1, _training(((100, 200), 0.5)), judge=_judge_dropout(_each_for_itself)),
        Group(FROM_RNG, 1, _training(((60, 60), 0.5)), probe="drawn_again", judge=_judge_masks),
        in_test,
    )


# By chance no share p can be dropped exactly: 25 * 0.5, 55 * 0.25 and 525 * 0.65 are no whole numbers.
SMALL_SETTINGS = (((5, 5), 0.5), ((5, 11), 0.25), ((21, 25), 0.65))
TEST_SETTINGS = (((5, 5), 0.5), ((5, 12), 0.2), ((5, 12), 0.75))

# Mistakes

Factor = Callable[[float], float]


def _or_infinity(p: float) -> float:
    return 1 / p if p else math.inf


def _in_training(holds: Callable[[Draw], bool]) -> Callable[[Case, Outcome], bool]:
    """Recognise what holds for every answer in training mode."""
    return lambda given, outcome: given.kwargs["training"] and all(map(holds, _draws(given, outcome)))


def _in_test(holds: Callable[[Draw], bool]) -> Callable[[Case, Outcome], bool]:
    return lambda given, outcome: not given.kwargs["training"] and all(map(holds, _draws(given, outcome)))


def _scaled(factor: Factor) -> Callable[[Draw], bool]:
    """The kept numbers carry this factor, where a group looks at that."""

    def holds(draw: Draw) -> bool:
        if draw.p == 0:
            return bool((draw.ratio == factor(draw.p)).all())
        looked_at = not draw.counts or (draw.p == NEAR_ONE and draw.keeps(1 - draw.p))
        return looked_at and draw.only(factor(draw.p))

    return holds


def _kept_at(*rates: Factor) -> Callable[[Draw], bool]:
    """Another share is kept than should be, whatever the factor."""

    def holds(draw: Draw) -> bool:
        telling = draw.counts and draw.one_factor and not draw.keeps(1 - draw.p)
        return telling and draw.keeps(*(rate(draw.p) for rate in rates))

    return holds


def _p_keeps(draw: Draw) -> bool:
    """Kept with probability p, and divided by p."""
    if draw.p == 0:
        return bool(draw.ratio.isnan().all())
    telling = not draw.counts or not draw.keeps(1 - draw.p)
    return telling and draw.only(1 / draw.p) and draw.keeps(draw.p)


def _by_the_share_kept(draw: Draw) -> bool:
    return not draw.counts and draw.mixed and draw.only(draw.ratio.numel() / int(draw.kept.sum()))


def _one_mask_for_all(draw: Draw) -> bool:
    telling = draw.one_factor and draw.counts and draw.mixed and len(draw.kept) > 1
    return telling and bool((draw.kept == draw.kept[:1]).all())


def _whole_examples(draw: Draw) -> bool:
    """Every example is kept or dropped as a whole."""
    if not draw.one_factor:
        return False
    if draw.p == 0:
        return bool(draw.kept.all())
    return _same_within(draw.kept, 1) == 1 and (len(draw.kept) == 1 or draw.mixed)


def _whole_channels(draw: Draw) -> bool:
    if draw.ratio.ndim < 3 or not draw.one_factor:
        return False
    return _same_within(draw.kept, 1) < 1 and _same_within(draw.kept, 2) == 1


def _either(
    training: Callable[[Draw], bool], test: Callable[[Draw], bool]
) -> Callable[[Case, Outcome], bool]:
    return lambda given, outcome: (_in_training(training) if given.kwargs["training"] else _in_test(test))(
        given, outcome
    )


def _exact_count(given: Case, outcome: Outcome) -> bool:
    draws = _draws(given, outcome)
    counts = {int(draw.kept.sum()) for draw in draws}
    other = not torch.equal(draws[0].kept, draws[-1].kept)
    return other and len(counts) == 1 and all(draw.one_factor and draw.mixed for draw in draws)


def _dropout_mistakes(values: str, test: str, *more: str) -> tuple[Misconception, ...]:
    """What goes wrong in both versions. more: further groups in training mode."""
    training = (values, SHARE, EACH, FROM_RNG, *more)
    edges, axes = (tuple(name for name in more if name == known) for known in (EDGES, AXES))
    return (
        _mistake(
            "kept where it should be dropped: the comparison is the wrong way round",
            "p is the probability to *drop*. A uniform number is below p with probability p: are those the "
            "places that you keep?",
            _in_training(_kept_at(lambda p: p)),
            *(SHARE, *edges),
        ),
        _mistake(
            "the mask is made of normal numbers (randn) instead of uniform ones",
            "Only for a uniform number between 0 and 1 is the probability to lie below p just p. Half of all "
            "normal numbers are negative.",
            _in_training(_kept_at(lambda p: _normal_cdf(-p), lambda p: _normal_cdf(1 - p))),
            *(SHARE, *edges),
        ),
        _mistake(
            "one mask for the whole batch",
            "Every example needs a mask of its own: draw as many random numbers as x has numbers.",
            _in_training(_one_mask_for_all),
            *(EACH, *axes),
        ),
        _mistake(
            "half of the numbers are dropped, whatever p is",
            "Where does p come into your mask? A coin, 0 or 1, knows nothing of it.",
            _in_training(_kept_at(lambda p: 0.5)),
            *(SHARE, *edges),
        ),
        _mistake(
            "one draw for each example: whole rows are dropped",
            "Every single number is dropped or kept for itself: draw as many random numbers as x has "
            "numbers.",
            _in_training(_whole_examples),
            *(SHARE, EACH, *more),
        ),
        *_rng_mistakes(),
        _mistake(
            "exactly the same count of numbers is dropped in every call",
            "Each number falls with probability p, whatever happens to the others. How many fall is then "
            "up to chance, too.",
            _exact_count,
            FROM_RNG,
        ),
        _mistake(
            "nothing is dropped in training",
            "out is x. Is the mask multiplied in? Does the branch for training come before the first "
            "`return`?",
            _in_training(lambda draw: draw.everywhere(1.0)),
            *training,
        ),
        _mistake(
            "everything is dropped in training",
            "The mask is 0 everywhere. Were the random numbers between 0 and 1 cut off to whole numbers "
            "before they were compared?",
            _in_training(lambda draw: not bool(draw.kept.any())),
            *training,
        ),
        _mistake(
            "training and test are exchanged",
            "`training=True` is when numbers are dropped. Look at the line that asks for it.",
            _either(
                lambda draw: draw.everywhere(1.0) or draw.everywhere(1 - draw.p), lambda draw: draw.mixed
            ),
            *(*training, test),
        ),
        _mistake(
            "numbers are dropped at test time, too",
            "At test time every unit is on. Does your function look at `training`?",
            _in_test(lambda draw: draw.mixed and draw.one_factor),
            test,
        ),
    )


# --- naive_dropout_forward --------------------------------------------------------------------------------

NAIVE_DROPOUT_FORWARD = Exercise(
    name="naive_dropout_forward",
    notebook=NOTEBOOK,
    asked="out of the shape of x, and a cache",
    arguments=("x",),
    parts=("out", "cache"),
    groups=_dropout_groups(
        Group(
            KEPT_IN_TRAINING,
            1,
            _training(*SMALL_SETTINGS),
            judge=_judge_dropout(_is_zero_or(lambda p: 1.0, "x")),
        ),
        Group(
            NAIVE_TEST,
            1,
            _testing(*TEST_SETTINGS),
            judge=_judge_dropout(_is_all(lambda p: 1 - p, "x times (1 - p)")),
        ),
    ),
    advice={
        SHARE: "How does one make something happen with probability p from a uniform number between 0 and 1?",
        EACH: "As many random numbers as x has numbers, one for each.",
        FROM_RNG: RNG_ADVICE,
    },
    misconceptions=(
        _mistake(
            "scaled in training already",
            "That is the inverted version, which comes next. The naive one only sets numbers to 0, and "
            "leaves the scaling to the test.",
            _in_training(_scaled(lambda p: 1 / (1 - p))),
            KEPT_IN_TRAINING,
        ),
        _mistake(
            "not scaled at test time",
            "In training a number survives with probability 1 - p. What is it on average, and what is it in "
            "your test?",
            _in_test(lambda draw: draw.everywhere(1.0)),
            NAIVE_TEST,
        ),
        _mistake(
            "scaled by p at test time",
            "p is the probability to drop. With p = 0.9 hardly anything survives the training: is your "
            "output at test time small, too?",
            _in_test(lambda draw: draw.everywhere(draw.p)),
            NAIVE_TEST,
        ),
        _mistake(
            "divided at test time instead of multiplied",
            "In training numbers were missing, so on average less came through than x. At test time all are "
            "there: is the output to become larger or smaller?",
            _in_test(lambda draw: draw.everywhere(1 / (1 - draw.p))),
            NAIVE_TEST,
        ),
        _mistake(
            "p is taken for the probability to keep",
            "Some texts write p for the probability to keep. Here, as in PyTorch, p is the probability to "
            "*drop*: exchange p and 1 - p, in training and at test time.",
            _either(_kept_at(lambda p: p), lambda draw: draw.everywhere(draw.p)),
            *(SHARE, NAIVE_TEST),
        ),
        *_dropout_mistakes(KEPT_IN_TRAINING, NAIVE_TEST),
    ),
)


# --- dropout_forward --------------------------------------------------------------------------------------


def _two_axes_only(x: Tensor, *, p: float, training: bool, rng: Seed) -> Tensor:
    raise ValueError("too many values to unpack (expected 2)")


DROPOUT_FORWARD = Exercise(
    name="dropout_forward",
    notebook=NOTEBOOK,
    asked="out of the shape of x, and a cache",
    arguments=("x",),
    parts=("out", "cache"),
    groups=(
        *_dropout_groups(
            Group(
                VALUES,
                1,
                _training(*SMALL_SETTINGS),
                judge=_judge_dropout(_is_zero_or(lambda p: 1 / (1 - p), "x / (1 - p)")),
            ),
            Group(
                TEST, 1, _testing(*TEST_SETTINGS), judge=_judge_dropout(_is_all(lambda p: 1.0, "x itself"))
            ),
        ),
        Group(EDGES, 1, _training(((40, 40), 0.0), ((1, MANY), NEAR_ONE)), judge=_judge_dropout(_edge)),
        Group(
            AXES,
            1,
            _training(((50, 4, 5), 0.5), ((50, 4, 10, 10), 0.5)),
            judge=_judge_dropout(_not_in_channels),
        ),
    ),
    advice={
        SHARE: "How does one make something happen with probability p from a uniform number between 0 and 1?",
        EACH: "As many random numbers as x has numbers, one for each.",
        FROM_RNG: RNG_ADVICE,
        AXES: "`x.shape` is the shape of x, whatever number of axes it has.",
    },
    misconceptions=(
        _mistake(
            "the kept numbers are not scaled",
            "That is the naive version. Here the survivors make up for those that fell: what must they be "
            "divided by so that the average stays?",
            _in_training(_scaled(lambda p: 1.0)),
            VALUES,
        ),
        _mistake(
            "divided by p",
            "A number is kept with probability 1 - p. If few are dropped, the others have little to make up "
            "for: with p = 0.1 a factor of 10 cannot be right.",
            _in_training(_scaled(_or_infinity)),
            *(VALUES, EDGES),
        ),
        _mistake(
            "multiplied by 1 - p instead of divided",
            "Numbers are missing, so the others must become larger, not smaller.",
            _in_training(_scaled(lambda p: 1 - p)),
            VALUES,
        ),
        _mistake(
            "multiplied by p",
            "Numbers are missing, so the others must become larger, not smaller. And which of p and 1 - p "
            "says how many are left?",
            _in_training(_scaled(lambda p: p)),
            *(VALUES, EDGES),
        ),
        _mistake(
            "divided by the share that happened to be kept",
            "The factor is the same in every call: it makes up for the *probability* to be dropped, not for "
            "what was dropped this time.",
            _in_training(_by_the_share_kept),
            VALUES,
        ),
        _mistake(
            "p is taken for the probability to keep",
            "Some texts write p for the probability to keep. Here, as in PyTorch, p is the probability to "
            "*drop*: exchange p and 1 - p in both places.",
            _in_training(_p_keeps),
            *(VALUES, SHARE, EDGES),
        ),
        _mistake(
            "scaled by 1 - p at test time, as in the naive version",
            "Here the scaling has been done in training. At test time nothing is left to do.",
            _in_test(lambda draw: draw.everywhere(1 - draw.p)),
            TEST,
        ),
        _mistake(
            "divided by 1 - p at test time, too",
            "At test time nothing is missing, so there is nothing to make up for.",
            _in_test(lambda draw: draw.everywhere(1 / (1 - draw.p))),
            TEST,
        ),
        Misconception(
            "written for two axes only",
            "A feature map has four axes. Do not take the shape of x apart: ask for random numbers of the "
            "shape of x.",
            _two_axes_only,
            (AXES,),
        ),
        _mistake(
            "whole channels are dropped",
            "That is another layer, `nn.Dropout2d`. Here every single number of a feature map is dropped or "
            "kept for itself.",
            _in_training(_whole_channels),
            AXES,
        ),
        *_dropout_mistakes(VALUES, TEST, EDGES, AXES),
    ),
)


# --- dropout_backward -------------------------------------------------------------------------------------

HALF, OTHER_P = "p = 0.5", "other p"
MORE_AXES, TEST_MODE = "more than two axes", "test mode"


def _documented(x: Tensor, *, p: float, training: bool, rng: Seed) -> tuple[Tensor, float]:
    """The cache (keep, p) of the text, with the mask of most forwards, so that reports can be repeated."""
    if not training:
        return torch.ones(x.shape, dtype=torch.bool), 0.0
    chances = torch.from_numpy(np.random.default_rng(rng.value).random(tuple(x.shape)))
    return chances.ge(p), p


@dataclass(frozen=True)
class Passed:
    """What a dropout_backward made of dout, and the mask and the p that it should have gone by."""

    dx: Tensor
    dout: Tensor
    keep: Tensor
    p: float

    def equals(self, wanted: Tensor) -> bool:
        return _close(self.dx, wanted)

    @property
    def right(self) -> Tensor:
        return torch.where(self.keep, self.dout / (1 - self.p), 0.0)


def _passed(given: Case, outcome: Outcome) -> Passed:
    """With the own cache the mask is read off `out`, which comes first; else it is the documented one."""
    dout, x = map(torch.from_numpy, given.args)
    keep, p = _documented(x, **given.kwargs)
    dx = outcome.value
    if isinstance(dx, tuple):
        out, dx = dx
        keep = torch.from_numpy(out != 0) if given.kwargs["training"] else keep
    if not isinstance(dx, np.ndarray) or dx.dtype.kind not in "iuf" or dx.shape != dout.shape:
        raise TypeError("no ordinary numbers of this shape")
    return Passed(torch.from_numpy(dx).double(), dout, keep, p)


def _judge_dropout_backward(given: Case, outcome: Outcome) -> str | None:
    if complaint := _no_numbers(_own_dx(outcome), given.args[0].shape):
        return complaint
    passed = _passed(given, outcome)
    if passed.equals(passed.right):
        return None
    passes = passed.dx != 0
    if (leaks := passes & ~passed.keep).any():
        return f"dx is not 0 at {_places(leaks)} that the forward pass dropped"
    if (stopped := ~passes & passed.keep).any():
        return f"dx is 0 at {_places(stopped)} that the forward pass kept"
    return "the right places get a gradient, but not the right numbers"


def _places(found: Tensor) -> str:
    """How many places, and the first of them."""
    first, *others = found.nonzero().tolist()
    return f"{len(others) + 1} places, the first of them {first}," if others else f"the place {first}"


def _own_dx(outcome: Outcome) -> Any:
    return outcome.value[1] if isinstance(outcome.value, tuple) else outcome.value


def _gives(wanted: Callable[[Passed], Tensor]) -> Callable[[Case, Outcome], bool]:
    """Recognise answers that are just this."""

    def recognise(given: Case, outcome: Outcome) -> bool:
        passed = _passed(given, outcome)
        return passed.equals(wanted(passed))

    return recognise


def _over_p(passed: Passed) -> Tensor:
    return torch.where(passed.keep, passed.dout / passed.p, 0.0)  # p = 0 gives infinity


def _another_mask(given: Case, outcome: Outcome) -> bool:
    """0 or dout / (1 - p) everywhere, but not in the places that the mask says, nor in the opposite ones."""
    passed = _passed(given, outcome)
    hit = torch.isclose(passed.dx, passed.dout / (1 - passed.p), rtol=1e-5)
    if not bool((hit | (passed.dx == 0)).all()):
        return False
    elsewhere = float((hit != passed.keep).double().mean())
    mixed = bool(hit.any()) and not bool(hit.all())
    return not given.kwargs["training"] or (mixed and 0 < elsewhere < 0.95)


def _backward_cases(
    training: bool, *settings: tuple[Shape, float]
) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape, p in settings:
            dout, x = signed(rng, *shape), signed(rng, *shape)
            yield case(dout, x, p=p, training=training, rng=_seed(rng))

    return make


TRAINING_GROUPS = (HALF, OTHER_P, MORE_AXES)

DROPOUT_BACKWARD = Exercise(
    name="dropout_backward",
    notebook=NOTEBOOK,
    asked="dx, an array of the shape of dout",
    arguments=("dout", "x"),
    probe="own_cache_and_out",
    documented=_documented,
    judge=_judge_dropout_backward,
    groups=(
        Group(HALF, 1, _backward_cases(True, ((3, 5), 0.5), ((8, 9), 0.5))),
        Group(OTHER_P, 1, _backward_cases(True, ((6, 10), 0.2), ((10, 12), 0.8))),
        Group(MORE_AXES, 1, _backward_cases(True, ((3, 4, 5, 6), 0.6))),
        Group(TEST_MODE, 1, _backward_cases(False, ((3, 4), 0.5), ((5, 6), 0.9))),
    ),
    advice={
        HALF: "out is x times something, place by place. So dx is dout times the same thing.",
        TEST_MODE: "At test time out is x. What does that make of the gradient? The cache says so, too.",
    },
    misconceptions=(
        _mistake(
            "dx is not scaled",
            "Forward divided what it kept by 1 - p. The gradient goes through the same division.",
            _gives(lambda passed: torch.where(passed.keep, passed.dout, 0.0)),
            *TRAINING_GROUPS,
        ),
        _mistake(
            "the mask is not applied to dout",
            "A number that was dropped did nothing to the loss: no gradient comes back to it.",
            _gives(lambda passed: passed.dout / (1 - passed.p)),
            *TRAINING_GROUPS,
        ),
        _mistake(
            "dout is returned as it is",
            "Forward multiplied x by a mask and by a factor. Both belong to the gradient, too.",
            _gives(lambda passed: passed.dout),
            *TRAINING_GROUPS,
        ),
        _mistake(
            "the gradient is divided by p",
            "Which probability did forward divide by: that to drop or that to keep?",
            _gives(_over_p),
            *(OTHER_P, MORE_AXES, TEST_MODE),
        ),
        _mistake(
            "the gradient is multiplied by 1 - p instead of divided",
            "out = x · keep / (1 - p). What is the derivative of that by x, where keep is 1?",
            _gives(lambda passed: torch.where(passed.keep, passed.dout * (1 - passed.p), 0.0)),
            *TRAINING_GROUPS,
        ),
        _mistake(
            "the gradient passes where numbers were dropped",
            "keep is True where x came through. Just there the gradient comes through, too.",
            _gives(lambda passed: torch.where(passed.keep, 0.0, passed.dout / (1 - passed.p))),
            *(*TRAINING_GROUPS, TEST_MODE),
        ),
        _mistake(
            "a new mask is drawn",
            "The gradient must come back through the very units that the forward pass kept: take the mask "
            "out of the cache.",
            _another_mask,
            *TRAINING_GROUPS,
        ),
    ),
)


EXERCISES = (
    LINEAR_FORWARD,
    LINEAR_BACKWARD,
    RELU_FORWARD,
    RELU_BACKWARD,
    SOFTMAX_CROSS_ENTROPY,
    XAVIER_INIT,
    KAIMING_INIT,
    STANDARDIZE,
    NAIVE_DROPOUT_FORWARD,
    DROPOUT_FORWARD,
    DROPOUT_BACKWARD,
)
