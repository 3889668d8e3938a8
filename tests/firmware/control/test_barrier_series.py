"""The device tests in detail: each device's time, what counts as its answer, what ends the series without a verdict."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

# Output, setting of the time, fault, and what keeps the device from answering.
DEVICES = (
    (reg.OUT_CURTAIN_TEST, reg.SET_CURTAIN_TEST_MS, reg.FAULTS_PHOTO_TEST_FAIL, reg.IN_CURTAIN_CLEAR, 0),
    (reg.OUT_EDGE_TEST, reg.SET_EDGE_TEST_MS, reg.FAULTS_EDGE_TEST_FAIL, reg.IN_EDGE_OK, 0),
    (reg.OUT_LOOP_TEST, reg.SET_LOOP_TEST_MS, reg.FAULTS_LOOP_TEST_FAIL, reg.IN_SAFETY_LOOP, 1),
)


class Bed:
    """An open barrier whose devices the test answers by hand, scan by scan."""

    def __init__(self, exit_fitted: int = 0) -> None:
        self.bench = BarrierBench()
        self.bench.open()
        self.bench.settings[reg.SET_CURTAIN_TEST_MS] = 110
        self.bench.settings[reg.SET_EDGE_TEST_MS] = 220
        self.bench.settings[reg.SET_LOOP_TEST_MS] = 330
        self.bench.settings[reg.SET_EXIT_LOOP_FITTED] = exit_fitted
        self.bench.settings[reg.SET_PREFLASH_MS] = 0
        self.core = self.bench.core

    def wait(self, duration_ms: int) -> None:
        """Let time pass without anybody answering."""
        self.bench.now_ms += duration_ms
        self.core.step(self.bench.now_ms)

    def tested(self) -> int:
        """The one test output that is on, -1 for none."""
        found = [device[0] for device in DEVICES if self.core.outputs[device[0]]]
        assert len(found) < 2
        return found[0] if found else -1

    def answer(self, index: int, value: int) -> None:
        """Report at once, then let go at once."""
        self.bench.put(index, value)
        self.bench.put(index, 1 - value)

    def close_until(self, count: int) -> None:
        """Command the closing and let the first `count` devices pass."""
        self.bench.command(reg.OP_CLOSE)
        for device in DEVICES[:count]:
            assert self.tested() == device[0]
            self.answer(device[3], device[4])

    def fail(self, number: int) -> None:
        """Let a closing's test of this device fail and all others pass."""
        self.close_until(number)
        self.wait(self.bench.settings[DEVICES[number][1]])
        for device in DEVICES[number + 1 :]:
            self.answer(device[3], device[4])
        assert self.tested() < 0


