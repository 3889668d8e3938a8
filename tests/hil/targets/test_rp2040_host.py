"""Target `rp2040`: a scenario step reaches the deployed program on the chip, and comes back with its instant."""

from dataclasses import replace
from pathlib import Path

import pytest

from hil.chip import emulator
from hil.chip.emulator import find_uf2
from hil.scenarios.vocabulary import input_names, names_of
from hil.targets.rp2040 import Rp2040Device, Rp2040Target
from hil.targets.target import UNDRIVEN, BlockedError, Options, Provision, StepResult, TargetError, UsageError
from protocols.quality import BAD, GOOD

HEALTHY = {
    "STOP_CHAIN_OK",
    "LIMIT_CLOSED",
    "LOOPS_OK",
    "CURTAIN_CLEAR",
    "EDGE_OK",
    "ARM_INTACT",
    "DRIVE_OK",
    "MAINS_OK",
}
BARRIER = Provision("barrier", 1001, 1, 115_200, bytes(32))
NAMES = input_names("barrier")
IDLE = [int(name in HEALTHY) for name in NAMES]
OUTPUTS = names_of("barrier", "digital_outputs")
ALL_GOOD = [GOOD] * len(NAMES)


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Rp2040Target:
    target = Rp2040Target(Options())
    try:
        emulator._load("littlefs")
        find_uf2(None)
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
    target.prepare(["barrier"], tmp_path_factory.mktemp("deploy"))
    return target


@pytest.fixture
def device(target: Rp2040Target, tmp_path: Path) -> Rp2040Device:
    device = target.start(BARRIER, tmp_path)
    assert isinstance(device, Rp2040Device)
    return device


def lit(result: StepResult) -> set[str]:
    return {name for name, value in zip(OUTPUTS, result.outputs, strict=True) if value}


def test_at_time_0_the_first_scan_has_driven_its_outputs(device: Rp2040Device) -> None:
    result = device.step(0, IDLE, ALL_GOOD, b"")
    assert "LIGHT_RED" in lit(result)
    assert result.changes == ()


def test_after_a_power_cut_nothing_is_driven_until_the_chip_has_started(device: Rp2040Device) -> None:
    device.step(0, IDLE, ALL_GOOD, b"")
    device.kill()
    assert device.step(1, IDLE, ALL_GOOD, b"").outputs == UNDRIVEN
    result = device.step(3_000_000, IDLE, ALL_GOOD, b"")
    assert "LIGHT_RED" in lit(result)
    (begun_us, _), *_ = result.changes
    assert 0 < begun_us < 1_000_000


def test_a_reset_leaves_the_outputs_undriven_from_that_instant(device: Rp2040Device) -> None:
    device.step(0, IDLE, ALL_GOOD, b"")
    device.step(5_000, IDLE, ALL_GOOD, b"")
    device.reset()
    result = device.step(5_001, IDLE, ALL_GOOD, b"")
    assert result.changes[0] == (5_000, UNDRIVEN)


def test_a_loop_that_hangs_goes_on_when_its_time_is_over(device: Rp2040Device) -> None:
    device.step(0, IDLE, ALL_GOOD, b"")
    assert device._card is not None
    scans = device._card.carrier.scans
    device.hang(500_000)
    device.step(100_000, IDLE, ALL_GOOD, b"")
    standing = len(scans)
    device.step(490_000, IDLE, ALL_GOOD, b"")
    assert len(scans) == standing
    device.step(600_000, IDLE, ALL_GOOD, b"")
    assert len(scans) > standing + 5


def test_two_devices_that_are_told_the_same_do_the_same_at_the_same_microsecond(
    target: Rp2040Target, tmp_path: Path
) -> None:
    local = [int(name in HEALTHY | {"LOCAL_MODE", "LOCAL_OPEN"}) for name in NAMES]
    told = [IDLE, local, local, IDLE]
    runs = []
    for name in ("one", "other"):
        device = target.start(BARRIER, tmp_path / name)
        device.step(0, IDLE, ALL_GOOD, b"")
        runs.append([device.step(100_000 * n, inputs, ALL_GOOD, b"") for n, inputs in enumerate(told, 1)])
    assert any(result.changes for result in runs[0])
    assert runs[0] == runs[1]


def test_a_program_that_ends_is_told_with_what_it_said(target: Rp2040Target, tmp_path: Path) -> None:
    device = target.start(BARRIER, tmp_path)
    assert isinstance(device, Rp2040Device)
    device.step(0, IDLE, ALL_GOOD, b"")
    assert device._card is not None
    device._card.carrier.chip.reset_by_watchdog()  # nobody hung it, nobody asked for it
    with pytest.raises(TargetError, match="reset by its watchdog although nothing hung it"):
        device.step(1_000, IDLE, ALL_GOOD, b"")


def test_one_bad_input_among_good_ones_is_refused(device: Rp2040Device) -> None:
    with pytest.raises(TargetError, match="lose all inputs at once"):
        device.step(0, IDLE, [BAD, *ALL_GOOD[1:]], b"")


def test_settings_of_the_commissioning_are_in_its_flash(target: Rp2040Target, tmp_path: Path) -> None:
    device = target.start(replace(BARRIER, parameters=(("scan_period_ms", 50),)), tmp_path)
    assert isinstance(device, Rp2040Device)
    device.step(0, IDLE, ALL_GOOD, b"")
    assert device._card is not None
    second, third = device._card.carrier.scans[-2:]
    assert 40_000 < third - second < 60_000  # 50 ms, and not the 10 ms of a new device


def test_an_image_named_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.uf2: cannot be read"):
        Rp2040Target(Options(uf2=tmp_path / "none.uf2")).start(BARRIER, tmp_path)
