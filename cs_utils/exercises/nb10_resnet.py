"""Exercises of notebook 10: a residual block, networks of them, weight decay, mirrored pictures.

A network is a function that runs on weights which it looks up by role and shape (`torch_probes.numbers`); no
module stands anywhere. How it is built is a `Block` and a `Tower` of settings, so that a known mistake is
another setting.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, Tolerance, case
from cs_utils.checking import torch_probes as probes
from cs_utils.checking.residual_probes import OTHER_AGAIN, in_words

NOTEBOOK = "10_resnet"
FLOAT32 = Tolerance(rtol=1e-4, atol=5e-5)  # networks compute in float32, the references in float64
Shape = tuple[int, ...]
Judge = Callable[[Case, Outcome], "str | None"]
Making = Callable[[np.random.Generator], Iterator[Case]]


# --- running on known weights -----------------------------------------------------------------------------


@dataclass
class Run:
    """One pass over known weights, and what it met on the way.

    seed: of the weights; None to follow shapes only. lenient: what does not fit together is left out.
    unreached: how many of the first parameters get no gradient.
    """

    seed: int | None
    training: bool = False
    lenient: bool = False
    stages: list[str] = field(default_factory=list)
    learned: list[Tensor] = field(default_factory=list)
    memory: list[Tensor] = field(default_factory=list)
    unreached: int = 0
    seen: Counter[Any] = field(default_factory=Counter)

    def weight(self, role: str, *shape: int, after: Shape = (), silent: bool = False) -> Tensor:
        """The next weight of this role and shape; silent: a bias in front of a norm, which is 0."""
        which = self.seen[role, shape, after]
        self.seen[role, shape, after] += not silent
        if self.seed is None:
            found = torch.zeros(()).expand(shape)
        else:
            found = torch.from_numpy(probes.numbers(self.seed, role, shape, which, after) * (not silent))
        if not role.startswith("norm.running"):
            self.learned.append(found if self.seed is None else found.requires_grad_())
        return found

    def layer(self, x: Tensor, out: int, size: int, *, stride: int, padding: int, bias: bool) -> Tensor:
        """A convolution in front of a norm."""
        w = self.weight("weight", out, x.shape[1], size, size)
        b = self.weight("bias", out, silent=True) if bias else None
        if self.seed is not None:
            return self.noted(w, x, F.conv2d(x, w, b, stride, padding))
        sides = [(side + 2 * padding - size) // stride + 1 for side in x.shape[2:]]
        if min(sides) < 1:
            raise RuntimeError("Kernel size can't be greater than actual input size")
        return self.noted(w, x, torch.zeros(()).expand(len(x), out, *sides))

    def scores(self, x: Tensor, out: int, expected: int, *, bias: bool = True) -> Tensor:
        """The linear layer at the end."""
        w = self.weight("weight", out, expected)
        b = self.weight("bias", out) if bias else None
        if x.shape[1] != expected:
            if self.lenient:
                return x
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        known = self.seed is not None
        return self.noted(w, x, F.linear(x, w, b) if known else torch.zeros(()).expand(len(x), out))

    def noted(self, w: Tensor, given: Tensor, out: Tensor) -> Tensor:
        self.stages.append(probes.stage(w.ndim, given.shape[1:], out.shape[1:]))
        return out

    def norm(self, channels: int, after: Shape) -> Callable[[Tensor], Tensor]:
        """A batch norm; `after` is the shape of the weight in front of it."""
        gamma, beta, mean, var = (
            self.weight(f"norm.{name}", channels, after=after)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        if self.seed is None:
            return lambda x: x
        mean, var = mean.detach().clone(), var.detach().clone()
        self.memory += [mean, var]
        return lambda x: F.batch_norm(x, mean, var, gamma, beta, self.training)

    def add(self, one: Tensor, other: Tensor) -> Tensor:
        return one if self.lenient and one.shape != other.shape else one + other


# --- a block ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """How a residual block is built. The values here are those of the text; others are mistakes.

    relu: where the last one stands: after the addition, before it, or nowhere. strides: of the two
    convolutions, True for the block's. projects: when there is a convolution on the skip. projection: its
    kernel size.
    plain: what skip=False does.
    """

    inner_relu: bool = True
    inner_norm: bool = True
    relu: str = "after"
    norm: str = "each"
    strides: tuple[bool, bool] = (True, False)
    paddings: tuple[int, int] = (1, 1)
    bias: bool = False
    projects: str = "needed"
    projection: int = 1
    projection_stride: bool = True
    projection_norm: bool = True
    projection_relu: bool = False
    join: str = "add"
    detached: bool = False
    plain: str = "no skip"

    def __call__(self, run: Run, x: Tensor, out: int, *, stride: int = 1, skip: bool = True) -> Tensor:
        strides = [stride if own else 1 for own in self.strides]
        channels, first, last = x.shape[1], (out, x.shape[1], 3, 3), (out, out, 3, 3)
        y = run.layer(x, out, 3, stride=strides[0], padding=self.paddings[0], bias=self.bias)
        inner = run.norm(out, last if self.norm == "shared" else first) if self.inner_norm else None
        y = inner(y) if inner else y
        y = F.relu(y) if self.inner_relu else y
        y = run.layer(y, out, 3, stride=strides[1], padding=self.paddings[1], bias=self.bias)
        if self.norm == "shared" and inner:
            y = inner(y)
        elif self.norm == "each":
            y = run.norm(out, last)(y)
        skip = skip or self.plain == "ignored"
        y = F.relu(y) if self.relu == "before" else y
        if skip:
            y = self._joined(run, y, self._skip(run, x, out, stride))
        elif self.plain == "projection is made" and self._needed(channels, out, stride):
            spare = Run(None)
            self._skip(spare, x, out, stride)
            run.learned += spare.learned
        return F.relu(y) if self.relu == "after" else y

    def _needed(self, channels: int, out: int, stride: int) -> bool:
        return {
            "needed": stride != 1 or channels != out,
            "never": False,
            "zeros": False,
            "always": True,
            "for a stride": stride != 1,
            "for other channels": channels != out,
        }[self.projects]

    def _skip(self, run: Run, x: Tensor, out: int, stride: int) -> Tensor:
        if self.projects == "zeros":
            return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, out - x.shape[1]))
        if not self._needed(x.shape[1], out, stride):
            return x
        size, after = self.projection, (out, x.shape[1], self.projection, self.projection)
        y = run.layer(
            x, out, size, stride=stride if self.projection_stride else 1, padding=size // 2, bias=self.bias
        )
        y = run.norm(out, after)(y) if self.projection_norm else y
        return F.relu(y) if self.projection_relu else y

    def _joined(self, run: Run, y: Tensor, skip: Tensor) -> Tensor:
        skip = skip.detach() if self.detached else skip
        return torch.cat([y, skip], 1) if self.join == "cat" else run.add(y, skip)


# --- a network of blocks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tower:
    """How a network is built of blocks: a stem, stages of blocks, a head.

    stem: kernel size, stride and padding of the first convolution. pool: the same of the max-pooling.
    growth: channels of each stage as multiples of the width. strides: of each stage's first block, or of all
    its blocks. head: what makes one number of each channel. places: of each channel that the linear layer
    expects. end: what is done to the scores. cut: no gradient comes back to the stem.
    """

    block: Block = Block()
    stem: tuple[int, int, int] = (3, 1, 1)
    stem_bias: bool = False
    stem_norm: bool = True
    stem_relu: bool = True
    pool: tuple[int, int, int] | None = None
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    growth: tuple[int, ...] = (1, 2, 4, 8)
    strides: tuple[int, ...] = (1, 2, 2, 2)
    all_stride: bool = False
    head: str = "mean"
    places: int = 1
    end: str = ""
    linear_bias: bool = True
    cut: bool = False

    def __call__(self, run: Run, x: Tensor, *, classes: int, width: int, skip: bool = True) -> Tensor:
        size, stride, padding = self.stem
        x = run.layer(x, width, size, stride=stride, padding=padding, bias=self.stem_bias)
        x = run.norm(width, (width, 3, size, size))(x) if self.stem_norm else x
        x = F.relu(x) if self.stem_relu else x
        x = F.max_pool2d(x, *self.pool) if self.pool else x
        run.unreached = len(run.learned) if self.cut else 0
        for count, times, stride in zip(self.blocks, self.growth, self.strides, strict=True):
            for number in range(count):
                used = stride if number == 0 or self.all_stride else 1
                x = self.block(run, x, times * width, stride=used, skip=skip)
        expected = self.growth[-1] * width * self.places
        heads = {"mean": lambda: x.mean((2, 3)), "max": lambda: x.amax((2, 3)), "flat": lambda: x.flatten(1)}
        x = run.scores(heads[self.head](), classes, expected, bias=self.linear_bias)
        ends = {"softmax": lambda: x.softmax(1), "relu": lambda: x.relu(), "": lambda: x}
        return ends[self.end]()


@dataclass(frozen=True)
class Net:
    """A network to be asked about: a reference, or what a mistake makes of it. Each method answers one probe.

    run: (run, x, options of the class) -> what comes out.
    """

    forward: Callable[..., Tensor]

    def parameters(self, *, size: Shape = (3, 8, 8), **options: Any) -> list[Any]:
        run = self._followed(size, lenient=True, **options)
        shapes = [tuple(one.shape) for one in run.learned]
        return [sum(map(math.prod, shapes)), *sorted("x".join(map(str, shape)) for shape in shapes)]

    def stages(self, *, size: Shape = (3, 8, 8), **options: Any) -> list[str]:
        return self._followed(size, lenient=False, **options).stages

    def _followed(self, size: Shape, *, lenient: bool, **options: Any) -> Run:
        run = Run(None, lenient=lenient)
        self.forward(run, torch.zeros(()).expand(2, *size), **options)
        return run

    def _known(
        self, count: int, seed: int, *, size: Shape, training: bool = False, **options: Any
    ) -> tuple[Run, Tensor]:
        run = Run(seed, training)
        return run, self.forward(run, probes.images(count, size, seed=seed).double(), **options)

    def scores(self, count: int, *, seed: int, **options: Any) -> Tensor:
        return self._known(count, seed, **options)[1]

    __call__ = scores

    def reached(self, count: int, *, seed: int, size: Shape, **options: Any) -> list[Any]:
        run, x = Run(seed), probes.images(count, size, seed=seed).double().requires_grad_()
        out = self.forward(run, x, **options)
        loss = (out * out.detach().cos()).sum()
        *learned, pictures = torch.autograd.grad(loss, [*run.learned, x], allow_unused=True)
        left_out = [
            tuple(one.shape)
            for one, found in zip(run.learned, learned, strict=True)
            if found is None or not bool(found.any())
        ]
        return [in_words("without a gradient", left_out), 0.0 if pictures is None else pictures.norm().item()]

    def unreached(self, count: int, *, seed: int, size: Shape, **options: Any) -> list[str]:
        run = self._followed(size, lenient=False, **options)
        return sorted("x".join(map(str, one.shape)) for one in run.learned[: run.unreached])

    def statistics(self, count: int, *, seed: int, norms: int, **options: Any) -> list[Tensor]:
        return self._known(count, seed, training=True, **options)[0].memory[: 2 * norms]


def _asks(method: str) -> Callable[[Any], Any]:
    """For a group: this method of a reference or a prediction answers it."""
    return lambda found: getattr(found, method)


# --- judging how a network is built -----------------------------------------------------------------------


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**20))


def _differences(found: Sequence[str], wanted: Sequence[str]) -> str:
    more, less = Counter(found) - Counter(wanted), Counter(wanted) - Counter(found)
    told = ""
    for shapes, words in ((more, "not asked for"), (less, "missing")):
        listed = [f"{count} times {one}" if count > 1 else one for one, count in sorted(shapes.items())]
        shown = [*listed[:6], f"and {len(listed) - 6} more"] if len(listed) > 7 else listed
        told += f"; {words}: {', '.join(shown)}" if shapes else ""
    return told


def _learns(net: Net) -> Judge:
    """Judges what is learned."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        if outcome.value == probes.NO_WEIGHTS:
            return "PyTorch finds no weights in it"
        found, wanted = outcome.value, net.parameters(**given.kwargs)
        if found == wanted:
            return None
        told = _differences(found[1:], wanted[1:])
        return f"it learns {found[0]:,} numbers where {wanted[0]:,} were asked for{told}"

    return judge


