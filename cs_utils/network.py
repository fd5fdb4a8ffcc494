"""Networks as notebook 08 builds them: a list of layers, each with a name, two functions and its parameters.

`Layer` is what the list is made of. `layers_of` makes such a list from `cs_utils.layers`; the check of
notebook 08 writes its cases with it. `operations` are the functions to build with: the student's own, from
the notebooks beside this one, where they are right and fast enough, else those of `cs_utils.layers`.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cs_utils.data import Images

Array = np.ndarray


@dataclass
class Layer:
    """One layer of a network.

    name: such as "conv1"; no two layers of a network have the same. forward: called as
    forward(x, *parameters), returns out, cache. backward: called as backward(dout, cache), returns dx and
    the gradients of the parameters, (dx, dw, db); just dx where there are no parameters. parameters: arrays.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    parameters: list[Array] = field(default_factory=list)


def flatten_forward(x: Array) -> tuple[Array, tuple[int, ...]]:
    """Each image (C, H, W) becomes one row. Returns out: (N, C * H * W), and the shape of x as cache."""
    return x.reshape(len(x), -1), x.shape


def flatten_backward(dout: Array, cache: tuple[int, ...]) -> Array:
    """dout in the shape that x had."""
    return dout.reshape(cache)


# --- ready-made layers and networks, for checks -----------------------------------------------------------


def layers_of(kinds: str, *parameters: Array) -> list[Layer]:
    """Layers of `cs_utils.layers`, such as ``layers_of("linear relu linear", w1, b1, w2, b2)``.

    kinds: of "conv" (stride 1, as much padding as keeps the size), "relu", "pool" (the largest of 2x2),
    "flatten" and "linear". parameters: a weight and a bias for every "conv" and "linear", in order.
    Each layer is called by its kind and a number: conv1, relu1, conv2, ...
    """
    pairs = _pairs(kinds, parameters)
    layers: list[Layer] = []
    for kind in kinds.split():
        number = 1 + sum(layer.name.startswith(kind) for layer in layers)
        own = list(next(pairs)) if kind in WITH_PARAMETERS else []
        layers.append(Layer(f"{kind}{number}", *_pair_of(kind, own), own))
    return layers


WITH_PARAMETERS = ("conv", "linear")


