"""Steps begin once, when their condition first happens, and their actions keep order and waiting times."""

from hil.rig.script import Script
from hil.rig.verdict import judge
from hil.scenarios.model import Action, Condition, Measurement, Scenario, Step
from hil.trace.event import Trace, TraceEvent

OPEN = TraceEvent(5, "barrier", "state", 4)
CUT, RESTORE = Action("cut bus"), Action("restore bus")


def _scenario(**parts: object) -> Scenario:
    empty = dict.fromkeys(("trucks", "steps", "expectations", "nevers", "measurements"), ())
    return Scenario(**{"name": "x", "duration_ms": 1, "seed": 1, **empty, **parts})  # type: ignore[arg-type]


def test_a_step_begins_once_and_waits() -> None:
    done: list[tuple[int, Action]] = []
    step = Step(Condition("barrier.state", 4, ""), (CUT, Action("wait", argument=10), RESTORE))
    script = Script([step], lambda now_us, action: done.append((now_us, action)))
    script.on_event(5_000, OPEN)
    script.on_event(6_000, OPEN)
    script.run_until(14_999)
    assert done == [(14_999, CUT)]
    assert script.next_us == 15_000
    script.run_until(15_000)
    assert done[1:] == [(15_000, RESTORE)]
    assert script.not_begun == ()


def test_a_step_whose_condition_never_happens_fails_the_scenario() -> None:
    script = Script([Step(Condition("field.passed", None, "field.passed"), (CUT,))], lambda *_: None)
    verdict = judge(_scenario(), Trace(), script.not_begun)
    assert not verdict.passed


def test_expectations_must_happen_in_order_and_nevers_not_at_all() -> None:
    trace = Trace()
    trace.add(OPEN)
    trace.add(TraceEvent(9, "field", "passed", 1))
    opened, passed = Condition("barrier.state", 4, "open"), Condition("field.passed", None, "passed")
    assert judge(_scenario(expectations=(opened, passed)), trace, ()).passed
    assert not judge(_scenario(expectations=(passed, opened)), trace, ()).passed
    assert not judge(_scenario(nevers=(passed,)), trace, ()).passed


def test_a_measurement_outside_its_limits_or_without_its_events_fails() -> None:
    trace = Trace()
    trace.add(OPEN)
    trace.add(TraceEvent(9, "field", "passed", 1))
    opened, passed = Condition("barrier.state", 4, ""), Condition("field.passed", None, "")
    for start, end, low, ok in ((opened, passed, 4, True), (opened, passed, 5, False), (passed, opened, 0, False)):
        verdict = judge(_scenario(measurements=(Measurement("m", start, end, low, 100),)), trace, ())
        assert verdict.passed == ok
