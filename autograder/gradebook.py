"""Write what grading found into nbgrader's own database, and the notebooks that formgrader shows.

Automatic scores are always those of the last run; points, extra credit and comments that a person gave are
never touched, and asked about again (`needs_manual_grade`) when the answer under them has changed. One
submission is one transaction, and its files appear together with it or not at all. No student code runs
here, and nothing a student wrote is kept in a form that a browser would execute.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime as dt
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.utils import is_grade, is_solution, parse_utc
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from autograder.collect import BESIDE, STAMP, stamp_of
from autograder.course import Course, CourseError, prepare
from autograder.intake.reading import Unreadable, read_file
from autograder.results import ExerciseGrade, GradedSubmission, Intake, from_plain
from autograder.sanitise import as_plain_text, sanitise, shown_code, visible

MAX_TIMESTAMP = 100  # bytes
NO_RESPONSE = "No response."  # nbgrader's own words for an answer cell left as it was released
CHANGED = "the answer has changed since points were given by hand"


class GradebookError(RuntimeError):
    """The gradebook could not be written; nothing of the submission was recorded."""


class GradebookLost(GradebookError):
    """The server that the gradebook is on cannot be reached, so nothing more can be recorded."""


@contextlib.contextmanager
def open_gradebook(course: Course) -> Iterator[api.Gradebook]:
    """nbgrader's gradebook of `course`.

    Raises:
        GradebookError: the database cannot be opened, or is locked, read-only or full. The transaction that
            was under way is undone.
    """
    from autograder.source import alembic_on_path

    try:
        with alembic_on_path():
            book = api.Gradebook(course.db_url, course.course_id)
    except (DBAPIError, OSError) as error:
        raise _explained(course, error) from error
    try:
        with _undone_on_error(course, book):
            yield book
    finally:
        book.close()


@contextlib.contextmanager
def _undone_on_error(course: Course, book: api.Gradebook) -> Iterator[None]:
    """Whatever goes wrong, the transaction is undone; a database's error becomes `GradebookError`."""
    try:
        yield
    except DBAPIError as error:
        book.db.rollback()
        raise _explained(course, error) from error
    except BaseException:
        book.db.rollback()
        raise


@contextlib.contextmanager
def locked_for_grading(course: Course) -> Iterator[bool]:
    """Hold the lock of a gradebook on a server, which graders on several machines share; is it ours?

    The server frees it when the connection ends, however that comes about. Always ours where the gradebook is
    a file: the course folder has a lock of its own.
    """
    if course.server is None:
        yield True
        return
    engine = create_engine(course.server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    digest = hashlib.sha256(f"autograder {course.course_id}".encode()).digest()
    key = int.from_bytes(digest[:8], signed=True)
    try:
        connection = engine.connect()
        ours = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}))
    except DBAPIError as error:
        raise _explained(course, error) from error
    try:
        yield ours
    finally:
        with contextlib.suppress(DBAPIError):  # the server may be gone, and the lock with it
            connection.close()


def _explained(course: Course, error: Exception) -> GradebookError:
    if course.server is None:
        return GradebookError(_explain(course.database, error))
    reason = " ".join(str(getattr(error, "orig", error)).split())
    lost = isinstance(error, OperationalError) and _connection_failed(error)
    advice = "Nothing of this submission was recorded; put it right and grade again."
    for sign, remedy in SERVER_ADVICE.items():
        if sign in reason:
            advice = remedy
            break
    else:
        if lost:
            advice = "Is the server running? What was recorded is kept; when it is back, run this again."
    kind = GradebookLost if lost else GradebookError
    return kind(f"The gradebook {course.gradebook} could not be used: {reason}. {advice}")


SERVER_ADVICE = {
    "password": "Put the password into ~/.pgpass (readable by you only) or into PGPASSWORD.",
    "does not exist": "Create user and database on the server first; see docs/instructor.md.",
    "permission denied": "The database's user must own the database, or be allowed to create tables in it.",
    "lock timeout": "Another program is writing to it. Close formgrader, then grade again.",
    "No space left": "The server's disk is full. Make room, then grade again; nothing is lost.",
}


