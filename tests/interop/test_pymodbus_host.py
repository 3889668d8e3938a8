"""Our Modbus against pymodbus's encoder and decoder: the same bytes for the same meaning, in both directions.

pymodbus is an independent reading of the same specification, and it is what the hub speaks on its lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import mei_message as mei
from pymodbus.pdu import register_message as registers

from protocols.modbus import pdu
from protocols.modbus.image import COILS, DISCRETES, HOLDINGS, INPUTS, RANGE_PARTIAL, RegisterImage
from protocols.modbus.mbap import MBAP_SIZE, MbapCollector, encode_mbap_into
from protocols.modbus.rtu import FRAME_OK, PDU_START, RtuCollector, encode_adu_into
from protocols.modbus.server import ModbusServer

UNIT = 17
SIZE = 2100
EVERYTHING = (0).to_bytes(2, "big") + (RANGE_PARTIAL | SIZE).to_bytes(2, "big")
IDENTIFICATION = (b"Vendor", b"Product", b"1.2", b"https://example.org", b"Name", b"Model", b"App")

words = st.integers(0, 65535)
examples = settings(max_examples=60, derandomize=True)


def ours(function: Callable[..., int], *arguments: Any) -> bytes:
    """Return the request PDU our client encodes."""
    buffer = bytearray(260)
    return bytes(buffer[: function(buffer, 0, *arguments)])


def in_rtu(request: bytes) -> bytes:
    buffer = bytearray(260)
    buffer[PDU_START : PDU_START + len(request)] = request
    return bytes(buffer[: encode_adu_into(UNIT, buffer, len(request))])


def in_mbap(request: bytes, transaction_id: int) -> bytes:
    buffer = bytearray(260)
    buffer[MBAP_SIZE : MBAP_SIZE + len(request)] = request
    return bytes(buffer[: encode_mbap_into(buffer, transaction_id, UNIT, len(request))])


def assert_same_request(message: ModbusPDU, request: bytes) -> None:
    """Both framings of pymodbus's message must be our bytes, and pymodbus must read ours back as the same message."""
    message.dev_id, message.transaction_id = UNIT, 0x1501
    decoder = DecodePDU(True)
    assert FramerRTU(decoder).buildFrame(message) == in_rtu(request)
    assert FramerSocket(decoder).buildFrame(message) == in_mbap(request, 0x1501)
    _, read_back = FramerRTU(decoder).handleFrame(in_rtu(request), UNIT, 0)
    assert read_back is not None
    assert type(read_back) is type(message)
    assert read_back.encode() == message.encode()


@examples
@given(st.integers(1, 4), words, st.integers(1, 125))
def test_read_requests_are_the_same(function_code: int, address: int, count: int) -> None:
    address = min(address, 65536 - count)
    classes = (
        bits.ReadCoilsRequest,
        bits.ReadDiscreteInputsRequest,
        registers.ReadHoldingRegistersRequest,
        registers.ReadInputRegistersRequest,
    )
    message = classes[function_code - 1](address=address, count=count)
    assert_same_request(message, ours(pdu.encode_read_request_into, function_code, address, count))


@examples
@given(words, words)
def test_single_writes_are_the_same(address: int, value: int) -> None:
    coil = bits.WriteSingleCoilRequest(address=address, bits=[bool(value & 1)])
    assert_same_request(coil, ours(pdu.encode_write_coil_request_into, address, value & 1))
    register = registers.WriteSingleRegisterRequest(address=address, registers=[value])
    assert_same_request(register, ours(pdu.encode_write_register_request_into, address, value))


@examples
@given(st.integers(0, 60000), st.lists(words, min_size=1, max_size=121))
def test_multiple_writes_are_the_same(address: int, values: list[int]) -> None:
    message = registers.WriteMultipleRegistersRequest(address=address, registers=values)
    assert_same_request(message, ours(pdu.encode_write_registers_request_into, address, values))
    both = registers.ReadWriteMultipleRegistersRequest(
        read_address=address + 1, read_count=len(values), write_address=address, write_registers=values
    )
    request = ours(pdu.encode_read_write_request_into, address + 1, len(values), address, values)
    assert_same_request(both, request)


@examples
@given(st.integers(0, 60000), st.lists(st.booleans(), min_size=1, max_size=1968))
def test_multiple_coil_writes_are_the_same(address: int, values: list[bool]) -> None:
    message = bits.WriteMultipleCoilsRequest(address=address, bits=values)
    assert_same_request(message, ours(pdu.encode_write_coils_request_into, address, values))


