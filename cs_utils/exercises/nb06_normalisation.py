"""Exercises of notebook 06: batch norm forward and backward, folding, layer, instance and group norm.

The references are PyTorch's own layers and autograd. A known mistake in a forward is told by what it divides
by; a known mistake in a backward by what it makes of the gradient's three shares: straight through, through
the mean, through the variance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, case

NOTEBOOK = "06_normalisation"
Predict = Callable[..., Any]
Divisor = Callable[[Tensor, float], Tensor]


# --- cases ------------------------------------------------------------------------------------------------


def _sets(rng: np.random.Generator, count: int, size: int, spread: float = 4.0) -> np.ndarray:
    """`count` rows of `size` numbers, each with a mean and a spread of its own; the spread is never small."""
    steps = np.tile(np.linspace(-1.5, 1.5, size), (count, 1))
    rows = rng.permuted(steps, axis=1) * rng.uniform(0.75, 1.5, (count, 1)) * spread
    return (rows + rng.normal(0, 5, (count, 1)) + rng.normal(0, 0.3, (count, size))).round(2)


def _features(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """(N, D) with spread along the batch."""
    return np.ascontiguousarray(_sets(rng, d, n).T)


def _images(rng: np.random.Generator, n: int, c: int, h: int, w: int) -> np.ndarray:
    """(N, C, H, W) with spread inside every channel of every image, and between them."""
    return _sets(rng, n * c, h * w).reshape(n, c, h, w)


def _scale_shift(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """gamma and beta, all of them different from 0, and gamma from 1."""
    gamma = rng.choice([-1, 1], size) * rng.uniform(1.2, 2.5, size)
    return gamma.round(2), (rng.choice([-1, 1], size) * rng.uniform(0.3, 2, size)).round(2)


def _running(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A running mean and a running variance that no batch here has."""
    return rng.normal(0, 5, size).round(2), rng.uniform(6, 12, size).round(2)


def _tiny(x: np.ndarray) -> np.ndarray:
    """A thousandth: the variance is about as large as the eps that one gets when nothing is said."""
    return (x / 1000).round(5)


