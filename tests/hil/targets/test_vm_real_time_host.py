"""Target `vm-real-time`: a device that lives by its own clock, behind a pty; how long anything takes is not judged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.scenarios.model import Scenario
from hil.scenarios.vocabulary import input_names, safe_outputs
from hil.suite.job import Job, run_job
from hil.suite.result import BLOCKED, PASSED
from hil.targets.target import UNDRIVEN, BlockedError, Provision, TargetError
from hil.targets.vm_real_time import LATE_US, STEP_US, RealTimeVmDevice, RealTimeVmTarget
from sim_devices.devices.vm_live import LiveVm

_ROLE = "barrier"
_QUIET = [0] * len(input_names(_ROLE))
_WAITS_US = 10_000_000  # until this scenario time what is awaited has come
_HEAD = f"""[scenario]
name = "short"
role = "{_ROLE}"
seed = 1
"""


def _scenario(tmp_path: Path, *steps: str) -> Scenario:
    path = tmp_path / "short.toml"
    path.write_text(f"{_HEAD}steps = {list(steps)}\n", encoding="utf-8")
    return load_scenario(path)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> RealTimeVmTarget:
    target = RealTimeVmTarget()
    target.prepare([_ROLE], tmp_path_factory.mktemp("deploy"))
    return target


@contextmanager
def _device(target: RealTimeVmTarget, folder: Path) -> Iterator[RealTimeVmDevice]:
    """A device, released at the end; a machine that is too busy shows nothing."""
    device = target.start(Provision(_ROLE, 1001, 1, 115_200, bytes(32)), folder)
    assert isinstance(device, RealTimeVmDevice)
    try:
        yield device
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
    finally:
        device.close()


def test_a_scenario_passes_in_real_time_with_commands_and_events_over_the_pty(
    target: RealTimeVmTarget, tmp_path: Path
) -> None:
    scenario = _scenario(
        tmp_path,
        "set STOP_CHAIN_OK, DRIVE_OK, MAINS_OK, CURTAIN_CLEAR, EDGE_OK, LOOPS_OK, ARM_INTACT, LIMIT_CLOSED on",
        "wait 500 ms",
        "command OPEN",
        "wait until out.MOTOR_OPEN = on within 5 s",
        "set STOP_CHAIN_OK off",
        "expect out.MOTOR_OPEN = off within 5 s",
        "expect state = ESTOP within 5 s",
    )
    result = run_job(Job(scenario, target, tmp_path / "run"))
    if result.word == BLOCKED:
        pytest.skip(f"BLOCKED: {'; '.join(result.reasons)}")
    assert (result.word, result.reasons) == (PASSED, ())
    assert result.trace is not None
    assert 1.0 < result.simulated_s <= result.wall_s


def test_a_machine_too_busy_to_keep_up_blocks_the_run(target: RealTimeVmTarget, tmp_path: Path) -> None:
    with _device(target, tmp_path) as device:
        device.step(LATE_US + STEP_US, _QUIET, _QUIET, b"")
        with pytest.raises(BlockedError, match=r"this machine is too busy for real time: the rig came \d+ ms late"):
            device.pass_time(0)


def test_a_device_that_stands_still_is_not_fed_and_its_card_drives_what_is_safe(
    target: RealTimeVmTarget, tmp_path: Path
) -> None:
    with _device(target, tmp_path) as device:
        fed_us = _live_until(device, 0, fed=True)
        device.hang(_WAITS_US)
        end_us = fed_us + 500_000
        for at_us in range(fed_us + STEP_US, end_us, STEP_US):
            device.pass_time(at_us)
            result = device.step(at_us, _QUIET, _QUIET, b"")
        assert (result.outputs, result.fed) == (safe_outputs(_ROLE), False)
        device.reset()
        assert device.step(end_us, _QUIET, _QUIET, b"").outputs == UNDRIVEN
        _live_until(device, end_us, fed=True)


def _live_until(device: RealTimeVmDevice, from_us: int, *, fed: bool) -> int:
    """Step it until it says its outputs and whether it feeds; the instant."""
    for at_us in range(from_us, from_us + _WAITS_US, STEP_US):
        device.pass_time(at_us)
        result = device.step(at_us, _QUIET, _QUIET, b"")
        if result.outputs != UNDRIVEN and result.fed == fed:
            return at_us
    raise AssertionError("it never did")


def test_a_program_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    device = RealTimeVmDevice(LiveVm(tmp_path / "empty", tmp_path / "flash", {"role": _ROLE}), _ROLE)
    with pytest.raises(TargetError, match="no module named 'main'"):
        device.step(0, _QUIET, _QUIET, b"")
    device.close()
