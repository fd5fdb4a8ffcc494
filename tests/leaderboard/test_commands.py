"""`autograder leaderboard` as an instructor types it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import stat
import tarfile

import pytest

from autograder.cli import ATTENTION, OK, USAGE, main
from autograder.leaderboard.competition import Competition
from tests.leaderboard.served import competition, store, upload_file

COMMANDS = ("new", "tokens", "revoke", "serve", "close", "board", "export", "backup", "restore", "doctor")
ROSTER = "student_id,team\nada,Team A\nbob,Team A\ncy,\n"


def run(*arguments: object) -> int:
    return main(["leaderboard", *map(str, arguments)])


@pytest.fixture
def one(tmp_path):
    return competition(tmp_path / "one", n_test=40)


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER)
    return path


def made_tokens(of: Competition, name: str = "tokens.csv") -> dict[str, str]:
    with open(of.private_dir / name, newline="", encoding="utf-8") as file:
        return {row["student_id"]: row["token"] for row in csv.DictReader(file)}


def hand_in(of: Competition, student: str, right: float, seed: int = 0) -> None:
    from autograder.leaderboard import predictions

    task, known = of.task(), store(of)
    file = upload_file(of, right, seed)
    known.record_upload(
        known.team_of_student(student).id,
        predictions.read(file, "p.npz", ids=task.ids, n_classes=len(task.classes)),
        key=str(seed),
        received_at=dt.datetime.now(dt.UTC),
        source="api",
        file_name="p.npz",
        sha256=str(seed),
        task=task,
        rules=of.rules,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    assert run(command, "--help") == OK
    shown = capsys.readouterr().out
    assert "Example" in shown and command in shown


def test_new_makes_a_competition_with_measured_baselines(tmp_path, capsys):
    folder = tmp_path / "demo"
    options = ["--train", 30, "--test", 60, "--deadline", "2030-01-31T18:00", "--timezone", "Europe/Berlin"]
    assert run("new", folder, "--title", "Shapes [b]", *options) == OK
    shown = capsys.readouterr().out
    made = Competition(folder)
    assert made.title == "Shapes [b]" and made.title in shown
    assert made.deadline.isoformat() == "2030-01-31T18:00:00+01:00"
    rows = store(made).board().rows
    assert len(rows) == 3 and {row.kind for row in rows} == {"baseline"}
    assert 0 < made.description["baseline"] < 1
    for command in ("tokens", "serve"):
        assert f"autograder leaderboard {command}" in shown, "it says what comes next"
    assert run("new", folder) == USAGE and "not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        ("--deadline", "soon"),
        ("--deadline", "2020-01-01"),
        ("--timezone", "Berlin"),
        ("--test", "2"),
        ("--from-images", "/nowhere"),
    ],
)
def test_new_refuses_what_it_does_not_understand_and_leaves_nothing(tmp_path, option, capsys):
    assert run("new", tmp_path / "demo", *option) in (USAGE, ATTENTION)
    shown = capsys.readouterr().err
    assert (
        (option[0] in shown or option[1] in shown)
        and "Traceback" not in shown
        and not (tmp_path / "demo").exists()
    )


def test_tokens_are_written_once_for_the_owner_only(one, roster, capsys):
    assert run("tokens", roster, one.path) == OK
    shown = capsys.readouterr().out
    path = one.private_dir / "tokens.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    tokens = made_tokens(one)
    assert tokens["ada"] == tokens["bob"] != tokens["cy"] and tokens["ada"] not in shown
    assert store(one).team_of_token(tokens["ada"]).name == "Team A"
    assert store(one).team_of_token(tokens["cy"]).name == "cy"


def test_a_roster_that_has_grown_gets_tokens_for_who_is_new(one, roster, capsys):
    run("tokens", roster, one.path)
    first = made_tokens(one)
    assert run("tokens", roster, one.path) == OK and "already" in capsys.readouterr().out
    roster.write_text(ROSTER + "dee,Team A\neve,Team E\n")
    assert run("tokens", roster, one.path) == OK
    assert set(made_tokens(one, "tokens-2.csv")) == {"eve"}
    assert store(one).team_of_token(first["ada"]) is not None
    assert store(one).team_of_student("dee").name == "Team A", "she uses the token that her team has"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("name\nada\n", "student_id"),
        ("student_id,team\n", "no students"),
        ("student_id,team\nada,A\nada,B\n", "lines 2 and 3"),
        ("student_id,team\n,A\n", "line 2"),
        ("student_id,team\nada," + "x" * 10_000 + "\n", "name"),
        ("student_id,team\nada,a\u202eb\n", "name"),
    ],
)
def test_a_roster_that_cannot_be_used_is_one_message(one, roster, text, word, capsys):
    roster.write_text(text, encoding="utf-8")
    assert run("tokens", roster, one.path) == ATTENTION
    shown = capsys.readouterr().err
    assert word in shown and "Traceback" not in shown and len(shown) < 600
    assert not (one.private_dir / "tokens.csv").exists()


def test_the_rosters_of_a_course_are_read_as_well(one, roster):
    roster.write_text("id;first_name;last_name;email\nada;Ada;L;a@b\n")
    assert run("tokens", roster, one.path) == OK
    assert set(made_tokens(one)) == {"ada"}


def test_revoke_ends_a_token_and_new_makes_another(one, roster, capsys):
    run("tokens", roster, one.path)
    old = made_tokens(one)["ada"]
    capsys.readouterr()
    assert run("revoke", one.path, "bob", "--new") == OK
    new = capsys.readouterr().out.split()[-1]
    assert store(one).team_of_token(old) is None and store(one).team_of_token(new).name == "Team A"
    assert run("revoke", one.path, "Team A") == OK
    assert store(one).team_of_token(new) is None
    assert run("revoke", one.path, "Team Z") == USAGE
    assert "Team A" in capsys.readouterr().err


def test_the_board_is_a_table_before_and_after_the_close(one, roster, capsys):
    run("tokens", roster, one.path)
    for seed, (student, right) in enumerate((("ada", 0.9), ("cy", 0.2))):
        hand_in(one, student, right, seed)
    capsys.readouterr()
    assert run("board", one.path) == OK
    first = capsys.readouterr().out
    names = [row.name for row in store(one).board().rows]
    assert all(name in first for name in names) and "private" not in first
    assert run("close", one.path, "--yes") == OK
    final = capsys.readouterr().out
    assert "private" in final and "shake-up" in final
    assert run("close", one.path, "--yes") == ATTENTION and "closed on" in capsys.readouterr().err
    assert run("board", one.path, "--json") == OK
    assert json.loads(capsys.readouterr().out)["rows"][0]["private"]["rank"] == 1


def test_exports_hold_what_was_asked_for(one, roster, tmp_path, capsys):
    run("tokens", roster, one.path)
    hand_in(one, "ada", 0.9)
    for name, options in (("b.csv", ()), ("b.json", ()), ("n.csv", ("--names",)), ("n.json", ("--names",))):
        assert run("export", one.path, tmp_path / name, *options) == OK, name
    assert "Team A" not in (tmp_path / "b.csv").read_text(), "pseudonyms stay pseudonyms"
    rows = list(csv.DictReader((tmp_path / "n.csv").read_text().splitlines()))
    assert [row["student_id"] for row in rows] == ["ada", "bob", "cy"]
    assert float(rows[0]["public_score"]) > 0.5 and rows[2]["public_score"] == ""
    assert stat.S_IMODE((tmp_path / "n.csv").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "n.json").read_text())[0]["students"] == ["ada", "bob"]
    assert run("export", one.path, tmp_path / "site", "--site") == OK
    assert "Team A" not in (tmp_path / "site" / "index.html").read_text()
    assert run("export", one.path, tmp_path / "x.txt") == USAGE


def test_a_backup_brings_everything_back_elsewhere(one, roster, tmp_path, capsys):
    run("tokens", roster, one.path)
    hand_in(one, "ada", 0.9)
    token, board = made_tokens(one)["ada"], store(one).board()
    assert run("backup", one.path, tmp_path / "b.tar") == OK
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    assert run("restore", tmp_path / "b.tar", tmp_path / "back") == OK
    back = Competition(tmp_path / "back")
    assert [row.to_json() for row in store(back).board().rows] == [row.to_json() for row in board.rows]
    assert store(back).team_of_token(token).name == "Team A"
    assert (back.task().labels == one.task().labels).all()
    assert stat.S_IMODE(back.private_dir.stat().st_mode) == 0o700
    assert run("doctor", back.path, "--json") == OK
    hand_in(back, "ada", 0.5, seed=1)


def test_restore_replaces_only_when_told_and_puts_the_old_aside(one, tmp_path, capsys):
    run("backup", one.path, tmp_path / "b.tar")
    assert run("restore", tmp_path / "b.tar", one.path) == ATTENTION
    assert "--replace" in capsys.readouterr().err
    assert run("restore", tmp_path / "b.tar", one.path, "--replace") == OK
    assert len(list(tmp_path.glob("one.before-restore-*"))) == 1
    assert run("backup", one.path, tmp_path / "b.tar") == ATTENTION, "a backup never replaces another"


def test_a_damaged_backup_changes_nothing(one, tmp_path, capsys):
    run("backup", one.path, tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    before = sorted(path.name for path in tmp_path.iterdir())
    for number, damaged in enumerate((b"", b"no tar", whole[: len(whole) // 2], whole[:-20_000])):
        (tmp_path / "bad.tar").write_bytes(damaged)
        assert run("restore", tmp_path / "bad.tar", tmp_path / f"back-{number}") == ATTENTION, number
        assert "Traceback" not in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "bad.tar"])


def test_a_backup_without_labels_is_no_backup(one, tmp_path, capsys):
    run("backup", one.path, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as whole, tarfile.open(tmp_path / "less.tar", "w") as less:
        for member in whole:
            if member.name != "private/labels.npz":
                less.addfile(member, whole.extractfile(member))
        evil = tarfile.TarInfo("../outside")
        less.addfile(evil, io.BytesIO())
    assert run("restore", tmp_path / "less.tar", tmp_path / "back") == ATTENTION
    assert "private/labels.npz" in capsys.readouterr().err
    assert not (tmp_path / "back").exists() and not (tmp_path / "outside").exists()


@pytest.mark.parametrize("command", ["board", "serve", "doctor"])
def test_a_folder_without_a_competition_is_said_with_those_below_it(one, command, capsys):
    assert run(command, one.path.parent) == USAGE
    shown = capsys.readouterr().err
    assert "leaderboard.toml" in shown and "one" in shown


def test_serve_says_what_is_wrong_with_a_port_or_a_proxy(one, capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run("serve", one.path, "--port", taken.getsockname()[1]) == ATTENTION
        assert "--port" in capsys.readouterr().err
    assert run("serve", one.path, "--trusted-proxy", "caddy") == USAGE
    assert "10.0.0.0/8" in capsys.readouterr().err
    assert run("serve", one.path, "--host", "192.0.2.77", "--port", "0") == ATTENTION
