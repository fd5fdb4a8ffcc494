"""The store: an accepted upload is there once and for good, and nothing private is there before the close."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa

from autograder.leaderboard import database
from autograder.leaderboard.batches import Batches
from autograder.leaderboard.competition import LeaderboardError, Rules, Task
from autograder.leaderboard.database import metadata
from autograder.leaderboard.ladder import Ladder
from autograder.leaderboard.predictions import Predictions
from autograder.leaderboard.store import (
    Busy,
    Closed,
    Conflict,
    OverLimit,
    Store,
    Unknown,
    pack,
    unpack,
)
from tests.leaderboard.fixtures import CLASSES, NOON, guess, new_team, npz, record, small_task

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def rows(store: Store, table: str) -> list[dict]:
    with store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(metadata.tables[table].select()).mappings()]


def everything(store: Store) -> str:
    """Every column of every row of every table, whatever tables there are."""
    with store.engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        return "\n".join(
            f"{name}: {sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM {name}')))}"
            for name in names
        )


def share(task: Task, right: int) -> Predictions:
    """Predictions that are right at the first `right` of every hundred examples, in both parts alike."""
    place = np.arange(len(task.labels)) // 2 % 100
    return Predictions(np.where(place < right, task.labels, (task.labels + 1) % len(CLASSES)))


# --- uploads ----------------------------------------------------------------------------------------------


def test_an_upload_is_scored_on_the_public_part_and_shown(store, task, rules):
    team = new_team(store)
    upload = share(task, 60)
    upload.labels[~task.public] = 0  # what the private part is, does not matter
    receipt = record(store, team, upload, task, rules)
    assert (receipt.score, receipt.improved, receipt.left_today, receipt.replayed) == (0.6, True, 4, False)
    assert receipt.rank == 1 and 0.52 < receipt.low < 0.6 < receipt.high < 0.67
    row = store.board().row_of(team)
    assert row is not None and (row.score, row.uploads, row.last_improved) == (0.6, 1, NOON)
    assert (row.low, row.high) == (receipt.low, receipt.high)


def test_what_is_shown_changes_only_when_the_ladder_says_so(store, task, rules):
    team = new_team(store)
    shares, shown = (50, 51, 40, 60, 61), (0.5, 0.5, 0.5, 0.6, 0.6)
    receipts = [
        record(store, team, share(task, right), task, rules, received_at=NOON + n * HOUR)
        for n, right in enumerate(shares)
    ]
    assert [receipt.score for receipt in receipts] == list(shown)
    assert [receipt.improved for receipt in receipts] == [True, False, False, True, False]
    assert "stays at 60.00 %" in receipts[-1].message and "is now 60.00 %" in receipts[-2].message
    row = store.board().row_of(team)
    assert row is not None and row.last_improved == NOON + 3 * HOUR and row.uploads == 5
    history = store.history(team)
    assert [one.shown for one in history] == list(shown)
    assert [one.selected for one in history] == [False, False, False, True, False]
    assert json.dumps([one.to_json() for one in history])


def test_the_step_ladder_shows_multiples_of_its_step(store, task):
    team, rules = new_team(store), Rules(ladder=Ladder("step", 0.05))
    shown = [record(store, team, share(task, right), task, rules).score for right in (52, 54, 58, 63)]
    assert shown == [0.5, 0.5, 0.6, 0.6]


def test_the_same_key_gives_the_same_receipt_and_counts_once(store, task, rules):
    team = new_team(store)
    first = record(store, team, share(task, 50), task, rules, key="k")
    record(store, team, share(task, 80), task, rules)
    before = everything(store)
    again = record(store, team, share(task, 50), task, rules, key="k", received_at=NOON + HOUR)
    assert again == replace(first, replayed=True)
    assert everything(store) == before
    with pytest.raises(Conflict, match="idempotency key"):
        record(store, team, share(task, 60), task, rules, key="k")
    other = record(store, new_team(store), share(task, 50), task, rules, key="k")  # of another team
    assert not other.replayed and everything(store) != before


def test_a_receipt_can_be_had_again_after_the_limit_the_deadline_and_the_close(store, task):
    team, rules = new_team(store), Rules(daily_limit=1, deadline=NOON + HOUR)
    first = record(store, team, share(task, 50), task, rules, key="k")
    again = replace(first, replayed=True)
    assert record(store, team, share(task, 50), task, rules, key="k") == again
    late = NOON + 2 * HOUR
    assert record(store, team, share(task, 50), task, rules, key="k", received_at=late) == again
    store.close(late, task, rules)
    assert record(store, team, share(task, 50), task, rules, key="k", received_at=late) == again


def test_the_daily_limit_is_by_the_calendar_of_the_competition(store, task):
    team = new_team(store)
    rules = Rules(daily_limit=2, timezone=ZoneInfo("Europe/Berlin"))  # one hour before UTC in November
    evening = dt.datetime(2026, 11, 21, 22, 30, tzinfo=dt.UTC)
    assert record(store, team, guess(task, 0.5), task, rules, received_at=evening).left_today == 1
    assert record(store, team, guess(task, 0.5), task, rules, received_at=evening).left_today == 0
    before = everything(store)
    with pytest.raises(OverLimit, match=r"2026-11-22 00:00 \(CET\)"):
        record(store, team, guess(task, 0.5), task, rules, received_at=evening)
    assert everything(store) == before and store.left_today(team, evening, rules) == 0
    midnight = evening + HOUR / 2
    assert store.left_today(team, midnight, rules) == 2
    assert record(store, team, guess(task, 0.5), task, rules, received_at=midnight).left_today == 1
    assert record(store, new_team(store), guess(task, 0.5), task, rules, received_at=evening).left_today == 1


def test_without_a_limit_nothing_is_counted(store, task):
    team, rules = new_team(store), Rules(daily_limit=None)
    receipts = [record(store, team, guess(task, 0.5), task, rules) for _ in range(7)]
    assert {receipt.left_today for receipt in receipts} == {None}


def test_nothing_is_taken_after_the_deadline_or_the_close(store, task):
    team, rules = new_team(store), Rules(deadline=NOON)
    record(store, team, guess(task, 0.5), task, rules, received_at=NOON)
    before = everything(store)
    with pytest.raises(Closed, match="2026-11-21 12:00 UTC"):
        record(store, team, guess(task, 0.5), task, rules, received_at=NOON + dt.timedelta(microseconds=1))
    assert everything(store) == before
    store.close(NOON, task)
    with pytest.raises(Closed, match="final scores"):
        record(store, team, guess(task, 0.5), task, Rules())


def test_who_is_no_team_cannot_upload(store, task, rules):
    with pytest.raises(Unknown):
        record(store, 12345, guess(task, 0.5), task, rules)
    store.record_baseline("Linear classifier", guess(task, 0.4), task)
    baseline = store.teams()[0]
    with pytest.raises(Unknown):
        record(store, baseline.id, guess(task, 0.5), task, rules)
    team = new_team(store)
    store.revoke(team, hide=True)
    with pytest.raises(Unknown):
        record(store, team, guess(task, 0.5), task, rules)


def test_a_database_of_another_test_set_is_noticed(store, task, rules):
    team = new_team(store)
    record(store, team, guess(task, 0.5), task, rules)
    other = small_task(n=200)
    with pytest.raises(LeaderboardError, match="database of its own"):
        record(store, team, guess(other, 0.5), other, rules)


def test_predictions_are_kept_to_the_last_label():
    rng = np.random.default_rng(0)
    for n, classes, k in ((1, 2, 1), (7, 10, 3), (100, 16, 1), (33, 17, 2), (50, 1000, 5), (9, 1, 1)):
        ranked = np.stack([rng.permutation(max(k, classes))[:k] for _ in range(n)])
        packed = pack(Predictions(ranked[:, 0], ranked if k > 1 else None), classes)
        found = unpack(packed, n, classes)
        assert found.labels.tolist() == ranked[:, 0].tolist()
        assert (found.ranked is None) == (k == 1)
        assert found.ranked is None or found.ranked.tolist() == ranked.tolist()
    assert len(pack(Predictions(np.zeros(10_000, dtype=np.int64)), 10)) == 5001


# --- the close --------------------------------------------------------------------------------------------


def test_no_private_score_exists_before_the_close(stores):
    """Two competitions that differ only in the private labels have the same rows in every table."""
    task = small_task()
    labels = task.labels.copy()
    labels[~task.public] = (labels[~task.public] + 1) % len(CLASSES)
    uploads = [share(task, right) for right in (30, 70, 50)]
    seen = []
    for one in (task, replace(task, labels=labels)):
        store = stores("sqlite")
        with store.engine.begin() as connection:
            connection.execute(
                metadata.tables["team"].insert(),
                [
                    {
                        "id": n,
                        "name": f"t{n}",
                        "pseudonym": f"p{n}",
                        "folded": f"p{n}",
                        "kind": "team",
                        "created": NOON,
                    }
                    for n in (1, 2)
                ],
            )
        store.record_baseline("LeNet", uploads[1], one, now=NOON)
        receipts = [record(store, team, upload, one, Rules()) for team in (1, 2) for upload in uploads]
        store.select(2, receipts[-1].upload)
        seen.append((everything(store), receipts, store.board(), store.history(2)))
        assert "final: []" in seen[-1][0]
        assert not any(row.private or row.shake_up is not None for row in store.board().rows)
        store.close(NOON, one, Rules())
        seen[-1] += (store.board(),)
    assert seen[0][:4] == seen[1][:4]
    assert seen[0][4] != seen[1][4]


def test_the_upload_that_counts_is_the_selected_one_or_else_the_best_public_one(store, task, rules):
    private = np.flatnonzero(~task.public)
    teams = [new_team(store, f"team {n}") for n in range(3)]
    for team in teams:
        for n, (right, hidden) in enumerate(((50, 0.9), (80, 0.3), (80, 0.5), (60, 0.7))):
            upload = share(task, right)
            wrong = private[int(hidden * len(private)) :]
            upload.labels[private] = task.labels[private]
            upload.labels[wrong] = (task.labels[wrong] + 1) % len(CLASSES)
            record(store, team, upload, task, rules, received_at=NOON + n * HOUR)
    first, best, _, last = store.history(teams[0])
    assert best.selected and best.improved
    store.select(teams[1], store.history(teams[1])[0].upload)
    store.select(teams[2], store.history(teams[2])[3].upload)
    store.select(teams[2], None)
    assert [one.selected for one in store.history(teams[1])] == [True, False, False, False]
    with pytest.raises(Unknown, match="no upload number"):
        store.select(teams[1], last.upload)  # of another team
    board = store.close(NOON + DAY, task, rules)
    found = {row.team_id: row.private.score for row in board.rows if row.private}
    # among uploads of the same public score the earlier: 0.3 and not 0.5
    assert found == {teams[0]: 0.3, teams[1]: 0.9, teams[2]: 0.3}
    assert [row.team_id for row in board.rows] == [teams[1], teams[0], teams[2]]
    with pytest.raises(Closed):
        store.select(teams[0], first.upload)


def test_the_final_board_has_both_scores_and_the_shake_up(store, task, rules):
    private = np.flatnonzero(~task.public)
    for name, right, hidden in (("lucky", 90, 40), ("steady", 70, 70), ("modest", 50, 50)):
        upload = share(task, hidden)
        upload.labels[task.public] = share(task, right).labels[task.public]
        record(store, new_team(store, name), upload, task, rules)
    silent = new_team(store, "silent")
    store.record_baseline("LeNet", share(task, 60), task)
    board = store.close(NOON, task, rules)
    names = {team.id: team.name for team in store.teams()}
    shown = {
        names[row.team_id]: (row.rank, row.private.rank, row.shake_up) for row in board.rows if row.private
    }
    assert shown == {"lucky": (1, 2, -1), "steady": (2, 1, 1), "modest": (3, 2, 1), "LeNet": (2, 1, 1)}
    assert board.closed and board.row_of(silent) is None
    assert store.closed_at() == NOON and len(private) == len(task.private_at)
    before = everything(store)
    with pytest.raises(Closed, match="2026-11-21"):
        store.close(NOON + DAY, task, rules)
    assert everything(store) == before


def test_top_k_is_shown_for_uploads_that_give_several_guesses(store, task):
    rules = Rules(top_k=(1, 2, 3))
    team = new_team(store)
    wrong = share(task, 50)
    second = np.where(np.arange(len(task.labels)) % 4 < 2, task.labels, (task.labels + 2) % 4)
    second = np.where(second == wrong.labels, (second + 3) % 4, second)
    record(store, team, Predictions(wrong.labels, np.stack([wrong.labels, second], axis=1)), task, rules)
    hits = {k: np.mean([t in row[:k] for t, row in zip(
        task.labels[task.public], np.stack([wrong.labels, second], axis=1)[task.public], strict=True)])
        for k in (1, 2)}  # fmt: skip
    row = store.board().row_of(team)
    assert row is not None and row.score == hits[1] and row.top == {2: hits[2]}
    assert row.to_json()["top"] == {"2": hits[2]}
    final = store.close(NOON, task, rules).row_of(team)
    assert final is not None and final.private is not None and set(final.private.top) == {2}


def test_baselines_are_rows_of_their_own_and_push_no_team_down(store, task, rules):
    assert store.record_baseline("Small ResNet", share(task, 90).labels, task) == 0.9
    team = new_team(store)
    assert record(store, team, share(task, 50), task, rules).rank == 1
    found = [(row.name, row.kind, row.rank, row.score) for row in store.board().rows]
    assert found[0][:3] == ("Small ResNet", "baseline", 1) or found[1][:3] == ("Small ResNet", "baseline", 1)
    row = store.board().row_of(team)
    assert row is not None and row.rank == 1
    store.record_baseline("Small ResNet", share(task, 80).labels, task)  # measured again
    assert sorted(row.score for row in store.board().rows) == [0.5, 0.8]
    with pytest.raises(LeaderboardError, match="name the baseline otherwise"):
        store.record_baseline("A team", share(task, 80).labels, task) if new_team(store, "A team") else None


# --- teams and tokens -------------------------------------------------------------------------------------


def test_tokens_are_stored_hashed_and_found_only_whole(store, tmp_path):
    token = store.add_team("Ada", ["s1", "s2", "s1"])
    team = store.team_of_token(token)
    assert team is not None and team.name == "Ada" and team.kind == "team"
    assert store.members(team.id) == ["s1", "s2"] and store.team_of_student("s2") == team
    assert store.team_of_student("s3") is None
    assert token not in everything(store) and token[:-4] not in everything(store)
    assert len(token) > 30
    for wrong in (token[:-1], token + "x", token.swapcase(), "", "\udcff", "' OR 1=1 --"):
        assert store.team_of_token(wrong) is None


def test_a_rotated_or_revoked_token_is_worth_nothing(store):
    token = store.add_team("Ada")
    team = store.team_of_token(token)
    assert team is not None
    new = store.rotate_token(team.id)
    assert store.team_of_token(token) is None and store.team_of_token(new) == team
    store.revoke(team.id)
    assert store.team_of_token(new) is None
    assert [one.name for one in store.teams()] == ["Ada"]
    assert store.team_of_token(store.rotate_token(team.id)) == team
    with pytest.raises(Unknown):
        store.rotate_token(999)


def test_a_hidden_team_leaves_the_board(store, task, rules):
    teams = [new_team(store), new_team(store)]
    for team in teams:
        record(store, team, share(task, 50), task, rules)
    store.revoke(teams[0], hide=True)
    assert [row.team_id for row in store.board().rows] == [teams[1]]
    assert [row.team_id for row in store.close(NOON, task).rows] == [teams[1]]


def test_names_of_teams_and_pseudonyms_are_taken_once_however_they_are_written(store):
    store.add_team("Ada", pseudonym="Quiet Owl")
    with pytest.raises(LeaderboardError, match="already"):
        store.add_team("Ada")
    for same in ("quiet owl", "QUIET  OWL", "\uff31uiet\u3000Owl".replace("\u3000", " ")):
        with pytest.raises(LeaderboardError, match="taken"):
            store.add_team("Bob", pseudonym=same)
    bob = new_team(store, "Bob")
    with pytest.raises(LeaderboardError, match="taken"):
        store.set_pseudonym(bob, "quietowl")
    assert store.set_pseudonym(bob, "  Löwe  =1+1 ") == "Löwe =1+1"
    for bad in ("", "   ", "x" * 31, "a\x1b[31mb", "a\u202eb", "line\nend", "\x00"):
        with pytest.raises(LeaderboardError, match="characters"):
            store.set_pseudonym(bob, bad)
    assert {team.pseudonym for team in store.teams()} == {"Quiet Owl", "Löwe =1+1"}


def test_a_hundred_teams_get_a_hundred_pseudonyms(stores):
    store = stores("sqlite")
    for n in range(100):
        store.add_team(f"team {n}")
    assert len({team.pseudonym for team in store.teams()}) == 100


def test_names_that_are_sql_are_only_names(store, task, rules):
    name = "'); DROP TABLE upload; --"
    team = store.team_of_token(store.add_team(name, [name], pseudonym="' OR '1'='1"))
    assert team is not None and team.name == name
    record(store, team.id, share(task, 50), task, rules, key=name, file_name=name + "\x1b[2J\n")
    assert store.history(team.id)[0].file_name == name + "\\x1b[2J\\n"
    assert store.board().rows[0].name == "' OR '1'='1"


@pytest.mark.parametrize("text", ["x" * 5000, "\x00" * 150, "\U000e0001" * 300, "\udcff", "", "é" * 200])
def test_any_key_and_file_name_can_be_stored(store, task, rules, text):
    team = new_team(store)
    first = record(store, team, share(task, 50), task, rules, key=text, file_name=text)
    assert record(store, team, share(task, 50), task, rules, key=text, file_name=text).replayed
    assert not record(store, team, share(task, 50), task, rules, key=text + "y", file_name="").replayed
    shown = store.history(team)[0]
    assert shown.upload == first.upload and shown.file_name.isprintable() and len(shown.file_name) <= 200


# --- the board --------------------------------------------------------------------------------------------


def test_the_board_is_made_anew_exactly_when_it_changes(store, task, rules):
    team = new_team(store)

    def changes(do) -> bool:
        before = (store.version(), store.board())
        do()
        after = (store.version(), store.board())
        assert after[0] == after[1].version
        assert (after[0] > before[0]) == (after[1] is not before[1])
        return after[0] > before[0]

    assert changes(lambda: record(store, team, share(task, 50), task, rules, key="a"))
    assert not changes(lambda: record(store, team, share(task, 50), task, rules, key="a"))
    assert changes(lambda: record(store, team, share(task, 40), task, rules))
    assert changes(lambda: store.set_pseudonym(team, "Another"))
    assert not changes(lambda: store.history(team))
    assert changes(lambda: store.record_baseline("LeNet", share(task, 40), task))
    assert changes(lambda: store.revoke(team, hide=True))
    assert changes(lambda: store.close(NOON, task))


def test_the_rank_on_the_receipt_is_the_rank_on_the_board(store, task, rules):
    store.record_baseline("LeNet", share(task, 95), task)
    for right in (90, 20, 50, 52, 70, 88):
        team = new_team(store)
        receipt = record(store, team, share(task, right), task, rules)
        row = store.board().row_of(team)
        assert row is not None and row.rank == receipt.rank
    assert [row.rank for row in store.board().rows if row.kind == "team"] == [1, 1, 3, 4, 4, 6]


# --- many at once -----------------------------------------------------------------------------------------


def test_uploads_of_many_threads_are_each_stored_once_and_never_over_the_limit(store, task):
    rules = Rules(daily_limit=5)
    teams = [new_team(store) for _ in range(6)]
    uploads = [(team, guess(task, 0.5), f"{n % 8}") for team in teams for n in range(24)]

    def send(job) -> str:
        team, upload, key = job
        try:
            return (
                "again"
                if record(store, team, upload, task, rules, key=key, sha256="x").replayed
                else "stored"
            )
        except OverLimit:
            return "over"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(send, uploads))
    assert results.count("stored") == 5 * len(teams)
    assert {team.uploads for team in store.teams()} == {5}
    found = [(row["team_id"], row["key"]) for row in rows(store, "upload")]
    assert len(found) == len(set(found)) == 30


def test_a_close_while_uploads_come_in_misses_none_that_was_accepted(store, task, rules):
    teams = [new_team(store) for _ in range(8)]
    accepted = []

    def send(team: int) -> None:
        for _ in range(20):
            try:
                accepted.append((team, record(store, team, guess(task, 0.5), task, Rules(daily_limit=None))))
            except Closed:
                return

    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, team) for team in teams]
        while len(accepted) < 8:
            time.sleep(0.002)
        board = store.close(NOON, task)
        for one in sending:
            one.result()
    assert {row.team_id for row in board.rows if row.private} == {team for team, _ in accepted}
    assert sum(row.uploads for row in board.rows) == len(accepted) == len(rows(store, "upload"))


def test_jobs_that_share_a_transaction_do_not_suffer_for_one_another(store):
    """One is refused, one fails, and one breaks the transaction; the others are stored."""
    batches = Batches(store._write, refusals=(LeaderboardError,))
    started, go = threading.Event(), threading.Event()
    stored = metadata.tables["team"]

    def job(n: int):
        def do(connection) -> int:
            if n == 0:
                started.set()
                go.wait(20)  # so that all others share the next transaction
            if n == 3:
                raise OverLimit("refused")
            name = "1" if n == 5 else str(n)  # 5 has a name that is taken
            connection.execute(
                stored.insert(),
                {"name": name, "pseudonym": name, "folded": name, "kind": "team", "created": NOON},
            )
            if n == 7:
                raise ZeroDivisionError
            return n

        return do

    def run(n: int):
        try:
            return batches.run(job(n), order=n)
        except Exception as error:
            return type(error).__name__

    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(run, 0)
        started.wait(20)
        others = [pool.submit(run, n) for n in range(1, 12)]
        while len(batches._waiting) < 11:
            time.sleep(0.01)
        go.set()
        found = [one.result() for one in (first, *others)]
    assert found == [0, 1, 2, "OverLimit", 4, "IntegrityError", 6, "ZeroDivisionError", 8, 9, 10, 11]
    assert sorted(row["name"] for row in rows(store, "team")) == sorted(
        ["0", "1", "2", "4", "6", "8", "9", "10", "11"]
    )


@dataclass
class Held:
    """A store whose uploads stop just before their transaction ends, until that one is let go."""

    store: Store
    before_end: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.store._uploads = Batches(self._transaction, refusals=(LeaderboardError,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self.store._write() as connection:
            yield connection
            self.before_end.release()
            self.go.acquire(timeout=20)

    def reached(self) -> bool:
        """Whether uploads stand before the end of their transaction, a while after they came there."""
        return self.before_end.acquire(timeout=20) and not time.sleep(0.1)


def test_nobody_is_answered_before_it_is_on_disk(stores, task, rules):
    """Neither who began the transaction nor those who share it."""
    held = Held(stores("sqlite"))
    teams = [new_team(held.store) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(record, held.store, teams[0], guess(task, 0.5), task, rules)
        assert held.reached()
        others = [pool.submit(record, held.store, team, guess(task, 0.5), task, rules) for team in teams[1:]]
        while len(held.store._uploads._waiting) < 4:  # so that they share the next transaction
            time.sleep(0.01)
        assert not first.done()
        held.go.release()
        assert held.reached() and first.result().left_today == 4
        answered = [one.done() for one in others]
        held.go.release()
        assert not any(answered)
        assert {one.result().left_today for one in others} == {4}
    assert len(rows(held.store, "upload")) == 5


def test_a_close_waits_for_uploads_under_way(store, task, rules):
    """Otherwise an upload that is accepted could be missing from the final scores."""
    held, other, team = Held(store), Store(store.url), new_team(store)
    with ThreadPoolExecutor(2) as pool:
        upload = pool.submit(record, store, team, guess(task, 0.5), task, rules)
        assert held.reached()
        closing = pool.submit(other.close, NOON, task)
        time.sleep(0.2)
        waited = not closing.done()
        held.go.release()
        assert waited and upload.result().improved
        row = closing.result().row_of(team)
    assert row is not None and row.private is not None
    other.close_connections()


def test_a_locked_database_is_waited_for_and_then_said_to_be_busy(stores, task, rules, monkeypatch):
    store = stores("sqlite")
    team = new_team(store)
    path = store.url.removeprefix("sqlite:///")
    store.close_connections()
    monkeypatch.setattr(database, "PATIENCE", 0.5)
    hurried = Store(store.url)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="database is locked"):
        record(hurried, team, guess(task, 0.5), task, rules)
    assert hurried.board().rows == ()  # reading goes on
    threading.Timer(0.1, other.execute, ("ROLLBACK",)).start()
    assert record(store, team, guess(task, 0.5), task, rules).left_today == 4
    hurried.close_connections()


@pytest.mark.needs("postgresql")
def test_a_server_that_is_away_is_named_to_instructors_only(stores, postgres, monkeypatch):
    url = stores("postgresql").url
    monkeypatch.setenv("PGPASSWORD", "wrong")
    store = Store(url)
    with pytest.raises(Busy, match="authentication failed") as opening:
        store.upgrade()
    assert "wrong" not in str(opening.value)
    with pytest.raises(Busy, match=r"\(its server is away\)") as asked:
        store.board()
    assert str(postgres.folder) not in str(asked.value) and "password" not in str(asked.value)
    assert "authentication failed" in asked.value.details


def test_nobody_else_on_the_machine_can_read_the_database(tmp_path, task, rules):
    """What a team got right, beside what it uploaded, tells the public labels."""
    store = Store(f"sqlite:///{tmp_path}/new.db")
    store.upgrade()
    record(store, new_team(store), guess(task, 0.5), task, rules)
    found = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert found == {"new.db": 0, "new.db-wal": 0, "new.db-shm": 0}
    store.close_connections()


def test_a_full_disk_stores_nothing_of_an_upload(stores):
    store, task, rules = stores("sqlite"), small_task(n=20_000), Rules(daily_limit=None)
    team = new_team(store)
    record(store, team, guess(task, 0.5), task, rules)
    before = everything(store)

    @sa.event.listens_for(store.engine, "connect")
    def little_room(connection, _record) -> None:
        connection.execute("PRAGMA max_page_count=1")  # no page more than there are

    store.close_connections()
    with pytest.raises(Busy, match="full"):
        record(store, team, guess(task, 0.9), task, rules)
    sa.event.remove(store.engine, "connect", little_room)
    store.close_connections()
    assert everything(store) == before


# --- how fast ---------------------------------------------------------------------------------------------


def test_an_upload_of_ten_thousand_predictions_costs_a_few_milliseconds(stores):
    from autograder.leaderboard.predictions import read

    store, task, rules = stores("sqlite"), small_task(n=10_000), Rules(daily_limit=None)
    team = new_team(store)
    files = [npz(ids=task.ids, labels=guess(task, 0.5).labels) for _ in range(40)]
    times = []
    for data in files:
        started = time.process_time()
        found = read(data, "a.npz", ids=task.ids, n_classes=len(CLASSES), top_k=3)
        record(store, team, found, task, rules)
        times.append(time.process_time() - started)
    assert np.median(times) < 0.005, np.median(times)


def test_the_board_of_500_teams_with_50_000_uploads_is_there_in_milliseconds(stores):
    store, rng = stores("sqlite"), np.random.default_rng(0)
    team, upload = metadata.tables["team"], metadata.tables["upload"]
    hits = rng.integers(1000, 4900, 500)
    shown = {
        "kind": "team",
        "created": NOON,
        "best_at": NOON,
        "n_public": 5000,
        "uploads": 100,
        "correct": bytes(625),
    }
    one = {
        "received_at": NOON, "day": "2026-11-21", "sha256": "0" * 64, "file_name": "a", "source": "api",
        "shown_after": 0.5, "improved": False, "n_public": 5000, "rank_after": 1, "predictions": bytes(200),
    }  # fmt: skip
    with store._write() as connection:
        connection.execute(
            team.insert(),
            [
                shown
                | {
                    "id": n + 1,
                    "name": f"{n}",
                    "pseudonym": f"{n}",
                    "folded": f"{n}",
                    "hits": int(h),
                    "score": h / 5000,
                }
                for n, h in enumerate(hits)
            ],
        )
        connection.execute(
            upload.insert(), [one | {"team_id": n % 500 + 1, "key": str(n)} for n in range(50_000)]
        )

    def cost(do, times: int = 5) -> float:
        measured = []
        for _ in range(times):
            started = time.process_time()
            do()
            measured.append(time.process_time() - started)
        return min(measured)

    def anew() -> None:
        store._cached = None
        store.board()

    assert len(store.board().rows) == 500
    assert cost(anew) < 0.03
    assert cost(store.board) < 0.003
    assert cost(lambda: store.history(7)) < 0.01
