"""How long `check` takes for a right solution, exercise by exercise, in the notebook's own process.

Median of five, the first call apart, since it pays for what is imported late. The last line is JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import statistics
import time

from autograder import source
from cs_utils.checking.notebook import check
from cs_utils.exercises import of_notebook


def seconds(function: object) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        points = check(function)  # type: ignore[arg-type]
    assert points > 0
    return time.perf_counter() - start


def main() -> None:
    slowest, first = 0.0, 0.0
    for path in source.sources():
        solved = source.load(path)
        for exercise in of_notebook(path.stem):
            function = getattr(solved, exercise.name)
            opening = seconds(function)
            median = statistics.median(seconds(function) for _ in range(5))
            print(f"{path.stem:16} {exercise.name:20} first {opening:6.3f} s   median {median:6.3f} s")
            slowest, first = max(slowest, median), max(first, opening)
    print(json.dumps({"slowest_median_s": round(slowest, 3), "slowest_first_s": round(first, 3)}))


if __name__ == "__main__":
    main()
