"""Probes for notebook 08: networks made of layers, training steps, and what is checked before training.

The networks that these hand over are made of `cs_utils.layers`, so PyTorch is imported, but not before a
probe runs. No probe holds a solution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cs_utils.network import Layer, ReadyNetwork

Student = Callable[[str], Callable[..., Any]]
Array = np.ndarray


# --- Sequential: a class ----------------------------------------------------------------------------------


def both_passes(student: Student, name: str, kinds: str, x: Array, dout: Array, *parameters: Array) -> Any:
    """``forward(x)``, then ``backward(dout)``: out, dx and the gradients in the order of the parameters."""
    from cs_utils.network import layers_of

    net = _network(student, name, layers_of(kinds, *parameters))
    out = _written(net.forward, x)
    return (out, *_gradients(net, dout, layers_of(kinds, *parameters)))


def forward_only(student: Student, name: str, kinds: str, x: Array, *parameters: Array) -> Any:
    """``forward(x)``."""
    from cs_utils.network import layers_of

    return _written(_network(student, name, layers_of(kinds, *parameters)).forward, x)


def second_step(
    student: Student, name: str, kinds: str, x_1: Array, dout_1: Array, x: Array, dout: Array, *both: Array
) -> Any:
    """A step on another batch, other parameters in the layers, and then `both_passes`.

    both: the parameters of the first step, then those of the second one.
    """
    from cs_utils.network import layers_of

    before, after = both[: len(both) // 2], list(both[len(both) // 2 :])
    layers = layers_of(kinds, *before)
    net = _network(student, name, layers)
    _written(net.forward, x_1)
    _written(net.backward, dout_1)
    for layer in layers:
        for index in range(len(layer.parameters)):
            layer.parameters[index] = after.pop(0)
    out = _written(net.forward, x)
    return (out, *_gradients(net, dout, layers))


def two_networks(
    student: Student, name: str, kinds: str, x: Array, dout: Array, x_other: Array, *both: Array
) -> Any:
    """`both_passes` of one network; between the two passes another one goes forward.

    both: the parameters of the one, then those of the other.
    """
    from cs_utils.network import layers_of

    half = len(both) // 2
    layers = layers_of(kinds, *both[:half])
    net = _network(student, name, layers)
    other = _network(student, name, layers_of(kinds, *both[half:]))
    out = _written(net.forward, x)
    _written(other.forward, x_other)
    return (out, *_gradients(net, dout, layers))


def _network(student: Student, name: str, layers: list[Layer]) -> Any:
    return _written(student(name), layers)


def _gradients(net: Any, dout: Array, layers: list[Layer]) -> Iterator[Any]:
    """dx, and a tuple with the gradients of all parameters, or what `of_layer` puts in their places."""
    returned = _written(net.backward, dout)
    if not isinstance(returned, tuple | list) or len(returned) != 2 or not isinstance(returned[1], dict):
        raise TypeError("backward did not return dx and a dict: the layers' names and their gradients")
    dx, found = returned
    names = [layer.name for layer in layers]
    if strange := [key for key in found if key not in names]:
        raise TypeError(f"backward's dict has the key {strange[0]!r}, which is not the name of a layer")
    yield dx
    having = [layer for layer in layers if layer.parameters]
    yield tuple(
        gradient for layer in having for gradient in of_layer(found.get(layer.name), len(layer.parameters))
    )


def of_layer(found: Any, count: int) -> Sequence[Any]:
    """The gradients of a layer with so many parameters; None for each that the dict does not have, and words
    where there are more or fewer."""
    if isinstance(found, tuple | list) and len(found) == count:
        return found
    if isinstance(found, tuple | list) and found:
        return [f"a list of {len(found)} for a layer with {count} parameters"] * count
    return [None] * count


def _written(call: Callable[..., Any], *arguments: Any) -> Any:
    """The call; of a method that is not written yet the error is as if it came from the whole class."""
    try:
        return call(*arguments)
    except NotImplementedError as stub:
        raise NotImplementedError(*stub.args) from None


# --- functions that train or examine a network ------------------------------------------------------------


def training_steps(
    student: Student,
    name: str,
    kinds: str,
    x: Array,
    labels: Array,
    *parameters: Array,
    steps: int,
    **options: Any,
) -> Any:
    """Some steps with the same batch: losses, the parameters, and the velocities after the last one."""
    from cs_utils.network import zero_velocities

    net = _ready(kinds, *parameters)
    moving = zero_velocities(net)
    losses = [student(name)(net, x, labels, moving, **options) for _ in range(steps)]
    kept = [each for layer in net.layers for each in moving[layer.name]]
    return losses, _parameters(net), tuple(kept)


def on_a_network(
    student: Student, name: str, kinds: str, x: Array, labels: Array, *parameters: Array, **options: Any
) -> Any:
    """The function, called with a network and a batch."""
    return student(name)(_ready(kinds, *parameters), x, labels, **options)


def gradients_checked(
    student: Student,
    name: str,
    kinds: str,
    x: Array,
    labels: Array,
    *parameters: Array,
    factors: Sequence[float] | None = None,
) -> Any:
    """The errors that were found, layer by layer, and whether the network has its parameters back."""
    net = _ready(kinds, *parameters, factors=factors)
    found = student(name)(net, x, labels)
    if not isinstance(found, dict):
        raise TypeError(f"{name} did not return a dict: the layers' names and their errors")
    having = [layer for layer in net.layers if layer.parameters]
    same = all(map(np.array_equal, _parameters(net), parameters))
    return tuple(found.get(layer.name) for layer in having), same


def rates_tried(
    student: Student, name: str, kinds: str, x: Array, labels: Array, *parameters: Array, **options: Any
) -> Any:
    """The search, with networks that begin with the same parameters."""

    def make_net() -> ReadyNetwork:
        return _ready(kinds, *parameters)

    returned = student(name)(make_net, x, labels, **options)
    if isinstance(returned, tuple | list) and len(returned) == 2 and isinstance(returned[1], tuple | list):
        found, wanted = len(returned[1]), len(options["rates"])
        if found != wanted:
            raise TypeError(f"{name} returned {found} losses for {wanted} rates")
    return returned


def _ready(kinds: str, *parameters: Array, factors: Sequence[float] | None = None) -> ReadyNetwork:
    from cs_utils.network import ReadyNetwork

    copies = (np.array(each) for each in parameters)  # whoever trains may write into the arrays
    return ReadyNetwork(kinds, *copies, factors=factors)


def _parameters(net: Any) -> tuple[Array, ...]:
    return tuple(array for layer in net.layers for array in layer.parameters)


PROBES: dict[str, Callable[..., Any]] = {
    "both_passes": both_passes,
    "forward_only": forward_only,
    "second_step": second_step,
    "two_networks": two_networks,
    "training_steps": training_steps,
    "on_a_network": on_a_network,
    "gradients_checked": gradients_checked,
    "rates_tried": rates_tried,
}
