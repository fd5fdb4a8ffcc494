"""The sample class through the real grader: honest work keeps its points, mistakes are named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import nbformat
import pytest

from autograder import source
from autograder.course import Course
from autograder.demo import CLASS, HANDED_IN, Sample, hand_in, make_class, right, untouched
from autograder.grading import ClassReport, grade_class
from cs_utils.checking.notebook import PUBLIC_SEED
from cs_utils.exercises import exercises

ALL_RIGHT = ("ada", "ben", "carla", "ines", "jun", "kofi", "lena", "mateo", "nora")
NOTHING_DUE = ("hugo", "omar", "priya", "sven")
ONE_MISTAKE = ("dmitri", "elena", "farid")


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[Course, dict[str, ClassReport]]:
    course = make_class(tmp_path_factory.mktemp("class") / "course")
    return course, {name: grade_class(course, name, students) for name, students in HANDED_IN.items()}


def each_submission(*students: str) -> pytest.MarkDecorator:
    """Everything that these students handed in."""
    pairs = [(name, student) for name, who in HANDED_IN.items() for student in students if student in who]
    return pytest.mark.parametrize(("assignment", "student"), pairs)


@pytest.fixture
def course(graded, tmp_path) -> Course:
    """A copy of the graded course that a test may change."""
    shutil.copytree(graded[0].path, tmp_path / "course")
    return Course(tmp_path / "course")


def result(graded, assignment, student):
    return next(one for one in graded[1][assignment].submissions if one.student == student)


def scores(path: Path) -> list[tuple]:
    """Every point and comment of a gradebook, by student, notebook and cell."""
    query = """
        SELECT submitted_assignment.student_id, notebook.name, base_cell.name,
               grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade
        FROM grade
        JOIN base_cell ON grade.cell_id = base_cell.id
        JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
        JOIN notebook ON submitted_notebook.notebook_id = notebook.id
        ORDER BY 1, 2, 3"""
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


@each_submission(*ALL_RIGHT)
def test_honest_work_gets_all_points_however_it_is_handed_in(graded, assignment, student):
    one = result(graded, assignment, student)
    lost = [(grade.name, grade.points, grade.text) for grade in one.grades if grade.points < grade.max_points]
    assert one.status == "graded" and not lost


@each_submission(*NOTHING_DUE)
def test_no_work_gets_no_points_and_a_reason(graded, assignment, student):
    one = result(graded, assignment, student)
    assert one.points == 0 and one.max_points > 0
    assert student == "hugo" or one.summary


@each_submission(*ONE_MISTAKE)
def test_one_known_mistake_costs_its_exercise_only_and_is_named(graded, assignment, student):
    one = result(graded, assignment, student)
    (short,) = [grade for grade in one.grades if grade.points < grade.max_points]
    known = {mistake.name for mistake in exercises()[short.name].misconceptions}
    assert known & set(short.findings)


@each_submission("grace")
def test_half_done_gets_the_points_of_what_is_done(graded, assignment, student):
    one = result(graded, assignment, student)
    done = list(source.solutions(assignment))
    done = done[: len(done) // 2]
    assert {grade.name for grade in one.grades if grade.points} == set(done)
    assert all(grade.points == grade.max_points for grade in one.grades if grade.name in done)


FATAL = {"quentin": "did not finish", "rosa": "ended the Python process"}


@each_submission(*FATAL)
def test_a_hang_or_a_crash_costs_its_exercise_by_name_and_the_rest_is_graded(graded, assignment, student):
    one = result(graded, assignment, student)
    (short,) = [grade for grade in one.grades if grade.points < grade.max_points]
    assert short.points == 0 and FATAL[student] in " ".join(short.findings)


def test_the_gradebook_holds_the_same_points_as_the_report(graded):
    course, reports = graded
    recorded = {row[:3]: row[3] for row in scores(course.database)}
    for assignment, report in reports.items():
        for one in report.submissions:
            for grade in one.grades:
                assert recorded[one.student, assignment, grade.grade_id] == grade.points


def test_grading_again_changes_nothing(graded, course):
    before = scores(course.database)
    again = grade_class(course, "01_correlation", jobs=1)
    assert scores(course.database) == before
    first = graded[1]["01_correlation"]
    assert [one.grades for one in again.submissions] == [one.grades for one in first.submissions]


def test_a_worse_submission_leaves_no_old_points_behind(course):
    ada = next(sample for sample in CLASS if sample.student == "ada")
    worse = Sample(ada.student, ada.first_name, ada.last_name, "worse", untouched)
    hand_in(course, worse, "01_correlation")
    grade_class(course, "01_correlation", ["ada"])
    rows = [row for row in scores(course.database) if row[:2] == ("ada", "01_correlation")]
    assert sum(row[3] or 0 for row in rows) == 0


def test_points_and_comments_given_by_hand_survive_a_regrade(course):
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as book:
        notebook = book.find_submission_notebook("01_correlation", "01_correlation", "ada")
        written = next(grade for grade in notebook.grades if grade.auto_score is None)
        written.manual_score, written.needs_manual_grade = 2.5, False
        written_name = written.name
        comment = next(comment for comment in notebook.comments if comment.name == written_name)
        comment.manual_comment = "well put"
        book.db.commit()
    grade_class(course, "01_correlation", ["ada"])
    with Gradebook(course.db_url) as book:
        notebook = book.find_submission_notebook("01_correlation", "01_correlation", "ada")
        assert next(g for g in notebook.grades if g.name == written_name).manual_score == 2.5
        assert next(c for c in notebook.comments if c.name == written_name).manual_comment == "well put"


def test_one_bad_submission_folder_does_not_stop_the_class(course):
    path = course.submitted("ada", "01_correlation") / "01_correlation.ipynb"
    path.unlink()
    path.mkdir()
    report = grade_class(course, "01_correlation", ["ada", "ben"])
    ada, ben = report.submissions
    assert ada.points == 0 and ada.summary
    assert ben.points == ben.max_points


def test_an_interrupt_leaves_finished_students_recorded_and_the_next_run_completes(course):
    full = scores(course.database)
    shutil.copy(course.database, course.path / "before.db")

    def stop_after_two(student, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade_class(course, "01_correlation", progress=stop_after_two)
    grade_class(course, "01_correlation")
    assert scores(course.database) == full


def test_a_second_grader_waits_outside(course):
    import fcntl

    from autograder.grading import GradingInProgress

    with open(course.path / ".grading.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(GradingInProgress, match="another grader"):
            grade_class(course, "01_correlation", ["ada"])


LEAK = """
SEEN = []
_corr1d = corr1d
def corr1d(*args, **kwargs):
    SEEN.append([float(value) for value in args[0] if value != round(value)][:3])
    raise ValueError(str([triple for triple in SEEN if triple][:1] or SEEN))
