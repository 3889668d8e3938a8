"""Axle-wise weighing: drafts, their sum, and the limits of axle groups."""

import unittest

from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import started

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
REFUSED_STATE = regs.COMMAND_RESULT_REFUSED_STATE
OUT_OF_LIMITS = regs.COMMAND_RESULT_OUT_OF_LIMITS
STORE_FAILED = regs.COMMAND_RESULT_STORE_FAILED


def has_flag(bench, bit):
    return bool(bench.status(regs.ST_REGISTERED_FLAGS) & (1 << bit))


class DraftTest(unittest.TestCase):
    def axle_scale(self):
        bench = started(scan_ms=50)
        bench.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        bench.set_contacts(0, 0, 1)
        bench.run(1500)
        return bench

    def stand(self, bench, load_kg_x10):
        bench.load_kg_x10 = 2 * load_kg_x10 // 3
        bench.run(300)
        bench.load_kg_x10 = load_kg_x10
        bench.run(2500)

    def test_drafts_are_summed_and_the_result_is_never_legal_for_trade(self):
        bench = self.axle_scale()
        bench.events()
        for load in (60000, 110000, 105000):
            self.stand(bench, load)
            self.assertEqual(bench.request(regs.OP_DRAFT, 9), ACCEPTED)
            self.assertFalse(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))
        self.assertEqual(bench.status(regs.ST_DRAFT_COUNT), 3)
        self.assertEqual(bench.status(regs.ST_DRAFT_SUM_KG_X10), 275000)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 275000)
        self.assertTrue(has_flag(bench, regs.REGISTERED_FLAGS_MULTI_DRAFT))
        self.assertFalse(has_flag(bench, regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE))
        self.assertEqual(bench.status(regs.ST_DRAFT_COUNT), 0)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)

    def test_a_draft_asked_for_twice_counts_once(self):
        bench = self.axle_scale()
        self.stand(bench, 60000)
        for _ in range(2):
            self.assertEqual(bench.request(regs.OP_DRAFT, 9), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_DRAFT_SUM_KG_X10), 60000)

    def test_a_failed_store_keeps_the_drafts(self):
        bench = self.axle_scale()
        self.stand(bench, 60000)
        bench.request(regs.OP_DRAFT, 9)
        bench.store_result = STORE_FAILED
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), STORE_FAILED)
        self.assertEqual(bench.status(regs.ST_DRAFT_SUM_KG_X10), 60000)
        bench.store_result = ACCEPTED
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), ACCEPTED)

    def test_drafts_of_two_vehicles_do_not_mix(self):
        bench = self.axle_scale()
        self.stand(bench, 60000)
        bench.request(regs.OP_DRAFT, 9)
        self.stand(bench, 50000)
        self.assertEqual(bench.request(regs.OP_DRAFT, 10), REFUSED_STATE)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 10), REFUSED_STATE)
        self.assertEqual(bench.request(regs.OP_CANCEL_DRAFTS), ACCEPTED)
        self.assertEqual(bench.request(regs.OP_DRAFT, 10), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_DRAFT_SUM_KG_X10), 50000)

    def test_what_may_not_be_registered_is_no_draft(self):
        bench = self.axle_scale()
        for load, result in ((3000, OUT_OF_LIMITS), (802200, OUT_OF_LIMITS)):
            self.stand(bench, load)
            self.assertEqual(bench.request(regs.OP_DRAFT, 9), result, load)
        self.stand(bench, 60000)
        bench.load_kg_x10 = 70000
        bench.run(300)
        self.assertEqual(bench.request(regs.OP_DRAFT, 9), REFUSED_STATE)
        for draft_id in (0, -1, 0x3FFFFFFF + 1):
            self.assertEqual(bench.request(regs.OP_DRAFT, draft_id), OUT_OF_LIMITS)

    def test_each_way_of_weighing_refuses_the_other(self):
        bench = self.axle_scale()
        self.stand(bench, 60000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 9), REFUSED_STATE)
        bench = started()
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_DRAFT, 9), REFUSED_STATE)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), REFUSED_STATE)

    def test_the_zero_stays_while_axles_stand_on_the_deck(self):
        bench = self.axle_scale()
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        bench.load_kg_x10 = 80
        bench.run(5000)
        self.assertTrue(bench.has_flag(regs.FLAGS_STABLE))
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), offset)
        self.assertEqual(bench.request(regs.OP_ZERO), REFUSED_STATE)

    def test_axle_groups_are_held_to_their_limits(self):
        bench = self.axle_scale()
        for group, limit in ((1, 100000), (2, 110000), (3, 160000), (4, 180000), (5, 210000), (6, 240000)):
            for load, is_over in ((limit, False), (limit + 200, True)):
                bench.request(regs.OP_CANCEL_DRAFTS)
                self.stand(bench, load)
                self.assertEqual(bench.request(regs.OP_DRAFT_GROUP, group), ACCEPTED)
                self.assertEqual(bench.request(regs.OP_DRAFT, 9), ACCEPTED)
                flags = 1 << regs.DRAFT_FLAGS_OVER_GROUP_LIMIT | 1 << regs.DRAFT_FLAGS_LAST_OVER_GROUP_LIMIT
                self.assertEqual(bench.status(regs.ST_DRAFT_FLAGS), flags if is_over else 0, (group, load))
        for group in (-1, 7):
            self.assertEqual(bench.request(regs.OP_DRAFT_GROUP, group), OUT_OF_LIMITS)

    def test_there_is_an_end_to_drafts(self):
        bench = self.axle_scale()
        for _ in range(12):
            self.stand(bench, 60000)
            self.assertEqual(bench.request(regs.OP_DRAFT, 9), ACCEPTED)
        self.stand(bench, 60000)
        self.assertEqual(bench.request(regs.OP_DRAFT, 9), OUT_OF_LIMITS)
        self.assertEqual(bench.status(regs.ST_DRAFT_SUM_KG_X10), 720000)

    def test_a_draft_is_told_and_a_cancelled_one_is_gone_with_its_group(self):
        bench = self.axle_scale()
        self.stand(bench, 105000)
        bench.request(regs.OP_DRAFT_GROUP, 1)
        bench.events()
        self.assertEqual(bench.request(regs.OP_DRAFT, 1), ACCEPTED)
        self.assertEqual(bench.events()[0], (regs.EV_DRAFT_TAKEN, 105000))
        self.assertEqual(bench.status(regs.ST_DRAFT_LAST_KG_X10), 105000)
        bench.request(regs.OP_DRAFT_GROUP, 1)
        bench.request(regs.OP_CANCEL_DRAFTS)
        shown = (regs.ST_DRAFT_COUNT, regs.ST_DRAFT_SUM_KG_X10, regs.ST_DRAFT_LAST_KG_X10, regs.ST_DRAFT_FLAGS)
        self.assertEqual([bench.status(index) for index in shown], [0, 0, 0, 0])
        self.assertEqual(bench.request(regs.OP_DRAFT, 1), REFUSED_STATE, "the same load is no second draft")
        self.stand(bench, 105000)
        self.assertEqual(bench.request(regs.OP_DRAFT, 0x3FFFFFFF), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_DRAFT_FLAGS), 0)

    def test_a_group_is_for_one_draft_and_an_excess_stays_with_the_sum(self):
        bench = self.axle_scale()
        over = 1 << regs.DRAFT_FLAGS_OVER_GROUP_LIMIT
        last = 1 << regs.DRAFT_FLAGS_LAST_OVER_GROUP_LIMIT
        for group, load, flags in ((1, 105000, over | last), (None, 106000, over), (0, 107000, over)):
            self.stand(bench, load)
            if group is not None:
                self.assertEqual(bench.request(regs.OP_DRAFT_GROUP, group), ACCEPTED)
            self.assertEqual(bench.request(regs.OP_DRAFT, 5), ACCEPTED)
            self.assertEqual(bench.status(regs.ST_DRAFT_FLAGS), flags, load)

    def test_only_a_sum_of_drafts_is_finished_again(self):
        bench = self.axle_scale()
        self.stand(bench, 60000)
        bench.request(regs.OP_DRAFT, 9)
        bench.request(regs.OP_FINISH_DRAFTS, 9)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 8), REFUSED_STATE)
        bench = started(scan_ms=50)
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 9), ACCEPTED)
        self.assertEqual(bench.request(regs.OP_FINISH_DRAFTS, 9), REFUSED_STATE)
