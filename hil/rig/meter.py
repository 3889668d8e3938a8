"""Takes one measurement while events pass by.

Knows: conditions, measurements. Must not know: scenarios, what comes of the result.
"""

from __future__ import annotations

from hil.rig.verdict import Measured
from hil.scenarios.model import Condition, Measurement
from hil.scenarios.units import tell_time


class Meter:
    """Feed it events with `on_event`; `is_done` when its value is known."""

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self.is_done = False
        self.raw: int | None = None
        self._start_us: int | None = None
        self._newest: int | None = None

    @property
    def result(self) -> Measured:
        return Measured(self.measurement, self.raw if self.is_done else None)

    @property
    def problem(self) -> str | None:
        """A sentence when the value is out of limits or was not seen."""
        result = self.result
        if result.within:
            return None
        return f"measure {result}" + ("" if self.is_done else f": {self._missing()}")

    def on_event(self, now_us: int, event: str, value: int) -> None:
        """See one event; `event` is its name."""
        if self.is_done:
            return
        measured = self.measurement
        if measured.word is not None and event == measured.word.event:
            self._take(value)
        if self._start_us is None:
            if measured.start is not None and _is_met(measured.start, event, value):
                self._begin(now_us)
        elif measured.end is not None and _is_met(measured.end, event, value):
            self._finish(now_us)

    def read_now(self, value: int | None) -> None:
        """The value of a `value` measurement at its instant."""
        self.raw = value
        self.is_done = value is not None

    def _take(self, value: int) -> None:
        self._newest = value
        if self._start_us is not None:
            self._widen(value)

    def _begin(self, now_us: int) -> None:
        self._start_us = now_us
        if self._newest is not None:
            self._widen(self._newest)

    def _widen(self, value: int) -> None:
        choose = max if self.measurement.kind == "highest" else min
        self.raw = value if self.raw is None else choose(self.raw, value)

    def _finish(self, now_us: int) -> None:
        assert self._start_us is not None
        if self.measurement.kind == "time":
            self.raw = now_us - self._start_us
        self.is_done = self.raw is not None

    def _missing(self) -> str:
        measured = self.measurement
        if measured.start is None or measured.end is None:
            return "the register was never read"
        if self._start_us is None:
            return f"'{measured.start.text}' never came"
        return f"'{measured.end.text}' did not come after '{measured.start.text}' at {tell_time(self._start_us)}"


def _is_met(condition: Condition, event: str, value: int) -> bool:
    return event == condition.word.event and condition.met_by(value)
