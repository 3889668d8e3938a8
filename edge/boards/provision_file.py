"""A board's provision file as a host reads it: `firmware/boards/provision.py` is the board's own reading, which judges.

Knows: lines of key=value. Must not know: what a key means.
"""

from __future__ import annotations

FILE_NAME = "provision.txt"


def read_text(data: bytes) -> dict[str, str]:
    """What stands in a file, as far as it can be read: nothing of what is no text."""
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return {}
    pairs = [line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, _, value in pairs}
