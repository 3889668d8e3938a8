"""`gate hil faults`: the catalogue in print, sweeps with their exit codes, bad input in a sentence."""

from pathlib import Path

import pytest

from hil.command import main
from hil.faults import command
from hil.faults.nth_call import Outcome
from hil.faults.ports import REFUSED, Trigger
from hil.targets.target import BlockedError


def test_the_catalogue_names_every_fault_with_its_forms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "list"]) == 0
    told = capsys.readouterr().out
    assert "barrier with plant boom" in told
    assert "fault curtain test_ignored | blinded | dazzled" in told
    assert "fault plate_heat -100 to 200 °C" in told
    assert "fault weighbridge_node hang | reset | power_cut | brown_out" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["calls", "--role", "gate"], "--role gate: no such role; take one of barrier, "),
        (["calls", "--every", "0"], "--every 0: no such step; take 1 for every call, or more"),
        (["calls", "--every", "5", "--first", "6"], "--first 6: no such call or step; take 1 to 5, which is --every"),
        (["everything"], "invalid choice: 'everything'"),
    ],
)
def test_bad_input_is_told(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_broken_promise_fails_the_sweep_and_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "count_calls", lambda role: {"store.write": 1})
    monkeypatch.setattr(command, "cases", lambda role, counts, every, first: [Trigger("store.write", 1, REFUSED)])
    monkeypatch.setattr(command, "run_case", lambda role, trigger: Outcome(role, trigger, ("it is lost",)))
    assert main(["faults", "calls", "--role", "rfid"]) == 1
    assert capsys.readouterr().out == (
        "rfid: 1 lives with a failing call (store.write 1 in one), 1 broke a promise\n"
        "    rfid: call 1 of store.write refused once: it is lost\n"
    )


def test_a_target_that_cannot_be_had_blocks_the_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def block(role: str, directory: Path) -> None:
        raise BlockedError("the MicroPython VM is not installed")

    monkeypatch.setattr(command, "Sweep", block)
    assert main(["faults", "cuts", "--role", "rfid"]) == 3
    assert capsys.readouterr().out == "BLOCKED: the MicroPython VM is not installed\n"
