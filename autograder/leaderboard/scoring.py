"""Accuracy, top-k, intervals and ranks: how good an upload is, and how surely one can say so."""

from __future__ import annotations

import functools
from statistics import NormalDist

import numpy as np

LEVEL = 0.95  # of every interval that a board shows


def accuracy(labels: np.ndarray, truth: np.ndarray) -> float:
    """The share of examples that are right; both (n,)."""
    return float(np.mean(labels == truth))


def top_k_hits(ranked: np.ndarray, truth: np.ndarray, k: int) -> int:
    """At how many examples the truth (n,) is among the first k guesses of `ranked` (n, at least k)."""
    if ranked.ndim != 2 or ranked.shape[1] < k:
        raise ValueError(f"ranked must be (n, at least {k}), not {ranked.shape}.")
    return int(np.count_nonzero((ranked[:, :k] == truth[:, None]).any(axis=1)))


def wilson(hits: int | float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a share, from 0 to 1 (Wilson 1927).

    Unlike the textbook's normal interval it is right near 0 and 1, and never leaves [0, 1].
    """
    if not 0 <= hits <= n or n <= 0:
        raise ValueError(f"{hits} hits out of {n} are no share.")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # Where nothing, or everything, was right, rounding must not leave the share outside its own interval.
    return (max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def bootstrap(
    correct: np.ndarray, *, level: float = LEVEL, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of `correct`, bool (n,).

    A resample of n zeros and ones drawn with replacement has a binomial number of ones, so that is drawn.
    """
    n = len(correct)
    means = np.random.default_rng(seed).binomial(n, np.mean(correct), size=resamples) / n
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_difference(
    correct: np.ndarray, other: np.ndarray, *, level: float = LEVEL, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of how much better `correct` is than `other`, on the same examples.

    Two models are mostly right and wrong about the same pictures, so this is far narrower than the
    difference of two intervals. Both bool (n,); a resample draws how many examples only one got right.
    """
    n = len(correct)
    only_first = np.count_nonzero(correct & ~other) / n
    only_second = np.count_nonzero(other & ~correct) / n
    shares = [only_first, only_second, max(0.0, 1 - only_first - only_second)]
    counts = np.random.default_rng(seed).multinomial(n, shares, size=resamples)
    differences = (counts[:, 0] - counts[:, 1]) / n
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def tied_ranks(low: np.ndarray, high: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Ranks (m,) of m intervals: one plus the number of intervals that lie wholly above.

    counts: bool (m,), which intervals can push others down (teams do, baselines do not); by default all.
    """
    above = np.sort(low if counts is None else low[counts])
    return 1 + len(above) - np.searchsorted(above, high, side="right")


@functools.lru_cache(maxsize=8)
def _lows(n: int) -> np.ndarray:
    return np.array([wilson(hits, n)[0] for hits in range(n + 1)])


def hits_wholly_above(hits: int, n: int) -> int:
    """The least number of hits whose interval lies wholly above that of `hits`; n + 1 when none does."""
    return int(np.searchsorted(_lows(n), wilson(hits, n)[1], side="right"))
