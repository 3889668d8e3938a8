"""The server's side of Modbus: one request PDU in, one response PDU out, over a register image.

Knows function codes 1-6, 15, 16, 22, 23 and 43/14 and their limits. Knows no framing, no addresses of its own and no
meaning of a register: whether a write is let through is the image's decision. A broadcast is handled like any request;
that its answer is not sent is the shell's part.

Exceptions come in the order of the specification's state diagrams (V1.1b3, section 6): 01 unknown function, 03 quantity
or byte count, 02 address, 04 the device cannot take the write. The size of the request counts as its byte count.
"""

from protocols.bigendian import get_u16
from protocols.compat import const
from protocols.copying import copy_bytes
from protocols.modbus.identification import OBJECT_COUNT, OBJECT_SIZE_MAX, identify_into
from protocols.modbus.image import COILS, DISCRETES, HOLDINGS, INPUTS, RegisterImage
from protocols.modbus.pdu import (
    COIL_OFF,
    COIL_ON,
    ENCAPSULATED_INTERFACE,
    EXCEPTION_FLAG,
    ILLEGAL_DATA_ADDRESS,
    ILLEGAL_DATA_VALUE,
    ILLEGAL_FUNCTION,
    MASK_WRITE_REGISTER,
    PDU_SIZE_MAX,
    READ_BITS_MAX,
    READ_COILS,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    READ_REGISTERS_MAX,
    READ_WRITE_MULTIPLE_REGISTERS,
    READ_WRITE_REGISTERS_MAX,
    SERVER_DEVICE_FAILURE,
    WRITE_BITS_MAX,
    WRITE_MULTIPLE_COILS,
    WRITE_MULTIPLE_REGISTERS,
    WRITE_REGISTERS_MAX,
    WRITE_SINGLE_COIL,
    WRITE_SINGLE_REGISTER,
)

_NO_WINDOW = const(-1)


