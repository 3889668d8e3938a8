"""A power cut or an error in a write to the flash of the MicroPython VM: the device is whole again, or says so."""

import importlib.util
from pathlib import Path

import pytest

from hil.faults.flash_error import FlashErrors
from hil.faults.life import Facts
from hil.faults.power_cut import Cut, Sweep
from hil.faults.vm_flash import ERASE, PROGRAM, Operation, apply, torn_ways

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("micropython_unix") is None, reason="BLOCKED: the MicroPython VM is not installed"
)
_ROLES = ("barrier", "charging_post", "rfid", "weighbridge")
_SOME = 13  # prime to the four ways in which a write is torn


@pytest.fixture(scope="module")
def weighbridge(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The life with most to lose: settings, alibi records over a full page, a calibration."""
    return Sweep("weighbridge", tmp_path_factory.mktemp("flash"))


def test_after_a_power_cut_in_a_write_the_device_is_whole(weighbridge: Sweep) -> None:
    cuts = list(weighbridge.cuts())
    assert {cut.operation.kind for cut in cuts} == {PROGRAM, ERASE}
    assert [str(cut) for cut in map(weighbridge.judge, cuts[::_SOME]) if cut.problems] == []


def test_after_a_second_cut_in_the_start_the_device_is_whole(weighbridge: Sweep) -> None:
    cut = list(weighbridge.cuts())[_SOME]
    assert weighbridge.judge_again(cut).problems == ()
    assert weighbridge._flash.log()  # a start writes


def test_a_device_that_lost_what_it_acknowledged_is_caught(weighbridge: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    last = weighbridge._moments[-1]
    monkeypatch.setattr(weighbridge, "_moment_of", lambda cut: last)
    problems = " ".join(weighbridge.judge(next(weighbridge.cuts())).problems)
    assert "limit_single_kg is 10000, acknowledged was 1250" in problems
    assert "0 weights are in the alibi memory, 10 were registered" in problems
    assert "is offered after" in problems


def test_a_flash_from_which_nothing_starts_is_caught(weighbridge: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighbridge, "_content_at", lambda cut: b"\xff" * len(weighbridge._first))
    (problem,) = weighbridge.judge(next(weighbridge.cuts())).problems
    assert "it does not start" in problem


def test_what_a_cut_leaves_of_a_write_is_its_beginning() -> None:
    content, operation = bytearray(8), Operation(PROGRAM, 2, b"abcd")
    assert torn_ways(operation) == (1, 2, 3, 4)
    apply(content, operation, 3)
    assert bytes(content) == b"\0\0abc\0\0\0"
    assert str(Cut(7, operation, 3, ("it is gone",))) == "cut in program 7 after 3 of 4 bytes: it is gone"


def test_an_error_of_the_flash_is_told_and_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = FlashErrors("rfid", tmp_path)
    assert errors.judge(4, True) == []
    assert errors.was_reached
    monkeypatch.setattr("hil.faults.flash_error._TOLD_BY", 0)
    monkeypatch.setattr("hil.faults.flash_error.Facts", _Forgetful)
    assert errors.judge(4, True) == ["the status does not say so"]


class _Forgetful(Facts):
    """Does not note what was refused."""

    refused = property(lambda self: [], lambda self, value: None)


@pytest.mark.long
@pytest.mark.parametrize("role", _ROLES)
def test_after_every_power_cut_the_device_is_whole(role: str, tmp_path: Path) -> None:
    sweep = Sweep(role, tmp_path)
    assert [str(cut) for cut in map(sweep.judge, sweep.cuts()) if cut.problems] == []
    assert [str(cut) for cut in map(sweep.judge_again, sweep.cuts()) if cut.problems] == []


@pytest.mark.long
@pytest.mark.parametrize("role", _ROLES)
def test_every_error_of_the_flash_is_told_and_costs_nothing(role: str, tmp_path: Path) -> None:
    assert [item for item in FlashErrors(role, tmp_path).sweep() if item[2]] == []
