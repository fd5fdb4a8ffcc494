"""Telling open pages that the board has changed: server-sent events."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

HEARTBEAT = 15.0  # seconds; proxies close connections that stay silent, mostly after 30 or 60


class TooManyListeners(Exception):
    """The page then asks for the board from time to time instead."""


class Events:
    """Watches a version number and tells every listener when it changes.

    The version is read from the database by one task, however many listen, so changes made by another
    process (`autograder leaderboard close`, a graded class) are told too.
    """

    def __init__(
        self, version: Callable[[], int], *, most: int = 1000, most_per_address: int = 600, every: float = 0.5
    ) -> None:
        self._read_version = version
        self._most = most
        self._most_per_address = most_per_address
        self._every = every
        self._listeners: Counter[str] = Counter()
        self._changed = asyncio.Event()  # replaced by a new one at every change
        self._version: int | None = None
        self._task: asyncio.Task[None] | None = None
        self.ended = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    def end(self) -> None:
        """Let every listener go; called when the server is asked to stop."""
        self.ended = True
        self._changed.set()
        if self._task is not None:
            self._task.cancel()

    @property
    def listeners(self) -> int:
        return self._listeners.total()

    async def _watch(self) -> None:
        while not self.ended:
            if self._listeners:
                await self._look()
            await asyncio.sleep(self._every)

    async def _look(self) -> None:
        try:
            version = await run_in_threadpool(self._read_version)
        except Exception:  # a database that is away for a moment; the next look will tell
            return
        if version != self._version:
            self._version = version
            self._changed.set()
            self._changed = asyncio.Event()

    def stream(self, address: str) -> Response:
        """The answer to one listener.

        Raises:
            TooManyListeners: there is no place for another.
        """
        if self.listeners >= self._most or self._listeners[address] >= self._most_per_address:
            raise TooManyListeners
        return _Stream(self, address)

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        self._listeners[address] += 1
        try:
            yield
        finally:
            self._listeners[address] -= 1
            if self._listeners[address] <= 0:
                del self._listeners[address]

    async def parts(self) -> AsyncIterator[bytes]:
        """The version at once, and again whenever it changes; between, a sign of life."""
        yield b"retry: 3000\n\n"
        told: int | None = None
        while not self.ended:
            changed = self._changed
            if self._version is not None and self._version != told:
                told = self._version
                yield f"event: board\ndata: {told}\n\n".encode()
                continue
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": still here\n\n"


class _Stream(StreamingResponse):
    """Takes its place among the listeners for as long as it is being sent."""

    def __init__(self, events: Events, address: str) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events.parts(), media_type="text/event-stream", headers=headers)
        self._events = events
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._events.place(self._address):
            await super().__call__(scope, receive, send)
