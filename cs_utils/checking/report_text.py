"""A report as plain text for a terminal: no colours, no line longer than the width."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from cs_utils.checking.report_facts import CaseFacts, Grid, Note, Report, Row, Side

SHADES = ".░▒▓█"
INDENT = "  "


def render_text(report: Report, width: int) -> str:
    """The report, at most `width` columns wide (at least 60)."""
    width = max(width, 60)
    lines = [f"{report.name}: {report.score}", *_wrap(report.state, width)]
    if report.rows:
        lines += ["", *_groups(report.rows, width)]
    if report.case:
        lines += ["", *_case(report.case, width)]
    for note in report.notes:
        lines += ["", *_note(note, width)]
    if report.remarks:
        lines += ["", "Also noticed (costs nothing)"]
        lines += [line for remark in report.remarks for line in _wrap(remark, width, INDENT)]
    return "\n".join(_clip(line, width) for line in lines) + "\n"


def _clip(line: str, width: int) -> str:
    line = line.rstrip()
    return line if len(line) <= width else line[: width - 1] + "…"


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent) or [""]


def _groups(rows: Sequence[Row], width: int) -> list[str]:
    """The table of groups; long names and findings are wrapped inside their column."""
    table = [("Group", "Result", "Points", "What happened")]
    table += [(row.name, f"{row.mark} {row.word}", row.points, row.finding) for row in rows]
    name, result, points, finding = (max(map(len, column)) for column in zip(*table, strict=True))
    room = width - len(INDENT) * 4 - result - points
    name = min(name, max(room // 2, room - finding))
    widths = (name, result, points, max(room - name, 1))
    return [line for row in table for line in _row(row, widths)]


def _row(texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = [textwrap.wrap(text, width) or [""] for text, width in zip(texts, widths, strict=True)]
    return [
        INDENT + INDENT.join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
        for parts in itertools.zip_longest(*columns, fillvalue="")
    ]


def _case(case: CaseFacts, width: int) -> list[str]:
    lines = [*_wrap(case.title, width), *(INDENT + line for line in case.call.splitlines())]
    if case.difference:
        lines += ["", *_wrap(case.difference, width, INDENT)]
    blocks = [_side(side, width) for side in case.sides]
    if case.heat:
        blocks.append([f"{INDENT}{case.heat.title}: {case.heat.text}", *_grid(case.heat.grid, heat=True)])
    if blocks:
        lines += ["", *_beside(blocks, width)]
    return [*lines, "", *_wrap(case.heat.summary, width, INDENT)] if case.heat else lines


def _side(side: Side, width: int) -> list[str]:
    if side.grid:
        return [f"{INDENT}{side.title}: {side.text}", *_grid(side.grid)]
    lines = _wrap(f"{side.title}: {side.text}" if side.text else side.title, width, INDENT)
    return [*lines, f"{INDENT}{INDENT}{side.code}"] if side.code else lines


def _beside(blocks: list[list[str]], width: int) -> list[str]:
    """Blocks side by side, as many as fit; the others under them."""
    widths = [max(map(len, block)) + len(INDENT) for block in blocks]
    fits = max(1, sum(total <= width for total in itertools.accumulate(widths)))
    lines = [
        "".join(part.ljust(size) for part, size in zip(parts, widths, strict=False))
        for parts in itertools.zip_longest(*blocks[:fits], fillvalue="")
    ]
    return lines if fits == len(blocks) else [*lines, "", *_beside(blocks[fits:], width)]


def _grid(grid: Grid, heat: bool = False) -> list[str]:
    """Numbers under column numbers; a wrong cell has ``*`` before it, or its shade in a heat map."""
    marks = [f"{shade} " for shade in SHADES] if heat else " ****"
    body = [[f"{marks[cell.level]}{cell.text}" for cell in cells] for cells in grid.cells]
    table = [["", *map(str, grid.columns)], *([str(n), *row] for n, row in zip(grid.rows, body, strict=True))]
    size = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        INDENT * 2 + INDENT.join(text.rjust(width) for text, width in zip(row, size, strict=True))
        for row in table
    ]
    return [*lines, f"{INDENT * 2}{grid.more}"] if grid.more else lines


def _note(note: Note, width: int) -> list[str]:
    lines = _wrap(note.title + (f" ({note.groups})" if note.groups else ""), width)
    return [*lines, *_wrap(note.hint, width, INDENT)]
