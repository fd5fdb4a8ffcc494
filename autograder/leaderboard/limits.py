"""How much one team, one address and one connection may ask for."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import h11
import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
BODY_SECONDS = 120.0  # more than the longest upload may take
UNREAD_SECONDS = 60.0  # that a client may leave an answer unread
SMALL = 16 * 1024  # bytes of any request that is no upload
REST_SECONDS = 20.0


class Refusal(Exception):
    """A request that is answered with `status` and one sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


@dataclass(frozen=True)
class Rates:
    """What the package `limits` understands, such as "30/minute".

    A whole class may sit behind one address, so an address may ask far more often than a team, and nothing
    that comes from an address keeps a right token out; only wrong tokens are held to little.
    """

    uploads_per_token: str = "30/minute"
    requests_per_token: str = "300/minute"
    requests_per_address: str = "6000/minute"
    wrong_tokens_per_address: str = "60/minute"


class RateLimiter:
    """Counts in memory, by sliding windows."""

    def __init__(self, rates: Rates) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._uploads = limits.parse(rates.uploads_per_token)
        self._requests = limits.parse(rates.requests_per_token)
        self._address = limits.parse(rates.requests_per_address)
        self._wrong = limits.parse(rates.wrong_tokens_per_address)

    def request_from(self, address: str) -> None:
        self._hit(self._address, "address", address, "Too many requests from your address")

    def request_with(self, token: str) -> None:
        self._hit(self._requests, "requests", token, "Too many requests with your token")

    def upload_with(self, token: str) -> None:
        self._hit(self._uploads, "uploads", token, "Too many uploads at once with your token")

    def wrong_token(self, address: str) -> None:
        self._hit(self._wrong, "wrong", address, "Too many wrong tokens from your address")

    def _hit(self, limit: limits.RateLimitItem, kind: str, who: str, what: str) -> None:
        if not self._limiter.hit(limit, kind, who):
            self._refuse(limit, kind, who, what)

    def _refuse(self, limit: limits.RateLimitItem, kind: str, who: str, what: str) -> None:
        reset = self._limiter.get_window_stats(limit, kind, who).reset_time
        wait = max(1, round(reset - time.time()))
        sentence = f"{what}; wait {wait} second{'s' if wait > 1 else ''} and try again."
        raise Refusal(429, sentence, {"Retry-After": str(wait)})


# --- bodies -------------------------------------------------------------------------------------------------


@dataclass
class Bodies:
    """Reads what is uploaded: of one never more than `most` bytes nor for longer than `seconds`, and never
    more than `at_once` at a time, of which one team has at most `per_team`."""

    most: int
    seconds: float = 60.0
    at_once: int = 64
    per_team: int = 4
    _reading: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.at_once)

    async def read(self, request: Request, team: int) -> bytes:
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.most:
            raise self._too_large(f" ({int(declared):,} bytes)")
        with self._turn_of(team):
            try:
                async with asyncio.timeout(self.seconds):
                    async with self._places:
                        return await self._whole(request)
            except TimeoutError:
                raise Refusal(
                    408, f"The upload took longer than {self.seconds:g} seconds; try again on a faster line."
                ) from None

    async def _whole(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            size += len(part)
            if size > self.most:  # whatever Content-Length has said
                raise self._too_large("")
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self, found: str) -> Refusal:
        return Refusal(
            413,
            f"The file is too large{found}; at most {self.most:,} bytes are read. "
            "Send one label for each test picture, as integers, or compress the .npz.",
        )

    @contextmanager
    def _turn_of(self, team: int) -> Iterator[None]:
        if self._reading[team] >= self.per_team:
            raise Refusal(
                429,
                f"Your team has {self.per_team} uploads under way; wait until they are done.",
                {"Retry-After": "5"},
            )
        self._reading[team] += 1
        try:
            yield
        finally:
            self._reading[team] -= 1
            if not self._reading[team]:
                del self._reading[team]


class SmallBodies:
    """Of what is sent to any address but those in `large`, reads no more than `SMALL` bytes.

    FastAPI reads a whole body before it asks who sends it, so a stranger could fill the memory.
    """

    def __init__(self, app: ASGIApp, large: tuple[str, ...]) -> None:
        self._app = app
        self._large = large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._large:
            return await self._app(scope, receive, send)
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > SMALL:
                raise HTTPException(413, f"At most {SMALL:,} bytes are read here.")
            return message

        await self._app(scope, counted, send)


class PatientProtocol(H11Protocol):
    """HTTP that closes connections which make it wait: for `HEAD_SECONDS` for a request's first lines, for
    `BODY_SECONDS` for its body, or for `REST_SECONDS` for the rest of a body that was refused before it had
    come; or that leave an answer unread for `UNREAD_SECONDS`.

    Uvicorn waits for ever, so a few hundred silent connections would keep everybody else out. The rest of a
    refused upload is read and dropped, since a client that is still sending when the connection closes sees a
    broken pipe and not why it was refused.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        for what in list(self._timers):
            self._cancel(what)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._start("rest", REST_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start("answer", UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel("answer")

    def _watch(self) -> None:
        """Of head and body, the one that is awaited has a timer, which runs until all of it is here."""
        if self.conn.their_state is not h11.SEND_BODY:
            self._cancel("rest")
        for what, state, seconds in (
            ("head", h11.IDLE, HEAD_SECONDS),
            ("body", h11.SEND_BODY, BODY_SECONDS),
        ):
            if self.conn.their_state is not state or self.transport.is_closing():
                self._cancel(what)
            else:
                self._start(what, seconds, self.transport.close)

    def _start(self, what: str, seconds: float, end: Callable[[], None]) -> None:
        if what not in self._timers:
            self._timers[what] = self.loop.call_later(seconds, end)

    def _cancel(self, what: str) -> None:
        if what in self._timers:
            self._timers.pop(what).cancel()