def _upstream(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    return rng.normal(size=x.shape).round(2)


def _far_away(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Rows of whole numbers around 1e9, less than 10 apart: a sum of squares cannot hold their variance."""
    rows = rng.permuted(np.tile(np.linspace(0, 9, size).round(), (count, 1)), axis=1)
    return rows + 10.0**9 + rng.integers(0, 1000, (count, 1))


# --- what a group asks for ----------------------------------------------------------------------------------


def _only(*kept: int) -> Callable[[Predict], Predict]:
    """Ask for these of the returned values; whatever else was returned is all right."""

    def lift(function: Predict) -> Predict:
        def asked(*args: Any, **options: Any) -> tuple[Any, ...]:
            returned = function(*args, **options)
            return tuple(value if index in kept else ANYTHING for index, value in enumerate(returned))

        return asked

    return lift


ONLY_OUT = _only(0)
ONLY_RUNNING = _only(2, 3)
ONLY_DX = _only(0)
ONLY_PARAMETERS = _only(1, 2)


def _steps(function: Predict) -> Predict:
    """What the probe ``training_then_evaluation`` does, with a reference; only its last output counts."""

    def asked(
        batches: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, **options: Any
    ) -> tuple[Any, ...]:
        *training, last = batches
        for batch in training:
            _, _, mean, var = function(batch, gamma, beta, mean, var, training=True, **options)
        return ONLY_OUT(function)(last, gamma, beta, mean, var, training=False, **options)

    return asked


# --- batch norm forward: right and wrong ------------------------------------------------------------------


@dataclass(frozen=True)
class _Call:
    """The arguments of one call of a batch norm, for (N, D) and for (N, C, H, W)."""

    x: Tensor
    gamma: Tensor
    beta: Tensor
    running_mean: Tensor
    running_var: Tensor
    training: bool
    momentum: float = 0.1
    eps: float = 1e-5

    def right(self, **changes: Any) -> tuple[Tensor, Any, Tensor, Tensor]:
        """What PyTorch makes of it, some arguments changed."""
        at = replace(self, **changes)
        mean, var = at.running_mean.clone(), at.running_var.clone()
        out = F.batch_norm(at.x, mean, var, at.gamma, at.beta, at.training, at.momentum, at.eps)
        return out, ANYTHING, mean, var

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(self.x.ndim) if axis != 1)

    @property
    def count(self) -> int:
        """Values per channel."""
        return self.x.numel() // self.x.shape[1]

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """The batch's biased variance and its mean."""
        return torch.var_mean(self.x, self.axes, correction=0)

    @property
    def var(self) -> Tensor:
        """The variance that normalises."""
        return self.moments[0] if self.training else self.running_var

    def per_channel(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (self.x.ndim - 2))

    def affine(self, x_hat: Tensor) -> Tensor:
        return torch.addcmul(self.per_channel(self.beta), self.per_channel(self.gamma), x_hat)

    @property
    def x_hat(self) -> Tensor:
        ones, zeros = torch.ones_like(self.gamma), torch.zeros_like(self.beta)
        return self.right(gamma=ones, beta=zeros)[0]


def _batchnorm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Any, Tensor, Tensor]:
    return _Call(x, gamma, beta, running_mean, running_var, training, momentum, eps).right()


def _when_called(rule: Callable[[_Call], Any]) -> Predict:
    """A prediction with the arguments of a batch norm."""

    def predict(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, **options: Any) -> Any:
        return rule(_Call(x, gamma, beta, mean, var, **options))

    return predict


EPS_MISSING: Divisor = lambda var, eps: var.sqrt()  # noqa: E731
EPS_OUTSIDE: Divisor = lambda var, eps: var.sqrt() + eps  # noqa: E731
NO_ROOT: Divisor = lambda var, eps: var + eps  # noqa: E731


def _divides_by(divisor: Divisor, *, training: bool = True, evaluation: bool = True) -> Predict:
    """Something else than the root of var + eps stands under the fraction, in these modes."""

    def rule(call: _Call) -> Any:
        if not (training if call.training else evaluation):
            return call.right()
        factor = (call.var + call.eps).sqrt() / divisor(call.var, call.eps)
        return call.affine(call.x_hat * call.per_channel(factor)), *call.right()[1:]

    return _when_called(rule)


def _normalises_with_unbiased(call: _Call) -> Any:
    if not call.training:
        return call.right()
    factor = (call.var + call.eps).rsqrt() * (call.var * call.count / (call.count - 1) + call.eps).sqrt()
    return call.affine(call.x_hat / call.per_channel(factor)), *call.right()[1:]


def _plain_x_hat(*, training: bool) -> Predict:
    """gamma and beta are left out: in evaluation, and in training where it is said."""
    return _when_called(
        lambda call: (call.x_hat, *call.right()[1:]) if training or not call.training else call.right()
    )


def _beta_scaled(call: _Call) -> Any:
    return call.affine(call.x_hat + call.per_channel(call.beta - call.beta / call.gamma)), *call.right()[1:]


def _batch_in_evaluation(call: _Call) -> Any:
    out, _, mean, var = call.right()
    if not call.training:
        alone = call.count == 1
        out = call.affine(torch.zeros_like(call.x)) if alone else call.right(training=True)[0]
    return out, ANYTHING, mean, var


def _running_in_training(call: _Call) -> Any:
    _, _, moved_mean, moved_var = call.right()
    out = call.right(running_mean=moved_mean, running_var=moved_var, training=False)[0]
    return out, ANYTHING, moved_mean, moved_var


def _updated_in_evaluation(call: _Call) -> Any:
    if call.training:
        return call.right()
    stats = call.right(training=True)[2:] if call.count > 1 else (ANYTHING, ANYTHING)
    return call.right()[0], ANYTHING, *stats


def _updated_and_used_in_evaluation(call: _Call) -> Any:
    if call.training:
        return call.right()
    if call.count == 1:  # the unbiased variance of one value is 0/0
        return torch.full_like(call.x, torch.nan), ANYTHING, ANYTHING, ANYTHING
    _, _, moved_mean, moved_var = call.right(training=True)
    out = call.right(running_mean=moved_mean, running_var=moved_var)[0]
    return out, ANYTHING, moved_mean, moved_var


def _keeps(statistics: Callable[[_Call], tuple[Any, Any]]) -> Predict:
    """The output is right, but training returns other running statistics."""
    return _when_called(
        lambda call: (*call.right()[:2], *statistics(call)) if call.training else call.right()
    )


def _biased(call: _Call) -> tuple[Any, Any]:
    return call.right()[2], torch.lerp(call.running_var, call.var, call.momentum)


def _standard_deviations(call: _Call) -> tuple[Any, Any]:
    return call.right()[2], torch.lerp(call.running_var, call.var.sqrt(), call.momentum)


def _smaller_still(call: _Call) -> tuple[Any, Any]:
    value = call.var * (call.count - 1) / call.count
    return call.right()[2], torch.lerp(call.running_var, value, call.momentum)


def _unbiased_deviations(call: _Call) -> tuple[Any, Any]:
    return call.right()[2], torch.lerp(call.running_var, call.x.std(call.axes), call.momentum)


def _usual_momentum(call: _Call) -> tuple[Any, Any]:
    return call.right(momentum=0.1)[2:]


def _usual_eps(call: _Call) -> Any:
    return call.right(eps=1e-5)


def _old_not_weighed(call: _Call) -> tuple[Any, Any]:
    mean, var = call.right()[2:]
    return mean + call.momentum * call.running_mean, var + call.momentum * call.running_var


def _two_axes(call: _Call) -> tuple[Any, Any]:
    mean, var = call.right()[2:]
    return mean[None], var[None]


def _alone(outcome: Callable[[_Call], Any], *, training: bool) -> Predict:
    """What becomes of a single value per channel, in training or in evaluation; all else is right."""
    return _when_called(
        lambda call: outcome(call) if call.count == 1 and call.training == training else call.right()
    )


def _raises(error: type[Exception]) -> Callable[..., Any]:
    def predict(*args: Any, **options: Any) -> Any:
        raise error("raised on the way")

    return predict


def _beta_alone(call: _Call) -> Any:
    return call.affine(torch.zeros_like(call.x)), ANYTHING, ANYTHING, ANYTHING


def _as_numpy(function: Predict) -> Predict:
    """Shapes that do not fit together raise a ValueError in NumPy, a RuntimeError in PyTorch."""

    def predict(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except RuntimeError as error:
            raise ValueError("operands could not be broadcast together") from error

    return predict


# --- a variance as the mean of squares minus the squared mean ---------------------------------------------


def _cancelled(sets: Callable[[Case, Tensor], Tensor]) -> Callable[[Case, Outcome], bool]:
    """Recognises E[x^2] - E[x]^2 by what is left of it: a spread that is far too small or too large, or NaN.

    Only far from 0, where squares cannot hold a variance, and never when nothing but NaN came back.
    sets: splits an array of the case's shape into one row per mean and variance.
    """

    def recognise(given: Case, outcome: Outcome) -> bool:
        x, gamma, beta = (torch.from_numpy(array) for array in given.args[:3])
        value = outcome.value
        out = value[0] if isinstance(value, tuple | list) and value else None
        if not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype.kind != "f":
            return False
        shape = (-1, *[1] * (x.ndim - 2))
        x_hat = (torch.from_numpy(out).double() - beta.reshape(shape)) / gamma.reshape(shape)
        rows, found = sets(given, x), sets(given, x_hat)
        var, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
        if (mean.abs() < 1e6 * var.sqrt()).any() or found.isnan().all():
            return False
        straight = (rows - mean) / var.sqrt()
        slope = (straight * found).mean(1, keepdim=True)
        on_a_line = ((found - slope * straight).abs() < 1e-3 * slope.abs()).all(1)
        implied = slope[:, 0] ** -2  # in units of the right variance
        return bool((found.isnan().any(1) | on_a_line & ((implied < 1 / 8) | (implied > 8))).all())

    return recognise


FAR_ADVICE = "the numbers are around 10^9 and close together; which of your terms becomes very large?"
CANCELLED = "the variance is computed as E[x²] − E[x]²"
CANCELLED_HINT = (
    "Both terms are near 10^18 here, and floats of that size are 128 apart: their difference is rounding "
    "error. Subtract the mean first, then square; or let NumPy do it."
)


# --- batchnorm_forward ------------------------------------------------------------------------------------

TRAINING, TRAINING_EPS = "training", "training, where eps counts"
STATISTICS = "training, running statistics"
EVALUATION, EVALUATION_EPS = "evaluation", "evaluation, where eps counts"
ONE_VALUE = "one value per feature"
FAR_AWAY = "large mean, small variance"
STEPS = "three training steps, then evaluation"


def _batchnorm_call(rng: np.random.Generator, x: np.ndarray, **options: Any) -> Case:
    size = x.shape[1]
    return case(x, *_scale_shift(rng, size), *_running(rng, size), **options)


def _bn_training(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.permuted(np.array([[0.0, 1], [6, 10], [12, 4]]), axis=0)
    gamma, beta = np.array([2.0, 3]), np.array([1.0, -1])
    yield case(x, gamma, beta, np.array([5.0, 0]), np.array([9.0, 16]), training=True)
    for shape in ((4, 4), (7, 3), (2, 5)):
        yield _batchnorm_call(rng, _features(rng, *shape), training=True)


def _bn_large_eps(rng: np.random.Generator) -> Iterator[Case]:
    for (n, d), eps in (((3, 2), 0.3), ((6, 3), 0.1)):
        yield _batchnorm_call(rng, (_features(rng, n, d) / 4).round(2), training=True, eps=eps)
    yield _batchnorm_call(rng, _tiny(_features(rng, 4, 3)), training=True)
    x = (_features(rng, 5, 3) / 4).round(2)
    x[:, 1] = 0  # a feature that is the same in every row
    yield _batchnorm_call(rng, x, training=True, eps=0.3)


def _bn_statistics(rng: np.random.Generator) -> Iterator[Case]:
    for (n, d), momentum in (((3, 2), 0.3), ((2, 4), 0.25), ((6, 3), 0.7), ((11, 1), 0.4)):
        yield _batchnorm_call(rng, _features(rng, n, d), training=True, momentum=momentum)
    yield _batchnorm_call(rng, _features(rng, 4, 3), training=True)


def _bn_evaluation(rng: np.random.Generator) -> Iterator[Case]:
    for n, d in ((3, 2), (4, 4), (7, 3)):
        yield _batchnorm_call(rng, _features(rng, n, d), training=False)


def _bn_evaluation_eps(rng: np.random.Generator) -> Iterator[Case]:
    for (n, d), eps in (((2, 3), 0.3), ((5, 2), 0.1)):
        gamma, beta = _scale_shift(rng, d)
        mean, var = _running(rng, d)
        x = _features(rng, n, d)
        yield case(
            (x / 4).round(2), gamma, beta, (mean / 4).round(2), (var / 16).round(2), training=False, eps=eps
        )


def _bn_one_value(rng: np.random.Generator) -> Iterator[Case]:
    for d in (4, 5):
        yield _batchnorm_call(rng, _features(rng, 4, d)[:1], training=True)
        yield _batchnorm_call(rng, _features(rng, 4, d)[:1], training=False)
    yield _batchnorm_call(
        rng, _features(rng, 4, 4)[:2], training=False
    )  # what always refuses is another thing


def _bn_far_away(rng: np.random.Generator) -> Iterator[Case]:
    for n, d in ((4, 4), (6, 5)):
        yield _batchnorm_call(rng, np.ascontiguousarray(_far_away(rng, d, n).T), training=True)


def _bn_steps(rng: np.random.Generator) -> Iterator[Case]:
    for (n, d), momentum in (((3, 2), 0.1), ((5, 3), 0.4)):
        batches = np.stack([_features(rng, n, d) for _ in range(4)])
        yield case(batches, *_scale_shift(rng, d), *_running(rng, d), momentum=momentum)


def _once(plain: str, advice: str) -> str:
    """Advice that helps when the group `plain` passes."""
    return f"With “{plain}” right: {advice}"


def _eps_advice(plain: str) -> str:
    """For a group in which eps counts. plain: the group in which it does not."""
    return f"With “{plain}” right, only eps is left: look at where it stands."


ALL_OUT = (TRAINING, TRAINING_EPS, EVALUATION, EVALUATION_EPS, ONE_VALUE, FAR_AWAY, STEPS)
UNBIASED_HINT = (
    "The batch is a sample: its variance is too small, by the factor (n - 1)/n on average. For the running "
    "variance multiply by n/(n - 1), or let NumPy do it with `ddof=1`."
)
ROOT_HINT = "The text's formula has eps under the root, beside the variance: first add, then take the root."
NO_EPS_HINT = (
    "At eps = 0.00001 nobody sees it, but where all numbers that share a mean are equal, you divide by 0."
)

BETA_HINT = "The scale is right; behind it, beta is added."
STD_HINT = "It is a variance, as its name says; the root is taken when it is used."
ALWAYS_MOMENTUM = "momentum is 0.1, whatever is asked for"
ALWAYS_EPS = "eps is 0.00001, whatever is asked for"
ALWAYS_HINT = (
    "That is the value for those who say nothing. Is the argument used, and is it handed on, by name, when "
    "you call another function?"
)

BATCHNORM_FORWARD = Exercise(
    name="batchnorm_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache, running_mean, running_var)",
    parts=("out", "cache", "running_mean", "running_var"),
    reference=_batchnorm,
    groups=(
        Group(TRAINING, 1, _bn_training, lift=ONLY_OUT),
        Group(TRAINING_EPS, 1, _bn_large_eps, lift=ONLY_OUT, probe="not_contiguous"),
        Group(STATISTICS, 1, _bn_statistics, lift=ONLY_RUNNING),
        Group(EVALUATION, 1, _bn_evaluation),
        Group(EVALUATION_EPS, 1, _bn_evaluation_eps, lift=ONLY_OUT),
        Group(ONE_VALUE, 1, _bn_one_value, lift=ONLY_OUT),
        Group(FAR_AWAY, 1, _bn_far_away, lift=ONLY_OUT),
        Group(STEPS, 1, _bn_steps, lift=_steps, probe="training_then_evaluation"),
    ),
    advice={
        TRAINING: "Print the mean and the spread of each column of (out - beta) / gamma: 0 and 1 are wanted.",
        TRAINING_EPS: _eps_advice(TRAINING),
        STATISTICS: (
            "If running_mean is right, so is your momentum: look at which variance goes into running_var. "
            "Else work out one step on paper: the old value counts 1 - momentum, the batch's counts momentum."
        ),
        EVALUATION: (
            "Nothing of this batch is averaged here, and both running statistics are handed back as they "
            "came."
        ),
        EVALUATION_EPS: _eps_advice(EVALUATION),
        ONE_VALUE: "In training a single row is a ValueError; in evaluation it is a row like any other.",
        FAR_AWAY: _once(TRAINING, FAR_ADVICE),
        STEPS: (
            "Each step gets the running statistics that the step before returned. If all the other groups "
            "pass, does your function keep something from one call to the next?"
        ),
    },
    misconceptions=(
        Misconception(
            "eps is added outside the root",
            ROOT_HINT,
            _divides_by(EPS_OUTSIDE),
            (TRAINING_EPS, EVALUATION_EPS),
        ),
        Misconception(
            "eps is missing",
            NO_EPS_HINT + " Add it to the variance.",
            _divides_by(EPS_MISSING),
            (TRAINING_EPS, EVALUATION_EPS),
        ),
        Misconception(
            "in evaluation eps is added outside the root",
            "Training does it right; compare the two lines. " + ROOT_HINT,
            _divides_by(EPS_OUTSIDE, training=False),
            (EVALUATION_EPS,),
        ),
        Misconception(
            "in evaluation eps is missing",
            "Training does it right; compare the two lines. The running variance needs its eps as well.",
            _divides_by(EPS_MISSING, training=False),
            (EVALUATION_EPS,),
        ),
        Misconception(
            "the root is missing: divided by the variance",
            "After dividing, the spread of a column should be 1. Dividing by the variance gives 1/std "
            "instead.",
            _divides_by(NO_ROOT),
            ALL_OUT,
        ),
        Misconception(
            "the unbiased variance normalises the batch",
            "Two variances are needed: the one that divides by n normalises, the one that divides by n - 1 "
            "goes into the running variance.",
            _when_called(_normalises_with_unbiased),
            (TRAINING, TRAINING_EPS, FAR_AWAY),
        ),
        Misconception(
            "gamma and beta are left out",
            "x_hat is not yet the output: scale it by gamma and shift it by beta, in both modes.",
            _plain_x_hat(training=True),
            ALL_OUT,
        ),
        Misconception(
            "gamma is left out",
            "The shift is there; before it, x_hat is scaled by gamma.",
            _when_called(lambda call: call.right(gamma=torch.ones_like(call.gamma))),
            ALL_OUT,
        ),
        Misconception(
            "beta is left out",
            BETA_HINT,
            _when_called(lambda call: call.right(beta=torch.zeros_like(call.beta))),
            ALL_OUT,
        ),
        Misconception(
            "gamma and beta are forgotten in evaluation",
            "Only where mean and variance come from differs between the modes; the last line is the same.",
            _plain_x_hat(training=False),
            (EVALUATION, EVALUATION_EPS, ONE_VALUE, STEPS),
        ),
        Misconception(
            "beta is multiplied by gamma, too",
            "First scale, then shift: beta is added to the product.",
            _when_called(_beta_scaled),
            ALL_OUT,
        ),
        Misconception(
            "the batch's own statistics are used in evaluation",
            "In evaluation a row must not depend on the other rows: take the running mean and variance.",
            _when_called(_batch_in_evaluation),
            (EVALUATION, EVALUATION_EPS, ONE_VALUE, STEPS),
        ),
        Misconception(
            "the running statistics are used in training",
            "In training the batch's own mean and variance normalise; the running ones are only kept up to "
            "date.",
            _when_called(_running_in_training),
            (TRAINING, TRAINING_EPS, FAR_AWAY),
        ),
        Misconception(
            "the running statistics are used in training, as they came in",
            "In training the batch's own mean and variance normalise; the running ones are only kept up to "
            "date.",
            _when_called(lambda call: (call.right(training=False)[0], *call.right()[1:])),
            (TRAINING, TRAINING_EPS, FAR_AWAY),
        ),
        Misconception(
            "the running statistics are updated in evaluation",
            "Looking at test data must not change the layer: update them only where `training` is true.",
            _when_called(_updated_in_evaluation),
            (EVALUATION,),
        ),
        Misconception(
            "in evaluation the running statistics are updated first, then used",
            "Looking at test data must not change the layer: update them only where `training` is true.",
            _when_called(_updated_and_used_in_evaluation),
            (EVALUATION, EVALUATION_EPS, ONE_VALUE, STEPS),
        ),
        Misconception(
            "the running variance averages biased variances",
            UNBIASED_HINT,
            _keeps(_biased),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "the running variance averages biased variances times (n - 1)/n",
            "The factor is upside down: dividing by n made the variance too small, so it has to grow.",
            _keeps(_smaller_still),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "the running variance averages standard deviations",
            STD_HINT,
            _keeps(_standard_deviations),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "the running variance averages standard deviations, with n - 1 in them",
            STD_HINT,
            _keeps(_unbiased_deviations),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "momentum weighs the old value instead of the new one",
            "At momentum 0.1 the batch's value counts one tenth, and the old one nine tenths.",
            _keeps(lambda call: call.right(momentum=1 - call.momentum)[2:]),
            (STATISTICS, STEPS),
        ),
        Misconception(ALWAYS_MOMENTUM, ALWAYS_HINT, _keeps(_usual_momentum), (STATISTICS, STEPS)),
        Misconception(ALWAYS_EPS, ALWAYS_HINT, _when_called(_usual_eps), (TRAINING_EPS, EVALUATION_EPS)),
        Misconception(
            "the old running value is not scaled by 1 - momentum",
            "The two weights must add up to 1, or the running values grow with every step.",
            _keeps(_old_not_weighed),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "the running statistics are replaced by the batch's",
            "They are an average over many steps; where does `momentum` enter?",
            _keeps(lambda call: call.right(momentum=1.0)[2:]),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "training returns the running statistics as they came",
            "In training both move a little towards the batch's values; is the new value computed and "
            "returned?",
            _keeps(lambda call: (call.running_mean, call.running_var)),
            (STATISTICS, STEPS),
        ),
        Misconception(
            "the running statistics have shape (1, D)",
            "The values are right, but they have an axis more than the (D,) that is asked for. Is there a "
            "`keepdims=True` in the mean and the variance that go in?",
            _keeps(_two_axes),
            (STATISTICS,),
        ),
        Misconception(
            "one row in training is normalised instead of refused",
            "With one value per feature the variance is 0 and the output is beta, whatever x is. Raise a "
            "ValueError before anything is computed.",
            _alone(_beta_alone, training=True),
            (ONE_VALUE,),
        ),
        Misconception(
            "one row in training ends in a division by n - 1 = 0",
            "The error comes, but by accident, and it names no reason. Check the number of rows first, and "
            "raise a ValueError that says what is wrong.",
            _alone(_raises(ZeroDivisionError), training=True),
            (ONE_VALUE,),
        ),
        Misconception(
            "one row is refused in evaluation, too",
            "The running statistics are there, so a single row is no problem: ask about `training` as well.",
            _alone(_raises(ValueError), training=False),
            (ONE_VALUE,),
        ),
        Misconception(
            CANCELLED,
            CANCELLED_HINT,
            fails=(FAR_AWAY,),
            recognise=_cancelled(lambda given, x: x.T),
        ),
    ),
)


# --- batchnorm2d_forward ----------------------------------------------------------------------------------

TRAINING_2D, TRAINING_EPS_2D, STATISTICS_2D = TRAINING, TRAINING_EPS, STATISTICS
SQUARE = "as many images as channels, rows and columns"
EVALUATION_2D = "evaluation, any eps"
ONE_IMAGE = "one image, one pixel"


def _bn2d_training(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 2, 2, 2), (3, 2, 2, 4), (2, 3, 5, 2), (2, 1, 3, 4)):
        yield _batchnorm_call(rng, _images(rng, *shape), training=True)


def _bn2d_square(rng: np.random.Generator) -> Iterator[Case]:
    for side in (2, 3):
        yield _batchnorm_call(rng, _images(rng, side, side, side, side), training=True)


def _bn2d_large_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((2, 2, 3, 2), 0.3), ((3, 4, 2, 3), 0.1)):
        yield _batchnorm_call(rng, (_images(rng, *shape) / 16).round(2), training=True, eps=eps)
    yield _batchnorm_call(rng, _tiny(_images(rng, 2, 3, 2, 2)), training=True)


def _bn2d_statistics(rng: np.random.Generator) -> Iterator[Case]:
    for shape, momentum in (((2, 2, 3, 2), 0.3), ((3, 4, 2, 3), 0.25), ((3, 1, 3, 4), 0.4)):
        yield _batchnorm_call(rng, _images(rng, *shape), training=True, momentum=momentum)
    yield _batchnorm_call(rng, _images(rng, 2, 3, 2, 2), training=True)


def _bn2d_evaluation(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((2, 2, 3, 2), 0.3), ((1, 3, 2, 4), 0.3), ((3, 4, 3, 2), 0.1)):
        channels = shape[1]
        mean, var = _running(rng, channels)
        yield case(
            (_images(rng, *shape) / 4).round(2),
            *_scale_shift(rng, channels),
            (mean / 4).round(2),
            (var / 16).round(2),
            training=False,
            eps=eps,
        )


def _bn2d_one(rng: np.random.Generator) -> Iterator[Case]:
    yield _batchnorm_call(rng, _images(rng, 1, 2, 3, 4), training=True)
    pixel = _images(rng, 1, 6, 2, 2)[..., :1, :1]
    yield _batchnorm_call(rng, pixel, training=True)
    yield _batchnorm_call(rng, pixel, training=False)


def _rows_of_channels(call: _Call) -> Any:
    """(N, C, H, W) cut into rows of C numbers as they lie in memory, which mixes the channels."""
    out, cache, mean, var = replace(call, x=call.x.reshape(-1, call.x.shape[1])).right()
    return out.reshape(call.x.shape), cache, mean, var


def _not_moved_back(call: _Call) -> Any:
    out, cache, mean, var = call.right()
    return out.movedim(1, -1).reshape(call.x.shape), cache, mean, var


def _each_image(call: _Call) -> Any:
    """Statistics over height and width only."""
    out, cache, mean, var = call.right()
    if call.training:
        out = F.group_norm(call.x, call.x.shape[1], call.gamma, call.beta, call.eps)
        biased, means = torch.var_mean(call.x, (2, 3), correction=0)
        mean = torch.lerp(call.running_mean.expand_as(means), means, call.momentum)
        unbiased = biased * call.count / (call.count - 1)
        var = torch.lerp(call.running_var.expand_as(means), unbiased, call.momentum)
    return out, cache, mean, var


def _along_columns(call: _Call) -> Any:
    """gamma and beta are not reshaped, and NumPy lays them along the last axis."""
    _, *rest = call.right()
    return torch.addcmul(call.beta, call.gamma, call.x_hat), *rest


def _statistics_along_columns(call: _Call) -> Any:
    """mean and var are not reshaped."""
    _, *rest = call.right()
    var, mean = call.moments if call.training else (call.running_var, call.running_mean)
    return call.affine(torch.mul(torch.sub(call.x, mean), torch.rsqrt(var + call.eps))), *rest


def _images_counted(call: _Call) -> Any:
    """n is the number of images: one is refused, and the unbiased variance is n / (n - 1) of the biased."""
    out, cache, mean, var = call.right()
    images = len(call.x)
    if call.training and images == 1:
        raise ValueError("one image")
    if call.training:
        var = torch.lerp(call.running_var, call.var * images / (images - 1), call.momentum)
    return out, cache, mean, var


def _four_axes(call: _Call) -> tuple[Any, Any]:
    mean, var = (value.reshape(1, -1, 1, 1) for value in call.right()[2:])
    return mean, var


def _bn2d_far(rng: np.random.Generator) -> Iterator[Case]:
    for n, c, h, w in ((2, 4, 1, 4), (2, 5, 3, 2)):
        x = _far_away(rng, c, n * h * w).reshape(c, n, h, w).swapaxes(0, 1)
        yield _batchnorm_call(rng, np.ascontiguousarray(x), training=True)


NORMALISED_2D = (TRAINING_2D, SQUARE, TRAINING_EPS_2D, FAR_AWAY)
OUT_2D = (*NORMALISED_2D, EVALUATION_2D, ONE_IMAGE)

MEANS_ON_COLUMNS = "the mean and the variance run along the columns of x, not along the channels"
MEANS_ON_COLUMNS_HINT = (
    "NumPy lines shapes up from the right, and the last axis of x is W. Give mean and variance two more axes "
    "of length 1 at the end; `keepdims=True` keeps them from the start."
)

BATCHNORM2D_FORWARD = Exercise(
    name="batchnorm2d_forward",
    notebook=NOTEBOOK,
    asked="the tuple (out, cache, running_mean, running_var)",
    parts=BATCHNORM_FORWARD.parts,
    reference=_batchnorm,
    groups=(
        Group(TRAINING_2D, 1, _bn2d_training, lift=ONLY_OUT),
        Group(SQUARE, 1, _bn2d_square, lift=ONLY_OUT, probe="not_contiguous"),
        Group(TRAINING_EPS_2D, 1, _bn2d_large_eps, lift=ONLY_OUT),
        Group(STATISTICS_2D, 1, _bn2d_statistics, lift=ONLY_RUNNING),
        Group(EVALUATION_2D, 1, _bn2d_evaluation),
        Group(ONE_IMAGE, 1, _bn2d_one, lift=ONLY_OUT),
        Group(FAR_AWAY, 1, _bn2d_far, lift=ONLY_OUT),
    ),
    advice={
        TRAINING_2D: "Which numbers share a mean? All those of one channel: of every image, row and column.",
        SQUARE: _once(
            TRAINING_2D,
            "where all sizes are equal no shape complains; which axis does each of your arrays run along?",
        ),
        TRAINING_EPS_2D: _eps_advice(TRAINING_2D),
        STATISTICS_2D: (
            "If running_mean is right, look at n in n / (n - 1): how many numbers is each mean made of? If "
            "not: over which axes is it taken, and is `momentum` used, or handed on?"
        ),
        EVALUATION_2D: "Nothing of this batch is averaged here, and both running statistics are handed back.",
        ONE_IMAGE: "One image has H · W values for each channel: enough, unless it is a single pixel.",
        FAR_AWAY: _once(TRAINING_2D, FAR_ADVICE),
    },
    misconceptions=(
        Misconception(
            "x is reshaped to (-1, C) without moving the channels to the end first",
            "`reshape` cuts the numbers in the order in which they lie in memory, and channels do not lie "
            "last. Write 0, 1, 2, ... into a small x and look at the rows that you get.",
            _when_called(_rows_of_channels),
            (*OUT_2D, STATISTICS_2D),
        ),
        Misconception(
            "the result is reshaped to (N, C, H, W) without moving the channels back",
            "The shape is right, but the numbers stand in the order N, H, W, C: reshape to that, then move "
            "the last axis.",
            _when_called(_not_moved_back),
            OUT_2D,
        ),
        Misconception(
            "every image has a mean and a variance of its own",
            "A channel's mean runs over all the images as well: which axes do you average over?",
            _when_called(_each_image),
            (*NORMALISED_2D, STATISTICS_2D),
        ),
        Misconception(
            "gamma and beta run along the columns, not along the channels",
            "NumPy lines shapes up from the right: (C,) meets W. Give them two more axes of length 1 at "
            "the end.",
            _as_numpy(_when_called(_along_columns)),
            (*OUT_2D, STATISTICS_2D),
        ),
        Misconception(
            MEANS_ON_COLUMNS,
            MEANS_ON_COLUMNS_HINT,
            _as_numpy(_when_called(_statistics_along_columns)),
            (*OUT_2D, STATISTICS_2D),
        ),
        Misconception(
            "n counts the images, not the values of a channel",
            "Each mean is made of N · H · W values. That is the n of n / (n - 1), and the n that must not "
            "be 1.",
            _when_called(_images_counted),
            (STATISTICS_2D, ONE_IMAGE),
        ),
        Misconception(
            "eps is added outside the root",
            ROOT_HINT,
            _divides_by(EPS_OUTSIDE),
            (TRAINING_EPS_2D, EVALUATION_2D),
        ),
        Misconception(
            "eps is missing",
            NO_EPS_HINT + " Add it to the variance.",
            _divides_by(EPS_MISSING),
            (TRAINING_EPS_2D, EVALUATION_2D),
        ),
        Misconception(
            "the unbiased variance normalises the batch",
            "The variance that divides by n normalises; the one with n - 1 goes into the running variance.",
            _when_called(_normalises_with_unbiased),
            (*NORMALISED_2D, ONE_IMAGE),
        ),
        Misconception(
            "the running variance averages biased variances",
            UNBIASED_HINT,
            _keeps(_biased),
            (STATISTICS_2D,),
        ),
        Misconception(
            "momentum weighs the old value instead of the new one",
            "At momentum 0.1 the batch's value counts one tenth, and the old one nine tenths.",
            _keeps(lambda call: call.right(momentum=1 - call.momentum)[2:]),
            (STATISTICS_2D,),
        ),
        Misconception(ALWAYS_MOMENTUM, ALWAYS_HINT, _keeps(_usual_momentum), (STATISTICS_2D,)),
        Misconception(ALWAYS_EPS, ALWAYS_HINT, _when_called(_usual_eps), (TRAINING_EPS_2D, EVALUATION_2D)),
        Misconception(
            "the running statistics have shape (1, C, 1, 1)",
            "The values are right. They are asked for with the shape (C,): let the three axes of length 1 "
            "go.",
            _keeps(_four_axes),
            (STATISTICS_2D,),
        ),
        Misconception(
            "the batch's own statistics are used in evaluation",
            "In evaluation an image must not depend on the other images: take the running mean and variance.",
            _when_called(_batch_in_evaluation),
            (EVALUATION_2D, ONE_IMAGE),
        ),
        Misconception(
            "gamma and beta are forgotten in evaluation",
            "Only where mean and variance come from differs between the modes; the last line is the same.",
            _plain_x_hat(training=False),
            (EVALUATION_2D, ONE_IMAGE),
        ),
        Misconception(
            "one value per channel in training is normalised instead of refused",
            "With one value per channel the variance is 0 and the output is beta, whatever x is: raise a "
            "ValueError when N · H · W is 1.",
            _alone(_beta_alone, training=True),
            (ONE_IMAGE,),
        ),
        Misconception(
            CANCELLED,
            CANCELLED_HINT,
            fails=(FAR_AWAY,),
            recognise=_cancelled(lambda given, x: x.movedim(1, 0).flatten(1)),
        ),
    ),
)


# --- backward: the gradient's three shares ----------------------------------------------------------------


@dataclass(frozen=True)
class _Shares:
    """What an input of a normalisation gets back, in rows that share a mean and a variance.

    straight: through x itself, mean and variance taken for constants. mean, var: through these two.
    size: numbers in a row. variance: of each row, with a second axis of length 1.
    """

    straight: Tensor
    mean: Tensor
    var: Tensor
    size: int
    variance: Tensor
    eps: float

    @property
    def all(self) -> Tensor:
        return self.straight + self.mean + self.var

    @property
    def stretch(self) -> Tensor:
        """By how much a standard deviation without eps is too small."""
        return ((self.variance + self.eps) / self.variance).sqrt()


def _shares(rows: Tensor, upstream: Tensor, eps: float) -> _Shares:
    """The shares by autograd: of a layer that is frozen, half frozen, and free."""
    columns, dout = rows.T.contiguous(), upstream.T.contiguous()
    variance, mean = torch.var_mean(columns, 0, correction=0)

    def gradient(layer: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = columns.clone().requires_grad_()
        return torch.autograd.grad(layer(leaf), leaf, dout)[0].T

    straight = gradient(lambda z: F.batch_norm(z, mean, variance, eps=eps))
    moving = gradient(lambda z: F.batch_norm(z - z.mean(0), torch.zeros_like(mean), variance, eps=eps))
    free = gradient(lambda z: F.batch_norm(z, None, None, training=True, eps=eps))
    return _Shares(straight, moving - straight, free - moving, len(columns), variance[:, None], eps)


@dataclass(frozen=True)
class _Layer:
    """A normalisation: forward, and which numbers share a mean and a variance.

    forward: ``(x, gamma, beta, ..., **options) -> (out, ...)``. split: (tensor, options) -> rows.
    """

    forward: Predict
    split: Callable[[Tensor, Any], Tensor]


@dataclass(frozen=True)
class _Back:
    """The arguments of one case of a backward: upstream gradient, the forward's arguments, its options."""

    layer: _Layer
    dout: Tensor
    x: Tensor
    gamma: Tensor
    beta: Tensor
    running: tuple[Tensor, ...]
    options: dict[str, Any]

    @property
    def right(self) -> tuple[Tensor, ...]:
        """The gradients of x, gamma and beta."""
        leaves = [tensor.clone().requires_grad_() for tensor in (self.x, self.gamma, self.beta)]
        out = self.layer.forward(*leaves, *self.running, **self.options)[0]
        return torch.autograd.grad(out, leaves, self.dout)

    @property
    def eps(self) -> float:
        return float(self.options.get("eps", 1e-5))

    def per_channel(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (self.x.ndim - 2))

    @property
    def dx_hat(self) -> Tensor:
        return self.dout * self.per_channel(self.gamma)

    @property
    def x_hat(self) -> Tensor:
        ones, zeros = torch.ones_like(self.gamma), torch.zeros_like(self.beta)
        return self.layer.forward(self.x, ones, zeros, *self.running, **self.options)[0]

    def rows(self, tensor: Tensor) -> Tensor:
        return self.layer.split(tensor, self.options)

    def joined(self, rows: Tensor) -> Tensor:
        """The reverse of `rows`."""
        places = self.rows(torch.arange(self.x.numel()).reshape(self.x.shape))
        return torch.empty(self.x.numel(), dtype=rows.dtype).put(places, rows).reshape(self.x.shape)

    def shares(self, upstream: Tensor) -> _Shares:
        return _shares(self.rows(self.x), self.rows(upstream), self.eps)

    @property
    def divisor(self) -> Tensor:
        """The root of variance + eps, as an array like x."""
        rows = self.rows(self.x)
        return self.joined((rows.var(1, correction=0, keepdim=True) + self.eps).sqrt().expand_as(rows))


def _backward(layer: _Layer, rule: Callable[[_Back], Any]) -> Predict:
    """A reference or a prediction with the arguments of a case: dout, then those of the forward."""

    def predict(
        dout: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *running: Tensor, **options: Any
    ) -> Any:
        return rule(_Back(layer, dout, x, gamma, beta, running, options))

    return predict


DxRule = Callable[[_Back], Tensor]
ParameterRule = Callable[[_Back], tuple[Tensor, Tensor]]


def _dx(rule: DxRule) -> Callable[[_Back], Any]:
    """Only dx is wrong."""
    return lambda back: (rule(back), *back.right[1:])


def _mixed(mix: Callable[[_Shares], Tensor]) -> Callable[[_Back], Any]:
    """dx is made of its three shares in a wrong way."""
    return _dx(lambda back: back.joined(mix(back.shares(back.dx_hat))))


def _gamma_forgotten(back: _Back) -> Tensor:
    return back.joined(back.shares(back.dout).all)


def _gamma_outside(back: _Back) -> Tensor:
    """gamma multiplies last, as if it were the same along everything that is averaged."""
    return _gamma_forgotten(back) * back.per_channel(back.gamma)


def _left_over(g: Tensor, x_hat: Tensor, axes: tuple[int, ...], centred: bool = False) -> Tensor:
    """What autograd gives back to x_hat when its mean and its mean square over `axes` are held fixed.

    centred: its variance instead of its mean square, which differs where x_hat has a mean over `axes`.
    """
    z = x_hat.detach().clone().requires_grad_()
    held = (g * (z - z.mean(axes, keepdim=True))).sum()
    square = z.var(axes, correction=0, keepdim=True) if centred else z.square().mean(axes, keepdim=True)
    bend = (g * x_hat * square / 2).sum()
    return torch.autograd.grad(held - bend, z)[0]


def _without_its_direction(back: _Back) -> Tensor:
    """The average of gradient times x_hat is subtracted as it is."""
    of, x_hat = back.shares(back.dx_hat), back.rows(back.x_hat)
    slope = torch.linalg.vecdot(of.straight, x_hat, dim=1)[:, None] / of.size
    return back.joined(of.straight + of.mean - slope)


def _one_average_for_all(back: _Back) -> Tensor:
    everywhere = tuple(range(back.x.ndim))
    bare = _left_over(back.dout, back.x_hat, everywhere)
    return bare * back.per_channel(back.gamma) / back.divisor


def _gamma_first_only(back: _Back) -> Tensor:
    """gamma multiplies the straight share, and the other two are made without it."""
    bare, scaled = back.shares(back.dout), back.shares(back.dx_hat)
    return back.joined(scaled.straight + bare.mean + bare.var)


def _rows_kept_apart(back: _Back) -> Tensor:
    """The variance's share is made in each row from this row alone; then the mean's share."""
    straight, x_hat = back.rows(back.dx_hat / back.divisor), back.rows(back.x_hat)
    alone = torch.addcmul(straight, straight, x_hat.square(), value=-1 / x_hat.shape[1])
    return back.joined(torch.sub(alone, alone.mean(1, keepdim=True)))


def _divided_by_images(back: _Back) -> Tensor:
    of = back.shares(back.dx_hat)
    return back.joined(of.straight + of.size / len(back.x) * (of.mean + of.var))


def _averaged_over(*axes: int) -> DxRule:
    """The averages run over these axes instead of the forward's."""
    return lambda back: _left_over(back.dx_hat, back.x_hat, axes) / back.divisor


def _parameters(rule: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Callable[[_Back], Any]:
    """dgamma and dbeta are made in a wrong way of what each number of the output gives to them."""

    def wrong(back: _Back) -> Any:
        wide = [torch.broadcast_to(back.per_channel(v), back.x.shape) for v in (back.gamma, back.beta)]
        leaves = [tensor.clone().requires_grad_() for tensor in wide]
        each = torch.autograd.grad(torch.addcmul(leaves[1], leaves[0], back.x_hat), leaves, back.dout)
        return back.right[0], *rule(*each)

    return wrong


def _over(*axes: int) -> Callable[[_Back], Any]:
    return _parameters(lambda gammas, betas: (gammas.sum(axes), betas.sum(axes)))


def _x_hat_forgotten(back: _Back) -> Any:
    dx, _, dbeta = back.right
    return dx, dbeta, dbeta


def _swapped_parameters(back: _Back) -> Any:
    return tuple(back.right[index] for index in (0, 2, 1))


def _shaped(*shape: int) -> Callable[[_Back], Any]:
    """dgamma and dbeta with axes of length 1 that nobody asked for."""
    return lambda back: (back.right[0], *(value.reshape(shape) for value in back.right[1:]))


def _documented(layer: _Layer, var_shape: Callable[[Tensor, Any], tuple[int, ...]]) -> Predict:
    """The cache that the text prescribes: x_hat, gamma, var, eps, and the groups where there are any."""

    def cache(x: Tensor, gamma: Tensor, beta: Tensor, *running: Tensor, **options: Any) -> tuple[Any, ...]:
        back = _Back(layer, x, x, gamma, beta, running, options)
        var = back.rows(x).var(1, correction=0).reshape(var_shape(x, options))
        groups = (options["groups"],) if "groups" in options else ()
        return (back.x_hat, gamma, var, back.eps, *groups)

    return cache


GRADIENTS = "the tuple (dx, dgamma, dbeta)"
GRADIENT_PARTS = ("dx", "dgamma", "dbeta")
BACKWARD = ("dout", "x", "gamma", "beta")  # names of the arguments of a case
BACKWARD_RUNNING = (*BACKWARD, "running_mean", "running_var")
PARAMETERS = "dgamma and dbeta"
DX_ONES, DX, DX_EPS = "dx, gamma = 1", "dx, any gamma", "dx, where eps counts"


def _common_mistakes(layer: _Layer, over: str) -> tuple[Misconception, ...]:
    """What goes wrong in the backward of every normalisation. over: what is averaged, in words."""
    every_dx, with_gamma = (DX_ONES, DX, DX_EPS), (DX, DX_EPS)
    return (
        Misconception(
            "the path through the mean is forgotten",
            f"Every x also moves the mean, and with it all of {over}: there is a term with the average of "
            "what comes back to x_hat.",
            _backward(layer, _mixed(lambda of: of.straight + of.var)),
            every_dx,
        ),
        Misconception(
            "the path through the variance is forgotten",
            f"Every x also moves the variance, and with it the scale of all of {over}: there is a term with "
            "x_hat in it. If you have one, print it: is it 0, because something was averaged too early?",
            _backward(layer, _mixed(lambda of: of.straight + of.mean)),
            every_dx,
        ),
        Misconception(
            "mean and variance are taken for constants",
            "Only the straight path is there. Mean and variance are made of x as well, and two more terms "
            "come from there.",
            _backward(layer, _mixed(lambda of: of.straight)),
            every_dx,
        ),
        Misconception(
            "dx: gamma is forgotten",
            "On its way back the gradient passes the multiplication by gamma first.",
            _backward(layer, _dx(_gamma_forgotten)),
            with_gamma,
        ),
        Misconception(
            "dx: eps is missing",
            "The forward divided by the root of var + eps, so the backward divides by the same number.",
            _backward(layer, _mixed(lambda of: of.all * of.stretch)),
            (DX_EPS,),
        ),
        Misconception(
            "dgamma: x_hat is forgotten",
            "gamma multiplies x_hat, so its gradient is weighed by it. What you have is dbeta.",
            _backward(layer, _x_hat_forgotten),
            (PARAMETERS,),
        ),
        Misconception(
            "dgamma and dbeta are exchanged",
            "The order is that of the forward's inputs: x, gamma, beta.",
            _backward(layer, _swapped_parameters),
            (PARAMETERS,),
        ),
    )


# --- batchnorm_backward, twice ----------------------------------------------------------------------------

BN = _Layer(_batchnorm, lambda x, options: x.T)


def _back(
    rng: np.random.Generator,
    x: np.ndarray,
    *running: np.ndarray,
    ones: bool = False,
    **options: Any,
) -> Case:
    gamma, beta = _scale_shift(rng, x.shape[1])
    gamma = np.ones_like(gamma) if ones else gamma
    return case(_upstream(rng, x), x, gamma, beta, *running, **options)


def _bn_back(rng: np.random.Generator, x: np.ndarray, **options: Any) -> Case:
    return _back(rng, x, *_running(rng, x.shape[1]), training=True, **options)


def _bn_back_plain(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 2), (4, 4), (7, 3), (9, 1)):
        yield _bn_back(rng, _features(rng, *shape))


def _bn_back_ones(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 2), (4, 4), (7, 3)):
        yield _bn_back(rng, _features(rng, *shape), ones=True)


def _bn_back_eps(rng: np.random.Generator) -> Iterator[Case]:
    for (n, d), eps in (((3, 2), 0.3), ((6, 4), 0.1)):
        yield _bn_back(rng, (_features(rng, n, d) / 5).round(2), eps=eps)


def _summed_features(layer: _Layer) -> Misconception:
    return Misconception(
        "dgamma and dbeta are summed over the features",
        "There is one gamma for each feature, used in every row: sum over the rows.",
        _backward(layer, _over(1)),
        (PARAMETERS,),
    )


def _averaged_parameters(layer: _Layer, axes: tuple[int, ...]) -> Misconception:
    return Misconception(
        "dgamma and dbeta are averaged instead of summed",
        "gamma was used many times, and every use gives its share: they are added. (If the loss is a mean, "
        "`dout` knows that already.)",
        _backward(layer, _parameters(lambda gammas, betas: (gammas.mean(axes), betas.mean(axes)))),
        (PARAMETERS,),
    )


def _one_axis_too_many(layer: _Layer, letters: str, *shape: int) -> Misconception:
    return Misconception(
        f"dgamma and dbeta have shape ({letters})",
        "The values are right, but they need the shape of gamma and beta, which is one axis. Is there a "
        "`keepdims=True` in these two sums?",
        _backward(layer, _shaped(*shape)),
        (PARAMETERS,),
    )


EVERY_DX = (DX_ONES, DX, DX_EPS)
BACKWARD_ADVICE = {
    PARAMETERS: (
        "Each number of the output is x_hat times gamma, plus beta: what does it give back to gamma, and "
        "what to beta?"
    ),
    DX_ONES: "Three paths lead from x to the output: straight, through the mean, through the variance.",
    DX: _once(
        DX_ONES, "only gamma is left; where does it stand between x_hat and out, and so on the way back?"
    ),
    DX_EPS: _eps_advice(DX),
}


def _bn_back_groups(points_for_ones: int) -> tuple[Group, ...]:
    return (
        Group(PARAMETERS, 1, _bn_back_plain, lift=ONLY_PARAMETERS),
        Group(DX_ONES, points_for_ones, _bn_back_ones, lift=ONLY_DX),
        Group(DX, 1, _bn_back_plain, lift=ONLY_DX, probe="own_cache_not_contiguous"),
        Group(DX_EPS, 1, _bn_back_eps, lift=ONLY_DX),
    )


BATCHNORM_BACKWARD = Exercise(
    name="batchnorm_backward",
    notebook=NOTEBOOK,
    asked=GRADIENTS,
    parts=GRADIENT_PARTS,
    arguments=BACKWARD_RUNNING,
    probe="own_cache",
    documented=_documented(BN, lambda x, options: (x.shape[1],)),
    reference=_backward(BN, lambda back: back.right),
    groups=_bn_back_groups(2),
    advice=BACKWARD_ADVICE,
    misconceptions=(
        *_common_mistakes(BN, "its column"),
        Misconception(
            "dx: the mean's share is not divided by N",
            "The mean is a sum divided by N, so what comes back to each row through it is divided by N as "
            "well.",
            _backward(BN, _mixed(lambda of: of.straight + of.size * of.mean + of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the variance's share is not divided by N",
            "The variance is a mean of squares: what comes back to each row through it is divided by N.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + of.size * of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: what comes back to s is averaged over the rows instead of summed",
            "s is used in every row, so what comes back from the rows is added. The 1/N of the variance's "
            "share enters once, at v.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + of.var / of.size)),
            EVERY_DX,
        ),
        Misconception(
            "dx: what comes back to s is not summed over the rows",
            "s is one number for a column, and so is its gradient: print its shape, (D,) is wanted. NumPy "
            "does not complain about (N, D).",
            _backward(BN, _dx(_rows_kept_apart)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the 1/2 of the root's derivative is forgotten",
            "The derivative of sqrt(v) is 1 / (2 sqrt(v)).",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + 2 * of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the 2 of the square's derivative is forgotten",
            "The variance is the mean of c², and the derivative of c² is 2c.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + of.var / 2)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the variance's share has the wrong sign",
            "x_hat is c / std: when std grows, x_hat shrinks. The derivative of 1/s is negative.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean - of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: eps is missing in the variance's share",
            "The straight path divides by the right number. The derivative of the root is taken at var + "
            "eps, too.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + of.stretch**3 * of.var)),
            (DX_EPS,),
        ),
        _summed_features(BN),
        _averaged_parameters(BN, (0,)),
        _one_axis_too_many(BN, "1, D", 1, -1),
    ),
)

BATCHNORM_BACKWARD_CLOSED_FORM = Exercise(
    name="batchnorm_backward_closed_form",
    notebook=NOTEBOOK,
    asked=GRADIENTS,
    parts=GRADIENT_PARTS,
    arguments=BACKWARD_RUNNING,
    probe="own_cache",
    documented=BATCHNORM_BACKWARD.documented,
    reference=BATCHNORM_BACKWARD.reference,
    groups=_bn_back_groups(1),
    advice={**BACKWARD_ADVICE, DX_ONES: "Compare term by term with what batchnorm_backward adds up."},
    misconceptions=(
        *_common_mistakes(BN, "its column"),
        Misconception(
            "dx: the two sums are not divided by N",
            "dgamma and dbeta are sums; in the formula for dx their averages are needed.",
            _backward(BN, _mixed(lambda of: of.straight + of.size * (of.mean + of.var))),
            EVERY_DX,
        ),
        Misconception(
            "dx: A is a sum instead of an average",
            "A is the average of the upstream gradient: over how many rows?",
            _backward(BN, _mixed(lambda of: of.straight + of.size * of.mean + of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: B is a sum instead of an average",
            "The sum that you have for dgamma is no average yet: over how many rows?",
            _backward(BN, _mixed(lambda of: of.straight + of.mean + of.size * of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the x_hat in front of B is forgotten",
            "B is one number for a column. Each row has its own share of it: multiply by x_hat.",
            _backward(BN, _dx(_without_its_direction)),
            EVERY_DX,
        ),
        Misconception(
            "dx: A and B are averages of the whole array",
            "Every column has its own A and B: give the averages an axis.",
            _backward(BN, _dx(_one_average_for_all)),
            EVERY_DX,
        ),
        Misconception(
            "dx: gamma is multiplied twice",
            "When the upstream gradient has been multiplied by gamma, there is no gamma left to stand in "
            "front of the bracket.",
            _backward(BN, _dx(lambda back: _gamma_outside(back) * back.per_channel(back.gamma))),
            (DX, DX_EPS),
        ),
        Misconception(
            "dx: divided by the variance instead of its root",
            "One factor 1/std stands in front of the bracket; the second one is hidden in x_hat.",
            _backward(BN, _mixed(lambda of: of.all / (of.variance + of.eps).sqrt())),
            EVERY_DX,
        ),
        Misconception(
            "dx: the term with x_hat is added instead of subtracted",
            "Both averages are taken away from the upstream gradient: check your signs against the graph.",
            _backward(BN, _mixed(lambda of: of.straight + of.mean - of.var)),
            EVERY_DX,
        ),
        Misconception(
            "dx: gamma multiplies only the first term",
            "gamma stands in front of the bracket: it multiplies all three terms.",
            _backward(BN, _dx(_gamma_first_only)),
            (DX, DX_EPS),
        ),
        _averaged_parameters(BN, (0,)),
        _one_axis_too_many(BN, "1, D", 1, -1),
    ),
)


# --- batchnorm2d_backward ---------------------------------------------------------------------------------

BN2D = _Layer(_batchnorm, lambda x, options: x.movedim(1, 0).flatten(1))


def _bn2d_back_plain(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 2, 1, 2), (3, 3, 3, 3), (1, 2, 3, 4), (2, 4, 2, 3), (2, 1, 3, 4)):
        yield _bn_back(rng, _images(rng, *shape))


def _bn2d_back_ones(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 2, 1, 2), (3, 3, 3, 3), (2, 4, 2, 3)):
        yield _bn_back(rng, _images(rng, *shape), ones=True)


def _bn2d_back_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((2, 2, 1, 2), 0.3), ((3, 2, 2, 3), 0.1)):
        yield _bn_back(rng, (_images(rng, *shape) / 16).round(2), eps=eps)


def _rows_of_channels_back(*, graph: bool) -> Callable[[_Back], Any]:
    """A backward for (N, D) on rows of C numbers as they lie in memory: by the graph, or in closed form."""

    def rule(back: _Back) -> Any:
        channels = len(back.gamma)
        dout, x_hat = back.dout.reshape(-1, channels), back.x_hat.reshape(-1, channels)
        std = (back.rows(back.x).var(1, correction=0) + back.eps).sqrt()
        dx = _left_over(dout * back.gamma, x_hat, (0,), centred=graph) / std
        return dx.reshape(back.x.shape), torch.einsum("ic,ic->c", dout, x_hat), dout.sum(0)

    return rule


CUT_HINT = (
    "`reshape(-1, C)` cuts the numbers in the order in which they lie in memory, and channels do not lie "
    "last: move them there first, of `dout` and of `x_hat`, and dx back again."
)

BATCHNORM2D_BACKWARD = Exercise(
    name="batchnorm2d_backward",
    notebook=NOTEBOOK,
    asked=GRADIENTS,
    parts=GRADIENT_PARTS,
    arguments=BACKWARD_RUNNING,
    probe="own_cache",
    documented=_documented(BN2D, lambda x, options: (x.shape[1],)),
    reference=_backward(BN2D, lambda back: back.right),
    groups=(
        Group(PARAMETERS, 1, _bn2d_back_plain, lift=ONLY_PARAMETERS),
        Group(DX_ONES, 1, _bn2d_back_ones, lift=ONLY_DX),
        Group(DX, 1, _bn2d_back_plain, lift=ONLY_DX, probe="own_cache_not_contiguous"),
        Group(DX_EPS, 1, _bn2d_back_eps, lift=ONLY_DX),
    ),
    advice=BACKWARD_ADVICE,
    misconceptions=(
        *_common_mistakes(BN2D, "its channel"),
        Misconception(
            "for batchnorm_backward, rows are cut without moving the channels to the end first",
            CUT_HINT,
            _backward(BN2D, _rows_of_channels_back(graph=True)),
            (PARAMETERS, *EVERY_DX),
        ),
        Misconception(
            "for the closed form, rows are cut without moving the channels to the end first",
            CUT_HINT,
            _backward(BN2D, _rows_of_channels_back(graph=False)),
            (PARAMETERS, *EVERY_DX),
        ),
        Misconception(
            "dx: the averages divide by the number of images",
            "A channel has N · H · W values, and the averages divide by that many.",
            _backward(BN2D, _dx(_divided_by_images)),
            EVERY_DX,
        ),
        Misconception(
            "dx: the averages run over each image alone",
            "In the forward all images shared a mean, so their gradients meet there: average over N as well.",
            _backward(BN2D, _dx(_averaged_over(2, 3))),
            EVERY_DX,
        ),
        Misconception(
            "dgamma and dbeta are summed over height and width only",
            "Every image used the same gamma: sum over the images as well, so that the shape is (C,).",
            _backward(BN2D, _over(2, 3)),
            (PARAMETERS,),
        ),
        Misconception(
            "dgamma and dbeta are summed over the images only",
            "Every row and every column used the same gamma: sum over H and W as well, so that the shape "
            "is (C,).",
            _backward(BN2D, _over(0)),
            (PARAMETERS,),
        ),
        _averaged_parameters(BN2D, (0, 2, 3)),
        _one_axis_too_many(BN2D, "1, C, 1, 1", 1, -1, 1, 1),
    ),
)


# --- fold_batchnorm ---------------------------------------------------------------------------------------

A_CONVOLUTION, SAME_CHANNELS = "a convolution", "as many filters as channels"
FOLD_EPS, LINEAR = "where eps counts", "a fully connected layer"


@dataclass(frozen=True)
class _Fold:
    """The arguments of one call of `fold_batchnorm`."""

    w: Tensor
    b: Tensor
    gamma: Tensor
    beta: Tensor
    mean: Tensor
    var: Tensor
    eps: float = 1e-5

    def right(self, **changes: Any) -> tuple[Tensor, Tensor]:
        at = replace(self, **changes)
        w, b = fuse_conv_bn_weights(at.w, at.b, at.mean, at.var, at.eps, at.gamma, at.beta)
        return w.detach(), b.detach()

    @property
    def scale(self) -> Tensor:
        """What each filter is multiplied by."""
        return self.right(w=torch.ones(len(self.b), 1, dtype=self.b.dtype))[0].flatten()


def _fold(
    w: Tensor,
    b: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    return _Fold(w, b, gamma, beta, running_mean, running_var, eps).right()


def _when_folded(rule: Callable[[_Fold], Any]) -> Predict:
    def predict(
        w: Tensor, b: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, **options: Any
    ) -> Any:
        return rule(_Fold(w, b, gamma, beta, mean, var, **options))

    return _as_numpy(predict)


def _layer_to_fold(rng: np.random.Generator, *shape: int, **options: Any) -> Case:
    """The variances are large, so that a small eps can stand where it likes."""
    filters = shape[0]
    w, b = rng.normal(size=shape).round(2), rng.normal(0, 2, filters).round(2)
    mean, var = rng.normal(0, 5, filters).round(2), rng.uniform(60, 120, filters).round(1)
    return case(w, b, *_scale_shift(rng, filters), mean, var, **options)


def _fold_convolution(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 1, 2, 3), (4, 3, 3, 2), (3, 2, 1, 1)):
        yield _layer_to_fold(rng, *shape)


def _fold_same(rng: np.random.Generator) -> Iterator[Case]:
    for side in (2, 3):
        yield _layer_to_fold(rng, side, side, side, side)


def _fold_eps(rng: np.random.Generator) -> Iterator[Case]:
    said: tuple[dict[str, float], ...] = ({"eps": 0.3}, {"eps": 0.1}, {})
    for shape, options in zip(((2, 1, 2, 3), (3, 2, 3, 2), (3, 1, 2, 3)), said, strict=True):
        filters = shape[0]
        w, b = rng.normal(size=shape).round(2), rng.normal(0, 2, filters).round(2)
        var = rng.uniform(0.2, 0.6, filters).round(2) * (1 if options else 1e-4)
        yield case(w, b, *_scale_shift(rng, filters), _running(rng, filters)[0], var, **options)


def _fold_linear(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3), (3, 3), (4, 2)):
        yield _layer_to_fold(rng, *shape)


FOLDS = (A_CONVOLUTION, SAME_CHANNELS, FOLD_EPS, LINEAR)

FOLD_BATCHNORM = Exercise(
    name="fold_batchnorm",
    notebook=NOTEBOOK,
    asked="the tuple (w, b) of the one layer that does the work of both",
    parts=("w", "b"),
    reference=_fold,
    groups=(
        Group(A_CONVOLUTION, 1, _fold_convolution),
        Group(SAME_CHANNELS, 1, _fold_same),
        Group(FOLD_EPS, 1, _fold_eps),
        Group(LINEAR, 1, _fold_linear, probe="not_contiguous"),
    ),
    advice={
        A_CONVOLUTION: "Write batch norm in evaluation as a · z + c, put z = w * x + b in, and collect.",
        SAME_CHANNELS: _once(
            A_CONVOLUTION,
            "where all sizes are equal no shape complains; which axis of w does your factor run along?",
        ),
        FOLD_EPS: _eps_advice(A_CONVOLUTION),
        LINEAR: _once(
            A_CONVOLUTION,
            "a fully connected layer's weight is (D, F), so the filters come first here as well.",
        ),
    },
    misconceptions=(
        Misconception(
            "the bias of the layer is not scaled",
            "Batch norm scales everything that the layer puts out, its bias included.",
            _when_folded(lambda fold: (fold.right()[0], fold.right(b=torch.zeros_like(fold.b))[1] + fold.b)),
            FOLDS,
        ),
        Misconception(
            "the bias of the layer is lost",
            "z = w * x + b: where does b go when batch norm has done its work?",
            _when_folded(lambda fold: fold.right(b=torch.zeros_like(fold.b))),
            FOLDS,
        ),
        Misconception(
            "the running mean is not subtracted",
            "Batch norm first subtracts the running mean; in the folded layer that is part of the bias.",
            _when_folded(lambda fold: fold.right(mean=torch.zeros_like(fold.mean))),
            FOLDS,
        ),
        Misconception(
            "the running mean is added",
            "(z - mean) · scale + beta: which sign has the mean in there?",
            _when_folded(lambda fold: fold.right(mean=-fold.mean)),
            FOLDS,
        ),
        Misconception(
            "the running mean is not scaled",
            "The mean is subtracted before the division by the root, so it is scaled like everything else.",
            _when_folded(
                lambda fold: (fold.right()[0], fold.right(mean=torch.zeros_like(fold.mean))[1] - fold.mean)
            ),
            FOLDS,
        ),
        Misconception(
            "beta is lost",
            "beta is added at the very end: it belongs to the new bias.",
            _when_folded(lambda fold: fold.right(beta=torch.zeros_like(fold.beta))),
            FOLDS,
        ),
        Misconception(
            "beta is scaled, too",
            "Batch norm first scales, then shifts: beta stays as it is.",
            _when_folded(lambda fold: (fold.right()[0], fold.right()[1] + (fold.scale - 1) * fold.beta)),
            FOLDS,
        ),
        Misconception(
            "gamma is lost",
            "Each filter is scaled by gamma as well as by the root.",
            _when_folded(lambda fold: fold.right(gamma=torch.ones_like(fold.gamma))),
            FOLDS,
        ),
        Misconception(
            "the root is missing: divided by the variance",
            "Batch norm divides by the root of running_var + eps.",
            _when_folded(lambda fold: fold.right(var=(fold.var + fold.eps) ** 2 - fold.eps)),
            FOLDS,
        ),
        Misconception(
            "eps is missing",
            "Batch norm in evaluation divides by the root of running_var + eps; the folded layer must, too.",
            _when_folded(lambda fold: fold.right(eps=0.0)),
            (FOLD_EPS,),
        ),
        Misconception(
            "eps is added outside the root",
            ROOT_HINT,
            _when_folded(lambda fold: fold.right(var=(fold.var.sqrt() + fold.eps) ** 2 - fold.eps)),
            (FOLD_EPS,),
        ),
        Misconception(
            "w is scaled along its input channels",
            "The first axis of w counts the filters, and each *filter* is scaled as a whole: how many axes "
            "of length 1 must follow?",
            _when_folded(lambda fold: (fold.w * fold.scale[:, None, None], fold.right()[1])),
            FOLDS,
        ),
        Misconception(
            "w is scaled along its last axis",
            "NumPy lines shapes up from the right: (D,) meets the columns of the kernel. Give the factor "
            "an axis of length 1 for every other axis of w.",
            _when_folded(lambda fold: (fold.w * fold.scale, fold.right()[1])),
            FOLDS,
        ),
        Misconception(
            "w of a fully connected layer comes out with four axes",
            "The factor was given three more axes, which is right for a convolution. w.ndim says how many "
            "there are.",
            _when_folded(lambda fold: (fold.w * fold.scale[:, None, None, None], fold.right()[1])),
            (LINEAR,),
        ),
    ),
)


# --- layer norm, instance norm, group norm: forward -------------------------------------------------------


@dataclass(frozen=True)
class _Normed:
    """The arguments of one call of a normalisation that looks at one image at a time."""

    x: Tensor
    gamma: Tensor
    beta: Tensor
    eps: float = 1e-5
    groups: int = 1

    def per_channel(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (self.x.ndim - 2))

    def x_hat(self, split: Split, divisor: Divisor | None = None) -> Tensor:
        """x normalised in the rows of `split`, each divided by `divisor` of its variance and eps."""
        rows = split(self, self.x)
        fresh = F.layer_norm(rows, rows.shape[1:], eps=self.eps)
        if divisor is not None:
            var = rows.var(1, correction=0, keepdim=True)
            fresh = fresh * (var + self.eps).sqrt() / divisor(var, self.eps)
        places = split(self, torch.arange(self.x.numel()).reshape(self.x.shape))
        return torch.empty_like(fresh).flatten().put(places, fresh).reshape(self.x.shape)

    def affine(self, x_hat: Tensor) -> tuple[Tensor, Any]:
        out = torch.addcmul(self.per_channel(self.beta), self.per_channel(self.gamma), x_hat)
        return out, ANYTHING


Split = Callable[[_Normed, Tensor], Tensor]


def _by_group(call: _Normed, x: Tensor) -> Tensor:
    return x.reshape(len(x) * call.groups, -1)


def _by_channel(call: _Normed, x: Tensor) -> Tensor:
    return x.flatten(0, 1).flatten(1)


def _by_image(call: _Normed, x: Tensor) -> Tensor:
    return x.flatten(1)


def _across_images(call: _Normed, x: Tensor) -> Tensor:
    return x.movedim(1, 0).flatten(1)


def _groups_across_images(call: _Normed, x: Tensor) -> Tensor:
    return x.unflatten(1, (call.groups, -1)).movedim(1, 0).flatten(1)


def _every_nth_channel(call: _Normed, x: Tensor) -> Tensor:
    return x.unflatten(1, (-1, call.groups)).movedim(2, 1).flatten(0, 1).flatten(1)


def _groups_of_that_size(call: _Normed, x: Tensor) -> Tensor:
    return x.unflatten(1, (-1, call.groups)).flatten(0, 1).flatten(1)


def _all_at_once(call: _Normed, x: Tensor) -> Tensor:
    return x.reshape(1, -1)


def _when_normed(rule: Callable[[_Normed], Any]) -> Predict:
    def predict(x: Tensor, gamma: Tensor, beta: Tensor, **options: Any) -> Any:
        return rule(_Normed(x, gamma, beta, **options))

    return _as_numpy(predict)


def _normed(split: Split, divisor: Divisor | None = None) -> Predict:
    return _when_normed(lambda call: call.affine(call.x_hat(split, divisor)))


def _unbiased(split: Split) -> Predict:
    def rule(call: _Normed) -> Any:
        size = split(call, call.x).shape[1]
        return call.affine(call.x_hat(split, lambda var, eps: (var * size / (size - 1) + eps).sqrt()))

    return _when_normed(rule)


def _divisor_mistakes(split: Split, fails: tuple[str, ...], eps_group: str) -> tuple[Misconception, ...]:
    """What goes wrong under the fraction, and right behind it. fails: all groups."""
    return (
        Misconception("eps is added outside the root", ROOT_HINT, _normed(split, EPS_OUTSIDE), (eps_group,)),
        Misconception(
            "eps is missing",
            NO_EPS_HINT + " Add it to the variance.",
            _normed(split, EPS_MISSING),
            (eps_group,),
        ),
        Misconception(
            "the root is missing: divided by the variance",
            "After dividing, the spread should be 1. Dividing by the variance gives 1/std instead.",
            _normed(split, NO_ROOT),
            fails,
        ),
        Misconception(
            "the unbiased variance normalises",
            "The squares are averaged: divided by how many there are, not by one less. `ddof` stays 0.",
            _unbiased(split),
            fails,
        ),
        Misconception(
            "gamma and beta are left out",
            "x_hat is not yet the output: scale it by gamma and shift it by beta.",
            _when_normed(lambda call: (call.x_hat(split), ANYTHING)),
            fails,
        ),
        Misconception(
            "beta is left out",
            BETA_HINT,
            _when_normed(lambda call: (call.per_channel(call.gamma) * call.x_hat(split), ANYTHING)),
            fails,
        ),
    )


OUT_AND_CACHE = "the tuple (out, cache)"
ROWS, ONE_ROW, ROWS_EPS, ROWS_FAR = "several rows", "a single row", "where eps counts", FAR_AWAY


def _normed_call(rng: np.random.Generator, x: np.ndarray, **options: Any) -> Case:
    return case(x, *_scale_shift(rng, x.shape[1]), **options)


def _ln_rows(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3), (3, 3), (5, 4), (3, 6)):
        yield _normed_call(rng, _sets(rng, *shape))


def _ln_one(rng: np.random.Generator) -> Iterator[Case]:
    for size in (4, 7):
        yield _normed_call(rng, _sets(rng, 1, size))


def _ln_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((3, 3), 0.3), ((4, 5), 0.1)):
        yield _normed_call(rng, (_sets(rng, *shape) / 8).round(2), eps=eps)
    yield _normed_call(rng, _tiny(_sets(rng, 3, 4)))


def _ln_far(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 4), (5, 6)):
        yield _normed_call(rng, _far_away(rng, *shape))


def _layernorm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Any]:
    return F.layer_norm(x, x.shape[1:], gamma, beta, eps), ANYTHING


