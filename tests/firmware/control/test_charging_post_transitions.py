"""The charging post's sequence asked directly: each state's way on, by the flags of one scan and its time-out."""

import unittest

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_memory import TIMER_CHARGE, TIMER_HOLD, TIMER_MODULE, TIMER_STATE, TIMER_VEHICLE
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import IDLE_INPUTS, RING_CAPACITY, default_settings

ALL_STATES = range(reg.STATE_MANUAL + 1)
UNTIMED = (
    reg.STATE_IDLE,
    reg.STATE_VEHICLE_PRESENT,
    reg.STATE_RELEASE,
    reg.STATE_STOPPED,
    reg.STATE_ESTOP,
    reg.STATE_FAULT,
    reg.STATE_MANUAL,
)
REST = (reg.STATE_IDLE, reg.STATE_VEHICLE_PRESENT, reg.STATE_RELEASE)


def post_in(state: int) -> ChargingPost:
    """A core in `state` at 0 ms beside a living vehicle, the arm on its way, all dead; its time-out runs far ahead."""
    core = ChargingPost(default_settings(), EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY))
    inputs = core.sensed
    for index in IDLE_INPUTS:
        inputs.values[index] = 1
    inputs.values[reg.IN_VEHICLE_PRESENT] = inputs.values[reg.IN_CONTACT_PRESSED] = 1
    inputs.matches = inputs.plates_dead = inputs.bus_dead = inputs.current_zero = True
    inputs.arm_home = state in REST or state == reg.STATE_HANDSHAKE
    inputs.limit_a_x10 = 400
    core.memory.state = state
    core.memory.halt = core.memory.end_reason = 0
    core.memory.session_open = 1 if reg.STATE_EXTEND <= state <= reg.STATE_RAMP_DOWN else 0
    for timer in (TIMER_STATE, TIMER_VEHICLE, TIMER_MODULE):
        core.timers.start(timer, 100000)
    return core


def step(core: ChargingPost, hub_alive: int = 1) -> int:
    """One scan of the states alone; the state after it. A state that waits for nobody's time has no time-out."""
    before = core.memory.state
    core.states.step(hub_alive)
    if core.memory.state != before and core.memory.state in UNTIMED:
        assert core.timers.is_off(TIMER_STATE)
    return core.memory.state


def late(core: ChargingPost) -> ChargingPost:
    """The same core once its time-out has come."""
    core.timers.start(TIMER_STATE, 0)
    return core