def _connection_failed(error: OperationalError) -> bool:
    """No connection could be made, or it broke; not a complaint about what was asked over it."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state.startswith(("08", "57P"))


def _explain(path: Path, error: Exception) -> str:
    reason = str(getattr(error, "orig", error))
    advice = "Nothing of this submission was recorded; put it right and grade again."
    if "locked" in reason:
        advice = "Another program is writing to it. Close formgrader or the other grader, then grade again."
    elif "full" in reason:
        free = shutil.disk_usage(path.parent).free
        advice = f"The disk is full ({free / 1e6:.0f} MB free). Make room, then grade again; nothing is lost."
    elif "readonly" in reason or "unable to open" in reason:
        advice = "Check that the file and its folder exist and that you may write to them."
    elif "malformed" in reason or "not a database" in reason:
        advice = "The file is damaged. Put it back from a backup; grading again then brings it up to date."
    return f"The gradebook {path} could not be written: {reason}. {advice}"


def record(
    course: Course, submission: GradedSubmission, book: api.Gradebook | None = None
) -> tuple[str, ...]:
    """Record one graded (or missing, or unreadable) submission; doing it twice changes nothing.

    Writes the scores, ``autograded/STUDENT/A/A.ipynb`` and ``results/A/STUDENT.json``. Returns remarks for
    the class report, one for every answer that changed under points given by hand. book: the gradebook where
    it is open already, which saves most of the time when a class is recorded.

    Raises:
        GradebookError: the database or a file could not be written; then nothing has changed.
        CourseError: the assignment is not in the gradebook.
    """
    try:
        return _record(course, submission, book)
    except GradebookLost:  # the connection may have ended while nobody used it, as when the server restarts
        return _record(course, submission, book)


def _record(course: Course, submission: GradedSubmission, book: api.Gradebook | None) -> tuple[str, ...]:
    release = read_release(course, submission.assignment)
    autograded = course.autograded(submission.student, submission.assignment)
    results = course.record(submission.student, submission.assignment)
    before = None
    with contextlib.suppress(CourseError):  # a damaged record is replaced
        before = read_record(course, submission.student, submission.assignment)
    waiting: list[tuple[Path, Path]] = []
    try:
        opened = open_gradebook(course) if book is None else contextlib.nullcontext(book)
        with opened as book, _undone_on_error(course, book):
            for path, text in (
                # nbformat's own writer indents, which takes ten times as long; nobody reads this file as text
                (autograded, json.dumps(autograded_notebook(release, submission)) + "\n"),
                (results, json.dumps(dataclasses.asdict(submission)) + "\n"),
            ):
                waiting.append((prepare(path, text), path))
            remarks = _write_scores(book, course, submission, release, before)
            book.db.commit()
            book.db.expunge_all()  # or a large class would be kept in memory
        for temporary, path in waiting:  # a rename needs no room on the disk
            os.replace(temporary, path)
    except OSError as error:
        raise GradebookError(
            f"{error.filename or results}: {error.strerror}. Nothing of {submission.student}'s submission "
            "was recorded; put it right (is the disk full?) and grade again."
        ) from error
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
    return remarks


def read_record(course: Course, student: str, assignment: str) -> GradedSubmission | None:
    """What grading last found out about a submission, or None when it was never graded."""
    path = course.record(student, assignment)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CourseError(f"{path} is damaged ({error}); delete it and grade {student} again.") from error
    return from_plain(found)


# --- scores -----------------------------------------------------------------------------------------------


def _write_scores(
    book: api.Gradebook,
    course: Course,
    submission: GradedSubmission,
    release: NotebookNode,
    before: GradedSubmission | None,
) -> tuple[str, ...]:
    """Set every automatic score and comment of one submission, without committing."""
    grades, comments = _rows(book, _submitted_notebook(book, course, submission))
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells if is_nbgrader(cell)}
    earned = {grade.grade_id: grade.points for grade in submission.grades}
    undecided = {grade.grade_id for grade in submission.grades if grade.by_hand}
    remarks = []
    for name, grade in grades.items():
        cell = cells.get(name)
        if cell is None:  # a cell of an earlier release
            continue
        old_score = grade.auto_score
        if is_solution(cell):
            answered = is_answered(cell, submission.intake.written)
            grade.auto_score = None if answered else 0.0
        elif name in undecided:
            grade.auto_score = None
        else:
            grade.auto_score = float(earned.get(name, 0.0))
        if grade.manual_score is None:
            # a check cell without a result is a failure of ours, so a person should look at it
            ungraded = submission.status == "failed" and not is_solution(cell)
            grade.needs_manual_grade = grade.auto_score is None or ungraded
        elif before is not None and (
            _answer(before.intake, name) != _answer(submission.intake, name) or old_score != grade.auto_score
        ):
            grade.needs_manual_grade = True
        if grade.manual_score is not None and grade.needs_manual_grade:
            remarks.append(f"{name}: {CHANGED}")
    for name, comment in comments.items():
        if name in cells:
            comment.auto_comment = _auto_comment(cells[name], submission)
    return tuple(remarks)


def _submitted_notebook(
    book: api.Gradebook, course: Course, submission: GradedSubmission
) -> api.SubmittedNotebook:
    """The row of this submission, made like nbgrader makes it where it is new."""
    assignment = _assignment(book, course, submission.assignment)
    student = _student(book, course, submission.student)
    found = (
        book.db.query(api.SubmittedAssignment)
        .filter_by(assignment_id=assignment.id, student_id=student.id)
        .one_or_none()
    )
    if found is None:
        found = api.SubmittedAssignment(assignment=assignment, student=student)
        book.db.add(found)
    found.timestamp = _timestamp(course, submission)
    master = next(one for one in assignment.notebooks if one.name == submission.assignment)
    notebook = next((one for one in found.notebooks if one.notebook is master), None)
    if notebook is None:
        notebook = api.SubmittedNotebook(notebook=master, assignment=found)
        book.db.add(notebook)
    return notebook


def _rows(
    book: api.Gradebook, notebook: api.SubmittedNotebook
) -> tuple[dict[str, api.Grade], dict[str, api.Comment]]:
    """Grades and comments of a submitted notebook by the names of their cells, made where they are new."""
    master = notebook.notebook
    graded = {grade.cell_id: grade for grade in notebook.grades}
    commented = {comment.cell_id: comment for comment in notebook.comments}
    grades = {
        cell.name: graded.get(cell.id) or api.Grade(cell_id=cell.id, notebook=notebook)
        for cell in master.grade_cells
    }
    comments = {
        cell.name: commented.get(cell.id) or api.Comment(cell_id=cell.id, notebook=notebook)
        for cell in master.solution_cells
    }
    book.db.add_all([*grades.values(), *comments.values()])
    book.db.flush()
    return grades, comments


def _assignment(book: api.Gradebook, course: Course, name: str) -> api.Assignment:
    try:
        assignment = book.find_assignment(name)
        book.find_notebook(name, name)
    except api.MissingEntry:
        raise CourseError(
            f"{name} is not in {course.gradebook}. Register it: `autograder init {course.path} --update`."
        ) from None
    due = course.assignment(name).due
    if due is not None:
        assignment.duedate = parse_utc(due)
    assignment.course_id = course.course_id
    return assignment


def _student(book: api.Gradebook, course: Course, student_id: str) -> api.Student:
    try:
        student = book.find_student(student_id)
    except api.MissingEntry:
        student = api.Student(id=student_id)
        book.db.add(student)
    listed = course.roster().get(student_id)
    if listed is not None:
        student.first_name = listed.first_name
        student.last_name = listed.last_name
        student.email = listed.email
    return student


def _timestamp(course: Course, submission: GradedSubmission) -> Any:
    """When the last file was handed in (UTC, without a zone, as nbgrader stores it), or None if unknown."""
    folder = course.submitted(submission.student, submission.assignment)
    found = (_moment(folder / name) for name in (STAMP, *map(stamp_of, BESIDE.values())))
    return max((moment for moment in found if moment is not None), default=None)


def _moment(path: Path) -> dt.datetime | None:
    try:
        data, _ = read_file(path)  # no pipe, no link: it may be the student's own file
        moment: dt.datetime = parse_utc(data[:MAX_TIMESTAMP].decode().strip())
    except (Unreadable, ValueError, OverflowError):
        return None
    return moment


def _auto_comment(cell: NotebookNode, submission: GradedSubmission) -> str | None:
    if submission.status != "graded":
        return STATUS_WORDS[submission.status]
    answers = submission.intake.written if is_grade(cell) else submission.intake.answers
    return None if is_answered(cell, answers) else NO_RESPONSE


STATUS_WORDS = {
    "missing": "No notebook was handed in.",
    "unreadable": "The notebook that was handed in could not be read.",
    "failed": "The grader could not finish; this is not the student's fault. Grade again.",
}


def _answer(intake: Intake, grade_id: str) -> str:
    """What the student wrote for the cell that this grade belongs to."""
    name = grade_id.removeprefix("check_")
    return intake.written.get(grade_id, intake.answers.get(name, "")).strip()


def is_nbgrader(cell: NotebookNode) -> bool:
    return "nbgrader" in cell.metadata


def is_answered(cell: NotebookNode, answers: dict[str, str]) -> bool:
    """False when the answer to a released answer cell is missing, blank, or still what was released."""
    answer = answers.get(cell.metadata.nbgrader.grade_id, "")
    return bool(_essence(answer)) and _essence(answer) != _essence(cell.source)


def _essence(source: str) -> str:
    """A cell's text without our marker line and outer blanks."""
    lines = source.strip().splitlines()
    if lines and lines[0].startswith(("<!-- answer:", "# exercise:")):
        lines = lines[1:]
    return "\n".join(line.rstrip() for line in lines).strip()


