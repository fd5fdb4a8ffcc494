"""The learning rate over a training."""

from __future__ import annotations


def one_cycle(step: int, steps: int, *, warmup: float = 0.2, start: float = 0.04) -> float:
    """The learning rate of a step as a part of the largest: a straight line up, then one down to 0.

    Small at first, while the gradients of fresh weights are large; largest early, where it also acts against
    overfitting; small in the end, so that the weights settle. From Smith and Topin 2018, "Super-Convergence",
    arXiv:1708.07120.

    Args:
        step: 0, 1, ... The line down would reach 0 at ``step == steps``, one step after the last.
        steps: number of steps of the whole training, at least 1.
        warmup: which part of all steps the way up takes, from 0 to less than 1.
        start: the value at step 0, in (0, 1], where there is a way up.

    Returns:
        A number in (0, 1], 1 at one step only.
    """
    top = min(round(warmup * steps), steps - 1)
    if step < top:
        return start + (1 - start) * step / top
    return (steps - step) / (steps - top)
