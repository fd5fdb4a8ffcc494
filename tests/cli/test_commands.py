"""The command line: exit codes for scripts, one clear message for people, nothing harmful printed."""

from __future__ import annotations

import json

import pytest

from autograder import cli, grading
from autograder.cli import ATTENTION, INTERRUPTED, OK, USAGE, main
from autograder.gradebook import record
from autograder.grading import ClassReport
from autograder.results import ExerciseGrade, GradedSubmission
from tests.gradebook.sample import A, graded, hand_in

COMMANDS = ("init", "release", "collect", "grade", "feedback", "export", "doctor", "demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    assert main([command, "--help"]) == OK
    assert f"autograder {command}" in capsys.readouterr().out


def test_the_help_lists_every_command(capsys):
    main(["--help"])
    shown = capsys.readouterr().out
    assert all(f" {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["grade"],
        ["grade", A, "--jobs", "0"],
        ["nonsense"],
        ["grade", A, "--course", "/nowhere"],
        ["feedback", A, "--course", "/nowhere"],
        ["export", "--course", "/nowhere"],
        ["doctor", "--course", "/nowhere"],
        ["init", "/etc"],
        ["demo", "/etc"],
    ],
)
def test_wrong_usage_is_one_message_and_exit_code_2(arguments, capsys):
    assert main(arguments) == USAGE
    shown = capsys.readouterr()
    assert shown.err.strip() and "Traceback" not in shown.err


@pytest.mark.parametrize("command", [["grade"], ["feedback"], ["collect", "."]])
def test_an_unknown_assignment_lists_the_known_ones(course, command, capsys):
    assert main([*command, "99_nothing", "--course", str(course.path)]) == USAGE
    assert A in capsys.readouterr().err


@pytest.mark.parametrize("command", ["grade", "feedback"])
def test_a_student_who_is_not_on_the_roster_is_named(course, command, capsys):
    assert main([command, A, "-s", "zoe", "--course", str(course.path)]) == USAGE
    assert "zoe" in capsys.readouterr().err


def test_debug_shows_where_an_error_comes_from():
    with pytest.raises(cli.WrongUsage):
        main(["--debug", "export", "--course", "/nowhere"])


def test_a_bug_is_told_apart_from_a_mistake_of_the_instructor(course, monkeypatch, capsys):
    monkeypatch.setattr(grading, "grade_class", lambda *_, **__: 1 / 0)
    assert main(["grade", A, "--course", str(course.path)]) == ATTENTION
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown and "--debug" in shown and "Traceback" not in shown


def test_an_interrupt_is_exit_code_130(course, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grade_class", interrupted)
    assert main(["grade", A, "--course", str(course.path)]) == INTERRUPTED
    assert "run the command again" in capsys.readouterr().err


def report_of(*submissions, strangers=()):
    return ClassReport(A, "namespaces", submissions, strangers, 1.0)


def test_nothing_of_a_submission_reaches_the_terminal_as_a_command(course, monkeypatch, capsys):
    evil = "\x1b[2J\x1b]0;owned\x07\r[red]x[/red]\u202e"
    grade = ExerciseGrade("check_double", "double", 0, 4, "", evil, (evil,))
    one = GradedSubmission("ada", A, "graded", (grade,), summary=evil)
    two = GradedSubmission("bob", A, "unreadable", summary=evil)
    monkeypatch.setattr(grading, "grade_class", lambda *_, **__: report_of(one, two, strangers=(evil,)))
    assert main(["grade", A, "--course", str(course.path)]) == ATTENTION
    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.out + shown.err)
    assert "[red]x[/red]" in shown.err


def test_grade_is_0_when_all_is_well_and_its_json_is_for_scripts(course, monkeypatch, capsys):
    monkeypatch.setattr(grading, "grade_class", lambda *_, **__: report_of(graded()))
    assert main(["grade", A, "--json", "--course", str(course.path)]) == OK
    found = json.loads(capsys.readouterr().out)
    (one,) = found["submissions"]
    assert (one["student"], one["points"], one["exercises"]["double"]) == ("ada", 5, 4)


def test_feedback_before_grading_says_what_comes_first(course, capsys):
    assert main(["feedback", A, "--course", str(course.path)]) == ATTENTION
    assert f"autograder grade {A}" in capsys.readouterr().err


def test_export_prints_a_table_and_says_what_still_waits(course, capsys):
    hand_in(course, "ada")
    record(course, graded())
    assert main(["export", "--course", str(course.path)]) == ATTENTION
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].startswith("ada,Ada,Lovelace") and "1 submissions wait" in shown.err
    record(course, graded(written=None))
    assert main(["export", "--course", str(course.path), "--json"]) == OK
    assert json.loads(capsys.readouterr().out)[0]["points"] == 5


def test_export_into_a_file_replaces_it_as_a_whole(course, tmp_path, capsys):
    record(course, graded(written=None))
    target = tmp_path / "grades.csv"
    target.write_text("old" * 1000)
    assert main(["export", str(target), "--course", str(course.path)]) == OK
    assert target.read_text().startswith("student,") and "old" not in target.read_text()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_demo_never_replaces_what_is_not_its_own(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x")
    assert main(["demo", str(tmp_path)]) == USAGE
    assert (tmp_path / "thesis.tex").read_text() == "x"


@pytest.mark.parametrize(
    ("spoil", "name", "word"),
    [
        (lambda course: (course.path / "secret.key").chmod(0o644), "secret key", "chmod 600"),
        (lambda course: (course.path / "secret.key").write_text("x"), "secret key", "damaged"),
        (lambda course: (course.path / "roster.csv").write_text("name\nada\n"), "roster", "roster.csv"),
        (lambda course: course.database.write_bytes(b"x" * 5000), "gradebook", "damaged"),
        (lambda course: course.database.unlink(), "gradebook", "autograder init"),
        (
            lambda course: (course.path / "course.toml").write_text("[late]\nbank_days = -1"),
            "settings",
            "bank_days",
        ),
        (
            lambda course: (course.path / "course.toml").write_text('[leaderboard]\ncompetition = "../gone"'),
            "competition",
            "autograder leaderboard new",
        ),
    ],
)
def test_doctor_names_what_is_wrong_and_what_to_do(course, capsys, spoil, name, word):
    spoil(course)
    assert main(["doctor", "--json", "--course", str(course.path)]) == ATTENTION
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks[name]["state"] == "problem"
    assert word in checks[name]["found"] + checks[name]["todo"]


def test_doctor_has_an_eye_on_everything_grading_needs(course, capsys):
    main(["doctor", "--json", "--course", str(course.path)])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert set(checks) == {
        *("Python", "nbgrader", "alembic", "PyTorch", "sandbox", "font cache"),
        *("disk space", "settings", "secret key", "roster", "gradebook", "release", "competition"),
    }
    assert checks["roster"]["found"] == "3 students" and checks["release"]["state"] == "warning"
