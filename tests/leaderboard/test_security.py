"""Nothing that a team writes becomes code, a header, a query or a path; and a token is never told."""

from __future__ import annotations

import html.parser
import json
import sqlite3

import pytest

from autograder.leaderboard import security
from autograder.leaderboard.security import Proxies, clean_file_name, neighbourhood
from autograder.leaderboard.service import Settings
from tests.leaderboard.served import Client, competition, serving, team, upload_file

NAMES = {
    "a script": "<script>alert(1)</script>",
    "a picture": "<img src=x onerror=alert(1)>",
    "an attribute": "\"><b onclick='x'>",
    "SQL": "'; DROP TABLE team; --",
    "more SQL": "a' OR '1'='1",
    "a template": "{{ 7*7 }}{% raw %}",
    "a formula": "=HYPERLINK(1)",
    "a percent": "%s %n %x 100%",
    "a path": "../../etc/passwd",
    "JavaScript": "'+alert(1)+'",
}
REFUSED = {
    "a line end": "a\r\nSet-Cookie: x=y",
    "a mark that turns the writing": "\u202egnp.exe",
    "a null": "a\0b",
    "nothing": "",
    "spaces": "   ",
    "10,000 characters": "x" * 10_000,
    "an escape": "\x1b[31mred",
    "a zero-width space": "\u200b",
    "half a character": "\ud800",
}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return competition(tmp_path_factory.mktemp("security") / "one", daily_limit=1000)


@pytest.fixture(scope="module")
def client(one):
    with serving(one) as found:
        yield found


@pytest.fixture(scope="module")
def named(client, one):
    """A team for each hostile name, which the board shows."""
    made = {}
    for seed, (kind, name) in enumerate(NAMES.items()):
        made[kind] = ours = Client(client.address, team(one, kind))
        assert ours.upload(upload_file(one, seed=seed)).status == 201
        answer = ours.ask("POST", "/api/me/pseudonym", {"pseudonym": name[:30]})
        assert answer.status == 200, (kind, answer.body)
    return made


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def test_hostile_names_are_shown_as_they_were_written_and_do_nothing(client, named):
    page = Tags()
    page.feed(client.get("/").body.decode())
    names = {row["name"] for row in client.get("/api/board").json["rows"]}
    for kind, name in NAMES.items():
        assert name[:30] in names, kind
        assert name[:30] in page.text, kind
    scripts = [attributes for tag, attributes in page.found if tag == "script"]
    assert all((script.get("src") or "").startswith("static/") for script in scripts), "no script in the page"
    assert not [tag for tag, _ in page.found if tag == "img"]
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]


def test_a_name_is_no_formula_in_a_spreadsheet(client, named):
    assert "'=HYPERLINK(1)" in client.get("/api/board.csv").body.decode()


def test_names_that_cannot_be_seen_are_refused(client, one):
    ours = Client(client.address, team(one, "unseen"))
    for kind, name in REFUSED.items():
        answer = ours.ask("POST", "/api/me/pseudonym", {"pseudonym": name})
        assert answer.status == 422 and len(answer.json["error"]) < 400, (kind, answer.body)
        assert "\r" not in str(answer.headers["Set-Cookie"]), kind
    assert ours.get("/api/me").json["pseudonym"] not in REFUSED.values()


def test_bad_json_is_refused_in_one_sentence(client, one):
    ours = Client(client.address, team(one, "typist"))
    for body in (b"", b"{", b"[]", b'"x"', b'{"upload": 1e400}', b'{"upload": "1 OR 1=1"}', b"[" * 10_000):
        answer = ours.ask("POST", "/api/me/selection", body, Content_Type="application/json")
        assert answer.status in (400, 422), (body[:20], answer.body)
        assert set(answer.json) == {"error", "counted"}, (body[:20], answer.body)
        assert "Traceback" not in answer.json["error"] and "pydantic" not in answer.json["error"]
    huge = ours.ask("POST", "/api/me/selection", {"upload": 10**30})
    assert huge.status in (404, 422) and huge.json["error"]


def test_file_names_are_stored_harmlessly(client, one):
    from urllib.parse import quote

    ours = Client(client.address, team(one, "filer"))
    names = [
        "../../x.npz",
        "C:\\Users\\me\\p.npz",
        "\u202egnp.npz",
        "a\r\nX-Bad: 1.npz",
        "x" * 10_000 + ".npz",
    ]
    names += ["<script>.npz", "\0.npz", "'; DROP TABLE upload; --.npz"]
    for seed, name in enumerate(names):
        answer = ours.upload(upload_file(one, seed=seed), quote(name))
        assert answer.status == 201 and "X-Bad" not in answer.headers, name[:40]
    stored = [upload["file_name"] for upload in ours.get("/api/me").json["history"]]
    assert all(len(name) <= 100 and name.isprintable() for name in stored)
    assert stored[0] == "x.npz" and stored[1] == "p.npz" and stored[5] == "<script>.npz"


