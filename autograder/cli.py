"""The command ``autograder``: what an instructor types, from the first day of a term to the last.

Exit codes: 0 all is well, 1 something needs attention (it is listed), 2 wrong usage, 130 interrupted.
Whatever a student wrote passes `autograder.text.printable` before it reaches the terminal.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import warnings
import zoneinfo
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from autograder.course import Course, CourseError, WrongUsage, write_atomically
from autograder.leaderboard import commands as leaderboard
from autograder.text import MOST_LISTED, printable

if TYPE_CHECKING:
    from autograder.collect import CollectReport
    from autograder.grading import Change, ClassReport
    from autograder.results import GradedSubmission

OK, ATTENTION, USAGE, INTERRUPTED = 0, 1, 2, 130
MOST_SHOWN = 4  # exercises of one student in the score table

app = typer.Typer(
    name="autograder",
    help="Run the course: release notebooks, collect and grade them, give feedback, export grades.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="A term in ten lines: docs/instructor.md. Exit codes: 0 well, 1 needs attention, 2 wrong usage.",
)
app.add_typer(leaderboard.app)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

CourseDir = Annotated[
    Path, typer.Option("--course", metavar="DIR", help="The course folder, or a folder in it.")
]
AssignmentName = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Such as 01_correlation.")]
Students = Annotated[
    list[str] | None,
    typer.Option("--student", "-s", metavar="ID", help="Only this student; may be given several times."),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Sandboxes at a time.")]
Where = Annotated[
    str | None,
    typer.Option("--executor", metavar="local|dask", help="Judge on this machine (default) or a cluster."),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, such as tcp://10.0.0.5:8786."),
]
Unprotected = Annotated[
    bool, typer.Option("--unprotected", help="Run students' code although no sandbox works here.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    """Options of all commands. `main` reads --debug itself."""


@app.command(epilog="Example: [b]autograder init ~/convnets-2026[/b]")
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or a course.")],
    update: Annotated[
        bool, typer.Option("--update", help="Build all notebooks anew, after a change of their sources.")
    ] = False,
) -> None:
    """Make a course folder: settings, roster, gradebook, secret key, and all notebooks.

    Running it again finishes what is missing and leaves what you have edited as it is.
    """
    from autograder import course

    found = course.init(directory, update=update, progress=lambda name: err.print(f"building {name} ..."))
    out.print(f"[b]{escape(str(found.path))}[/b] is ready with {len(found.assignments)} assignments:")
    for name in found.assignments:
        out.print(f"  {name}")
    out.print("Next: put your students into roster.csv and the due dates into course.toml.")


@app.command(epilog="Example: [b]autograder release ../students-repository[/b]")
def release(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or a bundle.")],
) -> None:
    """Write what students get: notebooks, cs_utils, a README. No solution, no grader.

    An earlier release in DIR is replaced as a whole; its .git folder stays.
    """
    from autograder.release import release as write

    bundle = write(directory)
    out.print(f"[b]{escape(str(bundle.folder))}[/b]: {', '.join(bundle.notebooks)}")
    if not bundle.address_is_set:
        out.print(
            f"Note: the address that Colab installs from is still the example {bundle.address}. "
            r"Before the term, set it in pyproject.toml, \[tool.convnet-course] address, and release again."
        )


@app.command(epilog="Example: [b]autograder collect submissions.zip 01_correlation[/b]")
def collect(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder, or the zip an LMS gives.")],
    assignment: AssignmentName,
    zone: Annotated[
        str,
        typer.Option(
            metavar="ZONE", help="Time zone of a zip's times, such as Europe/Berlin; default: ours."
        ),
    ] = "",
    as_json: Json = False,
    course_dir: CourseDir = Path("."),
) -> None:
    """Sort what was handed in to the students of the roster: the newest notebook of each.

    Collecting the same thing twice changes nothing. What fits nobody, or more than one, is listed.
    """
    from autograder.collect import collect as sort_in
    from autograder.collect import files_beside

    course = Course(course_dir)
    course.assignment(assignment)
    if not source.exists():
        raise WrongUsage(f"There is no {source}. Give a folder or a zip file.")
    beside = files_beside(course.release(assignment))
    report = sort_in(source, course.path, assignment, course.roster(), zone=_zone(zone), beside=beside)
    if as_json:
        print(json.dumps(asdict(report), indent=1))
    else:
        _print_collected(report)
    if report.left_out or any(row.status in ("missing", "problem") for row in report.rows):
        raise typer.Exit(ATTENTION)


def _zone(name: str) -> dt.tzinfo:
    if not name:
        return dt.datetime.now().astimezone().tzinfo or dt.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise WrongUsage(f"There is no time zone called {name!r}; write it like Europe/Berlin.") from None


def _print_collected(report: CollectReport) -> None:
    table = Table("student", Column("what happened", overflow="fold"), Column("from", overflow="fold"))
    for row in report.rows:
        what = row.status + (f": {printable(row.message, 200)}" if row.message else "")
        style = "yellow" if row.status in ("missing", "problem") else None
        table.add_row(
            escape(printable(row.student)), escape(what), escape(printable(row.source)), style=style
        )
    out.print(table)
    for name, why in report.left_out:
        err.print(f"[yellow]not taken[/yellow] {escape(printable(name, 200))}: {escape(printable(why, 300))}")
    counts = Counter(row.status for row in report.rows)
    out.print(", ".join(f"{count} {status}" for status, count in counts.items()))


@app.command(
    epilog="Examples: [b]autograder grade 01_correlation[/b]; one student: [b]-s ada[/b]; on a cluster: "
    "[b]--executor dask --scheduler tcp://10.0.0.5:8786[/b]"
)
def grade(
    assignment: AssignmentName,
    students: Students = None,
    jobs: Jobs = None,
    executor: Where = None,
    scheduler: Scheduler = None,
    allow_unprotected: Unprotected = False,
    as_json: Json = False,
    course_dir: CourseDir = Path("."),
) -> None:
    """Grade everything that was handed in, in the sandbox, and print the score table.

    What was graded before and has not changed since is not judged again. Points and comments given by hand
    are never touched. Interrupted with Ctrl-C, it keeps what is finished; run it again for the rest.
    """
    where = executor, scheduler, jobs
    _grade(course_dir, assignment, students, where, allow_unprotected, as_json, again=False)


@app.command(epilog="Example: [b]autograder regrade 01_correlation --diff[/b]")
def regrade(
    assignment: AssignmentName,
    students: Students = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Change nothing; show what would change, and why.")
    ] = False,
    jobs: Jobs = None,
    executor: Where = None,
    scheduler: Scheduler = None,
    allow_unprotected: Unprotected = False,
    as_json: Json = False,
    course_dir: CourseDir = Path("."),
) -> None:
    """Judge every submission anew, whether anything has changed or not.

    With --diff nothing is recorded: each cell whose points would change is listed with the reason. Exit code
    1 when there is one.
    """
    where = executor, scheduler, jobs
    if not diff:
        return _grade(course_dir, assignment, students, where, allow_unprotected, as_json, again=True)
    course = Course(course_dir)
    course.assignment(assignment)
    _on_roster(course, students)
    from autograder.executors import chosen
    from autograder.grading import changes

    with _progress(f"Judging {assignment} again") as advance:
        found = changes(
            course,
            assignment,
            students,
            executor=chosen(course, *where),
            allow_unprotected=allow_unprotected,
            progress=advance,
        )
    if as_json:
        print(json.dumps([asdict(change) for change in found], indent=1))
    else:
        _print_changes(assignment, found)
    if found:
        raise typer.Exit(ATTENTION)


def _print_changes(assignment: str, found: Sequence[Change]) -> None:
    if not found:
        out.print(f"{assignment}: judging again would change nothing.")
        return
    table = Table(title=f"{assignment}: what judging again would change; nothing was recorded")
    for column in ("student", "cell", "before", "now", "why", "found now"):
        table.add_column(column)
    for change in found:
        table.add_row(
            escape(printable(change.student)),
            change.cell,
            "-" if change.before is None else f"{change.before:g}",
            f"{change.now:g}",
            "; ".join(change.why) or "no reason found: please report it",
            escape("; ".join(printable(finding, 60) for finding in change.findings)),
        )
    out.print(table)


def _grade(
    course_dir: Path,
    assignment: str,
    students: list[str] | None,
    where: tuple[str | None, str | None, int | None],
    allow_unprotected: bool,
    as_json: bool,
    again: bool,
) -> None:
    course = Course(course_dir)
    course.assignment(assignment)
    _on_roster(course, students)
    from autograder.executors import chosen  # after the checks above: this imports PyTorch
    from autograder.grading import grade_class

    with _progress(f"Grading {assignment}") as advance:
        report = grade_class(
            course,
            assignment,
            students=students,
            executor=chosen(course, *where),
            allow_unprotected=allow_unprotected,
            again=again,
            progress=advance,
        )
    if as_json:
        print(json.dumps(_report_as_json(report), indent=1))
    else:
        _print_report(report)
    if report.problems:
        raise typer.Exit(ATTENTION)


def _report_as_json(report: ClassReport) -> dict[str, Any]:
    return {
        "assignment": report.assignment,
        "level": report.level,
        "seconds": round(report.seconds, 2),
        "kept": report.kept,
        "log": str(report.log) if report.log else None,
        "strangers": list(report.strangers),
        "problems": [asdict(problem) for problem in report.problems],
        "submissions": [
            {
                "student": one.student,
                "status": one.status,
                "points": one.points,
                "max_points": one.max_points,
                "exercises": {grade.name: grade.points for grade in one.grades},
                "findings": {grade.name: list(grade.findings) for grade in one.grades if grade.findings},
                "attention": one.summary,
                "level": one.level,
                "memory": one.memory,
            }
            for one in report.submissions
        ],
    }


def _print_report(report: ClassReport) -> None:
    """The score table, then what needs attention, then how it was made."""
    table = Table(title=f"{report.assignment}: points for code; written answers are graded by hand")
    table.add_column("student", style="bold")
    table.add_column("points", justify="right")
    table.add_column("of", justify="right")
    table.add_column("lost, and why")
    for one in report.submissions:
        table.add_row(
            escape(printable(one.student)),
            f"{one.points:g}",
            f"{one.max_points:g}",
            escape(_why(one)),
            style="yellow" if one.status != "graded" else None,
        )
    out.print(table)
    _print_problems(report)
    where = f", log: {report.log}" if report.log else ""
    kept = f" ({report.kept} judged before and unchanged)" if report.kept else ""
    out.print(f"{len(report.submissions)} submissions{kept} in {report.seconds:.1f} s, {report.level}{where}")


def _print_problems(report: ClassReport) -> None:
    """One line for each: who, what happened, in which file, the points at stake, what to do."""
    strange = len(report.strangers)
    most = len(report.problems) - max(0, strange - MOST_LISTED)
    for one in report.problems[:most]:
        worth = f", {one.points:g} points can still be given" if one.points else ""
        err.print(
            f"[yellow]look at[/yellow] {escape(printable(one.student))}: {escape(printable(one.what, 300))} "
            f"({escape(printable(one.file, 200))}{worth}); {escape(printable(one.todo, 300))}"
        )
    if (more := len(report.problems) - most) > 0:
        err.print(f"[yellow]look at[/yellow] {more} more folders in submitted/ that belong to nobody")


def _why(one: GradedSubmission) -> str:
    """One line: the exercises that lost points, each with the first thing found; the rest are counted."""
    if one.status != "graded":
        return printable(one.summary or one.status, 100)
    short = [grade for grade in one.grades if grade.points < grade.max_points]
    short.sort(key=lambda grade: (not grade.findings, grade.points - grade.max_points))
    parts = [
        f"{grade.name} -{grade.max_points - grade.points:g}"
        + (f" ({printable(grade.findings[0], 40)})" if grade.findings else "")
        for grade in short[:MOST_SHOWN]
    ]
    if len(short) > MOST_SHOWN:
        parts.append(f"and {len(short) - MOST_SHOWN} more")
    return ", ".join(parts)


@app.command(epilog="Example: [b]autograder feedback 01_correlation[/b]")
def feedback(
    assignment: AssignmentName, students: Students = None, course_dir: CourseDir = Path(".")
) -> None:
    """Write one page for each student, with points, reports and comments, into the folder feedback/."""
    from autograder.feedback import write_feedback

    course = Course(course_dir)
    course.assignment(assignment)
    _on_roster(course, students)
    with _progress(f"Feedback on {assignment}") as advance:
        pages = write_feedback(course, assignment, students, advance)
    if not pages:
        raise CourseError(f"Nothing of {assignment} is graded yet. First: autograder grade {assignment}")
    out.print(f"{len(pages)} pages in {course.path / 'feedback'}, such as {pages[0]}")


@app.command(epilog="Example: [b]autograder export > grades.csv[/b]")
def export(
    destination: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to write; without it, to the terminal.")
    ] = None,
    as_json: Json = False,
    course_dir: CourseDir = Path("."),
) -> None:
    """Write a table of all grades: points, hand-given points, late days, penalty, final points.

    Late days come from the due dates in course.toml. Exit code 1 while something waits for hand grading.
    """
    from autograder import export as grades

    course = Course(course_dir)
    found = grades.rows(course)
    text = json.dumps([asdict(row) for row in found], indent=1) + "\n" if as_json else grades.to_csv(found)
    if destination is None:
        sys.stdout.write(text)
    else:
        write_atomically(destination.resolve(), text)
        err.print(f"{len(found)} rows in {destination}")
    if waiting := sum(row.status == "incomplete" for row in found):
        err.print(
            f"[yellow]{waiting} submissions wait for hand grading[/yellow]: "
            "grade them in formgrader, then export again."
        )
        raise typer.Exit(ATTENTION)


@app.command(epilog="Example: [b]autograder doctor --course ~/convnets-2026[/b]")
def doctor(as_json: Json = False, course_dir: CourseDir = Path(".")) -> None:
    """Examine this machine and the course: is everything here that grading needs?"""
    from autograder.doctor import examine

    try:
        course = Course(course_dir)
    except WrongUsage:
        if course_dir != Path("."):
            raise
        course = None
    checks = examine(course)
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        table = Table("", "check", Column("found", overflow="fold"), Column("what to do", overflow="fold"))
        marks = {
            "ok": "[green]ok[/green]",
            "warning": "[yellow]warning[/yellow]",
            "problem": "[red]problem[/red]",
        }
        for check in checks:
            table.add_row(marks[check.state], check.name, escape(check.found), escape(check.todo))
        out.print(table)
    if any(check.state == "problem" for check in checks):
        raise typer.Exit(ATTENTION)


@app.command(epilog="Example: [b]autograder demo build/demo[/b]")
def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, or that of an earlier demo.")
    ],
    jobs: Jobs = None,
) -> None:
    """Build a release, let a sample class hand in, grade it in the sandbox, and show where everything is."""
    from autograder.demo import CLASS, HANDED_IN, make_class
    from autograder.feedback import write_feedback
    from autograder.grading import grade_class
    from autograder.release import release as write_release

    directory = directory.resolve()
    _claim(directory)
    err.print("writing the student release ...")
    write_release(directory / "students")
    err.print(f"making a class of {len(CLASS)} ...")
    course = make_class(directory / "course")
    err.print("; ".join(f"{one.student}: {one.about}" for one in CLASS))
    for assignment, students in HANDED_IN.items():
        with _progress(f"Grading {assignment}") as advance:
            report = grade_class(course, assignment, students, jobs=jobs, progress=advance)
        write_feedback(course, assignment, students)
        _print_report(report)
    example = course.feedback(CLASS[-1].student, next(iter(HANDED_IN)))
    for what, where in (
        ("student release", directory / "students"),
        ("gradebook", course.database),
        ("feedback pages", course.path / "feedback"),
        ("such as", example),
        ("log", course.path / "logs"),
    ):
        out.print(f"{what:>16}: {where}")


def _claim(directory: Path) -> None:
    """Take a folder for the demo, which replaces what an earlier demo left there, and nothing else."""
    marker = directory / ".autograder-demo"
    if directory.is_dir() and any(directory.iterdir()) and not marker.exists():
        raise WrongUsage(f"{directory} holds other things. Give a new folder, or that of an earlier demo.")
    directory.mkdir(parents=True, exist_ok=True)
    marker.touch()


def _on_roster(course: Course, students: list[str] | None) -> None:
    known = course.roster()
    if strangers := [student for student in students or () if student not in known]:
        raise WrongUsage(f"Not on the roster {course.path / 'roster.csv'}: {', '.join(strangers)}.")


@contextmanager
def _progress(title: str) -> Iterator[Any]:
    """A bar on stderr, and the callback that moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[student]}"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None, student="")

        def advance(student: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, student=escape(printable(student)))

        yield advance


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code. Errors are one clear message; --debug shows the traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    warnings.showwarning = _warn  # type: ignore[assignment]
    try:
        app(given, prog_name="autograder")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            err.print("\nInterrupted. What was finished is kept; run the command again for the rest.")
        return end.code if isinstance(end.code, int) else OK
    except Exception as error:
        if "--debug" in given:
            raise
        return _explain(error)
    return OK


def _warn(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Our own warnings, such as a line that stands twice in the roster, are for the instructor to read."""
    if category is UserWarning:
        err.print(f"[yellow]warning[/yellow]: {escape(str(message))}")


def _explain(error: Exception) -> int:
    """Our own errors are sentences already; any other is a bug or the machine's."""
    ours = type(error).__module__.partition(".")[0] == "autograder"
    if isinstance(error, WrongUsage):
        err.print(f"[red]error[/red]: {escape(str(error))}")
        return USAGE
    if ours or isinstance(error, OSError):
        err.print(f"[red]error[/red]: {escape(str(error))}")
    else:
        err.print(
            f"[red]error[/red]: {type(error).__name__}: {escape(printable(str(error), 300))}\n"
            "This should not happen. `autograder --debug ...` shows where; please report it with that."
        )
    return ATTENTION
