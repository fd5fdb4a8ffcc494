"""The trusted side of the wall: starts runs, asks them, kills them. No student code runs in this process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from autograder.results import Cell
from autograder.sandbox import runtime as runtimes
from autograder.sandbox.inside import fence, wire
from autograder.sandbox.inside.tidy import remove_tree
from autograder.sandbox.levels import GIVEN_UP, Level, SandboxUnavailable
from autograder.sandbox.limits import Limits
from cs_utils.checking.outcome import Failure, Outcome

_START_SECONDS = 60.0  # importing NumPy and Matplotlib from a cold disk
_FENCE_SECONDS = 30.0
_END_SECONDS = 10.0
_KEEP_SECONDS = 60.0  # how much longer than the grader's own limit a keeper waits before it kills a run
_OLD_SECONDS = 3600.0
_BUSY = 0.9  # share of the time that a process computes which has a processor to itself
_SCRATCH = "convnet-runs-"
READY = b"ready "
_TO_WORKER = wire.Caps(header=256 << 20, payload=1 << 30)  # the worker trusts us
_FROM_OUTSIDE = [-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGKILL)
_OUT_OF_MEMORY = 71  # exit status of `inside.worker` when it could not even answer

_BOOT = """\
import json, sys
order = json.loads(sys.argv[1])
sys.path.extend(order["folders"])
from inside import server
server.main(**order)"""


@dataclass(frozen=True)
class CellTrouble:
    """A cell that raised, hung or died. index: its place in the cells given to `Sandbox.start`."""

    index: int
    number: int
    exercise: str | None
    failure: Failure


class Sandbox:
    """One fork server, from which any number of threads may start runs. A context manager.

    Args:
        level: how runs are walled in. `Level.NONE` needs `allow_unprotected` as well.
        limits: of every run.
        runtime: what the runs can import, a key of `runtime.RUNTIMES`.

    Attributes:
        memory: how the limit on memory is kept, known from the first run on: ``cgroup`` (the kernel counts
            everything), or ``watched`` and why there is no cgroup (we look many times a second).
    """

    def __init__(
        self,
        level: Level,
        limits: Limits | None = None,
        runtime: str = "numpy",
        allow_unprotected: bool = False,
    ):
        if level is Level.NONE and not allow_unprotected:
            raise SandboxUnavailable(
                f"at level none {GIVEN_UP}; it needs allow_unprotected=True (--unprotected)"
            )
        if why := fence.missing():
            raise SandboxUnavailable(why)
        self.level = level
        self.limits = limits or Limits()
        self._runtime = runtimes.prepare(runtime)
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ended = False
        self._scratch: _Scratch | None = None
        self.memory = ""

    def start(self, cells: Sequence[Cell], seconds: float = math.inf) -> Run:
        """Run `cells` one after another in a fresh process behind the fence, and keep it for questions.

        seconds: wall time of the run, where that is less than its limits allow.

        Returns when the cells are done, or when the process hung or died in one of them (see `Run.dead`).

        Raises:
            SandboxUnavailable: the fence cannot be built here.
        """
        control, keepers_end = socket.socketpair()
        data, workers_end = socket.socketpair()
        try:
            with keepers_end, workers_end:  # closed here, so that their ends elsewhere are the last
                self._request([keepers_end.fileno(), workers_end.fileno()])
            return Run(control, data, self.limits, cells, seconds)
        except BaseException:
            control.close()
            data.close()
            raise

    def close(self) -> None:
        """End the fork server, for good. Runs that are still open are killed with it."""
        with self._lock:
            self._ended = True
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _request(self, descriptors: list[int]) -> None:
        """Ask the fork server for a run; start it first, or again if it has died."""
        request = json.dumps(self._order()).encode()
        with self._lock:
            if self._ended:
                raise SandboxUnavailable("the sandbox was closed")
            if self._server is None or self._server.poll() is not None:
                self._stop()
                self._launch()
            assert self._socket is not None
            socket.send_fds(self._socket, [request], descriptors)

    def _order(self) -> dict[str, Any]:
        limits = self.limits
        rlimits = {
            "AS": limits.address_space,
            "CPU": 2 * limits.cpu_seconds + 1,  # should the keeper, which counts exactly, be late
            "FSIZE": limits.file_bytes,
            "NOFILE": limits.open_files,
            "CORE": 0,
        }
        return {
            "level": self.level.value,
            "rlimits": rlimits,
            "tmpfs_bytes": limits.tmpfs_bytes,
            "answer_bytes": limits.answer_bytes,
            "memory_bytes": limits.memory_bytes,
            "threads": limits.threads,
            "cpu_seconds": limits.cpu_seconds,
            "keep_seconds": limits.total_seconds + _KEEP_SECONDS,
        }

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if self.level is not Level.NAMESPACES:
            self._scratch = _Scratch()
        order = {
            "scratch": self._scratch.path if self._scratch else "",
            "grader": os.getpid(),
            "connection": theirs.fileno(),
            "folders": [str(folder) for folder in self._runtime.folders],
            "modules": self._runtime.modules,
        }
        with theirs, tempfile.TemporaryFile() as errors:
            self._server = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", _BOOT, json.dumps(order)],
                env=runtimes.environment(self._runtime),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            self._socket = ours
            answer = self._first_words()
            if answer.startswith(READY):
                self.memory = answer.removeprefix(READY).decode()
            else:
                errors.seek(0)
                said = (answer + errors.read()).decode("utf-8", "replace").strip()[-4000:]
                self._stop()
                raise SandboxUnavailable(
                    f"the fork server of the sandbox does not start: {said or 'no answer'}"
                )

    def _first_words(self) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(_START_SECONDS)
        try:
            return self._socket.recv(1 << 16)
        except TimeoutError:
            return f"no answer within {_START_SECONDS:g} s".encode()
        finally:
            self._socket.settimeout(_FENCE_SECONDS)

    def _stop(self) -> None:
        """End the fork server: it ends its keepers, and they the runs. One that does not listen is killed."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # it may be open in children of this process
            self._socket.close()
            self._socket = None
        if self._server is not None:
            try:
                self._server.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None


