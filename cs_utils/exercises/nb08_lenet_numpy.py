"""Exercises of notebook 08: a network of layers, momentum, batches, a training step, and the sanity ladder.

The references are PyTorch's autograd, run through chains of layers. What a known mistake makes of a network
is predicted by running the same chain in the wrong way: from its front, with old parameters, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, Seed, Tolerance, case
from cs_utils.checking.network_probes import of_layer
from cs_utils.network import WITH_PARAMETERS, through

NOTEBOOK = "08_lenet_numpy"
Predict = Callable[..., Any]


# --- numbers for cases ------------------------------------------------------------------------------------


def _signed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Both signs, one decimal, none of them 0."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.integers(1, 20, size=shape) / 10


def _fine(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """No two numbers alike, so that no maximum ties and no ReLU sits at its bend."""
    return rng.normal(size=shape).round(4)


@dataclass(frozen=True)
class _Plan:
    """A network of a case. x: shape of the input. sizes: outputs of each layer that has parameters."""

    kinds: str
    x: tuple[int, ...]
    sizes: tuple[int, ...] = ()
    kernel: int = 3

    def parameters(self, rng: np.random.Generator, scale: float = 1.0) -> list[np.ndarray]:
        """A weight and a bias for every layer that has them."""
        shape, sizes, made = self.x[1:], list(self.sizes), []
        draw = _signed if math.prod(self.x) < 20 else _fine
        for kind in self.kinds.split():
            if kind in WITH_PARAMETERS:
                outputs = sizes.pop(0)
                around = (self.kernel, self.kernel) if kind == "conv" else ()
                made += [scale * draw(rng, outputs, shape[0], *around), scale * draw(rng, outputs)]
                shape = (outputs, *shape[1:])
            elif kind == "pool":
                shape = (shape[0], shape[1] // 2, shape[2] // 2)
            elif kind == "flatten":
                shape = (math.prod(shape),)
        return made

    def input(self, rng: np.random.Generator) -> np.ndarray:
        return (_signed if math.prod(self.x) < 20 else _fine)(rng, *self.x)

    def upstream(self, rng: np.random.Generator) -> np.ndarray:
        """Of the shape of the output."""
        sample = [torch.tensor(each) for each in (self.input(rng), *self.parameters(rng))]
        return _signed(rng, *through(self.kinds, *sample).shape)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters: w1, b1, w2, b2, ..."""
        return tuple(f"{letter}{at + 1}" for at in range(len(self.sizes)) for letter in "wb")


MLP = _Plan("linear relu linear", (2, 2), (3, 2))
SQUARE = _Plan("linear relu linear", (3, 3), (3, 3))
DEEP = _Plan("linear relu linear relu linear", (4, 3), (5, 4, 2))
CONVOLUTIONAL = _Plan("conv relu pool flatten linear", (2, 1, 4, 4), (2, 3))
TWO_CONVOLUTIONS = _Plan(
    "conv relu pool conv relu pool flatten linear relu linear", (3, 2, 8, 8), (3, 2, 4, 3)
)


# --- Sequential: right and wrong ----------------------------------------------------------------------------


