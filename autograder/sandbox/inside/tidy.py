"""Remove what a run wrote, whatever it wrote."""

from __future__ import annotations

import errno
import itertools
import os


def remove_tree(folder: str) -> None:
    """Remove `folder` with all that is in it. Nothing may be writing there any more.

    Folders of folders are moved up to the top before they are emptied, so that a tree may be deeper than
    any path or recursion; modes that keep out their owner are changed. Symbolic links are not followed.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        names = itertools.count()
        while entries := list(os.scandir(top)):
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _empty(top, entry.name, names)
                else:
                    os.unlink(entry.name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(folder)


def _empty(top: int, name: str, names: itertools.count[int]) -> None:
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.name, 0o700, dir_fd=folder)
                _move(folder, entry.name, top, names)
            else:
                os.unlink(entry.name, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _move(source: int, name: str, top: int, names: itertools.count[int]) -> None:
    """To the first name that is free (an empty folder of that name would be replaced, which does no harm)."""
    while True:
        try:
            os.rename(name, f"moved-{next(names)}", src_dir_fd=source, dst_dir_fd=top)
            return
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
