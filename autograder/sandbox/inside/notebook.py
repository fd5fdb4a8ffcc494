"""What a notebook's cells expect around them: IPython's names, streams to print to, top-level ``await``."""

from __future__ import annotations

import ast
import inspect
import io
from types import CodeType
from typing import Any

# Cell magics that run their cell; the others (%%bash, %%html, %%writefile) do nothing here.
_RUNNING_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3"})


def execute(source: str, filename: str, names: dict[str, Any]) -> None:
    """Run a cell in the namespace `names`. Raises whatever it raises."""
    code = compile(source, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        _await(code, names)
    else:
        exec(code, names)


def _await(code: CodeType, names: dict[str, Any]) -> None:
    """Top-level ``await`` of what needs no waiting: there is nothing in a sandbox to wait for."""
    try:
        eval(code, names).send(None)
    except StopIteration:
        return
    raise RuntimeError("this cell waits for something outside the notebook, which cannot happen when grading")


class Shell:
    """What ``get_ipython()`` gives when a cell with IPython syntax was translated to plain Python."""

    def __init__(self, names: dict[str, Any]):
        self.user_ns = names

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> None:
        """``%time f(x)`` runs its line; ``%matplotlib inline`` and the others do nothing."""
        if name in _RUNNING_MAGICS:
            execute(line, "<cell magic>", self.user_ns)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        if name in _RUNNING_MAGICS:
            execute(cell, "<cell magic>", self.user_ns)

    def system(self, command: str) -> None:
        """``!pip install ...`` does nothing."""

    def getoutput(self, command: str, *_: Any, **__: Any) -> list[str]:
        return []

    def set_next_input(self, *_: Any, **__: Any) -> None:
        pass


def display(*_: Any, **__: Any) -> None:
    """Nobody is looking."""


class Sink(io.TextIOBase):
    """Swallows whatever is printed, so that 500 MB of output cost neither memory nor points."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self) -> None:
        self.buffer = io.BufferedWriter(_Nowhere())

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)

    def writable(self) -> bool:
        return True


class NoInput(io.TextIOBase):
    """Standard input of a notebook that nobody sits at: ``input()`` raises EOFError at once."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        return ""

    def read(self, size: int | None = -1, /) -> str:
        return ""

    def readable(self) -> bool:
        return True
