"""Whatever is done to the map files, the generator answers with sentences or files, never with a traceback."""

import random
import shutil
from pathlib import Path

import pytest

from tools.regmap.__main__ import EXIT_REFUSED, main

MAPS = Path(__file__).parents[2] / "protocols/registers"
CASES = 60
VALUES = (
    "-1",
    "99999999999999999999",
    "1.5",
    '"x"',
    '""',
    "true",
    "[]",
    "{}",
    '{ A = "x" }',
    '{ "a b" = 1 }',
    "inf",
    "1979-05-27",
)
HEADS = ("point = 1", "event = [1]", "ring = 5", "map = 3", "opcode = {}", "point = [{ name = 3 }]")


def damage(lines: list[str], chance: random.Random) -> None:
    """Do one wrong thing to the lines of a map file."""
    at = chance.randrange(len(lines))
    kind = chance.randrange(6)
    if kind == 0:
        lines.pop(at)
    elif kind == 1:
        lines[at] = f"{lines[at].partition('=')[0]}= {chance.choice(VALUES)}"
    elif kind == 2:
        lines.insert(at, chance.choice(lines))
    elif kind == 3:
        lines[at] = lines[at].replace("[[", "[").replace("]]", "]")
    elif kind == 4:
        lines[at] = chance.choice(VALUES)
    else:
        lines.insert(0, chance.choice(HEADS))


@pytest.mark.parametrize("seed", range(CASES))
def test_damaged_maps_are_refused_in_sentences(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(seed)
    shutil.copytree(MAPS, tmp_path / "protocols/registers")
    for path in sorted((tmp_path / "protocols/registers").glob("*.toml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for _ in range(chance.choice((0, 1, 1, 3))):
            damage(lines, chance)
        path.write_text("\n".join(lines), encoding="utf-8")
    code = main(["--root", str(tmp_path)])
    complaints = capsys.readouterr().err.splitlines()
    assert code == (EXIT_REFUSED if complaints else 0)
    for line in complaints:
        assert line.startswith("protocols/registers/")
        assert "; " in line
