"""What of telemetry belongs on record: that reports expired, that the disk refuses, that it took them again. Pure.

Knows: the spool's counts and its reason. Must not know: the journal. A loss that goes on is one record per REPEAT_S.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPEAT_S = 600.0
DEGRADED, RECOVERED, EXPIRED = "telemetry_degraded", "telemetry_recovered", "telemetry_expired"  # reasons of attention


class TelemetryAlarms:
    """Ask `look` every second or so."""

    def __init__(self, expired: Mapping[str, int]) -> None:
        self._told_expired = dict(expired)
        self._told_s: float | None = None
        self._degraded = ""

    def look(self, degraded: str, expired: Mapping[str, int], now_s: float) -> list[dict[str, Any]]:
        """What is to be recorded now: the data of attention records."""
        found: list[dict[str, Any]] = []
        if bool(degraded) != bool(self._degraded):
            why = degraded or self._degraded
            found.append({"reason": DEGRADED if degraded else RECOVERED, "why": why})
        self._degraded = degraded
        is_due = self._told_s is None or now_s - self._told_s >= REPEAT_S
        new = {reason: count - self._told_expired.get(reason, 0) for reason, count in expired.items()}
        new = {reason: count for reason, count in new.items() if count}
        if new and is_due:
            self._told_expired, self._told_s = dict(expired), now_s
            found.append({"reason": EXPIRED, "reports": new})
        return found
