"""How much one team, one address and one connection may ask for."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import h11
import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
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

    A whole class may sit behind one address, so an address may ask far more often than a team; only wrong
    tokens are held to little.
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

    def may_try_tokens(self, address: str) -> None:
        """Refuse an address that has tried too many wrong tokens, before the next is looked up."""
        if not self._limiter.test(self._wrong, "wrong", address):
            self._refuse(self._wrong, "wrong", address, "Too many wrong tokens from your address")

    def wrong_token(self, address: str) -> None:
        self._limiter.hit(self._wrong, "wrong", address)

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


class PatientProtocol(H11Protocol):
    """HTTP that closes connections which make it wait: for `HEAD_SECONDS` for a request's first lines, or
    for `REST_SECONDS` for the rest of an upload that was refused before it had come.

    Uvicorn waits for ever, so a few hundred silent connections would keep everybody else out. The rest of a
    refused upload is read and dropped, since a client that is still sending when the connection closes sees a
    broken pipe and not why it was refused.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()
        if self.conn.their_state is not h11.SEND_BODY or not self.cycle.response_complete:
            self._cancel_rest_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_timer()
        self._cancel_rest_timer()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and self._rest_timer is None:
            self._rest_timer = self.loop.call_later(REST_SECONDS, self._rest_is_late)

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._cancel_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cancel_rest_timer(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _rest_is_late(self) -> None:
        self._rest_timer = None
        self.transport.close()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()
