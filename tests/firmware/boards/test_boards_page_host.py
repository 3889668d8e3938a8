"""docs/boards.md names the terminals and pins the firmware has."""

import re
from pathlib import Path

from firmware.boards import terminals
from firmware.boards.esp32 import wiring as esp32
from firmware.boards.rp2 import wiring as rp2

PAGE = (Path(__file__).parents[3] / "docs/boards.md").read_text(encoding="utf-8")
ROLES = sorted(terminals.INPUTS)


def table(heading: str) -> list[list[str]]:
    """Cells of the rows whose first cell is a number, below a heading."""
    section = PAGE.partition(f"\n### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\d+ \|.*) \|$", section, re.MULTILINE)
    return [[cell.strip(" `") for cell in row.split("|")] for row in rows]


def test_every_terminal_is_told() -> None:
    for heading, rows, first in (("Inputs", terminals.INPUTS, 1), ("Outputs", terminals.OUTPUTS, 3)):
        for column, role in enumerate(ROLES, first):
            told = [row[column] for row in table(heading) if row[column]]
            assert told == rows[role].split(), (heading, role)


def test_every_output_pin_is_told() -> None:
    told = [(row[1], row[2]) for row in table("Outputs")]
    assert told == [(f"GP{a}", f"IO{b}") for a, b in zip(rp2.OUTPUTS, esp32.OUTPUTS, strict=True)]


def test_every_pin_of_a_line_is_told() -> None:
    section = PAGE.partition("\n### Lines\n")[2]
    rows = re.findall(r"^\| (`.*?) \| (GP.*?) \| (IO.*?) \|", section, re.MULTILINE)
    assert len(rows) == 4
    for names, pico, esp in rows:
        signals = re.findall(r"`(\w+)`", names)
        assert pico.split(", ") == [f"GP{getattr(rp2, name)}" for name in signals]
        assert esp.split(", ") == [f"IO{getattr(esp32, name)}" for name in signals]
