"""Unprotected grading happens on request only, and what is missing is said with its remedy."""

from __future__ import annotations

import os

import pytest

from autograder.sandbox import Level, Limits, Sandbox, SandboxUnavailable, best_level, levels, probe
from tests.sandbox.conftest import call, cells


def test_level_none_needs_the_flag():
    with pytest.raises(SandboxUnavailable, match="--unprotected"):
        Sandbox(Level.NONE)


def test_level_none_runs_with_the_flag_and_the_limits_hold():
    limits = Limits(cell_seconds=1)
    with Sandbox(Level.NONE, limits, allow_unprotected=True) as sandbox:
        with sandbox.start(cells("def f():\n    return 1")) as run:
            assert call(run, "f").value == 1
        with sandbox.start(cells("while True:\n    pass")) as run:
            assert run.dead is not None
            assert run.dead.failure.kind == "timeout"
        with sandbox.start(cells("x = bytearray(10**11)")) as run:
            assert run.troubles[0].failure.type == "MemoryError"
        with sandbox.start(cells("import torch")) as run:
            assert run.troubles[0].failure.type == "ModuleNotFoundError"


def test_level_none_leaves_no_file_behind():
    with Sandbox(Level.NONE, allow_unprotected=True) as sandbox:
        with sandbox.start(cells("import os\nopen('x', 'w').close()\nhere = os.getcwd()")) as run:
            here = run.value("here").value
            assert os.path.exists(here)
        assert not os.path.exists(here)


def test_probe_really_tries_every_level():
    found = {level: (available, why) for level, available, why in probe()}
    assert set(found) == set(Level)
    assert found[Level.NAMESPACES] == (True, "")
    assert best_level() is Level.NAMESPACES


def test_without_protection_the_message_says_what_failed_and_what_to_do(monkeypatch):
    monkeypatch.setattr(levels, "_why_not", lambda level: "unshare: Operation not permitted")
    with pytest.raises(SandboxUnavailable) as caught:
        best_level()
    for part in ("unshare: Operation not permitted", "user.max_user_namespaces", "apparmor", "--unprotected"):
        assert part in str(caught.value)
    assert best_level(allow_unprotected=True) is Level.NONE


def test_a_closed_sandbox_starts_no_more_runs():
    sandbox = Sandbox(Level.NAMESPACES)
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        sandbox.start([])
