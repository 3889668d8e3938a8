"""The barrier's page shows the tables the core works with."""

from pathlib import Path

from firmware.control import barrier_commands, barrier_inputs
from protocols.registers import barrier as reg
from protocols.registers import barrier_tags

PAGE = (Path(__file__).parents[3] / "docs/roles/barrier.md").read_text(encoding="utf-8")


def symbols_of(point: str) -> tuple[tuple[str, int], ...]:
    return next(tag.symbols for tag in barrier_tags.TAGS if tag.name == point)


def test_command_table_of_the_page_is_the_table_of_the_core() -> None:
    states = symbols_of("state")
    rows = (
        barrier_commands._STOP_ROW,
        barrier_commands._row_of(reg.OP_OPEN),
        barrier_commands._row_of(reg.OP_CLOSE),
        barrier_commands._LOCAL_OPEN_ROW,
        barrier_commands._LOCAL_CLOSE_ROW,
    )
    assert {len(row) for row in rows} == {len(states)}
    for name, value in states:
        cells = " | ".join(f"`{chr(row[value])}`" for row in rows)
        assert f"| {name} | {cells} |\n" in PAGE


def test_dangerous_values_of_the_page_are_those_of_the_core() -> None:
    written: dict[str, int] = {}
    for line in PAGE.split("| input | read as, when bad |")[1].split("\n\n")[0].splitlines()[2:]:
        names, meaning = line.strip("| ").split(" | ")
        written |= dict.fromkeys(names.split(", "), int(meaning[0]))
    assert written == {name: barrier_inputs._DANGEROUS[value] for name, value in symbols_of("digital_inputs")}
