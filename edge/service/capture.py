"""A heard line on disk: one JSON line per chunk, so that a colleague can look at it again.

Knows: the file's form. Must not know: what the bytes mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from edge.words import tr


class CaptureError(Exception):
    """The file is no capture; the text names the line."""


def write_chunk(file: TextIO, now_us: int, data: bytes) -> None:
    """Add one chunk."""
    file.write(json.dumps([now_us, data.hex()]) + "\n")


def read_chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    """The chunks of a capture in order; raises CaptureError and OSError."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                now_us, text = json.loads(line)
                yield int(now_us), bytes.fromhex(text)
            except (ValueError, TypeError) as error:
                raise CaptureError(
                    tr(
                        "{path}: line {number} is no chunk of a capture; name a file that gate sniff --save wrote",
                        path=path,
                        number=number,
                    )
                ) from error
