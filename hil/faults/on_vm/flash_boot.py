"""Starts a deployed device on the MicroPython VM with all its files on littlefs, on a flash kept in two host files.

Runs on the VM, never in CPython. `flash.img` is the flash as it is; `flash.log` has every erase and program since the
log was begun, so that the host can build the flash of every instant in between. Block and program size are those of an
RP2040 (ports/rp2/modules/_boot.py of MicroPython).

Log entry, little-endian: `<BHHH` kind (PROGRAM, ERASE, FAILED), block, offset, size; then `size` bytes.
Arguments: `make DIRECTORY SOURCE` formats an image and copies the files of SOURCE onto it; `run DIRECTORY AT LASTS`
starts the device, with the AT-th operation failing (0 for none), and all that follow when LASTS is 1.
"""

import os
import struct
import sys

vfs = __import__("vfs")  # of the VM

BLOCK_SIZE = 4096
BLOCK_COUNT = 256
PROGRAM_SIZE = 256
PROGRAM, ERASE, FAILED = 0, 1, 2
ROOT = "/flash"
_EIO = 5
_COUNT, _SIZE, _ERASE = 4, 5, 6
_DIRECTORY = 0x4000


class Flash:
    """A block device in memory, written through to the image and noted in the log.

    Works without the heap too: files that an error left open are closed while it is collected.
    """

    def __init__(self, directory: str, fails_at: int, lasts: int) -> None:
        self._image = open(directory + "/flash.img", "r+b")  # noqa: SIM115  # for as long as the device runs
        self._log = open(directory + "/flash.log", "ab")  # noqa: SIM115
        self._data = bytearray(self._image.read())
        self._erased = bytearray(b"\xff" * BLOCK_SIZE)
        self._head = bytearray(7)
        self._fails_at = fails_at
        self._lasts = lasts
        self._operations = 0

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        data, at = self._data, block * BLOCK_SIZE + offset
        try:
            buffer[:] = data[at : at + len(buffer)]
        except MemoryError:
            for index in range(len(buffer)):
                buffer[index] = data[at + index]

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> int:
        return self._change(PROGRAM, block, offset, buffer)

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == _COUNT:
            return BLOCK_COUNT
        if operation == _SIZE:
            return BLOCK_SIZE
        return self._change(ERASE, argument, 0, self._erased) if operation == _ERASE else 0

    def _change(self, kind: int, block: int, offset: int, content: bytearray) -> int:
        self._operations += 1
        if self._fails():
            self._note(FAILED, block, offset, 0)
            return -_EIO
        data, at, size = self._data, block * BLOCK_SIZE + offset, len(content)
        self._note(kind, block, offset, 0 if kind == ERASE else size)
        if kind == PROGRAM:
            self._log.write(content)
        for index in range(size):  # a slice would be memory, which there may be none of
            data[at + index] = content[index]
        self._image.seek(at)
        self._image.write(content)
        return 0

    def _fails(self) -> bool:
        if not self._fails_at or self._operations < self._fails_at:
            return False
        return self._operations == self._fails_at or self._lasts == 1

    def _note(self, kind: int, block: int, offset: int, size: int) -> None:
        struct.pack_into("<BHHH", self._head, 0, kind, block, offset, size)
        self._log.write(self._head)


def make(directory: str, source: str) -> None:
    """Format the image and copy a file set onto it."""
    with open(directory + "/flash.img", "wb") as image:
        for _ in range(BLOCK_COUNT):
            image.write(b"\xff" * BLOCK_SIZE)
    flash = Flash(directory, 0, 0)
    vfs.VfsLfs2.mkfs(flash, progsize=PROGRAM_SIZE)
    vfs.mount(vfs.VfsLfs2(flash, progsize=PROGRAM_SIZE), ROOT)
    copy(source, ROOT)


def copy(source: str, target: str) -> None:
    """A folder with all that is in it."""
    for entry in sorted(os.ilistdir(source)):  # type: ignore[attr-defined]  # of the VM
        one, other = source + "/" + entry[0], target + "/" + entry[0]
        if entry[1] & _DIRECTORY:
            os.mkdir(other)
            copy(one, other)
        else:
            with open(one, "rb") as reader, open(other, "wb") as writer:
                writer.write(reader.read())


def run(directory: str, fails_at: int, lasts: int) -> None:
    """Mount the flash and start the device from it."""
    vfs.mount(vfs.VfsLfs2(Flash(directory, fails_at, lasts), progsize=PROGRAM_SIZE), ROOT)
    sys.path[:] = [ROOT, ".frozen"]
    sys.argv[1:] = [ROOT]
    __import__("main")


if sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3])
else:
    run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
