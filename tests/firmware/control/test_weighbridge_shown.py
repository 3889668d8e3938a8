"""What the core shows of what it remembers: registers, flags, faults, health; and what it does about the rest."""

import unittest

from firmware.control.events import EventRing
from firmware.control.weighbridge import SAVED_SIZE, Weighbridge
from firmware.control.weighbridge_memory import PENDING_READ, RECORD_E_KG, TIMER_UNDERLOAD
from protocols import quality
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import RING_CAPACITY, Bench, default_settings, started

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
NONE = regs.COMMAND_RESULT_NONE
NOT_FOUND = regs.COMMAND_RESULT_STORE_FAILED
BUTTONS = (regs.IN_LOCAL_ZERO, regs.IN_LOCAL_TARE, regs.IN_LOCAL_REGISTER)
AT_REST = {
    regs.FLAGS_STABLE,
    regs.FLAGS_CENTER_OF_ZERO,
    regs.FLAGS_INSIDE_ZERO,
    regs.FLAGS_BELOW_MIN,
    regs.FLAGS_LEGAL_FOR_TRADE,
}


def quiet():
    return started(noise_counts=0, scan_ms=50)


def remember(bench, values):
    """Put values into the memory and have them shown without a scan."""
    for name, value in values.items():
        setattr(bench.core.memory, name, value)
    bench.core.on_stored(ACCEPTED)


def loaded(bench):
    """Another core that takes over what `bench` remembers, before the same inputs and settings."""
    buffer = bytearray(SAVED_SIZE)
    bench.core.save(buffer)
    other = Bench(noise_counts=0, scan_ms=50)
    for index in range(len(bench.settings)):
        other.settings[index] = bench.settings[index]
    for index in range(len(bench.core.inputs)):
        other.core.inputs[index] = bench.core.inputs[index]
    other.core.load(buffer, other.now_ms)
    return other


