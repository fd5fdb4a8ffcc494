"""How long `check` takes, exercise by exercise, and what grading a notebook of plain loops costs.

Each exercise is checked as in a notebook, in its vectorised solution and in its form with the most loops.
Median of five, the first call apart, since it pays for what is imported late. Then each notebook of loops is
graded in the sandbox, where processor time counts. The last line is JSON; what takes longer than promised
(1 s vectorised, 5 s in loops, 20 s for a notebook) is marked and makes the exit code 1.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import statistics
import sys
import time
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from autograder import demo, source
from autograder.intake import take_in_bytes
from autograder.judge import Task, graded_cells, judge, right_answers
from autograder.sandbox import Sandbox, best_level
from cs_utils.exercises import of_notebook

PROMISED = {"solution": 1.0, "loops": 5.0, "notebook": 20.0}


def notebook_of(name: str, answers: dict[str, str]) -> dict[str, Any]:
    """The names of a notebook in which these answers were given."""
    names = dict(vars(source.load(source.SOLUTIONS / f"{name}.py")))
    for exercise, code in answers.items():
        source.run_cell(code, f"{name} {exercise}", names)
    source.run_cell("from cs_utils import check", "check", names)
    return names


def seconds(names: dict[str, Any], exercise: str) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        source.run_cell(f"points = check({exercise})", f"check {exercise}", names)
    taken = time.perf_counter() - start
    assert names["points"] > 0, exercise
    return taken


def grading_seconds(name: str) -> float:
    """Processor seconds of everything that runs a notebook of loops."""
    instructor = source.to_notebook(source.read(source.SOLUTIONS / f"{name}.py"))
    intake = take_in_bytes(demo.in_loops(name) or b"", instructor)
    task = Task(graded_cells(instructor), right_answers(name), seed=1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Sandbox(best_level()) as sandbox:
        judge(intake, task, sandbox)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    slowest = dict.fromkeys([*PROMISED, "first"], 0.0)
    for path in source.sources():
        forms = {
            "solution": notebook_of(path.stem, {}),
            "loops": notebook_of(path.stem, demo.plain_loops(path.stem)),
        }
        for exercise in of_notebook(path.stem):
            first = seconds(forms["solution"], exercise.name)
            slowest["first"] = max(slowest["first"], first)
            line = f"{path.stem:24} {exercise.name:32} first {first:6.3f} s"
            for form, names in forms.items():
                median = statistics.median(seconds(names, exercise.name) for _ in range(5))
                slowest[form] = max(slowest[form], median)
                line += f"   {form} {median:6.3f} s{' TOO SLOW' if median > PROMISED[form] else ''}"
            print(line, flush=True)
        taken = grading_seconds(path.stem)
        slowest["notebook"] = max(slowest["notebook"], taken)
        print(f"{path.stem:24} graded in loops: {taken:.2f} s of processor time\n", flush=True)
    print(json.dumps({f"slowest_{form}_s": round(taken, 3) for form, taken in slowest.items()}))
    return int(any(slowest[form] > promised for form, promised in PROMISED.items()))


if __name__ == "__main__":
    sys.exit(main())
