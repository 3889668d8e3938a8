"""Keys as files hold them: 64 hexadecimal digits, and a secret one for nobody but its owner.

Knows: the digits, the mode of a file. Must not know: whose key it is, what is said of a file that is none. The one rule
of modes: a secret that anybody else may read, write or execute is open. Tools refuse it; a hub that runs a gate warns.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

KEY_SIZE = 32
DIGITS = 2 * KEY_SIZE
_PATTERN = re.compile(rb"[0-9A-Fa-f]{%d}" % DIGITS)
_READ_SIZE = 2 * DIGITS
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_of(digits: bytes) -> bytes | None:
    """The key of exactly these digits, None when they are none."""
    return bytes.fromhex(digits.decode("ascii")) if _PATTERN.fullmatch(digits) else None


def read_digits(path: Path) -> tuple[bytes, int]:
    """What stands in a file, without white space around it, and the file's mode. Raises OSError.

    A pipe without a writer is not waited for, and what is no plain file holds nothing.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        mode = os.fstat(file).st_mode
        return os.read(file, _READ_SIZE).strip() if stat.S_ISREG(mode) else b"", stat.S_IMODE(mode)
    finally:
        os.close(file)


def is_open(mode: int) -> bool:
    """Whether a file of this mode is anybody's but its owner's."""
    return bool(mode & _OTHERS)
