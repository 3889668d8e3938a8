"""Every form a recording is exported to is read again by a reader that knows the form alone."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from hil.trace.event import Trace
from hil.trace.perfetto import perfetto_text
from hil.trace.spans import Form, lanes_of
from hil.trace.timeline import mark_us, timeline_text
from hil.trace.vcd import vcd_text
from tests.hil.trace.traces import END_US, opening, recording_of, trace_of, traces


class VcdReader:
    """Reads a value change dump by the letter of the standard, with GTKWave's strings; refuses everything else."""

    def __init__(self, text: str) -> None:
        self.variables: dict[str, tuple[str, str, int]] = {}  # by short name: path, kind, width
        self.changes: dict[str, list[tuple[int, str]]] = {}  # by path
        self.sections: dict[str, str] = {}
        self.end = 0
        body = self._declarations(text)
        self._dump(body.split())

    def _declarations(self, text: str) -> str:
        scopes: list[str] = []
        head, body = re.split(r"\$enddefinitions\s+\$end", text)
        for word, rest in re.findall(r"\$(\w+)\s+(.*?)\s*\$end", head, re.S):
            if word == "scope":
                kind, name = rest.split()
                assert kind == "module"
                scopes.append(name)
            elif word == "upscope":
                scopes.pop()
            elif word == "var":
                kind, width, code, name = rest.split()
                assert code not in self.variables
                path = ".".join((*scopes, name))
                self.variables[code] = (path, kind, int(width))
                assert path not in self.changes or kind == "event"
                self.changes.setdefault(path, [])
            else:
                self.sections[word] = rest
        assert not scopes
        return body

    def _dump(self, words: list[str]) -> None:
        position = 0
        while position < len(words):
            word = words[position]
            position += 1
            if word.startswith("#"):
                assert int(word[1:]) >= self.end
                self.end = int(word[1:])
            elif word[0] in "bs":
                self._change(words[position], word[1:])
                position += 1
            elif word[0] in "01x":
                self._change(word[1:], word[0])
            else:
                assert word in ("$dumpvars", "$end")

    def _change(self, code: str, value: str) -> None:
        path, kind, width = self.variables[code]
        assert kind == "string" or len(value) <= width
        assert kind in ("wire", "integer", "string", "event")
        self.changes[path].append((self.end, value))


def test_a_wave_file_has_every_channel_with_its_instants() -> None:
    reader = VcdReader(vcd_text(recording_of(opening())))
    assert reader.sections["timescale"] == "1 us"
    assert reader.end == END_US
    assert reader.changes["device.out.MOTOR_OPEN"] == [(0, "x"), (0, "0"), (3_055_000, "1"), (6_010_000, "0")]
    assert reader.changes["device.state"] == [(0, "x"), (0, "10"), (3_150_000, "11"), (6_150_000, "100")]
    assert [value for _, value in reader.changes["device.state_text"]] == ["", "CLOSED", "OPENING", "OPEN"]
    assert [t for t, _ in reader.changes["device.event.STATE_CHANGED"]] == [3_160_000, 6_160_000]


def test_a_wave_file_has_a_wire_for_each_bit() -> None:
    trace = trace_of((0, "device.faults", 0), (5_000_000, "device.faults", 0b101))
    reader = VcdReader(vcd_text(recording_of(trace)))
    assert reader.changes["device.faults.TRAVEL_TIMEOUT"][1:] == [(0, "0"), (5_000_000, "1")]
    assert reader.changes["device.faults.LIMIT_CONFLICT"][1:] == [(0, "0"), (5_000_000, "0")]


def test_a_number_below_zero_is_written_in_the_width_of_its_variable() -> None:
    trace = trace_of((0, "device.line.sent", -2))
    ((_, _), (_, bits)) = VcdReader(vcd_text(recording_of(trace))).changes["device.line.sent"]
    assert int(bits, 2) - (1 << 64) == -2


@settings(derandomize=True)
@given(traces())
def test_any_trace_is_a_wave_file_that_can_be_read(trace: Trace) -> None:
    reader = VcdReader(vcd_text(recording_of(trace)))
    assert reader.end == trace.end_us
    assert len(reader.variables) == len({code for code in reader.variables if code.isprintable()})


