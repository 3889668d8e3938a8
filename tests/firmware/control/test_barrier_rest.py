"""What begins by itself and what ends it: every delay of the page's table, and the limits the boom rests at."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

CLOSES = reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR
OPENS = reg.POWER_RETURN_ACTION_OPEN


def opened(auto_close_ms: int = 0, anti_tailgate: int = 0, is_hub_free: bool = False) -> BarrierBench:
    """Opened by remote command, with these automatics."""
    bench = BarrierBench()
    bench.settings[reg.SET_AUTO_CLOSE_MS] = auto_close_ms
    bench.settings[reg.SET_ANTI_TAILGATE] = anti_tailgate
    if is_hub_free:
        bench.settings[reg.SET_HUB_LOSS_ACTION] = reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
    bench.open()
    return bench


def returned(action: int, position_ms: int) -> BarrierBench:
    """A barrier that has just booted with the mains on."""
    bench = BarrierBench(position_ms)
    bench.core.memory.mains_before = 0
    bench.settings[reg.SET_POWER_RETURN_ACTION] = action
    bench.scan()
    return bench


def automatic(bench: BarrierBench) -> int:
    return bench.core.status[reg.ST_AUTOMATIC]


def pass_through(bench: BarrierBench) -> None:
    bench.put(reg.IN_SAFETY_LOOP, 1)
    bench.put(reg.IN_SAFETY_LOOP, 0)
    bench.run(2000)


class TestClosing(unittest.TestCase):
    def test_which_delay_runs_follows_from_hub_settings_and_whether_somebody_passed(self) -> None:
        for hub, auto_ms, tailgate, hub_free, passed, expected in (
            (1, 0, 0, True, True, reg.AUTOMATIC_NONE),
            (1, 9000, 0, True, True, reg.AUTOMATIC_AUTO_CLOSE),
            (1, 9000, 1, True, False, reg.AUTOMATIC_AUTO_CLOSE),
            (1, 0, 1, True, False, reg.AUTOMATIC_NONE),
            (0, 9000, 1, False, False, reg.AUTOMATIC_NONE),
            (0, 0, 0, True, False, reg.AUTOMATIC_HUB_LOST),
            (0, 9000, 1, True, True, reg.AUTOMATIC_HUB_LOST),
        ):
            bench = opened(auto_ms, 0, hub_free)
            if passed:
                pass_through(bench)
            bench.settings[reg.SET_ANTI_TAILGATE] = tailgate
            bench.core.hub_alive = hub
            bench.scan()
            self.assertEqual(automatic(bench), expected, (hub, auto_ms, tailgate, hub_free, passed))

    def test_hub_lost_closes_after_the_bridged_gap(self) -> None:
        bench = opened(0, 0, True)
        bench.core.hub_alive = 0
        bench.scan()
        bench.run(1990)
        self.assertEqual((bench.state(), automatic(bench)), (reg.STATE_OPEN, reg.AUTOMATIC_HUB_LOST))
        bench.run(10)
        self.assertEqual((bench.state(), automatic(bench)), (reg.STATE_CLOSING, reg.AUTOMATIC_NONE))

    def test_delay_starts_anew_when_its_reason_changes(self) -> None:
        bench = opened(5000, 0, True)
        bench.run(1500)
        bench.core.hub_alive = 0
        bench.run(1000)
        bench.core.hub_alive = 1
        bench.scan()
        self.assertEqual(automatic(bench), reg.AUTOMATIC_AUTO_CLOSE)
        bench.run(4990)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.run(10)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_vehicle_that_closes_behind_it_takes_one_millisecond_after_the_gap(self) -> None:
        bench = opened(0, 1)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(2000)
        self.assertEqual((bench.state(), automatic(bench)), (reg.STATE_OPEN, reg.AUTOMATIC_ANTI_TAILGATE))
        self.assertEqual(bench.core.next_wake_ms(), 1)
        bench.now_ms += 1
        bench.scan()
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_key_presence_edge_and_degraded_mode_end_every_delay(self) -> None:
        for index, value in (
            (reg.IN_LOCAL_MODE, 1),
            (reg.IN_SAFETY_LOOP, 1),
            (reg.IN_EDGE_OK, 0),
            (reg.IN_LOOPS_OK, 0),
        ):
            for hub in (0, 1):
                bench = opened(5000, 0, True)
                bench.core.hub_alive = hub
                bench.scan()
                self.assertTrue(automatic(bench) != reg.AUTOMATIC_NONE)
                bench.put(index, value)
                self.assertEqual((automatic(bench), bench.core.timers.is_off(7)), (reg.AUTOMATIC_NONE, True))
                bench.run(20000)
                self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_nothing_closes_by_itself_after_a_stop_a_fire_a_fault_or_a_contact(self) -> None:
        for cause in ("stop", "chain", "fire", "fault", "contact", "hand"):
            bench = opened(5000, 0, True)
            if cause == "stop":
                bench.command(reg.OP_STOP)
            elif cause == "contact":
                bench.close_halfway()
                bench.put(reg.IN_EDGE_OK, 0)
                bench.put(reg.IN_EDGE_OK, 1)
            else:
                index, value = {
                    "chain": (reg.IN_STOP_CHAIN_OK, 0),
                    "fire": (reg.IN_FIRE, 1),
                    "fault": (reg.IN_ARM_INTACT, 0),
                    "hand": (reg.IN_MANUAL_RELEASED, 1),
                }[cause]
                bench.put(index, value)
                bench.put(index, 1 - value)
                bench.command(reg.OP_CLEAR_FAULTS)
            bench.run(10000)
            self.assertEqual(bench.state(), reg.STATE_OPEN, cause)
            bench.core.hub_alive = 0
            bench.run(10000)
            self.assertEqual((bench.state(), automatic(bench)), (reg.STATE_OPEN, reg.AUTOMATIC_NONE), cause)

    def test_reversal_from_a_contact_followed_by_open_still_waits_for_a_complete_closing(self) -> None:
        bench = opened(1000)
        bench.close_halfway()
        bench.put(reg.IN_EDGE_OK, 0)
        bench.put(reg.IN_EDGE_OK, 1)
        bench.run(3000)
        bench.command(reg.OP_OPEN)
        bench.run(5000)
        self.assertEqual((bench.state(), automatic(bench)), (reg.STATE_OPEN, reg.AUTOMATIC_NONE))

    def test_reversal_from_a_presence_closes_again_by_itself(self) -> None:
        bench = opened(1000)
        bench.close_halfway()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)


class TestPowerReturn(unittest.TestCase):
    def test_which_movement_follows_the_return_depends_on_the_position(self) -> None:
        for action, position_ms, expected in (
            (reg.POWER_RETURN_ACTION_HOLD, 0, reg.AUTOMATIC_NONE),
            (reg.POWER_RETURN_ACTION_HOLD, 900, reg.AUTOMATIC_NONE),
            (reg.POWER_RETURN_ACTION_HOLD, 2000, reg.AUTOMATIC_NONE),
            (OPENS, 0, reg.AUTOMATIC_POWER_RETURN_OPEN),
            (OPENS, 900, reg.AUTOMATIC_POWER_RETURN_OPEN),
            (OPENS, 2000, reg.AUTOMATIC_NONE),
            (CLOSES, 0, reg.AUTOMATIC_NONE),
            (CLOSES, 900, reg.AUTOMATIC_POWER_RETURN_OPEN),
            (CLOSES, 2000, reg.AUTOMATIC_POWER_RETURN_CLOSE),
        ):
            for hub in (0, 1):
                bench = returned(action, position_ms)
                bench.core.hub_alive = hub
                bench.scan()
                self.assertEqual(automatic(bench), expected, (action, position_ms))
                if expected != reg.AUTOMATIC_NONE:
                    self.assertEqual(bench.lights(), reg.LIGHTS_RED_FLASHING)
                    bench.run(4990)
                    self.assertEqual((bench.motors(), automatic(bench)), ("-", expected))
                bench.run(15000)
                ends = {reg.POWER_RETURN_ACTION_HOLD: position_ms, OPENS: 2000, CLOSES: 0}
                self.assertEqual(bench.position_ms, ends[action], (action, position_ms))
                self.assertEqual(automatic(bench), reg.AUTOMATIC_NONE)

    def test_opening_after_the_return_starts_after_exactly_five_seconds(self) -> None:
        bench = returned(OPENS, 0)
        bench.run(4990)
        self.assertEqual(bench.motors(), "-")
        bench.run(10)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))
        self.assertEqual(automatic(bench), reg.AUTOMATIC_NONE)

    def test_it_is_done_once(self) -> None:
        for action, position_ms, opcode in ((OPENS, 0, reg.OP_CLOSE), (CLOSES, 2000, reg.OP_OPEN)):
            bench = returned(action, position_ms)
            bench.run(15000)
            done_at = bench.position_ms
            bench.command(opcode)
            bench.run(20000)
            self.assertEqual(bench.position_ms, 2000 - done_at, "what a command did stays")

    def test_a_command_the_key_a_latch_or_a_higher_cause_gives_it_up(self) -> None:
        for index, value in (
            (reg.IN_LOCAL_MODE, 1),
            (reg.IN_STOP_CHAIN_OK, 0),
            (reg.IN_MANUAL_RELEASED, 1),
            (reg.IN_FIRE, 1),
            (reg.IN_ARM_INTACT, 0),
        ):
            bench = returned(CLOSES, 2000)
            bench.run(1000)
            bench.put(index, value)
            self.assertEqual(automatic(bench), reg.AUTOMATIC_NONE)
            bench.put(index, 1 - value)
            bench.command(reg.OP_CLEAR_FAULTS)
            bench.run(20000)
            self.assertEqual(bench.position_ms, 2000, index)
        for opcode in (reg.OP_STOP, reg.OP_OPEN, reg.OP_HOLD_OPEN):
            bench = returned(CLOSES, 2000)
            bench.run(1000)
            bench.command(opcode)
            bench.command(reg.OP_RELEASE)
            bench.run(20000)
            self.assertEqual(bench.position_ms, 2000, opcode)
        for opcode in (reg.OP_STOP, reg.OP_CLOSE, reg.OP_LOCK_CLOSED):
            bench = returned(OPENS, 0)
            bench.run(1000)
            bench.command(opcode)
            bench.command(reg.OP_RELEASE)
            bench.run(20000)
            self.assertEqual(bench.position_ms, 0, opcode)

    def test_latched_boom_stays_and_after_release_too(self) -> None:
        for opcode, action, position_ms in (
            (reg.OP_HOLD_OPEN, CLOSES, 2000),
            (reg.OP_LOCK_CLOSED, OPENS, 0),
            (reg.OP_LOCK_CLOSED, CLOSES, 0),
        ):
            bench = BarrierBench(position_ms)
            bench.command(opcode)
            bench.settings[reg.SET_POWER_RETURN_ACTION] = action
            bench.put(reg.IN_MAINS_OK, 0)
            bench.put(reg.IN_MAINS_OK, 1)
            bench.run(10000)
            bench.command(reg.OP_RELEASE)
            bench.run(20000)
            self.assertEqual(bench.position_ms, position_ms, opcode)

    def test_locked_boom_of_unknown_position_is_not_opened_to_find_it(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_LOCK_CLOSED)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = CLOSES
        bench.put(reg.IN_MAINS_OK, 0)
        bench.position_ms = 900
        bench.run(100)
        bench.put(reg.IN_MAINS_OK, 1)
        bench.run(20000)
        self.assertEqual((bench.state(), bench.position_ms), (reg.STATE_UNKNOWN, 900))
        bench.command(reg.OP_RELEASE)
        bench.run(20000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_setting_taken_back_ends_it(self) -> None:
        bench = returned(CLOSES, 2000)
        bench.run(1000)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_HOLD
        bench.run(100)
        self.assertEqual(automatic(bench), reg.AUTOMATIC_NONE)
        bench.settings[reg.SET_POWER_RETURN_ACTION] = CLOSES
        bench.run(20000)
        self.assertEqual(bench.position_ms, 2000)

    def test_vehicle_that_cancels_the_closing_only_puts_it_off(self) -> None:
        for wait_ms in (5300, 6500):
            bench = returned(CLOSES, 2000)
            bench.run(wait_ms)
            self.assertEqual(bench.state(), reg.STATE_CLOSING)
            pass_through(bench)
            bench.run(15000)
            self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_presence_all_the_while_lets_nothing_close(self) -> None:
        bench = returned(CLOSES, 2000)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual((automatic(bench), bench.lights()), (reg.AUTOMATIC_NONE, reg.LIGHTS_RED))
        bench.run(20000)
        self.assertEqual(bench.position_ms, 2000)

    def test_boom_opened_after_the_return_does_not_close_for_the_hub(self) -> None:
        bench = returned(OPENS, 0)
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 1000
        bench.run(20000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_letting_go_of_a_button_does_not_stop_the_opening_after_a_return(self) -> None:
        bench = returned(OPENS, 0)
        bench.core.memory.hold_to_run = 1
        bench.run(8000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)


class TestLimits(unittest.TestCase):
    def test_each_resting_state_watches_the_limit_it_rests_at(self) -> None:
        for opcode, index in (
            (0, reg.IN_LIMIT_CLOSED),
            (reg.OP_LOCK_CLOSED, reg.IN_LIMIT_CLOSED),
            (reg.OP_OPEN, reg.IN_LIMIT_OPEN),
            (reg.OP_HOLD_OPEN, reg.IN_LIMIT_OPEN),
        ):
            bench = BarrierBench()
            bench.core.request_opcode = opcode
            bench.run(3000)
            bench.core.inputs[index] = 0
            bench.scan()
            self.assertEqual(bench.core.next_wake_ms(), 200)
            bench.now_ms += 199
            bench.scan()
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
            bench.now_ms += 1
            bench.scan()
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_LIMIT_LOST, opcode)
            self.assertEqual(bench.state(), reg.STATE_FAULT)

    def test_limit_that_is_back_in_the_scan_of_its_deadline_was_not_lost(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LIMIT_CLOSED, 0)
        bench.now_ms += 200
        bench.put(reg.IN_LIMIT_CLOSED, 1)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        self.assertEqual(bench.core.next_wake_ms(), -1)

    def test_time_without_the_limit_does_not_add_up(self) -> None:
        bench = BarrierBench()
        for _ in range(5):
            bench.put(reg.IN_LIMIT_CLOSED, 0)
            bench.now_ms += 150
            bench.put(reg.IN_LIMIT_CLOSED, 0)
            bench.put(reg.IN_LIMIT_CLOSED, 1)
            self.assertEqual(bench.core.next_wake_ms(), -1)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
