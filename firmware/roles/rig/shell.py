"""A rig on an RP2040: its card, its interrupts, its line to the host, its loop.

Knows the machine module and the names of the wiring. Must not know what an answer means. A change of a sense is stamped
by an interrupt, so a frame of the host costs no accuracy; what is due soon is waited for by itself, without a look at
the line. The line to the host is a UART: a USB console stops the program while nobody reads it.
"""

import gc
import hashlib
import os
import sys
import time

import machine
import micropython

from firmware.roles.rig.edges import Edges
from firmware.roles.rig.engine import LEAD_US, Engine
from firmware.roles.rig.service import Service
from protocols.compat import TICKS_MASK, const, ticks_diff
from protocols.rig.frame import FrameReader
from protocols.rig.messages import HASH_SIZE, TIME_MAX_US

_CARD_BAUD = const(1000000)
_CARD_BYTES = const(3)
_GPIO_IN = const(0xD0000004)  # SIO: every pin in one read (RP2040 datasheet, 2.3.1.7)
# Nearer than this nothing but the next stimulus is looked at: an answer to the host takes less.
_NEAR_US = const(7000)
# Nearer than this the loop waits without sleeping, which may take a millisecond more than it is told.
_EXACT_US = const(2000)
# Two frames: the one that is answered and the one that must not come before.
_BUFFER_SIZE = const(512)
_READ_SIZE = const(32)
_TRACE_SIZE = const(160)
_FAULT_FILE = "fault.txt"


class Card:
    """Drivers and supply. `faults` counts steps after which the chain did not give back what it held."""

    def __init__(self, wiring) -> None:
        self.faults = 0
        self._spi = machine.SPI(
            wiring.DRIVERS_SPI,
            baudrate=_CARD_BAUD,
            sck=machine.Pin(wiring.DRIVERS_CLOCK),
            mosi=machine.Pin(wiring.DRIVERS_DATA),
            miso=machine.Pin(wiring.DRIVERS_RETURN),
        )
        self._latch = machine.Pin(wiring.DRIVERS_LATCH, machine.Pin.OUT, value=0)
        self._cut = machine.Pin(wiring.POWER_CUT, machine.Pin.OUT, value=0)
        self._held = bytearray(_CARD_BYTES)  # what the chain holds
        self._next = bytearray(_CARD_BYTES)
        self._back = bytearray(_CARD_BYTES)
        self._shift(_now_us())
        machine.Pin(wiring.DRIVERS_OFF, machine.Pin.OUT, value=0)

    def drive(self, levels: bytearray, at_us: int) -> int:
        """Put the levels onto the terminals, all at one instant, not before `at_us`; return its clock."""
        for at in range(_CARD_BYTES):
            byte = 0
            for bit in range(8):
                byte |= levels[at * 8 + bit] << bit
            self._next[_CARD_BYTES - 1 - at] = byte  # what leaves first ends in the last register
        now_us = self._shift(at_us)
        if self._back != self._held:
            self.faults = (self.faults + 1) & 0xFFFF
        for at in range(_CARD_BYTES):
            self._held[at] = self._next[at]
        return now_us

    def power(self, level: int, at_us: int) -> None:
        """Give the device its supply, or cut it, not before `at_us`."""
        _wait_until(at_us)
        self._cut(1 - level)

    def _shift(self, at_us: int) -> int:
        self._spi.write_readinto(self._next, self._back)
        now_us = _wait_until(at_us)
        self._latch(1)
        self._latch(0)
        return now_us


class Senses:
    """The device's outputs, in the order of their terminals, and when they changed."""

    def __init__(self, wiring) -> None:
        self.edges = Edges()
        self._numbers = bytes(wiring.SENSES)
        self._mask = sum(1 << number for number in wiring.SENSES)
        for number in wiring.SENSES:
            pin = machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_DOWN)
            pin.irq(self._on_edge, machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING, hard=True)

    def read(self) -> int:
        """All senses now, one bit each."""
        return self.spread(machine.mem32[_GPIO_IN])

    def spread(self, pins: int) -> int:
        """One bit for each sense out of a look at all pins."""
        senses = 0
        for index in range(len(self._numbers)):
            senses |= (pins >> self._numbers[index] & 1) << index
        return senses

    def _on_edge(self, pin) -> None:
        self.edges.put(time.ticks_us() & TICKS_MASK, machine.mem32[_GPIO_IN] & self._mask)  # type: ignore[operator]


