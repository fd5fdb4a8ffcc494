"""docs/misconceptions.md: which known mistake fails which group of cases, and whether it is named there.

`make misconceptions` writes it from runs of the mistakes' own code; test_table.py says when it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from autograder import source
from autograder.source import Snippet
from cs_utils.checking import Exercise
from cs_utils.exercises import of_notebook
from tests.exercises import proof

TABLE = source.ROOT / "docs" / "misconceptions.md"
NAMED, UNNAMED = "●", "○"

HEAD = """\
# Known mistakes, and where the checks catch them

Written by `make misconceptions`; a test fails when it is out of date. Every line is the result of running
a student's code with that mistake (`solutions/mistakes/`) through the checks: {named} means that the group of
cases fails and that the report names the mistake there, alone; {unnamed} that it fails without a name; an
empty field that it passes. The test suite demands the same with three further seeds, that no two mistakes of
an exercise look alike in all cases, and that every correct style in `solutions/styles/` gets all points.

{summary}
"""


def table() -> str:
    """The whole page."""
    notebooks = [path.stem for path in source.sources()]
    lines = [HEAD.format(named=NAMED, unnamed=UNNAMED, summary="\n".join(_summary(notebooks)))]
    for notebook in notebooks:
        lines += [f"## {notebook}", ""]
        for exercise in of_notebook(notebook):
            lines += [f"### {exercise.name}", "", *_exercise(notebook, exercise), ""]
        if pairs := list(_pairs(notebook)):
            lines += ["### Two mistakes at once", "", *pairs, ""]
    return "\n".join(lines).rstrip() + "\n"


def known_mistakes(notebook: str) -> int:
    """How many misconceptions the exercises of a notebook have."""
    return sum(len(exercise.misconceptions) for exercise in of_notebook(notebook))


def _summary(notebooks: list[str]) -> Iterator[str]:
    rows = [
        (
            notebook,
            len(of_notebook(notebook)),
            known_mistakes(notebook),
            sum(len(proof.parts_of(snippet)) > 1 for snippet in proof.mistakes(notebook)),
            len(proof.styles(notebook)),
            sum(len(entry.get("wrong", [])) for entry in _answers(notebook).values()),
        )
        for notebook in notebooks
    ]
    yield "| notebook | exercises | known mistakes | two at once | correct styles | known wrong answers |"
    yield "|---|--:|--:|--:|--:|--:|"
    total = ("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
    for row in (*rows, total):
        yield f"| {' | '.join(map(str, row))} |"


def _answers(notebook: str) -> dict[str, dict[str, list[object]]]:
    return source.answers(source.read(source.SOLUTIONS / f"{notebook}.py"))


def _exercise(notebook: str, exercise: Exercise) -> Iterator[str]:
    groups = [group.name for group in exercise.groups]
    yield f"| mistake | {' | '.join(map(_cell, groups))} |"
    yield f"|---|{':-:|' * len(groups)}"
    for known in exercise.misconceptions:
        snippet = next(
            found
            for found in proof.mistakes(notebook)
            if (found.exercise, found.title) == (exercise.name, known.name)
        )
        found = _named(notebook, exercise, snippet)
        marks = (
            "" if group not in found else NAMED if found[group] == {known.name} else UNNAMED
            for group in groups
        )
        yield f"| {_cell(known.name)} | {' | '.join(marks)} |"


def _pairs(notebook: str) -> Iterator[str]:
    for snippet in proof.mistakes(notebook):
        if len(proof.parts_of(snippet)) > 1:
            found = _named(notebook, proof.exercise(notebook, snippet.exercise), snippet)
            yield f"- `{snippet.exercise}`, {' and '.join(f'*{name}*' for name in proof.parts_of(snippet))}:"
            for group, names in found.items():
                told = " and ".join(f"*{name}*" for name in proof.parts_of(snippet) if name in names)
                yield f"    - {group}: {told or 'fails, no name'}"


def _named(notebook: str, exercise: Exercise, snippet: Snippet) -> dict[str, set[str]]:
    return proof.named(proof.judged(exercise, proof.written(notebook, snippet), proof.PUBLIC))


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def main(path: Path = TABLE) -> int:
    """Write the page."""
    path.write_text(table(), encoding="utf-8")
    print(f"wrote {path.relative_to(source.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
