"""Device identification, function code 43 / MEI type 14 (V1.1b3, 6.21): the server's answer.

Knows the basic and regular objects, the stream and the individual access, and how an answer is split when the objects
do not fit one PDU. Extended objects (0x80 and up) are not offered; asking for that stream gets the regular one, as the
specification demands of a server with a lower conformity level.
"""

from protocols.compat import const
from protocols.modbus.pdu import (
    ENCAPSULATED_INTERFACE,
    IDENTIFY_BASIC,
    IDENTIFY_EXTENDED,
    IDENTIFY_HEADER_SIZE,
    IDENTIFY_OBJECT,
    ILLEGAL_DATA_ADDRESS,
    ILLEGAL_DATA_VALUE,
    ILLEGAL_FUNCTION,
    MEI_DEVICE_IDENTIFICATION,
    PDU_SIZE_MAX,
)

OBJECT_COUNT = const(7)
OBJECT_SIZE_MAX = const(244)  # 253 bytes of PDU less the header of 7 and the object's id and length.
_BASIC_COUNT = const(3)
_CONFORMITY_BASIC = const(0x81)  # Both levels with individual access, hence bit 7.
_CONFORMITY_REGULAR = const(0x82)
_MORE_FOLLOWS = const(0xFF)


def identify_into(
    objects: tuple[bytes, ...], request: bytearray, start: int, size: int, response: bytearray, to: int
) -> int:
    """Answer the request PDU at `start`; return the size of the answer, or the negative exception code.

    `objects[n]` is the value of object n, empty when the device does not have it.
    """
    if size < 2 or request[start + 1] != MEI_DEVICE_IDENTIFICATION:
        return -ILLEGAL_FUNCTION
    if size != 4:
        return -ILLEGAL_DATA_VALUE
    code = request[start + 2]
    first = request[start + 3]
    if code < IDENTIFY_BASIC or code > IDENTIFY_OBJECT:
        return -ILLEGAL_DATA_VALUE
    end = _BASIC_COUNT if code == IDENTIFY_BASIC else OBJECT_COUNT
    if code == IDENTIFY_OBJECT:
        end = first + 1
    if end > len(objects) and code <= IDENTIFY_EXTENDED:
        end = len(objects)
    if first >= end or end > len(objects) or not objects[first]:
        if code == IDENTIFY_OBJECT:
            return -ILLEGAL_DATA_ADDRESS
        first = 0  # 6.21: an unknown start object restarts the stream.
    response[to] = ENCAPSULATED_INTERFACE
    response[to + 1] = MEI_DEVICE_IDENTIFICATION
    response[to + 2] = code
    response[to + 3] = _CONFORMITY_BASIC if len(objects) <= _BASIC_COUNT else _CONFORMITY_REGULAR
    return _put_objects(objects, first, end, response, to)


def _put_objects(objects: tuple[bytes, ...], first: int, end: int, response: bytearray, to: int) -> int:
    """Write objects `first` to `end` - 1 as far as they fit, and the header fields that follow from it."""
    response[to + 4] = 0
    response[to + 5] = 0
    at = IDENTIFY_HEADER_SIZE
    count = 0
    for object_id in range(first, end):
        value = objects[object_id]
        size = len(value)
        if size == 0:
            continue
        if at + 2 + size > PDU_SIZE_MAX:
            response[to + 4] = _MORE_FOLLOWS
            response[to + 5] = object_id
            break
        response[to + at] = object_id
        response[to + at + 1] = size
        for index in range(size):
            response[to + at + 2 + index] = value[index]
        at += 2 + size
        count += 1
    response[to + 6] = count
    return at
