"""A recording as Chrome trace events, the JSON that ui.perfetto.dev and chrome://tracing open.

Knows: the form of the file, names of values. Must not know: files, where a recording comes from.

A source is a process, a channel a thread of it. States are slices, happenings instants, numbers counters; what is off
or holds no bit has no slice. The cause stands among the arguments of an event: flows bind to slices only, and most
causes are instants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hil.trace.event import NO_CAUSE, Trace
from hil.trace.names import moment, value_text
from hil.trace.recording import Recording
from hil.trace.spans import Form, Lane, Span, lanes_of


def perfetto_text(recording: Recording) -> str:
    """The whole file."""
    head = recording.head
    told = {
        "traceEvents": list(_events(recording.trace)),
        "displayTimeUnit": "ms",
        "otherData": {"scenario": head.scenario, "target": head.target, "seed": head.seed, "clocks": head.clocks},
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def _events(trace: Trace) -> Iterator[dict[str, Any]]:
    lanes = lanes_of(trace)
    processes = {source: number for number, source in enumerate(dict.fromkeys(lane.source for lane in lanes), 1)}
    for source, pid in processes.items():
        yield {"ph": "M", "pid": pid, "name": "process_name", "args": {"name": source}}
        yield {"ph": "M", "pid": pid, "name": "process_sort_index", "args": {"sort_index": pid}}
    for tid, lane in enumerate(lanes, 1):
        place = {"pid": processes[lane.source], "tid": tid}
        if lane.form is not Form.NUMBER:
            yield {"ph": "M", **place, "name": "thread_name", "args": {"name": lane.channel}}
        for span in lane.spans:
            yield from _span(trace, lane, span, place)


def _span(trace: Trace, lane: Lane, span: Span, place: dict[str, int]) -> Iterator[dict[str, Any]]:
    event = trace.events[span.index]
    told = {**place, "ts": span.t_us, "cat": lane.kind}
    if lane.form is Form.NUMBER:
        yield {**told, "ph": "C", "name": lane.channel, "args": {"value": event.value}}
    elif lane.form is Form.HAPPENING:
        yield {**told, "ph": "i", "s": "t", "name": f"{lane.channel} {span.text}", "args": _arguments(trace, span)}
    elif not span.is_idle:
        yield {**told, "ph": "X", "dur": span.end_us - span.t_us, "name": span.text, "args": _arguments(trace, span)}


def _arguments(trace: Trace, span: Span) -> dict[str, Any]:
    event = trace.events[span.index]
    if event.cause == NO_CAUSE:
        return {"value": event.value}
    cause = trace.events[event.cause]
    return {"value": event.value, "cause": f"{cause.name} {value_text(trace, cause)} at {moment(cause.t_us)}"}
