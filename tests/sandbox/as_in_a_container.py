"""Run Python code where system calls are refused: `python as_in_a_container.py 272,444 CODE`, numbers first.

Containers refuse calls with just such a filter, so what is seen here is what the grader sees there.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from autograder.sandbox.inside import kernel, seccomp


def refuse(numbers: list[int]) -> None:
    code = seccomp._load(0)
    for number in numbers:
        code += seccomp._when(number, seccomp._give(seccomp._ERROR | errno.EPERM))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_filter(code + seccomp._give(seccomp._ALLOW))


if __name__ == "__main__":
    refuse([int(number) for number in sys.argv[1].split(",")])
    exec(sys.argv[2])