def _batch_axis(call: _Normed) -> Any:
    """Batch norm; with a single row everything becomes 0."""
    if len(call.x) == 1:
        return call.affine(torch.zeros_like(call.x))
    return call.affine(call.x_hat(_across_images))


def _lost_axis(call: _Normed) -> Any:
    """mean and var of shape (N,), which NumPy lays along the columns."""
    var, mean = torch.var_mean(call.x, 1, correction=0)
    laid = torch.broadcast_to(torch.stack([mean, var])[:, None], (2, *call.x.shape))
    return call.affine((call.x - laid[0]) * (laid[1] + call.eps).rsqrt())


def _along_rows(call: _Normed) -> Any:
    return torch.addcmul(call.beta[:, None], call.gamma[:, None], call.x_hat(_by_image)), ANYTHING


LN_GROUPS = (ROWS, ONE_ROW, ROWS_EPS, ROWS_FAR)

LAYERNORM_FORWARD = Exercise(
    name="layernorm_forward",
    notebook=NOTEBOOK,
    asked=OUT_AND_CACHE,
    parts=("out", "cache"),
    reference=_layernorm,
    groups=(
        Group(ROWS, 1, _ln_rows),
        Group(ONE_ROW, 1, _ln_one, probe="not_contiguous"),
        Group(ROWS_EPS, 1, _ln_eps),
        Group(ROWS_FAR, 1, _ln_far),
    ),
    advice={
        ROWS: "Print the mean and the spread of each row of (out - beta) / gamma: 0 and 1 are wanted.",
        ONE_ROW: _once(ROWS, "a row needs no other rows; with one the same happens as with many."),
        ROWS_EPS: _eps_advice(ROWS),
        ROWS_FAR: _once(ROWS, FAR_ADVICE),
    },
    misconceptions=(
        Misconception(
            "the mean and the variance are taken over the batch",
            "That is batch norm. Here each row is normalised by itself: which axis runs along a row?",
            _when_normed(_batch_axis),
            LN_GROUPS,
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Each row has a mean and a variance of its own: give `mean` and `var` an axis.",
            _normed(_all_at_once),
            (ROWS, ROWS_EPS, ROWS_FAR),
        ),
        Misconception(
            "the means of shape (N,) are laid along the columns",
            "NumPy lines shapes up from the right, so (N,) meets D. `keepdims=True` makes it (N, 1).",
            _when_normed(_lost_axis),
            (ROWS, ROWS_EPS, ROWS_FAR),
        ),
        Misconception(
            "gamma and beta run along the rows of the batch",
            "They have shape (D,): every feature has its own, and all rows share them.",
            _when_normed(_along_rows),
            LN_GROUPS,
        ),
        *_divisor_mistakes(_by_image, LN_GROUPS, ROWS_EPS),
        Misconception(CANCELLED, CANCELLED_HINT, fails=(ROWS_FAR,), recognise=_cancelled(lambda given, x: x)),
    ),
)


