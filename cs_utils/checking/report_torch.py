"""Calls of the probes for networks in PyTorch, as a student would type them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from cs_utils.checking.torch_probes import FIRST

Lines = Iterator[str]

KNOWN = "from cs_utils.checking import torch_probes as known"


def _sorted(options: Sequence[str], *ours: str) -> tuple[dict[str, str], list[str]]:
    """Options of these names and their values, and the other options as they are."""
    mine = dict(option.split("=", 1) for option in options if option.split("=", 1)[0] in ours)
    return mine, [option for option in options if option.split("=", 1)[0] not in ours]


def _call(name: str, *parts: str) -> str:
    return f"{name}({', '.join(map(_by_place, parts))})"


def _by_place(part: str) -> str:
    """``4`` of ``in_channels=4``: what the probes hand over by its place."""
    option, _, value = part.partition("=")
    return value if option in FIRST else part


# --- networks ---------------------------------------------------------------------------------------------


def net_parameters(name: str, options: Sequence[str]) -> Lines:
    _, own = _sorted(options, "size")
    yield f"net = {_call(name, *own)}"
    yield "[tuple(parameter.shape) for parameter in net.parameters()]"


def net_stages(name: str, options: Sequence[str]) -> Lines:
    ours, own = _sorted(options, "size")
    yield KNOWN
    yield f"x = known.images(2, {ours.get('size', '(1, 28, 28)')}, seed=0)"
    yield f"net = {_call(name, *own)}"
    yield "known.watch(net, x).stages  # layer, what goes in, what comes out"


def _known_net(name: str, options: Sequence[str], count: str) -> Lines:
    ours, own = _sorted(options, "size", "seed", "norms", "training")
    yield KNOWN
    yield f"x = known.images({count}, {ours.get('size', '(1, 28, 28)')}, seed={ours['seed']})"
    yield f"net = known.filled({_call(name, *own)}, x, seed={ours['seed']})"


def net_scores(name: str, options: Sequence[str], count: str) -> Lines:
    yield from _known_net(name, options, count)
    yield "net.eval()(x)"


def net_gradients(name: str, options: Sequence[str], count: str) -> Lines:
    yield from _known_net(name, options, count)
    mode = "train" if _sorted(options, "training")[0].get("training") == "True" else "eval"
    yield f"out = net.{mode}()(x)"
    yield "(out * out.detach().cos()).sum().backward()"
    yield "{name: parameter.grad for name, parameter in net.named_parameters()}"


def net_statistics(name: str, options: Sequence[str], count: str) -> Lines:
    yield from _known_net(name, options, count)
    yield "net.train()(x)"
    yield "dict(net.named_buffers())"


def net_dropped(name: str, options: Sequence[str], count: str) -> Lines:
    yield from _known_net(name, options, count)
    yield "net.train()(x)  # how many of the numbers are 0 that enter the first linear layer?"


# --- training loops ---------------------------------------------------------------------------------------


def _small_net(options: Sequence[str]) -> Lines:
    ours, own = _sorted(options, "sizes", "classes", "stale", "asleep")
    yield KNOWN
    classes = ours.get("classes", "3")
    yield f"net, optimizer = known.small_net(x[0].size, {classes}, {', '.join(own)})"
    if ours.get("stale") == "True":
        yield "for parameter in net.parameters():"
        yield "    parameter.grad = torch.ones_like(parameter)  # left over from something else"
    if "asleep" in ours:
        yield "net.eval()" if ours["asleep"] == "True" else "net.train()"


def _batches(options: Sequence[str], x: str, y: str) -> str:
    sizes = _sorted(options, "sizes")[0].get("sizes")
    split = f".split({sizes})" if sizes else f".split(len({y}))"
    return f"batches = list(zip(torch.tensor({x}).float(){split}, torch.tensor({y}){split}))"


def torch_steps(name: str, options: Sequence[str], x: str, y: str) -> Lines:
    yield from _small_net(options)
    yield _batches(options, x, y)
    yield f"[{name}(net, optimizer, *batch) for batch in batches]"


def torch_batches(arguments: str, name: str, options: Sequence[str], x: str, y: str) -> Lines:
    yield from _small_net(options)
    yield _batches(options, x, y)
    yield f"{name}({arguments}, batches)"


def torch_elsewhere(name: str, options: Sequence[str], count: str, *_: str) -> Lines:
    ours, _rest = _sorted(options, "seed", "batched", "trains")
    yield KNOWN
    yield f"net, optimizer = known.small_net(4, 3, seed={ours['seed']})"
    yield 'net.to("meta")  # a device without numbers, in the place of a GPU'
    yield f"x = known.images({count}, (1, 2, 2), seed={ours['seed']})"
    yield f"y = torch.arange({count}) % 3"
    handed = "[(x, y), (x, y)]" if ours.get("batched") == "True" else "x, y"
    yield _call(name, "net", *["optimizer"] * (ours.get("trains") != "False"), handed)


def torch_ready(name: str, options: Sequence[str], *_: str) -> Lines:
    ours, own = _sorted(options, "seed", "device")
    yield KNOWN
    yield f"net, _ = known.small_net(4, 3, seed={ours['seed']})"
    yield f"net, optimizer = {_call(name, 'net', ours['device'], *own)}"
    yield "optimizer, [parameter.device for parameter in net.parameters()]"


# --- weights ----------------------------------------------------------------------------------------------


def weights_copied(name: str, options: Sequence[str], shapes: str) -> Lines:
    ours, _rest = _sorted(options, "seed", "other", "double")
    yield KNOWN
    yield f"shapes = {shapes}"
    kind = "torch.float32" if ours.get("double") == "False" else "torch.float64"
    yield f"net = nn.ParameterList([torch.zeros(shape, dtype={kind}) for shape in shapes])"
    if "other" in ours:
        yield f"shapes[-2] = {ours['other']}"
    yield f"arrays = known.arrays_of(shapes, seed={ours['seed']})"
    yield _call(name, "net", "arrays")


def with_arrays(name: str, options: Sequence[str], count: str, shapes: str) -> Lines:
    ours, _rest = _sorted(options, "seed", "size")
    yield KNOWN
    yield f"x = known.images({count}, {ours['size']}, seed={ours['seed']}).double().numpy()"
    yield f"shapes = {shapes}"
    yield f"arrays = known.arrays_of(shapes, seed={ours['seed']})"
    yield _call(name, "x", "arrays")


WRITTEN: dict[str, Callable[..., Lines]] = {
    "net_parameters": net_parameters,
    "net_stages": net_stages,
    "net_scores": net_scores,
    "net_gradients": net_gradients,
    "net_statistics": net_statistics,
    "net_dropped": net_dropped,
    "torch_steps": torch_steps,
    "torch_epoch": partial(torch_batches, "net, optimizer"),
    "torch_evaluation": partial(torch_batches, "net"),
    "torch_elsewhere": torch_elsewhere,
    "torch_ready": torch_ready,
    "weights_copied": weights_copied,
    "with_arrays": with_arrays,
}
