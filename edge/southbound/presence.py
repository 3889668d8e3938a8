"""Whether one device answers, why not, and how often it failed.

Knows: kinds of failure, and how many in a row mean that a device is lost. Must not know: values, records, ports.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.config import DeviceConfig
from edge.southbound.line_error import Fault, LineError

FAILURES_UNTIL_LOST = 3
_OUTCOMES_KEPT = 20
_GARBLED_SHARE = 0.5


@dataclass
class SessionCounters:
    """What happened with a device since the start of the hub."""

    reads: int = 0
    timeouts: int = 0
    garbled: int = 0
    exceptions: int = 0
    events: int = 0
    events_lost: int = 0
    reads_lost: int = 0


class Presence:
    """Fed with every answer and failure of one device."""

    def __init__(self, config: DeviceConfig) -> None:
        self.counters = SessionCounters()
        self.is_lost = False
        self._config = config
        self._failures = 0
        self._outcomes: deque[Fault | None] = deque(maxlen=_OUTCOMES_KEPT)

    @property
    def is_answering(self) -> bool:
        """Whether the newest request brought an answer."""
        return bool(self._outcomes) and self._outcomes[-1] is None

    def on_answer(self) -> None:
        """A request was answered."""
        self.counters.reads += 1
        self._failures = 0
        self._outcomes.append(None)

    def on_failure(self, error: LineError, *, are_others_fine: bool) -> str:
        """A request brought no good answer; why the device is lost, or "" while it may be chance."""
        self._outcomes.append(error.fault)
        self._count(error.fault)
        if error.fault is Fault.EXCEPTION:
            return ""
        self._failures += 1
        return self._loss_reason(error, are_others_fine) if self._failures >= FAILURES_UNTIL_LOST else ""

    def _loss_reason(self, error: LineError, are_others_fine: bool) -> str:
        failures = [fault for fault in self._outcomes if fault is not None]
        if failures.count(Fault.GARBLED) < _GARBLED_SHARE * len(failures):
            return str(error)
        if are_others_fine:
            return (
                f"answers from address {self._config.unit_id} are garbled while the rest of line {self._config.line} "
                "is fine: two devices may share this address, disconnect one and check its unit id"
            )
        return f"answers on line {self._config.line} are garbled: check wiring, termination, baud rate and parity"

    def _count(self, fault: Fault) -> None:
        if fault is Fault.TIMEOUT:
            self.counters.timeouts += 1
        elif fault is Fault.GARBLED:
            self.counters.garbled += 1
        elif fault is Fault.EXCEPTION:
            self.counters.exceptions += 1
