"""The keeper's eye on a run: what the kernel does not limit by itself is looked at many times a second."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

EVERY_MS = 25
_MOST_ENTRIES = 5000  # as many as the tmpfs of a run has inodes
_DEEPEST = 50
_CPU_CLOCK = 2  # of a whole process, by its number: what clock_getcpuclockid(3) gives


class Watch:
    """Looks at one process.

    Args:
        proc: a descriptor of /proc, which is not there any more once the fence stands.
        pid: of the process, as seen there.
        request: holds memory_bytes, threads, cpu_seconds, keep_seconds, and tmpfs_bytes for `folder`.
        folder: what the process may write to, where nothing else limits that; or None.
    """

    def __init__(self, proc: int, pid: int, request: Mapping[str, Any], folder: str | None):
        self._proc = proc
        self._pid = pid
        self._request = request
        self._folder = folder
        self._end = time.monotonic() + request["keep_seconds"]

    def over(self) -> str:
        """The limit that the process is over: wall, cpu, memory, threads, disk; or ""."""
        if time.monotonic() > self._end:
            return "wall"
        if self._processor_time() >= self._request["cpu_seconds"]:
            return "cpu"
        memory, threads = self._status()
        if memory > self._request["memory_bytes"]:
            return "memory"
        if threads > self._request["threads"] + 8:  # rlimits come first where they count this process alone
            return "threads"
        if self._folder is not None and not _fits(self._folder, self._request["tmpfs_bytes"]):
            return "disk"
        return ""

    def _processor_time(self) -> float:
        """Seconds, exactly. What the kernel's own limit counts is a sample, and far off on a busy machine."""
        try:
            return time.clock_gettime(~self._pid << 3 | _CPU_CLOCK)
        except OSError:  # it has just ended
            return 0.0

    def _status(self) -> tuple[int, int]:
        """Bytes of memory that belong to the process (with what it was forked with), and its threads."""
        try:
            descriptor = os.open(f"{self._pid}/status", os.O_RDONLY, dir_fd=self._proc)
        except FileNotFoundError:  # it has just ended
            return 0, 0
        try:
            text = os.read(descriptor, 1 << 14).decode()
        except ProcessLookupError:
            return 0, 0
        finally:
            os.close(descriptor)
        fields = dict(line.split(":", 1) for line in text.splitlines())
        kibibytes = (fields.get(name) for name in ("RssAnon", "RssShmem", "VmSwap", "VmPTE"))
        memory = sum(int(value.split()[0]) << 10 for value in kibibytes if value)
        return memory, int(fields["Threads"])


def _fits(folder: str, most_bytes: int) -> bool:
    """Whether the files below `folder` are neither too large together, nor too many, nor too deep."""
    used = entries = 0
    waiting = [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as found:
                for entry in found:
                    entries += 1
                    used += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
                    if used > most_bytes or entries > _MOST_ENTRIES or depth > _DEEPEST:
                        return False
        except OSError:  # a folder that keeps its owner out
            return False
    return True
