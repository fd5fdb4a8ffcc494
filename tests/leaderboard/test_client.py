"""A notebook's side of the leaderboard, against the real service on loopback: sent once, kept when it is
away."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import http.server
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.leaderboard import predictions as server_side
from autograder.leaderboard.competition import Competition, create
from autograder.leaderboard.service import create_app
from autograder.leaderboard.store import Store
from cs_utils import leaderboard
from tests.leaderboard.stage import served

CLASSES = ("disc", "ring", "square")
N = 60


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel that knows nothing yet, in an empty folder."""
    monkeypatch.setattr(leaderboard._Session, "competition", None)
    monkeypatch.setattr(leaderboard._Session, "token", None)
    monkeypatch.setattr(leaderboard._Session, "practised", [])
    monkeypatch.setattr(leaderboard, "PAUSES", (0.01, 0.01))
    for name in (leaderboard.ADDRESS, leaderboard.TOKEN, "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CS_DATA", str(tmp_path / "kept"))
    (tmp_path / "notebook").mkdir()
    monkeypatch.chdir(tmp_path / "notebook")


def made(folder: Path, **settings: Any) -> Competition:
    rng = np.random.default_rng(0)
    train, test = ((rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8), np.arange(n) % 3) for n in (30, N))
    return create(folder, title="Shapes", train=train, test=test, classes=CLASSES, settings=settings)


