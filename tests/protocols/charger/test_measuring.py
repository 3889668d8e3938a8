"""Frames of the measuring unit: worked examples, both faces, and what stands between them on the line."""

import unittest

from protocols.charger.measuring import (
    ALL_GOOD,
    MEASURED_SIZE,
    VEHICLE_SIZE,
    UnitReceiver,
    pack_measured,
    pack_vehicle,
)

# 48.1 V at the plates, 0.3 V at the bus, -0.2 A, 31.5 and -4.0 degrees; all good but the last.
VALUES = [481, 3, -2, 315, -40]
MEASURED = bytes((0xA5, 0x4D, 0x07, 0x0F, 0x01, 0xE1, 0x00, 0x03, 0xFF, 0xFE, 0x01, 0x3B, 0xFF, 0xD8))
FRAME = [513, 1, 0x12345678, 2, 480, 560, 600, -15, 375]
VEHICLE = bytes.fromhex("a55609010201123456780200" + "01e0" + "0230" + "0258" + "fff1" + "0177")
MODULE = bytes((0xA5, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))  # the power module's: not ours, passed on as it is


def measured(counter=7, values=None, good=0x0F):
    buffer = bytearray(MEASURED_SIZE)
    pack_measured(buffer, counter, good, values or VALUES)
    return bytes(buffer)


def vehicle(counter=9):
    buffer = bytearray(VEHICLE_SIZE)
    pack_vehicle(buffer, counter, FRAME)
    return bytes(buffer)


def feed(receiver, data, size=128):
    """What is passed on when the stream comes in pieces of `size`."""
    rest = bytearray(160)
    passed = b""
    for at in range(0, len(data), size):
        piece = bytearray(data[at : at + size])
        count = receiver.take(piece, len(piece), rest)
        passed += bytes(rest[:count])
    return passed


class TestMeasuring(unittest.TestCase):
    def test_the_layouts_are_those_of_the_text(self):
        self.assertEqual(measured()[:-2], MEASURED)
        self.assertEqual(vehicle()[:-2], VEHICLE)

    def test_both_frames_come_back_as_they_were(self):
        receiver = UnitReceiver()
        self.assertEqual(feed(receiver, measured() + vehicle()), b"")
        self.assertEqual(receiver.measured, VALUES)
        self.assertEqual(receiver.good, 0x0F)
        self.assertEqual(receiver.vehicle, FRAME)
        self.assertEqual((receiver.measured_count, receiver.errors), (1, 0))

    def test_what_is_not_the_units_passes_whatever_the_pieces(self):
        stream = MODULE + measured() + b"\xa5" + MODULE + vehicle() + b"\x00\xff" + measured(8) + MODULE
        for size in range(1, 40):
            receiver = UnitReceiver()
            self.assertEqual(feed(receiver, stream, size), MODULE + b"\xa5" + MODULE + b"\x00\xff" + MODULE)
            self.assertEqual((receiver.measured_count, receiver.vehicle), (2, FRAME))

    def test_a_damaged_frame_changes_nothing_and_is_counted(self):
        good = measured()
        for at in range(2, MEASURED_SIZE):
            damaged = bytearray(good)
            damaged[at] ^= 0x10
            receiver = UnitReceiver()
            feed(receiver, bytes(damaged) + measured(8, [1, 2, 3, 4, 5], ALL_GOOD))
            self.assertEqual(receiver.measured, [1, 2, 3, 4, 5])
            self.assertEqual((receiver.measured_count, receiver.errors), (1, 1))

    def test_a_frame_that_lost_bytes_costs_itself_only(self):
        receiver = UnitReceiver()
        feed(receiver, measured()[:9] + measured(8, [9, 9, 9, 9, 9], ALL_GOOD) + bytes(16))
        self.assertEqual(receiver.measured, [9, 9, 9, 9, 9])


if __name__ == "__main__":
    unittest.main()