# --- layernorm_backward -----------------------------------------------------------------------------------

LN = _Layer(_layernorm, lambda x, options: x)


def _ln_back_plain(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3), (4, 4), (1, 5), (3, 6)):
        yield _back(rng, _sets(rng, *shape))


def _ln_back_ones(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3), (4, 4), (3, 6)):
        yield _back(rng, _sets(rng, *shape), ones=True)


def _ln_back_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((2, 3), 0.3), ((4, 5), 0.1)):
        yield _back(rng, (_sets(rng, *shape) / 5).round(2), eps=eps)


GAMMA_OUTSIDE = "dx: gamma multiplies after the averages"
GAMMA_OUTSIDE_HINT = (
    "In batch norm gamma is the same for all that is averaged and may stand outside. Here it is not: "
    "multiply the upstream gradient by gamma first, then average."
)

LAYERNORM_BACKWARD = Exercise(
    name="layernorm_backward",
    notebook=NOTEBOOK,
    asked=GRADIENTS,
    parts=GRADIENT_PARTS,
    arguments=BACKWARD,
    probe="own_cache",
    documented=_documented(LN, lambda x, options: (len(x), 1)),
    reference=_backward(LN, lambda back: back.right),
    groups=(
        Group(PARAMETERS, 1, _ln_back_plain, lift=ONLY_PARAMETERS),
        Group(DX_ONES, 1, _ln_back_ones, lift=ONLY_DX),
        Group(DX, 1, _ln_back_plain, lift=ONLY_DX, probe="own_cache_not_contiguous"),
        Group(DX_EPS, 1, _ln_back_eps, lift=ONLY_DX),
    ),
    advice={
        **BACKWARD_ADVICE,
        DX: _once(
            DX_ONES,
            "only gamma is left. It differs along a row: does it go into your averages, as it should?",
        ),
    },
    misconceptions=(
        *_common_mistakes(LN, "its row"),
        Misconception(GAMMA_OUTSIDE, GAMMA_OUTSIDE_HINT, _backward(LN, _dx(_gamma_outside)), (DX, DX_EPS)),
        Misconception(
            "dx: the averages run over the batch",
            "The forward averaged along each row, so the gradients of a row meet there: use the same axis.",
            _backward(LN, _dx(_averaged_over(0))),
            EVERY_DX,
        ),
        Misconception(
            "dx: the averages divide by the number of rows",
            "A row has D numbers, and its averages divide by D.",
            _backward(LN, _dx(_divided_by_images)),
            EVERY_DX,
        ),
        Misconception(
            "dx: eps is missing in the variance's share",
            "The straight path divides by the right number. The derivative of the root is taken at var + "
            "eps, too.",
            _backward(LN, _mixed(lambda of: of.straight + of.mean + of.stretch**3 * of.var)),
            (DX_EPS,),
        ),
        _summed_features(LN),
        _one_axis_too_many(LN, "1, D", 1, -1),
    ),
)


