"""Device identification, function code 43/14, against section 6.21 of the specification."""

import unittest

from protocols.modbus.image import RegisterImage
from protocols.modbus.server import ModbusServer

BASIC = (b"Company identification", b"Product code XX", b"V2.11")
REGULAR = (BASIC[0], BASIC[1], BASIC[2], b"https://example.org", b"", b"Model", b"Application")


def ask(objects, pdu):
    server = ModbusServer(RegisterImage(0, 0, 0, 0, b""), objects)
    request = bytearray(b"\xa5\xa5\xa5") + bytearray(pdu)
    response = bytearray(b"\x5a" * 260)
    size = server.handle(request, 3, len(pdu), response, 5)
    if response[:5] != b"\x5a" * 5 or response[5 + size :] != b"\x5a" * (255 - size):
        raise AssertionError("bytes outside the response were touched")
    return bytes(response[5 : 5 + size])


def listed(objects, ids):
    return b"".join([bytes((object_id, len(objects[object_id]))) + objects[object_id] for object_id in ids])


class IdentificationTest(unittest.TestCase):
    def test_6_21_basic_stream_of_the_worked_example(self):
        # The conformity level is 81, not 01: this server offers individual access as well.
        expected = b"\x2b\x0e\x01\x81\x00\x00\x03\x00\x16Company identification\x01\x0fProduct code XX\x02\x05V2.11"
        self.assertEqual(ask(BASIC, b"\x2b\x0e\x01\x00"), expected)

    def test_regular_stream_lists_what_is_present(self):
        expected = b"\x2b\x0e\x02\x82\x00\x00\x06" + listed(REGULAR, (0, 1, 2, 3, 5, 6))
        self.assertEqual(ask(REGULAR, b"\x2b\x0e\x02\x00"), expected)

    def test_basic_stream_of_a_regular_server_holds_the_basic_objects_only(self):
        expected = b"\x2b\x0e\x01\x82\x00\x00\x03" + listed(REGULAR, (0, 1, 2))
        self.assertEqual(ask(REGULAR, b"\x2b\x0e\x01\x00"), expected)

    def test_extended_stream_is_answered_at_the_level_the_server_has(self):
        expected = b"\x2b\x0e\x03\x82\x00\x00\x06" + listed(REGULAR, (0, 1, 2, 3, 5, 6))
        self.assertEqual(ask(REGULAR, b"\x2b\x0e\x03\x00"), expected)

    def test_stream_starts_where_asked_and_at_0_when_that_object_is_unknown(self):
        self.assertEqual(ask(REGULAR, b"\x2b\x0e\x02\x05"), b"\x2b\x0e\x02\x82\x00\x00\x02" + listed(REGULAR, (5, 6)))
        for unknown in (4, 7, 128, 255):
            answer = ask(REGULAR, b"\x2b\x0e\x02" + bytes((unknown,)))
            self.assertEqual(answer, ask(REGULAR, b"\x2b\x0e\x02\x00"), unknown)

    def test_individual_access_gives_one_object_or_exception_02(self):
        for object_id in (0, 1, 2, 3, 5, 6):
            expected = b"\x2b\x0e\x04\x82\x00\x00\x01" + listed(REGULAR, (object_id,))
            self.assertEqual(ask(REGULAR, b"\x2b\x0e\x04" + bytes((object_id,))), expected)
        for object_id in (4, 7, 128, 255):
            self.assertEqual(ask(REGULAR, b"\x2b\x0e\x04" + bytes((object_id,))), b"\xab\x02", object_id)

    def test_objects_that_do_not_fit_one_answer_follow_in_the_next(self):
        long = (b"a" * 100, b"b" * 100, b"c" * 100, b"d" * 244)
        first = ask(long, b"\x2b\x0e\x02\x00")
        self.assertEqual(first, b"\x2b\x0e\x02\x82\xff\x02\x02" + listed(long, (0, 1)))
        second = ask(long, b"\x2b\x0e\x02\x02")
        self.assertEqual(second, b"\x2b\x0e\x02\x82\xff\x03\x01" + listed(long, (2,)))
        third = ask(long, b"\x2b\x0e\x02\x03")
        self.assertEqual(third, b"\x2b\x0e\x02\x82\x00\x00\x01" + listed(long, (3,)))
        self.assertEqual(len(third), 253)

    def test_answer_is_filled_to_the_last_byte_of_a_pdu(self):
        exact = (b"a" * 100, b"b" * 142, b"c")
        answer = ask(exact, b"\x2b\x0e\x01\x00")
        self.assertEqual(answer, b"\x2b\x0e\x01\x81\xff\x02\x02" + listed(exact, (0, 1)))
        self.assertEqual(len(answer), 253)
        over = (b"a" * 100, b"b" * 143, b"c")
        self.assertEqual(ask(over, b"\x2b\x0e\x01\x00"), b"\x2b\x0e\x01\x81\xff\x01\x01" + listed(over, (0,)))

    def test_wrong_codes_sizes_and_mei_types_are_refused(self):
        for request, code in (
            (b"\x2b", 1),
            (b"\x2b\x0d\x00\x00", 1),
            (b"\x2b\x0e", 3),
            (b"\x2b\x0e\x01", 3),
            (b"\x2b\x0e\x01\x00\x00", 3),
            (b"\x2b\x0e\x00\x00", 3),
            (b"\x2b\x0e\x05\x00", 3),
            (b"\x2b\x0e\xff\x00", 3),
        ):
            self.assertEqual(ask(BASIC, request), bytes((0xAB, code)), request)

    def test_a_server_without_objects_does_not_know_the_function(self):
        self.assertEqual(ask((), b"\x2b\x0e\x01\x00"), b"\xab\x01")

    def test_objects_no_answer_could_carry_are_refused_at_construction(self):
        image = RegisterImage(0, 0, 0, 0, b"")
        for objects in ((b"x" * 245,), (b"x",) * 8):
            with self.assertRaises(ValueError):
                ModbusServer(image, objects)