# --- the notebook that formgrader shows -------------------------------------------------------------------


def read_release(course: Course, assignment: str) -> NotebookNode:
    """The instructor's notebook without solutions; not to be changed.

    Raises:
        CourseError: there is no such assignment, or its notebook cannot be read.
    """
    course.assignment(assignment)
    path = course.release(assignment)
    try:
        return _read_release(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{path} cannot be read ({error}). Build it again: autograder init {course.path} --update"
        ) from error


@functools.lru_cache(maxsize=16)
def _read_release(path: Path, _modified: int) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def autograded_notebook(release: NotebookNode, submission: GradedSubmission) -> NotebookNode:
    """The instructor's notebook with this student's answers in it and our reports under the checks.

    Nothing of it runs in a browser: code is shown as text, written answers are sanitised Markdown, and there
    is no output but ours.
    """
    notebook = copy.copy(release)
    notebook.cells = [copy.copy(cell) for cell in release.cells]  # whose parts are replaced, not changed
    grades = {grade.grade_id: grade for grade in submission.grades}
    for cell in notebook.cells:
        if not is_nbgrader(cell):
            continue
        name = cell.metadata.nbgrader.grade_id
        if not is_solution(cell):
            cell.outputs = _report(grades[name]) if name in grades else []
        elif is_grade(cell):
            if is_answered(cell, submission.intake.written):
                cell.source = f"<!-- answer: {name} -->\n\n" + sanitise(
                    _essence(submission.intake.written[name])
                )
        elif name in submission.intake.answers:
            cell.source = shown_code(submission.intake.answers[name])
    if receipt := _receipt(submission):
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(receipt, id="autograder-receipt"))
    if submission.intake.added:
        notebook.cells.append(nbformat.v4.new_code_cell(_added(submission.intake), id="autograder-added"))
    return notebook


def _report(grade: ExerciseGrade) -> list[NotebookNode]:
    """Our report, and the points as the value that plain nbgrader reads."""
    shown = {"text/html": grade.html, "text/plain": visible(grade.text)}
    value = {"text/plain": repr(float(grade.points))}
    return [
        NotebookNode(output_type="display_data", data=shown, metadata={}),
        NotebookNode(output_type="execute_result", data=value, metadata={}, execution_count=None),
    ]


def _receipt(submission: GradedSubmission) -> str:
    """What the instructor should know about this submission, as Markdown, or "" when there is nothing."""
    lines = [STATUS_WORDS[submission.status]] if submission.status != "graded" else []
    lines += [submission.intake.problem] if submission.intake.problem else []
    lines += [note.message for note in submission.intake.notes]
    return "**About this submission**\n\n" + as_plain_text("\n".join(lines)) if lines else ""


def _added(intake: Intake) -> str:
    parts = [f"# cell {number}, added by the student\n{source}" for number, source in intake.added]
    return shown_code("\n\n".join(parts))
