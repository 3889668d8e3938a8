"""Every signal of every role has a terminal, every terminal of every board a pin of its own."""

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from firmware.app.identity import ProvisionError
from firmware.boards import terminals
from firmware.boards.provision import choose_variant
from tools.file_set import TEXT_STARTED, find_roles

ROOT = Path(__file__).parents[3]
PINS = ("BUS_TX", "BUS_RX", "BUS_ENABLE", "LINE_TX", "LINE_RX", "CARD_DATA", "CARD_LOAD", "CARD_CLOCK", "CARD_UNUSED")
BOARDS = sorted(TEXT_STARTED)


def variants_on_the_page(board: str) -> set[str]:
    page = (ROOT / "docs/boards.md").read_text(encoding="utf-8")
    return set(re.findall(rf"`({board}-\w+)`", page.partition("| `wiring` |")[2].partition("\n")[0]))


@pytest.mark.parametrize(("board", "prefix"), [("rp2", "pico"), ("esp32", "esp32")])
def test_a_card_of_another_variant_is_told_in_a_sentence(board: str, prefix: str) -> None:
    variants = wiring_of(board).VARIANTS
    assert {name for name, _ in variants} == variants_on_the_page(prefix)
    assert choose_variant({}, variants) == variants[0][1] == "hx711"
    assert choose_variant({"wiring": f"{prefix}-ads1232"}, variants) == "ads1232"
    with pytest.raises(ProvisionError, match=f"wiring is 'vm': this board is made for {prefix}-hx711, {prefix}-ads1"):
        choose_variant({"wiring": "vm"}, variants)


def wiring_of(board: str) -> ModuleType:
    return importlib.import_module(f"firmware.boards.{board}.wiring")


@pytest.mark.parametrize("role", find_roles(ROOT))
def test_every_signal_of_a_role_has_a_terminal(role: str) -> None:
    regmap = importlib.import_module(f"protocols.registers.{role}")
    inputs = terminals.find_terminals(role, regmap, "IN_", terminals.INPUTS, terminals.INPUT_TERMINALS)
    outputs = terminals.find_terminals(role, regmap, "OUT_", terminals.OUTPUTS, terminals.OUTPUT_TERMINALS)
    for found, count in ((inputs, regmap.IN_COUNT), (outputs, regmap.OUT_COUNT)):
        assert len(set(found)) == len(found) == count
        assert min(found) >= 0


def test_the_place_in_the_row_is_the_terminal() -> None:
    regmap = SimpleNamespace(IN_COUNT=2, IN_ADDRESS=0, IN_STOP=1, IN_FIRE=0)
    assert terminals.find_terminals("gate", regmap, "IN_", {"gate": "SPARE STOP FIRE"}, 3) == [2, 1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("FIRE", "IN_STOP stands at no terminal"),
        ("STOP FIRE STOP", "IN_STOP stands at two terminals"),
        ("STOP SPARE SPARE2 FIRE", "IN_FIRE stands beyond the last terminal, 3"),
    ],
)
def test_a_wrong_wiring_is_told_in_a_sentence(row: str, reason: str) -> None:
    regmap = SimpleNamespace(IN_COUNT=2, IN_ADDRESS=0, IN_STOP=1, IN_FIRE=0)
    with pytest.raises(ProvisionError, match=f"wiring of role gate: {reason}; correct .*terminals.py and deploy anew"):
        terminals.find_terminals("gate", regmap, "IN_", {"gate": row}, 3)


@pytest.mark.parametrize("board", BOARDS)
def test_no_pin_of_a_board_is_used_twice(board: str) -> None:
    wiring = wiring_of(board)
    pins = [*wiring.OUTPUTS, wiring.MAINTENANCE, *(getattr(wiring, name) for name in PINS)]
    assert len(wiring.OUTPUTS) == terminals.OUTPUT_TERMINALS
    assert len(set(pins)) == len(pins)


@pytest.mark.parametrize("board", BOARDS)
def test_the_first_act_of_boot_switches_off_every_pin_that_drives(board: str) -> None:
    """main.py has numbers of its own: importing wiring.py first would leave the pins floating for longer."""
    statements = ast.parse((ROOT / f"firmware/boards/{board}/main.py").read_text(encoding="utf-8")).body
    _, first, loop = statements[:3]
    assert ast.unparse(first) == "from machine import WDT, Pin, reset"
    assert isinstance(loop, ast.For)
    assert ast.unparse(loop.body) == "Pin(_number, Pin.OUT, value=0)"
    wiring = wiring_of(board)
    assert ast.literal_eval(loop.iter) == (*wiring.OUTPUTS, wiring.BUS_ENABLE)


def test_the_esp32_switches_with_no_pin_that_its_boot_rom_touches() -> None:
    strapping_or_console = {0, 1, 2, 3, 5, 12, 14, 15}
    wiring = wiring_of("esp32")
    assert not strapping_or_console & {*wiring.OUTPUTS, wiring.BUS_ENABLE}