class ShownTest(unittest.TestCase):
    def test_a_new_core_claims_nothing(self):
        core = Weighbridge(default_settings(), EventRing(bytearray(RING_CAPACITY * 16), RING_CAPACITY))
        self.assertEqual((set(core.outputs), set(core.status), set(core.record)), ({0}, {0}, {0}))
        self.assertEqual(len(core.record), RECORD_E_KG + 1)
        self.assertEqual((core.hub_alive, core.request_opcode, core.request_argument), (0, 0, 0))
        self.assertEqual((core.request_result, core.health, core.reasons), (NONE, regs.HEALTH_NORMAL, 0))
        self.assertEqual(set(core.inputs), {0})
        core.on_stored(ACCEPTED)
        self.assertEqual((core.ring.head, core.request_result), (0, NONE))
        self.assertEqual(
            [core.status[index] for index in range(regs.ST_ALIBI_SEQUENCE, regs.ST_ALIBI_E_KG + 1)], [0] * 9
        )

    def test_every_remembered_result_has_its_register(self):
        bench = quiet()
        shown = {
            "tare_kg_x10": (600, regs.ST_TARE_KG_X10),
            "registered_kg_x10": (101, regs.ST_REGISTERED_KG_X10),
            "registered_id": (102, regs.ST_REGISTERED_ID),
            "registered_count": (103, regs.ST_REGISTERED_COUNT),
            "registered_tare_kg_x10": (104, regs.ST_REGISTERED_TARE_KG_X10),
            "registered_flags": (105, regs.ST_REGISTERED_FLAGS),
            "zero_offset": (106, regs.ST_ZERO_OFFSET_COUNTS),
            "calibration_count": (107, regs.ST_CALIBRATION_COUNT),
            "entry_error": (108, regs.ST_ENTRY_DRIFT_COUNTS),
            "draft_count": (109, regs.ST_DRAFT_COUNT),
            "draft_sum_kg_x10": (110, regs.ST_DRAFT_SUM_KG_X10),
            "draft_last_kg_x10": (111, regs.ST_DRAFT_LAST_KG_X10),
            "draft_flags": (112, regs.ST_DRAFT_FLAGS),
            "alibi_newest": (113, regs.ST_ALIBI_NEWEST),
        }
        remember(bench, {name: value for name, (value, _) in shown.items()})
        for name, (value, index) in shown.items():
            self.assertEqual(bench.status(index), value, name)

    def test_weight_net_rest_and_converter_are_shown(self):
        bench = quiet()
        remember(bench, {"kg_x10": 50090, "tare_kg_x10": 600})
        self.assertEqual((bench.status(regs.ST_GROSS_KG_X10), bench.status(regs.ST_NET_KG_X10)), (50000, 49400))
        remember(bench, {"valid": 0})
        self.assertEqual((bench.status(regs.ST_GROSS_KG_X10), bench.status(regs.ST_NET_KG_X10)), (0, 0))
        self.assertEqual(bench.status(regs.ST_ADC_COUNTS), 100000)
        before_ms = bench.status(regs.ST_STABLE_MS)
        bench.run(1000)
        self.assertEqual(bench.status(regs.ST_STABLE_MS) - before_ms, 1000)

    def test_every_flag_has_its_cause(self):
        for values, others in (
            ({}, set()),
            ({"overload": 1}, {regs.FLAGS_OVERLOAD, regs.FLAGS_LEGAL_FOR_TRADE}),
            ({"underload": 1}, {regs.FLAGS_UNDERLOAD, regs.FLAGS_LEGAL_FOR_TRADE}),
            ({"tare_kg_x10": 200}, {regs.FLAGS_TARE_SET}),
            ({"tare_is_preset": 1}, {regs.FLAGS_PRESET_TARE}),
            ({"mode": 1}, {regs.FLAGS_MULTI_DRAFT, regs.FLAGS_LEGAL_FOR_TRADE}),
            ({"second_vehicle": 1}, {regs.FLAGS_SECOND_VEHICLE, regs.FLAGS_LEGAL_FOR_TRADE}),
            ({"is_blocked": 1}, {regs.FLAGS_OCCUPIED, regs.FLAGS_ZERO_FROZEN}),
            ({"on_deck": 1}, {regs.FLAGS_OCCUPIED, regs.FLAGS_ZERO_FROZEN, regs.FLAGS_POSITION_OK}),
            ({"on_deck": 1, "is_blocked": 1}, {regs.FLAGS_OCCUPIED, regs.FLAGS_ZERO_FROZEN}),
            ({"valid": 0}, AT_REST - {regs.FLAGS_STABLE} | {regs.FLAGS_ZERO_FROZEN}),
            ({"kg_x10": 50}, set()),
            ({"kg_x10": 51}, {regs.FLAGS_CENTER_OF_ZERO}),
            ({"kg_x10": 4000}, {regs.FLAGS_CENTER_OF_ZERO, regs.FLAGS_BELOW_MIN}),
            ({"faults": 1 << regs.FAULTS_SEAL_OPEN}, {regs.FLAGS_LEGAL_FOR_TRADE}),
            ({"zero_is_set": 0}, {regs.FLAGS_LEGAL_FOR_TRADE}),
        ):
            bench = quiet()
            remember(bench, values)
            found = {bit for bit in range(16) if bench.has_flag(bit)}
            self.assertEqual(found, AT_REST ^ others, values)

    def test_the_lamp_is_on_with_a_weight_at_rest_and_never_by_itself(self):
        bench = quiet()
        remember(bench, {"state": regs.STATE_STABLE})
        self.assertEqual(bench.core.outputs, [1])
        outputs = [1]
        bench.core.safe_outputs(outputs)
        self.assertEqual(outputs, [0])
        remember(bench, {"state": regs.STATE_OCCUPIED})
        self.assertEqual(bench.core.outputs, [0])


