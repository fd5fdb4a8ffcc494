"""What a hostile student, or a stranger, once could do, named for what was promised."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from autograder.cli import main
from autograder.leaderboard import limits
from autograder.leaderboard.board import no_formula
from autograder.leaderboard.limits import Rates
from autograder.leaderboard.service import Settings
from cs_utils import leaderboard
from tests.leaderboard.served import Client, competition, serving, store, team, upload_file
from tests.leaderboard.test_client import Answer, answering, as_json


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return competition(tmp_path_factory.mktemp("holes") / "one", daily_limit=50)


@pytest.fixture(scope="module")
def client(one):
    with serving(one) as found:
        yield found


def ended(connection: socket.socket, seconds: float) -> bool:
    """Whether the server closes a connection within some seconds."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


# --- one student against the class ------------------------------------------------------------------------


def test_wrong_tokens_from_the_address_of_a_class_keep_no_right_token_out(one):
    rates = Rates(wrong_tokens_per_address="3/hour", requests_per_address="12/hour")
    with serving(one, Settings(rates=rates)) as client:
        ours = Client(client.address, team(one, "behind the same address"))
        found = {Client(client.address, f"guess {number}").get("/api/me").status for number in range(9)}
        assert found == {401, 429}
        found = {client.get("/api/board").status for _ in range(9)}
        assert 429 in found, "the address has used up what it has"
        assert ours.upload(upload_file(one)).status == 201
        assert ours.get("/api/me").status == 200


def test_a_stranger_cannot_fill_the_memory_with_a_body_that_is_no_upload(client):
    for path in ("/api/me/selection", "/api/me/pseudonym"):
        connection = http.client.HTTPConnection(client.place[0], client.place[1], timeout=20)
        with contextlib.closing(connection):
            connection.putrequest("POST", path)
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(10**9))
            connection.endheaders(b" " * (limits.SMALL + 1))  # the rest never comes, and nobody waits for it
            answer = connection.getresponse()
            assert answer.status == 413 and b"bytes" in answer.read(), path


def test_a_body_that_never_comes_does_not_hold_its_connection(client, monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 1.0)
    head = b"POST /api/me/selection HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(client.place) as silent:
        silent.sendall(head)
        assert ended(silent, 10)
    with socket.create_connection(client.place) as drop_by_drop:
        drop_by_drop.sendall(head.replace(b" 9", b" 999"))
        with pytest.raises(OSError):
            for _ in range(40):
                drop_by_drop.sendall(b" ")
                time.sleep(0.2)


def test_an_answer_that_nobody_reads_does_not_hold_its_connection(one, client, monkeypatch):
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 1.0)
    large = Path(one.public_dir, "sample_submission.csv")
    before = large.read_bytes()
    large.write_bytes(bytes(30_000_000))
    try:
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.connect(client.place)
            idle.sendall(b"GET /data/sample_submission.csv HTTP/1.1\r\nHost: here\r\n\r\n")
            time.sleep(4)
            idle.settimeout(10)
            received = 0
            with contextlib.suppress(OSError):
                while part := idle.recv(1 << 20):
                    received += len(part)
            assert received < 30_000_000
    finally:
        large.write_bytes(before)


def test_no_answer_points_to_the_host_that_a_client_named(client):
    for method, path in (("GET", "/api/board/"), ("POST", "/api/uploads/"), ("GET", "//evil.example/")):
        answer = client.ask(method, path, Host="evil.example")
        assert answer.status in (404, 405) and "evil" not in str(answer.headers) + answer.body.decode(), path


def test_a_form_of_many_parts_is_not_read_to_its_end(client, one):
    ours = Client(client.address, team(one, "clerk"))
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\r\n'
    answer = ours.upload(part * 1000 + b"--x--\r\n", Content_Type="multipart/form-data; boundary=x")
    assert answer.status == 400 and "more than 16 parts" in answer.json["error"]


# --- names ------------------------------------------------------------------------------------------------


def renamed(client: Client, name: str) -> int:
    return client.ask("POST", "/api/me/pseudonym", {"pseudonym": name}).status


def test_no_name_looks_like_another_by_characters_that_are_never_drawn(client, one):
    ours, theirs = (Client(client.address, team(one, name)) for name in ("honest", "impostor"))
    assert renamed(ours, "Brave Otter") == 200
    for hidden in ("\ufe0f", "\u034f", "\u115f", "\u3164", "\u2800", "\U000e0100"):
        assert renamed(theirs, f"Brave{hidden} Otter{hidden}") == 422, ascii(hidden)
        assert renamed(theirs, hidden * 3) == 422, "a row without a name"


def test_no_name_covers_the_rows_above_and_below(client, one):
    ours = Client(client.address, team(one, "tall"))
    assert renamed(ours, "Z" + "\u0317\u0301" * 10) == 422
    assert renamed(ours, "Vi\u1ec7t Nam") == 200
    assert renamed(ours, "\u0939\u093f\u0928\u094d\u0926\u0940") == 200, "vowel signs are no pile"


def test_no_cell_is_a_formula_where_semicolons_divide_cells_either():
    for text in ("a;=1+1", 'a; "=1+1"', "a;@b;-c", "\uff1d1+1", " =1+1"):
        for cell in no_formula(text).split(";")[0 if text[0] != "a" else 1 :]:
            assert cell.startswith("'"), (text, cell)
    assert no_formula("a;b=c") == "a;b=c" and no_formula("Otter - 2") == "Otter - 2" and no_formula(-1) == -1


