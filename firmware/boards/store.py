"""The store port over files of the device's directory.

Knows paths. Must not know what a record means. Allocates; used at start and for commands only. A board with flash needs
littlefs below it: there a file is replaced whole or not at all when the power fails; FAT may lose the directory.
"""

import errno

from firmware.ports import STORE_ABSENT, STORE_FAILED, NullStore


class FileStore(NullStore):
    """One file per record."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def read(self, name: str, buffer: bytearray) -> int:
        """Fill `buffer` from the file; STORE_ABSENT when there is none."""
        try:
            with open(self._directory + "/" + name, "rb") as file:
                return file.readinto(buffer)
        except OSError as error:
            return STORE_ABSENT if error.errno == errno.ENOENT else STORE_FAILED

    def write(self, name: str, buffer: bytearray, size: int) -> bool:
        """Replace the file. flush() is fsync on the unix port and a sync of littlefs, so True means on the medium."""
        try:
            with open(self._directory + "/" + name, "wb") as file:
                written = file.write(memoryview(buffer)[:size])
                file.flush()
        except OSError:
            return False
        return written == size
