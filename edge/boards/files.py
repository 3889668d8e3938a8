"""A board's files, as provisioning, swapping and flashing use them, and the one way in which it fails.

Knows no port and no interpreter; board.py implements it.
"""

from __future__ import annotations

from typing import Protocol

from edge.cli_common import EXIT_FAILED


class BoardError(Exception):
    """One sentence for the technician; `code` is the exit code of the word that meets it."""

    def __init__(self, sentence: str, code: int = EXIT_FAILED) -> None:
        super().__init__(sentence)
        self.code = code


class BoardFiles(Protocol):
    """The files of a board that stands still. Paths have no leading slash. Everything may raise BoardError."""

    where: str
    """Where it hangs, as people know it: /dev/ttyACM0."""

    def read(self, path: str) -> bytes | None:
        """The file's bytes, None when there is no such file."""

    def replace(self, path: str, data: bytes) -> None:
        """Write PATH.new, read it back, rename it: the old or the new file is there whatever happens."""

    def remove(self, path: str) -> None:
        """Remove a file; absent is fine."""

    def names(self, folder: str) -> list[str]:
        """What lies in `folder` ("" is the top), folders ending in "/"; nothing when there is no such folder."""

    def unique_id(self) -> str:
        """The chip's own number in hexadecimal, "" where the port has none."""

    def run(self, code: str) -> str:
        """What a program prints there."""

    def release(self) -> bool:
        """Let the control start again; False when somebody else's wish keeps it from starting."""

    def reset(self) -> None:
        """Reset the board: its program starts, the console is left."""

    def close(self) -> None:
        """Leave the port."""
