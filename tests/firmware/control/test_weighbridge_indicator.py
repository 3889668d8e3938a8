"""The weighbridge core with an indicator on its field line: from frames to a weight at rest, and what stops it."""

import unittest

from firmware.control.events import EventRing
from firmware.control.weighbridge import SAVED_SIZE, Weighbridge
from firmware.control.weighbridge_line import PROTOCOLS
from protocols import quality
from protocols.events import SLOT_SIZE, read_slot
from protocols.indicators import cas, mt_sics, sma, toledo, yaohua, yaohua_command
from protocols.indicators.reading import NO, UNIT_KG, UNIT_LB, YES, Reading
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import default_settings

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no heap to lock; there the same scans only have to run

    def heap_lock():
        return 0

    def heap_unlock():
        return 0


ENCODERS = {
    "yaohua_tf0": yaohua.encode_tf0,
    "equals_reversed": yaohua.encode_equals_reversed,
    "equals_plain": yaohua.encode_equals_plain,
    "yaohua_a12": yaohua.encode_a12,
    "toledo": toledo.encode_toledo,
    "toledo_checksum": toledo.encode_toledo_checksum,
    "mt_sics": mt_sics.encode_mt_sics,
    "sma": sma.encode_sma,
    "cas": cas.encode_cas,
}
POLLED = ("yaohua_tf1", "mt_sics", "sma")


