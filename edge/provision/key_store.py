"""The hub's key of one device, as a file, and the key that is to take its place.

Knows: `key_file` of the site file and the file beside it. Must not know: boards. A new key first lies beside the old
one (`NAME.new`) until a board holds it; whoever is cut between finds it there and goes on with it, so hub and board
never have different keys without `NAME.new` saying so. Sentences never hold a key.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edge.durable import make_folder, rename, sync_folder, write_whole
from edge.key_text import is_open, key_of, read_digits
from edge.provision.device_key import DeviceKey, new_key
from edge.words import tr

PENDING_SUFFIX = ".new"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class KeyStoreError(Exception):
    """The key store cannot be used; one sentence without any key."""


class KeyFile:
    """The two places of a device's key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending = path.with_name(path.name + PENDING_SUFFIX)

    def current(self) -> DeviceKey | None:
        """The key the hub uses, None when there is none. Raises KeyStoreError."""
        return _read(self.path)

    def pending(self) -> DeviceKey | None:
        """The key that is being put on a board, None when none is. Raises KeyStoreError."""
        return _read(self._pending)

    def make_pending(self) -> DeviceKey:
        """A new key, on the disk before anybody else has it. Raises KeyStoreError."""
        key = new_key()
        try:
            make_folder(self.path.parent)
            _refuse_open_folder(self.path.parent)
            write_whole(self._pending, key.secret.hex().encode("ascii") + b"\n")
        except OSError as error:
            raise _unwritable(self._pending, error) from None
        return key

    def commit(self) -> None:
        """The pending key becomes the hub's; harmless when there is none. Raises KeyStoreError."""
        if not self._pending.exists():
            return
        try:
            rename(self._pending, self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def drop_pending(self) -> None:
        """Forget a key that no board holds."""
        try:
            self._pending.unlink(missing_ok=True)
            if self._pending.parent.is_dir():
                sync_folder(self._pending.parent)
        except OSError as error:
            raise _unwritable(self._pending, error) from None


def _read(path: Path) -> DeviceKey | None:
    try:
        digits, mode = read_digits(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise KeyStoreError(tr("key file {path} cannot be read ({why}): check its owner", path=path, why=why)) from None
    key = key_of(digits)
    if key is None:
        raise KeyStoreError(
            tr(
                "key file {path} does not hold a key (64 hexadecimal digits): restore it, or move it away to get a "
                "new one",
                path=path,
            )
        )
    if is_open(mode):
        raise KeyStoreError(
            tr(
                "key file {path} is open to other users (mode {mode}): run chmod 600 {path}; if somebody may have read "
                "it, give the device a new key with --new-key",
                path=path,
                mode=f"{mode:03o}",
            )
        )
    return DeviceKey(key)


def _refuse_open_folder(folder: Path) -> None:
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _OTHERS_WRITE:
        raise KeyStoreError(
            tr(
                "folder {path} may be written by other users (mode {mode}), who could change keys: run "
                "chmod 700 {path}",
                path=folder,
                mode=f"{mode:03o}",
            )
        )


def _unwritable(path: Path, error: OSError) -> KeyStoreError:
    why = os.strerror(error.errno or 0)
    return KeyStoreError(
        tr(
            "key file {path} cannot be written ({why}): check the disk and run this as the user the hub runs as",
            path=path,
            why=why,
        )
    )
