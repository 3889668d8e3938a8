"""Letters as strokes, so that a label looks the same on every printer and needs no font: Latin with the marks of
Vietnamese.

Knows: shapes. Must not know: what is written. A stroke is points of two hexadecimal digits, x and y; the baseline lies
at y 4, small letters end at b, capitals at e. A letter with marks is its base letter and the marks (Unicode NFD).
"""

from __future__ import annotations

import unicodedata

BASELINE, SMALL_TOP, CAPITAL_TOP = 4, 11, 14
_GAP = 2
_SPACE = 4
_UNKNOWN = "04 64 6e 0e 04"
_GLYPHS = {
    "A": "04 3e 64/18 58", "B": "04 0e 4e 5d 5a 49 09/49 68 65 44 04", "C": "6c 4e 2e 0c 06 24 44 66",
    "D": "04 0e 3e 5d 6b 67 55 34 04", "E": "5e 0e 04 54/09 49", "F": "5e 0e 04/09 49",
    "G": "6c 4e 2e 0c 06 24 44 66 69 39", "H": "04 0e/64 6e/09 69", "I": "04 0e", "J": "4e 46 34 14 06",
    "K": "0e 04/6e 08/2a 64", "L": "0e 04 54", "M": "04 0e 48 8e 84", "N": "04 0e 64 6e",
    "O": "24 06 0c 2e 4e 6c 66 44 24", "P": "04 0e 4e 6d 6a 49 09", "Q": "24 06 0c 2e 4e 6c 66 44 24/46 73",
    "R": "04 0e 4e 6d 6a 49 09/39 64", "S": "6c 4e 2e 0c 0a 29 49 68 66 44 24 06", "T": "0e 6e/3e 34",
    "U": "0e 06 24 44 66 6e", "V": "0e 34 6e", "W": "0e 24 4b 64 8e", "X": "0e 64/6e 04", "Y": "0e 39 6e/39 34",
    "Z": "0e 6e 04 64", "a": "0a 1b 3b 4a 44/48 18 07 05 14 34 45", "b": "0e 04/06 24 34 56 59 3b 2b 09",
    "c": "5a 3b 2b 09 06 24 34 55", "d": "5e 54/59 3b 2b 09 06 24 34 56", "e": "08 58 59 3b 2b 09 06 24 34 55",
    "f": "4e 3e 2d 24/0b 4b", "g": "5b 52 40 20 01/59 3b 2b 09 06 24 34 56", "h": "0e 04/09 2b 3b 59 54",
    "i": "0b 04", "j": "2b 21 10 00", "k": "0e 04/4b 07/18 44", "l": "0e 05 14",
    "m": "04 0b/09 2b 3b 4a 44/49 6b 7b 8a 84",
    "n": "04 0b/09 2b 3b 59 54", "o": "24 06 09 2b 3b 59 56 34 24", "p": "0b 00/09 2b 3b 59 56 34 24 06",
    "q": "5b 50/59 3b 2b 09 06 24 34 56", "r": "04 0b/08 2b 3b 4a", "s": "4a 3b 1b 0a 09 18 38 47 45 34 14 05",
    "t": "1e 16 24 34/0b 3b", "u": "0b 06 24 34 56/5b 54", "v": "0b 24 4b", "w": "0b 24 49 64 8b", "x": "0b 54/5b 04",
    "y": "0b 24/4b 11 00", "z": "0b 5b 04 54", "0": "24 06 0c 2e 3e 5c 56 34 24", "1": "1c 3e 34",
    "2": "0c 2e 3e 5c 5a 04 54", "3": "0d 1e 3e 5c 5a 39 19/39 58 56 34 14 05", "4": "44 4e 07 57",
    "5": "5e 0e 09 39 58 56 34 14 05", "6": "4e 2e 0b 06 24 34 56 58 3a 2a 08", "7": "0e 5e 24",
    "8": "29 0a 0c 2e 3e 5c 5a 39 29 08 06 24 34 56 58 39", "9": "14 34 57 5c 3e 2e 0c 0a 28 38 5a",
    ".": "04 14 15 05 04", "-": "08 48", "_": "03 53", ":": "04 14 15 05 04/0a 1a 1b 0b 0a", "/": "04 5e",
    "\u00b7": "18 28 29 19 18", "\u0111": "5e 54/59 3b 2b 09 06 24 34 56/3d 7d",
    "\u0110": "14 1e 4e 6d 7b 77 65 44 14/09 39",
}  # fmt: skip
# Above a letter: dx from its middle, y from the top of its shape. The dot stands below.
_ABOVE = {
    "\u0300": ((-1.5, 3), (0.5, 1)),
    "\u0301": ((-0.5, 1), (1.5, 3)),
    "\u0302": ((-2, 1), (0, 3), (2, 1)),
    "\u0303": ((-2, 1.5), (-1, 2.5), (1, 1.5), (2, 2.5)),
    "\u0306": ((-2, 3), (-1, 1.5), (1, 1.5), (2, 3)),
    "\u0309": ((-0.7, 3.3), (0.7, 3.3), (0.9, 2.4), (0, 1.8), (0, 1)),
}
_HEIGHT_OF_A_MARK = 3
_DOT_BELOW, _HORN, _DOT_ABOVE = "\u0323", "\u031b", ((0.0, 2.0), (0.0, 3.0))

