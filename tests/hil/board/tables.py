"""A bench for tests: a rig board's own firmware on CPython, in virtual time, with a plug that can be faulty."""

from __future__ import annotations

from collections.abc import Callable

from firmware.roles.rig import wiring
from firmware.roles.rig.engine import Engine
from firmware.roles.rig.service import Service
from hil.board.port import Port, Table
from protocols.compat import TICKS_MASK, ticks_diff
from protocols.rig.frame import FrameReader
from protocols.rig.messages import DRIVERS, SENSES

FIRMWARE = bytes(range(8))
_STEP_US = 50

Plug = Callable[[list[int]], int]
"""Driver levels to a bit per sense."""


def loopback(drivers: list[int]) -> int:
    """The plug as it should be."""
    return sum((drivers[sense] | drivers[sense + SENSES]) << sense for sense in range(SENSES))


class Card:
    """Drives the plug, not before it is time."""

    def __init__(self, table: FirmwareTable) -> None:
        self._table = table
        self.levels = [0] * DRIVERS

    def drive(self, levels: bytearray, at_us: int) -> int:
        self._table.spin_until(at_us)
        self.levels = list(levels[:DRIVERS])
        return self._table.clock_us

    def power(self, level: int, at_us: int) -> None:
        self._table.spin_until(at_us)


class FirmwarePort(Port):
    """The UART of the board."""

    def __init__(self) -> None:
        self.name = "/dev/rig"
        self.to_board = bytearray()
        self.from_board = bytearray()

    def send(self, data: bytes) -> None:
        self.to_board += data

    def take(self) -> bytes:
        data = bytes(self.from_board)
        self.from_board.clear()
        return data

    def close(self) -> None:
        """Nothing is held."""


class FirmwareTable(Table):
    """A rig board alone, its terminals joined by `plug`; its clock is `ppm` faster than the host's."""

    def __init__(
        self, plug: Plug = loopback, ppm: int = 0, firmware: bytes = FIRMWARE, name: str = wiring.NAME
    ) -> None:
        self.rig: FirmwarePort = FirmwarePort()
        self.device = None
        self.is_cut = False
        self.garble: Callable[[bytes], bytes] = bytes
        self._plug = plug
        self._ppm = ppm
        self._now_us = 0
        self._card = Card(self)
        self._senses = 0
        self._engine = Engine(self._card)
        self._reader = FrameReader()
        self._service = Service(self._engine, self._reader, firmware, name.encode())

    @property
    def clock_us(self) -> int:
        return (self._now_us + self._now_us * self._ppm // 1_000_000) & TICKS_MASK

    @property
    def now_us(self) -> int:
        return self._now_us

    def spin_until(self, clock_us: int) -> None:
        """The board does nothing else until its clock shows this."""
        self._now_us += max(0, ticks_diff(clock_us, self.clock_us))

    def wait(self, until_us: int) -> None:
        while self._now_us < until_us:
            self._now_us += min(_STEP_US, until_us - self._now_us)
            self._engine.poll(self.clock_us)
            self._sense()
            self._serve()
            if self.rig.from_board:
                return

    def _sense(self) -> None:
        senses = self._plug(self._card.levels)
        if senses != self._senses:
            self._senses = senses
            self._engine.on_senses(self.clock_us, senses)

    def _serve(self) -> None:
        data = bytes(self.rig.to_board)
        self.rig.to_board.clear()
        at = 0
        while at < len(data):
            at = self._reader.take(data, at, len(data), self.clock_us)
            if self._reader.found and not self.is_cut:
                size = self._service.answer(self.clock_us, self._senses)
                self.rig.from_board += self.garble(bytes(self._service.reply[:size]))
