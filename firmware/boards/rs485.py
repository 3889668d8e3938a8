"""A serial port on a UART, with the direction of an RS-485 driver if it has one.

Knows the UART and one pin. Must not know frames. Received bytes wait in the UART's buffer and are fetched by polling,
so nothing depends on interrupts that only some ports have. The driver is switched off when the last stop bit has left:
a one-shot timer is set for that instant, since a scan may last longer than the 3.5 characters a client waits.
"""

from firmware.ports import NullUart
from protocols.compat import const, ticks_diff
from protocols.modbus.rtu import t35_us

# A character of Modbus RTU without parity has two stop bits (MODBUS over Serial Line V1.02, 2.5.1).
CHARACTER_BITS = const(11)
STOP_BITS = const(2)
# The frame on its way, and the one a client may send before this board looks: 44 ms at 115,200 baud.
BUFFER_SIZE = const(512)
_RETRY_MS = const(1)
# The longest frame: half of the buffer.
_FRAME_MAX = const(256)


class Rs485Port(NullUart):
    """`enable` switches the driver, None for a line with two directions. `timer` is a machine.Timer of its own.

    `stream` is what select can wait for.
    """

    def __init__(self, uart, baud: int, enable=None, timer=None) -> None:
        self.timed = 0
        self.silence_us = 0
        self._silence_us = t35_us(baud)
        self._silent_us = 0
        self._silent_count = 0
        self.stream = uart
        self._uart = uart
        self._baud = baud
        self._enable = enable
        self._timer = timer
        self._on_sent_bound = self._on_sent  # made once: in a write it would allocate
        self._is_sending = False

    def is_idle(self) -> bool:
        """Tell whether nothing is received or being sent."""
        return not self._is_sending and not self._uart.any()

    def has_received(self) -> bool:
        """Tell whether bytes wait."""
        return self._uart.any() > 0

    def let_end(self, clock, sleep_ms, begun_us: int, limit_us: int, beside) -> None:
        """Sleep while bytes come in, here or on the UART `beside`, None for none; until `limit_us` after `begun_us`.

        `clock` tells the time and `sleep_ms` lets it pass. What is read next knows how long the line has been silent
        then. Returns at once when nothing waits.
        """
        bus = self._uart
        waiting = bus.any()
        count = waiting if beside is None else waiting + beside.any()
        if not count:
            return
        heard_us = now_us = clock.now_us()
        while (
            count < _FRAME_MAX
            and ticks_diff(now_us, heard_us) < self._silence_us
            and ticks_diff(now_us, begun_us) < limit_us
        ):
            sleep_ms(1)
            now_us = clock.now_us()
            waiting = bus.any()
            both = waiting if beside is None else waiting + beside.any()
            if both != count:
                count = both
                heard_us = now_us = clock.now_us()  # what came before this was read
        self._silent_count = waiting
        self._silent_us = ticks_diff(now_us, heard_us)

    def read_into(self, buffer: bytearray) -> int:
        """Move the bytes that wait, no more: asked for others, a port waits for them until the line pauses."""
        waiting = self._uart.any()
        if not waiting:
            return 0
        is_silent = waiting == self._silent_count and waiting <= len(buffer)  # none has come since
        self.silence_us = self._silent_us if is_silent else 0
        self._silent_us = 0
        return self._uart.readinto(buffer, min(waiting, len(buffer))) or 0

    def write(self, buffer: bytearray, size: int) -> int:
        """Switch the driver on and hand the bytes to the UART, whose buffer takes a whole frame."""
        if self._is_sending:
            return 0
        if self._enable is not None:
            self._is_sending = True
            self._enable(1)
        self._uart.write(buffer, size)
        if self._enable is not None:
            self._timer.init(mode=self._timer.ONE_SHOT, period=self._send_ms(size), callback=self._on_sent_bound)
        return size

    def _send_ms(self, size: int) -> int:
        """Time of `size` characters in whole milliseconds, at least one character more than they take."""
        return ((size + 1) * CHARACTER_BITS * 1000 + self._baud - 1) // self._baud

    def _on_sent(self, timer) -> None:
        if not self._uart.txdone():
            timer.init(mode=timer.ONE_SHOT, period=_RETRY_MS, callback=self._on_sent_bound)
            return
        self._enable(0)
        self._is_sending = False
