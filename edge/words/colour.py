"""Colours on a terminal, and none where nobody sees them.

Knows: which streams are terminals, and the habit of NO_COLOR (no-color.org). Must not know: what is said.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TextIO


class Colour(StrEnum):
    """Codes of ECMA-48 (8.3.117)."""

    RED = "31"
    GREEN = "32"
    BOLD = "1"


def is_terminal(stream: TextIO) -> bool:
    """Whether lines of `stream` can be drawn again."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: Colour, stream: TextIO) -> str:
    """`text` in a colour, or as it is where `stream` is no terminal or NO_COLOR is set."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
