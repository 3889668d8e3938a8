"""An evidence bundle tells all that a run depended on and repeats it; a damaged one is told in one sentence."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.command import main
from hil.evidence.manifest import NAME
from hil.suite.result import EXIT_BAD_INPUT, EXIT_BLOCKED, EXIT_FAILED, EXIT_PASSED
from hil.targets.host import HostDevice, HostTarget
from hil.targets.table import TARGETS
from hil.targets.target import BlockedError, Device, Provision, StepResult

TRACE = "traces/short.host.jsonl"
CLOCKS = re.compile(r", \d+\.\d s simulated in \d+\.\d s \([\d.]+x\)$")
SCENARIO = """
[scenario]
name = "short"
role = "barrier"
plant = "boom"
seed = 4
steps = [
  "set STOP_CHAIN_OK on",
  "set LOOPS_OK on",
  "set DRIVE_OK on",
  "measure opening: from out.MOTOR_OPEN = on to in.LIMIT_OPEN = on at most 5 s",
  "wait 500 ms",
  "command OPEN",
  "expect in.LIMIT_OPEN = on within 5 s",
]
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture
def bundle(source: Path, tmp_path: Path) -> Path:
    return _make(source, tmp_path / "bundle", "host")


def _make(source: Path, where: Path, *targets: str) -> Path:
    words = [word for name in targets for word in ("--target", name)]
    assert main(["run", str(source), *words, "--evidence", str(where)]) == EXIT_PASSED
    return where


def test_a_bundle_holds_scenario_seed_hashes_versions_traces_and_reports(source: Path, tmp_path: Path) -> None:
    folder = _make(source, tmp_path / "bundle", "host", "vm")
    told = json.loads((folder / NAME).read_text(encoding="utf-8"))
    assert (folder / "scenarios/short/short.toml").read_text(encoding="utf-8") == SCENARIO
    assert [(run["target"], run["seed"], run["verdict"]) for run in told["runs"]] == [
        ("host", 4, "PASSED"),
        ("vm", 4, "PASSED"),
    ]
    assert told["runs"][0]["logical"] == told["runs"][1]["logical"]
    assert told["identity"]["vm"].keys() >= {"firmware barrier", ".mpy form", "mpy-cross", "MicroPython VM"}
    assert len(told["identity"]["host"]["firmware sources"]) == 64
    assert told["made_with"].keys() == {"version", "python", "commit"}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert present == {NAME, *told["files"]}
    assert {"junit.xml", "report.html", "report.json"} <= present
    assert all(run["trace"] in present for run in told["runs"])
    links = re.findall(r'href="([^"#]+)"', (folder / "report.html").read_text(encoding="utf-8"))
    assert {Path(name).suffix for name in links} == {".html", ".jsonl", ".vcd"}
    assert present >= set(links)


