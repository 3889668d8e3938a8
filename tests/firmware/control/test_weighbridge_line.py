"""The indicator on the field line: frames to samples, what makes one unfit, polls, and the request for zero."""

import unittest

from firmware.control.weighbridge_front import (
    BEYOND,
    FIT,
    KIND_COUNTS,
    KIND_KG_X10,
    MOTION_NO,
    MOTION_UNKNOWN,
    MOTION_YES,
    UNFIT_ERROR,
    UNFIT_INTERVAL,
    UNFIT_NET,
    UNFIT_UNIT,
    ZERO_DONE,
    ZERO_LATE,
    ZERO_NONE,
    ZERO_REFUSED,
    FrontEnd,
)
from firmware.control.weighbridge_line import PROTOCOLS, IndicatorLine, make_front
from protocols.compat import TICKS_MASK, ticks_add
from protocols.registers import weighbridge as regs


def settings_with(index, value):
    settings = [1] * regs.SETTING_COUNT
    settings[index] = value
    return settings


TF0 = b"\x02+023460018\x03"


def line_of(protocol, frame=b"", now_ms=0):
    line = IndicatorLine(protocol)
    line.e_kg_x10 = 200
    hear(line, frame, now_ms)
    return line


def hear(line, frame, now_ms=0):
    line.receive(bytearray(frame), len(frame), now_ms)


def sent(line, now_ms):
    data = bytearray(128)
    line.step(now_ms, [], [])
    return bytes(data[: line.transmit(data)])


class SampleTest(unittest.TestCase):
    def test_every_protocol_has_a_decoder(self):
        self.assertEqual(PROTOCOLS[0], "converter")
        for protocol in PROTOCOLS[1:]:
            line = line_of(protocol)
            self.assertEqual((line.sample.kind, line.sample.sequence), (KIND_KG_X10, 0))

    def test_a_frame_becomes_a_gross_weight(self):
        for protocol, frame, motion in (
            ("yaohua_tf0", TF0, MOTION_UNKNOWN),
            ("equals_plain", b"=00023460", MOTION_UNKNOWN),
            ("equals_reversed", b"=06432000", MOTION_UNKNOWN),
            ("yaohua_a12", b"WG0023460kg2F\r\n", MOTION_UNKNOWN),
            ("toledo", b"\x02\x2a\x30\x20 23460     0\r", MOTION_NO),
            ("toledo", b"\x02\x2a\x39\x20 20000  3460\r", MOTION_YES),
            ("mt_sics", b"S D      23.46 t\r\n", MOTION_YES),
            ("sma", b"\n 1G       23460kg \r", MOTION_NO),
            ("cas", b"ST,GS,1\xe4,   23460 kg\r\n", MOTION_NO),
        ):
            sample = line_of(protocol, frame).sample
            self.assertEqual((sample.value, sample.motion, sample.unfit), (234600, motion, FIT), frame)
            self.assertEqual((sample.sequence, sample.is_good), (1, 1), frame)

    def test_frames_in_pieces_and_several_at_once(self):
        line = line_of("yaohua_tf0")
        for byte in TF0:
            hear(line, bytes((byte,)))
        hear(line, TF0 * 3)
        self.assertEqual((line.sample.sequence, line.decoder.frames), (4, 4))

    def test_garbage_is_counted_and_moves_nothing(self):
        line = line_of("yaohua_tf0", TF0)
        hear(line, b"no frame at all" * 20)
        self.assertEqual((line.sample.sequence, line.sample.value, line.decoder.garbage), (1, 234600, 300))

    def test_overload_and_underload_have_no_digits(self):
        for frame, value in ((b"         OL23\r\n", BEYOND), (b"         LO23\r\n", -BEYOND)):
            sample = line_of("yaohua_a12", frame).sample
            self.assertEqual((sample.value, sample.unfit), (value, FIT))
            self.assertEqual((sample.overload, sample.underload), (1 if value > 0 else 0, 1 if value < 0 else 0))

    def test_more_than_any_scale_can_have_is_held(self):
        line = line_of("yaohua_tf0")
        line.e_kg_x10 = 10
        hear(line, b"\x02+99999901B\x03")
        self.assertEqual(line.sample.value, BEYOND)

    def test_what_is_no_gross_weight_in_kilograms_says_why(self):
        for protocol, frame, unfit in (
            ("sma", b"\n 1G       23460lb \r", UNFIT_UNIT),
            ("mt_sics", b"S S 100 pcs\r\n", UNFIT_UNIT),
            ("sma", b"\n 1N       20000kg \r", UNFIT_NET),
            ("cas", b"ST,NT,1\xe4,   20000 kg\r\n", UNFIT_NET),
            ("sma", b"\n 1G       23465kg \r", UNFIT_INTERVAL),
            ("sma", b"\n 1G   23460.001kg \r", UNFIT_INTERVAL),
            ("toledo", b"\x02\x2a\x70\x20 23460     0\r", UNFIT_ERROR),
            ("toledo", b"\x02\x2a\x30\x30 23460     0\r", UNFIT_ERROR),
            ("sma", b"\nE1G  ----------kg \r", UNFIT_ERROR),
        ):
            line = line_of(protocol, frame)
            self.assertEqual((line.sample.unfit, line.sample.sequence), (unfit, 1), frame)

    def test_an_answer_without_a_word_about_weight_is_no_sample(self):
        for protocol, frame in (("mt_sics", b"S I\r\nES\r\nZ A\r\n"), ("sma", b"\n?\r\n_1n_ ----------   \r")):
            line = line_of(protocol, frame)
            self.assertEqual((line.sample.sequence, line.decoder.garbage), (0, 0))


