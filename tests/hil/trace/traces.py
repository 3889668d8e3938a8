"""Traces written by hand, and strategies that draw them: one barrier on the bench."""

from __future__ import annotations

from hypothesis import strategies as st

from hil.trace.event import NO_CAUSE, Trace, TraceEvent
from hil.trace.recording import Head, Recording

END_US = 20_000_000
ROLES = {"device": "barrier"}

Row = tuple[int, str, int] | tuple[int, str, int, int]


def trace_of(*rows: Row, end_us: int = END_US) -> Trace:
    """A trace from (t_us, "source.channel", value[, cause]) rows."""
    trace = Trace(ROLES)
    trace.end_us = end_us
    for t_us, name, value, *cause in rows:
        source, channel = name.split(".", 1)
        trace.add(TraceEvent(t_us, source, channel, value, *cause))
    return trace


def opening(late_us: int = 0, *more: Row) -> Trace:
    """The boom opens on command, everything the device does `late_us` late; `more` comes behind."""
    return trace_of(
        (0, "device.out.MOTOR_OPEN", 0),
        (0, "device.state", 2),
        (3_000_000, "script.command.OPEN", 0),
        (3_050_000, "bus.command.OPEN", 0, 2),
        (3_055_000 + late_us, "device.out.MOTOR_OPEN", 1, 3),
        (3_150_000 + late_us, "device.state", 3, 4),
        (3_160_000 + late_us, "device.event.STATE_CHANGED", 3, 4),
        (6_000_000, "device.in.LIMIT_OPEN", 1, 4),
        (6_010_000 + late_us, "device.out.MOTOR_OPEN", 0, 7),
        (6_150_000 + late_us, "device.state", 4, 8),
        (6_160_000 + late_us, "device.event.STATE_CHANGED", 4, 8),
        *more,
    )


# Every class: outputs, lamps, levels, bits, events with and without values, and what informs only.
NAMES = (
    "device.out.MOTOR_OPEN",
    "device.out.LIGHT_RED",
    "device.state",
    "device.faults",
    "device.event.STATE_CHANGED",
    "device.event.FAULT_RAISED",
    "device.event.PRESENCE_CHANGED",
    "device.in.LIMIT_OPEN",
    "device.passes",
    "command.OPEN",
    "field.passed",
    "script.command.OPEN",
    "fault.hub_off",
)
INFORMATIVE_NAMES = ("device.event.PRESENCE_CHANGED", "device.in.LIMIT_OPEN", "device.passes", "device.quality.FIRE")


@st.composite
def traces(draw: st.DrawFn, names: tuple[str, ...] = NAMES, max_size: int = 40) -> Trace:
    """Any sequence of events in order of time, each with a cause before it."""
    steps = draw(
        st.lists(
            st.tuples(st.just(0) | st.integers(0, 3_000_000), st.sampled_from(names), st.integers(0, 15)),
            max_size=max_size,
        )
    )
    rows: list[Row] = []
    t_us = 0
    for step_us, name, value in steps:
        t_us += step_us
        rows.append((t_us, name, value, draw(st.integers(NO_CAUSE, len(rows) - 1))))
    return trace_of(*rows, end_us=t_us + draw(st.integers(0, 3_000_000)))


def recording_of(trace: Trace, problems: tuple[str, ...] = ()) -> Recording:
    """What a run of it would leave."""
    verdict = "FAILED" if problems else "PASSED"
    head = Head("opening", "ab", 7, "host", trace.end_us, 0.5, trace.roles, verdict, list(problems))
    return Recording(head, trace)
