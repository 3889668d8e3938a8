"""The table of docs/roles/barrier.md, lived: every command and button in every state."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_STATE = reg.COMMAND_RESULT_REFUSED_STATE
# Per state in the order of STATE_*: STOP, OPEN, CLOSE, LOCAL_OPEN, LOCAL_CLOSE as the page has them.
TABLE = (
    ".OxOC",  # UNKNOWN
    "S.x.x",  # HOMING
    ".O.O.",  # CLOSED
    "S.x.x",  # OPENING
    "SOCOC",  # OPEN
    "SOxOx",  # HOLD_OPEN
    "SO.Ox",  # CLOSING
    ".OCOC",  # STOPPED_MID
    "S.x.x",  # REVERSING
    ".xxOx",  # BLOCKED
    ".x.O.",  # LOCKED_CLOSED
    "xxxxx",  # FIRE_OPEN
    ".xxxx",  # ESTOP
    ".xxxx",  # MANUAL_RELEASED
    "Sxxxx",  # POWER_FAIL
    ".xxxx",  # FAULT
)
REMOTE = (reg.OP_STOP, reg.OP_OPEN, reg.OP_CLOSE)
# What forces each of the last states, as (input, value).
CAUSES = {
    reg.STATE_FIRE_OPEN: (reg.IN_FIRE, 1),
    reg.STATE_ESTOP: (reg.IN_STOP_CHAIN_OK, 0),
    reg.STATE_MANUAL_RELEASED: (reg.IN_MANUAL_RELEASED, 1),
    reg.STATE_POWER_FAIL: (reg.IN_MAINS_OK, 0),
    reg.STATE_FAULT: (reg.IN_ARM_INTACT, 0),
}


def contact(bench: BarrierBench) -> None:
    """An edge contact half way down, let go at once."""
    bench.close_halfway()
    bench.put(reg.IN_EDGE_OK, 0)
    bench.put(reg.IN_EDGE_OK, 1)


def _at_rest(state: int) -> BarrierBench:
    bench = BarrierBench(900 if state == reg.STATE_UNKNOWN else 0)
    if state == reg.STATE_OPEN:
        bench.open()
    elif state == reg.STATE_HOLD_OPEN:
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(3000)
    elif state == reg.STATE_LOCKED_CLOSED:
        bench.command(reg.OP_LOCK_CLOSED)
    elif state == reg.STATE_STOPPED_MID:
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        bench.command(reg.OP_STOP)
        bench.run(1000)
    elif state == reg.STATE_BLOCKED:
        bench.open()
        contact(bench)
        bench.run(3000)
        contact(bench)
        bench.run(200)
    elif state in CAUSES:
        bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        bench.put(*CAUSES[state])
        bench.run(100)
    return bench


def in_state(state: int) -> BarrierBench:
    """A barrier brought into `state`; one that moves is under way."""
    if state == reg.STATE_HOMING or state == reg.STATE_OPENING:
        bench = _at_rest(reg.STATE_UNKNOWN if state == reg.STATE_HOMING else reg.STATE_CLOSED)
        bench.command(reg.OP_OPEN)
        bench.run(500)
    elif state == reg.STATE_CLOSING or state == reg.STATE_REVERSING:
        bench = _at_rest(reg.STATE_OPEN)
        bench.close_halfway()
        if state == reg.STATE_REVERSING:
            bench.put(reg.IN_LOOPS_OK, 0)
            bench.put(reg.IN_LOOPS_OK, 1)
            bench.run(200)
            bench.command(reg.OP_CLEAR_FAULTS)
    else:
        bench = _at_rest(state)
    assert bench.state() == state
    return bench


class TestTable(unittest.TestCase):
    def test_every_command_does_in_every_state_what_the_table_says(self) -> None:
        for state in range(len(TABLE)):
            for column in range(len(REMOTE)):
                bench = in_state(state)
                before = bench.motors()
                result = bench.command(REMOTE[column])
                self._check(bench, TABLE[state][column], (state, before), result)

    def test_every_button_does_in_every_state_what_the_table_says(self) -> None:
        for state in range(len(TABLE)):
            for column, button in ((3, reg.IN_LOCAL_OPEN), (4, reg.IN_LOCAL_CLOSE)):
                bench = in_state(state)
                bench.core.inputs[reg.IN_LOCAL_MODE] = 1
                before = bench.motors()
                if state == reg.STATE_CLOSING:
                    before = "-"  # the key on local stops a remote closing
                    bench.core.memory.hold_to_run = 0
                bench.put(button, 1)
                symbol = TABLE[state][column]
                if state == reg.STATE_CLOSING and symbol == "x":
                    self.assertEqual((bench.state(), bench.motors()), (reg.STATE_STOPPED_MID, "-"))
                else:
                    self._check(bench, symbol, (state, before), REFUSED_STATE if symbol == "x" else ACCEPTED)

    def test_hold_open_has_the_row_of_open_and_lock_closed_that_of_close(self) -> None:
        for opcode, like, kept in (
            (reg.OP_HOLD_OPEN, reg.OP_OPEN, reg.STATE_LOCKED_CLOSED),
            (reg.OP_LOCK_CLOSED, reg.OP_CLOSE, reg.STATE_HOLD_OPEN),
        ):
            for state in range(len(TABLE)):
                one = in_state(state)
                other = in_state(state)
                self.assertEqual(one.command(opcode), other.command(like), (opcode, state))
                self.assertEqual(one.motors(), other.motors(), (opcode, state))
            self.assertEqual(in_state(kept).command(opcode), REFUSED_STATE)

    def test_release_is_accepted_in_every_state_and_moves_nothing(self) -> None:
        for state in range(len(TABLE)):
            bench = in_state(state)
            before = bench.motors()
            self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED, state)
            self.assertEqual(bench.motors(), before, state)
            unlatched = {reg.STATE_HOLD_OPEN: reg.STATE_OPEN, reg.STATE_LOCKED_CLOSED: reg.STATE_CLOSED}
            self.assertEqual(bench.state(), unlatched.get(state, state))

    def _check(self, bench: BarrierBench, symbol: str, before: tuple[int, str], result: int) -> None:
        state, motors = before
        about = (state, symbol)
        self.assertEqual(result, REFUSED_STATE if symbol == "x" else ACCEPTED, about)
        if symbol == "x" or symbol == ".":
            self.assertEqual((bench.state(), bench.motors()), (state, motors), about)
        elif symbol == "S":
            self.assertEqual(bench.motors(), "-", about)
            bench.run(1000)
            self.assertEqual(bench.motors(), "-", about)
            self.assertTrue(bench.lights() != reg.LIGHTS_GREEN, about)
        elif symbol == "C":
            self.assertEqual(bench.state(), reg.STATE_CLOSING, about)
            bench.run(800)
            self.assertEqual(bench.motors(), "close", about)
        elif state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            self.assertEqual((bench.state(), bench.motors()), (state, "-"), about)
            self.assertEqual(bench.lights(), reg.LIGHTS_GREEN, about)
        else:
            bench.run(200)
            self.assertEqual(bench.motors(), "open", about)


class TestLatches(unittest.TestCase):
    def test_hold_open_and_lock_closed_refuse_each_other_through_stop_fault_and_fire(self) -> None:
        for opcode, other in ((reg.OP_HOLD_OPEN, reg.OP_LOCK_CLOSED), (reg.OP_LOCK_CLOSED, reg.OP_HOLD_OPEN)):
            for cause in CAUSES.values():
                bench = BarrierBench()
                bench.command(opcode)
                bench.run(3000)
                bench.put(*cause)
                bench.run(200)
                bench.put(cause[0], 1 - cause[1])
                bench.command(reg.OP_CLEAR_FAULTS)
                bench.run(5000)
                self.assertEqual(bench.command(other), REFUSED_STATE, (opcode, cause))
                self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)

    def test_held_open_boom_is_not_closed_by_the_local_button_wherever_it_stands(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_HOLD_OPEN)
        bench.run(1000)
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(2000)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_STOPPED_MID, "-"))

    def test_refused_command_latches_nothing(self) -> None:
        bench = in_state(reg.STATE_OPEN)
        bench.core.inputs[reg.IN_SAFETY_LOOP] = 1
        self.assertEqual(bench.command(reg.OP_LOCK_CLOSED), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)


class TestButtons(unittest.TestCase):
    def test_buttons_do_nothing_with_the_key_on_remote(self) -> None:
        for button in (reg.IN_LOCAL_OPEN, reg.IN_LOCAL_CLOSE):
            bench = in_state(reg.STATE_STOPPED_MID)
            bench.put(button, 1)
            bench.run(2000)
            self.assertEqual((bench.state(), bench.motors()), (reg.STATE_STOPPED_MID, "-"))
            bench.put(reg.IN_LOCAL_MODE, 1)
            bench.run(2000)
            self.assertEqual(bench.motors(), "-", "a button held while the key turns is no press")

    def test_open_wins_when_both_buttons_are_pressed_together(self) -> None:
        bench = in_state(reg.STATE_STOPPED_MID)
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.core.inputs[reg.IN_LOCAL_OPEN] = 1
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        self.assertEqual(bench.motors(), "open")

    def test_close_pressed_while_open_is_held_is_not_remembered(self) -> None:
        bench = in_state(reg.STATE_OPEN)
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.run(1000)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_OPEN, "-"))
        bench.put(reg.IN_LOCAL_CLOSE, 0)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_second_press_opens_again_after_a_stop(self) -> None:
        bench = in_state(reg.STATE_CLOSED)
        bench.put(reg.IN_LOCAL_MODE, 1)
        for _ in range(2):
            bench.put(reg.IN_LOCAL_OPEN, 1)
            self.assertEqual(bench.motors(), "open")
            bench.run(300)
            bench.put(reg.IN_LOCAL_OPEN, 0)
            bench.command(reg.OP_STOP)
            bench.run(300)

    def test_boom_opened_by_button_does_not_close_by_itself(self) -> None:
        for opcode, state in ((0, reg.STATE_OPEN), (reg.OP_OPEN, reg.STATE_CLOSED)):
            bench = BarrierBench()
            bench.settings[reg.SET_AUTO_CLOSE_MS] = 1000
            bench.put(reg.IN_LOCAL_MODE, 1)
            bench.put(reg.IN_LOCAL_OPEN, 1)
            bench.put(reg.IN_LOCAL_OPEN, 0)
            bench.run(3000)
            bench.put(reg.IN_LOCAL_MODE, 0)
            bench.core.request_opcode = opcode
            bench.run(10000)
            self.assertEqual(bench.state(), state)

    def test_local_open_of_a_blocked_boom_begins_a_new_series_of_contacts(self) -> None:
        bench = in_state(reg.STATE_BLOCKED)
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.put(reg.IN_LOCAL_MODE, 0)
        bench.run(3000)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_FAULTS]), (reg.STATE_OPEN, 0))
        contact(bench)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)

    def test_remote_open_takes_a_held_opening_over_when_the_key_leaves_local(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_LOCAL_OPEN] = reg.LOCAL_OPEN_HOLD_TO_RUN
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(500)
        bench.core.inputs[reg.IN_LOCAL_MODE] = 0
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_held_opening_ends_with_the_key_as_with_the_button(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_LOCAL_OPEN] = reg.LOCAL_OPEN_HOLD_TO_RUN
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(500)
        bench.put(reg.IN_LOCAL_MODE, 0)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_STOPPED_MID, "-"))


class TestClearFaults(unittest.TestCase):
    def test_clear_faults_with_nothing_to_clear_is_accepted(self) -> None:
        self.assertEqual(BarrierBench().command(reg.OP_CLEAR_FAULTS), ACCEPTED)

    def test_clearing_one_of_two_faults_is_accepted(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_ARM_INTACT, 0)
        bench.put(reg.IN_LOOPS_OK, 0)
        bench.put(reg.IN_LOOPS_OK, 1)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_ARM_BROKEN)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_REFUSED_INTERLOCK)

    def test_second_contact_is_not_cleared_while_the_edge_is_pressed(self) -> None:
        bench = in_state(reg.STATE_BLOCKED)
        bench.put(reg.IN_EDGE_OK, 0)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        self.assertEqual(bench.state(), reg.STATE_BLOCKED)
        bench.put(reg.IN_EDGE_OK, 1)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_FAULTS]), (reg.STATE_STOPPED_MID, 0))

    def test_clear_faults_does_not_end_a_series_of_contacts(self) -> None:
        for contacts in (1, 2):
            bench = in_state(reg.STATE_OPEN)
            for _ in range(contacts):
                contact(bench)
                bench.run(3000)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
            bench.command(reg.OP_OPEN)
            bench.run(3000)
            contact(bench)
            self.assertEqual(bench.state(), reg.STATE_BLOCKED, "what was touched may stand there still")

    def test_clear_faults_in_the_scan_of_a_second_contact_does_not_make_it_a_first(self) -> None:
        bench = in_state(reg.STATE_OPEN)
        contact(bench)
        bench.run(3000)
        bench.command(reg.OP_CLOSE)
        bench.run(1500)
        bench.core.inputs[reg.IN_EDGE_OK] = 0
        bench.edge_pressed = True
        bench.command(reg.OP_CLEAR_FAULTS)
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_BLOCKED, "-"))

    def test_a_complete_closing_after_clear_faults_ends_the_series(self) -> None:
        bench = in_state(reg.STATE_BLOCKED)
        bench.command(reg.OP_CLEAR_FAULTS)
        bench.command(reg.OP_OPEN)
        bench.run(3000)
        bench.command(reg.OP_CLOSE)
        bench.run(5000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        bench.command(reg.OP_OPEN)
        bench.run(3000)
        contact(bench)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)

    def test_a_fault_raised_in_the_scan_of_clear_faults_stays(self) -> None:
        """No input tells of a travel that took too long, a limit that was away, or one that did not let go."""
        for fault in (reg.FAULTS_TRAVEL_TIMEOUT, reg.FAULTS_LIMIT_LOST, reg.FAULTS_LIMIT_STUCK):
            bench = in_state(reg.STATE_OPENING if fault == reg.FAULTS_TRAVEL_TIMEOUT else reg.STATE_OPEN)
            bench.boom_free = False
            if fault == reg.FAULTS_LIMIT_LOST:
                bench.position_ms -= 100
            elif fault == reg.FAULTS_LIMIT_STUCK:
                bench.command(reg.OP_CLOSE)
            results = []
            while not bench.core.memory.faults and len(results) < 2000:
                bench.core.request_opcode = reg.OP_CLEAR_FAULTS  # in every scan, so also in the one that finds it
                bench.run(10)
                results.append(bench.core.request_result)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << fault)
            self.assertEqual(results[-1], reg.COMMAND_RESULT_REFUSED_INTERLOCK)
            self.assertEqual(bench.state(), reg.STATE_FAULT)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED, "the scan after it may")

    def test_device_tests_are_not_started_under_a_vehicle_an_edge_contact_or_a_moving_boom(self) -> None:
        for hindrance in ("loop", "edge", "motor", "nothing"):
            bench = in_state(reg.STATE_OPEN)
            bench.curtain_answers = False
            bench.command(reg.OP_CLOSE)
            bench.run(1000)
            self.assertTrue(bench.has_fault(reg.FAULTS_PHOTO_TEST_FAIL))
            bench.curtain_answers = True
            if hindrance == "loop":
                bench.put(reg.IN_SAFETY_LOOP, 1)
            elif hindrance == "edge":
                bench.put(reg.IN_EDGE_OK, 0)
            elif hindrance == "motor":
                bench.put(reg.IN_FIRE, 1)
                bench.put(reg.IN_LIMIT_OPEN, 0)
                self.assertEqual(bench.motors(), "open")
            result = bench.command(reg.OP_CLEAR_FAULTS)
            started = bench.core.outputs[reg.OUT_CURTAIN_TEST]
            expected = (ACCEPTED, 1) if hindrance == "nothing" else (reg.COMMAND_RESULT_REFUSED_INTERLOCK, 0)
            self.assertEqual((result, started), expected, hindrance)
