"""How far something is: one line each, with a bar and the time left; redrawn on a terminal, few plain lines elsewhere.

Knows: terminals. Must not know: what is done. May be told from several threads.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from edge.words.colour import is_terminal
from edge.words.language import tr

_BAR_SIZE = 20
_REDRAW_S = 0.1  # an eye sees no more, and a slow console is not to be what takes the time
_SURE_S = 1.0  # before that a rate says little
_STEP_PERMILLE = 250  # of a plain line, where nothing can be redrawn


class Row:
    """One thing under way; `total` in any unit."""

    def __init__(self, progress: Progress, label: str, total: int) -> None:
        self._progress = progress
        self.label = label
        self.total = max(total, 1)
        self.done = 0
        self.note = ""
        self.verdict = ""
        self._started_s = progress.clock()
        self._told_permille = 0

    def to(self, done: int, note: str = "") -> None:
        """It is at `done`; `note` says what is under way."""
        self.done, self.note = min(done, self.total), note
        step = 1000 * self.done // self.total // _STEP_PERMILLE * _STEP_PERMILLE
        is_step = step > self._told_permille
        self._told_permille = max(self._told_permille, step)
        self._progress.changed(self, is_step=is_step)

    def end(self, verdict: str) -> None:
        """It is over; `verdict` stays on the line."""
        self.verdict = verdict
        self._progress.changed(self, is_step=True, is_end=True)

    def text(self) -> str:
        """The line."""
        if self.verdict:
            return f"{self.label}  {self.verdict}"
        full = _BAR_SIZE * self.done // self.total
        bar = "#" * full + "." * (_BAR_SIZE - full)
        parts = [self.label, f"[{bar}]", f"{100 * self.done // self.total:3d} %", self._left(), self.note]
        return "  ".join(part for part in parts if part)

    def _left(self) -> str:
        spent_s = self._progress.clock() - self._started_s
        if not self.done or spent_s < _SURE_S:
            return ""
        left_s = round(spent_s * (self.total - self.done) / self.done)
        return tr("{minutes}:{seconds:02d} left", minutes=left_s // 60, seconds=left_s % 60)


class Progress:
    """Rows on `stream`, in the order they were made; leave the context when all is over."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._stream = stream
        self._redraws = is_terminal(stream)
        self._rows: list[Row] = []
        self._drawn = 0
        self._drawn_s = float("-inf")
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._redraws:
                self._draw()

    def row(self, label: str, total: int) -> Row:
        """A further line."""
        with self._lock:
            row = Row(self, label, total)
            self._rows.append(row)
            return row

    def changed(self, row: Row, *, is_step: bool, is_end: bool = False) -> None:
        """`row` has something new to say."""
        with self._lock:
            if not self._redraws:
                if is_step:
                    print(row.text(), file=self._stream, flush=True)
            elif is_end or self.clock() - self._drawn_s >= _REDRAW_S:
                self._draw()

    def _draw(self) -> None:
        """Every row again, each cut to the terminal's width: a line that wraps would be counted as one."""
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = "".join(f"\r\x1b[K{row.text()[:width]}\n" for row in self._rows)
        self._stream.write(up + lines)
        self._stream.flush()
        self._drawn, self._drawn_s = len(self._rows), self.clock()
