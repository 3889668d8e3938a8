"""The label on a cabinet: a QR code and what a person reads, on 62 mm tape, as SVG or PDF.

Knows: what stands on a label, drawing, and the library segno, alone. Must not know: keys, boards. Nothing on it is
secret. Both forms are drawn from the same strokes, so neither printer nor viewer needs a font.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import segno

from edge.boards.files import BoardError
from edge.cli_common import EXIT_BAD_INPUT
from edge.durable import write_whole
from edge.provision.label_glyphs import Strokes, draw, is_drawn
from edge.words import tr

WIDTH_MM, HEIGHT_MM = 62.0, 29.0
FORMS = (".svg", ".pdf")
_READABLE = 0o644
_MARGIN_MM = 2.0
_CODE_MM = 25.0
_QUIET = 4  # modules of white around a QR code (ISO/IEC 18004, 6.3.8)
_TEXT_X_MM = _MARGIN_MM + _CODE_MM + 1.5
_LINE_MM = 3.9
_PEN_MM = 0.22
_POINTS_PER_MM = 72 / 25.4
# Vietnamese and English, whatever language the tool speaks: people of both stand before the cabinet.
_ROLES = {
    "barrier": "Barie · Barrier",
    "weighbridge": "Cân xe · Weighbridge",
    "rfid": "Đầu đọc · RFID reader",
    "charging_post": "Trạm sạc · Charging post",
}


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on it."""

    site: str
    lane: str
    device: str
    role: str
    serial: int
    unit_id: int

    @property
    def content(self) -> str:
        """What the QR code says: `smartgate:north/L1/boom?role=barrier&serial=1001&unit_id=1`."""
        path = "/".join(quote(part, safe="") for part in (self.site, self.lane or "-", self.device))
        return f"smartgate:{path}?role={self.role}&serial={self.serial}&unit_id={self.unit_id}"

    @property
    def lines(self) -> list[str]:
        """What a person reads, the device's name first."""
        lane = [f"Làn · Lane: {self.lane}"] if self.lane else []
        return [
            self.device,
            _ROLES.get(self.role, self.role),
            f"Cổng · Site: {self.site}",
            *lane,
            f"Số máy · Serial: {self.serial}",
            f"Địa chỉ · Unit id: {self.unit_id}",
        ]

    @property
    def is_drawn(self) -> bool:
        """Whether the label can draw every letter; the QR code has them in any case."""
        return all(is_drawn(line) for line in self.lines)


def refuse_path(path: Path) -> None:
    """Raise BoardError before anything is done when a label could not be written there."""
    if path.suffix.lower() not in FORMS:
        raise BoardError(tr("--label {path}: expected a file that ends in .svg or .pdf", path=path), EXIT_BAD_INPUT)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise BoardError(
            tr("--label {path}: nothing can be written there; name a file in a folder of yours", path=path),
            EXIT_BAD_INPUT,
        )


def write_label(path: Path, label: Label) -> None:
    """Write it in the form the path's ending names. Raises BoardError."""
    data = svg_of(label) if path.suffix.lower() == ".svg" else pdf_of(label)
    try:
        write_whole(path, data, _READABLE)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise BoardError(tr("{path} cannot be written ({why})", path=path, why=why)) from None


def modules_of(label: Label) -> list[tuple[int, int]]:
    """(row, column) of the dark modules, without the quiet zone."""
    return [(row, column) for row, line in enumerate(_matrix(label)) for column, dark in enumerate(line) if dark]


def svg_of(label: Label) -> bytes:
    """One page as SVG, in mm, y downwards."""
    size, origin = _module_mm(label)
    squares = "".join(
        f"M{_n(origin + column * size)} {_n(origin + row * size)}h{_n(size)}v{_n(size)}h-{_n(size)}z"
        for row, column in modules_of(label)
    )
    lines = "".join(
        "M" + "L".join(f"{_n(x)} {_n(HEIGHT_MM - y)}" for x, y in stroke) for stroke in _text_strokes(label)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(WIDTH_MM)}mm" height="{_n(HEIGHT_MM)}mm" '
        f'viewBox="0 0 {_n(WIDTH_MM)} {_n(HEIGHT_MM)}"><rect width="100%" height="100%" fill="#fff"/>'
        f'<path d="{squares}"/><path d="{lines}" fill="none" stroke="#000" stroke-width="{_PEN_MM}" '
        f'stroke-linecap="round" stroke-linejoin="round"/></svg>\n'
    ).encode()


def pdf_of(label: Label) -> bytes:
    """One page as PDF 1.4, y upwards."""
    size, origin = _module_mm(label)
    squares = [
        f"{_n(origin + column * size)} {_n(HEIGHT_MM - origin - (row + 1) * size)} {_n(size)} {_n(size)} re"
        for row, column in modules_of(label)
    ]
    strokes = [
        " ".join(f"{_n(x)} {_n(y)} {'l' if at else 'm'}" for at, (x, y) in enumerate(stroke))
        for stroke in _text_strokes(label)
    ]
    scale = f"{_POINTS_PER_MM:.6f}"
    drawing = [f"{scale} 0 0 {scale} 0 0 cm", *squares, "f", f"{_PEN_MM} w 1 J 1 j", *strokes, "S"]
    return _pdf_file("\n".join(drawing).encode("ascii"))


def _matrix(label: Label) -> tuple[bytearray, ...]:
    """Level M takes 15 % of damage: a label in the weather."""
    return tuple(segno.make(label.content, error="m", micro=False, boost_error=False).matrix)


def _module_mm(label: Label) -> tuple[float, float]:
    """Size of a module, and where the first one begins."""
    size = _CODE_MM / (len(_matrix(label)) + 2 * _QUIET)
    return size, _MARGIN_MM + _QUIET * size


def _text_strokes(label: Label) -> Strokes:
    """The lines of text in mm, each as high as it may be and no wider than there is room."""
    found: Strokes = []
    room_mm = WIDTH_MM - _TEXT_X_MM - _MARGIN_MM
    y_mm = HEIGHT_MM - _MARGIN_MM - 0.5
    for number, line in enumerate(label.lines):
        strokes, width = draw(line)
        unit_mm = min(0.27 if number == 0 else 0.17, room_mm / max(width, 1))
        y_mm -= _LINE_MM + (1.0 if number == 0 else 0.0)
        found += [[(_TEXT_X_MM + x * unit_mm, y_mm + y * unit_mm) for x, y in stroke] for stroke in strokes]
    return found


def _pdf_file(drawing: bytes) -> bytes:
    box = f"[0 0 {WIDTH_MM * _POINTS_PER_MM:.2f} {HEIGHT_MM * _POINTS_PER_MM:.2f}]"
    packed = zlib.compress(drawing)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox{box}/Resources<<>>/Contents 4 0 R>>".encode(),
        f"<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode() + packed + b"\nendstream",
    ]
    file = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    trailer = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(file)}\n%%EOF\n"
    return file + head.encode() + trailer.encode()


def _n(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
