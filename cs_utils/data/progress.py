"""A line that says how far something is; in a notebook or a terminal it changes in place."""

from __future__ import annotations

import sys
import time

from cs_utils.data.problems import megabytes


class Progress:
    """`advance(n)` as it goes, `close()` at the end. unit: "bytes", or what is counted, such as
    "pictures"."""

    def __init__(self, title: str, total: int, unit: str = "bytes", done: int = 0) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = self.begun_at = done
        self._start = self._shown = time.monotonic()
        self._width = 0
        self._live = sys.stdout.isatty() or "ipykernel" in sys.modules
        print(f"{title}: {self._amount(total)}{self._resumed()}", flush=True)

    def _resumed(self) -> str:
        return f", of which {self._amount(self.done)} are already here" if self.done else ""

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self._live and now - self._shown > 0.2:
            self._shown = now
            self._show(self._state(now - self._start))

    def close(self) -> None:
        """The last state stays when it was shown at all."""
        if self._width:
            self._show(self._state(time.monotonic() - self._start))
            print(flush=True)

    def _state(self, seconds: float) -> str:
        speed = (self.done - self.begun_at) / max(seconds, 1e-9)
        left = (self.total - self.done) / speed if speed else 0
        ends = f", {left:.0f} s left" if 0.5 < left < 36_000 else ""
        share = self.done / max(self.total, 1)
        return f"  {share:4.0%}  {self._amount(self.done)}, {self._amount(int(speed))} a second{ends}"

    def _amount(self, count: int) -> str:
        return megabytes(count) if self.unit == "bytes" else f"{count:,} {self.unit}"

    def _show(self, text: str) -> None:
        print("\r" + text.ljust(self._width), end="", flush=True)
        self._width = len(text)
