"""The client's side: requests as in the specification, answers accepted only for what was asked."""

import unittest

from protocols.modbus import pdu


def encoded(function, *arguments):
    buffer = bytearray(b"\x5a" * 260)
    size = function(buffer, 3, *arguments)
    if buffer[:3] != b"\x5a\x5a\x5a" or buffer[3 + size :] != b"\x5a" * (257 - size):
        raise AssertionError("bytes outside the request were touched")
    return bytes(buffer[3 : 3 + size])


def judged(request, response):
    """Judge a response from the middle of a longer buffer."""
    return pdu.decode_response(
        bytearray(b"\x00" + request), 1, bytearray(b"\xa5" + response + b"\xa5"), 1, len(response)
    )


# Sections 6.1 to 6.21 of V1.1b3: request, response.
EXAMPLES = (
    (b"\x01\x00\x13\x00\x13", b"\x01\x03\xcd\x6b\x05"),
    (b"\x02\x00\xc4\x00\x16", b"\x02\x03\xac\xdb\x35"),
    (b"\x03\x00\x6b\x00\x03", b"\x03\x06\x02\x2b\x00\x00\x00\x64"),
    (b"\x04\x00\x08\x00\x01", b"\x04\x02\x00\x0a"),
    (b"\x05\x00\xac\xff\x00", b"\x05\x00\xac\xff\x00"),
    (b"\x06\x00\x01\x00\x03", b"\x06\x00\x01\x00\x03"),
    (b"\x0f\x00\x13\x00\x0a\x02\xcd\x01", b"\x0f\x00\x13\x00\x0a"),
    (b"\x10\x00\x01\x00\x02\x04\x00\x0a\x01\x02", b"\x10\x00\x01\x00\x02"),
    (b"\x16\x00\x04\x00\xf2\x00\x25", b"\x16\x00\x04\x00\xf2\x00\x25"),
    (
        b"\x17\x00\x03\x00\x06\x00\x0e\x00\x03\x06\x00\xff\x00\xff\x00\xff",
        b"\x17\x0c\x00\xfe\x0a\xcd\x00\x01\x00\x03\x00\x0d\x00\xff",
    ),
    (b"\x2b\x0e\x01\x00", b"\x2b\x0e\x01\x01\x00\x00\x02\x00\x03abc\x02\x05V2.11"),
)


class EncodeTest(unittest.TestCase):
    def test_requests_are_those_of_the_specification(self):
        built = (
            encoded(pdu.encode_read_request_into, 1, 0x13, 19),
            encoded(pdu.encode_read_request_into, 2, 0xC4, 22),
            encoded(pdu.encode_read_request_into, 3, 0x6B, 3),
            encoded(pdu.encode_read_request_into, 4, 8, 1),
            encoded(pdu.encode_write_coil_request_into, 0xAC, 1),
            encoded(pdu.encode_write_register_request_into, 1, 3),
            encoded(pdu.encode_write_coils_request_into, 0x13, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]),
            encoded(pdu.encode_write_registers_request_into, 1, [0x0A, 0x0102]),
            encoded(pdu.encode_mask_write_request_into, 4, 0xF2, 0x25),
            encoded(pdu.encode_read_write_request_into, 3, 6, 14, [255, 255, 255]),
            encoded(pdu.encode_identification_request_into, 1, 0),
        )
        for index in range(len(EXAMPLES)):
            self.assertEqual(built[index], EXAMPLES[index][0], index)

    def test_exception_codes_are_those_of_section_7(self):
        codes = (
            pdu.ILLEGAL_FUNCTION,
            pdu.ILLEGAL_DATA_ADDRESS,
            pdu.ILLEGAL_DATA_VALUE,
            pdu.SERVER_DEVICE_FAILURE,
            pdu.ACKNOWLEDGE,
            pdu.SERVER_DEVICE_BUSY,
            pdu.MEMORY_PARITY_ERROR,
            pdu.GATEWAY_PATH_UNAVAILABLE,
            pdu.GATEWAY_TARGET_FAILED,
        )
        self.assertEqual(codes, (1, 2, 3, 4, 5, 6, 8, 10, 11))

    def test_coil_off_is_0000(self):
        self.assertEqual(encoded(pdu.encode_write_coil_request_into, 1, 0), b"\x05\x00\x01\x00\x00")

    def test_coils_that_are_off_are_cleared_in_a_used_buffer(self):
        self.assertEqual(encoded(pdu.encode_write_coils_request_into, 0, [0] * 9), b"\x0f\x00\x00\x00\x09\x02\x00\x00")

    def test_largest_requests_fit_a_pdu(self):
        for function_code, limit in ((1, 2000), (2, 2000), (3, 125), (4, 125)):
            request = encoded(pdu.encode_read_request_into, function_code, 65536 - limit, limit)
            self.assertEqual(request[3] << 8 | request[4], limit)
        self.assertEqual(len(encoded(pdu.encode_write_coils_request_into, 0, [1] * 1968)), 252)
        self.assertEqual(len(encoded(pdu.encode_write_registers_request_into, 0, [1] * 123)), 252)
        self.assertEqual(len(encoded(pdu.encode_read_write_request_into, 0, 125, 0, [1] * 121)), 252)

    def test_requests_no_server_may_accept_are_refused_at_the_caller(self):
        for function, arguments in (
            (pdu.encode_read_request_into, (1, 0, 2001)),
            (pdu.encode_read_request_into, (3, 0, 126)),
            (pdu.encode_read_request_into, (4, 0, 0)),
            (pdu.encode_read_request_into, (4, 65535, 2)),
            (pdu.encode_read_request_into, (4, -1, 2)),
            (pdu.encode_write_coils_request_into, (0, [0] * 1969)),
            (pdu.encode_write_registers_request_into, (0, [0] * 124)),
            (pdu.encode_write_registers_request_into, (0, [])),
            (pdu.encode_read_write_request_into, (0, 1, 0, [0] * 122)),
            (pdu.encode_read_write_request_into, (0, 126, 0, [0])),
        ):
            with self.assertRaises(ValueError):
                encoded(function, *arguments)


