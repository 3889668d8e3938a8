"""Registering a weight, and tare."""

import unittest

from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import Bench

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED


def with_truck(load_kg_x10=425670):
    bench = Bench()
    bench.start()
    bench.drive_on(load_kg_x10)
    bench.events()
    return bench


class RegisterTest(unittest.TestCase):
    def test_a_stable_truck_in_position_is_registered_with_its_id(self):
        bench = with_truck()
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 425600)
        self.assertEqual(bench.status(regs.ST_REGISTERED_ID), 77)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)
        self.assertEqual(
            bench.events(),
            [
                (regs.EV_WEIGHT_REGISTERED, 425600),
                (regs.EV_REGISTERED_FOR, 77),
                (regs.EV_ALIBI_STORED, 1),
                (regs.EV_COMMAND_DONE, regs.OP_REGISTER * 256 + ACCEPTED),
            ],
        )

    def test_a_truck_half_on_the_deck_is_not_registered_in_a_gap_of_its_photocell(self):
        for front, rear in ((0, 1), (1, 0)):
            bench = with_truck(212000)
            bench.set_contacts(front, rear, 1)
            bench.run(10000)
            self.assertFalse(bench.has_flag(regs.FLAGS_STABLE))
            bench.set_contacts(1, 1, 1)
            bench.run(100)
            self.assertEqual(bench.state(), regs.STATE_OCCUPIED)
            self.assertEqual(bench.request(regs.OP_REGISTER, 77), regs.COMMAND_RESULT_REFUSED_STATE)
            self.assertEqual(bench.request(regs.OP_TARE), regs.COMMAND_RESULT_REFUSED_STATE)
            bench.run(4000)
            self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)

    def test_the_same_id_for_the_same_truck_registers_once(self):
        bench = with_truck()
        bench.request(regs.OP_REGISTER, 77)
        bench.load_kg_x10 += 5000
        bench.run(300)
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 425600)

    def test_the_same_id_for_the_next_truck_registers_again(self):
        bench = with_truck()
        bench.request(regs.OP_REGISTER, 77)
        bench.drive_off()
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), regs.COMMAND_RESULT_OUT_OF_LIMITS)
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 2)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 300000)

    def test_a_loss_of_weight_ends_the_occupation(self):
        bench = with_truck()
        bench.request(regs.OP_REGISTER, 77)
        bench.converting = False
        bench.run(1500)
        bench.converting = True
        bench.run(4000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 2)

    def test_another_id_for_the_same_truck_registers_again(self):
        bench = with_truck()
        bench.request(regs.OP_REGISTER, 77)
        self.assertEqual(bench.request(regs.OP_REGISTER, 78), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 2)

    def test_an_unstable_weight_is_refused(self):
        bench = with_truck()
        bench.load_kg_x10 += 1000
        bench.run(300)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_REFUSED_STATE)

    def test_a_truck_over_the_deck_end_is_refused(self):
        bench = with_truck()
        bench.set_contacts(0, 1, 1)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_REFUSED_INTERLOCK)

    def test_below_min_and_overload_are_out_of_limits(self):
        for load in (0, 3700, 802000, 1500000):
            bench = with_truck(load)
            self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_OUT_OF_LIMITS, load)
            self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)

    def test_nothing_is_registered_until_overload_is_gone(self):
        bench = with_truck(803000)
        for load, result in ((801700, regs.COMMAND_RESULT_OUT_OF_LIMITS), (801500, ACCEPTED)):
            bench.load_kg_x10 = load
            bench.run(3000)
            self.assertEqual(bench.request(regs.OP_REGISTER, 1), result, load)

    def test_the_registered_weight_itself_must_reach_min(self):
        bench = Bench(noise_counts=0)
        bench.start()
        bench.load_kg_x10 = 4010
        bench.run(2500)
        bench.load_kg_x10 = 3950
        bench.run(2500)
        bench.load_kg_x10 = 4010
        bench.run(450)
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertFalse(bench.has_flag(regs.FLAGS_BELOW_MIN))
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_OUT_OF_LIMITS)

    def test_ids_outside_the_small_integers_are_refused(self):
        bench = with_truck()
        for register_id in (0, -1, 0x3FFFFFFF + 1):
            self.assertEqual(bench.request(regs.OP_REGISTER, register_id), regs.COMMAND_RESULT_OUT_OF_LIMITS)
        self.assertEqual(bench.request(regs.OP_REGISTER, 0x3FFFFFFF), ACCEPTED)

    def test_a_gust_at_the_moment_of_the_command_does_not_move_the_registered_weight(self):
        bench = with_truck(425600)
        bench.load_kg_x10 += 90
        bench.run(200)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 425600)

    def test_unknown_opcodes_are_answered(self):
        bench = with_truck()
        self.assertEqual(bench.request(200), regs.COMMAND_RESULT_UNKNOWN_OPCODE)
        self.assertEqual(bench.core.request_opcode, 0)
        self.assertEqual(bench.request(regs.OP_CLEAR_FAULTS), ACCEPTED)


class TareTest(unittest.TestCase):
    def test_tare_makes_net(self):
        bench = with_truck(200000)
        self.assertEqual(bench.request(regs.OP_TARE), ACCEPTED)
        bench.load_kg_x10 = 350000
        bench.run(2000)
        self.assertEqual(bench.status(regs.ST_TARE_KG_X10), 200000)
        self.assertEqual(bench.status(regs.ST_NET_KG_X10), 150000)
        self.assertTrue(bench.has_flag(regs.FLAGS_TARE_SET))
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 350000)
        self.assertEqual(bench.request(regs.OP_CLEAR_TARE), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_NET_KG_X10), 350000)
        self.assertFalse(bench.has_flag(regs.FLAGS_TARE_SET))

    def test_tare_needs_a_stable_weight_above_zero(self):
        bench = with_truck(200000)
        bench.load_kg_x10 = 250000
        bench.run(300)
        self.assertEqual(bench.request(regs.OP_TARE), regs.COMMAND_RESULT_REFUSED_STATE)
        bench.drive_off()
        self.assertEqual(bench.request(regs.OP_TARE), regs.COMMAND_RESULT_OUT_OF_LIMITS)
