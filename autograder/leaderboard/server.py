"""Running the service: one process, until Ctrl-C or SIGTERM, which let uploads under way finish."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from autograder.leaderboard.competition import LeaderboardError
from autograder.leaderboard.limits import PatientProtocol

GRACE_SECONDS = 20  # for requests under way when the server is asked to stop
IDLE_SECONDS = 30  # a connection may stay silent between two requests
OPEN_FILES = 16_384


class Server(uvicorn.Server):
    """Uvicorn, which at a signal ends the streams that would never end, and exits as if all were well."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # `security.Proxies` reads them, where they may be believed
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
                backlog=2048,
            )
        )
        self._app = app
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread hears signals
            return
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self._end)
        try:
            yield
        finally:
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(one)

    def stop(self) -> None:
        """End from another thread, as a signal would."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        """The second time, without waiting for the requests under way."""
        self._app.state.service.stop_listening()
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(app: FastAPI, *, host: str, port: int, ready: Callable[[str], None]) -> bool:
    """Serve until asked to stop; `ready` is told the address. False when the service could not start.

    port: 0 takes a free one.

    Raises:
        LeaderboardError: nothing can listen there.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _allow_many_connections()
    with listening(host, port) as found:
        shown = f"[{host}]" if ":" in host else host
        server = Server(app, lambda: ready(f"http://{shown}:{found.getsockname()[1]}"))
        server.run(sockets=[found])
    return server.started


def listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, or asyncio leaves Nagle's algorithm on, and an answer's end waits for 40 ms.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise LeaderboardError(
                f"Port {port} of {host} is taken, perhaps by a leaderboard that is running already. "
                f"End it, or choose another: --port {port + 1}"
            ) from None
        raise LeaderboardError(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from None
    return found


def _allow_many_connections() -> None:
    """Every open page is a connection, and the usual limit of 1,024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
