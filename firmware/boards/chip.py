"""A device on a microcontroller: composition from a board's wiring, maintenance, watchdog and the loop.

Knows the machine module and the wiring's names. Must not know roles or pins. Nothing is printed while the control runs:
a half-open USB terminal would keep it waiting.

*Maintenance*: with the file `maintenance` on the board, or the maintenance terminal bridged at power-on, or without a
usable provision file, the control does not start: outputs stay off, no watchdog runs, the console is free for copying.
While the control runs the console may ask for it, and gets it at rest only.
"""

import gc
import os
import sys
import time

import machine
import micropython

from firmware.app.device import Device
from firmware.app.identity import Identity, ProvisionError, number
from firmware.app.roles import Role, load_role
from firmware.boards import terminals
from firmware.boards.card import InputCard
from firmware.boards.console import Console
from firmware.boards.interpreter import GuardedHeap, SystemEntropy, TicksClock, compiled_form
from firmware.boards.pins import PinOutputs
from firmware.boards.provision import choose_variant, read_provision
from firmware.boards.rs485 import BUFFER_SIZE, STOP_BITS, Rs485Port
from firmware.boards.slot_files import SlotFiles
from firmware.boards.store import FileStore
from firmware.ports import (
    RESET_POWER_ON,
    RESET_SOFT,
    RESET_UNKNOWN,
    RESET_WATCHDOG,
    NullBoard,
    NullWatchdog,
)
from protocols.compat import TICKS_MASK, const, ticks_add, ticks_diff

# What every port can keep: below, a store write would starve it; above, RP2040 refuses.
WATCHDOG_MIN_MS = const(1000)
WATCHDOG_MAX_MS = const(8000)
_WATCHDOG_DEFAULT_MS = const(2000)

_DIRECTORY = ""
_MAINTENANCE_FILE = "maintenance"
_ASKED_FOR = "asked for on the console\n"  # `gate flash` removes a file that says so (edge/boards/board.py)
_FAULT_FILE = "fault.txt"
_CARD_BAUD = const(1000000)
# Garbage of so many bytes is collected while the role's modules load. What stays would otherwise lie scattered over
# the whole heap, and the largest piece of a hundred free KiB be less than two.
_LOADING_SIZE = const(32768)
# Named as the ports name them; a port without a name never starts for that reason.
_CAUSES = (
    ("PWRON_RESET", RESET_POWER_ON),
    ("HARD_RESET", RESET_POWER_ON),
    ("WDT_RESET", RESET_WATCHDOG),
    ("SOFT_RESET", RESET_SOFT),
)
# The line protocols that are no bytes of a UART begin so.
_PULSES = "wiegand"
# An exception inside the guarded heap leaves its trace here, eight calls of three words.
_TRACE_SIZE = const(160)


class Watchdog(NullWatchdog):
    """The chip's watchdog; once started it cannot be stopped."""

    def __init__(self, timeout_ms: int) -> None:
        self._wdt = machine.WDT(timeout=min(max(timeout_ms, WATCHDOG_MIN_MS), WATCHDOG_MAX_MS))

    def feed(self) -> None:
        """Start the time anew."""
        self._wdt.feed()


class ChipBoard(NullBoard):
    """A board with its role.

    `instrument` is the port behind `field_line` where what it brings is answered at once, `converter` the load-cell
    converter that stands in its place, `network` the radio.
    """

    def __init__(self, role: Role) -> None:
        NullBoard.__init__(self)
        self.role = role
        self.bus: "Rs485Port | None" = None
        self.instrument = None
        self.converter = None
        self.network = None

    def has_received(self) -> bool:
        """Tell whether bytes wait on a line, or a conversion."""
        if self.bus.has_received():
            return True
        if self.converter is not None:
            return self.converter.adc.is_ready()
        return self.instrument is not None and self.instrument.has_received()


