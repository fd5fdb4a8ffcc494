"""A stage for the page: the service's answers with rows that a test makes up, on a real server on loopback.

Everything a team can do on the page is done against the real service elsewhere in these tests; here stand the
boards that would take a class of 500 and a month to bring about, and servers that fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from autograder.leaderboard import pages, scoring, security

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TOKEN = "made-up-token"
HOSTILE = (
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "\u202egnp.exe reversed",
    "W" * 60,
    "'\"><b>bold</b>&amp;",
    "\u05e9\u05dc\u05d5\u05dd team",
    "{{ 7 * 7 }} ${7*7}",
    "constructor",
)
COMPETITION = {
    "title": "Ten shapes under heavy nuisance",
    "classes": [f"class {k}" for k in range(10)],
    "test_size": 10000,
    "deadline": "2026-11-28T23:59:00+01:00",
    "timezone": "Europe/Berlin",
    "daily_limit": 5,
    "ladder": "parameter-free",
    "step": 0.01,
    "closed": False,
    "server_time": START.isoformat(),
    "largest_upload": 4_000_000,
}
BASELINES = (("Linear classifier", 0.372), ("LeNet", 0.704), ("Small ResNet", 0.912))
ANIMALS = ("heron", "otter", "lynx", "wren", "newt", "ibis", "vole", "carp", "hare", "toad", "moth", "crane")
MOODS = (
    "amber",
    "brisk",
    "calm",
    "dusky",
    "early",
    "fair",
    "gentle",
    "hazel",
    "ivory",
    "jolly",
    "keen",
    "mild",
)
Row = dict[str, Any]


def row(name: str, score: float, at: datetime = START, *, kind: str = "team", uploads: int = 1) -> Row:
    low, high = scoring.wilson(round(5000 * score), 5000)
    return {
        "rank": 1,
        "name": name,
        "kind": kind,
        "score": score,
        "low": low,
        "high": high,
        "uploads": uploads,
        "last_improved": at.isoformat(timespec="seconds"),
        "private": None,
        "shake_up": None,
    }


def ranked(rows: list[Row]) -> list[Row]:
    """Ranks as the board has them: one more than the teams whose interval lies wholly above."""
    lows = [one["low"] for one in rows if one["kind"] == "team"]
    for one in rows:
        one["rank"] = 1 + sum(low > one["high"] for low in lows)
    return sorted(rows, key=lambda one: (one["rank"], one["last_improved"]))


def made_up(teams: int, *, hostile: bool = False) -> list[Row]:
    rng = np.random.default_rng(12)
    pairs = [f"{mood} {animal}" for mood in MOODS for animal in ANIMALS]
    names = [f"{pairs[k % len(pairs)]} {k // len(pairs) + 1}" for k in range(teams)]
    if hostile:
        names[: len(HOSTILE)] = HOSTILE
    long_ago = START - timedelta(days=3)
    rows = [row(name, score, long_ago, kind="baseline", uploads=0) for name, score in BASELINES]
    for name in names:
        score = round(5000 * float(np.clip(0.95 - rng.gamma(1.6, 0.06), 0.08, 0.97))) / 5000
        at = START - timedelta(minutes=int(rng.integers(0, 3 * 24 * 60)))
        rows.append(row(name, score, at, uploads=int(rng.integers(1, 30))))
        if score > 0.9:
            rows[-1]["top"] = {"1": score, "3": (2 + score) / 3}
    return ranked(rows)


def closed(rows: list[Row]) -> list[Row]:
    """The same rows after the close: private scores near the public ones, and the shake-up."""
    rng = np.random.default_rng(3)
    for one in rows:
        score = round(5000 * min(1.0, max(0.0, one["score"] - 0.004 + rng.normal(0, 0.012)))) / 5000
        low, high = scoring.wilson(round(5000 * score), 5000)
        one["private"] = {"score": score, "low": low, "high": high, "rank": 1}
    lows = [one["private"]["low"] for one in rows if one["kind"] == "team"]
    for one in rows:
        one["private"]["rank"] = 1 + sum(low > one["private"]["high"] for low in lows)
        one["shake_up"] = one["rank"] - one["private"]["rank"]
    return sorted(rows, key=lambda one: (one["private"]["rank"], one["last_improved"]))


def history(score: float) -> list[Row]:
    shown = [score - 0.31, score - 0.11, score - 0.11, score - 0.04, score - 0.04, score - 0.04, score]
    hours = (0, 5, 7, 26, 29, 50, 71)
    return [
        {
            "upload": 40 + k,
            "at": (START - timedelta(hours=72 - hours[k])).isoformat(),
            "file_name": ("predictions.npz", "lenet.csv", "lenet-wide.npz")[k % 3],
            "improved": k == 0 or value > shown[k - 1],
            "shown": value,
            "selected": k == 6,
            "source": "handed in" if k == 1 else "page",
        }
        for k, value in enumerate(shown)
    ]


@dataclass
class Stage:
    """What the server answers; a test changes it and calls `tell`."""

    rows: list[Row]
    is_closed: bool = False
    version: int = 1
    mine: str = ""
    competition: dict[str, Any] = field(default_factory=lambda: dict(COMPETITION))
    refuses_events: bool = False
    broken: bool = False
    is_over: bool = False
    refusal: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[str, bytes]] = field(default_factory=list)

    def board(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "closed": self.is_closed,
            "server_time": (START + timedelta(minutes=self.version)).isoformat(timespec="seconds"),
            "rows": self.rows,
        }

    def tell(self) -> None:
        self.version += 1

    def row(self) -> dict[str, Any] | None:
        return next((one for one in self.rows if one["kind"] == "team" and one["name"] == self.mine), None)


def app_of(stage: Stage) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        stage.requests.append((request.method, str(request.url)))
        if stage.broken and not request.url.path.startswith("/static"):
            return Response(status_code=502)
        answer: Response = await call_next(request)
        answer.headers.update(security.HEADERS)
        return answer

    def team(request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def refused(status: int, sentence: str) -> JSONResponse:
        return JSONResponse({"error": sentence, "counted": False}, status_code=status)

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(pages.board_page(stage.board(), stage.competition))

    @app.get("/api/board")
    def board(request: Request) -> Response:
        tag = f'"{stage.version}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return JSONResponse(stage.board(), headers={"ETag": tag})

    @app.get("/api/me")
    def me(request: Request) -> Response:
        if not team(request):
            return refused(401, "This token is not valid (any more); compare it with the one you were given.")
        row = stage.row()
        return JSONResponse(
            {
                "team": "Ada and Grace",
                "pseudonym": stage.mine,
                "rank": row and row["rank"],
                "row": row,
                "ahead": [],
                "history": history(row["score"]) if row else [],
                "left_today": 3,
                "next_day_at": "2026-11-22T00:00:00+01:00",
            }
        )

    @app.post("/api/uploads")
    async def upload(request: Request) -> Response:
        if not team(request):
            return refused(401, "This token is not valid (any more).")
        file = (await request.form())["file"]
        assert not isinstance(file, str)
        stage.uploads.append((file.filename or "", await file.read()))
        if stage.refusal:
            return refused(422, stage.refusal)
        return JSONResponse(
            {"message": "Your public score is now 91.50 %.", "left_today": 2}, status_code=201
        )

    @app.get("/api/events")
    async def events() -> Response:
        if stage.refuses_events:
            return Response(status_code=503)

        async def stream() -> Any:
            told = stage.version
            yield ": here\n\n"
            while not (stage.refuses_events or stage.broken or stage.is_over):
                if stage.version != told:
                    told = stage.version
                    yield f"event: board\ndata: {told}\n\n"
                await asyncio.sleep(0.02)

        return StreamingResponse(stream(), media_type="text/event-stream")

    app.mount("/static", StaticFiles(directory=pages.STATIC))
    return app


@contextlib.contextmanager
def performed(stage: Stage) -> Iterator[str]:
    """The stage on a port of its own; gives its address."""
    with served(app_of(stage)) as address:
        try:
            yield address
        finally:
            stage.is_over = True


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)
