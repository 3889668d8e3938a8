"""Constants of other modules become numbers before a device file is compiled, and nothing else changes."""

from pathlib import Path

import pytest

from tools.fold import Folder

PROJECT = {
    "protocols/compat.py": "def const(value):\n    return value\n\n\nMASK = const(0x3FFF)\n",
    "protocols/registers/barrier.py": (
        "from protocols.compat import const\n\nST_STATE = const(4)\nLOW = const(-8)\nWRITABLE = b'x'\n"
        "TWICE = const(1)\nTWICE = const(2)\nBOTH = 1 << ST_STATE | (2 + 3 * 4 - 1) // 2 & 7 | 256 >> 4\nFLAG = True\n"
    ),
    "firmware/control/parts.py": "from protocols.registers import barrier as reg\n\nFIRST = reg.ST_STATE + 1\n",
    "firmware/control/ring_a.py": "from firmware.control.ring_b import B\n\nA = B\n",
    "firmware/control/ring_b.py": "from firmware.control.ring_a import A\n\nB = A\n",
}
HEAD = "from protocols.registers import barrier as reg\n"
# What stands in a file behind HEAD, and what of it is compiled.
FOLDED = (
    ("x = status[reg.ST_STATE]", "x = status[4]"),
    ("x = reg.LOW - 1", "x = (-8) - 1"),
    ("x = 2 - reg.LOW", "x = 2 - (-8)"),
    ("x = reg.BOTH", "x = 22"),
    ("x = [reg.ST_STATE, reg.LOW, reg.ST_STATE]", "x = [4, (-8), 4]"),
    ("x = 'ä', reg.ST_STATE", "x = 'ä', 4"),
    ("from firmware.control.parts import FIRST\nx = FIRST", "from firmware.control.parts import FIRST\nx = 5"),
    ("_OWN = 1 << reg.ST_STATE\nx = a._OWN, _OWN", "_OWN = 1 << 4\nx = a._OWN, 16"),
    ("def f(a=reg.LOW):\n    return a, reg.ST_STATE", "def f(a=(-8)):\n    return a, 4"),
)
KEPT = (
    "x = reg.WRITABLE, reg.FLAG, reg.TWICE, reg.UNKNOWN",
    "def f(reg):\n    return reg.ST_STATE",
    "for reg in ():\n    x = reg.ST_STATE",
    "def reg():\n    return reg.ST_STATE",
    "class reg:\n    x = reg.ST_STATE",
    "from firmware.control.parts import FIRST\nFIRST = 3\nx = FIRST",
    "from firmware.control.parts import FIRST\ntry:\n    pass\nexcept OSError as FIRST:\n    x = FIRST",
    "from firmware.control.parts import FIRST as reg\nx = reg",
    "from firmware.control.ring_a import A\nx = A",
    "import struct\nx = struct.calcsize, other.reg.ST_STATE",
    "x = (\n    reg\n    .ST_STATE\n)",
    "reg.ST_STATE = 5",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("written", "compiled"), FOLDED)
def test_a_constant_becomes_its_number(root: Path, written: str, compiled: str) -> None:
    assert Folder(root).fold(HEAD + written) == HEAD + compiled


@pytest.mark.parametrize("written", KEPT)
def test_what_is_no_constant_stays_as_it_is_written(root: Path, written: str) -> None:
    assert Folder(root).fold(HEAD + written) == HEAD + written


def test_every_file_of_the_device_keeps_its_lines_and_means_the_same() -> None:
    project = Path(__file__).parents[2]
    folder = Folder(project)
    changed = 0
    for path in sorted((project / "firmware").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        folded = folder.fold(text)
        assert folded.count("\n") == text.count("\n")
        assert folder.fold(folded) == folded
        changed += folded != text
    assert changed > 50