class HealthTest(unittest.TestCase):
    def test_every_fault_has_its_health_and_reason(self):
        failure = (regs.HEALTH_FAILURE, 1 << regs.REASONS_ROLE_FAULT)
        checked = (regs.HEALTH_CHECK_FUNCTION, 1 << regs.REASONS_ROLE_WARNING)
        off_spec = (regs.HEALTH_OFF_SPEC, 1 << regs.REASONS_ROLE_WARNING)
        for bit, (health, reasons) in (
            (regs.FAULTS_ADC_SILENT, failure),
            (regs.FAULTS_ADC_SATURATED, failure),
            (regs.FAULTS_ZERO_OUT_OF_RANGE, off_spec),
            (regs.FAULTS_NOT_CALIBRATED, failure),
            (regs.FAULTS_INPUT_BAD, (failure[0], failure[1] | 1 << regs.REASONS_INPUT_BAD)),
            (regs.FAULTS_SEAL_OPEN, checked),
            (regs.FAULTS_ZERO_DRIFT, off_spec),
            (regs.FAULTS_INDICATOR_SILENT, failure),
            (regs.FAULTS_INDICATOR_UNFIT, checked),
            (regs.FAULTS_RECALIBRATION_DUE, checked),
        ):
            bench = quiet()
            bench.core.memory.faults = 1 << bit
            core = loaded(bench).core
            self.assertEqual((core.health, core.reasons), (health, reasons), bit)

    def test_a_lost_hub_a_limit_and_the_key_have_theirs(self):
        bench = quiet()
        core = loaded(bench).core
        self.assertEqual((core.health, core.reasons), (regs.HEALTH_NORMAL, 0))
        bench.core.hub_alive = 0
        bench.run(50)
        self.assertEqual((bench.core.health, bench.core.reasons), (regs.HEALTH_OFF_SPEC, 1 << regs.REASONS_HUB_LOST))
        for name, health, reason in (
            ("overload", regs.HEALTH_OFF_SPEC, regs.REASONS_ROLE_WARNING),
            ("underload", regs.HEALTH_OFF_SPEC, regs.REASONS_ROLE_WARNING),
            ("local", regs.HEALTH_CHECK_FUNCTION, regs.REASONS_LOCAL_MODE),
        ):
            bench = quiet()
            setattr(bench.core.memory, name, 1)
            if name == "underload":
                bench.core.timers.start(TIMER_UNDERLOAD, 0)
            core = loaded(bench).core
            self.assertEqual((core.health, core.reasons), (health, 1 << reason), name)

    def test_what_is_remembered_as_wrong_is_a_fault_told_once(self):
        for name, fault in (
            ("zero_out_of_range", regs.FAULTS_ZERO_OUT_OF_RANGE),
            ("zero_drift", regs.FAULTS_ZERO_DRIFT),
        ):
            bench = quiet()
            bench.core.step(bench.now_ms)
            setattr(bench.core.memory, name, 1)
            bench.core.step(bench.now_ms)
            bench.core.step(bench.now_ms)
            self.assertEqual(bench.status(regs.ST_FAULTS), 1 << fault)
            self.assertEqual(bench.events(), [(regs.EV_FAULT_RAISED, fault)])
        bench = quiet()
        bench.core.memory.rest_error = 251
        bench.set_contacts(0, 1, 0)
        bench.core.step(bench.now_ms)
        self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_ZERO_DRIFT | 1 << regs.FAULTS_SEAL_OPEN)

    def test_saturation_and_settings_no_scale_has_are_faults(self):
        bench = quiet()
        bench.raw_counts = 0x7FFFFF
        bench.run(200)
        self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_ADC_SATURATED)
        bench = quiet()
        bench.settings[regs.SET_E_KG] = 3
        bench.run(50)
        self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_NOT_CALIBRATED)


