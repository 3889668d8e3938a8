"""Whether files can be put into a folder, asked before a run that would be for nothing.

Knows: the file system. Must not know: what is put there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edge.words import tr
from hil.targets.target import UsageError


def check_folder(folder: Path, option: str) -> None:
    """Make it and write a file that is gone at once; raises UsageError, which names the option."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(unwritable(folder, error, option)) from None


def unwritable(place: Path, error: OSError, option: str) -> str:
    """The sentence of what cannot be written, which `option` named."""
    names = {"file": place, "why": error.strerror, "option": option}
    return tr("{file}: cannot be written ({why}); name another place with {option}", **names)
