"""A stand-in for Colab and for a student's machine: a fresh environment with only what Colab has.

The packages are hard links to the files of this environment, so that nothing is downloaded, and whatever is
done to them there (an uninstall, an upgrade) does not reach this environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from packaging.requirements import Requirement

COLAB_HAS = ("numpy", "torch", "matplotlib", "ipykernel", "ipywidgets", "pip", "setuptools")
# No index, so that nothing can come from anywhere else; no isolation, since setuptools is there.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class StandIn:
    """A virtual environment in `folder`; `python` is its interpreter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.packages = next(folder.glob("lib/python*/site-packages"))
        for name in _with_dependencies(COLAB_HAS):
            _link(metadata.distribution(name), self.packages)

    def __call__(self, *arguments: str) -> str:
        """Run the interpreter and return what it printed."""
        command = [str(self.python), "-I", *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=self._environment()
        ).stdout

    def _environment(self) -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | OFFLINE

    def state(self, *distributions: str) -> dict[str, tuple[str, int, int]]:
        """(version, inode, time of change) of every file of some distributions."""
        found = {}
        for name in distributions:
            for dist in metadata.distributions(name=name, path=[str(self.packages)]):
                for file in dist.files or ():
                    path = self.packages / file
                    if path.suffix != ".pyc" and path.is_file():
                        status = path.stat()
                        found[str(file)] = (dist.version, status.st_ino, status.st_mtime_ns)
        return found

    def run(self, notebook: NotebookNode, folder: Path, **environment: str) -> NotebookNode:
        """Run a notebook top to bottom in `folder`; an error in a cell is an error here."""
        kernel = self.folder / "kernels" / "standin"
        kernel.mkdir(parents=True, exist_ok=True)
        command = f'["{self.python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
        (kernel / "kernel.json").write_text(
            f'{{"argv": {command}, "display_name": "Colab", "language": "python"}}'
        )
        specs = KernelSpecManager(kernel_dirs=[str(kernel.parent)], ensure_native_kernel=False)
        manager = AsyncKernelManager(kernel_name="standin", kernel_spec_manager=specs)
        client = NotebookClient(
            notebook, km=manager, timeout=120, resources={"metadata": {"path": str(folder)}}
        )
        return client.execute(env=self._environment() | environment)


def _with_dependencies(names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in found:
            found.add(name)
            for text in metadata.requires(name) or ():
                requirement = Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    waiting.append(requirement.name)
    return found


def _link(dist: metadata.Distribution, target: Path) -> None:
    for file in dist.files or ():
        if ".." in file.parts:  # commands in bin/
            continue
        path = target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        original = Path(str(dist.locate_file(file)))
        if not original.exists():
            continue
        try:
            os.link(original, path)
        except OSError:  # another file system
            shutil.copy2(original, path)
