"""The server against the worked examples of the specification, its limits, and the order of its exceptions."""

import unittest

from protocols.modbus.image import COILS, DISCRETES, HOLDINGS, INPUTS, RANGE_PARTIAL, RegisterImage
from protocols.modbus.server import ModbusServer

EVERYTHING = bytes((0, 0, (RANGE_PARTIAL | 0x7FFF) >> 8, 0xFF))
BLOCK_AT_0 = b"\x00\x00\x00\x0a"


def u16(value):
    return bytes((value >> 8 & 255, value & 255))


def ask(server, pdu):
    """Serve a PDU from the middle of one buffer into the middle of another, as the shells do."""
    request = bytearray(b"\xa5\xa5") + bytearray(pdu) + bytearray(b"\xa5")
    response = bytearray(b"\x5a" * 300)
    size = server.handle(request, 2, len(pdu), response, 7)
    if response[:7] != b"\x5a" * 7 or (size and response[7 + size :] != b"\x5a" * (293 - size)):
        raise AssertionError("bytes outside the response were touched")
    if request != b"\xa5\xa5" + bytes(pdu) + b"\xa5":
        raise AssertionError("the request was changed")
    return bytes(response[7 : 7 + size])


def image_of(count, writable=EVERYTHING):
    return RegisterImage(count, count, count, count, writable, EVERYTHING)


class SpecificationExamplesTest(unittest.TestCase):
    """MODBUS Application Protocol Specification V1.1b3; the section of each example is in its test."""

    def setUp(self):
        self.image = image_of(300)
        self.server = ModbusServer(self.image)

    def put_bits(self, table, address, data, count):
        for index in range(count):
            self.image.put_bit(table, address + index, data[index >> 3] >> (index & 7) & 1)

    def test_6_1_read_coils(self):
        self.put_bits(COILS, 0x13, b"\xcd\x6b\x05", 19)
        self.assertEqual(ask(self.server, b"\x01\x00\x13\x00\x13"), b"\x01\x03\xcd\x6b\x05")

    def test_6_2_read_discrete_inputs(self):
        self.put_bits(DISCRETES, 0xC4, b"\xac\xdb\x35", 22)
        self.assertEqual(ask(self.server, b"\x02\x00\xc4\x00\x16"), b"\x02\x03\xac\xdb\x35")

    def test_6_3_read_holding_registers(self):
        self.image.put_u16(HOLDINGS, 0x6B, 0x022B)
        self.image.put_u16(HOLDINGS, 0x6D, 0x0064)
        self.assertEqual(ask(self.server, b"\x03\x00\x6b\x00\x03"), b"\x03\x06\x02\x2b\x00\x00\x00\x64")

    def test_6_4_read_input_registers(self):
        self.image.put_u16(INPUTS, 8, 0x000A)
        self.assertEqual(ask(self.server, b"\x04\x00\x08\x00\x01"), b"\x04\x02\x00\x0a")

    def test_6_5_write_single_coil(self):
        self.assertEqual(ask(self.server, b"\x05\x00\xac\xff\x00"), b"\x05\x00\xac\xff\x00")
        self.assertEqual(self.image.get_bit(COILS, 0xAC), 1)
        self.assertEqual(ask(self.server, b"\x05\x00\xac\x00\x00"), b"\x05\x00\xac\x00\x00")
        self.assertEqual(self.image.get_bit(COILS, 0xAC), 0)

    def test_6_6_write_single_register(self):
        self.assertEqual(ask(self.server, b"\x06\x00\x01\x00\x03"), b"\x06\x00\x01\x00\x03")
        self.assertEqual(self.image.get_u16(HOLDINGS, 1), 3)

    def test_6_11_write_multiple_coils(self):
        self.assertEqual(ask(self.server, b"\x0f\x00\x13\x00\x0a\x02\xcd\x01"), b"\x0f\x00\x13\x00\x0a")
        self.assertEqual(self.image.coils[0x13:0x1D], b"\x01\x00\x01\x01\x00\x00\x01\x01\x01\x00")

    def test_6_11_each_coil_takes_the_bit_of_its_own(self):
        for index in range(24):
            data = bytearray(3)
            data[index >> 3] = 1 << (index & 7)
            ask(self.server, b"\x0f\x00\x00\x00\x18\x03" + bytes(data))
            self.assertEqual([at for at in range(24) if self.image.coils[at]], [index])

    def test_6_12_write_multiple_registers(self):
        request = b"\x10\x00\x01\x00\x02\x04\x00\x0a\x01\x02"
        self.assertEqual(ask(self.server, request), b"\x10\x00\x01\x00\x02")
        self.assertEqual(self.image.holdings[2:6], b"\x00\x0a\x01\x02")

    def test_6_16_mask_write_register(self):
        self.image.put_u16(HOLDINGS, 4, 0x12)
        self.assertEqual(ask(self.server, b"\x16\x00\x04\x00\xf2\x00\x25"), b"\x16\x00\x04\x00\xf2\x00\x25")
        self.assertEqual(self.image.get_u16(HOLDINGS, 4), 0x17)

    def test_6_17_read_write_multiple_registers(self):
        before = b"\x00\xfe\x0a\xcd\x00\x01\x00\x03\x00\x0d\x00\xff"
        self.image.holdings[6:18] = before
        request = b"\x17\x00\x03\x00\x06\x00\x0e\x00\x03\x06\x00\xff\x00\xff\x00\xff"
        self.assertEqual(ask(self.server, request), b"\x17\x0c" + before)
        self.assertEqual(self.image.holdings[28:34], b"\x00\xff\x00\xff\x00\xff")

    def test_6_17_the_write_comes_before_the_read(self):
        request = b"\x17\x00\x0e\x00\x02\x00\x0e\x00\x02\x04\x12\x34\x56\x78"
        self.assertEqual(ask(self.server, request), b"\x17\x04\x12\x34\x56\x78")


