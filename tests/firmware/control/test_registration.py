"""When a weight may be registered, under which id, what the record says, and how two vehicles show."""

import unittest

from firmware.control.events import EventRing
from firmware.control.registration import Registration, show_record
from firmware.control.weighbridge_memory import (
    RECORD_CALIBRATION,
    RECORD_COUNT,
    RECORD_E_KG,
    RECORD_FLAGS,
    RECORD_GROSS,
    RECORD_ID,
    RECORD_TARE,
)
from protocols.events import SLOT_SIZE, read_slot
from protocols.registers import weighbridge as regs
from tests.firmware.control.scale_bench import D, zeroed

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
NONE = regs.COMMAND_RESULT_NONE
OUT_OF_LIMITS = regs.COMMAND_RESULT_OUT_OF_LIMITS
REFUSED_INTERLOCK = regs.COMMAND_RESULT_REFUSED_INTERLOCK
REFUSED_STATE = regs.COMMAND_RESULT_REFUSED_STATE
LEGAL = 1 << regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE
SEAL_OPEN = 1 << regs.FAULTS_SEAL_OPEN
TRUCK = 1000 * D  # 20 t
MIN = 20 * D


class Desk:
    """A registration behind a scale that is zeroed; `watch` stands for a scan that changed nothing of the weight."""

    def __init__(self):
        self.deck = zeroed()
        self.memory = self.deck.memory
        self.record = [0] * RECORD_COUNT
        self.registration = Registration(self.memory, self.deck.scale, self.record)
        self.watch = self.registration.watch
        self.watch()

    def interrupt(self):
        """A photocell is interrupted for a moment."""
        self.deck.set_blocked(1)
        self.watch()
        self.deck.set_blocked(0)
        self.watch()

    def stand(self, counts):
        """A load comes and is at rest."""
        for _ in range(20):
            self.deck.put(counts, 1)
            self.watch()

    def register(self, register_id=7, faults=0, flags=0):
        result = self.registration.prepare(register_id, faults, flags)
        if result == NONE:
            self.registration.commit(EventRing(bytearray(4 * SLOT_SIZE), 4))
        return result


def with_truck(counts=TRUCK):
    desk = Desk()
    desk.interrupt()
    desk.stand(counts)
    return desk


class RefusalTest(unittest.TestCase):
    def refusal(self, desk, faults=0):
        return desk.registration.find_refusal(faults)

    def test_a_truck_at_rest_may_be_registered_also_with_the_seal_open_but_with_no_other_fault(self):
        desk = with_truck()
        self.assertEqual(self.refusal(desk), NONE)
        for bit in range(9):
            expected = NONE if bit == regs.FAULTS_SEAL_OPEN else REFUSED_STATE
            self.assertEqual(self.refusal(desk, 1 << bit), expected, bit)
        self.assertEqual(self.refusal(desk, SEAL_OPEN | 1 << regs.FAULTS_ZERO_DRIFT), REFUSED_STATE)

    def test_no_weight_no_rest_no_position(self):
        desk = with_truck()
        desk.memory.zero_is_set = 0
        self.assertEqual(self.refusal(desk), REFUSED_STATE)
        desk.memory.zero_is_set = 1
        desk.memory.is_blocked = 1
        self.assertEqual(self.refusal(desk), REFUSED_INTERLOCK)
        desk.deck.scale.is_axle_wise = 1
        self.assertEqual(self.refusal(desk), NONE)
        desk.memory.is_blocked = 0
        desk.memory.second_vehicle = 1
        self.assertEqual(self.refusal(desk), REFUSED_INTERLOCK)
        desk.memory.second_vehicle = 0
        desk.deck.scale.window.reset()
        self.assertEqual(self.refusal(desk), REFUSED_STATE)

    def test_from_min_to_max_and_9_e(self):
        for counts, expected in (
            (MIN - 5, OUT_OF_LIMITS),
            (MIN, NONE),
            (4009 * D, NONE),
            (4009 * D + 5, OUT_OF_LIMITS),
        ):
            self.assertEqual(self.refusal(with_truck(counts)), expected, counts)

    def test_overload_is_over_when_the_indication_says_so(self):
        desk = with_truck()
        desk.memory.overload = 1
        self.assertEqual(self.refusal(desk), OUT_OF_LIMITS)


