"""Every worked frame of the makers' manuals, decoded and encoded, and each status a format carries."""

import unittest

from protocols.indicators import cas, mt_sics, sma, toledo, yaohua, yaohua_command
from protocols.indicators.reading import (
    ERROR_EXPANDED,
    ERROR_HELD,
    ERROR_NO_ANSWER,
    ERROR_NONE,
    ERROR_NOT_ZEROED,
    ERROR_OTHER,
    ERROR_TARE,
    ERROR_ZERO,
    NO,
    NOT_EXACT,
    TOO_LARGE,
    UNIT_G,
    UNIT_KG,
    UNIT_LB,
    UNIT_NONE,
    UNIT_OTHER,
    UNIT_T,
    UNKNOWN,
    YES,
    Reading,
    to_kg_x10,
)


def decode(decoder, frame):
    """Feed one frame; the decoder must know it is whole at its last byte and not before."""
    for index in range(len(frame) - 1):
        assert not decoder.on_byte(frame[index]), frame
    assert decoder.on_byte(frame[-1]), frame
    return decoder.reading


def refuses(decoder, frame):
    found = [byte for byte in frame if decoder.on_byte(byte)]
    return not found and decoder.frames == 0


def reading_of(digits, decimals=0, unit=UNIT_KG, net=NO, motion=NO):
    reading = Reading()
    reading.digits, reading.decimals, reading.unit = digits, decimals, unit
    reading.net, reading.motion, reading.has_weight = net, motion, 1
    return reading


def encode(encoder, reading):
    buffer = bytearray(40)
    return bytes(buffer[: encoder(buffer, reading)])


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
        for frame, digits, decimals in ((b"=000.3000", 3000, 3), (b"=00.1000-", -10000, 4)):
            if digits < 0:  # -1.00, with two places and a leading zero more than the width needs
                frame, decimals, digits = b"=00.1000-", 2, -100
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


class ToledoTest(unittest.TestCase):
    def test_layout_and_status_words(self):
        reading = decode(toledo.make_toledo(), b"\x02\x2a\x31\x20 20000  3460\r")
        self.assertEqual((reading.digits, reading.tare_digits, reading.decimals), (20000, 3460, 0))
        self.assertEqual((reading.net, reading.motion, reading.unit, reading.error), (YES, NO, UNIT_KG, ERROR_NONE))
        self.assertEqual(reading.gross_digits(), 23460)
        reading = decode(toledo.make_toledo(), b"\x02\x2b\x3a\x20000125000000\r")
        self.assertEqual((reading.digits, reading.decimals, reading.motion), (-125, 1, YES))
        self.assertEqual(decode(toledo.make_toledo(), b"\x02\x28\x30\x20000234000000\r").decimals, -2)
        self.assertEqual(decode(toledo.make_toledo(), b"\x02\x2f\x30\x20000234000000\r").decimals, 5)

    def test_units_and_errors(self):
        for swb, swc, unit, error in (
            (0x20, 0x20, UNIT_LB, ERROR_NONE),
            (0x30, 0x21, UNIT_G, ERROR_NONE),
            (0x30, 0x22, UNIT_OTHER, ERROR_NONE),
            (0x70, 0x20, UNIT_KG, ERROR_NOT_ZEROED),
            (0x30, 0x30, UNIT_KG, ERROR_EXPANDED),
        ):
            reading = decode(toledo.make_toledo(), bytes((2, 0x2A, swb, swc)) + b" 12340     0\r")
            self.assertEqual((reading.unit, reading.error), (unit, error))

    def test_out_of_range_needs_no_digits(self):
        reading = decode(toledo.make_toledo(), b"\x02\x2a\x34\x20------     0\r")
        self.assertEqual((reading.overload, reading.underload, reading.has_weight), (1, 0, 0))
        reading = decode(toledo.make_toledo(), b"\x02\x2a\x36\x20      000000\r")
        self.assertEqual((reading.overload, reading.underload, reading.has_weight), (0, 1, 0))

    def test_short_form_and_clones_with_other_constant_bits(self):
        reading = decode(toledo.make_toledo(), b"\x02\x2a\x30\x20 12340\r")
        self.assertEqual((reading.digits, reading.has_tare), (12340, 0))
        reading = decode(toledo.make_toledo(), b"\x02\x52\x10\x00 12340     0\r")
        self.assertEqual((reading.digits, reading.decimals, reading.unit), (12340, 0, UNIT_KG))

    def test_checksum_brings_the_sum_to_zero_and_is_required_when_set(self):
        frame = encode(toledo.encode_toledo_checksum, reading_of(23460))
        self.assertEqual(len(frame), 18)
        self.assertEqual(sum(byte & 0x7F for byte in frame) & 0x7F, 0)
        self.assertEqual(decode(toledo.make_toledo_checksum(), frame).digits, 23460)
        for place in range(18):
            for bit in range(7):
                wrong = bytearray(frame)
                wrong[place] ^= 1 << bit
                self.assertTrue(refuses(toledo.make_toledo_checksum(), wrong), (place, bit))

    def test_a_checksum_nobody_asked_for_costs_no_frame(self):
        decoder = toledo.make_toledo()
        frame = encode(toledo.encode_toledo_checksum, reading_of(23460))
        for byte in frame * 5:
            decoder.on_byte(byte)
        self.assertEqual((decoder.frames, decoder.reading.digits), (5, 23460))

    def test_every_status_survives_the_wire(self):
        for digits in (0, 7, -20, 99999, -123450):
            for flags in range(16):
                reading = reading_of(digits, flags % 4, UNIT_KG, NO + (flags & 1), NO + (flags >> 1 & 1))
                reading.tare_digits = 1500 if flags & 1 else 0
                reading.error = ERROR_NOT_ZEROED if flags & 8 else ERROR_NONE
                other = decode(toledo.make_toledo(), encode(toledo.encode_toledo, reading))
                self.assertEqual(facts(other), facts(reading))


