"""What students get: no solution, no answer, no secret, no output, no cache, no grader."""

from __future__ import annotations

import ast
import functools
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from autograder import source

SUFFIXES = {".py", ".json", ".ipynb", ".md", ".toml", ".typed", ".gz", ".npz", ""}
SHORTEST = 16  # shorter lines, such as `return out`, say nothing
IDIOMS = {"optimizer.zero_grad()", "optimizer.step()"}  # of every training loop, also of those that we show


@pytest.fixture(scope="module")
def wheel(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel of the bundle."""
    folder = tmp_path_factory.mktemp("wheel")
    copied = shutil.copytree(bundle, folder / "bundle")  # the build leaves files there
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(copied),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(params=["bundle", "wheel"])
def delivered(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def text_of(path: Path) -> str:
    """The text that a reader of the file sees; of a notebook, the cells."""
    if path.suffix == ".ipynb":
        return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    if path.suffix in (".gz", ".npz"):  # pictures, which a test below looks at; weights, which have checksums
        return ""
    return path.read_text(encoding="utf-8")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def telling_lines(code: str) -> set[str]:
    """Lines that would give something away: statements of some length; no imports, no heads of blocks."""
    code = re.sub(r'""".*?"""', "", code, flags=re.DOTALL)
    lines = (line.split("  #")[0].strip() for line in code.splitlines())
    ordinary = ("import ", "from ", "@", "#", "raise ", "super().__init__(")
    return {
        line
        for line in lines
        if len(squeezed(line)) >= SHORTEST and not line.endswith(":") and not line.startswith(ordinary)
        if line not in IDIOMS
    }


@functools.cache
def hidden_lines() -> set[str]:
    """Lines of solutions, of correct variants, and of known mistakes."""
    found: set[str] = set()
    for path in source.sources():
        for cell in source.read(path).cells:
            if cell.kind in ("answer", "written"):
                shown = telling_lines(source.without_solution(cell.source))
                found |= telling_lines(source.with_solution(cell.source)) - shown
    for path in sorted(source.SOLUTIONS.glob("*/*.py")):
        for snippet in source.snippets(path):
            found |= telling_lines(snippet.source)
    return found


@functools.cache
def hidden_answers() -> dict[str, str]:
    """name -> the assignment that answers the short question."""
    parsed = [source.read(path) for path in source.sources()]
    return {
        cell.name: squeezed(source.with_solution(cell.source).splitlines()[-1])
        for one in parsed
        for cell in one.cells
        if cell.kind == "answer" and cell.name in source.answers(one)
    }


def test_no_line_of_a_solution_style_or_mistake_is_delivered(delivered: Path) -> None:
    hidden = hidden_lines()
    assert len(hidden) > 20 * len(source.sources())
    for path in files(delivered):
        text = squeezed(text_of(path))
        leaked = {line for line in hidden if squeezed(line) in text}
        assert not leaked, f"{path.relative_to(delivered)} gives away {leaked}"


def test_no_answer_of_a_short_question_is_delivered(delivered: Path) -> None:
    for path in files(delivered):
        lines = {squeezed(line) for line in text_of(path).splitlines()}
        for name, assignment in hidden_answers().items():
            assert assignment not in lines, f"{path.relative_to(delivered)} answers {name}"


def test_questions_are_delivered_as_hashes_only(delivered: Path) -> None:
    questions = json.loads((delivered / "cs_utils" / "exercises" / "questions.json").read_text())
    for entry in questions.values():
        assert set(entry) == {"notebook", "points", "salt", "right", "wrong"}
        for digest in [*entry["right"], *entry["wrong"]]:
            assert re.fullmatch("[0-9a-f]{32}", digest)


def test_no_solution_markers_are_delivered(delivered: Path) -> None:
    for path in files(delivered):
        for marker in (source.BEGIN, source.END, "BEGIN HIDDEN TESTS", "rubric:"):
            assert marker.lower() not in text_of(path).lower(), f"{path.relative_to(delivered)}: {marker}"


def test_no_grader_cache_output_or_secret_is_delivered(delivered: Path) -> None:
    for path in files(delivered):
        name = path.relative_to(delivered)
        assert path.suffix in SUFFIXES or "dist-info" in name.parts[0], name
        hidden = {"autograder", "solutions", "answers", "tests", "__pycache__", "secret.key"}
        assert not hidden & set(name.parts)
        assert "import autograder" not in text_of(path) and "from autograder" not in text_of(path)
        if path.suffix == ".ipynb":
            for cell in nbformat.read(path, as_version=4).cells:
                assert not cell.get("outputs") and cell.get("execution_count") is None


def test_the_wheel_holds_the_whole_package(bundle: Path, wheel: Path) -> None:
    assert {path.relative_to(bundle) for path in files(bundle / "cs_utils")} == {
        path.relative_to(wheel) for path in files(wheel / "cs_utils")
    }


def test_the_registry_and_its_pictures_are_delivered_and_load(delivered: Path) -> None:
    registry = delivered / "cs_utils" / "registry"
    original = source.ROOT / "data"
    for path in sorted(registry.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (original / path.relative_to(registry)).read_bytes()
    pictures = sorted(path.name for path in files(delivered) if path.suffix == ".gz")
    assert pictures == sorted(path.name for path in (original / "fashion-mnist-small").glob("*.gz"))
    assert (registry / "fashion-mnist-small" / "LICENSE").is_file()
    script = "import cs_utils.data as d; print(d.__file__, d.load('fashion-mnist-small'))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(delivered)!r}); {script}"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.startswith(str(delivered)) and "5,000 training and 1,000 test images" in printed


def test_the_helpers_are_python_3_10(bundle: Path) -> None:
    for path in sorted((bundle / "cs_utils").rglob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
        for module in ("tomllib", "StrEnum", "typing.Self", "ExceptionGroup"):
            assert module not in path.read_text(encoding="utf-8"), (
                f"{path.name}: {module} is newer than Python 3.10"
            )


def test_the_readme_leads_to_every_notebook_and_to_the_address(bundle: Path) -> None:
    readme = (bundle / "README.md").read_text(encoding="utf-8")
    assert source.address() in readme and "{" not in readme
    links = re.findall(r"\]\((notebooks/[^)]+)\)", readme)
    assert links == [
        path.relative_to(bundle).as_posix() for path in sorted(bundle.glob("notebooks/*/*.ipynb"))
    ]
    assert all((bundle / name).is_file() for name in ("LICENSE", "LICENSE-text", "data/README.md"))
