"""Probes for notebook 11: parts of networks that train or rest, and maps of what a network looks at.

PyTorch is imported when a probe runs, not before. No probe holds a solution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

Student = Callable[[str], Callable[..., Any]]
Array = np.ndarray


def with_tensors(student: Student, name: str, *args: Any, **options: Any) -> Any:
    """A plain call, with a tensor for every array, and an array or a number for what comes back."""
    return _back(student(name)(*map(_tensor, args), **options))


def _tensor(value: Any) -> Any:
    import torch

    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _back(value: Any) -> Any:
    """Tensors as arrays, tensors without an axis as numbers; anything else as it is."""
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    array = np.array(value.detach().cpu().numpy())
    return array.item() if array.ndim == 0 else array


# --- a network with a head ----------------------------------------------------------------------------------


def small_net(inputs: int, features: int, classes: int, *, frozen: bool = False) -> Any:
    """A network with a body and a head. frozen: nothing of it trains."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(inputs, features), nn.Linear(features, classes)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x).relu())

    return Net().requires_grad_(not frozen)


def head_replaced(
    student: Student, name: str, inputs: int, features: int, old: int, classes: int, *, frozen: bool = False
) -> tuple[Any, ...]:
    """``new_head(net, classes)`` for a network with a body and a head for `old` classes.

    frozen: nothing trains before the call.

    Returns the shape of the head's weight, what trains of the head, whether its weights are fresh, and what
    has become of the body: of its numbers, and whether they train.
    """
    import torch
    from torch import nn

    net = small_net(inputs, features, old, frozen=frozen)
    body, head = _numbers(net.body), _numbers(net.head)
    returned = student(name)(net, classes)
    if not isinstance(returned, nn.Module):
        kind = "None" if returned is None else f"an object of type {type(returned).__name__}"
        raise TypeError(f"{name} returned {kind} where the network was asked for")
    new, kept = getattr(returned, "head", None), getattr(returned, "body", None)
    if not isinstance(new, nn.Linear):
        found = "has no head" if new is None else f"has a {type(new).__name__} for its head, not an nn.Linear"
        raise TypeError(f"{name} returned a {type(returned).__name__}, which {found}")
    fresh = new.weight.shape != (old, features) or not torch.equal(_numbers(new)[: head.numel()], head)
    same = isinstance(kept, nn.Linear) and torch.equal(_numbers(kept), body)
    return (
        list(new.weight.shape),
        "trains" if all(one.requires_grad for one in new.parameters()) else "frozen",
        "fresh" if fresh else "the old weights",
        "as it was" if same else "changed",
        _training(kept.parameters()) if isinstance(kept, nn.Module) else "gone",
    )


def _training(parameters: Iterable[Any]) -> str:
    switched = {one.requires_grad for one in parameters}
    return "in part" if len(switched) > 1 else "trains" if True in switched else "frozen"


def _numbers(module: nn.Module) -> Any:
    import torch

    return torch.cat([one.detach().clone().flatten() for one in module.parameters()])


# --- which parameters train, and how fast -------------------------------------------------------------------


def parts_of(counts: Sequence[int], *, asleep: Sequence[int] = ()) -> list[nn.Module]:
    """Parts with so many parameters each. asleep: those of which nothing trains."""
    import torch
    from torch import nn

    def part(count: int) -> nn.Module:
        return nn.Sequential(nn.ParameterList([torch.zeros(2) for _ in range(count)]))

    return [part(count).requires_grad_(place not in asleep) for place, count in enumerate(counts)]


def groups_made(
    student: Student,
    name: str,
    parts: Sequence[int],
    mode: str,
    *,
    lr: float,
    asleep: Sequence[int] = (),
    **options: Any,
) -> tuple[Array, Array]:
    """``fine_tuning_groups(parts, mode, lr=...)`` for parts with so many parameters each.

    asleep: parts of which nothing trained before the call.

    Returns for every parameter whether it needs a gradient, and the learning rate with which an optimizer
    made of the groups would move it: 0 where it does not hold it, `lr` in a group without a rate of its own.
    """
    made = parts_of(parts, asleep=asleep)
    groups = student(name)(list(made), mode, lr=lr, **options)
    every = [one for part in made for one in part.parameters()]
    rates = dict.fromkeys(map(id, every), 0.0)
    for group in _param_groups(groups, lr):
        for one in group["params"]:
            if id(one) in rates:
                rates[id(one)] = float(group["lr"])
    flags = np.array([float(one.requires_grad) for one in every])
    return flags, np.array([rates[id(one)] for one in every])