def _passes(net: Net) -> Judge:
    """Judges what the layers take and give; the skip may be computed first or last."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        if outcome.value == probes.NO_WEIGHTS:
            return "PyTorch finds no layers in it"
        found, wanted = outcome.value, net.stages(**given.kwargs)
        told = _differences(found, wanted)
        return f"{len(found)} layers with weights, {len(wanted)} were asked for{told}" if told else None

    return judge


def _arrives(net: Net) -> Judge:
    """Judges which weights get a gradient, and how long that of the pictures is."""

    def judge(given: Case, outcome: Outcome) -> str | None:
        if outcome.value == probes.NO_WEIGHTS:
            return "PyTorch finds no weights in it"
        (left_out, found), (_, wanted) = outcome.value, net.reached(*given.args, **given.kwargs)
        if not left_out.endswith("none"):
            return f"weights {left_out}"
        if math.isclose(found, wanted, rel_tol=1e-3, abs_tol=1e-4):
            return None
        return f"the gradient that arrives at the pictures has the length {found:.3g}, not {wanted:.3g}"

    return judge


def _no_weights(given: Case, outcome: Outcome) -> bool:
    return isinstance(outcome.value, str) and outcome.value == probes.NO_WEIGHTS


def _random(given: Case, outcome: Outcome) -> bool:
    return isinstance(outcome.value, str) and outcome.value == OTHER_AGAIN


def _drawn_anew(*fails: str) -> Misconception:
    return Misconception(
        "evaluation mode gives other scores each time",
        "Something random happens in evaluation mode, too: `F.dropout` asks for `training=self.training`, "
        "while an `nn.Dropout` knows by itself. The table has no dropout at all.",
        fails=fails,
        recognise=_random,
    )


LISTED = (
    "PyTorch does not find the layers",
    "A layer is found when it is an attribute of the network (`self.conv1 = ...`) or lies in an "
    "`nn.Sequential` or "
    "`nn.ModuleList`. In a plain list it is not seen and never trained.",
)


# --- the residual block -----------------------------------------------------------------------------------


def _block(run: Run, x: Tensor, *, in_channels: int, out_channels: int, how: Block, **options: Any) -> Tensor:
    return how(run, x, out_channels, **options)


def _of_block(how: Block) -> Net:
    def forward(run: Run, x: Tensor, **options: Any) -> Tensor:
        return _block(run, x, how=how, **options)

    return Net(forward)


BLOCK = _of_block(Block())
LEARNS, STAGES, SAME, DOWN = (
    "what it learns",
    "from layer to layer",
    "the shape stays",
    "the shape changes: downsampling",
)
PLAIN, MODES, REACHED = "without the skip", "training moves the statistics", "gradients arrive everywhere"
Row = tuple[str, str, Any, Sequence[str]]


def _shaped(rng: np.random.Generator, *, other: bool, stride: int, small: bool = False) -> dict[str, Any]:
    channels, more = (2, 1) if small else (int(rng.integers(2, 5)), int(rng.integers(1, 3)))
    out = channels + more if other else channels
    height, width = rng.permutation([3, 4] if small and stride == 1 else [7, 8, 9, 10])[:2].tolist()
    size = (channels, height, width)
    return {"size": size, "in_channels": channels, "out_channels": out, "stride": stride}


def _built_blocks(rng: np.random.Generator) -> Iterator[Case]:
    for other, stride in ((False, 1), (True, 2), (True, 1), (False, 2)):
        yield case(**_shaped(rng, other=other, stride=stride))
    yield case(**_shaped(rng, other=True, stride=2), skip=False)


def _same(rng: np.random.Generator) -> Iterator[Case]:
    for count in (1, 3):
        shaped = _shaped(rng, other=False, stride=1, small=count == 1)
        if count > 1:
            del shaped["stride"]  # which is 1 when nothing is said
        yield case(count, seed=_seed(rng), **shaped)


def _down(rng: np.random.Generator) -> Iterator[Case]:
    for count, other, stride in ((1, True, 2), (2, True, 1), (2, False, 2)):
        shaped = _shaped(rng, other=other, stride=stride, small=count == 1)
        yield case(count, seed=_seed(rng), **shaped)


def _plain(rng: np.random.Generator) -> Iterator[Case]:
    for other, stride in ((False, 1), (True, 2)):
        yield case(2, seed=_seed(rng), **_shaped(rng, other=other, stride=stride), skip=False)


def _reached(rng: np.random.Generator) -> Iterator[Case]:
    for other, stride in ((False, 1), (True, 2)):
        yield case(2, seed=_seed(rng), **_shaped(rng, other=other, stride=stride))


def _trained(rng: np.random.Generator) -> Iterator[Case]:
    for count in (2, 4):
        yield case(count, seed=_seed(rng), norms=2, **_shaped(rng, other=False, stride=1))


SKIP_FIT = (
    "With a stride, or with another number of channels, x has another shape than what the two convolutions "
    "make of it. Then "
    "the skip needs a 1x1 convolution with the same stride, and a batch norm."
)
BLOCK_ROWS: list[Row] = [
    ("there is no downsampling on the skip", SKIP_FIT, {"projects": "never"}, (LEARNS, DOWN, REACHED)),
    (
        "the skip is downsampled only for a stride",
        "A block may have stride 1 and yet more channels than came in. Which two questions decide?",
        {"projects": "for a stride"},
        (LEARNS, DOWN),
    ),
    (
        "the skip is downsampled only for other channels",
        "A block may have as many channels as came in and yet a stride. Which two questions decide?",
        {"projects": "for other channels"},
        (LEARNS, DOWN),
    ),
    (
        "the skip has a convolution even where the shape stays",
        "Where x already has the right shape, it goes round the block untouched: that is the point of a "
        "residual block.",
        {"projects": "always"},
        (LEARNS, SAME, REACHED),
    ),
    (
        "the skip is cut and filled up with zeros",
        "The first version in the paper of 2015; it learns nothing. Here a 1x1 convolution is asked for.",
        {"projects": "zeros"},
        (LEARNS, DOWN, REACHED),
    ),
    (
        "the ReLU comes before the addition",
        "The sum of the two ways goes through the ReLU, not the one way before it is added. Follow the "
        "arrows: +, then ReLU.",
        {"relu": "before"},
        (SAME, DOWN, REACHED),
    ),
    (
        "the ReLU after the addition is forgotten",
        "In the drawing one more ReLU stands behind the plus.",
        {"relu": "nowhere"},
        (SAME, DOWN, PLAIN, REACHED),
    ),
    (
        "the ReLU between the convolutions is missing",
        "Convolution, batch norm, ReLU, and only then the second convolution.",
        {"inner_relu": False},
        (SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "both convolutions have the stride",
        "With a stride of 2 in both, the block would make a quarter of each side. Only the first has it.",
        {"strides": (True, True)},
        (DOWN, PLAIN, REACHED),
    ),
    (
        "the second convolution has the stride instead of the first",
        "The size comes out right, but the first convolution works on the large picture. Which of the two "
        "has the stride in "
        "the drawing?",
        {"strides": (False, True)},
        (DOWN, PLAIN, REACHED),
    ),
    (
        "the convolution on the skip has no stride",
        "It has to make x as small as the two convolutions make it.",
        {"projection_stride": False},
        (DOWN, REACHED),
    ),
    (
        "the skip has no batch norm",
        "After the 1x1 convolution comes a batch norm of its own, as after every convolution in this "
        "network.",
        {"projection_norm": False},
        (LEARNS, DOWN, REACHED),
    ),
    (
        "the convolution on the skip is 3x3",
        "A 1x1 convolution is enough to change the number of channels, and nine times as cheap.",
        {"projection": 3},
        (LEARNS, DOWN, REACHED),
    ),
    (
        "a ReLU stands on the skip",
        "On the way round the block stand a convolution and a batch norm, and nothing else: what is negative "
        "must get round it, too.",
        {"projection_relu": True},
        (DOWN, REACHED),
    ),
    (
        "the two convolutions share one batch norm",
        "A batch norm keeps the statistics of *one* place. Each convolution needs its own: `bn1` and `bn2`.",
        {"norm": "shared"},
        (LEARNS, SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "there is no batch norm after the second convolution",
        "Each convolution has a batch norm right behind it, the second too: before the addition.",
        {"norm": "first only"},
        (LEARNS, SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "there is no batch norm after the first convolution",
        "Each convolution has a batch norm right behind it, in front of the ReLU.",
        {"inner_norm": False},
        (LEARNS, SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "the convolutions have a bias",
        "A batch norm takes the mean away and adds its own shift, so a bias in front of it does nothing: "
        "`bias=False`.",
        {"bias": True},
        (LEARNS,),
    ),
    (
        "the first convolution has no padding",
        "A 3x3 kernel without padding takes a pixel from every side, and the addition no longer fits.",
        {"paddings": (0, 1)},
        (SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "no 3x3 convolution has padding",
        "A 3x3 kernel without padding takes a pixel from every side, and the addition no longer fits.",
        {"paddings": (0, 0)},
        (SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    (
        "the two ways are concatenated, not added",
        "`torch.cat` puts channels beside channels (so does DenseNet). In a residual block they are added, "
        "number by number.",
        {"join": "cat"},
        (SAME, DOWN, REACHED),
    ),
    (
        "no gradient goes back through the skip",
        "`detach`, `.data` or `no_grad` on the skip closes the very road that it is there to open.",
        {"detached": True},
        (REACHED,),
    ),
    (
        "skip=False is ignored",
        "With `skip=False` nothing is added: the block is then a plain one.",
        {"plain": "ignored"},
        (LEARNS, PLAIN),
    ),
    (
        "the plain block still has the convolution of the skip",
        "With `skip=False` the 1x1 convolution would be learned and never used. When is it needed?",
        {"plain": "projection is made"},
        (LEARNS,),
    ),
]


def _misconceptions(rows: Sequence[Row], make: Callable[[Any], Net], right: Any) -> tuple[Misconception, ...]:
    """Misconceptions from rows of name, hint, settings and the groups that fail."""
    return tuple(
        Misconception(name, hint, make(_varied(right, settings)), tuple(fails))
        for name, hint, settings, fails in rows
    )


def _varied(right: Any, settings: Any) -> Any:
    return settings(right) if callable(settings) else replace(right, **settings)


def _listed(*fails: str) -> Misconception:
    return Misconception(*LISTED, fails=fails, recognise=_no_weights)


RESIDUAL_BLOCK = Exercise(
    name="ResidualBlock",
    notebook=NOTEBOOK,
    asked="a block",
    reference=BLOCK,
    arguments=("count",),
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 2, _built_blocks, "net_learned", _asks("parameters"), _learns(BLOCK)),
        Group(SAME, 2, _same, "net_output"),
        Group(DOWN, 3, _down, "net_output"),
        Group(PLAIN, 1, _plain, "net_output"),
        Group(REACHED, 1, _reached, "net_reached", _asks("reached"), _arrives(BLOCK)),
        Group(MODES, 1, _trained, "net_statistics", _asks("statistics")),
    ),
    misconceptions=(
        *_misconceptions(BLOCK_ROWS, _of_block, Block()),
        _listed(LEARNS, SAME, DOWN, PLAIN, REACHED, MODES),
    ),
    advice={
        SAME: "These are scores in evaluation mode for known weights, so the layers are there; what differs "
        "is what "
        "`forward` does with them. Follow the drawing arrow by arrow.",
        DOWN: "Where the shape stays all is well. What is different about the skip here?",
    },
)


# --- ResNet-18 --------------------------------------------------------------------------------------------


def _of_tower(tower: Tower) -> Net:
    def forward(run: Run, x: Tensor, *, classes: int = 100, width: int = 64) -> Tensor:
        return tower(run, x, classes=classes, width=width)

    return Net(forward)


def _resnet18_built(rng: np.random.Generator) -> Iterator[Case]:
    yield case(size=(3, 64, 64))
    yield case(size=(3, 64, 64), classes=int(rng.integers(5, 10)), width=int(rng.integers(3, 6)))


def _resnet18_passed(rng: np.random.Generator) -> Iterator[Case]:
    for size in ((3, 64, 64), (3, 33, 40)):
        yield case(size=size, classes=int(rng.integers(5, 10)), width=int(rng.integers(2, 4)))


def _resnet18_asked(rng: np.random.Generator) -> Iterator[Case]:
    for count, size in ((1, (3, 40, 40)), (2, (3, 33, 40))):
        yield case(
            count, seed=_seed(rng), size=size, classes=int(rng.integers(5, 10)), width=int(rng.integers(2, 4))
        )


def _resnet18_trained(rng: np.random.Generator) -> Iterator[Case]:
    for classes in (4, 5):
        yield case(2, seed=_seed(rng), size=(3, 33, 40), classes=classes, width=4)


SCORES = "scores for known weights"
RESNET18 = Tower(stem=(7, 2, 3), pool=(3, 2, 1))
NET18 = _of_tower(RESNET18)
PLAIN_SCORES = "Scores are asked for. The loss, `F.cross_entropy`, takes the softmax itself."
RESNET18_ROWS: list[Row] = [
    (
        "the stem is that of a network for small pictures",
        "A 3x3 convolution without a stride is right for the 32x32 of CIFAR. In the table the first line "
        "says 7x7, stride 2, "
        "padding 3.",
        {"stem": (3, 1, 1)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "the max-pooling is missing",
        "The second line of the table.",
        {"pool": None},
        (STAGES, SCORES),
    ),
    (
        "the max-pooling has no padding",
        "`padding=1` is easily lost here: 32 becomes 15 without it and 16 with it.",
        {"pool": (3, 2, 0)},
        (STAGES, SCORES),
    ),
    (
        "the max-pooling is 2x2",
        "Windows of 3x3 that move by 2: they overlap.",
        {"pool": (2, 2, 0)},
        (STAGES, SCORES),
    ),
    (
        "the first convolution has a bias",
        "A batch norm follows it, too: `bias=False`.",
        {"stem_bias": True},
        (LEARNS,),
    ),
    (
        "there is no batch norm after the first convolution",
        "Like every convolution here, the first has a batch norm behind it.",
        {"stem_norm": False},
        (LEARNS, SCORES),
    ),
    (
        "there is no ReLU after the first convolution",
        "Convolution, batch norm, ReLU, and then the pooling.",
        {"stem_relu": False},
        (SCORES,),
    ),
    (
        "each stage has one block only",
        "18 layers: the first convolution, four stages of two blocks of two convolutions, the linear layer. "
        "Count yours.",
        {"blocks": (1, 1, 1, 1)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "the stages have 3, 4, 6 and 3 blocks",
        "These are the blocks of ResNet-34. ResNet-18 has two in each stage.",
        {"blocks": (3, 4, 6, 3)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "the last stage is missing",
        "There are four stages, the last with 8 times the width.",
        {"blocks": (2, 2, 2), "growth": (1, 2, 4), "strides": (1, 2, 2)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "the first stage halves the picture, too",
        "Stem and pooling have made it small already; the first stage leaves the size alone.",
        {"strides": (2, 2, 2, 2)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "no stage halves the picture",
        "From the second stage on, the first block of a stage has stride 2.",
        {"strides": (1, 1, 1, 1)},
        (STAGES, SCORES),
    ),
    (
        "both blocks of a stage halve the picture",
        "Only the *first* block of a stage has stride 2; the others keep the shape.",
        {"all_stride": True},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "all stages have the same number of channels",
        "Where a side is halved, the channels double: 64, 128, 256, 512.",
        {"growth": (1, 1, 1, 1)},
        (LEARNS, STAGES, SCORES),
    ),
    (
        "the global pooling is forgotten",
        "The linear layer expects one number for each channel. After the last stage there are still "
        "several: average them.",
        {"head": "flat"},
        (STAGES, SCORES, REACHED),
    ),
    (
        "the linear layer expects 7x7 numbers of each channel",
        "That fits pictures of 224x224 and no others, and is 49 times as much to learn. Average over the "
        "places first: one number for each channel is left.",
        {"head": "flat", "places": 49},
        (LEARNS, STAGES, SCORES, REACHED),
    ),
    (
        "global max-pooling instead of the average",
        "One number for each channel, but the table says the average.",
        {"head": "max"},
        (SCORES,),
    ),
    (
        "no gradient comes back to the stem",
        "The graph is cut behind it: `detach`, `.data`, `no_grad`, or a new tensor made of the numbers.",
        {"cut": True},
        (REACHED,),
    ),
    ("a softmax stands at the end", PLAIN_SCORES, {"end": "softmax"}, (SCORES,)),
    ("a ReLU stands behind the last layer", "Scores may be negative.", {"end": "relu"}, (SCORES,)),
    (
        "the linear layer has no bias",
        "No batch norm follows the linear layer, so it keeps its bias.",
        {"linear_bias": False},
        (LEARNS, SCORES),
    ),
]


def _fixed(tower: Tower, **settings: Any) -> Net:
    """Some arguments of the class are ignored."""
    net = _of_tower(tower)

    def forward(run: Run, x: Tensor, **options: Any) -> Tensor:
        return net.forward(run, x, **{**options, **settings})

    return Net(forward)


RESNET18_EXERCISE = Exercise(
    name="ResNet18",
    notebook=NOTEBOOK,
    asked="a network",
    reference=NET18,
    arguments=("count",),
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 2, _resnet18_built, "net_learned", _asks("parameters"), _learns(NET18)),
        Group(STAGES, 2, _resnet18_passed, "net_stages", _asks("stages"), _passes(NET18)),
        Group(SCORES, 3, _resnet18_asked, "net_output"),
        Group(REACHED, 1, _resnet18_trained, "net_unreached", _asks("unreached")),
    ),
    misconceptions=(
        *_misconceptions(RESNET18_ROWS, _of_tower, RESNET18),
        Misconception(
            "classes is ignored",
            "100 is what one gets when nothing is said. The last layer has `classes` outputs.",
            _fixed(RESNET18, classes=100),
            (LEARNS, STAGES, SCORES),
        ),
        _drawn_anew(SCORES),
    ),
    advice={
        LEARNS: "Is `ResidualBlock` right already? Its check comes first. Then compare the shapes with the "
        "table, line by "
        "line.",
        SCORES: "The layers are there and have the right shapes. What is done between them: ReLU, the "
        "pooling's padding, the "
        "average at the end? And does `ResidualBlock` pass its own check?",
    },
)


# --- a network for small pictures, with and without skips -------------------------------------------------

Towers = Callable[[int], Tower]


def _cifar(depth: int, **settings: Any) -> Tower:
    return Tower(**{"blocks": ((depth - 2) // 6,) * 3, "growth": (1, 2, 4), "strides": (1, 2, 2), **settings})


def _of_depth(towers: Towers, handed: Callable[[bool], bool] = bool, **fixed: Any) -> Net:
    """handed: what becomes of `skip` on its way to the blocks. fixed: arguments that are ignored."""

    def forward(
        run: Run, x: Tensor, *, depth: int = 20, skip: bool = True, classes: int = 10, width: int = 16
    ) -> Tensor:
        given = {"depth": depth, "classes": classes, "width": width, **fixed}
        return towers(given["depth"])(
            run, x, classes=given["classes"], width=given["width"], skip=handed(skip)
        )

    return Net(forward)


def _cifar_built(rng: np.random.Generator) -> Iterator[Case]:
    yield case(size=(3, 16, 16))
    yield case(size=(3, 16, 16), depth=20, skip=False)
    depth, classes = int(rng.choice([32, 38])), int(rng.integers(4, 9))
    yield case(size=(3, 16, 16), depth=depth, classes=classes, width=int(rng.integers(3, 6)))


def _cifar_passed(rng: np.random.Generator) -> Iterator[Case]:
    for depth, skip in ((14, True), (20, False)):
        yield case(size=(3, 8, 12), depth=depth, skip=skip, width=int(rng.integers(2, 4)))


def _cifar_asked(skip: bool) -> Making:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count, depth in ((1, 14), (2, 14)):
            yield case(
                count, seed=_seed(rng), size=(3, 8, 12), depth=depth, skip=skip, width=int(rng.integers(2, 4))
            )

    return make


WITH, WITHOUT = "scores with skips", "scores without skips"
CIFAR = _of_depth(_cifar)


def _with(**settings: Any) -> Net:
    return _of_depth(lambda depth: _cifar(depth, **settings))


def _three(count: int) -> dict[str, Any]:
    return {"blocks": (count,) * 3}


CIFAR_MISTAKES: list[tuple[str, str, Net, Sequence[str]]] = [
    (
        "the stem is that of ImageNet",
        "7x7 with stride 2 and a max-pooling would make 8x8 of 32x32 before the first block. The table says "
        "3x3, stride 1, "
        "no pooling.",
        _with(stem=(7, 2, 3), pool=(3, 2, 1)),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "twice as many blocks as the depth says",
        "A block has *two* convolutions, so a stage of 2n layers has n blocks.",
        _of_depth(lambda depth: _cifar(depth, **_three((depth - 2) // 3))),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "one block less in each stage",
        "depth = 6n + 2: one convolution before and one linear layer behind the 6n. For 20, n is 3.",
        _of_depth(lambda depth: _cifar(depth, **_three((depth - 8) // 6))),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "depth is ignored",
        "n = 3 belongs to depth 20 only.",
        _of_depth(_cifar, depth=20),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "skip is not handed on to the blocks",
        "`skip` is an argument of the network and has to reach every block.",
        _of_depth(_cifar, lambda skip: True),
        (LEARNS, STAGES, WITHOUT),
    ),
    (
        "skip is the wrong way round",
        "`skip=True` is the residual network, `skip=False` the plain one.",
        _of_depth(_cifar, lambda skip: not skip),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "there are four stages",
        "Three stages, with 1, 2 and 4 times the width.",
        _of_depth(
            lambda depth: _cifar(
                depth, blocks=((depth - 2) // 6,) * 4, growth=(1, 2, 4, 8), strides=(1, 2, 2, 2)
            )
        ),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "the first stage halves the picture, too",
        "32, 16, 8: the first stage leaves the size alone.",
        _with(strides=(2, 2, 2)),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "every block of a stage halves the picture",
        "Only the first block of a stage has stride 2.",
        _with(all_stride=True),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "the channels do not double",
        "Where a side is halved, the channels double: 16, 32, 64.",
        _with(growth=(1, 1, 1)),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
    (
        "there is no ReLU after the first convolution",
        "Convolution, batch norm, ReLU, and then the blocks.",
        _with(stem_relu=False),
        (WITH, WITHOUT),
    ),
    (
        "the global pooling is forgotten",
        "The linear layer expects one number for each channel: average over the places.",
        _with(head="flat"),
        (STAGES, WITH, WITHOUT),
    ),
    (
        "global max-pooling instead of the average",
        "One number for each channel, but the table says the average.",
        _with(head="max"),
        (WITH, WITHOUT),
    ),
    ("a softmax stands at the end", PLAIN_SCORES, _with(end="softmax"), (WITH, WITHOUT)),
    ("classes is ignored", "The last layer has `classes` outputs.", _of_depth(_cifar, classes=10), (LEARNS,)),
    (
        "width is ignored",
        "16 belongs to the default; the stages have 1, 2 and 4 times `width`.",
        _of_depth(_cifar, width=16),
        (LEARNS, STAGES, WITH, WITHOUT),
    ),
]

CIFAR_EXERCISE = Exercise(
    name="CifarResNet",
    notebook=NOTEBOOK,
    asked="a network",
    reference=CIFAR,
    arguments=("count",),
    tolerance=FLOAT32,
    groups=(
        Group(LEARNS, 1, _cifar_built, "net_learned", _asks("parameters"), _learns(CIFAR)),
        Group(STAGES, 1, _cifar_passed, "net_stages", _asks("stages"), _passes(CIFAR)),
        Group(WITH, 2, _cifar_asked(True), "net_output"),
        Group(WITHOUT, 1, _cifar_asked(False), "net_output"),
    ),
    misconceptions=(
        *(Misconception(name, hint, net, tuple(fails)) for name, hint, net, fails in CIFAR_MISTAKES),
        _drawn_anew(WITH, WITHOUT),
    ),
    advice={
        LEARNS: "Is `ResidualBlock` right already? Then compare the shapes with the table, line by line.",
        WITH: "The layers are there. What is done between them, and does `ResidualBlock` pass its own check?",
    },
)


# --- what shrinks -----------------------------------------------------------------------------------------

KERNELS, SCALE, SHIFT, BIAS = "weights of layers", "scales of norms", "shifts of norms", "biases"
NORM = (SCALE, SHIFT)


def _parameters(features: int) -> list[tuple[str, Shape]]:
    """Kind and shape of all parameters of the probe's small network."""
    f, g = features, features + 1
    return [
        *((KERNELS, (f, 2, 3, 3)), (SCALE, (f,)), (SHIFT, (f,))),
        *((KERNELS, (g, f, 3, 3)), (BIAS, (g,)), (SCALE, (g,)), (SHIFT, (g,))),
        *((KERNELS, (3, 20 * g)), (BIAS, (3,))),
    ]


