"""Three clocks made one: the host's, the rig board's, and scenario time.

Knows: questions and their round trips. Must not know: what was asked. The rig board's clock is the one that counts:
scenario time is the time of its run less the time at which the device was up. The host's clock is laid beside it by the
quickest question of the run, so what the host saw (a register, an event) is placed to half of that round trip.
"""

from __future__ import annotations

from protocols.compat import ticks_diff


class RunClock:
    """`zero_us` is the time of the run at which scenario time begins."""

    def __init__(self, start_clock: int) -> None:
        self.zero_us = 0
        self.doubt_us = 1 << 30  # half of the quickest round trip
        self._start_clock = start_clock
        self._offset_us = 0

    def look(self, host_us: int, round_trip_us: int, clock_us: int) -> None:
        """A question that was answered at `host_us` showed this clock of the board."""
        if round_trip_us // 2 < self.doubt_us:
            self.doubt_us = round_trip_us // 2
            self._offset_us = host_us - self.doubt_us - self.run_us(clock_us)

    def run_us(self, clock_us: int) -> int:
        """Time of the run of a clock of the board."""
        return ticks_diff(clock_us, self._start_clock)

    def scenario_us(self, host_us: int) -> int:
        """Scenario time of an instant of the host."""
        return host_us - self._offset_us - self.zero_us

    def host_us(self, scenario_us: int) -> int:
        """The host's instant of a scenario time."""
        return scenario_us + self.zero_us + self._offset_us
