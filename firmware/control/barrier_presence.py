"""What is under the boom: loops, light curtain, the trailer gap, the count of passes, and who follows too close.

Knows sensors and the time a trailer gap may last; must not know motors or commands. A loop alone loses the gap between
truck and trailer and so may a curtain, hence both are used and presence is held for gap_bridge_ms after they clear; so
it is after a boot, when the gap may just be under the boom.
"""

from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import COUNTER_MASK, TIMER_GAP, BarrierMemory
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.registers import barrier as reg

_CURTAIN = 1 << reg.PRESENCE_LIGHT_CURTAIN
_BRIDGED = 1 << reg.PRESENCE_BRIDGED
# Sensors that see a vehicle under the boom; the entry loop lies before it.
_UNDER_BOOM = (1 << reg.PRESENCE_SAFETY_LOOP) | (1 << reg.PRESENCE_EXIT_LOOP) | _CURTAIN


class BarrierPresence:
    """Presence word, bridging and passes; `blocking` is the word's part that forbids closing,
    `occupied` that part of it without the bridged gap."""

    def __init__(
        self,
        memory: BarrierMemory,
        timers: TimerBank,
        inputs: BarrierInputs,
        settings: list[int],
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.blocking = 0
        self.occupied = 0
        self.seen = 0

    def step(self, ring: EventRing) -> None:
        """Take the sensors of this scan, as the device tests left them."""
        word = self.inputs.sensors
        self.occupied = word & _UNDER_BOOM
        word |= self._bridge(self.occupied)
        self.blocking = word & (_UNDER_BOOM | _BRIDGED)
        if word != self.memory.presence:
            self.memory.presence = word
            ring.push(reg.EV_PRESENCE_CHANGED, word)
        self.seen = self.inputs.sensors_seen & _UNDER_BOOM
        if self.seen and self.memory.used:
            self._note_tailgate(ring)

    def count_pass(self, ring: EventRing) -> None:
        """After the states: a vehicle went through when presence ends that was seen while the boom was open."""
        memory = self.memory
        if not self.blocking:
            if memory.vehicle_under:
                memory.vehicle_under = 0
                if memory.state == reg.STATE_OPEN or memory.state == reg.STATE_CLOSING:
                    memory.used = 1
                memory.passes_total = (memory.passes_total + 1) & COUNTER_MASK
                memory.passes = (memory.passes + 1) & COUNTER_MASK
                ring.push(reg.EV_PASSED, memory.passes & 0xFFFF)
        elif self.seen and self._is_open():
            memory.vehicle_under = 1

    def _note_tailgate(self, ring: EventRing) -> None:
        """Another vehicle, and nobody has called it: the opening was used up by the one before."""
        memory = self.memory
        memory.used = 0
        memory.tailgates = (memory.tailgates + 1) & COUNTER_MASK
        ring.push(reg.EV_TAILGATE, memory.tailgates & 0xFFFF)

    def _bridge(self, occupied: int) -> int:
        """Hold presence for gap_bridge_ms after the last sensor cleared; returns the BRIDGED bit or 0."""
        timers = self.timers
        if occupied:
            timers.stop(TIMER_GAP)
            return 0
        if self.memory.presence & _UNDER_BOOM:
            timers.start(TIMER_GAP, self.settings[reg.SET_GAP_BRIDGE_MS])
        if timers.is_done(TIMER_GAP):
            timers.stop(TIMER_GAP)
        return _BRIDGED if timers.is_running(TIMER_GAP) else 0

    def _is_open(self) -> bool:
        state = self.memory.state
        if state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            return True
        return state == reg.STATE_FIRE_OPEN and self.inputs.is_up != 0
