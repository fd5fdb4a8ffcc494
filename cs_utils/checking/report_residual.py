"""Calls of notebook 10's probes, as a student would type them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cs_utils.checking import report_torch

Lines = Iterator[str]

SMALL = "from cs_utils.checking import residual_probes, torch_probes"


def net_reached(name: str, options: Sequence[str], count: str) -> Lines:
    yield from report_torch.net_gradients(name, options, count)


def optimizer_groups(name: str, options: Sequence[str], features: str) -> Lines:
    given = dict(option.split("=", 1) for option in options)
    yield SMALL
    yield f"net = residual_probes.small_residual({features}, seed={given['seed']})"
    yield f"for group in {name}(net, {given['weight_decay']}):"
    yield "    print(group['weight_decay'], [tuple(weight.shape) for weight in group['params']])"


def mirrored_scores(name: str, options: Sequence[str], count: str) -> Lines:
    given = dict(option.split("=", 1) for option in options)
    yield SMALL
    yield f"x = torch_probes.images({count}, (2, 4, 5), seed={given['seed']})"
    yield f"net = residual_probes.small_residual({given['features']}, seed={given['seed']}).train()"
    yield f"{name}(net, x)"


WRITTEN: dict[str, Callable[..., Lines]] = {
    "net_learned": report_torch.net_parameters,
    "net_output": report_torch.net_scores,
    "net_reached": net_reached,
    "net_unreached": net_reached,
    "optimizer_groups": optimizer_groups,
    "mirrored_scores": mirrored_scores,
}
