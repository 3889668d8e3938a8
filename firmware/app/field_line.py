"""The field line: bytes between the board's second serial port and the control core's instrument codec.

Knows two buffers. Must not know what an instrument says. Allocates nothing after construction.
"""

from firmware.ports import NullUart
from protocols.compat import const

# A poll takes no more than this, so that garbage at full speed cannot keep the scan waiting.
_BUFFER_SIZE = const(128)


class FieldLine:
    """Moves bytes for `line`, an object with `receive(data, size, now_ms)` and `transmit(data) -> int`, or None.

    `heard` is set when bytes arrive; who asks the core about them clears it.
    """

    def __init__(self, uart: NullUart, line) -> None:  # type: ignore[no-untyped-def]  # the core's
        self._uart = uart
        self._line = line
        self.heard = False
        self._buffer = bytearray(_BUFFER_SIZE)

    def poll(self, now_ms: int) -> None:
        """Hand over what arrived, then send what the core wants to say; what the port cannot take is lost."""
        line = self._line
        if line is None:
            return
        buffer = self._buffer
        size = self._uart.read_into(buffer)
        if size:
            self.heard = True
            line.receive(buffer, size, now_ms)
        size = line.transmit(buffer)
        if size:
            self._uart.write(buffer, size)
