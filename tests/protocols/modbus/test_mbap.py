"""MBAP frames from a byte stream: whole, byte by byte, back to back, truncated, with bad headers."""

import unittest

from protocols.modbus.mbap import FRAME_BAD_HEADER, MBAP_SIZE, MbapCollector, encode_mbap_into
from protocols.modbus.rtu import FRAME_NONE, FRAME_OK

# MODBUS Messaging on TCP/IP V1.0b, 4.4.2.2.1, example of an ADU: transaction 1501, unit FF, read register 5.
EXAMPLE = b"\x15\x01\x00\x00\x00\x06\xff\x03\x00\x04\x00\x01"


def feed(collector, data):
    """Return the positions at which frames were complete, and the last result."""
    ends = []
    result = FRAME_NONE
    for index in range(len(data)):
        result = collector.on_byte(data[index])
        if result == FRAME_OK:
            ends.append(index + 1)
    return ends, result


class MbapTest(unittest.TestCase):
    def test_example_of_the_specification_is_accepted_at_its_last_byte(self):
        collector = MbapCollector()
        self.assertEqual(feed(collector, EXAMPLE), ([12], FRAME_OK))
        self.assertEqual((collector.transaction_id, collector.unit_id, collector.pdu_size), (0x1501, 0xFF, 5))
        self.assertEqual(collector.buffer[MBAP_SIZE : collector.size], b"\x03\x00\x04\x00\x01")

    def test_encoder_gives_the_example_of_the_specification(self):
        buffer = bytearray(b"\x5a" * 7 + b"\x03\x00\x04\x00\x01" + b"\x5a" * 5)
        self.assertEqual(encode_mbap_into(buffer, 0x1501, 0xFF, 5), 12)
        self.assertEqual(buffer, EXAMPLE + b"\x5a" * 5)

    def test_requests_back_to_back_are_found_one_by_one(self):
        collector = MbapCollector()
        self.assertEqual(feed(collector, EXAMPLE * 3 + EXAMPLE[:5]), ([12, 24, 36], FRAME_NONE))
        self.assertEqual(collector.frames, 3)

    def test_truncation_of_every_length_is_never_a_frame_and_the_rest_completes_it(self):
        for length in range(len(EXAMPLE)):
            collector = MbapCollector()
            self.assertEqual(feed(collector, EXAMPLE[:length]), ([], FRAME_NONE), length)
            self.assertEqual(feed(collector, EXAMPLE[length:])[1], FRAME_OK, length)

    def test_header_limits_are_held_at_both_ends(self):
        for length, good in (
            (0, False),
            (1, False),
            (2, True),
            (254, True),
            (255, False),
            (256, False),
            (65535, False),
        ):
            collector = MbapCollector()
            header = b"\x00\x01\x00\x00" + bytes((length >> 8, length & 255))
            expected = FRAME_NONE if good else FRAME_BAD_HEADER
            self.assertEqual(feed(collector, header), ([], expected), length)
            if good:
                self.assertEqual(feed(collector, bytes(length)), ([length], FRAME_OK), length)

    def test_another_protocol_id_ends_the_stream_until_reset(self):
        for protocol in (1, 255, 256, 65535):
            collector = MbapCollector()
            stream = b"\x00\x01" + bytes((protocol >> 8, protocol & 255)) + b"\x00\x06\x01\x03\x00\x00\x00\x01"
            self.assertEqual(feed(collector, stream + EXAMPLE), ([], FRAME_BAD_HEADER), protocol)
            self.assertEqual(collector.bad_headers, 1)
            collector.reset()
            self.assertEqual(feed(collector, EXAMPLE), ([12], FRAME_OK), protocol)

    def test_reset_in_the_middle_of_a_frame_starts_clean(self):
        collector = MbapCollector()
        feed(collector, EXAMPLE[:9])
        collector.reset()
        self.assertEqual(feed(collector, EXAMPLE), ([12], FRAME_OK))

    def test_every_bit_flip_of_the_header_keeps_the_buffer_in_bounds(self):
        for bit in range(48):
            stream = bytearray(EXAMPLE)
            stream[bit >> 3] ^= 1 << (bit & 7)
            collector = MbapCollector()
            feed(collector, stream + EXAMPLE * 30)
            self.assertTrue(collector.size <= 260, bit)
