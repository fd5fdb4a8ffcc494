"""The wall: student code runs in `inside`, in a process of its own that the trusted side starts and may kill.

::

    with Sandbox(best_level()) as sandbox, sandbox.start(intake.cells) as run:
        outcome = run.call("corr2d", (image, kernel), {}, ("x", "w"), seconds=10)

No student code runs in the process that imports this package.
"""

from autograder.sandbox.levels import Level, SandboxUnavailable, best_level, probe
from autograder.sandbox.limits import Limits
from autograder.sandbox.run import CellTrouble, Run, Sandbox

__all__ = [
    "CellTrouble",
    "Level",
    "Limits",
    "Run",
    "Sandbox",
    "SandboxUnavailable",
    "best_level",
    "probe",
]
