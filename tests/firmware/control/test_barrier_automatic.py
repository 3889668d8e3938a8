"""What the barrier does by itself, at boot and against lying limits; warning lamp and held opening."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench


def pass_through(bench: BarrierBench) -> None:
    bench.put(reg.IN_SAFETY_LOOP, 1)
    bench.run(1000)
    bench.put(reg.IN_SAFETY_LOOP, 0)


class TestTailgating(unittest.TestCase):
    def test_boom_closes_as_soon_as_the_gap_is_bridged(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_ANTI_TAILGATE] = 1
        bench.open()
        bench.run(5000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        pass_through(bench)
        bench.run(1990)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.run(20)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_trailer_within_the_gap_keeps_the_boom_up(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_ANTI_TAILGATE] = 1
        bench.open()
        pass_through(bench)
        bench.run(1900)
        pass_through(bench)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_PASSES]), (reg.STATE_OPEN, 0))
        self.assertEqual(bench.core.status[reg.ST_TAILGATES], 0)

    def test_second_vehicle_on_one_opening_is_a_tailgate_and_a_called_one_is_not(self) -> None:
        for called in (False, True):
            bench = BarrierBench()
            bench.open()
            pass_through(bench)
            bench.run(3000)
            if called:
                bench.command(reg.OP_OPEN)
            bench.events()
            pass_through(bench)
            self.assertEqual((reg.EV_TAILGATE, 1) in bench.events(), not called)

    def test_hold_open_lets_vehicles_follow_each_other(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(3000)
        for _ in range(2):
            pass_through(bench)
            bench.run(3000)
        self.assertEqual(bench.core.status[reg.ST_TAILGATES], 0)
        self.assertEqual(bench.core.status[reg.ST_PASSES_TOTAL], 2)


class TestPowerReturn(unittest.TestCase):
    def test_open_boom_at_boot_holds_or_closes_after_five_seconds_as_set(self) -> None:
        for action, state in (
            (reg.POWER_RETURN_ACTION_HOLD, reg.STATE_OPEN),
            (reg.POWER_RETURN_ACTION_OPEN, reg.STATE_OPEN),
            (reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR, reg.STATE_CLOSED),
        ):
            bench = BarrierBench(2000)
            bench.settings[reg.SET_POWER_RETURN_ACTION] = action
            self._lose_and_get_back(bench)
            bench.run(4900)
            self.assertEqual(bench.motors(), "-")
            bench.run(5000)
            self.assertEqual(bench.state(), state)

    def test_stop_or_the_key_ends_it(self) -> None:
        for by_key in (True, False):
            bench = BarrierBench(2000)
            bench.settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR
            self._lose_and_get_back(bench)
            bench.run(1000)
            self.assertEqual(bench.core.status[reg.ST_AUTOMATIC], reg.AUTOMATIC_POWER_RETURN_CLOSE)
            self.assertEqual(bench.lights(), reg.LIGHTS_RED_FLASHING)
            if by_key:
                bench.put(reg.IN_LOCAL_MODE, 1)
                bench.put(reg.IN_LOCAL_MODE, 0)
            else:
                bench.command(reg.OP_STOP)
            bench.run(20000)
            self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_vehicle_starts_the_five_seconds_anew(self) -> None:
        bench = BarrierBench(2000)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR
        self._lose_and_get_back(bench)
        bench.run(4000)
        pass_through(bench)
        bench.run(2000 + 4900)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.run(200)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_boom_half_way_homes_by_opening_and_then_closes(self) -> None:
        bench = BarrierBench(900)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR
        self._lose_and_get_back(bench)
        bench.run(5100)
        self.assertEqual(bench.state(), reg.STATE_HOMING)
        bench.run(12000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_boom_that_is_found_open_when_its_opening_is_due_is_open_in_that_scan(self) -> None:
        bench = BarrierBench(900)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_OPEN
        self._lose_and_get_back(bench)
        bench.run(4990)
        self.assertEqual(bench.core.status[reg.ST_AUTOMATIC], reg.AUTOMATIC_POWER_RETURN_OPEN)
        bench.position_ms = bench.travel_ms
        bench.run(10)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_OPEN, "-"))

    def _lose_and_get_back(self, bench: BarrierBench) -> None:
        bench.put(reg.IN_MAINS_OK, 0)
        bench.put(reg.IN_MAINS_OK, 1)


class TestRest(unittest.TestCase):
    def test_boot_bridges_a_gap_that_may_be_there(self) -> None:
        bench = BarrierBench(2000, is_fresh=True)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_BRIDGED)
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        bench.run(2000)
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 0)

    def test_held_opening_stops_when_the_button_is_let_go(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_LOCAL_OPEN] = reg.LOCAL_OPEN_HOLD_TO_RUN
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(1000)
        self.assertEqual(bench.motors(), "open")
        bench.put(reg.IN_LOCAL_OPEN, 0)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_STOPPED_MID))
        bench.put(reg.IN_FIRE, 1)
        bench.run(200)
        self.assertEqual(bench.motors(), "open")

    def test_warning_lamp_flashes_with_every_movement_and_only_then(self) -> None:
        bench = BarrierBench()
        self.assertEqual(bench.core.outputs[reg.OUT_WARNING_LAMP], 0)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.core.outputs[reg.OUT_WARNING_LAMP], 1)
        bench.run(500)
        self.assertEqual(bench.core.outputs[reg.OUT_WARNING_LAMP], 0)
        bench.run(2000)
        self.assertEqual(bench.core.outputs[reg.OUT_WARNING_LAMP], 0)
        bench.command(reg.OP_CLOSE)
        self.assertEqual((bench.motors(), bench.core.outputs[reg.OUT_WARNING_LAMP]), ("-", 1))
        bench.put(reg.IN_MANUAL_RELEASED, 1)
        self.assertEqual(bench.core.outputs[reg.OUT_WARNING_LAMP], 0)


class TestLyingLimits(unittest.TestCase):
    def test_fire_opens_against_a_stuck_upper_limit_and_the_fault_says_why(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LIMIT_OPEN, 1)
        self.assertTrue(bench.has_fault(reg.FAULTS_LIMIT_CONFLICT))
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual(bench.motors(), "open")
        for _ in range(449):
            bench.now_ms += 10
            bench.scan()
        self.assertEqual(bench.motors(), "open")
        bench.now_ms += 10
        bench.scan()
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_FIRE_OPEN))
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_OPEN_MS], 0)

    def test_upper_limit_that_does_not_let_go_is_found_a_quarter_of_the_way_down(self) -> None:
        bench = BarrierBench(2000)
        bench.command(reg.OP_CLOSE)
        bench.run(500)
        for _ in range(80):
            self.assertEqual(bench.motors(), "close")
            bench.now_ms += 10
            bench.scan()
        self.assertEqual(bench.motors(), "-")
        self.assertTrue(bench.has_fault(reg.FAULTS_LIMIT_STUCK))
        self.assertEqual(bench.state(), reg.STATE_FAULT)
