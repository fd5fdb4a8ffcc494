"""The training loop. Everything it calls is a short file beside it; nothing else happens to your network.

All data lie on the device, and no step reads anything back from it: the processor runs ahead and queues work,
and the device never waits. Only a few times a second somebody looks at the losses.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.training import hardware
from cs_utils.training.checkpoint import Checkpoint, Interruption, named
from cs_utils.training.hardware import set_seed_on
from cs_utils.training.history import History
from cs_utils.training.memory import EnoughMemory
from cs_utils.training.optimiser import nesterov_sgd
from cs_utils.training.pictures import pictures
from cs_utils.training.progress import Progress
from cs_utils.training.schedule import one_cycle
from cs_utils.training.trouble import check_before, stop_if_diverged

ORDER, STEP = 0, 1  # what a seed is for


def fit(
    model: nn.Module,
    train: Any,
    test: Any = None,
    *,
    epochs: int,
    batch_size: int,
    max_lr: float,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    label_smoothing: float = 0.0,
    warmup: float = 0.2,
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
    optimiser: torch.optim.Optimizer | None = None,
    device: str | torch.device | None = None,
    precision: torch.dtype | None = None,
    seed: int = 0,
    test_every: int = 1,
    flip_test: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    save_every: float = 30.0,
    show: bool = True,
) -> History:
    """Train a network to classify images, in place. It ends in eval mode, on the device.

    Args:
        model: images (B, C, H, W) -> scores (B, classes), without a softmax.
        train, test: (images, labels), arrays or tensors; images are uint8 (N, H, W[, C]), which are
            standardised with the training set's mean and spread, or floats (N, C, H, W), taken as they are.
        epochs, batch_size: what is left over in an epoch and does not fill a batch is left out of it.
        max_lr: the largest learning rate of the one-cycle schedule. The loss is a mean over the batch.
        momentum, weight_decay: of Nesterov SGD; norms and biases go without decay.
        label_smoothing: probability that is spread over all classes (Szegedy et al. 2016, arXiv:1512.00567).
        warmup: part of all steps during which the learning rate rises.
        augment: batch -> batch, such as `Augment()`.
        optimiser: instead of Nesterov SGD; its groups' learning rates are their largest ones.
        device, precision: by default the fastest device, and float32, bfloat16 or float16, what pays there.
        seed: the same seed gives the same training (on GPUs up to the last digits). Seeds all generators.
        test_every: epochs between two looks at the test set; the last epoch always ends with one.
        flip_test: when testing, average the scores of each image and its mirror image.
        checkpoint: a file. Where it exists, training goes on from it, to the same result.
        save_every: seconds between two checkpoints; one more is written after each epoch and at Ctrl-C.
        show: print the table and the bar.

    Raises:
        ValueError: data, model or checkpoint do not fit together.
        TrainingDiverged: the loss is no number any more; says what to try.
        NotEnoughMemory: the device's memory is too small; says which batch size would fit.
        OSError: there is no place for the checkpoint; said before the first step. Where the disk is full
            later on, the training says so and goes on, and keeps trying.
        KeyboardInterrupt: Ctrl-C; after the step was finished and the checkpoint written.
    """
    place = hardware.device(device)
    dtype = precision or hardware.precision(place)
    data = pictures(train, place)
    held_out = pictures(test, place, like=data) if test is not None else None
    batch_size = min(batch_size, len(data))
    per_epoch = len(data) // batch_size
    hardware.move(model, place)
    check_before(model, data)
    optimiser = optimiser or nesterov_sgd(model, max_lr=max_lr, momentum=momentum, weight_decay=weight_decay)
    peaks = [group["lr"] for group in optimiser.param_groups]
    scaler = torch.amp.GradScaler(place.type, enabled=dtype == torch.float16)  # off, it does nothing
    steps = epochs * per_epoch
    cycle = [one_cycle(step, steps, warmup=warmup) for step in range(steps)]

    history = History(epochs, per_epoch, batch_size, place, [peaks[0] * part for part in cycle])
    parts = {"model": model, "optimiser": optimiser, "scaler": scaler, "history": history}
    settings = {  # what must be the same for going on from a checkpoint
        "epochs": epochs,
        "batch_size": batch_size,
        "max_lr": peaks,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "warmup": warmup,
        "augment": named(augment),
        "seed": seed,
        "data": data.fingerprint(),
    }
    progress = Progress(history, show=show)
    keeper = Checkpoint(checkpoint, parts, settings, save_every, progress.say)
    progress.say(f"Training on {hardware.describe(place, dtype)}; an epoch has {per_epoch:,} steps.")
    if keeper.load():
        progress.resumed(str(keeper.path))

    enough_memory = EnoughMemory(model, data, batch_size, augment, dtype)
    with Interruption() as interruption, progress, enough_memory:
        for epoch in range(len(history.epochs), epochs):
            model.train()
            set_seed_on(place, seed, ORDER, epoch)
            order = torch.randperm(len(data), device=place)
            history.start_epoch()
            for step in range(history.step, (epoch + 1) * per_epoch):
                # Each step has its own seed, for augmentation and dropout: so a resumed run draws the same.
                set_seed_on(place, seed, STEP, step)
                first = step % per_epoch * batch_size
                x, y = data.batch(order[first : first + batch_size], augment)
                for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                    group["lr"] = peak * cycle[step]

                with torch.autocast(place.type, dtype, enabled=dtype != torch.float32):
                    scores = model(x)
                    loss = F.cross_entropy(scores, y, label_smoothing=label_smoothing)
                optimiser.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(optimiser)
                scaler.update()

                history.record(loss, scores, y)
                if progress.due() or interruption.asked:
                    stop_if_diverged(history, model, dtype)
                    progress.bar()
                    keeper.save_if_due(now=interruption.asked)
                    interruption.stop_if_asked()

            history.end_epoch()
            stop_if_diverged(history, model, dtype)
            if held_out and ((epoch + 1) % test_every == 0 or epoch + 1 == epochs):
                history.add_test(*evaluate(model, held_out, flip=flip_test, device=place, precision=dtype))
            progress.epoch()
            keeper.save()
    model.eval()
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module,
    test: Any,
    *,
    like: Any = None,
    flip: bool = False,
    batch_size: int = 500,
    device: str | torch.device | None = None,
    precision: torch.dtype | None = None,
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (0 to 1) in eval mode, in which the model is left.

    Args:
        test: as for `fit`. like: the training set, with whose mean and spread uint8 images are standardised.
        flip: average the scores of each image and its mirror image.
    """
    place = hardware.device(device)
    dtype = precision or hardware.precision(place)
    data = pictures(test, place, like=pictures(like, place) if like is not None else None)
    model.to(place).eval()
    loss, right = torch.zeros(2, device=place)
    for first in range(0, len(data), batch_size):
        x, y = data.batch(slice(first, first + batch_size))
        with torch.autocast(place.type, dtype, enabled=dtype != torch.float32):
            scores = (model(x) + model(x.flip(3))) / 2 if flip else model(x)
        loss += F.cross_entropy(scores.float(), y, reduction="sum")
        right += (scores.argmax(1) == y).sum()
    return loss.item() / len(data), right.item() / len(data)
