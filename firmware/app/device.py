"""The device: composition of one role on one board, and the slice of work a board's loop calls again and again.

Knows the order of a scan: command, inputs, control core, outputs, publication, watchdog. Must not know which board or
role it runs. The board owns the loop and the clock; nothing here waits.

*Poll*: one slice, at most one request answered and at most one scan. *Scan*: one pass of the control core.
"""

from firmware.app.auth import find_key_id
from firmware.app.commands import Commands
from firmware.app.comms import WAIT_NONE, RtuService
from firmware.app.comms_tcp import TcpService
from firmware.app.field_line import FieldLine
from firmware.app.health import Health
from firmware.app.hub import HubWatch
from firmware.app.identity import FIRMWARE_VERSION, Identity
from firmware.app.monotonic import MonotonicTicks
from firmware.app.publish import HEADER, Publisher
from firmware.app.roles import Role
from firmware.app.schedule import Schedule
from firmware.app.settings import Settings
from firmware.app.sparse import StepGate
from firmware.app.update import Update
from firmware.app.watchdog import COMMS_RAN, OUTPUTS_TAKEN, SCAN_RAN, Supervisor
from firmware.control.events import EventRing
from firmware.control.rows import make_row
from firmware.ports import NullBoard
from protocols.compat import const, ticks_diff
from protocols.events import SLOT_SIZE
from protocols.modbus.image import RegisterImage
from protocols.modbus.server import ModbusServer

_U16_MAX = const(65535)


