"""`gate hil diff` and `gate hil export`: the exit code tells, and bad input is one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hil.command import main
from hil.trace.recording import Recording
from tests.hil.trace.traces import opening, recording_of, trace_of

Put = Callable[..., str]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes a recording with another head as a file, and gives its name."""

    def write(name: str, recording: Recording, **head: object) -> str:
        changed = replace(recording, head=replace(recording.head, **head))  # type: ignore[arg-type]  # fields by name
        (tmp_path / name).write_text(changed.text(), encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_equal_traces_end_well(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    recording = recording_of(opening())
    assert main(["diff", put("a", recording), put("b", recording, target="vm")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "host: opening, seed 7, 20.0 s simulated in 0.5 s (40x)",
        "vm: opening, seed 7, 20.0 s simulated in 0.5 s (40x)",
        "EQUAL: 11 events on host and vm",
    ]


def test_traces_within_the_bands_end_well_and_others_do_not(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    left = put("a", recording_of(opening()))
    assert main(["diff", left, put("b", recording_of(opening(20_000)), target="rp2040")]) == 0
    assert "WITHIN BAND: 7 events on host and rp2040" in capsys.readouterr().out
    assert main(["diff", left, put("c", recording_of(opening(200_000)), target="rp2040")]) == 1
    assert "DIVERGED at 3.055 s on device.out.MOTOR_OPEN" in capsys.readouterr().out


def test_runs_of_one_target_are_told_apart(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    recording = recording_of(opening())
    assert main(["diff", put("a", recording), put("b", recording)]) == 0
    assert "EQUAL: 11 events on A (host) and B (host)" in capsys.readouterr().out


def test_for_machines_it_is_one_object(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    recording = recording_of(opening())
    assert main(["diff", put("a", recording), put("b", recording, seed=8), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["reason"]) == ("NOT COMPARABLE", "other seed: 7 and 8")


def test_a_run_that_is_blocked_ends_a_comparison_as_it_ends_a_run(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    blocked: dict[str, object] = {"target": "vm", "scenario_sha256": "", "roles": {}, "verdict": "BLOCKED"}
    right = put("b", recording_of(trace_of()), **blocked, problems=["needs x, but it has none"])
    assert main(["diff", put("a", recording_of(opening())), right]) == 3
    assert "NOT COMPARABLE: opening was BLOCKED on vm: needs x, but it has none" in capsys.readouterr().out


def test_a_damaged_file_is_bad_input(put: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = put("a", recording_of(opening()))
    (tmp_path / "cut").write_text(Path(left).read_text()[:-20])
    assert main(["diff", left, str(tmp_path / "cut")]) == 2
    assert "cut: is cut off: 10 of 11 events are whole" in capsys.readouterr().err
    assert main(["diff", left, str(tmp_path / "none")]) == 2
    assert "none: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_export_writes_every_form_asked_for(put: Put, tmp_path: Path) -> None:
    trace = put("a", recording_of(opening()))
    names = {name: tmp_path / name for name in ("vcd", "perfetto", "html")}
    assert main(["export", trace, *(word for name, path in names.items() for word in (f"--{name}", str(path)))]) == 0
    heads = {name: path.read_text(encoding="utf-8")[:15] for name, path in names.items()}
    assert heads == {"vcd": "$version smartg", "perfetto": '{"traceEvents":', "html": "<!doctype html>"}


def test_export_of_nothing_or_to_nowhere_is_bad_input(
    put: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = put("a", recording_of(opening()))
    assert main(["export", trace]) == 2
    assert "nothing to write; name a file with one of --vcd, --perfetto, --html" in capsys.readouterr().err
    assert main(["export", trace, "--vcd", str(tmp_path / "none" / "x")]) == 2
    assert "cannot be written (No such file or directory); name another file with --vcd" in capsys.readouterr().err
