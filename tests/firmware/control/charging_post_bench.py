"""A charging post's core on the bench: default settings and a field that answers its outputs as a healthy post's would.

Knows the core's images and the simplest field: an arm of constant speed, contacts that close after a moment, a bus
that charges and bleeds exponentially, a module that does at once what it is told, a battery of constant voltage until
it is full. The real physics stand in sim_devices. Every part can be told to fail. Dual-run.
"""

import struct

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import (
    FLAG_READY,
    IN_BUS_V,
    IN_CURRENT_A,
    IN_PLATE_TEMP_C,
    IN_PLATE_V,
    IN_POST_TEMP_C,
    IN_VEHICLE_BATTERY_V,
    IN_VEHICLE_CHEMISTRY,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_ID,
    IN_VEHICLE_MAX_A,
    IN_VEHICLE_MAX_V,
    IN_VEHICLE_SEQUENCE,
    IN_VEHICLE_SOC,
    IN_VEHICLE_TEMP_C,
    INPUT_COUNT,
)
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg

SCAN_MS = 10
TICKS_MASK = 0x3FFFFFFF
RING_CAPACITY = 64
BATTERY_V_X10 = 480
VEHICLE_ID = 4711
ARM_MS = 1000
CONTACT_LAG_MS = 30
IMD_TEST_MS = 2000
FRAME_MS = 100
BLEED_MS = 400
# Energised while everything is well and nobody is there.
IDLE_INPUTS = (
    reg.IN_STOP_CHAIN_OK,
    reg.IN_STOP_BUTTON_OK,
    reg.IN_PANEL_CLOSED,
    reg.IN_ARM_RETRACTED,
    reg.IN_IMD_READY,
    reg.IN_IMD_OK,
)


def default_settings() -> list[int]:
    """The settings of a device as delivered."""
    size = struct.calcsize(">HBBiii")
    return [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, i * size)[5] for i in range(reg.SETTING_COUNT)]


