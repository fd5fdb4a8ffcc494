"""``autograder leaderboard doctor``: is this machine fit to run a competition in front of a class?

As in `autograder.doctor` a check says what was found and what to do about it. Nothing is changed.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import shutil
import socket
import ssl
import stat
import time
import urllib.request
from collections.abc import Callable
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from autograder.doctor import Check, State, guarded
from autograder.leaderboard.competition import Competition, LeaderboardError
from autograder.leaderboard.security import HEADERS
from autograder.leaderboard.serving import is_served
from autograder.leaderboard.store import Store

ENOUGH_DISK = 2e9  # bytes
CLOCK_SLACK = 2.0  # seconds that clocks may differ
ANSWER_SECONDS = 10
CERTIFICATE_DAYS = 14
SYNC_FILES = ("/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/ntpd.pid")
TIME_ERROR = 5  # what adjtimex(2) returns when nothing keeps the clock
Found = tuple[State, str, str]


def examine(competition: Competition, address: str = "") -> list[Check]:
    """Every check. Never raises for what it finds. address: where students reach the server."""
    address = address or competition.address
    checks: list[tuple[str, Callable[[], Found]]] = [
        ("private folder", lambda: private(competition)),
        ("labels", lambda: labels(competition)),
        ("disk", lambda: disk(competition.path)),
        ("database", lambda: database(competition)),
        ("clock", clock),
        ("clock of the database", lambda: database_clock(competition)),
        ("deadline", lambda: deadline(competition)),
        ("server", lambda: server(competition)),
        ("public address", lambda: public_address(address)),
    ]
    return [guarded(name, check) for name, check in checks]


def private(competition: Competition) -> Found:
    """Labels, seed, tokens and database: for the user who serves, and nobody else."""
    folder = competition.private_dir
    files = [folder, *folder.iterdir(), *competition.path.glob("*.db*")]
    open_to_others = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_to_others:
        names = " ".join(str(path) for path in open_to_others)
        return "problem", f"others on this machine can read {names}", f"chmod go-rwx {names}"
    if tokens := sorted(path.name for path in folder.glob("tokens*.csv")):
        return "warning", f"holds {', '.join(tokens)}", "Delete it once every student has got their token."
    return "ok", "readable by you only", ""


def labels(competition: Competition) -> Found:
    task = competition.task()
    return "ok", f"{task.n_public:,} public and {task.n_private:,} private, {len(task.classes)} classes", ""


def disk(path: Path) -> Found:
    free = shutil.disk_usage(path).free
    found = f"{free / 1e9:.1f} GB free"
    if free < ENOUGH_DISK:
        return "problem", found, f"Make room: uploads of a term and backups need {ENOUGH_DISK / 1e9:g} GB."
    return "ok", found, ""


def database(competition: Competition) -> Found:
    """It can be read, it can be written, and it is what it was: SQLite's own check of every page."""
    store = Store(competition.database_url)
    try:
        store.upgrade()
        teams = [team for team in store.teams() if team.kind == "team"]
        uploads = sum(team.uploads for team in teams)
        found = f"{store.engine.dialect.name}, teams: {len(teams)}, uploads: {uploads:,}"
        if store.is_sqlite:
            with store.engine.connect() as connection:
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            if verdict != "ok":
                return "problem", f"damaged: {verdict}", "Restore the last backup (`restore`)."
            if mode != "wal":
                return "problem", f"{found}; no write-ahead log", "Keep it on a local disk of this machine."
        if not teams:
            return "warning", found, "Make tokens: autograder leaderboard tokens ROSTER.csv"
        return "ok", found, ""
    except LeaderboardError as error:
        return "problem", str(error), "If it stays so, restore the last backup (`restore`)."
    finally:
        store.close_connections()


def clock() -> Found:
    """What the kernel knows of the synchronisation of this machine's clock; no server is asked."""
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    if _kernel_is_synchronised() or any(os.path.exists(path) for path in SYNC_FILES):
        return "ok", f"{now}, kept by a time service", ""
    return (
        "warning",
        f"{now}; no time service was seen on this machine",
        "The deadline goes by this clock. Compare it with another, or run chrony or systemd-timesyncd.",
    )


def _kernel_is_synchronised() -> bool:
    """adjtimex(2) with nothing to set: its answer says whether anybody disciplines the clock."""
    try:
        room = ctypes.create_string_buffer(512)  # more than any struct timex
        state = ctypes.CDLL(None, use_errno=True).adjtimex(room)
    except (OSError, AttributeError):
        return False
    return 0 <= state < TIME_ERROR


