"""The post's side of the power module's line: setpoints out, measurements in, both as heartbeats.

Knows frames (protocols.charger.power_module) and their pace; must not know states or limits. To the core this is an
input image of two values, `sequence` and `state`, that changes between scans, and the place to put the setpoints. What
the codec remembers is transport only and never decides anything.
"""

from protocols.charger import power_module as wire
from protocols.compat import ticks_diff
from protocols.registers import charging_post as reg


class ModuleLine:
    """`sequence` moves (modulo 256) with every status frame that proves the module alive and listening.

    `state` is MODULE_STATE_* of the last frame, SILENT before the first.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.state = reg.MODULE_STATE_SILENT
        self.errors = 0
        self._collector = wire.FrameCollector(wire.STATUS)
        self._setpoint = wire.Frame()
        self._setpoint.kind = wire.SETPOINT
        self._seen_counter = -1
        self._seen_heard = -1
        self._sent_ms = 0
        self._is_due = False

    def receive(self, data: bytes | bytearray | memoryview, size: int, now_ms: int) -> None:
        """Take the first `size` bytes of `data`; garbage is counted in `errors`."""
        collector = self._collector
        for index in range(size):
            if collector.on_byte(data[index]):
                self._take_status(collector.frame)
        self.errors = collector.errors

    def transmit(self, data: bytearray) -> int:
        """Write the setpoint frame that is due to the start of `data`; returns its size, 0 for none."""
        if not self._is_due:
            return 0
        self._is_due = False
        frame = self._setpoint
        frame.counter = (frame.counter + 1) & 0xFF
        return frame.pack(data)

    def demand(self, now_ms: int, enable: int, voltage_v_x10: int, current_a_x10: int) -> None:
        """Set what the module is told: at once when it changed, otherwise every PERIOD_MS."""
        frame = self._setpoint
        changed = frame.flags != enable or frame.current_a_x10 != current_a_x10 or frame.voltage_v_x10 != voltage_v_x10
        if changed or ticks_diff(now_ms, self._sent_ms) >= wire.PERIOD_MS or ticks_diff(now_ms, self._sent_ms) < 0:
            frame.flags = enable
            frame.voltage_v_x10 = voltage_v_x10
            frame.current_a_x10 = current_a_x10
            self._sent_ms = now_ms
            self._is_due = True

    def _take_status(self, frame: wire.Frame) -> None:
        """A module that counts but no longer hears its setpoints is as good as silent."""
        heard = wire.heard_counter(frame.extra)
        if frame.counter != self._seen_counter and heard != self._seen_heard:
            self.sequence = (self.sequence + 1) & 0xFF
        self._seen_counter = frame.counter
        self._seen_heard = heard
        state = frame.flags & 3
        self.state = state if state != reg.MODULE_STATE_SILENT else reg.MODULE_STATE_FAULT
