"""nbgrader's formgrader opens our gradebook: written answers wait there, and the submission shows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.gradebook import open_gradebook, record
from tests.gradebook.sample import A, graded, hand_in, make_course, missing

TOKEN = "a-token-for-this-test"
Fetch = Callable[..., str]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[Course, Fetch]]:
    """A course with three students, and a jupyter server with formgrader in it."""
    folder = tmp_path_factory.mktemp("formgrader")
    course = make_course(folder / "course")
    hand_in(course, "ada")
    record(course, graded())
    hand_in(course, "bob")
    record(course, graded("bob", written=None))
    record(course, missing("cleo"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "home"
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--port-retries=0", f"--IdentityProvider.token={TOKEN}"]
    extensions = {"ServerApp": {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": True}}}
    (home / ".jupyter").mkdir(parents=True)
    (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps(extensions))
    environment = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / ".jupyter")}
    log = folder / "server.log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, cwd=course.path, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield course, _fetcher(port, process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _fetcher(port: int, process: subprocess.Popen[bytes], log: Path) -> Fetch:
    def fetch(path: str, data: object = None) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/{path.lstrip('/')}",
            data=None if data is None else json.dumps(data).encode(),
            method="GET" if data is None else "PUT",
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            fetch("formgrader/api/status")
            return fetch
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def submissions(fetch: Fetch) -> dict[str, dict]:
    return {one["student"]: one for one in json.loads(fetch(f"formgrader/api/submitted_notebooks/{A}/{A}"))}


@pytest.mark.parametrize(
    "page",
    [
        "manage_assignments",
        "gradebook",
        f"gradebook/{A}",
        f"gradebook/{A}/{A}",
        "manage_students",
        f"manage_submissions/{A}",
    ],
)
def test_every_page_of_formgrader_opens(server, page):
    assert "nbgrader" in server[1](f"formgrader/{page}").lower()


def test_written_answers_wait_for_a_person_and_blank_ones_do_not(server):
    found = submissions(server[1])
    assert {name: one["needs_manual_grade"] for name, one in found.items()} == {
        "ada": True,
        "bob": False,
        "cleo": False,
    }
    assert (found["ada"]["score"], found["ada"]["max_score"], found["ada"]["failed_tests"]) == (5, 9, True)
    (assignment,) = json.loads(server[1]("formgrader/api/assignments"))
    assert assignment["num_submissions"] == 2 and assignment["max_score"] == 9


def test_the_submission_page_shows_answers_reports_and_places_for_points(server):
    _, fetch = server
    page = fetch(f"formgrader/submissions/{submissions(fetch)['ada']['id']}/")
    assert "report of twice" in page and "<strong>both</strong>" in page and 'id="why"' in page


def test_a_student_who_handed_in_nothing_shows_with_the_reason(server):
    _, fetch = server
    page = fetch(f"formgrader/submissions/{submissions(fetch)['cleo']['id']}/")
    assert "No notebook was handed in" in page


def test_points_given_in_formgrader_survive_the_next_grading(server):
    course, fetch = server
    grades = json.loads(fetch(f"formgrader/api/grades?submission_id={submissions(fetch)['ada']['id']}"))
    why = next(grade for grade in grades if grade["name"] == "why")
    fetch(f"formgrader/api/grade/{why['id']}", {"manual_score": 2.5, "extra_credit": None})
    record(course, graded())
    with open_gradebook(course) as book:
        grade = book.find_grade("why", A, A, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, False)
    assert submissions(fetch)["ada"]["score"] == 7.5
