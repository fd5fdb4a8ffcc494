"""The sandbox needs no root: tests of this folder, run by a user who has no rights at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests of this folder run as an ordinary user already")
def test_an_ordinary_user_is_walled_in_as_well():
    limits = (
        "the_disk_cannot_be_filled",
        "threads_are_limited",
        "processor_time",
        "memory_has",
        "largest_size",
    )
    names = [f"test_{name}" for name in limits]
    chosen = ["test_wall.py", "test_processes.py", "test_limits.py"]
    files = [HERE / name for name in chosen]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        wrapped = [sys.executable, str(HERE / "as_ordinary_user.py"), home]
        pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, files)]
        pytest_command += ["-k", f"not two_hundred and ({' or '.join(['wall', 'processes', *names])})"]
        result = subprocess.run(
            [*wrapped, *pytest_command], cwd=HERE.parents[1], capture_output=True, text=True
        )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert " passed" in result.stdout
