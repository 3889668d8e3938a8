"""Steps follow one another in scenario time; what is not as it should be is told with step, value and instant."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hil.rig.script import TAIL_US, Script
from hil.scenarios.bench import BenchStatements
from hil.scenarios.conditions import read_condition
from hil.scenarios.model import Action, BenchScenario
from hil.scenarios.words import bench_words
from hil.trace.event import NO_CAUSE, TraceEvent

_STATEMENTS = BenchStatements("barrier", "boom")
_WORDS = bench_words("barrier")


class _Run:
    """A script that is told events and asked to act, as a rig does."""

    def __init__(self, steps: Iterable[str], never: Iterable[str] = ()) -> None:
        self.done: list[tuple[int, str]] = []
        self.causes: list[int] = []
        self._count = 0
        scenario = BenchScenario(
            name="x",
            seed=1,
            role="barrier",
            steps=tuple(_STATEMENTS.read(number, text) for number, text in enumerate(steps, 1)),
            nevers=tuple(read_condition(text, _WORDS) for text in never),
        )
        self.script = Script(scenario, self._perform)

    def _perform(self, now_us: int, action: Action, cause: int) -> None:
        self.done.append((now_us, action.label))
        self.causes.append(cause)

    def tell(self, now_ms: float, name: str, value: int = 0) -> _Run:
        """An event, with the script's turn before and after it."""
        now_us = round(now_ms * 1000)
        self.turn(now_ms)
        source, channel = name.split(".", 1)
        self.script.on_event(now_us, TraceEvent(now_us, source, channel, value), self._count)
        self._count += 1
        return self.turn(now_ms)

    def turn(self, now_ms: float) -> _Run:
        """Let it act at every instant it asks for, up to this one."""
        now_us = round(now_ms * 1000)
        while self.script.next_us is not None and self.script.next_us <= now_us:
            self.script.run_until(self.script.next_us)
        return self

    @property
    def problems(self) -> tuple[str, ...]:
        return self.script.verdict(()).problems


def test_actions_at_one_instant_keep_their_order_and_waits_add_up() -> None:
    run = _Run(["set FIRE on", "command OPEN", "wait 10 ms", "command CLOSE", "wait 5 ms", "command STOP"]).turn(20)
    assert run.done == [(0, "set.FIRE"), (0, "command.OPEN"), (10_000, "command.CLOSE"), (15_000, "command.STOP")]


def test_what_is_awaited_begins_the_next_step_at_the_very_event() -> None:
    run = _Run(["wait until state = OPEN within 1 s", "wait 10 ms", "command CLOSE"])
    run.tell(5, "device.state", 3).tell(7.5, "device.state", 4).turn(30)
    assert run.done == [(17_500, "command.CLOSE")]
    assert run.causes == [1]
    assert run.problems == ()


def test_a_level_that_is_so_already_needs_no_event() -> None:
    run = (
        _Run(["wait 20 ms", "wait until state = OPEN within 1 s", "command CLOSE"]).tell(5, "device.state", 4).turn(20)
    )
    assert run.done == [(20_000, "command.CLOSE")]


def test_what_comes_at_the_last_instant_is_in_time_and_a_microsecond_later_is_not() -> None:
    assert _Run(["expect state = OPEN within 10 ms"]).tell(10, "device.state", 4).problems == ()
    assert len(_Run(["expect state = OPEN within 10 ms"]).tell(10.001, "device.state", 4).problems) == 1


def test_an_expectation_that_fails_is_told_and_the_next_step_follows() -> None:
    run = _Run(["expect state = OPEN within 100 ms", "command CLOSE"]).tell(40, "device.state", 3).turn(200)
    assert run.problems == (
        "step 1 'expect state = OPEN within 100 ms' was not met by 0.1 s: state is OPENING since 0.04 s",
    )
    assert run.done == [(100_001, "command.CLOSE")]


def test_a_wait_that_times_out_ends_the_run_and_tells_what_was_not_reached() -> None:
    run = _Run(["wait until event.PASSED within 1 s", "command CLOSE", "wait 1 s"]).turn(5000)
    assert run.problems == (
        "step 1 'wait until event.PASSED within 1 s' ended the run at 1 s: event.PASSED was never seen; "
        "steps 2 to 3 were not reached",
    )
    assert run.done == []
    assert run.script.end_us == 1_000_000 + TAIL_US


