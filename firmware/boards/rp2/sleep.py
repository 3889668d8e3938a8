"""How the rp2 board waits: the processor sleeps until an interrupt brings something, or the time is over.

Knows select, which on this port waits in WFE, and the pin a converter answers on. Must not know frames or roles. Ports
whose poll only looks again at their system's next tick cannot wait so: a scan would be late by that tick.
"""

import io
import select
import time

import machine

from firmware.boards.rp2 import wiring

_STREAM_POLL = 3  # MP_STREAM_POLL of MicroPython's py/stream.h: the one thing select asks for


class Ready(io.IOBase):
    """Something that is no stream, for select: `is_ready` tells whether it has something to fetch."""

    def __init__(self, is_ready) -> None:  # type: ignore[no-untyped-def]  # a method
        self._is_ready = is_ready

    def ioctl(self, request: int, flags: int) -> int:
        """Answer the only question."""
        return select.POLLIN if request == _STREAM_POLL and self._is_ready() else 0


class Sleep:
    """Waits for whatever the lines of `board`, a ChipBoard, bring."""

    def __init__(self, board) -> None:  # type: ignore[no-untyped-def]  # of the file that is started with this class
        poller = select.poll()
        poller.register(board.bus.stream, select.POLLIN)
        self._bus = board.bus
        self._clock = board.clock
        self._beside = None
        instrument = board.instrument
        if instrument is not None:
            self._beside = instrument.stream
            poller.register(instrument.stream or Ready(instrument.has_received), select.POLLIN)
        if board.converter is not None:
            poller.register(Ready(board.converter.adc.is_ready), select.POLLIN)
            data = machine.Pin(wiring.LINE_RX)
            data.irq(_wake, machine.Pin.IRQ_FALLING, hard=True)  # from the interrupt, so that none waits its turn
        self._ipoll = poller.ipoll  # made once: in a wait it would allocate
        self._ipoll(0)  # makes the object it returns, before the heap is locked

    def wait(self, wait_us: int, scan_us: int) -> None:
        """Sleep until something arrived, or for `wait_us`, up to the next whole millisecond.

        What arrives is let come to its end, but not beyond the scan that is due in `scan_us`: a turn of the loop for
        each character would cost more than anything else the processor does.
        """
        clock = self._clock
        begun_us = clock.now_us()
        self._ipoll((wait_us + 999) // 1000)
        self._bus.let_end(clock, time.sleep_ms, begun_us, scan_us, self._beside)


def _wake(pin) -> None:  # type: ignore[no-untyped-def]
    """To be interrupted is all it takes."""
