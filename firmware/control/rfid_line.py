"""The field line of the RFID role: bytes from the port to the reader's link, and the question that is to be sent.

Knows when a frame that stopped half-way will not go on. Must not know the families' frames or why something is asked.
"""

from firmware.control.rfid_links import REQUEST_NONE, Link
from protocols.compat import ticks_diff


class RfidLine:
    """`core.line` of the RFID role. `heard` says that bytes came since the core looked last."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.heard = self._heard_ms = 0
        self._request = self._argument = REQUEST_NONE

    def receive(self, data: bytearray, size: int, now_ms: int) -> None:
        """Take `size` bytes that came by now_ms (30-bit ticks). Never raises; what is no frame is counted."""
        link = self.link
        link.begin()
        if link.is_waiting() and ticks_diff(now_ms, self._heard_ms) >= link.pause_ms:
            link.expire()
        self._heard_ms = now_ms
        self.heard = 1
        link.on_bytes(data, size)

    def transmit(self, data: bytearray) -> int:
        """Fill in the question that waits (at most 10 bytes); return its size, 0 for none."""
        request = self._request
        if request == REQUEST_NONE:
            return 0
        self._request = REQUEST_NONE
        return self.link.put_request(request, self._argument, data)

    def ask(self, request: int, argument: int) -> None:
        """Send `request` at the next chance; it is what answers are compared with from now on."""
        self._request = request
        self._argument = argument
        self.link.awaited = request