@examples
@given(words, words, words, st.integers(1, 4))
def test_mask_write_and_identification_requests_are_the_same(address: int, first: int, second: int, code: int) -> None:
    message = registers.MaskWriteRegisterRequest(address=address, and_mask=first, or_mask=second)
    assert_same_request(message, ours(pdu.encode_mask_write_request_into, address, first, second))
    identify = mei.ReadDeviceInformationRequest(read_code=code, object_id=first & 0xFF)
    assert_same_request(identify, ours(pdu.encode_identification_request_into, code, first & 0xFF))


class OurServer:
    """Our receive path and server over a filled image, asked in pymodbus's frames and read by pymodbus."""

    def __init__(self) -> None:
        self.image = RegisterImage(SIZE, SIZE, SIZE, SIZE, EVERYTHING, EVERYTHING)
        for address in range(SIZE):
            self.image.put_bit(COILS, address, address % 3 == 0)
            self.image.put_bit(DISCRETES, address, address % 5 == 0)
            self.image.put_u16(HOLDINGS, address, address * 31)
            self.image.put_u16(INPUTS, address, address * 37)
        self.server = ModbusServer(self.image, IDENTIFICATION)

    def ask_rtu(self, message: ModbusPDU) -> Any:
        message.dev_id = UNIT
        collector = RtuCollector(UNIT)
        for byte in FramerRTU(DecodePDU(True)).buildFrame(message):
            collector.on_byte(byte)
        assert collector.on_silence() == FRAME_OK
        out = bytearray(260)
        size = self.server.handle(collector.buffer, PDU_START, collector.pdu_size, out, PDU_START)
        size = encode_adu_into(UNIT, out, size)
        used, answer = FramerRTU(DecodePDU(False)).handleFrame(bytes(out[:size]), UNIT, 0)
        assert used == size
        return answer

    def ask_tcp(self, message: ModbusPDU) -> Any:
        message.dev_id, message.transaction_id = UNIT, 0xBEEF
        collector = MbapCollector()
        results = [collector.on_byte(byte) for byte in FramerSocket(DecodePDU(True)).buildFrame(message)]
        assert results[-1] == FRAME_OK
        assert FRAME_OK not in results[:-1]
        out = bytearray(260)
        size = self.server.handle(collector.buffer, MBAP_SIZE, collector.pdu_size, out, MBAP_SIZE)
        size = encode_mbap_into(out, collector.transaction_id, collector.unit_id, size)
        used, answer = FramerSocket(DecodePDU(False)).handleFrame(bytes(out[:size]), UNIT, 0xBEEF)
        assert used == size
        return answer


@pytest.fixture(params=["ask_rtu", "ask_tcp"])
def server_and_ask(request: pytest.FixtureRequest) -> tuple[OurServer, Callable[[ModbusPDU], Any]]:
    server = OurServer()
    return server, getattr(server, request.param)


def test_pymodbus_reads_our_answers_to_reads(server_and_ask: Any) -> None:
    _, ask = server_and_ask
    for address, count in ((0, 1), (1, 9), (100, 125), (SIZE - 3, 3)):
        coils = ask(bits.ReadCoilsRequest(address=address, count=count))
        assert coils.bits[:count] == [at % 3 == 0 for at in range(address, address + count)]
        discretes = ask(bits.ReadDiscreteInputsRequest(address=address, count=count))
        assert discretes.bits[:count] == [at % 5 == 0 for at in range(address, address + count)]
        holdings = ask(registers.ReadHoldingRegistersRequest(address=address, count=count))
        assert holdings.registers == [at * 31 & 0xFFFF for at in range(address, address + count)]
        inputs = ask(registers.ReadInputRegistersRequest(address=address, count=count))
        assert inputs.registers == [at * 37 & 0xFFFF for at in range(address, address + count)]
    assert ask(bits.ReadCoilsRequest(address=0, count=2000)).bits == [at % 3 == 0 for at in range(2000)]


