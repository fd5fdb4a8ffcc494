"""Exercises of notebook 06: batch norm forward and backward, folding, layer, instance and group norm.

The references are PyTorch's own layers and autograd. A known mistake in a forward is told by what it divides
by; a known mistake in a backward by what it makes of the gradient's three shares: straight through, through
the mean, through the variance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    """What the probe ``training_then_evaluation`` does, with a reference; only the last output is asked for."""

    def asked(
        batches: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, **options: Any
    ) -> tuple[Any, ...]:
        *training, last = batches
        for batch in training:
            _, _, mean, var = function(batch, gamma, beta, mean, var, training=True, **options)
        return ONLY_OUT(function)(last, gamma, beta, mean, var, training=False, **options)

    return asked


# --- batch norm forward: right and wrong ----------------------------------------------------------------------


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


# --- a first set of exercises; more cases and the known mistakes follow ---------------------------------------


def _batchnorm_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield case(_features(rng, 3, 2), *_scale_shift(rng, 2), *_running(rng, 2), training=True)
    yield case(_features(rng, 6, 3), *_scale_shift(rng, 3), *_running(rng, 3), training=False, eps=0.3)


def _draft(name: str, points: float, reference: Predict, cases: Callable[..., Iterator[Case]]) -> Exercise:
    return Exercise(name, NOTEBOOK, "see the text", (Group("draft", points, cases),), reference)


EXERCISES: tuple[Exercise, ...] = tuple(
    _draft(name, points, _batchnorm, _batchnorm_cases)
    for name, points in {
        "batchnorm_forward": 8,
        "batchnorm_backward": 5,
        "batchnorm_backward_closed_form": 4,
        "batchnorm2d_forward": 6,
        "batchnorm2d_backward": 4,
        "fold_batchnorm": 4,
        "layernorm_forward": 4,
        "layernorm_backward": 4,
        "instancenorm_forward": 3,
        "groupnorm_forward": 5,
        "groupnorm_backward": 4,
    }.items()
)
