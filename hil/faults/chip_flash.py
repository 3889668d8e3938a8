"""The flash of an emulated RP2040 with every write to it, for `cuts.py`.

Knows: erases and pages as the chip's flash takes them. Must not know: what is on it, or what is judged.
"""

from __future__ import annotations

from hil.chip.emulator import Chip
from hil.faults.vm_flash import ERASE, PROGRAM, Operation

_ERASED = 0xFF
_BLOCK_SIZE = 4096


class ChipFlash:
    """What was in `chip`'s flash when this was made, and `operations`, each erase and page that changed it since."""

    def __init__(self, chip: Chip) -> None:
        self.first = chip.file_system()
        self.operations: list[Operation] = []
        chip.on_flash(self._note)

    def _note(self, at: int, data: bytes) -> None:
        is_erase = len(data) == _BLOCK_SIZE and set(data) == {_ERASED}
        self.operations.append(Operation(ERASE if is_erase else PROGRAM, at, data))