# --- instancenorm_forward, groupnorm_forward --------------------------------------------------------------

SEVERAL, ALONE, IMAGES_EPS = "several images", "one image or one channel", "where eps counts"


def _in_several(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 2, 2, 2), (3, 3, 3, 3), (2, 3, 4, 2)):
        yield _normed_call(rng, _images(rng, *shape))


def _in_alone(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((1, 2, 3, 4), (3, 1, 3, 2)):
        yield _normed_call(rng, _images(rng, *shape))


def _in_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, eps in (((2, 2, 2, 2), 0.3), ((2, 3, 3, 2), 0.1)):
        yield _normed_call(rng, (_images(rng, *shape) / 8).round(2), eps=eps)
    yield _normed_call(rng, _tiny(_images(rng, 2, 3, 2, 2)))


def _in_far(rng: np.random.Generator) -> Iterator[Case]:
    for n, c, h, w in ((2, 2, 2, 2), (3, 3, 1, 5)):
        yield _normed_call(rng, _far_away(rng, n * c, h * w).reshape(n, c, h, w))


def _instancenorm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-5) -> tuple[Tensor, Any]:
    return F.group_norm(x, x.shape[1], gamma, beta, eps), ANYTHING


def _on_columns(split: Split) -> Predict:
    """gamma and beta are not reshaped, and NumPy lays them along the last axis."""
    return _when_normed(lambda call: (torch.addcmul(call.beta, call.gamma, call.x_hat(split)), ANYTHING))


