"""Checkpoints: a training that was interrupted goes on where it was, and ends as if nothing had happened.

A file is written beside the old one and then takes its place in one move, so that at every moment, whatever
is pulled or killed, the file is whole: the old one or the new one.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch

ABANDONED = 3600  # seconds after which an unfinished file is nobody's


class Checkpoint:
    """The file that a training goes on from.

    Args:
        path: where; its folder is made. None: nothing is kept.
        parts: name -> what is to be kept: anything with ``state_dict`` and ``load_state_dict``.
        settings: numbers and texts that must be the same for going on.
        every: seconds between two writings within an epoch.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        parts: Mapping[str, Any],
        settings: Mapping[str, Any],
        every: float,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self._parts, self._settings, self._every = parts, dict(settings), every
        self._saved = time.monotonic()

    def load(self) -> bool:
        """Put the parts into the state that the file has; False where there is no file.

        Raises:
            ValueError: the file cannot be read, or belongs to another training.
        """
        if self.path is None or not self.path.exists():
            return False
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            settings, parts = state["settings"], state["parts"]
        except (OSError, RuntimeError, EOFError, LookupError, TypeError, pickle.UnpicklingError) as error:
            raise ValueError(f"{self.path} is no checkpoint that can be read; {self._remedy()}") from error
        self._must_be_the_same(settings)
        try:
            for name, part in self._parts.items():
                part.load_state_dict(parts[name])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ValueError(f"{self.path} belongs to another network; {self._remedy()}\n{error}") from error
        return True

    def _must_be_the_same(self, settings: Mapping[str, Any]) -> None:
        other = [
            f"{name} was {settings.get(name)!r} and is {value!r}"
            for name, value in self._settings.items()
            if settings.get(name) != value
        ]
        if other:
            raise ValueError(f"{self.path} belongs to another training: {'; '.join(other)}; {self._remedy()}")

    def _remedy(self) -> str:
        return "delete the file, or give fit(..., checkpoint=...) another name, to start from the beginning"

    def save_if_due(self, now: bool = False) -> None:
        """Write the file when the last writing is long enough ago, or when it must be `now`."""
        if now or time.monotonic() - self._saved >= self._every:
            self.save()

    def save(self) -> None:
        """Write the file."""
        if self.path is None:
            return
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        write_whole({"settings": self._settings, "parts": parts}, self.path)
        self._saved = time.monotonic()


def named(function: Callable[..., Any] | None) -> str:
    """What `function` is called, the same in every process: without its place in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(function))


def write_whole(state: Any, path: Path) -> None:
    """Write `state` so that `path` never holds a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{path.name}.*.part"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            left.unlink(missing_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(unfinished, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


class Interruption:
    """While it is open, Ctrl-C (in a notebook: the stop button) only sets `asked`.

    So a training stops between two steps, where its weights are whole. A second Ctrl-C takes effect at once.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def stop_if_asked(self) -> None:
        """Raises: KeyboardInterrupt, when Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt("the training was stopped between two steps")

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