"""


def test_no_secret_case_reaches_feedback_however_a_function_leaks(course):
    """A function that remembers all it was given and raises it finds only public cases in its feedback."""
    notebook = source.solved("01_correlation")
    notebook.cells.append(nbformat.v4.new_code_cell(LEAK))
    leaky = Sample("ada", "Ada", "Byron", "leaks", lambda assignment: nbformat.writes(notebook).encode())
    hand_in(course, leaky, "01_correlation")
    grade_class(course, "01_correlation", ["ada"])
    exercise = exercises()["corr1d"]
    stored = course.record("ada", "01_correlation").read_text()
    stored += course.autograded("ada", "01_correlation").read_text()

    def shown(seed):
        cases = [case for group in exercise.groups for case in exercise.cases(group, seed)]
        fractions = [[float(v) for v in case.args[0] if v != round(v)][:3] for case in cases]
        return sum(bool(triple) and str(triple) in stored for triple in fractions)

    assert shown(PUBLIC_SEED) > 0, "the leak itself works"
    assert shown(course.seed("01_correlation")) == 0


def test_a_stranger_in_the_submitted_folder_is_reported_not_graded(course):
    stranger = course.path / "submitted" / "mallory" / "01_correlation"
    stranger.mkdir(parents=True)
    (stranger / "01_correlation.ipynb").write_bytes(right("01_correlation") or b"")
    assert grade_class(course, "01_correlation", ["ada"]).strangers == ("mallory",)


def test_every_row_of_the_results_is_json_that_scripts_can_read(graded):
    course, reports = graded
    for assignment, report in reports.items():
        for one in report.submissions:
            assert json.loads(course.record(one.student, assignment).read_text())["student"] == one.student
