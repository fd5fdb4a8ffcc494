"""How fast the notebooks' NumPy layers are: each forward and backward beside PyTorch's, as a ratio of times.

One thread, float32. NumPy and PyTorch take turns in one run, so that whatever else the machine does slows
both, and processor time is counted, so that waiting for others is not; the ratio is that of the medians.
A backward computes on both sides all gradients of its layer and nothing else.
With --write the table goes to docs/, and into the module from which notebook 03 draws it beside its loops.
The last line is JSON: NumPy's time / PyTorch's time.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import functools
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from autograder import source

TABLE = source.ROOT / "docs" / "layers-benchmark.md"
DRAWN = source.ROOT / "cs_utils" / "plots" / "measured.py"
FEWEST, MOST = 15, 101  # rounds of one comparison

Call = Callable[[], Any]
# What is compared: its name, NumPy's call, PyTorch's call.
Pair = tuple[str, Call, Call]


@dataclass(frozen=True)
class Setting:
    """One convolution; pooling and batch norm get what comes out of it, (n, filters, size, size)."""

    n: int
    channels: int
    size: int
    filters: int
    kernel: int
    padding: int

    def __str__(self) -> str:
        return (
            f"N{self.n} C{self.channels} {self.size}x{self.size} "
            f"F{self.filters} K{self.kernel} P{self.padding}"
        )


SETTINGS = (
    Setting(64, 3, 32, 32, kernel=5, padding=2),
    Setting(64, 64, 16, 64, kernel=3, padding=1),
    Setting(16, 128, 56, 128, kernel=3, padding=1),
)
# The largest ratio that is fast enough, for each setting; infinity where none was set.
TARGETS = {
    "conv_forward": (2.2, 2.2, 1.5),
    "conv_backward": (2.2, 2.2, 1.5),
    "max_pool_forward": (1.0, 1.0, 1.0),
    "max_pool_backward": (np.inf, np.inf, np.inf),
    "batchnorm_forward": (2.0, 2.0, 2.0),
    "batchnorm_backward": (3.0, 3.0, 3.0),
}
LAYERS = {
    "conv_forward": "convolution, forward",
    "conv_backward": "convolution, backward",
    "max_pool_forward": "max pooling 2x2, forward",
    "max_pool_backward": "max pooling 2x2, backward",
    "batchnorm_forward": "batch norm in training, forward",
    "batchnorm_backward": "batch norm in training, backward",
}


# --- what is compared -------------------------------------------------------------------------------------


def comparisons(setting: Setting) -> Iterator[Pair]:
    """All layers in one setting, made one after another so that only one keeps its arrays."""
    draw = Draw()
    yield from _convolution(setting, draw)
    shape = (setting.n, setting.filters, setting.size, setting.size)
    yield from _max_pool(shape, draw)
    yield from _batchnorm(shape, draw)


class Draw:
    """Random float32 arrays."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def __call__(self, *shape: int) -> np.ndarray:
        return self._rng.standard_normal(shape, dtype=np.float32)


def _convolution(setting: Setting, draw: Draw) -> Iterator[Pair]:
    forward, backward = _solution("03", "conv2d_forward"), _solution("04", "conv2d_backward")
    x = draw(setting.n, setting.channels, setting.size, setting.size)
    w = draw(setting.filters, setting.channels, setting.kernel, setting.kernel)
    b = draw(setting.filters)
    inputs = _leaves(x, w, b)
    yield (
        "conv_forward",
        lambda: forward(x, w, b, padding=setting.padding)[0],
        _without_record(lambda: F.conv2d(*inputs, padding=setting.padding)),
    )
    out, cache = forward(x, w, b, padding=setting.padding)
    dout = draw(*out.shape)
    recorded = F.conv2d(*inputs, padding=setting.padding)
    yield "conv_backward", lambda: backward(dout, cache), _gradients(recorded, inputs, dout)


