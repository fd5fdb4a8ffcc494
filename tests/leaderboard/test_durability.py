"""Whatever happens to the process: no accepted upload is lost, and none is stored twice."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from autograder.leaderboard import migrations
from autograder.leaderboard.competition import LeaderboardError, Rules, Task
from autograder.leaderboard.database import metadata, open_engine
from autograder.leaderboard.store import Receipt, Store
from tests.leaderboard.fixtures import NOON, guess, new_team, numbers, record
from tests.leaderboard.uploader import expect_whole, send, start, told

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))


# --- kill -9 ----------------------------------------------------------------------------------------------


def settle(store: Store) -> None:
    """Wait until a PostgreSQL server has ended what a client that was killed had asked for."""
    busy = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    while not store.is_sqlite:
        with store.engine.connect() as connection:
            if connection.execute(busy).scalar_one() == 0:
                return
        time.sleep(0.005)


def kill_trials(store: Store, task: Task, trials: int, seed: int) -> None:
    """Kill a process that uploads, at a random moment, again and again.

    After each: what was accepted is there, the database is whole, and a client that sends everything again,
    with the same keys, has each upload there once.
    """
    rng, teams = random.Random(seed), [new_team(store) for _ in range(2)]
    for trial in range(trials):
        jobs = [(teams[n % 2], f"{seed}-{trial}-{n}") for n in range(30)]
        process, pipe = start(store.url, jobs, threads=rng.choice([1, 3, 6]))
        time.sleep(rng.uniform(0, 0.12))
        process.kill()
        process.join()
        accepted = {(team, key): receipt for team, key, receipt in told(pipe)}
        pipe.close()
        settle(store)
        stored = expect_whole(store, task)
        assert accepted.keys() <= stored.keys(), "an accepted upload was lost"
        again = jobs[: len(accepted) + 8]
        receipts = {job: send(store, task, *job) for job in again}
        for job, receipt in accepted.items():
            assert receipts[job] == replace(receipt, replayed=True)
        for job in again:
            assert receipts[job].replayed == (job in stored)
        assert len(expect_whole(store, task)) == len(stored) + sum(job not in stored for job in again)


@pytest.mark.parametrize(
    "kind, trials", [("sqlite", 20), pytest.param("postgresql", 10, marks=pytest.mark.needs("postgresql"))]
)
def test_kill_9_at_any_moment_loses_no_accepted_upload_and_accepts_none_twice(stores, task, kind, trials):
    kill_trials(stores(kind), task, trials, seed=random.randrange(10**6))


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_hundreds_of_kills_lose_no_accepted_upload_and_accept_none_twice(stores, task, kind, seed):
    kill_trials(stores(kind), task, 25, seed)


@pytest.mark.needs("postgresql")
def test_a_server_that_crashes_loses_no_accepted_upload(stores, task, postgres):
    """The uploading process lives on, is told that its database is away, and goes on when it is back."""
    import signal

    store = stores("postgresql")
    team, accepted, refused = new_team(store), {}, 0
    ended = threading.Event()

    def upload() -> None:
        nonlocal refused
        n = 0
        while not ended.is_set():
            try:
                accepted[(team, f"k{n}")] = send(store, task, team, f"k{n}")
                n += 1
            except LeaderboardError:
                refused += 1
                time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(upload)
        while len(accepted) < 5:
            time.sleep(0.01)
        postgres.stop(signal.SIGQUIT)
        seen = len(accepted)
        time.sleep(0.1)
        postgres.start()
        deadline = time.monotonic() + 60
        while len(accepted) < seen + 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        ended.set()
        running.result()
    assert len(accepted) >= seen + 5
    assert set(accepted) == set(expect_whole(store, task))


# --- several processes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_two_processes_that_write_at_the_same_time_store_each_upload_once(stores, task, kind):
    store = stores(kind)
    teams = [new_team(store) for _ in range(3)]
    jobs = [(teams[n % 3], f"{n}") for n in range(30)]
    both = [start(store.url, order) for order in (jobs, jobs[::-1])]
    answers = []
    for process, pipe in both:
        answers += told(pipe)
        process.join()
    assert len(answers) == 60 and all(isinstance(answer, Receipt) for _, _, answer in answers)
    assert sum(not answer.replayed for _, _, answer in answers) == 30
    assert set(expect_whole(store, task)) == set(jobs)


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_two_processes_together_keep_to_the_daily_limit(stores, task, kind):
    store, rules = stores(kind), Rules(daily_limit=5)
    team = new_team(store)
    both = [start(store.url, [(team, f"{who}{n}") for n in range(10)], rules=rules) for who in "ab"]
    answers = []
    for process, pipe in both:
        answers += [answer for _, _, answer in told(pipe)]
        process.join()
    assert answers.count("OverLimit") == 15
    assert sorted(answer.left_today for answer in answers if isinstance(answer, Receipt)) == [0, 1, 2, 3, 4]
    assert len(expect_whole(store, task)) == 5


# --- migrations -------------------------------------------------------------------------------------------


def empty(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of a database without any table."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/{next(numbers)}.db"
    return request.getfixturevalue("postgres").create(f"empty{next(numbers)}")


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_migrations_from_an_empty_database_make_the_tables_that_the_store_uses(kind, tmp_path, request):
    store = Store(empty(kind, tmp_path, request))
    store.upgrade()
    store.upgrade()  # at every start
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert migrations.current(connection) == migrations.newest()
    assert store.board().rows == ()
    store.close_connections()


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_a_database_of_the_first_revision_keeps_everything_when_it_is_upgraded(kind, tmp_path, request, task):
    url = empty(kind, tmp_path, request)
    engine = open_engine(url)
    with engine.connect() as connection, connection.begin():
        migrations.upgrade(connection, "0001")
    # what the first version had written, with the columns that it knew
    with engine.connect() as connection, connection.begin():
        old = sa.MetaData()
        old.reflect(connection)
        assert "final" not in old.tables and "top" not in old.tables["team"].c
        row = {
            "name": "Ada",
            "pseudonym": "Owl",
            "folded": "owl",
            "kind": "team",
            "created": NOON.replace(tzinfo=None),
        }
        connection.execute(old.tables["team"].insert(), row)
    engine.dispose()
    store = Store(url)
    store.upgrade()
    [team] = store.teams()
    assert (team.name, team.pseudonym) == ("Ada", "Owl")
    record(store, team.id, guess(task, 0.5), task, Rules())
    assert store.close(NOON, task).rows[0].private is not None
    store.close_connections()


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_a_database_of_a_newer_version_is_not_touched(stores, kind):
    store = stores(kind)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LeaderboardError, match=r"revision 9999.*newer"):
        store.upgrade()


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_several_that_start_at_the_same_time_upgrade_once(kind, tmp_path, request):
    url = empty(kind, tmp_path, request)
    found = [Store(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Store.upgrade, found))
    assert found[0].version() == 0
    for store in found:
        store.close_connections()


# --- backup and restore -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_a_backup_made_while_uploads_come_in_is_of_one_moment(stores, task, kind, tmp_path):
    store = stores(kind)
    teams = [new_team(store) for _ in range(3)]
    process, pipe = start(store.url, [(teams[n % 3], f"{n}") for n in range(4000)])
    assert pipe.poll(60)  # the first is accepted
    sizes = []
    for n in range(4):
        time.sleep(0.05)
        store.backup(tmp_path / f"{n}.backup")
        copy = Store(f"sqlite:///{shutil.copy(tmp_path / f'{n}.backup', tmp_path / f'{n}.db')}")
        sizes.append(len(expect_whole(copy, task)))
        copy.close_connections()
    process.kill()
    process.join()
    accepted = told(pipe)
    assert sizes == sorted(sizes) and accepted
    assert sorted(tmp_path.glob("*.backup*")) == [tmp_path / f"{n}.backup" for n in range(4)]
    assert (tmp_path / "0.backup").stat().st_mode & 0o077 == 0  # predictions and hashes are in it


@pytest.mark.parametrize(
    "source, target",
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.needs("postgresql")),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.needs("postgresql")),
        pytest.param("postgresql", "postgresql", marks=pytest.mark.needs("postgresql")),
    ],
)
def test_what_is_restored_is_what_was_saved_from_any_database_to_any(stores, task, source, target, tmp_path):
    first, second = stores(source), stores(target)
    token = first.add_team("Ada", ["s1"])
    team = first.team_of_token(token)
    assert team is not None
    for n in range(4):
        send(first, task, team.id, f"{n}")
    first.record_baseline("LeNet", guess(task, 0.6), task)
    before = first.board()
    first.backup(tmp_path / "backup")
    for n in range(3):  # what is in the way
        send(second, task, new_team(second), f"x{n}")
    shown = second.board()
    second.restore(tmp_path / "backup")
    restored = second.board()
    assert restored.rows == before.rows and restored.version > max(before.version, shown.version)
    assert second.team_of_token(token) == first.team_of_token(token)
    assert second.history(team.id) == first.history(team.id) and second.members(team.id) == ["s1"]
    assert send(second, task, team.id, "3").replayed
    assert send(second, task, new_team(second, "new"), "3").upload > send(second, task, team.id, "3").upload
    second.close(NOON, task)
    second.backup(tmp_path / "closed")
    first.restore(tmp_path / "closed")
    assert first.board().rows == second.board().rows and first.closed_at() == NOON


def test_a_file_that_is_no_backup_changes_nothing(stores, task, tmp_path):
    store = stores("sqlite")
    send(store, task, new_team(store), "1")
    good = tmp_path / "good"
    store.backup(good)
    raw = good.read_bytes()
    (tmp_path / "text").write_text("no backup")
    (tmp_path / "damaged").write_bytes(raw[:8192] + b"\xff" * 4096 + raw[12288:])
    (tmp_path / "short").write_bytes(raw[: len(raw) // 2])
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE team (x)")
    board = store.board()
    for name, words in (
        ("none", "cannot be read"),
        ("text", "no backup"),
        ("damaged", "damaged"),
        ("short", "damaged"),
        ("other", "another program"),
    ):
        with pytest.raises(LeaderboardError, match=words):
            store.restore(tmp_path / name)
    assert store.board() is board
    assert (tmp_path / "good").read_bytes() == raw


def test_a_restore_that_is_killed_leaves_what_was_there(stores, task, tmp_path, monkeypatch):
    """The last step fails, as when the process ends there: the transaction is undone."""
    store = stores("sqlite")
    send(store, task, new_team(store), "1")
    store.backup(tmp_path / "backup")
    send(store, task, new_team(store), "2")
    before = store.board()

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("autograder.leaderboard.backup._copy_rows", cut)
    with pytest.raises(KeyboardInterrupt):
        store.restore(tmp_path / "backup")
    assert store.board() is before
