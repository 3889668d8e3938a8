"""The emulator's self-test: this emulator passes, one that differs in anything is refused with what differs."""

from pathlib import Path

import pytest

from hil.chip.emulator import find_uf2
from hil.chip.selftest import EXPECTED, check_emulator, measure, refuse_changes
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


def test_a_process_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def look(uf2: Path) -> dict[str, object]:
        looks.append(uf2)
        return EXPECTED

    monkeypatch.setattr("hil.chip.selftest.measure", look)
    check_emulator(Path("once.uf2"))
    check_emulator(Path("once.uf2"))
    assert looks == [Path("once.uf2")]
