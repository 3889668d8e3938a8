"""How long flashing a role takes on an emulated RP2040, in the chip's own time, over its USB console.

Knows: the cases that are measured and their targets. Must not know: how they are printed. Nothing looks at a wall
clock: the same set, image and emulator give the same numbers again. A host's own pauses are not in them, and the
emulated flash is written at once (docs/bench-flash.md).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.boards.board import Board
from edge.boards.entry import enter
from edge.boards.file_sets import compiled_set
from edge.boards.flasher import Outcome, flash
from edge.boards.plan import Wanted
from hil.bench.chip_wire import ChipWire
from hil.chip.bench import provision
from hil.chip.carrier import BOARD, Carrier, provision_file
from hil.chip.emulator import Chip, build_image, read_files
from hil.chip.field import BayField, BoomField, ConverterField, ReaderField, wire_idle
from hil.targets.target import TargetError

FULL_S = 15.0
UNCHANGED_S = 2.0
_TO_THE_PROMPT_US = 500_000
_START_LIMIT_US = 10_000_000
_TO_REST_US = 3_000_000  # a barrier looks for its boom first
# What stands around the board, so that its control comes to rest.
_FIELDS: dict[str, Callable[[Carrier], object]] = {
    "barrier": BoomField,
    "charging_post": BayField,
    "rfid": ReaderField,
    "weighbridge": ConverterField,
}
_CHANGED = "a/firmware/boards/chip.mpy"


def measure(uf2: Path, role: str) -> dict[str, Any]:
    """Seconds of the chip's time of every case; raises TargetError when a board does not hold or start its set."""
    bench = FlashBench(uf2, role)
    report: dict[str, Any] = {"role": role, "files": len(bench.wanted), "bytes": sum(map(len, bench.wanted.values()))}
    report["full_s"], outcome = bench.flash()
    _expect(outcome.written == len(bench.wanted), f"{outcome.written} of {len(bench.wanted)} files were written")
    bench.await_start()
    report["unchanged_running_s"], outcome = bench.flash()
    _expect(outcome.written == outcome.removed == 0, "an unchanged board was written")
    bench.await_start()
    bench.lock()
    report["unchanged_at_its_prompt_s"], outcome = bench.flash()
    bench.damage(_CHANGED)
    report["one_file_s"], outcome = bench.flash()
    _expect(outcome.written == 1, f"{outcome.written} files were written for one that differed")
    report["missed"] = missed(report)
    return report


def missed(report: dict[str, Any]) -> list[str]:
    """The targets that were not met, each with the figure."""
    limits = {"full_s": FULL_S, "unchanged_running_s": UNCHANGED_S, "unchanged_at_its_prompt_s": UNCHANGED_S}
    return [f"{name} {report[name]:.2f}, target {limit}" for name, limit in limits.items() if report[name] >= limit]


class FlashBench:
    """A bare chip on its card, which is flashed again and again; its provision file lies there from the beginning.

    `held` is what lies there besides; or `image`, a whole file system, takes the place of both.
    """

    def __init__(
        self, uf2: Path, role: str, wanted: Wanted | None = None, held: Wanted | None = None, image: bytes = b""
    ) -> None:
        self.wanted = wanted or compiled_set(role, BOARD, False)
        own = {"provision.txt": provision_file(provision(role))}
        self.chip = Chip(uf2, image or build_image({**own, **(held or {})}))
        self.carrier = Carrier(self.chip, provision(role))
        wire_idle(self.carrier)
        self.field = _FIELDS[role](self.carrier)
        self.chip.advance(_TO_THE_PROMPT_US)

    def pause(self, seconds: float) -> None:
        """Wait outside of a wire."""
        self.chip.advance(int(seconds * 1_000_000))

    def open(self) -> Board:
        """The board in its REPL."""
        return Board(enter(lambda: ChipWire(self.chip), self.pause))

    def flash(self, tell: Callable[[int, int, str], None] = lambda done, of, note: None) -> tuple[float, Outcome]:
        """Flash it; seconds from the first byte on the console to the verdict. What the flash holds is looked at."""
        begun_us = self.chip.now_us
        outcome = flash(self.open(), self.wanted, tell)
        taken_s = (self.chip.now_us - begun_us) / 1_000_000
        self.check()
        return taken_s, outcome

    def check(self) -> None:
        """Raise TargetError unless the flash holds the set, as another file system library reads it."""
        held = self.files()
        wrong = [path for path, data in self.wanted.items() if held.get(path) != data]
        _expect(not wrong, f"the flash does not hold {wrong[:1]}")

    def files(self) -> dict[str, bytes]:
        """What the flash holds."""
        return read_files(self.chip.file_system())

    def await_start(self) -> None:
        """Let time pass until the control scans and has come to rest."""
        del self.carrier.scans[:]
        begun_us = self.chip.now_us
        while len(self.carrier.scans) < 2:
            self.chip.advance(10_000)
            if self.chip.now_us - begun_us > _START_LIMIT_US:
                self.chip.check_alive()
                raise TargetError("the flashed board does not start")
        self.chip.advance(_TO_REST_US)

    def lock(self) -> None:
        """Have somebody's maintenance file on the board, and the board at its prompt."""
        board = self.open()
        board.replace("maintenance", b"")
        board.reset()
        self.chip.advance(2 * _TO_THE_PROMPT_US)

    def damage(self, path: str) -> None:
        """Have a file differ."""
        board = self.open()
        board.replace(path, b"x" * 100)
        board.reset()
        self.chip.advance(2 * _TO_THE_PROMPT_US)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TargetError(otherwise)
