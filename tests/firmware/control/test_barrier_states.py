"""What one state leaves to the next: what a fire, a stop, a fault or a contact ends, and what goes on afterwards."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench


def state_changes(bench: BarrierBench) -> list[int]:
    return [state for code, state in bench.events() if code == reg.EV_STATE_CHANGED]


def contact(bench: BarrierBench) -> None:
    bench.close_halfway()
    bench.put(reg.IN_EDGE_OK, 0)
    bench.put(reg.IN_EDGE_OK, 1)


class TestFire(unittest.TestCase):
    def test_opening_of_a_fire_is_completed_and_calls_nobody(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 1000
        bench.command(reg.OP_OPEN)
        bench.run(500)
        bench.put(reg.IN_FIRE, 1)
        bench.run(500)
        bench.put(reg.IN_FIRE, 0)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_OPENING, "open"))
        bench.run(10000)
        self.assertEqual((bench.state(), bench.lights()), (reg.STATE_OPEN, reg.LIGHTS_RED))

    def test_letting_go_of_the_button_does_not_stop_what_the_fire_began(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_LOCAL_OPEN] = reg.LOCAL_OPEN_HOLD_TO_RUN
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(300)
        bench.put(reg.IN_FIRE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.run(300)
        bench.put(reg.IN_FIRE, 0)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_fire_opening_that_gave_up_is_not_completed_but_the_next_fire_opens_again(self) -> None:
        bench = BarrierBench()
        bench.boom_free = False
        bench.put(reg.IN_FIRE, 1)
        bench.run(5000)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_FIRE_OPEN, "-"))
        bench.core.request_opcode = reg.OP_CLEAR_FAULTS
        bench.put(reg.IN_FIRE, 0)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_CLOSED, "-"))
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual(bench.motors(), "open")


class TestPosition(unittest.TestCase):
    def test_position_is_in_doubt_after_a_fault_and_not_after_a_stop(self) -> None:
        for index, state in (
            (reg.IN_ARM_INTACT, reg.STATE_UNKNOWN),
            (reg.IN_MAINS_OK, reg.STATE_UNKNOWN),
            (reg.IN_STOP_CHAIN_OK, reg.STATE_STOPPED_MID),
        ):
            bench = BarrierBench()
            bench.command(reg.OP_OPEN)
            bench.run(1000)
            bench.put(index, 0)
            bench.run(100)
            bench.put(index, 1)
            bench.command(reg.OP_CLEAR_FAULTS)
            bench.run(1000)
            self.assertEqual(bench.state(), state, index)

    def test_homing_ends_the_doubt(self) -> None:
        bench = BarrierBench(900)
        bench.open()
        bench.close_halfway()
        bench.command(reg.OP_STOP)
        bench.run(1000)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.state(), reg.STATE_OPENING)


class TestClosing(unittest.TestCase):
    def test_vehicle_in_a_later_preflash_moves_nothing_either(self) -> None:
        bench = BarrierBench()
        for _ in range(2):
            bench.open()
            bench.command(reg.OP_CLOSE)
            bench.run(3000)
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(200)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_REVERSALS]), (reg.STATE_OPEN, 0))

    def test_closing_that_a_person_ended_in_its_preflash_is_not_taken_up_by_the_automatic_one(self) -> None:
        for by_button in (True, False):
            bench = BarrierBench()
            bench.open()
            bench.settings[reg.SET_AUTO_CLOSE_MS] = 5000
            if by_button:
                bench.put(reg.IN_LOCAL_MODE, 1)
                bench.put(reg.IN_LOCAL_CLOSE, 1)
            else:
                bench.command(reg.OP_CLOSE)
            bench.run(200)
            self.assertEqual((bench.state(), bench.motors()), (reg.STATE_CLOSING, "-"))
            bench.put(reg.IN_LOCAL_CLOSE, 0)
            bench.put(reg.IN_LOCAL_MODE, 1)
            bench.put(reg.IN_LOCAL_MODE, 0)
            bench.run(20000)
            self.assertEqual(bench.state(), reg.STATE_OPEN, by_button)

    def test_opening_after_a_closing_is_green_again(self) -> None:
        bench = BarrierBench()
        for _ in range(2):
            bench.open()
            self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)
            bench.command(reg.OP_CLOSE)
            bench.run(4000)

    def test_pause_before_a_reversal_flashes_red(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual((bench.motors(), bench.lights()), ("-", reg.LIGHTS_RED_FLASHING))

    def test_contact_ends_the_automatic_closing_also_when_its_series_was_cleared(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 5000
        contact(bench)
        bench.run(3000)
        bench.command(reg.OP_CLEAR_FAULTS)
        bench.run(20000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_stop_chain_ends_a_series_of_contacts(self) -> None:
        bench = BarrierBench()
        bench.open()
        contact(bench)
        bench.run(3000)
        bench.put(reg.IN_STOP_CHAIN_OK, 0)
        bench.put(reg.IN_STOP_CHAIN_OK, 1)
        bench.run(1000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        contact(bench)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)

    def test_second_contact_is_no_reversal(self) -> None:
        bench = BarrierBench()
        bench.open()
        contact(bench)
        bench.run(3000)
        bench.events()
        contact(bench)
        self.assertEqual(state_changes(bench), [reg.STATE_CLOSING, reg.STATE_BLOCKED])
        self.assertEqual(bench.core.status[reg.ST_REVERSALS], 1)


class TestNothingToMove(unittest.TestCase):
    def test_open_and_stop_of_an_open_boom_change_no_state(self) -> None:
        for first in (reg.OP_OPEN, reg.OP_HOLD_OPEN):
            for opcode in (first, reg.OP_STOP):
                bench = BarrierBench()
                bench.command(first)
                bench.run(3000)
                bench.events()
                bench.command(opcode)
                bench.run(1000)
                self.assertEqual(state_changes(bench), [])

    def test_stop_without_mains_changes_no_state(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        bench.put(reg.IN_MAINS_OK, 0)
        bench.events()
        bench.command(reg.OP_STOP)
        bench.run(100)
        self.assertEqual(state_changes(bench), [])
