"""Watchdog supervision: the hardware watchdog is fed only when every part of the device showed that it works.

Knows three proofs of life and one port. A part that stops leaves the watchdog hungry, and the board resets into its
safe state; no part can feed it alone.
"""

from firmware.ports import NullWatchdog
from protocols.compat import const

SCAN_RAN = const(1)
COMMS_RAN = const(2)
OUTPUTS_TAKEN = const(4)
_ALL = const(7)


class Supervisor:
    """Collects proofs since the last feed. `feeds` counts the feeds, wrapping at 2**16."""

    def __init__(self, port: NullWatchdog) -> None:
        self._port = port
        self._seen = 0
        self.feeds = 0

    def prove(self, part: int) -> None:
        """Note that a part (SCAN_RAN, COMMS_RAN or OUTPUTS_TAKEN) did its work."""
        self._seen |= part

    def poll(self) -> bool:
        """Feed the watchdog when all proofs are there, then ask for them anew; return whether it was fed."""
        if self._seen != _ALL:
            return False
        self._seen = 0
        self._port.feed()
        self.feeds = (self.feeds + 1) & 0xFFFF
        return True
