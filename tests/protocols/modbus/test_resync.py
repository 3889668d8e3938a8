"""Pieces of unknown pauses are split by length and CRC; only a request at the very end is waiting for an answer."""

import unittest

from protocols.modbus import pdu
from protocols.modbus.resync import SPLIT_FOREIGN, SPLIT_GARBAGE, FrameSplitter, request_size, response_size
from protocols.modbus.rtu import FRAME_BAD_CRC, FRAME_NOT_MINE, FRAME_OK, PDU_START, RtuCollector, encode_adu_into

UNIT = 2
OTHER = 1


def _read_request(unit_id):
    frame = bytearray(256)
    size = pdu.encode_read_request_into(frame, PDU_START, pdu.READ_INPUT_REGISTERS, 0, 85)
    return bytes(frame[: encode_adu_into(unit_id, frame, size)])


def _write_request(unit_id):
    frame = bytearray(256)
    size = pdu.encode_write_registers_request_into(frame, PDU_START, 0, [1, 2, 3])
    return bytes(frame[: encode_adu_into(unit_id, frame, size)])


def _read_response(unit_id, count):
    frame = bytearray(256)
    frame[1] = pdu.READ_INPUT_REGISTERS
    frame[2] = count * 2
    for index in range(count * 2):
        frame[3 + index] = index & 0xFF
    return bytes(frame[: encode_adu_into(unit_id, frame, 2 + count * 2)])


def _exception(unit_id):
    frame = bytearray(8)
    frame[1] = pdu.READ_INPUT_REGISTERS | pdu.EXCEPTION_FLAG
    frame[2] = pdu.ILLEGAL_DATA_ADDRESS
    return bytes(frame[: encode_adu_into(unit_id, frame, 2)])


def _split(data):
    splitter = FrameSplitter(UNIT)
    buffer = bytearray(data)
    start = splitter.split(buffer, len(buffer))
    return bytes(buffer[start : start + splitter.size]) if start >= 0 else start


def _collect(data, is_timed):
    collector = RtuCollector(UNIT, 768, is_timed)
    for byte in data:
        collector.on_byte(byte)
    return collector.on_silence(), bytes(collector.buffer[: collector.size]), collector.crc_errors


class TestResync(unittest.TestCase):
    def test_a_request_behind_another_devices_answer_is_found(self):
        for before in (_read_response(OTHER, 85), _read_request(OTHER) + _read_response(OTHER, 3), _exception(OTHER)):
            for request in (_read_request(UNIT), _write_request(UNIT)):
                self.assertEqual(_split(before + request), request, (before, request))

    def test_whole_frames_of_others_are_no_error_and_no_request(self):
        for data in (
            _read_response(OTHER, 85) + _read_request(OTHER),
            _write_request(OTHER) + _write_request(OTHER)[:6] + _write_request(OTHER)[6:],
            _exception(OTHER) + _read_request(OTHER),
        ):
            self.assertEqual(_split(data), SPLIT_FOREIGN, data)

    def test_a_request_that_is_not_the_last_frame_is_history(self):
        self.assertEqual(_split(_read_request(UNIT) + _read_request(OTHER)), SPLIT_FOREIGN)

    def test_a_request_behind_garbage_is_found(self):
        for garbage in (b"\x00", b"\xff\xff\xff", b"\x02\x04", bytes(range(60))):
            self.assertEqual(_split(garbage + _read_request(UNIT)), _read_request(UNIT), garbage)

    def test_garbage_alone_is_a_crc_error(self):
        for garbage in (b"\x00" * 300, bytes(range(256)), b"\x02\x04" * 200, _read_request(UNIT)[:-1], b""):
            expected = SPLIT_GARBAGE if garbage else SPLIT_FOREIGN
            self.assertEqual(_split(garbage), expected, garbage)

    def test_no_flipped_bit_of_a_request_is_accepted(self):
        request = _read_response(OTHER, 3) + _write_request(UNIT)
        for bit in range(8 * 11, len(request) * 8):
            changed = bytearray(request)
            changed[bit >> 3] ^= 1 << (bit & 7)
            self.assertEqual(_split(changed), SPLIT_GARBAGE, bit)

    def test_a_broadcast_behind_other_frames_is_not_taken(self):
        # Broadcasts carry no proof of whom they are for; one that is not alone on the line is left to the next poll.
        self.assertEqual(_split(_read_response(OTHER, 3) + _write_request(0)), SPLIT_FOREIGN)

    def test_a_collector_of_an_untimed_port_finds_what_a_timed_one_must_refuse(self):
        request = _read_request(UNIT)
        data = _read_response(OTHER, 85) + request
        self.assertEqual(_collect(data, False), (FRAME_OK, request, 0))
        self.assertEqual(_collect(data, True), (FRAME_BAD_CRC, data, 1))
        self.assertEqual(_collect(_read_response(OTHER, 3) + _read_request(OTHER), False)[0], FRAME_NOT_MINE)
        self.assertEqual(_collect(data[:-1], False)[0], FRAME_BAD_CRC)

    def test_sizes_follow_the_function_code(self):
        request = bytearray(_write_request(UNIT))
        self.assertEqual(request_size(request, 0, len(request)), len(request))
        self.assertEqual(request_size(request, 0, 6), 0)
        response = bytearray(_read_response(UNIT, 7))
        self.assertEqual(response_size(response, 0, len(response)), len(response))
        self.assertEqual(request_size(bytearray(b"\xf8\x03\x00\x00\x00\x01\x00\x00"), 0, 8), 0)


if __name__ == "__main__":
    unittest.main()
