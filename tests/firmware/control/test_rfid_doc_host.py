"""The RFID page shows what the core works with."""

from pathlib import Path

from edge.southbound import tag_reads
from firmware.control import rfid, rfid_inputs
from firmware.control.rfid_reads import CAPACITY
from protocols.registers import rfid as reg
from protocols.registers import rfid_tags
from protocols.rfid.read_slot import KIND_WIEGAND_34, SLOT_REGISTERS

PAGE = (Path(__file__).parents[3] / "docs/roles/rfid.md").read_text(encoding="utf-8")


def symbols_of(point: str) -> tuple[tuple[str, int], ...]:
    return next(tag.symbols for tag in rfid_tags.TAGS if tag.name == point)


def test_dangerous_values_of_the_page_are_those_of_the_core() -> None:
    written: dict[str, int] = {}
    for line in PAGE.split("| input | read as, when bad |")[1].split("\n\n")[0].splitlines()[2:]:
        names, meaning = line.strip("| ").split(" | ")
        written |= dict.fromkeys(names.split(", "), int(meaning[0]))
    assert written == {name: rfid_inputs._DANGEROUS[value] for name, value in symbols_of("digital_inputs")}


def test_every_state_fault_command_and_protocol_has_its_row() -> None:
    for name, _ in (*symbols_of("state"), *symbols_of("faults")):
        assert f"\n| {name} | " in PAGE, name
    for name in rfid.PROTOCOLS:
        assert f"\n| `{name}` | " in PAGE, name
    for name in rfid_tags.OPCODES:  # those of every role are told elsewhere (docs/update.md)
        assert name.startswith(("SET", "UPDATE_")) or name in PAGE.split("## Commands")[1].split("## Faults")[0], name


def test_the_list_of_the_page_is_that_of_the_map() -> None:
    last = reg.AT_READ_LIST + CAPACITY * SLOT_REGISTERS - 1
    assert (
        f"The newest {CAPACITY} reads stand in input registers {reg.AT_READ_LIST} to {last}, {SLOT_REGISTERS}" in PAGE
    )
    assert len(tag_reads._KINDS) == KIND_WIEGAND_34 + 1
    assert tuple(name.lower() for name, _ in symbols_of("direction")) == tag_reads._DIRECTIONS