class FaceTest(unittest.TestCase):
    """What the core is told about the indicator."""

    def published(self, line, silent=0):
        status = [0] * regs.STATUS_COUNT
        line.publish(status, silent)
        return status[regs.ST_INDICATOR_STATE]

    def test_the_settings_are_the_scale(self):
        line = IndicatorLine("sma")
        self.assertEqual((line.e_kg_x10, line.is_verified, line.zero_counts, line.span_counts), (1, 0, 0, 0))
        settings = [0] * regs.SETTING_COUNT
        settings[regs.SET_E_KG], settings[regs.SET_MAX_KG], settings[regs.SET_INDICATOR_VERIFIED] = 20, 80000, 1
        line.configure(settings)
        self.assertEqual((line.e_kg_x10, line.is_verified, line.zero_counts, line.span_counts), (200, 1, 0, 800000))
        settings[regs.SET_E_KG] = 0
        line.configure(settings)
        self.assertEqual(line.e_kg_x10, 10)

    def test_the_reason_is_told_with_the_fault_and_the_state(self):
        unfit = 1 << regs.FAULTS_INDICATOR_UNFIT
        for frame, state, faults in (
            (b"\n 1G       23460kg \r", regs.INDICATOR_STATE_GOOD, 0),
            (b"\n 1G       23460lb \r", regs.INDICATOR_STATE_WRONG_UNIT, unfit),
            (b"\n 1N       20000kg \r", regs.INDICATOR_STATE_NET_SHOWN, unfit),
            (b"\n 1G       23465kg \r", regs.INDICATOR_STATE_WRONG_INTERVAL, unfit),
            (b"\nE1G  ----------kg \r", regs.INDICATOR_STATE_REPORTS_ERROR, unfit),
        ):
            line = line_of("sma", frame)
            self.assertEqual((self.published(line), line.faults(0)), (state, faults), frame)
            self.assertEqual(self.published(line, 1), regs.INDICATOR_STATE_SILENT)
            self.assertEqual(line.faults(1), 1 << regs.FAULTS_INDICATOR_SILENT)

    def test_before_the_first_frame_it_is_silent_and_that_is_no_fault_yet(self):
        line = line_of("sma")
        self.assertEqual((self.published(line), line.faults(0)), (regs.INDICATOR_STATE_SILENT, 0))
        sample = line.sample
        self.assertEqual((sample.value, sample.sequence, sample.overload, sample.underload), (0, 0, 0, 0))

    def test_frames_and_garbage_are_counted_for_the_hub(self):
        line = line_of("yaohua_tf0", TF0 + b"abc" + TF0)
        status = [0] * regs.STATUS_COUNT
        line.publish(status, 0)
        self.assertEqual((status[regs.ST_INDICATOR_FRAMES], status[regs.ST_INDICATOR_GARBAGE]), (2, 3))

    def test_a_converter_cannot_zero_itself_and_has_only_silence_to_tell(self):
        front = make_front("converter")
        self.assertEqual((front.can_zero, front.request_zero(), front.take_zero_outcome()), (False, False, ZERO_NONE))
        self.assertEqual((front.zero_counts, front.span_counts, front.is_verified), (0, 0, 1))
        self.assertEqual((front.sample.kind, front.sample.value, front.next_wake_ms(0)), (KIND_COUNTS, 0, -1))
        self.assertEqual((front.faults(0), front.faults(1)), (0, 1 << regs.FAULTS_ADC_SILENT))
        self.assertEqual((front.input_count, FrontEnd(KIND_COUNTS).faults(1)), (regs.IN_COUNT + 2, 0))

    def test_a_front_end_is_what_its_protocol_says(self):
        for protocol in PROTOCOLS[1:]:
            front = make_front(protocol)
            self.assertEqual((front.sample.kind, front.input_count), (KIND_KG_X10, regs.IN_COUNT), protocol)