class TestRest(unittest.TestCase):
    def test_rest_is_left_for_a_fault_for_the_key_and_for_contacts_that_are_out(self) -> None:
        for state in REST:
            core = post_in(state)
            core.memory.block_fault = 1
            core.sensed.values[reg.IN_LOCAL_MODE] = 1
            self.assertEqual(step(core), reg.STATE_FAULT)
            core = post_in(state)
            core.sensed.values[reg.IN_LOCAL_MODE] = 1
            core.sensed.arm_home = False
            self.assertEqual(step(core), reg.STATE_MANUAL)
            core = post_in(state)
            core.sensed.arm_home = False
            self.assertEqual(step(core), reg.STATE_STOPPED)

    def test_rest_follows_the_vehicle(self) -> None:
        for state, present, absent in (
            (reg.STATE_IDLE, reg.STATE_VEHICLE_PRESENT, reg.STATE_IDLE),
            (reg.STATE_VEHICLE_PRESENT, reg.STATE_VEHICLE_PRESENT, reg.STATE_IDLE),
            (reg.STATE_RELEASE, reg.STATE_RELEASE, reg.STATE_IDLE),
        ):
            core = post_in(state)
            self.assertEqual(step(core), present)
            core = post_in(state)
            core.sensed.values[reg.IN_VEHICLE_PRESENT] = 0
            self.assertEqual(step(core), absent)

    def test_a_stopping_fault_is_told_in_fault_once_the_vehicle_is_gone(self) -> None:
        for state, after in (
            (reg.STATE_IDLE, reg.STATE_FAULT),
            (reg.STATE_VEHICLE_PRESENT, reg.STATE_RELEASE),
            (reg.STATE_RELEASE, reg.STATE_RELEASE),
        ):
            core = post_in(state)
            core.memory.stop_fault = 5
            self.assertEqual(step(core), after)

    def test_auto_start_asks_for_hub_setting_and_a_fit_post(self) -> None:
        for auto, hub, hot in ((1, 1, False), (0, 1, False), (1, 0, False), (1, 1, True)):
            core = post_in(reg.STATE_VEHICLE_PRESENT)
            core.settings[reg.SET_AUTO_START] = auto
            core.sensed.hot = hot
            fit = auto and hub and not hot
            self.assertEqual(step(core, hub), reg.STATE_HANDSHAKE if fit else reg.STATE_VEHICLE_PRESENT)

    def test_fault_is_left_by_the_key_without_a_closed_contactor_or_by_clearing_to_the_safe_end(self) -> None:
        for local, contactor, fault, after in (
            (0, 0, 1, reg.STATE_FAULT),
            (1, 0, 1, reg.STATE_MANUAL),
            (1, 1, 1, reg.STATE_FAULT),
            (0, 0, 0, reg.STATE_RAMP_DOWN),
            (1, 1, 0, reg.STATE_RAMP_DOWN),
        ):
            core = post_in(reg.STATE_FAULT)
            core.sensed.values[reg.IN_LOCAL_MODE] = local
            core.memory.contactor = contactor
            core.memory.block_fault = fault
            self.assertEqual(step(core), after)
            self.assertEqual(core.memory.halt, 1 if after == reg.STATE_RAMP_DOWN else 0)
            self.assertEqual(core.memory.end_reason, 0)

    def test_manual_and_the_emergency_stop_end_in_the_safe_end_that_holds_the_contacts(self) -> None:
        for state in (reg.STATE_MANUAL, reg.STATE_ESTOP):
            core = post_in(state)
            self.assertEqual((step(core), core.memory.halt), (reg.STATE_RAMP_DOWN, 1))
            self.assertEqual(core.timers.remaining_ms(TIMER_STATE), core.settings[reg.SET_RAMP_DOWN_MS])

    def test_stopped_waits_for_whoever_is_there_and_for_contacts_that_are_out(self) -> None:
        for home, panel, local, fault, after in (
            (False, 1, 0, 0, reg.STATE_STOPPED),
            (True, 0, 0, 0, reg.STATE_STOPPED),
            (True, 1, 0, 0, reg.STATE_RELEASE),
            (True, 1, 1, 0, reg.STATE_MANUAL),
            (True, 1, 1, 1, reg.STATE_FAULT),
        ):
            core = post_in(reg.STATE_STOPPED)
            core.sensed.arm_home = home
            core.sensed.values[reg.IN_PANEL_CLOSED] = panel
            core.sensed.values[reg.IN_LOCAL_MODE] = local
            core.memory.block_fault = fault
            self.assertEqual(step(core), after)


