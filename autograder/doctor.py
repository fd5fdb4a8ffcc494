"""``autograder doctor``: is everything here that grading needs, and if not, what is to be done?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autograder.course import KEY, SETTINGS, Course, CourseError, key_is_private

NBGRADER = "0.9.6"
ENOUGH_DISK = 1e9  # bytes
State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One line of the table. todo: what to do about a warning or a problem."""

    name: str
    state: State
    found: str
    todo: str = ""


def examine(course: Course | None) -> list[Check]:
    """Every check of this machine, and of `course` where there is one. Never raises for what it finds."""
    checks = [
        guarded(name, check)
        for name, check in (
            ("Python", _python),
            ("nbgrader", _nbgrader),
            ("alembic", _alembic),
            ("PyTorch", _torch),
            ("sandbox", _sandbox),
            ("font cache", _font_cache),
        )
    ]
    if course is None:
        return [
            *checks,
            Check("course", "warning", "none here", "Run this in a course folder to examine it."),
        ]
    here = course
    return checks + [
        guarded(name, lambda check=check: check(here))  # type: ignore[misc]
        for name, check in (
            ("disk space", _disk),
            ("settings", _settings),
            ("secret key", _key),
            ("roster", _roster),
            ("gradebook", _gradebook),
            ("release", _release),
            ("competition", _competition),
        )
    ]


def guarded(name: str, check: Callable[[], tuple[State, str, str]]) -> Check:
    try:
        return Check(name, *check())
    except Exception as error:  # a check that breaks has found something
        return Check(
            name, "problem", str(error), "" if isinstance(error, CourseError) else "See the message."
        )


def _python() -> tuple[State, str, str]:
    return "ok", f"{sys.version.split()[0]}, {sys.executable}", ""


def _nbgrader() -> tuple[State, str, str]:
    found = importlib.metadata.version("nbgrader")
    if found != NBGRADER:
        return "warning", found, f"The course is tested with {NBGRADER}: pip install nbgrader=={NBGRADER}"
    return "ok", found, ""


def _alembic() -> tuple[State, str, str]:
    """nbgrader starts this command when it makes a gradebook; we look beside this Python too."""
    found = shutil.which("alembic")
    if found:
        return "ok", found, ""
    beside = Path(sys.executable).with_name("alembic")
    if beside.exists():
        return "ok", f"{beside}, not on PATH", ""
    return "problem", "not found", "pip install alembic, in the environment of nbgrader"


def _torch() -> tuple[State, str, str]:
    if importlib.util.find_spec("torch") is None:
        return "problem", "not found", "pip install torch: it computes what is expected of the exercises."
    return "ok", importlib.metadata.version("torch"), ""


def _sandbox() -> tuple[State, str, str]:
    from autograder.sandbox import Level, Sandbox, probe
    from autograder.sandbox.levels import no_level

    tried = [one for one in probe() if one[0] is not Level.NONE]
    works = [level for level, available, _ in tried if available]
    if not works:
        return "problem", "none works", no_level(tried)
    with Sandbox(works[0]) as sandbox, sandbox.start([]):
        found = [f"{works[0].value}, memory {sandbox.memory or 'not limited'}"]
    found += [f"{level.value} is not available: {why}" for level, available, why in tried if not available]
    return "ok", "; ".join(found), ""


def _font_cache() -> tuple[State, str, str]:
    """Without one, the first plot of every student would search all fonts of the machine."""
    import matplotlib

    cache = Path(matplotlib.get_cachedir())
    if not any(cache.glob("fontlist-*.json")):
        if not os.access(cache, os.W_OK):
            return "warning", f"{cache} cannot be written", "Set MPLCONFIGDIR to a folder that can."
        return "warning", f"none in {cache}", "Make it once: python -c 'import matplotlib.pyplot'"
    return "ok", str(cache), ""


def _disk(course: Course) -> tuple[State, str, str]:
    free = shutil.disk_usage(course.path).free
    found = f"{free / 1e9:.1f} GB free"
    return ("ok", found, "") if free > ENOUGH_DISK else ("problem", found, "Make room before grading.")


def _settings(course: Course) -> tuple[State, str, str]:
    released = course.assignments
    unknown = sorted(set(course.assignment_settings) - set(released))
    if unknown:
        return (
            "warning",
            f"{SETTINGS} names {', '.join(unknown)}",
            f"The assignments are: {', '.join(released) or 'none'}. Correct the name, or build the notebook.",
        )
    due = sum(assignment.due is not None for assignment in released.values())
    late = course.late
    return "ok", f"{due} due dates, {late.bank_days} late days, then {late.per_day:.0%} a day", ""


def _key(course: Course) -> tuple[State, str, str]:
    course.seed("any")
    path = course.path / KEY
    if not key_is_private(path):
        return "problem", "other people can read it", f"chmod 600 {path}"
    return "ok", "readable by you only", ""


def _roster(course: Course) -> tuple[State, str, str]:
    found = len(course.roster())
    if not found:
        return "warning", "no students", f"Write one line per student into {course.path / 'roster.csv'}."
    return "ok", f"{found} students", ""


def _gradebook(course: Course) -> tuple[State, str, str]:
    from autograder.gradebook import open_gradebook

    if course.server is None and not course.database.exists():
        return "problem", f"no {course.database.name}", f"autograder init {course.path}"
    with open_gradebook(course) as book:
        known = {assignment.name for assignment in book.assignments}
        graded = sum(assignment.num_submissions for assignment in book.assignments)
    missing = sorted(set(course.assignments) - known)
    if missing:
        return "problem", f"lacks {', '.join(missing)}", f"autograder init {course.path} --update"
    found = f"{course.gradebook}: {len(known)} assignments, {graded} graded submissions"
    other = _formgraders_url(course)
    if other != course.db_url and (course.server or "postgresql" in other):
        todo = "In nbgrader_config.py: c.CourseDirectory.db_url = autograder.course.Course(here).db_url"
        return "problem", f"{found}; but formgrader uses another one", todo
    return "ok", found, ""


def _formgraders_url(course: Course) -> str:
    """The gradebook that nbgrader_config.py names, for formgrader and plain nbgrader commands."""
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", str(course.path)).load_config()
    return str(config.CourseDirectory.get("db_url", ""))


def _release(course: Course) -> tuple[State, str, str]:
    old = sorted(_outdated(course))
    if old:
        return (
            "warning",
            f"older than its source: {', '.join(old)}",
            f"autograder init {course.path} --update",
        )
    return "ok", f"{len(course.assignments)} notebooks, up to date", ""


def _outdated(course: Course) -> Iterator[str]:
    """Assignments whose notebook or exercises have changed since they were built into this folder."""
    import nbformat

    from autograder import source

    for path in source.sources():
        if path.stem not in course.assignments:
            yield path.stem
            continue
        released = nbformat.read(course.release(path.stem), as_version=4)
        if released.metadata.get("convnet_course", {}).get("release") != source.release_id(source.read(path)):
            yield path.stem


def _competition(course: Course) -> tuple[State, str, str]:
    """What `predictions.npz` beside notebook 12 is scored with."""
    from autograder.leaderboard.competition import Competition

    if course.competition is None:
        return "ok", "none set; predictions.npz of notebook 12 would wait for hand grading", ""
    found = Competition(course.competition)
    pictures = f"{found.title}: {len(found.task().labels):,} test pictures"
    baseline = found.description.get("baseline")
    if baseline is None:
        return "problem", f"{pictures}, no baseline in competition.json", "Measure the baselines."
    return "ok", f"{pictures}, to beat: {baseline:.1%}", ""
