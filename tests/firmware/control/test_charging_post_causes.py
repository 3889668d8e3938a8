"""The charging post's faults asked directly: what is a cause in which state, what is told first, when it may clear."""

import struct
import unittest

from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import TIMER_COUNT, TIMER_MODULE, TIMER_SUPPLY, PostMemory
from firmware.control.charging_post_module import ModuleLine
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg

RING_CAPACITY = 8
ALL_STATES = range(reg.STATE_MANUAL + 1)
CHARGING = range(reg.STATE_RAMP, reg.STATE_TAPER_END + 1)
POWERED = range(reg.STATE_PRECHARGE, reg.STATE_TAPER_END + 1)
# Each kind in the order in which one hides the next.
BLOCKING = (reg.FAULTS_WELDED, reg.FAULTS_PLATES_LIVE, reg.FAULTS_ARM_FAULT)
STOPPING = (
    reg.FAULTS_OVER_VOLTAGE,
    reg.FAULTS_OVER_CURRENT,
    reg.FAULTS_INPUT_BAD,
    reg.FAULTS_OVER_TEMPERATURE,
    reg.FAULTS_INSULATION,
    reg.FAULTS_CONTACTOR_FAIL,
    reg.FAULTS_MODULE_FAULT,
    reg.FAULTS_MODULE_LOST,
    reg.FAULTS_NO_CURRENT,
)


def make_faults(state: int) -> PostFaults:
    """The faults of a healthy post in `state`: the contactor is closed while it charges, everything else is dead."""
    memory = PostMemory(state, 0)
    inputs = PostInputs()
    inputs.values[reg.IN_IMD_OK] = inputs.values[reg.IN_IMD_READY] = 1
    inputs.plates_dead = inputs.bus_dead = inputs.current_zero = True
    if state in CHARGING:
        memory.contactor = inputs.values[reg.IN_CONTACTOR_AUX] = 1
    timers = TimerBank(TIMER_COUNT)
    timers.start(TIMER_MODULE, 1000)
    module = ModuleLine()
    module.state = reg.MODULE_STATE_ON
    return PostFaults(memory, timers, inputs, module, EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY))


def cause(faults: PostFaults, fault: int) -> None:
    """Let the cause of one fault stand in the inputs."""
    inputs = faults.inputs
    values = inputs.values
    if fault == reg.FAULTS_WELDED:
        values[reg.IN_CONTACTOR_AUX] = 1
    elif fault == reg.FAULTS_PLATES_LIVE:
        inputs.plates_dead = False
    elif fault == reg.FAULTS_CURRENT_STUCK:
        inputs.current_zero = False
    elif fault == reg.FAULTS_ARM_FAULT:
        inputs.arm_conflict = True
    elif fault == reg.FAULTS_CONTACTOR_FAIL:
        values[reg.IN_CONTACTOR_AUX] = 0
    elif fault == reg.FAULTS_INSULATION:
        values[reg.IN_IMD_OK] = 0
    elif fault == reg.FAULTS_OVER_VOLTAGE:
        inputs.over_voltage = True
    elif fault == reg.FAULTS_OVER_CURRENT:
        inputs.over_current = True
    elif fault == reg.FAULTS_OVER_TEMPERATURE:
        inputs.hot = True
    elif fault == reg.FAULTS_MODULE_LOST:
        faults.timers.stop(TIMER_MODULE)
    elif fault == reg.FAULTS_MODULE_FAULT:
        faults.module.state = reg.MODULE_STATE_FAULT
    elif fault == reg.FAULTS_INPUT_BAD:
        inputs.bad = True
    elif fault == reg.FAULTS_NO_CURRENT:
        faults.timers.start(TIMER_SUPPLY, 10)
        faults.timers.advance(10)


