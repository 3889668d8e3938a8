"""A power cut in every write to the flash during an update on an emulated RP2040, torn pages included.

Knows: what a board must start after a cut. Must not know: how a chip is emulated, how a bundle is signed.

One update is lived on the chip, and each erase and page of it noted. A cut loses everything but the flash: so what
starts is asked of the flash alone, by the same choice of a slot on the MicroPython VM (`on_vm/slot_cuts.py`), which is
a hundred times quicker than a start of the chip; of a sample, a chip does start and answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hil.chip.emulator import find_uf2
from hil.chip.starts import Starts
from hil.faults.chip_flash import ChipFlash
from hil.faults.life import SECOND_US, stand_for
from hil.faults.stand import SilentError
from hil.faults.update_cut import Start, starts_after_cuts
from hil.faults.update_life import push, switch
from hil.faults.vm_flash import Operation
from hil.targets.rp2040 import Rp2040Device, Rp2040Target
from hil.targets.target import Options, Provision, TargetError
from protocols.registers import barrier as registers

_START_US = SECOND_US // 2  # the card's own start is over by then


class ChipUpdateSweep:
    """`starts` lets cuts happen; `took_us` is how long the update took. Raises BlockedError and TargetError."""

    def __init__(self, provision: Provision, bundle: bytes, directory: Path, options: Options) -> None:
        self._provision = provision
        self._uf2 = find_uf2(options.uf2)
        self._directory = directory
        device = Rp2040Target(options).start(provision, directory)
        assert isinstance(device, Rp2040Device)
        self.took_us = 0
        self._flash = self._live(device, bundle)
        self._flash.store(directory)

    @property
    def writes(self) -> int:
        """Erases and pages of the update, from its beginning to its confirmation."""
        return len(self._flash.operations)

    def operation(self, number: int) -> Operation:
        """The `number`-th write, counted from 1."""
        return self._flash.operations[number - 1]

    def starts(self, first: int = 1, step: int = 1) -> Iterator[Start]:
        """Every `step`-th write from the `first` on, torn in each way."""
        yield from starts_after_cuts(self._directory, first, step)

    def version_after(self, number: int, done: int) -> int:
        """Start a chip from what a cut leaves; the version it tells, 0 when it is silent."""
        return start_from(self._uf2, self._provision, self._flash.image(number, done))

    def _live(self, device: Rp2040Device, bundle: bytes) -> ChipFlash:
        stand = stand_for(device, self._provision.role)
        try:
            stand.run(SECOND_US)
            flash, began_us = ChipFlash(device.chip), stand.now_us
            if push(stand, bundle)[0] != registers.UPDATE_STATE_READY:
                raise TargetError(f"the update ended with reason {stand.point('update_reason')}")
            self.took_us = stand.now_us - began_us
            device.expect_reset()
            switch(stand)
            if stand.point("update_state") != registers.UPDATE_STATE_IDLE or stand.point("running_slot") != 2:
                raise TargetError("the new slot was not confirmed")
            return flash
        finally:
            device.close()


def start_from(uf2: Path, provision: Provision, image: bytes) -> int:
    """The version that a chip with this flash tells, 0 when it is silent."""
    device = Rp2040Device(uf2, provision, image, Starts())
    stand = stand_for(device, provision.role)
    try:
        stand.run(_START_US)
        return stand.read(registers.AT_FIRMWARE_VERSION, 1)[0]
    except (SilentError, TargetError):
        return 0
    finally:
        device.close()
