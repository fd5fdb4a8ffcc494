"""A PyTorch notebook is graded behind the fence with PyTorch inside, classes and training loops included."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import demo
from autograder.grading import grade_class
from tests.grading import small


def test_networks_and_training_loops_are_judged_in_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "NOTEBOOK", "09_lenet_pytorch")
    course = small.small_class(tmp_path / "course", [demo.right, demo.with_mistake(13), demo.untouched])
    right, mistaken, untouched = grade_class(course, small.NOTEBOOK, jobs=1).submissions
    assert right.points == right.max_points and right.status == "graded"
    (lost,) = [grade for grade in mistaken.grades if grade.points < grade.max_points]
    assert lost.findings == ("the network is not put into evaluation mode",)
    assert untouched.points == 0 and not any(grade.findings for grade in untouched.grades)
