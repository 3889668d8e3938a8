"""The barrier's protection of whoever is under the boom: presence, edge, curtain test."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK


class TestPresence(unittest.TestCase):
    def test_each_sensor_and_doubtful_quality_is_a_presence_that_refuses_closing(self) -> None:
        cases = (
            (reg.IN_SAFETY_LOOP, 1, 0),
            (reg.IN_CURTAIN_CLEAR, 0, 0),
            (reg.IN_SAFETY_LOOP, 0, 1),
            (reg.IN_SAFETY_LOOP, 0, 2),
            (reg.IN_CURTAIN_CLEAR, 1, 1),
            (reg.IN_CURTAIN_CLEAR, 1, 2),
        )
        for index, value, quality in cases:
            bench = BarrierBench()
            bench.open()
            bench.core.inputs[index] = value
            bench.core.quality[index] = quality
            self.assertEqual(bench.command(reg.OP_CLOSE), REFUSED_INTERLOCK, (index, value, quality))

    def test_exit_loop_counts_only_if_fitted_and_entry_loop_never_blocks(self) -> None:
        for index, fitted, result in (
            (reg.IN_EXIT_LOOP, 0, ACCEPTED),
            (reg.IN_EXIT_LOOP, 1, REFUSED_INTERLOCK),
            (reg.IN_ENTRY_LOOP, 0, ACCEPTED),
        ):
            bench = BarrierBench()
            bench.settings[reg.SET_EXIT_LOOP_FITTED] = fitted
            bench.open()
            bench.core.inputs[index] = 1
            self.assertEqual(bench.command(reg.OP_CLOSE), result, (index, fitted))

    def test_trailer_gap_is_bridged_and_counts_one_pass(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(3000)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(1900)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_BRIDGED)
        self.assertEqual(bench.command(reg.OP_CLOSE), REFUSED_INTERLOCK)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(3000)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.events()
        bench.run(1990)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 0)
        bench.run(10)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 1)
        self.assertTrue((reg.EV_PASSED, 1) in bench.events())

    def test_vehicle_that_leaves_in_a_fire_counts_once_the_boom_is_open(self) -> None:
        for opened, passes in ((True, 1), (False, 0)):
            bench = BarrierBench()
            bench.put(reg.IN_FIRE, 1)
            bench.run(3000 if opened else 100)
            bench.boom_free = False
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(3000)
            self.assertEqual(bench.core.status[reg.ST_PASSES], passes)

    def test_presence_at_a_closed_boom_or_a_bad_sensor_is_no_pass(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        bench.open()
        bench.spoil(reg.IN_SAFETY_LOOP, 2)
        bench.spoil(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 0)

    def test_presence_while_closing_stops_in_the_same_scan_pauses_and_opens(self) -> None:
        for index, value in ((reg.IN_SAFETY_LOOP, 1), (reg.IN_CURTAIN_CLEAR, 0), (reg.IN_EDGE_OK, 0)):
            bench = BarrierBench()
            bench.open()
            bench.close_halfway()
            bench.events()
            self.assertEqual(bench.motors(), "close")
            bench.put(index, value)
            self.assertEqual(bench.motors(), "-")
            self.assertEqual(bench.state(), reg.STATE_REVERSING)
            self.assertTrue(any(code == reg.EV_REVERSED for code, _ in bench.events()))
            bench.curtain_blocked = index == reg.IN_CURTAIN_CLEAR
            bench.run(90)
            self.assertEqual(bench.motors(), "-")
            bench.run(10)
            self.assertEqual(bench.motors(), "open")
            bench.run(3000)
            self.assertEqual(bench.state(), reg.STATE_OPEN)
            self.assertEqual(bench.core.status[reg.ST_REVERSALS], 1)

    def test_presence_in_the_preflash_cancels_the_closing_without_moving(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(300)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.core.status[reg.ST_REVERSALS], 0)

    def test_presence_in_the_preflash_of_a_stopped_boom_leaves_it_stopped(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)
        bench.run(300)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)


class TestEdge(unittest.TestCase):
    def test_boom_stays_open_after_a_contact_until_a_command(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 1000
        self._contact(bench)
        bench.run(20000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_second_contact_stops_only_until_cleared(self) -> None:
        bench = self._blocked()
        bench.run(5000)
        self.assertEqual(bench.motors(), "-")
        for opcode in (reg.OP_OPEN, reg.OP_CLOSE, reg.OP_HOLD_OPEN):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)

    def test_second_contact_ends_by_local_open_and_by_the_stop_chain(self) -> None:
        bench = self._blocked()
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(100)
        self.assertEqual(bench.motors(), "open")
        bench = self._blocked()
        bench.put(reg.IN_STOP_CHAIN_OK, 0)
        bench.put(reg.IN_STOP_CHAIN_OK, 1)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        self.assertFalse(bench.has_fault(reg.FAULTS_SECOND_CONTACT))

    def test_complete_closing_ends_the_series_of_contacts(self) -> None:
        bench = BarrierBench()
        self._contact(bench)
        bench.command(reg.OP_CLOSE)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        self._contact(bench)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_bad_edge_is_a_fault_and_reverses_without_counting_as_contact(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.spoil(reg.IN_EDGE_OK, 2)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)
        self.assertTrue(bench.has_fault(reg.FAULTS_EDGE_FAULT))
        self.assertEqual(bench.core.memory.contacts, 0)

    def _contact(self, bench: BarrierBench) -> None:
        bench.open()
        bench.close_halfway()
        bench.put(reg.IN_EDGE_OK, 0)
        bench.run(200)
        bench.put(reg.IN_EDGE_OK, 1)
        bench.run(3000)

    def _blocked(self) -> BarrierBench:
        bench = BarrierBench()
        self._contact(bench)
        bench.close_halfway()
        bench.put(reg.IN_EDGE_OK, 0)
        self.assertEqual(bench.state(), reg.STATE_BLOCKED)
        self.assertEqual(bench.motors(), "-")
        bench.put(reg.IN_EDGE_OK, 1)
        return bench


class TestCurtainTest(unittest.TestCase):
    def test_curtain_that_does_not_answer_degrades_the_barrier(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.curtain_answers = False
        bench.command(reg.OP_CLOSE)
        bench.run(90)
        self.assertFalse(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
        bench.run(10)
        self.assertTrue(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_DEGRADED)
        self.assertEqual(bench.lights(), reg.LIGHTS_AMBER_FLASHING)
        self.assertEqual(bench.command(reg.OP_CLOSE), REFUSED_INTERLOCK)
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)

    def test_curtain_that_stays_dark_after_its_test_is_a_fault_unless_the_loop_saw_a_vehicle_come(self) -> None:
        for loop, fault in ((0, True), (1, False)):
            bench = BarrierBench()
            bench.open()
            bench.command(reg.OP_CLOSE)
            bench.run(10)
            bench.curtain_blocked = True
            bench.core.inputs[reg.IN_SAFETY_LOOP] = loop
            bench.run(120)
            self.assertEqual(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL), fault)
            self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_failed_test_is_cleared_by_clear_faults_with_a_passed_test_only(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.curtain_answers = False
        bench.command(reg.OP_CLOSE)
        bench.run(1000)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        bench.run(1000)
        self.assertTrue(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
        bench.curtain_answers = True
        bench.run(1000)
        self.assertTrue(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
        bench.command(reg.OP_CLEAR_FAULTS)
        bench.run(50)
        self.assertFalse(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)

    def test_cancelled_closing_still_ends_its_test(self) -> None:
        for answers in (True, False):
            bench = BarrierBench()
            bench.open()
            bench.events()
            bench.curtain_answers = answers
            bench.command(reg.OP_CLOSE)
            bench.command(reg.OP_STOP)
            bench.run(1000)
            self.assertEqual(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL), not answers)
            self.assertFalse(any(code == reg.EV_PRESENCE_CHANGED for code, _ in bench.events()))

    def test_held_button_never_closes_while_a_test_hides_the_curtain(self) -> None:
        bench = self._bench_with_failed_test()
        bench.settings[reg.SET_PREFLASH_MS] = 0
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        self.assertEqual(bench.core.outputs[reg.OUT_CURTAIN_TEST], 1)
        self.assertEqual(bench.motors(), "-")
        bench.run(200)
        self.assertEqual(bench.motors(), "close")

    def test_clear_faults_starts_no_test_while_a_held_button_closes(self) -> None:
        bench = self._bench_with_failed_test()
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(1000)
        self.assertEqual(bench.motors(), "close")
        bench.curtain_answers = True
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
        self.assertEqual(bench.core.outputs[reg.OUT_CURTAIN_TEST], 0)
        self.assertEqual(bench.motors(), "close")
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        bench.run(1000)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def _bench_with_failed_test(self) -> BarrierBench:
        """Open, in local mode, with a curtain that does not answer its test."""
        bench = BarrierBench()
        bench.open()
        bench.curtain_answers = False
        bench.command(reg.OP_CLOSE)
        bench.run(1000)
        bench.put(reg.IN_LOCAL_MODE, 1)
        return bench

    def test_every_closing_tests_once(self) -> None:
        bench = BarrierBench()
        for _ in range(3):
            bench.open()
            bench.command(reg.OP_CLOSE)
            tests = 0
            for _ in range(400):
                before = bench.core.outputs[reg.OUT_CURTAIN_TEST]
                bench.run(10)
                tests += 1 if before and not bench.core.outputs[reg.OUT_CURTAIN_TEST] else 0
            self.assertEqual(tests, 1)
            self.assertEqual(bench.state(), reg.STATE_CLOSED)
