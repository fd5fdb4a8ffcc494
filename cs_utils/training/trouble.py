"""What can be said before a training that cannot work, and about one whose loss is no number any more."""

from __future__ import annotations

import math

import torch
from torch import nn

from cs_utils.training.history import History
from cs_utils.training.pictures import Pictures


class TrainingDiverged(RuntimeError):
    """The loss became NaN or infinite."""


@torch.no_grad()
def scores_of_two(model: nn.Module, data: Pictures) -> torch.Tensor:
    """Scores (2, C) of the first two pictures, from the model in eval mode, which changes nothing in it."""
    training = model.training
    scores: torch.Tensor = model.eval()(data.batch(slice(0, 2))[0])
    model.train(training)
    return scores


def check_before(model: nn.Module, data: Pictures) -> None:
    """Look for what would stop a training, or make it one of garbage, some minutes later.

    Raises:
        ValueError: with what was found and what was expected.
    """
    if not_finite := _count(data.images):
        raise ValueError(
            f"{not_finite:,} numbers of the images are NaN or infinite; nothing can be learned from them"
        )
    scores = scores_of_two(model, data)
    lowest, highest = data.labels.min().item(), data.labels.max().item()
    rows = min(2, len(data))
    if scores.ndim != 2 or len(scores) != rows:
        raise ValueError(
            f"for {rows} images the model returns {tuple(scores.shape)}; expected ({rows}, classes). "
            "Is there a Flatten before the last linear layer?"
        )
    if lowest < 0 or highest >= scores.shape[1]:
        raise ValueError(
            f"labels go from {lowest} to {highest}, but the model has {scores.shape[1]} outputs; "
            f"labels must lie between 0 and {scores.shape[1] - 1}"
        )


def _count(values: torch.Tensor) -> int:
    """How many are NaN or infinite."""
    return int((~values.isfinite()).sum()) if values.is_floating_point() else 0


def stop_if_diverged(history: History, model: nn.Module, dtype: torch.dtype) -> None:
    """Look at the losses so far; waits for the device.

    Raises:
        TrainingDiverged: one is NaN or infinite; says what happened before, and what to try.
    """
    if not history.all_finite():
        raise TrainingDiverged(explain(history, model, dtype))


def explain(history: History, model: nn.Module, dtype: torch.dtype) -> str:
    """What happened, in the order in which one would look."""
    losses, rates = history.losses, history.rates
    step = next(index for index, loss in enumerate(losses) if not math.isfinite(loss))
    said = [f"The loss is {losses[step]} at step {step} (steps count from 0), so training has stopped."]
    if step == 0:
        said.append("No weight had been changed yet: the learning rate is not at fault. " + _weights(model))
    else:
        before = ", ".join(f"{loss:.3g}" for loss in losses[max(0, step - 4) : step])
        largest = max(losses[:step])
        said.append(
            f"Before it: {before}. It began with {losses[0]:.3g} and was {largest:.3g} at most. The learning "
            f"rate was {rates[step - 1]:.3g}."
        )
        said.append(
            f"Try a largest rate (max_lr) ten times smaller, {history.largest_rate / 10:.2g}; "
            "find_learning_rate(model, train) draws which rates work."
        )
    if dtype == torch.float16:
        said.append("float16 ends at 65,504: precision=torch.float32 shows whether that was the reason.")
    said.append(
        "The weights are spoiled: make the model anew before the next try. Other usual reasons: images that "
        "are not standardised, a division by 0 or a logarithm of 0 in your own layers, many layers without "
        "norms."
    )
    return "\n".join(said)


def _weights(model: nn.Module) -> str:
    spoiled = [name for name, values in model.state_dict().items() if _count(values)]
    if spoiled:
        return f"NaN or infinite now: {', '.join(spoiled[:4])}{' ...' if len(spoiled) > 4 else ''}."
    return "Look at what each layer returns for one batch: which is the first to be NaN or infinite?"