class PollTest(unittest.TestCase):
    def test_who_talks_by_himself_is_not_asked(self):
        line = line_of("yaohua_tf0")
        self.assertEqual((sent(line, 0), sent(line, 60000)), (b"", b""))
        self.assertEqual(line.next_wake_ms(0), -1)
        self.assertFalse(line.request_zero())

    def test_an_answer_brings_the_next_request_and_silence_a_later_one(self):
        for start in (0, TICKS_MASK - 60):
            line = line_of("sma")
            self.assertEqual(sent(line, start), b"\nW\r")
            self.assertEqual(line.next_wake_ms(start), 500)
            self.assertEqual(sent(line, ticks_add(start, 499)), b"")
            self.assertEqual(sent(line, ticks_add(start, 500)), b"\nW\r")
            hear(line, b"\n 1G       23460kg \r", ticks_add(start, 530))
            self.assertEqual(line.next_wake_ms(ticks_add(start, 530)), 95)
            self.assertEqual(sent(line, ticks_add(start, 624)), b"")
            self.assertEqual(sent(line, ticks_add(start, 625)), b"\nW\r")

    def test_the_address_of_the_command_mode_is_a_setting(self):
        line = line_of("yaohua_tf1")
        line.configure(settings_with(regs.SET_INDICATOR_ADDRESS, 3))
        self.assertEqual(sent(line, 0)[1:3], b"CB")


class ZeroTest(unittest.TestCase):
    def test_zero_is_sent_and_seen(self):
        for protocol, request, answer, frame in (
            ("mt_sics", b"Z\r\n", b"Z A\r\n", b"S S          0 kg\r\n"),
            ("sma", b"\nZ\r", b"\n 1G           0kg \r", b"\n 1G           0kg \r"),
        ):
            line = line_of(protocol)
            sent(line, 0)
            self.assertTrue(line.request_zero())
            self.assertFalse(line.request_zero())
            self.assertEqual(sent(line, 500), request)
            hear(line, answer, 600)
            sent(line, 700)
            hear(line, frame, 750)
            self.assertEqual((line.take_zero_outcome(), line.take_zero_outcome()), (ZERO_DONE, ZERO_NONE))
            self.assertTrue(line.request_zero())

    def test_refusals(self):
        for protocol, answer in (("mt_sics", b"Z I\r\n"), ("sma", b"\nE1G  ----------kg \r"), ("sma", b"\n?\r")):
            line = line_of(protocol)
            line.request_zero()
            sent(line, 0)
            hear(line, answer, 50)
            self.assertEqual(line.take_zero_outcome(), ZERO_REFUSED, answer)

    def test_a_zero_that_is_never_shown_is_given_up(self):
        line = line_of("mt_sics")
        line.request_zero()
        sent(line, 0)
        hear(line, b"Z A\r\nS S         40 kg\r\nS D          0 kg\r\n", 50)
        for now_ms in range(100, 4900, 100):
            sent(line, now_ms)
            hear(line, b"S S         40 kg\r\n", now_ms)
        sent(line, 4999)
        self.assertEqual((line.take_zero_outcome(), line.next_wake_ms(4999)), (ZERO_NONE, 1))
        sent(line, 5000)
        self.assertEqual(line.take_zero_outcome(), ZERO_LATE)

    def test_the_time_for_a_zero_begins_with_the_request(self):
        for start_ms in (70000, TICKS_MASK - 2000):
            line = line_of("mt_sics")
            sent(line, start_ms)
            line.request_zero()
            for offset_ms in range(500, 5000, 500):
                sent(line, ticks_add(start_ms, offset_ms))
            self.assertEqual(line.take_zero_outcome(), ZERO_NONE)
            self.assertEqual(line.next_wake_ms(ticks_add(start_ms, 4500)), 500)
            sent(line, ticks_add(start_ms, 4999))
            self.assertEqual(line.take_zero_outcome(), ZERO_NONE)
            sent(line, ticks_add(start_ms, 5000))
            self.assertEqual(line.take_zero_outcome(), ZERO_LATE)

    def test_a_zero_that_nobody_asked_for_or_that_was_not_sent_yet_is_no_outcome(self):
        line = line_of("sma")
        sent(line, 0)
        hear(line, b"\n 1G           0kg \r", 50)
        self.assertEqual(line.take_zero_outcome(), ZERO_NONE)
        line.request_zero()
        hear(line, b"\n 1G           0kg \r", 60)
        self.assertEqual(line.take_zero_outcome(), ZERO_NONE)

    def test_a_request_that_was_given_up_is_not_sent_later(self):
        line = line_of("sma")
        sent(line, 0)
        line.request_zero()
        self.assertEqual(sent(line, 6000), b"\nW\r")
        self.assertEqual(sent(line, 6500), b"\nW\r")
        self.assertEqual(line.take_zero_outcome(), ZERO_LATE)

    def test_a_new_request_forgets_how_the_last_one_ended(self):
        line = line_of("sma")
        sent(line, 0)
        line.request_zero()
        sent(line, 6000)
        self.assertTrue(line.request_zero())
        self.assertEqual(line.take_zero_outcome(), ZERO_NONE)
