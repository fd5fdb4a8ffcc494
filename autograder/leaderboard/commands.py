"""``autograder leaderboard``: what an instructor types to run a competition, from first to last.

NAME is always the competition's folder; "." is the one that you are in. Imports that take their time are made
where they are needed, so that ``--help`` is quick.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from autograder.course import WrongUsage, write_atomically
from autograder.text import printable

if TYPE_CHECKING:
    from autograder.leaderboard.board import Board, Row
    from autograder.leaderboard.competition import Competition
    from autograder.leaderboard.store import Store, Team

ATTENTION = 1
LOOPBACK = ("127.0.0.1", "::1", "localhost")

app = typer.Typer(
    name="leaderboard",
    help="A competition on pictures whose labels stay on the server: make one, serve it, close it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="On one laptop: [b]autograder leaderboard new demo && autograder leaderboard serve demo[/b]. "
    "The whole guide: docs/leaderboard.md.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Name = Annotated[Path, typer.Argument(metavar="NAME", help="The competition's folder.")]
NameOrHere = Annotated[Path, typer.Argument(metavar="NAME", help="The competition's folder; default: here.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(
    epilog="Examples: [b]autograder leaderboard new demo[/b]; own pictures, one folder for each class: "
    "[b]autograder leaderboard new birds --from-images ~/pictures/birds[/b]"
)
def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="A new or empty folder.")],
    from_images: Annotated[
        Path | None,
        typer.Option("--from-images", metavar="DIR", help="Your own pictures: one folder for each class."),
    ] = None,
    title: Annotated[str, typer.Option(help="What the page calls it; default: NAME.")] = "",
    deadline: Annotated[
        str, typer.Option(metavar="MOMENT", help="Such as 2026-12-18T18:00, by the clock of --timezone.")
    ] = "",
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Such as Europe/Berlin.")] = "UTC",
    daily_limit: Annotated[int, typer.Option(min=1, help="Scored uploads for a team and day.")] = 5,
    train: Annotated[int | None, typer.Option(min=1, help="Training pictures; default 20,000.")] = None,
    test: Annotated[int | None, typer.Option(min=4, help="Test pictures; default 10,000.")] = None,
    size: Annotated[int | None, typer.Option(min=8, help="Side of the pictures in pixels.")] = None,
) -> None:
    """Make a competition: pictures, hidden labels, settings, and three
    baselines on its board.

    Without --from-images the pictures are ten drawn shapes under heavy
    nuisance, made from a secret seed. What can be changed later is in
    NAME/leaderboard.toml.
    """
    from autograder.leaderboard import baselines, sets
    from autograder.leaderboard.competition import update_description

    settings = {
        "timezone": _zone(timezone),
        "daily_limit": daily_limit,
        "deadline": _moment(deadline, timezone) if deadline else None,
    }
    sizes: dict[str, Any] = {"train": train, "test": test, "size": size}
    sizes = {key: value for key, value in sizes.items() if value is not None}
    shown = title or name.resolve().name
    if name.exists() and (not name.is_dir() or any(name.iterdir())):  # before half a minute of drawing
        raise WrongUsage(f"{name} is there already and not empty. Give the name of a new folder.")
    if from_images is None:
        competition = sets.procedural(name, title=shown, settings=settings, **sizes)
    else:
        competition = sets.from_images(name, from_images, title=shown, settings=settings, **sizes)
    store = _store(competition)
    task, rules = competition.task(), competition.rules
    found = baselines.measure(competition)
    for one in found:
        score = store.record_baseline(one.name, one.predictions, task, rules=rules)
        out.print(f"  {100 * score:5.1f} %  {one.name}")
    update_description(competition, baseline=baselines.to_beat(found, task))
    where = printable(str(name), 200)
    out.print(
        f"[b]{escape(shown)}[/b] is ready: {len(task.ids):,} test pictures of "
        f"{len(competition.classes)} classes.\n"
        f"Next: settings in {escape(where)}/leaderboard.toml, then\n"
        f"  autograder leaderboard tokens roster.csv {escape(where)}\n"
        f"  autograder leaderboard serve {escape(where)}"
    )


def _zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongUsage(f"--timezone {name!r} is no time zone; write it like Europe/Berlin.") from None
    return name


def _moment(text: str, timezone: str) -> dt.datetime:
    import zoneinfo

    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"--deadline {text!r} is no moment; write it like 2026-12-18T18:00.") from None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
    if zoned < dt.datetime.now(dt.UTC):
        raise WrongUsage(f"--deadline {text} has passed.")
    return moment


@app.command(epilog="Example: [b]autograder leaderboard tokens roster.csv demo[/b]")
def tokens(
    roster: Annotated[
        Path, typer.Argument(metavar="ROSTER.csv", help="Columns student_id and, where wanted, team.")
    ],
    name: NameOrHere = Path("."),
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Default: tokens.csv in the competition's private folder."),
    ] = None,
) -> None:
    """Make a token for every team, and write them to a CSV that only you can
    read.

    The file has one line for each student, ready for a mail merge; the
    database keeps only hashes, so a token that is lost cannot be read again
    (`revoke --new` makes another). Run it again after the roster has grown:
    teams that have tokens keep them.
    """
    from autograder.leaderboard import teams
    from autograder.leaderboard.competition import LeaderboardError

    competition = _competition(name)
    wanted = teams.read_teams(roster)
    path = to or teams.free_name(competition.private_dir)
    if path.exists():
        raise WrongUsage(
            f"{path} is there already; tokens are never overwritten. Give another file: --to FILE"
        )
    entered = teams.enter(_store(competition), wanted, pseudonyms=competition.pseudonyms)
    try:
        made = teams.write_tokens(path, entered)
    except LeaderboardError:
        if path.exists():
            err.print(f"The tokens that were made before this are in {escape(str(path))}.")
        raise
    if not made:
        out.print(f"All {len(wanted)} teams of {escape(str(roster))} have their tokens already.")
        return
    out.print(
        f"{len({one.team for one in made})} new teams with {len(made)} students: [b]{escape(str(path))}[/b]\n"
        "Send each student the token of their line, and then delete the file: the database keeps only hashes."
    )


@app.command(
    epilog="Examples: [b]autograder leaderboard revoke demo Team-A[/b]; a new token in place of a lost one: "
    "[b]autograder leaderboard revoke demo Team-A --new[/b]"
)
def revoke(
    name: Name,
    team: Annotated[str, typer.Argument(metavar="TEAM", help="As in the roster; or a student of the team.")],
    new_token: Annotated[bool, typer.Option("--new", help="Make a new token, and print it.")] = False,
    hide: Annotated[bool, typer.Option("--hide", help="Take the team off the board, too.")] = False,
) -> None:
    """End a team's token at once, for good; its uploads stay.

    The running server needs no restart.
    """
    store = _store(_competition(name))
    found = _team(store, team)
    if new_token and hide:
        raise WrongUsage("--new and --hide contradict each other: a team without a row needs no token.")
    if new_token:
        token = store.rotate_token(found.id)
        out.print(f"{escape(printable(found.name))}: earlier tokens have ended; the new one is")
        print(token)
        return
    store.revoke(found.id, hide=hide)
    off = " and is off the board" if hide else ""
    out.print(f"{escape(printable(found.name))} can no longer upload{off}.")


def _team(store: Store, wanted: str) -> Team:
    known = {team.name: team for team in store.teams() if team.kind == "team"}
    found = known.get(wanted) or store.team_of_student(wanted)
    if found is None:
        from autograder.text import listed

        shown = listed([printable(name, 40) for name in known]) or "none yet"
        raise WrongUsage(
            f"There is no team or student called {printable(wanted, 60)!r}. The teams are: {shown}."
        )
    return found


@app.command(
    epilog="Examples: [b]autograder leaderboard serve demo[/b]; for a class, behind a reverse proxy: "
    "[b]autograder leaderboard serve demo --trusted-proxy 127.0.0.1[/b] (see deploy/README.md)"
)
def serve(
    name: NameOrHere = Path("."),
    host: Annotated[
        str, typer.Option(help="Where to listen; the default is reached from this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            metavar="ADDRESS",
            envvar="CS_LEADERBOARD_TRUSTED_PROXIES",
            help="A proxy (or network) whose X-Forwarded-For is believed; may be given several times.",
        ),
    ] = None,
) -> None:
    """Serve the board: the page, the API for notebooks, the files for
    students. Ctrl-C ends it.

    One process serves a class of 500. An upload that was answered is on
    disk; one that was not can be sent again and is counted once.
    """
    from autograder.leaderboard.server import serve as run
    from autograder.leaderboard.service import Settings, create_app
    from autograder.leaderboard.serving import only_server

    competition = _competition(name)
    try:
        settings = Settings(trusted_proxies=tuple(trusted_proxy or ()))
        with _for_this_user(), only_server(competition):
            service = create_app(competition, settings)
            _say_what_is_missing(competition, host, bool(trusted_proxy))
            started = run(service, host=host, port=port, ready=lambda address: _ready(competition, address))
    except ValueError as error:
        if isinstance(error, WrongUsage) or type(error) is not ValueError:
            raise
        raise WrongUsage(f"--trusted-proxy: {error}.") from None
    if not started:
        raise typer.Exit(ATTENTION)
    err.print("stopped; every upload that was answered is on disk")


def _ready(competition: Competition, address: str) -> None:
    out.print(f"[b]{escape(competition.title)}[/b] is at {address} (Ctrl-C ends it)")


def _say_what_is_missing(competition: Competition, host: str, behind_proxy: bool) -> None:
    store = _store(competition)
    if not any(team.kind == "team" for team in store.teams()):
        err.print(
            "[yellow]note[/yellow]: no team has a token yet: autograder leaderboard tokens roster.csv NAME"
        )
    if host not in LOOPBACK and not behind_proxy:
        err.print(
            "[yellow]note[/yellow]: tokens travel unencrypted to this address. For a class, put a proxy with "
            "TLS in front (deploy/README.md) and name it with --trusted-proxy."
        )
    if competition.deadline is not None and competition.deadline < dt.datetime.now(dt.UTC):
        err.print(
            f"[yellow]note[/yellow]: the deadline {competition.deadline:%Y-%m-%d %H:%M %Z} has passed; "
            "no upload will be taken."
        )


@app.command(epilog="Example: [b]autograder leaderboard close demo[/b]")
def close(name: Name, yes: Yes = False) -> None:
    """Compute the private scores, and show the final board with both scores
    and the shake-up. For good.

    Of each team the upload counts that it selected, or else its best public
    one. The page shows the final board at once. Back the competition up
    first if you may want to change your mind.
    """
    competition = _competition(name)
    store = _store(competition)
    open_still = competition.deadline is not None and competition.deadline > dt.datetime.now(dt.UTC)
    if not yes:
        warning = " before its deadline" if open_still else ""
        typer.confirm(f"Close {competition.title!r}{warning}, for good?", abort=True)
    board = store.close(dt.datetime.now(dt.UTC), competition.task(), competition.rules)
    _print_board(competition, board)


@app.command(epilog="Example: [b]autograder leaderboard board demo[/b]")
def board(name: NameOrHere = Path("."), as_json: Json = False) -> None:
    """Print the board as it is now."""
    competition = _competition(name)
    found = _store(competition).board()
    if as_json:
        print(json.dumps(found.to_json(dt.datetime.now(dt.UTC)), indent=1))
    else:
        _print_board(competition, found)


def _print_board(competition: Competition, found: Board) -> None:
    title = escape(printable(competition.title, 100)) + (": final" if found.closed else "")
    table = Table(title=title, title_style="bold")
    table.add_column("rank", justify="right")
    table.add_column("team", overflow="fold")
    if found.closed:
        table.add_column("private", justify="right")
        table.add_column("95 %", justify="right")
        table.add_column("public", justify="right")
        table.add_column("shake-up", justify="right")
    else:
        table.add_column("public", justify="right")
        table.add_column("95 %", justify="right")
    table.add_column("uploads", justify="right")
    for row in found.rows:
        baseline = row.kind == "baseline"
        name = escape(printable(row.name)) + (" (baseline)" if baseline else "")
        uploads = "" if baseline else str(row.uploads)
        table.add_row(*_figures(row, found.closed, name), uploads, style="dim" if baseline else None)
    out.print(table if found.rows else f"{title}: nobody has uploaded anything yet.")


def _figures(row: Row, closed: bool, name: str) -> list[str]:
    if not closed:
        return [str(row.rank), name, _percent(row.score), f"{_percent(row.low)}-{_percent(row.high)}"]
    if row.private is None:
        return ["-", name, "-", "-", _percent(row.score), "-"]
    own = row.private
    interval = f"{_percent(own.low)}-{_percent(own.high)}"
    moved = "-" if row.shake_up is None else f"{row.shake_up:+d}" if row.shake_up else "0"
    return [str(own.rank), name, _percent(own.score), interval, _percent(row.score), moved]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


@app.command(
    epilog="Examples: [b]autograder leaderboard export demo board.csv[/b]; for the gradebook: [b]export demo "
    "grades.csv --names[/b]; for a course site: [b]export demo site/board --site[/b]"
)
def export(
    name: Name,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A .csv or .json file; a folder with --site.")
    ],
    names: Annotated[
        bool,
        typer.Option("--names", help="Add the teams' real names and their students; not for the public."),
    ] = False,
    site: Annotated[
        bool, typer.Option("--site", help="Write the page, as files that need no server.")
    ] = False,
) -> None:
    """Write the board as CSV, JSON, or a page for a course site."""
    competition = _competition(name)
    store = _store(competition)
    if site:
        from autograder.leaderboard.pages.site import write as write_site

        if names:
            raise WrongUsage("--names is not for pages that everybody can see; give a .csv or .json file.")
        write_site(competition, store, target)
        out.print(
            f"[b]{escape(str(target))}[/b]: open index.html in it, or copy the folder to your course site."
        )
        return
    found = store.board()
    if target.suffix.lower() not in (".csv", ".json"):
        raise WrongUsage(f"{target} ends neither in .csv nor in .json. (For a page: --site)")
    if names:
        text = _with_names(store, found, as_json=target.suffix.lower() == ".json")
    elif target.suffix.lower() == ".csv":
        text = found.to_csv()
    else:
        text = json.dumps(found.to_json(dt.datetime.now(dt.UTC)), indent=1) + "\n"
    write_atomically(target.resolve(), text)
    if names:
        target.chmod(0o600)
    out.print(f"{len(found.rows)} rows in [b]{escape(str(target))}[/b]")


def _with_names(store: Store, found: Board, *, as_json: bool) -> str:
    """One line for each student, or one object for each team; teams without an upload included."""
    import csv
    import io

    from autograder.leaderboard.board import no_formula

    rows = {row.team_id: row for row in found.rows}
    lines: list[dict[str, Any]] = []
    for team in store.teams():
        if team.kind != "team":
            continue
        row = rows.get(team.id)
        private = row.private if row else None
        figures = {
            "team": team.name,
            "pseudonym": team.pseudonym,
            "uploads": row.uploads if row else 0,
            "public_score": row.score if row else None,
            "public_rank": row.rank if row else None,
            "private_score": private.score if private else None,
            "private_rank": private.rank if private else None,
        }
        students = store.members(team.id)
        if as_json:
            lines.append({"students": students, **figures})
        else:
            lines += [{"student_id": student, **figures} for student in students or [""]]
    if as_json:
        return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"
    text = io.StringIO(newline="")
    columns = ["student_id", "team", "pseudonym", "uploads", "public_score", "public_rank"]
    writer = csv.DictWriter(text, [*columns, "private_score", "private_rank"])
    writer.writeheader()
    writer.writerows({key: no_formula(value) for key, value in line.items()} for line in lines)
    return text.getvalue()


@app.command(epilog="Example: [b]autograder leaderboard backup demo demo-$(date +%F).tar[/b]")
def backup(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.tar", help="A new file; only you will be able to read it.")
    ],
) -> None:
    """Write everything into one file: settings, pictures, labels, and the
    database at one moment.

    The server may be running. `restore` makes a competition of it again,
    here or on another machine.
    """
    from autograder.leaderboard.archive import write

    size = write(_competition(name), file)
    out.print(f"[b]{escape(str(file))}[/b]: {size / 1e6:,.1f} MB. It holds the labels: keep it to yourself.")


@app.command(epilog="Example: [b]autograder leaderboard restore demo-2026-12-01.tar demo[/b]")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="What `backup` has written.")],
    name: Annotated[Path, typer.Argument(metavar="NAME", help="A folder that is not there yet.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put an existing NAME aside, as NAME.before-restore-TIME.")
    ] = False,
) -> None:
    """Make a competition from a backup, with every team, token and upload that
    it had.
    """
    from autograder.leaderboard.archive import read

    with _for_this_user():
        aside = read(file, name, replace=replace)
    competition = _competition(name)
    uploads = sum(team.uploads for team in _store(competition).teams() if team.kind == "team")
    if aside is not None:
        out.print(f"What was there is now {escape(str(aside))}.")
    out.print(f"[b]{escape(str(name))}[/b] is back, with {uploads:,} uploads.")


@app.command(
    epilog="Examples: [b]autograder leaderboard doctor demo[/b]; once the server is up: "
    "[b]doctor demo --address https://board.example.org[/b]"
)
def doctor(
    name: NameOrHere = Path("."),
    address: Annotated[
        str, typer.Option(metavar="URL", help="The public address; default: that of leaderboard.toml.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Examine the competition and this machine: clock, disk, database,
    permissions, and the public address.

    Exit code 1 when there is a problem.
    """
    from autograder.leaderboard.doctor import examine

    checks = examine(_competition(name), address)
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        _print_checks(checks)
    if any(check.state == "problem" for check in checks):
        raise typer.Exit(ATTENTION)


