"""Calls of notebook 12's probes, as a student would type them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Lines = Iterator[str]


def splits_made(name: str, options: Sequence[str], labels: str, fraction: str) -> Lines:
    seed = dict(option.split("=", 1) for option in options)["seed"]
    yield f"{name}({labels}, {fraction}, rng=np.random.default_rng({seed}))"


def flips_looked_at(name: str, options: Sequence[str], x: str, *parts: str) -> Lines:
    yield "from cs_utils.checking import leaderboard_probes as known"
    yield f"model = known.small_model({', '.join([*parts, *options])})"
    yield f"{name}(model, torch.from_numpy({x}))"


def flips_and_graph(name: str, options: Sequence[str], x: str, *parts: str) -> Lines:
    *first, last = flips_looked_at(name, options, x, *parts)
    yield from first
    yield f"{last}.requires_grad  # False where nothing is kept"


# probe -> (name of the function, its options, its positional arguments, all as code) -> lines
WRITTEN: dict[str, Callable[..., Lines]] = {
    "splits_made": splits_made,
    "flips_looked_at": flips_looked_at,
    "flips_and_graph": flips_and_graph,
}
