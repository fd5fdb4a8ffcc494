"""One bundle for all tests of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.release import release


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A freshly written student bundle. Tests must not change it."""
    return release(tmp_path_factory.mktemp("release") / "bundle").folder
