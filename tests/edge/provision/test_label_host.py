"""The label: what its QR code says, that both forms draw the same, and which files it may be written to."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
import segno

from edge.boards.files import BoardError
from edge.cli_common import EXIT_BAD_INPUT
from edge.provision.label import (
    HEIGHT_MM,
    WIDTH_MM,
    Label,
    modules_of,
    pdf_of,
    refuse_path,
    svg_of,
    write_label,
)
from edge.provision.label_glyphs import draw, is_drawn

LABEL = Label("hữu-nghị", "L1", "barrier-1", "barrier", 1001, 1)
VIETNAMESE = (
    "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
    "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬEÈẺẼÉẸÊỀỂỄẾỆIÌỈĨÍỊOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢUÙỦŨÚỤƯỪỬỮỨỰYỲỶỸÝỴĐ"
)
SQUARE = re.compile(r"M([\d.]+) ([\d.]+)h([\d.]+)v[\d.]+h-[\d.]+z")


def test_the_code_says_who_and_where_and_nothing_secret() -> None:
    assert LABEL.content == "smartgate:h%E1%BB%AFu-ngh%E1%BB%8B/L1/barrier-1?role=barrier&serial=1001&unit_id=1"
    assert Label("a", "", "b", "rfid", 2, 3).content == "smartgate:a/-/b?role=rfid&serial=2&unit_id=3"


def test_both_forms_draw_the_modules_of_the_code() -> None:
    wanted = segno.make(LABEL.content, error="m", micro=False, boost_error=False)
    dark = {(row, column) for row, line in enumerate(wanted.matrix) for column, value in enumerate(line) if value}
    assert set(modules_of(LABEL)) == dark
    root = ElementTree.fromstring(svg_of(LABEL))
    assert (root.get("width"), root.get("height")) == (f"{WIDTH_MM:g}mm", f"{HEIGHT_MM:g}mm")
    squares = [tuple(map(float, found)) for found in SQUARE.findall(root[1].get("d") or "")]
    assert _places(squares, 1) == dark
    drawing = zlib.decompress(pdf_of(LABEL).partition(b"stream\n")[2].partition(b"\nendstream")[0]).decode()
    boxes = [tuple(map(float, line.split()[:4])) for line in drawing.splitlines() if line.endswith(" re")]
    assert _places([(x, HEIGHT_MM - y - height, width) for x, y, width, height in boxes], 1) == dark
    size = min(x for x, _, _ in squares)
    assert size - 2 >= 4 * squares[0][2] - 0.01  # the quiet zone, beyond the margin


def _places(squares: list[tuple[float, ...]], at: int) -> set[tuple[int, int]]:
    left, top = min(square[0] for square in squares), min(square[at] for square in squares)
    return {(round((square[1] - top) / square[2]), round((square[0] - left) / square[2])) for square in squares}


def test_a_pdf_finds_its_own_parts() -> None:
    data = pdf_of(LABEL)
    start = int(data.rpartition(b"startxref\n")[2].split()[0])
    assert data[start:].startswith(b"xref\n0 5\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", data), 1):
        assert data[int(place) :].startswith(b"%d 0 obj" % number)


def test_every_letter_of_vietnamese_has_a_shape_of_its_own() -> None:
    shapes = {str(draw(letter)[0]) for letter in VIETNAMESE}
    assert len(shapes) == len(VIETNAMESE)
    assert is_drawn(VIETNAMESE)
    assert not is_drawn("南")
    assert draw("南") == draw("北")  # a box
    assert not Label("南", "L1", "a", "barrier", 1, 1).is_drawn


def test_no_text_leaves_the_label() -> None:
    long = Label("w" * 40, "w" * 40, "w" * 40, "charging_post", 2**30 - 1, 247)
    root = ElementTree.fromstring(svg_of(long))
    numbers = [float(number) for number in re.findall(r"[\d.]+", root[2].get("d") or "")]
    xs, ys = numbers[0::2], numbers[1::2]
    assert min(xs) > 27
    assert max(xs) <= WIDTH_MM - 1.9
    assert 0 < min(ys) < max(ys) < HEIGHT_MM


def test_letters_stand_beside_each_other() -> None:
    ends = [draw("Cân xe 12"[:count])[1] for count in range(1, 10)]
    assert all(after > before for before, after in pairwise(ends[:3]))


@pytest.mark.parametrize("name", ["label.png", "label", "none/label.svg"])
def test_a_path_that_cannot_be_one_is_refused_before_anything_is_done(tmp_path: Path, name: str) -> None:
    with pytest.raises(BoardError, match="--label ") as raised:
        refuse_path(tmp_path / name)
    assert raised.value.code == EXIT_BAD_INPUT


def test_it_is_written_whole_or_told(tmp_path: Path) -> None:
    refuse_path(tmp_path / "a.SVG")
    write_label(tmp_path / "a.SVG", LABEL)
    write_label(tmp_path / "a.pdf", LABEL)
    assert (tmp_path / "a.SVG").read_bytes() == svg_of(LABEL)
    assert (tmp_path / "a.pdf").read_bytes() == pdf_of(LABEL)
    (tmp_path / "b.svg").mkdir()
    (tmp_path / "b.svg" / "x").touch()
    with pytest.raises(BoardError, match=r"b.svg: nothing can be written there"):
        refuse_path(tmp_path / "b.svg")
    with pytest.raises(BoardError, match=r"b.svg cannot be written \(Is a directory\)"):
        write_label(tmp_path / "b.svg", LABEL)
