"""The fork server: imports NumPy and Matplotlib once, then forks a fresh process for every run.

It never runs student code and is never told anything worth stealing. For each run it forks a *keeper*, which
enters new namespaces, forks the *worker* there, and kills it as soon as the grader says so or is gone. The
grader asks with a small JSON message that carries two sockets: one to the keeper, one to the worker.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

from . import fence, group, worker
from .tidy import remove_tree
from .watch import EVERY_MS, Watch
from .wire import Caps, encode

READY = b"ready "
_REQUEST_BYTES = 1 << 16
_END_SECONDS = 10


def main(grader: int, connection: int, folders: list[str], modules: list[str], scratch: str) -> NoReturn:
    """Serve the process `grader` over the socket `connection` until either is gone.

    folders: of the runtime, on the path already. modules: to import before the first run. scratch: the folder
    for what runs write, where they have no file system of their own; removed at the end.
    """
    os.umask(0o022)  # the tree of a run is for its user, whatever the grader's own umask
    server = socket.socket(fileno=connection)
    alive = os.pidfd_open(os.getppid())  # the socket may be held open by children of the grader
    if os.getppid() != grader:
        os._exit(0)
    try:
        tree = _prepare(folders, modules)
        groups, why_no_groups = group.find()
    except BaseException:
        server.send(traceback.format_exc().encode()[-4000:])
        os._exit(1)
    server.send(READY + (b"cgroup" if groups else b"watched: " + why_no_groups.encode()))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no wait
    stop, held = os.pipe()  # when this process is gone, `held` closes, and all keepers read the end of `stop`
    poll = select.poll()
    poll.register(server, select.POLLIN)
    poll.register(alive, select.POLLIN)
    while not any(descriptor == alive for descriptor, _ in poll.poll()):
        message, descriptors, _, _ = socket.recv_fds(server, _REQUEST_BYTES, 2)
        if not message:
            break
        if os.fork() == 0:
            request = json.loads(message) | {"scratch": scratch, "groups": groups}
            _keep(request, descriptors[0], descriptors[1], stop, tree)
        for descriptor in descriptors:
            os.close(descriptor)
    os.close(held)
    _end(scratch)
    os._exit(0)


def _end(scratch: str) -> None:
    """Wait for the keepers, which end by themselves, and remove what killed ones left."""
    signal.alarm(_END_SECONDS)
    with contextlib.suppress(ChildProcessError):
        os.wait()  # SIGCHLD is ignored, so this returns when no child is left, and then raises
    if scratch:
        with contextlib.suppress(FileNotFoundError):  # the grader was faster
            remove_tree(scratch)


def _prepare(folders: list[str], modules: list[str]) -> fence.Tree:
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # collections in the forks leave the shared pages alone
    return fence.plan_tree(folders)


def _keep(request: dict[str, Any], control: int, data: int, stop: int, tree: fence.Tree) -> NoReturn:
    """The keeper of one run. `control` leads to the grader; `data` goes to the worker."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        fence.close_descriptors([control, data, stop])
        keeper = os.pidfd_open(os.getpid())
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        user = fence.user_for(os.getpid())
        with _group(request) as own_group, _folder(request, user) as folder:
            if request["level"] == "namespaces":
                fence.enter_namespaces()
            child = os.fork()
            if child == 0:
                os.close(control)
                worker.main(data, keeper, user, folder, request, tree, own_group)
            os.close(data)
            watch = Watch(proc, child, request, None if request["level"] == "namespaces" else folder)
            report = _watch(control, stop, child, watch, request["level"])
            if own_group is not None and own_group.killed():
                report["over"] = "memory"
            with contextlib.suppress(OSError):  # the grader may be gone
                os.write(control, json.dumps(report).encode())
        # What was written is removed; `control` closes with this process, and nothing of the run is left.
    except BaseException as error:
        with contextlib.suppress(OSError):
            refuse(data, error)
    os._exit(0)


@contextlib.contextmanager
def _group(request: dict[str, Any]) -> Iterator[group.Group | None]:
    if not request["groups"]:
        yield None
        return
    own = group.Group(request["groups"], request["memory_bytes"])
    try:
        yield own
    finally:
        own.remove()


@contextlib.contextmanager
def _folder(request: dict[str, Any], user: int | None) -> Iterator[str]:
    """The one folder that a run can write to. In a mount namespace every run has a /tmp of its own."""
    if request["level"] == "namespaces":
        yield "/tmp"
        return
    folder = tempfile.mkdtemp(prefix="run-", dir=request["scratch"])
    try:
        if user is not None and request["level"] != "none":
            os.chown(folder, user, user)
        yield folder
    finally:
        remove_tree(folder)


def refuse(data: int, error: BaseException) -> None:
    """Tell the grader why there is no fence, instead of running anything without one."""
    os.write(data, encode({"kind": "refused", "why": f"{type(error).__name__}: {error}"[:1000]}, Caps()))


def _watch(control: int, stop: int, child: int, watch: Watch, level: str) -> dict[str, Any]:
    """Kill the worker when `control` speaks or closes, or it is over a limit; then say how it ended."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    for descriptor in (control, stop, ended):
        poll.register(descriptor, select.POLLIN)
    over = ""
    while not (events := poll.poll(EVERY_MS)):
        if over := watch.over():
            break
    asked = not over and all(descriptor != ended for descriptor, _ in events)
    if asked or over:
        signal.pidfd_send_signal(ended, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    if level == "none":
        _kill_group(child)
    return {
        "asked": asked,
        "orphaned": any(descriptor == stop for descriptor, _ in events),  # the fork server is gone
        "over": over,
        "code": os.waitstatus_to_exitcode(status),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def _kill_group(leader: int) -> None:
    """Without a pid namespace, what the worker started is found by its process group only."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
