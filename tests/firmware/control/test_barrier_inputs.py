"""The barrier's inputs as the control reads them: what a bad or uncertain quality makes of each."""

import unittest

from firmware.control.barrier_inputs import BarrierInputs
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench, default_settings

READ_AS_ONE = (
    reg.IN_FIRE,
    reg.IN_MANUAL_RELEASED,
    reg.IN_LOCAL_MODE,
    reg.IN_ENTRY_LOOP,
    reg.IN_SAFETY_LOOP,
    reg.IN_EXIT_LOOP,
)
# Presence bit of each sensor, and the input value that reports a vehicle.
SENSORS = (
    (reg.IN_ENTRY_LOOP, reg.PRESENCE_ENTRY_LOOP, 1),
    (reg.IN_SAFETY_LOOP, reg.PRESENCE_SAFETY_LOOP, 1),
    (reg.IN_EXIT_LOOP, reg.PRESENCE_EXIT_LOOP, 1),
    (reg.IN_CURTAIN_CLEAR, reg.PRESENCE_LIGHT_CURTAIN, 0),
)


def fitted_settings() -> list[int]:
    settings = default_settings()
    settings[reg.SET_EXIT_LOOP_FITTED] = 1
    settings[reg.SET_EDGE_MONITORING] = reg.EDGE_MONITORING_UNTESTED
    return settings


class TestQuality(unittest.TestCase):
    def setUp(self) -> None:
        self.settings = fitted_settings()
        self.inputs = [0] * reg.IN_COUNT
        self.quality = [GOOD] * reg.IN_COUNT
        self.inputs[reg.IN_CURTAIN_CLEAR] = 1
        self.inputs[reg.IN_EDGE_OK] = 1
        self.read = BarrierInputs()

    def _read(self) -> BarrierInputs:
        self.read.read(self.inputs, self.quality, self.settings)
        return self.read

    def test_bad_input_alone_is_read_as_its_dangerous_value(self) -> None:
        for index in range(reg.IN_COUNT):
            dangerous = 1 if index in READ_AS_ONE else 0
            self.setUp()
            self.inputs[index] = 1 - dangerous
            self.quality[index] = BAD
            read = self._read()
            self.assertEqual((read.bad, read.uncertain), (True, False), index)
            for other in range(reg.IN_COUNT):
                self.assertEqual(read.values[other], dangerous if other == index else self.inputs[other])

    def test_uncertain_input_keeps_its_value(self) -> None:
        for index in range(reg.IN_COUNT):
            for value in (0, 1):
                self.setUp()
                self.inputs[index] = value
                self.quality[index] = UNCERTAIN
                read = self._read()
                self.assertEqual((read.bad, read.uncertain), (False, True), index)
                self.assertEqual(list(read.values), self.inputs)

    def test_good_inputs_are_neither_bad_nor_uncertain_whatever_stood_before(self) -> None:
        self.quality[reg.IN_EDGE_OK] = BAD
        self.quality[reg.IN_FIRE] = UNCERTAIN
        read = self._read()
        self.assertEqual((read.bad, read.uncertain, read.edge_bad, read.edge_good), (True, True, True, False))
        self.quality[reg.IN_EDGE_OK] = GOOD
        self.quality[reg.IN_FIRE] = GOOD
        read = self._read()
        self.assertEqual((read.bad, read.uncertain, read.edge_bad, read.edge_good), (False, False, False, True))
        self.assertEqual(list(read.values), self.inputs)

    def test_quality_worse_than_bad_is_bad(self) -> None:
        self.quality[reg.IN_EDGE_OK] = BAD + 1
        self.quality[reg.IN_FIRE] = BAD + 1
        read = self._read()
        self.assertEqual((read.bad, read.edge_bad, read.values[reg.IN_FIRE]), (True, True, 1))

    def test_edge_is_good_uncertain_or_bad_by_its_own_quality_only(self) -> None:
        for quality, good, bad in ((GOOD, True, False), (UNCERTAIN, False, False), (BAD, False, True)):
            self.quality[reg.IN_EDGE_OK] = quality
            self.quality[reg.IN_ENTRY_LOOP] = UNCERTAIN
            read = self._read()
            self.assertEqual((read.edge_good, read.edge_bad), (good, bad))

    def test_contact_is_an_edge_let_go_or_bad(self) -> None:
        for value, quality, contact in ((1, GOOD, False), (0, GOOD, True), (1, BAD, True), (1, UNCERTAIN, False)):
            self.inputs[reg.IN_EDGE_OK] = value
            self.quality[reg.IN_EDGE_OK] = quality
            self.assertEqual(self._read().contact, contact)

    def test_exit_loop_and_edge_that_are_not_fitted_are_left_out_altogether(self) -> None:
        self.settings[reg.SET_EXIT_LOOP_FITTED] = 0
        self.settings[reg.SET_EDGE_MONITORING] = reg.EDGE_MONITORING_NOT_FITTED
        self.inputs[reg.IN_EXIT_LOOP] = 1
        self.inputs[reg.IN_EDGE_OK] = 0
        for quality in (GOOD, UNCERTAIN, BAD):
            for others in (GOOD, UNCERTAIN):
                self.quality[reg.IN_EXIT_LOOP] = quality
                self.quality[reg.IN_EDGE_OK] = quality
                self.quality[reg.IN_LIMIT_OPEN] = others
                read = self._read()
                self.assertEqual((read.bad, read.uncertain), (False, others != GOOD))
                self.assertEqual((read.contact, read.edge_good, read.edge_bad), (False, True, False))
                self.assertEqual((read.sensors, read.sensors_seen), (0, 0))

    def test_one_left_out_does_not_leave_the_other_out(self) -> None:
        for exit_fitted, edge in ((1, reg.EDGE_MONITORING_NOT_FITTED), (0, reg.EDGE_MONITORING_TESTED)):
            for index in (reg.IN_EXIT_LOOP, reg.IN_EDGE_OK):
                self.setUp()
                self.settings[reg.SET_EXIT_LOOP_FITTED] = exit_fitted
                self.settings[reg.SET_EDGE_MONITORING] = edge
                self.quality[index] = BAD
                self.assertEqual(self._read().bad, (index == reg.IN_EXIT_LOOP) == (exit_fitted == 1))

    def test_each_sensor_has_its_bit_seen_if_good_and_doubtful_if_not(self) -> None:
        for index, number, active in SENSORS:
            for quality in (GOOD, UNCERTAIN, BAD):
                for value in (0, 1):
                    self.setUp()
                    self.inputs[index] = value
                    self.quality[index] = quality
                    read = self._read()
                    there = value == active or quality != GOOD
                    seen = value == active and quality == GOOD
                    self.assertEqual(read.sensors, 1 << number if there else 0, (index, quality, value))
                    self.assertEqual(read.sensors_seen, 1 << number if seen else 0, (index, quality, value))

    def test_sensors_together_are_all_their_bits(self) -> None:
        for index, _, active in SENSORS:
            self.inputs[index] = active
        read = self._read()
        self.assertEqual((read.sensors, read.sensors_seen), (15, 15))
        for index, _, _ in SENSORS:
            self.quality[index] = UNCERTAIN
        read = self._read()
        self.assertEqual((read.sensors, read.sensors_seen), (15, 0))


