"""Exercises of notebook 12: an honest split, several looks and several networks, and what a score says.

References take other ways than a student would: a flipped picture is a flipped network, the ends of an
interval are searched for, ranks are looked up in sorted lists. What the predictions are worth is not decided
here but by who has the labels (`HandedIn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cs_utils.checking import Case, Exercise, Group, Misconception, Outcome, case
from cs_utils.checking.handed_in import LATER, Complaint, HandedIn
from cs_utils.checking.leaderboard_probes import NO_GRAPH

NOTEBOOK = "12_leaderboard"
Predict = Callable[..., Any]
Makes = Callable[[np.random.Generator], Iterator[Case]]


# --- stratified_split ---------------------------------------------------------------------------------------

ONCE, SHARES, DRAWN = "every picture once", "its share of every class", "drawn with the generator"


class _Split:
    """What came back of one case. Positions are those in `labels`."""

    def __init__(self, given: Case, outcome: Outcome) -> None:
        self.labels, self.fraction = given.args
        found: Any = outcome.value
        parts = [found[name] for name in ("train", "validation", "same state", "another state")]
        self.train, self.validation, self.again, self.other = (np.asarray(part) for part in parts)
        self.mixed = bool(found["labels changed"])

    @property
    def positions(self) -> bool:
        """Are both parts lists of positions?"""
        n = len(self.labels)
        return all(
            part.ndim == 1
            and part.dtype.kind in "iu"
            and (not part.size or (part.min() >= 0 and part.max() < n))
            for part in (self.train, self.validation)
        )

    @property
    def whole(self) -> bool:
        both = np.sort(np.concatenate([self.train, self.validation])) if self.positions else np.empty(0)
        return np.array_equal(both, np.arange(len(self.labels)))

    def counts(self, part: np.ndarray) -> np.ndarray:
        """Of each class."""
        return np.bincount(self.labels[part], minlength=self.labels.max() + 1)

    @property
    def wanted(self) -> np.ndarray:
        """Unrounded: how much of each class is for validation."""
        return self.fraction * np.bincount(self.labels)

    def has(self, part: np.ndarray, wanted: np.ndarray) -> bool:
        return np.array_equal(self.counts(part), wanted)

    @property
    def of_the_beginning(self) -> bool:
        """Are the validation pictures the first ones of each class?"""
        return all(
            set(chosen) == set(np.flatnonzero(self.labels == label)[: len(chosen)])
            for label in np.unique(self.labels)
            for chosen in [self.validation[self.labels[self.validation] == label]]
        )

    @property
    def same(self) -> bool:
        """With generators in the same state, the same pictures."""
        return _as_sets(self.validation, self.again)

    @property
    def differs(self) -> bool:
        return not _as_sets(self.validation, self.other)


def _as_sets(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(np.sort(one), np.sort(other))


def _seen(given: Case, outcome: Outcome) -> _Split | None:
    try:
        return _Split(given, outcome)
    except (TypeError, KeyError, ValueError):
        return None


NO_POSITIONS = "the two parts are not arrays of positions in `labels` (whole numbers, from 0)"


def _judge_once(given: Case, outcome: Outcome) -> str | None:
    split = _seen(given, outcome)
    if split is None or not split.positions:
        return NO_POSITIONS
    if split.whole:
        return None
    if both := len(np.intersect1d(split.train, split.validation)):
        return f"{both} of {len(split.labels)} pictures are in both parts"
    missing = np.setdiff1d(np.arange(len(split.labels)), np.concatenate([split.train, split.validation]))
    for label in np.unique(split.labels[missing]):
        of, gone = ((found == label).sum() for found in (split.labels, split.labels[missing]))
        return f"{gone} of the {of} pictures of class {label} are in neither part"
    return "some pictures are twice in one part"


def _judge_shares(given: Case, outcome: Outcome) -> str | None:
    split = _seen(given, outcome)
    if split is None or not split.positions:
        return NO_POSITIONS
    found, wanted = split.counts(split.validation), np.rint(split.wanted).astype(int)
    if np.array_equal(found, wanted):
        return None
    if split.mixed:
        return "`labels` itself was changed (rng.shuffle works in place): then it no longer fits the pictures"
    label = int(np.flatnonzero(found != wanted)[0])
    of = int((split.labels == label).sum())
    return (
        f"of the {of} pictures of class {label}, {wanted[label]} are for validation, and here are "
        f"{found[label]}"
    )


def _judge_drawn(given: Case, outcome: Outcome) -> str | None:
    split = _seen(given, outcome)
    if split is None or not split.positions or not split.validation.size:
        return NO_POSITIONS
    if not split.same:
        return "two generators in the same state gave different splits"
    return None if split.differs else "two generators in different states gave the same split"


def _recognised(holds: Callable[[_Split], bool]) -> Callable[[Case, Outcome], bool]:
    def recognise(given: Case, outcome: Outcome) -> bool:
        split = _seen(given, outcome)
        return split is not None and bool(holds(split))

    return recognise


def _labels_returned(split: _Split) -> bool:
    """The parts hold as many of each label as the right positions would."""
    wanted = np.rint(split.wanted).astype(int)
    return split.positions and np.array_equal(np.bincount(split.validation, minlength=len(wanted)), wanted)


def _of_all_classes(split: _Split) -> bool:
    total = np.rint(split.fraction * len(split.labels))
    near = abs(split.counts(split.validation) - split.wanted).max() < 1 if split.whole else False
    by_luck = near and len(split.labels) < 100  # with more pictures all shares are right only on purpose
    as_many = split.whole and abs(len(split.validation) - total) <= 1
    return as_many and (by_luck or not near) and not split.mixed and not _exchanged(split)


def _exchanged(split: _Split) -> bool:
    return split.positions and split.has(split.train, np.rint(split.wanted))


def _rounded_down(split: _Split) -> bool:
    return split.positions and split.has(split.validation, np.floor(split.wanted + 1e-9))


def _rounded_up(split: _Split) -> bool:
    return split.positions and split.has(split.validation, np.ceil(split.wanted - 1e-9))


def _twice(split: _Split) -> bool:
    """Whatever is not among what was drawn is for training; by luck nothing was drawn twice in this case."""
    rest = np.setdiff1d(np.arange(len(split.labels)), split.validation)
    as_many = split.positions and split.has(split.validation, np.rint(split.wanted))
    return as_many and _as_sets(split.train, rest)


def _also_trained_on(split: _Split) -> bool:
    return split.positions and _as_sets(np.unique(split.train), np.arange(len(split.labels)))


def _not_drawn(split: _Split) -> bool:
    repeatable = split.same and split.differs
    return split.whole and not repeatable and not split.of_the_beginning


def _labelled(rng: np.random.Generator, counts: Sequence[int], fraction: float) -> Case:
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    return case(labels, fraction, seed=int(rng.integers(1, 10_000)))


def _splits(rng: np.random.Generator) -> Iterator[Case]:
    """Numbers of which one gets a share that is rounded up, one that is rounded down, and no half; in the
    last case more than ten classes, and one so small that nothing of it is for validation."""
    yield _labelled(rng, rng.permutation([8, 11]).tolist(), 0.25)
    yield _labelled(rng, rng.permutation([19, 31, 24, 43]).tolist(), 0.4)
    yield _labelled(rng, rng.permutation([33, 41, 56, 3, 21, 47, 52, 29, 2, 16, 14, 38]).tolist(), 0.2)


SPLIT = Exercise(
    name="stratified_split",
    notebook=NOTEBOOK,
    asked="two arrays of positions",
    arguments=("labels", "fraction"),
    probe="splits_made",
    groups=(
        Group(ONCE, 1, _splits, judge=_judge_once),
        Group(SHARES, 2, _splits, judge=_judge_shares),
        Group(DRAWN, 2, _splits, judge=_judge_drawn),
    ),
    misconceptions=(
        Misconception(
            "the share is taken of all pictures together, not of each class",
            "Go through the classes one by one: the positions of this class, and a share of these.",
            recognise=_recognised(_of_all_classes),
            fails=(SHARES,),
        ),
        Misconception(
            "the share is rounded down",
            "`int()` and `//` cut off what stands behind the point. Here it is rounded.",
            recognise=_recognised(_rounded_down),
            fails=(SHARES,),
        ),
        Misconception(
            "the share is rounded up",
            "`ceil` goes to the next whole number whatever stands behind the point. Here it is rounded.",
            recognise=_recognised(_rounded_up),
            fails=(SHARES,),
        ),
        Misconception(
            "training and validation are exchanged",
            "`fraction` is for validation. The training part is returned first.",
            recognise=_recognised(_exchanged),
            fails=(SHARES,),
        ),
        Misconception(
            "validation pictures are drawn with replacement",
            "A picture can come up twice when each draw is made anew: look at how you draw, and at "
            "`replace`.",
            recognise=_recognised(_twice),
            fails=(ONCE,),
        ),
        Misconception(
            "the validation pictures stay in the training part",
            "A network that has trained on a picture knows its label by heart. What goes into one part must "
            "leave the other.",
            recognise=_recognised(_also_trained_on),
            fails=(ONCE,),
        ),
        Misconception(
            "the first pictures of each class are taken",
            "Nothing is drawn here: files are often sorted by day, or by who took them, and then the first "
            "ones "
            "are alike. Mix the positions of each class before you cut.",
            recognise=_recognised(lambda split: split.positions and split.of_the_beginning),
            fails=(DRAWN,),
        ),
        Misconception(
            "something else than rng is asked for chance",
            "The generator that is handed over makes the split repeatable. Every random step must ask `rng`, "
            "and no generator that is made inside.",
            recognise=_recognised(_not_drawn),
            fails=(DRAWN,),
        ),
        Misconception(
            "labels are returned instead of positions",
            "Where does a picture stand in `labels`? These numbers are asked for; with them pictures and "
            "labels "
            "are both picked out.",
            recognise=_recognised(_labels_returned),
            fails=(ONCE, SHARES, DRAWN),
        ),
    ),
)


# --- predict_with_flips -------------------------------------------------------------------------------------

ONE, SEVERAL, TRAINS, LIGHT = (
    "one picture",
    "several pictures",
    "a model in training mode",
    "nothing is kept for a gradient",
)
HEIGHT, WIDTH = (2,), (3,)
VIEWS: tuple[tuple[int, ...], ...] = ((), HEIGHT, WIDTH, HEIGHT + WIDTH)


def _scores(
    x: Tensor,
    kernel: Tensor,
    mean: Tensor,
    var: Tensor,
    head: Tensor,
    turned: tuple[int, ...],
    own: bool = False,
) -> Tensor:
    """The scores of pictures that are flipped along axes: instead of them, the network is flipped.

    own: batch norm takes the statistics of the batch, as in training.
    """
    maps = F.conv2d(x, kernel.flip(turned), padding=1)
    maps = F.batch_norm(maps, mean.clone(), var.clone(), training=own).relu()
    places = head.unflatten(1, maps.shape[1:]).flip([axis for axis in turned if axis > 1])
    return torch.tensordot(maps, places, dims=([1, 2, 3], [1, 2, 3]))


def _looks(
    views: Sequence[tuple[int, ...]] = VIEWS,
    *,
    own: bool = False,
    then: Callable[[Tensor], Tensor] | None = None,
) -> Predict:
    """The mean over views of the probabilities, or of what `then` makes of scores (views, N, classes)."""

    def predict(
        x: Tensor, kernel: Tensor, mean: Tensor, var: Tensor, head: Tensor, *, training: bool
    ) -> Tensor:
        every = [_scores(x, kernel, mean, var, head, view, own and training) for view in views]
        scores = torch.stack(every)
        return then(scores) if then else scores.softmax(2).mean(0)

    return predict


def _network_case(rng: np.random.Generator, n: int, side: tuple[int, int], *, training: bool = False) -> Case:
    channels, inner, classes = (1, 1, 2) if n == 1 else (3, 2, 4)
    height, width = side
    x = rng.normal(0, 1, (n, channels, height, width)).round(1)
    kernel = rng.normal(0, 1, (inner, channels, 3, 3)).round(1)
    head = rng.normal(0, 1, (classes, inner * height * width)).round(1)
    mean, var = rng.normal(0, 1, inner).round(1), rng.uniform(0.5, 3, inner).round(1)
    return case(x, kernel, mean, var, head, training=training)


def _one_picture(rng: np.random.Generator) -> Iterator[Case]:
    yield _telling_network(rng, 1, (2, 2))
    yield _telling_network(rng, 1, (2, 3))


def _several_pictures(rng: np.random.Generator) -> Iterator[Case]:
    yield _telling_network(rng, 2, (3, 4))
    yield _telling_network(rng, 5, (4, 3))


def _in_training(rng: np.random.Generator) -> Iterator[Case]:
    yield _telling_network(rng, 2, (2, 3), training=True)
    yield _telling_network(rng, 4, (3, 3), training=True)


def _without_gradient(rng: np.random.Generator) -> Iterator[Case]:
    yield _telling_network(rng, 2, (2, 2))
    yield _telling_network(rng, 3, (3, 2))


def _telling_network(
    rng: np.random.Generator, n: int, side: tuple[int, int], *, training: bool = False
) -> Case:
    """Redrawn until no mistake gives nearly what is right."""
    while True:
        drawn = _network_case(rng, n, side, training=training)
        given = [torch.from_numpy(array) for array in drawn.args]
        right = _looks()(*given, training=training)
        others = [*FLIP_MISTAKES.values(), *([_TRAINING_MODE] if training else [])]
        apart = [(right - other(*given, training=training)).abs().amax() for other in others]
        if min(apart) > 0.01:
            return drawn


_TRAINING_MODE = _looks(own=True)
FLIP_MISTAKES: dict[str, Predict] = {
    "one way": _looks(((), WIDTH)),
    "none": _looks(((),)),
    "not itself": _looks(VIEWS[1:]),
    "not both": _looks(VIEWS[:3]),
    "axes": _looks(((), (1,), HEIGHT, (1, 2))),
    "scores": _looks(then=lambda scores: scores.mean(0).softmax(1)),
    "raw": _looks(then=lambda scores: scores.mean(0)),
    "sum": _looks(then=lambda scores: scores.softmax(2).sum(0)),
    "batch": _looks(then=lambda scores: scores.softmax(1).mean(0)),
    "again": _looks(then=lambda scores: scores.softmax(2).mean(0).softmax(1)),
    "largest": _looks(then=lambda scores: scores.softmax(2).amax(0)),
}
FLIP_ALL = (ONE, SEVERAL, TRAINS, LIGHT)


def _with_graph(word: str) -> Callable[[Predict], Predict]:
    return lambda predict: lambda *given, **options: [predict(*given, **options), word]


FLIPS = Exercise(
    name="predict_with_flips",
    notebook=NOTEBOOK,
    asked="probabilities",
    reference=_looks(),
    arguments=("x", "kernel", "running_mean", "running_var", "head"),
    probe="flips_looked_at",
    groups=(
        Group(ONE, 1, _one_picture),
        Group(SEVERAL, 2, _several_pictures),
        Group(TRAINS, 2, _in_training),
        Group(LIGHT, 1, _without_gradient, probe="flips_and_graph", lift=_with_graph(NO_GRAPH)),
    ),
    misconceptions=(
        Misconception(
            "only the picture itself is looked at",
            "There are four looks: as it is, left and right exchanged, upside down, and both.",
            FLIP_MISTAKES["none"],
            FLIP_ALL,
        ),
        Misconception(
            "only left and right are exchanged",
            "Two looks are missing: those that are upside down.",
            FLIP_MISTAKES["one way"],
            FLIP_ALL,
        ),
        Misconception(
            "the picture as it is is left out",
            "It is one of the four looks.",
            FLIP_MISTAKES["not itself"],
            FLIP_ALL,
        ),
        Misconception(
            "the look with both flips is missing",
            "Upside down *and* left and right exchanged is a fourth picture.",
            FLIP_MISTAKES["not both"],
            FLIP_ALL,
        ),
        Misconception(
            "channels are flipped instead of width",
            "In (N, C, H, W) the axes are counted from 0: which two are height and width?",
            FLIP_MISTAKES["axes"],
            FLIP_ALL,
        ),
        Misconception(
            "scores are averaged, and the softmax comes last",
            "Each look makes probabilities of its own. These are averaged.",
            FLIP_MISTAKES["scores"],
            FLIP_ALL,
        ),
        Misconception(
            "scores come back instead of probabilities",
            "What the model puts out are scores. A softmax makes probabilities of them.",
            FLIP_MISTAKES["raw"],
            FLIP_ALL,
        ),
        Misconception(
            "the looks are added up, not averaged",
            "Probabilities of one picture add up to 1. Do yours?",
            FLIP_MISTAKES["sum"],
            FLIP_ALL,
        ),
        Misconception(
            "the softmax runs over the pictures instead of the classes",
            "The probabilities of *one picture* add up to 1: which axis are the classes?",
            FLIP_MISTAKES["batch"],
            FLIP_ALL,
        ),
        Misconception(
            "a second softmax is made of the mean",
            "The mean of probabilities adds up to 1 already; another softmax makes the classes nearly equal.",
            FLIP_MISTAKES["again"],
            FLIP_ALL,
        ),
        Misconception(
            "the highest probability of the four looks is taken",
            "These do not add up to 1. All four looks count the same.",
            FLIP_MISTAKES["largest"],
            FLIP_ALL,
        ),
        Misconception(
            "the model is not put into evaluation mode",
            "In training mode batch norm looks at the other pictures of the batch, and dropout throws dice. "
            "Who "
            "brings the model into the right mode?",
            _TRAINING_MODE,
            (TRAINS,),
        ),
        Misconception(
            "what is needed for a gradient is kept",
            "Nobody trains here, but PyTorch cannot know: every look keeps all its layers' outputs. One word "
            "around the computation (or above the function) says so.",
            # Seen in one group only, whose lift says that there is none.
            recognise=lambda given, outcome: _graph_kept(outcome),
            fails=(LIGHT,),
        ),
    ),
)


def _graph_kept(outcome: Outcome) -> bool:
    found: Any = outcome.value
    return isinstance(found, list) and len(found) == 2 and isinstance(found[1], str) and found[1] != NO_GRAPH


# --- ensemble -----------------------------------------------------------------------------------------------

EQUAL, WEIGHTED = "equal weights", "given weights"


def _running_mean(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    """One network after the other moves the mean by its part of the weight so far."""
    weight = torch.ones(len(probabilities)) if weights is None else weights
    mean, total = torch.zeros_like(probabilities[0]), 0.0
    for one, own in zip(probabilities, weight.tolist(), strict=True):
        total += own
        mean = torch.lerp(mean, one, own / total)
    return mean


def _combined(rule: Callable[[Tensor, Tensor], Tensor]) -> Predict:
    """A mistake: (probabilities, weights, adding up to 1) -> what comes back."""

    def predict(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
        weight = torch.ones(len(probabilities)).double() if weights is None else weights
        return rule(probabilities, F.normalize(weight, p=1, dim=0))

    return predict


def _spread(weight: Tensor) -> Tensor:
    return weight[:, None, None]


def _voted(probabilities: Tensor, weight: Tensor) -> Tensor:
    return (F.one_hot(probabilities.argmax(2), probabilities.shape[2]) * _spread(weight)).sum(0)


def _multiplied(probabilities: Tensor, weight: Tensor) -> Tensor:
    return (probabilities.log() * _spread(weight)).sum(0).softmax(1)


def _not_normalised(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    if weights is None:
        return _running_mean(probabilities)
    return (probabilities * _spread(weights)).sum(0)


def _by_their_number(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    return _not_normalised(probabilities, weights) / (1 if weights is None else len(probabilities))


def _over_pictures(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    return torch.movedim(probabilities, 0, 1).mean(0)


ENSEMBLE_MISTAKES: dict[str, Predict] = {
    "vote": _combined(_voted),
    "product": _combined(_multiplied),
    "softmax": _combined(lambda p, weight: (p * _spread(weight)).sum(0).softmax(1)),
    "largest": lambda probabilities, weights=None: probabilities.amax(0),
    "sum": lambda probabilities, weights=None: _running_mean(probabilities, weights) * len(probabilities),
}
WEIGHT_MISTAKES: dict[str, Predict] = {
    "ignored": lambda probabilities, weights=None: _running_mean(probabilities),
    "raw": _not_normalised,
    "number": _by_their_number,
}


def _ensemble_case(
    rng: np.random.Generator, networks: int, n: int, classes: int, weighted: bool = False
) -> Case:
    while True:
        parts = rng.gamma(0.6, 1.0, (networks, n, classes)) + 0.02
        probabilities = parts / parts.sum(2, keepdims=True)
        weights = [rng.permutation([1.0, 2.0, 4.0, 3.0, 5.0])[:networks]] if weighted else []
        given = [torch.from_numpy(array) for array in (probabilities, *weights)]
        mistakes = [*ENSEMBLE_MISTAKES.values(), *(WEIGHT_MISTAKES.values() if weighted else ())]
        right = _running_mean(*given)
        if min((right - mistake(*given)).abs().amax() for mistake in mistakes) > 0.01:
            return case(probabilities, *weights)


def _equal(rng: np.random.Generator) -> Iterator[Case]:
    yield _ensemble_case(rng, 2, 1, 3)
    yield _ensemble_case(rng, 3, 4, 2)
    yield _ensemble_case(rng, 5, 6, 10)


def _with_weights(rng: np.random.Generator) -> Iterator[Case]:
    yield _ensemble_case(rng, 2, 1, 3, weighted=True)
    yield _ensemble_case(rng, 4, 5, 3, weighted=True)


BOTH = (EQUAL, WEIGHTED)

ENSEMBLE = Exercise(
    name="ensemble",
    notebook=NOTEBOOK,
    asked="probabilities",
    reference=_running_mean,
    arguments=("probabilities", "weights"),
    probe="with_tensors",
    groups=(Group(EQUAL, 2, _equal), Group(WEIGHTED, 2, _with_weights)),
    misconceptions=(
        Misconception(
            "every network has one vote",
            "A vote forgets how sure a network was. The text averages probabilities.",
            ENSEMBLE_MISTAKES["vote"],
            BOTH,
        ),
        Misconception(
            "probabilities are multiplied, or their logarithms averaged",
            "That is another rule: one network that is sure that it is *not* a ring decides alone. The text "
            "averages the probabilities themselves.",
            ENSEMBLE_MISTAKES["product"],
            BOTH,
        ),
        Misconception(
            "the highest probability of any network is taken",
            "These do not add up to 1. All networks are asked, not only the surest.",
            ENSEMBLE_MISTAKES["largest"],
            BOTH,
        ),
        Misconception(
            "the probabilities are added up, not averaged",
            "Each row of the result must add up to 1.",
            ENSEMBLE_MISTAKES["sum"],
            BOTH,
        ),
        Misconception(
            "a softmax is made of probabilities",
            "What comes in are probabilities already; a second softmax makes them nearly equal.",
            ENSEMBLE_MISTAKES["softmax"],
            BOTH,
        ),
        Misconception(
            "the mean runs over the pictures instead of the networks",
            "The first axis are the networks. It is the one that goes away.",
            _over_pictures,
            BOTH,
        ),
        Misconception(
            "the weights are not used",
            "A network of weight 2 counts like two networks of weight 1.",
            WEIGHT_MISTAKES["ignored"],
            (WEIGHTED,),
        ),
        Misconception(
            "the weights are not made to add up to 1",
            "Weights 2 and 1 mean two thirds and one third. What must the weighted sum be divided by?",
            WEIGHT_MISTAKES["raw"],
            (WEIGHTED,),
        ),
        Misconception(
            "the weighted sum is divided by the number of networks",
            "Weights 2 and 1 mean two thirds and one third: it is not how many there are that divides.",
            WEIGHT_MISTAKES["number"],
            (WEIGHTED,),
        ),
    ),
)


# --- wilson_interval ----------------------------------------------------------------------------------------

USUAL, ENDS, SURER = "some right, some wrong", "none or all right", "another z"


def _end(share: float, n: int, z: float, outer: float) -> float:
    """Where the distance to the share is z standard errors: between the share and 0 or 1, by halving."""
    inner = share
    for _ in range(80):
        middle = (inner + outer) / 2
        if (share - middle) ** 2 <= z * z * middle * (1 - middle) / n:
            inner = middle
        else:
            outer = middle
    return inner


def _interval(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    return _end(correct / n, n, z, 0.0), _end(correct / n, n, z, 1.0)


def _wald(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """The textbook's: the standard error at what was found."""
    deviation = torch.distributions.Bernoulli(torch.tensor(correct / n).double()).stddev.item()
    return correct / n - z * deviation / n**0.5, correct / n + z * deviation / n**0.5


