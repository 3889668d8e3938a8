"""Every power cut that a run of writes to a flash can suffer, torn in every way, and what starts from what is left.

Knows: erases and pages in their order. Must not know: what wrote them, what must start. What starts is asked of the
flash alone, by the device's own choice of a slot on the MicroPython VM (`on_vm/slot_cuts.py`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.faults.vm_flash import Operation, apply, write_log
from hil.targets.target import TargetError
from sim_devices.micropython import VM
from tools.deploy import ROOT

_CUTS = Path(__file__).parent / "on_vm" / "slot_cuts.py"


@dataclass(frozen=True, slots=True)
class Start:
    """What started after a cut behind `done` bytes of the `number`-th write; `is_second` after a second cut.

    `is_held`: a file keeps the control from starting. `outside` is the same while nothing outside of the slots changed.
    """

    number: int
    done: int
    slot: str
    manifest: str
    is_whole: bool
    is_held: bool
    outside: str
    is_second: bool


class Cuts:
    """The cuts in `operations`, each erase and page that changed a flash which held `first`; counted from 1."""

    def __init__(self, first: bytes, operations: Sequence[Operation], directory: Path) -> None:
        self._first, self._operations, self._directory = first, operations, directory

    @property
    def writes(self) -> int:
        """How many erases and pages there are."""
        return len(self._operations)

    def operation(self, number: int) -> Operation:
        """The `number`-th write."""
        return self._operations[number - 1]

    def image(self, number: int, done: int) -> bytes:
        """What a cut behind `done` bytes of the `number`-th write leaves."""
        content = bytearray(self._first)
        for operation in self._operations[: number - 1]:
            apply(content, operation, len(operation.data))
        apply(content, self.operation(number), done)
        return bytes(content)

    def starts(self, first: int = 1, step: int = 1) -> Iterator[Start]:
        """What starts after a cut in every `step`-th write from the `first` on, torn in each way, and cut once more
        then. Raises TargetError.
        """
        write_log(self._directory, self._first, self._operations)
        command = [str(VM), "-X", "heapsize=48m", str(_CUTS), str(self._directory), str(first), str(step)]
        environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise TargetError(f"the cuts could not be made: {done.stderr or done.stdout}")
        for line in done.stdout.splitlines():
            kind, number, size, slot, manifest, is_whole, is_held, outside = line.split()
            is_second = kind == "AGAIN"
            yield Start(int(number), int(size), slot, manifest, is_whole == "1", is_held == "1", outside, is_second)
