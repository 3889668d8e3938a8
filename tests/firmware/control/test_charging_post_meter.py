"""Energy metering: exact sums however the scans fall, carries, wraps and gaps."""

import struct
import unittest

from firmware.control.charging_post_memory import PostMemory
from firmware.control.charging_post_meter import GAP_MAX_MS, PostMeter
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg

RING_CAPACITY = 8


def meter_in_session() -> PostMeter:
    ring = EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY)
    meter = PostMeter(PostMemory(reg.STATE_CC, 0), ring)
    meter.begin(1)
    return meter


def flow(meter: PostMeter, voltage_v_x10: int, current_a_x10: int, duration_ms: int, scan_ms: int) -> None:
    left = duration_ms
    meter.hold(1, voltage_v_x10, current_a_x10)
    while left:
        step = min(scan_ms, left)
        meter.advance(step)
        meter.hold(1, voltage_v_x10, current_a_x10)
        left -= step


class TestMeter(unittest.TestCase):
    def test_an_hour_at_a_constant_power_is_exact_for_every_pace_of_scans(self) -> None:
        for scan_ms in (37, 100, 999, 1000, 3333, GAP_MAX_MS):
            meter = meter_in_session()
            flow(meter, 487, 333, 3600000, scan_ms)
            meter.end()
            # 48.7 V times 33.3 A is 1621.71 W.
            self.assertEqual(meter.memory.session_wh, 1621)
            self.assertEqual(meter.memory.session_mah, 33300)
            self.assertEqual(meter.memory.session_s, 3600)

    def test_what_does_not_make_a_whole_unit_is_carried_into_the_next_session(self) -> None:
        meter = meter_in_session()
        for _ in range(10):
            flow(meter, 500, 100, 60000, 100)  # 500 W for a minute: 8.33 Wh, 166.67 mAh
            meter.end()
            meter.begin(1)
        self.assertEqual(meter.memory.total_wh, 83)
        self.assertEqual(meter.memory.total_mah, 1666)

    def test_registers_move_with_the_whole_second_only(self) -> None:
        meter = meter_in_session()
        meter.hold(1, 10000, 4000)  # 400 kW: 111 Wh a second
        meter.advance(999)
        self.assertEqual(meter.memory.session_wh, 0)
        self.assertEqual(meter.next_ms(), 1)
        meter.hold(1, 10000, 4000)
        meter.advance(1)
        self.assertEqual(meter.memory.session_wh, 111)
        self.assertEqual(meter.memory.session_s, 1)

    def test_nothing_is_counted_outside_a_session_or_through_an_open_contactor(self) -> None:
        meter = meter_in_session()
        meter.hold(0, 500, 500)
        meter.advance(10000)
        self.assertEqual(meter.memory.session_mah, 0)
        meter.hold(1, 500, -500)
        meter.advance(10000)
        meter.end()
        meter.hold(1, 500, 500)
        meter.advance(10000)
        self.assertEqual(meter.memory.total_mah, 0)
        self.assertEqual(meter.next_ms(), -1)

    def test_a_longer_gap_counts_as_the_longest_and_a_clock_that_goes_back_counts_nothing(self) -> None:
        meter = meter_in_session()
        meter.hold(1, 500, 360)
        meter.advance(600000)
        meter.advance(-5000)
        meter.end()
        self.assertEqual(meter.memory.session_mah, 36 * GAP_MAX_MS // 3600)

    def test_counters_wrap_at_30_bits(self) -> None:
        meter = meter_in_session()
        memory = meter.memory
        memory.total_wh = memory.total_mah = memory.sessions = 2**30 - 1
        flow(meter, 10000, 4000, 1000, 10)
        self.assertEqual(memory.total_wh, 110)
        self.assertEqual(memory.total_mah, 110)
        meter.end()
        meter.begin(2)
        self.assertEqual(memory.sessions, 0)

    def test_peak_is_the_highest_current(self) -> None:
        meter = meter_in_session()
        for current in (10, 400, 20):
            meter.hold(1, 500, current)
        self.assertEqual(meter.memory.session_peak_a_x10, 400)

    def test_voltage_and_current_count_up_to_what_the_integers_hold(self) -> None:
        meter = meter_in_session()
        memory = meter.memory
        meter.hold(1, 20000, 9000)
        self.assertEqual((memory.meter_v_x10, memory.meter_a_x10, memory.session_peak_a_x10), (10000, 8000, 8000))
        flow(meter, 20000, 9000, 3600000, GAP_MAX_MS)
        self.assertEqual((memory.session_wh, memory.session_mah), (800000, 800000))

    def test_the_longest_gap_is_ten_seconds(self) -> None:
        meter = meter_in_session()
        meter.advance(10001)
        self.assertEqual((meter.memory.session_s, meter.next_ms()), (10, 1000))

    def test_scans_of_a_millisecond_lose_nothing_of_a_small_power(self) -> None:
        meter = meter_in_session()
        flow(meter, 27, 37, 1000, 1)  # 9.99 W for a second
        self.assertEqual((meter.memory.meter_energy, meter.memory.meter_energy_rest), (999, 0))
        meter = meter_in_session()
        flow(meter, 40, 50, 3600000, GAP_MAX_MS)  # 20 W for an hour
        self.assertEqual(meter.memory.session_wh, 20)

    def test_nothing_that_flowed_before_is_held_on_once_current_or_voltage_is_gone(self) -> None:
        for is_closed, voltage, current in ((0, 500, 500), (1, 0, 500), (1, 500, 0), (1, -1, 500)):
            meter = meter_in_session()
            meter.hold(1, 1, 1)
            self.assertEqual((meter.memory.meter_v_x10, meter.memory.meter_a_x10), (1, 1))
            meter.hold(is_closed, voltage, current)
            self.assertEqual((meter.memory.meter_v_x10, meter.memory.meter_a_x10), (0, 0))


class TestRecord(unittest.TestCase):
    def events(self, meter: PostMeter) -> list[tuple[int, int]]:
        """Code and argument of all that the ring still holds, oldest first."""
        ring = meter.ring
        found = []
        for number in range(max(0, ring.head - RING_CAPACITY), ring.head):
            offset = number % RING_CAPACITY * SLOT_SIZE
            found.append(struct.unpack_from(">Hi", ring.data, offset + 10))
        return found

    def test_a_new_session_begins_with_an_empty_record(self) -> None:
        meter = meter_in_session()
        flow(meter, 10000, 4000, 2500, 500)
        meter.end()
        meter.begin(7)
        memory = meter.memory
        self.assertEqual((memory.session_vehicle_id, memory.session_s, memory.session_wh), (7, 0, 0))
        self.assertEqual((memory.session_mah, memory.session_peak_a_x10), (0, 0))
        self.assertEqual(meter.next_ms(), 1000)

    def test_the_end_counts_the_begun_second_and_nothing_flows_on(self) -> None:
        meter = meter_in_session()
        flow(meter, 10000, 4000, 1900, 100)
        meter.end()
        memory = meter.memory
        self.assertEqual((memory.session_wh, memory.session_mah, memory.session_s), (211, 211, 1))
        self.assertEqual((memory.meter_v_x10, memory.meter_a_x10), (0, 0))

    def test_begin_and_end_are_told_once_each_with_vehicle_reason_and_energy(self) -> None:
        meter = meter_in_session()
        meter.memory.end_reason = reg.END_REASON_FULL
        flow(meter, 10000, 4000, 1000, 100)
        for _ in range(2):
            meter.end()
        expected = [
            (reg.EV_SESSION_STARTED, 1),
            (reg.EV_SESSION_ENDED, reg.END_REASON_FULL),
            (reg.EV_SESSION_ENERGY, 111),
        ]
        self.assertEqual(self.events(meter), expected)

    def test_whoever_shows_the_record_is_told_of_each_change_and_of_nothing_else(self) -> None:
        meter = PostMeter(PostMemory(reg.STATE_CC, 0), EventRing(bytearray(SLOT_SIZE), 1))
        self.assertTrue(self.has_moved(meter))  # what was saved has never been shown
        self.assertFalse(self.has_moved(meter))
        meter.begin(1)
        self.assertTrue(self.has_moved(meter))
        meter.hold(1, 500, 100)
        self.assertTrue(self.has_moved(meter))  # the peak
        meter.hold(1, 500, 100)
        meter.advance(999)
        self.assertFalse(self.has_moved(meter))
        meter.advance(1)
        self.assertTrue(self.has_moved(meter))
        meter.end()
        self.assertTrue(self.has_moved(meter))
        meter.end()
        self.assertFalse(self.has_moved(meter))

    def has_moved(self, meter: PostMeter) -> bool:
        """Whether the record moved since the last call."""
        moved = meter.has_moved
        meter.has_moved = False
        return moved


if __name__ == "__main__":
    unittest.main()
