"""The boom at rest: supervision of the limit it rests at, and the delay before it moves by itself.

Knows limits, the hub's presence and the automatic movements; must not know commands or motors. A boom closes by itself
only if a remote command opened it since it was last stopped, so nothing moves after a boot, a fire, a mains failure, a
stop or an edge contact without a person or the hub asking for it. The exception is power_return_action, which a site
has to set: it moves the boom after a boot or a mains failure, hub or not, after a warning of its own.
"""

from firmware.control.barrier_memory import LATCH_LOCK_CLOSED, TIMER_AUTOMATIC, TIMER_LIMIT_LOST, BarrierMemory
from firmware.control.barrier_states import BarrierStates
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

_LIMIT_LOST = 1 << reg.FAULTS_LIMIT_LOST

# A limit switch may bounce this long before it counts as lost.
_LIMIT_LOST_MS = const(200)

# gap_bridge_ms is over when a passed vehicle counts; nothing more is to be waited for.
_TAILGATE_MS = const(1)
# Warning before a movement nobody at the boom expects (the pre-flash of Nice WIDE-S after a power failure).
_POWER_RETURN_MS = const(5000)


class BarrierRest:
    """Two timers that run while the boom rests at a limit."""

    def __init__(self, memory: BarrierMemory, timers: TimerBank, states: BarrierStates) -> None:
        self.memory = memory
        self.timers = timers
        self.states = states
        self.inputs = states.inputs
        self.settings = states.settings

    def watch(self, hub_alive: int) -> None:
        """Before the states: a limit that stayed away is a fault, and a delay whose reason is gone ends nothing."""
        self._delay(self._choose(hub_alive))
        if self.timers.is_done(TIMER_LIMIT_LOST) and self._is_limit_missing():
            self.states.faults.latch(_LIMIT_LOST)  # ends the resting state, so step() stops the timer

    def step(self, hub_alive: int) -> None:
        """After the motor: start or stop the two timers as the new state wants them."""
        if not hub_alive:
            self.memory.go = 0  # whoever was called may be gone when the hub is back: it decides anew
        if not self._is_limit_missing():
            self.timers.stop(TIMER_LIMIT_LOST)
        elif self.timers.is_off(TIMER_LIMIT_LOST):
            self.timers.start(TIMER_LIMIT_LOST, _LIMIT_LOST_MS)
        if self.memory.power_return:
            self._end_power_return()
        self._delay(self._choose(hub_alive))

    def _is_limit_missing(self) -> bool:
        state = self.memory.state
        if state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            return not self.inputs.is_up
        if state == reg.STATE_CLOSED or state == reg.STATE_LOCKED_CLOSED:
            return not self.inputs.values[reg.IN_LIMIT_CLOSED]
        return False

    def _delay(self, automatic: int) -> None:
        """The delay starts anew whenever its reason changes."""
        if automatic == self.memory.automatic:
            return
        self.memory.automatic = automatic
        if automatic == reg.AUTOMATIC_NONE:
            self.timers.stop(TIMER_AUTOMATIC)
        else:
            self.timers.start(TIMER_AUTOMATIC, self._delay_ms(automatic))

    def _delay_ms(self, automatic: int) -> int:
        if automatic == reg.AUTOMATIC_AUTO_CLOSE:
            return self.settings[reg.SET_AUTO_CLOSE_MS]
        if automatic == reg.AUTOMATIC_HUB_LOST:
            return self.settings[reg.SET_GAP_BRIDGE_MS]  # a vehicle that started on green needs it to reach the loop
        return _TAILGATE_MS if automatic == reg.AUTOMATIC_ANTI_TAILGATE else _POWER_RETURN_MS

    def _choose(self, hub_alive: int) -> int:
        """AUTOMATIC_*: what would begin by itself if everything stayed as it is."""
        memory = self.memory
        if self.inputs.values[reg.IN_LOCAL_MODE]:
            return reg.AUTOMATIC_NONE
        if memory.power_return:
            return self._choose_after_power()
        if memory.state != reg.STATE_OPEN or not memory.may_close_itself or not self._may_close():
            return reg.AUTOMATIC_NONE
        if hub_alive:
            if memory.used and self.settings[reg.SET_ANTI_TAILGATE]:
                return reg.AUTOMATIC_ANTI_TAILGATE
            return reg.AUTOMATIC_AUTO_CLOSE if self.settings[reg.SET_AUTO_CLOSE_MS] else reg.AUTOMATIC_NONE
        # Without a hub no new movement begins unless the site asked for it, auto_close_ms or not.
        closes = self.settings[reg.SET_HUB_LOSS_ACTION] == reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
        return reg.AUTOMATIC_HUB_LOST if closes else reg.AUTOMATIC_NONE

    def _choose_after_power(self) -> int:
        """A position in doubt is found by opening; LOCK_CLOSED forbids that."""
        memory = self.memory
        opens = self.settings[reg.SET_POWER_RETURN_ACTION] == reg.POWER_RETURN_ACTION_OPEN
        if memory.state == reg.STATE_OPEN and not opens and self._may_close():
            return reg.AUTOMATIC_POWER_RETURN_CLOSE
        if memory.state == reg.STATE_CLOSED and opens:
            return reg.AUTOMATIC_POWER_RETURN_OPEN
        if memory.state == reg.STATE_UNKNOWN and memory.latch != LATCH_LOCK_CLOSED:
            return reg.AUTOMATIC_POWER_RETURN_OPEN
        return reg.AUTOMATIC_NONE

    def _may_close(self) -> bool:
        return not self.memory.contacts and self.states.can_close(0)

    def _end_power_return(self) -> None:
        """Done, not wanted any more, or in the hands of a person at the boom."""
        memory = self.memory
        action = self.settings[reg.SET_POWER_RETURN_ACTION]
        is_done = memory.state == (reg.STATE_OPEN if action == reg.POWER_RETURN_ACTION_OPEN else reg.STATE_CLOSED)
        is_latched = memory.state == reg.STATE_HOLD_OPEN or memory.state == reg.STATE_LOCKED_CLOSED
        is_off = action == reg.POWER_RETURN_ACTION_HOLD or self.inputs.values[reg.IN_LOCAL_MODE]
        if is_done or is_latched or is_off:
            memory.power_return = 0
