"""The service as its users meet it: a real server on loopback, a real database."""

from __future__ import annotations

import concurrent.futures
import csv
import io
import json
import time

import numpy as np
import pytest

from autograder.leaderboard.service import Settings
from tests.leaderboard.served import Client, competition, npz, serving, store, team, upload_file


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A competition with no limit that these tests could reach."""
    return competition(tmp_path_factory.mktemp("service") / "one", daily_limit=1000, title="Noise & <more>")


@pytest.fixture(scope="module")
def client(one):
    with serving(one) as found:
        yield found


def as_team(client: Client, of, name: str) -> Client:
    return Client(client.address, team(of, name))


def test_an_upload_is_scored_and_stands_on_the_board_at_once(client, one):
    ours = as_team(client, one, "first")
    before = client.get("/api/board").json
    answer = ours.upload(upload_file(one, right=0.7))
    assert answer.status == 201
    assert 0.55 < answer.json["score"] < 0.85 and answer.json["improved"] and not answer.json["replayed"]
    assert answer.json["low"] < answer.json["score"] < answer.json["high"]
    assert answer.json["left_today"] == 999
    board = client.get("/api/board").json
    mine = ours.get("/api/me").json
    assert board["version"] > before["version"]
    assert [row["score"] for row in board["rows"] if row["name"] == mine["pseudonym"]] == [
        answer.json["score"]
    ]
    assert mine["team"] == "first" and mine["row"]["uploads"] == 1
    assert mine["history"][0]["selected"] and mine["history"][0]["file_name"] == "predictions.npz"


def test_a_form_a_body_and_a_csv_are_read_alike(client, one):
    task = one.task()
    lines = "id,label\n" + "".join(f"{a},{b}\n" for a, b in zip(task.ids, task.labels, strict=True))
    file = npz(ids=task.ids, labels=task.labels)
    form = (
        b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="p.npz"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + file + b"\r\n--xyz--\r\n"
    )
    answers = [
        as_team(client, one, "by body").upload(file),
        as_team(client, one, "by csv").upload(lines.encode(), "mine.csv"),
        as_team(client, one, "nameless").ask("POST", "/api/uploads", file),
        as_team(client, one, "by form").ask(
            "POST", "/api/uploads", form, Content_Type="multipart/form-data; boundary=xyz"
        ),
    ]
    assert [(answer.status, answer.json["score"]) for answer in answers] == [(201, 1.0)] * 4


def test_the_same_key_gets_the_same_answer_and_counts_once(client, one):
    ours = as_team(client, one, "again")
    file = upload_file(one, seed=3)
    first = ours.upload(file, Idempotency_Key="a")
    again = ours.upload(file, Idempotency_Key="a")
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json | {"replayed": True}
    other = ours.upload(upload_file(one, seed=4), Idempotency_Key="a")
    assert other.status == 409 and other.json["counted"] is False
    assert ours.get("/api/me").json["row"]["uploads"] == 1


def test_without_a_key_the_same_file_counts_once(client, one):
    ours = as_team(client, one, "same file")
    file = upload_file(one, seed=5)
    assert not ours.upload(file).json["replayed"] and ours.upload(file).json["replayed"]


def test_the_same_upload_from_many_connections_at_once_counts_once(client, one):
    ours = as_team(client, one, "impatient")
    file = upload_file(one, seed=6)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ours.upload(file, Idempotency_Key="k"), range(8)))
    stored = [answer.json["upload"] for answer in answers if answer.status == 201]
    assert len(set(stored)) == 1 and {answer.status for answer in answers} <= {201, 429}
    assert len(ours.get("/api/me").json["history"]) == 1


def test_a_team_selects_only_its_own_uploads(client, one):
    ours, theirs = as_team(client, one, "chooser"), as_team(client, one, "owner")
    mine = [ours.upload(upload_file(one, right, seed=7)).json["upload"] for right in (0.9, 0.2)]
    foreign = theirs.upload(upload_file(one, seed=8)).json["upload"]
    assert ours.ask("POST", "/api/me/selection", {"upload": mine[1]}).status == 200
    assert ours.ask("POST", "/api/me/selection", {"upload": foreign}).status == 404
    history = ours.get("/api/me").json["history"]
    assert {upload["upload"]: upload["selected"] for upload in history} == {mine[0]: False, mine[1]: True}


def test_a_new_name_is_shown_and_a_taken_one_refused(client, one):
    ours, theirs = as_team(client, one, "renamed"), as_team(client, one, "copier")
    ours.upload(upload_file(one, seed=9))
    assert ours.ask("POST", "/api/me/pseudonym", {"pseudonym": "Deep Otters"}).status == 200
    assert "Deep Otters" in {row["name"] for row in client.get("/api/board").json["rows"]}
    taken = theirs.ask("POST", "/api/me/pseudonym", {"pseudonym": "deep otters"})
    assert taken.status == 422 and "taken" in taken.json["error"]


def test_a_board_that_has_not_changed_is_not_sent_again(client, one):
    first = client.get("/api/board")
    again = client.get("/api/board", If_None_Match=first.headers["ETag"])
    assert again.status == 304 and not again.body
    as_team(client, one, "changes it").upload(upload_file(one, seed=10))
    assert client.get("/api/board", If_None_Match=first.headers["ETag"]).status == 200


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(client):
    """Nagle's algorithm and a delayed acknowledgement together cost 40 ms, for each of them."""
    import http.client

    connection = http.client.HTTPConnection(*client.place)
    waits = []
    for _ in range(40):
        start = time.perf_counter()
        connection.request("GET", "/api/board")
        connection.getresponse().read()
        waits.append(time.perf_counter() - start)
    connection.close()
    assert min(waits[5:]) < 0.03


