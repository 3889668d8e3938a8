"""What of a lane outlives its hub, as one text: the lane machine and the last plate read.

Knows: the shape of that text and how times cross a restart. Must not know: the journal, what the machine's part says.
Monotonic times do not survive a process, so they are saved as ages. The text says when it was written by the wall
clock, and the time since then is added to every age: a read made before an outage is not fresh after it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from edge.lane.facts import PlateFact
from edge.lane.machine import LaneMachine, LaneStateError
from edge.lane.settings import LaneSettings


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on both clocks, in ms: monotonic, and Unix time."""

    mono_ms: int
    wall_ms: int


def save_lane(machine: LaneMachine, plate: PlateFact | None, now: Moment) -> str:
    """The lane as text, to be journalled."""
    read = asdict(plate) | {"seen_ms": now.mono_ms - plate.seen_ms} if plate else None
    return json.dumps({"time_ms": now.wall_ms, "plate": read, "machine": machine.save()}, separators=(",", ":"))


def load_lane(settings: LaneSettings, text: str, now: Moment) -> tuple[LaneMachine, PlateFact | None]:
    """The lane saved as `text`, "" for a new one. Raises LaneStateError for what this version cannot continue.

    A wall clock that went back hides how long the hub was away; a read of unknown age is then forgotten.
    """
    if not text:
        return LaneMachine(settings, None, now.mono_ms), None
    try:
        saved: dict[str, Any] = json.loads(text)
        away_ms = now.wall_ms - saved["time_ms"]
        machine = LaneMachine(settings, saved["machine"], now.mono_ms, away_ms=max(0, away_ms))
        read = saved["plate"]
        if read is None or away_ms < 0:
            return machine, None
        return machine, PlateFact(**read | {"seen_ms": now.mono_ms - away_ms - read["seen_ms"]})
    except (LaneStateError, ValueError, KeyError, TypeError) as error:
        raise LaneStateError(
            f"lane {settings.name}: its saved state cannot be continued ({error}); start the hub version that wrote it"
        ) from error
