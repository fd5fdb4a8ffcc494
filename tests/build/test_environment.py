"""environment.yml, pyproject.toml and the Makefile describe the same environment."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from autograder.source import ROOT

# What a package is called on conda-forge, where that differs.
ON_CONDA = {"torch": "pytorch", "build": "python-build"}


def split(requirement: str) -> tuple[str, str]:
    """("pytest", ">=8") of "pytest>=8"."""
    found = re.fullmatch(r"([A-Za-z0-9._-]+)(.*)", requirement)
    assert found is not None, requirement
    return found[1], found[2]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_conda_gives_the_same_environment_as_pip() -> None:
    extras = project()["optional-dependencies"]
    wanted = [
        *project()["dependencies"],
        *(x for name in ("instructor", "leaderboard", "test") for x in extras[name]),
    ]
    expected = dict(split(item) for item in wanted if not item.startswith(project()["name"]))
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    *_, pip = listed
    conda = dict(split(item) for item in listed if isinstance(item, str))
    assert conda.pop("python") == project()["requires-python"]
    del conda["pip"], conda["make"]
    assert "-e ." in pip["pip"]
    from_pip = dict(split(item) for item in pip["pip"] if item != "-e .")
    assert conda | from_pip == {ON_CONDA.get(name, name): version for name, version in expected.items()}


def test_student_bundle_needs_what_the_project_needs_and_no_pins() -> None:
    bundle = tomllib.loads((ROOT / "autograder/templates/student/pyproject.toml").read_text())
    assert bundle["project"]["dependencies"] == project()["dependencies"]
    assert all(split(item)[1] == "" for item in project()["dependencies"])