class ModbusServer:
    """Serves one image. `identification` holds the objects 0 (vendor), 1 (product code), 2 (revision), 3 (URL),
    4 (product name), 5 (model name), 6 (application name) in this order; an empty value means not present.

    `window` takes what function code 16 writes from holding register `window_address` on: these are no registers and
    cannot be read. Its `take(request, start, size)` finds the bytes in place and returns 0 or an exception code.

    Allocates nothing while serving. `exceptions` counts the exception answers, wrapping at 2**16.
    """

    def __init__(  # type: ignore[no-untyped-def]  # the window is whatever has its `take`
        self,
        image: RegisterImage,
        identification: tuple[bytes, ...] = (),
        window=None,
        window_address: int = _NO_WINDOW,
    ) -> None:
        if len(identification) > OBJECT_COUNT:
            raise ValueError("identification has more than the 7 basic and regular objects; leave the others out")
        for value in identification:
            if len(value) > OBJECT_SIZE_MAX:
                raise ValueError("an identification object is longer than the 244 bytes an answer holds; shorten it")
        self._image = image
        self._identification = identification
        self._request = bytearray()
        self._start = 0
        self._size = 0
        self._response = bytearray()
        self._to = 0
        self._window_address = window_address
        self._window = window
        self.exceptions = 0

    def handle(self, request: bytearray, start: int, size: int, response: bytearray, response_start: int) -> int:
        """Serve the `size` bytes of request PDU at `start`; write the answer at `response_start`, return its size.

        0 means no answer: nothing was asked, or the function code is one of those that only answers carry (128..255).
        `response` has room for 253 bytes from `response_start` and does not overlap the request. Never raises.
        """
        if size < 1 or size > PDU_SIZE_MAX or request[start] >= EXCEPTION_FLAG:
            return 0
        self._request = request
        self._start = start
        self._size = size
        self._response = response
        self._to = response_start
        function_code = request[start]
        response[response_start] = function_code
        result = self._serve(function_code)
        if result > 0:
            return result
        response[response_start] = function_code | EXCEPTION_FLAG
        response[response_start + 1] = -result
        self.exceptions = (self.exceptions + 1) & 0xFFFF
        return 2

    def _serve(self, function_code: int) -> int:
        """Dispatch by function code, the polled ones first; return the answer's size or the negative exception code."""
        if function_code == READ_INPUT_REGISTERS:
            return self._read_registers(INPUTS)
        if function_code == READ_HOLDING_REGISTERS:
            return self._read_registers(HOLDINGS)
        if function_code == READ_DISCRETE_INPUTS:
            return self._read_bits(DISCRETES)
        if function_code == READ_COILS:
            return self._read_bits(COILS)
        if function_code == WRITE_MULTIPLE_REGISTERS:
            return self._write_registers()
        if function_code == WRITE_SINGLE_REGISTER:
            return self._write_register()
        if function_code == WRITE_SINGLE_COIL:
            return self._write_coil()
        if function_code == WRITE_MULTIPLE_COILS:
            return self._write_coils()
        if function_code == MASK_WRITE_REGISTER:
            return self._mask_write()
        if function_code == READ_WRITE_MULTIPLE_REGISTERS:
            return self._read_write()
        if function_code == ENCAPSULATED_INTERFACE and self._identification:
            return identify_into(self._identification, self._request, self._start, self._size, self._response, self._to)
        return -ILLEGAL_FUNCTION

    def _word(self, offset: int) -> int:
        """Return the 16-bit field at `offset` of the request, counted from its function code."""
        return get_u16(self._request, self._start + offset)

    def _byte(self, offset: int) -> int:
        return self._request[self._start + offset]

    def _read_registers(self, table: int) -> int:
        if self._size != 5:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        count = self._word(3)
        if count < 1 or count > READ_REGISTERS_MAX:
            return -ILLEGAL_DATA_VALUE
        if not self._image.has(table, address, count):
            return -ILLEGAL_DATA_ADDRESS
        return self._put_registers(table, address, count)

    def _read_bits(self, table: int) -> int:
        if self._size != 5:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        count = self._word(3)
        if count < 1 or count > READ_BITS_MAX:
            return -ILLEGAL_DATA_VALUE
        if not self._image.has(table, address, count):
            return -ILLEGAL_DATA_ADDRESS
        return self._put_bits(table, address, count)

    def _write_coil(self) -> int:
        if self._size != 5:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        value = self._word(3)
        if value != COIL_ON and value != COIL_OFF:
            return -ILLEGAL_DATA_VALUE
        result = self._permit_write(COILS, address, 1)
        if result < 0:
            return result
        self._image.put_bit(COILS, address, value)
        return self._accept(COILS, address, 1, 5)

    def _write_register(self) -> int:
        if self._size != 5:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        result = self._permit_write(HOLDINGS, address, 1)
        if result < 0:
            return result
        self._image.put_u16(HOLDINGS, address, self._word(3))
        return self._accept(HOLDINGS, address, 1, 5)

    def _write_coils(self) -> int:
        if self._size < 6:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        count = self._word(3)
        byte_count = self._byte(5)
        if count < 1 or count > WRITE_BITS_MAX or byte_count != (count + 7) >> 3 or self._size != 6 + byte_count:
            return -ILLEGAL_DATA_VALUE
        result = self._permit_write(COILS, address, count)
        if result < 0:
            return result
        coils = self._image.coils
        request = self._request
        source = self._start + 6
        for index in range(count):
            coils[address + index] = request[source + (index >> 3)] >> (index & 7) & 1
        return self._accept(COILS, address, count, 5)

    def _write_registers(self) -> int:
        if self._size < 6:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        count = self._word(3)
        byte_count = self._byte(5)
        if count < 1 or count > WRITE_REGISTERS_MAX or byte_count != count * 2 or self._size != 6 + byte_count:
            return -ILLEGAL_DATA_VALUE
        if address == self._window_address:
            result = self._window.take(self._request, self._start + 6, byte_count)
            return -result if result else self._echo(5)
        result = self._permit_write(HOLDINGS, address, count)
        if result < 0:
            return result
        self._take_registers(address, count, 6)
        return self._accept(HOLDINGS, address, count, 5)

    def _mask_write(self) -> int:
        if self._size != 7:
            return -ILLEGAL_DATA_VALUE
        address = self._word(1)
        result = self._permit_write(HOLDINGS, address, 1)
        if result < 0:
            return result
        and_mask = self._word(3)
        current = self._image.get_u16(HOLDINGS, address)
        self._image.put_u16(HOLDINGS, address, (current & and_mask) | (self._word(5) & (and_mask ^ 0xFFFF)))
        return self._accept(HOLDINGS, address, 1, 7)

    def _read_write(self) -> int:
        """Function code 23: the write comes before the read, and nothing is written unless both are in order."""
        if self._size < 10:
            return -ILLEGAL_DATA_VALUE
        read_count = self._word(3)
        write_count = self._word(7)
        if read_count < 1 or read_count > READ_REGISTERS_MAX:
            return -ILLEGAL_DATA_VALUE
        if write_count < 1 or write_count > READ_WRITE_REGISTERS_MAX:
            return -ILLEGAL_DATA_VALUE
        if self._byte(9) != write_count * 2 or self._size != 10 + write_count * 2:
            return -ILLEGAL_DATA_VALUE
        read_address = self._word(1)
        write_address = self._word(5)
        if not self._image.has(HOLDINGS, read_address, read_count):
            return -ILLEGAL_DATA_ADDRESS
        result = self._permit_write(HOLDINGS, write_address, write_count)
        if result < 0:
            return result
        self._take_registers(write_address, write_count, 10)
        self._image.note_write(HOLDINGS, write_address, write_count)
        return self._put_registers(HOLDINGS, read_address, read_count)

    def _permit_write(self, table: int, address: int, count: int) -> int:
        """Return 0 or the negative exception code; a store fault blocks writes only, so its cause can still be read."""
        if not self._image.can_write(table, address, count):
            return -ILLEGAL_DATA_ADDRESS
        return -SERVER_DEVICE_FAILURE if self._image.store_fault else 0

    def _accept(self, table: int, address: int, count: int, size: int) -> int:
        """Record an accepted write and answer it with the first `size` bytes of its request; return `size`."""
        self._image.note_write(table, address, count)
        return self._echo(size)

    def _echo(self, size: int) -> int:
        for index in range(size):
            self._response[self._to + index] = self._request[self._start + index]
        return size

    def _take_registers(self, address: int, count: int, offset: int) -> None:
        """Copy register values from `offset` of the request into the holding registers."""
        holdings = self._image.holdings
        request = self._request
        source = self._start + offset
        to = address * 2
        for index in range(count * 2):
            holdings[to + index] = request[source + index]

    def _put_registers(self, table: int, address: int, count: int) -> int:
        """Answer with byte count and values; return the size of the answer."""
        data = self._image.data(table)
        response = self._response
        byte_count = count * 2
        response[self._to + 1] = byte_count
        source = address * 2
        to = self._to + 2
        copy_bytes(response, to, data, source, byte_count)
        return 2 + byte_count

    def _put_bits(self, table: int, address: int, count: int) -> int:
        """Answer with byte count and bits, the lowest address in the lowest bit; return the size of the answer."""
        data = self._image.data(table)
        response = self._response
        byte_count = (count + 7) >> 3
        response[self._to + 1] = byte_count
        to = self._to + 2
        for index in range(byte_count):
            response[to + index] = 0
        for index in range(count):
            if data[address + index]:
                response[to + (index >> 3)] |= 1 << (index & 7)
        return 2 + byte_count