def test_the_board_is_compressed_for_who_can_read_that(client):
    import gzip

    packed = client.get("/api/board", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == client.get("/api/board").json


def test_exports_have_the_rows_of_the_board(client):
    rows = client.get("/api/board").json["rows"]
    table = list(csv.DictReader(io.StringIO(client.get("/api/board.csv").body.decode())))
    assert [row["name"] for row in table] == [row["name"] for row in rows]
    assert client.get("/api/board.json").json["rows"] == rows


def test_students_get_the_public_files_and_nothing_else(client, one):
    assert client.get("/data/test.npz").body == (one.public_dir / "test.npz").read_bytes()
    (one.public_dir / "notes.txt").write_text("what an instructor has put there")
    for path in (
        "notes.txt",
        "labels.npz",
        "..%2Fprivate%2Flabels.npz",
        "../private/labels.npz",
        "%00",
        "leaderboard.toml",
    ):
        assert client.get(f"/data/{path}").status in (400, 404), path
    labels = np.load(one.private_dir / "labels.npz")["labels"].tobytes()
    assert labels not in b"".join(
        client.get(f"/data/{name}").body for name in ("test.npz", "competition.json")
    )


def test_no_answer_tells_which_test_pictures_are_public_or_a_private_score(client, one):
    ours = as_team(client, one, "curious")
    told = [ours.upload(upload_file(one, seed=11)), ours.get("/api/me"), client.get("/api/board")]
    for answer in told:
        assert b'"team_id"' not in answer.body and b'"correct"' not in answer.body
    assert all(row["private"] is None for row in client.get("/api/board").json["rows"])


def test_the_description_is_openapi_and_names_every_address(client):
    found = client.get("/openapi.json").json
    assert found["openapi"].startswith("3.")
    assert {"/api/competition", "/api/board", "/api/uploads", "/api/me", "/api/events"} <= set(found["paths"])
    assert found["components"]["schemas"]["Receipt"]["properties"]["replayed"]["type"] == "boolean"
    assert found["components"]["schemas"]["Error"]


def test_what_the_service_answers_is_what_its_description_says(client, one):
    from autograder.leaderboard import answers

    ours = as_team(client, one, "exact")
    answers.Receipt.model_validate(ours.upload(upload_file(one, seed=12)).json)
    answers.Me.model_validate(ours.get("/api/me").json)
    answers.Board.model_validate(client.get("/api/board").json)
    answers.Competition.model_validate(client.get("/api/competition").json)
    answers.Error.model_validate(client.get("/api/me").json)


def test_a_team_that_has_uploaded_nothing_has_a_standing(client, one):
    mine = as_team(client, one, "newcomer").get("/api/me")
    assert mine.status == 200 and mine.json["row"] is None and mine.json["history"] == []
    assert mine.json["left_today"] == 1000


def test_listeners_hear_of_a_change_and_of_the_end(one):
    with serving(one) as client:
        heard = _listen(client)
        first = next(heard)
        as_team(client, one, "loud").upload(upload_file(one, seed=13))
        assert next(heard) > first
    with pytest.raises(StopIteration):  # and the server has ended, which waits for every answer
        next(heard)


def _listen(client: Client):
    """The versions that are told, until the stream ends."""
    import http.client

    connection = http.client.HTTPConnection(*client.place, timeout=30)
    connection.request("GET", "/api/events")
    answer = connection.getresponse()
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    name = ""
    while line := answer.readline():
        field, _, value = line.decode().strip().partition(": ")
        if field == "event":
            name = value
        elif field == "data" and name == "board":
            yield int(value)
    connection.close()


def test_listeners_are_bounded_and_the_rest_told_to_ask(one):
    with serving(one, Settings(most_listeners=2)) as client:
        held = [_listen(client) for _ in range(2)]
        assert all(next(one_of) > 0 for one_of in held)
        refused = client.get("/api/events")
        assert refused.status == 503 and refused.headers["Retry-After"]
        held[0].close()
        deadline = time.monotonic() + 20
        while client_is_full(client):
            assert time.monotonic() < deadline, "a place was not given back"
            time.sleep(0.2)


def client_is_full(client: Client) -> bool:
    import http.client

    connection = http.client.HTTPConnection(*client.place, timeout=30)
    try:
        connection.request("GET", "/api/events")
        return connection.getresponse().status == 503
    finally:
        connection.close()


def test_after_the_close_the_page_has_private_scores_and_takes_no_upload(tmp_path):
    import datetime as dt

    of = competition(tmp_path / "closing")
    token = team(of)
    with serving(of) as client:
        ours = Client(client.address, token)
        ours.upload(upload_file(of, right=0.8))
        store(of).close(
            dt.datetime.now(dt.UTC), of.task(), of.rules
        )  # by another process, as the command does
        board = client.get("/api/board").json
        assert board["closed"] and 0.5 < board["rows"][0]["private"]["score"] < 1
        refused = ours.upload(upload_file(of, seed=1))
        assert refused.status == 403 and "closed" in refused.json["error"]
        assert client.get("/api/competition").json["closed"]


def test_a_revoked_token_ends_at_once(tmp_path):
    of = competition(tmp_path / "revoking")
    token = team(of)
    with serving(of) as client:
        ours = Client(client.address, token)
        assert ours.get("/api/me").status == 200
        [found] = [known for known in store(of).teams() if known.name == "Team A"]
        renewed = store(of).rotate_token(found.id)
        assert ours.get("/api/me").status == 401
        assert Client(client.address, renewed).get("/api/me").status == 200


def test_after_the_deadline_nothing_is_taken_and_nothing_counted(tmp_path):
    import datetime as dt

    over = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    of = competition(tmp_path / "late", deadline=over)
    with serving(of) as client:
        late = as_team(client, of, "late").upload(upload_file(of))
        assert late.status == 403 and "deadline" in late.json["error"] and late.json["counted"] is False
        assert client.get("/api/board").json["rows"] == []


@pytest.mark.needs("postgresql")
def test_a_database_that_goes_away_costs_nothing_and_comes_back(tmp_path, monkeypatch):
    import signal

    from tests.scale.postgres import PASSWORD, Server

    with Server() as server:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        of = competition(tmp_path / "far", database=server.create("board"))
        token, file = team(of), upload_file(of)
        with serving(of) as client:
            ours = Client(client.address, token)
            first = ours.upload(file, Idempotency_Key="1")
            assert first.status == 201
            server.stop(signal.SIGQUIT)
            away = ours.upload(upload_file(of, seed=1), Idempotency_Key="2")
            assert away.status == 503 and away.headers["Retry-After"] and away.json["counted"] is False
            assert client.get("/api/board").status == 503 and client.get("/healthz").status == 503
            server.start()
            again = ours.upload(upload_file(of, seed=1), Idempotency_Key="2")
            assert again.status == 201 and not again.json["replayed"]
            assert ours.upload(file, Idempotency_Key="1").json == first.json | {"replayed": True}
            assert ours.get("/api/me").json["row"]["uploads"] == 2