def test_pymodbus_reads_our_answers_to_writes_and_finds_the_values_written(server_and_ask: Any) -> None:
    server, ask = server_and_ask
    assert ask(bits.WriteSingleCoilRequest(address=1, bits=[True])).bits == [True]
    assert ask(registers.WriteSingleRegisterRequest(address=2, registers=[0xABCD])).registers == [0xABCD]
    assert ask(bits.WriteMultipleCoilsRequest(address=10, bits=[True, False, True])).count == 3
    assert ask(registers.WriteMultipleRegistersRequest(address=20, registers=[1, 2, 65535])).count == 3
    assert not ask(registers.MaskWriteRegisterRequest(address=2, and_mask=0xFF00, or_mask=0x0012)).isError()
    request = registers.ReadWriteMultipleRegistersRequest(
        read_address=20, read_count=3, write_address=21, write_registers=[7]
    )
    assert ask(request).registers == [1, 7, 65535]
    assert (server.image.get_bit(COILS, 1), server.image.get_u16(HOLDINGS, 2)) == (1, 0xAB12)
    assert bytes(server.image.coils[10:13]) == b"\x01\x00\x01"


def test_pymodbus_reads_our_exceptions(server_and_ask: Any) -> None:
    server, ask = server_and_ask
    assert ask(registers.ReadInputRegistersRequest(address=SIZE, count=1)).exception_code == 2
    server.image.store_fault = 1
    answer = ask(registers.WriteSingleRegisterRequest(address=0, registers=[1]))
    assert (answer.function_code, answer.exception_code) == (0x86, 4)


def test_pymodbus_reads_our_identification(server_and_ask: Any) -> None:
    _, ask = server_and_ask
    assert ask(mei.ReadDeviceInformationRequest(read_code=1)).information == dict(enumerate(IDENTIFICATION[:3]))
    assert ask(mei.ReadDeviceInformationRequest(read_code=2)).information == dict(enumerate(IDENTIFICATION))
    assert ask(mei.ReadDeviceInformationRequest(read_code=4, object_id=5)).information == {5: b"Model"}
    assert ask(mei.ReadDeviceInformationRequest(read_code=4, object_id=9)).exception_code == 2


def judge(request: bytes, message: ModbusPDU) -> tuple[int, bytearray]:
    """Give an answer encoded by pymodbus to our client; return its verdict and the response."""
    response = bytearray(message.function_code.to_bytes(1, "big") + message.encode())
    return pdu.decode_response(bytearray(request), 0, response, 0, len(response)), response


@examples
@given(st.lists(words, min_size=1, max_size=125))
def test_our_client_reads_registers_from_pymodbus_answers(values: list[int]) -> None:
    classes = ((3, registers.ReadHoldingRegistersResponse), (4, registers.ReadInputRegistersResponse))
    for function_code, response_class in classes:
        request = ours(pdu.encode_read_request_into, function_code, 0, len(values))
        verdict, response = judge(request, response_class(registers=values))
        assert verdict == pdu.RESPONSE_OK
        assert [pdu.read_register(response, 0, index) for index in range(len(values))] == values


@examples
@given(st.lists(st.booleans(), min_size=1, max_size=2000))
def test_our_client_reads_bits_from_pymodbus_answers(values: list[bool]) -> None:
    for function_code, response_class in ((1, bits.ReadCoilsResponse), (2, bits.ReadDiscreteInputsResponse)):
        request = ours(pdu.encode_read_request_into, function_code, 0, len(values))
        verdict, response = judge(request, response_class(bits=values))
        assert verdict == pdu.RESPONSE_OK
        assert [bool(pdu.read_bit(response, 0, index)) for index in range(len(values))] == values


def test_our_client_accepts_pymodbus_answers_to_writes_and_identification() -> None:
    pairs = (
        (ours(pdu.encode_write_coil_request_into, 5, 1), bits.WriteSingleCoilResponse(address=5, bits=[True])),
        (
            ours(pdu.encode_write_register_request_into, 5, 6),
            registers.WriteSingleRegisterResponse(address=5, registers=[6]),
        ),
        (ours(pdu.encode_write_coils_request_into, 5, [1, 0]), bits.WriteMultipleCoilsResponse(address=5, count=2)),
        (
            ours(pdu.encode_write_registers_request_into, 5, [1, 0]),
            registers.WriteMultipleRegistersResponse(address=5, count=2),
        ),
        (
            ours(pdu.encode_mask_write_request_into, 5, 0xF0, 0x0F),
            registers.MaskWriteRegisterResponse(address=5, and_mask=0xF0, or_mask=0x0F),
        ),
        (
            ours(pdu.encode_identification_request_into, 1, 0),
            mei.ReadDeviceInformationResponse(read_code=1, information=dict(enumerate(IDENTIFICATION[:3]))),
        ),
    )
    for request, message in pairs:
        assert judge(request, message)[0] == pdu.RESPONSE_OK, message
