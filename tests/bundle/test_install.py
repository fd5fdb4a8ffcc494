"""The bundle alone is enough, and in Colab the first cell brings the helpers and leaves the rest alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import source
from tests.build.test_runs import stock_points
from tests.bundle.standin import StandIn

NAMES = [path.stem for path in source.sources()]
each_name = pytest.mark.parametrize("name", NAMES)
# All first cells are the same, so three notebooks are run whole in Colab: plain NumPy, pictures, PyTorch.
IN_COLAB = ["01_correlation", "08_lenet_numpy", "09_lenet_pytorch"]


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("standin") / "venv")


def solved(bundle: Path, name: str) -> NotebookNode:
    notebook = nbformat.read(bundle / "notebooks" / name / f"{name}.ipynb", as_version=4)
    return source.solve(notebook, source.solutions(name))


def assert_full_points(notebook: NotebookNode) -> None:
    points = stock_points(notebook)
    assert (
        points
        and {grade_id: (given, most) for grade_id, (given, most) in points.items() if given != most} == {}
    )


def test_the_standin_has_only_what_colab_has(standin: StandIn) -> None:
    script = "from importlib.util import find_spec as f; print([n for n in {!r} if f(n)])"
    others = ["nbgrader", "jupytext", "autograder", "cs_utils", "pytest", "scipy", "typer", "solutions"]
    assert standin("-c", script.format(others)) == "[]\n"


@pytest.fixture(scope="module")
def installed(standin: StandIn, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a student who has installed the bundle, and nothing else of the project."""
    folder = tmp_path_factory.mktemp("student") / "convnet-course"
    shutil.copytree(bundle, folder)  # pip leaves build files in the folder
    standin("-m", "pip", "install", "-q", str(folder))
    yield folder
    standin("-m", "pip", "uninstall", "-q", "-y", "cs-utils")


@pytest.fixture(scope="module")
def address(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that make git fetch the course's address from a repository on this machine."""
    repository = tmp_path_factory.mktemp("git") / "course"
    shutil.copytree(bundle, repository)
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -q -m bundle"):
        subprocess.run(["git", *command.split()], cwd=repository, check=True)
    rewrite = f"url.{repository.as_uri()}.insteadOf"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": rewrite, "GIT_CONFIG_VALUE_0": source.address()}


def test_every_notebook_begins_with_the_same_cell(bundle: Path) -> None:
    assert len({solved(bundle, name).cells[1].source for name in NAMES}) == 1


@pytest.mark.needs("git")
@pytest.mark.parametrize("name", IN_COLAB)
def test_in_colab_the_first_cell_installs_and_leaves_numpy_and_torch_alone(
    address: dict[str, str], standin: StandIn, bundle: Path, tmp_path: Path, name: str
) -> None:
    before = standin.state("numpy", "torch")
    assert len(before) > 1000 and not standin.state("cs-utils")
    notebook = solved(bundle, name)
    first = notebook.cells[1]
    assert len(first.source.splitlines()) == 3 and "%pip install -q --no-deps" in first.source
    notebook.cells.append(nbformat.v4.new_code_cell(first.source))  # running it twice does no harm
    try:
        ran = standin.run(notebook, tmp_path, **address)  # as in Colab: the notebook alone, an empty folder
        assert standin.state("cs-utils")
        assert standin.state("numpy", "torch") == before
    finally:
        standin("-m", "pip", "uninstall", "-q", "-y", "cs-utils")
    assert_full_points(ran)
    assert ran.cells[-1].outputs == []


@each_name
def test_the_bundle_alone_is_enough_to_solve_and_check(installed: Path, standin: StandIn, name: str) -> None:
    requirements = "from importlib.metadata import requires; print(*requires('cs-utils'))"
    assert standin("-c", requirements).split()[:3] == ["numpy", "torch", "matplotlib"]
    assert_full_points(standin.run(solved(installed, name), installed / "notebooks" / name))
