"""Frames of the power module's line: a worked example, both faces, damage and garbage."""

import unittest

from protocols.charger.power_module import (
    FRAME_SIZE,
    MODULE_ON,
    SETPOINT,
    STATUS,
    Frame,
    FrameCollector,
    heard_counter,
    module_temp_c,
    status_extra,
)
from protocols.crc import crc16

# Setpoint 7: enabled, 56.0 V, 40.0 A.
EXAMPLE = bytes((0xA5, 0x53, 0x07, 0x01, 0x02, 0x30, 0x01, 0x90, 0x00, 0x00))


def packed(counter: int, kind: int = STATUS) -> bytearray:
    frame = Frame()
    frame.kind = kind
    frame.counter = counter
    frame.flags = MODULE_ON
    frame.voltage_v_x10 = 481
    frame.current_a_x10 = 399
    frame.extra = status_extra(7, 41)
    buffer = bytearray(FRAME_SIZE)
    frame.pack(buffer)
    return buffer


def feed(collector: FrameCollector, data: bytes) -> list[int]:
    """Counters of the good frames found in data."""
    return [collector.frame.counter for byte in data if collector.on_byte(byte)]


class TestFrame(unittest.TestCase):
    def test_worked_example(self) -> None:
        frame = Frame()
        frame.kind = SETPOINT
        frame.counter = 7
        frame.flags = 1
        frame.voltage_v_x10 = 560
        frame.current_a_x10 = 400
        buffer = bytearray(FRAME_SIZE)
        self.assertEqual(frame.pack(buffer), FRAME_SIZE)
        self.assertEqual(bytes(buffer[:10]), EXAMPLE)
        self.assertEqual(buffer[10] | buffer[11] << 8, crc16(EXAMPLE, 0, 10))

    def test_what_one_face_packs_the_other_takes(self) -> None:
        collector = FrameCollector(STATUS)
        self.assertEqual(feed(collector, packed(200)), [200])
        frame = collector.frame
        self.assertEqual((frame.kind, frame.flags), (STATUS, MODULE_ON))
        self.assertEqual((frame.voltage_v_x10, frame.current_a_x10), (481, 399))
        self.assertEqual((heard_counter(frame.extra), module_temp_c(frame.extra)), (7, 41))

    def test_temperature_is_held_within_its_byte(self) -> None:
        self.assertEqual(module_temp_c(status_extra(0, -200)), -100)
        self.assertEqual(module_temp_c(status_extra(0, 999)), 155)
        self.assertEqual(heard_counter(status_extra(300, 20)), 44)


class TestCollector(unittest.TestCase):
    def test_every_single_damaged_bit_is_found_and_the_next_frame_is_not_lost(self) -> None:
        good = packed(3)
        for bit in range(FRAME_SIZE * 8):
            collector = FrameCollector(STATUS)
            damaged = bytearray(packed(2))
            damaged[bit // 8] ^= 1 << (bit % 8)
            self.assertEqual(feed(collector, bytes(damaged) + bytes(good)), [3], bit)

    def test_frame_of_the_other_direction_is_not_taken(self) -> None:
        collector = FrameCollector(STATUS)
        self.assertEqual(feed(collector, packed(1, SETPOINT)), [])

    def test_frame_is_found_behind_every_beginning_of_itself(self) -> None:
        good = bytes(packed(5))
        for size in range(FRAME_SIZE):
            collector = FrameCollector(STATUS)
            self.assertEqual(feed(collector, good[:size] + good), [5], size)

    def test_garbage_yields_nothing_and_hides_nothing(self) -> None:
        word = 1
        garbage = bytearray()
        for _ in range(4000):
            word = (word * 1103515 + 12345) & 0x3FFFFFFF
            garbage.append(word >> 8 & 0xFF)
        for _ in range(50):
            garbage += b"\xa5\x41\xa5\xa5"
        collector = FrameCollector(STATUS)
        self.assertEqual(feed(collector, bytes(garbage)), [])
        self.assertTrue(collector.errors > 0)
        self.assertEqual(feed(collector, bytes(packed(9)) + bytes(packed(10)))[-1:], [10])


if __name__ == "__main__":
    unittest.main()
