"""Grading a class: this grader against stock nbgrader on the same files, and how it does with 1,000.

Both sides are the commands that an instructor types, with gradebook and feedback pages, on copies of one
course. The PyTorch class hands in the same notebook with ``import torch`` in its first cells and answers that
use it, so that both graders load PyTorch wherever student code runs. The last line is JSON::

    speedup_numpy, speedup_torch   stock seconds / our seconds, 30 submissions each
    overhead_ms                    median per submission and worker, beyond running the student's own code
    seconds_1000                   grading and feedback of 1,000 submissions
    cost_1000_over_50              seconds per submission at 1,000 / at 50
    peak_mb                        most memory of the grader and all its processes at 1,000

With ``--write`` the figures go to docs/grading-benchmark.md, too.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
os.environ.update(ONE_THREAD)

from autograder import demo, source  # noqa: E402  (threads are set before NumPy is imported)
from autograder.course import Course, init  # noqa: E402

NOTEBOOK = "02_shapes"
PAGE = source.ROOT / "docs" / "grading-benchmark.md"
TORCH_LINE = "import torch\n"


# --- the class ----------------------------------------------------------------------------------------------


def honest() -> list[bytes]:
    """Submissions as honest students make them: right, in other styles, with one mistake."""
    makers: list[Callable[[str], bytes | None]] = [demo.right]
    makers += [demo.in_style(number) for number in range(3)]
    makers += [demo.with_mistake(number) for number in range(3)]
    return [made for make in makers if (made := make(NOTEBOOK)) is not None]


def using_torch(submission: bytes) -> bytes:
    """The same submission, with PyTorch imported where it imports NumPy and used in its first function."""
    notebook = nbformat.reads(submission.decode(), as_version=4)
    for cell in notebook.cells:
        if "needed" in cell.metadata.get("tags", []):
            cell.source = TORCH_LINE + cell.source
        elif cell.source.startswith("# exercise: output_size"):
            cell.source += "\n\n\nassert torch.zeros(1, 1, 7).unfold(2, 3, 1).shape[2] == 5"
    return nbformat.writes(notebook).encode()


def classroom(folder: Path, students: int, with_torch: bool = False) -> Course:
    """A course with so many honest submissions."""
    course = init(folder, sources=[source.SOLUTIONS / f"{NOTEBOOK}.py"])
    names = [f"student{number:04}" for number in range(students)]
    with open(folder / "roster.csv", "w", newline="", encoding="utf-8") as roster:
        rows = csv.writer(roster)
        rows.writerow(["id", "first_name", "last_name", "email"])
        rows.writerows([name, "Student", name[-4:], ""] for name in names)
    made = honest()
    if with_torch:
        made = [using_torch(one) for one in made]
        for kind in ("release", "source"):
            path = folder / kind / NOTEBOOK / f"{NOTEBOOK}.ipynb"
            path.write_bytes(using_torch(path.read_bytes()))
    for number, name in enumerate(names):
        path = course.submitted(name, NOTEBOOK) / f"{NOTEBOOK}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(made[number % len(made)])
    return course


# --- the two graders ----------------------------------------------------------------------------------------


def seconds_of(course: Course, commands: Sequence[Sequence[str]]) -> float:
    """Wall time of commands run one after another in the course's folder."""
    here = str(Path(sys.executable).parent)
    environment = os.environ | ONE_THREAD | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=course.path, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def ours(course: Course) -> float:
    return seconds_of(course, [["autograder", "grade", NOTEBOOK], ["autograder", "feedback", NOTEBOOK]])


def stock(course: Course) -> float:
    return seconds_of(
        course,
        [
            ["nbgrader", "autograde", NOTEBOOK, "--force"],
            ["nbgrader", "generate_feedback", NOTEBOOK, "--force"],
        ],
    )


