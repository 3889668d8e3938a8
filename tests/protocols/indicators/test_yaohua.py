"""Worked frames of the manuals of Yaohua and Keli, decoded and encoded, and what is refused."""

import unittest

from protocols.indicators import yaohua, yaohua_command
from protocols.indicators.reading import NO, UNIT_KG, UNIT_NONE, UNKNOWN, YES, Reading
from tests.protocols.indicators.frames import decode, decode_request, encode, reading_of, refuses


class Tf0Test(unittest.TestCase):
    VECTORS = (
        (b"\x02+00000001B\x03", 0, 0),
        (b"\x02+023460018\x03", 23460, 0),
        (b"\x02-00002001F\x03", -20, 0),
        (b"\x02+12345611D\x03", 123456, 1),
    )

    def test_worked_frames(self):
        for frame, digits, decimals in self.VECTORS:
            reading = decode(yaohua.YaohuaTf0(), frame)
            self.assertEqual((reading.digits, reading.decimals, reading.has_weight), (digits, decimals, 1))
            self.assertEqual((reading.motion, reading.net, reading.unit), (UNKNOWN, UNKNOWN, UNIT_NONE))
            self.assertEqual(encode(yaohua.encode_tf0, reading_of(digits, decimals)), frame)

    def test_every_single_wrong_bit_is_refused(self):
        frame = self.VECTORS[1][0]
        for place in range(12):
            for bit in range(8):
                wrong = bytearray(frame)
                wrong[place] ^= 1 << bit
                self.assertTrue(refuses(yaohua.YaohuaTf0(), wrong), (place, bit))

    def test_a_fifth_decimal_and_a_point_are_none_of_the_format(self):
        for body in (b"+0234605", b"+02.4600", b"+0 34600", b"*0234600"):
            frame = bytearray(b"\x02" + body + b"..\x03")
            value = 0
            for byte in body:
                value ^= byte
            for place, nibble in ((9, value >> 4), (10, value & 15)):
                frame[place] = b"0123456789ABCDEF"[nibble]
            self.assertTrue(refuses(yaohua.YaohuaTf0(), frame), body)


class EqualsTest(unittest.TestCase):
    def test_worked_frames(self):
        for frame, digits, decimals in ((b"=000.3000", 3000, 3), (b"=00.1000-", -100, 2)):
            reading = decode(yaohua.make_equals_reversed(), frame)
            self.assertEqual((reading.digits, reading.decimals), (digits, decimals))
            self.assertEqual(encode(yaohua.encode_equals_reversed, reading_of(digits, decimals)), frame)
        for frame, digits, decimals in ((b"=0003.000", 3000, 3), (b"=-0001.00", -100, 2)):
            reading = decode(yaohua.make_equals_plain(), frame)
            self.assertEqual((reading.digits, reading.decimals), (digits, decimals))
            self.assertEqual(encode(yaohua.encode_equals_plain, reading_of(digits, decimals)), frame)

    def test_a_weight_without_decimals(self):
        for frame in (b"=00023460", b"=0023460."):
            self.assertEqual(decode(yaohua.make_equals_plain(), frame).digits, 23460)
        for frame in (b"=06432000", b"=.0643200"):
            self.assertEqual(decode(yaohua.make_equals_reversed(), frame).digits, 23460)

    def test_other_characters_are_refused(self):
        for frame in (b"=+003.000", b"=0003 000", b"=00.3.000", b"=0.......", b"=0-03.000"):
            self.assertTrue(refuses(yaohua.make_equals_plain(), frame), frame)