def is_cause(fault: int, state: int) -> bool:
    """In which states the cause raises its fault (docs/roles/charging_post.md)."""
    if fault == reg.FAULTS_WELDED:
        return state <= reg.STATE_CONTACTOR_CLOSE or reg.STATE_WELD_CHECK <= state <= reg.STATE_STOPPED
    if fault == reg.FAULTS_PLATES_LIVE:
        return state <= reg.STATE_HANDSHAKE or reg.STATE_RETRACT <= state <= reg.STATE_STOPPED
    if fault in (reg.FAULTS_INSULATION, reg.FAULTS_MODULE_LOST, reg.FAULTS_MODULE_FAULT, reg.FAULTS_NO_CURRENT):
        return state in POWERED
    if fault == reg.FAULTS_CONTACTOR_FAIL:
        return state in CHARGING
    if fault == reg.FAULTS_OVER_TEMPERATURE:
        return reg.STATE_EXTEND <= state <= reg.STATE_TAPER_END
    return fault != reg.FAULTS_CURRENT_STUCK and fault != reg.FAULTS_PRECHARGE_FAIL


class TestCauses(unittest.TestCase):
    def test_a_healthy_post_has_no_fault_in_any_state(self) -> None:
        for state in ALL_STATES:
            faults = make_faults(state)
            faults.step()
            self.assertEqual((faults.word(), faults.any(), faults.ring.head), (0, False, 0), state)

    def test_each_cause_raises_its_fault_in_its_states_only(self) -> None:
        for state in ALL_STATES:
            for fault in range(reg.FAULTS_NO_CURRENT + 1):
                faults = make_faults(state)
                cause(faults, fault)
                faults.step()
                expected = 1 << fault if is_cause(fault, state) else 0
                self.assertEqual(faults.word(), expected, (state, fault))
                self.assertEqual(faults.any(), expected != 0)

    def test_a_monitor_that_is_not_ready_proves_no_insulation(self) -> None:
        for state in ALL_STATES:
            faults = make_faults(state)
            faults.inputs.values[reg.IN_IMD_READY] = 0
            faults.step()
            self.assertEqual(faults.word(), 1 << reg.FAULTS_INSULATION if state in POWERED else 0, state)

    def test_a_closed_contact_is_no_weld_while_the_contactor_is_driven(self) -> None:
        for state in ALL_STATES:
            faults = make_faults(state)
            faults.inputs.values[reg.IN_CONTACTOR_AUX] = faults.memory.contactor = 1
            self.assertFalse(faults.is_welded())

    def test_first_cause_in_rank_is_the_one_that_is_told(self) -> None:
        for ranks, state in ((BLOCKING, reg.STATE_IDLE), (STOPPING, reg.STATE_CC)):
            for rank in range(len(ranks)):
                faults = make_faults(state)
                for fault in ranks[rank:]:
                    cause(faults, fault)
                faults.step()
                self.assertEqual(faults.word(), 1 << ranks[rank])

    def test_one_fault_of_each_kind_is_held_and_told_once(self) -> None:
        faults = make_faults(reg.STATE_CC)
        for fault in (reg.FAULTS_ARM_FAULT, reg.FAULTS_WELDED, reg.FAULTS_PRECHARGE_FAIL, reg.FAULTS_INPUT_BAD):
            faults.latch(fault)
        self.assertEqual(faults.word(), 1 << reg.FAULTS_ARM_FAULT | 1 << reg.FAULTS_PRECHARGE_FAIL)
        self.assertEqual((faults.memory.block_fault, faults.memory.stop_fault), (4, 5))
        raised = [(reg.EV_FAULT_RAISED, reg.FAULTS_ARM_FAULT), (reg.EV_FAULT_RAISED, reg.FAULTS_PRECHARGE_FAIL)]
        self.assertEqual(events(faults), raised)

    def test_both_kinds_are_raised_in_one_scan(self) -> None:
        faults = make_faults(reg.STATE_IDLE)
        cause(faults, reg.FAULTS_ARM_FAULT)
        cause(faults, reg.FAULTS_INPUT_BAD)
        faults.step()
        self.assertEqual(faults.word(), 1 << reg.FAULTS_ARM_FAULT | 1 << reg.FAULTS_INPUT_BAD)


def events(faults: PostFaults) -> list[tuple[int, int]]:
    """Code and argument of every event so far."""
    ring = faults.ring
    assert ring.head <= RING_CAPACITY
    found = []
    for number in range(ring.head):
        code, argument = struct.unpack_from(">Hi", ring.data, number * SLOT_SIZE + 10)
        found.append((code, argument))
    return found


