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
# One environment serves the tests of a class, so they stay in one process.
pytestmark = pytest.mark.xdist_group("standin")


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


class TestBundleAlone:
    """``pip install`` of the bundle into an empty environment, nothing else of the project in sight."""

    @pytest.fixture(scope="class")
    def installed(
        self, standin: StandIn, bundle: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Path]:
        folder = tmp_path_factory.mktemp("student") / "convnet-course"
        shutil.copytree(bundle, folder)  # pip leaves build files in the folder
        standin("-m", "pip", "install", "-q", str(folder))
        yield folder
        standin("-m", "pip", "uninstall", "-q", "-y", "cs-utils")

    def test_its_dependencies_are_numpy_torch_and_matplotlib(
        self, installed: object, standin: StandIn
    ) -> None:
        script = "from importlib.metadata import requires as r; print([x for x in r('cs-utils') if ';' not in x])"
        assert standin("-c", script) == "['numpy', 'torch', 'matplotlib']\n"

    @each_name
    def test_it_is_enough_to_solve_and_check(self, installed: Path, standin: StandIn, name: str) -> None:
        assert_full_points(standin.run(solved(installed, name), installed / "notebooks" / name))


@pytest.mark.needs("git")
class TestColab:
    """The notebook alone in an empty folder; the first cell installs from a git address."""

    @pytest.fixture(scope="class")
    def address(self, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
        """Settings that make git fetch the course's address from a repository on this machine."""
        repository = tmp_path_factory.mktemp("git") / "course"
        shutil.copytree(bundle, repository)
        for command in ("init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -q -m bundle"):
            subprocess.run(["git", *command.split()], cwd=repository, check=True)
        rewrite = f"url.{repository.as_uri()}.insteadOf"
        return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": rewrite, "GIT_CONFIG_VALUE_0": source.address()}

    @each_name
    def test_the_first_cell_installs_and_leaves_numpy_and_torch_alone(
        self, address: dict[str, str], standin: StandIn, bundle: Path, tmp_path: Path, name: str
    ) -> None:
        before = standin.state("numpy", "torch")
        assert len(before) > 1000 and not standin.state("cs-utils")
        notebook = solved(bundle, name)
        first = notebook.cells[1]
        assert len(first.source.splitlines()) == 3 and "%pip install" in first.source
        notebook.cells.append(nbformat.v4.new_code_cell(first.source))  # running it twice does no harm
        try:
            ran = standin.run(notebook, tmp_path, **address)
            assert standin.state("cs-utils")
            assert standin.state("numpy", "torch") == before
        finally:
            standin("-m", "pip", "uninstall", "-q", "-y", "cs-utils")
        assert_full_points(ran)
        assert ran.cells[-1].outputs == []
