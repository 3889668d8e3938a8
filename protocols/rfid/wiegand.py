"""Wiegand 26 and 34: bits in, parity checked, data bytes out, and back (reference standards.md 3.4).

26 bits are an even parity bit over the first 12 data bits, 24 data bits, an odd parity bit over the last 12; 34 bits
are the same with 16 and 32. A frame ends when no bit came for GAP_MS. Knows no lines and no clock: the board's pulse
catcher delivers bits, the caller says when the gap was over.
"""

from protocols.compat import const

# No bit for 25 to 50 ms ends a frame; bits follow each other within 20 ms at most.
GAP_MS = const(30)

BITS_26 = const(26)
BITS_34 = const(34)
_BITS_MAX = const(40)


class WiegandCollector:
    """Bits of one frame; `data[:size]` are its bytes after `close` returned a count."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS_MAX)
        self.count = 0
        self.data = bytearray(4)
        self.size = 0

    def on_bit(self, bit: int) -> None:
        """Take one bit, 0 or 1; bits beyond any known frame are counted only."""
        if self.count < _BITS_MAX:
            self._bits[self.count] = bit
        if self.count <= _BITS_MAX:
            self.count += 1

    def close(self) -> int:
        """The gap is over: return 26 or 34 for a good frame, 0 for none or a wrong count or parity."""
        count = self.count
        self.count = 0
        if count != BITS_26 and count != BITS_34:
            return 0
        half = count >> 1
        if self._ones(0, half) & 1 or not self._ones(half, count) & 1:
            return 0
        self.size = (count - 2) >> 3
        for index in range(self.size):
            self.data[index] = self._byte(1 + 8 * index)
        return count

    def _ones(self, start: int, end: int) -> int:
        total = 0
        for at in range(start, end):
            total += self._bits[at]
        return total

    def _byte(self, start: int) -> int:
        value = 0
        for at in range(start, start + 8):
            value = value << 1 | self._bits[at]
        return value


def put_bits(data: bytes | bytearray, size: int, bits: bytearray) -> int:
    """Fill `bits` with the frame of `size` data bytes (3 or 4), one bit per byte; return how many, 26 or 34."""
    count = 8 * size + 2
    half = count >> 1
    for index in range(count - 2):
        bits[1 + index] = (data[index >> 3] >> (7 - (index & 7))) & 1
    bits[0] = bits[count - 1] = 0
    even = odd = 0
    for at in range(half):
        even += bits[at]
        odd += bits[half + at]
    bits[0] = even & 1
    bits[count - 1] = 1 - (odd & 1)
    return count