def totals(course: Course) -> dict[str, float]:
    """Student -> points in the gradebook."""
    from autograder.gradebook import open_gradebook

    with open_gradebook(course) as book:
        return {one.student_id: one.score for one in book.assignment_submissions(NOTEBOOK)}


def speedup(folder: Path, students: int, with_torch: bool) -> float:
    """Stock seconds / our seconds; both must have come to the same points."""
    what = "PyTorch" if with_torch else "NumPy"
    one = classroom(folder / f"{what}-ours", students, with_torch)
    shutil.copytree(one.path, folder / f"{what}-stock")
    other = Course(folder / f"{what}-stock")
    mine, theirs = ours(one), stock(other)
    assert totals(one) == totals(other), "the two graders disagree"
    print(f"{students} {what} submissions: stock {theirs:.1f} s, ours {mine:.1f} s, {theirs / mine:.1f}x")
    return theirs / mine


# --- what the grader adds to the student's own code ---------------------------------------------------------


class Phases:
    """Where the wall time of one submission goes: seconds of the steps that grading is made of."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, owner: object, name: str, phase: str) -> None:
        """Count the time of `owner.name` for `phase` from now on."""
        step = getattr(owner, name)

        def timed(*args: object, **options: object) -> object:
            start = time.perf_counter()
            try:
                return step(*args, **options)
            finally:
                self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

        setattr(owner, name, timed)


def overhead_ms(folder: Path, students: int) -> tuple[float, dict[str, float]]:
    """Median of (wall time of one submission, alone on one worker) - (its code run without any grader).

    And the medians of what the steps of grading take, in milliseconds, the student's own code included.
    """
    from autograder import gradebook
    from autograder.executors import Local
    from autograder.grading import Setup
    from autograder.intake.apart import Readers
    from autograder.sandbox.run import Run
    from autograder.work import grade_one, handed_in

    setup = Setup.make(classroom(folder / "overhead", students), NOTEBOOK, Local(1))
    course = setup.course
    phases = Phases()
    phases.watch(Readers, "take_in", "taking the notebook apart")
    phases.watch(Run, "_await_fence", "a process behind a new fence")
    phases.watch(Run, "_run_cells", "running the cells")
    phases.watch(Run, "_ask", "asking and answering calls")
    phases.watch(Run, "close", "ending the process")
    phases.watch(gradebook, "record", "gradebook and autograded notebook")
    over, steps, wholes = [], [], []
    with setup.work.sandbox() as sandbox, Readers() as readers, gradebook.open_gradebook(course) as book:
        for number, student in enumerate(course.roster()):
            phases.seconds.clear()
            start = time.perf_counter()
            graded = grade_one(setup.work, handed_in(student, setup.path(student)), sandbox, readers)
            gradebook.record(course, graded, book)
            whole = time.perf_counter() - start
            if number >= len(honest()):  # the first of each kind pays for references made once for a class
                over.append(1000 * (whole - _own_seconds(graded, setup.work.task)))
                steps.append(dict(phases.seconds))
                wholes.append(1000 * whole)
    median = statistics.median(over)
    print(f"beyond the student's own code: {median:.0f} ms a submission (median of {len(over)})")
    spent = {name: 1000 * statistics.median(one[name] for one in steps) for name in steps[0]}
    spent["comparing, reports, the rest"] = statistics.median(wholes) - sum(spent.values())
    for name, each in spent.items():
        print(f"    {name:36}{each:6.1f} ms")
    return median, spent


def _own_seconds(graded, task) -> float:  # type: ignore[no-untyped-def]
    """The submission's cells, and the calls that a judge asks for, in this process and without a fence."""
    from cs_utils.checking import Exercise, probes

    names: dict[str, object] = {}
    start = time.perf_counter()
    for cell in graded.intake.cells:
        exec(compile(cell.source, "<cell>", "exec"), names)
    student = probes.find_in(names)
    for cell in task.graded:
        known = task.exercise(cell)
        if isinstance(known, Exercise):
            for group in known.groups:
                for given in known.cases(group, task.seed):
                    probes.run(given.probe, known.name, student, given.args, given.kwargs, known.parameters)
    return time.perf_counter() - start


