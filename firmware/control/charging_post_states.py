"""The charging post's sequence: which state follows which, and why a session ends.

Knows the reference sequence (standards reference 4.4), its time-outs and the rank of what ends it; must not know how
the contactor or the motors are driven. The order here is what the safe ending rests on: every way out of a session
leads through RAMP_DOWN, CONTACTOR_OPEN and WELD_CHECK, and only from there to RETRACT; the emergency stop begins the
same way once its chain is closed again. So does a start of the device, which may have been a power cut under load.
"""

from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import (
    TIMER_CHARGE,
    TIMER_HOLD,
    TIMER_MODULE,
    TIMER_STATE,
    TIMER_VEHICLE,
    PostMemory,
)
from firmware.control.charging_post_meter import PostMeter
from firmware.control.charging_post_power import RAMP_STEP_MS, PostPower
from firmware.control.charging_post_watch import PostWatch
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import charging_post as reg

# The current must be gone for so long before the contactor opens: a module told to rise a moment ago may still.
ZERO_HOLD_MS = const(100)
# Five frames to the power module and its way down; above the post's own limit the trip is immediate.
OVER_HOLD_MS = const(500)

_NONE = reg.END_REASON_NONE


class PostStates:
    """Moves `memory.state`; step() once per scan, after the faults and before the power path."""

    def __init__(
        self,
        memory: PostMemory,
        timers: TimerBank,
        inputs: PostInputs,
        settings: list[int],
        faults: PostFaults,
        power: PostPower,
        watch: PostWatch,
        meter: PostMeter,
        ring: EventRing,
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.faults = faults
        self.power = power
        self.watch = watch
        self.meter = meter
        self.ring = ring
        self.hub_alive = 0
        self._list_handlers()

    def step(self, hub_alive: int) -> None:
        """Ends and interruptions first, in the order of their rank, then what the state itself does."""
        self.hub_alive = hub_alive
        state = self.memory.state
        if not self.inputs.values[reg.IN_STOP_CHAIN_OK]:
            self._stop_all()
            return
        if reg.STATE_HANDSHAKE <= state <= reg.STATE_TAPER_END:
            reason = self.watch.why_end(state, hub_alive)
            if reason != _NONE:
                self.end(reason, 1 if self.watch.is_inhibited() else 0)
        elif reg.STATE_RAMP_DOWN <= state <= reg.STATE_RETRACT and self.watch.is_inhibited():
            self.memory.halt = 1
        self._handlers[self.memory.state]()

    def end(self, reason: int, halt: int) -> None:
        """Begin the safe ending of whatever goes on; with `halt` the contacts stay where they are."""
        memory = self.memory
        if memory.session_open or memory.state == reg.STATE_HANDSHAKE:
            memory.end_reason = reason
        if memory.state == reg.STATE_HANDSHAKE:
            self._enter(reg.STATE_RELEASE, 0)  # nothing has moved yet
            return
        memory.halt = halt
        self.timers.stop(TIMER_CHARGE)
        self._enter(reg.STATE_RAMP_DOWN, self.settings[reg.SET_RAMP_DOWN_MS])

    def may_start(self) -> bool:
        """Nothing of the post stands against a session with the vehicle that is there."""
        inputs = self.inputs
        ready = inputs.values[reg.IN_VEHICLE_PRESENT] and inputs.arm_home and not inputs.hot and self.power.is_dead()
        return bool(ready) and not self.faults.any() and not self.watch.is_inhibited() and not self.memory.locked

    def begin_session(self) -> None:
        """Begin to listen to the vehicle."""
        self._enter(reg.STATE_HANDSHAKE, self.settings[reg.SET_HANDSHAKE_MS])

    def _list_handlers(self) -> None:
        """One method per state, in the order of STATE_*."""
        self._handlers = (
            self._idle,
            self._vehicle_present,
            self._handshake,
            self._extend,
            self._contact_check,
            self._insulation_test,
            self._precharge,
            self._contactor_close,
            self._ramp,
            self._constant_current,
            self._constant_voltage,
            self._taper_end,
            self._ramp_down,
            self._contactor_open,
            self._weld_check,
            self._retract,
            self._release,
            self._stopped,
            self._estop,
            self._fault,
            self._manual,
        )

    def _stop_all(self) -> None:
        """Emergency stop: the chain has cut the power path already; the power stage follows in this scan."""
        memory = self.memory
        if memory.state == reg.STATE_ESTOP:
            return
        if memory.session_open:
            memory.end_reason = reg.END_REASON_ESTOP
            self.meter.end()
        self.timers.stop(TIMER_CHARGE)
        self._enter(reg.STATE_ESTOP, 0)

    def _idle(self) -> None:
        if self.faults.any():
            self._enter(reg.STATE_FAULT, 0)
        elif not self._leaves_rest() and self.inputs.values[reg.IN_VEHICLE_PRESENT]:
            self._enter(reg.STATE_VEHICLE_PRESENT, 0)

    def _vehicle_present(self) -> None:
        if self._leaves_rest():
            return
        if self.faults.any():
            self._enter(reg.STATE_RELEASE, 0)
        elif not self.inputs.values[reg.IN_VEHICLE_PRESENT]:
            self._enter(reg.STATE_IDLE, 0)
        elif self.settings[reg.SET_AUTO_START] and self.hub_alive and self.may_start():
            self.begin_session()

    def _handshake(self) -> None:
        if self.timers.is_running(TIMER_VEHICLE) and not self.inputs.refusal:
            self.meter.begin(self.inputs.vehicle_id)
            self._enter(reg.STATE_EXTEND, self.settings[reg.SET_ARM_MS])
        elif self.timers.is_done(TIMER_STATE):
            self.end(reg.END_REASON_REFUSED, 0)

    def _extend(self) -> None:
        """A plate that is live before the vehicle was asked to connect: its battery lies bare."""
        inputs = self.inputs
        if not self.power.is_dead():
            self.end(reg.END_REASON_NO_BATTERY, 0)
        elif inputs.arm_out and inputs.values[reg.IN_CONTACT_PRESSED]:
            self.memory.connect = 1
            self._enter(reg.STATE_CONTACT_CHECK, self.settings[reg.SET_CONTACT_MS])
        elif self.timers.is_done(TIMER_STATE):
            if inputs.arm_out:
                self.end(reg.END_REASON_NO_CONTACT, 0)
            else:
                self.faults.latch(reg.FAULTS_ARM_FAULT)
                self.end(reg.END_REASON_FAULT, 0)

    def _contact_check(self) -> None:
        if self._has_held(self.power.is_battery_seen(), self.settings[reg.SET_CONTACT_SETTLE_MS]):
            self.memory.imd_tested = 0
            self._enter(reg.STATE_INSULATION_TEST, self.settings[reg.SET_IMD_TEST_MS])
        elif self.timers.is_done(TIMER_STATE):
            self.end(reg.END_REASON_NO_BATTERY, 0)

    def _insulation_test(self) -> None:
        """READY must go and come back: a monitor that never began its self-test has proven nothing."""
        values = self.inputs.values
        if not values[reg.IN_IMD_READY]:
            self.memory.imd_tested = 1
        elif self.memory.imd_tested and not values[reg.IN_IMD_OK]:
            self._fail(reg.FAULTS_INSULATION)
            return
        elif self.memory.imd_tested and self.timers.is_running(TIMER_MODULE):
            self.memory.imd_tested = 0
            self._begin_precharge()
            return
        if self.timers.is_done(TIMER_STATE):
            tested = self.memory.imd_tested and values[reg.IN_IMD_READY]
            self._fail(reg.FAULTS_MODULE_LOST if tested else reg.FAULTS_INSULATION)

    def _begin_precharge(self) -> None:
        """A bus that is charged before anything connects it means that something does: contactor or relay is welded."""
        if not self.inputs.bus_dead:
            self._fail(reg.FAULTS_WELDED)
            return
        self._enter(reg.STATE_PRECHARGE, 3 * self.settings[reg.SET_PRECHARGE_TAU_MS])

    def _precharge(self) -> None:
        if self.inputs.bus_charged:
            self._enter(reg.STATE_CONTACTOR_CLOSE, self.settings[reg.SET_CONTACTOR_MS])
        elif self.timers.is_done(TIMER_STATE):
            self._fail(reg.FAULTS_PRECHARGE_FAIL)

    def _contactor_close(self) -> None:
        """The auxiliary contact is asked once, when it has had its time: while contacts bounce it says nothing."""
        if not self.timers.is_done(TIMER_STATE):
            return
        if self.memory.contactor and self.inputs.values[reg.IN_CONTACTOR_AUX]:
            self.timers.start(TIMER_CHARGE, self.settings[reg.SET_CHARGE_TIME_MAX_S] * 1000)
            self._enter(reg.STATE_RAMP, RAMP_STEP_MS)
        else:
            self._fail(reg.FAULTS_CONTACTOR_FAIL)

    def _ramp(self) -> None:
        if self._has_tripped():
            return
        if self.inputs.at_limit:
            self._go_on(reg.STATE_CV)
        elif self.memory.set_a_x10 >= self.inputs.limit_a_x10:
            self._go_on(reg.STATE_CC)

    def _constant_current(self) -> None:
        if not self._has_tripped() and self.inputs.at_limit:
            self._go_on(reg.STATE_CV)

    def _constant_voltage(self) -> None:
        if not self._has_tripped() and self.inputs.at_limit and self.inputs.current_low:
            self._go_on(reg.STATE_TAPER_END)

    def _has_tripped(self) -> bool:
        """Above the agreed limit for longer than a module needs to follow a limit that was just lowered."""
        if not self._has_held(self.inputs.over_agreed, OVER_HOLD_MS):
            return False
        self._fail(reg.FAULTS_OVER_CURRENT)
        return True

    def _taper_end(self) -> None:
        tapered = self.inputs.at_limit and self.inputs.current_low
        if not tapered:
            self._go_on(reg.STATE_CV)
        elif self._has_held(True, self.settings[reg.SET_TAPER_HOLD_MS]):
            self.end(reg.END_REASON_FULL, 0)

    def _ramp_down(self) -> None:
        """Setpoint zero and enable off since the scan that entered here; wait for the current to be gone."""
        if self.timers.is_off(TIMER_STATE):  # after a start of the device
            self.timers.start(TIMER_STATE, self.settings[reg.SET_RAMP_DOWN_MS])
        hold_ms = ZERO_HOLD_MS if self.memory.contactor else 0
        if self._has_held(self.inputs.current_zero, hold_ms):
            self.meter.end()
            self._enter(reg.STATE_CONTACTOR_OPEN, self.settings[reg.SET_CONTACTOR_MS])
        elif self.timers.is_done(TIMER_STATE):
            self._block(reg.FAULTS_CURRENT_STUCK)

    def _contactor_open(self) -> None:
        if not self.timers.is_done(TIMER_STATE):
            return
        if self.memory.contactor:  # current came back before it could open
            self._block(reg.FAULTS_CURRENT_STUCK)
        elif self.inputs.values[reg.IN_CONTACTOR_AUX]:
            self._block(reg.FAULTS_WELDED)
        else:
            self._enter(reg.STATE_WELD_CHECK, self.settings[reg.SET_WELD_CHECK_MS])

    def _weld_check(self) -> None:
        """First the bus must collapse while the vehicle holds the plates up, then the plates without it."""
        memory = self.memory
        inputs = self.inputs
        if memory.block_fault == reg.FAULTS_WELDED + 1:
            self._block(reg.FAULTS_WELDED)
        elif memory.connect:
            if inputs.bus_dead:
                memory.connect = 0
                self.timers.start(TIMER_STATE, self.settings[reg.SET_WELD_CHECK_MS])
            elif self.timers.is_done(TIMER_STATE):
                self._block(reg.FAULTS_WELDED)
        elif inputs.bus_dead and inputs.plates_dead:
            self._after_weld_check()
        elif self.timers.is_done(TIMER_STATE):
            self._block(reg.FAULTS_PLATES_LIVE if inputs.bus_dead else reg.FAULTS_WELDED)

    def _after_weld_check(self) -> None:
        memory = self.memory
        if memory.block_fault:
            self._enter(reg.STATE_FAULT, 0)
        elif memory.halt:
            self._enter(reg.STATE_STOPPED, 0)
        else:
            self._enter(reg.STATE_RETRACT, self.settings[reg.SET_ARM_MS])

    def _retract(self) -> None:
        if self.memory.block_fault:
            self._enter(reg.STATE_FAULT, 0)
        elif self.memory.halt:
            self._enter(reg.STATE_STOPPED, 0)
        elif self.inputs.arm_home:
            self._enter(reg.STATE_RELEASE, 0)
        elif self.timers.is_done(TIMER_STATE):
            self._block(reg.FAULTS_ARM_FAULT)

    def _release(self) -> None:
        if not self._leaves_rest() and not self.inputs.values[reg.IN_VEHICLE_PRESENT]:
            self._enter(reg.STATE_IDLE, 0)

    def _stopped(self) -> None:
        """Contacts that are home already have nothing to wait for."""
        if self.memory.block_fault:
            self._enter(reg.STATE_FAULT, 0)
        elif self.inputs.values[reg.IN_LOCAL_MODE]:
            self._enter(reg.STATE_MANUAL, 0)
        elif self.inputs.arm_home and not self.watch.is_inhibited():
            self._enter(reg.STATE_RELEASE, 0)

    def _estop(self) -> None:
        """The chain is closed again. Nothing moves until RELEASE: a reset is not a start."""
        self.memory.halt = 1
        self._enter(reg.STATE_RAMP_DOWN, self.settings[reg.SET_RAMP_DOWN_MS])

    def _fault(self) -> None:
        if self.inputs.values[reg.IN_LOCAL_MODE] and not self.memory.contactor:
            self._enter(reg.STATE_MANUAL, 0)
        elif not self.faults.any():
            self.end(_NONE, 1)

    def _manual(self) -> None:
        """Key turned back: prove everything anew, leave the contacts where the hand left them."""
        if not self.inputs.values[reg.IN_LOCAL_MODE]:
            self.end(_NONE, 1)

    def _leaves_rest(self) -> bool:
        """A rest state is left for FAULT, for the key, or because the contacts are not at home; True if so."""
        if self.memory.block_fault:
            self._enter(reg.STATE_FAULT, 0)
        elif self.inputs.values[reg.IN_LOCAL_MODE]:
            self._enter(reg.STATE_MANUAL, 0)
        elif not self.inputs.arm_home:
            self._enter(reg.STATE_STOPPED, 0)
        else:
            return False
        return True

    def _fail(self, fault: int) -> None:
        self.faults.latch(fault)
        self.end(reg.END_REASON_FAULT, 0)

    def _block(self, fault: int) -> None:
        """Rest in FAULT. The vehicle is asked to disconnect, unless it would have to do so under load."""
        self.faults.latch(fault)
        self.meter.end()
        if fault != reg.FAULTS_CURRENT_STUCK:
            self.memory.connect = 0
        self._enter(reg.STATE_FAULT, 0)

    def _has_held(self, condition: bool, duration_ms: int) -> bool:
        """Tell whether the condition has stood for duration_ms; TIMER_HOLD counts."""
        timers = self.timers
        if not condition:
            timers.stop(TIMER_HOLD)
            return False
        if timers.is_off(TIMER_HOLD):
            timers.start(TIMER_HOLD, duration_ms)
        return timers.is_done(TIMER_HOLD)

    def _go_on(self, state: int) -> None:
        """Change between charging states, whose TIMER_STATE is the ramp's."""
        self.memory.state = state
        self.timers.stop(TIMER_HOLD)
        self.ring.push(reg.EV_STATE_CHANGED, state)

    def _enter(self, state: int, duration_ms: int) -> None:
        """Change the state; TIMER_STATE runs for duration_ms, 0 is off."""
        memory = self.memory
        timers = self.timers
        timers.stop(TIMER_HOLD)
        if duration_ms:
            timers.start(TIMER_STATE, duration_ms)
        else:
            timers.stop(TIMER_STATE)
        if state <= reg.STATE_TAPER_END or state == reg.STATE_RELEASE or state >= reg.STATE_STOPPED:
            memory.halt = 0  # means something only while an ending runs
        if state < reg.STATE_CONTACT_CHECK or (state > reg.STATE_WELD_CHECK and state != reg.STATE_FAULT):
            memory.connect = 0
        if state != memory.state:
            memory.state = state
            self.ring.push(reg.EV_STATE_CHANGED, state)
