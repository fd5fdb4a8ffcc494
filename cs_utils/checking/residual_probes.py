"""Probes for notebook 10: gradients of a residual network, an optimizer's groups, mirrored pictures.

They run in the sandbox beside the student's code, import PyTorch only when they run, and hold no solution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs_utils.checking import torch_probes
from cs_utils.checking.torch_probes import Shape

if TYPE_CHECKING:
    from torch import nn

Student = Callable[[str], Callable[..., Any]]

OTHER_AGAIN = "other scores each time, in evaluation mode and for the same pictures"


def net_learned(student: Student, name: str, *, size: Shape, **options: Any) -> list[Any]:
    """As `torch_probes.net_parameters`, but faster: where it can be, no numbers are made."""
    import torch

    try:
        with torch.device("meta"):
            net = torch_probes.made(student(name), options)
            learned = [one for one in net.parameters() if one.requires_grad]
        shapes = [tuple(one.shape) for one in learned]
    except Exception:  # lazy layers, or anything that the probe with the true numbers tells better
        return torch_probes.net_parameters(student, name, size=size, **options)
    if not shapes:
        return torch_probes.net_parameters(student, name, size=size, **options)
    return [sum(map(math.prod, shapes)), *sorted("x".join(map(str, shape)) for shape in shapes)]


def net_output(student: Student, name: str, count: int, **options: Any) -> Any:
    """`torch_probes.net_scores`, where both times are the same, else `OTHER_AGAIN`."""
    first, again = torch_probes.net_scores(student, name, count, **options)
    return first if np.array_equal(first, again, equal_nan=True) else OTHER_AGAIN


def net_unreached(
    student: Student, name: str, count: int, *, seed: int, size: Shape, **options: Any
) -> list[str]:
    """Shapes of the parameters that get no gradient, sorted."""
    x = torch_probes.images(count, size, seed=seed)
    net = torch_probes.filled(torch_probes.built(student, name, **options), x, seed=seed).eval()
    out = torch_probes._run(net, x)
    if out.requires_grad:
        (out * out.detach().cos()).sum().backward()
    left_out = [one for one in net.parameters() if one.grad is None or not bool(one.grad.any())]
    return sorted("x".join(map(str, one.shape)) for one in left_out)


def net_reached(
    student: Student, name: str, count: int, *, seed: int, size: Shape, **options: Any
) -> list[Any]:
    """The shapes of parameters that get no gradient, in words, and the length of the pictures' gradient."""
    x = torch_probes.images(count, size, seed=seed)
    net = torch_probes.filled(torch_probes.built(student, name, **options), x, seed=seed).eval().double()
    x = x.double().requires_grad_()
    out = torch_probes._run(net, x)
    if out.requires_grad:
        (out * out.detach().cos()).sum().backward()
    left_out = [tuple(one.shape) for one in net.parameters() if one.grad is None or not bool(one.grad.any())]
    return [in_words("without a gradient", left_out), 0.0 if x.grad is None else x.grad.norm().item()]


def small_residual(features: int, *, seed: int) -> nn.Module:
    """A small network of two blocks and a linear layer: with and without bias, with two kinds of norm."""
    import torch
    from torch import nn

    conv, other = (
        nn.Conv2d(2, features, 3, padding=1, bias=False),
        nn.Conv2d(features, features + 1, 3, padding=1),
    )
    net = nn.Sequential(
        nn.Sequential(conv, nn.BatchNorm2d(features), nn.ReLU()),
        nn.Sequential(other, nn.GroupNorm(1, features + 1), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(20 * (features + 1), 3),
    )
    return torch_probes.filled(net, torch.zeros(2, 2, 4, 5), seed=seed)


def optimizer_groups(
    student: Student, name: str, features: int, *, weight_decay: float, seed: int = 0
) -> list[Any]:
    """``decay_groups(net, weight_decay)``, handed to PyTorch's SGD.

    Returns, in words, the shapes of the parameters that shrink, and of those that stay as they are.
    """
    import torch

    net = small_residual(features, seed=seed)
    optimizer = torch.optim.SGD(student(name)(net, weight_decay), lr=0.1)
    found: dict[str, list[Shape]] = {f"shrink by {weight_decay:g}": [], "stay": []}
    for group in optimizer.param_groups:
        kind = f"shrink by {group['weight_decay']:g}" if group["weight_decay"] else "stay"
        found.setdefault(kind, []).extend(tuple(parameter.shape) for parameter in group["params"])
    return [in_words(kind, shapes) for kind, shapes in found.items()]


def in_words(kind: str, shapes: Sequence[Shape]) -> str:
    """``stay: 3, 3, 4``"""
    return f"{kind}: {', '.join(sorted('x'.join(map(str, shape)) for shape in shapes)) or 'none'}"


def mirrored_scores(student: Student, name: str, count: int, *, features: int, seed: int) -> list[Any]:
    """``flipped_scores(net, x)`` for a network that was left in training mode.

    Returns the scores, whether they hold a graph, and whether the network's running statistics have moved.
    """
    net = small_residual(features, seed=seed).train()
    before = [statistic.clone() for statistic in net.buffers()]
    x = torch_probes.images(count, (2, 4, 5), seed=seed)
    kept = x.clone()
    scores = student(name)(net, x)
    moved = any((one != other).any() for one, other in zip(before, net.buffers(), strict=True))
    if bool((x != kept).any()):
        raise ValueError("the pictures were changed")
    return [
        scores.detach().numpy().copy(),
        "holds a graph" if scores.requires_grad else "no graph",
        "moved" if moved else "still",
    ]


PROBES: dict[str, Callable[..., Any]] = {
    "net_learned": torch_probes._or_no_weights(net_learned),
    "net_output": torch_probes._or_no_weights(net_output),
    "net_unreached": torch_probes._or_no_weights(net_unreached),
    "net_reached": torch_probes._or_no_weights(net_reached),
    "optimizer_groups": optimizer_groups,
    "mirrored_scores": mirrored_scores,
}