class RequestTest(unittest.TestCase):
    def test_a_request_is_answered_once(self):
        bench = quiet()
        bench.request(regs.OP_CLEAR_TARE)
        bench.core.step(bench.now_ms)
        self.assertEqual(bench.core.request_opcode, 0)
        self.assertEqual(bench.events(), [(regs.EV_COMMAND_DONE, regs.OP_CLEAR_TARE * 256 + ACCEPTED)])

    def test_there_is_no_answer_before_the_medium_s(self):
        bench = quiet()
        core = bench.core
        core.request_result = ACCEPTED
        core.request_opcode, core.request_argument = regs.OP_READ_ALIBI, 3
        core.step(bench.now_ms)
        self.assertEqual((core.pending(), core.pending_value(), core.request_result), (PENDING_READ, 3, NONE))
        for index in range(len(core.record)):
            core.record[index] = 50 + index
        core.on_stored(NOT_FOUND)
        self.assertEqual((core.request_result, bench.status(regs.ST_ALIBI_E_KG)), (NOT_FOUND, 0))
        core.on_stored(ACCEPTED)
        self.assertEqual((core.request_result, bench.status(regs.ST_ALIBI_E_KG)), (NOT_FOUND, 0))
        self.assertEqual(bench.events(), [(regs.EV_COMMAND_DONE, regs.OP_READ_ALIBI * 256 + NOT_FOUND)])
        self.assertEqual(bench.request(regs.OP_READ_ALIBI, 3), ACCEPTED)
        self.assertEqual((bench.status(regs.ST_ALIBI_SEQUENCE), bench.status(regs.ST_ALIBI_E_KG)), (50, 58))
        self.assertEqual(bench.events(), [(regs.EV_COMMAND_DONE, regs.OP_READ_ALIBI * 256 + ACCEPTED)])

    def test_what_nobody_stored_is_not_stored(self):
        bench = quiet()
        core = bench.core
        core.request_opcode, core.request_argument = regs.OP_READ_ALIBI, 3
        core.step(bench.now_ms)
        core.step(bench.now_ms)
        self.assertEqual((core.pending(), core.request_result), (0, regs.COMMAND_RESULT_STORE_FAILED))


class ButtonTest(unittest.TestCase):
    def pressed(self, button, before, now, before_quality=quality.GOOD, now_quality=quality.GOOD, local=1):
        """Whether a scan after one with `before` is a press: registering waits for the medium, the others tell."""
        bench = quiet()
        bench.load_kg_x10 = 0 if button == regs.IN_LOCAL_ZERO else 200000
        bench.run(3000)
        core = bench.core
        core.inputs[regs.IN_LOCAL_MODE] = local
        core.inputs[button], core.quality[button] = before, before_quality
        bench.run(100)
        bench.events()
        core.inputs[button], core.quality[button] = now, now_quality
        core.step(bench.now_ms)
        told = [code for code, _ in bench.events() if code in (regs.EV_ZERO_SET, regs.EV_TARE_CHANGED)]
        return len(told) + (1 if core.pending() else 0)

    def test_a_press_is_the_change_from_known_open_to_known_closed_under_the_key(self):
        for button in BUTTONS:
            self.assertEqual(self.pressed(button, 0, 1), 1, button)
            self.assertEqual(self.pressed(button, 0, 1, local=0), 0, button)
            self.assertEqual(self.pressed(button, 1, 1), 0, button)
            self.assertEqual(self.pressed(button, 1, 0), 0, button)
            self.assertEqual(self.pressed(button, 0, 0), 0, button)
            self.assertEqual(self.pressed(button, 0, 1, now_quality=quality.BAD), 0, button)
            self.assertEqual(self.pressed(button, 0, 1, before_quality=quality.BAD), 0, button)


class SettingsTest(unittest.TestCase):
    def test_each_step_of_a_rule_counts(self):
        bench = quiet()
        for limit in (2, 3, 4):
            bench.settings[regs.SET_ZERO_DRIFT_LIMIT] = limit
            bench.run(50)
        self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), 3)

    def test_other_settings_forget_tare_drafts_and_the_vehicle(self):
        bench = quiet()
        remember(bench, {"tare_kg_x10": 600, "tare_is_preset": 1, "draft_count": 2, "registered_here": 1, "on_deck": 1})
        bench.settings[regs.SET_MAX_KG] = 60000
        bench.core.step(bench.now_ms)
        memory = bench.core.memory
        self.assertEqual((memory.tare_kg_x10, memory.tare_is_preset), (0, 0))
        self.assertEqual((memory.draft_count, memory.registered_here), (0, 0))

    def test_another_way_of_weighing_begins_without_drafts_and_rest(self):
        bench = quiet()
        remember(bench, {"draft_count": 2})
        bench.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        bench.core.step(bench.now_ms)
        self.assertEqual((bench.core.memory.draft_count, bench.has_flag(regs.FLAGS_STABLE)), (0, False))

    def test_a_loaded_core_weighs_in_the_mode_of_the_saved_one(self):
        bench = quiet()
        bench.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        bench.set_contacts(0, 1, 1)
        bench.load_kg_x10 = 60000
        bench.run(3000)
        self.assertEqual(loaded(bench).request(regs.OP_DRAFT, 5), ACCEPTED)
