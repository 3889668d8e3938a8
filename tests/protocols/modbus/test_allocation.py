"""Steady operation allocates nothing: on MicroPython the heap is locked while frames are received and served.

CPython has no heap lock, so there the same exchanges run for their results alone.
"""

import unittest

from protocols.command import CommandBlock, decode_block, encode_block_into, is_tag_equal, pack_message_into
from protocols.compat import ticks_add, ticks_diff
from protocols.events import write_slot
from protocols.modbus.image import COILS, HOLDINGS, INPUTS, RANGE_PARTIAL, RegisterImage
from protocols.modbus.mbap import MBAP_SIZE, MbapCollector, encode_mbap_into
from protocols.modbus.rtu import (
    FRAME_BAD_CRC,
    FRAME_GAP,
    FRAME_NOT_MINE,
    FRAME_OK,
    FRAME_TOO_LONG,
    PDU_START,
    RtuCollector,
    encode_adu_into,
)
from protocols.modbus.server import ModbusServer
from protocols.scaling import scale_counts

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    def heap_unlock():
        pass


EVERYTHING = bytes((0, 0, (RANGE_PARTIAL | 0x7FFF) >> 8, 0xFF))
ROUNDS = 100
REQUESTS = (
    b"\x03\x00\x00\x00\x7d",
    b"\x04\x00\x00\x00\x7d",
    b"\x10\x00\x00\x00\x0a\x14" + bytes(range(20)),
    b"\x01\x00\x00\x00\xc8",
    b"\x02\x00\x00\x00\xc8",
    b"\x05\x00\x00\xff\x00",
    b"\x06\x00\x00\xff\xff",
    b"\x0f\x00\x00\x00\x0a\x02\xff\x03",
    b"\x16\x00\x00\xff\x00\x00\xff",
    b"\x17\x00\x00\x00\x7d\x00\x00\x00\x01\x02\xff\xff",
    b"\x2b\x0e\x02\x00",
    b"\x03\xff\xff\x00\x02",
    b"\x08\x00\x00\x00\x00",
)


def framed(unit_id, pdu):
    buffer = bytearray(len(pdu) + 3)
    buffer[PDU_START : PDU_START + len(pdu)] = pdu
    encode_adu_into(unit_id, buffer, len(pdu))
    return bytes(buffer)


class Exchange:
    """A device's whole receive path: bytes in, answer in `out`."""

    def __init__(self):
        self.image = RegisterImage(200, 200, 200, 200, EVERYTHING, EVERYTHING)
        self.server = ModbusServer(self.image, (b"vendor", b"product", b"1.0", b"", b"name"))
        self.rtu = RtuCollector(1)
        self.mbap = MbapCollector()
        self.out = bytearray(260)

    def serve_rtu(self, frame):
        """Return the size of the answer, or the negative result of a frame that gets none."""
        for byte in frame:
            self.rtu.on_byte(byte)
        self.rtu.on_gap()
        result = self.rtu.on_silence()
        if result != FRAME_OK:
            return -result
        size = self.server.handle(self.rtu.buffer, PDU_START, self.rtu.pdu_size, self.out, PDU_START)
        if size == 0 or self.rtu.is_broadcast():
            return 0
        return encode_adu_into(1, self.out, size)

    def serve_mbap(self, frame):
        """Return the size of the answer to the last frame in `frame`."""
        size = 0
        for byte in frame:
            if self.mbap.on_byte(byte) == FRAME_OK:
                size = self.server.handle(self.mbap.buffer, MBAP_SIZE, self.mbap.pdu_size, self.out, MBAP_SIZE)
                size = encode_mbap_into(self.out, self.mbap.transaction_id, self.mbap.unit_id, size)
        return size


class AllocationTest(unittest.TestCase):
    def setUp(self):
        self.exchange = Exchange()

    def served_under_lock(self, serve, frame):
        """Return the result of the last of ROUNDS exchanges, made without a heap."""
        result = 0
        heap_lock()
        try:
            for _ in range(ROUNDS):
                result = serve(frame)
        finally:
            heap_unlock()
        return result

    def test_serving_rtu_allocates_nothing_for_any_function_code(self):
        for request in REQUESTS:
            size = self.served_under_lock(self.exchange.serve_rtu, framed(1, request))
            self.assertTrue(size >= 5, request)
            self.assertTrue(self.exchange.out[1] & 0x7F == request[0], request)
        self.assertEqual(self.exchange.rtu.frames, ROUNDS * len(REQUESTS))

    def test_refusing_rtu_frames_allocates_nothing(self):
        good = framed(1, REQUESTS[0])
        for frame, result in (
            (good[:-1] + bytes((good[-1] ^ 1,)), FRAME_BAD_CRC),
            (framed(2, REQUESTS[0]), FRAME_NOT_MINE),
            (good * 40, FRAME_TOO_LONG),
        ):
            self.assertEqual(self.served_under_lock(self.exchange.serve_rtu, frame), -result)
        self.assertEqual(self.served_under_lock(self.exchange.serve_rtu, framed(0, REQUESTS[6])), 0)

    def test_a_gap_inside_a_frame_allocates_nothing(self):
        rtu = self.exchange.rtu
        heap_lock()
        try:
            for _ in range(ROUNDS):
                rtu.on_byte(1)
                rtu.on_gap()
                rtu.on_byte(3)
                result = rtu.on_silence()
        finally:
            heap_unlock()
        self.assertEqual(result, FRAME_GAP)
        self.assertEqual(rtu.gap_frames, ROUNDS)

    def test_serving_tcp_allocates_nothing(self):
        frame = bytearray(MBAP_SIZE) + bytearray(REQUESTS[0])
        encode_mbap_into(frame, 0xFFFF, 1, len(REQUESTS[0]))
        self.assertEqual(self.served_under_lock(self.exchange.serve_mbap, frame), MBAP_SIZE + 252)

    def test_filling_the_image_allocates_nothing(self):
        image = self.exchange.image
        heap_lock()
        try:
            for value in range(-ROUNDS, ROUNDS):
                image.put_u16(INPUTS, 0, value)
                image.put_i32(HOLDINGS, 2, value)
                image.put_bit(COILS, 4, value)
        finally:
            heap_unlock()
        self.assertEqual((image.get_u16(INPUTS, 0), image.get_i32(HOLDINGS, 2)), (ROUNDS - 1, ROUNDS - 1))

    def test_commands_events_ticks_and_scaling_allocate_nothing(self):
        buffer = bytearray(32)
        block = CommandBlock()
        tag = b"12345678"
        now = 0x3FFFFFFF - 50
        heap_lock()
        try:
            for counter in range(ROUNDS):
                pack_message_into(buffer, 1, 0x3FFFFFFF, 16, 0, -counter, 1, counter)
                encode_block_into(buffer, 0, 16, 0, -counter, 1, counter, tag)
                decode_block(buffer, 0, block)
                equal = is_tag_equal(block.tag, tag)
                write_slot(buffer, 16, counter, counter, 999, 2, -counter)
                now = ticks_add(now, 1)
                distance = ticks_diff(now, 0x3FFFFFFF)
                scaled = scale_counts(-0xFFFFFF, 0xFFFFFF, 800000 + counter)
        finally:
            heap_unlock()
        self.assertEqual((block.argument, block.nonce_counter, equal), (1 - ROUNDS, ROUNDS - 1, True))
        self.assertEqual((distance, scaled), (50, -800000 - ROUNDS + 1))