def _around(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """The right width around the share itself."""
    low, high = _interval(correct, n, z=z)
    return correct / n - (high - low) / 2, correct / n + (high - low) / 2


def _stretched(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """Nothing is divided by 1 + z^2 / n."""
    return tuple(end * (1 + z * z / n) for end in _interval(correct, n, z=z))  # type: ignore[return-value]


def _fixed_z(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    return _interval(correct, n)


def _in_percent(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    return tuple(100 * end for end in _interval(correct, n, z=z))  # type: ignore[return-value]


def _middle_and_half(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    low, high = _interval(correct, n, z=z)
    return (low + high) / 2, (high - low) / 2


def _scaled(
    centre: Callable[[float, int], float] = lambda z, n: 1.0,
    width: Callable[[float, int], float] = lambda z, n: 1.0,
    shift: Callable[[float, int], float] = lambda z, n: 0.0,
) -> Predict:
    """A mistake: middle and half width times something, and the middle moved."""

    def predict(correct: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
        found, beside = _middle_and_half(correct, n, z=z)
        found, beside = found * centre(z, n) + shift(z, n), beside * width(z, n)
        return found - beside, found + beside

    return predict


def _below(z: float, n: int) -> float:
    return 1 + z * z / n


_multiplied_by_n = _scaled(shift=lambda z, n: z * z / 2 * (n - 1 / n) / _below(z, n))


def _wilson_case(rng: np.random.Generator, n: int, z: float | None = None) -> Case:
    """A share well away from one half, where the middle is moved, and from the ends."""
    correct = int(rng.choice([k for k in range(-(-n // 4), 3 * n // 4 + 1) if abs(2 * k - n) > n / 8]))
    return case(correct, n, **({} if z is None else {"z": z}))


def _usual(rng: np.random.Generator) -> Iterator[Case]:
    for n in (20, 25, 40):
        yield _wilson_case(rng, n)


def _ends(rng: np.random.Generator) -> Iterator[Case]:
    n = int(rng.integers(8, 30))
    yield case(0, n)
    yield case(n, n)


def _surer(rng: np.random.Generator) -> Iterator[Case]:
    yield _wilson_case(rng, 12, z=1.0)
    yield _wilson_case(rng, 50, z=2.576)


WILSON_ALL = (USUAL, ENDS, SURER)

WILSON = Exercise(
    name="wilson_interval",
    notebook=NOTEBOOK,
    asked="the lower and the upper end",
    reference=_interval,
    arguments=("correct", "n"),
    parts=("low", "high"),
    groups=(Group(USUAL, 2, _usual), Group(ENDS, 1, _ends), Group(SURER, 1, _surer)),
    misconceptions=(
        Misconception(
            "it is the textbook's interval, not Wilson's",
            "The share plus and minus z standard errors: that is too narrow for few pictures, and has no "
            "width at "
            "all when everything is right. The formula above has a middle of its own.",
            _wald,
            WILSON_ALL,
        ),
        Misconception(
            "the middle is the share itself",
            "The middle is pulled towards one half, the more the fewer pictures there are: the first term of "
            "the "
            "formula has two parts.",
            _around,
            WILSON_ALL,
        ),
        Misconception(
            "nothing is divided by 1 + z²/n",
            "It stands below both terms, the middle and the half width.",
            _stretched,
            WILSON_ALL,
        ),
        Misconception(
            "z²/2 is multiplied by n instead of divided",
            "Python goes from left to right: `a / 2 * n` divides by 2 and multiplies by n. Brackets.",
            _multiplied_by_n,
            WILSON_ALL,
        ),
        Misconception(
            "z before the root is forgotten",
            "The half width is z standard errors: look at what stands before the root in the formula.",
            _scaled(width=lambda z, n: 1 / z),
            WILSON_ALL,
        ),
        Misconception(
            "the middle is not divided by 1 + z²/n",
            "It stands below both terms. Here it is missing below the first, or a bracket is.",
            _scaled(centre=_below),
            WILSON_ALL,
        ),
        Misconception(
            "the half width is not divided by 1 + z²/n",
            "It stands below both terms. Here it is missing below the second.",
            _scaled(width=_below),
            WILSON_ALL,
        ),
        Misconception(
            "z is 1.96 whatever is asked for",
            "There is an argument z.",
            _fixed_z,
            (SURER,),
        ),
        Misconception(
            "the ends are in percent",
            "A share lies between 0 and 1.",
            _in_percent,
            WILSON_ALL,
        ),
        Misconception(
            "middle and half width come back instead of the two ends",
            "One step is missing: middle minus half width, and middle plus half width.",
            _middle_and_half,
            WILSON_ALL,
        ),
    ),
)


# --- ladder_step --------------------------------------------------------------------------------------------

FIRST, WORSE, CHANCE, BETTER = "the first upload", "not better", "better by chance", "clearly better"


def _counts(best: Tensor, correct: Tensor) -> tuple[int, int, int]:
    """How many pictures only the new upload, and only the best so far, has right; and of how many."""
    return int((correct & ~best).sum()), int((best & ~correct).sum()), len(best)


def _climbs(best: Tensor, correct: Tensor) -> bool:
    gained, lost, n = _counts(best, correct)
    return gained > lost and (gained - lost) ** 2 * (1 + 1 / n) > gained + lost


def _share(correct: Tensor) -> float:
    return correct.double().mean().item()


def _ladder(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
    kept = correct if best is None or _climbs(best, correct) else best
    return _share(kept), kept


def _when(rule: Callable[[Tensor, Tensor], bool]) -> Predict:
    """A mistake: another rule for when the new upload takes the place of the best."""

    def predict(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
        kept = correct if best is None or rule(best, correct) else best
        return _share(kept), kept

    return predict


def _rise(best: Tensor, correct: Tensor) -> float:
    return _share(correct) - _share(best)


def _variance(best: Tensor, correct: Tensor) -> float:
    gained, lost, n = _counts(best, correct)
    return (gained + lost) / n - ((gained - lost) / n) ** 2


def _not_by_root(best: Tensor, correct: Tensor) -> bool:
    return _rise(best, correct) > _variance(best, correct) ** 0.5


def _by_variance(best: Tensor, correct: Tensor) -> bool:
    return _rise(best, correct) > _variance(best, correct) / len(best) ** 0.5


def _by_two(best: Tensor, correct: Tensor) -> bool:
    return _rise(best, correct) > 1.96 * (_variance(best, correct) / len(best)) ** 0.5


def _of_two_scores(best: Tensor, correct: Tensor) -> bool:
    """As if the two uploads had been asked about different pictures."""
    spread = sum(share * (1 - share) for share in (_share(best), _share(correct)))
    return _rise(best, correct) > (spread / len(best)) ** 0.5


def _where_different(best: Tensor, correct: Tensor) -> bool:
    gained, lost, n = _counts(best, correct)
    if not gained + lost:
        return False
    variance = 1 - ((gained - lost) / (gained + lost)) ** 2
    return _rise(best, correct) > (variance / n) ** 0.5


def _own_spread(best: Tensor, correct: Tensor) -> bool:
    share = _share(correct)
    return _rise(best, correct) > (share * (1 - share) / len(best)) ** 0.5


def _new_score_shown(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
    return _share(correct), _ladder(best, correct)[1]


def _new_kept(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
    return _ladder(best, correct)[0], correct


def _losses_shown(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
    shown, kept = _ladder(best, correct)
    return 1 - shown, kept


def _put_together(best: Tensor | None, correct: Tensor) -> tuple[float, Tensor]:
    kept = correct if best is None else best | correct
    return _share(kept), kept


def _upload(rng: np.random.Generator, n: int, gained: int, lost: int) -> Case:
    """Two uploads that differ in so many pictures; the best so far is right in about three of five."""
    right = round(0.6 * n)
    best = np.arange(n) < right
    correct = best.copy()
    correct[right : right + gained], correct[:lost] = True, False
    order = rng.permutation(n)
    return case(best[order], correct[order])


def _first_uploads(rng: np.random.Generator) -> Iterator[Case]:
    for n, right in ((5, 3), (16, int(rng.integers(3, 7)))):
        yield case(None, rng.permutation(np.arange(n) < right))


def _not_better(rng: np.random.Generator) -> Iterator[Case]:
    yield _upload(rng, 25, 2, 4)
    yield _upload(rng, 25, 3, int(rng.integers(8, 11)))  # clearly worse
    yield _upload(rng, 36, 3, 3)


def _by_chance(rng: np.random.Generator) -> Iterator[Case]:
    """The first rise is that of one picture; the others are more than the variance would ask for."""
    yield _upload(rng, 25, 5, 4)
    yield _upload(rng, 25, 7, 4)
    yield _upload(rng, 36, 8, 5)


def _clearly_better(rng: np.random.Generator) -> Iterator[Case]:
    """More than the differences explain: at first less than the spread of the upload itself, then with
    losses, and last by more than three times the bar."""
    yield _upload(rng, 25, 2, 0)
    yield _upload(rng, 64, 3, 0)
    yield _upload(rng, 100, 14, 6)
    yield _upload(rng, 100, 20, 4)


LADDER = Exercise(
    name="ladder_step",
    notebook=NOTEBOOK,
    asked="what is shown, and the best so far",
    reference=_ladder,
    arguments=("best", "correct"),
    parts=("shown", "best"),
    groups=(
        Group(FIRST, 1, _first_uploads),
        Group(WORSE, 1, _not_better),
        Group(CHANCE, 2, _by_chance),
        Group(BETTER, 1, _clearly_better),
    ),
    misconceptions=(
        Misconception(
            "almost any rise is shown",
            "Whoever uploads often enough is lucky now and then. The rise must be larger than the spread of "
            "the "
            "differences divided by the *root* of n.",
            _when(lambda best, correct: _rise(best, correct) > 0),
            (CHANCE,),
        ),
        Misconception(
            "every upload takes the place of the best",
            "A ladder is climbed and never left: what is not better by enough changes nothing.",
            _when(lambda best, correct: True),
            (WORSE, CHANCE),
        ),
        Misconception(
            "the spread is not divided by the root of n",
            "The more pictures there are, the less does chance move their mean.",
            _when(_not_by_root),
            (BETTER,),
        ),
        Misconception(
            "the difference has the wrong sign",
            "Where only the *new* upload is right, d is 1. What is subtracted from what?",
            _when(lambda best, correct: _climbs(correct, best)),
            (WORSE, BETTER),
        ),
        Misconception(
            "the bar is 1.96 standard errors",
            "That is the interval of section 6. The ladder asks for one: s by the root of n.",
            _when(_by_two),
            (BETTER,),
        ),
        Misconception(
            "the spreads of both scores are put together",
            "That would be right for two uploads about *different* pictures. These are about the same: "
            "take the difference picture by picture, and the spread of that.",
            _when(_of_two_scores),
            (BETTER,),
        ),
        Misconception(
            "s is taken only where the uploads differ",
            "Pictures about which both are right, or both wrong, have d = 0, and they count in s as in "
            "the mean.",
            _when(_where_different),
            (BETTER,),
        ),
        Misconception(
            "the variance stands where its root should",
            "s is the standard deviation of the differences, which has a root in it.",
            _when(_by_variance),
            (CHANCE,),
        ),
        Misconception(
            "the spread is that of the new upload, not of the differences",
            "Two uploads are mostly right and wrong about the same pictures. What counts is where they "
            "differ: "
            "take the difference picture by picture first.",
            _when(_own_spread),
            (CHANCE, BETTER),
        ),
        Misconception(
            "the new score is shown although the best stays",
            "What is shown is the score of the best so far. Showing every score is just what the ladder "
            "avoids.",
            _new_score_shown,
            (WORSE, CHANCE),
        ),
        Misconception(
            "the score stays, but the new upload is remembered as the best",
            "Score and best belong together: the next upload is compared with the one whose score is shown.",
            _new_kept,
            (WORSE, CHANCE),
        ),
        Misconception(
            "the share of wrong answers is shown",
            "The board shows how many are right.",
            _losses_shown,
            (FIRST, WORSE, CHANCE, BETTER),
        ),
        Misconception(
            "the best of both uploads is put together picture by picture",
            "Nobody has uploaded that: which pictures are right is known to the server alone.",
            _put_together,
            (WORSE, CHANCE, BETTER),
        ),
    ),
)


# --- tied_ranks ---------------------------------------------------------------------------------------------

APART, OVERLAP, TOUCH = "intervals that lie apart", "intervals that overlap", "ends that touch"


def _ranks(low: Tensor, high: Tensor) -> Tensor:
    """How many lower ends lie beyond: looked up in the sorted ones."""
    return 1 + len(low) - torch.searchsorted(low.sort().values, high, right=True)


def _dense(low: Tensor, high: Tensor) -> Tensor:
    return torch.unique(_ranks(low, high), return_inverse=True)[1] + 1


def _by_touching(low: Tensor, high: Tensor) -> Tensor:
    return 1 + len(low) - torch.searchsorted(low.sort().values, high, right=False)


def _from_below(low: Tensor, high: Tensor) -> Tensor:
    return 1 + torch.searchsorted(high.sort().values, low, right=False)


def _by_order(ends: Callable[[Tensor, Tensor], Tensor]) -> Predict:
    """Ranks of single numbers: no interval ties."""

    def predict(low: Tensor, high: Tensor) -> Tensor:
        values = ends(low, high)
        return 1 + len(values) - torch.searchsorted(values.sort().values, values, right=True)

    return predict


RANK_MISTAKES: dict[str, Predict] = {
    "dense": _dense,
    "below": _from_below,
    "low": _by_order(lambda low, high: low),
    "high": _by_order(lambda low, high: high),
}


def _intervals(rng: np.random.Generator, m: int, step: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends in hundredths, all different: lower ends are about a step apart."""
    while True:
        low = 20 + np.arange(m) * step + rng.integers(0, 2, m)
        high = low + rng.integers(max(2, width - 5), width + 1, m)
        if len(np.unique([low, high])) == 2 * m:
            order = rng.permutation(m)
            return low[order] / 100, high[order] / 100


def _lie_apart(rng: np.random.Generator) -> Iterator[Case]:
    for m in (3, 5):
        yield case(*_intervals(rng, m, 12, 8))


def _do_overlap(rng: np.random.Generator) -> Iterator[Case]:
    """Redrawn until no two mistakes give the same."""
    for m in (4, 6):
        while True:
            low, high = _intervals(rng, m, 5, 12)
            given = torch.from_numpy(low), torch.from_numpy(high)
            told = {tuple(rule(*given).tolist()) for rule in (_ranks, *RANK_MISTAKES.values())}
            if len(told) == 1 + len(RANK_MISTAKES):
                yield case(low, high)
                break


def _do_touch(rng: np.random.Generator) -> Iterator[Case]:
    """Each interval begins where one ends, and one reaches over all of them."""
    for m in (3, 5):
        ends = np.cumsum(rng.integers(2, 6, m + 1)) / 50
        order = rng.permutation(m + 1)
        low, high = np.append(ends[:-1], ends[0] - 0.01), np.append(ends[1:], ends[-1] + 0.01)
        yield case(low[order], high[order])


RANKS_ALL = (APART, OVERLAP, TOUCH)

RANKS = Exercise(
    name="tied_ranks",
    notebook=NOTEBOOK,
    asked="ranks",
    reference=_ranks,
    groups=(Group(APART, 1, _lie_apart), Group(OVERLAP, 1, _do_overlap), Group(TOUCH, 1, _do_touch)),
    misconceptions=(
        Misconception(
            "ranks begin at 0",
            "A team with nobody wholly above it is first: one plus none.",
            lambda low, high: _ranks(low, high) - 1,
            RANKS_ALL,
        ),
        Misconception(
            "an interval that only touches counts as above",
            "Wholly above means that its lower end is higher than the upper end, not equal to it.",
            _by_touching,
            (TOUCH,),
        ),
        Misconception(
            "intervals below are counted instead of those above",
            "The best team has rank 1. Whose lower end is compared with whose upper end?",
            _from_below,
            RANKS_ALL,
        ),
        Misconception(
            "teams that share a rank use up only one",
            "Count the teams wholly above this one, and add one. Which ranks these have does not matter.",
            _dense,
            (OVERLAP,),
        ),
        Misconception(
            "lower ends are compared with lower ends",
            "That puts teams in an order, and ties nobody. Another team's lower end is compared with this "
            "team's "
            "upper end.",
            RANK_MISTAKES["low"],
            (OVERLAP, TOUCH),
        ),
        Misconception(
            "upper ends are compared with upper ends",
            "That puts teams in an order, and ties nobody. Another team's lower end is compared with this "
            "team's "
            "upper end.",
            RANK_MISTAKES["high"],
            (OVERLAP, TOUCH),
        ),
    ),
)

EXERCISES = (SPLIT, FLIPS, ENSEMBLE, WILSON, LADDER, RANKS)


# --- the predictions ----------------------------------------------------------------------------------------


HAND_IN = (
    "The file fits, and 3 points are sure. Whether the score is above the one to beat is decided when the "
    "notebook is graded, by whoever has the labels: hand the file in beside it, since uploads to the board "
    "alone give no points."
)
PRACTICE = (
    "This file is for the PRACTICE pictures. If your course has a competition, these points are given for a "
    "file with predictions for its pictures: put its address into the first cell, and save again."
)


def _look() -> tuple[Sequence[Complaint], Sequence[str]]:
    """Whether the file fits, and of what is for practice, what it is worth; all else nobody here knows."""
    from cs_utils import leaderboard

    if (wrong := leaderboard.problem()) is not None:
        told = (wrong, "Run the cell with leaderboard.save(...) above; it writes the file.")
        return (told, (wrong, "")), ()
    labels = leaderboard.labels_in()
    if len(np.unique(labels)) == 1:
        same = f"every picture is said to be of class {labels[0]}"
        return (None, (same, "That beats nothing: what does your function return before the argmax?")), ()
    score, to_beat = leaderboard.practice_score()
    if score is None or to_beat is None:
        return (None, LATER), (HAND_IN,)
    if score > to_beat:
        return (None, None), (PRACTICE,)
    low = f"{score:.1%} of the public practice pictures are right; to beat: {to_beat:.1%}"
    return (None, (low, "Compare with your validation score, then see section 4 on what to try.")), (
        PRACTICE,
    )


FILES = (
    HandedIn(
        "predictions",
        NOTEBOOK,
        "predictions.npz",
        (("a valid file", 3), ("beats the baseline", 7)),
        _look,
    ),
)
