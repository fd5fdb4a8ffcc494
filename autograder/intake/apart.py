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
from typing import Self

import nbformat

from autograder.intake import take_in_bytes
from autograder.results import Intake, Note

SECONDS = 30  # of processor time for one submission; an ordinary one needs less than a tenth
MEMORY = 4 << 30

_COMMAND = [sys.executable, "-P", "-c", "from autograder.intake.apart import serve; serve()"]


class Readers:
    """Processes that read submissions, one for each that is read at the same time. A context manager."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._closed = False

    def take_in(self, data: bytes, instructor: nbformat.NotebookNode, notes: tuple[Note, ...] = ()) -> Intake:
        """As `autograder.intake.take_in_bytes`; a submission that ends its reader becomes a problem, too."""
        reader = self._reader()
        try:
            assert reader.stdin is not None and reader.stdout is not None
            pickle.dump((data, instructor, notes), reader.stdin)
            reader.stdin.flush()
            intake: Intake = pickle.load(reader.stdout)  # our own words: no code of a student ran there
        except (EOFError, OSError, pickle.UnpicklingError):
            return Intake(problem=self._buried(reader))
        with self._lock:
            self._idle.append(reader)
        return intake

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
        happened = f"ended the process that read it ({code})"
        if code == -signal.SIGXCPU:
            happened = f"was not read within {SECONDS} s"
        return f"the notebook {happened}: is its code nested very deeply? Look at it and grade it by hand"


def serve() -> None:
    """Read one submission after another until the other side is gone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            data, instructor, notes = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        pickle.dump(take_in_bytes(data, instructor, notes), sys.stdout.buffer)
        sys.stdout.buffer.flush()