def run(wiring, slot: str, speed_up=None, sleep=None) -> None:
    """Run the device; returns only into maintenance. A program error leaves a note and resets the board.

    `slot` is the one this program was started from.
    `speed_up` raises the processor's clock, where a board can; with a radio it stays, whose bus is tried at no other.
    `sleep`, on a board that interrupts can wake, makes of it something whose `wait` is the loop's: for so many us
    nothing can happen without input, and in so many a scan is due.
    """
    gc.collect()
    gc.threshold(_LOADING_SIZE)
    reason = find_maintenance(wiring)
    if reason:
        print("smartgate: maintenance, because " + reason)
        return
    try:
        provision = read_provision(_DIRECTORY, wiring.PROVISION_KEYS)
        identity = Identity(provision)
        watchdog_ms = _WATCHDOG_DEFAULT_MS
        if provision.get("watchdog_ms"):
            watchdog_ms = number(provision, "watchdog_ms", WATCHDOG_MIN_MS, WATCHDOG_MAX_MS)
        if speed_up is not None and not provision.get("wifi_ssid"):
            speed_up()
        board = build_board(wiring, identity, choose_variant(provision, wiring.VARIANTS))
        board.network = _start_network(board, provision)
        board.slots = SlotFiles(_DIRECTORY, slot, machine.reset, compiled_form())
    except ProvisionError as error:
        print("smartgate: maintenance, because {}".format(error))
        return
    micropython.alloc_emergency_exception_buf(_TRACE_SIZE)
    micropython.kbd_intr(-1)  # nothing on the console may stop a boom
    board.watchdog = Watchdog(watchdog_ms)
    try:
        Loop(board, identity, sleep).run()
        _ask_for_maintenance()
    except BaseException as error:
        _leave_note(error)
    machine.reset()


def find_maintenance(wiring) -> str:
    """Return why the control must not start, "" when it may."""
    if not machine.Pin(wiring.MAINTENANCE, machine.Pin.IN, wiring.MAINTENANCE_PULL).value():
        return "the maintenance terminal is bridged"
    if _MAINTENANCE_FILE in os.listdir():
        return "the file maintenance is there; remove it and reset the board"
    return ""


def build_board(wiring, identity: Identity, converter: str) -> ChipBoard:
    """Return the board with every port but the watchdog; raise ProvisionError when wiring and role do not fit.

    `converter` names the load-cell converter on the card.
    """
    role = load_role(identity.role)
    regmap = role.regmap
    inputs = terminals.find_terminals(identity.role, regmap, "IN_", terminals.INPUTS, terminals.INPUT_TERMINALS)
    outputs = terminals.find_terminals(identity.role, regmap, "OUT_", terminals.OUTPUTS, terminals.OUTPUT_TERMINALS)
    board = ChipBoard(role)
    board.clock = TicksClock()
    board.heap = GuardedHeap()
    board.store = FileStore(_DIRECTORY)
    board.entropy = SystemEntropy()
    board.reset_cause = find_reset_cause()
    pins = [_output(wiring.OUTPUTS[terminal]) for terminal in outputs]
    board.output_port = PinOutputs(pins, machine.Timer(wiring.AGE_TIMER))
    protocol = role.choose_protocol(identity.line_protocol)
    shown = None
    if protocol in terminals.CONVERTERS.get(identity.role, ()):
        board.converter = driver = _build_converter(wiring, converter)
        shown = driver.adc
    elif protocol in terminals.MEASURED.get(identity.role, ()):
        from firmware.boards.measured_line import MeasuredLine

        # A unit speaks fifty times a second, and what it says is judged in scans: no turn of the loop for each.
        shown = board.field_line = MeasuredLine(_build_line(wiring, identity, protocol), board.clock)
    elif protocol:
        board.instrument = board.field_line = _build_line(wiring, identity, protocol)
    board.input_port = InputCard(_build_spi(wiring), _output(wiring.CARD_LOAD, 1), inputs, shown)
    board.bus = board.uart = Rs485Port(
        _build_uart(wiring.BUS_UART, identity.baud, wiring.BUS_TX, wiring.BUS_RX, STOP_BITS),
        identity.baud,
        _output(wiring.BUS_ENABLE),
        machine.Timer(wiring.DIRECTION_TIMER),
    )
    return board


def find_reset_cause() -> int:
    """Why the board started, by the port's names: their numbers differ from port to port."""
    cause = machine.reset_cause()
    for name, meaning in _CAUSES:
        if getattr(machine, name, -1) == cause:
            return meaning
    return RESET_UNKNOWN


def _output(number: int, value: int = 0):
    return machine.Pin(number, machine.Pin.OUT, value=value)


def _build_spi(wiring):
    return machine.SPI(
        wiring.CARD_SPI,
        baudrate=_CARD_BAUD,
        polarity=1,  # sampled at the falling edge, shifted at the rising one
        phase=0,
        sck=machine.Pin(wiring.CARD_CLOCK),
        mosi=machine.Pin(wiring.CARD_UNUSED),
        miso=machine.Pin(wiring.CARD_DATA),
    )


def _build_uart(number: int, baud: int, tx: int, rx: int, stop: int):
    return machine.UART(
        number,
        baudrate=baud,
        bits=8,
        parity=None,
        stop=stop,
        tx=machine.Pin(tx),
        rx=machine.Pin(rx),
        txbuf=BUFFER_SIZE,
        rxbuf=BUFFER_SIZE,
        timeout=0,
        timeout_char=0,
    )


