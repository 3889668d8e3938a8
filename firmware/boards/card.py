"""The inputs: a chain of 74HC165 shift registers (or serial input drivers that speak the same) on an SPI bus.

Knows the chain and its guard. Must not know what an input means. The last register of the chain is wired to the fixed
pattern GUARD: it reaches the board only through every other register, so a loose plug, a dead supply or a lost clock
shows as BAD inputs instead of as inputs that are off.
"""

from firmware.ports import NullInputs
from protocols.compat import const
from protocols.quality import BAD, GOOD

# Neither all ones nor all zeros, and no shift of itself by one: a chain that slips by a bit is found too.
GUARD = const(0xA5)
_GUARD_AT = const(3)
_CHAIN_SIZE = const(4)


class InputCard(NullInputs):
    """`terminals[i]` is the terminal of input `i`, counted from 0. `faults` counts bad reads, wrapping at 2**16.

    `converter` shows its last values in the inputs behind the digital ones; without one they stay BAD.
    """

    def __init__(  # type: ignore[no-untyped-def]  # of the machine module
        self, spi, load, terminals: list[int], converter=None
    ) -> None:
        self._spi = spi
        self._load = load
        self._converter = converter
        self._count = len(terminals)
        self._at = bytes([terminal >> 3 for terminal in terminals])
        self._mask = bytes([1 << (terminal & 7) for terminal in terminals])
        self._chain = bytearray(_CHAIN_SIZE)
        self._last = bytearray(_CHAIN_SIZE)  # what `values` and `quality` show, no guard until they show something
        self._values: list[int] = []
        self.faults = 0
        load(1)

    def read_into(self, values: list[int], quality: list[int]) -> None:
        """Latch all terminals at one instant, shift them in, spread them over the image if they changed.

        The lists are the same in every scan, and nobody else writes them.
        """
        load = self._load
        load(0)
        load(1)
        chain = self._chain
        self._spi.readinto(chain)
        count = self._count
        if chain[_GUARD_AT] != GUARD:
            self.faults = (self.faults + 1) & 0xFFFF
            for index in range(count):
                quality[index] = BAD
            self._last[_GUARD_AT] = 0
        elif chain != self._last or values is not self._values:
            at = self._at
            mask = self._mask
            for index in range(count):
                values[index] = 1 if chain[at[index]] & mask[index] else 0
                quality[index] = GOOD
            self._values = values
            for index in range(_CHAIN_SIZE):
                self._last[index] = chain[index]
        if self._converter is not None:
            self._converter.show(values, quality, count)
        else:
            for index in range(count, len(quality)):
                quality[index] = BAD
