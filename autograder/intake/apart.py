"""Take in submissions in a process of their own, which may die of what it reads.

Reading runs nothing of a submission, but it parses it, and Python's parser can be led astray: by text that it
reads for hours without letting any other thread go on, or that overflows its stack. Then one submission is
lost, and a new process reads the next.
"""

from __future__ import annotations

import contextlib
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Self, TypeVar

import nbformat

from autograder.intake import take_in_bytes
from autograder.results import Intake, Note

SECONDS = 30  # of processor time for one submission; an ordinary one needs less than a tenth
MEMORY = 4 << 30

T = TypeVar("T")
_COMMAND = [sys.executable, "-P", "-c", "from autograder.intake.apart import serve; serve()"]


class Buried(RuntimeError):
    """What was read ended the process that read it; the message says how."""


class Readers:
    """Processes that read submissions, one for each that is read at the same time. A context manager."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._closed = False

    def take_in(self, data: bytes, instructor: nbformat.NotebookNode, notes: tuple[Note, ...] = ()) -> Intake:
        """As `autograder.intake.take_in_bytes`; a submission that ends its reader becomes a problem, too."""
        try:
            return self.ask(take_in_bytes, data, instructor, notes)
        except Buried as end:
            advice = "is its code nested very deeply? Look at it and grade it by hand"
            return Intake(problem=f"the notebook {end}: {advice}")

    def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """What `function` gives for `arguments`, called in such a process.

        function: of a module of ours; it runs nothing of what it reads, and what it gives is our own words.

        Raises:
            Buried: it ended the process.
        """
        reader = self._reader()
        try:
            assert reader.stdin is not None and reader.stdout is not None
            pickle.dump((function, arguments), reader.stdin)
            reader.stdin.flush()
            found: T = pickle.load(reader.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise Buried(self._buried(reader)) from None
        with self._lock:
            self._idle.append(reader)
        return found

    def close(self) -> None:
        """End all readers; a submission that is being read comes back with a problem."""
        with self._lock:
            self._closed = True
            for reader in self._all:
                reader.kill()
                reader.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reader(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise RuntimeError("the readers were closed")
            if self._idle:
                return self._idle.pop()
            reader = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._all.append(reader)
            return reader

    def _buried(self, reader: subprocess.Popen[bytes]) -> str:
        """What happened, in words, after the reader is gone for good."""
        code = reader.wait()
        with self._lock, contextlib.suppress(ValueError):
            self._all.remove(reader)
        return (
            f"was not read within {SECONDS} s"
            if code == -signal.SIGXCPU
            else f"ended the process that read it ({code})"
        )


def serve() -> None:
    """Read one submission after another until the other side is gone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        pickle.dump(function(*arguments), sys.stdout.buffer)
        sys.stdout.buffer.flush()
