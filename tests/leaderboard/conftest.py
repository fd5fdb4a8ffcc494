import os
from collections.abc import Iterator

import pytest

from tests.leaderboard.fixtures import competition, postgres, rules, store, stores, task

__all__ = ["competition", "postgres", "rules", "store", "stores", "task"]


@pytest.fixture(autouse=True)
def the_umask_is_given_back() -> Iterator[None]:
    """Commands narrow it for their own files; whatever runs later in the process must not feel that."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    after = os.umask(before)
    assert after == before, f"the umask was {before:o} before and is {after:o} now"
