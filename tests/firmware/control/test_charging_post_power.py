"""The charging post's power path asked directly: which state drives what, and which interlock takes it away."""

import struct
import unittest

from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import (
    JOG_EXTEND,
    JOG_NONE,
    JOG_RETRACT,
    TIMER_COUNT,
    TIMER_STATE,
    TIMER_VEHICLE,
    PostMemory,
)
from firmware.control.charging_post_power import PostPower
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import default_settings

ALL_STATES = range(reg.STATE_MANUAL + 1)
CHARGING = range(reg.STATE_RAMP, reg.STATE_TAPER_END + 1)


def make_power(state: int, contactor: int = 0) -> PostPower:
    """A power path in `state` with a battery on the contacts, a charged bus, no current and an open session."""
    memory = PostMemory(state, 0)
    memory.contactor = contactor
    memory.session_open = 1
    timers = TimerBank(TIMER_COUNT)
    timers.start(TIMER_VEHICLE, 10000)
    inputs = PostInputs()
    inputs.values[reg.IN_CONTACT_PRESSED] = 1
    inputs.matches = inputs.bus_charged = inputs.current_zero = True
    return PostPower(memory, timers, inputs, default_settings(), EventRing(bytearray(SLOT_SIZE), 1))


def make_dead(state: int) -> PostPower:
    """As make_power, with dead plates and the arm between its ends: the contacts may move."""
    power = make_power(state)
    power.inputs.plates_dead = True
    return power


class TestDrive(unittest.TestCase):
    def test_nothing_is_driven_before_the_first_scan(self) -> None:
        power = make_power(reg.STATE_CC, 1)
        self.assertEqual((power.precharge, power.enable, power.power, power.motor), (0, 0, 0, JOG_NONE))

    def test_each_state_drives_what_the_sequence_gives_it(self) -> None:
        for state in ALL_STATES:
            power = make_power(state, 1)
            power.inputs.current_zero = False
            power.step()
            closes = state in (reg.STATE_PRECHARGE, reg.STATE_CONTACTOR_CLOSE)
            powered = reg.STATE_CONTACT_CHECK <= state <= reg.STATE_RAMP_DOWN
            self.assertEqual(power.precharge, 1 if closes else 0, state)
            self.assertEqual(power.enable, 1 if state in CHARGING else 0, state)
            self.assertEqual(power.power, 1 if powered else 0, state)

    def test_module_has_no_enable_behind_an_open_contactor_and_no_mains_outside_a_session(self) -> None:
        power = make_power(reg.STATE_CC)
        power.step()
        self.assertEqual((power.enable, power.power), (0, 1))
        power = make_power(reg.STATE_CC, 1)
        power.memory.session_open = 0
        power.step()
        self.assertEqual((power.enable, power.power), (1, 0))

    def test_a_battery_that_is_not_seen_in_any_one_way_takes_precharge_contactor_and_enable_away(self) -> None:
        def press_off(power: PostPower) -> None:
            power.inputs.values[reg.IN_CONTACT_PRESSED] = 0

        def mismatch(power: PostPower) -> None:
            power.inputs.matches = False

        def refuse(power: PostPower) -> None:
            power.inputs.refusal = 1

        def silence(power: PostPower) -> None:
            power.timers.stop(TIMER_VEHICLE)

        for hide in (press_off, mismatch, refuse, silence):
            power = make_power(reg.STATE_CONTACTOR_CLOSE)
            self.assertTrue(power.is_battery_seen())
            hide(power)
            self.assertFalse(power.is_battery_seen())
            power.step()
            self.assertEqual((power.precharge, power.memory.contactor), (0, 0))
            power = make_power(reg.STATE_CC, 1)
            hide(power)
            power.step()
            self.assertEqual((power.enable, power.memory.contactor), (0, 1))


class TestContactor(unittest.TestCase):
    def test_opens_in_every_state_outside_the_charge_but_only_without_current(self) -> None:
        for state in ALL_STATES:
            stays = reg.STATE_CONTACTOR_CLOSE <= state <= reg.STATE_RAMP_DOWN
            for zero in (True, False):
                power = make_power(state, 1)
                power.inputs.current_zero = zero
                power.inputs.bus_charged = False  # asked before it closes, not after
                power.step()
                expected = state != reg.STATE_ESTOP and (stays or not zero)
                self.assertEqual(power.memory.contactor, 1 if expected else 0, (state, zero))

    def test_closes_in_its_own_state_only_over_a_charged_bus_without_current(self) -> None:
        for state in ALL_STATES:
            power = make_power(state)
            power.step()
            self.assertEqual(power.memory.contactor, 1 if state == reg.STATE_CONTACTOR_CLOSE else 0, state)
        for charged, zero in ((False, True), (True, False)):
            power = make_power(reg.STATE_CONTACTOR_CLOSE)
            power.inputs.bus_charged = charged
            power.inputs.current_zero = zero
            power.step()
            self.assertEqual(power.memory.contactor, 0)

    def test_a_load_break_is_an_opening_under_current_by_the_emergency_stop(self) -> None:
        for contactor, zero, breaks in ((1, False, 1), (1, True, 0), (0, False, 0), (0, True, 0)):
            power = make_power(reg.STATE_ESTOP, contactor)
            power.inputs.current_zero = zero
            power.inputs.current_a_x10 = 391
            for _ in range(2):
                power.step()
            self.assertEqual(power.memory.load_breaks, breaks)
            self.assertEqual(power.ring.head, breaks)
            if breaks:
                self.assertEqual(struct.unpack_from(">Hi", power.ring.data, 10), (reg.EV_LOAD_BREAK, 391))

    def test_load_breaks_wrap_at_the_width_of_their_register(self) -> None:
        for before, after in ((0xFFFE, 0xFFFF), (0xFFFF, 0)):
            power = make_power(reg.STATE_ESTOP, 1)
            power.inputs.current_zero = False
            power.memory.load_breaks = before
            power.step()
            self.assertEqual(power.memory.load_breaks, after)