def _means_along_columns(call: _Normed) -> Any:
    """mean and var of shape (N, C), which NumPy lays along rows and columns."""
    var, mean = torch.var_mean(call.x, (2, 3), correction=0)
    return call.affine(torch.mul(torch.sub(call.x, mean), torch.rsqrt(var + call.eps)))


ON_COLUMNS = "gamma and beta run along the columns, not along the channels"
ON_COLUMNS_HINT = (
    "NumPy lines shapes up from the right: (C,) meets W. Give them two more axes of length 1 at the end."
)
IN_GROUPS = (SEVERAL, ALONE, IMAGES_EPS, FAR_AWAY)

INSTANCENORM_FORWARD = Exercise(
    name="instancenorm_forward",
    notebook=NOTEBOOK,
    asked=OUT_AND_CACHE,
    parts=("out", "cache"),
    reference=_instancenorm,
    groups=(
        Group(SEVERAL, 1, _in_several),
        Group(ALONE, 1, _in_alone, probe="not_contiguous"),
        Group(IMAGES_EPS, 1, _in_eps),
        Group(FAR_AWAY, 1, _in_far),
    ),
    advice={
        SEVERAL: "Which numbers share a mean? Those of one channel of one image: how many means are there?",
        ALONE: _once(
            SEVERAL, "nothing changes when an axis has length 1, if you average over the right ones."
        ),
        IMAGES_EPS: _eps_advice(SEVERAL),
        FAR_AWAY: _once(SEVERAL, FAR_ADVICE),
    },
    misconceptions=(
        Misconception(
            "the mean and the variance are taken over the batch as well",
            "That is batch norm. Here every image is on its own: the mean has the shape (N, C, 1, 1).",
            _normed(_across_images),
            IN_GROUPS,
        ),
        Misconception(
            "the mean and the variance are taken over the channels as well",
            "That is layer norm. Here every channel is on its own: the mean has the shape (N, C, 1, 1).",
            _normed(_by_image),
            IN_GROUPS,
        ),
        Misconception(ON_COLUMNS, ON_COLUMNS_HINT, _on_columns(_by_channel), IN_GROUPS),
        Misconception(
            MEANS_ON_COLUMNS,
            MEANS_ON_COLUMNS_HINT,
            _when_normed(_means_along_columns),
            IN_GROUPS,
        ),
        *_divisor_mistakes(_by_channel, IN_GROUPS, IMAGES_EPS),
        Misconception(
            CANCELLED,
            CANCELLED_HINT,
            fails=(FAR_AWAY,),
            recognise=_cancelled(lambda given, x: x.flatten(0, 1).flatten(1)),
        ),
    ),
)

