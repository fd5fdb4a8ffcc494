"""Calls of notebook 11's probes, as a student would type them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Lines = Iterator[str]

KNOWN = "from cs_utils.checking import transfer_probes as known"


def _chosen(options: Sequence[str], *names: str) -> list[str]:
    return [option for option in options if option.partition("=")[0] in names]


def with_tensors(name: str, options: Sequence[str], *arrays: str) -> Lines:
    made = ", ".join(arrays)
    several = len(arrays) > 1
    yield f"{made} = map(torch.from_numpy, ({made}))" if several else f"{made} = torch.from_numpy({made})"
    yield f"{name}({', '.join([*arrays, *options])})"


def head_replaced(
    name: str, options: Sequence[str], inputs: str, features: str, old: str, classes: str
) -> Lines:
    yield KNOWN
    yield f"net = known.small_net({', '.join([inputs, features, old, *options])})"
    yield f"net = {name}(net, {classes})"
    yield "net.head, [(name, weight.requires_grad) for name, weight in net.named_parameters()]"


def groups_made(name: str, options: Sequence[str], parts: str, mode: str) -> Lines:
    asleep = _chosen(options, "asleep")
    yield KNOWN
    yield f"parts = known.parts_of({', '.join([parts, *asleep])})"
    others = [option for option in options if option not in asleep]
    yield f"groups = {name}({', '.join(['parts', mode, *others])})"
    yield "[[one.requires_grad for one in part.parameters()] for part in parts]"


def modes_set(name: str, options: Sequence[str], x: str, mean: str, var: str, trains: str) -> Lines:
    yield KNOWN
    yield f"parts = known.norm_parts({', '.join([mean, var, trains, *options])})"
    yield f"{name}(parts)"
    yield f"known.statistics_after(parts, {x})"


def map_by_gradient(
    name: str, options: Sequence[str], x: str, first: str, second: str, head: str, labels: str
) -> Lines:
    frozen = _chosen(options, "frozen")
    others = [option for option in options if option not in frozen]
    yield KNOWN
    yield f"body, tail = known.two_halves({', '.join([first, second, head, *frozen])})"
    yield f"x, labels = map(torch.from_numpy, ({x}, {labels}))"
    yield f"{name}({', '.join(['body', 'tail', 'x', 'labels', *others])})"


# probe -> (name of the function, its options, its positional arguments, all as code) -> lines
WRITTEN: dict[str, Callable[..., Lines]] = {
    "with_tensors": with_tensors,
    "head_replaced": head_replaced,
    "groups_made": groups_made,
    "modes_set": modes_set,
    "map_by_gradient": map_by_gradient,
}