class RecordTest(unittest.TestCase):
    def test_the_record_says_what_was_in_force(self):
        desk = with_truck(TRUCK + 450)
        desk.memory.tare_kg_x10 = 3000
        desk.memory.tare_is_preset = 1
        desk.memory.calibration_count = 41
        self.assertEqual(desk.registration.prepare(7, 0, 0), NONE)
        record = desk.record
        self.assertEqual((record[RECORD_ID], record[RECORD_GROSS], record[RECORD_TARE]), (7, 200000, 3000))
        self.assertEqual(record[RECORD_FLAGS], LEGAL | 1 << regs.REGISTERED_FLAGS_PRESET_TARE)
        self.assertEqual((record[RECORD_CALIBRATION], record[RECORD_E_KG]), (41, 20))

    def test_legal_for_trade_without_any_fault_on_a_verified_instrument_only(self):
        local = 1 << regs.REGISTERED_FLAGS_LOCAL
        for faults, is_verified, flags in ((0, 1, local | LEGAL), (SEAL_OPEN, 1, local), (0, 0, local)):
            desk = with_truck()
            desk.deck.front.is_verified = is_verified
            self.assertEqual(desk.registration.prepare(7, faults, local), NONE)
            self.assertEqual(desk.record[RECORD_FLAGS], flags)

    def test_only_what_is_committed_is_registered_and_told(self):
        desk = with_truck()
        ring = EventRing(bytearray(4 * SLOT_SIZE), 4)
        desk.memory.registered_count = 0xFFFF
        desk.memory.tare_kg_x10 = 600
        self.assertEqual(desk.registration.prepare(7, 0, 0), NONE)
        memory = desk.memory
        self.assertEqual((memory.registered_here, memory.registered_id, memory.registered_kg_x10), (0, 0, 0))
        desk.registration.commit(ring)
        self.assertEqual((memory.registered_here, memory.registered_id, memory.registered_kg_x10), (1, 7, 200000))
        self.assertEqual((memory.registered_tare_kg_x10, memory.registered_flags), (600, LEGAL))
        self.assertEqual((memory.registered_count, ring.head), (0, 2))
        slots = [read_slot(ring.data, number * SLOT_SIZE) for number in range(2)]
        told = [(slot[3], slot[4]) for slot in slots]
        self.assertEqual(told, [(regs.EV_WEIGHT_REGISTERED, 200000), (regs.EV_REGISTERED_FOR, 7)])

    def test_every_field_of_a_record_has_its_register(self):
        status = [0] * regs.STATUS_COUNT
        show_record([11, 12, 13, 14, 15, 16, 17, 18, 19], status)
        shown = (
            regs.ST_ALIBI_SEQUENCE,
            regs.ST_ALIBI_REGISTER_ID,
            regs.ST_ALIBI_GROSS_KG_X10,
            regs.ST_ALIBI_TARE_KG_X10,
            regs.ST_ALIBI_FLAGS,
            regs.ST_ALIBI_BOOT_COUNT,
            regs.ST_ALIBI_UPTIME_S,
            regs.ST_ALIBI_CALIBRATION_COUNT,
            regs.ST_ALIBI_E_KG,
        )
        self.assertEqual([status[index] for index in shown], [11, 12, 13, 14, 15, 16, 17, 18, 19])


class OccupationTest(unittest.TestCase):
    def test_the_same_id_registers_once_while_the_truck_stays(self):
        desk = with_truck()
        self.assertEqual([desk.register(7), desk.register(7)], [NONE, ACCEPTED])
        desk.watch()
        self.assertEqual(desk.register(7), ACCEPTED)
        self.assertEqual(desk.memory.registered_count, 1)
        self.assertEqual(desk.register(8), NONE)

    def test_an_empty_deck_a_lost_weight_or_other_settings_end_it(self):
        for end in ("empty", "lost", "settings"):
            desk = with_truck()
            desk.register(7)
            if end == "empty":
                desk.stand(0)
            elif end == "lost":
                desk.memory.valid = 0
                desk.watch()
            else:
                desk.registration.forget()
            self.assertEqual(desk.memory.registered_here, 0, end)

    def test_axle_wise_takes_drafts_only(self):
        desk = with_truck()
        desk.deck.scale.is_axle_wise = 1
        self.assertEqual(desk.register(7), REFUSED_STATE)

    def test_min_more_at_rest_after_a_photocell_is_a_second_vehicle_until_the_deck_was_empty(self):
        desk = with_truck()
        self.assertEqual((desk.memory.second_vehicle, desk.memory.rest_kg_x10), (0, 200000))
        self.assertEqual(desk.memory.beam_broken, 0)
        desk.interrupt()
        self.assertEqual(desk.memory.beam_broken, 1)
        desk.stand(TRUCK + MIN)
        self.assertEqual((desk.memory.second_vehicle, desk.memory.beam_broken), (1, 0))
        self.assertEqual(desk.memory.rest_kg_x10, 204000)
        desk.stand(TRUCK)
        self.assertEqual(desk.memory.second_vehicle, 1)
        desk.memory.beam_broken = 1
        desk.stand(0)
        memory = desk.memory
        self.assertEqual((memory.second_vehicle, memory.beam_broken, memory.rest_kg_x10), (0, 0, 0))

    def test_a_lost_weight_forgets_no_vehicle(self):
        desk = with_truck()
        desk.memory.second_vehicle = 1
        desk.memory.on_deck = 0
        desk.memory.valid = 0
        desk.watch()
        self.assertEqual((desk.memory.second_vehicle, desk.memory.rest_kg_x10), (1, 200000))

    def test_less_than_min_more_is_the_driver_and_counts_as_the_same_load(self):
        desk = with_truck()
        desk.interrupt()
        desk.stand(TRUCK + MIN - 5)
        self.assertEqual((desk.memory.second_vehicle, desk.memory.beam_broken), (0, 0))

    def test_loading_without_a_photocell_is_one_vehicle(self):
        desk = with_truck()
        desk.stand(2 * TRUCK)
        self.assertEqual((desk.memory.second_vehicle, desk.memory.rest_kg_x10), (0, 400000))

    def test_axle_wise_every_axle_comes_past_a_photocell(self):
        desk = with_truck()
        desk.deck.scale.is_axle_wise = 1
        desk.interrupt()
        desk.stand(2 * TRUCK)
        self.assertEqual((desk.memory.second_vehicle, desk.memory.rest_kg_x10), (0, 200000))