class TestAnswers(unittest.TestCase):
    def test_each_device_has_its_own_time_to_report_and_to_let_go(self) -> None:
        for number, (output, setting, fault, index, value) in enumerate(DEVICES):
            for phase in ("report", "let go"):
                for late_ms in (-1, 0):
                    bed = Bed()
                    limit_ms = bed.bench.settings[setting]
                    bed.close_until(number)
                    self.assertEqual(bed.tested(), output)
                    if phase == "let go":
                        bed.wait(limit_ms - 1)
                        bed.bench.put(index, value)
                        self.assertEqual(bed.tested(), -1)
                    bed.wait(limit_ms + late_ms)
                    failed = late_ms == 0 and not (phase == "let go" and number == 2)
                    self.assertEqual(bed.bench.has_fault(fault), failed, (number, phase, late_ms))
                    others = bed.core.status[reg.ST_FAULTS] & ~(1 << fault)
                    self.assertEqual(others, 0)

    def test_answer_in_the_scan_of_the_deadline_is_in_time(self) -> None:
        for number, (_, setting, _, index, value) in enumerate(DEVICES):
            bed = Bed()
            bed.close_until(number)
            limit_ms = bed.bench.settings[setting]
            bed.core.inputs[index] = value
            bed.wait(limit_ms)
            bed.core.inputs[index] = 1 - value
            bed.wait(limit_ms)
            self.assertEqual(bed.core.status[reg.ST_FAULTS], 0)

    def test_motor_starts_in_the_scan_in_which_the_last_device_lets_go(self) -> None:
        bed = Bed()
        bed.close_until(2)
        self.assertEqual(bed.bench.motors(), "-")
        bed.bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bed.bench.motors(), "-")
        bed.bench.put(reg.IN_SAFETY_LOOP, 0)
        self.assertEqual((bed.bench.motors(), bed.tested()), ("close", -1))
        self.assertEqual(bed.core.status[reg.ST_PRESENCE], 0)

    def test_both_loops_must_report_where_the_exit_loop_is_fitted(self) -> None:
        for indices, fails in (
            ((reg.IN_SAFETY_LOOP,), True),
            ((reg.IN_EXIT_LOOP,), True),
            ((reg.IN_SAFETY_LOOP, reg.IN_EXIT_LOOP), False),
        ):
            bed = Bed(exit_fitted=1)
            bed.close_until(2)
            for index in indices:
                bed.core.inputs[index] = 1
            bed.wait(10)
            self.assertEqual(bed.tested(), reg.OUT_LOOP_TEST if fails else -1)
            self.assertEqual(bed.bench.state(), reg.STATE_CLOSING)
            bed.wait(400)
            self.assertEqual(bed.bench.has_fault(reg.FAULTS_LOOP_TEST_FAIL), fails)

    def test_exit_loop_that_stays_occupied_is_believed(self) -> None:
        bed = Bed(exit_fitted=1)
        bed.close_until(2)
        bed.core.inputs[reg.IN_SAFETY_LOOP] = 1
        bed.bench.put(reg.IN_EXIT_LOOP, 1)
        bed.bench.put(reg.IN_SAFETY_LOOP, 0)
        bed.wait(400)
        self.assertEqual((bed.bench.state(), bed.core.status[reg.ST_FAULTS]), (reg.STATE_OPEN, 0))
        self.assertEqual(bed.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_EXIT_LOOP)
        self.assertEqual(bed.core.next_wake_ms(), -1)

    def test_curtain_that_stays_dark_under_a_vehicle_of_the_exit_loop_is_not_faulty(self) -> None:
        for fitted in (0, 1):
            bed = Bed(exit_fitted=fitted)
            bed.close_until(0)
            bed.core.inputs[reg.IN_CURTAIN_CLEAR] = 0
            bed.bench.put(reg.IN_EXIT_LOOP, 1)
            bed.wait(110)
            self.assertEqual(bed.bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL), not fitted)
            self.assertEqual(bed.bench.state(), reg.STATE_OPEN)

    def test_curtain_that_does_not_report_under_a_vehicle_is_faulty(self) -> None:
        bed = Bed()
        bed.close_until(0)
        bed.bench.put(reg.IN_SAFETY_LOOP, 1)
        bed.wait(110)
        self.assertTrue(bed.bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))


class TestOthersCount(unittest.TestCase):
    def test_whatever_the_other_devices_see_cancels_the_closing(self) -> None:
        for number in range(len(DEVICES)):
            for other, (_, _, _, index, value) in enumerate(DEVICES):
                if other == number:
                    continue
                bed = Bed()
                bed.close_until(number)
                bed.bench.put(index, value)
                self.assertEqual(bed.bench.state(), reg.STATE_OPEN, (number, other))
                self.assertEqual(bed.core.memory.contacts, 0)

    def test_series_ends_without_a_verdict_when_something_comes_before_the_next_device(self) -> None:
        for index, value in ((reg.IN_SAFETY_LOOP, 1), (reg.IN_EDGE_OK, 0), (reg.IN_CURTAIN_CLEAR, 0)):
            bed = Bed(exit_fitted=1)
            bed.close_until(1 if index == reg.IN_CURTAIN_CLEAR else 0)
            tested = DEVICES[1 if index == reg.IN_CURTAIN_CLEAR else 0]
            bed.core.inputs[tested[3]] = tested[4]
            bed.bench.put(index, value)
            bed.bench.put(tested[3], 1 - tested[4])
            bed.wait(1000)
            self.assertEqual((bed.tested(), bed.core.status[reg.ST_FAULTS]), (-1, 0), index)
            self.assertEqual(bed.bench.state(), reg.STATE_OPEN)

    def test_doubtful_device_is_not_masked_and_not_taken_for_an_answer(self) -> None:
        for number, (_, _, fault, index, value) in enumerate(DEVICES):
            for said in (value, 1 - value):
                bed = Bed()
                bed.close_until(number)
                bed.core.inputs[index] = said
                bed.bench.spoil(index, 1)
                masked = bed.bench.state() == reg.STATE_CLOSING
                self.assertEqual(masked, index == reg.IN_EDGE_OK and said == 1, (number, said))
                bed.wait(1000)
                self.assertTrue(bed.bench.has_fault(fault), (number, said))

    def test_bad_edge_under_test_is_a_contact(self) -> None:
        bed = Bed()
        bed.close_until(1)
        bed.bench.spoil(reg.IN_EDGE_OK, 2)
        self.assertEqual(bed.bench.state(), reg.STATE_OPEN)
        self.assertTrue(bed.bench.has_fault(reg.FAULTS_EDGE_FAULT))


