"""The barrier's traffic light, NE 107 health, and what a lost hub changes."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench


class TestLights(unittest.TestCase):
    def test_green_only_when_open_is_confirmed_and_red_flashes_while_moving(self) -> None:
        bench = BarrierBench()
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED_FLASHING)
        bench.run(3000)
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)
        self.assertEqual(bench.core.outputs[reg.OUT_LIGHT_GREEN], 1)
        bench.command(reg.OP_CLOSE)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED_FLASHING)

    def test_one_vehicle_per_opening_until_open_is_commanded_again(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(5000)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)

    def test_vehicle_that_slipped_under_the_opening_boom_leaves_no_green_to_the_next(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_GAP_BRIDGE_MS] = 500
        bench.command(reg.OP_OPEN)
        bench.run(500)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(300)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(5000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)

    def test_no_green_while_a_test_hides_the_curtain(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(10)
        bench.curtain_blocked = True
        bench.run(10)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)

    def test_stop_command_ends_the_green(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)

    def test_boom_found_open_at_boot_or_after_fire_shows_red(self) -> None:
        self.assertEqual(BarrierBench(2000).lights(), reg.LIGHTS_RED)
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.put(reg.IN_FIRE, 0)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)

    def test_flashing_is_one_hertz_and_wakes_the_scan(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_MANUAL_RELEASED, 1)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED_FLASHING)
        self.assertEqual(bench.core.next_wake_ms(), 500)
        seen = []
        for _ in range(6):
            seen.append(bench.core.outputs[reg.OUT_LIGHT_RED])
            bench.run(500)
        self.assertEqual(seen, [1, 0, 1, 0, 1, 0])

    def test_faults_flash_amber_and_the_stop_chain_is_steady_red(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_ARM_INTACT, 0)
        self.assertEqual(bench.lights(), reg.LIGHTS_AMBER_FLASHING)
        self.assertEqual(bench.core.outputs[reg.OUT_LIGHT_AMBER], 1)
        bench.put(reg.IN_STOP_CHAIN_OK, 0)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        self.assertEqual(bench.core.outputs[reg.OUT_LIGHT_AMBER], 0)

    def test_each_light_switches_exactly_its_own_lamps(self) -> None:
        bench = BarrierBench()
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_RED, "R"))
        bench.command(reg.OP_OPEN)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_RED_FLASHING, "RW"))
        bench.run(500)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_RED_FLASHING, ""))
        bench.run(3000)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_GREEN, "G"))
        bench.put(reg.IN_LOOPS_OK, 0)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_AMBER_FLASHING, "A"))
        bench.run(500)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_AMBER_FLASHING, ""))
        bench.put(reg.IN_MANUAL_RELEASED, 1)
        bench.run(500)
        self.assertEqual(self._lamps(bench), (reg.LIGHTS_RED_FLASHING, "R"))

    def _lamps(self, bench: BarrierBench) -> tuple[int, str]:
        lamps = (
            (reg.OUT_LIGHT_RED, "R"),
            (reg.OUT_LIGHT_GREEN, "G"),
            (reg.OUT_LIGHT_AMBER, "A"),
            (reg.OUT_WARNING_LAMP, "W"),
        )
        return bench.lights(), "".join(letter for index, letter in lamps if bench.core.outputs[index])

    def test_flashing_begins_with_the_lamp_on_every_time(self) -> None:
        bench = BarrierBench()
        for _ in range(2):
            bench.put(reg.IN_MANUAL_RELEASED, 1)
            self.assertEqual(bench.core.outputs[reg.OUT_LIGHT_RED], 1)
            bench.run(700)
            self.assertEqual(bench.core.outputs[reg.OUT_LIGHT_RED], 0)
            bench.put(reg.IN_MANUAL_RELEASED, 0)
            self.assertEqual((bench.lights(), bench.core.outputs[reg.OUT_LIGHT_RED]), (reg.LIGHTS_RED, 1))
            bench.run(700)

    def test_fire_is_red_before_any_fault_and_a_lost_hub_before_amber(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LOOPS_OK, 0)
        self.assertEqual(bench.lights(), reg.LIGHTS_AMBER_FLASHING)
        bench.core.hub_alive = 0
        bench.scan()
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench = BarrierBench(2000)
        bench.put(reg.IN_LOOPS_OK, 0)
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual((bench.lights(), bench.motors()), (reg.LIGHTS_RED, "-"))

    def test_held_open_boom_is_green_for_the_next_vehicle_too_once_called(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(3000)
        self.assertEqual((bench.state(), bench.lights()), (reg.STATE_HOLD_OPEN, reg.LIGHTS_GREEN))
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.command(reg.OP_HOLD_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)

    def test_no_green_without_the_upper_limit_or_over_a_bridged_gap(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_LIMIT_OPEN, 0)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.put(reg.IN_LIMIT_OPEN, 1)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.command(reg.OP_OPEN), reg.COMMAND_RESULT_ACCEPTED)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED, "called while the first was still there")
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.run(2000)
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)


class TestHubLost(unittest.TestCase):
    def test_lost_hub_turns_the_light_red_at_once_and_ends_no_closing(self) -> None:
        bench = BarrierBench()
        bench.open()
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)
        bench.core.hub_alive = 0
        bench.scan()
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        self.assertEqual(bench.core.health, reg.HEALTH_OFF_SPEC)
        self.assertEqual(bench.core.reasons, 1 << reg.REASONS_HUB_LOST)
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.core.hub_alive = 0
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_green_does_not_come_back_with_the_hub(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.core.hub_alive = 0
        bench.scan()
        bench.core.hub_alive = 1
        bench.scan()
        self.assertEqual(bench.lights(), reg.LIGHTS_RED)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.lights(), reg.LIGHTS_GREEN)

    def test_hub_lost_in_the_scan_of_an_automatic_closing_begins_no_movement(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 5000
        bench.open()
        left_ms = bench.core.next_wake_ms()
        self.assertTrue(0 < left_ms < 5000)
        bench.now_ms += left_ms
        bench.core.hub_alive = 0
        bench.scan()
        bench.run(1000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_closing_without_a_hub_still_reverses(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.core.hub_alive = 0
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)

    def test_open_boom_of_a_lost_hub_holds_or_closes_when_clear_as_set(self) -> None:
        for action, state in (
            (reg.HUB_LOSS_ACTION_HOLD, reg.STATE_OPEN),
            (reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR, reg.STATE_CLOSED),
        ):
            bench = BarrierBench()
            bench.settings[reg.SET_HUB_LOSS_ACTION] = action
            bench.settings[reg.SET_AUTO_CLOSE_MS] = 4000
            bench.open()
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.core.hub_alive = 0
            bench.run(10000)
            self.assertEqual(bench.state(), reg.STATE_OPEN)
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(10000)
            self.assertEqual(bench.state(), state)

    def test_hold_open_stays_open_without_a_hub(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_HUB_LOSS_ACTION] = reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(3000)
        bench.core.hub_alive = 0
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_HOLD_OPEN)


class TestHealth(unittest.TestCase):
    def test_health_follows_ne_107(self) -> None:
        cases = (
            (reg.IN_STOP_CHAIN_OK, 0, 0, reg.HEALTH_CHECK_FUNCTION),
            (reg.IN_MANUAL_RELEASED, 1, 0, reg.HEALTH_CHECK_FUNCTION),
            (reg.IN_LOCAL_MODE, 1, 0, reg.HEALTH_CHECK_FUNCTION),
            (reg.IN_ENTRY_LOOP, 0, 1, reg.HEALTH_OFF_SPEC),
            (reg.IN_ENTRY_LOOP, 0, 2, reg.HEALTH_FAILURE),
            (reg.IN_LOOPS_OK, 0, 0, reg.HEALTH_FAILURE),
            (reg.IN_MAINS_OK, 0, 0, reg.HEALTH_OFF_SPEC),
        )
        for index, value, quality, health in cases:
            bench = BarrierBench()
            self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)
            self.assertEqual(bench.core.reasons, 0)
            bench.core.quality[index] = quality
            bench.put(index, value)
            self.assertEqual(bench.core.health, health, (index, value, quality))
            self.assertTrue(bench.core.reasons != 0, (index, value, quality))

    def test_each_reason_has_its_own_bit(self) -> None:
        local = 1 << reg.REASONS_LOCAL_MODE
        warning = 1 << reg.REASONS_ROLE_WARNING
        fault = 1 << reg.REASONS_ROLE_FAULT
        bad = 1 << reg.REASONS_INPUT_BAD
        for index, value, quality, reasons in (
            (reg.IN_LOCAL_MODE, 1, 0, local),
            (reg.IN_STOP_CHAIN_OK, 0, 0, warning),
            (reg.IN_MANUAL_RELEASED, 1, 0, warning),
            (reg.IN_MAINS_OK, 0, 0, warning),
            (reg.IN_ENTRY_LOOP, 0, 1, warning),
            (reg.IN_ENTRY_LOOP, 0, 2, bad | fault),
            (reg.IN_ARM_INTACT, 0, 0, fault),
        ):
            bench = BarrierBench()
            bench.core.quality[index] = quality
            bench.put(index, value)
            self.assertEqual(bench.core.reasons, reasons, (index, value, quality))
            bench.core.hub_alive = 0
            bench.scan()
            self.assertEqual(bench.core.reasons, reasons | 1 << reg.REASONS_HUB_LOST, (index, value, quality))

    def test_fault_outranks_hands_at_the_boom_which_outrank_a_lost_hub(self) -> None:
        bench = BarrierBench()
        bench.core.hub_alive = 0
        bench.put(reg.IN_LOCAL_MODE, 1)
        self.assertEqual(bench.core.health, reg.HEALTH_CHECK_FUNCTION)
        bench.put(reg.IN_LOOPS_OK, 0)
        self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)

    def test_mode_is_told_once_when_it_changes_and_degraded_outranks_local(self) -> None:
        bench = BarrierBench()
        bench.events()
        for index, value, mode in (
            (reg.IN_LOCAL_MODE, 1, reg.MODE_LOCAL),
            (reg.IN_LOOPS_OK, 0, reg.MODE_DEGRADED),
            (reg.IN_LOCAL_MODE, 0, reg.MODE_DEGRADED),
        ):
            before = bench.core.status[reg.ST_MODE]
            bench.put(index, value)
            bench.run(100)
            told = [argument for code, argument in bench.events() if code == reg.EV_MODE_CHANGED]
            self.assertEqual(bench.core.status[reg.ST_MODE], mode)
            self.assertEqual(told, [mode] if mode != before else [])
