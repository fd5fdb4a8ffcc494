"""No client, hurried or hostile, keeps the others out, and no refused upload is counted."""

from __future__ import annotations

import contextlib
import io
import socket
import time
import zipfile

import numpy as np
import pytest

from autograder.leaderboard import limits
from autograder.leaderboard.limits import Rates
from autograder.leaderboard.service import Settings
from tests.leaderboard.served import CLASSES, Client, competition, npz, serving, store, team, upload_file


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return competition(tmp_path_factory.mktemp("limits") / "one", daily_limit=3)


@pytest.fixture(scope="module")
def client(one):
    with serving(one, Settings(body_seconds=1.0)) as found:
        yield found


@pytest.fixture
def ours(client, one, request):
    return Client(client.address, team(one, request.node.name[:60]))


def raw(client: Client, data: bytes, *, wait: float = 20) -> bytes:
    """What the server answers to these very bytes."""
    with socket.create_connection(client.place, wait) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        parts = []
        with contextlib.suppress(OSError):
            while part := connection.recv(65536):
                parts.append(part)
                if b"}" in part:
                    break
        return b"".join(parts)


def head(client: Client, *lines: str, token: str = "") -> bytes:
    sent = ["POST /api/uploads?filename=p.npz HTTP/1.1", "Host: here", "Connection: close", *lines]
    return "\r\n".join([*sent, f"Authorization: Bearer {token or client.token}", "", ""]).encode()


# --- files ------------------------------------------------------------------------------------------------


def bad_files(of):
    """What hurried and hostile people send, and a word that the answer must contain."""
    task = of.task()
    n = len(task.ids)
    good = npz(ids=task.ids, labels=task.labels)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.npy", bytes(50_000_000))
    pickled = io.BytesIO()
    np.save(pickled, np.array([print], dtype=object), allow_pickle=True)
    with_pickle = io.BytesIO()
    with zipfile.ZipFile(with_pickle, "w") as archive:
        archive.writestr("labels.npy", pickled.getvalue())
    return {
        "empty": (b"", "p.npz", "empty"),
        "too short": (npz(ids=task.ids[:-1], labels=task.labels[:-1]), "p.npz", f"{n:,}"),
        "unknown ids": (npz(ids=task.ids + 1_000_000, labels=task.labels), "p.npz", "not in the test set"),
        "label out of range": (npz(ids=task.ids, labels=task.labels + CLASSES), "p.npz", "classes"),
        "not a number": (npz(ids=task.ids, scores=np.full((n, CLASSES), np.nan)), "p.npz", "nan"),
        "not a zip": (b"hello, I am predictions", "p.npz", "not a zip"),
        "truncated": (good[:-30], "p.npz", "cut short"),
        "a pickle": (with_pickle.getvalue(), "p.npz", "pickle"),
        "a bomb": (bomb.getvalue(), "p.npz", "bytes"),
        "a notebook": (b'{"cells": []}', "12_leaderboard.ipynb", ".npz"),
        "csv without a header": (b"1,2\n3,4\n", "p.csv", "id,label"),
        "csv in UTF-16": ("id,label\n1,2\n".encode("utf-16"), "p.csv", "UTF-8"),
        "a spreadsheet": (good, "p.csv", "zip"),
        "nothing but zeros": (bytes(3000), "p.csv", "UTF-8"),
    }


def test_a_bad_file_gets_one_helpful_sentence_and_costs_nothing(ours, one):
    for name, (data, filename, word) in bad_files(one).items():
        answer = ours.upload(data, filename)
        assert answer.status == 422, name
        found = answer.json
        assert word in found["error"] and found["counted"] is False, (name, found)
        assert "Traceback" not in found["error"] and "\n" not in found["error"] and len(found["error"]) < 400
    assert ours.get("/api/me").json["left_today"] == 3


def test_a_bad_form_gets_one_helpful_sentence(ours):
    kind = "multipart/form-data; boundary=xyz"
    part = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="p.npz"\r\n\r\nabc\r\n'
    for body, content_type in (
        (b"", kind),
        (b"no form at all", kind),
        (part, kind),  # cut short
        (part.replace(b'"file"', b'"other"') + b"--xyz--\r\n", kind),
        (part * 2 + b"--xyz--\r\n", kind),
        (part * 500 + b"--xyz--\r\n", kind),
        (part + b"--xyz--\r\n", "multipart/form-data"),
        (b"file=abc", "application/x-www-form-urlencoded"),
        (b"--xyz\r\n" + b"X: y\r\n" * 5000, kind),
    ):
        answer = ours.ask("POST", "/api/uploads", body, Content_Type=content_type)
        assert 400 <= answer.status < 500 and answer.json["error"].endswith("."), (body[:60], answer.body)
    assert ours.get("/api/me").json["left_today"] == 3


# --- the day's uploads ------------------------------------------------------------------------------------


def test_only_scored_uploads_count_towards_the_days_limit(ours, one):
    for seed in range(3):
        assert ours.upload(b"junk").status == 422
        answer = ours.upload(upload_file(one, seed=seed))
        assert (answer.status, answer.json["left_today"]) == (201, 2 - seed)
    over = ours.upload(upload_file(one, seed=3))
    assert over.status == 429 and over.json["counted"] is False and "tomorrow" not in over.json["error"]
    assert int(over.headers["Retry-After"]) > 0
    assert ours.upload(upload_file(one, seed=2)).json["replayed"], "a repeated upload is no new one"