class Site:
    """One core, one indicator that shows what the test says; a scan each 10 ms, a frame each 100 ms or when asked."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.settings = default_settings()
        self.ring = EventRing(bytearray(64 * SLOT_SIZE), 64)
        self.core = Weighbridge(self.settings, self.ring, protocol)
        self.core.hub_alive = 1
        for index in (regs.IN_FRONT_CLEAR, regs.IN_REAR_CLEAR, regs.IN_SEAL_CLOSED):
            self.core.inputs[index] = 1
        self.now_ms = 0
        self.shown = Reading()
        self.shown.unit, self.shown.net, self.shown.motion, self.shown.has_weight = UNIT_KG, NO, NO, 1
        self.talks = True
        self.answer_zero = b""
        self._data = bytearray(128)
        self._frame = bytearray(40)
        self._seen = 0

    def run(self, duration_ms):
        for _ in range(duration_ms // 10):
            self.now_ms += 10
            size = self.core.line.transmit(self._data)
            if self.protocol in POLLED:
                if size:
                    self._answer(bytes(self._data[:size]))
            elif self.now_ms % 100 == 0:
                self._say()
            self.core.step(self.now_ms)
            if self.core.pending():
                self.core.on_stored(regs.COMMAND_RESULT_ACCEPTED)

    def _answer(self, request):
        if request in (b"Z\r\n", b"\nZ\r"):
            self._hear(self.answer_zero)
        else:
            self._say()

    def _say(self):
        if not self.talks:
            return
        if self.protocol == "yaohua_tf1":
            size = yaohua_command.encode_reply(self._frame, 0x41, yaohua_command.COMMAND_GROSS, self.shown)
        else:
            size = ENCODERS[self.protocol](self._frame, self.shown)
        self._hear(self._frame[:size])

    def _hear(self, data):
        self.core.line.receive(bytearray(data), len(data), self.now_ms)

    def request(self, opcode, argument=0):
        self.core.request_opcode, self.core.request_argument = opcode, argument
        self.core.step(self.now_ms)
        if self.core.pending():
            self.core.on_stored(regs.COMMAND_RESULT_ACCEPTED)
        return self.core.request_result

    def fault(self, bit):
        return self.core.status[regs.ST_FAULTS] >> bit & 1

    def flag(self, bit):
        return self.core.status[regs.ST_FLAGS] >> bit & 1

    def events(self):
        slots = [
            read_slot(self.ring.data, n % 64 * SLOT_SIZE) for n in range(max(0, self.ring.head - 64), self.ring.head)
        ]
        return [(slot[3], slot[4]) for slot in slots]

    def codes(self):
        return [code for code, _ in self.events()]


def with_truck(protocol, digits=23460):
    site = Site(protocol)
    site.run(3000)
    site.shown.digits = digits
    site.run(3000)
    return site


class WeighTest(unittest.TestCase):
    def test_its_calibration_comes_along_to_another_board(self):
        site = Site("sma")
        site.core.memory.recalibration_due = 1
        site.run(100)
        self.assertFalse(site.fault(regs.FAULTS_RECALIBRATION_DUE))

    def test_every_protocol_weighs_and_registers_what_is_shown(self):
        for protocol in PROTOCOLS[1:]:
            site = with_truck(protocol)
            status = site.core.status
            self.assertEqual((status[regs.ST_STATE], status[regs.ST_FAULTS]), (regs.STATE_STABLE, 0), protocol)
            self.assertEqual(status[regs.ST_GROSS_KG_X10], 234600, protocol)
            self.assertEqual(site.request(regs.OP_REGISTER, 7), regs.COMMAND_RESULT_ACCEPTED, protocol)
            self.assertEqual(site.core.status[regs.ST_REGISTERED_KG_X10], 234600, protocol)
            self.assertEqual(status[regs.ST_INDICATOR_STATE], regs.INDICATOR_STATE_GOOD)

    def test_a_start_under_a_truck_keeps_the_zero_of_the_indicator(self):
        site = Site("yaohua_tf0")
        site.shown.digits = 40000
        site.run(3000)
        self.assertEqual(site.core.status[regs.ST_STATE], regs.STATE_STABLE)
        self.assertEqual(site.core.status[regs.ST_GROSS_KG_X10], 400000)

    def test_motion_of_the_indicator_and_of_the_weight_both_forbid(self):
        site = with_truck("toledo")
        site.shown.motion = YES
        site.run(200)
        self.assertEqual(site.core.status[regs.ST_STATE], regs.STATE_OCCUPIED)
        self.assertEqual(site.request(regs.OP_REGISTER, 7), regs.COMMAND_RESULT_REFUSED_STATE)
        site.shown.motion = NO
        site.run(500)
        self.assertEqual(site.flag(regs.FLAGS_STABLE), 0)
        site.run(1500)
        self.assertEqual(site.flag(regs.FLAGS_STABLE), 1)
        site.shown.digits += 40
        site.run(100)
        self.assertEqual(site.flag(regs.FLAGS_STABLE), 0)

    def test_legal_for_trade_only_when_the_site_says_so(self):
        site = with_truck("yaohua_tf0")
        self.assertEqual(site.flag(regs.FLAGS_LEGAL_FOR_TRADE), 0)
        site.request(regs.OP_REGISTER, 7)
        self.assertEqual(site.core.status[regs.ST_REGISTERED_FLAGS] >> regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE & 1, 0)
        site.settings[regs.SET_INDICATOR_VERIFIED] = 1
        site.run(100)
        self.assertEqual(site.flag(regs.FLAGS_LEGAL_FOR_TRADE), 1)


class FaultTest(unittest.TestCase):
    def test_a_converter_that_is_not_there_is_no_fault_but_a_photocell_is(self):
        site = with_truck("yaohua_tf0")
        for index in range(regs.IN_COUNT, len(site.core.quality)):
            site.core.quality[index] = quality.BAD
        site.run(100)
        self.assertEqual(site.core.status[regs.ST_FAULTS], 0)
        site.core.quality[regs.IN_FRONT_CLEAR] = quality.BAD
        site.run(100)
        self.assertEqual(site.fault(regs.FAULTS_INPUT_BAD), 1)

    def test_silence_is_a_failure_after_the_time_out(self):
        site = with_truck("yaohua_tf0")
        site.talks = False
        site.run(900)
        self.assertEqual(site.fault(regs.FAULTS_INDICATOR_SILENT), 0)
        site.run(200)
        self.assertEqual((site.fault(regs.FAULTS_INDICATOR_SILENT), site.fault(regs.FAULTS_ADC_SILENT)), (1, 0))
        self.assertEqual((site.core.health, site.core.status[regs.ST_STATE]), (regs.HEALTH_FAILURE, regs.STATE_FAULT))
        self.assertEqual(site.core.status[regs.ST_INDICATOR_STATE], regs.INDICATOR_STATE_SILENT)
        self.assertEqual(site.request(regs.OP_REGISTER, 7), regs.COMMAND_RESULT_REFUSED_STATE)
        site.talks = True
        site.run(200)
        self.assertEqual(site.core.status[regs.ST_FAULTS], 0)

    def test_garbage_alone_is_silence(self):
        site = with_truck("yaohua_tf0")
        site.talks = False
        for _ in range(120):
            site._hear(b"\x02garbage \xff\x00")
            site.run(10)
        self.assertEqual(site.fault(regs.FAULTS_INDICATOR_SILENT), 1)
        self.assertTrue(site.core.status[regs.ST_INDICATOR_GARBAGE] > 1000)

    def test_what_is_no_gross_weight_takes_the_weight_at_once(self):
        for change, state in (
            (("unit", UNIT_LB), regs.INDICATOR_STATE_WRONG_UNIT),
            (("net", YES), regs.INDICATOR_STATE_NET_SHOWN),
        ):
            site = with_truck("sma")
            setattr(site.shown, change[0], change[1])
            site.run(300)
            self.assertEqual(
                (site.fault(regs.FAULTS_INDICATOR_UNFIT), site.core.health), (1, regs.HEALTH_CHECK_FUNCTION)
            )
            self.assertEqual(
                (site.core.status[regs.ST_INDICATOR_STATE], site.core.status[regs.ST_GROSS_KG_X10]), (state, 0)
            )
            self.assertEqual(site.request(regs.OP_REGISTER, 7), regs.COMMAND_RESULT_REFUSED_STATE)
            site.run(3000)
            self.assertEqual(site.fault(regs.FAULTS_INDICATOR_SILENT), 0)

    def test_overload_and_underload_of_the_indicator(self):
        site = with_truck("yaohua_a12")
        site.shown.overload = 1
        site.run(300)
        self.assertEqual(site.core.status[regs.ST_STATE], regs.STATE_OVERLOAD)
        site.shown.overload, site.shown.underload = 0, 1
        site.run(1300)
        self.assertEqual(site.core.status[regs.ST_STATE], regs.STATE_UNDERLOAD)


class ZeroTest(unittest.TestCase):
    def test_who_cannot_be_asked_refuses(self):
        for protocol in ("yaohua_tf0", "toledo", "cas", "yaohua_tf1"):
            site = Site(protocol)
            site.run(3000)
            self.assertEqual(site.request(regs.OP_ZERO), regs.COMMAND_RESULT_REFUSED_INTERLOCK)

    def test_a_truck_is_not_zeroed_away(self):
        self.assertEqual(with_truck("sma").request(regs.OP_ZERO), regs.COMMAND_RESULT_REFUSED_STATE)

    def test_zero_is_asked_for_and_reported_when_shown(self):
        site = Site("mt_sics")
        site.shown.digits = 40
        site.answer_zero = b"Z A\r\n"
        site.run(9000)
        self.assertEqual(site.fault(regs.FAULTS_ZERO_DRIFT), 1)
        self.assertEqual(site.request(regs.OP_ZERO), regs.COMMAND_RESULT_ACCEPTED)
        site.run(300)
        site.shown.digits = 0
        site.run(3000)
        self.assertEqual((regs.EV_ZERO_SET in site.codes(), site.fault(regs.FAULTS_ZERO_DRIFT)), (True, 0))

    def test_a_refusal_is_reported(self):
        site = Site("mt_sics")
        site.answer_zero = b"Z I\r\n"
        site.shown.digits = 20
        site.run(3000)
        site.request(regs.OP_ZERO)
        site.run(500)
        self.assertTrue((regs.EV_INDICATOR_ZERO_FAILED, 0) in site.events())


class WakeTest(unittest.TestCase):
    def test_what_comes_before_the_first_scan_is_read_by_the_settings(self):
        settings = default_settings()
        settings[regs.SET_INDICATOR_ADDRESS] = 3
        core = Weighbridge(settings, EventRing(bytearray(64 * SLOT_SIZE), 64), "yaohua_tf1")
        frame = bytearray(40)
        size = yaohua_command.encode_reply(frame, 0x43, yaohua_command.COMMAND_GROSS, Site("yaohua_tf1").shown)
        core.line.receive(frame, size, 0)
        core.step(10)
        self.assertEqual((core.status[regs.ST_INDICATOR_FRAMES], core.status[regs.ST_INDICATOR_GARBAGE]), (1, 0))

    def test_the_next_wake_is_the_first_of_the_question_and_the_deadline(self):
        site = Site("sma")
        self.assertEqual(site.core.next_wake_ms(), 0)
        site.core.step(10)
        self.assertEqual(site.core.next_wake_ms(), 500)
        site = Site("toledo")
        site.core.step(10)
        self.assertEqual(site.core.next_wake_ms(), 1000)

    def test_a_loaded_core_asks_at_once(self):
        site = Site("sma")
        site.core.step(10)
        buffer = bytearray(SAVED_SIZE)
        site.core.save(buffer)
        other = Site("sma")
        self.assertTrue(other.core.load(buffer, 10))
        self.assertEqual(other.core.next_wake_ms(), 0)


class HeapTest(unittest.TestCase):
    def test_frames_garbage_polls_and_zero_allocate_nothing(self):
        for protocol in PROTOCOLS[1:]:
            site = with_truck(protocol)
            site.talks = False
            line, core, data = site.core.line, site.core, bytearray(128)
            frames = (bytearray(b"\x02garbage\r\n\xff=="), bytearray(b"S I\r\nES\r\n\n?\r"), bytearray(site._frame))
            now_ms = site.now_ms
            heap_lock()
            try:
                for step in range(300):
                    now_ms += 10
                    frame = frames[step % 3]
                    line.receive(frame, len(frame), now_ms)
                    line.request_zero()
                    line.transmit(data)
                    core.step(now_ms)
            finally:
                heap_unlock()
            self.assertTrue(core.status[regs.ST_INDICATOR_GARBAGE] > 0)