Strokes = list[list[tuple[float, float]]]


def is_drawn(text: str) -> bool:
    """Whether every letter has a shape; one without is drawn as a box."""
    return all(letter in _GLYPHS or letter == " " or _is_mark(letter) for letter in _apart(text))


def draw(text: str) -> tuple[Strokes, float]:
    """The strokes of a line of text, y upwards from 0, and its width."""
    strokes: Strokes = []
    x, base, raised = 0.0, "", 0
    letters = _apart(text)
    for at, letter in enumerate(letters):
        if _is_mark(letter):
            raised = _add_mark(strokes, x - _GAP - _width(base) / 2, base, letter, raised)
            continue
        if letter == " ":
            x += _SPACE
            continue
        strokes += [[(x + px, py) for px, py in stroke] for stroke in _shape(letter)]
        base, raised = letter, 0
        has_mark_above = at + 1 < len(letters) and letters[at + 1] in _ABOVE
        if letter in "ij" and not has_mark_above:
            strokes.append([(x + _width(letter) + dx, SMALL_TOP + dy) for dx, dy in _DOT_ABOVE])
        x += _width(letter) + _GAP
    return strokes, max(0.0, x - _GAP)


def _add_mark(strokes: Strokes, middle: float, base: str, mark: str, raised: int) -> int:
    """How many marks stand on the letter afterwards; a second one stands higher, and beside the first."""
    top = CAPITAL_TOP if base.isupper() else SMALL_TOP
    if mark == _DOT_BELOW:
        strokes.append([(middle - 0.3, 2), (middle + 0.3, 2)])
    elif mark == _HORN:
        right = middle + _width(base) / 2
        strokes.append([(right - 0.5, top - 1.5), (right + 0.8, top - 1), (right + 1, top + 0.8)])
    else:
        aside, up = (1.2 if raised else 0), (_HEIGHT_OF_A_MARK - 1) * raised
        strokes.append([(middle + dx + aside, top + dy + up) for dx, dy in _ABOVE[mark]])
        return raised + 1
    return raised


def _apart(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _is_mark(letter: str) -> bool:
    return letter in _ABOVE or letter in (_DOT_BELOW, _HORN)


def _shape(letter: str) -> Strokes:
    strokes = _GLYPHS.get(letter, _UNKNOWN).split("/")
    return [[(int(point[0], 16), int(point[1], 16)) for point in stroke.split()] for stroke in strokes]


def _width(letter: str) -> float:
    return max(x for stroke in _shape(letter) for x, _ in stroke)
