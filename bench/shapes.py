"""Seconds for 1,000 pictures of `cs_utils.shapes`, on one thread: `make bench-shapes`.

Aim: less than 0.3 s at 32x32, so that a training set of 20,000 is there in 6 s.
"""

from __future__ import annotations

import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from cs_utils.shapes import make_images

RUNS = 5


def main() -> None:
    make_images(250, seed=0)
    print("size  difficulty  seconds for 1,000 (processor time, best and worst of 5)")
    for size in (32, 64):
        for difficulty in (0.0, 0.5, 1.0):
            times = [seconds(size, difficulty) for _ in range(RUNS)]
            print(f"{size:4}  {difficulty:10}  {min(times):.2f} {max(times):.2f}")


def seconds(size: int, difficulty: float) -> float:
    start = time.process_time()
    make_images(1000, size=size, difficulty=difficulty, seed=1)
    return time.process_time() - start


if __name__ == "__main__":
    main()
