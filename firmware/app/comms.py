"""Modbus RTU over a serial port: received bytes and measured pauses in, answers out, within the same poll.

Knows the port, the frame collector, turnaround and echo. Knows no register. Allocates nothing after construction.

*Echo*: on a half-duplex line the receiver may hear its own answer. An echo would read as a request for this very
device, so bytes that repeat the answer just sent are dropped; at the first difference they count as received after all.
"""

from firmware.ports import NullUart
from protocols.compat import const, ticks_add, ticks_diff
from protocols.crc import crc16
from protocols.modbus.rtu import (
    ADU_SIZE_MAX,
    ADU_SIZE_MIN,
    FRAME_OK,
    PDU_START,
    RtuCollector,
    encode_adu_into,
    t15_us,
    t35_us,
)
from protocols.modbus.server import ModbusServer

WAIT_NONE = const(-1)

# What a port without byte times may hand over as one: another device's request, its answer, and our request.
_BATCH_SIZE = const(3 * 256)
_ECHO_SLACK_US = const(20000)
_CHARACTER_BITS = const(11)
# An answer the port does not take for so long is of no use to a client that asked this long ago.
_SEND_LIMIT_US = const(200000)
_RETRY_US = const(1000)
_COUNTER_MASK = const(0xFFFF)


class RtuService:
    """Serves one line. `served` counts answers and `dropped` answers the port never took, wrapping at 2**16."""

    def __init__(self, uart: NullUart, unit_id: int, baud: int, server: ModbusServer) -> None:
        self._uart = uart
        self._server = server
        self.collector = RtuCollector(unit_id, ADU_SIZE_MAX if uart.timed else _BATCH_SIZE, bool(uart.timed))
        self._unit_id = unit_id
        self._character_us = (_CHARACTER_BITS * 1000000 + baud - 1) // baud
        self._gap_us = t15_us(baud)
        self._silence_us = t35_us(baud)
        self._chunk = bytearray(ADU_SIZE_MAX)
        self._answer = bytearray(ADU_SIZE_MAX)
        self._more = 0
        self._open = 0
        self._last_us = 0
        self._pending_size = 0
        self._due_us = 0
        self._echo_size = 0
        self._echo_at = 0
        self._echo_until_us = 0
        self.served = 0
        self.dropped = 0

    def poll(self, now_us: int, reply_delay_us: int) -> bool:
        """Move bytes, end a frame whose silence has passed, answer; True when a request for this device was served."""
        if self._pending_size:
            self._send(now_us)
        count = self._uart.read_into(self._chunk)
        self._more = 1 if count == len(self._chunk) else 0
        pause_us = ticks_diff(now_us, self._last_us)
        handled = False
        if self._open and self._is_frame_over(count, pause_us):
            handled = self._end_frame(now_us, reply_delay_us)
        elif self._open and count and self._uart.timed and pause_us >= self._gap_us:
            self.collector.on_gap()
        if count:
            silence_us = self._uart.silence_us
            self._last_us = ticks_add(now_us, -silence_us)
            self._take(count, now_us)
            if self._open and silence_us >= self._silence_us:
                handled = self._end_frame(now_us, reply_delay_us) or handled
        return handled

    def wait_us(self, now_us: int) -> int:
        """Return how long nothing can happen here unless bytes arrive; WAIT_NONE for ever."""
        if self._more:
            return 0
        if self._pending_size:
            due_us = ticks_diff(self._due_us, now_us)
            return due_us if due_us > 0 else _RETRY_US
        if self._open:
            return max(0, self._silence_us - ticks_diff(now_us, self._last_us))
        return WAIT_NONE

    def _is_frame_over(self, count: int, pause_us: int) -> bool:
        """Judge the pause before this poll, in which `count` bytes arrived.

        A port without byte times may have been read late, so a pause that ended with bytes proves nothing by itself;
        but bytes after a pause begin a new frame when those before it are a whole one. On a line with other devices
        the next request may follow an answer sooner than a poll can see the silence between them.
        """
        if count == 0 or self._uart.timed:
            return pause_us >= self._silence_us
        if self._echo_size and self._echo_at:
            return False
        collector = self.collector
        return (
            pause_us >= self._gap_us
            and collector.size >= ADU_SIZE_MIN
            and crc16(collector.buffer, 0, collector.size) == 0
        )

    def _take(self, count: int, now_us: int) -> None:
        if self._echo_size and not self._echo_at and ticks_diff(now_us, self._echo_until_us) > 0:
            self._echo_size = 0
        start = self._skip_echo(count) if self._echo_size else 0
        if start < count:
            self.collector.on_bytes(self._chunk, start, count - start)
            self._open = 1
        if self._echo_size and self._echo_at:
            self._open = 1

    def _skip_echo(self, count: int) -> int:
        """Return how many of the bytes repeat the answer just sent."""
        for index in range(count):
            if self._chunk[index] != self._answer[self._echo_at]:
                self._give_up_echo()
                return index
            self._echo_at += 1
            if self._echo_at == self._echo_size:
                self._echo_size = 0
                return index + 1
        return count

    def _give_up_echo(self) -> None:
        """It was no echo: hand the bytes held back to the collector."""
        if self._echo_at:
            self.collector.on_bytes(self._answer, 0, self._echo_at)
        self._echo_size = 0

    def _end_frame(self, now_us: int, reply_delay_us: int) -> bool:
        if self._echo_size and self._echo_at:
            self._give_up_echo()
        self._open = 0
        collector = self.collector
        if collector.on_silence() != FRAME_OK or self._pending_size:
            return False
        self._echo_size = 0
        size = self._server.handle(collector.buffer, PDU_START, collector.pdu_size, self._answer, PDU_START)
        if size == 0 or collector.is_broadcast():
            return False
        self._pending_size = encode_adu_into(self._unit_id, self._answer, size)
        self._due_us = ticks_add(now_us, reply_delay_us)
        self._send(now_us)
        return True

    def _send(self, now_us: int) -> None:
        late_us = ticks_diff(now_us, self._due_us)
        if late_us < 0:
            return
        size = self._pending_size
        if self._uart.write(self._answer, size) == size:
            self._pending_size = 0
            self._echo_size = size
            self._echo_at = 0
            self._echo_until_us = ticks_add(now_us, size * self._character_us + _ECHO_SLACK_US)
            self.served = (self.served + 1) & _COUNTER_MASK
        elif late_us > _SEND_LIMIT_US:
            self._pending_size = 0
            self.dropped = (self.dropped + 1) & _COUNTER_MASK
