"""Run a command as a user without rights: `python as_ordinary_user.py HOME COMMAND...`, started by root.

Python and this project may lie where such a user cannot go (root's home, mostly). In a mount namespace of
its own, folders that are closed to others are covered, and what is needed is mounted again at its old place.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from autograder.sandbox.inside import kernel  # noqa: E402

USER = 54321


def closed_ancestor(path: Path) -> Path | None:
    """The topmost folder above `path` that others may not enter."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def open_the_way(needed: list[Path]) -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    hidden = {path: closed_ancestor(path) for path in needed}
    stages = {}
    for path in (path for path, cover in hidden.items() if cover is not None):
        stages[path] = tempfile.mkdtemp()
        kernel.mount(str(path), stages[path], flags=kernel.MS_BIND | kernel.MS_REC)
    for cover in {str(cover) for cover in hidden.values() if cover is not None}:
        kernel.mount("tmpfs", cover, "tmpfs", options="mode=755")
    for path, stage in stages.items():
        path.mkdir(parents=True)
        kernel.mount(stage, str(path), flags=kernel.MS_BIND | kernel.MS_REC)


def main(home: str, command: list[str]) -> None:
    open_the_way(sorted({Path(sys.base_prefix), Path(sys.prefix), PROJECT}))
    os.chown(home, USER, USER)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.environ.update(HOME=home, TMPDIR=home, PYTHONDONTWRITEBYTECODE="1")
    os.environ.pop("XDG_CACHE_HOME", None)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
