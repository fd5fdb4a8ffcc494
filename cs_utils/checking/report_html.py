"""A report as an HTML fragment.

Colours are translucent and text keeps the page's own colour, so that one style sheet serves light and dark
notebooks. Blue is right and orange is wrong (colour-blind eyes tell them apart); words, outlines and bold
type say the same without colour.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from cs_utils.checking.report_facts import CaseFacts, Cell, Grid, Note, Report, Row, Side

STYLE = """
.cs-report { max-width: 54rem; margin: .4em 0; padding: .7em 1em .8em; text-align: left;
  border: 1px solid rgba(128,128,128,.35); border-left: 5px solid rgb(128,128,128); border-radius: 6px;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
.cs-report.cs-pass { border-left-color: rgb(37,120,200) }
.cs-report.cs-fail { border-left-color: rgb(217,119,6) }
.cs-report p { margin: .25em 0 }
.cs-report .cs-head { display: flex; flex-wrap: wrap; gap: 0 1em; justify-content: space-between;
  font-size: 16px }
.cs-report .cs-title { font-weight: 600; margin: 1.2em 0 .4em }
.cs-report .cs-quiet { opacity: .75 }
.cs-report .cs-scroll { overflow-x: auto; max-width: 100% }
.cs-report table { border-collapse: collapse; table-layout: auto; margin: .2em 0; border: 0;
  font-size: 13px; color: inherit }
.cs-report thead { border: 0 }
.cs-report tr, .cs-report tr:hover { background: none !important }
.cs-report th, .cs-report td { padding: .25em .6em; text-align: left !important; vertical-align: top;
  border: 0; line-height: 1.5; white-space: normal !important; max-width: none }
.cs-report .cs-groups { width: 100%; margin-top: .7em }
.cs-report .cs-groups th, .cs-report .cs-groups td { border-bottom: 1px solid rgba(128,128,128,.25) }
.cs-report .cs-groups th { font-weight: 600 }
.cs-report .cs-groups tbody th { font-weight: 400 }
.cs-report .cs-nowrap { white-space: nowrap !important }
.cs-report .cs-mark { padding: .05em .5em; border-radius: 4px; background: rgba(128,128,128,.16) }
.cs-report tr.cs-pass .cs-mark { background: rgba(37,120,200,.2) }
.cs-report tr.cs-fail .cs-mark { background: rgba(217,119,6,.26); font-weight: 600 }
.cs-report pre, .cs-report code { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; padding: 0;
  color: inherit; background: none; white-space: pre }
.cs-report pre { overflow-x: auto; margin: .3em 0 .6em; padding: .5em .8em; border-radius: 4px;
  background: rgba(128,128,128,.12) }
.cs-report .cs-sides { display: flex; flex-wrap: wrap; gap: .7em 2.4em; margin: .6em 0 }
.cs-report .cs-sides > div { min-width: 0; max-width: 100% }
.cs-report caption { caption-side: top; text-align: left; padding: 0 0 .2em; color: inherit;
  font-size: 13px; line-height: 1.35; white-space: nowrap }
.cs-report .cs-grid caption span { display: block }
.cs-report .cs-grid th, .cs-report .cs-grid td { text-align: right !important; padding: .15em .6em;
  font-variant-numeric: tabular-nums; white-space: nowrap !important }
.cs-report .cs-grid th { font-weight: 400; opacity: .65; font-size: 11px; vertical-align: middle }
.cs-report .cs-grid tbody td { border: 1px solid rgba(128,128,128,.3) }
.cs-report .cs-grid tbody td.cs-wrong { font-weight: 700;
  outline: 2px solid rgb(217,119,6); outline-offset: -2px }
.cs-report .cs-grid td.cs-right { font-weight: 700; background: rgba(37,120,200,.2) }
.cs-report .cs-grid td.cs-1 { background: rgba(217,119,6,.12) }
.cs-report .cs-grid td.cs-2 { background: rgba(217,119,6,.28) }
.cs-report .cs-grid td.cs-3 { background: rgba(217,119,6,.44) }
.cs-report .cs-grid td.cs-4 { background: rgba(217,119,6,.6) }
.cs-report .cs-note { margin: .5em 0; padding: .1em 0 .1em .8em;
  border-left: 3px solid rgba(128,128,128,.45) }
"""


def render_html(report: Report) -> str:
    """The fragment: a style sheet whose rules all begin with ``.cs-report``, and one section."""
    label = f"Report on {escape(report.name)}"
    return "".join(
        (
            f'<style>{STYLE}</style><section class="cs-report {_CLASS[report.mark]}" aria-label="{label}">',
            f'<p class="cs-head"><span><span aria-hidden="true">{report.mark}</span> ',
            f"<strong>{_text(report.name)}</strong></span><span>{_text(report.score)}</span></p>",
            f"<p>{_text(report.state)}</p>",
            _groups(report.rows),
            _case(report.case) if report.case else "",
            _notes(report.notes),
            _remarks(report.remarks),
            "</section>",
        )
    )


_CLASS = {"✓": "cs-pass", "✗": "cs-fail", "–": "cs-idle"}


def _text(text: str) -> str:
    """Escaped, and kept from changing the direction of the text around it."""
    return f"<bdi>{escape(text)}</bdi>"


def _with_code(text: str) -> str:
    """The same, with what stands between `backticks` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _title(text: str) -> str:
    return f'<p class="cs-title" role="heading" aria-level="4">{_text(text)}</p>'


def _groups(rows: tuple[Row, ...]) -> str:
    if not rows:
        return ""
    told = any(row.finding for row in rows)
    names = ("Group", "Result", "Points", "What happened")[: 4 if told else 3]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(_row(row, told) for row in rows)
    caption = '<caption class="cs-quiet">All cases of a group must pass for its points.</caption>'
    return (
        f'<div class="cs-scroll"><table class="cs-groups">{caption}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, told: bool) -> str:
    mark = f'<span class="cs-mark"><span aria-hidden="true">{row.mark}</span> {row.word}</span>'
    finding = f"<td>{_text(row.finding)}</td>" if told else ""
    return (
        f'<tr class="{_CLASS[row.mark]}"><th scope="row">{_text(row.name)}</th>'
        f'<td class="cs-nowrap">{mark}</td><td class="cs-nowrap">{row.points}</td>{finding}</tr>'
    )


def _case(case: CaseFacts) -> str:
    parts = [_title(case.title)]
    if case.call:
        parts.append(f"<pre><code>{escape(case.call)}</code></pre>")
    if case.difference:
        parts.append(f"<p>{_text(case.difference)}</p>")
    blocks = [_side(side) for side in case.sides]
    if case.heat:
        blocks.append(_grid(case.heat.grid, case.heat.title, case.heat.text, _shade))
    if blocks:
        parts.append(f'<div class="cs-sides">{"".join(f"<div>{block}</div>" for block in blocks)}</div>')
    if case.heat:
        parts.append(f"<p>{_text(case.heat.summary)}</p>")
    return "".join(parts)


def _side(side: Side) -> str:
    if side.grid:
        return _grid(side.grid, side.title, side.text, _expected if side.good else _returned)
    code = f"<pre><code>{escape(side.code)}</code></pre>" if side.code else ""
    said = f"<strong>{_text(side.title)}:</strong> {_text(side.text)}"
    return f"<p>{said if side.text else f'<strong>{_text(side.title)}</strong>'}</p>{code}"


def _grid(grid: Grid, title: str, detail: str, kind: Callable[[int], str]) -> str:
    """A table of numbers with row and column numbers; `kind` gives a wrong cell's class from its level."""
    heads = "".join(f'<th scope="col">{column}</th>' for column in grid.columns)
    body = "".join(
        f'<tr><th scope="row">{number}</th>{"".join(_cell(cell, kind) for cell in cells)}</tr>'
        for number, cells in zip(grid.rows, grid.cells, strict=True)
    )
    said = f'<strong>{_text(title)}</strong> <span class="cs-quiet">{_text(detail)}</span>'
    more = f'<p class="cs-quiet">{_text(grid.more)}</p>' if grid.more else ""
    return (
        f'<div class="cs-scroll"><table class="cs-grid"><caption>{said}</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _cell(cell: Cell, kind: Callable[[int], str]) -> str:
    marked = f' class="{kind(cell.level)}"' if cell.level else ""
    return f"<td{marked}>{escape(cell.text)}</td>"


def _returned(level: int) -> str:
    return "cs-wrong"


def _expected(level: int) -> str:
    return "cs-right"


def _shade(level: int) -> str:
    return f"cs-wrong cs-{level}"


def _notes(notes: tuple[Note, ...]) -> str:
    if not notes:
        return ""
    shown = "".join(
        f'<div class="cs-note"><p><strong>{_text(note.title)}</strong>'
        + (f' <span class="cs-quiet">({_text(note.groups)})</span>' if note.groups else "")
        + "</p>"
        + f"<p>{_with_code(note.hint)}</p></div>"
        for note in notes
    )
    return f"{_title('What to look at')}{shown}"


def _remarks(remarks: tuple[str, ...]) -> str:
    if not remarks:
        return ""
    lines = "".join(f"<p>{_text(remark)}</p>" for remark in remarks)
    return f'<div class="cs-quiet">{_title("Also noticed (costs nothing)")}{lines}</div>'
