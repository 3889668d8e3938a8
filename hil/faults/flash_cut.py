"""A power cut in every write to the flash while `gate flash` fills an emulated RP2040, torn pages included.

Knows: what may start from what a cut leaves, and that the same run again must mend it. Must not know: what a set is.

One run is lived, and each erase and page of it noted. What would start from what a cut leaves is asked of the flash
alone, on the MicroPython VM; of a sample a chip is switched on, its outputs are watched, and it is flashed again.
"""

from __future__ import annotations

from pathlib import Path

from edge.boards.plan import Wanted
from hil.bench.flash import FlashBench
from hil.chip.emulator import HIGH, read_files
from hil.faults.chip_flash import ChipFlash
from hil.faults.cuts import Cuts

_LOOK_US = 3_000_000  # no role drives anything later than that after power came on, if it starts
_HOLD = "maintenance"


class FlashSweep(Cuts):
    """`held` lies on the board of `role` when the run begins that brings it to hold `wanted`."""

    def __init__(self, uf2: Path, role: str, held: Wanted, wanted: Wanted, directory: Path) -> None:
        self._uf2, self._role, self._wanted = uf2, role, wanted
        bench = FlashBench(uf2, role, wanted, held)
        flash = ChipFlash(bench.chip)
        bench.flash()
        bench.chip.advance(_LOOK_US)
        super().__init__(flash.first, flash.operations, directory)
        self._own = {path: data for path, data in bench.files().items() if path not in wanted}

    def harm_of(self, number: int, done: int) -> list[str]:
        """Switch a chip on with what a cut leaves, then flash it again: a sentence for everything that is not right."""
        image = self.image(number, done)
        bench = FlashBench(self._uf2, self._role, self._wanted, image=image)
        bench.chip.advance(_LOOK_US)
        harm = []
        if _HOLD in read_files(image):
            driven = {name for _, name, level in bench.carrier.output_changes if level == HIGH}
            harm += [f"{name} is driven by a board whose flashing is not over" for name in sorted(driven)]
        _, outcome = bench.flash()  # which looks at every byte of it
        if not outcome.starts:
            harm.append(f"it does not start: {outcome.why_not}")
        extra = bench.files().keys() - self._wanted.keys() - self._own.keys()
        return harm + [f"{path} was left there" for path in sorted(extra)]
