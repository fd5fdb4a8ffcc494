"""How networks in PyTorch are exercised: built, filled with known numbers, run, and told as plain data.

`filled` gives every weight numbers that depend on a seed, its shape and its place in the forward pass, not on
how the network was written down: whoever knows these can compute what comes out. So a network of
`nn.Sequential` and one with a `forward`, with names of their own, are asked the same. A bias in front of a
norm, which may as well be left out, gets zeros.

This file runs in the sandbox beside the student's code. It holds no solution and decides nothing, and it
imports PyTorch only when a probe runs, since the sandbox of the NumPy notebooks has none.
"""

from __future__ import annotations

import contextlib
import functools
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


Student = Callable[[str], Callable[..., Any]]
Shape = tuple[int, ...]

GRAPH_KEPT = "a tensor that still holds its graph"
NO_STATISTIC = "no running statistic"
NO_WEIGHTS = "a network in which PyTorch finds no weights"
ELSEWHERE = "meta"  # PyTorch's device without memory or numbers: a stand-in for a GPU, which is always there

SETTINGS = "dampening", "weight_decay", "maximize"  # of SGD; 0 or False when nothing is said
FIRST = ("in_channels", "out_channels")  # a student may give them other names

NUMBERS = {"item": 1.0, "__float__": 1.0, "__int__": 1, "__index__": 1, "__bool__": True, "tolist": [1.0]}


# --- known numbers ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)  # a class is graded on the same networks
def numbers(seed: int, role: str, shape: Shape, which: int = 0, after: Shape = ()) -> np.ndarray:
    """The float64 numbers that `filled` puts into a tensor; read-only.

    role: ``weight`` or ``bias`` of a convolution or a linear layer, or ``norm.weight``, ``norm.bias``,
    ``norm.running_mean``, ``norm.running_var``. which: how many of the same role and shape came before in the
    forward pass. after: for a norm, the shape of the weight of the layer whose output it takes.
    """
    key = zlib.crc32(f"{role} {tuple(shape)} {which} {tuple(after)}".encode())
    drawn = np.random.default_rng([seed, key]).random(tuple(shape), dtype=np.float32).astype(np.float64)
    if role == "weight":
        drawn = (2 * drawn - 1) * math.sqrt(6 / math.prod(shape[1:]))  # keeps the scale from layer to layer
    else:
        drawn += 0.5 if role in ("norm.weight", "norm.running_var") else -0.5
    drawn.flags.writeable = False
    return drawn


def images(count: int, size: Sequence[int], *, seed: int) -> Tensor:
    """`count` pictures of random numbers, (count, C, H, W) for the size (C, H, W)."""
    import torch

    return torch.from_numpy(
        np.random.default_rng([seed, 1]).standard_normal((count, *size), dtype=np.float32)
    )


def filled(net: nn.Module, example: Tensor, *, seed: int) -> nn.Module:
    """The same network, on the CPU, with known numbers in all weights and running statistics.

    example: a batch, to find out in which order the layers are used.
    """
    import torch

    net.to("cpu")
    pass_ = watch(net, example)
    seen: dict[tuple[Any, ...], int] = {}
    with torch.no_grad():
        for module in pass_.order:
            after = pass_.shape_before(module)
            for name, tensor in (
                *module.named_parameters(recurse=False),
                *module.named_buffers(recurse=False),
            ):
                if not tensor.is_floating_point():
                    tensor.zero_()  # a norm's counter of batches
                    continue
                role, shape = _role(module, name, tensor), tuple(tensor.shape)
                if role == "bias" and module in pass_.normed:
                    tensor.zero_()
                    continue
                which = seen[role, shape, after] = seen.get((role, shape, after), -1) + 1
                tensor.copy_(torch.tensor(numbers(seed, role, shape, which, after)))
    return net


def _role(module: nn.Module, name: str, tensor: Tensor) -> str:
    if is_norm(module):
        return f"norm.{name}"
    return "weight" if tensor.ndim > 1 else "bias"


def is_norm(module: nn.Module) -> bool:
    """Is it a batch norm, or a relative of it?"""
    from torch import nn

    kinds = nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm
    return isinstance(module, kinds)


