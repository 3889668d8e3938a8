"""A powered carrier card that is brought from one instant of scenario time to the next.

Knows: how a card is fed and read between two instants. Must not know: scenarios, plants, who is on the line.
"""

from __future__ import annotations

from collections.abc import Sequence

from firmware.boards import terminals
from firmware.boards.rp2 import wiring
from hil.chip.carrier import Carrier
from hil.chip.converter import Converter
from hil.chip.emulator import FLOATING, HIGH, LOW
from hil.targets.target import UNDRIVEN, StepResult, TargetError
from protocols.quality import GOOD
from sim_devices.devices.measuring_unit import MeasuringUnit

TALK_US = 1_000  # how far it runs alone while bytes come and go
QUIET_US = 5_000  # and otherwise: the step of every plant
HANG_PIN = 28  # spare on the card
# Put behind the start of the deployed program: while the pin is high, the loop stands still and timers go on.
HANG_START = f"""
from machine import Pin
from firmware.boards import chip

Deployed = chip.Loop

class Hanging(Deployed):
    hangs = Pin({HANG_PIN}, Pin.IN, Pin.PULL_DOWN)

    def _tend(self):
        Deployed._tend(self)
        while self.hangs():
            pass

chip.Loop = Hanging
"""

_TALK_FOR_US = 30_000  # a device answers within three scans
_SETTLING_READS = 5  # what firmware/boards/hx711.py throws away after power-on
_CONVERSION_US = 100_000
_START_LIMIT_US = 5_000_000
_HANG_MAX_US = 60_000_000  # its watchdog ends it long before
_PAUSE_CHARACTERS = 3  # what the device says on its field line has ended when nothing follows for so long
# Inputs are latched once before the first scan, then in it; what it decided is driven when the second latches them.
_LATCHES_OF_A_START = 3