class TestInterruptions(unittest.TestCase):
    def test_an_open_chain_is_the_emergency_stop_from_every_state(self) -> None:
        for state in ALL_STATES:
            core = post_in(state)
            core.sensed.values[reg.IN_STOP_CHAIN_OK] = 0
            core.timers.start(TIMER_CHARGE, 1000)
            was_open = core.memory.session_open
            self.assertEqual(step(core), reg.STATE_ESTOP)
            self.assertEqual(core.memory.session_open, 0)
            self.assertEqual(core.memory.end_reason, reg.END_REASON_ESTOP if was_open else 0)
            if state != reg.STATE_ESTOP:
                self.assertTrue(core.timers.is_off(TIMER_CHARGE) and core.timers.is_off(TIMER_STATE))
            told = core.ring.head
            self.assertEqual(step(core), reg.STATE_ESTOP)
            self.assertEqual(core.ring.head, told)

    def test_an_open_panel_ends_a_session_and_holds_the_contacts_of_an_ending(self) -> None:
        for state in range(reg.STATE_HANDSHAKE, reg.STATE_RETRACT + 1):
            for panel, locked in ((0, 0), (1, 1)):
                core = post_in(state)
                core.sensed.values[reg.IN_PANEL_CLOSED] = panel
                core.sensed.current_zero = False
                core.memory.locked = locked
                after = step(core)
                if state == reg.STATE_HANDSHAKE:
                    self.assertEqual((after, core.memory.halt), (reg.STATE_RELEASE, 0))
                elif state <= reg.STATE_RAMP_DOWN:
                    self.assertEqual((after, core.memory.halt), (reg.STATE_RAMP_DOWN, 1 - panel))
                elif state == reg.STATE_RETRACT:
                    self.assertEqual(after, reg.STATE_RETRACT if panel else reg.STATE_STOPPED)
                elif state == reg.STATE_CONTACTOR_OPEN:
                    self.assertEqual((after, core.memory.halt), (state, 1 - panel))
                else:
                    self.assertEqual(after, reg.STATE_RETRACT if panel else reg.STATE_STOPPED)
                reason = reg.END_REASON_COMMAND if locked else reg.END_REASON_PANEL
                told = reason if state <= reg.STATE_TAPER_END else 0
                self.assertEqual(core.memory.end_reason, told, state)

    def test_entering_a_state_clears_what_belongs_to_the_one_before(self) -> None:
        keeps_halt = range(reg.STATE_RAMP_DOWN, reg.STATE_RETRACT + 1)
        for state in ALL_STATES:
            core = post_in(reg.STATE_IDLE)
            core.memory.halt = core.memory.connect = 1
            core.timers.start(TIMER_HOLD, 1000)
            core.states._enter(state, 0)
            connects = reg.STATE_CONTACT_CHECK <= state <= reg.STATE_WELD_CHECK or state == reg.STATE_FAULT
            self.assertEqual(core.memory.halt, 1 if state in keeps_halt else 0, state)
            self.assertEqual(core.memory.connect, 1 if connects else 0, state)
            self.assertTrue(core.timers.is_off(TIMER_HOLD) and core.timers.is_off(TIMER_STATE))
            self.assertEqual(core.ring.head, 1 if state != reg.STATE_IDLE else 0)
            core.states._enter(state, 70)
            self.assertEqual(core.timers.remaining_ms(TIMER_STATE), 70)