# --- size and time ----------------------------------------------------------------------------------------


def test_a_large_upload_is_refused_before_it_is_sent(ours):
    answer = raw(ours, head(ours, "Content-Length: 99999999999", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413") and b"too large" in answer


def test_a_large_upload_that_is_sent_all_the_same_hears_why(ours):
    answer = ours.upload(bytes(6_000_000))
    assert answer.status == 413 and "too large" in answer.json["error"]


def test_a_body_without_a_length_is_cut_off_at_the_limit(ours):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent = head(ours, "Transfer-Encoding: chunked") + chunk * 40 + b"0\r\n\r\n"
    answer = raw(ours, sent)
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]


def test_a_slow_upload_is_given_up(ours):
    start = time.monotonic()
    answer = raw(ours, head(ours, "Content-Length: 1000") + b"abc")
    assert answer.startswith(b"HTTP/1.1 408") and b"longer than" in answer
    assert time.monotonic() - start < 15


def test_an_upload_that_is_broken_off_leaves_nothing(ours, client):
    with socket.create_connection(ours.place) as connection:
        connection.sendall(head(ours, "Content-Length: 1000") + b"abc")
    assert ours.get("/api/me").json["history"] == []
    assert client.get("/healthz").status == 200


def test_a_connection_that_says_nothing_is_closed(one, monkeypatch):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.5)
    with serving(one) as client:
        for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nX-Slow: "):
            with socket.create_connection(client.place, 20) as connection:
                connection.sendall(sent)
                assert connection.recv(1000) == b""


def test_an_upload_that_was_refused_cannot_hold_its_connection(one, monkeypatch):
    monkeypatch.setattr(limits, "REST_SECONDS", 0.5)
    with serving(one) as client, socket.create_connection(client.place, 20) as connection:
        connection.sendall(
            head(client, "Content-Length: 1000000", token="wrong").replace(b"close", b"keep-alive")
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 401")
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < start + 15:  # a byte now and then
                connection.sendall(b"x")
                time.sleep(0.2)


def test_one_team_cannot_take_all_places(one):
    token = team(one, "greedy")
    with serving(one, Settings(body_seconds=10)) as client:
        ours = Client(client.address, token)
        with contextlib.ExitStack() as held:
            for _ in range(4):
                connection = held.enter_context(socket.create_connection(client.place))
                connection.sendall(head(ours, "Content-Length: 1000") + b"abc")
            time.sleep(0.5)
            refused = ours.upload(upload_file(one))
            assert refused.status == 429 and "under way" in refused.json["error"]
            other = Client(client.address, team(one, "patient"))
            assert other.upload(upload_file(one)).status == 201


# --- rates ------------------------------------------------------------------------------------------------

FEW = Rates(
    uploads_per_token="3/hour",
    requests_per_token="12/hour",
    requests_per_address="30/hour",
    wrong_tokens_per_address="4/hour",
)


def test_a_token_has_its_own_rate_and_the_next_has_all_of_its_own(one):
    with serving(one, Settings(rates=FEW)) as client:
        ours, theirs = (Client(client.address, team(one, name)) for name in ("busy", "calm"))
        found = [ours.upload(b"junk").status for _ in range(5)]
        assert found == [422, 422, 422, 429, 429]
        refused = ours.upload(b"junk")
        assert 1 <= int(refused.headers["Retry-After"]) <= 3600 and "wait" in refused.json["error"]
        assert theirs.upload(b"junk").status == 422
        assert ours.get("/api/me").status == 200, "an upload too many does not blind a team"


def test_wrong_tokens_are_tried_only_so_often_from_one_address(one):
    with serving(one, Settings(rates=FEW)) as client:
        guesses = [Client(client.address, f"guess {number}").get("/api/me").status for number in range(6)]
        assert guesses == [401] * 4 + [429] * 2
        assert client.get("/api/board").status == 200, "the board is not closed to that address"


def test_an_address_has_a_rate_of_its_own_behind_a_proxy_too(one):
    settings = Settings(rates=FEW, trusted_proxies=("127.0.0.1",))
    with serving(one, settings) as client:
        found = [client.get("/api/board", X_Forwarded_For="198.51.100.7").status for _ in range(32)]
        assert found == [200] * 30 + [429] * 2
        assert client.get("/api/board", X_Forwarded_For="198.51.100.8").status == 200
        invented = [f"203.0.113.{number}, 198.51.100.7" for number in range(3)]
        assert [client.get("/api/board", X_Forwarded_For=chain).status for chain in invented] == [429] * 3


def test_without_a_trusted_proxy_nobody_can_choose_an_address(one):
    with serving(one, Settings(rates=FEW)) as client:
        found = [client.get("/api/board", X_Forwarded_For=f"203.0.113.{n}").status for n in range(32)]
        assert found[30:] == [429] * 2


def test_the_store_was_not_asked_for_what_was_refused(one):
    assert all(known.uploads <= 3 for known in store(one).teams())
