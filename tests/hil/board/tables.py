"""Benches for tests: a rig board's own firmware on CPython, in virtual time, with a plug that can be faulty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware.app.device import Device
from firmware.boards.host import build_device, store_settings
from firmware.boards.host.board import HostBoard
from firmware.roles.rig import wiring
from firmware.roles.rig.engine import Engine
from firmware.roles.rig.service import Service
from hil.board.levels import Levels
from hil.board.port import Port, Table
from hil.scenarios.vocabulary import names_of
from hil.targets.board_rows import Rows
from hil.targets.target import Provision
from protocols.compat import TICKS_MASK, ticks_diff
from protocols.quality import GOOD
from protocols.rig.frame import FrameReader
from protocols.rig.messages import DRIVERS, SENSE_AT, SENSES

FIRMWARE = bytes(range(8))
_STEP_US = 50
START_US = 300_000  # from power to the first scan

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
        self.faults = 0

    def drive(self, levels: bytearray, at_us: int) -> int:
        self._table.spin_until(at_us)
        self.levels = list(levels[:DRIVERS])
        return self._table.clock_us

    def power(self, level: int, at_us: int) -> None:
        self._table.spin_until(at_us)
        self._table.supply(level)


class FirmwarePort(Port):
    """The UART of a board."""

    def __init__(self, name: str) -> None:
        self.name = name
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
        self.rig: FirmwarePort = FirmwarePort("/dev/rig")
        self.device: FirmwarePort | None = None
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
            self._live()
            if self.rig.from_board or (self.device is not None and self.device.from_board):
                return

    def supply(self, level: int) -> None:
        """The relay in the device's supply; without a device nobody listens."""

    def _live(self) -> None:
        """The device, if there is one."""

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


class DeviceTable(FirmwareTable):
    """A rig board and a device of `provision`, wired to each other, both on CPython; bytes take no time."""

    def __init__(self, provision: Provision, directory: Path) -> None:
        self._provision = provision
        self._directory = directory
        self._is_plugged = False  # only once the supply is cut: a device is new when a run begins
        self._running: tuple[HostBoard, Device] | None = None
        self._due_us = 0
        self._levels = Levels(provision.role, Rows())
        self.device_port = FirmwarePort("/dev/dut")
        store_settings(provision.role, dict(provision.parameters), directory)
        super().__init__(plug=self._outputs)
        self.device = self.device_port

    def supply(self, level: int) -> None:
        self._is_plugged = self._is_plugged or not level
        if self._is_plugged and bool(level) != (self._running is not None):
            settings = self._provision.settings()
            self._running = build_device(self._provision.role, settings, self._directory) if level else None
            self._due_us = self.now_us + START_US
            self.device_port.to_board.clear()

    def _outputs(self, drivers: list[int]) -> int:
        if self._running is None:
            return 0
        outputs = self._running[0].outputs
        return sum(
            outputs[names_of(self._provision.role, "digital_outputs").index(name)] << channel - SENSE_AT
            for channel, name in self._levels.events.items()
            if channel >= SENSE_AT
        )

    def _live(self) -> None:
        heard = self.device_port.to_board
        if self._running is None or (self.now_us < self._due_us and not (heard and self._due_us < self._late_us)):
            return
        board, device = self._running
        driven = [self._card.levels[channel] for channel in self._levels.events if channel < SENSE_AT]
        board.inputs[: len(driven)] = driven
        board.quality[:] = [GOOD] * len(board.quality)
        board.rx.extend(heard)
        heard.clear()
        wait_us = device.poll(self.now_us // 1000 & TICKS_MASK, self.now_us & TICKS_MASK)
        self.device_port.from_board += board.tx
        board.tx.clear()
        self._due_us = self.now_us + max(1, wait_us)

    @property
    def _late_us(self) -> int:
        """Bytes wake a device that sleeps between scans, not one that starts."""
        return self.now_us + START_US // 2
