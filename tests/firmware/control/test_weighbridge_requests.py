"""Commands and buttons by themselves: limits of their arguments, what they need, and what they tell."""

import unittest

from firmware.control.events import EventRing
from firmware.control.registration import Registration
from firmware.control.weighbridge_commands import WeighbridgeCommands
from firmware.control.weighbridge_drafts import Drafts
from firmware.control.weighbridge_front import ZERO_DONE, ZERO_LATE, ZERO_NONE, ZERO_REFUSED
from firmware.control.weighbridge_memory import (
    PENDING_NONE,
    PENDING_READ,
    PENDING_RECORD,
    PENDING_SETTING,
    RECORD_COUNT,
)
from protocols.events import SLOT_SIZE, read_slot
from protocols.registers import weighbridge as regs
from tests.firmware.control.scale_bench import MAX_KG, SPAN, ZERO, D, zeroed

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
NONE = regs.COMMAND_RESULT_NONE
OUT_OF_LIMITS = regs.COMMAND_RESULT_OUT_OF_LIMITS
REFUSED_STATE = regs.COMMAND_RESULT_REFUSED_STATE
SEAL_OPEN = 1 << regs.FAULTS_SEAL_OPEN
ZERO_DRIFT = 1 << regs.FAULTS_ZERO_DRIFT
LOAD = 1000 * D  # 20 t, 200000 in 0.1 kg
RING_SIZE = 16


class Counter:
    """The commands over a zeroed scale with `counts` at rest on it."""

    def __init__(self, counts=LOAD, zero=0):
        self.deck = zeroed(zero)
        self.memory = self.deck.memory
        self.ring = EventRing(bytearray(RING_SIZE * SLOT_SIZE), RING_SIZE)
        registration = Registration(self.memory, self.deck.scale, [0] * RECORD_COUNT)
        drafts = Drafts(self.memory, registration, [0] * regs.SETTING_COUNT)
        self.commands = WeighbridgeCommands(self.memory, self.deck.scale, registration, drafts, self.ring)
        self.deck.put(counts, 20)

    def do(self, opcode, argument=0, faults=0):
        return self.commands.handle(opcode, argument, faults)

    def told(self):
        slots = [read_slot(self.ring.data, number * SLOT_SIZE) for number in range(self.ring.head)]
        return [(slot[3], slot[4]) for slot in slots]


class TareTest(unittest.TestCase):
    def test_a_tare_is_told_when_it_changes(self):
        counter = Counter()
        self.assertEqual([counter.do(regs.OP_TARE), counter.do(regs.OP_TARE)], [ACCEPTED, ACCEPTED])
        self.assertEqual(counter.told(), [(regs.EV_TARE_CHANGED, 200000)])
        self.assertEqual(counter.do(regs.OP_CLEAR_TARE), ACCEPTED)
        self.assertEqual(counter.told(), [(regs.EV_TARE_CHANGED, 200000), (regs.EV_TARE_CHANGED, 0)])
        self.assertEqual((counter.memory.tare_kg_x10, counter.memory.tare_is_preset), (0, 0))

    def test_tare_goes_to_max_and_not_an_interval_further(self):
        self.assertEqual(Counter(SPAN).do(regs.OP_TARE), ACCEPTED)
        self.assertEqual(Counter(SPAN + D).do(regs.OP_TARE), OUT_OF_LIMITS)
        self.assertEqual(Counter(D).do(regs.OP_TARE), ACCEPTED)
        self.assertEqual(Counter(0).do(regs.OP_TARE), OUT_OF_LIMITS)

    def test_the_button_forgets_the_tare_only_on_an_empty_deck_at_rest(self):
        for counts, is_forgotten in ((0, True), (SPAN + D, False)):
            counter = Counter(counts)
            counter.do(regs.OP_PRESET_TARE, 600)
            counter.commands.press(0, 1, 0, 0)
            expected = (0, 0) if is_forgotten else (600, 1)
            self.assertEqual((counter.memory.tare_kg_x10, counter.memory.tare_is_preset), expected, counts)
        counter = Counter(0)
        counter.do(regs.OP_PRESET_TARE, 600)
        counter.deck.scale.window.reset()
        counter.commands.press(0, 1, 0, 0)
        self.assertEqual(counter.memory.tare_kg_x10, 600)

    def test_no_button_does_the_work_of_another(self):
        counter = Counter()
        counter.commands.press(0, 0, 0, 0)
        self.assertEqual((counter.told(), counter.commands.pending), ([], PENDING_NONE))
        counter.commands.press(0, 0, 1, 0)
        self.assertEqual((counter.memory.tare_kg_x10, counter.commands.pending), (0, PENDING_RECORD))
        self.assertEqual(counter.commands.registration.record[1], 0)
        counter = Counter(300)
        counter.commands.press(1, 0, 0, 0)
        self.assertEqual(counter.told(), [(regs.EV_ZERO_SET, 300)])


