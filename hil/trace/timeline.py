"""A recording as one page of HTML that needs nothing else: lanes to zoom and scroll, with the causes of every event.

Knows: the page beside it (`page/`), lanes. Must not know: files, where a recording comes from. All that is said about
values is said here in the words of the register map; the page's own words are in `page/timeline.js`, in English and
Vietnamese. A part of the run can be linked to: `#from=0&to=2000000&event=12&language=vi`.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from hil.trace.event import TraceEvent
from hil.trace.names import value_text
from hil.trace.recording import Recording
from hil.trace.spans import Lane, lanes_of

_AT = re.compile(r"\b(?:at|by) (\d+(?:\.\d+)?) s\b")  # as problems tell an instant


def timeline_text(recording: Recording) -> str:
    """The whole page."""
    page = files("hil.trace") / "page"
    html, style, script = ((page / f"timeline.{end}").read_text(encoding="utf-8") for end in ("html", "css", "js"))
    data = json.dumps(_data(recording), ensure_ascii=False).replace("<", "\\u003c")  # no text ends the script early
    title = escape(f"{recording.head.scenario} on {recording.head.target}")
    return Template(html).substitute(title=title, style=style, script=script, data=data)


def _data(recording: Recording) -> dict[str, Any]:
    head, trace = recording.head, recording.trace
    return {
        "scenario": head.scenario,
        "target": head.target,
        "seed": head.seed,
        "verdict": head.verdict,
        "problems": list(head.problems),
        "marks": [{"t_us": mark_us(problem, trace.end_us)} for problem in head.problems],
        "wall_s": head.wall_s,
        "ratio": head.ratio_text,
        "end_us": max(trace.end_us, 1),
        "roles": dict(trace.roles),
        "events": [_event(recording, event) for event in trace],
        "lanes": [_lane(recording, lane) for lane in lanes_of(trace)],
    }


def mark_us(problem: str, end_us: int) -> int:
    """The instant a problem speaks of; the end of the run when it names none."""
    found = _AT.search(problem)
    return min(round(float(found[1]) * 1e6), end_us) if found else end_us


def _event(recording: Recording, event: TraceEvent) -> list[Any]:
    return [event.t_us, event.name, value_text(recording.trace, event), event.cause]


def _lane(recording: Recording, lane: Lane) -> dict[str, Any]:
    spans = [
        [span.t_us, span.end_us, span.text, span.index, span.is_idle, recording.trace.events[span.index].value]
        for span in lane.spans
    ]
    return {
        "source": lane.source,
        "channel": lane.channel,
        "form": lane.form,
        "kind": lane.kind,
        "constant": lane.is_constant,
        "spans": spans,
    }
