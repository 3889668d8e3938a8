"""The power module's end of a charging post's field line: setpoints taken, status told, silence acted on.

Wire face: `receive`, `advance`. Bench face: `is_silent`, `is_deaf`, `breaks_frames`, `talks_garbage`, and the plant it
drives. Knows the protocol (protocols/charger). Must not know: the post's states, any clock; time is handed in.
"""

from __future__ import annotations

from protocols.charger.power_module import (
    FRAME_SIZE,
    MODULE_FAULT,
    MODULE_OFF,
    MODULE_ON,
    PERIOD_MS,
    SETPOINT,
    SILENCE_MS,
    STATUS,
    Frame,
    FrameCollector,
    status_extra,
)
from sim_devices.plants.charging_circuit import ChargingCircuit


class PowerModuleNode:
    """One module. It has a voice only while it has mains; `wired_enable` is the post's MODULE_ENABLE line."""

    def __init__(self, circuit: ChargingCircuit) -> None:
        self.circuit = circuit
        self.wired_enable = False
        self.is_silent = False
        self.is_deaf = False
        self.breaks_frames = False
        self.talks_garbage = False
        self._collector = FrameCollector(SETPOINT)
        self._frame = Frame()
        self._frame.kind = STATUS
        self._heard_ms = -SILENCE_MS
        self._said_ms = 0
        self._enabled = False

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take what the post said."""
        if self.is_deaf or not self.circuit.module.mains:
            return
        collector = self._collector
        for byte in data:
            if collector.on_byte(byte):
                self._heard_ms = now_ms
                self._enabled = bool(collector.frame.flags & 1)
                self.circuit.module.set_v = collector.frame.voltage_v_x10 / 10.0
                self.circuit.module.set_a = collector.frame.current_a_x10 / 10.0

    def advance(self, now_ms: int) -> bytes:
        """Act on wire, setpoint and silence; return the status frame that is due, b"" for none."""
        module = self.circuit.module
        heard = now_ms - self._heard_ms < SILENCE_MS
        module.enabled = self._enabled and heard and self.wired_enable
        if not module.mains:
            self._heard_ms = now_ms - SILENCE_MS
            self._enabled = False
            return b""
        if now_ms - self._said_ms < PERIOD_MS or self.is_silent:
            return b""
        self._said_ms = now_ms
        return self._say()

    def _say(self) -> bytes:
        module = self.circuit.module
        frame = self._frame
        frame.counter = (frame.counter + 1) & 0xFF
        frame.flags = MODULE_FAULT if module.fault else (MODULE_ON if module.enabled else MODULE_OFF)
        frame.voltage_v_x10 = round(self.circuit.bus_v * 10.0)
        frame.current_a_x10 = round(module.current_a * 10.0)
        frame.extra = status_extra(self._collector.frame.counter, round(module.temp_c))
        data = bytearray(FRAME_SIZE)
        frame.pack(data)
        if self.breaks_frames:
            data[5] ^= 0x10
        if self.talks_garbage:
            data = bytearray((byte * 73 + frame.counter) & 0xFF for byte in data)
        return bytes(data)