class TestPresenceWord(unittest.TestCase):
    def test_word_shows_the_sensors_and_each_change_is_one_event(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_EXIT_LOOP_FITTED] = 1
        bench.events()
        for index, number, active in SENSORS:
            bench.put(index, active)
            self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << number)
            bench.scan()
            bench.put(index, 1 - active)
            bridged = 0 if index == reg.IN_ENTRY_LOOP else 1 << reg.PRESENCE_BRIDGED
            self.assertEqual(bench.core.status[reg.ST_PRESENCE], bridged)
            bench.run(3000)
            words = [word for code, word in bench.events() if code == reg.EV_PRESENCE_CHANGED]
            self.assertEqual(words, [1 << number, bridged, 0] if bridged else [1 << number, 0])

    def test_second_vehicle_in_the_gap_is_no_gap_and_starts_it_anew(self) -> None:
        bench = BarrierBench(2000)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(1500)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_SAFETY_LOOP)
        self.assertEqual(bench.core.next_wake_ms(), -1, "no gap to wait for")
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(1990)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 1 << reg.PRESENCE_BRIDGED)
        bench.run(10)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 0)
        self.assertEqual(bench.core.next_wake_ms(), -1)

    def test_gap_of_nothing_bridges_nothing(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_GAP_BRIDGE_MS] = 0
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        self.assertEqual(bench.core.status[reg.ST_PRESENCE], 0)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 1)


class TestPasses(unittest.TestCase):
    def test_each_sensor_under_the_boom_counts_a_pass_and_the_entry_loop_none(self) -> None:
        for index, _, active in SENSORS:
            bench = BarrierBench()
            bench.settings[reg.SET_EXIT_LOOP_FITTED] = 1
            bench.open()
            if index == reg.IN_CURTAIN_CLEAR:
                bench.curtain_blocked = True
                bench.run(10)
                bench.curtain_blocked = False
            else:
                bench.put(index, active)
                bench.put(index, 1 - active)
            bench.run(3000)
            self.assertEqual(bench.core.status[reg.ST_PASSES], 0 if index == reg.IN_ENTRY_LOOP else 1)

    def test_doubtful_sensor_is_neither_a_pass_nor_a_follower(self) -> None:
        bench = BarrierBench()
        bench.open()
        for quality in (0, 1):
            bench.core.quality[reg.IN_SAFETY_LOOP] = quality
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.core.quality[reg.IN_SAFETY_LOOP] = 0
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(3000)
            self.assertEqual(bench.core.status[reg.ST_PASSES], 1)
            self.assertEqual(bench.core.status[reg.ST_TAILGATES], 0)

    def test_vehicle_that_comes_while_the_boom_still_opens_counts_once_it_is_open(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(2000)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 1)

    def test_follower_that_meets_the_closing_boom_is_a_tailgate(self) -> None:
        for met in ("preflash", "way"):
            bench = BarrierBench()
            bench.open()
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(2500)
            bench.command(reg.OP_CLOSE)
            bench.run(300 if met == "preflash" else 1500)
            bench.events()
            bench.put(reg.IN_SAFETY_LOOP, 1)
            self.assertTrue((reg.EV_TAILGATE, 1) in bench.events())
            bench.run(100)
            self.assertEqual(bench.core.status[reg.ST_TAILGATES], 1, "one vehicle, one tailgate")

    def test_closed_boom_forgets_who_used_its_opening(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(2500)
        bench.command(reg.OP_CLOSE)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.core.status[reg.ST_TAILGATES], 0)

    def test_vehicle_that_leaves_a_held_open_boom_makes_no_follower_of_the_next_after_release(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(3000)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        bench.command(reg.OP_RELEASE)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_TAILGATES]), (reg.STATE_OPEN, 0))

    def test_vehicle_that_leaves_while_its_closing_flashes_makes_a_follower_of_the_next(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_GAP_BRIDGE_MS] = 100
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(90)
        bench.core.request_opcode = reg.OP_CLOSE
        bench.run(10)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_PASSES]), (reg.STATE_CLOSING, 1))
        bench.run(100)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.core.status[reg.ST_TAILGATES], 1)