class MtSicsTest(unittest.TestCase):
    def test_worked_replies(self):
        reading = decode(mt_sics.MtSics(), b"S S     100.00 g\r\n")
        self.assertEqual((reading.digits, reading.decimals, reading.unit, reading.motion), (10000, 2, UNIT_G, NO))
        reading = decode(mt_sics.MtSics(), b"S D    -23460 kg\r\n")
        self.assertEqual((reading.digits, reading.decimals, reading.unit, reading.motion), (-23460, 0, UNIT_KG, YES))
        for frame, over, under, refused in (
            (b"S +\r\n", 1, 0, 0),
            (b"S -\r\n", 0, 1, 0),
            (b"S I\r\n", 0, 0, 1),
            (b"ES\r\n", 0, 0, 1),
            (b"EL\r\n", 0, 0, 1),
            (b"ET\r\n", 0, 0, 1),
            (b"Z I\r\n", 0, 0, 1),
            (b"Z +\r\n", 0, 0, 1),
            (b"Z A\r\n", 0, 0, 0),
            (b"T S   1200 kg\r\n", 0, 0, 0),
        ):
            decoder = mt_sics.MtSics()
            reading = decode(decoder, frame)
            self.assertEqual((reading.overload, reading.underload, decoder.refused), (over, under, refused), frame)
            self.assertEqual(reading.has_weight, 0)

    def test_lines_that_are_no_reply(self):
        for frame in (
            b"S S 100.00\r\n",
            b"S S g\r\n",
            b"S  100 g\r\n",
            b"S S 1x0 kg\r\n",
            b"S X\r\n",
            b"S I 1\r\n",
            b"S S 1 kg\n",
        ):
            self.assertTrue(refuses(mt_sics.MtSics(), frame), frame)

    def test_the_balance_s_side(self):
        for reading, frame in (
            (reading_of(23460), b"S S      23460 kg\r\n"),
            (reading_of(1234, 2, UNIT_T, motion=YES), b"S D      12.34 t\r\n"),
        ):
            self.assertEqual(encode(mt_sics.encode_mt_sics, reading), frame)
            self.assertEqual(facts(decode(mt_sics.MtSics(), frame))[:3], facts(reading)[:3])
        over = Reading()
        over.overload = 1
        self.assertEqual(encode(mt_sics.encode_mt_sics, over), b"S +\r\n")
        balance = mt_sics.LineRequest()
        self.assertTrue(decode_request(balance, b"SI\r\n"))
        self.assertTrue(balance.is_command(b"SI"))
        self.assertFalse(balance.is_command(b"S"))


