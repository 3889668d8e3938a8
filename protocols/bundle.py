"""The manifest of a file set and the head of an update bundle: one codec for the device and for the host.

Knows text lines and offsets. Knows no file, no hash function and no key: whoever reads the bytes hashes them. A device
reads a manifest line by line, since the whole of it is as large as its free memory on a bad day.

Manifest, ASCII, every line ended by one newline, in this order:

    smartgate-bundle 1
    role barrier
    board rp2
    radio 0
    version 1.2                    the firmware's, major.minor, each 0..255
    abi 6.3.armv6m                 version, sub-version and architecture of the .mpy files; without machine code: 6.3
    map 2                          version of the role's register map
    minimum 1.0                    the oldest version that may be replaced by this one
    file 1234 <sha256> a/b.mpy     size, SHA-256 in lower case, path; sorted by path, no path twice

Bundle: MAGIC, manifest size u32, manifest, signature, then every file in the manifest's order. Manifest and files are
each followed by one zero byte where their size is odd, so that every part begins at a register of two bytes.
The signature (Ed25519, RFC 8032) is over CONTEXT and the SHA-256 of the manifest.
"""

import struct

from protocols.compat import const

MAGIC = b"SGBUNDLE"
HEAD_SIZE = const(12)
SIGNATURE_SIZE = const(64)
CONTEXT = b"smartgate bundle 1\n"
FIRST_LINE = "smartgate-bundle 1"
MANIFEST_MAX = const(16384)
LINE_MAX = const(160)
FILES_MAX = const(120)
FILE_MAX = const(262144)
PATH_MAX = const(72)

# What is wrong with a manifest. `edge/update/manifest.py` has them in words.
LINE_TOO_LONG = const(1)
NOT_ASCII = const(2)
NO_FIRST_LINE = const(3)
WRONG_LINE = const(4)  # another line was expected here
BAD_ROLE = const(5)
BAD_BOARD = const(6)
BAD_RADIO = const(7)
BAD_VERSION = const(8)
BAD_ABI = const(9)
BAD_MAP = const(10)
BAD_MINIMUM = const(11)
BAD_FILE_LINE = const(12)  # not three fields
BAD_SIZE = const(13)
BAD_DIGEST = const(14)
BAD_PATH = const(15)
NOT_SORTED = const(16)
TOO_MANY_FILES = const(17)
UNFINISHED = const(18)  # ends before the first file, or within a line
TOO_LONG = const(19)
BAD_MAGIC = const(20)
BAD_LENGTH = const(21)

# In the order of sys.implementation._mpy; the first is bytecode alone.
ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)

_KEYS = ("role", "board", "radio", "version", "abi", "map", "minimum")
_HEAD_LINES = const(8)
_DIGITS = "0123456789"
_HEXADECIMAL = "0123456789abcdef"
_WORD = "abcdefghijklmnopqrstuvwxyz0123456789_"
_WORD_MAX = const(24)
_MAP_MAX = const(65535)
_BYTE_MAX = const(255)


class BundleError(ValueError):
    """`kind` is what is wrong, `line` where, counted from 1; 0 when it is not a line's fault."""

    def __init__(self, kind: int, line: int) -> None:
        super().__init__(kind, line)
        self.kind = kind
        self.line = line


