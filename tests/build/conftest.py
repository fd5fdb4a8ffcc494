"""A small source of its own, so that the rules of sources are tested apart from the course's notebooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cs_utils.exercises
from cs_utils.checking import Exercise, Group, case

TEXT = '''\
"""A note to maintainers."""

# %% [markdown]
# # A sample
#
# Double it: $y = 2x$.

# %% tags=["needed"]
import math

from cs_utils import check

SCALE = 2

# %%
print("an experiment that no grading runs")

# %% exercise="twice"
def twice(x):
    """Double x."""
    ### BEGIN SOLUTION
    return SCALE * x
    ### END SOLUTION

# %% check="twice" points=4
check(twice)

# %% exercise="weights"
weights = None  # your answer
### BEGIN SOLUTION
weights = 17 * 31
### END SOLUTION

# %% check="weights" points=1
check(weights=weights)

# %% [markdown] written="why_two" points=3
# ### BEGIN SOLUTION
# Because one is too few. Rubric: 3 points for humour.
# ### END SOLUTION
'''

ANSWERS = """\
[weights]
answer = 527
also = [527.5]

[[weights.wrong]]
answer = 510
name = "the bias is missing"
hint = "Every filter has a bias."
"""

TWICE = Exercise(
    "twice",
    "99_sample",
    "twice the number",
    (Group("one", 3, lambda rng: [case(1.0)]), Group("two", 1, lambda rng: [case(2.0)])),
    reference=lambda x: 2 * x,
)


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to build into; its gradebook takes seconds to create, so tests share it."""
    return tmp_path_factory.mktemp("course")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write the sample, with some text replaced, and describe its exercise to the build."""
    monkeypatch.setattr(cs_utils.exercises, "of_notebook", lambda name: (TWICE,))

    def write(old: str = "", new: str = "", answers: str = ANSWERS) -> Path:
        assert old in TEXT
        (tmp_path / "answers").mkdir(exist_ok=True)
        (tmp_path / "answers" / "99_sample.toml").write_text(answers)
        path = tmp_path / "99_sample.py"
        path.write_text(TEXT.replace(old, new, 1) if old else TEXT)
        return path

    return write
