"""Images of MicroPython itself: which ones this product was run on, and what a UF2 file says.

Knows: the file format and the digests. Must not know boards. No image is part of the repository: their licences are
their makers'.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from edge.boards.files import BoardError
from edge.cli_common import EXIT_BAD_INPUT
from edge.words import tr

# By SHA-256.
UF2_SHA256 = {
    "27b41295467267c923ff5014ed622962d693f415e8a1089dc87f5c6731c9e3ec": "MicroPython 1.28.0, Seeed XIAO RP2040",
}
UF2_CACHE = Path("~/.cache/smartgate/uf2").expanduser()
CACHED = "cached"  # in place of a file's name

# github.com/microsoft/uf2: a block of 512 bytes; three magic numbers, flags, address, size, number, of, family.
_BLOCK = struct.Struct("<8I476sI")
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_RP2040_FAMILY = 0xE48BFF56
_ESP_MAGIC = b"\xe9"  # first byte of an application image (ESP-IDF, "App Image Format")
_DIGEST_SIZE = 64


@dataclass(frozen=True, slots=True)
class Image:
    """A file that may be put onto a board. `is_uf2`, or else for an ESP32."""

    path: Path
    data: bytes
    name: str
    is_uf2: bool


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_image(named: str, sha256: str) -> Image:
    """The image at a path, or the first known one of the cache for `CACHED`. Raises BoardError.

    `sha256` vouches for one that is not in the list.
    """
    path = _of_cache() if named == CACHED else Path(named)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _bad(tr("{file}: cannot be read ({why})", file=path, why=error.strerror)) from error
    digest = hashlib.sha256(data).hexdigest()
    if sha256 and (len(sha256) != _DIGEST_SIZE or digest != sha256.lower()):
        raise _bad(tr("{file}: its SHA-256 is {digest}, not the one given: fetch it again", file=path, digest=digest))
    if not sha256 and digest not in UF2_SHA256:
        known = ", ".join(UF2_SHA256.values())
        raise _bad(
            tr(
                "{file}: SHA-256 {digest} is no image this was tried with ({known}); compare it with its maker's and "
                "vouch for it with --sha256",
                file=path,
                digest=digest,
                known=known,
            )
        )
    is_uf2 = len(data) >= 8 and struct.unpack_from("<2I", data) == _MAGIC[:2]
    if not is_uf2 and data[:1] != _ESP_MAGIC:
        raise _bad(tr("{file}: neither a UF2 file nor an image for an ESP32", file=path))
    image = Image(path, data, UF2_SHA256.get(digest, path.name), is_uf2)
    if is_uf2:
        parts_of(image)
    return image


def parts_of(image: Image) -> list[tuple[int, bytes]]:
    """(address, bytes) of a UF2 file, neighbours in one piece. Raises BoardError for one that is not whole."""
    parts: list[tuple[int, bytearray]] = []
    count, rest = divmod(len(image.data), _BLOCK.size)
    for number, block in enumerate(_BLOCK.iter_unpack(image.data[: count * _BLOCK.size])):
        first, second, _, address, size, its_number, of, family, payload, last = block
        is_right = (first, second, last) == _MAGIC and its_number == number and of == count and size <= len(payload)
        if rest or not is_right:
            raise _bad(tr("{file}: block {number} is damaged: fetch it again", file=image.path, number=number))
        if family != _RP2040_FAMILY:
            raise _bad(tr("{file}: is for another chip than the RP2040", file=image.path))
        if parts and parts[-1][0] + len(parts[-1][1]) == address:
            parts[-1][1].extend(payload[:size])
        else:
            parts.append((address, bytearray(payload[:size])))
    return [(address, bytes(data)) for address, data in parts]


def _of_cache() -> Path:
    for candidate in sorted(UF2_CACHE.glob("*.uf2")):
        if digest_of(candidate) in UF2_SHA256:
            return candidate
    raise _bad(tr("no known image lies in {folder}; name one", folder=UF2_CACHE))


def _bad(sentence: str) -> BoardError:
    return BoardError(sentence, EXIT_BAD_INPUT)