def _groups(*shrink: str, no: Sequence[str] = (), factor: float = 1.0) -> Callable[..., Any]:
    """shrink: kinds that do. no: kinds in neither group. factor: of the decay."""

    def function(features: int, *, weight_decay: float, seed: int = 0) -> list[str]:
        kept = [(kind, shape) for kind, shape in _parameters(features) if kind not in no]
        decays = [shape for kind, shape in kept if kind in shrink]
        rest = [shape for kind, shape in kept if kind not in shrink]
        found = {f"shrink by {weight_decay:g}": [] if factor != 1 else decays, "stay": rest}
        if factor != 1:
            found[f"shrink by {factor * weight_decay:g}"] = decays
        return [in_words(kind, shapes) for kind, shapes in found.items()]

    return function


def _of_convolutions(*rest: int) -> Callable[..., Any]:
    """Convolutions shrink; what has one of these numbers of dimensions stays."""

    def function(features: int, *, weight_decay: float, seed: int = 0) -> list[str]:
        shapes = [shape for _, shape in _parameters(features)]
        decays = [shape for shape in shapes if len(shape) == 4]
        kept = [shape for shape in shapes if len(shape) in rest]
        return [in_words(f"shrink by {weight_decay:g}", decays), in_words("stay", kept)]

    return function


