"""The tests of safety edge and loop detectors before each closing; the curtain's stand in test_barrier_safety.py."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK
TEST_OUTPUTS = (reg.OUT_CURTAIN_TEST, reg.OUT_EDGE_TEST, reg.OUT_LOOP_TEST)


def opened() -> BarrierBench:
    bench = BarrierBench()
    bench.open()
    return bench


def devices_of_a_closing(bench: BarrierBench) -> list[int]:
    """Outputs of the devices that one closing tests, in their order."""
    seen: list[int] = []
    bench.command(reg.OP_CLOSE)
    for _ in range(500):
        for output in TEST_OUTPUTS:
            if bench.core.outputs[output] and (not seen or seen[-1] != output):
                seen.append(output)
        bench.run(10)
    return seen


class TestSeries(unittest.TestCase):
    def test_each_monitored_device_is_tested_once_per_closing(self) -> None:
        for edge, loop, expected in (
            (reg.EDGE_MONITORING_TESTED, 1, list(TEST_OUTPUTS)),
            (reg.EDGE_MONITORING_UNTESTED, 1, [reg.OUT_CURTAIN_TEST, reg.OUT_LOOP_TEST]),
            (reg.EDGE_MONITORING_TESTED, 0, [reg.OUT_CURTAIN_TEST, reg.OUT_EDGE_TEST]),
            (reg.EDGE_MONITORING_NOT_FITTED, 0, [reg.OUT_CURTAIN_TEST]),
        ):
            bench = opened()
            bench.settings[reg.SET_EDGE_MONITORING] = edge
            bench.settings[reg.SET_LOOP_MONITORING] = loop
            self.assertEqual(devices_of_a_closing(bench), expected)
            self.assertEqual(bench.state(), reg.STATE_CLOSED)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_motor_waits_for_the_last_test_however_short_the_preflash(self) -> None:
        bench = opened()
        bench.settings[reg.SET_PREFLASH_MS] = 0
        bench.loop_answers = False
        bench.command(reg.OP_CLOSE)
        for _ in range(30):
            self.assertEqual(bench.motors(), "-")
            bench.run(10)

    def test_device_that_does_not_answer_degrades_until_a_passed_test(self) -> None:
        for name, fault in (("edge_answers", reg.FAULTS_EDGE_TEST_FAIL), ("loop_answers", reg.FAULTS_LOOP_TEST_FAIL)):
            bench = opened()
            setattr(bench, name, False)
            bench.command(reg.OP_CLOSE)
            bench.run(3000)
            self.assertTrue(bench.has_fault(fault))
            self.assertEqual(bench.state(), reg.STATE_OPEN)
            self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_DEGRADED)
            self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
            self.assertEqual(bench.command(reg.OP_CLOSE), REFUSED_INTERLOCK)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
            bench.run(2000)
            self.assertTrue(bench.has_fault(fault), "a test that fails again clears nothing")
            setattr(bench, name, True)
            bench.command(reg.OP_CLEAR_FAULTS)
            bench.run(1000)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
            self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)

    def test_vehicle_that_comes_as_a_device_passes_ends_the_series_before_the_next_device(self) -> None:
        bench = opened()
        bench.settings[reg.SET_EDGE_MONITORING] = reg.EDGE_MONITORING_TESTED
        bench.command(reg.OP_CLOSE)
        bench.run(10)
        self.assertEqual((bench.core.outputs[reg.OUT_CURTAIN_TEST], bench.core.inputs[reg.IN_CURTAIN_CLEAR]), (0, 0))
        bench.core.inputs[reg.IN_SAFETY_LOOP] = 1
        bench.run(10)
        self.assertEqual((bench.core.inputs[reg.IN_CURTAIN_CLEAR], bench.state()), (1, reg.STATE_OPEN))
        bench.put(reg.IN_SAFETY_LOOP, 0)
        for _ in range(100):
            self.assertEqual(bench.core.outputs[reg.OUT_EDGE_TEST], 0)
            bench.run(10)

    def test_tested_device_is_no_presence_and_no_contact(self) -> None:
        bench = opened()
        bench.events()
        bench.command(reg.OP_CLOSE)
        bench.run(4000)
        codes = [code for code, _ in bench.events()]
        self.assertFalse(reg.EV_PRESENCE_CHANGED in codes)
        self.assertFalse(reg.EV_REVERSED in codes)
        self.assertEqual(bench.core.memory.contacts, 0)

    def test_vehicle_in_the_curtain_during_the_test_of_the_loop_cancels_the_closing(self) -> None:
        bench = opened()
        bench.loop_answers = False
        bench.command(reg.OP_CLOSE)
        bench.run(150)
        self.assertEqual(bench.core.outputs[reg.OUT_LOOP_TEST], 1)
        bench.curtain_blocked = True
        bench.run(10)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_loop_that_stays_occupied_after_its_test_is_a_vehicle_and_no_fault(self) -> None:
        bench = opened()
        bench.loop_occupied = True
        bench.command(reg.OP_CLOSE)
        bench.run(3000)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_SAFETY_LOOP)

    def test_edge_that_stays_pressed_after_its_test_is_a_fault(self) -> None:
        bench = opened()
        bench.edge_pressed = True
        bench.command(reg.OP_CLOSE)
        bench.run(3000)
        self.assertTrue(bench.has_fault(reg.FAULTS_EDGE_TEST_FAIL))
        self.assertEqual(bench.core.memory.contacts, 0)

    def test_boom_without_an_edge_ignores_its_input_whatever_its_quality(self) -> None:
        bench = opened()
        bench.settings[reg.SET_EDGE_MONITORING] = reg.EDGE_MONITORING_NOT_FITTED
        bench.core.inputs[reg.IN_EDGE_OK] = 0
        bench.spoil(reg.IN_EDGE_OK, 2)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
