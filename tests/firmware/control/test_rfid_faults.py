"""What the RFID core says of itself: health and its reasons, events, flags, counters, noise on the line."""

import unittest

from firmware.control.events import EventRing
from firmware.control.rfid import Rfid
from firmware.control.rfid_reads import CAPACITY
from protocols.events import SLOT_SIZE as EVENT_SIZE
from protocols.quality import BAD, UNCERTAIN
from protocols.registers import rfid as reg
from tests.firmware.control.rfid_bench import EPC, RfidBench, default_settings
from tests.firmware.control.test_rfid_tags import quiet_bench, sight

WARNING = 1 << reg.REASONS_ROLE_WARNING
NOISY = (reg.HEALTH_MAINTENANCE_REQUIRED, WARNING)


def shown(bench: RfidBench) -> tuple[int, int]:
    """Health and its reasons."""
    return bench.core.health, bench.core.reasons


def head_bench() -> RfidBench:
    """A bench with a Wiegand head, which is never asked: all that happens is what the test does."""
    bench = RfidBench("wiegand")
    bench.settings[reg.SET_SEAL_FITTED] = 1
    bench.core.inputs[reg.IN_SEAL_CLOSED] = bench.core.inputs[reg.IN_SEAL_BATTERY_OK] = 1
    bench.step()
    bench.events()
    return bench


def disturb(bench: RfidBench, count: int) -> None:
    """Let `count` stretches of garbage come, the last one of them now."""
    for _ in range(count):
        bench.feed(b"\x02")
        bench.step()
        step_at(bench, bench.elapsed_ms + 30)


def step_at(bench: RfidBench, elapsed_ms: int) -> None:
    """Scan at this time."""
    bench.elapsed_ms = elapsed_ms
    bench.step()


class TestNoise(unittest.TestCase):
    def test_ten_disturbances_ask_for_maintenance_until_a_minute_with_fewer_has_passed(self) -> None:
        bench = head_bench()
        disturb(bench, 1)
        first_ms = bench.elapsed_ms
        disturb(bench, 8)
        self.assertEqual(shown(bench), (reg.HEALTH_NORMAL, 0))
        disturb(bench, 1)
        self.assertEqual(shown(bench), NOISY)
        self.assertEqual(bench.core.status[reg.ST_LINE_ERRORS], 10)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_LINE_NOISY)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        for minute in (1, 2):
            step_at(bench, first_ms + minute * 60000 - 1)
            self.assertEqual(shown(bench), NOISY)
            step_at(bench, first_ms + minute * 60000)
            self.assertEqual(bench.has_fault(reg.FAULTS_LINE_NOISY), minute == 1)
        self.assertEqual(shown(bench), (reg.HEALTH_NORMAL, 0))
        self.assertEqual(bench.core.next_wake_ms(), -1)
        noisy = [event for event in bench.events() if event[1] == reg.FAULTS_LINE_NOISY]
        self.assertEqual(noisy, [(reg.EV_FAULT_RAISED, 3), (reg.EV_FAULT_CLEARED, 3)])

    def test_nine_in_every_minute_are_no_noise(self) -> None:
        bench = head_bench()
        for minute in (1, 2, 3):
            disturb(bench, 9)
            step_at(bench, minute * 60030)
            self.assertEqual(shown(bench), (reg.HEALTH_NORMAL, 0))
        disturb(bench, 10)
        self.assertEqual(shown(bench), NOISY)

    def test_nine_at_the_end_of_a_minute_and_nine_in_the_next_are_no_noise(self) -> None:
        bench = head_bench()
        disturb(bench, 1)
        step_at(bench, 59000)
        disturb(bench, 8)
        step_at(bench, 60030)
        disturb(bench, 9)
        self.assertEqual(shown(bench), (reg.HEALTH_NORMAL, 0))
        disturb(bench, 1)
        self.assertEqual(shown(bench), NOISY)


