"""Functions that become machine code are marked on the line before them, and none that could keep callbacks waiting."""

from pathlib import Path

import pytest

from tools.deploy import prepare
from tools.file_set import DeployError, Order, collect_modules
from tools.fold import Folder
from tools.native import NATIVE, mark_native

ROOT = Path(__file__).parents[2]
TEXT = """
def loop(x):
    while x:
        x -= 1

class Core:
    a = 1

    def step(self):
        for _ in range(3):
            pass
"""


def test_a_function_is_marked_and_the_lines_stay() -> None:
    text = mark_native("firmware.control.core", TEXT, ("Core.step",))
    assert text == TEXT.replace("a = 1\n\n", "a = 1\n    @micropython.native\n")


def test_a_module_without_such_functions_stays() -> None:
    assert mark_native("firmware.control.core", TEXT, ()) == TEXT


def test_a_loop_without_an_end_in_sight_is_refused() -> None:
    with pytest.raises(
        DeployError, match=r"NATIVE: firmware.control.core: loop has a while loop, .* leave it to bytec"
    ):
        mark_native("firmware.control.core", TEXT, ("loop",))


def test_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeployError, match=r"NATIVE: firmware.control.core: Core.stop is no function there; correct it"):
        mark_native("firmware.control.core", TEXT, ("Core.stop",))


def marked(role: str, board: str) -> dict[str, int]:
    texts = prepare(Folder(ROOT), collect_modules(Order(ROOT, role, board)), board)
    counts = {module: text.count("@micropython.native") for module, text in texts.items()}
    return {module: count for module, count in counts.items() if count}


def test_the_rp2_has_them_all() -> None:
    wanted = {f"{module.replace('.', '/')}.mpy": len(functions) for module, functions in NATIVE.items()}
    assert marked("weighbridge", "rp2") | marked("charging_post", "rp2") == wanted


@pytest.mark.parametrize("board", ["esp32", "unix"])
def test_no_other_board_has_one(board: str) -> None:
    assert marked("weighbridge", board) == {}
