"""The post's side of the power module's line: when it speaks, and what it takes for a living module."""

import unittest

from firmware.control.charging_post_module import ModuleLine
from protocols.charger.power_module import (
    FRAME_SIZE,
    MODULE_FAULT,
    MODULE_ON,
    SETPOINT,
    STATUS,
    Frame,
    FrameCollector,
    status_extra,
)
from protocols.registers import charging_post as reg


def status(counter: int, heard: int, state: int = MODULE_ON) -> bytearray:
    frame = Frame()
    frame.kind = STATUS
    frame.counter = counter
    frame.flags = state
    frame.extra = status_extra(heard, 40)
    buffer = bytearray(FRAME_SIZE)
    frame.pack(buffer)
    return buffer


class TestModuleLine(unittest.TestCase):
    def test_setpoint_is_sent_at_once_when_it_changes_and_otherwise_every_100_ms(self) -> None:
        line = ModuleLine()
        data = bytearray(64)
        sent = []
        for now_ms in range(0, 1000, 10):
            line.demand(now_ms, 1, 560, 100 if now_ms < 550 else 90)
            if line.transmit(data):
                sent.append(now_ms)
            self.assertEqual(line.transmit(data), 0)
        self.assertEqual(sent, [0, 100, 200, 300, 400, 500, 550, 650, 750, 850, 950])

    def test_module_reads_what_the_post_demands(self) -> None:
        line = ModuleLine()
        data = bytearray(64)
        line.demand(0, 1, 560, 400)
        size = line.transmit(data)
        module = FrameCollector(SETPOINT)
        self.assertEqual([at for at in range(size) if module.on_byte(data[at])], [size - 1])
        self.assertEqual((module.frame.voltage_v_x10, module.frame.current_a_x10, module.frame.flags), (560, 400, 1))

    def test_new_line_has_nothing_to_say_until_a_demand_or_a_period(self) -> None:
        line = ModuleLine()
        self.assertEqual((line.sequence, line.errors, line.transmit(bytearray(64))), (0, 0, 0))
        for now_ms, size in ((0, 0), (99, 0), (100, FRAME_SIZE), (100, 0)):
            line.demand(now_ms, 0, 0, 0)
            self.assertEqual(line.transmit(bytearray(64)), size, now_ms)

    def test_each_value_of_the_demand_is_told_at_once_when_it_alone_changes(self) -> None:
        line = ModuleLine()
        for demand in ((1, 0, 0), (1, 560, 0), (1, 560, 400), (0, 560, 400)):
            line.demand(0, *demand)
            self.assertEqual(line.transmit(bytearray(64)), FRAME_SIZE, demand)
            line.demand(0, *demand)
            self.assertEqual(line.transmit(bytearray(64)), 0, demand)

    def test_a_clock_that_goes_back_starts_the_pace_anew(self) -> None:
        line = ModuleLine()
        for now_ms, size in ((5000, FRAME_SIZE), (4999, FRAME_SIZE), (5098, 0), (5099, FRAME_SIZE)):
            line.demand(now_ms, 1, 560, 400)
            self.assertEqual(line.transmit(bytearray(64)), size, now_ms)

    def test_setpoints_are_counted_modulo_256(self) -> None:
        line = ModuleLine()
        data = bytearray(64)
        module = FrameCollector(SETPOINT)
        for number in range(1, 300):
            line.demand(number * 100, 1, 560, 400)
            for at in range(line.transmit(data)):
                module.on_byte(data[at])
            self.assertEqual(module.frame.counter, number & 0xFF)

    def test_first_status_of_any_counter_is_a_heartbeat_and_beats_are_counted_modulo_256(self) -> None:
        for counter, heard in ((0, 1), (1, 0), (1, 1), (0, 0)):
            line = ModuleLine()
            line.receive(status(counter, heard), FRAME_SIZE, 0)
            self.assertEqual(line.sequence, 1)
        for number in range(2, 300):
            line.receive(status(number & 0xFF, number & 0xFF), FRAME_SIZE, 0)
            self.assertEqual(line.sequence, number & 0xFF)

    def test_only_a_status_that_counts_and_hears_is_a_heartbeat(self) -> None:
        line = ModuleLine()
        self.assertEqual(line.state, reg.MODULE_STATE_SILENT)
        for counter, heard, beats in ((1, 1, 1), (1, 2, 1), (2, 2, 1), (3, 3, 2), (255, 4, 3), (0, 5, 4)):
            line.receive(status(counter, heard), FRAME_SIZE, 0)
            self.assertEqual(line.sequence, beats, (counter, heard))
        self.assertEqual(line.state, reg.MODULE_STATE_ON)
        line.receive(status(9, 9, MODULE_FAULT), FRAME_SIZE, 0)
        self.assertEqual(line.state, reg.MODULE_STATE_FAULT)
        line.receive(status(10, 10, 3), FRAME_SIZE, 0)  # a state there is not
        self.assertEqual(line.state, reg.MODULE_STATE_FAULT)

    def test_garbage_is_counted_and_moves_nothing(self) -> None:
        line = ModuleLine()
        garbage = bytes([0xA5, 0x41] + [7] * 10)
        for _ in range(10):
            line.receive(garbage, len(garbage), 0)
        self.assertEqual(line.errors, 10)
        self.assertEqual(line.sequence, 0)
        self.assertEqual(line.state, reg.MODULE_STATE_SILENT)


if __name__ == "__main__":
    unittest.main()