class TestHealth(unittest.TestCase):
    def test_a_core_shows_nothing_before_its_first_scan(self) -> None:
        core = Rfid(default_settings(), EventRing(bytearray(32 * EVENT_SIZE), 32))
        self.assertEqual((core.outputs, core.status), ([0] * reg.OUT_COUNT, [0] * reg.STATUS_COUNT))
        self.assertEqual((core.health, core.reasons), (reg.HEALTH_NORMAL, 0))
        self.assertEqual((core.request_opcode, core.request_argument), (0, 0))
        self.assertEqual(core.request_result, reg.COMMAND_RESULT_NONE)

    def test_a_device_that_never_heard_its_hub_and_has_no_inputs_says_so(self) -> None:
        core = Rfid(default_settings(), EventRing(bytearray(32 * EVENT_SIZE), 32))
        core.step(0)
        bits = (reg.REASONS_HUB_LOST, reg.REASONS_INPUT_BAD, reg.REASONS_LOCAL_MODE, reg.REASONS_ROLE_FAULT)
        self.assertEqual(core.reasons, sum([1 << bit for bit in bits]))
        self.assertEqual(core.health, reg.HEALTH_FAILURE)

    def test_each_cause_has_its_health_and_its_reasons(self) -> None:
        bench = head_bench()
        self.assertEqual(shown(bench), (reg.HEALTH_NORMAL, 0))
        bench.core.hub_alive = 0
        bench.step()
        self.assertEqual(shown(bench), (reg.HEALTH_OFF_SPEC, 1 << reg.REASONS_HUB_LOST))
        bench = head_bench()
        bench.spoil(reg.IN_PRESENCE_1, BAD)
        bad = 1 << reg.REASONS_INPUT_BAD | 1 << reg.REASONS_ROLE_FAULT
        self.assertEqual(shown(bench), (reg.HEALTH_FAILURE, bad))
        bench.spoil(reg.IN_PRESENCE_1, UNCERTAIN)
        self.assertEqual(shown(bench), (reg.HEALTH_OFF_SPEC, WARNING))
        bench = head_bench()
        bench.put(reg.IN_LOCAL_MODE, 1)
        self.assertEqual(shown(bench), (reg.HEALTH_CHECK_FUNCTION, 1 << reg.REASONS_LOCAL_MODE))
        bench = head_bench()
        bench.command(reg.OP_STOP)
        self.assertEqual(shown(bench), (reg.HEALTH_CHECK_FUNCTION, WARNING))
        bench = head_bench()
        bench.put(reg.IN_SEAL_BATTERY_OK, 0)
        self.assertEqual(shown(bench), NOISY)

    def test_lost_reads_are_a_warning_of_a_device_out_of_its_specification(self) -> None:
        bench = RfidBench()
        bench.run(500)
        for number in range(17):
            bench.field.add(bytes([number]) * 12)
        bench.run(200)
        self.assertEqual(shown(bench), (reg.HEALTH_OFF_SPEC, WARNING))


class TestEvents(unittest.TestCase):
    def test_a_fault_is_told_when_it_comes_and_when_it_goes(self) -> None:
        bench = head_bench()
        bench.spoil(reg.IN_LOCAL_READ, BAD)
        bench.run(50)
        self.assertEqual(bench.events(), [(reg.EV_FAULT_RAISED, reg.FAULTS_INPUT_BAD)])
        bench.spoil(reg.IN_LOCAL_READ, 0)
        bench.run(50)
        self.assertEqual(bench.events(), [(reg.EV_FAULT_CLEARED, reg.FAULTS_INPUT_BAD)])

    def test_a_vehicle_and_its_way_are_told_when_it_comes_and_when_it_goes(self) -> None:
        bench = head_bench()
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_PRESENCE
        bench.run(10)
        self.assertEqual(bench.events(), [(reg.EV_STATE_CHANGED, reg.STATE_READY)])
        bench.put(reg.IN_PRESENCE_2, 1)
        coming = [(reg.EV_PRESENCE_CHANGED, reg.DIRECTION_OUT * 2 + 1), (reg.EV_STATE_CHANGED, reg.STATE_READING)]
        self.assertEqual(bench.events(), coming)
        self.assertEqual(bench.core.status[reg.ST_DIRECTION], reg.DIRECTION_OUT)
        self.assertEqual(bench.core.status[reg.ST_FLAGS], 1 << reg.FLAGS_VEHICLE)
        bench.run(5000)
        bench.put(reg.IN_PRESENCE_2, 0)
        self.assertEqual(bench.events(), [(reg.EV_PRESENCE_CHANGED, reg.DIRECTION_OUT * 2)])
        bench.run(2000)
        self.assertEqual(bench.events(), [(reg.EV_STATE_CHANGED, reg.STATE_READY)])

    def test_a_command_is_carried_out_once(self) -> None:
        bench = head_bench()
        bench.command(reg.OP_STOP)
        bench.run(50)
        done = [event for event in bench.events() if event[0] == reg.EV_COMMAND_DONE]
        self.assertEqual(done, [(reg.EV_COMMAND_DONE, reg.OP_STOP * 256 + reg.COMMAND_RESULT_ACCEPTED)])
        self.assertEqual(bench.core.request_opcode, 0)


class TestStatus(unittest.TestCase):
    def test_flags_of_the_seal(self) -> None:
        bench = head_bench()
        self.assertEqual(bench.core.status[reg.ST_FLAGS], 0)
        bench.put(reg.IN_SEAL_BATTERY_OK, 0)
        self.assertEqual(bench.core.status[reg.ST_FLAGS], 1 << reg.FLAGS_SEAL_BATTERY_LOW)
        bench.put(reg.IN_SEAL_CLOSED, 0)
        both = 1 << reg.FLAGS_SEAL_BATTERY_LOW | 1 << reg.FLAGS_SEAL_OPENED
        self.assertEqual(bench.core.status[reg.ST_FLAGS], both)
        bench.spoil(reg.IN_SEAL_CLOSED, BAD)
        self.assertEqual(bench.core.status[reg.ST_FLAGS], 1 << reg.FLAGS_SEAL_UNKNOWN)

    def test_what_stands_from_the_first_scan_on(self) -> None:
        bench = quiet_bench()
        status = bench.core.status
        self.assertEqual(
            (status[reg.ST_ANTENNA], status[reg.ST_READ_CAPACITY], status[reg.ST_FRAMES]), (1, CAPACITY, 0)
        )
        counters = status[reg.ST_READS_LOST :]
        self.assertEqual(counters, [0] * len(counters))
        sight(bench, EPC, EPC)
        self.assertEqual(bench.core.status[reg.ST_FRAMES], 2)