def test_a_happening_counts_from_the_last_action_on_and_once() -> None:
    steps = ["command OPEN", "wait 50 ms", "expect event.REVERSED", "expect event.REVERSED within 10 ms"]
    once = _Run(steps).tell(20, "device.event.REVERSED", 5).turn(100)
    assert [problem.split("'")[0] for problem in once.problems] == ["step 4 "]
    assert "came last at 0.02 s with " in once.problems[0]
    twice = _Run(steps).tell(20, "device.event.REVERSED").tell(21, "device.event.REVERSED").turn(100)
    assert twice.problems == ()


def test_a_happening_before_the_action_does_not_count() -> None:
    run = _Run(["wait 50 ms", "command OPEN", "expect event.REVERSED within 10 ms"])
    assert len(run.tell(49, "device.event.REVERSED").turn(100).problems) == 1


def test_happenings_are_expected_in_their_order_and_levels_between_do_not_matter() -> None:
    steps = [
        "command OPEN",
        "expect event.REVERSED within 1 s",
        "expect state = OPEN within 1 s",
        "expect event.PASSED",
    ]
    right = _Run(steps).tell(1, "device.event.REVERSED").tell(1, "device.event.PASSED").tell(2, "device.state", 4)
    assert right.turn(9000).problems == ()
    wrong = _Run(steps).tell(1, "device.event.PASSED").tell(1, "device.event.REVERSED").tell(2, "device.state", 4)
    assert len(wrong.turn(9000).problems) == 1


def test_happenings_of_different_sources_have_no_order() -> None:
    run = _Run(["command OPEN", "expect event.REVERSED within 1 s", "expect command.OPEN within 1 s"])
    assert run.tell(1, "command.OPEN", 1).tell(2, "device.event.REVERSED").turn(9000).problems == ()


def test_what_must_stay_is_broken_by_a_change_and_told_once() -> None:
    steps = ["expect out.MOTOR_OPEN = on for 100 ms", "command CLOSE"]
    run = _Run(["wait 1 ms", *steps]).tell(0, "device.out.MOTOR_OPEN", 1)
    for at_ms, value in ((40, 0), (50, 1), (60, 0)):
        run.tell(at_ms, "device.out.MOTOR_OPEN", value)
    assert run.turn(500).problems == (
        "step 2 'expect out.MOTOR_OPEN = on for 100 ms' was broken at 0.04 s: out.MOTOR_OPEN is off since 0.04 s",
    )
    assert run.done == [(101_001, "command.CLOSE")]


def test_what_must_not_happen_for_a_while_may_happen_before_and_after() -> None:
    steps = ["wait 10 ms", "expect no event.REVERSED for 10 ms", "wait 10 ms"]
    assert _Run(steps).tell(9, "device.event.REVERSED").tell(21, "device.event.REVERSED").turn(99).problems == ()
    assert len(_Run(steps).tell(20, "device.event.REVERSED").turn(99).problems) == 1


def test_what_must_never_be_is_told_once_with_its_instant() -> None:
    run = _Run(["wait 1 s"], ["event.REVERSED", "state = OPEN"]).tell(5, "device.state", 4)
    run.tell(7, "device.event.REVERSED", 1).tell(8, "device.event.REVERSED", 1).tell(9, "device.state", 3)
    assert run.problems == (
        "'state = OPEN' must never be and was at 0.005 s",
        "'event.REVERSED' must never be and was at 0.007 s",
    )


def test_an_action_follows_from_what_was_awaited_last_and_from_nothing_before() -> None:
    run = _Run(["command OPEN", "wait until state = OPEN within 1 s", "wait 1 ms", "command CLOSE"])
    run.tell(5, "device.in.FIRE", 0).tell(6, "device.state", 4).tell(6.5, "device.in.FIRE", 1).turn(9)
    assert run.causes == [NO_CAUSE, 1]


TIME = "measure opening: from out.MOTOR_OPEN = on to in.LIMIT_OPEN = on {}"


