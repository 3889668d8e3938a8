"""A power cut in every write to the flash while `gate flash` fills an emulated RP2040, torn pages included.

Knows: what may start from what a cut leaves, and that the same run again must mend it. Must not know: what a set is.

One run is lived, and each erase and page of it noted. What would start from what a cut leaves is asked of the flash
alone, on the MicroPython VM; of a sample a chip is switched on, its outputs are watched, and it is flashed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from edge.boards.plan import Wanted
from hil.bench.flash import FlashBench
from hil.chip.emulator import HIGH
from hil.faults.chip_flash import ChipFlash
from hil.faults.cuts import Cuts, Start
from hil.faults.life import MOVES
from sim_devices.devices.output_card import MAX_AGE_US

_LOOK_US = 3_000_000  # no role drives anything later than that after power came on, if it starts
_FIRST_SCAN_US = 200_000  # after a control drives what is safe


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

    def harm_of_start(self, start: Start) -> list[str]:
        """Switch a chip on with what the cut of `start` leaves: a sentence for everything that is not right."""
        bench = self._switched_on(start.number, start.done)
        harm = list(self._unattended(bench))
        if bool(bench.carrier.scans) != (start.slot != "-" and not start.is_held):
            harm.append("a control runs" if bench.carrier.scans else "no control runs")
        return harm

    def harm_of(self, number: int, done: int) -> list[str]:
        """Switch a chip on with what a cut leaves, then flash it again: a sentence for everything that is not right."""
        bench = self._switched_on(number, done)
        _, outcome = bench.flash()  # which looks at every byte of it
        extra = bench.files().keys() - self._wanted.keys() - self._own.keys()  # before its control lives and stores
        bench.chip.advance(_LOOK_US)
        harm = list(self._unattended(bench))
        if not outcome.starts:
            harm.append(f"it does not start: {outcome.why_not}")
        return harm + [f"{path} was left there" for path in sorted(extra)]

    def _switched_on(self, number: int, done: int) -> FlashBench:
        bench = FlashBench(self._uf2, self._role, self._wanted, image=self.image(number, done))
        bench.chip.advance(_LOOK_US)
        return bench

    def _unattended(self, bench: FlashBench) -> Iterator[str]:
        """What was driven while no control scanned: nothing may be, except what is safe by a control that begins."""
        scans, changes = bench.carrier.scans, bench.carrier.output_changes
        for at_us, name, level in changes:
            begins_us = 0 if name in MOVES[self._role] else _FIRST_SCAN_US
            if level == HIGH and not any(at_us - MAX_AGE_US <= scan <= at_us + begins_us for scan in scans):
                yield f"{name} is driven at {at_us // 1000} ms without a control"
        for scan, following in pairwise([*scans, bench.chip.now_us]):
            if following - scan > MAX_AGE_US:
                levels = {name: level for at_us, name, level in changes if at_us <= scan + MAX_AGE_US}
                on = sorted(name for name, level in levels.items() if level == HIGH)
                yield from (f"{name} is still on {MAX_AGE_US // 1000} ms after the last scan" for name in on)
