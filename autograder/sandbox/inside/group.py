"""A control group (cgroup v2) around each run, where this process may make one: it counts all memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

PREFIX = "convnet-run-"


class Group:
    """A group for one process, with a limit on its memory. Made before namespaces are entered."""

    def __init__(self, parent: str, memory_bytes: int):
        self._name = f"{PREFIX}{os.getpid()}"
        self._parent = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.mkdir(self._name, dir_fd=self._parent)
            try:
                self._write("memory.max", str(memory_bytes))
                with contextlib.suppress(OSError):  # a kernel without swap accounting
                    self._write("memory.swap.max", "0")
                self.door = self._open("cgroup.procs", os.O_WRONLY)
                self._events = self._open("memory.events", os.O_RDONLY)
            except BaseException:
                os.rmdir(self._name, dir_fd=self._parent)
                raise
        except BaseException:
            os.close(self._parent)
            raise

    def join(self) -> None:
        """Put the calling process into the group."""
        os.write(self.door, b"0")

    def killed(self) -> bool:
        """Whether the kernel has killed a process of the group for its memory."""
        words = os.pread(self._events, 4096, 0).split()
        return int(words[words.index(b"oom_kill") + 1]) > 0

    def remove(self) -> None:
        """Nobody may be in the group any more."""
        os.rmdir(self._name, dir_fd=self._parent)

    def _open(self, file: str, flags: int) -> int:
        return os.open(f"{self._name}/{file}", flags, dir_fd=self._parent)

    def _write(self, file: str, text: str) -> None:
        descriptor = self._open(file, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def find() -> tuple[str, str]:
    """The folder to make groups in, tried on a process of ours; or "" and why there is none."""
    try:
        mount, own = _own_folder()
    except (OSError, StopIteration):
        return "", "cgroup v2 is not mounted"
    reason = "no memory controller in cgroup v2 here"
    for folder in (
        (own,) if own == mount else (own, own.parent)
    ):  # beside us, mostly: only leaves hold processes
        try:
            if "memory" not in (folder / "cgroup.subtree_control").read_text().split():
                continue
            _sweep(folder)
            _try(folder)
            return str(folder), ""
        except OSError as error:
            reason = f"no group can be made in {folder}: {error.strerror}"
    return "", reason


def _own_folder() -> tuple[Path, Path]:
    """Where cgroup v2 is mounted, and the folder of the group that this process is in."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    fields = next(line.split() for line in lines if " - cgroup2 " in line)
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line[:3] == "0::")
    root = fields[3].rstrip("/")
    mount = Path(fields[4])
    return mount, mount / own.removeprefix(root).lstrip("/")


def _try(folder: Path) -> None:
    group = Group(str(folder), 64 << 20)
    try:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(OSError):
                group.join()
                os._exit(0)
            os._exit(1)
        if os.waitpid(child, 0)[1] != 0:
            raise PermissionError(1, "a process cannot be moved into it")
    finally:
        group.remove()


def _sweep(folder: Path) -> None:
    """Remove the groups of keepers that were killed; the kernel refuses where a process is inside."""
    for left in _left_over(folder):
        with contextlib.suppress(OSError):
            left.rmdir()


def _left_over(folder: Path) -> Iterator[Path]:
    for path in folder.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{path.name.removeprefix(PREFIX)}").exists():
            yield path
