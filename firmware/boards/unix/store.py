"""The store port over files of the device's directory.

Knows paths. Must not know what a record means. Allocates; used at start and for commands only.
"""

import errno
import os

from firmware.ports import STORE_ABSENT, STORE_FAILED, NullEntropy, NullStore


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
        """Replace the file. On this interpreter flush() is fsync, so True means on the medium."""
        try:
            with open(self._directory + "/" + name, "wb") as file:
                written = file.write(memoryview(buffer)[:size])
                file.flush()
        except OSError:
            return False
        return written == size


class SystemEntropy(NullEntropy):
    """The operating system's random numbers."""

    def read_u15(self) -> int:
        """Return 0 to 32767."""
        data = os.urandom(2)
        return (data[0] << 8 | data[1]) & 0x7FFF
