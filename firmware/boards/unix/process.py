"""The unix board: the deployed device as a process of the MicroPython unix port.

Knows the two ways to run: `real` (own clock, serial port on a tty) and `lockstep` (clock and line come in the frames of
the field link). Must not know roles. Ends when the field link ends, and with it every output.

Exit status: 0 the field ended the link, 1 a program error, 2 wrong provisioning, 3 the field link is broken, 4 the
device wants to be started anew.
"""

import os
import select
import sys

from firmware.app.device import Device
from firmware.app.identity import Identity, ProvisionError, number
from firmware.app.roles import load_role
from firmware.boards.interpreter import GuardedHeap, SystemEntropy, TicksClock, compiled_form
from firmware.boards.provision import choose_variant, read_provision
from firmware.boards.sessions import TcpSessions
from firmware.boards.slot_files import SlotFiles
from firmware.boards.store import FileStore
from firmware.boards.unix import wiring
from firmware.boards.unix.link import FieldLink, LinkError
from firmware.boards.unix.serial import SerialPort
from firmware.ports import RESET_POWER_ON, NullBoard
from protocols.compat import const, ticks_add, ticks_diff

RESET_CAUSE_VARIABLE = "GATE_RESET_CAUSE"

# The simulated field and the hub run on the same machine.
_HOST = "127.0.0.1"

_FIRST_FRAME_LIMIT_MS = const(1000)
_REOPEN_MS = const(500)
# More frames than the pipe can hold; a field that sends them faster than they are read is a broken one.
_FRAMES_MAX = const(2000)
# What a slice of an update takes, where the clock is the field's.
_SLICE_US = const(1000)
_STATUS_RESTART = const(4)


def main(directory: str, slot: str) -> None:
    """Run the device of `directory` until the field ends the link; `slot` is the one this program was started from."""
    try:
        run(directory, wiring, slot)
    except ProvisionError as error:
        _fail(2, error)
    except LinkError as error:
        _fail(3, error)
    except Exception as error:  # a program error: stdout belongs to the field, so it must not get the trace
        sys.print_exception(error, sys.stderr)  # type: ignore[arg-type]
        sys.exit(1)


def run(directory: str, card, slot: str = "") -> None:
    """Compose the board and run its loop; `card` is the module that stands for a carrier card."""
    provision = read_provision(directory, card.PROVISION_KEYS)
    identity = Identity(provision)
    choose_variant(provision, card.VARIANTS)
    mode = provision.get("mode", "real")
    if mode not in ("real", "lockstep"):
        raise ProvisionError("mode is {!r}: expected real or lockstep; correct the provision file".format(mode))
    board = NullBoard()
    link = FieldLink(sys.stdin.buffer, sys.stdout.buffer)
    board.input_port = link
    board.output_port = link.latch
    board.watchdog = link.watchdog
    board.field_line = link.field_line
    board.store = FileStore(directory)
    if slot:
        board.slots = SlotFiles(directory, slot, _restart, compiled_form())
    board.entropy = SystemEntropy()
    board.reset_cause = int(os.getenv(RESET_CAUSE_VARIABLE) or RESET_POWER_ON)
    if provision.get("heap_lock", "1") != "0":
        board.heap = GuardedHeap()
    if mode == "lockstep":
        _run_lockstep(board, link, identity)
    else:
        _RealLoop(board, link, identity, provision).run()


def _run_lockstep(board, link: FieldLink, identity: Identity) -> None:
    """One poll per frame, on the frame's clock."""
    board.clock = link.clock
    board.uart = link.line
    device = Device(board, load_role(identity.role), identity)
    link.resize(len(device.core.inputs))
    while link.receive():
        board.heap.lock()
        try:
            wait_us = device.poll(link.clock.ms, link.clock.us)
            if device.update.is_working:
                wait_us = min(wait_us, _SLICE_US)
            link.send(link.clock.ms, wait_us, device.schedule)
        finally:
            board.heap.unlock()
        if device.update.wants_time:
            device.tend(link.clock.ms)