class LimitTest(unittest.TestCase):
    def setUp(self):
        self.image = image_of(3000)
        self.server = ModbusServer(self.image)

    def test_reads_are_served_up_to_their_limit_and_refused_beyond(self):
        for function_code, limit, size in ((1, 2000, 250), (2, 2000, 250), (3, 125, 250), (4, 125, 250)):
            code = bytes((function_code,))
            refused = bytes((function_code | 0x80, 3))
            self.assertEqual(len(ask(self.server, code + u16(0) + u16(limit))), 2 + size)
            self.assertEqual(ask(self.server, code + u16(0) + u16(limit + 1)), refused)
            self.assertEqual(ask(self.server, code + u16(0) + u16(0)), refused)
            self.assertEqual(ask(self.server, code + u16(0) + u16(65535)), refused)

    def test_writes_are_taken_up_to_their_limit_and_refused_beyond(self):
        self.assertEqual(ask(self.server, b"\x0f\x00\x00" + u16(1968) + b"\xf6" + bytes(246))[0], 0x0F)
        self.assertEqual(ask(self.server, b"\x0f\x00\x00" + u16(1969) + b"\xf7" + bytes(247)), b"\x8f\x03")
        self.assertEqual(ask(self.server, b"\x0f\x00\x00" + u16(0) + b"\x00"), b"\x8f\x03")
        self.assertEqual(ask(self.server, b"\x10\x00\x00" + u16(123) + b"\xf6" + bytes(246))[0], 0x10)
        self.assertEqual(ask(self.server, b"\x10\x00\x00" + u16(124) + b"\xf8" + bytes(247)), b"\x90\x03")
        self.assertEqual(ask(self.server, b"\x10\x00\x00" + u16(0) + b"\x00"), b"\x90\x03")

    def test_read_write_has_a_limit_for_each_half(self):
        for read_count, write_count, good in ((125, 121, True), (126, 1, False), (0, 1, False), (1, 0, False)):
            request = b"\x17\x00\x00" + u16(read_count) + b"\x00\x00" + u16(write_count)
            answer = ask(self.server, request + bytes((write_count * 2,)) + bytes(write_count * 2))
            self.assertEqual(answer[:1] == b"\x17", good, (read_count, write_count))
            self.assertEqual(answer == b"\x97\x03", not good, (read_count, write_count))
        self.assertEqual(ask(self.server, b"\x17\x00\x00\x00\x01\x00\x00\x00\x7a\xf4" + bytes(243)), b"\x97\x03")

    def test_last_entry_is_served_and_the_one_behind_it_is_not(self):
        for function_code in (1, 2, 3, 4):
            code = bytes((function_code,))
            refused = bytes((function_code | 0x80, 2))
            self.assertEqual(ask(self.server, code + u16(2999) + u16(1))[0], function_code)
            self.assertEqual(ask(self.server, code + u16(2999) + u16(2)), refused)
            self.assertEqual(ask(self.server, code + u16(3000) + u16(1)), refused)
            self.assertEqual(ask(self.server, code + u16(65535) + u16(2)), refused)

    def test_whole_address_space_is_reachable_and_does_not_wrap(self):
        server = ModbusServer(RegisterImage(0, 0, 0, 65536, b""))
        self.assertEqual(ask(server, b"\x04\xff\xff\x00\x01"), b"\x04\x02\x00\x00")
        self.assertEqual(ask(server, b"\x04\xff\xff\x00\x02"), b"\x84\x02")

    def test_coil_value_is_ff00_or_0000_and_nothing_else(self):
        for value in (1, 0xFF, 0x0100, 0xFF01, 0xFE00, 0xFFFF):
            self.assertEqual(ask(self.server, b"\x05\x00\x00" + u16(value)), b"\x85\x03", value)
        self.assertEqual(self.image.write_count, 0)


