"""RTU frames from bytes and silences: whole, piecemeal, among garbage, truncated, flipped, with gaps."""

import unittest

from protocols.modbus.rtu import (
    FRAME_BAD_CRC,
    FRAME_GAP,
    FRAME_NONE,
    FRAME_NOT_MINE,
    FRAME_OK,
    FRAME_TOO_LONG,
    FRAME_TOO_SHORT,
    PDU_START,
    RtuCollector,
    encode_adu_into,
    t15_us,
    t35_us,
)

READ_TEN = b"\x01\x03\x00\x00\x00\x0a\xc5\xcd"


def frame(unit_id, pdu):
    buffer = bytearray(len(pdu) + 3)
    buffer[PDU_START : PDU_START + len(pdu)] = pdu
    size = encode_adu_into(unit_id, buffer, len(pdu))
    return bytes(buffer[:size])


def feed(collector, data):
    for byte in data:
        collector.on_byte(byte)
    return collector.on_silence()


class EncodeTest(unittest.TestCase):
    def test_address_goes_first_and_crc_last_low_byte_first(self):
        self.assertEqual(frame(1, b"\x03\x00\x00\x00\x0a"), READ_TEN)
        self.assertEqual(frame(2, b"\x07"), b"\x02\x07\x41\x12")

    def test_size_is_that_of_the_frame_and_the_rest_of_the_buffer_stays(self):
        buffer = bytearray(b"\x5a\x03\x00\x00\x00\x0a" + b"\x5a" * 10)
        self.assertEqual(encode_adu_into(1, buffer, 5), 8)
        self.assertEqual(buffer, READ_TEN + b"\x5a" * 8)

    def test_silences_follow_the_baud_rate_and_are_fixed_above_19200(self):
        for baud, t15, t35 in (
            (1200, 13750, 32084),
            (2400, 6875, 16042),
            (9600, 1719, 4011),
            (11000, 1500, 3500),
            (19200, 860, 2006),
            (19201, 750, 1750),
            (38400, 750, 1750),
            (115200, 750, 1750),
        ):
            self.assertEqual(t15_us(baud), t15, baud)
            self.assertEqual(t35_us(baud), t35, baud)


