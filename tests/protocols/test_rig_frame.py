"""Frames of the rig: one that is whole is found, one that is not is counted and does not take the next one with it."""

import unittest

from protocols.rig.frame import FRAME_MAX, GAP_US, PAYLOAD_AT, PAYLOAD_MAX, SYNC, FrameReader, finish_frame


def frame_of(payload, kind=7, sequence=9):
    buffer = bytearray(FRAME_MAX)
    buffer[PAYLOAD_AT : PAYLOAD_AT + len(payload)] = payload
    return bytes(buffer[: finish_frame(buffer, kind, sequence, len(payload))])


def feed(reader, data, now_us=0, piece=200):
    """How many frames the reader finds in `data`, which it is handed in pieces."""
    found = 0
    for start in range(0, len(data), piece):
        end = min(start + piece, len(data))
        at = start
        while at < end:
            at = reader.take(data, at, end, now_us)
            found += reader.found
    return found


class TestFrames(unittest.TestCase):
    def test_the_bytes_of_a_frame_are_these(self) -> None:
        self.assertEqual(frame_of(b"\x01\x02").hex(), "a702070901020ce7")

    def test_a_frame_is_found_with_what_it_carries(self) -> None:
        for size, piece in ((0, 1), (1, 7), (PAYLOAD_MAX, 1), (PAYLOAD_MAX, 50), (PAYLOAD_MAX, 200)):
            reader = FrameReader()
            self.assertEqual(feed(reader, frame_of(bytes(range(size)), 5, 200), piece=piece), 1)
            self.assertEqual((reader.kind, reader.sequence, reader.size), (5, 200, size))
            self.assertEqual(bytes(reader.buffer[PAYLOAD_AT : PAYLOAD_AT + size]), bytes(range(size)))

    def test_noise_between_frames_is_dropped(self) -> None:
        reader = FrameReader()
        self.assertEqual(feed(reader, b"\x00MPY: soft reboot\r\n" + frame_of(b"x") + b"\xff" + frame_of(b"y")), 2)
        self.assertEqual(reader.bad, 0)

    def test_every_flipped_bit_is_found(self) -> None:
        whole = frame_of(b"abc")
        for at in range(8, len(whole) * 8):
            reader = FrameReader()
            broken = bytearray(whole)
            broken[at // 8] ^= 1 << at % 8
            self.assertEqual(feed(reader, broken), 0, at)

    def test_a_frame_that_was_cut_short_does_not_take_the_next_one_with_it(self) -> None:
        reader = FrameReader()
        feed(reader, frame_of(b"cut short")[:6], 0)
        self.assertEqual(feed(reader, frame_of(b"next"), GAP_US + 1), 1)
        self.assertEqual(reader.bad, 1)

    def test_a_size_no_frame_has_is_refused_at_once(self) -> None:
        reader = FrameReader()
        feed(reader, bytes([SYNC, PAYLOAD_MAX + 1]))
        self.assertEqual(feed(reader, frame_of(b"next")), 1)
        self.assertEqual(reader.bad, 1)
