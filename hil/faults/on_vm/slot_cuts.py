"""Which slot starts from what a power cut leaves: for the operations of a flash log, one after the other.

Runs on the VM, never in CPython. Arguments: the directory of `flash.img` (as it was before the log) and `flash.log`,
the number of the first operation, and the distance from one to the next.

For each operation and each way it may be torn, the file system is mounted and `slots.choose` of the deployed sources is
asked, as a start would. Where it writes, a second cut comes in the middle of each of its writes. A line for each:
`CUT number done slot manifest whole held outside`, and `AGAIN` with the same for the start behind a second cut.
*Held*: a file keeps the control from starting. *Outside*: one hash for all that a start needs and that lies in no slot.
"""

import binascii
import hashlib
import os
import struct
import sys

from firmware.boards import slots

vfs = __import__("vfs")  # of the VM

BLOCK_SIZE = 4096
PROGRAM_SIZE = 256
PROGRAM, ERASE = 0, 1
HEAD_SIZE = 7
ROOT = "/cut"
OUTSIDE = ("main.py", "main.mpy", "slots.mpy", "clock.mpy", "provision.txt")


class Flash:
    """A block device in memory; `log` has what was written since it was made."""

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.log: list[tuple[int, bytes]] = []
        self._view = memoryview(data)

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        at = block * BLOCK_SIZE + offset
        buffer[:] = self._view[at : at + len(buffer)]

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> int:
        return self._change(block * BLOCK_SIZE + offset, bytes(buffer))

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == 4:
            return len(self.data) // BLOCK_SIZE
        if operation == 5:
            return BLOCK_SIZE
        return self._change(argument * BLOCK_SIZE, b"\xff" * BLOCK_SIZE) if operation == 6 else 0

    def _change(self, at: int, content: bytes) -> int:
        self.log.append((at, content))
        self.data[at : at + len(content)] = content
        return 0


def start_from(data: bytearray) -> tuple[str, list[tuple[int, bytes]]]:
    """What starts, and what was written meanwhile."""
    flash = Flash(data)
    vfs.mount(vfs.VfsLfs2(flash, progsize=PROGRAM_SIZE), ROOT)
    try:
        slot = slots.choose(ROOT)
        digest = slots.digest_of(ROOT + "/" + slot + "/" + slots.MANIFEST_FILE) if slot else ""
        whole = bool(slot) and slots.is_whole(ROOT, slot, digest)
        held = "maintenance" in os.listdir(ROOT)
        outside = hash_outside()
    finally:
        vfs.umount(ROOT)
    return "{} {} {} {} {}".format(slot or "-", digest or "-", int(whole), int(held), outside), flash.log


def hash_outside() -> str:
    """What is missing is hashed as nothing."""
    told = [slots.digest_of(ROOT + "/" + name) for name in OUTSIDE]
    return binascii.hexlify(hashlib.sha256(" ".join(told).encode()).digest()).decode()


def suffer(data: bytearray, number: int, done: int) -> None:
    torn = bytearray(data)
    told, written = start_from(torn)
    print("CUT", number, done, told)
    before = bytearray(data)
    for at, content in written:
        half = len(content) // 2
        again = bytearray(before)
        again[at : at + half] = content[:half]
        print("AGAIN", number, done, start_from(again)[0])
        before[at : at + len(content)] = content


def main(directory: str, first: int, step: int) -> None:
    with open(directory + "/flash.img", "rb") as file:
        data = bytearray(file.read())
    number = 0
    with open(directory + "/flash.log", "rb") as file:
        head = file.read(HEAD_SIZE)
        while head:
            number += 1
            kind, block, offset, size = struct.unpack("<BHHH", head)
            content = file.read(size) if kind == PROGRAM else b"\xff" * BLOCK_SIZE
            at = block * BLOCK_SIZE + offset
            if number >= first and (number - first) % step == 0:
                for done in (1, len(content) // 2, len(content) - 1, len(content)):
                    torn = bytearray(data)
                    torn[at : at + done] = content[:done]
                    suffer(torn, number, done)
            data[at : at + len(content)] = content
            head = file.read(HEAD_SIZE)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