class ReceiveTest(unittest.TestCase):
    def setUp(self):
        self.collector = RtuCollector(1)

    def test_whole_frame_is_accepted_and_stays_in_the_buffer(self):
        self.assertEqual(feed(self.collector, READ_TEN), FRAME_OK)
        self.assertEqual(self.collector.buffer[: self.collector.size], READ_TEN)
        self.assertEqual(self.collector.pdu_size, 5)
        self.assertEqual(self.collector.frames, 1)

    def test_nothing_is_reported_before_the_silence_and_nothing_after(self):
        self.assertEqual(self.collector.on_silence(), FRAME_NONE)
        for byte in READ_TEN:
            self.collector.on_byte(byte)
        self.assertEqual(self.collector.frames, 0)
        self.assertEqual(self.collector.on_silence(), FRAME_OK)
        self.assertEqual(self.collector.on_silence(), FRAME_NONE)
        self.assertEqual(self.collector.frames, 1)

    def test_gap_that_grows_into_the_silence_is_no_fault(self):
        for byte in READ_TEN:
            self.collector.on_byte(byte)
        self.collector.on_gap()
        self.assertEqual(self.collector.on_silence(), FRAME_OK)

    def test_gap_inside_a_frame_discards_it_wherever_it_lies(self):
        for cut in range(1, len(READ_TEN)):
            collector = RtuCollector(1)
            for index in range(len(READ_TEN)):
                if index == cut:
                    collector.on_gap()
                collector.on_byte(READ_TEN[index])
            self.assertEqual(collector.on_silence(), FRAME_GAP, cut)
            self.assertEqual(collector.gap_frames, 1)
            self.assertEqual(feed(collector, READ_TEN), FRAME_OK, cut)

    def test_gap_between_frames_means_nothing(self):
        self.collector.on_gap()
        self.assertEqual(feed(self.collector, READ_TEN), FRAME_OK)
        self.collector.on_gap()
        self.assertEqual(feed(self.collector, READ_TEN), FRAME_OK)

    def test_byte_by_byte_with_a_silence_after_each_byte_is_no_frame(self):
        for byte in READ_TEN:
            self.collector.on_byte(byte)
            self.assertEqual(self.collector.on_silence(), FRAME_TOO_SHORT)
        self.assertEqual(self.collector.short_frames, len(READ_TEN))

    def test_stale_bytes_before_the_silence_do_not_cost_the_good_frame(self):
        for stale in (b"\x00", b"\x01\x03", b"\xff" * 7, READ_TEN[:7], READ_TEN + b"\x01", b"\x55" * 300):
            collector = RtuCollector(1)
            self.assertFalse(feed(collector, stale) == FRAME_OK)
            self.assertEqual(feed(collector, READ_TEN), FRAME_OK, stale)
            self.assertEqual(collector.buffer[: collector.size], READ_TEN)

    def test_garbage_that_touches_a_frame_spoils_it_and_only_it(self):
        for spoiled in (b"\x00" + READ_TEN, READ_TEN + b"\x01", b"\xff" + READ_TEN + b"\xff"):
            self.assertEqual(feed(self.collector, spoiled), FRAME_BAD_CRC, spoiled)
        self.assertEqual(self.collector.crc_errors, 3)
        self.assertEqual(feed(self.collector, READ_TEN), FRAME_OK)

    def test_a_zero_byte_after_a_frame_passes_the_crc_as_a_longer_pdu(self):
        # The remainder over a frame with its CRC is zero, and zero bytes keep it there: the PDU's size must tell.
        self.assertEqual(feed(self.collector, READ_TEN + b"\x00"), FRAME_OK)
        self.assertEqual(self.collector.pdu_size, 6)

    def test_truncations_of_every_length_are_refused(self):
        for length in range(1, len(READ_TEN)):
            expected = FRAME_TOO_SHORT if length < 4 else FRAME_BAD_CRC
            self.assertEqual(feed(self.collector, READ_TEN[:length]), expected, length)
            self.assertEqual(feed(self.collector, READ_TEN[length:] + b"\x00" * 4), FRAME_BAD_CRC, length)

    def test_every_single_bit_flip_is_refused_as_a_crc_error(self):
        write = frame(1, b"\x10\x00\x00\x00\x0a\x14" + bytes(range(20)))
        for data in (READ_TEN, write):
            for bit in range(len(data) * 8):
                flipped = bytearray(data)
                flipped[bit >> 3] ^= 1 << (bit & 7)
                self.assertEqual(feed(self.collector, flipped), FRAME_BAD_CRC, bit)
        self.assertEqual(self.collector.frames, 0)

    def test_longest_frame_is_accepted_and_one_byte_more_is_not(self):
        longest = frame(1, b"\x10" + bytes(252))
        self.assertEqual(len(longest), 256)
        self.assertEqual(feed(self.collector, longest), FRAME_OK)
        self.assertEqual(feed(self.collector, longest + b"\x00"), FRAME_TOO_LONG)
        self.assertEqual(feed(self.collector, bytes(5000)), FRAME_TOO_LONG)
        self.assertEqual(self.collector.long_frames, 2)
        self.assertEqual(len(self.collector.buffer), 256)
        self.assertEqual(feed(self.collector, longest), FRAME_OK)

    def test_bytes_taken_at_once_are_what_they_are_one_by_one(self):
        frames = (
            READ_TEN,
            frame(1, bytes(253)),
            frame(1, bytes(254)),
            bytes(600),
            frame(9, b"\x07"),
            READ_TEN + b"\x00",
        )
        for data in frames:
            for parts in (1, 2, 7, 100):
                each, at_once = RtuCollector(1), RtuCollector(1)
                at_once.on_bytes(b"\x01" * 3, 1, 2)
                at_once.on_silence()
                for start in range(0, len(data), parts):
                    at_once.on_bytes(data, start, min(parts, len(data) - start))
                self.assertEqual(at_once.on_silence(), feed(each, data), (data, parts))
                self.assertEqual(at_once.size, each.size)
                self.assertEqual(at_once.buffer[: each.size], each.buffer[: each.size])

    def test_gap_before_bytes_taken_at_once_discards_the_frame(self):
        collector = RtuCollector(1)
        collector.on_bytes(READ_TEN, 0, 3)
        collector.on_gap()
        collector.on_bytes(READ_TEN, 3, 5)
        self.assertEqual(collector.on_silence(), FRAME_GAP)

    def test_shortest_frame_is_an_address_one_function_code_and_a_crc(self):
        self.assertEqual(feed(self.collector, frame(1, b"\x07")), FRAME_OK)
        self.assertEqual(self.collector.pdu_size, 1)


class AddressTest(unittest.TestCase):
    def test_other_units_requests_and_answers_are_skipped_and_counted(self):
        collector = RtuCollector(17)
        for unit_id in (1, 16, 18, 247, 255):
            self.assertEqual(feed(collector, frame(unit_id, b"\x03\x00\x00\x00\x0a")), FRAME_NOT_MINE, unit_id)
            self.assertEqual(feed(collector, frame(unit_id, b"\x03\x02\x11\x11")), FRAME_NOT_MINE, unit_id)
        self.assertEqual(collector.foreign_frames, 10)
        self.assertEqual(collector.frames, 0)

    def test_a_damaged_frame_of_another_unit_is_a_crc_error(self):
        collector = RtuCollector(17)
        self.assertEqual(feed(collector, READ_TEN[:-1] + b"\x00"), FRAME_BAD_CRC)

    def test_broadcast_is_accepted_and_recognised(self):
        collector = RtuCollector(17)
        self.assertEqual(feed(collector, frame(0, b"\x06\x00\x01\x00\x03")), FRAME_OK)
        self.assertTrue(collector.is_broadcast())
        self.assertEqual(feed(collector, frame(17, b"\x06\x00\x01\x00\x03")), FRAME_OK)
        self.assertFalse(collector.is_broadcast())

    def test_counters_wrap_at_16_bits(self):
        collector = RtuCollector(1)
        collector.frames = collector.crc_errors = 65535
        feed(collector, READ_TEN)
        feed(collector, READ_TEN[:-1])
        self.assertEqual((collector.frames, collector.crc_errors), (0, 0))
