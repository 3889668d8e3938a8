"""Target `host`: the device application in CPython, in this process, on the host board.

Knows: the host board. Must not know: scenarios, the field.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge.words import later
from firmware.boards.host import (
    RESET_POWER_ON,
    RESET_WATCHDOG,
    HostBoard,
    ProvisionError,
    build_device,
    store_settings,
)
from hil.targets.identity import sources_identity
from hil.targets.target import Device, Provision, SteppedTarget, StepResult, TargetError
from protocols.compat import TICKS_MASK


class HostDevice(Device):
    def __init__(
        self, provision: Provision, directory: Path, prepare: Callable[[HostBoard], None] | None = None
    ) -> None:
        """`prepare` may put other ports in the board's place at every start."""
        self._prepare = prepare
        self._provision = provision
        self._directory = directory
        store_settings(provision.role, dict(provision.parameters), directory)
        self._start()

    def _start(self, reset_cause: int = RESET_POWER_ON) -> None:
        provision = self._provision
        try:
            self._board, self._device = build_device(
                provision.role, provision.settings(), self._directory, reset_cause, self._prepare
            )
        except ProvisionError as error:
            raise TargetError(str(error)) from error
        except Exception as error:
            raise TargetError(_in_a_sentence(error)) from error

    @property
    def outputs(self) -> tuple[int, ...]:
        """What the board drives now, whether or not the program still runs."""
        return tuple(self._board.outputs)

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        board = self._board
        board.inputs[:] = inputs
        board.quality[:] = qualities
        board.rx.extend(received)
        board.instrument.rx.extend(field_received)
        feeds = board.dog.feeds
        try:
            wait_us = self._device.poll(now_us // 1000 & TICKS_MASK, now_us & TICKS_MASK)
        except Exception as error:
            raise TargetError(_in_a_sentence(error)) from error
        sent = bytes(board.tx)
        board.tx.clear()
        field_sent = bytes(board.instrument.tx)
        board.instrument.tx.clear()
        return StepResult(tuple(board.outputs), sent, wait_us, field_sent, board.dog.feeds != feeds)

    def kill(self) -> None:
        self._start()

    def reset(self) -> None:
        self._start(RESET_WATCHDOG)

    def close(self) -> None:
        """Nothing is held."""


def _in_a_sentence(error: Exception) -> str:
    """What a program error was, and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"the program ended with {type(error).__name__} at {place}: {error}"


_NO_PROCESSOR = later("the target host does each scan in no time: it has no processor of its own")
_NO_WIRE = later("the target host hands bursts of bytes over: it has no UART")
_NO_CHIP = later("the target host has no chip that could be reset: its outputs are what the program says")
LACKS = {
    "torn_write": later("the target host stores settings in files of this machine"),
    "call_faults": later(
        "no step of a scenario on the target host names a call; `gate hil faults calls` fails each (host)"
    ),
    "snapshot": later("the target host is not forked; the target rp2040 is"),
    "line_errors": _NO_WIRE,
    "deployed_files": later("the target host runs the sources in CPython"),
    "heap": later("the target host has CPython's heap, with no guard on it"),
    "scan_time": _NO_PROCESSOR,
    "reaction_time": _NO_PROCESSOR,
    "undriven_outputs": _NO_CHIP,
    "character_timing": _NO_WIRE,
    "driver_turnaround": _NO_WIRE,
    "flash_timing": later("the target host has no flash"),
    "electrical": later("the target host has no terminals"),
}


class HostTarget(SteppedTarget):
    name = "host"

    def lacks(self) -> Mapping[str, str]:
        return LACKS

    def identity(self) -> Mapping[str, str]:
        return sources_identity()

    def start(self, provision: Provision, directory: Path) -> Device:
        return HostDevice(provision, directory)