def test_the_junit_file_of_a_bundle_carries_the_measurement(bundle: Path) -> None:
    (case,) = ElementTree.parse(bundle / "junit.xml").iter("testcase")
    found = {item.get("name"): item.get("value") for item in case.iter("property")}
    assert found["opening: unit"] == "ms"
    assert float(found["opening: value"] or 0) > 1000
    assert found["opening: high"] == "5000"
    assert "opening: low" not in found
    assert float(found["simulated_s"] or 0) > 1
    assert float(found["ratio"] or 0) > 0
    assert found["wall_s"] == case.get("time")


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_a_bundle_repeats_bit_for_bit(
    source: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = _make(source, tmp_path / name, "host", "vm")
    source.unlink()
    capsys.readouterr()
    assert main(["replay", str(where)]) == EXIT_PASSED
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == ["REPEATED short on host", "REPEATED short on vm"]
    assert all(CLOCKS.search(line) for line in told), told


def test_a_bundle_holds_the_python_beside_a_scenario_and_repeats_it_with_another_seed(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = 'def rest(rng):\n    yield f"wait {rng.randrange(9, 99)} ms"\n\n\ndef judge(history):\n    return []\n'
    (tmp_path / "more.py").write_text(code, encoding="utf-8")
    text = SCENARIO.replace('  "command OPEN"', '  "hook",\n  "command OPEN"')
    source.write_text(f'{text}hook = "more:rest"\ncheck = "more:judge"\n', encoding="utf-8")
    where = tmp_path / "bundle"
    assert main(["run", str(source), "--target", "host", "--seed", "77", "--evidence", str(where)]) == EXIT_PASSED
    assert (where / "scenarios/short/more.py").read_text(encoding="utf-8") == code
    (tmp_path / "more.py").unlink()
    assert main(["replay", str(where)]) == EXIT_PASSED, capsys.readouterr().out


def _edit(bundle: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    told = json.loads((bundle / NAME).read_text(encoding="utf-8"))
    change(told)
    (bundle / NAME).write_text(json.dumps(told), encoding="utf-8")


def test_other_firmware_with_the_same_trace_is_told_and_no_failure(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(bundle, lambda told: told["identity"]["host"].update({"firmware sources": "0" * 64}))
    capsys.readouterr()
    assert main(["replay", str(bundle)]) == EXIT_PASSED
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("firmware sources of host is ")
    assert told[0].endswith(", and was 000000000000 in the bundle")
    assert told[1].startswith("REPEATED short on host")


class _Late(HostDevice):
    """Firmware that drives nothing in the first second."""

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        result = super().step(now_us, inputs, qualities, received, field_received)
        return replace(result, outputs=(0,) * len(result.outputs)) if now_us < 1_000_000 else result


class _LateTarget(HostTarget):
    def start(self, provision: Provision, directory: Path) -> Device:
        return _Late(provision, directory)


def test_a_trace_that_differs_fails_where_it_does_and_what_else_differs_is_named(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(bundle, lambda told: told["made_with"].update(version="0.0.1"))
    monkeypatch.setitem(TARGETS, "host", lambda options: _LateTarget())
    capsys.readouterr()
    assert main(["replay", str(bundle)]) == EXIT_FAILED
    told = capsys.readouterr().out
    assert "DIFFERS short on host: " in told
    assert "DIVERGED at " in told
    assert "version of smartgate is 0.1.0, and was 0.0.1 in the bundle" in told


class _UnevenTarget(_LateTarget):
    """Its scans come later each time."""

    def lacks(self) -> Mapping[str, str]:
        return {"same_twice": "times vary"}

    def start(self, provision: Provision, directory: Path) -> Device:
        return HostDevice(replace(provision, parameters=(("scan_period_ms", 11),)), directory)


def test_a_target_whose_times_vary_repeats_what_was_decided(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "host", lambda options: _UnevenTarget())
    capsys.readouterr()
    assert main(["replay", str(bundle)]) == EXIT_PASSED
    assert "PASSED as before, what was decided is the same, times vary on this target (" in capsys.readouterr().out


def test_a_target_that_cannot_be_had_here_blocks_the_replay(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Away(HostTarget):
        def prepare(self, roles: object, directory: object) -> None:
            raise BlockedError("there is none here")

    monkeypatch.setitem(TARGETS, "host", lambda options: Away())
    assert main(["replay", str(bundle)]) == EXIT_BLOCKED
    assert "BLOCKED short on host: there is none here" in capsys.readouterr().out


def _damage(bundle: Path) -> None:
    with (bundle / "scenarios/short/short.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")


def _lose(bundle: Path) -> None:
    next((bundle / "traces").iterdir()).unlink()


def _empty(bundle: Path) -> None:
    (bundle / NAME).unlink()


def _garble(bundle: Path) -> None:
    (bundle / NAME).write_bytes(b"\x00\xff{")


def _foreign(bundle: Path) -> None:
    (bundle / NAME).write_text('{"format": "something else"}', encoding="utf-8")


def _list(bundle: Path) -> None:
    (bundle / NAME).write_text("[]", encoding="utf-8")


def _without_a_part(bundle: Path) -> None:
    _edit(bundle, lambda told: told.pop("runs"))


def _seed_of_words(bundle: Path) -> None:
    _edit(bundle, lambda told: told["runs"][0].update(seed="four"))


def _unhashed(bundle: Path) -> None:
    _edit(bundle, lambda told: told["files"].pop("scenarios/short/short.toml"))


def _outside(bundle: Path) -> None:
    _edit(bundle, lambda told: told["files"].update({"../short.toml": "0"}))


def _target_of_nobody(bundle: Path) -> None:
    text = (bundle / NAME).read_text(encoding="utf-8")
    (bundle / NAME).write_text(text.replace('"host"', '"moon"'), encoding="utf-8")
    _rewrite(bundle, TRACE, '"host"', '"moon"')


def _target_of_no_run(bundle: Path) -> None:
    _edit(bundle, lambda told: told["identity"].update(vm={}))


def _run_of_another_target(bundle: Path) -> None:
    _edit(bundle, lambda told: told["runs"][0].update(target="vm"))


def _no_run(bundle: Path) -> None:
    _edit(bundle, lambda told: told.update(runs=[], identity={}))


def _no_identity(bundle: Path) -> None:
    _edit(bundle, lambda told: told.update(identity={}))


def _nested(bundle: Path) -> None:
    (bundle / NAME).write_text("[" * 100_000, encoding="utf-8")


def _name_of_no_file(bundle: Path) -> None:
    _edit(bundle, lambda told: told["files"].update({"x\0y": "0"}))


def _nameless(bundle: Path) -> None:
    _edit(bundle, lambda told: told["runs"][0].update(file=""))


def _lost_trace(bundle: Path) -> None:
    _edit(bundle, lambda told: told["runs"][0].update(trace=""))


def _rewrite(bundle: Path, name: str, old: str, new: str) -> None:
    """Change a file, and its hash along with it."""
    text = (bundle / name).read_text(encoding="utf-8")
    assert old in text
    data = text.replace(old, new).encode()
    (bundle / name).write_bytes(data)
    _edit(bundle, lambda told: told["files"].update({name: hashlib.sha256(data).hexdigest()}))


def _other_trace(bundle: Path) -> None:
    _rewrite(bundle, TRACE, '"in.LIMIT_OPEN", 1,', '"in.LIMIT_OPEN", 2,')


def _other_verdict(bundle: Path) -> None:
    _edit(bundle, lambda told: told["runs"][0].update(verdict="FAILED"))


def test_a_verdict_that_differs_though_the_trace_is_the_same_is_one_line(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _other_verdict(bundle)
    _rewrite(bundle, TRACE, '"verdict": "PASSED"', '"verdict": "FAILED"')
    capsys.readouterr()
    assert main(["replay", str(bundle)]) == EXIT_FAILED
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("DIFFERS short on host: PASSED, was FAILED, the trace is the same bit for bit (")
    assert CLOCKS.search(line)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (_damage, "scenarios/short/short.toml is damaged (SHA-256 "),
        (_lose, "cannot be read (No such file or directory); take a copy of the bundle"),
        (_empty, "bundle.json cannot be read (No such file or directory)"),
        (_garble, "bundle.json is no JSON ("),
        (_foreign, "bundle.json has the format 'something else', not 'smartgate hil evidence 1'"),
        (_list, "bundle.json has the format None"),
        (_without_a_part, "bundle.json lacks a part ('runs')"),
        (_seed_of_words, "bundle.json lacks a part ('four' is no int)"),
        (_unhashed, "names no hash of 'scenarios/short/short.toml'"),
        (_outside, "holds the file '../short.toml', which lies outside of it"),
        (_target_of_nobody, "no target 'moon'"),
        (_target_of_no_run, "bundle.json has runs of host and 'identity' of host, vm; take a copy"),
        (_run_of_another_target, "bundle.json has runs of vm and 'identity' of host; take a copy"),
        (_no_run, "bundle.json has runs of no target and 'identity' of no target; take a copy"),
        (_no_identity, "bundle.json has runs of host and 'identity' of no target; take a copy"),
        (_nested, "bundle.json is no JSON (maximum recursion depth exceeded"),
        (_name_of_no_file, "'x\\x00y' cannot be read (embedded null byte); take a copy"),
        (_nameless, "bundle.json names no hash of ''"),
        (_lost_trace, "bundle.json names no hash of ''"),
        (_other_trace, "traces/short.host.jsonl does not belong to short on host of bundle.json; take a copy"),
        (_other_verdict, "traces/short.host.jsonl does not belong to short on host of bundle.json; take a copy"),
    ],
)
def test_a_damaged_or_foreign_bundle_is_one_sentence(
    bundle: Path, break_it: Callable[[Path], None], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it(bundle)
    capsys.readouterr()
    assert main(["replay", str(bundle)]) == EXIT_BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def test_what_is_no_bundle_at_all_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        archive.writestr("../slip.txt", "x")
    with zipfile.ZipFile(tmp_path / "torn.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", "x")
    torn = (tmp_path / "torn.zip").read_bytes()
    (tmp_path / "torn.zip").write_bytes(torn[:31] + b"\xff" + torn[32:])  # behind the head and the name
    for name, told in (
        ("text.zip", "is no bundle (File is not a zip file)"),
        ("none", "cannot be read (No such file or directory)"),
        ("torn.zip", "is no bundle (Error -3 while decompressing data: invalid block type)"),
        ("slip.zip", "holds the file '../slip.txt', which lies outside of it"),
    ):
        assert main(["replay", str(tmp_path / name)]) == EXIT_BAD_INPUT
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert told in err
    assert not (tmp_path.parent / "slip.txt").exists()


def test_a_place_that_is_taken_or_cannot_be_written_is_told_before_anything_runs(
    bundle: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    capsys.readouterr()
    for where, told in (
        (bundle, "is there already; name a new directory or .zip file"),
        (tmp_path / "file", "is there already"),
        (tmp_path / "file" / "below", "cannot be written (Not a directory)"),
        (tmp_path / "file" / "below.zip", "cannot be written ("),
    ):
        assert main(["run", str(source), "--target", "host", "--evidence", str(where)]) == EXIT_BAD_INPUT
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert told in err
