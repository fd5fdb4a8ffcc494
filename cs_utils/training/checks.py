"""Two checks that are worth a minute before training for an hour. Both work on a copy of the model.

They are steps of Karpathy's "A Recipe for Training Neural Networks" (2019), and of notebook 08's ladder.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.training import hardware
from cs_utils.training.hardware import set_seed
from cs_utils.training.optimiser import nesterov_sgd
from cs_utils.training.pictures import Pictures, pictures
from cs_utils.training.trouble import check_before


@dataclass(frozen=True)
class Finding:
    """What a check found. True where it was as expected; shown, it says so in words.

    value: the number that decides: a loss, or a share of right answers. steps: how many it took.
    """

    passed: bool
    value: float
    found: str
    expected: str
    advice: str = ""
    steps: int = 0

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        advice = f"\n{self.advice}" if self.advice else ""
        verdict = "as expected" if self.passed else "not as expected"
        return f"Found:    {self.found}\nExpected: {self.expected}\n{verdict.capitalize()}.{advice}"


def initial_loss(
    model: nn.Module,
    data: Any,
    *,
    images: int = 500,
    tolerance: float = 0.15,
    device: str | torch.device | None = None,
) -> Finding:
    """Is the loss of the fresh network that of guessing, ln C for C classes?

    Args:
        data: (images, labels), as for `fit`; the first `images` of them are used.
        tolerance: how far the loss may lie from ln C, as a part of it.
    """
    model, part = _prepared(model, data, images, device)
    x, y = part.batch(slice(None))
    with torch.no_grad():
        scores = model.train()(x)
    loss, classes = F.cross_entropy(scores, y).item(), scores.shape[1]
    guessing = math.log(classes)
    passed = abs(loss - guessing) <= tolerance * guessing and not _is_softmax(scores)
    return Finding(
        passed,
        loss,
        f"a loss of {loss:.4f} on {len(y)} images before training",
        f"{guessing:.4f} = ln {classes}, as from guessing among {classes} classes, within {tolerance:.0%}",
        "" if passed else _loss_advice(loss, guessing, scores),
    )


def _is_softmax(scores: torch.Tensor) -> bool:
    """Are these probabilities already?"""
    sums = scores.sum(1)
    return bool((scores >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)


def _loss_advice(loss: float, guessing: float, scores: torch.Tensor) -> str:
    if _is_softmax(scores):
        return (
            "The scores of each image are positive and add up to 1: the model ends in a softmax. Leave it "
            "out; cross-entropy has its own."
        )
    if not math.isfinite(loss):
        return "Which layer is the first that returns NaN or infinite numbers for this batch?"
    if loss > guessing:
        return (
            f"The network is sure of wrong answers: its scores have a spread of {scores.std().item():.3g}. "
            "Are the images standardised, the weights initialised for their fan-in, and is there a norm or a "
            "small last layer?"
        )
    return (
        "The network knows more than a fresh one can: has it been trained, or do inputs contain their labels?"
    )


def overfit_one_batch(
    model: nn.Module,
    data: Any,
    *,
    images: int = 50,
    steps: int = 200,
    max_lr: float = 0.02,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> Finding:
    """Can the network learn `images` images by heart? One that cannot has a mistake in it.

    Args:
        data: (images, labels), as for `fit`; the first `images` of them are used.
        steps: of Nesterov SGD with rate `max_lr`, at most; it ends when every answer is right.
    """
    set_seed(seed)
    model, part = _prepared(model, data, images, device)
    x, y = part.batch(slice(None))
    optimiser = nesterov_sgd(model, max_lr=max_lr, weight_decay=0)
    losses: list[float] = []
    right = 0.0
    for _ in range(steps):
        scores = model.train()(x)
        loss = F.cross_entropy(scores, y)
        losses.append(loss.item())
        right = (scores.argmax(1) == y).float().mean().item()
        if right == 1 or not math.isfinite(losses[-1]):
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    done = len(losses) - 1
    return Finding(
        right == 1,
        right,
        f"{right:.0%} of {len(y)} images right after {done} steps; the loss went from {losses[0]:.3f} "
        f"to {losses[-1]:.3f}",
        f"100% within {steps} steps",
        "" if right == 1 else _overfit_advice(model, losses),
        done,
    )


def _overfit_advice(model: nn.Module, losses: list[float]) -> str:
    trained = {name: weights.grad for name, weights in model.named_parameters() if weights.requires_grad}
    deaf = [name for name, grad in trained.items() if grad is None or not grad.any()]
    if not math.isfinite(losses[-1]):
        return "The loss is no number any more: try max_lr ten times smaller."
    if deaf:
        return (
            f"No gradient reaches {', '.join(deaf[:4])}{' ...' if len(deaf) > 4 else ''}: what cuts it off?"
        )
    if min(losses[-10:]) > 0.9 * losses[0]:
        return (
            "The loss hardly falls: does the model end in a softmax? Else try ten times max_lr, or a tenth."
        )
    return "The loss falls: give it more steps, or leave out dropout, which hinders learning by heart."


def _prepared(
    model: nn.Module, data: Any, images: int, device: str | torch.device | None
) -> tuple[nn.Module, Pictures]:
    """A copy of the model and the first images, both on the device."""
    place = hardware.device(device)
    whole = pictures(data, place)
    part = Pictures(whole.images[:images], whole.labels[:images], whole.mean, whole.std)
    copied = copy.deepcopy(model).to(place)
    check_before(copied, part)
    return copied, part