class PostField:
    """The field of one post. Attributes are for tests to set; `follow` moves time and fills a core's inputs."""

    def __init__(self) -> None:
        self.vehicle = False
        self.vehicle_sends = True
        self.vehicle_obeys = True  # its own contactor follows VEHICLE_CONNECT
        self.module_answers = True
        self.module_obeys = True  # gives no current without enable
        self.module_fault = False
        self.welded = False
        self.contactor_moves = True
        self.arm_moves = True
        self.pressure = True
        self.stray_metal = False
        self.precharge_works = True
        self.imd_tests = True
        self.insulation = True
        self.is_full = False
        self.battery_v_x10 = BATTERY_V_X10
        self.arm_ms = 0  # 0 retracted
        self.contactor_ms = 0  # 0 open
        self.bus_v_x10 = 0
        self.current_a_x10 = 0
        self.imd_ms = -1
        self.frame_ms = 0
        self.imd_before = 0

    def follow(self, core: ChargingPost, elapsed_ms: int) -> None:
        """Let `elapsed_ms` pass with the core's outputs as they are, then set the core's inputs."""
        outputs = core.outputs
        if self.arm_moves:
            moved = (outputs[reg.OUT_ARM_EXTEND] - outputs[reg.OUT_ARM_RETRACT]) * elapsed_ms
            self.arm_ms = max(0, min(ARM_MS, self.arm_ms + moved))
        if self.contactor_moves:
            moved = elapsed_ms if outputs[reg.OUT_CONTACTOR] else -elapsed_ms
            self.contactor_ms = max(0, min(CONTACT_LAG_MS, self.contactor_ms + moved))
        self._run_imd(outputs, elapsed_ms)
        self._run_circuit(core, elapsed_ms)
        self._fill(core)
        self._send(core, elapsed_ms)

    def is_closed(self) -> bool:
        """The main contacts touch."""
        return self.welded or self.contactor_ms == CONTACT_LAG_MS

    def is_touching(self) -> bool:
        """The arm lies on the vehicle's plates."""
        return self.vehicle and self.arm_ms == ARM_MS

    def plate_v_x10(self, outputs: list[int]) -> int:
        """Voltage on the plates: the vehicle's battery, or what comes through a closed contactor."""
        connects = outputs[reg.OUT_VEHICLE_CONNECT] or not self.vehicle_obeys
        if self.is_touching() and connects and not self.stray_metal:
            return self.battery_v_x10
        return self.bus_v_x10 if self.is_closed() else 0

    def _run_imd(self, outputs: list[int], elapsed_ms: int) -> None:
        if outputs[reg.OUT_IMD_TEST] and not self.imd_before and self.imd_tests:
            self.imd_ms = IMD_TEST_MS
        self.imd_before = outputs[reg.OUT_IMD_TEST]
        if self.imd_ms >= 0:
            self.imd_ms -= elapsed_ms

    def _run_circuit(self, core: ChargingPost, elapsed_ms: int) -> None:
        outputs = core.outputs
        plate = self.plate_v_x10(outputs)
        if self.is_closed() and plate:
            self.bus_v_x10 = plate
        elif outputs[reg.OUT_PRECHARGE] and self.precharge_works:
            self.bus_v_x10 += (plate - self.bus_v_x10) * min(elapsed_ms, 100) // 100
        else:
            self.bus_v_x10 -= self.bus_v_x10 * min(elapsed_ms, BLEED_MS) // BLEED_MS
            self.bus_v_x10 = max(0, self.bus_v_x10 - (1 if elapsed_ms else 0))
        if outputs[reg.OUT_MODULE_ENABLE]:
            wanted = core.memory.set_a_x10
            self.current_a_x10 = min(wanted, 20) if self.is_full else wanted
        elif self.module_obeys or not outputs[reg.OUT_MODULE_POWER]:
            self.current_a_x10 = 0
        if not self.is_closed() or not self.is_touching():
            self.current_a_x10 = 0

    def _fill(self, core: ChargingPost) -> None:
        inputs = core.inputs
        inputs[reg.IN_VEHICLE_PRESENT] = 1 if self.vehicle else 0
        inputs[reg.IN_ARM_EXTENDED] = 1 if self.arm_ms == ARM_MS else 0
        inputs[reg.IN_ARM_RETRACTED] = 1 if self.arm_ms == 0 else 0
        inputs[reg.IN_CONTACT_PRESSED] = 1 if self.arm_ms == ARM_MS and self.vehicle and self.pressure else 0
        inputs[reg.IN_CONTACTOR_AUX] = 1 if self.is_closed() else 0
        inputs[reg.IN_IMD_READY] = 1 if self.imd_ms < 0 else 0
        inputs[reg.IN_IMD_OK] = 1 if self.insulation else 0
        inputs[IN_PLATE_V] = self.plate_v_x10(core.outputs)
        inputs[IN_BUS_V] = self.bus_v_x10
        inputs[IN_CURRENT_A] = self.current_a_x10
        inputs[IN_VEHICLE_BATTERY_V] = self.battery_v_x10

    def _send(self, core: ChargingPost, elapsed_ms: int) -> None:
        self.frame_ms += elapsed_ms
        if self.frame_ms < FRAME_MS:
            return
        self.frame_ms = 0
        if self.vehicle and self.vehicle_sends:
            core.inputs[IN_VEHICLE_SEQUENCE] = (core.inputs[IN_VEHICLE_SEQUENCE] + 1) & 0xFFFF
        if self.module_answers and core.outputs[reg.OUT_MODULE_POWER]:
            core.line.sequence = (core.line.sequence + 1) & 0xFF
            core.line.state = reg.MODULE_STATE_FAULT if self.module_fault else reg.MODULE_STATE_ON


