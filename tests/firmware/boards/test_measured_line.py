"""A field line with a measuring unit: values become inputs, go BAD with their age, and the module's bytes go on."""

import unittest

from firmware.boards.measured_line import MeasuredLine
from protocols.charger.measuring import ALL_GOOD, SILENCE_MS, pack_measured, pack_vehicle
from protocols.quality import BAD, GOOD

VALUES = [481, 3, -2, 315, -40]
FRAME = [513, 1, 4711, 2, 480, 560, 600, -15, 375]
AT = 2  # two digital inputs before


class Port:
    """A serial port that hands out what was put into `rx`."""

    def __init__(self):
        self.rx = b""
        self.tx = b""

    def read_into(self, buffer):
        count = min(len(self.rx), len(buffer))
        buffer[:count] = self.rx[:count]
        self.rx = self.rx[count:]
        return count

    def write(self, buffer, size):
        self.tx += bytes(buffer[:size])
        return size


class Clock:
    def __init__(self):
        self.ms = 1000

    def now_ms(self):
        return self.ms


class TestMeasuredLine(unittest.TestCase):
    def setUp(self):
        self.port = Port()
        self.clock = Clock()
        self.line = MeasuredLine(self.port, self.clock)
        self.values = [1, 1] + [0] * 14
        self.quality = [GOOD, GOOD] + [GOOD] * 14

    def hear(self, good=ALL_GOOD):
        frame = bytearray(24)
        size = pack_measured(frame, 1, good, VALUES)
        self.port.rx += bytes(frame[:size])
        size = pack_vehicle(frame, 2, FRAME)
        self.port.rx += bytes(frame[:size])
        return self.line.read_into(bytearray(128))

    def show(self):
        self.line.show(self.values, self.quality, AT)
        return self.values[AT:], self.quality[AT:]

    def test_everything_is_bad_until_the_unit_is_heard(self):
        values, quality = self.show()
        self.assertEqual((values, quality), ([0] * 14, [BAD] * 14))
        self.assertEqual((self.values[:AT], self.quality[:AT]), ([1, 1], [GOOD, GOOD]))

    def test_what_the_unit_says_becomes_inputs(self):
        self.assertEqual(self.hear(), 0)
        self.assertEqual(self.show(), (VALUES + FRAME, [GOOD] * 14))

    def test_a_value_the_unit_calls_bad_is_bad_alone(self):
        self.hear(good=ALL_GOOD & ~4)
        _, quality = self.show()
        self.assertEqual(quality, [GOOD, GOOD, BAD] + [GOOD] * 11)

    def test_bits_that_change_and_lists_that_are_others_are_judged_anew(self):
        for good, expected in ((ALL_GOOD, GOOD), (ALL_GOOD & ~4, BAD), (ALL_GOOD, GOOD)):
            self.hear(good)
            self.assertEqual(self.show(), (VALUES + FRAME, [GOOD, GOOD, expected] + [GOOD] * 11))
        self.values, self.quality = [0] * 16, [BAD] * 16
        self.assertEqual(self.show(), (VALUES + FRAME, [GOOD] * 14))

    def test_a_unit_that_falls_silent_makes_everything_bad_and_keeps_the_numbers(self):
        self.hear()
        self.clock.ms += SILENCE_MS
        self.assertEqual(self.show()[1], [GOOD] * 14)
        self.clock.ms += 1
        self.assertEqual(self.show(), (VALUES + FRAME, [BAD] * 14))
        self.clock.ms -= 2  # what was too old stays so until something is heard
        self.assertEqual(self.show()[1], [BAD] * 14)
        self.hear()
        self.assertEqual(self.show()[1], [GOOD] * 14)

    def test_a_clock_that_goes_back_makes_everything_bad(self):
        self.hear()
        self.clock.ms -= 1
        self.assertEqual(self.show()[1], [BAD] * 14)

    def test_the_modules_bytes_go_on_and_setpoints_go_out(self):
        self.port.rx = b"\xa5\x41module"
        buffer = bytearray(128)
        self.assertEqual(self.line.read_into(buffer), 8)
        self.assertEqual(bytes(buffer[:8]), b"\xa5\x41module")
        self.line.write(bytearray(b"setpoint"), 3)
        self.assertEqual(self.port.tx, b"set")


if __name__ == "__main__":
    unittest.main()
