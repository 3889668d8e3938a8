"""The boom at rest: supervision of the limit it rests at, and the delay before it closes by itself.

Knows limits, the hub's presence and the two automatic closings; must not know commands or motors. A boom closes by
itself only if a remote command opened it since it was last stopped, so nothing moves after a boot, a fire, a mains
failure, a stop or an edge contact without a person or the hub asking for it.
"""

from firmware.control.barrier_memory import TIMER_AUTO_CLOSE, TIMER_LIMIT_LOST, BarrierMemory
from firmware.control.barrier_states import BarrierStates
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

_LIMIT_LOST = 1 << reg.FAULTS_LIMIT_LOST

# A limit switch may bounce this long before it counts as lost.
_LIMIT_LOST_MS = const(200)

_CAUSE_NONE = const(0)
_CAUSE_TIMER = const(1)
_CAUSE_HUB_LOST = const(2)


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
        self._delay_closing(self._closing_cause(hub_alive))
        if self.timers.is_done(TIMER_LIMIT_LOST):
            self.timers.stop(TIMER_LIMIT_LOST)
            if self._is_limit_missing():
                self.states.faults.latch(_LIMIT_LOST)

    def step(self, hub_alive: int) -> None:
        """After the motor: start or stop the two timers as the new state wants them."""
        if not hub_alive:
            self.memory.go = 0  # whoever was called may be gone when the hub is back: it decides anew
        if not self._is_limit_missing():
            self.timers.stop(TIMER_LIMIT_LOST)
        elif self.timers.is_off(TIMER_LIMIT_LOST):
            self.timers.start(TIMER_LIMIT_LOST, _LIMIT_LOST_MS)
        self._delay_closing(self._closing_cause(hub_alive))

    def _is_limit_missing(self) -> bool:
        state = self.memory.state
        if state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            return not self.inputs.values[reg.IN_LIMIT_OPEN]
        if state == reg.STATE_CLOSED or state == reg.STATE_LOCKED_CLOSED:
            return not self.inputs.values[reg.IN_LIMIT_CLOSED]
        return False

    def _delay_closing(self, cause: int) -> None:
        """The delay starts anew whenever its cause changes."""
        if cause == self.memory.auto_close_cause:
            return
        self.memory.auto_close_cause = cause
        if cause == _CAUSE_NONE:
            self.timers.stop(TIMER_AUTO_CLOSE)
        elif cause == _CAUSE_TIMER:
            self.timers.start(TIMER_AUTO_CLOSE, self.settings[reg.SET_AUTO_CLOSE_MS])
        else:
            # A vehicle that started on green needs this long to reach the loop.
            self.timers.start(TIMER_AUTO_CLOSE, self.settings[reg.SET_GAP_BRIDGE_MS])

    def _closing_cause(self, hub_alive: int) -> int:
        memory = self.memory
        if memory.state != reg.STATE_OPEN or not memory.may_close_itself or memory.contacts:
            return _CAUSE_NONE
        if self.inputs.values[reg.IN_LOCAL_MODE] or not self.states.can_close(0):
            return _CAUSE_NONE
        if hub_alive:
            return _CAUSE_TIMER if self.settings[reg.SET_AUTO_CLOSE_MS] else _CAUSE_NONE
        # Without a hub no new movement begins unless the site asked for it, auto_close_ms or not.
        closes = self.settings[reg.SET_HUB_LOSS_ACTION] == reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
        return _CAUSE_HUB_LOST if closes else _CAUSE_NONE
