"""A barrier core on the bench: default settings, a boom that follows the motor, safety devices that answer their tests.

Knows the core's images and a boom of constant speed; the real physics stand in sim_devices. Dual-run.
"""

import struct

from firmware.control.barrier import Barrier
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import barrier as reg

SCAN_MS = 10
TICKS_MASK = 0x3FFFFFFF
RING_CAPACITY = 64
# Energised while everything is well and nobody is there.
IDLE_INPUTS = (
    reg.IN_STOP_CHAIN_OK,
    reg.IN_CURTAIN_CLEAR,
    reg.IN_LOOPS_OK,
    reg.IN_EDGE_OK,
    reg.IN_ARM_INTACT,
    reg.IN_DRIVE_OK,
    reg.IN_MAINS_OK,
)


def default_settings() -> list[int]:
    """The settings of a device as delivered."""
    size = struct.calcsize(">HBBiii")
    return [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, i * size)[5] for i in range(reg.SETTING_COUNT)]


class BarrierBench:
    """One core, its boom and its safety devices; scans every SCAN_MS unless told otherwise.

    Unless `is_fresh`, it has been running for long: nothing is bridged from the boot on.
    """

    def __init__(self, position_ms: int = 0, now_ms: int = 0, is_fresh: bool = False) -> None:
        self.settings = default_settings()
        self.ring_data = bytearray(RING_CAPACITY * SLOT_SIZE)
        self.ring = EventRing(self.ring_data, RING_CAPACITY)
        self.core = Barrier(self.settings, self.ring)
        self.core.hub_alive = 1
        if not is_fresh:
            self.core.memory.presence = 0
        self.now_ms = now_ms
        self.travel_ms = 2000
        self.position_ms = position_ms  # 0 closed, travel_ms open
        self.boom_free = True
        self.limit_open_sticks = False
        self.curtain_answers = True
        self.curtain_blocked = False
        self.edge_answers = True
        self.edge_pressed = False
        self.loop_answers = True
        self.loop_occupied = False
        self.events_read = 0
        self.tested_before = [0] * reg.OUT_COUNT
        for index in range(reg.IN_COUNT):
            self.core.quality[index] = 0
        for index in IDLE_INPUTS:
            self.core.inputs[index] = 1
        self.follow(0)
        self.scan()

    def scan(self) -> None:
        """Step once at the present time, without moving the time."""
        self.core.step(self.now_ms)

    def run(self, duration_ms: int) -> None:
        """Scan every SCAN_MS for duration_ms, the boom following the motor."""
        for _ in range(duration_ms // SCAN_MS):
            self.now_ms = (self.now_ms + SCAN_MS) & TICKS_MASK
            self.follow(SCAN_MS)
            self.scan()

    def follow(self, elapsed_ms: int) -> None:
        """Move the boom by elapsed_ms of the present motor outputs, then set limits and safety devices.

        Loop and edge stay as `put` left them while nobody tests them.
        """
        outputs = self.core.outputs
        if self.boom_free:
            moved = (outputs[reg.OUT_MOTOR_OPEN] - outputs[reg.OUT_MOTOR_CLOSE]) * elapsed_ms
            self.position_ms = max(0, min(self.travel_ms, self.position_ms + moved))
        inputs = self.core.inputs
        inputs[reg.IN_LIMIT_CLOSED] = 1 if self.position_ms <= 0 else 0
        inputs[reg.IN_LIMIT_OPEN] = 1 if self.limit_open_sticks or self.position_ms >= self.travel_ms else 0
        dark = self.curtain_blocked or (self.curtain_answers and outputs[reg.OUT_CURTAIN_TEST])
        inputs[reg.IN_CURTAIN_CLEAR] = 0 if dark else 1
        self._answer(reg.OUT_EDGE_TEST, reg.IN_EDGE_OK, 0 if self.edge_answers else 1, 0 if self.edge_pressed else 1)
        self._answer(reg.OUT_LOOP_TEST, reg.IN_SAFETY_LOOP, int(self.loop_answers), int(self.loop_occupied))

    def _answer(self, output: int, index: int, active: int, idle: int) -> None:
        """The input of a tested device while its test runs, and once more when it is let go."""
        tested = self.core.outputs[output]
        if tested:
            self.core.inputs[index] = active
        elif self.tested_before[output]:
            self.core.inputs[index] = idle
        self.tested_before[output] = tested

    def put(self, index: int, value: int) -> None:
        """Set one input and scan at once."""
        self.core.inputs[index] = value
        self.scan()

    def spoil(self, index: int, quality: int) -> None:
        """Set one input's quality and scan at once."""
        self.core.quality[index] = quality
        self.scan()

    def command(self, opcode: int) -> int:
        """Give a command, scan at once, and return its result."""
        self.core.request_opcode = opcode
        self.scan()
        return self.core.request_result

    def open(self) -> None:
        """Open by command and wait until the boom rests."""
        self.command(reg.OP_OPEN)
        self.run(self.travel_ms + 1000)

    def close_halfway(self) -> None:
        """Close by command until the boom is on its way down in the middle."""
        self.command(reg.OP_CLOSE)
        self.run(self.settings[reg.SET_PREFLASH_MS] + self.travel_ms // 2)

    def state(self) -> int:
        """STATE_* of the last scan."""
        return self.core.status[reg.ST_STATE]

    def lights(self) -> int:
        """LIGHTS_* of the last scan."""
        return self.core.status[reg.ST_LIGHTS]

    def has_fault(self, number: int) -> bool:
        """Whether the fault of this bit number is latched."""
        return self.core.status[reg.ST_FAULTS] & (1 << number) != 0

    def motors(self) -> str:
        """'-', 'open', 'close', or 'both' for what must never be."""
        outputs = self.core.outputs
        if outputs[reg.OUT_MOTOR_OPEN]:
            return "both" if outputs[reg.OUT_MOTOR_CLOSE] else "open"
        return "close" if outputs[reg.OUT_MOTOR_CLOSE] else "-"

    def events(self) -> list[tuple[int, int]]:
        """(code, argument) of every event since the last call."""
        found = []
        while self.events_read < self.ring.head:
            offset = (self.events_read % RING_CAPACITY) * SLOT_SIZE
            slot = struct.unpack_from(">IIHHi", self.ring_data, offset)
            self.events_read += 1
            found.append((slot[3], slot[4]))
        return found
