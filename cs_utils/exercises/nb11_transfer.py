"""Exercises of notebook 11: a new head, four ways of fine-tuning, class activation maps and Grad-CAM.

Of a network only numbers are compared: which parameters train and how fast, running statistics, maps. The
references never build a module. The map of a class is found as the share that each place has in the score;
the weights of Grad-CAM as the change of the score when a whole channel grows, forward through the tail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, case

NOTEBOOK = "11_transfer"
Predict = Callable[..., Any]
Makes = Callable[[np.random.Generator], Iterator[Case]]


# --- new_head -----------------------------------------------------------------------------------------------

OTHER, SAME, FROZEN_BEFORE = "another number of classes", "as many classes as before", "a frozen network"


def _head(
    inputs: int,
    features: int,
    old: int,
    classes: int,
    *,
    frozen: bool = False,
    shape: Sequence[int] = (),
    trains: bool = True,
    fresh: bool = True,
    body: bool = True,
    rest_trains: bool | None = None,
) -> list[Any]:
    return [
        list(shape) or [classes, features],
        "trains" if trains else "frozen",
        "fresh" if fresh else "the old weights",
        "as it was" if body else "changed",
        "trains" if (rest_trains if rest_trains is not None else not frozen) else "frozen",
    ]


def _head_kept(inputs: int, features: int, old: int, classes: int, *, frozen: bool = False) -> list[Any]:
    trains = {"trains": not frozen, "frozen": frozen}
    return _head(inputs, features, old, classes, shape=(old, features), fresh=False, **trains)


def _head_frozen(inputs: int, features: int, old: int, classes: int, *, frozen: bool = False) -> list[Any]:
    return _head(inputs, features, old, classes, trains=not frozen, frozen=frozen)


def _rest_becomes(trains: bool) -> Predict:
    def predict(*sizes: int, frozen: bool = False) -> list[Any]:
        return _head(*sizes, rest_trains=trains)

    return predict


def _head_turned(inputs: int, features: int, old: int, classes: int, **options: Any) -> list[Any]:
    return _head(inputs, features, old, classes, shape=(features, classes), **options)


def _head_of_old(inputs: int, features: int, old: int, classes: int, **options: Any) -> list[Any]:
    return _head(inputs, features, old, classes, shape=(classes, old), **options)


def _body_reset(inputs: int, features: int, old: int, classes: int, **options: Any) -> list[Any]:
    return _head(inputs, features, old, classes, body=False, **options)


def _head_only_when_other(
    inputs: int, features: int, old: int, classes: int, *, frozen: bool = False
) -> list[Any]:
    same = classes == old
    return (_head_kept if same else _head)(inputs, features, old, classes, frozen=frozen)


def _heads(*, same: bool = False, frozen: bool = False) -> Makes:
    def make(rng: np.random.Generator) -> Iterator[Case]:
        for _ in range(2):
            inputs, features, old, classes = rng.permutation(np.arange(2, 9))[:4].tolist()
            yield case(
                inputs, features, old, old if same else classes, **({"frozen": True} if frozen else {})
            )

    return make


NEW_HEAD = Exercise(
    name="new_head",
    notebook=NOTEBOOK,
    asked="the network with a new head",
    reference=_head,
    arguments=("inputs", "features", "old", "classes"),
    probe="head_replaced",
    parts=("shape of head.weight", "the head", "weights of the head", "the rest", "parameters of the rest"),
    groups=(
        Group(OTHER, 1, _heads()),
        Group(SAME, 1, _heads(same=True)),
        Group(FROZEN_BEFORE, 1, _heads(frozen=True)),
    ),
    misconceptions=(
        Misconception(
            "the old head stays",
            "After the call `net.head` is still the layer that it was. Put a fresh `nn.Linear` in its "
            "place: assigning to the attribute is enough.",
            _head_kept,
            (OTHER, SAME, FROZEN_BEFORE),
        ),
        Misconception(
            "the head is replaced only when the number of classes differs",
            "Ten kinds of clothes are not ten shapes: the old rows mean other things, even where there "
            "are as many.",
            _head_only_when_other,
            (SAME,),
        ),
        Misconception(
            "the new head is frozen",
            "A frozen network gets a head that must learn from nothing. Freeze before the new head is put "
            "in, or switch its parameters on again.",
            _head_frozen,
            (FROZEN_BEFORE,),
        ),
        Misconception(
            "inputs and outputs of the head are exchanged",
            "`nn.Linear` takes first how many numbers come in, then how many go out.",
            _head_turned,
            (OTHER, SAME, FROZEN_BEFORE),
        ),
        Misconception(
            "the head expects the old scores instead of the features",
            "The new head stands where the old one stood, so as much comes in as before: `in_features` of "
            "the old one.",
            _head_of_old,
            (OTHER, SAME, FROZEN_BEFORE),
        ),
        Misconception(
            "the rest of the network is changed as well",
            "Everything but the head must be handed on as it came: its numbers are what was learned before.",
            _body_reset,
            (OTHER, SAME, FROZEN_BEFORE),
        ),
        Misconception(
            "the rest of the network is frozen, too",
            "Which parameters train is decided later, by `fine_tuning_groups`. Here only the head is "
            "exchanged.",
            _rest_becomes(False),
            (OTHER, SAME),
        ),
        Misconception(
            "the rest of the network is switched on, too",
            "What was frozen before stays frozen. A fresh `nn.Linear` trains by itself; nothing else needs "
            "to be switched on.",
            _rest_becomes(True),
            (FROZEN_BEFORE,),
        ),
    ),
)


# --- fine_tuning_groups -------------------------------------------------------------------------------------

PROBE, FULL, FROZEN = "linear probe", "full", "frozen parts"
RATES, AGAIN = "layer-wise rates", "after another mode"
NAMES = {"probe": PROBE, "full": FULL, "frozen": FROZEN, "layerwise": RATES}


@dataclass(frozen=True)
class _Setting:
    """One call, and what belongs to it part by part."""

    parts: Sequence[int]
    mode: str
    lr: float
    factor: float = 0.1
    frozen: int = 2
    asleep: Sequence[int] = ()

    @property
    def place(self) -> Tensor:
        return torch.arange(len(self.parts))

    @property
    def distance(self) -> Tensor:
        """From the head, whose own is 0."""
        return self.place.flip(0)

    @property
    def trains(self) -> Tensor:
        """Which parts do."""
        return {"probe": self.distance < 1, "frozen": self.place >= self.frozen}.get(
            self.mode, self.place >= 0
        )

    @property
    def slept(self) -> Tensor:
        return torch.isin(self.place, torch.tensor(list(self.asleep), dtype=torch.long))

    def rates(self, distance: Tensor | None = None) -> Tensor:
        """Of parts that far from the head."""
        power = self.distance if distance is None else distance
        return self.lr * torch.pow(self.factor if self.mode == "layerwise" else 1.0, power.double())

    def told(self, trains: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """Part by part -> parameter by parameter."""
        often = torch.tensor(list(self.parts))
        return trains.double().repeat_interleave(often), rates.double().repeat_interleave(often)

    def right(self) -> tuple[Tensor, Tensor]:
        return self.told(self.trains, self.rates() * self.trains)


Rule = Callable[[_Setting], tuple[Tensor, Tensor]]


def _groups(parts: Sequence[int], mode: str, **options: Any) -> tuple[Tensor, Tensor]:
    return _Setting(parts, mode, **options).right()


def _in_mode(rule: Rule, *modes: str) -> Predict:
    """A mistake of these modes; the others are right."""

    def predict(parts: Sequence[int], mode: str, **options: Any) -> tuple[Tensor, Tensor]:
        setting = _Setting(parts, mode, **options)
        return rule(setting) if mode in modes else setting.right()

    return predict


def _inverted(at: _Setting) -> tuple[Tensor, Tensor]:
    return at.told(~at.trains, at.rates() * ~at.trains)


def _from_the_head(at: _Setting) -> tuple[Tensor, Tensor]:
    kept = at.distance >= at.frozen
    return at.told(kept, at.rates() * kept)


def _frozen_by(more: int) -> Rule:
    def rule(at: _Setting) -> tuple[Tensor, Tensor]:
        kept = at.place >= at.frozen + more
        return at.told(kept, at.rates() * kept)

    return rule


def _with_rates(distance: Callable[[_Setting], Tensor]) -> Rule:
    return lambda at: at.told(at.trains, at.rates(distance(at)))


def _left_out(given: Case, outcome: Outcome) -> bool:
    """What slept before the call is neither switched on nor handed to the optimizer."""
    if outcome.failure is not None:
        return False
    mode, asleep = given.args[1], given.kwargs.get("asleep", ())
    told = _stays_asleep(_Setting(given.args[0], mode, **given.kwargs), held=False)
    pairs = zip(outcome.value, told, strict=True)
    return bool(asleep) and all(np.allclose(mine, found.numpy()) for mine, found in pairs)


def _modes(mode: str, **drawn: Callable[[np.random.Generator], Any]) -> Makes:
    """Networks of three to six parts."""

    def make(rng: np.random.Generator) -> Iterator[Case]:
        for count in (3, 5, int(rng.integers(4, 7))):
            parts = rng.integers(1, 4, count).tolist()
            options = {name: draw(rng) for name, draw in drawn.items()}
            yield case(parts, mode, lr=_rate(rng), **options)
        yield case(rng.integers(1, 3, 4).tolist(), mode, lr=_rate(rng))  # factor and frozen as they are

    return make


def _rate(rng: np.random.Generator) -> float:
    return float(rng.choice([0.4, 0.2, 0.1, 0.08, 0.05, 0.02]))


def _again(rng: np.random.Generator) -> Iterator[Case]:
    for mode, options in (("full", {}), ("layerwise", {"factor": 0.5}), ("frozen", {"frozen": 1})):
        parts = rng.integers(1, 4, 4).tolist()
        yield case(parts, mode, lr=_rate(rng), asleep=[0, 1, 2], **options)


ONE_LINE = "`parameter.requires_grad = ...`, or `part.requires_grad_(...)` for a whole part"

GROUPS = Exercise(
    name="fine_tuning_groups",
    notebook=NOTEBOOK,
    asked="groups for an optimizer",
    reference=_groups,
    arguments=("parts", "mode"),
    probe="groups_made",
    parts=("requires_grad", "rates"),
    groups=(
        Group(PROBE, 2, _modes("probe")),
        Group(FULL, 1, _modes("full")),
        Group(FROZEN, 2, _modes("frozen", frozen=lambda rng: int(rng.integers(1, 3)))),
        Group(RATES, 3, _modes("layerwise", factor=lambda rng: float(rng.choice([0.5, 0.3, 0.2])))),
        Group(AGAIN, 1, _again),
    ),
    misconceptions=(
        Misconception(
            "the head is frozen, too",
            "A linear probe trains one part: the head, the last of `parts`. Everything before it rests.",
            _in_mode(lambda at: at.told(0 * at.place, at.rates() * at.trains), "probe"),
            (PROBE,),
        ),
        Misconception(
            "a linear probe trains everything but the head",
            "It is the other way round: the features stay, and one linear layer learns to read them.",
            _in_mode(_inverted, "probe"),
            (PROBE,),
        ),
        Misconception(
            "frozen parameters still have requires_grad",
            "The optimizer does not hold them, but their gradients are computed all the same, which is "
            f"most of the time of a step: {ONE_LINE}.",
            _in_mode(lambda at: at.told(at.place >= 0, at.rates() * at.trains), "probe", "frozen"),
            (PROBE, FROZEN, AGAIN),
        ),
        Misconception(
            "the optimizer holds the frozen parameters",
            "Without requires_grad no new gradient comes. But an old one that is still there, momentum "
            "and weight decay move whatever the optimizer holds: leave frozen parameters out of the "
            "groups.",
            _in_mode(lambda at: at.told(at.trains, at.rates()), "probe", "frozen"),
            (PROBE, FROZEN, AGAIN),
        ),
        Misconception(
            "the frozen parts are counted from the head",
            "`parts` begins at the picture, and it is the first ones that stay as they are: edges and "
            "colours are of use everywhere.",
            _in_mode(_from_the_head, "frozen"),
            (FROZEN, AGAIN),
        ),
        Misconception(
            "one part too many is frozen",
            "With frozen=1 one part rests, number 0. Where does your slice or comparison end?",
            _in_mode(_frozen_by(1), "frozen"),
            (FROZEN, AGAIN),
        ),
        Misconception(
            "one part too few is frozen",
            "With frozen=1 one part rests, number 0. Where does your slice or comparison end?",
            _in_mode(_frozen_by(-1), "frozen"),
            (FROZEN, AGAIN),
        ),
        Misconception(
            "the rates fall towards the head instead of towards the picture",
            "The head is new and has everything to learn: it gets lr. What lies nearer to the picture "
            "gets less and less.",
            _in_mode(_with_rates(lambda at: at.place), "layerwise"),
            (RATES, AGAIN),
        ),
        Misconception(
            "the head's rate is lr * factor, too",
            "The distance from the head is counted from 0, and factor to the power of 0 is 1.",
            _in_mode(_with_rates(lambda at: at.distance + 1), "layerwise"),
            (RATES, AGAIN),
        ),
        Misconception(
            "all parts but the head have the same rate",
            "Every step towards the picture multiplies by `factor` once more: once, twice, three times.",
            _in_mode(_with_rates(lambda at: at.distance.clamp(max=1)), "layerwise"),
            (RATES, AGAIN),
        ),
        Misconception(
            "lr is multiplied by factor and distance instead of by a power of factor",
            "Each step towards the picture multiplies by `factor` once more: that is a power, `**`. As a "
            "product the head, whose distance is 0, would not train at all.",
            _in_mode(lambda at: at.told(at.trains, at.lr * at.factor * at.distance), "layerwise"),
            (RATES, AGAIN),
        ),
        Misconception(
            "every part has the rate lr",
            "In this mode each part is a group of its own, with a `lr` of its own in its dict.",
            _in_mode(_with_rates(lambda at: 0 * at.place), "layerwise"),
            (RATES, AGAIN),
        ),
        Misconception(
            "requires_grad is never switched on again",
            "A network may come from a linear probe. What trains in this mode must be switched on, not "
            f"only what rests switched off: {ONE_LINE}.",
            lambda parts, mode, **options: _stays_asleep(_Setting(parts, mode, **options), held=True),
            (AGAIN,),
        ),
        Misconception(
            "what an earlier mode froze is left out",
            "Which parameters train is decided by the mode alone. Yours asks for requires_grad, which an "
            "earlier call may have switched off.",
            fails=(AGAIN,),
            recognise=_left_out,
        ),
    ),
)


def _stays_asleep(at: _Setting, *, held: bool) -> tuple[Tensor, Tensor]:
    awake = at.trains & ~at.slept
    return at.told(awake, at.rates() * (at.trains if held else awake))


# --- training_mode ------------------------------------------------------------------------------------------

SOME, EVALUATED, ALL_OR_NONE = "some parts are frozen", "from evaluation mode", "all frozen, or none"
PARTLY = "frozen in part is not frozen"
ALL_MODES = (SOME, PARTLY, EVALUATED, ALL_OR_NONE)


def _statistics(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    trains: Sequence[int],
    *,
    asleep: bool = False,
    partly: Sequence[int] = (),
) -> tuple[Tensor, Tensor]:
    """The running statistics after one batch, when just these parts are in training mode."""
    mean, var = mean.clone(), var.clone()
    for place in range(len(mean)):
        x = F.batch_norm(x, mean[place], var[place], training=place in trains).tanh()
    return mean, var


def _mode_of(chosen: Callable[[list[int], list[int], bool], Sequence[int]]) -> Predict:
    """A mistake: (all parts, those that train, asleep) -> the parts that end in training mode."""

    def predict(
        x: Tensor, mean: Tensor, var: Tensor, trains: Sequence[int], *, asleep: bool, **partly: Any
    ) -> Any:
        every = list(range(len(mean)))
        return _statistics(x, mean, var, chosen(every, list(trains), asleep))

    return predict


def _partly_is_frozen(
    x: Tensor, mean: Tensor, var: Tensor, trains: Sequence[int], *, partly: Sequence[int] = (), **asleep: Any
) -> tuple[Tensor, Tensor]:
    return _statistics(x, mean, var, [part for part in trains if part not in partly])


def _batch(
    rng: np.random.Generator, trains: Sequence[int], parts: int, asleep: bool, **partly: Sequence[int]
) -> Case:
    n, c = (3, 2) if parts < 4 else (5, 2)
    x = (rng.permuted(np.tile(np.linspace(-3, 3, n), (c, 1)), axis=1).T + rng.normal(0, 1, (1, c))).round(2)
    mean, var = rng.normal(0, 2, (parts, c)).round(2), rng.uniform(2, 6, (parts, c)).round(2)
    return case(x, mean, var, list(trains), asleep=asleep, **partly)


def _some_frozen(rng: np.random.Generator) -> Iterator[Case]:
    yield _batch(rng, [1, 2], 3, asleep=False)
    yield _batch(rng, [3], 4, asleep=False)
    yield _batch(rng, [0, 2], 4, asleep=False)


def _evaluated(rng: np.random.Generator) -> Iterator[Case]:
    yield _batch(rng, [1, 2], 3, asleep=True)
    yield _batch(rng, [0, 3], 4, asleep=True)


def _some_partly(rng: np.random.Generator) -> Iterator[Case]:
    yield _batch(rng, [1, 2], 3, asleep=False, partly=[1])
    yield _batch(rng, [0, 2, 3], 4, asleep=False, partly=[0, 3])


def _all_or_none(rng: np.random.Generator) -> Iterator[Case]:
    yield _batch(rng, [], 3, asleep=False)
    yield _batch(rng, [0, 1, 2], 3, asleep=True)


MODES = Exercise(
    name="training_mode",
    notebook=NOTEBOOK,
    asked="running statistics after a step",
    reference=_statistics,
    arguments=("x", "running_mean", "running_var", "trains"),
    probe="modes_set",
    parts=("running_mean", "running_var"),
    groups=(
        Group(SOME, 1, _some_frozen),
        Group(PARTLY, 1, _some_partly),
        Group(EVALUATED, 1, _evaluated),
        Group(ALL_OR_NONE, 1, _all_or_none),
    ),
    misconceptions=(
        Misconception(
            "frozen batch norms still move: everything is in training mode",
            "requires_grad stops the optimizer, but running statistics are no parameters: a batch norm in "
            "training mode moves them all the same. A frozen part belongs into evaluation mode.",
            _mode_of(lambda every, trains, asleep: every),
            ALL_MODES,
        ),
        Misconception(
            "everything is in evaluation mode",
            "Parts that train normalise with their batch and move their statistics: they belong into "
            "training mode.",
            _mode_of(lambda every, trains, asleep: []),
            ALL_MODES,
        ),
        Misconception(
            "the two modes are exchanged",
            "Which parts go into evaluation mode: those that train, or the others?",
            _mode_of(lambda every, trains, asleep: [part for part in every if part not in trains]),
            ALL_MODES,
        ),
        Misconception(
            "parts that train are left in the mode they were in",
            "After an evaluation all parts are in evaluation mode. Those that train must be brought back.",
            _mode_of(lambda every, trains, asleep: [] if asleep else trains),
            (EVALUATED, ALL_OR_NONE),
        ),
        Misconception(
            "frozen parts are left in the mode they were in",
            "After a step of training all parts are in training mode, the frozen ones as well, and their "
            "statistics move.",
            _mode_of(lambda every, trains, asleep: trains if asleep else every),
            (SOME, PARTLY, ALL_OR_NONE),
        ),
        Misconception(
            "no part changes its mode",
            "`part.training = ...` is an attribute of one module, and says nothing to those inside it. "
            "`part.train(...)` and `part.eval()` reach all of them.",
            _mode_of(lambda every, trains, asleep: [] if asleep else every),
            ALL_MODES,
        ),
        Misconception(
            "a part counts as frozen as soon as one of its parameters is",
            "A part is frozen when *none* of its parameters requires a gradient; here of a batch norm the "
            "scale rests and the shift trains. Do you ask one of them, or all?",
            _partly_is_frozen,
            (PARTLY,),
        ),
        Misconception(
            "only the last part is in training mode",
            "That is right for a linear probe. In the other modes more parts train: ask each of them.",
            _mode_of(lambda every, trains, asleep: every[-1:]),
            ALL_MODES,
        ),
    ),
)


# --- class_activation_map -----------------------------------------------------------------------------------

ONE, SEVERAL, ENLARGED = "one picture", "several pictures", "enlarged"


def _weighted(features: Tensor, rows: Tensor) -> Tensor:
    """Each picture's channels, weighted and added up: (N, C, h, w), (N, C) -> (N, h, w)."""
    return torch.bmm(rows[:, None], features.flatten(2)).view(len(rows), *features.shape[2:])