class ExceptionTest(unittest.TestCase):
    REQUESTS = (
        b"\x01\x00\x00\x00\x01",
        b"\x02\x00\x00\x00\x01",
        b"\x03\x00\x00\x00\x01",
        b"\x04\x00\x00\x00\x01",
        b"\x05\x00\x00\xff\x00",
        b"\x06\x00\x00\x00\x01",
        b"\x0f\x00\x00\x00\x01\x01\x01",
        b"\x10\x00\x00\x00\x01\x02\x00\x01",
        b"\x16\x00\x00\x00\x00\x00\x00",
        b"\x17\x00\x00\x00\x01\x00\x00\x00\x01\x02\x00\x01",
    )

    def test_every_truncation_and_extension_of_every_request_is_exception_03(self):
        server = ModbusServer(image_of(10))
        for request in self.REQUESTS:
            self.assertEqual(ask(server, request)[0], request[0])
            for wrong in [request[:size] for size in range(1, len(request))] + [request + b"\x00"]:
                self.assertEqual(ask(server, wrong), bytes((request[0] | 0x80, 3)), wrong)

    def test_byte_count_that_does_not_fit_the_quantity_is_exception_03(self):
        server = ModbusServer(image_of(10))
        for request in (
            b"\x0f\x00\x00\x00\x01\x02\x01\x00",
            b"\x0f\x00\x00\x00\x09\x01\x01",
            b"\x10\x00\x00\x00\x01\x01\x00",
            b"\x10\x00\x00\x00\x01\x04\x00\x01\x00\x01",
            b"\x17\x00\x00\x00\x01\x00\x00\x00\x01\x04\x00\x01\x00\x01",
        ):
            self.assertEqual(ask(server, request), bytes((request[0] | 0x80, 3)), request)

    def test_unknown_function_codes_are_exception_01(self):
        server = ModbusServer(image_of(10))
        for function_code in range(128):
            if bytes((function_code,)) not in [request[:1] for request in self.REQUESTS]:
                self.assertEqual(ask(server, bytes((function_code, 0, 0, 0, 1))), bytes((function_code | 0x80, 1)))
        self.assertEqual(server.exceptions, 128 - len(self.REQUESTS))

    def test_codes_that_only_answers_carry_and_nothing_at_all_get_no_answer(self):
        server = ModbusServer(image_of(10))
        for function_code in range(128, 256):
            self.assertEqual(ask(server, bytes((function_code, 2))), b"")
        self.assertEqual(ask(server, b""), b"")

    def test_wrong_quantity_is_told_before_wrong_address_and_that_before_a_store_fault(self):
        image = image_of(10)
        image.store_fault = 1
        server = ModbusServer(image)
        for function_code in (1, 2, 3, 4):
            self.assertEqual(ask(server, bytes((function_code,)) + b"\xff\xff\xff\xff")[1], 3)
        self.assertEqual(ask(server, b"\x10\xff\xff\x00\x02\x03\x00\x01\x00"), b"\x90\x03")
        self.assertEqual(ask(server, b"\x10\x00\x09\x00\x02\x04\x00\x01\x00\x01"), b"\x90\x02")
        self.assertEqual(ask(server, b"\x10\x00\x08\x00\x02\x04\x00\x01\x00\x01"), b"\x90\x04")

    def test_a_store_fault_refuses_every_write_and_no_read(self):
        image = image_of(10)
        image.store_fault = 1
        server = ModbusServer(image)
        for request in self.REQUESTS:
            answer = ask(server, request)
            if request[0] <= 4:
                self.assertEqual(answer[0], request[0])
            else:
                self.assertEqual(answer, bytes((request[0] | 0x80, 4)), request)
        self.assertEqual((bytes(image.holdings), bytes(image.coils)), (bytes(20), bytes(10)))
        self.assertEqual(image.write_count, 0)


