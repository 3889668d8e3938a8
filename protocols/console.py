"""What a technician's computer says on the console of a running device: the phrase that asks for maintenance.

No terminal, modem prober or stray interrupt says it by chance, and it is found whatever was said before it. The phrase
is no secret: whoever reaches the console can also take the board's supply away. What it may do is therefore limited by
the state of the device, not by a key.
"""

from protocols.compat import const

PHRASE = b"\x05smartgate: maintenance\r"
_END = const(24)


class PhraseFinder:
    """Fed with every byte of the console."""

    def __init__(self) -> None:
        self._at = 0

    def on_byte(self, byte: int) -> bool:
        """Tell whether `byte` ends the phrase; allocates nothing."""
        if byte != PHRASE[self._at]:
            self._at = int(byte == PHRASE[0])  # its first byte stands nowhere else in it
            return False
        self._at += 1
        if self._at < _END:
            return False
        self._at = 0
        return True