def _enlarge(maps: Tensor, size: int, mode: str = "bilinear", **options: Any) -> Tensor:
    grow = torch.nn.Upsample((size, size), mode=mode, **options)
    return grow(maps.unsqueeze(1)).squeeze(1)


def _score_shares(features: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """The share of each place in the score of the picture's class, as a derivative; times the places."""
    given = features.detach().requires_grad_()
    scores = F.linear(F.adaptive_avg_pool2d(given, 1).flatten(1), weight)
    (slope,) = torch.autograd.grad(-F.nll_loss(scores, labels.long(), reduction="sum"), given)
    return torch.linalg.vecdot(slope, features, dim=1) * features[0, 0].numel()


def _cam(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, *, size: int) -> Tensor:
    return _enlarge(_score_shares(features, weight, labels), size)


def _cam_of_rows(rows: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Predict:
    """A mistake: other weights of the channels."""

    def predict(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, *, size: int) -> Tensor:
        return _enlarge(_weighted(features, rows(features, weight, bias, labels.long())), size)

    return predict


def _cam_then(change: Callable[[Tensor, Tensor], Tensor]) -> Predict:
    """A mistake: the small maps are changed; the bias of each picture's class is at hand."""

    def predict(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, *, size: int) -> Tensor:
        own = bias[labels.long(), None, None]
        return _enlarge(change(_score_shares(features, weight, labels), own), size)

    return predict


def _cam_enlarged_by(enlarge: Callable[[Tensor, int], Tensor]) -> Predict:
    def predict(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, *, size: int) -> Tensor:
        return enlarge(_score_shares(features, weight, labels), size)

    return predict


def _scaled_to_one(values: Any) -> bool:
    """Maps between 0 and 1 that reach 1, or nearly, where they are enlarged afterwards."""
    if not isinstance(values, np.ndarray) or values.ndim != 3 or values.dtype.kind != "f" or not values.size:
        return False
    highest = values.max((1, 2))
    return bool(values.min() >= 0 and values.max() <= 1 + 1e-6 and (highest > 0.8).all())


SCALED = (
    "the maps are scaled to between 0 and 1",
    "That is done for drawing, and a drawing does it by itself. The formula has no division: how strong the "
    "evidence is would be lost.",
)


def _best(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    return weight[F.linear(features.mean((2, 3)), weight, bias).argmax(1)]


def _column(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    if weight.shape[0] != weight.shape[1]:
        raise RuntimeError("the sizes of the tensors must match")
    return weight.T[labels]


def _signed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], size=shape) * rng.integers(3, 20, size=shape) / 10


def _maps_case(rng: np.random.Generator, n: int, c: int, side: int, classes: int, size: int) -> Case:
    """The label of a picture is neither 0, nor its number, nor the class with the highest score.

    And no two pictures have the same. Features are partly near 0, as behind a ReLU.
    """
    while True:
        weight, bias = _signed(rng, classes, c), _signed(rng, classes)
        features = np.where(rng.random((n, c, side, side)) < 0.5, 0.1, 3) * rng.uniform(0.3, 1, (1,))
        features = (features * rng.uniform(0.5, 1, features.shape)).round(2)
        labels = rng.permutation(np.arange(1, classes))[:n]
        scores = features.mean((2, 3)) @ weight.T + bias
        maps = _weighted(*map(torch.from_numpy, (features, weight[labels])))
        negative = bool((maps < -0.05).flatten(1).any(1).all())
        if (
            negative
            and not (np.isin(labels, 0) | (labels == np.arange(n)) | (labels == scores.argmax(1))).any()
        ):
            return case(features, weight, bias, labels, size=size)


def _cam_one(rng: np.random.Generator) -> Iterator[Case]:
    yield _maps_case(rng, 1, 3, 2, 3, 2)
    yield _maps_case(rng, 1, 3, 3, 3, 3)
    yield _maps_case(rng, 1, 4, 2, 4, 2)


def _cam_several(rng: np.random.Generator) -> Iterator[Case]:
    yield _maps_case(rng, 2, 4, 2, 4, 2)
    yield _maps_case(rng, 3, 5, 3, 5, 3)
    yield _maps_case(rng, 2, 5, 3, 4, 3)


def _cam_enlarged(rng: np.random.Generator) -> Iterator[Case]:
    yield _maps_case(rng, 1, 3, 2, 3, 4)
    yield _maps_case(rng, 2, 4, 3, 4, 7)


MAP_ALL = (ONE, SEVERAL, ENLARGED)

CAM = Exercise(
    name="class_activation_map",
    notebook=NOTEBOOK,
    asked="maps",
    reference=_cam,
    probe="with_tensors",
    groups=(
        Group(ONE, 2, _cam_one),
        Group(SEVERAL, 1, _cam_several),
        Group(ENLARGED, 2, _cam_enlarged),
    ),
    misconceptions=(
        Misconception(
            "the map is not enlarged",
            "It still has the height and width of the features. The picture is larger: `size` says how "
            "large.",
            _cam_enlarged_by(lambda maps, size: maps),
            (ENLARGED,),
        ),
        Misconception(
            "the map is enlarged by copying the nearest number",
            "The text asks for bilinear; what does `F.interpolate` do when no mode is named?",
            _cam_enlarged_by(lambda maps, size: _enlarge(maps, size, "nearest")),
            (ENLARGED,),
        ),
        Misconception(
            "corners are aligned while enlarging",
            "Leave `align_corners` as it is: a number stands for a whole square of the picture, not for a "
            "point on its edge.",
            _cam_enlarged_by(lambda maps, size: _enlarge(maps, size, align_corners=True)),
            (ENLARGED,),
        ),
        Misconception(
            "the weights of class 0 are taken for every picture",
            "Which class is asked for stands in `labels`, one number for each picture.",
            _cam_of_rows(lambda features, weight, bias, labels: weight[0 * labels]),
            MAP_ALL,
        ),
        Misconception(
            "the row of the weight is the number of the picture, not its label",
            "`weight` has a row for each class. Picture number 2 may well show class 7: `labels` knows.",
            _cam_of_rows(lambda features, weight, bias, labels: weight[: len(labels)]),
            MAP_ALL,
        ),
        Misconception(
            "all pictures get the weights of the first picture's class",
            "`labels` has one class for each picture; yours looks at the first one only.",
            _cam_of_rows(lambda features, weight, bias, labels: weight[labels[:1].expand(len(labels))]),
            (SEVERAL, ENLARGED),
        ),
        Misconception(
            "the weights are those of the class with the highest score",
            "That is a good question to ask a network, but here the class is given: `labels`.",
            _cam_of_rows(_best),
            MAP_ALL,
        ),
        Misconception(
            "a column of the weight is taken instead of a row",
            "`weight` is (classes, K): the first index is the class.",
            _cam_of_rows(_column),
            MAP_ALL,
        ),
        Misconception(
            "the channels are added up without weights",
            "That shows where anything is at all. What makes it the map of *one class* are the weights w_k.",
            _cam_of_rows(lambda features, weight, bias, labels: torch.ones_like(weight[labels])),
            MAP_ALL,
        ),
        Misconception(
            "the bias is added",
            "The bias belongs to the score, and to no place: it lifts the whole map by the same amount.",
            _cam_then(lambda maps, bias: maps + bias),
            MAP_ALL,
        ),
        Misconception(
            "the mean over the channels instead of the sum",
            "The formula has a sum over k, and nothing divides it.",
            _cam_of_rows(lambda features, weight, bias, labels: weight[labels] / weight.shape[1]),
            MAP_ALL,
        ),
        Misconception(
            "the map is divided by the number of places",
            "The score is the *mean* of the map: the division by hw stands outside of it.",
            _cam_then(lambda maps, bias: maps / maps[0].numel()),
            MAP_ALL,
        ),
        Misconception(
            *SCALED,
            fails=MAP_ALL,
            recognise=lambda given, outcome: _scaled_to_one(outcome.value),
        ),
        Misconception(
            "a ReLU cuts off what is negative",
            "That comes with Grad-CAM. A class activation map keeps what speaks against the class.",
            _cam_then(lambda maps, bias: maps.relu()),
            MAP_ALL,
        ),
        Misconception(
            "the maps keep an axis of length 1",
            "The numbers are right. `F.interpolate` wants (N, 1, h, w), but (N, size, size) is asked for: "
            "take the axis away again.",
            _cam_enlarged_by(lambda maps, size: _enlarge(maps, size).unsqueeze(1)),
            MAP_ALL,
        ),
    ),
)


# --- grad_cam -----------------------------------------------------------------------------------------------

ASLEEP = "a network that does not train"


@dataclass(frozen=True)
class _Seen:
    """One call: features, and the tail as a function of them."""

    features: Tensor
    second: Tensor
    head: Tensor
    labels: Tensor
    size: int
    frozen: bool

    def scores(self, features: Tensor) -> Tensor:
        inner = F.conv2d(features, self.second, padding=self.second.shape[-1] // 2).relu()
        return F.linear(inner.mean((2, 3)), self.head)

    def own(self, scores: Tensor) -> Tensor:
        """The score of each picture's class."""
        return torch.take_along_dim(scores, self.labels[:, None], 1)[:, 0]

    def slope(self, of: Callable[[Tensor], Tensor]) -> Tensor:
        """The gradient of a function of the scores, (N, C, h, w)."""
        leaf = self.features.detach().requires_grad_()
        return torch.autograd.grad(of(self.scores(leaf)).sum(), leaf)[0]

    @property
    def alpha(self) -> Tensor:
        """How the own score grows when a whole channel does: forward, one channel after the other."""
        _, channels, height, width = self.features.shape
        grown = []
        for channel in range(channels):
            way = torch.zeros_like(self.features)
            way[:, channel] = 1 / (height * width)
            grown.append(torch.func.jvp(lambda f: self.own(self.scores(f)), (self.features,), (way,))[1])
        return torch.stack(grown, 1)

    def map_of(self, rows: Tensor) -> Tensor:
        return _enlarge(_weighted(self.features, rows).relu(), self.size)


def _when_seen(rule: Callable[[_Seen], Any]) -> Predict:
    def predict(
        x: Tensor,
        first: Tensor,
        second: Tensor,
        head: Tensor,
        labels: Tensor,
        *,
        size: int,
        frozen: bool = False,
    ) -> Any:
        features = F.conv2d(x, first, padding=first.shape[-1] // 2).relu()
        return rule(_Seen(features, second, head, labels.long(), size, frozen))

    return predict


def _rows_by(slope: Callable[[_Seen], Tensor]) -> Predict:
    """A mistake: the weights of the channels are the means of other gradients."""
    return _when_seen(lambda at: at.map_of(slope(at).mean((2, 3))))


def _needs_gradient(at: _Seen) -> Any:
    if at.frozen:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    return at.map_of(at.alpha)


def _relu_last(at: _Seen) -> Tensor:
    return _enlarge(_weighted(at.features, at.alpha), at.size).relu()


def _grad_case(rng: np.random.Generator, n: int, side: int, size: int, **options: Any) -> Case:
    """Redrawn until every mistake makes a difference: the map has both signs, and no score is all."""
    c, k, m, classes, kernel = (1, 2, 2, 2, 1) if side < 3 else (2, 3, 4, 4, 3)  # 54 numbers in a kernel
    while True:
        x = _signed(rng, n, c, side, side)
        first, second = _signed(rng, k, c, kernel, kernel), _signed(rng, m, k, 1, 1)
        head, labels = _signed(rng, classes, m), rng.integers(0, classes, n)
        drawn = case(x, first, second, head, labels, size=size, **options)
        if _telling(drawn):
            return drawn


def _telling(drawn: Case) -> bool:
    given = [torch.from_numpy(array) for array in drawn.args]
    seen: list[_Seen] = []
    _when_seen(seen.append)(*given, size=drawn.kwargs["size"])
    at = seen[0]
    alpha, scores = at.slope(at.own).mean((2, 3)), at.scores(at.features)
    raw = _weighted(at.features, alpha)
    alike = (alpha - at.slope(lambda scores: scores).mean((2, 3))).abs().amax(1).min() < 0.05
    mixed = bool(((raw > 0.1).flatten(1).any(1) & (raw < -0.1).flatten(1).any(1)).all())
    signs = bool(((alpha > 0.03).any(1) & (alpha < -0.03).any(1)).all())
    second_best = bool((scores.argmax(1) != at.labels).all())
    unequal = bool((at.features.flatten(2).amax(2) > 0.1).all())
    apart = len(at.labels) == 1 or len(at.labels.unique()) > 1
    return mixed and signs and second_best and unequal and apart and not bool(alike)


def _grad_one(rng: np.random.Generator) -> Iterator[Case]:
    yield _grad_case(rng, 1, 2, 2)
    yield _grad_case(rng, 1, 4, 4)


def _grad_several(rng: np.random.Generator) -> Iterator[Case]:
    yield _grad_case(rng, 2, 3, 3)
    yield _grad_case(rng, 3, 4, 4)


def _grad_enlarged(rng: np.random.Generator) -> Iterator[Case]:
    yield _grad_case(rng, 1, 3, 6)
    yield _grad_case(rng, 2, 4, 7)


def _grad_asleep(rng: np.random.Generator) -> Iterator[Case]:
    yield _grad_case(rng, 1, 2, 2, frozen=True)
    yield _grad_case(rng, 2, 3, 3, frozen=True)


GRAD_ALL = (*MAP_ALL, ASLEEP)

GRAD_CAM = Exercise(
    name="grad_cam",
    notebook=NOTEBOOK,
    asked="maps",
    reference=_when_seen(lambda at: at.map_of(at.alpha)),
    also_accepted=(_when_seen(_relu_last),),
    arguments=("x", "first", "second", "head", "labels"),
    probe="map_by_gradient",
    groups=(
        Group(ONE, 2, _grad_one),
        Group(SEVERAL, 2, _grad_several),
        Group(ENLARGED, 1, _grad_enlarged),
        Group(ASLEEP, 1, _grad_asleep),
    ),
    misconceptions=(
        Misconception(
            "there is no ReLU",
            "What is negative speaks against the class. The formula cuts it off in the end.",
            _when_seen(lambda at: _enlarge(_weighted(at.features, at.alpha), at.size)),
            GRAD_ALL,
        ),
        Misconception(
            "the gradients are averaged over the channels instead of the places",
            "There is one weight for each channel, so the mean runs over height and width: which axes are "
            "these in (N, C, h, w)?",
            _when_seen(
                lambda at: _enlarge((at.features * at.slope(at.own).mean(1, True)).sum(1).relu(), at.size)
            ),
            GRAD_ALL,
        ),
        Misconception(
            "the gradients are averaged over the batch, too",
            "Each picture has weights of its own: axis 0 is no place.",
            _when_seen(lambda at: at.map_of(at.alpha.mean(0, True).expand_as(at.alpha))),
            (SEVERAL, ENLARGED, ASLEEP),
        ),
        Misconception(
            "the gradients are added up over the places, not averaged",
            "The formula divides by the number of places, so that a large map does not get larger weights.",
            _when_seen(lambda at: at.map_of(at.alpha * at.features[0, 0].numel())),
            GRAD_ALL,
        ),
        Misconception(
            "gradients and features are multiplied place by place, without a mean",
            "First one number for each channel: the mean of its gradient. Then it weighs the whole channel.",
            _when_seen(lambda at: _enlarge((at.features * at.slope(at.own)).sum(1).relu(), at.size)),
            GRAD_ALL,
        ),
        Misconception(
            "it is the gradient of the probability, not of the score",
            "Leave the softmax out: a probability also grows when other classes lose, and where it is "
            "near 1 its gradient is near 0.",
            _rows_by(lambda at: at.slope(lambda scores: at.own(scores.softmax(1)))),
            GRAD_ALL,
        ),
        Misconception(
            "it is the gradient of the loss",
            "The loss falls where the score grows, and it is small for sure answers. Take the score "
            "itself: no cross-entropy, no logarithm, no minus.",
            _rows_by(lambda at: at.slope(lambda scores: -at.own(scores.log_softmax(1)) / len(scores))),
            GRAD_ALL,
        ),
        Misconception(
            "it is the gradient of the log-probability",
            "Leave the softmax out: the score of one class, as it comes out of the tail.",
            _rows_by(lambda at: at.slope(lambda scores: at.own(scores.log_softmax(1)))),
            GRAD_ALL,
        ),
        Misconception(
            "it is the gradient of all scores together",
            "Of each picture only the score of its class counts: `labels` says which one.",
            _rows_by(lambda at: at.slope(lambda scores: scores)),
            GRAD_ALL,
        ),
        Misconception(
            "the scores of all labels are added up for each picture",
            "`scores[:, labels]` takes every label of the batch for every picture. Each picture has one "
            "label: an index for the rows, too, such as `torch.arange`, or `gather`.",
            _rows_by(lambda at: at.slope(lambda scores: scores[:, at.labels])),
            (SEVERAL, ENLARGED, ASLEEP),
        ),
        Misconception(
            "the mean over the channels instead of the sum",
            "The mean in the formula is that over the places, for each channel. The channels are added up.",
            _when_seen(lambda at: at.map_of(at.alpha / at.alpha.shape[1])),
            GRAD_ALL,
        ),
        Misconception(
            "negative gradients are set to 0 before the mean",
            "The mean is over all places, with their signs; the ReLU comes once, at the end.",
            _rows_by(lambda at: at.slope(at.own).relu()),
            GRAD_ALL,
        ),
        Misconception(
            *SCALED,
            fails=GRAD_ALL,
            recognise=lambda given, outcome: _scaled_to_one(outcome.value),
        ),
        Misconception(
            "it is the gradient of the highest score",
            "That would explain the network's answer. Here the class is given: `labels`.",
            _rows_by(lambda at: at.slope(lambda scores: scores.amax(1))),
            GRAD_ALL,
        ),
        Misconception(
            "the gradient of the mean over the batch",
            "With `.mean()` every gradient shrinks as the batch grows. The scores of different pictures "
            "do not touch one another: their sum gives each picture its own gradient.",
            _rows_by(lambda at: at.slope(lambda scores: at.own(scores) / len(scores))),
            (SEVERAL, ENLARGED, ASLEEP),
        ),
        Misconception(
            "negative weights are set to 0",
            "The ReLU comes after the channels are added up. A channel that speaks against the class must "
            "be able to do so.",
            _when_seen(lambda at: at.map_of(at.alpha.relu())),
            GRAD_ALL,
        ),
        Misconception(
            "the map is not enlarged",
            "It still has the height and width of the features. The picture is larger: `size` says how "
            "large.",
            _when_seen(lambda at: _weighted(at.features, at.alpha).relu()),
            (ENLARGED,),
        ),
        Misconception(
            "the features have no gradient in a frozen network",
            "Where no parameter trains, PyTorch records nothing. Ask for it yourself: features as a "
            "tensor of their own that requires a gradient, and from there through the tail.",
            _when_seen(_needs_gradient),
            (ASLEEP,),
        ),
    ),
)


# --- pointing_game ------------------------------------------------------------------------------------------

FEW, MORE = "few pictures", "more pictures"


def _hits(maps: Tensor, masks: Tensor) -> Tensor:
    """For each picture whether its highest number lies in its mask: the highest inside is as high as any."""
    inside = maps.masked_fill(~masks, -torch.inf).amax((1, 2))
    return inside >= maps.amax((1, 2))


def _game(maps: Tensor, masks: Tensor) -> float:
    return _hits(maps, masks).double().mean().item()


def _one_peak(maps: Tensor, masks: Tensor) -> float:
    """The highest number of the whole batch is the only one that counts."""
    inside = maps.masked_fill(~masks, -torch.inf).amax((1, 2))
    return (inside >= maps.max()).double().mean().item()


def _mirrored(maps: Tensor, masks: Tensor) -> float:
    """Row and column are exchanged."""
    return _game(maps, masks.transpose(1, 2))


def _weight_inside(maps: Tensor, masks: Tensor) -> float:
    """The part of each map's sum that lies inside."""
    return ((maps * masks).sum((1, 2)) / maps.sum((1, 2))).mean().item()


def _counted(maps: Tensor, masks: Tensor) -> float:
    return float(_hits(maps, masks).sum())


def _in_per_cent(maps: Tensor, masks: Tensor) -> float:
    return 100 * _game(maps, masks)


GAME_MISTAKES = (_mirrored, _one_peak, _weight_inside, _counted, _in_per_cent)


def _game_case(rng: np.random.Generator, n: int, side: int) -> Case:
    """Redrawn until some pictures are hits and some are not, and no two mistakes give the same."""
    while True:
        maps = (1 + rng.permutation(n * side * side).reshape(n, side, side)) / 10
        masks = rng.random((n, side, side)) < 0.5
        given = torch.from_numpy(maps), torch.from_numpy(masks)
        told = {round(function(*given), 6) for function in (_game, *GAME_MISTAKES)}
        if len(told) == 1 + len(GAME_MISTAKES) and 0 < _game(*given) < 1:
            return case(maps, masks)


def _games(rng: np.random.Generator) -> Iterator[Case]:
    yield _game_case(rng, 3, 2)
    yield _game_case(rng, 4, 3)


def _larger_games(rng: np.random.Generator) -> Iterator[Case]:
    yield _game_case(rng, 11, 5)
    yield _game_case(rng, 7, 6)


GAME = Exercise(
    name="pointing_game",
    notebook=NOTEBOOK,
    asked="the share of pictures",
    reference=_game,
    probe="with_tensors",
    groups=(Group(FEW, 2, _games), Group(MORE, 1, _larger_games)),
    misconceptions=(
        Misconception(
            "row and column of the peak are exchanged",
            "The place in a flat map is row * width + column. Which of the two is the remainder, and "
            "which comes first in `masks[n, ...]`?",
            _mirrored,
            (FEW, MORE),
        ),
        Misconception(
            "there is one peak for the whole batch",
            "Every map has a highest number of its own: over which axes is the maximum?",
            _one_peak,
            (FEW, MORE),
        ),
        Misconception(
            "the part of the map's sum that lies inside is taken",
            "The game asks a simpler question: is the *highest* number inside, yes or no?",
            _weight_inside,
            (FEW, MORE),
        ),
        Misconception(
            "hits are counted, but not divided by the number of pictures",
            "A share lies between 0 and 1.",
            _counted,
            (FEW, MORE),
        ),
        Misconception(
            "the share is given in per cent",
            "A number from 0 to 1 is asked for: `:.0%` writes it as per cent.",
            _in_per_cent,
            (FEW, MORE),
        ),
    ),
)

EXERCISES = (NEW_HEAD, GROUPS, MODES, CAM, GRAD_CAM, GAME)
