"""The student bundle: a folder that can be pushed as the students' own repository and installed by itself.

It holds the notebooks, ``cs_utils``, the data registry, a README and the licences; never a solution, an
answer, a secret seed, the grader, or a test of the grader.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder import source

MARKER = ".convnet-course-bundle"
TEMPLATES = Path(__file__).parent / "templates" / "student"
NO_CACHES = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".ipynb_checkpoints")


class ReleaseError(ValueError):
    """The bundle cannot be written; the message says where, why, and what to do."""


@dataclass(frozen=True)
class Bundle:
    """What was written: names of the notebooks, and files relative to `folder`.

    address: where students install from, see `autograder.source.address`.
    """

    folder: Path
    notebooks: tuple[str, ...]
    files: tuple[Path, ...]
    address: str

    @property
    def address_is_set(self) -> bool:
        """False while the address is the example one, from which nothing can be installed."""
        return "git.example.org" not in self.address


def release(destination: Path) -> Bundle:
    """Write the student bundle to `destination`, or replace an earlier bundle there as a whole.

    The notebooks are built anew from their sources. A ``.git`` folder in `destination` is kept.

    Raises:
        ReleaseError: `destination` holds something else.
        autograder.source.SourceError: a notebook cannot be built.
    """
    destination = destination.resolve()
    _refuse_foreign(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(destination) as folder:
        _fill(folder)
    files = sorted(
        path.relative_to(destination)
        for path in destination.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(destination).parts
    )
    notebooks = tuple(path.stem for path in files if path.suffix == ".ipynb")
    return Bundle(destination, notebooks, tuple(files), source.address())


def _refuse_foreign(destination: Path) -> None:
    if not destination.exists():
        return
    if not destination.is_dir():
        raise ReleaseError(f"{destination} is a file; name a folder for the student bundle")
    inside = {path.name for path in destination.iterdir()} - {".git"}
    if inside and MARKER not in inside:
        raise ReleaseError(
            f"{destination} holds {len(inside)} things that are no student bundle ({sorted(inside)[0]}, ...);"
            " name a new or empty folder, or the folder of an earlier bundle"
        )


@contextlib.contextmanager
def _replacing(destination: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `destination` when the block succeeds, and not before."""
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".release-") as workplace:
        fresh, old = Path(workplace, "fresh"), Path(workplace, "old")
        fresh.mkdir()
        yield fresh
        if destination.exists():
            os.replace(destination, old)
        try:
            if (old / ".git").exists():
                os.replace(old / ".git", fresh / ".git")
            os.replace(fresh, destination)
        except OSError:
            if (fresh / ".git").exists():
                os.replace(fresh / ".git", old / ".git")
            if old.exists():
                os.replace(old, destination)
            raise


def _fill(folder: Path) -> None:
    shutil.copytree(source.ROOT / "cs_utils", folder / "cs_utils", ignore=NO_CACHES)
    with tempfile.TemporaryDirectory() as course:
        source.build_all(folder, Path(course), register=False)
    # Inside the package, so that it comes along wherever `cs_utils` is installed.
    shutil.copytree(
        source.ROOT / "data",
        folder / "cs_utils" / "registry",
        ignore=shutil.ignore_patterns("README.md", ".*"),
    )
    (folder / "data").mkdir()
    shutil.copy(source.ROOT / "data" / "README.md", folder / "data")
    for name in ("LICENSE", "LICENSE-text"):
        shutil.copy(source.ROOT / name, folder)
    shutil.copy(TEMPLATES / "pyproject.toml", folder)
    shutil.copy(TEMPLATES / "gitignore", folder / ".gitignore")
    readme = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    readme = readme.replace("{address}", source.address()).replace("{notebooks}", _table(folder))
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / MARKER).write_text("Written by `autograder release`, which replaces this folder as a whole.\n")


def _table(folder: Path) -> str:
    """The rows of the README's table of notebooks: a link and the title."""
    rows = []
    for path in sorted((folder / "notebooks").glob("*/*.ipynb")):
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].lstrip("# ")
        rows.append(f"| [{path.stem}]({path.relative_to(folder).as_posix()}) | {title} |")
    return "\n".join(rows)