class SmaTest(unittest.TestCase):
    def test_fields_of_the_standard_reply(self):
        reading = decode(sma.Sma(), b"\n 1G       23460kg \r")
        self.assertEqual((reading.digits, reading.decimals, reading.unit), (23460, 0, UNIT_KG))
        self.assertEqual((reading.net, reading.motion, reading.centre_of_zero), (NO, NO, NO))
        reading = decode(sma.Sma(), b"\nZ1NM    -12.345t  \r")
        self.assertEqual((reading.digits, reading.decimals, reading.unit), (-12345, 3, UNIT_T))
        self.assertEqual((reading.net, reading.motion, reading.centre_of_zero), (YES, YES, YES))
        self.assertEqual(decode(sma.Sma(), b"\n 1g        12.5lb \r").unit, UNIT_LB)

    def test_status_letters(self):
        for letter, over, under, error in (
            (b"O", 1, 0, ERROR_NONE),
            (b"U", 0, 1, ERROR_NONE),
            (b"E", 0, 0, ERROR_ZERO),
            (b"I", 0, 0, ERROR_NOT_ZEROED),
            (b"T", 0, 0, ERROR_TARE),
        ):
            for weight in (b"----------", b"     23460"):
                decoder = sma.Sma()
                reading = decode(decoder, b"\n" + letter + b"1G  " + weight + b"kg \r")
                self.assertEqual((reading.overload, reading.underload, reading.error), (over, under, error))
                self.assertEqual((reading.has_weight, decoder.refused), (0, 1 if letter == b"E" else 0))
        self.assertEqual(decode(sma.Sma(), b"\n_1n_ ----------   \r").error, ERROR_NO_ANSWER)
        self.assertEqual(decode(sma.Sma(), b"\n 1T        1200kg \r").error, ERROR_OTHER)

    def test_unknown_command(self):
        decoder = sma.Sma()
        decode(decoder, b"\n?\r")
        self.assertEqual((decoder.refused, decoder.reading.has_weight), (1, 0))

    def test_requests(self):
        buffer = bytearray(8)
        for write, frame, letter in (
            (sma.Sma().poll_into, b"\nW\r", sma.COMMAND_WEIGHT),
            (sma.Sma().zero_into, b"\nZ\r", sma.COMMAND_ZERO),
        ):
            self.assertEqual(bytes(buffer[: write(buffer)]), frame)
            scale = sma.SmaRequest()
            self.assertTrue(decode_request(scale, frame))
            self.assertEqual(scale.command, letter)

    def test_every_status_survives_the_wire(self):
        for digits in (0, -20, 123456789):
            for unit in (UNIT_KG, UNIT_G, UNIT_LB, UNIT_T):
                for error in (ERROR_NONE, ERROR_ZERO, ERROR_NOT_ZEROED, ERROR_TARE):
                    reading = reading_of(digits, 1, unit, YES, YES)
                    reading.error = error
                    other = decode(sma.Sma(), encode(sma.encode_sma, reading))
                    self.assertEqual((other.error, other.unit, other.net, other.motion), (error, unit, YES, YES))
                    self.assertEqual(other.digits if error == ERROR_NONE else digits, digits)


