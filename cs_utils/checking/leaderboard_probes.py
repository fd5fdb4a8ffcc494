"""Probes for notebook 12: a split that is drawn, and a network that looks at a picture more than once.

PyTorch is imported when a probe runs, not before. No probe holds a solution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Student = Callable[[str], Callable[..., Any]]
Array = np.ndarray

GRAPH, NO_GRAPH = "a tensor that still holds its graph", "no graph"


def splits_made(student: Student, name: str, labels: Array, fraction: float, *, seed: int) -> dict[str, Any]:
    """``stratified_split(labels, fraction, rng=...)``, three times: twice with the same state, once with
    another.

    Returns both parts of the first split, the validation parts of the others, and whether `labels` changed.
    """
    found, changed = [], False
    for state in (seed, seed, seed + 1):
        handed = labels.copy()
        returned = student(name)(handed, fraction, rng=np.random.default_rng(state))
        changed = changed or not np.array_equal(handed, labels)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            kind = "None" if returned is None else f"an object of type {type(returned).__name__}"
            raise TypeError(f"{name} returned {kind} where train, validation were asked for")
        found.append([np.asarray(_plain(part)) for part in returned])
    (train, validation), (_, again), (_, other) = found
    parts = {"train": train, "validation": validation, "same state": again, "another state": other}
    return {**parts, "labels changed": changed}


def _plain(value: Any) -> Any:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def flips_looked_at(
    student: Student,
    name: str,
    x: Array,
    kernel: Array,
    mean: Array,
    var: Array,
    head: Array,
    *,
    training: bool,
) -> Array:
    """``predict_with_flips(model, x)`` for a model of a convolution, batch norm, ReLU and a linear layer.

    x: (N, C, H, W). kernel: (K, C, 3, 3). mean, var: (K,), running statistics. head: (classes, K H W).
    training: the model is in training mode before.
    """
    return np.array(
        _predicted(student, name, x, kernel, mean, var, head, training=training).detach().cpu().numpy()
    )


def flips_and_graph(student: Student, name: str, *args: Any, training: bool) -> list[Any]:
    """The same, and whether the probabilities still hold their graph."""
    returned = _predicted(student, name, *args, training=training)
    return [np.array(returned.detach().cpu().numpy()), GRAPH if returned.requires_grad else NO_GRAPH]


def small_model(kernel: Array, mean: Array, var: Array, head: Array, *, training: bool) -> Any:
    """A convolution, batch norm with these running statistics, ReLU and a linear layer."""
    import torch
    from torch import nn

    convolution = nn.Conv2d(kernel.shape[1], len(kernel), 3, padding=1, bias=False)
    norm, classify = nn.BatchNorm2d(len(kernel)), nn.Linear(head.shape[1], len(head), bias=False)
    model = nn.Sequential(convolution, norm, nn.ReLU(), nn.Flatten(), classify).double()
    with torch.no_grad():
        for own, given in ((convolution.weight, kernel), (classify.weight, head)):
            own.copy_(torch.from_numpy(given))
        for statistic, given in ((norm.running_mean, mean), (norm.running_var, var)):
            statistic.copy_(torch.from_numpy(given))  # type: ignore[union-attr]
    return model.train(training)


def _predicted(student: Student, name: str, x: Array, *parts: Array, training: bool) -> Any:
    import torch

    model = small_model(*parts, training=training)
    returned = student(name)(model, torch.from_numpy(x))
    if not isinstance(returned, torch.Tensor):
        kind = "None" if returned is None else f"an object of type {type(returned).__name__}"
        raise TypeError(f"{name} returned {kind} where a tensor of probabilities was asked for")
    return returned


PROBES: dict[str, Callable[..., Any]] = {
    "splits_made": splits_made,
    "flips_looked_at": flips_looked_at,
    "flips_and_graph": flips_and_graph,
}