def _build_converter(wiring, name: str):
    """The converter soldered to the card's DATA and CLOCK."""
    from firmware.boards.load_cell_adc import LoadCellAdc

    data = machine.Pin(wiring.LINE_RX, machine.Pin.IN)
    adc = LoadCellAdc(data, _output(wiring.LINE_TX), machine.disable_irq, machine.enable_irq, time.ticks_us)
    if name == "ads1232":
        from firmware.boards.ads1232 import Ads1232

        return Ads1232(adc)
    from firmware.boards.hx711 import Hx711

    return Hx711(adc)


def _build_line(wiring, identity: Identity, protocol: str):
    if protocol.startswith(_PULSES):
        from firmware.boards.pulses import PulseCatcher

        zero = machine.Pin(wiring.LINE_RX, machine.Pin.IN)
        return PulseCatcher(zero, machine.Pin(wiring.LINE_TX, machine.Pin.IN), machine.Pin.IRQ_FALLING)
    baud = identity.line_baud
    return Rs485Port(_build_uart(wiring.LINE_UART, baud, wiring.LINE_TX, wiring.LINE_RX, 1), baud)


def _start_network(board: ChipBoard, provision: dict[str, str]):
    if not provision.get("wifi_ssid"):
        return None
    try:
        from firmware.boards.wifi import Wifi
    except ImportError:
        raise ProvisionError(  # noqa: B904
            "wifi_ssid is set, but this file set has no Wi-Fi: copy the one whose name ends in -wifi"
        )
    return Wifi(board, provision)


def _ask_for_maintenance() -> None:
    """Have the start after the reset that follows find a reason not to start the control."""
    with open(_MAINTENANCE_FILE, "w") as file:
        file.write(_ASKED_FOR)


def _leave_note(error: BaseException) -> None:
    """The trace in a file, unless an older one still waits to be read: a fault that repeats must not wear the flash."""
    if _FAULT_FILE in os.listdir():
        return
    with open(_FAULT_FILE, "w") as file:
        sys.print_exception(error, file)  # type: ignore[arg-type]


class Loop:
    """Polls the device when something is due, and waits otherwise."""

    def __init__(self, board: ChipBoard, identity: Identity, sleep=None) -> None:
        self._board = board
        self._device = Device(board, board.role, identity)
        self._judged = 0
        self._console = Console()
        self._wait = self._look if sleep is None else sleep(board).wait
        gc.collect()
        gc.threshold(-1)  # loading is over

    def run(self) -> None:
        """Return when the console asks for maintenance at rest; raise what must reset the board."""
        board = self._board
        heap = board.heap
        clock = board.clock
        converter = board.converter
        device = self._device
        wait = self._wait
        while True:
            heap.lock()
            try:
                if converter is not None:
                    converter.poll()  # as soon as it is ready: a scan does not wait for 25 pulses
                now_us = clock.now_us()
                wait_us = device.poll(clock.now_ms(), now_us)
                spent_us = ticks_diff(clock.now_us(), now_us)
                if wait_us > spent_us and not device.update.is_working:
                    wait(wait_us - spent_us, device.scan_wait_us - spent_us)
            finally:
                heap.unlock()
            self._tend()
            if self._console.asks_for_maintenance() and self._may_end():
                return

    def _may_end(self) -> bool:
        """Tell whether the control may end: at rest, in a role that moves nothing, or failed and standing still."""
        role = self._board.role
        device = self._device
        if not role.moving or role.is_at_rest(device.core):
            return True
        return device.health.value == role.regmap.HEALTH_FAILURE and not role.is_moving(device.core.outputs)

    def _look(self, wait_us: int, scan_us: int) -> None:
        """Look once a millisecond until the time has passed, or something arrived: any port can do that."""
        board = self._board
        end_us = ticks_add(board.clock.now_us(), wait_us)
        while not board.has_received():
            left_us = ticks_diff(end_us, time.ticks_us() & TICKS_MASK)  # type: ignore[operator]
            if left_us <= 0:
                return
            if left_us > 1000:
                time.sleep_ms(1)
            else:
                time.sleep_us(left_us)

    def _tend(self) -> None:
        """What is rare and allocates, outside the heap guard and never while something moves."""
        board = self._board
        device = self._device
        if board.network is not None:
            board.network.tend(board.clock.now_ms())
        if device.update.wants_time and board.bus.is_idle():
            device.tend(board.clock.now_ms())
        judged = device.commands.accepted + device.commands.rejected + device.kept
        if judged != self._judged and not board.role.is_moving(device.core.outputs) and board.bus.is_idle():
            self._judged = judged  # nothing else allocates; collecting after each keeps the heap as it was at start
            gc.collect()
