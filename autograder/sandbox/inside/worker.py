"""The worker: the one process that runs student code. It builds its fence, runs the cells, answers calls.

Nothing that it says decides anything: it is asked for arrays and gives back bytes. From the first cell on,
whatever is in this process may be changed by the student's code, at worst to the student's own loss.
"""

from __future__ import annotations

import builtins
import contextlib
import linecache
import os
import random
import select
import signal
import sys
import tempfile
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from cs_utils.checking import probes
from cs_utils.checking.outcome import Failure, Outcome, describe_exception, plain

from . import fence, kernel, notebook, wire
from .group import Group

SEED = 0
OUT_OF_MEMORY = 71  # exit status of a worker that could not even send its answer
_FROM_GRADER = wire.Caps(header=256 << 20, payload=1 << 30)  # the grader is trusted


def main(
    data: int,
    keeper: int,
    user: int | None,
    folder: str,
    request: Mapping[str, Any],
    tree: fence.Tree,
    group: Group | None,
) -> NoReturn:
    """Never returns.

    Args:
        data: the socket to the grader.
        keeper: a descriptor of the keeper's process.
        user: the user id to become; None to stay.
        folder: to work in, and the only one to write to.
        request: level and limits, as `autograder.sandbox.run` sends them.
        tree: what to show of the file system.
        group: the control group to join.
    """
    link = Link(data, wire.Caps(payload=request["answer_bytes"]))
    try:
        _enter(data, keeper, user, folder, request, tree, group)
    except BaseException as error:
        link.send({"kind": "refused", "why": f"{type(error).__name__}: {error}"[:1000]})
        os._exit(1)
    link.send({"kind": "fenced"})
    try:
        _serve(link)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except EOFError:
        os._exit(0)
    finally:
        os._exit(1)


def _enter(
    data: int,
    keeper: int,
    user: int | None,
    folder: str,
    request: Mapping[str, Any],
    tree: fence.Tree,
    group: Group | None,
) -> None:
    """Build the fence of the level asked for. Raises when any part of it cannot be had."""
    level = request["level"]
    if group is not None:
        group.join()
    with contextlib.suppress(OSError):  # when the machine runs out of memory, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    keep = [data, keeper]
    if level == "landlock":
        keep.append(fence.landlock_rules(tree, folder))
    if level == "namespaces":
        fence.build_root(tree, request["tmpfs_bytes"])
    else:
        os.setsid()
    fence.close_descriptors(keep)
    if level != "none":
        capability = fence.needed_to_read(tree, user) if level == "landlock" else None
        fence.drop_privileges(user, capability)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = folder
    fence.limit_resources(_rlimits(request, user))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which clears it
    if select.select([keeper], [], [], 0)[0]:
        os._exit(0)  # the keeper died before we could ask to die with it
    os.close(keeper)
    if level == "landlock":
        kernel.landlock_restrict(keep[-1])
        os.close(keep[-1])
    if level != "none":
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        fence.filter_calls(os.getpid(), shared_files=level == "landlock")


def _rlimits(request: Mapping[str, Any], user: int | None) -> dict[str, int]:
    """RLIMIT_NPROC counts all threads of a user, so it is for users (or user namespaces) of one run only."""
    own_count = request["level"] == "namespaces" or (request["level"] == "landlock" and user is not None)
    return request["rlimits"] | ({"NPROC": request["threads"]} if own_count else {})


class Link:
    """Frames to and from the grader, over one descriptor and plain reads and writes."""

    def __init__(self, descriptor: int, caps: wire.Caps):
        self._descriptor = descriptor
        self._caps = caps

    def send(self, message: dict[str, Any]) -> None:
        rest = memoryview(wire.encode(message, self._caps))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def receive(self) -> Any:
        return wire.read_frame(lambda size: os.read(self._descriptor, size), _FROM_GRADER)


def _serve(link: Link) -> NoReturn:
    """Run the cells of the first message, then answer one question after another until the end of input."""
    student = Student()
    for index, cell in enumerate(link.receive()["cells"]):
        link.send({"kind": "cell", "index": index})
        failure = student.run(cell, index)
        if failure is not None:
            link.send({"kind": "trouble", "index": index, "failure": wire.from_failure(failure)})
    link.send({"kind": "ready"})
    while True:
        question = link.receive()
        outcome = student.answer(question)
        try:
            link.send({"kind": "answer", "number": question["number"], "outcome": wire.from_outcome(outcome)})
        except wire.WireError as error:
            failure = Failure("raised", "TooLarge", f"the answer cannot be sent: {error}")
            refusal = wire.from_outcome(Outcome(failure=failure))
            link.send({"kind": "answer", "number": question["number"], "outcome": refusal})


class Student:
    """The student's namespace: runs cells in it, and calls what they left there."""

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.names = module.__dict__
        self.names["get_ipython"] = lambda: notebook.Shell(self.names)
        builtins.display = notebook.display  # type: ignore[attr-defined]
        self.callables: dict[str, Any] = {}
        sys.stdin = notebook.NoInput()
        sys.stdout = notebook.Sink()
        sys.stderr = notebook.Sink()

    def run(self, cell: Mapping[str, Any], index: int) -> Failure | None:
        """Run one cell; what it raises is returned, and the next cell can still be run."""
        filename = f"<cell {cell['number'] or f'needed {index}'}>"
        source = cell["source"]
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        reseed()
        try:
            notebook.execute(source, filename, self.names)
        except BaseException as error:
            return describe_exception(error)
        finally:
            if cell["origin"] != "needed":
                self._remember()
        return None

    def _remember(self) -> None:
        """A name that is no function in the end (``corr2d = corr2d(x, k)``) is called as it last was one."""
        self.callables.update((name, value) for name, value in self.names.items() if callable(value))

    def answer(self, question: Mapping[str, Any]) -> Outcome:
        reseed()
        try:
            if question["kind"] == "value":
                return self._value(question["name"])
            return self._call(**{key: question[key] for key in ("name", "args", "kwargs", "names", "probe")})
        except BaseException as error:  # KeyboardInterrupt, or an engine that the student's code has broken
            return Outcome(failure=describe_exception(error))

    def _value(self, name: str) -> Outcome:
        if name not in self.names:
            return Outcome(failure=Failure("missing", message=f"there is no variable called {name}"))
        return Outcome(plain(self.names[name]))

    def _call(self, name: str, args: Any, kwargs: Any, names: Any, probe: str) -> Outcome:
        functions = self.callables | {key: value for key, value in self.names.items() if callable(value)}
        if name not in functions:
            return Outcome(failure=Failure("missing", message=self._nothing_to_call(name)))
        return probes.run(probe, name, probes.find_in(functions), args, kwargs, names)

    def _nothing_to_call(self, name: str) -> str:
        if name not in self.names:
            return f"there is no function called {name}"
        return f"{name} is of type {type(self.names[name]).__name__}, which is no function"


def reseed() -> None:
    """Equal random numbers in every run, for code that uses the legacy generators without a seed."""
    random.seed(SEED)
    np.random.seed(SEED)