class Manifest:
    """The lines of a manifest, one after the other; raises BundleError at the first wrong one.

    After the head: `role`, `board`, `radio`, `version` and `minimum` (major * 256 + minor), `abi`, `map`. After each
    line of a file, when `take` returned True: its `size`, `digest` (64 digits), `path`, and `offset`, counted from the
    first file's first byte. `payload_size` is that of all files so far, pads included.
    """

    def __init__(self) -> None:
        self.role = ""
        self.board = ""
        self.radio = 0
        self.version = 0
        self.abi = ""
        self.map = 0
        self.minimum = 0
        self.size = 0
        self.digest = ""
        self.path = ""
        self.offset = 0
        self.payload_size = 0
        self.file_count = 0
        self._line = 0

    def take(self, line: bytes) -> bool:
        """Take the next line, with its newline; True when it is a file's."""
        self._line += 1
        if len(line) > LINE_MAX:
            self._refuse(LINE_TOO_LONG)
        if line[-1:] != b"\n":
            self._refuse(UNFINISHED)
        for byte in line[:-1]:
            if byte < 32 or byte > 126:
                self._refuse(NOT_ASCII)
        text = str(line[:-1], "ascii")
        if self._line == 1:
            if text != FIRST_LINE:
                self._refuse(NO_FIRST_LINE)
            return False
        if self._line <= _HEAD_LINES:
            self._take_head(text)
            return False
        self._take_file(text)
        return True

    def end(self) -> None:
        """The manifest has ended; raises BundleError when it may not end here."""
        if not self.file_count:
            self._refuse(UNFINISHED)

    def _refuse(self, kind: int) -> None:
        raise BundleError(kind, self._line)

    def _take_head(self, text: str) -> None:
        key = _KEYS[self._line - 2]
        if text[: len(key) + 1] != key + " ":
            self._refuse(WRONG_LINE)
        value = text[len(key) + 1 :]
        if key == "role":
            self.role = value if _is_word(value) else self._no_word(BAD_ROLE)
        elif key == "board":
            self.board = value if _is_word(value) else self._no_word(BAD_BOARD)
        elif key == "radio":
            self.radio = self._number(value, 1, BAD_RADIO)
        elif key == "version":
            self.version = self._version(value, BAD_VERSION)
        elif key == "abi":
            self._take_abi(value)
        elif key == "map":
            self.map = self._number(value, _MAP_MAX, BAD_MAP)
        else:
            self.minimum = self._version(value, BAD_MINIMUM)

    def _no_word(self, kind: int) -> str:
        self._refuse(kind)
        return ""

    def _number(self, text: str, highest: int, kind: int) -> int:
        value = _to_number(text, highest)
        if value < 0:
            self._refuse(kind)
        return value

    def _version(self, text: str, kind: int) -> int:
        parts = text.split(".")
        if len(parts) != 2:
            self._refuse(kind)
        return self._number(parts[0], _BYTE_MAX, kind) * 256 + self._number(parts[1], _BYTE_MAX, kind)

    def _take_abi(self, text: str) -> None:
        parts = text.split(".")
        if len(parts) not in (2, 3) or not _is_word(parts[-1]):
            self._refuse(BAD_ABI)
        self._number(parts[0], _BYTE_MAX, BAD_ABI)
        self._number(parts[1], 3, BAD_ABI)
        self.abi = text

    def _take_file(self, text: str) -> None:
        parts = text.split(" ")
        if parts[0] != "file":
            self._refuse(WRONG_LINE)
        if len(parts) != 4:
            self._refuse(BAD_FILE_LINE)
        size = self._number(parts[1], FILE_MAX, BAD_SIZE)
        digest, path = parts[2], parts[3]
        if len(digest) != 64 or not _has_only(digest, _HEXADECIMAL):
            self._refuse(BAD_DIGEST)
        if not is_path(path):
            self._refuse(BAD_PATH)
        if self.file_count and path <= self.path:
            self._refuse(NOT_SORTED)
        if self.file_count == FILES_MAX:
            self._refuse(TOO_MANY_FILES)
        self.size, self.digest, self.path = size, digest, path
        self.offset = self.payload_size
        self.payload_size += size + (size & 1)
        self.file_count += 1


def is_path(path: str) -> bool:
    """Tell whether `path` may stand in a file set: relative, of plain words, ending in .mpy or .py."""
    if len(path) > PATH_MAX:
        return False
    parts = path.split("/")
    name = parts[-1]
    if name[-4:] == ".mpy":
        parts[-1] = name[:-4]
    elif name[-3:] == ".py":
        parts[-1] = name[:-3]
    else:
        return False
    return not [part for part in parts if not _is_word(part)]


def is_abi_loadable(abi: str, mpy: int) -> bool:
    """Tell whether an interpreter whose sys.implementation._mpy is `mpy` loads files of this `abi`.

    Machine code wants the same sub-version and architecture, bytecode only the same version.
    """
    parts = abi.split(".")
    if int(parts[0]) != mpy & 0xFF:
        return False
    if len(parts) == 2:
        return True
    arch = mpy >> 10 & 15
    return int(parts[1]) == mpy >> 8 & 3 and arch < len(ARCHITECTURES) and parts[2] == ARCHITECTURES[arch]


def parse_head(head: bytes) -> int:
    """Return the size of the manifest from the HEAD_SIZE bytes at the beginning of a bundle; raises BundleError."""
    if len(head) != HEAD_SIZE or head[: len(MAGIC)] != MAGIC:
        raise BundleError(BAD_MAGIC, 0)
    # Two halves: the whole word may be no small integer.
    high, low = struct.unpack(">HH", head[len(MAGIC) :])
    if high or low > MANIFEST_MAX or not low:
        raise BundleError(BAD_LENGTH, 0)
    return int(low)


def encode_head(manifest_size: int) -> bytes:
    """The HEAD_SIZE bytes at the beginning of a bundle; raises BundleError when the manifest is too long."""
    if not 0 < manifest_size <= MANIFEST_MAX:
        raise BundleError(TOO_LONG, 0)
    return MAGIC + struct.pack(">I", manifest_size)


def signature_offset(manifest_size: int) -> int:
    """Where the signature begins in a bundle."""
    return HEAD_SIZE + manifest_size + (manifest_size & 1)


def payload_offset(manifest_size: int) -> int:
    """Where the first file begins in a bundle."""
    return signature_offset(manifest_size) + SIGNATURE_SIZE


def signed_message(manifest_digest: bytes) -> bytes:
    """What the signature is over, from the SHA-256 of the manifest."""
    return CONTEXT + manifest_digest


def _is_word(text: str) -> bool:
    return 0 < len(text) <= _WORD_MAX and _has_only(text, _WORD)


def _to_number(text: str, highest: int) -> int:
    """The number, -1 when it is none, has a leading zero or is above `highest`."""
    if not text or len(text) > 6 or not _has_only(text, _DIGITS) or (text[0] == "0" and len(text) > 1):
        return -1
    value = int(text)
    return value if value <= highest else -1


def _has_only(text: str, letters: str) -> bool:
    return not [letter for letter in text if letter not in letters]
