"""Exercises of notebook 09: LeNet and two more networks in PyTorch, a training loop, weights that move.

A network is a plan: a tuple of steps, which `Net` runs on weights that it looks up by role and shape
(`torch_probes.numbers`), with no module anywhere. A training loop is a `Loop`: what it does, in yes and no.
So a known mistake is another plan, or another answer.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import ANYTHING, Case, Exercise, Group, Misconception, Outcome, Tolerance, case
from cs_utils.checking import torch_probes as probes

NOTEBOOK = "09_lenet_pytorch"
FLOAT32 = Tolerance(rtol=1e-4, atol=2e-5)  # networks compute in float32, the references in float64
Predict = Callable[..., Any]
Shape = tuple[int, ...]
PICTURE = (1, 28, 28)


# --- plans ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One step of a plan.

    kind: ``conv``, ``linear``, ``norm``, ``pool``, ``flat``, ``cut`` (no gradient goes further back),
    ``misfit`` (what comes next does not fit), or what is done to every number. out: channels or features,
    or the stride of a pooling. size: of a kernel or a window. given: what a linear layer expects, 0 for
    what it gets. how: the kind of pooling, an axis, or the error of a misfit.
    """

    kind: str
    out: int = 0
    size: int = 0
    padding: int = 0
    given: int = 0
    how: Any = None
    bias: bool = True


def conv(out: int, size: int, padding: int = 0, **options: Any) -> Step:
    return Step("conv", out, size, padding, **options)


def linear(out: int, given: int = 0, **options: Any) -> Step:
    return Step("linear", out, given=given, **options)


def pool(how: str = "max", size: int = 2, stride: int = 0) -> Step:
    return Step("pool", stride or size, size, how=how)


RELU, TANH, SIGMOID, SOFTMAX, FLAT, NORM, CUT = map(
    Step, ("relu", "tanh", "sigmoid", "softmax", "flat", "norm", "cut")
)
LOG_SOFTMAX, MISFIT = Step("log_softmax"), Step("misfit")
Plan = tuple[Step, ...]
Judge = Callable[[Case, Outcome], "str | None"]
Telling = Callable[[Case], bool]
Widths = Callable[[np.random.Generator], dict[str, Any]]


Edit = Callable[[Plan], Plan]


def put(place: int, *steps: Step) -> Edit:
    """Other steps, or none, instead of the one at this place."""
    return lambda plan: (*plan[:place], *steps, *plan[place:][1:])


def add(*steps: Step) -> Edit:
    """Steps behind the last one."""
    return lambda plan: (*plan, *steps)


def vary(place: int, **changes: Any) -> Edit:
    """The step at this place, done in another way."""
    return lambda plan: put(place, replace(plan[place], **changes))(plan)


def swap(one: int, other: int) -> Edit:
    """Two steps in each other's place."""
    return lambda plan: both(put(one, plan[other]), put(other, plan[one]))(plan)


def both(one: Edit, other: Edit) -> Edit:
    return lambda plan: other(one(plan))


@dataclass
class Pass:
    """One run of a plan: what came out, and what it met on the way."""

    out: Tensor
    stages: list[str] = field(default_factory=list)
    learned: list[Tensor] = field(default_factory=list)
    memory: list[Any] = field(default_factory=list)


Weights = Callable[[str, Shape, int, Shape, bool], Tensor]


def by_seed(seed: int) -> Weights:
    """The weights that the probes fill a network with; a bias in front of a norm is 0."""

    def weight(role: str, shape: Shape, which: int, after: Shape, normed: bool) -> Tensor:
        values = torch.tensor(probes.numbers(seed, role, tuple(shape), which, tuple(after)))
        return (0 * values if normed else values).requires_grad_()

    return weight


def in_order(arrays: Sequence[Tensor]) -> Weights:
    """Weights that were handed over: for each shape the first one that was not taken yet."""
    rest = list(arrays)

    def weight(role: str, shape: Shape, which: int, after: Shape, normed: bool) -> Tensor:
        places = [place for place, array in enumerate(rest) if tuple(array.shape) == tuple(shape)]
        if not places:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return rest.pop(places[0])

    return weight