def _pairs(kinds: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    wanted = 2 * sum(kind in WITH_PARAMETERS for kind in kinds.split())
    if len(parameters) != wanted:
        raise ValueError(f"{kinds!r} needs {wanted} arrays of parameters; found {len(parameters)}")
    return zip(parameters[::2], parameters[1::2], strict=True)


def _pair_of(kind: str, parameters: Sequence[Array]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    from functools import partial

    from cs_utils import layers

    if kind == "conv":
        around = tuple(size // 2 for size in parameters[0].shape[2:])
        return partial(layers.conv2d_forward, padding=around), layers.conv2d_backward
    ready: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "linear": (layers.linear_forward, layers.linear_backward),
        "relu": (layers.relu_forward, layers.relu_backward),
        "pool": (partial(layers.max_pool2d_forward, kernel_size=2), layers.max_pool2d_backward),
        "flatten": (flatten_forward, flatten_backward),
    }
    if kind not in ready:
        raise ValueError(f"there is no kind of layer called {kind!r}; there are: conv, {', '.join(ready)}")
    return ready[kind]


class ReadyNetwork:
    """A network to check other functions with. It is used like `Sequential`, and PyTorch is inside.

    factors: one number for each array of parameters; its gradient comes out multiplied by it. So 1 is right,
    and anything else a mistake made on purpose.
    """

    def __init__(self, kinds: str, *parameters: Array, factors: Sequence[float] | None = None) -> None:
        self.kinds = kinds
        self.layers = layers_of(kinds, *parameters)
        self._factors = factors

    def forward(self, x: Array) -> Array:
        """What comes out of the last layer. The layers' parameters are read anew each time."""
        import torch

        arrays = [array for layer in self.layers for array in layer.parameters]
        kind = np.result_type(x, *arrays)
        tensors = [torch.tensor(np.asarray(array, dtype=kind)).requires_grad_() for array in (x, *arrays)]
        self._inputs, self._out = tensors, through(self.kinds, *tensors)
        return self._out.detach().numpy().copy()

    def backward(self, dout: Array) -> tuple[Array, dict[str, list[Array]]]:
        """dx, and for each layer's name the gradients of its parameters."""
        import torch

        upstream = torch.tensor(np.asarray(dout), dtype=self._out.dtype)
        dx, *found = (each.numpy() for each in torch.autograd.grad(self._out, self._inputs, upstream))
        factors = self._factors if self._factors is not None else [1.0] * len(found)
        scaled = [np.asarray(factor * each, each.dtype) for factor, each in zip(factors, found, strict=True)]
        gradients: dict[str, list[Array]] = {}
        for layer in self.layers:
            gradients[layer.name] = [scaled.pop(0) for _ in layer.parameters]
        return dx, gradients


def through(kinds: str, x: Any, *parameters: Any) -> Any:
    """What PyTorch makes of tensors that pass through layers of these kinds."""
    import torch.nn.functional as F

    pairs = _pairs(kinds, parameters)
    for kind in kinds.split():
        if kind == "conv":
            w, b = next(pairs)
            x = F.conv2d(x, w, b, padding=tuple(size // 2 for size in w.shape[2:]))
        elif kind == "linear":
            x = F.linear(x, *next(pairs))
        else:
            x = F.relu(x) if kind == "relu" else F.max_pool2d(x, 2) if kind == "pool" else x.flatten(1)
    return x


def zero_velocities(net: Any) -> dict[str, list[Array]]:
    """A velocity of 0 for every parameter: the names of the layers of `net`, each with a list of arrays."""
    return {layer.name: [np.zeros_like(each) for each in layer.parameters] for layer in net.layers}


# --- whose functions? -------------------------------------------------------------------------------------

PAIRS = {
    "conv2d": ("conv2d_forward", "conv2d_backward"),
    "relu": ("relu_forward", "relu_backward"),
    "max_pool2d": ("max_pool2d_forward", "max_pool2d_backward"),
    "linear": ("linear_forward", "linear_backward"),
}
IMAGES = 4  # in the step that is timed: loops in Python must not take minutes to be found too slow
SLOWEST = 4.0  # times as long as with `cs_utils.layers` a pair may take
NOTHING = 0.01  # seconds that do not count


def operations(*, aloud: bool = True) -> SimpleNamespace:
    """The functions to build a network with, in pairs: `.conv2d` is (forward, backward), and so on.

    Prints whose they are, and why.

    Your own functions of notebooks 03 to 07 are taken where they lie beside this one, give the same numbers
    as PyTorch in one step of a LeNet, and do not take more than four times as long.
    """
    from cs_utils import earlier, layers

    chosen, told = SimpleNamespace(), []
    for pair, names in PAIRS.items():
        ready = [getattr(layers, name) for name in names]
        try:
            own = [earlier.find(name, _home_of(name)) for name in names]
        except earlier.NotThere as why:
            own, verdict = ready, f"of cs_utils.layers ({why})"
        else:
            own, verdict = _better(pair, own, ready)
        setattr(chosen, pair, tuple(own))
        told.append(f"{pair:12s}{verdict}")
    chosen.flatten = flatten_forward, flatten_backward
    if aloud:
        print("\n".join(told))
    return chosen


def _home_of(name: str) -> str:
    from cs_utils.exercises import exercises

    return exercises()[name].notebook


def _better(pair: str, own: list[Any], ready: list[Any]) -> tuple[list[Any], str]:
    """The student's functions and how they did, or the ready-made ones and why."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yours, seconds = _one_step(pair, own)
            theirs, limit = _one_step(pair, ready)
    except Exception as error:
        return ready, f"of cs_utils.layers (yours end in {type(error).__name__})"
    if not _alike(yours, theirs):
        return ready, "of cs_utils.layers (yours give other numbers than PyTorch)"
    ratio = seconds / limit
    if ratio > SLOWEST and seconds - limit > NOTHING:
        return ready, f"of cs_utils.layers (yours take {ratio:.0f} times as long)"
    return own, f"your own; {ratio:.1f} times as long as PyTorch"


def _one_step(pair: str, functions: list[Any]) -> tuple[list[Any], float]:
    """What a forward and a backward give, layer by layer of a LeNet, and how long they take.

    The fastest of three runs counts, since other work on the machine only ever adds; a slow one is enough.
    """
    fastest = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        found = [result for given in _given(pair) for result in _run(functions, *given)]
        fastest = min(fastest, time.perf_counter() - start)
        if fastest > 1:
            break
    return found, fastest


def _run(functions: list[Any], inputs: tuple[Any, ...], options: Mapping[str, Any]) -> list[Any]:
    forward, backward = functions
    out, cache = forward(*inputs, **options)
    dout = np.linspace(-1, 1, out.size, dtype=np.float32).reshape(out.shape)
    gradients = backward(dout, cache)
    return [out, *(gradients if isinstance(gradients, tuple | list) else [gradients])]


def _given(pair: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What the layers of this kind get in a LeNet: inputs and options."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    n = IMAGES
    if pair == "conv2d":
        first = draw(n, 1, 28, 28), draw(20, 1, 5, 5), draw(20)
        return [
            (first, {"padding": 2}),
            ((draw(n, 20, 14, 14), draw(50, 20, 5, 5), draw(50)), {"padding": 2}),
        ]
    if pair == "linear":
        return [
            ((draw(n, 2450), draw(500, 2450), draw(500)), {}),
            ((draw(n, 500), draw(10, 500), draw(10)), {}),
        ]
    maps = [draw(n, 20, 28, 28), draw(n, 50, 14, 14)]
    return [((each,), {"kernel_size": 2} if pair == "max_pool2d" else {}) for each in maps]


def _alike(yours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    try:
        pairs = zip(yours, theirs, strict=True)
        return all(
            np.shape(one) == np.shape(other)
            and np.allclose(one, other, rtol=1e-3, atol=1e-3 * max(1e-6, float(np.abs(other).max())))
            for one, other in pairs
        )
    except (TypeError, ValueError):
        return False


# --- how much to train --------------------------------------------------------------------------------------


def quick() -> bool:
    """Is there no time to train: in tests, and when grading?"""
    return any(os.environ.get(name, "") not in ("", "0") for name in ("CS_UTILS_QUICK", "CS_UTILS_GRADING"))


def fashion() -> Images:
    """Fashion-MNIST, or the small part of it that comes with the course; says which, and why."""
    from cs_utils.data import DataError, load

    small = "fashion-mnist-small"
    if quick():
        print(f"There is no time for all of Fashion-MNIST here: {small}.")
        return load(small)
    try:
        return load("fashion-mnist")
    except DataError as problem:
        print(f"Fashion-MNIST cannot be had, so this is {small}, which comes with the course. ({problem})")
        return load(small)


def affordable(step: Callable[[], object], batch: int, images: int, *, minutes: float = 4.0) -> int:
    """As many images as one epoch may have to be over in `minutes`; times a few steps, and says it.

    step: one training step with `batch` images. images: how many there are.
    """
    if quick():
        step()
        count = min(images, 8 * batch)
        print(f"There is no time to train here: {count:,} of {images:,} images.")
        return count
    seconds = _median_seconds(step, 3)
    fit = int(60 * minutes / seconds) * batch
    count = min(images, max(batch, fit))
    kind = "all" if count == images else f"only {count:,} of"
    print(
        f"A step with {batch} images takes {seconds:.2f} s, so {kind} {images:,} images are taken: "
        f"about {count / batch * seconds / 60:.1f} minutes."
    )
    return count


def _median_seconds(call: Callable[[], object], rounds: int) -> float:
    call()
    return statistics.median(_seconds(call) for _ in range(rounds))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(calls: Mapping[str, Callable[[], object]], *, rounds: int = 9) -> dict[str, float]:
    """Median seconds of each call. They take turns, so that other work on the machine slows all of them."""
    taken: dict[str, list[float]] = {name: [_seconds(call)] for name, call in calls.items()}
    for _ in range(2 if quick() else rounds):
        for name, call in calls.items():
            taken[name].append(_seconds(call))
    return {name: statistics.median(each[1:]) for name, each in taken.items()}  # the first one warms up


def pytorch_step(layers: Sequence[Layer], x: Array, labels: Array, *, lr: float = 0.0) -> Callable[[], float]:
    """A training step of the LeNet with these layers' parameters, in PyTorch, with momentum 0.9.

    Returns a function that takes the step and returns the loss.
    """
    import torch
    import torch.nn.functional as F

    parameters = [torch.tensor(array, requires_grad=True) for layer in layers for array in layer.parameters]
    optimiser = torch.optim.SGD(parameters, lr=lr, momentum=0.9)
    images, classes = torch.from_numpy(x.copy()), torch.from_numpy(np.asarray(labels, dtype=np.int64))

    def step() -> float:
        optimiser.zero_grad()
        loss = F.cross_entropy(through(LENET, images, *parameters), classes)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


LENET = "conv relu pool conv relu pool flatten linear relu linear"