def run(wiring) -> None:
    """Run the rig; returns only into maintenance. A program error leaves a note and resets the board."""
    if not machine.Pin(wiring.MAINTENANCE, machine.Pin.IN, machine.Pin.PULL_UP).value():
        print("smartgate rig: maintenance, because the maintenance terminal is bridged")
        return
    micropython.alloc_emergency_exception_buf(_TRACE_SIZE)
    micropython.kbd_intr(-1)
    try:
        Loop(wiring).run()
    except BaseException as error:
        micropython.heap_unlock()
        with open(_FAULT_FILE, "w") as file:
            sys.print_exception(error, file)  # type: ignore[arg-type]
    machine.reset()


def hash_files() -> bytes:
    """The first bytes of the SHA-256 over every file of the firmware, by path: what is really on the board."""
    digest = hashlib.sha256()
    for path in sorted(_walk("firmware") + _walk("protocols") + ["main.py"]):
        digest.update(path.encode())
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.digest()[:HASH_SIZE]


def _walk(folder: str) -> list[str]:
    paths = []
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        paths += _walk(path) if entry[1] == 0x4000 else [path]
    return paths


class Loop:
    """Polls the engine when something is due, serves the host otherwise."""

    def __init__(self, wiring) -> None:
        identity = hash_files()
        self._card = Card(wiring)
        self._senses = Senses(wiring)
        self._reader = FrameReader()
        self._engine = Engine(self._card)
        self._service = Service(self._engine, self._reader, identity, wiring.NAME.encode())
        self._uart = machine.UART(
            wiring.HOST_UART,
            baudrate=wiring.HOST_BAUD,
            tx=machine.Pin(wiring.HOST_TX),
            rx=machine.Pin(wiring.HOST_RX),
            txbuf=_BUFFER_SIZE,
            rxbuf=_BUFFER_SIZE,
            timeout=0,
            timeout_char=0,
        )
        self._bytes = bytearray(_READ_SIZE)
        self._engine.on_senses(0, self._senses.read())
        gc.collect()

    def run(self) -> None:
        """Never returns. Nothing in here allocates, so nothing is ever collected."""
        micropython.heap_lock()
        while True:
            self._pass()

    def _pass(self) -> None:
        begun_us = _now_us()
        engine = self._engine
        self._take_edges()
        engine.poll(begun_us)
        if self._uart.any() and self._left_us(engine.next_exact_us()) > _NEAR_US:
            self._serve()
            self._note_pass(begun_us)
            return
        left_us = self._left_us(engine.next_us())
        if left_us > 0:
            time.sleep_ms(1) if left_us > _EXACT_US else time.sleep_us(left_us)

    def _left_us(self, due_us: int) -> int:
        """How long until the engine must begin what is due, as good as for ever when nothing is."""
        return due_us - LEAD_US - self._engine.elapsed_us(_now_us()) if due_us >= 0 else TIME_MAX_US

    def _note_pass(self, begun_us: int) -> None:
        passed_us = ticks_diff(_now_us(), begun_us)
        if passed_us > self._engine.longest_pass_us:
            self._engine.longest_pass_us = passed_us

    def _take_edges(self) -> None:
        edges = self._senses.edges
        engine = self._engine
        while edges.take():
            engine.on_senses(edges.at_us, self._senses.spread(edges.levels))
        if edges.lost:
            engine.log.lost = (engine.log.lost + edges.lost) & 0xFFFF
            edges.lost = 0

    def _serve(self) -> None:
        reader = self._reader
        waiting = self._uart.any()  # asked for more bytes, a port waits for them until the line pauses
        count = self._uart.readinto(self._bytes, min(waiting, len(self._bytes))) if waiting else 0
        at = 0
        while at < count:
            at = reader.take(self._bytes, at, count, _now_us())
            if reader.found:
                size = self._service.answer(_now_us(), self._senses.read())
                self._uart.write(self._service.reply, size)  # type: ignore[call-arg]  # as every stream does


def _now_us() -> int:
    return time.ticks_us() & TICKS_MASK  # type: ignore[operator]


def _wait_until(at_us: int) -> int:
    """Return at that clock, or at once when it has passed; returns the clock."""
    left_us = ticks_diff(at_us, _now_us())
    if left_us > 0:
        time.sleep_us(left_us)
    return _now_us()
