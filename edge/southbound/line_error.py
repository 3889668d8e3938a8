"""Why a request or a port failed, in the hub's own words.

Knows: the kinds of failure a line can have. Must not know: the Modbus library or the operating system's error numbers.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Kinds of failure; the first three are about one device, the others about the whole line."""

    TIMEOUT = "timeout"
    GARBLED = "garbled"
    EXCEPTION = "exception"
    PORT_MISSING = "port_missing"
    PORT_BUSY = "port_busy"
    PORT_DENIED = "port_denied"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    TLS = "tls"


DEVICE_FAULTS = frozenset((Fault.TIMEOUT, Fault.GARBLED, Fault.EXCEPTION))


class LineError(Exception):
    """A request or a port failed: the kind, one sentence, and Modbus's own exception code or 0."""

    def __init__(self, fault: Fault, text: str, exception_code: int = 0) -> None:
        super().__init__(text)
        self.fault = fault
        self.exception_code = exception_code

    @property
    def is_line_wide(self) -> bool:
        """Whether every device of the line is affected."""
        return self.fault not in DEVICE_FAULTS
