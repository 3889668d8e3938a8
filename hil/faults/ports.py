"""The ports of the host board, and its clock, with one call that fails: the n-th, once or from then on.

Knows: the contract of each port (firmware/ports.py), and how it may fail within it. Must not know: roles, what is
promised. RAISES is a failure outside the contract: a driver's error that nobody foresaw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.boards.host import STORE_FAILED, HostBoard
from hil.targets.host import HostDevice
from hil.targets.target import Provision, StepResult
from protocols.quality import BAD

REFUSED = "refused"  # the port says that it did not do it, and did not
TORN = "torn"  # the first half is written, and the port says that it failed
LOST = "lost"  # the port says that it did it, and did not
STUCK = "stuck"  # the same number every time
AHEAD = "ahead"
BACK = "back"
RAISES = "raises"
MODES: Mapping[str, tuple[str, ...]] = {
    "store.read": (REFUSED, RAISES),
    "store.write": (REFUSED, TORN, LOST, RAISES),
    "entropy.read": (STUCK, RAISES),
    "inputs.read": (REFUSED, RAISES),
    "outputs.write": (REFUSED, RAISES),
    "bus.read": (LOST, RAISES),
    "bus.write": (REFUSED, LOST, RAISES),
    "line.read": (LOST, RAISES),
    "line.write": (REFUSED, LOST, RAISES),
    "clock": (AHEAD, BACK),
}
JUMP_US = 300_000_000  # five minutes, well within what the ticks can tell apart


@dataclass(slots=True)
class Trigger:
    """Which call fails: number `at` of `call`, counted from 1, and with `is_lasting` all that follow.

    `calls` is how many there were, `hits` how many of them failed; nothing fails once `is_over`.
    """

    call: str
    at: int
    mode: str
    is_lasting: bool = False
    is_over: bool = False
    calls: int = 0
    hits: int = 0

    def strikes(self, call: str) -> bool:
        """Count a call; whether it fails. Raises OSError for one that fails so."""
        if call != self.call or self.is_over:
            return False
        self.calls += 1
        hit = self.calls == self.at or (self.is_lasting and self.calls > self.at)
        self.hits += hit
        if hit and self.mode == RAISES:
            raise OSError(5, "made to fail")
        return hit


class JumpingDevice(HostDevice):
    """A host device with failing ports whose clock jumps at the call that fails: back and forth, or for good."""

    def __init__(self, provision: Provision, directory: Path, trigger: Trigger) -> None:
        self._trigger = trigger
        super().__init__(provision, directory, lambda board: sabotage(board, trigger))

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        if self._trigger.strikes("clock"):
            now_us += JUMP_US if self._trigger.mode == AHEAD else -JUMP_US
        return super().step(now_us, inputs, qualities, received, field_received)


def sabotage(board: HostBoard, trigger: Trigger) -> None:
    """Put failing ports in the place of the board's own."""
    ports: Any = board  # the contract is one of attributes, not of classes
    ports.store = _Store(board.store, trigger)
    ports.entropy = _Entropy(board.entropy, trigger)
    ports.input_port = _Inputs(board.input_port, trigger)
    ports.output_port = _Outputs(board.output_port, trigger)
    ports.uart = _Uart(board.uart, trigger, "bus")
    ports.field_line = _Uart(board.field_line, trigger, "line")


class _Port:
    def __init__(self, port: Any, trigger: Trigger) -> None:
        self._port = port
        self._trigger = trigger


class _Store(_Port):
    def read(self, name: str, buffer: bytearray) -> int:
        return STORE_FAILED if self._trigger.strikes("store.read") else int(self._port.read(name, buffer))

    def write(self, name: str, buffer: bytearray, size: int) -> bool:
        if not self._trigger.strikes("store.write"):
            return bool(self._port.write(name, buffer, size))
        if self._trigger.mode == TORN:
            self._port.write(name, buffer, size // 2)
        return self._trigger.mode == LOST


class _Entropy(_Port):
    def read_u15(self) -> int:
        return 0 if self._trigger.strikes("entropy.read") else int(self._port.read_u15())


class _Inputs(_Port):
    def read_into(self, values: list[int], quality: list[int]) -> None:
        if self._trigger.strikes("inputs.read"):
            quality[:] = [BAD] * len(quality)
        else:
            self._port.read_into(values, quality)


class _Outputs(_Port):
    def define_safe(self, values: list[int]) -> None:
        self._port.define_safe(values)

    def write(self, values: list[int], now_ms: int) -> bool:
        return not self._trigger.strikes("outputs.write") and bool(self._port.write(values, now_ms))

    def expire(self, now_ms: int) -> bool:
        return bool(self._port.expire(now_ms))


class _Uart(_Port):
    def __init__(self, port: Any, trigger: Trigger, name: str) -> None:
        super().__init__(port, trigger)
        self.timed = port.timed
        self.silence_us = 0
        self._read, self._write = f"{name}.read", f"{name}.write"

    def read_into(self, buffer: bytearray) -> int:
        count = int(self._port.read_into(buffer)) if self._port.rx else 0
        return 0 if count and self._trigger.strikes(self._read) else count

    def write(self, buffer: bytearray, size: int) -> int:
        if not self._trigger.strikes(self._write):
            return int(self._port.write(buffer, size))
        return size if self._trigger.mode == LOST else 0