class _RealLoop:
    """Waits for the field, the line and the next scan, whichever comes first."""

    def __init__(self, board, link: FieldLink, identity: Identity, provision: dict[str, str]) -> None:
        self._board = board
        self._link = link
        self._poller = select.poll()
        self._poller.register(sys.stdin, select.POLLIN)
        self._field_poller = select.poll()
        self._field_poller.register(sys.stdin, select.POLLIN)
        self._serial = SerialPort(provision.get("tty", ""), identity.baud) if provision.get("tty") else None
        self._sessions: "TcpSessions | None" = None
        self._stdin_ready = False
        self._accept_ready = False
        self._reopen_ms = 0
        board.clock = TicksClock()
        if self._serial is not None:
            board.uart = self._serial
            self._open_serial(provision["tty"])
        if provision.get("tcp_port"):
            self._listen(number(provision, "tcp_port", 1, 65535))
        self._device = Device(board, load_role(identity.role), identity)
        link.resize(len(self._device.core.inputs))

    def run(self) -> None:
        """Loop until the field is gone."""
        self._wait(_FIRST_FRAME_LIMIT_MS)  # also lets the poller make its result object before the heap is locked
        self._is_field_waiting()
        wait_ms = 0
        while True:
            self._board.heap.lock()
            try:
                self._wait(wait_ms)
                if self._stdin_ready and not self._receive():
                    return
                wait_ms = self._slice()
            finally:
                self._board.heap.unlock()
            self._tend()

    def _slice(self) -> int:
        """Poll the device and refresh the field; return for how many ms to wait."""
        clock = self._board.clock
        now_ms = clock.now_ms()
        self._link.check_age(now_ms)
        wait_us = self._device.poll(now_ms, clock.now_us())
        if self._device.update.is_working:
            wait_us = 0
        if self._link.must_send(now_ms):
            self._link.send(now_ms, wait_us, self._device.schedule)
        return (wait_us + 999) // 1000

    def _wait(self, limit_ms: int) -> None:
        self._stdin_ready = False
        self._accept_ready = False
        for stream, event in self._poller.ipoll(limit_ms):
            if stream is sys.stdin:
                self._stdin_ready = True
            elif self._serial is not None and stream is self._serial.file:
                if event & (select.POLLHUP | select.POLLERR):
                    self._serial.on_hangup()
            elif self._sessions is not None and stream is self._sessions.listener:
                self._accept_ready = True

    def _receive(self) -> bool:
        """Take all frames that wait: after a pause of this process only the last one is the present."""
        for _ in range(_FRAMES_MAX):
            if not self._link.receive():
                return False
            if not self._is_field_waiting():
                self._link.note_received(self._board.clock.now_ms())
                break
        return True

    def _is_field_waiting(self) -> bool:
        is_waiting = False
        for _ in self._field_poller.ipoll(0):
            is_waiting = True
        return is_waiting

    def _tend(self) -> None:
        """What is rare and allocates, outside the heap guard: updates, new and ended connections, a lost port."""
        if self._device.update.wants_time:
            self._device.tend(self._board.clock.now_ms())
        sessions = self._sessions
        if sessions is not None:
            if sessions.needs_end():
                sessions.end()
            if self._accept_ready:
                sessions.accept()
        serial = self._serial
        if serial is None or not serial.is_lost:
            return
        if serial.file is not None:
            self._poller.unregister(serial.file)
            serial.close()
        now_ms = self._board.clock.now_ms()
        if ticks_diff(now_ms, self._reopen_ms) >= 0:
            self._reopen_ms = ticks_add(now_ms, _REOPEN_MS)
            if serial.open():
                self._poller.register(serial.file, select.POLLIN)

    def _open_serial(self, path: str) -> None:
        if not self._serial.open():
            raise ProvisionError(
                "tty {} cannot be opened: start the line first or correct the provision file".format(path)
            )
        self._poller.register(self._serial.file, select.POLLIN)

    def _listen(self, port: int) -> None:
        try:
            self._sessions = TcpSessions(_HOST, port, self._poller)
        except OSError:
            raise ProvisionError(  # noqa: B904
                "tcp_port {} is in use: choose another port or stop the other program".format(port)
            )
        self._board.sessions = self._sessions


def _restart() -> None:
    sys.exit(_STATUS_RESTART)


def _fail(status: int, error: Exception) -> None:
    sys.stderr.write("{}\n".format(error))
    sys.exit(status)
