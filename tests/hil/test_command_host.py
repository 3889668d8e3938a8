"""`gate hil run`: every target is told, the worst decides the exit code, and no mistake ends in a traceback."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hil import command
from hil.suite.result import EXIT_BAD_INPUT, EXIT_BLOCKED, EXIT_FAILED, EXIT_PASSED
from hil.targets.host import HostDevice, HostTarget
from hil.targets.table import TARGETS
from hil.targets.target import BlockedError, Device, Provision, SteppedTarget, StepResult, TargetError, UsageError
from hil.trace.recording import read_recording

SHORT = """
[scenario]
name = "short"
role = "lane"
seed = 1
steps = ["wait 200 ms"]
never = ["{never}"]
"""


class _Away(SteppedTarget):
    name = "away"

    def lacks(self) -> Mapping[str, str]:
        return {}

    def start(self, provision: Provision, directory: Path) -> Device:
        raise BlockedError("there is no such board here")


class _Broken(SteppedTarget):
    name = "broken"

    def lacks(self) -> Mapping[str, str]:
        return {}

    def start(self, provision: Provision, directory: Path) -> Device:
        raise TargetError("the VM ended")


class _Misnamed(HostTarget):
    def prepare(self, roles: Sequence[str], directory: Path) -> None:
        raise UsageError("x.uf2: no such image")


class _Uneven(HostTarget):
    def lacks(self) -> Mapping[str, str]:
        return {"same_twice": "no two runs of it are the same"}


class _Deadly(HostTarget):
    def start(self, provision: Provision, directory: Path) -> Device:
        os._exit(9)


class _Moody(HostTarget):
    """Firmware that does not see its stop chain when it is run again."""

    starts = 0

    def start(self, provision: Provision, directory: Path) -> Device:
        self.starts += 1
        blind = self.starts > 2  # a lane starts two devices
        return (_Blind if blind else HostDevice)(provision, directory)


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
        monkeypatch.setitem(TARGETS, name, lambda options, target=target: target())

    def run(*targets: str, never: str = "field.hit", more: tuple[str, ...] = ()) -> int:
        path = tmp_path / "short.toml"
        path.write_text(SHORT.format(never=never), encoding="utf-8")
        return command.main(["run", str(path), *(word for name in targets for word in ("--target", name)), *more])

    return run


def test_a_target_named_twice_begins_anew_and_gives_an_equal_trace(
    gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("host", "host") == EXIT_PASSED
    assert "EQUAL: " in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--trace", "--evidence"])
def test_a_target_named_twice_has_no_place_for_its_second_traces(
    gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert gate("host", "vm", "host", more=(option, str(tmp_path / "place"))) == EXIT_BAD_INPUT
    told = f"target host is named twice, and {option} keeps one trace of it; name it once, or leave {option} out\n"
    assert capsys.readouterr() == ("", told)
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize("targets", [("host", "away"), ("away", "host")])
def test_a_target_that_cannot_be_had_blocks_and_the_other_is_told(
    gate: Gate, capsys: pytest.CaptureFixture[str], targets: tuple[str, str]
) -> None:
    assert gate(*targets) == EXIT_BLOCKED
    told = capsys.readouterr().out
    assert "BLOCKED short on away: there is no such board here" in told
    assert "PASSED short on host" in told


def test_a_failure_is_not_hidden_by_a_blocked_target(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", "away", never="barrier.in.STOP_CHAIN_OK = on") == EXIT_FAILED
    assert "FAILED short on host" in capsys.readouterr().out


def test_firmware_that_breaks_down_has_failed_with_a_sentence(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("broken", "host") == EXIT_FAILED
    assert "FAILED short on broken: the VM ended" in capsys.readouterr().out


def test_traces_that_differ_fail_though_both_runs_passed(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "other", lambda options: _OneInputLess())
    assert gate("host", "other") == EXIT_FAILED
    assert "DIVERGED at" in capsys.readouterr().out


def test_the_trace_is_written_or_the_reason_is_told(
    gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("host", more=("--trace", str(tmp_path / "traces"))) == EXIT_PASSED
    recording = read_recording(tmp_path / "traces" / "short.host.jsonl")
    assert recording.trace.last("barrier.in.STOP_CHAIN_OK") == 1
    assert (recording.head.scenario, recording.head.target, recording.head.verdict) == ("short", "host", "PASSED")
    assert len(recording.head.scenario_sha256) == 64
    assert "firmware sources" in recording.head.versions
    assert "<!doctype html>" in (tmp_path / "traces" / "short.host.html").read_text(encoding="utf-8")
    (tmp_path / "file").touch()
    assert gate("host", more=("--trace", str(tmp_path / "file" / "traces"))) == EXIT_BAD_INPUT
    assert "cannot be written (Not a directory); name another place with --trace" in capsys.readouterr().err


def test_a_wrong_scenario_is_bad_input(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", never="field.hits") == EXIT_BAD_INPUT
    assert "did you mean" in capsys.readouterr().err


def test_two_scenarios_of_one_name_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("short", "short.toml"):
        (tmp_path / name).write_text(SHORT.format(never="field.hit"), encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("short", "short.toml")]
    assert command.main(["run", *paths, "--target", "host"]) == EXIT_BAD_INPUT
    sentence = f"{paths[0]}: two scenarios are called 'short'; name one of them\n"
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("charging_post", "line_protocol 'telex' does not fit charging_post; expected one of power_module"),
        ("barrier", "line_protocol 'telex' does not fit barrier"),
        ("", "role '' is unknown; expected one of barrier, "),
    ],
)
def test_a_role_and_an_instrument_that_nobody_knows_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, told: str
) -> None:
    text = '[scenario]\nname = "x"\nseed = 1\nsteps = ["wait 1 ms"]\nline_protocol = "telex"\n'
    (tmp_path / "x.toml").write_text(text + (f'role = "{role}"\n' if role else ""), encoding="utf-8")
    assert command.main(["run", str(tmp_path / "x.toml"), "--target", "host"]) == EXIT_BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"{tmp_path / 'x.toml'}: {told}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("truck_pases",), "no scenario 'truck_pases'; did you mean truck_passes?"),
        (("moon",), "no scenario 'moon'; `gate hil list` prints those of the collection"),
        (("truck_passes", "--target", "moon"), "no target 'moon'; expected one of board, host, "),
        (("truck_passes", "--jobs", "0"), "--jobs is 0; 1 or more is needed"),
        (("truck_passes", "--jobs", "many"), "argument --jobs: invalid int value: 'many'"),
        (("truck_passes", "--seed", "-1"), "--seed is -1; a whole number from 0 to "),
        (("none.toml",), "none.toml: cannot be read (No such file or directory); name a scenario file or one of"),
        (("--fast",), "unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_word_is_one_sentence(capsys: pytest.CaptureFixture[str], words: Sequence[str], told: str) -> None:
    assert command.main(["run", *words]) == EXIT_BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def test_what_the_user_named_wrong_ends_the_run_with_its_sentence(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "misnamed", lambda options: _Misnamed())
    assert gate("misnamed", "host") == EXIT_BAD_INPUT
    assert capsys.readouterr() == ("", "x.uf2: no such image\n")


def test_an_image_that_is_not_there_or_none_that_is_known_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "barrier_opens_and_closes", "--target", "rp2040", "--uf2"]
    (tmp_path / "other.uf2").write_bytes(b"UF2\n")
    for name, told in (
        ("none.uf2", "cannot be read (No such file or directory)"),
        ("other.uf2", "is no image this was"),
    ):
        assert command.main([*words, str(tmp_path / name)]) == EXIT_BAD_INPUT
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert f"{tmp_path / name}: " in err
        assert told in err


def test_json_is_one_object_with_counts_digest_and_both_clocks(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", more=("--json",)) == EXIT_PASSED
    told = json.loads(capsys.readouterr().out)
    assert (told["target"], told["scenarios"], told["passed"], told["failed"], told["blocked"]) == ("host", 1, 1, 0, 0)
    assert len(told["digest"]) == 64
    assert told["simulated_s"] >= 0.2
    assert told["wall_s"] > 0
    assert told["ratio"] > 0
    assert told["results"][0]["ratio"] > 0
    assert told["results"][0]["verdict"] == "PASSED"


def test_json_of_several_targets_tells_how_they_compare(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("host", "away", "host", more=("--json",)) == EXIT_BLOCKED
    told = json.loads(capsys.readouterr().out)
    assert [each["target"] for each in told["targets"]] == ["host", "away", "host"]
    assert told["targets"][1]["results"][0]["reasons"] == ["there is no such board here"]
    assert [each["right"] for each in told["comparisons"]] == ["host"]
    assert told["targets"][0]["digest"] == told["targets"][2]["digest"]


def test_a_seed_from_outside_takes_the_place_of_the_scenarios_own(
    gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("host", more=("--json", "--seed", "5")) == EXIT_PASSED
    assert json.loads(capsys.readouterr().out)["results"][0]["seed"] == 5


def test_firmware_that_is_not_the_same_twice_fails_and_the_difference_is_told(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "moody", lambda options: _Moody())
    assert gate("moody") == EXIT_PASSED
    assert gate("moody", more=("--twice",)) == EXIT_FAILED
    assert "run again with the same seed: DIVERGED at" in capsys.readouterr().out
    assert gate("host", more=("--twice",)) == EXIT_PASSED


def test_twice_is_blocked_where_no_two_runs_are_the_same(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "uneven", lambda options: _Uneven())
    assert gate("uneven") == EXIT_PASSED
    assert gate("uneven", more=("--twice",)) == EXIT_BLOCKED
    assert "needs same_twice, but no two runs of it are the same" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        (
            ("--rig", "/dev/none", "--dut", "/dev/none"),
            "/dev/none: there is no such port; plug the adapter in, or name",
        ),
        (("--rig", "/dev/none"), "target board takes two ports: name the rig board's with --rig, the device's with"),
    ],
)
def test_boards_that_are_not_there_are_one_sentence(
    ports: Sequence[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["run", "barrier_opens_and_closes", "--target", "board", *ports]) == EXIT_BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def test_side_by_side_or_one_by_one_the_results_come_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["barrier_stop_chain_opens_while_moving", "barrier_clock_goes_back", "barrier_hangs_and_restarts"]
    told = []
    for jobs in ("1", "2"):
        assert command.main(["run", *names, "--target", "host", "--jobs", jobs, "--json"]) == EXIT_PASSED
        report = json.loads(capsys.readouterr().out)
        assert [each["scenario"] for each in report["results"]] == names
        told.append(report["digest"])
    assert told[0] == told[1]


def test_no_more_processes_begin_than_there_are_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    class Counted(multiprocessing.context.ForkProcess):
        def start(self) -> None:
            begun.append(self)
            super().start()

    monkeypatch.setattr(multiprocessing.context.ForkContext, "Process", Counted)
    names = ["barrier_clock_goes_back", "barrier_hangs_and_restarts"]
    assert command.main(["run", *names, "--target", "host", "--jobs", "60"]) == EXIT_PASSED
    assert len(begun) == 2


def test_a_child_that_dies_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(TARGETS, "deadly", lambda options: _Deadly())
    names = ["barrier_clock_goes_back", "barrier_hangs_and_restarts"]
    assert command.main(["run", *names, "--target", "deadly", "--jobs", "2"]) == EXIT_FAILED
    assert "a process that ran scenarios was killed" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command_line = [sys.executable, "-m", "hil.cli", "hil", "list"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        command_line, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=buffered
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (EXIT_FAILED, "")


@pytest.mark.parametrize("words", [("list",), ("run", "barrier_clock_goes_back", "--target", "host", "--json")])
def test_output_that_cannot_be_written_is_one_sentence(words: Sequence[str]) -> None:
    gate = [sys.executable, "-m", "hil.cli", "hil", *words]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for env in (buffered, {**buffered, "PYTHONUNBUFFERED": "1"}):
        with open("/dev/full", "w") as full:
            done = subprocess.run(gate, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env)
        assert (done.returncode, done.stderr) == (EXIT_FAILED, "gate: No space left on device\n")


def test_who_closed_the_output_gets_the_exit_code_alone() -> None:
    gate = f"exec {sys.executable} -m hil.cli hil run barrier_clock_goes_back --target host >&-"
    done = subprocess.run(["sh", "-c", gate], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (EXIT_PASSED, "")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_ends_at_once_and_without_a_traceback(jobs: str) -> None:
    run = [sys.executable, "-u", "-m", "hil.cli", "hil", "run", "--target", "host", "--jobs", jobs]
    with subprocess.Popen(
        ["env", "--default-signal=INT", *run],  # who runs the tests behind a shell's & ignores it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("PASSED")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
