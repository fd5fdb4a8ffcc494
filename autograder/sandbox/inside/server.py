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
from typing import Any, NoReturn

from . import fence, kernel, worker
from .wire import Caps, encode

READY = b"ready"
_REQUEST_BYTES = 1 << 16


def main(grader: int, connection: int, folders: list[str], modules: list[str]) -> NoReturn:
    """Serve the process `grader` over the socket `connection` until either is gone.

    folders: of the runtime, on the path already. modules: to import before the first run.
    """
    server = socket.socket(fileno=connection)
    alive = os.pidfd_open(os.getppid())  # the socket may be held open by children of the grader
    if os.getppid() != grader:
        os._exit(0)
    try:
        tree = _prepare(folders, modules)
    except BaseException:
        server.send(traceback.format_exc().encode()[-4000:])
        os._exit(1)
    server.send(READY)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no wait
    poll = select.poll()
    poll.register(server, select.POLLIN)
    poll.register(alive, select.POLLIN)
    while not any(descriptor == alive for descriptor, _ in poll.poll()):
        message, descriptors, _, _ = socket.recv_fds(server, _REQUEST_BYTES, 2)
        if not message:
            break
        if os.fork() == 0:
            _keep(json.loads(message), descriptors[0], descriptors[1], tree)
        for descriptor in descriptors:
            os.close(descriptor)
    os._exit(0)


def _prepare(folders: list[str], modules: list[str]) -> fence.Tree:
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # collections in the forks leave the shared pages alone
    return fence.plan_tree(folders)


def _keep(request: dict[str, Any], control: int, data: int, tree: fence.Tree) -> NoReturn:
    """The keeper of one run. `control` leads to the grader; `data` goes to the worker."""
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        fence.close_descriptors([control, data])
        keeper = os.pidfd_open(os.getpid())
        user = fence.user_for(os.getpid())
        namespaces = request["level"] == "namespaces"
        if namespaces:
            fence.enter_namespaces()
        # In a mount namespace every run has a /tmp of its own.
        with contextlib.nullcontext("/tmp") if namespaces else tempfile.TemporaryDirectory() as folder:
            child = os.fork()
            if child == 0:
                os.close(control)
                worker.main(data, keeper, user, folder, request, tree)
            os.close(data)
            _watch(control, child, request["level"])
    except BaseException as error:
        refuse(data, error)
    os._exit(0)


def refuse(data: int, error: BaseException) -> None:
    """Tell the grader why there is no fence, instead of running anything without one."""
    os.write(data, encode({"kind": "refused", "why": f"{type(error).__name__}: {error}"[:1000]}, Caps()))


def _watch(control: int, child: int, level: str) -> None:
    """Kill the worker when `control` says anything or closes; then say how it ended."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(ended, select.POLLIN)
    asked = all(descriptor != ended for descriptor, _ in poll.poll())
    if asked:
        signal.pidfd_send_signal(ended, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    if level == "none":
        _kill_group(child)
    code = os.waitstatus_to_exitcode(status)
    report = {"asked": asked, "code": code, "cpu_seconds": used.ru_utime + used.ru_stime}
    with contextlib.suppress(OSError):  # the grader may be gone
        os.write(control, json.dumps(report).encode())


def _kill_group(leader: int) -> None:
    """Without a pid namespace, what the worker started is found by its process group only."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