class TestSession(unittest.TestCase):
    def ends(self, core: ChargingPost, reason: int, fault: int = -1) -> None:
        """The next scan begins the safe ending for this reason, with this fault latched."""
        core.timers.start(TIMER_CHARGE, 100000)
        self.assertEqual(step(core), reg.STATE_RAMP_DOWN)
        self.assertTrue(core.timers.is_off(TIMER_CHARGE))
        self.assertEqual((core.memory.end_reason, core.memory.halt), (reason, 0))
        self.assertEqual(core.faults.word(), 1 << fault if fault >= 0 else 0)

    def goes_on(self, core: ChargingPost, state: int, setting: int, times: int = 1) -> None:
        """The next scan enters `state`, whose time-out is the setting."""
        self.assertEqual(step(core), state)
        self.assertEqual(core.timers.remaining_ms(TIMER_STATE), times * core.settings[setting])

    def test_handshake_begins_with_a_vehicle_that_is_heard_and_not_refused(self) -> None:
        core = post_in(reg.STATE_HANDSHAKE)
        core.sensed.vehicle_id = 4711
        self.goes_on(core, reg.STATE_EXTEND, reg.SET_ARM_MS)
        self.assertEqual((core.memory.session_open, core.memory.session_vehicle_id), (1, 4711))
        for refusal in (0, 1):
            core = post_in(reg.STATE_HANDSHAKE)
            core.sensed.refusal = refusal
            if not refusal:
                core.timers.stop(TIMER_VEHICLE)
            self.assertEqual(step(core), reg.STATE_HANDSHAKE)
            self.assertEqual(step(late(core)), reg.STATE_RELEASE)
            self.assertEqual(core.memory.end_reason, reg.END_REASON_REFUSED)

    def test_arm_extends_until_it_presses_on_the_plates(self) -> None:
        for out, pressed in ((False, 0), (False, 1), (True, 0), (True, 1)):
            core = post_in(reg.STATE_EXTEND)
            core.sensed.arm_out = out
            core.sensed.values[reg.IN_CONTACT_PRESSED] = pressed
            if out and pressed:
                self.goes_on(core, reg.STATE_CONTACT_CHECK, reg.SET_CONTACT_MS)
                self.assertEqual(core.memory.connect, 1)
                continue
            self.assertEqual(step(core), reg.STATE_EXTEND)
            if out:
                self.ends(late(core), reg.END_REASON_NO_CONTACT)
            else:
                self.ends(late(core), reg.END_REASON_FAULT, reg.FAULTS_ARM_FAULT)

    def test_battery_must_be_seen_for_its_time_before_the_contact_check_runs_out(self) -> None:
        core = post_in(reg.STATE_EXTEND)
        core.sensed.plates_dead = False
        self.ends(core, reg.END_REASON_NO_BATTERY)
        core = post_in(reg.STATE_CONTACT_CHECK)
        core.memory.imd_tested = 1
        self.assertEqual(step(core), reg.STATE_CONTACT_CHECK)
        self.assertEqual(core.timers.remaining_ms(TIMER_HOLD), core.settings[reg.SET_CONTACT_SETTLE_MS])
        core.timers.start(TIMER_HOLD, 0)
        self.goes_on(core, reg.STATE_INSULATION_TEST, reg.SET_IMD_TEST_MS)
        self.assertEqual(core.memory.imd_tested, 0)
        core = post_in(reg.STATE_CONTACT_CHECK)
        core.sensed.matches = False
        core.timers.start(TIMER_HOLD, 0)
        self.assertEqual(step(core), reg.STATE_CONTACT_CHECK)
        self.ends(late(core), reg.END_REASON_NO_BATTERY)

    def test_trip_and_full_battery_end_the_charge_whatever_else_the_scan_shows(self) -> None:
        for state in (reg.STATE_RAMP, reg.STATE_CC, reg.STATE_CV):
            core = post_in(state)
            core.sensed.over_agreed = core.sensed.at_limit = core.sensed.current_low = True
            core.timers.start(TIMER_HOLD, 0)
            self.ends(core, reg.END_REASON_FAULT, reg.FAULTS_OVER_CURRENT)
        core = post_in(reg.STATE_TAPER_END)
        core.sensed.at_limit = core.sensed.current_low = True
        core.timers.start(TIMER_HOLD, 0)
        self.ends(core, reg.END_REASON_FULL)

    def test_insulation_is_proven_by_a_self_test_that_was_seen_and_a_module_that_is_heard(self) -> None:
        core = post_in(reg.STATE_INSULATION_TEST)
        core.sensed.values[reg.IN_IMD_READY] = 0
        self.assertEqual((step(core), core.memory.imd_tested), (reg.STATE_INSULATION_TEST, 1))
        core.sensed.values[reg.IN_IMD_READY] = 1
        self.goes_on(core, reg.STATE_PRECHARGE, reg.SET_PRECHARGE_TAU_MS, 3)
        self.assertEqual(core.memory.imd_tested, 0)
        for tested, ready, ok, alive, fault in (
            (0, 1, 1, 1, reg.FAULTS_INSULATION),
            (0, 1, 0, 1, reg.FAULTS_INSULATION),
            (1, 0, 1, 1, reg.FAULTS_INSULATION),
            (1, 1, 1, 0, reg.FAULTS_MODULE_LOST),
        ):
            core = post_in(reg.STATE_INSULATION_TEST)
            core.memory.imd_tested = tested
            core.sensed.values[reg.IN_IMD_READY] = ready
            core.sensed.values[reg.IN_IMD_OK] = ok
            if not alive:
                core.timers.stop(TIMER_MODULE)
            self.assertEqual(step(core), reg.STATE_INSULATION_TEST)
            self.ends(late(core), reg.END_REASON_FAULT, fault)
        for index, fault in ((0, reg.FAULTS_INSULATION), (1, reg.FAULTS_WELDED)):
            core = post_in(reg.STATE_INSULATION_TEST)
            core.memory.imd_tested = 1
            core.sensed.values[reg.IN_IMD_OK] = index
            core.sensed.bus_dead = not index
            self.ends(core, reg.END_REASON_FAULT, fault)

    def test_bus_and_contactor_have_their_times(self) -> None:
        core = post_in(reg.STATE_PRECHARGE)
        self.assertEqual(step(core), reg.STATE_PRECHARGE)
        self.ends(late(core), reg.END_REASON_FAULT, reg.FAULTS_PRECHARGE_FAIL)
        core = late(post_in(reg.STATE_PRECHARGE))
        core.sensed.bus_charged = True
        self.goes_on(core, reg.STATE_CONTACTOR_CLOSE, reg.SET_CONTACTOR_MS)
        for driven, closed in ((1, 1), (0, 1), (1, 0), (0, 0)):
            core = post_in(reg.STATE_CONTACTOR_CLOSE)
            core.memory.contactor = driven
            core.sensed.values[reg.IN_CONTACTOR_AUX] = closed
            self.assertEqual(step(core), reg.STATE_CONTACTOR_CLOSE)
            if driven and closed:
                self.assertEqual(step(late(core)), reg.STATE_RAMP)
                self.assertEqual(core.timers.remaining_ms(TIMER_STATE), 100)
                longest = core.settings[reg.SET_CHARGE_TIME_MAX_S] * 1000
                self.assertEqual(core.timers.remaining_ms(TIMER_CHARGE), longest)
            else:
                self.ends(late(core), reg.END_REASON_FAULT, reg.FAULTS_CONTACTOR_FAIL)

    def test_charge_goes_from_ramp_to_the_limit_that_is_reached_and_back_from_a_taper_that_is_none(self) -> None:
        for state, limit, low, full, after in (
            (reg.STATE_RAMP, False, False, False, reg.STATE_RAMP),
            (reg.STATE_RAMP, True, False, True, reg.STATE_CV),
            (reg.STATE_RAMP, False, False, True, reg.STATE_CC),
            (reg.STATE_CC, False, True, True, reg.STATE_CC),
            (reg.STATE_CC, True, False, True, reg.STATE_CV),
            (reg.STATE_CV, True, False, True, reg.STATE_CV),
            (reg.STATE_CV, False, True, True, reg.STATE_CV),
            (reg.STATE_CV, True, True, True, reg.STATE_TAPER_END),
            (reg.STATE_TAPER_END, True, True, True, reg.STATE_TAPER_END),
            (reg.STATE_TAPER_END, False, True, True, reg.STATE_CV),
            (reg.STATE_TAPER_END, True, False, True, reg.STATE_CV),
        ):
            core = post_in(state)
            core.sensed.at_limit = limit
            core.sensed.current_low = low
            core.memory.set_a_x10 = 400 if full else 399
            core.timers.start(TIMER_HOLD, 100000)
            self.assertEqual(step(core), after, (state, limit, low, full))
            self.assertEqual(core.timers.is_off(TIMER_HOLD), state != reg.STATE_TAPER_END or after != state)
            self.assertEqual(core.ring.head, 1 if after != state else 0)

    def test_ending_goes_on_by_proof_and_blocks_by_its_time_out(self) -> None:
        for state, connect, aux, bus, plates, fault in (
            (reg.STATE_CONTACTOR_OPEN, 1, 1, True, True, reg.FAULTS_WELDED),
            (reg.STATE_WELD_CHECK, 1, 0, False, True, reg.FAULTS_WELDED),
            (reg.STATE_WELD_CHECK, 0, 0, False, True, reg.FAULTS_WELDED),
            (reg.STATE_WELD_CHECK, 0, 0, True, False, reg.FAULTS_PLATES_LIVE),
            (reg.STATE_RETRACT, 0, 0, True, True, reg.FAULTS_ARM_FAULT),
        ):
            core = post_in(state)
            core.memory.connect = connect
            core.sensed.values[reg.IN_CONTACTOR_AUX] = aux
            core.sensed.bus_dead = bus
            core.sensed.plates_dead = plates
            self.assertEqual(step(core), state)
            self.assertEqual(step(late(core)), reg.STATE_FAULT)
            self.assertEqual((core.faults.word(), core.memory.connect), (1 << fault, 0))

    def test_current_that_stays_or_comes_back_blocks_and_leaves_the_vehicle_connected(self) -> None:
        for state in (reg.STATE_RAMP_DOWN, reg.STATE_CONTACTOR_OPEN):
            core = post_in(state)
            core.memory.contactor = core.memory.connect = 1
            core.sensed.current_zero = False
            self.assertEqual(step(core), state)
            self.assertEqual(step(late(core)), reg.STATE_FAULT)
            self.assertEqual((core.faults.word(), core.memory.connect), (1 << reg.FAULTS_CURRENT_STUCK, 1))
            self.assertEqual(core.memory.session_open, 0)

    def test_ending_takes_its_steps_in_order(self) -> None:
        core = post_in(reg.STATE_RAMP_DOWN)
        core.memory.connect = 1
        self.goes_on(core, reg.STATE_CONTACTOR_OPEN, reg.SET_CONTACTOR_MS)
        self.assertEqual(core.memory.session_open, 0)
        self.goes_on(late(core), reg.STATE_WELD_CHECK, reg.SET_WELD_CHECK_MS)
        core.timers.start(TIMER_STATE, 1)
        self.goes_on(core, reg.STATE_WELD_CHECK, reg.SET_WELD_CHECK_MS)  # now without the vehicle
        self.assertEqual(core.memory.connect, 0)
        self.goes_on(core, reg.STATE_RETRACT, reg.SET_ARM_MS)
        core.sensed.arm_home = True
        self.assertEqual(step(core), reg.STATE_RELEASE)

    def test_blocking_fault_and_halt_keep_the_contacts_after_the_proof(self) -> None:
        for state in (reg.STATE_WELD_CHECK, reg.STATE_RETRACT):
            for fault, after in ((reg.FAULTS_ARM_FAULT + 1, reg.STATE_FAULT), (0, reg.STATE_STOPPED)):
                core = post_in(state)
                core.memory.halt = 1
                core.memory.block_fault = fault
                self.assertEqual(step(core), after)
        core = post_in(reg.STATE_WELD_CHECK)
        core.memory.block_fault = reg.FAULTS_WELDED + 1
        core.memory.connect = 1
        self.assertEqual((step(core), core.memory.connect), (reg.STATE_FAULT, 0))

    def test_a_start_of_the_device_gives_the_ending_its_time(self) -> None:
        core = post_in(reg.STATE_RAMP_DOWN)
        core.sensed.current_zero = False
        core.timers.stop(TIMER_STATE)
        self.goes_on(core, reg.STATE_RAMP_DOWN, reg.SET_RAMP_DOWN_MS)


if __name__ == "__main__":
    unittest.main()