def _max_pool(shape: tuple[int, ...], draw: Draw) -> Iterator[Pair]:
    forward, backward = _solution("05", "max_pool2d_forward"), _solution("05", "max_pool2d_backward")
    x = draw(*shape)
    inputs = _leaves(x)
    yield "max_pool_forward", lambda: forward(x, 2)[0], _without_record(lambda: F.max_pool2d(*inputs, 2))
    out, cache = forward(x, 2)
    dout = draw(*out.shape)
    yield (
        "max_pool_backward",
        lambda: (backward(dout, cache),),
        _gradients(F.max_pool2d(*inputs, 2), inputs, dout),
    )


def _batchnorm(shape: tuple[int, ...], draw: Draw) -> Iterator[Pair]:
    forward, backward = _solution("06", "batchnorm2d_forward"), _solution("06", "batchnorm2d_backward")
    x, gamma, beta = draw(*shape), draw(shape[1]), draw(shape[1])
    mean, var = np.zeros(shape[1], dtype=np.float32), np.ones(shape[1], dtype=np.float32)
    running = torch.zeros(shape[1]), torch.ones(shape[1])
    inputs = _leaves(x, gamma, beta)

    def theirs() -> torch.Tensor:
        images, *scale_shift = inputs
        return F.batch_norm(images, *running, *scale_shift, training=True)

    yield (
        "batchnorm_forward",
        lambda: forward(x, gamma, beta, mean, var, training=True)[0],
        _without_record(theirs),
    )
    out, cache, *_ = forward(x, gamma, beta, mean, var, training=True)
    dout = draw(*out.shape)
    yield "batchnorm_backward", lambda: backward(dout, cache), _gradients(theirs(), inputs, dout)


def _solution(number: str, name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(_solved(number), name)
    return function


@functools.cache
def _solved(number: str) -> ModuleType:
    """The solutions of the notebook with this number."""
    (path,) = (path for path in source.sources() if path.name.startswith(number))
    return source.load(path)


def _leaves(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array.copy()).requires_grad_() for array in arrays)


def _without_record(call: Call) -> Call:
    """PyTorch's forward without preparing a backward: the fastest that it can do."""

    def run() -> Any:
        with torch.no_grad():
            return call()

    return run


def _gradients(out: torch.Tensor, inputs: tuple[torch.Tensor, ...], dout: np.ndarray) -> Call:
    """PyTorch's backward alone, from a forward that was recorded once."""
    upstream = torch.from_numpy(dout)
    return lambda: torch.autograd.grad(out, inputs, upstream, retain_graph=True)


# --- measuring --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """NumPy's and PyTorch's processor seconds, round by round."""

    name: str
    setting: Setting
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def middle_half(self) -> tuple[float, float]:
        """Half of the rounds gave a ratio between these two."""
        rounds = [one / other for one, other in zip(self.ours, self.theirs, strict=True)]
        low, _, high = statistics.quantiles(rounds, n=4)
        return low, high

    @property
    def target(self) -> float:
        return TARGETS[self.name][SETTINGS.index(self.setting)]


def measured(pair: Pair, setting: Setting, budget: float) -> Result:
    """The two sides in turn, who begins changing from round to round, for about `budget` seconds."""
    name, ours, theirs = pair
    _agree(name, ours(), theirs())
    seconds: dict[Call, list[float]] = {ours: [], theirs: []}
    end = time.perf_counter() + budget
    gc.collect()
    while (count := len(seconds[ours])) < FEWEST or (count < MOST and time.perf_counter() < end):
        for call in (ours, theirs) if count % 2 else (theirs, ours):
            start = time.process_time()
            call()
            seconds[call].append(time.process_time() - start)
    return Result(name, setting, tuple(seconds[ours]), tuple(seconds[theirs]))


def _agree(name: str, ours: Any, theirs: Any) -> None:
    """A wrong layer may be as fast as it likes."""
    both = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for one, other in both:
        wanted = other.detach().numpy()
        error = np.abs(one - wanted).max() / np.abs(wanted).max()
        if not error < 1e-4:
            raise AssertionError(f"{name}: NumPy and PyTorch differ by {error:.1e} of the largest value")


# --- telling ----------------------------------------------------------------------------------------------