def _print_checks(checks: Sequence[Any]) -> None:
    table = Table("", "check", Column("found", overflow="fold"), Column("what to do", overflow="fold"))
    colours = {"ok": "green", "warning": "yellow", "problem": "red"}
    for check in checks:
        mark = f"[{colours[check.state]}]{check.state}[/]"
        table.add_row(
            mark, check.name, escape(printable(check.found, 300)), escape(printable(check.todo, 300))
        )
    out.print(table)


def _competition(path: Path) -> Competition:
    """The competition in `path`, or a word about those that are below it."""
    from autograder.leaderboard.competition import SETTINGS, Competition

    if not (path / SETTINGS).is_file():
        below = sorted(file.parent.name for file in path.glob(f"*/{SETTINGS}")) if path.is_dir() else []
        hint = f" Below it there {'is' if len(below) == 1 else 'are'}: {', '.join(below)}." if below else ""
        raise WrongUsage(
            f"There is no competition in {path.resolve()} (no {SETTINGS} in it).{hint} "
            "Name its folder, or make one: autograder leaderboard new NAME"
        )
    return Competition(path)


def _store(competition: Competition) -> Store:
    """Its database, made or brought to the newest form where needed; a new file is for this user only."""
    from autograder.leaderboard.store import Store

    with _for_this_user():
        store = Store(competition.database_url)
        store.upgrade()
    return store


@contextlib.contextmanager
def _for_this_user() -> Iterator[None]:
    """What is made meanwhile, such as the database and its journal, nobody else may read."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