@dataclass
class Runner:
    """Runs the steps of a plan one after the other."""

    run: Pass
    weights: Weights
    training: bool
    after: Shape = ()  # the weight's shape, just behind a layer that has one
    seen: Counter[Any] = field(default_factory=Counter)

    def step(self, step: Step, following: Step | None) -> None:
        after, self.after = self.after, ()
        match step.kind:
            case "conv" | "linear":
                self._layer(step, following is not None and following.kind == "norm")
            case "norm":
                self._norm(step, after)
            case _:
                self.run.out = _WITHOUT_WEIGHTS.get(step.kind, _elementwise)(self.run.out, step)

    def _weight(self, role: str, *shape: int, after: Shape = (), normed: bool = False) -> Tensor:
        which = self.seen[role, shape, after]
        self.seen[role, shape, after] += not normed  # a bias that may as well be left out is not counted
        found = self.weights(role, shape, which, after, normed)
        if not role.startswith("norm.running"):
            self.run.learned.append(found)
        return found

    def _layer(self, step: Step, normed: bool) -> None:
        x, out = self.run.out, step.out
        kernel = (x.shape[1], step.size, step.size) if step.kind == "conv" else (step.given or x.shape[-1],)
        w = self._weight("weight", out, *kernel)
        b = self._weight("bias", out, normed=normed) if step.bias else None
        result = F.conv2d(x, w, b, padding=step.padding) if step.kind == "conv" else F.linear(x, w, b)
        self.run.stages.append(probes.stage(w.ndim, x.shape[1:], result.shape[1:]))
        self.run.out, self.after = result, tuple(w.shape)

    def _norm(self, step: Step, after: Shape) -> None:
        x = self.run.out
        gamma, beta, mean, var = (
            self._weight(f"norm.{name}", x.shape[1], after=after)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        mean, var = mean.detach().clone(), var.detach().clone()
        now = self.training or step.how == "batch"
        self.run.out = F.batch_norm(x, mean, var, gamma, beta, training=now)
        self.run.memory += [probes.NO_STATISTIC] * 2 if step.how == "batch" else [mean, var]


def _pooled(x: Tensor, step: Step) -> Tensor:
    return (F.max_pool2d if step.how == "max" else F.avg_pool2d)(x, step.size, step.out)


def _flattened(x: Tensor, step: Step) -> Tensor:
    x = x.movedim(1, -1) if step.how == "channels last" else x
    return x.reshape(len(x), -1)


def _elementwise(x: Tensor, step: Step) -> Tensor:
    return getattr(torch, step.kind)(x)


def _over_classes(x: Tensor, step: Step) -> Tensor:
    return getattr(torch, step.kind)(x, 1 if step.how is None else step.how)


def _misfit(x: Tensor, step: Step) -> Tensor:
    raise step.how or RuntimeError("mat1 and mat2 shapes cannot be multiplied")


_WITHOUT_WEIGHTS: dict[str, Callable[[Tensor, Step], Tensor]] = {
    "pool": _pooled,
    "flat": _flattened,
    "softmax": _over_classes,
    "log_softmax": _over_classes,
    "misfit": _misfit,
    "cut": lambda x, step: x.detach().requires_grad_(),
}


def run(plan: Plan, x: Tensor, weights: Weights, *, training: bool = False) -> Pass:
    runner = Runner(Pass(x.double()), weights, training)
    for step, following in zip(plan, (*plan[1:], None), strict=True):
        runner.step(step, following)
    return runner.run


@dataclass(frozen=True)
class Net:
    """A network as a plan: a reference, or what a mistake makes of it. Each method answers one probe.

    make: the arguments of the class -> the plan. edit: what a mistake makes of that. forget: what it leaves
    out in the forward pass, though it was made.
    """

    make: Callable[..., Plan]
    edit: Edit = lambda plan: plan
    forget: Edit = lambda plan: plan

    def plan(self, **options: Any) -> Plan:
        return self.edit(self.make(**options))

    def _known(
        self, count: int, seed: int, *, size: Shape = PICTURE, training: bool = False, **options: Any
    ) -> Pass:
        x, plan = probes.images(count, size, seed=seed), self.forget(self.plan(**options))
        return run(plan, x, by_seed(seed), training=training)

    def parameters(self, **options: Any) -> list[Any]:
        shapes = list(self._shapes(**options))
        return [sum(map(math.prod, shapes)), *sorted("x".join(map(str, shape)) for shape in shapes)]

    def _shapes(self, *, size: Shape = PICTURE, **options: Any) -> Iterator[Shape]:
        """Of all parameters. Layers that do not fit together have shapes, too."""
        shape = size
        for step in self.plan(**options):
            if step.kind == "conv":
                yield from ((step.out, shape[0], step.size, step.size), *[(step.out,)] * step.bias)
                shape = (step.out, *(side + 2 * step.padding - step.size + 1 for side in shape[1:]))
            elif step.kind == "linear":
                yield from ((step.out, step.given or shape[0]), *[(step.out,)] * step.bias)
                shape = (step.out,)
            elif step.kind == "norm":
                yield from [(shape[0],)] * 2
            elif step.kind == "pool":
                shape = (shape[0], *((side - step.size) // step.out + 1 for side in shape[1:]))
            elif step.kind == "flat":
                shape = (math.prod(shape),)

    def stages(self, **options: Any) -> list[str]:
        return self._known(2, 0, **options).stages

    def scores(self, count: int, *, seed: int, **options: Any) -> tuple[Tensor, Tensor]:
        out = self._known(count, seed, **options).out
        return out, out

    __call__ = scores

    def gradients(self, count: int, *, seed: int, **options: Any) -> list[float]:
        done = self._known(count, seed, **options)
        learned = sorted(done.learned, key=lambda one: "x".join(map(str, one.shape)))
        loss = (done.out * done.out.detach().cos()).sum()
        found = torch.autograd.grad(loss, learned, allow_unused=True)
        return [0.0 if gradient is None else gradient.norm().item() for gradient in found]

    def statistics(self, count: int, *, seed: int, norms: int, **options: Any) -> list[Any]:
        """Those behind dropout may be anything."""
        memory = self._known(count, seed, training=True, **options).memory
        plan = self.forget(self.plan(**options))
        told = min(norms, sum(step.kind == "norm" for step in plan[: plan.index(FLAT)]))
        return [*memory[: 2 * told], *[ANYTHING] * 2 * (norms - told)]


def _asks(method: str) -> Callable[[Any], Any]:
    """For a group: this method of a reference or a prediction answers it."""
    return lambda found: getattr(found, method)


# --- cases of networks ------------------------------------------------------------------------------------

ASKED_TWICE = ("the scores", "the scores, asked again")
LEARNS, STAGES, SCORES = "what it learns", "from layer to layer", "scores for known weights"
GRADIENTS = "every weight gets a gradient"


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**20))


def _built(widths: Widths, *, default: bool = False) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Networks to look at. default: first as it is when nothing is said."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        yield case() if default else case(**widths(rng))
        yield case(**widths(rng))

    return make


def _asked(widths: Widths, count: int, **options: Any) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Networks to put pictures in, twice."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for more in (0, 1):
            yield case(count + more, seed=_seed(rng), **options, **widths(rng))

    return make


def _learns(net: Net) -> Judge:
    """Judges what is learned. A bias in front of a norm may be there or not."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        if outcome.value == probes.NO_WEIGHTS:
            return "PyTorch finds no weights in it"
        plan = net.plan(**given.kwargs)
        optional = Counter(str(one.out) for one, two in itertools.pairwise(plan) if two == NORM)
        found, wanted = outcome.value, net.parameters(**given.kwargs)
        more, less = Counter(found[1:]) - Counter(wanted[1:]), Counter(wanted[1:]) - Counter(found[1:])
        less -= optional
        if not more and not less:
            return None
        told = f"it learns {found[0]:,} numbers where {wanted[0]:,} were asked for"
        for shapes, words in ((more, "not asked for"), (less, "missing")):
            told += f"; {words}: {', '.join(sorted(shapes.elements()))}" if shapes else ""
        return told

    return judge


def _passes(net: Net) -> Judge:
    """Judges the way from layer to layer."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        found, wanted = outcome.value, net.stages(**given.kwargs)
        if found == probes.NO_WEIGHTS:
            return "PyTorch finds no layers in it"
        for place, (mine, right) in enumerate(zip(found, wanted, strict=False), 1):
            if mine != right:
                return f"layer {place} is `{mine}` where `{right}` was asked for"
        if len(found) != len(wanted):
            return f"{len(found)} layers with weights where {len(wanted)} were asked for"
        return None

    return judge


def _near(mine: Any, right: Any) -> bool:
    """As near as float32 comes."""
    return np.allclose(mine, right, FLOAT32.rtol, FLOAT32.atol)


def _reaches(net: Net) -> Judge:
    """Judges the lengths of the gradients of all parameters."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        found, wanted = outcome.value, net.gradients(*given.args, **given.kwargs)
        if found == probes.NO_WEIGHTS:
            return "PyTorch finds no weights in it"
        if len(found) != len(wanted):
            return f"it has {len(found)} weights and biases where {len(wanted)} were asked for"
        options = {name: value for name, value in given.kwargs.items() if name not in ("seed", "training")}
        pairs = list(zip(net.parameters(**options)[1:], found, wanted, strict=True))
        deaf = [shape for shape, mine, right in pairs if mine == 0 < right]
        if deaf:
            return f"no gradient reaches the parameters of the shapes {', '.join(deaf)}"
        other = [shape for shape, mine, right in pairs if not _near(mine, right)]
        return f"the gradient of the parameter of shape {other[0]} is another one" if other else None

    return judge


def _moves(net: Net) -> Judge:
    """Judges running statistics, mean and variance in turns."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        found, wanted = outcome.value, net.statistics(*given.args, **given.kwargs)
        if found == probes.NO_WEIGHTS:
            return "PyTorch finds no layers in it"
        if len(found) != len(wanted):
            return f"it has {len(found) // 2} batch norms where {len(wanted) // 2} or more were asked for"
        for place, (mine, right) in enumerate(zip(found, wanted, strict=True)):
            norm = f"batch norm {place // 2 + 1}"
            if isinstance(mine, str):
                return f"{norm} keeps no running statistics"
            if mine.shape != right.shape:
                return f"{norm} has {len(mine)} features where {len(right)} were asked for"
            if not _near(mine, right):
                return f"after a batch the running {('mean', 'variance')[place % 2]} of {norm} is another one"
        return None

    return judge


def _looks(net: Net, method: str, judge: Callable[[Net], Judge]) -> tuple[str, Callable[[Any], Any], Judge]:
    """Probe, lift and judge of a group that looks at how a network is built."""
    return f"net_{method}", _asks(method), judge(net)


def _no_weights(given: Case, outcome: Outcome) -> bool:
    return outcome.value == probes.NO_WEIGHTS


def listed(*fails: str) -> Misconception:
    return Misconception(
        "PyTorch does not find the layers",
        "A layer is found when it is an attribute of the network (`self.conv1 = ...`) or lies in an "
        "`nn.Sequential` or "
        "`nn.ModuleList`. In a plain list it is not seen, is not trained, and never moves to a GPU.",
        fails=fails,
        recognise=_no_weights,
    )


def mistaken(
    make: Callable[..., Plan], rows: Sequence[tuple[str, Edit, str, Sequence[str]]]
) -> tuple[Misconception, ...]:
    """Misconceptions from rows of name, edit, hint and the groups that fail."""
    return tuple(Misconception(name, hint, Net(make, edit), tuple(fails)) for name, edit, hint, fails in rows)


# --- LeNet ------------------------------------------------------------------------------------------------


def _lenet(classes: int = 10, filters: tuple[int, int] = (20, 50), hidden: int = 500) -> Plan:
    return (
        *(conv(filters[0], 5, 2), RELU, pool()),
        *(conv(filters[1], 5, 2), RELU, pool(), FLAT),
        *(linear(hidden), RELU, linear(classes)),
    )


def _lenet_widths(rng: np.random.Generator) -> dict[str, Any]:
    first, second = rng.permutation([2, 3, 4])[:2].tolist()
    return {
        "classes": int(rng.integers(5, 10)),
        "filters": (first, second),
        "hidden": int(rng.integers(11, 15)),
    }


ALL = (LEARNS, STAGES, SCORES, GRADIENTS)
RUNS = (STAGES, SCORES, GRADIENTS)
VALUES = (SCORES, GRADIENTS)


def _fixed(**settings: Any) -> Edit:
    """Some arguments are ignored."""
    always = _lenet(**settings)

    def edit(plan: Plan) -> Plan:
        keep = {"filters": (0, 3), "hidden": (7,), "classes": (9,)}
        places = [place for name in settings for place in keep[name]]
        return tuple(always[place] if place in places else step for place, step in enumerate(plan))

    return edit


def _expects(places: int) -> Edit:
    """The first linear layer expects so many numbers for each channel."""
    return lambda plan: vary(7, given=plan[3].out * places)(plan)


def _same_everywhere(kind: Step) -> Edit:
    return lambda plan: tuple(kind if step == RELU else step for step in plan)


Row = tuple[str, Edit, str, Sequence[str]]

A_RELU = (
    "In the table a ReLU follows every layer with weights but the last. Compare it with your `forward`, "
    "step by step."
)
MISMATCH = (
    "The message says how many values arrive (mat1) and how many are expected (mat2). Print `x.shape` in "
    "front "
    "of that line and compare it with the table. Is x flattened, with one row for each picture?"
)
PLAIN = "The loss, `F.cross_entropy`, has the softmax in it. The network returns plain scores."
FROM_CLASSES = "Where does the number of outputs of the last layer come from? It is an argument of the class."
ARGUMENTS = "10, 20, 50 and 500 are what you get when nothing is said. Use the arguments in their place."
CUTTERS = (
    "`.detach()`, `.data`, `.numpy()`, `torch.tensor` and `torch.no_grad()` cut the graph; `forward` needs "
    "none "
    "of them."
)
NO_STEP_LEFT = (
    "Sizes and shapes are right. So it is a step without weights: which, and in which place, says the table."
)
ARRIVES = "the first linear layer gets another number of values than it expects"

LENET = Net(_lenet)
LENET_ROWS: list[Row] = [
    (
        "the convolutions have no padding",
        both(vary(0, padding=0), vary(3, padding=0)),
        "A 5x5 kernel without padding makes 24 of 28. In the table the picture stays as large: what is P "
        "there?",
        ALL,
    ),
    (ARRIVES, put(6, MISFIT), MISMATCH, RUNS),
    (
        "the first linear layer expects pictures of 4x4",
        _expects(16),
        "With P = 2 a convolution does not shrink the picture; only the two poolings do: 28, 14, 7.",
        ALL,
    ),
    (
        "the first linear layer expects pictures of 14x14",
        _expects(196),
        "The picture is pooled twice before it is flattened: 28, 14, and then?",
        ALL,
    ),
    (
        "the first linear layer expects 2450 values, however many filters there are",
        vary(7, given=2450),
        "2450 is 50 times 7 times 7. The 50 is an argument of the class.",
        ALL,
    ),
    (
        "the second pooling is missing",
        put(5),
        "Your first linear layer is four times as large as it should be. Which step halves the picture "
        "again?",
        ALL,
    ),
    ("the ReLU after the first convolution is missing", put(1), A_RELU, VALUES),
    ("the ReLU after the second convolution is missing", put(4), A_RELU, VALUES),
    ("the ReLU between the linear layers is missing", put(8), A_RELU, VALUES),
    ("there is no ReLU at all", both(put(8), both(put(4), put(1))), A_RELU, VALUES),
    (
        "a ReLU stands behind the last layer, too",
        add(RELU),
        "Scores may be negative: a class can be unlikely. In the table nothing follows the last layer.",
        VALUES,
    ),
    ("a softmax stands at the end", add(SOFTMAX), PLAIN, VALUES),
    ("a log-softmax stands at the end", add(LOG_SOFTMAX), PLAIN, VALUES),
    (
        "average pooling instead of max pooling",
        both(vary(2, how="avg"), vary(5, how="avg")),
        "The table of this network says MaxPool.",
        VALUES,
    ),
    (
        "tanh instead of ReLU",
        _same_everywhere(TANH),
        "tanh is in the network of 1998, not in this one.",
        VALUES,
    ),
    (
        "sigmoid instead of ReLU",
        _same_everywhere(SIGMOID),
        "What stands between the layers in the table?",
        VALUES,
    ),
    ("classes is ignored", _fixed(classes=10), FROM_CLASSES, ALL),
    ("filters and hidden are ignored", _fixed(filters=(20, 50), hidden=500), ARGUMENTS, ALL),
    ("filters is ignored", _fixed(filters=(20, 50)), ARGUMENTS, ALL),
    ("hidden is ignored", _fixed(hidden=500), ARGUMENTS, ALL),
    (
        "classes, filters and hidden are ignored",
        _fixed(filters=(20, 50), hidden=500, classes=10),
        ARGUMENTS,
        ALL,
    ),
    (
        "the hidden linear layer is missing",
        both(put(8), put(7)),
        "Two linear layers follow the flattening: to `hidden`, and from there to `classes`.",
        ALL,
    ),
    (
        "the convolutions have no bias",
        both(vary(0, bias=False), vary(3, bias=False)),
        "`bias=False` is for a convolution in front of a batch norm; here there is none.",
        (LEARNS, SCORES, GRADIENTS),
    ),
    (
        "the graph is cut in front of the linear layers",
        put(6, FLAT, CUT),
        f"No gradient reaches the convolutions, so they stay as they were drawn. {CUTTERS}",
        (GRADIENTS,),
    ),
    ("the graph is cut: no weight gets a gradient", add(CUT), CUTTERS, (GRADIENTS,)),
]

LENET_EXERCISE = Exercise(
    name="LeNet",
    notebook=NOTEBOOK,
    asked="a network",
    reference=LENET,
    arguments=("count",),
    parts=ASKED_TWICE,
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 2, _built(_lenet_widths, default=True), *_looks(LENET, "parameters", _learns)),
        Group(STAGES, 2, _built(_lenet_widths), *_looks(LENET, "stages", _passes)),
        Group(SCORES, 3, _asked(_lenet_widths, 2), "net_scores"),
        Group(GRADIENTS, 1, _asked(_lenet_widths, 2, training=True), *_looks(LENET, "gradients", _reaches)),
    ),
    misconceptions=(*mistaken(_lenet, LENET_ROWS), listed(*ALL)),
    advice={
        SCORES: NO_STEP_LEFT,
        GRADIENTS: "This is looked at in training mode, in which a LeNet does what it does in evaluation. Is "
        "there anything in yours that does not, such as dropout, or anything that cuts the graph?",
    },
)


