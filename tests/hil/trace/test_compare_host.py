"""Traces are compared event by event, and the first difference is named."""

from hil.trace.compare import compare
from hil.trace.event import Trace, TraceEvent


def _trace(*events: tuple[int, str, str, int]) -> Trace:
    trace = Trace()
    for event in events:
        trace.add(TraceEvent(*event))
    return trace


ONE = (10, "barrier", "state", 2)
TWO = (20, "barrier", "state", 3)


def test_equal_traces_compare_equal_and_have_equal_digests() -> None:
    assert compare(_trace(ONE, TWO), _trace(ONE, TWO)).equal
    assert _trace(ONE, TWO).digest() == _trace(ONE, TWO).digest()


def test_a_different_value_time_or_source_diverges_at_its_event() -> None:
    for other in ((20, "barrier", "state", 4), (21, "barrier", "state", 3), (20, "field", "state", 3)):
        result = compare(_trace(ONE, TWO), _trace(ONE, other))
        assert result.index == 1
        assert _trace(ONE, TWO).digest() != _trace(ONE, other).digest()


def test_a_trace_that_ends_early_diverges_where_it_ends() -> None:
    result = compare(_trace(ONE, TWO), _trace(ONE))
    assert result.index == 1
    assert result.right is None
    assert "ended" in result.describe("host", "vm")
    assert compare(_trace(ONE), _trace(ONE, TWO)).index == 1


def test_a_level_is_recorded_only_when_it_changes() -> None:
    trace = Trace()
    assert trace.change(1, "barrier", "state", 2) is not None
    assert trace.change(2, "barrier", "state", 2) is None
    assert trace.change(3, "barrier", "state", 3) is not None
    assert [event.t_us for event in trace] == [1, 3]
    assert trace.last("barrier.state") == 3


def test_the_context_is_the_few_events_before_the_difference() -> None:
    same = [(n, "field", "step", n) for n in range(10)]
    result = compare(_trace(*same, ONE), _trace(*same, TWO))
    assert [event.value for event in result.context] == [7, 8, 9]
