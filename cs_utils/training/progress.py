"""How a training shows that it lives: a table with a row for each epoch, and a bar for the one that runs.

In a terminal the bar rewrites its line; in a notebook the whole table is one piece of HTML that is replaced.
In a file, a row for each epoch is all there is.
"""

from __future__ import annotations

import html
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from cs_utils.training.history import History

EVERY = 0.25  # seconds between two looks; a look waits for the device, so not at every step
WIDTH, SHORTEST = 20, 4  # characters of a full bar
# heading, key in a row of the history, how to write it
COLUMNS = (
    ("loss", "train_loss", "{:.3f}"),
    ("accuracy", "train_accuracy", "{:.1%}"),
    ("test loss", "test_loss", "{:.3f}"),
    ("test accuracy", "test_accuracy", "{:.1%}"),
    ("images/s", "images_per_second", "{:,.0f}"),
    ("seconds", "seconds", "{:,.1f}"),
)
HEAD = ("epoch", *(name for name, _, _ in COLUMNS))


class Progress:
    """What is shown of one training.

    show: whether anything is; `due` works without.
    """

    def __init__(self, history: History, *, show: bool = True) -> None:
        self._history, self._show = history, show
        self._looked = time.perf_counter()
        self._said: list[str] = []
        self._rows: list[tuple[str, ...]] = []  # cells of the epochs that are over
        self._display: Any = None
        self._notebook = show and _in_notebook()
        self._width = 0  # of the bar that stands in the terminal's last line

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        """What is printed next begins on a line of its own, also after an error."""
        if self._width:
            print(flush=True)

    def due(self) -> bool:
        """Is it time for a look? True at most every quarter of a second."""
        now = time.perf_counter()
        if now - self._looked < EVERY:
            return False
        self._looked = now
        return True

    def say(self, sentence: str) -> None:
        """A sentence, before the first row."""
        self._said.append(sentence)
        self._out(sentence)

    def resumed(self, path: str) -> None:
        """Say from where the training goes on, and show the epochs that are over."""
        done, steps = self._history.step, self._history.steps
        after = (
            f"goes on after step {done:,} of {steps:,}" if done < steps else "is over; its weights are back"
        )
        self.say(f"The training in {path} {after}. To begin anew, delete this file.")
        for number in range(1, len(self._history.epochs) + 1):
            self.epoch(number)

    def epoch(self, number: int | None = None) -> None:
        """The figures of epoch `number`, counted from 1; the last one that is over if none is given."""
        number = number or len(self._history.epochs)
        row = self._history.epochs[number - 1]
        cells = (form.format(row[key]) if key in row else "" for _, key, form in COLUMNS)
        self._rows.append((self._count(number), *cells))
        if len(self._rows) == 1:
            self._out(_line(HEAD))
        self._out(_line(self._rows[-1]))

    def bar(self) -> None:
        """The epoch that runs: how far it is, and how it goes."""
        if self._notebook:
            self._replace(self._drawn(10**6))
        elif self._show and sys.stdout.isatty():
            drawn = self._drawn(shutil.get_terminal_size().columns - 1)
            print(f"\r{drawn:<{self._width}}", end="", flush=True)
            self._width = len(drawn)

    def _drawn(self, columns: int) -> str:
        """The bar and the figures so far, in no more than `columns` characters; the bar gives way first."""
        history, row = self._history, self._history.so_far()
        over = len(history.epochs)
        left = (history.steps - history.step) * history.batch_size / row["images_per_second"]
        count = f"{self._count(over + 1):>8}  "
        facts = (
            f"  loss {_loss(row['train_loss'])}  accuracy {row['train_accuracy']:.1%}  "
            f"{row['images_per_second']:,.0f} images/s  {duration(left)} left"
        )
        width = min(WIDTH, max(SHORTEST, columns - len(count + facts)))
        full = round(width * (history.step / history.per_epoch - over))
        return f"{count}{'█' * full}{'░' * (width - full)}{facts}"[:columns]

    def _count(self, number: int) -> str:
        return f"{number}/{self._history.all_epochs}"

    def _out(self, line: str) -> None:
        if self._notebook:
            self._replace("")
        elif self._show:
            erased = f"\r{'':{self._width}}\r" if self._width else ""
            self._width = 0
            print(erased + line, flush=True)

    # --- in a notebook ------------------------------------------------------------------------------------

    def _replace(self, bar: str) -> None:
        from IPython.display import display

        bundle = {"text/html": self._html(bar), "text/plain": self._text(bar)}
        if self._display is None:
            self._display = display(bundle, raw=True, display_id=True)
        else:
            self._display.update(bundle, raw=True)

    def _text(self, bar: str) -> str:
        table = [_line(HEAD), *map(_line, self._rows)] if self._rows else []
        return "\n".join([*self._said, *table, *([bar] if bar else [])])

    def _html(self, bar: str) -> str:
        said = "".join(f"<div>{html.escape(sentence)}</div>" for sentence in self._said)
        style = 'style="text-align:right;padding:2px 12px"'
        head = "".join(f'<th scope="col" {style}>{name}</th>' for name in HEAD)
        body = "".join(
            f"<tr>{''.join(f'<td {style}>{cell}</td>' for cell in cells)}</tr>" for cells in self._rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if self._rows else ""
        running = f'<pre style="margin:.3em 0">{bar}</pre>' if bar else ""
        return f"<div>{said}{table}{running}</div>"


def _line(cells: Sequence[str]) -> str:
    widths = (max(8, len(name) + 2) for name in HEAD)
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _loss(value: float) -> str:
    return f"{value:.3f}" if value < 1000 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """``7 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