class A12Test(unittest.TestCase):
    def test_worked_frames(self):
        reading = decode(yaohua.YaohuaA12(), b"WG004.139kg3D\r\n")
        self.assertEqual((reading.digits, reading.decimals, reading.unit, reading.net), (4139, 3, UNIT_KG, NO))
        self.assertEqual(encode(yaohua.encode_a12, reading), b"WG004.139kg3D\r\n")
        reading = decode(yaohua.YaohuaA12(), b"         OL23\r\n")
        self.assertEqual((reading.overload, reading.underload, reading.has_weight), (1, 0, 0))
        self.assertEqual(encode(yaohua.encode_a12, reading), b"         OL23\r\n")
        reading = decode(yaohua.YaohuaA12(), b"         LO23\r\n")
        self.assertEqual((reading.overload, reading.underload, reading.has_weight), (0, 1, 0))
        self.assertEqual(encode(yaohua.encode_a12, reading), b"         LO23\r\n")

    def test_net_and_negative_weights(self):
        frame = encode(yaohua.encode_a12, reading_of(-1200, net=YES))
        reading = decode(yaohua.YaohuaA12(), frame)
        self.assertEqual((reading.digits, reading.net), (-1200, YES))

    def test_every_single_wrong_bit_is_refused(self):
        for place in range(15):
            for bit in range(8):
                wrong = bytearray(b"WG004.139kg3D\r\n")
                wrong[place] ^= 1 << bit
                self.assertTrue(refuses(yaohua.YaohuaA12(), wrong), (place, bit))


class Tf1Test(unittest.TestCase):
    REQUESTS = ((b"\x02AA00\x03"), (b"\x02AB03\x03"), (b"\x02AC02\x03"), (b"\x02AD05\x03"))

    def test_worked_requests_both_ways(self):
        buffer = bytearray(16)
        for index in range(4):
            frame = self.REQUESTS[index]
            size = yaohua_command.encode_request(buffer, 0x41, 0x41 + index)
            self.assertEqual(bytes(buffer[:size]), frame)
            device = yaohua_command.RequestDecoder()
            self.assertTrue(decode_request(device, frame))
            self.assertEqual(device.command, 0x41 + index)
        for frame in (b"\x02AE04\x03", b"\x02AF07\x03"):  # truck and cargo number: heard, not answered
            device = yaohua_command.RequestDecoder()
            self.assertTrue(decode_request(device, frame))
            self.assertEqual(yaohua_command.encode_reply(buffer, 0x41, device.command, Reading()), 0)

    def test_another_address_is_not_ours(self):
        device = yaohua_command.RequestDecoder(0x42)
        self.assertFalse(decode_request(device, self.REQUESTS[1]))
        host = yaohua_command.YaohuaTf1(0x42)
        size = yaohua_command.encode_reply(host.buffer, 0x41, yaohua_command.COMMAND_GROSS, reading_of(1))
        self.assertTrue(refuses(host, bytes(host.buffer[:size])))

    def test_the_host_asks_for_gross_and_gets_it_whatever_is_shown(self):
        host = yaohua_command.YaohuaTf1()
        buffer = bytearray(16)
        self.assertEqual(bytes(buffer[: host.poll_into(buffer)]), self.REQUESTS[1])
        shown = reading_of(20000, net=YES)
        shown.tare_digits = 3460
        for command, digits, tare, net in ((0x42, 23460, 0, NO), (0x43, 3460, 3460, NO), (0x44, 20000, 0, YES)):
            size = yaohua_command.encode_reply(buffer, 0x41, command, shown)
            self.assertEqual(size, yaohua_command.WEIGHT_SIZE)
            reading = decode(yaohua_command.YaohuaTf1(), bytes(buffer[:size]))
            self.assertEqual((reading.digits, reading.tare_digits, reading.net), (digits, tare, net))
            self.assertEqual(reading.has_weight, 0 if command == 0x43 else 1)

    def test_handshake(self):
        buffer = bytearray(16)
        size = yaohua_command.encode_reply(buffer, 0x41, 0x41, Reading())
        self.assertEqual(bytes(buffer[:size]), self.REQUESTS[0])
        self.assertEqual(decode(yaohua_command.YaohuaTf1(), bytes(buffer[:size])).has_weight, 0)
