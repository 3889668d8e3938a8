"""Steps begin once, when their condition first happens, and their actions keep order and waiting times."""

from hil.rig.script import Script
from hil.rig.verdict import judge
from hil.scenarios.model import Action, Condition, Measurement, Scenario, Step
from hil.trace.event import Trace, TraceEvent

OPEN = TraceEvent(5_000, "barrier", "state", 4)
CUT, RESTORE = Action("cut bus"), Action("restore bus")


def _scenario(**parts: object) -> Scenario:
    return Scenario(**{"name": "x", "duration_ms": 1, "seed": 1, **parts})  # type: ignore[arg-type]


def test_a_step_begins_once_and_waits() -> None:
    done: list[tuple[int, Action, int]] = []
    step = Step(Condition("barrier.state", 4, ""), (CUT, Action("wait", argument=10), RESTORE))
    script = Script([step], lambda now_us, action, cause: done.append((now_us, action, cause)))
    script.on_event(5_000, OPEN, 7)
    script.on_event(6_000, OPEN, 8)
    script.run_until(14_999)
    assert done == [(14_999, CUT, 7)]
    assert script.next_us == 15_000
    script.run_until(15_000)
    assert done[1:] == [(15_000, RESTORE, 7)]
    assert script.not_done == ()


def test_a_step_whose_condition_never_happens_fails_the_scenario() -> None:
    script = Script([Step(Condition("field.passed", None, "field.passed"), (CUT,))], lambda *_: None)
    verdict = judge(_scenario(), Trace(), script.not_done)
    assert verdict.problems == ("the step waiting for 'field.passed' never began",)


def test_an_action_that_is_due_after_the_end_fails_the_scenario() -> None:
    step = Step(Condition("barrier.state", 4, ""), (Action("wait", argument=10), Action("command", "barrier", "CLOSE")))
    script = Script([step], lambda *_: None)
    script.on_event(5_000, OPEN, 7)
    script.run_until(14_999)
    assert judge(_scenario(), Trace(), script.not_done).problems == (
        "'command barrier CLOSE' was due at 15 ms, after the end",
    )


def test_expectations_must_happen_in_order_and_nevers_not_at_all() -> None:
    trace = Trace()
    trace.add(OPEN)
    trace.add(TraceEvent(9_000, "field", "passed", 1))
    opened, passed = Condition("barrier.state", 4, "open"), Condition("field.passed", None, "passed")
    assert judge(_scenario(expectations=(opened, passed)), trace, ()).passed
    assert not judge(_scenario(expectations=(passed, opened)), trace, ()).passed
    assert not judge(_scenario(nevers=(passed,)), trace, ()).passed
    assert judge(_scenario(nevers=(Condition("barrier.state", 3, "closed"),)), trace, ()).passed


def test_an_event_expected_twice_must_happen_twice() -> None:
    trace = Trace()
    trace.add(OPEN)
    opened = Condition("barrier.state", 4, "open")
    assert not judge(_scenario(expectations=(opened, opened)), trace, ()).passed
    trace.add(OPEN)
    assert judge(_scenario(expectations=(opened, opened)), trace, ()).passed


def test_a_masked_condition_minds_its_bit_alone() -> None:
    loop_fault = Condition("barrier.faults", 4, "", 4)
    assert loop_fault.met_by("barrier.faults", 4 | 1)
    assert not loop_fault.met_by("barrier.faults", 1)
    assert not loop_fault.met_by("weighbridge.faults", 4)


def test_a_measurement_outside_its_limits_or_without_its_events_fails() -> None:
    trace = Trace()
    trace.add(OPEN)
    trace.add(TraceEvent(9_000, "field", "passed", 1))
    opened, passed = Condition("barrier.state", 4, ""), Condition("field.passed", None, "")
    for start, end, low, high, ok in (
        (opened, passed, 4, 4, True),
        (opened, passed, 5, 9, False),
        (opened, passed, 0, 3, False),
        (passed, opened, 0, 9, False),
    ):
        verdict = judge(_scenario(measurements=(Measurement("m", start, end, low, high),)), trace, ())
        assert verdict.passed == ok


def test_a_measurement_ends_with_the_first_end_after_its_start() -> None:
    trace = Trace()
    for t_ms, kind in ((1, "passed"), (5, "entered"), (9, "passed"), (20, "passed")):
        trace.add(TraceEvent(t_ms * 1000, "field", kind, 1))
    entered, passed = Condition("field.entered", None, ""), Condition("field.passed", None, "")
    measurements = (Measurement("in the lane", entered, passed, 0, 99), Measurement("period", passed, passed, 0, 99))
    assert [item.value_ms for item in judge(_scenario(measurements=measurements), trace, ()).measured] == [4, 8]