class Board:
    """A competition, its store and a team's token."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.competition = made(folder, **settings)
        self.store = Store(self.competition.database_url)
        self.store.upgrade()
        self.token = self.store.add_team("Ada and Grace")
        self.task = self.competition.task()
        self.address = ""

    @property
    def team(self) -> Any:
        return self.store.team_of_token(self.token)

    def right(self, wrong: int = 0) -> np.ndarray:
        """Labels that are right but for the first ones."""
        labels = self.task.labels.copy()
        labels[:wrong] = (labels[:wrong] + 1) % len(CLASSES)
        return labels

    def uploads(self) -> int:
        return len(self.store.history(self.team.id))


@contextlib.contextmanager
def open_board(folder: Path, **settings: Any) -> Iterator[Board]:
    board = Board(folder, **settings)
    with served(create_app(board.competition)) as address:
        board.address = address
        yield board


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with open_board(tmp_path / "competition") as opened:
        yield opened


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


# --- the way through ----------------------------------------------------------------------------------------


def test_from_the_pictures_to_the_standing(board, monkeypatch, capsys):
    monkeypatch.setenv(leaderboard.ADDRESS, board.address)
    monkeypatch.setenv(leaderboard.TOKEN, board.token)
    competition = leaderboard.data()
    assert competition.classes == CLASSES and len(competition.test) == N and not competition.practice
    assert np.array_equal(competition.test.ids, board.task.ids)
    first = leaderboard.submit(board.right(wrong=30))
    second = leaderboard.submit(board.right())
    assert (first["improved"], second["improved"], second["score"]) == (True, True, 1.0)
    me = leaderboard.standing(plot=False)
    told = said(capsys)
    assert len(me["history"]) == 2 and me["row"]["score"] == 1.0 and ">" in told and "100.0%" in told
    assert "rank 1" in told and board.token not in told
    assert not any(
        board.token in path.read_text(errors="ignore") for path in Path().rglob("*") if path.is_file()
    )


def test_scores_of_a_network_are_taken_as_they_are(board):
    leaderboard.data(board.address, show=False)
    scores = np.eye(len(CLASSES), dtype=np.float32)[board.right()]
    assert leaderboard.submit(scores, token=board.token)["score"] == 1.0


def test_a_second_look_downloads_nothing_that_has_not_changed(board, monkeypatch):
    leaderboard.data(board.address, show=False)
    copied: list[str] = []
    real = leaderboard._copy
    monkeypatch.setattr(
        leaderboard, "_copy", lambda a, path, size: (copied.append(path.name), real(a, path, size))
    )
    leaderboard.data(board.address, show=False)
    assert copied == []
    (board.competition.public_dir / "RULES.md").write_text("# Other rules\n")
    assert leaderboard.data(board.address, show=False).rules == "# Other rules\n" and copied == ["RULES.md"]


def test_the_folder_of_a_competition_does_without_a_server(board, capsys):
    found = leaderboard.data(folder=board.competition.path)
    assert len(found.train) == 30 and found.address is None
    assert leaderboard.submit(board.right()) is None
    assert "No address is known" in said(capsys) and leaderboard.problem() is None


# --- sent once ----------------------------------------------------------------------------------------------


def test_the_same_file_counts_once_however_often_it_is_sent(board, capsys):
    leaderboard.data(board.address, show=False)
    first = leaderboard.submit(board.right(), token=board.token)
    again = leaderboard.submit(board.right(), token=board.token)
    assert again["upload"] == first["upload"] and again["replayed"] and board.uploads() == 1
    assert "not counted again" in said(capsys)


class CutOff(http.server.ThreadingHTTPServer):
    """Between notebook and service: hands everything on, but breaks the connection before an answer to an
    upload, so many times."""

    def __init__(self, target: str, cuts: int) -> None:
        self.target, self.cuts, self.keys = target.rstrip("/"), cuts, []
        super().__init__(("127.0.0.1", 0), Between)


class Between(http.server.BaseHTTPRequestHandler):
    server: CutOff

    def do_GET(self) -> None:
        self.hand_on(None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.hand_on(body)

    def hand_on(self, body: bytes | None) -> None:
        import urllib.request

        kept = {
            key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")
        }
        request = urllib.request.Request(self.server.target + self.path, body, kept, method=self.command)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        if body is not None and self.server.cuts > 0:
            self.server.cuts -= 1
            self.connection.shutdown(socket.SHUT_RDWR)  # the server has it; the notebook does not know
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(server: http.server.HTTPServer) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("cuts", [1, 5])
def test_an_upload_whose_answer_was_lost_is_sent_again_and_counted_once(board, capsys, cuts):
    proxy = CutOff(board.address, cuts)
    with running(proxy) as address:
        leaderboard.data(address, show=False)
        receipt = leaderboard.submit(board.right(), token=board.token)
        if cuts > len(leaderboard.PAUSES):
            assert receipt is None and "predictions.npz is kept" in said(capsys)
            proxy.cuts = 0
            receipt = leaderboard.submit(token=board.token)  # later, by the file that was kept
        assert receipt["replayed"] and board.uploads() == 1
    assert (
        len(set(proxy.keys)) == 1
        and proxy.keys[0] == hashlib.sha256(Path("predictions.npz").read_bytes()).hexdigest()
    )


def test_a_server_that_was_killed_gets_the_upload_when_it_is_back(tmp_path, capsys):
    board = Board(tmp_path / "competition")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = (
        "import sys, uvicorn; from autograder.leaderboard.competition import Competition; "
        "from autograder.leaderboard.service import create_app; "
        f"uvicorn.run(create_app(Competition({str(board.competition.path)!r})), port={port}, "
        "log_level='critical')"
    )

    def start() -> subprocess.Popen[bytes]:
        server = subprocess.Popen([sys.executable, "-c", program])
        for _ in range(1200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return server
            time.sleep(0.05)
        raise AssertionError("the server did not start")

    server = start()
    try:
        leaderboard.data(f"http://127.0.0.1:{port}", show=False)
        assert leaderboard.submit(board.right(wrong=30), token=board.token)["improved"]
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert leaderboard.submit(board.right(), token=board.token) is None
        told = said(capsys)
        assert "cannot be reached" in told and "submit() sends it later" in told
        assert len(leaderboard.data(f"http://127.0.0.1:{port}").test) == N  # the pictures are still here
        assert "from an earlier time" in said(capsys)
        server = start()
        assert leaderboard.submit(token=board.token)["score"] == 1.0 and board.uploads() == 2
    finally:
        server.kill()
        server.wait()


# --- the server's no ----------------------------------------------------------------------------------------


def test_a_revoked_token_is_told_in_words_and_forgotten(board, capsys):
    leaderboard.data(board.address, show=False)
    leaderboard._Session.token = board.token
    board.store.revoke(board.team.id)
    assert leaderboard.submit(board.right()) is None
    told = said(capsys)
    assert "not valid (any more)" in told and leaderboard.TOKEN in told and board.token not in told
    assert leaderboard._Session.token is None
    assert leaderboard.standing(token=board.token) is None


def test_when_the_days_uploads_are_used_the_file_is_kept(tmp_path, capsys):
    with open_board(tmp_path / "one a day", daily_limit=1) as board:
        leaderboard.data(board.address, show=False)
        assert leaderboard.submit(board.right(wrong=9), token=board.token)["left_today"] == 0
        assert leaderboard.submit(board.right(), token=board.token) is None
        told = said(capsys)
        assert "uploads of today are used" in told and "predictions.npz is kept" in told
        assert board.uploads() == 1 and np.array_equal(leaderboard.labels_in(), board.right())


def test_after_the_deadline_and_the_close_it_says_what_to_do_and_shows_both_scores(board, capsys):
    leaderboard.data(board.address, show=False)
    leaderboard.submit(board.right(wrong=20), token=board.token)
    assert leaderboard.results() is None and "not closed yet" in said(capsys)
    board.store.close(dt.datetime.now(dt.UTC), board.task)
    assert leaderboard.submit(board.right(), token=board.token) is None
    assert "Hand predictions.npz in beside the notebook" in said(capsys)
    os.environ[leaderboard.TOKEN] = board.token
    try:
        (row,) = leaderboard.results()
    finally:
        del os.environ[leaderboard.TOKEN]
    assert row["own"] and row["public"][1] <= row["public"][0] <= row["public"][2]
    hits = (board.right(wrong=20) == board.task.labels)[board.task.private_at]
    assert row["private"][0] == pytest.approx(hits.mean())
    leaderboard.standing(token=board.token, plot=False)
    assert "private" in said(capsys)


# --- other things that answer -------------------------------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]


@contextlib.contextmanager
def answering(answers: Callable[[str], Answer]) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server of our own that answers paths; and what it was asked."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, dict(self.headers)))
            status, headers, content = answers(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address, asked


def as_json(status: int, value: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (as_json(200, {"title": "x"}), "older or newer than cs_utils"),
        ((200, {}, b"<html>Please log in</html>"), "no leaderboard"),
        ((404, {}, b"nothing"), "404"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), "elsewhere.example"),
    ],
)
def test_what_is_no_board_is_not_taken_for_one(answer, told):
    with answering(lambda path: answer) as (address, asked):
        with pytest.raises(leaderboard.LeaderboardError, match=told):
            leaderboard.data(address)
        assert all("Authorization" not in headers for _, headers in asked)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_away_and_one_can_practise(status, capsys):
    with answering(lambda path: (status, {}, b"<html>bad gateway</html>")) as (address, _):
        assert leaderboard.data(address).practice
    told = said(capsys)
    assert "has trouble" in told and "PRACTICE" in told


def test_a_token_goes_to_no_other_host(board):
    leaderboard.data(board.address, show=False)
    with answering(lambda path: as_json(200, {})) as (other, stolen):

        def answers(path: str) -> Answer:
            if path == "/api/competition":
                return as_json(200, {"title": "x", "test_size": N})
            return 302, {"Location": f"{other}{path}"}, b""

        with answering(answers) as (address, asked):
            assert leaderboard.submit(board.right(), token=board.token, address=address) is None
    assert asked[-1][0].startswith("/api/uploads") and stolen == []


def test_a_page_of_a_proxy_instead_of_an_upload_is_told_in_one_line(board, capsys):
    leaderboard.data(board.address, show=False)

    def answers(path: str) -> Answer:
        known = {"title": "x", "test_size": N}
        return as_json(200, known) if path == "/api/competition" else (413, {}, b"<html>too large</html>")

    with answering(answers) as (address, _):
        assert leaderboard.submit(board.right(), token=board.token, address=address) is None
    assert "413" in said(capsys)


def test_names_of_others_cannot_write_over_the_line_or_into_the_figure(capsys):
    row = {
        "rank": 1,
        "name": "\x1b[2J\r$\\frac$" + "x" * 99,
        "score": 0.5,
        "low": 0.4,
        "high": 0.6,
        "private": None,
    }
    leaderboard._print_rows([row], row)
    told = said(capsys)
    assert "\x1b" not in told and "\r" not in told and "x" * 30 not in told


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["short", "two words here", "line\nbreak-in-it", "umlaut-äöü-token"])
def test_what_cannot_be_a_token_is_not_sent_and_not_shown(board, capsys, token):
    leaderboard.data(board.address, show=False)
    assert leaderboard.submit(board.right(), token=token) is None
    told = said(capsys)
    assert "cannot be one" in told and token not in told and board.uploads() == 0


def test_without_a_token_and_without_a_person_it_says_where_to_put_it(board, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    leaderboard.data(board.address, show=False)
    assert leaderboard.submit(board.right()) is None
    assert f"environment variable {leaderboard.TOKEN}" in said(capsys)


def in_colab(monkeypatch, secrets: dict[str, str]) -> None:
    """A stand-in for Colab's package, which raises for secrets that are not there."""
    google, colab = types.ModuleType("google"), types.ModuleType("google.colab")
    colab.userdata = types.SimpleNamespace(get=lambda name: secrets[name])
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", colab)


