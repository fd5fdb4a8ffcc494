"""`autograder leaderboard doctor`: what it says of what is as it should be, and of what is not."""

from __future__ import annotations

import contextlib
import http.server
import os
import sqlite3
import threading

import pytest

from autograder.leaderboard import doctor
from autograder.leaderboard.doctor import examine
from autograder.leaderboard.security import HEADERS
from autograder.leaderboard.service import Settings
from tests.leaderboard.served import competition, serving, team


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    made = competition(tmp_path_factory.mktemp("doctor") / "one")
    team(made)
    return made


def states(of, address: str = "") -> dict[str, tuple[str, str, str]]:
    return {check.name: (check.state, check.found, check.todo) for check in examine(of, address)}


def test_a_sound_competition_has_no_problem(one):
    found = states(one)
    assert not [name for name, check in found.items() if check[0] == "problem"], found
    assert found["private folder"][0] == found["labels"][0] == found["database"][0] == "ok"
    assert "teams: 1" in found["database"][1]


def test_every_warning_and_problem_says_what_to_do(one):
    assert all(todo for state, _, todo in states(one).values() if state != "ok")


def test_labels_that_others_can_read_are_a_problem(tmp_path):
    of = competition(tmp_path / "open")
    (of.private_dir / "labels.npz").chmod(0o644)
    state, found, todo = states(of)["private folder"]
    assert state == "problem" and "labels.npz" in found and todo.startswith("chmod go-rwx ")


def test_a_damaged_database_is_a_problem(tmp_path):
    of = competition(tmp_path / "damaged")
    for _ in range(3):
        team(of, os.urandom(4).hex())
    path = of.path / "leaderboard.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = os.urandom(len(data) - 4096 * 2)
    path.write_bytes(data)
    state, _, todo = states(of)["database"]
    assert state == "problem" and todo


def test_a_lack_of_room_is_a_problem(one, monkeypatch):
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 1e18)
    assert states(one)["disk"][0] == "problem"


def test_the_public_address_is_asked_as_a_browser_asks(one):
    with serving(one, Settings(trusted_proxies=("127.0.0.1",))) as client:
        state, found, _ = states(one, client.address)["public address"]
        assert state == "ok" and "answers" in found
    state, found, todo = states(one, client.address)["public address"]
    assert state == "problem" and "does not answer" in found and todo


class Meddling(http.server.BaseHTTPRequestHandler):
    """A proxy that swallows a header and whose clock is an hour off."""

    headers_sent: dict[str, str] = {}  # noqa: RUF012

    def do_GET(self):
        self.send_response_only(200)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({name: value for name, value in HEADERS.items() if name != "X-Frame-Options"}, "X-Frame-Options"),
        (HEADERS | {"Date": "Sat, 21 Nov 2020 12:00:00 GMT"}, "clock of 127.0.0.1 differs"),
    ],
)
def test_a_proxy_that_meddles_is_a_problem(one, headers, word):
    handler = type("Handler", (Meddling,), {"headers_sent": headers})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            state, found, _ = states(one, f"http://127.0.0.1:{server.server_port}")["public address"]
        finally:
            server.shutdown()
            thread.join()
    assert state == "problem" and word in found


def test_an_address_without_tls_is_a_problem_unless_it_is_this_machine(one, monkeypatch):
    import time
    from email.message import Message

    told = Message()
    for name, value in HEADERS.items():
        told[name] = value
    monkeypatch.setattr(doctor, "_ask", lambda _: (told, time.time(), time.time()))
    state, found, _ = states(one, "http://board.example.org")["public address"]
    assert state == "problem" and "without TLS" in found
    monkeypatch.setattr(doctor, "_certificate_days", lambda *_: 3.0)
    monkeypatch.setattr(doctor, "_answers_without_tls", lambda _: False)
    assert "Strict-Transport-Security" in states(one, "https://board.example.org")["public address"][1]
    told["Strict-Transport-Security"] = "max-age=1"
    state, found, _ = states(one, "https://board.example.org")["public address"]
    assert state == "warning" and "3 days" in found


@pytest.mark.needs("postgresql")
def test_the_clock_of_a_database_server_is_compared(tmp_path, monkeypatch):
    from tests.scale.postgres import PASSWORD, Server

    with Server() as server:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        of = competition(tmp_path / "far", database=server.create("board"))
        team(of)
        found = states(of)
        assert found["clock of the database"][0] == "ok" and "differs by" in found["clock of the database"][1]
        assert found["database"][0] == "ok" and found["database"][1].startswith("postgresql")
        monkeypatch.setattr(doctor, "CLOCK_SLACK", -1.0)
        assert states(of)["clock of the database"][0] == "problem"
