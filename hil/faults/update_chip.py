"""A power cut in every write to the flash during an update on an emulated RP2040, torn pages included.

Knows: what a board must start after a cut. Must not know: how a chip is emulated, how a bundle is signed.

One update is lived on the chip, and each erase and page of it noted. A cut loses everything but the flash: so what
starts is asked of the flash alone (`cuts.py`), which is a hundred times quicker than a start of the chip; of a sample,
a chip does start and answers.
"""

from __future__ import annotations

from pathlib import Path

from hil.chip.emulator import find_uf2
from hil.chip.starts import Starts
from hil.faults.chip_flash import ChipFlash
from hil.faults.cuts import Cuts
from hil.faults.life import SECOND_US, stand_for
from hil.faults.update_life import receive, switch, told_version
from hil.targets.rp2040 import Rp2040Device, Rp2040Target
from hil.targets.target import Options, Provision

_START_US = SECOND_US // 2  # the card's own start is over by then


class ChipUpdateSweep(Cuts):
    """The cuts from the beginning of the update to its confirmation. Raises BlockedError and TargetError."""

    def __init__(self, provision: Provision, bundle: bytes, directory: Path, options: Options) -> None:
        self._provision = provision
        self._uf2 = find_uf2(options.uf2)
        device = Rp2040Target(options).start(provision, directory)
        assert isinstance(device, Rp2040Device)
        flash = self._live(device, bundle)
        super().__init__(flash.first, flash.operations, directory)

    def version_after(self, number: int, done: int) -> int:
        """Start a chip from what a cut leaves; the version it tells, 0 when it is silent."""
        return start_from(self._uf2, self._provision, self.image(number, done))

    def _live(self, device: Rp2040Device, bundle: bytes) -> ChipFlash:
        stand = stand_for(device, self._provision.role)
        try:
            stand.run(SECOND_US)
            flash = ChipFlash(device.chip)
            receive(stand, bundle)
            device.expect_reset()
            switch(stand)
            return flash
        finally:
            device.close()


def start_from(uf2: Path, provision: Provision, image: bytes) -> int:
    """The version that a chip with this flash tells, 0 when it is silent."""
    return told_version(Rp2040Device(uf2, provision, image, Starts()), provision.role, _START_US)