class TestClearing(unittest.TestCase):
    def test_passed_test_clears_its_own_fault_only_and_the_series_goes_on(self) -> None:
        for number, (output, _, fault, index, value) in enumerate(DEVICES):
            bed = Bed()
            bed.fail(number)
            self.assertEqual(bed.core.status[reg.ST_FAULTS], 1 << fault)
            bed.bench.command(reg.OP_CLEAR_FAULTS)
            for other, device in enumerate(DEVICES):
                self.assertEqual(bed.tested(), device[0], (number, other))
                self.assertEqual(bed.bench.has_fault(fault), other <= number)
                bed.answer(device[3], device[4])
            self.assertEqual((bed.tested(), bed.core.status[reg.ST_FAULTS]), (-1, 0), output)
            self.assertEqual(bed.bench.lights(), reg.LIGHTS_RED, (index, value))

    def test_closing_never_clears_a_failed_test_by_passing_it(self) -> None:
        bed = Bed()
        bed.fail(0)
        bed.core.inputs[reg.IN_LOCAL_MODE] = 1
        bed.bench.put(reg.IN_LOCAL_CLOSE, 1)
        for device in DEVICES:
            self.assertEqual(bed.tested(), device[0])
            bed.answer(device[3], device[4])
        self.assertEqual(bed.bench.motors(), "close")
        self.assertTrue(bed.bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))

    def test_second_clear_faults_does_not_start_the_running_series_anew(self) -> None:
        bed = Bed()
        bed.fail(0)
        bed.bench.command(reg.OP_CLEAR_FAULTS)
        bed.wait(100)
        self.assertEqual(bed.bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        bed.wait(10)
        self.assertEqual(bed.tested(), reg.OUT_EDGE_TEST)

    def test_closing_that_meets_a_running_series_waits_for_its_end(self) -> None:
        bed = Bed()
        bed.close_until(0)
        bed.bench.command(reg.OP_OPEN)
        bed.answer(reg.IN_CURTAIN_CLEAR, 0)
        self.assertEqual(bed.tested(), reg.OUT_EDGE_TEST)
        bed.bench.command(reg.OP_CLOSE)
        for device in DEVICES[1:]:
            self.assertEqual((bed.tested(), bed.bench.motors()), (device[0], "-"))
            bed.answer(device[3], device[4])
        self.assertEqual(bed.bench.motors(), "close")

    def test_devices_that_are_not_monitored_are_passed_over(self) -> None:
        for edge, loop, expected in (
            (reg.EDGE_MONITORING_UNTESTED, reg.LOOP_MONITORING_TESTED, reg.OUT_LOOP_TEST),
            (reg.EDGE_MONITORING_NOT_FITTED, reg.LOOP_MONITORING_TESTED, reg.OUT_LOOP_TEST),
            (reg.EDGE_MONITORING_TESTED, reg.LOOP_MONITORING_TESTED, reg.OUT_EDGE_TEST),
            (reg.EDGE_MONITORING_UNTESTED, 1 - reg.LOOP_MONITORING_TESTED, -1),
        ):
            bed = Bed()
            bed.bench.settings[reg.SET_EDGE_MONITORING] = edge
            bed.bench.settings[reg.SET_LOOP_MONITORING] = loop
            bed.close_until(1)
            self.assertEqual(bed.tested(), expected)
            self.assertEqual(bed.bench.motors(), "close" if expected < 0 else "-")
