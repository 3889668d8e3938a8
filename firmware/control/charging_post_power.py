"""The charging post's power path: main contactor, pre-charge relay, enable and current setpoint, arm motors.

Knows which state may drive what, and the interlocks, which hold whatever the sequence wants: the contactor closes only
onto a battery that is seen, over a charged bus and without current; it opens only without current, but for the
emergency stop; the contacts move only with a dead, open circuit. Must not know why a state was entered.
"""

from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import (
    JOG_EXTEND,
    JOG_NONE,
    JOG_RETRACT,
    TIMER_STATE,
    TIMER_VEHICLE,
    PostMemory,
)
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import charging_post as reg

# The set current rises in steps of this pace; ten steps a second are smooth to a battery and few frames to the module.
RAMP_STEP_MS = const(100)


class PostPower:
    """Drives the power path for the state in memory; step() last, so its interlocks see this scan's measurements."""

    def __init__(
        self, memory: PostMemory, timers: TimerBank, inputs: PostInputs, settings: list[int], ring: EventRing
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.ring = ring
        self.precharge = 0
        self.enable = 0
        self.power = 0
        self.motor = JOG_NONE

    def step(self) -> None:
        """Decide every line of the power path anew."""
        state = self.memory.state
        self._set_current(state)
        self._set_contactor(state)
        closes = state == reg.STATE_PRECHARGE or state == reg.STATE_CONTACTOR_CLOSE
        self.precharge = 1 if closes and self.is_battery_seen() else 0
        charges = reg.STATE_RAMP <= state <= reg.STATE_TAPER_END
        self.enable = 1 if charges and self.memory.contactor and self.is_battery_seen() else 0
        self.power = 1 if reg.STATE_CONTACT_CHECK <= state <= reg.STATE_RAMP_DOWN and self.memory.session_open else 0
        self.motor = self._permitted_motor(state)

    def is_battery_seen(self) -> bool:
        """A living vehicle's battery voltage stands on pressed contacts: what tells a battery from stray metal."""
        inputs = self.inputs
        return (
            inputs.matches
            and inputs.values[reg.IN_CONTACT_PRESSED] != 0
            and inputs.refusal == 0
            and self.timers.is_running(TIMER_VEHICLE)
        )

    def is_dead(self) -> bool:
        """The circuit is proven open and dead: the contacts may move."""
        inputs = self.inputs
        is_open = not self.memory.contactor and not inputs.values[reg.IN_CONTACTOR_AUX]
        return is_open and inputs.plates_dead and inputs.current_zero

    def _set_current(self, state: int) -> None:
        """Rise by ramp_a_per_s, fall at once. A late scan makes one step, never several."""
        memory = self.memory
        if state < reg.STATE_RAMP or state > reg.STATE_TAPER_END:
            memory.set_a_x10 = 0
            return
        target = self.inputs.limit_a_x10
        if memory.set_a_x10 >= target:
            memory.set_a_x10 = target
            self.timers.stop(TIMER_STATE)
        elif self.timers.is_done(TIMER_STATE):
            raised = memory.set_a_x10 + self.settings[reg.SET_RAMP_A_PER_S_X10] * RAMP_STEP_MS // 1000
            memory.set_a_x10 = raised if raised < target else target
            self.timers.start(TIMER_STATE, RAMP_STEP_MS)
        elif self.timers.is_off(TIMER_STATE):
            self.timers.start(TIMER_STATE, RAMP_STEP_MS)

    def _set_contactor(self, state: int) -> None:
        memory = self.memory
        inputs = self.inputs
        if state == reg.STATE_ESTOP:
            if memory.contactor and not inputs.current_zero:
                memory.load_breaks = (memory.load_breaks + 1) & 0xFFFF
                self.ring.push(reg.EV_LOAD_BREAK, inputs.current_a_x10)
            memory.contactor = 0
        elif state == reg.STATE_CONTACTOR_CLOSE and not memory.contactor:
            may_close = self.is_battery_seen() and inputs.bus_charged and inputs.current_zero
            memory.contactor = 1 if may_close else 0
        elif (state < reg.STATE_CONTACTOR_CLOSE or state > reg.STATE_RAMP_DOWN) and inputs.current_zero:
            memory.contactor = 0

    def _permitted_motor(self, state: int) -> int:
        wanted = JOG_NONE
        if state == reg.STATE_EXTEND:
            wanted = JOG_EXTEND
        elif state == reg.STATE_RETRACT:
            wanted = JOG_RETRACT
        elif state == reg.STATE_MANUAL:
            wanted = self.memory.jog
        if not self.settings[reg.SET_ARM_FITTED] or not self.is_dead() or self.inputs.arm_conflict:
            return JOG_NONE
        reached = reg.IN_ARM_EXTENDED if wanted == JOG_EXTEND else reg.IN_ARM_RETRACTED
        return JOG_NONE if self.inputs.values[reached] else wanted