# --- a large class ------------------------------------------------------------------------------------------


def large(folder: Path, students: int) -> tuple[float, float]:
    """Seconds to grade a class and write its feedback, and the most memory in MB that all processes took."""
    course = classroom(folder / f"class-{students}", students)
    with Watch() as watch:
        seconds = ours(course)
    each = 1000 * seconds / students
    print(f"{students} submissions: {seconds:.1f} s, {each:.0f} ms each, {watch.peak:.0f} MB")
    return seconds, watch.peak


class Watch:
    """The memory of this process's descendants, looked at five times a second (proportional set size)."""

    peak = 0.0

    def __enter__(self) -> Watch:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.2):
            self.peak = max(self.peak, sum(map(_pss_mb, _descendants(os.getpid()))))


def _descendants(root: int) -> list[int]:
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:  # it has just ended
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def _pss_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=30, help="in the comparison with stock nbgrader")
    parser.add_argument("--large", type=int, default=1000, help="submissions of the large class")
    parser.add_argument("--write", action="store_true", help="write docs/grading-benchmark.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as name:
        folder = Path(name)
        classroom(folder / "warm", 2)  # builds the sandbox's runtime where it is not there yet
        ours(Course(folder / "warm"))
        over, spent = overhead_ms(folder, options.students)
        numpy = speedup(folder, options.students, with_torch=False)
        torch = speedup(folder, options.students, with_torch=True)
        small, _ = large(folder, 50)
        seconds, peak = large(folder, options.large)
    ratio = (seconds / options.large) / (small / 50)
    figures = {
        "speedup_numpy": round(numpy, 1),
        "speedup_torch": round(torch, 1),
        "overhead_ms": round(over),
        "seconds_1000": round(seconds * 1000 / options.large, 1),
        "cost_1000_over_50": round(ratio, 2),
        "peak_mb": round(peak),
    }
    if options.write:
        PAGE.write_text(page(figures, spent, options.students, options.large), encoding="utf-8")
    print(json.dumps(figures))


def page(figures: dict[str, float], spent: dict[str, float], students: int, many: int) -> str:
    """The figures as a page of the docs."""
    rows = "\n".join(f"| {name} | {each:.1f} |" for name, each in spent.items())
    cores = len(os.sched_getaffinity(0))
    return f"""# Grading a class: how long it takes, and what of

Written by `bench/grading.py --write`; edits here are lost.

Notebook {NOTEBOOK}, honest submissions (right ones, other styles, one mistake), {cores} cores, level
`namespaces`, gradebook and feedback pages included on both sides, the same files, one run.

| | measured | target |
|---|---|---|
| {students} NumPy submissions, stock nbgrader's time / ours | {figures["speedup_numpy"]} | at least 10 |
| {students} PyTorch submissions, stock nbgrader's time / ours | {figures["speedup_torch"]} | |
| beyond the student's own code, median, one worker | {figures["overhead_ms"]} ms | at most 100 ms |
| {many:,} submissions, grading and feedback | {figures["seconds_1000"]} s for 1,000 | under 240 s |
| cost of a submission in a class of {many:,} / of 50 | {figures["cost_1000_over_50"]} | at most 1.3 |
| most memory, all processes | {figures["peak_mb"]} MB | |

Where the time of one submission goes (medians, in ms; the student's own code is in the cells and the calls):

| | ms |
|---|---|
{rows}

Most of it is the conversation: over a hundred calls are asked one at a time, since an answer to the next one
must not be known before it is asked, and each costs two changes between processes. Then come nbgrader's
tables, which are written through its own objects so that formgrader and export find what they expect. A class
pays once for starting Python, NumPy and PyTorch on our side and for the references, which is why a submission
costs more in a small one.
"""


if __name__ == "__main__":
    main()
