"""When the control core has to be asked again: after any change of what it sees, and when it wants to be woken.

Knows the core's contract: between `next_wake_ms` deadlines a step with unchanged inputs changes nothing. Must not know
what a core does. A scan that finds nothing changed keeps the decision that stands and renews its age, which leaves the
processor to the line. The core is asked again after REFRESH_SCANS at the latest, whatever it said.
"""

from firmware.app.settings import Settings
from protocols.compat import const, ticks_add, ticks_diff

REFRESH_SCANS = const(512)

_NO_DEADLINE = const(-1)


class _Index:
    def __getitem__(self, index: slice) -> slice:
        return index


# Written as [:] in a scan it would be made anew, which allocates.
_WHOLE = _Index()[:]


class StepGate:
    """Remembers what the last step saw. Allocates nothing after construction."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]  # any role's
        self._core = core
        self._inputs = list(core.inputs)
        self._quality = list(core.quality)
        self._hub_alive = 0
        self._generation = 0
        self._due_ms = 0
        self._has_deadline = False
        self._left = 0

    def must_step(self, now_ms: int, settings: Settings, heard: bool) -> bool:
        """Tell whether a step at `now_ms` could decide anything new; `heard` is that the field line brought bytes."""
        core = self._core
        if self._left == 0 or heard or core.request_opcode:
            return True
        if self._has_deadline and ticks_diff(now_ms, self._due_ms) >= 0:
            return True
        if core.hub_alive != self._hub_alive or settings.generation != self._generation:
            return True
        if core.inputs != self._inputs or core.quality != self._quality:
            return True
        self._left -= 1
        return False

    def open(self) -> None:
        """The next scan asks the core, whatever it sees."""
        self._left = 0

    def note_step(self, now_ms: int, settings: Settings) -> None:
        """Remember what the step at `now_ms` saw and when the core wants the next one."""
        core = self._core
        self._inputs[_WHOLE] = core.inputs
        self._quality[_WHOLE] = core.quality
        self._hub_alive = core.hub_alive
        self._generation = settings.generation
        wake_ms = core.next_wake_ms()
        self._has_deadline = wake_ms != _NO_DEADLINE
        if self._has_deadline:
            self._due_ms = ticks_add(now_ms, wake_ms)
        self._left = REFRESH_SCANS
