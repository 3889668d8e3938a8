"""A bench without hardware: two emulated RP2040 chips wired to each other, one a rig board, one a device.

Knows: the wiring of both cards, which chip's pin is which terminal, the chain of driver registers. Must not know:
frames, scenarios. Nothing but pins, two serial ports and the device's supply joins the chips, as on the bench.

Both run in turns of TURN_US, so that a level reaches the other chip at most one turn late. The filters of a real card
are not here, nor is the travel time of its optocouplers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from firmware.boards.rp2 import wiring as device_wiring
from firmware.roles.rig import wiring
from hil.board.port import Port, Table
from hil.chip.carrier import Carrier
from hil.chip.emulator import FLOATING, HIGH, LOW, Chip, build_image
from hil.chip.wire import Wire
from hil.targets.target import Provision, TargetError
from protocols.rig.messages import DRIVERS, SENSES

TURN_US = 50
_CHARACTER_BITS = 10
_REGISTERS = 3
_START_LIMIT_US = 5_000_000
_LOOK_US = 50_000

Terminals = Callable[[int, int], None]
"""Told (terminal counted from 0, level)."""


class RigChip:
    """A rig board with its card. `sense` drives its sense terminals; `on_driver` is told of its driver terminals."""

    def __init__(self, uf2: Path, files: Mapping[str, bytes]) -> None:
        self.chip = Chip(uf2, build_image(files))
        self.on_driver: Terminals = _to_nobody
        self.on_supply: Callable[[int], None] = _to_none
        self._chain = bytearray(_REGISTERS)
        self._held = bytes(_REGISTERS)
        self._driven = [0] * DRIVERS
        chip = self.chip
        chip.drive(wiring.MAINTENANCE, HIGH)
        chip.on_spi(wiring.DRIVERS_SPI, self._shift)
        chip.on_pin(wiring.DRIVERS_LATCH, self._latch)
        chip.on_pin(wiring.DRIVERS_OFF, lambda level: self._show())
        chip.on_pin(wiring.POWER_CUT, lambda level: self.on_supply(int(level != HIGH)))
        for pin in wiring.SENSES:
            chip.drive(pin, LOW)

    def sense(self, terminal: int, level: int) -> None:
        """Put a level onto a sense terminal, counted from 0; what floats is pulled down."""
        self.chip.drive(wiring.SENSES[terminal], HIGH if level == HIGH else LOW)

    def _shift(self, byte: int) -> int:
        returned = self._chain[-1]
        self._chain[1:] = self._chain[:-1]
        self._chain[0] = byte
        return returned

    def _latch(self, level: int) -> None:
        if level == HIGH:
            self._held = bytes(self._chain)
            self._show()

    def _show(self) -> None:
        is_on = self.chip.level(wiring.DRIVERS_OFF) == LOW
        for terminal in range(DRIVERS):
            level = self._held[terminal >> 3] >> (terminal & 7) & 1 if is_on else 0
            if level != self._driven[terminal]:
                self._driven[terminal] = level
                self.on_driver(terminal, level)


class LoopbackPlug:
    """The plug of the self-test on a rig board: driver terminals N and N + 12 on sense terminal N."""

    def __init__(self, rig: RigChip) -> None:
        self._rig = rig
        self._levels = [0] * DRIVERS
        rig.on_driver = self._drive

    def _drive(self, terminal: int, level: int) -> None:
        self._levels[terminal] = level
        sense = terminal % SENSES
        self._rig.sense(sense, self._levels[sense] | self._levels[sense + SENSES])


class ChipPort(Port):
    """The rig chip's UART."""

    def __init__(self, chip: Chip) -> None:
        self.name = "the emulated rig board"
        self._heard = bytearray()
        self._wire = Wire(chip, wiring.HOST_UART, _CHARACTER_BITS, wiring.HOST_BAUD)
        chip.on_uart(wiring.HOST_UART, self._heard.append)

    @property
    def has_heard(self) -> bool:
        return bool(self._heard)

    def send(self, data: bytes) -> None:
        self._wire.put(data)

    def take(self) -> bytes:
        data = bytes(self._heard)
        self._heard.clear()
        return data

    def close(self) -> None:
        """Nothing is held."""


