"""The leaderboard in the last hour before a deadline: 500 teams, 50 connections, 10,000 predictions each.

The server is the command that an instructor types, with its limits and behind a proxy's X-Forwarded-For.
Databases wait for the disk (SQLite with synchronous=FULL; a PostgreSQL server of its own with fsync). The
clients are one cheap process on the same machine. Of six uploads four are labels as notebooks save them, one
is a table of scores, one a CSV. Afterwards the database is asked for every upload that was answered. Medians
of several runs. The last line is JSON::

    uploads_per_second_sqlite, uploads_per_second_postgres
    p95_ms      of an upload with 50 under way at once, the slower of the two databases
    page_ms     GET / at 500 teams and 50,000 uploads, just after the board has changed (so nothing is cached)
    errors      answers other than 201, and connections that broke
    lost        uploads that were answered and are not in the database exactly once
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import http.client
import io
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests have a PostgreSQL server to start
# Debian keeps the programs of a PostgreSQL server out of the way.
os.environ["PATH"] += "".join(f":{folder}" for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")))

import numpy as np  # noqa: E402
import sqlalchemy as sa  # noqa: E402

from autograder.leaderboard import database  # noqa: E402
from autograder.leaderboard.competition import Competition, create  # noqa: E402
from autograder.leaderboard.predictions import Predictions  # noqa: E402
from autograder.leaderboard.store import Store, pack  # noqa: E402

PICTURES, CLASSES = 10_000, 10
FILES = 24


# --- the class ----------------------------------------------------------------------------------------------


@dataclass
class Class:
    """A competition and its teams' tokens."""

    competition: Competition
    tokens: list[str]

    @property
    def store(self) -> Store:
        return Store(self.competition.database_url)


def make_class(folder: Path, teams: int, database_url: str) -> Class:
    rng = np.random.default_rng(0)

    def noise(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8), rng.integers(0, CLASSES, n)

    settings = {"daily_limit": 100_000, "database": database_url, "pseudonyms": True}
    names = [f"class {number}" for number in range(CLASSES)]
    made = create(
        folder, title="Load", train=noise(100), test=noise(PICTURES), classes=names, settings=settings
    )
    store = Store(made.database_url)
    store.upgrade()
    tokens = [store.add_team(f"Team {number:03}", [f"student{number:03}"]) for number in range(teams)]
    store.close_connections()
    return Class(made, tokens)


def files_of(competition: Competition) -> list[tuple[str, bytes]]:
    """Names and bytes of files to upload, each a little better than the last."""
    task = competition.task()
    rng = np.random.default_rng(1)
    made = []
    for number in range(FILES):
        right = rng.random(PICTURES) < 0.3 + 0.5 * number / FILES
        labels = np.where(right, task.labels, rng.integers(0, CLASSES, PICTURES))
        if number % 6 == 4:
            scores = rng.random((PICTURES, CLASSES), dtype=np.float32)
            scores[np.arange(PICTURES), labels] += 1
            made.append(("predictions.npz", _npz(ids=task.ids, scores=scores)))
        elif number % 6 == 5:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(
                [("id", "label"), *zip(task.ids, labels, strict=True)]
            )
            made.append(("predictions.csv", text.getvalue().encode()))
        else:
            made.append(("predictions.npz", _npz(ids=task.ids, labels=labels.astype(np.int64))))
    return made