def test_in_colab_address_and_token_may_be_secrets(board, monkeypatch, capsys):
    in_colab(monkeypatch, {leaderboard.ADDRESS: board.address, leaderboard.TOKEN: board.token})
    leaderboard.data()
    assert leaderboard.submit(board.right())["score"] == 1.0
    assert board.token not in said(capsys)


def test_colab_forgets_files_and_a_person_is_told_how_to_keep_them(board, monkeypatch, capsys):
    in_colab(monkeypatch, {})
    leaderboard.data(board.address, show=False)
    with answering(lambda path: (503, {}, b"")) as (away, _):
        assert leaderboard.submit(board.right(), token=board.token, address=away) is None
    assert "files.download('predictions.npz')" in said(capsys)


# --- what is refused at once --------------------------------------------------------------------------------


def bad_arrays() -> list[tuple[str, np.ndarray]]:
    labels, scores = np.zeros(N, np.int64), np.zeros((N, 3), np.float32)
    too_high, missing, infinite = labels.copy(), scores.copy(), scores.copy()
    too_high[7], missing[5, 1], infinite[2, 0] = 3, np.nan, np.inf
    return [
        ("labels", labels[:-1]),
        ("labels", too_high),
        ("labels", labels - 1),
        ("labels", labels.astype(float)),
        ("scores", scores[:, :2]),
        ("scores", scores[:9]),
        ("scores", missing),
        ("scores", infinite),
    ]


