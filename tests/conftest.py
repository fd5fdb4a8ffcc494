"""What all tests share: one thread each, tools on the path, and at the end a list of what was left out."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

# Before NumPy or PyTorch is imported: on a shared machine two threads are slower than one.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["CS_UTILS_QUICK"] = "1"  # notebooks that train take their smallest settings
# Tests start jupyter, nbgrader and alembic as commands; these lie beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
# Debian keeps the programs of a PostgreSQL server out of the way; the newest version that is there serves.
os.environ["PATH"] += "".join(
    f"{os.pathsep}{folder}"
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: -float(f.parent.name))
)

import pytest
import torch

torch.set_num_threads(1)

# marker argument -> (commands that must be there, how to get them)
PROGRAMS = {
    "chromium": (("chromium", "chromedriver"), "apt-get install chromium chromium-driver"),
    "git": (("git",), "apt-get install git"),
    "postgresql": (("initdb", "postgres"), "apt-get install postgresql"),
}


# Folders whose tests run student code behind a real fence.
FENCED = ("sandbox", "grading", "attacks", "scale")


@functools.cache
def no_fence() -> str:
    """Why this machine cannot isolate student code, or ""."""
    from autograder.sandbox import SandboxUnavailable, best_level

    try:
        best_level()
    except SandboxUnavailable as error:
        return " ".join(str(error).split())
    return ""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): left out when the program is not installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.parent.name in FENCED and no_fence():
        pytest.skip(no_fence())
    for marker in item.iter_markers("needs"):
        commands, remedy = PROGRAMS[marker.args[0]]
        if missing := [command for command in commands if shutil.which(command) is None]:
            pytest.skip(f"{' and '.join(missing)} not found; get it with: {remedy}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was left out, and how to get it, where nobody can overlook it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("left out")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} test{'s' if count > 1 else ''}: {reason}")