@pytest.mark.parametrize(
    ("limits", "passes"),
    [("at most 3 s", True), ("at most 2999 ms", False), ("at least 3 s", True), ("between 1 s and 2 s", False)],
)
def test_a_time_is_measured_to_the_microsecond_and_judged(limits: str, passes: bool) -> None:
    run = _Run([TIME.format(limits), "wait 5 s"]).tell(100, "device.out.MOTOR_OPEN", 1)
    run.tell(3100, "device.in.LIMIT_OPEN", 1).tell(4000, "device.in.LIMIT_OPEN", 1).turn(9000)
    (measured,) = run.script.verdict(()).measured
    assert (measured.name, measured.value, measured.units, measured.within) == ("opening", "3000", "ms", passes)
    assert (run.problems == ()) == passes


def test_a_measurement_sees_what_came_since_the_last_action() -> None:
    steps = ["set FIRE on", "expect out.MOTOR_OPEN = on within 1 s", TIME.format("at most 3 s"), "wait 5 s"]
    run = _Run(steps).tell(100, "device.out.MOTOR_OPEN", 1).tell(2000, "device.in.LIMIT_OPEN", 1).turn(9000)
    assert str(run.script.verdict(()).measured[0]) == "opening: 1900 ms (at most 3000 ms)"


def test_a_measurement_without_its_end_is_a_problem_that_names_what_is_missing() -> None:
    none = _Run([TIME.format("at most 3 s")]).turn(9000)
    assert none.problems == ("measure opening: not seen (at most 3000 ms): 'out.MOTOR_OPEN = on' never came",)
    half = _Run([TIME.format("at most 3 s")]).tell(100, "device.out.MOTOR_OPEN", 1)
    assert half.problems[0].endswith("'in.LIMIT_OPEN = on' did not come after 'out.MOTOR_OPEN = on' at 0.1 s")


def test_the_end_waits_for_a_measurement_as_long_as_it_could_be_good() -> None:
    run = _Run(["wait 1 s", TIME.format("at most 3 s")]).turn(1000)
    assert run.script.end_us == 4_000_000 + TAIL_US
    run.tell(1100, "device.out.MOTOR_OPEN", 1).tell(1200, "device.in.LIMIT_OPEN", 1)
    assert run.script.end_us == 1_000_000 + TAIL_US


def test_a_register_is_measured_now_and_at_its_extremes_in_its_own_unit() -> None:
    steps = [
        "wait 1 ms",
        "measure highest: highest travel_last_ms from event.BOOT to event.PASSED at most 1 s",
        "measure lowest: lowest travel_last_ms from event.BOOT to event.PASSED at least 200 ms",
        "wait 9 ms",
        "measure now: travel_last_ms between 0 ms and 5 s",
    ]
    run = _Run(steps).tell(0, "device.travel_last_ms", 300).tell(2, "device.event.BOOT")
    run.tell(3, "device.travel_last_ms", 900).tell(4, "device.travel_last_ms", 250).tell(5, "device.event.PASSED")
    run.tell(6, "device.travel_last_ms", 1500).turn(20)
    assert [measured.value for measured in run.script.verdict(()).measured] == ["900", "250", "1500"]
    assert run.problems == ()


def test_what_asks_nothing_may_be_done_ahead_and_stops_at_what_asks() -> None:
    run = _Run(["set FIRE on", "wait 10 ms", "set FIRE off", "expect state = OPEN within 1 s"])
    while run.script.next_act is not None:
        assert run.script.next_us is not None
        run.script.run_one(run.script.next_us)
    assert run.done == [(0, "set.FIRE"), (10_000, "set.FIRE")]
    assert run.script.next_us == 10_000


def test_a_postponed_action_moves_what_follows_it() -> None:
    run = _Run(["set FIRE on", "wait 10 ms", "set FIRE off"])
    run.script.postpone(5_000)
    run.script.postpone(1_000)
    run.turn(20)
    assert run.done == [(5_000, "set.FIRE"), (15_000, "set.FIRE")]


def test_a_happening_that_is_told_after_an_action_but_came_before_it_does_not_follow_from_it() -> None:
    run = _Run(["set FIRE on", "wait 10 ms", "set FIRE off", "expect event.REVERSED within 1 s"])
    for _ in range(4):
        assert run.script.next_us is not None
        run.script.run_one(run.script.next_us)  # ahead, up to the action at 10 ms
    run.script.on_event(9_000, TraceEvent(9_000, "device", "event.REVERSED", 0), 0)
    run.script.run_until(10_000)
    run.turn(1_100)
    assert run.problems == (
        "step 4 'expect event.REVERSED within 1 s' was not met by 1.01 s: "
        "event.REVERSED came last at 0.009 s with none",
    )
