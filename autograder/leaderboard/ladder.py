"""The Ladder: what an upload may change on the board (Blum and Hardt, "The Ladder", ICML 2015).

A board that shows every score exactly can be climbed by chance: whoever uploads often enough learns the
labels from the answers. Here a team's shown score changes only when an upload is better than its best so
far by more than chance explains. Nothing in this file knows about teams, files or databases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Strategy = Literal["parameter-free", "step", "exact"]
STRATEGIES = get_args(Strategy)
ONE_OVER_LEAST_S = 5  # s is taken to be at least 0.2


@dataclass(frozen=True)
class Standing:
    """Where a team stands on the public examples. score: what is shown, from 0 to 1. correct: bool (n,),
    which examples the upload with that score got right; only the parameter-free ladder looks at it."""

    score: float
    correct: np.ndarray


@dataclass(frozen=True)
class Ladder:
    """A rule for what is shown.

    strategy: ``parameter-free`` shows the accuracy of an upload when the mean loss falls by more than
        s / sqrt(n), s being the standard deviation over the n examples of the difference in loss to the best
        upload so far, and at least 0.2 (see `exceeds_chance`). ``step`` shows the accuracy rounded to a
        multiple of `step`, when the accuracy is more than `step` above what is shown. ``exact`` shows the
        best accuracy so far and protects nothing; it is here to be compared with.
    """

    strategy: Strategy = "parameter-free"
    step: float = 0.01

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"ladder is {self.strategy!r}; it can be {', '.join(STRATEGIES)}.")
        if not 0 < self.step < 1:
            raise ValueError(
                f"The ladder's step is {self.step!r}; it must lie between 0 and 1, such as 0.01."
            )

    def after(self, correct: np.ndarray, before: Standing | None) -> Standing:
        """Where a team stands after an upload; the very object `before` when the upload changes nothing.

        correct: bool (n,), which public examples the upload got right. before: None at a first upload, which
        always counts.
        """
        if correct.ndim != 1 or not len(correct) or correct.dtype != bool:
            raise ValueError(f"correct must be bool (n,) with n > 0, not {correct.dtype} {correct.shape}.")
        accuracy = np.count_nonzero(correct) / len(correct)
        shown = self._rounded(accuracy) if self.strategy == "step" else accuracy
        if before is None or self._is_better(accuracy, correct, before):
            return Standing(shown, correct)
        return before

    def _is_better(self, accuracy: float, correct: np.ndarray, before: Standing) -> bool:
        if self.strategy == "exact":
            return accuracy > before.score
        if self.strategy == "step":
            return accuracy > before.score + self.step + 1e-9
        return exceeds_chance(correct, before.correct)

    def _rounded(self, accuracy: float) -> float:
        return min(1.0, round(round(accuracy / self.step) * self.step, 9))


def exceeds_chance(correct: np.ndarray, best: np.ndarray) -> bool:
    """Whether the mean loss falls by more than max(s, 0.2) / sqrt(n); both bool (n,).

    The difference of two 0-1 losses is -1, 0 or 1 at each example. With d examples at which it is not 0, g
    more of them gained than lost, and the sample's variance s^2 = (d - g^2 / n) / (n - 1), the paper's rule
    g / n > s / sqrt(n) comes to g > 0 and g^2 > d. In whole numbers there is no rounding to be exploited.

    The least s, 0.2, is ours: two uploads that differ in two examples have an s of nearly nothing, and who
    changes two at a time would be told of every pair that both became right.
    """
    changed = correct != best
    differing = int(np.count_nonzero(changed))
    gained = 2 * int(np.count_nonzero(changed & correct)) - differing
    return gained > 0 and gained**2 > differing and (ONE_OVER_LEAST_S * gained) ** 2 > len(correct)