@pytest.mark.parametrize("number", range(len(bad_arrays())))
def test_what_the_server_would_refuse_is_refused_here_in_the_same_words(tmp_path, number):
    competition = made(tmp_path / "competition")
    leaderboard.data(folder=competition.path, show=False)
    name, values = bad_arrays()[number]
    np.savez(tmp_path / "sent.npz", **{"ids": competition.task().ids, name: values})
    with pytest.raises(server_side.Refused) as theirs:
        server_side.read(
            (tmp_path / "sent.npz").read_bytes(), "sent.npz", ids=competition.task().ids, n_classes=3
        )
    with pytest.raises(leaderboard.NotPredictions) as ours:
        leaderboard.save(values)
    assert str(ours.value) == str(theirs.value)
    assert not Path("predictions.npz").exists()


def test_a_file_of_another_competition_or_a_damaged_one_is_not_sent(tmp_path, board):
    leaderboard.data(show=False)
    leaderboard.save(np.zeros(len(leaderboard.current().test), int) + 1)
    leaderboard.data(board.address, show=False)
    with pytest.raises(leaderboard.NotPredictions, match="another competition"):
        leaderboard.submit(token=board.token)
    Path("predictions.npz").write_bytes(b"PK\x03\x04 cut")
    assert "damaged" in leaderboard.problem()
    assert board.uploads() == 0


def test_labels_come_from_lists_and_tensors_and_the_file_is_the_same_to_the_byte(tmp_path):
    import torch

    competition = made(tmp_path / "competition")
    leaderboard.data(folder=competition.path, show=False)
    found = set()
    for values in ([1] * N, np.ones(N, np.uint8), torch.ones(N, dtype=torch.int32)):
        found.add(leaderboard.save(values).read_bytes())
    assert len(found) == 1
    read = server_side.read(found.pop(), "predictions.npz", ids=competition.task().ids, n_classes=3)
    assert read.labels.tolist() == [1] * N


# --- practice -----------------------------------------------------------------------------------------------


def test_practice_needs_no_server_and_says_aloud_that_it_is_practice(capsys):
    competition = leaderboard.data()
    labels, public = competition.practice
    receipt = leaderboard.submit(labels)
    assert receipt["score"] == 1.0 and public.mean() == 0.5
    leaderboard.standing()
    (row,) = leaderboard.results(lambda correct, n: (correct / n - 0.1, correct / n + 0.1))
    assert row["public"] == (1.0, 0.9, 1.1) and row["private"][0] == 1.0
    told = said(capsys)
    assert "PRACTICE" in told and "Nothing was sent anywhere" in told


def test_under_grading_there_is_little_data_and_nothing_is_sent_or_said(monkeypatch, capsys):
    monkeypatch.setenv("CS_UTILS_GRADING", "1")
    monkeypatch.setenv(leaderboard.ADDRESS, "https://board.invalid")
    competition = leaderboard.data(show=False)
    assert len(competition.train) <= 300
    assert leaderboard.submit(competition.practice[0]) is None and leaderboard.standing() is None


def test_practice_is_easier_to_make_than_to_mistake_for_the_real_thing(board):
    leaderboard.data(show=False)
    assert "practice" not in repr(leaderboard.current()) and leaderboard.current().address is None
