"""Modbus PDUs as in the Application Protocol Specification V1.1b3: numbers, limits, and the client's side.

Knows how a request is laid out and whether a response answers it. Knows no framing (rtu.py, mbap.py), no register
meanings and no time. All sizes are bytes, all addresses 0-based wire addresses.

A client encodes a request into its buffer, sends it, and gives both PDUs to `decode_response`; values are then read in
place with `read_register` and `read_bit`.
"""

from protocols.bigendian import get_u16, put_u16
from protocols.compat import const

READ_COILS = const(1)
READ_DISCRETE_INPUTS = const(2)
READ_HOLDING_REGISTERS = const(3)
READ_INPUT_REGISTERS = const(4)
WRITE_SINGLE_COIL = const(5)
WRITE_SINGLE_REGISTER = const(6)
WRITE_MULTIPLE_COILS = const(15)
WRITE_MULTIPLE_REGISTERS = const(16)
MASK_WRITE_REGISTER = const(22)
READ_WRITE_MULTIPLE_REGISTERS = const(23)
ENCAPSULATED_INTERFACE = const(43)
MEI_DEVICE_IDENTIFICATION = const(14)
EXCEPTION_FLAG = const(0x80)

ILLEGAL_FUNCTION = const(1)
ILLEGAL_DATA_ADDRESS = const(2)
ILLEGAL_DATA_VALUE = const(3)
SERVER_DEVICE_FAILURE = const(4)
ACKNOWLEDGE = const(5)
SERVER_DEVICE_BUSY = const(6)
MEMORY_PARITY_ERROR = const(8)
GATEWAY_PATH_UNAVAILABLE = const(10)
GATEWAY_TARGET_FAILED = const(11)

# Limits of section 6; they follow from the 253 bytes that section 4.1 leaves a PDU on a serial line.
PDU_SIZE_MAX = const(253)
READ_BITS_MAX = const(2000)
READ_REGISTERS_MAX = const(125)
WRITE_BITS_MAX = const(1968)
WRITE_REGISTERS_MAX = const(123)
READ_WRITE_REGISTERS_MAX = const(121)
ADDRESS_COUNT = const(65536)
COIL_ON = const(0xFF00)
COIL_OFF = const(0x0000)

# Device identification, section 6.21: the four access codes.
IDENTIFY_BASIC = const(1)
IDENTIFY_REGULAR = const(2)
IDENTIFY_EXTENDED = const(3)
IDENTIFY_OBJECT = const(4)
IDENTIFY_HEADER_SIZE = const(7)

# What decode_response returns besides an exception code.
RESPONSE_OK = const(0)
RESPONSE_MALFORMED = const(-1)
RESPONSE_MISMATCH = const(-2)


def encode_read_request_into(buffer: bytearray, offset: int, function_code: int, address: int, count: int) -> int:
    """Write a request of function code 1 to 4 at `offset`; return its size, 5."""
    limit = READ_BITS_MAX if function_code <= READ_DISCRETE_INPUTS else READ_REGISTERS_MAX
    _check_stretch(address, count, limit)
    buffer[offset] = function_code
    put_u16(buffer, offset + 1, address)
    put_u16(buffer, offset + 3, count)
    return 5


def encode_write_coil_request_into(buffer: bytearray, offset: int, address: int, value: int) -> int:
    """Write a request of function code 5 at `offset`; any true `value` switches on. Return its size, 5."""
    buffer[offset] = WRITE_SINGLE_COIL
    put_u16(buffer, offset + 1, address)
    put_u16(buffer, offset + 3, COIL_ON if value else COIL_OFF)
    return 5


def encode_write_register_request_into(buffer: bytearray, offset: int, address: int, value: int) -> int:
    """Write a request of function code 6 at `offset`; return its size, 5."""
    buffer[offset] = WRITE_SINGLE_REGISTER
    put_u16(buffer, offset + 1, address)
    put_u16(buffer, offset + 3, value)
    return 5


def encode_write_coils_request_into(buffer: bytearray, offset: int, address: int, values: list[int]) -> int:
    """Write a request of function code 15 with one bit per entry of `values` (1..1968); return its size."""
    count = len(values)
    _check_stretch(address, count, WRITE_BITS_MAX)
    byte_count = (count + 7) >> 3
    buffer[offset] = WRITE_MULTIPLE_COILS
    put_u16(buffer, offset + 1, address)
    put_u16(buffer, offset + 3, count)
    buffer[offset + 5] = byte_count
    for index in range(byte_count):
        buffer[offset + 6 + index] = 0
    for index in range(count):
        if values[index]:
            buffer[offset + 6 + (index >> 3)] |= 1 << (index & 7)
    return 6 + byte_count


def encode_write_registers_request_into(buffer: bytearray, offset: int, address: int, values: list[int]) -> int:
    """Write a request of function code 16 with `values` (1..123 registers); return its size."""
    _check_stretch(address, len(values), WRITE_REGISTERS_MAX)
    buffer[offset] = WRITE_MULTIPLE_REGISTERS
    return 1 + _put_register_block(buffer, offset + 1, address, values)


def encode_mask_write_request_into(buffer: bytearray, offset: int, address: int, and_mask: int, or_mask: int) -> int:
    """Write a request of function code 22 at `offset`; return its size, 7.

    The register becomes `(current & and_mask) | (or_mask & ~and_mask)`, section 6.16.
    """
    buffer[offset] = MASK_WRITE_REGISTER
    put_u16(buffer, offset + 1, address)
    put_u16(buffer, offset + 3, and_mask)
    put_u16(buffer, offset + 5, or_mask)
    return 7


