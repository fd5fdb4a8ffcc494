"""The gradebook on a real PostgreSQL server: the same grades as SQLite's, also when the server goes away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from autograder.cli import ATTENTION, main
from autograder.course import Course, CourseError, init
from autograder.doctor import examine
from autograder.export import rows
from autograder.gradebook import GradebookError, GradebookLost, open_gradebook, record
from autograder.grading import GradingInProgress, grade_class
from autograder.source import SOLUTIONS
from tests.formgrader.server import serving
from tests.gradebook.sample import A, graded, hand_in, make_course, missing
from tests.grading.small import NOTEBOOK
from tests.scale.conftest import copy
from tests.scale.postgres import PASSWORD, USER, Server

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch, Server() as started:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield started


@pytest.fixture(scope="module")
def template(server, ungraded, tmp_path_factory) -> Course:
    """The ungraded class, with the gradebook on the server. Tests use copies of it and of its database."""
    folder = tmp_path_factory.mktemp("template") / "course"
    folder.mkdir()
    (folder / "course.toml").write_text(settings(server.create("template")))
    shutil.copy(ungraded.path / "secret.key", folder)
    course = init(folder, sources=[SOLUTIONS / f"{NOTEBOOK}.py"])
    shutil.copy(ungraded.path / "roster.csv", folder)
    shutil.copytree(ungraded.path / "submitted", folder / "submitted", dirs_exist_ok=True)
    return course


@pytest.fixture
def on_server(server, template, tmp_path, request) -> Course:
    """A fresh copy of the class and of its database."""
    address = server.create(request.node.name[:60], "template")
    folder = shutil.copytree(template.path, tmp_path / "on_server")
    (folder / "course.toml").write_text(settings(address))
    return Course(folder)


def settings(address: str, more: str = "") -> str:
    return f'name = "Convolutional networks"\n\n[gradebook]\nurl = "{address}{more}"\n'


def everything(course: Course) -> dict[str, Any]:
    """Every point and comment, by student, notebook and cell, and every file that was written."""
    queries = {
        "grades": "student_id, base_cell.name, auto_score, manual_score, extra_credit, needs_manual_grade "
        "FROM grade",
        "comments": "student_id, base_cell.name, auto_comment, manual_comment FROM comment",
    }
    joined = """ AS one JOIN base_cell ON one.cell_id = base_cell.id
        JOIN submitted_notebook ON one.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id"""
    engine = create_engine(course.db_url)
    with engine.connect() as connection:
        found = {
            name: sorted(map(tuple, connection.execute(text(f"SELECT {query}{joined}"))), key=str)
            for name, query in queries.items()
        }
    engine.dispose()
    found["grades"] = [(*row[:-1], bool(row[-1])) for row in found["grades"]]  # SQLite has 0 and 1
    files = [*course.path.glob("autograded/**/*.ipynb"), *course.path.glob("feedback/**/*.html")]
    shown = {str(path.relative_to(course.path)): path.read_bytes() for path in files}
    return found | {"export": rows(course), "shown": shown, "results": results(course)}


def results(course: Course) -> dict[str, Any]:
    return {
        path.name: {k: v for k, v in json.loads(path.read_text()).items() if k not in ("seconds", "basis")}
        for path in sorted((course.path / "results").rglob("*.json"))
    }


def by_hand(course: Course) -> None:
    """As formgrader does it."""
    with open_gradebook(course) as book:
        grade = book.find_grade("check_same_padding", NOTEBOOK, NOTEBOOK, "s1")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.25, False
        comment = book.find_comment("same_padding", NOTEBOOK, NOTEBOOK, "s1")
        comment.manual_comment = "Schön: „∑“"
        book.db.commit()


def on_the_command_line(course: Course, *commands: str) -> None:
    for command in commands:
        assert main([*command.split(), "--course", str(course.path)]) in (0, ATTENTION), command


def test_a_whole_term_on_a_server_gives_the_same_grades_as_in_a_file(here, on_server, tmp_path, capsys):
    on_file = copy(here, tmp_path / "on_file")
    on_the_command_line(on_server, f"grade {NOTEBOOK}")
    assert len(everything(on_server)["grades"]) > 50
    assert everything(on_server) == everything(on_file)
    for course in (on_file, on_server):
        by_hand(course)
        on_the_command_line(course, f"regrade {NOTEBOOK} -s s1", "export", f"feedback {NOTEBOOK}")
    assert everything(on_server) == everything(on_file)
    assert any(row[3] == 1.5 for row in everything(on_server)["grades"])
    assert not on_server.database.exists()


# --- the server goes away -----------------------------------------------------------------------------------


def test_a_server_that_restarts_costs_nothing_and_one_that_stays_away_ends_the_run(server, on_server, here):
    told: list[str] = []

    def progress(student: str, done: int, total: int) -> None:
        told.append(student)
        if done in (1, 3):
            server.stop()
        if done == 1:
            server.start()

    try:
        with pytest.raises(GradebookLost, match=r"postgresql://\S+ could not be used: .*run this again"):
            grade_class(on_server, NOTEBOOK, jobs=1, progress=progress)
        with pytest.raises(GradebookLost, match="Is the server running"):
            grade_class(on_server, NOTEBOOK)
    finally:
        server.start()
    assert told == ["s0", "s1", "s2"]
    report = grade_class(on_server, NOTEBOOK)
    assert report.kept == 3
    assert everything(on_server) == everything(here)


# --- who else is there --------------------------------------------------------------------------------------


def test_two_graders_on_one_server_from_two_folders_do_not_mix(on_server, template, tmp_path):
    other = copy(on_server, tmp_path / "other")
    refused: list[str] = []

    def grade_elsewhere(student: str, done: int, total: int) -> None:
        with pytest.raises(GradingInProgress, match="another grader is writing to postgresql://") as error:
            grade_class(other, NOTEBOOK, ["s5"])
        refused.append(str(error.value))

    grade_class(on_server, NOTEBOOK, ["s5"], progress=grade_elsewhere)
    assert len(refused) == 1
    assert grade_class(other, NOTEBOOK, ["s5"]).submissions[0].status == "graded"


@pytest.fixture(scope="module")
def tiny(server, tmp_path_factory) -> Course:
    """The tiny course of the gradebook's tests, with three students."""
    address = server.create("tiny")
    course = make_course(tmp_path_factory.mktemp("tiny") / "course", settings(address))
    for student in ("ada", "bob"):
        hand_in(course, student, "2026-10-01T12:00:00+02:00")
    record(course, graded())
    record(course, graded("bob", written=None))
    record(course, missing("cleo"))
    return course


