"""A recording is what it was when it is read again; a damaged file is told in one sentence; two are compared if they
tell of the same."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.targets.target import UsageError
from hil.trace.diff import compare_recordings
from hil.trace.event import Trace
from hil.trace.outcome import Outcome
from hil.trace.recording import Head, Recording, parse_recording, read_recording
from tests.hil.trace.traces import ROLES, opening, recording_of, trace_of, traces


@settings(derandomize=True)
@given(traces(), st.lists(st.text(max_size=20), max_size=3), st.floats(0, 1e6), st.text(max_size=10))
def test_what_is_written_is_read(trace: Trace, problems: list[str], wall_s: float, version: str) -> None:
    head = Head("x", "ab", 7, "host", trace.end_us, wall_s, ROLES, "FAILED", problems, {"python": version})
    trace.bands_us = {"output": 5}
    again = parse_recording(Recording(head, trace).text())
    assert again.trace.bands_us == {"output": 5}
    assert again.head == head
    assert again.trace.events == trace.events
    assert (again.trace.roles, again.trace.end_us) == (trace.roles, trace.end_us)


@settings(derandomize=True)
@given(traces(max_size=10), st.data())
def test_a_text_that_was_cut_anywhere_is_never_read(trace: Trace, data: st.DataObject) -> None:
    text = recording_of(trace).text()
    with pytest.raises(UsageError):
        parse_recording(text[: data.draw(st.integers(0, len(text) - 1))])


def test_a_cut_tail_is_told_with_what_is_whole() -> None:
    text = recording_of(opening()).text()
    for cut in (text[:-1], text[: text.rindex("[")]):
        with pytest.raises(UsageError, match=r"is cut off: 1[01] of 11 events are whole|is cut off: 10 of 11"):
            parse_recording(cut)


def test_what_does_not_end_with_the_end_of_a_line_is_cut_off() -> None:
    for text in (recording_of(trace_of()).text()[:-1], recording_of(opening()).text() + "[60"):
        with pytest.raises(UsageError, match="is cut off"):
            parse_recording(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1 is not the head of a trace; name a trace file that `gate hil run --trace` wrote"),
        ("[" * 100_000, "line 1 is not the head of a trace"),
        ("[1]\n", "line 1 is not the head of a trace"),
        ('{"format": "smartgate trace 9"}\n', "its form is 'smartgate trace 9', this smartgate reads"),
        ('{"format": "smartgate trace 1"}\n', "line 1 has no right 'scenario' (None)"),
    ],
)
def test_what_is_no_recording_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_recording(text)
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    "row",
    [
        "[1, 2]",
        '[1, "a", "b", 1, 0, 0]',
        '[1, "a", "b", true, -1]',
        '[-1, "a", "b", 1, -1]',
        '[1, "a", "b", 1, 5]',
        f'[1{"0" * 400}, "a", "b", 1, -1]',
        f'[1, "a", "b", 1{"0" * 400}, -1]',
        "[" * 100_000,
        "x",
    ],
)
def test_a_line_that_is_no_event_is_told_by_its_number(row: str) -> None:
    lines = recording_of(opening()).text().split("\n")
    lines[3] = row
    with pytest.raises(UsageError, match="line 4 is no event"):
        parse_recording("\n".join(lines))


def test_a_role_nobody_knows_and_a_line_too_many_are_told() -> None:
    text = recording_of(opening()).text()
    with pytest.raises(UsageError, match="the role 'gate'; this smartgate knows barrier, "):
        parse_recording(text.replace('{"device": "barrier"}', '{"device": "gate"}'))
    with pytest.raises(UsageError, match="line 13 is one too many"):
        parse_recording(text + '[1, "a", "b", 1, -1]\n')


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("simulated_us", 10**400),
        ("wall_s", 10**400),
        ("bands_us", {"reaction": 10**400}),
        ("problems", [5]),
        ("roles", {"device": ["barrier"]}),
    ],
)
def test_a_head_that_no_run_has_is_one_sentence(key: str, value: object) -> None:
    first, rest = recording_of(opening()).text().split("\n", 1)
    text = f"{json.dumps({**json.loads(first), key: value})}\n{rest}"
    with pytest.raises(UsageError, match="line 1 "):
        parse_recording(text)


def test_the_bands_of_the_scenario_count_and_one_nobody_knows_is_told() -> None:
    trace, late = opening(), opening(20_000)
    trace.bands_us = {"reaction": 19_000}
    left, right = recording_of(trace), recording_of(late)
    right = replace(right, head=replace(right.head, target="rp2040"))
    assert compare_recordings(left, right).outcome is Outcome.DIVERGED
    with pytest.raises(UsageError, match="the band 'retort'; this smartgate knows reaction, output"):
        parse_recording(left.text().replace('"reaction"', '"retort"'))


def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.jsonl: cannot be read"):
        read_recording(tmp_path / "none.jsonl")
    (tmp_path / "raw.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"raw.jsonl: is no text; name a trace file"):
        read_recording(tmp_path / "raw.jsonl")


def test_the_head_stands_in_the_first_line_and_every_event_in_one_of_its_own() -> None:
    lines = recording_of(opening()).text().splitlines()
    assert json.loads(lines[0])["events"] == len(lines) - 1 == 11
    assert json.loads(lines[4]) == [3_050_000, "bus", "command.OPEN", 0, 2]


def test_both_clocks_and_their_ratio_are_told() -> None:
    head = recording_of(opening()).head
    assert replace(head, wall_s=0.5).clocks == "20.0 s simulated in 0.5 s (40x)"
    assert replace(head, wall_s=200.0).clocks == "20.0 s simulated in 200.0 s (0.1x)"
    assert replace(head, wall_s=0.0).clocks == "20.0 s simulated in 0.0 s (no wall time)"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scenario": "other"}, "other scenario: opening and other"),
        ({"scenario_sha256": "cd"}, "the scenario file of opening was changed between the two runs"),
        ({"seed": 8}, "other seed: 7 and 8"),
        ({"roles": {"device": "rfid"}}, "other devices: device (barrier) and device (rfid)"),
    ],
)
def test_what_tells_of_something_else_is_not_comparable(changed: dict[str, object], reason: str) -> None:
    left = recording_of(opening())
    right = replace(left, head=replace(left.head, **changed))  # type: ignore[arg-type]  # fields by name
    result = compare_recordings(left, right)
    assert (result.outcome, result.reason, result.is_blocked) == (Outcome.NOT_COMPARABLE, reason, False)


def test_what_did_not_run_for_want_of_a_capability_is_not_comparable() -> None:
    left = recording_of(opening())
    head = replace(
        left.head,
        target="rp2040",
        scenario_sha256="",
        roles={},
        verdict="BLOCKED",
        problems=["needs scan_time, but it has none"],
    )
    result = compare_recordings(left, Recording(head, trace_of()))
    assert (result.outcome, result.is_blocked) == (Outcome.NOT_COMPARABLE, True)
    assert result.reason == "opening was BLOCKED on rp2040: needs scan_time, but it has none"


def test_targets_that_must_be_equal_are_compared_exactly_and_others_within_bands() -> None:
    left, late = recording_of(opening()), recording_of(opening(20_000))
    assert compare_recordings(left, replace(late, head=replace(late.head, target="vm"))).outcome is Outcome.DIVERGED
    rp2040 = replace(late, head=replace(late.head, target="rp2040"))
    assert compare_recordings(left, rp2040).outcome is Outcome.WITHIN_BAND
