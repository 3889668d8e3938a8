"""Energy metering: exact sums however the scans fall, carries, wraps and gaps."""

import unittest

from firmware.control.charging_post_memory import PostMemory
from firmware.control.charging_post_meter import GAP_MAX_MS, PostMeter
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg


def meter_in_session() -> PostMeter:
    meter = PostMeter(PostMemory(reg.STATE_CC, 0), EventRing(bytearray(SLOT_SIZE), 1))
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


if __name__ == "__main__":
    unittest.main()