def row(result: Result) -> str:
    low, high = result.middle_half
    target = "none set" if result.target == np.inf else f"at most {result.target:.1f}"
    missed = " (missed)" if result.ratio > result.target else ""
    return (
        f"| {LAYERS[result.name]} | {result.setting} | {result.ratio:.2f}{missed} | {low:.2f} to {high:.2f} "
        f"| {len(result.ours)} | {target} |"
    )


HEAD = """\
| layer | setting | NumPy's time / PyTorch's | middle half of the rounds | rounds | target |
|---|---|---|---|---|---|"""


def page(results: list[Result]) -> str:
    """The text of docs/layers-benchmark.md."""
    rows = "\n".join(row(result) for name in LAYERS for result in results if result.name == name)
    return f"""\
# How fast the NumPy layers are

Written by `bench/layers.py --write`; edits here are lost.

The layers of the solutions beside PyTorch's on a CPU: one thread, float32, NumPy {np.__version__},
PyTorch {torch.__version__.partition("+")[0]}. 1.00 means as fast as PyTorch, less means faster. The two
take turns in one run, and the ratio is that of the medians of processor time over all rounds. Single rounds
differ, the more so on a machine with other work, so the range that the middle half of them gave stands beside
it. Seconds say more about the machine than about the code and are left out.

A setting is a convolution: N images with C channels of the size that follows, F filters of size K, padding P.
Pooling and batch norm get arrays of the shape that comes out of it. PyTorch's forward runs without recording;
a backward computes, on both sides, all gradients of its layer and nothing else.

{HEAD}
{rows}
"""


def module(results: list[Result]) -> str:
    """The text of cs_utils/plots/measured.py, which students have: the same ratios, and the loops."""
    of_all = {"conv_loops": [loops(result) for result in results if result.name == "conv_forward"]}
    for name in LAYERS:
        of_all[name] = [f"{result.ratio:.2f}" for result in results if result.name == name]
    settings = "\n".join(f"    {tuple(vars(setting).values())}," for setting in SETTINGS)
    ratios = "\n".join(f'    "{name}": ({", ".join(each)}),' for name, each in of_all.items())
    return f'''\
"""How long the course's NumPy layers take: their time divided by PyTorch's, in each setting.

Written by `bench/layers.py --write`; edits here are lost.
"""

# images, channels, rows and columns, filters, kernel size, padding
SETTINGS = (
{settings}
)
RATIOS = {{
{ratios}
}}
'''


def loops(forward: Result) -> str:
    """How long the loops of notebook 03 take, as a multiple of PyTorch's time, to two digits.

    All images take the same time, so one is enough.
    """
    setting, draw = forward.setting, Draw()
    naive = _solution("03", "conv2d_naive")
    x = draw(1, setting.channels, setting.size, setting.size)
    w = draw(setting.filters, setting.channels, setting.kernel, setting.kernel)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        naive(x, w, draw(setting.filters), padding=setting.padding)
        seconds.append(time.process_time() - start)
    ratio = setting.n * statistics.median(seconds) / statistics.median(forward.theirs)
    return f"{float(f'{ratio:.2g}'):.0f}"


def summary(results: list[Result]) -> dict[str, Any]:
    """The convolution's ratio in each setting; of the others the largest."""
    ratios: dict[str, list[float]] = {name: [] for name in LAYERS}
    for result in results:
        ratios[result.name].append(round(result.ratio, 3))
    return {name: each if name.startswith("conv") else max(each) for name, each in ratios.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/layers.py", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(source.ROOT)} too")
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="to spend on each of the 18 comparisons (%(default)g)"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: list[Result] = []
    print(HEAD, flush=True)
    for setting in SETTINGS:
        for pair in comparisons(setting):
            place = f"{len(results) + 1} of {len(SETTINGS) * len(LAYERS)}: {pair[0]}, {setting}"
            print(f"\r\033[K{place} ...", end="", file=sys.stderr, flush=True)
            results.append(measured(pair, setting, options.seconds))
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            print(row(results[-1]), flush=True)
    if options.write:
        for path, text in ((TABLE, page(results)), (DRAWN, module(results))):
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(source.ROOT)}")
    print(json.dumps(summary(results)))


if __name__ == "__main__":
    main()
