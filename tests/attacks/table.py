"""docs/attacks.md: what the attacks try, and what happens. `make attacks` writes it.

What stands there is what the suite demands of the grader. A test says when the page is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograder import source
from tests.attacks.attack import NOTEBOOK, Attack, points
from tests.attacks.submissions import ATTACKS, THEMES

PAGE = source.ROOT / "docs" / "attacks.md"

HEAD = """\
# Attacks on the grader, and what becomes of them

Written by `make attacks`; a test fails when it is out of date. Each line is a small submission in
`tests/attacks/submissions/`. `make test` hands all of them in at once, with honest classmates among them, and
has `autograder grade` grade the class for real. Then it demands for each the points that stand here, and for
all together: honest students have all their points, and no row, record or file of theirs has changed; source,
release, settings, key, home and the packages of the sandbox are as they were; no process and no file is left;
no secret case, seed or key is in any page, log or report; nothing of a submission reaches the terminal
unescaped; and the whole class is graded in one run. Those marked ² are graded at the second level of
isolation (`landlock`) as well, as root and as an ordinary user. The pages are opened in a real browser.

Each submission is an honest one with all answers right but for what the attack changes, so that undeserved
points and points lost would both show: all right are {most:g} points. A dash: there is nothing to give
points for.

{count} attacks:
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD.format(count=len(ATTACKS), most=sum(points().values()))]
    for title, attacks in THEMES.values():
        lines += [f"## {title}", "", "| attack | it tries | what happens | points |", "|---|---|---|--:|"]
        lines += [*_rows(attacks), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rows(attacks: tuple[Attack, ...]) -> Iterator[str]:
    for one in attacks:
        earned = "–" if one.status != "graded" else f"{sum(one.earned(points()).values()):g}"
        name = f"{one.name} ²" if one.worst else one.name
        yield f"| {name} | {_cell(one.tries)} | {_cell(one.happens)} | {earned} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {len(ATTACKS)} attacks on {NOTEBOOK}")


if __name__ == "__main__":
    main()