def _outermost(features: int, *, weight_decay: float, seed: int = 0) -> list[str]:
    """Of the probe's network, whose convolutions and norms lie in blocks of their own."""
    *_, (_, weight), (_, bias) = _parameters(features)
    return [in_words(f"shrink by {weight_decay:g}", [weight]), in_words("stay", [bias])]


def _decays(*values: float) -> Making:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for value in values:
            yield case(int(rng.integers(4, 7)), weight_decay=value, seed=_seed(rng))

    return make


WHO = "who shrinks, and who stays"
AMOUNT = "another weight decay"
BOTH = (WHO, AMOUNT)
DECAY_GROUPS = Exercise(
    name="decay_groups",
    notebook=NOTEBOOK,
    asked="two groups for the optimizer",
    reference=_groups(KERNELS),
    arguments=("features",),
    probe="optimizer_groups",
    parts=("what shrinks", "what stays"),
    groups=(Group(WHO, 2, _decays(5e-4)), Group(AMOUNT, 1, _decays(0.01, 0.25))),
    misconceptions=(
        Misconception(
            "norms and biases shrink, too",
            "A norm's scale is no strength of a connection: small is not simpler. Only tensors with more "
            "than one dimension, "
            "the weights of convolutions and linear layers, shrink.",
            _groups(KERNELS, *NORM, BIAS),
            BOTH,
        ),
        Misconception(
            "norms shrink, too",
            "A norm's scale and shift are no strength of a connection. What do their tensors look like, and "
            "those of the "
            "layers that shall shrink?",
            _groups(KERNELS, *NORM),
            BOTH,
        ),
        Misconception(
            "biases shrink, too",
            "A bias is a shift, not the strength of a connection: it stays.",
            _groups(KERNELS, BIAS),
            BOTH,
        ),
        Misconception(
            "norms and biases are in no group",
            "What is in no group is not trained at all. They belong into the second group, with "
            "`weight_decay` 0.",
            _groups(KERNELS, no=(*NORM, BIAS)),
            BOTH,
        ),
        Misconception(
            "the norms are in no group",
            "What is in no group is not trained at all. They belong into the second group, with "
            "`weight_decay` 0.",
            _groups(KERNELS, no=NORM),
            BOTH,
        ),
        Misconception(
            "the two groups are swapped",
            "The weights of convolutions and linear layers shrink; norms and biases stay.",
            _groups(*NORM, BIAS),
            BOTH,
        ),
        Misconception(
            "only convolutions shrink",
            "The weight of a linear layer has two dimensions and shrinks, too.",
            _of_convolutions(1, 2),
            BOTH,
        ),
        Misconception(
            "the linear layer's weight is in no group",
            "Four dimensions or one: between them lies the weight of a linear layer, which has two. It "
            "shrinks, too; what is in no group is not trained at all.",
            _of_convolutions(1),
            BOTH,
        ),
        Misconception(
            "whatever is called weight shrinks, also that of norms",
            "PyTorch calls a norm's scale `weight`, too, so the name does not tell. What do its tensor and "
            "that of a convolution look like?",
            _groups(KERNELS, SCALE),
            BOTH,
        ),
        Misconception(
            "only the outermost layers are looked at",
            "`children()` and `parameters(recurse=False)` do not look into blocks. Parameters that lie "
            "deeper are in no group, and are never trained.",
            _outermost,
            BOTH,
        ),
        Misconception(
            "nothing shrinks",
            "Without `weight_decay` in its group a parameter takes the optimizer's, which is 0 when nothing "
            "is said.",
            _groups(),
            BOTH,
        ),
        Misconception(
            "weight_decay is 0.0005 whatever is asked for",
            "It is an argument of the function.",
            lambda features, *, weight_decay, seed=0: _groups(KERNELS, factor=5e-4 / weight_decay)(
                features, weight_decay=weight_decay
            ),
            (AMOUNT,),
        ),
    ),
)


