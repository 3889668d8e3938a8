"""A power cut in every write to the flash during an update on the MicroPython VM, torn pages and second cuts included.

Knows: how the update is lived and its flash read. Must not know: how a bundle is signed, how a result is printed.

One update is lived: received, switched to, tried and confirmed. What starts after each cut is told by `cuts.py`; of a
sample, the whole device starts and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hil.faults.cuts import Cuts
from hil.faults.life import SECOND_US, stand_for
from hil.faults.update_life import receive, switch, told_version
from hil.faults.vm_flash import Flash, FlashDevice
from hil.targets.target import Provision

_START_US = 2 * SECOND_US


class UpdateSweep(Cuts):
    """The cuts from the device's start to the confirmation of its update. Raises TargetError."""

    def __init__(self, board: Mapping[str, bytes], provision: Provision, bundle: bytes, directory: Path) -> None:
        """`board` is what lies on the flash before the update, by path."""
        self._provision = provision
        self._flash = Flash(directory)
        source = directory / "board"
        for path, data in board.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        self._flash.make_of(source, provision)
        first = self._flash.read()
        self._live(bundle)
        super().__init__(first, [operation for _, operation in self._flash.log()], directory)

    def version_after(self, number: int, done: int) -> int:
        """Start the whole device from what a cut leaves; the version it tells, 0 when it is silent."""
        self._flash.write(self.image(number, done))
        device = FlashDevice(self._flash.directory, self._provision)
        return told_version(device, self._provision.role, _START_US)

    def _live(self, bundle: bytes) -> None:
        device = FlashDevice(self._flash.directory, self._provision)
        stand = stand_for(device, self._provision.role)
        try:
            stand.run(_START_US)
            receive(stand, bundle)
            switch(stand)
        finally:
            device.close()