# --- the network of 1998 ----------------------------------------------------------------------------------


def _lenet5(classes: int = 10) -> Plan:
    return (
        *(conv(6, 5, 2), TANH, pool("avg")),
        *(conv(16, 5), TANH, pool("avg"), FLAT),
        *(linear(120), TANH, linear(84), TANH, linear(classes)),
    )


def _classes(rng: np.random.Generator) -> dict[str, Any]:
    return {"classes": int(rng.integers(4, 10))}


def _for_tanh(kind: Step) -> Edit:
    return lambda plan: tuple(kind if step == TANH else step for step in plan)


LENET5 = Net(_lenet5)
THREE = (LEARNS, STAGES, SCORES)
LENET5_ROWS: list[Row] = [
    (
        "max pooling instead of average pooling",
        both(vary(2, how="max"), vary(5, how="max")),
        "In 1998 it was the mean of the four values in a window.",
        (SCORES,),
    ),
    ("ReLU instead of tanh", _for_tanh(RELU), "ReLU came later. What stands in the table?", (SCORES,)),
    (
        "sigmoid instead of tanh",
        _for_tanh(SIGMOID),
        "Both are S-shaped, but tanh goes from -1 to 1. What stands in the table?",
        (SCORES,),
    ),
    (
        "tanh follows the pooling instead of the convolution",
        both(swap(1, 2), swap(4, 5)),
        "With averages the order matters: the mean of tanh is not tanh of the mean. Read the table "
        "downwards.",
        (SCORES,),
    ),
    (
        "both convolutions have padding",
        vary(3, padding=2),
        "Follow the sizes: the second convolution makes 10 of 14. With padding it would stay 14.",
        THREE,
    ),
    (
        "no convolution has padding",
        vary(0, padding=0),
        "The original had pictures of 32x32. Ours have 28x28, and two rows of zeros on each side of them.",
        THREE,
    ),
    (ARRIVES, put(6, MISFIT), MISMATCH, (STAGES, SCORES)),
    (
        "the first linear layer expects pictures of 7x7",
        vary(7, given=16 * 49),
        "28, 14, 10, and then pooled once more. How large is it when it is flattened?",
        THREE,
    ),
    (
        "tanh stands behind the last layer, too",
        add(TANH),
        "Scores are not squeezed: nothing follows the last layer.",
        (SCORES,),
    ),
    ("a softmax stands at the end", add(SOFTMAX), PLAIN, (SCORES,)),
    (
        "there is no tanh between the linear layers",
        both(put(10), put(8)),
        "Linear layers with nothing between them are together one linear layer.",
        (SCORES,),
    ),
    (
        "there is no tanh after the convolutions",
        both(put(4), put(1)),
        "Without something that is not linear between them, the two convolutions are together one "
        "convolution.",
        (SCORES,),
    ),
    (
        "the linear layer to 84 is missing",
        both(put(10), put(9)),
        "Three linear layers follow: to 120, to 84, to the classes.",
        THREE,
    ),
    ("classes is ignored", vary(11, out=10), FROM_CLASSES, THREE),
]

LENET5_EXERCISE = Exercise(
    name="LeNet5",
    notebook=NOTEBOOK,
    asked="a network",
    reference=LENET5,
    arguments=("count",),
    parts=ASKED_TWICE,
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 1, _built(_classes, default=True), *_looks(LENET5, "parameters", _learns)),
        Group(STAGES, 1, _built(_classes), *_looks(LENET5, "stages", _passes)),
        Group(SCORES, 3, _asked(_classes, 2), "net_scores"),
    ),
    misconceptions=(*mistaken(_lenet5, LENET5_ROWS), listed(*THREE)),
    advice={SCORES: NO_STEP_LEFT},
)


# --- a network with batch norm and dropout ----------------------------------------------------------------


