"""The slots port over files: what an update needs of the two slots of a board whose files lie below `root`.

Knows paths, and the pointer of slots.py. Must not know what a bundle is. Allocates and blocks; outside of scans only.
"""

import errno
import os

from firmware.boards import slots
from firmware.ports import MANIFEST_FILE, NullSlots

_FOLDER = 0x4000
_VERSION_KEY = b"version "
_HEAD_LINES = 8


class SlotFiles(NullSlots):
    """`running` is the slot this program was started from; `reset` starts the board anew, `mpy` as in the port."""

    def __init__(self, root: str, running: str, reset, mpy: int) -> None:  # type: ignore[no-untyped-def]  # a function
        NullSlots.__init__(self)
        self.running = running
        self.mpy = mpy
        self._root = root
        self._mine = root + "/" + running + "/"
        self._other = root + "/" + slots.other_slot(running) + "/"
        self._reset = reset

    def state(self) -> str:
        """Return the pointer's state, "" when it does not speak of the running slot."""
        pointer = slots.read_pointer(self._root)
        return pointer.state if pointer is not None and pointer.slot == self.running else ""

    def other_version(self) -> int:
        """Return the version that the manifest of the other slot tells, 0 when it has none."""
        try:
            with open(self._other + MANIFEST_FILE, "rb") as file:
                for _ in range(_HEAD_LINES):
                    line = file.readline()
                    if line[: len(_VERSION_KEY)] == _VERSION_KEY:
                        major, minor = line[len(_VERSION_KEY) :].split(b".")
                        return int(major) * 256 + int(minor)
        except (OSError, ValueError):
            pass
        return 0

    def open_running(self, path: str):  # type: ignore[no-untyped-def]  # a file
        """Open a file of the running slot; OSError."""
        return open(self._mine + path, "rb")

    def open(self, path: str):  # type: ignore[no-untyped-def]
        """Open a file of the other slot; OSError."""
        return open(self._other + path, "rb")

    def create(self, path: str):  # type: ignore[no-untyped-def]
        """Open a new file of the other slot, with the folders it lies in; OSError."""
        parts = (self._other + path).split("/")
        first = len(self._root.split("/"))
        for count in range(first + 1, len(parts)):
            _make_folder("/".join(parts[:count]))
        return open(self._other + path, "wb")

    def remove(self, path: str) -> None:
        """Remove a file of the other slot, if it is there; OSError for any other reason."""
        try:
            os.remove(self._other + path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def rename(self, path: str, fresh: str) -> None:
        """Give a file of the other slot the name of another, which it replaces; OSError."""
        os.rename(self._other + path, self._other + fresh)

    def walk(self):  # type: ignore[no-untyped-def]  # an iterator of str
        """Give the path of each file of the other slot; one that was given may be removed before the next."""
        return _walk(self._other, "")

    def begin_trial(self) -> bool:
        """Point at the other slot, to be started on trial; False when that could not be stored."""
        mine = slots.digest_of(self._mine + MANIFEST_FILE)
        fresh = slots.digest_of(self._other + MANIFEST_FILE)
        if not fresh or not mine:  # without the one that runs there is no way back
            return False
        pointer = slots.Pointer(slots.other_slot(self.running), slots.TRIAL, fresh, mine)
        return slots.write_pointer(self._root, pointer)

    def confirm(self) -> bool:
        """End the trial of the running slot well; False when that could not be stored."""
        pointer = slots.read_pointer(self._root)
        if pointer is None or pointer.slot != self.running:
            return False
        pointer.state = slots.CONFIRMED
        return slots.write_pointer(self._root, pointer)

    def reset(self) -> None:
        """Start anew."""
        self._reset()


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise


def _walk(root: str, folder: str):  # type: ignore[no-untyped-def]
    for name in os.listdir(root + folder):
        path = folder + name
        if os.stat(root + path)[0] & _FOLDER:
            yield from _walk(root, path + "/")
        else:
            yield path
