"""Landlock: a process gives up, for good, all files but those it names, TCP, and signals to others.

It needs neither root nor namespaces, so it works in containers and on hardened hosts where those are refused.
What it does not restrict (names and sizes of files, owners, modes and times, sockets of other kinds) is left
to the filter on system calls.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator

from . import kernel

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
MAKE_DIR, MAKE_REG, MAKE_SYM, TRUNCATE = 1 << 7, 1 << 8, 1 << 12, 1 << 14
READ = READ_FILE | READ_DIR
# Nothing can be removed: the watcher of a run's disk use could not see an open file without a name.
WORK = READ | WRITE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM
_ON_FILES = WRITE_FILE | READ_FILE | TRUNCATE

_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract Unix sockets, signals


def why_not() -> str:
    """Why this kernel does not let us use Landlock, or ""."""
    try:
        kernel.landlock_version()
    except OSError as error:
        return {
            errno.ENOSYS: "the kernel has no Landlock (it needs Linux 5.13 or later)",
            errno.EOPNOTSUPP: "Landlock is switched off; add landlock to lsm= on the kernel's command line",
            errno.EPERM: "Landlock's system calls are refused here, as by an old filter of a container",
        }.get(error.errno or 0, str(error))
    return ""


def prepare(rules: Iterable[tuple[str, int]]) -> int:
    """A ruleset (a descriptor) that allows `rules`, each a path and its rights, and nothing else.

    Everything that this kernel's version of Landlock can refuse is refused: TCP from version 4, signals and
    abstract sockets to processes outside from version 6.
    """
    version = kernel.landlock_version()
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = kernel.landlock_ruleset(handled, _TCP, _SCOPES, size)
    for path, rights in rules:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        kernel.landlock_allow(ruleset, path, rights & handled)
    return ruleset


def around(shown: Iterable[str], hidden: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Rules to read the folders `shown` without the folders `hidden` below them.

    Rights go down a tree and cannot be taken back, so a folder above a hidden one is given entry by entry.
    Its names can be listed (Python's import needs that), and so can those in the hidden folder.
    """
    hidden = tuple(hidden)
    for folder in shown:
        if not any(one.startswith(folder.rstrip("/") + "/") for one in hidden):
            yield folder, READ
            continue
        yield folder, READ_DIR
        with os.scandir(folder) as entries:
            below = sorted(entry.path for entry in entries if not entry.is_symlink())
        yield from around((path for path in below if path not in hidden), hidden)
