"""Frames of Toledo, MT-SICS, SMA, CAS and AND, decoded and encoded with each status they carry; exact conversion."""

import unittest

from protocols.indicators import cas, mt_sics, sma, toledo
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
    YES,
    Reading,
    to_kg_x10,
)
from tests.protocols.indicators.frames import decode, decode_request, encode, facts, reading_of, refuses


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