GROUPS_PLAIN, NOT_SQUARE = "two groups", "other sizes and groups"
ENDS, GROUPS_EPS, GROUPS_FAR = "G = 1 and G = C", "where eps counts", FAR_AWAY


def _gn_plain(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((1, 6, 1, 2), (2, 6, 3, 1)):
        yield _normed_call(rng, _images(rng, *shape), groups=2)


def _gn_others(rng: np.random.Generator) -> Iterator[Case]:
    for shape, groups in (((2, 6, 3, 1), 3), ((3, 8, 2, 3), 2), ((2, 8, 3, 2), 4)):
        yield _normed_call(rng, _images(rng, *shape), groups=groups)


def _gn_ends(rng: np.random.Generator) -> Iterator[Case]:
    for groups in (1, 4):
        yield _normed_call(rng, _images(rng, 2, 4, 3, 1), groups=groups)
        yield _normed_call(rng, _images(rng, 2, 4, 2, 3), groups=groups)


def _gn_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, groups, eps in (((1, 6, 2, 1), 2, 0.3), ((2, 6, 2, 2), 3, 0.1)):
        yield _normed_call(rng, (_images(rng, *shape) / 16).round(2), groups=groups, eps=eps)
    yield _normed_call(rng, _tiny(_images(rng, 2, 6, 2, 2)), groups=2)


def _gn_far(rng: np.random.Generator) -> Iterator[Case]:
    for (n, c, h, w), groups in (((2, 4, 2, 1), 2), ((2, 6, 2, 2), 3)):
        x = _far_away(rng, n * groups, c * h * w // groups).reshape(n, c, h, w)
        yield _normed_call(rng, x, groups=groups)


def _groupnorm(
    x: Tensor, gamma: Tensor, beta: Tensor, *, groups: int, eps: float = 1e-5
) -> tuple[Tensor, Any]:
    return F.group_norm(x, groups, gamma, beta, eps), ANYTHING


GN_GROUPS = (GROUPS_PLAIN, NOT_SQUARE, ENDS, GROUPS_EPS, GROUPS_FAR)

GROUPNORM_FORWARD = Exercise(
    name="groupnorm_forward",
    notebook=NOTEBOOK,
    asked=OUT_AND_CACHE,
    parts=("out", "cache"),
    reference=_groupnorm,
    groups=(
        Group(GROUPS_PLAIN, 1, _gn_plain),
        Group(NOT_SQUARE, 1, _gn_others, probe="not_contiguous"),
        Group(ENDS, 1, _gn_ends),
        Group(GROUPS_EPS, 1, _gn_eps),
        Group(GROUPS_FAR, 1, _gn_far),
    ),
    advice={
        GROUPS_PLAIN: (
            "Six channels in two groups: 0, 1, 2 share a mean, and 3, 4, 5 share another, image by image."
        ),
        NOT_SQUARE: _once(GROUPS_PLAIN, "does a number stand in your code where `groups` or a size belongs?"),
        ENDS: _once(
            GROUPS_PLAIN,
            "with one group all channels of an image share a mean, and with C groups each has its own.",
        ),
        GROUPS_EPS: _eps_advice(GROUPS_PLAIN),
        GROUPS_FAR: _once(GROUPS_PLAIN, FAR_ADVICE),
    },
    misconceptions=(
        Misconception(
            "every channel is normalised by itself",
            "That is instance norm. The channels of a group share a mean: average over them, too.",
            _normed(_by_channel),
            (GROUPS_PLAIN, NOT_SQUARE, ENDS, GROUPS_EPS, GROUPS_FAR),
        ),
        Misconception(
            "all channels of an image share a mean",
            "That is layer norm. Each group has a mean of its own: there are N · G means.",
            _normed(_by_image),
            (GROUPS_PLAIN, NOT_SQUARE, ENDS, GROUPS_EPS, GROUPS_FAR),
        ),
        Misconception(
            "the groups run over the batch as well",
            "No image should know of another one: there are N · G means, not G.",
            _normed(_groups_across_images),
            (NOT_SQUARE, ENDS, GROUPS_PLAIN, GROUPS_EPS, GROUPS_FAR),
        ),
        Misconception(
            "every G-th channel is put into a group, instead of neighbours",
            "The channels of a group lie side by side: (C,) becomes (G, C / G), in this order.",
            _normed(_every_nth_channel),
            (GROUPS_PLAIN, NOT_SQUARE, GROUPS_EPS, GROUPS_FAR),
        ),
        Misconception(
            "`groups` is taken for the number of channels in a group",
            "`groups` is how many groups there are; each has C / groups channels.",
            _normed(_groups_of_that_size),
            (GROUPS_PLAIN, NOT_SQUARE, ENDS, GROUPS_EPS, GROUPS_FAR),
        ),
        Misconception(ON_COLUMNS, ON_COLUMNS_HINT, _on_columns(_by_group), GN_GROUPS),
        *_divisor_mistakes(_by_group, GN_GROUPS, GROUPS_EPS),
        Misconception(
            CANCELLED,
            CANCELLED_HINT,
            fails=(GROUPS_FAR,),
            recognise=_cancelled(lambda given, x: x.reshape(len(x) * given.kwargs["groups"], -1)),
        ),
    ),
)


# --- groupnorm_backward -----------------------------------------------------------------------------------

GN = _Layer(_groupnorm, lambda x, options: x.reshape(len(x) * options["groups"], -1))


def _gn_back_plain(rng: np.random.Generator) -> Iterator[Case]:
    for shape, groups in (((1, 4, 1, 2), 2), ((2, 6, 2, 1), 3), ((3, 6, 2, 3), 2), ((2, 4, 3, 2), 1)):
        yield _back(rng, _images(rng, *shape), groups=groups)


def _gn_back_ones(rng: np.random.Generator) -> Iterator[Case]:
    for shape, groups in (((2, 4, 1, 2), 2), ((3, 6, 2, 3), 2), ((2, 3, 2, 3), 3)):
        yield _back(rng, _images(rng, *shape), ones=True, groups=groups)


def _gn_back_eps(rng: np.random.Generator) -> Iterator[Case]:
    for shape, groups, eps in (((1, 4, 1, 2), 2, 0.3), ((2, 6, 2, 1), 2, 0.1)):
        yield _back(rng, (_images(rng, *shape) / 16).round(2), groups=groups, eps=eps)


def _divided_by_pixels(back: _Back) -> Tensor:
    of = back.shares(back.dx_hat)
    pixels = back.x[0, 0].numel()
    return back.joined(of.straight + of.size / pixels * (of.mean + of.var))


GROUPNORM_BACKWARD = Exercise(
    name="groupnorm_backward",
    notebook=NOTEBOOK,
    asked=GRADIENTS,
    parts=GRADIENT_PARTS,
    arguments=BACKWARD,
    probe="own_cache",
    documented=_documented(GN, lambda x, options: (len(x), options["groups"], 1)),
    reference=_backward(GN, lambda back: back.right),
    groups=(
        Group(PARAMETERS, 1, _gn_back_plain, lift=ONLY_PARAMETERS),
        Group(DX_ONES, 1, _gn_back_ones, lift=ONLY_DX),
        Group(DX, 1, _gn_back_plain, lift=ONLY_DX, probe="own_cache_not_contiguous"),
        Group(DX_EPS, 1, _gn_back_eps, lift=ONLY_DX),
    ),
    advice={
        **BACKWARD_ADVICE,
        DX: _once(
            DX_ONES,
            "only gamma is left. It differs between the channels of a group: does it go into your averages, "
            "as it should?",
        ),
    },
    misconceptions=(
        *_common_mistakes(GN, "its group"),
        Misconception(GAMMA_OUTSIDE, GAMMA_OUTSIDE_HINT, _backward(GN, _dx(_gamma_outside)), (DX, DX_EPS)),
        Misconception(
            "dx: the averages run over each channel alone",
            "The forward averaged over all the channels of a group: use the same grouping on the way back.",
            _backward(GN, _dx(_averaged_over(2, 3))),
            EVERY_DX,
        ),
        Misconception(
            "dx: the averages run over the batch",
            "Every image had means of its own: the backward averages over what the forward averaged over.",
            _backward(GN, _dx(_averaged_over(0, 2, 3))),
            EVERY_DX,
        ),
        Misconception(
            "dx: the averages divide by H · W",
            "A group has C / G channels of H · W numbers each, and its averages divide by all of them.",
            _backward(GN, _dx(_divided_by_pixels)),
            EVERY_DX,
        ),
        Misconception(
            "dgamma and dbeta are summed over height and width only",
            "Every image used the same gamma: sum over the images as well, so that the shape is (C,).",
            _backward(GN, _over(2, 3)),
            (PARAMETERS,),
        ),
        _one_axis_too_many(GN, "1, C, 1, 1", 1, -1, 1, 1),
    ),
)


EXERCISES = (
    BATCHNORM_FORWARD,
    BATCHNORM_BACKWARD,
    BATCHNORM_BACKWARD_CLOSED_FORM,
    BATCHNORM2D_FORWARD,
    BATCHNORM2D_BACKWARD,
    FOLD_BATCHNORM,
    LAYERNORM_FORWARD,
    LAYERNORM_BACKWARD,
    INSTANCENORM_FORWARD,
    GROUPNORM_FORWARD,
    GROUPNORM_BACKWARD,
)
