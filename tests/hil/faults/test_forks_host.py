"""A power cut or a reset in the middle of a life on the emulated RP2040: the device comes back, whole, and at rest."""

from pathlib import Path

import pytest

from hil.chip import emulator
from hil.chip.emulator import find_uf2
from hil.faults.forks import CUT, RESET, TORN, ForkSweep, tear
from hil.targets.target import BlockedError, Options

_ROLES = ("barrier", "charging_post", "rfid", "weighbridge")
_BLOCK = 4096
_NEVER = 1 << 30


@pytest.fixture(scope="session")
def options() -> Options:
    try:
        emulator._load("rp2040py.rp2040")
        emulator._load("littlefs")
        return Options(uf2=find_uf2(None))
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")


def test_a_write_is_torn_within_what_it_changed() -> None:
    before = bytes(2 * _BLOCK)
    after = before[:_BLOCK] + b"\x01" * 8 + before[_BLOCK + 8 :]
    assert [torn[_BLOCK : _BLOCK + 9] for torn in tear(before, after)] == [
        b"\x01" + bytes(8),
        b"\x01" * 4 + bytes(5),
        b"\x01" * 7 + bytes(2),
    ]
    assert tear(before, b"\x01" * (2 * _BLOCK)) == []  # in which order two blocks were written is not known


def test_the_first_write_of_a_life_may_be_cut_or_end_in_a_reset(options: Options, tmp_path: Path) -> None:
    sweep = ForkSweep("rfid", tmp_path, options, every=_NEVER, first=_NEVER, most=2)
    sweep.run()
    assert {branch.kind for branch in sweep.branches} == {CUT, RESET}
    assert [str(branch) for branch in sweep.branches if branch.problems] == []


def test_a_device_that_lost_what_it_acknowledged_is_caught(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = ForkSweep("rfid", tmp_path, options, every=_NEVER, first=_NEVER, most=1)
    sweep._facts.settings["beep_ms"] = 777
    monkeypatch.setattr(sweep, "_program", {"main.py": b"another"})
    sweep.run()
    assert sweep.branches[0].problems == (
        "beep_ms is 100, acknowledged was 777",
        "the files of the program are not what was deployed",
    )


@pytest.mark.long
@pytest.mark.parametrize("role", _ROLES)
def test_a_life_may_be_cut_or_reset_at_every_write_and_in_between(options: Options, tmp_path: Path, role: str) -> None:
    sweep = ForkSweep(role, tmp_path, options, every=300)
    sweep.run()
    assert {branch.kind for branch in sweep.branches} == {CUT, RESET, TORN}
    assert [str(branch) for branch in sweep.branches if branch.problems] == []
