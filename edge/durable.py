"""Files that are whole or not there, and on the disk once written.

Knows: how the system makes a write last. Must not know: what is in a file. Raises OSError as the system gives it.
"""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY = 0o600
_FOLDER_MODE = 0o700
_UNFINISHED = ".tmp"


def make_folder(folder: Path) -> None:
    """The folder, for its owner alone if it has to be made."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)


def write_whole(path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
    """Put `data` in the place of what `path` held; a cut leaves the one or the other, never a part."""
    rename(_write_beside(path, data, mode), path)


def write_new(path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
    """Make the file `path`, whole; FileExistsError when somebody has made it meanwhile."""
    unfinished = _write_beside(path, data, mode)
    try:
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    unfinished = path.with_name(path.name + _UNFINISHED)
    unfinished.unlink(missing_ok=True)  # of a cut before; its mode could be another
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return unfinished


def rename(old: Path, new: Path) -> None:
    """Put `old` in the place of `new`, and have that last."""
    os.replace(old, new)
    sync_folder(new.parent)


def append_line(path: Path, line: bytes, mode: int = OWNER_ONLY) -> None:
    """Add a line that ends in a newline; a cut leaves it without that."""
    is_new = not path.exists()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, mode)
    with os.fdopen(file, "ab") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    if is_new:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