class Device:
    """One running device. Public attributes are for tests and boards to look at, not to change.

    `kept` counts how often something was stored for the core, wrapping at 2**16. `scan_wait_us` is from a poll that
    waits to the next scan, whatever is received.
    """

    def __init__(self, board: NullBoard, role: Role, identity: Identity) -> None:
        """Drive the outputs safe before anything else, then load the settings and compose. May block for the store."""
        regmap = role.regmap
        self.board = board
        self.settings = Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE)
        protocol = role.choose_protocol(identity.line_protocol)
        self._safe = _drive_safe(board, role, self.settings.values, protocol)
        self.settings.load(board.store, board.entropy)
        self.image = RegisterImage(
            regmap.COIL_COUNT, regmap.DISCRETE_COUNT, regmap.HOLDING_COUNT, regmap.INPUT_COUNT, regmap.WRITABLE
        )
        ring_at = regmap.RING_ADDRESS * 2
        ring_data = memoryview(self.image.inputs)[ring_at : ring_at + regmap.RING_CAPACITY * SLOT_SIZE]
        self.ring = EventRing(ring_data, regmap.RING_CAPACITY)
        self.core = role.make_core(self.settings.values, self.ring, protocol)
        if hasattr(self.core, "bind_registers"):
            self.core.bind_registers(self.image.inputs)
        self.update = Update(regmap, self.image, self.ring, board.slots, board.store, identity)
        self.server = ModbusServer(self.image, _identification(identity), self.update, regmap.UPDATE_WINDOW_ADDRESS)
        self.rtu = RtuService(board.uart, identity.unit_id, identity.baud, self.server)
        self.tcp = TcpService(board.sessions, identity.unit_id, self.server)
        self.commands = Commands(regmap, self.settings, self.ring, identity, role.sealed, self.update)
        self.keeper = role.make_keeper(board.store, self.settings, self.ring, identity.key)
        if self.keeper is not None:
            self.keeper.start(self.core, board.reset_cause)
        self.schedule = Schedule()
        self._ms, self._us = MonotonicTicks(), MonotonicTicks()
        self.field_line = FieldLine(board.field_line, self.core.line)
        self.gate = StepGate(self.core)
        self.hub = HubWatch(self.ring, regmap.EV_HUB_LOST, regmap.EV_HUB_BACK)
        self.health = Health(regmap, self.ring)
        self.supervisor = Supervisor(board.watchdog)
        self.publisher = Publisher(regmap, self.image, self.settings, len(self.core.inputs))
        self._header = make_row(len(HEADER), 0)
        self.publisher.put_identity(identity.serial, find_key_id(identity.key), FIRMWARE_VERSION, board.reset_cause)
        self.kept = self.scan_wait_us = 0
        self._role = role
        self._map = regmap
        self._write_count = self.image.write_count
        self._started = False
        self._board_ms = 0

    def poll(self, now_ms: int, now_us: int) -> int:
        """Do one slice at the ticks `now_ms` and `now_us`; return for how many us nothing can happen without input.

        Ticks that go back count as no time at all. Allocates nothing, except that it lifts the heap guard to
        authenticate and store a command. A program error drives the outputs safe and is raised: the board must reset.
        """
        try:
            self._board_ms = now_ms
            return self._poll(self._ms.follow(now_ms), self._us.follow(now_us))
        except Exception:
            self.board.output_port.write(self._safe, now_ms)
            raise

    def _poll(self, now_ms: int, now_us: int) -> int:
        if not self._started:
            self._start(now_ms)
        self.board.output_port.expire(self._board_ms)
        self._set_time(now_ms)
        self.field_line.poll(now_ms)
        self._serve(now_ms, now_us)
        commanded = self.image.write_count != self._write_count
        if self.schedule.is_due(now_ms):
            self._note_lateness(now_ms)
            self._scan(now_ms, commanded)
        elif commanded:  # at once, so that a second command cannot overwrite the first
            self._scan(now_ms, commanded)
        self.supervisor.poll()
        return self._wait_us(now_ms, now_us)

    def tend(self, now_ms: int) -> None:
        """Do one slice of an update, outside of the heap guard; a board calls it between polls, its line being idle.

        May block as long as flash does, so it does nothing while something moves.
        """
        core = self.core
        if self._started and not self._role.is_moving(core.outputs):
            self.update.tend(now_ms, self._role.is_at_rest(core), self.health.value != self._map.HEALTH_FAILURE)

    def _start(self, now_ms: int) -> None:
        self._started = True
        self.schedule.start(now_ms)
        self.hub.start(now_ms)
        self.publisher.put_settings()
        self._show_inputs()
        self.ring.push(self._map.EV_BOOT, self.board.reset_cause)

    def _show_inputs(self) -> None:
        """Show what is wired before the first scan judges it: that scan must not last longer than others."""
        core = self.core
        self.board.input_port.read_into(core.inputs, core.quality)
        self.publisher.put_role(core.status, core.inputs, core.outputs)

    def _serve(self, now_ms: int, now_us: int) -> None:
        """Answer at most one request, the serial line first."""
        delay_us = self.settings.values[self._map.SET_REPLY_DELAY_MS] * 1000
        if self.rtu.poll(now_us, delay_us) or self.tcp.poll(now_ms):
            self.hub.on_contact()
            self.update.heard = True
        self.supervisor.prove(COMMS_RAN)

    def _note_lateness(self, now_ms: int) -> None:
        if self.schedule.begin(now_ms, self.settings.values[self._map.SET_SCAN_PERIOD_MS]):
            self.ring.push(self._map.EV_SCAN_OVERRUN, self.schedule.last_us)

    def _scan(self, now_ms: int, commanded: bool) -> None:
        """Command, inputs, core, outputs, publication: in this order, every time.

        The command comes first because it may wait for the store, and the core must not judge inputs of before.
        """
        board = self.board
        core = self.core
        started_us = board.clock.now_us()
        if commanded:
            self._take_command()
        board.input_port.read_into(core.inputs, core.quality)
        self.hub.step(now_ms, self.settings.values[self._map.SET_HUB_TIMEOUT_MS])
        core.hub_alive = self.hub.alive
        if self.gate.must_step(now_ms, self.settings, self.field_line.heard):
            self._step(now_ms)
        self.supervisor.prove(SCAN_RAN)
        if board.output_port.write(core.outputs, self._board_ms):  # their age is told by the board's own clock
            self.supervisor.prove(OUTPUTS_TAKEN)
        self.health.step(core.health, core.reasons, self.settings, self.schedule.has_many_overruns())
        self.schedule.end(max(0, ticks_diff(board.clock.now_us(), started_us)))
        self._publish_header()

    def _step(self, now_ms: int) -> None:
        """Ask the core, keep what it wants kept, show what it decided."""
        core = self.core
        requested = core.request_opcode
        self.field_line.heard = False
        core.step(now_ms)
        self.gate.note_step(now_ms, self.settings)
        if self.keeper is not None and core.pending():
            self._keep()
            self.gate.open()  # what was stored may be a setting, and the core has its answer to show
        if requested:
            self.commands.on_core_result(core.request_result)
        self.publisher.put_role(core.status, core.inputs, core.outputs)

    def _set_time(self, now_ms: int) -> None:
        self.schedule.advance(now_ms)
        self.ring.uptime_s = self.schedule.uptime_s
        self.ring.millisecond = self.schedule.millisecond

    def _take_command(self) -> None:
        """Judge the written block outside the heap guard: hashing and storing allocate, and commands are rare."""
        self._write_count = self.image.write_count
        self.board.heap.unlock()
        try:
            is_moving = self._role.is_moving(self.core.outputs)
            at_rest = self._role.is_at_rest(self.core)
            self.commands.take(self.image.holdings, self._map.COMMAND_ADDRESS * 2, is_moving, at_rest)
            self.publisher.put_settings()
        finally:
            self.board.heap.lock()
        self.core.request_opcode = self.commands.request_opcode
        self.core.request_argument = self.commands.request_argument
        self.commands.request_opcode = 0

    def _keep(self) -> None:
        """Store what the core waits for, outside the heap guard like a command."""
        self.board.heap.unlock()
        try:
            self.keeper.serve(self.core)
            self.kept = (self.kept + 1) & 0xFFFF
            self.publisher.put_settings()
        finally:
            self.board.heap.lock()

    def _publish_header(self) -> None:
        """The header's points in the order of HEADER; those that saturate do so here."""
        values = self._header
        commands = self.commands
        schedule = self.schedule
        values[0] = schedule.uptime_s
        values[1] = self.ring.head
        values[2] = self.health.value
        values[3] = self.health.reasons
        values[4] = min(schedule.last_us, _U16_MAX)
        values[5] = min(schedule.max_us, _U16_MAX)
        values[6] = schedule.overruns
        values[7] = self.rtu.collector.crc_errors
        values[8] = (self.rtu.served + self.tcp.served) & 0xFFFF
        values[9] = self.settings.offered_epoch()
        values[10] = commands.counter
        values[11] = commands.result
        values[12] = commands.opcode
        values[13] = commands.accepted
        values[14] = commands.rejected
        values[15] = min(self.hub.age_ms, _U16_MAX)
        values[16] = commands.nonce_done
        self.publisher.put_header(values)

    def _wait_us(self, now_ms: int, now_us: int) -> int:
        if self.tcp.has_more():
            return 0
        self.scan_wait_us = scan_us = self.schedule.wait_us(now_ms)
        line_us = self.rtu.wait_us(now_us)
        return scan_us if line_us == WAIT_NONE else min(scan_us, line_us)


def _drive_safe(board: NullBoard, role: Role, values: list[int], protocol: str) -> list[int]:
    """Tell the board the role's safe outputs, which it drives from now on; return them.

    Asks a core of its own for them, since the one that will run may only be built from the loaded settings.
    """
    regmap = role.regmap
    safe = [0] * regmap.OUT_COUNT
    role.make_core(values, EventRing(bytearray(SLOT_SIZE), 1), protocol).safe_outputs(safe)
    board.output_port.define_safe(safe)
    return safe


def _identification(identity: Identity) -> tuple[bytes, ...]:
    """Objects 0 to 4 of Modbus device identification."""
    version = "{}.{}".format(FIRMWARE_VERSION >> 8, FIRMWARE_VERSION & 0xFF)
    return (b"smartgate", identity.role.encode(), version.encode(), b"", b"smartgate " + identity.role.encode())
