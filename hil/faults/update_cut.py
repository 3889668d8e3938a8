"""A power cut in every write to the flash during an update on the MicroPython VM, torn pages and second cuts included.

Knows: what a board must start after a cut. Must not know: how a bundle is signed, how a result is printed.

One update is lived: received, switched to, tried and confirmed. Then, for every write and every way it may be torn, the
flash is built as the cut leaves it, and the start chooses a slot from it (`on_vm/slot_cuts.py`); of a sample, the whole
device starts and answers.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.faults.life import SECOND_US, stand_for
from hil.faults.stand import SilentError
from hil.faults.update_life import push, switch
from hil.faults.vm_flash import Flash, FlashDevice, Operation, apply, write_log
from hil.targets.target import Provision, TargetError
from protocols.registers import barrier as registers
from sim_devices.micropython import VM
from tools.deploy import ROOT

_CUTS = Path(__file__).parent / "on_vm" / "slot_cuts.py"
_START_US = 2 * SECOND_US


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


class UpdateSweep:
    """`starts` lets cuts happen; `versions` are the manifests' SHA-256 that may start. Raises TargetError."""

    def __init__(self, board: Mapping[str, bytes], provision: Provision, bundle: bytes, directory: Path) -> None:
        """`board` is what lies on the flash before the update, by path."""
        self._provision = provision
        self._flash = Flash(directory)
        source = directory / "board"
        for path, data in board.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        self._flash.make_of(source, provision)
        self._first = self._flash.read()
        self._live(bundle)
        self._log = self._flash.log()
        self._last = self._flash.read()

    @property
    def writes(self) -> int:
        """Programs and erases of the update, from the device's start to its confirmation."""
        return len(self._log)

    def starts(self, first: int = 1, step: int = 1) -> Iterator[Start]:
        """Every `step`-th write from the `first` on, torn in each way."""
        write_log(self._flash.directory, self._first, [operation for _, operation in self._log])
        yield from starts_after_cuts(self._flash.directory, first, step)

    def version_after(self, number: int, done: int) -> int:
        """Start the whole device from what a cut leaves; the version it tells, 0 when it is silent."""
        content = bytearray(self._first)
        for _, operation in self._log[: number - 1]:
            apply(content, operation, len(operation.data))
        apply(content, self.operation(number), done)
        self._flash.write(bytes(content))
        device = FlashDevice(self._flash.directory, self._provision)
        stand = stand_for(device, self._provision.role)
        try:
            stand.run(_START_US)
            return stand.read(registers.AT_FIRMWARE_VERSION, 1)[0]
        except (SilentError, TargetError):
            return 0
        finally:
            device.close()

    def operation(self, number: int) -> Operation:
        """The `number`-th write, counted from 1."""
        return self._log[number - 1][1]

    def _live(self, bundle: bytes) -> None:
        device = FlashDevice(self._flash.directory, self._provision)
        stand = stand_for(device, self._provision.role)
        try:
            stand.run(_START_US)
            if push(stand, bundle)[0] != registers.UPDATE_STATE_READY:
                raise TargetError(f"the update ended with reason {stand.point('update_reason')}")
            switch(stand)
            if stand.point("update_state") != registers.UPDATE_STATE_IDLE or stand.point("running_slot") != 2:
                raise TargetError("the new slot was not confirmed")
        finally:
            device.close()


def starts_after_cuts(directory: Path, first: int = 1, step: int = 1) -> Iterator[Start]:
    """What starts after cuts in the writes that the log of the flash in `directory` has: every `step`-th from `first`.

    Raises TargetError.
    """
    command = [str(VM), "-X", "heapsize=48m", str(_CUTS), str(directory), str(first), str(step)]
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise TargetError(f"the cuts could not be made: {done.stderr or done.stdout}")
    for line in done.stdout.splitlines():
        kind, number, size, slot, manifest, is_whole, is_held, outside = line.split()
        is_second = kind == "AGAIN"
        yield Start(int(number), int(size), slot, manifest, is_whole == "1", is_held == "1", outside, is_second)
