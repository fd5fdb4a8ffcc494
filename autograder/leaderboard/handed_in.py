"""Predictions that were handed in beside a notebook: read apart, scored, and put on the board.

    score = f(bytes of the file, labels and baseline of the competition)

The points come from the public part of the test set alone. A student sees them, and points that knew of the
private part would say something about it; from these nobody learns more than an upload would have told. For
the same reason the report shows the public score of each file that was collected, and that is one a
collection. The board gets the file as an upload of the student's team, once however often it is graded.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import logging
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import sqlalchemy as sa

from autograder.collect import BESIDE, STAMP, stamp_of
from autograder.course import Course, CourseError
from autograder.gradebook import read_release
from autograder.intake.apart import Buried, Readers
from autograder.intake.reading import TooLarge, Unreadable, read_file
from autograder.judge import GradedCell, file_grade, graded_cells
from autograder.leaderboard.apart import read_apart
from autograder.leaderboard.competition import Competition, LeaderboardError, Task
from autograder.leaderboard.predictions import Predictions, most_bytes
from autograder.leaderboard.scoring import wilson
from autograder.results import ExerciseGrade, GradedSubmission
from autograder.work import whose_file

if TYPE_CHECKING:
    from autograder.leaderboard.store import Receipt, Store
    from cs_utils.checking.handed_in import HandedIn

NAME = "predictions"  # of the answer in the notebook
FILE = BESIDE[f"check_{NAME}"]
SOURCE = "handed in"
PARTS = ("predictions", "competition")  # of `GradedSubmission.basis`

NOTHING = (
    f"no {FILE} was handed in beside the notebook",
    f"Hand in {FILE} together with the notebook: uploads to the board alone give no points.",
)
NOT_SET = (
    "no competition is set, so nothing can be scored: name its folder in course.toml, under [leaderboard], "
    'as competition = "../shapes-2026"'
)
NO_BASELINE = (
    "competition.json has no baseline to beat (`baseline`), so only a person can say whether it is beaten: "
    "measure the baselines"
)
AGAIN = "Hand it in again, as a file of its own."
HOW = "Save it again with save(), and hand in that file."
TRY = "Compare with your own validation accuracy, then see the notebook on what to try, and hand it in again."


@dataclass(frozen=True)
class Found:
    """What became of one student's file. complaint: what is wrong with it, and what to do; None when it is
    valid. hits: public examples right. flags: for the instructor."""

    sha256: str = ""
    predictions: Predictions | None = None
    hits: int = 0
    complaint: tuple[str, str] | None = None
    flags: tuple[str, ...] = ()
    missing: bool = False


@dataclass
class Scorer:
    """Scores what students handed in for one assignment. A context manager; used by one thread.

    trouble: why not all can be scored, for the instructor; "" when everything is there.
    """

    course: Course
    assignment: str
    cell: GradedCell
    known: HandedIn
    trouble: str = ""
    competition: Competition | None = None
    task: Task | None = None
    _readers: Readers = field(default_factory=lambda: Readers())
    _store: Store | None = None
    _unusable: str = ""

    @classmethod
    def make(cls, course: Course, assignment: str) -> Self | None:
        """The scorer of an assignment, or None when its notebook asks for no predictions."""
        from cs_utils.exercises import files as known

        release = read_release(course, assignment)
        cell = next((cell for cell in graded_cells(release) if cell.name == NAME), None)
        if cell is None:
            return None
        made = cls(course, assignment, cell, known()[NAME])
        try:
            if course.competition is None:
                made.trouble = NOT_SET
            else:
                made.competition = Competition(course.competition)
                made.task = made.competition.task()
                if made.baseline is None:
                    made.trouble = NO_BASELINE
        except (CourseError, OSError, KeyError, TypeError, ValueError) as error:
            made.trouble = f"nothing can be scored: {error}"
        return made

    @property
    def baseline(self) -> float | None:
        """The public score to beat, from 0 to 1, as students are told it."""
        assert self.competition is not None
        found = self.competition.description.get("baseline")
        return None if found is None else float(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._readers.close()
        if self._store is not None:
            self._store.close_connections()

    def path(self, student: str) -> Path:
        return self.course.submitted(student, self.assignment) / FILE

    # --- points -----------------------------------------------------------------------------------------

    def complete(self, submission: GradedSubmission, *, enter: bool) -> GradedSubmission:
        """`submission` with the grade of the student's predictions. Never raises for what was handed in.

        enter: put them on the board, too. Without it nothing is written anywhere.
        """
        try:
            return self._completed(submission, enter)
        except Exception as error:
            logging.getLogger(__name__).exception("scoring %s failed", submission.student)
            why = f"the grader itself failed ({type(error).__name__}: {error}); see the log"
            return self._with(submission, self._open(why), Found())

    def _completed(self, submission: GradedSubmission, enter: bool) -> GradedSubmission:
        if not os.path.lexists(self.path(submission.student)) and submission.status != "graded":
            return submission  # that nothing was handed in is said already
        found = self._found(submission.student)
        if found.complaint is not None:
            grade = self._refused(found)
        elif self.trouble:
            grade = self._open(self.trouble)
        else:
            told, trouble = self._entered(submission.student, found) if enter else ("", "")
            grade = replace(self._scored(found, told), trouble=trouble)
        trouble = "; ".join(filter(None, (grade.trouble, *found.flags)))
        return self._with(submission, replace(grade, trouble=trouble), found)

    def _found(self, student: str) -> Found:
        """The student's file, read and counted."""
        path, task = self.path(student), self.task
        if not os.path.lexists(path):
            return Found(complaint=NOTHING, missing=True)
        if task is None:
            return Found()
        most = most_bytes(len(task.ids), len(task.classes))
        try:
            data, notes = read_file(path, most)
            self._expect_own(path, data)
            notes = (*notes, *whose_file(path)) if notes else ()
        except TooLarge:
            too_large = f"{FILE} has {path.lstat().st_size:,} bytes, and at most {most:,} are expected"
            return Found(complaint=(too_large, HOW))
        except Unreadable as problem:
            return Found(complaint=(str(problem).partition("; ")[0], AGAIN))
        except OSError as error:  # a folder that is closed to us, or that is being moved about
            return Found(complaint=(f"{FILE} cannot be read ({error.strerror})", AGAIN))
        found = Found(hashlib.sha256(data).hexdigest(), flags=tuple(note.message for note in notes))
        read = self._read(data, task)
        if isinstance(read, str):
            return replace(found, complaint=(read, HOW))
        hits = int(np.count_nonzero(read.labels[task.public_at] == task.public_labels))
        return replace(found, predictions=read, hits=hits)

    def _read(self, data: bytes, task: Task) -> Predictions | str:
        """The predictions, or why they were refused. Read in a process of its own, which may die of it."""
        assert self.competition is not None
        guesses = max(self.competition.top_k)
        try:
            return self._readers.ask(read_apart, data, FILE, task.ids, len(task.classes), guesses)
        except Buried as end:
            return f"{FILE} {end}"

    def _expect_own(self, path: Path, data: bytes) -> None:
        """
        Raises:
            Unreadable: it is the competition's own file of labels, by a link or as a copy.
        """
        if self.competition is None:
            return
        labels = self.competition.private_dir / "labels.npz"
        if os.path.samestat(path.lstat(), labels.stat()) or data == labels.read_bytes():
            raise Unreadable(f"{path.name} is the competition's own file of labels")

    # --- grades -----------------------------------------------------------------------------------------

    def _scored(self, found: Found, entered: str) -> ExerciseGrade:
        assert self.task is not None and self.baseline is not None
        n, baseline = self.task.n_public, self.baseline
        low, high = wilson(found.hits, n)
        shown = (
            f"Public score: {found.hits} of {n} right, {_percent(found.hits / n)} (95 % interval "
            f"{_percent(low)} to {_percent(high)}); the baseline has {_percent(baseline)}."
        )
        beaten = found.hits / n > baseline
        not_above = f"{_percent(found.hits / n)} of the public part is not above the baseline"
        complaints = self._complaints(1, None if beaten else (not_above, TRY))
        return self._grade(complaints, (shown, *filter(None, [entered])))

    def _refused(self, found: Found) -> ExerciseGrade:
        assert found.complaint is not None
        grade = self._grade(self._complaints(0, found.complaint), ())
        return grade if found.missing else replace(grade, lost=found.complaint[0])

    def _open(self, why: str) -> ExerciseGrade:
        """Nobody but a person can give points, as long as the trouble lasts."""
        told = (f"{FILE} waits for your instructor", "")
        return replace(self._grade(self._complaints(0, told), ()), by_hand=True, trouble=why)

    def _complaints(self, first: int, complaint: tuple[str, str] | None) -> list[tuple[str, str] | None]:
        """The groups before `first` pass, and the others fail for `complaint`."""
        return [complaint if place >= first else None for place in range(len(self.known.groups))]

    def _grade(self, complaints: list[tuple[str, str] | None], remarks: tuple[str, ...]) -> ExerciseGrade:
        grade = file_grade(self.cell, self.known.verdict(complaints, remarks))
        return replace(grade, findings=(*grade.findings, *remarks))

    def _with(self, submission: GradedSubmission, grade: ExerciseGrade, found: Found) -> GradedSubmission:
        grades = [grade if one.grade_id == grade.grade_id else one for one in submission.grades]
        rests_on = {"predictions": found.sha256, "competition": self._digest()}
        return replace(submission, grades=tuple(grades), basis=submission.basis | rests_on)

    def _digest(self) -> str:
        """Of what a score rests on besides the file; it tells nothing about the labels."""
        if self.task is None or self.trouble:
            return ""
        parts = self.task.ids, self.task.labels, self.task.public
        digest = hashlib.sha256(repr(self.baseline).encode())
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        key = self.course.seed(self.assignment).to_bytes(8, "big")
        return hashlib.sha256(key + digest.digest()).hexdigest()[:16]

    # --- the board --------------------------------------------------------------------------------------

    def _entered(self, student: str, found: Found) -> tuple[str, str]:
        """Put the predictions on the board: what is said of it to the student, and to the instructor."""
        handed_at = self._handed_at(student)
        due = self.course.assignment(self.assignment).due
        if due is not None and handed_at is not None and handed_at > due:
            return f"It is not on the leaderboard: it came after the deadline ({due:%Y-%m-%d %H:%M %Z}).", ""
        from autograder.leaderboard.store import Busy, Closed

        not_yet = "It is not on the leaderboard yet."
        if self._unusable:
            return not_yet, self._unusable
        try:
            self._record(student, found, handed_at or _now())
        except Closed:
            return "It is not on the leaderboard, which was closed before.", ""
        except LeaderboardError as error:
            why = f"scored, but not put on the board: {error}"
            self._unusable = why if isinstance(error, Busy) else ""
            return not_yet, why
        except Exception as error:  # the points do not depend on the board
            logging.getLogger(__name__).exception("putting %s on the board failed", student)
            self._unusable = f"scored, but not put on the board ({type(error).__name__}: {error})"
            return not_yet, self._unusable
        return "It is on the leaderboard, among your team's uploads.", ""

    def _record(self, student: str, found: Found, handed_at: dt.datetime) -> Receipt:
        assert self.competition is not None and self.task is not None and found.predictions is not None
        store = self._opened()
        return store.record_upload(
            self._team(store, student),
            found.predictions,
            key=f"handed-in:{found.sha256}",
            received_at=handed_at,
            source=SOURCE,
            file_name=FILE,
            sha256=found.sha256,
            task=self.task,
            rules=replace(self.competition.rules, deadline=None, daily_limit=None),
        )

    def _opened(self) -> Store:
        from autograder.leaderboard.store import Store

        assert self.competition is not None
        if self._store is None:
            store = Store(self.competition.database_url)
            store.upgrade()
            self._store = store
        return self._store

    def _team(self, store: Store, student: str) -> int:
        """The student's team; one of their own when they have none.

        Raises:
            LeaderboardError: their team was taken off the board, or their id is another team's name.
        """
        assert self.competition is not None
        team = store.team_of_student(student)
        if team is None:
            if _was_removed(store, student):
                raise LeaderboardError(f"the team of {student} was taken off the board")
            store.add_team(student, [student], pseudonym=None if self.competition.pseudonyms else student)
            team = store.team_of_student(student)
        assert team is not None
        return team.id

    def _handed_at(self, student: str) -> dt.datetime | None:
        """When the file was handed in, never later than now; None when that is not known."""
        folder = self.path(student).parent
        for name in (stamp_of(FILE), STAMP):
            with contextlib.suppress(Unreadable, ValueError, OSError):
                data, _ = read_file(folder / name)
                moment = dt.datetime.fromisoformat(data.decode("ascii").strip())
                return min(_now(), moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment)
        return None


def _was_removed(store: Store, student: str) -> bool:
    from autograder.leaderboard.database import member, team

    query = sa.select(member.c.team_id).join_from(member, team)
    query = query.where(member.c.student_id == student, team.c.revoked.is_not(None))
    with store.engine.connect() as connection:
        return connection.execute(query).first() is not None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