class _Chain:
    """A forward pass, layer by layer, that remembers what each layer got."""

    def __init__(self, kinds: str, x: Tensor, *parameters: Tensor) -> None:
        self.kinds, left = kinds.split(), list(parameters)
        self.own = [[left.pop(0), left.pop(0)] if kind in WITH_PARAMETERS else [] for kind in self.kinds]
        self.inputs = [x]
        for kind, own in zip(self.kinds, self.own, strict=True):
            self.inputs.append(through(kind, self.inputs[-1], *own))

    @property
    def out(self) -> Tensor:
        return self.inputs[-1]

    def back(self, at: int, dout: Tensor) -> tuple[Tensor, ...]:
        """The gradients of layer `at` for its input and its parameters."""
        if self.kinds[at] == "flatten" and dout.numel() != self.inputs[at].numel():
            raise ValueError("cannot reshape array")  # the one layer that is not PyTorch's
        leaves = [each.detach().requires_grad_() for each in (self.inputs[at], *self.own[at])]
        return torch.autograd.grad(through(self.kinds[at], *leaves), leaves, dout)

    def walk(self, order: Sequence[int], dout: Tensor) -> tuple[Tensor, dict[int, tuple[Tensor, ...]]]:
        """Gradients are handed on from layer to layer in this order: the last one, and those of "
        "each layer."""
        found: dict[int, tuple[Tensor, ...]] = {}
        for at in order:
            dout, *gradients = self.back(at, dout)
            found[at] = tuple(gradients)
        return dout, found

    def listed(self, found: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
        """As the probe lists them: all layers' gradients in order."""
        return tuple(
            gradient for at, own in enumerate(self.own) for gradient in of_layer(found.get(at), len(own))
        )

    @property
    def backwards(self) -> range:
        return range(len(self.kinds) - 1, -1, -1)


def _sequential(kinds: str, x: Tensor, dout: Tensor, *parameters: Tensor) -> tuple[Any, ...]:
    chain = _Chain(kinds, x, *parameters)
    dx, found = chain.walk(chain.backwards, dout)
    return chain.out, dx, chain.listed(found)


def _with_chain(rule: Callable[[_Chain, Tensor], tuple[Any, Any]]) -> Predict:
    """A mistake of backward alone: `rule` gives dx and the gradients by layer."""

    def predict(kinds: str, x: Tensor, dout: Tensor, *parameters: Tensor) -> tuple[Any, ...]:
        chain = _Chain(kinds, x, *parameters)
        dx, found = rule(chain, dout)
        return chain.out, dx, chain.listed(found)

    return predict


def _forward_order(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    return chain.walk(range(len(chain.kinds)), dout)


def _names_reversed(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    dx, found = chain.walk(chain.backwards, dout)
    last = len(chain.kinds) - 1
    return dx, {last - at: gradients for at, gradients in found.items()}


def _caches_reversed(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    """A layer's backward with the cache of another one gives the other one's gradients, in "
    "`cs_utils.layers`."""
    found: dict[int, tuple[Any, ...]] = {}
    for at in chain.backwards:
        other = len(chain.kinds) - 1 - at
        dout, *gradients = chain.back(other, dout)
        found[at] = tuple(gradients) if chain.own[at] else ()
    return dout, found


def _same_upstream(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    found = {}
    for at in chain.backwards:
        dx, *gradients = chain.back(at, dout)
        found[at] = tuple(gradients)
    return dx, found


def _dout_returned(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    return dout, chain.walk(chain.backwards, dout)[1]


def _first_layer_left_out(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    return chain.walk(chain.backwards[:-1], dout)


def _bias_first(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    dx, found = chain.walk(chain.backwards, dout)
    return dx, {at: gradients[::-1] for at, gradients in found.items()}


def _taken_apart(chain: _Chain, dout: Tensor) -> tuple[Any, Any]:
    """Of an array with one image in each row, the first row is taken for dx."""
    found: dict[int, tuple[Any, ...]] = {}
    for at in chain.backwards:
        dout, *gradients = chain.back(at, dout)
        found[at] = tuple(gradients)
        if not chain.own[at]:
            dout = dout[0]
    return dout, found


def _input_for_all(kinds: str, x: Tensor, dout: Tensor, *parameters: Tensor) -> tuple[Any, ...]:
    """Every layer gets the input of the network."""
    chain = _Chain("", x)
    chain.kinds = kinds.split()
    own = iter(zip(parameters[::2], parameters[1::2], strict=True))
    chain.own = [list(next(own)) if kind in WITH_PARAMETERS else [] for kind in chain.kinds]
    out = [through(kind, x, *mine) for kind, mine in zip(chain.kinds, chain.own, strict=True)][-1]
    chain.inputs = [x] * len(chain.kinds)
    dx, found = chain.walk(chain.backwards, dout)
    return out, dx, chain.listed(found)


class _Twice:
    """A mistake that is seen only when a class is used twice: `twice(first, second)` gets both calls."""

    def __init__(self, twice: Callable[..., Any]) -> None:
        self.twice = twice

    def __call__(self, *arguments: Any) -> Any:
        return _sequential(*arguments)


@dataclass(frozen=True)
class _Use:
    """One use of a network: its arguments."""

    kinds: str
    x: Tensor
    dout: Tensor
    parameters: tuple[Tensor, ...]

    @property
    def right(self) -> tuple[Any, ...]:
        return _sequential(self.kinds, self.x, self.dout, *self.parameters)


def _halves(both: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    half = len(both) // 2
    return tuple(both[:half]), tuple(both[half:])


def _second_step(function: Predict) -> Predict:
    """What the probe ``second_step`` does, with a reference or a prediction."""

    def asked(kinds: str, x_1: Tensor, dout_1: Tensor, x: Tensor, dout: Tensor, *both: Tensor) -> Any:
        before, after = _halves(both)
        if isinstance(function, _Twice):
            return function.twice(_Use(kinds, x_1, dout_1, before), _Use(kinds, x, dout, after), "steps")
        return function(kinds, x, dout, *after)

    return asked


def _two_networks(function: Predict) -> Predict:
    """The same for the probe ``two_networks``."""

    def asked(kinds: str, x: Tensor, dout: Tensor, x_other: Tensor, *both: Tensor) -> Any:
        own, others = _halves(both)
        if isinstance(function, _Twice):
            return function.twice(_Use(kinds, x_other, dout, others), _Use(kinds, x, dout, own), "networks")
        return function(kinds, x, dout, *own)

    return asked


def _old_caches(first: _Use, second: _Use, which: str) -> Any:
    """Backward of the second step looks at what the first one kept."""
    if which == "networks":
        return second.right
    return second.right[0], *_sequential(first.kinds, first.x, second.dout, *first.parameters)[1:]


def _added_up(first: _Use, second: _Use, which: str) -> Any:
    if which == "networks":
        return second.right
    out, dx, now = second.right
    return out, dx, tuple(one + other for one, other in zip(first.right[2], now, strict=True))


def _old_parameters(first: _Use, second: _Use, which: str) -> Any:
    if which == "networks":
        return second.right
    return _sequential(second.kinds, second.x, second.dout, *first.parameters)


def _shared_caches(first: _Use, second: _Use, which: str) -> Any:
    """The caches belong to the class, so those of the other network are there."""
    if which == "steps":
        return second.right
    return second.right[0], *_sequential(first.kinds, first.x, second.dout, *first.parameters)[1:]


FORWARD, PLAIN = "forward: one layer after the other", "backward: a layer without parameters"
FULLY, CONV = "backward: linear and ReLU", "backward: with convolution and pooling"
AGAIN, BESIDE = "a second step, with new parameters", "two networks side by side"
BACKWARD = (PLAIN, FULLY, CONV, AGAIN, BESIDE)
WITH_LAYERS = (FULLY, CONV, AGAIN, BESIDE)


def _forwards(rng: np.random.Generator) -> Iterator[Case]:
    for plan in (_Plan("linear", (2, 2), (3,)), MLP, CONVOLUTIONAL):
        names = ("kinds", "x", *plan.names)
        yield Case((plan.kinds, plan.input(rng), *plan.parameters(rng)), names=names)


def _backwards(*plans: _Plan) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for plan in plans:
            x, dout = plan.input(rng), plan.upstream(rng)
            yield Case(
                (plan.kinds, x, dout, *plan.parameters(rng)), names=("kinds", "x", "dout", *plan.names)
            )

    return make


def _steps(rng: np.random.Generator) -> Iterator[Case]:
    for plan in (SQUARE, CONVOLUTIONAL):
        batches = [each for _ in range(2) for each in (plan.input(rng), plan.upstream(rng))]
        names = ("kinds", "x_1", "dout_1", "x", "dout", *(f"{name}_1" for name in plan.names), *plan.names)
        yield Case((plan.kinds, *batches, *plan.parameters(rng), *plan.parameters(rng)), names=names)


def _pairs(rng: np.random.Generator) -> Iterator[Case]:
    for plan in (SQUARE, CONVOLUTIONAL):
        x, dout, x_other = plan.input(rng), plan.upstream(rng), plan.input(rng)
        names = ("kinds", "x", "dout", "x_other", *plan.names, *(f"{name}_other" for name in plan.names))
        arguments = plan.kinds, x, dout, x_other, *plan.parameters(rng), *plan.parameters(rng)
        yield Case(arguments, names=names)


def _only_out(function: Predict) -> Predict:
    """For the probe ``forward_only``: a mistake of backward has no part in it."""

    def asked(kinds: str, x: Tensor, *parameters: Tensor) -> Tensor:
        if function is _input_for_all:
            chain = _Chain(kinds, x, *parameters)
            return [through(kind, x, *own) for kind, own in zip(chain.kinds, chain.own, strict=True)][-1]
        return through(kinds, x, *parameters)

    return asked


SEQUENTIAL = Exercise(
    name="Sequential",
    notebook=NOTEBOOK,
    asked="out from forward; dx and a dict of gradients from backward",
    arguments=("kinds", "x", "dout"),
    parts=("out", "dx", "gradients"),
    reference=_sequential,
    groups=(
        Group(FORWARD, 2, _forwards, probe="forward_only", lift=_only_out),
        Group(
            PLAIN,
            1,
            _backwards(_Plan("relu", (2, 3)), _Plan("flatten", (3, 2, 2, 2)), _Plan("pool", (2, 2, 4, 4))),
            probe="both_passes",
        ),
        Group(FULLY, 2, _backwards(MLP, SQUARE, DEEP), probe="both_passes"),
        Group(CONV, 1, _backwards(CONVOLUTIONAL, TWO_CONVOLUTIONS), probe="both_passes"),
        Group(AGAIN, 2, _steps, probe="second_step", lift=_second_step),
        Group(BESIDE, 1, _pairs, probe="two_networks", lift=_two_networks),
    ),
    advice={
        FORWARD: "What comes out of a layer goes into the next one, together with that one's parameters.",
        PLAIN: "A layer without parameters returns dx alone: an array, not a tuple.",
        FULLY: "Go through it on paper with two layers: which gradient does the first one get?",
        CONV: "It is the same loop as for linear layers; which layer's gradients are wrong first, from the "
        "end?",
        AGAIN: "Something of the first step is still there in the second one.",
        BESIDE: "What does one network know of the other? Everything that is kept belongs to `self`.",
    },
    misconceptions=(
        Misconception(
            "every layer gets the input of the network",
            "The first layer gets x. What does the second one get?",
            _input_for_all,
            (FORWARD, *WITH_LAYERS),
        ),
        Misconception(
            "backward goes through the layers in forward order",
            "The upstream gradient belongs to what came out *last*: which layer can make use of it first?",
            _with_chain(_forward_order),
            WITH_LAYERS,
        ),
        Misconception(
            "the gradients stand under the name of another layer",
            "They are right, but the first layer has those of the last one. In which order were "
            "they collected, and in which order are the names?",
            _with_chain(_names_reversed),
            WITH_LAYERS,
        ),
        Misconception(
            "layers and caches are paired the wrong way round",
            "Backward begins with the last layer. Which cache does it get in your loop: its own, "
            "or that of the first one?",
            _with_chain(_caches_reversed),
            WITH_LAYERS,
        ),
        Misconception(
            "every layer gets the upstream gradient of the network",
            "Each layer's dx is the upstream gradient of the layer before it. Where is it handed on?",
            _with_chain(_same_upstream),
            WITH_LAYERS,
        ),
        Misconception(
            "the upstream gradient is returned as dx",
            "dx is what the *first* layer's backward gave. Which of your variables holds it after the loop?",
            _with_chain(_dout_returned),
            BACKWARD,
        ),
        Misconception(
            "the first layer is left out of backward",
            "Print the layers' names in your backward loop: `range` ends *before* its second number.",
            _with_chain(_first_layer_left_out),
            BACKWARD,
        ),
        Misconception(
            "the gradients of a layer are in the wrong order",
            "A layer's gradients come in the order of its parameters: weight, then bias.",
            _with_chain(_bias_first),
            WITH_LAYERS,
        ),
        Misconception(
            "the dx of a layer without parameters is taken apart",
            "`dx, *gradients = ...` takes an *array* apart as well: its first image becomes dx. Which layers "
            "return dx alone?",
            _with_chain(_taken_apart),
            BACKWARD,
        ),
        Misconception(
            "backward uses the caches of the first forward",
            "The caches of the first step are still at the beginning of your list. When does a "
            "list of caches have to start empty?",
            _Twice(_old_caches),
            (AGAIN,),
        ),
        Misconception(
            "the gradients of all steps are added up",
            "Gradients belong to one backward pass. What is still in your dict when the next one begins?",
            _Twice(_added_up),
            (AGAIN,),
        ),
        Misconception(
            "the parameters are those from when the network was made",
            "A training step puts new arrays into `layer.parameters`. When does your network read them?",
            _Twice(_old_parameters),
            (AGAIN,),
        ),
        Misconception(
            "all networks share their caches",
            "What is written right under `class` belongs to all objects of the class together. Make it in a "
            "method, as something of `self`.",
            _Twice(_shared_caches),
            (BESIDE,),
        ),
    ),
)


# --- sgd_momentum -----------------------------------------------------------------------------------------

FIRST, LATER = "the first step: velocity 0", "a velocity from before"
NONE, AXES = "momentum 0", "any number of axes"
STEPS = (FIRST, LATER, NONE, AXES)


@dataclass(frozen=True)
class _Step:
    """The arguments of `sgd_momentum`."""

    w: Tensor
    dw: Tensor
    velocity: Tensor
    lr: float
    momentum: float

    def by(self, velocity: Tensor, step: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The step goes along `step` (else along the velocity), and `velocity` is returned."""
        return torch.add(self.w, velocity if step is None else step, alpha=-self.lr), velocity

    def mixed(self, old: float, new: float) -> Tensor:
        return self.velocity.mul(old).add(self.dw, alpha=new)

    @property
    def right(self) -> Tensor:
        return self.mixed(self.momentum, 1)


def _momentum(w: Tensor, dw: Tensor, velocity: Tensor, *, lr: float, momentum: float = 0.9) -> Any:
    """As `torch.optim.SGD` does it, without the second that importing it takes."""
    step = _Step(w, dw, velocity, lr, momentum)
    return step.by(step.right)


def _step_mistake(rule: Callable[[_Step], Any]) -> Predict:
    def predict(w: Tensor, dw: Tensor, velocity: Tensor, *, lr: float, momentum: float = 0.9) -> Any:
        return rule(_Step(w, dw, velocity, lr, momentum))

    return predict


def _downhill(step: _Step) -> Any:
    velocity = step.mixed(step.momentum, -1)
    return step.w.add(velocity, alpha=step.lr), velocity


def _rate_inside(sign: int) -> Callable[[_Step], Any]:
    def rule(step: _Step) -> Any:
        velocity = step.mixed(step.momentum, sign * step.lr)
        return step.w.sub(velocity, alpha=sign), velocity

    return rule


def _momentum_cases(*shapes: tuple[int, ...], zero: bool = False, **options: float) -> Any:
    """Steps; `zero` says that there is no velocity yet."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for shape in shapes:
            w, dw, velocity = _signed(rng, *shape), _signed(rng, *shape), _signed(rng, *shape)
            velocity = np.zeros(shape) if zero else velocity
            yield case(w, dw, velocity, lr=float(rng.choice([0.1, 0.2, 0.5])), **options)

    return make


def _later(rng: np.random.Generator) -> Iterator[Case]:
    yield from _momentum_cases((3,))(rng)
    yield from _momentum_cases((2, 4), momentum=0.5)(rng)


GRADIENTS_ALONE = (
    "Other texts do that. Here, as in PyTorch, the velocity is made of gradients alone, and the learning "
    "rate comes in when w moves."
)

SGD_MOMENTUM = Exercise(
    name="sgd_momentum",
    notebook=NOTEBOOK,
    asked="the new w and the new velocity",
    parts=("w", "velocity"),
    reference=_momentum,
    groups=(
        Group(FIRST, 1, _momentum_cases((3,), (2, 3), zero=True)),
        Group(LATER, 2, _later),
        Group(NONE, 1, _momentum_cases((4,), (3, 2), momentum=0.0)),
        Group(AXES, 1, _momentum_cases((2, 3, 2, 2), (5,))),
    ),
    advice={
        FIRST: "With velocity 0 this is the step without momentum.",
        LATER: "Work out one number by hand: first the new velocity, then the new w from it.",
        NONE: "Momentum 0 forgets the old velocity: what is left?",
        AXES: "Nothing in the two formulas asks for a number of axes.",
    },
    misconceptions=(
        Misconception(
            "the step goes uphill",
            "The gradient says in which direction the loss grows. Which way do we want to go?",
            _step_mistake(lambda step: (step.w.add(step.right, alpha=step.lr), step.right)),
            STEPS,
        ),
        Misconception(
            "the gradient is subtracted in the velocity",
            "The velocity is made of gradients as they are. The two formulas have one minus: which of them?",
            _step_mistake(lambda step: step.by(step.mixed(step.momentum, -1))),
            STEPS,
        ),
        Misconception(
            "the velocity points downhill",
            "Other texts do that. Here the velocity is made of gradients as they are, and the minus comes "
            "when w moves.",
            _step_mistake(_downhill),
            STEPS,
        ),
        Misconception(
            "w moves along the gradient, not along the velocity",
            "The velocity is right. What is it for, if w does not move with it?",
            _step_mistake(lambda step: step.by(step.right, step.dw)),
            (LATER, AXES),
        ),
        Misconception(
            "the old velocity has the wrong sign",
            "The new velocity goes on in the direction of the old one: the two are added.",
            _step_mistake(lambda step: step.by(step.mixed(-step.momentum, 1))),
            (LATER, AXES),
        ),
        Misconception(
            "the old velocity is not used",
            "That is gradient descent without momentum. What is left of the steps before this one?",
            _step_mistake(lambda step: step.by(step.dw)),
            (LATER, AXES),
        ),
        Misconception(
            "w moves with the old velocity",
            "First the velocity is renewed, then w moves, with the *new* one.",
            _step_mistake(lambda step: step.by(step.right, step.velocity)),
            STEPS,
        ),
        Misconception(
            "the old velocity is returned",
            "w is right. The second value is the velocity as it is *after* this step.",
            _step_mistake(lambda step: (step.by(step.right)[0], step.velocity)),
            STEPS,
        ),
        Misconception(
            "the learning rate is inside the velocity",
            GRADIENTS_ALONE,
            _step_mistake(_rate_inside(1)),
            STEPS,
        ),
        Misconception(
            "minus and learning rate are inside the velocity",
            GRADIENTS_ALONE,
            _step_mistake(_rate_inside(-1)),
            STEPS,
        ),
        Misconception(
            "the gradient is weighed with 1 - momentum",
            "That is a running average, as batch norm has one. Here the whole gradient is added.",
            _step_mistake(lambda step: step.by(step.mixed(step.momentum, 1 - step.momentum))),
            (FIRST, LATER, AXES),
        ),
        Misconception(
            "momentum weighs the gradient instead of the old velocity",
            "Which of the two is to be partly forgotten: what came before, or what has just been measured?",
            _step_mistake(lambda step: step.by(step.mixed(1, step.momentum))),
            STEPS,
        ),
        Misconception(
            "Nesterov's step is taken",
            "That is a refinement for later. Here w moves along the new velocity, and nothing is "
            "added to it.",
            _step_mistake(lambda step: step.by(step.right, step.dw.add(step.right, alpha=step.momentum))),
            (FIRST, LATER, AXES),
        ),
        Misconception(
            "w and velocity are returned in the wrong order",
            "Asked for are w and velocity, in this order.",
            _step_mistake(lambda step: step.by(step.right)[::-1]),
            STEPS,
        ),
        Misconception(
            "momentum is always 0.9",
            "0.9 is only what one gets who says nothing. Is the argument `momentum` used?",
            _step_mistake(lambda step: step.by(step.mixed(0.9, 1))),
            (LATER, NONE),
        ),
    ),
)


# --- minibatches ------------------------------------------------------------------------------------------

WHOLE, REST = "every example once", "a last batch that is smaller"
MIXED, DRAWN = "in random order", "drawn from rng"


def _sizes(*sizes: tuple[int, int]) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count, batch_size in sizes:
            yield case(count, batch_size, rng=Seed(int(rng.integers(10**6))))

    return make


def _batches(outcome: Outcome) -> list[np.ndarray] | str:
    """The batches that came back, or what is wrong with their kind."""
    if not isinstance(outcome.value, tuple | list):
        return "did not return a list of arrays"
    batches = [np.asarray(batch) for batch in outcome.value]
    if any(batch.ndim != 1 or batch.dtype.kind not in "iu" for batch in batches):
        return "returned a list, but not of arrays (batch,) of whole numbers"
    return batches


def _judge_batches(given: Case, outcome: Outcome) -> str | None:
    batches = _batches(outcome)
    if isinstance(batches, str):
        return batches
    count, batch_size = given.args
    wanted = [batch_size] * (count // batch_size) + [count % batch_size] * (count % batch_size > 0)
    sizes = [len(batch) for batch in batches]
    if sizes != wanted:
        return f"returned batches of the sizes {_short(sizes)}, expected {_short(wanted)}"
    return None if sorted(_joined(batches)) == list(range(count)) else "not every example comes exactly once"


def _short(sizes: list[int]) -> str:
    return str(sizes) if len(sizes) < 8 else f"[{', '.join(map(str, sizes[:3]))}, ..., {sizes[-1]}]"


def _joined(batches: Sequence[np.ndarray]) -> list[int]:
    return [int(index) for batch in batches for index in batch]


def _judge_order(given: Case, outcome: Outcome) -> str | None:
    batches = _batches(outcome)
    if isinstance(batches, str):
        return batches
    order, count = np.array(_joined(batches)), given.args[0]
    if len(order) < count // 2:
        return "there are not enough examples to tell"
    neighbours = np.abs(np.diff(order)) == 1
    return "neighbours stay together" if neighbours.mean() > 0.1 else None  # by chance: 2 of `count`


def _judge_drawn(given: Case, outcome: Outcome) -> str | None:
    first, again, *others = map(np.asarray, outcome.value["calls"])
    if first.ndim != 1 or first.dtype.kind not in "iu":
        return "did not return a list of arrays"
    if not np.array_equal(first, again):
        return "two generators in the same state gave two different orders"
    if any(np.array_equal(first, other) for other in others):
        return "the next call with the same generator gave the same order again"
    return None


def _recognises(rule: Callable[[list[np.ndarray], int, int], bool]) -> Callable[[Case, Outcome], bool]:
    def recognise(given: Case, outcome: Outcome) -> bool:
        batches = _batches(outcome)
        return not isinstance(batches, str) and rule(batches, *given.args)

    return recognise


def _calls(rule: Callable[[list[np.ndarray]], bool]) -> Callable[[Case, Outcome], bool]:
    """For the group DRAWN: what its probe noted; for others true where nothing speaks against it."""

    def recognise(given: Case, outcome: Outcome) -> bool:
        return isinstance(outcome.value, dict) and rule([*map(np.asarray, outcome.value["calls"])])

    return recognise


def _full(batches: list[np.ndarray], size: int) -> bool:
    return all(len(batch) == size for batch in batches)


def _unshuffled(given: Case, outcome: Outcome) -> bool:
    if isinstance(outcome.value, dict):
        return all(np.array_equal(call, np.arange(len(call))) for call in outcome.value["calls"])
    batches = _batches(outcome)
    return not isinstance(batches, str) and _joined(batches) == list(range(given.args[0]))


def _in_blocks(batches: list[np.ndarray], count: int, size: int) -> bool:
    joined = _joined(batches)
    return joined != sorted(joined) and all((np.diff(batch) == 1).all() for batch in batches)


MINIBATCHES = Exercise(
    name="minibatches",
    notebook=NOTEBOOK,
    asked="a list of arrays of indices",
    arguments=("count", "batch_size"),
    groups=(
        Group(WHOLE, 1, _sizes((6, 2), (60, 20)), judge=_judge_batches),
        Group(REST, 1, _sizes((10, 3), (100, 32), (5, 8)), judge=_judge_batches),
        Group(MIXED, 1, _sizes((400, 100), (300, 64)), judge=_judge_order),
        Group(DRAWN, 1, _sizes((2000, 4), (3000, 6)), probe="drawn_again", judge=_judge_drawn),
    ),
    advice={
        WHOLE: "Put all indices into one random order, and cut that into pieces.",
        REST: "What is left at the end is a batch as well, a smaller one.",
        MIXED: "The *examples* are shuffled before they are dealt into batches.",
        DRAWN: "Everything random comes from the generator that was handed in.",
    },
    misconceptions=(
        Misconception(
            "the last, smaller batch is left out",
            "`count // batch_size` counts the full batches. What becomes of the examples behind them?",
            recognise=_recognises(
                lambda batches, count, size: (
                    _full(batches, size)
                    and count % size > 0
                    and len(set(_joined(batches))) == len(_joined(batches)) == count - count % size
                )
            ),
            fails=(REST,),
        ),
        Misconception(
            "there is an empty batch at the end",
            "Nothing is left over here. At which number do you begin the last batch?",
            recognise=_recognises(
                lambda batches, count, size: len(batches[-1]) == 0 and _full(batches[:-1], size)
            ),
            fails=(WHOLE,),
        ),
        Misconception(
            "the indices begin at 1",
            "Python counts from 0: the last of `count` examples has the number `count - 1`.",
            recognise=_recognises(
                lambda batches, count, size: sorted(_joined(batches)) == list(range(1, count + 1))
            ),
            fails=(WHOLE, REST),
        ),
        Misconception(
            "the last batch is filled up with examples that had their turn",
            "In one epoch every example comes once. The last batch may be smaller than the others.",
            recognise=_recognises(
                lambda batches, count, size: (
                    _full(batches, size) and set(_joined(batches)) == set(range(count)) and count % size > 0
                )
            ),
            fails=(REST,),
        ),
        Misconception(
            "the batches are of about the same size",
            "Full batches first, of `batch_size` each; what is left makes the last one.",
            recognise=_recognises(
                lambda batches, count, size: (
                    sorted(_joined(batches)) == list(range(count))
                    and len(batches) == -(-count // size)
                    and max(map(len, batches)) - min(map(len, batches)) <= 1
                )
            ),
            fails=(REST,),
        ),
        Misconception(
            "batch_size is taken for the number of batches",
            "`batch_size` is how many examples one batch has. How many batches does that make?",
            recognise=_recognises(
                lambda batches, count, size: (
                    sorted(_joined(batches)) == list(range(count))
                    and len(batches) == size != -(-count // size)
                )
            ),
            fails=(WHOLE, REST),
        ),
        Misconception(
            "examples are drawn again and again",
            "Some examples come twice and others never. A *permutation* has each of them once.",
            recognise=_recognises(
                lambda batches, count, size: (
                    len(_joined(batches)) == count and len(set(_joined(batches))) < count
                )
            ),
            fails=(WHOLE, REST),
        ),
        Misconception(
            "nothing is shuffled",
            "The indices come in their own order. Data often lies sorted by class; then a batch "
            "has only one.",
            recognise=_unshuffled,
            fails=(MIXED, DRAWN),
        ),
        Misconception(
            "the batches are shuffled, not the examples",
            "Examples that lie side by side always come in the same batch. Shuffle before you cut.",
            recognise=_recognises(_in_blocks),
            fails=(MIXED,),
        ),
        Misconception(
            "a generator of its own is used",
            "`rng` is handed in, so that a training can be repeated. Which generator do you draw from?",
            recognise=_calls(lambda calls: len({call.tobytes() for call in calls}) == len(calls)),
            fails=(DRAWN,),
        ),
        Misconception(
            "the order is the same in every epoch",
            "Is a generator made inside, with a seed? Then every call begins at the same place.",
            recognise=_calls(
                lambda calls: (
                    len({call.tobytes() for call in calls}) == 1
                    and not np.array_equal(calls[0], np.arange(len(calls[0])))
                )
            ),
            fails=(DRAWN,),
        ),
    ),
)


# --- train_step -------------------------------------------------------------------------------------------

ONE, SEVERAL, OTHER, HEART = "one step", "several steps", "another momentum", "50 images by heart"
TRAINED = (ONE, SEVERAL, OTHER)


@dataclass(frozen=True)
class _Rule:
    """How a training goes. The defaults are right.

    scores: what is done to the scores before the loss. factor: of loss and gradient, from the number of
    examples. loss_factor: of the loss alone. trained: which of the parameters move, by number and count.
    """

    scores: Callable[[Tensor], Tensor] = lambda scores: scores
    factor: Callable[[int], float] = lambda count: 1.0
    loss_factor: Callable[[int], float] = lambda count: 1.0
    trained: Callable[[int, int], bool] = lambda at, count: True
    moves: bool = True
    keeps_velocity: bool = True
    loss_after: bool = False
    momentum: float | None = None


def _trained(
    rule: _Rule,
    kinds: str,
    x: Tensor,
    labels: Tensor,
    *parameters: Tensor,
    steps: int,
    lr: float,
    momentum: float = 0.9,
    velocities: Sequence[Tensor] = (),
) -> Any:
    """Losses, parameters and velocities of a training by this rule."""
    now, count, right = [each.clone() for each in parameters], len(x), labels.long()
    moving = [each.clone() for each in velocities] or [torch.zeros_like(each) for each in now]
    momentum = momentum if rule.momentum is None else rule.momentum
    losses: list[Tensor] = []

    def loss_of(scores: Tensor) -> Tensor:
        return F.cross_entropy(rule.scores(scores), right)

    for _ in range(steps):
        leaves = [each.detach().requires_grad_() for each in now]
        scores = through(kinds, x, *leaves)
        given = rule.scores(scores.detach()).requires_grad_()
        loss = F.cross_entropy(given, right)
        (dscores,) = torch.autograd.grad(loss, given)
        gradients = torch.autograd.grad(scores, leaves, dscores * rule.factor(count))
        losses.append(loss.detach() * rule.factor(count) * rule.loss_factor(count))
        for at, gradient in enumerate(gradients):
            if rule.trained(at, len(now)):
                moved, velocity = _momentum(now[at], gradient, moving[at], lr=lr, momentum=momentum)
                now[at] = moved if rule.moves else now[at]
                moving[at] = velocity if rule.keeps_velocity else moving[at]
        if rule.loss_after:
            losses[-1] = loss_of(through(kinds, x, *now)).detach()
    return losses, tuple(now), tuple(moving)


def _rule(**changes: Any) -> Predict:
    return partial(_trained, _Rule(**changes))


def _without_velocities(function: Predict) -> Predict:
    """Of one step the loss and the parameters; where the velocities went shows in the next step."""
    return lambda *args, **options: (*function(*args, **options)[:2], ANYTHING)


def _batch(rng: np.random.Generator, plan: _Plan) -> tuple[np.ndarray, np.ndarray]:
    """Images, and labels in which every class occurs."""
    classes = plan.sizes[-1]
    return plan.input(rng), rng.permutation(np.arange(plan.x[0]) % classes)


def _trainings(
    plans: Sequence[_Plan], scale: float = 0.5, **options: Any
) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for plan in plans:
            names = ("kinds", "x", "labels", *plan.names)
            yield Case((plan.kinds, *_batch(rng, plan), *plan.parameters(rng, scale)), options, names=names)

    return make


SMALL = _Plan("linear relu linear", (3, 2), (3, 3))
BY_HEART = _Plan("conv relu pool flatten linear", (50, 1, 6, 6), (4, 3))


def _judge_by_heart(given: Case, outcome: Outcome) -> str | None:
    """With the parameters that came back, is every image told right?"""
    kinds, x, labels, *before = given.args
    after = outcome.value[1]
    if len(after) != len(before) or any(
        not isinstance(one, np.ndarray) or one.shape != other.shape or one.dtype.kind != "f"
        for one, other in zip(after, before, strict=True)
    ):
        return "the parameters have other shapes than before"
    scores = through(kinds, *(torch.tensor(each).double() for each in (x, *after)))
    right = float((scores.argmax(1).numpy() == labels).mean())
    steps = given.kwargs["steps"]
    return None if right == 1 else f"after {steps} steps {right:.0%} of the images are told right, not 100 %"


TRAIN_STEP = Exercise(
    name="train_step",
    notebook=NOTEBOOK,
    asked="the loss; the network's parameters and the velocities are new afterwards",
    arguments=("kinds", "x", "labels"),
    parts=("losses", "parameters", "velocities"),
    probe="training_steps",
    reference=_rule(),
    groups=(
        Group(ONE, 2, _trainings((SMALL, CONVOLUTIONAL), steps=1, lr=0.5), lift=_without_velocities),
        Group(SEVERAL, 2, _trainings((SMALL, CONVOLUTIONAL), steps=4, lr=0.2)),
        Group(OTHER, 1, _trainings((SMALL, CONVOLUTIONAL), steps=3, lr=0.2, momentum=0.5)),
        Group(HEART, 2, _trainings((BY_HEART,), 0.3, steps=60, lr=0.1), judge=_judge_by_heart),
    ),
    advice={
        ONE: "forward, loss, backward, and then every parameter of every layer moves.",
        SEVERAL: "The first step is right: what has to be kept for the second one?",
        OTHER: "Does `momentum` arrive where it is used?",
        HEART: "Small steps are right, so look at what builds up over many of them.",
    },
    seconds_per_call=20,
    misconceptions=(
        Misconception(
            "the new parameters are not put back into the layers",
            "`sgd_momentum` returns new arrays. Who tells the network about them? "
            "`layer.parameters[i] = ...`",
            _rule(moves=False),
            (*TRAINED, HEART),
        ),
        Misconception(
            "the new velocities are not kept",
            "They belong into `velocities`, so that the next step finds them.",
            _rule(keeps_velocity=False),
            (SEVERAL, OTHER, HEART),
        ),
        Misconception(
            "the scores go through a softmax before the loss",
            "`softmax_cross_entropy` has a softmax in it. With two of them the gradients are tiny.",
            _rule(scores=lambda scores: scores.softmax(1)),
            (*TRAINED, HEART),
        ),
        Misconception(
            "the loss is summed over the batch instead of averaged",
            "Then the steps are larger, the larger the batch. `softmax_cross_entropy` returns the "
            "mean and its gradient: leave both as they are.",
            _rule(factor=float),
            (*TRAINED, HEART),
        ),
        Misconception(
            "the returned loss is multiplied by the number of examples",
            "The training is right. Returned is the loss as `softmax_cross_entropy` gives it: a mean.",
            _rule(loss_factor=float),
            TRAINED,
        ),
        Misconception(
            "the gradient is divided by the number of examples once more",
            "The mean is in `softmax_cross_entropy` already, and so it is in dscores.",
            _rule(factor=lambda count: 1 / count, loss_factor=float),
            (*TRAINED, HEART),
        ),
        Misconception(
            "only the weights move, the biases do not",
            "A layer has several parameters, and `gradients[layer.name]` has one gradient for each.",
            _rule(trained=lambda at, count: at % 2 == 0),
            TRAINED,
        ),
        Misconception(
            "only the last layer moves",
            "Look at the indentation of what stands behind your loop over the layers.",
            _rule(trained=lambda at, count: at >= count - 2),
            (*TRAINED, HEART),
        ),
        Misconception(
            "only the first layer moves",
            "Does a `return` stand inside your loop over the layers? It ends the function there.",
            _rule(trained=lambda at, count: at < 2),
            (*TRAINED, HEART),
        ),
        Misconception(
            "the loss is the one after the step",
            "Asked for is the loss from which the gradients came: before anything moved.",
            _rule(loss_after=True),
            TRAINED,
        ),
        Misconception(
            "momentum is not handed on",
            "`sgd_momentum` uses 0.9 when nobody tells it otherwise.",
            _rule(momentum=0.9),
            (OTHER,),
        ),
    ),
)


# --- initial_loss -----------------------------------------------------------------------------------------

TWO_NUMBERS, MISSING, FINE = "the loss and ln C", "a class that does not occur", "within the tolerance?"


@dataclass(frozen=True)
class _Start:
    """What is known before the first step."""

    scores: Tensor
    labels: Tensor
    tolerance: float

    @property
    def loss(self) -> Tensor:
        return F.cross_entropy(self.scores, self.labels)

    def says(self, loss: Any = None, expected: Any = None, fine: Any = None) -> tuple[Any, Any, Any]:
        """The three answers, some of them changed."""
        loss = self.loss if loss is None else loss
        expected = math.log(self.scores.shape[1]) if expected is None else expected
        near = abs(float(loss) - expected) <= self.tolerance * expected
        return loss, torch.tensor(expected, dtype=torch.float64), bool(near if fine is None else fine)


def _started(rule: Callable[[_Start], Any]) -> Predict:
    def predict(kinds: str, x: Tensor, labels: Tensor, *parameters: Tensor, tolerance: float = 0.1) -> Any:
        return rule(_Start(through(kinds, x, *parameters), labels.long(), tolerance))

    return predict


def _two_numbers(function: Predict) -> Predict:
    return lambda *args, **options: (*function(*args, **options)[:2], ANYTHING)


def _starts(
    *scales: float, rows: int = 4, missing: bool = False
) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Networks whose scores have these scales. missing: the last class does not occur."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for scale in scales:
            plan = _Plan("linear", (rows, 2), (3 if rows < 8 else 7,))
            x, labels = _batch(rng, plan)
            labels = np.minimum(labels, plan.sizes[-1] - 2) if missing else labels
            w, b = plan.parameters(rng, scale)
            yield Case((plan.kinds, x, labels, w, b), names=("kinds", "x", "labels", "w1", "b1"))

    return make


def _near(*wanted: tuple[float, dict[str, float]]) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Networks whose loss is this many times ln C: the labels are what they find most or least likely."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for ratio, options in wanted:
            x, w, b = (_fine(rng, *shape) for shape in ((9, 2), (7, 2), (7,)))
            scores = through("linear", *map(torch.tensor, (x, w, b)))
            labels = (scores.argmin(1) if ratio > 1 else scores.argmax(1)).numpy()
            order = np.arange(7)
            order[[labels[0], 6]] = 6, labels[0]  # the classes change their numbers, so that the last occurs
            w, b, labels = w[order], b[order], order[labels]
            scale = _scale_for(ratio * math.log(7), torch.tensor(labels), scores[:, order])
            arrays = x, labels, (scale * w).round(4), (scale * b).round(4)
            yield Case(("linear", *arrays), options, names=("kinds", "x", "labels", "w1", "b1"))

    return make


def _scale_for(loss: float, labels: Tensor, scores: Tensor) -> float:
    """What the scores are to be multiplied by so that this is their loss."""
    low, high = 0.0, 50.0
    upwards = loss > math.log(scores.shape[1])
    for _ in range(40):
        middle = (low + high) / 2
        beyond = (float(F.cross_entropy(middle * scores, labels)) > loss) == upwards
        low, high = (low, middle) if beyond else (middle, high)
    return low


NEAR = (
    *((1.05, {}), (1.15, {}), (1.15, {"tolerance": 0.2}), (0.7, {"tolerance": 0.2})),
    *((ratio, {"tolerance": 0.5}) for ratio in (1.2, 0.6, 1.6)),
)

INITIAL_LOSS = Exercise(
    name="initial_loss",
    notebook=NOTEBOOK,
    asked="the loss, ln C, and whether the one is near the other",
    arguments=("kinds", "x", "labels"),
    parts=("loss", "expected", "fine"),
    probe="on_a_network",
    reference=_started(lambda start: start.says()),
    groups=(
        Group(TWO_NUMBERS, 1, _starts(0.05, 1.0, rows=4), lift=_two_numbers),
        Group(MISSING, 1, _starts(0.1, 0.5, rows=8, missing=True), lift=_two_numbers),
        Group(FINE, 1, _near(*NEAR)),
    ),
    advice={
        TWO_NUMBERS: "The loss of a batch, as in a training step; and the logarithm of the number of "
        "classes.",
        MISSING: "The batch does not tell how many classes there are. Who does?",
        FINE: "Too small a loss is as suspicious as too large a one.",
    },
    misconceptions=(
        Misconception(
            "the logarithm of the number of examples",
            "C is the number of *classes*: how many scores does an example have?",
            _started(lambda start: start.says(expected=math.log(len(start.scores)))),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "the classes are counted in the labels",
            "In a small batch a class may be missing. The network knows how many there are.",
            _started(lambda start: start.says(expected=math.log(int(start.labels.max()) + 1))),
            (MISSING,),
        ),
        Misconception(
            "only classes that occur are counted",
            "In a small batch a class may be missing. The network knows how many there are.",
            _started(lambda start: start.says(expected=math.log(len(start.labels.unique())))),
            (MISSING, FINE),
        ),
        Misconception(
            "there are always 10 classes",
            "Ten is for Fashion-MNIST. How many scores does *this* network give?",
            _started(lambda start: start.says(expected=math.log(10))),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "the logarithm has another base",
            "`np.log` is the natural logarithm, and the loss uses that one.",
            _started(lambda start: start.says(expected=math.log2(start.scores.shape[1]))),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "the expected value is negative",
            "The loss is *minus* the logarithm of the probability of the right class.",
            _started(lambda start: start.says(expected=-math.log(start.scores.shape[1]), fine=False)),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "the expected value is the probability 1 / C",
            "Each class gets the probability 1 / C. What does that cost?",
            _started(lambda start: start.says(expected=1 / start.scores.shape[1])),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "the scores go through a softmax before the loss",
            "`softmax_cross_entropy` has a softmax in it. With two of them every loss is near ln "
            "C, and the check finds nothing.",
            _started(lambda start: start.says(loss=F.cross_entropy(start.scores.softmax(1), start.labels))),
            (TWO_NUMBERS, MISSING, FINE),
        ),
        Misconception(
            "only a loss that is too large is found",
            "A network that knows the answers before training is suspicious as well. Which "
            "function takes the sign away?",
            _started(
                lambda start: start.says(
                    fine=float(start.loss) <= (1 + start.tolerance) * math.log(start.scores.shape[1])
                )
            ),
            (FINE,),
        ),
        Misconception(
            "the tolerance is taken as it is, not as a part of ln C",
            "A tolerance of 0.1 is a tenth of ln C, whatever C is. Which of your two numbers is it to be "
            "multiplied by?",
            _started(
                lambda start: start.says(
                    fine=abs(float(start.loss) - math.log(start.scores.shape[1])) <= start.tolerance
                )
            ),
            (FINE,),
        ),
        Misconception(
            "the tolerance is a part of the loss, not of ln C",
            "ln C is the measure, and the tolerance is a part of it. Which of your two numbers is it "
            "multiplied by?",
            _started(
                lambda start: start.says(
                    fine=abs(float(start.loss) - math.log(start.scores.shape[1]))
                    <= start.tolerance * float(start.loss)
                )
            ),
            (FINE,),
        ),
        Misconception(
            "the tolerance is always 0.1",
            "0.1 is only what one gets who says nothing. Is the argument `tolerance` used?",
            _started(lambda start: replace(start, tolerance=0.1).says()),
            (FINE,),
        ),
        Misconception(
            "everything within the tolerance is called wrong",
            "`fine` is True where the loss is near: look at the direction of your comparison.",
            _started(lambda start: start.says(fine=not start.says()[2])),
            (FINE,),
        ),
    ),
)


# --- gradient_errors --------------------------------------------------------------------------------------

CLEAN, FOUND, BACK = (
    "a network without a mistake",
    "finds the layer with a mistake",
    "leaves the network as it was",
)
Error = Callable[[Tensor, Tensor], Tensor]  # from the gradient of backward and the numeric one


def _relative(mine: Tensor, right: Tensor) -> Tensor:
    return (mine - right).abs().max() / torch.stack([mine.abs().max(), right.abs().max()]).max()


def _errors(
    error: Error = _relative, looked_at: Callable[[int], bool] = lambda at: True, same: bool = True
) -> Predict:
    """Errors layer by layer. looked_at: which parameters of a layer are compared, by number."""

    def predict(
        kinds: str, x: Tensor, labels: Tensor, *parameters: Tensor, factors: Sequence[float] | None = None
    ) -> Any:
        leaves = [each.clone().requires_grad_() for each in parameters]
        right = torch.autograd.grad(F.cross_entropy(through(kinds, x, *leaves), labels.long()), leaves)
        scales = factors or [1.0] * len(right)
        found = [error(scale * each, each) for scale, each in zip(scales, right, strict=True)]
        pairs = zip(found[::2], found[1::2], strict=True)
        layers = [[each for at, each in enumerate(pair) if looked_at(at)] for pair in pairs]
        return tuple(torch.stack(layer).max() for layer in layers), same

    return predict


def _part(kept: int) -> Callable[[Predict], Predict]:
    """The errors alone, or the network afterwards alone."""

    def lift(function: Predict) -> Predict:
        def asked(*args: Any, **options: Any) -> Any:
            return tuple(
                value if at == kept else ANYTHING for at, value in enumerate(function(*args, **options))
            )

        return asked

    return lift


def _smooth(kinds: str, x: np.ndarray, labels: np.ndarray, *parameters: np.ndarray) -> bool:
    """Does a gradient reach every array, and is no ReLU so near its bend that a nudge tells?"""
    leaves = [torch.tensor(each).requires_grad_() for each in parameters]
    chain = _Chain(kinds, torch.tensor(x), *leaves)
    gradients = torch.autograd.grad(F.cross_entropy(chain.out, torch.tensor(labels)), leaves)
    bends = [at.detach() for kind, at in zip(chain.kinds, chain.inputs, strict=False) if kind == "relu"]
    reached = all(float(each.abs().max()) > 0.02 for each in gradients)
    return reached and all(float(at.abs().min()) > 1e-3 for at in bends)


def _checked(plans: Sequence[tuple[_Plan, Sequence[float] | None]]) -> Any:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for plan, factors in plans:
            options = {} if factors is None else {"factors": tuple(factors)}
            names = ("kinds", "x", "labels", *plan.names)
            arrays = *_batch(rng, plan), *plan.parameters(rng, 0.5)
            while not _smooth(plan.kinds, *arrays):
                arrays = *_batch(rng, plan), *plan.parameters(rng, 0.5)
            yield Case((plan.kinds, *arrays), options, names=names)

    return make


ONE_LAYER = _Plan("linear", (3, 2), (3,))
TINY_CONV = _Plan("conv relu pool flatten linear", (2, 1, 4, 4), (2, 2))


GRADIENT_ERRORS = Exercise(
    name="gradient_errors",
    notebook=NOTEBOOK,
    asked="a dict: the name of each layer with parameters, and its error",
    arguments=("kinds", "x", "labels"),
    parts=("errors", "unchanged"),
    probe="gradients_checked",
    reference=_errors(),
    groups=(
        Group(CLEAN, 1, _checked([(ONE_LAYER, None), (SMALL, None)]), lift=_part(0)),
        Group(
            FOUND,
            3,
            _checked(
                [
                    (ONE_LAYER, (3, 1)),
                    (ONE_LAYER, (1, 0.2)),
                    (SMALL, (1, 1, 0.5, 1)),
                    (TINY_CONV, (-1, 2, 1, 0.75)),
                ]
            ),
            lift=_part(0),
        ),
        Group(BACK, 1, _checked([(ONE_LAYER, None), (SMALL, (1, 1, 0.5, 1))]), lift=_part(1)),
    ),
    advice={
        CLEAN: "Where backward is right, the two gradients agree to many digits. Do both belong to the same "
        "loss?",
        FOUND: "Compare the two gradients of one parameter by hand, on one line each.",
        BACK: "Which parameters does the network have when your function is done? Those of before, to the "
        "last digit?",
    },
    seconds_per_call=20,
    tolerance=Tolerance(rtol=1e-3, atol=2e-4),
    misconceptions=(
        Misconception(
            "the error is absolute, not relative",
            "0.001 is much for a gradient of 0.002 and nothing for one of 1,000. What is the "
            "difference to be compared with?",
            _errors(lambda mine, right: (mine - right).abs().max()),
            (FOUND,),
        ),
        Misconception(
            "every numeric gradient is 0",
            "All errors are 1. Does the function that you hand to `numeric_gradient` put the nudged array "
            "into the layer, before it runs forward?",
            _errors(lambda mine, right: torch.ones(()).double()),
            (CLEAN, FOUND),
        ),
        Misconception(
            "the difference is divided by the numeric gradient alone",
            "The larger of the two stands below the fraction. Then the error of a gradient that is "
            "missing is 1, and so is that of one that is far too large.",
            _errors(lambda mine, right: (mine - right).abs().max() / right.abs().max()),
            (FOUND,),
        ),
        Misconception(
            "the difference is divided by the sum of both",
            "Some texts do so. Here the larger of the two stands below the fraction.",
            _errors(lambda mine, right: (mine - right).abs().max() / (mine.abs().max() + right.abs().max())),
            (FOUND,),
        ),
        Misconception(
            "the biases are not compared",
            "A layer has several parameters. Its error is the largest of theirs.",
            _errors(looked_at=lambda at: at == 0),
            (FOUND,),
        ),
        Misconception(
            "only the last parameter of a layer counts",
            "A layer has several parameters, and each one overwrites the error of the one before it. Which "
            "error is to stay?",
            _errors(looked_at=lambda at: at == 1),
            (FOUND,),
        ),
        Misconception(
            "the absolute value is missing",
            "A gradient that is too small is as wrong as one that is too large.",
            _errors(
                lambda mine, right: (
                    (mine - right).max() / torch.stack([mine.abs().max(), right.abs().max()]).max()
                )
            ),
            (FOUND,),
        ),
        Misconception(
            "the mean difference is taken instead of the largest",
            "One wrong number among a thousand right ones hardly changes a mean.",
            _errors(
                lambda mine, right: (
                    (mine - right).abs().mean() / torch.stack([mine.abs().max(), right.abs().max()]).max()
                )
            ),
            (FOUND,),
        ),
        Misconception(
            "the network keeps a nudged parameter",
            "`numeric_gradient` calls your function with nudged values, and the last ones are still in the "
            "layer. Put the array of before back when it is done.",
            _errors(same=False),
            (BACK,),
        ),
    ),
)


# --- search_learning_rate -----------------------------------------------------------------------------------

ANEW, UNSORTED, NUMBER = "every rate begins anew", "rates in any order", "a loss that is no number"


NO_RELU = _Plan("linear linear", (3, 2), (3, 3))  # a ReLU that is always 0 would stop the explosion


def _search(
    rule: Callable[[list[float], list[float]], Any],
    *,
    one_net: bool = False,
    old_velocities: bool = False,
    first_loss: bool = False,
    more_steps: int = 0,
    momentum: float | None = None,
) -> Predict:
    """`rule` picks from rates and their losses."""

    def predict(
        kinds: str, x: Tensor, labels: Tensor, *parameters: Tensor, rates: Sequence[float], steps: int
    ) -> Any:
        now, moving, losses = list(parameters), [torch.zeros_like(each) for each in parameters], []
        for rate in rates:
            way = _Rule(momentum=momentum)
            every, after, speeds = _trained(
                way, kinds, x, labels, *now, steps=steps + more_steps, lr=rate, velocities=moving
            )
            losses.append(float(every[0 if first_loss else -1]))
            now = list(after) if one_net else now
            moving = list(speeds) if old_velocities else moving
        return rule(list(rates), losses), losses

    return predict


def _best(rates: list[float], losses: list[float]) -> float:
    finite = [(rate, loss) for rate, loss in zip(rates, losses, strict=True) if math.isfinite(loss)]
    return min(finite, key=lambda pair: pair[1])[0] if finite else rates[0]  # the first of several


def _nan_first(pick: Callable[[Tensor], Tensor]) -> Callable[[list[float], list[float]], float]:
    """PyTorch, too, takes NaN for the smallest and the largest."""
    return lambda rates, losses: rates[int(pick(torch.tensor(losses)))]


def _searches(
    *lists: tuple[float, ...], plan: _Plan = SMALL
) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for rates in lists:
            names = ("kinds", "x", "labels", *plan.names)
            options = {"rates": rates, "steps": 5}
            yield Case((plan.kinds, *_batch(rng, plan), *plan.parameters(rng, 0.5)), options, names=names)

    return make


SEARCH = Exercise(
    name="search_learning_rate",
    notebook=NOTEBOOK,
    asked="the best rate, and the last loss for every rate",
    arguments=("kinds", "x", "labels"),
    parts=("best", "losses"),
    probe="rates_tried",
    reference=_search(_best),
    groups=(
        Group(ANEW, 2, _searches((0.001, 0.01, 0.1), (0.005, 0.05, 0.2))),
        Group(UNSORTED, 1, _searches((0.05, 100.0, 0.002), (100.0, 0.02, 0.1))),
        Group(NUMBER, 1, _searches((0.001, 0.05, 1e200), (1e200, 0.1, 0.002), plan=NO_RELU), lift=_part(0)),
    ),
    advice={
        ANEW: "Is every rate tried with the same first weights, and with velocities of 0?",
        UNSORTED: "The best rate is the one with the smallest loss, wherever it stands in the list.",
        NUMBER: "A training that has blown up ends with NaN or infinity. It cannot be the best.",
    },
    seconds_per_call=20,
    misconceptions=(
        Misconception(
            "all rates train the same network",
            "The second rate goes on where the first one stopped, so it looks better than it is. Where is "
            "`make_net()` called?",
            _search(_best, one_net=True),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "the velocities of the rate before are kept",
            "A new network begins at rest. Where are its velocities made?",
            _search(_best, old_velocities=True),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "NaN is taken for the smallest loss",
            "`np.argmin` takes NaN for smaller than anything. `np.isfinite` tells, and there is "
            "`np.nanargmin`.",
            _search(_nan_first(torch.argmin)),
            (NUMBER,),
        ),
        Misconception(
            "NaN in front hides all the other losses",
            "`min` compares, and no number is smaller than NaN. Take those that `np.isfinite` lets through.",
            _search(lambda rates, losses: rates[0] if math.isnan(losses[0]) else _best(rates, losses)),
            (NUMBER,),
        ),
        Misconception(
            "the loss after the last step is taken, or that of one step too many",
            "`train_step` returns the loss *before* its step; of `steps` calls the last one's counts.",
            _search(_best, more_steps=1),
            (ANEW, UNSORTED),
        ),
        Misconception(
            "there is one step too few",
            "How often is `train_step` called for each rate?",
            _search(_best, more_steps=-1),
            (ANEW, UNSORTED),
        ),
        Misconception(
            "the steps are taken without momentum",
            "`train_step` has a momentum when nobody says anything. Leave it as it is.",
            _search(_best, momentum=0.0),
            (ANEW, UNSORTED),
        ),
        Misconception(
            "the rate with the largest loss is returned",
            "We want the loss to be small.",
            _search(_nan_first(torch.argmax)),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "the number of the best rate is returned instead of the rate",
            "`np.argmin` tells the place. Which rate stands there?",
            _search(lambda rates, losses: rates.index(_best(rates, losses))),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "the smallest loss is returned instead of its rate",
            "Asked for is the *rate* at which the loss was smallest, and then the list of all losses.",
            _search(lambda rates, losses: min(loss for loss in losses if math.isfinite(loss))),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "the loss of the first step is taken",
            "Before anything has moved all rates look alike. What counts is the loss of the last step.",
            _search(_best, first_loss=True),
            (ANEW, UNSORTED, NUMBER),
        ),
        Misconception(
            "the largest rate whose loss is a number is returned",
            "A rate may be too large long before the loss is infinite. Look at the losses, too.",
            _search(
                lambda rates, losses: max(
                    rate for rate, loss in zip(rates, losses, strict=True) if math.isfinite(loss)
                )
            ),
            (UNSORTED,),
        ),
    ),
)

EXERCISES = (
    SEQUENTIAL,
    SGD_MOMENTUM,
    MINIBATCHES,
    TRAIN_STEP,
    INITIAL_LOSS,
    GRADIENT_ERRORS,
    SEARCH,
)
