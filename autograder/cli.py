"""The command ``autograder``: what an instructor types, from the first day of a term to the last.

Exit codes: 0 all is well, 1 something needs attention (it is listed), 2 wrong usage, 130 interrupted.
Whatever a student wrote passes `autograder.text.printable` before it reaches the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from autograder.course import Course, CourseError, WrongUsage
from autograder.text import printable

if TYPE_CHECKING:
    from autograder.grading import ClassReport

OK, ATTENTION, USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="autograder",
    help="Run the course: release notebooks, collect and grade them, give feedback, export grades.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="A term in ten lines: docs/instructor.md. Exit codes: 0 well, 1 needs attention, 2 wrong usage.",
)
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
        raise CourseError(
            f"The address that students install from is still the example {bundle.address}. "
            "Set it in pyproject.toml, [tool.convnet-course] address, and release again."
        )


@app.command(epilog="Example: [b]autograder grade 01_correlation[/b], or one student: [b]-s ada[/b]")
def grade(
    assignment: AssignmentName,
    students: Students = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Sandboxes at a time.")] = None,
    allow_unprotected: Annotated[
        bool,
        typer.Option("--allow-unprotected", help="Run students' code although this machine has no sandbox."),
    ] = False,
    as_json: Json = False,
    course_dir: CourseDir = Path("."),
) -> None:
    """Grade everything that was handed in, in the sandbox, and print the score table.

    Grading again changes nothing that has not changed, and never touches points and comments given by hand.
    Interrupted with Ctrl-C, it keeps what is finished; run it again for the rest.
    """
    course = Course(course_dir)
    course.assignment(assignment)
    known = course.roster()
    if strangers := [student for student in students or () if student not in known]:
        raise WrongUsage(f"Not on the roster {course.path / 'roster.csv'}: {', '.join(strangers)}.")
    from autograder.grading import grade_class  # after the checks above: it imports PyTorch

    with _progress(f"Grading {assignment}") as advance:
        report = grade_class(
            course,
            assignment,
            students=students,
            jobs=jobs,
            allow_unprotected=allow_unprotected,
            progress=advance,
        )
    if as_json:
        print(json.dumps(_report_as_json(report), indent=1))
    else:
        _print_report(report)
    if report.attention or report.strangers:
        raise typer.Exit(ATTENTION)


def _report_as_json(report: ClassReport) -> dict[str, Any]:
    return {
        "assignment": report.assignment,
        "level": report.level,
        "seconds": round(report.seconds, 2),
        "log": str(report.log) if report.log else None,
        "strangers": list(report.strangers),
        "submissions": [
            {
                "student": one.student,
                "status": one.status,
                "points": one.points,
                "max_points": one.max_points,
                "exercises": {grade.name: grade.points for grade in one.grades},
                "findings": {grade.name: list(grade.findings) for grade in one.grades if grade.findings},
                "attention": one.summary,
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
    for one in report.attention:
        err.print(
            f"[yellow]look at[/yellow] {escape(printable(one.student))}: "
            f"{escape(printable(one.summary, 300))}"
        )
    for stranger in report.strangers:
        err.print(f"[yellow]not on the roster[/yellow]: submitted/{escape(printable(stranger))}")
    where = f", log: {report.log}" if report.log else ""
    out.print(f"{len(report.submissions)} submissions in {report.seconds:.1f} s, {report.level}{where}")


def _why(one: Any) -> str:
    """One line: the exercises that lost points, with the named mistakes."""
    if one.status != "graded":
        return printable(one.summary or one.status, 100)
    parts = [
        f"{grade.name} -{grade.max_points - grade.points:g}"
        + (f" ({printable('; '.join(grade.findings), 70)})" if grade.findings else "")
        for grade in one.grades
        if grade.points < grade.max_points
    ]
    return ", ".join(parts)


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