@dataclass
class Pass:
    """What happened in one forward pass.

    order: modules that have weights or statistics of their own, in the order of use; those that were not used
    come last. stages: for each use of a layer with weights that is no norm: the layer, and the shapes of what
    went in and came out. before: norm -> the layer whose output it took.
    """

    order: list[nn.Module] = field(default_factory=list)
    stages: list[tuple[nn.Module, Shape, Shape]] = field(default_factory=list)
    before: dict[nn.Module, nn.Module] = field(default_factory=dict)

    @property
    def normed(self) -> set[nn.Module]:
        """Layers whose output goes straight into a norm."""
        return set(self.before.values())

    def shape_before(self, module: nn.Module) -> Shape:
        weight = getattr(self.before.get(module), "weight", None)
        return () if weight is None else tuple(weight.shape)


def watch(net: nn.Module, example: Tensor) -> Pass:
    """Run the network once in evaluation mode, and see which layers are used, and on what."""
    import torch

    seen = Pass()
    makers: dict[int, nn.Module] = {}
    kept = []  # outputs, so that no two of them get one identity

    def record(module: nn.Module, inputs: Any, out: Any) -> None:
        if module not in seen.order:
            seen.order.append(module)
        given = inputs[0] if inputs else None
        if not isinstance(given, torch.Tensor) or not isinstance(out, torch.Tensor):
            return
        if not is_norm(module):
            seen.stages.append((module, tuple(given.shape), tuple(out.shape)))
            makers[id(out)] = module
            kept.append(out)
        elif id(given) in makers:
            seen.before[module] = makers[id(given)]

    own = [module for module in net.modules() if _has_own(module)]
    hooks = [module.register_forward_hook(record) for module in own if module is not net]
    mode = net.training
    try:
        with torch.no_grad(), _seeded():
            _run(net.eval(), example.clone())
    finally:
        net.train(mode)
        for hook in hooks:
            hook.remove()
    seen.order += [module for module in own if module not in seen.order]
    return seen


def _has_own(module: nn.Module) -> bool:
    return any(True for _ in (*module.parameters(recurse=False), *module.buffers(recurse=False)))


# --- building and running ---------------------------------------------------------------------------------


def built(student: Student, name: str, **options: Any) -> nn.Module:
    """The student's network on the CPU.

    Raises:
        TypeError: what the student's class or function gives is no `nn.Module`.
    """
    from torch import nn

    with _seeded(), _told_as_unwritten(name):
        net = made(student(name), options)
    if not isinstance(net, nn.Module):
        raise TypeError(f"{name}(...) gave {_kind(net)} where an nn.Module was asked for")
    if not any(True for _ in net.parameters()):
        raise _NoWeights
    return net.to("cpu")


def made(network: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """The network with these options, of which `FIRST` are handed over by their place, not by name."""
    named = {name: value for name, value in options.items() if name not in FIRST}
    return network(*(options[name] for name in FIRST if name in options), **named)


class _NoWeights(Exception):
    """The network has no parameters."""


def _or_no_weights(probe: Callable[..., Any]) -> Callable[..., Any]:
    """The probe, which says `NO_WEIGHTS` of a network that has none."""

    @functools.wraps(probe)
    def asked(*args: Any, **options: Any) -> Any:
        try:
            return probe(*args, **options)
        except _NoWeights:
            return NO_WEIGHTS

    return asked


def _kind(value: Any) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


@contextlib.contextmanager
def _seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers every time, and none taken from those of the notebook."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)  # that of the CPU alone, which takes a tenth as long
        yield


@contextlib.contextmanager
def _told_as_unwritten(name: str) -> Iterator[None]:
    """The stub's own error comes from here, not from a line of ``__init__`` or ``forward``."""
    try:
        yield
    except NotImplementedError as error:
        if str(error) == f"write {name}":
            raise NotImplementedError(str(error)) from None
        if "forward" in str(error):
            raise AttributeError(f"{name} has no method forward(self, x)") from None
        raise


def _run(net: nn.Module, x: Tensor) -> Tensor:
    import torch

    with _told_as_unwritten(type(net).__name__):
        out = net(x)
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"forward returned {_kind(out)} where a tensor was asked for")
    return out