def test_a_row_that_somebody_holds_is_waited_for_and_then_named(server, tiny, tmp_path):
    impatient = copy(tiny, tmp_path / "course")
    (impatient.path / "course.toml").write_text(
        settings(server.url("tiny"), "&options=-c%20lock_timeout=200")
    )
    impatient = Course(impatient.path)
    with server.connect("tiny") as holder, holder.transaction(force_rollback=True):
        holder.execute("SELECT * FROM grade FOR UPDATE")
        with pytest.raises(GradebookError, match=r"lock timeout.*Close formgrader") as held:
            record(impatient, graded(points=(0, 0)))
    assert not isinstance(held.value, GradebookLost)
    record(impatient, graded(points=(0, 0)))
    record(impatient, graded())


def test_formgrader_opens_the_gradebook_on_the_server(tiny, tmp_path):
    with serving(tiny.path, tmp_path) as jupyter:
        fetch = jupyter.fetch
        for page in ("manage_assignments", "gradebook", f"gradebook/{A}/{A}", f"manage_submissions/{A}"):
            assert "nbgrader" in fetch(f"formgrader/{page}").lower()
        (assignment,) = json.loads(fetch("formgrader/api/assignments"))
        assert (assignment["num_submissions"], assignment["max_score"]) == (2, 9)
        found = {
            one["student"]: one for one in json.loads(fetch(f"formgrader/api/submitted_notebooks/{A}/{A}"))
        }
        assert {name: (one["score"], one["needs_manual_grade"]) for name, one in found.items()} == {
            "ada": (5, True),
            "bob": (5, False),
            "cleo": (0, False),
        }
        assert "report of twice" in fetch(f"formgrader/submissions/{found['ada']['id']}/")
        grades = json.loads(fetch(f"formgrader/api/grades?submission_id={found['ada']['id']}"))
        why = next(grade for grade in grades if grade["name"] == "why")
        fetch(f"formgrader/api/grade/{why['id']}", {"manual_score": 2.5, "extra_credit": None})
    record(tiny, graded())
    with open_gradebook(tiny) as book:
        grade = book.find_grade("why", A, A, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, False)


def test_doctor_notices_a_formgrader_that_uses_another_gradebook(tiny, tmp_path):
    course = copy(tiny, tmp_path / "course")
    state = {check.name: (check.state, check.found) for check in examine(course)}["gradebook"]
    assert state[0] == "ok" and state[1].startswith(f"postgresql://{USER}@/tiny")
    config = course.path / "nbgrader_config.py"
    config.write_text(config.read_text().replace("Course(here).db_url", '"sqlite:///" + here'))
    state = {check.name: (check.state, check.found) for check in examine(course)}["gradebook"]
    assert state[0] == "problem" and "formgrader uses another one" in state[1]


# --- passwords and addresses --------------------------------------------------------------------------------


def test_the_password_may_be_in_a_file_of_ones_own(tiny, tmp_path, monkeypatch):
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:{USER}:{PASSWORD}\n")
    passwords.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    assert len(rows(tiny)) == 3


@pytest.mark.parametrize("given", ["", "the-wrong-one"])
def test_a_password_that_is_missing_or_wrong_is_told_and_never_shown(tiny, given, monkeypatch, capsys):
    monkeypatch.setenv("PGPASSWORD", given)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    assert main(["export", "--course", str(tiny.path)]) == ATTENTION
    said = " ".join(capsys.readouterr().err.split())
    assert "~/.pgpass" in said and f"postgresql://{USER}@/tiny" in said
    assert not given or given not in said


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"postgresql://{USER}:secret@localhost/x", "leave the password out"),
        (f"postgresql://{USER}@localhost/x?password=secret", "leave the password out"),
        ("mysql://localhost/x", "must begin with postgresql://, not mysql://"),
        ("gradebook.db", "write it like postgresql://USER@HOST/DATABASE"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_password(tiny, tmp_path, address, says):
    course = copy(tiny, tmp_path / "course")
    (course.path / "course.toml").write_text(settings(address))
    with pytest.raises(CourseError, match=says) as error:
        print(Course(course.path).db_url)
    assert "secret" not in str(error.value)


def test_a_database_that_is_not_there_is_named(server, tiny, tmp_path):
    course = copy(tiny, tmp_path / "course")
    (course.path / "course.toml").write_text(settings(server.url("nowhere")))
    with pytest.raises(GradebookError, match=r"\"nowhere\" does not exist.*Create user and database"):
        rows(Course(course.path))