class _Scratch:
    """A folder for the folders of runs that have no file system of their own.

    It is locked while its grader lives, so that the next grader can remove what a killed one left.
    """

    def __init__(self) -> None:
        for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
            with contextlib.suppress(OSError):
                _remove_if_left(left)
        self.path = tempfile.mkdtemp(prefix=_SCRATCH)
        os.chmod(self.path, 0o711)  # runs of root's have users of their own
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # the fork server does it when it ends in peace
            remove_tree(self.path)
        os.close(self._lock)


def _remove_if_left(folder: Path) -> None:
    found = folder.lstat()
    if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _OLD_SECONDS:
        return  # a young one may not be locked yet
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(str(folder))
    finally:
        os.close(lock)


class Run:
    """One fresh process that has run a submission's cells. A context manager; closing it kills everything.

    Attributes:
        troubles: cells that raised; the cells after them were run all the same.
        dead: the cell in which the process hung or died, or None.
        failure: why the process is gone, or None while it lives. A run that is gone answers every question
            with this failure, at once.
        held_back: it hit a time limit without having had a processor to itself (it slept, or the machine was
            busy with other things), or it was killed by a signal, which anybody on the machine may have sent.
            Alone it might do better.
    """

    def __init__(
        self,
        control: socket.socket,
        data: socket.socket,
        limits: Limits,
        cells: Sequence[Cell],
        seconds: float = math.inf,
    ):
        self.troubles: tuple[CellTrouble, ...] = ()
        self.dead: CellTrouble | None = None
        self.failure: Failure | None = None
        self.held_back = False
        self._waited = 0.0  # for the worker, which is what its processor time is compared with
        self._control = control
        self._data = data
        self._limits = limits
        self._caps = wire.Caps(payload=limits.answer_bytes)
        self._cells = tuple(cells)
        self._seconds = min(limits.total_seconds, seconds)
        self._end = time.monotonic() + self._seconds
        self._closed = False
        self._await_fence()
        self._run_cells()

    @property
    def alive(self) -> bool:
        return self.failure is None

    def call(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        names: Sequence[str],
        seconds: float,
        probe: str = "",
    ) -> Outcome:
        """What the student's function `name` gives for these arguments, within `seconds` of wall time.

        `names` are those of the positional arguments, for the report of which were changed in place. `probe`:
        how to exercise the function, where a plain call does not do (`cs_utils.checking.probes`).
        """
        question = {"kind": "call", "name": name, "args": tuple(args), "kwargs": dict(kwargs)}
        outcome = self._ask(question | {"names": tuple(names), "probe": probe}, seconds)
        changed = tuple(name for name in (*names, *kwargs) if name in outcome.changed)
        return replace(outcome, changed=changed)  # only names that we know: what it says is shown to people

    def value(self, name: str) -> Outcome:
        """The student's variable `name`; a failure of kind ``missing`` if there is none."""
        return self._ask({"kind": "value", "name": name}, self._limits.cell_seconds)

    def close(self) -> None:
        """Kill the run, and return when nothing of it is left."""
        if not self._closed:
            self._closed = True
            self.failure = self.failure or Failure("crashed", message="the run was closed")
            self._reap()
            self._control.close()
            self._data.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the conversation ---

    def _await_fence(self) -> None:
        try:
            message = self._receive(time.monotonic() + _FENCE_SECONDS)
        except (wire.WireError, OSError, EOFError) as error:
            raise SandboxUnavailable(f"a run did not start: {error or type(error).__name__}") from None
        if message != {"kind": "fenced"}:
            raise SandboxUnavailable(f"the fence around a run cannot be built: {message.get('why')}")

    def _run_cells(self) -> None:
        """Send the cells, and follow the worker through them."""
        current = -1
        troubles: list[CellTrouble] = []
        cells = [
            {"source": cell.source, "origin": cell.origin, "number": cell.number} for cell in self._cells
        ]
        frame = wire.encode({"cells": cells}, _TO_WORKER)
        start = time.monotonic()
        deadline = self._deadline(self._limits.cell_seconds)
        try:
            self._send(frame, deadline)
            while True:
                message = self._receive(deadline)
                kind = message.get("kind") if type(message) is dict else None
                if kind == "cell":
                    current = self._next_cell(message, current)
                    deadline = self._deadline(self._limits.cell_seconds)
                elif kind == "trouble":
                    if troubles and troubles[-1].index == current:
                        raise wire.WireError("trouble twice in one cell")
                    troubles.append(self._trouble(message, current))
                elif kind == "ready" and current == len(self._cells) - 1:
                    break
                else:
                    raise wire.WireError("not what the worker says")
            self._waited += time.monotonic() - start
        except (wire.WireError, OSError, EOFError) as error:
            self._waited += time.monotonic() - start
            failure = self._die(error, self._limits.cell_seconds)
            if self._cells:
                self.dead = self._at(max(current, 0), failure)
        self.troubles = tuple(troubles)

    def _next_cell(self, message: Any, current: int) -> int:
        wire.check(message, {"kind": str, "index": int})
        if message["index"] != current + 1 or message["index"] >= len(self._cells):
            raise wire.WireError("cells out of order")
        return current + 1

    def _trouble(self, message: Any, current: int) -> CellTrouble:
        wire.check(message, {"kind": str, "index": int, "failure": dict})
        if message["index"] != current:
            raise wire.WireError("trouble in another cell than the running one")
        return self._at(current, wire.to_failure(message["failure"]))

    def _at(self, index: int, failure: Failure) -> CellTrouble:
        cell = self._cells[index]
        return CellTrouble(index, cell.number, cell.exercise, failure)

    def _ask(self, question: dict[str, Any], seconds: float) -> Outcome:
        if self.failure is not None:
            return Outcome(failure=self.failure)
        number = secrets.randbits(62)  # an answer written beforehand cannot know it
        frame = wire.encode(question | {"number": number}, _TO_WORKER)
        start = time.monotonic()
        deadline = self._deadline(seconds)
        try:
            self._send(frame, deadline)
            message = self._receive(deadline)
            wire.check(message, {"kind": str, "number": int, "outcome": dict})
            if message["kind"] != "answer" or message["number"] != number:
                raise wire.WireError("an answer to another question")
            self._waited += time.monotonic() - start
            return wire.to_outcome(message["outcome"], time.monotonic() - start)
        except (wire.WireError, OSError, EOFError) as error:
            self._waited += time.monotonic() - start
            return Outcome(failure=self._die(error, seconds), seconds=time.monotonic() - start)

    def _deadline(self, seconds: float) -> float:
        return min(time.monotonic() + seconds, self._end)

    def _send(self, frame: bytes, deadline: float) -> None:
        self._data.settimeout(_left(deadline))
        self._data.sendall(frame)

    def _receive(self, deadline: float) -> Any:
        """The next frame, all of it before `deadline`: bytes that drip in slowly gain no time."""

        def read(size: int) -> bytes:
            self._data.settimeout(_left(deadline))
            return self._data.recv(size)

        return wire.read_frame(read, self._caps)

    # --- the end ---

    def _die(self, error: Exception, seconds: float) -> Failure:
        """Kill what is left of the process, and say what is known about why it is gone."""
        report = self._reap(grace=1.0 if isinstance(error, (EOFError, ConnectionError)) else 0.0)
        if isinstance(error, TimeoutError):
            self.failure = self._timeout(seconds)
            self.held_back = report.get("cpu_seconds", 0.0) < _BUSY * self._waited
        elif isinstance(error, wire.WireError):
            self.failure = Failure("unreadable", message=str(error))
        else:
            self.failure = Failure("crashed", message=self._cause(report))
            self.held_back = self._killed_by_others(report)
        return self.failure

    def _timeout(self, seconds: float) -> Failure:
        if time.monotonic() >= self._end:
            return Failure("timeout", message=f"all cells and calls together took over {self._seconds:.0f} s")
        return Failure("timeout", message=f"still running after {seconds:g} s")

    def _killed_by_others(self, report: Mapping[str, Any]) -> bool:
        """May the end have come from outside: from a person, or from a machine without memory?"""
        if not report or report.get("orphaned"):  # the keeper or the fork server is gone
            return True
        limit = "limit" in self._cause(report)
        return not limit and not report.get("asked") and report.get("code") in _FROM_OUTSIDE

    def _cause(self, report: Mapping[str, Any]) -> str:
        """The keeper's report in words."""
        code = report.get("code")
        if over := self._over(report.get("over", "")):
            return over
        if code is None or report.get("asked"):
            return "the process closed its connection to the grader"
        if code == -signal.SIGKILL and report["cpu_seconds"] > 0.9 * self._limits.cpu_seconds:
            return self._over("cpu")
        if code == _OUT_OF_MEMORY:
            return f"memory limit: needed more than {self._limits.address_space >> 20} MiB"
        if code >= 0:
            return "exited on its own"  # without the status: it is the student's to choose, and is shown
        if -code not in _FAULTS:  # a student may choose among the others, and tell something by it
            return "killed by a signal"
        hint = ", as happens when the machine runs out of memory" if code == -signal.SIGKILL else ""
        return f"killed by {signal.Signals(-code).name}{hint}"

    def _over(self, limit: str) -> str:
        """The limit that the keeper saw exceeded, in words."""
        limits = self._limits
        return {
            "cpu": f"CPU limit: used {limits.cpu_seconds} s of processor time",
            "memory": f"memory limit: held more than {limits.memory_bytes >> 20} MiB",
            "disk": f"disk limit: wrote more than {limits.tmpfs_bytes >> 20} MiB, or too many files",
            "threads": f"thread limit: started more than {limits.threads} threads",
            "wall": "time limit: it was still there long after its time",
        }.get(limit, "")

    def _reap(self, grace: float = 0.0) -> dict[str, Any]:
        """The keeper's report on how the worker ended; after `grace` seconds the worker is killed for it."""
        said = b""
        with contextlib.suppress(OSError):  # the end may take long, when a great many files are removed
            if grace:
                select.select([self._control], [], [], grace)
            self._control.shutdown(socket.SHUT_WR)
            self._control.settimeout(_END_SECONDS)
            while part := self._control.recv(4096):
                said += part
        return json.loads(said) if said else {}


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