def _net(classes: int = 10, width: int = 32) -> Plan:
    return (
        *(conv(width, 3), NORM, RELU),
        *(conv(2 * width, 3), NORM, RELU, pool(), FLAT),
        *(linear(4 * width), NORM, RELU, linear(classes), LOG_SOFTMAX),
    )


def _net_widths(rng: np.random.Generator) -> dict[str, Any]:
    return {"classes": int(rng.integers(4, 10)), "width": int(rng.integers(3, 5))}


def _net_fixed(place: int, **settings: Any) -> Edit:
    always = _net(**settings)
    return lambda plan: put(place, always[place])(plan)


def _a_quarter(given: Case, outcome: Outcome) -> str | None:
    """Judges what dropout does in front of the first linear layer."""
    if outcome.value == probes.NO_WEIGHTS:
        return "PyTorch finds no layers in it"
    share, kept, whole = (outcome.value[name] for name in ("share", "kept", "whole"))
    if whole:
        return "whole channels are dropped, not single numbers"
    if abs(share - 0.25) > 0.04:
        return (
            f"in training {share:.0%} of the numbers are dropped in front of the first linear layer, not 25 %"
        )
    if kept > 0 and abs(kept - 4 / 3) > 0.01:
        return f"what is kept is multiplied by {kept:.2f}, not by 1/0.75"
    return None


def _dropped(share: float) -> Callable[[Case, Outcome], bool]:
    def recognise(given: Case, outcome: Outcome) -> bool:
        return abs(outcome.value["share"] - share) < 0.04 and not outcome.value["whole"]

    return recognise


def _no_dropout(given: Case, outcome: Outcome) -> bool:
    return outcome.value["share"] == 0


def _whole_channels(given: Case, outcome: Outcome) -> bool:
    return outcome.value["whole"] > 0


def _drops_in_evaluation(given: Case, outcome: Outcome) -> bool:
    """The same picture twice, in evaluation mode, and two answers."""
    one, other = outcome.value
    return one.shape == other.shape and not np.allclose(one, other, atol=1e-3)


MODES, DROPS = "training moves the statistics", "training drops a quarter"
FIVE = (LEARNS, STAGES, SCORES, MODES, DROPS)
NET = Net(_net)
NET_ROWS: list[Row] = [
    (
        "the ReLU stands in front of the batch norm",
        both(swap(1, 2), swap(4, 5)),
        "In the table the order is convolution, batch norm, ReLU.",
        (SCORES, MODES),
    ),
    (
        "the ReLU stands in front of the batch norm, everywhere",
        both(both(swap(1, 2), swap(4, 5)), swap(9, 10)),
        "In the table the order is layer, batch norm, ReLU, three times.",
        (SCORES, MODES),
    ),
    (
        "the batch norm between the linear layers is one for pictures",
        put(9, Step("misfit", how=ValueError("expected 4D input (got 2D input)"))),
        "`nn.BatchNorm2d` is for (N, C, H, W). Behind a linear layer x is (N, features): `nn.BatchNorm1d`.",
        (STAGES, SCORES, MODES, DROPS),
    ),
    (
        "the first linear layer expects pictures of 24x24",
        lambda plan: vary(8, given=plan[3].out * 24 * 24)(plan),
        "The pooling comes before the flattening and halves both sides.",
        FIVE,
    ),
    (
        "the first linear layer expects as many channels as the first convolution has",
        lambda plan: vary(8, given=plan[0].out * 12 * 12)(plan),
        "Flattened is what the *second* convolution made, and that has two times `width` channels.",
        FIVE,
    ),
    (
        "there is no batch norm between the linear layers",
        put(9),
        "Three batch norms: one after each convolution, and one after the first linear layer.",
        (LEARNS, SCORES),
    ),
    (
        "the pooling is missing",
        put(6),
        "26, 24, and then pooled to 12: 64 channels of 12x12 are 9216.",
        (LEARNS, STAGES, SCORES),
    ),
    (
        "each convolution is pooled",
        put(2, RELU, pool()),
        "There is one pooling only, after the second convolution.",
        (LEARNS, STAGES, SCORES, MODES),
    ),
    (
        "the convolutions have padding",
        both(vary(0, padding=1), vary(3, padding=1)),
        "26 and 24 stand in the table: a 3x3 kernel without padding takes one pixel from every side.",
        (LEARNS, STAGES, SCORES, MODES),
    ),
    (
        "the first linear layer expects 9216 values, however wide the network is",
        vary(8, given=9216),
        "9216 is 64 times 12 times 12, and 64 is two times `width`.",
        FIVE,
    ),
    (
        "the scores are returned, not their log-softmax",
        put(12),
        "The last line of the table: `F.log_softmax` over the classes.",
        (SCORES,),
    ),
    (
        "a softmax stands at the end instead of a log-softmax",
        put(12, SOFTMAX),
        "The logarithm is missing. `F.log_softmax` does both at once, and safely.",
        (SCORES,),
    ),
    (
        "the log-softmax goes along the batch",
        put(12, replace(LOG_SOFTMAX, how=0)),
        "The probabilities of *one picture* add up to 1. Which axis holds the classes?",
        (SCORES,),
    ),
    (
        "there is no ReLU after the convolutions",
        both(put(5), put(2)),
        "A batch norm is no replacement for a ReLU: in evaluation it is a straight line.",
        (SCORES, MODES),
    ),
    (
        "there is no ReLU between the linear layers",
        put(10),
        "Linear layer, batch norm, and then a ReLU, says the table.",
        (SCORES,),
    ),
    (
        "batch norm uses the batch in evaluation, too",
        lambda plan: tuple(replace(step, how="batch") if step == NORM else step for step in plan),
        "`track_running_stats=False` takes the memory away, so the answer for a picture depends on its "
        "company.",
        (SCORES, MODES),
    ),
    ("classes is ignored", _net_fixed(11), FROM_CLASSES, (LEARNS, STAGES, SCORES)),
]
NOT_CALLED = (
    "It is made in `__init__`, but `forward` never calls it. Follow x through `forward`, line by line."
)
NET_FORGETS = tuple(
    Misconception(f"the {which} batch norm is never used", NOT_CALLED, Net(_net, forget=put(place)), fails)
    for which, place, fails in (
        ("first", 1, (SCORES, MODES)),
        ("second", 4, (SCORES, MODES)),
        ("third", 9, (SCORES,)),
    )
)
NET_RECOGNISED = (
    Misconception(
        "dropout drops in evaluation, too",
        "`F.dropout(x, p)` does not know in which mode the network is: it needs `training=self.training`. "
        "A layer `nn.Dropout(p)`, made in `__init__`, knows.",
        fails=(SCORES,),
        recognise=_drops_in_evaluation,
    ),
    Misconception(
        "nothing is dropped in front of the first linear layer",
        "In training a quarter of the values that enter the first linear layer must be 0. Is there a dropout "
        "layer, is it called in `forward`, and in the place that the table says?",
        fails=(DROPS,),
        recognise=_no_dropout,
    ),
    Misconception(
        "three quarters are dropped",
        "`p` is the probability to drop, not to keep.",
        fails=(DROPS,),
        recognise=_dropped(0.75),
    ),
    Misconception(
        "half of the numbers are dropped",
        "0.5 is what `nn.Dropout()` takes when nothing is said. What does the table say?",
        fails=(DROPS,),
        recognise=_dropped(0.5),
    ),
    Misconception(
        "whole channels are dropped",
        "`nn.Dropout2d` drops channels; the table says `Dropout`, which drops single numbers.",
        fails=(DROPS,),
        recognise=_whole_channels,
    ),
)

NET_EXERCISE = Exercise(
    name="Net",
    notebook=NOTEBOOK,
    asked="a network",
    reference=NET,
    arguments=("count",),
    parts=ASKED_TWICE,
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 1, _built(_net_widths, default=True), *_looks(NET, "parameters", _learns)),
        Group(STAGES, 1, _built(_net_widths), *_looks(NET, "stages", _passes)),
        Group(SCORES, 3, _asked(_net_widths, 2), "net_scores"),
        Group(MODES, 1, _asked(_net_widths, 3, norms=2), *_looks(NET, "statistics", _moves)),
        Group(DROPS, 1, _asked(_net_widths, 2), "net_dropped", None, _a_quarter),
    ),
    misconceptions=(*mistaken(_net, NET_ROWS), *NET_FORGETS, *NET_RECOGNISED, listed(*FIVE)),
    advice={
        SCORES: "These are scores in evaluation mode. Sizes and shapes are right, so it is a step without "
        "weights, or the order: after each layer first its batch norm, then the ReLU."
    },
)


# --- a training loop --------------------------------------------------------------------------------------

Told = Callable[[Tensor, Tensor, Any], Any]  # scores, labels, the mean loss -> what is told of a batch


