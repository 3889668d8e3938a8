"""The hub's eye on the book of boards: what `gate provision` and `gate swap` wrote, also while no hub was running.

Knows: the book, and a cursor in the journal that says how far it was taken. Must not know: sessions, keys' files. Every
fact is journalled once, in the transaction that moves the cursor.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.provision.book import BOOK_NAME, Book, BookError, Entry, read_book

CURSOR = "/boards"  # no device name has a slash
LOOK_S = 0.5
_log = logging.getLogger(__name__)


class BookWatch:
    """`on_book(book, news)` gets the book and its entries beyond `taken`: at first, and whenever it has changed."""

    def __init__(self, data_dir: Path, taken: int, on_book: Callable[[Book, Sequence[Entry]], None]) -> None:
        self._path = data_dir / BOOK_NAME
        self._taken = taken
        self._on_book = on_book
        self._seen: tuple[int, int] | None = (0, 0)
        self.reason = ""  # why the book cannot be read

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Take what is new."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            book = read_book(self._path.parent)
            self.reason = ""
        except BookError as error:
            self.reason = str(error)
            _log.error("%s", error)
            return
        news = [entry for entry in book.entries if entry.number > self._taken]
        self._taken = max(self._taken, len(book.entries))
        self._on_book(book, news)

    def _state(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
