"""Modbus TCP over the board's session port: at most one request per poll, one session, closed when idle or broken.

Knows frames and the idle rule; sockets, and which connection is the session, are the board's. Allocates nothing.
"""

from firmware.ports import NullSessions
from protocols.compat import const, ticks_diff
from protocols.modbus.mbap import (
    FRAME_BAD_HEADER,
    MBAP_ADU_SIZE_MAX,
    MBAP_SIZE,
    MbapCollector,
    encode_mbap_into,
)
from protocols.modbus.rtu import FRAME_OK
from protocols.modbus.server import ModbusServer

# A client that polls at all polls far more often; a dead one must not hold the only session.
IDLE_LIMIT_MS = const(60000)
# MODBUS Messaging on TCP/IP V1.0b, 4.4.2.2.1: a device reached directly is addressed as 255; 0 is accepted too.
_UNIT_DIRECT = const(255)
_COUNTER_MASK = const(0xFFFF)


class TcpService:
    """Serves the session port. `served` counts answers, wrapping at 2**16."""

    def __init__(self, sessions: NullSessions, unit_id: int, server: ModbusServer) -> None:
        self._sessions = sessions
        self._server = server
        self._unit_id = unit_id
        self._collector = MbapCollector()
        self._chunk = bytearray(MBAP_ADU_SIZE_MAX)
        self._answer = bytearray(MBAP_ADU_SIZE_MAX)
        self._chunk_size = 0
        self._chunk_at = 0
        self._generation = sessions.generation
        self._last_ms = 0
        self.served = 0

    def poll(self, now_ms: int) -> bool:
        """Take bytes up to the end of one request and answer it; True when a request for this device was served."""
        if self._generation != self._sessions.generation:
            self._generation = self._sessions.generation
            self._forget(now_ms)
        if self._chunk_at == self._chunk_size:
            self._chunk_at = 0
            self._chunk_size = self._sessions.read_into(self._chunk)
            if self._chunk_size:
                self._last_ms = now_ms
            elif ticks_diff(now_ms, self._last_ms) > IDLE_LIMIT_MS:
                self._last_ms = now_ms
                self._sessions.close()
        return self._take()

    def has_more(self) -> bool:
        """Tell whether received bytes wait to be looked at."""
        return self._chunk_at < self._chunk_size

    def _forget(self, now_ms: int) -> None:
        self._collector.reset()
        self._chunk_at = 0
        self._chunk_size = 0
        self._last_ms = now_ms

    def _take(self) -> bool:
        while self._chunk_at < self._chunk_size:
            result = self._collector.on_byte(self._chunk[self._chunk_at])
            self._chunk_at += 1
            if result == FRAME_OK:
                return self._serve()
            if result == FRAME_BAD_HEADER:
                self._chunk_at = self._chunk_size
                self._sessions.close()
        return False

    def _serve(self) -> bool:
        collector = self._collector
        unit_id = collector.unit_id
        if unit_id != self._unit_id and unit_id != 0 and unit_id != _UNIT_DIRECT:
            return False
        size = self._server.handle(collector.buffer, MBAP_SIZE, collector.pdu_size, self._answer, MBAP_SIZE)
        if size == 0:
            return False
        total = encode_mbap_into(self._answer, collector.transaction_id, unit_id, size)
        if self._sessions.write(self._answer, total) != total:
            self._sessions.close()  # the client does not read its answers
            return False
        self.served = (self.served + 1) & _COUNTER_MASK
        return True
