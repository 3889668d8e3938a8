"""Garbage for a wire: random bytes, and structured nonsense that gets further than random bytes would.

Knows Modbus frames and command blocks, never a device's key: no tag made here is right. One seed gives one stream.
Dual-run: the same garbage is made inside the MicroPython VM.
"""

from protocols import command
from protocols.compat import const
from protocols.modbus import mbap, rtu

UNIT_ID = const(3)
CHUNK_MAX = const(700)
_POOL_SIZE = const(16384)
_MASK = const(0x3FFFFFFF)
_FUNCTIONS = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43)


class Chance:
    """A generator of 30 bits, the same on both interpreters; `pool` are its first bytes, copied from at random."""

    def __init__(self, seed):
        self._word = (seed * 7919 + 12345) & _MASK
        self.pool = bytearray(_POOL_SIZE)
        for index in range(_POOL_SIZE):
            self.pool[index] = self.below(256)

    def below(self, limit):
        """0 to limit - 1; limit up to 65536."""
        self._word = (self._word * 1103515245 + 12345) & _MASK
        return (self._word >> 12) % limit

    def fill(self, buffer, at, size):
        """Put `size` random bytes at `at`."""
        start = self.below(_POOL_SIZE - size)
        buffer[at : at + size] = self.pool[start : start + size]


class ModbusGarbage:
    """`next()` puts one chunk into `chunk` and returns its size. `nonce` is what the device offers at present."""

    def __init__(self, chance, regmap):
        self.chunk = bytearray(CHUNK_MAX)
        self.nonce = (0, 0)
        self._chance = chance
        self._map = regmap
        self._command = bytearray(command.BLOCK_SIZE)
        self._tag = bytearray(command.TAG_SIZE)

    def next(self):
        """One chunk: a frame that is wrong in one way or in all."""
        below = self._chance.below
        kind = below(10)
        if kind == 0:
            return self._random(1 + below(260))
        if kind == 1:
            return self._random(300 + below(CHUNK_MAX - 300))  # more than any frame
        if kind < 5:
            size = self._frame(self._unit(), self._request())
        elif kind < 8:
            size = self._frame(self._unit(), self._command_write())
        else:
            return self._mutate(self._frame(UNIT_ID, self._request() if kind == 8 else self._command_write()))
        return size

    def _random(self, size):
        self._chance.fill(self.chunk, 0, size)
        return size

    def _unit(self):
        """This unit, mostly; the broadcast; another one."""
        kind = self._chance.below(8)
        return UNIT_ID if kind < 6 else 0 if kind == 6 else self._chance.below(256)

    def _frame(self, unit_id, pdu_size):
        """Put address and a right CRC around the PDU."""
        return rtu.encode_adu_into(unit_id, self.chunk, pdu_size)

    def _request(self):
        """A PDU with a known function code, or any: addresses near the tables' ends, counts near the limits."""
        below, chunk = self._chance.below, self.chunk
        size = 5 + below(4) if below(4) else 1 + below(252)
        self._chance.fill(chunk, 1, size)
        chunk[1] = _FUNCTIONS[below(len(_FUNCTIONS))] if below(8) else below(256)
        if below(4) and size >= 5:
            chunk[2] = below(4)
            chunk[4] = 0
        if chunk[1] in (15, 16) and size >= 6 and below(2):
            chunk[6] = size - 6
        return size

    def _command_write(self):
        """A whole command block with a wrong tag, and mostly with the nonce on offer and an opcode that exists."""
        below, chunk, block = self._chance.below, self.chunk, self._command
        self._chance.fill(self._tag, 0, command.TAG_SIZE)
        opcodes = 32 if below(4) else 65536
        epoch, counter = self.nonce if below(4) else (below(65536), below(65536))
        command.encode_block_into(block, 0, below(opcodes), below(256), below(65536), epoch, counter, self._tag)
        count = command.BLOCK_REGISTERS if below(8) else below(command.BLOCK_REGISTERS + 1)
        at = self._map.COMMAND_ADDRESS if below(8) else below(64)
        size = count * 2
        chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6] = 16, 0, at, 0, count, size
        chunk[7 : 7 + size] = block[:size]
        return 6 + size

    def _mutate(self, size):
        """Flip bits, cut, or lengthen; the CRC is then wrong, or belongs to something shorter."""
        below, chunk = self._chance.below, self.chunk
        kind = below(3)
        if kind == 0:
            for _ in range(1 + below(3)):
                chunk[below(size)] ^= 1 << below(8)
            return size
        if kind == 1:
            return 1 + below(size)
        more = 1 + below(40)
        self._chance.fill(chunk, size, more)
        return size + more


class SessionGarbage(ModbusGarbage):
    """The same PDUs behind MBAP headers, several in a row, with wrong lengths and protocols among them."""

    def _frame(self, unit_id, pdu_size):
        below, chunk = self._chance.below, self.chunk
        for index in range(pdu_size, 0, -1):
            chunk[mbap.MBAP_SIZE - 1 + index] = chunk[index]
        size = mbap.encode_mbap_into(chunk, below(65536), unit_id, pdu_size)
        if not below(16):
            chunk[below(mbap.MBAP_SIZE)] = below(256)
        return size


class LineGarbage:
    """Bytes for a field line: random ones, digits and marks as indicators use, and pieces of `samples`, mutated."""

    def __init__(self, chance, samples=()):
        self.chunk = bytearray(CHUNK_MAX)
        self.nonce = (0, 0)
        self._chance = chance
        self._samples = samples

    def next(self):
        """One chunk."""
        below = self._chance.below
        kind = below(4)
        if kind == 0 or (kind > 1 and not self._samples):
            size = 1 + below(CHUNK_MAX - 1 if below(8) == 0 else 60)
            self._chance.fill(self.chunk, 0, size)
            return size
        if kind == 1:
            return self._letters()
        sample = self._samples[below(len(self._samples))]
        size = len(sample)
        self.chunk[:size] = sample
        for _ in range(below(4)):
            self.chunk[below(size)] = below(256)
        return size if below(4) else 1 + below(size)

    def _letters(self):
        marks = b"0123456789+-. =\r\n\x02\x03kgtSTUSDI,"
        size = 1 + self._chance.below(40)
        for index in range(size):
            self.chunk[index] = marks[self._chance.below(len(marks))]
        return size