class DeviceChip(Port):
    """A device on its carrier card and its RS-485 line; `levels` are those of its input terminals."""

    def __init__(self, uf2: Path, provision: Provision, image: bytes, on_output: Terminals) -> None:
        self.name = "the emulated device"
        self.levels = [0] * DRIVERS
        self._uf2 = uf2
        self._provision = provision
        self._on_output = on_output
        self._carrier: Carrier | None = None
        self._flash = image
        self.supply(HIGH)

    @property
    def has_heard(self) -> bool:
        return self._carrier is not None and bool(self._carrier.answer)

    def supply(self, level: int) -> None:
        """Give it power, or cut it: what was in its flash stays, all else is gone, and nothing drives its outputs."""
        if bool(level) == (self._carrier is not None):
            return
        if self._carrier is not None:
            self._flash = self._carrier.chip.file_system()
            self._carrier = None
            for terminal in range(SENSES):
                self._on_output(terminal, LOW)
            return
        self._carrier = carrier = Carrier(Chip(self._uf2, self._flash), self._provision)
        carrier.chip.on_reset = self._drop_outputs
        for terminal, level in enumerate(self.levels):
            carrier.set_terminal(terminal, level)
        for terminal, pin in enumerate(device_wiring.OUTPUTS):
            carrier.chip.on_pin(pin, partial(self._on_output, terminal))

    def drive(self, terminal: int, level: int) -> None:
        """Energise an input terminal or not."""
        self.levels[terminal] = level
        if self._carrier is not None:
            self._carrier.set_terminal(terminal, level)

    def advance(self, duration_us: int) -> None:
        """Let time pass, if there is power."""
        if self._carrier is not None:
            self._carrier.advance(duration_us)

    def check_alive(self) -> None:
        """Raise TargetError with what the device left behind when its program ended."""
        if self._carrier is not None:
            self._carrier.chip.check_alive()

    def send(self, data: bytes) -> None:
        if self._carrier is not None:
            self._carrier.bus.put(data)

    def take(self) -> bytes:
        if self._carrier is None:
            return b""
        data = bytes(self._carrier.answer)
        self._carrier.answer.clear()
        return data

    def close(self) -> None:
        """Nothing is held."""

    def _drop_outputs(self) -> None:
        """A reset: the pins float, and the card pulls them down."""
        for terminal in range(SENSES):
            self._on_output(terminal, FLOATING)


class PairTable(Table):
    """Both chips on one table."""

    def __init__(self, uf2: Path, rig: RigChip, provision: Provision | None = None, image: bytes = b"") -> None:
        """`provision` and the `image` of its flash make the device; without them the rig is alone."""
        self._rig = rig
        self._now_us = 0
        self.rig: ChipPort = ChipPort(rig.chip)
        self.device: DeviceChip | None = None
        if provision is not None:
            self.device = DeviceChip(uf2, provision, image, rig.sense)
            rig.on_driver = self.device.drive
            rig.on_supply = self.device.supply
        self._await_rig()

    @property
    def now_us(self) -> int:
        return self._now_us

    def wait(self, until_us: int) -> None:
        while self._now_us < until_us:
            turn_us = min(TURN_US, until_us - self._now_us)
            self._rig.chip.advance(turn_us)
            if self.device is not None:
                self.device.advance(turn_us)
            self._now_us += turn_us
            if self.rig.has_heard or (self.device is not None and self.device.has_heard):
                return

    def _await_rig(self) -> None:
        """A bench's boards have had their supply for long."""
        while self._rig.chip.level(wiring.DRIVERS_OFF) != LOW:
            if self._now_us > _START_LIMIT_US:
                self._rig.chip.check_alive()
                raise TargetError(f"the emulated rig board did not start within {_START_LIMIT_US // 1_000_000} s")
            self.wait(self._now_us + _LOOK_US)
        self.wait(self._now_us + _LOOK_US)


def _to_nobody(terminal: int, level: int) -> None:
    """What nothing is wired to."""


def _to_none(level: int) -> None:
    """No relay."""
