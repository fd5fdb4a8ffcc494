"""One process at a time: a lock on a file, which the system gives back when its holder ends, however it
ends."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _try(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def _try(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[bool]:
    """Hold the lock of the file `path` during the block; while another process has it, say `waiting` once and
    wait.

    Gives True, or False where the file system knows no locks (some network drives).
    """
    with open(path, "ab") as file:
        yield _acquire(file, waiting)


def _acquire(file: IO[bytes], waiting: str) -> bool:
    said = False
    while True:
        try:
            _try(file)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                return False
        if not said:
            print(waiting, flush=True)
            said = True
        time.sleep(0.1)