# --- the instructor's commands ------------------------------------------------------------------------------


def run(*arguments: object) -> int:
    return main(["leaderboard", *map(str, arguments)])


def test_no_token_is_made_that_nobody_can_read(tmp_path):
    of = competition(tmp_path / "one", n_test=40)
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,team\nada,Team A\nbob,bad\u202ename\n", encoding="utf-8")
    assert run("tokens", roster, of.path) != 0
    assert store(of).teams() == [], "a name that cannot be used is found before any token is made"
    roster.write_text("student_id,team\nada,Team A\n", encoding="utf-8")
    assert run("tokens", roster, of.path, "--to", tmp_path / "no such folder" / "tokens.csv") != 0
    assert store(of).teams() == []
    settings = of.path / "leaderboard.toml"
    settings.write_text(settings.read_text().replace("pseudonyms = true", "pseudonyms = false"))
    roster.write_text("student_id,team\nada,Team A\nbob,TEAM A\n", encoding="utf-8")
    assert run("tokens", roster, of.path) != 0, "two names that look the same"
    assert "Team A,cnn-" in (of.private_dir / "tokens.csv").read_text(), "the token that was made is there"


def test_a_roster_may_be_entered_again_however_its_names_are_written(tmp_path):
    of = competition(tmp_path / "one", n_test=40)
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,team\nada,Cafe\u0301  au lait\n", encoding="utf-8")
    assert run("tokens", roster, of.path) == 0
    roster.write_text("student_id,team\nada,Caf\u00e9 au lait\nbob,Cafe\u0301  au lait\n", encoding="utf-8")
    assert run("tokens", roster, of.path) == 0
    assert [one.name for one in store(of).teams()] == ["Caf\u00e9 au lait"]


def test_a_restore_replaces_no_database_unasked(tmp_path, capsys):
    of = competition(tmp_path / "one", n_test=40, database=f"sqlite:///{tmp_path}/elsewhere.db")
    team(of, "before the backup")
    assert run("backup", of.path, tmp_path / "one.tar") == 0
    team(of, "after the backup")
    assert run("restore", tmp_path / "one.tar", tmp_path / "two") != 0
    assert "--replace" in capsys.readouterr().err and not (tmp_path / "two").exists()
    assert len(store(of).teams()) == 2


# --- a notebook that asks a hostile server ------------------------------------------------------------------

KNOWN = {"title": "x", "test_size": 4}
ROW = {"rank": 1, "name": "x", "score": 0.5, "low": 0.4, "high": 0.6, "private": None}
RECEIPT = {"upload": 1, "score": 0.5, "improved": True, "rank": 1}
MOVES = "\x1b]0;owned\x07\x1b[2J"


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A kernel that has pictures and predictions to send."""
    found = leaderboard.Competition(
        "x",
        ("a", "b"),
        leaderboard.Pictures(np.zeros((4, 8, 8, 3), np.uint8), labels=np.zeros(4, np.int64)),
        leaderboard.Pictures(np.zeros((4, 8, 8, 3), np.uint8), ids=np.arange(4)),
    )
    monkeypatch.setattr(leaderboard._Session, "competition", found)
    monkeypatch.setattr(leaderboard, "PAUSES", ())
    monkeypatch.setenv("CS_DATA", str(tmp_path / "kept"))
    monkeypatch.chdir(tmp_path)
    leaderboard.save([0, 1, 0, 1])


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"[" * 200_000),
        (400, {}, b'{"error":' * 100_000),
        (302, {"Location": "http://[nowhere"}, b""),
        as_json(201, RECEIPT | {"rank": MOVES, "upload": MOVES}),
        as_json(201, RECEIPT | {"score": MOVES}),
        as_json(201, RECEIPT | {"low": [], "high": {}}),
        as_json(200, {"row": ROW | {"rank": MOVES}, "ahead": [], "history": []}),
        as_json(200, {"row": ROW, "ahead": [[MOVES]], "history": 3}),
        as_json(200, {"row": ROW | {"name": None, "score": MOVES}, "ahead": 7, "history": []}),
    ],
)
def test_no_answer_of_a_server_moves_the_cursor_or_breaks_the_cell(notebook, capsys, answer):
    def answers(path: str) -> Answer:
        return as_json(200, KNOWN) if path == "/api/competition" else answer

    with answering(answers) as (address, _):
        leaderboard.submit(token="cnn-" + "x" * 20, address=address)
        leaderboard.standing(token="cnn-" + "x" * 20, address=address, plot=False)
    told = capsys.readouterr().out
    assert told and "\x1b" not in told and "\x07" not in told


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Length": "many"}, b"{}"),
        (200, {}, b"[" * 200_000),
        (200, {}, b"x" * 20_000),
        (302, {"Location": "http://[nowhere"}, b""),
    ],
)
def test_no_file_of_a_server_fills_the_disk_or_breaks_the_cell(notebook, monkeypatch, answer):
    monkeypatch.setattr(leaderboard, "MOST_BYTES", 10_000)

    def answers(path: str) -> Answer:
        return as_json(200, KNOWN) if path == "/api/competition" else answer

    with answering(answers) as (address, _), contextlib.suppress(leaderboard.LeaderboardError):
        leaderboard.data(address, show=False)
    files = [file for file in Path(os.environ["CS_DATA"]).rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 300_000 and not any(".part" in str(f) for f in files)
    if answer[2] == b"x" * 20_000:
        assert all(file.stat().st_size < 20_000 for file in files)