class TestCurrent(unittest.TestCase):
    def at(self, power: PostPower, now_ms: int) -> int:
        """The set current after a scan at now_ms."""
        power.timers.advance(now_ms)
        power.step()
        return power.memory.set_a_x10

    def test_a_current_is_set_in_the_charging_states_only(self) -> None:
        for state in ALL_STATES:
            power = make_power(state, 1)
            power.memory.set_a_x10 = 50
            power.inputs.limit_a_x10 = 50
            power.step()
            self.assertEqual(power.memory.set_a_x10, 50 if state in CHARGING else 0, state)

    def test_the_time_out_of_a_state_is_left_alone_outside_the_charge(self) -> None:
        for state in ALL_STATES:
            for limit in (0, 50):
                power = make_power(state)
                power.inputs.limit_a_x10 = limit
                self.at(power, 0)
                if state not in CHARGING:
                    self.assertTrue(power.timers.is_off(TIMER_STATE), state)
                    power.timers.start(TIMER_STATE, 30)
                    self.at(power, 29)
                    self.assertTrue(power.timers.is_running(TIMER_STATE), state)
                    self.at(power, 30)
                    self.assertTrue(power.timers.is_done(TIMER_STATE), state)

    def test_rises_by_the_ramp_every_hundred_milliseconds_to_the_limit_and_not_beyond(self) -> None:
        power = make_power(reg.STATE_RAMP, 1)
        power.settings[reg.SET_RAMP_A_PER_S_X10] = 200
        power.inputs.limit_a_x10 = 50
        seen = [self.at(power, now_ms) for now_ms in (0, 99, 100, 150, 199, 200, 300)]
        self.assertEqual(seen, [0, 0, 20, 20, 20, 40, 50])
        self.assertEqual(self.at(power, 310), 50)
        self.assertTrue(power.timers.is_off(TIMER_STATE))  # nothing is left to wake for

    def test_a_late_scan_makes_one_step(self) -> None:
        power = make_power(reg.STATE_RAMP, 1)
        power.settings[reg.SET_RAMP_A_PER_S_X10] = 200
        power.inputs.limit_a_x10 = 500
        seen = [self.at(power, now_ms) for now_ms in (0, 5000, 5050, 5099, 5100)]
        self.assertEqual(seen, [0, 20, 20, 20, 40])

    def test_falls_at_once(self) -> None:
        power = make_power(reg.STATE_CC, 1)
        power.memory.set_a_x10 = 400
        power.inputs.limit_a_x10 = 37
        self.assertEqual(self.at(power, 0), 37)


class TestMotor(unittest.TestCase):
    def test_each_state_moves_the_arm_its_own_way(self) -> None:
        for state in ALL_STATES:
            for jog in (JOG_NONE, JOG_EXTEND, JOG_RETRACT):
                power = make_dead(state)
                power.memory.jog = jog
                power.step()
                expected = {reg.STATE_EXTEND: JOG_EXTEND, reg.STATE_RETRACT: JOG_RETRACT, reg.STATE_MANUAL: jog}
                self.assertEqual(power.motor, expected.get(state, JOG_NONE), (state, jog))

    def test_each_end_stops_its_own_way_only(self) -> None:
        for state, end, motor in (
            (reg.STATE_EXTEND, reg.IN_ARM_EXTENDED, JOG_NONE),
            (reg.STATE_EXTEND, reg.IN_ARM_RETRACTED, JOG_EXTEND),
            (reg.STATE_RETRACT, reg.IN_ARM_EXTENDED, JOG_RETRACT),
            (reg.STATE_RETRACT, reg.IN_ARM_RETRACTED, JOG_NONE),
        ):
            power = make_dead(state)
            power.inputs.values[end] = 1
            power.step()
            self.assertEqual(power.motor, motor)

    def test_nothing_moves_without_an_arm_with_a_conflict_or_with_a_circuit_that_is_not_dead(self) -> None:
        for state in (reg.STATE_EXTEND, reg.STATE_RETRACT):
            for cause in range(5):
                power = make_dead(state)
                power.settings[reg.SET_ARM_FITTED] = 0 if cause == 0 else 1
                power.inputs.arm_conflict = cause == 1
                power.inputs.values[reg.IN_CONTACTOR_AUX] = 1 if cause == 2 else 0
                power.inputs.plates_dead = cause != 3
                power.inputs.current_zero = cause != 4
                power.step()
                self.assertEqual(power.motor, JOG_NONE, cause)

    def test_dead_is_open_by_command_and_by_contact_with_dead_plates_and_no_current(self) -> None:
        self.assertTrue(make_dead(reg.STATE_IDLE).is_dead())
        for cause in range(4):
            power = make_dead(reg.STATE_IDLE)
            power.memory.contactor = 1 if cause == 0 else 0
            power.inputs.values[reg.IN_CONTACTOR_AUX] = 1 if cause == 1 else 0
            power.inputs.plates_dead = cause != 2
            power.inputs.current_zero = cause != 3
            self.assertFalse(power.is_dead(), cause)


if __name__ == "__main__":
    unittest.main()
