"""A board's provision file as a host reads it: `firmware/boards/provision.py` is the board's own reading, which judges.

Knows: lines of key=value. Must not know: what a key means.
"""

from __future__ import annotations

FILE_NAME = "provision.txt"


def read_text(data: bytes) -> dict[str, str]:
    """What stands in a file, whatever it holds: one wrong byte must not hide whose board this is."""
    lines = data.decode("utf-8", "replace").splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, _, value in pairs}