class StoreTest(unittest.TestCase):
    def test_nothing_is_pending_at_first(self):
        commands = Counter().commands
        self.assertEqual((commands.pending, commands.setting, commands.value), (PENDING_NONE, 0, 0))

    def test_record_0_is_the_newest_and_there_are_none_before_it(self):
        for number, result in ((-1, OUT_OF_LIMITS), (0, NONE), (5, NONE)):
            counter = Counter(0)
            self.assertEqual(counter.do(regs.OP_READ_ALIBI, number), result)
            self.assertEqual(counter.commands.pending, PENDING_READ if result == NONE else PENDING_NONE)
            self.assertEqual(counter.commands.value, max(number, 0))

    def test_only_a_registered_sum_ends_its_drafts(self):
        counter = Counter()
        counter.memory.draft_count = 2
        counter.memory.draft_id = 9
        counter.do(regs.OP_REGISTER, 1)
        counter.commands.finish(True)
        self.assertEqual((counter.memory.registered_id, counter.memory.draft_count), (1, 2))
        self.assertEqual(counter.memory.registered_flags & 1 << regs.REGISTERED_FLAGS_LOCAL, 0)
        self.assertEqual(counter.do(regs.OP_FINISH_DRAFTS, 9), NONE)
        counter.commands.finish(True)
        self.assertEqual((counter.memory.registered_id, counter.memory.draft_count), (9, 0))


class IndicatorZeroTest(unittest.TestCase):
    def test_what_became_of_a_zero_is_told_once_with_its_reason(self):
        for outcome, told in (
            (ZERO_NONE, []),
            (ZERO_DONE, [(regs.EV_ZERO_SET, 0)]),
            (ZERO_REFUSED, [(regs.EV_INDICATOR_ZERO_FAILED, 0)]),
            (ZERO_LATE, [(regs.EV_INDICATOR_ZERO_FAILED, 1)]),
        ):
            counter = Counter(0)
            counter.deck.front.take_zero_outcome = lambda outcome=outcome: outcome
            counter.commands.note_zeroed()
            self.assertEqual(counter.told(), told)


class CalibrationTest(unittest.TestCase):
    def counter(self, counts=LOAD, zero=0):
        counter = Counter(counts, zero)
        counter.memory.local = 1
        return counter

    def test_a_known_weight_is_from_a_fifth_of_max_to_max(self):
        for known_kg, result in ((15999, OUT_OF_LIMITS), (16000, NONE), (MAX_KG, NONE), (MAX_KG + 1, OUT_OF_LIMITS)):
            self.assertEqual(self.counter().do(regs.OP_CALIBRATE_SPAN, known_kg), result, known_kg)

    def test_a_span_is_counted_from_the_zero_in_force_and_told_when_stored(self):
        counter = self.counter(LOAD + 3000, zero=3000)
        self.assertEqual(counter.do(regs.OP_CALIBRATE_SPAN, 40000), NONE)
        commands = counter.commands
        self.assertEqual((commands.pending, commands.setting), (PENDING_SETTING, regs.SET_SPAN_COUNTS))
        self.assertEqual(commands.value, SPAN // 2)
        commands.finish(True)
        self.assertEqual((counter.told(), commands.pending), ([(regs.EV_CALIBRATED, SPAN // 2)], PENDING_NONE))

    def test_at_rest_by_the_new_span_too(self):
        for spread, result, pending in ((D // 2, NONE, PENDING_SETTING), (D // 2 + 1, REFUSED_STATE, PENDING_NONE)):
            counter = self.counter()
            counter.deck.scale.window.spread = spread
            self.assertEqual(counter.do(regs.OP_CALIBRATE_SPAN, 40000), result)
            self.assertEqual(counter.commands.pending, pending)

    def test_no_span_without_a_weight_or_with_a_fault_but_seal_and_drift(self):
        for bit in range(9):
            result = NONE if 1 << bit & (SEAL_OPEN | ZERO_DRIFT) else REFUSED_STATE
            self.assertEqual(self.counter().do(regs.OP_CALIBRATE_SPAN, 20000, 1 << bit), result, bit)
        self.assertEqual(self.counter().do(regs.OP_CALIBRATE_SPAN, 20000, SEAL_OPEN | ZERO_DRIFT), NONE)
        counter = self.counter()
        counter.memory.zero_is_set = 0
        self.assertEqual(counter.do(regs.OP_CALIBRATE_SPAN, 20000), REFUSED_STATE)

    def test_nothing_is_calibrated_without_a_weight_rest_or_clear_photocells(self):
        for doubt in ("valid", "rest", "blocked"):
            counter = self.counter()
            if doubt == "valid":
                counter.memory.valid = 0
            elif doubt == "rest":
                counter.deck.scale.window.reset()
            else:
                counter.memory.is_blocked = 1
            self.assertEqual(counter.do(regs.OP_CALIBRATE_SPAN, 20000), REFUSED_STATE, doubt)

    def test_a_zero_is_what_stands_there_at_rest(self):
        counter = self.counter(700)
        self.assertEqual(counter.do(regs.OP_CALIBRATE_ZERO), NONE)
        self.assertEqual((counter.commands.setting, counter.commands.value), (regs.SET_ZERO_COUNTS, ZERO + 700))