def encode_read_write_request_into(
    buffer: bytearray, offset: int, read_address: int, read_count: int, write_address: int, values: list[int]
) -> int:
    """Write a request of function code 23 (read 1..125, write 1..121 registers, written first); return its size."""
    _check_stretch(read_address, read_count, READ_REGISTERS_MAX)
    _check_stretch(write_address, len(values), READ_WRITE_REGISTERS_MAX)
    buffer[offset] = READ_WRITE_MULTIPLE_REGISTERS
    put_u16(buffer, offset + 1, read_address)
    put_u16(buffer, offset + 3, read_count)
    return 5 + _put_register_block(buffer, offset + 5, write_address, values)


def encode_identification_request_into(buffer: bytearray, offset: int, code: int, object_id: int) -> int:
    """Write a request of function code 43/14 at `offset`; `code` is one of IDENTIFY_*. Return its size, 4."""
    buffer[offset] = ENCAPSULATED_INTERFACE
    buffer[offset + 1] = MEI_DEVICE_IDENTIFICATION
    buffer[offset + 2] = code
    buffer[offset + 3] = object_id
    return 4


def decode_response(request: bytearray, request_start: int, response: bytearray, start: int, size: int) -> int:
    """Judge the `size` bytes at `start` of `response` as the answer to the request PDU at `request_start`.

    Return RESPONSE_OK, the exception code 1..255 the server gave, RESPONSE_MISMATCH when the PDU answers another
    function or echoes other fields, or RESPONSE_MALFORMED when its size or counts are wrong. Never raises for bytes
    from outside; a request built by this module is taken as well-formed.
    """
    if size < 2 or size > PDU_SIZE_MAX or start + size > len(response):
        return RESPONSE_MALFORMED
    function_code = request[request_start]
    if response[start] == function_code | EXCEPTION_FLAG:
        return response[start + 1] if size == 2 and response[start + 1] else RESPONSE_MALFORMED
    if response[start] != function_code:
        return RESPONSE_MISMATCH
    if function_code == ENCAPSULATED_INTERFACE:
        return _judge_identification(request, request_start, response, start, size)
    if function_code <= READ_INPUT_REGISTERS or function_code == READ_WRITE_MULTIPLE_REGISTERS:
        return _judge_data(function_code, get_u16(request, request_start + 3), response, start, size)
    echo_size = 7 if function_code == MASK_WRITE_REGISTER else 5
    if size != echo_size:
        return RESPONSE_MALFORMED
    for index in range(1, echo_size):
        if response[start + index] != request[request_start + index]:
            return RESPONSE_MISMATCH
    return RESPONSE_OK


def read_register(response: bytearray, start: int, index: int) -> int:
    """Return register `index` (0-based, unsigned) of an accepted response of function code 3, 4 or 23."""
    return get_u16(response, start + 2 + index * 2)


def read_bit(response: bytearray, start: int, index: int) -> int:
    """Return bit `index` (0-based) of an accepted response of function code 1 or 2."""
    return response[start + 2 + (index >> 3)] >> (index & 7) & 1


def find_identification_object(response: bytearray, start: int, object_id: int) -> int:
    """Return where the length byte of `object_id` stands in an accepted 43/14 response, or -1; the value follows it."""
    at = start + IDENTIFY_HEADER_SIZE
    for _ in range(response[start + 6]):
        if response[at] == object_id:
            return at + 1
        at += 2 + response[at + 1]
    return -1


def _judge_data(function_code: int, count: int, response: bytearray, start: int, size: int) -> int:
    expected = (count + 7) >> 3 if function_code <= READ_DISCRETE_INPUTS else count * 2
    if size != 2 + response[start + 1]:
        return RESPONSE_MALFORMED
    return RESPONSE_OK if response[start + 1] == expected else RESPONSE_MISMATCH


def _judge_identification(request: bytearray, request_start: int, response: bytearray, start: int, size: int) -> int:
    if size < IDENTIFY_HEADER_SIZE:
        return RESPONSE_MALFORMED
    if response[start + 1] != request[request_start + 1] or response[start + 2] != request[request_start + 2]:
        return RESPONSE_MISMATCH
    end = start + size
    at = start + IDENTIFY_HEADER_SIZE
    for _ in range(response[start + 6]):
        if at + 2 > end:
            return RESPONSE_MALFORMED
        at += 2 + response[at + 1]
    return RESPONSE_OK if at == end else RESPONSE_MALFORMED


def _put_register_block(buffer: bytearray, offset: int, address: int, values: list[int]) -> int:
    """Write address, count, byte count and values, the tail that function codes 16 and 23 share; return its size."""
    count = len(values)
    put_u16(buffer, offset, address)
    put_u16(buffer, offset + 2, count)
    buffer[offset + 4] = count * 2
    for index in range(count):
        put_u16(buffer, offset + 5 + index * 2, values[index])
    return 5 + count * 2


def _check_stretch(address: int, count: int, limit: int) -> None:
    """Refuse a request no server may accept: raised at the caller who built it, before it costs bus time."""
    if count < 1 or count > limit or address < 0 or address + count > ADDRESS_COUNT:
        raise ValueError(
            "Modbus request for address {}, count {}: the count must be 1..{} and the end at most {}; "
            "split it or correct the address".format(address, count, limit, ADDRESS_COUNT)
        )