class WritableRangeTest(unittest.TestCase):
    def setUp(self):
        self.image = image_of(100, BLOCK_AT_0 + b"\x00\x20" + u16(RANGE_PARTIAL | 8))
        self.server = ModbusServer(self.image)

    def write(self, address, count):
        data = bytes((0x11,)) * (count * 2)
        return ask(self.server, b"\x10" + u16(address) + u16(count) + bytes((count * 2,)) + data)

    def test_a_whole_range_is_taken_only_as_a_whole(self):
        self.assertEqual(self.write(0, 10), b"\x10\x00\x00\x00\x0a")
        for address, count in ((0, 9), (1, 9), (0, 11), (1, 10), (0, 1), (9, 1)):
            self.assertEqual(self.write(address, count), b"\x90\x02", (address, count))
        self.assertEqual(ask(self.server, b"\x06\x00\x00\x00\x01"), b"\x86\x02")
        self.assertEqual(ask(self.server, b"\x16\x00\x00\x00\x00\x00\x01"), b"\x96\x02")

    def test_a_partial_range_is_taken_in_parts_but_not_beyond_its_ends(self):
        for address, count in ((32, 8), (32, 1), (39, 1), (35, 3)):
            self.assertEqual(self.write(address, count)[0], 0x10, (address, count))
        for address, count in ((31, 2), (39, 2), (31, 10), (40, 1)):
            self.assertEqual(self.write(address, count), b"\x90\x02", (address, count))

    def test_ranges_reach_over_the_whole_address_space(self):
        image = RegisterImage(0, 0, 0x1300, 0, b"\x12\x34\x00\x02")
        server = ModbusServer(image)
        self.assertEqual(ask(server, b"\x10\x12\x34\x00\x02\x04\x01\x02\x03\x04"), b"\x10\x12\x34\x00\x02")
        self.assertEqual(ask(server, b"\x10\x00\x34\x00\x02\x04\x01\x02\x03\x04"), b"\x90\x02")
        self.assertEqual((image.get_u16(HOLDINGS, 0x1234), image.get_u16(HOLDINGS, 0x1235)), (0x0102, 0x0304))

    def test_a_single_write_takes_the_last_entry_and_is_noted_as_one(self):
        last = b"\x00\x09\x80\x01"
        for request, table in (
            (b"\x05\x00\x09\xff\x00", COILS),
            (b"\x06\x00\x09\x00\x01", HOLDINGS),
            (b"\x16\x00\x09\x00\x00\x00\x01", HOLDINGS),
        ):
            image = RegisterImage(10, 0, 10, 0, last, last)
            self.assertEqual(ask(ModbusServer(image), request), request)
            noted = (image.last_write_table, image.last_write_address, image.last_write_count)
            self.assertEqual(noted, (table, 9, 1), request)

    def test_a_write_may_not_span_two_ranges_that_touch(self):
        self.image = image_of(100, b"\x00\x00\x80\x04\x00\x04\x80\x04")
        self.server = ModbusServer(self.image)
        self.assertEqual(self.write(0, 4)[0], 0x10)
        self.assertEqual(self.write(4, 4)[0], 0x10)
        self.assertEqual(self.write(2, 4), b"\x90\x02")

    def test_a_refused_read_half_of_function_23_writes_nothing(self):
        self.assertEqual(ask(self.server, b"\x17\x00\x63\x00\x02\x00\x20\x00\x01\x02\x12\x34"), b"\x97\x02")
        self.assertEqual(ask(self.server, b"\x17\x00\x00\x00\x02\x00\x30\x00\x01\x02\x12\x34"), b"\x97\x02")
        self.assertEqual(bytes(self.image.holdings), bytes(200))
        self.assertEqual(self.image.write_count, 0)

    def test_without_ranges_nothing_is_writable(self):
        image = RegisterImage(10, 10, 10, 10, b"")
        server = ModbusServer(image)
        for request in ExceptionTest.REQUESTS[4:]:
            self.assertEqual(ask(server, request), bytes((request[0] | 0x80, 2)), request)

    def test_the_owner_sees_each_accepted_write_and_only_those(self):
        self.write(0, 10)
        seen = (self.image.last_write_table, self.image.last_write_address, self.image.last_write_count)
        self.assertEqual(seen, (HOLDINGS, 0, 10))
        self.write(0, 9)
        self.assertEqual(self.image.write_count, 1)
        ask(self.server, b"\x17\x00\x00\x00\x01\x00\x21\x00\x02\x04\x00\x01\x00\x02")
        self.assertEqual((self.image.last_write_address, self.image.last_write_count), (33, 2))
        ask(self.server, b"\x0f\x00\x05\x00\x03\x01\x07")
        self.assertEqual((self.image.last_write_table, self.image.last_write_count), (COILS, 3))
        self.image.write_count = 65535
        ask(self.server, b"\x06\x00\x20\x00\x01")
        self.assertEqual(self.image.write_count, 0)