class PostBench:
    """One core and its field; scans every SCAN_MS. Starts at rest with the boot's proofs done."""

    def __init__(self, now_ms: int = 0) -> None:
        self.settings = default_settings()
        self.ring_data = bytearray(RING_CAPACITY * SLOT_SIZE)
        self.ring = EventRing(self.ring_data, RING_CAPACITY)
        self.core = ChargingPost(self.settings, self.ring)
        self.core.hub_alive = 1
        self.field = PostField()
        self.now_ms = now_ms
        self.events_read = 0
        self.states: list[int] = []
        fill_healthy(self.core)
        self.run(400)

    def scan(self) -> None:
        """Step once at the present time, without moving the time."""
        self.core.step(self.now_ms)
        if not self.states or self.states[-1] != self.core.memory.state:
            self.states.append(self.core.memory.state)

    def run(self, duration_ms: int) -> None:
        """Scan every SCAN_MS for duration_ms, the field following."""
        for _ in range(duration_ms // SCAN_MS):
            self.now_ms = (self.now_ms + SCAN_MS) & TICKS_MASK
            self.field.follow(self.core, SCAN_MS)
            self.scan()

    def run_to(self, state: int, limit_ms: int = 60000) -> None:
        """Scan until the state is reached; an assertion when it is not within limit_ms."""
        for _ in range(limit_ms // SCAN_MS):
            if self.core.memory.state == state:
                return
            self.run(SCAN_MS)
        raise AssertionError(f"state {state} not reached, is {self.core.memory.state}")

    def command(self, opcode: int) -> int:
        """Give a command, scan once, return its result."""
        self.core.request_opcode = opcode
        self.run(SCAN_MS)
        return self.core.request_result

    def arrive(self) -> None:
        """A vehicle drives in and is noticed."""
        self.field.vehicle = True
        self.run(50)

    def charge(self, state: int = reg.STATE_CC) -> None:
        """A vehicle drives in and is charged until `state`."""
        self.arrive()
        assert self.command(reg.OP_START) == reg.COMMAND_RESULT_ACCEPTED
        self.run_to(state)

    def out(self, index: int) -> int:
        """One output as the core drives it."""
        return self.core.outputs[index]

    def fault_is(self, fault: int) -> bool:
        """Tell whether the fault word has this bit."""
        return bool(self.core.status[reg.ST_FAULTS] & (1 << fault))

    def take_events(self) -> list[tuple[int, int]]:
        """Code and argument of every event since the last call."""
        events = []
        while self.events_read < self.ring.head:
            offset = self.events_read % RING_CAPACITY * SLOT_SIZE
            code, argument = struct.unpack_from(">Hi", self.ring_data, offset + 10)
            events.append((code, argument))
            self.events_read += 1
        return events


def bench_in(state: int) -> PostBench:
    """A bench whose charge has come to `state`."""
    bench = PostBench()
    if state <= reg.STATE_CC:
        bench.charge(state)
        return bench
    bench.charge(reg.STATE_CC)
    if state <= reg.STATE_TAPER_END:
        bench.field.battery_v_x10 = 558
        bench.field.is_full = state == reg.STATE_TAPER_END
    else:
        bench.command(reg.OP_RELEASE)
    bench.run_to(state)
    return bench


def fill_healthy(core: ChargingPost) -> None:
    """Inputs of a healthy post without a vehicle, and the frame of a vehicle that would be accepted."""
    for index in range(INPUT_COUNT):
        core.inputs[index] = 0
        core.quality[index] = 0
    for index in IDLE_INPUTS:
        core.inputs[index] = 1
    core.inputs[IN_POST_TEMP_C] = 250
    core.inputs[IN_PLATE_TEMP_C] = 250
    core.inputs[IN_VEHICLE_FLAGS] = FLAG_READY
    core.inputs[IN_VEHICLE_ID] = VEHICLE_ID
    core.inputs[IN_VEHICLE_CHEMISTRY] = 1
    core.inputs[IN_VEHICLE_BATTERY_V] = BATTERY_V_X10
    core.inputs[IN_VEHICLE_MAX_V] = 560
    core.inputs[IN_VEHICLE_MAX_A] = 400
    core.inputs[IN_VEHICLE_TEMP_C] = 200
    core.inputs[IN_VEHICLE_SOC] = 300
