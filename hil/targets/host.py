"""Target `host`: the device application in CPython, in this process, on the host board.

Knows: the host board. Must not know: scenarios, the field.
"""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

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

# Processor time of this process, so that a busy machine changes nothing; a scan takes some 0.1 ms of it.
_SCAN_MAX_S = 2.0


class EndlessScanError(Exception):
    """A scan did not come back. A board's watchdog would end it; here it is the program's end."""


class _ScanLimit:
    """Raises EndlessScanError inside the scan that is under way when its time is over."""

    def __init__(self) -> None:
        self.is_scanning = False
        self._is_watching = False

    def watch(self) -> None:
        """From now on; in a thread that takes no signals nothing is watched."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGPROF, self._on_limit)
            self._is_watching = True

    def begin(self) -> None:
        """A scan begins; whoever calls clears `is_scanning` at its end."""
        self.is_scanning = True
        if self._is_watching:
            signal.setitimer(signal.ITIMER_PROF, _SCAN_MAX_S)

    def _on_limit(self, number: int, frame: FrameType | None) -> None:
        if self.is_scanning:
            raise EndlessScanError(f"a scan did not come back within {_SCAN_MAX_S:g} s of processor time")


_limit = _ScanLimit()


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
        _limit.begin()
        try:
            wait_us = self._device.poll(now_us // 1000 & TICKS_MASK, now_us & TICKS_MASK)
        except Exception as error:
            raise TargetError(_in_a_sentence(error)) from error
        finally:
            _limit.is_scanning = False
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
    calls = traceback.extract_tb(error.__traceback__)
    last = calls[-2 if isinstance(error, EndlessScanError) else -1]  # its last call is that of the signal
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
        _limit.watch()
        return HostDevice(provision, directory)
