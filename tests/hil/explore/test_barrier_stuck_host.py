"""One input of the barrier is stuck at a good-looking value: the boom still opens, or the device says why not.

A closed loop of the real core and a boom, over every input, both values, five moments at which it sticks, opened by
command and by hand. docs/explorer.md tells what that covers.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

STUCK = [(index, value) for index in range(reg.IN_COUNT) for value in (0, 1)]
# States that are a reason by themselves: each names the input that forbids, or the fault.
REASONS = (reg.STATE_ESTOP, reg.STATE_MANUAL_RELEASED, reg.STATE_FAULT, reg.STATE_POWER_FAIL, reg.STATE_BLOCKED)


class StuckBench(BarrierBench):
    """A bench with one input that stays; before `stick` it moves as it should."""

    stuck: tuple[int, int] | None = None

    def scan(self) -> None:
        if self.stuck is not None:
            self.core.inputs[self.stuck[0]] = self.stuck[1]
        super().scan()

    def stick(self, index: int, value: int) -> None:
        self.stuck = (index, value)

    def is_open(self) -> bool:
        return self.position_ms == self.travel_ms

    def says_why(self) -> bool:
        """A fault, a state that names what forbids, or the key; health is never NORMAL then."""
        told = self.core.status[reg.ST_FAULTS] != 0 or self.state() in REASONS
        told = told or self.core.reasons & 1 << reg.REASONS_LOCAL_MODE != 0
        return told and self.core.health != reg.HEALTH_NORMAL


def at_rest_closed() -> StuckBench:
    return StuckBench()


def at_rest_open() -> StuckBench:
    bench = StuckBench()
    bench.open()
    return bench


def opening() -> StuckBench:
    bench = StuckBench()
    bench.command(reg.OP_OPEN)
    bench.run(1000)
    return bench


def closing() -> StuckBench:
    bench = at_rest_open()
    bench.close_halfway()
    return bench


def just_started() -> StuckBench:
    return StuckBench(is_fresh=True)


MOMENTS = (at_rest_closed, at_rest_open, opening, closing, just_started)


def open_by_command(bench: StuckBench) -> None:
    """The hub asks for an opening, again and again."""
    for _ in range(30):
        bench.command(reg.OP_OPEN)
        bench.run(500)
        if bench.is_open():
            return


def open_by_hand(bench: StuckBench) -> None:
    """A person at the boom turns the key and holds LOCAL_OPEN for a while, again and again."""
    for _ in range(10):
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(3000)
        if bench.is_open():
            return
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.run(200)


def outcome(moment: Callable[[], StuckBench], stuck: tuple[int, int], opens: Callable[[StuckBench], None]) -> str:
    bench = moment()
    bench.stick(*stuck)
    opens(bench)
    if bench.is_open():
        return "opens"
    return "says why" if bench.says_why() else "silent"


@pytest.mark.parametrize("stuck", STUCK)
def test_by_command_the_boom_opens_or_the_device_says_why(stuck: tuple[int, int]) -> None:
    for moment in MOMENTS:
        assert outcome(moment, stuck, open_by_command) in ("opens", "says why"), moment.__name__


@pytest.mark.parametrize("stuck", STUCK)
def test_by_hand_it_does_so_too_unless_key_or_button_are_stuck_off(stuck: tuple[int, int]) -> None:
    """Those cannot be told from ones nobody uses: the command still opens."""
    for moment in MOMENTS:
        if stuck in ((reg.IN_LOCAL_MODE, 0), (reg.IN_LOCAL_OPEN, 0)):
            assert outcome(moment, stuck, open_by_command) == "opens"
        else:
            assert outcome(moment, stuck, open_by_hand) in ("opens", "says why"), moment.__name__


def test_a_key_stuck_on_local_refuses_commands_and_opens_by_hand() -> None:
    for moment in MOMENTS:
        bench = moment()
        bench.stick(reg.IN_LOCAL_MODE, 1)
        assert bench.command(reg.OP_OPEN) == reg.COMMAND_RESULT_REFUSED_LOCAL
        assert bench.core.health == reg.HEALTH_CHECK_FUNCTION
        open_by_hand(bench)
        assert bench.is_open()


def test_an_open_limit_that_sticks_half_way_up_stops_nothing_and_is_told() -> None:
    bench = opening()
    bench.stick(reg.IN_LIMIT_OPEN, 1)
    bench.run(1000)
    assert (bench.state(), bench.is_open()) == (reg.STATE_OPENING, True)
    bench.run(3000)
    assert bench.says_why()
    assert bench.core.status[reg.ST_FAULTS] == 1 << reg.FAULTS_LIMIT_STUCK


def test_one_that_sticks_late_on_the_way_up_is_told_by_the_next_closing() -> None:
    """A limit that comes a little early looks like one that is reached."""
    bench = opening()
    bench.run(600)
    bench.stick(reg.IN_LIMIT_OPEN, 1)
    bench.run(1000)
    assert (bench.state(), bench.is_open()) == (reg.STATE_OPEN, False)
    bench.command(reg.OP_CLOSE)
    bench.run(6000)
    assert bench.says_why()
    assert bench.core.status[reg.ST_FAULTS] != 0