def test_tokens_are_stored_as_hashes_only(one):
    token = team(one, "secretive")
    connection = sqlite3.connect(one.path / "leaderboard.db")
    everything = "\n".join(connection.iterdump())
    connection.close()
    assert token not in everything and token[4:-4] not in everything


def test_a_wrong_token_is_told_nothing_but_that(client):
    for token in ("x", "' OR 1=1 --", "é".encode().decode("latin-1"), "a" * 5000, "cnn-"):
        answer = Client(client.address, token).get("/api/me")
        assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), token
    for value in ("", "Bearer", "Basic abc", "Bearer "):
        assert client.get("/api/me", Authorization=value).status == 401


def test_every_answer_has_the_headers_that_keep_browsers_safe(client, named):
    ours = named["SQL"]
    answers = [
        client.get("/"),
        client.get("/api/board"),
        client.get("/nothing"),
        client.get("/static/board.js"),
        client.get("/data/RULES.md"),
        client.ask("PUT", "/api/board"),
        ours.get("/api/me"),
        ours.upload(b"junk"),
        Client(client.address, "wrong").get("/api/me"),
    ]
    for answer in answers:
        for name, value in security.HEADERS.items():
            assert answer.headers[name] == value, (answer.status, name)
        assert "Server" not in answer.headers and "Strict-Transport-Security" not in answer.headers
    policy = security.HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "*" not in policy and "default-src 'none'" in policy
    assert ours.get("/api/me").headers["Cache-Control"] == "no-store"


def test_errors_are_json_with_one_sentence(client):
    for method, path in (
        ("GET", "/nothing"),
        ("DELETE", "/api/board"),
        ("GET", "/static/../x"),
        ("PUT", "/"),
    ):
        answer = client.ask(method, path)
        assert answer.status in (404, 405)
        assert set(answer.json) == {"error", "counted"} and answer.json["error"].count("\n") == 0


def test_a_bug_is_told_to_the_log_and_not_to_the_client(tmp_path, monkeypatch, caplog):
    of = competition(tmp_path / "buggy")
    with serving(of) as client:
        monkeypatch.setattr("autograder.leaderboard.service.describe", lambda _: 1 / 0)
        answer = client.get("/api/competition")
        assert answer.status == 500 and set(answer.json) == {"error", "counted"}
        assert b"ZeroDivision" not in answer.body and b"service.py" not in answer.body
        assert answer.headers["Content-Security-Policy"]
    assert "ZeroDivisionError" in caplog.text


# --- addresses --------------------------------------------------------------------------------------------


def scope(peer: str, *forwarded: str, proto: str = "") -> dict:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    return {"type": "http", "client": (peer, 1), "headers": headers, "scheme": "http"}


@pytest.mark.parametrize(
    ("trusted", "asked", "address"),
    [
        ((), scope("192.0.2.1", "198.51.100.7"), "192.0.2.1"),
        (("192.0.2.1",), scope("192.0.2.1", "198.51.100.7"), "198.51.100.7"),
        (("192.0.2.0/24",), scope("192.0.2.9", "1.2.3.4, 198.51.100.7"), "198.51.100.7"),
        (("192.0.2.0/24",), scope("192.0.2.9", "198.51.100.7, 192.0.2.3"), "198.51.100.7"),
        (("192.0.2.0/24",), scope("192.0.2.9", "1.2.3.4", "198.51.100.7"), "198.51.100.7"),
        (("192.0.2.0/24",), scope("192.0.2.9"), "192.0.2.9"),
        (("192.0.2.0/24",), scope("192.0.2.9", "<script>"), "192.0.2.9"),
        (("::1",), scope("::1", "::ffff:198.51.100.7"), "198.51.100.7"),
        (("127.0.0.1",), scope("::ffff:127.0.0.1", "198.51.100.7"), "198.51.100.7"),
    ],
)
def test_the_address_is_the_last_that_no_proxy_of_ours_wrote(trusted, asked, address):
    assert Proxies(trusted).address(asked) == address


def test_whoever_has_a_whole_network_is_one_neighbour():
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") != neighbourhood("2001:db8:1::1")
    assert neighbourhood("198.51.100.7") == "198.51.100.7"


def test_tls_is_promised_only_where_a_trusted_proxy_says_that_there_is_some(one):
    with serving(one, Settings(trusted_proxies=("127.0.0.1",))) as client:
        assert client.get("/", X_Forwarded_Proto="https").headers["Strict-Transport-Security"]
        assert "Strict-Transport-Security" not in client.get("/").headers
    assert Proxies(()).scheme(scope("127.0.0.1", proto="https")) == "http"


def test_a_proxy_that_is_no_address_is_refused_with_an_example():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8"):
        Proxies(["caddy"])


def test_long_file_names_keep_their_ending():
    assert clean_file_name("y" * 500 + ".csv").endswith("….csv")
    assert json.dumps(clean_file_name("a/b\\c\n.npz")) == '"c_.npz"'
