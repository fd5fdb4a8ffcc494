"""The leaderboard as a web service: uploads in, scores out, a page, and an API for notebooks.

`create_app` puts the parts together; what a request may ask for is in `limits`, who it comes from in
`security`, what changes on open pages in `events`. Scores are decided in `store`; files are read in
`predictions`, and refused there before any label is looked at.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import FormParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.leaderboard import answers, pages, predictions, store
from autograder.leaderboard.competition import Competition, LeaderboardError
from autograder.leaderboard.events import Events, TooManyListeners
from autograder.leaderboard.limits import Bodies, RateLimiter, Rates, Refusal, SmallBodies
from autograder.leaderboard.security import (
    A_YEAR,
    Proxies,
    SecurityHeaders,
    bearer,
    clean_file_name,
    neighbourhood,
)
from autograder.text import printable

log = logging.getLogger("autograder.leaderboard")
T = TypeVar("T")

DATA_FILES = {
    "train.npz": "application/octet-stream",
    "test.npz": "application/octet-stream",
    "competition.json": "application/json",
    "sample_submission.csv": "text/csv; charset=utf-8",
    "RULES.md": "text/markdown; charset=utf-8",
}
MOST_PARTS = 16
FORM_ROOM = 64 * 1024  # bytes that a form may add to a file
KEY_LIMIT = 200
WORKERS = 16  # threads that score uploads; those that wait for the disk share a transaction
DESCRIPTION = (
    "Upload predictions for the test pictures and see where your team stands. "
    "Every refusal is JSON with one sentence in `error`, and none of them uses up one of the day's uploads."
)


@dataclass(frozen=True)
class Settings:
    """How the service runs. trusted_proxies: addresses or networks whose X-Forwarded-For is believed."""

    trusted_proxies: tuple[str, ...] = ()
    rates: Rates = field(default_factory=Rates)
    body_seconds: float = 60.0
    most_listeners: int = 1000


def create_app(competition: Competition, settings: Settings | None = None) -> FastAPI:
    """The service for one competition, ready for any ASGI server."""
    settings = settings or Settings()
    service = Service(competition, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.end()

    app = FastAPI(
        title=f"Leaderboard: {competition.title}",
        description=DESCRIPTION,
        version="1",
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # where to would be made from the Host that a client named
        lifespan=lifespan,
        responses={
            "4XX": {"model": answers.Error, "description": "Refused, with one sentence that says why."}
        },
    )
    app.state.service = service
    app.add_middleware(SmallBodies, large=("/api/uploads",))
    app.add_middleware(NoStackTraces)
    app.add_middleware(SecurityHeaders, proxies=service.proxies)
    _say_errors_in_one_sentence(app)
    _add_board(app, service)
    _add_uploads(app, service)
    app.mount("/static", Assets(directory=pages.STATIC), name="static")
    return app


class Service:
    """What the requests share: the store, the board as it was last drawn, the limits, the listeners."""

    def __init__(self, competition: Competition, settings: Settings) -> None:
        self.competition = competition
        self.task = competition.task()
        self.store = store.Store(competition.database_url)
        self.store.upgrade()
        self.proxies = Proxies(settings.trusted_proxies)
        self.rates = RateLimiter(settings.rates)
        self.largest = predictions.most_bytes(len(self.task.ids), len(self.task.classes))
        self.bodies = Bodies(self.largest + FORM_ROOM, settings.body_seconds)
        self.views = Views(self)
        self.events = Events(self.store.version, most=settings.most_listeners)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="upload")

    def start(self) -> None:
        self.events.start()

    def stop_listening(self) -> None:
        self.events.end()

    async def end(self) -> None:
        self.events.end()
        await asyncio.to_thread(self._workers.shutdown)  # uploads under way are finished
        self.store.close_connections()

    async def score(self, work: Callable[[], T]) -> T:
        """Run the work of one upload beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)


# --- the board ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Packed:
    """The bytes of an answer, plain and compressed once for everybody."""

    kind: str
    plain: bytes
    packed: bytes

    @classmethod
    def of(cls, text: str, kind: str) -> Packed:
        plain = text.encode()
        return cls(kind, plain, gzip.compress(plain, compresslevel=4, mtime=0))


@dataclass(frozen=True)
class View:
    """The board at one version, and its answers."""

    board: Any
    made: float
    api: Packed
    page: Packed