def _npz(**arrays: np.ndarray) -> bytes:
    """As `cs_utils.leaderboard.save` writes it."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@contextlib.contextmanager
def serving(competition: Competition) -> Iterator[tuple[str, int]]:
    """The server as an instructor starts it; where it listens."""
    command = [sys.executable, "-m", "autograder", "leaderboard", "serve", str(competition.path)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--trusted-proxy", "127.0.0.1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if found is None:
            raise SystemExit(f"the server did not start: {line!r}")
        yield found[1], int(found[2])
    finally:
        process.terminate()
        if process.wait(60) != 0:
            raise SystemExit(f"the server ended with {process.returncode}")


# --- load ---------------------------------------------------------------------------------------------------

Asked = tuple[str, bytes, bytes]  # key, head and body of an upload


@dataclass
class Load:
    """What the clients have seen. answered: key -> number of the upload."""

    seconds: float = 0.0
    answered: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.answered) / self.seconds

    @property
    def p95(self) -> float:
        return float(np.quantile(self.waits, 0.95)) * 1000


async def _upload(
    place: tuple[str, int], requests: Iterator[tuple[str, bytes, bytes]], until: float, load: Load
) -> None:
    """One connection, which uploads one file after another."""
    reader, writer = await asyncio.open_connection(*place)
    try:
        while time.perf_counter() < until:
            key, head, body = next(requests)
            start = time.perf_counter()
            writer.write(head)
            writer.write(body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", answer)[1])  # type: ignore[index]
            told = await reader.readexactly(length)
            load.waits.append(time.perf_counter() - start)
            if answer.startswith(b"HTTP/1.1 201"):
                load.answered[key] = json.loads(told)["upload"]
            else:
                load.errors[f"{answer[9:12].decode()} {told[:200].decode()}"] += 1
    except (OSError, asyncio.IncompleteReadError) as error:
        load.errors[repr(error)] += 1
    finally:
        writer.close()


def requests_of(
    tokens: list[str], files: list[tuple[str, bytes]], run: str
) -> Iterator[tuple[str, bytes, bytes]]:
    """Key, head and body of one upload after another: every team in turn, each from an address of its own."""
    number = 0
    while True:
        team = number % len(tokens)
        name, body = files[(number // len(tokens) + team) % len(files)]
        key = f"{run}-{number}"
        head = (
            f"POST /api/uploads?filename={name} HTTP/1.1\r\nHost: board\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {tokens[team]}\r\nIdempotency-Key: {key}\r\n"
            f"X-Forwarded-For: 10.0.{team // 250}.{team % 250 + 1}\r\n\r\n"
        )
        yield key, head.encode(), body
        number += 1


def measure(of: Class, seconds: float, connections: int, run: str) -> Load:
    load = Load()
    requests = requests_of(of.tokens, files_of(of.competition), run)

    async def all_of_them(place: tuple[str, int]) -> None:
        start = time.perf_counter()
        await asyncio.gather(*(_upload(place, requests, start + seconds, load) for _ in range(connections)))
        load.seconds = time.perf_counter() - start

    children = _cpu(resource.RUSAGE_CHILDREN)
    with serving(of.competition) as place:
        before = _cpu(resource.RUSAGE_SELF)
        asyncio.run(all_of_them(place))
        clients = _cpu(resource.RUSAGE_SELF) - before
    server = _cpu(resource.RUSAGE_CHILDREN) - children
    print(
        f"  {run}: {len(load.answered)} uploads in {load.seconds:.1f} s, {load.rate:.0f}/s, "
        f"p50 {1000 * statistics.median(load.waits):.0f} ms, p95 {load.p95:.0f} ms, "
        f"{load.errors.total()} errors; CPU: server {1000 * server / max(1, len(load.answered)):.1f} ms "
        f"an upload (its start among them), clients {100 * clients / load.seconds:.0f} % of a core",
        flush=True,
    )
    for what, count in load.errors.most_common(3):
        print(f"    {count} x {what}")
    return load


def _cpu(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def lost(of: Class, loads: list[Load]) -> int:
    """Answered uploads that are not in the database exactly once under their number, or not on the board."""
    store = of.store
    with store.engine.connect() as connection:
        found = connection.execute(sa.select(database.upload.c.key, database.upload.c.id)).all()
    there = Counter((row.key, row.id) for row in found)
    answered = [pair for load in loads for pair in load.answered.items()]
    counted = sum(team.uploads for team in store.teams())
    store.close_connections()
    return sum(there[pair] != 1 for pair in answered) + abs(counted - len(found))


# --- the page -----------------------------------------------------------------------------------------------


def fill(of: Class, uploads: int) -> None:
    """Put rows of a whole term into the database, as large as real ones."""
    store = of.store
    rng = np.random.default_rng(2)
    packed = pack(Predictions(rng.integers(0, CLASSES, PICTURES)), CLASSES)
    now = of.store.teams()
    with store.engine.connect() as connection:
        there = connection.execute(sa.select(sa.func.count()).select_from(database.upload)).scalar_one()
        example = connection.execute(sa.select(database.upload).limit(1)).mappings().one()
        connection.rollback()
        each = -(-(uploads - there) // len(now))
        for team in now if each > 0 else ():
            rows = [
                {key: value for key, value in example.items() if key != "id"}
                | {"team_id": team.id, "key": f"filled {number}", "predictions": packed, "day": "2026-01-01"}
                for number in range(each)
            ]
            with connection.begin():
                connection.execute(database.upload.insert(), rows)
                counted = {"uploads": database.team.c.uploads + each}
                connection.execute(
                    database.team.update().where(database.team.c.id == team.id).values(counted)
                )
    store.close_connections()


def page_ms(of: Class, times: int) -> tuple[float, float]:
    """Milliseconds for the page just after an upload has changed the board, and when nothing has changed."""
    name, body = files_of(of.competition)[0]
    changed, same = [], []
    with serving(of.competition) as place:
        connection = http.client.HTTPConnection(*place)
        for number in range(times):
            token = of.tokens[number % len(of.tokens)]
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"page {time.time_ns()}"}
            assert _asked(connection, "POST", f"/api/uploads?filename={name}", body, headers)[0] == 201
            for waits in (changed, same):
                start = time.perf_counter()
                status, page = _asked(connection, "GET", "/", None, {"Accept-Encoding": "gzip"})
                waits.append(1000 * (time.perf_counter() - start))
                assert status == 200 and page
            time.sleep(0.2)
        connection.close()
    return statistics.median(changed), statistics.median(same)


def _asked(
    connection: Any, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


# --- all of it ----------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teams", type=int, default=500)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=12.0, help="of one run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--uploads", type=int, default=50_000, help="in the database when the page is measured"
    )
    options = parser.parse_args()
    from tests.scale.postgres import PASSWORD, Server

    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    figures: dict[str, float] = {}
    loads: list[Load] = []
    missing = 0
    with tempfile.TemporaryDirectory(prefix="bench-leaderboard-") as name, Server(durable=True) as server:
        os.environ["PGPASSWORD"] = PASSWORD
        places = {"sqlite": "sqlite:///leaderboard.db", "postgres": server.create("board")}
        classes = {}
        for kind, url in places.items():
            print(f"{kind}: {options.teams} teams, {options.connections} connections")
            classes[kind] = of = make_class(Path(name) / kind, options.teams, url)
            here = [
                measure(of, options.seconds, options.connections, f"{kind} {run + 1}")
                for run in range(options.runs)
            ]
            figures[f"uploads_per_second_{kind}"] = round(statistics.median(load.rate for load in here), 1)
            p95 = statistics.median(load.p95 for load in here)
            figures["p95_ms"] = max(figures.get("p95_ms", 0), round(p95))
            missing += lost(of, here)
            loads += here
        slowest = 0.0
        for kind, of in classes.items():
            fill(of, options.uploads)
            changed, same = page_ms(of, 40)
            print(f"{kind}: the page takes {changed:.1f} ms after a change, {same:.1f} ms without one")
            slowest = max(slowest, changed)
    figures["page_ms"] = round(slowest, 1)
    figures["errors"] = sum(load.errors.total() for load in loads)
    figures["lost"] = missing
    print(f"load of this machine after: {os.getloadavg()[0]:.1f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