class LockstepCard:
    """`boot` it or let it start by itself, then `run` it from instant to instant.

    `begun_us` is scenario time when its power came on.
    """

    def __init__(self, carrier: Carrier, begun_us: int) -> None:
        self.carrier = carrier
        self._chip = carrier.chip
        self._begun_us = begun_us
        self._converter = Converter(carrier.chip) if has_converter(carrier) else None
        self._unit = MeasuringUnit() if has_unit(carrier) else None
        self._measured: Sequence[int] = ()
        self._sequence: int | None = None
        self._inputs: list[int] = []
        self._places = {name: index for index, name in enumerate(carrier.signal_order)}
        self._levels = [FLOATING] * len(self._places)
        self._seen = 0
        self._resets_seen = 0
        self._talks_until_us = 0
        self._said = bytearray()
        self._said_us = 0
        self._hang_ends = self._chip.create_alarm(self._end_hang)
        self._is_hung = False
        self._is_told = False
        self._has_crashed = False
        self._chip.on_reset = self._on_reset
        self._chip.on_uart(wiring.LINE_UART, self._on_said)

    def set_inputs(self, values: Sequence[int], qualities: Sequence[int]) -> None:
        """Terminals and converter as the rig's input image has them; raises TargetError for what no card can show."""
        names = self.carrier.input_order
        bad = sum(quality != GOOD for quality in qualities[: len(names)])
        if bad not in (0, len(names)):
            raise TargetError("the input card can only lose all inputs at once")
        self.carrier.set_plugged(not bad)
        if self._inputs != values:
            self._inputs = list(values)
            for name, value in zip(names, values, strict=False):
                self.carrier.set_input(name, value)
            self._measured = values[len(names) :]
            self._convert(self._measured)

    def boot(self) -> None:
        """Let it start; raises TargetError when it does not."""
        while len(self.carrier.scans) < _LATCHES_OF_A_START or self._settles():
            self.carrier.line.put(self._spoken(b""))
            self._chip.advance(TALK_US)
            if self._chip.now_us > _START_LIMIT_US:
                self._chip.check_alive()
                raise TargetError(f"no scan within {_START_LIMIT_US // 1_000_000} s after power came on")
        self._begun_us -= self._chip.now_us
        self._follow_outputs()

    def run(self, duration_us: int, received: bytes, field_received: bytes) -> StepResult:
        """Let time pass. What was received came in just before the end, what the instrument said at the beginning.

        Raises TargetError when the program has ended and reset its chip.
        """
        carrier = self.carrier
        if received:
            carrier.bus.put(received, max(0, duration_us - (len(received) - 1) * carrier.bus.character_us))
        carrier.line.put(self._spoken(field_received))
        self._chip.advance(duration_us)
        if self._has_crashed:
            self._chip.check_alive()
            raise TargetError("the device was reset by its watchdog although nothing hung it")
        sent = bytes(carrier.answer)
        carrier.answer.clear()
        said = self._take_said()
        if received or sent or field_received or said or self._said:
            self._talks_until_us = self._chip.now_us + _TALK_FOR_US
        changes = self._follow_outputs()
        wait_us = TALK_US if self._chip.now_us < self._talks_until_us else QUIET_US
        return StepResult(self._outputs, sent, wait_us, said, changes=changes)

    def hang(self, until_us: int) -> None:
        """The loop stands still until this instant of scenario time."""
        left_us = until_us - self._begun_us - self._chip.now_us
        self._is_hung = left_us > 0
        self._chip.drive(HANG_PIN, HIGH if self._is_hung else LOW)
        if self._is_hung:
            self._hang_ends(min(left_us, _HANG_MAX_US))

    def reset(self) -> None:
        """The watchdog resets it now."""
        self._is_told = True
        self._chip.reset_by_watchdog()

    def expect_reset(self) -> None:
        """The next reset is the program's own will, no crash."""
        self._is_told = True

    @property
    def _outputs(self) -> tuple[int, ...]:
        return UNDRIVEN if FLOATING in self._levels else tuple(self._levels)

    def _spoken(self, instrument: bytes) -> bytes:
        """What comes on the field line: the instrument's words, through the measuring unit where there is one."""
        if self._unit is None:
            return instrument
        return self._unit.advance(self._chip.now_us // 1000, self._measured, instrument)

    def _settles(self) -> bool:
        """Whether the converter's driver still throws conversions away; the next one is on offer when it is time."""
        converter = self._converter
        if converter is None or converter.reads >= _SETTLING_READS:
            return False
        if self._chip.now_us % _CONVERSION_US < TALK_US:
            converter.offer(self._measured[0])
        return True

    def _convert(self, measured: Sequence[int]) -> None:
        if self._converter is not None:
            counts, sequence = measured
            if sequence != self._sequence:
                self._sequence = sequence
                self._converter.offer(counts)

    def _follow_outputs(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """What the outputs did since the last call, with instants of scenario time."""
        changes: list[tuple[int, tuple[int, ...]]] = []
        for at_us, name, level in self._changes_and_resets():
            before = self._outputs
            if name:
                self._levels[self._places[name]] = level
            else:
                self._levels = [FLOATING] * len(self._levels)
            if self._outputs != before:
                changes.append((self._begun_us + at_us, self._outputs))
        return tuple(changes)

    def _changes_and_resets(self) -> list[tuple[int, str, int]]:
        """(chip time, output, level) in order; "" for a reset, after which no output is driven."""
        carrier = self.carrier
        found = carrier.output_changes[self._seen :]
        self._seen = len(carrier.output_changes)
        resets = self._chip.resets[self._resets_seen :]
        self._resets_seen = len(self._chip.resets)
        return sorted([*found, *((at_us, "", FLOATING) for at_us in resets)], key=lambda change: change[0])

    def _on_said(self, byte: int) -> None:
        self._said.append(byte)
        self._said_us = self._chip.now_us

    def _take_said(self) -> bytes:
        """What the device said on its field line, once it has ended."""
        pause_us = self._chip.now_us - self._said_us
        if pause_us < _PAUSE_CHARACTERS * self.carrier.line.character_us:
            return b""
        said = bytes(self._said)
        self._said.clear()
        return said

    def _on_reset(self) -> None:
        """A reset ends a hang; one that nobody brought about is the program's end."""
        self._has_crashed = not (self._is_hung or self._is_told)
        self._is_told = False
        self._end_hang()

    def _end_hang(self) -> None:
        self._chip.drive(HANG_PIN, LOW)
        self._is_hung = False


def has_converter(carrier: Carrier) -> bool:
    """Whether a load-cell converter stands where others have an instrument."""
    protocols = terminals.CONVERTERS.get(carrier.provision.role, ())
    return bool(protocols) and carrier.provision.line_protocol in ("", *protocols)


def has_unit(carrier: Carrier) -> bool:
    """Whether what is said on the field line comes through a measuring unit."""
    protocols = terminals.MEASURED.get(carrier.provision.role, ())
    return bool(protocols) and carrier.provision.line_protocol in ("", *protocols)