class DecodeTest(unittest.TestCase):
    def test_answers_of_the_specification_are_accepted(self):
        for request, response in EXAMPLES:
            self.assertEqual(judged(request, response), pdu.RESPONSE_OK, response)

    def test_exceptions_are_returned_as_their_code(self):
        for request, _ in EXAMPLES:
            for code in (1, 2, 3, 4, 5, 6, 8, 10, 11):
                self.assertEqual(judged(request, bytes((request[0] | 0x80, code))), code)
            self.assertEqual(judged(request, bytes((request[0] | 0x80, 0))), pdu.RESPONSE_MALFORMED)
            self.assertEqual(judged(request, bytes((request[0] | 0x80, 2, 0))), pdu.RESPONSE_MALFORMED)

    def test_truncations_of_every_length_and_trailing_bytes_are_refused(self):
        for request, response in EXAMPLES:
            for size in range(len(response)):
                self.assertTrue(judged(request, response[:size]) < 0, (response, size))
            self.assertTrue(judged(request, response + b"\x00") < 0, response)

    def test_an_answer_to_another_question_is_refused(self):
        for request, _ in EXAMPLES:
            for other_request, other in EXAMPLES:
                if other_request != request:
                    self.assertTrue(judged(request, other) < 0, (request, other))

    def test_an_echo_of_another_address_or_value_is_a_mismatch(self):
        for request, response in (EXAMPLES[4], EXAMPLES[5], EXAMPLES[6], EXAMPLES[7], EXAMPLES[8]):
            for index in range(1, len(response)):
                wrong = bytearray(response)
                wrong[index] ^= 1
                self.assertEqual(judged(request, bytes(wrong)), pdu.RESPONSE_MISMATCH, (response, index))

    def test_a_block_of_another_size_is_a_mismatch(self):
        self.assertEqual(judged(b"\x03\x00\x00\x00\x02", b"\x03\x02\x00\x01"), pdu.RESPONSE_MISMATCH)
        self.assertEqual(judged(b"\x01\x00\x00\x00\x09", b"\x01\x01\x00"), pdu.RESPONSE_MISMATCH)

    def test_largest_answers_are_accepted_up_to_the_end_of_the_buffer(self):
        for request, response in (
            (b"\x01\x00\x00\x07\xd0", b"\x01\xfa" + bytes(250)),
            (b"\x03\x00\x00\x00\x7d", b"\x03\xfa" + bytes(250)),
            (b"\x2b\x0e\x04\x00", b"\x2b\x0e\x04\x81\x00\x00\x01\x00\xf4" + bytes(244)),
        ):
            verdict = pdu.decode_response(bytearray(request), 0, bytearray(response), 0, len(response))
            self.assertEqual(verdict, pdu.RESPONSE_OK)

    def test_identification_answer_to_another_question_is_a_mismatch(self):
        for response in (b"\x2b\x0d\x01\x01\x00\x00\x00", b"\x2b\x0e\x02\x01\x00\x00\x00"):
            self.assertEqual(judged(b"\x2b\x0e\x01\x00", response), pdu.RESPONSE_MISMATCH)

    def test_identification_objects_may_be_empty_or_absent(self):
        for tail in (b"\x00", b"\x01\x05\x00", b"\x02\x00\x00\x01\x00"):
            response = b"\x2b\x0e\x01\x01\x00\x00" + tail
            self.assertEqual(judged(b"\x2b\x0e\x01\x00", response), pdu.RESPONSE_OK, tail)

    def test_values_are_read_in_place(self):
        response = bytearray(b"\xa5" + EXAMPLES[2][1])
        self.assertEqual([pdu.read_register(response, 1, index) for index in range(3)], [0x022B, 0, 0x64])
        response = bytearray(b"\xa5" + EXAMPLES[0][1])
        bits = [pdu.read_bit(response, 1, index) for index in range(19)]
        self.assertEqual(bits, [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1])

    def test_identification_objects_are_found_by_their_id(self):
        response = bytearray(b"\xa5" + EXAMPLES[10][1])
        at = pdu.find_identification_object(response, 1, 2)
        self.assertEqual(bytes(response[at + 1 : at + 1 + response[at]]), b"V2.11")
        self.assertEqual(pdu.find_identification_object(response, 1, 1), -1)

    def test_sizes_outside_the_buffer_are_refused(self):
        request = bytearray(b"\x03\x00\x00\x00\x02")
        self.assertEqual(pdu.decode_response(request, 0, bytearray(4), 0, 6), pdu.RESPONSE_MALFORMED)
        self.assertEqual(pdu.decode_response(request, 0, bytearray(400), 0, 254), pdu.RESPONSE_MALFORMED)
