"""One server for one competition: a lock that ends with the process, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from autograder.leaderboard.competition import Competition, LeaderboardError

LOCK = "server.lock"


@contextlib.contextmanager
def only_server(competition: Competition) -> Iterator[None]:
    """Hold the competition for the server.

    Raises:
        LeaderboardError: another process serves it; its number is named.
    """
    descriptor = os.open(competition.private_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number = os.read(descriptor, 20).decode("ascii", "replace").strip()
            raise LeaderboardError(
                f"Process {number or 'unknown'} serves {competition.path} already. There can be one server "
                "only, since it counts requests in its memory; end that one first."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def is_served(path: Path) -> bool:
    """Whether a server holds the competition in `path`."""
    try:
        descriptor = os.open(path / "private" / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