def database_clock(competition: Competition) -> Found:
    """The deadline goes by the clock of the machine that serves; another one's should agree."""
    store = Store(competition.database_url)
    try:
        if store.is_sqlite:
            return "ok", "the same as this machine's", ""
        with store.engine.connect() as connection:
            before = time.time()
            asked = connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())"))
            theirs = float(asked.scalar_one())
            after = time.time()
    finally:
        store.close_connections()
    return _agree(_outside(theirs, before, after), "the database's")


def _outside(moment: float, before: float, after: float) -> float:
    """How far a moment lies outside the time in which it was asked for; a slow answer is no wrong clock."""
    return moment - min(max(moment, before), after)


def _agree(difference: float, whose: str) -> Found:
    found = f"{whose} differs by {difference:+.1f} s"
    if abs(difference) > CLOCK_SLACK:
        return "problem", found, "Run a time service on both machines; deadlines go by the server's clock."
    return "ok", found, ""


def deadline(competition: Competition) -> Found:
    when = competition.deadline
    if when is None:
        return "warning", "none", "Set deadline in leaderboard.toml, or close by hand."
    found = f"{when.astimezone(competition.timezone):%Y-%m-%d %H:%M %Z}"
    if when < dt.datetime.now(dt.UTC):
        return "warning", f"{found}, which has passed", "Close it: autograder leaderboard close NAME"
    return "ok", found, ""


def server(competition: Competition) -> Found:
    if is_served(competition.path):
        return "ok", "running on this machine", ""
    return "warning", "not running on this machine", "autograder leaderboard serve NAME"


# --- the public address -----------------------------------------------------------------------------------


def public_address(address: str) -> Found:
    """Asked as a browser asks: certificate, headers, redirection, and the clock that its answers carry."""
    if not address:
        return "warning", "none set", "Set address in leaderboard.toml to what students type, or --address."
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "problem", f"{address!r} is no address", "Write it like https://board.example.org"
    try:
        headers, before, after = _ask(address.rstrip("/") + "/healthz")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)  # urllib wraps what it was
        if isinstance(why, ssl.SSLCertVerificationError):
            return "problem", f"its certificate is not valid: {why.verify_message}", "Renew or correct it."
        return "problem", f"{address} does not answer: {why}", "Start server and proxy (deploy/README.md)."
    lacking = [name for name, value in HEADERS.items() if headers.get(name) != value]
    if lacking:
        return "problem", f"the proxy removes or changes {', '.join(lacking)}", "Let these headers pass."
    if (date := headers.get("Date")) is not None:
        drift = _outside(parsedate_to_datetime(date).timestamp(), before - 1, after)  # whole seconds
        if abs(drift) > CLOCK_SLACK:
            return _agree(drift, f"the clock of {parts.hostname}")
    if parts.scheme == "http":
        if parts.hostname in ("127.0.0.1", "::1", "localhost"):
            return "ok", f"{address} answers; this machine only, so without TLS", ""
        return (
            "problem",
            f"{address} answers without TLS",
            "Tokens can be read on the way; see deploy/README.md.",
        )
    return _tls(parts.hostname, parts.port or 443, headers)


def _tls(host: str, port: int, headers: Message) -> Found:
    left = _certificate_days(host, port)
    if "Strict-Transport-Security" not in headers:
        todo = "Let the proxy send X-Forwarded-Proto, and name it to the server with --trusted-proxy."
        return "problem", "no Strict-Transport-Security in the answers", todo
    if left < CERTIFICATE_DAYS:
        return "warning", f"the certificate ends in {left:.0f} days", "Renew it before the deadline."
    if _answers_without_tls(host):
        todo = "Let the proxy redirect http:// to https://."
        return "warning", f"http://{host} shows the board without TLS", todo
    return "ok", f"TLS, certificate valid for {left:.0f} days, all headers there", ""


def _ask(address: str) -> tuple[Message, float, float]:
    """The headers of an answer of our server, and when it was asked for and had come."""
    before = time.time()
    with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
        body = answer.read(1000)
    if json.loads(body).get("status") != "ok":
        raise ValueError("something else than the leaderboard answers there")
    return answer.headers, before, time.time()


def _certificate_days(host: str, port: int) -> float:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), ANSWER_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert() or {}
    return (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400


def _answers_without_tls(host: str) -> bool:
    """Whether port 80 gives the board itself; a redirection to https, or silence, is as it should be."""
    try:
        with urllib.request.urlopen(f"http://{host}/healthz", timeout=ANSWER_SECONDS) as answer:
            return urlsplit(answer.geturl()).scheme == "http"
    except (OSError, ValueError):
        return False