def _array(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


# --- probes of a network ----------------------------------------------------------------------------------


def net_parameters(student: Student, name: str, *, size: Shape = (1, 28, 28), **options: Any) -> list[Any]:
    """How many numbers the network learns, and the shapes of its parameters, sorted.

    options: of the class. Needs no forward, but for lazy layers, which get their shape there.
    """
    import torch

    net = built(student, name, **options)
    if any(isinstance(one, torch.nn.UninitializedParameter) for one in net.parameters()):
        watch(net, images(1, size, seed=0))
    learned = [parameter for parameter in net.parameters() if parameter.requires_grad]
    return [sum(one.numel() for one in learned), *sorted("x".join(map(str, one.shape)) for one in learned)]


def net_stages(student: Student, name: str, *, size: Shape = (1, 28, 28), **options: Any) -> list[str]:
    """What every layer with weights takes and gives, in the order of use: ``conv 1 -> 20x28x28``."""
    net = built(student, name, **options)
    stages = watch(net, images(2, size, seed=0)).stages
    return [stage(len(module.weight.shape), given[1:], out[1:]) for module, given, out in stages]  # type: ignore[arg-type]


def stage(dimensions: int, given: Sequence[int], out: Sequence[int]) -> str:
    """A layer whose weight has so many dimensions, in words.

    Of a convolution's input only the channels: zeros around the picture may be a step of their own.
    """
    kind = "linear" if dimensions == 2 else "conv"
    return f"{kind} {given[0] if dimensions > 2 else 'x'.join(map(str, given))} -> {'x'.join(map(str, out))}"


def net_scores(
    student: Student, name: str, count: int, *, seed: int, size: Shape = (1, 28, 28), **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """What comes out in evaluation mode for known weights and pictures, asked twice."""
    import torch

    x = images(count, size, seed=seed)
    net = filled(built(student, name, **options), x, seed=seed).eval()
    with torch.no_grad():
        return _again(net, x, 1), _again(net, x, 2)


def _again(net: nn.Module, x: Tensor, draws: int) -> np.ndarray:
    with _seeded(draws):
        return _array(_run(net, x.clone()))


def net_gradients(
    student: Student,
    name: str,
    count: int,
    *,
    seed: int,
    training: bool = False,
    size: Shape = (1, 28, 28),
    **options: Any,
) -> list[float]:
    """Lengths of a loss's gradients with respect to every parameter, sorted by shape."""
    x = images(count, size, seed=seed)
    net = filled(built(student, name, **options), x, seed=seed).train(training)
    with _seeded():
        out = _run(net, x)
    if out.requires_grad:
        (out * out.detach().cos()).sum().backward()
    learned = sorted(net.parameters(), key=lambda one: "x".join(map(str, one.shape)))
    return [0.0 if one.grad is None else one.grad.norm().item() for one in learned]


def net_statistics(
    student: Student,
    name: str,
    count: int,
    *,
    seed: int,
    norms: int,
    size: Shape = (1, 28, 28),
    **options: Any,
) -> list[np.ndarray | str]:
    """Running mean and variance of the first norms after one batch in training mode, in the order of use."""
    import torch

    x = images(count, size, seed=seed)
    net = filled(built(student, name, **options), x, seed=seed)
    used = [module for module in watch(net, x).order if is_norm(module)]
    with torch.no_grad():
        _again(net.train(), x, 1)
    return [
        _array(statistic) if isinstance(statistic, torch.Tensor) else NO_STATISTIC
        for norm in used[:norms]
        for statistic in (norm.running_mean, norm.running_var)
    ]


def net_dropped(
    student: Student, name: str, count: int, *, seed: int, size: Shape = (1, 28, 28), **options: Any
) -> dict[str, float]:
    """What training does to the numbers that enter the first linear layer, where none of them was 0.

    share: of numbers that are 0. kept: the factor on the others, -1 where evaluation drops numbers, too.
    whole: share of channels that are all 0.
    """
    import torch

    x = images(count, size, seed=seed)
    net = filled(built(student, name, **options), x, seed=seed)
    layers = watch(net, x).order
    first = next(module for module in layers if isinstance(module, torch.nn.Linear))
    _keep_alive(layers, first)
    entered: list[np.ndarray] = []
    hook = first.register_forward_pre_hook(lambda module, inputs: entered.append(_array(inputs[0])))
    with torch.no_grad():
        net.train()
        for module in layers:
            if is_norm(module):
                module.eval()  # so that only dropout is random, or differs between the modes
        for draws in (1, 2, 3):
            _again(net, x, draws)
        net.eval()
        _again(net, x, 1)
    hook.remove()
    *dropped, kept_whole = entered
    drawn = np.stack(dropped)
    zero = drawn == 0
    channels = zero.reshape(len(drawn), count, len(_last_weight(layers, first)), -1)
    always = bool((kept_whole == 0).any())
    factors = drawn[~zero] / np.broadcast_to(kept_whole, drawn.shape)[~zero] if not always else np.zeros(0)
    return {
        "share": float(zero.mean()),
        "kept": float(np.median(factors)) if factors.size else -1.0,
        "whole": float(channels.all(axis=-1).mean()),
    }


def _last_weight(layers: list[nn.Module], end: nn.Module) -> Any:
    before = layers[: layers.index(end)]
    return next(module.weight for module in reversed(before) if not is_norm(module))


def _keep_alive(layers: list[nn.Module], end: nn.Module) -> None:
    """No ReLU in front of `end` gives 0: a layer gives a positive number, the same in the whole channel."""
    import torch

    with torch.no_grad():
        for module in layers[: layers.index(end)]:
            for parameter in module.parameters(recurse=False):
                parameter.fill_(0.0 if parameter.ndim > 1 else 1.0)
            if is_norm(module) and isinstance(module.bias, torch.Tensor):
                module.bias.fill_(50.0)


# --- probes of a training loop ----------------------------------------------------------------------------


def small_net(
    features: int, classes: int, *, seed: int, norm: bool = False, lr: float = 0.1, momentum: float = 0.0
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A network with known weights and its optimizer, to try a training loop on.

    features: numbers in a picture. norm: with a batch norm in it, which makes the two modes differ.
    """
    import torch
    from torch import nn

    between = [nn.BatchNorm1d(6), nn.ReLU()] if norm else [nn.ReLU()]
    layers = nn.Flatten(), nn.Linear(features, 6), *between, nn.Linear(6, classes)
    net = filled(nn.Sequential(*layers), torch.zeros(2, features), seed=seed)
    descent = torch.optim.SGD([*net.parameters()], lr, momentum)
    return net, descent


def _pairs(x: np.ndarray, y: np.ndarray, sizes: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """Batches of these sizes; one of all pictures where there are no sizes."""
    import torch

    parts = list(sizes) or [len(y)]
    inputs = torch.from_numpy(np.array(x, dtype=np.float32)).split(parts)
    return list(zip(inputs, torch.from_numpy(np.array(y)).split(parts), strict=True))


def torch_steps(
    student: Student,
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    sizes: Sequence[int] = (),
    classes: int = 3,
    norm: bool = False,
    stale: bool = False,
    asleep: bool = False,
    **settings: Any,
) -> tuple[Any, ...]:
    """``train_batch(net, optimizer, x, y)`` on one batch after the other.

    stale: gradients of something else are still there. asleep: the network was left in evaluation mode.

    Returns the losses, the numbers of right answers, all weights, and the running statistics.
    """
    net, optimizer = small_net(x[0].size, classes, seed=seed, norm=norm, **settings)
    _prepare(net, stale, asleep)
    told = [_told(name, student(name)(net, optimizer, *pair)) for pair in _pairs(x, y, sizes)]
    return [loss for loss, _ in told], [right for _, right in told], _weights(net), _memory(net)


def torch_epoch(
    student: Student,
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    sizes: Sequence[int] = (),
    classes: int = 3,
    norm: bool = False,
    stale: bool = False,
    asleep: bool = False,
    **settings: Any,
) -> tuple[Any, ...]:
    """``train_epoch(net, optimizer, batches)``.

    Returns the loss, the share of right answers, all weights, and the running statistics.
    """
    net, optimizer = small_net(x[0].size, classes, seed=seed, norm=norm, **settings)
    _prepare(net, stale, asleep)
    return *_told(name, student(name)(net, optimizer, _pairs(x, y, sizes))), _weights(net), _memory(net)


def torch_evaluation(
    student: Student,
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    sizes: Sequence[int] = (),
    classes: int = 3,
    norm: bool = False,
    asleep: bool = True,
) -> tuple[Any, ...]:
    """``evaluate(net, batches)``.

    Returns the loss, the share of right answers, all weights, the running statistics, and whether any forward
    pass was recorded for a gradient.
    """
    import torch

    net, _ = small_net(x[0].size, classes, seed=seed, norm=norm)
    _prepare(net, False, asleep)
    recorded: list[bool] = []
    net.register_forward_pre_hook(lambda module, inputs: recorded.append(torch.is_grad_enabled()))
    returned = _told(name, student(name)(net, _pairs(x, y, sizes)))
    return (
        *returned,
        _weights(net),
        _memory(net),
        "recorded" if any(recorded) or not recorded else "not recorded",
    )


def _prepare(net: nn.Module, stale: bool, asleep: bool) -> None:
    import torch

    if stale:
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
    net.train(not asleep)


def _told(name: str, returned: Any) -> tuple[Any, Any]:
    """The two numbers that were returned; tensors with one number in them count as numbers."""
    first, second = map(_number, _two(name, returned))
    return first, int(second) if isinstance(second, float) and second.is_integer() else second


def _two(name: str, returned: Any) -> Sequence[Any]:
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        found = f"{len(returned)} values" if isinstance(returned, tuple | list) else _kind(returned)
        raise TypeError(f"{name} returned {found} where two numbers were asked for")
    return returned


def _number(value: Any) -> Any:
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    if value.grad_fn is not None:
        return GRAPH_KEPT
    return value.item() if value.numel() == 1 else _array(value)


def _weights(net: nn.Module) -> np.ndarray:
    return np.concatenate([_array(parameter).ravel() for parameter in net.parameters()])


def _memory(net: nn.Module) -> np.ndarray:
    parts = [_array(buffer).ravel() for buffer in net.buffers() if buffer.is_floating_point()]
    return np.concatenate([np.zeros(0, dtype=np.float32), *parts])


def torch_elsewhere(
    student: Student, name: str, count: int, *, seed: int, batched: bool = False, trains: bool = True
) -> str:
    """The same with the network on a device that is not the pictures', and that no global variable names.

    The device has no numbers: whoever asks for one is given 1. So this tells where tensors are, nothing else.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Numberless(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            asked = getattr(func, "__name__", "")
            here = args[0] if args and isinstance(args[0], torch.Tensor) else None
            if here is None or here.device.type != ELSEWHERE:
                return func(*args, **(kwargs or {}))
            if asked in NUMBERS:
                return NUMBERS[asked]
            try:
                return func(*args, **(kwargs or {}))
            except NotImplementedError:  # it was brought to the CPU
                return torch.ones(here.shape, dtype=here.dtype)

    net, _ = small_net(4, 3, seed=seed)
    net.to(ELSEWHERE)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = images(count, (1, 2, 2), seed=seed), torch.arange(count) % 3
    handed = [[(x, y), (x, y)]] if batched else [x, y]
    try:
        with Numberless():
            returned = student(name)(net, *([optimizer] if trains else []), *handed)
    except RuntimeError as error:
        if "meta" not in str(error):
            raise
        message = "pictures or labels are on the CPU while the network is on another device"
        raise RuntimeError(message).with_traceback(error.__traceback__) from None
    _two(name, returned)
    where = {parameter.device.type for parameter in net.parameters()}
    return "computed where the network is" if where == {ELSEWHERE} else "the network was moved"


def torch_ready(student: Student, name: str, *, device: str, seed: int, **settings: Any) -> tuple[Any, ...]:
    """``prepare(net, device, ...)``: where network and optimizer end up, and with which settings.

    Returns where the network is; how many parameters the optimizer moves that are the network's, and how many
    that are not; its learning rate and momentum; whether the network is the one that was handed in; and what
    else of the optimizer is not as it is by itself.
    """
    import torch

    handed, _ = small_net(4, 3, seed=seed)
    returned = student(name)(handed, device, **settings)
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise TypeError(f"{name} returned {_kind(returned)} where net and optimizer were asked for")
    net, optimizer = returned
    if not isinstance(net, torch.nn.Module) or not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"{name} returned {_kind(net)} and {_kind(optimizer)} where net and optimizer were asked for"
        )
    own = {id(parameter) for parameter in net.parameters()}
    moved = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    group = optimizer.param_groups[0]
    places = sorted({parameter.device.type for parameter in net.parameters()})
    rates = [float(group["lr"]), float(group.get("momentum", -1.0))]
    more = [f"{name}={group[name]}" for name in SETTINGS if group.get(name)]
    return (
        *(" and ".join(places), len(own.intersection(moved)), len(set(moved) - own), *rates),
        *("the same" if net is handed else "another one", ", ".join(more) or "none"),
    )


# --- probes of weights that move --------------------------------------------------------------------------


def arrays_of(shapes: Sequence[Shape], *, seed: int) -> list[np.ndarray]:
    """Weights and biases as float64 arrays."""
    return [
        numbers(seed, "weight" if len(shape) > 1 else "bias", tuple(shape), which).copy()
        for which, shape in enumerate(shapes)
    ]


def weights_copied(
    student: Student,
    name: str,
    shapes: Sequence[Shape],
    *,
    seed: int,
    other: Shape | None = None,
    double: bool = True,
) -> tuple[Any, ...]:
    """``copy_weights(net, arrays)`` into a network with parameters of these shapes.

    other: the shape of the last but one array, where it is not that of the parameter. double: the network's
    precision.

    Returns the parameters after it, what they are made of, whether the arrays that were handed over are still
    their own, and whether the parameters can still be trained.
    """
    import torch

    net = torch.nn.ParameterList([torch.zeros(shape) for shape in shapes]).to(
        torch.float64 if double else torch.float32
    )
    given = arrays_of([*shapes[:-2], other, shapes[-1]] if other else shapes, seed=seed)
    kept = [array.copy() for array in given]
    student(name)(net, given)
    after = [_array(parameter) for parameter in net]
    same = all(np.array_equal(array, before) for array, before in zip(given, kept, strict=True))
    for array in given:
        array += 1
    apart = all(np.array_equal(_array(one), before) for one, before in zip(net, after, strict=True))
    arrived = any(values.any() for values in after)
    kinds = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in net})
    learned = all(parameter.requires_grad for parameter in net)
    return (
        after,
        " and ".join(kinds),
        ("their own" if apart and same else "shared") if arrived else "empty",
        "trains" if learned else "frozen",
    )


def with_arrays(
    student: Student, name: str, count: int, shapes: Sequence[Shape], *, size: Shape, seed: int
) -> Any:
    """``numpy_scores(x, arrays)`` for pictures and weights of these shapes, as float64 arrays."""
    x = images(count, size, seed=seed).numpy().astype(np.float64)
    return student(name)(x, arrays_of(shapes, seed=seed))


PROBES: dict[str, Callable[..., Any]] = {
    "net_parameters": _or_no_weights(net_parameters),
    "net_stages": _or_no_weights(net_stages),
    "net_scores": _or_no_weights(net_scores),
    "net_gradients": _or_no_weights(net_gradients),
    "net_statistics": _or_no_weights(net_statistics),
    "net_dropped": _or_no_weights(net_dropped),
    "torch_steps": torch_steps,
    "torch_epoch": torch_epoch,
    "torch_evaluation": torch_evaluation,
    "torch_elsewhere": torch_elsewhere,
    "torch_ready": torch_ready,
    "weights_copied": weights_copied,
    "with_arrays": with_arrays,
}
