"""`gate hil run`: every target is told, the worst decides the exit code, and no mistake ends in a traceback."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hil import command
from hil.targets.host import HostDevice, HostTarget
from hil.targets.target import BlockedError, Device, Provision, StepResult, Target, TargetError

SHORT = """
[scenario]
name = "short"
duration_ms = 200
seed = 1

[[never]]
event = "{never}"
"""


class _Away(Target):
    name = "away"

    def lacks(self) -> Mapping[str, str]:
        return {}

    def start(self, provision: Provision, directory: Path) -> Device:
        raise BlockedError("there is no such board here")


class _Broken(Target):
    name = "broken"

    def lacks(self) -> Mapping[str, str]:
        return {}

    def start(self, provision: Provision, directory: Path) -> Device:
        raise TargetError("the VM ended")


class _OneInputLess(HostTarget):
    """Firmware that does not see its stop chain."""

    def start(self, provision: Provision, directory: Path) -> Device:
        return _Blind(provision, directory)


class _Blind(HostDevice):
    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        return super().step(now_us, [0, *inputs[1:]], qualities, received, field_received)


Gate = Callable[..., int]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Runs the short scenario with the words given; `never` is what must not happen in it."""
    for name, target in (("away", _Away), ("broken", _Broken)):
        monkeypatch.setitem(command.TARGETS, name, lambda options, target=target: target())

    def run(*targets: str, never: str = "field.hit", more: tuple[str, ...] = ()) -> int:
        path = tmp_path / "short.toml"
        path.write_text(SHORT.format(never=never), encoding="utf-8")
        return command.main(["run", str(path), *(word for name in targets for word in ("--target", name)), *more])

    return run


def test_a_target_named_twice_begins_anew_and_gives_an_equal_trace(
    gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("host", "host") == command.EXIT_PASSED
    assert "EQUAL: " in capsys.readouterr().out


@pytest.mark.parametrize("targets", [("host", "away"), ("away", "host")])
def test_a_target_that_cannot_be_had_blocks_and_the_other_is_told(
    gate: Gate, capsys: pytest.CaptureFixture[str], targets: tuple[str, str]
) -> None:
    assert gate(*targets) == command.EXIT_BLOCKED
    told = capsys.readouterr().out
    assert "BLOCKED short on away: there is no such board here" in told
    assert "PASSED short on host" in told


def test_a_failure_is_not_hidden_by_a_blocked_target(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", "away", never="barrier.in.STOP_CHAIN_OK = 1") == command.EXIT_FAILED
    assert "FAILED short on host" in capsys.readouterr().out


def test_firmware_that_breaks_down_has_failed_with_a_sentence(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("broken", "host") == command.EXIT_FAILED
    assert "FAILED short on broken: the VM ended" in capsys.readouterr().out


def test_traces_that_differ_fail_though_both_runs_passed(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.TARGETS, "other", lambda options: _OneInputLess())
    assert gate("host", "other") == command.EXIT_FAILED
    assert "DIVERGED at event" in capsys.readouterr().out


def test_the_trace_is_written_or_the_reason_is_told(
    gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("host", more=("--trace", str(tmp_path / "trace.txt"))) == command.EXIT_PASSED
    assert "barrier.in.STOP_CHAIN_OK 1" in (tmp_path / "trace.txt").read_text()
    assert gate("host", more=("--trace", str(tmp_path / "none" / "trace.txt"))) == command.EXIT_BAD_INPUT
    assert "the trace cannot be written" in capsys.readouterr().out


def test_a_wrong_scenario_is_bad_input(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", never="field.hits") == command.EXIT_BAD_INPUT
    assert "did you mean" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["host", "vm"])
def test_an_instrument_the_role_does_not_know_is_told_on_every_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    head = 'rig = "bench"\nrole = "charging_post"\nname = "x"\nduration_ms = 100\nseed = 1\n'
    (tmp_path / "x.toml").write_text(f'[scenario]\n{head}line_protocol = "telex"\n', encoding="utf-8")
    assert command.main(["run", str(tmp_path / "x.toml"), "--target", target]) == command.EXIT_FAILED
    assert "line_protocol is 'telex': expected one of power_module" in capsys.readouterr().out