# --- scores of a picture and its mirror image -------------------------------------------------------------


@dataclass(frozen=True)
class Mirror:
    """How the scores of a picture and its mirror image are joined; other values than these are mistakes."""

    axis: int = 3
    evaluates: bool = True
    graph: bool = False
    join: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2

    def __call__(self, count: int, *, features: int, seed: int) -> list[Any]:
        x = probes.images(count, (2, 4, 5), seed=seed).double()
        net = SmallNet(Run(seed, training=not self.evaluates), features)
        scores = self.join(net(x), net(x.flip(self.axis)))
        return [
            scores,
            "holds a graph" if self.graph else "no graph",
            "still" if self.evaluates else "moved",
        ]


class SmallNet:
    """The probe's small network, on known weights."""

    def __init__(self, run: Run, features: int) -> None:
        f, g = features, features + 1
        self.first, first = run.weight("weight", f, 2, 3, 3), (f, 2, 3, 3)
        self.norm = run.norm(f, first)
        self.second, second = run.weight("weight", g, f, 3, 3), (g, f, 3, 3)
        self.scale, self.shift = (run.weight(f"norm.{name}", g, after=second) for name in ("weight", "bias"))
        self.last, self.bias = run.weight("weight", 3, 20 * g), run.weight("bias", 3)

    def __call__(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(F.conv2d(x, self.first, padding=1)))
        x = F.conv2d(x, self.second, padding=1)  # its bias stands in front of a norm: it is 0
        x = F.relu(F.group_norm(x, 1, self.scale, self.shift))
        return F.linear(x.flatten(1), self.last, self.bias)


