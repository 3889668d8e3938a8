"""Counters of devices over a whole run: they begin at 0 again when the hub or the device starts anew, a run does not.

Knows: the counters' names in the hub's status. Must not know: how the status is fetched. What was counted between the
last look and a restart is not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

POLL_CYCLES, SCAN_OVERRUNS = "poll_cycles", "scan_overruns"
CRC_ERRORS = ("crc_errors_device", "crc_errors_hub")
_COUNTERS = (POLL_CYCLES, SCAN_OVERRUNS, *CRC_ERRORS)


class Tally:
    """Show it every status with `take`; `totals` are the sums over all devices since the run began."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._last: dict[tuple[str, str], int] = {}

    def take(self, devices: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what has been counted since the last status; a counter nobody knows yet is None."""
        for device, status in devices.items():
            for name in _COUNTERS:
                value = status[name]
                if value is not None:
                    last = self._last.get((device, name), 0)
                    self.totals[name] += value - last if value >= last else value
                    self._last[device, name] = value
