"""The charging post's page shows the tables the core works with."""

from pathlib import Path

from firmware.control import charging_post_commands, charging_post_inputs
from protocols.registers import charging_post_tags

PAGE = (Path(__file__).parents[3] / "docs/roles/charging_post.md").read_text(encoding="utf-8")
ROWS = (charging_post_commands._START_ROW, charging_post_commands._STOP_ROW, charging_post_commands._RELEASE_ROW)


def symbols_of(point: str) -> tuple[tuple[str, int], ...]:
    return next(tag.symbols for tag in charging_post_tags.TAGS if tag.name == point)


def test_command_table_of_the_page_is_the_table_of_the_core() -> None:
    states = symbols_of("state")
    for name, value in states:
        cells = " | ".join(f"`{chr(row[value])}`" for row in ROWS)
        assert f"| {name} | {cells} |\n" in PAGE
    assert all(len(row) == len(states) for row in ROWS)


def test_dangerous_values_of_the_page_are_those_of_the_core() -> None:
    written: dict[str, int] = {}
    for line in PAGE.split("| input | read as, when bad |")[1].split("\n\n")[0].splitlines()[2:]:
        names, meaning = line.strip("| ").split(" | ")
        written |= dict.fromkeys(names.split(", "), int(meaning[0]))
    assert written == {name: charging_post_inputs._DANGEROUS[value] for name, value in symbols_of("digital_inputs")}


def test_every_fault_state_and_output_is_explained() -> None:
    for name, _ in (*symbols_of("faults"), *symbols_of("state"), *symbols_of("digital_outputs")):
        assert name in PAGE


def test_analogue_inputs_follow_the_digital_ones_without_a_gap() -> None:
    assert len(symbols_of("digital_inputs")) == charging_post_inputs.IN_PLATE_V
    names = [name for name in vars(charging_post_inputs) if name.startswith("IN_")]
    first = charging_post_inputs.IN_PLATE_V
    values = [getattr(charging_post_inputs, name) for name in names]
    assert values == list(range(first, charging_post_inputs.INPUT_COUNT))
