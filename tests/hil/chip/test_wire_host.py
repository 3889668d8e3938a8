"""What a UART's FIFO makes of characters on a wire: an interrupt at its level, or when the line pauses."""

from pathlib import Path

import pytest

from hil.chip.emulator import Chip, build_image
from hil.chip.wire import Wire

_START_US = 1_000_000
_CHARACTER_US = 96  # 11 bits at 115,200 baud are 95.5
_PAUSE_US = 278  # 32 bits


@pytest.fixture
def taken(uf2: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Wire, Chip, list[tuple[int, int]]]:
    """A wire to a chip whose program has opened the UART, and (microseconds, byte) of what the UART was given."""
    chip = Chip(uf2, build_image({"main.py": b"import machine\nuart = machine.UART(0, 115200)\n"}))
    chip.advance(_START_US)
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(chip, "feed_uart", lambda number, byte: given.append((chip.now_us - _START_US, byte)))
    return Wire(chip, 0, 11, 115_200), chip, given


def test_four_characters_interrupt_and_the_last_ones_once_the_line_pauses(
    taken: tuple[Wire, Chip, list[tuple[int, int]]],
) -> None:
    wire, chip, given = taken
    wire.put(bytes(range(10)))
    assert (wire.character_us, wire.is_busy) == (_CHARACTER_US, True)
    chip.advance(5_000)
    ends_us = [4 * _CHARACTER_US] * 4 + [8 * _CHARACTER_US] * 4 + [10 * _CHARACTER_US + _PAUSE_US] * 2
    assert given == list(zip(ends_us, range(10), strict=True))
    assert not wire.is_busy


def test_characters_that_follow_within_the_pause_fill_the_fifo_on(
    taken: tuple[Wire, Chip, list[tuple[int, int]]],
) -> None:
    wire, chip, given = taken
    for byte in range(5):
        wire.put(bytes([byte]), 0)
        chip.advance(200)
    assert given == [(600, 0), (600, 1), (600, 2), (600, 3)]
    chip.advance(_PAUSE_US - 200)
    assert given[4:] == [(800 + _PAUSE_US, 4)]


def test_without_a_fifo_each_character_interrupts(uf2: Path) -> None:
    chip = Chip(uf2, build_image({}))
    assert [chip.uart_level(number) for number in (0, 1)] == [1, 1]