class Views:
    """The board as it is now, drawn once for each version and for at most a fourth of one core's time.

    A request that comes while the board is being read waits for the next reading, so whoever has uploaded
    sees that upload.
    """

    REST = 3.0  # times as long as the last drawing took
    OLDEST = 20.0  # seconds; the time of the server stands in it

    def __init__(self, service: Service) -> None:
        self._service = service
        self._last: View | None = None
        self._next: asyncio.Task[View] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._rests_until = 0.0
        self.birth = f"{time.time_ns():x}"  # a new server may draw the same board differently

    async def current(self) -> View:
        if self._next is None:
            self._next = asyncio.create_task(self._read())
        return await asyncio.shield(self._next)

    async def _read(self) -> View:
        async with self._one_at_a_time:
            self._next = None
            known = await run_in_threadpool(self._unchanged)
            if known is not None:
                return known
            await asyncio.sleep(self._rests_until - time.monotonic())
            return await run_in_threadpool(self._draw)

    def _unchanged(self) -> View | None:
        last = self._last
        if last is None or last.made < time.monotonic() - self.OLDEST:
            return None
        return last if last.board.version == self._service.store.version() else None

    def _draw(self) -> View:
        start, worked = time.monotonic(), time.thread_time()
        board = self._service.store.board()
        shown = board.to_json(now())
        competition = describe(self._service)
        view = View(
            board,
            start,
            Packed.of(json.dumps(shown), "application/json"),
            Packed.of(pages.board_page(shown, competition), "text/html; charset=utf-8"),
        )
        self._last = view
        self._rests_until = time.monotonic() + self.REST * (time.thread_time() - worked)
        return view


def describe(service: Service) -> dict[str, Any]:
    """What GET /api/competition answers."""
    competition = service.competition
    return {
        **competition.description,
        "title": competition.title,
        "classes": list(service.task.classes),
        "test_size": len(service.task.ids),
        "deadline": competition.deadline.isoformat() if competition.deadline else None,
        "timezone": str(competition.timezone),
        "daily_limit": competition.daily_limit,
        "ladder": competition.ladder,
        "step": competition.step,
        "address": competition.address,
        "own_training_data": competition.own_training_data,
        "closed": service.store.closed_at() is not None,
        "server_time": now().isoformat(timespec="seconds"),
        "largest_upload": service.largest,
    }


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def known_address(request: Request) -> str:
    """Where a request comes from, once it is known not to come too often."""
    address = neighbourhood(request.app.state.service.proxies.address(request.scope))
    request.app.state.service.rates.request_from(address)
    return address


Address = Annotated[str, Depends(known_address)]


def _add_board(app: FastAPI, service: Service) -> None:
    """What everybody may read."""

    @app.get("/", include_in_schema=False)
    async def page(request: Request, _: Address) -> Response:
        view = await service.views.current()
        return _fresh_or_304(request, view.page, f"{service.views.birth}-{view.board.version}")

    @app.get("/api/competition", response_model=answers.Competition)
    def competition(_: Address) -> Response:
        """The competition's settings, and whether it is still open."""
        return JSONResponse(describe(service))

    @app.get("/api/board", response_model=answers.Board)
    async def board(request: Request, _: Address) -> Response:
        """All rows, best first. Send the ETag as If-None-Match, and a board that has not changed is 304."""
        view = await service.views.current()
        return _fresh_or_304(request, view.api, f"{service.views.birth}-{view.board.version}")

    @app.get("/api/board.csv", response_class=Response)
    async def board_as_csv(_: Address) -> Response:
        """The board for a spreadsheet."""
        view = await service.views.current()
        return _download(view.board.to_csv(), "board.csv", "text/csv; charset=utf-8")

    @app.get("/api/board.json", response_model=answers.Board)
    async def board_as_json(_: Address) -> Response:
        """The board as a file."""
        view = await service.views.current()
        return _download(json.dumps(view.board.to_json(now()), indent=1), "board.json", "application/json")

    @app.get("/data/{name}", response_class=FileResponse)
    async def data(name: str, _: Address) -> Response:
        """What students get: train.npz, test.npz, competition.json, sample_submission.csv and RULES.md."""
        path = service.competition.public_dir / name
        if name not in DATA_FILES or not path.is_file():
            raise Refusal(404, f"There is no such file; there are {', '.join(DATA_FILES)}.")
        return FileResponse(path, media_type=DATA_FILES[name], headers={"Cache-Control": "no-cache"})

    @app.get("/api/events", response_class=StreamingResponse)
    async def events(address: Address) -> Response:
        """Server-sent events: `event: board` with the new version as data, whenever the board has changed."""
        try:
            return service.events.stream(address)
        except TooManyListeners:
            raise Refusal(
                503, "Too many pages are listening; ask /api/board from time to time.", {"Retry-After": "30"}
            ) from None

    @app.get("/healthz", include_in_schema=False)
    def health() -> Response:
        service.store.version()
        return JSONResponse({"status": "ok"})


