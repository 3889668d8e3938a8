"""A barrier on the host board whose program lies in slots, to be updated, and what it is updated with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from firmware.app.update import SWITCH_DELAY_MS
from firmware.boards import slots
from firmware.boards.host import HostBoard, build_device
from firmware.boards.slot_files import SlotFiles
from protocols.registers import barrier as regs
from tests.firmware.conftest import Bench
from tests.firmware.update_bench import MPY, Hub

OLD = {"firmware/app/one.mpy": b"one" * 500, "firmware/app/two.mpy": b"two" * 400, "gone/three.mpy": b"3" * 9}
NEW = {"firmware/app/one.mpy": b"one" * 500, "firmware/app/two.mpy": b"TWO" * 701, "new/four.mpy": b""}
READY = (regs.UPDATE_STATE_READY, regs.UPDATE_REASON_NONE)


class ResetError(Exception):
    """The board was reset."""


@dataclass
class Board:
    """A barrier on the host board whose program lies in slots below `root`."""

    root: Path
    provision: dict[str, str]
    restarts: int = 0
    bench: Bench = field(init=False)
    running: str = "a"

    def __post_init__(self) -> None:
        self.start()
        self.bench = Bench(self.step, self.start)
        self.bench.run(3_000_000)

    def start(self) -> None:
        self.running = slots.choose(str(self.root))

        def give_slots(board: HostBoard) -> None:
            board.slots = SlotFiles(str(self.root), self.running, self.reset, MPY)

        self.board, self.device = build_device("barrier", self.provision, self.root, prepare=give_slots)

    def reset(self) -> None:
        raise ResetError

    def step(self, now_us: int, inputs: list[int], received: bytes) -> tuple[tuple[int, ...], bytes, int]:
        self.board.inputs[:] = inputs
        self.board.quality[:] = [0] * len(inputs)
        self.board.rx.extend(received)
        wait_us = self.device.poll(now_us // 1000 & 0x3FFFFFFF, now_us & 0x3FFFFFFF)
        sent = bytes(self.board.tx)
        self.board.tx.clear()
        try:
            self.device.tend(now_us // 1000 & 0x3FFFFFFF)
        except ResetError:
            self.restarts += 1
            self.start()
        return tuple(self.board.outputs), sent, 200 if self.device.update.is_working else wait_us

    @property
    def hub(self) -> Hub:
        return Hub(self.bench)

    def files(self, slot: str) -> dict[str, bytes]:
        folder = self.root / slot
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def switch(board: Board) -> int:
    result = board.bench.command(regs.OP_UPDATE_SWITCH)
    board.bench.run((SWITCH_DELAY_MS + 100) * 1000)
    return result