def _mean_loss(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return loss.item()


def _count(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return int((scores.argmax(1) == labels).sum())


def _in_the_whole_batch(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return int((scores.argmax() == labels).sum())


def _along_the_batch(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return int((scores.argmax(0) == labels).sum())


class State:
    """Weights and running statistics of the probes' small network, which change from batch to batch."""

    def __init__(self, seed: int, classes: int, norm: bool, features: int) -> None:
        self.plan = (FLAT, linear(6), *(NORM,) * norm, RELU, linear(classes))
        self.values: dict[Any, Tensor] = {}
        self._given = by_seed(seed)
        run(self.plan, torch.zeros(2, features), self)

    def __call__(self, *key: Any) -> Tensor:
        if key not in self.values:
            self.values[key] = self._given(*key)
        return self.values[key]

    def scores(self, x: Tensor, *, training: bool) -> Tensor:
        """And the running statistics move, in training."""
        done = run(self.plan, x, self, training=training)
        for key, moved in zip(self._keys(memory=True), done.memory, strict=True):
            self.values[key] = moved
        return done.out

    def _keys(self, *, memory: bool) -> list[Any]:
        return [key for key in self.values if key[0].startswith("norm.running") == memory]

    def learned(self) -> list[Tensor]:
        return [self.values[key] for key in self._keys(memory=False)]

    def moved_by(self, steps: Sequence[Tensor]) -> None:
        for key, step in zip(self._keys(memory=False), steps, strict=True):
            self.values[key] = (self.values[key] - step).detach().requires_grad_()

    def parts(self) -> tuple[Tensor, Tensor]:
        flat = [
            torch.cat([torch.zeros(0), *(value.flatten() for value in values)])
            for values in (self.learned(), [self.values[key] for key in self._keys(memory=True)])
        ]
        return flat[0], flat[1]


def _batches(x: Tensor, y: Tensor, sizes: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    parts = list(sizes) or [len(y)]
    return list(zip(x.split(parts), y.long().split(parts), strict=True))


@dataclass(frozen=True)
class Loop:
    """What a training loop, right or wrong, does; a reference, or what a mistake makes of it.

    keeps: gradients are never emptied. idle: no weight ever moves. dozes: the network stays in its mode.
    squashed: a softmax in front of the loss. summed: the loss is a sum. stays: the batch stays on the CPU.
    moves: the network moves to the batch. loss, right: what is told of a batch. mean_loss, mean_right: how
    an epoch's figure comes from those of its batches, [(of a batch, its size)] -> a number. recorded: an
    evaluation records its forward passes. awake: it is made in training mode. late: gradients are emptied
    behind the step only. bare: nll_loss gets the scores. after: the loss told is the one after the step.
    one_hot: so are the labels, as whole numbers. first_only: an epoch ends with its first batch.
    """

    keeps: bool = False
    idle: bool = False
    dozes: bool = False
    squashed: bool = False
    summed: bool = False
    stays: bool = False
    moves: bool = False
    loss: Told = _mean_loss
    right: Told = _count
    mean_loss: Callable[[list[tuple[Any, int]]], Any] = lambda batches: _per_picture(batches)
    mean_right: Callable[[list[tuple[Any, int]]], Any] = lambda batches: _share(batches)
    recorded: bool = False
    awake: bool = False
    late: bool = False
    bare: bool = False
    after: bool = False
    one_hot: bool = False
    first_only: bool = False

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        if self.one_hot:
            raise RuntimeError("Expected floating point type for target with class probabilities, got Long")
        if self.bare:
            return F.nll_loss(scores, labels)
        scores = scores.softmax(1) if self.squashed else scores
        return F.cross_entropy(scores, labels, reduction="sum" if self.summed else "mean")

    def _trained(
        self,
        x: Tensor,
        y: Tensor,
        *,
        seed: int,
        sizes: Sequence[int] = (),
        classes: int = 3,
        norm: bool = False,
        stale: bool = False,
        asleep: bool = False,
        lr: float = 0.1,
        momentum: float = 0.0,
    ) -> tuple[list[Any], list[Any], Tensor, Tensor]:
        state = State(seed, classes, norm, x[0].numel())
        kept = [torch.ones_like(one) * stale for one in state.learned()]
        speed = [torch.zeros_like(one) for one in kept]
        told: list[tuple[Any, Any]] = []
        for inputs, labels in _batches(x, y, sizes):
            scores = state.scores(inputs, training=not (asleep and self.dozes))
            loss = self._loss(scores, labels)
            found = torch.autograd.grad(loss, state.learned())
            adds = self.keeps or (self.late and not told)
            kept = [one + adds * old for one, old in zip(found, kept, strict=True)]
            speed = [momentum * old + one for one, old in zip(kept, speed, strict=True)]
            state.moved_by([lr * one * (not self.idle) for one in speed])
            loss = self._loss(state.scores(inputs, training=True), labels) if self.after else loss
            told.append((self.loss(scores, labels, loss), self.right(scores, labels, loss)))
        return [loss for loss, _ in told], [right for _, right in told], *state.parts()

    __call__ = _trained

    def _seen(self, x: Tensor, y: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor, Sequence[int]]:
        """What of an epoch's batches is looked at."""
        count = sum(sizes[:1]) if self.first_only else len(y)
        return x[:count], y[:count], sizes[:1] if self.first_only else sizes

    def epoch(self, x: Tensor, y: Tensor, *, sizes: Sequence[int] = (), **settings: Any) -> tuple[Any, ...]:
        x, y, sizes = self._seen(x, y, sizes)
        losses, rights, weights, memory = self._trained(x, y, sizes=sizes, **settings)
        counts = list(sizes) or [len(y)]
        loss = self.mean_loss(list(zip(losses, counts, strict=True)))
        return loss, self.mean_right(list(zip(rights, counts, strict=True))), weights, memory

    def evaluation(
        self,
        x: Tensor,
        y: Tensor,
        *,
        seed: int,
        sizes: Sequence[int] = (),
        classes: int = 3,
        norm: bool = False,
        asleep: bool = True,
    ) -> tuple[Any, ...]:
        x, y, sizes = self._seen(x, y, sizes)
        state = State(seed, classes, norm, x[0].numel())
        losses, rights = [], []
        for inputs, labels in _batches(x, y, sizes):
            training = self.awake or (self.dozes and not asleep)
            scores = state.scores(inputs, training=training)
            loss = self._loss(scores, labels)
            losses.append((self.loss(scores, labels, loss), len(labels)))
            rights.append((self.right(scores, labels, loss), len(labels)))
        told = self.mean_loss(losses), self.mean_right(rights)
        return *told, *state.parts(), "recorded" if self.recorded else "not recorded"

    def elsewhere(self, count: int, **options: Any) -> str:
        if self.stays or self.one_hot:
            raise RuntimeError("on another device, or labels that are no class numbers")
        return "the network was moved" if self.moves else "computed where the network is"


def _per_picture(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one * count for one, count in batches) / sum(count for _, count in batches)


def _share(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one for one, _ in batches) / sum(count for _, count in batches)


def _mean_of_means(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one for one, _ in batches) / len(batches)


def _mean_of_shares(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one / count for one, count in batches) / len(batches)


def _sum_of_means(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one for one, _ in batches)


def _last(batches: list[tuple[float, int]]) -> float:
    return batches[-1][0]


def _means_over_pictures(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one for one, _ in batches) / sum(count for _, count in batches)


def _percent(batches: list[tuple[float, int]]) -> float:
    return 100 * _share(batches)


# --- cases of training loops --------------------------------------------------------------------------------


def _batch(rng: np.random.Generator, count: int, telling: Telling, **options: Any) -> Case:
    """A case in which numbers that are counted in another way are other numbers."""
    while True:
        x = rng.normal(size=(count, 1, 2, 2)).round(2)
        given = case(x, rng.integers(0, 3, count), seed=_seed(rng), **options)
        if telling(given):
            return given


def _differ(method: str, *others: Loop) -> Telling:
    """Is the second value, what is right, another one with each of these, which count otherwise?"""
    raw = Loop(right=lambda scores, labels, loss: (scores, labels), mean_right=lambda batches: batches)

    def telling(given: Case) -> bool:
        x, y = map(torch.from_numpy, given.args)
        seen = getattr(raw, method)(x, y, **given.kwargs)[1]
        if method == "__call__":
            right, *wrong = ([one.right(a, b, None) for a, b in seen] for one in (Loop(), *others))
        else:
            right, *wrong = (
                one.mean_right([(one.right(a, b, None), size) for (a, b), size in seen])
                for one in (Loop(), *others)
            )
        return right not in wrong

    return telling


def _on_the_way(**options: Any) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for _ in range(2):
            yield case(3, seed=_seed(rng), **options)

    return make


def loops(rows: Sequence[tuple[str, Loop, str, Sequence[str]]]) -> tuple[Misconception, ...]:
    return tuple(Misconception(name, hint, loop, tuple(fails)) for name, loop, hint, fails in rows)


def _graph_kept(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return probes.GRAPH_KEPT


def _times_size(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    return loss.item() * len(labels)


def _part_right(scores: Tensor, labels: Tensor, loss: Any) -> Any:
    part = _count(scores, labels, loss) / len(labels)
    return int(part) if part.is_integer() else part


ALONG, PART = Loop(right=_along_the_batch), Loop(right=_part_right)
ONE_ANSWER = Loop(right=_in_the_whole_batch)
ELSEWHERE = "wherever the network is"
RIGHT_AXIS = (
    "Scores are (N, classes): one row for each picture. Along which axis lie the scores that compete with "
    "each "
    "other?"
)
NO_SOFTMAX = "`F.cross_entropy` takes the scores as they are, and has the softmax in it."
ZEROED = (
    "`backward()` *adds* to the gradients that are there. The optimizer has a method that empties them: in "
    "every "
    "step, in front of `backward()`."
)
IDLE = (
    "The optimizer has a method that moves the weights along the gradients. Is it called, behind "
    "`backward()`, and "
    "are the gradients still there then?"
)
TO_TRAIN = (
    "The network may come from an evaluation, and batch norm and dropout then behave as there. `net.train()` "
    "switches the mode."
)
TO_DEVICE = (
    "Ask the network itself where it is, `next(net.parameters()).device`, and bring pictures *and* labels "
    "there. "
    "A global variable such as `device` may say something else."
)
NET_STAYS = "The network belongs to the caller. Bring the batch to the network, not the network to the batch."
STAY_MOVE = (
    ("pictures or labels stay on the CPU", Loop(stays=True), TO_DEVICE, (ELSEWHERE,)),
    ("the network is moved to the batch", Loop(moves=True), NET_STAYS, (ELSEWHERE,)),
)


# --- one batch --------------------------------------------------------------------------------------------

ONE, STEPS, AWAKE = "one batch", "batch after batch", "in training mode"


def _one(rng: np.random.Generator) -> Iterator[Case]:
    for _ in range(2):
        yield _batch(rng, 3, _differ("__call__", ALONG, PART, ONE_ANSWER))


def _steps(rng: np.random.Generator) -> Iterator[Case]:
    for momentum in (0.0, 0.9):
        options = {"sizes": (3, 3, 3), "stale": True, "momentum": momentum}
        yield _batch(rng, 9, _differ("__call__", ALONG, PART, ONE_ANSWER), **options)


def _awake(rng: np.random.Generator) -> Iterator[Case]:
    for _ in range(2):
        yield _batch(rng, 3, _differ("__call__", ALONG, PART, ONE_ANSWER), norm=True, asleep=True)


BATCHWISE = (ONE, STEPS, AWAKE)
TRAIN_BATCH = Exercise(
    name="train_batch",
    notebook=NOTEBOOK,
    asked="loss and number of right answers",
    reference=Loop(),
    arguments=("x", "y"),
    parts=("loss", "right answers", "weights", "running statistics"),
    tolerance=FLOAT32,
    probe="torch_steps",
    groups=(
        Group(ONE, 2, _one),
        Group(STEPS, 2, _steps),
        Group(AWAKE, 1, _awake),
        Group(ELSEWHERE, 2, _on_the_way(), "torch_elsewhere", _asks("elsewhere")),
    ),
    misconceptions=loops(
        [
            ("gradients of earlier batches are still there", Loop(keeps=True), ZEROED, (STEPS,)),
            ("the weights never move", Loop(idle=True), IDLE, BATCHWISE),
            ("the network is not put into training mode", Loop(dozes=True), TO_TRAIN, (AWAKE,)),
            ("softmax before the cross-entropy", Loop(squashed=True), NO_SOFTMAX, BATCHWISE),
            (
                "the loss is a sum over the batch",
                Loop(summed=True),
                "A mean does not depend on the size of the batch, and neither does the step then. It is what "
                "`F.cross_entropy` gives when nothing is said.",
                BATCHWISE,
            ),
            (
                "the loss is returned with its graph",
                Loop(loss=_graph_kept),
                "A loss that is kept keeps everything that was computed on the way to it: memory fills up. "
                "`.item()` makes a Python number of it.",
                BATCHWISE,
            ),
            (
                "the returned loss is multiplied by the size of the batch",
                Loop(loss=_times_size),
                "That is for whoever adds up the batches of an epoch. Here the mean over the batch is asked "
                "for.",
                BATCHWISE,
            ),
            (
                "a share is returned instead of a number of right answers",
                PART,
                "How many of the pictures are right? Not which part of them.",
                BATCHWISE,
            ),
            ("the largest score is looked for along the batch", ALONG, RIGHT_AXIS, BATCHWISE),
            (
                "one largest score is looked for in the whole batch",
                ONE_ANSWER,
                "`argmax` without an axis gives one number for all pictures. Each has its own answer.",
                BATCHWISE,
            ),
            (
                "gradients are emptied behind the step only",
                Loop(late=True),
                "What somebody else left in the gradients is in your first step then. Empty them in front of "
                "`backward()`.",
                (STEPS,),
            ),
            (
                "`nll_loss` gets the scores",
                Loop(bare=True),
                "`F.nll_loss` is made for log-probabilities. For scores there is `F.cross_entropy`.",
                BATCHWISE,
            ),
            (
                "the loss is the one after the step",
                Loop(after=True),
                "Asked for is the loss from which the gradients came: before anything moved.",
                BATCHWISE,
            ),
            (
                "the labels are made one-hot, of whole numbers",
                Loop(one_hot=True),
                "`F.cross_entropy` takes the labels as they are: (N,), whole numbers. (One-hot labels are "
                "probabilities for it, and these must be floating-point numbers.)",
                (*BATCHWISE, ELSEWHERE),
            ),
            *STAY_MOVE,
        ]
    ),
)


# --- an epoch ---------------------------------------------------------------------------------------------

EVEN, UNEVEN, TRAINS = "batches of one size", "a smaller last batch", "it trains, batch after batch"
SHARES = Loop(mean_right=_mean_of_shares)
OTHER_SHARES = (
    SHARES,
    Loop(mean_right=_mean_of_means),
    Loop(mean_right=_sum_of_means),
    Loop(mean_right=_percent),
)


def _even(method: str, **options: Any) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        telling = _differ(method, ALONG, *OTHER_SHARES[1:])
        for sizes in ((3, 3), (3, 3, 3)):
            yield _batch(rng, sum(sizes), telling, sizes=sizes, **options)

    return make


def _uneven(method: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for _ in range(2):
            yield _batch(rng, 7, _differ(method, ALONG, *OTHER_SHARES), sizes=(3, 3, 1))

    return make


def _weighed_twice(batches: list[tuple[float, int]]) -> float:
    return math.fsum(one * count for one, count in batches) / len(batches)


BY_PICTURE = (
    "The last batch may be smaller, and then its pictures count for more than others. Add up over *pictures* "
    "(the mean of a batch times its size), and divide by the number of pictures at the end."
)
A_SHARE = "From 0 to 1: right answers, divided by all pictures."
PER_PICTURE = "Divided by what? The loss asked for is that of one picture, on average over all of them."
EPOCH = (EVEN, UNEVEN, TRAINS)


def _epochwise(every: Sequence[str], uneven: str) -> list[tuple[str, Loop, str, Sequence[str]]]:
    """Mistakes in adding up the batches."""
    return [
        ("the loss is the mean of the batches' means", Loop(mean_loss=_mean_of_means), BY_PICTURE, (uneven,)),
        ("the accuracy is the mean of the batches' accuracies", SHARES, BY_PICTURE, (uneven,)),
        (
            "the losses of the batches are added up, not averaged",
            Loop(mean_loss=_sum_of_means),
            PER_PICTURE,
            every,
        ),
        (
            "the loss is divided by the number of batches instead of pictures",
            Loop(mean_loss=_weighed_twice),
            PER_PICTURE,
            every,
        ),
        ("the loss is that of the last batch", Loop(mean_loss=_last), PER_PICTURE, every),
        (
            "the batches' mean losses are divided by the number of pictures",
            Loop(mean_loss=_means_over_pictures),
            "Each of them has been divided by the size of its batch already. What undoes that?",
            every,
        ),
        (
            "only the first batch is looked at",
            Loop(first_only=True),
            "Does the `return` stand inside the loop? It ends the function there.",
            every,
        ),
        (
            "right answers are divided by the number of batches",
            Loop(mean_right=_mean_of_means),
            A_SHARE,
            every,
        ),
        ("a number of right answers instead of their share", Loop(mean_right=_sum_of_means), A_SHARE, every),
        ("the accuracy is in percent", Loop(mean_right=_percent), A_SHARE, every),
    ]


TRAIN_EPOCH = Exercise(
    name="train_epoch",
    notebook=NOTEBOOK,
    asked="loss and accuracy",
    reference=Loop(),
    arguments=("x", "y"),
    parts=("loss", "accuracy", "weights", "running statistics"),
    tolerance=FLOAT32,
    probe="torch_epoch",
    groups=(
        Group(EVEN, 1, _even("epoch"), lift=_asks("epoch")),
        Group(UNEVEN, 2, _uneven("epoch"), lift=_asks("epoch")),
        Group(TRAINS, 1, _even("epoch", norm=True, asleep=True, stale=True), lift=_asks("epoch")),
    ),
    misconceptions=loops(
        [
            *_epochwise(EPOCH, UNEVEN),
            ("the weights never move", Loop(idle=True), IDLE, EPOCH),
            ("the network is not put into training mode", Loop(dozes=True), TO_TRAIN, (TRAINS,)),
            ("gradients of earlier batches are still there", Loop(keeps=True), ZEROED, EPOCH),
        ]
    ),
)


# --- evaluation -------------------------------------------------------------------------------------------

QUIET, GRAPHLESS = "in evaluation mode", "without a graph"


def _asks_all_but(*unasked: int) -> Callable[[Any], Any]:
    """What an evaluation gives, some parts of it left open."""

    def lift(loop: Loop) -> Predict:
        def asked(*args: Any, **options: Any) -> tuple[Any, ...]:
            parts = loop.evaluation(*args, **options)
            return tuple(ANYTHING if place in unasked else part for place, part in enumerate(parts))

        return asked

    return lift


def _quiet(rng: np.random.Generator) -> Iterator[Case]:
    for asleep in (False, True):
        telling = _differ("evaluation", ALONG, *OTHER_SHARES[1:])
        yield _batch(rng, 6, telling, sizes=(3, 3), norm=True, asleep=asleep)


VALUES_ONLY, GRAPH_ONLY = _asks_all_but(4), _asks_all_but(0, 1, 2, 3)
EVALUATED = (EVEN, UNEVEN, QUIET)
EVALUATE = Exercise(
    name="evaluate",
    notebook=NOTEBOOK,
    asked="loss and accuracy",
    reference=Loop(),
    arguments=("x", "y"),
    parts=("loss", "accuracy", "weights", "running statistics", "graph"),
    tolerance=FLOAT32,
    probe="torch_evaluation",
    groups=(
        Group(EVEN, 1, _even("evaluation"), lift=VALUES_ONLY),
        Group(UNEVEN, 2, _uneven("evaluation"), lift=VALUES_ONLY),
        Group(QUIET, 2, _quiet, lift=VALUES_ONLY),
        Group(GRAPHLESS, 1, _even("evaluation"), lift=GRAPH_ONLY),
        Group(ELSEWHERE, 1, _on_the_way(batched=True, trains=False), "torch_elsewhere", _asks("elsewhere")),
    ),
    misconceptions=loops(
        [
            *_epochwise(EVALUATED, UNEVEN),
            (
                "the network is not put into evaluation mode",
                Loop(dozes=True),
                "It comes from training, so batch norm takes means of *this* batch and dropout drops. One "
                "line in "
                "front of the loop switches the mode.",
                (QUIET,),
            ),
            (
                "the network is put into training mode",
                Loop(awake=True),
                "Nothing is learned here. Which is the other mode, and how is it switched on?",
                (QUIET,),
            ),
            (
                "every forward pass is recorded",
                Loop(recorded=True),
                "Nobody goes backward here: without `torch.no_grad()` around the loop PyTorch keeps all "
                "intermediate results for nothing.",
                (GRAPHLESS,),
            ),
            ("the largest score is looked for along the batch", ALONG, RIGHT_AXIS, EVALUATED),
            ("softmax before the cross-entropy", Loop(squashed=True), NO_SOFTMAX, EVALUATED),
            *STAY_MOVE,
        ]
    ),
)


# --- a network and its optimizer on a device --------------------------------------------------------------

THERE, SETTINGS = "network and optimizer on the device", "learning rate and momentum"


def _prepared(*, device: str, lr: float, momentum: float = 0.9, seed: int = 0) -> tuple[Any, ...]:
    return device, 4, 0, lr, momentum, "the same", "none"


def _instead(place: int, value: Any) -> Predict:
    """Another value in this place."""

    def function(**options: Any) -> tuple[Any, ...]:
        right = _prepared(**options)
        return (*right[:place], value, *right[place + 1 :])

    return function


def _before_the_move(*, device: str, **options: Any) -> tuple[Any, ...]:
    _, own, others, *rest = _prepared(device=device, **options)
    return (device, others, own, *rest) if device != "cpu" else (device, own, others, *rest)


def _more_settings(given: Case, outcome: Outcome) -> bool:
    return outcome.value[6] != _prepared(**given.kwargs)[6]


def _off(rng: np.random.Generator) -> Iterator[Case]:
    for lr in rng.choice([0.5, 0.2, 0.03], 2, replace=False).tolist():
        yield case(device=probes.ELSEWHERE, lr=lr, seed=_seed(rng))


def _set(rng: np.random.Generator) -> Iterator[Case]:
    yield case(device="cpu", lr=float(rng.choice([0.25, 0.04])), seed=_seed(rng))
    yield case(device="cpu", lr=0.3, momentum=float(rng.choice([0.5, 0.8])), seed=_seed(rng))


PREPARE = Exercise(
    name="prepare",
    notebook=NOTEBOOK,
    asked="net and optimizer",
    reference=_prepared,
    arguments=("device",),
    parts=(
        *("device", "parameters of the network", "other parameters", "lr", "momentum"),
        *("network", "other settings"),
    ),
    probe="torch_ready",
    groups=(Group(THERE, 2, _off), Group(SETTINGS, 1, _set)),
    misconceptions=(
        Misconception(
            "the optimizer is made before the network moves",
            "It holds the parameters that the network had then. On some devices moving makes new ones, "
            "which nobody "
            "trains. First move, then make the optimizer.",
            _before_the_move,
            (THERE,),
        ),
        Misconception(
            "the network stays where it is",
            "`net.to(device)` moves it. Is it called, and with this `device`?",
            _instead(0, "cpu"),
            (THERE,),
        ),
        Misconception(
            "the network is a copy",
            "The caller goes on using the network that was handed in, and that one would never learn.",
            _instead(5, "another one"),
            (THERE, SETTINGS),
        ),
        Misconception(
            "the optimizer has more settings than were asked for",
            "Asked for are lr and momentum. Everything else stays as `torch.optim.SGD` has it.",
            recognise=_more_settings,
            fails=(THERE, SETTINGS),
        ),
        Misconception(
            "momentum is not handed on",
            "Without it `torch.optim.SGD` has no momentum. It is an argument of `prepare`.",
            _instead(4, 0.0),
            (THERE, SETTINGS),
        ),
        Misconception(
            "momentum is 0.9 whatever is asked for",
            "0.9 is what one gets when nothing is said.",
            _instead(4, 0.9),
            (SETTINGS,),
        ),
        Misconception(
            "lr is not handed on",
            "`torch.optim.SGD` then takes a learning rate of its own, 0.001.",
            _instead(3, 1e-3),
            (THERE, SETTINGS),
        ),
        Misconception(
            "it is another optimizer than SGD with momentum",
            "`torch.optim.SGD` is asked for: it has lr and momentum.",
            _instead(4, -1.0),
            (THERE, SETTINGS),
        ),
    ),
)


# --- weights that move ------------------------------------------------------------------------------------

ARRIVED, STAY_OWN, REFUSED = (
    "every number arrives",
    "precision and memory stay its own",
    "another shape is refused",
)


def _copied(
    shapes: Sequence[Shape],
    *,
    seed: int,
    other: Shape | None = None,
    double: bool = True,
    unchecked: str = "",
    value: Callable[[Tensor], Tensor] = lambda array: array,
    kind: str = "",
    own: str = "their own",
    trains: str = "trains",
) -> tuple[Any, ...]:
    """unchecked: what becomes of an array of another shape instead of an error."""
    arrays = [torch.from_numpy(array) for array in probes.arrays_of(_given(shapes, other), seed=seed)]
    wanted = [tuple(shape) for shape in shapes]
    if [tuple(array.shape) for array in arrays] != wanted:
        if not unchecked:
            raise ValueError("shapes differ")
        fit = {
            "stretched": lambda a, shape: a.expand(shape),
            "cut anew": lambda a, shape: a.reshape(shape),
            "left out": lambda a, shape: a if tuple(a.shape) == shape else torch.zeros(shape),
        }
        arrays = [fit[unchecked](array, shape) for array, shape in zip(arrays, wanted, strict=True)]
    kind = kind or ("float64" if double else "float32")
    return [*map(value, arrays)], kind, own, trains


def _given(shapes: Sequence[Shape], other: Shape | None) -> list[Shape]:
    return [*shapes[:-2], other, shapes[-1]] if other else list(shapes)


def _cut_anew(shapes: Sequence[Shape], **options: Any) -> tuple[Any, ...]:
    try:
        return _copied(shapes, **options, unchecked="cut anew")
    except RuntimeError as error:  # NumPy calls it a ValueError
        raise ValueError(str(error)) from error


def _only_values(function: Predict) -> Predict:
    return lambda *args, **options: (function(*args, **options)[0], *[ANYTHING] * 3)


def _only_kinds(function: Predict) -> Predict:
    return lambda *args, **options: (ANYTHING, *function(*args, **options)[1:])


def _shapes(rng: np.random.Generator, out: int, given: int) -> list[Shape]:
    channels = int(rng.integers(2, 4))
    return [(channels, 1, 2, 2), (channels,), (out, given), (out,)]


def _square(rng: np.random.Generator) -> Iterator[Case]:
    for side in (3, 5):
        yield case(_shapes(rng, side, side), seed=_seed(rng))


def _kinds(rng: np.random.Generator) -> Iterator[Case]:
    for double in (True, False):
        yield case(_shapes(rng, 4, 4), seed=_seed(rng), double=double)


def _misshaped(rng: np.random.Generator) -> Iterator[Case]:
    for other in ((4, 3), (1, 4)):
        yield case(_shapes(rng, 3, 4), seed=_seed(rng), other=other)


def _shared_in_float64(shapes: Sequence[Shape], *, double: bool = True, **options: Any) -> tuple[Any, ...]:
    """In another precision the array had to be copied."""
    return _copied(shapes, double=double, **options, own="shared" if double else "their own")


def _but(**answers: Any) -> Predict:
    return lambda shapes, **options: _copied(shapes, **{**options, **answers})


SHARED = (
    "`torch.from_numpy` makes no copy: when the network trains, the arrays change with it. `copy_` writes "
    "the numbers into the parameter."
)
COPY_WEIGHTS = Exercise(
    name="copy_weights",
    notebook=NOTEBOOK,
    asked="weights in their places",
    reference=_copied,
    arguments=("shapes",),
    parts=("weights", "precision", "memory", "training"),
    tolerance=FLOAT32,
    probe="weights_copied",
    groups=(
        Group(ARRIVED, 2, _square, lift=_only_values),
        Group(STAY_OWN, 1, _kinds, lift=_only_kinds),
        Group(REFUSED, 1, _misshaped, lift=_only_values),
    ),
    misconceptions=(
        Misconception(
            "the weights of linear layers are transposed",
            "In PyTorch, and in our `linear_forward`, a linear layer's weight is (out, in) already. Courses "
            "in which "
            "`x @ w` is the layer have (in, out).",
            _but(value=lambda array: array.T if array.ndim == 2 else array),
            (ARRIVED,),
        ),
        Misconception(
            "nothing arrives",
            "`parameter = ...` in a loop gives another tensor that name; the network still has the old one. "
            "Write "
            "*into* the parameter: `parameter.copy_(...)`.",
            _but(value=torch.zeros_like, own="empty"),
            (ARRIVED, STAY_OWN),
        ),
        Misconception(
            "the biases are left out",
            "A network's parameters are weights and biases, in turns.",
            _but(value=lambda array: array if array.ndim > 1 else 0 * array),
            (ARRIVED,),
        ),
        Misconception(
            "an array of another shape is cut anew",
            "`reshape` makes any array fit that has as many numbers, with the numbers in wrong places. What "
            "has another "
            "shape is a mistake that should be told: ValueError.",
            _cut_anew,
            (REFUSED,),
        ),
        Misconception(
            "an array of another shape is stretched, or stops PyTorch",
            "`copy_` repeats a row that fits (broadcasting), and raises a RuntimeError otherwise. Compare "
            "the shapes "
            "first, and raise a ValueError that names both.",
            _but(unchecked="stretched"),
            (REFUSED,),
        ),
        Misconception(
            "an array of another shape is left out",
            "Silence hides the mistake: nobody knows that a layer kept its old weights. Raise a ValueError.",
            _but(unchecked="left out"),
            (REFUSED,),
        ),
        Misconception(
            "network and arrays share their memory in float64",
            SHARED,
            _shared_in_float64,
            (STAY_OWN,),
        ),
        Misconception(
            "the network becomes float64",
            "`.data = ...` replaces the tensor by another one, with the array's precision and on the CPU. "
            "`copy_` keeps the network's.",
            _but(kind="float64"),
            (STAY_OWN,),
        ),
        Misconception(
            "network and arrays share their memory",
            SHARED,
            _but(kind="float64", own="shared"),
            (STAY_OWN,),
        ),
        Misconception(
            "the network cannot be trained any more",
            "`requires_grad` was switched off. `with torch.no_grad():` around the copying is enough.",
            _but(trains="frozen"),
            (STAY_OWN,),
        ),
    ),
)


def _layers_of(shapes: Sequence[Shape]) -> Plan:
    first, _, second, _, hidden, _, last, _ = shapes
    return _lenet(last[0], (first[0], second[0]), hidden[0])


def _with_arrays(edit: Edit = lambda plan: plan) -> Predict:
    def function(count: int, shapes: Sequence[Shape], *, size: Shape, seed: int) -> Tensor:
        arrays = [torch.from_numpy(array) for array in probes.arrays_of(shapes, seed=seed)]
        return run(edit(_layers_of(shapes)), probes.images(count, size, seed=seed), in_order(arrays)).out

    return function


def _arrays(rng: np.random.Generator, size: Shape) -> list[Shape]:
    first, second, hidden, classes = (int(rng.integers(low, low + 2)) for low in (2, 4, 7, 9))
    inputs = second * (size[1] // 4) * (size[2] // 4)
    shapes = [(first, size[0], 5, 5), (second, first, 5, 5), (hidden, inputs), (classes, hidden)]
    return [shape for weight in shapes for shape in (weight, weight[:1])]


def _nets(*sizes: Shape) -> Callable[[np.random.Generator], Iterator[Case]]:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count, size in enumerate(sizes, 1):
            yield case(count, _arrays(rng, size), size=size, seed=_seed(rng))

    return make


SQUARE, OTHERWISE = "square pictures", "higher than wide, more channels"
BOTH = (SQUARE, OTHERWISE)
NUMPY_ROWS: list[Row] = [
    ("the ReLU after the first convolution is missing", put(1), A_RELU, BOTH),
    ("the ReLU after the second convolution is missing", put(4), A_RELU, BOTH),
    ("the ReLU between the linear layers is missing", put(8), A_RELU, BOTH),
    (
        "a ReLU stands behind the last layer, too",
        add(RELU),
        "Scores may be negative: in the table nothing follows the last layer.",
        BOTH,
    ),
    (
        "a softmax stands at the end",
        add(SOFTMAX),
        "Scores are asked for, as the PyTorch network gives them.",
        BOTH,
    ),
    (
        "average pooling instead of max pooling",
        both(vary(2, how="avg"), vary(5, how="avg")),
        "The table of this network says MaxPool.",
        BOTH,
    ),
    (
        "the values are flattened with the channels last",
        vary(6, how="channels last"),
        "The first linear layer knows its inputs by their place. PyTorch flattens (C, H, W) as it lies in "
        "memory, "
        "channel after channel.",
        BOTH,
    ),
    (
        "the biases of the linear layers are left out",
        both(vary(7, bias=False), vary(9, bias=False)),
        "After `x` and `w` a linear layer takes `b`.",
        BOTH,
    ),
    (
        "a layer's cache is handed on with its result",
        put(2, Step("misfit", how=TypeError("a tuple is no array"))),
        "Each forward returns two things: what comes out, and a cache. Only the first one goes on.",
        BOTH,
    ),
    (
        "pictures are always cut to 2450 values",
        put(6, Step("misfit", how=ValueError("cannot reshape array"))),
        "2450 is for 28x28 pictures and 50 filters. The number of *pictures* is what stays: everything else "
        "goes into one axis.",
        BOTH,
    ),
    (
        ARRIVES,
        put(6, MISFIT),
        "The message says how many values arrive and how many the weight expects. Is the padding 2, is "
        "pooled twice, is "
        "x flattened to one row for each picture?",
        BOTH,
    ),
]
NUMPY_SCORES = Exercise(
    name="numpy_scores",
    notebook=NOTEBOOK,
    asked="scores",
    reference=_with_arrays(),
    arguments=("count", "shapes"),
    probe="with_arrays",
    groups=(
        Group(SQUARE, 2, _nets((1, 8, 8), (1, 12, 12))),
        Group(OTHERWISE, 2, _nets((3, 12, 8), (2, 16, 8))),
    ),
    misconceptions=tuple(
        Misconception(name, hint, _with_arrays(edit), tuple(fails)) for name, edit, hint, fails in NUMPY_ROWS
    ),
)

EXERCISES = (
    LENET_EXERCISE,
    LENET5_EXERCISE,
    NET_EXERCISE,
    PREPARE,
    TRAIN_BATCH,
    TRAIN_EPOCH,
    EVALUATE,
    COPY_WEIGHTS,
    NUMPY_SCORES,
)
