"""The field of one charging post, wired to its node: sensors to inputs, outputs to motors, contactors and the module.

Wire face: `inputs`, `apply_outputs`, `drop_outputs`, `receive`, `take`. Bench face: `switches`, `insulation_ok`,
`imd_tests`, `post_heat_c`, `plate_heat_c`, the plant as `bay`, the module as `module`. Knows which sensor is wired to
which input, in the order of the register map and of the analogue inputs behind it. Must not know: how a node is run,
Modbus, any clock; time is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocols.registers import charging_post as reg
from sim_devices.devices.power_module import PowerModuleNode
from sim_devices.plants.battery import LEAD, LFP, NMC
from sim_devices.plants.charging_bay import ChargingBay

STEP_US = 5000
VEHICLE_FRAME_MS = 100
IMD_TEST_S = 3.0
ANALOGUE_COUNT = 14
_CLASSES = {LFP: 1, NMC: 2, LEAD: 3}
_SENSED_AT = 0.999
# Bench switches, wired straight to an input of their name, as they are in a healthy post.
SWITCHES = {
    reg.IN_STOP_CHAIN_OK: 1,
    reg.IN_STOP_BUTTON_OK: 1,
    reg.IN_PANEL_CLOSED: 1,
    reg.IN_LOCAL_MODE: 0,
    reg.IN_LOCAL_EXTEND: 0,
    reg.IN_LOCAL_RETRACT: 0,
}


class ChargingField:
    """One post's plant, sensors and module. The emergency stop chain cuts coil, module and motors by itself."""

    def __init__(self, bay: ChargingBay | None = None) -> None:
        self.bay = bay or ChargingBay()
        self.module = PowerModuleNode(self.bay.circuit)
        self.switches = dict(SWITCHES)
        self.insulation_ok = True
        self.imd_tests = True
        self.post_heat_c = 0  # what the sensors read above what the charge heats
        self.plate_heat_c = 0
        self.now_us = 0
        self._outputs = [0] * reg.OUT_COUNT
        self._said = bytearray()
        self._sequence = 0
        self._imd_s = 0.0
        self._imd_before = 0

    def advance_to(self, now_us: int) -> None:
        """Move everything up to `now_us` in whole steps of STEP_US; what is left waits for the next call."""
        while self.now_us + STEP_US <= now_us:
            self.now_us += STEP_US
            self._drive()
            self._said += self.module.advance(self.now_us // 1000)
            self.bay.advance(STEP_US / 1e6)
            self._run_imd()
            if self.now_us % (VEHICLE_FRAME_MS * 1000) == 0 and self.bay.vehicle and self.bay.vehicle.sends:
                self._sequence = (self._sequence + 1) & 0xFFFF

    def inputs(self) -> list[int]:
        """Input values in the order of the role's input image."""
        bay = self.bay
        values = [0] * reg.IN_COUNT
        for index, value in self.switches.items():
            values[index] = value
        values[reg.IN_VEHICLE_PRESENT] = int(bay.vehicle is not None)
        values[reg.IN_ARM_EXTENDED] = int(bay.position >= _SENSED_AT)
        values[reg.IN_ARM_RETRACTED] = int(bay.position <= 1.0 - _SENSED_AT)
        values[reg.IN_CONTACT_PRESSED] = int(bay.pressed)
        values[reg.IN_CONTACTOR_AUX] = int(bay.circuit.main.auxiliary)
        values[reg.IN_IMD_READY] = int(self._imd_s <= 0.0)
        values[reg.IN_IMD_OK] = int(self.insulation_ok)
        return values + self._measured() + self._frame()

    def apply_outputs(self, outputs: Sequence[int]) -> None:
        """Let the node drive the field; `outputs` holds 0 or 1 in map order."""
        if len(outputs) != reg.OUT_COUNT:
            raise ValueError(f"charging_post has {reg.OUT_COUNT} outputs, not {len(outputs)}")
        self._outputs = list(outputs)

    def drop_outputs(self) -> None:
        """The node is gone: everything falls off."""
        self.apply_outputs([0] * reg.OUT_COUNT)

    def receive(self, data: bytes) -> None:
        """Take what the node said on its field line."""
        self.module.receive(data, self.now_us // 1000)

    def take(self) -> bytes:
        """What the module said on the field line since the last call."""
        data = bytes(self._said)
        self._said.clear()
        return data

    def _drive(self) -> None:
        bay = self.bay
        chain = self.switches[reg.IN_STOP_CHAIN_OK] != 0
        on = [bool(value) and chain for value in self._outputs]
        bay.circuit.main.coil = on[reg.OUT_CONTACTOR]
        bay.circuit.precharge.coil = on[reg.OUT_PRECHARGE]
        bay.circuit.module.mains = on[reg.OUT_MODULE_POWER]
        self.module.wired_enable = on[reg.OUT_MODULE_ENABLE]
        bay.extend = on[reg.OUT_ARM_EXTEND]
        bay.retract = on[reg.OUT_ARM_RETRACT]
        bay.asks_vehicle = bool(self._outputs[reg.OUT_VEHICLE_CONNECT])

    def _run_imd(self) -> None:
        asked = self._outputs[reg.OUT_IMD_TEST]
        if asked and not self._imd_before and self.imd_tests:
            self._imd_s = IMD_TEST_S
        self._imd_before = asked
        self._imd_s = max(self._imd_s - STEP_US / 1e6, 0.0)

    def _measured(self) -> list[int]:
        circuit = self.bay.circuit
        volts = [circuit.plate_v, circuit.bus_v, circuit.current_a]
        heat = [self.bay.post_c + self.post_heat_c, self.bay.plate_c + self.plate_heat_c]
        return [round(value * 10.0) for value in (*volts, *heat)]

    def _frame(self) -> list[int]:
        """The last frame the receiver decoded; what a vehicle that is gone said last stays in it."""
        vehicle = self.bay.vehicle
        if vehicle is None:
            return [self._sequence] + [0] * (ANALOGUE_COUNT - 6)
        battery = vehicle.battery
        measured_v = battery.terminal_v(self.bay.circuit.current_a) + vehicle.reported_offset_v
        return [
            self._sequence,
            int(vehicle.wants_charge) | int(vehicle.fault) << 1,
            vehicle.vehicle_id,
            _CLASSES.get(battery.spec.chemistry, 0),
            round(measured_v * 10.0),
            round(battery.charge_v * 10.0),
            round(battery.spec.max_a * 10.0),
            round(battery.temp_c * 10.0),
            round(battery.soc * 1000.0),
        ]
