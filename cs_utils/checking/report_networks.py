"""Calls of the probes for networks, as a student would type them in notebook 08."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Lines = Iterator[str]


def both_passes(name: str, options: Sequence[str], kinds: str, x: str, dout: str, *parameters: str) -> Lines:
    yield f"net = {name}({_call('network.layers_of', kinds, *parameters)})"
    yield f"out = net.forward({x})"
    yield f"dx, gradients = net.backward({dout})"


def forward_only(name: str, options: Sequence[str], kinds: str, x: str, *parameters: str) -> Lines:
    yield f"{name}({_call('network.layers_of', kinds, *parameters)}).forward({x})"


def second_step(
    name: str, options: Sequence[str], kinds: str, x_1: str, dout_1: str, x: str, dout: str, *both: str
) -> Lines:
    before, after = both[: len(both) // 2], both[len(both) // 2 :]
    yield f"layers = {_call('network.layers_of', kinds, *before)}"
    yield f"net = {name}(layers)"
    yield _call("net.forward", x_1)
    yield _call("net.backward", dout_1)
    yield f"having = [layer for layer in layers if layer.parameters]  # they get {', '.join(after)}"
    pairs = ", ".join(f"[{w}, {b}]" for w, b in zip(after[::2], after[1::2], strict=True))
    yield f"for layer, (w, b) in zip(having, [{pairs}]):"
    yield "    layer.parameters[0], layer.parameters[1] = w, b"
    yield f"out = net.forward({x})"
    yield f"dx, gradients = net.backward({dout})"


def two_networks(
    name: str, options: Sequence[str], kinds: str, x: str, dout: str, x_other: str, *both: str
) -> Lines:
    half = len(both) // 2
    yield f"net = {name}({_call('network.layers_of', kinds, *both[:half])})"
    yield f"other = {name}({_call('network.layers_of', kinds, *both[half:])})"
    yield f"out = net.forward({x})"
    yield _call("other.forward", x_other)
    yield f"dx, gradients = net.backward({dout})"


def training_steps(
    name: str, options: Sequence[str], kinds: str, x: str, labels: str, *parameters: str
) -> Lines:
    steps, *others = options
    yield f"net = {_call('network.ReadyNetwork', kinds, *parameters)}"
    yield _call("velocities = zero_velocities", "net")
    yield f"for _ in range({steps.removeprefix('steps=')}):"
    yield f"    print({_call(name, 'net', x, labels, 'velocities', *others)})"


def on_a_network(
    name: str, options: Sequence[str], kinds: str, x: str, labels: str, *parameters: str
) -> Lines:
    yield f"net = {_call('network.ReadyNetwork', kinds, *parameters)}"
    yield _call(name, "net", x, labels, *options)


def gradients_checked(
    name: str, options: Sequence[str], kinds: str, x: str, labels: str, *parameters: str
) -> Lines:
    if options:
        yield "# factors: of the gradients of all arrays; those that are not 1 are mistakes on purpose"
    yield f"net = {_call('network.ReadyNetwork', kinds, *parameters, *options)}"
    yield _call(name, "net", x, labels)


def rates_tried(
    name: str, options: Sequence[str], kinds: str, x: str, labels: str, *parameters: str
) -> Lines:
    yield f"first = [{', '.join(parameters)}]"
    yield f"make_net = lambda: network.ReadyNetwork({kinds}, *(array.copy() for array in first))"
    yield _call(name, "make_net", x, labels, *options)


def _call(function: str, *arguments: str) -> str:
    return f"{function}({', '.join(arguments)})"


# probe -> (name of the function, its options, its positional arguments, all as code) -> lines
WRITTEN: dict[str, Callable[..., Lines]] = {
    "both_passes": both_passes,
    "forward_only": forward_only,
    "second_step": second_step,
    "two_networks": two_networks,
    "training_steps": training_steps,
    "on_a_network": on_a_network,
    "gradients_checked": gradients_checked,
    "rates_tried": rates_tried,
}