def _param_groups(groups: Any, lr: float) -> list[dict[str, Any]]:
    """As an optimizer takes them; it refuses what it cannot take. No parameters at all are no groups."""
    import torch

    if not isinstance(groups, Iterable):
        kind = "None" if groups is None else f"an object of type {type(groups).__name__}"
        raise TypeError(f"fine_tuning_groups returned {kind} where a list of groups was asked for")
    groups = list(groups)
    for group in groups:
        if not isinstance(group, dict) or "params" not in group:
            kind = 'a dict without "params"' if isinstance(group, dict) else f"a {type(group).__name__}"
            raise TypeError(f'a group is {kind}, where a dict with "params" and "lr" was asked for')
    if all(isinstance(group["params"], list | tuple) and not group["params"] for group in groups):
        return []
    return torch.optim.SGD(groups, lr=lr).param_groups


# --- training mode ------------------------------------------------------------------------------------------


def norm_parts(
    mean: Array, var: Array, trains: Sequence[int], *, asleep: bool = False, partly: Sequence[int] = ()
) -> list[nn.Module]:
    """Parts with a batch norm each. Those in `trains` train, and of those in `partly` the shift alone.

    mean, var: (parts, C), the running statistics. asleep: all parts are in evaluation mode.
    """
    from torch import nn

    norms = [nn.BatchNorm1d(mean.shape[1]).double() for _ in mean]
    parts: list[nn.Module] = [nn.Sequential(nn.Sequential(norm), nn.Tanh()) for norm in norms]
    for place, (norm, part) in enumerate(zip(norms, parts, strict=True)):
        norm.running_mean, norm.running_var = map(_tensor, (mean[place].copy(), var[place].copy()))
        part.requires_grad_(place in trains).train(not asleep)
        norm.weight.requires_grad_(place in trains and place not in partly)
    return parts


def statistics_after(parts: Sequence[nn.Module], x: Array) -> tuple[Array, Array]:
    """The running means and variances after a batch x (N, C) has gone through all parts of `norm_parts`."""
    import torch

    with torch.no_grad():
        out = _tensor(x)
        for part in parts:
            out = part(out)
    norms = [next(one for one in part.modules() if isinstance(one, torch.nn.BatchNorm1d)) for part in parts]
    after = [[_back(norm.running_mean), _back(norm.running_var)] for norm in norms]
    return np.stack([one for one, _ in after]), np.stack([other for _, other in after])


def modes_set(
    student: Student,
    name: str,
    x: Array,
    mean: Array,
    var: Array,
    trains: Sequence[int],
    *,
    asleep: bool,
    partly: Sequence[int] = (),
) -> tuple[Array, Array]:
    """``training_mode(parts)`` for `norm_parts`. Returns their statistics after the batch x (N, C)."""
    parts = norm_parts(mean, var, trains, asleep=asleep, partly=partly)
    student(name)(list(parts))
    return statistics_after(parts, x)


# --- what a network looks at --------------------------------------------------------------------------------


def map_by_gradient(
    student: Student,
    name: str,
    x: Array,
    first: Array,
    second: Array,
    head: Array,
    labels: Array,
    *,
    size: int,
    frozen: bool = False,
) -> Any:
    """``grad_cam(body, tail, x, labels, size=...)`` for `two_halves`."""
    body, tail = two_halves(first, second, head, frozen=frozen)
    return _back(student(name)(body, tail, _tensor(x), _tensor(labels), size=size))


def two_halves(
    first: Array, second: Array, head: Array, *, frozen: bool = False
) -> tuple[nn.Module, nn.Module]:
    """Body and tail of a network in evaluation mode.

    The body is a convolution with the kernel `first` and a ReLU, the tail one with `second`, a ReLU, the mean
    over places, and a linear layer with the weight `head`. frozen: none of the weights needs a gradient.
    """
    from torch import nn

    body = nn.Sequential(_convolution(first), nn.ReLU())
    classify = nn.Linear(head.shape[1], head.shape[0], bias=False).double()
    classify.weight.data = _tensor(head).clone()
    tail = nn.Sequential(_convolution(second), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), classify)
    for each in (body, tail):
        each.requires_grad_(not frozen).eval()
    return body, tail


def _convolution(kernel: Array) -> nn.Module:
    from torch import nn

    outputs, inputs, side, _ = kernel.shape
    made = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False).double()
    made.weight.data = _tensor(kernel).clone()
    return made


PROBES: dict[str, Callable[..., Any]] = {
    "with_tensors": with_tensors,
    "head_replaced": head_replaced,
    "groups_made": groups_made,
    "modes_set": modes_set,
    "map_by_gradient": map_by_gradient,
}
