"""A device on the MicroPython VM whose files lie on littlefs, on a flash of which every instant can be built again.

Knows: the two files of the flash and its log (`on_vm/flash_boot.py`), how flash is left by a cut. Must not know: roles,
what is promised.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.targets.target import Provision, TargetError
from hil.targets.vm import BOARD, VmDevice, deployed_sets
from sim_devices.devices.vm_link import VmLink
from sim_devices.micropython import VM

PROGRAM, ERASE, FAILED = 0, 1, 2
_BLOCK_SIZE = 4096
_HEAP = ("-X", "heapsize=8m")  # the flash is kept in memory too
_ENTRY = struct.Struct("<BHHH")
_BOOT = Path(__file__).parent / "on_vm" / "flash_boot.py"
_IMAGE, _LOG = "flash.img", "flash.log"


@dataclass(frozen=True, slots=True)
class Operation:
    """One program or erase of the flash, at byte `at`; `data` is what it leaves there, nothing when it failed."""

    kind: int
    at: int
    data: bytes


class FlashDevice(VmDevice):
    """A VM device on the flash of `directory`. `fails_at` is the operation of each start that fails, 0 for none."""

    def __init__(self, directory: Path, provision: Provision, fails_at: int = 0, is_lasting: bool = False) -> None:
        self._directory = directory
        self._flash_link = VmLink(directory, directory, provision.settings())
        self._flash_link.arguments = [*_HEAP, str(_BOOT), "run", str(directory), str(fails_at), str(int(is_lasting))]
        super().__init__(self._flash_link)

    def replace_flash(self) -> None:
        """From the next start on no operation fails."""
        self._flash_link.arguments = [*_HEAP, str(_BOOT), "run", str(self._directory), "0", "0"]


class Flash:
    """The flash in `directory`: `make` formats it with a file set, `read` is its content, `write` replaces it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def make(self, provision: Provision) -> None:
        """Put the deployed set and the provision file on a new file system; the log begins behind that.

        Raises BlockedError and TargetError.
        """
        source = deployed_sets([provision.role], self.directory / "deploy") / f"{provision.role}-{BOARD}"
        self.make_of(source, provision)
        shutil.rmtree(self.directory / "deploy")

    def make_of(self, source: Path, provision: Provision) -> None:
        """The same of what lies in `source`, to which the provision file is added."""
        text = "".join(f"{key}={value}\n" for key, value in provision.settings().items())
        (source / "provision.txt").write_text(text, encoding="ascii")
        command = [str(VM), *_HEAP, str(_BOOT), "make", str(self.directory), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TargetError(f"the flash could not be made: {done.stderr.strip()}")
        (self.directory / _LOG).write_bytes(b"")

    def read(self) -> bytes:
        return (self.directory / _IMAGE).read_bytes()

    def write(self, content: bytes) -> None:
        (self.directory / _IMAGE).write_bytes(content)
        (self.directory / _LOG).write_bytes(b"")

    def log_size(self) -> int:
        """How far the log has come; it grows with every operation."""
        return (self.directory / _LOG).stat().st_size

    def log(self) -> list[tuple[int, Operation]]:
        """Every operation with the size of the log behind it."""
        return list(_read_log((self.directory / _LOG).read_bytes()))


def write_log(directory: Path, first: bytes, operations: Sequence[Operation]) -> None:
    """Have the flash of `directory` be `first`, and its log what was done to it since."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _IMAGE).write_bytes(first)
    with (directory / _LOG).open("wb") as log:
        for operation in operations:
            data = b"" if operation.kind == ERASE else operation.data
            log.write(_ENTRY.pack(operation.kind, *divmod(operation.at, _BLOCK_SIZE), len(data)) + data)


def _read_log(log: bytes) -> Iterator[tuple[int, Operation]]:
    at = 0
    while at < len(log):
        kind, block, offset, size = _ENTRY.unpack_from(log, at)
        at += _ENTRY.size + size
        data = b"\xff" * _BLOCK_SIZE if kind == ERASE else log[at - size : at]
        yield at, Operation(kind, block * _BLOCK_SIZE + offset, data)


def torn_ways(operation: Operation) -> Sequence[int]:
    """How many bytes of an operation may be done when the power goes: one, half, all but one, all."""
    size = len(operation.data)
    return (1, size // 2, size - 1, size)


def apply(content: bytearray, operation: Operation, size: int) -> None:
    """Do the first `size` bytes of an operation."""
    content[operation.at : operation.at + size] = operation.data[:size]
