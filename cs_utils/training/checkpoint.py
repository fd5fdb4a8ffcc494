"""Checkpoints: a training that was interrupted goes on where it was, and ends as if nothing had happened.

A file is written beside the old one and then takes its place in one move, so that at every moment, whatever
is pulled or killed, the file is whole: the old one or the new one.
"""

from __future__ import annotations

import io
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
        say: where a sentence about a writing that failed goes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        parts: Mapping[str, Any],
        settings: Mapping[str, Any],
        every: float,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self._parts, self._settings, self._every = parts, dict(settings), every
        self._saved, self._say, self._failed = time.monotonic(), say, False

    def load(self) -> bool:
        """Put the parts into the state that the file has; False where there is no file.

        Raises:
            ValueError: the file cannot be read, or belongs to another training.
            OSError: there is no file, and no place for one.
        """
        if self.path is None:
            return False
        if not self.path.exists():
            self._try_out(self.path)
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
        """Write the file. Where that fails it is said, and the training, which is worth more, goes on."""
        if self.path is None:
            return
        self._saved = time.monotonic()
        try:
            write_whole(self._state(), self.path)
        except OSError as error:
            if not self._failed:
                left = "the one before is whole" if self.path.exists() else "there is none"
                self._say(f"{self.path} was not written: {error}. The training goes on; {left}.")
            self._failed = True
        else:
            self._failed = False

    def _state(self) -> dict[str, Any]:
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        return {"settings": self._settings, "parts": parts}

    def _try_out(self, path: Path) -> None:
        """Better said now than after an hour: write the file, under another name, and remove it again."""
        trial = path.with_name(f"{path.name}.trial")
        try:
            write_whole(self._state(), trial)
        except OSError as error:
            raise OSError(
                error.errno,
                f"no checkpoint can be written to {path}: {error}; fit(..., checkpoint=...) takes any file",
            ) from error
        trial.unlink(missing_ok=True)


def named(function: Callable[..., Any] | None) -> str:
    """What `function` is called, the same in every process: without its place in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(function))


def write_whole(state: Any, path: Path) -> None:
    """Write `state` so that `path` never holds a part of it.

    Raises:
        OSError: it cannot be written. What was at `path` is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{path.name}.*.part"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            left.unlink(missing_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        whole = io.BytesIO()
        torch.save(state, whole)  # which makes a riddle of a full disk, when it writes to one
        with open(unfinished, "wb") as file:
            file.write(whole.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)  # half a file on a full disk
        raise


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