def _fresh_or_304(request: Request, answer: Packed, version: str) -> Response:
    tag = f'W/"{version}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if tag in (part.strip() for part in known.split(",")):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(answer.packed, media_type=answer.kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(answer.plain, media_type=answer.kind, headers=headers)


def _download(text: str, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(text.encode(), media_type=kind, headers=headers)


class Assets(StaticFiles):
    """The page's style and script, whose addresses change with their bytes."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        answer = super().file_response(*arguments, **options)
        answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
        return answer


# --- teams --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asking:
    """Who sends a request: the team, and the token that proves it (as the hash that is stored)."""

    team: Any
    token: str


async def asking(request: Request) -> Asking:
    """The team whose token a request brings. A right one is heard whatever else its address has sent: a
    whole class, with whoever means it ill, may sit behind one."""
    service: Service = request.app.state.service
    token = bearer(request.headers)
    if token is None:
        await known_address(request)
        raise Refusal(
            401,
            "This needs your team's token: send it as `Authorization: Bearer TOKEN`.",
            {"WWW-Authenticate": "Bearer"},
        )
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
    team = await run_in_threadpool(service.store.team_of_token, token)
    if team is None:
        service.rates.wrong_token(await known_address(request))
        raise Refusal(
            401,
            "This token is not valid (any more); compare it with the one from your instructor, or "
            "ask for a new one.",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    service.rates.request_with(digest)
    return Asking(team, digest)


Team = Annotated[Asking, Depends(asking)]


def _add_uploads(app: FastAPI, service: Service) -> None:
    """What needs a token."""

    @app.post("/api/uploads", status_code=201, response_model=answers.Receipt, openapi_extra=UPLOAD_BODY)
    async def upload(
        request: Request,
        who: Team,
        filename: Annotated[str, Query(description="Of a file that is sent as it is.")] = "",
    ) -> Response:
        """Score predictions for all test pictures: an .npz or .csv file, as the field `file` of a form or as
        the body itself with `?filename=`.

        Send a key of your own as Idempotency-Key when you may have to try again; without one the file's bytes
        are the key. The same key and bytes get the same answer again and are counted once.
        """
        arrived = now()
        service.rates.upload_with(who.token)
        given_key = _idempotency_key(request)
        kind = request.headers.get("content-type", "")
        body = await service.bodies.read(request, who.team.id)

        def work() -> store.Receipt:
            name, data = _file(body, kind, filename)
            digest = hashlib.sha256(data).hexdigest()
            found = predictions.read(
                data,
                name,
                ids=service.task.ids,
                n_classes=len(service.task.classes),
                top_k=max(service.competition.top_k),
            )
            return service.store.record_upload(
                who.team.id,
                found,
                key=given_key or digest,
                received_at=arrived,
                source="page" if request.headers.get("x-requested-by") == "page" else "api",
                file_name=clean_file_name(name),
                sha256=digest,
                task=service.task,
                rules=service.competition.rules,
            )

        receipt = await service.score(work)
        return JSONResponse(receipt.to_json(), status_code=201)

    @app.get("/api/me", response_model=answers.Me)
    async def me(who: Team) -> Response:
        """Your team: its row, the three just ahead, all its uploads, and how many are left today."""
        view = await service.views.current()
        return JSONResponse(await run_in_threadpool(_standing, service, who.team, view))

    @app.post("/api/me/selection")
    async def select(who: Team, wish: answers.Selection) -> Response:
        """Choose the upload whose private score will count; without a choice it is the best public one."""
        await run_in_threadpool(service.store.select, who.team.id, wish.upload)
        return JSONResponse({"upload": wish.upload, "message": f"Upload {wish.upload} counts at the close."})

    @app.post("/api/me/pseudonym")
    async def rename(who: Team, wish: answers.Pseudonym) -> Response:
        """Choose the name that the board shows."""
        name = await run_in_threadpool(service.store.set_pseudonym, who.team.id, wish.pseudonym)
        return JSONResponse({"pseudonym": name})


UPLOAD_BODY: dict[str, Any] = {
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": KEY_LIMIT}},
        {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
}


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LIMIT or not key.isascii() or not key.isprintable():
        raise Refusal(400, f"Idempotency-Key must be 1 to {KEY_LIMIT} letters, digits or marks of ASCII.")
    return key


def _file(body: bytes, content_type: str, filename: str) -> tuple[str, bytes]:
    """Name and bytes of the file in a request, which may be a form or the file itself."""
    kind, parameters = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        if kind == b"application/x-www-form-urlencoded" and not filename:
            raise Refusal(400, "The form holds no file; send it as multipart/form-data, in the field `file`.")
        return filename or ("predictions.npz" if body.startswith(b"PK") else "predictions.csv"), body
    boundary = parameters.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise Refusal(400, "The form has no boundary; let your client write the Content-Type of the form.")
    files: list[tuple[str, bytes]] = []

    parts = 0

    def take(found: Any) -> None:
        nonlocal parts
        parts += 1
        if parts > MOST_PARTS:  # tens of thousands of empty ones would take a second to read
            raise Refusal(400, f"The form has more than {MOST_PARTS} parts; send one file, as `file`.")
        if found.field_name == b"file":
            found.file_object.seek(0)
            name = (found.file_name or b"").decode("utf-8", "replace")
            files.append((name, found.file_object.read()))
        found.close()

    config = {"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_FIELDS": MOST_PARTS, "MAX_FIELD_SIZE": FORM_ROOM}
    parser = FormParser("multipart/form-data", lambda _: None, take, boundary=boundary, config=config)
    try:
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):
        raise Refusal(400, "The form is damaged or cut short; send the file again.") from None
    finally:
        parser.close()
    if len(files) != 1:
        raise Refusal(400, f"The form holds {len(files) or 'no'} files named `file`; send exactly one.")
    return files[0]


def _standing(service: Service, team: Any, view: View) -> dict[str, Any]:
    """What GET /api/me answers."""
    row = view.board.row_of(team.id)
    moment = now()
    rules = service.competition.rules
    return {
        "team": team.name,
        "pseudonym": team.pseudonym,
        "rank": row.rank if row else None,
        "row": row.to_json() if row else None,
        "ahead": [one.to_json() for one in view.board.ahead_of(team.id)],
        "history": [one.to_json() for one in service.store.history(team.id)],
        "left_today": service.store.left_today(team.id, moment, rules),
        "next_day_at": rules.next_day_at(moment).isoformat(),
    }


# --- errors -------------------------------------------------------------------------------------------------

STATUS: dict[type[LeaderboardError], int] = {
    store.Closed: 403,
    store.OverLimit: 429,
    store.Conflict: 409,
    store.Unknown: 404,
    store.Busy: 503,
}


def _say_errors_in_one_sentence(app: FastAPI) -> None:
    def handler(kind: type[Exception]) -> Callable[..., Any]:
        return app.exception_handler(kind)

    @handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return _error(error.status, error.sentence, error.headers)

    @handler(predictions.Refused)
    async def unreadable(_: Request, error: predictions.Refused) -> Response:
        return _error(422, str(error))

    @handler(LeaderboardError)
    async def not_stored(_: Request, error: LeaderboardError) -> Response:
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)
        return _error(status, str(error), _retry_after(app.state.service, status))

    @handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return _error(400, "The upload was cut short; send the file again.")

    @handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _error(422, _what_is_wrong(error))

    @handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        sentence = {
            400: "The request cannot be read.",
            404: "There is nothing at this address; / is the board.",
            405: "Use another method here.",
        }
        return _error(error.status_code, sentence.get(error.status_code, str(error.detail)), error.headers)


class NoStackTraces:
    """Whatever breaks is logged; the client hears one sentence, with the headers of every other answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception:
            log.exception("%s %s broke", scope.get("method"), printable(scope.get("path", "")))
            if scope["type"] != "http" or begun:
                raise
            sentence = "Something broke on the server, and its keeper can read what; try again later."
            await _error(500, sentence)(scope, receive, send)


def _error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence, "counted": False}, status_code=status, headers=headers)


def _retry_after(service: Service, status: int) -> dict[str, str] | None:
    if status == 429:  # the day's uploads are used up
        moment = now()
        wait = service.competition.rules.next_day_at(moment) - moment
        return {"Retry-After": str(1 + int(wait.total_seconds()))}
    return {"Retry-After": "10"} if status == 503 else None


def _what_is_wrong(error: RequestValidationError) -> str:
    first = error.errors()[0]
    if first.get("type") == "json_invalid":
        return "The body is not JSON."
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query"))
    return f"{printable(where, 60) or 'The body'}: {printable(str(first.get('msg', 'invalid')), 120)}."