def _pictures(*counts: int) -> Making:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count in counts:
            yield case(count, features=int(rng.integers(3, 6)), seed=_seed(rng))

    return make


def _softened(one: Tensor, other: Tensor) -> Tensor:
    return (one.softmax(1) + other.softmax(1)) / 2


AVERAGED = "the average of two"
FLIPPED_SCORES = Exercise(
    name="flipped_scores",
    notebook=NOTEBOOK,
    asked="scores",
    reference=Mirror(),
    arguments=("count",),
    tolerance=FLOAT32,
    probe="mirrored_scores",
    parts=("scores", "graph", "running statistics"),
    groups=(Group(AVERAGED, 3, _pictures(2, 3)),),
    misconceptions=(
        Misconception(
            "the network is not put into evaluation mode",
            "`net.eval()` first: in training mode the scores depend on the company, and every look at the "
            "test set moves the "
            "running statistics.",
            Mirror(evaluates=False),
            (AVERAGED,),
        ),
        Misconception(
            "the pictures stand on their heads",
            "The axes are (N, C, H, W). Left and right are along the width.",
            Mirror(axis=2),
            (AVERAGED,),
        ),
        Misconception(
            "the channels are mirrored",
            "The axes are (N, C, H, W): axis 1 holds the colours. Left and right are along the width.",
            Mirror(axis=1),
            (AVERAGED,),
        ),
        Misconception(
            "the scores are added, not averaged",
            "The largest score stays the largest, but the scale is twice what it was, and a loss would see "
            "it.",
            Mirror(join=lambda one, other: one + other),
            (AVERAGED,),
        ),
        Misconception(
            "only the mirror images are looked at",
            "Both are asked for: the pictures as they are, and mirrored.",
            Mirror(join=lambda one, other: other),
            (AVERAGED,),
        ),
        Misconception(
            "the mirror images are not looked at",
            "Is what `x.flip(...)` returns used? It changes nothing in place.",
            Mirror(join=lambda one, other: one),
            (AVERAGED,),
        ),
        Misconception(
            "probabilities are averaged, not scores",
            "Also done, and about as good; here the scores themselves are asked for, without a softmax.",
            Mirror(join=_softened),
            (AVERAGED,),
        ),
        Misconception(
            "the scores still hold their graph",
            "Nobody goes backward from a test. `torch.no_grad()` saves the memory of all that lies in "
            "between.",
            Mirror(graph=True),
            (AVERAGED,),
        ),
    ),
)

EXERCISES = (RESIDUAL_BLOCK, RESNET18_EXERCISE, CIFAR_EXERCISE, DECAY_GROUPS, FLIPPED_SCORES)
