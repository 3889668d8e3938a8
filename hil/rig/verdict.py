"""What a run came to: problems in sentences, and what was measured.

Knows: measurements. Must not know: how they were taken, targets.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.scenarios.model import Measurement
from hil.scenarios.units import tell_number, tell_quantity


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement's result in raw steps; None when it was not seen to its end."""

    measurement: Measurement
    raw: int | None

    @property
    def name(self) -> str:
        return self.measurement.name

    @property
    def units(self) -> str:
        return self.measurement.meaning.units

    @property
    def value(self) -> str | None:
        """As a number in `units`, exact."""
        return self._number(self.raw)

    @property
    def low(self) -> str | None:
        """The lower limit in `units`, None for none."""
        return self._number(self.measurement.low)

    @property
    def high(self) -> str | None:
        """The upper limit in `units`, None for none."""
        return self._number(self.measurement.high)

    @property
    def within(self) -> bool:
        low, high = self.measurement.low, self.measurement.high
        return self.raw is not None and (low is None or low <= self.raw) and (high is None or self.raw <= high)

    def __str__(self) -> str:
        """`opening: 3200 ms (at most 4500 ms)`."""
        value = "not seen" if self.raw is None else self._tell(self.raw)
        return f"{self.name}: {value} ({self._limits()})"

    def _limits(self) -> str:
        low, high = self.measurement.low, self.measurement.high
        if low is not None and high is not None:
            return f"between {self._tell(low)} and {self._tell(high)}"
        return f"at least {self._tell(low)}" if low is not None else f"at most {self._tell(high or 0)}"

    def _tell(self, raw: int) -> str:
        return tell_quantity(raw, self.units, self.measurement.meaning.sf)

    def _number(self, raw: int | None) -> str | None:
        return None if raw is None else tell_number(raw, self.measurement.meaning.sf)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`besides` is what the scenario states and was not so in a run that a breakdown has failed already."""

    problems: tuple[str, ...]
    measured: tuple[Measured, ...]
    besides: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.problems
