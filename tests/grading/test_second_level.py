"""The worst attacks where there are no namespaces, and where the grader is an ordinary user."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograder.sandbox import Level
from tests.attacks.arena import BESIDE, EARLIER, Arena, fight, fingerprints, records_of, rows_of
from tests.attacks.attack import TARGET, points
from tests.attacks.submissions import ATTACKS
from tests.sandbox import as_ordinary_user

WORST = {name: one for name, one in ATTACKS.items() if one.worst}


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    return fight(tmp_path_factory.mktemp("arena"), WORST, Level.LANDLOCK.value)


@pytest.mark.parametrize("name", WORST)
def test_an_attack_gets_the_points_that_it_deserves(arena, name):
    row = arena.row(name)
    assert row["status"] == WORST[name].status, row
    assert row["exercises"] == WORST[name].earned(points()), row["findings"]
    assert row["level"] in ("landlock", "")


def test_honest_classmates_lose_nothing_and_nothing_of_theirs_is_touched(arena):
    for name in (*EARLIER, *BESIDE):
        assert arena.row(name)["points"] == arena.row(name)["max_points"] > 0
    assert rows_of(arena.course, EARLIER) == arena.before["rows"]
    assert records_of(arena.course, EARLIER) == arena.before["records"]


def test_nothing_has_changed_and_nothing_is_left(arena):
    now = fingerprints(arena)
    assert not [name for name, digest in arena.before["files"].items() if now[name] != digest]
    assert arena.survivors == set()
    assert arena.marked() == []


def test_a_signal_tells_nothing(arena):
    (record,) = records_of(arena.course, ["leak-by-signal"])
    (grade,) = [one for one in record["grades"] if one["name"] == TARGET]
    assert grade["lost"] == "ended the Python process: killed by a signal"
    assert "RTMIN" not in grade["html"] + grade["text"]


def test_at_least_twenty_five_attacks_are_tried_here():
    assert len(WORST) >= 25


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests of this file run as an ordinary user already")
def test_an_ordinary_user_is_as_safe():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        wrapped = [sys.executable, as_ordinary_user.__file__, home]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
        result = subprocess.run(
            [*wrapped, *command], cwd=Path(__file__).parents[2], capture_output=True, text=True
        )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert " passed" in result.stdout