class CasTest(unittest.TestCase):
    def test_cas_22(self):
        reading = decode(cas.CasDecoder(), b"ST,GS,1\xe5,000013.5 kg\r\n")
        self.assertEqual((reading.digits, reading.decimals, reading.unit), (135, 1, UNIT_KG))
        self.assertEqual((reading.net, reading.motion, reading.centre_of_zero), (NO, NO, YES))
        reading = decode(cas.CasDecoder(), b"US,NT,1\xa2,   -1200 kg\r\n")
        self.assertEqual((reading.digits, reading.net, reading.motion), (-1200, YES, YES))
        reading = decode(cas.CasDecoder(), b"OL,GS,1\xe4,         kg\r\n")
        self.assertEqual((reading.overload, reading.has_weight), (1, 0))

    def test_lamps(self):
        self.assertEqual(decode(cas.CasDecoder(), b"ST,GS,1\xf4,   12340 kg\r\n").error, ERROR_HELD)
        self.assertEqual(decode(cas.CasDecoder(), b"ST,GS,1\xa4,   12340 kg\r\n").motion, YES)
        self.assertEqual(decode(cas.CasDecoder(), b"ST,GS,10,   12340 kg\r\n").motion, NO)

    def test_and_18_and_generic_19(self):
        reading = decode(cas.CasDecoder(), b"ST,GS,+0012340kg\r\n")
        self.assertEqual((reading.digits, reading.unit), (12340, UNIT_KG))
        reading = decode(cas.CasDecoder(), b"ST,GS,+ 011.120kg\r\n")
        self.assertEqual((reading.digits, reading.decimals, reading.unit), (11120, 3, UNIT_KG))
        self.assertEqual(len(encode(cas.encode_and, reading_of(12340))), cas.AND_SIZE)
        self.assertEqual(decode(cas.CasDecoder(), encode(cas.encode_and, reading_of(-12340))).digits, -12340)

    def test_the_three_may_follow_each_other(self):
        decoder = cas.CasDecoder()
        found = []
        for byte in b"ST,GS,1\xe5,000013.5 kg\r\nST,GS,+0012340kg\r\nST,GS,+ 011.120kg\r\n":
            if decoder.on_byte(byte):
                found.append(decoder.reading.digits)
        self.assertEqual((found, decoder.garbage), ([135, 12340, 11120], 0))

    def test_every_status_survives_the_wire(self):
        for digits in (0, -20, 1234567):
            for flags in range(8):
                reading = reading_of(digits, 0, UNIT_KG, NO + (flags & 1), NO + (flags >> 1 & 1))
                reading.centre_of_zero = NO + (flags >> 2 & 1)
                other = decode(cas.CasDecoder(), encode(cas.encode_cas, reading))
                self.assertEqual(facts(other), facts(reading))
                self.assertEqual(other.centre_of_zero, reading.centre_of_zero)


class ConversionTest(unittest.TestCase):
    def test_only_what_is_exact_is_converted(self):
        for digits, decimals, unit, kg_x10 in (
            (23460, 0, UNIT_KG, 234600),
            (23460, 0, UNIT_NONE, 234600),
            (-20, 0, UNIT_KG, -200),
            (234605, 1, UNIT_KG, 234605),
            (2346050, 2, UNIT_KG, 234605),
            (2346051, 2, UNIT_KG, NOT_EXACT),
            (23460, 3, UNIT_T, 234600),
            (234601, 4, UNIT_T, 234601),
            (2346011, 5, UNIT_T, NOT_EXACT),
            (23460000, 0, UNIT_G, 234600),
            (23460050, 0, UNIT_G, NOT_EXACT),
            (234, -2, UNIT_KG, 234000),
            (1000, 0, UNIT_LB, NOT_EXACT),
            (1000, 0, UNIT_OTHER, NOT_EXACT),
            (999999999, -2, UNIT_KG, TOO_LARGE),
            (-999999999, 0, UNIT_T, TOO_LARGE),
        ):
            self.assertEqual(to_kg_x10(digits, decimals, unit), kg_x10)


def facts(reading):
    return (
        reading.digits,
        reading.decimals,
        reading.motion,
        reading.net,
        reading.unit,
        reading.error,
        reading.tare_digits,
    )


def decode_request(decoder, frame):
    found = False
    for byte in frame:
        found = decoder.on_byte(byte)
    return found