class TestAcknowledge(unittest.TestCase):
    def test_nothing_to_clear_is_no_refusal(self) -> None:
        faults = make_faults(reg.STATE_IDLE)
        self.assertTrue(faults.acknowledge())
        self.assertEqual(events(faults), [])

    def test_each_fault_clears_once_its_cause_is_gone_and_is_told(self) -> None:
        for fault in range(reg.FAULTS_NO_CURRENT + 1):
            faults = make_faults(reg.STATE_FAULT)
            faults.latch(fault)
            self.assertTrue(faults.acknowledge(), fault)
            self.assertEqual((faults.word(), faults.any()), (0, False))
            self.assertEqual(events(faults), [(reg.EV_FAULT_RAISED, fault), (reg.EV_FAULT_CLEARED, fault)])

    def test_a_blocking_fault_asks_for_its_own_cause_only(self) -> None:
        for fault in range(reg.FAULTS_ARM_FAULT + 1):
            for standing in range(reg.FAULTS_ARM_FAULT + 1):
                faults = make_faults(reg.STATE_FAULT)
                faults.latch(fault)
                cause(faults, standing)
                self.assertEqual(faults.acknowledge(), fault != standing, (fault, standing))
                self.assertEqual(bool(faults.word() & 1 << fault), fault == standing)

    def test_a_weld_is_cleared_over_a_dead_bus_only(self) -> None:
        faults = make_faults(reg.STATE_FAULT)
        faults.latch(reg.FAULTS_WELDED)
        faults.inputs.bus_dead = False
        self.assertFalse(faults.acknowledge())
        self.assertEqual(faults.word(), 1 << reg.FAULTS_WELDED)

    def test_a_stopping_fault_asks_for_its_own_cause_and_leaves_no_scan_without_the_next(self) -> None:
        lasting = (
            reg.FAULTS_OVER_VOLTAGE,
            reg.FAULTS_OVER_CURRENT,
            reg.FAULTS_INPUT_BAD,
            reg.FAULTS_OVER_TEMPERATURE,
            reg.FAULTS_INSULATION,
        )
        for fault in range(reg.FAULTS_PRECHARGE_FAIL, reg.FAULTS_NO_CURRENT + 1):
            for standing in STOPPING:
                faults = make_faults(reg.STATE_FAULT)
                faults.latch(fault)
                cause(faults, standing)
                stays = fault == standing and fault in lasting
                self.assertEqual(faults.acknowledge(), not stays, (fault, standing))
                expected = 1 << standing if stays or is_cause(standing, reg.STATE_FAULT) else 0
                self.assertEqual(faults.word(), expected, (fault, standing))

    def test_two_standing_causes_are_each_asked_for_whichever_ranks_first(self) -> None:
        faults = make_faults(reg.STATE_FAULT)
        faults.latch(reg.FAULTS_INPUT_BAD)
        cause(faults, reg.FAULTS_INPUT_BAD)
        cause(faults, reg.FAULTS_OVER_VOLTAGE)
        self.assertFalse(faults.acknowledge())
        faults = make_faults(reg.STATE_FAULT)
        faults.latch(reg.FAULTS_OVER_CURRENT)
        cause(faults, reg.FAULTS_OVER_CURRENT)
        cause(faults, reg.FAULTS_OVER_VOLTAGE)
        self.assertFalse(faults.acknowledge())

    def test_what_is_a_cause_during_the_charge_refuses_during_the_charge(self) -> None:
        for fault in STOPPING:
            faults = make_faults(reg.STATE_CC)
            faults.latch(fault)
            cause(faults, fault)
            self.assertFalse(faults.acknowledge(), fault)
            self.assertEqual(faults.word(), 1 << fault)

    def test_one_of_two_that_clears_is_accepted_and_the_other_stays(self) -> None:
        for standing, clearing in (
            (reg.FAULTS_ARM_FAULT, reg.FAULTS_INPUT_BAD),
            (reg.FAULTS_INPUT_BAD, reg.FAULTS_ARM_FAULT),
        ):
            faults = make_faults(reg.STATE_FAULT)
            faults.latch(standing)
            faults.latch(clearing)
            cause(faults, standing)
            self.assertTrue(faults.acknowledge())
            self.assertEqual(faults.word(), 1 << standing)
            self.assertFalse(faults.acknowledge())


if __name__ == "__main__":
    unittest.main()
