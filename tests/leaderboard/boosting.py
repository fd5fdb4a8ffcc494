"""Attacks that climb a board without a model, how far each ladder lets them, and the table that shows it.

`python -m tests.leaderboard.boosting` measures and writes it. Labels and first guesses are random, so every
upload's true accuracy is that of guessing, and whatever more is shown was won from the board's answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autograder.leaderboard import ladder
from autograder.leaderboard.ladder import Ladder, Standing

PAGE = Path(__file__).parents[2] / "docs" / "leaderboard.md"
BEGIN, END = "<!-- measured by tests/leaderboard/boosting.py -->", "<!-- end of what was measured -->"


@dataclass
class Board:
    """One team's view of a board: public labels (n,), uploads in, and what is shown after each."""

    rule: Ladder
    labels: np.ndarray
    standing: Standing | None = None
    shown: np.ndarray | None = None  # the upload whose score is shown

    def upload(self, guesses: np.ndarray) -> bool:
        """Whether the shown score improved."""
        after = self.rule.after(guesses[: len(self.labels)] == self.labels, self.standing)
        improved = after is not self.standing
        if improved:
            self.standing, self.shown = after, guesses
        return improved

    @property
    def score(self) -> float:
        assert self.standing is not None
        return self.standing.score


def boosted(rule: Ladder, seed: int, *, n: int = 1000, uploads: int = 1000, classes: int = 2) -> float:
    """The boosting attack: how far the shown public score ends above the private one.

    Upload random labels; remember those of which the board's answer says that they are better than guessing
    (on an exact board all with a score above it, on a ladder those that improved what is shown); upload the
    class that most of these name at each example. As many private examples as public ones.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, 2 * n, dtype=np.int8)
    board = Board(rule, labels[:n])
    votes = np.zeros((2 * n, classes), dtype=int)
    for guesses in rng.integers(0, classes, (uploads - 1, 2 * n), dtype=np.int8):
        improved = board.upload(guesses)
        told = np.mean(guesses[:n] == labels[:n]) > 1 / classes if rule.strategy == "exact" else improved
        if told:
            votes += guesses[:, None] == np.arange(classes, dtype=np.int8)
    board.upload(votes.argmax(axis=1))
    assert board.shown is not None
    return board.score - float(np.mean(board.shown[n:] == labels[n:]))


def climbed(
    rule: Ladder, seed: int, few: int, *, n: int = 1000, uploads: int = 1000, classes: int = 2
) -> float:
    """Climbing: how far the shown score rises above guessing when the best upload so far is sent again and
    again with `few` of its predictions changed, at random."""
    rng = np.random.default_rng(seed)
    board = Board(rule, rng.integers(0, classes, n))
    board.upload(rng.integers(0, classes, n))
    first = board.score
    for _ in range(uploads - 1):
        assert board.shown is not None
        changed = board.shown.copy()
        at = rng.choice(n, few, replace=False)
        changed[at] = (changed[at] + rng.integers(1, classes, few)) % classes
        board.upload(changed)
    return board.score - first


def steepest(rule: Ladder, seeds: int, **attack: int) -> tuple[float, int]:
    """The climb of the best of many step sizes, mean of `seeds`, and that size."""
    sizes = (1, 2, 4, 7, 12, 20, 35, 60, 100, 170)
    means = [np.mean([climbed(rule, seed, few, **attack) for seed in range(seeds)]) for few in sizes]
    return max((float(mean), few) for mean, few in zip(means, sizes, strict=True))


def without_least_deviation(measure: Callable[[], str]) -> str:
    """What the rule of the paper alone would allow."""
    kept, ladder.ONE_OVER_LEAST_S = ladder.ONE_OVER_LEAST_S, 10**6
    try:
        return measure()
    finally:
        ladder.ONE_OVER_LEAST_S = kept


def row(name: str, rule: Ladder) -> str:
    boosting = np.mean([boosted(rule, seed) for seed in range(20)])
    cells = [f"{boosting:.3f}"]
    for attack in (
        {"n": 1000, "uploads": 1000, "classes": 2},
        {"n": 5000, "uploads": 1000, "classes": 10},
        {"n": 5000, "uploads": 150, "classes": 10},
    ):
        climb, few = steepest(rule, 5, **attack)
        cells.append(f"{climb:.3f} ({few})" if climb >= 0.0005 else "0")
    return f"| {name} | {' | '.join(cells)} |"


def table() -> str:
    head = [
        "| What the board shows | boosting: 1,000 uploads, n = 1,000, 2 classes "
        "| climbing: the same | climbing: 1,000 uploads, n = 5,000, 10 classes | climbing: 150 of them |",
        "|---|---|---|---|---|",
    ]
    rows = [
        row("every best score, exactly", Ladder("exact")),
        row("step of 0.01", Ladder("step", 0.01)),
        row("step of 0.02", Ladder("step", 0.02)),
        without_least_deviation(lambda: row("parameter-free, as in the paper", Ladder())),
        row("**parameter-free, as here (default)**", Ladder()),
    ]
    return "\n".join(head + rows)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest and after, f"{PAGE} lacks the marks between which the table stands"
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