def test_events_out_of_order_are_put_in_order() -> None:
    trace = trace_of((500, "device.out.LOOP_TEST", 1), (100, "field.passed", 1))
    assert VcdReader(vcd_text(recording_of(trace))).changes["field.passed"] == [(100, "1")]


def _perfetto(trace: Trace) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(perfetto_text(recording_of(trace)))["traceEvents"]
    return events


def test_perfetto_has_slices_for_states_instants_for_happenings_and_counters_for_numbers() -> None:
    events = _perfetto(opening(0, (7_000_000, "device.passes", 3)))
    slices = {(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"}
    assert ("OPENING", 3_150_000, 3_000_000) in slices
    assert ("on", 3_055_000, 2_955_000) in slices
    assert not [name for name, _, _ in slices if name == "off"]
    assert [e["ts"] for e in events if e["ph"] == "i" and e["name"].startswith("event.STATE_CHANGED")] == [
        3_160_000,
        6_160_000,
    ]
    assert [e["args"] for e in events if e["ph"] == "C"] == [{"value": 3}]


def test_perfetto_tells_the_cause_and_names_process_and_thread() -> None:
    events = _perfetto(opening())
    (motor,) = [e for e in events if e["ph"] == "X" and e["name"] == "on" and e["ts"] == 3_055_000]
    assert motor["args"]["cause"] == "bus.command.OPEN 0 at 3.050 s"
    names = {(e["name"], e["args"].get("name")) for e in events if e["ph"] == "M"}
    assert {("process_name", "device"), ("process_name", "script"), ("thread_name", "out.MOTOR_OPEN")} <= names


@settings(derandomize=True)
@given(traces())
def test_any_trace_has_lanes_that_hold_each_of_its_events_once(trace: Trace) -> None:
    lanes = lanes_of(trace)
    assert sorted(span.index for lane in lanes for span in lane.spans) == list(range(len(trace)))
    for lane in lanes:
        if lane.form is not Form.HAPPENING:
            edges = [(span.t_us, span.end_us) for span in lane.spans]
            assert all(first[1] == second[0] for first, second in pairwise(edges))


def test_lanes_begin_with_what_was_done_and_a_device_with_its_state() -> None:
    lanes = lanes_of(opening(0, (7_000_000, "field.passed", 1), (8_000_000, "fault.edge", 1)))
    assert list(dict.fromkeys(lane.source for lane in lanes)) == ["fault", "script", "field", "device", "bus"]
    assert next(lane.channel for lane in lanes if lane.source == "device") == "state"


class _Page(HTMLParser):
    """Collects the scripts of a page and everything that would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset")]
        self._inside = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts.append(data)
            self._inside = False


def _page_data(trace: Trace, problems: tuple[str, ...] = ()) -> dict[str, Any]:
    page = _Page(timeline_text(recording_of(trace, problems)))
    assert page.fetched == []
    told: dict[str, Any] = json.loads(page.scripts[0])
    return told


def test_the_page_needs_nothing_else_and_holds_events_lanes_and_both_clocks() -> None:
    told = _page_data(opening())
    assert told["events"][4] == [3_055_000, "device.out.MOTOR_OPEN", "on", 3]
    assert (told["wall_s"], told["end_us"], told["ratio"]) == (0.5, END_US, "40x")
    (motor,) = [lane for lane in told["lanes"] if lane["channel"] == "out.MOTOR_OPEN"]
    assert motor["form"] == "wire"
    assert [span[2] for span in motor["spans"]] == ["off", "on", "off"]
    assert "http" not in timeline_text(recording_of(opening()))


def test_no_text_of_a_trace_gets_out_of_its_script() -> None:
    problem = "</script><img src=x onerror=alert(1)> at 2 s"
    assert _page_data(opening(), (problem,))["problems"] == [problem]


@pytest.mark.parametrize(
    ("problem", "t_us"),
    [
        ("step 3 'expect x' was not met by 4.25 s: x is off since 0 s", 4_250_000),
        ("'field.hit' must never be and was at 2.5 s", 2_500_000),
        ("barrier broke down", END_US),
        ("'x' was at 99 s", END_US),
    ],
)
def test_a_problem_is_marked_where_it_happened_or_at_the_end(problem: str, t_us: int) -> None:
    assert mark_us(problem, END_US) == t_us
